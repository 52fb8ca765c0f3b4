//! Relaxed solves of few steps, of no samples, and of systems that are undetermined.

use super::device::{Built, compare};
use mechc::artifact::Axis;
use mechc::artifact::device::{DeviceFailure, DeviceProgram, DeviceStep, Kernel};
use mechc::base::{Elem, SolvePrecision, Tensor, TensorData};
use mechc::codegen;
use mechc::driver::conformance::{Case, SolveForm, StepAxes, cases, golden, worst};
use mechc::runtime::{Executable, TensorView, Threads};

fn case(form: SolveForm, samples: usize, steps: usize) -> Case {
    let Ok(case) = form.case(&format!("{samples} samples of {steps} steps"), samples, steps) else {
        panic!("{form:?} is well-formed")
    };
    case
}

#[test]
fn short_times_and_empty_batches_are_solved_too() {
    for steps in [1, 2, 3] {
        compare(&[case(SolveForm::new(1, 3, 3, true, false), 3, steps)]);
    }
    compare(&[case(SolveForm::new(1, 3, 1, true, false), 0, 4)]);
}

#[test]
fn steps_that_differ_within_a_system_are_solved_with_their_gradients() {
    for central in [false, true] {
        for own in [[true, true], [true, false], [false, true], [false, false]] {
            let steps = if own[1] { StepAxes::Interval(6) } else { StepAxes::Shared(6) };
            let form = |states, orders| SolveForm { steps, ..SolveForm::new(states, orders, 1, own[0], central) };
            compare(&[case(form(1, 3), 3, 7), case(form(2, 4), 3, 7)]);
        }
        let form = SolveForm { steps: StepAxes::Shared(6), ..SolveForm::new(2, 2, 1, true, central) };
        compare(&[case(form, 3, 7)]);
    }
}

/// How the systems of a form are done, and what its program has of that.
struct Regime {
    name: &'static str,
    form: SolveForm,
    samples: usize,
    steps: usize,
    /// Threads that factor whole systems, and segments of their time.
    threads: [u64; 2],
    /// Whether a thread keeps the matrices of a step in registers.
    unrolled: bool,
}

const REGIMES: [Regime; 10] = {
    use SolvePrecision::{F32, F64, Mixed};
    const fn form(states: usize, own: bool, central: bool, precision: SolvePrecision) -> SolveForm {
        SolveForm { precision, ..SolveForm::new(states, 3, 1, own, central) }
    }
    const fn whole(name: &'static str, form: SolveForm, threads: u64) -> Regime {
        Regime { name, form, samples: 4, steps: 6, threads: [threads, 0], unrolled: form.states < 3 }
    }
    const fn cut(name: &'static str, form: SolveForm, threads: u64) -> Regime {
        Regime { name, form, samples: 3, steps: 200, threads: [0, threads], unrolled: form.states < 3 }
    }
    [
        whole("one thread for each system", form(1, true, false, F64), 4),
        whole("blocks of 6", form(2, true, false, F64), 4),
        whole("32 threads for each system", form(3, true, false, F64), 4 * 32),
        whole("central rows", form(1, true, true, F64), 4),
        whole("one matrix", form(1, false, false, F64), 1),
        cut("time in segments", form(1, true, false, F64), 3 * 16),
        cut("time in segments, 32 threads for each", form(3, true, false, F64), 3 * 16 * 32),
        whole("single precision", form(1, true, false, F32), 4),
        // And two tries in double precision, for solutions and adjoint solutions that do not settle.
        whole("a factor in single precision", form(1, true, false, Mixed), 3 * 4),
        whole("a factor in single precision, 32 threads for each system", form(3, true, false, Mixed), 3 * 4 * 32),
    ]
};

/// The launches that have threads for so many samples and steps, of kernels whose names begin so: the kernel and the threads.
fn launched<'p>(program: &'p DeviceProgram, what: &str, samples: u64, steps: u64) -> Vec<(&'p Kernel, u64)> {
    let of_axis = |a: &Axis| match a.name.as_str() {
        "sample" => samples,
        "time" => steps,
        _ => a.size.unwrap_or(0) as u64,
    };
    let sizes: Vec<u64> = program.entry.axes.iter().map(of_axis).collect();
    let launches = program.steps.iter().filter_map(|step| match step {
        DeviceStep::Launch(launch) => Some(launch),
        DeviceStep::Gemm(_) => None,
    });
    let all = launches.map(|l| (&program.kernels[l.kernel], l.threads.value(&sizes).expect("a count")));
    all.filter(|(kernel, threads)| kernel.name.starts_with(what) && *threads > 0).collect()
}

/// Case and program of a regime, with gradients or, in single precision, which is mixed with them, without.
fn in_regime(Regime { name, form, samples, steps, .. }: &Regime) -> Case {
    let Ok(case) = form.case_of(form.precision != SolvePrecision::F32, name, *samples, *steps) else {
        panic!("{form:?} is well-formed")
    };
    case
}

#[test]
fn regimes_are_what_their_names_say() {
    for regime in &REGIMES {
        let Regime { name, form, samples, steps, threads, unrolled } = regime;
        let case = in_regime(regime);
        let program = case.device_program();
        let of = |what: &str| launched(&program, what, *samples as u64, *steps as u64);
        let found = ["f_factor", "f_segments"].map(|what| of(what).iter().map(|(_, threads)| threads).sum::<u64>());
        assert_eq!(found, *threads, "{name}");
        let factors = [of("f_factor"), of("f_segments")].concat();
        assert!(factors.iter().all(|(kernel, _)| kernel.unrolled == *unrolled), "{name}");
        assert!(*unrolled || factors.iter().all(|(kernel, _)| kernel.block == 32), "{name}");
        // Numbers of factors and of what is solved for.
        let of_type = |elem: Elem| program.scratch.iter().any(|scratch| scratch.elem == elem);
        let expected = match form.precision {
            SolvePrecision::F64 => [false, true],
            SolvePrecision::F32 => [true, false],
            SolvePrecision::Mixed => [true, true],
        };
        assert_eq!([Elem::F32, Elem::F64].map(of_type), expected, "{name}");
        assert_eq!(case.single_solve(), form.precision == SolvePrecision::F32, "{name}");
    }
}

#[test]
fn a_number_that_is_none_is_named_with_its_sample_and_step_in_every_regime() {
    let cases: Vec<Case> = REGIMES.iter().map(in_regime).collect();
    let built = Built::new(cases.iter().map(Case::device_program).collect());
    for (at, (case, &Regime { name, form, samples, steps, .. })) in cases.iter().zip(&REGIMES).enumerate() {
        let t = steps / 2 + 1;
        let width = form.states * form.orders;
        // The first coefficient of the last equation of the sample before the last, or of all.
        let coefficient = |sample: usize| ((sample * form.equations + form.equations - 1) * steps + t) * width;
        let sample = if form.own { samples - 2 } else { 0 };
        let with = |parameter: usize, place: usize| {
            let mut arguments = case.arguments.clone();
            let TensorData::F64(numbers) = arguments[parameter].data_mut() else { panic!("double precision") };
            numbers[place] = f64::NAN;
            let (results, failed) = built.run(at, &arguments);
            let (check, sample, time) = failed.unwrap_or_else(|| panic!("{name}: a failure"));
            (results, (check.failure, sample, time))
        };
        let (_, found) = with(0, coefficient(sample));
        assert_eq!(found, (DeviceFailure::Undetermined, sample as u64, t as u64), "{name}: a coefficient");
        // A right-hand side of one system spoils all of this one, and no other.
        let (results, found) = with(1, ((samples - 2) * form.equations + form.equations - 1) * steps + t);
        assert_eq!(found, (DeviceFailure::NotFinite, samples as u64 - 2, 0), "{name}: a right-hand side");
        let bad: Vec<bool> = results[0].chunks(steps * width).map(|u| u.iter().any(|x| !x.is_finite())).collect();
        let expected: Vec<bool> = (0..samples).map(|sample| sample == samples - 2).collect();
        assert_eq!(bad, expected, "{name}");
    }
}

#[test]
fn published_cases_are_solved_as_published() {
    let Ok(cases) = golden() else { panic!("the cases are read") };
    let double = cases.iter().filter(|c| !c.name.ends_with(", f32") && !c.name.ends_with(", mixed")).count();
    assert_eq!(double, 12);
    let alone = cases.iter().filter(|c| c.name.ends_with(", solution alone, f32")).count();
    assert_eq!((cases.len(), alone), (double + 2 * 10 + 8, 8), "short ones in the other precisions too");
    assert!(cases.iter().any(|c| c.name == "published: smnn_long_2000"));
    assert!(cases.iter().all(|c| c.golden.is_some()));
    compare(&cases);
}

#[test]
fn every_regime_is_solved_in_each_precision() {
    let Ok(cases) = cases("solve: ") else { panic!("the cases are made") };
    for precision in SolvePrecision::ALL.into_iter().filter(|p| *p != SolvePrecision::F64) {
        let named = |c: &&Case| c.name.ends_with(&format!(", {}", precision.name()));
        // In single precision all but the widest block, and some with gradients.
        let expected = if precision == SolvePrecision::F32 { 24 + 8 + 2 } else { 21 + 2 };
        assert_eq!(cases.iter().filter(named).count(), expected, "{precision:?}");
    }
    compare(&cases);
}

#[test]
fn fifty_steps_keep_their_digits_in_each_precision() {
    let of = |precision, form: SolveForm| case(SolveForm { precision, ..form }, 4, 50);
    for precision in SolvePrecision::ALL {
        let steps = StepAxes::Interval(49);
        let form = |states, own| of(precision, SolveForm::new(states, 3, 1, own, false));
        let uneven = of(precision, SolveForm { steps, ..SolveForm::new(2, 3, 1, true, true) });
        compare(&[form(1, true), form(1, false), form(3, true), uneven]);
    }
    // Without gradients all of a solve is in single precision.
    let precision = SolvePrecision::F32;
    for (states, own) in [(1, true), (1, false), (3, true)] {
        let form = SolveForm { precision, ..SolveForm::new(states, 3, 1, own, false) };
        let Ok(alone) = form.case_of(false, "fifty steps", 4, 50) else { panic!("{form:?} is well-formed") };
        assert!(alone.single_solve(), "{form:?}");
        compare(&[alone]);
    }
}

#[test]
fn matrices_beyond_shared_memory_are_solved_with_factors_in_single_precision() {
    let form = SolveForm { precision: SolvePrecision::Mixed, ..SolveForm::new(14, 4, 2, true, true) };
    let wide = case(form, 2, 4);
    assert!(wide.device_program().source.contains("float* a = (float*)(work"), "some arrays are outside");
    compare(&[wide]);
}

#[test]
fn a_factor_that_single_precision_cannot_hold_is_made_in_double_precision() {
    [(false, None), (true, None), (true, Some(0.3))].into_iter().for_each(factor_beyond_single_precision);
}

fn factor_beyond_single_precision((central, slack): (bool, Option<f64>)) {
    let form = |precision| SolveForm { precision, slack, ..SolveForm::new(1, 3, 1, true, central) };
    let Case { program: double, arguments, .. } = case(form(SolvePrecision::F64), 2, 4000);
    let mixed = case(form(SolvePrecision::Mixed), 2, 4000).program;
    // In the second program the tries in double precision do nothing.
    let [kept, mut without] = [&mixed, &mixed].map(codegen::cuda::generate);
    without.source = without.source.replace("if (*narrow == ~0ull) return;", "return;");
    assert_ne!(kept.source, without.source);
    let built = Built::new(vec![codegen::cuda::generate(&double), kept, without]);
    let at = double.entry.params.iter().position(|p| p.name == "h").expect("a step size");
    let tried = |step: f64| {
        let mut arguments = arguments.clone();
        arguments[at].data_mut().clone_from(&TensorData::F64(vec![step]));
        let [(expected, failed), found, without] = [0, 1, 2].map(|program| built.run(program, &arguments));
        assert_eq!((failed, &found.1), (None, &None));
        // Of the solution and of each gradient.
        let errors = |of: &[Vec<f64>]| expected.iter().zip(of).map(|(e, f)| worst(e, f)).collect::<Vec<f64>>();
        (errors(&found.0), errors(&without.0))
    };
    let (settled, without) = tried(1e-3);
    // Gradients over 4,000 steps are differences of numbers that are nearly the same.
    assert!(settled[0] < 1e-10 && settled.iter().all(|e| *e < 1e-7) && settled == without, "{settled:?} {without:?}");
    // Neighbouring steps are nearly the same equation: beyond single precision, not beyond double, whose solution it is. The adjoint
    // settles, or not, by itself.
    let (again, without) = tried(1e-4);
    assert!(again[0] < 1e-10 && without[0] > 1e-8, "{again:?} {without:?}");
    // The second try is whole, and double precision cuts time here: the gradients of coefficients, the second result, are differences that keep fewer digits.
    assert!(again.iter().enumerate().all(|(at, e)| *e < if at == 1 { 1e-6 } else { 1e-10 }), "{again:?}");
    // With central rows double precision does a system whole too, and gives the same bits.
    assert!(!central || again[0] == 0.0 && again.iter().all(|e| *e < 1e-10), "{again:?}");
}

#[test]
fn few_long_systems_are_cut_in_time() {
    // Other matrices at each step, so that a step taken for another one shows; blocks of one thread and of a group of lanes.
    for own in [true, false] {
        let at = |states, samples, steps| case(SolveForm::new(states, 3, 1, own, false), samples, steps);
        compare(&[at(1, 1, 128), at(1, 3, 200), at(1, 1, 511), at(1, 1, 2000), at(1, 3, 1001), at(4, 3, 200)]);
    }
    compare(&[case(SolveForm::new(4, 3, 1, true, false), 1, 2000)]);
}

#[test]
fn time_is_cut_for_every_kind_of_step_and_start() {
    for own in [[true, true], [true, false], [false, true], [false, false]] {
        let steps = if own[1] { StepAxes::Interval(199) } else { StepAxes::Shared(199) };
        let form = |states, orders| SolveForm { steps, ..SolveForm::new(states, orders, 1, own[0], false) };
        compare(&[case(form(1, 3), 3, 200), case(form(2, 4), 3, 200)]);
    }
    // Initial values up to beyond the first separator, and more equations than states.
    let form = SolveForm { start: 20, equations: 3, steps: StepAxes::Sample, ..SolveForm::new(2, 3, 2, true, false) };
    compare(&[case(form, 2, 200)]);
    // Blocks whose arrays are beyond shared memory.
    let wide = case(SolveForm::new(14, 4, 2, true, false), 1, 130);
    assert!(wide.device_program().source.contains("work + (word)blockIdx.x"), "some arrays are outside");
    compare(&[wide]);
}

#[test]
fn cut_or_whole_follows_from_the_sizes() {
    let form = SolveForm::new(1, 3, 1, true, false);
    let program = codegen::cuda::generate(&case(form, 1, 128).program);
    let threads = |samples: u64, steps: u64| {
        let of = |what| launched(&program, what, samples, steps).iter().map(|(_, threads)| threads).sum::<u64>();
        (of("f_factor"), of("f_segments"))
    };
    assert_eq!(threads(1, 127), (1, 0));
    assert_eq!(threads(1, 128), (0, 16));
    assert_eq!(threads(1024, 2000), (0, 1024 * 32));
    assert_eq!(threads(1025, 2000), (1025, 0));
    // Where a program says how many there are, only one way is in its source.
    let fixed = |steps| case(SolveForm { steps: StepAxes::Shared(steps - 1), ..form }, 1, steps).device_program();
    assert!(!fixed(100).source.contains("segments"), "too short to be cut");
}

/// What a program gives on the processor.
fn on_processor(case: &Case) -> Vec<Vec<f64>> {
    let views: Vec<TensorView<'_>> = case.arguments.iter().map(TensorView::from).collect();
    let host = codegen::host::compile("test", vec![case.program.clone()]).expect("host code");
    let threads = Threads::new(1).expect("a thread");
    let mut host = Executable::new(&host, &case.program.entry.name, threads).expect("the entry");
    host.run(&views).expect("the host runs").iter().map(Tensor::to_f64).collect()
}

/// Residuals of the equations, `rhs - c u`, of a form with a matrix for each sample.
fn residuals(case: &Case, u: &[f64]) -> Vec<f64> {
    let (c, rhs) = (case.arguments[0].to_f64(), case.arguments[1].to_f64());
    let (samples, equations, steps) =
        (case.arguments[1].shape()[0], case.arguments[1].shape()[1], case.arguments[1].shape()[2]);
    let n = u.len() / samples / steps;
    let one = |row: usize| {
        let (sample, t) = (row / steps / equations, row % steps);
        rhs[row] - (0..n).map(|i| c[row * n + i] * u[(sample * steps + t) * n + i]).sum::<f64>()
    };
    (0..rhs.len()).map(one).collect()
}

#[test]
fn gradients_in_single_precision_are_right_and_not_only_the_same_everywhere() {
    for (states, steps) in [(1, 7), (2, 7), (3, 50)] {
        let of = |precision| case(SolveForm { precision, ..SolveForm::new(states, 3, 1, true, false) }, 3, steps);
        let (narrow, double) = (of(SolvePrecision::F32), of(SolvePrecision::F64));
        assert!(!narrow.single_solve(), "its gradients need more");
        let exact = on_processor(&double);
        // Why they do: residuals of the exact solution, rounded, are this far off, whatever computes them.
        let rounded: Vec<f64> = exact[0].iter().map(|&x| f64::from(x as f32)).collect();
        let share = worst(&residuals(&double, &exact[0]), &residuals(&double, &rounded));
        assert!(share > 1e-5, "{share:e}");
        let (device, failed) = Built::new(vec![narrow.device_program()]).run(0, &narrow.arguments);
        assert_eq!(failed, None);
        for (what, found) in [("processor", on_processor(&narrow)), ("device", device)] {
            for (port, (exact, found)) in narrow.program.entry.results.iter().zip(exact.iter().zip(&found)) {
                let error = worst(exact, found);
                assert!(error <= 1e-10, "{what}, {states} states, {}: {error:e} of {share:e}", port.name);
            }
        }
    }
}

/// A step size for a case, and an equation of second order for each state.
fn of_second_order(mut case: Case, orders: usize, h: f64) -> Case {
    let mut numbers = |name: &str, of: &dyn Fn(usize) -> f64| {
        let at = case.program.entry.params.iter().position(|p| p.name == name).expect("a parameter");
        let TensorData::F64(numbers) = case.arguments[at].data_mut() else { panic!("double precision") };
        numbers.iter_mut().enumerate().for_each(|(i, x)| *x = of(i));
    };
    numbers("h", &|_| h);
    numbers("c", &|i| match i % orders {
        0 => 1.0 + 0.3 * (i as f64).sin(),
        1 => 0.1,
        2 => 1.0,
        _ => 0.0,
    });
    case
}

#[test]
fn gradients_of_starts_that_leave_much_open_do_not_depend_on_the_place() {
    // Small steps: residuals are less than a rounding unit of what they are differences of.
    let forms = [(1, true, 3), (1, false, 3), (2, true, 40), (3, true, 3), (1, true, 2000)];
    let cases = forms.map(|(states, own, samples)| {
        let form = SolveForm::new(states, 5, 2, own, false);
        of_second_order(case(form, samples, 50), 5, 0.01)
    });
    compare(&cases);
    let uneven = SolveForm { steps: StepAxes::Interval(49), ..SolveForm::new(1, 5, 2, true, false) };
    let states = SolveForm { steps: StepAxes::States(49), ..SolveForm::new(1, 5, 2, true, false) };
    compare(&[uneven, states].map(|form| of_second_order(case(form, 3, 50), 5, 0.01)));
}

#[test]
fn corrections_that_do_not_settle_are_a_failure_with_its_sample() {
    // Without a start, and with six derivatives in steps of a hundredth, the normal matrix is nearly singular. Systems of 200 steps are cut in time.
    // With gradients whole systems keep residuals too, and are solved pass by pass.
    let cases = [(100, true), (200, true), (100, false)].map(|(steps, gradients)| {
        let form = SolveForm { steps: StepAxes::Sample, ..SolveForm::new(1, 6, 0, true, false) };
        let Ok(made) = form.case_of(gradients, &format!("{steps} steps, {gradients}"), 4, steps) else {
            panic!("{form:?} is well-formed")
        };
        assert_eq!(made.device_program().source.contains("f_pass0"), gradients, "{}", made.name);
        let mut case = of_second_order(made, 6, 0.1);
        let at = case.program.entry.params.iter().position(|p| p.name == "h").expect("step sizes");
        case.arguments[at].data_mut().clone_from(&TensorData::F64(vec![0.1, 0.1, 0.01, 0.1]));
        case
    });
    let built = Built::new(cases.iter().map(Case::device_program).collect());
    for (at, case) in cases.iter().enumerate() {
        let (check, sample, _) = built.run(at, &case.arguments).1.expect("a failure");
        assert_eq!((check.failure, sample), (DeviceFailure::Unsettled, 2), "{}", case.name);
    }
}

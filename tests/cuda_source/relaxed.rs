//! Relaxed solves of few steps, of no samples, and of systems that are undetermined.

use super::device::{Built, compare};
use mechc::artifact::device::DeviceFailure;
use mechc::base::{SolvePrecision, TensorData};
use mechc::codegen;
use mechc::driver::conformance::{Case, SolveForm, StepAxes, cases, golden, worst};

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

#[test]
fn an_undetermined_system_is_named_with_its_sample_and_step() {
    let Case { program, arguments: mut args, .. } = case(SolveForm::new(1, 3, 1, true, false), 4, 6);
    let c = args[0].data_mut();
    if let mechc::base::TensorData::F64(c) = c {
        // Equation 0 of sample 2 at step 3.
        c[(2 * 6 + 3) * 3] = f64::NAN;
    }
    let built = Built::new(vec![codegen::cuda::generate(&program)]);
    let (_, failed) = built.run(0, &args);
    let (check, sample, time) = failed.expect("a failure");
    assert_eq!((check.failure, sample, time), (DeviceFailure::Undetermined, 2, 3));
}

#[test]
fn published_cases_are_solved_as_published() {
    let Ok((cases, left_out)) = golden() else { panic!("the cases are read") };
    // What a device cannot do is named with the reason.
    let double = cases.iter().filter(|c| !c.name.ends_with(", f32") && !c.name.ends_with(", mixed")).count();
    assert_eq!((double, left_out.len()), (5, 7));
    assert_eq!(cases.len(), double + 3 + 4, "those that single precision determines in the other precisions too");
    assert!(cases.iter().any(|c| c.name == "published: smnn_long_2000"), "{left_out:?}");
    for (name, reason) in &left_out {
        assert!(reason.contains("on the processor only"), "{name}: {reason}");
    }
    assert!(cases.iter().all(|c| c.golden.is_some()));
    compare(&cases);
}

#[test]
fn every_regime_is_solved_in_each_precision() {
    let Ok(cases) = cases("solve: ") else { panic!("the cases are made") };
    for precision in SolvePrecision::ALL.into_iter().filter(|p| *p != SolvePrecision::F64) {
        let named = |c: &&Case| c.name.ends_with(&format!(", {}", precision.name()));
        let expected = if precision == SolvePrecision::F32 { 20 } else { 21 };
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
    let form = |precision| SolveForm { precision, ..SolveForm::new(1, 3, 1, true, false) };
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
    // Neighbouring steps are nearly the same equation: beyond single precision, not beyond double, whose solution it is to the last bit.
    // The adjoint settles, or not, by itself.
    let (again, without) = tried(1e-4);
    assert!(again[0] == 0.0 && again.iter().all(|e| *e < 1e-10) && without[0] > 1e-8, "{again:?} {without:?}");
}

#[test]
fn what_double_precision_cannot_solve_either_is_named() {
    let form = SolveForm { precision: SolvePrecision::Mixed, ..SolveForm::new(1, 3, 1, true, false) };
    let Case { program, arguments: mut args, .. } = case(form, 4, 6);
    let TensorData::F64(c) = args[0].data_mut() else { panic!("double precision") };
    // Equation 0 of sample 2 at step 3.
    c[(2 * 6 + 3) * 3] = f64::NAN;
    let (_, failed) = Built::new(vec![codegen::cuda::generate(&program)]).run(0, &args);
    let (check, sample, time) = failed.expect("a failure");
    assert_eq!((check.failure, sample, time), (DeviceFailure::Undetermined, 2, 3));
}

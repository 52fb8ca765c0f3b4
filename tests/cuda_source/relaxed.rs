//! Relaxed solves of few steps, of no samples, and of systems that are undetermined.

use super::device::{Built, compare};
use mechc::artifact::device::DeviceFailure;
use mechc::codegen;
use mechc::driver::conformance::{Case, SolveForm, StepAxes, golden};

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
    assert_eq!(cases.len() + left_out.len(), 12);
    assert!(cases.iter().any(|c| c.name == "published: smnn_long_2000"), "{left_out:?}");
    for (name, reason) in &left_out {
        assert!(reason.contains("on the processor only"), "{name}: {reason}");
    }
    assert!(cases.iter().all(|c| c.golden.is_some()));
    compare(&cases);
}

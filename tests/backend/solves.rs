//! Relaxed solves: what is kept between calls must never show, and failures have names.

use super::check::{bits, executable};
use mechc::base::Tensor;
use mechc::ir;
use mechc::runtime::{RuntimeError, TensorView};

/// A harmonic oscillator with a damping for all samples, and the gradient of the sum of its states.
const TEXT: &str = "module T
axis sample
axis time
axis state = 1
axis order = 4
axis equation = 1
axis start = 1
axis given = 2
func f(%c: f64[equation, time, state, order], %rhs: f64[sample, equation, time], %iv: f64[start, state, given], %h: f64[]) {
  %u = solve %c, %rhs, %iv, %h, time = time, state = state, order = order, equation = equation, start = start, given = given, central = false, weights = [1.0, 1.0, 1.0] : f64[sample, time, state, order]
  %one = const 1.0 : f64[]
  %g = broadcast %one : f64[sample, time, state, order]
  %c_adj, %rhs_adj, %iv_adj, %h_adj = solve_adjoint %c, %rhs, %iv, %h, %u, %g, time = time, state = state, order = order, equation = equation, start = start, given = given, central = false, weights = [1.0, 1.0, 1.0] : f64[equation, time, state, order], f64[sample, equation, time], f64[start, state, given], f64[]
  return u = %u, c_adj = %c_adj, rhs_adj = %rhs_adj, iv_adj = %iv_adj, h_adj = %h_adj
}
";

fn args(samples: usize, steps: usize, damping: f64, h: f64) -> Vec<Tensor> {
    let c = [1.0, damping, 1.0, 0.0].repeat(steps);
    let rhs = (0..samples * steps).map(|i| (i as f64 * 0.37).sin()).collect();
    vec![
        Tensor::from_f64(vec![1, steps, 1, 4], c).expect("it fits"),
        Tensor::from_f64(vec![samples, 1, steps], rhs).expect("it fits"),
        Tensor::from_f64(vec![1, 1, 2], vec![0.5, -0.25]).expect("it fits"),
        Tensor::scalar(h),
    ]
}

#[test]
fn a_kept_factor_never_shows() {
    let module = ir::parse(TEXT).expect("the text is well-formed");
    let mut kept = executable(&module, "f", 2);
    let calls = [
        (5, 20, 0.1, 0.1),
        (5, 20, 0.1, 0.1),
        (9, 20, 0.1, 0.1),
        (9, 20, 0.3, 0.1),
        (9, 20, 0.3, 0.2),
        (3, 11, 0.3, 0.2),
    ];
    for (samples, steps, damping, h) in calls {
        let args = args(samples, steps, damping, h);
        let views: Vec<TensorView<'_>> = args.iter().map(TensorView::from).collect();
        let again = kept.run(&views).expect("it runs");
        let fresh = executable(&module, "f", 1).run(&views).expect("it runs");
        for (a, b) in again.iter().zip(&fresh) {
            assert_eq!(bits(a), bits(b), "with {samples} samples, {steps} steps, damping {damping}, h {h}");
        }
        let reference = mechc::interp::run(&module, "f", &args).expect("the reference evaluates");
        for (a, b) in fresh.iter().zip(&reference) {
            let scale = b.to_f64().iter().fold(1.0_f64, |m, x| m.max(x.abs()));
            // The reference factors the rows, the engine their normal equations: the difference is the latter's rounding.
            let close = a.to_f64().iter().zip(b.to_f64()).all(|(a, b)| (a - b).abs() <= 1e-9 * scale);
            assert!(close, "{a:?} is not {b:?}");
        }
    }
}

/// Many short systems with one matrix are solved by an explicit matrix, forwards and, where only right-hand sides and initial
/// values are owed gradients, backwards.
#[test]
fn many_systems_with_one_matrix_equal_the_reference() {
    let whole = "return u = %u, c_adj = %c_adj, rhs_adj = %rhs_adj, iv_adj = %iv_adj, h_adj = %h_adj";
    let part = "return u = %u, rhs_adj = %rhs_adj, iv_adj = %iv_adj";
    for text in [TEXT.to_string(), TEXT.replace(whole, part)] {
        let module = ir::parse(&text).expect("the text is well-formed");
        let args = args(300, 20, 0.1, 0.1);
        let views: Vec<TensorView<'_>> = args.iter().map(TensorView::from).collect();
        let one = executable(&module, "f", 1).run(&views).expect("it runs");
        let three = executable(&module, "f", 3).run(&views).expect("it runs");
        let reference = mechc::interp::run(&module, "f", &args).expect("the reference evaluates");
        for ((a, b), r) in one.iter().zip(&three).zip(&reference) {
            assert_eq!(bits(a), bits(b));
            let scale = r.to_f64().iter().fold(1.0_f64, |m, x| m.max(x.abs()));
            let close = a.to_f64().iter().zip(r.to_f64()).all(|(a, r)| (a - r).abs() <= 1e-9 * scale);
            assert!(close, "{} results", one.len());
        }
    }
}

/// Steps that samples have of their own, that differ from interval to interval, and both.
#[test]
fn steps_of_their_own_equal_the_reference() {
    for (axes, central) in
        [("sample", false), ("interval", false), ("sample, interval", false), ("sample, interval", true)]
    {
        let step = format!("f64[{axes}]");
        let text =
            TEXT.replace("axis time", "axis time = 12\naxis interval = 11").replace("f64[])", &format!("{step})"));
        let text = text.replace("given], f64[]", &format!("given], {step}"));
        let module = ir::parse(&text.replace("central = false", &format!("central = {central}"))).expect("well-formed");
        for samples in [3, 90] {
            let mut args = args(samples, 12, 0.1, 0.1);
            let shape: Vec<usize> = axes.split(", ").map(|axis| if axis == "sample" { samples } else { 11 }).collect();
            let count: usize = shape.iter().product();
            let steps = (0..count).map(|i| 0.1 + 0.04 * (1.3 * i as f64).sin()).collect();
            args[3] = Tensor::from_f64(shape, steps).expect("it fits");
            let views: Vec<TensorView<'_>> = args.iter().map(TensorView::from).collect();
            let mut kept = executable(&module, "f", 3);
            let one = executable(&module, "f", 1).run(&views).expect("it runs");
            let reference = mechc::interp::run(&module, "f", &args).expect("the reference evaluates");
            for three in [kept.run(&views).expect("it runs"), kept.run(&views).expect("it runs again")] {
                for ((a, b), r) in one.iter().zip(&three).zip(&reference) {
                    assert_eq!(bits(a), bits(b));
                    let scale = r.to_f64().iter().fold(1.0_f64, |m, x| m.max(x.abs()));
                    let close = a.to_f64().iter().zip(r.to_f64()).all(|(a, r)| (a - r).abs() <= 1e-9 * scale);
                    assert!(close, "steps over {axes}, {samples} samples: {a:?} is not {r:?}");
                }
            }
        }
    }
}

#[test]
fn a_solve_that_fails_is_an_error_and_the_next_call_works() {
    let module = ir::parse(TEXT).expect("the text is well-formed");
    let mut exe = executable(&module, "f", 1);
    let call = |exe: &mut mechc::runtime::Executable, damping| {
        let args = args(2, 6, damping, 0.1);
        let views: Vec<TensorView<'_>> = args.iter().map(TensorView::from).collect();
        exe.run(&views)
    };
    let good = call(&mut exe, 0.2).expect("it runs");
    let failed = call(&mut exe, f64::NAN);
    assert!(matches!(&failed, Err(RuntimeError::Solve { entry, .. }) if entry == "f"), "{failed:?}");
    assert_eq!(call(&mut exe, 0.2), Ok(good));
}

/// Starts that weigh so little that they are lost in the normal matrix, and not in the rows.
#[test]
fn solves_by_rows_are_told_by_every_copy() {
    for (weight, by_rows) in [("1.0", false), ("1e-7", true)] {
        let text = TEXT.replace("weights = [1.0, 1.0, 1.0]", &format!("weights = [1.0, {weight}, 1.0]"));
        let module = ir::parse(&text).expect("the text is well-formed");
        let first = executable(&module, "f", 1);
        let args = args(3, 12, 0.1, 0.01);
        let views: Vec<TensorView<'_>> = args.iter().map(TensorView::from).collect();
        assert_eq!(first.solved_by_rows(), None);
        let results = first.again().run(&views).expect("it runs");
        assert_eq!(first.solved_by_rows().is_some(), by_rows, "{weight}: {:?}", first.solved_by_rows());
        let reference = mechc::interp::run(&module, "f", &args).expect("the reference evaluates");
        let scale = reference[0].to_f64().iter().fold(1.0_f64, |m, x| m.max(x.abs()));
        // A condition number of about 1e9 takes half of the digits.
        let bound = if by_rows { 1e-6 } else { 1e-9 } * scale;
        let close = results[0].to_f64().iter().zip(reference[0].to_f64()).all(|(a, b)| (a - b).abs() <= bound);
        assert!(close, "{weight}: {:?} is not {:?}", results[0], reference[0]);
    }
}

//! The evaluator against numbers worked out by hand and against properties of the solutions.

use super::{InterpError, run};
use crate::base::{Elem, Tensor};
use crate::ir::{Module, parse};

fn tensor(shape: &[usize], data: &[f64]) -> Tensor {
    Tensor::from_f64(shape.to_vec(), data.to_vec()).expect("shape and data fit")
}

fn module(params: &str, body: &str) -> Module {
    let axes = "module m\naxis t\naxis s\naxis k = 3\naxis j = 2\naxis k2 = 3\naxis one = 1\naxis e = 1\naxis o = 4\naxis o3 = 3\naxis st = 1\naxis g = 2\n";
    let text = format!("{axes}func f({params}) {{\n{body}\n}}");
    parse(&text).unwrap_or_else(|e| panic!("{e} in {text}"))
}

fn check(params: &str, body: &str, args: &[Tensor], wanted: &[Tensor]) {
    assert_eq!(run(&module(params, body), "f", args), Ok(wanted.to_vec()), "for ({params}) {body}");
}

fn check_error(params: &str, body: &str, args: &[Tensor], wanted: InterpError) {
    assert_eq!(run(&module(params, body), "f", args), Err(wanted), "for ({params}) {body}");
}

#[test]
fn rearrangements() {
    let x = || tensor(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let p = "%x: f64[t, k]";
    let one = |line: &str, ty: &str, shape: &[usize], data: &[f64]| {
        check(p, &format!("%y = {line} : {ty} return y = %y"), &[x()], &[tensor(shape, data)]);
    };
    one("transpose %x", "f64[k, t]", &[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    one("reshape %x", "f64[s]", &[6], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    one("sum %x, over = [t]", "f64[k]", &[3], &[5.0, 7.0, 9.0]);
    one("sum %x, over = [k, t]", "f64[]", &[], &[21.0]);
    one("index %x, k = 1", "f64[t]", &[2], &[2.0, 5.0]);
    let placed = [0.0, 1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 4.0, 0.0, 5.0, 0.0, 6.0];
    one("place %x, j = 1", "f64[t, k, j]", &[2, 3, 2], &placed);
    let twice = [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 4.0, 5.0, 6.0];
    one("stack %x, %x, axis = j", "f64[t, j, k]", &[2, 2, 3], &twice);
    one("broadcast %x", "f64[t, j, k]", &[2, 2, 3], &twice);
    one("contract %x, %x, over = [k]", "f64[t]", &[2], &[14.0, 77.0]);
    one("contract %x, %x, over = [t, k]", "f64[]", &[], &[91.0]);
}

#[test]
fn products_of_matrices() {
    let (a, b) = (tensor(&[1, 3], &[1.0, 2.0, 3.0]), tensor(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    let body = "%y = contract %a, %b, over = [k] : f64[j, t] return y = %y";
    check("%a: f64[t, k], %b: f64[k, j]", body, &[a, b], &[tensor(&[2, 1], &[22.0, 28.0])]);
}

#[test]
fn single_precision_rounds_after_every_operation() {
    let x = Tensor::from_f32(vec![2], vec![1.0e8, 1.0]).expect("two numbers");
    let body = "%y = sum %x, over = [t] : f32[] %z = convert %y : f64[] return z = %z";
    check("%x: f32[t]", body, &[x], &[Tensor::scalar(1.0e8)]);
    let body = "%a = const 0.1 : f32[] %b = sin %a : f32[] %c = mul %b, %b : f32[] return c = %c";
    let sin = libm::sinf(0.1);
    check("", body, &[], &[Tensor::from_f32(vec![], vec![sin * sin]).expect("one number")]);
}

#[test]
fn sums_add_in_memory_order() {
    let x = tensor(&[3], &[1e16, 1.0, -1e16]);
    check("%x: f64[k]", "%y = sum %x, over = [k] : f64[] return y = %y", &[x], &[Tensor::scalar(0.0)]);
}

#[test]
fn comparisons_with_nan_are_false() {
    let body = "%y = select_le %x, %x, %a, %b : f64[] return y = %y";
    let args = [f64::NAN, 1.0, 2.0].map(Tensor::scalar);
    check("%x: f64[], %a: f64[], %b: f64[]", body, &args, &[Tensor::scalar(2.0)]);
}

#[test]
fn arguments_that_do_not_fit() {
    let x = || tensor(&[2, 3], &[0.0; 6]);
    let p = "%x: f64[t, k]";
    check_error(p, "return", &[], InterpError::ArgumentCount { expected: 1, found: 0 });
    let single = Tensor::zeros(Elem::F32, vec![2, 3]);
    check_error(
        p,
        "return",
        &[single],
        InterpError::ArgumentElem { argument: 0, expected: Elem::F64, found: Elem::F32 },
    );
    let flat = Tensor::zeros(Elem::F64, vec![6]);
    check_error(p, "return", &[flat], InterpError::ArgumentRank { argument: 0, expected: 2, found: 1 });
    let size =
        |argument, axis: &str, expected, found| InterpError::AxisSize { argument, axis: axis.into(), expected, found };
    check_error(p, "return", &[Tensor::zeros(Elem::F64, vec![2, 4])], size(0, "k", 3, 4));
    let other = Tensor::zeros(Elem::F64, vec![5]);
    check_error("%x: f64[t, k], %z: f64[t]", "return", &[x(), other], size(1, "t", 2, 5));
    let body = "%c = const 1.0 : f64[] %y = broadcast %c : f64[s] return y = %y";
    check_error(p, body, &[x()], InterpError::Unbound("s".into()));
    let body = "%y = reshape %x : f64[t, s, j] return y = %y";
    check_error(p, body, &[x()], InterpError::Reshape { from: 6, to: 4 });
    assert_eq!(run(&module(p, "return"), "g", &[]), Err(InterpError::NoFunction("g".into())));
    let body = "%y = neg %x : f64[k] return y = %y";
    assert!(matches!(run(&module(p, body), "f", &[x()]), Err(InterpError::Invalid(_))));
}

#[test]
fn masked_symmetric_solve() {
    let p = "%n: f64[k, k2], %r: f64[k], %m: f64[k]";
    let body = "%y = spd_solve %n, %r, %m : f64[k] return y = %y";
    let n = tensor(&[3, 3], &[4.0, 9.0, 0.0, 9.0, 1.0, 9.0, 0.0, 9.0, 2.0]);
    let args = [n.clone(), tensor(&[3], &[8.0, 5.0, 3.0]), tensor(&[3], &[1.0, 0.0, 1.0])];
    let found = run(&module(p, body), "f", &args).expect("positive definite where unmasked");
    let wanted = [2.0, 0.0, 1.5];
    assert!(found[0].to_f64().iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?}");
    let all = [n, tensor(&[3], &[8.0, 5.0, 3.0]), tensor(&[3], &[1.0, 1.0, 1.0])];
    check_error(p, body, &all, InterpError::NotPositiveDefinite);
}

/// A scalar equation `c0 u + c1 u' + c2 u'' = rhs` over `steps` steps, solved by `order` derivatives kept.
fn oscillator(
    kept: usize,
    central: bool,
    steps: usize,
    h: f64,
    rhs: impl Fn(f64) -> f64,
    iv: [f64; 2],
) -> Result<Vec<f64>, InterpError> {
    let order = if kept == 4 { "o" } else { "o3" };
    let p = format!("%c: f64[e, t, one, {order}], %rhs: f64[e, t], %iv: f64[st, one, g], %h: f64[]");
    let body = format!(
        "%u = solve %c, %rhs, %iv, %h, time = t, state = one, order = {order}, equation = e, start = st, given = g, \
         central = {central}, weights = [1.0, 1.0, 1.0] : f64[t, one, {order}] %y = index %u, {order} = 0 : f64[t, one] return y = %y"
    );
    let row: Vec<f64> = (0..kept).map(|k| if k == 0 || k == 2 { 1.0 } else { 0.0 }).collect();
    let c = tensor(&[1, steps, 1, kept], &row.repeat(steps));
    let rhs: Vec<f64> = (0..steps).map(|t| rhs(t as f64 * h)).collect();
    let args = [c, tensor(&[1, steps], &rhs), tensor(&[1, 1, 2], &iv), Tensor::scalar(h)];
    run(&module(&p, &body), "f", &args).map(|results| results[0].to_f64())
}

fn largest_error(found: &[f64], h: f64, wanted: impl Fn(f64) -> f64) -> f64 {
    found.iter().enumerate().map(|(t, u)| (u - wanted(t as f64 * h)).abs()).fold(0.0, f64::max)
}

#[test]
fn relaxed_solve_is_exact_for_polynomials() {
    // u = 1 - t + t^2 / 2 solves u'' + u = 2 - t + t^2 / 2; all rows hold exactly when no derivative is cut off.
    for central in [false, true] {
        let rhs = |t: f64| 2.0 - t + 0.5 * t * t;
        let found = oscillator(3, central, 20, 0.1, rhs, [1.0, -1.0]).expect("determined");
        assert!(largest_error(&found, 0.1, |t| 1.0 - t + 0.5 * t * t) < 1e-11);
    }
}

#[test]
fn relaxed_solve_has_the_published_accuracy() {
    // u'' + u = 0 over 20 time units at h = 0.1: the largest errors of the scheme, to the digits known.
    let error = |kept, central| {
        let found = oscillator(kept, central, 201, 0.1, |_| 0.0, [0.0, 1.0]).expect("determined");
        largest_error(&found, 0.1, f64::sin)
    };
    let plain = error(3, false);
    assert!((plain / 3.6e-1 - 1.0).abs() < 0.02, "{plain}");
    let central = error(3, true);
    assert!((central / 3.1e-2 - 1.0).abs() < 0.02, "{central}");
}

#[test]
fn relaxed_solves_without_a_solution() {
    let many = oscillator(3, false, 0, 0.1, |_| 0.0, [0.0, 1.0]);
    assert_eq!(many, Err(InterpError::StartTooLong { start: 1, steps: 0 }));
    assert_eq!(oscillator(3, false, 5, f64::NAN, |_| 0.0, [0.0, 1.0]), Err(InterpError::SolveSingular));
    assert_eq!(oscillator(3, false, 5, 0.0, |_| 0.0, [0.0, 1.0]), Err(InterpError::SolveSingular));
}

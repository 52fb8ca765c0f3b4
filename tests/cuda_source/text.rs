//! Snapshots of the generated text.

use super::device::compare;
use mechc::base::{SolvePrecision, Tensor};
use mechc::codegen;
use mechc::driver::conformance::{Case, SolveForm, StepAxes};
use mechc::ir;
use mechc::kernel::{self, Program};

fn program(text: &str) -> Program {
    let module = ir::parse(text).expect("the text is well-formed");
    kernel::lower(&module, &module.functions[0]).expect("it lowers")
}

fn source(text: &str) -> String {
    codegen::cuda::generate(&program(text)).source
}

/// A row of positions that do the same with their neighbours, but for the first and the last one. The result has another axis, so that it
/// cannot lie over what it is made of.
fn row(positions: usize) -> String {
    let mut text = format!(
        "module T\naxis time\naxis place = {positions}\naxis next = {positions}\nfunc row(%x: f64[time, place]) {{\n"
    );
    for i in 0..positions {
        text.push_str(&format!("  %x{i} = index %x, place = {i} : f64[time]\n"));
    }
    let mut results = Vec::new();
    for i in 0..positions {
        let (before, after) = (i.max(1) - 1, (i + 1).min(positions - 1));
        text.push_str(&format!(
            "  %a{i} = sub %x{after}, %x{before} : f64[time]\n  %b{i} = mul %a{i}, %x{i} : f64[time]\n  %c{i} = sin %b{i} : f64[time]\n  %d{i} = sub %c{i}, %x{i} : f64[time]\n  %e{i} = powi %d{i}, 3 : f64[time]\n"
        ));
        results.push(format!("%e{i}"));
    }
    text.push_str(&format!(
        "  %y = stack {}, axis = next : f64[time, next]\n  return y = %y\n}}\n",
        results.join(", ")
    ));
    text
}

#[test]
fn a_long_body_is_rolled_up() {
    let text = row(64);
    let program = program(&text);
    let longest = program.nests.iter().map(|nest| nest.insts.len()).max();
    assert!(longest > Some(256), "{longest:?} instructions are no long body");
    insta::assert_snapshot!(codegen::cuda::generate(&program).source);
    // What is left of it computes the same.
    let numbers = (0..64 * 5).map(|i| (f64::from(i) * 0.37).sin()).collect();
    let arguments = vec![Tensor::from_f64(vec![5, 64], numbers).expect("a tensor")];
    let module = ir::parse(&text).expect("the text is well-formed");
    compare(&[Case { name: "row".to_string(), module, program, arguments, golden: None, exact: None }]);
}

#[test]
fn loops_and_sums() {
    insta::assert_snapshot!(source(
        "module T
axis sample
axis time = 50
func loss(%x: f64[sample, time], %y: f32[sample, time]) {
  %z = convert %y : f64[sample, time]
  %d = sub %x, %z : f64[sample, time]
  %q = powi %d, 2 : f64[sample, time]
  %s = sum %q, over = [sample, time] : f64[]
  %e = exp %d : f64[sample, time]
  return loss = %s, weights = %e
}
"
    ));
}

#[test]
fn a_relaxed_solve_with_its_gradients() {
    insta::assert_snapshot!(source(&SolveForm::new(1, 3, 1, false, false).text()));
}

#[test]
fn a_relaxed_solve_with_several_lanes_and_central_rows() {
    insta::assert_snapshot!(source(&SolveForm::new(3, 3, 1, true, true).text()));
}

#[test]
fn a_relaxed_solve_with_its_factor_in_single_precision() {
    let precision = SolvePrecision::Mixed;
    insta::assert_snapshot!(source(&SolveForm { precision, ..SolveForm::new(1, 3, 1, true, false) }.text()));
}

#[test]
fn a_relaxed_solve_with_a_slack_and_steps_of_each_state() {
    let form = SolveForm { slack: Some(0.05), steps: StepAxes::States(9), ..SolveForm::new(2, 2, 1, true, true) };
    insta::assert_snapshot!(source(&form.text()));
}

//! Snapshots of the generated text.

use mechc::base::SolvePrecision;
use mechc::codegen;
use mechc::driver::conformance::SolveForm;
use mechc::ir;
use mechc::kernel;

fn source(text: &str) -> String {
    let module = ir::parse(text).expect("the text is well-formed");
    let program = kernel::lower(&module, &module.functions[0]).expect("it lowers");
    codegen::cuda::generate(&program).source
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

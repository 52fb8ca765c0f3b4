//! Relaxed solves of few steps, of no samples, and of systems that are undetermined.

use super::device::{Built, compare};
use mechc::artifact::device::DeviceFailure;
use mechc::base::Tensor;
use mechc::codegen;
use mechc::driver::conformance::Case;
use mechc::ir;
use mechc::kernel::{self, Program};

/// The same with a step for each interval of seven time steps, each sample's own or one for all.
pub fn text_with_intervals(states: usize, orders: usize, own: [bool; 2], central: bool) -> String {
    let shape = if own[1] { "sample, interval" } else { "interval" };
    text(states, orders, 1, own[0], central)
        .replace("axis time\n", "axis time = 7\naxis interval = 6\n")
        .replace("%h: f64[]", &format!("%h: f64[{shape}]"))
        .replace(
            "f64[sample, start, state, given], f64[]\n",
            &format!("f64[sample, start, state, given], f64[{shape}]\n"),
        )
}

/// A solve and its adjoint, each sample with its own matrix or all with one.
pub fn text(states: usize, orders: usize, given: usize, own: bool, central: bool) -> String {
    let batch = if own { "sample, " } else { "" };
    format!(
        "module T
axis sample
axis time
axis state = {states}
axis order = {orders}
axis equation = {states}
axis start = 1
axis given = {given}
func f(%c: f64[{batch}equation, time, state, order], %rhs: f64[sample, equation, time], %iv: f64[sample, start, state, given], %h: f64[], %g: f64[sample, time, state, order]) {{
  %u = solve %c, %rhs, %iv, %h, time = time, state = state, order = order, equation = equation, start = start, given = given, central = {central}, weights = [1.5, 2.0, 0.5] : f64[sample, time, state, order]
  %c_adj, %rhs_adj, %iv_adj, %h_adj = solve_adjoint %c, %rhs, %iv, %h, %u, %g, time = time, state = state, order = order, equation = equation, start = start, given = given, central = {central}, weights = [1.5, 2.0, 0.5] : f64[{batch}equation, time, state, order], f64[sample, equation, time], f64[sample, start, state, given], f64[]
  return u = %u, c_adj = %c_adj, rhs_adj = %rhs_adj, iv_adj = %iv_adj, h_adj = %h_adj
}}
"
    )
}

fn program(text: &str) -> Program {
    let module = ir::parse(text).expect("the text is well-formed");
    ir::verify(&module).expect("the program is well-formed");
    kernel::lower(&module, &module.functions[0]).expect("it lowers")
}

/// Coupled oscillators with a little of everything.
fn args(program: &Program, samples: usize, steps: usize) -> Vec<Tensor> {
    let size = |axis: &usize| {
        let axis = &program.entry.axes[*axis];
        axis.size.unwrap_or(if axis.name == "time" { steps } else { samples })
    };
    let orders = program.entry.axes.iter().find(|a| a.name == "order").and_then(|a| a.size).unwrap_or(1);
    let states = program.entry.axes.iter().find(|a| a.name == "state").and_then(|a| a.size).unwrap_or(1);
    let tensor = |port: &mechc::artifact::Port| {
        let shape: Vec<usize> = port.axes.iter().map(size).collect();
        let count: usize = shape.iter().product();
        let number = |i: usize| match port.name.as_str() {
            // Intervals differ where there are several.
            "h" => 0.1 + 0.02 * (i as f64).sin(),
            "c" => {
                let (k, d, e) = (i % orders, i / orders % states, i / (orders * states * steps) % states);
                let wave = (i as f64 * 0.7).sin();
                match (d == e, k) {
                    (true, 1) => 1.0 + 0.1 * wave,
                    (true, 0) => 0.8 + 0.2 * wave,
                    (false, 0) => 0.3 * wave,
                    _ => 0.0,
                }
            }
            _ => (i as f64 * 0.37).sin(),
        };
        Tensor::from_f64(shape, (0..count).map(number).collect()).expect("it fits")
    };
    program.entry.params.iter().map(tensor).collect()
}

fn check(text: &str, samples: usize, steps: usize) {
    let program = program(text);
    let arguments = args(&program, samples, steps);
    compare(&[Case { name: format!("{samples} samples of {steps} steps"), program, arguments }]);
}

#[test]
fn short_times_and_empty_batches_are_solved_too() {
    for steps in [1, 2, 3] {
        check(&text(1, 3, 3, true, false), 3, steps);
    }
    check(&text(1, 3, 1, true, false), 0, 4);
}

#[test]
fn steps_that_differ_within_a_system_are_solved_with_their_gradients() {
    for central in [false, true] {
        for own in [[true, true], [true, false], [false, true], [false, false]] {
            check(&text_with_intervals(1, 3, own, central), 3, 7);
            check(&text_with_intervals(2, 4, own, central), 3, 7);
        }
        check(&text_with_intervals(2, 2, [true, false], central), 3, 7);
    }
}

#[test]
fn an_undetermined_system_is_named_with_its_sample_and_step() {
    let program = program(&text(1, 3, 1, true, false));
    let mut args = args(&program, 4, 6);
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

//! Relaxed solves with their adjoints whose results others have published.

use super::arguments::typed;
use super::cases::{Case, Golden, internal};
use super::solves::{SolveForm, StepAxes, said};
use crate::base::{Elem, SolvePrecision, Tensor};
use crate::data::{Arrays, arrays_of};
use crate::driver::failure::Failure;

/// A published case: its name and its arrays, as they are among the fixtures of the tests.
macro_rules! golden {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../../tests/fixtures/relaxed_solve/", $name, ".npz")) as &[u8])
    };
}

/// The most steps of the published cases that are solved with a factor in single precision.
const LONGEST_NARROW: u64 = 100;
/// The published case of few steps whose normal matrix is singular in single precision, on every back end.
const SINGULAR_NARROW: &str = "mnn_coupled_three_order3";
/// What is known of all published cases.
const LIST: &str = include_str!("../../../tests/fixtures/relaxed_solve/cases.json");
/// Their arrays.
const ARRAYS: [(&str, &[u8]); 12] = [
    golden!("mnn_first_order_like_lorenz"),
    golden!("mnn_oscillator_500"),
    golden!("mnn_scalar_random"),
    golden!("mnn_no_initial"),
    golden!("mnn_two_body_like"),
    golden!("mnn_order4_kdv_like"),
    golden!("mnn_coupled_three_order3"),
    golden!("smnn_scalar"),
    golden!("smnn_central_scalar"),
    golden!("smnn_weighted_coupled"),
    golden!("smnn_central_order3"),
    golden!("smnn_long_2000"),
];

/// The published cases.
///
/// # Errors
/// A mistake in the list or the arrays.
pub fn golden() -> Result<Vec<Case>, Failure> {
    let list: Vec<serde_json::Value> = serde_json::from_str(LIST).map_err(internal)?;
    let mut cases = Vec::new();
    for known in &list {
        let name = known["name"].as_str().unwrap_or_default();
        let missing = || Failure::Internal(format!("no arrays of {name}"));
        let (_, bytes) = ARRAYS.iter().find(|(n, _)| *n == name).ok_or_else(missing)?;
        for precision in SolvePrecision::ALL {
            // In single precision a matrix of 2,000 steps is singular, and so is one of fewer equations than states.
            let short = known["steps"].as_u64().is_some_and(|n| n <= LONGEST_NARROW);
            let determined = known["equations"].as_u64() >= known["dims"].as_u64() && name != SINGULAR_NARROW;
            if precision == SolvePrecision::F64 || short {
                cases.push(published(known, arrays_of(name, bytes)?, precision, true)?);
            }
            if precision == SolvePrecision::F32 && short && determined {
                cases.push(published(known, arrays_of(name, bytes)?, precision, false)?);
            }
        }
    }
    Ok(cases)
}

/// A published case, with its gradients or without.
fn published(
    known: &serde_json::Value,
    mut arrays: Arrays,
    precision: SolvePrecision,
    gradients: bool,
) -> Result<Case, Failure> {
    let size = |key: &str| known[key].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let weight = |key: &str| known["weights"][key].as_f64().unwrap_or(1.0);
    let (states, steps) = (size("dims"), size("steps"));
    // The array repeats the steps for every state, unless each has its own.
    let own = known["per_dim_steps"] == true && states > 1;
    let repeated = if own { 1 } else { states.max(1) };
    let h: Vec<f64> = arrays.require("h")?.data.into_iter().step_by(repeated).collect();
    let intervals = steps.saturating_sub(1).max(1);
    let even = !own && h.chunks(intervals).all(|own| own.iter().all(|x| x.to_bits() == own[0].to_bits()));
    let form = SolveForm {
        states,
        orders: size("order") + 1,
        equations: size("equations"),
        start: size("iv_steps"),
        given: size("iv_orders"),
        own: true,
        central: known["central"] == true,
        slack: (known["variant"] == "mnn").then(|| {
            let number = |key: &str| known[key].as_f64().unwrap_or(0.0);
            number("alpha") * number("gamma")
        }),
        weights: ["equation", "initial", "smooth"].map(weight),
        precision,
        steps: match (own, even) {
            (true, _) => StepAxes::States(intervals),
            (false, true) => StepAxes::Sample,
            (false, false) => StepAxes::Interval(intervals),
        },
        fixed: false,
    };
    let (module, program) = form.module_of(gradients)?;
    let steps_given = if even { h.iter().step_by(intervals).copied().collect() } else { h };
    let mut arguments: Vec<Tensor> = Vec::new();
    let shapes = |port: &crate::artifact::Port| -> Vec<usize> {
        let of = |a: &usize| program.entry.axes.get(*a).map(|axis| (axis.size, axis.name.as_str()));
        let free = |name: &str| if name == "time" { steps } else { size("batch") };
        port.axes.iter().filter_map(of).map(|(size, name)| size.unwrap_or_else(|| free(name))).collect()
    };
    for port in &program.entry.params {
        let numbers = match port.name.as_str() {
            "h" => steps_given.clone(),
            "g" => arrays.require("upstream")?.data,
            // Without a start there are none.
            "iv" if size("iv_steps") * size("iv_orders") == 0 => Vec::new(),
            name => arrays.require(name)?.data,
        };
        arguments.push(typed(Elem::F64, shapes(port), numbers)?);
    }
    let mut results = Vec::new();
    for port in &program.entry.results {
        results.push(match port.name.strip_suffix("_adj") {
            // One step stands for all intervals.
            Some("h") if even => arrays.require("grad_h")?.data.chunks(intervals).map(|own| own.iter().sum()).collect(),
            Some("iv") if size("iv_steps") * size("iv_orders") == 0 => Vec::new(),
            Some(name) => arrays.require(&format!("grad_{name}"))?.data,
            None => arrays.require(&port.name)?.data,
        });
    }
    // With 2,000 steps the published solution itself is 1e-7 away from the exact one.
    let golden = Golden { results, tolerance: if steps >= 2000 { 2e-7 } else { 1e-9 } };
    let alone = if gradients { "" } else { ", solution alone" };
    let name = format!("published: {}{alone}{}", known["name"].as_str().unwrap_or_default(), said(precision));
    Ok(Case { name, module, program, arguments, golden: Some(golden), exact: None })
}

//! Relaxed solves with their adjoints: in every regime of the kernels, and those whose results others have published.

use super::arguments::{self, typed};
use super::cases::{Case, Golden, internal, lowered};
use crate::base::{Elem, SolvePrecision, Tensor};
use crate::data::{Arrays, arrays_of};
use crate::driver::failure::Failure;
use crate::ir;
use crate::kernel::Program;

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

/// The steps of the systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepAxes {
    /// One number for all.
    One,
    /// One for each sample.
    Sample,
    /// One for each of so many intervals of each sample.
    Interval(usize),
    /// One for each of so many intervals, the same for all samples.
    Shared(usize),
    /// One for each of so many intervals and each state of each sample.
    States(usize),
    /// One for each of so many intervals and each state, the same for all samples.
    SharedStates(usize),
}

/// What a solve is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SolveForm {
    /// States.
    pub states: usize,
    /// Derivatives kept of each, with the state itself.
    pub orders: usize,
    /// Equations at each time step.
    pub equations: usize,
    /// First time steps with initial values.
    pub start: usize,
    /// Derivatives given there.
    pub given: usize,
    /// Whether each sample has its own matrix.
    pub own: bool,
    /// Whether there are central rows.
    pub central: bool,
    /// A slack, and what pushes it.
    pub slack: Option<f64>,
    /// Weights of equation, initial and smoothness rows.
    pub weights: [f64; 3],
    /// The arithmetic.
    pub precision: SolvePrecision,
    /// The steps.
    pub steps: StepAxes,
    /// Whether the adjoint leaves matrix and steps out: then nobody trains them.
    pub fixed: bool,
}

impl SolveForm {
    /// As many equations as states, initial values at the first time step, one step size.
    pub const fn new(states: usize, orders: usize, given: usize, own: bool, central: bool) -> SolveForm {
        let weights = [1.5, 2.0, 0.5];
        let (precision, steps) = (SolvePrecision::F64, StepAxes::One);
        SolveForm {
            states,
            orders,
            equations: states,
            start: 1,
            given,
            own,
            central,
            slack: None,
            weights,
            precision,
            steps,
            fixed: false,
        }
    }

    /// A solve and its adjoint in the text form of the intermediate representation.
    pub fn text(&self) -> String {
        self.text_of(true)
    }

    /// A solve, with its adjoint or without.
    pub fn text_of(&self, adjoint: bool) -> String {
        let SolveForm { states, orders, equations, start, given, own, central, precision, steps, .. } = *self;
        let [e, i, s] = self.weights;
        let batch = if own { "sample, " } else { "" };
        let (time, interval, h) = match steps {
            StepAxes::One => (String::new(), String::new(), ""),
            StepAxes::Sample => (String::new(), String::new(), "sample"),
            StepAxes::Interval(n) => (format!(" = {}", n + 1), format!("axis interval = {n}\n"), "sample, interval"),
            StepAxes::Shared(n) => (format!(" = {}", n + 1), format!("axis interval = {n}\n"), "interval"),
            StepAxes::States(n) => {
                (format!(" = {}", n + 1), format!("axis interval = {n}\n"), "sample, interval, state")
            }
            StepAxes::SharedStates(n) => (format!(" = {}", n + 1), format!("axis interval = {n}\n"), "interval, state"),
        };
        let slack = self.slack.map(|push| format!(", slack = {push:?}")).unwrap_or_default();
        let names = "time = time, state = state, order = order, equation = equation, start = start, given = given";
        let rows = format!(
            "{names}, central = {central}, weights = [{e:?}, {i:?}, {s:?}]{slack}, precision = {}",
            precision.name()
        );
        let (g, backward, results) = match adjoint {
            false => (String::new(), String::new(), ""),
            true => (
                ", %g: f64[sample, time, state, order]".to_string(),
                format!(
                    "  %c_adj, %rhs_adj, %iv_adj, %h_adj = solve_adjoint %c, %rhs, %iv, %h, %u, %g, {rows} : f64[{batch}equation, time, state, order], f64[sample, equation, time], f64[sample, start, state, given], f64[{h}]\n"
                ),
                if self.fixed {
                    ", rhs_adj = %rhs_adj, iv_adj = %iv_adj"
                } else {
                    ", c_adj = %c_adj, rhs_adj = %rhs_adj, iv_adj = %iv_adj, h_adj = %h_adj"
                },
            ),
        };
        format!(
            "module T
axis sample
axis time{time}
{interval}axis state = {states}
axis order = {orders}
axis equation = {equations}
axis start = {start}
axis given = {given}
func f(%c: f64[{batch}equation, time, state, order], %rhs: f64[sample, equation, time], %iv: f64[sample, start, state, given], %h: f64[{h}]{g}) {{
  %u = solve %c, %rhs, %iv, %h, {rows} : f64[sample, time, state, order]
{backward}  return u = %u{results}
}}
"
        )
    }

    /// The program of the text.
    ///
    /// # Errors
    /// A mistake of the compiler.
    pub fn program(&self) -> Result<Program, Failure> {
        self.program_of(true)
    }

    /// The program with the adjoint or without.
    ///
    /// # Errors
    /// A mistake of the compiler.
    pub fn program_of(&self, adjoint: bool) -> Result<Program, Failure> {
        let module = ir::parse(&self.text_of(adjoint)).map_err(internal)?;
        ir::verify(&module).map_err(|errors| Failure::Internal(format!("{errors:?}")))?;
        let none = || Failure::Internal("a solve without a function".to_string());
        lowered(&module)?.into_iter().next().ok_or_else(none)
    }

    /// The program on coupled oscillators with a little of everything.
    ///
    /// # Errors
    /// A mistake of the compiler.
    pub fn case(&self, name: &str, samples: usize, steps: usize) -> Result<Case, Failure> {
        self.case_of(true, name, samples, steps)
    }

    /// The same with the adjoint or without.
    ///
    /// # Errors
    /// A mistake of the compiler.
    pub fn case_of(&self, adjoint: bool, name: &str, samples: usize, steps: usize) -> Result<Case, Failure> {
        let program = self.program_of(adjoint)?;
        let arguments = arguments::of_solve(&program, samples, steps)?;
        Ok(Case { name: name.to_string(), program, arguments, golden: None, exact: None })
    }
}

/// What a name says of the arithmetic.
fn said(precision: SolvePrecision) -> String {
    if precision == SolvePrecision::F64 { String::new() } else { format!(", {}", precision.name()) }
}

/// Blocks of 3 to 36 unknowns, a matrix for each sample and one for all, with and without central rows, in each precision; and systems that
/// are cut in time. Single precision is alone where no gradients are taken, which is how every shape is solved in it; some are with gradients too.
pub(super) fn regimes() -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    for (precision, own) in SolvePrecision::ALL.into_iter().flat_map(|p| [(p, true), (p, false)]) {
        for (states, orders, given) in [(1, 3, 1), (2, 3, 2), (2, 4, 2), (3, 3, 1), (2, 5, 2), (6, 6, 1)] {
            for central in [false, true] {
                // Blocks of 8 are the widest that one thread does in single precision, and beyond that in double precision.
                if orders == 4 && precision != SolvePrecision::F32 {
                    continue;
                }
                // One of the widest blocks, whose matrices with central rows are beyond shared memory, is enough.
                if states == 6 && !(central && own) {
                    continue;
                }
                let matrices = if own { "own matrices" } else { "one matrix" };
                let rows = if central { ", central rows" } else { "" };
                // Five derivatives beyond the equation's leave the widest block nearly singular in single precision.
                if states == 6 && precision == SolvePrecision::F32 {
                    continue;
                }
                let name = format!("solve: block {}, {matrices}{rows}{}", states * orders, said(precision));
                let form = SolveForm { precision, ..SolveForm::new(states, orders, given, own, central) };
                if precision != SolvePrecision::F32 {
                    cases.push(form.case(&name, 3, 7)?);
                    continue;
                }
                cases.push(form.case_of(false, &name, 3, 7)?);
                if states < 3 && orders == 3 {
                    cases.push(form.case(&name.replace(", f32", ", gradients, f32"), 3, 7)?);
                }
            }
        }
    }
    for own in [true, false] {
        let matrices = if own { "own matrices" } else { "one matrix" };
        for (states, orders) in [(1, 3), (4, 3)] {
            let name = format!("solve: block {}, {matrices}, time in segments", states * orders);
            cases.push(SolveForm::new(states, orders, 1, own, false).case(&name, 3, 200)?);
        }
    }
    cases.extend(slacks()?);
    Ok(cases)
}

/// A slack, and steps of each state: one thread and 32 for a system, a matrix for each and one for all, with and without central rows.
fn slacks() -> Result<Vec<Case>, Failure> {
    use SolvePrecision::{F32, F64, Mixed};
    use StepAxes::{One, Shared, SharedStates, States};
    let (slack, none) = (Some(0.3), None);
    // States, derivatives, those given; own matrices, central rows, slack, steps.
    let forms = [
        (F64, (1, 3, 1), true, false, slack, One),
        (F64, (1, 3, 1), false, true, slack, Shared(6)),
        (F64, (2, 3, 2), true, true, slack, States(6)),
        (F64, (2, 3, 2), false, true, none, SharedStates(6)),
        (F64, (3, 4, 2), true, true, slack, States(6)),
        (F64, (3, 4, 2), false, false, slack, SharedStates(6)),
        (F64, (3, 4, 2), true, false, none, States(6)),
        (F64, (2, 3, 2), true, false, none, States(199)),
        (Mixed, (2, 3, 2), true, false, slack, States(6)),
        (Mixed, (3, 4, 2), true, true, slack, States(6)),
        (F32, (1, 3, 1), true, false, slack, One),
        (F32, (3, 4, 2), false, true, slack, SharedStates(6)),
    ];
    let case = |(precision, (states, orders, given), own, central, slack, steps): (_, _, _, _, Option<f64>, _)| {
        let matrices = if own { "own matrices" } else { "one matrix" };
        let rows = if central { ", central rows" } else { "" };
        let with = if slack.is_some() { ", a slack" } else { "" };
        let (named, count) = match steps {
            States(n) | SharedStates(n) => (", steps of states", n + 1),
            _ => ("", 7),
        };
        let name = format!("solve: block {}, {matrices}{rows}{with}{named}{}", states * orders, said(precision));
        let form = SolveForm { precision, slack, steps, ..SolveForm::new(states, orders, given, own, central) };
        form.case_of(precision != F32, &name, 3, count)
    };
    forms.into_iter().map(case).collect()
}

/// One matrix for so many systems that its solutions are an explicit matrix, with the solves that it replaces beside it.
pub(super) fn operators() -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    for (states, orders, given, central, steps) in [
        (1, 3, 1, false, StepAxes::One),
        (2, 3, 2, true, StepAxes::One),
        (2, 4, 0, false, StepAxes::Shared(6)),
        (3, 3, 1, true, StepAxes::Shared(6)),
    ] {
        for (samples, precision) in SolvePrecision::ALL.into_iter().map(|p| (70, p)).chain([(63, SolvePrecision::F64)])
        {
            let what = if samples < 64 { "63 systems" } else { "solution matrix" };
            let (rows, said) = (if central { ", central rows" } else { "" }, said(precision));
            let name = format!("solve: block {}, {what}{rows}{said}", states * orders);
            let form =
                SolveForm { steps, precision, fixed: true, ..SolveForm::new(states, orders, given, false, central) };
            cases.push(form.case_of(precision != SolvePrecision::F32, &name, samples, 7)?);
        }
    }
    // The units that the matrix is made from are few systems of many steps, whatever the systems it is for.
    let form = SolveForm { fixed: true, ..SolveForm::new(1, 3, 1, false, false) };
    cases.push(form.case("solve: block 3, solution matrix, made with time in segments", 70, 130)?);
    Ok(cases)
}

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
    let program = form.program_of(gradients)?;
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
    Ok(Case { name, program, arguments, golden: Some(golden), exact: None })
}

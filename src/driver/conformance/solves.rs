//! Relaxed solves with their adjoints, in every regime of the kernels.

use super::arguments;
use super::cases::{Case, internal, lowered};
use crate::base::SolvePrecision;
use crate::driver::failure::Failure;
use crate::ir;
use crate::kernel::Program;

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
        Ok(self.module_of(adjoint)?.1)
    }

    /// The function of the text, and its program.
    pub(super) fn module_of(&self, adjoint: bool) -> Result<(ir::Module, Program), Failure> {
        let module = ir::parse(&self.text_of(adjoint)).map_err(internal)?;
        ir::verify(&module).map_err(|errors| Failure::Internal(format!("{errors:?}")))?;
        let none = || Failure::Internal("a solve without a function".to_string());
        let program = lowered(&module)?.into_iter().next().ok_or_else(none)?;
        Ok((module, program))
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
        let (module, program) = self.module_of(adjoint)?;
        let arguments = arguments::of_solve(&program, samples, steps)?;
        Ok(Case { name: name.to_string(), module, program, arguments, golden: None, exact: None })
    }
}

/// What a name says of the arithmetic.
pub(super) fn said(precision: SolvePrecision) -> String {
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

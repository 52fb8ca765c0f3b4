//! Relaxed solves whose matrix is constant, as products with an explicit solution matrix.
//!
//! A solve is linear: `u = rhs R + iv V`, where a row of `R` or `V` is the solution for one right-hand side or initial value of one and all
//! others of zero. The launches that make the two matrices are those of a solve of that many systems; calls then need one product
//! for each, and their adjoint the product with the transpose. Whether that pays depends on sizes
//! ([`operator_pays`](crate::artifact::operator::operator_pays)), so the launches of factor and substitution are there as well. The matrices
//! are made in double precision; a solve in single precision rounds them, and multiplies in single precision.

mod launches;

use super::generate::Generator;
use super::{retry, text};
use crate::artifact::operator::{FEWEST_SYSTEMS, LARGEST_OPERATOR, SolutionOperator, When, operator_pays};
use crate::artifact::training::names;
use crate::artifact::{BufferIndex, BufferPlace, Entry, Size, SolveStep, Step};
use crate::base::Elem;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The explicit matrices of a program.
#[derive(Default)]
pub(super) struct Operators {
    all: Vec<Made>,
}

/// One of them.
struct Made {
    /// The solves that it is of.
    of: SolveStep,
    operator: SolutionOperator,
    /// The two matrices; one without rows has none.
    matrices: [Option<BufferIndex>; 2],
}

impl Operators {
    /// Notes that so many systems are solved with this one too.
    fn also(&mut self, at: usize, systems: &Size) {
        if let Some(made) = self.all.get_mut(at)
            && !made.operator.systems.contains(systems)
        {
            made.operator.systems.push(systems.clone());
        }
    }

    pub fn finish(self) -> Vec<SolutionOperator> {
        self.all.into_iter().map(|made| made.operator).collect()
    }
}

/// The operators as comments at the beginning of the source.
pub(super) fn listed(entry: &Entry, operators: &[SolutionOperator]) -> String {
    let mut out = String::new();
    for (i, operator) in operators.iter().enumerate() {
        let size = |size: &Size| text::size(entry, size);
        let [rhs, iv] = operator.inputs.each_ref().map(size);
        let parameters: Vec<&str> =
            operator.parameters.iter().filter_map(|&p| Some(entry.params.get(p)?.name.as_str())).collect();
        let from = if parameters.is_empty() { "constants".to_string() } else { parameters.join(", ") };
        let (columns, systems) = (size(&operator.outputs), operator.systems.iter().map(size).collect::<Vec<_>>());
        let _ = writeln!(
            out,
            "//   operator {i}: solution matrix of ({rhs} + {iv}) x {columns} numbers, made from {from} and kept,"
        );
        let _ = writeln!(
            out,
            "//     where these are at most {LARGEST_OPERATOR} and there are {FEWEST_SYSTEMS} systems or more: {}",
            systems.join(" or ")
        );
    }
    out
}

/// The step of a solve or its adjoint.
pub(super) fn step(generator: &mut Generator<'_>, s: &SolveStep) {
    let of = matrix_of(s);
    let at = match generator.operators.all.iter().position(|made| made.of == of) {
        Some(at) => {
            generator.operators.also(at, &s.batch);
            at
        }
        None => {
            let Some(operator) = operator(generator, s) else { return retry::step(generator, s) };
            generator.operators.all.push(Made { of, operator, matrices: [None; 2] });
            let at = generator.operators.all.len() - 1;
            generator.needed(When::Made(at), |generator| launches::make(generator, at, s));
            at
        }
    };
    generator.needed(When::Substituted(at), |generator| retry::step(generator, s));
    generator.needed(When::Applied(at), |generator| launches::apply(generator, at, s));
}

/// A solve of one system, without what does not enter its matrix.
fn matrix_of(s: &SolveStep) -> SolveStep {
    let [c, _, _, h] = s.operands;
    let operands = [c, (0, false), (0, false), h];
    SolveStep { batch: Size::ONE, operands, solution: 0, adjoint: None, ..s.clone() }
}

/// Right-hand sides and initial values of a system.
fn inputs(s: &SolveStep) -> [Size; 2] {
    let constant = |n: usize| Size::constant(n as u64);
    [s.time.times(&constant(s.equations)), s.start.times(&constant(s.states * s.given))]
}

/// The operator of a solve whose matrix neither sample nor trained number enters, unless its sizes are known to be too large.
fn operator(generator: &Generator<'_>, s: &SolveStep) -> Option<SolutionOperator> {
    let entry = generator.entry;
    let [c, rhs, iv, h] = s.operands;
    // What pushes a slack is a right-hand side that neither matrix has a row for.
    if c.1 || h.1 || !rhs.1 || !iv.1 || s.slack.is_some() {
        return None;
    }
    let of = matrix_of(s);
    let differentiated = entry.steps.iter().enumerate().any(|(at, step)| match step {
        Step::Solve(other) if matrix_of(other) == of => {
            other.adjoint.is_some_and(|(_, [c, _, _, h])| [c, h].into_iter().any(|b| entry.is_read_after(at, b)))
        }
        _ => false,
    });
    if differentiated {
        return None;
    }
    let parameters = constants(entry, generator.origin, [c.0, h.0])?;
    let outputs = s.time.times(&Size::constant((s.states * s.orders) as u64));
    let operator = SolutionOperator { systems: vec![s.batch.clone()], inputs: inputs(s), outputs, parameters };
    // What is not known may be anything that pays.
    let known = |size: &Size, otherwise: u64| text::known(entry, size).unwrap_or(otherwise);
    let rows = operator.inputs.iter().map(|size| known(size, 0)).fold(0, u64::saturating_add);
    let possible = operator_pays(known(&s.batch, u64::MAX), rows, known(&operator.outputs, 0));
    let empty = text::known(entry, &operator.inputs[0]) == Some(0);
    (possible && !empty).then_some(operator)
}

/// The parameters that these buffers are computed from by the steps before `end`; `None` where one of them is trained.
fn constants(entry: &Entry, end: usize, buffers: [BufferIndex; 2]) -> Option<Vec<usize>> {
    let mut from: BTreeSet<BufferIndex> = buffers.into();
    for step in entry.steps.iter().take(end).rev() {
        if step.writes().iter().any(|b| from.contains(b)) {
            from.extend(step.reads());
        }
    }
    let parameter = |&b: &BufferIndex| match entry.buffers.get(b)?.place {
        BufferPlace::Param(p) => Some(p),
        _ => None,
    };
    let parameters: Vec<usize> = from.iter().filter_map(parameter).collect();
    let trained = |&p: &usize| {
        let Some(port) = entry.params.get(p) else { return true };
        let adjoint = format!("{}{}", port.name, names::ADJOINT);
        port.elem == Elem::F32
            || [names::COEFFICIENTS, names::PARAMETERS].contains(&port.name.as_str())
            || entry.results.iter().any(|r| r.name == adjoint)
    };
    (!parameters.iter().any(trained)).then_some(parameters)
}

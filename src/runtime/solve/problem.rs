//! Rows, sizes, arithmetic and method of solves.

use crate::artifact::operator::operator_pays;
use crate::artifact::{SolveStep, StepSizes, device};
use crate::base::{Elem, SolvePrecision};
use crate::solve::relaxed::{
    Border, Coefficients, DataRows, Footprint, Precision, Problem, RowWeights, Scheme, Shape, Slack, Steps, Weights,
    cuts_time,
};

/// Corrections of each solve: one recovers what the normal equations lose on well-scaled systems.
const REFINEMENTS: usize = 1;

/// How the runtime solves systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SolveMethod {
    /// All systems have one matrix and are short and many: the solution of the rows as an explicit matrix, applied as a dense product.
    /// Substitution needs fewer operations, but the product runs at the speed of matrix products.
    Operator,
    /// All systems have one matrix, factored once.
    SharedFactor,
    /// Every system has its own matrix and factor.
    OwnFactors,
    /// Systems are few and long: each is cut into segments of its time, which are factored side by side.
    Segments,
}

impl SolveMethod {
    /// The method for systems of this shape, which have one matrix or each its own.
    pub fn of(shape: &Shape, scheme: &Scheme, one_matrix: bool) -> SolveMethod {
        if one_matrix && scheme.precision == Precision::Double {
            let rows = shape.equations * shape.steps + shape.initial_steps * shape.states * shape.initial_orders;
            let unknowns = shape.steps * shape.states * shape.orders;
            if operator_pays(shape.batch as u64, rows as u64, unknowns as u64) {
                return SolveMethod::Operator;
            }
        }
        match one_matrix {
            _ if cuts_time(shape, scheme, one_matrix) => SolveMethod::Segments,
            true => SolveMethod::SharedFactor,
            false => SolveMethod::OwnFactors,
        }
    }
}

pub(super) fn prefers_operator(problem: &Problem<'_>) -> bool {
    SolveMethod::of(&problem.shape, &problem.scheme, problem.constant_matrix()) == SolveMethod::Operator
}

/// Rows and arithmetic of the solves of the runtime without a slack.
pub(crate) fn scheme(central: bool, weights: [f64; 3], precision: SolvePrecision) -> Scheme {
    let [equation, initial, smooth] = weights;
    let weights = Weights { equation, initial, smooth };
    let precision = match precision {
        SolvePrecision::F64 => Precision::Double,
        SolvePrecision::F32 => Precision::Single,
        SolvePrecision::Mixed => Precision::Mixed,
    };
    Scheme { central, weights, precision, refinements: REFINEMENTS, ..Scheme::published() }
}

/// Rows and arithmetic of a solve. Residuals are kept where devices keep them: of the few and long systems that these cut
/// in time.
fn scheme_of(s: &SolveStep, shape: &Shape) -> Scheme {
    let slack = s.slack.map(|push| Slack { alpha: push, gamma: 1.0 });
    let lanes = u64::from(device::lanes(shape.block() as u64, Elem::F64));
    let keeps_rows = s.may_keep_rows() && device::cuts_time(shape.batch as u64, lanes, shape.steps as u64);
    Scheme { slack, keeps_rows, ..scheme(s.central, s.weights, s.precision) }
}

/// Bytes of the factors of a solve, and of its solution and gradients.
pub(in crate::runtime) fn memory(s: &SolveStep, sizes: &[u64]) -> u64 {
    let size = |x: &crate::artifact::Size| x.value(sizes).and_then(|n| usize::try_from(n).ok());
    let Some(((batch, steps), initial_steps)) = size(&s.batch).zip(size(&s.time)).zip(size(&s.start)) else {
        return u64::MAX;
    };
    let (equations, states, orders) = (s.equations, s.states, s.orders);
    let shape = Shape { batch, equations, steps, states, orders, initial_steps, initial_orders: s.given };
    let one = Footprint::new(&shape, &scheme_of(s, &shape), &[states]);
    let own = s.operands[0].1 || s.operands[3].1;
    let coefficients = if s.operands[0].1 { one.coefficient_bytes } else { 0 };
    let each = one.vector_bytes.saturating_add(coefficients);
    one.factor_bytes(batch as u64, own).saturating_add(each.saturating_mul(batch as u64))
}

/// The sizes of a solve in a call.
pub(super) fn shape(s: &SolveStep, sizes: &[u64]) -> Shape {
    let size = |x: &crate::artifact::Size| x.value(sizes).unwrap_or(0) as usize;
    Shape {
        batch: size(&s.batch),
        equations: s.equations,
        steps: size(&s.time),
        states: s.states,
        orders: s.orders,
        initial_steps: size(&s.start),
        initial_orders: s.given,
    }
}

/// The steps of all intervals: one step size serves all of them where the solve does not tell them apart.
pub(super) fn intervals(s: &SolveStep, shape: &Shape, h: &[f64], steps: &mut Vec<f64>) {
    steps.clear();
    if s.steps != StepSizes::One {
        steps.extend_from_slice(h);
    } else {
        steps.extend(h.iter().flat_map(|&h| std::iter::repeat_n(h, shape.intervals())));
    }
}

pub(super) fn problem<'a>(
    s: &SolveStep,
    shape: Shape,
    c: Coefficients<'a>,
    (rhs, iv): (&'a [f64], &'a [f64]),
    own_steps: bool,
    steps: &'a [f64],
) -> Problem<'a> {
    Problem {
        shape,
        scheme: scheme_of(s, &shape),
        c,
        rhs,
        iv,
        h: Steps { values: steps, per_sample: own_steps, per_state: s.steps == StepSizes::States },
        row_weights: RowWeights::default(),
        data: DataRows::default(),
        border: Border::default(),
    }
}

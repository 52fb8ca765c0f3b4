//! Relaxed solves through the host engines.
//!
//! A solve and its adjoint with the same operands share a [`SolverState`], so the adjoint uses the factor and the solution of the
//! solve before it. A matrix that all samples share keeps its factor between calls for as long as its numbers stay the same.

use super::RuntimeError;
use super::call::Run;
use crate::artifact::operator::operator_pays;
use crate::artifact::{BufferIndex, Entry, SolveStep, Step, StepSizes, device};
use crate::base::{Elem, SolvePrecision};
use crate::solve::relaxed::{
    Border, Coefficients, DataRows, DenseOperator, Factor, Footprint, Gradients, Precision, Problem, RowWeights,
    Scheme, Shape, Slack, Solution, SolveError, Steps, Upstream, Wanted, Weights, cuts_time, factor,
    factor_of_normal_matrix,
};

/// Corrections of each solve: one recovers what the normal equations lose on well-scaled systems.
const REFINEMENTS: usize = 1;

/// What the solve steps with the same operands keep.
#[derive(Default)]
pub(super) struct SolverState {
    factor: Option<Factor>,
    /// The shared coefficients and the steps that the factor is of.
    matrix: Option<(Shape, Vec<f64>, Vec<f64>)>,
    /// The same matrix's solutions as an explicit matrix, where that is cheaper.
    operator: Option<DenseOperator>,
    solution: Solution,
    gradients: Gradients,
    steps: Vec<f64>,
    /// Whether factor and solution are of this call's operands.
    current: bool,
}

/// For each step of an entry the state it uses, and whether each adjoint it makes is read by anybody.
pub(super) struct SolvePlan {
    /// By step: index of its state; only solves have one.
    pub states: Vec<Option<usize>>,
    /// By step: whether the adjoints of the four operands are wanted.
    wanted: Vec<[bool; 4]>,
    /// How many states there are.
    pub count: usize,
}

impl SolvePlan {
    /// Pairs solves with their adjoints.
    pub fn new(entry: &Entry) -> SolvePlan {
        let mut plan = SolvePlan { states: Vec::new(), wanted: Vec::new(), count: 0 };
        for (i, step) in entry.steps.iter().enumerate() {
            let (mut state, mut wanted) = (None, [false; 4]);
            if let Step::Solve(s) = step {
                let same = |other: &Step| matches!(other, Step::Solve(o) if same_system(o, s));
                state = entry.steps[..i].iter().position(same).and_then(|first| plan.states[first]);
                if state.is_none() {
                    state = Some(plan.count);
                    plan.count += 1;
                }
                let read = |b: BufferIndex| entry.is_read_after(i, b);
                wanted = s.adjoint.map_or(wanted, |(_, adjoints)| adjoints.map(read));
            }
            plan.states.push(state);
            plan.wanted.push(wanted);
        }
        plan
    }
}

fn same_system(a: &SolveStep, b: &SolveStep) -> bool {
    a.operands == b.operands
        && a.central == b.central
        && a.weights == b.weights
        && a.precision == b.precision
        && a.slack == b.slack
        && (&a.batch, &a.time, a.states, a.orders, a.steps) == (&b.batch, &b.time, b.states, b.orders, b.steps)
}

impl SolverState {
    /// Forgets what holds for one call only.
    pub fn start_call(&mut self) {
        self.current = false;
    }

    /// The factor of `problem`'s matrix: the one at hand if it is that of the same numbers.
    fn factor_of(&mut self, problem: &Problem<'_>) -> Result<(), SolveError> {
        let mut shape = problem.shape;
        shape.batch = 1;
        let h = problem.h.values;
        let shared = match problem.c {
            Coefficients::Shared(c) if problem.constant_matrix() => Some(c),
            _ => None,
        };
        if let Some(c) = shared {
            let same =
                |kept: &(Shape, Vec<f64>, Vec<f64>)| kept.0 == shape && same_bits(&kept.2, h) && same_bits(&kept.1, c);
            let fits = self.factor.as_ref().is_some_and(|factor| factor.is_made_for(problem));
            if fits && self.matrix.as_ref().is_some_and(same) {
                return Ok(());
            }
        }
        self.matrix = None;
        self.operator = None;
        match self.factor.take() {
            Some(mut old) => {
                old.refactor(problem)?;
                self.factor = Some(old);
            }
            None => self.factor = Some(factor(problem)?),
        }
        self.matrix = shared.map(|c| (shape, c.to_vec(), h.to_vec()));
        Ok(())
    }

    /// Tells the run of a factor of rows.
    fn tell(&self, run: &Run<'_>) {
        if let Some(failure) = self.factor.as_ref().and_then(Factor::failure) {
            run.by_rows.get_or_init(|| failure.to_string());
        }
    }

    /// The explicit solution matrix of the factor at hand.
    fn operator_of(&mut self, problem: &Problem<'_>) -> Result<&DenseOperator, SolveError> {
        if self.operator.is_none()
            && let Some(factor) = &self.factor
        {
            let orders: Vec<usize> = (0..problem.shape.orders).collect();
            self.operator = Some(DenseOperator::new(factor, problem, &orders)?);
        }
        self.operator.as_ref().ok_or(SolveError::NotConstant { what: "coefficients" })
    }
}

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

fn prefers_operator(problem: &Problem<'_>) -> bool {
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
pub(super) fn memory(s: &SolveStep, sizes: &[u64]) -> u64 {
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

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits())
}

/// Runs the solve, or its adjoint.
pub(super) fn run(
    run: &Run<'_>,
    step: usize,
    s: &SolveStep,
    plan: &SolvePlan,
    state: &mut SolverState,
) -> Result<(), RuntimeError> {
    relaxed(run, s, plan.wanted[step], state).map_err(|e| RuntimeError::Solve {
        entry: run.entry.name.clone(),
        step,
        reason: e.to_string(),
    })
}

fn relaxed(run: &Run<'_>, s: &SolveStep, wanted: [bool; 4], state: &mut SolverState) -> Result<(), SolveError> {
    let shape = shape(s, run.sizes);
    let (c, (h, own_steps)) = (s.operands[0], s.operands[3]);
    if shape.batch == 0 {
        if let Some((_, adjoints)) = s.adjoint {
            adjoints.into_iter().for_each(|b| numbers_mut(run, b).fill(0.0));
        }
        return Ok(());
    }
    let mut steps = std::mem::take(&mut state.steps);
    intervals(s, &shape, numbers(run, h), &mut steps);
    let (rhs, iv) = (numbers(run, s.operands[1].0), numbers(run, s.operands[2].0));
    let c = if c.1 { Coefficients::PerSample(numbers(run, c.0)) } else { Coefficients::Shared(numbers(run, c.0)) };
    let problem = problem(s, shape, c, (rhs, iv), own_steps, &steps);
    let done = match s.adjoint {
        None => solve(run, s, &problem, state),
        Some((u_adj, adjoints)) => adjoint(run, s, &problem, (u_adj, adjoints), wanted, state),
    };
    state.steps = steps;
    done
}

/// The sizes of a solve in a call.
fn shape(s: &SolveStep, sizes: &[u64]) -> Shape {
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
fn intervals(s: &SolveStep, shape: &Shape, h: &[f64], steps: &mut Vec<f64>) {
    steps.clear();
    if s.steps != StepSizes::One {
        steps.extend_from_slice(h);
    } else {
        steps.extend(h.iter().flat_map(|&h| std::iter::repeat_n(h, shape.intervals())));
    }
}

fn problem<'a>(
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

/// What is wrong with system `sample` of a solve by its normal matrix, whose operands are those of this system alone, and whether a factor
/// of its rows, which devices do not make, solves it.
pub(super) fn why(
    s: &SolveStep,
    sizes: &[u64],
    [c, rhs, iv, h]: [&[f64]; 4],
    sample: usize,
) -> Option<(SolveError, bool)> {
    let one = Shape { batch: 1, ..shape(s, sizes) };
    let mut steps = Vec::new();
    intervals(s, &one, h, &mut steps);
    let mut problem = problem(s, one, Coefficients::Shared(c), (rhs, iv), false, &steps);
    // A device has tried double precision when it fails.
    if problem.scheme.precision == Precision::Mixed {
        problem.scheme.precision = Precision::Double;
    }
    let (mut error, singular) = match factor_of_normal_matrix(&problem) {
        Ok(factor) => (factor.solve(&problem).err()?, false),
        Err(error) => (error, true),
    };
    match &mut error {
        SolveError::Singular { sample: named, .. }
        | SolveError::NonFiniteMatrix { sample: named, .. }
        | SolveError::Border { sample: named, .. }
        | SolveError::Unsettled { sample: named, .. }
        | SolveError::NonFiniteResult { sample: named, .. } => *named = sample,
        _ => {}
    }
    Some((error, singular && factor(&problem).is_ok()))
}

fn solve(run: &Run<'_>, s: &SolveStep, problem: &Problem<'_>, state: &mut SolverState) -> Result<(), SolveError> {
    state.factor_of(problem)?;
    if prefers_operator(problem) {
        state.tell(run);
        return state.operator_of(problem)?.apply(problem.rhs, problem.iv, numbers_mut(run, s.solution));
    }
    if let Some(factor) = &state.factor {
        factor.solve_into(problem, &mut state.solution)?;
    }
    state.current = true;
    numbers_mut(run, s.solution).copy_from_slice(&state.solution.u);
    state.tell(run);
    Ok(())
}

fn adjoint(
    run: &Run<'_>,
    s: &SolveStep,
    problem: &Problem<'_>,
    (u_adj, adjoints): (BufferIndex, [BufferIndex; 4]),
    wanted: [bool; 4],
    state: &mut SolverState,
) -> Result<(), SolveError> {
    let [c, rhs, iv, _] = wanted;
    if prefers_operator(problem) && !c && !wanted[3] {
        state.factor_of(problem)?;
        let mut spare = std::mem::take(&mut state.gradients);
        spare.rhs.resize(problem.rhs.len(), 0.0);
        spare.iv.resize(problem.iv.len(), 0.0);
        let into_rhs = if rhs { numbers_mut(run, adjoints[1]) } else { &mut spare.rhs };
        let into_iv = if iv { numbers_mut(run, adjoints[2]) } else { &mut spare.iv };
        let done = state.operator_of(problem)?.apply_transposed(numbers(run, u_adj), into_rhs, into_iv);
        state.gradients = spare;
        return done;
    }
    if !state.current {
        state.factor_of(problem)?;
        if let (Some(_), Some(factor)) = (s.slack, &state.factor) {
            // Its slack is not among the operands.
            factor.solve_into(problem, &mut state.solution)?;
        } else {
            state.solution.u.clear();
            state.solution.u.extend_from_slice(numbers(run, s.solution));
            state.solution.eps.clear();
            state.solution.eps.resize(problem.shape.batch, 0.0);
        }
    }
    let h = wanted[3];
    let which = Wanted { c, rhs, iv, h, ..Wanted::default() };
    let SolverState { factor, solution, gradients, .. } = state;
    if let Some(factor) = factor {
        let upstream = Upstream { u: numbers(run, u_adj), ..Upstream::default() };
        factor.adjoint_into(problem, solution, upstream, which, gradients)?;
    }
    for ((buffer, from), wanted) in adjoints.into_iter().zip([&gradients.c, &gradients.rhs, &gradients.iv]).zip(wanted)
    {
        if wanted {
            numbers_mut(run, buffer).copy_from_slice(from);
        }
    }
    if h {
        let out = numbers_mut(run, adjoints[3]);
        if s.steps != StepSizes::One {
            out.copy_from_slice(&gradients.h);
        } else {
            // One step size serves all intervals.
            let each = problem.shape.intervals().max(1);
            out.fill(0.0);
            out.iter_mut().zip(gradients.h.chunks(each)).for_each(|(sum, part)| *sum = part.iter().sum());
        }
    }
    Ok(())
}

fn numbers<'r>(run: &Run<'r>, buffer: BufferIndex) -> &'r [f64] {
    // SAFETY: solves take double precision only, and the buffer holds as many numbers as its size says for this call; no
    // step writes a buffer that it reads.
    unsafe { std::slice::from_raw_parts(run.pointer(buffer).cast::<f64>().cast_const(), run.count(buffer)) }
}

fn numbers_mut<'r>(run: &Run<'r>, buffer: BufferIndex) -> &'r mut [f64] {
    // SAFETY: as for `numbers`; every result of a step has a buffer of its own, and this is asked for once for each.
    unsafe { std::slice::from_raw_parts_mut(run.pointer(buffer).cast::<f64>(), run.count(buffer)) }
}

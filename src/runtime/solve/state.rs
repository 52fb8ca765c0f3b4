//! What solves keep from step to step and from call to call.

use crate::artifact::{BufferIndex, Entry, SolveStep, Step};
use crate::runtime::call::Run;
use crate::solve::relaxed::{
    Coefficients, DenseOperator, Factor, Gradients, Problem, Shape, Solution, SolveError, factor,
};

/// What the solve steps with the same operands keep.
#[derive(Default)]
pub(in crate::runtime) struct SolverState {
    pub(super) factor: Option<Factor>,
    /// The shared coefficients and the steps that the factor is of.
    matrix: Option<(Shape, Vec<f64>, Vec<f64>)>,
    /// The same matrix's solutions as an explicit matrix, where that is cheaper.
    operator: Option<DenseOperator>,
    pub(super) solution: Solution,
    pub(super) gradients: Gradients,
    pub(super) steps: Vec<f64>,
    /// Whether factor and solution are of this call's operands.
    pub(super) current: bool,
}

/// For each step of an entry the state it uses, and whether each adjoint it makes is read by anybody.
pub(in crate::runtime) struct SolvePlan {
    /// By step: index of its state; only solves have one.
    pub states: Vec<Option<usize>>,
    /// By step: whether the adjoints of the four operands are wanted.
    pub(super) wanted: Vec<[bool; 4]>,
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
    pub(super) fn factor_of(&mut self, problem: &Problem<'_>) -> Result<(), SolveError> {
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
    pub(super) fn tell(&self, run: &Run<'_>) {
        if let Some(failure) = self.factor.as_ref().and_then(Factor::failure) {
            run.by_rows.get_or_init(|| failure.to_string());
        }
    }

    /// The explicit solution matrix of the factor at hand.
    pub(super) fn operator_of(&mut self, problem: &Problem<'_>) -> Result<&DenseOperator, SolveError> {
        if self.operator.is_none()
            && let Some(factor) = &self.factor
        {
            let orders: Vec<usize> = (0..problem.shape.orders).collect();
            self.operator = Some(DenseOperator::new(factor, problem, &orders)?);
        }
        self.operator.as_ref().ok_or(SolveError::NotConstant { what: "coefficients" })
    }
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits())
}

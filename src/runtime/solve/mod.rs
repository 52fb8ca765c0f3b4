//! Relaxed solves through the host engines.
//!
//! A solve and its adjoint with the same operands share a [`SolverState`], so the adjoint uses the factor and the solution of the
//! solve before it. A matrix that all samples share keeps its factor between calls for as long as its numbers stay the same.

mod problem;
mod state;

use super::RuntimeError;
use super::call::Run;
use crate::artifact::{BufferIndex, SolveStep, StepSizes};
use crate::solve::relaxed::{
    Coefficients, Precision, Problem, Shape, SolveError, Upstream, Wanted, factor, factor_of_normal_matrix,
};
use problem::{intervals, prefers_operator, problem, shape};

pub use problem::SolveMethod;
pub(super) use problem::memory;
pub(crate) use problem::scheme;
pub(super) use state::{SolvePlan, SolverState};

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

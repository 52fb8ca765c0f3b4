//! `mechc solve`: the solution of a case, and its gradients, as arrays.

use std::path::Path;

use super::case::{Case, CaseFile, read_case};
use super::case_failure::{self, Batch, Failed, Origin};
use super::failure::Failure;
use super::run;
use crate::data::arrays_to_npz;
use crate::solve::relaxed::{
    Factor, Footprint, Gradients, Method, Precision, Problem, Scheme, Shape, Solution, SolveError, Upstream, Wanted,
    factor,
};

/// How a case is solved.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseOptions {
    /// Rows and arithmetic.
    pub scheme: Scheme,
    /// Whether the states share the steps, so that the gradient of a step is one number.
    pub shared_steps: bool,
    /// Threads to use; results are the same for any number.
    pub threads: usize,
}

/// A solved case.
#[derive(Debug, Clone)]
pub struct SolvedCase {
    /// Sizes.
    pub shape: Shape,
    /// Whether gradients were asked for.
    pub with_gradients: bool,
    /// What looks like a mistake and is none for certain.
    pub warnings: Vec<String>,
    /// The results as an npz archive: `u`, `eps`, and with gradients `grad_c`, `grad_rhs`, `grad_iv`, `grad_h`, `grad_weights`, and
    /// those of the weights of single rows that the case has.
    pub npz: Vec<u8>,
}

/// Reads a case from an npz file (see `docs/solve.md`) and solves it.
///
/// # Errors
/// [`Failure::Data`] where the file is at fault, [`Failure::Numerical`] for a system without a solution, naming its sample, step and
/// state, [`Failure::Usage`] for options that do not fit together, [`Failure::Environment`] where memory or threads are missing.
pub fn solve_case(path: &Path, options: &CaseOptions) -> Result<SolvedCase, Failure> {
    let file = read_case(path, options.scheme, options.shared_steps)?;
    let given = &file.case;
    let problem = given.problem();
    let name = path.display().to_string();
    let by = |failed| case_failure::failure_of(failed, Origin::Of(&name), &given.shape, &given.scheme);
    let failed = |error| by(Failed::by(given.scheme)(error));
    let gradients = given.upstream.is_some() || given.upstream_eps.is_some();
    let scheme = problem.scheme.of_gradients();
    let of_gradients = match scheme.precision != problem.scheme.precision {
        true => Some(Footprint::of(&Problem { scheme, ..problem }).map_err(failed)?),
        false => None,
    };
    let one = Footprint::of(&problem).map_err(failed)?;
    let (systems, own) = (given.shape.batch, !problem.constant_matrix());
    let all = Batch { one: &one, of_gradients: of_gradients.as_ref(), systems, own };
    all.ensure_memory(u64::from(gradients), case_failure::less_memory(systems, &given.scheme))?;
    let threads = run::threads(options.threads)?;
    let Solved { solution, gradients, by_rows } = threads.install(|| solve(&file)).map_err(by)?;
    // One number may stand for the steps of all intervals.
    let of_one_step: f64 = gradients.as_ref().map_or(0.0, |g| g.h.iter().sum());
    if file.h_shape.is_empty() && !of_one_step.is_finite() {
        let place = ", summed over all intervals".to_string();
        return Err(failed(SolveError::NonFiniteGradient { what: "h", place }));
    }
    let npz = results(&file, &solution, gradients.as_ref(), of_one_step)?;
    let mut warnings = file.warnings;
    warnings.extend(by_rows.map(|why| {
        format!("rows were factored, which takes a hundred times as long, since by the normal matrix {why}; `--method qr` factors them at once")
    }));
    Ok(SolvedCase { shape: file.case.shape, with_gradients: gradients.is_some(), warnings, npz })
}

struct Solved {
    solution: Solution,
    gradients: Option<Gradients>,
    /// Why rows were factored where that was not asked for.
    by_rows: Option<SolveError>,
}

fn solve(file: &CaseFile) -> Result<Solved, Failed> {
    let case = &file.case;
    let problem = case.problem();
    let first = solve_as(case, &problem)?;
    // Whoever takes single precision has asked for what costs least.
    let single = problem.scheme.precision == Precision::Single;
    let Some(SolveError::Unsettled { .. }) = first.by_rows.as_ref().filter(|_| !single) else { return Ok(first) };
    // Solution or gradients did not settle by the normal matrix and were made by the rows: then what did settle, just so, is better made by them as well.
    let by_rows = Scheme { method: Method::Qr, precision: Precision::Double, ..problem.scheme };
    match solve_as(case, &Problem { scheme: by_rows, ..problem }) {
        Ok(second) => Ok(Solved { by_rows: first.by_rows, ..second }),
        Err(_) => Ok(first),
    }
}

fn solve_as(case: &Case, problem: &Problem) -> Result<Solved, Failed> {
    let (made, solution) = factor_and_solve(problem)?;
    // The residuals that gradients are made of are differences of nearly equal numbers, of which single precision leaves nothing.
    let own = Problem { scheme: problem.scheme.of_gradients(), ..*problem };
    let other;
    let (factor, before) = if own.scheme.precision == problem.scheme.precision {
        (&made, &solution)
    } else {
        other = factor_and_solve(&own)?;
        ensure_alike(problem, &solution, &other.1).map_err(Failed::by(problem.scheme))?;
        (&other.0, &other.1)
    };
    let zeros;
    let u = match (&case.upstream, &case.upstream_eps) {
        (Some(upstream), _) => upstream,
        (None, Some(_)) => {
            zeros = vec![0.0; solution.u.len()];
            &zeros
        }
        (None, None) => {
            let by_rows = made.failure().cloned();
            return Ok(Solved { solution, gradients: None, by_rows });
        }
    };
    let upstream = Upstream { u, eps: case.upstream_eps.as_deref().unwrap_or_default(), theta: &[] };
    let row_weights = case.row_weights.iter().any(|own| !own.is_empty());
    let wanted = Wanted { row_weights, ..Wanted::ALL };
    let mut gradients = Gradients::default();
    factor
        .adjoint_into(&own, before, upstream, wanted, &mut gradients)
        .and_then(|()| gradients.check(&own))
        .map_err(Failed::by(own.scheme))?;
    let by_rows = made.failure().or(factor.failure()).cloned();
    Ok(Solved { solution, gradients: Some(gradients), by_rows })
}

/// The share of a solution in single precision that may be wrong, of the norm of the unknowns times `h^k`: what its own corrections are held to.
const OPEN: f64 = 5e-3;

/// Whether a solution in single precision is that of more digits. Its own corrections do not always tell: where rounding fills a pivot that would be nearly zero,
/// they are small in its direction, and what is wrong there looks settled.
fn ensure_alike(problem: &Problem, single: &Solution, exact: &Solution) -> Result<(), SolveError> {
    let shape = &problem.shape;
    let steps = problem.h.values;
    let of_sample = if problem.h.per_sample { steps.len() / shape.batch.max(1) } else { steps.len() };
    let samples = single.u.chunks_exact(shape.unknowns().max(1)).zip(exact.u.chunks_exact(shape.unknowns().max(1)));
    for (sample, (single, exact)) in samples.enumerate() {
        let own = steps.chunks(of_sample.max(1)).nth(if problem.h.per_sample { sample } else { 0 }).unwrap_or_default();
        let step = own.iter().map(|h| h.abs()).sum::<f64>() / own.len().max(1) as f64;
        let weights: Vec<f64> = (0..shape.orders).map(|k| step.powi(k as i32)).collect();
        let norm = |of: &dyn Fn(f64, f64) -> f64| {
            let pairs = single.iter().zip(exact).zip(weights.iter().cycle());
            pairs.map(|((a, b), weight)| (weight * of(*a, *b)).powi(2)).sum::<f64>().sqrt()
        };
        let (off, all) = (norm(&|a, b| a - b), norm(&|_, b| b));
        if off > OPEN * all {
            return Err(SolveError::Inexact { sample, share: off / all });
        }
    }
    Ok(())
}

fn factor_and_solve(problem: &Problem) -> Result<(Factor, Solution), Failed> {
    let failed = Failed::by(problem.scheme);
    let made = factor(problem).map_err(&failed)?;
    let solution = made.solve(problem).map_err(&failed)?;
    Ok((made, solution))
}

/// The arrays of the results; `of_one_step` is the gradient of a step that all intervals share.
fn results(
    file: &CaseFile,
    solution: &Solution,
    gradients: Option<&Gradients>,
    of_one_step: f64,
) -> Result<Vec<u8>, Failure> {
    let case = &file.case;
    let Shape { batch, equations, steps, states, orders, initial_steps, initial_orders } = case.shape;
    let of_c = [if case.shared_c { 1 } else { batch }, equations, steps, states, orders];
    let (of_u, of_rhs) = ([batch, steps, states, orders], [batch, equations, steps]);
    let of_iv = [batch, initial_steps, states, initial_orders];
    let of_rows = [[equations, steps], [initial_steps, states], [case.shape.intervals(), states]];
    let mut arrays: Vec<(&str, &[usize], &[f64])> = vec![("u", &of_u, &solution.u), ("eps", &of_u[..1], &solution.eps)];
    if let Some(gradients) = gradients {
        arrays.push(("grad_c", &of_c, &gradients.c));
        arrays.push(("grad_rhs", &of_rhs, &gradients.rhs));
        if case.shape.initial_values() > 0 {
            arrays.push(("grad_iv", &of_iv, &gradients.iv));
        }
        let one = file.h_shape.is_empty();
        arrays.push(("grad_h", &file.h_shape, if one { std::slice::from_ref(&of_one_step) } else { &gradients.h }));
        arrays.push(("grad_weights", &[3], &gradients.weights));
        let names = ["grad_weight_equation", "grad_weight_initial", "grad_weight_smooth"];
        for (((name, shape), given), gradient) in
            names.into_iter().zip(&of_rows).zip(&case.row_weights).zip(&gradients.row_weights)
        {
            if !given.is_empty() {
                arrays.push((name, shape, gradient));
            }
        }
    }
    Ok(arrays_to_npz(&arrays)?)
}

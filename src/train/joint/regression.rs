//! First coefficients: regression of smoothed derivatives on the model, linear or by Levenberg-Marquardt.
//!
//! Numbers that enter nonlinearly and have no start value are sought over all sizes ([`sizes`](super::sizes)), so that the unit in
//! which data are written does not matter. What every trajectory has of its own starts from the same regression with one number for all.

use super::grid::Grid;
use super::normal::{Normal, RIDGE, clamp, first, measure, normal};
use super::poles::Poles;
use super::problem::{Dynamics, JointError, Unknown};
use super::sizes;
use super::thinned::Thinned;
use crate::solve::Cholesky;

/// The start of the unknowns and their natural scales.
pub struct Start {
    /// One value per unknown.
    pub xi: Vec<f64>,
    /// The change of each unknown that changes x' by about its own size.
    pub scale: Vec<f64>,
    /// The part of the squares of the derivatives that is left.
    left: f64,
}

/// Steps of Levenberg-Marquardt, when an unknown enters nonlinearly.
const STEPS: usize = 40;
/// A start that leaves more than this part of the squares is looked at with doubt,
const POOR: f64 = 0.1;
/// and another one is better that leaves less than this part of what it leaves.
const BETTER: f64 = 0.9;
/// What counts as less for starts that have nothing against them: not the rounding of the same minimum.
const CLEARLY: f64 = 0.999;
/// Other sizes of all parameters at once.
const SIZES: [f64; 8] = [3.0, 1.0 / 3.0, 10.0, 0.1, 30.0, 1.0 / 30.0, 100.0, 0.01];

/// The first values of all numbers: the regression of `slopes` (x', `[component, time]`) on the model along `x`; interrupted once `stop`
/// says so. Samples whose slopes are not numbers are left out. The unknowns are those of the model, and `shared` is a grid on which
/// they are the same for all trajectories.
pub fn start(
    (grid, shared): (&Grid, &Grid),
    model: &mut dyn Dynamics,
    unknowns: &[Unknown],
    along: [&[f64]; 2],
    (poles, stop): (&Poles, &dyn Fn() -> bool),
) -> Result<Start, JointError> {
    let plain: Vec<f64> = unknowns.iter().map(first).collect();
    let some = if sizes::sought(unknowns) { Thinned::new(shared, sizes::MOST, along[1]) } else { None };
    if let Some(some) = some {
        let rows = along.map(|all| some.rows(all, shared.samples));
        let best = best(&some.grid, model, unknowns, (rows.each_ref().map(Vec::as_slice), &plain), (poles, stop))?;
        // Where the model has no value at a sample that was left out, all of them have to say where it has.
        let (all, from) = (grid.expanded(unknowns), grid.spread(&best.xi));
        if let Ok(whole) = fatal(regress(grid, model, &all, (along, &from), (poles, stop)))? {
            return Ok(whole);
        }
    }
    let best = best(shared, model, unknowns, (along, &plain), (poles, stop))?;
    if !grid.has_own() {
        return Ok(best);
    }
    regress(grid, model, &grid.expanded(unknowns), (along, &grid.spread(&best.xi)), (poles, stop))
}

/// The best of the regressions from all starts, with the same numbers for all trajectories.
fn best(
    grid: &Grid,
    model: &mut dyn Dynamics,
    unknowns: &[Unknown],
    (along, plain): ([&[f64]; 2], &[f64]),
    (poles, stop): (&Poles, &dyn Fn() -> bool),
) -> Result<Start, JointError> {
    // The model may have no value there: then the other starts have to do, and without any of them that is the failure.
    let mut best = fatal(regress(grid, model, unknowns, (along, plain), (poles, stop)))?;
    let consider = |model: &mut dyn Dynamics, from: &[f64], best: &mut Found, better: f64| -> Result<(), JointError> {
        if let Ok(other) = fatal(regress(grid, model, unknowns, (along, from), (poles, stop)))?
            && other.left < best.as_ref().map_or(f64::INFINITY, |best| better * best.left)
        {
            *best = Ok(other);
        }
        Ok(())
    };
    for from in sizes::starts(grid, model, unknowns, (along, plain), stop)? {
        consider(model, &from, &mut best, CLEARLY)?;
    }
    if unknowns.iter().any(sizes::open) {
        for size in SIZES {
            if best.as_ref().is_ok_and(|best| best.left <= POOR) {
                break;
            }
            let sized = |(u, x): (&Unknown, &f64)| if sizes::open(u) { x * size } else { *x };
            let from: Vec<f64> = unknowns.iter().zip(plain).map(sized).collect();
            consider(model, &from, &mut best, BETTER)?;
        }
    }
    best
}

/// A regression, or why there is none from where it started.
type Found = Result<Start, JointError>;

/// Failures that no other start can mend come outside.
fn fatal(found: Found) -> Result<Found, JointError> {
    match found {
        Err(error @ (JointError::Interrupted(_) | JointError::Evaluate(_))) => Err(error),
        other => Ok(other),
    }
}

/// The regression from given values of the numbers.
fn regress(
    grid: &Grid,
    model: &mut dyn Dynamics,
    unknowns: &[Unknown],
    ([x, slopes], from): ([&[f64]; 2], &[f64]),
    (poles, stop): (&Poles, &dyn Fn() -> bool),
) -> Result<Start, JointError> {
    let (n, p, len) = (grid.n, grid.unknowns, grid.samples);
    let (samples, size) = measure(slopes, n, len);
    let linear = unknowns.iter().all(|u| u.linear);
    let mut xi = from.to_vec();
    clamp(unknowns, &mut xi);
    let mut now = normal(grid, model, x, slopes, &size, &xi)?;
    if let Some((by, sample)) = now.undefined {
        let what = match by.and_then(|k| unknowns.get(k)) {
            Some(unknown) => format!("the term or derivative that belongs to {}", unknown.spelled()),
            None => "the right-hand side".to_string(),
        };
        return Err(JointError::NotFinite { what, at: grid.spot(sample, x, &xi) });
    }
    // What has no influence yet, as a parameter inside a term whose coefficient starts at zero, is moved in steps of its size.
    let natural = |normal: &Normal, i: usize, x: f64| match normal.size(i, samples) {
        Some(size) => size,
        _ if unknowns[i].droppable || unknowns[i].linear => 1e30,
        _ if x != 0.0 => x.abs(),
        _ => 1.0,
    };
    let mut scale: Vec<f64> = (0..p).map(|i| natural(&now, i, xi[i])).collect();
    let mut late: Vec<usize> = Vec::new();
    let mut without: Vec<usize> = (0..p).filter(|&i| now.gram[i * p + i] == 0.0).collect();
    let mut damping = RIDGE;
    for _ in 0..if linear { 1 } else { STEPS } {
        if stop() {
            return Err(JointError::Interrupted(None));
        }
        let weight = damping * damping * samples as f64;
        let mut a = vec![0.0; p * p];
        let mut b = vec![0.0; p];
        for i in 0..p {
            for j in 0..p {
                a[i * p + j] = now.gram[i * p + j] * scale[i] * scale[j];
            }
            a[i * p + i] += weight;
            // The ridge pulls terms towards zero and parameters towards where they are.
            let pull = if unknowns[i].droppable { -xi[i] / scale[i] } else { 0.0 };
            b[i] = now.gradient[i] * scale[i] + weight * pull;
        }
        let factor = Cholesky::factor_with_ridge(p, &a).ok_or(JointError::Collinear)?;
        let step = factor.solve(&b);
        let mut next: Vec<f64> = (0..p).map(|i| xi[i] + step[i] * scale[i]).collect();
        clamp(unknowns, &mut next);
        let tried = normal(grid, model, x, slopes, &size, &next)?;
        // A loss that is not a number is worse, too.
        let through = poles.hold_back(&now.divisors, &tried.divisors, grid);
        let worse = !linear && (through || tried.loss.is_nan() || tried.loss > now.loss * (1.0 + 1e-12));
        if worse {
            damping = damping.max(1e-4) * 4.0;
            if damping > 1e3 {
                break;
            }
            continue;
        }
        let mut settled = tried.loss > now.loss * (1.0 - 1e-6);
        (xi, now) = (next, tried);
        // Once the coefficient in front of it is known, its size is.
        without.retain(|&i| {
            let still = now.gram[i * p + i] == 0.0;
            if !still {
                (scale[i], settled) = (natural(&now, i, xi[i]), false);
                late.push(i);
            }
            still
        });
        damping = (damping / 3.0).max(if linear { RIDGE } else { 1e-6 });
        if settled {
            break;
        }
    }
    without.into_iter().chain(late).for_each(|i| scale[i] = natural(&now, i, xi[i]));
    let left = now.loss / (samples * n) as f64;
    Ok(Start { xi, scale, left: if left.is_finite() { left } else { f64::INFINITY } })
}

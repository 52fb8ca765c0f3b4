//! Frequencies in a wrong minimum. A parameter `w` of `sin(w*t)` has, over many periods of the data, one least of the sum of squares beside the
//! other: only a start within about half a period over all of them comes to the right one. Fits from other starts tell.

use super::terms::six_digits;
use crate::base::{Idx, IndexSet};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1111;
use crate::hir::{BinaryOp, Expr, ExprKind, Model, UnaryFn, UnknownId, UnknownKind, number};
use crate::report::short;
use crate::train::joint::{JointError, JointFit, Observations, Unknown};

/// Fits times samples that are spent on this, at most.
const MOST_WORK: usize = 100_000;
/// Fits, at most.
const MOST_FITS: usize = 60;
/// Starts reach so far from that of the fit, as a share of it.
const REACH: f64 = 0.35;
/// One start and the next differ by this share of a period over the whole of the data.
const APART: f64 = 0.3;
/// Over fewer periods than this every start is good enough.
const FEWEST_PERIODS: f64 = 2.0;
/// The fit is better by at least this much, which counts twice the logarithm of the likelihood.
const BETTER: f64 = 30.0;

/// The frequency with which the data follow the model, where the one that was found is in a wrong minimum; `exact` says of a fit that they
/// do, and `again` fits the same unknowns from other starts.
pub fn start(
    model: &Model,
    (unknowns, result, observations): (&[Unknown], &JointFit, &Observations),
    exact: impl Fn(&JointFit) -> bool,
    mut again: impl FnMut(&[Unknown]) -> Result<JointFit, JointError>,
) -> Option<Diagnostic> {
    let samples = observations.t.len();
    let longest = longest(observations);
    let mut left = MOST_FITS.min(MOST_WORK / samples.max(1));
    for id in frequencies(model) {
        let k = id.index();
        let (Some(unknown), Some(of)) = (unknowns.get(k), model.unknowns.get(id)) else { continue };
        let UnknownKind::Param(param) = of.kind else { continue };
        let first = unknown.start.filter(|w| *w != 0.0)?;
        let period = std::f64::consts::TAU / longest;
        if unknown.lower >= unknown.upper || unknown.own || first.abs() < FEWEST_PERIODS * period {
            continue;
        }
        let steps = (REACH * first.abs() / (APART * period)).floor() as usize;
        // The nearest first, on both sides.
        let starts = (1..=steps).flat_map(|n| [1.0, -1.0].map(|side| first + side * n as f64 * APART * period));
        for start in starts.filter(|w| (unknown.lower..=unknown.upper).contains(w)) {
            left = left.checked_sub(1)?;
            let mut tried = unknowns.to_vec();
            tried.get_mut(k)?.start = Some(start);
            let found = match again(&tried) {
                Ok(found) => found,
                // Whoever interrupts a run has its result already.
                Err(JointError::Interrupted(_)) => return None,
                Err(_) => continue,
            };
            if !exact(&found) || !found.converged || result.criterion - found.criterion < BETTER {
                continue;
            }
            let value = found.estimates.get(found.columns.at(k, 0))?.value;
            let name = &of.name;
            let message = format!(
                "the frequency `{name}` is in a wrong minimum: with {} in place of {} the data follow the model",
                short(value),
                short(result.estimates.get(result.columns.at(k, 0))?.value)
            );
            let help = format!(
                "start it there, `param {name} = {}`: over {:.0} periods a fit finds a frequency from a start that is within {:.1} % of it alone",
                number(six_digits(value)),
                (value / period).abs(),
                50.0 * (period / value).abs()
            );
            return Some(
                Diagnostic::warning(W1111, message, model.params[param].span, "starts too far away").help(help),
            );
        }
    }
    None
}

/// The longest time that a trajectory takes.
fn longest(observations: &Observations) -> f64 {
    let ends = observations.breaks.iter().copied().chain([observations.t.len()]);
    let mut from = 0;
    let mut longest = 0.0_f64;
    for end in ends {
        let part = observations.t.get(from..end).unwrap_or_default();
        if let (Some(first), Some(last)) = (part.first(), part.last()) {
            longest = longest.max(last - first);
        }
        from = end;
    }
    longest
}

/// The parameters that are multiplied by the time within a sine or a cosine.
fn frequencies(model: &Model) -> IndexSet<UnknownId> {
    let mut found = IndexSet::new();
    model.equations.iter().for_each(|equation| in_waves(&equation.residual, &mut found));
    found
}

/// Those within sines and cosines of an expression.
fn in_waves(expr: &Expr, found: &mut IndexSet<UnknownId>) {
    match &expr.kind {
        ExprKind::Unary(UnaryFn::Sin | UnaryFn::Cos, of) => beside_time(of, found),
        _ => expr.operands().for_each(|part| in_waves(part, found)),
    }
}

/// Those in a product with the time.
fn beside_time(expr: &Expr, found: &mut IndexSet<UnknownId>) {
    let mut in_products = |a: &Expr, b: &Expr| {
        if holds_time(a) {
            unknowns_in(b, found);
        }
    };
    if let ExprKind::Binary(BinaryOp::Mul | BinaryOp::Div, a, b) = &expr.kind {
        in_products(a, b);
        in_products(b, a);
    }
    expr.operands().for_each(|part| beside_time(part, found));
}

fn holds_time(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Time) || expr.operands().any(holds_time)
}

fn unknowns_in(expr: &Expr, found: &mut IndexSet<UnknownId>) {
    if let ExprKind::Unknown(id) = expr.kind {
        found.insert(id);
    }
    expr.operands().for_each(|part| unknowns_in(part, found));
}

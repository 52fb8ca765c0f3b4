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
/// Steps to either side, at most: a range may leave one side alone.
const MOST_STEPS: usize = MOST_FITS;
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
    let period = std::f64::consts::TAU / longest;
    let mut left = MOST_FITS.min(MOST_WORK / samples.max(1));
    let tried: Vec<(UnknownId, Vec<f64>)> = frequencies(model)
        .into_iter()
        .map(|id| (id, unknowns.get(id.index()).map_or_else(Vec::new, |u| starts(u, period))))
        .collect();
    let mut others = tried.iter().filter(|(_, starts)| !starts.is_empty()).count();
    for (id, starts) in tried {
        let k = id.index();
        let Some(of) = model.unknowns.get(id) else { continue };
        let UnknownKind::Param(param) = of.kind else { continue };
        if starts.is_empty() {
            continue;
        }
        // Each has its share of the fits, and of what those before it left.
        let share = left.div_ceil(others.max(1));
        others = others.saturating_sub(1);
        for start in starts.into_iter().take(share) {
            left = left.checked_sub(1)?;
            let mut tried = unknowns.to_vec();
            if let Some(unknown) = tried.get_mut(k) {
                unknown.start = Some(start);
            }
            let found = match again(&tried) {
                Ok(found) => found,
                // Whoever interrupts a run has its result already.
                Err(JointError::Interrupted(_)) => return None,
                Err(_) => continue,
            };
            if !exact(&found) || !found.converged || result.criterion - found.criterion < BETTER {
                continue;
            }
            let at = |of: &JointFit| of.estimates.get(of.columns.at(k, 0)).map(|e| e.value);
            let (Some(value), Some(wrong)) = (at(&found), at(result)) else { continue };
            let name = &of.name;
            let message = format!(
                "the frequency `{name}` is in a wrong minimum: with {} in place of {} the data follow the model",
                short(value),
                short(wrong)
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

/// The starts of a frequency that are tried, the nearest to its own first, on both sides and within its range; as many as can be used.
fn starts(unknown: &Unknown, period: f64) -> Vec<f64> {
    let Some(first) = unknown.start else { return Vec::new() };
    // Not so for a period that is no number, either.
    let is_long = first.abs() >= FEWEST_PERIODS * period && period > 0.0;
    if unknown.lower >= unknown.upper || unknown.own || !is_long {
        return Vec::new();
    }
    let apart = APART * period;
    let reach = (REACH * first.abs()).min((unknown.upper - first).max(first - unknown.lower));
    let steps = (reach / apart).floor().min(MOST_STEPS as f64) as usize;
    let around = (1..=steps).flat_map(|n| [1.0, -1.0].map(|side| first + side * n as f64 * apart));
    around.filter(|w| (unknown.lower..=unknown.upper).contains(w)).take(MOST_FITS).collect()
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

#[cfg(test)]
mod tests {
    use super::{MOST_FITS, starts};
    use crate::train::joint::Unknown;

    fn unknown(start: Option<f64>, [lower, upper]: [f64; 2]) -> Unknown {
        let [linear, droppable, own, left_out] = [false; 4];
        Unknown { name: "w".into(), start, lower, upper, linear, droppable, own, left_out, trajectory: None }
    }

    #[test]
    fn starts_are_as_many_as_fits_and_lie_in_the_range() {
        let free = starts(&unknown(Some(1e12), [f64::NEG_INFINITY, f64::INFINITY]), 1e-6);
        assert_eq!(free.len(), MOST_FITS);
        assert!(starts(&unknown(Some(1e12), [1e12, 1e12 + 1e-3]), 1.0).is_empty());
        let near = starts(&unknown(Some(10.0), [9.9, 10.5]), 0.5);
        assert!(near.len() == 3 && near.iter().all(|w| (9.9..=10.5).contains(w)), "{near:?}");
        for none in [None, Some(0.0), Some(f64::NAN)] {
            assert!(starts(&unknown(none, [0.0, 1.0]), 0.1).is_empty(), "{none:?}");
        }
        assert!(starts(&unknown(Some(1.0), [0.0, 2.0]), 0.0).is_empty());
    }
}

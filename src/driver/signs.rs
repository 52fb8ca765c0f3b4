//! Laws that bounds hold at zero, since the sign before a term or a hole is the wrong one: without these bounds the fit goes through zero and follows the
//! data.

use super::exchanges;
use crate::base::IndexSet;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1104;
use crate::hir::{self, Model, UnknownKind};
use crate::report::{named, round};
use crate::train::joint::{Estimate, JointError, JointFit, Observations, Unknown};

/// Larger data are not fitted again,
const MOST_SAMPLES: usize = 20_000;
/// nor models with more unknowns.
const MOST_UNKNOWNS: usize = 60;
/// The noise of some state has to be below this part of what it was, and that of none above as much of it.
const LESS: f64 = 0.5;
const NO_MORE: f64 = 1.2;
/// A number is on the other side of zero by more than this many of its standard errors.
const BEYOND: f64 = 4.0;
/// It is as good as zero where it is nearer to it than this many.
const AT_ZERO: f64 = 2.0;

/// The unknowns that bounds hold at zero, or near it, and that are on its other side in a fit without such bounds, where that follows the data and the one with them does not. `again`
/// fits other unknowns to the same data.
pub fn turned(
    model: &Model,
    (unknowns, result, observations): (&[Unknown], &JointFit, &Observations),
    mut again: impl FnMut(&[Unknown]) -> Result<JointFit, JointError>,
) -> Option<Diagnostic> {
    if observations.t.len() > MOST_SAMPLES || unknowns.len() > MOST_UNKNOWNS {
        return None;
    }
    let estimate =
        |of: &JointFit, k: usize| -> Option<Estimate> { of.estimates.get(of.columns.of(k))?.first().copied() };
    let is_held = |k: usize, unknown: &Unknown| {
        let at_zero = |e: Estimate| {
            if unknown.droppable { !e.kept || e.at_bound } else { e.at_bound && is_zero(e.value, unknown) }
        };
        has_side(unknown) && estimate(result, k).is_some_and(at_zero)
    };
    let held: Vec<usize> = unknowns.iter().enumerate().filter(|(k, u)| is_held(*k, u)).map(|(k, _)| k).collect();
    if held.is_empty() {
        return None;
    }
    let free = |(k, unknown): (usize, &Unknown)| match has_side(unknown) && (unknown.linear || held.contains(&k)) {
        // A range says of what size a number is.
        true => {
            let size = unknown.upper.abs().max(unknown.lower.abs());
            Unknown { lower: -size, upper: size, ..unknown.clone() }
        }
        false => unknown.clone(),
    };
    let free: Vec<Unknown> = unknowns.iter().enumerate().map(free).collect();
    let other = again(&free).ok().filter(|other| other.converged)?;
    let shares = || {
        result.noise.iter().zip(&other.noise).map(|(with, without)| without / with).filter(|share| share.is_finite())
    };
    // Where the process itself seemed noisy the noise says nothing.
    let is_exact = result.process_noise && other.in_order();
    if !is_exact && (!shares().any(|share| share < LESS) || shares().any(|share| share > NO_MORE)) {
        return None;
    }
    let beyond = |(k, unknown): (usize, &Unknown)| {
        let found = estimate(&other, k).filter(|e| e.kept && e.value.abs() > BEYOND * e.std_error)?;
        let is_beyond = has_side(unknown) && (found.value < unknown.lower || found.value > unknown.upper);
        is_beyond.then_some((k, found))
    };
    // Others are free for these to be, and may be anywhere then.
    let is_near = |k: usize| estimate(result, k).is_some_and(|e| e.kept && e.value.abs() < AT_ZERO * e.std_error);
    let at_zero = unknowns.iter().enumerate().filter(|(k, _)| held.contains(k) || is_near(*k));
    let beyond: Vec<(usize, Estimate)> = at_zero.filter_map(beyond).collect();
    let (mut numbers, mut wrong, mut places) = (Vec::new(), IndexSet::new(), IndexSet::new());
    for (k, found) in &beyond {
        let unknown = model.unknowns.values().nth(*k)?;
        let number = round(found.value, Some(found.std_error)).full();
        match unknown.kind {
            UnknownKind::Param(param) => {
                numbers.push(format!("`{}` is {number}", unknown.name));
                wrong.insert(format!("before the term with `{}`", hir::family(&unknown.name)));
                let here =
                    if held.contains(k) { "held at 0 by its range" } else { "held near 0, on one side, by its range" };
                places.insert((model.params[param].span, here));
            }
            UnknownKind::Coefficient { hole, .. } => {
                let hole = &model.holes[hole];
                numbers.push(format!("the coefficient of {} is {number}", exchanges::spelled(model, *k)?));
                wrong.insert(format!("before `{}`, or its bound,", hole.spelled));
                places.insert((hole.span, "held at 0 by its bound"));
            }
        }
    }
    let mut places = places.into_iter();
    let (first, here) = places.next()?;
    let wrong: Vec<String> = wrong.into_iter().collect();
    let message = format!(
        "bounds hold at 0 what the data ask for with the other sign: without them the fit follows the data, and {}",
        named(&numbers)
    );
    let help = format!("the sign {} is the wrong one: turn it round", wrong.join(" and that "));
    let finding = Diagnostic::warning(W1104, message, first, here).help(help);
    Some(places.fold(finding, |finding, (place, here)| finding.label(place, here)))
}

/// Whether an unknown may have one sign only.
fn has_side(unknown: &Unknown) -> bool {
    unknown.lower < unknown.upper && (unknown.lower == 0.0 || unknown.upper == 0.0)
}

/// Whether a number is zero, beside the size of its range.
fn is_zero(value: f64, unknown: &Unknown) -> bool {
    let size = unknown.upper.abs().max(unknown.lower.abs());
    value.abs() <= 1e-9 * if size.is_finite() { size } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::joint_numbers::unknown;
    use crate::driver::pointwise::Compiled;
    use crate::driver::session::Session;
    use crate::driver::target::Target;
    use crate::runtime::Threads;
    use crate::source::MemoryWorld;
    use crate::train::Silent;
    use crate::train::joint::{self, Settings};

    #[test]
    fn what_no_bound_holds_at_zero_is_not_named() {
        let text = "model M { state x; param a = 0.4 in [0, 2], b = 0.1 in [0, 2]; x' = -a*x + b }";
        let mut session = Session::new(MemoryWorld::new().with("m.mech", text));
        let program = session.check("m.mech", &[]).expect("a model").program;
        let model = program.models.values().next().expect("a model");
        let unknowns: Vec<Unknown> = model.unknowns.values().map(|u| unknown(model, u)).collect();
        let t: Vec<f64> = (0..60).map(|i| 0.1 * f64::from(i)).collect();
        let y = t.iter().zip(0..).map(|(t, i)| libm::exp(-0.4 * t) + 0.01 * f64::from(i * 7 % 5 - 2)).collect();
        let (derivative_of, guess, names) = (vec![None], vec![f64::NAN], vec!["x".into()]);
        let observations = Observations { t, y, derivative_of, guess, names, ..Observations::default() };
        let (terms, exact) = (None, false);
        let settings =
            Settings { seed: 1, significance: None, most_samples: 1000, finer: 1, terms, near: false, exact };
        let mut compiled = Compiled::linearisation(model, &Target::Host(Threads::single())).expect("a compiled model");
        let found = joint::fit(&mut compiled, &unknowns, &observations, &settings, &mut Silent).expect("a fit");
        let with = |[a, b]: [f64; 2], noise: f64| {
            let at = |value: f64| Estimate { value, std_error: 0.01, kept: true, at_bound: value == 0.0 };
            JointFit { estimates: vec![at(a), at(b)], noise: vec![noise], converged: true, ..found.clone() }
        };
        let said = |held: [f64; 2]| {
            let again = |_: &[Unknown]| Ok(with([-0.5, -0.3], 0.1));
            turned(model, (&unknowns, &with(held, 1.0), &observations), again).map(|said| said.message)
        };
        let message = said([0.0, 0.7]).expect("a remark");
        assert!(message.contains("`a` is -0.5") && !message.contains("`b`"), "{message}");
        // What is zero within its error bounds hold near it.
        let message = said([0.0, 0.01]).expect("a remark");
        assert!(message.contains("`a` is -0.5") && message.contains("`b` is -0.3"), "{message}");
        assert_eq!(said([0.4, 0.7]), None);
    }
}

//! A fit that is lost: it came to numbers at which the model does anything, so that it goes through every sample.

use super::conventions::Conventions;
use super::exchanges;
use super::observed::Observed;
use crate::hir::{self, Model, UnknownKind};
use crate::report::{named, round};
use crate::train::joint::{Estimate, JointFit};

/// Noise below this share of what neighbouring samples scatter by is none that they can have.
const TOO_LITTLE: f64 = 1e-3;
/// Where a term is kept of which nothing is known, more noise than that is too little as well.
const LITTLE: f64 = 0.03;
/// Where samples are so far apart that nothing is seen of their scatter, noise below this share of what the data do is none that was measured.
const NONE: f64 = 1e-5;
/// An error so many times its number, and what that started from, says nothing of it. Exact data, which may have as little noise, and parameters
/// that make up for each other do not lead as far. Nor do they lead so many times beyond the start to a number of which nothing is known.
const TOO_FAR: f64 = 1e4;
/// No unit is so far from another one.
const BEYOND: f64 = 1e15;

/// An estimate that says that a fit is lost.
struct Far<'m> {
    /// The parameter; none of a term.
    parameter: Option<&'m str>,
    /// It with its value.
    told: String,
}

/// What is said of a fit that is lost, with one estimate for every unknown.
pub fn said(model: &Model, observed: &Observed, conventions: &Conventions, fit: &JointFit) -> Option<String> {
    let below = |share: f64| {
        let deviations = observed.components.iter().map(|c| NONE * c.deviation);
        let least = fit.scatter.iter().zip(deviations).map(|(scatter, none)| none.max(share * scatter));
        fit.noise.iter().zip(least).any(|(noise, least)| *noise < least)
    };
    let little = [below(LITTLE), below(TOO_LITTLE)];
    judged(model, (little, observed.hidden().next()), &|k| conventions.hold(&[k]), &fit.estimates)
}

/// What is said where noise is less than there can be, and far less, of estimates of which some are a matter of convention.
fn judged(
    model: &Model,
    ([little, too_little], hidden): ([bool; 2], Option<&str>),
    by_convention: &dyn Fn(usize) -> bool,
    estimates: &[Estimate],
) -> Option<String> {
    let numbered = model.unknowns.values().zip(estimates).enumerate().filter(|(_, (_, e))| e.kept && little);
    let far: Vec<Far> = numbered
        .filter_map(|(k, (unknown, estimate))| {
            let value = round(estimate.value, None).full();
            match unknown.kind {
                UnknownKind::Param(_) if too_little && is_far(unknown, estimate) => {
                    Some(Far { parameter: Some(&unknown.name), told: format!("`{} = {value}`", unknown.name) })
                }
                // Terms that no data ask for are dropped: one that is kept without an effect is where the fit came to rest on its way. Of what is a
                // convention no data say anything.
                UnknownKind::Coefficient { .. } if hidden.is_some() && says_nothing(estimate) && !by_convention(k) => {
                    Some(Far { parameter: None, told: format!("{value} for {}", exchanges::spelled(model, k)?) })
                }
                _ => None,
            }
        })
        .collect();
    if far.is_empty() {
        return None;
    }
    let values: Vec<String> = far.iter().map(|far| far.told.clone()).collect();
    let way_out = match (far.iter().find_map(|far| far.parameter), hidden) {
        (Some(name), _) => {
            let name = hir::family(name);
            format!(
                "start parameters near the size that is expected, in a range of such sizes (`param {name} = ... in [..., ...]`), or leave out the start \
                 value of `{name}`: then it is sought"
            )
        }
        (None, Some(state)) => format!(
            "say where `{state}` begins (`initial {state} = ...`), write what is known of its equation beside the holes, or give fewer candidates"
        ),
        (None, None) => return None,
    };
    Some(format!(
        "the fit is lost: with {} its solution goes through every sample, which no law with noise in the data does, and says nothing of the model or the \
         data; {way_out}",
        named(&values),
    ))
}

/// Whether a parameter went so far that nothing is known of it.
fn is_far(unknown: &hir::Unknown, estimate: &Estimate) -> bool {
    let start = unknown.start.unwrap_or(0.0).abs();
    let times = |factor: f64| start > 0.0 && estimate.value.abs() > factor * start;
    times(BEYOND)
        || times(TOO_FAR) && says_nothing(estimate)
        || estimate.std_error > TOO_FAR * estimate.value.abs().max(start)
}

/// Whether the error is larger than the number.
fn says_nothing(estimate: &Estimate) -> bool {
    estimate.std_error > estimate.value.abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Sink;
    use crate::source::{MemoryWorld, Sources};
    use crate::{sema, syntax};

    fn estimate(value: f64, std_error: f64) -> Estimate {
        Estimate { value, std_error, kept: true, at_bound: false }
    }

    #[test]
    fn a_term_without_an_effect_tells_only_where_there_is_no_noise_and_no_convention() {
        let text = "model M { state a, h; param k = 0.3; a' = exp(h) - k*a; h' = ?terms(a, h) }";
        let (mut sources, mut sink) = (Sources::default(), Sink::new());
        let file = sources.add("m.mech", text);
        let tree = syntax::parse(file, text, &mut sink);
        let program = sema::analyze(&tree, &MemoryWorld::new(), &[], &mut sources, &mut sink).expect("a program");
        let model = program.models.values().next().expect("a model");
        let position = |coefficient: bool| {
            let is = |u: &hir::Unknown| matches!(u.kind, UnknownKind::Coefficient { .. }) == coefficient;
            model.unknowns.values().position(is).expect("an unknown")
        };
        let (k, term) = (position(false), position(true));
        let said =
            |(of, value, error): (usize, f64, f64), little: [bool; 2], hidden: Option<&str>, convention: bool| {
                let mut all = vec![estimate(1.0, 0.01); model.unknowns.len()];
                all[of] = estimate(value, error);
                judged(model, (little, hidden), &|_| convention, &all)
            };
        let nothing = (term, -29738.9, 1e9);
        let lost = said(nothing, [true, false], Some("h"), false).expect("a lost fit");
        assert!(
            lost.contains("with -29738.9 for `a` in the equation of `h`") && lost.contains("`initial h = ...`"),
            "{lost}"
        );
        assert_eq!(said(nothing, [false, false], Some("h"), false), None);
        assert_eq!(said(nothing, [true, true], None, false), None);
        assert_eq!(said(nothing, [true, true], Some("h"), true), None);
        assert_eq!(said((term, 2.0, 1.0), [true, true], Some("h"), false), None);
        // A parameter far beyond its start, of which nothing is known, or so far that no unit is.
        assert_eq!(said((k, 1e6, 1e7), [true, false], Some("h"), false), None);
        for far in [(k, 1e6, 1e7), (k, 1e22, 1.0), (k, 1.0, 1e5)] {
            let lost = said(far, [true, true], Some("h"), false).expect("a lost fit");
            assert!(lost.contains("`k = ") && lost.contains("leave out the start value of `k`"), "{lost}");
        }
        assert_eq!(said((k, 1e6, 1.0), [true, true], Some("h"), false), None);
        assert_eq!(said((k, 0.0, 0.2), [true, true], Some("h"), false), None);
    }
}

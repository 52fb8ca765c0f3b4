//! A fit that is lost: it came to numbers at which the model does anything, so that it goes through every sample.

use super::conventions::Conventions;
use super::exchanges;
use super::holes_alone;
use super::observed::Observed;
use super::starts_given;
use super::unexplained;
use crate::data;
use crate::diagnostics::Diagnostic;
use crate::hir::{self, Model, Point, UnknownKind};
use crate::lower::pointwise::components;
use crate::report::{named, ran_away, round, short};
use crate::train::joint::{Estimate, JointFit};

/// Noise below this share of what neighbouring samples scatter by is none that they can have.
const TOO_LITTLE: f64 = 1e-3;
/// Where a term is kept of which nothing is known, more noise than that is too little as well.
pub const LITTLE: f64 = 0.03;
/// Where samples are so far apart that nothing is seen of their scatter, noise below this share of what the data do is none that was measured.
const NONE: f64 = 1e-5;
/// An error so many times its number, and what that started from, says nothing of it. Exact data, which may have as little noise, and parameters
/// that make up for each other do not lead as far. Nor do they lead so many times beyond the start to a number of which nothing is known.
const TOO_FAR: f64 = 1e4;
/// What is left over is never so many times what the data do.
const FAR_MORE: f64 = 100.0;
/// No unit is so far from another one.
const BEYOND: f64 = 1e15;
/// A state does not change by so many times its largest value from sample to sample.
const TORN: f64 = 1e6;
/// What is left over is all there is from this share of what the data do on.
pub const ALL: f64 = 0.95;

/// An estimate that says that a fit is lost.
struct Far<'m> {
    /// The parameter; none of a term.
    parameter: Option<&'m str>,
    /// It with its value.
    told: String,
}

/// What is said of a fit that is lost, with one estimate for every unknown. Whether the scale of a hidden state is free, which leaves numbers
/// undetermined, is known.
pub fn said(
    model: &Model,
    observed: &Observed,
    (conventions, free_scale): (&Conventions, bool),
    fit: &JointFit,
) -> Option<String> {
    let below = |share: f64| {
        let deviations = observed.components.iter().map(|c| NONE * c.deviation);
        let least = fit.scatter.iter().zip(deviations).map(|(scatter, none)| none.max(share * scatter));
        fit.noise.iter().zip(least).any(|(noise, least)| *noise < least)
    };
    let little = [below(LITTLE), below(TOO_LITTLE)];
    judged(model, (little, observed.hidden().next()), &|k| conventions.hold(&[k]), &fit.estimates)
        .or_else(|| went_away(model, observed, fit, &|k| conventions.hold(&[k])))
        .or_else(|| torn(model, observed, fit))
        .or_else(|| nothing(model, observed, fit))
        .or_else(|| worse(model, observed, fit))
        .or_else(|| all_noise((observed, free_scale), fit))
}

/// What is said of a fit that is lost for a reason which has been found.
pub fn since(found: Diagnostic) -> String {
    format!("the fit is lost: {}; {}", found.message, found.help.unwrap_or_default())
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
        (None, Some(state)) => way_out_of(model, state),
        (None, None) => return None,
    };
    Some(format!(
        "the fit is lost: with {} its solution goes through every sample, which no law with noise in the data does, and says nothing of the model or the \
         data; {way_out}",
        named(&values),
    ))
}

/// What to do about a hidden state.
fn way_out_of(model: &Model, state: &str) -> String {
    holes_alone::way_out(model, state).unwrap_or_else(|| {
        format!("say where `{state}` begins (`initial {state} = ...`), write what is known of its equation beside the holes, or give fewer candidates")
    })
}

/// A fit that did not come to an end and whose numbers have errors of no size that a number has, or which leaves over far more than there is.
fn went_away(
    model: &Model,
    observed: &Observed,
    fit: &JointFit,
    by_convention: &dyn Fn(usize) -> bool,
) -> Option<String> {
    if fit.in_order() {
        return None;
    }
    let noise = fit.noise.iter().zip(&observed.components);
    let more = noise.map(|(noise, c)| if c.deviation > 0.0 { noise / c.deviation } else { 0.0 }).fold(0.0, f64::max);
    let what = match away(model, &fit.estimates, by_convention) {
        Some(told) => format!("its numbers ran away, as {told}, and say nothing of the model or the data"),
        None if more > FAR_MORE => {
            "what it leaves over is far larger than the data, and its numbers say nothing of the model or the data"
                .to_string()
        }
        None => return None,
    };
    Some(format!(
        "the fit is lost: {what}; give fewer candidates, start values and ranges for parameters, or write what is known of its equations beside the holes"
    ))
}

/// The first number whose error is of no size that a number has.
fn away(model: &Model, estimates: &[Estimate], by_convention: &dyn Fn(usize) -> bool) -> Option<String> {
    let is_away = |u: &hir::Unknown, e: &Estimate| e.kept && ran_away(e.value, e.std_error, u.start);
    let mut numbered = model.unknowns.values().zip(estimates).enumerate();
    let (k, (unknown, estimate)) = numbered.find(|(k, (u, e))| is_away(u, e) && !by_convention(*k))?;
    let value = round(estimate.value, None).full();
    match unknown.kind {
        UnknownKind::Param(_) => Some(format!("`{} = {value}`", unknown.name)),
        UnknownKind::Coefficient { .. } => Some(format!("{value} for {}", exchanges::spelled(model, k)?)),
    }
}

/// Equations that a solution with a hidden state goes through its samples in spite of: at every one they change a state by far more in a step than it
/// ever is.
fn torn(model: &Model, observed: &Observed, fit: &JointFit) -> Option<String> {
    let hidden = observed.hidden().next()?;
    let samples = fit.x.len() / observed.components.len().max(1);
    let of = |c: usize| fit.x.get(c * samples..(c + 1) * samples).unwrap_or_default();
    let largest = |c: usize| of(c).iter().fold(0.0f64, |most, x| most.max(x.abs()));
    let at: Vec<(&data::Trajectory, usize)> =
        observed.train.trajectories.iter().flat_map(|t| (0..t.len).map(move |i| (t, i))).collect();
    let parts = components(model);
    let top = |state: hir::StateId| parts.iter().rposition(|(id, _)| *id == state);
    let is_torn = |equation: &hir::Equation| {
        let Some(c) = top(equation.state) else { return false };
        let (order, size) = (model.states[equation.state].order, largest(c));
        let mut each = at.iter().enumerate();
        let far = each.all(|(s, (trajectory, i))| {
            let value = |c: usize| of(c).get(s).copied().unwrap_or(f64::NAN);
            let with = |derivative: f64| {
                let state = |id: hir::StateId| {
                    let own = parts.iter().enumerate().filter(|(_, (of, _))| *of == id).map(|(c, _)| value(c));
                    own.chain((id == equation.state).then_some(derivative)).collect()
                };
                let width = trajectory.input_width();
                equation.residual.eval(&Point {
                    time: trajectory.time(*i),
                    states: model.states.iter().map(|(id, _)| state(id)).collect(),
                    inputs: trajectory.inputs.iter().skip(i * width).take(width).copied().collect(),
                    unknowns: fit.estimates.iter().map(|e| e.value).collect(),
                })
            };
            let (rest, slope) = (with(0.0), with(1.0) - with(0.0));
            // Beside such a rest a derivative of one is rounding.
            let rate = rest.abs() / if slope.abs() > 0.0 { slope.abs() } else { 1.0 };
            rate * trajectory.dt > TORN * size
        });
        order > 0 && !at.is_empty() && far
    };
    let equation = model.equations.iter().find(|e| is_torn(e))?;
    Some(format!(
        "the fit is lost: at every sample its equations change `{}` by more in a step than that ever is, a million times and more, and its numbers say \
         nothing of the model or the data; {}",
        hir::family(&model.states[equation.state].name),
        way_out_of(model, hidden),
    ))
}

/// A law with noise of the process beside which the data are nothing, or of which nothing but that noise is left.
fn all_noise((observed, free_scale): (&Observed, bool), fit: &JointFit) -> Option<String> {
    if !fit.process_noise {
        return None;
    }
    let beyond = unexplained::all(observed, fit).map(|(_, of)| of);
    let mut kept = fit.estimates.iter().filter(|e| e.kept).peekable();
    // Where a scale is free that is why, and where a state is hidden it may be what its start makes up for.
    let nothing = !free_scale
        && observed.hidden().next().is_none()
        && !fit.converged
        && kept.peek().is_some()
        && kept.all(|e| e.at_bound || e.std_error.is_nan() || says_nothing(e));
    let what = match beyond {
        Some(of) => format!("what its law leaves over of `{}` is larger than what the data do", hir::family(&of.state)),
        None if nothing => {
            "none of its numbers is told from zero, and all that the data do is given to noise of the process"
                .to_string()
        }
        None => return None,
    };
    Some(format!(
        "the fit is lost: {what}, and no solution near the data was found; this law does not describe them with these start values: try others, or look for \
         the terms that are missing"
    ))
}

/// Equations with a hidden state that explain nothing of some state, and of which no number is determined, or none is left.
fn nothing(model: &Model, observed: &Observed, fit: &JointFit) -> Option<String> {
    let state = observed.hidden().next()?;
    let mut left = fit.noise.iter().zip(&observed.components);
    if !left.any(|(noise, c)| c.deviation > 0.0 && *noise >= ALL * c.deviation) {
        return None;
    }
    let kept: Vec<&Estimate> = fit.estimates.iter().filter(|e| e.kept).collect();
    let which = match kept.is_empty() {
        false if kept.iter().all(|e| e.std_error > TOO_FAR * e.value.abs()) => "none of its numbers is determined",
        // Terms with a hidden state that is something of its own may all be dropped rightly.
        true if holes_alone::way_out(model, state).is_some() => "none of its terms is left",
        _ => return None,
    };
    Some(format!(
        "the fit is lost: {which}, and what it leaves over is as large as the data; {}",
        way_out_of(model, state)
    ))
}

/// Parameters at which the equations explain nothing, where all states are observed and the fit did not settle or says nothing of one of them.
fn worse(model: &Model, observed: &Observed, fit: &JointFit) -> Option<String> {
    let params = model.unknowns.values().zip(&fit.estimates).filter(|(u, _)| matches!(u.kind, UnknownKind::Param(_)));
    let mut params = params.peekable();
    params.peek()?;
    if observed.hidden().next().is_some() || fit.converged && !params.any(|(_, e)| says_nothing(e)) {
        return None;
    }
    let (share, component) = unexplained::all(observed, fit)?;
    let way_out = starts_given::give(model).unwrap_or_else(|| {
        "start parameters nearer to what is expected, in ranges of such sizes, and look at the signs of the terms"
            .to_string()
    });
    let much = match share < 1.5 {
        true => "as much as".to_string(),
        false => format!("{} times", short(round_to_two(share))),
    };
    Some(format!(
        "the fit is lost: what it leaves over of `{}` is {much} all that the data do there, so that its equations explain nothing; {way_out}; else the law \
         is another one",
        component.state,
    ))
}

/// Two digits are enough of what says how wrong something is.
fn round_to_two(share: f64) -> f64 {
    let unit = 10f64.powf(share.log10().floor() - 1.0);
    (share / unit).round() * unit
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
        // Whatever noise there is and whether states are hidden: errors that no number has, but for those of conventions.
        let away = |(of, value, error): (usize, f64, f64), convention: bool| {
            let mut all = vec![estimate(1.0, 0.01); model.unknowns.len()];
            all[of] = estimate(value, error);
            super::away(model, &all, &|_| convention)
        };
        assert_eq!(away((term, -453456.0, 7.7e28), false).as_deref(), Some("-453456 for `a` in the equation of `h`"));
        assert_eq!(away((k, 4.98e6, 1.8e30), false).as_deref(), Some("`k = 4.98e6`"));
        assert_eq!(away((term, -453456.0, 7.7e28), true), None);
        assert_eq!(away((term, 2.0, 1e7), false), None);
        // What comes out as zero has an error of its own: that of its start, or what numbers of no known size have.
        assert_eq!(away((k, 1e-12, 0.01), false), None);
        assert_eq!(away((term, 1e-12, 3.0), false), None);
        assert_eq!(away((k, 1e-12, 1e8), false).as_deref(), Some("`k = 1e-12`"));
        assert_eq!(said((k, 0.0, 0.2), [true, true], Some("h"), false), None);
    }
}

//! What a solution leaves over that is no noise: residuals of neighbouring samples that agree, and residuals far larger than what
//! neighbouring samples scatter by.

use super::agreement::{self, Agreement, Neighbours};
use super::observed::Observed;
use super::smoothed::{Smoothed, smoothed};
use crate::base::{IndexMap, IndexSet};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{W1111, W1117};
use crate::hir::{Model, UnknownKind};
use crate::report::named;
use crate::source::Span;
use crate::train::joint::{JointFit, Observations};

/// Noise of the fit in units of the scatter of neighbouring samples from which on a fit from no start values is doubted.
const DOUBTED: f64 = 5.0;

/// Declarations that are shown beside the first one, at most.
const MOST_PLACES: usize = 5;
/// Neighbouring samples whose residuals correlate by more than this,
const CORRELATED: f64 = 0.5;
/// and by more standard errors than this of what white noise has by chance,
const BY_CHANCE: f64 = 4.0;
/// or by more than this where all columns and trajectories together do so by as many standard errors,
const TOGETHER: f64 = 0.3;
/// in residuals that are more than this share of the data's spread, say that the residuals are no noise. Smaller ones may be rounding of the data.
const COUNTS: f64 = 0.01;

/// States of which what a deterministic solution leaves over is no noise, since neighbouring samples agree: one remark that names them all, at the first of their
/// declarations with the others beside it, and one for each declaration whose data were smoothed.
pub fn left_over(model: &Model, observed: &Observed, (data, solution): (&Observations, &[f64])) -> Vec<Diagnostic> {
    let len = data.t.len();
    let together = agreement::of(observed, (data, solution));
    let together = together.filter(is_told);
    let mut declared: IndexSet<Span> = IndexSet::new();
    let mut shares: Vec<String> = Vec::new();
    let mut smooth: IndexMap<Span, Vec<(String, Smoothed)>> = IndexMap::new();
    for (c, component) in observed.components.iter().enumerate().filter(|(_, c)| c.derivative == 0) {
        let [y, x] = [&data.y[..], solution].map(|all| all.get(c * len..(c + 1) * len).unwrap_or_default());
        let Some(state) = model.states.values().find(|s| s.name == component.state) else { continue };
        let left: Vec<f64> = y.iter().zip(x).map(|(y, x)| y - x).collect();
        let Some(correlation) = agree((y, &left), &data.breaks, together.is_some()) else { continue };
        if let Some(found) = smoothed(y, &left, &data.breaks) {
            smooth.entry(state.span).or_default().push((component.state.clone(), found));
        } else {
            declared.insert(state.span);
            shares.push(format!("`{}` {correlation:.2}", component.state));
        }
    }
    let remark = |first: &Span| {
        let message = format!(
            "what the solution leaves over is no noise, neighbouring samples agree: their correlation is {}",
            named(&shares)
        );
        let help = "a term is missing, or the fit is in a wrong minimum: try other start values and more candidates; or the data were smoothed: fit them as they were measured; standard errors are too small as it is";
        let remark = Diagnostic::warning(W1111, message, *first, "in its data");
        declared
            .iter()
            .skip(1)
            .take(MOST_PLACES)
            .fold(remark, |remark, span| remark.label(*span, "and in its data"))
            .help(help)
    };
    declared.first().map(remark).into_iter().chain(smooth.into_iter().filter_map(was_smoothed)).collect()
}

/// Whether all columns and trajectories together agree by more than noise does.
pub fn is_told(all: &Agreement) -> bool {
    all.correlation > TOGETHER && all.certain > BY_CHANCE
}

/// What is said of states of one declaration whose data were smoothed.
fn was_smoothed((span, of): (Span, Vec<(String, Smoothed)>)) -> Option<Diagnostic> {
    let names: Vec<String> = of.iter().map(|(name, _)| format!("`{name}`")).collect();
    let Smoothed { samples, factor } =
        of.iter().map(|(_, s)| *s).reduce(|a, b| if b.factor > a.factor { b } else { a })?;
    let message = format!(
        "the noise of {} agrees between neighbouring samples and no more between those {samples} apart: these data were smoothed",
        named(&names)
    );
    let help = format!(
        "fit the samples as they were measured, or every {samples}th of these; as it is standard errors are too small, by a factor of about \
         {factor:.1}, and terms may be kept that are none"
    );
    Some(Diagnostic::warning(W1117, message, span, "in its data").help(help))
}

/// The correlation of what is left over at neighbouring samples of a trajectory, where it is more than noise has.
pub fn neighbours_agree(y: &[f64], x: &[f64], breaks: &[usize]) -> Option<f64> {
    let left: Vec<f64> = y.iter().zip(x).map(|(y, x)| y - x).collect();
    agree((y, &left), breaks, false)
}

/// The same of what is `left` of the samples `y`; where all columns together agree by more than chance, it need not be so by itself.
fn agree((y, left): (&[f64], &[f64]), breaks: &[usize], together: bool) -> Option<f64> {
    let Neighbours { correlation, count, square } = agreement::neighbours(left, breaks)?;
    let known = || y.iter().filter(|y| y.is_finite());
    let mean = known().sum::<f64>() / known().count().max(1) as f64;
    let spread = known().map(|y| (y - mean) * (y - mean)).sum::<f64>() / known().count().max(1) as f64;
    let by_itself = correlation > CORRELATED && correlation * count.sqrt() > BY_CHANCE;
    let more = by_itself || together && correlation > TOGETHER;
    (more && square > COUNTS * COUNTS * spread).then_some(correlation)
}

/// Where nonlinear parameters without a start value leave far more than the scatter of neighbouring samples, the states of which they do: the
/// values that were sought may lie elsewhere. One remark, at the first of the parameters.
pub fn unstarted(model: &Model, observed: &Observed, fit: &JointFit) -> Option<Diagnostic> {
    let of = observed.components.iter().zip(fit.noise.iter().zip(&fit.scatter));
    let of = of.filter(|(c, _)| c.derivative == 0);
    lost(model, &of.map(|(c, (n, s))| (c.state.as_str(), c.deviation, *n, *s)).collect::<Vec<_>>())
}

/// The same of states with the deviation of their data, the noise of the fit, and the scatter of neighbouring samples.
fn lost(model: &Model, states: &[(&str, f64, f64, f64)]) -> Option<Diagnostic> {
    let open = model.unknowns.values().filter(|u| u.start.is_none() && !u.linear).filter_map(|u| match u.kind {
        UnknownKind::Param(id) => Some((format!("`{}`", u.name), model.params[id].span)),
        UnknownKind::Coefficient { .. } => None,
    });
    let open: Vec<(String, Span)> = open.collect();
    let lost: Vec<String> = states
        .iter()
        .filter(|(_, deviation, noise, scatter)| *noise > DOUBTED * scatter && *noise > COUNTS * deviation)
        .map(|(state, _, noise, scatter)| format!("`{state}` {:.0}", noise / scatter))
        .collect();
    let (_, span) = open.first().filter(|_| !lost.is_empty())?;
    let names: Vec<String> = open.iter().map(|(name, _)| name.clone()).collect();
    let message = format!(
        "what the solution leaves over is no noise, neighbouring samples scatter far less: it is larger by factors of {}",
        named(&lost)
    );
    let help =
        format!("give {} a start value, or a range: without one the search may have missed theirs", named(&names));
    Some(Diagnostic::warning(W1111, message, *span, "without a start value").help(help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Sink;
    use crate::sema;
    use crate::source::{MemoryWorld, Sources};
    use crate::syntax;

    #[test]
    fn far_more_than_scatter_is_told_of_parameters_without_a_start() {
        for (declared, states, told) in [
            ("c, w", [("x", 10.0, 2.0, 0.1), ("y", 1.0, 0.1, 0.1)], Some("factors of `x` 20")),
            ("c, w", [("x", 10.0, 2.0, 0.1), ("y", 1.0, 0.8, 0.1)], Some("factors of `x` 20, `y` 8")),
            // A start for one of them is none for the other.
            ("c = 1, w", [("x", 10.0, 2.0, 0.1), ("y", 1.0, 0.1, 0.1)], Some("factors of `x` 20")),
            ("c = 1, w = 2", [("x", 10.0, 2.0, 0.1), ("y", 1.0, 0.1, 0.1)], None),
            ("c, w", [("x", 10.0, 0.4, 0.1), ("y", 1.0, 0.1, 0.1)], None),
            // Roundings of clean data, and a state that nothing observes.
            ("c, w", [("x", 10.0, 1e-5, 1e-8), ("y", 0.0, f64::NAN, f64::NAN)], None),
        ] {
            let text = format!("model M {{ state x, y; param {declared}; x' = exp(-((x - c)/w)^2); y' = -y }}");
            let (mut sources, mut sink) = (Sources::default(), Sink::new());
            let file = sources.add("m.mech", &text);
            let tree = syntax::parse(file, &text, &mut sink);
            let program = sema::analyze(&tree, &MemoryWorld::new(), &[], &mut sources, &mut sink).expect("a program");
            let model = program.models.values().next().expect("a model");
            let said = lost(model, &states);
            assert_eq!(said.is_some(), told.is_some(), "{declared} {states:?}: {said:?}");
            if let (Some(said), Some(told)) = (said, told) {
                assert!(said.message.ends_with(told), "{}", said.message);
                assert!(said.help.is_some_and(|h| h.contains("`w`") && h.contains("`c`") != declared.contains("c =")));
            }
        }
    }
}

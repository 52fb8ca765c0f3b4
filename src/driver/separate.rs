//! Data sets that follow no law together: which of them follow one by themselves, and whether a factor on the time of one makes them agree.

use super::observed::Observed;
use crate::data::Trajectory;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1111;
use crate::hir::{Fit, Model};
use crate::report::{named, short};
use crate::train::joint::{JointError, JointFit, Observations, Unknown};

/// Data sets that are fitted by themselves, at most: a fit for each.
const MOST_SETS: usize = 4;
/// Larger data are not fitted again.
const MOST_SAMPLES: usize = 20_000;
/// Nor are models with more unknowns.
const MOST_UNKNOWNS: usize = 60;
/// A factor is tried where it is so far from one,
const APART: f64 = 0.05;
/// and where so many coefficients and more have it,
const FEWEST: usize = 2;
/// all of them within this part of it.
const SAME: f64 = 0.15;
/// Digits of a short factor, at most.
const MOST_DIGITS: usize = 3;
/// Standard errors of the mean factor that a short one is from it, at most.
const ALLOWED: f64 = 4.0;

/// The finding on a fit to several data sets that do not follow the model; `exact` says of a fit that its data do, and `again` fits the same unknowns to
/// other observations.
pub fn remark(
    (model, fit): (&Model, &Fit),
    (unknowns, observed): (&[Unknown], &Observed),
    exact: impl Fn(&JointFit, &Observations) -> bool,
    mut again: impl FnMut(&Observations) -> Result<JointFit, JointError>,
) -> Option<Diagnostic> {
    let all = &observed.train.trajectories;
    let mut sets: Vec<&str> = all.iter().map(|t| t.set.as_str()).collect();
    sets.dedup();
    let small = all.iter().map(|t| t.len).sum::<usize>() <= MOST_SAMPLES && unknowns.len() <= MOST_UNKNOWNS;
    if !small || !(2..=MOST_SETS).contains(&sets.len()) || observed.hidden().next().is_some() {
        return None;
    }
    let of = |set: &str| -> Vec<Trajectory> { all.iter().filter(|t| t.set == set).cloned().collect() };
    let mut alone: Vec<(&str, JointFit)> = Vec::new();
    for set in &sets {
        let data = observed.observations(model, &of(set));
        match again(&data) {
            Ok(found) if exact(&found, &data) => alone.push((set, found)),
            Err(JointError::Interrupted(_)) => return None,
            _ => {}
        }
    }
    let (reference, law) = alone.first()?;
    let mut factors: Vec<(&str, f64)> = Vec::new();
    for (set, other) in alone.iter().skip(1).filter(|_| time_is_free(model)) {
        for factor in factors_of(unknowns, law, other) {
            let mut both = of(reference);
            both.extend(of(set).into_iter().map(|t| scaled(t, factor)));
            let data = observed.observations(model, &both);
            match again(&data) {
                Ok(found) if exact(&found, &data) => {
                    factors.push((set, factor));
                    break;
                }
                Err(JointError::Interrupted(_)) => return None,
                _ => {}
            }
        }
    }
    let quoted: Vec<String> = alone.iter().map(|(set, _)| format!("`{set}`")).collect();
    let follows = match quoted.as_slice() {
        [one] => format!("{one} follows a law of these terms by itself"),
        several if several.len() == sets.len() => {
            format!("each of {} follows a law of these terms by itself", named(several))
        }
        several => format!("{} follow laws of these terms, each by itself", named(several)),
    };
    let (message, help) = match factors.as_slice() {
        [] => (
            format!("{follows}, and all data sets together follow none"),
            match quoted.len() == sets.len() {
                true => "fit each by itself and compare what is found: what differs between the experiments, also in the units of their columns, is a parameter `per sample` or an input",
                false => "fit the others by themselves: what they hold, or what differs in them, is why",
            }
            .to_string(),
        ),
        some => {
            let times: Vec<String> =
                some.iter().map(|(set, factor)| format!("the times of `{set}` multiplied by {}", short(*factor))).collect();
            (
                format!("{follows}, and with {} they follow one law together", named(&times)),
                format!(
                    "if the times are in another unit, say so in the block of the data, `time t [min]`, with `time [h]` in the model; else what the experiments \
                     differ in makes `{}` slower or faster as a whole",
                    some.first()?.0
                ),
            )
        }
    };
    Some(Diagnostic::warning(W1111, message, fit.span, "this fit").help(help))
}

/// Whether another unit of the time changes nothing but all coefficients by one factor: equations of first order without the time, inputs and parameters.
fn time_is_free(model: &Model) -> bool {
    let with_time =
        |e: &crate::hir::Equation| e.residual.any(&mut |part| matches!(part.kind, crate::hir::ExprKind::Time));
    model.states.values().all(|s| s.order == 1)
        && model.inputs.is_empty()
        && model.unknowns.values().all(crate::hir::Unknown::is_coefficient)
        && !model.equations.iter().any(with_time)
}

/// How many times as fast a law is as another one, as far as the coefficients tell that both keep: the shortest number that they allow, or one over such a
/// number, as for minutes among hours; and their mean. Over a long time the last digits matter.
fn factors_of(unknowns: &[Unknown], law: &JointFit, other: &JointFit) -> Vec<f64> {
    let of = |fit: &JointFit, k: usize| {
        fit.estimates.get(fit.columns.at(k, 0)).filter(|e| e.kept && e.value != 0.0 && e.std_error > 0.0).copied()
    };
    let ratio = |k: usize| {
        let (a, b) = (of(law, k)?, of(other, k)?);
        Some((b.value / a.value, f64::hypot(a.std_error / a.value, b.std_error / b.value)))
    };
    let ratios: Vec<(f64, f64)> = (0..unknowns.len()).filter_map(ratio).collect();
    let mut sorted: Vec<f64> = ratios.iter().map(|(ratio, _)| *ratio).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(middle) = sorted.get(sorted.len() / 2).copied().filter(|m| *m > 0.0 && (m - 1.0).abs() > APART) else {
        return Vec::new();
    };
    let alike = || ratios.iter().filter(|(ratio, _)| (ratio / middle - 1.0).abs() < SAME);
    if alike().count() < FEWEST || 2 * alike().count() <= ratios.len() {
        return Vec::new();
    }
    let weight: f64 = alike().map(|(_, error)| error.powi(-2)).sum();
    let mean = alike().map(|(ratio, error)| ratio * error.powi(-2)).sum::<f64>() / weight;
    let error = mean / weight.sqrt();
    let digits = |value: f64, digits: usize| format!("{value:.digits$e}").parse().unwrap_or(value);
    let short = (0..MOST_DIGITS).flat_map(|n| [digits(mean, n), 1.0 / digits(1.0 / mean, n)]);
    let allowed = |short: &f64| (short - mean).abs() < ALLOWED * error;
    let mut out: Vec<f64> = short.into_iter().find(allowed).into_iter().collect();
    out.push(mean);
    out
}

/// A trajectory with its times multiplied.
fn scaled(mut trajectory: Trajectory, factor: f64) -> Trajectory {
    trajectory.t0 *= factor;
    trajectory.dt *= factor;
    trajectory.times.iter_mut().for_each(|t| *t *= factor);
    trajectory
}

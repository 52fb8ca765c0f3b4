//! Noise that grows with what is measured, as that of most assays does. A fit takes the noise of a state for the same at all samples: then the
//! large ones, which tell least, count for most, and standard errors are too small.

use super::observed::Observed;
use super::small_terms::two_digits;
use super::smoothed::correlation;
use crate::base::IndexMap;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1126;
use crate::hir::{self, Fit, Model, Program, State};
use crate::report::{named, short};
use crate::source::Span;
use crate::train::joint::Observations;

/// Samples of a column, at least.
const FEWEST: usize = 30;
/// The ranks of the noise and of the size correlate by so many standard errors of what chance gives (one-sided, less than one of 100,000 by chance).
const BY_CHANCE: f64 = 4.5;
/// The noise of the third of the samples that are largest is at least so many times that of the smallest third.
const GROWS: f64 = 2.0;
/// What is left over has the same sign at neighbouring samples no oftener than this many standard errors: else it is no noise.
const AGREE: f64 = 3.0;
/// Samples that are smaller than this part of the largest do not tell which part of its size the noise is.
const NEAR_ZERO: f64 = 0.1;
/// Noise that is a smaller part of the data's spread may be rounding, of the data or of the solution.
const COUNTS: f64 = 1e-3;

/// What is said of observed states whose noise grows with their size; one remark for all elements of a family.
pub fn noise(
    (program, fit): (&Program, &Fit),
    observed: &Observed,
    (data, solution): (&Observations, &[f64]),
) -> Vec<Diagnostic> {
    let model = &program.models[fit.model];
    let len = data.t.len();
    let mut declared: IndexMap<Span, Vec<(&State, Growing)>> = IndexMap::new();
    for (c, component) in observed.components.iter().enumerate().filter(|(_, c)| c.derivative == 0) {
        let [y, x] = [&data.y[..], solution].map(|all| all.get(c * len..(c + 1) * len).unwrap_or_default());
        let Some(state) = model.states.values().find(|s| s.name == component.state) else { continue };
        if let Some(found) = grows(y, x, &data.breaks) {
            declared.entry(state.span).or_default().push((state, found));
        }
    }
    let remark = |(span, of): (Span, Vec<(&State, Growing)>)| {
        let names: Vec<String> = of.iter().map(|(state, _)| format!("`{}`", state.name)).collect();
        let share = of.iter().map(|(_, found)| found.share).fold(0.0, f64::max);
        let its = if of.len() == 1 { "its" } else { "their" };
        let message = format!(
            "the noise of {} grows with {its} size, it is about {} % of it, and was taken for the same at all samples: standard errors are too small",
            named(&names),
            short(two_digits(100.0 * share))
        );
        Diagnostic::warning(W1126, message, span, "in its data").help(way_out((program, fit, model), &of))
    };
    declared.into_iter().map(remark).collect()
}

/// What to do about it.
fn way_out((program, fit, model): (&Program, &Fit, &Model), of: &[(&State, Growing)]) -> String {
    let simple = |(state, found): &&(&State, Growing)| found.positive && state.order == 1;
    let Some((state, _)) = of.iter().find(simple).filter(|_| of.iter().all(|one| simple(&one))) else {
        return "the smallest samples tell more than the fit takes them for, and the largest less: fit a formula of the column whose noise is the same \
                everywhere, if there is one"
            .to_string();
    };
    let name = hir::family(&state.name);
    let states = model.states.values().map(|s| s.name.as_str());
    let mut names = states.chain(model.params.values().map(|p| p.name.as_str())).map(hir::family);
    let log = if names.any(|n| n.strip_prefix('l') == Some(name)) { format!("ln_{name}") } else { format!("l{name}") };
    let column = column((program, fit), state);
    format!(
        "noise of the logarithm is the same everywhere, so let that be the state: `state {log}; let {name} = exp({log})`, `{log}' = (...)/{name}` \
         with all that stands in the equation of `{name}` now, and `{log} = ln({column})` in the block of the data"
    )
}

/// What the block of the data reads for a state.
pub fn column((program, fit): (&Program, &Fit), state: &State) -> String {
    let name = hir::family(&state.name);
    let read = program.data_of(fit).find_map(|d| {
        let (_, map) = d.source.file()?;
        let read = map.columns.get(&state.name).map_or(name, String::as_str);
        Some(map.derived.get(&state.name).map_or_else(|| read.to_string(), |derived| format!("({})", derived.spell())))
    });
    read.unwrap_or_else(|| name.to_string())
}

/// How the noise of a column grows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Growing {
    /// The part of the size that it is.
    share: f64,
    /// Whether data and solution are above zero everywhere.
    positive: bool,
}

/// Whether what is left of the samples `y` beside the solution `x` grows with the size of that; `breaks` are the positions at which other
/// trajectories begin. Samples that are missing are not numbers.
fn grows(y: &[f64], x: &[f64], breaks: &[usize]) -> Option<Growing> {
    let left: Vec<f64> = y.iter().zip(x).map(|(y, x)| y - x).collect();
    let known = || y.iter().zip(x).filter(|(y, x)| (*y - *x).is_finite());
    let count = known().count();
    let (sizes, noise): (Vec<f64>, Vec<f64>) = known().map(|(y, x)| (x.abs(), (y - x).abs())).unzip();
    let rms = |of: &[f64]| (of.iter().map(|v| v * v).sum::<f64>() / of.len().max(1) as f64).sqrt();
    let mean = known().map(|(y, _)| y).sum::<f64>() / count.max(1) as f64;
    let spread = rms(&known().map(|(y, _)| y - mean).collect::<Vec<_>>());
    if count < FEWEST || rms(&noise) <= COUNTS * spread {
        return None;
    }
    let signs: Vec<f64> = left.iter().map(|l| if l.is_finite() { l.signum() } else { f64::NAN }).collect();
    let agree = correlation(&signs, breaks, 1) * (count as f64).sqrt();
    // The correlation of ranks, whose standard error is known whatever the noise is distributed like (Spearman 1904).
    let [of_size, of_noise] = [ranks(&sizes), ranks(&noise)];
    let centre = 0.5 * (count - 1) as f64;
    let products: f64 = of_size.iter().zip(&of_noise).map(|(a, b)| (a - centre) * (b - centre)).sum();
    let squares = |ranks: &[f64]| ranks.iter().map(|r| (r - centre) * (r - centre)).sum::<f64>();
    let certain = products / (squares(&of_size) * squares(&of_noise)).sqrt() * ((count - 1) as f64).sqrt();
    let mut by_size: Vec<(f64, f64)> = sizes.into_iter().zip(noise).collect();
    by_size.sort_by(|a, b| a.0.total_cmp(&b.0));
    let third = count / 3;
    let noise_of = |part: &[(f64, f64)]| rms(&part.iter().map(|(_, noise)| *noise).collect::<Vec<_>>());
    let (least, most) = (noise_of(by_size.get(..third)?), noise_of(by_size.get(count - third..)?));
    let grows = certain > BY_CHANCE && most > GROWS * least;
    // What neighbours have in common is no noise.
    if !grows || agree > AGREE {
        return None;
    }
    let upper = by_size.get(count / 2..)?;
    // Samples of a size near zero say next to nothing of it.
    let least = NEAR_ZERO * upper.last()?.0;
    let upper = upper.iter().filter(|(size, _)| *size >= least);
    let share = rms(&upper.map(|(size, noise)| noise / size).collect::<Vec<_>>());
    let positive = known().all(|(y, x)| *y > 0.0 && *x > 0.0);
    share.is_finite().then_some(Growing { share, positive })
}

/// The rank of every number from zero on; of equal ones their mean.
fn ranks(of: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = of.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut ranks = vec![0.0; of.len()];
    let mut from = 0;
    for equal in order.chunk_by(|a, b| a.1 == b.1) {
        let rank = from as f64 + 0.5 * (equal.len() - 1) as f64;
        for (position, _) in equal {
            if let Some(slot) = ranks.get_mut(*position) {
                *slot = rank;
            }
        }
        from += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::white::white;

    #[test]
    fn noise_that_grows_with_the_size_is_told_and_even_noise_is_not() {
        let (mut told, mut false_alarms) = (0, 0);
        for seed in 0..1000 {
            let noise = white(seed, 120);
            let x: Vec<f64> = (0..120).map(|i| 5.0 * (-0.03 * f64::from(i)).exp()).collect();
            let with = |of: &dyn Fn(f64, f64) -> f64| x.iter().zip(&noise).map(|(x, e)| of(*x, *e)).collect::<Vec<_>>();
            let right = |found: Growing| (0.04..0.06).contains(&found.share) && found.positive;
            told += usize::from(grows(&with(&|x, e| x * (1.0 + 0.05 * e)), &x, &[60]).is_some_and(right));
            false_alarms += usize::from(grows(&with(&|x, e| x + 0.2 * e), &x, &[60]).is_some());
            // Roundings of data without noise.
            assert_eq!(grows(&with(&|x, e| x * (1.0 + 1e-5 * e)), &x, &[]), None);
        }
        assert!(told >= 950 && false_alarms == 0, "{told} {false_alarms}");
        // What a wrong law leaves over is no noise.
        let x: Vec<f64> = (0..120).map(|i| 5.0 * (-0.03 * f64::from(i)).exp()).collect();
        let wrong: Vec<f64> = x.iter().enumerate().map(|(i, x)| x + 0.1 * x * (0.2 * i as f64).sin()).collect();
        assert_eq!(grows(&wrong, &x, &[]), None);
        assert_eq!(grows(&x[..20], &x[..20], &[]), None);
    }
}

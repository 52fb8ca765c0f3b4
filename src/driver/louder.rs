//! Noise that is larger in some trajectories than in others, as it is where each was measured in its own range. A fit takes the noise of a
//! state for the same in all of them: then the quiet ones, which tell most, count no more than the others.

use super::observed::Observed;
use super::small_terms::two_digits;
use super::smoothed::correlation;
use crate::base::IndexMap;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1126;
use crate::hir::{self, Fit, Model, Program, State};
use crate::report::{named, short};
use crate::train::joint::{JointFit, Observations};

/// Samples of a column in a trajectory, at least: of fewer the noise is not known.
const FEWEST: usize = 25;
/// The noise of the loudest trajectory is at least so many times that of the quietest.
const LOUDER: f64 = 1.5;
/// The variances differ by so many standard errors of what chance gives, those of all columns together or of one among them (one-sided, about one of 10,000 by chance),
const BY_CHANCE: f64 = 3.7;
/// and those of a column that is named beside others by so many.
const ALONG: f64 = 2.0;
/// What is left over has the same sign at neighbouring samples no oftener than this many standard errors: else it is no noise.
const AGREE: f64 = 3.0;
/// Tails of samples that are scaled by themselves are shown less by so many samples' part of what they are, as found by simulation.
const SCALED: f64 = 5.0;
/// Noise that is a smaller part of the data's spread may be rounding, of the data or of the solution.
const COUNTS: f64 = 1e-3;

/// How the noise of a column differs between trajectories.
struct Differing {
    /// The trajectory and its noise, for the quietest and the loudest one.
    ends: [(usize, f64); 2],
    /// What is distributed like the squares of so many normal numbers where all noise is the same.
    statistic: f64,
    freedom: f64,
}

/// What is said of observed states whose noise is not the same in all trajectories, in one remark; `grows` has been said of those whose
/// noise grows with their size.
pub fn noise(
    (program, fit): (&Program, &Fit),
    observed: &Observed,
    (data, result): (&Observations, &JointFit),
    grows: &[Diagnostic],
) -> Option<Diagnostic> {
    let model = &program.models[fit.model];
    let len = data.t.len();
    let seen: Vec<usize> = (0..observed.components.len())
        .filter(|c| data.y.get(c * len..(c + 1) * len).is_some_and(|y| y.iter().any(|v| v.is_finite())))
        .collect();
    let columns = seen.len().max(1) as f64;
    // Starts and unknowns take of what is left over, as far as is known alike from every column.
    let starts = observed.components.len() - data.known.iter().filter(|known| **known).count();
    let kept = result.estimates.iter().filter(|e| e.kept).count() as f64;
    let spent = (starts as f64 + kept / data.firsts().count().max(1) as f64) / columns;
    let mut found: Vec<(&State, Differing)> = Vec::new();
    for c in seen {
        let [y, x] = [&data.y, &result.x].map(|all| all.get(c * len..(c + 1) * len).unwrap_or_default());
        let name = observed.components.get(c).map(|c| c.state.as_str());
        let Some(state) = model.states.values().find(|s| Some(s.name.as_str()) == name) else { continue };
        if grows.iter().all(|d| d.primary.span != state.span) {
            found.extend(differing(y, x, &data.breaks, spent).map(|of| (state, of)));
        }
    }
    let all = certain(found.iter().map(|(_, of)| of.statistic).sum(), found.iter().map(|(_, of)| of.freedom).sum());
    let one = (BY_CHANCE * BY_CHANCE + 2.0 * columns.ln()).sqrt();
    let needed = if all > BY_CHANCE { ALONG } else { one };
    found.retain(|(_, of)| {
        let [(_, quiet), (_, loud)] = of.ends;
        loud > LOUDER * quiet && certain(of.statistic, of.freedom) > needed
    });
    describe((program, fit, model), observed, &found)
}

fn describe(
    (program, fit, model): (&Program, &Fit, &Model),
    observed: &Observed,
    found: &[(&State, Differing)],
) -> Option<Diagnostic> {
    let (first, _) = found.first()?;
    let trajectories = &observed.train.trajectories;
    let named_at = |at: usize| trajectories.get(at).map_or_else(String::new, |t| format!("`{}`", t.name()));
    let sizes = |of: &Differing| {
        let [quiet, loud] = of.ends.map(|(at, noise)| format!("{} in {}", short(two_digits(noise)), named_at(at)));
        format!("{quiet}, {loud}")
    };
    // One entry for all elements of a family.
    let mut families: IndexMap<&str, &Differing> = IndexMap::new();
    for (state, of) in found {
        families.entry(hir::family(&state.name)).or_insert(of);
    }
    let names: Vec<String> = families.keys().map(|name| format!("`{name}`")).collect();
    let numbers: Vec<String> = match families.len() {
        1 => families.values().map(|of| sizes(of)).collect(),
        _ => families.iter().map(|(name, of)| format!("of `{name}` {}", sizes(of))).collect(),
    };
    let where_to = if trajectories.iter().all(|t| t.id.is_empty()) { "data sets" } else { "trajectories" };
    let message = format!(
        "the noise of {} is not the same in all {where_to}: {}; it was taken for the same: the quiet ones tell more than they are taken for, and standard \
         errors do not hold",
        named(&names),
        some(&numbers),
    );
    let name = hir::family(&first.name);
    let mut taken = model.states.values().map(|s| s.name.as_str());
    let taken = |n: &str| taken.any(|t| hir::family(t) == n);
    let scaled = Some(format!("{name}_s")).filter(|n| !{ taken }(n)).unwrap_or_else(|| format!("{name}_scaled"));
    let column = super::uneven::column((program, fit), first);
    let made = program.data_of(fit).all(|d| d.source.is_made());
    let help = match first.order {
        _ if made => "a part of each trajectory's spread is not the same in all: `noise ... absolute` in the block of the data is".to_string(),
        1 => format!(
            "give the file a column that says how large the noise is, one number for each of them (the largest value of `{name}` there, where the noise is a \
             part of that), and let what is measured in units of it be the state: `input size held`, `state {scaled}; let {name} = size*{scaled}`, \
             `{scaled}' = (...)/size` with all that stands in the equation of `{name}` now, and `{scaled} = {column}/size` in the block of the data"
        ),
        _ => "fit the quiet ones alone, and compare".to_string(),
    };
    Some(Diagnostic::warning(W1126, message, first.span, "in its data").help(help))
}

/// The first few of several.
fn some(list: &[String]) -> String {
    list.iter().take(2).cloned().collect::<Vec<_>>().join(", ")
}

/// How what is left of the samples `y` beside the solution `x` differs between trajectories, by the ratio of likelihoods with and without a variance of its own for
/// each (Bartlett, Proceedings of the Royal Society A 160, 1937), over what is lost to so many estimated numbers in each, `spent`. Where noise has longer tails than
/// the normal distribution its variances scatter more (Box, Biometrika 40, 1953). `breaks` are the positions at which other
/// trajectories begin. Samples that are missing are not numbers.
fn differing(y: &[f64], x: &[f64], breaks: &[usize], spent: f64) -> Option<Differing> {
    let left: Vec<f64> = y.iter().zip(x).map(|(y, x)| y - x).collect();
    let firsts = std::iter::once(0).chain(breaks.iter().copied());
    let ends = breaks.iter().copied().chain([left.len()]);
    let (mut noise, mut freedom, mut scaled): (Vec<(usize, f64)>, Vec<f64>, Vec<f64>) = Default::default();
    for (k, (from, to)) in firsts.zip(ends).enumerate() {
        let of: Vec<f64> = left.get(from..to)?.iter().copied().filter(|l| l.is_finite()).collect();
        let (count, squares) = (of.len(), of.iter().map(|l| l * l).sum::<f64>());
        let free = count as f64 - spent;
        if count < FEWEST || 2.0 * free < count as f64 || squares <= 0.0 {
            continue;
        }
        noise.push((k, (squares / free).sqrt()));
        freedom.push(free);
        scaled.extend(of.iter().map(|l| l * (count as f64 / squares).sqrt()));
    }
    let free: f64 = freedom.iter().sum();
    let among = noise.len().checked_sub(1).filter(|n| *n > 0)? as f64;
    let pooled = noise.iter().zip(&freedom).map(|((_, s), f)| f * s * s).sum::<f64>() / free;
    let known = || y.iter().zip(x).filter(|(y, x)| (*y - *x).is_finite()).map(|(y, _)| *y);
    let mean = known().sum::<f64>() / known().count() as f64;
    let spread = (known().map(|y| (y - mean) * (y - mean)).sum::<f64>() / known().count() as f64).sqrt();
    let signs: Vec<f64> = left.iter().map(|l| if l.is_finite() { l.signum() } else { f64::NAN }).collect();
    // What neighbours have in common is no noise.
    if pooled.sqrt() <= COUNTS * spread || correlation(&signs, breaks, 1) * (scaled.len() as f64).sqrt() > AGREE {
        return None;
    }
    let ratio = noise.iter().zip(&freedom).map(|((_, s), f)| f * (pooled / (s * s)).ln()).sum::<f64>();
    let few = 1.0 + (freedom.iter().map(|f| 1.0 / f).sum::<f64>() - 1.0 / free) / (3.0 * among);
    let fourth = scaled.iter().map(|z| z.powi(4)).sum::<f64>() / scaled.len() as f64;
    // What normal noise has, of so many samples that are scaled by themselves.
    let normal = noise.len() as f64 * 3.0 - freedom.iter().map(|f| 6.0 / (f + 2.0)).sum::<f64>();
    // A sample far off makes its own trajectory's scale large: of few samples the tails show less than they are.
    let shown = 1.0 + SCALED * noise.len() as f64 / free;
    let tails = 1.0 + 0.5 * shown * (fourth - normal / noise.len() as f64).max(0.0);
    let by_size = |a: &&(usize, f64), b: &&(usize, f64)| a.1.total_cmp(&b.1);
    let ends = [*noise.iter().min_by(by_size)?, *noise.iter().max_by(by_size)?];
    let statistic = ratio / few / tails;
    statistic.is_finite().then_some(Differing { ends, statistic, freedom: among })
}

/// A sum of squares of so many normal numbers, in standard errors from what is usual (Wilson and Hilferty, Proceedings of the National Academy of Sciences 17, 1931).
fn certain(statistic: f64, freedom: f64) -> f64 {
    let width = 2.0 / (9.0 * freedom);
    ((statistic / freedom).cbrt() - (1.0 - width)) / width.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::white::white;

    fn found(seed: u64, parts: &[(usize, f64)], tails: bool) -> f64 {
        let len: usize = parts.iter().map(|(n, _)| n).sum();
        let noise = white(seed, 2 * len);
        let (noise, other) = noise.split_at(len);
        let sizes = parts.iter().flat_map(|(n, size)| std::iter::repeat_n(*size, *n));
        let x: Vec<f64> = (0..len).map(|i| (0.3 * i as f64).sin()).collect();
        // A tenth of samples that are three times as far off.
        let tail = |o: f64| if tails && o > 1.2816 { 3.0 } else { 1.0 };
        let y = x.iter().zip(sizes).zip(noise.iter().zip(other)).map(|((x, s), (e, o))| x + s * e * tail(*o));
        let mut ends = parts.iter().scan(0, |at, (n, _)| {
            *at += n;
            Some(*at)
        });
        let breaks: Vec<usize> = ends.by_ref().take(parts.len() - 1).collect();
        let of = differing(&y.collect::<Vec<_>>(), &x, &breaks, 0.0);
        of.map_or(f64::NEG_INFINITY, |of| certain(of.statistic, of.freedom))
    }

    #[test]
    fn noise_of_trajectories_is_told_apart_and_even_noise_is_not() {
        let told = |parts: &[(usize, f64)], tails: bool| {
            (0..2000).filter(|seed| found(*seed, parts, tails) > BY_CHANCE).count()
        };
        assert!(told(&[(40, 0.1), (40, 0.25)], false) > 1800);
        assert!(told(&[(30, 0.1), (30, 0.1), (30, 0.1), (30, 0.25)], false) > 1500);
        for even in [&[(40, 0.1), (40, 0.1)][..], &[(25, 0.1); 8], &[(100, 0.1), (25, 0.1), (25, 0.1)]] {
            assert!(told(even, false) <= 2, "{even:?}: {}", told(even, false));
            assert!(told(even, true) <= 8, "{even:?}: {}", told(even, true));
        }
        // Roundings, and what neighbours have in common, are no noise.
        assert_eq!(found(1, &[(40, 1e-6), (40, 1e-4)], false), f64::NEG_INFINITY);
        let x: Vec<f64> = (0..80).map(|i| (0.3 * f64::from(i)).sin()).collect();
        let wrong = |i: usize, x: f64| x + if i < 40 { 0.01 } else { 0.1 } * (0.4 * i as f64).cos();
        let y: Vec<f64> = x.iter().enumerate().map(|(i, x)| wrong(i, *x)).collect();
        assert!(differing(&y, &x, &[40], 0.0).is_none());
    }
}

//! States that follow an input that is held within a sample: of how fast they do nothing is seen, only where they come to.

use super::sampling::{LEAPS_OVER, usual_step};
use super::unusual;
use crate::base::Between;
use crate::data::{Dataset, Trajectory};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1103;
use crate::hir::{DataSet, Model};

/// What may be left of the way one sample behind a jump, at most, with what its error allows: where noise hides more, nothing is seen of a rate.
const LEFT: f64 = 0.1;
/// What is left is no more than chance makes it, up to this many standard errors.
const BY_CHANCE: f64 = 2.0;
/// The second step is less than this part of the first one: what comes then is slow.
const SLOW: f64 = 0.3;
/// So many jumps at least.
const JUMPS: usize = 3;
/// Samples behind a jump in which nothing else jumps.
const BEHIND: usize = 3;
/// What a parabola through samples 1, 2, 3 ... says of the one before them: through three, and the best one for four.
const BEFORE: [&[f64]; 2] = [&[2.25, -0.75, -1.25, 0.75], &[3.0, -3.0, 1.0]];

/// Findings on the observed columns of a data set.
pub fn check(model: &Model, (data, read): (&DataSet, &Dataset)) -> Vec<Diagnostic> {
    let is_held = |name: &str| model.inputs.values().any(|i| i.name == name && i.between == Between::Held);
    let held: Vec<usize> = (0..read.inputs.len()).filter(|&k| is_held(&read.inputs[k])).collect();
    if held.is_empty() {
        return Vec::new();
    }
    let jumps: Vec<(&Trajectory, Vec<Jump>)> = read.trajectories.iter().map(|t| (t, jumps(t, &held))).collect();
    let follows = |c: usize| {
        let usual = usual_step(read, c)?;
        let behind = |t: &Trajectory, jump: &Jump| Behind::of(t, jump, c);
        let all: Vec<Behind> = jumps.iter().flat_map(|(t, at)| at.iter().filter_map(|at| behind(t, at))).collect();
        let size =
            |of: fn(&Behind) -> f64| (all.iter().map(|b| of(b) * of(b)).sum::<f64>() / all.len().max(1) as f64).sqrt();
        let (first, second) = (size(|b| b.first), size(|b| b.second));
        if all.len() < JUMPS || first <= LEAPS_OVER * usual || second >= SLOW * first {
            return None;
        }
        let (left, error) = left(&all);
        let most = left.max(0.0) + BY_CHANCE * error;
        (left < BY_CHANCE * error && most < LEFT).then_some((all.len(), most))
    };
    let say = |(c, name): (usize, &String)| {
        let (count, most) = follows(c)?;
        let message = format!(
            "the samples of `{name}` in `{}` are too far apart for how fast it follows what is held: it has come to its place one sample behind each of {count} jumps, as far as noise lets it be seen",
            data.name
        );
        let help = format!(
            "sample faster behind the jumps; else these data tell where `{name}` comes to, but behind the jumps no more of its rate than that it is {:.1} in a sample or larger: write it as a number, or \
             give it a range, if it is known, or write where `{name}` comes to in its place in the other equations, without an equation of its own (`let {name} = ...`)",
            rate(most)
        );
        Some(Diagnostic::warning(W1103, message, data.span, "these data").help(help))
    };
    read.columns.iter().enumerate().filter_map(say).collect()
}

/// The rate in a sample of what has so much of its first step left behind it, rounded down to a tenth.
fn rate(left: f64) -> f64 {
    let whole = libm::log((1.0 + left) / left);
    (10.0 * whole).floor() / 10.0
}

/// What is left of the way, as a part of the first step, and its standard error. What slower motions do differently from jump to jump stands in that.
fn left(all: &[Behind]) -> (f64, f64) {
    let squares: f64 = all.iter().map(|b| b.first * b.first).sum();
    let left = all.iter().map(|b| b.left * b.first).sum::<f64>() / squares;
    let rest: f64 = all.iter().map(|b| (b.left - left * b.first).powi(2)).sum();
    (left, (rest / (all.len() as f64 - 1.0) / squares).sqrt())
}

/// A sample at which an input that is held jumps, and the last one that what is held does not change before.
struct Jump {
    at: usize,
    until: usize,
}

/// What a column does behind a jump.
struct Behind {
    /// The first two steps.
    first: f64,
    second: f64,
    /// How far it is, one sample behind the jump, from where the samples behind that one seem to come from.
    left: f64,
}

impl Behind {
    fn of(t: &Trajectory, jump: &Jump, c: usize) -> Option<Behind> {
        let value = |behind: usize| t.value(jump.at + behind, c);
        let (first, second) = (value(1)? - value(0)?, value(2)? - value(1)?);
        let before = |weights: &&[f64]| {
            let seen = (2..).take_while(|behind| jump.at + behind <= jump.until).map_while(value);
            let of: Vec<f64> = weights.iter().zip(seen).map(|(w, v)| w * v).collect();
            (of.len() == weights.len()).then(|| of.iter().sum::<f64>())
        };
        let left = BEFORE.iter().find_map(before)? - value(1)?;
        Some(Behind { first, second, left })
    }
}

/// Samples at which an input that is held jumps, and behind which none does for a while.
fn jumps(t: &Trajectory, held: &[usize]) -> Vec<Jump> {
    let changes = unusual::changes(t, held, 0.0);
    let until = |at: usize| {
        let next = changes.get(changes.partition_point(|i| *i <= at));
        next.copied().unwrap_or(t.len.saturating_sub(1))
    };
    let all = unusual::changes(t, held, unusual::DRIVES).into_iter().map(|at| Jump { at, until: until(at) });
    all.filter(|jump| jump.until > jump.at + BEHIND).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is behind jumps of a state that comes to its place at this rate in a sample, beside a slow motion and noise.
    fn behind(rate: f64) -> Vec<Behind> {
        let of = |k: usize| {
            let size = [2.0, -1.0, -1.5, 1.0, 2.0, -1.0][k % 6];
            let noise = |i: usize| 0.003 * f64::from([1, -1, 1, 1, -1, -1, 1][(3 * k + 5 * i) % 7]);
            let values = |i: usize| {
                let t = i as f64;
                size * (1.0 - libm::exp(-rate * t)) + 0.1 * libm::sin(0.2 * t + k as f64) + noise(i)
            };
            let y: Vec<f64> = (0..6).map(values).collect();
            let left = BEFORE[0].iter().zip(&y[2..]).map(|(w, v)| w * v).sum::<f64>() - y[1];
            Behind { first: y[1] - y[0], second: y[2] - y[1], left }
        };
        (0..12).map(of).collect()
    }

    #[test]
    fn what_is_left_behind_a_jump_tells_a_rate_until_noise_hides_it() {
        for told in [1.5, 2.5, 3.5] {
            let (left, error) = left(&behind(told));
            assert!(left > 3.0 * error, "{told}: {left} +- {error}");
            assert!((libm::log(1.0 / left) - told).abs() < 0.4, "{told}: {left} +- {error}");
        }
        for hidden in [8.0, 50.0] {
            let (left, error) = left(&behind(hidden));
            assert!(left < BY_CHANCE * error && error < 0.01, "{hidden}: {left} +- {error}");
            assert!(rate(left.max(0.0) + BY_CHANCE * error) < hidden);
        }
    }

    #[test]
    fn parabolas_are_continued() {
        for weights in BEFORE {
            for power in 0..3 {
                let said: f64 = weights.iter().zip(1..).map(|(w, t): (&f64, i32)| w * f64::from(t).powi(power)).sum();
                assert!((said - 0f64.powi(power)).abs() < 1e-12, "{weights:?} of t^{power}");
            }
        }
    }
}

//! States that follow an input that is held within a sample: of how fast they do nothing is seen, only where they come to.

use super::unusual;
use crate::base::{Between, least_and_most};
use crate::data::{Dataset, Trajectory};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1103;
use crate::hir::{DataSet, Model};

/// So much of the first step behind a jump the second one exceeds the third by, at most, where a state has come to its place: of a rate of 2.2 in a sample that much
/// is left.
const LEFT: f64 = 0.1;
/// The second step is less than this part of the first one: what comes then is slow.
const SLOW: f64 = 0.3;
/// The first steps are so many times as far as steps usually go,
const LEAPS_OVER: f64 = 4.0;
/// which is as far as this share of them.
const USUAL: f64 = 0.75;
/// So many jumps at least.
const JUMPS: usize = 3;
/// Samples behind a jump that are looked at, in which nothing else jumps.
const BEHIND: usize = 3;

/// Findings on the observed columns of a data set.
pub fn check(model: &Model, (data, read): (&DataSet, &Dataset)) -> Vec<Diagnostic> {
    let is_held = |name: &str| model.inputs.values().any(|i| i.name == name && i.between == Between::Held);
    let held: Vec<usize> = (0..read.inputs.len()).filter(|&k| is_held(&read.inputs[k])).collect();
    if held.is_empty() {
        return Vec::new();
    }
    let jumps: Vec<(&Trajectory, Vec<usize>)> = read.trajectories.iter().map(|t| (t, jumps(t, &held))).collect();
    let follows = |c: usize| {
        let step = |t: &Trajectory, i: usize| Some(t.value(i + 1, c)? - t.value(i, c)?);
        let mut all: Vec<f64> = read
            .trajectories
            .iter()
            .flat_map(|t| (0..t.len.saturating_sub(1)).filter_map(move |i| Some(step(t, i)?.abs())))
            .collect();
        all.sort_unstable_by(f64::total_cmp);
        let usual = *all.get((USUAL * all.len() as f64) as usize)?;
        let behind = |t: &Trajectory, at: usize| Some([step(t, at)?, step(t, at + 1)?, step(t, at + 2)?]);
        let steps: Vec<[f64; 3]> = jumps.iter().flat_map(|(t, at)| at.iter().filter_map(|at| behind(t, *at))).collect();
        let size = |of: &dyn Fn(&[f64; 3]) -> f64| {
            (steps.iter().map(|s| of(s) * of(s)).sum::<f64>() / steps.len().max(1) as f64).sqrt()
        };
        let (first, second) = (size(&|s| s[0]), size(&|s| s[1]));
        let left = size(&|s| s[1] - s[2]);
        let arrives = first > LEAPS_OVER * usual && second < SLOW * first && left < LEFT * first;
        (steps.len() >= JUMPS && arrives).then_some(steps.len())
    };
    let say = |(c, name): (usize, &String)| {
        let count = follows(c)?;
        let message = format!(
            "the samples of `{name}` in `{}` are too far apart for how fast it follows what is held: it has come to its place one sample behind each of {count} jumps",
            data.name
        );
        let help = format!(
            "sample faster behind the jumps; else these data tell where `{name}` comes to, and of its rate only that it is about 3 in a sample or more: write it as a number, or \
             give it a range, if it is known, or write where `{name}` comes to in its place in the other equations, without an equation of its own (`let {name} = ...`)"
        );
        Some(Diagnostic::warning(W1103, message, data.span, "these data").help(help))
    };
    read.columns.iter().enumerate().filter_map(say).collect()
}

/// Samples at which an input that is held jumps, and behind which none does for a while.
fn jumps(t: &Trajectory, held: &[usize]) -> Vec<usize> {
    let width = t.input_width();
    let value = |i: usize, k: usize| t.inputs.get(i * width + k).copied().unwrap_or(f64::NAN);
    let ranges: Vec<f64> = held
        .iter()
        .map(|&k| {
            let [least, most] = least_and_most((0..t.len).map(|i| value(i, k)));
            most - least
        })
        .collect();
    let changes = |i: usize| held.iter().any(|&k| value(i, k) != value(i - 1, k));
    let jumps = |i: usize| {
        held.iter().zip(&ranges).any(|(&k, range)| (value(i, k) - value(i - 1, k)).abs() > unusual::DRIVES * range)
    };
    let alone = |&i: &usize| jumps(i) && !(i + 1..=i + BEHIND).any(changes);
    (1..t.len.saturating_sub(BEHIND)).filter(alone).collect()
}

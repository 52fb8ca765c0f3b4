//! Inputs that jump: unless they are declared to, the joint engine takes inputs for smooth between samples, so that a jump is a ramp over a whole
//! step, and a number among zeros a triangle.

use crate::base::{Between, least_and_most, number, shortened};
use crate::data::{Dataset, Trajectory};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1110;
use crate::hir::{DataSet, Engine, Fit, Model, family};

/// A step is a jump if it is this much larger than the steps before and behind it,
const LARGER: f64 = 20.0;
/// of which there are so many on either side,
const HELD: usize = 2;
/// and at least this part of all that the input does.
const PART: f64 = 0.05;

/// An input is one of single samples if no more than this share of its samples are no zeros.
const SINGLE: f64 = 0.2;

/// An input of so few different numbers is switched.
const FEW: usize = 6;

/// Of an input that is new in every sample, the mean square of its steps is twice its variance; so much of that is no curve.
const ROUGH: f64 = 0.6;

/// Fewer samples than this say nothing of the kind of an input.
const SAMPLES: usize = 20;

/// Why an input may not be smooth.
enum Doubt {
    /// It is zero but for so many samples, the first at this time.
    Single(usize, f64),
    /// It jumps so many times, first between these times.
    Jumps(usize, [f64; 2]),
    /// It is about as far from one sample to the next as it varies at all.
    Rough,
}

/// Findings on the inputs of the data sets of a fit that are taken for smooth; none for the gradient engine, which takes them at samples only.
pub fn check(model: &Model, fit: &Fit, sets: &[(&DataSet, &Dataset)]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if fit.engine != Engine::Joint {
        return found;
    }
    let smooth = |name: &str| model.inputs.values().any(|i| i.name == name && i.between == Between::Smooth);
    for (data, read) in sets {
        let mut told: Vec<&str> = Vec::new();
        for (k, name) in read.inputs.iter().enumerate().filter(|(_, name)| smooth(name)) {
            // One element of a family stands for all.
            let Some(doubt) = doubt(read, k).filter(|_| !told.contains(&family(name))) else { continue };
            told.push(family(name));
            let (what, impulse) = doubt.told(read);
            let message = format!("the input `{name}` of `{}` {what}", data.name);
            let declared = |word: &str| match family(name) == name {
                true => format!("`input {name} {word}`"),
                false => format!("`{word}` at the end of the statement that declares `{}`", family(name)),
            };
            let mut help =
                vec![format!("{} where it keeps the value of a sample until the next one", declared("held"))];
            let amounts =
                format!("{} where its numbers are amounts, each of which comes in at its time", declared("impulse"));
            help.insert(if impulse { 0 } else { 1 }, amounts);
            let dense = "where it changes between samples, give more rows there, with empty cells for states that were not measured, and say \
                         `missing \"\"; spacing irregular`";
            let help = format!("say {}; {dense}", help.join(", or "));
            found.push(Diagnostic::warning(W1110, message, data.place_of(name), "read from here").help(help));
        }
    }
    found
}

impl Doubt {
    /// What is said of the input, and whether impulses are the likelier reason.
    fn told(&self, read: &Dataset) -> (String, bool) {
        let dt = read.trajectories.first().map_or(0.0, |t| t.dt);
        let time = |t: f64| number(shortened(t, 0.01 * dt.abs()));
        let times = |n: usize| if n == 1 { "once".to_string() } else { format!("{n} times") };
        let first = |n: usize| if n > 1 { " first" } else { "" };
        match *self {
            Doubt::Single(n, at) => {
                let (times, first) = (times(n), first(n));
                let at = time(at);
                let what = format!(
                    "is zero but for single samples, {times}, at t = {at}{first}: a fit takes each for a triangle of two steps"
                );
                (what, true)
            }
            Doubt::Jumps(n, [before, behind]) => {
                let (times, first) = (times(n), first(n));
                let (before, behind) = (time(before), time(behind));
                let what = format!(
                    "jumps {times}, between t = {before} and {behind}{first}: a fit takes it for a ramp over that step"
                );
                (what, false)
            }
            Doubt::Rough => {
                let what = "is as far from one sample to the next as it varies at all: a fit takes it for a smooth curve between them";
                (what.to_string(), false)
            }
        }
    }
}

/// What speaks against an input being smooth.
fn doubt(read: &Dataset, k: usize) -> Option<Doubt> {
    let of = |t: &Trajectory| t.inputs.iter().skip(k).step_by(t.input_width().max(1)).copied().collect::<Vec<f64>>();
    let all: Vec<Vec<f64>> = read.trajectories.iter().map(of).collect();
    let single: Option<Vec<Vec<f64>>> = read.trajectories.iter().map(|t| impulses(t, k)).collect();
    if let Some((n, at)) = single.map(|all| all.concat()).and_then(|all| Some((all.len(), *all.first()?))) {
        return Some(Doubt::Single(n, at));
    }
    let jumps = || {
        let jumps: Vec<[f64; 2]> = read.trajectories.iter().flat_map(|t| jumps(t, k)).collect();
        jumps.first().map(|first| Doubt::Jumps(jumps.len(), *first))
    };
    let values = all.concat();
    if values.len() < SAMPLES {
        return jumps();
    }
    let mut different: Vec<f64> = Vec::new();
    for v in &values {
        if different.len() <= FEW && !different.contains(v) {
            different.push(*v);
        }
    }
    if (2..=FEW).contains(&different.len()) {
        let changes = read.trajectories.iter().zip(&all).flat_map(|(t, values)| {
            // Rows that stand close before and behind a jump are what it needs.
            let length = |i: usize| t.time(i) - t.time(i - 1);
            let longest = |i: usize| [i - 1, i + 1].map(|i| if (1..t.len).contains(&i) { length(i) } else { 0.0 });
            let wide = |i: &usize| longest(*i).iter().all(|beside| LARGER * length(*i) > *beside);
            let changes = (1..values.len()).filter(|&i| values.get(i) != values.get(i - 1)).filter(wide);
            changes.map(|i| [t.time(i - 1), t.time(i)]).collect::<Vec<_>>()
        });
        let changes: Vec<[f64; 2]> = changes.collect();
        return changes.first().map(|first| Doubt::Jumps(changes.len(), *first));
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len() as f64;
    let steps: Vec<f64> =
        all.iter().flat_map(|v| v.windows(2).map(|w| (w[1] - w[0]) * (w[1] - w[0])).collect::<Vec<_>>()).collect();
    let step = steps.iter().sum::<f64>() / steps.len().max(1) as f64;
    if step > ROUGH * 2.0 * variance && variance > 0.0 { Some(Doubt::Rough) } else { jumps() }
}

/// The times of the samples that are not zero, of an input that is zero before and behind each of them and nearly everywhere; `None` of another one.
fn impulses(of: &Trajectory, input: usize) -> Option<Vec<f64>> {
    let values: Vec<f64> = of.inputs.iter().skip(input).step_by(of.input_width().max(1)).copied().collect();
    let single: Vec<usize> = (0..values.len()).filter(|&i| values[i] != 0.0).collect();
    // In neighbouring samples they are different ones; a value that stays is held.
    let apart = single.windows(2).all(|w| w[1] - w[0] > 1 || values[w[0]] != values[w[1]]);
    let few = single.len() as f64 <= (SINGLE * values.len() as f64).max(1.0);
    (apart && few).then(|| single.into_iter().map(|i| of.time(i)).collect())
}

/// The times before and behind every jump of an input: a step that is far larger than its neighbours in time, and no shorter. Of a pulse of two
/// samples one of these is the jump back.
fn jumps(of: &Trajectory, input: usize) -> Vec<[f64; 2]> {
    let values: Vec<f64> = of.inputs.iter().skip(input).step_by(of.input_width().max(1)).copied().collect();
    let step = |i: usize| values.get(i).zip(values.get(i + 1)).map_or(f64::INFINITY, |(a, b)| (b - a).abs());
    let length = |i: usize| of.time(i + 1) - of.time(i);
    let [least, most] = least_and_most(values.iter().copied());
    let signed = |i: usize| values.get(i).zip(values.get(i + 1)).map_or(f64::NAN, |(a, b)| b - a);
    // Neighbours on either side, but for one jump back behind a step that is held.
    let back = |i: usize, k: usize| signed(k) * signed(i) < 0.0 && LARGER * step(k) > step(i);
    let jump = |&i: &usize| {
        let pulse = [i - HELD, i + HELD].map(|k| back(i, k));
        let returns = |k: usize| pulse == [k < i, k > i] && (k == i - HELD || k == i + HELD);
        let beside = || (i - HELD..i).chain(i + 1..=i + HELD).filter(|&k| !returns(k));
        // What a neighbour changes by, in a step as long as this one.
        let change = |k: usize| step(k).max(step(k) / length(k) * length(i));
        let (held, longest) = beside().fold((0.0f64, 0.0f64), |(s, l), k| (s.max(change(k)), l.max(length(k))));
        // Rows that stand close before and behind a jump are what it needs.
        step(i) > LARGER * held && step(i) >= PART * (most - least) && LARGER * length(i) > longest
    };
    let inside = HELD..values.len().saturating_sub(HELD + 1);
    inside.filter(jump).map(|i| [of.time(i), of.time(i + 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driven(times: &[f64], value: impl Fn(f64) -> f64) -> Trajectory {
        let inputs = times.iter().map(|t| value(*t)).collect();
        Trajectory { t0: times[0], dt: 0.1, times: times.to_vec(), len: times.len(), inputs, ..Trajectory::default() }
    }

    #[test]
    fn numbers_among_zeros_are_single_samples() {
        let times: Vec<f64> = (0..30).map(f64::from).collect();
        let at = |places: &'static [f64]| move |t: f64| if places.contains(&t) { 5.0 } else { 0.0 };
        assert_eq!(impulses(&driven(&times, at(&[0.0, 12.0, 29.0])), 0), Some(vec![0.0, 12.0, 29.0]));
        assert_eq!(impulses(&driven(&times, at(&[])), 0), Some(vec![]));
        for more in [&[4.0, 5.0][..], &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]] {
            assert_eq!(impulses(&driven(&times, at(more)), 0), None);
        }
        assert_eq!(impulses(&driven(&times, f64::cos), 0), None);
    }

    #[test]
    fn what_is_switched_or_new_in_every_sample_is_no_curve() {
        let times: Vec<f64> = (0..200).map(|i| 0.1 * f64::from(i)).collect();
        // Neighbours differ by a rule without a rhythm.
        let scatter = |t: f64| (1e4 * (12.9898 * t).sin()).fract();
        let of = |value: &dyn Fn(f64) -> f64| {
            let trajectories = vec![driven(&times, value)];
            let read = Dataset { source: String::new(), columns: Vec::new(), inputs: vec!["u".into()], trajectories };
            doubt(&read, 0)
        };
        assert!(matches!(of(&scatter), Some(Doubt::Rough)));
        let switched = of(&|t: f64| if scatter(t) > 0.0 { 1.0 } else { -1.0 });
        assert!(matches!(switched, Some(Doubt::Jumps(n, _)) if n > 50));
        assert!(of(&|t: f64| (8.0 * t).sin()).is_none());
        // Kicks of different size may be neighbours.
        let kicks = of(&|t: f64| if (t % 3.0 - 1.0).abs() < 0.11 { 1.0 + t } else { 0.0 });
        assert!(matches!(kicks, Some(Doubt::Single(..))));
    }

    #[test]
    fn jumps_are_told_from_what_is_sampled_well() {
        let times: Vec<f64> = (0..60).map(|i| 0.1 * f64::from(i)).collect();
        let on = |t: f64| if (2.05..4.05).contains(&t) { 3e-7 } else { 1e-7 };
        assert_eq!(jumps(&driven(&times, on), 0), [[times[20], times[21]], [times[40], times[41]]]);
        for smooth in [|t: f64| (3.0 * t).sin(), |t: f64| t, |_: f64| 5.0, |t: f64| (20.0 * (t - 3.0)).tanh()] {
            assert_eq!(jumps(&driven(&times, smooth), 0), [] as [[f64; 2]; 0]);
        }
        // Pulses of two samples, up and down.
        for sign in [1.0, -1.0] {
            let pulse = |t: f64| if (2.05..2.25).contains(&t) { sign } else { 0.0 };
            assert_eq!(jumps(&driven(&times, pulse), 0), [[times[20], times[21]], [times[22], times[23]]]);
        }
        // Of samples that come in bursts the steps between these are no jumps.
        let bursts: Vec<f64> = (0..60).map(|i| 0.8 * f64::from(i / 5) + 0.02 * f64::from(i % 5)).collect();
        assert_eq!(jumps(&driven(&bursts, f64::sin), 0), [] as [[f64; 2]; 0]);
        // Rows just before and just behind a jump make it one that is known.
        let mut close = times;
        close.extend([2.0499, 2.0501, 4.0499, 4.0501]);
        close.sort_by(f64::total_cmp);
        assert_eq!(jumps(&driven(&close, on), 0), [] as [[f64; 2]; 0]);
    }
}

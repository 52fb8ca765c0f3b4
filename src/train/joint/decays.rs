//! Candidate terms with which a state that is never observed decays by itself, and how fast it may do so on the scale of the samples.
//!
//! Candidates start at zero, and beside them such a state starts as what it gathers, with nothing that draws it back. From there a fit may come to one that
//! grows by itself, against what drives it, and stay with it.

use super::gauge::{drawn, values_of};
use super::problem::{Dynamics, EvaluateError, Observations, Points, Unknown};
use super::rates::hidden;
use crate::artifact::PatternEntry;
use crate::data::{Purpose, stream, uniform};

/// The fastest decay takes so many samples,
const FASTEST: f64 = 3.0;
/// each of the next ones so many times as long,
const SLOWER: f64 = 2.0;
/// up to this share of the longest trajectory,
const SLOWEST: f64 = 1.0 / 3.0;
/// and there are so many of them at most.
const RATES: usize = 7;
/// Points at which a term is compared with its state.
const POINTS: usize = 8;
/// Two ratios are the same that differ by less than this part.
const SAME: f64 = 1e-9;

/// Values to start from, for every rate those of the coefficients of all terms that are a multiple of a hidden state in its own equation: position and value.
/// None where there are no such terms.
pub fn starts(
    model: &mut dyn Dynamics,
    unknowns: &[Unknown],
    observations: &Observations,
) -> Result<Vec<Vec<(usize, f64)>>, EvaluateError> {
    let terms = own_terms(model, unknowns, observations)?;
    if terms.is_empty() {
        return Ok(Vec::new());
    }
    let of = |rate: f64| -> Vec<(usize, f64)> { terms.iter().map(|(k, ratio)| (*k, -rate / ratio)).collect() };
    let allowed = |start: &Vec<(usize, f64)>| {
        start.iter().all(|(k, value)| unknowns.get(*k).is_some_and(|u| (u.lower..=u.upper).contains(value)))
    };
    Ok(rates(observations).into_iter().map(of).filter(allowed).collect())
}

/// Rates, the fastest first.
fn rates(observations: &Observations) -> Vec<f64> {
    let mut steps: Vec<f64> = observations.links().into_iter().filter(|h| *h > 0.0).collect();
    steps.sort_by(f64::total_cmp);
    let Some(step) = steps.get(steps.len() / 2).copied() else { return Vec::new() };
    let ends = observations.breaks.iter().copied().chain([observations.t.len()]);
    let span =
        |(first, end): (usize, usize)| Some(observations.t.get(end.checked_sub(1)?)? - observations.t.get(first)?);
    let longest = observations.firsts().zip(ends).filter_map(span).fold(0.0, f64::max);
    let times = (0..RATES).map(|k| FASTEST * step * SLOWER.powi(k as i32));
    times.take_while(|time| *time <= SLOWEST * longest).map(|time| 1.0 / time).collect()
}

/// Candidates that are a multiple of a hidden component in its own equation, with that multiple.
fn own_terms(
    model: &mut dyn Dynamics,
    unknowns: &[Unknown],
    observations: &Observations,
) -> Result<Vec<(usize, f64)>, EvaluateError> {
    let (n, len) = (observations.names.len(), observations.t.len());
    let is_hidden = hidden(observations);
    let hidden: Vec<usize> = (0..n).filter(|c| is_hidden.get(*c) == Some(&true)).collect();
    if hidden.is_empty() || len == 0 {
        return Ok(Vec::new());
    }
    // Numbers that no two components have in common.
    let x: Vec<f64> =
        (0..n).flat_map(|c| (0..POINTS).map(move |p| 0.7 + 0.37 * c as f64 + 0.61 * (p * (c + 1)) as f64)).collect();
    let at = (0..POINTS).map(|p| p * (len - 1) / (POINTS - 1));
    let t: Vec<f64> = at.filter_map(|i| observations.t.get(i).copied()).collect();
    let input: Vec<f64> = observations.input.chunks_exact(len).enumerate().flat_map(inputs).collect();
    let pattern = model.pattern().clone();
    let mut entries = vec![0.0; pattern.rows * POINTS];
    let xi: Vec<f64> = unknowns.iter().map(super::normal::first).collect();
    model.linearise(Points { x: &x, t: &t, input: &input }, &xi, &mut entries)?;
    let mut found = Vec::new();
    for c in hidden {
        for &(k, entry) in pattern.by_unknown.get(c).into_iter().flatten() {
            let PatternEntry::Row(row) = entry else { continue };
            let candidate = unknowns.get(k).is_some_and(|u| u.droppable && u.linear && u.lower < u.upper);
            let columns = entries.iter().skip(row * POINTS).zip(x.iter().skip(c * POINTS)).take(POINTS);
            let ratios: Vec<f64> = columns.map(|(column, x)| column / x).collect();
            let Some(&ratio) = ratios.first().filter(|r| candidate && r.is_finite() && **r != 0.0) else { continue };
            if ratios.iter().all(|other| (other - ratio).abs() < SAME * ratio.abs()) {
                found.push((k, ratio));
            }
        }
    }
    Ok(found)
}

/// What an input is at the points: the least and the largest that it comes to, for it may be the same at nearly all times, and others between.
fn inputs((k, row): (usize, &[f64])) -> Vec<f64> {
    let values = values_of(row);
    let mut rng = stream(0, Purpose::Freedom, k as u64);
    let others = std::iter::repeat_with(|| uniform(&mut rng));
    [0.0, 1.0].into_iter().chain(others).take(POINTS).map(|part| drawn(&values, part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Pattern;

    /// `x' = z`, `z' = a x - b z + c z^2 + d u z`, with `x` observed.
    struct Model(Pattern);

    impl Dynamics for Model {
        fn pattern(&self) -> &Pattern {
            &self.0
        }

        fn field(&mut self, _: Points, _: &[f64], _: &mut [f64]) -> Result<(), EvaluateError> {
            Err(EvaluateError("not asked for".to_string()))
        }

        fn linearise(&mut self, at: Points, _: &[f64], entries: &mut [f64]) -> Result<(), EvaluateError> {
            let len = at.t.len();
            for p in 0..len {
                let (x, z, u) = (at.x[p], at.x[len + p], at.input[p]);
                for (row, value) in [x, -z, z * z, u * z].into_iter().enumerate() {
                    entries[row * len + p] = value;
                }
            }
            Ok(())
        }
    }

    #[test]
    fn a_hidden_state_that_stands_in_its_own_equation_decays() {
        let mut model = Model(Pattern {
            rows: 4,
            by_unknown: vec![Vec::new(), (0..4).map(|k| (k, PatternEntry::Row(k))).collect()],
            ..Pattern::default()
        });
        let mut unknowns: Vec<Unknown> = (0..4).map(|k| Unknown::free(k.to_string())).collect();
        let len = 60;
        let t: Vec<f64> = (0..40).chain(0..20).map(|i| 0.5 * f64::from(i)).collect();
        let observations = Observations {
            y: vec![1.0; len].into_iter().chain(vec![f64::NAN; len]).collect(),
            input: t.clone(),
            t,
            breaks: vec![40],
            names: vec!["x".into(), "z".into()],
            ..Observations::default()
        };
        let found = starts(&mut model, &unknowns, &observations).expect("starts");
        // 1.5, 3, 6, and not 12, which is more than a third of 19.5.
        assert_eq!(found.len(), 3, "{found:?}");
        for (start, time) in found.iter().zip([1.5, 3.0, 6.0]) {
            assert!(matches!(start[..], [(1, value)] if (value * time - 1.0).abs() < 1e-9), "{start:?}");
        }
        // One that must not decay does not.
        unknowns[1].upper = 0.0;
        assert_eq!(starts(&mut model, &unknowns, &observations), Ok(Vec::new()));
        unknowns[1].upper = f64::INFINITY;
        // What is switched on for a while only is not the same everywhere.
        let switched = Observations { input: (0..len).map(|i| f64::from(i != 7)).collect(), ..observations.clone() };
        let found = starts(&mut model, &unknowns, &switched).expect("starts");
        assert!(found.len() == 3 && found.iter().all(|start| matches!(start[..], [(1, _)])), "{found:?}");
        // The derivative of a state that is observed goes with it.
        let derivative = Observations { derivative_of: vec![None, Some(0)], ..observations.clone() };
        assert_eq!(starts(&mut model, &unknowns, &derivative), Ok(Vec::new()));
        let seen = Observations { y: vec![1.0; 2 * len], ..observations };
        assert_eq!(starts(&mut model, &unknowns, &seen), Ok(Vec::new()));
    }
}

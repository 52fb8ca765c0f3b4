//! Finer samples than those observed, for data too coarse for the collocation, and back.

use super::input;
use super::problem::Observations;

/// Puts `by - 1` unobserved samples into every link.
pub fn refine(obs: &Observations, by: usize) -> Observations {
    if by <= 1 {
        return obs.clone();
    }
    let samples = obs.t.len();
    let mut out = Observations { t: Vec::new(), y: Vec::new(), input: Vec::new(), breaks: Vec::new(), ..obs.clone() };
    // Position in the old grid, as (sample, share of the link after it).
    let mut places: Vec<(usize, f64)> = Vec::new();
    for i in 0..samples {
        if at_break(&obs.breaks, i) {
            out.breaks.push(places.len());
        }
        places.push((i, 0.0));
        if i + 1 < samples && !at_break(&obs.breaks, i + 1) {
            places.extend((1..by).map(|j| (i, j as f64 / by as f64)));
        }
    }
    let between = |v: &[f64], (i, s): (usize, f64)| if s == 0.0 { v[i] } else { v[i] + s * (v[i + 1] - v[i]) };
    out.t = places.iter().map(|&p| between(&obs.t, p)).collect();
    for y in obs.y.chunks_exact(samples) {
        out.y.extend(places.iter().map(|&(i, s)| if s == 0.0 { y[i] } else { f64::NAN }));
    }
    let h = obs.links();
    for v in obs.input.chunks_exact(samples) {
        let slopes = input::slopes(v, &h);
        let at = |&(i, s): &(usize, f64)| if s == 0.0 { v[i] } else { input::between(v, &slopes, &h, (i, s)) };
        out.input.extend(places.iter().map(at));
    }
    out
}

/// Whether a trajectory starts at this sample.
fn at_break(breaks: &[usize], sample: usize) -> bool {
    breaks.binary_search(&sample).is_ok()
}

/// The trajectory at the original samples.
pub fn thin(x: &[f64], refined: &Observations, original: &Observations, by: usize) -> Vec<f64> {
    let mut keep = Vec::with_capacity(original.t.len());
    let mut at = 0;
    for i in 0..original.t.len() {
        keep.push(at);
        let last_of_trajectory = at_break(&original.breaks, i + 1);
        at += if last_of_trajectory { 1 } else { by };
    }
    x.chunks_exact(refined.t.len().max(1)).flat_map(|row| keep.iter().map(|&i| row[i])).collect()
}

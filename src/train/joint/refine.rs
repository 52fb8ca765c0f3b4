//! Finer samples than those observed, for data too coarse for the collocation and for inputs that change in an instant, and back.
//!
//! An input that is held keeps the value of a sample until the next one: where it changes, another sample stands just before that next one, with
//! the old value. An impulse is a rate that is held through a small share of the link behind its sample. So no link but the instants between
//! such neighbours sees an input that jumps.

use super::input;
use super::problem::Observations;
use crate::base::Between;

/// Length of an instant, relative to the link that it stands in.
const INSTANT: f64 = 1e-7;

/// How long an impulse takes, relative to the link behind its sample.
const IMPULSE: f64 = 0.01;

/// Observations with samples of which nothing was seen between those that were.
pub struct Refined {
    /// These observations.
    pub observations: Observations,
    /// Which of their samples are the original ones.
    pub kept: Kept,
}

/// How many samples a fit solves for at least: those of the observations, and those around the instants in which inputs change.
pub fn samples(observations: &Observations) -> usize {
    Refined::new(observations, 1).observations.t.len()
}

/// The places of the original samples among finer ones.
pub struct Kept(Vec<usize>);

impl Kept {
    /// A trajectory `[component, sample]` of `samples` finer samples at the original ones.
    pub fn of(&self, x: &[f64], samples: usize) -> Vec<f64> {
        let rows = x.chunks_exact(samples.max(1));
        rows.flat_map(|row| self.0.iter().filter_map(|&i| row.get(i).copied())).collect()
    }

    /// The place of an original sample.
    pub fn place(&self, sample: usize) -> Option<usize> {
        self.0.get(sample).copied()
    }
}

/// A place in the original grid.
struct Place {
    /// The sample at it or before it.
    sample: usize,
    time: f64,
    /// The share of the link after that sample.
    share: f64,
    /// Whether it is that sample.
    original: bool,
    /// Whether it lies in the impulse of that sample.
    in_impulse: bool,
}

impl Refined {
    /// Puts `by - 1` unobserved samples into every link, and some around the instants in which inputs change.
    pub fn new(obs: &Observations, by: usize) -> Refined {
        let samples = obs.t.len();
        let smooth = obs.between.iter().all(|b| *b == Between::Smooth);
        if (by <= 1 && smooth) || samples == 0 {
            return Refined { observations: obs.clone(), kept: Kept((0..samples).collect()) };
        }
        let mut out =
            Observations { t: Vec::new(), y: Vec::new(), input: Vec::new(), breaks: Vec::new(), ..obs.clone() };
        let (mut places, mut kept) = (Vec::new(), Vec::with_capacity(samples));
        let h = obs.links();
        for (i, &time) in obs.t.iter().enumerate() {
            if obs.breaks.binary_search(&i).is_ok() {
                out.breaks.push(places.len());
            }
            kept.push(places.len());
            places.push(Place { sample: i, time, share: 0.0, original: true, in_impulse: false });
            if let Some(&link) = h.get(i).filter(|h| **h > 0.0) {
                inside(obs, (i, link), by, &mut places, &mut out.instants);
            }
        }
        out.t = places.iter().map(|p| p.time).collect();
        for y in obs.y.chunks_exact(samples) {
            out.y.extend(places.iter().map(|p| if p.original { y[p.sample] } else { f64::NAN }));
        }
        for (k, v) in obs.input.chunks_exact(samples).enumerate() {
            let slopes = input::slopes(v, &h, obs.between(k));
            out.input.extend(places.iter().map(|p| match obs.between(k) {
                Between::Smooth if p.original => v[p.sample],
                Between::Smooth => input::between(v, &slopes, &h, (p.sample, p.share)),
                Between::Held => v[p.sample],
                Between::Impulse if p.in_impulse => v[p.sample] / (IMPULSE * h[p.sample]),
                Between::Impulse => 0.0,
            }));
        }
        Refined { observations: out, kept: Kept(kept) }
    }
}

/// The places inside the link after a sample, and the instants that begin at or in it.
fn inside(
    obs: &Observations,
    (sample, link): (usize, f64),
    by: usize,
    places: &mut Vec<Place>,
    instants: &mut Vec<usize>,
) {
    let inputs = || obs.input.chunks_exact(obs.t.len()).enumerate();
    let begin = obs.t[sample];
    let end = begin + link;
    let at =
        |time: f64, in_impulse: bool| Place { sample, time, share: (time - begin) / link, original: false, in_impulse };
    // As short as the digits of the time allow.
    let instant = (INSTANT * link).max(4.0 * f64::EPSILON * begin.abs().max(end.abs()));
    let last = begin + IMPULSE * link;
    if instant < 0.5 * IMPULSE * link && inputs().any(|(k, v)| obs.between(k) == Between::Impulse && v[sample] != 0.0) {
        instants.push(places.len() - 1);
        places.push(at(begin + instant, true));
        instants.push(places.len());
        places.push(at(last, true));
        places.push(at(last + instant, false));
    }
    places.extend((1..by).map(|j| at(begin + j as f64 / by as f64 * link, false)));
    let before = end - instant;
    let changes = |(k, v): (usize, &[f64])| obs.between(k) == Between::Held && v.get(sample) != v.get(sample + 1);
    if inputs().any(changes) && places.last().is_some_and(|p| p.time < before) {
        instants.push(places.len());
        places.push(at(before, false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two trajectories, of three samples and two.
    fn observations(input: &[f64], between: Between) -> Observations {
        Observations {
            t: vec![0.0, 1.0, 2.0, 0.0, 4.0],
            y: vec![5.0, 6.0, 7.0, 8.0, 9.0],
            input: input.to_vec(),
            between: vec![between],
            breaks: vec![3],
            ..Observations::default()
        }
    }

    fn refined(input: &[f64], between: Between, by: usize) -> Refined {
        Refined::new(&observations(input, between), by)
    }

    #[test]
    fn what_is_held_changes_in_an_instant() {
        let input = [1.0, 1.0, 3.0, 0.0, 2.0];
        let Refined { observations: fine, kept } = refined(&input, Between::Held, 1);
        assert_eq!(fine.t, [0.0, 1.0, 2.0 - 1e-7, 2.0, 0.0, 4.0 - 4e-7, 4.0]);
        assert_eq!(fine.input, [1.0, 1.0, 1.0, 3.0, 0.0, 0.0, 2.0]);
        assert_eq!((&fine.instants[..], &fine.breaks[..]), (&[2, 5][..], &[4][..]));
        assert_eq!(kept.of(&fine.y, 7), [5.0, 6.0, 7.0, 8.0, 9.0]);
        let unseen: Vec<usize> = (0..7).filter(|&i| fine.y[i].is_nan()).collect();
        assert_eq!(unseen, [2, 5]);
        // Finer samples see what is held, too.
        let fine = refined(&input, Between::Held, 2).observations;
        assert_eq!(fine.t[..6], [0.0, 0.5, 1.0, 1.5, 2.0 - 1e-7, 2.0]);
        assert_eq!(fine.input, [1.0, 1.0, 1.0, 1.0, 1.0, 3.0, 0.0, 0.0, 0.0, 2.0]);
        // What does not change needs none.
        assert_eq!(refined(&[1.0; 5], Between::Held, 1).observations.t.len(), 5);
    }

    #[test]
    fn impulses_have_their_integrals_behind_their_samples() {
        for by in [1, 4] {
            let Refined { observations: fine, kept } = refined(&[0.0, 6.0, 3.0, 2.0, 1.0], Between::Impulse, by);
            let h = fine.links();
            let area = |from: usize, to: usize| -> f64 {
                (from..to).map(|i| 0.5 * h[i] * (fine.input[i] + fine.input[i + 1])).sum()
            };
            let places: Vec<usize> = (0..5).filter_map(|i| kept.place(i)).collect();
            let found = [(0, 1), (1, 2), (3, 4)].map(|(a, b)| area(places[a], places[b]));
            for (found, expected) in found.into_iter().zip([0.0, 6.0, 2.0]) {
                assert!((found - expected).abs() < 1e-8, "{found} for {expected}");
            }
            // Nothing follows the last sample of a trajectory, and samples stand before their impulses.
            assert!(places.iter().all(|&i| fine.input[i] == 0.0));
            assert_eq!(fine.t.len(), 5 + 3 * (by - 1) + 6);
            for &i in &fine.instants {
                assert!(h[i] < 1e-6 && fine.input[i] != fine.input[i + 1], "{i}");
            }
        }
    }

    #[test]
    fn instants_are_as_long_as_the_digits_of_the_time_need() {
        for between in [Between::Held, Between::Impulse] {
            let mut late = observations(&[3.0, 1.0, 3.0, 1.0, 3.0], between);
            late.t = vec![1e9, 1e9 + 1.0, 1e9 + 2.0, 1e9, 1e9 + 4.0];
            let fine = Refined::new(&late, 1).observations;
            assert!(fine.t.len() > 5);
            let links = fine.links();
            assert!((0..links.len()).all(|i| links[i] > 0.0 || fine.breaks.contains(&(i + 1))), "{links:?}");
        }
    }

    #[test]
    fn finer_samples_stand_within_links_alone() {
        let Refined { observations: fine, kept } = refined(&[0.0, 1.0, 2.0, 0.0, 4.0], Between::Smooth, 4);
        assert_eq!((fine.t.len(), &fine.breaks[..]), (14, &[9][..]));
        assert_eq!(fine.t[..5], [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(fine.input, fine.t);
        assert_eq!(kept.of(&fine.t, 14), [0.0, 1.0, 2.0, 0.0, 4.0]);
    }
}

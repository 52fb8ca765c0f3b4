//! Finer samples than those observed, for data too coarse for the collocation and for inputs that change in an instant, and back.
//!
//! An input that is held keeps the value of a sample until the next one: where it changes, another sample stands just before that next one, with
//! the old value. An impulse is a rate that is held through a small share of the link behind its sample. So no link but the instants between
//! such neighbours sees an input that jumps.

use super::input;
use super::problem::Observations;
use crate::base::Between;

/// How long before the end of its link a held input changes, relative to that link. Far shorter instants cost digits where a component is not
/// observed and every link has some.
const INSTANT: f64 = 1e-5;

/// The same of the two sides of an impulse.
const SIDE: f64 = 1e-4;

/// How long an impulse takes, relative to the link behind its sample. Beside components that are not observed far shorter ones cost digits, too.
const IMPULSE: f64 = 0.01;

/// Of finer samples so many more stand at the beginning of a link at whose first sample a held input changed, each at half the distance of the next one:
/// what follows the input fast has gone most of its way there.
const GRADED: usize = 6;

/// Observations with samples of which nothing was seen between those that were.
pub struct Refined {
    /// These observations.
    pub observations: Observations,
    /// Which of their samples are the original ones.
    pub kept: Kept,
}

/// How many samples there are of observations whose links are cut into `by`.
pub fn samples(obs: &Observations, by: usize) -> usize {
    let graded = |t: usize| if by > 1 && obs.switched(t) { GRADED } else { 0 };
    let inside = |t: usize| if obs.drives(t) { IN_IMPULSE } else { 0 } + usize::from(obs.jumps(t)) + graded(t);
    let sudden: usize = (0..obs.t.len()).map(inside).sum();
    obs.t.len().saturating_mul(by).saturating_add(sudden)
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
    /// How far behind that sample it is.
    offset: f64,
    /// Whether it is that sample.
    original: bool,
    /// Whether it lies in the impulse of that sample.
    in_impulse: bool,
}

impl Observations {
    /// The same as slopes of smoothed data see it, which run through impulses: each is the rate that it is on average over its link, in it and at
    /// the two samples around it.
    pub fn smeared(&self) -> Observations {
        let mut out = self.clone();
        let samples = self.t.len().max(1);
        for (k, row) in out.input.chunks_exact_mut(samples).enumerate() {
            if self.between(k) != Between::Impulse {
                continue;
            }
            for &at in &self.impulses {
                let rate = row.get(at).copied().unwrap_or(0.0) * IMPULSE;
                for value in row.iter_mut().skip(at.saturating_sub(1)).take(IN_IMPULSE + 1) {
                    *value = rate;
                }
            }
        }
        out
    }

    /// Whether an impulse follows a sample.
    fn drives(&self, sample: usize) -> bool {
        self.follows(sample).any(|(between, value, _)| between == Between::Impulse && value != 0.0)
    }

    /// Whether an input that is held changes at the end of the link behind a sample.
    fn jumps(&self, sample: usize) -> bool {
        self.follows(sample).any(|(between, value, next)| between == Between::Held && value != next)
    }

    /// Whether an input that is held has just changed at a sample, behind which there is a link: what follows it fast moves at its beginning.
    fn switched(&self, sample: usize) -> bool {
        sample.checked_sub(1).is_some_and(|before| self.jumps(before)) && self.follows(sample).next().is_some()
    }

    /// What every input does in the link behind a sample, with its values there and at the end; nothing where a trajectory ends.
    fn follows(&self, sample: usize) -> impl Iterator<Item = (Between, f64, f64)> + '_ {
        let ends = sample + 1 >= self.t.len() || self.breaks.binary_search(&(sample + 1)).is_ok();
        let rows = self.input.chunks_exact(self.t.len().max(1)).enumerate().filter(move |_| !ends);
        rows.filter_map(move |(k, v)| Some((self.between(k), *v.get(sample)?, *v.get(sample + 1)?)))
    }
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
        for i in 0..samples {
            if obs.breaks.binary_search(&i).is_ok() {
                out.breaks.push(places.len());
            }
            kept.push(places.len());
            places.push(Place { sample: i, offset: 0.0, original: true, in_impulse: false });
            if let Some(&link) = h.get(i).filter(|h| **h > 0.0) {
                inside(obs, (i, link), by, &mut places, &mut out);
            }
        }
        let length = |pair: &[Place]| match h.get(pair[0].sample) {
            Some(&link) if link > 0.0 && pair[1].original => link - pair[0].offset,
            Some(&link) if link > 0.0 => pair[1].offset - pair[0].offset,
            _ => 0.0,
        };
        out.lengths = places.windows(2).map(length).collect();
        out.t = places.iter().map(|p| obs.t[p.sample] + p.offset).collect();
        for y in obs.y.chunks_exact(samples) {
            out.y.extend(places.iter().map(|p| if p.original { y[p.sample] } else { f64::NAN }));
        }
        for (k, v) in obs.input.chunks_exact(samples).enumerate() {
            let slopes = input::slopes(v, &h, obs.between(k));
            out.input.extend(places.iter().map(|p| match obs.between(k) {
                Between::Smooth if p.original => v[p.sample],
                Between::Smooth => input::between(v, &slopes, &h, (p.sample, p.offset / h[p.sample])),
                Between::Held => v[p.sample],
                Between::Impulse if p.in_impulse => v[p.sample] / (IMPULSE * h[p.sample]),
                Between::Impulse => 0.0,
            }));
        }
        Refined { observations: out, kept: Kept(kept) }
    }
}

/// How many places an impulse takes: both ends of it, and one behind it.
const IN_IMPULSE: usize = 3;

/// The places inside the link after a sample; `out` gets the links among these, or to them, that are sudden, and the impulse.
fn inside(
    obs: &Observations,
    (sample, link): (usize, f64),
    by: usize,
    places: &mut Vec<Place>,
    out: &mut Observations,
) {
    let at = |share: f64, in_impulse: bool| Place { sample, offset: share * link, original: false, in_impulse };
    if obs.drives(sample) {
        out.impulses.push(places.len());
        out.sudden.extend(places.len() - 1..places.len() - 1 + IN_IMPULSE);
        places.extend([at(SIDE, true), at(IMPULSE, true), at(IMPULSE + SIDE, false)]);
    }
    if by > 1 && obs.switched(sample) {
        places.extend((1..=GRADED).rev().map(|j| at(0.5f64.powi(j as i32) / by as f64, false)));
    }
    places.extend((1..by).map(|j| at(j as f64 / by as f64, false)));
    if obs.jumps(sample) {
        out.sudden.push(places.len());
        places.push(at(1.0 - INSTANT, false));
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
        assert_eq!(fine.t, [0.0, 1.0, 1.0 + (1.0 - 1e-5), 2.0, 0.0, (1.0 - 1e-5) * 4.0, 4.0]);
        assert_eq!(fine.input, [1.0, 1.0, 1.0, 3.0, 0.0, 0.0, 2.0]);
        assert_eq!((&fine.sudden[..], &fine.breaks[..]), (&[2, 5][..], &[4][..]));
        assert_eq!(kept.of(&fine.y, 7), [5.0, 6.0, 7.0, 8.0, 9.0]);
        let unseen: Vec<usize> = (0..7).filter(|&i| fine.y[i].is_nan()).collect();
        assert_eq!(unseen, [2, 5]);
        // Finer samples see what is held, too.
        let fine = refined(&input, Between::Held, 2).observations;
        assert_eq!(fine.t[..6], [0.0, 0.5, 1.0, 1.5, 1.0 + (1.0 - 1e-5), 2.0]);
        assert_eq!(fine.input, [1.0, 1.0, 1.0, 1.0, 1.0, 3.0, 0.0, 0.0, 0.0, 2.0]);
        // Behind the instant more of them are close to it; not where the trajectory ends.
        let fine = refined(&[1.0, 3.0, 3.0, 0.0, 2.0], Between::Held, 2).observations;
        assert_eq!(fine.t[2..5], [1.0 - 1e-5, 1.0, 1.0 + 0.5f64.powi(7)]);
        assert_eq!(fine.t[4..12], [7, 6, 5, 4, 3, 2, 1, 0].map(|j| 1.0 + 0.5f64.powi(j)));
        assert_eq!(samples(&observations(&[1.0, 3.0, 3.0, 0.0, 2.0], Between::Held), 2), fine.t.len() + 2);
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
            assert_eq!(fine.sudden.len(), 6);
            assert_eq!(fine.impulses.len(), 2);
            assert!(fine.impulses.iter().all(|&i| fine.input[i] > 10.0 && fine.input[i] == fine.input[i + 1]));
            assert!(fine.sudden.iter().all(|&i| h[i] < 0.05), "{h:?}");
        }
    }

    #[test]
    fn links_are_as_long_as_they_are_far_from_zero_too() {
        for between in [Between::Held, Between::Impulse] {
            let early = observations(&[3.0, 1.0, 3.0, 1.0, 3.0], between);
            let late = Observations { t: early.t.iter().map(|t| t + 1.7e9).collect(), ..early.clone() };
            let [early, late] = [early, late].map(|obs| Refined::new(&obs, 1).observations);
            assert!(early.t.len() > 5);
            assert_eq!((early.links(), early.input, early.sudden), (late.links(), late.input, late.sudden));
        }
    }

    #[test]
    fn samples_are_counted() {
        for between in Between::ALL {
            for by in [1, 3] {
                let obs = observations(&[3.0, 0.0, 3.0, 1.0, 3.0], between);
                let ends = (by - 1) * 2;
                assert_eq!(samples(&obs, by), Refined::new(&obs, by).observations.t.len() + ends, "{between:?} {by}");
            }
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

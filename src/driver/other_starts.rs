//! Fits that explain nothing of a state of which the data tell something, made again from other starts of the parameters within terms.
//!
//! From a start far off the first regression may find terms whose numbers lead nowhere: all of them are dropped, or a parameter runs to an end of its range. The ranges
//! say where else it may be begun.

use super::exact::LITTLE;
use super::joint_numbers::started;
use super::lost::ALL;
use super::observed::Observed;
use super::simpler;
use crate::train::joint::{JointError, JointFit, Observations, Unknown};

/// Fits to larger data are not made again,
const MOST_SAMPLES: usize = 20_000;
/// nor those of models with more unknowns.
const MOST_UNKNOWNS: usize = 60;
/// Other starts. One more is a prime, so that its multiples take every parameter through all of them in an order of its own.
const TRIES: usize = 6;
/// Parts of ranges, at most.
const MOST_PARTS: usize = 3 * TRIES;
/// How many times as large as its start a parameter without a range may be begun, or as small; one whose range begins at zero is begun at no less than the end of it
/// over the square of that.
const BEYOND: f64 = 100.0;
/// Data of which neighbouring samples scatter by less than this part of what they do tell something of a state.
const TELLS: f64 = 0.5;

/// A fit with these unknowns.
type Fit<'f> = dyn FnMut(&[Unknown]) -> Result<JointFit, JointError> + 'f;

/// The fit that counts, and the unknowns as fits begin with them that lead to it: `first`, if it explains something of every state that the data tell something of, or else
/// the best of those from other starts that do and are in order.
///
/// # Errors
/// [`JointError::Interrupted`], with where `first` came to; a fit that fails is none that counts.
pub fn settled(
    unknowns: &[Unknown],
    first: JointFit,
    (observed, observations): (&Observed, &Observations),
    fit: &mut Fit<'_>,
) -> Result<(JointFit, Vec<Unknown>), JointError> {
    let is_large = observations.t.len() > MOST_SAMPLES || unknowns.len() > MOST_UNKNOWNS;
    if is_large || observed.hidden().next().is_some() || explains(observed, &first) {
        return Ok((first, unknowns.to_vec()));
    }
    let counts = |found: &JointFit| found.in_order() && is_of_noise(found) && explains(observed, found);
    let mut best: Option<JointFit> = None;
    for (tries, within) in [(starts(unknowns), false), (parts(unknowns), true)] {
        if best.is_some() {
            break;
        }
        for from in tries {
            let is_better =
                |found: &JointFit| best.as_ref().is_none_or(|best| simpler::rise(observations, found, best) < 0.0);
            match fit(&from) {
                // What stands at an end of a part alone may be better outside.
                Ok(found) if counts(&found) && !(within && stands_at_an_end(&found)) && is_better(&found) => {
                    best = Some(found);
                }
                Err(JointError::Interrupted(_)) => {
                    return Err(JointError::Interrupted(Some(Box::new(first.interim()))));
                }
                _ => {}
            }
        }
    }
    Ok(match best {
        Some(best) => {
            let unknowns = started(unknowns, &best);
            (best, unknowns)
        }
        None => (first, unknowns.to_vec()),
    })
}

/// Whether a fit leaves less than all that a state does, of every state that the data tell something of.
fn explains(observed: &Observed, fit: &JointFit) -> bool {
    let left = observed.components.iter().zip(fit.noise.iter().zip(&fit.scatter));
    left.filter(|(c, (_, scatter))| c.derivative == 0 && **scatter < TELLS * c.deviation)
        .all(|(c, (noise, _))| *noise < ALL * c.deviation)
}

/// Whether a fit goes through every sample although the one before leaves noise: its likelihood says nothing then.
pub fn goes_through_all(found: &JointFit, before: &JointFit) -> bool {
    !is_of_noise(found) && is_of_noise(before)
}

/// Whether a fit leaves noise, and does not go through every sample.
fn is_of_noise(fit: &JointFit) -> bool {
    !fit.noise.iter().zip(&fit.scatter).any(|(noise, scatter)| *noise < LITTLE * scatter)
}

/// Whether a parameter stands at an end of its range.
fn stands_at_an_end(fit: &JointFit) -> bool {
    fit.estimates.iter().any(|e| e.at_bound)
}

/// Whether a parameter enters nonlinearly and is estimated.
fn is_open(unknown: &Unknown) -> bool {
    !unknown.droppable && !unknown.linear && unknown.lower < unknown.upper
}

/// The unknowns with one of the parameters that enter nonlinearly held in a part of its range after the other: what the first regression makes of it may lead
/// astray whatever it starts at. Parts overlap.
fn parts(unknowns: &[Unknown]) -> Vec<Vec<Unknown>> {
    let has_range = |u: &Unknown| is_open(u) && u.lower.is_finite() && u.upper.is_finite();
    let with = |(k, unknown): (usize, &Unknown), number: usize| {
        let at = |place: f64| start(unknown, place / TRIES as f64);
        let middle = number as f64 - 0.5;
        let lower = at(middle - 1.0).filter(|_| number > 1).unwrap_or(unknown.lower);
        let upper = at(middle + 1.0).filter(|_| number < TRIES).unwrap_or(unknown.upper);
        let mut other = unknowns.to_vec();
        if let Some(slot) = other.get_mut(k) {
            *slot = Unknown { start: at(middle), lower, upper, ..unknown.clone() };
        }
        other
    };
    let open = unknowns.iter().enumerate().filter(|(_, u)| has_range(u));
    open.flat_map(|of| (1..=TRIES).map(move |number| with(of, number))).take(MOST_PARTS).collect()
}

/// The unknowns with other starts of the parameters that enter nonlinearly.
fn starts(unknowns: &[Unknown]) -> Vec<Vec<Unknown>> {
    let open: Vec<usize> = unknowns.iter().enumerate().filter(|(_, u)| is_open(u)).map(|(k, _)| k).collect();
    let tries = if open.is_empty() { 0 } else { TRIES };
    let with = |number: usize| {
        let mut other = unknowns.to_vec();
        for (place, k) in open.iter().enumerate() {
            let step = number * (1 + place % TRIES) % (TRIES + 1);
            if let Some(unknown) = other.get_mut(*k) {
                unknown.start = start(unknown, (step as f64 - 0.5) / TRIES as f64).or(unknown.start);
            }
        }
        other
    };
    (1..=tries).map(with).collect()
}

/// The start of a parameter at a share of its range, on a logarithmic scale where that has one.
fn start(unknown: &Unknown, share: f64) -> Option<f64> {
    let (low, high) = (unknown.lower, unknown.upper);
    let along = |low: f64, high: f64| low * libm::pow(high / low, share);
    match (low.is_finite(), high.is_finite()) {
        (true, true) if low > 0.0 => Some(along(low, high)),
        (true, true) if low == 0.0 => Some(along(high / (BEYOND * BEYOND), high)),
        (true, true) => Some(low + share * (high - low)),
        _ => unknown.start.map(|start| along(start / BEYOND, start * BEYOND).clamp(low, high)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_go_through_ranges_evenly_and_in_another_order_for_every_parameter() {
        let one = |start: Option<f64>, [lower, upper]: [f64; 2], linear: bool| Unknown {
            name: String::new(),
            start,
            lower,
            upper,
            linear,
            droppable: false,
            own: false,
            left_out: false,
            trajectory: None,
        };
        let unknowns = [
            one(Some(1.0), [0.01, 100.0], false),
            one(Some(1.0), [0.0, 10.0], true),
            one(Some(2.0), [f64::NEG_INFINITY, f64::INFINITY], false),
            one(None, [f64::NEG_INFINITY, f64::INFINITY], false),
            one(Some(0.5), [0.0, 1.0], false),
        ];
        let all = starts(&unknowns);
        assert_eq!(all.len(), TRIES);
        let of = |k: usize| all.iter().map(|of| of[k].start).collect::<Vec<_>>();
        let mut sorted: Vec<f64> = of(0).into_iter().flatten().collect();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|w| (w[1] / w[0] - 10f64.powf(4.0 / 6.0)).abs() < 1e-9), "{sorted:?}");
        assert!((sorted[0] - 0.01 * 10f64.powf(1.0 / 3.0)).abs() < 1e-9 && of(2) != of(0), "{all:?}");
        assert_eq!((of(1), of(3)), (vec![Some(1.0); TRIES], vec![None; TRIES]));
        assert!(of(4).iter().flatten().all(|start| (1e-4..1.0).contains(start)), "{all:?}");
        assert!(starts(&unknowns[1..2]).is_empty());
        let parts = parts(&unknowns);
        assert_eq!(parts.len(), 2 * TRIES);
        assert!(
            parts.iter().all(|of| (0..2).all(|k| of[k].start >= Some(of[k].lower) && of[k].start <= Some(of[k].upper)))
        );
        let ranges: Vec<[f64; 2]> = parts.iter().take(TRIES).map(|of| [of[0].lower, of[0].upper]).collect();
        assert!(ranges[0][0] == 0.01 && ranges[TRIES - 1][1] == 100.0, "{ranges:?}");
        assert!(ranges.windows(2).all(|w| w[1][0] < w[0][1] && w[0][0] < w[1][0]), "{ranges:?}");
    }
}

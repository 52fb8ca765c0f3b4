//! Trained numbers that are still on their way at the end of a training. Its rate falls to nothing by then, so that they seem to have settled: what
//! tells is how far they went for what the rate let them.

use super::fit::{LOOKS, Run};
use super::optimiser::reach;
use super::{GradientError, Layout, Settings, State, UnderWay};
use crate::artifact::training::{Elimination, names};
use crate::base::TensorData;

/// Numbers are on their way that went the same way from each of so many last looks to the next,
const STEADY: usize = LOOKS / 2;
/// in the second half of these for what the rate let them by at least this part of what they went in the first half,
const UNABATED: f64 = 0.3;
/// and that as many steps more would change by at least this part.
const FURTHER: f64 = 0.02;
/// Relative distance from an end of a range that counts as none.
const AT_END: f64 = 1e-6;

/// Steps between two looks.
pub(super) fn between_looks(total: usize) -> usize {
    (total / LOOKS).max(1)
}

impl Run<'_> {
    /// Notes where trained parameters and coefficients are, once for every look.
    pub(super) fn look_at_way(&self, state: &mut State, total: usize) -> Result<(), GradientError> {
        let numbers = self.layout.parameters.len() + trained(self.layout);
        let looks = state.path.len().checked_div(numbers).unwrap_or(0);
        if numbers == 0 || !state.step.is_multiple_of(between_looks(total)) || looks > state.step / between_looks(total)
        {
            return Ok(());
        }
        let arrays = &self.sums.arrays;
        for name in [names::PARAMETERS, names::COEFFICIENTS] {
            if let Some(view) = arrays.trained.value(name) {
                match arrays.store.read(&view)? {
                    TensorData::F64(numbers) => state.path.extend(numbers),
                    TensorData::F32(numbers) => state.path.extend(numbers.into_iter().map(f64::from)),
                }
            }
        }
        Ok(())
    }
}

/// How many coefficients are trained as parameters are.
fn trained(layout: &Layout) -> usize {
    if layout.elimination == Elimination::Trained { layout.coefficients.len() } else { 0 }
}

/// The parameters and trained coefficients that are, of a training that went to its end.
pub(super) fn under_way(layout: &Layout, settings: &Settings, state: &State, total: usize) -> Vec<UnderWay> {
    let parameters = layout.parameters.iter().map(|p| [p.lower, p.upper]).enumerate().map(|(k, ends)| (Ok(k), ends));
    let coefficients = layout.coefficients.iter().take(trained(layout)).map(|c| [c.lower, c.upper]);
    let coefficients = coefficients.enumerate().map(|(k, ends)| (Err(k), ends));
    let all: Vec<(Result<usize, usize>, [f64; 2])> = parameters.chain(coefficients).collect();
    if state.step < total {
        return Vec::new();
    }
    let path = |at: usize| state.path.chunks_exact(all.len().max(1)).filter_map(|look| look.get(at).copied()).collect();
    let kept = |at: &Result<usize, usize>| at.err().is_none_or(|k| state.kept.get(k).is_some_and(|kept| *kept));
    let one = |(position, &(at, ends)): (usize, &(Result<usize, usize>, [f64; 2]))| {
        let path: Vec<f64> = path(position);
        let value = *path.last()?;
        let at_end = ends.iter().any(|end| (value - end).abs() <= AT_END * end.abs().max(f64::MIN_POSITIVE));
        let further = further(&path, |looks| {
            let step = |look: usize| (look * between_looks(total)).min(total);
            reach(settings, step(looks.start)..step(looks.end), total)
        })?;
        (kept(&at) && !at_end).then_some(UnderWay { at, from_to: [*path.first()?, value], further })
    };
    all.iter().enumerate().filter_map(one).collect()
}

/// Where a number that takes this path at the looks at it would come in as many steps more, if it is still on its way; `reach` is how far it could have come between two looks.
fn further(path: &[f64], reach: impl Fn(std::ops::Range<usize>) -> f64) -> Option<f64> {
    let last = path.len().checked_sub(1)?;
    let from = last.checked_sub(STEADY)?;
    let steps = path.get(from..)?.windows(2).filter_map(|w| Some(w.last()? - w.first()?));
    let way = path.last()? - path.get(from)?;
    if !steps.into_iter().all(|step| step * way > 0.0) {
        return None;
    }
    let middle = from + STEADY / 2;
    let speed = |a: usize, b: usize| Some((path.get(b)? - path.get(a)?) / reach(a..b));
    let (before, now) = (speed(from, middle)?, speed(middle, last)?);
    let value = *path.last()?;
    let more = now * reach(0..last);
    (now.is_finite() && now / before > UNABATED && more.abs() > FURTHER * value.abs()).then_some(value + more)
}

#[cfg(test)]
mod tests {
    use super::further;

    #[test]
    fn a_number_that_goes_on_is_told_from_one_that_settled() {
        let path = |of: &dyn Fn(f64) -> f64| (0..=20).map(|k| of(f64::from(k) / 20.0)).collect::<Vec<f64>>();
        // A rate that falls to nothing, as the cosine.
        let gone = |x: f64| 0.5 * (x + (std::f64::consts::PI * x).sin() / std::f64::consts::PI);
        let reach = |looks: std::ops::Range<usize>| gone(looks.end as f64 / 20.0) - gone(looks.start as f64 / 20.0);
        let at = further(&path(&|x| 2.0 + 0.4 * gone(x)), reach).expect("on its way");
        assert!((at - 2.4).abs() < 0.01, "{at}");
        // Settled, slower and slower, to and fro, and next to nothing.
        assert_eq!(further(&path(&|x| 3.0 - (-20.0 * x).exp()), reach), None);
        assert_eq!(further(&path(&|x| 3.0 - (-12.0 * gone(x)).exp()), reach), None);
        assert_eq!(further(&path(&|x| 3.0 + 0.1 * (40.0 * x).sin()), reach), None);
        assert_eq!(further(&path(&|x| 2.0 + 0.01 * gone(x)), reach), None);
        assert_eq!(further(&[1.0, 2.0], reach), None);
    }
}

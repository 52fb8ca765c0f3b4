//! A part of the samples, evenly spread over all: enough to tell how large a number is.

use super::collocation::Grid;
use super::problem::Observations;

/// Samples that a trajectory of a part has at least, where it has so many.
const FEWEST: usize = 8;

/// Some samples of a grid, with links between those that are next to each other in one trajectory.
pub struct Thinned {
    /// The grid of these samples.
    pub grid: Grid,
    /// Which samples of the whole grid they are.
    keep: Vec<usize>,
}

impl Thinned {
    /// About `most` samples of a grid on which the unknowns are the same for all trajectories; `None` where there are no more than that.
    pub fn new(grid: &Grid, most: usize) -> Option<Thinned> {
        if grid.samples <= most {
            return None;
        }
        let ends = (0..grid.samples).filter(|&t| grid.h.get(t).is_none_or(|&h| h == 0.0)).map(|t| t + 1);
        let mut start = 0;
        let trajectories = ends.map(|end| std::mem::replace(&mut start, end)..end).collect::<Vec<_>>();
        let every = trajectories.len().div_ceil((most / FEWEST).max(1));
        let kept = || trajectories.iter().step_by(every.max(1));
        let names: Vec<String> =
            (0..trajectories.len()).step_by(every.max(1)).map(|j| grid.columns().name(j)).collect();
        let stride = kept().map(ExactSizeIterator::len).sum::<usize>().div_ceil(most.max(1)).max(1);
        let (mut keep, mut breaks) = (Vec::new(), Vec::new());
        for range in kept() {
            breaks.push(keep.len());
            keep.extend(range.clone().step_by(stride.min(range.len() / FEWEST).max(1)));
        }
        breaks.remove(0);
        let rows = |all: &[f64]| picked(all, grid.samples, &keep);
        let obs = Observations { t: rows(&grid.t), input: rows(&grid.input), breaks, ..Observations::default() };
        Some(Thinned { grid: Grid::new(grid.n, &grid.columns().of_some(names, &obs), &obs), keep })
    }

    /// Rows of the whole grid, `[row, sample]`, at these samples.
    pub fn rows(&self, all: &[f64], samples: usize) -> Vec<f64> {
        picked(all, samples, &self.keep)
    }
}

fn picked(all: &[f64], samples: usize, keep: &[usize]) -> Vec<f64> {
    let row = |row: &[f64]| keep.iter().filter_map(|&t| row.get(t).copied()).collect::<Vec<f64>>();
    all.chunks_exact(samples.max(1)).flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::columns::Columns;
    use super::*;

    #[test]
    fn samples_are_spread_over_trajectories() {
        let t = (0..3).flat_map(|k| (0..40).map(move |i| f64::from(100 * k + i)));
        let obs = Observations { t: t.collect(), breaks: vec![40, 80], ..Observations::default() };
        let grid = Grid::new(1, &Columns::new(&[], &obs), &obs);
        assert!(Thinned::new(&grid, 120).is_none());
        let thinned = Thinned::new(&grid, 32).expect("fewer");
        assert_eq!(thinned.grid.samples, 30);
        assert_eq!(thinned.grid.t[..3], [0.0, 4.0, 8.0]);
        assert_eq!(thinned.grid.h.iter().filter(|&&h| h == 4.0).count(), 27);
        assert_eq!([thinned.grid.h[9], thinned.grid.h[19]], [0.0, 0.0]);
        let all: Vec<f64> = (0..240).map(f64::from).collect();
        assert_eq!(thinned.rows(&all, 120)[29..32], [116.0, 120.0, 124.0]);
        // Of many trajectories some are left out, and those that stay keep their samples.
        let thinned = Thinned::new(&grid, 16).expect("fewer");
        assert_eq!(thinned.grid.t[..2], [0.0, 5.0]);
        assert_eq!(thinned.grid.t[8], 200.0);
        // Of a short one beside a long one enough stay.
        let t: Vec<f64> = (0..4020).map(f64::from).collect();
        let obs = Observations { t, breaks: vec![4000], ..Observations::default() };
        let uneven = Thinned::new(&Grid::new(1, &Columns::new(&[], &obs), &obs), 100).expect("fewer");
        assert_eq!(uneven.grid.trajectories().iter().map(ExactSizeIterator::len).collect::<Vec<_>>(), [98, 10]);
        let of_sample = |sample| thinned.grid.spot(sample, &[0.0; 16], &[]).trajectory;
        assert_eq!([of_sample(0).as_deref(), of_sample(8).as_deref()], [Some("1"), Some("3")]);
    }
}

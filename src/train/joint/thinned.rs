//! A part of the samples, evenly spread over all: enough to tell how large a number is.

use std::ops::Range;

use super::grid::Grid;
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
    /// About `most` samples of a grid on which the unknowns are the same for all trajectories, of those trajectories that have `slopes`; `None` where there are no
    /// more than that.
    pub fn new(grid: &Grid, most: usize, slopes: &[f64]) -> Option<Thinned> {
        if grid.samples <= most {
            return None;
        }
        let known = |t: usize| slopes.iter().skip(t).step_by(grid.samples).any(|slope| slope.is_finite());
        let all = grid.trajectories().into_iter().enumerate();
        let trajectories: Vec<(usize, Range<usize>)> = all.filter(|(_, range)| range.clone().any(known)).collect();
        if trajectories.is_empty() {
            return None;
        }
        let every = trajectories.len().div_ceil((most / FEWEST).max(1));
        let kept = || trajectories.iter().step_by(every.max(1));
        let names: Vec<String> = kept().map(|(j, _)| grid.columns().name(*j)).collect();
        let stride = kept().map(|(_, range)| range.len()).sum::<usize>().div_ceil(most.max(1)).max(1);
        let (mut keep, mut breaks) = (Vec::new(), Vec::new());
        for (_, range) in kept() {
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
        let slopes = vec![1.0; 120];
        assert!(Thinned::new(&grid, 120, &slopes).is_none());
        let thinned = Thinned::new(&grid, 32, &slopes).expect("fewer");
        assert_eq!(thinned.grid.samples, 30);
        assert_eq!(thinned.grid.t[..3], [0.0, 4.0, 8.0]);
        assert_eq!(thinned.grid.h.iter().filter(|&&h| h == 4.0).count(), 27);
        assert_eq!([thinned.grid.h[9], thinned.grid.h[19]], [0.0, 0.0]);
        let all: Vec<f64> = (0..240).map(f64::from).collect();
        assert_eq!(thinned.rows(&all, 120)[29..32], [116.0, 120.0, 124.0]);
        // Of many trajectories some are left out, and those that stay keep their samples.
        let thinned = Thinned::new(&grid, 16, &slopes).expect("fewer");
        assert_eq!(thinned.grid.t[..2], [0.0, 5.0]);
        assert_eq!(thinned.grid.t[8], 200.0);
        // Of a short one beside a long one enough stay.
        let t: Vec<f64> = (0..4020).map(f64::from).collect();
        let obs = Observations { t, breaks: vec![4000], ..Observations::default() };
        let uneven = Thinned::new(&Grid::new(1, &Columns::new(&[], &obs), &obs), 100, &[1.0; 4020]).expect("fewer");
        // Trajectories without slopes say nothing.
        let mut some = slopes.clone();
        some[..40].fill(f64::NAN);
        let thinned = Thinned::new(&grid, 16, &some).expect("fewer");
        assert_eq!([thinned.grid.t[0], thinned.grid.t[8]], [100.0, 200.0]);
        assert!(Thinned::new(&grid, 16, &[f64::NAN; 120]).is_none());
        assert_eq!(uneven.grid.trajectories().iter().map(ExactSizeIterator::len).collect::<Vec<_>>(), [98, 10]);
        let thinned = Thinned::new(&grid, 16, &slopes).expect("fewer");
        let of_sample = |sample| thinned.grid.spot(sample, &[0.0; 16], &[]).trajectory;
        assert_eq!([of_sample(0).as_deref(), of_sample(8).as_deref()], [Some("1"), Some("3")]);
    }
}

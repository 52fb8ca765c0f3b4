//! Hold-outs, windows and mini-batches: plain index lists, the same for the same seed.

use super::dataset::{Dataset, Trajectory};
use super::error::DataError;
use super::random::{Purpose, permutation, stream};

/// Which part of the data is kept away from fitting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HoldOut {
    /// The last fraction of every trajectory's samples.
    Time(f64),
    /// A fraction of the trajectories, drawn by the seed.
    Trajectories { fraction: f64, seed: u64 },
}

/// A data set in two.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// What is fitted.
    pub train: Dataset,
    /// What the result is judged by.
    pub test: Dataset,
}

/// A run of consecutive samples of one trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Index of the trajectory.
    pub trajectory: usize,
    /// First sample.
    pub start: usize,
    /// Number of samples.
    pub len: usize,
}

/// Windows in shuffled mini-batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batches {
    count: usize,
    size: usize,
    seed: u64,
}

impl Dataset {
    /// How many samples of every trajectory are fitted; the others, which stand behind them, are held out.
    ///
    /// # Errors
    /// Those of [`Dataset::hold_out`].
    pub fn fitted_samples(&self, how: HoldOut) -> Result<Vec<usize>, DataError> {
        let (fraction, what) = match how {
            HoldOut::Time(fraction) => (fraction, "the samples"),
            HoldOut::Trajectories { fraction, .. } => (fraction, "the trajectories"),
        };
        let bad = |why: String| DataError::BadHoldOut { fraction, what, why };
        let whole = fraction == 1.0 && matches!(how, HoldOut::Trajectories { .. });
        if !(fraction > 0.0 && fraction < 1.0 || whole) {
            return Err(bad("the share is not between 0% and 100%".into()));
        }
        match how {
            HoldOut::Time(_) => {
                let fitted = self.trajectories.iter().map(|t| {
                    let held = (t.len as f64 * fraction).round() as usize;
                    let kept = t.len.saturating_sub(held);
                    if held < 2 || kept < 2 {
                        return Err(bad(format!("this leaves {kept} samples to fit and {held} to test on")));
                    }
                    Ok(kept)
                });
                fitted.collect()
            }
            HoldOut::Trajectories { seed, .. } => {
                let n = self.trajectories.len();
                let held = (n as f64 * fraction).round() as usize;
                if held == 0 || held >= n && !whole {
                    return Err(bad(format!(
                        "this leaves {} trajectories to fit and {held} to test on",
                        n.saturating_sub(held)
                    )));
                }
                let order = permutation(&mut stream(seed, Purpose::HoldOut, 0), n);
                let chosen: std::collections::HashSet<usize> = order.into_iter().take(held).collect();
                let fitted = self.trajectories.iter().enumerate();
                Ok(fitted.map(|(i, t)| if chosen.contains(&i) { 0 } else { t.len }).collect())
            }
        }
    }

    /// Splits off the part that is held out.
    ///
    /// # Errors
    /// [`DataError::BadHoldOut`] for a fraction outside (0, 1), or one that leaves either side without data (a trajectory
    /// needs two samples on each side). All trajectories, a fraction of exactly 1, may be held out: nothing of this data set is fitted then.
    pub fn hold_out(&self, how: HoldOut) -> Result<Split, DataError> {
        let fitted = self.fitted_samples(how)?;
        let mut train = Vec::new();
        let mut test = Vec::new();
        for (t, kept) in self.trajectories.iter().zip(fitted) {
            if kept > 0 {
                train.push(t.slice(0, kept));
            }
            if kept < t.len {
                test.push(t.slice(kept, t.len - kept));
            }
        }
        let with = |trajectories: Vec<Trajectory>| Self {
            source: self.source.clone(),
            columns: self.columns.clone(),
            inputs: self.inputs.clone(),
            trajectories,
        };
        Ok(Split { train: with(train), test: with(test) })
    }

    /// All windows of `length` samples whose starts are `stride` apart, trajectory by trajectory. A remainder at the end
    /// of a trajectory that is shorter than a window is not covered.
    ///
    /// # Errors
    /// [`DataError::BadWindow`] for a length or stride of zero, or when no trajectory is long enough.
    pub fn windows(&self, length: usize, stride: usize) -> Result<Vec<Window>, DataError> {
        let bad = |what: String| DataError::BadWindow { length, stride, what };
        if length == 0 || stride == 0 {
            return Err(bad("length and stride must be at least 1".into()));
        }
        let mut windows = Vec::new();
        for (trajectory, t) in self.trajectories.iter().enumerate() {
            if t.len >= length {
                windows.extend((0..=t.len - length).step_by(stride).map(|start| Window {
                    trajectory,
                    start,
                    len: length,
                }));
            }
        }
        if windows.is_empty() {
            let longest = self.trajectories.iter().map(|t| t.len).max().unwrap_or(0);
            return Err(bad(format!("the longest trajectory has {longest} samples")));
        }
        Ok(windows)
    }
}

impl Batches {
    /// Mini-batches of `size` out of `count` windows.
    ///
    /// # Errors
    /// [`DataError::BadBatch`] for a size of zero.
    pub fn new(count: usize, size: usize, seed: u64) -> Result<Self, DataError> {
        if size == 0 { Err(DataError::BadBatch) } else { Ok(Self { count, size, seed }) }
    }

    /// Number of mini-batches in an epoch, counting a last one that may be smaller.
    pub fn per_epoch(&self) -> usize {
        self.count.div_ceil(self.size)
    }

    /// The order of the windows in an epoch. It depends on nothing but seed and epoch, so a resumed run needs no state.
    pub fn order(&self, epoch: u64) -> Vec<usize> {
        permutation(&mut stream(self.seed, Purpose::Shuffle, epoch), self.count)
    }

    /// The mini-batches of an epoch; every window is in exactly one of them.
    pub fn epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        self.order(epoch).chunks(self.size).map(<[usize]>::to_vec).collect()
    }
}

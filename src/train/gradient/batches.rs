//! Windows of the data.

use super::functions::Arguments;
use super::normalise::{moved_by, normalisation, origin};
use super::{GradientError, Layout, Normalisation, Settings};
use crate::artifact::training::names;
use crate::base::{Tensor, TensorData};
use crate::data::{Batches, Dataset, Window};
use crate::runtime::{Store, View};

/// The training windows.
#[derive(Debug)]
pub(super) struct Windows<'a> {
    data: &'a Dataset,
    layout: &'a Layout,
    windows: Vec<Window>,
    shuffled: Batches,
    /// Row of the first sample of each trajectory.
    first_rows: Vec<usize>,
    /// Windows of a mini-batch.
    pub batch: usize,
    /// Samples of a window and its solve together.
    pub length: usize,
    /// Those before the solve begins.
    pub begin: usize,
    /// The step of the data.
    pub dt: f64,
    /// For every column the one whose first sample is subtracted from it.
    moved: Vec<Option<usize>>,
}

/// Tables of a data set, `[sample, column]`.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    /// Observed states, in data units.
    pub values: View,
    /// Times, one column.
    pub times: View,
    /// Inputs.
    pub inputs: View,
    /// Samples of a window before its solve begins.
    begin: usize,
}

impl Tables {
    /// A table from where the solve of a window begins that begins with the first row.
    pub fn solved(&self, table: &View) -> Option<View> {
        let [rows, width] = *table.shape() else { return None };
        table.part(self.begin * width, &[rows.checked_sub(self.begin)?, width])
    }
}

impl<'a> Windows<'a> {
    /// All windows without a missing sample.
    pub fn new(data: &'a Dataset, layout: &'a Layout, settings: &Settings) -> Result<Self, GradientError> {
        let dt = data.common_dt().ok_or(GradientError::Steps)?;
        let mut windows = data.windows(settings.window, settings.stride)?;
        windows.retain(|w| complete(data, layout, w));
        if windows.is_empty() {
            return Err(GradientError::Missing { window: settings.window });
        }
        let batch = settings.batch.clamp(1, windows.len());
        let shuffled = Batches::new(windows.len(), batch, settings.seed)?;
        let moved = moved_by(layout, settings, data.columns.len());
        let first_rows = data.trajectories.iter().scan(0, |at, t| {
            let first = *at;
            *at += t.len;
            Some(first)
        });
        let first_rows = first_rows.collect();
        Ok(Windows {
            first_rows,
            data,
            layout,
            windows,
            shuffled,
            batch,
            length: settings.window,
            begin: settings.begin,
            dt,
            moved,
        })
    }

    /// Samples that a solve reaches over.
    pub fn solved(&self) -> usize {
        self.length.saturating_sub(self.begin)
    }

    /// Number of windows.
    pub fn len(&self) -> usize {
        self.windows.len()
    }

    /// Number of trajectories.
    pub fn trajectories(&self) -> usize {
        self.data.trajectories.len()
    }

    /// Whole mini-batches of an epoch; the rest of its windows stays out, others each time.
    pub fn per_epoch(&self) -> usize {
        self.windows.len() / self.batch
    }

    /// The order of the windows in an epoch.
    pub fn order(&self, epoch: usize) -> Vec<usize> {
        self.shuffled.order(epoch as u64)
    }

    /// First row in the [tables](Windows::tables) of each of these windows.
    pub fn rows(&self, chosen: &[usize]) -> Vec<f64> {
        let windows: Vec<Window> = chosen.iter().filter_map(|&i| self.windows.get(i).copied()).collect();
        self.rows_of(&windows)
    }

    /// As [`Windows::rows`], for windows of any kind.
    pub fn rows_of(&self, windows: &[Window]) -> Vec<f64> {
        windows.iter().map(|w| (self.first_rows[w.trajectory] + w.start) as f64).collect()
    }

    /// All samples, one trajectory after the other: what windows are gathered from.
    pub fn tables(&self, store: &mut Store) -> Result<Tables, GradientError> {
        let columns: Vec<usize> = self.layout.observed.iter().filter_map(|&s| self.layout.columns[s]).collect();
        let (width, inputs) = (self.data.columns.len(), self.data.inputs.len());
        let (mut values, mut times, mut drive, mut rows) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for trajectory in &self.data.trajectories {
            for i in 0..trajectory.len {
                let row = &trajectory.values[i * width..(i + 1) * width];
                values.extend(columns.iter().map(|&c| row[c]));
                times.push(trajectory.time(i));
            }
            drive.extend_from_slice(&trajectory.inputs[..trajectory.len * inputs]);
            rows += trajectory.len;
        }
        let mut table = |numbers: Vec<f64>, width: usize| -> Result<View, GradientError> {
            let all = store.add(TensorData::F64(numbers))?;
            let missing = || GradientError::Unknown { function: "window".into(), name: "table".into() };
            all.part(0, &[rows, width]).ok_or_else(missing)
        };
        let (values, times) = (table(values, columns.len())?, table(times, 1)?);
        Ok(Tables { values, times, inputs: table(drive, inputs)?, begin: self.begin })
    }

    /// How many columns the squares of a sample are of.
    pub fn width(&self) -> usize {
        self.layout.columns.len()
    }

    /// Windows whose solves stand side by side over a trajectory; the last one overlaps its neighbour where the length does not divide.
    /// Empty for a trajectory that is too short.
    pub fn tiles(&self, trajectory: usize) -> Vec<Window> {
        let len = self.data.trajectories[trajectory].len;
        if len < self.length {
            return Vec::new();
        }
        let last = len - self.length;
        let solved = self.solved().max(1);
        let starts = (0..(len - self.begin).div_ceil(solved)).map(|i| (i * solved).min(last));
        starts.map(|start| Window { trajectory, start, len: self.length }).collect()
    }

    /// What is subtracted from each observed state of a window that starts with `row`, a number for each of them.
    pub fn origins_of(&self, row: &[f64]) -> Vec<f64> {
        let columns: Vec<Option<usize>> = self.layout.observed.iter().map(|&s| self.layout.columns[s]).collect();
        let first = |by: usize| columns.iter().position(|c| *c == Some(by)).and_then(|at| row.get(at)).copied();
        let of = |column: &Option<usize>| column.and_then(|c| self.moved[c]).and_then(first).unwrap_or(0.0);
        columns.iter().map(of).collect()
    }

    /// What is subtracted from each state in a window.
    pub fn origins(&self, w: &Window) -> Vec<f64> {
        let of = |column: &Option<usize>| column.map_or(0.0, |c| origin(self.data, w, self.moved[c]));
        self.layout.columns.iter().map(of).collect()
    }

    /// Mean, scale and weight of every state's squares, as arguments; the first two are also given back.
    pub fn statistics(&self, settings: &Settings, arguments: &mut Arguments) -> Normalisation {
        let (found, deviations) = normalisation(self.data, &self.windows, (self.layout, settings));
        let weight = |scale: &f64| if settings.standardise { 1.0 / (scale * scale) } else { 1.0 };
        let weights = deviations.iter().map(weight).collect();
        for (name, numbers) in
            [(names::MEAN, found.mean.clone()), (names::SCALE, found.scale.clone()), (names::WEIGHT, weights)]
        {
            arguments.insert(name.to_string(), vector(numbers));
        }
        arguments.insert(names::STEP_SIZE.to_string(), Tensor::scalar(self.dt));
        found
    }
}

/// A vector as a tensor.
pub(super) fn vector(numbers: Vec<f64>) -> Tensor {
    let mut tensor = Tensor::zeros(crate::base::Elem::F64, vec![numbers.len()]);
    if let crate::base::TensorData::F64(slot) = tensor.data_mut() {
        *slot = numbers;
    }
    tensor
}

fn complete(data: &Dataset, layout: &Layout, w: &Window) -> bool {
    let width = data.columns.len();
    let valid = &data.trajectories[w.trajectory].valid;
    let columns = layout.columns.iter().flatten();
    columns.copied().all(|c| (w.start..w.start + w.len).all(|i| valid[i * width + c]))
}

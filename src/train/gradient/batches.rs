//! Windows of the data as arguments.

use super::functions::Arguments;
use super::normalise::{moved_by, normalisation, origin};
use super::{GradientError, Layout, Normalisation, Settings};
use crate::artifact::training::names;
use crate::base::Tensor;
use crate::data::{Batches, Dataset, Window};

/// The training windows.
#[derive(Debug)]
pub(super) struct Windows<'a> {
    data: &'a Dataset,
    layout: &'a Layout,
    windows: Vec<Window>,
    shuffled: Batches,
    /// Windows of a mini-batch.
    pub batch: usize,
    /// Samples of a window.
    pub length: usize,
    /// The first of them, which networks read.
    read: usize,
    /// The step of the data.
    pub dt: f64,
    /// For every column the one whose first sample is subtracted from it.
    moved: Vec<Option<usize>>,
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
        Ok(Windows { data, layout, windows, shuffled, batch, length: settings.window, read: settings.read, dt, moved })
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

    /// Sets the arguments that depend on the mini-batch.
    pub fn gather(&self, chosen: &[usize], arguments: &mut Arguments) -> Result<(), GradientError> {
        let windows: Vec<Window> = chosen.iter().filter_map(|&i| self.windows.get(i).copied()).collect();
        self.fill(&windows, arguments)
    }

    /// Sets the arguments that depend on the mini-batch to these windows.
    pub fn fill(&self, windows: &[Window], arguments: &mut Arguments) -> Result<(), GradientError> {
        let columns: Vec<usize> = self.layout.observed.iter().filter_map(|&s| self.layout.columns[s]).collect();
        let mut read = Vec::new();
        let width = self.data.columns.len();
        let mut values = Vec::with_capacity(windows.len() * self.length * columns.len());
        let mut times = Vec::with_capacity(windows.len() * self.length);
        let inputs = self.data.inputs.len();
        let mut drive = Vec::with_capacity(windows.len() * self.length * inputs);
        for w in windows {
            let trajectory = &self.data.trajectories[w.trajectory];
            let origins: Vec<f64> = columns.iter().map(|&c| origin(self.data, w, self.moved[c])).collect();
            for i in w.start..w.start + self.length {
                let row = &trajectory.values[i * width..(i + 1) * width];
                values.extend(columns.iter().zip(&origins).map(|(&c, origin)| row[c] - origin));
                if self.read < self.length && i < w.start + self.read {
                    read.extend(columns.iter().zip(&origins).map(|(&c, origin)| row[c] - origin));
                }
                times.push(trajectory.time(i));
                drive.extend_from_slice(&trajectory.inputs[i * inputs..(i + 1) * inputs]);
            }
        }
        self.set(windows.len(), [values, read, times, drive], arguments)
    }

    /// Sets the arguments of so many windows: the data, what networks read of them, times, inputs.
    pub fn set(
        &self,
        samples: usize,
        [values, read, times, drive]: [Vec<f64>; 4],
        arguments: &mut Arguments,
    ) -> Result<(), GradientError> {
        let columns = self.layout.observed.iter().filter(|&&s| self.layout.columns[s].is_some()).count();
        let inputs = self.data.inputs.len();
        let mut set = |name: &str, shape: Vec<usize>, numbers: Vec<f64>| {
            let tensor = Tensor::from_f64(shape, numbers);
            let tensor = tensor.map_err(|_| GradientError::Unknown { function: "window".into(), name: name.into() })?;
            arguments.insert(name.to_string(), tensor);
            Ok::<(), GradientError>(())
        };
        if self.read < self.length {
            set(names::READ, vec![samples, self.read, columns], read)?;
        }
        set(names::WINDOW, vec![samples, self.length, columns], values)?;
        set(names::TIME, vec![samples, self.length], times)?;
        set(names::INPUT, vec![samples, self.length, inputs], drive)?;
        let squares = (samples * self.length * self.layout.columns.len()).max(1);
        arguments.insert(names::AVERAGE.to_string(), Tensor::scalar(1.0 / squares as f64));
        Ok(())
    }

    /// Windows side by side over a trajectory; the last one overlaps its neighbour where the length does not divide. Empty
    /// for a trajectory that is too short.
    pub fn tiles(&self, trajectory: usize) -> Vec<Window> {
        let len = self.data.trajectories[trajectory].len;
        if len < self.length {
            return Vec::new();
        }
        let last = len - self.length;
        let starts = (0..len.div_ceil(self.length)).map(|i| (i * self.length).min(last));
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

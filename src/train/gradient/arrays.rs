//! The arrays of a training that stay where its functions are computed.

use super::batches::{Tables, Windows, vector};
use super::functions::{Arguments, Functions};
use super::trained::Trained;
use super::{GradientError, Layout, Normalisation, Settings, Weights};
use crate::artifact::training::names;
use crate::base::{Elem, IndexMap, Tensor, TensorData};
use crate::runtime::{Move, Store, View};

/// Ridge of the projection relative to the diagonal of the normal matrix: it decides between candidates that the first,
/// featureless auxiliaries cannot tell apart, and is far below what a coefficient is asked to be accurate to.
const RIDGE: f64 = 1e-9;

/// All arguments of the functions.
pub(super) struct Arrays {
    pub store: Store,
    pub trained: Trained,
    /// Arguments that stay, or change now and then.
    fixed: IndexMap<String, View>,
    /// Coefficients that are given to an evaluation.
    given: View,
    /// Data of the mini-batch, each for the largest number of samples.
    batch: Batch,
    /// The data that mini-batches are of.
    pub tables: Tables,
    /// How networks see the states.
    pub normalisation: Normalisation,
}

struct Batch {
    /// First row of every window.
    rows: View,
    window: View,
    /// What networks read of a window, where that is not all of it.
    read: Option<View>,
    time: View,
    input: View,
    average: View,
    /// How many samples `average` is of.
    averaged: usize,
}

impl Arrays {
    /// Moves everything to where the functions are computed: mini-batches are of `windows` and have `most` samples at most, means and
    /// scales are those of `normal`.
    pub fn new(
        functions: &Functions,
        layout: &Layout,
        settings: &Settings,
        (normal, windows): (&Windows<'_>, &Windows<'_>),
        weights: &[Weights],
        most: usize,
    ) -> Result<Self, GradientError> {
        let mut store = Store::beside(&functions.loaded)?;
        let trained = Trained::new(&mut store, layout, weights)?;
        let mut arguments: Arguments = layout.constants.iter().cloned().collect();
        let normalisation = normal.statistics(settings, &mut arguments);
        arguments.insert(names::RIDGE.into(), Tensor::scalar(RIDGE));
        arguments.insert(names::CONSISTENCY.into(), Tensor::scalar(settings.consistency));
        let count = layout.coefficients.len();
        arguments.insert(names::MASK.into(), vector(vec![1.0; count]));
        arguments.insert(names::HELD.into(), vector(vec![0.0; count]));
        let mut fixed = IndexMap::new();
        for (name, tensor) in arguments {
            let view = store.zeros(tensor.elem(), tensor.shape())?;
            store.write(&view, tensor.data())?;
            fixed.insert(name, view);
        }
        let given = store.zeros(Elem::F64, &[count])?;
        let tables = windows.tables(&mut store)?;
        let length = windows.solved();
        let width = |table: &View| table.shape().get(1).copied().unwrap_or(0);
        let batch = Batch {
            rows: store.zeros(Elem::F64, &[most])?,
            window: store.zeros(Elem::F64, &[most, length, width(&tables.values)])?,
            read: match settings.read < windows.length {
                true => Some(store.zeros(Elem::F64, &[most, settings.read, width(&tables.values)])?),
                false => None,
            },
            time: store.zeros(Elem::F64, &[most, length])?,
            input: store.zeros(Elem::F64, &[most, length, width(&tables.inputs)])?,
            average: store.zeros(Elem::F64, &[])?,
            averaged: 0,
        };
        Ok(Arrays { store, trained, fixed, given, batch, tables, normalisation })
    }

    /// The argument of this name for so many samples.
    pub fn find(&self, name: &str, samples: usize) -> Option<View> {
        let of_samples = |view: &View| {
            let mut shape = view.shape().to_vec();
            *shape.first_mut()? = samples;
            view.part(0, &shape)
        };
        match name {
            names::WINDOW => of_samples(&self.batch.window),
            names::READ => self.batch.read.as_ref().and_then(of_samples),
            names::TIME => of_samples(&self.batch.time),
            names::INPUT => of_samples(&self.batch.input),
            names::AVERAGE => Some(self.batch.average.clone()),
            _ => self.trained.value(name).or_else(|| self.fixed.get(name).cloned()),
        }
    }

    /// As [`Arrays::find`], with the coefficients that are given in place of those that are trained.
    pub fn find_given(&self, name: &str, samples: usize) -> Option<View> {
        if name == names::COEFFICIENTS { Some(self.given.clone()) } else { self.find(name, samples) }
    }

    /// What brings windows that begin at these rows into the mini-batch.
    pub fn gathers(&self, rows: &View, samples: usize) -> Result<Vec<Move>, GradientError> {
        let (tables, batch) = (&self.tables, &self.batch);
        let mut pairs: Vec<(Option<View>, &View)> =
            [(&tables.values, &batch.window), (&tables.times, &batch.time), (&tables.inputs, &batch.input)]
                .map(|(table, out)| (tables.solved(table), out))
                .into();
        pairs.extend(batch.read.as_ref().map(|read| (Some(tables.values.clone()), read)));
        let mut gathers = Vec::new();
        for (table, out) in pairs {
            let table = table.ok_or_else(|| no_room(samples))?;
            let length = out.shape().get(1).copied().unwrap_or(0);
            let width = table.shape().get(1).copied().unwrap_or(0);
            let out = out.part(0, &[samples, length, width]).ok_or_else(|| no_room(samples))?;
            gathers.push(Move::Gather { table, first: rows.clone(), out });
        }
        Ok(gathers)
    }

    /// Brings windows that begin at these rows into the mini-batch.
    pub fn gather(&mut self, rows: &[f64], width: usize) -> Result<(), GradientError> {
        let view = self.batch.rows.part(0, &[rows.len()]).ok_or_else(|| no_room(rows.len()))?;
        self.store.write(&view, &TensorData::F64(rows.to_vec()))?;
        for gather in self.gathers(&view, rows.len())? {
            self.store.apply(&gather)?;
        }
        self.average_over(rows.len(), width)
    }

    /// Makes the mini-batch of so many windows that are in no table: observed states, what networks read of them, times.
    pub fn put(
        &mut self,
        samples: usize,
        [values, read, times]: [Vec<f64>; 3],
        width: usize,
    ) -> Result<(), GradientError> {
        self.store.write(&self.batch.window, &TensorData::F64(values))?;
        if let Some(view) = &self.batch.read {
            self.store.write(view, &TensorData::F64(read))?;
        }
        self.store.write(&self.batch.time, &TensorData::F64(times))?;
        self.average_over(samples, width)
    }

    /// Says how many samples a mini-batch has and how many columns a sample.
    pub fn average_over(&mut self, samples: usize, columns: usize) -> Result<(), GradientError> {
        if self.batch.averaged != samples {
            let length = self.batch.window.shape().get(1).copied().unwrap_or(1);
            let squares = (samples * length * columns).max(1);
            self.store.write(&self.batch.average, &TensorData::F64(vec![1.0 / squares as f64]))?;
            self.batch.averaged = samples;
        }
        Ok(())
    }

    /// Sets the coefficients that evaluations are given.
    pub fn give(&mut self, coefficients: &[f64]) -> Result<(), GradientError> {
        Ok(self.store.write(&self.given, &TensorData::F64(coefficients.to_vec()))?)
    }

    /// Sets an argument that stays.
    pub fn set(&mut self, name: &str, numbers: &[f64]) -> Result<(), GradientError> {
        match self.fixed.get(name) {
            Some(view) => Ok(self.store.write(view, &TensorData::F64(numbers.to_vec()))?),
            None => Ok(()),
        }
    }

    /// An argument that stays.
    pub fn fixed(&self, name: &str) -> Result<Vec<f64>, GradientError> {
        self.fixed.get(name).map_or(Ok(Vec::new()), |view| Ok(self.store.numbers(view)?))
    }
}

fn no_room(samples: usize) -> GradientError {
    GradientError::Unknown { function: names::WINDOW.to_string(), name: format!("room for {samples} samples") }
}

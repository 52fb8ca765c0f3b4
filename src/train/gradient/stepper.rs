//! Steps of the training: mini-batch, loss with adjoints, and the optimiser's update as one sequence. On a device it is one recorded graph,
//! and what differs from step to step (windows, learning rates) is in a table there that is sent for several steps at once.

use super::arrays::Arrays;
use super::functions::{Functions, arguments, shape, unknown};
use super::{GradientError, Layout, Settings};
use crate::artifact::training::names;
use crate::base::{Elem, TensorData};
use crate::runtime::{Move, RuntimeError, Sequence, View};

/// Steps that can be planned at once.
pub(super) const MOST_STEPS: usize = 64;
/// Numbers of a step beside the first rows of its windows: two learning rates and two bias corrections.
const SCALARS: usize = 4;

/// What one step is taken with.
pub(super) struct Planned {
    /// First row of each window of the mini-batch.
    pub rows: Vec<f64>,
    /// Of the networks and of everything else.
    pub rates: [f64; 2],
    /// One minus the powers of Adam's decays.
    pub corrections: [f64; 2],
}

/// The sequence with the arrays it alone uses.
pub(super) struct Stepper {
    sequence: Sequence,
    /// Where the update begins.
    update: usize,
    /// Results of the step that are looked at, by name.
    results: Vec<(String, View)>,
    /// The number of the next planned step, then the loss of each.
    progress: View,
    /// `[step, rows and scalars]`
    table: View,
}

impl Stepper {
    /// Puts the sequence together.
    pub fn new(
        functions: &Functions,
        layout: &Layout,
        settings: &Settings,
        arrays: &mut Arrays,
        samples: usize,
    ) -> Result<Self, GradientError> {
        let entry = functions.step.entry();
        let lost = |name: &str| unknown(entry, name);
        let width = samples + SCALARS;
        let store = &mut arrays.store;
        let progress = store.zeros(Elem::F64, &[1 + MOST_STEPS])?;
        let table = store.zeros(Elem::F64, &[MOST_STEPS, width])?;
        let (now, single) = (store.zeros(Elem::F64, &[width])?, store.zeros(Elem::F32, &[SCALARS])?);
        let at = progress.part(0, &[]).ok_or_else(|| lost("progress"))?;
        let history = progress.part(1, &[MOST_STEPS]).ok_or_else(|| lost("progress"))?;
        let double = now.part(samples, &[SCALARS]).ok_or_else(|| lost("progress"))?;
        let mut sequence = Sequence::default();
        sequence.moves(Move::Row { table: table.clone(), at: at.clone(), out: now.clone() })?;
        sequence.moves(Move::Round { from: double.clone(), to: single.clone() })?;
        let rows = now.part(0, &[samples]).ok_or_else(|| lost("progress"))?;
        for gather in arrays.gathers(&rows, samples)? {
            sequence.moves(gather)?;
        }
        let (mut results, mut all) = (Vec::new(), Vec::new());
        for port in &entry.results {
            let adjoint = port.name.strip_suffix(names::ADJOINT).and_then(|name| arrays.trained.adjoint(name));
            let view = match adjoint {
                Some(view) => view,
                None => {
                    let view = arrays.store.zeros(port.elem, &shape(entry, port, samples))?;
                    results.push((port.name.clone(), view.clone()));
                    view
                }
            };
            all.push(view);
        }
        let params = arguments(entry, |name| arrays.find(name, samples))?;
        sequence.call(functions.step.again(), params, all)?;
        let update = sequence.len();
        let loss = results.iter().find(|(name, _)| name == names::LOSS).ok_or_else(|| lost(names::LOSS))?;
        sequence.moves(Move::Append { value: loss.1.clone(), history, at })?;
        let decays = [settings.beta1, settings.beta2, settings.epsilon];
        let decays = [
            arrays.store.add(TensorData::F32(decays.iter().map(|&x| x as f32).collect()))?,
            arrays.store.add(TensorData::F64(decays.to_vec()))?,
        ];
        for group in &arrays.trained.groups {
            let (adam, scalars, decays) = match group.elem {
                Elem::F32 => (&functions.adam_f32, &single, &decays[0]),
                Elem::F64 => (&functions.adam_f64, &double, &decays[1]),
            };
            let scalar = |of: &View, i: usize| of.part(i, &[]).ok_or_else(|| lost("progress"));
            let rate = if group.of_network { 0 } else { 1 };
            let mut params = group.moments.to_vec();
            params.push(group.gradient.clone());
            params.extend([scalar(scalars, rate)?, scalar(decays, 0)?, scalar(decays, 1)?, scalar(decays, 2)?]);
            params.extend([scalar(scalars, 2)?, scalar(scalars, 3)?]);
            sequence.call(adam.again(), params, group.moments.to_vec())?;
        }
        let parameters: Vec<_> = layout.parameters.iter().map(|p| (p.lower, p.upper)).collect();
        let coefficients: Vec<_> = layout.coefficients.iter().map(|c| (c.lower, c.upper)).collect();
        for (name, bounds) in [(names::PARAMETERS, parameters), (names::COEFFICIENTS, coefficients)] {
            if let Some(value) = arrays.trained.value(name) {
                let (lower, upper) = bounds.into_iter().unzip();
                let lower = arrays.store.add(TensorData::F64(lower))?;
                let upper = arrays.store.add(TensorData::F64(upper))?;
                sequence.moves(Move::Bound { value, lower, upper })?;
            }
        }
        Ok(Stepper { sequence, update, results, progress, table })
    }

    /// Says what the next steps are taken with.
    pub fn plan(&mut self, arrays: &mut Arrays, steps: &[Planned]) -> Result<(), GradientError> {
        let numbers = steps.iter().flat_map(|s| s.rows.iter().chain(&s.rates).chain(&s.corrections).copied());
        arrays.store.write(&self.table, &TensorData::F64(numbers.collect()))?;
        Ok(arrays.store.write(&self.progress, &TensorData::F64(vec![0.0]))?)
    }

    /// Computes loss and adjoints of the next planned step; gives the loss.
    pub fn compute(&mut self, arrays: &mut Arrays) -> Result<f64, RuntimeError> {
        self.sequence.forget()?;
        self.sequence.run_part(&mut arrays.store, 0..self.update)?;
        self.sequence.check()?;
        let loss = self.results.iter().find(|(name, _)| name == names::LOSS);
        let loss = loss.map(|(_, view)| arrays.store.numbers(view)).transpose()?;
        Ok(loss.and_then(|numbers| numbers.first().copied()).unwrap_or(f64::NAN))
    }

    /// Updates the trained arrays by the adjoints just computed.
    pub fn update(&mut self, arrays: &mut Arrays) -> Result<(), RuntimeError> {
        self.sequence.run_part(&mut arrays.store, self.update..self.sequence.len())
    }

    /// Takes the next planned steps as a whole; gives their losses.
    pub fn take(&mut self, arrays: &mut Arrays, steps: usize) -> Result<Vec<f64>, GradientError> {
        arrays.trained.put_by(&mut arrays.store)?;
        self.sequence.forget()?;
        for _ in 0..steps {
            self.sequence.run(&mut arrays.store)?;
        }
        self.sequence.check()?;
        let history = self.progress.part(1, &[steps]);
        Ok(history.map(|view| arrays.store.numbers(&view)).transpose()?.unwrap_or_default())
    }

    /// A result of the last step.
    pub fn numbers(&self, arrays: &Arrays, name: &str) -> Result<Vec<f64>, GradientError> {
        let missing = || GradientError::Unknown { function: names::STEP.to_string(), name: name.to_string() };
        let (_, view) = self.results.iter().find(|(n, _)| n == name).ok_or_else(missing)?;
        Ok(arrays.store.numbers(view)?)
    }
}

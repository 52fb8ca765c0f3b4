//! What is computed over many mini-batches for a state that stays: normal equations, losses, reconstructions.

use super::batches::{Windows, vector};
use super::functions::{Arguments, Functions};
use super::normal::Normal;
use super::prune::Noise;
use super::{GradientError, Layout, Loss, Normalisation, Reconstruction, Settings, State};
use crate::artifact::training::names;
use crate::base::Tensor;
use crate::data::Dataset;
use crate::train::Observer;

/// Ridge of the projection relative to the diagonal of the normal matrix: it decides between candidates that the first,
/// featureless auxiliaries cannot tell apart, and is far below what a coefficient is asked to be accurate to.
const RIDGE: f64 = 1e-9;

/// The compiled functions with the arguments that are not trained.
pub(super) struct Sums<'a> {
    pub functions: &'a mut Functions,
    pub layout: &'a Layout,
    pub settings: &'a Settings,
    pub windows: Windows<'a>,
    /// Arguments that stay.
    pub fixed: Arguments,
    /// Arguments of the mini-batch.
    pub batch: Arguments,
    /// How networks see the states of these windows.
    pub normalisation: Normalisation,
}

impl<'a> Sums<'a> {
    /// Cuts the data into windows.
    pub fn new(
        functions: &'a mut Functions,
        layout: &'a Layout,
        data: &'a Dataset,
        settings: &'a Settings,
    ) -> Result<Self, GradientError> {
        let windows = Windows::new(data, layout, settings)?;
        let mut fixed: Arguments = layout.constants.iter().cloned().collect();
        let normalisation = windows.statistics(settings, &mut fixed);
        fixed.insert(names::RIDGE.into(), Tensor::scalar(RIDGE));
        fixed.insert(names::CONSISTENCY.into(), Tensor::scalar(settings.consistency));
        Ok(Sums { functions, layout, settings, windows, fixed, batch: Arguments::new(), normalisation })
    }

    /// Windows of at most `limit` mini-batches, spread evenly.
    fn spread(&self, limit: usize) -> Vec<Vec<usize>> {
        let all = self.windows.len();
        let wanted = all.min(limit.saturating_mul(self.windows.batch));
        let ids: Vec<usize> = (0..wanted).map(|i| (i as u128 * all as u128 / wanted as u128) as usize).collect();
        ids.chunks(self.windows.batch).map(<[usize]>::to_vec).collect()
    }

    /// Normal equations of the coefficients over at most `limit` mini-batches.
    pub fn normal_equations(
        &mut self,
        state: &State,
        limit: usize,
        observer: &dyn Observer,
    ) -> Result<Normal, GradientError> {
        let mut sum = Normal::new(self.layout.coefficients.len());
        for chosen in self.spread(limit) {
            go_on(state, observer)?;
            self.windows.gather(&chosen, &mut self.batch)?;
            let Some(normal) = self.functions.normal.as_mut() else { continue };
            normal.call(chosen.len(), &[&self.batch, state, &self.fixed])?;
            sum.add(normal.numbers(names::MATRIX)?, normal.numbers(names::RHS)?);
        }
        Ok(sum)
    }

    /// Loss and mean squares per state (unweighted) over at most `limit` mini-batches for these coefficients.
    pub fn evaluate(
        &mut self,
        state: &State,
        coefficients: &[f64],
        limit: usize,
        observer: &dyn Observer,
    ) -> Result<(Loss, Vec<f64>), GradientError> {
        let given = Arguments::from([(names::COEFFICIENTS.to_string(), vector(coefficients.to_vec()))]);
        let (mut loss, mut squares, mut count) = (Loss::default(), vec![0.0; self.layout.columns.len()], 0.0);
        for chosen in self.spread(limit) {
            go_on(state, observer)?;
            self.windows.gather(&chosen, &mut self.batch)?;
            let evaluate = &mut self.functions.evaluate;
            // Not the trained coefficients of the same name: those given come first.
            evaluate.call(chosen.len(), &[&self.batch, &given, &self.fixed, state])?;
            let n = chosen.len() as f64;
            loss.total += n * evaluate.scalar(names::LOSS)?;
            loss.fit += n * evaluate.scalar(names::FIT_LOSS)?;
            loss.auxiliary += n * evaluate.scalar(names::CONSISTENCY_LOSS)?;
            squares.iter_mut().zip(evaluate.numbers(names::SQUARES)?).for_each(|(a, b)| *a += b);
            count += n;
        }
        [&mut loss.total, &mut loss.fit, &mut loss.auxiliary].into_iter().for_each(|x| *x /= count);
        squares.iter_mut().for_each(|x| *x /= count * self.windows.length as f64);
        Ok((loss, squares))
    }

    /// The loss over at most `limit` mini-batches of other windows.
    pub fn held_out(
        &mut self,
        windows: &mut Windows<'a>,
        state: &State,
        limit: usize,
        observer: &dyn Observer,
    ) -> Result<f64, GradientError> {
        std::mem::swap(&mut self.windows, windows);
        let loss = self.evaluate(state, &state.coefficients, limit, observer);
        std::mem::swap(&mut self.windows, windows);
        Ok(loss?.0.total)
    }

    /// The residuals that these coefficients leave.
    pub fn noise(
        &mut self,
        state: &State,
        coefficients: &[f64],
        limit: usize,
        observer: &dyn Observer,
    ) -> Result<Noise, GradientError> {
        let (_, squares) = self.evaluate(state, coefficients, limit, observer)?;
        Ok(self.noise_of(&squares, limit))
    }

    /// The residuals with these mean squares over at most `limit` mini-batches.
    pub fn noise_of(&self, squares: &[f64], limit: usize) -> Noise {
        let weights = self.fixed.get(names::WEIGHT).map(Tensor::to_f64).unwrap_or_default();
        let variance = squares.iter().zip(weights).map(|(s, w)| s * w).collect();
        let used = self.windows.len().min(limit.saturating_mul(self.windows.batch)) as f64;
        // With fewer windows than there are, a sample is in fewer of them.
        let share = used / self.windows.len() as f64;
        let overlap = (self.windows.length as f64 / self.settings.stride as f64 * share).max(1.0);
        Noise { variance, overlap }
    }

    /// Solution and auxiliaries, window after window.
    pub fn reconstruct(
        &mut self,
        state: &State,
        coefficients: &[f64],
        observer: &dyn Observer,
    ) -> Result<Vec<Reconstruction>, GradientError> {
        let given = Arguments::from([(names::COEFFICIENTS.to_string(), vector(coefficients.to_vec()))]);
        let states = self.layout.columns.len();
        let mut all = Vec::new();
        for trajectory in 0..self.windows.trajectories() {
            let tiles = self.windows.tiles(trajectory);
            let len = tiles.last().map_or(0, |w| w.start + w.len);
            let mut solved = Reconstruction {
                trajectory,
                len,
                solution: vec![0.0; len * states],
                auxiliaries: vec![0.0; len * states],
                starts: tiles.iter().map(|w| w.start).collect(),
                bound: Vec::new(),
                fields: Vec::new(),
                steps: Vec::new(),
            };
            for chosen in tiles.chunks(self.windows.batch) {
                go_on(state, observer)?;
                self.windows.fill(chosen, &mut self.batch)?;
                let evaluate = &mut self.functions.evaluate;
                evaluate.call(chosen.len(), &[&self.batch, &given, &self.fixed, state])?;
                for (name, out) in [
                    (names::BOUND, &mut solved.bound),
                    (names::FIELDS, &mut solved.fields),
                    (names::STEPS, &mut solved.steps),
                ] {
                    if let Ok(numbers) = evaluate.numbers(name) {
                        out.extend_from_slice(numbers);
                    }
                }
                let width = self.windows.length * states;
                for (name, out) in
                    [(names::SOLUTION, &mut solved.solution), (names::AUXILIARIES, &mut solved.auxiliaries)]
                {
                    for (w, numbers) in chosen.iter().zip(evaluate.numbers(name)?.chunks(width)) {
                        let origins = self.windows.origins(w);
                        let moved = numbers.iter().zip(origins.iter().cycle()).map(|(x, origin)| x + origin);
                        let place = out.iter_mut().skip(w.start * states).take(width);
                        place.zip(moved).for_each(|(slot, x)| *slot = x);
                    }
                }
            }
            all.push(solved);
        }
        Ok(all)
    }
}

/// Whether the observer lets this go on.
pub(super) fn go_on(state: &State, observer: &dyn Observer) -> Result<(), GradientError> {
    if observer.should_stop() { Err(GradientError::Interrupted { step: state.step }) } else { Ok(()) }
}

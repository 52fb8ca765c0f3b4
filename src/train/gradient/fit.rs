//! The training loop.

use super::batches::{Windows, vector};
use super::functions::{Arguments, Functions};
use super::normal::{Minimum, Normal};
use super::optimiser::{adam, decay};
use super::prune::{Noise, prune};
use super::{CoefficientEstimate, GradientError, GradientFit, Layout, Loss, Reconstruction, Settings, State};
use crate::artifact::training::{Elimination, names};
use crate::base::Tensor;
use crate::data::Dataset;
use crate::train::{Observer, Progress};

/// Ridge of the projection relative to the diagonal of the normal matrix: it decides between candidates that the first,
/// featureless auxiliaries cannot tell apart, and is far below what a coefficient is asked to be accurate to.
const RIDGE: f64 = 1e-9;
/// Mini-batches whose normal equations decide on terms while training goes on.
const PRUNING_BATCHES: usize = 12;
/// Share of the budget after which significance decides too: before, the auxiliaries are not what they will be.
const SIGNIFICANCE_FROM: f64 = 0.6;
/// How often terms are looked at: this many times over the whole budget.
const LOOKS: usize = 20;

/// Fits a model by gradient training.
///
/// # Errors
/// A [`GradientError`]; [`GradientError::Diverged`] names the step and the quantity.
pub fn fit(
    functions: &mut Functions,
    layout: &Layout,
    data: &Dataset,
    settings: &Settings,
    observer: &mut dyn Observer,
) -> Result<GradientFit, GradientError> {
    let windows = Windows::new(data, layout, settings)?;
    let mut state = State::start(layout, settings.seed);
    let mut fixed: Arguments = layout.constants.iter().cloned().collect();
    windows.statistics(settings, &mut fixed);
    fixed.insert(names::RIDGE.into(), Tensor::scalar(RIDGE));
    fixed.insert(names::CONSISTENCY.into(), Tensor::scalar(settings.consistency));
    let values = state.weights.iter().map(|w| (w.name.clone(), w.value.clone())).collect();
    let kept = vec![true; layout.coefficients.len()];
    let mut run = Run { functions, layout, settings, windows, fixed, values, kept, batch: Arguments::new() };
    let stopped = run.train(&mut state, observer)?;
    run.finish(state, stopped)
}

struct Run<'a> {
    functions: &'a mut Functions,
    layout: &'a Layout,
    settings: &'a Settings,
    windows: Windows<'a>,
    /// Arguments that stay.
    fixed: Arguments,
    /// The trained arrays.
    values: Arguments,
    /// Arguments of the mini-batch.
    batch: Arguments,
    kept: Vec<bool>,
}

impl Run<'_> {
    fn total(&self) -> usize {
        let epochs = self.settings.epochs.map(|e| e * self.settings.cycles.max(1) * self.windows.per_epoch());
        self.settings.steps.or(epochs).unwrap_or(2500)
    }

    /// Trains to the end of the budget; whether the observer ended it before.
    fn train(&mut self, state: &mut State, observer: &mut dyn Observer) -> Result<bool, GradientError> {
        let total = self.total();
        let (per_epoch, size) = (self.windows.per_epoch(), self.windows.batch);
        let (mut epoch, mut order) = (usize::MAX, Vec::new());
        self.set_mask(state);
        while state.step < total {
            if observer.should_stop() {
                return Ok(true);
            }
            if epoch != state.step / per_epoch {
                epoch = state.step / per_epoch;
                order = self.windows.order(epoch);
            }
            let from = state.step % per_epoch * size;
            self.windows.gather(&order[from..from + size], &mut self.batch)?;
            self.functions.step.call(size, &[&self.batch, &self.values, &self.fixed])?;
            let loss = self.functions.step.scalar(names::LOSS)?;
            if !loss.is_finite() {
                return Err(self.diverged(state.step));
            }
            if !self.layout.coefficients.is_empty() {
                state.coefficients = self.functions.step.numbers(names::COEFFICIENTS)?.to_vec();
            }
            let factor = decay(self.settings.decay, state.step, total);
            adam(self.functions, self.layout, state, &mut self.values, self.settings, factor)?;
            state.losses.push(loss);
            state.step += 1;
            self.look(state, total)?;
            let phase =
                if state.step as f64 >= self.settings.prune_from * total as f64 { "pruning" } else { "training" };
            observer.progress(&Progress { step: state.step, total, loss, phase });
        }
        Ok(false)
    }

    /// The first quantity of the step that is not finite, from causes to effects.
    fn diverged(&self, step: usize) -> GradientError {
        let named = [names::COEFFICIENTS, names::CONSISTENCY_LOSS, names::FIT_LOSS];
        let bad = |name: &&&str| {
            self.functions.step.numbers(name).is_ok_and(|numbers| numbers.iter().any(|x| !x.is_finite()))
        };
        let array = self.values.iter().find(|(_, t)| t.to_f64().iter().any(|x| !x.is_finite()));
        let quantity = match (array, named.iter().find(bad)) {
            (Some((name, _)), _) => format!("`{name}`"),
            (None, Some(&names::COEFFICIENTS)) => "a coefficient".to_string(),
            (None, Some(&names::CONSISTENCY_LOSS)) => "the mean square of the auxiliaries".to_string(),
            _ => "the mean square of the solution".to_string(),
        };
        GradientError::Diverged { step, quantity }
    }

    fn set_mask(&mut self, state: &State) {
        self.fixed.insert(names::MASK.into(), vector(state.mask.clone()));
        self.fixed.insert(names::HELD.into(), vector(state.held.clone()));
    }

    /// Drops terms where it is time to.
    fn look(&mut self, state: &mut State, total: usize) -> Result<(), GradientError> {
        if self.layout.coefficients.is_empty() {
            return Ok(());
        }
        if self.layout.elimination == Elimination::Projected {
            let progress = state.step as f64 / total as f64;
            let due = state.step.is_multiple_of((total / LOOKS).max(1)) && state.step < total;
            if !due || progress < self.settings.prune_from {
                return Ok(());
            }
            let normal = self.normal_equations(PRUNING_BATCHES)?;
            let mut kept = self.kept.clone();
            let mut noise = None;
            if progress >= SIGNIFICANCE_FROM
                && let Some(minimum) = prune(&normal, &mut kept, self.layout, self.settings, None)
            {
                noise = Some(self.noise(&minimum.values, PRUNING_BATCHES)?);
            }
            // While training goes on a singular matrix is no failure: the ridge carries on, and there is another look.
            if let Some(minimum) = prune(&normal, &mut kept, self.layout, self.settings, noise.as_ref()) {
                self.kept = kept;
                self.hold(state, &minimum);
            }
        } else {
            let cycle = (total / self.settings.cycles.max(1)).max(1);
            if !state.step.is_multiple_of(cycle) {
                return Ok(());
            }
            for (k, spec) in self.layout.coefficients.iter().enumerate() {
                if spec.prunable && state.coefficients[k].abs() < self.settings.threshold {
                    self.kept[k] = false;
                    state.mask[k] = 0.0;
                    state.coefficients[k] = 0.0;
                }
            }
        }
        self.set_mask(state);
        Ok(())
    }

    /// Estimates what is kept and free, holds the rest.
    fn hold(&self, state: &mut State, minimum: &Minimum) {
        for k in 0..self.kept.len() {
            let free = minimum.variance[k].is_some();
            state.mask[k] = if free { 1.0 } else { 0.0 };
            state.held[k] = if free { 0.0 } else { minimum.values[k] };
        }
    }

    /// Windows of at most `limit` mini-batches, spread evenly.
    fn spread(&self, limit: usize) -> Vec<Vec<usize>> {
        let all = self.windows.len();
        let wanted = all.min(limit.saturating_mul(self.windows.batch));
        let ids: Vec<usize> = (0..wanted).map(|i| (i as u128 * all as u128 / wanted as u128) as usize).collect();
        ids.chunks(self.windows.batch).map(<[usize]>::to_vec).collect()
    }

    fn normal_equations(&mut self, limit: usize) -> Result<Normal, GradientError> {
        let mut sum = Normal::new(self.layout.coefficients.len());
        for chosen in self.spread(limit) {
            self.windows.gather(&chosen, &mut self.batch)?;
            let Some(normal) = self.functions.normal.as_mut() else { continue };
            normal.call(chosen.len(), &[&self.batch, &self.values, &self.fixed])?;
            sum.add(normal.numbers(names::MATRIX)?, normal.numbers(names::RHS)?);
        }
        Ok(sum)
    }

    /// Loss and mean squares per state (unweighted) over at most `limit` mini-batches for these coefficients.
    fn evaluate(&mut self, coefficients: &[f64], limit: usize) -> Result<(Loss, Vec<f64>), GradientError> {
        self.fixed.insert(names::COEFFICIENTS.into(), vector(coefficients.to_vec()));
        let (mut loss, mut squares, mut count) = (Loss::default(), vec![0.0; self.layout.columns.len()], 0.0);
        for chosen in self.spread(limit) {
            self.windows.gather(&chosen, &mut self.batch)?;
            let evaluate = &mut self.functions.evaluate;
            // Not the trained coefficients of the same name: those given come first.
            evaluate.call(chosen.len(), &[&self.batch, &self.fixed, &self.values])?;
            let n = chosen.len() as f64;
            loss.total += n * evaluate.scalar(names::LOSS)?;
            loss.fit += n * evaluate.scalar(names::FIT_LOSS)?;
            loss.auxiliary += n * evaluate.scalar(names::CONSISTENCY_LOSS)?;
            squares.iter_mut().zip(evaluate.numbers(names::SQUARES)?).for_each(|(a, b)| *a += b);
            count += n;
        }
        [&mut loss.total, &mut loss.fit, &mut loss.auxiliary].into_iter().for_each(|x| *x /= count);
        squares.iter_mut().for_each(|x| *x /= count * self.windows.length as f64);
        self.fixed.shift_remove(names::COEFFICIENTS);
        Ok((loss, squares))
    }

    fn noise(&mut self, coefficients: &[f64], limit: usize) -> Result<Noise, GradientError> {
        let (_, squares) = self.evaluate(coefficients, limit)?;
        Ok(self.noise_of(&squares, limit))
    }

    fn noise_of(&self, squares: &[f64], limit: usize) -> Noise {
        let weights = self.fixed.get(names::WEIGHT).map(Tensor::to_f64).unwrap_or_default();
        let variance = squares.iter().zip(weights).map(|(s, w)| s * w).collect();
        let used = self.windows.len().min(limit.saturating_mul(self.windows.batch)) as f64;
        // With fewer windows than there are, a sample is in fewer of them.
        let share = used / self.windows.len() as f64;
        let overlap = (self.windows.length as f64 / self.settings.stride as f64 * share).max(1.0);
        Noise { variance, overlap }
    }

    /// Final coefficients from all training windows, their errors, and what they give.
    fn finish(&mut self, mut state: State, stopped: bool) -> Result<GradientFit, GradientError> {
        let mut coefficients = Vec::new();
        if self.layout.elimination == Elimination::Projected && !self.layout.coefficients.is_empty() {
            let normal = self.normal_equations(usize::MAX)?;
            // The residuals that significance is judged by are those of the best coefficients above the threshold.
            let large = prune(&normal, &mut self.kept, self.layout, self.settings, None);
            let noise = self.noise(&large.ok_or(GradientError::Singular)?.values, usize::MAX)?;
            let minimum = prune(&normal, &mut self.kept, self.layout, self.settings, Some(&noise));
            let minimum = minimum.ok_or(GradientError::Singular)?;
            self.hold(&mut state, &minimum);
            state.coefficients.clone_from(&minimum.values);
            let (_, squares) = self.evaluate(&state.coefficients, usize::MAX)?;
            let noise = self.noise_of(&squares, usize::MAX);
            for (k, spec) in self.layout.coefficients.iter().enumerate() {
                let std_error = minimum.variance[k].map(|v| noise.standard_error(&spec.states, v));
                coefficients.push(CoefficientEstimate { value: minimum.values[k], std_error, kept: self.kept[k] });
            }
        } else {
            if let Some(trained) = self.values.get(names::COEFFICIENTS) {
                state.coefficients = trained.to_f64().iter().zip(&state.mask).map(|(x, m)| x * m).collect();
            }
            for (k, &value) in state.coefficients.iter().enumerate() {
                coefficients.push(CoefficientEstimate { value, std_error: None, kept: self.kept[k] });
            }
        }
        let (loss, squares) = self.evaluate(&state.coefficients, usize::MAX)?;
        let residual = (0..squares.len()).map(|s| self.layout.columns[s].map_or(0.0, |_| squares[s].sqrt())).collect();
        let reconstructions = self.reconstruct(&state.coefficients)?;
        let parameters = self.values.get(names::PARAMETERS).map(Tensor::to_f64).unwrap_or_default();
        for weights in &mut state.weights {
            if let Some(value) = self.values.swap_remove(&weights.name) {
                weights.value = value;
            }
        }
        Ok(GradientFit { coefficients, parameters, loss, residual, reconstructions, stopped, state })
    }

    /// Solution and auxiliaries, window after window.
    fn reconstruct(&mut self, coefficients: &[f64]) -> Result<Vec<Reconstruction>, GradientError> {
        self.fixed.insert(names::COEFFICIENTS.into(), vector(coefficients.to_vec()));
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
            };
            for chosen in tiles.chunks(self.windows.batch) {
                self.windows.fill(chosen, &mut self.batch)?;
                let evaluate = &mut self.functions.evaluate;
                evaluate.call(chosen.len(), &[&self.batch, &self.fixed, &self.values])?;
                let width = self.windows.length * states;
                for (name, out) in
                    [(names::SOLUTION, &mut solved.solution), (names::AUXILIARIES, &mut solved.auxiliaries)]
                {
                    for (w, numbers) in chosen.iter().zip(evaluate.numbers(name)?.chunks(width)) {
                        out[w.start * states..w.start * states + width].copy_from_slice(numbers);
                    }
                }
            }
            all.push(solved);
        }
        self.fixed.shift_remove(names::COEFFICIENTS);
        Ok(all)
    }
}

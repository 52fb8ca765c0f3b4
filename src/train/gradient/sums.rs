//! What is computed over many mini-batches for a state that stays: normal equations, losses, reconstructions.

use super::arrays::Arrays;
use super::batches::{Tables, Windows};
use super::functions::{Function, Functions};
use super::normal::Normal;
use super::prune::Noise;
use super::{GradientError, Layout, Loss, Reconstruction, Settings, State, Weights};
use crate::artifact::training::names;
use crate::data::Dataset;
use crate::train::Observer;

/// The compiled functions with all their arrays.
pub(super) struct Sums<'a> {
    pub layout: &'a Layout,
    pub settings: &'a Settings,
    pub windows: Windows<'a>,
    pub arrays: Arrays,
    normal: Option<Function>,
    evaluate: Function,
    /// Weight of the squares of each state.
    weights: Vec<f64>,
}

impl<'a> Sums<'a> {
    /// Cuts the data into windows, and moves everything to where the functions are computed. Means and scales are those of `normal`;
    /// windows that are looked at later number `others`.
    pub fn new(
        functions: &'a Functions,
        layout: &'a Layout,
        (normal, data): (&'a Dataset, &'a Dataset),
        settings: &'a Settings,
        weights: &[Weights],
        others: usize,
    ) -> Result<Self, GradientError> {
        let windows = Windows::new(data, layout, settings)?;
        let normal = Windows::new(normal, layout, settings)?;
        let most = settings.batch.clamp(1, windows.len().max(others));
        let mut arrays = Arrays::new(functions, layout, settings, (&normal, &windows), weights, most)?;
        let of = |callable, arrays: &mut Arrays| Function::new(callable, &mut arrays.store, most);
        let normal = functions.normal.as_ref().map(|normal| of(normal, &mut arrays)).transpose()?;
        let evaluate = of(&functions.evaluate, &mut arrays)?;
        let weights = arrays.fixed(names::WEIGHT)?;
        Ok(Sums { layout, settings, windows, arrays, normal, evaluate, weights })
    }

    /// Calls the evaluation on windows that begin at these rows.
    fn evaluate_on(&mut self, rows: &[f64]) -> Result<usize, GradientError> {
        self.arrays.gather(rows, self.windows.width())?;
        self.evaluate_put(rows.len())
    }

    /// Calls the evaluation on the mini-batch of `samples` windows that is there.
    pub fn evaluate_put(&mut self, samples: usize) -> Result<usize, GradientError> {
        self.evaluate.call(&mut self.arrays, samples, |arrays, name| arrays.find_given(name, samples))?;
        Ok(samples)
    }

    /// A result of the last evaluation, which was of so many windows.
    pub fn evaluated(&self, samples: usize, name: &str) -> Result<Vec<f64>, GradientError> {
        self.evaluate.numbers(&self.arrays.store, samples, name)
    }

    /// Calls the normal equations on the mini-batch of `samples` windows that is there; `None` for a model without them.
    pub fn normal_on(&mut self, samples: usize) -> Result<Option<[Vec<f64>; 2]>, GradientError> {
        let Some(normal) = self.normal.as_mut() else { return Ok(None) };
        normal.call(&mut self.arrays, samples, |arrays, name| arrays.find(name, samples))?;
        let numbers = |name| normal.numbers(&self.arrays.store, samples, name);
        Ok(Some([numbers(names::MATRIX)?, numbers(names::RHS)?]))
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
            self.arrays.gather(&self.windows.rows(&chosen), self.windows.width())?;
            if let Some([matrix, rhs]) = self.normal_on(chosen.len())? {
                sum.add(&matrix, &rhs);
            }
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
        self.arrays.give(coefficients)?;
        let (mut loss, mut squares, mut count) = (Loss::default(), vec![0.0; self.layout.columns.len()], 0.0);
        for chosen in self.spread(limit) {
            go_on(state, observer)?;
            let samples = self.evaluate_on(&self.windows.rows(&chosen))?;
            let numbers = |name| self.evaluate.numbers(&self.arrays.store, samples, name);
            let scalar = |name| numbers(name).map(|all| all.first().copied().unwrap_or(f64::NAN));
            let n = chosen.len() as f64;
            loss.total += n * scalar(names::LOSS)?;
            loss.fit += n * scalar(names::FIT_LOSS)?;
            loss.auxiliary += n * scalar(names::CONSISTENCY_LOSS)?;
            squares.iter_mut().zip(numbers(names::SQUARES)?).for_each(|(a, b)| *a += b);
            count += n;
        }
        [&mut loss.total, &mut loss.fit, &mut loss.auxiliary].into_iter().for_each(|x| *x /= count);
        squares.iter_mut().for_each(|x| *x /= count * self.windows.solved() as f64);
        Ok((loss, squares))
    }

    /// The loss over at most `limit` mini-batches of other windows.
    pub fn held_out(
        &mut self,
        other: &mut (Windows<'a>, Tables),
        state: &State,
        limit: usize,
        observer: &dyn Observer,
    ) -> Result<f64, GradientError> {
        let (windows, tables) = other;
        std::mem::swap(&mut self.windows, windows);
        std::mem::swap(&mut self.arrays.tables, tables);
        let loss = self.evaluate(state, &state.coefficients, limit, observer);
        std::mem::swap(&mut self.windows, windows);
        std::mem::swap(&mut self.arrays.tables, tables);
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
        let weights = self.weights.iter();
        let variance = squares.iter().zip(weights).map(|(s, w)| s * w).collect();
        let used = self.windows.len().min(limit.saturating_mul(self.windows.batch)) as f64;
        // With fewer windows than there are, a sample is in fewer of them.
        let share = used / self.windows.len() as f64;
        let overlap = (self.windows.solved() as f64 / self.settings.stride as f64 * share).max(1.0);
        Noise { variance, overlap }
    }

    /// Solution and auxiliaries, window after window.
    pub fn reconstruct(
        &mut self,
        state: &State,
        coefficients: &[f64],
        observer: &dyn Observer,
    ) -> Result<Vec<Reconstruction>, GradientError> {
        self.arrays.give(coefficients)?;
        let states = self.layout.columns.len();
        let mut all = Vec::new();
        for trajectory in 0..self.windows.trajectories() {
            let tiles = self.windows.tiles(trajectory);
            let len = tiles.last().map_or(0, |w| w.start + w.len);
            let mut solved = Reconstruction {
                trajectory,
                len,
                // Nothing is solved before the first solve begins.
                solution: vec![f64::NAN; len * states],
                auxiliaries: vec![f64::NAN; len * states],
                starts: tiles.iter().map(|w| w.start).collect(),
                bound: Vec::new(),
                fields: Vec::new(),
                steps: Vec::new(),
            };
            for chosen in tiles.chunks(self.windows.batch) {
                go_on(state, observer)?;
                let samples = self.evaluate_on(&self.windows.rows_of(chosen))?;
                let numbers = |name| self.evaluate.numbers(&self.arrays.store, samples, name);
                for (name, out) in [
                    (names::BOUND, &mut solved.bound),
                    (names::FIELDS, &mut solved.fields),
                    (names::STEPS, &mut solved.steps),
                ] {
                    if self.evaluate.gives(name) {
                        out.extend(numbers(name)?);
                    }
                }
                let width = self.windows.solved() * states;
                for (name, out) in
                    [(names::SOLUTION, &mut solved.solution), (names::AUXILIARIES, &mut solved.auxiliaries)]
                {
                    for (w, numbers) in chosen.iter().zip(numbers(name)?.chunks(width)) {
                        let origins = self.windows.origins(w);
                        let moved = numbers.iter().zip(origins.iter().cycle()).map(|(x, origin)| x + origin);
                        let place = out.iter_mut().skip((w.start + self.windows.begin) * states).take(width);
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

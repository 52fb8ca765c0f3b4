//! The training loop.

use std::time::{Duration, Instant};

use super::batches::{Windows, vector};
use super::functions::Functions;
use super::normal::Minimum;
use super::optimiser::{adam, decay};
use super::prune::prune;
use super::state::{Forgetful, Keeper};
use super::sums::{Sums, go_on as allowed};
use super::watch::{restore, watch};
use super::{CoefficientEstimate, GradientError, GradientFit, Layout, Reconstruction, Settings, State};
use crate::artifact::training::{Elimination, names};
use crate::base::Tensor;
use crate::data::Dataset;
use crate::train::{Observer, Progress};

/// Mini-batches whose normal equations decide on terms while training goes on.
const PRUNING_BATCHES: usize = 12;
/// Share of the budget after which significance decides too: before, the auxiliaries are not what they will be.
const SIGNIFICANCE_FROM: f64 = 0.6;
/// How often terms are looked at: this many times over the whole budget.
const LOOKS: usize = 20;
/// How often states are put by: this many times over the whole budget, but not more often than every [`STEPS_BETWEEN`] steps,
/// since a copy costs about a tenth of a step.
const COPIES: usize = 100;
/// Fewest steps between two states that are put by.
const STEPS_BETWEEN: usize = 10;
/// Where a step takes longer than this, every state is put by. The clock decides what is kept, never what is computed.
const LONG_STEP: Duration = Duration::from_secs(1);

/// Fits a model by gradient training, from the beginning to the end.
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
    let start = State::start(layout, settings.seed);
    go_on(functions, layout, (data, None), settings, start, &mut Forgetful, observer)
}

/// Trains from a state, which [belongs to](State::belongs_to) the layout, to the end. However often it is interrupted and taken up
/// again, the result has the same bits. Schedules and early stopping go by the loss over `held` where it is given.
///
/// # Errors
/// As [`fit`]. The keeper is given the state reached where that can be taken up again, on [`GradientError::Diverged`] the last
/// one known to be finite.
pub fn go_on(
    functions: &mut Functions,
    layout: &Layout,
    (data, held): (&Dataset, Option<&Dataset>),
    settings: &Settings,
    mut state: State,
    keeper: &mut dyn Keeper,
    observer: &mut dyn Observer,
) -> Result<GradientFit, GradientError> {
    let sums = Sums::new(functions, layout, data, settings)?;
    state.normalisation = sums.normalisation.clone();
    let held = held.map(|held| Windows::new(held, layout, settings)).transpose()?;
    let mut run = Run { sums, held, layout, settings, good: None };
    let outcome = run.train(&mut state, keeper, observer).and_then(|()| run.finish(&state, observer));
    match &outcome {
        Err(GradientError::Interrupted { .. } | GradientError::Singular) => keeper.keep(&state),
        Err(_) => run.good.iter().for_each(|good| keeper.keep(good)),
        Ok(_) => {}
    }
    outcome
}

/// Solutions over other data for what a fit to `train` found: windows one after the other, each from its own start, normalised as
/// the windows that were trained on.
///
/// # Errors
/// As [`fit`].
pub fn apply(
    functions: &mut Functions,
    layout: &Layout,
    (train, data): (&Dataset, &Dataset),
    settings: &Settings,
    fit: &GradientFit,
    observer: &dyn Observer,
) -> Result<Vec<Reconstruction>, GradientError> {
    let trained = Sums::new(&mut *functions, layout, train, settings)?.fixed;
    let mut sums = Sums::new(functions, layout, data, settings)?;
    sums.fixed = trained;
    sums.reconstruct(&fit.state, &fit.state.coefficients, observer)
}

struct Run<'a> {
    sums: Sums<'a>,
    /// What the loss is looked at on.
    held: Option<Windows<'a>>,
    layout: &'a Layout,
    settings: &'a Settings,
    /// The last state put by.
    good: Option<State>,
}

impl Run<'_> {
    fn total(&self) -> usize {
        let epochs = self.settings.epochs.map(|e| e * self.settings.cycles.max(1) * self.sums.windows.per_epoch());
        self.settings.steps.or(epochs).unwrap_or(2500)
    }

    /// Trains to the end of the budget.
    fn train(
        &mut self,
        state: &mut State,
        keeper: &mut dyn Keeper,
        observer: &mut dyn Observer,
    ) -> Result<(), GradientError> {
        let total = self.total();
        let (per_epoch, size) = (self.sums.windows.per_epoch(), self.sums.windows.batch);
        let (mut epoch, mut order) = (usize::MAX, Vec::new());
        let mut lasted = Duration::ZERO;
        self.set_mask(state);
        while state.step < total {
            let begun = Instant::now();
            allowed(state, observer)?;
            self.look(state, total, observer)?;
            if watch(&mut self.sums, self.held.as_mut(), state, total, observer)? {
                break;
            }
            if epoch != state.step / per_epoch {
                epoch = state.step / per_epoch;
                order = self.sums.windows.order(epoch);
            }
            let from = state.step % per_epoch * size;
            let sums = &mut self.sums;
            sums.windows.gather(&order[from..from + size], &mut sums.batch)?;
            if let Err(error) = sums.functions.step.call(size, &[&sums.batch, state, &sums.fixed]) {
                return Err(self.failed(state, size, error));
            }
            let loss = sums.functions.step.scalar(names::LOSS)?;
            if !loss.is_finite() {
                return Err(self.diverged(state));
            }
            self.put_by(state, total, lasted, keeper);
            if !self.layout.coefficients.is_empty() {
                state.coefficients = self.sums.functions.step.numbers(names::COEFFICIENTS)?.to_vec();
            }
            let factor = decay(self.settings, state, total);
            adam(self.sums.functions, self.layout, state, self.settings, factor)?;
            state.losses.push(loss);
            state.step += 1;
            lasted = begun.elapsed();
            let phase =
                if state.step as f64 >= self.settings.prune_from * total as f64 { "pruning" } else { "training" };
            observer.progress(&Progress { step: state.step, total, loss, phase });
        }
        self.look(state, total, observer)?;
        watch(&mut self.sums, self.held.as_mut(), state, total, observer)?;
        let early = state.step < total;
        restore(state);
        if early && self.layout.elimination != Elimination::Projected {
            self.drop_small(state);
        }
        self.set_mask(state);
        Ok(())
    }

    /// Keeps a copy of a state whose loss was just found to be finite.
    fn put_by(&mut self, state: &State, total: usize, lasted: Duration, keeper: &mut dyn Keeper) {
        let due = state.step.is_multiple_of((total / COPIES).max(STEPS_BETWEEN));
        if (due || lasted > LONG_STEP) && state.first_bad().is_none() {
            keeper.offer(state, lasted);
            self.good = Some(state.clone());
        }
    }

    /// The first quantity of the step that is not finite, from causes to effects.
    fn diverged(&self, state: &State) -> GradientError {
        let named = [names::COEFFICIENTS, names::CONSISTENCY_LOSS, names::FIT_LOSS];
        let bad = |name: &&&str| {
            self.sums.functions.step.numbers(name).is_ok_and(|numbers| numbers.iter().any(|x| !x.is_finite()))
        };
        let quantity = match (state.first_bad(), named.iter().find(bad)) {
            (Some(name), _) => format!("`{name}`"),
            (None, Some(&names::COEFFICIENTS)) => "a coefficient".to_string(),
            (None, Some(&names::CONSISTENCY_LOSS)) => "the mean square of the auxiliaries".to_string(),
            _ => "the mean square of the solution".to_string(),
        };
        GradientError::Diverged { step: state.step, quantity }
    }

    /// Why a step could not be computed. A solve with numbers that are not finite fails; then these are what is to be named.
    fn failed(&mut self, state: &State, size: usize, error: GradientError) -> GradientError {
        let step = state.step;
        if state.first_bad().is_some() {
            return self.diverged(state);
        }
        let sums = &mut self.sums;
        if let Some(normal) = sums.functions.normal.as_mut()
            && normal.call(size, &[&sums.batch, state, &sums.fixed]).is_ok()
            && normal.numbers(names::MATRIX).is_ok_and(|matrix| matrix.iter().any(|x| !x.is_finite()))
        {
            // Which term it is cannot be seen: sums over terms spread what is not finite to all of them.
            return GradientError::Diverged { step, quantity: "a candidate term on the auxiliaries".to_string() };
        }
        match error {
            GradientError::Runtime(source) => GradientError::Step { step, source },
            other => other,
        }
    }

    fn set_mask(&mut self, state: &State) {
        self.sums.fixed.insert(names::MASK.into(), vector(state.mask.clone()));
        self.sums.fixed.insert(names::HELD.into(), vector(state.held.clone()));
    }

    /// Drops terms where it is time to, once for every step. Interrupted, it leaves the state as it was.
    fn look(&mut self, state: &mut State, total: usize, observer: &dyn Observer) -> Result<(), GradientError> {
        if self.layout.coefficients.is_empty() || state.looked == state.step {
            return Ok(());
        }
        if self.layout.elimination == Elimination::Projected {
            let progress = state.step as f64 / total as f64;
            let due = state.step.is_multiple_of((total / LOOKS).max(1)) && state.step < total;
            if due && progress >= self.settings.prune_from {
                self.drop_insignificant(state, progress >= SIGNIFICANCE_FROM, observer)?;
            }
        } else if state.step.is_multiple_of((total / self.settings.cycles.max(1)).max(1)) {
            self.drop_small(state);
        }
        state.looked = state.step;
        self.set_mask(state);
        Ok(())
    }

    /// Drops terms whose trained coefficients are small.
    fn drop_small(&self, state: &mut State) {
        for (k, spec) in self.layout.coefficients.iter().enumerate() {
            if spec.prunable && state.coefficients[k].abs() < self.settings.threshold {
                state.kept[k] = false;
                state.mask[k] = 0.0;
                state.coefficients[k] = 0.0;
            }
        }
    }

    /// Drops terms that are small and, where asked for, those that are not significant.
    fn drop_insignificant(
        &mut self,
        state: &mut State,
        significance: bool,
        observer: &dyn Observer,
    ) -> Result<(), GradientError> {
        let normal = self.sums.normal_equations(state, PRUNING_BATCHES, observer)?;
        let mut kept = state.kept.clone();
        let mut noise = None;
        if significance && let Some(minimum) = prune(&normal, &mut kept, self.layout, self.settings, None) {
            noise = Some(self.sums.noise(state, &minimum.values, PRUNING_BATCHES, observer)?);
        }
        // While training goes on a singular matrix is no failure: the ridge carries on, and there is another look.
        if let Some(minimum) = prune(&normal, &mut kept, self.layout, self.settings, noise.as_ref()) {
            state.kept = kept;
            hold(state, &minimum);
        }
        Ok(())
    }

    /// Final coefficients from all training windows, their errors, and what they give.
    fn finish(&mut self, trained: &State, observer: &dyn Observer) -> Result<GradientFit, GradientError> {
        let mut state = trained.clone();
        let mut coefficients = Vec::new();
        let sums = &mut self.sums;
        if self.layout.elimination == Elimination::Projected && !self.layout.coefficients.is_empty() {
            let normal = sums.normal_equations(trained, usize::MAX, observer)?;
            // The residuals that significance is judged by are those of the best coefficients above the threshold.
            let large = prune(&normal, &mut state.kept, self.layout, self.settings, None);
            let large = large.ok_or(GradientError::Singular)?;
            let noise = sums.noise(trained, &large.values, usize::MAX, observer)?;
            let minimum = prune(&normal, &mut state.kept, self.layout, self.settings, Some(&noise));
            let minimum = minimum.ok_or(GradientError::Singular)?;
            hold(&mut state, &minimum);
            state.coefficients.clone_from(&minimum.values);
            let (_, squares) = sums.evaluate(trained, &state.coefficients, usize::MAX, observer)?;
            let noise = sums.noise_of(&squares, usize::MAX);
            for (k, spec) in self.layout.coefficients.iter().enumerate() {
                let std_error = minimum.variance[k].map(|v| noise.standard_error(&spec.states, v));
                coefficients.push(CoefficientEstimate { value: minimum.values[k], std_error, kept: state.kept[k] });
            }
        } else {
            if let Some(trained) = state.value(names::COEFFICIENTS) {
                state.coefficients = trained.to_f64().iter().zip(&state.mask).map(|(x, m)| x * m).collect();
            }
            for (&value, &kept) in state.coefficients.iter().zip(&state.kept) {
                coefficients.push(CoefficientEstimate { value, std_error: None, kept });
            }
        }
        let (loss, squares) = sums.evaluate(trained, &state.coefficients, usize::MAX, observer)?;
        let residual = (0..squares.len()).map(|s| self.layout.columns[s].map_or(0.0, |_| squares[s].sqrt())).collect();
        let reconstructions = sums.reconstruct(trained, &state.coefficients, observer)?;
        let parameters = state.value(names::PARAMETERS).map(Tensor::to_f64).unwrap_or_default();
        Ok(GradientFit { coefficients, parameters, loss, residual, reconstructions, state })
    }
}

/// Estimates what is kept and free, holds the rest.
fn hold(state: &mut State, minimum: &Minimum) {
    for k in 0..state.kept.len() {
        let free = minimum.variance[k].is_some();
        state.mask[k] = if free { 1.0 } else { 0.0 };
        state.held[k] = if free { 0.0 } else { minimum.values[k] };
    }
}

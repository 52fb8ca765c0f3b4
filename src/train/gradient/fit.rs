//! The training loop.

use std::time::{Duration, Instant};

use super::batches::{Tables, Windows};
use super::functions::Functions;
use super::normal::Minimum;
use super::prune::{below, prune};
use super::state::{Forgetful, Keeper};
use super::stepper::Stepper;
use super::sums::{Sums, go_on as allowed};
use super::watch::{restore, watch};
use super::way::under_way;
use super::{CoefficientEstimate, GradientError, GradientFit, Layout, Reconstruction, Settings, State};
use crate::artifact::training::{Elimination, names};
use crate::base::Tensor;
use crate::data::Dataset;
use crate::runtime::RuntimeError;
use crate::train::{Observer, Progress};

/// Mini-batches whose normal equations decide on terms while training goes on.
const PRUNING_BATCHES: usize = 12;
/// Share of the budget after which significance decides too: before, the auxiliaries are not what they will be.
const SIGNIFICANCE_FROM: f64 = 0.6;
/// How often terms are looked at: this many times over the whole budget.
pub(super) const LOOKS: usize = 20;

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
/// As [`fit`]. The keeper is given the state at the end of the training, or the one reached where that can be taken up again, on [`GradientError::Diverged`] the last
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
    let held = held.map(|held| Windows::new(held, layout, settings)).transpose()?;
    let mut run = Run::new(functions, layout, (data, held), settings, &mut state)?;
    let outcome = run.train(&mut state, keeper, observer).and_then(|()| {
        // What comes behind the training may be interrupted too.
        keeper.keep(&run.saved(&state)?);
        run.finish(&state, observer)
    });
    match &outcome {
        Err(GradientError::Interrupted { .. } | GradientError::Singular) => match run.saved(&state) {
            Ok(saved) => keeper.keep(&saved),
            // A device that fails at the end leaves what was put by.
            Err(_) => run.good.iter().for_each(|good| keeper.keep(good)),
        },
        Err(_) => run.good.iter().for_each(|good| keeper.keep(good)),
        Ok(_) => {}
    }
    outcome
}

/// Whether data can be cut into windows of a training: none without a missing sample is an error.
///
/// # Errors
/// [`GradientError::Data`], [`GradientError::Missing`], [`GradientError::Steps`].
pub fn ensure_windows(data: &Dataset, layout: &Layout, settings: &Settings) -> Result<(), GradientError> {
    Windows::new(data, layout, settings).map(|_| ())
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
    let mut sums = Sums::new(functions, layout, (train, data), settings, &fit.state.weights, 0)?;
    sums.reconstruct(&fit.state, &fit.state.coefficients, observer)
}

pub(super) struct Run<'a> {
    pub sums: Sums<'a>,
    pub stepper: Stepper,
    /// What the loss is looked at on.
    held: Option<(Windows<'a>, Tables)>,
    pub layout: &'a Layout,
    pub settings: &'a Settings,
    /// The last state put by.
    pub good: Option<State>,
    /// The order of the windows in an epoch, with its number.
    pub order: (usize, Vec<usize>),
    /// Steps that are taken one by one, after one of several failed.
    pub careful: usize,
}

impl<'a> Run<'a> {
    /// Moves the trained arrays of `state` to where functions are computed; it has none afterwards.
    pub fn new(
        functions: &'a Functions,
        layout: &'a Layout,
        (data, held): (&'a Dataset, Option<Windows<'a>>),
        settings: &'a Settings,
        state: &mut State,
    ) -> Result<Self, GradientError> {
        let weights = std::mem::take(&mut state.weights);
        let others = held.as_ref().map_or(0, Windows::len);
        let mut sums = Sums::new(functions, layout, (data, data), settings, &weights, others)?;
        state.normalisation = sums.arrays.normalisation.clone();
        let held = match held {
            Some(held) => {
                let tables = held.tables(&mut sums.arrays.store)?;
                Some((held, tables))
            }
            None => None,
        };
        let stepper = Stepper::new(functions, layout, settings, &mut sums.arrays, sums.windows.batch)?;
        Ok(Run { sums, stepper, held, layout, settings, good: None, order: (usize::MAX, Vec::new()), careful: 0 })
    }

    /// The state with its trained arrays.
    pub fn saved(&self, state: &State) -> Result<State, GradientError> {
        let weights = self.sums.arrays.trained.weights(&self.sums.arrays.store)?;
        Ok(State { weights, ..state.clone() })
    }

    pub fn total(&self) -> usize {
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
        let prunable = self.layout.coefficients.iter().any(|c| c.prunable);
        let mut lasted = Duration::ZERO;
        self.set_mask(state)?;
        while state.step < total {
            let begun = Instant::now();
            allowed(state, observer)?;
            self.look(state, total, observer)?;
            self.look_at_way(state, total)?;
            if watch(&mut self.sums, self.held.as_mut(), state, total, observer)? {
                break;
            }
            let first = state.step;
            match self.ahead(state, total, lasted) {
                None => self.step(state, total, lasted, keeper)?,
                Some(steps) => self.steps(state, (steps, total), lasted, keeper)?,
            }
            lasted = begun.elapsed() / u32::try_from((state.step - first).max(1)).unwrap_or(u32::MAX);
            for step in first..state.step {
                let late = (step + 1) as f64 >= self.settings.prune_from * total as f64;
                let phase = if late && prunable { "pruning" } else { "training" };
                observer.progress(&Progress { step: step + 1, total, loss: state.losses[step], phase });
            }
        }
        self.look(state, total, observer)?;
        self.look_at_way(state, total)?;
        watch(&mut self.sums, self.held.as_mut(), state, total, observer)?;
        let early = state.step < total;
        restore(&mut self.sums.arrays, state)?;
        if early && self.layout.elimination != Elimination::Projected {
            self.drop_small(state);
        }
        self.set_mask(state)
    }

    /// The first quantity of the step that is not finite, from causes to effects.
    pub fn diverged(&self, state: &State) -> GradientError {
        let saved = match self.saved(state) {
            Ok(saved) => saved,
            Err(error) => return error,
        };
        let named = [names::COEFFICIENTS, names::CONSISTENCY_LOSS, names::FIT_LOSS];
        let bad = |name: &&&str| {
            self.stepper.numbers(&self.sums.arrays, name).is_ok_and(|all| all.iter().any(|x| !x.is_finite()))
        };
        let quantity = match (saved.first_bad(), named.iter().find(bad)) {
            (Some(name), _) => format!("`{name}`"),
            (None, Some(&names::COEFFICIENTS)) => "a coefficient".to_string(),
            (None, Some(&names::CONSISTENCY_LOSS)) => "the mean square of the auxiliaries".to_string(),
            _ => "the mean square of the solution".to_string(),
        };
        GradientError::Diverged { step: state.step, quantity }
    }

    /// Why a step could not be computed. A solve with numbers that are not finite fails; then these are what is to be named.
    pub fn failed(&mut self, state: &State, error: RuntimeError) -> GradientError {
        let step = state.step;
        if self.saved(state).is_ok_and(|saved| saved.first_bad().is_some()) {
            return self.diverged(state);
        }
        if let Ok(Some([matrix, _])) = self.sums.normal_on(self.sums.windows.batch)
            && matrix.iter().any(|x| !x.is_finite())
        {
            // Which term it is cannot be seen: sums over terms spread what is not finite to all of them.
            return GradientError::Diverged { step, quantity: "a candidate term on the auxiliaries".to_string() };
        }
        GradientError::Step { step, source: error }
    }

    fn set_mask(&mut self, state: &State) -> Result<(), GradientError> {
        self.sums.arrays.set(names::MASK, &state.mask)?;
        self.sums.arrays.set(names::HELD, &state.held)
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
        self.set_mask(state)
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
        let (mut state, total) = (self.saved(trained)?, self.total());
        let (mut coefficients, mut below_threshold) = (Vec::new(), Vec::new());
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
            below_threshold = below(&normal, &state.kept, self.layout, self.settings, &noise);
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
        let under_way = under_way(self.layout, self.settings, &state, total);
        Ok(GradientFit { coefficients, below_threshold, parameters, under_way, loss, residual, reconstructions, state })
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

//! Fits: which model to which data, by which engine, every setting resolved.

use super::{
    Bounds, DataId, EarlyStopping, FieldBinding, Loss, ModelId, NetworkId, Optimizer, OutputRef, StartSource, StateId,
    StepSource, UnknownId,
};
pub use crate::base::Normalise;
use crate::source::Span;

impl Normalise {
    /// Every choice.
    pub const ALL: [Normalise; 3] = [Normalise::Standard, Normalise::Range, Normalise::Off];

    /// The word in `.mech` source.
    pub fn name(self) -> &'static str {
        match self {
            Normalise::Standard => "standard",
            Normalise::Range => "range",
            Normalise::Off => "off",
        }
    }
}

/// Which engine fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Joint Gauss-Newton over trajectory and unknowns.
    Joint,
    /// Gradient training with an encoder network.
    Gradient,
}

impl Engine {
    /// The name in `.mech` source.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Joint => "joint",
            Engine::Gradient => "gradient",
        }
    }
}

/// What a fit without a name is called.
pub const UNNAMED_FIT: &str = "fit";

/// A fit of a model to data, every setting resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Its name: the block's name for `--set`.
    pub name: String,
    /// The model.
    pub model: ModelId,
    /// Where one more parameter that it holds is written.
    pub holds: HeldPlace,
    /// Parameters that it starts elsewhere, as they are declared.
    pub started: Vec<String>,
    /// The data sets, at least one; their trajectories are fitted together.
    pub data: Vec<DataId>,
    /// The engine, chosen by the compiler when the file does not say.
    pub engine: Engine,
    /// Whether the file names the engine.
    pub engine_chosen: bool,
    /// Seed of everything random in the fit.
    pub seed: u64,
    /// Highest derivative kept in the relaxed solve; `None` for the engine's default.
    pub orders: Option<usize>,
    /// Joint engine: t-statistic below which a term is dropped; `None` for the engine's default.
    pub significance: Option<f64>,
    /// Gradient engine: samples per window.
    pub window: usize,
    /// Gradient engine: samples from the first one of the window to the end of its solve; those of the window without it.
    pub horizon: Option<usize>,
    /// Gradient engine: samples of the window before its solve begins.
    pub begin: usize,
    /// Gradient engine: distance between window starts.
    pub stride: usize,
    /// Gradient engine: windows per step.
    pub batch: usize,
    /// Gradient engine: optimiser steps in all; `None` when given as epochs.
    pub steps: Option<usize>,
    /// Gradient engine: passes over the windows per cycle.
    pub epochs: Option<usize>,
    /// Gradient engine: train-and-threshold cycles.
    pub cycles: usize,
    /// Gradient engine: a coefficient below this in magnitude is dropped.
    pub threshold: f64,
    /// Gradient engine: the share of the budget after which thresholding starts.
    pub prune_from: f64,
    /// Gradient engine: whether linear unknowns are eliminated by least squares (variable projection) or trained.
    pub projection: bool,
    /// Gradient engine: learning rate of trained unknowns when there is no projection.
    pub coefficient_rate: Option<f64>,
    /// Gradient engine: weight of the consistency losses.
    pub consistency: f64,
    /// Gradient engine: the optimiser of the network.
    pub optimizer: Optimizer,
    /// Gradient engine: which network output stands for which state in nonlinear terms.
    pub auxiliary: Vec<AuxiliaryBinding>,
    /// Gradient engine: which network output stands for which unknown, window by window.
    pub parameters: Vec<ParameterBinding>,
    /// Gradient engine: which network output stands for which field; the others are trained as they are.
    pub fields: Vec<FieldBinding>,
    /// Gradient engine: where the steps of the solves come from.
    pub step: StepSource,
    /// Gradient engine: where the solutions of windows start.
    pub start: StartSource,
    /// Gradient engine: how networks see the states.
    pub normalise: Normalise,
    /// Gradient engine: states that are moved in every window by the first sample of a state: which, and by which.
    pub shifts: Vec<(StateId, StateId)>,
    /// Gradient engine: what is made small.
    pub loss: Loss,
    /// Gradient engine: weight of the magnitudes of the coefficients of holes in the loss.
    pub l1: f64,
    /// Gradient engine: steps between two looks at the held-out loss; `None` for the engine's default.
    pub evaluate: Option<usize>,
    /// Gradient engine: when training ends before its budget.
    pub early_stopping: Option<EarlyStopping>,
    /// Allowed range of coefficients, already folded into the unknowns; kept for the record.
    pub bounds: Bounds,
    /// Where it is declared.
    pub span: Span,
}

impl Fit {
    /// The edit that holds the parameter `name` at `value`: where to insert which text. Nothing is inserted for one that the fit starts
    /// elsewhere: `start` would have to go as well, which is another place.
    pub fn holding(&self, name: &str, value: &str) -> (Span, String) {
        let HeldPlace { place, before, after } = self.holds;
        let text = match self.started.iter().any(|s| s == name) {
            true => String::new(),
            false => format!("{before}{name} = {value}{after}"),
        };
        (place, text)
    }

    /// Gradient engine: samples that a window and its solve take together.
    pub fn span(&self) -> usize {
        self.horizon.unwrap_or(self.window)
    }

    /// Gradient engine: samples that a solve reaches over.
    pub fn reach(&self) -> usize {
        self.span().saturating_sub(self.begin)
    }

    /// Every number of a network output that the fit uses, auxiliaries and parameters first.
    pub fn outputs(&self) -> Vec<OutputRef> {
        let auxiliary = self.auxiliary.iter().map(AuxiliaryBinding::source);
        let parameters = self.parameters.iter().map(ParameterBinding::source);
        let losses = self.loss.terms.iter().filter_map(|t| t.output);
        let fields = self.fields.iter().map(|f| f.source);
        let step = if let StepSource::Output(source) = self.step { Some(source) } else { None };
        let starts = match &self.start {
            StartSource::Values(list) => list.as_slice(),
            StartSource::Free | StartSource::Held => &[],
        };
        let starts = starts.iter().map(|s| s.source);
        let mut out: Vec<OutputRef> = Vec::new();
        for source in auxiliary.chain(parameters).chain(losses).chain(fields).chain(step).chain(starts) {
            if !out.contains(&source) {
                out.push(source);
            }
        }
        out
    }
}

/// Where a fit takes one more parameter at a value, and what stands around it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldPlace {
    /// An empty place in the header.
    pub place: Span,
    /// Written before it: a comma or an opening parenthesis.
    pub before: &'static str,
    /// Written behind it: a closing parenthesis, or nothing.
    pub after: &'static str,
}

/// A network output standing for a state.
#[derive(Clone, Debug, PartialEq)]
pub struct AuxiliaryBinding {
    /// The state.
    pub state: StateId,
    /// The network.
    pub network: NetworkId,
    /// Position in [`Network::outputs`].
    pub output: usize,
    /// Component of that output.
    pub component: usize,
}

impl AuxiliaryBinding {
    /// The number that stands for the state.
    pub fn source(&self) -> OutputRef {
        OutputRef { network: self.network, output: self.output, component: self.component }
    }
}

impl ParameterBinding {
    /// The number that stands for the unknown.
    pub fn source(&self) -> OutputRef {
        OutputRef { network: self.network, output: self.output, component: self.component }
    }
}

/// A network output standing for an unknown: it has one value for every window.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterBinding {
    /// The unknown.
    pub unknown: UnknownId,
    /// The network.
    pub network: NetworkId,
    /// Position in [`Network::outputs`].
    pub output: usize,
    /// Component of that output.
    pub component: usize,
}

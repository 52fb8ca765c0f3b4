//! What is fitted, and how: plain data.

use crate::artifact::training::{Elimination, WeightSpec};
use crate::base::{Decay, Normalise, Tensor};

/// What the compiled functions are functions of.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Trained arrays in single precision, in order.
    pub weights: Vec<WeightSpec>,
    /// Unknowns that enter linearly, in the order of the coefficient axis.
    pub coefficients: Vec<CoefficientSpec>,
    /// Unknowns that enter nonlinearly, in the order of the parameter axis.
    pub parameters: Vec<ParameterSpec>,
    /// Arguments that never change.
    pub constants: Vec<(String, Tensor)>,
    /// Per state the column of the data that observes it.
    pub columns: Vec<Option<usize>>,
    /// The observed states, in the order of the windows' last axis.
    pub observed: Vec<usize>,
    /// Where the coefficients come from.
    pub elimination: Elimination,
}

/// A coefficient.
#[derive(Clone, Debug, PartialEq)]
pub struct CoefficientSpec {
    /// Where it starts when it is trained.
    pub start: f64,
    /// Smallest value allowed.
    pub lower: f64,
    /// Largest value allowed.
    pub upper: f64,
    /// Whether it may be dropped: true for the terms of holes.
    pub prunable: bool,
    /// The states whose solution depends on it.
    pub states: Vec<usize>,
}

/// An unknown that enters nonlinearly.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    /// Where it starts.
    pub start: f64,
    /// Smallest value allowed.
    pub lower: f64,
    /// Largest value allowed.
    pub upper: f64,
}

/// What the user can set.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Seed of the weights and of the order of mini-batches.
    pub seed: u64,
    /// Samples of a window and its solve together; the compiled functions were made for it.
    pub window: usize,
    /// Samples before the solve begins.
    pub begin: usize,
    /// The first of them, which networks read.
    pub read: usize,
    /// Samples between the starts of neighbouring windows.
    pub stride: usize,
    /// Windows of a mini-batch (all of them when there are fewer).
    pub batch: usize,
    /// Optimiser steps in all; without it, passes times cycles times mini-batches.
    pub steps: Option<usize>,
    /// Passes over the windows per cycle.
    pub epochs: Option<usize>,
    /// Cycles of training and thresholding where the coefficients are trained.
    pub cycles: usize,
    /// Hole terms below this in magnitude are dropped.
    pub threshold: f64,
    /// t-statistic below which a hole term is dropped, where the coefficients are projected.
    pub significance: f64,
    /// Share of the budget after which terms may be dropped.
    pub prune_from: f64,
    /// Weight of the consistency loss.
    pub consistency: f64,
    /// Learning rate of the network.
    pub rate: f64,
    /// Learning rate of trained unknowns; that of the network without it.
    pub coefficient_rate: Option<f64>,
    /// Decay of Adam's first moment.
    pub beta1: f64,
    /// Decay of Adam's second moment.
    pub beta2: f64,
    /// Added to the root of Adam's second moment.
    pub epsilon: f64,
    /// How the learning rates change.
    pub decay: Decay,
    /// Steps over which the learning rates rise from zero.
    pub warmup: usize,
    /// Steps between two looks at the loss that schedules and early stopping go by; a hundredth of the budget without it.
    pub evaluate: Option<usize>,
    /// Looks without a smaller loss after which training ends, with the state of the smallest; it does not end early without it.
    pub patience: Option<usize>,
    /// How networks see the states.
    pub normalise: Normalise,
    /// States that are moved by the first sample of a state in every window: which, and by which. Both are observed.
    pub shifts: Vec<(usize, usize)>,
    /// Whether squares are divided by each state's variance (otherwise they are taken in raw units, as published).
    pub standardise: bool,
    /// The deviation of the states as the network reads and emits them (their mean is subtracted). Adam moves weights by about
    /// its rate whatever the gradient, so the larger this is, the faster the first and the last layer act, and the more
    /// the loss jumps on the way. The published data, which were not scaled, have 8.
    pub deviation: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            seed: 0,
            window: 50,
            begin: 0,
            read: 50,
            stride: 1,
            batch: 512,
            steps: Some(2500),
            epochs: None,
            cycles: 1,
            threshold: 0.1,
            significance: 4.0,
            prune_from: 0.3,
            consistency: 1.0,
            rate: 5e-4,
            coefficient_rate: None,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            decay: Decay::Cosine,
            warmup: 0,
            evaluate: None,
            patience: None,
            normalise: Normalise::Standard,
            shifts: Vec::new(),
            standardise: true,
            deviation: 1.0,
        }
    }
}

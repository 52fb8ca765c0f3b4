//! What training changes: where it starts, and how it is kept.

use std::time::Duration;

use super::batches::vector;
use super::{Best, Layout, Normalisation, Watch};
use crate::artifact::training::{Elimination, Start, names};
use crate::base::{Elem, Tensor, TensorData};
use crate::data::{Purpose, normals, stream, uniform};

/// One trained array with Adam's moments.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Its parameter's name.
    pub name: String,
    /// The numbers.
    pub value: Tensor,
    /// Mean of the gradients.
    pub mean: Tensor,
    /// Mean of their squares.
    pub square: Tensor,
}

/// Everything training changes: with the settings and the data, enough to go on to the same bits.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Steps done.
    pub step: usize,
    /// The step before which it was last decided which terms to drop.
    pub looked: usize,
    /// Trained arrays: networks, then nonlinear unknowns, then trained coefficients.
    pub weights: Vec<Weights>,
    /// Which coefficients have not been dropped.
    pub kept: Vec<bool>,
    /// One where a coefficient is estimated.
    pub mask: Vec<f64>,
    /// What the others are held at.
    pub held: Vec<f64>,
    /// The coefficients at the last step.
    pub coefficients: Vec<f64>,
    /// How networks see the states; known once the data are.
    pub normalisation: Normalisation,
    /// What features that networks read are moved and scaled by; known once the data are.
    pub features: Vec<f64>,
    /// The loss at every step.
    pub losses: Vec<f64>,
    /// Trained parameters and coefficients before every twentieth part of the budget, `[look, number]`.
    pub path: Vec<f64>,
    /// What has been seen of the loss that schedules and early stopping go by.
    pub watch: Watch,
    /// The state with the smallest of these losses, where training may end early.
    pub best: Option<Best>,
}

/// Keeps states of a training, so that it can be taken up again.
pub trait Keeper {
    /// A state whose numbers and loss are finite, and how long the last step took. Comes now and then, and at every step where
    /// steps take long; whether to keep it is the keeper's choice.
    fn offer(&mut self, state: &State, lasted: Duration);
    /// The state that a training ends with, before its end or at it. It has to be kept.
    fn keep(&mut self, state: &State);
}

/// A keeper that keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forgetful;

impl Keeper for Forgetful {
    fn offer(&mut self, _: &State, _: Duration) {}
    fn keep(&mut self, _: &State) {}
}

impl State {
    /// The state before the first step. Array number i draws its numbers from stream i of the weights' purpose.
    pub fn start(layout: &Layout, seed: u64) -> Self {
        let mut weights = Vec::new();
        for (i, spec) in layout.weights.iter().enumerate() {
            let mut rng = stream(seed, Purpose::Weights, i as u64);
            let mut value = Tensor::zeros(Elem::F32, spec.shape.clone());
            let mut numbers = vec![0.0; value.len()];
            match spec.start {
                Start::Uniform(bound) => numbers.iter_mut().for_each(|x| *x = bound * (2.0 * uniform(&mut rng) - 1.0)),
                Start::Normal => normals(&mut rng, &mut numbers),
                Start::Constant(x) => numbers.fill(x),
                Start::Between(low, high) => {
                    numbers.iter_mut().for_each(|x| *x = low + (high - low) * uniform(&mut rng));
                }
            }
            if let TensorData::F32(slot) = value.data_mut() {
                slot.iter_mut().zip(numbers).for_each(|(s, x)| *s = x as f32);
            }
            weights.push(Weights::new(&spec.name, value));
        }
        if !layout.parameters.is_empty() {
            let value = vector(layout.parameters.iter().map(|p| p.start).collect());
            weights.push(Weights::new(names::PARAMETERS, value));
        }
        let start: Vec<f64> = layout.coefficients.iter().map(|c| c.start).collect();
        if layout.elimination == Elimination::Trained && !start.is_empty() {
            weights.push(Weights::new(names::COEFFICIENTS, vector(start.clone())));
        }
        let count = start.len();
        State {
            step: 0,
            looked: 0,
            weights,
            kept: vec![true; count],
            mask: vec![1.0; count],
            held: vec![0.0; count],
            coefficients: start,
            normalisation: Normalisation::default(),
            features: Vec::new(),
            losses: Vec::new(),
            path: Vec::new(),
            watch: Watch::default(),
            best: None,
        }
    }

    /// Whether this is a state of a training of this layout: the same arrays, and as many losses as steps.
    pub fn belongs_to(&self, layout: &Layout) -> bool {
        let same = |a: &Tensor, b: &Tensor| a.elem() == b.elem() && a.shape() == b.shape();
        let start = State::start(layout, 0);
        let count = start.kept.len();
        self.weights.len() == start.weights.len()
            && self.weights.iter().zip(&start.weights).all(|(mine, first)| {
                let arrays = [&mine.value, &mine.mean, &mine.square];
                mine.name == first.name && arrays.into_iter().all(|a| same(a, &first.value))
            })
            && [self.kept.len(), self.mask.len(), self.held.len(), self.coefficients.len()] == [count; 4]
            && self.losses.len() == self.step
            && self.watch.losses.len() == self.watch.steps.len()
            && self.best.iter().all(|best| {
                best.values.len() == start.weights.len()
                    && best.values.iter().zip(&start.weights).all(|(mine, first)| same(mine, &first.value))
                    && [best.kept.len(), best.mask.len(), best.held.len(), best.coefficients.len()] == [count; 4]
            })
    }

    /// The numbers of a trained array.
    pub(super) fn value(&self, name: &str) -> Option<&Tensor> {
        self.weights.iter().find(|w| w.name == name).map(|w| &w.value)
    }

    /// The first trained array with a number, or a moment of it, that is not finite.
    pub(super) fn first_bad(&self) -> Option<&str> {
        let bad = |t: &Tensor| match t.data() {
            TensorData::F32(v) => v.iter().any(|x| !x.is_finite()),
            TensorData::F64(v) => v.iter().any(|x| !x.is_finite()),
        };
        let found = self.weights.iter().find(|w| [&w.value, &w.mean, &w.square].into_iter().any(bad));
        found.map(|w| w.name.as_str())
    }
}

impl Weights {
    fn new(name: &str, value: Tensor) -> Self {
        let zeros = Tensor::zeros(value.elem(), value.shape().to_vec());
        Weights { name: name.to_string(), value, mean: zeros.clone(), square: zeros }
    }
}

//! What a model declares: states, parameters and inputs, with ranges and units.

use super::Unit;
use super::model::{InputId, ParamId, StateId, UnknownId};
use crate::base::{Between, Idx, Ratio};
use crate::source::Span;

/// A state variable.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Its name.
    pub name: String,
    /// The highest derivative in its equation (1 for `x' = ...`).
    pub order: u8,
    /// Where it is declared.
    pub span: Span,
}

/// The name of the family that an element belongs to: `q` of `q[1, 2]`. Names without index sets are their own.
pub fn family(name: &str) -> &str {
    name.split('[').next().unwrap_or(name)
}

/// A closed range; either end may be infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Smallest value allowed.
    pub lower: f64,
    /// Largest value allowed.
    pub upper: f64,
}

impl Bounds {
    /// No bound at all.
    pub const FREE: Bounds = Bounds { lower: f64::NEG_INFINITY, upper: f64::INFINITY };
}

/// A declared parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// The declared value: where a fit starts, and what a simulation uses.
    pub value: Option<f64>,
    /// The range a fit keeps to.
    pub bounds: Bounds,
    /// Whether a fit leaves it alone (then it is substituted everywhere and is no unknown).
    pub fixed: bool,
    /// Whether it is fixed because a fit holds it, not the model.
    pub held: bool,
    /// Whether there is one number for each window or trajectory instead of one for all.
    pub per_sample: bool,
    /// Where it is declared.
    pub span: Span,
}

/// A known function of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name: a column of the data, unless it is a field.
    pub name: String,
    /// Of a field, which is not read from the data but trained: where its numbers start.
    pub field: Option<FieldStart>,
    /// What it does between samples.
    pub between: Between,
    /// Where it is declared.
    pub span: Span,
}

/// The numbers of a field start uniformly between two numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldStart {
    /// The smaller one.
    pub low: f64,
    /// The larger one; the same where all start at one number.
    pub high: f64,
}

/// The units of a model's quantities, each in the order of its arena; all empty in models without units.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Units {
    /// Of the time.
    pub time: Option<Unit>,
    /// Where that is declared.
    pub time_span: Option<Span>,
    /// Of the states.
    pub states: Vec<Option<Unit>>,
    /// Of the parameters.
    pub params: Vec<Option<Unit>>,
    /// Of the inputs.
    pub inputs: Vec<Option<Unit>>,
    /// Of the unknowns.
    pub unknowns: Vec<Option<Unit>>,
}

impl Units {
    /// Every unit there is.
    pub fn all(&self) -> impl Iterator<Item = &Unit> {
        let lists = [&self.states, &self.params, &self.inputs, &self.unknowns];
        self.time.iter().chain(lists.into_iter().flatten().flatten())
    }

    /// The unit of a state.
    pub fn state(&self, id: StateId) -> Option<&Unit> {
        self.states.get(id.index())?.as_ref()
    }

    /// The unit of a parameter.
    pub fn param(&self, id: ParamId) -> Option<&Unit> {
        self.params.get(id.index())?.as_ref()
    }

    /// The unit of an input.
    pub fn input(&self, id: InputId) -> Option<&Unit> {
        self.inputs.get(id.index())?.as_ref()
    }

    /// The unit of an estimated number.
    pub fn unknown(&self, id: UnknownId) -> Option<&Unit> {
        self.unknowns.get(id.index())?.as_ref()
    }

    /// The unit of a state's derivative.
    pub fn derivative(&self, id: StateId, order: u8) -> Option<Unit> {
        let state = self.state(id)?;
        match order {
            0 => Some(state.clone()),
            n => Some(state.over(&self.time.as_ref()?.power(Ratio::new(n.into(), 1)))),
        }
    }
}

//! The typed model: names resolved, holes expanded to terms, every equation split into its part linear in states and
//! derivatives and the rest. Plain data; `sema` makes it and everything after `sema` can rely on it.
//!
//! Invariants: every id is valid in its arena; expressions in a [`Model`] refer to that model only; numbers are finite;
//! each state has exactly one equation; hole coefficients and estimated parameters are the [`Unknown`]s, in the order
//! parameters first, then hole coefficients equation by equation and term by term.

mod dataset;
mod dump;
mod eval;
mod expand;
mod expr;
mod fit;
mod known_units;
mod made;
mod model;
mod network;
mod notation;
mod predict;
mod program;
mod quantities;
mod spell;
mod terms;
mod test;
mod training;
mod unit;
mod unit_numbers;
mod unit_of;
mod unknowns;

pub use crate::base::SolvePrecision;
pub use crate::base::number;
pub use dataset::{
    ColumnMap, Conversion, DataPlaces, DataSet, DataSource, Derived, DrivenBy, Holdout, Noise, SimulateSpec, Vary,
};
pub use dump::{bracketed, dump, spell_bounds, spell_loss};
pub use eval::Point;
pub use expand::{expand, expand_file};
pub use expr::{BinaryOp, Compare, Expr, ExprKind, UnaryFn};
pub use fit::{AuxiliaryBinding, Engine, Fit, HeldPlace, Normalise, ParameterBinding, UNNAMED_FIT};
pub use known_units::{known_unit, known_units};
pub use made::{Draw, FormulaSpec, SolveOptions, SolveSpec};
pub use model::{
    Boundary, DataId, DeclaredStep, Equation, FitId, HoleId, InitialValue, InputId, LinearTerm, Model, ModelId,
    NetworkId, ParamId, Part, Start, StateId, Statement, Statements, UnknownId, UnknownTerm,
};
pub use network::{Activation, Along, Feature, Layer, Network, NetworkInput, NetworkOutput, Over, Padding, Trunk};
pub use notation::{Exponent, Level, Notation, Piece, fraction_of, multiple_of_pi, write};
pub use predict::{FOLLOWS, Origin, PredictSpec};
pub use program::Program;
pub use quantities::{Bounds, FieldStart, Input, Param, State, Units, family};
pub use spell::Names;
pub use terms::{Term, terms};
pub use test::{
    Claim, EquationRef, Expectation, NamedTerm, Quantity, Reduction, Relation, Snapshot, Subject, Test, Timing,
};
pub use training::{
    Decay, EarlyStopping, FieldBinding, Loss, LossTerm, Measure, Optimizer, OutputRef, StartBinding, StartSource,
    StepSource,
};
pub use unit::{Dimension, Symbol, Unit};
pub use unit_numbers::UnitNumbers;
pub use unknowns::{Hole, HoleTerm, Side, Unknown, UnknownKind};

//! The typed model: names resolved, holes expanded to terms, every equation split into its part linear in states and
//! derivatives and the rest. Plain data; `sema` makes it and everything after `sema` can rely on it.
//!
//! Invariants: every id is valid in its arena; expressions in a [`Model`] refer to that model only; numbers are finite;
//! each state has exactly one equation; hole coefficients and estimated parameters are the [`Unknown`]s, in the order
//! parameters first, then hole coefficients equation by equation and term by term.

mod dump;
mod eval;
mod expand;
mod experiment;
mod expr;
mod made;
mod model;
mod spell;
mod test;

pub use dump::dump;
pub use eval::Point;
pub use expand::expand;
pub use experiment::{
    Activation, AuxiliaryBinding, ColumnMap, DataSet, DataSource, Decay, Engine, Fit, Holdout, Layer, Loss, Network,
    NetworkInput, NetworkOutput, Noise, Optimizer, Padding, ParameterBinding, Program, SimulateSpec, Trunk,
};
pub use expr::{BinaryOp, Compare, Expr, ExprKind, UnaryFn};
pub use made::{Draw, FormulaSpec, SolveOptions, SolvePrecision, SolveSpec};
pub use model::{
    Boundary, Bounds, DataId, Equation, FitId, Hole, HoleId, HoleTerm, InitialValue, Input, InputId, LinearTerm, Model,
    ModelId, NetworkId, Param, ParamId, Part, Start, State, StateId, Statement, Statements, Unknown, UnknownId,
    UnknownKind, UnknownTerm, family,
};
pub use spell::{Names, number};
pub use test::{Claim, EquationRef, Expectation, Quantity, Reduction, Relation, Snapshot, Subject, Test};

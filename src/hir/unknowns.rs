//! What a fit estimates: holes with their candidate terms, and every number.

use super::model::{HoleId, ParamId, StateId, UnknownId};
use super::{Bounds, Expr};
use crate::source::Span;

/// An unknown term: a weighted sum of candidate terms, with weights of its own for this place of use.
#[derive(Clone, Debug, PartialEq)]
pub struct Hole {
    /// What was written: `?poly(x, y; degree = 2)`.
    pub spelled: String,
    /// Its name, or the derivative that its equation gives, `x'`; of a family where elements share it.
    pub name: String,
    /// Which sum of a ratio it is.
    pub side: Option<Side>,
    /// The state whose equation holds it.
    pub state: StateId,
    /// Candidate terms, each with its coefficient's unknown.
    pub terms: Vec<HoleTerm>,
    /// Where it stands.
    pub span: Span,
}

/// A sum of a ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one above.
    Numerator,
    /// The one below, without the 1 that is added to it.
    Denominator,
}

impl Side {
    /// Both.
    pub const ALL: [Side; 2] = [Side::Numerator, Side::Denominator];

    /// The name in `.mech` source and in records.
    pub fn name(self) -> &'static str {
        match self {
            Side::Numerator => "numerator",
            Side::Denominator => "denominator",
        }
    }
}

/// A candidate term.
#[derive(Clone, Debug, PartialEq)]
pub struct HoleTerm {
    /// Factors in declaration order: `1`, `x`, `x^2`, `x*y`, `sin(x)`.
    pub spelled: String,
    /// Its value; it may hold parameters, which then enter nonlinearly, but no coefficient.
    pub value: Expr,
    /// Its coefficient.
    pub coefficient: UnknownId,
}

/// An estimated number.
#[derive(Clone, Debug, PartialEq)]
pub struct Unknown {
    /// What it is.
    pub kind: UnknownKind,
    /// `sigma`, or `y'[x*z]` for a hole's coefficient.
    pub name: String,
    /// Where the fit starts; `None` when the engine must find a start (hole coefficients, parameters without value).
    pub start: Option<f64>,
    /// The range a fit keeps to.
    pub bounds: Bounds,
    /// Whether every equation is affine in it (all other unknowns held).
    pub linear: bool,
}

/// What an unknown stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownKind {
    /// A declared parameter.
    Param(ParamId),
    /// The coefficient of a hole's term; it may be pruned.
    Coefficient {
        /// The hole.
        hole: HoleId,
        /// Position in [`Hole::terms`].
        term: usize,
    },
}

impl Unknown {
    /// Whether it is the coefficient of a hole's term.
    pub fn is_coefficient(&self) -> bool {
        matches!(self.kind, UnknownKind::Coefficient { .. })
    }
}

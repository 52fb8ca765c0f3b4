//! A model: its equations, what holds at the ends of the time, and where all its parts are.

use super::{Expr, Hole, HoleTerm, Input, Param, State, Unit, Units, Unknown, UnknownKind};
use crate::base::{Arena, Between, index_type};
use crate::source::Span;

index_type!(
    /// A model of a program.
    ModelId, "model"
);
index_type!(
    /// A network of a program.
    NetworkId, "network"
);
index_type!(
    /// A data set of a program.
    DataId, "data"
);
index_type!(
    /// A fit of a program.
    FitId, "fit"
);
index_type!(
    /// A state of a model.
    StateId, "state"
);
index_type!(
    /// A parameter of a model.
    ParamId, "param"
);
index_type!(
    /// An input of a model.
    InputId, "input"
);
index_type!(
    /// A hole of a model.
    HoleId, "hole"
);
index_type!(
    /// An estimated number of a model.
    UnknownId, "unknown"
);

/// A checked model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Documentation lines.
    pub doc: Vec<String>,
    /// Where it is declared.
    pub span: Span,
    /// State variables in declaration order.
    pub states: Arena<StateId, State>,
    /// All declared parameters, also fixed ones.
    pub params: Arena<ParamId, Param>,
    /// Known functions of time.
    pub inputs: Arena<InputId, Input>,
    /// Unknown terms.
    pub holes: Arena<HoleId, Hole>,
    /// Every number a fit estimates.
    pub unknowns: Arena<UnknownId, Unknown>,
    /// One equation per state, in state order.
    pub equations: Vec<Equation>,
    /// Pairs of unknowns that multiply the same wherever they stand: no data can tell them apart.
    pub alike: Vec<[UnknownId; 2]>,
    /// Initial values that the model states.
    pub initial: Vec<InitialValue>,
    /// What else holds at the ends of the time.
    pub boundary: Boundary,
    /// Steps of solves that the model says are learned.
    pub step: Option<DeclaredStep>,
    /// The statements as written, of models with index sets: what was found is told in their terms, not element by element.
    pub statements: Option<Statements>,
    /// What the names of `let`s, constants and fixed parameters stand for in models without statements, where only that is left of them.
    pub abbreviations: Vec<(String, Expr)>,
    /// Units, declared and inferred.
    pub units: Units,
}

/// Steps of solves that are learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeclaredStep {
    /// Whether there is one for every interval; otherwise one for each window.
    pub over_time: bool,
    /// What they start at; the data's step without it.
    pub init: Option<f64>,
    /// Where it is declared.
    pub span: Span,
}

/// A model with index sets in the terms it was written in.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Statements {
    /// Index sets, constants, `let`s, functions and inputs, one statement each.
    pub declarations: Vec<String>,
    /// States as declared, `q[body, axis]`, with their elements in order.
    pub states: Vec<(String, Vec<StateId>)>,
    /// Parameters as declared, with their elements in order.
    pub params: Vec<(String, Vec<ParamId>)>,
    /// Holes with a name.
    pub holes: Vec<Statement>,
    /// The equations.
    pub equations: Vec<Statement>,
}

/// One equation as written, which may stand for many.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The loops around it, outermost first: `i in body`.
    pub loops: Vec<String>,
    /// The left side.
    pub left: String,
    /// The right side as a sum: whether a summand is subtracted, and its parts.
    pub right: Vec<(bool, Vec<Part>)>,
}

/// Text or a hole in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Source text.
    Text(String),
    /// A sum of candidate terms.
    Hole(HoleId),
    /// Such a sum over 1 plus another.
    Ratio(HoleId, HoleId),
}

/// One equation with its split. Exactly
/// `residual == sum(linear) - known - sum(unknowns)`, and the equation says that it is zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Equation {
    /// The state it determines.
    pub state: StateId,
    /// Left minus right side, as written, with highest derivatives of other states replaced by what their equations say:
    /// the only highest derivative in it is that of [`Equation::state`].
    pub residual: Expr,
    /// The part linear in states and derivatives with coefficients free of states and unknowns. It always holds the
    /// highest derivative of [`Equation::state`] and stays in the quadratic programme.
    pub linear: Vec<LinearTerm>,
    /// The rest that holds no unknown linearly: functions of time, inputs, nonlinear terms of states, and unknowns that
    /// enter nonlinearly. `None` when zero.
    pub known: Option<Expr>,
    /// Unknowns that enter affinely: each times a factor. The factor may hold states and nonlinear unknowns, never a
    /// linear unknown.
    pub unknowns: Vec<UnknownTerm>,
    /// Where it stands.
    pub span: Span,
}

/// `coefficient * state^(derivative)`
#[derive(Clone, Debug, PartialEq)]
pub struct LinearTerm {
    /// The state.
    pub state: StateId,
    /// Which derivative.
    pub derivative: u8,
    /// Free of states and unknowns.
    pub coefficient: Expr,
}

/// `unknown * factor`
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownTerm {
    /// The estimated number.
    pub unknown: UnknownId,
    /// What it multiplies.
    pub factor: Expr,
}

/// `initial x' = 0`
#[derive(Clone, Debug, PartialEq)]
pub struct InitialValue {
    /// The state.
    pub state: StateId,
    /// Which derivative.
    pub derivative: u8,
    /// Its value at the first time.
    pub value: f64,
    /// Where it stands.
    pub span: Span,
}

/// What holds at the ends of the time beside initial values.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Boundary {
    /// Where the model says that its trajectory closes on itself.
    pub periodic: Option<Span>,
    /// Values at the last time.
    pub finals: Vec<InitialValue>,
    /// Starts that come from data.
    pub starts: Vec<Start>,
}

impl Boundary {
    /// The first place of what only a solve item honours: a periodic boundary or values at the last time.
    pub fn of_solves(&self) -> Option<Span> {
        self.periodic.or(self.finals.first().map(|v| v.span))
    }
}

/// `initial q = data.q for 50 steps`, `initial q = data.q at last`
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// The state.
    pub state: StateId,
    /// Which derivative.
    pub derivative: u8,
    /// The column of the data.
    pub column: String,
    /// For how many steps.
    pub steps: usize,
    /// Whether it is the last sample of a window, where the solve then begins; otherwise the first ones.
    pub last: bool,
    /// Where it stands.
    pub span: Span,
}

impl Model {
    /// The unit of an input's column: impulses are given by what they add up to.
    pub fn column_unit(&self, input: InputId) -> Option<Unit> {
        let unit = self.units.input(input)?;
        match self.inputs[input].between {
            Between::Impulse => Some(unit.times(self.units.time.as_ref()?)),
            Between::Smooth | Between::Held => Some(unit.clone()),
        }
    }

    /// Whether an unknown is a parameter with a number for each window or trajectory.
    pub fn is_per_sample(&self, unknown: &Unknown) -> bool {
        matches!(unknown.kind, UnknownKind::Param(p) if self.params[p].per_sample)
    }

    /// Whether every equation is linear in states and derivatives, with all its numbers known.
    pub fn is_linear(&self) -> bool {
        let holds_state = |e: &Expr| {
            let mut found = false;
            e.visit(&mut |part| found |= matches!(part.kind, super::ExprKind::State(..)));
            found
        };
        self.unknowns.is_empty() && !self.equations.iter().filter_map(|e| e.known.as_ref()).any(holds_state)
    }

    /// The unknown terms of all holes together with their hole and position.
    pub fn coefficients(&self) -> impl Iterator<Item = (UnknownId, HoleId, &HoleTerm)> {
        self.holes.iter().flat_map(|(id, hole)| hole.terms.iter().map(move |t| (t.coefficient, id, t)))
    }
}

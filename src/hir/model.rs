//! A model: states, unknowns, holes and equations.

use super::{Expr, Unit};
use crate::base::{Arena, Idx, Ratio, index_type};
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

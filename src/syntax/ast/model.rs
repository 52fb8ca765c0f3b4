//! Models: declarations, equations and loops.

use super::{Expr, Ident, UnitDecl, UnitExpr};
use crate::base::Between;
use crate::source::Span;

/// A model: its declarations and equations.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: Ident,
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// Declarations in order.
    pub body: Vec<ModelItem>,
    /// Units that its file declares.
    pub units: Vec<UnitDecl>,
    /// From `model` to the closing brace.
    pub span: Span,
}

/// A declaration inside a model.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelItem {
    /// `state x, y order 2`
    State(Vec<StateDecl>),
    /// `param k = 1 in [0, 5]`
    Param(Vec<ParamDecl>),
    /// `const g = 9.81`
    Const(Vec<Binding>),
    /// `input u, w`, `input u held`, `input u impulse`: known functions of time, columns of the data.
    Input(Vec<InputDecl>),
    /// `field c0, c1 over time init uniform(0, 1)`: numbers that differ from step to step.
    Field(FieldDecl),
    /// `step per sample`, `step over time init 0.1`: steps of solves that are not those of the data.
    Step(StepDecl),
    /// `hole g = ?poly(x; degree = 3)`: an unknown term with a name, the same wherever it stands.
    Hole(Binding),
    /// `let q = x*y`
    Let(Binding),
    /// `x' = a*x + ?poly(x; degree = 2)`, also `(x, y)' = ?poly(x, y; degree = 2)`
    Equation(Equation),
    /// `initial x = 1, x' = 0`
    Initial(Vec<InitialDecl>),
    /// `final x = 0`
    Final(Vec<InitialDecl>),
    /// `boundary periodic`
    Boundary(Ident),
    /// `index body = 2, cell = 128 periodic spacing 0.1`
    Index(Vec<IndexDecl>),
    /// `fn hill(x, K, n) = x^n/(K^n + x^n)`
    Function(Function),
    /// `for i in body { ... }`
    For(For),
    /// `time [s]`
    Time(UnitExpr),
}

/// An index set: a range of whole numbers with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexDecl {
    /// Its name.
    pub name: Ident,
    /// `128`, which counts from one, or `0..4`.
    pub range: Range,
    /// Whether the neighbour of the last element is the first.
    pub periodic: bool,
    /// The distance between neighbours, for difference operators.
    pub spacing: Option<Expr>,
}

/// `body`, `128` or `0..4`
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// The first number, or the whole range.
    pub from: Expr,
    /// The last number, after `..`.
    pub to: Option<Expr>,
    /// The whole of it.
    pub span: Span,
}

/// A function of the user's.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: Ident,
    /// Its parameters.
    pub params: Vec<Ident>,
    /// What a call stands for.
    pub body: Expr,
    /// The whole statement.
    pub span: Span,
}

/// Statements repeated for every element of a range.
#[derive(Clone, Debug, PartialEq)]
pub struct For {
    /// The name of the element.
    pub variable: Ident,
    /// The elements.
    pub range: Range,
    /// What is repeated.
    pub body: Vec<ModelItem>,
    /// From `for` to the closing brace.
    pub span: Span,
}

/// Fields over time.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDecl {
    /// Their names.
    pub names: Vec<InputDecl>,
    /// `init uniform(0, 1)` or `init 0.5`: what they start at.
    pub init: Option<Expr>,
}

/// Steps that are learned.
#[derive(Clone, Debug, PartialEq)]
pub struct StepDecl {
    /// Whether there is one for every interval; otherwise one for each window.
    pub over_time: bool,
    /// `init 0.1`: what they start at.
    pub init: Option<Expr>,
    /// The whole statement.
    pub span: Span,
}

/// One input.
#[derive(Clone, Debug, PartialEq)]
pub struct InputDecl {
    /// Its name.
    pub name: Ident,
    /// Its index sets.
    pub axes: Vec<Ident>,
    /// Its unit.
    pub unit: Option<UnitExpr>,
    /// What it does between samples.
    pub between: Between,
}

/// One state variable.
#[derive(Clone, Debug, PartialEq)]
pub struct StateDecl {
    /// Its name.
    pub name: Ident,
    /// Its index sets.
    pub axes: Vec<Ident>,
    /// Its unit.
    pub unit: Option<UnitExpr>,
    /// `order 2`, when written.
    pub order: Option<Expr>,
}

/// One parameter: estimated by a fit, starting from its value, unless it is fixed.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamDecl {
    /// Its name.
    pub name: Ident,
    /// Its index sets.
    pub axes: Vec<Ident>,
    /// Its unit.
    pub unit: Option<UnitExpr>,
    /// `= 1`
    pub value: Option<Expr>,
    /// `in [0, 5]`
    pub bounds: Option<(Expr, Expr)>,
    /// Whether `fixed` is written: a fit leaves it alone.
    pub fixed: bool,
    /// `per sample`, which stands behind all of a statement: one number for each window or trajectory.
    pub per_sample: Option<Span>,
}

/// `name = value`
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// The name.
    pub name: Ident,
    /// The index sets of a `const` or `let`.
    pub axes: Vec<Ident>,
    /// The unit of a `const` or `let`.
    pub unit: Option<UnitExpr>,
    /// What it stands for.
    pub value: Expr,
}

/// An equation between two expressions. The left side may be a tuple of primed states, when one right side (a hole
/// with own coefficients per state) serves several.
#[derive(Clone, Debug, PartialEq)]
pub struct Equation {
    /// Left of `=`.
    pub left: Expr,
    /// Right of `=`.
    pub right: Expr,
    /// Both sides.
    pub span: Span,
}

/// `x' = 0` in an `initial` or a `final` declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct InitialDecl {
    /// The state.
    pub state: Ident,
    /// The subscripts of one element of it.
    pub at: Vec<Expr>,
    /// The number of primes.
    pub primes: u32,
    /// Its value at the first time, or at the last one.
    pub value: Expr,
    /// `for 50 steps`, when written: the value is then a column of the data, `data.x`.
    pub steps: Option<Expr>,
    /// Where `at last` stands, when written: the value is the last one of a window.
    pub last: Option<Span>,
    /// The whole of it.
    pub span: Span,
}

//! The syntax tree: what was written, with a span on every node and nothing resolved.

mod expr;
mod model;
mod test;

pub use expr::{BinaryOp, Call, Expr, ExprKind, NamedArgument, Relation, UnaryOp};
pub use model::{
    Binding, Equation, FieldDecl, For, Function, IndexDecl, InitialDecl, InputDecl, Model, ModelItem, ParamDecl, Range,
    StateDecl, StepDecl,
};
pub use test::{Claim, Comparison, Expectation, Side, Test};

use crate::base::Ratio;
use crate::source::Span;

/// A name as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Ident {
    /// The text of the name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}

/// A whole source file.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct File {
    /// The `//!` lines at the top, without the marker.
    pub doc: Vec<String>,
    /// The items in order.
    pub items: Vec<Item>,
}

/// A top-level item.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `use std.systems.Lorenz63`
    Use(Use),
    /// `model NAME { ... }`
    Model(Model),
    /// `network NAME { ... }`
    Network(Block),
    /// `data NAME = source(...) { ... }`, `solve NAME = MODEL { ... }`, `predict NAME = FIT { ... }`
    Data(Data),
    /// `fit MODEL to DATA { ... }`
    Fit(Fit),
    /// `test "NAME" { expect ... }`
    Test(Test),
    /// `fn NAME(x, k) = ...`
    Function(Function),
    /// `unit NAME = 201.168 [m]`
    Unit(UnitDecl),
}

impl Item {
    /// The whole item, from its keyword on.
    pub fn span(&self) -> Span {
        match self {
            Item::Use(item) => item.span,
            Item::Model(item) => item.span,
            Item::Network(item) => item.span,
            Item::Data(item) => item.span,
            Item::Fit(item) => item.span,
            Item::Test(item) => item.span,
            Item::Function(item) => item.span,
            Item::Unit(item) => item.span,
        }
    }
}

/// A unit as written between brackets: `kg*m/s^2`, as a product of powers.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitExpr {
    /// Names of units, each with its power; `1` leaves none.
    pub factors: Vec<(Ident, Ratio)>,
    /// With the brackets.
    pub span: Span,
}

/// A unit of the user's.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitDecl {
    /// Its name.
    pub name: Ident,
    /// How many of which unit it is; without, it is a base unit of its own.
    pub value: Option<(f64, UnitExpr)>,
    /// The whole declaration.
    pub span: Span,
}

/// An import: the last segment names the item, those before it the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// The dotted path.
    pub path: Vec<Ident>,
    /// The whole declaration.
    pub span: Span,
}

/// `NAME { settings }`: a network, and the shape of every settings block.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Its name.
    pub name: Ident,
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// Its settings in order.
    pub settings: Vec<Setting>,
    /// From the keyword to the closing brace.
    pub span: Span,
}

/// `data NAME = source(...) { ... }`, or `solve NAME = MODEL { ... }` and `predict NAME = FIT { ... }`, whose results are data sets too.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// Its name.
    pub name: Ident,
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// Where it comes from.
    pub source: DataSource,
    /// Its settings.
    pub settings: Vec<Setting>,
    /// From `data`, `solve` or `predict` to the closing brace.
    pub span: Span,
}

/// Where data comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum DataSource {
    /// `csv("a.csv")`, `npz("a.npz")`, `npy("a.npy")`, `parquet("a.parquet")`
    File {
        /// The format's name as written.
        format: Ident,
        /// The path: a string expression.
        path: Expr,
    },
    /// `simulate Lorenz63(rho = 20)`
    Simulate {
        /// The model.
        model: Ident,
        /// Parameter values that replace the model's own.
        arguments: Vec<Binding>,
    },
    /// `formula`: the columns are settings of the block.
    Formula(Span),
    /// The fit of a `predict` item, or its model.
    Predict(Ident),
    /// `Oscillator(k = 2)` of a `solve` item.
    Solve {
        /// The model.
        model: Ident,
        /// Parameter values that replace the model's own.
        arguments: Vec<Binding>,
    },
}

/// `fit MODEL to DATA { ... }` or `fit MODEL to (DATA, DATA) { ... }`, optionally `as NAME`.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The name after `as`; the block is called `fit` without one.
    pub name: Option<Ident>,
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// The model that is fitted.
    pub model: Ident,
    /// Values at which parameters are held.
    pub arguments: Vec<Binding>,
    /// The data sets it is fitted to, at least one.
    pub data: Vec<Ident>,
    /// Its settings.
    pub settings: Vec<Setting>,
    /// From `fit` to the closing brace.
    pub span: Span,
}

/// A setting: a key and what follows it up to the end of the statement.
///
/// `noise 5%` and `noise = 5%` mean the same. Words and expressions may alternate, so that one shape carries
/// `mlp [1024, 1024] relu`, `auxiliary (x, y, z) = smoother.v`, `holdout 20%`, `output v[3] over window`.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The key.
    pub key: Ident,
    /// What follows, in order; an `=` among them is dropped when it follows the key and kept as a word otherwise.
    pub values: Vec<SettingValue>,
    /// Key and values.
    pub span: Span,
}

/// A part of a setting after its key.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    /// An expression; a bare word is an [`ExprKind::Name`].
    Expr(Expr),
    /// `[1024, 1024]`
    List(Vec<Expr>, Span),
    /// `(x, y, z)` or `(a)`: a parenthesised list that is the whole part.
    Tuple(Vec<Expr>, Span),
    /// A loose `=`.
    Equals(Span),
}

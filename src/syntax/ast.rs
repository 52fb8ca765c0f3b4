//! The syntax tree: what was written, with a span on every node and nothing resolved.

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
    /// `input u, w`: known functions of time, columns of the data.
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
    /// The data sets it is fitted to, at least one.
    pub data: Vec<Ident>,
    /// Its settings.
    pub settings: Vec<Setting>,
    /// From `fit` to the closing brace.
    pub span: Span,
}

/// `test "NAME" { ... }`
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The text between the quotes, with its place.
    pub name: Ident,
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// Its expectations in order.
    pub expectations: Vec<Expectation>,
    /// From `test` to the closing brace.
    pub span: Span,
}

/// `expect ...`
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What is expected.
    pub claim: Claim,
    /// From `expect` to the end of the statement.
    pub span: Span,
}

/// What a test expects.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all claims are comparisons")]
pub enum Claim {
    /// `coef(y', x) ~= 28 within 2%`
    Compare {
        /// Left side.
        left: Side,
        /// How the sides compare.
        comparison: Comparison,
        /// Right side.
        right: Side,
        /// The tolerance after `within`.
        within: Option<Expr>,
    },
    /// `snapshot equations of quick`
    Snapshot {
        /// What is kept.
        what: Ident,
        /// The fit or model it is about.
        of: Option<Ident>,
    },
}

/// A side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Side {
    /// A number, or one for every sample.
    Expr(Expr),
    /// `{x, y}`
    Set(Vec<Expr>, Span),
}

/// How the two sides of an expectation compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equals,
    /// `!=`
    Differs,
    /// `~=`
    Nearly,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `<`
    Less,
    /// `>`
    Greater,
}

impl Comparison {
    /// The operator as it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Comparison::Equals => "==",
            Comparison::Differs => "!=",
            Comparison::Nearly => "~=",
            Comparison::AtLeast => ">=",
            Comparison::AtMost => "<=",
            Comparison::Less => "<",
            Comparison::Greater => ">",
        }
    }
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

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `1e-3`; `5%` is 0.05 with `percent` set.
    Number {
        /// The value, with a per cent sign already applied.
        value: f64,
        /// Whether a per cent sign was written.
        percent: bool,
    },
    /// `9.81 [m/s^2]`
    Measured {
        /// The number.
        value: Box<Expr>,
        /// Its unit.
        unit: UnitExpr,
    },
    /// `"lorenz.csv"`, without the quotes.
    Text(String),
    /// `x`
    Name(String),
    /// `x'`, `x''`: a name or a tuple with primes.
    Primed {
        /// What is differentiated.
        of: Box<Expr>,
        /// How often.
        primes: u32,
    },
    /// `smoother.v`
    Field {
        /// Left of the dot.
        of: Box<Expr>,
        /// Right of it.
        name: Ident,
    },
    /// `q[1]`, `v[3]`
    Subscript {
        /// What is subscripted.
        of: Box<Expr>,
        /// The subscripts.
        at: Vec<Expr>,
    },
    /// `sin(x)`, `adam(lr = 1e-3)`
    Call(Call),
    /// `?poly(x, y; degree = 2)`
    Hole(Call),
    /// `(x, y, z)` with two or more elements.
    Tuple(Vec<Expr>),
    /// `-x`, `+x`
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        operand: Box<Expr>,
    },
    /// `sum(k in 0..4) c[k]`
    Sum {
        /// The name of the element.
        variable: Ident,
        /// The elements.
        range: Box<Range>,
        /// What is added up.
        body: Box<Expr>,
    },
    /// `if x > 0 then a else b`
    If {
        /// What decides.
        condition: Box<Expr>,
        /// The value where it holds.
        then: Box<Expr>,
        /// The value elsewhere.
        otherwise: Box<Expr>,
    },
    /// `a + b`
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
}

/// `f(a, b; key = value)`
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is called.
    pub function: Ident,
    /// Positional arguments.
    pub arguments: Vec<Expr>,
    /// `key = value` arguments, after the positional ones or after `;`.
    pub named: Vec<NamedArgument>,
}

/// A constraint or option in a call: `degree = 2`, `coefficients >= 0`.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArgument {
    /// The key.
    pub name: Ident,
    /// `=`, `>=` or `<=`.
    pub relation: Relation,
    /// The value.
    pub value: Expr,
}

/// How a named argument's key relates to its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `=`
    Is,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
}

/// A prefix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Negate,
    /// `+`
    Plus,
    /// `not`
    Not,
}

/// An infix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `^`, right associative, binds tighter than a prefix minus.
    Power,
    /// `==`
    Equal,
    /// `!=`
    Different,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `and`
    And,
    /// `or`
    Or,
}

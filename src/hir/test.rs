//! Tests of a program: what is expected of data, models and fits.

use super::{BinaryOp, DataId, FitId, HoleId, ModelId, UnaryFn, Unit};
use crate::source::Span;

/// `test "NAME" { ... }`
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The text between the quotes.
    pub name: String,
    /// What is expected, in order; never empty.
    pub expectations: Vec<Expectation>,
    /// From `test` to the closing brace.
    pub span: Span,
}

/// One thing that is expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What must hold.
    pub claim: Claim,
    /// Where it stands.
    pub span: Span,
}

/// What must hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// Two quantities compare so; with series, at every sample.
    Compare {
        /// Left side.
        left: Quantity,
        /// How they compare.
        relation: Relation,
        /// Right side.
        right: Quantity,
        /// The unit of both, where a unit is written.
        unit: Option<Unit>,
    },
    /// An equation has these terms and no others, or, with `equal` false, not these.
    Terms {
        /// The equation.
        of: EquationRef,
        /// Whether the sets must be equal.
        equal: bool,
        /// The terms, each once.
        terms: Vec<NamedTerm>,
    },
    /// A text is the one that was kept.
    Snapshot {
        /// What is kept.
        what: Snapshot,
        /// What distinguishes it from others of the same test, such as `equations of quick`.
        key: String,
    },
}

/// A term that a test names.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTerm {
    /// In canonical spelling, by which terms are compared.
    pub spelled: String,
    /// The same with what functions of the file stand for, where it calls some: equations have either.
    pub written_out: Option<String>,
    /// In the names that the test uses.
    pub shown: String,
}

impl NamedTerm {
    /// Whether the term with this canonical spelling is meant.
    pub fn is(&self, canonical: &str) -> bool {
        self.spelled == canonical || self.written_out.as_deref() == Some(canonical)
    }
}

/// A text that is kept and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Snapshot {
    /// Equations and parameters, to three digits.
    Equations(Subject),
    /// What `mechc expand` prints: of a model, or of the whole file, without the models that it imports.
    Lowering(Option<ModelId>),
}

/// How two quantities compare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relation {
    /// `==`, to the last bit.
    Equals,
    /// `!=`
    Differs,
    /// `~=`: they differ by at most this much.
    Within(f64),
    /// `~=`: they differ by at most this part of the right side.
    WithinShare(f64),
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// What has equations and parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// What a fit found.
    Fit(FitId),
    /// A model with its declared numbers; holes are empty.
    Model(ModelId),
}

/// What has terms: an equation, a hole with a name, or a sum of a ratio, and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct EquationRef {
    /// Whose.
    pub subject: Subject,
    /// Name of the state, or of the hole.
    pub state: String,
    /// The sum of a ratio in that equation, or of the ratio with that name.
    pub sum: Option<HoleId>,
}

/// A number, or a number for every sample of a data set or a fit.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    /// A constant.
    Number(f64),
    /// A constant in the unit of what it is compared with.
    Measured(f64, Unit),
    /// A column of a data set, trajectory after trajectory; the times for `t`. Missing samples are NaN.
    Column(DataId, String),
    /// A state of a fit's solution, trajectory after trajectory; the times for `t`.
    Solution(FitId, String),
    /// A parameter: its estimate or its declared value.
    Parameter(Subject, String),
    /// The standard error of a parameter of a fit.
    ParameterError(FitId, String),
    /// The coefficient of a term in canonical spelling; zero where the equation does not have it.
    Coefficient(EquationRef, Box<NamedTerm>),
    /// The standard error of a coefficient.
    CoefficientError(EquationRef, Box<NamedTerm>),
    /// A figure of merit of a fit: name and part.
    Metric(FitId, String, String),
    /// The estimated standard deviation of a state's noise.
    Noise(FitId, String),
    /// The loss at the end of a fit.
    Loss(FitId),
    /// A function of every sample.
    Unary(UnaryFn, Box<Quantity>),
    /// An operator, sample by sample.
    Binary(BinaryOp, Box<Quantity>, Box<Quantity>),
    /// A number from all samples.
    Reduced(Reduction, Box<Quantity>),
    /// Several numbers, one after the other.
    List(Vec<Quantity>),
    /// A number from all samples and their times.
    Timed {
        /// Which number.
        how: Timing,
        /// The samples.
        series: Box<Quantity>,
        /// Their times.
        times: Box<Quantity>,
    },
}

/// How a series becomes a number with the help of its times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Timing {
    /// The value at this time of the first trajectory.
    At(f64),
    /// The mean time between rises through the middle of the range.
    Period,
    /// How many samples above the middle of the range are larger than their neighbours.
    Peaks,
}

/// How a series becomes a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The arithmetic mean.
    Mean,
    /// The sum.
    Sum,
    /// The root of the mean square.
    Rms,
    /// The first value.
    First,
    /// The last value.
    Last,
    /// How many values.
    Count,
}

impl Reduction {
    /// Every reduction.
    pub const ALL: [Reduction; 8] = [
        Reduction::Min,
        Reduction::Max,
        Reduction::Mean,
        Reduction::Sum,
        Reduction::Rms,
        Reduction::First,
        Reduction::Last,
        Reduction::Count,
    ];

    /// The name in `.mech` source.
    pub fn name(self) -> &'static str {
        match self {
            Reduction::Min => "min",
            Reduction::Max => "max",
            Reduction::Mean => "mean",
            Reduction::Sum => "sum",
            Reduction::Rms => "rms",
            Reduction::First => "first",
            Reduction::Last => "last",
            Reduction::Count => "count",
        }
    }

    /// The number; NaN where a value is NaN or, but for sum and count, where there is none.
    pub fn apply(self, values: &[f64]) -> f64 {
        let n = values.len() as f64;
        let extreme = |pick: fn(f64, f64) -> f64| values.iter().copied().reduce(pick).unwrap_or(f64::NAN);
        match self {
            Reduction::Min => extreme(crate::base::Real::min),
            Reduction::Max => extreme(crate::base::Real::max),
            Reduction::Mean => values.iter().sum::<f64>() / n,
            Reduction::Sum => values.iter().sum(),
            Reduction::Rms => (values.iter().map(|v| v * v).sum::<f64>() / n).sqrt(),
            Reduction::First => values.first().copied().unwrap_or(f64::NAN),
            Reduction::Last => values.last().copied().unwrap_or(f64::NAN),
            Reduction::Count => n,
        }
    }
}

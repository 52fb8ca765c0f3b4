//! Direct evaluation of expressions: slow, obvious, the yardstick for everything that transforms them.

use super::{BinaryOp, Equation, Expr, ExprKind, UnaryFn};
use crate::base::Idx;

/// Values for everything an expression may mention.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Point {
    /// The time.
    pub time: f64,
    /// For each state its value and its derivatives from the first on.
    pub states: Vec<Vec<f64>>,
    /// One value per input.
    pub inputs: Vec<f64>,
    /// One value per unknown.
    pub unknowns: Vec<f64>,
}

impl UnaryFn {
    /// The function's value; through `libm`, so that it is the same on every machine.
    pub fn apply(self, a: f64) -> f64 {
        match self {
            UnaryFn::Neg => -a,
            UnaryFn::Abs => a.abs(),
            UnaryFn::Sqrt => a.sqrt(),
            UnaryFn::Exp => libm::exp(a),
            UnaryFn::Ln => libm::log(a),
            UnaryFn::Sin => libm::sin(a),
            UnaryFn::Cos => libm::cos(a),
            UnaryFn::Tan => libm::tan(a),
            UnaryFn::Asin => libm::asin(a),
            UnaryFn::Acos => libm::acos(a),
            UnaryFn::Atan => libm::atan(a),
            UnaryFn::Sinh => libm::sinh(a),
            UnaryFn::Cosh => libm::cosh(a),
            UnaryFn::Tanh => libm::tanh(a),
            UnaryFn::Sign => {
                if a > 0.0 {
                    1.0
                } else if a < 0.0 {
                    -1.0
                } else {
                    a
                }
            }
        }
    }
}

impl BinaryOp {
    /// The operator's value.
    pub fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            BinaryOp::Mul => a * b,
            BinaryOp::Div => a / b,
            BinaryOp::Pow => libm::pow(a, b),
            BinaryOp::Min => a.min(b),
            BinaryOp::Max => a.max(b),
        }
    }
}

/// `a` to the whole power `n` by repeated squaring; a negative power is the reciprocal of the positive one.
pub fn powi(a: f64, n: i32) -> f64 {
    let mut exponent = n.unsigned_abs();
    let mut base = a;
    let mut result = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    if n < 0 { 1.0 / result } else { result }
}

impl Expr {
    /// The value at `point`; what the point lacks counts as NaN.
    pub fn eval(&self, point: &Point) -> f64 {
        match &self.kind {
            ExprKind::Number(v) => *v,
            ExprKind::Time => point.time,
            ExprKind::State(s, d) => {
                point.states.get(s.index()).and_then(|v| v.get(usize::from(*d))).copied().unwrap_or(f64::NAN)
            }
            ExprKind::Input(i) => point.inputs.get(i.index()).copied().unwrap_or(f64::NAN),
            ExprKind::Unknown(u) => point.unknowns.get(u.index()).copied().unwrap_or(f64::NAN),
            ExprKind::Unary(f, a) => f.apply(a.eval(point)),
            ExprKind::Binary(op, a, b) => op.apply(a.eval(point), b.eval(point)),
            ExprKind::Powi(a, n) => powi(a.eval(point), *n),
        }
    }
}

impl Equation {
    /// The residual computed from the split: `sum(linear) - known - sum(unknowns)`.
    pub fn eval_split(&self, point: &Point) -> f64 {
        let state = |s: usize, d: u8| point.states.get(s).and_then(|v| v.get(usize::from(d))).copied();
        let unknown = |u: usize| point.unknowns.get(u).copied();
        let mut sum = 0.0;
        for term in &self.linear {
            sum += term.coefficient.eval(point) * state(term.state.index(), term.derivative).unwrap_or(f64::NAN);
        }
        if let Some(known) = &self.known {
            sum -= known.eval(point);
        }
        for term in &self.unknowns {
            sum -= unknown(term.unknown.index()).unwrap_or(f64::NAN) * term.factor.eval(point);
        }
        sum
    }
}

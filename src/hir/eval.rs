//! Direct evaluation of expressions: slow, obvious, the yardstick for everything that transforms them.

use super::{BinaryOp, Equation, Expr, ExprKind, UnaryFn};
use crate::base::{Idx, Real};

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
    /// The function's value, by the scalar rules of [`Real`].
    pub fn apply(self, a: f64) -> f64 {
        match self {
            UnaryFn::Neg => Real::neg(a),
            UnaryFn::Abs => Real::abs(a),
            UnaryFn::Sqrt => Real::sqrt(a),
            UnaryFn::Exp => Real::exp(a),
            UnaryFn::Ln => Real::ln(a),
            UnaryFn::Sin => Real::sin(a),
            UnaryFn::Cos => Real::cos(a),
            UnaryFn::Tan => Real::tan(a),
            UnaryFn::Asin => Real::asin(a),
            UnaryFn::Acos => Real::acos(a),
            UnaryFn::Atan => Real::atan(a),
            UnaryFn::Sinh => Real::sinh(a),
            UnaryFn::Cosh => Real::cosh(a),
            UnaryFn::Tanh => Real::tanh(a),
            UnaryFn::Sign => Real::sign(a),
        }
    }
}

impl BinaryOp {
    /// The operator's value, by the scalar rules of [`Real`].
    pub fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            BinaryOp::Mul => a * b,
            BinaryOp::Div => a / b,
            BinaryOp::Pow => Real::pow(a, b),
            BinaryOp::Min => Real::min(a, b),
            BinaryOp::Max => Real::max(a, b),
        }
    }
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
            ExprKind::Powi(a, n) => Real::powi(a.eval(point), *n),
            ExprKind::Select(compare, parts) => {
                let [a, b, x, y] = parts.as_ref();
                let branch = if compare.holds(a.eval(point), b.eval(point)) { x } else { y };
                branch.eval(point)
            }
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

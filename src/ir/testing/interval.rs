//! Interval arithmetic, just enough to stay inside domains.

use crate::ir::{BinaryOp, UnaryOp};

/// Bounds of a value's numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    pub lo: f64,
    pub hi: f64,
}

/// Larger numbers are not made.
const LIMIT: f64 = 30.0;

impl Interval {
    pub fn new(lo: f64, hi: f64) -> Interval {
        Interval { lo, hi }
    }

    /// The interval if its numbers are of a sane size.
    pub fn sane(self) -> Option<Interval> {
        (self.lo >= -LIMIT && self.hi <= LIMIT).then_some(self)
    }

    pub fn hull(self, other: Interval) -> Interval {
        Interval::new(self.lo.min(other.lo), self.hi.max(other.hi))
    }

    /// The sum of `n` numbers from here.
    pub fn times(self, n: usize) -> Interval {
        let n = n as f64;
        Interval::new(self.lo * n, self.hi * n)
    }

    pub fn product(self, other: Interval) -> Interval {
        self.corners(other, |a, b| a * b)
    }

    fn corners(self, other: Interval, f: impl Fn(f64, f64) -> f64) -> Interval {
        let all = [f(self.lo, other.lo), f(self.lo, other.hi), f(self.hi, other.lo), f(self.hi, other.hi)];
        let min = all.iter().copied().fold(f64::INFINITY, f64::min);
        Interval::new(min, all.iter().copied().fold(f64::NEG_INFINITY, f64::max))
    }

    fn monotone(self, f: impl Fn(f64) -> f64) -> Interval {
        let (a, b) = (f(self.lo), f(self.hi));
        Interval::new(a.min(b), a.max(b))
    }

    fn within(self, lo: f64, hi: f64) -> bool {
        self.lo >= lo && self.hi <= hi
    }

    /// Whether every number is at least this far from zero.
    pub fn away_from_zero(self, by: f64) -> bool {
        self.lo >= by || self.hi <= -by
    }

    /// Whether no number of one comes close to any of the other.
    pub fn apart(self, other: Interval) -> bool {
        self.hi + 0.05 < other.lo || other.hi + 0.05 < self.lo
    }

    /// The result of `op`, or `None` outside its domain (and, when `smooth`, where it may have a kink).
    pub fn unary(self, op: UnaryOp, smooth: bool) -> Option<Interval> {
        let corner = |f: fn(f64) -> f64| Some(self.monotone(f));
        let even = |f: fn(f64) -> f64| {
            let ends = self.monotone(f);
            Some(if self.lo <= 0.0 && self.hi >= 0.0 { ends.hull(Interval::new(f(0.0), f(0.0))) } else { ends })
        };
        match op {
            UnaryOp::Neg => corner(|x| -x),
            UnaryOp::Abs if smooth && !self.away_from_zero(0.05) => None,
            UnaryOp::Abs => even(f64::abs),
            UnaryOp::Sign if smooth && !self.away_from_zero(0.05) => None,
            UnaryOp::Sign => Some(Interval::new(-1.0, 1.0)),
            UnaryOp::Sqrt => (self.lo >= 0.05).then(|| self.monotone(f64::sqrt)),
            UnaryOp::Ln => (self.lo >= 0.05).then(|| self.monotone(f64::ln)),
            UnaryOp::Exp => (self.hi <= 3.0).then(|| self.monotone(f64::exp)),
            UnaryOp::Sin | UnaryOp::Cos => Some(Interval::new(-1.0, 1.0)),
            UnaryOp::Tan => self.within(-1.2, 1.2).then(|| self.monotone(f64::tan)),
            UnaryOp::Asin => self.within(-0.9, 0.9).then(|| self.monotone(f64::asin)),
            UnaryOp::Acos => self.within(-0.9, 0.9).then(|| self.monotone(f64::acos)),
            UnaryOp::Atan => corner(f64::atan),
            UnaryOp::Sinh => self.within(-3.0, 3.0).then(|| self.monotone(f64::sinh)),
            UnaryOp::Cosh => self.within(-3.0, 3.0).then(|| even(f64::cosh)).flatten(),
            UnaryOp::Tanh => corner(f64::tanh),
        }
        .and_then(Interval::sane)
    }

    /// The result of `op`, under the same conditions.
    pub fn binary(self, op: BinaryOp, other: Interval, smooth: bool) -> Option<Interval> {
        match op {
            BinaryOp::Add => Some(self.corners(other, |a, b| a + b)),
            BinaryOp::Sub => Some(self.corners(other, |a, b| a - b)),
            BinaryOp::Mul => Some(self.product(other)),
            BinaryOp::Div => other.away_from_zero(0.2).then(|| self.corners(other, |a, b| a / b)),
            BinaryOp::Pow => (self.lo >= 0.2 && other.within(-3.0, 3.0)).then(|| self.corners(other, f64::powf)),
            BinaryOp::Min | BinaryOp::Max if smooth && !self.apart(other) => None,
            BinaryOp::Min => Some(Interval::new(self.lo.min(other.lo), self.hi.min(other.hi))),
            BinaryOp::Max => Some(Interval::new(self.lo.max(other.lo), self.hi.max(other.hi))),
        }
        .and_then(Interval::sane)
    }

    /// The result of the whole power `n`, under the same conditions.
    pub fn powi(self, n: i32) -> Option<Interval> {
        if n < 0 && !self.away_from_zero(0.3) {
            return None;
        }
        let ends = self.monotone(|x| x.powi(n));
        let through_zero = n > 0 && self.lo <= 0.0 && self.hi >= 0.0;
        (if through_zero { ends.hull(Interval::new(0.0, 0.0)) } else { ends }).sane()
    }
}

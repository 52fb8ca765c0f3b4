//! The unit of a resolved expression, as far as it can still be told.

use super::{BinaryOp, Expr, ExprKind, Model, UnaryFn, Unit};
use crate::base::Ratio;

impl Model {
    /// The unit of `expr`; `None` where it cannot be told. Constants have been put in as numbers, and what unit such a number had
    /// is not known any more: it may stand alone in a sum, where it has the unit of the rest, but not as a factor.
    pub fn unit_of(&self, expr: &Expr) -> Option<Unit> {
        match &expr.kind {
            ExprKind::Number(v) => (*v == 1.0).then(Unit::one),
            ExprKind::Time => self.units.time.clone(),
            ExprKind::State(state, order) => self.units.derivative(*state, *order),
            ExprKind::Input(input) => self.units.input(*input).cloned(),
            ExprKind::Unknown(unknown) => self.units.unknown(*unknown).cloned(),
            ExprKind::Unary(f, a) => match f {
                UnaryFn::Neg | UnaryFn::Abs => self.unit_of(a),
                UnaryFn::Sqrt => self.unit_of(a).map(|u| u.power(Ratio::new(1, 2))),
                // Their argument is a plain number, which has been checked, or its sign alone counts.
                _ => Some(Unit::one()),
            },
            ExprKind::Powi(a, n) => self.unit_of(a).map(|u| u.power(Ratio::new((*n).into(), 1))),
            ExprKind::Binary(op, a, b) => match op {
                BinaryOp::Mul => Some(self.unit_of(a)?.times(&self.unit_of(b)?)),
                BinaryOp::Div => Some(self.unit_of(a)?.over(&self.unit_of(b)?)),
                BinaryOp::Pow => match b.as_number().map(Ratio::of) {
                    Some(power) => self.unit_of(a).map(|u| u.power(power.unwrap_or(Ratio::ZERO))),
                    None => Some(Unit::one()),
                },
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Min | BinaryOp::Max => self.common_unit(&[a, b]),
            },
            ExprKind::Select(_, parts) => {
                let [_, _, x, y] = parts.as_ref();
                self.common_unit(&[x, y])
            }
        }
    }

    /// The unit of what is added up, numbers aside.
    fn common_unit(&self, parts: &[&Expr]) -> Option<Unit> {
        let mut common: Option<Unit> = None;
        for part in parts.iter().filter(|p| p.as_number().is_none()) {
            let unit = self.unit_of(part)?;
            match &common {
                Some(first) if !first.equals(&unit) => return None,
                Some(_) => {}
                None => common = Some(unit),
            }
        }
        common
    }
}

//! Numbers with the units they must have, so that an expression can be read as source again.
//!
//! A resolved expression holds constants as plain numbers, and what unit each had is not known any more. What surrounds a number
//! says it again: a summand has the unit of the others, a factor what the rest of its product lacks. Where several numbers could
//! carry it, any choice means the same.

use super::{
    BinaryOp, Bounds, Expr, ExprKind, HoleId, Model, Names, UnaryFn, Unit, Unknown, UnknownId, UnknownKind, number,
};
use crate::base::{Arena, Idx, Ratio};

/// What is known of the unit of an expression.
#[derive(Clone, Debug)]
enum Told {
    /// It has this one.
    Is(Unit),
    /// Numbers in it can give it any.
    Any,
    /// Something in it has no known unit.
    Nothing,
}

impl Told {
    fn map(self, f: impl Fn(&Unit) -> Unit) -> Told {
        match self {
            Told::Is(unit) => Told::Is(f(&unit)),
            other => other,
        }
    }
}

/// Spells expressions of a model with the units of their numbers.
#[derive(Clone, Debug)]
pub struct UnitNumbers<'m> {
    model: &'m Model,
    unknowns: Arena<UnknownId, Unknown>,
    number: fn(f64) -> String,
}

impl Model {
    /// `expr` as source in which numbers carry the units that make the whole measured in `unit`.
    pub fn spell_in(&self, expr: &Expr, unit: &Unit) -> String {
        let mut numbers = UnitNumbers::new(self, self.unknowns.clone(), number);
        let given = numbers.give(expr, unit);
        numbers.names().spell(&given)
    }
}

impl<'m> UnitNumbers<'m> {
    /// `unknowns` are those of the model, under the names by which they are to be spelled.
    pub fn new(model: &'m Model, unknowns: Arena<UnknownId, Unknown>, number: fn(f64) -> String) -> Self {
        UnitNumbers { model, unknowns, number }
    }

    /// The names with which [given](Self::give) expressions are spelled.
    pub fn names(&self) -> Names<'_> {
        Names { unknowns: &self.unknowns, units: None, ..self.model.names() }
    }

    /// The unit of an expression, `1` where its numbers can give it any; `None` where it cannot be told.
    pub fn unit_of(&self, expr: &Expr) -> Option<Unit> {
        match self.told(expr) {
            Told::Is(unit) => Some(unit),
            Told::Any => Some(Unit::one()),
            Told::Nothing => None,
        }
    }

    /// The unit of an expression where its names alone tell it, whatever units the numbers in it had.
    pub fn unit_by_names(&self, expr: &Expr) -> Option<Unit> {
        match self.told(expr) {
            Told::Is(unit) => Some(unit),
            Told::Any | Told::Nothing => None,
        }
    }

    fn told(&self, expr: &Expr) -> Told {
        match &expr.kind {
            ExprKind::Number(_) => Told::Any,
            ExprKind::Unary(UnaryFn::Neg | UnaryFn::Abs, a) => self.told(a),
            ExprKind::Unary(UnaryFn::Sqrt, a) => self.told(a).map(|u| u.power(Ratio::new(1, 2))),
            ExprKind::Powi(a, n) => self.told(a).map(|u| u.power(Ratio::new((*n).into(), 1))),
            ExprKind::Binary(op, a, b) => match op {
                BinaryOp::Mul | BinaryOp::Div => match (self.told(a), self.told(b)) {
                    (Told::Nothing, _) | (_, Told::Nothing) => Told::Nothing,
                    (Told::Any, _) | (_, Told::Any) => Told::Any,
                    (Told::Is(a), Told::Is(b)) if *op == BinaryOp::Mul => Told::Is(a.times(&b)),
                    (Told::Is(a), Told::Is(b)) => Told::Is(a.over(&b)),
                },
                BinaryOp::Pow => match b.as_number().map(Ratio::of) {
                    Some(power) => self.told(a).map(|u| u.power(power.unwrap_or(Ratio::ZERO))),
                    None => Told::Is(Unit::one()),
                },
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Min | BinaryOp::Max => self.common(&[a, b]),
            },
            ExprKind::Select(_, parts) => {
                let [_, _, x, y] = parts.as_ref();
                self.common(&[x, y])
            }
            _ => self.model.unit_of(expr).map_or(Told::Nothing, Told::Is),
        }
    }

    /// The unit of what is added up or compared. In `1 + 2*x` the one is what it looks like.
    fn common(&self, parts: &[&Expr]) -> Told {
        let told: Vec<Told> = parts.iter().map(|part| self.told(part)).collect();
        let one = parts.iter().any(|part| part.as_number() == Some(1.0));
        let product = parts.iter().zip(&told).any(|(part, t)| matches!(t, Told::Any) && part.as_number().is_none());
        match told.iter().find(|t| matches!(t, Told::Is(_))) {
            Some(unit) => unit.clone(),
            None if told.iter().any(|t| matches!(t, Told::Nothing)) => Told::Nothing,
            None if one && product => Told::Is(Unit::one()),
            None => Told::Any,
        }
    }

    /// The expression with numbers that carry units, as the whole has to have the unit `whole`.
    pub fn give(&mut self, expr: &Expr, whole: &Unit) -> Expr {
        // A constant of size 1 has left nothing but what it was measured in.
        if let Some(own) = self.other_unit(expr, whole) {
            let given = self.give(expr, &own);
            let lost = self.with_unit(1.0, &own.over(whole), expr, false);
            let lost = Expr::new(lost, expr.span);
            return Expr::new(ExprKind::Binary(BinaryOp::Div, Box::new(given), Box::new(lost)), expr.span);
        }
        let kind = match &expr.kind {
            ExprKind::Number(v) => self.with_unit(*v, whole, expr, false),
            ExprKind::Unary(f, a) => {
                let inner = match f {
                    UnaryFn::Neg | UnaryFn::Abs => whole.clone(),
                    UnaryFn::Sqrt => whole.power(Ratio::new(2, 1)),
                    _ => self.unit_of(a).unwrap_or_default(),
                };
                ExprKind::Unary(*f, Box::new(self.give(a, &inner)))
            }
            ExprKind::Powi(a, n) => {
                let root = match self.told(a) {
                    Told::Is(unit) => unit,
                    _ if *n != 0 => whole.power(Ratio::new(1, (*n).into())),
                    _ => Unit::one(),
                };
                ExprKind::Powi(Box::new(self.give_base(a, &root)), *n)
            }
            ExprKind::Binary(op, a, b) => {
                let (of_a, of_b) = match op {
                    BinaryOp::Mul | BinaryOp::Div => self.factors(*op == BinaryOp::Mul, a, b, whole),
                    BinaryOp::Pow => (self.unit_of(a).unwrap_or_default(), Unit::one()),
                    BinaryOp::Add | BinaryOp::Sub | BinaryOp::Min | BinaryOp::Max => (whole.clone(), whole.clone()),
                };
                let a = if *op == BinaryOp::Pow { self.give_base(a, &of_a) } else { self.give(a, &of_a) };
                let b = self.give(b, &of_b);
                ExprKind::Binary(*op, Box::new(a), Box::new(b))
            }
            ExprKind::Select(compare, parts) => {
                let [a, b, x, y] = parts.as_ref();
                let compared = match self.common(&[a, b]) {
                    Told::Is(unit) => unit,
                    _ => Unit::one(),
                };
                let parts = [(a, &compared), (b, &compared), (x, whole), (y, whole)];
                ExprKind::Select(*compare, Box::new(parts.map(|(part, unit)| self.give(part, unit))))
            }
            other => other.clone(),
        };
        Expr::new(kind, expr.span)
    }

    /// The unit of an expression that is no sum, where it is told and another one than it has to be.
    fn other_unit(&self, expr: &Expr, whole: &Unit) -> Option<Unit> {
        let sum = match &expr.kind {
            ExprKind::Unary(f, _) => *f == UnaryFn::Neg,
            ExprKind::Binary(op, ..) => matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Min | BinaryOp::Max),
            ExprKind::Select(..) => true,
            _ => false,
        };
        match self.told(expr) {
            Told::Is(own) if !sum && !own.equals(whole) => Some(own),
            _ => None,
        }
    }

    /// The same for the base of a power.
    fn give_base(&mut self, expr: &Expr, unit: &Unit) -> Expr {
        match expr.as_number() {
            Some(v) => Expr::new(self.with_unit(v, unit, expr, true), expr.span),
            None => self.give(expr, unit),
        }
    }

    /// The units of the sides of a product or quotient.
    fn factors(&self, product: bool, a: &Expr, b: &Expr, whole: &Unit) -> (Unit, Unit) {
        match (self.told(a), self.told(b)) {
            // What the left side alone cannot have.
            (Told::Is(of_a), Told::Any) if product => (of_a.clone(), whole.over(&of_a).beside(&of_a)),
            (Told::Is(of_a), Told::Any) => (of_a.clone(), of_a.over(whole)),
            (of_a, of_b) => {
                let of_b = if let Told::Is(unit) = of_b { unit } else { Unit::one() };
                let left = if product { whole.over(&of_b) } else { whole.times(&of_b) }.beside(&of_b);
                (if let Told::Is(unit) = of_a { unit } else { left }, of_b)
            }
        }
    }

    /// A number as a name that nothing else has: its digits with their unit.
    fn with_unit(&mut self, value: f64, unit: &Unit, expr: &Expr, raised: bool) -> ExprKind {
        if value == 0.0 || unit.is_one() {
            return ExprKind::Number(value);
        }
        let digits = (self.number)(value.abs());
        // Behind a unit a power would be the unit's.
        let name = if raised { format!("({digits} [{unit}])") } else { format!("{digits} [{unit}]") };
        let kind = UnknownKind::Coefficient { hole: HoleId::new(0), term: 0 };
        let id = self.unknowns.push(Unknown { kind, name, start: None, bounds: Bounds::FREE, linear: false });
        match value < 0.0 {
            true => ExprKind::Unary(UnaryFn::Neg, Box::new(Expr::new(ExprKind::Unknown(id), expr.span))),
            false => ExprKind::Unknown(id),
        }
    }
}

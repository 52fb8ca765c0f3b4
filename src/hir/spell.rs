//! Expressions as `.mech` source.

use super::{BinaryOp, Expr, ExprKind, Input, InputId, Model, State, StateId, UnaryFn, Unknown, UnknownId};
use crate::base::Arena;

/// The names expressions of one model are spelled with.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The states.
    pub states: &'a Arena<StateId, State>,
    /// The inputs.
    pub inputs: &'a Arena<InputId, Input>,
    /// The unknowns.
    pub unknowns: &'a Arena<UnknownId, Unknown>,
}

/// How tightly an operator binds, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// A conditional, which reaches to the end.
    Whole,
    Sum,
    Product,
    Power,
    Atom,
}

impl Model {
    /// The names of this model.
    pub fn names(&self) -> Names<'_> {
        Names { states: &self.states, inputs: &self.inputs, unknowns: &self.unknowns }
    }

    /// `expr` as `.mech` source. A hole's coefficient has no spelling in source and appears as `x'[x*y]`.
    pub fn spell(&self, expr: &Expr) -> String {
        self.names().spell(expr)
    }

    /// A state's derivative as source: `x`, `x'`, `x''`.
    pub fn spell_state(&self, state: StateId, derivative: u8) -> String {
        self.names().spell_state(state, derivative)
    }
}

impl Names<'_> {
    /// `expr` as `.mech` source.
    pub fn spell(&self, expr: &Expr) -> String {
        let mut out = String::new();
        self.write(expr, Level::Whole, &mut out);
        out
    }

    /// A state's derivative as source.
    pub fn spell_state(&self, state: StateId, derivative: u8) -> String {
        let name = self.states.get(state).map_or("?", |s| s.name.as_str());
        format!("{name}{}", "'".repeat(usize::from(derivative)))
    }

    fn write(&self, expr: &Expr, outer: Level, out: &mut String) {
        let level = level(expr);
        let parens = level < outer;
        if parens {
            out.push('(');
        }
        match &expr.kind {
            ExprKind::Number(v) => out.push_str(&number(*v)),
            ExprKind::Time => out.push('t'),
            ExprKind::State(s, d) => out.push_str(&self.spell_state(*s, *d)),
            ExprKind::Input(i) => out.push_str(self.inputs.get(*i).map_or("?", |x| x.name.as_str())),
            ExprKind::Unknown(u) => out.push_str(self.unknowns.get(*u).map_or("?", |x| x.name.as_str())),
            ExprKind::Unary(UnaryFn::Neg, a) => {
                out.push('-');
                self.write(a, Level::Product, out);
            }
            ExprKind::Unary(f, a) => {
                out.push_str(f.name());
                out.push('(');
                self.write(a, Level::Whole, out);
                out.push(')');
            }
            ExprKind::Powi(a, n) => {
                self.write(a, Level::Atom, out);
                out.push('^');
                if *n < 0 {
                    out.push_str(&format!("({n})"));
                } else {
                    out.push_str(&n.to_string());
                }
            }
            ExprKind::Binary(op, a, b) => self.write_binary(*op, a, b, out),
            ExprKind::Select(compare, parts) => {
                let [a, b, x, y] = parts.as_ref();
                out.push_str("if ");
                self.write(a, Level::Sum, out);
                out.push_str(&format!(" {} ", compare.name()));
                self.write(b, Level::Sum, out);
                out.push_str(" then ");
                self.write(x, Level::Sum, out);
                out.push_str(" else ");
                self.write(y, Level::Whole, out);
            }
        }
        if parens {
            out.push(')');
        }
    }

    fn write_binary(&self, op: BinaryOp, a: &Expr, b: &Expr, out: &mut String) {
        match op {
            BinaryOp::Add => {
                self.write(a, Level::Sum, out);
                let mut right = String::new();
                self.write(b, Level::Sum, &mut right);
                // A sum that adds something negative reads better as a difference.
                match right.strip_prefix('-') {
                    Some(rest) => out.push_str(&format!(" - {rest}")),
                    None => out.push_str(&format!(" + {right}")),
                }
            }
            BinaryOp::Sub => {
                self.write(a, Level::Sum, out);
                out.push_str(" - ");
                self.write(b, Level::Product, out);
            }
            BinaryOp::Mul => {
                self.write(a, first_factor(a), out);
                out.push('*');
                self.write(b, Level::Power, out);
            }
            BinaryOp::Div => {
                self.write(a, first_factor(a), out);
                out.push('/');
                self.write(b, Level::Power, out);
            }
            BinaryOp::Pow => {
                self.write(a, Level::Atom, out);
                out.push('^');
                self.write(b, Level::Atom, out);
            }
            BinaryOp::Min | BinaryOp::Max => {
                out.push_str(op.name());
                out.push('(');
                self.write(a, Level::Sum, out);
                out.push_str(", ");
                self.write(b, Level::Sum, out);
                out.push(')');
            }
        }
    }
}

/// A number in the shortest form that reads back as the same value.
pub fn number(v: f64) -> String {
    let size = v.abs();
    if v == 0.0 {
        "0".to_string()
    } else if (1e-4..1e15).contains(&size) {
        format!("{v}")
    } else {
        format!("{v:e}")
    }
}

/// What the first factor of a product must bind like: a leading minus needs no brackets there.
fn first_factor(expr: &Expr) -> Level {
    if leads_negative(expr) { Level::Sum } else { Level::Product }
}

/// Whether the spelling starts with a minus.
fn leads_negative(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number(v) => *v < 0.0,
        ExprKind::Unary(UnaryFn::Neg, _) => true,
        ExprKind::Binary(BinaryOp::Mul | BinaryOp::Div, a, _) => leads_negative(a),
        _ => false,
    }
}

fn level(expr: &Expr) -> Level {
    match &expr.kind {
        _ if leads_negative(expr) => Level::Sum,
        ExprKind::Select(..) => Level::Whole,
        ExprKind::Powi(..) | ExprKind::Binary(BinaryOp::Pow, ..) => Level::Power,
        ExprKind::Binary(BinaryOp::Add | BinaryOp::Sub, ..) => Level::Sum,
        ExprKind::Binary(BinaryOp::Mul | BinaryOp::Div, ..) => Level::Product,
        _ => Level::Atom,
    }
}

//! One spelling for every product and sum that is the same.

use std::collections::BTreeMap;

use crate::diagnostics::Sink;
use crate::source::Sources;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, SettingValue, UnaryOp};
use crate::syntax::{dump_expr, parse_setting_value};

/// A product: a number and powers of factors.
#[derive(Clone, Debug)]
pub(super) struct Product {
    pub number: f64,
    factors: BTreeMap<String, f64>,
}

impl Product {
    /// The product that an expression is.
    pub fn of(expr: &Expr) -> Product {
        let mut product = Product { number: 1.0, factors: BTreeMap::new() };
        product.multiply(expr, 1.0);
        product
    }

    /// The factors alone: `1`, `x`, `x*y^2`.
    pub fn spelled(&self) -> String {
        let factors = self.factors.iter().filter(|(_, power)| **power != 0.0);
        let spelled: Vec<String> =
            factors.map(|(base, power)| if *power == 1.0 { base.clone() } else { format!("{base}^{power}") }).collect();
        if spelled.is_empty() { "1".to_string() } else { spelled.join("*") }
    }

    /// The product without a factor, where it stands once.
    pub fn without(mut self, name: &str) -> Product {
        self.factors.retain(|base, power| base != name || *power != 1.0);
        self
    }

    fn multiply(&mut self, expr: &Expr, power: f64) {
        match &expr.kind {
            ExprKind::Number { value, .. } => self.number *= value.powf(power),
            // Its unit fits what it stands with, which is in the units of the model: numbers are not rescaled.
            ExprKind::Measured { value, .. } => self.multiply(value, power),
            ExprKind::Unary { op, operand } => {
                if *op == UnaryOp::Negate {
                    self.number *= (-1.0f64).powf(power);
                }
                self.multiply(operand, power);
            }
            ExprKind::Binary { op: BinaryOp::Multiply, left, right } => {
                self.multiply(left, power);
                self.multiply(right, power);
            }
            ExprKind::Binary { op: BinaryOp::Divide, left, right } => {
                self.multiply(left, power);
                self.multiply(right, -power);
            }
            ExprKind::Binary { op: BinaryOp::Power, left, right } => match whole(right) {
                Some(n) => self.multiply(left, power * n),
                None => self.factor(format!("({})^({})", sum(left), sum(right)), power),
            },
            ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Subtract, .. } => {
                self.factor(format!("({})", sum(expr)), power);
            }
            ExprKind::Call(call) => {
                let arguments: Vec<String> = call.arguments.iter().map(sum).collect();
                self.factor(format!("{}({})", call.function.name, arguments.join(", ")), power);
            }
            ExprKind::Name(name) => self.factor(name.clone(), power),
            ExprKind::Primed { of, primes } => {
                self.factor(format!("{}{}", Product::of(of).spelled(), "'".repeat(*primes as usize)), power);
            }
            ExprKind::Subscript { of, at } => {
                let at: Vec<String> = at.iter().map(sum).collect();
                self.factor(format!("{}[{}]", Product::of(of).spelled(), at.join(", ")), power);
            }
            ExprKind::Sum { variable, range, body } => {
                let to = range.to.as_ref().map_or(String::new(), |to| format!("..{}", sum(to)));
                let body = Product::of(body);
                let number = if body.number == 1.0 { String::new() } else { format!("{}*", body.number) };
                let range = format!("{} in {}{to}", variable.name, sum(&range.from));
                self.factor(format!("(sum({range}) {number}{})", body.spelled()), power);
            }
            _ => self.factor(dump_expr(expr), power),
        }
    }

    fn factor(&mut self, base: String, power: f64) {
        *self.factors.entry(base).or_insert(0.0) += power;
    }
}

/// A whole exponent.
fn whole(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number { value, .. } if value.fract() == 0.0 => Some(*value),
        ExprKind::Unary { op: UnaryOp::Negate, operand } => whole(operand).map(|n| -n),
        _ => None,
    }
}

/// An expression as a sum of products, in one order.
fn sum(expr: &Expr) -> String {
    let mut parts = Vec::new();
    summands(expr, 1.0, &mut parts);
    parts.sort();
    parts.join(" + ")
}

fn summands(expr: &Expr, sign: f64, out: &mut Vec<String>) {
    match &expr.kind {
        ExprKind::Binary { op: op @ (BinaryOp::Add | BinaryOp::Subtract), left, right } => {
            summands(left, sign, out);
            summands(right, if *op == BinaryOp::Add { sign } else { -sign }, out);
        }
        ExprKind::Unary { op, operand } => {
            summands(operand, if *op == UnaryOp::Negate { -sign } else { sign }, out);
        }
        _ => {
            let product = Product::of(expr);
            let number = sign * product.number;
            out.push(match product.spelled().as_str() {
                spelled if number == 1.0 => spelled.to_string(),
                "1" => format!("{number}"),
                spelled => format!("{number}*{spelled}"),
            });
        }
    }
}

/// The canonical spelling of a term's text: `y*x` and `x*y` have the same. Numbers that multiply the term are left out.
pub fn canonical(term: &str) -> String {
    canonical_product(term).1
}

/// The number that multiplies a term, given as text, and the canonical spelling of the rest.
pub fn canonical_product(term: &str) -> (f64, String) {
    expression(term).map_or_else(
        || (1.0, term.to_string()),
        |expr| {
            let product = Product::of(&expr);
            (product.number, product.spelled())
        },
    )
}

/// The expression that a text is.
pub(super) fn expression(text: &str) -> Option<Expr> {
    let mut sources = Sources::default();
    let file = sources.add("term", text);
    let values = parse_setting_value(file, text, &mut Sink::new())?;
    match <[SettingValue; 1]>::try_from(values).ok()? {
        [SettingValue::Expr(expr)] => Some(expr),
        [SettingValue::Tuple(inside, _)] => <[Expr; 1]>::try_from(inside).ok().map(|[expr]| expr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn equal_products_have_one_spelling() {
        for (one, other) in [
            ("x*y", "y*x"),
            ("x*x", "x^2"),
            ("x^2*y/x", "x*y"),
            ("1", "2"),
            ("sin(x + 1)*y", "y*sin(1 + x)"),
            ("x/(k + x)", "1/(x + k)*x"),
            ("x'*abs(x')", "abs(x')*x'"),
            ("-x", "x"),
            ("x/(3 [mM] + x)", "x/(x + 3)"),
            ("x*sin(2 [1/s]*t)", "sin(t*2)*x"),
        ] {
            assert_eq!(canonical(one), canonical(other), "{one} and {other}");
        }
    }

    #[test]
    fn different_products_have_different_spellings() {
        for (one, other) in [("x", "y"), ("x", "x'"), ("x^2", "x"), ("sin(x)", "sin(2*x)"), ("(x - 1)*y", "(x + 1)*y")]
        {
            assert_ne!(canonical(one), canonical(other), "{one} and {other}");
        }
    }
}

//! How the terms of a hole over index sets are spelled: as they were written, with the parentheses that their place needs.

use super::lists::Argument;
use super::resolve::Resolver;
use super::spell;
use crate::syntax::ast::{self, BinaryOp, ExprKind};

/// The source text of an argument in the places where it can stand.
#[derive(Clone, Debug)]
pub(super) struct TermText {
    /// Alone.
    pub(super) alone: String,
    /// Behind a coefficient or another factor.
    pub(super) behind_factor: String,
    /// As the base of a power.
    base: String,
}

impl TermText {
    /// Of `expr`, whose text without parentheses around it is `text`.
    pub(super) fn of(expr: &ast::Expr, text: String) -> TermText {
        let closed = format!("({text})");
        let (is_product, is_atom) = match &expr.kind {
            ExprKind::Binary { op: BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Power, .. } => (true, false),
            ExprKind::Binary { .. } | ExprKind::Unary { .. } | ExprKind::If { .. } | ExprKind::Sum { .. } => {
                (false, false)
            }
            _ => (true, true),
        };
        // `2*x` keeps its parentheses behind a number, for those who read it.
        let opens_with_name = text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '(');
        let behind_factor = if is_atom || is_product && opens_with_name { text.clone() } else { closed.clone() };
        TermText { behind_factor, base: if is_atom { text.clone() } else { closed }, alone: text }
    }

    /// `x^2*y`: the product of the arguments that `factors` names, equal ones side by side; `1` for none.
    pub(super) fn product(all: &[TermText], factors: &[usize]) -> String {
        let spelled: Vec<String> = factors
            .chunk_by(|a, b| a == b)
            .filter_map(|same| {
                let text = all.get(*same.first()?)?;
                Some(match same.len() {
                    1 => text.behind_factor.clone(),
                    n => format!("{}^{n}", text.base),
                })
            })
            .collect();
        if spelled.is_empty() { "1".to_string() } else { spelled.join("*") }
    }

    /// `sin(2*x)`, `cos(2*x)`
    pub(super) fn waves(&self, harmonic: usize) -> [String; 2] {
        let angle = match harmonic {
            1 => self.alone.clone(),
            k => format!("{k}*{}", self.behind_factor),
        };
        [format!("sin({angle})"), format!("cos({angle})")]
    }
}

impl Resolver<'_, '_> {
    /// The text of an argument: as it was written, or as the function that brought it along gives it.
    pub(super) fn term_text(&self, argument: &Argument) -> TermText {
        let text = match argument.taken_apart {
            true => {
                let mut expr = argument.expr.clone();
                self.write_out(&mut expr, 0);
                return TermText::of(&expr, spell::whole(&expr));
            }
            false => self.written(argument.expr.span).unwrap_or_default(),
        };
        TermText::of(&argument.expr, without_parentheses(&text).to_string())
    }
}

/// `text` without the parentheses that stand around all of it.
fn without_parentheses(text: &str) -> &str {
    let Some(inside) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) else { return text };
    let mut depth = 0_usize;
    for c in inside.chars() {
        match c {
            '(' => depth += 1,
            // The first one is closed before the end.
            ')' if depth == 0 => return text,
            ')' => depth -= 1,
            _ => {}
        }
    }
    inside.trim()
}

#[cfg(test)]
mod tests {
    use super::without_parentheses;

    #[test]
    fn parentheses_around_everything_are_left_out() {
        for (text, bare) in [("(a + b)", "a + b"), ("(a)*(b)", "(a)*(b)"), ("x", "x"), ("((a)*(b))", "(a)*(b)")] {
            assert_eq!(without_parentheses(text), bare);
        }
    }
}

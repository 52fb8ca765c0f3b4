//! An expression of the tree as source again, for those that stand nowhere in a file, such as the body of a function with
//! arguments put in place. Numbers are spelled by value: `5%` becomes `0.05`.

use crate::base::Ratio;
use crate::hir;
use crate::syntax::ast::{BinaryOp, Call, Expr, ExprKind, Range, Relation, UnaryOp};

/// How tightly an expression binds, loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Whole,
    Or,
    And,
    Not,
    Comparison,
    Sum,
    /// `sum(k in 1..3) x^k*y`, which reaches to the end of a product.
    Summation,
    Product,
    Sign,
    Power,
    Atom,
}

/// `expr` as source, in the spacing of `mechc fmt`. Of a name with dots, which only the compiler can give, the last part is written.
pub(super) fn whole(expr: &Expr) -> String {
    let mut out = String::new();
    write(expr, Level::Whole, &mut out);
    out
}

fn level(expr: &Expr) -> Level {
    match &expr.kind {
        ExprKind::If { .. } => Level::Whole,
        ExprKind::Unary { op: UnaryOp::Not, .. } => Level::Not,
        ExprKind::Unary { .. } => Level::Sign,
        ExprKind::Sum { .. } => Level::Summation,
        ExprKind::Number { value, .. } if *value < 0.0 => Level::Sign,
        ExprKind::Binary { op, .. } => binary(*op).0,
        _ => Level::Atom,
    }
}

/// The level of an operator, its sign, and what its right side must bind like.
fn binary(op: BinaryOp) -> (Level, &'static str, Level) {
    match op {
        BinaryOp::Or => (Level::Or, " or ", Level::And),
        BinaryOp::And => (Level::And, " and ", Level::Not),
        BinaryOp::Equal => (Level::Comparison, " == ", Level::Sum),
        BinaryOp::Different => (Level::Comparison, " != ", Level::Sum),
        BinaryOp::Less => (Level::Comparison, " < ", Level::Sum),
        BinaryOp::AtMost => (Level::Comparison, " <= ", Level::Sum),
        BinaryOp::Greater => (Level::Comparison, " > ", Level::Sum),
        BinaryOp::AtLeast => (Level::Comparison, " >= ", Level::Sum),
        BinaryOp::Add => (Level::Sum, " + ", Level::Product),
        BinaryOp::Subtract => (Level::Sum, " - ", Level::Product),
        BinaryOp::Multiply => (Level::Product, "*", Level::Power),
        BinaryOp::Divide => (Level::Product, "/", Level::Power),
        BinaryOp::Power => (Level::Power, "^", Level::Power),
    }
}

fn write(expr: &Expr, outer: Level, out: &mut String) {
    let parens = level(expr) < outer;
    if parens {
        out.push('(');
    }
    match &expr.kind {
        ExprKind::Number { value, .. } => out.push_str(&hir::number(*value)),
        ExprKind::Measured { value, unit } => {
            write(value, Level::Atom, out);
            let power = |p: Ratio| if p == Ratio::ONE { String::new() } else { format!("^({p})") };
            let factors: Vec<String> = unit.factors.iter().map(|(n, p)| format!("{}{}", n.name, power(*p))).collect();
            let factors = if factors.is_empty() { "1".to_string() } else { factors.join("*") };
            out.push_str(&format!(" [{factors}]"));
        }
        ExprKind::Text(text) => out.push_str(&format!("{text:?}")),
        ExprKind::Name(name) => out.push_str(last_part(name)),
        ExprKind::Primed { of, primes } => {
            write(of, Level::Atom, out);
            out.push_str(&"'".repeat(*primes as usize));
        }
        ExprKind::Field { of, name } => {
            write(of, Level::Atom, out);
            out.push('.');
            out.push_str(&name.name);
        }
        ExprKind::Subscript { of, at } => {
            write(of, Level::Atom, out);
            out.push('[');
            for (k, e) in at.iter().enumerate() {
                out.push_str(if k > 0 { ", " } else { "" });
                write_closely(e, out);
            }
            out.push(']');
        }
        ExprKind::Call(call) => write_call("", call, out),
        ExprKind::Hole(call) => write_call("?", call, out),
        ExprKind::Tuple(list) => {
            out.push('(');
            write_list(list, out);
            out.push(')');
        }
        ExprKind::Unary { op, operand } => {
            let (sign, inner) = match op {
                UnaryOp::Negate => ("-", Level::Power),
                UnaryOp::Plus => ("+", Level::Power),
                UnaryOp::Not => ("not ", Level::Not),
            };
            out.push_str(sign);
            write(operand, inner, out);
        }
        ExprKind::Sum { variable, range, body } => {
            out.push_str(&format!("sum({} in ", last_part(&variable.name)));
            write_range(range, out);
            out.push_str(") ");
            write(body, Level::Summation, out);
        }
        ExprKind::If { condition, then, otherwise } => {
            for (word, part) in [("if ", condition), (" then ", then), (" else ", otherwise)] {
                out.push_str(word);
                write(part, Level::Or, out);
            }
        }
        ExprKind::Binary { op, left, right } => {
            let (own, sign, right_level) = binary(*op);
            // Powers group to the right, comparisons not at all, everything else to the left.
            let left_level = match op {
                BinaryOp::Power => Level::Atom,
                _ if own == Level::Comparison => Level::Sum,
                _ => own,
            };
            write(left, left_level, out);
            out.push_str(sign);
            write(right, right_level, out);
        }
    }
    if parens {
        out.push(')');
    }
}

/// A subscript: sums have no blanks, `u[i-1]`.
fn write_closely(expr: &Expr, out: &mut String) {
    match &expr.kind {
        ExprKind::Binary { op: op @ (BinaryOp::Add | BinaryOp::Subtract), left, right } => {
            match &left.kind {
                ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Subtract, .. } => write_closely(left, out),
                _ => write(left, Level::Sum, out),
            }
            out.push(if *op == BinaryOp::Add { '+' } else { '-' });
            write(right, Level::Product, out);
        }
        _ => write(expr, Level::Whole, out),
    }
}

fn write_list(list: &[Expr], out: &mut String) {
    for (i, element) in list.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write(element, Level::Whole, out);
    }
}

fn write_range(range: &Range, out: &mut String) {
    write(&range.from, Level::Sum, out);
    if let Some(to) = &range.to {
        out.push_str("..");
        write(to, Level::Sum, out);
    }
}

fn write_call(mark: &str, call: &Call, out: &mut String) {
    out.push_str(mark);
    out.push_str(last_part(&call.function.name));
    out.push('(');
    write_list(&call.arguments, out);
    for (i, named) in call.named.iter().enumerate() {
        let relation = match named.relation {
            Relation::Is => "=",
            Relation::AtLeast => ">=",
            Relation::AtMost => "<=",
        };
        out.push_str(if i == 0 { "; " } else { ", " });
        if !named.name.name.is_empty() {
            out.push_str(&format!("{} {relation} ", named.name.name));
        }
        write(&named.value, Level::Whole, out);
    }
    out.push(')');
}

/// `hill` of `std/terms.hill`; `k` of `k#3`, the variable of a sum in a function that was called.
fn last_part(name: &str) -> &str {
    let name = name.rsplit('.').next().unwrap_or(name);
    name.split('#').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::super::term_text::TermText;
    use super::whole;
    use crate::diagnostics::Sink;
    use crate::source::Sources;
    use crate::syntax::ast::{Expr, Item};
    use crate::syntax::{dump_expr, parse};

    fn body(text: &str) -> Expr {
        let mut sources = Sources::default();
        let text = format!("fn f(x) = {text}");
        let file = sources.add("f.mech", text.as_str());
        let tree = parse(file, &text, &mut Sink::new());
        match tree.items.as_slice() {
            [Item::Function(function)] => function.body.clone(),
            _ => panic!("{text}"),
        }
    }

    #[test]
    fn what_is_spelled_reads_as_the_same() {
        for text in [
            "a - (b - c) - d",
            "a/(b/c)*d",
            "(a^b)^c",
            "a^b^c",
            "-a^2 + (-a)^2",
            "-(-a)*b",
            "2^-a",
            "(a + b)*(c - d)",
            "if a < b and not (c == d or t > 1) then x else y",
            "(if a < b then x else y)*2 + 1",
            "if a < b then (if c < d then 1 else 2) else 3",
            "sum(j in cell) m[j]*x[j+1, 2] + 1",
            "(sum(k in 1..3) x^k)^2",
            "(sum(k in 1..3) x^k)*y - sum(k in 1..2) sum(j in 1..2) k*j*x",
            "sin(x')*max(a, b, 1e-9)",
            "a >> hill(2, 4)",
            "-(a + b)",
            "a + -b",
            "1/(a*b)",
            "(x, y >> trig)",
        ] {
            let expr = body(text);
            for spelled in [whole(&expr), TermText::of(&expr, whole(&expr)).behind_factor] {
                assert_eq!(dump_expr(&body(&spelled)), dump_expr(&expr), "{text} becomes {spelled}");
            }
        }
    }

    #[test]
    fn a_factor_can_be_raised_to_a_power_and_stand_behind_a_number() {
        for text in ["a*b", "a^b", "-a", "a + b", "if a < b then 1 else 2", "sum(k in 1..2) a^k"] {
            let expr = body(text);
            let term = TermText::of(&expr, whole(&expr));
            let squared = TermText::product(std::slice::from_ref(&term), &[0, 0]);
            assert_eq!(dump_expr(&body(&squared)), format!("(^ {} 2.0)", dump_expr(&expr)), "{text}");
        }
        for (text, behind) in [
            ("a*b", "a*b"),
            ("a^2/b", "a^2/b"),
            ("(a + b)*c", "(a + b)*c"),
            ("a + b", "(a + b)"),
            ("-a*b", "(-a*b)"),
            ("2*a", "(2*a)"),
            ("sin(a)", "sin(a)"),
        ] {
            let expr = body(text);
            assert_eq!(TermText::of(&expr, whole(&expr)).behind_factor, behind);
        }
    }

    #[test]
    fn hidden_names_are_written_without_their_file() {
        assert_eq!(super::last_part("std.terms.hill"), "hill");
        assert_eq!(super::last_part("k#3"), "k");
    }
}

//! Matched rules to expressions: precedence, numbers, strings, calls.

use pest::iterators::Pair;

use super::ast::{BinaryOp, Call, Expr, ExprKind, Ident, NamedArgument, Relation, UnaryOp};
use super::build::Builder;
use super::grammar::Rule;
use crate::diagnostics::codes;
use crate::source::Span;

/// Prefix signs and powers in a row nest; more than this many are refused.
const MAX_SIGNS: usize = 256;
/// The longest way from an expression's root to a leaf.
const MAX_DEPTH: usize = 1000;
/// Nobody differentiates more often than this.
const MAX_PRIMES: usize = 255;

/// An expression with the longest way from it to a leaf.
struct Deep {
    expr: Expr,
    depth: usize,
}

/// One operand with the signs before it.
struct Operand<'i> {
    signs: Vec<Pair<'i, Rule>>,
    pair: Pair<'i, Rule>,
}

/// Whether an expression is one parenthesis and nothing else; the parenthesis.
pub(super) fn is_plain_group<'i>(expr: &Pair<'i, Rule>) -> Option<Pair<'i, Rule>> {
    let mut parts = expr.clone().into_inner();
    let mut inside = parts.next().filter(|_| parts.next().is_none())?.into_inner();
    let group = inside.next().filter(|p| p.as_rule() == Rule::group)?;
    inside.next().is_none().then_some(group)
}

impl Builder<'_, '_> {
    /// The expression of an `expr` pair.
    pub(super) fn expr(&mut self, pair: Pair<Rule>) -> Option<Expr> {
        self.deep_expr(pair).map(|deep| deep.expr)
    }

    fn deep_expr(&mut self, pair: Pair<Rule>) -> Option<Deep> {
        let whole = pair.as_span().start();
        let mut operands = Vec::new();
        let mut operators: Vec<(Infix, u8)> = Vec::new();
        let mut signs = Vec::new();
        let mut in_a_row = 0;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::negate | Rule::plus | Rule::not | Rule::summation => {
                    signs.push(part);
                    in_a_row += 1;
                }
                Rule::operand => operands.push(Operand { signs: std::mem::take(&mut signs), pair: part }),
                rule => {
                    let (op, tightness) = infix(rule);
                    in_a_row = if op == Some(BinaryOp::Power) { in_a_row + 1 } else { 0 };
                    operators.push((op, tightness));
                }
            }
            if in_a_row > MAX_SIGNS {
                let message = format!("more than {MAX_SIGNS} signs or powers in a row");
                let at = self.offset() + whole;
                self.out.error(
                    codes::E0105,
                    message,
                    at..at + 1,
                    "in the expression that starts here",
                    "name parts of it with `let`",
                );
                return None;
            }
        }
        let mut operands = operands.into_iter();
        let mut operators = operators.into_iter().peekable();
        let first = operands.next()?;
        self.climb(first, 0, &mut operands, &mut operators)
    }

    /// Precedence climbing: the longest expression from `first` whose operators bind at least as tightly as `least`.
    fn climb<'i>(
        &mut self,
        first: Operand<'i>,
        least: u8,
        operands: &mut std::vec::IntoIter<Operand<'i>>,
        operators: &mut std::iter::Peekable<std::vec::IntoIter<(Infix, u8)>>,
    ) -> Option<Deep> {
        let Operand { mut signs, pair } = first;
        let mut left = match signs.is_empty() {
            true => self.operand(pair)?,
            false => {
                // A sign takes the powers after it along: -x^2 is -(x^2).
                let sign = signs.remove(0);
                let tightness = prefix(sign.as_rule());
                let inner = self.climb(Operand { signs, pair }, tightness, operands, operators)?;
                self.prefixed(sign, inner)?
            }
        };
        while let Some((op, tightness)) = operators.next_if(|&(_, tightness)| tightness >= least) {
            let next = operands.next()?;
            // Powers bind to the right, everything else to the left.
            let right_least = if op == Some(BinaryOp::Power) { tightness } else { tightness + 1 };
            let right = self.climb(next, right_least, operands, operators)?;
            let span = left.expr.span.to(right.expr.span);
            let depth = left.depth.max(right.depth);
            let Some(op) = op else {
                left = self.piped(left, right, span)?;
                continue;
            };
            let kind = ExprKind::Binary { op, left: Box::new(left.expr), right: Box::new(right.expr) };
            left = self.grown(Expr { kind, span }, depth)?;
        }
        Some(left)
    }

    /// The expression of a prefix operator and its operand.
    fn prefixed(&mut self, sign: Pair<Rule>, inner: Deep) -> Option<Deep> {
        let span = self.span(&sign).to(inner.expr.span);
        let operand = Box::new(inner.expr);
        let op = match sign.as_rule() {
            Rule::negate => UnaryOp::Negate,
            Rule::plus => UnaryOp::Plus,
            Rule::not => UnaryOp::Not,
            _ => {
                let mut variable = None;
                let mut range = None;
                for part in sign.into_inner() {
                    match part.as_rule() {
                        Rule::name => variable = Some(self.ident(&part)),
                        Rule::range => range = Some(Box::new(self.range(part)?)),
                        _ => {}
                    }
                }
                let kind = ExprKind::Sum { variable: variable?, range: range?, body: operand };
                return self.grown(Expr { kind, span }, inner.depth);
            }
        };
        self.grown(Expr { kind: ExprKind::Unary { op, operand }, span }, inner.depth)
    }

    /// `value >> function` and `value >> function(options)`: the call with the value as its first argument.
    fn piped(&mut self, value: Deep, into: Deep, span: Span) -> Option<Deep> {
        let depth = value.depth.max(into.depth);
        let call = match into.expr.kind {
            ExprKind::Name(name) => {
                let function = Ident { name, span: into.expr.span };
                Call { function, arguments: vec![value.expr], named: Vec::new() }
            }
            ExprKind::Call(mut call) => {
                call.arguments.insert(0, value.expr);
                call
            }
            _ => {
                let at = into.expr.span.start as usize..into.expr.span.end as usize;
                let message = "`>>` leads into a function".to_string();
                let help = Some("write its name, as in `x >> tanh`, or a call with further arguments".to_string());
                self.out.error_with_help(codes::E0101, message, at, "not a function", help);
                return None;
            }
        };
        self.grown(Expr { kind: ExprKind::Call(call), span }, depth)
    }

    /// One node more than its deepest part, unless that is too deep.
    fn grown(&mut self, expr: Expr, depth: usize) -> Option<Deep> {
        if depth >= MAX_DEPTH {
            let at = expr.span.start as usize;
            let message = format!("this expression is more than {MAX_DEPTH} operations deep");
            let help = Some("name parts of it with `let`".to_string());
            self.out.error_with_help(codes::E0105, message, at..at + 1, "it starts here", help);
            return None;
        }
        Some(Deep { expr, depth: depth + 1 })
    }

    fn operand(&mut self, pair: Pair<Rule>) -> Option<Deep> {
        let mut parts = pair.into_inner();
        let mut built = self.atom(parts.next()?)?;
        for suffix in parts {
            let span = built.expr.span.to(self.span(&suffix));
            let depth = built.depth;
            let of = Box::new(built.expr);
            let (kind, depth) = match suffix.as_rule() {
                Rule::primes => (ExprKind::Primed { primes: self.primes(&suffix)?, of }, depth),
                Rule::field => {
                    let name = suffix.into_inner().find(|p| p.as_rule() == Rule::word)?;
                    (ExprKind::Field { of, name: self.ident(&name) }, depth)
                }
                _ => {
                    let (at, inner) = self.deep_list(suffix)?;
                    (ExprKind::Subscript { of, at }, depth.max(inner))
                }
            };
            built = self.grown(Expr { kind, span }, depth)?;
        }
        Some(built)
    }

    /// The expressions of a list with the depth of the deepest.
    fn deep_list(&mut self, pair: Pair<Rule>) -> Option<(Vec<Expr>, usize)> {
        let built = self.each(pair.into_inner(), Rule::expr, Self::deep_expr)?;
        let depth = built.iter().map(|d| d.depth).max().unwrap_or(0);
        Some((built.into_iter().map(|d| d.expr).collect(), depth))
    }

    pub(super) fn primes(&mut self, pair: &Pair<Rule>) -> Option<u32> {
        let count = pair.as_str().len();
        if count > MAX_PRIMES {
            let span = self.span(pair);
            let message = format!("{count} primes in a row");
            let at = span.start as usize..span.end as usize;
            self.out.error(codes::E0105, message, at, "", "derivatives go up to the eighth");
            return None;
        }
        u32::try_from(count).ok()
    }

    fn atom(&mut self, pair: Pair<Rule>) -> Option<Deep> {
        let span = self.span(&pair);
        let (kind, depth) = match pair.as_rule() {
            Rule::number => (self.number(pair)?, 0),
            Rule::measured => (self.measured(pair)?, 0),
            Rule::text => (ExprKind::Text(self.string(pair)?), 0),
            Rule::group => {
                let mut inside = self.each(pair.into_inner(), Rule::expr, Self::deep_expr)?;
                if inside.len() == 1 {
                    // Parentheses leave no trace in the tree but the place.
                    return inside.pop().map(|deep| Deep { expr: Expr { span, ..deep.expr }, ..deep });
                }
                let depth = inside.iter().map(|d| d.depth).max().unwrap_or(0);
                (ExprKind::Tuple(inside.into_iter().map(|d| d.expr).collect()), depth)
            }
            Rule::conditional => {
                let mut parts = self.each(pair.into_inner(), Rule::expr, Self::deep_expr)?.into_iter();
                let (condition, then, otherwise) = (parts.next()?, parts.next()?, parts.next()?);
                let depth = condition.depth.max(then.depth).max(otherwise.depth);
                let [condition, then, otherwise] = [condition, then, otherwise].map(|d| Box::new(d.expr));
                (ExprKind::If { condition, then, otherwise }, depth)
            }
            Rule::hole => {
                let (call, depth) = self.call(pair)?;
                (ExprKind::Hole(call), depth)
            }
            _ => {
                if pair.clone().into_inner().any(|p| p.as_rule() == Rule::arguments) {
                    let (call, depth) = self.call(pair)?;
                    (ExprKind::Call(call), depth)
                } else {
                    (ExprKind::Name(pair.as_str().to_string()), 0)
                }
            }
        };
        self.grown(Expr { kind, span }, depth)
    }

    /// A call or hole with the depth of its deepest argument.
    fn call(&mut self, pair: Pair<Rule>) -> Option<(Call, usize)> {
        let mut function = None;
        let mut arguments = Vec::new();
        let mut named: Vec<NamedArgument> = Vec::new();
        let mut depth = 0;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::word => function = Some(self.ident(&part)),
                Rule::arguments => {
                    for argument in part.into_inner() {
                        match argument.as_rule() {
                            Rule::expr => {
                                let built = self.deep_expr(argument)?;
                                if let Some(earlier) = named.first() {
                                    self.out_of_order(&built.expr, earlier);
                                    return None;
                                }
                                depth = depth.max(built.depth);
                                arguments.push(built.expr);
                            }
                            Rule::short => {
                                let span = self.span(&argument);
                                let value = self.deep_expr(argument.into_inner().next()?)?;
                                depth = depth.max(value.depth);
                                let name = Ident { name: String::new(), span };
                                named.push(NamedArgument { name, relation: Relation::Is, value: value.expr });
                            }
                            Rule::named => {
                                let (argument, inner) = self.named(argument)?;
                                depth = depth.max(inner);
                                named.push(argument);
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        Some((Call { function: function?, arguments, named }, depth))
    }

    fn out_of_order(&mut self, positional: &Expr, named: &NamedArgument) {
        let message = "a positional argument stands after a named one";
        let finding = crate::diagnostics::Diagnostic::error(codes::E0117, message, positional.span, "positional")
            .label(named.name.span, "named")
            .help("positional arguments come first: `poly(x, y; degree = 2)`");
        self.out.push(finding);
    }

    fn named(&mut self, pair: Pair<Rule>) -> Option<(NamedArgument, usize)> {
        let mut name = None;
        let mut relation = Relation::Is;
        let mut value = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::word => name = Some(self.ident(&part)),
                Rule::at_least => relation = Relation::AtLeast,
                Rule::at_most => relation = Relation::AtMost,
                Rule::expr => value = Some(self.deep_expr(part)?),
                _ => {}
            }
        }
        let value = value?;
        Some((NamedArgument { name: name?, relation, value: value.expr }, value.depth))
    }
}

/// An operator between two operands; `None` for `>>`, which becomes a call.
type Infix = Option<BinaryOp>;

/// How tightly a product binds.
const PRODUCT: u8 = 6;

/// How tightly a prefix operator binds. A sign binds tighter than a product and looser than a power; a sum reaches over
/// the product after it.
fn prefix(rule: Rule) -> u8 {
    match rule {
        Rule::not => 3,
        Rule::summation => PRODUCT,
        _ => 8,
    }
}

/// The operator of a rule and how tightly it binds.
fn infix(rule: Rule) -> (Infix, u8) {
    let (op, tightness) = match rule {
        Rule::or => (BinaryOp::Or, 1),
        Rule::and => (BinaryOp::And, 2),
        Rule::equals => (BinaryOp::Equal, 4),
        Rule::differs => (BinaryOp::Different, 4),
        Rule::less => (BinaryOp::Less, 4),
        Rule::at_most => (BinaryOp::AtMost, 4),
        Rule::greater => (BinaryOp::Greater, 4),
        Rule::at_least => (BinaryOp::AtLeast, 4),
        Rule::add => (BinaryOp::Add, 5),
        Rule::subtract => (BinaryOp::Subtract, 5),
        Rule::multiply => (BinaryOp::Multiply, PRODUCT),
        Rule::divide => (BinaryOp::Divide, PRODUCT),
        Rule::pipe => return (None, 7),
        _ => (BinaryOp::Power, 9),
    };
    (Some(op), tightness)
}

//! Syntax expressions become resolved ones, with constants, `let`s and fixed parameters substituted.
//!
//! `None` always means that the cause has been reported, so callers stay silent about it.

use super::conditions::is_condition;
use super::fold::{self, Folded};
use super::functions::DIFFERENCES;
use super::hole_products::factor_hole;
use super::holes::HoleDraft;
use super::scope::{OTHER_FUNCTIONS, Scope};
use super::suggest::{self, with_blank};
use crate::base::{IndexMap, IndexSet};
use crate::diagnostics::codes::{E0205, E0211, E0309, E0310, E0406};
use crate::diagnostics::{Advice, Diagnostic, Sink};
use crate::hir::{BinaryOp, Expr, UnaryFn};
use crate::source::{Sources, Span};
use crate::syntax::ast;

/// The largest number of nodes all expressions of a model may have together, after substitution.
pub(super) const MAX_NODES: usize = 1_000_000;
/// The longest path from an expression's root after substitution.
pub(super) const MAX_DEPTH: usize = 2_000;
/// The highest derivative that can be written.
pub(super) const MAX_ORDER: u32 = 8;

/// Where an expression stands, which decides what it may mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In an equation: everything.
    Equation,
    /// In a `let`: everything but holes.
    Let,
    /// In a hole's argument: no further hole.
    Hole,
    /// Where a number must come out: constants and fixed parameters only.
    Constant,
}

/// Turns expressions of one model into resolved ones.
pub(super) struct Resolver<'a, 's> {
    pub(super) scope: Scope<'a>,
    pub(super) sink: &'s mut Sink,
    pub(super) sources: &'s Sources,
    pub(super) place: Place,
    /// Holes met so far.
    pub(super) holes: Vec<HoleDraft>,
    /// Where each hole was written, with the element of a tuple it is for: all its places share its coefficients.
    pub(super) hole_at_place: IndexMap<(Span, usize), usize>,
    /// Holes of the current equation.
    pub(super) used_holes: Vec<usize>,
    /// Number for the next unknown; parameters come first.
    pub(super) next_unknown: usize,
    /// The current position on every index set; `None` where there is none.
    pub(super) at: Vec<Option<usize>>,
    /// How far to go from there along every index set: difference operators look at neighbours.
    pub(super) shift: Vec<i64>,
    /// Variables of loops and sums with their numbers and where they stand, innermost last.
    pub(super) loops: Vec<(String, i64, Span)>,
    /// The left side of the current equation.
    pub(super) left: Option<Span>,
    /// Its right side.
    pub(super) right: Option<Span>,
    /// Which element of a tuple on the left side the current equation is for.
    pub(super) tuple: usize,
    /// Unknown names that have been reported.
    pub(super) unknown: IndexSet<String>,
    /// Functions that need themselves, which has been reported.
    pub(super) endless: Vec<String>,
    /// Calls so far, for names of their own.
    pub(super) fresh: usize,
    /// Nodes made so far.
    nodes: usize,
    /// How deep the current expression nests.
    pub(super) depth: usize,
    full: bool,
}

impl<'a, 's> Resolver<'a, 's> {
    /// A resolver for the names in `scope`.
    pub(super) fn new(scope: Scope<'a>, sources: &'s Sources, sink: &'s mut Sink) -> Self {
        let n = scope.axes.len();
        Resolver {
            scope,
            sink,
            sources,
            place: Place::Equation,
            holes: Vec::new(),
            hole_at_place: IndexMap::new(),
            used_holes: Vec::new(),
            next_unknown: 0,
            at: vec![None; n],
            shift: vec![0; n],
            loops: Vec::new(),
            left: None,
            right: None,
            tuple: 0,
            unknown: IndexSet::new(),
            endless: Vec::new(),
            fresh: 0,
            nodes: 0,
            depth: 0,
            full: false,
        }
    }

    /// Resolves `expr` as standing at `place`.
    pub(super) fn resolve_at(&mut self, place: Place, expr: &ast::Expr) -> Option<Expr> {
        let outer = (std::mem::replace(&mut self.place, place), std::mem::replace(&mut self.depth, 0));
        let result = self.resolve(expr);
        (self.place, self.depth) = outer;
        result
    }

    /// The number `expr` stands for.
    pub(super) fn constant(&mut self, expr: &ast::Expr) -> Option<f64> {
        // Everything that is not a number is refused on the way, so what arrives is one.
        self.resolve_at(Place::Constant, expr)?.as_number()
    }

    /// Reports a constant that has no value.
    pub(super) fn folded(&mut self, folded: Folded) -> Option<Expr> {
        match folded {
            Ok(expr) => Some(expr),
            Err(fault) => {
                self.sink.push(
                    Diagnostic::error(E0310, fault.message, fault.span, "here")
                        .help("this part is made of known numbers alone: correct one of them"),
                );
                None
            }
        }
    }

    /// Counts `n` further nodes; reports once when there are too many.
    pub(super) fn count(&mut self, n: usize, span: Span) -> Option<()> {
        self.nodes = self.nodes.saturating_add(n);
        if self.nodes <= MAX_NODES {
            return Some(());
        }
        self.too_large(span);
        None
    }

    /// Reports once that there are too many nodes.
    pub(super) fn too_large(&mut self, span: Span) {
        if !std::mem::replace(&mut self.full, true) {
            let message = format!("the model's expressions have more than {MAX_NODES} operations after substitution");
            let d = Diagnostic::error(E0309, message, span, "the limit is passed here");
            self.sink.push(d.help("shorten `let`s that are used many times, or lower the degree of holes"));
        }
    }

    pub(super) fn resolve(&mut self, expr: &ast::Expr) -> Option<Expr> {
        if self.depth >= MAX_DEPTH {
            if !std::mem::replace(&mut self.full, true) {
                let message = format!("functions nest more than {MAX_DEPTH} operations deep when they are substituted");
                self.sink.push(
                    Diagnostic::error(E0309, message, expr.span, "the limit is passed here")
                        .help("call fewer functions inside of each other"),
                );
            }
            return None;
        }
        self.depth += 1;
        let result = self.resolve_inner(expr);
        self.depth -= 1;
        result
    }

    fn resolve_inner(&mut self, expr: &ast::Expr) -> Option<Expr> {
        let span = expr.span;
        self.count(1, span)?;
        match &expr.kind {
            ast::ExprKind::Number { value, .. } => Some(Expr::number(*value, span)),
            // Units are checked on the tree: from here on there are numbers alone.
            ast::ExprKind::Measured { value, .. } => self.resolve(value),
            ast::ExprKind::Name(name) => self.name(name, &[], span),
            ast::ExprKind::Primed { of, primes } => self.primed(of, *primes, span),
            ast::ExprKind::Call(call) => self.call(call, span),
            ast::ExprKind::Hole(call) => self.hole_at(call, span),
            ast::ExprKind::Unary { op, operand } => {
                if *op == ast::UnaryOp::Not {
                    return self.not_a_number(span);
                }
                let a = self.resolve(operand)?;
                match op {
                    ast::UnaryOp::Not | ast::UnaryOp::Plus => Some(Expr { span, ..a }),
                    ast::UnaryOp::Negate => self.folded(fold::unary(UnaryFn::Neg, a, span)),
                }
            }
            ast::ExprKind::Binary { op, left, right } => {
                if self.is_leibniz(expr) {
                    return None;
                }
                if is_condition(expr) {
                    return self.not_a_number(span);
                }
                if matches!(op, ast::BinaryOp::Multiply | ast::BinaryOp::Divide)
                    && let (Some(first), Some(second)) = (factor_hole(left), factor_hole(right))
                {
                    self.holes_multiplied(first, second);
                    return None;
                }
                // Both sides are looked at even when one is wrong: two typos, two reports.
                let (a, b) = (self.resolve(left), self.resolve(right));
                let op = match op {
                    ast::BinaryOp::Add => BinaryOp::Add,
                    ast::BinaryOp::Subtract => BinaryOp::Sub,
                    ast::BinaryOp::Multiply => BinaryOp::Mul,
                    ast::BinaryOp::Divide => BinaryOp::Div,
                    ast::BinaryOp::Power => BinaryOp::Pow,
                    _ => return self.not_a_number(span),
                };
                self.folded(fold::binary(op, a?, b?, span))
            }
            ast::ExprKind::Text(_) => {
                self.misplaced("a text has no value in an expression", span, "names and numbers stand without quotes")
            }
            ast::ExprKind::Field { of, name } => self.dotted(of, &name.name, span),
            ast::ExprKind::Subscript { of, at } => match &of.kind {
                ast::ExprKind::Name(name) => self.name(name, at, span),
                ast::ExprKind::Primed { .. } => self.subscript_behind_primes(of, at, span),
                ast::ExprKind::Number { .. } => self.unit_without_blank(span),
                _ => self.misplaced(
                    "only a name can be subscripted",
                    span,
                    "name the expression with a `let`, and write `q[i]`",
                ),
            },
            ast::ExprKind::Sum { variable, range, body } => self.sum(variable, range, body, span),
            ast::ExprKind::If { condition, then, otherwise } => self.conditional(condition, then, otherwise, span),
            ast::ExprKind::Tuple(_) => self.list_as_value(span),
        }
    }

    /// `3[mol]`
    fn unit_without_blank(&mut self, span: Span) -> Option<Expr> {
        let d = Diagnostic::error(E0211, "a number has no subscript", span, "not a value");
        self.sink.push(match with_blank(self.sources.text(span)) {
            Some(written) => d.help(Advice::instead(format!("a unit stands behind a blank: `{written}`"), written)),
            None => d,
        });
        None
    }

    /// Where what is wrong at `span` is a decimal comma, says so.
    pub(super) fn decimal_comma(&self, d: Diagnostic, span: Span) -> Diagnostic {
        let Some((at, number)) = suggest::decimal_comma(self.sources.text(span)) else { return d };
        let start = span.start + at as u32;
        d.help(format!("a number has a decimal point: `{number}`")).replace(Span { start, end: start + 1, ..span }, ".")
    }

    /// `np.pi`, `run.x`
    fn dotted(&mut self, of: &ast::Expr, name: &str, span: Span) -> Option<Expr> {
        let d = Diagnostic::error(E0211, "a dotted name has no value in an expression", span, "not a value");
        let whole = self.sources.text(of.span);
        let library = ["np", "numpy", "math", "Math"].contains(&whole);
        let help = match () {
            () if library => Advice::instead("names stand without the module they have elsewhere", name),
            () if self.scope.names.contains_key(name) => {
                Advice::instead(format!("names stand alone in a model: `{name}`"), name)
            }
            () if self.scope.names.contains_key(whole) => {
                Advice::instead(format!("`{whole}` is a number and has no parts: write `{whole}`"), whole)
            }
            () => "a name has no parts: a column of the data that is known at all times is an `input u`".into(),
        };
        self.sink.push(d.help(help));
        None
    }

    pub(super) fn misplaced(&mut self, message: &str, span: Span, help: &str) -> Option<Expr> {
        self.sink.push(Diagnostic::error(E0211, message, span, "not a value").help(help));
        None
    }

    /// `sum(k in range) body`
    fn sum(&mut self, variable: &ast::Ident, range: &ast::Range, body: &ast::Expr, span: Span) -> Option<Expr> {
        let mut terms = Vec::new();
        let mut ok = true;
        self.for_each(variable, range, |r| {
            let value = r.resolve(body);
            ok = value.is_some();
            terms.extend(value);
            ok
        })?;
        if !ok {
            return None;
        }
        let folded = fold::sum(terms, span);
        self.folded(folded)
    }

    fn hole_at(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let why = match self.place {
            Place::Equation => return self.hole(call, span),
            Place::Let => "a hole cannot stand in a `let`: it belongs to one equation",
            Place::Hole => "a hole cannot stand inside a hole",
            Place::Constant => "a number is needed here, and a hole is unknown",
        };
        let help = match self.place {
            Place::Let => {
                let text = self.written(span).unwrap_or_else(|| "?linear(x)".to_string());
                format!("give it a name that equations use with `hole NAME = {text}`, or write it in an equation")
            }
            _ => "write the hole in an equation".to_string(),
        };
        self.sink.push(Diagnostic::error(E0406, why, span, "not here").help(help));
        None
    }

    fn call(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let name = call.function.name.as_str();
        if let Some(function) = self.scope.functions.get(name).copied() {
            self.scope.lookup(name);
            return self.user_call(function, call, span);
        }
        if DIFFERENCES.contains(&name) && !self.scope.axes.is_empty() {
            return self.difference(call, span);
        }
        let unary = UnaryFn::ALL.into_iter().find(|f| *f != UnaryFn::Neg && f.name() == name);
        let wanted = match (unary, name) {
            (Some(_), _) | (_, "log" | "relu") => Some((1, 1)),
            (_, "min" | "max") => Some((2, usize::MAX)),
            _ => None,
        };
        // Of a function that chooses elsewhere the condition is not blamed as well.
        let wrong = wanted.is_none();
        // Nor is the element of a sum, which is no name of the model.
        let looked_at = call.arguments.iter().filter(|a| !(wrong && (is_condition(a) || name == "sum")));
        let arguments: Vec<Option<Expr>> = looked_at.map(|a| self.resolve(a)).collect();
        let Some((least, most)) = wanted else {
            self.unknown_function(call, span);
            return None;
        };
        if let Some(extra) = call.named.first() {
            let d = Diagnostic::error(E0205, format!("`{name}` takes no options"), extra.name.span, "not taken")
                .help(format!("write `{name}({})`", if least == 1 { "x" } else { "x, y" }));
            self.sink.push(d);
            return None;
        }
        if arguments.len() < least || arguments.len() > most {
            let count = match (least, most) {
                (1, 1) => "one argument".to_string(),
                _ => format!("at least {least} arguments"),
            };
            let message = format!("`{name}` takes {count}, and {} are given", arguments.len());
            let d = Diagnostic::error(E0205, message, span, "wrong number of arguments")
                .help(format!("write `{name}({})`", if least == 1 { "x" } else { "x, y" }));
            self.sink.push(self.decimal_comma(d, span));
            return None;
        }
        let mut arguments = arguments.into_iter().collect::<Option<Vec<Expr>>>()?.into_iter();
        let first = arguments.next()?;
        if let Some(f) = unary {
            return self.folded(fold::unary(f, first, span));
        }
        debug_assert!(OTHER_FUNCTIONS.contains(&name));
        match name {
            "log" => self.folded(fold::unary(UnaryFn::Ln, first, span)),
            "relu" => self.folded(fold::binary(BinaryOp::Max, first, Expr::number(0.0, span), span)),
            _ => {
                let op = if name == "min" { BinaryOp::Min } else { BinaryOp::Max };
                let folded = arguments.try_fold(first, |acc, e| fold::binary(op, acc, e, span));
                self.folded(folded)
            }
        }
    }
}

/// The longest path from the root.
pub(super) fn depth(expr: &Expr) -> usize {
    1 + expr.operands().map(depth).max().unwrap_or(0)
}

//! Names to meanings: syntax expressions become resolved ones, with constants, `let`s and fixed parameters substituted.
//!
//! `None` always means that the cause has been reported, so callers stay silent about it.

use super::conditions::is_condition;
use super::fold::{self, Folded};
use super::functions::DIFFERENCES;
use super::hole_products::factor_hole;
use super::holes::HoleDraft;
use super::scope::{Entry, Lazy, Meaning, OTHER_FUNCTIONS, Quantity, Scope, functions};
use super::suggest::{self, with_blank};
use crate::base::{Idx, IndexMap};
use crate::diagnostics::codes::{E0201, E0205, E0209, E0210, E0211, E0309, E0310, E0312, E0406};
use crate::diagnostics::{Advice, Diagnostic, Sink};
use crate::hir::{BinaryOp, Expr, ExprKind, InputId, ParamId, StateId, UnaryFn};
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
    /// Variables of loops and sums with their numbers, innermost last.
    pub(super) loops: Vec<(String, i64)>,
    /// The left side of the current equation.
    pub(super) left: Option<Span>,
    /// Its right side.
    pub(super) right: Option<Span>,
    /// Which element of a tuple on the left side the current equation is for.
    pub(super) tuple: usize,
    /// Unknown names that have been reported.
    pub(super) unknown: Vec<String>,
    /// Functions that need themselves, which has been reported.
    pub(super) endless: Vec<String>,
    /// Calls so far, for names of their own.
    pub(super) fresh: usize,
    /// Nodes made so far.
    nodes: usize,
    depth: usize,
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
            unknown: Vec::new(),
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
                self.sink.push(Diagnostic::error(E0310, fault.message, fault.span, "here"));
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
                self.sink.push(Diagnostic::error(E0309, message, expr.span, "the limit is passed here"));
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
            ast::ExprKind::Text(_) => self.misplaced("a text has no value in an expression", span),
            ast::ExprKind::Field { of, name } => self.dotted(of, &name.name, span),
            ast::ExprKind::Subscript { of, at } => match &of.kind {
                ast::ExprKind::Name(name) => self.name(name, at, span),
                ast::ExprKind::Primed { .. } => {
                    self.misplaced("subscripts come before primes: write `q[i]'`, not `q'[i]`", span)
                }
                ast::ExprKind::Number { .. } => self.unit_without_blank(span),
                _ => self.misplaced("only a name can be subscripted", span),
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

    /// A list where one value is needed: that of `0,5` is a number.
    fn list_as_value(&mut self, span: Span) -> Option<Expr> {
        let d = Diagnostic::error(E0211, "a list stands where one value is needed", span, "not a value");
        let help = "operations are of values: write them for each element, `(f - x, g - y)`; a list stands alone";
        self.sink.push(self.decimal_comma(d.help(help), span));
        None
    }

    /// Where what is wrong at `span` is a decimal comma, says so.
    fn decimal_comma(&self, d: Diagnostic, span: Span) -> Diagnostic {
        let Some((at, number)) = suggest::decimal_comma(self.sources.text(span)) else { return d };
        let start = span.start + at as u32;
        d.help(format!("a number has a decimal point: `{number}`")).replace(Span { start, end: start + 1, ..span }, ".")
    }

    /// `np.pi`, `run.x`
    fn dotted(&mut self, of: &ast::Expr, name: &str, span: Span) -> Option<Expr> {
        let d = Diagnostic::error(E0211, "a dotted name has no value in an expression", span, "not a value");
        let library = ["np", "numpy", "math", "Math"].contains(&self.sources.text(of.span));
        self.sink.push(match library {
            true => d.help(Advice::instead("names stand without the module they have elsewhere", name)),
            false => d.help("known functions of time come from data: `input u`"),
        });
        None
    }

    fn misplaced(&mut self, message: &str, span: Span) -> Option<Expr> {
        self.sink.push(Diagnostic::error(E0211, message, span, "not a value"));
        None
    }

    /// What `name` with subscripts stands for at the current place.
    fn name(&mut self, name: &str, at: &[ast::Expr], span: Span) -> Option<Expr> {
        if let Some(value) = self.loop_value(name).filter(|_| at.is_empty()) {
            return Some(Expr::number(value as f64, span));
        }
        let Some(entry) = self.scope.lookup(name) else {
            return match name {
                "pi" if at.is_empty() => Some(Expr::number(std::f64::consts::PI, span)),
                "t" if at.is_empty() => match self.place {
                    Place::Constant => self.not_constant("`t` is the time", span, None),
                    _ => Some(Expr::new(ExprKind::Time, span)),
                },
                "pi" | "t" => self.misplaced(&format!("`{name}` has no index set and takes no subscript"), span),
                _ => self.unknown_name(name, span),
            };
        };
        let &Entry { meaning, span: declared, ref axes, .. } = entry;
        let axes = axes.clone();
        match meaning {
            Meaning::Broken => return None,
            Meaning::Function => {
                let message = format!("`{name}` is a function");
                self.sink
                    .push(Diagnostic::error(E0211, message, span, "not a value").help(format!("write `{name}(...)`")));
                return None;
            }
            Meaning::Index(a) if at.is_empty() => {
                return self.current(a, declared, span).map(|v| Expr::number(v as f64, span));
            }
            _ => {}
        }
        let flat = match axes.is_empty() && at.is_empty() {
            true => 0,
            false => self.element(name, &axes, declared, at, span)?,
        };
        match meaning {
            Meaning::Const(i) => self.constant_value(i + flat, name, span),
            Meaning::Param(p) => self.param(ParamId::new(p.index() + flat), name, span),
            _ if self.place == Place::Constant => {
                self.not_constant(&format!("`{name}` is {}", meaning.noun()), span, Some(declared))
            }
            Meaning::State(s) => Some(Expr::new(ExprKind::State(StateId::new(s.index() + flat), 0), span)),
            Meaning::Input(i) => Some(Expr::new(ExprKind::Input(InputId::new(i.index() + flat)), span)),
            Meaning::Let(i) => {
                let i = i + flat;
                let quantity = self.quantity(i, name, span)?;
                self.count(quantity.size, span)?;
                if self.depth + quantity.depth > MAX_DEPTH {
                    let message =
                        format!("`let`s nest more than {MAX_DEPTH} operations deep when they are substituted");
                    let d = Diagnostic::error(E0309, message, span, "the limit is passed here");
                    self.sink.push(d.label(declared, format!("`{name}` is defined here")));
                    self.scope.lets[i] = Lazy::Failed;
                    return None;
                }
                let Lazy::Done(quantity) = &self.scope.lets[i] else { return None };
                Some(quantity.value.clone())
            }
            Meaning::Hole(i) => {
                let hole = *self.scope.holes.get(i)?;
                self.named_hole(hole, span)
            }
            Meaning::Index(_) | Meaning::Function | Meaning::Broken => None,
        }
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

    fn unknown_name(&mut self, name: &str, span: Span) -> Option<Expr> {
        // One mistake is said once, however often the name stands in the model.
        if self.unknown.iter().any(|n| n == name) {
            return None;
        }
        self.unknown.push(name.to_string());
        let estimates = !(self.scope.of_formulas || self.place == Place::Constant);
        let other = || self.other_notation(name, span).or_else(|| self.number_meant(name));
        let help = match functions().find(|f| *f == name) {
            Some(f) => format!("`{f}` is a function: write `{f}(...)`").into(),
            None => other().unwrap_or_else(|| match self.scope.suggestion(name) {
                names if names.instead.is_none() && estimates => {
                    let declared = format!("a number that is to be estimated is declared: `param {name}`");
                    Advice::new(format!("{}; {declared}", names.text))
                }
                names => names,
            }),
        };
        let place = if self.scope.names.is_empty() || self.scope.of_formulas { "here" } else { "in this model" };
        let d = Diagnostic::error(E0201, format!("there is no `{name}` {place}"), span, "unknown name");
        self.sink.push(d.help(help).missing(name));
        None
    }

    fn not_constant(&mut self, why: &str, span: Span, declared: Option<Span>) -> Option<Expr> {
        let d = Diagnostic::error(E0210, format!("a number is needed here, but {why}"), span, "not a constant");
        self.sink.push(match declared {
            Some(place) => d.label(place, "declared here"),
            None => d,
        });
        None
    }

    /// The size and depth of a `let`, computed at its first use.
    fn quantity(&mut self, i: usize, name: &str, span: Span) -> Option<Quantity> {
        match &self.scope.lets[i] {
            Lazy::Done(q) => {
                // The value itself is cloned by the caller once it is known to fit.
                Some(Quantity { value: Expr::number(0.0, span), size: q.size, depth: q.depth })
            }
            Lazy::Failed => None,
            Lazy::Busy => self.cycle(name, span),
            Lazy::Pending(expr) => {
                let expr = *expr;
                self.scope.lets[i] = Lazy::Busy;
                let slot = self.scope.let_slots[i].clone();
                let part = self.part(expr, &slot, span);
                let value = part.and_then(|part| self.in_slot(&slot, |r| r.resolve_at(Place::Let, part)));
                let done = value.map(|value| Quantity { size: value.size(), depth: depth(&value), value });
                let shape = done.as_ref().map(|q| (q.size, q.depth));
                self.scope.lets[i] = done.map_or(Lazy::Failed, Lazy::Done);
                shape.map(|(size, depth)| Quantity { value: Expr::number(0.0, span), size, depth })
            }
        }
    }

    /// Resolves the `let` at `i` even if nothing uses it, so that mistakes in it are found.
    pub(super) fn force_let(&mut self, i: usize, name: &str, span: Span) -> bool {
        self.quantity(i, name, span).is_some()
    }

    /// The number a constant stands for.
    pub(super) fn constant_value(&mut self, i: usize, name: &str, span: Span) -> Option<Expr> {
        match &self.scope.consts[i] {
            Lazy::Done(v) => Some(Expr::number(*v, span)),
            Lazy::Failed => None,
            Lazy::Busy => self.cycle(name, span),
            Lazy::Pending(expr) => {
                let expr = *expr;
                self.scope.consts[i] = Lazy::Busy;
                let slot = self.scope.const_slots[i].clone();
                let part = self.part(expr, &slot, span);
                let value = part.and_then(|part| self.in_slot(&slot, |r| r.constant(part)));
                self.scope.consts[i] = value.map_or(Lazy::Failed, Lazy::Done);
                value.map(|v| Expr::number(v, span))
            }
        }
    }

    /// The declared value of a parameter; `None` also when it has none.
    pub(super) fn param_value(&mut self, p: ParamId, span: Span) -> Option<f64> {
        match self.scope.param_values[p.index()].clone()? {
            Lazy::Done(v) => Some(v),
            Lazy::Failed => None,
            Lazy::Busy => {
                let name = self.scope.params[p].name.clone();
                self.cycle::<f64>(&name, span)
            }
            Lazy::Pending(expr) => {
                self.scope.param_values[p.index()] = Some(Lazy::Busy);
                let slot = self.scope.param_slots[p.index()].clone();
                let part = self.part(expr, &slot, span);
                let value = part.and_then(|part| self.in_slot(&slot, |r| r.constant(part)));
                self.scope.param_values[p.index()] = Some(value.map_or(Lazy::Failed, Lazy::Done));
                value
            }
        }
    }

    fn param(&mut self, p: ParamId, name: &str, span: Span) -> Option<Expr> {
        let declared = self.scope.params[p].span;
        if self.scope.params[p].fixed {
            // A fixed parameter without a value is reported where it is declared.
            return self.param_value(p, span).map(|v| Expr::number(v, span));
        }
        if self.place == Place::Constant {
            return self.not_constant(&format!("`{name}` is estimated"), span, Some(declared));
        }
        let unknown = self.scope.param_unknowns[p.index()]?;
        Some(Expr::new(ExprKind::Unknown(unknown), span))
    }

    fn cycle<T>(&mut self, name: &str, span: Span) -> Option<T> {
        let d = Diagnostic::error(E0209, format!("`{name}` is defined by itself"), span, "needed for its own value");
        let d = match self.scope.names.get(name) {
            Some(entry) => d.label(entry.span, "declared here"),
            None => d,
        };
        self.sink.push(d);
        None
    }

    fn primed(&mut self, of: &ast::Expr, primes: u32, span: Span) -> Option<Expr> {
        let (name, at): (_, &[ast::Expr]) = match &of.kind {
            ast::ExprKind::Name(name) => (Some(name), &[]),
            ast::ExprKind::Subscript { of, at } => match &of.kind {
                ast::ExprKind::Name(name) => (Some(name), at),
                _ => (None, &[]),
            },
            _ => (None, &[]),
        };
        let Some(name) = name else {
            let d = Diagnostic::error(E0312, "only a state can be differentiated", span, "not a state");
            self.sink.push(d.help("write the derivative out, or give the expression a state of its own"));
            return None;
        };
        let state = self.state_named(name, at, of.span)?;
        if self.place == Place::Constant {
            return self.not_constant(&format!("`{name}` is a state"), span, None);
        }
        if primes > MAX_ORDER {
            let message = format!("derivatives go up to order {MAX_ORDER}, and this is order {primes}");
            self.sink.push(Diagnostic::error(crate::diagnostics::codes::E0306, message, span, "too high"));
            return None;
        }
        Some(Expr::new(ExprKind::State(state, primes as u8), span))
    }

    /// The state called `name`, of a family the element with the subscripts `at` or at the current position.
    pub(super) fn state_named(&mut self, name: &str, at: &[ast::Expr], span: Span) -> Option<StateId> {
        let Some(entry) = self.scope.lookup(name) else {
            self.unknown_name(name, span);
            return None;
        };
        let (declared, axes) = (entry.span, entry.axes.clone());
        match entry.meaning {
            Meaning::State(s) if axes.is_empty() && at.is_empty() => return Some(s),
            Meaning::State(s) => {
                let flat = self.element(name, &axes, declared, at, span)?;
                return Some(StateId::new(s.index() + flat));
            }
            Meaning::Broken => return None,
            _ => {}
        }
        let message = format!("`{name}` is {}, and only a state has derivatives", entry.meaning.noun());
        let d = Diagnostic::error(E0312, message, span, "not a state").label(entry.span, "declared here");
        self.sink.push(d);
        None
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
        let arguments: Vec<Option<Expr>> = call.arguments.iter().map(|a| self.resolve(a)).collect();
        let Some((least, most)) = wanted else {
            self.unknown_function(call, span);
            return None;
        };
        if let Some(extra) = call.named.first() {
            let d = Diagnostic::error(E0205, format!("`{name}` takes no options"), extra.name.span, "not taken");
            self.sink.push(d);
            return None;
        }
        if arguments.len() < least || arguments.len() > most {
            let count = match (least, most) {
                (1, 1) => "one argument".to_string(),
                _ => format!("at least {least} arguments"),
            };
            let message = format!("`{name}` takes {count}, and {} are given", arguments.len());
            let d = Diagnostic::error(E0205, message, span, "wrong number of arguments");
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

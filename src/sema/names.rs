//! What names stand for: states, inputs and loop variables, and, put in their place, the values of constants, `let`s and parameters.
//! States alone have derivatives.

use super::elements::Slot;
use super::resolve::{MAX_DEPTH, MAX_ORDER, Place, Resolver};
use super::scope::{Entry, Lazy, Meaning, functions};
use crate::base::Idx;
use crate::diagnostics::codes::{E0201, E0211, E0306, E0309, E0312};
use crate::diagnostics::{Advice, Diagnostic};
use crate::hir::{Expr, ExprKind, InputId, ParamId, StateId};
use crate::source::Span;
use crate::syntax::ast;

impl Resolver<'_, '_> {
    /// What `name` with subscripts stands for at the current place.
    pub(super) fn name(&mut self, name: &str, at: &[ast::Expr], span: Span) -> Option<Expr> {
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
                "pi" | "t" => self.misplaced(
                    &format!("`{name}` has no index set and takes no subscript"),
                    span,
                    &format!("write `{name}`"),
                ),
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
                    let d = Diagnostic::error(E0309, message, span, "the limit is passed here")
                        .help("name fewer parts inside of each other");
                    self.sink.push(d.label(declared, format!("`{name}` is defined here")));
                    self.scope.lets[i] = Lazy::Failed;
                    return None;
                }
                let Lazy::Done(quantity) = &self.scope.lets[i] else { return None };
                Some(quantity.value.clone())
            }
            Meaning::Hole(i) => {
                let hole = *self.scope.holes.get(i)?;
                match axes.is_empty() {
                    // It stands for what it is at the current elements.
                    true => self.named_hole(hole, span),
                    false => self.in_slot(&Slot { axes, flat }, |r| r.named_hole(hole, span)),
                }
            }
            Meaning::Index(_) | Meaning::Function | Meaning::Broken => None,
        }
    }

    fn unknown_name(&mut self, name: &str, span: Span) -> Option<Expr> {
        // One mistake is said once, however often the name stands in the model.
        if !self.unknown.insert(name.to_string()) {
            return None;
        }
        let estimates = !(self.scope.of_formulas || self.place == Place::Constant);
        let other = match functions().find(|f| *f == name) {
            Some(f) => Some(format!("`{f}` is a function: write `{f}(...)`").into()),
            None => functions()
                .find(|f| f.eq_ignore_ascii_case(name))
                .map(|f| format!("`{f}` is a function, and its argument stands in parentheses: `{f}(x)`").into())
                .or_else(|| self.other_notation(name, span))
                .or_else(|| self.number_meant(name))
                .or_else(|| self.start_meant(name.strip_suffix('0').map_or(name, |n| n.trim_end_matches('_')), span)),
        };
        // `total = x + y` lacks a word, where nothing else has been thought of.
        let mut is_relation = false;
        let help: Advice = match other {
            Some(other) => other,
            None => match self.scope.suggestion(name, self.sink) {
                names if names.instead.is_none() && self.left == Some(span) => {
                    is_relation = true;
                    let prime = format!("a state has a prime here: `{name}' = ...`");
                    format!("a name for an expression is declared: `let {name} = ...`; {prime}").into()
                }
                names if names.instead.is_none() && estimates => {
                    let declared = format!(
                        "a number that is to be estimated is declared: `param {name}`, a column of the data: `input {name}`"
                    );
                    Advice::new(format!("{}; {declared}", names.text))
                }
                names => names,
            },
        };
        let place = if self.scope.names.is_empty() || self.scope.of_formulas { "here" } else { "in this model" };
        let d = Diagnostic::error(E0201, format!("there is no `{name}` {place}"), span, "unknown name");
        let d = d.help(help).missing(name);
        self.sink.push(match (is_relation, self.range_without_ends(name, span)) {
            (true, _) => d.replace(Span { end: span.start, ..span }, "let "),
            (false, Some(range)) => d.replace(range, ""),
            (false, None) => d,
        });
        None
    }

    pub(super) fn primed(&mut self, of: &ast::Expr, primes: u32, span: Span) -> Option<Expr> {
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
            self.sink.push(match self.without_time(of) {
                Some(name) => {
                    let written = format!("{name}{}", "'".repeat(primes as usize));
                    d.help(format!("what depends on the time is written without it: `{written}`"))
                        .replace(span, written)
                }
                None if self.state_in(of).is_some() => {
                    let written = format!("{}{}", self.state_in(of).unwrap_or_default(), "'".repeat(primes as usize));
                    d.help(format!("names stand alone in a model: `{written}`")).replace(span, written)
                }
                None => d.help("write the derivative out, or give the expression a state of its own"),
            });
            return None;
        };
        let state = self.state_named(name, at, of.span)?;
        if self.place == Place::Constant {
            return self.not_constant(&format!("`{name}` is a state"), span, None);
        }
        if primes > MAX_ORDER {
            let message = format!("derivatives go up to order {MAX_ORDER}, and this is order {primes}");
            self.sink.push(
                Diagnostic::error(E0306, message, span, "too high")
                    .help("split the equation: a state for a derivative, `v = x'`, has fewer of its own"),
            );
            return None;
        }
        Some(Expr::new(ExprKind::State(state, primes as u8), span))
    }

    /// The state of `self.x`.
    fn state_in<'e>(&self, of: &'e ast::Expr) -> Option<&'e str> {
        let ast::ExprKind::Field { name, .. } = &of.kind else { return None };
        let entry = self.scope.names.get(name.name.as_str())?;
        matches!(entry.meaning, Meaning::State(_)).then_some(name.name.as_str())
    }

    /// `x0 = 1` and `x[0] = 1`, where `name` is a state that is said to start there.
    pub(super) fn start_meant(&self, name: &str, span: Span) -> Option<Advice> {
        let is_state = self.scope.names.get(name).is_some_and(|e| matches!(e.meaning, Meaning::State(_)));
        let right = self.right.filter(|_| is_state && self.left == Some(span))?;
        let help = format!("where a state starts is declared: `initial {name} = {}`", self.sources.text(right));
        Some(Advice::instead(help, format!("initial {name}")))
    }

    /// The state of `x(t)`.
    fn without_time<'e>(&self, of: &'e ast::Expr) -> Option<&'e str> {
        let ast::ExprKind::Call(call) = &of.kind else { return None };
        let name = call.function.name.as_str();
        let is_state = matches!(self.scope.lookup(name)?.meaning, Meaning::State(_));
        let of_time = |e: &ast::Expr| matches!(&e.kind, ast::ExprKind::Name(argument) if argument == "t");
        (is_state && call.named.is_empty() && matches!(call.arguments.as_slice(), [one] if of_time(one)))
            .then_some(name)
    }

    /// The state called `name`, of a family the element with the subscripts `at` or at the current position.
    pub(super) fn state_named(&mut self, name: &str, at: &[ast::Expr], span: Span) -> Option<StateId> {
        let Some(entry) = self.scope.lookup(name) else {
            if name == "t" {
                let d =
                    Diagnostic::error(E0312, "`t` is the time, and only a state has derivatives", span, "not a state");
                self.sink.push(d.help("write it without a prime: `t`"));
                return None;
            }
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
        self.sink.push(d.help(match entry.meaning {
            Meaning::Let(_) => format!("write out the derivative, or make it a state: `state {name}`, with an equation"),
            Meaning::Input(_) => {
                format!("read its derivative as an input of its own, or make it a state that the data observe: `state {name}`")
            }
            Meaning::Param(_) | Meaning::Const(_) => "a number that does not change has the derivative 0".to_string(),
            _ => format!("write `{name}` without a prime"),
        }));
        None
    }
}

//! Derivatives in the notations of other tools, and what is written for them here.

use super::resolve::Resolver;
use super::scope::Meaning;
use crate::base::Idx;
use crate::diagnostics::codes::E0317;
use crate::diagnostics::{Advice, Diagnostic};
use crate::hir::StateId;
use crate::source::Span;
use crate::syntax::ast;

/// Functions that differentiate elsewhere.
pub(super) const DERIVATIVES: [&str; 5] = ["d", "der", "ddt", "diff", "dot"];

impl Resolver<'_, '_> {
    /// `dx/dt`, which no name that is declared explains; the derivative as it is written here.
    fn leibniz(&self, expr: &ast::Expr) -> Option<Advice> {
        let ast::ExprKind::Binary { op: ast::BinaryOp::Divide, left, right } = &expr.kind else { return None };
        if let Some(written) = self.of_call(left, right) {
            return Some(Advice::instead(format!("write `{written}`"), written));
        }
        // `-dx/dt` and `k*dx/dt` are quotients of a product.
        let mut left = &**left;
        loop {
            left = match &left.kind {
                ast::ExprKind::Unary { op: ast::UnaryOp::Negate, operand } => operand,
                ast::ExprKind::Binary { op: ast::BinaryOp::Multiply, right, .. } => right,
                _ => break,
            };
        }
        let ast::ExprKind::Name(time) = &right.kind else { return None };
        let (of, at) = match &left.kind {
            ast::ExprKind::Name(of) => (of, ""),
            ast::ExprKind::Subscript { of, .. } => match &of.kind {
                ast::ExprKind::Name(name) => (name, self.sources.text(left.span).strip_prefix(name.as_str())?),
                _ => return None,
            },
            _ => return None,
        };
        let unknown = |name: &str| !self.scope.names.contains_key(name);
        let order = time.strip_prefix("dt")?;
        let (primes, state) = match order {
            "" => (1, of.strip_prefix('d')?),
            _ => (order.parse().ok().filter(|n| (2..=8).contains(n))?, of.strip_prefix('d')?.strip_prefix(order)?),
        };
        let known = !state.is_empty() && !unknown(state);
        if !(known && unknown(of) && unknown(time)) {
            return None;
        }
        let text = &self.sources.file(expr.span.file).text;
        let between = |from: u32, to: u32| text.get(from as usize..to as usize);
        let written = format!("{}{state}{at}{}", between(expr.span.start, left.span.start)?, "'".repeat(primes));
        let quotient = between(left.span.end, right.span.start)?.trim() == "/";
        // Parentheses around the product are no part of what is rewritten.
        Some(match quotient {
            true => Advice::instead(format!("write `{written}`"), written),
            false => Advice::new(format!("write `{state}{at}{}`", "'".repeat(primes))),
        })
    }

    /// `d(x)/dt` and `d/dt(x)`
    fn of_call(&self, left: &ast::Expr, right: &ast::Expr) -> Option<String> {
        let call = match (&left.kind, &right.kind) {
            (ast::ExprKind::Call(call), ast::ExprKind::Name(dt)) if call.function.name == "d" && dt == "dt" => call,
            (ast::ExprKind::Name(d), ast::ExprKind::Call(call)) if d == "d" && call.function.name == "dt" => call,
            _ => return None,
        };
        let [of] = call.arguments.as_slice() else { return None };
        let state = match &of.kind {
            ast::ExprKind::Name(name) => name,
            ast::ExprKind::Subscript { of, .. } => match &of.kind {
                ast::ExprKind::Name(name) => name,
                _ => return None,
            },
            _ => return None,
        };
        let declared = |name: &str| self.scope.names.contains_key(name);
        (declared(state) && !declared("d") && !declared("dt")).then(|| format!("{}'", self.sources.text(of.span)))
    }

    /// What an unknown name at `span` stands for elsewhere: `x_dot`, `xdot` and `x` with a dot above for a derivative, `NP` for a product.
    pub(super) fn other_notation(&self, name: &str, span: Span) -> Option<Advice> {
        let names = &self.scope.names;
        let is_state = |word: &&str| names.get(*word).is_some_and(|e| matches!(e.meaning, Meaning::State(_)));
        let suffixed = ["_dot", "dot", "_t"].iter().filter_map(|end| name.strip_suffix(end));
        // `dx` alone on the left side, where nothing else can be meant.
        let whole = name.strip_prefix('d').filter(|_| self.left == Some(span));
        let prefixed = whole.map(|rest| rest.strip_suffix("_dt").or(rest.strip_suffix("dt")).unwrap_or(rest));
        let derivative = suffixed.chain(prefixed).find(is_state).map(|state| format!("{state}'")).or_else(|| {
            let (state, primes) = without_dots(name)?;
            is_state(&state.as_str()).then(|| format!("{state}{primes}"))
        });
        if let Some(written) = derivative {
            let text = format!("a derivative with respect to time is written with a prime: `{written}`");
            return Some(Advice::instead(text, written));
        }
        // `u_xx`
        let space = [("_xx", "dxx"), ("_x", "dx"), ("xx", "dxx")].iter().find_map(|(end, function)| {
            let family = name.strip_suffix(end)?;
            let over = names.get(family).is_some_and(|e| matches!(e.meaning, Meaning::State(_)) && !e.axes.is_empty());
            over.then(|| format!("{function}({family})"))
        });
        if let Some(written) = space {
            let text = format!("derivatives over an index set are written `{written}`");
            return Some(Advice::instead(text, written));
        }
        let product = name.char_indices().skip(1).map(|(at, _)| name.split_at(at));
        let product = product.filter(|(a, b)| names.contains_key(*a) && names.contains_key(*b)).last();
        // As well a slip in a longer name: no edit is sure.
        product.map(|(a, b)| Advice::new(format!("multiplication is written `*`: `{a}*{b}`")))
    }

    /// Reports a derivative that is written as a quotient; whether it is one.
    pub(super) fn is_leibniz(&mut self, expr: &ast::Expr) -> bool {
        let Some(advice) = self.leibniz(expr) else { return false };
        let message = "a derivative with respect to time is written with a prime";
        // Where it is the left side of an equation, all of that is rewritten.
        let right = self.right.filter(|_| self.left == Some(expr.span)).map(|right| self.sources.text(right));
        let whole = right.filter(|text| !text.contains('\n')).map(|right| format!(" = {right}")).unwrap_or_default();
        let d = Diagnostic::error(E0317, message, expr.span, "a quotient of two names");
        self.sink.push(d.help(match advice.instead {
            Some(written) => Advice::instead(format!("write `{written}{whole}`"), written),
            None => advice,
        }));
        true
    }

    /// The equation at `span` with a prime at its left side, where that is nothing but a state, and the left side as it stands and as it
    /// is written.
    pub(super) fn without_prime(&self, span: Span) -> Option<(String, Span, String)> {
        let text = self.sources.text(span);
        let (left, right) = text.split_once('=').filter(|_| !text.contains('\n'))?;
        let left = left.trim();
        let states = self.scope.states.len();
        let state = (0..states).map(StateId::new).find(|&s| self.scope.states[s].name == left)?;
        let primes = usize::from(self.scope.states[state].order.max(1));
        let written = format!("{left}{}", "'".repeat(primes));
        let place = Span { end: span.start + left.len() as u32, ..span };
        Some((format!("{written} ={right}"), place, written))
    }

    /// A sum of other states and constants in place of an equation of a state, `R = N - S - I`: the state, the sum, and the equation that the state has
    /// with those of the others.
    pub(super) fn balance(&self, span: Span) -> Option<(String, String, String)> {
        let (left, right) = self.sources.text(span).split_once('=').filter(|(_, right)| !right.contains('\n'))?;
        let (left, right) = (left.trim(), right.trim());
        let is_first_order = |name: &str| match self.scope.names.get(name).map(|entry| entry.meaning) {
            Some(Meaning::State(id)) => Some(self.scope.states[id].order <= 1),
            _ => None,
        };
        is_first_order(left).filter(|first| *first)?;
        let (mut changes, mut states) = (String::new(), 0);
        let signs = std::iter::once("+").chain(right.matches(['+', '-']));
        for (at, (term, sign)) in right.split(['+', '-']).zip(signs).enumerate() {
            let (name, minus) = (term.trim(), sign == "-");
            let is_constant = || {
                let meaning = self.scope.names.get(name).map(|entry| entry.meaning);
                name.parse::<f64>().is_ok() || matches!(meaning, Some(Meaning::Const(_) | Meaning::Param(_)))
            };
            match is_first_order(name) {
                _ if name == left => return None,
                Some(false) => return None,
                Some(true) => {
                    let sign = match (changes.is_empty(), minus) {
                        (true, false) => "",
                        (true, true) => "-",
                        (false, false) => " + ",
                        (false, true) => " - ",
                    };
                    changes.push_str(&format!("{sign}{name}'"));
                    states += 1;
                }
                // A sign at the start has nothing before it.
                None if is_constant() || name.is_empty() && at == 0 => {}
                None => return None,
            }
        }
        // `x = v` is an equation without its prime.
        let is_sum = states > 1 || right.split(['+', '-']).filter(|term| !term.trim().is_empty()).count() > 1;
        (states > 0 && is_sum).then(|| (left.to_string(), right.to_string(), format!("{left}' = {changes}")))
    }

    /// The statement with a comma that an equation at `span` without a prime is the end of, where it stands behind `initial x = 1;` in the same
    /// line, and the place of that semicolon.
    pub(super) fn behind_initial(&self, span: Span) -> Option<(String, Span)> {
        let before = self.sources.text(Span { start: 0, end: span.start, ..span });
        let line = before.rsplit('\n').next()?;
        let begun = line.trim_end().strip_suffix(';')?;
        let statement = begun.rsplit([';', '{']).next()?.trim();
        let values = statement.strip_prefix("initial").filter(|rest| rest.starts_with(char::is_whitespace))?;
        // Only a list of values, not what comes from data.
        if !values.contains('=') {
            return None;
        }
        let at = before.trim_end().len() as u32;
        let place = Span { start: at.checked_sub(1)?, end: at, ..span };
        Some((format!("{statement}, {}", self.sources.text(span)), place))
    }
}

/// Letters that carry a dot above, and the same without.
const DOTTED: [(char, char); 16] = [
    ('\u{227}', 'a'),
    ('\u{1e03}', 'b'),
    ('\u{10b}', 'c'),
    ('\u{1e0b}', 'd'),
    ('\u{121}', 'g'),
    ('\u{1e23}', 'h'),
    ('\u{1e41}', 'm'),
    ('\u{1e45}', 'n'),
    ('\u{22f}', 'o'),
    ('\u{1e57}', 'p'),
    ('\u{1e59}', 'r'),
    ('\u{1e61}', 's'),
    ('\u{1e87}', 'w'),
    ('\u{1e8b}', 'x'),
    ('\u{1e8f}', 'y'),
    ('\u{17c}', 'z'),
];

/// A name without the dots above its last letter, and the primes that stand for them.
fn without_dots(name: &str) -> Option<(String, &'static str)> {
    let mut before = name.chars();
    let last = before.next_back()?;
    let state = before.as_str();
    match last {
        '\u{307}' => Some((state.to_string(), "'")),
        '\u{308}' => Some((state.to_string(), "''")),
        _ => DOTTED.iter().find(|(dotted, _)| *dotted == last).map(|(_, plain)| (format!("{state}{plain}"), "'")),
    }
}

//! Derivatives in the notations of other tools, and what is written for them here.

use super::resolve::Resolver;
use crate::base::Idx;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::E0317;
use crate::hir::StateId;
use crate::source::Span;
use crate::syntax::ast;

/// Functions that differentiate elsewhere.
pub(super) const DERIVATIVES: [&str; 5] = ["d", "der", "ddt", "diff", "dot"];

impl Resolver<'_, '_> {
    /// `dx/dt`, which no name that is declared explains; the derivative as it is written here.
    fn leibniz(&self, expr: &ast::Expr) -> Option<String> {
        let ast::ExprKind::Binary { op: ast::BinaryOp::Divide, left, right } = &expr.kind else { return None };
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
        (known && unknown(of) && unknown(time)).then(|| format!("{state}{at}{}", "'".repeat(primes)))
    }

    /// Reports a derivative that is written as a quotient; whether it is one.
    pub(super) fn is_leibniz(&mut self, expr: &ast::Expr) -> bool {
        let Some(written) = self.leibniz(expr) else { return false };
        let message = "a derivative with respect to time is written with a prime";
        // Where it is the left side of an equation, all of that is rewritten.
        let right = self.right.filter(|_| self.left == Some(expr.span)).map(|right| self.sources.text(right));
        let whole = right.filter(|text| !text.contains('\n')).map(|right| format!(" = {right}")).unwrap_or_default();
        let d = Diagnostic::error(E0317, message, expr.span, "a quotient of two names");
        self.sink.push(d.help(format!("write `{written}{whole}`")));
        true
    }

    /// The equation at `span` with a prime at its left side, where that is nothing but a state.
    pub(super) fn without_prime(&self, span: Span) -> Option<String> {
        let text = self.sources.text(span);
        let (left, right) = text.split_once('=').filter(|_| !text.contains('\n'))?;
        let left = left.trim();
        let states = self.scope.states.len();
        let state = (0..states).map(StateId::new).find(|&s| self.scope.states[s].name == left)?;
        let primes = usize::from(self.scope.states[state].order.max(1));
        Some(format!("{left}{} ={right}", "'".repeat(primes)))
    }
}

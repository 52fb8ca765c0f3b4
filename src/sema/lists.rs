//! Libraries of terms: functions that give a list, as arguments of holes.

use super::resolve::Resolver;
use super::scope::Scope;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::E0309;
use crate::source::Span;
use crate::syntax::ast;

/// Lists of lists go at most this deep.
pub(super) const MAX_LISTS: usize = 100;

/// An argument of a hole after lists have been taken apart.
pub(super) struct Argument {
    pub(super) expr: ast::Expr,
    /// Whether it stands in the body of a function and so nowhere in the file as it is.
    pub(super) taken_apart: bool,
    /// Where it stands in the model.
    pub(super) place: Span,
}

impl<'a> Scope<'a> {
    /// The function that `expr` calls, where that gives a list: its body is one, or calls such a function.
    pub(super) fn list_function(&self, expr: &ast::Expr) -> Option<&'a ast::Function> {
        let mut body = expr;
        let mut called: Option<&'a ast::Function> = None;
        // A chain of functions that call each other is no longer than there are functions, unless it has no end.
        for _ in 0..=self.functions.len() {
            match &body.kind {
                ast::ExprKind::Tuple(_) => return called,
                ast::ExprKind::Call(call) => {
                    let function = self.functions.get(call.function.name.as_str()).copied()?;
                    called = called.or(Some(function));
                    body = &function.body;
                }
                _ => return None,
            }
        }
        None
    }
}

impl<'a> Resolver<'a, '_> {
    /// The function that `expr` calls, where that gives a list.
    pub(super) fn list_function(&self, expr: &ast::Expr) -> Option<&'a ast::Function> {
        self.scope.list_function(expr)
    }

    /// The arguments of a hole: in place of a call of a function that gives a list stand its elements.
    pub(super) fn arguments(&mut self, written: &[ast::Expr]) -> Option<Vec<Argument>> {
        let mut out = Vec::with_capacity(written.len());
        let mut complete = true;
        for expr in written {
            match self.list_function(expr) {
                Some(_) => complete &= self.take_apart(expr, (expr.span, 0), &mut out).is_some(),
                None => out.push(Argument { expr: expr.clone(), taken_apart: false, place: expr.span }),
            }
        }
        complete.then_some(out)
    }

    /// The elements of the list that the call `expr` gives. `at` says where the first of the calls stands in the model, and
    /// how many calls lie between.
    fn take_apart(&mut self, expr: &ast::Expr, at: (Span, usize), out: &mut Vec<Argument>) -> Option<()> {
        let (place, depth) = at;
        self.count(1, place)?;
        let (Some(function), ast::ExprKind::Call(call)) = (self.list_function(expr), &expr.kind) else {
            out.push(Argument { expr: expr.clone(), taken_apart: true, place });
            return Some(());
        };
        if depth >= MAX_LISTS {
            let message = format!("lists of terms nest more than {MAX_LISTS} deep");
            self.sink
                .push(Diagnostic::error(E0309, message, place, "the limit is passed here").help("write the terms out"));
            return None;
        }
        self.scope.lookup(&function.name.name);
        let body = self.called_body(function, call, expr.span)?;
        let inner = (place, depth + 1);
        match body.kind {
            ast::ExprKind::Tuple(list) => list.iter().try_for_each(|e| self.take_apart(e, inner, out)),
            _ => self.take_apart(&body, inner, out),
        }
    }
}

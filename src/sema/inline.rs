//! Functions that other functions brought along, for outputs: their calls are written out, since a model that is printed
//! declares only what the user named.

use super::functions::{each_part_mut, put_in};
use super::resolve::Resolver;
use super::spell;
use crate::syntax::ast;

/// Calls within calls are written out at most this deep.
const MAX_DEEP: usize = 100;

impl Resolver<'_, '_> {
    /// A function as a statement; nothing for one that was brought along, and for a list of terms, of which nothing is left once
    /// holes are filled.
    pub(super) fn function_text(&self, function: &ast::Function) -> Option<String> {
        if is_hidden(&function.name.name) || matches!(function.body.kind, ast::ExprKind::Tuple(_)) {
            return None;
        }
        let mut body = function.body.clone();
        if !self.write_out(&mut body, 0) {
            return self.written(function.span);
        }
        let params: Vec<&str> = function.params.iter().map(|p| p.name.as_str()).collect();
        Some(format!("fn {}({}) = {}", function.name.name, params.join(", "), spell::whole(&body)))
    }

    /// Writes hidden calls out; whether there were any.
    pub(super) fn write_out(&self, expr: &mut ast::Expr, depth: usize) -> bool {
        let mut changed = false;
        if let ast::ExprKind::Call(call) = &expr.kind
            && is_hidden(&call.function.name)
            && depth < MAX_DEEP
            && let Some(function) = self.scope.functions.get(call.function.name.as_str()).copied()
            && let Some(body) = put_in(function, &call.arguments, self.fresh)
        {
            *expr = body;
            self.write_out(expr, depth + 1);
            return true;
        }
        if let ast::ExprKind::Sum { body, .. } = &mut expr.kind {
            changed |= self.write_out(body, depth);
        }
        each_part_mut(expr, &mut |part| changed |= self.write_out(part, depth));
        changed
    }
}

/// Whether a function was brought along by another: its name holds the file it is from.
fn is_hidden(name: &str) -> bool {
    name.contains('.')
}

//! Models without a state.

use super::resolve::Resolver;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::E0314;
use crate::syntax::ast::{self, ExprKind, ModelItem};

impl Resolver<'_, '_> {
    /// Says that `model` has no state, and which of its names is meant as one.
    pub(super) fn no_state(&mut self, model: &ast::Model) {
        let message = format!("model `{}` has no state", model.name.name);
        let d = Diagnostic::error(E0314, message, model.name.span, "nothing to solve for");
        self.sink.push(d.help(match differentiated(&model.body) {
            Some(name) if self.scope.names.contains_key(name) => {
                format!("`{name}` has an equation for its derivative; declare it as a state: `state {name}`")
            }
            name => format!("declare one: `state {}`", name.unwrap_or("x")),
        }));
    }
}

/// The first name whose derivative has an equation.
fn differentiated(body: &[ModelItem]) -> Option<&str> {
    body.iter().find_map(|item| match item {
        ModelItem::Equation(ast::Equation { left, .. }) => match &left.kind {
            ExprKind::Primed { of, .. } => match &of.kind {
                ExprKind::Name(name) => Some(name.as_str()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    })
}

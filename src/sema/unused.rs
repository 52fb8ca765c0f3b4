//! What a model declares and nothing uses, and parameters that no equation holds.

use super::resolve::Resolver;
use super::scope::Meaning;
use crate::base::{Arena, Idx};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{W0701, W0705};
use crate::hir::{Equation, ExprKind, Unknown, UnknownId, UnknownKind};
use crate::syntax::ast;

impl Resolver<'_, '_> {
    pub(super) fn unused(&mut self, model: &ast::Model) {
        for (name, entry) in &self.scope.names {
            let what = match entry.meaning {
                Meaning::Const(_) => "constant",
                Meaning::Hole(_) => "hole",
                Meaning::Let(_) => "`let`",
                Meaning::Input(i) if self.scope.inputs[i].field.is_some() => "field",
                Meaning::Input(_) => "input",
                // Functions from outside the model are there for all models.
                Meaning::Function
                    if model.span.file == entry.span.file
                        && model.span.start < entry.span.start
                        && entry.span.end < model.span.end =>
                {
                    "function"
                }
                Meaning::Function => continue,
                Meaning::Index(a) if !self.scope.axes[a].used.get() => "index set",
                Meaning::State(_) | Meaning::Param(_) | Meaning::Index(_) | Meaning::Broken => continue,
            };
            if !entry.used.get() {
                let message = format!("the {what} `{name}` is never used");
                self.sink.push(
                    Diagnostic::warning(W0701, message, entry.span, "declared here").help("leave it out, or use it"),
                );
            }
        }
    }

    /// Parameters that no equation holds.
    pub(super) fn unidentified(&mut self, equations: &[Equation], unknowns: &Arena<UnknownId, Unknown>) {
        let mut found = vec![false; unknowns.len()];
        for eq in equations {
            eq.residual.visit(&mut |e| {
                if let ExprKind::Unknown(u) = e.kind {
                    found[u.index()] = true;
                }
            });
        }
        for (id, unknown) in unknowns.iter() {
            let UnknownKind::Param(p) = unknown.kind else { continue };
            if !found[id.index()] {
                let message = format!("no equation holds the parameter `{}`, so nothing can identify it", unknown.name);
                let span = self.scope.params[p].span;
                self.sink.push(
                    Diagnostic::warning(W0705, message, span, "declared here")
                        .help("use it in an equation, or leave it out"),
                );
            }
        }
        for (name, entry) in &self.scope.names {
            if let Meaning::Param(p) = entry.meaning
                && self.scope.params[p].fixed
                && !entry.used.get()
            {
                let message = format!("the fixed parameter `{name}` is never used");
                self.sink.push(
                    Diagnostic::warning(W0701, message, entry.span, "declared here").help("leave it out, or use it"),
                );
            }
        }
    }
}

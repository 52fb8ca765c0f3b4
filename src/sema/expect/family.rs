//! Models with index sets in expectations: elements of families, and equations by the statements that stand for them.

use super::super::families::{element_name, numbers};
use super::canonical::{Product, canonical};
use super::subject::Resolver;
use crate::hir::{EquationRef, Model, Statements, Subject, family};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Ident};

/// `u[3]` or `run.u[3]` as the name, or the part, that it is; `None` where the subscripts are no numbers or it is no element.
pub(super) fn element(expr: &Expr) -> Option<Expr> {
    let ExprKind::Subscript { of, at } = &expr.kind else { return None };
    let at = numbers(at).filter(|at| at.iter().all(|value| value.fract() == 0.0))?;
    let at: Vec<String> = at.iter().map(f64::to_string).collect();
    let name = |family: &str| element_name(family, &at);
    let kind = match &of.kind {
        ExprKind::Name(of) => ExprKind::Name(name(of)),
        ExprKind::Field { of, name: part } => {
            ExprKind::Field { of: of.clone(), name: Ident { name: name(&part.name), span: expr.span } }
        }
        _ => return None,
    };
    Some(Expr { kind, span: expr.span })
}

/// What stands before the dot, and the rest without it: `fit.q[i]` is `fit` and `q[i]`.
fn without_owner(expr: &Expr) -> (Option<(&str, Span)>, Expr) {
    match &expr.kind {
        ExprKind::Field { of, name } => {
            let owner = match &of.kind {
                ExprKind::Name(owner) => Some((owner.as_str(), of.span)),
                _ => None,
            };
            (owner, Expr { kind: ExprKind::Name(name.name.clone()), span: expr.span })
        }
        ExprKind::Subscript { of, at } => {
            let (owner, of) = without_owner(of);
            (owner, Expr { kind: ExprKind::Subscript { of: Box::new(of), at: at.clone() }, span: expr.span })
        }
        _ => (None, expr.clone()),
    }
}

/// The name that an expression begins with.
fn head(expr: &Expr) -> &str {
    match &expr.kind {
        ExprKind::Name(name) => name,
        ExprKind::Subscript { of, .. } => head(of),
        _ => "",
    }
}

/// The names that may stand in terms of statements: families, index sets, variables of loops, and what else is declared.
pub(super) fn names<'m>(model: &'m Model, statements: &'m Statements) -> impl Iterator<Item = &'m str> {
    let families = model.states.values().map(|s| s.name.as_str());
    let families = families.chain(model.inputs.values().map(|i| i.name.as_str()));
    let families = families.chain(model.params.values().map(|p| p.name.as_str())).map(family);
    let word = |text: &'m str, position: usize| {
        text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).nth(position)
    };
    let named = |d: &&String| !d.starts_with("time ");
    let declared = statements.declarations.iter().filter(named).filter_map(move |d| word(d, 1));
    let loops = statements.equations.iter().flat_map(|s| &s.loops).filter_map(move |l| word(l, 0));
    families.chain(declared).chain(loops)
}

impl Resolver<'_> {
    /// The equation that a derivative names in a model with index sets: the statement with that left side, or the only one of the
    /// family. `None` for models without statements.
    pub fn statement(&mut self, of: &Expr, primes: u32, span: Span) -> Option<Option<EquationRef>> {
        let (owner, bare) = without_owner(of);
        let subject = match owner {
            // What is wrong with the owner is said where models without index sets are resolved.
            Some((name, _)) => self.named_subject(name)?,
            None => Subject::Fit(self.single_fit()?),
        };
        let model = self.model(subject);
        let statements = model.statements.as_ref()?;
        if let Some((name, at)) = owner {
            self.subject(name, at);
        }
        let primed = |left: &str| left.len() - left.trim_end_matches('\'').len() == primes as usize;
        let wanted = Product::of(&bare).spelled();
        let lefts: Vec<&str> = statements.equations.iter().map(|s| s.left.as_str()).collect();
        let exact = lefts.iter().find(|l| primed(l) && canonical(l.trim_end_matches('\'')) == wanted);
        let mut of_family = lefts.iter().filter(|l| primed(l) && family(l.trim_end_matches('\'')) == head(&bare));
        let only = match (of_family.next(), of_family.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        };
        let Some(left) = exact.or(only) else {
            let help = format!("write the left side as the model has it: `{}`", lefts.join("`, `"));
            self.unknown(format!("model `{}` has no equation with this left side", model.name), span, help);
            return Some(None);
        };
        Some(Some(EquationRef { subject, state: left.trim_end_matches('\'').to_string(), sum: None }))
    }
}

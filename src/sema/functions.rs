//! Functions of the user's: a call stands for the function's body with the arguments in place of its parameters.

use super::resolve::Resolver;
use super::scope::{BUILT_IN, Scope, functions};
use super::suggest;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0201, E0202, E0205, E0906};
use crate::hir::Expr;
use crate::source::Span;
use crate::syntax::ast;

/// The operators on index sets, which are called like functions.
pub(super) const DIFFERENCES: [&str; 3] = ["dx", "dxx", "D"];

impl<'a> Resolver<'a, '_> {
    /// Checks what stands in every function, called or not.
    pub(super) fn check_functions(&mut self, model: &ast::Model) {
        let list: Vec<&'a ast::Function> = self.scope.functions.values().copied().collect();
        for function in list {
            for (i, param) in function.params.iter().enumerate() {
                if let Some(first) = function.params[..i].iter().find(|p| p.name == param.name) {
                    let message = format!("`{}` is a parameter twice", param.name);
                    let d = Diagnostic::error(E0202, message, param.span, "again here");
                    self.sink.push(d.label(first.span, "first here"));
                }
            }
            let inside = model.span.file == function.span.file
                && (model.span.start..model.span.end).contains(&function.span.start);
            let mut bound: Vec<&str> = function.params.iter().map(|p| p.name.as_str()).collect();
            self.check_names(function, &function.body, inside, &mut bound);
            self.check_end(function);
        }
    }

    /// Whether a function needs itself, directly or through others.
    fn check_end(&mut self, function: &'a ast::Function) {
        let mut reached: Vec<&str> = Vec::new();
        let mut open: Vec<&ast::Expr> = vec![&function.body];
        let mut place = None;
        while let Some(expr) = open.pop() {
            if let ast::ExprKind::Call(call) = &expr.kind
                && let Some(called) = self.scope.functions.get(call.function.name.as_str()).copied()
            {
                if called.name.name == function.name.name {
                    place = place.or(Some(call.function.span));
                } else if !reached.contains(&called.name.name.as_str()) {
                    reached.push(&called.name.name);
                    open.push(&called.body);
                }
            }
            each_part(expr, &mut |part| open.push(part));
        }
        let Some(place) = place else { return };
        let name = &function.name.name;
        self.endless.push(name.clone());
        let d = Diagnostic::error(E0906, format!("the function `{name}` calls itself"), place, "no end");
        self.sink.push(d.label(function.name.span, "declared here"));
    }

    /// Names in a function: its parameters, and the model's where the function stands inside a model.
    fn check_names<'e>(&mut self, of: &ast::Function, expr: &'e ast::Expr, inside: bool, bound: &mut Vec<&'e str>) {
        if let ast::ExprKind::Name(name) = &expr.kind
            && !bound.contains(&name.as_str())
            && !BUILT_IN.contains(&name.as_str())
            && !(inside && self.scope.names.contains_key(name.as_str()))
        {
            let known = bound.iter().copied().chain(BUILT_IN);
            let help = suggest::help("names in this function", name, known);
            let message = format!("there is no `{name}` in the function `{}`", of.name.name);
            self.sink.push(Diagnostic::error(E0201, message, expr.span, "unknown name").help(help));
        }
        let depth = bound.len();
        if let ast::ExprKind::Sum { variable, .. } = &expr.kind {
            bound.push(&variable.name);
        }
        each_part(expr, &mut |part| self.check_names(of, part, inside, bound));
        bound.truncate(depth);
    }

    /// The value of a call of `function`.
    pub(super) fn user_call(&mut self, function: &'a ast::Function, call: &ast::Call, span: Span) -> Option<Expr> {
        let name = &function.name.name;
        if let Some(extra) = call.named.first() {
            let d = Diagnostic::error(E0205, format!("`{name}` takes no options"), extra.name.span, "not taken");
            self.sink.push(d);
            return None;
        }
        let (wanted, given) = (function.params.len(), call.arguments.len());
        if wanted != given {
            let message = format!(
                "`{name}` takes {wanted} argument{}, and {given} are given",
                if wanted == 1 { "" } else { "s" }
            );
            let d = Diagnostic::error(E0205, message, span, "wrong number of arguments");
            self.sink.push(d.label(function.name.span, "declared here"));
            return None;
        }
        if self.endless.contains(name) {
            return None;
        }
        let arguments: Vec<(&str, &ast::Expr)> =
            function.params.iter().map(|p| p.name.as_str()).zip(&call.arguments).collect();
        let mut body = function.body.clone();
        self.fresh += 1;
        substitute(&mut body, &arguments, self.fresh);
        self.resolve(&body).map(|v| Expr { span, ..v })
    }
}

impl<'a> Scope<'a> {
    /// Every function that can be called here.
    pub(super) fn callable(&self) -> Vec<&'a str> {
        let mut out: Vec<&'a str> = self.functions.keys().copied().collect();
        functions().for_each(|name| out.push(name));
        if !self.axes.is_empty() {
            DIFFERENCES.iter().for_each(|name| out.push(name));
        }
        out
    }
}

/// Puts arguments in place of parameters. Variables of sums get names of their own (with `fresh`), so that they cannot be
/// confused with names in the arguments.
pub(super) fn substitute(expr: &mut ast::Expr, arguments: &[(&str, &ast::Expr)], fresh: usize) {
    if let ast::ExprKind::Name(name) = &expr.kind {
        if let Some((_, argument)) = arguments.iter().find(|(p, _)| p == name) {
            *expr = (*argument).clone();
        }
        return;
    }
    if let ast::ExprKind::Sum { variable, range, body } = &mut expr.kind {
        substitute(&mut range.from, arguments, fresh);
        range.to.iter_mut().for_each(|e| substitute(e, arguments, fresh));
        let renamed = format!("{}#{fresh}", variable.name);
        let own = ast::Expr { kind: ast::ExprKind::Name(renamed.clone()), span: variable.span };
        let mut inner: Vec<(&str, &ast::Expr)> = vec![(variable.name.as_str(), &own)];
        inner.extend(arguments.iter().copied());
        substitute(body, &inner, fresh);
        drop(inner);
        variable.name = renamed;
        return;
    }
    each_part_mut(expr, &mut |part| substitute(part, arguments, fresh));
}

/// The parts of an expression.
pub(super) fn each_part<'e>(expr: &'e ast::Expr, visit: &mut dyn FnMut(&'e ast::Expr)) {
    match &expr.kind {
        ast::ExprKind::Number { .. }
        | ast::ExprKind::Measured { .. }
        | ast::ExprKind::Text(_)
        | ast::ExprKind::Name(_) => {}
        ast::ExprKind::Primed { of, .. } | ast::ExprKind::Field { of, .. } => visit(of),
        ast::ExprKind::Subscript { of, at } => {
            visit(of);
            at.iter().for_each(visit);
        }
        ast::ExprKind::Call(call) | ast::ExprKind::Hole(call) => {
            call.arguments.iter().for_each(&mut *visit);
            call.named.iter().for_each(|n| visit(&n.value));
        }
        ast::ExprKind::Tuple(list) => list.iter().for_each(visit),
        ast::ExprKind::Unary { operand, .. } => visit(operand),
        ast::ExprKind::Binary { left, right, .. } => {
            visit(left);
            visit(right);
        }
        ast::ExprKind::Sum { range, body, .. } => {
            visit(&range.from);
            range.to.iter().for_each(&mut *visit);
            visit(body);
        }
        ast::ExprKind::If { condition, then, otherwise } => {
            visit(condition);
            visit(then);
            visit(otherwise);
        }
    }
}

/// The parts of an expression, to be changed; those of sums are the caller's.
fn each_part_mut(expr: &mut ast::Expr, visit: &mut dyn FnMut(&mut ast::Expr)) {
    match &mut expr.kind {
        ast::ExprKind::Number { .. }
        | ast::ExprKind::Measured { .. }
        | ast::ExprKind::Text(_)
        | ast::ExprKind::Name(_)
        | ast::ExprKind::Sum { .. } => {}
        ast::ExprKind::Primed { of, .. } | ast::ExprKind::Field { of, .. } => visit(of),
        ast::ExprKind::Subscript { of, at } => {
            visit(of);
            at.iter_mut().for_each(visit);
        }
        ast::ExprKind::Call(call) | ast::ExprKind::Hole(call) => {
            call.arguments.iter_mut().for_each(&mut *visit);
            call.named.iter_mut().for_each(|n| visit(&mut n.value));
        }
        ast::ExprKind::Tuple(list) => list.iter_mut().for_each(visit),
        ast::ExprKind::Unary { operand, .. } => visit(operand),
        ast::ExprKind::Binary { left, right, .. } => {
            visit(left);
            visit(right);
        }
        ast::ExprKind::If { condition, then, otherwise } => {
            visit(condition);
            visit(then);
            visit(otherwise);
        }
    }
}

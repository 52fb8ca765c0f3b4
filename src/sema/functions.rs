//! Functions of the user's: a call stands for the function's body with the arguments in place of its parameters.

use super::resolve::{MAX_NODES, Resolver};
use super::scope::{BUILT_IN, Scope, functions};
use super::suggest;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0201, E0202, E0205, E0211, E0406, E0906};
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
                    let d = Diagnostic::error(E0202, message, param.span, "again here")
                        .help("give one of them another name");
                    self.sink.push(d.label(first.span, "first here"));
                }
            }
            let inside = model.span.file == function.span.file
                && (model.span.start..model.span.end).contains(&function.span.start);
            let mut bound: Vec<&str> = function.params.iter().map(|p| p.name.as_str()).collect();
            self.check_names(function, &function.body, inside, &mut bound);
            self.check_end(function);
            self.check_whole(function);
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
        let d = Diagnostic::error(E0906, format!("the function `{name}` calls itself"), place, "no end").help("functions are put in where they are called: write a sum over a range, `sum(i in 1..5) ...`, or a conditional without the call");
        self.sink.push(d.label(function.name.span, "declared here"));
    }

    /// Whether a function holds a hole, which would be another one, with coefficients of its own, wherever the function is called.
    fn check_whole(&mut self, function: &'a ast::Function) {
        let mut open: Vec<&ast::Expr> = vec![&function.body];
        while let Some(expr) = open.pop() {
            if let ast::ExprKind::Hole(_) = &expr.kind {
                let name = &function.name.name;
                // Calls are not blamed for the same.
                self.endless.push(name.clone());
                let message = format!("a function holds no hole, and `{name}` does");
                let d = Diagnostic::error(E0406, message, expr.span, "not here");
                let help = format!(
                    "hand the hole over where the function is called: `{name}(?terms(...))`; or name it in the model: `hole g = ...`"
                );
                self.sink.push(d.help(help));
                return;
            }
            each_part(expr, &mut |part| open.push(part));
        }
    }

    /// Names in a function: its parameters, and the model's where the function stands inside a model.
    fn check_names<'e>(&mut self, of: &ast::Function, expr: &'e ast::Expr, inside: bool, bound: &mut Vec<&'e str>) {
        if let ast::ExprKind::Name(name) = &expr.kind
            && !bound.contains(&name.as_str())
            && !BUILT_IN.contains(&name.as_str())
            && !(inside && self.scope.names.contains_key(name.as_str()))
        {
            let known = bound.iter().copied().chain(BUILT_IN);
            let help = suggest::help_of_many(self.sink, "names in this function", name, known);
            let message = format!("there is no `{name}` in the function `{}`", of.name.name);
            self.sink
                .push(Diagnostic::error(E0201, message, expr.span, "unknown name").help(help).missing(name.as_str()));
            // Where the function is called, the same is not said again.
            self.unknown.insert(name.clone());
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
        let body = self.called_body(function, call, span)?;
        if let ast::ExprKind::Tuple(list) = &body.kind {
            let name = &function.name.name;
            let message = format!("`{name}` gives a list of {} terms, and one value is needed here", list.len());
            let d = Diagnostic::error(E0211, message, span, "not a value").label(function.name.span, "declared here");
            self.sink.push(d.help(format!("a list stands as an argument of a hole: `?terms({name}(...))`")));
            return None;
        }
        self.resolve(&body).map(|v| Expr { span, ..v })
    }

    /// The body of `function` with the arguments of `call` in place of its parameters.
    pub(super) fn called_body(
        &mut self,
        function: &'a ast::Function,
        call: &ast::Call,
        span: Span,
    ) -> Option<ast::Expr> {
        let name = &function.name.name;
        if let Some(extra) = call.named.first() {
            let d = Diagnostic::error(E0205, format!("`{name}` takes no options"), extra.name.span, "not taken")
                .help("a function of the file takes its arguments in their order, without names");
            self.sink.push(d);
            return None;
        }
        let (wanted, given) = (function.params.len(), call.arguments.len());
        if wanted != given {
            let message = format!(
                "`{name}` takes {wanted} argument{}, and {given} are given",
                if wanted == 1 { "" } else { "s" }
            );
            let d = Diagnostic::error(E0205, message, span, "wrong number of arguments").help(format!(
                "write `{name}({})`",
                function.params.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ")
            ));
            self.sink.push(d.label(function.name.span, "declared here"));
            return None;
        }
        if self.endless.contains(name) {
            return None;
        }
        self.fresh += 1;
        let body = put_in(function, &call.arguments, self.fresh);
        if body.is_none() {
            self.too_large(span);
        }
        body
    }
}

/// The body of `function` with `arguments` in place of its parameters, of which there are as many; `None` where that would
/// have more than [`MAX_NODES`] nodes.
pub(super) fn put_in(function: &ast::Function, arguments: &[ast::Expr], fresh: usize) -> Option<ast::Expr> {
    let mut left = MAX_NODES;
    put_in_within(function, arguments, fresh, &mut left)
}

/// [`put_in`] where there are so many nodes `left`, of which it takes those of what it gives.
pub(super) fn put_in_within(
    function: &ast::Function,
    arguments: &[ast::Expr],
    fresh: usize,
    left: &mut usize,
) -> Option<ast::Expr> {
    let pairs: Vec<(&str, &ast::Expr)> = function.params.iter().map(|p| p.name.as_str()).zip(arguments).collect();
    let sizes: Vec<(&str, usize)> = pairs.iter().map(|(name, argument)| (*name, size(argument, &[]))).collect();
    *left = left.checked_sub(size(&function.body, &sizes))?;
    let mut body = function.body.clone();
    substitute(&mut body, &pairs, fresh);
    Some(body)
}

/// The number of nodes of `expr` with things of these sizes in place of names.
fn size(expr: &ast::Expr, names: &[(&str, usize)]) -> usize {
    if let ast::ExprKind::Name(name) = &expr.kind
        && let Some((_, size)) = names.iter().find(|(n, _)| n == name)
    {
        return *size;
    }
    let mut total: usize = 1;
    each_part(expr, &mut |part| total = total.saturating_add(size(part, names)));
    total
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

/// Every call in an expression, to be changed.
pub(super) fn each_call_mut(expr: &mut ast::Expr, visit: &mut dyn FnMut(&mut ast::Call)) {
    if let ast::ExprKind::Call(call) = &mut expr.kind {
        visit(call);
    }
    if let ast::ExprKind::Sum { range, body, .. } = &mut expr.kind {
        each_call_mut(&mut range.from, visit);
        range.to.iter_mut().for_each(|e| each_call_mut(e, visit));
        each_call_mut(body, visit);
    }
    each_part_mut(expr, &mut |part| each_call_mut(part, visit));
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
pub(super) fn each_part_mut(expr: &mut ast::Expr, visit: &mut dyn FnMut(&mut ast::Expr)) {
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

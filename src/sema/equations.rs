//! Which equation determines which state, and the order of every state.

use super::fold;
use super::resolve::{MAX_ORDER, Place, Resolver};
use crate::base::Idx;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0301, E0302, E0303, E0304, E0305, E0306, E0307, E0313, E0904};
use crate::hir::{BinaryOp, Expr, ExprKind, StateId};
use crate::source::Span;
use crate::syntax::ast;

/// One equation, resolved.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// Left minus right; `None` when something in it is wrong and has been reported.
    pub(super) residual: Option<Expr>,
    /// The state and derivative when the left side is nothing else.
    pub(super) claim: Option<(StateId, u8)>,
    /// Its holes: positions in [`Resolver::holes`]. Equations of one statement share them.
    pub(super) holes: Vec<usize>,
    /// Where it stands: the element of a tuple, or the whole equation.
    pub(super) span: Span,
}

impl Resolver<'_, '_> {
    /// Resolves every equation of `model`; a tuple on the left gives one per element, index sets on the left one per
    /// position, and a loop one per round.
    pub(super) fn drafts(&mut self, model: &ast::Model) -> Vec<Draft> {
        let mut out = Vec::new();
        self.drafts_of(&model.body, &mut out);
        out
    }

    /// Whether all went well; loops end early otherwise, since the next round would repeat what is wrong.
    fn drafts_of(&mut self, body: &[ast::ModelItem], out: &mut Vec<Draft>) -> bool {
        let before = self.sink.error_count();
        for item in body {
            match item {
                ast::ModelItem::Equation(eq) => self.equation(eq, out),
                ast::ModelItem::For(repeated) => {
                    if let Some(bad) = repeated.body.iter().find_map(misplaced) {
                        let message = "only equations, initial values and loops are repeated by a loop";
                        let d = Diagnostic::error(E0904, message, bad, "a declaration");
                        self.sink.push(d.help("declare it before the loop, for all elements: `state q[body]`"));
                    } else {
                        self.for_each(&repeated.variable, &repeated.range, |r| r.drafts_of(&repeated.body, out));
                    }
                    if self.sink.error_count() > before {
                        // The equations of further rounds are missing, and so is what they determine.
                        out.push(Draft { residual: None, claim: None, holes: Vec::new(), span: repeated.span });
                    }
                }
                _ => {}
            }
        }
        self.sink.error_count() == before
    }

    fn equation(&mut self, eq: &ast::Equation, out: &mut Vec<Draft>) {
        let lefts = left_sides(&eq.left);
        let rights: Vec<Option<&ast::Expr>> = match (&eq.right.kind, lefts.len()) {
            (ast::ExprKind::Tuple(list), n) if n > 1 => {
                if list.len() != n {
                    let message = format!("{n} states on the left, {} values on the right", list.len());
                    let here = "one value for each state, or one for all";
                    let d = Diagnostic::error(E0313, message, eq.right.span, here)
                        .help(format!("write {n} values, or one that holds for all"));
                    self.sink.push(d.label(eq.left.span, format!("{n} states")));
                    vec![None; n]
                } else {
                    list.iter().map(Some).collect()
                }
            }
            (_, n) => vec![Some(&eq.right); n],
        };
        let several = lefts.len() > 1;
        for (k, (left, right)) in lefts.iter().zip(rights).enumerate() {
            let span = if several { left.span } else { eq.span };
            let bound: Vec<String> = self.loops.iter().map(|(n, ..)| n.clone()).collect();
            let bound: Vec<&str> = bound.iter().map(String::as_str).collect();
            let mut axes = Vec::new();
            self.scope.free_axes(left, &bound, &mut axes);
            self.left = Some(left.span);
            self.right = right.map(|r| r.span);
            self.tuple = k;
            self.at_each(&axes, |r| {
                let draft = r.draft(left, right, span);
                let ok = draft.residual.is_some();
                out.push(draft);
                if !ok && !axes.is_empty() {
                    // The other elements would repeat what is wrong.
                    out.push(Draft { residual: None, claim: None, holes: Vec::new(), span });
                }
                ok
            });
            self.left = None;
        }
    }

    fn draft(&mut self, left: &ast::Expr, right: Option<&ast::Expr>, span: Span) -> Draft {
        self.used_holes.clear();
        let l = self.resolve_at(Place::Equation, left);
        let claim = match l.as_ref().map(|e| &e.kind) {
            Some(ExprKind::State(s, d)) if *d > 0 => Some((*s, *d)),
            _ => None,
        };
        let r = right.and_then(|right| self.resolve_at(Place::Equation, right));
        let residual = match (l, r) {
            (Some(l), Some(r)) => {
                let folded = fold::binary(BinaryOp::Sub, l, r, span);
                self.folded(folded)
            }
            _ => None,
        };
        Draft { residual, claim, holes: std::mem::take(&mut self.used_holes), span }
    }

    /// Gives every state its order and its equation; the result is in state order. `None` after a report.
    pub(super) fn assign(&mut self, drafts: &[Draft]) -> Option<Vec<usize>> {
        let n = self.scope.states.len();
        let declared: Vec<Option<(u8, Span)>> = (0..n).map(|i| self.declared_order(i)).collect();
        let mut ok = true;
        let mut owner: Vec<Option<usize>> = vec![None; n];
        for (i, draft) in drafts.iter().enumerate() {
            let Some((state, order)) = draft.claim else { continue };
            if let Some(first) = owner[state.index()] {
                self.second_equation(state, draft, &drafts[first]);
                ok = false;
                continue;
            }
            owner[state.index()] = Some(i);
            self.scope.states[state].order = order;
            if let Some((wanted, place)) = declared[state.index()].filter(|(w, _)| *w != order) {
                let name = &self.scope.states[state].name;
                let primes = "'".repeat(usize::from(order));
                let message =
                    format!("`{name}` is declared of order {wanted}, but its equation is one for {name}{primes}");
                let d = Diagnostic::error(E0306, message, draft.span, format!("determines {name}{primes}"));
                let as_declared = format!("{name}{}", "'".repeat(usize::from(wanted)));
                let help = format!("declare `state {name} order {order}`, or write `{as_declared}` on the left");
                self.sink.push(d.label(place, format!("order {wanted} declared here")).help(help));
                ok = false;
            }
        }
        ok &= self.assign_general(drafts, &declared, &mut owner);
        // A broken equation may have been the one that is missing.
        let broken = drafts.iter().any(|d| d.residual.is_none() && d.claim.is_none());
        let complain = ok && !broken;
        for (i, owner) in owner.iter().enumerate() {
            if owner.is_none() && complain {
                self.no_equation(StateId::new(i));
            }
            ok &= owner.is_some();
        }
        ok &= self.check_derivatives(drafts, &owner);
        ok &= drafts.iter().all(|d| d.residual.is_some());
        if !ok {
            return None;
        }
        owner.into_iter().collect()
    }

    fn no_equation(&mut self, state: StateId) {
        let decl = &self.scope.states[state];
        let name = decl.name.clone();
        let d = Diagnostic::error(E0301, format!("no equation determines `{name}`"), decl.span, "declared here");
        self.sink.push(d.help(format!("add `{name}' = ...`; a known function of time is an `input`")));
    }

    fn second_equation(&mut self, state: StateId, here: &Draft, first: &Draft) {
        let name = &self.scope.states[state].name;
        let d = Diagnostic::error(E0302, format!("two equations determine `{name}`"), here.span, "the second one");
        let orders = |d: &Draft| d.claim.map(|(_, order)| order);
        let help = match (orders(here), orders(first)) {
            (Some(a), Some(b)) if a != b => {
                "each state has one equation; a second derivative `u''` and the first one `u' = v` are one state with `v'` for `u''`"
            }
            _ => "each state has one equation",
        };
        self.sink.push(d.label(first.span, "the first one").help(help));
    }

    /// The order that `state` declares, checked.
    fn declared_order(&mut self, state: usize) -> Option<(u8, Span)> {
        let expr = self.scope.declared_orders.get(state).copied().flatten()?;
        let value = self.constant(expr)?;
        if value.fract() == 0.0 && (1.0..=f64::from(MAX_ORDER)).contains(&value) {
            return Some((value as u8, expr.span));
        }
        let message = format!("an order is a whole number from 1 to {MAX_ORDER}");
        self.sink.push(
            Diagnostic::error(E0306, message, expr.span, "out of range")
                .help("`order` says which derivative the equation gives; it may be left out"),
        );
        None
    }

    /// Equations with a general left side: each determines the one remaining state whose highest derivative it holds.
    fn assign_general(
        &mut self,
        drafts: &[Draft],
        declared: &[Option<(u8, Span)>],
        owner: &mut [Option<usize>],
    ) -> bool {
        let mut open: Vec<usize> =
            (0..drafts.len()).filter(|&i| drafts[i].claim.is_none() && drafts[i].residual.is_some()).collect();
        let tops: Vec<Vec<(usize, u8)>> =
            drafts.iter().map(|d| d.residual.as_ref().map(highest_of_each).unwrap_or_default()).collect();
        let mut highest: Vec<u8> = vec![0; owner.len()];
        for &k in &open {
            for &(state, order) in &tops[k] {
                highest[state] = highest[state].max(order);
            }
        }
        for i in 0..owner.len() {
            if owner[i].is_some() {
                continue;
            }
            let found = highest[i];
            if let Some((order, place)) = declared[i]
                && found > 0
                && found != order
            {
                let name = &self.scope.states[StateId::new(i)].name;
                let message =
                    format!("`{name}` is declared of order {order}, but its highest derivative is number {found}");
                self.sink.push(
                    Diagnostic::error(E0306, message, place, "declared here")
                        .help(format!("write `order {found}`, leave it out, or correct the equation")),
                );
                return false;
            }
            self.scope.states[StateId::new(i)].order = declared[i].map_or(found, |(order, _)| order);
        }
        let mut ok = true;
        while !open.is_empty() {
            let candidates: Vec<Vec<usize>> = open.iter().map(|&k| self.candidates(&tops[k], owner)).collect();
            let Some(at) = candidates.iter().position(|c| c.len() <= 1) else {
                for (&k, states) in open.iter().zip(&candidates) {
                    self.ambiguous(&drafts[k], states);
                }
                return false;
            };
            let k = open.remove(at);
            match candidates[at].first() {
                Some(&state) => owner[state] = Some(k),
                None => {
                    ok = false;
                    self.determines_nothing(drafts, k, owner);
                }
            }
        }
        ok
    }

    /// States without an equation among those with their highest derivative in `tops`.
    fn candidates(&self, tops: &[(usize, u8)], owner: &[Option<usize>]) -> Vec<usize> {
        let order = |i: usize| self.scope.states[StateId::new(i)].order;
        tops.iter().filter(|(i, d)| owner[*i].is_none() && order(*i) > 0 && *d == order(*i)).map(|(i, _)| *i).collect()
    }

    fn ambiguous(&mut self, draft: &Draft, states: &[usize]) {
        let names: Vec<String> =
            states.iter().map(|&i| format!("`{}`", self.scope.states[StateId::new(i)].name)).collect();
        let message = format!("this equation could determine {}", names.join(" or "));
        let d = Diagnostic::error(E0304, message, draft.span, "holds several highest derivatives");
        self.sink.push(d.help("solve for one of them: write `x' = ...`"));
    }

    fn determines_nothing(&mut self, drafts: &[Draft], k: usize, owner: &[Option<usize>]) {
        let Some(residual) = &drafts[k].residual else { return };
        let taken = owner.iter().enumerate().find_map(|(i, o)| {
            let order = self.scope.states[StateId::new(i)].order;
            o.filter(|_| order > 0 && highest(residual, i) == order).map(|o| (i, o))
        });
        if let Some((i, first)) = taken {
            return self.second_equation(StateId::new(i), &drafts[k], &drafts[first]);
        }
        let message = "this equation determines no state: it holds no highest derivative";
        let d = Diagnostic::error(E0303, message, drafts[k].span, "an algebraic relation");
        self.sink.push(match self.without_prime(drafts[k].span) {
            Some(_) if let Some((whole, place)) = self.behind_initial(drafts[k].span) => {
                d.help(format!("values of one statement are separated by commas: `{whole}`")).replace(place, ",")
            }
            Some(_) if let Some((state, sum, written)) = self.balance(drafts[k].span) => d
                .help(format!(
                    "what follows from other states at all times changes as they do: `{written}`; without a column of its own it is no state but a name, \
                     `let {state} = {sum}`"
                ))
                .replace(drafts[k].span, written),
            Some((whole, place, left)) => d
                .help(format!("an equation is one for a derivative: `{whole}`; a name for an expression is a `let`"))
                .replace(place, left),
            None => d.help("name a quantity with `let q = ...` instead, or write an equation for a derivative"),
        });
    }

    /// Derivatives above a state's order, in equations and in holes.
    fn check_derivatives(&mut self, drafts: &[Draft], owner: &[Option<usize>]) -> bool {
        let mut ok = true;
        for draft in drafts {
            let Some(residual) = &draft.residual else { continue };
            for (s, d, span) in derivatives(residual) {
                let state = &self.scope.states[s];
                let Some(own) = owner[s.index()] else { continue };
                if d <= state.order {
                    continue;
                }
                let (name, primes) = (&state.name, "'".repeat(usize::from(d)));
                let message =
                    format!("`{name}{primes}` is used, but the equation of `{name}` is of order {}", state.order);
                let here = Diagnostic::error(E0305, message, span, "above the order")
                    .help(format!("write the equation of `{name}` for its highest derivative: `{name}{primes} = ...`"));
                self.sink.push(here.label(drafts[own].span, format!("determines `{name}`")));
                ok = false;
            }
            for hole in draft.holes.iter().filter_map(|&h| self.holes.get(h)) {
                let found = hole.terms.iter().flat_map(|t| derivatives(&t.value));
                let top = found.into_iter().find(|(s, d, _)| *d >= self.scope.states[*s].order.max(1));
                if let Some((s, _, span)) = top {
                    let state = &self.scope.states[s];
                    let message = format!("a candidate term holds the highest derivative of `{}`", state.name);
                    let d = Diagnostic::error(E0307, message, span, "determined by an equation, not known here");
                    self.sink.push(d.help("candidate terms are made of states and their lower derivatives"));
                    ok = false;
                }
            }
        }
        ok
    }
}

/// The sides a left side stands for: the elements of `(x, y)'` or `(x', y')`, or itself.
pub(super) fn left_sides(left: &ast::Expr) -> Vec<ast::Expr> {
    match &left.kind {
        ast::ExprKind::Tuple(list) => list.clone(),
        ast::ExprKind::Primed { of, primes } => match &of.kind {
            ast::ExprKind::Tuple(list) => list
                .iter()
                .map(|e| ast::Expr {
                    kind: ast::ExprKind::Primed { of: Box::new(e.clone()), primes: *primes },
                    span: e.span,
                })
                .collect(),
            _ => vec![left.clone()],
        },
        _ => vec![left.clone()],
    }
}

/// Every derivative (not bare states) in an expression, with its place.
pub(super) fn derivatives(expr: &Expr) -> Vec<(StateId, u8, Span)> {
    let mut out = Vec::new();
    expr.visit(&mut |e| {
        if let ExprKind::State(s, d) = e.kind
            && d > 0
        {
            out.push((s, d, e.span));
        }
    });
    out
}

/// The highest derivative of the state at position `i` in an expression.
fn highest(expr: &Expr, i: usize) -> u8 {
    derivatives(expr).into_iter().filter(|(s, _, _)| s.index() == i).map(|(_, d, _)| d).max().unwrap_or(0)
}

/// Every state with a derivative in an expression, in state order, with the highest one.
fn highest_of_each(expr: &Expr) -> Vec<(usize, u8)> {
    let mut all: Vec<(usize, u8)> = derivatives(expr).into_iter().map(|(s, d, _)| (s.index(), d)).collect();
    all.sort_by_key(|&(s, d)| (s, std::cmp::Reverse(d)));
    all.dedup_by_key(|(s, _)| *s);
    all
}

/// The place of a declaration, which a loop cannot repeat.
fn misplaced(item: &ast::ModelItem) -> Option<Span> {
    match item {
        ast::ModelItem::Equation(_)
        | ast::ModelItem::Initial(_)
        | ast::ModelItem::Final(_)
        | ast::ModelItem::For(_) => None,
        ast::ModelItem::Boundary(kind) => Some(kind.span),
        ast::ModelItem::State(list) => list.first().map(|d| d.name.span),
        ast::ModelItem::Param(list) => list.first().map(|d| d.name.span),
        ast::ModelItem::Const(list) => list.first().map(|b| b.name.span),
        ast::ModelItem::Input(list) => list.first().map(|d| d.name.span),
        ast::ModelItem::Field(field) => field.names.first().map(|d| d.name.span),
        ast::ModelItem::Index(list) => list.first().map(|d| d.name.span),
        ast::ModelItem::Let(b) | ast::ModelItem::Hole(b) => Some(b.name.span),
        ast::ModelItem::Step(step) => Some(step.span),
        ast::ModelItem::Function(f) => Some(f.name.span),
        ast::ModelItem::Time(unit) => Some(unit.span),
    }
}

//! Equations solved for the highest derivative of their state.

use super::equations::Draft;
use super::fold;
use super::resolve::Resolver;
use crate::base::Idx;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::E0308;
use crate::hir::{BinaryOp, Expr, ExprKind, StateId};
use crate::source::Span;

impl Resolver<'_, '_> {
    /// Replaces highest derivatives of other states by what their equations say, so that every equation holds only its
    /// own. Equations that need each other are an algebraic loop.
    pub(super) fn make_explicit(
        &mut self,
        drafts: &[Draft],
        owners: &[usize],
        mut residuals: Vec<(StateId, Expr)>,
    ) -> Option<Vec<(StateId, Expr)>> {
        let orders: Vec<u8> = self.scope.states.values().map(|s| s.order).collect();
        let needs = |i: usize, residual: &Expr| -> Vec<usize> {
            let tops = super::equations::derivatives(residual).into_iter();
            let mut out: Vec<usize> =
                tops.filter(|(s, d, _)| s.index() != i && *d == orders[s.index()]).map(|(s, _, _)| s.index()).collect();
            out.sort_unstable();
            out.dedup();
            out
        };
        let mut open: Vec<Vec<usize>> = residuals.iter().enumerate().map(|(i, (_, r))| needs(i, r)).collect();
        if open.iter().all(Vec::is_empty) {
            return Some(residuals);
        }
        let mut settled = vec![false; residuals.len()];
        let mut values: Vec<Option<Expr>> = vec![None; residuals.len()];
        loop {
            let next = (0..residuals.len()).find(|&i| !settled[i] && open[i].iter().all(|&j| settled[j]));
            let Some(i) = next else { break };
            settled[i] = true;
            let span = drafts[owners[i]].span;
            if !open[i].is_empty() {
                let tops = orders.clone();
                let mut added = 0;
                residuals[i].1.rewrite(&mut |e| {
                    if let ExprKind::State(s, d) = e.kind
                        && s.index() != i
                        && d == tops[s.index()]
                        && let Some(value) = &values[s.index()]
                        && added < super::resolve::MAX_NODES
                    {
                        added += value.size();
                        *e = value.clone();
                    }
                });
                self.count(added, span)?;
                open[i].clear();
            }
            if open.iter().any(|list| list.contains(&i)) {
                values[i] = Some(self.solved(i, &residuals[i].1, span)?);
            }
        }
        if let Some(i) = settled.iter().position(|s| !s) {
            let round: Vec<usize> = (0..settled.len()).filter(|&j| !settled[j]).collect();
            let names: Vec<String> =
                round.iter().map(|&j| format!("`{}`", self.scope.states[StateId::new(j)].name)).collect();
            let message = format!("the highest derivatives of {} are defined by each other", names.join(", "));
            let d = Diagnostic::error(E0308, message, drafts[owners[i]].span, "part of the loop");
            let others = round.iter().skip(1).fold(d, |d, &j| d.label(drafts[owners[j]].span, "part of the loop"));
            self.sink.push(others.help("solve the equations for the derivatives and write one for each"));
            return None;
        }
        Some(residuals)
    }

    /// The highest derivative of state `i` as its equation gives it.
    fn solved(&mut self, i: usize, residual: &Expr, span: Span) -> Option<Expr> {
        let state = StateId::new(i);
        let order = self.scope.states[state].order;
        let equation = self.expand(state, residual.clone(), span)?;
        self.leading(&equation)?;
        let is_top = |s: StateId, d: u8| s == state && d == order;
        let mut rest = Vec::new();
        let mut leading = Vec::new();
        for product in &equation.products {
            match product.split_state() {
                Some((s, d, coefficient)) if is_top(s, d) => leading.push(coefficient.to_expr()),
                _ => rest.push(product.clone().scaled(-1.0).to_expr()),
            }
        }
        let sum =
            |list: Vec<fold::Folded>| list.into_iter().collect::<Result<Vec<_>, _>>().and_then(|l| fold::sum(l, span));
        let value = sum(leading).and_then(|c| sum(rest).and_then(|r| fold::binary(BinaryOp::Div, r, c, span)));
        self.folded(value)
    }
}

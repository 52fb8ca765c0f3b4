//! Units of holes: a coefficient has the unit of the hole's place divided by that of its term.

use super::infer::Checker;
use super::solve::Measure;
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};

impl Checker<'_, '_> {
    /// The unit of the sum that a hole stands for.
    pub(super) fn hole(&mut self, call: &ast::Call, span: Span) -> Measure {
        if call.function.name != "ratio" {
            let whole = self.solver.fresh();
            return self.library(call, span, whole);
        }
        let mut parts = call.arguments.iter();
        let whole = self.solver.fresh();
        if let (Some(above), Some(below)) = (parts.next(), parts.next())
            && let (ExprKind::Call(top), ExprKind::Call(bottom)) = (&above.kind, &below.kind)
        {
            self.library(top, above.span, whole.clone());
            // The constant of the denominator is 1.
            self.library(bottom, below.span, Measure::one());
        }
        whole
    }

    /// Looks at the terms of one library, whose sum has the unit `whole`. Elements of one statement share a hole, so what is
    /// known about it from another place holds here too.
    fn library(&mut self, call: &ast::Call, span: Span, whole: Measure) -> Measure {
        let Some(&position) = self.hole_places.get(&(span, self.tuple)) else { return whole };
        if let Some((known, _)) = self.holes.get(&position) {
            return known.clone();
        }
        self.in_hole = true;
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            if call.function.name == "fourier" {
                self.plain(argument, call.function.span, "`?fourier`");
                arguments.push(Measure::one());
            } else {
                arguments.push(self.as_factor(|own| own.infer(argument)));
            }
        }
        for option in &call.named {
            super::refuse(&option.value, "an option of a hole", self.sink);
        }
        self.in_hole = false;
        self.holes.insert(position, (whole.clone(), arguments));
        whole
    }

    /// The units of the coefficients of the hole at `position`, term by term.
    pub(super) fn coefficients(&self, position: usize) -> Vec<Option<crate::hir::Unit>> {
        let (Some((whole, arguments)), Some(draft)) = (self.holes.get(&position), self.drafts.get(position)) else {
            return Vec::new();
        };
        let of = |factors: &[usize]| {
            let term = factors.iter().filter_map(|&i| arguments.get(i)).fold(Measure::one(), |m, a| m.times(a));
            self.solver.reduce(&whole.over(&term)).as_unit().cloned()
        };
        draft.terms.iter().map(|term| of(&term.factors)).collect()
    }
}

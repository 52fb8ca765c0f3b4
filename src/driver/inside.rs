//! Estimated numbers inside terms: those of the denominators of ratios, and of holes inside functions.
//!
//! While a term is put together each of them is a mark, the number of its unknown between two characters that no source has. So equal terms
//! stay equal, and what is written for the number (digits, its unit, its error) is decided last.

use super::findings::{Estimate, Findings};
use super::terms::six_digits;
use crate::base::{Arena, Idx};
use crate::hir::{self, Expr, Model, Names, Unit, UnitNumbers, Unknown, UnknownId, UnknownKind};
use crate::report;

pub(super) const OPEN: char = '\u{e000}';
pub(super) const CLOSE: char = '\u{e001}';

/// What stands for the size of an estimated number.
pub(super) fn mark(id: UnknownId) -> String {
    format!("{OPEN}{}{CLOSE}", id.index())
}

/// The unknowns of a model with marks as the names of the coefficients of holes.
pub(super) fn marked(model: &Model) -> Arena<UnknownId, Unknown> {
    let mut unknowns = model.unknowns.clone();
    for id in model.unknowns.ids() {
        if unknowns[id].is_coefficient() {
            unknowns[id].name = mark(id);
        }
    }
    unknowns
}

/// Spells the expressions of a model with marks for the coefficients of holes.
pub(super) struct Speller<'m> {
    model: &'m Model,
    unknowns: Arena<UnknownId, Unknown>,
}

impl<'m> Speller<'m> {
    pub(super) fn new(model: &'m Model) -> Self {
        Speller { model, unknowns: marked(model) }
    }

    fn names(&self) -> Names<'_> {
        Names { unknowns: &self.unknowns, ..self.model.names() }
    }

    /// As it stands behind a number.
    pub(super) fn spell_factor(&self, expr: &Expr) -> String {
        // Numbers in it that have units carry them: without, the term would not be what its coefficient is measured by.
        if let Some(unit) = self.unit_by_names(expr) {
            let mut numbers = UnitNumbers::new(self.model, self.unknowns.clone(), hir::number);
            let given = numbers.give(expr, &unit);
            return numbers.names().spell_factor(&given);
        }
        self.names().spell_factor(expr)
    }

    /// The unit of an expression that its names tell where numbers in it had units of their own.
    pub(super) fn unit_by_names(&self, expr: &Expr) -> Option<Unit> {
        if self.model.units.all().next().is_none() || self.model.unit_of(expr).is_some() {
            return None;
        }
        UnitNumbers::new(self.model, self.unknowns.clone(), hir::number).unit_by_names(expr)
    }
}

/// A piece of a text with marks.
enum Piece<'t> {
    Text(&'t str),
    Number(UnknownId, Estimate),
}

fn pieces<'t>(model: &Model, findings: &Findings, marked: &'t str) -> Vec<Piece<'t>> {
    let mut out = Vec::new();
    for part in marked.split(OPEN) {
        let number = part.split_once(CLOSE).and_then(|(index, behind)| {
            let (id, _) = model.unknowns.iter().nth(index.parse().ok()?)?;
            Some((id, *findings.estimates.get(id.index())?, behind))
        });
        match number {
            Some((id, estimate, behind)) => out.extend([Piece::Number(id, estimate), Piece::Text(behind)]),
            None => out.push(Piece::Text(part)),
        }
    }
    out
}

/// A text with digits and units in place of the marks, for source: what is behind a power is in brackets.
pub(super) fn written(model: &Model, findings: &Findings, marked: &str, number: impl Fn(f64) -> String) -> String {
    let pieces = pieces(model, findings, marked);
    let mut out = String::new();
    for (i, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Number(id, estimate) => {
                let unit = report::behind(&model.units.unknown(*id).map(|u| u.to_string()));
                let digits = number(estimate.value.abs()) + &unit;
                let raised = matches!(pieces.get(i + 1), Some(Piece::Text(next)) if next.starts_with('^'));
                out.push_str(&if raised && !unit.is_empty() { format!("({digits})") } else { digits });
            }
        }
    }
    out
}

/// A text with six digits in place of each mark, and what is known about these numbers.
pub(super) fn settled(model: &Model, findings: &Findings, marked: &str) -> (String, Vec<report::Inside>) {
    let (mut out, mut inside) = (String::new(), Vec::new());
    for piece in pieces(model, findings, marked) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Number(id, estimate) => {
                let digits = hir::number(six_digits(estimate.value.abs()));
                inside.push(report::Inside {
                    of: candidate(model, id),
                    at: out.chars().count(),
                    length: digits.chars().count(),
                    coefficient: estimate.value,
                    std_error: estimate.std_error,
                    unit: model.units.unknown(id).map(|u| u.to_string()),
                });
                out.push_str(&digits);
            }
        }
    }
    (out, inside)
}

/// The candidate term of a coefficient as it was written.
fn candidate(model: &Model, id: UnknownId) -> String {
    match model.unknowns.get(id).map(|u| u.kind) {
        Some(UnknownKind::Coefficient { hole, term }) => {
            model.holes.get(hole).and_then(|h| h.terms.get(term)).map_or_else(String::new, |t| t.spelled.clone())
        }
        _ => String::new(),
    }
}

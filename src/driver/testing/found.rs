//! The terms of equations, of holes with a name and of the sums of ratios, as fits found them and as models could have them.

use super::judge::Judge;
use super::unjudged::Unjudged;
use crate::hir::{EquationRef, Model, NamedTerm, Subject, family};
use crate::report::{self, Equation, RatioSum, Term};
use crate::sema::canonical_product;

/// A coefficient and its standard error, where the engine has one.
pub(super) type Found = (f64, Option<f64>);

impl Judge<'_, '_> {
    /// The terms of an equation, of a hole with a name or of a sum of a ratio.
    pub(super) fn terms(&self, of: &EquationRef) -> Result<Vec<Term>, Unjudged> {
        let found = match of.subject {
            Subject::Fit(id) => {
                let record = self.laboratory.fit(id)?;
                self.terms_in(of, &record.equations, &record.ratios)
            }
            Subject::Model(id) => {
                let declared = self.laboratory.declared(id);
                self.terms_in(of, &declared.equations, &declared.ratios)
            }
        };
        found.ok_or_else(|| format!("there is no equation of `{}`", of.state).into())
    }

    fn terms_in(&self, of: &EquationRef, equations: &[Equation], ratios: &[RatioSum]) -> Option<Vec<Term>> {
        let Some(id) = of.sum else {
            // A hole over index sets is told with them, `flux[cell]`.
            let named = |e: &&Equation| e.state == of.state || e.derivative == 0 && family(&e.state) == of.state;
            return equations.iter().find(named).map(|e| e.terms.clone());
        };
        // Records list the sums in the order of the holes.
        let sums = self.model(of.subject).holes.iter().filter(|(_, hole)| hole.side.is_some());
        let (_, sum) = sums.zip(ratios).find(|((hole, _), _)| *hole == id)?;
        Some(sum.terms.clone())
    }

    fn model(&self, subject: Subject) -> &Model {
        match subject {
            Subject::Fit(id) => &self.program().models[self.program().fits[id].model],
            Subject::Model(id) => &self.program().models[id],
        }
    }

    /// `the equation of `x``, ``up``, `the numerator in `x``
    pub(super) fn told(&self, of: &EquationRef) -> String {
        let model = self.model(of.subject);
        let side = of.sum.and_then(|id| model.holes.get(id)?.side);
        match side {
            Some(side) => format!("the {} of `{}`", side.name(), of.state),
            None if model.holes.values().any(|h| h.name == of.state) => format!("the hole `{}`", of.state),
            None => format!("the equation of `{}`", of.state),
        }
    }

    /// Coefficient and standard error of a term; `None` where it was dropped.
    pub(super) fn coefficient(&self, of: &EquationRef, term: &NamedTerm) -> Result<Option<Found>, Unjudged> {
        let mut found: Option<Found> = None;
        for part in self.terms(of)? {
            // What stands in the model as it was written has its numbers in its text, and may stand there twice.
            let (number, spelled) = canonical_product(&part.term);
            if term.is(&spelled) {
                let (before, error) = found.unwrap_or((0.0, None));
                let own = part.std_error.map(|e| e * number.abs());
                let error = match (error, own) {
                    (Some(a), Some(b)) => Some(f64::hypot(a, b)),
                    (a, b) => a.or(b),
                };
                found = Some((before + number * part.coefficient, error));
            }
        }
        match found {
            Some(found) => Ok(Some(found)),
            None => self.candidate(of, term).map(|()| None),
        }
    }

    /// A term that was not found must be one that could have been: a misspelled one would always have the coefficient 0.
    fn candidate(&self, of: &EquationRef, term: &NamedTerm) -> Result<(), Unjudged> {
        /// More terms than this hide the point.
        const MOST_TERMS: usize = 20;
        let id = match of.subject {
            Subject::Fit(id) => self.program().fits[id].model,
            Subject::Model(id) => id,
        };
        let possible = self.laboratory.possible(id);
        let all = self.terms_in(of, &possible.equations, &possible.ratios).unwrap_or_default();
        if all.iter().any(|t| term.is(&canonical_product(&t.term).1)) {
            return Ok(());
        }
        let inside = match all.iter().any(|t| !t.inside.is_empty()) {
            true => "; terms of a ratio are those of its sums, `numerator(...)` and `denominator(...)`",
            false => "",
        };
        let terms: Vec<String> = all.iter().map(|t| t.with_numbers(|_| "?".to_string())).collect();
        let (whole, term) = (self.told(of), &term.shown);
        let why = match terms.is_empty() {
            true => format!("{whole} has no terms, so none called `{term}`"),
            false => format!(
                "`{term}` is neither a term nor a candidate in {whole}: these are {}{inside}",
                report::some(&terms, MOST_TERMS)
            ),
        };
        Err(why.into())
    }
}

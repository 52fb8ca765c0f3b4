//! Whether an expectation holds.

use std::cell::Cell;

use super::compare::{Value, compare};
use super::laboratory::Laboratory;
use super::snapshots::Snapshots;
use super::unjudged::Unjudged;
use super::values::has_solution;
use crate::diagnostics::{Diagnostic, codes};
use crate::hir::{self, Claim, Expectation, Program, Relation, Snapshot, Subject};
use crate::report::{self, RunRecord};
use crate::sema::canonical;
use crate::source::FileId;

/// Judges the expectations of one test.
pub(super) struct Judge<'a, 'b> {
    pub laboratory: &'b Laboratory<'a>,
    pub test: &'b str,
    pub snapshots: &'b Snapshots,
    /// Whether snapshots are replaced instead of compared.
    pub update: bool,
    /// Whether the expectation at hand takes a solution of a fit: data beside it have its samples.
    pub beside_solution: Cell<bool>,
}

/// A judgement: nothing to say, or why the expectation fails.
pub(super) type Verdict = Result<(), Box<Diagnostic>>;

impl Judge<'_, '_> {
    /// Whether an expectation holds.
    pub fn judge(&self, expectation: &Expectation) -> Verdict {
        let span = expectation.span;
        let could_not =
            |of: Unjudged| Box::new(Diagnostic::error(codes::E1105, of.why, span, "cannot be judged").help(of.help));
        match &expectation.claim {
            Claim::Compare { left, relation, right, unit } => {
                self.beside_solution.set(has_solution(left) || has_solution(right));
                let left = self.value(left).map_err(could_not)?;
                let right = self.value(right).map_err(could_not)?;
                let behind = report::behind(&unit.as_ref().map(hir::Unit::to_string));
                let verdict = compare(&left, *relation, &right, &behind).map_err(|why| could_not(why.into()))?;
                verdict.map_or(Ok(()), |(message, here)| {
                    let help = way_out((&left, &right), *relation);
                    Err(Box::new(Diagnostic::error(codes::E1101, message, span, here).help(help)))
                })
            }
            Claim::Terms { of, equal, terms } => {
                let kept = self.terms(of).map_err(could_not)?;
                let found: Vec<(String, String)> = kept.iter().map(|t| (canonical(&t.term), t.term.clone())).collect();
                let missing: Vec<&str> =
                    terms.iter().filter(|t| !found.iter().any(|(c, _)| t.is(c))).map(|t| t.shown.as_str()).collect();
                let extra: Vec<&str> = found
                    .iter()
                    .filter(|(c, _)| !terms.iter().any(|t| t.is(c)))
                    .map(|(_, shown)| shown.as_str())
                    .collect();
                let same = missing.is_empty() && extra.is_empty();
                if same == *equal {
                    return Ok(());
                }
                let list: Vec<&str> = found.iter().map(|(_, shown)| shown.as_str()).collect();
                let message = format!("{} has the terms {{{}}}", self.told(of), list.join(", "));
                let mut differences = Vec::new();
                for (what, names) in [("missing", &missing), ("not expected", &extra)] {
                    if !names.is_empty() {
                        differences.push(format!("{what}: {}", names.join(", ")));
                    }
                }
                let here = if same { "expected others".to_string() } else { differences.join("; ") };
                let help = "put the model right, or write the terms that are meant in the braces";
                Err(Box::new(Diagnostic::error(codes::E1101, message, span, here).help(help)))
            }
            Claim::Snapshot { what, key } => {
                let text = self.text(*what, span.file).map_err(could_not)?;
                let key = format!("{}: {key}", self.test);
                if self.update {
                    self.snapshots.set(key, text);
                    return Ok(());
                }
                self.snapshots.visit(&key);
                match self.snapshots.kept(&key) {
                    Some(kept) if kept == text => Ok(()),
                    Some(kept) => {
                        let diff = similar::TextDiff::from_lines(&kept, &text);
                        let shown = diff.unified_diff().context_radius(2).header("kept", "now").to_string();
                        let message = format!("the snapshot differs\n{}", shown.trim_end());
                        Err(Box::new(
                            Diagnostic::error(codes::E1104, message, span, "").help("`--update` keeps the new text"),
                        ))
                    }
                    None => {
                        let message = "no snapshot is kept for this yet";
                        Err(Box::new(Diagnostic::error(codes::E1104, message, span, "").help("`--update` keeps one")))
                    }
                }
            }
        }
    }

    pub(super) fn program(&self) -> &Program {
        &self.laboratory.checked.program
    }

    /// The text of a snapshot that a test in `file` wants.
    fn text(&self, what: Snapshot, file: FileId) -> Result<String, Unjudged> {
        match what {
            Snapshot::Equations(Subject::Fit(id)) => Ok(report::equations_short(self.laboratory.fit(id)?)),
            Snapshot::Equations(Subject::Model(id)) => {
                let equations = self.laboratory.declared(id).equations;
                Ok(report::equations_short(&RunRecord { equations, ..RunRecord::default() }))
            }
            Snapshot::Lowering(None) => Ok(hir::expand_file(self.program(), file)),
            Snapshot::Lowering(Some(id)) => {
                let mut alone = Program::default();
                alone.models.push(self.program().models[id].clone());
                Ok(hir::expand(&alone))
            }
        }
    }
}

/// What to do where a relation does not hold.
fn way_out(sides: (&Value, &Value), relation: Relation) -> &'static str {
    let finite = |v: &Value| match v {
        Value::Number(v) => v.is_finite(),
        Value::Series(values) => values.iter().all(|v| v.is_finite()),
    };
    match relation {
        _ if !finite(sides.0) || !finite(sides.1) => {
            "look for what has no finite value: a missing sample, or a formula outside its domain"
        }
        Relation::Equals => {
            "put the model right, or what is expected of it; where it only has to be near, write how near: `~= 3 within 1%`"
        }
        _ => "put the model right, or what is expected of it",
    }
}

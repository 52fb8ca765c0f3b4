//! Whether an expectation holds.

use super::laboratory::Laboratory;
use super::snapshots::Snapshots;
use super::timing;
use crate::diagnostics::{Diagnostic, codes};
use crate::hir::{
    self, Claim, EquationRef, Expectation, Model, Program, Quantity, Relation, Snapshot, Subject, Timing,
};
use crate::report::{self, Equation, RatioSum, RunRecord, Term};
use crate::sema::canonical;

/// A number, or one for every sample.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(f64),
    Series(Vec<f64>),
}

impl Value {
    fn at(&self, i: usize) -> f64 {
        match self {
            Value::Number(v) => *v,
            Value::Series(values) => values.get(i).copied().unwrap_or(f64::NAN),
        }
    }

    fn map(self, f: impl Fn(f64) -> f64) -> Value {
        match self {
            Value::Number(v) => Value::Number(f(v)),
            Value::Series(values) => Value::Series(values.into_iter().map(f).collect()),
        }
    }

    /// The length of two values side by side; an error where they are series of different lengths.
    fn common(&self, other: &Value) -> Result<Option<usize>, String> {
        match (self, other) {
            (Value::Number(_), Value::Number(_)) => Ok(None),
            (Value::Series(a), Value::Series(b)) if a.len() != b.len() => {
                Err(format!("a series of {} samples cannot meet one of {}", a.len(), b.len()))
            }
            (Value::Series(a), _) | (_, Value::Series(a)) => Ok(Some(a.len())),
        }
    }
}

/// Judges the expectations of one test.
pub(super) struct Judge<'a, 'b> {
    pub laboratory: &'b Laboratory<'a>,
    pub test: &'b str,
    pub snapshots: &'b Snapshots,
    /// Whether snapshots are replaced instead of compared.
    pub update: bool,
}

/// A judgement: nothing to say, or why the expectation fails.
pub(super) type Verdict = Result<(), Box<Diagnostic>>;

impl Judge<'_, '_> {
    /// Whether an expectation holds.
    pub fn judge(&self, expectation: &Expectation) -> Verdict {
        let span = expectation.span;
        let could_not = |why: String| Box::new(Diagnostic::error(codes::E1105, why, span, "cannot be judged"));
        match &expectation.claim {
            Claim::Compare { left, relation, right, unit } => {
                let left = self.value(left).map_err(could_not)?;
                let right = self.value(right).map_err(could_not)?;
                let behind = report::behind(&unit.as_ref().map(hir::Unit::to_string));
                let verdict = compare(&left, *relation, &right, &behind).map_err(could_not)?;
                verdict.map_or(Ok(()), |(message, here)| {
                    Err(Box::new(Diagnostic::error(codes::E1101, message, span, here)))
                })
            }
            Claim::Terms { of, equal, terms } => {
                let kept = self.terms(of).map_err(could_not)?;
                let found: Vec<(String, String)> = kept.iter().map(|t| (canonical(&t.term), t.term.clone())).collect();
                let missing: Vec<&str> = terms
                    .iter()
                    .filter(|t| !found.iter().any(|(c, _)| *c == t.spelled))
                    .map(|t| t.shown.as_str())
                    .collect();
                let extra: Vec<&str> = found
                    .iter()
                    .filter(|(c, _)| !terms.iter().any(|t| t.spelled == *c))
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
                Err(Box::new(Diagnostic::error(codes::E1101, message, span, here)))
            }
            Claim::Snapshot { what, key } => {
                let text = self.text(*what).map_err(could_not)?;
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

    fn value(&self, quantity: &Quantity) -> Result<Value, String> {
        let number = |v: f64| Ok(Value::Number(v));
        match quantity {
            Quantity::Number(v) | Quantity::Measured(v, _) => number(*v),
            Quantity::Column(id, name) => self.column(*id, name),
            Quantity::Solution(id, name) => solution(self.laboratory.fit(*id)?, name),
            Quantity::Parameter(Subject::Fit(id), name) => number(parameter(self.laboratory.fit(*id)?, name)?.value),
            Quantity::Parameter(Subject::Model(id), name) => {
                let model = &self.program().models[*id];
                let value = model.params.values().find(|p| p.name == *name).and_then(|p| p.value);
                value.map(Value::Number).ok_or_else(|| format!("`{name}` has no value"))
            }
            Quantity::ParameterError(id, name) => {
                let error = parameter(self.laboratory.fit(*id)?, name)?.std_error;
                error.map(Value::Number).ok_or_else(|| format!("this fit gives no standard error of `{name}`"))
            }
            Quantity::Coefficient(of, term) => number(self.term(of, term)?.map_or(0.0, |t| t.coefficient)),
            Quantity::CoefficientError(of, term) => {
                let error = self.term(of, term)?.and_then(|t| t.std_error);
                error.map(Value::Number).ok_or_else(|| format!("there is no standard error of `{term}`"))
            }
            Quantity::Metric(id, name, part) => {
                let record = self.laboratory.fit(*id)?;
                let found = record.metrics.iter().find(|m| m.name == *name && m.part == *part);
                found.map(|m| Value::Number(m.value)).ok_or_else(|| {
                    let known: Vec<String> =
                        record.metrics.iter().map(|m| format!("\"{}\" of \"{}\"", m.name, m.part)).collect();
                    format!("the fit has no figure \"{name}\" of the part \"{part}\"; it has {}", known.join(", "))
                })
            }
            Quantity::Noise(id, state) => {
                let found = self.laboratory.fit(*id)?.noise.iter().find(|n| n.state == *state);
                found.map(|n| Value::Number(n.std)).ok_or_else(|| format!("the fit estimates no noise of `{state}`"))
            }
            Quantity::Loss(id) => {
                let last = self.laboratory.fit(*id)?.loss.last();
                last.map(|l| Value::Number(l.loss)).ok_or_else(|| "the fit has no loss".to_string())
            }
            Quantity::Unary(f, a) => Ok(self.value(a)?.map(|v| f.apply(v))),
            Quantity::Binary(op, a, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                Ok(match a.common(&b)? {
                    None => Value::Number(op.apply(a.at(0), b.at(0))),
                    Some(n) => Value::Series((0..n).map(|i| op.apply(a.at(i), b.at(i))).collect()),
                })
            }
            Quantity::List(list) => {
                let mut out = Vec::with_capacity(list.len());
                for quantity in list {
                    match self.value(quantity)? {
                        Value::Number(v) => out.push(v),
                        Value::Series(values) => out.extend(values),
                    }
                }
                Ok(Value::Series(out))
            }
            Quantity::Timed { how, series, times } => number(self.timed(*how, series, times)?),
            Quantity::Reduced(how, a) => number(match self.value(a)? {
                Value::Number(v) => how.apply(&[v]),
                Value::Series(values) => how.apply(&self.measured(a, &values)?),
            }),
        }
    }

    /// A number from a series and its times, which is as long.
    fn timed(&self, how: Timing, series: &Quantity, times: &Quantity) -> Result<f64, String> {
        match (self.value(series)?, self.value(times)?) {
            (Value::Series(values), Value::Series(times)) if values.len() == times.len() => match how {
                Timing::At(_) => timing::apply(how, &values, &times),
                _ => timing::apply(how, &self.measured(series, &values)?, &self.measured(series, &times)?),
            },
            _ => Err("the series has another length than its times".to_string()),
        }
    }

    /// The values, one for each sample of `quantity`, of those samples that no column it is made of lacks.
    fn measured(&self, quantity: &Quantity, values: &[f64]) -> Result<Vec<f64>, String> {
        let missing = self.missing(quantity)?;
        let kept = values.iter().enumerate().filter(|(i, _)| missing.get(*i) != Some(&true));
        let kept: Vec<f64> = kept.map(|(_, v)| *v).collect();
        if kept.is_empty() && !values.is_empty() {
            return Err("every sample is missing".to_string());
        }
        Ok(kept)
    }

    /// Which samples of a quantity are missing in the data; shorter than the quantity where none is from there on.
    fn missing(&self, quantity: &Quantity) -> Result<Vec<bool>, String> {
        match quantity {
            Quantity::Column(id, name) => {
                let data = self.laboratory.data(*id)?;
                let Some(column) = data.column(name) else { return Ok(Vec::new()) };
                let of = |t: &crate::data::Trajectory| (0..t.len).map(|i| t.value(i, column).is_none()).collect();
                Ok(data.trajectories.iter().flat_map(|t| -> Vec<bool> { of(t) }).collect())
            }
            Quantity::Unary(_, a) => self.missing(a),
            Quantity::Binary(_, a, b) => {
                let (a, b) = (self.missing(a)?, self.missing(b)?);
                let at = |list: &[bool], i: usize| list.get(i) == Some(&true);
                Ok((0..a.len().max(b.len())).map(|i| at(&a, i) || at(&b, i)).collect())
            }
            // Elements of a list are taken as they are: one that is missing is for its author to say.
            _ => Ok(Vec::new()),
        }
    }

    fn program(&self) -> &Program {
        &self.laboratory.checked.program
    }

    fn column(&self, id: hir::DataId, name: &str) -> Result<Value, String> {
        let data = self.laboratory.data(id)?;
        let values = |f: &dyn Fn(&crate::data::Trajectory, usize) -> f64| {
            data.trajectories.iter().flat_map(|t| (0..t.len).map(move |i| f(t, i)).collect::<Vec<f64>>()).collect()
        };
        if name == "t" {
            return Ok(Value::Series(values(&|t, i| t.time(i))));
        }
        if let Some(column) = data.column(name) {
            return Ok(Value::Series(values(&|t, i| t.value(i, column).unwrap_or(f64::NAN))));
        }
        let Some(input) = data.inputs.iter().position(|n| n == name) else {
            return Err(format!("the data have no column `{name}`; they have {}", data.columns.join(", ")));
        };
        let width = data.inputs.len();
        Ok(Value::Series(values(&|t, i| t.inputs.get(i * width + input).copied().unwrap_or(f64::NAN))))
    }

    /// The terms of an equation, of a hole with a name or of a sum of a ratio.
    fn terms(&self, of: &EquationRef) -> Result<Vec<Term>, String> {
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
        found.ok_or_else(|| format!("there is no equation of `{}`", of.state))
    }

    fn terms_in(&self, of: &EquationRef, equations: &[Equation], ratios: &[RatioSum]) -> Option<Vec<Term>> {
        let Some(id) = of.sum else {
            return equations.iter().find(|e| e.state == of.state).map(|e| e.terms.clone());
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
    fn told(&self, of: &EquationRef) -> String {
        let model = self.model(of.subject);
        let side = of.sum.and_then(|id| model.holes.get(id)?.side);
        match side {
            Some(side) => format!("the {} of `{}`", side.name(), of.state),
            None if model.holes.values().any(|h| h.name == of.state) => format!("the hole `{}`", of.state),
            None => format!("the equation of `{}`", of.state),
        }
    }

    fn term(&self, of: &EquationRef, term: &str) -> Result<Option<Term>, String> {
        match self.terms(of)?.into_iter().find(|t| canonical(&t.term) == term) {
            Some(found) => Ok(Some(found)),
            None => self.candidate(of, term).map(|()| None),
        }
    }

    /// A term that was not found must be one that could have been: a misspelled one would always have the coefficient 0.
    fn candidate(&self, of: &EquationRef, term: &str) -> Result<(), String> {
        /// More terms than this hide the point.
        const MOST_NAMED: usize = 20;
        let id = match of.subject {
            Subject::Fit(id) => self.program().fits[id].model,
            Subject::Model(id) => id,
        };
        let possible = self.laboratory.possible(id);
        let all = self.terms_in(of, &possible.equations, &possible.ratios).unwrap_or_default();
        if all.iter().any(|t| canonical(&t.term) == term) {
            return Ok(());
        }
        let inside = match all.iter().any(|t| !t.inside.is_empty()) {
            true => "; terms of a ratio are those of its sums, `numerator(...)` and `denominator(...)`",
            false => "",
        };
        let terms: Vec<String> = all.iter().map(|t| t.with_numbers(|_| "?".to_string())).collect();
        let whole = self.told(of);
        Err(match terms.is_empty() {
            true => format!("{whole} has no terms, so none called `{term}`"),
            false => format!(
                "`{term}` is neither a term nor a candidate in {whole}: these are {}{inside}",
                report::some(&terms, MOST_NAMED)
            ),
        })
    }

    fn text(&self, what: Snapshot) -> Result<String, String> {
        match what {
            Snapshot::Equations(Subject::Fit(id)) => Ok(report::equations_short(self.laboratory.fit(id)?)),
            Snapshot::Equations(Subject::Model(id)) => {
                let equations = self.laboratory.declared(id).equations;
                Ok(report::equations_short(&RunRecord { equations, ..RunRecord::default() }))
            }
            Snapshot::Lowering(None) => Ok(hir::expand(self.program())),
            Snapshot::Lowering(Some(id)) => {
                let mut alone = Program::default();
                alone.models.push(self.program().models[id].clone());
                Ok(hir::expand(&alone))
            }
        }
    }
}

fn parameter<'r>(record: &'r RunRecord, name: &str) -> Result<&'r report::Parameter, String> {
    let found = record.parameters.iter().find(|p| p.name == name);
    found.ok_or_else(|| format!("the fit does not estimate `{name}`"))
}

fn solution(record: &RunRecord, name: &str) -> Result<Value, String> {
    let mut out = Vec::new();
    for trajectory in &record.trajectories {
        match trajectory.states.iter().find(|s| s.state == name) {
            _ if name == "t" => out.extend(&trajectory.time),
            Some(state) => out.extend(&state.solution),
            None => return Err(format!("the fit has no solution of `{name}`")),
        }
    }
    Ok(Value::Series(out))
}

/// Nothing where the relation holds; otherwise what was found, in a message and beside the place. `unit` stands behind numbers.
fn compare(left: &Value, relation: Relation, right: &Value, unit: &str) -> Result<Option<(String, String)>, String> {
    let Some(n) = left.common(right)? else {
        let (a, b) = (left.at(0), right.at(0));
        return Ok((!holds(a, relation, b)).then(|| spelled((a, relation, b), unit, "")));
    };
    if n == 0 {
        return Err("there are no samples to compare".into());
    }
    let first = (0..n).find(|&i| !holds(left.at(i), relation, right.at(i)));
    Ok(first.map(|i| {
        let count = (0..n).filter(|&i| !holds(left.at(i), relation, right.at(i))).count();
        let place = format!(" at sample {} ({count} of {n} samples fail)", i + 1);
        spelled((left.at(i), relation, right.at(i)), unit, &place)
    }))
}

/// Nothing holds of what is not a finite number.
fn holds(a: f64, relation: Relation, b: f64) -> bool {
    if !a.is_finite() || !b.is_finite() {
        return false;
    }
    match relation {
        Relation::Equals => a == b,
        Relation::Differs => a != b,
        Relation::Within(tolerance) => (a - b).abs() <= tolerance,
        Relation::WithinShare(share) => (a - b).abs() <= share * b.abs(),
        Relation::Less => a < b,
        Relation::AtMost => a <= b,
        Relation::Greater => a > b,
        Relation::AtLeast => a >= b,
    }
}

fn spelled((a, relation, b): (f64, Relation, f64), unit: &str, place: &str) -> (String, String) {
    let (found, expected) = (hir::number(a) + unit, hir::number(b) + unit);
    let expected = match relation {
        Relation::Equals => expected,
        Relation::Differs => format!("anything but {expected}"),
        Relation::Within(tolerance) => format!("{expected} within {}{unit}", hir::number(tolerance)),
        Relation::WithinShare(share) => format!("{expected} within {} %", hir::number(100.0 * share)),
        Relation::Less => format!("less than {expected}"),
        Relation::AtMost => format!("at most {expected}"),
        Relation::Greater => format!("more than {expected}"),
        Relation::AtLeast => format!("at least {expected}"),
    };
    let off = match relation {
        Relation::Within(_) | Relation::WithinShare(_) if b != 0.0 && a.is_finite() => {
            format!(", off by {:.3} %", 100.0 * ((a - b) / b).abs())
        }
        _ => String::new(),
    };
    let why = if a.is_finite() && b.is_finite() { "" } else { "; nothing holds of what is not finite" };
    (format!("expected {expected}, found {found}{place}{why}"), format!("{found}{off}"))
}

#[cfg(test)]
mod tests {
    use super::{Relation, Value, compare, holds};

    #[test]
    fn nothing_holds_of_what_is_not_finite() {
        let relations = [
            Relation::Equals,
            Relation::Differs,
            Relation::Within(1.0),
            Relation::WithinShare(1.0),
            Relation::Less,
            Relation::AtMost,
            Relation::Greater,
            Relation::AtLeast,
        ];
        for relation in relations {
            for strange in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                for (a, b) in [(strange, 1.0), (1.0, strange), (strange, strange)] {
                    assert!(!holds(a, relation, b), "{a} {relation:?} {b}");
                }
            }
        }
    }

    #[test]
    fn series_hold_at_every_sample() {
        let series = |values: &[f64]| Value::Series(values.to_vec());
        assert_eq!(compare(&series(&[1.0, 2.0]), Relation::Less, &Value::Number(3.0), ""), Ok(None));
        let (message, _) =
            compare(&series(&[1.0, 4.0, 5.0]), Relation::Less, &Value::Number(3.0), "").unwrap().unwrap();
        assert_eq!(message, "expected less than 3, found 4 at sample 2 (2 of 3 samples fail)");
        assert!(compare(&series(&[1.0]), Relation::Less, &series(&[1.0, 2.0]), "").is_err());
        assert!(compare(&series(&[]), Relation::Less, &Value::Number(3.0), "").is_err(), "no sample proves nothing");
    }

    #[test]
    fn a_share_is_of_the_right_side() {
        assert!(holds(27.5, Relation::WithinShare(0.02), 28.0));
        assert!(!holds(27.4, Relation::WithinShare(0.02), 28.0));
        assert!(!holds(1e-9, Relation::WithinShare(0.02), 0.0));
    }
}

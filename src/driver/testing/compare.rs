//! Values of quantities, and whether two of them compare as they should.

use crate::hir::{self, Relation};

/// A number, or one for every sample.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Series(Vec<f64>),
}

impl Value {
    pub(super) fn at(&self, i: usize) -> f64 {
        match self {
            Value::Number(v) => *v,
            Value::Series(values) => values.get(i).copied().unwrap_or(f64::NAN),
        }
    }

    pub(super) fn map(self, f: impl Fn(f64) -> f64) -> Value {
        match self {
            Value::Number(v) => Value::Number(f(v)),
            Value::Series(values) => Value::Series(values.into_iter().map(f).collect()),
        }
    }

    /// The length of two values side by side; an error where they are series of different lengths.
    pub(super) fn common(&self, other: &Value) -> Result<Option<usize>, String> {
        match (self, other) {
            (Value::Number(_), Value::Number(_)) => Ok(None),
            (Value::Series(a), Value::Series(b)) if a.len() != b.len() => {
                Err(format!("a series of {} samples cannot meet one of {}", a.len(), b.len()))
            }
            (Value::Series(a), _) | (_, Value::Series(a)) => Ok(Some(a.len())),
        }
    }
}

/// Nothing where the relation holds; otherwise what was found, in a message and beside the place. `unit` stands behind numbers.
pub(super) fn compare(
    left: &Value,
    relation: Relation,
    right: &Value,
    unit: &str,
) -> Result<Option<(String, String)>, String> {
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

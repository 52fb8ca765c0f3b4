//! States whose columns are switched between a few numbers: what is switched from outside is an input, and no equation follows it.

use crate::base::number;
use crate::data::{Dataset, Trajectory};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1131;
use crate::hir::{DataSet, Model, family};
use crate::report::named;

/// A column that is switched takes so many different numbers at most,
const FEW: usize = 4;
/// in so many samples at least,
const SAMPLES: usize = 20;
/// of which a number stays the same for so many on average,
const STAYS: usize = 4;
/// and it changes so often.
const CHANGES: usize = 2;

/// Findings on states that files give such columns, each with the names of the state and of its column.
pub fn check(model: &Model, sets: &[(&DataSet, &Dataset)]) -> Vec<([String; 2], Diagnostic)> {
    let mut found: Vec<([String; 2], Diagnostic)> = Vec::new();
    for (data, read) in sets.iter().filter(|(data, _)| !data.source.is_made()) {
        for (c, name) in read.columns.iter().enumerate() {
            let Some(state) = model.states.values().find(|s| s.name == *name) else { continue };
            let Some(levels) = levels(read, c).filter(|_| found.iter().all(|(_, d)| d.primary.span != state.span))
            else {
                continue;
            };
            let numbers: Vec<String> = levels.iter().map(|v| number(*v)).collect();
            let many = ["two", "three"].get(levels.len() - 2).unwrap_or(&"four");
            let name = family(name);
            let message = format!(
                "the state `{name}` takes only {many} numbers in `{}`, {}, and stays at each for several samples: what is switched from outside is an input",
                data.name,
                named(&numbers)
            );
            let help = format!(
                "leave out its equation and its place among the states, and declare `input {name} held`: then it drives the others and needs no law"
            );
            let d = Diagnostic::warning(W1131, message, state.span, "declared a state");
            let column =
                data.source.file().map_or_else(|| state.name.clone(), |(_, columns)| columns.column(&state.name));
            found.push(([state.name.clone(), column], d.label(data.place_of(name), "read from here").help(help)));
        }
    }
    found
}

/// The numbers between which a column is switched, ascending; none of one that takes others, or that goes through them as what is rounded does.
fn levels(read: &Dataset, c: usize) -> Option<Vec<f64>> {
    let values = |t: &Trajectory| (0..t.len).filter_map(|i| t.value(i, c)).collect::<Vec<f64>>();
    let all: Vec<Vec<f64>> = read.trajectories.iter().map(values).collect();
    let mut levels: Vec<f64> = Vec::new();
    for v in all.iter().flatten() {
        if !levels.contains(v) {
            levels.push(*v);
        }
        if levels.len() > FEW {
            return None;
        }
    }
    levels.sort_unstable_by(f64::total_cmp);
    let samples = all.iter().map(Vec::len).sum::<usize>();
    let place = |v: &f64| levels.iter().position(|level| level == v).unwrap_or(0);
    let steps = all
        .iter()
        .flat_map(|values| values.windows(2).map(|w| place(&w[0]).abs_diff(place(&w[1]))).collect::<Vec<_>>());
    let changes: Vec<usize> = steps.filter(|step| *step > 0).collect();
    // What is rounded to whole steps goes through one after the other.
    let is_switched = levels.len() == 2 || changes.iter().any(|step| *step > 1);
    (levels.len() > 1
        && samples >= SAMPLES
        && changes.len() >= CHANGES
        && changes.len() * STAYS <= samples
        && is_switched)
        .then_some(levels)
}

#[cfg(test)]
mod tests {
    use super::levels;
    use crate::data::{Dataset, Trajectory};

    #[test]
    fn what_is_switched_is_told_from_what_is_rounded_or_noisy() {
        let of = |value: &dyn Fn(usize) -> f64| {
            let values: Vec<f64> = (0..60).map(value).collect();
            let t = Trajectory { dt: 1.0, len: 60, valid: vec![true; 60], values, ..Trajectory::default() };
            levels(
                &Dataset {
                    source: String::new(),
                    columns: vec!["u".into()],
                    inputs: Vec::new(),
                    trajectories: vec![t],
                },
                0,
            )
        };
        assert_eq!(of(&|i| f64::from(i / 12 % 2 == 0)), Some(vec![0.0, 1.0]));
        assert_eq!(of(&|i| [0.5, 2.0, -1.0][i / 7 % 3]), Some(vec![-1.0, 0.5, 2.0]));
        // A curve that is rounded goes through all numbers in turn, and what flickers stays at none.
        assert_eq!(of(&|i| (1.4 * (i as f64 / 9.0).sin()).round()), None);
        assert_eq!(of(&|i| f64::from(i % 2 == 0)), None);
        assert_eq!(of(&|i| f64::from(i > 30)), None);
        assert_eq!(of(&|i| (i as f64).sqrt()), None);
    }
}

//! Numbers that stand for samples that were not taken: -999 and its kin.

use super::{Files, Series};
use crate::data::{Dataset, Trajectory};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1112;
use crate::hir::DataSet;

/// A number of this form is one if all others lie within this many of their ranges from each other, and it does not.
const BEYOND: f64 = 1.0;
/// Largest share of the samples that may be missing.
const SHARE: f64 = 0.5;

/// Finds such numbers in the columns of one family and takes them out.
pub fn of_states(all: &mut [Series<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let values: Vec<(usize, f64)> =
        all.iter().enumerate().flat_map(|(k, s)| s.values.iter().map(move |v| (k, *v))).collect();
    let number = |(k, value): (usize, f64)| all.get(k).map_or(value, |s| s.files().number(value));
    for end in [f64::min, f64::max] {
        let Some(marker) = marker(values.iter().copied().map(number), end) else { continue };
        let of = |s: &Series<'_>| -> Option<f64> {
            let at = s.values.iter().position(|v| s.files().number(*v) == marker)?;
            s.times.get(at).copied()
        };
        let Some((series, time)) = all.iter().find_map(|s| Some((s, of(s)?))) else { continue };
        let file = series.files();
        if file.is_computed() {
            continue;
        }
        let count = values.iter().copied().filter(|v| number(*v) == marker).count();
        let help = format!(
            "if it stands for samples that were not taken, say `missing \"{marker}\"` in the block of `{}`; else look at it in the file",
            series.data.name
        );
        found.push(finding(file, (marker, count), (series.trajectory, time)).help(help));
    }
    for series in all.iter_mut().filter(|_| !found.is_empty()) {
        let file = Files { data: series.data, name: series.name };
        let keeps: Vec<bool> = series.values.iter().map(|v| !has_form(file.number(*v))).collect();
        let kept = |list: &[f64]| list.iter().zip(&keeps).filter(|(_, keep)| **keep).map(|(v, _)| *v).collect();
        (series.times, series.values) = (kept(&series.times), kept(&series.values));
    }
    found
}

/// Finds such numbers in inputs, of which every sample must be known.
pub fn of_inputs(sets: &[(&DataSet, &Dataset)]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (data, read) in sets.iter().filter(|(data, _)| !data.source.is_made()) {
        for (k, name) in read.inputs.iter().enumerate() {
            let file = Files { data, name };
            let of = |t: &'_ Trajectory| t.inputs.iter().skip(k).step_by(t.input_width().max(1)).copied().collect();
            let columns: Vec<Vec<f64>> = read.trajectories.iter().map(of).collect();
            let numbers = || columns.iter().flatten().map(|v| file.number(*v));
            for marker in [f64::min, f64::max].iter().filter_map(|end| marker(numbers(), *end)) {
                let at = |column: &Vec<f64>| column.iter().position(|v| file.number(*v) == marker);
                let first = read.trajectories.iter().zip(&columns).find_map(|(t, c)| Some((t, t.time(at(c)?))));
                let Some(place) = first.filter(|_| !file.is_computed()) else { continue };
                let count = numbers().filter(|v| *v == marker).count();
                let help = "if it stands for samples that were not taken, give their values in the file, as the neighbours say for example: of an \
                            input every sample must be known";
                found.push(finding(file, (marker, count), place).help(help));
            }
        }
    }
    found
}

fn finding(file: Files<'_>, (marker, count): (f64, usize), (trajectory, time): (&Trajectory, f64)) -> Diagnostic {
    let times = match count {
        1 => "once".to_string(),
        n => format!("{n} times"),
    };
    let message = format!(
        "{marker} stands in {} {times}, {} {}, far from all its other numbers",
        file.spelled(),
        if count == 1 { "at" } else { "first at" },
        file.at(trajectory, time)
    );
    Diagnostic::warning(W1112, message, file.data.place_of(file.name), "read from here")
}

/// The least or the largest of some numbers, if it has the form of a marker and lies far from all others.
fn marker(numbers: impl Iterator<Item = f64> + Clone, end: fn(f64, f64) -> f64) -> Option<f64> {
    let marker = numbers.clone().reduce(end).filter(|v| has_form(*v))?;
    let mut count = (0usize, 0usize);
    let mut others = (f64::INFINITY, f64::NEG_INFINITY);
    for v in numbers {
        count.0 += 1;
        if v == marker {
            count.1 += 1;
        // The other end may be a marker as well.
        } else if !has_form(v) {
            others = (others.0.min(v), others.1.max(v));
        }
    }
    let (range, distance) = (others.1 - others.0, (marker - others.0).abs().min((marker - others.1).abs()));
    let far = range.is_finite() && distance > BEYOND * range;
    (far && count.1 as f64 <= SHARE * count.0 as f64).then_some(marker)
}

/// Whether a number is one that programs write where there is none: nothing but nines, the ends of whole numbers, or huge.
fn has_form(number: f64) -> bool {
    let digits: String = number.abs().to_string();
    let nines = digits.len() >= 2 && digits.chars().all(|c| c == '9' || c == '.') && number.abs() > 9.0;
    let ends = [f64::from(i16::MIN), f64::from(i16::MAX), f64::from(i32::MIN), f64::from(i32::MAX), -999.25];
    nines || ends.contains(&number) || number.abs() >= 1e20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_stand_for_none_have_a_form() {
        for number in [-999.0, -9999.0, 99.0, -99.9, 999.99, -32768.0, 1e30, -999.25] {
            assert!(has_form(number), "{number}");
        }
        for number in [9.0, 0.9, -1.0, 0.0, 998.0, 100.0, 1e6, -9.9e-3] {
            assert!(!has_form(number), "{number}");
        }
    }

    #[test]
    fn a_number_among_its_like_is_none() {
        let among = |numbers: &[f64]| marker(numbers.iter().copied(), f64::max);
        assert_eq!(among(&[97.0, 98.0, 99.0, 60.0]), None);
        assert_eq!(among(&[7.0, 8.0, 99.0, 6.0]), Some(99.0));
        assert_eq!(among(&[7.0, 99.0, 99.0, 99.0]), None);
    }
}

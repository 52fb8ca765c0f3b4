//! What the columns of a table look like, for what is offered where the table lacks a column that is asked for, or its times start again.
//!
//! A file is only looked at when it cannot be read, and the look must not take longer than reading does: first the times alone, and the other columns
//! only where the times start again. Of a column that is measured little is kept, and nothing once that is seen.

use std::collections::HashMap;

use super::error::DataError;
use super::named::offered;
use super::spec::{ReadSpec, called_time};
use crate::base::Fnv;

/// Rows that tell what a column is, by the texts in it and by how often its values repeat.
const FEW: usize = 200;
/// Rows that are looked at, at most.
pub(super) const MOST_ROWS: usize = 1_000_000;
/// Experiments of a table, at most: a column with more distinct values is taken for a measurement.
const MOST_GROUPS: usize = 10_000;
/// Values that are kept of all columns together, at most.
const MOST_VALUES: usize = 200_000;

/// What is seen of columns of which nobody says what they hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Looks {
    /// Columns that hold texts and no numbers: no state is read from one.
    pub texts: Vec<String>,
    /// Columns that may tell experiments apart: the times of the table start again, and for every value of such a column they increase.
    pub experiments: Vec<String>,
}

/// The place of the column with the times, as far as that is known or can be guessed; none where a column of the table tells trajectories apart already.
pub(super) fn time_column(header: &[String], spec: &ReadSpec) -> Option<usize> {
    let named = spec.time.as_ref().filter(|name| header.contains(name)).cloned();
    let guessed = || called_time(header).filter(|_| spec.dt.is_none());
    let is_told = spec.trajectory.as_ref().is_some_and(|own| header.contains(own));
    let name = named.or_else(guessed).filter(|_| !is_told)?;
    header.iter().position(|column| *column == name)
}

/// Times one after the other, until they start again.
#[derive(Default)]
pub(super) struct Times {
    last: Option<f64>,
}

impl Times {
    /// Whether the next time does not come after the one before it.
    pub(super) fn again(&mut self, time: f64) -> bool {
        self.last.replace(time).is_some_and(|last| time <= last)
    }
}

/// What the cells of one column are, as far as that is open.
#[derive(Clone, Copy, Default)]
struct Kind {
    numbers: bool,
    texts: bool,
}

impl Kind {
    fn see(&mut self, text: &str, spec: &ReadSpec) {
        // A number settles it.
        if !self.numbers {
            self.numbers = text.parse::<f64>().is_ok();
            self.texts |= !self.numbers && !text.is_empty() && !spec.is_missing(text);
        }
    }
}

/// The values of one column with their last times and numbers of rows, as long as the column may tell experiments apart.
pub(super) struct Groups {
    /// By the hash of the value.
    seen: HashMap<u64, (f64, usize)>,
    rows: usize,
    /// Whether a value is a number with a fraction.
    fractions: bool,
}

impl Groups {
    pub(super) fn new() -> Self {
        Groups { seen: HashMap::new(), rows: 0, fractions: false }
    }

    /// One more row; whether the column may still tell experiments apart.
    pub(super) fn row(&mut self, text: &str, time: Option<f64>, spec: &ReadSpec) -> bool {
        self.rows += 1;
        let Some(time) = time else { return true };
        if text.is_empty() || spec.is_missing(text) {
            return false;
        }
        let value = Fnv::of(text.as_bytes());
        if let Some((last, rows)) = self.seen.get_mut(&value) {
            let increases = time > *last;
            (*last, *rows) = (time, *rows + 1);
            return increases;
        }
        self.seen.insert(value, (time, 1));
        self.fractions |= text.parse::<f64>().is_ok_and(|v| v.fract() != 0.0);
        // Experiments have numbers and names. What has a fraction and nearly always another value is measured.
        let is_measured = self.fractions && self.rows >= FEW && 3 * self.seen.len() > self.rows;
        self.seen.len() <= MOST_GROUPS && !is_measured
    }

    /// Whether the column tells experiments apart: one that has another value in nearly every row does not.
    pub(super) fn tell(&self) -> bool {
        let groups = &self.seen;
        groups.len() > 1 && 3 * groups.len() <= self.rows && groups.values().all(|(_, rows)| *rows > 1)
    }
}

/// A look at a table that stands row by row in a file: at the times first, then at what may tell experiments apart.
pub(super) struct Look<'h> {
    header: &'h [String],
    spec: &'h ReadSpec,
    time: Option<usize>,
    kinds: Vec<Kind>,
    /// Columns of which no number was seen.
    unsettled: Vec<usize>,
    times: Times,
    again: bool,
    /// Columns that may tell experiments apart, in the second pass.
    groups: Option<Vec<(usize, Groups)>>,
    /// Values that are kept of them together.
    values: usize,
    rows: usize,
}

impl<'h> Look<'h> {
    pub(super) fn new(header: &'h [String], spec: &'h ReadSpec) -> Look<'h> {
        let time = time_column(header, spec);
        let (kinds, unsettled) = (vec![Kind::default(); header.len()], (0..header.len()).collect());
        let times = Times::default();
        Look { header, spec, time, kinds, unsettled, times, again: false, groups: None, values: 0, rows: 0 }
    }

    /// One more row, with the cells of its columns; whether further ones are of use.
    pub(super) fn row<'c>(&mut self, cell: impl Fn(usize) -> &'c str) -> bool {
        self.rows += 1;
        let Look { kinds, spec, .. } = self;
        self.unsettled.retain(|at| {
            let Some(kind) = kinds.get_mut(*at) else { return false };
            kind.see(cell(*at), spec);
            !kind.numbers
        });
        let time = self.time.and_then(|at| cell(at).parse::<f64>().ok());
        match &mut self.groups {
            None => self.again |= time.is_some_and(|time| self.times.again(time)),
            Some(groups) => {
                let mut values = 0;
                groups.retain_mut(|(at, of)| {
                    let keeps = of.row(cell(*at), time, spec);
                    values += if keeps { of.seen.len() } else { 0 };
                    keeps
                });
                self.values = values;
                self.drop_the_largest();
            }
        }
        let more = match (&self.groups, self.time) {
            (Some(groups), _) => !groups.is_empty() || self.rows < FEW,
            (None, Some(_)) => !self.again,
            (None, None) => self.rows < FEW,
        };
        more && self.rows < MOST_ROWS
    }

    /// What has most values is measured most likely.
    fn drop_the_largest(&mut self) {
        let Some(groups) = &mut self.groups else { return };
        while self.values > MOST_VALUES {
            let sizes = groups.iter().enumerate().map(|(k, (_, of))| (of.seen.len(), k));
            let Some((size, k)) = sizes.max() else { return };
            groups.swap_remove(k);
            self.values -= size;
        }
    }

    /// Whether the rows are of use once more, from the first one on: the times start again, and so the other columns matter.
    pub(super) fn goes_on(&mut self) -> bool {
        if !self.again || self.groups.is_some() {
            return false;
        }
        let may_be = |(at, offered): (usize, bool)| (offered && Some(at) != self.time).then(|| (at, Groups::new()));
        self.groups = Some(offered(self.header).into_iter().enumerate().filter_map(may_be).collect());
        self.rows = 0;
        true
    }

    /// What was seen.
    pub(super) fn end(self) -> Looks {
        let texts = self.header.iter().zip(&self.kinds).filter(|(_, kind)| kind.texts && !kind.numbers);
        let mut tell: Vec<usize> =
            self.groups.unwrap_or_default().iter().filter(|(_, of)| of.tell()).map(|(at, _)| *at).collect();
        tell.sort_unstable();
        Looks {
            texts: texts.map(|(name, _)| name.clone()).collect(),
            experiments: tell.into_iter().filter_map(|at| self.header.get(at)).cloned().collect(),
        }
    }
}

impl DataError {
    /// Whether its way out is better known after a look at the table.
    pub(super) fn asks_for_a_look(&self) -> bool {
        matches!(
            self,
            Self::MissingColumn { .. }
                | Self::MissingTime { .. }
                | Self::NoTime { .. }
                | Self::TimeNotIncreasing { .. }
        )
    }

    /// The same with what was seen of the table.
    pub(super) fn looked(mut self, looks: Looks) -> DataError {
        match &mut self {
            Self::MissingColumn { asked, nearest, .. } => {
                // Texts may tell trajectories apart and are nothing else.
                if !asked.wants_trajectory() && nearest.as_ref().is_some_and(|name| looks.texts.contains(name)) {
                    *nearest = None;
                }
                asked.looks = looks;
            }
            Self::MissingTime { asked, .. } | Self::NoTime { asked, .. } => asked.looks = looks,
            Self::TimeNotIncreasing { experiments, .. } => *experiments = looks.experiments,
            _ => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at rows until they have told enough: the looks, how many rows were looked at in all, and how many values were kept at most.
    fn look(header: &[&str], rows: usize, cell: impl Fn(usize, usize) -> String) -> (Looks, usize, usize) {
        let header: Vec<String> = header.iter().map(|name| (*name).to_string()).collect();
        let spec = ReadSpec { time: Some("t".into()), ..ReadSpec::of(["x"]) };
        let (mut look, mut seen, mut kept) = (Look::new(&header, &spec), 0, 0);
        loop {
            for row in 0..rows {
                let cells: Vec<String> = (0..header.len()).map(|at| cell(row, at)).collect();
                seen += 1;
                let more = look.row(|at| cells.get(at).map_or("", String::as_str));
                kept = kept.max(look.values);
                if !more {
                    break;
                }
            }
            if !look.goes_on() {
                return (look.end(), seen, kept);
            }
        }
    }

    #[test]
    fn what_is_measured_is_soon_seen() {
        let names = ["run", "t", "name", "a", "b"];
        let measured = |row: usize, at: usize| (0.1 + (row * 7919 + at) as f64).to_string();
        let again = |row: usize, at: usize| match at {
            0 => format!("run {}", row / 100),
            1 => (row % 100).to_string(),
            2 => "one".to_string(),
            at => measured(row, at),
        };
        // The times begin again in row 101; then every row is looked at for the experiments.
        let (looks, seen, kept) = look(&names, 10_000, again);
        assert_eq!((looks.experiments, looks.texts), (vec!["run".to_string()], vec!["run".into(), "name".into()]));
        assert!(seen == 10_101 && kept < 3 * FEW, "{seen} {kept}");
        // Where nothing else tells them apart, a few rows do.
        let none = |row: usize, at: usize| if at == 0 { measured(row, at) } else { again(row, at) };
        let (looks, seen, _) = look(&names, 10_000, none);
        assert!(looks.experiments.is_empty() && seen <= 101 + FEW, "{seen}");
        // Times that never begin again say that there is one experiment.
        let one = |row: usize, at: usize| if at == 1 { row.to_string() } else { again(row, at) };
        let (looks, seen, kept) = look(&names, 5000, one);
        assert!(looks.experiments.is_empty() && (seen, kept) == (5000, 0), "{seen} {kept}");
    }

    /// Whole numbers may number experiments; of very many columns of them little is kept all the same.
    #[test]
    fn what_is_kept_has_a_limit() {
        let names: Vec<String> =
            ["k", "t"].into_iter().map(String::from).chain((0..100).map(|k| format!("n{k}"))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        // Samples of the experiments one below the other, time after time.
        let cell = |row: usize, at: usize| match at {
            0 => (row % 1000).to_string(),
            1 => (row / 1000).to_string(),
            at => (row * 100 + at).to_string(),
        };
        let (looks, _, kept) = look(&names, 5000, cell);
        assert_eq!(looks.experiments, ["k"]);
        assert!(kept <= MOST_VALUES, "{kept}");
    }
}

//! What the columns of a table look like, for what is offered where the table lacks a column that is asked for, or its times start again.

use std::collections::HashMap;

use super::error::DataError;
use super::spec::{ReadSpec, called_time};

/// What is seen of columns of which nobody says what they hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Looks {
    /// Columns that hold texts and no numbers: no state is read from one.
    pub texts: Vec<String>,
    /// Columns that may tell experiments apart: the times of the table start again, and for every value of such a column they increase.
    pub experiments: Vec<String>,
}

/// A look at the rows of a table, one after the other.
pub(super) struct Look<'h> {
    header: &'h [String],
    spec: &'h ReadSpec,
    /// The column with the times, as far as that is known or can be guessed.
    time: Option<usize>,
    columns: Vec<Column>,
    rows: usize,
    /// The last time, and whether any did not come after the one before it.
    last: Option<f64>,
    again: bool,
}

/// What is seen of one column.
struct Column {
    numbers: bool,
    texts: bool,
    /// The last time and the number of rows of every value; none where the column tells no experiments apart.
    groups: Option<HashMap<String, (f64, usize)>>,
}

impl<'h> Look<'h> {
    /// Rows that are looked at where the times are not known: whether a column holds texts its first rows tell.
    const FEW: usize = 200;
    /// Experiments of a table, at most: what has more values is measured.
    const MOST_GROUPS: usize = 10_000;

    pub(super) fn new(header: &'h [String], spec: &'h ReadSpec) -> Look<'h> {
        let named = spec.time.as_ref().filter(|name| header.contains(name)).cloned();
        let guessed = || called_time(header).filter(|_| spec.dt.is_none());
        let is_told = spec.trajectory.as_ref().is_some_and(|own| header.contains(own));
        let name = named.or_else(guessed).filter(|_| !is_told);
        let time = name.and_then(|name| header.iter().position(|column| *column == name));
        let column = |at: usize| Column {
            numbers: false,
            texts: false,
            groups: (time.is_some() && time != Some(at)).then(HashMap::new),
        };
        let columns = (0..header.len()).map(column).collect();
        Look { header, spec, time, columns, rows: 0, last: None, again: false }
    }

    /// Whether the times are known or can be guessed, so that all rows are of use.
    pub(super) fn has_times(&self) -> bool {
        self.time.is_some()
    }

    /// Whether further rows are of use.
    pub(super) fn goes_on(&self) -> bool {
        self.has_times() || self.rows < Self::FEW
    }

    /// One more row, with a cell for every column.
    pub(super) fn row<'c>(&mut self, cells: impl Iterator<Item = &'c str> + Clone) {
        self.rows += 1;
        let number = |text: &str| text.parse::<f64>().ok();
        let time = self.time.and_then(|at| number(cells.clone().nth(at)?));
        if let Some(time) = time {
            self.again |= self.last.is_some_and(|last| time <= last);
            self.last = Some(time);
        }
        for (column, text) in self.columns.iter_mut().zip(cells) {
            let is_blank = text.is_empty() || self.spec.is_missing(text);
            let is_number = number(text).is_some();
            column.numbers |= is_number;
            column.texts |= !is_number && !is_blank;
            let (Some(groups), Some(time)) = (&mut column.groups, time) else { continue };
            let keeps = match groups.get_mut(text) {
                Some((last, rows)) => {
                    let increases = time > *last;
                    (*last, *rows) = (time, *rows + 1);
                    increases
                }
                None => {
                    groups.insert(text.to_owned(), (time, 1));
                    groups.len() <= Self::MOST_GROUPS
                }
            };
            if !keeps || is_blank {
                column.groups = None;
            }
        }
    }

    /// What was seen.
    pub(super) fn end(self) -> Looks {
        let Look { header, columns, rows, again, .. } = self;
        let named = |of: &dyn Fn(&Column) -> bool| -> Vec<String> {
            header.iter().zip(&columns).filter(|(_, c)| of(c)).map(|(name, _)| name.clone()).collect()
        };
        // A column that has another value in nearly every row is measured.
        let tells = |groups: &HashMap<String, (f64, usize)>| {
            groups.len() > 1 && 3 * groups.len() <= rows && groups.values().all(|(_, rows)| *rows > 1)
        };
        Looks {
            texts: named(&|c| c.texts && !c.numbers),
            experiments: named(&|c| again && c.groups.as_ref().is_some_and(tells)),
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

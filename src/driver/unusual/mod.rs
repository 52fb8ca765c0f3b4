//! What users' files hold by mistake: samples that stand out, numbers that stand for missing ones, experiments under one another, gaps
//! that are longer than the motion takes, and samples that a sensor cut off. Looked for in files alone: what a program makes has no such mistakes.

mod clipped;
mod copies;
mod gaps;
mod joins;
mod jumps;
mod local;
mod markers;
mod outliers;
mod repeated;
mod wrapped;

use crate::base::{IndexMap, least_and_most, shortened};
use crate::data::{Dataset, Trajectory};
use crate::diagnostics::Diagnostic;
use crate::hir::{ColumnMap, DataSet, family};
use crate::report::short;

/// Larger data are not looked through: that would take as much memory again.
const MOST_NUMBERS: usize = 10_000_000;

/// What was found in the data of a fit.
#[derive(Default)]
pub struct Found {
    /// What is a mistake in all likelihood.
    pub sure: Vec<Diagnostic>,
    /// What a fit may get along with: the reason where it does not.
    pub doubtful: Vec<Diagnostic>,
}

impl Found {
    /// All of it.
    pub fn all(&self) -> impl Iterator<Item = &Diagnostic> {
        self.sure.iter().chain(&self.doubtful)
    }

    /// What is said of a fit that is in doubt, or of one that is not.
    pub fn told(self, in_doubt: bool) -> Vec<Diagnostic> {
        let doubtful = self.doubtful.into_iter().filter(|_| in_doubt);
        self.sure.into_iter().chain(doubtful).collect()
    }

    /// Adds what else was found.
    pub fn extend(&mut self, other: Found) {
        self.sure.extend(other.sure);
        self.doubtful.extend(other.doubtful);
    }
}

/// Findings on the samples of the data sets of a fit.
pub fn check(sets: &[(&DataSet, &Dataset)]) -> Found {
    let files = sets.iter().filter(|(data, _)| !data.source.is_made());
    let numbers = files.map(|(_, read)| read.samples().saturating_mul(read.columns.len() + read.inputs.len()));
    if numbers.fold(0, usize::saturating_add) > MOST_NUMBERS {
        return Found::default();
    }
    let mut found = Found { sure: markers::of_inputs(sets), doubtful: Vec::new() };
    let mut families: IndexMap<&str, Vec<Series<'_>>> = IndexMap::new();
    for series in sets.iter().flat_map(|(data, read)| all_of(data, read)) {
        families.entry(family(series.name)).or_default().push(series);
    }
    for of_family in families.values_mut() {
        // Numbers that stand for missing ones would be the largest of all mistakes.
        found.sure.extend(markers::of_states(of_family));
        found.sure.extend(copies::held(of_family));
        found.sure.extend(repeated::of_states(of_family));
        found.sure.extend(outliers::check(of_family));
        found.sure.extend(clipped::of_states(of_family));
    }
    for (data, read) in sets.iter().filter(|(data, _)| !data.source.is_made()) {
        // Of what jumps by a turn nothing else is to be said.
        let wrapped = wrapped::check(data, read);
        let of_wrapped = wrapped.as_ref().map(|(_, columns)| columns.as_slice()).unwrap_or_default();
        let joins = joins::check(data, read, of_wrapped);
        found.sure.extend(wrapped.map(|(finding, _)| finding));
        // Beside samples that stand out what may be a jump is one of these.
        match found.sure.is_empty() {
            true => found.extend(joins),
            false => found.sure.extend(joins.sure),
        }
        found.extend(gaps::check(data, read));
        found.sure.extend(copies::trajectories(data, read));
    }
    found
}

/// The samples of one observed column in one trajectory that are not missing.
struct Series<'a> {
    data: &'a DataSet,
    trajectory: &'a Trajectory,
    /// The state.
    name: &'a str,
    /// Its position among how many columns.
    column: [usize; 2],
    times: Vec<f64>,
    values: Vec<f64>,
}

/// The observed columns of a data set that is read from a file.
fn all_of<'a>(data: &'a DataSet, read: &'a Dataset) -> impl Iterator<Item = Series<'a>> {
    let trajectories = read.trajectories.iter().filter(|_| !data.source.is_made());
    trajectories.flat_map(move |trajectory| of_trajectory(data, read, trajectory))
}

/// The observed columns in one trajectory.
fn of_trajectory<'a>(
    data: &'a DataSet,
    read: &'a Dataset,
    trajectory: &'a Trajectory,
) -> impl Iterator<Item = Series<'a>> {
    read.columns.iter().enumerate().map(move |(c, name)| {
        let samples = (0..trajectory.len).filter_map(|i| Some((trajectory.time(i), trajectory.value(i, c)?)));
        let (times, values) = samples.unzip();
        Series { data, trajectory, name, column: [c, read.columns.len()], times, values }
    })
}

impl<'a> Series<'a> {
    /// The same with these samples only.
    fn only(&self, kept: &[usize]) -> Series<'a> {
        let of = |all: &[f64]| kept.iter().filter_map(|&i| all.get(i).copied()).collect();
        Series { times: of(&self.times), values: of(&self.values), ..*self }
    }

    fn files(&self) -> Files<'_> {
        Files { data: self.data, name: self.name }
    }
}

/// A part of what an input does in all, from which on it moves the states.
pub const DRIVES: f64 = 0.25;

/// Samples at which one of these inputs is another number than at the sample before by more than this part of all that it does, ascending.
pub fn changes(trajectory: &Trajectory, inputs: &[usize], part: f64) -> Vec<usize> {
    let width = trajectory.input_width();
    let value = |i: usize, k: usize| trajectory.inputs.get(i * width + k).copied().unwrap_or(f64::NAN);
    let least = |k: &usize| {
        let [least, most] = least_and_most((0..trajectory.len).map(|i| value(i, *k)));
        part * (most - least)
    };
    let least: Vec<f64> = inputs.iter().map(least).collect();
    let changes =
        |i: &usize| inputs.iter().zip(&least).any(|(&k, least)| (value(*i, k) - value(*i - 1, k)).abs() > *least);
    (1..trajectory.len).filter(changes).collect()
}

/// Where inputs of a trajectory change by much from one sample to the next: there states may, too.
pub struct Drives {
    /// Times of the later samples, ascending.
    times: Vec<f64>,
    /// How far from its time a change counts.
    reach: f64,
}

impl Drives {
    /// Those of all inputs. One pass over them, however many places are asked for later.
    pub fn of(trajectory: &Trajectory) -> Drives {
        let all: Vec<usize> = (0..trajectory.input_width()).collect();
        let times = changes(trajectory, &all, DRIVES).into_iter().map(|i| trajectory.time(i)).collect();
        Drives { times, reach: 2.0 * trajectory.dt }
    }

    /// Whether there is one between two times, or beside them.
    pub fn between(&self, [from, to]: [f64; 2]) -> bool {
        let first = self.times.partition_point(|t| *t < from - self.reach);
        self.times.get(first).is_some_and(|t| *t <= to + self.reach)
    }
}

/// A column as its file has it: numbers are told as they stand there.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    pub data: &'a DataSet,
    /// The state or input.
    pub name: &'a str,
}

impl Files<'_> {
    fn map(&self) -> Option<&ColumnMap> {
        self.data.source.file().map(|(_, columns)| columns)
    }

    /// The name of the column in the file.
    fn column(&self) -> &str {
        self.map().and_then(|map| map.columns.get(self.name)).map_or(self.name, String::as_str)
    }

    /// The column's name and the file's.
    fn spelled(&self) -> String {
        let column = self.column();
        match self.data.source.file() {
            Some((path, map)) if map.derived.contains_key(self.name) => format!("`{}` of `{path}`", self.name),
            Some((path, _)) => format!("column `{column}` of `{path}`"),
            None => format!("`{column}` of `{}`", self.data.name),
        }
    }

    /// Whether the column is a formula of others.
    fn is_computed(&self) -> bool {
        self.map().is_some_and(|map| map.derived.contains_key(self.name))
    }

    /// How to tell apart what stands under one another.
    fn apart(&self, what: &str) -> String {
        match self.map().and_then(|map| map.trajectory.as_ref()) {
            Some(column) => {
                format!("give the rows behind it another value in `{column}`, the column that numbers trajectories")
            }
            None => format!(
                "give the file a column that numbers {what}, and say `trajectory` with its name in the block of `{}`",
                self.data.name
            ),
        }
    }

    /// The number in the file that became `value`.
    fn number(&self, value: f64) -> f64 {
        let Some(conversion) = self.map().and_then(|map| map.conversions.get(self.name)) else { return value };
        let number = (value - conversion.offset) / conversion.factor;
        // Conversion and its reverse round a few times.
        shortened(number, 8.0 * f64::EPSILON * number.abs().max((conversion.offset / conversion.factor).abs()))
    }

    /// The place of a sample: the file's time, and the trajectory where there are several.
    pub fn at(&self, trajectory: &Trajectory, time: f64) -> String {
        let at = self.time(time);
        match trajectory.id.is_empty() {
            true => format!("t = {at}"),
            false => format!("t = {at} of `{}`", trajectory.id),
        }
    }

    /// A time as the file has it.
    pub fn time(&self, time: f64) -> String {
        let factor = self.map().map_or(1.0, |map| map.time_factor);
        short(if factor > 0.0 { time / factor } else { time })
    }
}

//! What was read of the data of a fit: trajectories, times, ranges, missing samples, what is held out. `mechc check --data` prints it.

mod render;

use std::path::Path;

use super::observed::hold_out;
use super::unlisted;
use crate::base::{IndexSet, least_and_most, same_step};
use crate::data::{self, ColumnStats, Dataset, Trajectory, median};
use crate::hir::{self, ColumnMap, DataSet, Fit, Model, Unit};

/// A data set as a fit takes it. Numbers are in the units of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Overview {
    /// Its name.
    pub name: String,
    /// The fits that take it so: another model may read other columns, and another seed hold out other trajectories.
    pub fits: Vec<String>,
    /// Whether other fits take it in another way.
    pub differs: bool,
    /// Its file, or what it is made from.
    pub source: String,
    /// Samples of all trajectories.
    pub samples: usize,
    /// Samples that are left out, behind the last one of a trajectory at which a state is known.
    pub unseen: usize,
    /// The first and the last time.
    pub time: [f64; 2],
    /// The unit of the time, where it is known.
    pub time_unit: Option<String>,
    /// How far samples are from each other.
    pub spacing: Spacing,
    /// In the order of the data.
    pub trajectories: Vec<TrajectoryOverview>,
    /// What is read, states before inputs.
    pub columns: Vec<ColumnOverview>,
    /// States that no column observes.
    pub unobserved: Vec<String>,
    /// Columns of a csv or parquet file that are not read.
    pub unread: Vec<String>,
}

/// How far samples are from each other in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spacing {
    /// Whether that differs within a trajectory by more than the digits of its times.
    pub irregular: bool,
    /// The shortest step.
    pub min: f64,
    /// The median; of trajectories that of their medians.
    pub median: f64,
    /// The longest step.
    pub max: f64,
}

/// One trajectory.
#[derive(Clone, Debug, PartialEq)]
pub struct TrajectoryOverview {
    /// What the data call it, or its number, counted from 1, where they name none; no name where they name others.
    pub name: Option<String>,
    /// Its samples, with those that are held out.
    pub samples: usize,
    /// The first and the last time.
    pub time: [f64; 2],
    /// How far samples are from each other.
    pub spacing: Spacing,
    /// How many samples at its end are held out.
    pub held_out: usize,
    /// The time of the first one that is.
    pub held_out_from: Option<f64>,
}

/// What a column is to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// A state.
    State,
    /// An input.
    Input,
}

/// A column that is read or made.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnOverview {
    /// Its name in the model.
    pub name: String,
    /// What it is there.
    pub kind: ColumnKind,
    /// Its unit there, where it is known.
    pub unit: Option<String>,
    /// The column of the file; none where it is computed, and in data that are made.
    pub column: Option<String>,
    /// The formula that computes it from columns of the file.
    pub formula: Option<String>,
    /// The unit of the column of the file, where one is written with it.
    pub written: Option<String>,
    /// Its numbers, of the samples that are not missing.
    pub stats: ColumnStats,
    /// Samples that are missing.
    pub missing: usize,
}

impl Overview {
    /// What a fit takes of a data set; `unseen` of its samples were left out.
    pub(super) fn new(
        (model, fit): (&Model, &Fit),
        (data, read, unseen): (&DataSet, &Dataset, usize),
        root: &Path,
    ) -> Overview {
        // A share that leaves nothing on one side is an error of its own.
        let fitted = data.holdout.and_then(|how| read.fitted_samples(hold_out(how, fit.seed)).ok());
        let kept = |k: usize| fitted.as_ref().and_then(|fitted| fitted.get(k)).copied();
        let named = read.has_names();
        let name = |k: usize, t: &Trajectory| match t.id.is_empty() {
            true => (!named).then(|| (k + 1).to_string()),
            false => Some(t.id.clone()),
        };
        let each = read.trajectories.iter().enumerate();
        let trajectories: Vec<TrajectoryOverview> =
            each.map(|(k, t)| trajectory(name(k, t), t, kept(k).unwrap_or(t.len))).collect();
        let map = data.source.file().map(|(_, map)| map);
        let states = read.columns.iter().enumerate().map(|(c, name)| (name, read.stats(c)));
        let inputs = read.inputs.iter().enumerate().map(|(c, name)| (name, read.input_stats(c)));
        // Data that are made may have more columns than a model has states.
        let columns =
            states.chain(inputs).filter_map(|(name, stats)| column(model, map, name, (stats, read.samples())));
        let mut columns: Vec<ColumnOverview> = columns.collect();
        columns.sort_by_key(|c| c.kind as u8);
        let hidden = model.states.values().filter(|s| read.column(&s.name).is_none());
        Overview {
            name: data.name.clone(),
            fits: vec![fit.name.clone()],
            differs: false,
            source: read.source.clone(),
            samples: read.samples(),
            unseen,
            time: least_and_most(trajectories.iter().flat_map(|t| t.time)),
            time_unit: model.units.time.as_ref().map(Unit::to_string),
            spacing: together(&trajectories),
            unobserved: hidden.map(|s| s.name.clone()).collect(),
            unread: unread(data, &columns, root),
            trajectories,
            columns,
        }
    }

    /// Samples that are held out.
    pub fn held_out(&self) -> usize {
        self.trajectories.iter().map(|t| t.held_out).sum()
    }
}

/// Adds overviews to others; of what several fits take in the same way there is one.
pub(super) fn add(new: Vec<Overview>, all: &mut Vec<Overview>) {
    for mut overview in new {
        let alike = |other: &Overview| {
            other.name == overview.name
                && Overview { fits: other.fits.clone(), differs: other.differs, ..overview.clone() } == *other
        };
        if let Some(at) = all.iter().position(alike) {
            all.iter_mut().skip(at).take(1).for_each(|other| other.fits.append(&mut overview.fits));
            continue;
        }
        for other in all.iter_mut().filter(|other| other.name == overview.name) {
            (other.differs, overview.differs) = (true, true);
        }
        all.push(overview);
    }
}

fn trajectory(name: Option<String>, t: &Trajectory, fitted: usize) -> TrajectoryOverview {
    let steps = t.times.iter().zip(t.times.iter().skip(1)).map(|(a, b)| b - a);
    let irregular = t.is_irregular();
    let [min, max] = if irregular { least_and_most(steps) } else { [t.dt; 2] };
    TrajectoryOverview {
        name,
        samples: t.len,
        time: [t.written_time(0), t.written_time(t.len.saturating_sub(1))],
        spacing: Spacing { irregular, min, median: t.dt, max },
        held_out: t.len.saturating_sub(fitted),
        held_out_from: (fitted < t.len).then(|| t.written_time(fitted)),
    }
}

/// The spacing of all trajectories.
fn together(trajectories: &[TrajectoryOverview]) -> Spacing {
    let medians: Vec<f64> = trajectories.iter().map(|t| t.spacing.median).collect();
    let median = median(&medians);
    let [min, max] = least_and_most(trajectories.iter().flat_map(|t| [t.spacing.min, t.spacing.max]));
    let irregular = trajectories.iter().any(|t| t.spacing.irregular);
    match !irregular && same_step(min, median) && same_step(max, median) {
        true => Spacing { irregular, min: median, median, max: median },
        false => Spacing { irregular, min, median, max },
    }
}

/// A column of this name; none where it is nothing to the model.
fn column(
    model: &Model,
    map: Option<&ColumnMap>,
    name: &String,
    (stats, samples): (ColumnStats, usize),
) -> Option<ColumnOverview> {
    let state = model.states.iter().find(|(_, s)| s.name == *name);
    let input = model.inputs.iter().find(|(_, i)| i.name == *name);
    let (kind, unit) = match (state, input) {
        (Some((id, _)), _) => (ColumnKind::State, model.units.state(id).cloned()),
        (None, Some((id, _))) => (ColumnKind::Input, model.column_unit(id)),
        (None, None) => return None,
    };
    let derived = map.and_then(|map| map.derived.get(name));
    let written = map.and_then(|map| map.written.get(name).or_else(|| map.written.get(hir::family(name))));
    Some(ColumnOverview {
        name: name.clone(),
        kind,
        unit: unit.map(|unit| unit.to_string()),
        column: map.filter(|_| derived.is_none()).map(|map| map.column(name)),
        formula: derived.map(hir::Derived::spell),
        written: written.cloned(),
        missing: samples.saturating_sub(stats.count),
        stats,
    })
}

/// Columns of a table that are read neither by themselves nor in formulas. Their names alone are looked at.
fn unread(data: &DataSet, columns: &[ColumnOverview], root: &Path) -> Vec<String> {
    let Some((path, map)) = data.source.file() else { return Vec::new() };
    let Some(format) = unlisted::format(data) else { return Vec::new() };
    let formulas = columns.iter().filter_map(|c| map.derived.get(&c.name)).flat_map(|d| &d.columns);
    let read = columns.iter().filter_map(|c| c.column.as_ref()).chain(formulas).chain(&map.time).chain(&map.trajectory);
    let read: IndexSet<&str> = read.map(String::as_str).collect();
    let wanted: Vec<&str> = read.iter().copied().collect();
    let mut names = data::column_names(&root.join(path), Some(format), &wanted).unwrap_or_default();
    names.retain(|name| !read.contains(name.as_str()));
    names
}

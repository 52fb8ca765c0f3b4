//! The data sets of a fit: read one by one, judged together.

use std::path::Path;

use super::experiment::{for_fit, load};
use super::failure::{Failure, Problem};
use super::observed::{Held, Observed};
use crate::base::same_step;
use crate::data::{DataError, Dataset, Trajectory};
use crate::hir::{DataSet, DataSource, Engine, Fit, Model, Program};
use crate::report::DataRecord;

/// The data sets of a fit.
pub(super) struct Loaded<'p> {
    /// Each as the fit takes it.
    pub sets: Vec<(&'p DataSet, Dataset)>,
    /// How many samples of each are left out behind the last one at which a state is known.
    pub unseen: Vec<usize>,
}

/// Reads or makes every data set of a fit, as the fit takes it.
///
/// # Errors
/// Those of the data; where there are several sets they name theirs.
pub(super) fn load_all<'p>(program: &'p Program, fit: &Fit, root: &Path) -> Result<Loaded<'p>, Failure> {
    load_each(program, fit, root, &mut |_, _, _| {})
}

/// The same, where each is shown as soon as it is there, with the number of samples of it that are left out: another one may fail.
///
/// # Errors
/// Those of [`load_all`].
pub(super) fn load_each<'p>(
    program: &'p Program,
    fit: &Fit,
    root: &Path,
    show: &mut dyn FnMut(&DataSet, &Dataset, usize),
) -> Result<Loaded<'p>, Failure> {
    let model = &program.models[fit.model];
    let several = fit.data.len() > 1;
    let (mut sets, mut unseen) = (Vec::with_capacity(fit.data.len()), Vec::with_capacity(fit.data.len()));
    for &id in &fit.data {
        let data = &program.data[id];
        let mut read =
            load(program, data, model, root).map_err(|failure| named(failure, data, several).of_data(data))?;
        let more_columns = matches!(data.source, DataSource::Solve(_) | DataSource::Formula(_));
        if data.source.is_made() && (more_columns || !model.inputs.is_empty()) {
            read = for_fit(read, model);
        }
        let cut = cut(&mut read, fit);
        show(data, &read, cut);
        unseen.push(cut);
        sets.push((data, read));
    }
    Ok(Loaded { sets, unseen })
}

/// Leaves out of a data set what a fit does not look at: nothing holds a solution behind the last sample, unless inputs drive it there, and a
/// joint fit may lose it there and more with it. Returns the number of samples.
pub(super) fn cut(read: &mut Dataset, fit: &Fit) -> usize {
    let all = read.samples();
    if fit.engine == Engine::Joint && read.inputs.is_empty() {
        read.trajectories.iter_mut().for_each(Trajectory::cut_unseen_end);
    }
    all - read.samples()
}

/// What a fit sees of its data sets.
///
/// # Errors
/// Those of the data, at the first set where no single one is to blame.
pub(super) fn observe(model: &Model, sets: Vec<(&DataSet, Dataset)>, fit: &Fit) -> Result<Observed, Failure> {
    // The one that a failure names, or the first.
    let places: Vec<&DataSet> = sets.iter().map(|(data, _)| *data).collect();
    Observed::new(model, sets, fit.seed).map_err(|failure| {
        let named = match &failure {
            Failure::Data(DataError::OfSet { set, .. }) => places.iter().find(|data| data.name == *set),
            _ => None,
        };
        match named.or(places.first()) {
            Some(data) => failure.of_data(data),
            None => failure,
        }
    })
}

/// A failure that names its data set where there are several.
pub(super) fn named(failure: Failure, data: &DataSet, several: bool) -> Failure {
    match failure {
        Failure::Data(error) if several => {
            Failure::Data(DataError::OfSet { set: data.name.clone(), error: Box::new(error) })
        }
        other => other,
    }
}

/// Samples and trajectories of all data sets of a fit that are made and not read, as far as the program says.
pub(super) fn known_samples(program: &Program, fit: &Fit) -> (u64, u64) {
    let extents = program.data_of(fit).filter_map(|data| data.source.extent());
    extents.fold((0, 0), |(samples, all), (steps, trajectories)| {
        let trajectories = trajectories as u64;
        let own = (steps as u64).saturating_mul(trajectories);
        (u64::saturating_add(samples, own), u64::saturating_add(all, trajectories))
    })
}

/// States that windows are moved by or that are moved are observed, which only a file may tell.
///
/// # Errors
/// Numerical, naming a state that is not.
pub(super) fn ensure_moved(model: &Model, fit: &Fit, observed: &Observed) -> Result<(), Failure> {
    let moving = fit.shifts.iter().flat_map(|&(state, by)| [state, by]).map(|id| &model.states[id].name);
    match moving.into_iter().find(|name| observed.train.column(name).is_none()) {
        None => Ok(()),
        Some(name) => {
            let message = format!("`{name}` is not observed, so windows cannot be moved by its first sample");
            let help = "leave it out of `shift`, or give it a column";
            Err(Failure::Numerical(Problem::new("N519", message, help)))
        }
    }
}

/// What the gradient engine needs of several data sets: one step, the same observed states, and windows in each.
///
/// # Errors
/// Numerical, naming the sets that do not go together.
pub(super) fn ensure_alike(observed: &Observed, fit: &Fit) -> Result<(), Failure> {
    let numerical = |code, message: String, help: &str| Err(Failure::Numerical(Problem::new(code, message, help)));
    let mut sets: Vec<Vec<&Trajectory>> = Vec::new();
    for t in &observed.train.trajectories {
        match sets.last_mut() {
            Some(part) if part.last().is_some_and(|last| last.set == t.set) => part.push(t),
            _ => sets.push(vec![t]),
        }
    }
    let Some(first) = sets.first().and_then(|part| part.first()).filter(|_| sets.len() > 1) else { return Ok(()) };
    for part in &sets {
        let Some(one) = part.first() else { continue };
        if !same_step(one.dt, first.dt) {
            let message = format!(
                "the gradient engine needs one step: that of `{}` is {}, that of `{}` {}",
                first.set, first.dt, one.set, one.dt
            );
            return numerical(
                "N512",
                message,
                "fit with `engine joint`, which takes any steps, or resample one of them",
            );
        }
        for (c, column) in observed.train.columns.iter().enumerate() {
            let seen = part.iter().any(|t| (0..t.len).any(|i| t.value(i, c).is_some()));
            if !seen {
                let message = format!(
                    "`{}` does not observe `{column}`: windows of the gradient engine observe the same states in all data sets",
                    one.set
                );
                return numerical("N511", message, "fit with `engine joint`, or leave the state out of the others");
            }
        }
        if part.iter().all(|t| t.len < fit.span()) {
            let longest = part.iter().map(|t| t.len).max().unwrap_or(0);
            let (length, stride) = (fit.span(), fit.stride);
            let what = format!("the longest trajectory has {longest} samples");
            let error = Box::new(DataError::BadWindow { length, stride, what });
            return Err(DataError::OfSet { set: one.set.clone(), error }.into());
        }
    }
    Ok(())
}

/// What a record says about every data set; figures on what was held out are added once they are known.
pub(super) fn records(Loaded { sets, unseen }: &Loaded<'_>, model: &Model) -> Vec<DataRecord> {
    let record = |((data, read), unseen): (&(&DataSet, Dataset), &usize)| DataRecord {
        name: data.name.clone(),
        source: read.source.clone(),
        samples: read.samples(),
        unseen: *unseen,
        trajectories: read.trajectories.len(),
        columns: read.columns.clone(),
        inputs: if model.inputs.is_empty() { Vec::new() } else { read.inputs.clone() },
        held_out: 0,
        held_out_trajectories: Vec::new(),
    };
    sets.iter().zip(unseen).map(record).collect()
}

/// Adds how many samples of each data set are held out, and which trajectories.
pub(super) fn count_held_out(records: &mut [DataRecord], held: Option<&Held>) {
    let Some(held) = held else { return };
    let single = records.len() == 1;
    for record in records {
        let all = held.data.trajectories.iter().zip(&held.follows);
        let own = all.filter(|(t, _)| single || t.set == record.name);
        record.held_out = own.clone().map(|(t, _)| t.len).sum();
        let whole = own.filter(|(t, follows)| follows.is_none() && !t.id.is_empty());
        record.held_out_trajectories = whole.map(|(t, _)| t.name()).collect();
    }
}

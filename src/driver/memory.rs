//! Whether what a run is asked for fits in memory: estimates, and what the machine has.

use std::fs;

use super::failure::{Failure, Problem};
use crate::artifact::Entry;
use crate::hir::{Model, SimulateSpec};
use crate::lower::pointwise::components;
use crate::runtime::Executable;

/// Needs below this are not looked into.
const SMALL: u64 = 64 << 20;
/// Bytes of a number.
const NUMBER: u64 = 8;

/// Refuses what needs more memory than there is.
///
/// # Errors
/// [`Failure::Environment`] with both figures, `help` being the way out.
pub fn ensure(what: &str, bytes: u64, help: &str) -> Result<(), Failure> {
    if bytes < SMALL {
        return Ok(());
    }
    // Where the system says nothing no allocation can be larger than this.
    let free = available().unwrap_or(isize::MAX as u64);
    if bytes <= free {
        return Ok(());
    }
    let message = format!("{what} needs about {} of memory, and {} are free", size(bytes), size(free));
    Err(Failure::Environment(Problem::new("N014", message, help)))
}

/// Bytes of a simulated data set: values, truth and flags, twice while they are split.
pub fn of_simulation(model: &Model, spec: &SimulateSpec) -> u64 {
    /// What a trajectory costs beside its numbers.
    const TRAJECTORY: u64 = 512;
    /// Numbers of an input at a sample: as it was read, and as pieces, of which there are up to five, with their slopes.
    const INPUT: u64 = 12;
    let columns = (5 * model.states.len() as u64 + INPUT * model.inputs.len() as u64).saturating_mul(NUMBER);
    let trajectory = (spec.steps as u64).saturating_mul(columns).saturating_add(TRAJECTORY);
    trajectory.saturating_mul(spec.trajectories as u64)
}

/// Bytes of a prediction of so many samples over all trajectories: its numbers, those that it is compared with, and both as the record
/// and as text.
pub fn of_prediction(model: &Model, samples: u64) -> u64 {
    /// Bytes of a number as text, with what stands around it.
    const TEXT: u64 = 24;
    let (states, components) = (model.states.len() as u64, components(model).len() as u64);
    let numbers = 2 * components + 4 * states + 2;
    let texts = 4 * states + 2;
    samples.saturating_mul(numbers.saturating_mul(NUMBER).saturating_add(texts.saturating_mul(TEXT)))
}

/// Bytes of a joint fit to `samples` samples without refinement.
pub fn of_joint_fit(model: &Model, (samples, trajectories): (u64, u64)) -> u64 {
    let (each, fixed) = joint_fit(model, trajectories);
    samples.saturating_mul(each).saturating_add(fixed)
}

/// How many numbers a joint fit estimates beside the trajectories.
pub fn estimated(model: &Model, trajectories: u64) -> u64 {
    let own = model.unknowns.values().filter(|u| model.is_per_sample(u)).count() as u64;
    (model.unknowns.len() as u64 - own).saturating_add(own.saturating_mul(trajectories))
}

/// The most samples of a joint fit that fit in memory.
pub fn most_samples(model: &Model, trajectories: u64) -> usize {
    let (each, fixed) = joint_fit(model, trajectories);
    let most = available().map_or(u64::MAX, |free| free.saturating_sub(fixed) / each.max(1));
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// Bytes for each sample, the bordered normal equations of the trajectory with their solution for every unknown, and bytes for the
/// dense matrices of the unknowns.
fn joint_fit(model: &Model, trajectories: u64) -> (u64, u64) {
    let (n, p) = (components(model).len() as u64, estimated(model, trajectories));
    let per_component = p.saturating_add(2).saturating_mul(8).saturating_add(10 * n + 40);
    (n.saturating_mul(per_component).saturating_mul(NUMBER), p.saturating_mul(p).saturating_mul(12 * NUMBER))
}

/// Bytes of a training: the workspaces of its functions for mini-batches of `batch` windows, and each of the `weights`
/// numbers in single precision with its gradient and two moments, and three copies of number and moments: the last good state,
/// and a checkpoint in the making as arrays and as bytes.
pub fn of_training<'a>(entries: impl Iterator<Item = &'a Entry>, batch: u64, weights: u64) -> u64 {
    let functions = entries.map(|entry| Executable::memory(entry, batch));
    let functions = functions.fold(0, u64::saturating_add);
    functions.saturating_add(weights.saturating_mul((4 + 3 * 3) * NUMBER / 2))
}

/// Bytes that can still be taken, as far as the system says: free memory, the group's limit, the limit of the address space.
pub fn available() -> Option<u64> {
    let free = field("/proc/meminfo", "MemAvailable:").and_then(|kib| kib.checked_mul(1024));
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    let used = field("/proc/self/status", "VmSize:").and_then(|kib| kib.checked_mul(1024));
    let space = field("/proc/self/limits", "Max address space").map(|limit| limit.saturating_sub(used.unwrap_or(0)));
    [free, group, space].into_iter().flatten().min()
}

/// The number that follows `name` in a file of the system; `None` where there is none, as for `unlimited`.
fn field(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Bytes in the largest unit that leaves at least one.
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    let unit = UNITS.iter().find(|(unit, _)| bytes >= *unit);
    unit.map_or(format!("{bytes} bytes"), |(unit, name)| format!("{:.1} {name}", bytes as f64 / *unit as f64))
}

//! What speaks against the solution of an item. All of its rows are soft, so that values which contradict each other and steps that are too
//! coarse leave a compromise instead of an error.

use super::{scheme, shape};
use crate::base::Idx;
use crate::data::{Dataset, Trajectory};
use crate::hir::{self, SolveSpec};
use crate::solve::relaxed::SmoothRows;

/// A given value that is missed by more than this part of the largest of its state is told.
const MISSED: f64 = 0.01;
/// The same for what a state leaves its own derivatives by from one step to the next.
const DEFECT: f64 = 1e-3;
/// A solution that is so many times as large as all that is given at the ends is hardly determined by them.
const LARGE: f64 = 1000.0;

/// Sentences about one solution, by the values and derivatives that its data set holds.
pub(in crate::driver) fn doubts(spec: &SolveSpec, dataset: &Dataset) -> Vec<String> {
    let mut out = Vec::new();
    for trajectory in &dataset.trajectories {
        let named = if trajectory.id.is_empty() { String::new() } else { format!(" of `{}`", trajectory.id) };
        let told = missed(spec, trajectory).or_else(|| coarse(spec, trajectory)).or_else(|| large(spec, trajectory));
        out.extend(told.map(|doubt| format!("the solution{named} {doubt}")));
    }
    out
}

/// The largest magnitude of a column.
fn largest(trajectory: &Trajectory, column: usize) -> f64 {
    (0..trajectory.len).filter_map(|t| trajectory.value(t, column)).fold(0.0, |m: f64, x| m.max(x.abs()))
}

/// The values at the ends: step, column, name and value of each.
fn ends(spec: &SolveSpec, len: usize) -> Vec<(usize, usize, String, f64)> {
    let model = spec.model.as_ref();
    if model.boundary.periodic.is_some() {
        return Vec::new();
    }
    let of = |step: usize, state: hir::StateId, derivative: u8, value: f64| {
        let derivative = usize::from(derivative);
        let name = format!("{}{}", model.states[state].name, "'".repeat(derivative));
        (step, derivative * model.states.len() + state.index(), name, value)
    };
    let initial = spec.initial.iter().map(|v| of(0, v.state, v.derivative, v.value));
    let finals = model.boundary.finals.iter().map(|v| of(len.saturating_sub(1), v.state, v.derivative, v.value));
    initial.chain(finals).collect()
}

fn missed(spec: &SolveSpec, trajectory: &Trajectory) -> Option<String> {
    ends(spec, trajectory.len).into_iter().find_map(|(step, column, name, value)| {
        let got = trajectory.value(step, column)?;
        let scale = largest(trajectory, column).max(value.abs());
        ((got - value).abs() > MISSED * scale).then(|| {
            let end = if step == 0 { "starts" } else { "ends" };
            let number = |x: f64| hir::number((x * 1e4).round() / 1e4);
            format!(
                "{end} with {name} = {} where {} is given: values and equations contradict each other, or the steps are too coarse for them",
                number(got),
                number(value)
            )
        })
    })
}

/// What a state leaves its own derivatives by, in the first of the rows that tie neighbouring steps.
fn coarse(spec: &SolveSpec, trajectory: &Trajectory) -> Option<String> {
    let orders = shape(spec, trajectory.len).orders;
    let rows = SmoothRows::new(orders, &scheme(spec));
    let row = rows.rows.first()?;
    let states = spec.model.states.len();
    let value = |t: usize, state: usize, j: usize| trajectory.value(t, j * states + state).unwrap_or(f64::NAN);
    let defect = |state: usize| {
        let of_step = |t: usize| {
            let term = |j: usize| row.at[j] * value(t, state, j) + row.next[j] * value(t + 1, state, j);
            (0..orders).map(|j| trajectory.dt.powi(j as i32) * term(j)).sum::<f64>().abs()
        };
        // A state that is zero throughout has no share.
        let (most, size) =
            ((1..trajectory.len).map(|t| of_step(t - 1)).fold(0.0, f64::max), largest(trajectory, state));
        if size > 0.0 { most / size } else { 0.0 }
    };
    let worst = (0..states).map(|state| (state, defect(state))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    (worst.1 > DEFECT).then(|| {
        let name = spec.model.states.values().nth(worst.0).map_or("", |s| s.name.as_str());
        format!(
            "leaves the derivatives of {name} by {:.1} % of it in one step: the steps are too coarse, take a smaller `dt`",
            100.0 * worst.1
        )
    })
}

/// Whether conditions at both ends leave a multiple of some other solution nearly open.
fn large(spec: &SolveSpec, trajectory: &Trajectory) -> Option<String> {
    if spec.model.boundary.finals.is_empty() || !spec.model.inputs.is_empty() {
        return None;
    }
    let given = ends(spec, trajectory.len).iter().fold(0.0, |m: f64, end| m.max(end.3.abs()));
    let reached = (0..spec.model.states.len()).map(|state| largest(trajectory, state)).fold(0.0, f64::max);
    (given > 0.0 && reached > LARGE * given).then(|| {
        format!(
            "is {:.0} times as large as the values at its ends: they hardly determine it, or there is none that meets them",
            reached / given
        )
    })
}

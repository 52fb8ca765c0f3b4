//! Freedoms of states that are never observed: other values of such a state, with other unknowns, give the same motion of all that is observed.
//!
//! A change x -> x + e φ(x) of the hidden components takes `x' = f(x, ξ)` to `x' = f + e (Dφ f - Df φ)`, to first order in e. Where that Lie bracket is a
//! combination of the derivatives of f by the unknowns, other unknowns undo the change, and the data say nothing of it (Olver, Applications of Lie
//! Groups to Differential Equations, 2nd ed., section 2.3). Looked at are changes of the zero, of the scale, and of what a hidden state holds of other states, at points around
//! the solution, not only on it, and for all that the inputs do, whenever they do it: what is so at all of them is a property of the model. Columns are taken one after the other (modified Gram-Schmidt, twice); what
//! is left of a dependent one is rounding.

use super::combinations::{Columns, Relation};
use super::problem::{Dynamics, EvaluateError, JointFit, Observations, Points, Unknown};
use super::rates::hidden;
use crate::artifact::PatternEntry;
use crate::data::{Purpose, stream, uniform};

/// What of a hidden state is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its zero.
    Zero,
    /// Its scale.
    Scale,
    /// How much it holds of the state of this component.
    Share(usize),
}

/// A freedom of a hidden state.
#[derive(Clone, Debug, PartialEq)]
pub struct Freedom {
    /// Its first component.
    pub component: usize,
    /// What is free.
    pub change: Change,
    /// Unknowns of the model that change with it.
    pub moves: Vec<usize>,
}

/// Points for every unknown and change, and at least.
const POINTS: usize = 2;
const FEWEST_POINTS: usize = 40;
/// Trajectories looked at, at most: more matter only where unknowns differ between them.
const TRAJECTORIES: usize = 4;
/// How far points lie from the solution, in parts of how far it goes; less where the model has no value there.
const SPREADS: [f64; 3] = [1.0, 0.3, 0.05];
/// An unknown takes part whose column stands in a combination with more than this part of its length.
const TAKES_PART: f64 = 1e-6;
/// Models with more unknowns and changes are not looked at.
const MOST: usize = 200;

/// The freedoms of the hidden components at the numbers that a fit came to, with all candidates of the model in the `unknowns`.
///
/// # Errors
/// The compiled model failed.
pub fn freedoms(
    model: &mut dyn Dynamics,
    unknowns: &[Unknown],
    observations: &Observations,
    fit: &JointFit,
) -> Result<Vec<Freedom>, EvaluateError> {
    let changes = changes(observations);
    if changes.is_empty() || unknowns.len() + changes.len() > MOST {
        return Ok(Vec::new());
    }
    let wanted = FEWEST_POINTS.max(POINTS * (unknowns.len() + changes.len()));
    let trajectories = fit.columns.trajectories().min(TRAJECTORIES);
    let values: Vec<Vec<f64>> = (0..trajectories)
        .map(|j| fit.columns.values(&fit.estimates.iter().map(|e| e.value).collect::<Vec<f64>>(), j))
        .collect();
    let kept = |k: usize| fit.estimates.get(fit.columns.at(k, 0)).is_some_and(|e| e.kept);
    let value = |k: usize| values.first().and_then(|v| v.get(k)).copied().unwrap_or(f64::NAN);
    let inside = |k: &usize| {
        unknowns.get(*k).is_some_and(|u| !u.own && !u.left_out && u.lower < value(*k) && value(*k) < u.upper)
    };
    // What is kept comes first: a combination names dropped terms only where it needs them.
    let movable = (0..unknowns.len()).filter(inside);
    let (mut order, dropped): (Vec<usize>, Vec<usize>) = movable.partition(|&k| kept(k));
    order.extend(dropped);
    let mut problem = Problem { model, observations, changes: &changes, order: &order, x: &fit.x };
    let (points, here) = problem.points(&values, wanted)?;
    let mut found = Vec::new();
    for mut relation in here.dependent() {
        // The same unknowns need not move everywhere on the way, and what is no longer free there was not.
        let moved: Vec<Vec<f64>> = values.iter().map(|v| relation.moved(v, &order)).collect();
        let there = problem.columns(&points, &moved)?.map_or_else(Vec::new, |columns| columns.dependent());
        if let Some(other) = there.into_iter().find(|r| r.change == relation.change) {
            relation.unknowns.extend(other.unknowns);
            found.push(relation);
        }
    }
    let freedom = |relation: &Relation| {
        let (component, change) = *changes.get(relation.change)?;
        let takes =
            |(k, _, part): &(usize, f64, f64)| (part.abs() > TAKES_PART).then(|| order.get(*k).copied()).flatten();
        let mut moves: Vec<usize> = relation.unknowns.iter().filter_map(takes).collect();
        moves.sort_unstable();
        moves.dedup();
        Some(Freedom { component, change, moves })
    };
    Ok(found.iter().filter_map(freedom).filter(|f| !f.moves.is_empty()).collect())
}

/// The changes that are looked at: of every hidden state its zero, then its scale, then its shares of others.
fn changes(observations: &Observations) -> Vec<(usize, Change)> {
    let of = &observations.derivative_of;
    let roots: Vec<usize> = (0..of.len()).filter(|c| of.get(*c).is_some_and(Option::is_none)).collect();
    let is_hidden = hidden(observations);
    let hidden = || roots.iter().copied().filter(|c| is_hidden.get(*c) == Some(&true));
    let order = |c: usize| 1 + (c + 1..of.len()).take_while(|k| of.get(*k).is_some_and(Option::is_some)).count();
    let shares = hidden().flat_map(|c| roots.iter().filter(move |&&o| o != c).map(move |&o| (c, o)));
    let shares = shares.filter(|(c, o)| order(*o) >= order(*c)).map(|(c, o)| (c, Change::Share(o)));
    let simple = [Change::Zero, Change::Scale].into_iter().flat_map(|change| hidden().map(move |c| (c, change)));
    simple.chain(shares).collect()
}

/// Points at which columns are looked at, in every trajectory some.
#[derive(Default)]
struct Sampled {
    x: Vec<f64>,
    t: Vec<f64>,
    input: Vec<f64>,
}

struct Problem<'a> {
    model: &'a mut dyn Dynamics,
    observations: &'a Observations,
    changes: &'a [(usize, Change)],
    /// Unknowns that can move, in the order of their columns.
    order: &'a [usize],
    /// The solution, `[component, sample]`.
    x: &'a [f64],
}

impl Problem<'_> {
    /// Points around the solution where the model has values, with the columns there; as few as there are.
    fn points(&mut self, values: &[Vec<f64>], wanted: usize) -> Result<(Vec<Sampled>, Columns), EvaluateError> {
        let mut best = (Vec::new(), Columns::default());
        for spread in SPREADS {
            let points = self.around(wanted.div_ceil(values.len().max(1)), spread);
            if let Some(columns) = self.columns(&points, values)? {
                best = (points, columns);
                break;
            }
        }
        Ok(best)
    }

    /// Samples of the first trajectories, each moved in all its components and with inputs of any sample: a dose may last for one alone.
    fn around(&self, wanted: usize, spread: f64) -> Vec<Sampled> {
        let len = self.observations.t.len();
        let rows: Vec<&[f64]> = self.x.chunks_exact(len.max(1)).collect();
        let inputs: Vec<Vec<f64>> = self.observations.input.chunks_exact(len.max(1)).map(values_of).collect();
        let widths: Vec<f64> = rows.iter().map(|row| width(row)).collect();
        let firsts: Vec<usize> = self.observations.firsts().collect();
        let part = |(j, &first): (usize, &usize)| {
            let end = firsts.get(j + 1).copied().unwrap_or(len);
            let stride = ((end - first) / wanted.max(1)).max(1);
            let at: Vec<usize> = (first..end).step_by(stride).cycle().take(wanted).collect();
            let mut rng = stream(0, Purpose::Freedom, j as u64);
            let mut out = Sampled::default();
            for (row, width) in rows.iter().zip(&widths) {
                let moved = |&i: &usize| {
                    row.get(i).copied().unwrap_or(f64::NAN) + 2.0 * spread * width * (uniform(&mut rng) - 0.5)
                };
                out.x.extend(at.iter().map(moved));
            }
            for of in &inputs {
                out.input.extend(at.iter().map(|_| drawn(of, uniform(&mut rng))));
            }
            out.t.extend(at.iter().filter_map(|&i| self.observations.t.get(i)));
            out
        };
        firsts.iter().take(TRAJECTORIES).enumerate().map(part).collect()
    }

    /// The derivatives by the unknowns, and the brackets of the changes; none where the model has no value at most of the points.
    fn columns(&mut self, points: &[Sampled], values: &[Vec<f64>]) -> Result<Option<Columns>, EvaluateError> {
        let pattern = self.model.pattern().clone();
        let n = pattern.value.len();
        let mut out =
            Columns { unknowns: vec![Vec::new(); self.order.len()], changes: vec![Vec::new(); self.changes.len()] };
        for (at, xi) in points.iter().zip(values) {
            let len = at.t.len();
            let mut entries = vec![0.0; pattern.rows * len];
            self.model.linearise(Points { x: &at.x, t: &at.t, input: &at.input }, xi, &mut entries)?;
            let entry = |e: &PatternEntry, i: usize| match e {
                PatternEntry::Constant(value) => *value,
                PatternEntry::Row(row) => entries.get(row * len + i).copied().unwrap_or(f64::NAN),
            };
            for i in (0..len).filter(|&i| (0..pattern.rows).all(|row| entry(&PatternEntry::Row(row), i).is_finite())) {
                let state = |c: usize| at.x.get(c * len + i).copied().unwrap_or(f64::NAN);
                for c in 0..n {
                    let by_unknown = pattern.by_unknown.get(c).map_or(&[][..], Vec::as_slice);
                    for (column, k) in out.unknowns.iter_mut().zip(self.order) {
                        let found = by_unknown.iter().filter(|(u, _)| u == k).map(|(_, e)| entry(e, i)).sum();
                        column.push(found);
                    }
                    let by_component = pattern.by_component.get(c).map_or(&[][..], Vec::as_slice);
                    for (column, &(of, change)) in out.changes.iter_mut().zip(self.changes) {
                        let moves = |d: usize| moves(self.observations, of, change, d);
                        let of_motion = match moves(c) {
                            Some(Moves::With(o)) => pattern.value.get(o).map_or(f64::NAN, |e| entry(e, i)),
                            _ => 0.0,
                        };
                        let of_field = by_component.iter().map(|(d, e)| match moves(*d) {
                            None => 0.0,
                            Some(Moves::ByOne) => entry(e, i),
                            Some(Moves::With(o)) => entry(e, i) * state(o),
                        });
                        column.push(of_motion - of_field.sum::<f64>());
                    }
                }
            }
        }
        let all: usize = points.iter().map(|p| p.t.len() * n).sum();
        let rows = out.rows();
        let enough = 2 * rows >= all && rows > self.order.len() + self.changes.len();
        out.level();
        self.pin(&mut out);
        Ok(enough.then_some(out))
    }

    /// Adds that a change moves no state at a time at which its value is known.
    fn pin(&self, out: &mut Columns) {
        let len = self.observations.t.len();
        let weight = (out.rows().max(1) as f64).sqrt();
        for (t, c, _) in self.observations.pinned().filter(|(t, ..)| self.starts().any(|first| first == *t)) {
            let state = |c: usize| self.x.get(c * len + t).copied().unwrap_or(f64::NAN);
            let moved = |&(of, change): &(usize, Change)| match moves(self.observations, of, change, c) {
                Some(Moves::ByOne) => 1.0,
                Some(Moves::With(o)) => state(o),
                None => 0.0,
            };
            let row: Vec<f64> = self.changes.iter().map(moved).collect();
            let most = row.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
            if most > 0.0 {
                out.unknowns.iter_mut().for_each(|column| column.push(0.0));
                out.changes.iter_mut().zip(row).for_each(|(column, v)| column.push(weight * v / most));
            }
        }
    }

    /// The first samples of the trajectories that are looked at.
    fn starts(&self) -> impl Iterator<Item = usize> + '_ {
        self.observations.firsts().take(TRAJECTORIES)
    }
}

/// By what a component changes.
enum Moves {
    ByOne,
    /// By the value of a component.
    With(usize),
}

/// By what component `d` moves under a change of the state whose first component is `of`.
fn moves(observations: &Observations, of: usize, change: Change, d: usize) -> Option<Moves> {
    let chained = |d: usize| (of + 1..=d).all(|k| observations.derivative_of.get(k).is_some_and(Option::is_some));
    if d < of || !chained(d) {
        return None;
    }
    match change {
        Change::Zero => (d == of).then_some(Moves::ByOne),
        Change::Scale => Some(Moves::With(d)),
        Change::Share(other) => Some(Moves::With(other + d - of)),
    }
}

/// The values of an input, increasing, each of them once.
pub fn values_of(row: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = row.iter().copied().filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

/// The value that is nearest to this part of the way from the first to the last one: what an input is seldom comes as often as what it is at
/// most times.
pub fn drawn(values: &[f64], part: f64) -> f64 {
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return f64::NAN };
    let wanted = (1.0 - part) * first + part * last;
    let above = values.partition_point(|v| *v < wanted);
    let around = [above.checked_sub(1), Some(above)].into_iter().flatten().filter_map(|k| values.get(k).copied());
    around.min_by(|a, b| (a - wanted).abs().total_cmp(&(b - wanted).abs())).unwrap_or(f64::NAN)
}

/// How far numbers go: from their mean, or as a part of what they are.
fn width(row: &[f64]) -> f64 {
    let count = row.len().max(1) as f64;
    let mean = row.iter().sum::<f64>() / count;
    let square = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
    let width = square.sqrt().max(0.3 * mean.abs());
    if width > 0.0 { width } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::{drawn, values_of};

    #[test]
    fn what_an_input_is_seldom_is_drawn_as_often_as_all_else() {
        let mut row = vec![0.0; 1000];
        row[7] = 10.0;
        let values = values_of(&row);
        assert_eq!(values, [0.0, 10.0]);
        let found: Vec<f64> = [0.1, 0.4, 0.6, 1.0].into_iter().map(|part| drawn(&values, part)).collect();
        assert_eq!(found, [0.0, 0.0, 10.0, 10.0]);
        assert_eq!(drawn(&values_of(&[2.0, 2.0]), 0.7), 2.0);
    }
}

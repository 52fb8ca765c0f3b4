//! Which estimated numbers the unknowns of the model are: one for all trajectories, or one for each.

use std::ops::Range;

use super::problem::{EvaluateError, Observations, Points, Unknown};

/// An evaluation: points, the unknowns of the model, and what is written.
type Call<'c> = dyn FnMut(Points, &[f64], &mut [f64]) -> Result<(), EvaluateError> + 'c;

/// The estimated numbers in their order: those of an unknown stand together.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Columns {
    /// Of every unknown of the model: its first number, and whether each trajectory has one.
    of: Vec<(usize, bool)>,
    total: usize,
    /// First sample of every trajectory.
    starts: Vec<usize>,
    /// Their names, as far as they have some.
    names: Vec<String>,
}

impl Columns {
    /// Those of the unknowns of a model that is fitted to observations.
    pub fn new(unknowns: &[Unknown], observations: &Observations) -> Columns {
        let starts: Vec<usize> = std::iter::once(0).chain(observations.breaks.iter().copied()).collect();
        let mut out = Columns { of: Vec::new(), total: 0, starts, names: observations.trajectories.clone() };
        for unknown in unknowns {
            out.of.push((out.total, unknown.own));
            out.total += if unknown.own { out.trajectories() } else { 1 };
        }
        out
    }

    /// The same unknowns with one number each for all trajectories.
    pub(super) fn shared(unknowns: &[Unknown], observations: &Observations) -> Columns {
        let one: Vec<Unknown> = unknowns.iter().map(|u| Unknown { own: false, ..u.clone() }).collect();
        Columns::new(&one, observations)
    }

    /// How many numbers are estimated.
    pub fn total(&self) -> usize {
        self.total
    }

    /// How many unknowns the model has.
    pub fn unknowns(&self) -> usize {
        self.of.len()
    }

    /// How many trajectories there are.
    pub fn trajectories(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are unknowns of which every trajectory has a number of its own.
    pub fn has_own(&self) -> bool {
        self.of.iter().any(|(_, own)| *own)
    }

    /// Whether every trajectory has a number of its own for an unknown.
    pub fn is_own(&self, unknown: usize) -> bool {
        self.of.get(unknown).is_some_and(|(_, own)| *own)
    }

    /// The number that an unknown is in a trajectory.
    pub fn at(&self, unknown: usize, trajectory: usize) -> usize {
        match self.of.get(unknown) {
            Some((first, true)) => first + trajectory,
            Some((first, false)) => *first,
            None => self.total,
        }
    }

    /// All numbers of an unknown.
    pub fn of(&self, unknown: usize) -> Range<usize> {
        let end = self.of.get(unknown + 1).map_or(self.total, |(next, _)| *next);
        self.of.get(unknown).map_or(end..end, |(first, _)| *first..end)
    }

    /// The unknown that a number is of.
    pub fn unknown(&self, number: usize) -> usize {
        self.of.partition_point(|(first, _)| *first <= number).saturating_sub(1)
    }

    /// The unknowns of the model as they are in a trajectory.
    pub fn values(&self, numbers: &[f64], trajectory: usize) -> Vec<f64> {
        (0..self.of.len()).map(|k| numbers.get(self.at(k, trajectory)).copied().unwrap_or(f64::NAN)).collect()
    }

    /// What a trajectory is called in messages.
    pub(super) fn name(&self, trajectory: usize) -> String {
        match self.names.get(trajectory).filter(|name| !name.is_empty()) {
            Some(name) => name.clone(),
            None => (trajectory + 1).to_string(),
        }
    }

    /// Every number as an unknown.
    pub(super) fn expanded(&self, unknowns: &[Unknown]) -> Vec<Unknown> {
        let named = |u: &Unknown, j: usize| Unknown { trajectory: Some(self.name(j)), ..u.clone() };
        let all = unknowns.iter().map(|u| match u.own {
            true => (0..self.trajectories()).map(|j| named(u, j)).collect(),
            false => vec![u.clone()],
        });
        all.collect::<Vec<Vec<Unknown>>>().concat()
    }

    /// The trajectory of every sample.
    pub(super) fn trajectory(&self, samples: usize) -> Vec<usize> {
        (0..samples).map(|i| self.starts.partition_point(|&start| start <= i).saturating_sub(1)).collect()
    }

    /// The same unknowns and trajectories with samples that start elsewhere.
    pub(super) fn moved(&self, observations: &Observations) -> Columns {
        let starts = std::iter::once(0).chain(observations.breaks.iter().copied()).collect();
        Columns { starts, ..self.clone() }
    }

    /// The same unknowns of some of the trajectories, which keep their names.
    pub(super) fn of_some(&self, names: Vec<String>, observations: &Observations) -> Columns {
        Columns { names, ..self.moved(observations) }
    }

    /// Evaluates `rows` numbers at every point by `call`, which takes the unknowns of the model: all points at once, or those of one
    /// trajectory after the other where unknowns differ between them. The points are samples or the links behind them.
    pub(super) fn evaluate(
        &self,
        at: Points,
        numbers: &[f64],
        (rows, out): (usize, &mut [f64]),
        call: &mut Call<'_>,
    ) -> Result<(), EvaluateError> {
        if !self.has_own() {
            return call(at, numbers, out);
        }
        let len = at.t.len();
        let part = |all: &[f64], range: &Range<usize>| -> Vec<f64> {
            all.chunks_exact(len.max(1)).flat_map(|row| row.get(range.clone()).unwrap_or_default().to_vec()).collect()
        };
        for (trajectory, &start) in self.starts.iter().enumerate() {
            let end = self.starts.get(trajectory + 1).copied().unwrap_or(len).min(len);
            let range = start.min(end)..end;
            let (x, input) = (part(at.x, &range), part(at.input, &range));
            let points = Points { x: &x, t: at.t.get(range.clone()).unwrap_or_default(), input: &input };
            let mut found = vec![0.0; rows * range.len()];
            call(points, &self.values(numbers, trajectory), &mut found)?;
            for (to, from) in out.chunks_exact_mut(len.max(1)).zip(found.chunks_exact(range.len().max(1))) {
                if let Some(to) = to.get_mut(range.clone()) {
                    to.copy_from_slice(from);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Columns, Observations, Points, Unknown};

    fn unknown(name: &str, own: bool) -> Unknown {
        Unknown { droppable: false, own, ..Unknown::free(name) }
    }

    #[test]
    fn numbers_and_unknowns_are_found_from_one_another() {
        let observations = Observations { t: vec![0.0; 7], breaks: vec![2, 5], ..Observations::default() };
        let unknowns = [unknown("a", false), unknown("r", true), unknown("b", false)];
        let columns = Columns::new(&unknowns, &observations);
        assert_eq!((columns.total(), columns.trajectories()), (5, 3));
        assert_eq!([columns.of(0), columns.of(1), columns.of(2)], [0..1, 1..4, 4..5]);
        assert_eq!((0..5).map(|k| columns.unknown(k)).collect::<Vec<_>>(), [0, 1, 1, 1, 2]);
        assert_eq!(columns.values(&[10.0, 1.0, 2.0, 3.0, 20.0], 2), [10.0, 3.0, 20.0]);
        assert_eq!(columns.trajectory(7), [0, 0, 1, 1, 1, 2, 2]);
        let spelled = |columns: &Columns| columns.expanded(&unknowns).iter().map(Unknown::spelled).collect::<Vec<_>>();
        let of = |name: &str| format!("`r` of trajectory {name}");
        assert_eq!(spelled(&columns), ["`a`".to_string(), of("1"), of("2"), of("3"), "`b`".to_string()]);
        let trajectories = ["north", "", "south"].map(String::from).to_vec();
        let columns = Columns::new(&unknowns, &Observations { trajectories, ..observations });
        assert_eq!(spelled(&columns)[1..4], [of("north"), of("2"), of("south")]);
        // At the six links between the samples: x times r, in each trajectory its own.
        let x: Vec<f64> = (1..=6).map(f64::from).collect();
        let points = Points { x: &x, t: &[0.0; 6], input: &[] };
        let mut out = vec![0.0; 6];
        let mut times = |at: Points, xi: &[f64], out: &mut [f64]| {
            out.iter_mut().zip(at.x).for_each(|(o, x)| *o = x * xi[1]);
            Ok(())
        };
        columns.evaluate(points, &[0.0, 1.0, 10.0, 100.0, 0.0], (1, &mut out), &mut times).unwrap();
        assert_eq!(out, [1.0, 2.0, 30.0, 40.0, 50.0, 600.0]);
    }
}

//! Poles: a divisor that holds unknowns, as the denominator of a ratio, keeps its sign along a trajectory.
//!
//! No solution goes through a pole, but a step of the unknowns does: where a denominator becomes large, its 1 hardly counts, and beyond
//! infinity it comes back with the other sign, to coefficients that say nearly the same and lead nowhere.

use std::cell::Cell;

use super::grid::{Grid, read};
use super::problem::{Dynamics, JointError, Points};
use crate::artifact::Pattern;

/// Whether steps may go through poles, and whether one wanted to.
pub struct Poles {
    closed: bool,
    held_back: Cell<bool>,
}

impl Poles {
    /// No step goes through one.
    pub fn closed() -> Poles {
        Poles { closed: true, held_back: Cell::new(false) }
    }

    /// They are not looked at.
    pub fn open() -> Poles {
        Poles { closed: false, ..Poles::closed() }
    }

    /// Whether they are not looked at.
    pub fn are_open(&self) -> bool {
        !self.closed
    }

    /// Whether a step to other divisors is held back.
    pub fn hold_back(&self, from: &Divisors, to: &Divisors, grid: &Grid) -> bool {
        let held_back = self.closed && from.crossed(to, grid);
        self.held_back.set(self.held_back.get() || held_back);
        held_back
    }

    /// Whether one was.
    pub fn held_back(&self) -> bool {
        self.held_back.get()
    }
}

/// The divisors along trajectories, `[divisor, sample]`.
#[derive(Default)]
pub struct Divisors(Vec<f64>);

impl Divisors {
    /// Those of a linearisation at all samples.
    pub fn of(pattern: &Pattern, entries: &[f64], samples: usize) -> Divisors {
        let row = |&divisor| (0..samples).map(move |t| read(divisor, entries, samples, t));
        Divisors(pattern.divisors.iter().flat_map(row).collect())
    }

    /// Those at a point; the model is linearised there only where it has some.
    pub fn at(grid: &Grid, model: &mut dyn Dynamics, x: &[f64], xi: &[f64]) -> Result<Divisors, JointError> {
        let pattern = model.pattern().clone();
        if pattern.divisors.is_empty() {
            return Ok(Divisors::default());
        }
        let mut entries = vec![0.0; pattern.rows * grid.samples];
        grid.linearise(model, Points { x, t: &grid.t, input: &grid.input }, xi, &mut entries)?;
        Ok(Divisors::of(&pattern, &entries, grid.samples))
    }

    /// Whether one of them does not keep the one sign that it has along a trajectory on the way to other ones.
    fn crossed(&self, to: &Divisors, grid: &Grid) -> bool {
        let mut pairs = self.along(grid).into_iter().zip(to.along(grid));
        pairs.any(|(before, after)| sign(before).is_some_and(|before| sign(after) != Some(before)))
    }

    /// Every divisor along every trajectory.
    fn along(&self, grid: &Grid) -> Vec<&[f64]> {
        let rows = self.0.chunks_exact(grid.samples.max(1));
        rows.flat_map(|row| grid.trajectories().into_iter().filter_map(|range| row.get(range))).collect()
    }
}

/// The sign of all numbers, where they have one.
fn sign(values: &[f64]) -> Option<bool> {
    let positive = *values.first()? > 0.0;
    values.iter().all(|v| if positive { *v > 0.0 } else { *v < 0.0 }).then_some(positive)
}

#[cfg(test)]
mod tests {
    use super::{Divisors, Poles};
    use crate::train::joint::grid::Grid;
    use crate::train::joint::{Columns, Observations};

    #[test]
    fn signs_are_kept_along_trajectories_that_have_one() {
        let observations =
            Observations { t: vec![0.0, 1.0, 2.0, 0.0, 1.0], breaks: vec![3], ..Observations::default() };
        let grid = Grid::new(1, &Columns::new(&[], &observations), &observations);
        assert_eq!(grid.trajectories(), [0..3, 3..5]);
        // The second divisor has both signs along the first trajectory, which says nothing.
        let before = Divisors(vec![1.0, 2.0, 1.0, -1.0, -2.0, 1.0, -1.0, 1.0, 1.0, 1.0]);
        for (at, value, crossed) in [(1, 0.1, false), (1, -0.1, true), (2, 0.0, true), (4, 3.0, true), (5, -1.0, false)]
        {
            let mut after = before.0.clone();
            after[at] = value;
            let (closed, open) = (Poles::closed(), Poles::open());
            assert_eq!(closed.hold_back(&before, &Divisors(after.clone()), &grid), crossed, "{at} {value}");
            assert!(!open.hold_back(&before, &Divisors(after), &grid));
            assert_eq!((closed.held_back(), open.held_back()), (crossed, false));
        }
        // Not a number is not the sign before.
        let undefined = Divisors(vec![f64::NAN; 10]);
        assert!(Poles::closed().hold_back(&before, &undefined, &grid));
    }
}

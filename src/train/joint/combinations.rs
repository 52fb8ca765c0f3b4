//! Which columns of numbers are combinations of others: modified Gram-Schmidt, twice, so that what is left of a dependent one is rounding.

/// A column of which less than this part is left is made of those before it.
const DEPENDENT: f64 = 1e-8;
/// How far along a combination it is looked at again: a few unknowns may not move at one point of it alone.
const AGAIN: f64 = 0.3;

/// Columns of numbers at all points and components.
#[derive(Default)]
pub struct Columns {
    /// In the order of the unknowns that can move.
    pub unknowns: Vec<Vec<f64>>,
    /// What they are asked for.
    pub changes: Vec<Vec<f64>>,
}

/// A change that others and unknowns undo.
pub struct Relation {
    /// The position of the change.
    pub change: usize,
    /// Positions of unknowns in their order, with how far they go, and that as a part of the length of the change.
    pub unknowns: Vec<(usize, f64, f64)>,
}

impl Relation {
    /// Values of all unknowns further along.
    pub fn moved(&self, values: &[f64], order: &[usize]) -> Vec<f64> {
        let mut out = values.to_vec();
        // So far that the largest of them changes by that part of itself, or of one.
        let size = |k: usize| out.get(k).map_or(1.0, |v| if *v == 0.0 { f64::INFINITY } else { v.abs() });
        let parts = self.unknowns.iter().filter_map(|(at, by, _)| Some((by / size(*order.get(*at)?)).abs()));
        let most = parts.fold(0.0, f64::max);
        let along = if most > 0.0 { AGAIN / most } else { AGAIN };
        for (at, by, _) in &self.unknowns {
            if let Some(slot) = order.get(*at).and_then(|&k| out.get_mut(k)) {
                *slot += along * by;
            }
        }
        out
    }
}

impl Columns {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.changes.first().map_or(0, Vec::len)
    }

    /// Gives every row the same weight: a function that grows fast would leave nothing of all others.
    pub fn level(&mut self) {
        let lengths: Vec<f64> = self.all().map(|c| c.iter().map(|v| v * v).sum::<f64>().sqrt()).collect();
        let mut most = vec![0.0_f64; self.rows()];
        for (column, length) in self.all().zip(&lengths).filter(|(_, length)| **length > 0.0) {
            most.iter_mut().zip(column).for_each(|(most, v)| *most = most.max((v / length).abs()));
        }
        for column in self.unknowns.iter_mut().chain(&mut self.changes) {
            column.iter_mut().zip(&most).filter(|(_, most)| **most > 0.0).for_each(|(v, most)| *v /= most);
        }
    }

    fn all(&self) -> impl Iterator<Item = &Vec<f64>> {
        self.unknowns.iter().chain(&self.changes)
    }

    /// The changes that are combinations of unknowns and of changes before them.
    pub fn dependent(&self) -> Vec<Relation> {
        let count = self.unknowns.len();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        // Orthogonal directions, each with its combination of all columns.
        let mut basis: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
        let mut found = Vec::new();
        let total = count + self.changes.len();
        for (k, column) in self.all().enumerate() {
            let length = dot(column, column).sqrt();
            let mut combination = vec![0.0; total];
            if let Some(own) = combination.get_mut(k) {
                *own = 1.0;
            }
            let mut left = column.clone();
            for _ in 0..2 {
                for (direction, of) in &basis {
                    let part = dot(&left, direction);
                    left.iter_mut().zip(direction).for_each(|(l, d)| *l -= part * d);
                    combination.iter_mut().zip(of).for_each(|(c, o)| *c -= part * o);
                }
            }
            let rest = dot(&left, &left).sqrt();
            match (rest > DEPENDENT * length && length > 0.0, k.checked_sub(count)) {
                (true, _) => {
                    left.iter_mut().chain(combination.iter_mut()).for_each(|v| *v /= rest);
                    basis.push((left, combination));
                }
                (false, Some(change)) => {
                    let size = |at: usize| self.unknowns.get(at).map_or(0.0, |u| dot(u, u).sqrt());
                    let part = |(at, by): (usize, &f64)| (at, -by, by * size(at) / length.max(f64::MIN_POSITIVE));
                    let unknowns = combination.iter().take(count).enumerate().map(part).collect();
                    found.push(Relation { change, unknowns });
                }
                (false, None) => {}
            }
        }
        found
    }
}

//! Which unknowns make up for a change of another one, so that the data hardly see it.

use super::reduced::Reduced;
use crate::solve::Cholesky;

/// A direction is flat where less than this share of what an unknown does to the data is its own.
const FLAT: f64 = 1e-6;
/// With a share below this it is flat where the data ask for no other value: noise may blur that much.
const BLURRED: f64 = 1e-4;
/// An unknown takes part where it changes by more than this, relative to itself, for a relative change of one.
const TAKES_PART: f64 = 0.3;

/// The objective that data may gain by a change of an unknown and still not ask for it: less than twenty to one.
const AS_WELL: f64 = 6.0;

/// The unknowns among `free` that make up for a change of the unknown `of`, at these values of all; none where its effect on the data is its
/// own, where it has none, or where the data ask for another value of it all the same.
pub fn makes_up(reduced: &Reduced, xi: &[f64], of: usize, free: &[usize]) -> Option<Vec<usize>> {
    let p = reduced.p;
    let entry = |i: usize, j: usize| reduced.s.get(i * p + j).copied().unwrap_or(0.0);
    // Each in units of its own effect.
    let size = |i: usize| entry(i, i).sqrt();
    let free: Vec<usize> = free.iter().copied().filter(|&i| i != of && size(i) > 0.0).collect();
    if size(of).is_nan() || size(of) <= 0.0 || free.is_empty() {
        return None;
    }
    let scaled = |i: usize, j: usize| entry(i, j) / (size(i) * size(j));
    let block: Vec<f64> =
        free.iter().flat_map(|&i| free.iter().map(move |&j| (i, j))).map(|(i, j)| scaled(i, j)).collect();
    let coupling: Vec<f64> = free.iter().map(|&i| scaled(i, of)).collect();
    // The answer of the others to a change of this one, and what is left of its effect beside that.
    let answer = Cholesky::factor_with_ridge(free.len(), &block)?.solve(&coupling);
    let left = 1.0 - answer.iter().zip(&coupling).map(|(a, c)| a * c).sum::<f64>();
    let asked = (reduced.c.get(of)? - xi.iter().enumerate().map(|(j, x)| entry(of, j) * x).sum::<f64>()) / size(of);
    if left > FLAT && (left > BLURRED || asked * asked > AS_WELL * left) {
        return None;
    }
    let relative = |i: usize, change: f64| (change / (size(i) * xi.get(i).copied().unwrap_or(0.0))).abs();
    let own = relative(of, 1.0);
    let by = free.iter().zip(&answer).filter(|&(&i, &a)| relative(i, a) > TAKES_PART * own).map(|(&i, _)| i);
    let by: Vec<usize> = by.collect();
    (!by.is_empty()).then_some(by)
}

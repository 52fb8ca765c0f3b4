//! Starts of numbers that enter nonlinearly and have no start value: they are sought over all sizes that numbers have in any unit.
//!
//! At every size the coefficients that enter linearly are regressed, which is one small system; what leaves least of the derivatives is a
//! start for the whole regression. `K` in `x/(K + x)` is found at the size of `x` in this way, whatever that is.

use super::grid::Grid;
use super::normal;
use super::problem::{Dynamics, JointError, Unknown};
pub use super::sought::open;
use super::sought::{MOST_BESIDE_HIDDEN, Sought, below, sort};
use super::thinned::Thinned;

/// Samples at which sizes are sought at most, of more that there may be.
pub const MOST: usize = 4096;
/// Factors by which sizes are changed beside hidden states, where no regression of all numbers follows.
const NEARER: [f64; 5] = [10.0, 3.1622776601683795, 1.778279410038923, 1.333521432163324, 1.1547819846894583];

/// Whether numbers have to be sought at all.
pub fn sought(unknowns: &[Unknown]) -> bool {
    unknowns.iter().any(|u| open(u) || below(u))
}

/// Which states are never observed, and what is known of where they start.
type Hidden<'a> = (&'a [bool], &'a [f64]);

/// Values of all numbers to start from beside states that are never observed: `plain` with what is open at the sizes with which the
/// solutions of the hidden states leave least of the observed derivatives. Other parameters without a start have what they are regressed to there.
pub fn beside_hidden(
    grid: &Grid,
    model: &mut dyn Dynamics,
    unknowns: &[Unknown],
    (along, plain): ([&[f64]; 2], &[f64]),
    (hidden, stop): (Hidden, &dyn Fn() -> bool),
) -> Result<Vec<f64>, JointError> {
    // What enters linearly is regressed, but for what the hidden states depend on.
    let list =
        model.pattern().by_unknown.iter().zip(hidden.0).filter(|(_, hidden)| **hidden).flat_map(|(list, _)| list);
    let of_hidden: Vec<usize> = list.map(|&(k, _)| k).collect();
    let sought = |(k, u): (usize, &Unknown)| {
        let free = u.linear && !u.droppable && u.start.is_none();
        (open(u) || (free && of_hidden.contains(&k))).then_some(k)
    };
    let open: Vec<usize> = unknowns.iter().enumerate().filter_map(sought).collect();
    if open.is_empty() || hidden.0.iter().all(|hidden| *hidden) {
        return Ok(plain.to_vec());
    }
    let mut ones = plain.to_vec();
    open.iter().for_each(|&k| ones[k] = 1.0);
    normal::clamp(unknowns, &mut ones);
    let some = Thinned::new(grid, MOST_BESIDE_HIDDEN, along[1]);
    let rows = some.as_ref().map(|some| along.map(|all| some.rows(all, grid.samples)));
    let [x, slopes] = rows.as_ref().map_or(along, |rows| rows.each_ref().map(Vec::as_slice));
    let grid = some.as_ref().map_or(grid, |some| &some.grid);
    let sought = Sought { open, ..Sought::new(grid, unknowns, [x, slopes], Some(hidden), stop) };
    let mut found = Vec::new();
    for (_, from) in sought.best(model, &ones)?.into_iter().chain([(0.0, ones)]) {
        found.push(sought.refined(model, &NEARER, from)?);
    }
    sort(&mut found);
    let Some((_, best)) = found.into_iter().find(|(left, _)| left.is_finite()) else { return Ok(plain.to_vec()) };
    let value =
        |((u, plain), best): ((&Unknown, &f64), f64)| if u.start.is_none() && !u.droppable { best } else { *plain };
    Ok(unknowns.iter().zip(plain).zip(best).map(value).collect())
}

/// Values to regress from beside `plain`; none where every number has a start or enters linearly.
pub fn starts(
    grid: &Grid,
    model: &mut dyn Dynamics,
    unknowns: &[Unknown],
    (along, plain): ([&[f64]; 2], &[f64]),
    stop: &dyn Fn() -> bool,
) -> Result<Vec<Vec<f64>>, JointError> {
    let sought = Sought::new(grid, unknowns, along, None, stop);
    let mut starts: Vec<Vec<f64>> = sought.best(model, plain)?.into_iter().map(|(_, xi)| xi).collect();
    // Denominators of one: what a term in them has to be to count is known once there is a numerator.
    let denominators: Vec<usize> = (0..unknowns.len()).filter(|&k| unknowns.get(k).is_some_and(below)).collect();
    if denominators.is_empty() {
        starts.retain(|xi| xi != plain);
        return Ok(starts);
    }
    let mut all = Vec::new();
    for from in starts {
        let Some((fitted, normal)) = sought.linear(model, &from)? else { continue };
        let mut sized = fitted.clone();
        for &k in &denominators {
            if let Some(size) = normal.size(k, sought.samples) {
                sized[k] = size;
            }
        }
        normal::clamp(unknowns, &mut sized);
        all.extend([sized, fitted]);
    }
    Ok(all)
}

//! Whether the pivots of a factor are numbers or rounding errors.
//!
//! The computed factor is that of `N + E` with `|E_ij|` of the size of `sqrt(d_i d_j)` rounding units, `d` the diagonal of `N` (J. Demmel,
//! On floating point errors in Cholesky, LAPACK Working Note 14, 1989). So it has the pivot `p_r` only up to `v_r^T E v_r`, where
//! `v_r` is column `r` of `L^-T`: about `s_r = sum_i d_i v_ri^2` rounding units, however large `p_r` is relative to `d_r`. Where the
//! solution decays, `s_r` is larger than `d_r` by the square of the decay, and rounding alone makes a pivot that looks like any other.
//!
//! `s_r` comes without any `v_r`: for `g_i = +-sqrt(d_i)` with random signs, `(L^-1 g)_r = v_r^T g` has the mean square `s_r`, and one
//! forward substitution gives it for all rows. A few of them make an underestimate unlikely.

use super::arithmetic::Plain;
use super::assemble::Assembly;
use super::blocks::forward_blocks;
use super::eliminate::BadPivot;
use super::error::SolveError;
use super::factor::{FactorGroup, Scratch, pivot_error};
use super::plan::Plan;
use super::problem::{Problem, Shape};
use super::qr::rounding_unit;
use super::stage::Staged;
use super::substitute::{Chain, Stored, forward, forward_corner};
use super::windows::Window;
use crate::solve::lanes::{Kernel, Lanes, Pack};

/// A pivot below this many rounding units of `s_r` is taken for rounding error: singular systems give about one of them at most, and with fewer
/// than this corrections gain too little each.
const SMALLEST: f64 = 16.0;

/// The triangle of an orthogonal factorisation is that of rows `A + E` with columns of `E` of the size of rounding units of those of `A`: the
/// square root of its pivot is `|A v_r|` up to `|E v_r|`, which is some units of the root of `s_r`. Below this many it is rounding error.
const SMALLEST_ROOT: f64 = 8.0;

/// Random vectors; that all are a tenth of what they stand for has a probability of 1e-5.
const VECTORS: usize = 4;

/// One lane of a factor.
#[derive(Clone, Copy)]
struct Lane<'a, P> {
    factor: &'a [P],
    lane: usize,
}

/// Looks for a pivot of a factor of rows, of one sample, that is rounding error. `border` holds the squared lengths of the border's columns.
///
/// # Errors
/// A singular system.
#[cold]
#[inline(never)]
pub(crate) fn probe_rows(
    problem: &Problem,
    plan: &Plan,
    (staged, window): (&Staged<f64>, Window),
    factor: &[f64],
    border: &[f64],
) -> Result<(), SolveError> {
    let root = SMALLEST_ROOT * rounding_unit(problem);
    let (smallest, lane) = (root * root, Lane { factor, lane: 0 });
    f64::dispatch(Probe { problem, plan, staged, lane, border, smallest })
        .map_err(|(pivot, group)| pivot_error(problem, plan, group, window, pivot))
}

impl<P: Pack> Stored<f64> for Lane<'_, P> {
    #[inline(always)]
    fn get<V: Lanes<Pack = f64>>(&self, index: usize) -> V {
        V::splat(self.factor[index].lane(self.lane))
    }
}

/// Looks for a pivot of a lane group that is rounding error. `border` is the diagonal of the border's block before elimination. A factor
/// in single precision may well be made of rounding errors, which corrections mend; there the question is whether double precision
/// determines the system.
///
/// # Errors
/// A singular system.
#[cold]
#[inline(never)]
pub(crate) fn probe<P: Pack>(
    problem: &Problem,
    plan: &Plan,
    window: Window,
    factor: &[P],
    border: &[P],
) -> Result<(), SolveError> {
    for lane in 0..window.count {
        let window = Window { first: window.first + lane, count: 1, ..window };
        if P::EPSILON > f64::EPSILON {
            factor_in_double(problem, plan, window)?;
        } else {
            let mut staged = Staged::<f64>::new(problem, problem.shape.steps);
            staged.load_matrix(problem, window);
            let border: Vec<f64> = border.iter().map(|x| x.lane(lane)).collect();
            let (staged, lane, smallest) = (&staged, Lane { factor, lane }, SMALLEST * P::EPSILON);
            f64::dispatch(Probe { problem, plan, staged, lane, border: &border, smallest })
                .map_err(|(pivot, group)| pivot_error(problem, plan, group, window, pivot))?;
        }
    }
    Ok(())
}

/// Factors a single sample in double precision.
///
/// # Errors
/// A singular or non-finite system.
pub(crate) fn factor_in_double(problem: &Problem, plan: &Plan, window: Window) -> Result<Vec<f64>, SolveError> {
    let (mut scratch, mut out) = (Scratch::<Plain<f64>>::new(problem, plan), vec![0.0; plan.len]);
    scratch.staged.load_matrix(problem, window);
    let group = FactorGroup { problem, plan, window, scratch: &mut scratch, out: &mut out[..], unknowns: None };
    f64::dispatch(group)?;
    Ok(out)
}

/// The probe of one lane of a factor in double precision.
struct Probe<'a, P> {
    problem: &'a Problem<'a>,
    plan: &'a Plan,
    staged: &'a Staged<f64>,
    lane: Lane<'a, P>,
    border: &'a [f64],
    /// The smallest share of `s_r` that is a pivot.
    smallest: f64,
}

impl<P: Pack> Kernel<f64> for Probe<'_, P> {
    /// The first bad pivot, and the group of states that it belongs to, none for the border.
    type Output = Result<(), (BadPivot, Option<usize>)>;

    #[inline(always)]
    fn run<V: Lanes<Pack = f64>>(self) -> Self::Output {
        let Probe { problem, plan, staged, lane, border, smallest } = self;
        let Shape { states, orders, .. } = problem.shape;
        let chain = Chain { plan, states, orders, smooth: &staged.smooth, rho: &staged.rho };
        let size = self.sizes::<V>();
        let longest = plan.groups.iter().map(|g| g.n).max().unwrap_or(0);
        let mut room = vec![0.0; 2 * longest];
        let (mut y, mut at_border) = (vec![0.0; size.len()], vec![0.0; border.len()]);
        let (mut squares, mut border_squares) = (y.clone(), at_border.clone());
        let mut signs = Signs(0x9e37_79b9_7f4a_7c15);
        for _ in 0..VECTORS {
            y.iter_mut().zip(&size).for_each(|(y, d)| *y = signs.next() * d.sqrt());
            at_border.iter_mut().zip(border).for_each(|(y, d)| *y = signs.next() * d.sqrt());
            for group in &plan.groups {
                if group.next > 0 {
                    forward::<V, _>(plan, group, states * orders, lane, &mut y, &mut at_border);
                } else {
                    forward_blocks::<V, _>(chain, group, lane, &mut y, &mut at_border, &mut room);
                }
            }
            forward_corner::<V, _>(plan, lane, &mut at_border);
            // These are divided by the pivots.
            squares.iter_mut().zip(&y).for_each(|(sum, y)| *sum += y * y / VECTORS as f64);
            border_squares.iter_mut().zip(&at_border).for_each(|(sum, y)| *sum += y * y / VECTORS as f64);
        }
        let number = |index: usize| lane.factor[index].lane(lane.lane);
        // `p_r` against `s_r`, given `1 / p_r` and `s_r / p_r^2`.
        let judge = |inverse: f64, square: f64| {
            let relative = inverse / square;
            if relative > smallest { None } else { Some(relative) }
        };
        for (index, group) in plan.groups.iter().enumerate() {
            for step in 0..plan.chain {
                for (row, place) in group.place.iter().enumerate() {
                    let inverse = number(group.start + step * group.step_len + group.base(row) + row);
                    if let Some(relative) = judge(inverse, squares[step * states * orders + place]) {
                        let bad = BadPivot { step, row, lane: 0, pivot: 1.0 / inverse, relative };
                        return Err((bad, Some(index)));
                    }
                }
            }
        }
        for (row, &square) in border_squares.iter().enumerate() {
            let inverse = number(plan.corner() + super::plan::packed(plan.border, row) + row);
            if let Some(relative) = judge(inverse, square) {
                return Err((BadPivot { step: 0, row, lane: 0, pivot: 1.0 / inverse, relative }, None));
            }
        }
        Ok(())
    }
}

impl<P: Pack> Probe<'_, P> {
    /// The diagonal of the normal matrix over the steps of the chain, `(T, D, K)`.
    #[inline(always)]
    fn sizes<V: Lanes<Pack = f64>>(&self) -> Vec<f64> {
        let Probe { problem, plan, staged, .. } = *self;
        let block = problem.shape.block();
        let mut size = vec![0.0; problem.shape.unknowns()];
        for group in &plan.groups {
            let assembly = Assembly { problem, plan, group, staged };
            let (mut rows, mut scaled) = (vec![0.0; group.n * group.width], vec![0.0; group.n]);
            for t in 0..plan.chain {
                assembly.normal_rows::<V>(t, &mut rows, &mut scaled);
                for (r, place) in group.place.iter().enumerate() {
                    size[t * block + place] = rows[r * group.width + r];
                }
            }
        }
        size
    }
}

/// Signs from a xorshift generator (G. Marsaglia, J. Stat. Softw. 8(14), 2003), the same ones in every call.
struct Signs(u64);

impl Signs {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        if self.0 >> 63 == 0 { 1.0 } else { -1.0 }
    }
}

//! Gradients of a solve, in residual form.
//!
//! With the normal matrix `N = A^T A` and `z = N^-1 g` for an upstream gradient `g`, the gradient of a row's right-hand side is
//! `w^2 (a z)`, of its coefficients `w^2 (r z - (a z) u)` with `r = b - a u`, and of its weight `2 w r (a z)`: one substitution
//! with the stored factor and one pass over the rows.

use rayon::prelude::*;

use super::assemble::{add_to, central_step, power, scale_by};
use super::error::SolveError;
use super::factor::{Factor, Storage};
use super::plan::Plan;
use super::problem::{Problem, Shape};
use super::residual::row_residuals;
use super::solution::{Solution, check_finite, offset_sample};
use super::stage::{Cut, Samples, Staged, accumulate, gather, scatter};
use super::substitute::{Common, Own, Stored, substitute};
use crate::solve::lanes::{Kernel, Lanes, Pack, Pack8};

/// Which gradients to compute; the others come back empty (0 for the weights).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub c: bool,
    pub rhs: bool,
    pub iv: bool,
    pub h: bool,
    pub weights: bool,
}

impl Wanted {
    /// All of them.
    pub const ALL: Wanted = Wanted { c: true, rhs: true, iv: true, h: true, weights: true };
}

/// Gradients of a scalar with respect to the inputs of the solve, each in the shape of its input; what the samples share is
/// summed over the batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gradients {
    /// `(B or 1, E, T, D, K)`
    pub c: Vec<f64>,
    /// `(B, E, T)`
    pub rhs: Vec<f64>,
    /// `(B, Ti, D, Ki)`
    pub iv: Vec<f64>,
    /// `(B or 1, T-1, D or 1)`
    pub h: Vec<f64>,
    /// Of the equation, initial and smooth weights, summed over the batch.
    pub weights: [f64; 3],
}

impl Factor {
    /// Gradients of a scalar `l` given `upstream = dl/du` `(B, T, D, K)` and, where `l` depends on the slack,
    /// `upstream_eps = dl/d eps` `(B)`. `solution` is that of `problem`.
    ///
    /// # Errors
    /// Lengths that do not fit, a problem that does not match the factor, an upstream gradient that is not finite.
    pub fn adjoint(
        &self,
        problem: &Problem,
        solution: &Solution,
        upstream: &[f64],
        upstream_eps: Option<&[f64]>,
        wanted: Wanted,
    ) -> Result<Gradients, SolveError> {
        let mut gradients = Gradients::default();
        self.adjoint_into(problem, solution, upstream, upstream_eps, wanted, &mut gradients)?;
        Ok(gradients)
    }

    /// [`Factor::adjoint`] into memory that is kept between calls.
    ///
    /// # Errors
    /// As [`Factor::adjoint`].
    pub fn adjoint_into(
        &self,
        problem: &Problem,
        solution: &Solution,
        upstream: &[f64],
        upstream_eps: Option<&[f64]>,
        wanted: Wanted,
        gradients: &mut Gradients,
    ) -> Result<(), SolveError> {
        self.check(problem)?;
        let shape = &problem.shape;
        let length = |what, expected, got| {
            if expected == got { Ok(()) } else { Err(SolveError::Length { what, expected, got }) }
        };
        length("upstream", shape.batch * shape.unknowns(), upstream.len())?;
        length("the solution's u", shape.batch * shape.unknowns(), solution.u.len())?;
        length("the solution's eps", shape.batch, solution.eps.len())?;
        length("upstream_eps", shape.batch, upstream_eps.map_or(shape.batch, <[f64]>::len))?;
        let given = Given { problem, plan: &self.plan, solution, upstream, upstream_eps, wanted };
        match &self.storage {
            Storage::Wide(values) => adjoint_batch::<Pack8, _>(given, |g| Own(&values[g * self.plan.len..]), gradients),
            Storage::Narrow(values) if shape.batch == 1 => adjoint_batch::<f64, _>(given, |_| Own(values), gradients),
            Storage::Narrow(values) => adjoint_batch::<Pack8, _>(given, |_| Common(values), gradients),
        }
    }
}

#[derive(Clone, Copy)]
struct Given<'a> {
    problem: &'a Problem<'a>,
    plan: &'a Plan,
    solution: &'a Solution,
    upstream: &'a [f64],
    upstream_eps: Option<&'a [f64]>,
    wanted: Wanted,
}

/// One chunk's share of the outputs: slices of what each sample has for itself, sums of what is shared.
struct Piece<'a> {
    c: &'a mut [f64],
    rhs: &'a mut [f64],
    iv: &'a mut [f64],
    h: &'a mut [f64],
    weights: [f64; 3],
    c_sum: Vec<f64>,
    h_sum: Vec<f64>,
    failure: Option<SolveError>,
}

fn adjoint_batch<P: Pack, F: Stored<P>>(
    given: Given,
    factor: impl Fn(usize) -> F + Sync,
    gradients: &mut Gradients,
) -> Result<(), SolveError> {
    let Given { problem, wanted, .. } = given;
    let shape = &problem.shape;
    let cut = Cut::new::<P>(shape.batch);
    let sizes = (
        if wanted.c { shape.coefficients() } else { 0 },
        if wanted.rhs { shape.right_hand_sides() } else { 0 },
        if wanted.iv { shape.initial_values() } else { 0 },
        if wanted.h { shape.intervals() * if problem.h.per_state { shape.states } else { 1 } } else { 0 },
    );
    let (c_own, h_own) = (problem.c.per_sample(), problem.h.per_sample);
    gradients.c.resize(if c_own { shape.batch } else { 1 } * sizes.0, 0.0);
    gradients.rhs.resize(shape.batch * sizes.1, 0.0);
    gradients.iv.resize(shape.batch * sizes.2, 0.0);
    gradients.h.resize(if h_own { shape.batch } else { 1 } * sizes.3, 0.0);
    let Gradients { c, rhs, iv, h, weights } = gradients;
    let (c_each, c_shared): (&mut [f64], &mut [f64]) = if c_own { (c, &mut []) } else { (&mut [], c) };
    let (h_each, h_shared): (&mut [f64], &mut [f64]) = if h_own { (h, &mut []) } else { (&mut [], h) };
    let mut pieces: Vec<Piece> = cut
        .split(c_each, sizes.0)
        .into_iter()
        .zip(cut.split(rhs, sizes.1))
        .zip(cut.split(iv, sizes.2))
        .zip(cut.split(h_each, sizes.3))
        .map(|(((c, rhs), iv), h)| Piece {
            c,
            rhs,
            iv,
            h,
            weights: [0.0; 3],
            c_sum: vec![0.0; c_shared.len()],
            h_sum: vec![0.0; h_shared.len()],
            failure: None,
        })
        .collect();
    pieces.par_iter_mut().enumerate().for_each_init(
        || Scratch::<P>::new(problem),
        |scratch, (chunk, piece)| {
            P::dispatch(AdjointChunk { given, groups: cut.range(chunk), factor: &factor, scratch, piece })
        },
    );
    *weights = [0.0; 3];
    c_shared.fill(0.0);
    h_shared.fill(0.0);
    for piece in &mut pieces {
        if let Some(failure) = piece.failure.take() {
            return Err(failure);
        }
        let add = |to: &mut [f64], from: &[f64]| to.iter_mut().zip(from).for_each(|(x, y)| *x += y);
        add(weights, &piece.weights);
        add(c_shared, &piece.c_sum);
        add(h_shared, &piece.h_sum);
    }
    Ok(())
}

struct Scratch<P> {
    staged: Staged<P>,
    rhs: Vec<P>,
    iv: Vec<P>,
    u: Vec<P>,
    z: Vec<P>,
    c_adj: Vec<P>,
    rhs_adj: Vec<P>,
    iv_adj: Vec<P>,
    h_adj: Vec<P>,
    powers: Vec<P>,
    refined: Option<Refined<P>>,
}

/// What refining the adjoint solution needs: the upstream gradient, the solution so far, and right-hand sides of zeros.
struct Refined<P> {
    given: Vec<P>,
    total: Vec<P>,
    rhs: Vec<P>,
    iv: Vec<P>,
}

impl<P: Pack> Scratch<P> {
    fn new(problem: &Problem) -> Self {
        let shape = &problem.shape;
        let zeros = |n: usize| vec![P::ZERO; n];
        Scratch {
            staged: Staged::new(shape),
            rhs: zeros(shape.right_hand_sides()),
            iv: zeros(shape.initial_values()),
            u: zeros(shape.unknowns()),
            z: zeros(shape.unknowns()),
            c_adj: zeros(shape.coefficients()),
            rhs_adj: zeros(shape.right_hand_sides()),
            iv_adj: zeros(shape.initial_values()),
            h_adj: zeros(shape.intervals() * shape.states),
            powers: zeros(8 * shape.orders),
            refined: (problem.scheme.refinements > 0).then(|| Refined {
                given: zeros(shape.unknowns()),
                total: zeros(shape.unknowns()),
                rhs: zeros(shape.right_hand_sides()),
                iv: zeros(shape.initial_values()),
            }),
        }
    }
}

struct AdjointChunk<'a, 'b, P, G> {
    given: Given<'a>,
    groups: std::ops::Range<usize>,
    factor: &'a G,
    scratch: &'a mut Scratch<P>,
    piece: &'a mut Piece<'b>,
}

impl<P: Pack, F: Stored<P>, G: Fn(usize) -> F> Kernel<P> for AdjointChunk<'_, '_, P, G> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = P>>(self) {
        let AdjointChunk { given, groups, factor, scratch, piece } = self;
        let Given { problem, plan, solution, upstream, upstream_eps, wanted } = given;
        let shape = &problem.shape;
        for (local, index) in groups.enumerate() {
            let samples = Samples::of_group::<P>(index, shape.batch);
            let first = local * P::WIDTH;
            scratch.staged.load::<V>(problem, samples);
            gather(&mut scratch.rhs, problem.rhs, shape.right_hand_sides(), samples);
            gather(&mut scratch.iv, problem.iv, shape.initial_values(), samples);
            if wanted.c || wanted.h || wanted.weights {
                // Without it the residuals below are those of another lane group, and nobody reads them.
                gather(&mut scratch.u, &solution.u, shape.unknowns(), samples);
            }
            gather(&mut scratch.z, upstream, shape.unknowns(), samples);
            let (mut eps, mut z_eps) = ([P::ZERO], [P::ZERO]);
            if plan.slack {
                gather(&mut eps, &solution.eps, 1, samples);
                if let Some(values) = upstream_eps {
                    gather(&mut z_eps, values, 1, samples);
                }
            }
            solve_upstream::<V, F>(problem, plan, factor(index), scratch, &mut z_eps[0]);
            if let Some(failure) = non_finite(shape, &scratch.z, samples) {
                piece.failure.get_or_insert(failure);
                return;
            }
            let equation = equation_rows::<V>(problem, scratch, wanted);
            let initial = initial_rows::<V>(problem, scratch);
            let smooth = if wanted.h || wanted.weights {
                smooth_rows::<V>(problem, plan, scratch, V::load(&eps[0]), V::load(&z_eps[0]))
            } else {
                V::splat(0.0)
            };
            if wanted.rhs {
                scatter(&scratch.rhs_adj, piece.rhs, shape.right_hand_sides(), first, samples.count);
            }
            if wanted.iv {
                scatter(&scratch.iv_adj, piece.iv, shape.initial_values(), first, samples.count);
            }
            if wanted.c && problem.c.per_sample() {
                scatter(&scratch.c_adj, piece.c, shape.coefficients(), first, samples.count);
            } else if wanted.c {
                accumulate(&scratch.c_adj, &mut piece.c_sum, samples.count);
            }
            if wanted.h {
                let h_adj = step_gradient::<V>(problem, &mut scratch.h_adj);
                if problem.h.per_sample {
                    scatter(h_adj, piece.h, h_adj.len(), first, samples.count);
                } else {
                    accumulate(h_adj, &mut piece.h_sum, samples.count);
                }
            }
            if wanted.weights {
                let w = &problem.scheme.weights;
                let mut sums = [P::ZERO; 3];
                for (to, (sum, weight)) in
                    sums.iter_mut().zip([(equation, w.equation), (initial, w.initial), (smooth, w.smooth)])
                {
                    sum.mul(V::splat(2.0 * weight)).store(to);
                }
                accumulate(&sums, &mut piece.weights, samples.count);
            }
        }
    }
}

/// `N z = g` in place for the upstream gradient in `z` and `z_eps`, refined as often as the solve itself.
#[inline(always)]
fn solve_upstream<V: Lanes, F: Stored<V::Pack>>(
    problem: &Problem,
    plan: &Plan,
    factor: F,
    scratch: &mut Scratch<V::Pack>,
    z_eps: &mut V::Pack,
) {
    let shape = &problem.shape;
    let Scratch { staged, z, refined, .. } = scratch;
    scale_by::<V>(z, &staged.unscale);
    let given_eps = V::load(z_eps);
    let mut sum_eps = V::splat(0.0);
    if let Some(refined) = refined {
        refined.given.copy_from_slice(z);
        refined.total.fill(V::Pack::ZERO);
    }
    for pass in 0..=problem.scheme.refinements {
        if pass > 0
            && let Some(Refined { given, total, rhs, iv }) = refined
        {
            let mut sum = V::Pack::ZERO;
            sum_eps.store(&mut sum);
            row_residuals::<V>(problem, plan, staged, (rhs, iv), (total, &sum), z, z_eps);
            for (r, g) in z.iter_mut().zip(given.iter()) {
                V::load(r).add(V::load(g)).store(r);
            }
            V::load(z_eps).add(given_eps).store(z_eps);
        }
        substitute::<V, F>(plan, shape.steps, shape.block(), factor, z, z_eps);
        scale_by::<V>(z, &staged.unscale);
        sum_eps = sum_eps.add(V::load(z_eps));
        if let Some(Refined { total, .. }) = refined {
            add_to::<V>(total, z);
        }
    }
    if let Some(Refined { total, .. }) = refined {
        z.copy_from_slice(total);
    }
    sum_eps.store(z_eps);
}

/// The first number of `z` that is not finite.
#[inline(always)]
fn non_finite<P: Pack>(shape: &Shape, z: &[P], samples: Samples) -> Option<SolveError> {
    let bad = |pack: &P| (0..samples.count).any(|lane| !pack.lane(lane).is_finite());
    if !z.iter().any(bad) {
        return None;
    }
    (0..samples.count).find_map(|lane| {
        let one: Vec<f64> = z.iter().map(|pack| pack.lane(lane)).collect();
        check_finite("adjoint solution", shape, &one).err().map(|error| offset_sample(error, samples.first + lane))
    })
}

/// Gradients of equation coefficients and right-hand sides; gives `sum r (a z)`.
#[inline(always)]
fn equation_rows<V: Lanes>(problem: &Problem, scratch: &mut Scratch<V::Pack>, wanted: Wanted) -> V {
    let shape = &problem.shape;
    let block = shape.block();
    let square = V::splat(problem.scheme.weights.equation * problem.scheme.weights.equation);
    let mut sum = V::splat(0.0);
    for e in 0..shape.equations {
        for t in 0..shape.steps {
            let row = e * shape.steps + t;
            let c = &scratch.staged.c[row * block..][..block];
            let (u, z) = (&scratch.u[t * block..][..block], &scratch.z[t * block..][..block]);
            let (mut r, mut q) = (V::load(&scratch.rhs[row]), V::splat(0.0));
            for ((a, x), y) in c.iter().zip(u).zip(z) {
                let a = V::load(a);
                r = a.neg_mul_add(V::load(x), r);
                q = a.mul_add(V::load(y), q);
            }
            sum = r.mul_add(q, sum);
            let (r, q) = (r.mul(square), q.mul(square));
            q.store(&mut scratch.rhs_adj[row]);
            if wanted.c {
                for ((to, x), y) in scratch.c_adj[row * block..][..block].iter_mut().zip(u).zip(z) {
                    q.neg_mul_add(V::load(x), r.mul(V::load(y))).store(to);
                }
            }
        }
    }
    sum
}

/// Gradients of initial values; gives `sum r (a z)`.
#[inline(always)]
fn initial_rows<V: Lanes>(problem: &Problem, scratch: &mut Scratch<V::Pack>) -> V {
    let shape = &problem.shape;
    let ki = shape.initial_orders;
    let square = V::splat(problem.scheme.weights.initial * problem.scheme.weights.initial);
    let mut sum = V::splat(0.0);
    for i in 0..shape.initial_values() {
        let place = i / ki * shape.orders + i % ki;
        let z = V::load(&scratch.z[place]);
        sum = V::load(&scratch.iv[i]).sub(V::load(&scratch.u[place])).mul_add(z, sum);
        z.mul(square).store(&mut scratch.iv_adj[i]);
    }
    sum
}

/// Gradients of the steps, `(T-1, D)` into `h_adj`; gives `sum r (a z)`.
#[inline(always)]
fn smooth_rows<V: Lanes>(problem: &Problem, plan: &Plan, scratch: &mut Scratch<V::Pack>, eps: V, z_eps: V) -> V {
    let shape = &problem.shape;
    let (block, k, states) = (shape.block(), shape.orders, shape.states);
    let square = V::splat(problem.scheme.weights.smooth * problem.scheme.weights.smooth);
    let zero = V::splat(0.0);
    let Scratch { staged, u, z, h_adj, powers, .. } = scratch;
    // h^j u_j, d/dh of it, and the same for z, at both ends of the interval.
    let (now_u, rest) = powers.split_at_mut(k);
    let (then_u, rest) = rest.split_at_mut(k);
    let (now_du, rest) = rest.split_at_mut(k);
    let (then_du, rest) = rest.split_at_mut(k);
    let (now_z, rest) = rest.split_at_mut(k);
    let (then_z, rest) = rest.split_at_mut(k);
    let (now_dz, then_dz) = rest.split_at_mut(k);
    let mut sum = zero;
    for t in 0..shape.intervals() {
        for d in 0..states {
            let (now, then) = (t * block + d * k, (t + 1) * block + d * k);
            let h = V::load(&staged.h[t * states + d]);
            let (mut p, mut dp) = (V::splat(1.0), zero);
            for j in 0..k {
                p.mul(V::load(&u[now + j])).store(&mut now_u[j]);
                p.mul(V::load(&u[then + j])).store(&mut then_u[j]);
                dp.mul(V::load(&u[now + j])).store(&mut now_du[j]);
                dp.mul(V::load(&u[then + j])).store(&mut then_du[j]);
                p.mul(V::load(&z[now + j])).store(&mut now_z[j]);
                p.mul(V::load(&z[then + j])).store(&mut then_z[j]);
                dp.mul(V::load(&z[now + j])).store(&mut now_dz[j]);
                dp.mul(V::load(&z[then + j])).store(&mut then_dz[j]);
                dp = p.mul(V::splat((j + 1) as f64));
                p = p.mul(h);
            }
            let mut gradient = zero;
            for row in &plan.rows.rows {
                let (mut r, mut q, mut du, mut dz) = (zero.sub(eps), z_eps, zero, zero);
                for j in 0..k {
                    let (a, b) = (V::splat(row.at[j]), V::splat(row.next[j]));
                    r = b.neg_mul_add(V::load(&then_u[j]), a.neg_mul_add(V::load(&now_u[j]), r));
                    q = b.mul_add(V::load(&then_z[j]), a.mul_add(V::load(&now_z[j]), q));
                    du = b.mul_add(V::load(&then_du[j]), a.mul_add(V::load(&now_du[j]), du));
                    dz = b.mul_add(V::load(&then_dz[j]), a.mul_add(V::load(&now_dz[j]), dz));
                }
                sum = r.mul_add(q, sum);
                gradient = q.neg_mul_add(du, r.mul_add(dz, gradient));
            }
            gradient.mul(square).store(&mut h_adj[t * states + d]);
        }
    }
    if problem.scheme.central {
        for t in 1..shape.steps.saturating_sub(1) {
            for d in 0..states {
                let (r, q, gradient) = central_gradient::<V>(problem, staged, u, z, (t, d), (eps, z_eps));
                sum = r.mul_add(q, sum);
                for interval in [t - 1, t] {
                    let to = &mut h_adj[interval * states + d];
                    gradient.mul_add(square, V::load(to)).store(to);
                }
            }
        }
    }
    sum
}

/// Residual, `a z`, and the derivative in `H` of the central row around step `t`.
#[inline(always)]
fn central_gradient<V: Lanes>(
    problem: &Problem,
    staged: &Staged<V::Pack>,
    u: &[V::Pack],
    z: &[V::Pack],
    (t, d): (usize, usize),
    (eps, z_eps): (V, V),
) -> (V, V, V) {
    let shape = &problem.shape;
    let k = shape.orders;
    let at = |t: usize, order: usize| t * shape.block() + d * k + order;
    let (both, scale) = central_step::<V>(problem, staged, t, d);
    let slope = |x: &[V::Pack]| V::load(&x[at(t + 1, k - 2)]).sub(V::load(&x[at(t - 1, k - 2)]));
    let top = |x: &[V::Pack]| V::load(&x[at(t, k - 1)]);
    let (u_slope, z_slope, u_top, z_top) = (slope(u), slope(z), top(u), top(z));
    let r = scale.neg_mul_add(both.neg_mul_add(u_top, u_slope), V::splat(0.0).sub(eps));
    let q = scale.mul_add(both.neg_mul_add(z_top, z_slope), z_eps);
    // d/dH of H^(n-2) slope - H^(n-1) top, n = k - 1.
    let n = k as i32 - 1;
    let of_slope = power(both, n - 3).mul(V::splat(f64::from(n - 2)));
    let of_top = scale.mul(V::splat(f64::from(n - 1)));
    let du = of_top.neg_mul_add(u_top, of_slope.mul(u_slope));
    let dz = of_top.neg_mul_add(z_top, of_slope.mul(z_slope));
    (r, q, q.neg_mul_add(du, r.mul(dz)))
}

/// Where all states share the step their gradients are summed into the first `T - 1` places.
#[inline(always)]
fn step_gradient<'a, V: Lanes>(problem: &Problem, h_adj: &'a mut [V::Pack]) -> &'a [V::Pack] {
    let states = problem.shape.states;
    if problem.h.per_state || states == 1 {
        return h_adj;
    }
    for t in 0..problem.shape.intervals() {
        let mut sum = V::load(&h_adj[t * states]);
        for d in 1..states {
            sum = sum.add(V::load(&h_adj[t * states + d]));
        }
        sum.store(&mut h_adj[t]);
    }
    &h_adj[..problem.shape.intervals()]
}

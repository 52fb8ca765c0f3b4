//! Gradients of a solve, in residual form.
//!
//! With the normal matrix `N = A^T A` and `z = N^-1 g` for an upstream gradient `g`, the gradient of a row's right-hand side is
//! `w^2 (a z)`, of its coefficients `w^2 (r z - (a z) u)` with `r = b - a u`, and of its weight `2 w r (a z)`: one substitution
//! with the stored factor and one pass over the rows.

use rayon::prelude::*;

use super::arithmetic::{Arithmetic, Mixed, Plain};
use super::error::SolveError;
use super::factor::{Factor, Scratch as FactorScratch, Storage};
use super::gradients::{Outputs, RowGradients, Rows};
use super::plan::Plan;
use super::pool::{Lease, Pool};
use super::problem::{Precision, Problem, Shape};
use super::segments::Cut;
use super::shared::{Shared, SharedVectors};
use super::solution::{Solution, SolveGroup, Task, Unknowns, find_non_finite, offset_sample};
use super::stage::{Pieces, Window, accumulate, gather, scatter, spread_factor};
use super::substitute::{Common, Own, Stored};
use crate::solve::lanes::{Pack, Pack8, Pack16};

/// Which gradients to compute; the others come back empty (0 for the scalar weights).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    pub c: bool,
    pub rhs: bool,
    pub iv: bool,
    pub h: bool,
    pub weights: bool,
    /// Of the factors on single rows.
    pub row_weights: bool,
    /// Of the data rows' values and weights.
    pub data: bool,
    /// Of the border's columns.
    pub border: bool,
}

impl Wanted {
    /// All of them.
    pub const ALL: Wanted =
        Wanted { c: true, rhs: true, iv: true, h: true, weights: true, row_weights: true, data: true, border: true };
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
    /// Of the factors on equation rows `(E, T)`, initial rows `(Ti, D)` and smooth rows `(T-1, D)`.
    pub row_weights: [Vec<f64>; 3],
    /// Of the data rows' values `(B, M)`.
    pub data: Vec<f64>,
    /// Of the data rows' weights `(M)`.
    pub data_weights: Vec<f64>,
    /// `(B or 1, E, T, P)`
    pub border: Vec<f64>,
    /// Of the slack's push `gamma * alpha`, summed over the batch.
    pub push: f64,
}

/// Gradients of a scalar `l` with respect to the solution.
#[derive(Debug, Clone, Copy, Default)]
pub struct Upstream<'a> {
    /// `dl/du`, `(B, T, D, K)`
    pub u: &'a [f64],
    /// `dl/d eps`, `(B)`; empty where `l` does not depend on the slack.
    pub eps: &'a [f64],
    /// `dl/d theta`, `(B, P)`; empty where `l` does not depend on the border.
    pub theta: &'a [f64],
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
        let upstream = Upstream { u: upstream, eps: upstream_eps.unwrap_or_default(), theta: &[] };
        self.adjoint_into(problem, solution, upstream, wanted, &mut gradients)?;
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
        upstream: Upstream<'_>,
        wanted: Wanted,
        gradients: &mut Gradients,
    ) -> Result<(), SolveError> {
        self.check(problem)?;
        let shape = &problem.shape;
        let (plan, len) = (&self.plan, self.plan.len);
        let length = |what, expected, got| {
            if expected == got { Ok(()) } else { Err(SolveError::Length { what, expected, got }) }
        };
        let optional = |what, expected, got| if got == 0 { Ok(()) } else { length(what, expected, got) };
        length("upstream", shape.batch * shape.unknowns(), upstream.u.len())?;
        optional("the slack's upstream gradient", shape.batch, upstream.eps.len())?;
        optional("the border's upstream gradient", shape.batch * plan.own, upstream.theta.len())?;
        length("the solution's u", shape.batch * shape.unknowns(), solution.u.len())?;
        length("the solution's eps", shape.batch, solution.eps.len())?;
        length("the solution's theta", shape.batch * plan.own, solution.theta.len())?;
        let given = Given { problem, plan, pool: &self.pool, solution, upstream, wanted };
        let mixed = problem.scheme.precision == Precision::Mixed;
        match &self.storage {
            Storage::Segments(x) => {
                adjoint_batch::<Plain<f64>, _>(given, |sample| Cut { segments: x, sample }, gradients)
            }
            Storage::Wide(x) => adjoint_batch::<Plain<Pack8>, _>(given, |g| Own(&x[g * len..]), gradients),
            Storage::Single(x) if mixed => adjoint_batch::<Mixed, _>(given, |g| Own(&x[g * len..]), gradients),
            Storage::Single(x) => adjoint_batch::<Plain<Pack16>, _>(given, |g| Own(&x[g * len..]), gradients),
            Storage::Narrow(x) if problem.scheme.precision == Precision::Single => {
                let x = spread_factor(x);
                adjoint_batch::<Plain<Pack16>, _>(given, |_| Own(&x), gradients)
            }
            Storage::Narrow(x) if !self.common => adjoint_batch::<Plain<f64>, _>(given, |_| Own(x), gradients),
            Storage::Narrow(_)
                if !(wanted.weights || wanted.row_weights)
                    && let Some(shared) = Shared::new(self, problem) =>
            {
                let scratch = || SharedVectors::take(shape, &self.pool);
                let of_piece = |vectors: &mut Lease<'_, SharedVectors>, groups, piece: &mut Piece<Pack8>| {
                    shared_piece(given, &shared, groups, vectors, piece);
                };
                in_pieces(given, scratch, of_piece, gradients)
            }
            Storage::Narrow(factor) => {
                let common = Common { factor, propagators: &self.propagators };
                adjoint_batch::<Plain<Pack8>, _>(given, |_| common, gradients)
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Given<'a> {
    problem: &'a Problem<'a>,
    plan: &'a Plan,
    pool: &'a Pool,
    solution: &'a Solution,
    upstream: Upstream<'a>,
    wanted: Wanted,
}

/// Numbers of one sample in each gradient; 0 for those that are not wanted.
struct Sizes {
    c: usize,
    rhs: usize,
    iv: usize,
    h: usize,
    data: usize,
    border: usize,
    rows: [usize; 3],
}

impl Sizes {
    fn new(problem: &Problem, wanted: Wanted) -> Self {
        let shape = &problem.shape;
        let if_wanted = |wanted: bool, n: usize| if wanted { n } else { 0 };
        let rows = |n: usize| if_wanted(wanted.row_weights, n);
        Sizes {
            c: if_wanted(wanted.c, shape.coefficients()),
            rhs: if_wanted(wanted.rhs, shape.right_hand_sides()),
            iv: if_wanted(wanted.iv, shape.initial_values()),
            h: if_wanted(wanted.h, shape.intervals() * if problem.h.per_state { shape.states } else { 1 }),
            data: if_wanted(wanted.data, problem.data.places.len()),
            border: if_wanted(wanted.border, shape.right_hand_sides() * problem.border.width),
            rows: [
                rows(shape.right_hand_sides()),
                rows(shape.initial_steps * shape.states),
                rows(shape.intervals() * shape.states),
            ],
        }
    }
}

/// One piece's share of the gradients: slices of what each sample has for itself, sums of what is shared.
struct Piece<'a, P> {
    c: &'a mut [f64],
    rhs: &'a mut [f64],
    iv: &'a mut [f64],
    h: &'a mut [f64],
    data: &'a mut [f64],
    border: &'a mut [f64],
    sums: Sums<P>,
    failure: Option<SolveError>,
}

/// Sums over the samples of a piece, lane by lane.
struct Sums<P> {
    c: Vec<P>,
    h: Vec<P>,
    border: Vec<P>,
    data_weights: Vec<P>,
    weights: Vec<P>,
    rows: [Vec<P>; 3],
    push: Vec<P>,
}

/// An array of each sample's own or one sum, as mutable halves of which one is empty.
fn own_or_shared(array: &mut Vec<f64>, own: bool, size: usize, batch: usize) -> (&mut [f64], &mut [f64]) {
    array.resize(if own { batch * size } else { size }, 0.0);
    if own {
        (array, &mut [])
    } else {
        array.fill(0.0);
        (&mut [], array)
    }
}

fn adjoint_batch<A: Arithmetic, F: Stored<A::Low>>(
    given: Given,
    factor: impl Fn(usize) -> F + Sync,
    gradients: &mut Gradients,
) -> Result<(), SolveError> {
    let of_piece = |scratch: &mut Scratch<'_, A>, groups, piece: &mut Piece<A::High>| {
        adjoint_piece(given, groups, &factor, scratch, piece);
    };
    in_pieces(given, || Scratch::<A>::take(&given), of_piece, gradients)
}

/// Gradients piece by piece, in parallel; sums over pieces are taken in the order of the batch.
fn in_pieces<P: Pack, S>(
    given: Given,
    scratch: impl Fn() -> S + Sync + Send,
    of_piece: impl Fn(&mut S, std::ops::Range<usize>, &mut Piece<P>) + Sync + Send,
    gradients: &mut Gradients,
) -> Result<(), SolveError> {
    let Given { problem, wanted, .. } = given;
    let batch = problem.shape.batch;
    let cut = Pieces::new::<P>(batch);
    let sizes = Sizes::new(problem, wanted);
    let Gradients { c, rhs, iv, h, weights, row_weights, data, data_weights, border, push } = gradients;
    let (c_each, c_shared) = own_or_shared(c, problem.c.per_sample(), sizes.c, batch);
    let (h_each, h_shared) = own_or_shared(h, problem.h.per_sample, sizes.h, batch);
    let (border_each, border_shared) = own_or_shared(border, problem.border.per_sample, sizes.border, batch);
    rhs.resize(batch * sizes.rhs, 0.0);
    iv.resize(batch * sizes.iv, 0.0);
    data.resize(batch * sizes.data, 0.0);
    let zeros = |n: usize| vec![0.0; n];
    let lanes = |n: usize| vec![P::ZERO; n];
    *weights = [0.0; 3];
    *push = 0.0;
    *data_weights = zeros(sizes.data);
    *row_weights = sizes.rows.map(zeros);
    let mut pieces: Vec<Piece<P>> = cut
        .split(c_each, sizes.c)
        .into_iter()
        .zip(cut.split(rhs, sizes.rhs))
        .zip(cut.split(iv, sizes.iv))
        .zip(cut.split(h_each, sizes.h))
        .zip(cut.split(data, sizes.data))
        .zip(cut.split(border_each, sizes.border))
        .map(|(((((c, rhs), iv), h), data), border)| Piece {
            c,
            rhs,
            iv,
            h,
            data,
            border,
            sums: Sums {
                c: lanes(c_shared.len()),
                h: lanes(h_shared.len()),
                border: lanes(border_shared.len()),
                data_weights: lanes(sizes.data),
                weights: lanes(3),
                rows: sizes.rows.map(lanes),
                push: lanes(1),
            },
            failure: None,
        })
        .collect();
    pieces
        .par_iter_mut()
        .enumerate()
        .for_each_init(scratch, |scratch, (index, piece)| of_piece(scratch, cut.range(index), piece));
    let add = |to: &mut [f64], from: &[P]| {
        let over_lanes = |pack: &P| (0..P::WIDTH).map(|lane| pack.lane(lane)).sum::<f64>();
        to.iter_mut().zip(from).for_each(|(x, pack)| *x += over_lanes(pack));
    };
    for piece in &mut pieces {
        if let Some(failure) = piece.failure.take() {
            return Err(failure);
        }
        add(c_shared, &piece.sums.c);
        add(h_shared, &piece.sums.h);
        add(border_shared, &piece.sums.border);
        add(data_weights, &piece.sums.data_weights);
        add(weights, &piece.sums.weights);
        row_weights.iter_mut().zip(&piece.sums.rows).for_each(|(to, from)| add(to, from));
        add(std::slice::from_mut(push), &piece.sums.push);
    }
    if !wanted.weights {
        *weights = [0.0; 3];
    }
    Ok(())
}

struct Scratch<'a, A: Arithmetic> {
    factor: Lease<'a, FactorScratch<A>>,
    unknowns: Lease<'a, Unknowns<A>>,
    vectors: Lease<'a, Vectors<A::High>>,
}

/// The solution in lanes, `(T, D, K)` and the border, and the gradients.
struct Vectors<P> {
    wanted: Wanted,
    u: Vec<P>,
    border: Vec<P>,
    outputs: Outputs<P>,
}

impl<'a, A: Arithmetic> Scratch<'a, A> {
    fn take(given: &Given<'a>) -> Self {
        let Given { problem, plan, wanted, pool, .. } = *given;
        let new = || Vectors {
            wanted,
            u: vec![A::High::ZERO; problem.shape.unknowns()],
            border: vec![A::High::ZERO; plan.border],
            outputs: Outputs::new(problem, wanted),
        };
        Scratch {
            factor: FactorScratch::take(problem, plan, pool),
            unknowns: Unknowns::take(problem, plan, pool),
            vectors: pool.take(|kept: &Vectors<A::High>| kept.wanted == wanted, new),
        }
    }
}

/// The gradients of a piece.
fn adjoint_piece<A: Arithmetic, F: Stored<A::Low>>(
    given: Given,
    groups: std::ops::Range<usize>,
    factor: &impl Fn(usize) -> F,
    scratch: &mut Scratch<'_, A>,
    piece: &mut Piece<A::High>,
) {
    let Given { problem, plan, solution, upstream, wanted, .. } = given;
    let shape = &problem.shape;
    let first = groups.start * A::Low::WIDTH;
    let Scratch { factor: made, unknowns, vectors } = scratch;
    let (staged, unknowns) = (&mut made.staged, &mut **unknowns);
    let Vectors { u, border, outputs, .. } = &mut **vectors;
    let own = usize::from(plan.slack);
    for group in groups {
        let window = Window::of_group::<A::Low>(group, shape);
        staged.load_matrix(problem, window);
        staged.load_values(problem, window);
        gather(u, &solution.u, shape.unknowns(), window);
        gather(&mut unknowns.y, upstream.u, shape.unknowns(), window);
        unknowns.border.fill(A::High::ZERO);
        if plan.slack {
            gather(&mut border[..1], &solution.eps, 1, window);
            if !upstream.eps.is_empty() {
                gather(&mut unknowns.border[..1], upstream.eps, 1, window);
            }
        }
        if plan.own > 0 {
            gather(&mut border[own..own + plan.own], &solution.theta, plan.own, window);
            if !upstream.theta.is_empty() {
                gather(&mut unknowns.border[own..own + plan.own], upstream.theta, plan.own, window);
            }
        }
        let factor = factor(group);
        let task = Task::Adjoint;
        let finite = A::Low::dispatch(SolveGroup::<A, F> { problem, plan, staged, factor, task, unknowns });
        if !finite && let Some(failure) = non_finite(shape, &unknowns.y, window) {
            piece.failure = Some(failure);
            return;
        }
        let rows = Rows { problem, plan, staged, wanted, u, border, z: &unknowns.y, z_border: &unknowns.border };
        A::High::dispatch(RowGradients { rows, out: outputs });
        piece.write(problem, plan, wanted, outputs, window, window.first - first);
        if plan.slack {
            accumulate(&unknowns.border[..1], &mut piece.sums.push, window.count);
        }
    }
}

/// The gradients of a piece where the samples share everything but right-hand sides and initial values.
fn shared_piece(
    given: Given,
    shared: &Shared,
    groups: std::ops::Range<usize>,
    vectors: &mut SharedVectors,
    piece: &mut Piece<Pack8>,
) {
    let Given { problem, solution, upstream, wanted, .. } = given;
    let shape = &problem.shape;
    let first = groups.start * Pack8::WIDTH;
    for group in groups {
        let window = Window::of_group::<Pack8>(group, shape);
        let sums = (&mut piece.sums.c[..], &mut piece.sums.h[..]);
        if !vectors.adjoint(shared, window, (&solution.u, upstream.u), sums)
            && let Some(failure) = non_finite(shape, &vectors.y, window)
        {
            piece.failure = Some(failure);
            return;
        }
        let at = window.first - first;
        if wanted.rhs {
            scatter(&mut vectors.of_rhs, piece.rhs, shape.right_hand_sides(), at, window.count);
        }
        if wanted.iv {
            scatter(&mut vectors.of_iv, piece.iv, shape.initial_values(), at, window.count);
        }
    }
}

impl<P: Pack> Piece<'_, P> {
    /// Takes the gradients of a lane group out of its lanes; `first` counts its samples from the start of the piece.
    fn write(
        &mut self,
        problem: &Problem,
        plan: &Plan,
        wanted: Wanted,
        outputs: &mut Outputs<P>,
        window: Window,
        first: usize,
    ) {
        let shape = &problem.shape;
        let each = |own: bool, from: &mut [P], to: &mut [f64], sum: &mut [P]| {
            let size = from.len();
            match own {
                true => scatter(from, to, size, first, window.count),
                false => accumulate(from, sum, window.count),
            }
        };
        let Sums { c, h, border, data_weights, weights, rows, .. } = &mut self.sums;
        if wanted.rhs {
            each(true, &mut outputs.rhs, self.rhs, &mut []);
        }
        if wanted.iv {
            each(true, &mut outputs.iv, self.iv, &mut []);
        }
        if wanted.c {
            each(problem.c.per_sample(), &mut outputs.c, self.c, c);
        }
        if wanted.h {
            let by_interval = outputs.steps(problem);
            each(problem.h.per_sample, by_interval, self.h, h);
        }
        if wanted.border && plan.own > 0 {
            each(problem.border.per_sample, &mut outputs.border, self.border, border);
        }
        if wanted.data {
            each(true, &mut outputs.data, self.data, &mut []);
            accumulate(&outputs.data_weights, data_weights, window.count);
        }
        if wanted.weights {
            accumulate(&outputs.weights, weights, window.count);
        }
        if wanted.row_weights {
            for (from, to) in outputs.row_weights.iter().zip(rows) {
                accumulate(from, to, window.count);
            }
        }
        debug_assert!(shape.batch >= window.first + window.count);
    }
}

/// The first number of `z` that is not finite.
#[cold]
fn non_finite<P: Pack>(shape: &Shape, z: &[P], window: Window) -> Option<SolveError> {
    (0..window.count).find_map(|lane| {
        let one: Vec<f64> = z.iter().map(|pack| pack.lane(lane)).collect();
        find_non_finite("adjoint solution", shape, &one).map(|error| offset_sample(error, window.lane(lane).0))
    })
}

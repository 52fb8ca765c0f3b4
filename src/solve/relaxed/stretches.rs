//! One state with a matrix for each sample, swept in stretches of time.
//!
//! A long sample's staged numbers do not fit the caches, and sweeps over all of them would wait for memory. So a stretch is staged,
//! eliminated and substituted before the next one; on the way back it is staged again, solved and taken out of its lanes, and in an adjoint its
//! gradients are taken where the adjoint solution arises. Only the factor and one vector of the sample's length are kept between the two sweeps.
//!
//! The arithmetic is that of [`super::small`]. What goes wrong is only noticed here: the general way is taken again to name it.

use rayon::prelude::*;

use super::differentiated::Gradients;
use super::pieces::{Given, Piece, in_pieces};
use super::plan::Plan;
use super::pool::{Lease, Pool};
use super::problem::{Problem, Shape};
use super::small::is_small;
use super::small_kernel::{dispatch, has_code};
use super::stage::Staged;
use super::windows::{Cut, Pieces, Window, accumulate, scatter};
use crate::solve::lanes::{Destination, Pack, Pack8};
use kernels::{Backward, Eliminate, Forward, Solve, WeightGradients};

mod kernels;

/// The most steps of a stretch: with factor and gradients they take half a megabyte to three quarters of lanes.
const STRETCH: usize = 256;

/// Whether the solves of a problem go this way: uncorrected ones, which are those of normal matrices in double precision whose systems start fully.
pub(crate) fn fits(problem: &Problem, plan: &Plan) -> bool {
    let Shape { states, orders, initial_steps, .. } = problem.shape;
    states == 1
        && has_code(orders)
        && initial_steps <= STRETCH / 2
        && !problem.constant_matrix()
        && problem.refinements() == 0
        && problem.data.places.is_empty()
        && plan.groups.iter().all(|group| is_small(group, orders))
}

/// The stretches of a lane group, in the order of time: of nearly the same length.
fn stretches(window: Window) -> impl DoubleEndedIterator<Item = Window> {
    let (steps, count) = (window.steps, window.steps.div_ceil(STRETCH));
    (0..count).map(move |i| {
        let start = i * steps / count;
        window.stretch(start, (i + 1) * steps / count - start)
    })
}

/// Where the numbers of whole samples will go. Stretches are too long for their lines to stay in the cache until they are written.
fn destination(window: Window, whole: bool, to: &[f64], stride: usize, sample: usize) -> Destination<'_> {
    match whole {
        true => Destination::new(to, stride, (sample, window.count), window.steps),
        false => Destination::default(),
    }
}

/// Something went wrong in a lane group. What it was the general way says.
struct Refused;

/// Memory of a lane group.
struct Sweep {
    staged: Staged<Pack8>,
    /// Right-hand sides, then what the sweep down leaves, `(T, K)`.
    y: Vec<Pack8>,
    after: After,
    /// Of a stretch in an adjoint: the solution `(t, K)`, and the gradients of coefficients `(E, t, K)`, right-hand sides `(E, t)`, initial
    /// values `(Ti, Ki)` and steps `(t)`.
    u: Vec<Pack8>,
    of_c: Vec<Pack8>,
    of_rhs: Vec<Pack8>,
    of_iv: Vec<Pack8>,
    of_h: Vec<Pack8>,
    /// Sums of `w^2 r (a z)` over the equation rows and over the initial rows of the stretches done.
    products: [Pack8; 2],
}

/// The step after a stretch: its scaled solution, the solution and the adjoint solution.
struct After {
    scaled: [Pack8; 4],
    u: [Pack8; 4],
    z: [Pack8; 4],
}

impl Sweep {
    /// Memory of the pool.
    fn take<'a>(problem: &Problem, pool: &'a Pool) -> Lease<'a, Self> {
        let shape = &problem.shape;
        let steps = shape.steps.min(STRETCH);
        let new = || Sweep {
            staged: Staged::new(problem, steps),
            y: vec![Pack8::ZERO; shape.unknowns()],
            after: After { scaled: [Pack8::ZERO; 4], u: [Pack8::ZERO; 4], z: [Pack8::ZERO; 4] },
            u: Vec::new(),
            of_c: Vec::new(),
            of_rhs: Vec::new(),
            of_iv: vec![Pack8::ZERO; shape.initial_values()],
            of_h: Vec::new(),
            products: [Pack8::ZERO; 2],
        };
        let mut sweep = pool.take(|_| true, new);
        sweep.staged.reset(problem);
        sweep
    }

    /// Room for the gradients of a stretch.
    fn set_steps(&mut self, shape: &Shape, steps: usize) {
        let cut = Shape { steps, ..*shape };
        self.u.resize(cut.unknowns(), Pack8::ZERO);
        self.of_c.resize(cut.coefficients(), Pack8::ZERO);
        self.of_rhs.resize(cut.right_hand_sides(), Pack8::ZERO);
        self.of_h.resize(steps, Pack8::ZERO);
    }

    /// Factors a lane group into `out` and solves it into its samples `to`. Says whether all went well.
    fn factor_and_solve(
        &mut self,
        problem: &Problem,
        plan: &Plan,
        window: Window,
        out: &mut [Pack8],
        (to, sample): (&mut [f64], usize),
    ) -> bool {
        let Shape { orders, steps, .. } = problem.shape;
        let Sweep { staged, y, after, .. } = self;
        for window in stretches(window) {
            staged.set_steps(&problem.shape, window.steps);
            staged.load_matrix(problem, window);
            staged.load_values(problem, window);
            if !dispatch(orders, Eliminate { problem, plan, staged, first: window.offset, out, y }) {
                return false;
            }
        }
        let whole = window.steps <= STRETCH;
        let mut finite = true;
        for window in stretches(window).rev() {
            if !whole {
                staged.set_steps(&problem.shape, window.steps);
                staged.load_steps(problem, window);
            }
            let solution = destination(window, whole, &*to, problem.shape.unknowns(), sample);
            finite &= dispatch(orders, Solve { plan, staged, first: window.offset, factor: out, y, after, solution });
            let of_stretch = &mut y[window.offset * orders..][..window.steps * orders];
            Cut { rows: 1, steps, window }.scatter(of_stretch, to, orders, sample);
        }
        finite
    }

    /// The gradients of a lane group. Says whether the adjoint solution is finite.
    fn adjoint(&mut self, given: Given, window: Window, factor: &[Pack8], piece: &mut Piece<Pack8, Refused>) -> bool {
        let Given { problem, plan, solution, upstream, .. } = given;
        let (shape, sample) = (&problem.shape, window.first - piece.first);
        let Shape { orders, steps, .. } = *shape;
        let whole = window.steps <= STRETCH;
        self.products = [Pack8::ZERO; 2];
        for window in stretches(window) {
            self.staged.set_steps(shape, window.steps);
            match whole {
                true => self.staged.load_matrix(problem, window),
                false => self.staged.load_steps(problem, window),
            }
            let of_stretch = &mut self.y[window.offset * orders..][..window.steps * orders];
            Cut { rows: 1, steps, window }.gather(of_stretch, upstream.u, orders, true);
            let (staged, y) = (&self.staged, &mut self.y[..]);
            dispatch(orders, Forward { plan, staged, first: window.offset, factor, y });
        }
        for window in stretches(window).rev() {
            self.set_steps(shape, window.steps);
            self.staged.set_steps(shape, window.steps);
            if !whole {
                self.staged.load_matrix(problem, window);
            }
            self.staged.load_values(problem, window);
            Cut { rows: 1, steps, window }.gather(&mut self.u, &solution.u, orders, true);
            let to = |array, stride| destination(window, whole, array, stride, sample);
            let to = [
                to(&*piece.c, shape.coefficients()),
                to(&*piece.rhs, shape.right_hand_sides()),
                to(&*piece.h, shape.intervals()),
            ];
            if !dispatch(orders, Backward { problem, plan, first: window.offset, factor, sweep: self, to }) {
                return false;
            }
            self.write(given, window, sample, piece);
        }
        if given.wanted.weights {
            let mut of_weights = [Pack8::ZERO; 3];
            Pack8::dispatch(WeightGradients { problem, products: &self.products, out: &mut of_weights });
            accumulate(&of_weights, &mut piece.sums.weights, window.count);
        }
        true
    }

    /// Takes the gradients of a stretch out of their lanes.
    fn write(&mut self, given: Given, window: Window, sample: usize, piece: &mut Piece<Pack8, Refused>) {
        let Given { problem, wanted, .. } = given;
        let shape = &problem.shape;
        let Shape { orders, steps, equations, .. } = *shape;
        let equation_rows = Cut { rows: equations, steps, window };
        if wanted.rhs {
            equation_rows.scatter(&mut self.of_rhs, piece.rhs, 1, sample);
        }
        if wanted.iv && window.offset == 0 {
            let stride = shape.initial_values();
            scatter(&mut self.of_iv, piece.iv, stride, sample, window.count);
        }
        if wanted.c {
            match problem.c.per_sample() {
                true => equation_rows.scatter(&mut self.of_c, piece.c, orders, sample),
                false => {
                    for (e, from) in self.of_c.chunks_exact(window.steps * orders).enumerate() {
                        let to = &mut piece.sums.c[(e * steps + window.offset) * orders..][..from.len()];
                        accumulate(from, to, window.count);
                    }
                }
            }
        }
        if wanted.h {
            // The last step has no interval after it.
            let intervals = window.steps.min(shape.intervals() - window.offset);
            let of_h = &mut self.of_h[..intervals];
            match problem.h.per_sample {
                true => {
                    let window = window.stretch(window.offset, intervals);
                    Cut { rows: 1, steps: shape.intervals(), window }.scatter(of_h, piece.h, 1, sample);
                }
                false => accumulate(of_h, &mut piece.sums.h[window.offset..][..intervals], window.count),
            }
        }
    }
}

/// [`super::Factor::refactor_and_solve_into`] for problems that fit; none where something went wrong.
pub(crate) fn factor_and_solve(
    problem: &Problem,
    (plan, pool): (&Plan, &Pool),
    values: &mut [Pack8],
    u: &mut [f64],
) -> Option<()> {
    let shape = &problem.shape;
    let cut = Pieces::new::<Pack8>(shape.batch);
    let fine: Vec<bool> = cut
        .split(u, shape.unknowns())
        .into_par_iter()
        .zip(values.par_chunks_mut(plan.len * cut.groups))
        .enumerate()
        .map_init(
            || Sweep::take(problem, pool),
            |sweep, (index, (to, values))| {
                let groups = cut.range(index);
                let first = groups.start * Pack8::WIDTH;
                groups.zip(values.chunks_exact_mut(plan.len)).all(|(group, out)| {
                    let window = Window::of_group::<Pack8>(group, shape);
                    sweep.factor_and_solve(problem, plan, window, out, (to, window.first - first))
                })
            },
        )
        .collect();
    fine.into_iter().all(|fine| fine).then_some(())
}

/// [`super::Factor::adjoint_into`] for problems that fit and gradients other than those of single rows' weights; none where something went wrong.
pub(crate) fn adjoint(given: Given, values: &[Pack8], gradients: &mut Gradients) -> Option<()> {
    let Given { problem, plan, pool, .. } = given;
    let of_piece = |sweep: &mut Lease<'_, Sweep>, groups: std::ops::Range<usize>, piece: &mut Piece<Pack8, Refused>| {
        for group in groups {
            let window = Window::of_group::<Pack8>(group, &problem.shape);
            let factor = &values[group * plan.len..][..plan.len];
            if !sweep.adjoint(given, window, factor, piece) {
                piece.failure = Some(Refused);
                return;
            }
        }
    };
    in_pieces(given, || Sweep::take(problem, pool), of_piece, gradients).ok()
}

//! One state with a matrix for each sample, swept in stretches of time.
//!
//! A long sample's staged numbers do not fit the caches, and sweeps over all of them would wait for memory. So a stretch is staged,
//! eliminated and substituted before the next one; on the way back it is staged again, solved and taken out of its lanes, and in an adjoint its
//! gradients are taken where the adjoint solution arises. Only the factor and one vector of the sample's length are kept between the two sweeps.
//!
//! The arithmetic is that of [`super::small`]. What goes wrong is only noticed here: the general way is taken again to name it.

use rayon::prelude::*;

use super::adjoint::Gradients;
use super::assemble::Assembly;
use super::error::SolveError;
use super::gradients::{of_weights_alone, slope};
use super::pieces::{Given, Piece, in_pieces};
use super::plan::Plan;
use super::pool::{Lease, Pool};
use super::problem::{Method, Precision, Problem, Shape};
use super::small::{are_zero, backward_small, backward_step, eliminate_small, forward_small, is_small, scale};
use super::stage::{Cut, Pieces, Staged, Window, accumulate};
use super::substitute::{Chain, Own};
use crate::solve::lanes::{Kernel, Lanes, Pack, Pack8, load_all};

/// The most steps of a stretch: with factor and gradients they take half a megabyte to three quarters of lanes.
const STRETCH: usize = 256;

/// Whether the solves of a problem go this way.
pub(crate) fn fits(problem: &Problem, plan: &Plan) -> bool {
    let Shape { states, orders, initial_steps, .. } = problem.shape;
    states == 1
        && matches!(orders, 3 | 4)
        && initial_steps <= STRETCH / 2
        && !problem.constant_matrix()
        && problem.scheme.precision == Precision::Double
        && problem.scheme.method == Method::Normal
        && problem.refinements() == 0
        && problem.data.places.is_empty()
        && problem.shape.starts_fully()
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
            if !Pack8::dispatch(Eliminate { problem, plan, staged, first: window.offset, out, y }) {
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
            finite &= Pack8::dispatch(Solve { plan, orders, staged, first: window.offset, factor: out, y, after });
            let of_stretch = &mut y[window.offset * orders..][..window.steps * orders];
            Cut { rows: 1, steps, window }.scatter(of_stretch, to, orders, sample);
        }
        finite
    }

    /// The gradients of a lane group. Says whether the adjoint solution is finite.
    fn adjoint(&mut self, given: Given, window: Window, factor: &[Pack8], piece: &mut Piece<Pack8>) -> bool {
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
            Pack8::dispatch(Forward { plan, orders, staged, first: window.offset, factor, y });
        }
        for window in stretches(window).rev() {
            self.set_steps(shape, window.steps);
            self.staged.set_steps(shape, window.steps);
            if !whole {
                self.staged.load_matrix(problem, window);
            }
            self.staged.load_values(problem, window);
            Cut { rows: 1, steps, window }.gather(&mut self.u, &solution.u, orders, true);
            if !Pack8::dispatch(Backward { problem, plan, first: window.offset, factor, sweep: self }) {
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
    fn write(&mut self, given: Given, window: Window, sample: usize, piece: &mut Piece<Pack8>) {
        let Given { problem, wanted, .. } = given;
        let shape = &problem.shape;
        let Shape { orders, steps, equations, .. } = *shape;
        let equation_rows = Cut { rows: equations, steps, window };
        if wanted.rhs {
            equation_rows.scatter(&mut self.of_rhs, piece.rhs, 1, sample);
        }
        if wanted.iv && window.offset == 0 {
            let stride = shape.initial_values();
            super::stage::scatter(&mut self.of_iv, piece.iv, stride, sample, window.count);
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
    let of_piece = |sweep: &mut Lease<'_, Sweep>, groups: std::ops::Range<usize>, piece: &mut Piece<Pack8>| {
        for group in groups {
            let window = Window::of_group::<Pack8>(group, &problem.shape);
            let factor = &values[group * plan.len..][..plan.len];
            if !sweep.adjoint(given, window, factor, piece) {
                piece.failure = Some(SolveError::TooLarge);
                return;
            }
        }
    };
    in_pieces(given, || Sweep::take(problem, pool), of_piece, gradients).ok()
}

/// The chain of a stretch.
fn chain_of<'a, P>(plan: &'a Plan, orders: usize, staged: &'a Staged<P>) -> Chain<'a, P> {
    Chain { plan, states: 1, orders, smooth: &staged.smooth, rho: &staged.rho }
}

/// Elimination and the first substitution of a stretch.
struct Eliminate<'a> {
    problem: &'a Problem<'a>,
    plan: &'a Plan,
    staged: &'a Staged<Pack8>,
    first: usize,
    out: &'a mut [Pack8],
    y: &'a mut [Pack8],
}

impl Kernel<Pack8> for Eliminate<'_> {
    /// Whether all pivots are beyond doubt.
    type Output = bool;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(mut self) -> bool {
        match self.problem.shape.orders {
            3 => self.of_orders::<V::First, 3>() && (!V::IN_PARTS || self.of_orders::<V::Second, 3>()),
            _ => self.of_orders::<V::First, 4>() && (!V::IN_PARTS || self.of_orders::<V::Second, 4>()),
        }
    }
}

impl Eliminate<'_> {
    #[inline(always)]
    fn of_orders<V: Lanes<Pack = Pack8>, const N: usize>(&mut self) -> bool {
        let Eliminate { problem, plan, staged, first, out, y } = self;
        let assembly = Assembly { problem, plan, group: &plan.groups[0], staged };
        matches!(eliminate_small::<V, N>(&assembly, *first, out, y), Ok(false))
    }
}

/// The second substitution of a stretch.
struct Solve<'a> {
    plan: &'a Plan,
    orders: usize,
    staged: &'a Staged<Pack8>,
    first: usize,
    factor: &'a [Pack8],
    y: &'a mut [Pack8],
    after: &'a mut After,
}

impl Kernel<Pack8> for Solve<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(self) -> bool {
        match self.orders {
            3 => self.of_orders::<V, 3>(),
            _ => self.of_orders::<V, 4>(),
        }
    }
}

impl Solve<'_> {
    #[inline(always)]
    fn of_orders<V: Lanes<Pack = Pack8>, const N: usize>(self) -> bool {
        let Solve { plan, staged, first, factor, y, after, .. } = self;
        let span = (first, staged.steps());
        let mut next: [V; N] = load_all(&after.scaled);
        let chain = chain_of(plan, N, staged);
        let factor = Own(factor);
        let finite = backward_small(chain, &plan.groups[0], factor, span, (y, &mut next), &staged.unscale);
        store_all(&next, &mut after.scaled);
        finite
    }
}

/// The first substitution of a stretch of an adjoint.
struct Forward<'a> {
    plan: &'a Plan,
    orders: usize,
    staged: &'a Staged<Pack8>,
    first: usize,
    factor: &'a [Pack8],
    y: &'a mut [Pack8],
}

impl Kernel<Pack8> for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(self) {
        let Forward { plan, orders, staged, first, factor, y } = self;
        let (group, span, unscale) = (&plan.groups[0], (first, staged.steps()), &staged.unscale[..]);
        let chain = chain_of(plan, orders, staged);
        match orders {
            3 => forward_small::<V, _, 3>(chain, group, Own(factor), span, y, unscale),
            _ => forward_small::<V, _, 4>(chain, group, Own(factor), span, y, unscale),
        }
    }
}

/// The second substitution of a stretch of an adjoint, and its gradients.
struct Backward<'a> {
    problem: &'a Problem<'a>,
    plan: &'a Plan,
    first: usize,
    factor: &'a [Pack8],
    sweep: &'a mut Sweep,
}

impl Kernel<Pack8> for Backward<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(self) -> bool {
        match self.problem.shape.orders {
            3 => self.of_orders::<V, 3>(),
            _ => self.of_orders::<V, 4>(),
        }
    }
}

impl Backward<'_> {
    #[inline(always)]
    fn of_orders<V: Lanes<Pack = Pack8>, const N: usize>(self) -> bool {
        let Backward { problem, plan, first, factor, sweep } = self;
        let Sweep { staged, y, after, u, of_c, of_rhs, of_iv, of_h, products } = sweep;
        // Slices of their own: a vector's place is read again after everything that is written.
        let (c, rhs, squares, smooth) = (&staged.c[..], &staged.rhs[..], &staged.equation[..], &staged.smooth[..]);
        let iv = &staged.iv[..];
        let (h, unscale, u, y) = (&staged.h[..], &staged.unscale[..], &u[..], &y[..]);
        let (of_c, of_rhs, of_h) = (&mut of_c[..], &mut of_rhs[..], &mut of_h[..]);
        let Shape { equations, initial_steps, initial_orders, .. } = problem.shape;
        let (steps, group, chain) = (staged.steps(), &plan.groups[0], chain_of(plan, N, staged));
        let degrees = plan.rows.degrees::<N>();
        let zero = V::splat(0.0);
        let mut next: [V; N] = load_all(&after.scaled);
        let (mut u_then, mut z_then): ([V; N], [V; N]) = (load_all(&after.u), load_all(&after.z));
        let mut sums = [zero; N];
        let [mut of_equation, mut of_initial]: [V; 2] = load_all(products);
        for t in (0..steps).rev() {
            next = backward_step(&chain, group, Own(factor), (first, t), &y[(first + t) * N..][..N], &next);
            let mut z = next;
            scale(&mut z, unscale, t * N);
            let u: [V; N] = load_all(&u[t * N..][..N]);
            for k in 0..N {
                sums[k] = z[k].mul_add(zero, sums[k]);
            }
            for e in 0..equations {
                let row = e * steps + t;
                let c: [V; N] = load_all(&c[row * N..][..N]);
                let (mut r, mut q) = (V::load(&rhs[row]), zero);
                for k in 0..N {
                    r = c[k].neg_mul_add(u[k], r);
                    q = c[k].mul_add(z[k], q);
                }
                let square = V::load(&squares[row]);
                of_equation = r.mul(square).mul_add(q, of_equation);
                let (r, q) = (r.mul(square), q.mul(square));
                q.store(&mut of_rhs[row]);
                let to = &mut of_c[row * N..][..N];
                for k in 0..N {
                    q.neg_mul_add(u[k], r.mul(z[k])).store(&mut to[k]);
                }
            }
            if first + t < initial_steps {
                let weight = V::load(&staged.initial[t]);
                for k in 0..N {
                    if k < initial_orders {
                        let (i, q) = (t * initial_orders + k, z[k].mul(weight));
                        of_initial = V::load(&iv[i]).sub(u[k]).mul_add(q, of_initial);
                        q.store(&mut of_iv[i]);
                    }
                }
            }
            // After the last step there is no interval; its place is not read.
            let slope = slope(&degrees, V::load(&h[t + 1]), [&u, &u_then, &z, &z_then]);
            // `1 / h` is the scale of the first derivative.
            let inverse = V::load(&unscale[t * N + 1]);
            zero.sub(slope.mul(V::load(&smooth[t + 1]))).mul(inverse).store(&mut of_h[t]);
            (u_then, z_then) = (u, z);
        }
        store_all(&next, &mut after.scaled);
        store_all(&u_then, &mut after.u);
        store_all(&z_then, &mut after.z);
        store_all(&[of_equation, of_initial], products);
        are_zero(sums)
    }
}

/// Gradients of the three weights of a lane group.
struct WeightGradients<'a> {
    problem: &'a Problem<'a>,
    products: &'a [Pack8; 2],
    out: &'a mut [Pack8; 3],
}

impl Kernel<Pack8> for WeightGradients<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(self) {
        let [equation, initial]: [V; 2] = load_all(self.products);
        store_all(&of_weights_alone(&self.problem.scheme.weights, equation, initial), self.out);
    }
}

#[inline(always)]
fn store_all<V: Lanes, const N: usize>(from: &[V; N], to: &mut [V::Pack]) {
    for k in 0..N {
        from[k].store(&mut to[k]);
    }
}

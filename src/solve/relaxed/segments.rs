//! Few long systems, parallel in time.
//!
//! The time of a sample is cut into segments of equal length with one step between them (nested dissection of one level). The
//! segments are chains of their own, with the steps at their ends as a border, and lie in the lanes and threads in which other
//! samples would lie; what remains is a short chain of the separating steps and of the steps after the last segment.
//! A segment costs about twice the arithmetic of the plain chain and fills eight lanes.

use rayon::prelude::*;

use super::arithmetic::Plain;
use super::blocks::{backward_blocks, forward_blocks};
use super::elimination::{Elimination, pivot_error};
use super::error::SolveError;
use super::plan::{Ends, Group, Plan};
use super::probe::{factor_in_double, probe};
use super::problem::{Problem, Shape};
use super::scheme::{Method, Precision, Scheme};
use super::small::has_small_code;
use super::small_kernel::has_code;
use super::stage::Staged;
use super::substitute::{Chain, Own, Stored};
use super::windows::Window;
use crate::solve::Chain as BlockChain;
use crate::solve::lanes::{Kernel, Lanes, Pack, Pack8};
use reduced::Reduced;

mod reduced;

/// Segments of a sample: two lane groups.
const SEGMENTS: usize = 2 * Pack8::WIDTH;
/// The fewest steps of a segment that repay cutting.
const SHORTEST: usize = 16;

/// A factor of few long samples.
#[derive(Clone)]
pub(crate) struct Segments {
    plan: Plan,
    shape: Shape,
    /// One for each lane group of segments.
    parts: Vec<Part>,
    /// For each sample and group of states, sample by sample.
    separators: Vec<std::sync::Arc<BlockChain>>,
}

impl std::fmt::Debug for Segments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segments").field("shape", &self.shape).finish_non_exhaustive()
    }
}

/// What substitution needs of a lane group of segments.
#[derive(Clone)]
struct Part {
    window: Window,
    factor: Vec<Pack8>,
    smooth: Vec<Pack8>,
    rho: Vec<Pack8>,
}

/// Whether the problem's samples are cut: few, long, and coupled with neighbouring steps alone. Small blocks are faster one after the
/// other in registers.
pub(crate) fn worth_cutting(problem: &Problem, plan: &Plan) -> bool {
    cuts_time(&problem.shape, &problem.scheme, problem.constant_matrix())
        && problem.border.width == 0
        && problem.data.places.is_empty()
        && plan.groups.iter().any(|group| !has_small_code(group))
}

/// The same for problems without border and data rows whose samples have `one_matrix` or each its own. All states are taken to be
/// coupled.
pub(crate) fn cuts_time(shape: &Shape, scheme: &Scheme, one_matrix: bool) -> bool {
    let Shape { batch, steps, states, orders, initial_steps, .. } = *shape;
    let matrices = if one_matrix { 1 } else { batch };
    matrices < Pack8::WIDTH
        && (batch == matrices)
        && steps >= SEGMENTS * (SHORTEST + 1)
        && initial_steps <= length(steps)
        && scheme.slack.is_none()
        && !scheme.central
        && !scheme.periodic
        && scheme.precision == Precision::Double
        && scheme.method == Method::Normal
        && !(states == 1 && has_code(orders))
}

/// Steps of a segment.
fn length(steps: usize) -> usize {
    steps / SEGMENTS - 1
}

impl Segments {
    /// Factors the problem.
    ///
    /// # Errors
    /// A singular or non-finite system.
    pub fn factor(problem: &Problem) -> Result<Segments, SolveError> {
        let shape = problem.shape;
        let steps = length(shape.steps);
        let plan = Plan::of_chain(problem, steps, Ends::Both);
        let chains = shape.batch * SEGMENTS;
        let made: Vec<Result<(Part, Vec<Pack8>), SolveError>> = (0..chains / Pack8::WIDTH)
            .into_par_iter()
            .map(|group| {
                let window = Window {
                    first: group * Pack8::WIDTH,
                    count: Pack8::WIDTH,
                    segments: SEGMENTS,
                    stride: steps + 1,
                    offset: 0,
                    steps,
                };
                let mut staged = Staged::<Pack8>::new(problem, steps);
                staged.load_matrix(problem, window);
                let mut work = Elimination::<Plain<Pack8>>::new(&plan);
                let mut factor = vec![Pack8::ZERO; plan.len];
                let out = &mut factor[..];
                Pack8::dispatch(FactorSegments {
                    problem,
                    plan: &plan,
                    window,
                    staged: &staged,
                    work: &mut work,
                    out,
                })?;
                if work.is_suspect() {
                    ask_whole(problem, window.first / SEGMENTS)?;
                }
                let Staged { smooth, rho, .. } = staged;
                Ok((Part { window, factor, smooth, rho }, work.into_corner()))
            })
            .collect();
        let mut parts = Vec::with_capacity(made.len());
        let mut corners = Vec::with_capacity(made.len());
        for one in made {
            let (part, corner) = one?;
            parts.push(part);
            corners.push(corner);
        }
        let mut separators = Vec::new();
        for sample in 0..shape.batch {
            for (index, group) in plan.groups.iter().enumerate() {
                let reduced = Reduced { problem, plan: &plan, group, corners: &corners, sample };
                let (factor, suspect) = reduced.factor(index)?;
                if suspect {
                    ask_whole(problem, sample)?;
                }
                separators.push(std::sync::Arc::new(factor));
            }
        }
        Ok(Segments { plan, shape, parts, separators })
    }

    /// The first of the steps after the last segment.
    fn tail(&self) -> usize {
        SEGMENTS * (self.plan.chain + 1) - 1
    }

    /// The global step of a node of the chain of separators.
    fn node(&self, node: usize) -> usize {
        node_step(self.plan.chain, node)
    }

    /// Solves in place for one sample: `y` `(T, D, K)`, right-hand side in, solution out, both scaled.
    pub fn substitute(&self, sample: usize, y: &mut [f64]) {
        let Shape { states, orders, steps, .. } = self.shape;
        let (plan, block) = (&self.plan, self.shape.block());
        let part_count = SEGMENTS / Pack8::WIDTH;
        let parts = &self.parts[sample * part_count..][..part_count];
        let mut lanes: Vec<(Vec<Pack8>, Vec<Pack8>)> = parts
            .par_iter()
            .map(|part| {
                let mut packs = vec![Pack8::ZERO; plan.chain * block];
                for lane in 0..Pack8::WIDTH {
                    let start = part.window.lane(lane).1 * block;
                    packs.iter_mut().zip(&y[start..]).for_each(|(pack, &x)| pack.set_lane(lane, x));
                }
                let mut border = vec![Pack8::ZERO; plan.border];
                let chain = Chain { plan, states, orders, smooth: &part.smooth, rho: &part.rho };
                let (y, border_of) = (&mut packs, &mut border);
                Pack8::dispatch(Substitution { chain, factor: &part.factor, y, border: border_of, forward: true });
                (packs, border)
            })
            .collect();
        let nodes = SEGMENTS - 1 + steps - self.tail();
        for (index, group) in plan.groups.iter().enumerate() {
            let n = group.n;
            let (left, right) = ends(group);
            let mut x = vec![0.0; nodes * n];
            for (node, x) in x.chunks_exact_mut(n).enumerate() {
                for (x, &place) in x.iter_mut().zip(&group.place) {
                    *x = y[self.node(node) * block + place];
                }
            }
            for segment in 0..SEGMENTS {
                let border = &lanes[segment / Pack8::WIDTH].1;
                for i in 0..n {
                    let lane = segment % Pack8::WIDTH;
                    if segment > 0 {
                        x[(segment - 1) * n + i] += border[left[i]].lane(lane);
                    }
                    x[segment * n + i] += border[right[i]].lane(lane);
                }
            }
            self.separators[sample * plan.groups.len() + index].solve(1, &mut x);
            for (node, x) in x.chunks_exact(n).enumerate() {
                for (x, &place) in x.iter().zip(&group.place) {
                    y[self.node(node) * block + place] = *x;
                }
            }
            for segment in 0..SEGMENTS {
                let border = &mut lanes[segment / Pack8::WIDTH].1;
                for i in 0..n {
                    let lane = segment % Pack8::WIDTH;
                    let before = if segment > 0 { x[(segment - 1) * n + i] } else { 0.0 };
                    border[left[i]].set_lane(lane, before);
                    border[right[i]].set_lane(lane, x[segment * n + i]);
                }
            }
        }
        parts.par_iter().zip(&mut lanes).for_each(|(part, (y, border))| {
            let chain = Chain { plan, states, orders, smooth: &part.smooth, rho: &part.rho };
            Pack8::dispatch(Substitution { chain, factor: &part.factor, y, border, forward: false });
        });
        for (part, (packs, _)) in parts.iter().zip(&lanes) {
            for lane in 0..Pack8::WIDTH {
                let start = part.window.lane(lane).1 * block;
                packs.iter().zip(&mut y[start..]).for_each(|(pack, x)| *x = pack.lane(lane));
            }
        }
    }
}

/// Asks a sample as a whole whether suspect pivots are rounding errors.
#[cold]
fn ask_whole(problem: &Problem, sample: usize) -> Result<(), SolveError> {
    let window = Window { count: 1, ..Window::of_group::<f64>(sample, &problem.shape) };
    let plan = Plan::new(problem);
    let factor = factor_in_double(problem, &plan, window)?;
    probe(problem, &plan, window, &factor, &[])
}

/// The factor of one sample.
#[derive(Clone, Copy)]
pub(crate) struct Cut<'a> {
    pub segments: &'a Segments,
    pub sample: usize,
}

impl Stored<f64> for Cut<'_> {
    const WHOLE: bool = true;

    fn get<V: Lanes<Pack = f64>>(&self, _: usize) -> V {
        // All of the substitution is done below.
        V::splat(0.0)
    }

    fn substitute(&self, y: &mut [f64]) {
        // A factor that all samples share is that of one.
        self.segments.substitute(self.sample.min(self.segments.shape.batch - 1), y);
    }
}

fn node_step(chain: usize, node: usize) -> usize {
    if node < SEGMENTS { node * (chain + 1) + chain } else { SEGMENTS * (chain + 1) - 1 + node - (SEGMENTS - 1) }
}

/// Places in the border of a group's steps before and after a segment.
fn ends(group: &Group) -> (&[usize], &[usize]) {
    group.border.split_at(group.n)
}

struct FactorSegments<'a> {
    problem: &'a Problem<'a>,
    plan: &'a Plan,
    window: Window,
    staged: &'a Staged<Pack8>,
    work: &'a mut Elimination<Plain<Pack8>>,
    out: &'a mut [Pack8],
}

impl Kernel<Pack8> for FactorSegments<'_> {
    type Output = Result<(), SolveError>;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(self) -> Self::Output {
        let FactorSegments { problem, plan, window, staged, work, out } = self;
        match work.chains::<V>(problem, plan, staged, out, &mut []) {
            Ok(_) => Ok(()),
            Err((pivot, group)) => Err(pivot_error(problem, plan, group, window, pivot)),
        }
    }
}

struct Substitution<'a> {
    chain: Chain<'a, Pack8>,
    factor: &'a [Pack8],
    y: &'a mut [Pack8],
    border: &'a mut [Pack8],
    forward: bool,
}

impl Kernel<Pack8> for Substitution<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(self) {
        let Substitution { chain, factor, y, border, forward } = self;
        let size = chain.plan.groups.iter().map(|g| g.n).max().unwrap_or(0);
        let mut room = vec![Pack8::ZERO; 2 * size];
        for group in &chain.plan.groups {
            match forward {
                true => forward_blocks::<V, _>(chain, group, Own(factor), y, border, &mut room),
                false => backward_blocks::<V, _>(chain, group, Own(factor), border, y, &mut room),
            }
        }
    }
}

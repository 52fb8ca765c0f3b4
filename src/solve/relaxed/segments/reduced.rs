//! What is left when the segments are eliminated: the chain of the steps between them and after them.

use super::{SEGMENTS, ends, node_step};
use crate::solve::Chain as BlockChain;
use crate::solve::lanes::{Kernel, Lanes, Pack, Pack8};
use crate::solve::relaxed::arithmetic::{Filled, Plain, Room};
use crate::solve::relaxed::assemble::Assembly;
use crate::solve::relaxed::eliminate::Source;
use crate::solve::relaxed::error::SolveError;
use crate::solve::relaxed::plan::{Ends, Group, Plan};
use crate::solve::relaxed::problem::Problem;
use crate::solve::relaxed::stage::Staged;
use crate::solve::relaxed::windows::Window;

/// Below this share of its diagonal entry the pivot of a separator is suspect. What long samples leave undetermined has gathered the rounding
/// of all their steps there: over three hundred steps some 4e-10 of an entry, where sound pivots are above 1e-5.
const SUSPECT_SEPARATOR: f64 = 1.0 / (1u64 << 22) as f64;

/// The chain of the separating steps and the last steps of one group of states.
pub(super) struct Reduced<'a> {
    pub problem: &'a Problem<'a>,
    pub plan: &'a Plan,
    pub group: &'a Group,
    /// What the segments take from the border, `(M, M)`, for each lane group.
    pub corners: &'a [Vec<Pack8>],
    pub sample: usize,
}

impl Reduced<'_> {
    /// The factor, and whether one of its pivots may be rounding error.
    pub fn factor(&self, index: usize) -> Result<(BlockChain, bool), SolveError> {
        let Reduced { problem, plan, group, corners, sample } = *self;
        let (n, steps) = (group.n, problem.shape.steps);
        let nodes = SEGMENTS - 1 + steps - (SEGMENTS * (plan.chain + 1) - 1);
        let (mut diagonal, mut lower) = (vec![0.0; nodes * n * n], vec![0.0; (nodes - 1) * n * n]);
        // Each node's own rows, and the couplings of the last steps, one step at a time.
        let free = Plan::of_chain(problem, 1, Ends::Free);
        let mut staged = Staged::<f64>::new(problem, 1);
        for node in 0..nodes {
            let window = Window {
                first: sample,
                count: 1,
                segments: 1,
                stride: 0,
                offset: node_step(plan.chain, node),
                steps: 1,
            };
            staged.load_matrix(problem, window);
            let own = OwnStep { problem, plan: &free, group: &free.groups[index], staged: &staged };
            let to = &mut diagonal[node * n * n..][..n * n];
            let coupling =
                if node + 1 < nodes && node + 1 >= SEGMENTS { Some(&mut lower[node * n * n..][..n * n]) } else { None };
            f64::dispatch(own.with(to, coupling));
        }
        let entries: Vec<f64> = (0..nodes * n).map(|i| diagonal[i * n + i % n]).collect();
        let (left, right) = ends(group);
        for segment in 0..SEGMENTS {
            let chain = sample * SEGMENTS + segment;
            let (corner, lane) = (&corners[chain / Pack8::WIDTH], chain % Pack8::WIDTH);
            let at = |r: usize, c: usize| corner[r.min(c) * plan.border + r.max(c)].lane(lane);
            for i in 0..n {
                for j in 0..n {
                    if segment > 0 {
                        diagonal[((segment - 1) * n + i) * n + j] += at(left[i], left[j]);
                        // Row of the separator after the segment, column of the one before it.
                        lower[((segment - 1) * n + i) * n + j] += at(right[i], left[j]);
                    }
                    diagonal[(segment * n + i) * n + j] += at(right[i], right[j]);
                }
            }
        }
        let factor = BlockChain::factor(n, diagonal, &lower).map_err(|bad| {
            let orders = problem.shape.orders;
            let (state, order) = (group.states[bad.component / orders], bad.component % orders);
            let step = node_step(plan.chain, bad.step);
            match bad.pivot.is_finite() {
                true => SolveError::Singular { sample, step, state, order, pivot: 0.0 },
                false => SolveError::NonFiniteMatrix { sample, step, state, order },
            }
        })?;
        let suspect = factor.pivots().zip(&entries).any(|(pivot, entry)| pivot < SUSPECT_SEPARATOR * entry);
        Ok((factor, suspect))
    }
}

/// A step's own rows.
struct OwnStep<'a> {
    problem: &'a Problem<'a>,
    plan: &'a Plan,
    group: &'a Group,
    staged: &'a Staged<f64>,
}

impl<'a> OwnStep<'a> {
    fn with(self, diagonal: &'a mut [f64], coupling: Option<&'a mut [f64]>) -> OwnRows<'a> {
        OwnRows { step: self, diagonal, coupling }
    }
}

/// Writes a step's block, both triangles, and below it the coupling with the next step, transposed.
struct OwnRows<'a> {
    step: OwnStep<'a>,
    diagonal: &'a mut [f64],
    coupling: Option<&'a mut [f64]>,
}

impl Kernel<f64> for OwnRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = f64>>(self) {
        let OwnStep { problem, plan, group, staged } = self.step;
        let n = group.n;
        let mut room = Room::new(plan, 0, 0);
        let assembly = Assembly { problem, plan, group, staged };
        let mut source = Filled::<Plain<f64>> { assembly, room: &mut room };
        source.fill::<V>(0, self.diagonal);
        for i in 0..n {
            for j in 0..i {
                self.diagonal[i * n + j] = self.diagonal[j * n + i];
            }
        }
        if let Some(lower) = self.coupling {
            let mut b = vec![0.0; n * n];
            source.coupling::<V>(0, &mut b);
            for i in 0..n {
                for j in 0..n {
                    lower[j * n + i] = b[i * n + j];
                }
            }
        }
    }
}

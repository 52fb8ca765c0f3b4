//! Gradients of a batch in pieces of whole lane groups: where each goes, and the sums of what samples share.

use rayon::prelude::*;

use super::differentiated::{Gradients, Upstream, Wanted};
use super::error::SolveError;
use super::gradients::Outputs;
use super::plan::Plan;
use super::pool::Pool;
use super::problem::Problem;
use super::solution::Solution;
use super::windows::{Pieces, Window, accumulate, scatter};
use crate::solve::lanes::Pack;

#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub problem: &'a Problem<'a>,
    pub plan: &'a Plan,
    pub pool: &'a Pool,
    pub solution: &'a Solution,
    pub upstream: Upstream<'a>,
    pub wanted: Wanted,
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
pub(super) struct Piece<'a, P, F = SolveError> {
    /// The first sample.
    pub first: usize,
    pub c: &'a mut [f64],
    pub rhs: &'a mut [f64],
    pub iv: &'a mut [f64],
    pub h: &'a mut [f64],
    pub data: &'a mut [f64],
    pub border: &'a mut [f64],
    pub sums: Sums<P>,
    pub failure: Option<F>,
}

/// Sums over the samples of a piece, lane by lane.
pub(super) struct Sums<P> {
    pub c: Vec<P>,
    pub h: Vec<P>,
    pub border: Vec<P>,
    pub data_weights: Vec<P>,
    pub weights: Vec<P>,
    pub rows: [Vec<P>; 3],
    pub push: Vec<P>,
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

/// Gradients piece by piece, in parallel; sums over pieces are taken in the order of the batch.
pub(super) fn in_pieces<P: Pack, S, F: Send>(
    given: Given,
    scratch: impl Fn() -> S + Sync + Send,
    of_piece: impl Fn(&mut S, std::ops::Range<usize>, &mut Piece<P, F>) + Sync + Send,
    gradients: &mut Gradients,
) -> Result<(), F> {
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
    let mut pieces: Vec<Piece<P, F>> = cut
        .split(c_each, sizes.c)
        .into_iter()
        .zip(cut.split(rhs, sizes.rhs))
        .zip(cut.split(iv, sizes.iv))
        .zip(cut.split(h_each, sizes.h))
        .zip(cut.split(data, sizes.data))
        .zip(cut.split(border_each, sizes.border))
        .enumerate()
        .map(|(index, (((((c, rhs), iv), h), data), border))| Piece {
            first: index * cut.samples,
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

impl<P: Pack, F> Piece<'_, P, F> {
    /// Takes the gradients of a lane group out of its lanes; `first` counts its samples from the start of the piece.
    pub fn write(
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

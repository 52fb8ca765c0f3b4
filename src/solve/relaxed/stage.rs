//! The arrays of one lane group, and the powers of its steps.

use super::problem::{Problem, Shape};
use super::windows::{Cut, Window, gather, gather_part, spread};
use crate::solve::lanes::{Kernel, Lanes, Pack};

/// The numbers of a lane group.
///
/// The unknown `u[t, d, k]` is solved for as `v = sigma^k u`, where `sigma[t, d]` is the step after `t` (the last step takes the one
/// before it): a row between `t` and `t + 1` then has the coefficients `at[j]` and `next[j] rho^j` with
/// `rho = sigma[t] / sigma[t+1]`, whatever the step.
pub(crate) struct Staged<P> {
    /// `(E, T, D, K)`
    pub c: Vec<P>,
    /// `(E, T, P)`
    pub columns: Vec<P>,
    /// `(E, T)`
    pub rhs: Vec<P>,
    /// `(Ti, D, Ki)`
    pub iv: Vec<P>,
    /// `(M)`
    pub data: Vec<P>,
    /// Squared weights of the equation rows, `(E, T)`.
    pub equation: Vec<P>,
    /// The interval before each step and the two after the last, `(T+2, D)`; the nearest one where there is none.
    pub h: Vec<P>,
    /// `h / sigma` of the step after the interval, `(T+1, D)`.
    pub rho: Vec<P>,
    /// Squared weights of the rows of each interval, `(T+1, D)`; 0 where there is no interval.
    pub smooth: Vec<P>,
    /// `sigma^-k`, `(T, D, K)`
    pub unscale: Vec<P>,
    /// Squared weights of the initial rows, `(Ti, D)`; 0 in lanes whose chain starts later.
    pub initial: Vec<P>,
    /// Squared weights of the data rows, `(M)`.
    pub observed: Vec<f64>,
    steps: usize,
    loaded: bool,
}

/// The factor on row `index`, 1 where all are.
#[inline(always)]
pub(crate) fn row_weight(weights: &[f64], index: usize) -> f64 {
    weights.get(index).copied().unwrap_or(1.0)
}

impl<P: Pack> Staged<P> {
    /// Room for windows of `steps` steps.
    pub fn new(problem: &Problem, steps: usize) -> Self {
        let shape = Shape { steps, ..problem.shape };
        let zeros = |n: usize| vec![P::ZERO; n];
        Staged {
            c: zeros(shape.coefficients()),
            columns: zeros(shape.right_hand_sides() * problem.border.width),
            rhs: zeros(shape.right_hand_sides()),
            iv: zeros(shape.initial_values()),
            data: zeros(problem.data.places.len()),
            equation: zeros(shape.right_hand_sides()),
            h: zeros((steps + 2) * shape.states),
            rho: zeros((steps + 1) * shape.states),
            smooth: zeros((steps + 1) * shape.states),
            unscale: zeros(shape.unknowns()),
            initial: zeros(shape.initial_steps * shape.states),
            observed: problem.data.weights.iter().map(|&w| w * w).collect(),
            steps,
            loaded: false,
        }
    }

    /// The steps that are loaded.
    #[inline(always)]
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Makes room for windows of another number of steps, of problems without border and data.
    pub fn set_steps(&mut self, shape: &Shape, steps: usize) {
        if steps == self.steps {
            return;
        }
        let cut = Shape { steps, ..*shape };
        self.steps = steps;
        self.c.resize(cut.coefficients(), P::ZERO);
        self.rhs.resize(cut.right_hand_sides(), P::ZERO);
        self.equation.resize(cut.right_hand_sides(), P::ZERO);
        self.h.resize((steps + 2) * cut.states, P::ZERO);
        self.rho.resize((steps + 1) * cut.states, P::ZERO);
        self.smooth.resize((steps + 1) * cut.states, P::ZERO);
        self.unscale.resize(cut.unknowns(), P::ZERO);
    }

    /// Takes the matrix, without border and data, from the same samples in another precision.
    #[inline(always)]
    pub fn lower<H>(&mut self, from: &Staged<H>, lower: impl Fn(&[H], &mut [P])) {
        lower(&from.c, &mut self.c);
        lower(&from.equation, &mut self.equation);
        lower(&from.rho, &mut self.rho);
        lower(&from.smooth, &mut self.smooth);
        lower(&from.unscale, &mut self.unscale);
        lower(&from.initial, &mut self.initial);
    }

    /// Forgets what was loaded: the problem's numbers may have changed.
    pub fn reset(&mut self, problem: &Problem) {
        self.loaded = false;
        self.observed.clear();
        self.observed.extend(problem.data.weights.iter().map(|&w| w * w));
    }

    /// Loads the matrix of a lane group; what all lanes of all groups share is loaded once.
    pub fn load_matrix(&mut self, problem: &Problem, window: Window) {
        let shape = &problem.shape;
        // Of a part of the time nothing is the same in all groups.
        let fresh = !self.loaded || window.is_cut(shape);
        let cut = Cut { rows: shape.equations, steps: shape.steps, window };
        if fresh || problem.c.per_sample() {
            cut.gather(&mut self.c, problem.c.values(), shape.block(), problem.c.per_sample());
        }
        if fresh || problem.border.per_sample {
            cut.gather(&mut self.columns, problem.border.columns, problem.border.width, problem.border.per_sample);
        }
        if fresh {
            let weight = problem.scheme.weights.equation;
            fill_squares(&mut self.equation, window, |i, start| {
                let row = i / window.steps * shape.steps + start + i % window.steps;
                weight * row_weight(problem.row_weights.equation, row)
            });
        }
        self.load_steps(problem, window);
        self.loaded = true;
    }

    /// Loads what substitution needs beside a factor: steps, their powers, the weights of their rows and of the start.
    pub fn load_steps(&mut self, problem: &Problem, window: Window) {
        let shape = &problem.shape;
        let fresh = !self.loaded || window.is_cut(shape);
        if fresh || problem.h.per_sample {
            self.load_intervals(problem, window);
            let Staged { h, rho, unscale, .. } = self;
            P::dispatch(Scales { h, rho, unscale, states: shape.states, orders: shape.orders });
        }
        if fresh {
            let weights = &problem.scheme.weights;
            fill_squares(&mut self.smooth, window, |i, start| match start + i / shape.states {
                0 => 0.0,
                t if t >= shape.steps => 0.0,
                t => weights.smooth * row_weight(problem.row_weights.smooth, (t - 1) * shape.states + i % shape.states),
            });
            fill_squares(&mut self.initial, window, |i, start| match start {
                0 => weights.initial * row_weight(problem.row_weights.initial, i),
                _ => 0.0,
            });
        }
    }

    /// Loads right-hand sides, initial values and data of a lane group.
    pub fn load_values(&mut self, problem: &Problem, window: Window) {
        let Problem { shape, rhs, iv, data, .. } = problem;
        Cut { rows: shape.equations, steps: shape.steps, window }.gather(&mut self.rhs, rhs, 1, true);
        gather(&mut self.iv, iv, shape.initial_values(), window);
        gather(&mut self.data, data.values, data.places.len(), window);
    }

    /// The intervals around the window's steps. A step of zero length becomes no number, which the factorisation reports.
    fn load_intervals(&mut self, problem: &Problem, window: Window) {
        let Problem { shape, h, .. } = problem;
        let (states, intervals) = (shape.states, shape.intervals());
        let columns = if h.per_state { states } else { 1 };
        if intervals == 0 {
            spread(&mut self.h, &vec![1.0; (window.steps + 2) * states]);
            return;
        }
        match window.start() {
            Some(start) => {
                // The intervals that there are among those around the window's steps.
                let before = start.saturating_sub(1);
                let there = (start + window.steps + 1).min(intervals) - before;
                let skipped = usize::from(start == 0);
                let given = &mut self.h[skipped * states..][..there * columns];
                let stride = intervals * columns;
                match h.per_sample {
                    true => gather_part(given, h.values, (stride, before * columns), window),
                    false => spread(given, &h.values[before * columns..]),
                }
                if columns < states {
                    for i in (0..there).rev() {
                        let step = self.h[skipped * states + i];
                        self.h[(skipped + i) * states..][..states].fill(step);
                    }
                }
                // Beyond the ends the nearest interval counts.
                self.h.copy_within(skipped * states..(skipped + 1) * states, 0);
                let last = skipped + there - 1;
                for i in last + 1..window.steps + 2 {
                    self.h.copy_within(last * states..(last + 1) * states, i * states);
                }
            }
            None => {
                let stride = if h.per_sample { intervals * columns } else { 0 };
                for lane in 0..P::WIDTH {
                    let (sample, first) = window.lane(lane);
                    for (i, packs) in self.h.chunks_exact_mut(states).enumerate() {
                        let interval = (first + i).saturating_sub(1).min(intervals - 1);
                        for (d, pack) in packs.iter_mut().enumerate() {
                            let column = if h.per_state { d } else { 0 };
                            pack.set_lane(lane, h.values[sample * stride + interval * columns + column]);
                        }
                    }
                }
            }
        }
        for pack in &mut self.h {
            for lane in 0..P::WIDTH {
                let x = pack.lane(lane);
                pack.set_lane(lane, if x == 0.0 { f64::NAN } else { x });
            }
        }
    }
}

/// Squares of weights, given for each place and a lane's first step.
fn fill_squares<P: Pack>(to: &mut [P], window: Window, weight: impl Fn(usize, usize) -> f64) {
    for (i, pack) in to.iter_mut().enumerate() {
        let mut w = weight(i, window.lane(0).1);
        for lane in 0..P::WIDTH {
            if window.start().is_none() {
                w = weight(i, window.lane(lane).1);
            }
            pack.set_lane(lane, w * w);
        }
    }
}

/// Ratios of neighbouring intervals, and powers of the scales of the unknowns.
struct Scales<'a, P> {
    h: &'a [P],
    rho: &'a mut [P],
    unscale: &'a mut [P],
    states: usize,
    orders: usize,
}

impl<P: Pack> Kernel<P> for Scales<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Pack = P>>(self) {
        let Scales { h, rho, unscale, states, orders } = self;
        let sigma = &h[states..];
        for ((to, x), sigma) in rho.iter_mut().zip(h).zip(sigma) {
            V::load(x).div(V::load(sigma)).store(to);
        }
        for (powers, sigma) in unscale.chunks_exact_mut(orders).zip(sigma) {
            let inverse = V::splat(1.0).div(V::load(sigma));
            let mut power = V::splat(1.0);
            for to in powers {
                power.store(to);
                power = power.mul(inverse);
            }
        }
    }
}

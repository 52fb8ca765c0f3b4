//! How large a relaxed solve is: what follows from sizes and scheme alone, before there is any number.

use super::error::SolveError;
use super::plan::couplings;
use super::problem::{Problem, Shape};
use super::rows::SmoothRows;
use super::scheme::{Method, Precision, Scheme};
use super::segments::cuts_time;
use super::small::propagator_len;
use super::small_kernel::has_code;
use crate::solve::lanes::{Pack, Pack8, Pack16};

/// Sizes of one system of a batch, without data rows and border.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footprint {
    /// Unknowns, the slack included.
    pub unknowns: u64,
    /// Equation, initial (and periodic) and smoothness rows.
    pub rows: [u64; 3],
    /// Unknowns per step of the largest set of coupled states.
    pub block: u64,
    /// Half bandwidth of the normal matrix of that set in order of steps, without the slack and a periodic boundary: the largest
    /// distance of two unknowns that share a row.
    pub bandwidth: u64,
    /// Numbers of a factor: one for each system, or one for all of them where they share the matrix.
    pub factor_numbers: u64,
    /// Bytes of the system's own right-hand sides, initial values and solution.
    pub vector_bytes: u64,
    /// Bytes of the coefficients.
    pub coefficient_bytes: u64,
    product_numbers: u64,
    /// Numbers of the factor of one long system that is cut in time; 0 where it is not.
    cut_numbers: u64,
    precision: Precision,
    method: Method,
    /// Whether batches go by stretches of time, or read a matrix that they share as single numbers: then there are two vectors as long as the solution at most.
    swept: bool,
    /// Numbers of a system that others are solved and differentiated with beside the factor.
    working_numbers: u64,
}

/// Bytes of a number.
const NUMBER: u64 = size_of::<f64>() as u64;

impl Footprint {
    /// Of systems of this shape whose equations couple states in sets of these sizes (together all states).
    pub fn new(shape: &Shape, scheme: &Scheme, coupled: &[usize]) -> Footprint {
        let (steps, states, orders) = (shape.steps as u64, shape.states as u64, shape.orders as u64);
        let product = |xs: &[u64]| xs.iter().fold(1u64, |n, &x| n.saturating_mul(x));
        let slack = u64::from(scheme.slack.is_some());
        let block = coupled.iter().max().map_or(0, |&n| n as u64).saturating_mul(orders);
        let smooth = SmoothRows::new(shape.orders.max(1), scheme);
        let between = product(&[steps.saturating_sub(1), states, smooth.rows.len() as u64]);
        let around = if scheme.central { steps.saturating_sub(2).saturating_mul(states) } else { 0 };
        let closed = if scheme.periodic { states.saturating_mul(orders.saturating_sub(1)) } else { 0 };
        let given = product(&[shape.initial_steps as u64, states, shape.initial_orders as u64]);
        let equations = product(&[shape.equations as u64, steps]);
        let unknowns = product(&[steps, states, orders]);
        // One state alone has them scaled and not scaled.
        let single = coupled.iter().filter(|&&states| states == 1).count() as u64 + u64::from(states == 1);
        let small = if has_code(shape.orders) { single } else { 0 };
        let products = product(&[small, propagator_len(shape.orders) as u64, steps]);
        let corrected =
            scheme.refinements > 0 || scheme.precision != Precision::Double || scheme.method != Method::Normal;
        let all_rows = equations.saturating_add(given).saturating_add(between).saturating_add(around);
        Footprint {
            unknowns: unknowns.saturating_add(slack),
            rows: [equations, given.saturating_add(closed), between.saturating_add(around)],
            block,
            bandwidth: bandwidth(block, &smooth, scheme, steps),
            factor_numbers: factor_numbers(shape, scheme, coupled),
            vector_bytes: unknowns.saturating_add(equations).saturating_add(given).saturating_mul(NUMBER),
            coefficient_bytes: unknowns.saturating_mul(shape.equations as u64).saturating_mul(NUMBER),
            cut_numbers: if cuts_time(&Shape { batch: 1, ..*shape }, scheme, true) {
                // Every step has the columns of the steps at both ends of its segment.
                product(&[
                    steps,
                    coupled.iter().map(|&n| cut_block((n as u64).saturating_mul(orders))).fold(0, u64::saturating_add),
                ])
            } else {
                0
            },
            product_numbers: if slack == 0 && !scheme.central && !scheme.periodic { products } else { 0 },
            precision: scheme.precision,
            method: scheme.method,
            swept: !corrected
                && states == 1
                && has_code(shape.orders)
                && slack == 0
                && !scheme.central
                && !scheme.periodic,
            // Coefficients and their gradients; of unknowns the scales, the solution and the adjoint solution, and what both are corrected with; two numbers of
            // each row that are kept for that; four of each right-hand side, three of each interval.
            working_numbers: [
                product(&[2, unknowns, shape.equations as u64]),
                unknowns.saturating_mul(if corrected { 7 } else { 3 }),
                if corrected { all_rows.saturating_mul(2) } else { 0 },
                equations.saturating_mul(4),
                product(&[3, steps, states]),
            ]
            .into_iter()
            .fold(0, u64::saturating_add),
        }
    }

    /// Bytes that each thread needs beside factors, inputs and results: a lane group's numbers while it is solved and differentiated.
    pub fn working_bytes(&self, batch: u64) -> u64 {
        let (lanes, bytes) = match self.precision {
            Precision::Double if self.is_alone(batch) => (1, NUMBER),
            Precision::Double if self.cut_bytes(batch) > 0 => (batch, NUMBER),
            Precision::Double => (Pack8::WIDTH as u64, NUMBER),
            Precision::Single => (Pack16::WIDTH as u64, size_of::<f32>() as u64),
            // Rows, residuals and gradients are in double precision.
            Precision::Mixed => (Pack16::WIDTH as u64, NUMBER),
        };
        let numbers = if self.swept && batch > 1 { self.unknowns.saturating_mul(2) } else { self.working_numbers };
        numbers.saturating_mul(lanes * bytes)
    }

    /// Whether a batch is of one system, whose normal matrix is factored without the lanes of others.
    fn is_alone(&self, batch: u64) -> bool {
        batch == 1 && self.precision == Precision::Double && self.method == Method::Normal
    }

    /// Of the systems of a problem, whose coefficients say which states are coupled.
    ///
    /// # Errors
    /// Sizes and lengths that do not fit, a scheme that is not finite.
    pub fn of(problem: &Problem) -> Result<Footprint, SolveError> {
        problem.check()?;
        let coupled: Vec<usize> =
            couplings(&problem.shape, problem.c.values()).iter().map(|(states, _)| states.len()).collect();
        // Some starts and weights ask for more corrections.
        let scheme = Scheme { refinements: problem.refinements(), ..problem.scheme };
        Ok(Footprint::new(&problem.shape, &scheme, &coupled))
    }

    /// Bytes of the factors of `batch` systems, one for each where they have matrices of their `own`. Such factors lie in groups as
    /// wide as the vector instructions. One factor for all is always in double precision, and next to it lie the products of small
    /// blocks that its substitution uses; a solve in single precision spreads it over the lanes.
    pub fn factor_bytes(&self, batch: u64, own: bool) -> u64 {
        if !own {
            let spread = if self.precision == Precision::Single { size_of::<Pack16>() as u64 } else { 0 };
            let kept = self.factor_numbers.saturating_add(self.product_numbers);
            let kept = kept.max(if batch == 1 { self.cut_numbers } else { 0 }).saturating_mul(NUMBER);
            return kept.saturating_add(self.factor_numbers.saturating_mul(spread));
        }
        if self.is_alone(batch) {
            return self.factor_numbers.saturating_mul(NUMBER).max(self.cut_bytes(batch));
        }
        let (lanes, bytes) = match self.precision {
            // A mixed factor that is singular in single precision is made in double precision.
            Precision::Double | Precision::Mixed => (Pack8::WIDTH as u64, NUMBER),
            Precision::Single => (Pack16::WIDTH as u64, size_of::<f32>() as u64),
        };
        let kept = batch.div_ceil(lanes).saturating_mul(lanes * bytes).saturating_mul(self.factor_numbers);
        kept.max(self.cut_bytes(batch))
    }

    /// Bytes of the factors of few long systems that are cut in time, each with a matrix of its own; 0 where they are not.
    fn cut_bytes(&self, batch: u64) -> u64 {
        if batch < Pack8::WIDTH as u64 { self.cut_numbers.saturating_mul(batch * NUMBER) } else { 0 }
    }
}

/// Numbers of a step of a segment: a triangle and twice its block.
fn cut_block(n: u64) -> u64 {
    let triangle = n.saturating_mul(n.saturating_add(1)) / 2;
    triangle.saturating_add(n.saturating_mul(n).saturating_mul(2))
}

/// Numbers of a factor: for each step a packed triangle and the columns behind it, then the triangle of the border (which is the slack
/// and, with a periodic boundary, the last step).
fn factor_numbers(shape: &Shape, scheme: &Scheme, coupled: &[usize]) -> u64 {
    let slack = u64::from(scheme.slack.is_some());
    let chain = (shape.steps as u64).saturating_sub(u64::from(scheme.periodic));
    let (mut sum, mut border) = (0u64, slack);
    for &states in coupled {
        let n = (states as u64).saturating_mul(shape.orders as u64);
        let coupling = if scheme.central { n.saturating_add(states as u64) } else { 0 };
        let last = if scheme.periodic { n } else { 0 };
        border = border.saturating_add(last);
        let behind = coupling.saturating_add(last).saturating_add(slack);
        let triangle = n.saturating_mul(n.saturating_add(1)) / 2;
        sum = sum.saturating_add(triangle.saturating_add(n.saturating_mul(behind)).saturating_mul(chain));
    }
    sum.saturating_add(border.saturating_mul(border.saturating_add(1)) / 2)
}

fn bandwidth(block: u64, smooth: &SmoothRows, scheme: &Scheme, steps: u64) -> u64 {
    if scheme.central && steps > 2 {
        return 2 * block;
    }
    let first = |x: &[f64]| x.iter().position(|x| *x != 0.0).unwrap_or(0) as u64;
    let last = |x: &[f64]| x.iter().rposition(|x| *x != 0.0).unwrap_or(0) as u64;
    let between = smooth.rows.iter().map(|row| (block + last(&row.next)).saturating_sub(first(&row.at))).max();
    let within = block.saturating_sub(1);
    if steps > 1 { between.map_or(within, |b| b.max(within)) } else { within }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Plan;
    use super::super::{Border, Coefficients, DataRows, RowSet, RowWeights, Slack, Steps};
    use super::*;

    fn scheme(slack: bool, central: bool) -> Scheme {
        let slack = slack.then_some(Slack { alpha: 0.0, gamma: 1.0 });
        Scheme { slack, central, ..Scheme::published() }
    }

    fn shape(equations: usize, steps: usize, states: usize, orders: usize) -> Shape {
        Shape { batch: 2, equations, steps, states, orders, initial_steps: 1, initial_orders: 2 }
    }

    #[test]
    fn a_state_with_two_derivatives() {
        let plain = Footprint::new(&shape(1, 50, 1, 3), &scheme(false, false), &[1]);
        assert_eq!((plain.unknowns, plain.rows, plain.block, plain.bandwidth), (150, [50, 2, 6 * 49], 3, 5));
        assert_eq!((plain.vector_bytes, plain.coefficient_bytes), (8 * (150 + 50 + 2), 8 * 150));
        let central = Footprint::new(&shape(1, 50, 1, 3), &scheme(true, true), &[1]);
        // The derivative tied over two steps is six places away from itself.
        assert_eq!((central.unknowns, central.rows[2], central.bandwidth), (151, 4 * 49 + 48, 6));
        let hermite = Scheme { rows: RowSet::Hermite, periodic: true, ..Scheme::published() };
        let hermite = Footprint::new(&shape(1, 50, 1, 3), &hermite, &[1]);
        assert_eq!((hermite.rows, hermite.bandwidth), ([50, 2 + 2, 3 * 49], 5));
        let step = Footprint::new(&shape(1, 1, 1, 3), &scheme(false, false), &[1]);
        assert_eq!((step.rows, step.bandwidth), ([1, 2, 0], 2));
    }

    #[test]
    fn factors_fill_the_lanes() {
        let of = |precision| Footprint::new(&shape(1, 50, 1, 3), &Scheme { precision, ..Scheme::published() }, &[1]);
        let (double, single) = (of(Precision::Double), of(Precision::Single));
        let n = double.factor_numbers;
        assert_eq!(n, 50 * 6);
        // One system alone has no lanes beside it.
        assert_eq!([1, 2, 8, 9].map(|batch| double.factor_bytes(batch, true)), [8 * n, 64 * n, 64 * n, 128 * n]);
        assert_eq!([1, 16, 17].map(|batch| single.factor_bytes(batch, true)), [64 * n, 64 * n, 128 * n]);
        // And three blocks of a shared factor for each step, twice.
        let shared = 8 * (n + 2 * 50 * 27);
        assert_eq!([&double, &single].map(|f| f.factor_bytes(1000, false)), [shared, shared + 64 * n]);
        // Only three and four derivatives have such products.
        for (orders, products) in [(2, 0), (3, 27), (4, 48), (5, 0)] {
            let of = Footprint::new(&shape(1, 50, 1, orders), &Scheme::published(), &[1]);
            assert_eq!(of.factor_bytes(1000, false), 8 * (of.factor_numbers + 2 * 50 * products), "{orders} orders");
        }
    }

    #[test]
    fn one_system_is_worked_on_without_lanes() {
        let of = |scheme: Scheme, states, orders| Footprint::new(&shape(1, 50, states, orders), &scheme, &[states]);
        let plain = of(Scheme::published(), 1, 3);
        // By stretches, and alone as a whole: coefficients, unknowns, right-hand sides, intervals.
        assert_eq!([1, 2].map(|batch| plain.working_bytes(batch)), [8 * 50 * (6 + 9 + 4 + 3), 64 * 2 * 150]);
        let corrected = Scheme { refinements: 2, ..Scheme::published() };
        let numbers = 50 * (6 + 21 + 4 + 3) + 2 * (50 + 2 + 6 * 49);
        let bytes = |scheme: Scheme| [1, 2].map(|batch| of(scheme, 1, 3).working_bytes(batch));
        assert_eq!(bytes(corrected), [8 * numbers, 64 * numbers]);
        assert_eq!(bytes(Scheme { method: Method::Qr, ..corrected }), [64 * numbers; 2]);
        assert_eq!(bytes(Scheme { precision: Precision::Mixed, ..corrected }), [128 * numbers; 2]);
        assert_eq!(bytes(Scheme { precision: Precision::Single, ..corrected }), [64 * numbers; 2]);
        // Few long systems of wide blocks are cut in time, each by itself.
        let long = Shape { batch: 2, steps: 400, ..shape(2, 400, 2, 3) };
        let cut = Footprint::new(&long, &Scheme::published(), &[2]);
        let whole = Footprint::new(&long, &Scheme { central: true, ..Scheme::published() }, &[2]);
        assert_eq!(cut.working_bytes(2), 2 * cut.working_bytes(1));
        assert_eq!(whole.working_bytes(2), 8 * whole.working_bytes(1));
        assert_eq!(cut.factor_bytes(7, true), 8 * 7 * 400 * (21 + 72));
    }

    #[test]
    fn uncoupled_states_have_small_blocks() {
        let apart = Footprint::new(&shape(3, 20, 3, 4), &scheme(false, false), &[1, 1, 1]);
        let together = Footprint::new(&shape(3, 20, 3, 4), &scheme(false, false), &[3]);
        assert_eq!((apart.block, together.block), (4, 12));
        assert_eq!((apart.bandwidth, together.bandwidth), (7, 15));
        assert_eq!((apart.unknowns, apart.rows), (together.unknowns, together.rows));
        assert!(2 * apart.factor_numbers < together.factor_numbers);
    }

    #[test]
    fn factors_have_the_size_that_is_said() {
        for (slack, central, periodic) in (0..8).map(|i| (i % 2 == 1, i / 2 % 2 == 1, i / 4 == 1)) {
            for (equations, steps, states, orders) in [(1, 7, 1, 3), (2, 5, 3, 2), (3, 4, 3, 5), (0, 3, 2, 2)] {
                let shape = shape(equations, steps, states, orders);
                // Equation `e` couples states `e` and `e + 1`.
                let block = shape.block();
                let c: Vec<f64> = (0..shape.coefficients())
                    .map(|i| (i / (steps * block), i % block / orders))
                    .map(|(e, d)| if d == e || d == e + 1 { 1.0 } else { 0.0 })
                    .collect();
                let (rhs, iv) = (vec![0.0; 2 * shape.right_hand_sides()], vec![0.0; 2 * shape.initial_values()]);
                let h = vec![0.1; shape.intervals()];
                let problem = Problem {
                    shape,
                    scheme: Scheme { periodic, ..scheme(slack, central) },
                    c: Coefficients::Shared(&c),
                    rhs: &rhs,
                    iv: &iv,
                    h: Steps { values: &h, per_sample: false, per_state: false },
                    row_weights: RowWeights::default(),
                    data: DataRows::default(),
                    border: Border::default(),
                };
                let said = Footprint::of(&problem).expect("a problem").factor_numbers;
                assert_eq!(said, Plan::new(&problem).len as u64, "{shape:?} {slack} {central} {periodic}");
            }
        }
    }
}

//! How large a relaxed solve is: what follows from sizes and scheme alone, before there is any number.

use super::plan::couplings;
use super::problem::{Problem, Scheme, Shape};
use super::rows::SmoothRows;

/// Sizes of one system of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footprint {
    /// Unknowns, the slack included.
    pub unknowns: u64,
    /// Equation, initial and smoothness rows.
    pub rows: [u64; 3],
    /// Unknowns per step of the largest set of coupled states.
    pub block: u64,
    /// Half bandwidth of the normal matrix of that set in order of steps, without the slack: the largest distance of two unknowns
    /// that share a row.
    pub bandwidth: u64,
    /// Bytes of a factor: one for each system, or one for all of them where they share the matrix.
    pub factor_bytes: u64,
    /// Bytes of the system's own right-hand sides, initial values and solution.
    pub vector_bytes: u64,
    /// Bytes of the coefficients.
    pub coefficient_bytes: u64,
}

/// Bytes of a number.
const NUMBER: u64 = size_of::<f64>() as u64;

impl Footprint {
    /// Of systems of this shape whose equations couple states in sets of these sizes (together all states).
    pub fn new(shape: &Shape, scheme: &Scheme, coupled: &[usize]) -> Footprint {
        let slack = u64::from(scheme.slack.is_some());
        let (steps, states, orders) = (shape.steps as u64, shape.states as u64, shape.orders as u64);
        let product = |xs: &[u64]| xs.iter().fold(1u64, |n, &x| n.saturating_mul(x));
        let block = coupled.iter().max().map_or(0, |&n| n as u64).saturating_mul(orders);
        let smooth = SmoothRows::new(shape.orders.max(1), scheme);
        let between = product(&[steps.saturating_sub(1), states, smooth.rows.len() as u64]);
        let around = if scheme.central { steps.saturating_sub(2).saturating_mul(states) } else { 0 };
        let rows = [
            product(&[shape.equations as u64, steps]),
            product(&[shape.initial_steps as u64, states, shape.initial_orders as u64]),
            between.saturating_add(around),
        ];
        let unknowns = product(&[steps, states, orders]);
        let factor = coupled.iter().map(|&n| step_numbers(n as u64 * orders, n as u64, scheme).saturating_mul(steps));
        Footprint {
            unknowns: unknowns.saturating_add(slack),
            rows,
            block,
            bandwidth: bandwidth(block, &smooth, scheme, steps),
            factor_bytes: factor.fold(slack, u64::saturating_add).saturating_mul(NUMBER),
            vector_bytes: unknowns.saturating_add(rows[0]).saturating_add(rows[1]).saturating_mul(NUMBER),
            coefficient_bytes: unknowns.saturating_mul(shape.equations as u64).saturating_mul(NUMBER),
        }
    }

    /// Of the systems of a problem, whose coefficients say which states are coupled.
    pub fn of(problem: &Problem) -> Footprint {
        let coupled: Vec<usize> =
            couplings(&problem.shape, problem.c.values()).iter().map(|(states, _)| states.len()).collect();
        Footprint::new(&problem.shape, &problem.scheme, &coupled)
    }
}

/// Numbers of the factor of a step with `n` unknowns of `states` states.
fn step_numbers(n: u64, states: u64, scheme: &Scheme) -> u64 {
    // Central rows store the coupling with the next two steps.
    let coupling = if scheme.central { n + states } else { 0 };
    let width = n + coupling + u64::from(scheme.slack.is_some());
    n.saturating_mul(2 * width - n + 1) / 2
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
    use super::super::{Border, Coefficients, DataRows, RowWeights, Slack, Steps};
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
        let step = Footprint::new(&shape(1, 1, 1, 3), &scheme(false, false), &[1]);
        assert_eq!((step.rows, step.bandwidth), ([1, 2, 0], 2));
    }

    #[test]
    fn uncoupled_states_have_small_blocks() {
        let apart = Footprint::new(&shape(3, 20, 3, 4), &scheme(false, false), &[1, 1, 1]);
        let together = Footprint::new(&shape(3, 20, 3, 4), &scheme(false, false), &[3]);
        assert_eq!((apart.block, together.block), (4, 12));
        assert_eq!((apart.bandwidth, together.bandwidth), (7, 15));
        assert_eq!((apart.unknowns, apart.rows), (together.unknowns, together.rows));
        assert!(2 * apart.factor_bytes < together.factor_bytes);
    }

    #[test]
    fn factors_have_the_size_that_is_said() {
        for (slack, central) in [(false, false), (true, false), (false, true), (true, true)] {
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
                    scheme: scheme(slack, central),
                    c: Coefficients::Shared(&c),
                    rhs: &rhs,
                    iv: &iv,
                    h: Steps { values: &h, per_sample: false, per_state: false },
                    row_weights: RowWeights::default(),
                    data: DataRows::default(),
                    border: Border::default(),
                };
                let said = Footprint::of(&problem);
                assert_eq!(said.factor_bytes, 8 * Plan::new(&problem).len as u64, "{shape:?} {slack} {central}");
            }
        }
    }
}

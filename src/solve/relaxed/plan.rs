//! The structure of a factor: which states form a system together and where each number of the factor lies.

use super::problem::{Problem, Shape};
use super::rows::SmoothRows;

/// States that equations couple, factored together.
///
/// The factor of one step is `n` rows; row `r` holds the inverse pivot, the rest of the row of the triangular factor
/// (columns `r+1..n`), the coupling with the next step (`n..2n`), with central rows the coupling with the step after it
/// (`skip` columns from `2n`; only the derivatives `K - 2` are touched, one for each state), and the slack's column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// The states, ascending.
    pub states: Vec<usize>,
    /// The equations that touch them.
    pub equations: Vec<usize>,
    /// Unknowns per step.
    pub n: usize,
    /// Columns of the coupling over two steps.
    pub skip: usize,
    /// Columns of a row before packing.
    pub width: usize,
    /// Numbers per step.
    pub step_len: usize,
    /// Where the group's factor begins.
    pub start: usize,
    /// Place of each of the `n` unknowns in the step's `D * K`.
    pub place: Vec<usize>,
}

/// Structure of one factor.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub groups: Vec<Group>,
    pub slack: bool,
    pub rows: SmoothRows,
    /// Numbers of one sample's factor, the slack's inverse pivot (last) included.
    pub len: usize,
}

impl Group {
    /// Where row `r` of a step begins, such that column `c >= r` lies at `base(r) + c`.
    #[inline(always)]
    pub fn base(&self, r: usize) -> usize {
        r * (2 * self.width - r - 1) / 2
    }
    /// The slack's column.
    #[inline(always)]
    pub fn slack_column(&self) -> usize {
        2 * self.n + self.skip
    }
}

impl Plan {
    pub fn new(problem: &Problem) -> Self {
        let shape = &problem.shape;
        let slack = problem.scheme.slack.is_some();
        let k = shape.orders;
        let mut groups = Vec::new();
        let mut len = 0;
        for (states, equations) in couplings(shape, problem.c.values()) {
            let n = states.len() * k;
            let skip = if problem.scheme.central { states.len() } else { 0 };
            let width = 2 * n + skip + usize::from(slack);
            let step_len = n * (2 * width - n + 1) / 2;
            let place = states.iter().flat_map(|d| (0..k).map(move |j| d * k + j)).collect();
            groups.push(Group { states, equations, n, skip, width, step_len, start: len, place });
            len += step_len * shape.steps;
        }
        Plan { groups, slack, rows: SmoothRows::new(k, problem.scheme.central), len: len + 1 }
    }
}

/// Sets of states connected by equations with a non-zero coefficient in any sample at any step, in order of their first
/// state, each with its equations. Equations without any coefficient touch no state and are left out.
pub(crate) fn couplings(shape: &Shape, c: &[f64]) -> Vec<(Vec<usize>, Vec<usize>)> {
    let (d, k) = (shape.states, shape.orders);
    if d == 1 {
        return vec![(vec![0], (0..shape.equations).collect())];
    }
    // `set[s]` is the smallest state known to be connected with `s`.
    let mut set: Vec<usize> = (0..d).collect();
    let mut touched: Vec<Option<usize>> = vec![None; shape.equations];
    let mut open = d;
    for (index, step) in c.chunks_exact(d * k).enumerate() {
        let equation = index / shape.steps % shape.equations;
        if open == 1 && touched[equation].is_some() {
            if touched.iter().all(Option::is_some) {
                break;
            }
            continue;
        }
        for (s, orders) in step.chunks_exact(k).enumerate() {
            if orders.iter().all(|&x| x == 0.0) {
                continue;
            }
            let Some(other) = touched[equation] else {
                touched[equation] = Some(s);
                continue;
            };
            let (a, b) = (set[other].min(set[s]), set[other].max(set[s]));
            if a != b {
                set.iter_mut().filter(|x| **x == b).for_each(|x| *x = a);
                open -= 1;
            }
        }
    }
    let mut groups: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
    for s in 0..d {
        match groups.iter_mut().find(|(states, _)| set[states[0]] == set[s]) {
            Some((states, _)) => states.push(s),
            None => groups.push((vec![s], Vec::new())),
        }
    }
    for (e, s) in touched.iter().enumerate() {
        if let Some(s) = s
            && let Some((_, equations)) = groups.iter_mut().find(|(states, _)| set[states[0]] == set[*s])
        {
            equations.push(e);
        }
    }
    groups
}

//! The structure of a factor: which states form a system together and where each number of the factor lies.

use super::problem::{Problem, Shape};
use super::rows::SmoothRows;

/// States that equations couple, factored together.
///
/// The factor of one step is `n` rows; row `r` holds the inverse pivot, the rest of the row of the triangular factor
/// (columns `r+1..n`) and the border. With central rows there are also the coupling with the next step (`n..2n`) and with the step
/// after it (`skip` columns from `2n`; only the derivatives `K - 2` are touched, one for each state); without them the coupling is a
/// constant matrix times powers of the steps, made when it is needed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// The states, ascending.
    pub states: Vec<usize>,
    /// The equations that touch them.
    pub equations: Vec<usize>,
    /// Unknowns per step.
    pub n: usize,
    /// Columns of the coupling with the next step: `n` or none.
    pub next: usize,
    /// Columns of the coupling over two steps.
    pub skip: usize,
    /// Columns of a row before packing.
    pub width: usize,
    /// For each border column its place among the unknowns of the border: the slack, the border's own, then the steps at the
    /// ends of the chain that are eliminated last.
    pub border: Vec<usize>,
    /// First border column of the unknowns of the step before the chain, if it is in the border.
    pub left: Option<usize>,
    /// The same for the step after the chain.
    pub right: Option<usize>,
    /// Numbers per step.
    pub step_len: usize,
    /// Where the group's factor begins.
    pub start: usize,
    /// Place of each of the `n` unknowns in the step's `D * K`.
    pub place: Vec<usize>,
}

/// Which ends of the chain of steps are eliminated last, as unknowns of the border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// None: the chain is the whole of the time.
    Free,
    /// The last step: a periodic boundary couples it with the first.
    Periodic,
    /// The steps on either side: the chain is a segment of the time.
    Both,
}

/// Structure of one factor.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub groups: Vec<Group>,
    pub slack: bool,
    /// The border's own unknowns.
    pub own: usize,
    /// All unknowns of the border, `M`.
    pub border: usize,
    /// Steps in the chain.
    pub chain: usize,
    pub ends: Ends,
    pub rows: SmoothRows,
    /// Numbers of one sample's factor; the border's triangular factor, `M (M+1) / 2`, is last.
    pub len: usize,
    /// The places of the data rows.
    pub places: Vec<(usize, usize, usize)>,
    /// The first data row of each step, and their number; empty without data rows.
    pub data_start: Vec<usize>,
}

impl Group {
    /// Where row `r` of a step begins, such that column `c >= r` lies at `base(r) + c`.
    #[inline(always)]
    pub fn base(&self, r: usize) -> usize {
        row_start(self.width, r)
    }
    /// The first border column.
    #[inline(always)]
    pub fn border_column(&self) -> usize {
        self.n + self.next + self.skip
    }
}

/// Where row `r` of a triangle of rows of `width` numbers begins, such that column `c >= r` lies at `row_start + c`.
#[inline(always)]
pub(crate) fn row_start(width: usize, r: usize) -> usize {
    r * (2 * width - r - 1) / 2
}

/// Where row `r` of a packed upper triangle of `m` columns begins, such that column `c >= r` lies at `base + c`.
#[inline(always)]
pub(crate) fn packed(m: usize, r: usize) -> usize {
    r * (2 * m - r - 1) / 2
}

impl Plan {
    /// The plan of a problem whose time is one chain.
    pub fn new(problem: &Problem) -> Self {
        let ends = if problem.scheme.periodic { Ends::Periodic } else { Ends::Free };
        let chain = problem.shape.steps - usize::from(problem.scheme.periodic);
        Plan::of_chain(problem, chain, ends)
    }

    /// The plan of a chain of `chain` steps of the problem.
    pub fn of_chain(problem: &Problem, chain: usize, ends: Ends) -> Self {
        let shape = &problem.shape;
        let slack = problem.scheme.slack.is_some();
        let own = problem.border.width;
        let k = shape.orders;
        let mut groups = Vec::new();
        let (mut len, mut border) = (0, problem.borders());
        let mut coupled = couplings(shape, problem.c.values());
        if own > 0
            && let Some(first) = (0..shape.equations).find(|e| coupled.iter().all(|(_, list)| !list.contains(e)))
        {
            // Equations in unknowns of the border alone go with the first states.
            let free = (first..shape.equations).filter(|e| coupled.iter().all(|(_, list)| !list.contains(e)));
            let free: Vec<usize> = free.collect();
            coupled[0].1.extend(free);
        }
        for (states, equations) in coupled {
            let n = states.len() * k;
            let (next, skip) = if problem.scheme.central { (n, states.len()) } else { (0, 0) };
            let mut columns: Vec<usize> = (0..problem.borders()).collect();
            let first = n + next + skip;
            let mut end = |wanted: bool| {
                wanted.then(|| {
                    let column = first + columns.len();
                    columns.extend(border..border + n);
                    border += n;
                    column
                })
            };
            let left = end(ends == Ends::Both);
            let right = end(ends != Ends::Free);
            let width = first + columns.len();
            let step_len = n * (2 * width - n + 1) / 2;
            let place = states.iter().flat_map(|d| (0..k).map(move |j| d * k + j)).collect();
            let border = columns;
            groups.push(Group {
                states,
                equations,
                n,
                next,
                skip,
                width,
                border,
                left,
                right,
                step_len,
                start: len,
                place,
            });
            len += step_len * chain;
        }
        let mut data_start = Vec::new();
        if !problem.data.places.is_empty() {
            data_start = (0..=shape.steps).map(|t| problem.data.places.partition_point(|p| p.0 < t)).collect();
        }
        let len = len + border * (border + 1) / 2;
        let rows = SmoothRows::new(k, &problem.scheme);
        let places = problem.data.places.to_vec();
        Plan { groups, slack, own, border, chain, ends, rows, len, places, data_start }
    }

    /// The data rows of a step.
    #[inline(always)]
    pub fn data_rows(&self, t: usize) -> std::ops::Range<usize> {
        match self.data_start.get(t..t + 2) {
            Some(ends) => ends[0]..ends[1],
            None => 0..0,
        }
    }

    /// Where the border's factor begins.
    pub fn corner(&self) -> usize {
        self.len - self.border * (self.border + 1) / 2
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

//! The triangular factor from an orthogonal factorisation of the rows themselves.
//!
//! The triangle of a QR factorisation of the rows is the Cholesky factor of the normal matrix, but computed without squaring the
//! condition number; with a correction of each solve (corrected semi-normal equations; A. Bjorck, Linear Algebra Appl. 88/89, 1987)
//! solutions are about as accurate as with the orthogonal factor, which is never stored. Rows are taken step by step: those that
//! touch a step first join what earlier steps left over, Householder reflections eliminate the step, and what is left over is
//! reduced to a triangle again.

use super::assemble::CentralEntries;
use super::eliminate::BadPivot;
use super::elimination::pivot_error;
use super::error::SolveError;
use super::plan::{Ends, Group, Plan, packed};
use super::probe::probe_rows;
use super::problem::Problem;
use super::scheme::Precision;
use super::stage::Staged;
use super::windows::Window;
use crate::solve::lanes::Pack;

/// A diagonal entry below this multiple of the rounding unit times its column's length has no correct digit left.
const SMALLEST: f64 = 8.0;

/// Below this share of its column's length a diagonal entry is suspect: rounding of the steps before may have made all of it.
const SUSPECT: f64 = 1.0 / (1u64 << 13) as f64;

/// Dense rows over the same columns.
struct Stack {
    width: usize,
    rows: Vec<f64>,
}

impl Stack {
    fn push(&mut self) -> &mut [f64] {
        let start = self.rows.len();
        self.rows.resize(start + self.width, 0.0);
        &mut self.rows[start..]
    }

    /// Triangularises the first `columns` columns by Householder reflections; each gives its length before.
    fn reflect(&mut self, columns: usize) -> Vec<f64> {
        let width = self.width;
        let count = self.rows.len() / width;
        let mut lengths = vec![0.0; columns];
        for c in 0..columns.min(count) {
            let column = |rows: &[f64], from: usize| {
                (from..count).map(|i| rows[i * width + c] * rows[i * width + c]).sum::<f64>().sqrt()
            };
            lengths[c] = column(&self.rows, 0);
            let norm = column(&self.rows, c);
            let head = self.rows[c * width + c];
            if norm == 0.0 || !norm.is_finite() {
                continue;
            }
            let alpha = -norm.copysign(head);
            // v = x - alpha e, reflection 1 - v v^T / (norm (norm + |head|)).
            self.rows[c * width + c] = head - alpha;
            let scale = 1.0 / (norm * (norm + head.abs()));
            for q in c + 1..width {
                let dot: f64 = (c..count).map(|i| self.rows[i * width + c] * self.rows[i * width + q]).sum();
                let f = dot * scale;
                for i in c..count {
                    self.rows[i * width + q] -= f * self.rows[i * width + c];
                }
            }
            self.rows[c * width + c] = alpha;
            for i in c + 1..count {
                self.rows[i * width + c] = 0.0;
            }
        }
        lengths
    }

    /// Row `r`, zeros where there is none.
    fn row(&self, r: usize) -> impl Fn(usize) -> f64 + '_ {
        move |c| self.rows.get(r * self.width + c).copied().unwrap_or(0.0)
    }
}

/// The factor of one sample in the layout of [`Plan`].
///
/// # Errors
/// A singular or non-finite system.
pub(crate) fn factor_sample(
    problem: &Problem,
    plan: &Plan,
    staged: &Staged<f64>,
    window: Window,
) -> Result<Vec<f64>, SolveError> {
    let mut out = vec![0.0; plan.len];
    let m = plan.border;
    let mut corner = Stack { width: m.max(1), rows: Vec::new() };
    let mut squares = vec![0.0; m];
    let first = usize::from(plan.slack);
    if problem.border.ridge != 0.0 {
        for (p, square) in squares.iter_mut().enumerate().skip(first).take(plan.own) {
            corner.push()[p] = problem.border.ridge;
            *square = problem.border.ridge * problem.border.ridge;
        }
    }
    // Beside the rounding unit of single precision every diagonal entry may be suspect.
    let mut suspect = !problem.starts_fully() || problem.scheme.precision == Precision::Single;
    for (index, group) in plan.groups.iter().enumerate() {
        let rows = Rows { problem, plan, group, staged };
        suspect |= rows
            .factor(&mut out, &mut corner, &mut squares)
            .map_err(|pivot| pivot_error(problem, plan, Some(index), window, pivot))?;
    }
    corner.reflect(m);
    for (r, square) in squares.iter().enumerate() {
        // What the chains left over of a column may be rounding error as a whole: its length before counts.
        let (row, length) = (corner.row(r), square.sqrt());
        let base = plan.corner() + packed(m, r);
        suspect |= write_row(
            &row,
            r,
            (length, SMALLEST * rounding_unit(problem)),
            |c| (c < m).then_some((base + c, c)),
            &mut out,
        )
        .map_err(|bad| pivot_error(problem, plan, None, window, BadPivot { row: r, ..bad }))?;
    }
    if suspect {
        probe_rows(problem, plan, (staged, window), &out, &squares)?;
    }
    Ok(out)
}

/// The rounding unit that a factor of rows is judged by. The triangle is made in double precision, but a solve in single precision corrects its
/// solution with residuals of rounded rows: what only rows below their rounding determine is then the solution of others.
pub(crate) fn rounding_unit(problem: &Problem) -> f64 {
    if problem.scheme.precision == Precision::Single { f64::from(f32::EPSILON) } else { f64::EPSILON }
}

/// Stores row `r` of a triangle: the reciprocal of the squared diagonal entry, and the others times the diagonal entry. `place` gives
/// for `c = r, r+1, ...` where the column goes and which column of the row it is. Says whether the diagonal entry is suspect.
fn write_row(
    row: &impl Fn(usize) -> f64,
    r: usize,
    (length, smallest): (f64, f64),
    place: impl Fn(usize) -> Option<(usize, usize)>,
    out: &mut [f64],
) -> Result<bool, BadPivot> {
    let diagonal = row(r);
    let pivot = diagonal * diagonal;
    if !(diagonal.abs() > smallest * length && pivot.is_normal()) {
        let relative = pivot / (length * length);
        return Err(BadPivot { step: 0, row: r, lane: 0, pivot, relative });
    }
    for c in r.. {
        let Some((to, from)) = place(c) else { break };
        out[to] = if c == r { 1.0 / pivot } else { diagonal * row(from) };
    }
    Ok(diagonal.abs() < SUSPECT * length)
}

/// The rows of one group of states.
struct Rows<'a> {
    problem: &'a Problem<'a>,
    plan: &'a Plan,
    group: &'a Group,
    staged: &'a Staged<f64>,
}

impl Rows<'_> {
    /// Columns of a step in the window: this step, the next, with central rows the one after it, then the border.
    fn steps(&self) -> usize {
        if self.problem.scheme.central { 3 } else { 2 }
    }

    /// The column of an unknown `ahead` steps after `t`, `place` within its step.
    fn column(&self, t: usize, ahead: usize, place: usize) -> Option<usize> {
        let Rows { plan, group, .. } = self;
        if t + ahead < plan.chain {
            return Some(ahead * group.n + place);
        }
        let right = group.right.filter(|_| plan.ends == Ends::Periodic && t + ahead == plan.chain)?;
        Some(self.steps() * group.n + right - group.border_column() + place)
    }

    /// Factors the chain; `corner` takes the rows that are left over for the border, `squares` the squared lengths of the border's columns.
    /// Says whether a diagonal entry is suspect.
    fn factor(&self, out: &mut [f64], corner: &mut Stack, squares: &mut [f64]) -> Result<bool, BadPivot> {
        let Rows { plan, group, .. } = self;
        let mut suspect = false;
        let (n, m) = (group.n, group.border.len());
        let width = self.steps() * n + m;
        let mut stack = Stack { width, rows: Vec::new() };
        for t in 0..plan.chain {
            self.push_counted(t, &mut stack, squares);
            let lengths = stack.reflect(n);
            for (r, length) in lengths.into_iter().enumerate() {
                let row = stack.row(r);
                let base = group.start + t * group.step_len + group.base(r);
                let place = |c: usize| {
                    let from = if c < n + group.next {
                        c
                    } else if c < group.border_column() {
                        let orders = self.problem.shape.orders;
                        2 * n + (c - n - group.next) * orders + orders - 2
                    } else {
                        self.steps() * n + c - group.border_column()
                    };
                    (c < group.width).then_some((base + c, from))
                };
                suspect |= write_row(&row, r, (length, SMALLEST * rounding_unit(self.problem)), place, out)
                    .map_err(|bad| BadPivot { step: t, ..bad })?;
            }
            // What is left over, one step on, as a triangle.
            let count = stack.rows.len() / width;
            let mut rest = Stack { width, rows: Vec::new() };
            for r in n..count {
                let row = &stack.rows[r * width..][..width];
                let to = rest.push();
                let steps = self.steps() * n;
                to[..steps - n].copy_from_slice(&row[n..steps]);
                to[steps..].copy_from_slice(&row[steps..]);
            }
            rest.reflect(width);
            rest.rows.truncate(width * width);
            stack = rest;
        }
        // Only the border is left; with a periodic boundary the rows of the last step join it.
        if plan.ends == Ends::Periodic {
            self.push_counted(plan.chain, &mut stack, squares);
        }
        for row in stack.rows.chunks_exact(width) {
            let to = corner.push();
            for (x, &column) in row[width - m..].iter().zip(&group.border) {
                to[column] = *x;
            }
        }
        Ok(suspect)
    }

    /// [`push_rows`](Self::push_rows); adds the squares of what they have in the border's columns.
    fn push_counted(&self, t: usize, stack: &mut Stack, squares: &mut [f64]) {
        let (first, width, border) = (stack.rows.len(), stack.width, &self.group.border);
        self.push_rows(t, stack);
        for row in stack.rows[first..].chunks_exact(width) {
            for (x, &column) in row[width - border.len()..].iter().zip(border) {
                squares[column] += x * x;
            }
        }
    }

    /// Adds the rows whose first step is `t`.
    fn push_rows(&self, t: usize, stack: &mut Stack) {
        let Rows { problem, plan, group, staged } = self;
        let shape = &problem.shape;
        let (k, block, states) = (shape.orders, shape.block(), shape.states);
        let border = self.steps() * group.n;
        let unscale = |ahead: usize, d: usize, j: usize| staged.unscale[(t + ahead) * block + d * k + j];
        for &e in &group.equations {
            let at = e * shape.steps + t;
            let weight = staged.equation[at].sqrt();
            let row = stack.push();
            for (i, &place) in group.place.iter().enumerate() {
                if let Some(c) = self.column(t, 0, i) {
                    row[c] = weight * staged.c[at * block + place] * staged.unscale[t * block + place];
                }
            }
            let first = border + usize::from(plan.slack);
            for (to, x) in row[first..].iter_mut().zip(&staged.columns[at * plan.own..][..plan.own]) {
                *to = weight * x;
            }
        }
        for (local, &d) in group.states.iter().enumerate() {
            let mut point = |j: usize, weight: f64| {
                if let Some(c) = self.column(t, 0, local * k + j) {
                    stack.push()[c] = weight * unscale(0, d, j);
                }
            };
            if t < shape.initial_steps {
                for j in 0..shape.initial_orders {
                    point(j, staged.initial[t * states + d].sqrt());
                }
            }
            for row in plan.data_rows(t) {
                let (_, state, order) = problem.data.places[row];
                if state == d {
                    point(order, staged.observed[row].sqrt());
                }
            }
            if problem.scheme.periodic && t == 0 {
                let last = shape.steps - 1;
                for j in 0..k - 1 {
                    let row = stack.push();
                    let weight = problem.scheme.weights.initial;
                    row[local * k + j] = weight * unscale(0, d, j);
                    if let Some(c) = self.column(last, 0, local * k + j) {
                        row[c] = -weight * staged.unscale[last * block + d * k + j];
                    }
                }
            }
            if t + 1 < shape.steps {
                self.push_smooth_rows(t, (local, d), stack);
            }
            if let Some(entries) = f64::dispatch(CentralEntries { problem, staged, t: t + 1, d }) {
                let row = stack.push();
                for (ahead, (order, x)) in [k - 2, k - 1, k - 2].into_iter().zip(entries).enumerate() {
                    if let Some(c) = self.column(t, ahead, local * k + order) {
                        row[c] = x;
                    }
                }
                if plan.slack {
                    row[border] = staged.smooth[(t + 2) * states + d].sqrt();
                }
            }
        }
    }

    /// Adds the rows between steps `t` and `t + 1` of one state.
    fn push_smooth_rows(&self, t: usize, (local, d): (usize, usize), stack: &mut Stack) {
        let Rows { problem, plan, group, staged } = self;
        let (k, states) = (problem.shape.orders, problem.shape.states);
        let weight = staged.smooth[(t + 1) * states + d].sqrt();
        let rho = staged.rho[(t + 1) * states + d];
        for smooth in &plan.rows.rows {
            let row = stack.push();
            let mut p = weight;
            for j in 0..k {
                if let Some(c) = self.column(t, 0, local * k + j) {
                    row[c] = weight * smooth.at[j];
                }
                if let Some(c) = self.column(t, 1, local * k + j) {
                    row[c] = p * smooth.next[j];
                }
                p *= rho;
            }
            if plan.slack {
                row[self.steps() * group.n] = weight;
            }
        }
    }
}

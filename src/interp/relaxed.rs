//! The relaxed solve as its definition says: all rows written out, one dense least-squares problem per sample.
//!
//! The unknowns are u[t, d, k], the k-th derivative (k = 0..n, n the highest kept) of state d at step t. All rows are soft;
//! z minimises |A z - b|^2 with each row times its weight (linear-time form, arXiv 2410.06074):
//!
//! | row | formula | weight |
//! |---|---|---|
//! | equation | sum over d, k of c[e,t,d,k] u[t,d,k] = rhs[e,t] | 0 |
//! | initial | u[t,d,k] = iv[t,d,k] | 1 |
//! | forward, i | sum over j >= i of h^j/(j-i)! u[t,d,j] - h^i u[t+1,d,i] = 0 | 2 |
//! | backward, i | sum over j >= i of (-h)^j/(j-i)! u[t+1,d,j] - (-h)^i u[t,d,i] = 0 | 2 |
//! | central | H^(n-2) (u[t+1,d,n-1] - u[t-1,d,n-1]) - H^(n-1) u[t,d,n] = 0, H the sum of both steps | 2 |
//!
//! With the central row i runs to n - 1, without it to n; the central row needs n >= 1. A slack (arXiv 2402.13077) is one more unknown,
//! with the coefficient 1 in each of the last three kinds; what minimises is half the squares less the slack times its push. For the factorisation the unknowns are
//! scaled, v = h^k u. The adjoint: with N = A'A, z = N^-1 u_adj and r = b - a u the residual of a row of weight w,
//! b_adj = w^2 (a z) and a_adj = w^2 (r z - (a z) u).

use super::InterpError;
use super::array::Array;
use super::dense::{Matrix, Qr};
use crate::ir::{AxisId, SolveScheme, Type};

/// The sizes of one system.
struct Sizes {
    steps: usize,
    states: usize,
    /// Derivatives kept: n + 1.
    kept: usize,
    equations: usize,
    start: usize,
    given: usize,
}

impl Sizes {
    fn new(scheme: &SolveScheme, c: &Array, iv: &Array) -> Result<Sizes, InterpError> {
        let sizes = Sizes {
            steps: c.size(scheme.time),
            states: c.size(scheme.state),
            kept: c.size(scheme.order),
            equations: c.size(scheme.equation),
            start: iv.size(scheme.start),
            given: iv.size(scheme.given),
        };
        if sizes.start > sizes.steps {
            return Err(InterpError::StartTooLong { start: sizes.start, steps: sizes.steps });
        }
        Ok(sizes)
    }

    fn unknowns(&self) -> usize {
        self.steps * self.states * self.kept
    }

    fn unknown(&self, t: usize, d: usize, k: usize) -> usize {
        (t * self.states + d) * self.kept + k
    }
}

/// Where a row's coefficients and right-hand side come from.
enum Origin {
    /// Position in one sample's right-hand sides, and of the first coefficient in one sample's coefficients.
    Equation {
        rhs: usize,
        c: usize,
    },
    /// Position in one sample's initial values.
    Initial(usize),
    Smooth,
}

/// One row, in the unknowns u.
struct Row {
    origin: Origin,
    weight: f64,
    b: f64,
    /// Unknown, coefficient and its derivative by the row's step.
    entries: Vec<(usize, f64, f64)>,
    /// The intervals of the row's step: one, or the two that a central row spans.
    intervals: std::ops::Range<usize>,
    /// The state that they are of.
    state: usize,
}

/// One sample's operands.
struct System<'a> {
    sizes: Sizes,
    scheme: &'a SolveScheme,
    c: &'a [f64],
    rhs: &'a [f64],
    iv: &'a [f64],
    /// The steps, one for every interval and state.
    h: Vec<f64>,
}

impl System<'_> {
    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        self.equation_rows(&mut rows);
        self.initial_rows(&mut rows);
        self.smooth_rows(&mut rows);
        rows
    }

    fn equation_rows(&self, rows: &mut Vec<Row>) {
        let s = &self.sizes;
        let width = s.states * s.kept;
        for e in 0..s.equations {
            for t in 0..s.steps {
                let rhs = e * s.steps + t;
                let first = s.unknown(t, 0, 0);
                let entries = (0..width).map(|i| (first + i, self.c[rhs * width + i], 0.0)).collect();
                let origin = Origin::Equation { rhs, c: rhs * width };
                let weight = self.scheme.weights[0];
                rows.push(Row { origin, weight, b: self.rhs[rhs], entries, intervals: 0..0, state: 0 });
            }
        }
    }

    fn initial_rows(&self, rows: &mut Vec<Row>) {
        let s = &self.sizes;
        for t in 0..s.start {
            for d in 0..s.states {
                for k in 0..s.given {
                    let at = (t * s.states + d) * s.given + k;
                    let entries = vec![(s.unknown(t, d, k), 1.0, 0.0)];
                    let origin = Origin::Initial(at);
                    let weight = self.scheme.weights[1];
                    rows.push(Row { origin, weight, b: self.iv[at], entries, intervals: 0..0, state: d });
                }
            }
        }
    }

    fn smooth_rows(&self, rows: &mut Vec<Row>) {
        let s = &self.sizes;
        let central = self.scheme.central && s.kept >= 2;
        let n = s.kept - 1;
        let slack = self.scheme.slack.map(|_| (s.unknown(s.steps, 0, 0), 1.0, 0.0));
        let mut push = |mut entries: Vec<_>, intervals, state| {
            entries.extend(slack);
            rows.push(Row {
                origin: Origin::Smooth,
                weight: self.scheme.weights[2],
                b: 0.0,
                entries,
                intervals,
                state,
            });
        };
        // A power of the signed step and its derivative by h.
        let power = |(t, d): (usize, usize), sign: f64, j: usize| {
            let step = sign * self.h[t * s.states + d];
            let derivative = if j == 0 { 0.0 } else { j as f64 * sign * step.powi(j as i32 - 1) };
            (step.powi(j as i32), derivative)
        };
        let last = if self.scheme.central { n } else { n + 1 };
        for t in 0..s.steps.saturating_sub(1) {
            for d in 0..s.states {
                for (sign, here, there) in [(1.0, t, t + 1), (-1.0, t + 1, t)] {
                    for i in 0..last {
                        let mut entries = Vec::new();
                        let mut factorial = 1.0;
                        for j in i..=n {
                            factorial *= ((j - i) as f64).max(1.0);
                            let (p, dp) = power((t, d), sign, j);
                            entries.push((s.unknown(here, d, j), p / factorial, dp / factorial));
                        }
                        let (p, dp) = power((t, d), sign, i);
                        entries.push((s.unknown(there, d, i), -p, -dp));
                        push(entries, t..t + 1, d);
                    }
                }
            }
        }
        if central {
            for t in 1..s.steps.saturating_sub(1) {
                for d in 0..s.states {
                    // Powers of the step H over both intervals; n - 2 may be negative.
                    let both = self.h[(t - 1) * s.states + d] + self.h[t * s.states + d];
                    let wide = |p: i32| (both.powi(p), f64::from(p) * both.powi(p - 1));
                    let (a, da) = wide(n as i32 - 2);
                    let (b, db) = wide(n as i32 - 1);
                    let entries = vec![
                        (s.unknown(t + 1, d, n - 1), a, da),
                        (s.unknown(t - 1, d, n - 1), -a, -da),
                        (s.unknown(t, d, n), -b, -db),
                    ];
                    push(entries, t - 1..t + 1, d);
                }
            }
        }
    }

    /// h^-k for every unknown, h the step next to it; 1 for the slack.
    fn scales(&self) -> Vec<f64> {
        let (kept, states) = (self.sizes.kept, self.sizes.states);
        let last = (self.h.len() / states.max(1)).saturating_sub(1);
        let step = |i: usize| {
            let (t, d) = (i / (kept * states), i / kept % states);
            self.h.get(t.min(last) * states + d).copied().unwrap_or(1.0)
        };
        let scales = (0..self.sizes.unknowns()).map(|i| step(i).powi(-((i % kept) as i32)));
        scales.chain(self.scheme.slack.map(|_| 1.0)).collect()
    }

    fn factor(&self, rows: &[Row]) -> Result<Qr, InterpError> {
        let scales = self.scales();
        let mut a = Matrix::zeros(rows.len(), scales.len());
        for (i, row) in rows.iter().enumerate() {
            for &(j, x, _) in &row.entries {
                *a.at(i, j) += row.weight * x * scales[j];
            }
        }
        let b = rows.iter().map(|row| row.weight * row.b).collect();
        Qr::new(a, b).ok_or(InterpError::SolveSingular)
    }

    /// The scaled unknowns, the slack last.
    fn solution(&self, factor: &Qr) -> Vec<f64> {
        let mut v = factor.solution();
        if let Some(push) = self.scheme.slack {
            let mut pushed = vec![0.0; v.len()];
            pushed[v.len() - 1] = push;
            v.iter_mut().zip(factor.normal_inverse(&pushed)).for_each(|(v, by)| *v += by);
        }
        v
    }
}

/// The positions of every sample's part of an operand: the operand's axes are batch axes, then `inner` of them.
fn sample_starts(array: &Array, batch: &[AxisId], sizes: &[usize]) -> Result<Vec<usize>, InterpError> {
    array.offsets(batch, sizes)
}

fn batch_of<'a>(ty: &'a Type, shape: &'a [usize]) -> (&'a [AxisId], &'a [usize]) {
    // The solution ends with time, state and order.
    let batch = ty.axes.len().saturating_sub(3);
    (&ty.axes[..batch], &shape[..batch])
}

/// `c`, `rhs`, `iv`, `h` to the solution.
pub(super) fn solve(scheme: &SolveScheme, args: &[&Array], ty: &Type, shape: &[usize]) -> Result<Array, InterpError> {
    let mut out = Array::zeros(ty, shape.to_vec())?;
    let (batch, sizes) = batch_of(ty, shape);
    let starts: Vec<Vec<usize>> = args[..4].iter().map(|a| sample_starts(a, batch, sizes)).collect::<Result<_, _>>()?;
    for (sample, to) in out.offsets(batch, sizes)?.into_iter().enumerate() {
        let system = system(scheme, args, &starts, sample, batch)?;
        if system.sizes.unknowns() == 0 {
            continue;
        }
        let v = system.solution(&system.factor(&system.rows())?);
        let unknowns = system.sizes.unknowns();
        for ((out, v), scale) in out.data[to..].iter_mut().zip(v).zip(system.scales()).take(unknowns) {
            *out = v * scale;
        }
    }
    Ok(out)
}

/// `c`, `rhs`, `iv`, `h`, `u`, `u_adj` to the adjoints of the first four.
pub(super) fn solve_adjoint(scheme: &SolveScheme, args: &[&Array]) -> Result<Vec<Array>, InterpError> {
    let mut adjoints: Vec<Array> =
        args[..4].iter().map(|a| Array::zeros(&a.ty, a.shape.clone())).collect::<Result<_, _>>()?;
    let (batch, sizes) = batch_of(&args[4].ty, &args[4].shape);
    let starts: Vec<Vec<usize>> = args[..4].iter().map(|a| sample_starts(a, batch, sizes)).collect::<Result<_, _>>()?;
    let own = scheme.step_axes(&args[3].ty.axes, batch).1.len();
    for (sample, from) in args[4].offsets(batch, sizes)?.into_iter().enumerate() {
        let system = system(scheme, args, &starts, sample, batch)?;
        let unknowns = system.sizes.unknowns();
        if unknowns == 0 {
            continue;
        }
        let rows = system.rows();
        let scales = system.scales();
        let factor = system.factor(&rows)?;
        let mut u = args[4].data[from..from + unknowns].to_vec();
        u.extend_from_slice(&system.solution(&factor)[unknowns..]);
        // Nothing depends on the slack itself.
        let upstream = args[5].data[from..from + unknowns].iter().copied().chain(scheme.slack.map(|_| 0.0));
        let g: Vec<f64> = upstream.zip(&scales).map(|(g, s)| g * s).collect();
        let z: Vec<f64> = factor.normal_inverse(&g).iter().zip(&scales).map(|(z, s)| z * s).collect();
        for row in rows {
            let dot = |x: &[f64]| row.entries.iter().map(|&(j, a, _)| a * x[j]).sum::<f64>();
            let (residual, az) = (row.b - dot(&u), dot(&z));
            let square = row.weight * row.weight;
            let adjoint = |j: usize| square * (residual * z[j] - az * u[j]);
            match row.origin {
                Origin::Equation { rhs, c } => {
                    adjoints[1].data[starts[1][sample] + rhs] += square * az;
                    for (i, &(j, _, _)) in row.entries.iter().enumerate() {
                        adjoints[0].data[starts[0][sample] + c + i] += adjoint(j);
                    }
                }
                Origin::Initial(at) => adjoints[2].data[starts[2][sample] + at] += square * az,
                Origin::Smooth => {
                    let slope = row.entries.iter().map(|&(j, _, dh)| adjoint(j) * dh).sum::<f64>();
                    for interval in row.intervals {
                        let place = match own {
                            0 => 0,
                            1 => interval,
                            _ => interval * system.sizes.states + row.state,
                        };
                        adjoints[3].data[starts[3][sample] + place] += slope;
                    }
                }
            }
        }
    }
    Ok(adjoints)
}

fn system<'a>(
    scheme: &'a SolveScheme,
    args: &[&'a Array],
    starts: &[Vec<usize>],
    sample: usize,
    batch: &[AxisId],
) -> Result<System<'a>, InterpError> {
    let sizes = Sizes::new(scheme, args[0], args[2])?;
    let intervals = sizes.steps.saturating_sub(1);
    let first = &args[3].data[starts[3][sample]..];
    let states = sizes.states;
    let h = match scheme.step_axes(&args[3].ty.axes, batch).1.len() {
        0 => vec![first[0]; intervals.max(1) * states],
        1 => first[..intervals].iter().flat_map(|h| std::iter::repeat_n(*h, states)).collect(),
        _ => first[..intervals * states].to_vec(),
    };
    Ok(System {
        sizes,
        scheme,
        c: &args[0].data[starts[0][sample]..],
        rhs: &args[1].data[starts[1][sample]..],
        iv: &args[2].data[starts[2][sample]..],
        h,
    })
}

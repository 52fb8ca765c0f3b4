//! The relaxed solve as its definition says: all rows written out, one dense least-squares problem per sample.
//!
//! The unknowns are u[t, d, k], the k-th derivative (k = 0..n, n the highest kept) of state d at step t. All rows are soft and
//! there is no slack; z minimises |A z - b|^2 with each row times its weight (linear-time form, arXiv 2410.06074):
//!
//! | row | formula | weight |
//! |---|---|---|
//! | equation | sum over d, k of c[e,t,d,k] u[t,d,k] = rhs[e,t] | 0 |
//! | initial | u[t,d,k] = iv[t,d,k] | 1 |
//! | forward, i | sum over j >= i of h^j/(j-i)! u[t,d,j] - h^i u[t+1,d,i] = 0 | 2 |
//! | backward, i | sum over j >= i of (-h)^j/(j-i)! u[t+1,d,j] - (-h)^i u[t,d,i] = 0 | 2 |
//! | central | H^(n-2) (u[t+1,d,n-1] - u[t-1,d,n-1]) - H^(n-1) u[t,d,n] = 0, H the sum of both steps | 2 |
//!
//! With the central row i runs to n - 1, without it to n; the central row needs n >= 1. For the factorisation the unknowns are
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
}

/// One sample's operands.
struct System<'a> {
    sizes: Sizes,
    scheme: &'a SolveScheme,
    c: &'a [f64],
    rhs: &'a [f64],
    iv: &'a [f64],
    /// The steps, one for every interval.
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
                rows.push(Row { origin, weight: self.scheme.weights[0], b: self.rhs[rhs], entries, intervals: 0..0 });
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
                    rows.push(Row { origin, weight: self.scheme.weights[1], b: self.iv[at], entries, intervals: 0..0 });
                }
            }
        }
    }

    fn smooth_rows(&self, rows: &mut Vec<Row>) {
        let s = &self.sizes;
        let central = self.scheme.central && s.kept >= 2;
        let n = s.kept - 1;
        let mut push = |entries, intervals| {
            rows.push(Row { origin: Origin::Smooth, weight: self.scheme.weights[2], b: 0.0, entries, intervals });
        };
        // A power of the signed step and its derivative by h.
        let power = |t: usize, sign: f64, j: usize| {
            let step = sign * self.h[t];
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
                            let (p, dp) = power(t, sign, j);
                            entries.push((s.unknown(here, d, j), p / factorial, dp / factorial));
                        }
                        let (p, dp) = power(t, sign, i);
                        entries.push((s.unknown(there, d, i), -p, -dp));
                        push(entries, t..t + 1);
                    }
                }
            }
        }
        if central {
            for t in 1..s.steps.saturating_sub(1) {
                // Powers of the step H over both intervals; n - 2 may be negative.
                let both = self.h[t - 1] + self.h[t];
                let wide = |p: i32| (both.powi(p), f64::from(p) * both.powi(p - 1));
                let (a, da) = wide(n as i32 - 2);
                let (b, db) = wide(n as i32 - 1);
                for d in 0..s.states {
                    let entries = vec![
                        (s.unknown(t + 1, d, n - 1), a, da),
                        (s.unknown(t - 1, d, n - 1), -a, -da),
                        (s.unknown(t, d, n), -b, -db),
                    ];
                    push(entries, t - 1..t + 1);
                }
            }
        }
    }

    /// h^-k for every unknown, h the step next to it.
    fn scales(&self) -> Vec<f64> {
        let (kept, block) = (self.sizes.kept, self.sizes.kept * self.sizes.states);
        let step = |i: usize| self.h.get((i / block).min(self.h.len().saturating_sub(1))).copied().unwrap_or(1.0);
        (0..self.sizes.unknowns()).map(|i| step(i).powi(-((i % kept) as i32))).collect()
    }

    fn factor(&self, rows: &[Row]) -> Result<Qr, InterpError> {
        let scales = self.scales();
        let mut a = Matrix::zeros(rows.len(), self.sizes.unknowns());
        for (i, row) in rows.iter().enumerate() {
            for &(j, x, _) in &row.entries {
                *a.at(i, j) += row.weight * x * scales[j];
            }
        }
        let b = rows.iter().map(|row| row.weight * row.b).collect();
        Qr::new(a, b).ok_or(InterpError::SolveSingular)
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
        let v = system.factor(&system.rows())?.solution();
        for ((out, v), scale) in out.data[to..].iter_mut().zip(v).zip(system.scales()) {
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
    let varies = scheme.step_axes(&args[3].ty.axes, batch).1.is_some();
    for (sample, from) in args[4].offsets(batch, sizes)?.into_iter().enumerate() {
        let system = system(scheme, args, &starts, sample, batch)?;
        let unknowns = system.sizes.unknowns();
        if unknowns == 0 {
            continue;
        }
        let rows = system.rows();
        let scales = system.scales();
        let u = &args[4].data[from..from + unknowns];
        let g: Vec<f64> = args[5].data[from..].iter().zip(&scales).map(|(g, s)| g * s).collect();
        let z: Vec<f64> = system.factor(&rows)?.normal_inverse(&g).iter().zip(&scales).map(|(z, s)| z * s).collect();
        for row in rows {
            let dot = |x: &[f64]| row.entries.iter().map(|&(j, a, _)| a * x[j]).sum::<f64>();
            let (residual, az) = (row.b - dot(u), dot(&z));
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
                        adjoints[3].data[starts[3][sample] + if varies { interval } else { 0 }] += slope;
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
    let h = match scheme.step_axes(&args[3].ty.axes, batch).1 {
        Some(_) => first[..intervals].to_vec(),
        None => vec![first[0]; intervals.max(1)],
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

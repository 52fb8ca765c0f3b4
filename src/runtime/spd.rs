//! Masked symmetric positive definite solves: a dense Cholesky factorisation per system, in double precision, with the unknowns
//! scaled so that the diagonal is one (Jacobi scaling), which takes the units of the unknowns out of the rounding error.
//!
//! Only the symmetric part of a matrix counts, so its adjoint is symmetric: with z the solution for the upstream gradient,
//! `n_adj = -(z x' + x z') / 2` and `r_adj = z`, both zero where masked.
//!
//! The factorisation is not that of `solve::Cholesky`, which owns its matrix and allocates for every factor and every solution: here
//! a batch may have thousands of systems of a few unknowns, each factored in the memory of its thread, and mask and scale
//! are applied while the matrix is read.

use super::RuntimeError;
use super::call::Run;
use crate::artifact::SpdStep;
use crate::base::Elem;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Additions in a chunk of systems at least.
const CHUNK_WORK: usize = 40_000;

/// Runs the solve, or its adjoint.
pub(super) fn run(run: &Run<'_>, step: usize, s: &SpdStep) -> Result<(), RuntimeError> {
    let batch = s.batch.value(run.sizes).unwrap_or(0) as usize;
    let k = s.unknowns.value(run.sizes).unwrap_or(0) as usize;
    let per_system = k.saturating_mul(k).saturating_mul(k).max(1);
    let length = (CHUNK_WORK / per_system).max(1);
    let failed = AtomicUsize::new(usize::MAX);
    run.threads.for_each(batch.div_ceil(length), |chunk| {
        let mut scratch = Scratch::new(k);
        for sample in chunk * length..((chunk + 1) * length).min(batch) {
            let solved = match s.elem {
                Elem::F32 => system::<f32>(run, s, sample, &mut scratch),
                Elem::F64 => system::<f64>(run, s, sample, &mut scratch),
            };
            if solved.is_none() {
                failed.fetch_min(sample, Ordering::Relaxed);
            }
        }
    });
    match failed.into_inner() {
        usize::MAX => Ok(()),
        sample => Err(RuntimeError::NotPositiveDefinite { entry: run.entry.name.clone(), step, sample }),
    }
}

trait Number: Copy {
    fn get(self) -> f64;
    fn put(x: f64) -> Self;
}

impl Number for f32 {
    fn get(self) -> f64 {
        f64::from(self)
    }
    fn put(x: f64) -> f32 {
        x as f32
    }
}

impl Number for f64 {
    fn get(self) -> f64 {
        self
    }
    fn put(x: f64) -> f64 {
        x
    }
}

/// Memory of one thread.
struct Scratch {
    factor: Vec<f64>,
    scale: Vec<f64>,
    x: Vec<f64>,
}

impl Scratch {
    fn new(k: usize) -> Self {
        Scratch { factor: vec![0.0; k.saturating_mul(k)], scale: vec![0.0; k], x: vec![0.0; k] }
    }
}

fn system<T: Number>(run: &Run<'_>, s: &SpdStep, sample: usize, scratch: &mut Scratch) -> Option<()> {
    let k = scratch.x.len();
    // SAFETY: every buffer holds `count` numbers for each of the systems (or for one, when shared), by the sizes bound; results
    // are other buffers than operands, and each system is run by one thread.
    let read = |buffer: usize, batched: bool, count: usize| unsafe {
        let start = run.pointer(buffer).cast::<T>().add(if batched { sample * count } else { 0 });
        std::slice::from_raw_parts(start.cast_const(), count)
    };
    // SAFETY: as above.
    let write = |buffer: usize, count: usize| unsafe {
        std::slice::from_raw_parts_mut(run.pointer(buffer).cast::<T>().add(sample * count), count)
    };
    let matrix = read(s.matrix.0, s.matrix.1, k * k);
    let mask = read(s.mask.0, s.mask.1, k);
    let rhs = read(s.rhs, true, k);
    factor(matrix, mask, scratch)?;
    for i in 0..k {
        scratch.x[i] = mask[i].get() * rhs[i].get();
    }
    substitute(scratch);
    match s.adjoint {
        None => write(s.solution, k).iter_mut().zip(&scratch.x).for_each(|(out, &x)| *out = T::put(x)),
        Some([n_adj, r_adj]) => {
            let x = read(s.solution, true, k);
            write(r_adj, k).iter_mut().zip(&scratch.x).for_each(|(out, &z)| *out = T::put(z));
            // Of a shared matrix too, every sample has an adjoint of its own; a later step adds them up.
            let n_adj = write(n_adj, k * k);
            for i in 0..k {
                for j in 0..k {
                    let both = scratch.x[i] * x[j].get() + x[i].get() * scratch.x[j];
                    n_adj[i * k + j] = T::put(-0.5 * (mask[i].get() * mask[j].get()) * both);
                }
            }
        }
    }
    Some(())
}

/// The lower factor of `S (M n M + I - M) S`, S the scale that makes its diagonal one. `None` unless positive definite.
fn factor<T: Number>(n: &[T], mask: &[T], scratch: &mut Scratch) -> Option<()> {
    let k = scratch.x.len();
    let (l, scale) = (&mut scratch.factor, &mut scratch.scale);
    for i in 0..k {
        for j in 0..=i {
            let identity = if i == j { 1.0 - mask[i].get() } else { 0.0 };
            let sym = 0.5 * (n[i * k + j].get() + n[j * k + i].get());
            l[i * k + j] = mask[i].get() * mask[j].get() * sym + identity;
        }
        let diagonal = l[i * k + i];
        if !(diagonal > 0.0 && diagonal.is_finite()) {
            return None;
        }
        scale[i] = 1.0 / diagonal.sqrt();
    }
    for i in 0..k {
        for j in 0..=i {
            let mut sum = l[i * k + j] * scale[i] * scale[j];
            for p in 0..j {
                sum -= l[i * k + p] * l[j * k + p];
            }
            if i != j {
                l[i * k + j] = sum / l[j * k + j];
            } else if sum > 0.0 && sum.is_finite() {
                l[i * k + i] = sum.sqrt();
            } else {
                return None;
            }
        }
    }
    Some(())
}

/// Solves in place for the right-hand side in `scratch.x`.
fn substitute(scratch: &mut Scratch) {
    let Scratch { factor: l, scale, x } = scratch;
    let k = x.len();
    for i in 0..k {
        let mut sum = x[i] * scale[i];
        for p in 0..i {
            sum -= l[i * k + p] * x[p];
        }
        x[i] = sum / l[i * k + i];
    }
    for i in (0..k).rev() {
        let mut sum = x[i];
        for p in i + 1..k {
            sum -= l[p * k + i] * x[p];
        }
        x[i] = sum / l[i * k + i];
    }
    for (x, s) in x.iter_mut().zip(scale.iter()) {
        *x *= s;
    }
}

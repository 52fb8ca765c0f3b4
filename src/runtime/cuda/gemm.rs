//! Which products go to cuBLAS, and how.

use super::DeviceError;
use super::blas::Call;
use super::code::{Code, Placed};
use crate::artifact::Size;
use crate::artifact::device::{Gemm, Matrix};
use std::sync::PoisonError;

/// Multiplications below which the generated kernel is as fast as the start of a library call.
const SMALL_PRODUCT: u64 = 1 << 15;
/// Library calls that one step may need at most; a generated kernel needs one launch.
const MOST_CALLS: u64 = 64;

/// Who computes products of matrices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Products {
    /// cuBLAS in the precision of the numbers, where it is there and the product is large.
    #[default]
    Library,
    /// As [`Products::Library`], but factors in single precision are rounded to TF32 (10 bits).
    Tf32,
    /// The generated kernels.
    Generated,
}

impl Code {
    /// The library calls for a product, or `None` where its generated kernel is better, or the only way.
    pub(super) fn calls(&self, placed: &Placed, gemm: &Gemm) -> Option<Vec<Call>> {
        if self.products == Products::Generated {
            return None;
        }
        let value = |s: &Size| s.value(&placed.sizes);
        let narrow = |s: &Size| value(s).and_then(|n| i32::try_from(n).ok());
        let extents = [narrow(&gemm.rows)?, narrow(&gemm.columns)?, narrow(&gemm.inner)?];
        let work = extents.iter().fold(1u64, |w, &e| w.saturating_mul(e.unsigned_abs().into()));
        let (inner_batch, outer_batch) = match gemm.batch.split_last() {
            Some(((extent, strides), rest)) => ((value(extent)?, strides.clone()), rest),
            None => ((1, [Size::ZERO, Size::ZERO, Size::ZERO]), &[][..]),
        };
        let sums = gemm.sums.iter().try_fold(1u64, |n, (e, _)| n.checked_mul(value(e)?))?;
        let outer = outer_batch.iter().try_fold(1u64, |n, (e, _)| n.checked_mul(value(e)?))?;
        let calls = outer.checked_mul(sums)?;
        let all = work.saturating_mul(calls).saturating_mul(inner_batch.0);
        // A product without any term is zero, which the generated kernel writes.
        if all < SMALL_PRODUCT || calls > MOST_CALLS {
            return None;
        }
        let [rows, columns, inner] = extents;
        let stored = |m: &Matrix, rows: i32, columns: i32| if m.transposed { columns } else { rows };
        let address = |m: &Matrix| -> Option<u64> {
            let offset = m.offset.iter().try_fold(0u64, |sum, s| sum.checked_add(value(s)?))?;
            Some(placed.address(m.memory) + offset * gemm.elem.bytes() as u64)
        };
        let first = Call {
            elem: gemm.elem,
            transposed: [gemm.left.transposed, gemm.right.transposed],
            extents,
            addresses: [address(&gemm.left)?, address(&gemm.right)?, address(&gemm.out)?],
            leading: [
                narrow(&gemm.left.leading)?.max(stored(&gemm.left, rows, inner)),
                narrow(&gemm.right.leading)?.max(stored(&gemm.right, inner, columns)),
                narrow(&gemm.out.leading)?.max(rows),
            ],
            strides: [0, 1, 2].map(|i| value(&inner_batch.1[i]).and_then(|s| i64::try_from(s).ok()).unwrap_or(0)),
            count: i32::try_from(inner_batch.0).ok()?,
            add: gemm.add,
        };
        let mut all = vec![first];
        for (extent, strides) in outer_batch {
            let strides = [value(&strides[0])?, value(&strides[1])?, value(&strides[2])?];
            all = spread(&all, value(extent)?, strides, gemm.elem.bytes(), false);
        }
        for (extent, strides) in &gemm.sums {
            let strides = [value(&strides[0])?, value(&strides[1])?, 0];
            all = spread(&all, value(extent)?, strides, gemm.elem.bytes(), true);
        }
        self.device.blas().map(|_| all)
    }

    /// Puts library calls on the stream.
    pub(super) fn multiply(&self, calls: &[Call]) -> Result<(), DeviceError> {
        let Some(blas) = self.device.blas() else { return Ok(()) };
        let mut blas = blas.lock().unwrap_or_else(PoisonError::into_inner);
        blas.allow_tf32(self.products == Products::Tf32)?;
        // SAFETY: extents, distances and addresses are those of matrices in our memory, which lives until the stream has been waited for.
        calls.iter().try_for_each(|call| unsafe { blas.multiply(call) })
    }
}

/// Repeats calls along one more index; the first of a sum replaces the result, the others are added to it.
fn spread(calls: &[Call], extent: u64, strides: [u64; 3], bytes: usize, sum: bool) -> Vec<Call> {
    let at = |call: &Call, i: u64| {
        let mut addresses = call.addresses;
        addresses.iter_mut().zip(strides).for_each(|(a, s)| *a += i * s * bytes as u64);
        Call { addresses, add: call.add || (sum && i > 0), ..*call }
    };
    calls.iter().flat_map(|call| (0..extent).map(move |i| at(call, i))).collect()
}

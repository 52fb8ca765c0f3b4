//! Transposes with machine instructions: samples into lanes and back. A block goes through registers once, so that neither its samples nor
//! its packs are read twice.

use std::arch::x86_64::*;

use super::{Pack8, Pack16};

/// Columns of eight rows of eight numbers: four by four numbers in each half of a register, of which the second comes with the load.
///
/// # Safety
/// Every pointer is valid for eight reads.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn columns(rows: [*const f64; 8]) -> [__m512d; 8] {
    let mut out = [_mm512_setzero_pd(); 8];
    let (first, second) = (_mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15));
    for part in 0..2 {
        let mut r = [_mm512_setzero_pd(); 4];
        for i in 0..4 {
            // SAFETY: four of the eight numbers of a row.
            let (low, high) =
                unsafe { (_mm256_loadu_pd(rows[i].add(4 * part)), _mm256_loadu_pd(rows[i + 4].add(4 * part))) };
            r[i] = _mm512_insertf64x4::<1>(_mm512_castpd256_pd512(low), high);
        }
        let (even, even2) = (_mm512_unpacklo_pd(r[0], r[1]), _mm512_unpacklo_pd(r[2], r[3]));
        let (odd, odd2) = (_mm512_unpackhi_pd(r[0], r[1]), _mm512_unpackhi_pd(r[2], r[3]));
        out[4 * part] = _mm512_permutex2var_pd(even, first, even2);
        out[4 * part + 1] = _mm512_permutex2var_pd(odd, first, odd2);
        out[4 * part + 2] = _mm512_permutex2var_pd(even, second, even2);
        out[4 * part + 3] = _mm512_permutex2var_pd(odd, second, odd2);
    }
    out
}

/// Columns of four rows of four numbers.
///
/// # Safety
/// Every pointer is valid for four reads.
#[inline]
#[target_feature(enable = "avx")]
unsafe fn columns_of_four(rows: [*const f64; 4]) -> [__m256d; 4] {
    let mut r = [_mm256_setzero_pd(); 4];
    for i in 0..4 {
        // SAFETY: as for the function.
        r[i] = unsafe { _mm256_loadu_pd(rows[i]) };
    }
    let (even, odd) = (_mm256_unpacklo_pd(r[0], r[1]), _mm256_unpackhi_pd(r[0], r[1]));
    let (even2, odd2) = (_mm256_unpacklo_pd(r[2], r[3]), _mm256_unpackhi_pd(r[2], r[3]));
    [
        _mm256_permute2f128_pd::<0x20>(even, even2),
        _mm256_permute2f128_pd::<0x20>(odd, odd2),
        _mm256_permute2f128_pd::<0x31>(even, even2),
        _mm256_permute2f128_pd::<0x31>(odd, odd2),
    ]
}

/// Writes the transpose of eight rows of eight numbers, the first `count` rows of it.
///
/// # Safety
/// The rows are valid for eight reads each, the first `count` of `to` for eight writes, and all of the first are read before any of
/// the second is written where they overlap.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn turn_block(rows: [*const f64; 8], to: [*mut f64; 8], count: usize) {
    // SAFETY: as for the function.
    unsafe {
        for (i, column) in columns(rows).into_iter().enumerate() {
            if i < count {
                _mm512_storeu_pd(to[i], column);
            }
        }
    }
}

/// [`turn_block`] without the wide registers, four by four numbers at a time.
///
/// # Safety
/// As for [`turn_block`].
#[inline]
#[target_feature(enable = "avx")]
unsafe fn turn_block_by_fours(rows: [*const f64; 8], to: [*mut f64; 8], count: usize) {
    let mut parts = [[_mm256_setzero_pd(); 4]; 4];
    for (part, at) in parts.iter_mut().zip([(0, 0), (0, 4), (4, 0), (4, 4)]) {
        let mut from = [rows[0]; 4];
        for i in 0..4 {
            // SAFETY: as for the function.
            from[i] = unsafe { rows[at.0 + i].add(at.1) };
        }
        // SAFETY: as for the function.
        *part = unsafe { columns_of_four(from) };
    }
    for (part, at) in parts.iter().zip([(0, 0), (0, 4), (4, 0), (4, 4)]) {
        for i in 0..4 {
            if at.1 + i < count {
                // SAFETY: as for the function.
                unsafe { _mm256_storeu_pd(to[at.1 + i].add(at.0), part[i]) };
            }
        }
    }
}

/// Where blocks of eight begin in `n` numbers; the last one overlaps the one before it where eight do not divide `n`.
#[inline(always)]
fn blocks(n: usize) -> impl Iterator<Item = usize> {
    (0..n.div_ceil(8)).map(move |i| (8 * i).min(n - 8))
}

/// Panics unless `count` rows of `n` numbers, `stride` apart, lie within `len` numbers.
#[inline(always)]
fn assert_rows(n: usize, len: usize, stride: usize, count: usize) {
    assert!(
        n >= 8 && count > 0 && (count == 1 || stride <= len) && (count - 1) * stride + n <= len,
        "rows are as long as there are packs"
    );
}

macro_rules! moves {
    ($feature:literal, $turn:ident, $gather:ident, $scatter:ident) => {
        /// Pack `i` becomes number `i` of eight rows that lie `stride` apart, of which those beyond `count` are the last one.
        #[target_feature(enable = $feature)]
        pub(super) fn $gather(to: &mut [Pack8], from: &[f64], stride: usize, count: usize) {
            let (n, count) = (to.len(), count.min(8));
            assert_rows(n, from.len(), stride, count);
            let mut starts = [from.as_ptr(); 8];
            for (i, start) in starts.iter_mut().enumerate() {
                // SAFETY: the row lies in `from`.
                *start = unsafe { start.add(i.min(count - 1) * stride) };
            }
            // Asked for once: another mutable borrow would end what pointers made before may do.
            let to = to.as_mut_ptr();
            for at in blocks(n) {
                let (mut rows, mut packs) = (starts, [to.cast::<f64>(); 8]);
                for i in 0..8 {
                    // SAFETY: `at + 8` is at most the length of rows and packs.
                    unsafe {
                        rows[i] = starts[i].add(at);
                        packs[i] = to.add(at + i).cast();
                    }
                }
                // SAFETY: see above; rows and packs do not overlap.
                unsafe { $turn(rows, packs, 8) };
            }
        }

        /// The reverse: rows of as many numbers as there are packs, `stride` apart, from the first `count` lanes.
        #[target_feature(enable = $feature)]
        pub(super) fn $scatter(from: &[Pack8], to: &mut [f64], stride: usize, count: usize) {
            let (n, count) = (from.len(), count.min(8));
            assert_rows(n, to.len(), stride, count);
            let to = to.as_mut_ptr();
            for at in blocks(n) {
                let (mut packs, mut rows) = ([from.as_ptr().cast::<f64>(); 8], [to; 8]);
                for i in 0..8 {
                    // SAFETY: `at + 8` is at most the length of packs and rows; rows beyond `count` stay the first one and are not
                    // written.
                    unsafe {
                        packs[i] = from.as_ptr().add(at + i).cast();
                        rows[i] = to.add(if i < count { i * stride + at } else { 0 });
                    }
                }
                // SAFETY: see above.
                unsafe { $turn(packs, rows, count) };
            }
        }
    };
}

moves!("avx512f", turn_block, gather, scatter);
moves!("avx", turn_block_by_fours, gather_by_fours, scatter_by_fours);

/// Transposes eight packs in place.
#[target_feature(enable = "avx")]
pub(super) fn turn(block: &mut [Pack8; 8]) {
    let (mut rows, mut to) = ([block[0].0.as_ptr(); 8], [block[0].0.as_mut_ptr(); 8]);
    let start = block.as_mut_ptr();
    for i in 0..8 {
        // SAFETY: eight packs.
        to[i] = unsafe { start.add(i).cast() };
        rows[i] = to[i];
    }
    // SAFETY: packs are eight numbers, and all are in registers before the first is written.
    unsafe { turn_block_by_fours(rows, to, 8) };
}

/// Transposes sixteen by sixteen numbers in single precision, eight by eight at a time.
#[target_feature(enable = "avx")]
pub(super) fn turn_singles(block: &mut [Pack16; 16]) {
    for row in [0, 8] {
        for column in [0, 8].into_iter().filter(|&c| c >= row) {
            let there = turn_eight(block, row, column);
            if row == column {
                put_eight(block, row, column, there);
            } else {
                let back = turn_eight(block, column, row);
                put_eight(block, row, column, back);
                put_eight(block, column, row, there);
            }
        }
    }
}

/// The transpose of eight by eight singles at a row and a column.
#[target_feature(enable = "avx")]
fn turn_eight(block: &[Pack16; 16], row: usize, column: usize) -> [__m256; 8] {
    let mut r = [_mm256_setzero_ps(); 8];
    for (r, pack) in r.iter_mut().zip(&block[row..row + 8]) {
        // SAFETY: half a pack is one register long and aligned to it.
        *r = unsafe { _mm256_load_ps(pack.0.as_ptr().add(column)) };
    }
    let mut pairs = [_mm256_setzero_ps(); 8];
    for i in 0..4 {
        pairs[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        pairs[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    let mut fours = [_mm256_setzero_ps(); 8];
    for i in [0, 4] {
        fours[i] = _mm256_shuffle_ps::<0x44>(pairs[i], pairs[i + 2]);
        fours[i + 1] = _mm256_shuffle_ps::<0xee>(pairs[i], pairs[i + 2]);
        fours[i + 2] = _mm256_shuffle_ps::<0x44>(pairs[i + 1], pairs[i + 3]);
        fours[i + 3] = _mm256_shuffle_ps::<0xee>(pairs[i + 1], pairs[i + 3]);
    }
    let mut turned = [_mm256_setzero_ps(); 8];
    for i in 0..4 {
        turned[i] = _mm256_permute2f128_ps::<0x20>(fours[i], fours[i + 4]);
        turned[i + 4] = _mm256_permute2f128_ps::<0x31>(fours[i], fours[i + 4]);
    }
    turned
}

#[target_feature(enable = "avx")]
fn put_eight(block: &mut [Pack16; 16], row: usize, column: usize, rows: [__m256; 8]) {
    for (pack, r) in block[row..row + 8].iter_mut().zip(rows) {
        // SAFETY: as for the loads.
        unsafe { _mm256_store_ps(pack.0.as_mut_ptr().add(column), r) };
    }
}

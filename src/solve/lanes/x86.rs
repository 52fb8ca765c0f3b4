//! The only place with machine instructions. The types are created nowhere but under [`run_avx2`] and [`run_avx512`].

use std::arch::x86_64::*;

use super::{Kernel, Lanes, Pack, Pack8, Pack16, Two};

#[target_feature(enable = "avx2,fma")]
pub(super) fn run_avx2<P: Pack, V: Lanes<Pack = P>, K: Kernel<P>>(kernel: K) -> K::Output {
    kernel.run::<V>()
}

#[target_feature(enable = "avx512f,avx2,fma")]
pub(super) fn run_avx512<P: Pack, V: Lanes<Pack = P>, K: Kernel<P>>(kernel: K) -> K::Output {
    kernel.run::<V>()
}

/// Transposes eight by eight numbers.
#[target_feature(enable = "avx512f")]
pub(super) fn turn(block: &mut [Pack8; 8]) {
    // SAFETY: packs are one register long and aligned to it.
    let r: [__m512d; 8] = std::array::from_fn(|i| unsafe { _mm512_load_pd(block[i].0.as_ptr()) });
    // Pairs of rows, even columns and odd columns.
    let pairs: [[__m512d; 2]; 4] = std::array::from_fn(|i| {
        let (a, b) = (r[2 * i], r[2 * i + 1]);
        [_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b)]
    });
    for odd in 0..2 {
        // A transpose of four by four pairs.
        let [a, b, c, d] = [pairs[0][odd], pairs[1][odd], pairs[2][odd], pairs[3][odd]];
        let (low, high) = (_mm512_shuffle_f64x2::<0x44>(a, b), _mm512_shuffle_f64x2::<0xee>(a, b));
        let (low2, high2) = (_mm512_shuffle_f64x2::<0x44>(c, d), _mm512_shuffle_f64x2::<0xee>(c, d));
        let columns = [
            _mm512_shuffle_f64x2::<0x88>(low, low2),
            _mm512_shuffle_f64x2::<0xdd>(low, low2),
            _mm512_shuffle_f64x2::<0x88>(high, high2),
            _mm512_shuffle_f64x2::<0xdd>(high, high2),
        ];
        for (i, column) in columns.into_iter().enumerate() {
            // SAFETY: as for the loads.
            unsafe { _mm512_store_pd(block[2 * i + odd].0.as_mut_ptr(), column) };
        }
    }
}

/// Transposes four by four numbers.
#[target_feature(enable = "avx")]
fn turn_four(r: [__m256d; 4]) -> [__m256d; 4] {
    let (even, odd) = (_mm256_unpacklo_pd(r[0], r[1]), _mm256_unpackhi_pd(r[0], r[1]));
    let (even2, odd2) = (_mm256_unpacklo_pd(r[2], r[3]), _mm256_unpackhi_pd(r[2], r[3]));
    [
        _mm256_permute2f128_pd::<0x20>(even, even2),
        _mm256_permute2f128_pd::<0x20>(odd, odd2),
        _mm256_permute2f128_pd::<0x31>(even, even2),
        _mm256_permute2f128_pd::<0x31>(odd, odd2),
    ]
}

/// Four by four numbers at a row and a column.
#[target_feature(enable = "avx")]
fn load_four(block: &[Pack8; 8], row: usize, column: usize) -> [__m256d; 4] {
    let mut r = [_mm256_setzero_pd(); 4];
    for (r, pack) in r.iter_mut().zip(&block[row..row + 4]) {
        // SAFETY: half a pack is one register long and aligned to it.
        *r = unsafe { _mm256_load_pd(pack.0.as_ptr().add(column)) };
    }
    r
}

#[target_feature(enable = "avx")]
fn store_four(block: &mut [Pack8; 8], row: usize, column: usize, r: [__m256d; 4]) {
    for (pack, r) in block[row..row + 4].iter_mut().zip(r) {
        // SAFETY: as for the loads.
        unsafe { _mm256_store_pd(pack.0.as_mut_ptr().add(column), r) };
    }
}

/// Transposes eight by eight numbers, four by four at a time.
#[target_feature(enable = "avx")]
pub(super) fn turn_by_fours(block: &mut [Pack8; 8]) {
    for corner in [0, 4] {
        let turned = turn_four(load_four(block, corner, corner));
        store_four(block, corner, corner, turned);
    }
    let (above, below) = (turn_four(load_four(block, 0, 4)), turn_four(load_four(block, 4, 0)));
    store_four(block, 0, 4, below);
    store_four(block, 4, 0, above);
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

/// Two registers of four.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256d, __m256d);

/// One register of four: the lanes of a pack from `FROM` on.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Part<const FROM: usize>(__m256d);

/// One register of eight.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512d);

/// Two registers of eight in single precision.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Single(__m256, __m256);

/// A vector of two registers of half a pack each.
macro_rules! halves {
    ($vector:ident, $pack:ident, $exact:ty, [$first:ty, $second:ty], $half:literal, $set:ident, |$x:ident| $cast:expr, $load:ident, $store:ident,
     $add:ident, $sub:ident, $mul:ident, $div:ident, $fma:ident, $fnma:ident, $cmp:ident, $and:ident, $mask:ident, $all:literal) => {
        impl Lanes for $vector {
            type Pack = $pack;
            type Exact = $exact;
            type First = $first;
            type Second = $second;
            const UNROLLED: bool = size_of::<<$pack as Pack>::Exact>() == 64;
            const IN_PARTS: bool = Self::UNROLLED;

            #[inline(always)]
            fn splat($x: f64) -> Self {
                // SAFETY: the vector exists only under `run_avx2`, entered after the instructions were detected; so for all below.
                let half = unsafe { $set($cast) };
                $vector(half, half)
            }
            #[inline(always)]
            fn load(from: &$pack) -> Self {
                // SAFETY: a pack is two halves, aligned to 64 bytes.
                unsafe { $vector($load(from.0.as_ptr()), $load(from.0.as_ptr().add($half))) }
            }
            #[inline(always)]
            fn store(self, to: &mut $pack) {
                // SAFETY: as for `load`.
                unsafe {
                    $store(to.0.as_mut_ptr(), self.0);
                    $store(to.0.as_mut_ptr().add($half), self.1);
                }
            }
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                // SAFETY: see `splat`.
                unsafe { $vector($add(self.0, b.0), $add(self.1, b.1)) }
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                // SAFETY: see `splat`.
                unsafe { $vector($sub(self.0, b.0), $sub(self.1, b.1)) }
            }
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                // SAFETY: see `splat`.
                unsafe { $vector($mul(self.0, b.0), $mul(self.1, b.1)) }
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                // SAFETY: see `splat`.
                unsafe { $vector($div(self.0, b.0), $div(self.1, b.1)) }
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: see `splat`.
                unsafe { $vector($fma(self.0, b.0, c.0), $fma(self.1, b.1, c.1)) }
            }
            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: see `splat`.
                unsafe { $vector($fnma(self.0, b.0, c.0), $fnma(self.1, b.1, c.1)) }
            }
            #[inline(always)]
            fn all_greater(self, b: Self) -> bool {
                // SAFETY: see `splat`.
                unsafe {
                    let (low, high) = ($cmp::<_CMP_GT_OQ>(self.0, b.0), $cmp::<_CMP_GT_OQ>(self.1, b.1));
                    $mask($and(low, high)) == $all
                }
            }
        }
    };
}

/// A vector of one register: a whole pack, or the part of it from some lane on.
macro_rules! whole {
    ([$(const $at:ident: usize)?], $vector:ident, $pack:ident, $from:expr, $set:ident, $load:ident, $store:ident,
     $add:ident, $sub:ident, $mul:ident, $div:ident, $fma:ident, $fnma:ident, |$a:ident, $b:ident| $greater:expr) => {
        impl$(<const $at: usize>)? Lanes for $vector$(<$at>)? {
            type Pack = $pack;
            type Exact = Self;
            type First = Self;
            type Second = Self;
            const UNROLLED: bool = true;
            const IN_PARTS: bool = false;

            #[inline(always)]
            fn splat(x: f64) -> Self {
                // SAFETY: the vector exists only under `run_avx512` or `run_avx2`, entered after the instructions were detected; so
                // for all below.
                unsafe { $vector($set(x)) }
            }
            #[inline(always)]
            fn load(from: &$pack) -> Self {
                // SAFETY: the register's lanes lie in the pack, aligned to its length.
                unsafe { $vector($load(from.0.as_ptr().add($from))) }
            }
            #[inline(always)]
            fn store(self, to: &mut $pack) {
                // SAFETY: as for `load`.
                unsafe { $store(to.0.as_mut_ptr().add($from), self.0) }
            }
            #[inline(always)]
            fn add(self, b: Self) -> Self {
                // SAFETY: see `splat`.
                unsafe { $vector($add(self.0, b.0)) }
            }
            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                // SAFETY: see `splat`.
                unsafe { $vector($sub(self.0, b.0)) }
            }
            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                // SAFETY: see `splat`.
                unsafe { $vector($mul(self.0, b.0)) }
            }
            #[inline(always)]
            fn div(self, b: Self) -> Self {
                // SAFETY: see `splat`.
                unsafe { $vector($div(self.0, b.0)) }
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: see `splat`.
                unsafe { $vector($fma(self.0, b.0, c.0)) }
            }
            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: see `splat`.
                unsafe { $vector($fnma(self.0, b.0, c.0)) }
            }
            #[inline(always)]
            fn all_greater(self, b: Self) -> bool {
                let ($a, $b) = (self.0, b.0);
                // SAFETY: see `splat`.
                unsafe { $greater }
            }
        }
    };
}

halves!(
    Avx2,
    Pack8,
    Self,
    [Avx2Part<0>, Avx2Part<4>],
    4,
    _mm256_set1_pd,
    |x| x,
    _mm256_load_pd,
    _mm256_store_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_div_pd,
    _mm256_fmadd_pd,
    _mm256_fnmadd_pd,
    _mm256_cmp_pd,
    _mm256_and_pd,
    _mm256_movemask_pd,
    0xf
);
halves!(
    Avx2Single,
    Pack16,
    Two<Avx2>,
    [Self, Self],
    8,
    _mm256_set1_ps,
    |x| x as f32,
    _mm256_load_ps,
    _mm256_store_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_div_ps,
    _mm256_fmadd_ps,
    _mm256_fnmadd_ps,
    _mm256_cmp_ps,
    _mm256_and_ps,
    _mm256_movemask_ps,
    0xff
);
whole!(
    [],
    Avx512,
    Pack8,
    0,
    _mm512_set1_pd,
    _mm512_load_pd,
    _mm512_store_pd,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_div_pd,
    _mm512_fmadd_pd,
    _mm512_fnmadd_pd,
    |a, b| _mm512_cmp_pd_mask::<_CMP_GT_OQ>(a, b) == 0xff
);
whole!(
    [const FROM: usize],
    Avx2Part,
    Pack8,
    FROM,
    _mm256_set1_pd,
    _mm256_load_pd,
    _mm256_store_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_div_pd,
    _mm256_fmadd_pd,
    _mm256_fnmadd_pd,
    |a, b| _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GT_OQ>(a, b)) == 0xf
);

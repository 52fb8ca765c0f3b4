//! Vectors of machine instructions. The types are created nowhere but under [`run_avx2`] and [`run_avx512`].

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

/// One register of sixteen in single precision.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Single(__m512);

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
            const FUSED: bool = true;

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
    ([$(const $at:ident: usize)?], $vector:ident, $pack:ident, $exact:ty, $from:expr, $set:ident, |$x:ident| $cast:expr, $load:ident,
     $store:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $fma:ident, $fnma:ident, |$a:ident, $b:ident| $greater:expr) => {
        impl$(<const $at: usize>)? Lanes for $vector$(<$at>)? {
            type Pack = $pack;
            type Exact = $exact;
            type First = Self;
            type Second = Self;
            const UNROLLED: bool = true;
            const IN_PARTS: bool = false;
            const FUSED: bool = true;

            #[inline(always)]
            fn splat($x: f64) -> Self {
                // SAFETY: the vector exists only under `run_avx512` or `run_avx2`, entered after the instructions were detected; so
                // for all below.
                unsafe { $vector($set($cast)) }
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
    Self,
    0,
    _mm512_set1_pd,
    |x| x,
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
    [],
    Avx512Single,
    Pack16,
    Two<Avx512>,
    0,
    _mm512_set1_ps,
    |x| x as f32,
    _mm512_load_ps,
    _mm512_store_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_div_ps,
    _mm512_fmadd_ps,
    _mm512_fnmadd_ps,
    |a, b| _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b) == 0xffff
);
whole!(
    [const FROM: usize],
    Avx2Part,
    Pack8,
    Self,
    FROM,
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
    |a, b| _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GT_OQ>(a, b)) == 0xf
);

//! Short vectors of `f64` chosen at run time: AVX-512, AVX2 with FMA, or portable code.
//!
//! A computation is written once as a [`Kernel`] generic over [`Lanes`] and started by [`Pack::dispatch`].
//! Everything a kernel calls has to be `#[inline(always)]`: only code inlined into the dispatching function is compiled
//! with the wide instructions. Addition, multiplication, division, square root and fused multiply-add are rounded as IEEE
//! 754 says, so eight systems in eight lanes give the same bits as one system in a single lane.

use std::sync::OnceLock;

/// Eight numbers, aligned to a cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Pack8(pub [f64; 8]);

/// A vector of [`Lanes::WIDTH`] numbers with lane-wise arithmetic.
pub(crate) trait Lanes: Copy {
    /// How the vector lies in memory.
    type Pack: Pack;
    fn splat(x: f64) -> Self;
    fn load(from: &Self::Pack) -> Self;
    fn store(self, to: &mut Self::Pack);
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn mul(self, b: Self) -> Self;
    fn div(self, b: Self) -> Self;
    fn sqrt(self) -> Self;
    /// `self * b + c`.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `c - self * b`.
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    /// Whether every lane of `self` is greater than that of `b`; false where either is not a number.
    fn all_greater(self, b: Self) -> bool;
}

/// The memory form of a vector.
pub(crate) trait Pack: Copy + Send + Sync + 'static {
    /// Numbers in one pack.
    const WIDTH: usize;
    const ZERO: Self;
    fn lane(&self, lane: usize) -> f64;
    fn set_lane(&mut self, lane: usize, x: f64);
    /// Runs the kernel with the widest instructions that the processor has.
    fn dispatch<K: Kernel<Self>>(kernel: K) -> K::Output;
}

/// A computation generic over the vector type. `run` and all it calls have to be `#[inline(always)]`.
pub(crate) trait Kernel<P: Pack> {
    type Output;
    fn run<V: Lanes<Pack = P>>(self) -> Self::Output;
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        {
            let fma = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if fma && is_x86_feature_detected!("avx512f") {
                return Level::Avx512;
            }
            if fma {
                return Level::Avx2;
            }
        }
        Level::Portable
    })
}

impl Pack for Pack8 {
    const WIDTH: usize = 8;
    const ZERO: Self = Pack8([0.0; 8]);

    #[inline(always)]
    fn lane(&self, lane: usize) -> f64 {
        self.0[lane]
    }

    #[inline(always)]
    fn set_lane(&mut self, lane: usize, x: f64) {
        self.0[lane] = x;
    }

    #[inline]
    fn dispatch<K: Kernel<Self>>(kernel: K) -> K::Output {
        match level() {
            Level::Portable => kernel.run::<Portable>(),
            // SAFETY: `level` found these instructions on the running processor.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { x86::run_avx2::<Self, x86::Avx2, K>(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { x86::run_avx512::<Self, x86::Avx512, K>(kernel) },
        }
    }
}

impl Pack for f64 {
    const WIDTH: usize = 1;
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn lane(&self, _lane: usize) -> f64 {
        *self
    }

    #[inline(always)]
    fn set_lane(&mut self, _lane: usize, x: f64) {
        *self = x;
    }

    #[inline]
    fn dispatch<K: Kernel<Self>>(kernel: K) -> K::Output {
        match level() {
            Level::Portable => kernel.run::<Single<false>>(),
            // SAFETY: `level` found fused multiply-add on the running processor.
            #[cfg(target_arch = "x86_64")]
            _ => unsafe { x86::run_avx2::<Self, Single<true>, K>(kernel) },
        }
    }
}

/// One number. With `FMA` products are fused, as in the wide forms on a processor that has the instruction.
#[derive(Clone, Copy)]
pub(crate) struct Single<const FMA: bool>(f64);

impl<const FMA: bool> Lanes for Single<FMA> {
    type Pack = f64;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Single(x)
    }
    #[inline(always)]
    fn load(from: &f64) -> Self {
        Single(*from)
    }
    #[inline(always)]
    fn store(self, to: &mut f64) {
        *to = self.0;
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Single(self.0 + b.0)
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Single(self.0 - b.0)
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Single(self.0 * b.0)
    }
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        Single(self.0 / b.0)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Single(self.0.sqrt())
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Single(if FMA { self.0.mul_add(b.0, c.0) } else { self.0 * b.0 + c.0 })
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        Single(if FMA { (-self.0).mul_add(b.0, c.0) } else { c.0 - self.0 * b.0 })
    }
    #[inline(always)]
    fn all_greater(self, b: Self) -> bool {
        self.0 > b.0
    }
}

/// Eight numbers in plain code; products are not fused. On x86-64 only processors of before 2013 come here, so there its operations
/// stay calls: a third of the compile time of all kernels is saved for the others.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f64; 8]);

impl Portable {
    #[inline(always)]
    fn zip(self, b: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Portable(std::array::from_fn(|i| f(self.0[i], b.0[i])))
    }
}

impl Lanes for Portable {
    type Pack = Pack8;

    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn splat(x: f64) -> Self {
        Portable([x; 8])
    }
    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn load(from: &Pack8) -> Self {
        Portable(from.0)
    }
    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn store(self, to: &mut Pack8) {
        to.0 = self.0;
    }
    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn add(self, b: Self) -> Self {
        self.zip(b, |x, y| x + y)
    }
    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn sub(self, b: Self) -> Self {
        self.zip(b, |x, y| x - y)
    }
    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn mul(self, b: Self) -> Self {
        self.zip(b, |x, y| x * y)
    }
    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn div(self, b: Self) -> Self {
        self.zip(b, |x, y| x / y)
    }
    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn sqrt(self) -> Self {
        Portable(self.0.map(f64::sqrt))
    }
    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self.mul(b).add(c)
    }
    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        c.sub(self.mul(b))
    }
    #[cfg_attr(target_arch = "x86_64", inline(never))]
    #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
    fn all_greater(self, b: Self) -> bool {
        (0..8).all(|i| self.0[i] > b.0[i])
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! The only place with machine instructions. The types are created nowhere but under `run_avx2` and `run_avx512`.
    use super::{Kernel, Lanes, Pack, Pack8};
    use std::arch::x86_64::*;

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

    /// One register of eight.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(__m512d);

    macro_rules! avx2 {
        ($name:ident ( $a:expr $(, $b:expr)* )) => {
            // SAFETY: an `Avx2` exists only under `run_avx2`, which was entered after the instructions were detected.
            unsafe { Avx2($name($a.0 $(, $b.0)*), $name($a.1 $(, $b.1)*)) }
        };
    }

    macro_rules! avx512 {
        ($name:ident ( $a:expr $(, $b:expr)* )) => {
            // SAFETY: an `Avx512` exists only under `run_avx512`, which was entered after the instructions were detected.
            unsafe { Avx512($name($a.0 $(, $b.0)*)) }
        };
    }

    impl Lanes for Avx2 {
        type Pack = Pack8;

        #[inline(always)]
        fn splat(x: f64) -> Self {
            // SAFETY: see `avx2!`.
            let half = unsafe { _mm256_set1_pd(x) };
            Avx2(half, half)
        }
        #[inline(always)]
        fn load(from: &Pack8) -> Self {
            // SAFETY: a `Pack8` is eight numbers, aligned to 64 bytes; see `avx2!`.
            unsafe { Avx2(_mm256_load_pd(from.0.as_ptr()), _mm256_load_pd(from.0.as_ptr().add(4))) }
        }
        #[inline(always)]
        fn store(self, to: &mut Pack8) {
            // SAFETY: as for `load`.
            unsafe {
                _mm256_store_pd(to.0.as_mut_ptr(), self.0);
                _mm256_store_pd(to.0.as_mut_ptr().add(4), self.1);
            }
        }
        #[inline(always)]
        fn add(self, b: Self) -> Self {
            avx2!(_mm256_add_pd(self, b))
        }
        #[inline(always)]
        fn sub(self, b: Self) -> Self {
            avx2!(_mm256_sub_pd(self, b))
        }
        #[inline(always)]
        fn mul(self, b: Self) -> Self {
            avx2!(_mm256_mul_pd(self, b))
        }
        #[inline(always)]
        fn div(self, b: Self) -> Self {
            avx2!(_mm256_div_pd(self, b))
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            avx2!(_mm256_sqrt_pd(self))
        }
        #[inline(always)]
        fn mul_add(self, b: Self, c: Self) -> Self {
            avx2!(_mm256_fmadd_pd(self, b, c))
        }
        #[inline(always)]
        fn neg_mul_add(self, b: Self, c: Self) -> Self {
            avx2!(_mm256_fnmadd_pd(self, b, c))
        }
        #[inline(always)]
        fn all_greater(self, b: Self) -> bool {
            // SAFETY: see `avx2!`.
            unsafe {
                let low = _mm256_cmp_pd::<_CMP_GT_OQ>(self.0, b.0);
                let high = _mm256_cmp_pd::<_CMP_GT_OQ>(self.1, b.1);
                _mm256_movemask_pd(_mm256_and_pd(low, high)) == 0xf
            }
        }
    }

    impl Lanes for Avx512 {
        type Pack = Pack8;

        #[inline(always)]
        fn splat(x: f64) -> Self {
            // SAFETY: see `avx512!`.
            unsafe { Avx512(_mm512_set1_pd(x)) }
        }
        #[inline(always)]
        fn load(from: &Pack8) -> Self {
            // SAFETY: a `Pack8` is eight numbers, aligned to 64 bytes; see `avx512!`.
            unsafe { Avx512(_mm512_load_pd(from.0.as_ptr())) }
        }
        #[inline(always)]
        fn store(self, to: &mut Pack8) {
            // SAFETY: as for `load`.
            unsafe { _mm512_store_pd(to.0.as_mut_ptr(), self.0) }
        }
        #[inline(always)]
        fn add(self, b: Self) -> Self {
            avx512!(_mm512_add_pd(self, b))
        }
        #[inline(always)]
        fn sub(self, b: Self) -> Self {
            avx512!(_mm512_sub_pd(self, b))
        }
        #[inline(always)]
        fn mul(self, b: Self) -> Self {
            avx512!(_mm512_mul_pd(self, b))
        }
        #[inline(always)]
        fn div(self, b: Self) -> Self {
            avx512!(_mm512_div_pd(self, b))
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            avx512!(_mm512_sqrt_pd(self))
        }
        #[inline(always)]
        fn mul_add(self, b: Self, c: Self) -> Self {
            avx512!(_mm512_fmadd_pd(self, b, c))
        }
        #[inline(always)]
        fn neg_mul_add(self, b: Self, c: Self) -> Self {
            avx512!(_mm512_fnmadd_pd(self, b, c))
        }
        #[inline(always)]
        fn all_greater(self, b: Self) -> bool {
            // SAFETY: see `avx512!`.
            unsafe { _mm512_cmp_pd_mask::<_CMP_GT_OQ>(self.0, b.0) == 0xff }
        }
    }
}

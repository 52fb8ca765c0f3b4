//! Vectors in plain code; products are not fused. On x86-64 only processors of before 2013 come here, so there its operations
//! stay calls: a third of the compile time of all kernels is saved for the others.

use super::{Lanes, Pack8, Pack16, Two};

/// `W` numbers.
#[derive(Clone, Copy)]
pub(crate) struct Wide<S, const W: usize>([S; W]);

macro_rules! portable {
    ($scalar:ty, $width:literal, $pack:ident, $exact:ty, |$x:ident| $cast:expr) => {
        impl Wide<$scalar, $width> {
            #[inline(always)]
            fn zip(self, b: Self, f: impl Fn($scalar, $scalar) -> $scalar) -> Self {
                Wide(std::array::from_fn(|i| f(self.0[i], b.0[i])))
            }
        }

        impl Lanes for Wide<$scalar, $width> {
            type Pack = $pack;
            type Exact = $exact;
            type First = Self;
            type Second = Self;
            const UNROLLED: bool = false;
            const IN_PARTS: bool = false;
            const FUSED: bool = false;

            #[cfg_attr(target_arch = "x86_64", inline(never))]
            #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
            fn splat($x: f64) -> Self {
                Wide([$cast; $width])
            }
            #[cfg_attr(target_arch = "x86_64", inline(never))]
            #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
            fn load(from: &$pack) -> Self {
                Wide(from.0)
            }
            #[cfg_attr(target_arch = "x86_64", inline(never))]
            #[cfg_attr(not(target_arch = "x86_64"), inline(always))]
            fn store(self, to: &mut $pack) {
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
                (0..$width).all(|i| self.0[i] > b.0[i])
            }
        }
    };
}

portable!(f64, 8, Pack8, Self, |x| x);
portable!(f32, 16, Pack16, Two<Wide<f64, 8>>, |x| x as f32);

//! One number at a time.

use super::Lanes;

/// One number. With `FMA` products are fused, as in the wide forms on a processor that has the instruction.
#[derive(Clone, Copy)]
pub(crate) struct Single<const FMA: bool>(f64);

impl<const FMA: bool> Lanes for Single<FMA> {
    type Pack = f64;
    type Exact = Self;
    type First = Self;
    type Second = Self;
    const UNROLLED: bool = FMA;
    const IN_PARTS: bool = false;
    const FUSED: bool = FMA;

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

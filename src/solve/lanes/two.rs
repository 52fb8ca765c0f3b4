//! Vectors of twice as many lanes.

use super::{Lanes, Pack8, Pair8};

/// Two vectors side by side.
#[derive(Clone, Copy)]
pub(crate) struct Two<V>(V, V);

impl<V: Lanes<Pack = Pack8>> Lanes for Two<V> {
    type Pack = Pair8;
    type Exact = Self;
    type First = Self;
    type Second = Self;
    const UNROLLED: bool = false;
    const IN_PARTS: bool = false;
    const FUSED: bool = V::FUSED;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Two(V::splat(x), V::splat(x))
    }
    #[inline(always)]
    fn load(from: &Pair8) -> Self {
        Two(V::load(&from.0[0]), V::load(&from.0[1]))
    }
    #[inline(always)]
    fn store(self, to: &mut Pair8) {
        self.0.store(&mut to.0[0]);
        self.1.store(&mut to.0[1]);
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Two(self.0.add(b.0), self.1.add(b.1))
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Two(self.0.sub(b.0), self.1.sub(b.1))
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        Two(self.0.mul(b.0), self.1.mul(b.1))
    }
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        Two(self.0.div(b.0), self.1.div(b.1))
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Two(self.0.mul_add(b.0, c.0), self.1.mul_add(b.1, c.1))
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        Two(self.0.neg_mul_add(b.0, c.0), self.1.neg_mul_add(b.1, c.1))
    }
    #[inline(always)]
    fn all_greater(self, b: Self) -> bool {
        self.0.all_greater(b.0) && self.1.all_greater(b.1)
    }
}

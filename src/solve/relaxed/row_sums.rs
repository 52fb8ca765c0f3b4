//! Sums of products along a row, and the residuals of rows that are kept from one pass to the next.

use crate::solve::lanes::Lanes;

/// A number less products.
pub(crate) trait RowSum<V: Lanes>: Copy {
    /// A power of a step.
    type Power: Copy;
    fn new(x: V) -> Self;
    /// Less `a x`.
    fn less(self, a: V, x: V) -> Self;
    /// Less `(a + b) x`.
    fn less_sum(self, a: V, b: V, x: V) -> Self;
    /// Less `a x` for another sum `x`.
    fn less_of(self, a: V, x: Self) -> Self;
    /// Less `a p x` for a power `p`.
    fn less_power(self, a: V, p: Self::Power, x: V) -> Self;
    fn value(self) -> V;
    /// The power 0.
    fn one() -> Self::Power;
    /// The next power of `h`.
    fn next(p: Self::Power, h: V) -> Self::Power;
}

/// Rounded with every product.
#[derive(Clone, Copy)]
pub(crate) struct Rounded<V>(V);

impl<V: Lanes> RowSum<V> for Rounded<V> {
    type Power = V;

    #[inline(always)]
    fn new(x: V) -> Self {
        Rounded(x)
    }
    #[inline(always)]
    fn less(self, a: V, x: V) -> Self {
        Rounded(a.neg_mul_add(x, self.0))
    }
    #[inline(always)]
    fn less_sum(self, a: V, b: V, x: V) -> Self {
        self.less(a.add(b), x)
    }
    #[inline(always)]
    fn less_of(self, a: V, x: Self) -> Self {
        self.less(a, x.0)
    }
    #[inline(always)]
    fn less_power(self, a: V, p: V, x: V) -> Self {
        self.less(a.mul(p), x)
    }
    #[inline(always)]
    fn value(self) -> V {
        self.0
    }
    #[inline(always)]
    fn one() -> V {
        V::splat(1.0)
    }
    #[inline(always)]
    fn next(p: V, h: V) -> V {
        p.mul(h)
    }
}

/// As if it had twice the digits, rounded once at the end: sums and products carry their rounding errors along (T. Ogita, S. M. Rump and S. Oishi,
/// SIAM J. Sci. Comput. 26, 2005, algorithm 5.3).
#[derive(Clone, Copy)]
pub(crate) struct Compensated<V> {
    sum: V,
    rest: V,
}

impl<V: Lanes> Compensated<V> {
    /// Less `x`.
    #[inline(always)]
    fn minus(self, x: V) -> Self {
        // The error of a sum (D. E. Knuth, The Art of Computer Programming, volume 2, 4.2.2, theorem B).
        let sum = self.sum.sub(x);
        let taken = self.sum.sub(sum);
        let error = self.sum.sub(sum.add(taken)).add(taken.sub(x));
        Compensated { sum, rest: self.rest.add(error) }
    }
}

/// `a x` and its rounding error.
#[inline(always)]
fn product<V: Lanes>(a: V, x: V) -> (V, V) {
    let p = a.mul(x);
    if V::FUSED {
        return (p, V::splat(0.0).sub(a.neg_mul_add(x, p)));
    }
    let ([a_high, a_low], [x_high, x_low]) = (halves(a), halves(x));
    let left = a_high.mul(x_high).sub(p).add(a_high.mul(x_low)).add(a_low.mul(x_high));
    (p, left.add(a_low.mul(x_low)))
}

/// A number in double precision as the sum of two of half its digits, whose products are exact (T. J. Dekker, Numer. Math. 18, 1971).
#[inline(always)]
fn halves<V: Lanes>(x: V) -> [V; 2] {
    let far = V::splat(134_217_729.0).mul(x);
    let high = far.sub(far.sub(x));
    [high, x.sub(high)]
}

impl<V: Lanes> RowSum<V> for Compensated<V> {
    /// A power and what rounding has taken from it.
    type Power = (V, V);

    #[inline(always)]
    fn new(x: V) -> Self {
        Compensated { sum: x, rest: V::splat(0.0) }
    }
    #[inline(always)]
    fn less(self, a: V, x: V) -> Self {
        let (p, error) = product(a, x);
        let Compensated { sum, rest } = self.minus(p);
        Compensated { sum, rest: rest.sub(error) }
    }
    #[inline(always)]
    fn less_sum(self, a: V, b: V, x: V) -> Self {
        self.less(a, x).less(b, x)
    }
    #[inline(always)]
    fn less_of(self, a: V, x: Self) -> Self {
        let Compensated { sum, rest } = self.less(a, x.sum);
        Compensated { sum, rest: a.neg_mul_add(x.rest, rest) }
    }
    #[inline(always)]
    fn less_power(self, a: V, (p, p_error): (V, V), x: V) -> Self {
        let (c, error) = product(a, p);
        let Compensated { sum, rest } = self.less(c, x);
        Compensated { sum, rest: a.mul_add(p_error, error).neg_mul_add(x, rest) }
    }
    #[inline(always)]
    fn value(self) -> V {
        self.sum.add(self.rest)
    }
    #[inline(always)]
    fn one() -> (V, V) {
        (V::splat(1.0), V::splat(0.0))
    }
    #[inline(always)]
    fn next((p, error): (V, V), h: V) -> (V, V) {
        let (next, of_product) = product(p, h);
        (next, error.mul_add(h, of_product))
    }
}

/// What the residuals of a pass over the rows start from.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Start {
    /// Zero, as in the equations that define an adjoint solution.
    Zero,
    /// The right-hand sides of the rows.
    Given,
    /// What they were after the pass before.
    Kept,
}

/// The residuals `b - A x` of all rows, in the order of [`RowOrder`](super::row_order::RowOrder), where they are kept: as numbers of their own they lose nothing to
/// a solution `x` that comes as a sum of corrections. A rounding unit of it may change them by more than their size.
pub(crate) struct KeptRows<'a, V: Lanes> {
    pub start: Start,
    /// Empty where they are not kept.
    rows: &'a mut [V::Pack],
    /// Of those that were kept before, sums of squares over all rows, of what this pass has changed and of what they are now, each times the squared weight
    /// of the row.
    pub changes: V,
    pub sizes: V,
}

impl<'a, V: Lanes> KeptRows<'a, V> {
    pub fn new(start: Start, rows: &'a mut [V::Pack]) -> Self {
        KeptRows { start, rows, changes: V::splat(0.0), sizes: V::splat(0.0) }
    }

    /// What the residual of row `at` starts from, where its right-hand side is `b`.
    #[inline(always)]
    pub fn begin(&self, at: usize, b: V) -> V {
        match self.start {
            Start::Zero => V::splat(0.0),
            Start::Given => b,
            Start::Kept => self.rows.get(at).map_or(b, |kept| V::load(kept)),
        }
    }

    /// Keeps the residual of row `at`, which has this squared weight.
    #[inline(always)]
    pub fn end(&mut self, at: usize, r: V, weight: V) {
        let Some(kept) = self.rows.get_mut(at) else { return };
        if self.start == Start::Kept {
            let (change, size) = (r.sub(V::load(kept)).mul(weight), r.mul(weight));
            self.changes = change.mul_add(change, self.changes);
            self.sizes = size.mul_add(size, self.sizes);
        }
        r.store(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solve::lanes::{Kernel, Pack, Pack8};

    struct Sums;

    impl Kernel<Pack8> for Sums {
        type Output = [f64; 3];

        fn run<V: Lanes<Pack = Pack8>>(self) -> [f64; 3] {
            let one = |x: f64| V::splat(x);
            let unit = f64::EPSILON;
            let mut out = [Pack8::ZERO; 3];
            // (1 + e)(1 - e) is 1 - e^2.
            Compensated::new(one(1.0)).less(one(1.0 + unit), one(1.0 - unit)).value().store(&mut out[0]);
            // 0.1 h^2 + 0.3 h^2 as exact products of the numbers, of which the rounded ones know only the first digits.
            let h = one(1.0 + unit);
            let power = Compensated::<V>::next(Compensated::<V>::next(Compensated::<V>::one(), h), h);
            Compensated::new(one(1.0 + 2.0 * unit)).less_power(one(1.0), power, one(1.0)).value().store(&mut out[1]);
            // 1e16 + 1 - 1e16
            Compensated::new(one(1e16))
                .less(one(-1.0), one(1.0))
                .less_sum(one(1e16), one(0.5), one(1.0))
                .value()
                .store(&mut out[2]);
            out.map(|x| x.lane(3))
        }
    }

    #[test]
    fn sums_know_what_rounding_takes() {
        let square = f64::EPSILON * f64::EPSILON;
        for fused in [true, false] {
            let got = if fused { Pack8::dispatch(Sums) } else { Sums.run::<crate::solve::lanes::Portable>() };
            assert_eq!(got, [square, -square, 0.5]);
        }
    }
}

//! Residuals and products of rows that are known beforehand, and what they add up to over the rows of a kind.

use std::ops::Range;

use super::plan::Plan;
use super::problem::Problem;
use super::row_order::RowOrder;
use super::row_products::smooth_sum;
use super::stage::Staged;
use crate::solve::lanes::{Lanes, Pack};

/// The residuals `b - a u` of all rows and, negative, their products `a z`: more exact than `u` and `z` tell them. There are no residuals where only gradients
/// are wanted that are made of products alone: those of right-hand sides and initial values.
#[derive(Clone, Copy)]
pub(crate) struct Kept<'a, P> {
    pub residuals: &'a [P],
    pub products: &'a [P],
    pub order: RowOrder,
}

/// A sum of `w^2 r (a z)` over rows, and of its squares.
#[derive(Clone, Copy)]
struct Sum<V> {
    sum: V,
    squares: V,
}

impl<P: Pack> Kept<'_, P> {
    /// Residual and `a z` of row `at`.
    #[inline(always)]
    pub fn row<V: Lanes<Pack = P>>(&self, at: usize) -> (V, V) {
        let zero = V::splat(0.0);
        (self.residuals.get(at).map_or(zero, V::load), zero.sub(V::load(&self.products[at])))
    }

    /// The sum of `w^2 r (a z)` over rows with the squared weight `square`.
    #[inline(always)]
    pub fn sum<V: Lanes<Pack = P>>(&self, rows: Range<usize>, square: V) -> V {
        self.sum_of([(rows, square)]).sum
    }

    #[inline(always)]
    fn sum_of<V: Lanes<Pack = P>>(&self, rows: impl IntoIterator<Item = (Range<usize>, V)>) -> Sum<V> {
        let [mut sum, mut squares] = [V::splat(0.0); 2];
        for (rows, square) in rows {
            for at in rows {
                let (r, q) = self.row::<V>(at);
                let product = r.mul(q).mul(square);
                (sum, squares) = (sum.add(product), product.mul_add(product, squares));
            }
        }
        Sum { sum, squares }
    }

    /// That of `len` rows for each of the squared weights.
    #[inline(always)]
    fn sum_of_each<V: Lanes<Pack = P>>(&self, first: usize, len: usize, squares: &[P]) -> Sum<V> {
        let ranges = (0..squares.len()).map(move |i| first + i * len..first + (i + 1) * len);
        self.sum_of(ranges.zip(squares.iter().map(V::load)))
    }

    /// The sums of `w^2 r (a z)` over equation, initial and smooth rows. That of the smooth ones is their own, or what the other rows tell of it where those have
    /// the smaller products, and so the smaller rounding errors. Beside a slack's push they tell nothing: that is a product with the adjoint solution, which has
    /// errors of its own.
    #[inline(always)]
    pub fn sums_of_kinds<V: Lanes<Pack = P>>(&self, problem: &Problem, plan: &Plan, staged: &Staged<P>) -> [V; 3] {
        let (shape, order, rows) = (&problem.shape, &self.order, plan.rows.rows.len());
        let square = |weight: f64| V::splat(weight * weight);
        let equation = self.sum_of_each::<V>(0, 1, &staged.equation);
        let start = self.sum_of_each::<V>(order.initial, shape.initial_orders, &staged.initial);
        let closed = self.sum_of([(order.closed..order.ridge, square(problem.scheme.weights.initial))]);
        let data =
            self.sum_of((order.data..).zip(&staged.observed).map(|(at, square)| (at..at + 1, V::splat(*square))));
        let ridge = self.sum_of([(order.ridge..order.len, square(problem.border.ridge))]);
        let between = self.sum_of_each::<V>(
            order.between,
            rows,
            &staged.smooth[shape.states..][..shape.intervals() * shape.states],
        );
        // The weight of a central row is that of the interval after it.
        let around = order.closed - order.around;
        let after = staged.smooth.get(2 * shape.states..).and_then(|squares| squares.get(..around));
        let around = self.sum_of_each::<V>(order.around, 1, after.unwrap_or_default());
        let initial = start.sum.add(closed.sum);
        let told = smooth_sum(equation.sum, initial, data.sum.add(ridge.sum));
        let others = equation.squares.add(start.squares).add(closed.squares).add(data.squares).add(ridge.squares);
        let (mut smooth, mut of_told) = (P::ZERO, P::ZERO);
        between.sum.add(around.sum).store(&mut smooth);
        told.store(&mut of_told);
        let [mut of_own, mut of_others] = [P::ZERO; 2];
        between.squares.add(around.squares).store(&mut of_own);
        others.store(&mut of_others);
        for lane in 0..P::WIDTH {
            if !plan.slack && of_others.lane(lane) < of_own.lane(lane) {
                smooth.set_lane(lane, of_told.lane(lane));
            }
        }
        [equation.sum, initial, V::load(&smooth)]
    }
}

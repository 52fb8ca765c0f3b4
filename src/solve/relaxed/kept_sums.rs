//! Residuals and products of rows that are known beforehand, and what they add up to over the rows of a kind.

use std::ops::Range;

use super::plan::Plan;
use super::problem::Problem;
use super::row_order::RowOrder;
use super::row_products::remaining_sum;
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

    /// The sums of `w^2 r (a z)` over equation, initial and smooth rows. That of a kind is its own, or what all other rows tell of it where those have
    /// the smaller products, and so the smaller rounding errors: rows that hardly count have large products, which nearly cancel. Beside a slack that is pushed the
    /// others tell nothing: the push is a product with the adjoint solution, which has errors of its own.
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
        let (initial, smooth, further) = (start.add(closed), between.add(around), data.add(ridge));
        if plan.slack && problem.scheme.slack.is_some_and(|slack| slack.gamma * slack.alpha != 0.0) {
            return [equation, initial, smooth].map(|kind| kind.sum);
        }
        [
            equation.or_told(initial, smooth, further),
            initial.or_told(equation, smooth, further),
            smooth.or_told(equation, initial, further),
        ]
    }
}

impl<V: Lanes> Sum<V> {
    #[inline(always)]
    fn add(self, other: Sum<V>) -> Sum<V> {
        Sum { sum: self.sum.add(other.sum), squares: self.squares.add(other.squares) }
    }

    /// The sum of a kind of rows, or what the others tell of it in lanes where they have the smaller squares; so they have for one kind at most.
    #[inline(always)]
    fn or_told(self, first: Sum<V>, second: Sum<V>, further: Sum<V>) -> V {
        let [mut sum, mut told, mut of_own, mut of_others] = [V::Pack::ZERO; 4];
        self.sum.store(&mut sum);
        remaining_sum(first.sum, second.sum, further.sum).store(&mut told);
        self.squares.store(&mut of_own);
        first.squares.add(second.squares).add(further.squares).store(&mut of_others);
        for lane in 0..V::Pack::WIDTH {
            if of_others.lane(lane) < of_own.lane(lane) {
                sum.set_lane(lane, told.lane(lane));
            }
        }
        V::load(&sum)
    }
}

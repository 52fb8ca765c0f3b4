//! Computations over the steps of one state, with code of their own for each number of orders that small blocks have.

use crate::solve::lanes::{Kernel, Lanes, Pack, Pack8};

/// A computation over steps of `N` orders. `run` and all it calls have to be `#[inline(always)]`.
pub(crate) trait SmallKernel {
    type Output;
    fn run<V: Lanes<Pack = Pack8>, const N: usize>(self) -> Self::Output;
}

/// Whether [`dispatch`] has code for so many orders.
pub(crate) fn has_code(orders: usize) -> bool {
    matches!(orders, 3 | 4)
}

/// Runs a computation over steps of so many orders, of which [`has_code`] says that it can, with the widest instructions there are.
pub(crate) fn dispatch<K: SmallKernel>(orders: usize, kernel: K) -> K::Output {
    Pack8::dispatch(OfOrders { orders, kernel })
}

struct OfOrders<K> {
    orders: usize,
    kernel: K,
}

impl<K: SmallKernel> Kernel<Pack8> for OfOrders<K> {
    type Output = K::Output;

    #[inline(always)]
    fn run<V: Lanes<Pack = Pack8>>(self) -> K::Output {
        match self.orders {
            3 => self.kernel.run::<V, 3>(),
            _ => self.kernel.run::<V, 4>(),
        }
    }
}

//! Working memory that is kept between calls: a large fresh allocation costs a page fault for every four kilobytes, which for long
//! systems is as much as the solve.

use std::any::Any;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Pieces of working memory of any kind. A copy starts empty.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Vec<Box<dyn Any + Send>>>);

impl Clone for Pool {
    fn clone(&self) -> Self {
        Pool::default()
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pool")
    }
}

impl Pool {
    /// A piece that was given back and passes `fits`, or a new one.
    pub fn take<T: Any + Send>(&self, fits: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> Lease<'_, T> {
        let mut pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = pieces.iter().position(|piece| piece.downcast_ref::<T>().is_some_and(&fits));
        let kept = found.and_then(|at| pieces.swap_remove(at).downcast::<T>().ok());
        drop(pieces);
        Lease { pool: self, piece: Some(kept.unwrap_or_else(|| Box::new(new()))) }
    }

    /// Gives all memory back to the system.
    pub fn clear(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A piece of memory in use; it goes back to the pool by itself.
pub(crate) struct Lease<'a, T: Any + Send> {
    pool: &'a Pool,
    piece: Option<Box<T>>,
}

impl<T: Any + Send> Deref for Lease<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.piece {
            Some(piece) => piece,
            // proof: `take` makes every lease with its piece, and only `drop` takes it out.
            None => unreachable!("a lease has its piece until it is dropped"),
        }
    }
}

impl<T: Any + Send> DerefMut for Lease<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.piece {
            Some(piece) => piece,
            // proof: `take` makes every lease with its piece, and only `drop` takes it out.
            None => unreachable!("a lease has its piece until it is dropped"),
        }
    }
}

impl<T: Any + Send> Drop for Lease<'_, T> {
    fn drop(&mut self) {
        if let Some(piece) = self.piece.take() {
            self.pool.0.lock().unwrap_or_else(PoisonError::into_inner).push(piece);
        }
    }
}

//! The threads that run chunks of work.

use super::RuntimeError;
use rayon::prelude::*;
use std::sync::Arc;

/// A shared pool of threads. Which thread runs which chunk is left open, so chunks never depend on one another.
#[derive(Clone)]
pub struct Threads {
    pool: Option<Arc<rayon::ThreadPool>>,
    count: usize,
}

impl Threads {
    /// `count` threads. One thread has a pool too: without it, work inside [`Threads::install`] would spread over rayon's global pool.
    ///
    /// # Errors
    /// [`RuntimeError::Threads`] when the system gives no threads.
    pub fn new(count: usize) -> Result<Self, RuntimeError> {
        let count = count.max(1);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .thread_name(|i| format!("mechc-{i}"))
            .build()
            .map_err(|e| RuntimeError::Threads { count, reason: e.to_string() })?;
        Ok(Threads { pool: Some(Arc::new(pool)), count })
    }

    /// The caller's thread, and inside [`Threads::install`] whatever pool the caller is in.
    pub fn single() -> Self {
        Threads { pool: None, count: 1 }
    }

    /// How many threads.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Runs `f` with the pool's threads as rayon's current ones.
    pub fn install<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(f),
            None => f(),
        }
    }

    /// Runs `f(0)` to `f(n - 1)`, in any order.
    pub(super) fn for_each(&self, n: usize, f: impl Fn(usize) + Sync) {
        match &self.pool {
            Some(pool) if n > 1 && self.count > 1 => {
                pool.install(|| (0..n).into_par_iter().with_max_len(1).for_each(&f))
            }
            _ => (0..n).for_each(f),
        }
    }
}

impl std::fmt::Debug for Threads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Threads({})", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installed_work_sees_as_many_threads_as_asked_for() {
        for count in [1, 2, 3] {
            let threads = Threads::new(count).expect("threads start");
            assert_eq!(threads.install(rayon::current_num_threads), count);
        }
    }
}

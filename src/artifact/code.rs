//! Generated code, as the runtime sees it.

use std::sync::Arc;

/// One compiled loop nest: `(buffers, sizes, sums, begin, end)` runs iterations `begin..end` of its outermost loop.
///
/// `buffers` has the address of each buffer of the entry, `sizes` the size of each axis, `sums` the address of the accumulator of
/// each of the nest's chunked sums.
pub type NestFn = unsafe extern "C" fn(*const *mut u8, *const u64, *const *mut u8, u64, u64);

/// What owns the memory that the addresses of [`Code`] point into. Dropping it frees the code.
pub trait CodeMemory: Send + Sync {}

/// The compiled loop nests of one entry, in the order of [`super::LoopStep::nest`], with the memory that holds them.
#[derive(Clone)]
pub struct Code {
    functions: Vec<NestFn>,
    _memory: Arc<dyn CodeMemory>,
}

impl Code {
    /// Functions that stay valid as long as `memory` lives.
    pub fn new(functions: Vec<NestFn>, memory: Arc<dyn CodeMemory>) -> Self {
        Code { functions, _memory: memory }
    }

    /// The function of a nest.
    pub fn function(&self, nest: usize) -> Option<NestFn> {
        self.functions.get(nest).copied()
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Code({} functions)", self.functions.len())
    }
}

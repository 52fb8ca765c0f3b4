//! The vocabulary every other module shares: typed indices with their arenas, insertion-ordered maps,
//! dense tensors, scalar mathematics and a hash. Nothing here knows about models, files or numerics.

mod arena;
mod hash;
mod math;
mod precision;
mod ratio;
mod tensor;

pub use arena::{Arena, Idx};
pub use hash::Fnv;
pub use indexmap::{IndexMap, IndexSet};
pub use math::Real;
pub use precision::SolvePrecision;
pub use ratio::Ratio;
pub use tensor::{Elem, Tensor, TensorData, TensorError};

pub(crate) use arena::index_type;

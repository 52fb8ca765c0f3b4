//! The vocabulary every other module shares: typed indices with their arenas, insertion-ordered maps,
//! dense tensors, scalar mathematics, steps, a hash and words of trainings. Nothing here knows about models, files or numerics.

mod arena;
mod between;
mod hash;
mod math;
mod precision;
mod range;
mod ratio;
mod step;
mod tensor;
mod training;

pub use arena::{Arena, Idx};
pub use between::Between;
pub use hash::Fnv;
pub use indexmap::{IndexMap, IndexSet};
pub use math::Real;
pub use precision::SolvePrecision;
pub use range::least_and_most;
pub use ratio::Ratio;
pub use step::{number, same_step, shortened};
pub use tensor::{Elem, Tensor, TensorData, TensorError};
pub use training::{Decay, Normalise};

pub(crate) use arena::index_type;

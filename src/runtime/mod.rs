//! Runs artifacts on the host, and device programs on CUDA devices.
//!
//! An [`Executable`] is one entry point with its workspace. A call binds the sizes of dynamic axes from the shapes of its arguments,
//! lays out temporaries (again only when a size has changed) and runs the steps, on the threads of a [`Threads`] handle.
//!
//! A [`Store`] keeps arrays where functions are computed, and a [`Sequence`] calls functions on them one after the other: on a device as one
//! recorded graph, without transfers.
//!
//! Invariants: results have the same bits for any number of threads, because work is cut into chunks that depend on sizes only
//! and partial sums are added in a fixed tree; a call with the sizes of the call before allocates nothing for tensors;
//! what the caller passes is checked, so a wrong shape is a [`RuntimeError`], never memory out of bounds.

mod bind;
mod call;
mod callable;
mod collocate;
pub mod cuda;
mod error;
mod executable;
mod moves;
mod place;
mod product;
mod sequence;
mod solve;
mod spd;
mod store;
mod threads;
mod view;
mod workspace;

pub use callable::{Callable, Loaded};
pub use collocate::{Collocated, Formula};
pub use error::RuntimeError;
pub use executable::{Arg, Executable};
pub use moves::Move;
pub use sequence::Sequence;
pub use solve::SolveMethod;
pub use store::{Store, View};
pub use threads::Threads;
pub use view::{TensorView, TensorViewMut};

pub(crate) use solve::scheme as solve_scheme;

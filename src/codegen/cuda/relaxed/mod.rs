//! Relaxed solves: factor, solve, adjoint and gradients.
//!
//! With the unknowns scaled by powers of the step the normal matrix of a system is block tridiagonal (central rows couple two steps), with
//! blocks of states times derivatives. `factor` goes through time once; `substitute` solves forwards and backwards, and once more for a
//! correction with residuals taken row by row, as the host does. One thread does a system while its blocks fit in registers, a group of
//! lanes with blocks in shared memory does it beyond. `gradients` has one thread for each time step of a system.

mod common;
mod factor;
mod gradients;
mod substitute;

use common::Solve;
pub(super) use common::{KeptFactor, step};

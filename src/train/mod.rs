//! The two fitting engines and what they share.
//!
//! - [`gradient`]: Adam on an encoder network, with the coefficients that enter linearly projected out.
//! - [`joint`]: Gauss-Newton on trajectory and unknowns together, without a network.
//!
//! Nothing here prints: progress goes to an [`Observer`], which can also stop a fit.

pub mod gradient;
pub mod joint;
mod observer;

pub use observer::{Observer, Progress, Silent, Unseen};

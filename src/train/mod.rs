//! The two fitting engines and what they share.
//!
//! - [`joint`]: Gauss-Newton on trajectory and unknowns together, without a network.
//!
//! Nothing here prints: progress goes to an [`Observer`], which can also stop a fit.

pub mod joint;
mod observer;

pub use observer::{Observer, Progress, Silent};

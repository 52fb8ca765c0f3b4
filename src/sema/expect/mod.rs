//! Tests: what their expectations are about, resolved against the checked program.
//!
//! [`test`] turns one `test` item into a [`Test`](crate::hir::Test); [`canonical`] spells a term so that `y*x` and `x*y` are the
//! same. Nothing is run here: what can be known to be wrong without running is reported, the rest is for the runner.

mod calls;
mod canonical;
mod claim;
mod family;
mod holes;
mod quantity;
mod subject;
mod unit_of;
mod units;

pub(super) use calls::functions_of_models;
pub use canonical::{canonical, canonical_product};
pub(super) use claim::test;

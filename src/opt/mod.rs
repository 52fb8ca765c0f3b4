//! Rewrites of one function. Each pass keeps the function well-formed and its parameters and results, and says whether it
//! changed anything; [`optimize`] runs them until nothing changes.
//!
//! What a rewrite may do to numbers:
//! - constant folding uses the scalar functions of the evaluator, so it changes no bit;
//! - an identity is used when it holds for every number, infinities and NaN included, up to the sign of a zero: `x + 0` is `x`,
//!   `0 - x` is `-x`, but `x * 0` and `x - x` stay (x may be infinite). NaN payloads are not kept;
//! - two rewrites change the rounding: a power with a constant whole exponent of size at most 8 becomes a whole power, and merging
//!   placed parts may add the terms of a sum in another order.
//!
//! Fusion of element-wise chains is the back end's business.

mod algebra;
mod cse;
mod dce;
mod fold;
mod places;
mod rewrite;
mod structure;
#[cfg(test)]
mod tests;

pub use algebra::simplify_algebra;
pub use cse::eliminate_common;
pub use dce::eliminate_dead;
pub use fold::fold_constants;
pub use places::merge_places;
pub use structure::simplify_structure;

use crate::ir::{Function, Module};

/// A pass: rewrites a function of a module, and says whether it changed anything.
pub type Pass = fn(&Module, &mut Function) -> bool;

/// The passes, in the order they run.
pub const PASSES: [(&str, Pass); 6] = [
    ("fold_constants", fold_constants),
    ("simplify_algebra", simplify_algebra),
    ("simplify_structure", simplify_structure),
    ("eliminate_common", eliminate_common),
    ("eliminate_dead", eliminate_dead),
    ("merge_places", merge_places),
];

/// Rounds of all passes at most: each round shortens chains by at least one link, and real programs settle in a few.
const MAX_ROUNDS: usize = 32;

/// Runs the passes until none changes anything.
pub fn optimize(module: &Module, function: &mut Function) -> bool {
    let mut changed = false;
    for _ in 0..MAX_ROUNDS {
        let mut again = false;
        for (_, pass) in PASSES {
            again |= pass(module, function);
        }
        changed |= again;
        if !again {
            break;
        }
    }
    changed
}

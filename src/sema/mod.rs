//! Semantics: names, constants, holes, which equation determines which state, the split of every equation into its
//! linear part and the rest, and the settings of networks, data sets and fits.
//!
//! [`analyze`] turns a syntax tree into a checked [`Program`](crate::hir::Program). It reports as many mistakes as it can
//! find: a thing that is wrong is remembered as wrong, and what depends on it stays silent. Everything outside enters as
//! an argument: imported files through a [`World`](crate::source::World) (lay [`stdlib`] under the user's), settings from
//! the command line as [`Override`]s.
//!
//! Invariants: `None` means that the cause is in the sink; nothing here panics, whatever the tree holds; time and memory
//! are bounded by limits on terms, operations and depth, each with its own code.

mod alike;
mod along;
mod axes;
mod begin;
mod bindings;
mod conditions;
mod data;
mod declare;
mod derived;
mod differences;
mod elements;
mod elsewhere;
mod equations;
mod expect;
mod explicit;
mod families;
mod features;
mod fields;
mod file;
mod fit;
mod fold;
mod formula;
mod fraction;
mod functions;
mod hole_options;
mod hole_products;
mod holes;
mod imports;
mod initial;
mod inline;
mod jumps;
mod layers;
mod lazy;
mod leibniz;
mod libraries;
mod lists;
mod loss;
mod misplaced;
mod model;
mod names;
mod network;
mod optimizer;
mod overrides;
mod parameters;
mod per_sample;
mod predict;
mod product;
mod program;
mod resolve;
mod rules;
mod scope;
mod sets;
mod settings;
mod settings_elsewhere;
mod settings_meant;
mod shift;
mod simulated;
mod solve;
mod spell;
mod split;
mod stateless;
mod statements;
mod std_paths;
mod suggest;
mod term_text;
mod units;
mod unused;
mod unused_starts;

#[cfg(test)]
mod tests;

pub use expect::{canonical, canonical_product};
pub use imports::stdlib;
pub use overrides::{Override, parse_override};
pub use program::analyze;
pub use rules::{
    FILE as FILE_SETTINGS, FIT as FIT_SETTINGS, FORMULA as FORMULA_SETTINGS, NETWORK as NETWORK_SETTINGS,
    PREDICT as PREDICT_SETTINGS, Rule, SIMULATE as SIMULATE_SETTINGS, SOLVE as SOLVE_SETTINGS, Takes,
};

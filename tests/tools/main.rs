//! The tools around models as a user meets them: tests, layout, explanations, new projects, facts for programs.

#[path = "../common/mod.rs"]
mod common;
mod edits;
mod facts;
mod terms;
mod testing;
mod warnings;

use common::{folder, mechc};

//! What the compiler says about a program: stable codes, primary spans, labels for the other side of a conflict,
//! help, and a sink that collects many of them. Rendering (with snippets, one-line, JSON) lives here too.
//!
//! Invariants: every code used anywhere stands in [`codes::ALL`]; a finding's spans belong to files of the
//! [`Sources`](crate::source::Sources) it is rendered with; rendering is a pure function to text.

mod causes;
mod diagnostic;
mod levels;
mod render;
mod shown;
mod suggest;
mod suggestion;
mod unreadable;

pub mod codes;

#[cfg(test)]
mod tests;

pub use causes::{Item, causes};
pub use diagnostic::{Among, Diagnostic, Label, MAX_COMPARED, Missing, Severity, Sink};
pub use levels::Levels;
pub use render::{Format, render};
pub use shown::{in_line, visible};
pub use suggest::{closest, is_slip, nearest};
pub use suggestion::{Advice, Suggestion};
pub use unreadable::unreadable;

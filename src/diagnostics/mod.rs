//! What the compiler says about a program: stable codes, primary spans, labels for the other side of a conflict,
//! help, and a sink that collects many of them. Rendering (miette, one-line, JSON) lives here too.

mod diagnostic;

pub use diagnostic::{Diagnostic, Label, Severity, Sink};

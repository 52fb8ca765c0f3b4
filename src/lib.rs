//! mechc: a language and compiler for mechanistic models.

pub mod artifact;
pub mod autodiff;
pub mod base;
pub mod codegen;
pub mod data;
pub mod diagnostics;
pub mod driver;
pub mod hir;
pub mod interp;
pub mod ir;
pub mod kernel;
pub mod lower;
pub mod opt;
pub mod report;
pub mod runtime;
pub mod sema;
pub mod solve;
pub mod source;
pub mod syntax;
pub mod train;

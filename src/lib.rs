//! mechc finds the equations behind time series: a language and compiler for mechanistic models.
//!
//! # From text to equations, in the order it happens
//!
//! A user writes what is known and leaves holes for what is not:
//!
//! ```text
//! model Lorenz {
//!   state x, y, z
//!   (x, y, z)' = ?poly(x, y, z; degree = 2)
//! }
//! data run = csv("lorenz.csv") { time t }
//! fit Lorenz to run { seed 7 }
//! ```
//!
//! 1. **Text.** All text enters through a [`source::World`]: files, memory, the embedded standard library. [`syntax`] turns a
//!    file into a tree whose every node has a [`source::Span`]; a broken statement costs one [`diagnostics::Diagnostic`]
//!    and the parser goes on behind it.
//! 2. **Meaning.** [`sema`] resolves names, expands each hole into candidate terms with a coefficient each, finds which
//!    equation determines which state, and splits it into the part linear in states and derivatives, the known rest, and the
//!    unknowns. The result is a [`hir::Program`], plain data that everything later relies on: nothing after this point
//!    blames the user for the model.
//! 3. **Functions.** [`lower`] writes the functions an engine needs in a small intermediate representation, [`ir`]: single
//!    assignment, tensors with *named axes*, no control flow. [`autodiff`] appends their adjoints to them, [`opt`] rewrites
//!    them, [`ir::verify`] checks them, and [`interp`] runs them slowly to judge everything that is fast.
//! 4. **Machine code.** [`kernel`] makes loops explicit: fused element-wise nests, matrix products, relaxed solves, buffers.
//!    [`codegen`] compiles the nests with Cranelift into an [`artifact::Artifact`], which [`runtime`] runs on threads; dense
//!    products go to the `gemm` crate and block systems to [`solve`].
//! 5. **Fitting.** [`train`] has two engines. The *joint* engine estimates the trajectory and all unknowns together by
//!    Gauss-Newton, drops insignificant terms, and knows standard errors. The *gradient* engine trains an encoder network
//!    through the relaxed solve and eliminates the coefficients that enter linearly by least squares. [`data`] reads,
//!    simulates and splits what they fit to.
//! 6. **Answer.** [`report`] turns what was found into text, JSON and a page, in a run directory that is never overwritten;
//!    the answer is also source, `discovered.mech`, which checks and simulates by itself. [`export`] writes it for other tools.
//!
//! [`driver::Session`] ties these together. `docs/architecture.md` has the table of modules and what each may use.
//!
//! # Embedding
//!
//! ```
//! use mechc::driver::Session;
//! use mechc::source::MemoryWorld;
//!
//! let world = MemoryWorld::new().with("decay.mech", "model Decay { state s; param k = 2; s' = -k*s }");
//! let mut session = Session::new(world);
//! match session.check("decay.mech", &[]) {
//!     Ok(checked) => assert_eq!(checked.program.models.len(), 1),
//!     Err(failure) => panic!("{}", failure.render(session.sources(), mechc::diagnostics::Format::Short)),
//! }
//! ```

pub mod artifact;
pub mod autodiff;
pub mod base;
pub mod codegen;
pub mod data;
pub mod diagnostics;
pub mod driver;
pub mod export;
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

/// The Rust of `docs/solve.md`, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/solve.md")]
pub struct SolvePage;

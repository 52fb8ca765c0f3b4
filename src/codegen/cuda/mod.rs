//! The accelerator: CUDA C++ text for every step of a program.
//!
//! [`generate`] turns one lowered [`Program`](crate::kernel::Program) into a [`DeviceProgram`](crate::artifact::device::DeviceProgram):
//! a translation unit, its kernels, and the launches and library calls that do the steps of the entry.
//!
//! Loop nests run on one thread for each combination of the indices that no sum runs over; a sum with few results is cut into
//! strided parts that a fixed tree adds up. Relaxed solves run on one thread for each system while its blocks fit in registers, on a group of
//! lanes beyond, and few long systems are cut in time; their row coefficients are those of [`SmoothRows`](crate::solve::relaxed::SmoothRows). `docs/cuda.md` describes the
//! text.
//!
//! Invariants: no float is written by an atomic operation and every sum has a fixed order, so results are the same in every run;
//! arithmetic stands in the order of the program, as on the host; kernels that wait for others of their block do so in uniform control flow.

mod generate;
mod listing;
mod nest;
mod operator;
mod prelude;
mod product;
mod relaxed;
mod retry;
mod roll;
mod rows;
mod scalar;
mod spd;
mod text;

pub use generate::generate;
pub use relaxed::SolveRegime;

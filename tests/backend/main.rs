//! The host back end against the reference evaluator, on programs written as text and on random ones.

mod check;
mod conformance;
mod examples;
mod programs;
mod random;
mod runtime;
mod solves;
mod text;

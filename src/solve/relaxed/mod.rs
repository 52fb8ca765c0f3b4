//! The batched relaxed solve: linear ordinary differential equations as a least-squares programme.
//!
//! The unknowns of one sample are `u[t, d, k]`, the `k`-th derivative of state `d` at step `t`, and, with a [`Slack`], one scalar
//! `eps`. Every row is soft. The programme is: minimise `1/2 |A z - b|^2 - gamma * alpha * eps` over `z = (u, eps)`, with rows for the
//! equations, the initial values and the smoothness of each state (arXiv 2402.13077 with slack, arXiv 2410.06074 without):
//!
//! | row | formula | weight |
//! |---|---|---|
//! | equation | `sum_{d,k} c[e,t,d,k] u[t,d,k] = rhs[e,t]` | `equation` |
//! | initial | `u[t,d,k] = iv[t,d,k]`, `t < initial_steps`, `k < initial_orders` | `initial` |
//! | forward | `s*eps + sum_{j>=i} h^j/(j-i)! u[t,d,j] - h^i u[t+1,d,i] = 0` | `smooth` |
//! | backward | `s*eps + sum_{j>=i} (-h)^j/(j-i)! u[t+1,d,j] - (-h)^i u[t,d,i] = 0` | `smooth` |
//! | central | `s*eps + H^(n-2) (u[t+1,d,n-1] - u[t-1,d,n-1]) - H^(n-1) u[t,d,n] = 0`, `H = h[t-1]+h[t]` | `smooth` |
//!
//! `n = orders - 1`; `i` runs over `0..n` with central rows and over `0..=n` without; `s` is 1 with slack and 0 without.
//!
//! [`factor`] makes a [`Factor`], [`Factor::solve`] and [`Factor::adjoint`] use it as often as wanted. Where neither the coefficients
//! nor the steps depend on the sample the factor is one for the whole batch, whatever its size, and [`DenseOperator`] is the
//! explicit matrix of the solve for the many applications of training.
//!
//! Invariants: the unknowns are scaled by `h^k` internally, which changes no solution; states that no equation couples are factored
//! as separate systems; each sample's result does not depend on which other samples share its batch.

mod adjoint;
mod assemble;
mod error;
mod factor;
mod footprint;
mod operator;
mod plan;
mod problem;
mod residual;
mod rows;
mod solution;
mod stage;
mod substitute;

pub use adjoint::{Gradients, Wanted};
pub use error::SolveError;
pub use factor::{Factor, factor};
pub use footprint::Footprint;
pub use operator::DenseOperator;
pub use problem::{Coefficients, Problem, Scheme, Shape, Slack, Steps, Weights};
pub use solution::Solution;

#[cfg(test)]
mod tests;

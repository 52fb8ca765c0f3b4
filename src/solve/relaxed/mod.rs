//! The batched relaxed solve: linear ordinary differential equations as a least-squares programme.
//!
//! The unknowns of one sample are `u[t, d, k]`, the `k`-th derivative of state `d` at step `t`, with a [`Slack`] one scalar `eps`, and
//! with a [`Border`] a few more, `theta`. Every row is soft. The programme is: minimise `1/2 |A z - b|^2 - gamma * alpha * eps` over all
//! unknowns `z`, with rows for the equations, the initial values and the smoothness of each state (arXiv 2402.13077 with slack,
//! arXiv 2410.06074 without):
//!
//! | row | formula | weight |
//! |---|---|---|
//! | equation | `sum_{d,k} c[e,t,d,k] u[t,d,k] + sum_p columns[e,t,p] theta[p] = rhs[e,t]` | `equation` |
//! | initial | `u[t,d,k] = iv[t,d,k]`, `t < initial_steps`, `k < initial_orders` | `initial` |
//! | data | `u[t,d,k] = value` at any places ([`DataRows`]) | their own |
//! | periodic | `u[0,d,k] = u[T-1,d,k]`, `k < n` | `initial` |
//! | forward | `s*eps + sum_{j>=i} h^j/(j-i)! u[t,d,j] - h^i u[t+1,d,i] = 0` | `smooth` |
//! | backward | `s*eps + sum_{j>=i} (-h)^j/(j-i)! u[t+1,d,j] - (-h)^i u[t,d,i] = 0` | `smooth` |
//! | central | `s*eps + H^(n-2) (u[t+1,d,n-1] - u[t-1,d,n-1]) - H^(n-1) u[t,d,n] = 0`, `H = h[t-1]+h[t]` | `smooth` |
//! | Hermite | `s*eps + h^i (u[t,d,i] - u[t+1,d,i]) + sum_j b_j h^(i+j) (u[t,d,i+j] - (-1)^j u[t+1,d,i+j]) = 0` | `smooth` |
//!
//! `n = orders - 1`; `i` runs over `0..n` with central rows and over `0..=n` without; `s` is 1 with slack and 0 without. Forward,
//! backward and central rows are the published Taylor set, Hermite rows ([`RowSet::Hermite`]) take their place in the default scheme.
//! [`RowWeights`] multiplies single rows.
//!
//! [`factor`] makes a [`Factor`], [`Factor::solve`] and [`Factor::adjoint`] use it as often as wanted. Where neither the coefficients
//! nor the steps depend on the sample the factor is one for the whole batch, whatever its size, and [`DenseOperator`] is the
//! explicit matrix of the solve for the many applications of training.
//!
//! ```
//! use mechc::solve::relaxed::*;
//!
//! // u'' + u = 0, u(0) = 0, u'(0) = 1 over 20 units of time: one sample, one state, one equation.
//! let (steps, orders) = (401, Scheme::orders_for(2));
//! let shape =
//!     Shape { batch: 1, equations: 1, steps, states: 1, orders, initial_steps: 1, initial_orders: 2 };
//! let c: Vec<f64> = (0..steps).flat_map(|_| [1.0, 0.0, 1.0, 0.0]).collect();
//! let problem = Problem {
//!     shape,
//!     scheme: Scheme::default(),
//!     c: Coefficients::Shared(&c),
//!     rhs: &vec![0.0; steps],
//!     iv: &[0.0, 1.0],
//!     h: Steps { values: &vec![0.05; steps - 1], per_sample: false, per_state: false },
//!     row_weights: RowWeights::default(),
//!     data: DataRows::default(),
//!     border: Border::default(),
//! };
//! let factor = factor(&problem)?;
//! let solution = factor.solve(&problem)?;
//! let last = solution.u[(steps - 1) * orders];
//! assert!((last - 20f64.sin()).abs() < 1e-6);
//!
//! // The gradient of that last number with respect to everything it was made of.
//! let mut upstream = vec![0.0; solution.u.len()];
//! upstream[(steps - 1) * orders] = 1.0;
//! let gradients = factor.adjoint(&problem, &solution, &upstream, None, Wanted::ALL)?;
//! // d/du'(0) of u'(0) sin t
//! assert!((gradients.iv[1] - 20f64.sin()).abs() < 1e-5);
//! # Ok::<(), SolveError>(())
//! ```
//!
//! How it works, from the rows inwards:
//! - `problem` is what is to be solved and `scheme` how, `error` why that is impossible, `footprint` how large it is;
//! - `rows` knows the smoothness rows' coefficients, `plan` which states are coupled and where each number of a factor lies;
//! - `windows` moves samples into lanes and back, `stage` holds them there, `assemble` makes rows of the normal matrix and `right_hand_side` what is on
//!   their right, `vectors` are the loops over plain vectors, `arithmetic` says in which precision;
//! - `small`, `tiles` and `blocks` eliminate and substitute block tridiagonal chains of one state, of several, and of any size with a
//!   border, `eliminate` and `substitute` those that central rows couple over two steps; `small_kernel` chooses the code for a number
//!   of orders;
//! - `elimination` goes through the chains and the border of a lane group, `factor` through those of a batch, whose numbers are in a `storage`;
//! - `shared` goes through small blocks of which all samples have the same, `stretches` through those of which each has its own;
//! - `rescue` turns from the normal matrix to the rows, `qr` makes the same factor from the rows without squaring them, `segments` cuts few long samples in time;
//! - `probe` finds pivots that are rounding errors, `residual` takes what is left to correct and `convergence` says when that is enough, with the sums of `row_sums` over rows in the order of
//!   `row_order`; `kept_residuals` corrects residuals themselves;
//! - `differentiated` says which gradients there are; `solution` and `adjoint` solve with a factor, lane group by lane group (`lane_group`), `gradients` goes over the rows once more
//!   for the adjoint, with the formulas of `row_products` and the sums of `kept_sums`, and `pieces` adds up what the samples share;
//! - `operator` makes the explicit matrix of a solve, `pool` keeps working memory between calls.
//!
//! Invariants: the unknowns are scaled by `h^k` internally, which changes no solution; states that no equation couples are factored
//! as separate systems; a sample's result does not depend on the numbers of other samples in its batch, except through rounding: batches
//! of fewer than eight long samples are cut in time, coefficients of any sample couple states in all of them, and a batch in mixed precision
//! is factored in double precision where one of its samples needs it, and a lane group from its rows ([`Method::Qr`]) where one needs that.

mod adjoint;
mod arithmetic;
mod assemble;
#[expect(clippy::needless_range_loop, reason = "triangular loops read like their formulas")]
mod blocks;
mod convergence;
mod differentiated;
mod eliminate;
mod elimination;
mod error;
mod factor;
mod footprint;
mod gradients;
mod kept_residuals;
mod kept_sums;
mod lane_group;
mod operator;
mod pieces;
mod plan;
mod pool;
mod probe;
mod problem;
mod qr;
mod rescue;
mod residual;
mod right_hand_side;
mod row_order;
mod row_products;
mod row_sums;
mod rows;
mod scheme;
mod segments;
mod shared;
#[expect(clippy::needless_range_loop, reason = "triangular loops read like their formulas")]
mod small;
mod small_kernel;
mod solution;
mod stage;
mod storage;
mod stretches;
#[expect(clippy::needless_range_loop, reason = "triangular loops read like their formulas")]
mod substitute;
mod tiles;
mod vectors;
mod windows;

pub use differentiated::{Gradients, Upstream, Wanted};
pub use error::{SolveError, Takes};
pub use factor::{Factor, factor};
pub use footprint::Footprint;
pub use operator::DenseOperator;
pub use problem::{Border, Coefficients, DataRows, Problem, RowWeights, Shape, Steps};
pub use scheme::{Method, Precision, RowSet, Scheme, Slack, Weights};
pub use solution::Solution;

pub(crate) use convergence::{SLOWEST, Stops};
pub(crate) use factor::factor_of_normal_matrix;
pub(crate) use problem::CORRECTIONS_OF_OPEN_STARTS;
pub(crate) use rescue::SETTLED;
pub(crate) use rows::SmoothRows;
pub(crate) use segments::cuts_time;

#[cfg(test)]
mod tests;

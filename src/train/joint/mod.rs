//! Joint estimation of trajectory and unknowns: Gauss-Newton on one relaxed least-squares problem over whole
//! trajectories.
//!
//! The model is taken as a first-order system `x' = f(x, t, xi)`. The programme's unknowns are the components of x at every
//! sample and, as a border, the coefficients xi. Its rows tie neighbouring samples by a Hermite-Simpson collocation of f
//! (with a deferred correction to sixth order), and samples to observations. The collocation rows are soft: their weight is
//! annealed from a local smoother to a nearly exact trajectory, while terms that are not significant are dropped.
//!
//! Compared with keeping several derivatives of every state as unknowns, tied by Taylor rows, the blocks are as small as
//! the system itself, and there is no bias from rows that are only true to low order.
//!
//! Unknowns may be one number for every trajectory ([`Columns`]); the engine then estimates all of them.
//!
//! The parts, in the order of their use: [`smoother`] (noise level, first trajectory) and [`hidden`] (that of states never
//! observed), [`decays`] (other starts where one is lost), [`regression`] over [`sizes`] that are [`sought`] at [`thinned`] samples by [`normal`] equations (first coefficients), [`poles`] (which none of
//! them goes through), [`collocation`] (rows and their derivatives) over the [`grid`] of samples and links, [`reduced`] (elimination of the
//! trajectory), [`select`] (which terms stay) over [`subset`] and [`rivals`] (which others might), [`flat`] (which parameters make up for one another), [`gauge`] with [`combinations`] of columns (what is free of hidden states), [`rates`] (of states by themselves), [`covariance`] (of the estimates), [`noise`] (noise level from residuals), [`engine`] (the schedule),
//! [`refine`] (finer samples).

mod collocation;
mod columns;
mod combinations;
mod covariance;
mod decays;
mod drive;
mod engine;
mod flat;
mod gauge;
mod grid;
mod hidden;
mod input;
mod noise;
mod normal;
mod poles;
mod problem;
mod rates;
mod reduced;
mod refine;
mod regression;
mod rivals;
mod select;
mod sizes;
mod smoother;
mod sought;
mod subset;
mod thinned;

pub use columns::Columns;
pub use covariance::Covariance;
pub use decays::starts as decays;
pub use drive::Drive;
pub use engine::{PLAUSIBLE, fit};
pub use flat::AS_WELL;
pub use gauge::{Change, Freedom, freedoms};
pub use problem::{
    Beside, Chain, Dynamics, Estimate, EvaluateError, Exchange, FEWEST_PER_COMPONENT, Held, Interim, JointError,
    JointFit, MadeUp, Observations, Plausible, Points, Rival, Settings, Spot, Unknown,
};
pub use rates::{Coupling, Rate, Rates, SURE, doubtful, rates, same_spectrum};
pub use refine::samples;

#[cfg(test)]
mod tests;

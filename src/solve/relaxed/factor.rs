//! Factors of the normal matrices of a batch.

use std::sync::OnceLock;

use rayon::prelude::*;

use super::arithmetic::{Arithmetic, Mixed, Plain};
pub(crate) use super::elimination::{FactorGroup, Scratch, pivot_error};
use super::error::{SolveError, first_failure};
use super::plan::{Group, Plan};
use super::pool::Pool;
use super::problem::{Problem, RowWeights, Shape};
use super::qr::factor_sample;
use super::rescue::{Failure, may_be_rescued};
use super::scheme::{Method, Precision, Scheme};
use super::segments::{Segments, worth_cutting};
use super::shared::{is_shared, unscale_propagators};
use super::small::{is_small, propagators};
use super::stage::Staged;
use super::storage::{Storage, narrow, pack, single, wide};
use super::substitute::Chain;
use super::windows::{Pieces, Window};
use crate::solve::lanes::{Kernel, Lanes, Pack, Pack8, Pack16};

/// The factored normal matrices of a batch, or the one factor that all its samples share.
#[derive(Debug, Clone)]
pub struct Factor {
    pub(crate) shape: Shape,
    pub(crate) scheme: Scheme,
    pub(crate) plan: Plan,
    pub(crate) storage: Storage,
    /// Whether the factor serves every sample.
    pub(crate) common: bool,
    weights: OwnWeights,
    /// Of a common factor, for each group of small blocks.
    pub(crate) propagators: Vec<Vec<f64>>,
    /// The same for unknowns that are not scaled, where solves go the way of [`super::shared`].
    pub(crate) unscaled: Vec<f64>,
    /// Why the rows were factored in place of the normal matrix that the scheme asks for.
    pub(crate) failure: Option<Failure>,
    /// A factor of the rows for solves that did not settle by this one, and how the first of them failed.
    pub(crate) rows: OnceLock<Box<(SolveError, Factor)>>,
    /// Of a factor in mixed precision that did not settle, the one in double precision.
    pub(crate) double: OnceLock<Box<Factor>>,
    /// Working memory of this plan.
    pub(crate) pool: Pool,
}

/// What rows weigh beside the scheme's weights.
#[derive(Debug, Clone, Default, PartialEq)]
struct OwnWeights {
    rows: [Vec<f64>; 3],
    data: Vec<f64>,
    ridge: f64,
}

impl OwnWeights {
    fn of(problem: &Problem) -> Self {
        let RowWeights { equation, initial, smooth } = problem.row_weights;
        let rows = [equation, initial, smooth].map(<[f64]>::to_vec);
        OwnWeights { rows, data: problem.data.weights.to_vec(), ridge: problem.border.ridge }
    }

    /// What is not as it was, bit by bit: weights that are no numbers are equal to themselves.
    fn differs(&self, problem: &Problem) -> Option<&'static str> {
        let RowWeights { equation, initial, smooth } = problem.row_weights;
        let same =
            |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
        if !self.rows.iter().zip([equation, initial, smooth]).all(|(a, b)| same(a, b)) {
            return Some("row weights");
        }
        if !same(&self.data, problem.data.weights) {
            return Some("weights of data rows");
        }
        (self.ridge.to_bits() != problem.border.ridge.to_bits()).then_some("ridge of the border")
    }
}

/// Factors the systems of a problem. Its right-hand sides, initial values and data are not read.
///
/// # Errors
/// Sizes and lengths that do not fit, a scheme that is not finite, a singular or non-finite system.
pub fn factor(problem: &Problem) -> Result<Factor, SolveError> {
    problem.check()?;
    let mut made = empty(problem);
    made.fill(problem)?;
    Ok(made)
}

/// [`factor`] of the normal matrix and nothing else, as devices do.
///
/// # Errors
/// As [`factor`], and where the rows determine the system and their normal matrix does not.
pub(crate) fn factor_of_normal_matrix(problem: &Problem) -> Result<Factor, SolveError> {
    problem.check()?;
    let mut made = empty(problem);
    made.fill_by_normal_matrix(problem)?;
    Ok(made)
}

/// A factor with its plan, and without numbers.
fn empty(problem: &Problem) -> Factor {
    Factor {
        shape: problem.shape,
        scheme: problem.scheme,
        plan: Plan::new(problem),
        storage: Storage::Narrow(Vec::new()),
        common: problem.constant_matrix(),
        weights: OwnWeights::of(problem),
        propagators: Vec::new(),
        unscaled: Vec::new(),
        failure: None,
        rows: OnceLock::new(),
        double: OnceLock::new(),
        pool: Pool::default(),
    }
}

impl Factor {
    /// Factors another problem in the memory of this factor.
    ///
    /// # Errors
    /// As [`factor`]; after an error the factor must not be used before another success.
    pub fn refactor(&mut self, problem: &Problem) -> Result<(), SolveError> {
        problem.check()?;
        self.renew(problem);
        self.fill(problem)
    }

    /// Makes the plan of a problem.
    pub(crate) fn renew(&mut self, problem: &Problem) {
        let plan = Plan::new(problem);
        if self.failure.is_some()
            || self.shape != problem.shape
            || self.scheme != problem.scheme
            || self.plan.groups != plan.groups
            || self.plan.places != plan.places
        {
            self.pool.clear();
        }
        self.shape = problem.shape;
        self.scheme = problem.scheme;
        self.plan = plan;
        self.failure = None;
        self.rows = OnceLock::new();
        self.double = OnceLock::new();
        self.common = problem.constant_matrix();
        self.weights = OwnWeights::of(problem);
        self.propagators = Vec::new();
        self.unscaled = Vec::new();
    }

    /// Whether one factor serves any number of right-hand sides.
    pub fn is_constant(&self) -> bool {
        self.common
    }

    /// States that are solved together, each set ascending.
    pub fn state_groups(&self) -> Vec<Vec<usize>> {
        self.plan.groups.iter().map(|g| g.states.clone()).collect()
    }

    pub(crate) fn fill(&mut self, problem: &Problem) -> Result<(), SolveError> {
        if problem.scheme.method == Method::Qr {
            return self.fill_by_rows(problem);
        }
        match self.fill_by_normal_matrix(problem) {
            Err(failure) if may_be_rescued(problem, &failure) => self.rescue(problem, failure),
            done => done,
        }
    }

    /// Samples that have a factor of their own.
    fn factors(&self, problem: &Problem) -> usize {
        if self.common { 1 } else { problem.shape.batch }
    }

    fn fill_by_normal_matrix(&mut self, problem: &Problem) -> Result<(), SolveError> {
        let batch = self.factors(problem);
        let len = |width: usize| self.plan.len * batch.div_ceil(width);
        if worth_cutting(problem, &self.plan) {
            self.storage = Storage::Segments(Box::new(Segments::factor(problem)?));
            return Ok(());
        }
        match problem.scheme.precision {
            Precision::Double if !self.common && batch > 1 => {
                let len = len(Pack8::WIDTH);
                factor_batch::<Plain<Pack8>>(problem, (&self.plan, &self.pool), batch, wide(&mut self.storage, len))?;
            }
            Precision::Single if !self.common => {
                let len = len(Pack16::WIDTH);
                factor_batch::<Plain<Pack16>>(
                    problem,
                    (&self.plan, &self.pool),
                    batch,
                    single(&mut self.storage, len),
                )?;
            }
            Precision::Mixed if !self.common => {
                let (low, high) = (len(Pack16::WIDTH), len(Pack8::WIDTH));
                let made =
                    factor_batch::<Mixed>(problem, (&self.plan, &self.pool), batch, single(&mut self.storage, low));
                if made.is_err() {
                    // What is singular or not finite in `f32` need not be so.
                    factor_batch::<Plain<Pack8>>(
                        problem,
                        (&self.plan, &self.pool),
                        batch,
                        wide(&mut self.storage, high),
                    )?;
                }
            }
            // One sample, or a matrix that all samples share, which costs nothing to factor in double precision.
            _ => {
                let len = len(1);
                factor_batch::<Plain<f64>>(problem, (&self.plan, &self.pool), batch, narrow(&mut self.storage, len))?;
                if self.common {
                    self.propagate(problem);
                }
            }
        }
        Ok(())
    }

    /// Factors the rows of each sample, one after the other. In mixed precision factors stay in the double precision that they are made in:
    /// rounded, they would be no better than those of the normal matrix.
    pub(crate) fn fill_by_rows(&mut self, problem: &Problem) -> Result<(), SolveError> {
        // Solves are corrected then, in other memory.
        self.pool.clear();
        self.storage = Storage::Narrow(Vec::new());
        let (plan, batch) = (&self.plan, self.factors(problem));
        let one = Problem { shape: Shape { batch, ..problem.shape }, ..*problem };
        let factors: Vec<Result<Vec<f64>, SolveError>> = (0..batch)
            .into_par_iter()
            .map_init(
                || Staged::<f64>::new(&one, one.shape.steps),
                |staged, sample| rows_of(&one, plan, staged, sample),
            )
            .collect();
        let factors = factors.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.storage = match problem.scheme.precision {
            Precision::Double | Precision::Mixed if !self.common => Storage::Wide(pack(plan.len, &factors)),
            Precision::Single if !self.common => Storage::Single(pack(plan.len, &factors)),
            _ => Storage::Narrow(factors.concat()),
        };
        if self.common {
            self.propagate(problem);
        }
        Ok(())
    }

    /// Whether the rows of one sample determine it.
    ///
    /// # Errors
    /// A singular or non-finite system.
    pub(crate) fn try_rows(&self, problem: &Problem, sample: usize) -> Result<(), SolveError> {
        let mut staged = Staged::<f64>::new(problem, problem.shape.steps);
        rows_of(problem, &self.plan, &mut staged, sample).map(|_| ())
    }

    /// Makes the propagators of a common factor.
    fn propagate(&mut self, problem: &Problem) {
        let Storage::Narrow(factor) = &self.storage else { return };
        let mut staged = Staged::<f64>::new(problem, problem.shape.steps);
        let one = Problem { shape: Shape { batch: 1, ..problem.shape }, ..*problem };
        staged.load_matrix(&one, Window::of_group::<f64>(0, &one.shape));
        let Shape { states, orders, .. } = problem.shape;
        let chain = Chain { plan: &self.plan, states, orders, smooth: &staged.smooth, rho: &staged.rho };
        let of_group = |group: &Group| f64::dispatch(Propagators { chain, group, factor });
        self.propagators = self.plan.groups.iter().map(of_group).collect();
        if let [propagators] = &self.propagators[..]
            && is_shared(problem, &self.plan)
        {
            self.unscaled = unscale_propagators(propagators, &staged.unscale, orders);
        }
    }

    /// The problem must be the factored one; only a common factor may see another batch size.
    pub(crate) fn check(&self, problem: &Problem) -> Result<(), SolveError> {
        problem.check()?;
        let mut shape = problem.shape;
        if self.common {
            shape.batch = self.shape.batch;
        }
        let differs = |what| Err(SolveError::Mismatch { what });
        if shape != self.shape {
            return differs("shape");
        }
        if problem.scheme != self.scheme {
            return differs("scheme");
        }
        if problem.constant_matrix() != self.common {
            return differs("sharing of coefficients and steps");
        }
        if problem.border.width != self.plan.own {
            return differs("border");
        }
        if problem.data.places != self.plan.places {
            return differs("data rows");
        }
        self.weights.differs(problem).map_or(Ok(()), differs)
    }

    /// Whether a factor made for this problem would be of the same kind: one of a single long sample is cut in time, which serves any batch and is
    /// made for one.
    pub(crate) fn is_made_for(&self, problem: &Problem) -> bool {
        self.failure.is_some() || matches!(self.storage, Storage::Segments(_)) == worth_cutting(problem, &self.plan)
    }
}

/// The factor of the rows of a sample.
pub(crate) fn rows_of(
    problem: &Problem,
    plan: &Plan,
    staged: &mut Staged<f64>,
    sample: usize,
) -> Result<Vec<f64>, SolveError> {
    let window = Window::of_group::<f64>(sample, &problem.shape);
    staged.load_matrix(problem, window);
    factor_sample(problem, plan, staged, window)
}

/// The propagators of a group, as a kernel so that products are fused as in the solve.
struct Propagators<'a> {
    chain: Chain<'a, f64>,
    group: &'a Group,
    factor: &'a [f64],
}

impl Kernel<f64> for Propagators<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<V: Lanes<Pack = f64>>(self) -> Vec<f64> {
        let Propagators { chain, group, factor } = self;
        let mut out = Vec::new();
        match group.n {
            3 if is_small(group, 3) => propagators::<V, 3>(chain, group, factor, &mut out),
            4 if is_small(group, 4) => propagators::<V, 4>(chain, group, factor, &mut out),
            _ => (),
        }
        out
    }
}

fn factor_batch<A: Arithmetic>(
    problem: &Problem,
    (plan, pool): (&Plan, &Pool),
    batch: usize,
    values: &mut [A::Low],
) -> Result<(), SolveError> {
    let cut = Pieces::new::<A::Low>(batch);
    let one = Problem { shape: Shape { batch, ..problem.shape }, ..*problem };
    let failures: Vec<Option<SolveError>> = values
        .par_chunks_mut(plan.len * cut.groups)
        .enumerate()
        .map_init(
            || Scratch::<A>::take(problem, plan, pool),
            |scratch, (piece, out)| {
                cut.range(piece).zip(out.chunks_exact_mut(plan.len)).find_map(|(index, out)| {
                    let window = Window::of_group::<A::Low>(index, &one.shape);
                    scratch.staged.load_matrix(&one, window);
                    let made =
                        A::Low::dispatch(FactorGroup { problem: &one, plan, window, scratch, out, unknowns: None });
                    made.err()
                })
            },
        )
        .collect();
    first_failure(failures)
}

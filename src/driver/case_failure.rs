//! What is said of relaxed solves that fail, and of those that do not fit in memory.

use super::failure::{Failure, Problem as Fault};
use super::memory;
use super::words::counted;
use crate::data::{DataError, shape_text};
use crate::solve::relaxed::{Footprint, Method, Precision, Scheme, Shape, SolveError, Takes, Weights};

/// A batch to solve, as far as memory goes.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    /// One of its systems.
    pub one: &'a Footprint,
    /// The same in the precision that gradients are taken in, where that is another one.
    pub of_gradients: Option<&'a Footprint>,
    pub systems: usize,
    /// Whether each system has a matrix of its own.
    pub own: bool,
}

impl Batch<'_> {
    /// Refuses a batch whose solution and factors do not fit in memory together with as many `sets` of arrays of the inputs' sizes, such as gradients; `help`
    /// is the way out.
    ///
    /// # Errors
    /// [`Failure::Environment`] with both figures.
    pub fn ensure_memory(self, sets: u64, help: &str) -> Result<(), Failure> {
        let systems = self.systems as u64;
        // Lane groups are worked on side by side, one by each thread.
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let groups = self.systems.div_ceil(LANES).min(threads) as u64;
        let solves = [Some(self.one), self.of_gradients].into_iter().flatten();
        let parts = solves.flat_map(|one| {
            let working = one.working_bytes(systems).saturating_mul(groups);
            [one.vector_bytes.saturating_mul(systems), one.factor_bytes(systems, self.own), working]
        });
        self.ensure(parts.fold(self.arrays(sets), u64::saturating_add), help)
    }

    /// Refuses a batch of which as many `sets` of arrays of the inputs' sizes do not fit in memory.
    ///
    /// # Errors
    /// [`Failure::Environment`] with both figures.
    pub fn ensure_arrays(self, sets: u64, help: &str) -> Result<(), Failure> {
        self.ensure(self.arrays(sets), help)
    }

    fn arrays(self, sets: u64) -> u64 {
        let coefficients = if self.own { self.one.coefficient_bytes } else { 0 };
        self.one.vector_bytes.saturating_add(coefficients).saturating_mul(sets).saturating_mul(self.systems as u64)
    }

    fn ensure(self, bytes: u64, help: &str) -> Result<(), Failure> {
        let what = format!("solving {} of {} unknowns", counted(self.systems, "system"), self.one.unknowns);
        memory::ensure(&what, bytes, help)
    }
}

/// Systems that are solved at once, at least.
const LANES: usize = 8;

/// How a solve takes less memory. A single system has no parts, and takes least by its normal matrix in double precision: everything else has lanes that
/// it leaves empty.
pub(super) fn less_memory(batch: usize, scheme: &Scheme) -> &'static str {
    match (scheme.precision, scheme.method) {
        _ if batch > 1 => "solve the batch in several parts",
        (Precision::Double, Method::Normal) => "free memory, or take fewer steps",
        (Precision::Double, Method::Qr) => "free memory, take fewer steps, or `--method normal`",
        (Precision::Single | Precision::Mixed, Method::Normal) => "free memory, take fewer steps, or `--dtype f64`",
        (Precision::Single | Precision::Mixed, Method::Qr) => {
            "free memory, take fewer steps, or `--dtype f64` with `--method normal`"
        }
    }
}

/// The row of a weight, in the terms of its array.
fn weight_name(rows: &str, index: usize, shape: &Shape) -> String {
    let (row, columns, column) = match rows {
        "equation" => ("equation", shape.steps, "step"),
        "initial" => ("initial step", shape.states, "state"),
        "smooth" => ("interval", shape.states, "state"),
        _ => return format!("row {index}"),
    };
    format!("{row} {}, {column} {}", index / columns.max(1), index % columns.max(1))
}

/// What to do about a singular system where `--weights` leaves rows out that are there; `None` where it does not.
fn left_out(scheme: &Scheme, shape: &Shape, of_bench: bool) -> Option<String> {
    let Weights { equation, initial, smooth } = scheme.weights;
    let kinds = [
        ("equation", equation, shape.equations * shape.steps),
        ("initial", initial, shape.initial_values()),
        ("smoothness", smooth, shape.intervals()),
    ];
    let left: Vec<&str> = kinds.iter().filter(|(_, w, rows)| *w == 0.0 && *rows > 0).map(|(name, ..)| *name).collect();
    let (last, before) = left.split_last()?;
    let names = if before.is_empty() { (*last).to_string() } else { format!("{} and {last}", before.join(", ")) };
    let other = if of_bench { "" } else { ", or add others until every derivative is determined" };
    Some(format!("`--weights` has 0 for {names} rows, which leaves them out: give them a weight above 0{other}"))
}

/// The failure of an option that asks for more than there is of something; `of_bench` where the sizes are options too.
fn too_few(option: Takes, what: &str, least: usize, got: usize, of_bench: bool) -> Failure {
    let option = match option {
        Takes::Central => "--central",
        Takes::Hermite => "--rows hermite",
        Takes::Periodic => "--periodic",
    };
    // `--orders` of the bench counts the derivatives alone, and is never too small.
    let (what, more) = match what {
        "steps" if of_bench => ("steps", format!("`--steps {least}` or more")),
        "steps" => ("steps", format!("{least} steps or more")),
        _ => ("entries of the last axis of `c` (K)", format!("{least} or more there")),
    };
    let message = format!("`{option}` takes at least {least} {what}, and there are {got}");
    Failure::Usage(Fault::new("N008", message, format!("leave out `{option}`, or give {more}")))
}

/// Where the arrays of a solve come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin<'a> {
    /// A file, or what else a message names.
    Of(&'a str),
    /// A bench makes them, of the sizes that its options say.
    Bench,
}

/// An error of the solver, and what was asked of it: gradients may be taken in another precision than solutions.
#[derive(Debug)]
pub(super) struct Failed {
    pub error: SolveError,
    pub scheme: Scheme,
}

impl Failed {
    /// Of a solve by this scheme.
    pub fn by(scheme: Scheme) -> impl Fn(SolveError) -> Failed {
        move |error| Failed { error, scheme }
    }
}

/// The failure of a solve by the scheme `asked` for, or of its gradients.
pub(super) fn failure_of(failed: Failed, origin: Origin<'_>, shape: &Shape, asked: &Scheme) -> Failure {
    let Failed { error, scheme } = failed;
    match failure(error, origin, shape, &scheme) {
        Failure::Numerical(mut fault) if scheme.precision != asked.precision => {
            let [solution, gradients] = [asked, &scheme].map(|scheme| scheme.precision.name());
            fault.message += &format!(" (gradients of a solve in `{solution}` are taken in `{gradients}`)");
            Failure::Numerical(fault)
        }
        other => other,
    }
}

/// The failure that an error of the solver stands for.
pub(super) fn failure(error: SolveError, origin: Origin<'_>, shape: &Shape, scheme: &Scheme) -> Failure {
    let file = match origin {
        Origin::Of(name) => name,
        Origin::Bench => "bench",
    };
    match error {
        SolveError::TooFew { option, what, least, got } => too_few(option, what, least, got, origin == Origin::Bench),
        SolveError::Size { what, allowed, .. } => {
            let c = [shape.batch, shape.equations, shape.steps, shape.states, shape.orders];
            let shape = shape_text(&c);
            let axis = [("batch", "B"), ("steps", "T"), ("states", "D"), ("orders", "K")];
            let axis = axis.iter().find(|(name, _)| *name == what).map_or(what, |(_, axis)| axis);
            let expected = format!("(B, E, T, D, K) where {axis} is {allowed}");
            Failure::Data(DataError::ArrayShape { file: file.into(), array: "c".into(), shape, expected })
        }
        SolveError::Weight { rows, index, value } => Failure::Data(DataError::BadWeight {
            file: file.into(),
            array: format!("weight_{rows}"),
            index: weight_name(rows, index, shape),
            value,
        }),
        SolveError::WeightProduct { rows, index, value, of_kind } => Failure::Data(DataError::BadWeightProduct {
            file: file.into(),
            array: format!("weight_{rows}"),
            index: weight_name(rows, index, shape),
            value,
            of_kind,
        }),
        SolveError::TooLarge => {
            Failure::Environment(Fault::new("N014", error.to_string(), less_memory(shape.batch, scheme)))
        }
        SolveError::Scheme { what, .. } => {
            let help = match what {
                "gamma * alpha" => {
                    "choose `--alpha` and `--gamma` so that their product is between -1.7e308 and 1.7e308"
                }
                _ => "weights are 0, or between 1e-161 and 1e154, so that their squares are numbers: `--weights E,I,S`",
            };
            Failure::Usage(Fault::new("N008", error.to_string(), help))
        }
        SolveError::Combination { .. } => {
            Failure::Usage(Fault::new("N008", error.to_string(), "change the options of the solve"))
        }
        SolveError::Singular { .. }
        | SolveError::NonFiniteMatrix { .. }
        | SolveError::Border { .. }
        | SolveError::Unsettled { .. }
        | SolveError::Inexact { .. }
        | SolveError::NonFiniteGradient { .. }
        | SolveError::NonFiniteResult { .. } => {
            let message = format!("the solve failed: {error}");
            let left_out = matches!(error, SolveError::Singular { .. } | SolveError::Border { .. })
                .then(|| left_out(scheme, shape, origin == Origin::Bench))
                .flatten();
            if let Some(help) = left_out {
                return Failure::Numerical(Fault::new("N515", message, help));
            }
            let help = match error {
                SolveError::Singular { .. } | SolveError::Border { .. } if scheme.precision == Precision::Single => {
                    "solve it in double precision, with `--dtype f64`; if that fails too, rows are missing"
                }
                SolveError::Unsettled { .. } if scheme.precision != Precision::Single && origin == Origin::Bench => {
                    "rounding errors decide: keep fewer derivatives, with `--orders`, or solve shorter pieces, with `--steps`"
                }
                SolveError::Unsettled { .. } if scheme.precision != Precision::Single => {
                    "rounding errors decide: give more initial values, keep fewer derivatives, or solve shorter pieces"
                }
                SolveError::Unsettled { .. } | SolveError::Inexact { .. } => {
                    "solve it with `--dtype mixed`, or in double precision, with `--dtype f64`"
                }
                SolveError::Singular { .. } | SolveError::Border { .. } if origin == Origin::Bench => {
                    "keep fewer derivatives, with `--orders`, or choose `--weights` that differ less"
                }
                SolveError::Singular { .. } | SolveError::Border { .. } => {
                    "add equations or initial values until every derivative is determined"
                }
                SolveError::NonFiniteGradient { .. } => {
                    "products of the solution and of `upstream` are too large: scale right-hand sides, initial values, or `upstream`"
                }
                _ if scheme.precision == Precision::Single => {
                    "numbers in `f32` end at 3.4e38: solve it with `--dtype f64` or `mixed`, or scale the arrays"
                }
                SolveError::NonFiniteResult { .. } => "scale right-hand sides, initial values, or `upstream`",
                _ => "scale coefficients, steps and weights so that their squares can be represented",
            };
            Failure::Numerical(Fault::new("N515", message, help))
        }
        SolveError::Length { .. } | SolveError::Mismatch { .. } | SolveError::NotConstant { .. } => {
            Failure::Internal(error.to_string())
        }
    }
}

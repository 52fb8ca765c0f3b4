//! `mechc solve` and the options that say how a relaxed solve is done.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use mechc::base::number;
use mechc::diagnostics::Format;
use mechc::driver::{CaseOptions, Failure, Problem, counted, solve_case};
use mechc::report;
use mechc::solve::relaxed::{Method, Precision, RowSet, Scheme, Slack, Weights};

use super::values::{Refused, finite, whole};
use super::{cores, remark};

#[derive(Args)]
pub struct SolveArgs {
    /// The arrays of the systems: c, rhs, h, and where wanted iv and upstream.
    case: PathBuf,
    /// The npz file to write: u, eps, and the gradients of sum(upstream*u).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    scheme: SchemeArgs,
    /// The states share the steps: the gradient of a step is then one number for all states.
    #[arg(long)]
    shared_steps: bool,
    /// Threads to use; the results are the same for any number [default: all cores].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole(1..=1024))]
    threads: Option<usize>,
}

/// How a relaxed solve is done.
#[derive(Args)]
pub struct SchemeArgs {
    /// A slack in every smoothness row; with Taylor rows alone.
    #[arg(long)]
    slack: bool,
    /// The slack is pushed up by gamma times alpha.
    #[arg(long, value_name = "NUMBER", value_parser = finite, allow_negative_numbers = true, help = "The slack is pushed up by gamma times alpha [default: 0]")]
    alpha: Option<f64>,
    /// See alpha.
    #[arg(long, value_name = "NUMBER", value_parser = finite, allow_negative_numbers = true, help = "See alpha [default: 1]")]
    gamma: Option<f64>,
    /// Add a central difference of the highest derivative at every inner step; with Taylor rows alone.
    #[arg(long)]
    central: bool,
    /// Factors on the equation, initial and smoothness rows.
    #[arg(long, value_name = "E,I,S", default_value = "1,1,1", value_parser = weights, allow_hyphen_values = true)]
    weights: Weights,
    /// Tie the ends: the last step has the values and derivatives of the first.
    #[arg(long)]
    periodic: bool,
    /// The rows between neighbouring steps.
    #[arg(long, value_enum, default_value_t)]
    rows: Rows,
    /// The arithmetic; mixed has a factor in f32 and results that are accurate in f64.
    #[arg(long, value_enum, default_value_t)]
    dtype: Dtype,
    /// What is factored: the normal equations, or the rows themselves, which costs more and keeps more digits.
    #[arg(long, value_enum, default_value_t)]
    method: Factored,
    /// Corrections of each solve with the residual of the rows [default: 2, of `bench solve` 0].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole(0..=100))]
    refinements: Option<usize>,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Rows {
    /// Truncated Taylor series, forward and backward, as published.
    #[default]
    Taylor,
    /// Two-point Hermite formulas, of higher order in the step.
    Hermite,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Dtype {
    #[default]
    F64,
    F32,
    Mixed,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Factored {
    #[default]
    Normal,
    Qr,
}

impl SchemeArgs {
    /// The scheme, with so many corrections at most where none are asked for.
    ///
    /// # Errors
    /// [`Failure::Usage`] for options that exclude each other.
    pub fn scheme(&self, refinements: usize) -> Result<Scheme, Failure> {
        let with_taylor = [("--slack", self.slack), ("--central", self.central)];
        if let (Rows::Hermite, Some((option, _))) = (self.rows, with_taylor.into_iter().find(|(_, given)| *given)) {
            let message = format!("`{option}` does not go together with `--rows hermite`");
            let help = format!(
                "leave out `{option}`, or choose `--rows taylor`: slack and central rows go with Taylor rows, not with Hermite rows"
            );
            return Err(Failure::Usage(Problem::new("N008", message, help)));
        }
        let of_slack = [("--alpha", self.alpha), ("--gamma", self.gamma)];
        if let (false, Some((option, _))) = (self.slack, of_slack.into_iter().find(|(_, given)| given.is_some())) {
            let message = format!("`{option}` says how a slack is pushed, and there is none without `--slack`");
            let help = format!("add `--slack`, or leave out `{option}`");
            return Err(Failure::Usage(Problem::new("N008", message, help)));
        }
        let Weights { equation, initial, smooth } = self.weights;
        let weights = [("equation", equation), ("initial", initial), ("smoothness", smooth)];
        if let Some((rows, weight)) = weights.into_iter().find(|(_, weight)| *weight < 0.0) {
            let message =
                format!("`--weights` has the weight {} for the {rows} rows, which is negative", number(weight));
            let help = "give three numbers of 0 or more, for equation, initial and smoothness rows: `--weights 1,1,1`";
            return Err(Failure::Usage(Problem::new("N008", message, help)));
        }
        Ok(Scheme {
            slack: self.slack.then_some(Slack { alpha: self.alpha.unwrap_or(0.0), gamma: self.gamma.unwrap_or(1.0) }),
            central: self.central,
            periodic: self.periodic,
            rows: match self.rows {
                Rows::Taylor => RowSet::Taylor,
                Rows::Hermite => RowSet::Hermite,
            },
            precision: match self.dtype {
                Dtype::F64 => Precision::Double,
                Dtype::F32 => Precision::Single,
                Dtype::Mixed => Precision::Mixed,
            },
            method: match self.method {
                Factored::Normal => Method::Normal,
                Factored::Qr => Method::Qr,
            },
            weights: self.weights,
            refinements: self.refinements.unwrap_or(refinements),
            keeps_rows: false,
        })
    }
}

/// Three numbers separated by commas.
fn weights(text: &str) -> Result<Weights, Refused> {
    let help = "give three numbers, for equation, initial and smoothness rows: `--weights 1,1,1`";
    let parts: Vec<&str> = text.split(',').collect();
    let [equation, initial, smooth] = *parts.as_slice() else {
        return Err(Refused::new("it takes three numbers separated by commas", help));
    };
    let number = |part| finite(part).map_err(|refused| Refused::new(refused.to_string(), help));
    Ok(Weights { equation: number(equation)?, initial: number(initial)?, smooth: number(smooth)? })
}

pub fn run(args: &SolveArgs, format: Format) -> Result<(), Failure> {
    check_out(&args.case, &args.out)?;
    let threads = args.threads.unwrap_or_else(cores);
    let options = CaseOptions {
        scheme: args.scheme.scheme(Scheme::default().refinements)?,
        shared_steps: args.shared_steps,
        threads,
    };
    let solved = solve_case(&args.case, &options)?;
    for warning in &solved.warnings {
        remark("warning", warning, format);
    }
    report::save_atomic(&mut report::Disk, &args.out, &solved.npz)?;
    let gradients = if solved.with_gradients { " with gradients" } else { "" };
    let (systems, unknowns) = (counted(solved.shape.batch, "system"), solved.shape.unknowns());
    remark("note", &format!("{systems} of {unknowns} unknowns{gradients} in {}", args.out.display()), format);
    Ok(())
}

/// Refuses a place for the results that has another ending, that cannot be a file, or that is the case itself.
fn check_out(case: &Path, out: &Path) -> Result<(), Failure> {
    let usage = |code, message, help: &str| Err(Failure::Usage(Problem::new(code, message, help)));
    if out.extension().and_then(|e| e.to_str()) != Some("npz") {
        let bare = out.file_name().is_some_and(|name| name == ".npz");
        let why = if bare { "is an ending without a name" } else { "does not end in .npz" };
        return usage("N006", format!("`{}` {why}", out.display()), "name the file result.npz");
    }
    let place = if out.is_dir() { Some("is a folder") } else { None };
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
    if let Some(what) = place.or(folder.map(|_| "lies in a folder that does not exist")) {
        let message = format!("`{}` {what}", out.display());
        let help = match folder {
            Some(folder) => format!("create the folder `{}`, or name another file", folder.display()),
            None => "name a file in it, such as result.npz".to_string(),
        };
        return usage("N016", message, &help);
    }
    let same = match (case.canonicalize(), out.canonicalize()) {
        (Ok(case), Ok(out)) => case == out,
        _ => false,
    };
    if same {
        let message = format!("`{}` is the case itself", out.display());
        return usage("N009", message, "name another file with --out");
    }
    Ok(())
}

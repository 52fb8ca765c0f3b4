//! `mechc check`.

use clap::Args;
use mechc::diagnostics::{Format, render};
use mechc::driver::{CheckedData, Failure, Overview, Session, Stage};

use super::values::bytes;
use super::{ModelArgs, print, say};

#[derive(Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// Print a stage of compilation: ast, hir, ir, adjoint, kernel, clif or cuda.
    #[arg(long, value_name = "STAGE", conflicts_with = "plan")]
    pub emit: Option<Stage>,
    /// Print the relaxed solves of fits and models: sizes, algorithm, and how many fit in memory.
    #[arg(long)]
    plan: bool,
    /// Read the data of every fit too: print what was read, and say which unknowns they cannot tell apart.
    #[arg(long, conflicts_with_all = ["emit", "plan"])]
    data: bool,
    /// Bytes of memory to plan for, such as 8G [default: what this machine has].
    #[arg(long, value_name = "BYTES", value_parser = bytes, requires = "plan")]
    memory: Option<u64>,
}

pub fn run(args: &CheckArgs, session: &mut Session, name: &str, format: Format) -> Result<(), Failure> {
    if args.plan {
        return plan(args, session, name, format);
    }
    let checked = match session.check(name, &args.model.set) {
        // The data are judged also where only tests are wrong.
        Err(failure @ Failure::Model(_)) if args.data && session.check_without_tests(name, &args.model.set).is_ok() => {
            say(&failure.render(session.sources(), format));
            data(args, session, name, format)?;
            return Err(Failure::Model(Vec::new()));
        }
        other => other?,
    };
    say(&render(&checked.warnings, session.sources(), format));
    if args.data {
        return data(args, session, name, format);
    }
    let found = session.missing_files(&checked.program)?;
    say(&render(&found, session.sources(), format));
    Ok(())
}

/// Prints what was read of the data, and says what is found in them.
fn data(args: &CheckArgs, session: &mut Session, name: &str, format: Format) -> Result<(), Failure> {
    let CheckedData { overviews, found } = session.check_data(name, &args.model.set)?;
    match format {
        Format::Json => overviews.iter().try_for_each(|overview| print(&format!("{}\n", overview.json())))?,
        _ => print(&overviews.iter().map(Overview::text).collect::<Vec<_>>().join("\n"))?,
    }
    say(&render(&found?, session.sources(), format));
    Ok(())
}

/// Prints the relaxed solves.
fn plan(args: &CheckArgs, session: &mut Session, name: &str, format: Format) -> Result<(), Failure> {
    for planned in session.plan(name, &args.model.set, args.memory)? {
        let json = format == Format::Json;
        print(&if json { format!("{}\n", planned.json()) } else { planned.text() })?;
    }
    Ok(())
}

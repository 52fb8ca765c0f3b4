//! Angles that were brought back into one turn: columns that jump by the turn itself, and go on behind it as before.

use std::f64::consts::PI;

use super::{Files, Series};
use crate::base::least_and_most;
use crate::data::Dataset;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1114;
use crate::hir::DataSet;
use crate::report::{few, short};

/// Turns, in radians and in degrees.
const TURNS: [f64; 2] = [2.0 * PI, 360.0];
/// What lies beyond the turn is noise, at most so much of it.
const BEYOND: f64 = 0.15;
/// A column that goes round comes to both ends of the turn as near as this.
const REACHED: f64 = 0.75;
/// A jump is a turn but for the motion within a step, at most so much of a turn; what moves faster is not told apart from what does not.
const MOTION: f64 = 0.35;
/// Samples before and behind a jump that say how fast the motion is.
const BESIDE: usize = 3;
/// How far the motion within a step of a jump is from that before and behind it.
const STEADY: f64 = 0.25;
/// Jumps of a column by which it is told.
const FEWEST: usize = 2;

/// A column that was wrapped.
struct Wrapped {
    turn: f64,
    jumps: usize,
    /// The time behind the first jump.
    first: f64,
}

/// The finding on a data set, if columns of it were wrapped, and which these are.
pub fn check(data: &DataSet, read: &Dataset) -> Option<(Diagnostic, Vec<usize>)> {
    let found: Vec<(usize, Wrapped)> =
        (0..read.columns.len()).filter_map(|c| Some((c, of_column(data, read, c)?))).collect();
    let (_, first) = found.first()?;
    let turn = first.turn;
    let columns: Vec<usize> = found.iter().filter(|(_, w)| w.turn == turn).map(|(c, _)| *c).collect();
    let files = |c: &usize| read.columns.get(*c).map(|name| Files { data, name });
    let names: Vec<String> = columns.iter().filter_map(|c| Some(format!("`{}`", read.columns.get(*c)?))).collect();
    let jumps: usize = found.iter().filter(|(_, w)| w.turn == turn).map(|(_, w)| w.jumps).sum();
    let time = files(columns.first()?)?.time(first.first);
    let (size, option) = if turn > 2.0 * PI { ("360", ", period=360") } else { ("2*pi", "") };
    let is = if names.len() == 1 { "is an angle that was" } else { "are angles that were" };
    let message = format!(
        "{} {is} wrapped: {jumps} jumps of about {size} ({}), the first before t = {time}, behind which the motion goes on: no equation makes such jumps",
        few(&names),
        short(turn),
    );
    let lines: Vec<String> = columns
        .iter()
        .filter_map(files)
        .map(|file| {
            let column = file.column();
            match data.source.file().and_then(|(_, map)| map.trajectory.as_ref()) {
                None => format!("df[\"{column}\"] = numpy.unwrap(df[\"{column}\"]{option})"),
                Some(group) => format!(
                    "df[\"{column}\"] = df.groupby(\"{group}\")[\"{column}\"].transform(lambda a: numpy.unwrap(a{option}))"
                ),
            }
        })
        .collect();
    let help = format!("unwrap them before the fit, with pandas and numpy: `{}`", lines.join("; "));
    let finding = Diagnostic::warning(W1114, message, data.places.file.unwrap_or(data.span), "these data").help(help);
    Some((finding, columns))
}

/// A column with its trajectories taken together: all of it is within a turn, and every large difference is that turn.
fn of_column(data: &DataSet, read: &Dataset, column: usize) -> Option<Wrapped> {
    let all: Vec<Series<'_>> =
        read.trajectories.iter().filter_map(|t| super::of_trajectory(data, read, t).nth(column)).collect();
    let [least, most] = least_and_most(all.iter().flat_map(|s| s.values.iter().copied()));
    let range = most - least;
    let turn = TURNS.into_iter().find(|turn| (REACHED * turn..=(1.0 + BEYOND) * turn).contains(&range))?;
    let mut found = Wrapped { turn, jumps: 0, first: f64::NAN };
    for series in &all {
        let steps: Vec<f64> = series.values.windows(2).map(|pair| pair[1] - pair[0]).collect();
        for (i, step) in steps.iter().enumerate().filter(|(_, step)| step.abs() > 0.5 * turn) {
            let motion = step - turn * step.signum();
            let before = steps.get(i.saturating_sub(BESIDE)..i).unwrap_or_default();
            let behind = steps.get(i + 1..).unwrap_or_default();
            let mut beside: Vec<f64> =
                before.iter().chain(behind.iter().take(BESIDE)).copied().filter(|s| s.abs() <= 0.5 * turn).collect();
            beside.sort_by(f64::total_cmp);
            let usual = beside.get(beside.len() / 2).copied()?;
            if motion.abs() > MOTION * turn || (motion - usual).abs() > STEADY * turn {
                return None;
            }
            if found.jumps == 0 {
                found.first = *series.times.get(i + 1)?;
            }
            found.jumps += 1;
        }
    }
    (found.jumps >= FEWEST).then_some(found)
}

//! Experiments that stand under one another as if they were one: all states jump at once, and the motion begins anew.

use super::jumps::{Jumps, find};
use super::{Files, Found, Series};
use crate::data::{Dataset, Trajectory};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{W1103, W1114};
use crate::hir::DataSet;
use crate::report::few;

/// The jumps of one trajectory.
struct Of<'a> {
    trajectory: &'a Trajectory,
    jumps: Jumps,
}

/// Findings on a data set. Where a motion begins anew several experiments stand under one another. Without that a motion may be faster than
/// its samples as well, of which a fit may make what is right: that is told of one in doubt. Nothing is where columns are `explained` otherwise:
/// what these do is seen in others.
pub fn check(data: &DataSet, read: &Dataset, explained: &[usize]) -> Found {
    if !explained.is_empty() {
        return Found::default();
    }
    let jumps = |trajectory| {
        let columns: Vec<Series<'_>> = super::of_trajectory(data, read, trajectory).collect();
        Some(Of { trajectory, jumps: find(trajectory, &columns)? })
    };
    let all: Vec<Of<'_>> = read.trajectories.iter().filter_map(jumps).collect();
    let (anew, others): (Vec<Of<'_>>, Vec<Of<'_>>) = all.into_iter().partition(|of| of.jumps.anew);
    let say = |of: &[Of<'_>], sure: bool| finding((data, read), of, sure);
    match anew.is_empty() {
        false => Found { sure: say(&anew, true).into_iter().collect(), doubtful: Vec::new() },
        true => Found { sure: Vec::new(), doubtful: say(&others, false).into_iter().collect() },
    }
}

fn finding((data, read): (&DataSet, &Dataset), of: &[Of<'_>], sure: bool) -> Option<Diagnostic> {
    let first = of.first()?;
    let [before, behind] = *first.jumps.places.first()?;
    // Of one column nothing says that all of a system jumps.
    let several = of.iter().all(|of| of.jumps.several);
    let joined = sure || several;
    let jumps = |k: &usize| of.iter().any(|of| of.jumps.columns.contains(k));
    let names: Vec<String> =
        read.columns.iter().enumerate().filter(|(k, _)| jumps(k)).map(|(_, c)| format!("`{c}`")).collect();
    let count: usize = of.iter().map(|of| of.jumps.places.len()).sum();
    let times = match count {
        1 => "once".to_string(),
        n => format!("{n} times"),
    };
    let file = Files { data, name: read.columns.first()? };
    let place = format!(
        "{}between t = {} and {}",
        if count == 1 { "" } else { "first " },
        file.time(before),
        file.at(first.trajectory, behind)
    );
    let verb = if names.len() == 1 { "jumps" } else { "jump" };
    let named = few(&names);
    let apart = file.apart("the experiments");
    let (code, message, help) = match (joined, sure) {
        (true, true) => (
            W1114,
            format!("{named} {verb} {times}, {place}: no equation makes such a jump"),
            format!("if another experiment begins there, or the system is reset, {apart}"),
        ),
        (true, false) => (
            W1114,
            format!("{named} {verb} {times}, {place}, all at once and within one step"),
            format!("if another experiment begins there, {apart}; if the system does that, sample more often there"),
        ),
        _ => (
            W1103,
            format!(
                "the samples of {named} in `{}` are too far apart for how fast it changes: it jumps {times} within one step, {place}",
                data.name
            ),
            format!("sample more often there; if another experiment begins there, {apart}"),
        ),
    };
    Some(Diagnostic::warning(code, message, data.places.file.unwrap_or(data.span), "these data").help(help))
}

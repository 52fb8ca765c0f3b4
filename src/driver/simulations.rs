//! The simulations that go with a law that was found: one for each trajectory that was fitted.

use super::findings::Findings;
use super::observed::Observed;
use crate::data::Trajectory;

/// So many trajectories of a fit get a block of their own.
const MOST: usize = 20;

/// A start and a grid for a simulation block of the file.
pub struct Simulation {
    /// The name of the block.
    pub name: String,
    /// Which trajectory it goes with, where there are several.
    pub of: String,
    /// Value of every component at the first time, in the order of the first-order system.
    pub initial: Vec<f64>,
    /// Samples.
    pub steps: usize,
    /// Their spacing.
    pub dt: f64,
}

/// Start and grid of the first trajectories, each with the part that was held out behind the fitted one.
pub(super) fn simulations(observed: &Observed, findings: &Findings) -> Vec<Simulation> {
    let fitted = &observed.train.trajectories;
    let total: usize = fitted.iter().map(|t| t.len).sum();
    let mut out: Vec<Simulation> = Vec::new();
    let mut offset = 0;
    for (k, own) in fitted.iter().enumerate().take(MOST) {
        let value = |c: usize| findings.solution.get(c * total + offset).copied().unwrap_or(0.0);
        let held = observed.held.as_ref().and_then(|h| h.data.trajectories.get(h.after(k)?));
        let steps = own.len + held.map_or(0, |h| h.len);
        let before = fitted.iter().take(k).filter(|t| t.set == own.set).count();
        out.push(Simulation {
            name: name(&own.set, before, |name| {
                out.iter().any(|s| s.name == name) || fitted.iter().any(|t| t.set == name && before > 0)
            }),
            of: match own.name().replace(char::is_control, " ") {
                _ if fitted.len() == 1 => String::new(),
                name if own.set.is_empty() => format!("trajectory {name}"),
                name => name,
            },
            initial: (0..observed.components.len()).map(value).collect(),
            steps,
            dt: shortest_step(own, steps),
        });
        offset += own.len;
    }
    out
}

/// The name of a data set, and a number for all but its first trajectory.
fn name(set: &str, before: usize, taken: impl Fn(&str) -> bool) -> String {
    let base = if set.is_empty() { "solution" } else { set };
    let mut name = if before == 0 { base.to_string() } else { format!("{base}_{}", before + 1) };
    while taken(&name) {
        name.push('_');
    }
    name
}

/// The shortest number that is the step as far as rounding of the times lets it be known: over all steps it is off by no more than that.
fn shortest_step(of: &Trajectory, steps: usize) -> f64 {
    let largest = of.time(0).abs().max(of.time(steps.saturating_sub(1)).abs());
    let within = 2.0 * f64::EPSILON * largest / steps.saturating_sub(1).max(1) as f64;
    let rounded = (0..17).filter_map(|decimals| format!("{:.decimals$e}", of.dt).parse::<f64>().ok());
    rounded.into_iter().find(|step| (step - of.dt).abs() <= within).unwrap_or(of.dt)
}

#[cfg(test)]
mod tests {
    use super::{name, shortest_step};
    use crate::data::Trajectory;

    #[test]
    fn steps_are_as_short_as_the_times_allow() {
        let of =
            |t0: f64, dt: f64, steps| shortest_step(&Trajectory { t0, dt, len: steps, ..Trajectory::default() }, steps);
        // What the mean of rounded times gives for a table with the times 0, 0.1, ..., 39.9.
        assert_eq!(of(0.0, 0.09999999999999999, 400), 0.1);
        assert_eq!(of(0.0, 0.1 + 1e-9, 400), 0.1 + 1e-9);
        assert_eq!(of(0.0, 1.0 / 3.0, 400), 1.0 / 3.0);
        // Far from zero times are known less well.
        assert_eq!(of(1e9, 0.25 + 1e-10, 400), 0.25);
        assert_eq!(of(0.0, 0.0, 1), 0.0);
    }

    #[test]
    fn names_differ() {
        assert_eq!(name("", 0, |_| false), "solution");
        assert_eq!(name("run", 1, |_| false), "run_2");
        assert_eq!(name("run", 1, |n| n == "run_2"), "run_2_");
    }
}

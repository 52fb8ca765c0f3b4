//! The simulations that go with a law that was found: one for each trajectory that was fitted.

use super::findings::Findings;
use super::observed::Observed;
use crate::data::{Dataset, Trajectory};
use crate::hir::Model;

/// So many trajectories of a fit get a block of their own.
const MOST: usize = 20;

/// Irregular times are simulated in at most so many times as many steps.
const FINEST: usize = 4;

/// A start that is this small beside the largest number of its state is zero.
const ROUNDING: f64 = 1e-13;

/// A start and a grid for a simulation block of the file.
pub struct Simulation {
    /// The name of the block.
    pub name: String,
    /// Which trajectory it goes with, where there are several.
    pub of: String,
    /// Parameters that differ from the model's, those of the trajectory's own.
    pub own: Vec<(String, f64)>,
    /// Value of every component at the first time, in the order of the first-order system.
    pub initial: Vec<f64>,
    /// Samples.
    pub steps: usize,
    /// Their spacing.
    pub dt: f64,
    /// Time of the first one.
    pub start: f64,
    /// What drives it, where something does: then it is sampled at the times of these.
    pub inputs: Option<InputTable>,
}

/// The inputs of a trajectory, a table in the run directory.
pub struct InputTable {
    /// The name of its block.
    pub name: String,
    /// The name of the file.
    pub file: String,
    /// Times and inputs as csv.
    pub text: String,
}

/// Start and grid of the first trajectories, each with the part that was held out behind the fitted one.
pub(super) fn simulations(model: &Model, observed: &Observed, findings: &Findings) -> Vec<Simulation> {
    let fitted = &observed.train.trajectories;
    let total: usize = fitted.iter().map(|t| t.len).sum();
    let mut out: Vec<Simulation> = Vec::new();
    let driven = !observed.train.inputs.is_empty();
    let mut offset = 0;
    for (k, own) in fitted.iter().enumerate().take(MOST) {
        let solved = |c: usize| {
            let from = c * total + offset;
            findings.solution.get(from..from + own.len).unwrap_or_default()
        };
        let value = |c: usize| match (solved(c).first(), observed.components.get(c)) {
            // What rounding leaves of a start that is held at zero.
            (Some(x), _) if x.abs() <= ROUNDING * largest(solved(c)) => 0.0,
            (Some(x), _) if x.is_finite() => *x,
            (_, Some(component)) => {
                let order = usize::from(component.derivative);
                difference(solved(c.saturating_sub(order)), order, own.dt)
            }
            _ => 0.0,
        };
        let held = observed.held.as_ref().and_then(|h| h.data.trajectories.get(h.after(k)?));
        let (steps, dt) = grid(own, held);
        let whole = held.map_or_else(|| own.clone(), |held| own.followed_by(held));
        let several = fitted.iter().filter(|t| t.set == own.set).count() > 1;
        // Names of other blocks, of the tables of inputs beside them, and of the model.
        let is_taken = |name: &str| {
            let of_others = |s: &Simulation| s.name == name || s.inputs.as_ref().is_some_and(|i| i.name == name);
            let of_sets = |t: &Trajectory| t.set == name && (several || own.set != name);
            name == model.name || out.iter().any(of_others) || fitted.iter().any(of_sets)
        };
        let name = name(own, (k, several), |name| is_taken(name) || (driven && is_taken(&inputs_of(name))));
        out.push(Simulation {
            inputs: input_table(&name, &observed.train, whole),
            name,
            of: match own.name().replace(char::is_control, " ") {
                _ if fitted.len() == 1 => String::new(),
                name if own.set.is_empty() => format!("trajectory {name}"),
                name => name,
            },
            own: parameters(model, findings, k),
            initial: (0..observed.components.len()).map(value).collect(),
            steps,
            dt,
            start: own.time(0),
        });
        offset += own.len;
    }
    out
}

/// The name of the table of inputs that goes with a simulation.
fn inputs_of(simulation: &str) -> String {
    format!("{simulation}_inputs")
}

/// The inputs along a trajectory, for the simulation of that name.
fn input_table(simulation: &str, fitted: &Dataset, along: Trajectory) -> Option<InputTable> {
    if fitted.inputs.is_empty() {
        return None;
    }
    let name = inputs_of(simulation);
    let bare = Trajectory {
        id: String::new(),
        set: String::new(),
        values: Vec::new(),
        valid: Vec::new(),
        truth: None,
        ..along
    };
    let table =
        Dataset { source: String::new(), columns: Vec::new(), inputs: fitted.inputs.clone(), trajectories: vec![bare] };
    Some(InputTable { file: format!("{name}.csv"), name, text: table.to_csv() })
}

/// The largest magnitude of a solution.
fn largest(solution: &[f64]) -> f64 {
    solution.iter().fold(0.0, |most, x| x.abs().max(most))
}

/// The parameters of a fitted trajectory's own; elements of families have no name in a simulation.
fn parameters(model: &Model, findings: &Findings, trajectory: usize) -> Vec<(String, f64)> {
    let Some(values) = findings.own.get(trajectory) else { return Vec::new() };
    let own = model.unknowns.values().zip(values).filter(|(u, _)| model.is_per_sample(u) && !u.name.contains('['));
    own.map(|(u, value)| (u.name.clone(), *value)).collect()
}

/// The name of a data set, and where it has several trajectories that of the trajectory behind it, or its number where it has none.
fn name(of: &Trajectory, (number, several): (usize, bool), taken: impl Fn(&str) -> bool) -> String {
    /// Letters that are left of each name.
    const LONGEST: usize = 50;
    let base = if of.set.is_empty() { "solution" } else { &of.set };
    let mut name: String = if several { base.chars().take(LONGEST).collect() } else { base.to_string() };
    if several {
        let plain = |c: char| if c.is_alphabetic() || c.is_ascii_digit() { c } else { '_' };
        let own: String = of.id.trim().chars().take(LONGEST).map(plain).collect();
        name += &if own.is_empty() { format!("_{}", number + 1) } else { format!("_{own}") };
    }
    while taken(&name) {
        name.push('_');
    }
    name
}

/// Samples and spacing of a simulation that covers a fitted trajectory and what was held out behind it. Irregular times are covered to the last
/// one in steps of about their median, in at most [`FINEST`] times as many as there are samples.
fn grid(of: &Trajectory, held: Option<&Trajectory>) -> (usize, f64) {
    let samples = of.len + held.map_or(0, |h| h.len);
    let last = held.filter(|h| h.len > 0).unwrap_or(of);
    let (start, end) = (of.time(0), last.time(last.len.saturating_sub(1)));
    if !of.is_irregular() || end <= start || of.dt <= 0.0 {
        return (samples, shortest_step(of.dt, (start, of.time(samples.saturating_sub(1))), samples));
    }
    let links = ((end - start) / of.dt).round().clamp(1.0, (FINEST * samples) as f64);
    let steps = links as usize + 1;
    (steps, shortest_step((end - start) / links, (start, end), steps))
}

/// The shortest number that is the step as far as rounding of the times lets it be known: over all steps it is off by no more than that.
fn shortest_step(dt: f64, (start, end): (f64, f64), steps: usize) -> f64 {
    let largest = start.abs().max(end.abs());
    let within = 2.0 * f64::EPSILON * largest / steps.saturating_sub(1).max(1) as f64;
    let rounded = (0..17).filter_map(|decimals| format!("{dt:.decimals$e}").parse::<f64>().ok());
    rounded.into_iter().find(|step| (step - dt).abs() <= within).unwrap_or(dt)
}

/// A derivative where a solution begins, by differences of its first numbers: the gradient engine keeps values alone, and those before its
/// first solve are none.
fn difference(solution: &[f64], order: usize, dt: f64) -> f64 {
    let mut values: Vec<f64> = solution.iter().copied().filter(|x| x.is_finite()).take(order + 1).collect();
    if values.len() <= order {
        return 0.0;
    }
    for _ in 0..order {
        values = values.windows(2).map(|pair| (pair[1] - pair[0]) / dt).collect();
    }
    values.first().copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::{difference, grid, name};
    use crate::data::Trajectory;

    #[test]
    fn steps_are_as_short_as_the_times_allow() {
        let of = |t0: f64, dt: f64, len| grid(&Trajectory { t0, dt, len, ..Trajectory::default() }, None).1;
        // What the mean of rounded times gives for a table with the times 0, 0.1, ..., 39.9.
        assert_eq!(of(0.0, 0.09999999999999999, 400), 0.1);
        assert_eq!(of(0.0, 0.1 + 1e-9, 400), 0.1 + 1e-9);
        assert_eq!(of(0.0, 1.0 / 3.0, 400), 1.0 / 3.0);
        // Far from zero times are known less well.
        assert_eq!(of(1e9, 0.25 + 1e-10, 400), 0.25);
        assert_eq!(of(0.0, 0.0, 1), 0.0);
    }

    #[test]
    fn irregular_times_are_covered_to_the_last_one() {
        let at = |times: &[f64], dt: f64| Trajectory {
            t0: times[0],
            dt,
            times: times.to_vec(),
            len: times.len(),
            ..Trajectory::default()
        };
        // Five samples in steps of 0.1, and a gap.
        let burst = at(&[1.0, 1.1, 1.2, 1.3, 2.0], 0.1);
        assert_eq!(grid(&burst, None), (11, 0.1));
        // What was held out behind it counts, too.
        assert_eq!(grid(&burst, Some(&at(&[2.1, 2.5], 0.4))), (16, 0.1));
        // A gap of a million steps is covered in longer ones.
        assert_eq!(grid(&at(&[0.0, 1.0, 2.0, 1e6], 1.0), None), (17, 62500.0));
    }

    #[test]
    fn blocks_are_named_by_their_trajectories() {
        let of = |set: &str, id: &str| Trajectory { set: set.into(), id: id.into(), ..Trajectory::default() };
        let free = |_: &str| false;
        assert_eq!(name(&of("", ""), (0, false), free), "solution");
        assert_eq!(name(&of("", "north"), (0, false), free), "solution");
        assert_eq!(name(&of("", "north"), (0, true), free), "solution_north");
        assert_eq!(name(&of("run", " far-away 1"), (1, true), free), "run_far_away_1");
        assert_eq!(name(&of("run", ""), (1, true), free), "run_2");
        assert_eq!(name(&of("run", "2"), (1, true), |n| n == "run_2"), "run_2_");
        let long = name(&of(&"a".repeat(255), &"é".repeat(255)), (0, true), free);
        assert_eq!((long.chars().count(), long.len() <= 255), (101, true));
    }

    #[test]
    fn derivatives_where_a_solution_begins() {
        let parabola: Vec<f64> = (0..6).map(|i| (0.5 * f64::from(i)).powi(2)).collect();
        assert_eq!(difference(&parabola, 2, 0.5), 2.0);
        let late = [f64::NAN, f64::NAN, 3.0, 4.0];
        assert_eq!([difference(&late, 0, 0.5), difference(&late, 1, 0.5), difference(&late, 2, 0.5)], [3.0, 2.0, 0.0]);
    }
}

//! Trajectories cut where a prediction starts.

use crate::base::IndexSet;
use crate::data::Trajectory;
use crate::driver::observed::Observed;
use crate::hir::{Origin, PredictSpec};

/// A trajectory cut where a prediction starts.
pub(super) struct Cut {
    /// What comes before.
    pub before: Trajectory,
    /// What comes behind, with which it is compared.
    pub truth: Trajectory,
    /// Which of the fitted trajectories it belongs to; none for one that was held out.
    pub fitted: Option<usize>,
}

/// Where all trajectories of a prediction are cut.
pub(super) struct Cuts {
    /// Those of which something is predicted.
    pub all: Vec<Cut>,
    /// Data sets of which nothing is: nothing says how far it goes.
    pub without: IndexSet<String>,
    /// Other trajectories of which nothing is, as [`Cut::of`] names them, and why.
    pub failed: Vec<(String, String)>,
}

impl Cut {
    /// A trajectory cut behind its first `at` samples.
    pub fn new(whole: &Trajectory, at: usize, fitted: Option<usize>) -> Cut {
        Cut { before: whole.slice(0, at), truth: whole.slice(at, whole.len), fitted }
    }

    /// The trajectory.
    pub fn whole(&self) -> Trajectory {
        self.before.followed_by(&self.truth)
    }

    /// The times of `steps` samples behind the cut, or of as many as there are data: those of the data, and where they end at the step of
    /// the data on.
    pub fn grid(&self, steps: Option<usize>) -> Trajectory {
        let (before, truth) = (&self.before, &self.truth);
        let len = steps.unwrap_or(truth.len);
        let irregular = before.is_irregular() || truth.is_irregular();
        let last = match truth.len.checked_sub(1) {
            Some(last) => truth.time(last),
            None => before.time(before.len.saturating_sub(1)),
        };
        let time = |i: usize| match i.checked_sub(truth.len) {
            Some(behind) => last + (behind + 1) as f64 * before.dt,
            None => truth.time(i),
        };
        Trajectory {
            id: before.id.clone(),
            set: before.set.clone(),
            t0: if irregular { time(0) } else { before.time(before.len) },
            dt: before.dt,
            times: if irregular { (0..len).map(time).collect() } else { Vec::new() },
            len,
            ..Trajectory::default()
        }
    }

    /// Which trajectory it is of, where that has a name.
    pub fn of(&self) -> String {
        of(&self.before)
    }
}

/// Which trajectory something is of, where that has a name.
fn of(trajectory: &Trajectory) -> String {
    match trajectory.name() {
        name if name.is_empty() => name,
        name => format!(" of trajectory {name}"),
    }
}

/// The trajectories of a prediction, each cut where it starts; the first part has at least `read` samples.
pub(super) fn cuts(spec: &PredictSpec, observed: &Observed, read: usize) -> Cuts {
    let held = observed.held.as_ref();
    // What was held out behind a fitted trajectory.
    let behind = |k: usize| held.and_then(|held| held.data.trajectories.get(held.after(k)?));
    let (mut all, mut failed, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    // A trajectory that starts behind `given` samples, of which the next `read` ones are read.
    let mut cut = |whole: &Trajectory, (given, read): (usize, usize), fitted: Option<usize>| {
        let there = whole.len - given.min(whole.len);
        if there > read || there == read && spec.steps.is_some() {
            all.push(Cut::new(whole, given + read, fitted));
        } else if read > 0 {
            failed.push((whole.set.clone(), of(whole), too_few(read, there, spec.from)));
        } else {
            bare.push((whole.set.clone(), of(whole)));
        }
    };
    for (k, fitted) in observed.train.trajectories.iter().enumerate() {
        let after = behind(k);
        if spec.from == Origin::HeldOut && after.is_none() {
            continue;
        }
        let whole = after.map_or_else(|| fitted.clone(), |after| fitted.followed_by(after));
        let given = if spec.from == Origin::Start { 0 } else { fitted.len };
        let reads = match spec.from {
            Origin::Start => read,
            Origin::End => 0,
            Origin::HeldOut => spec.by.map_or(0, |_| read),
        };
        cut(&whole, (given, reads), Some(k));
    }
    if let (Origin::HeldOut, Some(held)) = (spec.from, held) {
        let own = held.data.trajectories.iter().zip(&held.follows).filter(|(_, follows)| follows.is_none());
        own.for_each(|(t, _)| cut(t, (0, read), None));
    }
    let named = all.iter().map(|cut| &cut.before.set).chain(failed.iter().map(|(set, ..)| set));
    let with: IndexSet<String> = named.cloned().collect();
    let alone = bare.into_iter().filter(|(set, _)| with.contains(set));
    failed.extend(alone.map(|(set, of)| (set, of, "nothing is held out behind it".to_string())));
    let sets = observed.train.trajectories.iter().map(|t| t.set.clone());
    let without = sets.filter(|set| !with.contains(set)).collect();
    Cuts { all, without, failed: failed.into_iter().map(|(_, of, why)| (of, why)).collect() }
}

/// Why nothing is predicted of a trajectory with `there` samples, or so many that were held out, of which `read` are read.
fn too_few(read: usize, there: usize, from: Origin) -> String {
    let count = |n: usize| if n == 1 { "1 sample is".to_string() } else { format!("{n} samples are") };
    let has = if from == Origin::HeldOut { "held out" } else { "there" };
    format!("{} {has}, and {} read before the first that is predicted", count(there), count(read))
}

#[cfg(test)]
mod tests {
    use super::{Cut, Trajectory};

    fn trajectory(times: &[f64]) -> Trajectory {
        let len = times.len();
        let values = times.iter().map(|t| 10.0 * t).collect();
        Trajectory {
            dt: 1.0,
            t0: times[0],
            times: times.to_vec(),
            len,
            values,
            valid: vec![true; len],
            ..Trajectory::default()
        }
    }

    #[test]
    fn irregular_times_stay() {
        let whole = trajectory(&[0.0, 1.0, 3.0]).followed_by(&trajectory(&[3.5, 5.0]));
        assert_eq!(whole.times, [0.0, 1.0, 3.0, 3.5, 5.0]);
        let cut = Cut::new(&whole, 2, Some(0));
        assert_eq!((cut.before.times.len(), cut.truth.len), (2, 3));
        let times = |steps| cut.grid(steps).times;
        assert_eq!(times(None), [3.0, 3.5, 5.0]);
        assert_eq!(times(Some(5)), [3.0, 3.5, 5.0, 6.0, 7.0]);
        assert_eq!(Cut::new(&whole, 5, Some(0)).grid(Some(2)).times, [6.0, 7.0]);
        assert_eq!(cut.whole(), whole);
    }

    #[test]
    fn equal_steps_need_no_times() {
        let whole = Trajectory { dt: 0.5, t0: 1.0, len: 6, ..Trajectory::default() };
        let grid = Cut::new(&whole, 4, None).grid(Some(3));
        assert_eq!((grid.time(0), grid.time(2), grid.times.len()), (3.0, 4.0, 0));
    }
}

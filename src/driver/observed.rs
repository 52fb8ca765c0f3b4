//! The data of a fit, split and laid out for the engines and for the report.

use super::failure::Failure;
use super::sets::named;
use super::unfelt;
use crate::data::{Dataset, HoldOut, Trajectory};
use crate::hir::{DataSet, Holdout, Model, Unit};
use crate::lower::pointwise::components;
use crate::report::{StateRecord, TrajectoryRecord};
use crate::train::joint::Observations;

/// One component of the first-order system.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// The state.
    pub state: String,
    /// Which derivative.
    pub derivative: u8,
    /// Standard deviation of its observations; zero when there is none.
    pub deviation: f64,
    /// The unit, where it is known.
    pub unit: Option<String>,
    /// Whether anything observed depends on the state.
    pub felt: bool,
}

/// The data of a fit.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Components of the model's first-order system.
    pub components: Vec<Component>,
    /// The unit of the time, where it is known.
    pub time_unit: Option<String>,
    /// What is fitted.
    pub train: Dataset,
    /// What is held out.
    pub held: Option<Held>,
    /// Whether states that no column observes start at the model's `initial` values. Those that nothing observed depends on do in any case.
    pub known_starts: bool,
    /// Whether all states do for which the model states such values, also those that columns observe.
    pub held_starts: bool,
}

/// Data that are kept out of a fit.
#[derive(Clone, Debug)]
pub struct Held {
    /// The data.
    pub data: Dataset,
    /// For every trajectory the fitted one that it goes on from; without one it is a trajectory of its own.
    pub follows: Vec<Option<usize>>,
    /// What the equations predict, for every trajectory; `None` where that failed.
    pub predictions: Vec<Option<Prediction>>,
}

/// The solution of the found equations over a held-out trajectory.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The first sample that is predicted; from those before, the state is estimated.
    pub start: usize,
    /// Estimates, `[component, sample]` for the samples before `start`.
    pub estimated: Vec<f64>,
    /// Predictions, `[component, sample]` for those from `start` on.
    pub predicted: Vec<f64>,
}

impl Held {
    /// The trajectory that goes on where a fitted one ends.
    pub fn after(&self, fitted: usize) -> Option<usize> {
        self.follows.iter().position(|&f| f == Some(fitted))
    }

    /// The prediction of a trajectory.
    fn prediction(&self, trajectory: usize) -> Option<&Prediction> {
        self.predictions.get(trajectory)?.as_ref()
    }
}

/// What a data set says of its hold-out, with the seed of the fit that takes it.
pub(super) fn hold_out(how: Holdout, seed: u64) -> HoldOut {
    match how {
        Holdout::Time(share) => HoldOut::Time(share),
        Holdout::Trajectories(fraction) => HoldOut::Trajectories { fraction, seed },
    }
}

impl Observed {
    /// Whether nothing that is observed depends on a state.
    pub fn is_unfelt(&self, state: &str) -> bool {
        self.components.iter().any(|c| c.state == state && !c.felt)
    }

    /// States that no column observes.
    pub fn hidden(&self) -> impl Iterator<Item = &str> {
        let states = self.components.iter().filter(|c| c.derivative == 0).map(|c| c.state.as_str());
        states.filter(|name| self.train.column(name).is_none())
    }

    /// Which of the known starts are known whatever the data say.
    pub fn known_in_any_case(&self, observations: &Observations) -> Vec<bool> {
        observations.known.iter().zip(&self.components).map(|(known, c)| *known && !c.felt).collect()
    }

    /// Splits data sets, each as it says, puts them together, and notes the model's components.
    pub fn new(model: &Model, sets: Vec<(&DataSet, Dataset)>, seed: u64) -> Result<Observed, Failure> {
        let several = sets.len() > 1;
        let (mut train, mut test, mut follows) = (Vec::new(), Vec::new(), Vec::new());
        let mut fitted = 0;
        for (data, dataset) in sets {
            let part = match data.holdout {
                None => dataset,
                Some(how) => {
                    let split = dataset.hold_out(hold_out(how, seed)).map_err(|e| named(e.into(), data, several))?;
                    let goes_on = matches!(how, Holdout::Time(_));
                    follows.extend((0..split.test.trajectories.len()).map(|k| goes_on.then_some(fitted + k)));
                    test.push((data.name.clone(), split.test));
                    split.train
                }
            };
            fitted += part.trajectories.len();
            train.push((data.name.clone(), part));
        }
        let (train, test) = if several {
            // In the order of the model: what a set does not observe is missing there.
            // A set of which nothing is fitted observes nothing.
            let fitted = || train.iter().filter(|(_, part): &&(String, Dataset)| !part.trajectories.is_empty());
            let seen = |s: &&String| fitted().any(|(_, part)| part.column(s).is_some());
            let columns: Vec<String> = model.states.values().map(|s| &s.name).filter(seen).cloned().collect();
            let inputs = train.first().map_or_else(Vec::new, |(_, part)| part.inputs.clone());
            let test = (!test.is_empty()).then(|| Dataset::pool(&test, &columns, &inputs));
            (Dataset::pool(&train, &columns, &inputs), test)
        } else {
            let train = train.pop().map(|(_, part)| part);
            let train = train.ok_or_else(|| Failure::Internal("a fit without data".to_string()))?;
            (train, test.pop().map(|(_, part)| part))
        };
        let held = test.map(|data| Held { data, follows, predictions: Vec::new() });
        let unfelt = unfelt::states(model, &|state| train.column(state).is_some());
        let components = components(model)
            .into_iter()
            .map(|(id, derivative)| {
                let state = model.states[id].name.clone();
                let deviation = match train.column(&state) {
                    Some(c) if derivative == 0 => train.stats(c).std,
                    _ => 0.0,
                };
                let unit = model.units.derivative(id, derivative).map(|u| u.to_string());
                Component { state, derivative, deviation, unit, felt: !unfelt.contains(&id) }
            })
            .collect();
        let time_unit = model.units.time.as_ref().map(Unit::to_string);
        Ok(Observed { components, time_unit, train, held, known_starts: true, held_starts: false })
    }

    /// Data with the columns of the fitted part as the joint engine takes them.
    pub fn observations(&self, model: &Model, trajectories: &[Trajectory]) -> Observations {
        let n = self.components.len();
        let mut out = Observations {
            derivative_of: self
                .components
                .iter()
                .enumerate()
                .map(|(i, c)| if c.derivative > 0 { i.checked_sub(1) } else { None })
                .collect(),
            trajectories: trajectories.iter().map(Trajectory::name).collect(),
            names: self.components.iter().map(|c| format!("{}{}", c.state, "'".repeat(c.derivative.into()))).collect(),
            ..Observations::default()
        };
        let parts = components(model);
        out.guess = parts
            .iter()
            .map(|&(state, k)| {
                model.initial.iter().find(|i| i.state == state && i.derivative == k).map_or(f64::NAN, |i| i.value)
            })
            .collect();
        for (guess, _) in out.guess.iter_mut().zip(&self.components).filter(|(v, c)| v.is_nan() && !c.felt) {
            // Nothing tells where it begins, and nothing depends on that.
            *guess = 0.0;
        }
        let known = |(v, c): (&f64, &Component)| {
            let hidden = self.train.column(&c.state).is_none();
            v.is_finite() && (self.held_starts || (self.known_starts || !c.felt) && hidden)
        };
        out.known = out.guess.iter().zip(&self.components).map(known).collect();
        let mut rows: Vec<Vec<f64>> = vec![Vec::new(); n];
        let mut inputs: Vec<Vec<f64>> = vec![Vec::new(); model.inputs.len()];
        for trajectory in trajectories {
            if !out.t.is_empty() {
                out.breaks.push(out.t.len());
            }
            out.t.extend((0..trajectory.len).map(|i| trajectory.time(i)));
            for (row, c) in rows.iter_mut().zip(&self.components) {
                let column = self.train.column(&c.state).filter(|_| c.derivative == 0);
                row.extend(
                    (0..trajectory.len).map(|i| column.and_then(|c| trajectory.value(i, c)).unwrap_or(f64::NAN)),
                );
            }
            let width = model.inputs.len();
            for (k, row) in inputs.iter_mut().enumerate() {
                row.extend(trajectory.inputs.iter().skip(k).step_by(width.max(1)));
            }
        }
        out.y = rows.concat();
        out.input = inputs.concat();
        out.between = model.inputs.values().map(|input| input.between).collect();
        out
    }

    /// Data and solution, trajectory by trajectory: held-out samples and their prediction stand behind the fitted ones, held-out
    /// trajectories behind the fitted trajectories.
    pub fn records(&self, solution: &[f64]) -> Vec<TrajectoryRecord> {
        let total: usize = self.train.trajectories.iter().map(|t| t.len).sum();
        let mut offset = 0;
        let mut out = Vec::new();
        for (k, fitted) in self.train.trajectories.iter().enumerate() {
            let after = self.held.as_ref().and_then(|h| {
                let at = h.after(k)?;
                Some((h.data.trajectories.get(at)?, h.prediction(at)))
            });
            let solved = |c: usize| solution.get(c * total + offset..c * total + offset + fitted.len);
            out.push(self.record(fitted, &solved, after));
            offset += fitted.len;
        }
        let held = self.held.iter().flat_map(|h| h.data.trajectories.iter().zip(&h.follows).enumerate());
        for (k, (whole, _)) in held.filter(|(_, (_, follows))| follows.is_none()) {
            let prediction = self.held.as_ref().and_then(|h| h.prediction(k));
            let start = prediction.map_or(0, |p| p.start);
            let (head, tail) = (whole.slice(0, start), whole.slice(start, whole.len));
            let solved = |c: usize| prediction?.estimated.get(c * start..(c + 1) * start);
            out.push(self.record(&head, &solved, Some((&tail, prediction))));
        }
        out
    }

    /// One trajectory: the part whose solution was estimated, and the part that was predicted.
    fn record<'a>(
        &self,
        before: &Trajectory,
        solved: &dyn Fn(usize) -> Option<&'a [f64]>,
        after: Option<(&Trajectory, Option<&Prediction>)>,
    ) -> TrajectoryRecord {
        let parts: Vec<&Trajectory> = std::iter::once(before).chain(after.map(|(t, _)| t)).collect();
        let observed = self.components.iter().enumerate().filter(|(_, c)| c.derivative == 0);
        let states = observed.map(|(i, c)| {
            let column = self.train.column(&c.state);
            let value = |t: &Trajectory, s: usize| column.and_then(|col| t.value(s, col)).unwrap_or(f64::NAN);
            let data = parts.iter().flat_map(|t| (0..t.len).map(move |s| value(t, s))).collect();
            let mut solution = solved(i).map_or(vec![f64::NAN; before.len], <[f64]>::to_vec);
            if let Some((t, prediction)) = after {
                match prediction.and_then(|p| p.predicted.get(i * t.len..(i + 1) * t.len)) {
                    Some(p) => solution.extend(p),
                    None => solution.extend(std::iter::repeat_n(f64::NAN, t.len)),
                }
            }
            StateRecord { state: c.state.clone(), data, solution }
        });
        TrajectoryRecord {
            name: before.name(),
            time: parts.iter().flat_map(|t| (0..t.len).map(|i| t.written_time(i))).collect(),
            states: states.collect(),
            held_out_from: after.map(|_| before.len),
        }
    }
}

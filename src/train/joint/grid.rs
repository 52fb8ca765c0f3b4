//! The samples of all trajectories and the links between them, and the model at these.

use std::ops::Range;

use super::columns::Columns;
use super::input;
use super::problem::{Dynamics, EvaluateError, Held, JointError, Observations, Points, Spot, Unknown};
use crate::artifact::PatternEntry;

/// Weight of the rows of a sudden link, in which nothing scatters: as firm as a step that is this squared times shorter than the others. That of
/// its own length would cost the digits by which components are known that no column observes.
const SUDDEN_WEIGHT: f64 = 3.0;

/// The samples and the links between them.
pub struct Grid {
    /// Components.
    pub n: usize,
    /// Samples.
    pub samples: usize,
    /// Estimated numbers.
    pub unknowns: usize,
    /// Which of them the model's unknowns are.
    columns: Columns,
    /// The trajectory of every sample.
    trajectory: Vec<usize>,
    /// `[samples]`
    pub t: Vec<f64>,
    /// `[samples - 1]`; zero where a trajectory ends.
    pub h: Vec<f64>,
    /// `[samples - 1]`
    pub t_mid: Vec<f64>,
    /// `[input, samples]`
    pub input: Vec<f64>,
    /// The same with impulses as their mean rates, `[input, samples]`; empty where there are none.
    smeared: Vec<f64>,
    /// `[input, samples - 1]`
    pub input_mid: Vec<f64>,
    /// Time derivative of the inputs, `[input, samples]`.
    input_slope: Vec<f64>,
    /// Weight of each link's rows, `[samples - 1]`: the variance of process noise grows with the step, so this is the root of
    /// the median step over the step; zero where a trajectory ends.
    pub row_weight: Vec<f64>,
    /// Median step.
    pub median_h: f64,
    /// Links in which an input jumps or an impulse comes in.
    sudden: Vec<usize>,
    /// Whether the model holds what stays the same.
    held: bool,
}

impl Grid {
    /// The grid of the observations.
    pub fn new(n: usize, columns: &Columns, obs: &Observations) -> Grid {
        let (samples, columns) = (obs.t.len(), columns.moved(obs));
        let h = obs.links();
        let sudden = |t: usize| obs.sudden.binary_search(&t).is_ok();
        let mut steps: Vec<f64> =
            h.iter().enumerate().filter(|&(t, &x)| x > 0.0 && !sudden(t)).map(|(_, &x)| x).collect();
        steps.sort_by(f64::total_cmp);
        let median_h = steps.get(steps.len() / 2).copied().unwrap_or(1.0);
        let t_mid = obs.t.windows(2).map(|w| 0.5 * (w[0] + w[1])).collect();
        let inputs = obs.input.len().checked_div(samples).unwrap_or(0);
        let mut input_slope = Vec::with_capacity(obs.input.len());
        let mut input_mid = vec![0.0; inputs * h.len()];
        for i in 0..inputs {
            let values = &obs.input[i * samples..(i + 1) * samples];
            let slope = input::slopes(values, &h, obs.between(i));
            for t in 0..h.len() {
                input_mid[i * h.len() + t] = input::between(values, &slope, &h, (t, 0.5));
            }
            input_slope.extend(slope);
        }
        let weight = |(t, &h): (usize, &f64)| match h > 0.0 {
            true if sudden(t) => SUDDEN_WEIGHT,
            true => (median_h / h).sqrt(),
            false => 0.0,
        };
        let row_weight = h.iter().enumerate().map(weight).collect();
        Grid {
            n,
            samples,
            row_weight,
            unknowns: columns.total(),
            trajectory: columns.trajectory(samples),
            columns,
            t: obs.t.clone(),
            h,
            t_mid,
            input: obs.input.clone(),
            smeared: if obs.impulses.is_empty() { Vec::new() } else { obs.smeared().input },
            input_mid,
            input_slope,
            median_h,
            sudden: obs.sudden.clone(),
            held: false,
        }
    }

    /// Lets the model hold what stays the same, where that is of use. Unknowns that differ between trajectories are sent with the points.
    pub fn hold(&mut self, model: &mut dyn Dynamics) -> Result<(), JointError> {
        if !self.has_own() {
            self.held = model.hold(&Held {
                h: self.h.clone(),
                samples: (self.t.clone(), self.input.clone()),
                midpoints: (self.t_mid.clone(), self.input_mid.clone()),
                shifted: [1.0, -1.0].map(|sign| self.shifted(sign * self.eps())),
                eps: self.eps(),
            })?;
        }
        Ok(())
    }

    /// Whether it does.
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// Half of the distance of central differences along time.
    pub fn eps(&self) -> f64 {
        1e-3 * self.median_h
    }

    /// Times and inputs a little later or earlier.
    pub fn shifted(&self, by: f64) -> (Vec<f64>, Vec<f64>) {
        let t = self.t.iter().map(|t| t + by).collect();
        (t, self.input.iter().zip(&self.input_slope).map(|(v, slope)| v + by * slope).collect())
    }

    /// The links in which an input jumps or an impulse comes in, so that derivatives by time say nothing.
    pub fn sudden(&self) -> &[usize] {
        &self.sudden
    }

    /// Number of links, also those of step zero.
    pub fn links(&self) -> usize {
        self.h.len()
    }

    /// Number of links within trajectories.
    pub fn real_links(&self) -> usize {
        self.h.iter().filter(|&&h| h > 0.0).count()
    }

    /// The number that an unknown of the model is at a sample, or in the link behind it.
    pub fn column(&self, unknown: usize, t: usize) -> usize {
        self.columns.at(unknown, self.trajectory.get(t).copied().unwrap_or(0))
    }

    /// Which numbers the unknowns of the model are.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// A sample of a trajectory `[component, time]`, for messages.
    pub fn spot(&self, sample: usize, x: &[f64], numbers: &[f64]) -> Spot {
        let trajectory = self.trajectory.get(sample).copied().unwrap_or(0);
        Spot {
            time: self.t.get(sample).copied().unwrap_or(0.0),
            trajectory: (self.columns.trajectories() > 1).then(|| self.columns.name(trajectory)),
            x: x.iter().skip(sample).step_by(self.samples.max(1)).copied().collect(),
            inputs: self.input.iter().skip(sample).step_by(self.samples.max(1)).copied().collect(),
            unknowns: self.columns.values(numbers, trajectory),
        }
    }

    /// The samples of every trajectory.
    pub fn trajectories(&self) -> Vec<Range<usize>> {
        let lengths = self.trajectory.chunk_by(|a, b| a == b).map(<[usize]>::len);
        let next = |end: &mut usize, len: usize| {
            *end += len;
            Some(*end - len..*end)
        };
        lengths.scan(0, next).collect()
    }

    /// Whether every trajectory has a number of its own for some unknown.
    pub fn has_own(&self) -> bool {
        self.columns.has_own()
    }

    /// Every number as an unknown.
    pub fn expanded(&self, unknowns: &[Unknown]) -> Vec<Unknown> {
        self.columns.expanded(unknowns)
    }

    /// Every number with the value of its unknown.
    pub fn spread(&self, values: &[f64]) -> Vec<f64> {
        (0..self.unknowns).filter_map(|k| values.get(self.columns.unknown(k)).copied()).collect()
    }

    /// f at points that are the samples or the links between them, `[component, point]`.
    pub fn field(&self, model: &mut dyn Dynamics, at: Points, xi: &[f64], f: &mut [f64]) -> Result<(), EvaluateError> {
        self.columns.evaluate(at, xi, (self.n, f), &mut |at, xi, f| model.field(at, xi, f))
    }

    /// f and its derivatives at such points, `[entry, point]`.
    pub fn linearise(
        &self,
        model: &mut dyn Dynamics,
        at: Points,
        xi: &[f64],
        entries: &mut [f64],
    ) -> Result<(), EvaluateError> {
        let rows = model.pattern().rows;
        self.columns.evaluate(at, xi, (rows, entries), &mut |at, xi, entries| model.linearise(at, xi, entries))
    }

    /// f at all samples, `[component, time]`, with impulses as their mean rates: how much there is of them, not how sudden they are.
    pub fn field_on_average(
        &self,
        model: &mut dyn Dynamics,
        x: &[f64],
        xi: &[f64],
        f: &mut [f64],
    ) -> Result<(), EvaluateError> {
        let input = if self.smeared.is_empty() { &self.input } else { &self.smeared };
        self.field(model, Points { x, t: &self.t, input }, xi, f)
    }

    /// f at one point that is a sample (share 0), the middle of the link behind it (0.5) or the next sample (1), `[component]`.
    pub fn field_at(
        &self,
        model: &mut dyn Dynamics,
        (t, share): (usize, f64),
        x: &[f64],
        xi: &[f64],
        f: &mut [f64],
    ) -> Result<(), EvaluateError> {
        let (time, inputs, at) = if share == 0.5 {
            (&self.t_mid, &self.input_mid, t)
        } else {
            (&self.t, &self.input, t + usize::from(share > 0.0))
        };
        let input: Vec<f64> = inputs.chunks_exact(time.len().max(1)).filter_map(|row| row.get(at).copied()).collect();
        let point = Points { x, t: time.get(at..at + 1).unwrap_or_default(), input: &input };
        model.field(point, &self.columns.values(xi, self.trajectory.get(t).copied().unwrap_or(0)), f)
    }

    /// A trajectory at its samples.
    pub fn at_samples<'a>(&'a self, x: &'a [f64]) -> Points<'a> {
        Points { x, t: &self.t, input: &self.input }
    }

    /// Points `[component, link]` in the middles of the links.
    pub fn at_midpoints<'a>(&'a self, x: &'a [f64]) -> Points<'a> {
        Points { x, t: &self.t_mid, input: &self.input_mid }
    }
}

/// Reads f or one of its derivatives at a time.
pub fn read(entry: PatternEntry, entries: &[f64], len: usize, t: usize) -> f64 {
    match entry {
        PatternEntry::Constant(x) => x,
        PatternEntry::Row(r) => entries[r * len + t],
    }
}

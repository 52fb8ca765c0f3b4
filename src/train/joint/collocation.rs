//! The collocation rows between neighbouring samples, and their derivatives.
//!
//! Hermite-Simpson: with f0, f1 at the samples, `xm = (x0 + x1)/2 + h/8 (f0 - f1)` and fm there, the defect is
//! `x1 - x0 - h/6 (f0 + 4 fm + f1)`, of fourth order (Hargraves & Paris 1987; Betts 2010, section 4.6). A deferred correction,
//! held fixed while linearising, raises it to sixth order: the difference to the two-point quintic Hermite rule with
//! midpoint, which also needs the total time derivative g of f along itself.

use std::ops::Range;

use super::columns::Columns;
use super::input;
use super::poles::Divisors;
use super::problem::{Chain, Dynamics, EvaluateError, Held, JointError, Observations, Points, Spot, Unknown};
use crate::artifact::{Pattern, PatternEntry};
use crate::runtime::Formula;

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
    /// `[input, samples - 1]`
    pub input_mid: Vec<f64>,
    /// Time derivative of the inputs, `[input, samples]`.
    input_slope: Vec<f64>,
    /// Weight of each link's rows, `[samples - 1]`: the variance of process noise grows with the step, so this is the root of
    /// the median step over the step; zero where a trajectory ends.
    pub row_weight: Vec<f64>,
    /// Median step.
    pub median_h: f64,
    /// Whether the model holds what stays the same.
    held: bool,
}

impl Grid {
    /// The grid of the observations.
    pub fn new(n: usize, columns: &Columns, obs: &Observations) -> Grid {
        let (samples, columns) = (obs.t.len(), columns.moved(obs));
        let h = obs.links();
        let mut steps: Vec<f64> = h.iter().copied().filter(|&x| x > 0.0).collect();
        steps.sort_by(f64::total_cmp);
        let median_h = steps.get(steps.len() / 2).copied().unwrap_or(1.0);
        let t_mid = obs.t.windows(2).map(|w| 0.5 * (w[0] + w[1])).collect();
        let inputs = obs.input.len().checked_div(samples).unwrap_or(0);
        let mut input_slope = Vec::with_capacity(obs.input.len());
        let mut input_mid = vec![0.0; inputs * h.len()];
        for i in 0..inputs {
            let values = &obs.input[i * samples..(i + 1) * samples];
            let slope = input::slopes(values, &h);
            for t in 0..h.len() {
                input_mid[i * h.len() + t] = input::between(values, &slope, &h, (t, 0.5));
            }
            input_slope.extend(slope);
        }
        let row_weight = h.iter().map(|&h| if h > 0.0 { (median_h / h).sqrt() } else { 0.0 }).collect();
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
            input_mid,
            input_slope,
            median_h,
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

    /// Half of the distance of central differences along time.
    fn eps(&self) -> f64 {
        1e-3 * self.median_h
    }

    /// Times and inputs a little later or earlier.
    fn shifted(&self, by: f64) -> (Vec<f64>, Vec<f64>) {
        let t = self.t.iter().map(|t| t + by).collect();
        (t, self.input.iter().zip(&self.input_slope).map(|(v, slope)| v + by * slope).collect())
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

    /// f at all samples, `[component, time]`.
    pub fn field_at_samples(
        &self,
        model: &mut dyn Dynamics,
        x: &[f64],
        xi: &[f64],
        f: &mut [f64],
    ) -> Result<(), EvaluateError> {
        self.field(model, self.at_samples(x), xi, f)
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

    fn at_samples<'a>(&'a self, x: &'a [f64]) -> Points<'a> {
        Points { x, t: &self.t, input: &self.input }
    }

    fn at_midpoints<'a>(&'a self, x: &'a [f64]) -> Points<'a> {
        Points { x, t: &self.t_mid, input: &self.input_mid }
    }
}

/// Defects with their derivatives by both samples and by the unknowns.
pub struct Rows {
    /// `[link, n]`
    pub defect: Vec<f64>,
    /// Derivative by the sample before, `[link, n, n]`.
    pub before: Vec<f64>,
    /// Derivative by the sample after, `[link, n, n]`.
    pub after: Vec<f64>,
    /// Derivative by the unknowns, `[link, n, unknown]`.
    pub border: Vec<f64>,
    /// At the samples.
    pub divisors: Divisors,
}

/// Reads f or one of its derivatives at a time.
pub(super) fn read(entry: PatternEntry, entries: &[f64], len: usize, t: usize) -> f64 {
    match entry {
        PatternEntry::Constant(x) => x,
        PatternEntry::Row(r) => entries[r * len + t],
    }
}

/// f at every time from the rows of a linearisation, `[component, time]`.
fn values(pattern: &Pattern, entries: &[f64], len: usize, f: &mut [f64]) {
    for (out, &entry) in f.chunks_exact_mut(len.max(1)).zip(&pattern.value) {
        for (t, out) in out.iter_mut().enumerate() {
            *out = read(entry, entries, len, t);
        }
    }
}

/// A formula of collocation, into as many numbers.
fn formula(what: Formula, from: &[&[f64]], len: usize) -> Result<Vec<f64>, JointError> {
    let mut out = vec![0.0; len];
    what.apply(from, &mut out).map_err(|e| EvaluateError(e.to_string()))?;
    Ok(out)
}

/// What a chain of the model gives, which is `N` arrays.
fn chained<const N: usize>(
    model: &mut dyn Dynamics,
    what: Chain,
    (x, xi): (&[f64], &[f64]),
) -> Result<[Vec<f64>; N], JointError> {
    let found = model.chain(what, x, xi)?;
    let wrong = |found: Vec<Vec<f64>>| EvaluateError(format!("{} arrays for {what:?}", found.len()));
    Ok(found.try_into().map_err(wrong)?)
}

/// The defects alone.
pub fn defects(grid: &Grid, model: &mut dyn Dynamics, x: &[f64], xi: &[f64]) -> Result<Vec<f64>, JointError> {
    if grid.held {
        let [defects] = chained(model, Chain::Defects, (x, xi))?;
        return Ok(defects);
    }
    let (samples, links) = (grid.n * grid.samples, grid.n * grid.links());
    let mut f = vec![0.0; samples];
    grid.field(model, grid.at_samples(x), xi, &mut f)?;
    let xm = formula(Formula::Middle, &[x, &f, &grid.h], links)?;
    let mut fm = vec![0.0; links];
    grid.field(model, grid.at_midpoints(&xm), xi, &mut fm)?;
    formula(Formula::Defect, &[x, &f, &fm, &grid.h], links)
}

/// The defects and their derivatives.
pub fn rows(grid: &Grid, model: &mut dyn Dynamics, x: &[f64], xi: &[f64]) -> Result<Rows, JointError> {
    let (n, p, samples, links) = (grid.n, grid.unknowns, grid.samples, grid.links());
    let pattern = model.pattern().clone();
    let (at, am) = if grid.held {
        let [at, am] = chained(model, Chain::Rows, (x, xi))?;
        (at, am)
    } else {
        let mut at = vec![0.0; pattern.rows * samples];
        grid.linearise(model, grid.at_samples(x), xi, &mut at)?;
        let mut f = vec![0.0; n * samples];
        values(&pattern, &at, samples, &mut f);
        let xm = formula(Formula::Middle, &[x, &f, &grid.h], n * links)?;
        let mut am = vec![0.0; pattern.rows * links];
        grid.linearise(model, grid.at_midpoints(&xm), xi, &mut am)?;
        (at, am)
    };
    let (mut f, mut fm) = (vec![0.0; n * samples], vec![0.0; n * links]);
    values(&pattern, &at, samples, &mut f);
    values(&pattern, &am, links, &mut fm);

    let mut rows = Rows {
        defect: formula(Formula::Defect, &[x, &f, &fm, &grid.h], n * links)?,
        before: vec![0.0; links * n * n],
        after: vec![0.0; links * n * n],
        border: vec![0.0; links * n * p],
        divisors: Divisors::of(&pattern, &at, samples),
    };
    let mut jm = vec![0.0; n * n];
    let mut spread = vec![0.0; n * p];
    for t in (0..links).filter(|&t| grid.h[t] > 0.0) {
        let h = grid.h[t];
        jm.fill(0.0);
        for (i, list) in pattern.by_component.iter().enumerate() {
            for &(j, e) in list {
                jm[i * n + j] = read(e, &am, links, t);
            }
        }
        // d xm / d x0 = I/2 + h/8 J0 and d xm / d x1 = I/2 - h/8 J1, through fm; then f0 and f1 themselves.
        for (side, sign) in [(t, 1.0), (t + 1, -1.0)] {
            let block = if sign > 0.0 { &mut rows.before } else { &mut rows.after };
            let block = &mut block[t * n * n..(t + 1) * n * n];
            for i in 0..n {
                for j in 0..n {
                    block[i * n + j] = -h / 3.0 * jm[i * n + j];
                }
                block[i * n + i] -= sign;
            }
            for (k, list) in pattern.by_component.iter().enumerate() {
                for &(j, e) in list {
                    let v = read(e, &at, samples, side);
                    block[k * n + j] -= h / 6.0 * v;
                    for i in 0..n {
                        block[i * n + j] -= sign * h * h / 12.0 * jm[i * n + k] * v;
                    }
                }
            }
        }
        let border = &mut rows.border[t * n * p..(t + 1) * n * p];
        spread.fill(0.0);
        for (i, list) in pattern.by_unknown.iter().enumerate() {
            for &(k, e) in list {
                let (v0, v1) = (read(e, &at, samples, t), read(e, &at, samples, t + 1));
                let k = grid.column(k, t);
                border[i * p + k] = -h / 6.0 * (v0 + v1 + 4.0 * read(e, &am, links, t));
                spread[i * p + k] = -h * h / 12.0 * (v0 - v1);
            }
        }
        for i in 0..n {
            for k in 0..n {
                let a = jm[i * n + k];
                if a != 0.0 {
                    for (b, s) in border[i * p..(i + 1) * p].iter_mut().zip(&spread[k * p..(k + 1) * p]) {
                        *b += a * s;
                    }
                }
            }
        }
    }
    Ok(rows)
}

/// The first point at which f is not finite, where defects are not: a sample, or the middle of a link.
pub fn undefined(
    grid: &Grid,
    model: &mut dyn Dynamics,
    defects: &[f64],
    (x, xi): (&[f64], &[f64]),
) -> Result<Option<Spot>, JointError> {
    let Some(first) = defects.iter().position(|d| !d.is_finite()).map(|i| i / grid.n.max(1)) else { return Ok(None) };
    let (samples, links) = (grid.n * grid.samples, grid.n * grid.links());
    let mut f = vec![0.0; samples];
    grid.field(model, grid.at_samples(x), xi, &mut f)?;
    let wrong = |f: &[f64], at: usize, len: usize| f.iter().skip(at).step_by(len.max(1)).any(|v| !v.is_finite());
    if let Some(sample) = [first, first + 1].into_iter().find(|&t| wrong(&f, t, grid.samples)) {
        return Ok(Some(grid.spot(sample, x, xi)));
    }
    let xm = formula(Formula::Middle, &[x, &f, &grid.h], links)?;
    Ok(Some(Spot {
        time: grid.t_mid.get(first).copied().unwrap_or_default(),
        x: xm.iter().skip(first).step_by(grid.links().max(1)).copied().collect(),
        inputs: grid.input_mid.iter().skip(first).step_by(grid.links().max(1)).copied().collect(),
        ..grid.spot(first, x, xi)
    }))
}

/// The deferred correction, `[link, n]`: Hermite-Simpson minus sixth-order quintic Hermite quadrature of f.
pub fn correction(grid: &Grid, model: &mut dyn Dynamics, x: &[f64], xi: &[f64]) -> Result<Vec<f64>, JointError> {
    if grid.held {
        let [delta] = chained(model, Chain::Correction, (x, xi))?;
        return Ok(delta);
    }
    let (samples, links) = (grid.n * grid.samples, grid.n * grid.links());
    let mut f = vec![0.0; samples];
    grid.field(model, grid.at_samples(x), xi, &mut f)?;
    // Total time derivative of f along itself by a central difference.
    let eps = grid.eps();
    let mut sides = [vec![0.0; samples], vec![0.0; samples]];
    for (out, by) in sides.iter_mut().zip([eps, -eps]) {
        let shifted = formula(Formula::Shift { share: by }, &[x, &f], samples)?;
        let (t, input) = grid.shifted(by);
        grid.field(model, Points { x: &shifted, t: &t, input: &input }, xi, out)?;
    }
    let g = formula(Formula::Slope { eps }, &[&sides[0], &sides[1]], samples)?;
    let low = formula(Formula::Middle, &[x, &f, &grid.h], links)?;
    let high = formula(Formula::QuinticMiddle, &[x, &f, &g, &grid.h], links)?;
    let (mut f_low, mut f_high) = (vec![0.0; links], vec![0.0; links]);
    grid.field(model, grid.at_midpoints(&low), xi, &mut f_low)?;
    grid.field(model, grid.at_midpoints(&high), xi, &mut f_high)?;
    formula(Formula::Correction, &[&f, &g, &f_low, &f_high, &grid.h], links)
}

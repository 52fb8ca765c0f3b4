//! The data set: named columns over sampled trajectories.

use std::fmt::Write as _;

use crate::base::{Fnv, same_step, shortened};

/// Observed columns and inputs over one or more trajectories.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Where the data come from, for messages and records: file names, or `simulated`.
    pub source: String,
    /// Names of the observed columns, in the order of [`Trajectory::values`].
    pub columns: Vec<String>,
    /// Names of the inputs (forcings), in the order of [`Trajectory::inputs`].
    pub inputs: Vec<String>,
    /// The trajectories; never empty in a data set that a reader returned.
    pub trajectories: Vec<Trajectory>,
}

/// One trajectory, sampled at `t0 + i*dt` for `i < len`, or at times of its own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trajectory {
    /// What the file calls it; empty where there is only one.
    pub id: String,
    /// The data set it comes from, where several are fitted together; else empty.
    pub set: String,
    /// Time of the first sample.
    pub t0: f64,
    /// Time between two samples, positive; the median where the times are irregular.
    pub dt: f64,
    /// The times of the samples, increasing, where they are irregular; else empty.
    pub times: Vec<f64>,
    /// Number of samples.
    pub len: usize,
    /// Observations, shape [time, column], row-major; finite everywhere, 0 where `valid` is false.
    pub values: Vec<f64>,
    /// Shape [time, column]: false where the sample is missing.
    pub valid: Vec<bool>,
    /// Inputs, shape [time, input], row-major; finite everywhere.
    pub inputs: Vec<f64>,
    /// Noise-free values, shape [time, column], where the data were simulated.
    pub truth: Option<Vec<f64>>,
}

/// Statistics of one column over all its samples that are not missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColumnStats {
    /// Number of samples that are not missing.
    pub count: usize,
    /// Arithmetic mean; 0 for no samples.
    pub mean: f64,
    /// Standard deviation (divisor `count`); 0 for no samples.
    pub std: f64,
    /// Smallest value; 0 for no samples.
    pub min: f64,
    /// Largest value; 0 for no samples.
    pub max: f64,
}

impl Dataset {
    /// Number of samples over all trajectories.
    pub fn samples(&self) -> usize {
        self.trajectories.iter().map(|t| t.len).sum()
    }

    /// The position of an observed column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == name)
    }

    /// True when at least one sample is missing.
    pub fn has_missing(&self) -> bool {
        self.trajectories.iter().any(|t| t.valid.iter().any(|v| !v))
    }

    /// Whether any trajectory has a name. What has none beside it is called by no number, which another may have as its name.
    pub fn has_names(&self) -> bool {
        self.trajectories.iter().any(|t| !t.id.is_empty())
    }

    /// The step that all trajectories share; `None` where they differ.
    pub fn common_dt(&self) -> Option<f64> {
        let first = self.trajectories.first()?.dt;
        self.trajectories.iter().all(|t| same_step(t.dt, first)).then_some(first)
    }

    /// Statistics of a column over all trajectories.
    pub fn stats(&self, column: usize) -> ColumnStats {
        let values = self.trajectories.iter().flat_map(|t| t.column_values(column, self.columns.len()));
        stats(values)
    }

    /// Statistics of an input over all trajectories.
    pub fn input_stats(&self, input: usize) -> ColumnStats {
        let width = self.inputs.len().max(1);
        stats(self.trajectories.iter().flat_map(move |t| t.inputs.iter().skip(input).step_by(width).copied()))
    }

    /// A 64-bit digest (FNV-1a) of names, times, values and masks: equal for equal data, so that a resumed run can tell
    /// that its data changed. The source name is left out: a file may move.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Fnv::default();
        for name in self.columns.iter().chain(&self.inputs) {
            hash.bytes(name.as_bytes());
            hash.bytes(&[0]);
        }
        for t in &self.trajectories {
            hash.bytes(&(t.len as u64).to_le_bytes());
            for v in [t.t0, t.dt].iter().chain(&t.times).chain(&t.values).chain(&t.inputs) {
                hash.bytes(&v.to_bits().to_le_bytes());
            }
            for &v in &t.valid {
                hash.bytes(&[u8::from(v)]);
            }
        }
        hash.finish()
    }

    /// One csv table: `t` and the columns (and inputs), with a leading `trajectory` column where there are several.
    /// Trajectories are called by their numbers, from 0, where none has a name. Missing samples are empty cells; numbers are the shortest text that reads back to the same f64, and times are
    /// those of [`Trajectory::written_time`].
    pub fn to_csv(&self) -> String {
        let several = self.trajectories.len() > 1;
        let named = self.has_names();
        let mut text = String::new();
        if several {
            text.push_str("trajectory,");
        }
        text.push('t');
        for name in self.columns.iter().chain(&self.inputs) {
            text.push(',');
            text.push_str(&quoted(name));
        }
        text.push('\n');
        for (number, t) in self.trajectories.iter().enumerate() {
            let id = if named { quoted(&t.id) } else { number.to_string() };
            for i in 0..t.len {
                if several {
                    text.push_str(&id);
                    text.push(',');
                }
                let _ = write!(text, "{}", t.written_time(i));
                for c in 0..self.columns.len() {
                    text.push(',');
                    if let Some(v) = t.value(i, c) {
                        let _ = write!(text, "{v}");
                    }
                }
                for v in t.inputs.iter().skip(i * self.inputs.len()).take(self.inputs.len()) {
                    let _ = write!(text, ",{v}");
                }
                text.push('\n');
            }
        }
        text
    }
}

impl Trajectory {
    /// What it is called in reports: data set and name, as far as they tell something.
    pub fn name(&self) -> String {
        match (self.set.is_empty(), self.id.is_empty()) {
            (true, _) => self.id.clone(),
            (false, true) => self.set.clone(),
            (false, false) => format!("{} {}", self.set, self.id),
        }
    }

    /// Time of sample `i`, computed as `t0 + i*dt` so that rounding does not add up, unless the times are irregular.
    pub fn time(&self, i: usize) -> f64 {
        self.times.get(i).copied().unwrap_or(self.t0 + i as f64 * self.dt)
    }

    /// Time of sample `i` as it is written into files: of equal steps without the digits that rounding made, which moves it by no more
    /// than rounding did, 32 for 31.999999999999996. Irregular times are written as they are.
    pub fn written_time(&self, i: usize) -> f64 {
        let (time, behind) = (self.time(i), i as f64 * self.dt);
        if self.is_irregular() {
            return time;
        }
        // Start, step, product and sum are rounded, each by half of epsilon at most.
        shortened(time, 2.0 * f64::EPSILON * self.t0.abs().max(behind.abs()).max(time.abs()))
    }

    /// Whether the times of the samples are irregular.
    pub fn is_irregular(&self) -> bool {
        !self.times.is_empty()
    }

    /// Number of observed columns; 0 for an empty trajectory.
    pub fn width(&self) -> usize {
        self.values.len().checked_div(self.len).unwrap_or(0)
    }

    /// Number of inputs; 0 for an empty trajectory.
    pub fn input_width(&self) -> usize {
        self.inputs.len().checked_div(self.len).unwrap_or(0)
    }

    /// The observation of column `c` at sample `i`; `None` where it is missing or out of range.
    pub fn value(&self, i: usize, c: usize) -> Option<f64> {
        let width = self.width();
        let at = (c < width).then(|| i * width + c)?;
        match (self.valid.get(at), self.values.get(at)) {
            (Some(true), Some(&v)) => Some(v),
            _ => None,
        }
    }

    /// Leaves out the samples behind the last one at which any column is known, where there is one.
    pub fn cut_unseen_end(&mut self) {
        let last = self.valid.iter().rposition(|&known| known);
        let seen = last.map_or(self.len, |last| last / self.width().max(1) + 1);
        if seen < self.len {
            *self = self.slice(0, seen);
        }
    }

    /// Samples `start..start + len`, clipped to what is there.
    pub fn slice(&self, start: usize, len: usize) -> Self {
        let start = start.min(self.len);
        let len = len.min(self.len - start);
        let (w, m) = (self.width(), self.input_width());
        Self {
            id: self.id.clone(),
            set: self.set.clone(),
            t0: self.time(start),
            dt: self.dt,
            times: if self.is_irregular() { cut(&self.times, start, len) } else { Vec::new() },
            len,
            values: cut(&self.values, start * w, len * w),
            valid: cut(&self.valid, start * w, len * w),
            inputs: cut(&self.inputs, start * m, len * m),
            truth: self.truth.as_ref().map(|t| cut(t, start * w, len * w)),
        }
    }

    /// This trajectory and the one that goes on where it ends, without `truth`.
    pub fn followed_by(&self, next: &Self) -> Self {
        let together = |x: &[f64], y: &[f64]| [x, y].concat();
        let all = |t: &Self| (0..t.len).map(|i| t.time(i)).collect::<Vec<f64>>();
        let irregular = self.is_irregular() || next.is_irregular();
        Self {
            len: self.len + next.len,
            times: if irregular { together(&all(self), &all(next)) } else { Vec::new() },
            values: together(&self.values, &next.values),
            valid: [self.valid.as_slice(), &next.valid].concat(),
            inputs: together(&self.inputs, &next.inputs),
            truth: None,
            ..self.clone()
        }
    }

    /// Statistics of a column of this trajectory.
    pub fn stats(&self, column: usize) -> ColumnStats {
        stats(self.column_values(column, self.width()))
    }

    fn column_values(&self, column: usize, width: usize) -> impl Iterator<Item = f64> + Clone + '_ {
        self.values.iter().zip(&self.valid).skip(column).step_by(width.max(1)).filter(|&(_, &ok)| ok).map(|(&v, _)| v)
    }
}

impl ColumnStats {
    /// Statistics of the samples of both.
    pub fn with(self, other: ColumnStats) -> ColumnStats {
        if self.count == 0 || other.count == 0 {
            return if self.count == 0 { other } else { self };
        }
        let count = self.count + other.count;
        let [here, there] = [self.count, other.count].map(|part| part as f64 / count as f64);
        // The parts are taken by the roots of their shares, of which no product is out of range.
        let apart = (here * there).sqrt();
        let within = (here.sqrt() * self.std).hypot(there.sqrt() * other.std);
        ColumnStats {
            count,
            mean: here * self.mean + there * other.mean,
            std: within.hypot(apart * self.mean - apart * other.mean),
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }
}

/// Two passes in sample order: mean, then squared deviations from it. Sequential, hence independent of threads.
///
/// Numbers are taken in units of powers of two, which change no digit, so that neither their sum nor a square is out of range.
fn stats(values: impl Iterator<Item = f64> + Clone) -> ColumnStats {
    /// From here on a sum of very many may be infinite.
    const LARGE: f64 = 1e289;
    /// 2^-64.
    const PART: f64 = 1.0 / 18_446_744_073_709_551_616.0;
    let (mut count, mut min, mut max) = (0usize, f64::INFINITY, f64::NEG_INFINITY);
    for v in values.clone() {
        count += 1;
        min = min.min(v);
        max = max.max(v);
    }
    if count == 0 {
        return ColumnStats { count, mean: 0.0, std: 0.0, min: 0.0, max: 0.0 };
    }
    let of = if min > -LARGE && max < LARGE { 1.0 } else { PART };
    let sum = values.clone().fold(0.0, |sum, v| sum + of * v);
    let mean = sum / count as f64;
    let by = below((of * max - mean).max(mean - of * min));
    let square = |v: f64| {
        let deviation = (of * v - mean) / by;
        deviation * deviation
    };
    let squares: f64 = values.map(square).sum();
    // Rounded, both may lie a digit behind the largest number.
    let [mean, std] = [mean, (squares / count as f64).sqrt() * by].map(|v| (v / of).clamp(f64::MIN, f64::MAX));
    ColumnStats { count, mean, std, min, max }
}

/// The power of two that a positive number is between one and two times as large as; 1 for others, and what is no normal number is taken by
/// the smallest that is.
fn below(value: f64) -> f64 {
    /// The exponent of a number, without its digits.
    const EXPONENT: u64 = 0x7ff0_0000_0000_0000;
    let power = f64::from_bits(value.to_bits() & EXPONENT);
    match value > 0.0 && value.is_finite() {
        true => power.max(f64::MIN_POSITIVE),
        false => 1.0,
    }
}

fn cut<T: Clone>(all: &[T], start: usize, len: usize) -> Vec<T> {
    all.get(start..start + len).map(<[T]>::to_vec).unwrap_or_default()
}

fn quoted(name: &str) -> String {
    if name.contains([',', '"', '\n', '\r']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() }
}

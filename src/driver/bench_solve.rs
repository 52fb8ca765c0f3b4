//! `mechc bench solve`: how long solves and their gradients take on random systems of a given size.

use std::fmt;
use std::time::{Duration, Instant};

use super::bench_device::{self, DeviceTimes};
use super::bench_repeats::Repeats;
use super::case::Case;
use super::case_failure::{self, Batch, Failed, Origin};
use super::failure::Failure;
use super::run;
use super::target::Target;
use super::words::counted;
use crate::data::{Purpose, stream, uniform};
use crate::runtime::cuda::{DeviceChoice, Products};
use crate::solve::instructions;
use crate::solve::relaxed::{Footprint, Method, RowSet, Scheme, Shape, Wanted};

/// Repeats go on for this long where nobody says how many there are.
const SHORTEST: Duration = Duration::from_millis(500);
/// The fewest repeats that a median is taken of then.
const FEWEST: usize = 5;
/// Time spent before the first repeat that counts: caches, pages and the processor's clock settle.
const WARM_UP: Duration = Duration::from_millis(100);
/// Gradients of the inputs; those of weights come with [`SolveBench::weights`].
const GRADIENTS: Wanted =
    Wanted { c: true, rhs: true, iv: true, h: true, weights: false, row_weights: false, data: false, border: false };

/// Systems to solve.
#[derive(Debug, Clone, PartialEq)]
pub struct SolveBench {
    /// Systems, `B`.
    pub batch: usize,
    /// States, `D`.
    pub states: usize,
    /// Highest derivative kept, `N`: a block has `states * (highest + 1)` unknowns. [`Shape::orders`] counts the state itself too and is
    /// one more.
    pub highest: usize,
    /// Equations per step, `E`.
    pub equations: usize,
    /// Steps, `T`.
    pub steps: usize,
    /// Rows and arithmetic.
    pub scheme: Scheme,
    /// Whether all systems share coefficients and steps; the factor is then made once and not measured.
    pub constant_matrix: bool,
    /// Whether backward has the gradients of the three weights too.
    pub weights: bool,
    /// Threads to use.
    pub threads: usize,
    /// How often to repeat; without it for half a second and at least five times.
    pub repeat: Option<usize>,
}

impl SolveBench {
    /// The order of the equations, at most two, and how many derivatives (with the state itself) are given at the first step where every
    /// state has an equation. Further derivatives are kept for accuracy: no equation has them.
    fn order(&self) -> usize {
        self.highest.min(2)
    }

    pub(super) fn shape(&self) -> Shape {
        let orders = self.highest + 1;
        // Hermite rows are `orders` for each interval: an equation for every step and the start have to make up for the last step's unknowns.
        let determined = self.equations >= self.states && self.steps + self.order() >= orders;
        Shape {
            batch: self.batch,
            equations: self.equations,
            steps: self.steps,
            states: self.states,
            orders,
            initial_steps: self.steps.min(1),
            initial_orders: if determined { self.order() } else { orders },
        }
    }
}

/// Measured times.
#[derive(Debug, Clone, PartialEq)]
pub struct SolveTimes {
    /// What was solved.
    pub bench: SolveBench,
    /// Why it was done on the processor where a device was looked for in vain.
    pub remark: Option<String>,
    /// Repeats that the medians are of.
    pub repeats: usize,
    /// Median time of assembling, factoring and solving; of solving alone with a constant matrix.
    pub forward_ms: f64,
    /// Median time of the gradients of coefficients, right-hand sides, initial values and steps; where they are taken in another precision,
    /// [`Precision::of_gradients`](crate::solve::relaxed::Precision::of_gradients), with the factor and the solution that they have in it.
    pub backward_ms: f64,
    /// Bytes of the arrays that the forward pass reads and writes, without its factor.
    pub forward_bytes: usize,
    /// Bytes of the arrays that the backward pass reads and writes, without the factor.
    pub backward_bytes: usize,
    /// What only a device has.
    pub device: Option<DeviceTimes>,
}

/// Random systems that are regular and well scaled; the same for the same sizes.
///
/// Every equation is of second order (of first where no second derivative is kept), with a dominant coefficient on one state's highest
/// derivative and small ones on all others; further derivatives are kept for accuracy alone, with zero coefficients. Steps lie between
/// 0.01 and 0.1. With an equation for every state its value and first derivative are given at the first step, else, or where there
/// are fewer steps than further derivatives, all derivatives are.
pub fn random_case(bench: &SolveBench) -> Case {
    let shape = bench.shape();
    let (orders, order) = (shape.orders, bench.order());
    let matrices = if bench.constant_matrix { 1 } else { bench.batch };
    let draw = |index: u64, n: usize, low: f64, high: f64| -> Vec<f64> {
        let mut rng = stream(0, Purpose::Benchmark, index);
        (0..n).map(|_| low + (high - low) * uniform(&mut rng)).collect()
    };
    let mut c = draw(0, matrices * shape.coefficients(), -0.2, 0.2);
    let rows = c.chunks_exact_mut(shape.block().max(1));
    for (row, numbers) in rows.enumerate() {
        let state = row / shape.steps.max(1) % shape.equations.max(1) % shape.states.max(1);
        if let Some(dominant) = numbers.get_mut(state * orders + order) {
            *dominant += 1.0 + 0.2 * shape.block() as f64;
        }
        // With a small coefficient a higher derivative would make an equation of higher order with a boundary layer thinner than the steps.
        for of_state in numbers.chunks_exact_mut(orders) {
            of_state.iter_mut().skip(order + 1).for_each(|c| *c = 0.0);
        }
    }
    Case {
        shape,
        scheme: bench.scheme,
        c,
        shared_c: bench.constant_matrix,
        rhs: draw(1, shape.batch * shape.right_hand_sides(), -1.0, 1.0),
        iv: draw(2, shape.batch * shape.initial_values(), -1.0, 1.0),
        h: draw(3, matrices * shape.intervals(), 0.01, 0.1),
        h_per_sample: !bench.constant_matrix,
        h_per_state: false,
        row_weights: Default::default(),
        upstream: Some(draw(4, shape.batch * shape.unknowns(), -1.0, 1.0)),
        upstream_eps: None,
    }
}

/// Measures the systems.
///
/// # Errors
/// [`Failure::Environment`] where memory or threads are missing, [`Failure::Usage`] and [`Failure::Data`] for options and sizes
/// that do not fit together, [`Failure::Numerical`] where the solve fails.
pub fn bench_solve(bench: &SolveBench, choice: DeviceChoice) -> Result<SolveTimes, Failure> {
    let help = case_failure::less_memory(bench.batch, &bench.scheme);
    let [one, of_gradients] =
        [bench.scheme, bench.scheme.of_gradients()].map(|s| Footprint::new(&bench.shape(), &s, &[bench.states]));
    let of_gradients = Some(&of_gradients).filter(|_| bench.scheme.precision != bench.scheme.precision.of_gradients());
    let systems = Batch { one: &one, of_gradients, systems: bench.batch, own: !bench.constant_matrix };
    // Inputs and results.
    systems.ensure_arrays(2, help)?;
    let threads = run::threads(bench.threads)?;
    let (target, remark) = Target::choose(choice, Products::Library, &threads)?;
    if let Target::Device { .. } = target {
        return bench_device::on_device(bench, &target);
    }
    systems.ensure_memory(2, help)?;
    let case = random_case(bench);
    let times = threads
        .install(|| measure(bench, &case))
        .map_err(|failed| case_failure::failure_of(failed, Origin::Bench, &case.shape, &case.scheme))?;
    Ok(SolveTimes { remark: remark.map(|w| w.message), ..times })
}

fn measure(bench: &SolveBench, case: &Case) -> Result<SolveTimes, Failed> {
    let mut all = Repeats::new(case, Wanted { weights: bench.weights, ..GRADIENTS })?;
    let mut once = || -> Result<[Duration; 2], Failed> {
        let start = Instant::now();
        all.forward()?;
        let middle = Instant::now();
        all.backward()?;
        Ok([middle - start, middle.elapsed()])
    };
    let warm = Instant::now();
    once()?;
    while warm.elapsed() < WARM_UP {
        once()?;
    }
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    let started = Instant::now();
    while repeats(bench, forward.len(), started) {
        let [f, b] = once()?;
        forward.push(f);
        backward.push(b);
    }
    let inputs = case.c.len() + case.rhs.len() + case.iv.len() + case.h.len();
    let of_u = case.shape.batch * case.shape.unknowns();
    let solution = of_u + case.shape.batch;
    let gradients = inputs + of_u + if bench.weights { 3 } else { 0 };
    Ok(SolveTimes {
        bench: bench.clone(),
        remark: None,
        repeats: forward.len(),
        forward_ms: median(&mut forward),
        backward_ms: median(&mut backward),
        forward_bytes: (inputs + solution) * size_of::<f64>(),
        backward_bytes: (inputs + solution + gradients) * size_of::<f64>(),
        device: None,
    })
}

/// Whether there is to be another repeat after so many.
pub(super) fn repeats(bench: &SolveBench, done: usize, started: Instant) -> bool {
    match bench.repeat {
        Some(repeat) => done < repeat.max(1),
        None => done < FEWEST || started.elapsed() < SHORTEST,
    }
}

/// In milliseconds; the lower one of the two middle times.
pub(super) fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) / 2).map_or(0.0, |t| t.as_secs_f64() * 1e3)
}

/// Precision, rows and method as options name them.
fn names(scheme: &Scheme) -> [&'static str; 3] {
    let rows = match scheme.rows {
        RowSet::Taylor => "taylor",
        RowSet::Hermite => "hermite",
    };
    let method = match scheme.method {
        Method::Normal => "normal",
        Method::Qr => "qr",
    };
    [scheme.precision.name(), rows, method]
}

impl SolveTimes {
    /// One JSON object with everything that was asked for and measured.
    pub fn json(&self) -> serde_json::Value {
        let SolveBench { batch, states, highest, equations, steps, scheme, constant_matrix, threads, .. } = &self.bench;
        let [dtype, rows, method] = names(scheme);
        serde_json::json!({
            "bench": "solve",
            "batch": batch,
            "states": states,
            "orders": highest,
            "equations": equations,
            "steps": steps,
            "constant_matrix": constant_matrix,
            "weights_gradients": self.bench.weights,
            "dtype": dtype,
            "gradients_dtype": scheme.precision.of_gradients().name(),
            "rows": rows,
            "method": method,
            "slack": scheme.slack.is_some(),
            "central": scheme.central,
            "periodic": scheme.periodic,
            "weights": [scheme.weights.equation, scheme.weights.initial, scheme.weights.smooth],
            "refinements": scheme.refinements,
            "threads": threads,
            "repeats": self.repeats,
            "forward_ms": self.forward_ms,
            "backward_ms": self.backward_ms,
            "forward_bytes": self.forward_bytes,
            "backward_bytes": self.backward_bytes,
            "instructions": instructions(),
            "device": self.device.as_ref().map_or("cpu", |d| d.device.as_str()),
            "remark": self.remark,
            "regime": self.device.as_ref().map(|d| d.regime.to_string()),
            "forward_operator": self.device.as_ref().map(|d| d.operator),
            "to_device_ms": self.device.as_ref().map(|d| d.to_device_ms),
            "from_device_ms": self.device.as_ref().map(|d| d.from_device_ms),
            "version": env!("CARGO_PKG_VERSION"),
        })
    }
}

impl fmt::Display for SolveTimes {
    /// A short table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let b = &self.bench;
        let [dtype, rows, method] = names(&b.scheme);
        let own = if b.constant_matrix { "one matrix for all" } else { "a matrix each" };
        writeln!(
            f,
            "{} of {}, blocks of {} ({}, derivatives 0 to {}), {}, {own}\n{dtype}, {rows} rows, {method}; {}, {}",
            counted(b.batch, "system"),
            counted(b.steps, "step"),
            b.states * (b.highest + 1),
            counted(b.states, "state"),
            b.highest,
            counted(b.equations, "equation"),
            self.device.as_ref().map_or_else(|| counted(b.threads, "thread"), |d| d.device.clone()),
            self.device.as_ref().map_or_else(|| instructions().to_string(), DeviceTimes::ways)
        )?;
        writeln!(f, "{:10}{:>14}{:>16}{:>16}{:>10}", "", "median", "systems/s", "bytes", "GB/s")?;
        let rows =
            [("forward", self.forward_ms, self.forward_bytes), ("backward", self.backward_ms, self.backward_bytes)];
        for (name, ms, bytes) in rows {
            let (per_second, rate) = (b.batch as f64 / ms * 1e3, bytes as f64 / ms * 1e-6);
            writeln!(f, "{name:10}{ms:>11.4} ms{per_second:>16.0}{bytes:>16}{rate:>10.2}")?;
        }
        let gradients = b.scheme.precision.of_gradients().name();
        match &self.device {
            _ if gradients == dtype => (),
            None => writeln!(
                f,
                "(backward is in {gradients}, with a factor and a solution of its own, as `mechc solve` does)"
            )?,
            Some(_) => writeln!(f, "(backward is solve and gradients in {gradients}, less the solve in {dtype})")?,
        }
        if let Some(d) = &self.device {
            writeln!(f, "transfers {:>11.4} ms to the device, {:.4} ms back", d.to_device_ms, d.from_device_ms)?;
        }
        writeln!(f, "(medians of {})", counted(self.repeats, "repeat"))
    }
}

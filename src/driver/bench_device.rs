//! `mechc bench solve` on a CUDA device: kernels on resident arrays, and transfers by themselves.

use std::time::{Duration, Instant};

use super::bench_solve::{SolveBench, SolveTimes, median, random_case, repeats};
use super::conformance::{SolveForm, StepAxes};
use super::failure::{Failure, Problem};
use super::target::{self, Target};
use crate::artifact::Axis;
use crate::base::{SolvePrecision, TensorData};
use crate::codegen;
use crate::codegen::cuda::SolveRegime;
use crate::ir;
use crate::runtime::{RuntimeError, Sequence, Store, View};
use crate::solve::relaxed::{Precision, Scheme};

/// Times that only a device has.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceTimes {
    /// Device, driver and compiler.
    pub device: String,
    /// How it does the systems where gradients are taken, and without them unless by an explicit matrix or in single precision alone.
    pub regime: SolveRegime,
    /// Whether the solve without gradients is the product with an explicit matrix. With the gradients of the matrix a solve has none, so what
    /// is left for them after subtraction holds the difference of both solves.
    pub operator: bool,
    /// Median time to send coefficients, right-hand sides, initial values, steps and upstream gradients.
    pub to_device_ms: f64,
    /// Median time to fetch the solution and all gradients.
    pub from_device_ms: f64,
}

impl DeviceTimes {
    /// How the systems are done, in words.
    pub(super) fn ways(&self) -> String {
        match self.operator {
            false => format!("resident arrays, {}", self.regime),
            true => format!(
                "resident arrays; forward by an explicit solution matrix, backward with a factor for its gradients: {}",
                self.regime
            ),
        }
    }
}

/// Measures on a device.
pub(super) fn on_device(bench: &SolveBench, target: &Target) -> Result<SolveTimes, Failure> {
    let form = form(bench)?;
    let measured = |adjoint| Prepared::new(bench, &form, target, adjoint);
    let mut forward = measured(false)?;
    let mut both = measured(true)?;
    let failed = |error: RuntimeError| match error {
        RuntimeError::Device(error) => error.into(),
        other => Failure::Numerical(Problem::new(
            "N515",
            format!("the solve failed: {other}"),
            "use the processor: `--device cpu`",
        )),
    };
    // The first call loads what is loaded lazily, the second records the graph.
    for _ in 0..3 {
        forward.compute().and_then(|()| both.compute()).map_err(failed)?;
    }
    let (mut times, started): ([Vec<Duration>; 4], _) = (Default::default(), Instant::now());
    while repeats(bench, times[0].len(), started) {
        let mut last = Instant::now();
        let mut lap = |into: &mut Vec<Duration>| {
            into.push(last.elapsed());
            last = Instant::now();
        };
        forward.compute().map_err(failed)?;
        lap(&mut times[0]);
        both.compute().map_err(failed)?;
        lap(&mut times[1]);
        both.send().map_err(failed)?;
        lap(&mut times[2]);
        both.fetch().map_err(failed)?;
        lap(&mut times[3]);
    }
    let repeats = times[0].len();
    let [forward_ms, both_ms, to_device_ms, from_device_ms] = times.each_mut().map(|times| median(times));
    let bytes = |views: &[View]| views.iter().map(|v| v.len() * v.elem().bytes()).sum::<usize>();
    Ok(SolveTimes {
        bench: bench.clone(),
        remark: None,
        repeats,
        forward_ms,
        backward_ms: (both_ms - forward_ms).max(0.0),
        forward_bytes: bytes(&forward.params) + bytes(&forward.results),
        backward_bytes: bytes(&both.params) + bytes(&both.results),
        device: Some(DeviceTimes {
            device: target.describe(),
            regime: regime(bench, &form),
            operator: forward_has_operator(bench, &form)?,
            to_device_ms,
            from_device_ms,
        }),
    })
}

/// The solve that a device does; the options that it cannot follow are named.
fn form(bench: &SolveBench) -> Result<SolveForm, Failure> {
    let shape = bench.shape();
    let Scheme { central, slack, weights, precision, .. } = bench.scheme;
    // How often a solve is corrected there follows from its precision.
    let same =
        Scheme { central, slack, weights, precision, refinements: bench.scheme.refinements, ..Scheme::published() };
    if bench.scheme != same || bench.weights {
        let message = "a device solves Taylor rows by normal equations, and gives no gradients of weights".to_string();
        let help = "leave out the other options, or run on the processor: `--device cpu`";
        return Err(Failure::Usage(Problem::new("N008", message, help)));
    }
    Ok(SolveForm {
        states: shape.states,
        orders: shape.orders,
        equations: shape.equations,
        start: shape.initial_steps,
        given: shape.initial_orders,
        own: !bench.constant_matrix,
        central,
        slack: slack.map(|slack| slack.alpha * slack.gamma),
        weights: [weights.equation, weights.initial, weights.smooth],
        precision: match precision {
            Precision::Double => SolvePrecision::F64,
            Precision::Single => SolvePrecision::F32,
            Precision::Mixed => SolvePrecision::Mixed,
        },
        steps: if bench.constant_matrix { StepAxes::One } else { StepAxes::Sample },
        fixed: false,
    })
}

/// How a device does the systems.
fn regime(bench: &SolveBench, form: &SolveForm) -> SolveRegime {
    let (systems, steps) = (bench.batch as u64, bench.steps as u64);
    // With gradients single precision is mixed, and a matrix that all systems share is factored in double precision then.
    let shared = !form.own && form.steps == StepAxes::One;
    let precision =
        if form.precision == SolvePrecision::F64 || shared { SolvePrecision::F64 } else { SolvePrecision::Mixed };
    let may_cut = !form.central && form.slack.is_none() && precision == SolvePrecision::F64;
    SolveRegime::of(systems, steps, form.states * form.orders, may_cut, precision)
}

/// Whether the solve without its adjoint is the product with an explicit matrix, as its program says.
fn forward_has_operator(bench: &SolveBench, form: &SolveForm) -> Result<bool, Failure> {
    let program = codegen::cuda::generate(&form.program_of(false)?);
    let free = |axis: &Axis| if axis.name == "time" { bench.steps } else { bench.batch };
    let sizes: Vec<u64> = program.entry.axes.iter().map(|a| a.size.unwrap_or_else(|| free(a)) as u64).collect();
    Ok(program.operators_used(&sizes).contains(&true))
}

/// A solve, with its adjoint or without, on resident arrays.
struct Prepared {
    store: Store,
    sequence: Sequence,
    params: Vec<View>,
    numbers: Vec<TensorData>,
    results: Vec<View>,
}

impl Prepared {
    fn new(bench: &SolveBench, form: &SolveForm, target: &Target, adjoint: bool) -> Result<Prepared, Failure> {
        let internal = |e: &dyn std::fmt::Display| Failure::Internal(e.to_string());
        let module = ir::parse(&form.text_of(adjoint)).map_err(|e| internal(&e))?;
        let loaded = target.compile(&module)?;
        let callable = loaded.open("f").map_err(target::opening)?;
        let mut store = Store::beside(&loaded).map_err(target::opening)?;
        let case = random_case(bench);
        let each = bench.shape().intervals().max(1);
        let entry = callable.entry();
        let shape = |port: &crate::artifact::Port| -> Vec<usize> {
            let of = |a: &usize| entry.axes.get(*a).map(|axis| (axis.size, axis.name.as_str()));
            let free = |name: &str| if name == "time" { bench.steps } else { bench.batch };
            port.axes.iter().filter_map(of).map(|(size, name)| size.unwrap_or_else(|| free(name))).collect()
        };
        let (mut params, mut numbers) = (Vec::new(), Vec::new());
        for port in &entry.params {
            numbers.push(TensorData::F64(match port.name.as_str() {
                "c" => case.c.clone(),
                "rhs" => case.rhs.clone(),
                "iv" => case.iv.clone(),
                // One step size for each system.
                "h" => case.h.iter().step_by(each).copied().collect(),
                _ => case.upstream.clone().unwrap_or_default(),
            }));
            params.push(store.zeros(port.elem, &shape(port)).map_err(target::opening)?);
        }
        let room = |port| store.zeros(crate::base::Elem::F64, &shape(port));
        let results = entry.results.iter().map(room).collect::<Result<Vec<_>, _>>().map_err(target::opening)?;
        let mut sequence = Sequence::default();
        sequence.call(callable, params.clone(), results.clone()).map_err(target::opening)?;
        let mut prepared = Prepared { store, sequence, params, numbers, results };
        prepared.send().map_err(target::opening)?;
        Ok(prepared)
    }

    fn send(&mut self) -> Result<(), RuntimeError> {
        self.params.iter().zip(&self.numbers).try_for_each(|(view, data)| self.store.write(view, data))
    }

    fn compute(&mut self) -> Result<(), RuntimeError> {
        self.sequence.forget()?;
        self.sequence.run(&mut self.store)?;
        self.sequence.check()
    }

    fn fetch(&self) -> Result<(), RuntimeError> {
        self.results.iter().try_for_each(|view| self.store.read(view).map(drop))
    }
}

//! `mechc check --plan`: the relaxed solves of a program, how they are done, and how many fit in memory.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::failure::Failure;
use super::pointwise::compile;
use super::words::counted;
use super::{gradient, memory};
use crate::artifact::{OutlineEntry, OutlineValue, SolveOutline};
use crate::hir::{self, DataSource, Engine, Fit, ModelId, Program};
use crate::lower::training::outlines;
use crate::runtime::{SolveMethod, solve_scheme};
use crate::solve::relaxed::{Footprint, Shape};

/// Steps of a window where nothing says how long the data are: what fits take by default.
const WINDOW: usize = 50;

/// The relaxed solves of a fit or of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// `fit Lorenz to run` or `model Lorenz63`.
    pub what: String,
    /// Why it is solved.
    pub purpose: Purpose,
    /// Windows (or trajectories) that are solved at once.
    pub samples: usize,
    /// Its solves, one for each set of systems with the same matrix.
    pub solves: Vec<PlannedSolve>,
    /// Bytes for each window or trajectory.
    pub sample_bytes: u64,
    /// Bytes whatever their number.
    pub fixed_bytes: u64,
    /// Bytes that there are, as far as it is known.
    pub memory: Option<u64>,
    /// The most windows or trajectories that fit in these.
    pub largest_batch: Option<u64>,
}

/// Why a program's equations are solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The gradient engine trains a network through it.
    Training,
    /// The program simulates the model or fits it with the joint engine, which make no relaxed solve: what one of all their data
    /// would be.
    Data,
    /// The length of the data is not in the program: what the solve of one window would be.
    Window,
}

/// One solve.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedSolve {
    /// Its structure.
    pub outline: SolveOutline,
    /// Sizes of one of its systems.
    pub footprint: Footprint,
    /// How the systems are solved for the known parts of their equations and their initial values.
    pub method: SolveMethod,
    /// How they are solved for the factors of unknown coefficients, where there are any.
    pub response_method: Option<SolveMethod>,
}

/// The solves of every fit, and of every model that is not fitted, in the order of the program. `bytes` replaces what the machine
/// says about its memory.
///
/// # Errors
/// [`Failure::Usage`] for a fit that the gradient engine refuses.
pub fn plan(program: &Program, bytes: Option<u64>) -> Result<Vec<Planned>, Failure> {
    let mut out = Vec::new();
    for (id, model) in program.models.iter() {
        if program.fits.values().all(|f| f.model != id) {
            let (purpose, steps, samples) = extent(program, id, None);
            let solves = solves(program, id, steps, None, samples);
            out.push(alone(format!("model {}", model.name), purpose, samples, solves, bytes));
        }
    }
    for fit in program.fits.values() {
        let what = format!("fit {} to {}", program.models[fit.model].name, program.data[fit.data].name);
        out.push(match fit.engine {
            Engine::Gradient => training(program, fit, what, bytes)?,
            Engine::Joint => {
                let (purpose, steps, samples) = extent(program, fit.model, Some(fit));
                alone(what, purpose, samples, solves(program, fit.model, steps, fit.orders, samples), bytes)
            }
        });
    }
    Ok(out)
}

/// Steps and number of the trajectories of a model's data, where the program says so.
fn extent(program: &Program, model: ModelId, fit: Option<&Fit>) -> (Purpose, usize, usize) {
    let simulated = program.data.iter().find_map(|(id, data)| match &data.source {
        DataSource::Simulate(spec) if fit.map_or(spec.model == model, |f| f.data == id) => Some(spec),
        _ => None,
    });
    match simulated {
        Some(spec) => (Purpose::Data, spec.steps, spec.trajectories),
        None => (Purpose::Window, fit.map_or(WINDOW, |f| f.window), 1),
    }
}

fn solves(program: &Program, model: ModelId, steps: usize, orders: Option<usize>, samples: usize) -> Vec<PlannedSolve> {
    let outlines = outlines(&program.models[model], steps, orders);
    outlines.into_iter().map(|outline| PlannedSolve::new(outline, samples)).collect()
}

/// A solve by itself: arrays of every system and its factor.
fn alone(what: String, purpose: Purpose, samples: usize, solves: Vec<PlannedSolve>, bytes: Option<u64>) -> Planned {
    let (mut sample_bytes, mut fixed_bytes) = (0u64, 0u64);
    for solve in &solves {
        let Footprint { factor_bytes, vector_bytes, coefficient_bytes, .. } = solve.footprint;
        let systems = (solve.outline.systems.len() + solve.outline.responses) as u64;
        let mut each = vector_bytes;
        if solve.outline.constant_matrix() {
            fixed_bytes = fixed_bytes.saturating_add(factor_bytes).saturating_add(coefficient_bytes);
        } else {
            each = each.saturating_add(factor_bytes).saturating_add(coefficient_bytes);
        }
        sample_bytes = sample_bytes.saturating_add(each.saturating_mul(systems));
    }
    let memory = bytes.or_else(memory::available);
    let largest_batch = memory.map(|m| m.saturating_sub(fixed_bytes) / sample_bytes.max(1));
    Planned { what, purpose, samples, solves, sample_bytes, fixed_bytes, memory, largest_batch }
}

/// A training: everything that its compiled functions take, networks and gradients included.
fn training(program: &Program, fit: &Fit, what: String, bytes: Option<u64>) -> Result<Planned, Failure> {
    let lowered = gradient::lowered(program, fit)?;
    let artifact = compile(&lowered.module)?;
    let weights = gradient::weights(&lowered);
    let need = |batch: u64| memory::of_training(&artifact, batch, weights);
    let batch = fit.batch as u64;
    let sample_bytes = need(batch.saturating_mul(2)).saturating_sub(need(batch)) / batch.max(1);
    let memory = bytes.or_else(memory::available);
    Ok(Planned {
        what,
        purpose: Purpose::Training,
        samples: fit.batch,
        solves: solves(program, fit.model, fit.window, fit.orders, fit.batch),
        sample_bytes,
        fixed_bytes: need(batch).saturating_sub(sample_bytes.saturating_mul(batch)),
        memory,
        largest_batch: memory.map(|m| largest(m, need)),
    })
}

/// The largest batch that needs no more than `memory`; `need` does not fall.
fn largest(memory: u64, need: impl Fn(u64) -> u64) -> u64 {
    /// Beyond any mini-batch.
    const MOST: u64 = 1 << 40;
    let (mut fits, mut beyond) = (0, MOST);
    while beyond - fits > 1 {
        let middle = fits + (beyond - fits) / 2;
        if need(middle) <= memory {
            fits = middle;
        } else {
            beyond = middle;
        }
    }
    fits
}

impl PlannedSolve {
    fn new(outline: SolveOutline, samples: usize) -> PlannedSolve {
        let states = outline.states();
        let shape = |systems: usize| Shape {
            batch: samples.saturating_mul(systems),
            equations: states,
            steps: outline.steps,
            states,
            orders: outline.orders,
            initial_steps: outline.start,
            initial_orders: outline.given,
        };
        let scheme = solve_scheme(outline.central, outline.weights);
        let method = |systems| SolveMethod::of(&shape(systems), outline.constant_matrix());
        PlannedSolve {
            footprint: Footprint::new(&shape(1), &scheme, &[states]),
            method: method(outline.systems.len()),
            response_method: (outline.responses > 0).then(|| method(outline.responses)),
            outline,
        }
    }

    /// What distinguishes a coefficient: `x' 1`, `y -10`, `x (1 + t)`.
    fn spelled(&self, entry: &OutlineEntry) -> String {
        let names = self.outline.systems.first();
        let name = names.and_then(|names| names.get(entry.state)).map_or("?", String::as_str);
        let derivative = "'".repeat(entry.derivative);
        match &entry.value {
            OutlineValue::Constant(v) => format!("{name}{derivative} {}", hir::number(*v)),
            OutlineValue::Varies(text) => format!("{name}{derivative} ({text})"),
        }
    }

    /// Coefficients that are not zero, equation by equation.
    fn coefficients(&self) -> String {
        let equation = |e: usize| -> String {
            let entries = self.outline.entries.iter().filter(|entry| entry.equation == e);
            entries.map(|entry| self.spelled(entry)).collect::<Vec<_>>().join(", ")
        };
        (0..self.outline.states()).map(equation).collect::<Vec<_>>().join("; ")
    }

    fn text(&self, thing: &str, out: &mut String) {
        let (o, f) = (&self.outline, &self.footprint);
        let systems: Vec<String> = o.systems.iter().map(|s| s.join(" with ")).collect();
        let shared = if o.systems.len() > 1 { ", with the same matrix" } else { "" };
        let mut line = |label: &str, text: String| {
            let _ = writeln!(out, "    {label:14}{text}");
        };
        line("systems", format!("{}{shared}", systems.join("; ")));
        let constant = if o.constant_matrix() { "constant".to_string() } else { format!("one for each {thing}") };
        line(
            "matrix",
            format!("{constant}; {} of {} coefficients of a step known to be zero", o.zeros(), o.coefficients()),
        );
        line("coefficients", self.coefficients());
        let [equations, initial, smooth] = f.rows;
        line(
            "unknowns",
            format!(
                "{}: {} steps, blocks of {} ({} derivatives of {})",
                f.unknowns,
                o.steps,
                f.block,
                o.orders,
                counted(o.states(), "state")
            ),
        );
        line(
            "rows",
            format!("{}: {equations} of equations, {initial} initial, {smooth} smooth", equations + initial + smooth),
        );
        line("bandwidth", f.bandwidth.to_string());
        let known = counted(o.systems.len(), "known part");
        let responses = if o.responses > 0 { format!(", {}", counted(o.responses, "response")) } else { String::new() };
        line("right sides", format!("{known}{responses} for each {thing}"));
        let method = match self.response_method {
            Some(other) if other != self.method => {
                format!("{}; responses by {}", describe(self.method), describe(other))
            }
            _ => describe(self.method).to_string(),
        };
        line("algorithm", method);
        line("bytes", format!("{} for each right side, {} for a factor", f.vector_bytes, f.factor_bytes));
    }

    fn json(&self) -> Value {
        let (o, f) = (&self.outline, &self.footprint);
        let entries: Vec<Value> = o
            .entries
            .iter()
            .map(|e| {
                let value = match &e.value {
                    OutlineValue::Constant(v) => json!(v),
                    OutlineValue::Varies(text) => json!(text),
                };
                json!({ "equation": e.equation, "state": e.state, "derivative": e.derivative, "value": value })
            })
            .collect();
        json!({
            "systems": o.systems,
            "constant_matrix": o.constant_matrix(),
            "coefficients": entries,
            "zeros": o.zeros(),
            "steps": o.steps,
            "states": o.states(),
            "derivatives": o.orders,
            "unknowns": f.unknowns,
            "rows": { "equation": f.rows[0], "initial": f.rows[1], "smooth": f.rows[2] },
            "block": f.block,
            "bandwidth": f.bandwidth,
            "responses": o.responses,
            "algorithm": name(self.method),
            "response_algorithm": self.response_method.map(name),
            "right_side_bytes": f.vector_bytes,
            "factor_bytes": f.factor_bytes,
        })
    }
}

impl Planned {
    /// What is solved at once.
    fn thing(&self) -> &'static str {
        if self.purpose == Purpose::Data { "trajectory" } else { "window" }
    }

    /// For people.
    pub fn text(&self) -> String {
        let steps = self.solves.first().map_or(0, |s| s.outline.steps);
        let why = match self.purpose {
            Purpose::Training => {
                format!("training solves {} of {steps} steps at a time", counted(self.samples, "window"))
            }
            Purpose::Data => {
                let data = counted(self.samples, "trajectory");
                format!("done without a relaxed solve; one of all its data ({data} of {steps} steps) would be")
            }
            Purpose::Window => format!("done without a relaxed solve; one of a window of {steps} steps would be"),
        };
        let mut out = format!("{}: {why}\n", self.what);
        let several = self.solves.len() > 1;
        for (i, solve) in self.solves.iter().enumerate() {
            if several {
                let _ = writeln!(out, "  solve {} of {}", i + 1, self.solves.len());
            }
            solve.text(self.thing(), &mut out);
        }
        let thing = self.thing();
        let _ = write!(out, "  memory: {} for each {thing}", memory::size(self.sample_bytes));
        let _ = write!(out, " and {} once", memory::size(self.fixed_bytes));
        if let Some((memory, largest)) = self.memory.zip(self.largest_batch) {
            let _ = write!(out, "; at most {largest} at a time in {}", memory::size(memory));
        }
        out.push('\n');
        out
    }

    /// For programs: one object.
    pub fn json(&self) -> Value {
        let purpose = match self.purpose {
            Purpose::Training => "training",
            Purpose::Data => "data",
            Purpose::Window => "window",
        };
        json!({
            "plan": self.what,
            "purpose": purpose,
            "samples": self.samples,
            "solves": self.solves.iter().map(PlannedSolve::json).collect::<Vec<_>>(),
            "sample_bytes": self.sample_bytes,
            "fixed_bytes": self.fixed_bytes,
            "memory": self.memory,
            "largest_batch": self.largest_batch,
        })
    }
}

fn name(method: SolveMethod) -> &'static str {
    match method {
        SolveMethod::Operator => "operator",
        SolveMethod::SharedFactor => "shared_factor",
        SolveMethod::OwnFactors => "own_factors",
    }
}

fn describe(method: SolveMethod) -> &'static str {
    match method {
        SolveMethod::Operator => "explicit solution matrix, applied as a dense product",
        SolveMethod::SharedFactor => "block Cholesky factor made once, substitution",
        SolveMethod::OwnFactors => "block Cholesky factor for each, substitution",
    }
}

//! `mechc check --plan`: the relaxed solves of a program, how they are done, and how many fit in memory.

mod render;

use super::failure::Failure;
use super::pointwise::compile;
use super::{gradient, memory, solved};
use crate::artifact::SolveOutline;
use crate::base::SolvePrecision;
use crate::codegen::cuda::SolveRegime;
use crate::hir::{DataSet, DataSource, Engine, Fit, ModelId, Program, SolveSpec};
use crate::lower::training::{outlines, whole};
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
    /// A solve item.
    Item,
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
    /// How all of them are solved on a CUDA device, where trainings alone are.
    pub device: Option<DeviceSolve>,
    /// Whether a periodic boundary takes the place of initial values.
    pub closed: bool,
}

/// How a CUDA device does a solve: with one method for one matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceSolve {
    /// The method; whether time is cut is said by the regimes.
    pub method: SolveMethod,
    /// How the systems of the known parts are done, unless by the explicit matrix.
    pub regime: Option<SolveRegime>,
    /// How those of the responses are done, where there are any.
    pub response_regime: Option<SolveRegime>,
}

/// The solves of every fit, and of every model that is not fitted, in the order of the program. `bytes` replaces what the machine
/// says about its memory.
///
/// # Errors
/// [`Failure::Usage`] for a fit that the gradient engine refuses.
pub fn plan(program: &Program, bytes: Option<u64>) -> Result<Vec<Planned>, Failure> {
    let mut out = Vec::new();
    for data in program.data.values() {
        if let DataSource::Solve(spec) = &data.source {
            out.push(item(program, data, spec, bytes));
        }
    }
    let solved =
        |id: ModelId| program.data.values().any(|d| matches!(&d.source, DataSource::Solve(spec) if spec.of == id));
    for (id, model) in program.models.iter() {
        if solved(id) {
            continue;
        }
        if program.fits.values().all(|f| f.model != id) {
            let (purpose, steps, samples) = extent(program, id, None);
            let solves = solves(program, id, (steps, samples), None, None);
            out.push(alone(format!("model {}", model.name), purpose, samples, solves, bytes));
        }
    }
    for fit in program.fits.values() {
        let what = format!("fit {} to {}", program.models[fit.model].name, program.spell_data(fit));
        out.push(match fit.engine {
            Engine::Gradient => training(program, fit, what, bytes)?,
            Engine::Joint => {
                let (purpose, steps, samples) = extent(program, fit.model, Some(fit));
                alone(what, purpose, samples, solves(program, fit.model, (steps, samples), fit.orders, None), bytes)
            }
        });
    }
    Ok(out)
}

/// The solve of an item, with all its states at once.
fn item(program: &Program, data: &DataSet, spec: &SolveSpec, bytes: Option<u64>) -> Planned {
    let model = spec.model.as_ref();
    let of_data = spec.data.and_then(|id| program.data[id].source.extent());
    let steps = spec.steps.or(of_data.map(|(steps, _)| steps)).unwrap_or(WINDOW);
    let samples = of_data.map_or(1, |(_, trajectories)| trajectories);
    let shape = solved::shape(spec, steps);
    let scheme = solved::scheme(spec);
    let outline = whole(model, steps, shape.orders, scheme.central, spec.scheme.weights);
    let mut footprint = Footprint::new(&shape, &scheme, &[shape.states]);
    let boundary = &model.boundary;
    let closed = boundary.periodic.is_some();
    if !closed {
        let from_data: usize = boundary.starts.iter().map(|s| s.steps).sum();
        let given = (spec.initial.len() + boundary.finals.len() + from_data) as u64;
        footprint.rows[1] = given;
        footprint.vector_bytes += given * size_of::<f64>() as u64;
    }
    // Each trajectory is solved by itself, with a matrix of its own, and where it is linearised with another one in every solve.
    let method = match SolveMethod::of(&shape, &scheme, true) {
        SolveMethod::SharedFactor if !model.is_linear() => SolveMethod::OwnFactors,
        other => other,
    };
    let solve = PlannedSolve { footprint, method, response_method: None, device: None, closed, outline };
    let what = format!("solve {}", data.name);
    alone(what, Purpose::Item, samples, vec![solve], bytes)
}

/// Steps and number of the trajectories of a model's data, where the program says so: of several data sets the most steps and all
/// trajectories.
fn extent(program: &Program, model: ModelId, fit: Option<&Fit>) -> (Purpose, usize, usize) {
    let simulated = program.data.iter().filter_map(|(id, data)| match &data.source {
        // The extent of data that drive a simulation is not known here.
        DataSource::Simulate(spec) if spec.data.is_some() => None,
        DataSource::Simulate(spec) if fit.map_or(spec.model == model, |f| f.data.contains(&id)) => Some(spec),
        _ => None,
    });
    // A model that is not fitted may have several simulations; the first tells what they are like.
    let counted = if fit.is_some() { usize::MAX } else { 1 };
    let sum = simulated.take(counted).fold(None, |sum: Option<(usize, usize)>, spec| {
        let (steps, trajectories) = sum.unwrap_or_default();
        Some((steps.max(spec.steps), trajectories.saturating_add(spec.trajectories)))
    });
    match sum {
        Some((steps, trajectories)) => (Purpose::Data, steps, trajectories),
        None => (Purpose::Window, fit.map_or(WINDOW, Fit::reach), 1),
    }
}

/// The solves of a model or, with one, of a training.
fn solves(
    program: &Program,
    model: ModelId,
    (steps, samples): (usize, usize),
    orders: Option<usize>,
    fit: Option<&Fit>,
) -> Vec<PlannedSolve> {
    let outlines = outlines(&program.models[model], steps, orders, fit);
    let solve = |outline| PlannedSolve::new(outline, samples, fit.is_some());
    outlines.into_iter().map(solve).collect()
}

/// A solve by itself: arrays of every system and its factor.
fn alone(what: String, purpose: Purpose, samples: usize, solves: Vec<PlannedSolve>, bytes: Option<u64>) -> Planned {
    let (mut sample_bytes, mut fixed_bytes) = (0u64, 0u64);
    for solve in &solves {
        let f = &solve.footprint;
        let systems = (solve.outline.systems.len() + solve.outline.responses) as u64;
        let matrix = solve.factor_bytes().saturating_add(f.coefficient_bytes);
        let mut each = f.vector_bytes;
        if solve.outline.constant_matrix() {
            fixed_bytes = fixed_bytes.saturating_add(matrix);
        } else {
            each = each.saturating_add(matrix);
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
    let need = |batch: u64| memory::of_training(artifact.entries.iter().map(|(entry, _)| entry), batch, weights);
    let batch = fit.batch as u64;
    let sample_bytes = need(batch.saturating_mul(2)).saturating_sub(need(batch)) / batch.max(1);
    let memory = bytes.or_else(memory::available);
    let solves = solves(program, fit.model, (fit.reach(), fit.batch), fit.orders, Some(fit));
    Ok(Planned {
        what,
        purpose: Purpose::Training,
        samples: fit.batch,
        solves,
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

impl DeviceSolve {
    /// What a device does with so many windows where the host has these methods for known parts and responses.
    fn new(outline: &SolveOutline, samples: usize, on_host: [Option<SolveMethod>; 2]) -> DeviceSolve {
        let method = match outline.constant_matrix() {
            true if on_host.contains(&Some(SolveMethod::Operator)) => SolveMethod::Operator,
            true => SolveMethod::SharedFactor,
            false => SolveMethod::OwnFactors,
        };
        let block = outline.states() * outline.orders;
        let regime = |systems: usize| {
            let systems = samples.saturating_mul(systems) as u64;
            let regime = SolveRegime::of(systems, outline.steps as u64, block, !outline.central, SolvePrecision::F64);
            (method != SolveMethod::Operator).then_some(regime)
        };
        let responses = (outline.responses > 0).then_some(outline.responses);
        DeviceSolve { method, regime: regime(outline.systems.len()), response_regime: responses.and_then(regime) }
    }
}

impl PlannedSolve {
    fn new(outline: SolveOutline, samples: usize, on_devices: bool) -> PlannedSolve {
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
        let scheme = solve_scheme(outline.central, outline.weights, SolvePrecision::F64);
        let method = |systems| SolveMethod::of(&shape(systems), &scheme, outline.constant_matrix());
        let known = method(outline.systems.len());
        let response_method = (outline.responses > 0).then(|| method(outline.responses));
        let device = on_devices.then(|| DeviceSolve::new(&outline, samples, [Some(known), response_method]));
        PlannedSolve {
            footprint: Footprint::new(&shape(1), &scheme, &[states]),
            method: known,
            response_method,
            device,
            closed: false,
            outline,
        }
    }

    /// Bytes of one factor.
    fn factor_bytes(&self) -> u64 {
        /// Factors of single systems fill groups; no group is wider.
        const GROUP: u64 = 16;
        match self.outline.constant_matrix() {
            true => self.footprint.factor_bytes(1, false),
            false => self.footprint.factor_bytes(GROUP, true) / GROUP,
        }
    }
}

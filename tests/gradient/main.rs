//! Gradient training, from source to coefficients.

use mechc::diagnostics::Sink;
use mechc::hir::{Program, UnknownKind};
use mechc::lower::training::{self, Coefficients, Lowered, Request};
use mechc::runtime::Threads;
use mechc::source::{MemoryWorld, Sources};
use mechc::train::gradient::{
    CoefficientSpec, Elimination, Functions, GradientFit, Layout, ParameterSpec, Settings, Start, WeightSpec, fit,
};
use mechc::train::{Observer, Progress};
use mechc::{codegen, data, kernel, sema, syntax};

fn program(text: &str) -> Program {
    let mut world = MemoryWorld::new();
    for (path, text) in sema::stdlib() {
        world = world.with(*path, *text);
    }
    let (mut sources, mut sink) = (Sources::default(), Sink::new());
    let main = sources.add("main.mech", text);
    let file = syntax::parse(main, text, &mut sink);
    let program = sema::analyze(&file, &world, &[], &mut sources, &mut sink);
    program.unwrap_or_else(|| panic!("{:?}", sink.into_sorted()))
}

/// The layout of lowered functions, every state observed by the column of its number.
fn layout(program: &Program, lowered: &Lowered, elimination: Elimination) -> Layout {
    let model = program.models.values().find(|m| m.name == lowered.module.name).unwrap();
    let start = |s| match s {
        training::Start::Uniform(x) => Start::Uniform(x),
        training::Start::Normal => Start::Normal,
    };
    let states: Vec<usize> = (0..model.states.len()).collect();
    Layout {
        weights: lowered
            .weights
            .iter()
            .map(|w| WeightSpec {
                name: w.name.clone(),
                shape: w.shape.clone(),
                start: start(w.start),
                coefficients: w.coefficients,
            })
            .collect(),
        coefficients: lowered
            .coefficients
            .iter()
            .map(|c| {
                let unknown = &model.unknowns[c.unknown];
                CoefficientSpec {
                    start: unknown.start.unwrap_or(0.0),
                    lower: unknown.bounds.lower,
                    upper: unknown.bounds.upper,
                    prunable: matches!(unknown.kind, UnknownKind::Coefficient { .. }),
                    states: c.states.clone(),
                }
            })
            .collect(),
        parameters: lowered
            .parameters
            .iter()
            .map(|&u| {
                let unknown = &model.unknowns[u];
                let start = unknown.start.unwrap_or(1.0);
                ParameterSpec { start, lower: unknown.bounds.lower, upper: unknown.bounds.upper }
            })
            .collect(),
        constants: lowered.constants.clone(),
        columns: states.iter().map(|&s| Some(s)).collect(),
        observed: states,
        elimination,
    }
}

/// The Lorenz system at its classic parameters, `samples` samples 0.01 apart, with noise relative to each state's deviation.
fn lorenz(samples: usize, noise: f64, seed: u64) -> data::Dataset {
    let mut rhs = |_: f64, u: &[f64], du: &mut [f64]| {
        du[0] = 10.0 * (u[1] - u[0]);
        du[1] = u[0] * (28.0 - u[2]) - u[1];
        du[2] = u[0] * u[1] - 8.0 / 3.0 * u[2];
    };
    let tolerance = data::Tolerance::default();
    let sampling = data::Sampling { t0: 0.0, dt: 0.01, samples, tolerance };
    let columns: Vec<(String, usize)> = ["x", "y", "z"].iter().enumerate().map(|(i, n)| (n.to_string(), i)).collect();
    let trajectory = data::simulate(&mut rhs, &[1.0, 1.0, 1.0], &columns, &sampling).unwrap();
    let mut dataset = data::Dataset {
        source: "simulated".into(),
        columns: columns.into_iter().map(|(n, _)| n).collect(),
        inputs: Vec::new(),
        trajectories: vec![trajectory],
    };
    if noise > 0.0 {
        dataset.add_noise(data::Noise::Relative(noise), seed).unwrap();
    }
    dataset
}

const LORENZ: [(&str, f64); 7] =
    [("x'[x]", -10.0), ("x'[y]", 10.0), ("y'[x]", 28.0), ("y'[y]", -1.0), ("y'[x*z]", -1.0), ("z'[z]", -8.0 / 3.0), ("z'[x*y]", 1.0)];

struct Watch(std::time::Instant);

impl Observer for Watch {
    fn progress(&mut self, p: &Progress) {
        if p.step % 100 == 0 || p.step == 1 {
            eprintln!("{:6.1}s step {}/{} loss {:.4e} {}", self.0.elapsed().as_secs_f64(), p.step, p.total, p.loss, p.phase);
        }
    }
    fn should_stop(&self) -> bool {
        false
    }
}

fn train(program: &Program, coefficients: &Coefficients, data: &data::Dataset, settings: &Settings, threads: usize) -> GradientFit {
    let fit_item = program.fits.values().next().unwrap();
    let model = &program.models[fit_item.model];
    let mut fit_item = fit_item.clone();
    fit_item.window = settings.window;
    let observed: Vec<_> = model.states.ids().collect();
    let request =
        Request { model, networks: &program.networks, fit: &fit_item, observed: &observed, coefficients };
    let lowered = training::lower(request).unwrap();
    let elimination = match coefficients {
        Coefficients::Projected => Elimination::Projected,
        Coefficients::Trained => Elimination::Trained,
        Coefficients::Emitted { .. } => Elimination::Emitted,
    };
    let layout = layout(program, &lowered, elimination);
    let programs = lowered.module.functions.iter().map(|f| kernel::lower(&lowered.module, f).unwrap()).collect();
    let artifact = codegen::host::compile("training", programs).unwrap();
    let threads = Threads::new(threads).unwrap();
    let mut functions = Functions::new(&artifact, &threads).unwrap();
    fit(&mut functions, &layout, data, settings, &mut Watch(std::time::Instant::now())).unwrap()
}

fn report(program: &Program, fit: &GradientFit) -> (usize, f64) {
    let item = program.fits.values().next().unwrap();
    let model = &program.models[item.model];
    let (mut wrong, mut worst) = (0, 0.0f64);
    for (unknown, c) in model.unknowns.values().zip(&fit.coefficients) {
        let truth = LORENZ.iter().find(|(n, _)| *n == unknown.name).map(|x| x.1);
        if c.kept != truth.is_some() {
            wrong += 1;
        }
        if let Some(t) = truth {
            worst = worst.max((c.value / t - 1.0).abs());
        }
        if c.kept {
            eprintln!("{} = {:.5} +- {:?}", unknown.name, c.value, c.std_error);
        }
    }
    eprintln!("wrong {wrong}, worst {:.4} %, {:?} {:?}", 100.0 * worst, fit.loss, fit.residual);
    (wrong, worst)
}

const SOURCE: &str = "
use std.systems.Lorenz63
model Lorenz {
  state x, y, z
  (x, y, z)' = ?poly(x, y, z; degree = 2)
}
network smoother {
  input (x, y, z) over window
  mlp [HIDDEN] relu
  output v[3] over window
}
data run = simulate Lorenz63 { steps 10000; dt 0.01 }
fit Lorenz to run {
  auxiliary (x, y, z) = smoother.v
}
";

#[test]
#[ignore = "a full training run of minutes"]
fn published_network() {
    let var = |name: &str, default: f64| std::env::var(name).ok().and_then(|s| s.parse().ok()).unwrap_or(default);
    let program = program(&SOURCE.replace("HIDDEN", "1024, 1024"));
    let data = lorenz(var("SAMPLES", 10000.0) as usize, var("NOISE", 0.0), 1);
    let settings = Settings {
        seed: var("SEED", 0.0) as u64,
        steps: Some(var("STEPS", 2500.0) as usize),
        batch: var("BATCH", 512.0) as usize,
        rate: var("RATE", 5e-4),
        prune_from: var("PRUNE", 0.3),
        consistency: var("CONSISTENCY", 1.0),
        ..Settings::default()
    };
    let fit = train(&program, &Coefficients::Projected, &data, &settings, var("THREADS", 2.0) as usize);
    let (wrong, worst) = report(&program, &fit);
    assert!(wrong == 0 && worst < 0.02, "{wrong} wrong terms, error {worst}");
}

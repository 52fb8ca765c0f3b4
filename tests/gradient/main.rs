//! Gradient training, from source to coefficients.

mod adjoints;
#[path = "../common/mod.rs"]
mod common;
mod rolled;

use std::cell::Cell;
use std::time::Duration;

use mechc::artifact::training::Elimination;
use mechc::diagnostics::Sink;
use mechc::hir::{Program, UnknownKind};
use mechc::lower::training::{self, Coefficients, Lowered, Request};
use mechc::runtime::{Loaded, Threads};
use mechc::source::{MemoryWorld, Sources};
use mechc::train::gradient::{
    CoefficientSpec, Decay, Functions, GradientError, GradientFit, Keeper, Layout, ParameterSpec, Settings, State, fit,
    go_on,
};
use mechc::train::{Observer, Progress, Silent};
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
    let states: Vec<usize> = (0..model.states.len()).collect();
    Layout {
        weights: lowered.weights.clone(),
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

/// `samples` samples `dt` apart of a system, with noise relative to each state's deviation.
fn simulated(
    mut rhs: impl FnMut(&[f64], &mut [f64]),
    start: &[f64],
    (dt, samples): (f64, usize),
    noise: f64,
) -> data::Dataset {
    let tolerance = data::Tolerance::default();
    let sampling = data::Sampling { t0: 0.0, dt, samples, tolerance };
    let columns: Vec<(String, usize)> = (0..start.len()).map(|i| (format!("s{i}"), i)).collect();
    let mut rhs = |_: f64, u: &[f64], du: &mut [f64]| rhs(u, du);
    let trajectory = data::simulate(&mut rhs, start, &columns, &sampling).unwrap();
    let mut dataset = data::Dataset {
        source: "simulated".into(),
        columns: columns.into_iter().map(|(n, _)| n).collect(),
        inputs: Vec::new(),
        trajectories: vec![trajectory],
    };
    if noise > 0.0 {
        dataset.add_noise(data::Noise::Relative(noise), 1).unwrap();
    }
    dataset
}

/// The Lorenz system at its classic parameters.
fn lorenz(samples: usize, noise: f64) -> data::Dataset {
    let rhs = |u: &[f64], du: &mut [f64]| {
        du[0] = 10.0 * (u[1] - u[0]);
        du[1] = u[0] * (28.0 - u[2]) - u[1];
        du[2] = u[0] * u[1] - 8.0 / 3.0 * u[2];
    };
    simulated(rhs, &[1.0, 1.0, 1.0], (0.01, samples), noise)
}

/// Predator and prey: x' = 1.1 x - 0.4 x y, y' = 0.3 x y - 0.8 y.
fn prey(samples: usize) -> data::Dataset {
    let rhs = |u: &[f64], du: &mut [f64]| {
        du[0] = 1.1 * u[0] - 0.4 * u[0] * u[1];
        du[1] = 0.3 * u[0] * u[1] - 0.8 * u[1];
    };
    simulated(rhs, &[2.0, 1.0], (0.05, samples), 0.0)
}

const LORENZ: [(&str, f64); 7] = [
    ("x'[x]", -10.0),
    ("x'[y]", 10.0),
    ("y'[x]", 28.0),
    ("y'[y]", -1.0),
    ("y'[x*z]", -1.0),
    ("z'[z]", -8.0 / 3.0),
    ("z'[x*y]", 1.0),
];

/// Says so many times that the fit may go on.
struct Patience(Cell<usize>);

impl Observer for Patience {
    fn progress(&mut self, _: &Progress) {}
    fn should_stop(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left == 0
    }
}

/// A fit made ready: compiled functions and their layout.
struct Ready {
    functions: Functions,
    layout: Layout,
}

fn ready(program: &Program, coefficients: &Coefficients, window: usize, threads: usize) -> Ready {
    let mut item = program.fits.values().next().unwrap().clone();
    item.window = window;
    let model = &program.models[item.model];
    let observed: Vec<_> = model.states.ids().collect();
    let request = Request { model, networks: &program.networks, fit: &item, observed: &observed, coefficients };
    let lowered = training::lower(request).unwrap();
    let layout = layout(program, &lowered, coefficients.elimination());
    let programs = lowered.module.functions.iter().map(|f| kernel::lower(&lowered.module, f).unwrap()).collect();
    let artifact = codegen::host::compile("training", programs).unwrap();
    let loaded = Loaded::Host { artifact: artifact.into(), threads: Threads::new(threads).unwrap() };
    let functions = Functions::new(&loaded).unwrap();
    Ready { functions, layout }
}

impl Ready {
    fn fit(&mut self, data: &data::Dataset, settings: &Settings) -> Result<GradientFit, GradientError> {
        fit(&mut self.functions, &self.layout, data, settings, &mut Silent)
    }
}

/// How many terms are wrong, and the largest relative error of the true ones.
fn judge(program: &Program, fit: &GradientFit, truth: &[(&str, f64)]) -> (usize, f64) {
    let item = program.fits.values().next().unwrap();
    let unknowns = &program.models[item.model].unknowns;
    let linear = unknowns.values().filter(|u| u.linear);
    let (mut wrong, mut worst) = (0, 0.0f64);
    for (unknown, c) in linear.zip(&fit.coefficients) {
        let truth = truth.iter().find(|(n, _)| *n == unknown.name).map(|x| x.1);
        wrong += usize::from(c.kept != truth.is_some());
        worst = truth.map_or(worst, |t| worst.max((c.value / t - 1.0).abs()));
    }
    (wrong, worst)
}

/// The published network at its published size. Takes minutes, so it runs when asked for: the variables SEED, NOISE, STEPS, SAMPLES
/// and THREADS change it.
#[test]
#[ignore = "a full training run of minutes"]
fn published_network() {
    let var = |name: &str, default: f64| std::env::var(name).ok().and_then(|s| s.parse().ok()).unwrap_or(default);
    let program = program(&source(LORENZ_MODEL, "1024, 1024"));
    let data = lorenz(var("SAMPLES", 10000.0) as usize, var("NOISE", 0.0));
    let settings = Settings {
        seed: var("SEED", 0.0) as u64,
        steps: Some(var("STEPS", 2500.0) as usize),
        batch: var("BATCH", 512.0) as usize,
        rate: var("RATE", 5e-4),
        prune_from: var("PRUNE", 0.3),
        consistency: var("CONSISTENCY", 1.0),
        deviation: var("DEVIATION", 1.0),
        standardise: var("STANDARDISE", 1.0) > 0.0,
        ..Settings::default()
    };
    let mut ready = ready(&program, &Coefficients::Projected, settings.window, var("THREADS", 2.0) as usize);
    let fit = ready.fit(&data, &settings).unwrap();
    for (i, loss) in fit.state.losses.iter().enumerate().filter(|(i, _)| i % 100 == 99) {
        println!("step {}: loss {loss:.3e}", i + 1);
    }
    for c in fit.coefficients.iter().filter(|c| c.kept) {
        println!("{c:?}");
    }
    let (wrong, worst) = judge(&program, &fit, &LORENZ);
    println!("{wrong} wrong terms, largest error {:.3} %, {:?}, residual {:?}", 100.0 * worst, fit.loss, fit.residual);
    let limit = if var("NOISE", 0.0) == 0.0 { 0.005 } else { 0.02 };
    assert!(wrong == 0 && worst < limit);
}

const LORENZ_MODEL: &str = "
  state x, y, z
  (x, y, z)' = ?poly(x, y, z; degree = 2)
";

/// A program with a network over the states of a model.
fn source(model: &str, hidden: &str) -> String {
    let states = model.trim().lines().next().and_then(|l| l.trim().strip_prefix("state ")).unwrap();
    let count = states.split(',').count();
    format!(
        r#"
model M {{
{model}
}}
network smoother {{
  input ({states}) over window
  mlp [{hidden}] relu
  output v[{count}] over window
}}
data run = csv("run.csv") {{ time t }}
fit M to run {{
  auxiliary ({states}) = smoother.v
}}
"#
    )
}

/// On clean data that stand for themselves in the terms, only the solve's own error is left: a test of the scheme.
#[test]
fn without_a_network_the_data_stand_for_themselves() {
    let text = source(LORENZ_MODEL, "4").replace("auxiliary (x, y, z) = smoother.v", "");
    let program = program(&text);
    let settings = Settings { steps: Some(0), ..Settings::default() };
    let fit = ready(&program, &Coefficients::Projected, 50, 2).fit(&lorenz(4000, 0.0), &settings).unwrap();
    let (wrong, worst) = judge(&program, &fit, &LORENZ);
    assert!(wrong == 0 && worst < 1e-3, "{wrong} wrong terms, error {worst}: {:?}", fit.coefficients);
}

const PREY_MODEL: &str = "
  state x, y
  (x, y)' = ?poly(x, y; degree = 2)
";

const PREY: [(&str, f64); 4] = [("x'[x]", 1.1), ("x'[x*y]", -0.4), ("y'[x*y]", 0.3), ("y'[y]", -0.8)];

fn small() -> Settings {
    Settings {
        window: 20,
        batch: 64,
        steps: Some(400),
        rate: 3e-3,
        threshold: 0.03,
        deviation: 1.0,
        ..Settings::default()
    }
}

#[test]
fn projected_training_finds_predator_and_prey() {
    let program = program(&source(PREY_MODEL, "64"));
    let mut ready = ready(&program, &Coefficients::Projected, 20, 2);
    let fit = ready.fit(&prey(600), &small()).unwrap();
    let (wrong, worst) = judge(&program, &fit, &PREY);
    assert!(wrong == 0 && worst < 0.02, "{wrong} wrong terms, error {worst}: {:?}", fit.coefficients);
    assert!(fit.state.losses.last() < fit.state.losses.first());
    assert_eq!(fit.reconstructions[0].len, 600);
    assert!(fit.residual.iter().all(|&r| r < 0.05), "{:?}", fit.residual);
}

#[test]
fn two_threads_give_the_bits_of_one() {
    let program = program(&source(PREY_MODEL, "96, 80"));
    let settings = Settings { steps: Some(12), batch: 200, ..small() };
    let data = prey(500);
    let [one, two] = [1, 2].map(|n| ready(&program, &Coefficients::Projected, 20, n).fit(&data, &settings).unwrap());
    assert_eq!(one, two);
}

#[test]
fn trained_and_emitted_coefficients() {
    let program = program(&source(PREY_MODEL, "64"));
    let emitted = Coefficients::Emitted { code: 8, hidden: vec![32] };
    for coefficients in [Coefficients::Trained, emitted] {
        let settings = Settings { cycles: 2, coefficient_rate: Some(1e-2), decay: Decay::Constant, ..small() };
        let fit = ready(&program, &coefficients, 20, 2).fit(&prey(400), &settings).unwrap();
        let (first, last) = (fit.state.losses[0], *fit.state.losses.last().unwrap());
        assert!(last < 0.2 * first, "{coefficients:?}: {first} to {last}");
        // What a cycle dropped stays at zero; what is kept was above the threshold at its end.
        assert!(fit.coefficients.iter().any(|c| !c.kept), "{coefficients:?}");
        assert!(fit.coefficients.iter().all(|c| c.kept || c.value == 0.0));
    }
}

/// A rate inside a term is trained, its amplitude projected.
#[test]
fn unknowns_inside_terms_are_trained() {
    let program = program(&source(
        "
  state x
  param a
  param k = 1 in [0.1, 4]
  x' = a*exp(-k*x)
",
        "32",
    ));
    let mut ready = ready(&program, &Coefficients::Projected, 20, 2);
    // Several starts, so that amplitude and rate can be told apart.
    let parts = [0.0, 0.5, 1.0].map(|x| simulated(|u, du| du[0] = 2.0 * (-1.6 * u[0]).exp(), &[x], (0.02, 120), 0.0));
    let mut data = parts[0].clone();
    data.trajectories.extend(parts[1..].iter().map(|p| p.trajectories[0].clone()));
    let settings = Settings { coefficient_rate: Some(2e-2), steps: Some(1200), ..small() };
    let fit = ready.fit(&data, &settings).unwrap();
    let found = (fit.coefficients[0].value, fit.parameters[0]);
    // The auxiliaries of so small a network are off by a percent of the state's range, which shows in both numbers.
    assert!((found.0 / 2.0 - 1.0).abs() < 0.06 && (found.1 / 1.6 - 1.0).abs() < 0.06, "{found:?}");
}

#[test]
fn divergence_and_bad_data_are_said() {
    let program = program(&source(PREY_MODEL, "16"));
    let mut ready = ready(&program, &Coefficients::Projected, 20, 1);
    let wild = Settings { rate: 1e30, steps: Some(10), ..small() };
    match ready.fit(&prey(200), &wild) {
        Err(GradientError::Diverged { step, .. }) => assert!((1..10).contains(&step)),
        other => panic!("{other:?}"),
    }
    let mut holes = prey(60);
    holes.trajectories[0].valid.iter_mut().step_by(20).for_each(|v| *v = false);
    assert!(matches!(ready.fit(&holes, &small()), Err(GradientError::Missing { window: 20 })));
    let mut unequal = prey(60);
    let mut other = unequal.trajectories[0].clone();
    other.dt *= 2.0;
    unequal.trajectories.push(other);
    assert!(matches!(ready.fit(&unequal, &small()), Err(GradientError::Steps)));
    assert!(matches!(ready.fit(&prey(10), &small()), Err(GradientError::Data(_))));
}

/// Keeps what it is given.
#[derive(Default)]
struct Kept(Option<State>);

impl Keeper for Kept {
    fn offer(&mut self, _: &State, _: Duration) {}
    fn keep(&mut self, state: &State) {
        self.0 = Some(state.clone());
    }
}

/// Interrupted at every few steps, while terms are dropped and at the end, a training gives the bits of one that was not.
#[test]
fn an_interrupted_training_goes_on_to_the_same_bits() {
    let program = program(&source(PREY_MODEL, "16"));
    let data = prey(200);
    let settings = Settings { steps: Some(60), cycles: 3, ..small() };
    // What is held out follows another law, so that fitting better soon makes it worse.
    let other = simulated(|u, du| (du[0], du[1]) = (u[1], -u[0]), &[2.0, 1.0], (0.05, 60), 0.0);
    let decay = Decay::Plateau { patience: 1, factor: 0.5 };
    let watched = Settings { rate: 5e-3, evaluate: Some(3), patience: Some(3), decay, warmup: 4, ..settings.clone() };
    for (coefficients, held, settings) in [
        (Coefficients::Projected, None, &settings),
        (Coefficients::Trained, None, &settings),
        (Coefficients::Projected, Some(&other), &watched),
        (Coefficients::Trained, Some(&other), &watched),
    ] {
        let mut ready = ready(&program, &coefficients, 20, 1);
        let start = State::start(&ready.layout, settings.seed);
        let Ready { functions, layout } = &mut ready;
        let whole =
            go_on(functions, layout, (&data, held), settings, start, &mut Kept::default(), &mut Silent).unwrap();
        let watch = &whole.state.watch;
        assert_eq!(watch.losses.is_empty(), held.is_none());
        if held.is_some() {
            assert!(whole.state.step < 60 && watch.waited == 3 && watch.factor < 1.0, "{watch:?}");
            assert_eq!(watch.least, watch.losses.iter().copied().fold(f64::INFINITY, f64::min));
        }
        let mut state = State::start(&ready.layout, settings.seed);
        let mut interrupts = 0;
        let pieces = loop {
            // The number of questions that are answered with no: some end in the middle of a look, the last ones in the final sums.
            let mut stop = Patience(Cell::new(7 + interrupts));
            let mut kept = Kept::default();
            let Ready { functions, layout } = &mut ready;
            match go_on(functions, layout, (&data, held), settings, state, &mut kept, &mut stop) {
                Err(GradientError::Interrupted { step }) => {
                    interrupts += 1;
                    state = kept.0.expect("a state");
                    assert_eq!(state.step, step);
                    assert!(state.belongs_to(layout));
                }
                other => break other.unwrap(),
            }
        };
        assert!(interrupts > 3, "{interrupts}");
        assert_eq!(whole, pieces, "{coefficients:?}");
    }
}

#[test]
fn the_last_finite_state_of_a_divergence_is_kept() {
    let program = program(&source(PREY_MODEL, "16"));
    let mut ready = ready(&program, &Coefficients::Projected, 20, 1);
    let wild = Settings { rate: 1e30, steps: Some(10), ..small() };
    let start = State::start(&ready.layout, wild.seed);
    let mut kept = Kept::default();
    let Ready { functions, layout } = &mut ready;
    let result = go_on(functions, layout, (&prey(200), None), &wild, start.clone(), &mut kept, &mut Silent);
    assert!(matches!(result, Err(GradientError::Diverged { .. })), "{result:?}");
    let kept = kept.0.expect("a state");
    // How networks see the states follows from the data, before the first step.
    let normalisation = kept.normalisation.clone();
    assert!(normalisation.mean.len() == 2 && normalisation.scale.iter().all(|s| *s > 0.0), "{normalisation:?}");
    assert_eq!(kept, State { normalisation, ..start });
}

/// The example with parameters of its own for every trajectory, a few steps of it: from the command line to the table.
#[test]
fn parameters_of_every_trajectory_come_out_as_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/logistic.mech");
    std::fs::copy(example, folder.path().join("m.mech")).unwrap();
    let sets = ["runs.trajectories=20", "fit.steps=60", "fit.batch=8"];
    let run = |threads: &str, out: &str| {
        let mut args = vec!["run", "m.mech", "--threads", threads, "--out", out];
        args.extend(sets.iter().flat_map(|set| ["--set", set]));
        common::mechc(&folder, &args).ok().file("parameters.csv")
    };
    let table = run("1", "a");
    assert_eq!(table, run("2", "b"));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "part,trajectory,t,a,r,c,true r,true k");
    assert_eq!(lines.len(), 21);
    assert_eq!(lines.iter().filter(|l| l.starts_with("held out,")).count(), 4);
    let record = common::json(folder.path().join("a/record.json"));
    let metric = |name: &str| {
        let found = record["metrics"].as_array().unwrap().iter().find(|m| m["name"] == name && m["part"] == "held out");
        found.map(|m| m["value"].as_f64().unwrap())
    };
    // Rates are drawn from a normal distribution around 3 and differ.
    let rate = |l: &&str| l.split(',').nth(6).unwrap().parse::<f64>().unwrap();
    let rates: Vec<f64> = lines[1..].iter().map(rate).collect();
    assert!(rates.iter().all(|r| (0.5..5.5).contains(r)) && rates[0] != rates[1], "{rates:?}");
    assert!(metric("R^2 of r").unwrap() < 1.0);
    assert!(metric("R^2 of k").is_none(), "the fitted model has no k");
    assert!(metric("RMSE of x").unwrap() < 1.0, "{record}");
    let discovered = std::fs::read_to_string(folder.path().join("a/discovered.mech")).unwrap();
    assert!(discovered.contains("x' ="), "{discovered}");
}

//! Roll-outs of trained networks against the same steps made one by one.

use mechc::artifact::training::names;
use mechc::base::{Elem, Tensor};
use mechc::data::Dataset;
use mechc::hir::{Fit, StateId};
use mechc::interp::run;
use mechc::lower::training::{self, Coefficients, Request};
use mechc::runtime::{Loaded, Threads};
use mechc::train::Silent;
use mechc::train::gradient::{Functions, Seed, Settings, fit, roll_out};
use mechc::{codegen, kernel};

use super::{layout, program, simulated};

/// Two oscillators, as `cos` and `sin` of different speeds.
fn oscillators() -> Dataset {
    let rhs = |u: &[f64], du: &mut [f64]| {
        du[0] = u[1];
        du[1] = -u[0];
    };
    simulated(rhs, &[1.0, 0.2], (0.2, 60), 0.0)
}

const MODEL: &str = "model M {
  index site = 2
  state s[site] order 2
  field c[site], b[site] over time
  (1 + c^2)*s'' + s = b
  initial s = data.s START
}
data run = npz(\"run.npz\") { dt 0.2 }
network net {
  input s over window
  mlp [6] tanh
  output c[4] over horizon
  output start[2]
}
fit M to run { window 4; horizon 7; fields (c, b) = net.c; loss mse(s) MORE }
";

/// Networks read four samples, and two of the three that each solve adds are taken.
fn compare(start: &str, more: &str) {
    let program = program(&MODEL.replace("START", start).replace("MORE", more));
    let item: &Fit = program.fits.values().next().unwrap();
    let model = &program.models[item.model];
    let observed: Vec<StateId> = model.states.ids().collect();
    let coefficients = Coefficients::Projected;
    let request =
        Request { model, networks: &program.networks, fit: item, observed: &observed, coefficients: &coefficients };
    let lowered = training::lower(request).unwrap();
    let layout = layout(&program, &lowered, coefficients.elimination());
    let programs = lowered.module.functions.iter().map(|f| kernel::lower(&lowered.module, f).unwrap()).collect();
    let artifact = codegen::host::compile("training", programs).unwrap();
    let loaded = Loaded::Host { artifact: artifact.into(), threads: Threads::new(1).unwrap() };
    let mut functions = Functions::new(&loaded).unwrap();
    let data = oscillators();
    let settings = Settings {
        window: item.span(),
        begin: item.begin,
        read: item.window,
        batch: 8,
        steps: Some(20),
        rate: 5e-3,
        shifts: if more.contains("shift") { vec![(0, 0), (1, 1)] } else { Vec::new() },
        ..Settings::default()
    };
    let found = fit(&mut functions, &layout, &data, &settings, &mut Silent).unwrap();
    let values = data.trajectories[0].values[..8].to_vec();
    let seed = Seed { t0: 0.0, values: values.clone() };
    let rolled = roll_out(&functions, &layout, &data, &settings, &found, (&[seed], 5, 2), &Silent).unwrap();

    // The same by hand, with the slow evaluator in double precision: nothing of the roll-out is used.
    let mut module = lowered.module.clone();
    for f in &mut module.functions {
        for id in f.values.ids().collect::<Vec<_>>() {
            f.values[id].ty.elem = Elem::F64;
        }
    }
    let evaluate = module.function(names::EVALUATE).unwrap();
    let vector = |numbers: &[f64]| Tensor::from_f64(vec![numbers.len()], numbers.to_vec()).unwrap();
    let (mut last, mut wanted) = (values, Vec::new());
    while wanted.len() < 10 {
        // What is to come is not known: any number will do.
        let mut window = last[item.begin * 2..].to_vec();
        window.resize(item.reach() * 2, 7.5);
        let arg = |&p: &mechc::ir::ValueId| {
            let name = evaluate.values[p].name.as_str();
            if let Some((_, constant)) = lowered.constants.iter().find(|(n, _)| n == name) {
                return constant.clone();
            }
            if let Some(weight) = found.state.weights.iter().find(|w| w.name == name) {
                return Tensor::from_f64(weight.value.shape().to_vec(), weight.value.to_f64()).unwrap();
            }
            match name {
                names::WINDOW => Tensor::from_f64(vec![1, item.reach(), 2], window.clone()).unwrap(),
                names::READ => Tensor::from_f64(vec![1, 4, 2], last.clone()).unwrap(),
                names::MEAN => vector(&found.state.normalisation.mean),
                names::SCALE => vector(&found.state.normalisation.scale),
                names::WEIGHT => vector(&[1.0, 1.0]),
                names::STEP_SIZE => Tensor::scalar(0.2),
                names::AVERAGE | names::CONSISTENCY => Tensor::scalar(1.0),
                other => panic!("{other}"),
            }
        };
        let args: Vec<Tensor> = evaluate.params.iter().map(arg).collect();
        let results = run(&module, names::EVALUATE, &args).unwrap();
        let at = evaluate.results.iter().position(|(n, _)| n == names::SOLUTION).unwrap();
        let solution = results[at].to_f64();
        let origin = if more.contains("shift") { last[..2].to_vec() } else { vec![0.0; 2] };
        // The samples behind those that were read.
        let first = (item.window - item.begin) * 2;
        let new: Vec<f64> = solution[first..first + 4].iter().enumerate().map(|(k, x)| x + origin[k % 2]).collect();
        wanted.extend_from_slice(&new);
        last = [&last[4..], &new].concat();
    }
    wanted.truncate(10);
    let size = wanted.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    assert_eq!(rolled[0].len(), 10);
    for (k, (x, y)) in rolled[0].iter().zip(&wanted).enumerate() {
        // Networks are computed in single precision.
        assert!((x - y).abs() < 1e-4 * size, "{start} {more}: number {k}: {x} and {y}");
    }
    let moves = wanted.chunks(2).any(|row| (row[0] - wanted[0]).abs() > 1e-3);
    assert!(moves, "a prediction that stands still proves nothing: {wanted:?}");
}

#[test]
fn solves_that_begin_with_the_window() {
    compare("for 3 steps", "");
    compare("for 3 steps", "; shift s by s at 0");
}

#[test]
fn solves_that_begin_at_the_last_sample() {
    compare("at last", "; initial s' = net.start");
    compare("at last", "; initial s' = net.start; shift s by s at 0");
}

//! Gradients of training steps against finite differences, from source.

use mechc::artifact::training::names;
use mechc::base::{Elem, Tensor};
use mechc::hir::StateId;
use mechc::interp::{check_gradient, run};
use mechc::ir::Module;
use mechc::lower::training::{Coefficients, Lowered, Request, lower};

use super::program;

/// The functions of the only fit, and which states the data have, by name.
fn lowered(text: &str, coefficients: &Coefficients) -> Lowered {
    let program = program(text);
    let fit = program.fits.values().next().unwrap();
    let model = &program.models[fit.model];
    let observed: Vec<StateId> = model.states.ids().collect();
    lower(Request { model, networks: &program.networks, fit, observed: &observed, coefficients }).unwrap()
}

/// The same functions with every number in double precision, so that differences can be taken.
fn widened(module: &Module) -> Module {
    let mut module = module.clone();
    for f in &mut module.functions {
        for id in f.values.ids().collect::<Vec<_>>() {
            f.values[id].ty.elem = Elem::F64;
        }
    }
    module
}

/// Smooth made-up numbers for the parameters of a function; three samples.
fn arguments(lowered: &Lowered, function: &str) -> Vec<Tensor> {
    let f = lowered.module.function(function).unwrap();
    let arg = |&p: &mechc::ir::ValueId| {
        let value = &f.values[p];
        if let Some((_, tensor)) = lowered.constants.iter().find(|(name, _)| *name == value.name) {
            return tensor.clone();
        }
        let shape: Vec<usize> = value.ty.axes.iter().map(|&a| lowered.module.axes[a].size.unwrap_or(3)).collect();
        let n: usize = shape.iter().product();
        let fill = |f: &dyn Fn(f64) -> f64| (0..n).map(|i| f(i as f64)).collect::<Vec<f64>>();
        let numbers = match value.name.as_str() {
            names::WINDOW | names::READ => fill(&|i| 1.0 + (0.37 * i).sin() + 0.1 * (1.3 * i).cos()),
            names::TIME => fill(&|i| 0.1 * i),
            names::SCALE => vec![1.3; n],
            names::WEIGHT => fill(&|i| 0.6 + 0.3 * i),
            names::STEP_SIZE => vec![0.1],
            names::AVERAGE => vec![1.0 / 42.0],
            names::CONSISTENCY => vec![0.7],
            names::RIDGE => vec![1e-3],
            names::MASK => vec![1.0; n],
            names::HELD => vec![0.0; n],
            other => fill(&|i| 0.4 * (1.7 * i + other.len() as f64).sin()),
        };
        Tensor::from_f64(shape, numbers).unwrap()
    };
    f.params.iter().map(arg).collect()
}

/// Compares the adjoints of all trained arrays, of which there are at least `arrays`.
#[track_caller]
fn check(lowered: &Lowered, arrays: usize) {
    let module = widened(&lowered.module);
    let args = arguments(lowered, names::STEP);
    let f = module.function(names::STEP).unwrap();
    let wrt: Vec<&str> = f.results.iter().filter_map(|(n, _)| n.strip_suffix(names::ADJOINT)).collect();
    assert!(wrt.len() >= arrays, "{wrt:?}");
    check_gradient(&module, names::STEP, names::STEP, names::LOSS, &wrt, &args, 1e-6).unwrap();
}

const SMOOTHER: &str = "data run = csv(\"run.csv\") { time t }
network smoother {
  input x, y over window
  mlp [2] tanh
  output v[2] over window
}
fit M to run { window 4; auxiliary (x, y) = smoother.v }
";

/// What leaves one equation arrives in the other, once inside a function: linear and nonlinear unknowns that stand twice.
#[test]
fn named_holes() {
    let exchange = "model M {
  state x, y
  hole g = ?poly(x, y; degree = 2)
  x' = -g + ?terms(x^3)
  y' = 2*g - 0.1*y
}
";
    let eliminated = lowered(&format!("{exchange}{SMOOTHER}"), &Coefficients::Projected);
    assert_eq!(eliminated.coefficients.len(), 7, "six of the hole, and one");
    assert_eq!(eliminated.coefficients[0].states, [0, 1]);
    check(&eliminated, 4);
    check(&lowered(&format!("{exchange}{SMOOTHER}"), &Coefficients::Trained), 5);

    let inside = "model M {
  state x, y
  hole g = ?terms(x, y)
  x' = -tanh(g)
  y' = exp(-g^2) - 0.1*y + ?terms(x*y)
}
";
    let inside = lowered(&format!("{inside}{SMOOTHER}"), &Coefficients::Projected);
    assert_eq!((inside.coefficients.len(), inside.parameters.len()), (1, 2));
    check(&inside, 5);
}

/// Parameters, with and without a range, and the step are numbers of each window that a network gives.
#[test]
fn numbers_per_sample() {
    let text = "model M {
  state x, y
  param r in [0, 3], k per sample
  step per sample
  x' = r*x - sin(k*x)*y
  y' = -k*y + ?terms(x*y)
}
data run = csv(\"run.csv\") { time t }
network reader {
  input x, y over window
  trunk = conv1d [3] kernel 3 tanh
  output v[2] over window = trunk, conv1d [2] kernel 1
  output p[2] = trunk, flatten, linear
  output h = trunk, flatten, linear(bias = -2, weight = 0.5), sigmoid
}
fit M to run {
  window 6
  auxiliary (x, y) = reader.v
  parameters (r, k) = reader.p
  step = reader.h
}
";
    let lowered = lowered(text, &Coefficients::Projected);
    assert_eq!((lowered.coefficients.len(), lowered.parameters.len()), (1, 0));
    check(&lowered, 8);
}

const WAVE: &str = "model M {
  index cell = 3, term = 0..2
  state u[cell] order 2
  field c[term, cell], b[cell] over time
  step per sample
  (3 + c[2])*u'' + c[1]*u' + c[0]*u = b
  initial u = data.u at last
}
data run = npz(\"run.npz\") { dt 0.1 }
network waves {
  input u over window, cell
  trunk = conv1d [2] kernel 3 circular tanh, conv1d [2] kernel 3 gelu residual
  output c[4] over horizon, cell = trunk, conv1d(weight = 0.5, bias = 0.2) kernel 3 circular
  output start over cell = trunk
  output h = trunk, flatten, linear(bias = -2, weight = 0.5), sigmoid
}
fit M to run {
  window 3; horizon 6
  fields (c, b) = waves.c
  initial u' = waves.start
  step = waves.h
  loss mse(u)
}
";

/// Layers along an index set, fields of its elements, and solves that begin at the last sample that networks read.
#[test]
fn along_an_index_set() {
    let lowered = lowered(WAVE, &Coefficients::Projected);
    check(&lowered, 10);
    let module = widened(&lowered.module);
    let step = module.function(names::STEP).unwrap();
    let solves = step.insts.values().filter(|i| matches!(i.op, mechc::ir::Op::Solve(_))).count();
    assert_eq!(solves, 1, "the systems of all cells are solved together");

    let evaluate = module.function(names::EVALUATE).unwrap();
    let place = |name: &str| evaluate.params.iter().position(|&p| evaluate.values[p].name == name).unwrap();
    let (window, read) = (place(names::WINDOW), place(names::READ));
    let args = arguments(&lowered, names::EVALUATE);
    assert_eq!((args[window].shape(), args[read].shape()), (&[3, 4, 3][..], &[3, 3, 3][..]));
    let at = |name: &str| evaluate.results.iter().position(|(n, _)| n == name).unwrap();
    let solution = |args: &[Tensor]| run(&module, names::EVALUATE, args).unwrap()[at(names::SOLUTION)].to_f64();
    let found = solution(&args);
    // Behind its first sample, where the solve begins, what a window has is compared and nothing else.
    let change = |i: usize| -> Vec<f64> {
        let numbers = args[window].to_f64().into_iter().enumerate();
        let moved = numbers.map(|(k, x)| if k % 12 / 3 == i { x + 0.5 } else { x }).collect();
        let mut args = args.clone();
        args[window] = Tensor::from_f64(vec![3, 4, 3], moved).unwrap();
        solution(&args)
    };
    assert_eq!(found, change(1));
    assert_eq!(found, change(3));
    let moved = change(0);
    assert!(found.iter().zip(&moved).any(|(a, b)| (a - b).abs() > 0.1), "the solution begins at the data");
}

/// Circular layers see no difference between the cells: turning what is read turns the solution.
#[test]
fn turning_the_cells_turns_the_solution() {
    let text =
        ["  step per sample\n", "  step = waves.h\n"].iter().fold(WAVE.to_string(), |t, line| t.replace(line, ""));
    let text: String = text.lines().filter(|l| !l.contains("output h")).map(|l| format!("{l}\n")).collect();
    let lowered = lowered(&text.replace("gelu residual", "gelu circular residual"), &Coefficients::Projected);
    let module = widened(&lowered.module);
    let evaluate = module.function(names::EVALUATE).unwrap();
    let place = |name: &str| evaluate.params.iter().position(|&p| evaluate.values[p].name == name).unwrap();
    let at = evaluate.results.iter().position(|(n, _)| n == names::SOLUTION).unwrap();
    let turned = |t: &Tensor| {
        let numbers = t.to_f64();
        let turned = (0..numbers.len()).map(|k| numbers[k / 3 * 3 + (k + 1) % 3]).collect();
        Tensor::from_f64(t.shape().to_vec(), turned).unwrap()
    };
    let mut args = arguments(&lowered, names::EVALUATE);
    // All cells have the same statistics.
    args[place(names::MEAN)] = Tensor::from_f64(vec![3], vec![0.3; 3]).unwrap();
    let before = run(&module, names::EVALUATE, &args).unwrap()[at].clone();
    for name in [names::WINDOW, names::READ] {
        args[place(name)] = turned(&args[place(name)]);
    }
    let after = run(&module, names::EVALUATE, &args).unwrap()[at].to_f64();
    let difference = turned(&before).to_f64().iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let change = before.to_f64().iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(difference < 1e-9 && change > 0.1, "{difference} and {change}");
}

/// One formula for all pairs of bodies: what it gives are the differences that were written out before.
#[test]
fn features_of_pairs() {
    let network = |input: &str| {
        format!(
            "model M {{
  index body = 2, axis = 2
  state q[body, axis] order 2
  field c[body, axis] over time
  q'' = c
  initial q = data.q for 2 steps
}}
data run = npz(\"run.npz\") {{ dt 0.1 }}
network forces {{
  input {input} over window
  mlp [2] tanh
  output c[4] over horizon
}}
fit M to run {{ window 3; horizon 4; fields c = forces.c }}
"
        )
    };
    let by_formula = lowered(&network("d[i, j, axis] = q[i, axis] - q[j, axis]"), &Coefficients::Projected);
    let written = "a = q[1, 1] - q[2, 1], b = q[1, 2] - q[2, 2], c = q[2, 1] - q[1, 1], d = q[2, 2] - q[1, 2]";
    let written = lowered(&network(written), &Coefficients::Projected);
    assert_eq!(by_formula.module, written.module, "without the differences of bodies to themselves");
    let distances = "r[i, j] = sqrt(0.1 + sum(k in axis) (q[i, k] - q[j, k])^2)";
    check(&lowered(&network(distances), &Coefficients::Projected), 4);
}

/// Names that users choose cannot make two arrays, or two axes of different sizes, one.
#[test]
fn names_of_networks_and_layers_do_not_meet() {
    let text = "model M {
  state x, y
  field x_w, c over time
  param p, q, r, s
  x' = x_w*x - p*y - q
  y' = -r*y + c + s*x
}
data run = csv(\"run.csv\") { time t }
network a {
  input x over window
  t = linear [3] tanh
  output b_c[1] = t
  output t_0[1] = t, linear [2], linear
  output t_0_1[1]
  mlp [5] tanh
}
network a_b {
  input x, y over window
  mlp [2] tanh
  output c[1]
}
network field { input x, y over window; mlp [2] tanh; output x[2] over window }
network time { input y over window; mlp [2] tanh; output state[1] over window; output reads[1]; output in_[1] }
fit M to run {
  window 6
  auxiliary (x, y) = field.x
  fields c = time.state
  parameters p = a.b_c
  parameters q = a_b.c
  parameters r = a.t_0
  parameters s = a.t_0_1
}
";
    let lowered = lowered(text, &Coefficients::Projected);
    mechc::ir::verify(&lowered.module).unwrap();
    let names: Vec<&str> = lowered.weights.iter().map(|w| w.name.as_str()).collect();
    for function in &lowered.module.functions {
        let params: std::collections::BTreeSet<&str> =
            function.params.iter().map(|&p| function.values[p].name.as_str()).collect();
        assert_eq!(params.len(), function.params.len(), "{names:?}");
    }
    // Each chain of layers has a matrix and an offset for each of its layers; and the field.
    assert_eq!(names.len(), 2 * (1 + 1 + 2 + 1 + 1) + 2 * 2 + 2 * 2 + 2 * 2 + 1, "{names:?}");
    check(&lowered, names.len());
}

//! Good programs: what the compiler makes of them. Bad ones stand in `tests/bad`.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Override, analyze, parse_override, stdlib};
use crate::diagnostics::{Diagnostic, Format, Sink, render};
use crate::hir::{self, Point, Program};
use crate::source::{MemoryWorld, Sources};
use crate::syntax;

/// The program and all findings, rendered one per line.
fn front_with(text: &str, extra: &[(&str, &str)], sets: &[&str]) -> (Option<Program>, String, Vec<Diagnostic>) {
    let mut world = MemoryWorld::new();
    for (path, text) in stdlib().iter().chain(extra) {
        world = world.with(*path, *text);
    }
    let (mut sources, mut sink) = (Sources::default(), Sink::new());
    let overrides: Vec<Override> = sets.iter().filter_map(|s| parse_override(s, &mut sources, &mut sink)).collect();
    let main = sources.add("main.mech", text);
    let file = syntax::parse(main, text, &mut sink);
    let program = analyze(&file, &world, &overrides, &mut sources, &mut sink);
    assert_eq!(program.is_some(), !sink.has_errors(), "a program comes back exactly when there is no error");
    let findings = sink.into_sorted();
    (program, render(&findings, &sources, Format::Short), findings)
}

fn findings(text: &str) -> String {
    front_with(text, &[], &[]).1
}

/// The program of a text without errors.
fn good(text: &str) -> Program {
    let (program, shown, _) = front_with(text, &[], &[]);
    match program {
        Some(program) => program,
        None => panic!("unexpected errors:\n{shown}"),
    }
}

const LORENZ: &str = "
use std.systems.Lorenz63
model Lorenz {
  state x, y, z
  (x, y, z)' = ?poly(x, y, z; degree = 2)
}
data run = simulate Lorenz63 { steps 4000; dt 0.01; from (1, 1, 1); noise 5%; seed 1 }
fit Lorenz to run { seed 7 }
";

const ENCODER: &str = "
use std.systems.Lorenz63
model Lorenz {
  state x, y, z
  (x, y, z)' = ?poly(x, y, z; degree = 2)
}
network smoother {
  input (x, y, z) over window
  mlp [1024, 1024] relu
  output v[3] over window
}
data run = simulate Lorenz63 { steps 4000; dt 0.01; from (1, 1, 1); seed 1 }
fit Lorenz to run {
  window 50; batch 512; consistency 1
  auxiliary (x, y, z) = smoother.v
  optimizer adam(lr = 5e-4, decay = cosine)
  threshold 0.1
}
";

/// `expand` of the models and fits of a good program that has no warnings.
fn expanded(text: &str) -> String {
    let shown = findings(text);
    assert_eq!(shown, "", "findings");
    hir::expand(&good(text))
}

#[test]
fn lorenz_takes_the_joint_engine() {
    let program = good(LORENZ);
    assert_eq!(findings(LORENZ), "");
    let text = hir::expand(&program);
    insta::assert_snapshot!("lorenz_expand", text);
    insta::assert_snapshot!("lorenz_hir", hir::dump(&program));
}

#[test]
fn lorenz_with_an_encoder_takes_the_gradient_engine() {
    assert_eq!(findings(ENCODER), "");
    insta::assert_snapshot!("lorenz_encoder_hir", hir::dump(&good(ENCODER)));
}

#[test]
fn overrides_replace_and_add_settings() {
    let sets = ["run.noise=10%", "run.seed=2", "fit.seed=3", "Lorenz63.rho=20", "run.holdout=20% of time"];
    let (program, shown, _) = front_with(LORENZ, &[], &sets);
    assert_eq!(shown, "");
    let text = hir::dump(&program.unwrap_or_default());
    for line in ["noise 0.1 relative seed 2", "seed 3", "rho [1] = 20", "holdout 0.2 of time"] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[test]
fn every_standard_system_checks_and_can_be_simulated() {
    for (path, text) in stdlib() {
        assert_eq!(findings(text), "", "{path}");
        let program = good(text);
        // Those with holes are what tests of libraries of terms fit.
        let systems =
            program.models.values().filter(|m| m.holes.is_empty() && m.params.values().all(|p| p.value.is_some()));
        let names: Vec<String> = systems.map(|m| m.name.clone()).collect();
        let folder = path.trim_end_matches(".mech").replace('/', ".");
        for name in names {
            let main = format!("use {folder}.{name}\ndata run = simulate {name} {{ steps 10; dt 0.01 }}\n");
            assert_eq!(findings(&main), "", "{name}");
        }
    }
}

#[test]
fn michaelis_menten_splits_into_a_linear_rate_and_a_nonlinear_constant() {
    let text = "
model Enzyme {
  state s, p
  param V = 1 in [0, 10], K = 0.5 in [0.01, 5]
  s' = -V*s/(K + s)
  p' = V*s/(K + s) - 0.1*p
}
data run = csv(\"enzyme.csv\") { time t; s = substrate; p }
fit Enzyme to run
";
    let text = text.replace("; p }", " }");
    insta::assert_snapshot!(expanded(&text), @r#"
    model Enzyme
      states    s (order 1), p (order 1)
      equation  of s'
        linear    s'
        = unknown V * (-~s/(K + ~s))
      equation  of p'
        linear    p' + 0.1*p
        = unknown V * (~s/(K + ~s))
      auxiliary variables
        ~s stands for s; consistency loss |~s - s|^2 ties them
      unknowns
        V: enters linearly, start 1 in [0, 10]
        K: enters nonlinearly, start 0.5 in [0.01, 5]

    fit fit: Enzyme to run
      engine    joint (no network output stands for a state, so trajectory and unknowns are estimated together)
      seed      0
      auxiliary the current trajectory: nonlinear terms are linearised around it and iterated
    "#);
}

#[test]
fn general_left_sides_couplings_and_lets() {
    let text = "
model Cart {
  state q order 2
  state f
  const m = 2
  param c = 0.1 fixed, k
  input u
  let spring = k*q + 0.5*q^3
  m*q'' + c*q' + spring = u
  f' = q'' - f*(1 + t)
  initial q = 1, q' = 0, f = 0
}
";
    insta::assert_snapshot!(expanded(text), @r#"
    model Cart
      states    q (order 2), f (order 1)
      inputs    u (from the data)
      fixed     c = 0.1
      equation  of q''
        linear    2*q'' + 0.1*q'
        = known   -0.5*~q^3 + u
        + unknown k * (-~q)
      equation  of f'
        linear    f' + 0.05*q' + (1 + t)*f
        = known   -0.25*~q^3 + 0.5*u
        + unknown k * (-0.5*~q)
      auxiliary variables
        ~q stands for q; consistency loss |~q - q|^2 ties them
      unknowns
        k: enters linearly, start left to the engine
      initial   q = 1
      initial   q' = 0
      initial   f = 0
      no fit: simulated with the declared values
    "#);
}

#[test]
fn holes_of_every_kind() {
    let text = "
model Kinds {
  state x, v
  param k = 1
  x' = v + ?linear(1, x, x*v) - ?terms(v^2*x, sin(x), exp(-x); coefficients >= 0, coefficients <= 2)
  v' = tanh(?linear(x, v)) + exp(-k*t)*?fourier(x; harmonics = 2) + ?poly(v, x; degree = 1)*x^2
}
";
    insta::assert_snapshot!(expanded(text), @r#"
    model Kinds
      states    x (order 1), v (order 1)
      equation  of x'
        linear    x' - v
        = unknown x'[1] * (1)
        + unknown x'[x] * (~x)
        + unknown x'[x*v] * (~x*~v)
        + unknown x'[x*v^2] * (-~x*~v^2)
        + unknown x'[sin(x)] * (-sin(~x))
        + unknown x'[exp(-x)] * (-exp(-~x))
      equation  of v'
        linear    v'
        = known   tanh(v'[x]*~x + v'[v]*~v)
        + unknown v'[1] * (exp(-k*t))
        + unknown v'[sin(x)] * (exp(-k*t)*sin(~x))
        + unknown v'[cos(x)] * (exp(-k*t)*cos(~x))
        + unknown v'[sin(2*x)] * (exp(-k*t)*sin(2*~x))
        + unknown v'[cos(2*x)] * (exp(-k*t)*cos(2*~x))
        + unknown v'[1]#2 * (~x^2)
        + unknown v'[x]#2 * (~x^3)
        + unknown v'[v]#2 * (~x^2*~v)
      auxiliary variables
        ~x stands for x; consistency loss |~x - x|^2 ties them
        ~v stands for v; consistency loss |~v - v|^2 ties them
      unknowns
        k: enters nonlinearly, start 1
        3 coefficients of ?linear(1, x, x*v) in x': enter linearly
          1, x, x*v
        3 coefficients of ?terms(v^2*x, sin(x), exp(-x); coefficients >= 0, coefficients <= 2) in x': enter linearly in [0, 2]
          x*v^2, sin(x), exp(-x)
        2 coefficients of ?linear(x, v) in v': enter nonlinearly
          x, v
        5 coefficients of ?fourier(x; harmonics = 2) in v': enter linearly
          1, sin(x), cos(x), sin(2*x), cos(2*x)
        3 coefficients of ?poly(v, x; degree = 1) in v': enter linearly
          1, x, v
      no fit: simulated with the declared values
    "#);
}

#[test]
fn of_two_parameters_that_multiply_each_other_the_first_is_linear() {
    let program = good("model M {\n state x\n param a, b, c\n x' = a*b*x + b*c\n}");
    let linear: Vec<bool> = program.models.values().flat_map(|m| m.unknowns.values().map(|u| u.linear)).collect();
    assert_eq!(linear, [true, false, true]);
    // Many coefficients weigh more than one parameter.
    let program = good("model M {\n state x\n param a\n x' = a*?poly(x; degree = 1) + a*t\n}");
    let linear: Vec<bool> = program.models.values().flat_map(|m| m.unknowns.values().map(|u| u.linear)).collect();
    assert_eq!(linear, [false, true, true]);
}

#[test]
fn imports_pass_through_files() {
    let extra =
        [("models/all.mech", "use models.decay.Decay\n"), ("models/decay.mech", "model Decay { state x\n x' = -x }")];
    let main = "use models.all.Decay\ndata run = simulate Decay { steps 10; dt 0.1; from 1 }\n";
    let (program, shown, _) = front_with(main, &extra, &[]);
    assert_eq!(shown, "");
    assert!(program.is_some());
}

#[test]
fn arguments_reach_fixed_parameters() {
    let text = "model M {\n state x\n param k = 1 fixed\n x' = -k*x\n initial x = 1\n}\ndata run = simulate M(k = 3) { steps 9; dt 0.1 }";
    let text = hir::dump(&good(text));
    assert!(text.contains("linear x * 3"), "{text}");
}

/// Random equations: the split equals the residual wherever both have a value.
#[test]
fn the_split_equals_the_residual_at_random_points() {
    let mut random = Random(ChaCha8Rng::seed_from_u64(11));
    let mut compared = 0;
    for _ in 0..400 {
        let body: Vec<String> =
            ["x'", "y'", "2*w'' + w'"].iter().map(|left| format!("  {left} = {}", random.expression(4))).collect();
        let text =
            format!("model M {{\n  state x, y, w\n  param a, b, k, g = 0.7 fixed\n  input u\n{}\n}}", body.join("\n"));
        let (program, shown, _) = front_with(&text, &[], &[]);
        let Some(program) = program else {
            // A random constant part may have no value, and a hole may meet another one or a parameter; nothing else is the generator's
            // doing.
            const MET: [&str; 4] = ["E0310", "E0405", "E0407", "E0408"];
            let fair = |l: &str| !l.contains("error") || MET.iter().any(|code| l.contains(code));
            assert!(shown.lines().all(fair), "{text}\n{shown}");
            continue;
        };
        let Some(model) = program.models.values().next() else { continue };
        for _ in 0..5 {
            let point = random.point(model);
            for eq in &model.equations {
                let (whole, split) = (eq.residual.eval(&point), eq.eval_split(&point));
                if whole.is_finite() && whole.abs() < 1e6 {
                    let error = (whole - split).abs() / (1.0 + whole.abs());
                    assert!(error < 1e-8, "{text}\n{}\n{whole} {split} at {point:?}", hir::dump(&program));
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 2000, "only {compared} comparisons");
}

/// What is spelled reads back as the same function: discovered models are written this way.
#[test]
fn spelled_equations_read_back() {
    let mut random = Random(ChaCha8Rng::seed_from_u64(5));
    let mut compared = 0;
    for _ in 0..400 {
        let head =
            "model M {\n  state x, y, w order 2\n  param a, b, k\n  const g = -0.7\n  input u\n  y' = x\n  w'' = y\n";
        let right = random.expression(5).replace("?linear(1, x*y)", "max(x, -y)^(-2)");
        let Some(first) = front_with(&format!("{head}  x' = {right}\n}}"), &[], &[]).0 else { continue };
        let Some(model) = first.models.values().next() else { continue };
        let Some(eq) = model.equations.first() else { continue };
        let again = format!("{head}  {} = 0\n}}", model.spell(&eq.residual));
        let second = good(&again);
        let residual = second.models.values().next().and_then(|m| m.equations.first()).map(|e| e.residual.clone());
        for _ in 0..5 {
            let point = random.point(model);
            let (old, new) = (eq.residual.eval(&point), residual.as_ref().map_or(f64::NAN, |r| r.eval(&point)));
            if old.is_finite() && old.abs() < 1e6 {
                assert!((old - new).abs() <= 1e-9 * (1.0 + old.abs()), "{right}\n{again}\n{old} {new}");
                compared += 1;
            }
        }
    }
    assert!(compared > 1000, "only {compared} comparisons");
}

struct Random(ChaCha8Rng);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    fn expression(&mut self, depth: usize) -> String {
        const LEAVES: [&str; 12] = ["x", "y", "w", "w'", "a", "b", "k", "g", "u", "t", "2", "0.5"];
        if depth == 0 {
            return LEAVES[self.below(LEAVES.len())].to_string();
        }
        let mut inner = || self.expression(depth - 1);
        let (p, q) = (inner(), inner());
        match self.below(11) {
            0 | 1 => format!("({p} + {q})"),
            2 => format!("({p} - {q})"),
            3..=5 => format!("{p}*{q}"),
            6 => format!("({p})/({q} + 3)"),
            7 => format!("({p})^2"),
            8 => format!("sin({p})"),
            9 => format!("-({p})"),
            _ => format!("({p})*(?linear(1, x*y))"),
        }
    }

    fn point(&mut self, model: &hir::Model) -> Point {
        let mut draw = |n: usize| (0..n).map(|_| self.0.random_range(-1.5..1.5)).collect::<Vec<f64>>();
        Point {
            time: draw(1)[0],
            states: model.states.values().map(|s| draw(usize::from(s.order) + 1)).collect(),
            inputs: draw(model.inputs.len()),
            unknowns: draw(model.unknowns.len()),
        }
    }
}

#[test]
fn deep_and_wide_programs_end_in_an_answer() {
    let nested = |i: usize| format!("  let a{i} = {}a{}{}\n", "sin(".repeat(20), i - 1, ")".repeat(20));
    let chained = |n: usize| {
        let chain: String = (1..n).map(nested).collect();
        format!("model M {{\n  state x\n  let a0 = x\n{chain}  x' = a{} + x^2\n}}", n - 1)
    };
    assert_eq!(findings(&chained(99)), "");
    let shown = findings(&chained(120));
    assert!(shown.contains("E0309") && shown.lines().count() == 1, "{shown}");
    let sum = |n: usize| format!("model M {{\n  state x\n  x' = {}\n}}", vec!["x*sin(t)"; n].join(" + "));
    assert_eq!(findings(&sum(450)), "");
    // A library of ten thousand terms in each of three equations.
    let text = "model M {\n  state x, y, z\n  (x, y, z)' = ?poly(x, y, z; degree = 36)\n}";
    let program = good(text);
    let count = program.models.values().map(|m| m.unknowns.len()).sum::<usize>();
    assert_eq!(count, 3 * 9139);
}

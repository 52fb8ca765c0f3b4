//! Holes with a name: the coefficients are shared, printed once, and the name is kept; numbers per sample.

mod common;

use std::fs;

use common::{mechc, run};

const TRUTH: &str = "model Truth {
  state x, y
  let g = 0.8*x - 0.5*y + 0.3*x*y
  x' = 0.4*y - g
  y' = g - 0.6*x*y
  initial x = 1, y = 0.3
}
data run = simulate Truth { steps 400; dt 0.05; trajectories 3; seed 4 }
";

/// Both equations hold the same term; either could be fitted alone, and together they have one set of coefficients.
#[test]
fn the_joint_engine_shares_the_coefficients() {
    let model = format!(
        "{TRUTH}model Exchange {{
  state x, y
  hole g = ?poly(x, y; degree = 2)
  x' = 0.4*y - g
  y' = g - 0.6*x*y
}}
fit Exchange to run
"
    );
    let (folder, record) = run(&model);
    let equations = record["equations"].as_array().expect("equations");
    let names: Vec<&str> = equations.iter().map(|e| e["state"].as_str().expect("a name")).collect();
    assert_eq!(names, ["g", "x", "y"], "the hole once, then the equations");
    let terms = equations[0]["terms"].as_array().expect("terms");
    let found: Vec<(&str, f64)> = terms
        .iter()
        .map(|t| (t["term"].as_str().expect("a term"), t["coefficient"].as_f64().expect("a number")))
        .collect();
    assert_eq!(found.len(), 3, "{found:?}");
    for (term, value) in [("x", 0.8), ("y", -0.5), ("x*y", 0.3)] {
        let (_, got) = found.iter().find(|(t, _)| *t == term).unwrap_or_else(|| panic!("{term} in {found:?}"));
        assert!((got - value).abs() < 1e-3, "{term}: {got}");
    }
    let discovered = fs::read_to_string(folder.path().join("out/discovered.mech")).expect("a model");
    assert!(discovered.contains("let g = ") && discovered.contains("x' = 0.4*y - g"), "{discovered}");
    mechc(folder.path().join("out"), &["simulate", "discovered.mech", "--data", "solution_1", "--out", "s.csv"]).ok();
}

/// Clean data stand for the states in the term, so that least squares give the coefficients without any training of note.
#[test]
fn the_gradient_engine_shares_the_coefficients() {
    let model = format!(
        "{TRUTH}model Exchange {{
  state x, y
  hole g = ?linear(x, y)
  x' = 0.4*y - g
  y' = g - 0.6*x
}}
network net {{ input x, y over window; mlp [8] tanh; output v[2] over window }}
fit Exchange to run {{ window 20; steps 2; batch 8; threshold 0; auxiliary (x, y) = net.v }}
"
    );
    let (_, record) = run(&model);
    let equations = record["equations"].as_array().expect("equations");
    assert_eq!(equations[0]["state"], "g");
    assert_eq!(equations.len(), 3);
}

/// A list gives every trajectory its own number, and a network reads them off.
#[test]
fn numbers_per_sample() {
    let model = "model Truth { state x; param r per sample; x' = -r*x; initial x = 1 }
model Decay { state x; param r per sample; step per sample; x' = -r*x }
data runs = simulate Truth { steps 20; dt 0.1; trajectories 3; spread 0; vary r = (1, 2, 3) }
network net {
  input x over window
  mlp [8] tanh
  output v over window
  output r
  output h = linear(bias = -2, weight = 0), sigmoid
}
fit Decay to runs { window 20; steps 3; batch 3; auxiliary x = net.v; parameters r = net.r; step = net.h }
";
    let (folder, _) = run(model);
    let table = fs::read_to_string(folder.path().join("out/parameters.csv")).expect("a table");
    let truth: Vec<&str> = table.lines().skip(1).filter_map(|l| l.rsplit(',').next()).collect();
    assert_eq!(truth, ["1", "2", "3"], "{table}");
    mechc(folder.path(), &["simulate", "m.mech", "--out", "d.csv"]).ok();
    let text = fs::read_to_string(folder.path().join("d.csv")).expect("a table");
    let last: Vec<f64> = text
        .lines()
        .skip(1)
        .enumerate()
        .filter(|(i, _)| i % 20 == 19)
        .map(|(_, l)| l.rsplit(',').next().expect("a cell").parse().expect("a number"))
        .collect();
    for (x, r) in last.iter().zip([1.0, 2.0, 3.0f64]) {
        assert!((x - (-1.9 * r).exp()).abs() < 1e-8, "{x} for {r}");
    }
}

/// Around holes of which nothing stays no constants are left to puzzle over, and what was found reads back.
#[test]
fn empty_holes_leave_no_constants_behind() {
    let model = "model Truth { state x, y; x' = -0.3*x; y' = -0.2*y; initial x = 3, y = 2 }
data run = simulate Truth { steps 200; dt 0.05; noise 0.1%; seed 4 }
model Both {
  state x, y
  hole g = ?terms(y)
  x' = if x > -1 then ?terms(x) else 3*y
  y' = g + tanh(?terms(cos(x))) + (if x > 1 then ?terms(y^3) else 0)*y
}
fit Both to run
";
    let (folder, record) = run(model);
    let terms: Vec<Vec<&str>> = record["equations"]
        .as_array()
        .expect("equations")
        .iter()
        .map(|e| e["terms"].as_array().expect("terms").iter().filter_map(|t| t["term"].as_str()).collect())
        .collect();
    assert_eq!((terms[0].as_slice(), terms[2].as_slice()), (["y"].as_slice(), ["g"].as_slice()), "{terms:?}");
    assert!(terms[1][0].starts_with("(if x > -1 then (-0.3") && terms[1][0].ends_with("*x) else 3*y)"), "{terms:?}");
    let out = folder.path().join("out");
    mechc(&out, &["check", "discovered.mech"]).ok();
}

/// Of a hole of which one number is left, that stands where the hole stood.
#[test]
fn a_single_number_has_no_brackets() {
    let (folder, record) =
        run("model Truth { state x, s; x' = 0.5*s*x - 0.3*x; s' = -0.8*0.5*s*x; initial x = 0.1, s = 3 }
data run = simulate Truth { steps 300; dt 0.05; noise 0.5%; seed 3 }
model Fed {
  state x, s
  hole mu = ?terms(s)
  x' = mu*x - 0.3*x
  s' = -?terms(1; coefficients >= 0)*mu*x
}
fit Fed to run
");
    let law = fs::read_to_string(folder.path().join("out/discovered.mech")).expect("a model");
    assert!(law.contains("s' = -0.") && law.contains("*mu*x") && !law.contains("-(0."), "{law}");
    assert!(!record["summary"].as_str().unwrap_or_default().contains("-(0."), "{record}");
}

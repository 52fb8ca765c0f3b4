//! Models with index sets, functions and conditionals, against closed forms.

use mechc::data::Dataset;
use mechc::driver::{RunOptions, Session};
use mechc::source::MemoryWorld;
use mechc::train::Silent;

/// The simulated data of a model file.
fn simulate(text: &str) -> Dataset {
    let mut session = Session::new(MemoryWorld::new().with("m.mech", text));
    session.simulate("m.mech", &[], None).expect("a model that can be simulated")
}

/// Time and value of a state at every sample.
fn samples<'d>(data: &'d Dataset, state: &str) -> impl Iterator<Item = (f64, f64)> + 'd {
    let column = data.column(state).unwrap_or_else(|| panic!("no column {state}"));
    let trajectory = &data.trajectories[0];
    (0..trajectory.len).map(move |i| (trajectory.time(i), trajectory.value(i, column).expect("a value")))
}

fn assert_follows(data: &Dataset, state: &str, tolerance: f64, exact: impl Fn(f64) -> f64) {
    for (t, value) in samples(data, state) {
        let want = exact(t);
        assert!((value - want).abs() <= tolerance, "{state} at {t}: {value}, not {want}");
    }
}

#[test]
fn waves_on_a_periodic_grid_decay_as_the_difference_says() {
    let text = "model Heat {
  const n = 16
  index cell = n periodic spacing 2*pi/n
  state u[cell]
  u' = dxx(u) - 0.5*dx(u)
  initial u = sin(2*pi*cell/n)
}
data run = simulate Heat { steps 50; dt 0.05 }";
    let data = simulate(text);
    let h = std::f64::consts::TAU / 16.0;
    // The wave is an eigenvector: dxx gives -(2 sin(h/2)/h)^2, dx shifts the phase at speed sin(h)/h.
    let decay = (2.0 * (h / 2.0).sin() / h).powi(2);
    let speed = 0.5 * h.sin() / h;
    for i in 1..=16 {
        let exact = |t: f64| (-decay * t).exp() * (f64::from(i) * h - speed * t).sin();
        assert_follows(&data, &format!("u[{i}]"), 1e-8, exact);
    }
}

#[test]
fn higher_differences_follow_their_symbols() {
    for (k, symbol) in [(3, "odd"), (4, "even")] {
        let text = format!(
            "model Wave {{
  index cell = 12 periodic spacing pi/6
  state u[cell]
  u' = {}D(u, {k})
  initial u = sin(pi*cell/6)
}}
data run = simulate Wave {{ steps 20; dt 0.05 }}",
            if symbol == "even" { "-" } else { "" }
        );
        let data = simulate(&text);
        let h = std::f64::consts::PI / 6.0;
        let second = (2.0 * (h / 2.0).sin() / h).powi(2);
        assert_follows(&data, "u[5]", 1e-8, |t| match symbol {
            "even" => (-second * second * t).exp() * (5.0 * h).sin(),
            _ => (5.0 * h - second * h.sin() / h * t).sin(),
        });
    }
}

#[test]
fn fixed_ends_are_written_on_their_own() {
    let text = "model Rod {
  index cell = 11 spacing 0.1
  state u[cell]
  u[1]' = 0
  for i in 2..10 { u[i]' = dxx(u[i]) }
  u[11]' = 0
  initial u = sin(pi*(cell - 1)*0.1)
}
data run = simulate Rod { steps 20; dt 0.01 }";
    let data = simulate(text);
    let decay = (2.0 * (std::f64::consts::PI * 0.05).sin() / 0.1).powi(2);
    assert_follows(&data, "u[6]", 1e-8, |t| (-decay * t).exp());
    assert_follows(&data, "u[1]", 1e-12, |_| 0.0);
}

#[test]
fn two_bodies_go_round() {
    let text = "model TwoBody {
  index body = 2, axis = 2
  state q[body, axis] order 2
  const m[body] = (1, 1)
  fn distance2(i, j) = sum(k in axis) (q[j, k] - q[i, k])^2
  for i in body {
    q[i]'' = sum(j in body) if i == j then 0 else m[j]*(q[j] - q[i])/distance2(i, j)^1.5
  }
  initial q = (0.5, 0, -0.5, 0), q' = (0, sqrt(0.5), 0, -sqrt(0.5))
}
data run = simulate TwoBody { steps 100; dt 0.1 }";
    let data = simulate(text);
    // A circle of radius 1/2 with angular speed sqrt(2) (Kepler's third law for total mass 2 and distance 1).
    let speed = 2.0_f64.sqrt();
    assert_follows(&data, "q[1, 1]", 1e-6, |t| 0.5 * (speed * t).cos());
    assert_follows(&data, "q[2, 2]", 1e-6, |t| -0.5 * (speed * t).sin());
}

#[test]
fn conditionals_switch_where_they_say() {
    let text = "fn ramp(x, low, high) = if x < low then 0 else if x > high then 1 else (x - low)/(high - low)
model Switch {
  state x, y
  x' = 1
  y' = ramp(x, 1, 2)
  initial x = 0, y = 0
}
data run = simulate Switch { steps 31; dt 0.1 }";
    let data = simulate(text);
    // The integral of the ramp.
    assert_follows(&data, "y", 1e-6, |t| match t {
        t if t < 1.0 => 0.0,
        t if t < 2.0 => (t - 1.0).powi(2) / 2.0,
        t => t - 1.5,
    });
}

#[test]
fn a_law_on_a_grid_is_found_from_its_field() {
    let text = "model Truth {
  index cell = 16 periodic spacing 0.5
  state u[cell]
  u' = -u*dx(u) + 0.1*dxx(u)
  initial u = exp(-((cell - 6)*0.5)^2)
}
model Burgers {
  index cell = 16 periodic spacing 0.5
  state u[cell]
  u' = ?poly(u, dx(u), dxx(u); 2)
}
data run = simulate Truth { steps 100; dt 0.05; noise 1%; seed 2 }
fit Burgers to run { seed 1 }";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = RunOptions { out: Some(folder.path().join("out")), ..RunOptions::default() };
    let mut session = Session::new(MemoryWorld::new().with("m.mech", text));
    let outcome = session.run("m.mech", &options, &mut Silent).expect("a fit").pop().expect("one fit");
    let [equation] = outcome.record.equations.as_slice() else { panic!("one equation for all cells") };
    assert_eq!((equation.state.as_str(), equation.derivative), ("u", 1));
    let terms: Vec<&str> = equation.terms.iter().map(|t| t.term.as_str()).collect();
    assert_eq!(terms, ["dxx(u)", "u*dx(u)"], "{:?}", equation.terms);
    assert!((equation.terms[0].coefficient - 0.1).abs() < 0.01, "{:?}", equation.terms);
    assert!((equation.terms[1].coefficient + 1.0).abs() < 0.05, "{:?}", equation.terms);

    // What was found is source again: it simulates the field it was found in.
    let source = std::fs::read_to_string(outcome.directory.join("discovered.mech")).expect("the model that was found");
    let again = simulate(&source);
    let (first, again): (Vec<_>, Vec<_>) =
        (samples(&simulate(text), "u[3]").collect(), samples(&again, "u[3]").collect());
    for ((t, a), (_, b)) in first.iter().zip(&again) {
        assert!((a - b).abs() < 0.05, "u[3] at {t}: {a} and {b}");
    }
}

#[test]
fn a_library_of_terms_serves_a_family_and_leaves_no_name_behind() {
    // The state has the name of a function that the library's own functions call.
    let text = "use std.terms.hills
use lib.leak
model Truth {
  index site = 3
  state hill[site]
  param k = 0.5
  hill' = 2*hill^2/(1 + hill^2) - k*hill
  initial hill = 0.2*site
}
model Open {
  index site = 3
  state hill[site]
  hill' = ?terms(hills(hill, 1)) - leak(hill)
}
data run = simulate Truth { steps 200; dt 0.05; noise 0.1%; seed 2 }
fit Open to run { seed 1 }";
    let library = "fn leak(x) = half(x)\nfn half(x) = x/2\n";
    let world = MemoryWorld::new().with("m.mech", text).with("lib.mech", library);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = RunOptions { out: Some(folder.path().join("out")), ..RunOptions::default() };
    let mut session = Session::new(world);
    let outcome = session.run("m.mech", &options, &mut Silent).expect("a fit").pop().expect("one fit");
    let [equation] = outcome.record.equations.as_slice() else { panic!("one equation for all sites") };
    let terms: Vec<&str> = equation.terms.iter().map(|t| t.term.as_str()).collect();
    assert_eq!(terms, ["hill^2/(1^2 + hill^2)", "leak(hill)"], "{:?}", equation.terms);
    assert!((equation.terms[0].coefficient - 2.0).abs() < 0.05, "{:?}", equation.terms);

    let source = std::fs::read_to_string(outcome.directory.join("discovered.mech")).expect("the model that was found");
    let mut again = Session::new(MemoryWorld::new().with("found.mech", source.as_str()));
    let checked = again.check("found.mech", &[]).expect("source");
    assert!(checked.warnings.is_empty(), "{source}\n{:?}", checked.warnings);
    assert!(source.contains("fn leak(x) = x/2"), "{source}");
}

//! Equations that jump are followed by solutions at finer samples, before noise of the process is told.

mod common;

use common::{folder, run_in};

#[test]
fn a_jump_within_steps_is_no_noise_of_the_process() {
    let folder = folder(&[]);
    let model = "model Truth {
  state q order 2
  q'' = -9*sin(q) - 0.6*tanh(q'/0.001) - 0.05*q'
  initial q = 2.2, q' = 0
}
model Pendulum {
  state q order 2
  q'' = ?terms(sin(q), cos(q), q', sign(q'), q'*abs(q'))
}
data d = simulate Truth { steps 401; dt 0.03; noise 2%; seed 1 }
fit Pendulum to d
";
    let run = run_in(&folder, model, &[]).ok();
    assert!(!run.stderr.contains("W1119"), "{}", run.stderr);
    let record = run.record();
    let terms = record["equations"][0]["terms"].as_array().expect("terms");
    for (name, value) in [("sin(q)", -9.0), ("sign(q')", -0.6), ("q'", -0.05)] {
        let term = terms.iter().find(|t| t["term"] == name).unwrap_or_else(|| panic!("{name}: {terms:?}"));
        let [found, error] = ["coefficient", "std_error"].map(|key| term[key].as_f64().expect("a number"));
        assert!((found - value).abs() < 3.0 * error && error < 0.007, "{name}: {found} ± {error}");
    }
}

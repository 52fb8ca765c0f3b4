//! Powers whose exponent is estimated, of states that begin at zero.

mod common;

use common::{estimate, folder, run_in};

/// A gene whose protein represses it; both begin at zero, and noise takes samples below it.
fn gene(exponent: u32, seed: u32, model: &str) -> String {
    format!(
        "model Seen {{
  state mRNA, protein
  mRNA' = 3/(1 + protein^{exponent}) - 0.6*mRNA
  protein' = 0.8*mRNA - 0.2*protein
  initial mRNA = 0, protein = 0
}}
model Gene {{
  state mRNA, protein
  param K = 1.5 in [0.1, 10], n = 2 in [1, 6]
  {model}
}}
data cells = simulate Seen {{ steps 200; dt 0.2; noise 2%; seed {seed}; holdout 20% of time }}
fit Gene to cells
"
    )
}

#[test]
fn exponents_are_estimated_where_states_begin_at_zero() {
    let folder = folder(&[]);
    let parameters = "param made in [0, 20], lost in [0, 5], p in [0, 5], d in [0, 5]
  mRNA' = made/(1 + (protein/K)^n) - lost*mRNA
  protein' = p*mRNA - d*protein";
    let hole = "mRNA' = ?terms(1, 1/(1 + (protein/K)^n), mRNA, protein)
  protein' = ?terms(1, mRNA, protein)";
    for (exponent, seed) in [(2, 1), (3, 2), (4, 3), (4, 4)] {
        for model in [parameters, hole] {
            let ran = run_in(folder.path(), &gene(exponent, seed, model), &[]).ok();
            for (name, truth) in [("K", 1.0), ("n", f64::from(exponent))] {
                let [value, error] = estimate(&ran.record(), name);
                let near = (value - truth).abs() < 4.0 * error && error < 0.03 * truth;
                assert!(near, "{exponent}, {seed}: {name} = {value} ± {error} in {model}");
            }
            for code in ["W1105", "W1119", "W1120"] {
                assert!(!ran.stderr.contains(code), "{exponent}, {seed}: {}", ran.stderr);
            }
        }
    }
}

/// Below zero the power has no value for whoever asks for it alone.
#[test]
fn simulations_take_powers_as_they_are_written() {
    let model = "model Fall {
  state x
  param n = 1.5
  x' = -1 + x^n
  initial x = 0.1
}
data falling = simulate Fall { steps 50; dt 0.1 }
";
    let folder = folder(&[("m.mech", model)]);
    let ran = common::mechc(folder.path(), &["simulate", "m.mech", "--out", "d.csv"]);
    assert!(!ran.status.success() && ran.stderr.contains('x'), "{}", ran.stderr);
}

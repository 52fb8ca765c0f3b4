//! Starts that the engine seeks by itself: those of states that are never observed, and of parameters that have none.

mod tables;

use tables::{fitted, numbers, table};

/// Whether the first numbers, which are the parameters, are within four standard errors of the truth, and known to a tenth of it.
fn found(numbers: &[[f64; 2]], truth: &[f64], about: &str) {
    assert!(numbers.len() >= truth.len(), "{about}: {numbers:?}");
    for ([value, error], truth) in numbers.iter().zip(truth) {
        assert!((value - truth).abs() < 4.0 * error, "{about}: {value} ± {error} for {truth}");
        assert!(*error < 0.1 * truth.abs(), "{about}: {value} ± {error} for {truth}");
    }
}

/// The observed equation has no value where the hidden state starts, or no derivative: another start is taken.
#[test]
fn hidden_states_start_where_the_observed_equations_have_a_value() {
    let root = |[x, z]: [f64; 2]| [1.5 * z.sqrt() - x, -0.2 * z * (1.0 + x)];
    let data = table(root, &[[0.5, 4.0]], (200, 0.05, 0.01), (1.0, &[(0, "x")]));
    for guess in ["", "initial z = 0", "initial z = -1"] {
        let model = format!("model M {{ state x, z; param a = 1; x' = 1.5*sqrt(z) - x; z' = -a*z*(1 + x); {guess} }}");
        found(&numbers(&fitted(&data, &model, "x = x")), &[0.2], guess);
    }
    let logarithm = |[x, z]: [f64; 2]| [2.0 * z.ln() - x, 0.3 * (1.5 - z) + 0.2 * x.cos()];
    let data = table(logarithm, &[[0.5, 4.0]], (200, 0.1, 0.03), (1.0, &[(0, "x")]));
    let model = "model M { state x, z; param a = 1; x' = a*ln(z) - x; z' = 0.3*(1.5 - z) + 0.2*cos(x); initial z = 0 }";
    found(&numbers(&fitted(&data, model, "x = x")), &[2.0], "logarithm");
}

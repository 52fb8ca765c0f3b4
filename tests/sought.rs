//! Starts that the engine seeks by itself: those of states that are never observed, and of parameters that have none.

mod tables;

use tables::common::run;
use tables::{fitted, numbers, table};

/// Whether the first numbers, which are the parameters, are within four standard errors of the truth, and known to a tenth of it.
fn found(numbers: &[[f64; 2]], truth: &[f64], about: &str) {
    assert!(numbers.len() >= truth.len(), "{about}: {numbers:?}");
    for ([value, error], truth) in numbers.iter().zip(truth) {
        assert!((value - truth).abs() < 4.0 * error, "{about}: {value} ± {error} for {truth}");
        assert!(*error < 0.1 * truth.abs(), "{about}: {value} ± {error} for {truth}");
    }
}

/// Parameters with their true values, which the fit is not told: where they are negative, small, or of no influence at one.
#[test]
fn open_parameters_are_found_at_any_size_and_sign() {
    let sizes = "steps 300; dt 0.03; noise 0.2%; seed 1; trajectories 4; spread 50%";
    let line = "steps 200; dt 0.05; noise 1%; seed 1";
    let through = "steps 400; dt 0.05; noise 0.2%; seed 1";
    let slow = "steps 400; dt 0.2; noise 1%; seed 1; trajectories 2; spread 50%";
    let inhibited = "V*s/(K*(1 + i/I) + s)";
    for (parameters, equations, initial, sampling) in [
        ("c = -4, b = 0.3", "state x; x' = -b*ln(x - c) + 0.2*cos(t)".to_string(), "x = 2", line),
        ("c = -4e6, b = 3e5", "state x; x' = -b*ln((x - c)/1e6) + 2e5*cos(t)".to_string(), "x = 2e6", line),
        ("a = -3e-3, b = 1", "state x; x' = 1000*b*exp(a*x)".to_string(), "x = 0.1", line),
        // A motion that is fast in the bump alone, and one inside of it.
        ("c = 5e3, w = 1e3", "state x; x' = 800*exp(-((x - c)/w)^2) + 35".to_string(), "x = 3.5e3", through),
        ("c = -3e-4, w = 1e-4", "state x; x' = 8e-5*exp(-((x - c)/w)^2) + 3.5e-6".to_string(), "x = -4.4e-4", through),
        // The bump is nowhere with a width or a place of one.
        ("c = 5e3, w = 1e3", "state x; x' = 800*exp(-((x - c)/w)^2) + 35".to_string(), "x = 3.5e3", slow),
        ("c = 5e-3, w = 1e-3", "state x; x' = 8e-4*exp(-((x - c)/w)^2) + 3.5e-5".to_string(), "x = 3.5e-3", slow),
        // An enzyme and what inhibits it, in two units each.
        (
            "V = 2e-4, K = 1e-4, I = 1e3",
            format!("state s, i; s' = -{inhibited}; i' = 300 - 0.2*i"),
            "s = 5e-4, i = 0",
            sizes,
        ),
        (
            "V = 2e2, K = 1e2, I = 1e-3",
            format!("state s, i; s' = -{inhibited}; i' = 3e-4 - 0.2*i"),
            "s = 500, i = 0",
            sizes,
        ),
    ] {
        let pairs: Vec<(&str, f64)> = parameters
            .split(", ")
            .filter_map(|p| p.split_once(" = "))
            .map(|(name, value)| (name, value.parse().expect("a number")))
            .collect();
        let names: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
        let truth: Vec<f64> = pairs.iter().map(|(_, value)| *value).collect();
        let (_folder, record) = run(&format!(
            "model T {{ param {parameters}; {equations}; initial {initial} }}
data d = simulate T {{ {sampling} }}
model M {{ param {}; {equations} }}
fit M to d
",
            names.join(", ")
        ));
        found(&numbers(&record), &truth, parameters);
    }
}

/// Constants beside a state that is never observed, in three units of that state.
#[test]
fn open_parameters_beside_hidden_states_are_found_in_any_unit() {
    let driven = |[x, z, t]: [f64; 3]| [2.0 * z / (3.0 + z) - 0.5 * x, 1.0 + 0.8 * t.sin() - 0.3 * z, 1.0];
    let data = table(driven, &[[0.1, 0.5, 0.0]], (300, 0.1, 0.03), (1.0, &[(0, "x")]));
    for unit in [1.0, 1e5, 1e-6] {
        let model = format!(
            "model M {{ state x, z; param K; x' = 2*z/(K + z) - 0.5*x; z' = {unit:e}*(1 + 0.8*sin(t)) - 0.3*z }}"
        );
        found(&numbers(&fitted(&data, &model, "x = x")), &[3.0 * unit], &model);
    }
    // The rate of the hidden state's own equation has no start either.
    let taken = |[g, x]: [f64; 2]| [-2.0 * g / (0.7 + g), 2.0 * g / (0.7 + g) - 0.2 * x];
    for unit in [1.0, 1e5, 1e-6] {
        let data = table(taken, &[[5.0, 0.0], [3.0, 1.0]], (200, 0.04, 0.05), (unit, &[(1, "x")]));
        let model = format!(
            "model M {{ state g, x; param K, V; g' = -V*g/(K + g); x' = V*g/(K + g) - 0.2*x; initial g = {:e} }}",
            4.0 * unit
        );
        found(&numbers(&fitted(&data, &model, "x = x")), &[0.7 * unit, 2.0 * unit], &model);
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

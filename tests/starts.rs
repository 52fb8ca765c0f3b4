//! Parameters without a start value: they are found also where the model has no value at the size that is tried first.

mod common;

use common::run;

/// A model with the parameters that are simulated, its equations, what is known of its states, and how the data are sampled.
struct Case {
    parameters: &'static [(&'static str, f64)],
    equations: &'static str,
    initial: &'static str,
    sampling: &'static str,
}

const CASES: [Case; 4] = [
    Case {
        parameters: &[("K", 4.0), ("a", 0.5)],
        equations: "state x; x' = a*sqrt(K - x)",
        initial: "x = 0.5",
        sampling: "steps 120; dt 0.03",
    },
    // In another unit.
    Case {
        parameters: &[("K", 4e7), ("a", 500.0)],
        equations: "state x; x' = a*sqrt(K - x)",
        initial: "x = 1e6",
        sampling: "steps 120; dt 0.2",
    },
    // As long as one of the two is one, no size of the other gives the model a value.
    Case {
        parameters: &[("K", 4.0), ("a", 0.5), ("L", 30.0)],
        equations: "state x, y; x' = a*sqrt(K - x); y' = -ln(L - y)",
        initial: "x = 0.5, y = 25",
        sampling: "steps 120; dt 0.03",
    },
    // At one, the model has a value until the state falls below zero.
    Case {
        parameters: &[("p", 2.5), ("a", 0.3)],
        equations: "state x; x' = -a*sqrt(x - 1 + p)",
        initial: "x = 4",
        sampling: "steps 120; dt 0.05",
    },
];

#[test]
fn parameters_without_a_value_at_one_are_found() {
    for Case { parameters, equations, initial, sampling } in CASES {
        let names: Vec<&str> = parameters.iter().map(|(name, _)| *name).collect();
        let values: Vec<String> = parameters.iter().map(|(name, value)| format!("{name} = {value:e}")).collect();
        let (_, record) = run(&format!(
            "model Truth {{ param {}; {equations}; initial {initial} }}
model Open {{ param {}; {equations} }}
data run = simulate Truth {{ {sampling}; noise 1%; seed 3 }}
fit Open to run
",
            values.join(", "),
            names.join(", "),
        ));
        for (k, (name, truth)) in parameters.iter().enumerate() {
            let found = &record["parameters"][k];
            let value = found["value"].as_f64().expect("a value");
            let error = found["std_error"].as_f64().expect("an error");
            assert_eq!(found["name"], *name);
            assert!((value - truth).abs() < 4.0 * error && error < 0.1 * truth, "{equations}: {found}");
        }
    }
}

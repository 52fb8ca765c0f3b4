//! `mechc bench solve`.

use mechc::driver::{SolveBench, random_case};
use mechc::solve::relaxed::{RowSet, Scheme, Wanted, factor};
use serde_json::Value;

use super::mechc;

#[test]
fn the_bench_says_what_it_measured() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sizes = ["--batch", "5", "--states", "2", "--orders", "3", "--equations", "1", "--steps", "7", "--repeat", "3"];
    for constant in [false, true] {
        let mut args = vec!["bench", "solve", "--threads", "1", "--json"];
        args.extend(sizes);
        args.extend(["--dtype", "f64", "--rows", "hermite", "--method", "qr", "--weights-gradients"]);
        args.extend(constant.then_some("--constant-matrix"));
        let output = mechc(folder.path(), &args).ok();
        let json = output.object();
        let numbers = [
            ("batch", 5),
            ("states", 2),
            ("orders", 3),
            ("equations", 1),
            ("steps", 7),
            ("repeats", 3),
            ("threads", 1),
        ];
        for (key, value) in numbers {
            assert_eq!(json[key], value, "{key}");
        }
        assert_eq!(json["constant_matrix"], constant);
        for (key, value) in [("dtype", "f64"), ("rows", "hermite"), ("method", "qr")] {
            assert_eq!(json[key], value, "{key}");
        }
        // Per system: c, rhs, iv of all derivatives (there are fewer equations than states), h, u, eps.
        let matrix = if constant { 56 + 6 } else { 5 * (56 + 6) };
        assert_eq!(json["forward_bytes"], 8 * (matrix + 5 * (7 + 8 + 56 + 1)));
        // The same and its gradients, of which those of weights are three numbers, and the upstream gradient.
        let inputs = matrix + 5 * (7 + 8);
        assert_eq!(json["backward_bytes"], 8 * (2 * inputs + 5 * (56 + 1 + 56) + 3));
        assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
        for key in ["forward_ms", "backward_ms"] {
            assert!(json[key].as_f64().is_some_and(|x| x > 0.0), "{json}");
        }
        args.retain(|a| *a != "--json");
        let table = mechc(folder.path(), &args);
        let text = &table.stdout;
        assert!(
            text.starts_with("5 systems of 7 steps, blocks of 8 (2 states, derivatives 0 to 3), 1 equation, ")
                && text.contains("forward")
                && text.contains("backward"),
            "{text}"
        );
    }
    for (args, code, says) in [
        (
            vec!["bench", "solve", "--periodic", "--steps", "2"],
            2,
            "leave out `--periodic`, or give `--steps 3` or more",
        ),
        (vec!["bench", "solve", "--batch", "4000000000", "--steps", "4000000000"], 4, "N014"),
        (
            vec!["bench", "solve", "--batch", "3", "--weights", "0,1,1"],
            5,
            "`--weights` has 0 for equation rows, which leaves them out: give them a weight above 0\n",
        ),
    ] {
        let output = mechc(folder.path(), &args);
        assert_eq!(output.status.code(), Some(code));
        assert!(output.stderr.contains(says));
    }
}

/// As `mechc solve` does.
#[test]
fn gradients_of_single_precision_are_measured_in_mixed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let measured = |dtype: &str, json: bool| {
        let mut args = vec!["bench", "solve", "--batch", "3", "--steps", "8", "--threads", "1", "--repeat", "1"];
        args.extend(["--dtype", dtype]);
        args.extend(json.then_some("--json"));
        mechc(folder.path(), &args).ok().stdout
    };
    for (dtype, gradients) in [("f64", "f64"), ("f32", "mixed"), ("mixed", "mixed")] {
        let json: Value = serde_json::from_str(&measured(dtype, true)).expect("one JSON object");
        assert_eq!((&json["dtype"], &json["gradients_dtype"]), (&dtype.into(), &gradients.into()));
        let told = measured(dtype, false).contains("backward is in mixed, with a factor and a solution of its own");
        assert_eq!(told, dtype == "f32");
    }
}

/// What is wrong with the solution of the bench's systems and its gradients.
fn bench_fails(sizes: [usize; 4], rows: RowSet, constant_matrix: bool) -> Option<String> {
    let [states, equations, highest, steps] = sizes;
    let bench = SolveBench {
        batch: 9,
        states,
        highest,
        equations,
        steps,
        scheme: Scheme { rows, ..Scheme::published() },
        constant_matrix,
        weights: true,
        threads: 1,
        repeat: Some(1),
    };
    let case = random_case(&bench);
    let problem = case.problem();
    let upstream = case.upstream.as_deref().expect("an upstream gradient");
    let largest = factor(&problem).and_then(|factor| {
        let solution = factor.solve(&problem)?;
        factor.adjoint(&problem, &solution, upstream, None, Wanted::ALL)?.check(&problem)?;
        // Further derivatives are as large as the irregular steps and random right-hand sides make them.
        let values = solution.u.iter().step_by(highest + 1);
        Ok(values.fold(0.0, |m: f64, x| m.max(x.abs())))
    });
    match largest {
        Ok(largest) if largest > 0.5 && largest < 1e3 => None,
        Ok(largest) => Some(format!("the largest value is {largest}")),
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn the_systems_of_the_bench_are_regular() {
    let mut wrong = Vec::new();
    for highest in 1..=8 {
        for (states, equations) in [(1, 1), (2, 2), (3, 3), (4, 4), (2, 1), (3, 2)] {
            for (steps, constant_matrix) in [(1, false), (4, false), (20, true), (60, false)] {
                // Without an equation for every state only Taylor rows determine it.
                let rows = [RowSet::Taylor, RowSet::Hermite];
                for rows in rows.into_iter().take(if states == equations { 2 } else { 1 }) {
                    let sizes = [states, equations, highest, steps];
                    let fails = bench_fails(sizes, rows, constant_matrix);
                    wrong.extend(fails.map(|why| format!("{sizes:?} {rows:?} {constant_matrix}: {why}")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

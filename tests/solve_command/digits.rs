//! How many digits solutions and gradients have, and what is said where more is done for them than was asked.

use std::fs;
use std::path::Path;

use super::common::{Ran, command, mechc};
use super::{array, error, f8, fixtures, npz, oscillator, same, solved};

/// A start that weighs so little that the normal matrix loses it.
#[test]
fn what_is_solved_by_its_rows_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("case.npz"), oscillator(12, 0.01, true)).expect("a written file");
    for (more, told) in [(&[][..], true), (&["--method", "qr"], false)] {
        let args = [&["solve", "case.npz", "--out", "result.npz", "--weights", "1,1e-7,1"], more].concat();
        let output = mechc(folder.path(), &args);
        let said = &output.stderr;
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains("warning: rows were factored"), told, "{said}");
    }
}

#[test]
fn gradients_of_single_precision_have_its_digits() {
    // The residuals that gradients are made of are rounding errors in single precision: 200 times too large here.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let steps = 50;
    let mut upstream = vec![0.0; steps * 4];
    upstream[30 * 4] = 1.0;
    let archive = npz(&[
        ("c", f8(&[1, 1, steps, 1, 4], &[1.1, 0.3, 1.0, 0.0].repeat(steps))),
        ("rhs", f8(&[1, 1, steps], &vec![0.0; steps])),
        ("iv", f8(&[1, 1, 1, 2], &[1.0, 0.0])),
        ("h", f8(&[], &[0.02])),
        ("upstream", f8(&[1, steps, 1, 4], &upstream)),
    ]);
    let keys = ["u", "grad_c", "grad_rhs", "grad_iv"];
    for rows in ["taylor", "hermite"] {
        let exact = solved(folder.path(), &archive, &["--rows", rows]);
        let copy = folder.path().join("exact.npz");
        fs::copy(exact, &copy).expect("a copy");
        let single = solved(folder.path(), &archive, &["--rows", rows, "--dtype", "f32"]);
        same(&copy, &single, &keys[..1], 5e-3);
        same(&copy, &single, &keys[1..], 1e-5);
    }
}

/// Residuals of rows of large weight are smaller than rounding units of the solution: gradients of coefficients and steps, which are made of them, are right all the same.
#[test]
fn gradients_are_those_of_heavy_rows_too() {
    let c = "grad_c";
    let h = "grad_h";
    let weights = "--weights=0.18171252684139924,0.39082650409504704,0.15696491203438834";
    type Entries<'a> = &'a [(&'a str, usize, f64)];
    let cases: [(&str, &[&str], Entries); 3] = [
        (
            "equations",
            &[],
            &[
                (c, 46, -3.31052680327486e-2),
                (h, 1, -3.73289687069077e-3),
                (h, 3, -5.94691396517646e-1),
                (h, 4, 1.03411514386298),
            ],
        ),
        (
            "periodic",
            &["--periodic"],
            &[(h, 0, -2.12359471089342e2), (h, 2, 5.03672633681503), (h, 4, -2.66341414465157e1)],
        ),
        ("samples", &[weights], &[(c, 23, -6.54696040806133e-1), (c, 28, -3.19237408396043e-1)]),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for (name, more, entries) in cases {
        let input = fixtures().join(format!("heavy_rows_{name}.npz")).display().to_string();
        for (dtype, method) in [("f64", "normal"), ("f64", "qr"), ("mixed", "normal")] {
            let mut args = vec!["solve", &input, "--out", "result.npz", "--rows", "hermite", "--refinements", "2"];
            args.extend(["--dtype", dtype, "--method", method]);
            args.extend(more);
            let output = mechc(folder.path(), &args);
            assert!(output.status.success(), "{name}: {}", output.stderr);
            for &(key, at, exact) in entries {
                let (_, got) = array(&folder.path().join("result.npz"), key).expect(key);
                let e = (got[at] - exact).abs() / exact.abs();
                // Two corrections of the adjoint solution with the normal matrix leave up to 1e-7 of it open.
                assert!(e < 5e-7, "{name} {dtype} {method}: {key}[{at}] is {}, not {exact}", got[at]);
            }
        }
    }
}

/// Rows, weights and further options of a fixture.
type Options = (&'static str, &'static str, &'static str, &'static [&'static str]);

/// The arguments that solve a fixture into `result.npz`.
fn arguments((name, rows, weights, more): Options, more_still: &[&str]) -> Vec<String> {
    let input = fixtures().join(format!("{name}.npz")).display().to_string();
    let args = ["solve", &input, "--out", "result.npz", "--rows", rows, "--weights", weights];
    args.iter().chain(more).chain(more_still).map(ToString::to_string).collect()
}

const GRADIENTS: [&str; 8] = [
    "grad_c",
    "grad_rhs",
    "grad_iv",
    "grad_h",
    "grad_weights",
    "grad_weight_equation",
    "grad_weight_initial",
    "grad_weight_smooth",
];

/// The numbers of an array in the result and in the exact one; `None` where the case is such that neither has it.
fn in_both(result: &Path, exact: &Path, key: &str) -> Option<[Vec<f64>; 2]> {
    match (array(result, key), array(exact, key)) {
        (Some((_, got)), Some((_, exact))) => Some([got, exact]),
        (None, None) => None,
        (got, _) => {
            let alone = if got.is_some() { result } else { exact };
            panic!("{key} is in {} alone", alone.display())
        }
    }
}

/// Sums over rows, of which gradients of weights are made, may be much smaller than what is summed: every entry is right all the same, also those of weights
/// of the start and of smooth rows that hardly matter. One state and several, in one sample, three and nine.
#[test]
fn gradients_of_weights_are_right_entry_by_entry() {
    let folder = tempfile::tempdir().expect("a folder");
    let pushed = &["--slack", "--alpha", "0.5", "--gamma", "0.25", "--central"];
    let cases: [Options; 9] = [
        ("row_products_start", "hermite", "1,10000,1", &[]),
        ("row_products_oscillator", "hermite", "1,1,1", &[]),
        ("row_products_taylor", "taylor", "1,1,1", &[]),
        ("row_products_each", "hermite", "1,1,1", &[]),
        ("row_products_slack", "taylor", "2,30,0.5", pushed),
        ("row_products_central", "taylor", "1,100,1", &["--central"]),
        ("row_products_periodic", "hermite", "1,10,1", &["--periodic"]),
        ("row_products_states", "hermite", "1,1000,1", &[]),
        ("row_products_mild", "hermite", "1,2,1", &[]),
    ];
    let ways = [("f64", "normal"), ("f64", "qr"), ("mixed", "normal"), ("mixed", "qr")];
    for case in cases {
        let exact = fixtures().join(format!("{}_exact.npz", case.0));
        for ((dtype, method), instructions) in
            ways.into_iter().flat_map(|way| ["", "avx2", "portable"].map(|i| (way, i)))
        {
            let way = format!("{} {dtype} {method} {instructions}", case.0);
            let args = arguments(case, &["--refinements", "3", "--dtype", dtype, "--method", method]);
            let output = Ran::of(command(&folder, args).env("MECHC_INSTRUCTIONS", instructions));
            assert!(output.status.success(), "{way}: {}", output.stderr);
            let mut compared = 0;
            for key in GRADIENTS {
                let Some([got, exact]) = in_both(&folder.path().join("result.npz"), &exact, key) else { continue };
                assert_eq!(got.len(), exact.len(), "{way}: {key}");
                for (at, (got, exact)) in got.iter().zip(&exact).enumerate() {
                    let e = (got - exact).abs() / exact.abs();
                    assert!(e < 1e-9, "{way}: {key}[{at}] is {got}, not {exact}");
                }
                compared += 1;
            }
            assert!(compared >= 5, "{way}: {compared} arrays");
        }
    }
}

/// What two corrections leave open, though rounding errors of high derivatives are small in units of the step: more are made, and nothing is factored twice.
#[test]
fn what_is_not_settled_is_corrected_further() {
    let folder = tempfile::tempdir().expect("a folder");
    let closed =
        &["--periodic", "--slack", "--alpha=0.8820716641080507", "--gamma=1.5718809430807803"] as &'static [&str];
    let cases: [Options; 4] = [
        ("not_settled_closed", "taylor", "1,1,1", closed),
        ("not_settled_central", "taylor", "9.82731988277913,0.29760249477446715,1.2221183350860987", &["--central"]),
        ("not_settled_samples", "taylor", "1,1,1", &[]),
        ("not_settled_heavy", "hermite", "0.6483121202827932,1413.847403997037,0.33892798803373736", &["--periodic"]),
    ];
    for case in cases {
        let output = Ran::of(&mut command(&folder, arguments(case, &[])));
        let said = &output.stderr;
        assert!(output.status.success() && !said.contains("warning"), "{}: {said}", case.0);
        let mut compared = 0;
        for key in ["u", "grad_c", "grad_rhs", "grad_iv"] {
            let exact = fixtures().join(format!("{}_exact.npz", case.0));
            let Some([got, exact]) = in_both(&folder.path().join("result.npz"), &exact, key) else { continue };
            let e = error(&got, &exact);
            assert!(e < 1e-9, "{}: {key} has an error of {e:e}", case.0);
            compared += 1;
        }
        assert!(compared >= 3, "{}: {compared} arrays", case.0);
    }
}

/// What only rows below the rounding of the others determine is refused in single precision, and right in double precision.
#[test]
fn single_precision_refuses_what_its_rows_do_not_determine() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let input = fixtures().join("weak_start.npz").display().to_string();
    let solve = |precision: &str| {
        let options = ["--rows", "hermite", "--weights", "1,5.24e-08,1", "--method", "qr", "--dtype", precision];
        let output = mechc(folder.path(), &[&["solve", &input, "--out", "result.npz"], &options[..]].concat());
        (output.status.code(), output.stderr)
    };
    for precision in ["f64", "mixed"] {
        assert_eq!(solve(precision).0, Some(0), "{precision}");
        let (_, u) = array(&folder.path().join("result.npz"), "u").expect("a solution");
        // From 220-bit arithmetic.
        assert!((u[0] - 3231.85).abs() < 0.01, "{precision}: {}", u[0]);
    }
    let (code, said) = solve("f32");
    assert!(code == Some(5) && said.contains("is not determined by the rows"), "{said}");
}

/// Where rounding fills a pivot that is nearly zero, corrections in its direction are small, and what is wrong there looks settled: solutions in single precision are
/// compared with those of more digits.
#[test]
fn single_precision_refuses_what_looks_settled_and_is_wrong() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cases: [(&str, &[&str], f64); 2] = [
        // The first state of the first step, from ball arithmetic.
        ("filled_pivot.npz", &["--rows", "hermite"], -0.0178),
        ("filled_pivot_periodic.npz", &["--periodic", "--method", "qr"], 0.0187),
    ];
    for (name, options, exact) in cases {
        let input = fixtures().join(name).display().to_string();
        let solve = |precision: &str| {
            let output = mechc(
                folder.path(),
                &[&["solve", &input, "--out", "result.npz", "--dtype", precision], options].concat(),
            );
            (output.status.code(), output.stderr)
        };
        for precision in ["f64", "mixed"] {
            assert_eq!(solve(precision).0, Some(0), "{name} {precision}");
            let (_, u) = array(&folder.path().join("result.npz"), "u").expect("a solution");
            assert!((u[0] - exact).abs() < 1e-4, "{name} {precision}: {}", u[0]);
        }
        let (code, said) = solve("f32");
        assert!(code == Some(5) && said.contains("of the solution of sample 0 is wrong in single precision"), "{said}");
    }
}

/// Equations that hardly count beside a slack that nothing pushes: the gradient of their weight is what the other rows say of it.
#[test]
fn the_weight_of_weak_equations_has_a_gradient_beside_a_slack() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let input = fixtures().join("weak_equations_slack.npz").display().to_string();
    let weights = "0.01032290844028316,0.03208901456372491,2.7864189974345552";
    for precision in ["f64", "mixed"] {
        let options = ["--central", "--slack", "--weights", weights, "--dtype", precision];
        let output = mechc(folder.path(), &[&["solve", &input, "--out", "result.npz"], &options[..]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
        let (_, of_weights) = array(&folder.path().join("result.npz"), "grad_weights").expect("gradients");
        // From 1500-bit ball arithmetic.
        assert!((of_weights[0] - 8.1610e-6).abs() < 1e-4 * 8.1610e-6, "{precision}: {of_weights:?}");
    }
}

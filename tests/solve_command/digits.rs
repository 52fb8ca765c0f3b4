//! How many digits solutions and gradients have, and what is said where more is done for them than was asked.

use std::fs;

use super::{array, f8, fixtures, mechc, npz, oscillator, same, solved};

/// A start that weighs so little that the normal matrix loses it.
#[test]
fn what_is_solved_by_its_rows_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("case.npz"), oscillator(12, 0.01, true)).expect("written");
    for (more, told) in [(&[][..], true), (&["--method", "qr"], false)] {
        let args = [&["solve", "case.npz", "--out", "result.npz", "--weights", "1,1e-7,1"], more].concat();
        let output = mechc(folder.path(), &args);
        let said = String::from_utf8_lossy(&output.stderr);
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
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            for &(key, at, exact) in entries {
                let (_, got) = array(&folder.path().join("result.npz"), key).expect(key);
                let e = (got[at] - exact).abs() / exact.abs();
                // Two corrections of the adjoint solution with the normal matrix leave up to 1e-7 of it open.
                assert!(e < 5e-7, "{name} {dtype} {method}: {key}[{at}] is {}, not {exact}", got[at]);
            }
        }
    }
}

/// Sums over rows, of which gradients of weights are made, may be much smaller than what is summed: every entry is right all the same, also those of weights
/// of the start and of smooth rows that hardly matter.
#[test]
fn gradients_of_weights_are_right_entry_by_entry() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, rows, weights) in [
        ("start", "hermite", "1,10000,1"),
        ("oscillator", "hermite", "1,1,1"),
        ("taylor", "taylor", "1,1,1"),
        ("each", "hermite", "1,1,1"),
    ] {
        let file = |end: &str| fixtures().join(format!("row_products_{name}{end}.npz"));
        let input = file("").display().to_string();
        for (dtype, method) in [("f64", "normal"), ("f64", "qr"), ("mixed", "normal")] {
            let mut args = vec!["solve", &input, "--out", "result.npz", "--refinements", "3", "--rows", rows];
            args.extend(["--weights", weights, "--dtype", dtype, "--method", method]);
            let output = mechc(folder.path(), &args);
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            let keys = ["c", "rhs", "iv", "h", "weights", "weight_equation", "weight_initial", "weight_smooth"];
            let mut compared = 0;
            for key in keys.map(|key| format!("grad_{key}")) {
                let Some((_, exact)) = array(&file("_exact"), &key) else { continue };
                let (_, got) = array(&folder.path().join("result.npz"), &key).expect(&key);
                assert_eq!(got.len(), exact.len(), "{name} {key}");
                for (at, (got, exact)) in got.iter().zip(&exact).enumerate() {
                    let e = (got - exact).abs() / exact.abs();
                    assert!(e < 1e-9, "{name} {dtype} {method}: {key}[{at}] is {got}, not {exact}");
                }
                compared += 1;
            }
            assert!(compared >= 5, "{name}: {compared} arrays");
        }
    }
}

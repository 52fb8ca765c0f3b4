//! Fits that fail since a hidden state has any scale: what is told names the state and what makes up for its scale, and leads to the law when followed.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use common::{Ran, folder, mechc, run_in};

/// An oscillator of which one state is seen: v' = w, w' = -2*v - 0.2*w, from v = 1 and w = 0, with a hundredth of noise.
fn table() -> String {
    let (decay, turn): (f64, f64) = (0.1, 1.99_f64.sqrt());
    let mut rows = "t,v\n".to_string();
    let mut state: u64 = 7;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 / (1u64 << 53) as f64 - 0.5) * 12.0_f64.sqrt()
    };
    for i in 0..120 {
        let t = 0.1 * f64::from(i);
        let v = (-decay * t).exp() * ((turn * t).cos() + decay / turn * (turn * t).sin());
        let _ = writeln!(rows, "{t:.1},{:.5}", v + 0.01 * noise());
    }
    rows
}

/// A run of a model of `v`, which is seen, and `w`, and what it said in one line.
fn run(folder: &Path, equations: &str, fit: &str) -> (Ran, String) {
    let model = format!("model M {{ state v, w; {equations} }}\ndata d = csv(\"d.csv\") {{ time t; v = v }}\n{fit}\n");
    let ran = run_in(folder, &model, &[]);
    let said = ran.said();
    (ran, said)
}

#[test]
fn a_fit_that_fails_for_a_free_scale_says_how_to_choose_it() {
    let folder = folder(&[("d.csv", &table())]);
    let equations = "param b; v' = ?terms(v, v^2) + b*w; w' = ?terms(w, v)";
    let (failed, said) = run(folder.path(), equations, "fit M to d");
    assert!(!failed.status.success() && (said.contains("N505") || said.contains("N503")), "{said}");
    for part in [
        "the scale of `w` is free: with another unit of it other numbers for `b`, `v` in the equation of `w` do exactly as well",
        "write a number in place of the coefficient of that term, or hold what is known, `fit M(b = ...)`",
        "or say where `w` begins, `initial w = ...`, if not at zero, or measure `w`",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // Both choices lead to the law, in the unit that was chosen.
    for (equations, fit, law) in [
        (equations, "fit M(b = 1) to d", ["v' = w\n", "*w - 1.999"]),
        ("param b; v' = ?terms(v, v^2) + b*w; w' = ?terms(w) - 1*v", "fit M to d", ["v' = 1.999", "w' = -v"]),
    ] {
        let (done, said) = run(folder.path(), equations, fit);
        let found = &done.stdout;
        assert!(done.status.success() && law.iter().all(|part| found.contains(part)), "{fit}: {found} {said}");
    }
}

/// A reservoir behind which one state is seen, at rest from the start: the product of gain and inflow is what the data know. However well a fit settles, and
/// however small its errors would be, neither is told as a result; with one of them held, both are.
#[test]
fn parameters_that_make_up_for_a_scale_have_no_errors() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let truth = "model Truth { state v, w; v' = -0.5*v + 0.8*w; w' = 0.6 - 0.3*w; initial v = 0, w = 0 }
data d = simulate Truth { steps 80; dt 0.2; noise 1%; seed 1 }
";
    fs::write(folder.path().join("truth.mech"), truth).expect("a model");
    mechc(&folder, &["simulate", "truth.mech", "--out", "d.csv"]).ok();
    let equations = "param a = 1, b = 1, c = 1, e = 0.3; v' = -a*v + b*w; w' = c - e*w; initial w = 0";
    let (done, said) = run(folder.path(), equations, "fit M to d");
    let found = &done.stdout;
    assert!(done.status.success() && said.contains("W1102"), "{said}");
    assert!(
        said.contains("do not determine `b`, `c`: other values fit them as well, in another unit of `w`"),
        "{said}"
    );
    for name in ["b", "c"] {
        let line = found.lines().find(|line| line.starts_with(&format!("  {name} = "))).expect("a parameter");
        assert!(line.ends_with("(not determined by these data)"), "{line}");
    }
    let (done, said) = run(folder.path(), equations, "fit M(b = 0.8) to d");
    let found = &done.stdout;
    assert!(done.status.success() && !said.contains("W1102") && !found.contains("not determined"), "{said} {found}");
    assert!(found.lines().any(|line| line.starts_with("  c = 0.") && line.contains(" ± 0.")), "{found}");
}

/// The same reservoir with a gain in other units, as large as ten million: that the inflow fixes the scale is seen beside it.
#[test]
fn a_large_number_does_not_hide_what_fixes_a_scale() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (gain, start) in [("1e7", "3e6"), ("20", "6")] {
        let truth = format!(
            "model Truth {{ state v, w; v' = -0.5*v + {gain}*w; w' = 0.6 - 0.3*w; initial v = 0, w = 0 }}
data d = simulate Truth {{ steps 80; dt 0.2; noise 1%; seed 1 }}
"
        );
        fs::write(folder.path().join("truth.mech"), truth).expect("a model");
        mechc(&folder, &["simulate", "truth.mech", "--out", "d.csv", "--force"]).ok();
        let equations = format!("param a = 1, b = {start}, e = 1; v' = -a*v + b*w; w' = 0.6 - e*w; initial w = 0");
        let (done, said) = run(folder.path(), &equations, "fit M to d");
        let found = &done.stdout;
        assert!(
            done.status.success() && !said.contains("W1102") && !found.contains("not determined"),
            "{said} {found}"
        );
        assert!(
            ["a", "b", "e"].iter().all(|name| found
                .lines()
                .any(|line| line.starts_with(&format!("  {name} = ")) && line.contains(" ± "))),
            "{found}"
        );
    }
}

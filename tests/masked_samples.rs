//! Samples that stand out beside others that do so by far more: these are named too, and where nothing stands out at once nothing is looked for behind it.

mod common;

use std::fs;
use std::path::Path;

use common::mechc;

/// By how much a sample is changed that is not told alone: the noise is a tenth of it.
const SMALL: f64 = 0.0135;

/// An epidemic as a table, with samples of the infected changed.
fn epidemic(folder: &Path, seed: u32, change: impl Fn(usize, f64) -> f64) {
    let model = format!(
        "model Truth {{ state S, I; S' = -0.6*S*I; I' = 0.6*S*I - 0.2*I; initial S = 0.99, I = 0.01 }}
data d = simulate Truth {{ steps 120; dt 0.5; noise 1%; seed {seed} }}
"
    );
    fs::write(folder.join("truth.mech"), model).expect("a model");
    mechc(folder, &["simulate", "truth.mech", "--out", "whole.csv", "--force"]).ok();
    let whole = fs::read_to_string(folder.join("whole.csv")).expect("a table");
    let mut lines = whole.lines();
    let mut table = format!("{}\n", lines.next().expect("a head"));
    for (i, line) in lines.enumerate() {
        let (before, infected) = line.rsplit_once(',').expect("columns");
        let infected: f64 = infected.parse().expect("a number");
        table += &format!("{before},{}\n", change(i, infected));
    }
    fs::write(folder.join("d.csv"), table).expect("a table");
}

/// What is said of samples that stand out.
fn said(folder: &Path) -> Option<String> {
    let model =
        "model M { state S, I; (S, I)' = ?poly(S, I; degree = 2) }\ndata d = csv(\"d.csv\") { time t }\nfit M to d\n";
    fs::write(folder.join("m.mech"), model).expect("a model");
    let checked = mechc(folder, &["check", "--data", "m.mech", "--message-format", "short"]);
    let said = &checked.stderr;
    said.lines().find(|line| line.contains("W1112")).map(String::from)
}

#[test]
fn a_small_mistake_beside_large_ones_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut small = 0;
    for seed in 1..=4 {
        epidemic(folder.path(), seed, |i, infected| match i {
            20 => 5.0 * infected,
            37 => 0.1 * infected,
            60 => 3.0 * infected,
            85 => infected + SMALL,
            _ => infected,
        });
        let line = said(folder.path()).expect("a finding");
        for at in ["t = 10,", "t = 18.5,", "t = 30,"] {
            assert!(line.contains(at), "seed {seed}, {at}: {line}");
        }
        small += usize::from(line.contains("t = 42.5,"));
        assert_eq!(line.matches("t = ").count(), 3 + usize::from(line.contains("t = 42.5,")), "seed {seed}: {line}");
    }
    // Noise may go the other way.
    assert!(small >= 3, "{small}");
}

/// One that is larger than all else by far is no measure of what the column does.
#[test]
fn a_large_mistake_hides_no_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    epidemic(folder.path(), 1, |i, infected| match i {
        30 => 150.0,
        80 => infected + 0.3,
        _ => infected,
    });
    let line = said(folder.path()).expect("a finding");
    assert!(line.contains("150 at t = 15,") && line.contains("at t = 40,"), "{line}");
}

#[test]
fn nothing_is_looked_for_where_nothing_stands_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for seed in 1..=4 {
        epidemic(folder.path(), seed, |_, infected| infected);
        assert_eq!(said(folder.path()), None, "seed {seed}");
        // By itself it is within what noise may be.
        epidemic(folder.path(), seed, |i, infected| if i == 85 { infected + SMALL } else { infected });
        assert_eq!(said(folder.path()), None, "seed {seed}");
    }
}

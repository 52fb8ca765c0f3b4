//! Other numbers that fit as well: rates of a chain with a hidden state that can be exchanged.

mod common;

use std::path::Path;

use common::{run_in, value};

/// A dose that goes from the gut, which no column observes, into the blood: uptake 0.9, loss 0.2, volume 20.
fn oral(body: &str, seed: u32) -> String {
    format!(
        "model Oral {{
  state gut, blood
  {body}
}}
data d = formula {{ t = linspace(0, 24, 97); blood = 45/7*(exp(-0.2*t) - exp(-0.9*t)) + 0.04*normal(); seed {seed} }}
fit Oral to d
"
    )
}

/// The same with parameters, and where the state begins.
fn with_parameters(uptake: &str, volume: &str, seed: u32) -> String {
    let body = format!(
        "param ka = {uptake}, ke = 0.3 in [0, 10], V = {volume}
  gut' = -ka*gut
  blood' = ka*gut/V - ke*blood
  initial gut = 100, blood = 0"
    );
    oral(&body, seed)
}

/// What a run says, in one line, and its equations.
fn run(folder: &Path, model: &str, arguments: &[&str]) -> (String, serde_json::Value) {
    let ran = run_in(folder, model, arguments).ok();
    (ran.said(), ran.equations())
}

/// From either of both laws the other one is told, and the help leads to it when it is followed; there nothing more is told.
#[test]
fn exchanged_rates_are_told_and_a_range_chooses() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (seed, [start, volume]) in (1..).zip([["1", "10"], ["0.15", "3"], ["0.8", "30"], ["0.25", "5"]]) {
        let model = with_parameters(&format!("{start} in [0, 10]"), &format!("{volume} in [0.1, 100]"), seed);
        let (said, found) = run(folder.path(), &model, &[]);
        assert!(said.contains("W1125") && said.contains("no column observes `gut`, and other numbers fit"), "{said}");
        let own = value(&found, "ka");
        let [other, volume] = if own > 0.5 { [0.2, 20.0 * 0.2 / 0.9] } else { [0.9, 20.0] };
        let told = |name: &str| -> f64 {
            let words: Vec<&str> = said.split(' ').collect();
            let quoted = format!("`{name}`");
            let at = words.windows(4).find(|w| w[0].ends_with(&quoted) && w[2..] == ["in", "place"]).expect("a number");
            at[1].parse().expect("a number")
        };
        let near = |value: f64, truth: f64| (value / truth - 1.0).abs() < 0.1;
        assert!(near(told("ka"), other) && near(told("V"), volume), "{said}");
        let help = said.split("` or `param ka = ").nth(1).and_then(|part| part.split('`').next()).expect("a help");
        let chosen = with_parameters(help, &format!("{volume} in [0.1, 100]"), seed);
        let (said, found) = run(folder.path(), &chosen, &[]);
        assert!(!said.contains("W1125") && near(value(&found, "ka"), other), "{said}");
    }
}

/// What the help declares can be written so: with its unit, and an element of a family as a parameter of its own.
#[test]
fn declarations_of_the_help_are_such() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let with_units = "time [h]
  param ka [1/h] = 1 in [0, 10], ke [1/h] = 0.3 in [0, 10], V [L] = 10 in [0.1, 100]
  gut' = -ka*gut
  blood' = ka*gut/V - ke*blood
  initial gut = 100, blood = 0";
    let with_units = oral(with_units, 1).replace("gut, blood\n", "gut [mg], blood [mg/L]\n");
    let (said, _) = run(folder.path(), &with_units, &[]);
    let help = said.split("` or `").nth(1).and_then(|part| part.split('`').next()).expect("a help");
    assert!(help.starts_with("param ka [1/h] = "), "{said}");
    let chosen = with_units.replace("param ka [1/h] = 1 in [0, 10]", help);
    let (said, found) = run(folder.path(), &chosen, &[]);
    assert!(!said.contains("W1125") && value(&found, "ka") < 0.3, "{said}");

    let family = "index which = 2
  param k[which] = (1, 0.3) in [0, 10], V = 10 in [0.1, 100]
  gut' = -k[1]*gut
  blood' = k[1]*gut/V - k[2]*blood
  initial gut = 100, blood = 0";
    let family = oral(family, 1);
    let (said, _) = run(folder.path(), &family, &[]);
    assert!(said.contains("write a parameter of its own, `k_1`, in place of `k[1]`, with a range"), "{said}");
    let help = said.split("` or `").nth(1).and_then(|part| part.split('`').next()).expect("a help");
    let chosen = family.replace("k[1]", "k_1").replace("  param k[", &format!("  {help}\n  param k["));
    let (said, found) = run(folder.path(), &chosen, &[]);
    assert!(!said.contains("W1125") && value(&found, "k_1") < 0.3, "{said}");
}

/// The terms of holes are told as equations, and the file that was found says so too.
#[test]
fn exchanged_coefficients_of_holes_are_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let body = "gut' = -?terms(gut)\n  blood' = ?terms(gut, blood)\n  initial gut = 100, blood = 0";
    let (said, _) = run(folder.path(), &oral(body, 1), &[]);
    assert!(said.contains("W1125") && said.contains("`gut' = -"), "{said}");
    assert!(said.contains("write `gut` beside the hole of `gut`, as `-k*gut` with a range"), "{said}");
    assert!(said.contains("or measure `gut`"), "{said}");
}

/// A square that is in the law by chance makes the rate beside it one that varies.
#[test]
fn exchanged_rates_are_told_beside_a_term_that_may_not_be_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (start, seed) in [("0.1", 7), ("0.1", 13), ("0.1", 34), ("2", 13), ("2", 212)] {
        let body = format!(
            "param ka = {start} in [0, 10], V = 10 in [0.1, 100]
  gut' = -ka*gut
  blood' = ka*gut/V - ?terms(blood, blood^2)
  initial gut = 100, blood = 0"
        );
        let (said, found) = run(folder.path(), &oral(&body, seed), &[]);
        assert!(found.to_string().contains("blood^2"), "{seed}: the term is not there by chance: {found}");
        assert!(said.contains("W1125") && said.contains("`ka` "), "{seed}: {said}");
    }
}

/// Where one of both laws alone fits nothing is told: the volume is known, a range holds one, or both states are seen.
#[test]
fn one_law_alone_is_not_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let known = "param ka = 1 in [0, 10], ke = 0.3 in [0, 10]
  gut' = -ka*gut
  blood' = ka*gut/20 - ke*blood
  initial gut = 100, blood = 0";
    let in_range = |seed| with_parameters("1 in [0.5, 10]", "10 in [0.1, 100]", seed);
    for model in [oral(known, 1), oral(known, 2), in_range(1), in_range(2)] {
        let (said, found) = run(folder.path(), &model, &[]);
        assert!(!said.contains("W1125") && (value(&found, "ka") / 0.9 - 1.0).abs() < 0.1, "{said}");
    }
    let seen = with_parameters("1 in [0, 10]", "10 in [0.1, 100]", 1)
        .replace("; blood = 45", "; gut = 100*exp(-0.9*t) + 0.3*normal(); blood = 45");
    let (said, _) = run(folder.path(), &seen, &[]);
    assert!(!said.contains("W1125"), "{said}");
}

/// An exchange with tissue, whose rates cannot be exchanged: the eigenvalues would be others.
#[test]
fn rates_of_an_exchange_between_states_are_not_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = "model K {
  state blood, tissue
  param el = 0.1 in [0, 5], up = 0.4 in [0, 5], rel = 0.3 in [0, 5]
  blood' = -(el + up)*blood + rel*tissue
  tissue' = up*blood - rel*tissue
  initial tissue = 0
}
data d = formula { t = linspace(0, 30, 121); blood = 8.4*exp(-0.936*t) + 1.6*exp(-0.0641*t) + 0.05*normal(); seed 1 }
fit K to d
";
    let (said, _) = run(folder.path(), model, &[]);
    assert!(!said.contains("W1125"), "{said}");
}

/// Two hidden states that are alike: the law is one, and only their names are exchanged.
#[test]
fn states_that_change_places_are_told_as_that() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = "model Two {
  state x, p, q
  param kp = 0.3 in [0, 5], kq = 1.2 in [0, 5]
  x' = p + q - 0.9*x
  p' = -kp*p
  q' = -kq*q
  initial x = 0
}
data d = formula { t = linspace(0, 30, 241)
  x = 10/7*(exp(-0.2*t) - exp(-0.9*t)) + 5*(exp(-0.9*t) - exp(-1.5*t)) + 0.01*normal(); seed 1 }
fit Two to d
";
    let (said, _) = run(folder.path(), model, &[]);
    assert!(said.contains("`p` and `q`, which no column observes, can change places"), "{said}");
    assert!(!said.contains("other numbers fit"), "{said}");
}

/// What is told does not hang on how many threads there are.
#[test]
fn the_same_is_told_on_any_number_of_threads() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = with_parameters("1 in [0, 10]", "10 in [0.1, 100]", 3);
    let told = |threads: &str| {
        let (said, found) = run(folder.path(), &model, &["--threads", threads]);
        let from = said.find("W1125").unwrap_or_else(|| panic!("{said}"));
        let end = said.find("or measure `gut`").unwrap_or(said.len());
        (said[from..end].to_string(), value(&found, "ka").to_bits())
    };
    assert_eq!(told("1"), told("3"));
}

//! Laws between which noise chooses: a run names the terms that would do as well. Columns that never change offer none.

mod common;
#[path = "common/decay.rs"]
mod decay;

use std::fs;

use common::{folder, mechc, run, run_in};
use serde_json::Value;

/// An epidemic that rises and falls once, of which the infected are seen at every size only once.
fn epidemic(noise: &str, seed: u32) -> String {
    format!(
        "model Truth {{
  state x, y
  x' = -0.16*x*y
  y' = 0.16*x*y - 0.5*y
  initial x = 5, y = 0.05
}}
model M {{
  state x, y
  (x, y)' = ?poly(x, y; degree = 2)
}}
data d = simulate Truth {{ steps 120; dt 0.1; noise {noise}; seed {seed} }}
fit M to d {{ seed {seed} }}
"
    )
}

/// The terms in the equation of a state.
fn terms(record: &Value, state: &str) -> Vec<String> {
    let equations = record["equations"].as_array().expect("equations");
    let found = equations.iter().find(|e| e["state"] == state).expect("the equation");
    let terms = found["terms"].as_array().expect("terms").iter();
    terms.map(|t| t["term"].as_str().expect("a text").to_string()).collect()
}

fn says(record: &Value, text: &str) -> bool {
    record["warnings"].as_array().expect("warnings").iter().filter_map(Value::as_str).any(|w| w.contains(text))
}

/// With much noise the right law is found, or told to do as well; among these seeds are both.
#[test]
fn a_law_that_noise_has_chosen_is_told() {
    let (mut right, mut wrong) = (0, 0);
    for seed in 1..=8 {
        let (_, record) = run(&epidemic("10%", seed));
        let found = terms(&record, "y");
        if found == ["y", "x*y"] {
            right += 1;
        } else {
            wrong += 1;
            // Of whatever law it is, a term of the right one that it lacks could stand in place of one that is not.
            let other = found.iter().find(|term| !["y", "x*y"].contains(&term.as_str())).expect("another term");
            let lacks = |term: &str| found.iter().all(|f| f != term);
            let lacking = [("y", "`y` (-0."), ("x*y", "`x*y` (0.")].into_iter().filter(|(term, _)| lacks(term));
            let told = says(&record, "in the equation of `y`, ")
                && lacking.clone().count() > 0
                && lacking.into_iter().all(|(_, text)| says(&record, text))
                && says(&record, &format!(") in place of `{other}`"));
            assert!(told, "seed {seed}, {found:?}: {}", record["warnings"]);
        }
    }
    assert!(right > 0 && wrong > 0, "{right} {wrong}");
}

/// A constant that the data hardly show beside a term with an open parameter: where it is dropped the parameter's error is that without it, which
/// is told with what both would be; where it is kept, the error is that beside it.
#[test]
fn a_term_beside_which_less_is_known_is_told() {
    let mut told = 0;
    for seed in 1..=4 {
        let text = format!(
            "use std.terms.hill
model Truth {{
  state m, p
  m' = 0.1 + 2*p^2/(1 + p^2) - 0.8*m
  p' = m - 0.7*p
  initial m = 0.5, p = 0.6
}}
model M {{
  state m, p
  param K = 0.7 in [0.05, 5]
  m' = ?terms(1, m, hill(p, K, 2), p)
  p' = ?poly(m, p; degree = 2)
}}
data d = simulate Truth {{ steps 120; dt 0.1; noise 1.5%; seed {seed} }}
fit M to d
"
        );
        let (_, record) = run(&text);
        let parameter = &record["parameters"][0];
        let [value, error] = ["value", "std_error"].map(|key| parameter[key].as_f64().expect("a number"));
        let said =
            says(&record, "in the equation of `m`, `1` (") && says(&record, "could be kept as well: then `K` is ");
        told += usize::from(said);
        assert!(said || (value - 1.0).abs() < 4.0 * error, "seed {seed}: {value} ± {error}: {}", record["warnings"]);
    }
    assert!(told > 0, "{told}");
}

/// The law of a run in one line: its terms state by state.
fn law(record: &Value, states: &[&str]) -> String {
    states.iter().map(|state| format!("{state}: {}; ", terms(record, state).join(" "))).collect()
}

/// Whether a run says that another law fits as well.
fn tells_of_another_law(record: &Value) -> bool {
    says(record, "another law fits") || says(record, "other laws fit") || says(record, "in place of")
}

/// Glucose and insulin after a meal: four terms of the second degree in place of three linear ones fit as well, and no exchange of one term leads
/// from one law to the other.
#[test]
fn several_terms_in_place_of_others_are_found_or_told() {
    let (mut right, mut told) = (0, 0);
    for seed in 1..=8 {
        let text = format!(
            "model Truth {{
  state G, X, I
  G' = 0.3*(0.9 - G) - X*G
  X' = -0.25*X + 0.13*(I - 0.1)
  I' = -1.2*(I - 0.1) + 0.4*(G - 0.9)
  initial G = 3, X = 0, I = 3.6
}}
model M {{
  state G, X, I
  (G, X, I)' = ?poly(G, X, I; degree = 2)
}}
data d = simulate Truth {{ steps 121; dt 0.2; noise 2%; seed {seed} }}
fit M to d {{ seed {seed} }}
"
        );
        let (_, record) = run(&text);
        let is_right = law(&record, &["G", "X", "I"]) == "G: 1 G G*X; X: 1 X I; I: 1 G I; ";
        let tells = tells_of_another_law(&record);
        assert!(is_right || tells, "seed {seed}: {} {}", law(&record, &["G", "X", "I"]), record["warnings"]);
        (right, told) = (right + usize::from(is_right), told + usize::from(tells));
    }
    assert!(right > 5 && told > 3, "{right} {told}");
}

/// Predators and prey, seen through a gain and an offset each: two squares do what a constant and a linear term do. Of whichever law noise makes the nearer
/// one, the other is told.
#[test]
fn a_pair_of_terms_in_place_of_a_pair_is_told() {
    let (mut right, mut told) = (0, 0);
    for seed in 1..=15 {
        let text = format!(
            "model Truth {{
  state x, y
  x' = 2*(1.1*(x - 3)/2 - 0.4*(x - 3)/2*(y - 1)/1.5)
  y' = 1.5*(0.1*(x - 3)/2*(y - 1)/1.5 - 0.4*(y - 1)/1.5)
  initial x = 23, y = 8.5
}}
model M {{
  state x, y
  (x, y)' = ?poly(x, y; degree = 2)
}}
data d = simulate Truth {{ steps 200; dt 0.1; noise 5%; seed {seed} }}
fit M to d {{ seed {seed} }}
"
        );
        let (_, record) = run(&text);
        let is_right = law(&record, &["x", "y"]) == "x: 1 x y x*y; y: 1 x y x*y; ";
        let tells = tells_of_another_law(&record);
        assert!(is_right || tells, "seed {seed}: {} {}", law(&record, &["x", "y"]), record["warnings"]);
        let pair = says(&record, "fits these data about as well as the one that is told: `y' = ");
        (right, told) = (right + usize::from(is_right), told + usize::from(pair));
    }
    assert!(right > 9 && (1..12).contains(&told), "{right} {told}");
}

#[test]
fn nothing_is_told_where_the_data_choose() {
    for seed in 1..=4 {
        let (_, record) = run(&epidemic("1%", seed));
        assert_eq!(terms(&record, "y"), ["y", "x*y"], "seed {seed}");
        assert!(!says(&record, "in place of"), "seed {seed}: {}", record["warnings"]);
    }
}

/// A library too rich for a few samples: where the fit fails a poorer one is the way out that is told, and it is one.
#[test]
fn a_poorer_library_is_the_way_out_of_few_samples() {
    let model = |degree| decay::planar(degree, "steps 15; dt 0.4; noise 5%; seed 2");
    let folder = folder(&[("m.mech", &model(3))]);
    let failed = mechc(folder.path(), &["run", "m.mech", "--out", "out"]);
    let said = failed.said();
    assert!(!failed.status.success() && said.contains("N503"), "{said}");
    assert!(said.contains("the data hold 30 numbers for 20 coefficients and parameters"), "{said}");
    assert!(said.contains("give fewer candidate terms, as those of a lower degree"), "{said}");
    run(&model(2));
}

/// A second column that is the same at every sample, or a multiple of the first: its products are no candidates.
#[test]
fn multiples_of_other_terms_are_left_out() {
    for second in ["1", "3.7", "2*x"] {
        let model = format!(
            "model Truth {{
  state x
  x' = 2 - 0.5*x
  initial x = 0
}}
model M {{
  state x, c
  (x, c)' = ?poly(x, c; degree = 2)
}}
data d = csv(\"d.csv\") {{ time t; x = x; c = {} }}
fit M to d
",
            if second == "2*x" { "2*x" } else { "c" }
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let truth = format!(
            "{}data d = simulate Truth {{ steps 100; dt 0.1; noise 1%; seed 1 }}\n",
            model.split("model M").next().expect("text")
        );
        fs::write(folder.path().join("truth.mech"), truth).expect("a model");
        mechc(folder.path(), &["simulate", "truth.mech", "--out", "x.csv"]).ok();
        let table = fs::read_to_string(folder.path().join("x.csv")).expect("a table");
        let mut lines = table.lines();
        let head = format!("{},c", lines.next().expect("a head"));
        let rows = lines.map(|line| format!("{line},{}", if second == "2*x" { "0" } else { second }));
        let table: Vec<String> = std::iter::once(head).chain(rows).collect();
        fs::write(folder.path().join("d.csv"), table.join("\n") + "\n").expect("a table");
        let record = run_in(&folder, &model, &[]).ok().record();
        let found = terms(&record, "x");
        assert_eq!(found, ["1", "x"], "{second}: {record}");
        assert!(terms(&record, "c").iter().all(|t| !t.contains('c')), "{second}: {record}");
    }
}

/// What a run finds of `model` on the data `rows`, with everything it says.
fn found(model: &str, rows: &str) -> Value {
    let folder = folder(&[("d.csv", rows), ("m.mech", model)]);
    mechc(folder.path(), &["run", "m.mech", "--out", "out"]).ok().record()
}

/// Between -1/2 and 1/2, without a pattern.
fn wave(i: i32) -> f64 {
    ((12.9898 * f64::from(i + 1)).sin() * 43758.5453).rem_euclid(1.0) - 0.5
}

/// A state of which the start alone was seen is no constant: none of its terms is taken for a multiple of another one.
#[test]
fn terms_of_a_state_that_was_seen_once_stay_candidates() {
    // x' = -0.4*x from 3, y' = 0.9*x - 0.3*y from 0.
    let mut rows = "t,x,y\n".to_string();
    for i in 0..120 {
        let t = 0.1 * f64::from(i);
        let y = 0.9 * 3.0 / (0.4 - 0.3) * (f64::exp(-0.3 * t) - f64::exp(-0.4 * t));
        let x = if i == 0 { "3" } else { "" };
        rows += &format!("{t},{x},{:.6}\n", y + 0.02 * wave(i));
    }
    let record = found(
        "model M { state x, y; x' = -0.4*x; y' = ?terms(1, y, x) }
data d = csv(\"d.csv\") { time t; missing \"\" }
fit M to d
",
        &rows,
    );
    assert_eq!(terms(&record, "y"), ["y", "x"], "{record}");
    assert_eq!(record["warnings"].as_array().map(Vec::len), Some(0), "{record}");
}

/// A named hole that stands in two equations and a hole that stands in one of them hold the same term: the other equation tells them apart.
#[test]
fn a_hole_of_one_equation_stays_beside_a_named_one_of_two() {
    // s' = -0.8*s from 2, p' = 0.8*s - 0.3*p from 0.5.
    let mut rows = "t,s,p\n".to_string();
    for i in 0..100 {
        let t = 0.1 * f64::from(i);
        let (slow, fast) = (f64::exp(-0.3 * t), f64::exp(-0.8 * t));
        let (s, p) = (2.0 * fast, 0.5 * slow + 0.8 * 2.0 / 0.5 * (slow - fast));
        rows += &format!("{t},{:.6},{:.6}\n", s + 0.02 * wave(i), p + 0.02 * wave(i + 1000));
    }
    let record = found(
        "model M { state s, p; hole rate = ?linear(s, p); s' = -rate; p' = rate + ?linear(p) }
data d = csv(\"d.csv\") { time t }
fit M to d
",
        &rows,
    );
    let text = record["equations"].to_string();
    let value = |term: &str, least: f64, most: f64| {
        let all = record["equations"].as_array().expect("equations").iter();
        let of = all.flat_map(|e| e["terms"].as_array().expect("terms").clone());
        let found: Vec<f64> = of.filter(|t| t["term"] == term).filter_map(|t| t["coefficient"].as_f64()).collect();
        assert!(!found.is_empty() && found.iter().all(|v| (least..=most).contains(&v.abs())), "{term}: {text}");
    };
    value("s", 0.77, 0.83);
    value("p", 0.28, 0.32);
    assert!(!says(&record, "do not follow"), "{record}");
}

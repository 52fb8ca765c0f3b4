//! Data without noise of the process: their law has exact trajectories, is found although the way to it leads astray, and a law that cannot describe them is told as that.

mod common;

use std::fs;
use std::path::Path;

use common::{estimate, folder, run_in, value};
use serde_json::Value;

const MICHAELIS: &str =
    "state S, P; param Vmax = 1 in [0, 10], Km = 1 in [0.01, 20]; S' = -Vmax*S/(Km + S); P' = Vmax*S/(Km + S)";
const HARES: &str = "state hare, lynx; param growth = 1 in [0, 5], death = 0.3 in [0, 5], half = 20 in [1, 200]
  hare' = growth*hare - ?terms(hare^2, hare*lynx, hare*lynx/(half + hare); coefficients >= 0)
  lynx' = ?terms(hare*lynx, hare*lynx/(half + hare), lynx^2; coefficients >= 0) - death*lynx";
const TANKS: &str = "state h1, h2; input pump held
  h1' = ?terms(1, h1, sqrt(max(h1, 0)), h2, sqrt(max(h2, 0)), pump)
  h2' = ?terms(1, h1, sqrt(max(h1, 0)), h2, sqrt(max(h2, 0)), pump)";

/// What a run of a model on a table of the fixtures says, and its record.
fn run(table: &str, model: &str, block: &str) -> (String, Value) {
    let folder = folder(&[]);
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/exact");
    fs::copy(fixtures.join(table), folder.path().join("d.csv")).expect("a table");
    let model = format!("model M {{ {model}\n}}\ndata d = csv(\"d.csv\") {{ {block} }}\nfit M to d\n");
    let run = run_in(&folder, &model, &[]).ok();
    (run.said(), run.record())
}

fn says(said: &str, codes: [&str; 2], table: &str) {
    let [told, not] = codes;
    assert!(told.is_empty() || said.contains(told), "{table}: no {told}: {said}");
    assert!(!said.contains(not), "{table}: {said}");
}

#[test]
fn a_law_that_explains_nothing_does_not_stand_for_one_that_describes_the_data() {
    let (said, record) = run("inhibited.csv", MICHAELIS, "time min; trajectory exp; spacing irregular");
    says(&said, ["W1111", "W1119"], "inhibited");
    assert!(value(&record, "Vmax") > 0.3, "{record}");
    for noise in record["noise"].as_array().expect("noise") {
        assert!(noise["relative"].as_f64().expect("a number") < 0.3, "{noise}");
    }
}

#[test]
fn residuals_of_short_trajectories_are_judged_together() {
    let (said, _) = run("inhibited_little.csv", MICHAELIS, "time min; trajectory exp; spacing irregular");
    says(&said, ["W1111", "W1126"], "inhibited_little");
    // Of both states in one finding.
    assert!(said.contains("their correlation is `S` 0.") && said.matches("W1111").count() == 1, "{said}");
    assert!(said.contains(", `P` 0.") && said.contains("and in its data"), "{said}");
}

#[test]
fn an_exact_law_is_found_where_the_way_to_it_looks_like_noise_of_the_process() {
    let (said, record) = run("hares_noise.csv", HARES, "time year");
    says(&said, ["", "W1119"], "hares_noise");
    for (name, truth) in [("growth", 0.995), ("half", 162.5), ("death", 0.379)] {
        let [value, error] = estimate(&record, name);
        assert!((value - truth).abs() < 3.0 * error, "{name} = {value} ± {error}");
    }
}

#[test]
fn terms_that_are_zero_or_unknown_are_no_part_of_a_law() {
    for (table, half) in [("hares_ends.csv", 151.1), ("hares_weak.csv", 115.2)] {
        let (said, record) = run(table, HARES, "time year");
        says(&said, ["", "W1105"], table);
        let [value, error] = estimate(&record, "half");
        assert!((value - half).abs() < 3.0 * error && error < 10.0, "{table}: {value} ± {error}");
        let equations = record["equations"].as_array().expect("equations");
        let terms = equations.iter().flat_map(|e| e["terms"].as_array().expect("terms"));
        let spelled: Vec<String> = terms.map(|t| t["term"].as_str().unwrap_or_default().to_string()).collect();
        let saturated = "hare*lynx/(half + hare)";
        assert_eq!(spelled, ["hare", "hare^2", saturated, "lynx", saturated], "{table}");
    }
}

#[test]
fn equations_that_bend_are_not_told_as_noise_of_the_process() {
    let (said, _) = run("tanks.csv", TANKS, "time t");
    says(&said, ["", "W1119"], "tanks");
    // Where no exact trajectory was found, what bends is named.
    let (said, _) = run("tanks_coarse.csv", TANKS, "time t");
    says(&said, ["`max(h1, 0)` bends where the solution passes", "the data were smoothed"], "tanks_coarse");
}

/// What the first regression makes of the parameter leads astray whatever it starts at: within a part of its range it does not.
#[test]
fn a_parameter_that_runs_to_an_end_is_sought_in_parts_of_its_range() {
    let model = "state biomass, substrate; param yield = 0.5 in [0.01, 1]
  hole mu = ?ratio(terms(substrate), terms(1, substrate))
  biomass' = biomass*mu; substrate' = -biomass*mu/yield";
    let (said, record) =
        run("growth_yield.csv", model, "time hours; trajectory batch; missing \"\"; holdout 20% of time");
    says(&said, ["", "W1107"], "growth_yield");
    let [value, error] = estimate(&record, "yield");
    assert!((value - 0.4421).abs() < 4.0 * error && error < 0.05, "yield = {value} ± {error}");
}

//! A fit that is lost is told as that: its numbers have no errors, and nothing is said of what the data determine.

mod tables;

use serde_json::Value;
use tables::{fitted, numbers, table};

/// An epidemic in a town, of which the infected are counted.
fn epidemic([s, i]: [f64; 2]) -> [f64; 2] {
    [-7e-5 * s * i, 7e-5 * s * i - 0.12 * i]
}

fn warnings(record: &Value) -> Vec<&str> {
    record["warnings"].as_array().expect("warnings").iter().filter_map(Value::as_str).collect()
}

/// A rate per person and day is far below the 0.3 that textbooks have for shares of a population.
#[test]
fn a_start_far_from_any_size_that_fits_is_told() {
    let data = table(epidemic, &[[4995.0, 5.0]], (121, 1.0, 13.0), (1.0, &[(1, "i")]));
    let fit = |start: &str| {
        let model = format!(
            "model M {{ state s, i; param beta{start}, gamma = 0.1; s' = -beta*s*i; i' = beta*s*i - gamma*i; initial s = 4995 }}"
        );
        fitted(&data, &model, "i = i")
    };
    let record = fit(" = 0.3");
    let said = warnings(&record);
    assert!(said.iter().any(|w| w.starts_with("the fit is lost: with `beta = ")), "{said:?}");
    assert!(!said.iter().any(|w| w.contains("do not determine")), "{said:?}");
    assert!(record["parameters"][0]["std_error"].is_null(), "{}", record["parameters"]);
    assert_eq!(record["parameters"][0]["without_error"], "the fit is lost");
    assert!(record["noise"].as_array().is_none_or(Vec::is_empty), "{}", record["noise"]);
    // As it says itself.
    for start in [" = 0.001 in [0, 0.01]", ""] {
        let record = fit(start);
        let [beta, error] = numbers(&record)[0];
        assert!((beta - 7e-5).abs() < 4.0 * error && error < 1e-6, "{start}: {beta} ± {error}");
        assert!(!warnings(&record).iter().any(|w| w.contains("lost")), "{start}");
    }
}

//! A fit that is lost is told as that: its numbers have no errors, and nothing is said of what the data determine.

mod tables;

use serde_json::Value;
use tables::common::{folder, run_in};
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
    // No figure of merit is told of it, and its file says so at its head.
    assert!(record["metrics"].as_array().is_none_or(Vec::is_empty), "{}", record["metrics"]);
    assert!(record["explained"].as_array().is_none_or(Vec::is_empty), "{}", record["explained"]);
    // As it says itself.
    for start in [" = 0.001 in [0, 0.01]", ""] {
        let record = fit(start);
        let [beta, error] = numbers(&record)[0];
        assert!((beta - 7e-5).abs() < 4.0 * error && error < 1e-6, "{start}: {beta} ± {error}");
        assert!(!warnings(&record).iter().any(|w| w.contains("lost")), "{start}");
    }
}

/// An oscillation, of which the position is seen.
fn swing([x, v]: [f64; 2]) -> [f64; 2] {
    [v, -x - 0.1 * v]
}

/// Data without noise leave as little over, and their laws are none that is lost.
#[test]
fn exact_data_are_no_lost_fit() {
    let data = table(swing, &[[1.0, 0.0]], (201, 0.1, 0.0), (1.0, &[(0, "a")]));
    for model in ["a' = h; h' = ?poly(a, h; degree = 2)", "param k = 0.3; a' = h; h' = -k*a - ?terms(h)"] {
        let record = fitted(&data, &format!("model M {{ state a, h; {model} }}"), "a = a");
        assert!(!warnings(&record).iter().any(|w| w.contains("lost")), "{:?}", warnings(&record));
        assert!(numbers(&record).iter().all(|[value, error]| *error < 0.01 * value.abs()), "{:?}", numbers(&record));
    }
}

/// Where the data hold a mistake as well, the fit is lost all the same, and the file that it leaves says so.
#[test]
fn a_lost_fit_is_told_beside_a_mistake_in_the_data() {
    let whole = table(epidemic, &[[4995.0, 5.0]], (121, 1.0, 13.0), (1.0, &[(1, "i")]));
    // A counter that goes no further.
    let cut = |line: &str| match line.rsplit_once(',') {
        Some((at, value)) if value.parse::<f64>().is_ok_and(|value| value > 1100.0) => format!("{at},1100\n"),
        _ => format!("{line}\n"),
    };
    let data: String = whole.lines().map(cut).collect();
    let model = "model M { state s, i; param beta = 0.3, gamma = 0.1; s' = -beta*s*i; i' = beta*s*i - gamma*i; initial s = 4995 }\n\
                 data d = csv(\"d.csv\") { time t; i = i }\nfit M to d\n";
    let folder = folder(&[("d.csv", &data)]);
    let run = run_in(&folder, model, &[]);
    let said = &run.stderr;
    assert!(run.status.success() && said.contains("W1116"), "{said}");
    assert!(said.contains("W1120") && said.contains("the fit is lost"), "{said}");
    let found = run.file("discovered.mech");
    assert!(found.contains("//! The fit is lost: these numbers describe neither the data nor the system."), "{found}");
}

/// Predators that no column observes.
fn hunt([prey, predators]: [f64; 2]) -> [f64; 2] {
    [1.1 * prey - 0.4 * prey * predators, 0.1 * prey * predators - 0.4 * predators]
}

/// Where a hidden state is left to holes alone, no number comes out as a result, and what is advised leads to one.
#[test]
fn hidden_states_in_holes_alone_are_told_with_a_way_that_works() {
    let data = table(hunt, &[[10.0, 5.0]], (301, 0.1, 0.08), (1.0, &[(0, "prey")]));
    let model = |equations: &str| format!("model M {{ state prey, predators; {equations} }}");
    let folder = folder(&[("d.csv", &data)]);
    for start in ["", "; initial predators = 5", "; initial predators = 0"] {
        let text = model(&format!("(prey, predators)' = ?poly(prey, predators; 2){start}"));
        let text = format!("{text}\ndata d = csv(\"d.csv\") {{ time t; prey = prey }}\nfit M to d\n");
        let run = run_in(&folder, &text, &[]);
        let said = run.said();
        let told = ["N503", "N505", "the fit is lost", "are conventions"].iter().any(|what| said.contains(what));
        assert!(told, "{start}: {said}");
        assert!(said.contains("with `predators` and its number beside the hole"), "{start}: {said}");
        let law = &run.stdout;
        assert!(!law.contains("(in brackets") || said.contains("W1123"), "{start}: {law}");
    }
    let record = fitted(
        &data,
        &model("prey' = ?terms(prey) - prey*predators; predators' = ?poly(prey, predators)"),
        "prey = prey",
    );
    assert!(!warnings(&record).iter().any(|w| w.contains("lost")), "{:?}", warnings(&record));
    let law = &record["equations"][0]["terms"];
    assert!(law.to_string().contains("\"prey\""), "{law}");
    let coefficient = |value: f64| numbers(&record).iter().any(|[v, _]| (v - value).abs() < 0.05);
    assert!(coefficient(1.1) && coefficient(0.1) && coefficient(-0.4), "{:?}", numbers(&record));
}

/// A state that decays, and one at rest, of which the data tell where it rests and not how fast it would return.
fn rest([x, _]: [f64; 2]) -> [f64; 2] {
    [-0.5 * x, 0.0]
}

/// What a state at rest leaves over is all that its data do, a little more or less by chance: its rate is not determined, and the fit is none that is lost.
#[test]
fn a_state_at_rest_takes_nothing_from_what_another_one_tells() {
    let model = "model M { state x, y; param k = 1, c = 1, s = 1; x' = -k*x; y' = c*(s - y) }";
    for samples in [77, 78, 80] {
        let data = table(rest, &[[5.0, 2.0]], (samples, 0.1, 0.17), (1.0, &[(0, "x"), (1, "y")]));
        let record = fitted(&data, model, "x = x; y = y");
        assert!(!warnings(&record).iter().any(|w| w.contains("lost")), "{samples}: {:?}", warnings(&record));
        let [decay, error] = numbers(&record)[0];
        assert!((decay - 0.5).abs() < 4.0 * error && error < 0.02, "{samples}: {decay} ± {error}");
    }
}

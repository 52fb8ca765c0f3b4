//! States that no column observes begin at the `initial` values of the model, unless the data contradict these or the fit says
//! `initial free`.

mod tables;

use serde_json::Value;
use tables::{fitted, fitted_as, imported, numbers, table};

/// A drug in the blood and in a tissue that is empty at first: without knowing that, the three rates cannot be told.
const KINETICS: &str = "model M {
  state c, p
  param ke, k12, k21 in [0, 5]
  c' = -(ke + k12)*c + k21*p
  p' = k12*c - k21*p
  initial p = 0
}
";

const CONTRADICT: &str = "no good fit starts with the initial value";

/// Of elimination, into the tissue and back.
const RATES: [f64; 3] = [0.5, 0.3, 0.15];

fn kinetics([c, p]: [f64; 2]) -> [f64; 2] {
    let [ke, k12, k21] = RATES;
    [-(ke + k12) * c + k21 * p, k12 * c - k21 * p]
}

fn says(record: &Value, text: &str) -> bool {
    record["warnings"].as_array().expect("warnings").iter().filter_map(Value::as_str).any(|w| w.contains(text))
}

/// The hidden state of the solution at the first sample of a trajectory.
fn beginning(record: &Value, trajectory: usize, state: &str) -> f64 {
    let states = record["trajectories"][trajectory]["states"].as_array().expect("states").clone();
    let found = states.iter().find(|s| s["state"] == state).expect("the state");
    found["solution"][0].as_f64().expect("a number")
}

/// The exit code of a run of a model file beside `d.csv`, and what it says on the error stream.
fn ran(data: &str, text: &str, args: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("d.csv"), data).expect("a table");
    std::fs::write(folder.path().join("m.mech"), text).expect("a model");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mechc"))
        .args(["run", "m.mech", "--out", "out", "--message-format", "json"])
        .args(args)
        .current_dir(folder.path())
        .output()
        .expect("mechc starts");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Noise of 0.5 to 5 % of what is seen, one patient and several; trajectories that are held out begin there too.
#[test]
fn a_tissue_that_is_empty_at_first_gives_all_rates() {
    let one = [[10.0, 0.0]];
    let several = [[10.0, 0.0], [5.0, 0.0], [8.0, 0.0], [3.0, 0.0], [12.0, 0.0]];
    // With start values nothing is sought, which takes longest.
    let started = KINETICS.replace("ke, k12, k21 in [0, 5]", "ke = 1, k12 = 1, k21 = 1");
    for (model, starts, noise, of_data) in [
        (KINETICS, &one[..], 0.05, "c = c"),
        (&started, &one, 0.3, "c = c"),
        (&started, &several, 0.3, "c = c"),
        (&started, &several, 0.1, "c = c; holdout 20% of trajectories"),
    ] {
        let data = table(kinetics, starts, (60, 0.4, noise), (1.0, &[(0, "c")]));
        let record = fitted(&data, model, of_data);
        for ([value, error], rate) in numbers(&record).into_iter().zip(RATES) {
            assert!((value - rate).abs() < 4.0 * error && error < 0.2 * rate, "{noise}, {of_data}: {value} ± {error}");
        }
        assert!(beginning(&record, 0, "p").abs() < 1e-6, "{of_data}: {}", beginning(&record, 0, "p"));
        assert!(says(&record, "no column observes `p`") && !says(&record, CONTRADICT), "{}", record["warnings"]);
    }
}

/// Where the fit says that the start is free the tissue begins elsewhere: nothing else tells the rates apart.
#[test]
fn free_starts_are_estimated() {
    let data = table(kinetics, &[[10.0, 0.0]], (60, 0.4, 0.3), (1.0, &[(0, "c")]));
    let record = fitted_as(&data, KINETICS, ("c = c", "initial free"));
    assert!(beginning(&record, 0, "p").abs() > 1e-3, "{}", beginning(&record, 0, "p"));
    assert!(!says(&record, CONTRADICT), "{}", record["warnings"]);
}

/// Without a known start the blood alone gives four numbers, and rates and start are five: every rate has an error, in which the true one lies, and
/// what cannot be told is named and not taken for a noise of the process.
#[test]
fn rates_that_the_start_makes_up_for_are_not_determined() {
    let open = KINETICS.replace("  initial p = 0\n", "");
    for (start, rows) in [([10.0, 0.0], (60, 0.4, 0.1)), ([10.0, 0.0], (100, 0.2, 0.05)), ([6.0, 4.0], (100, 0.2, 0.1))]
    {
        let data = table(kinetics, &[start], rows, (1.0, &[(0, "c")]));
        let record = fitted(&data, &open, "c = c");
        for ([value, error], rate) in numbers(&record).into_iter().zip(RATES) {
            assert!(
                (value - rate).abs() < 3.0 * error && error > 0.2 * rate,
                "{start:?}: {value} ± {error} for {rate}"
            );
        }
        assert!(
            says(&record, "do not determine `ke`, `k12`, `k21` together with where `p` begins"),
            "{}",
            record["warnings"]
        );
        assert!(!says(&record, "process itself is noisy"), "{}", record["warnings"]);
        // Why the fit did not settle is said once.
        assert!(!says(&record, "the fit did not settle"), "{}", record["warnings"]);
    }
}

/// A start that the data contradict: in the only trajectory, and in one of two.
#[test]
fn a_start_that_the_data_contradict_is_estimated_and_told() {
    let model = "model M {
  state x, v
  param k in [0, 100]
  x' = v
  v' = -k*x
  initial v = 1
}
";
    let swing = |[x, v]: [f64; 2]| [v, -4.0 * x];
    for (starts, contradicts) in [
        (&[[1.0, 1.0]][..], false),
        (&[[1.0, -3.0]], true),
        (&[[1.0, 1.0], [2.0, 1.0]], false),
        (&[[1.0, 1.0], [2.0, -1.0]], true),
    ] {
        let data = table(swing, starts, (80, 0.1, 0.1), (1.0, &[(0, "x")]));
        let record = fitted(&data, model, "x = x");
        let [k, error] = numbers(&record)[0];
        assert!((k - 4.0).abs() < 4.0 * error && error < 0.05, "{starts:?}: {k} ± {error}");
        assert_eq!(says(&record, &format!("{CONTRADICT} `v = 1`")), contradicts, "{starts:?}: {}", record["warnings"]);
        // The model may be the library's, which no one can edit.
        assert_eq!(
            says(&record, "`initial free` in the block of the fit to have it"),
            contradicts,
            "{}",
            record["warnings"]
        );
        // The one contradicts the other.
        assert_ne!(says(&record, "no column observes `v`"), contradicts, "{starts:?}: {}", record["warnings"]);
        for (k, start) in starts.iter().enumerate() {
            let found = beginning(&record, k, "v");
            let off = if contradicts { 0.3 } else { 1e-6 };
            assert!((found - start[1]).abs() < off, "{starts:?}: {found}");
        }
    }
}

/// Parameters that are near to zero are no ones that the data do not determine: that the start is contradicted is told beside them.
#[test]
fn small_parameters_hide_no_contradicted_start() {
    let chain = |[s, p]: [f64; 2]| [-0.5 * s, 0.5 * s - 0.2 * p];
    let data = table(chain, &[[3.0, 0.0]], (120, 0.1, 0.06), (1.0, &[(1, "p")]));
    let model = "model M { state s, p; param k = 1, a = 0, b = 0; s' = -k*s; p' = k*s - 0.2*p + a*sin(t) + b*cos(3*t); initial s = 2 }";
    let record = fitted(&data, model, "p = p");
    let [_, a, b] = [0, 1, 2].map(|k| numbers(&record)[k]);
    assert!([a, b].iter().all(|[value, error]| value.abs() < 4.0 * error && *error < 0.1), "{a:?}, {b:?}");
    assert!(says(&record, &format!("{CONTRADICT} `s = 2`")), "{}", record["warnings"]);
    assert!(!says(&record, "do not determine") && !says(&record, "it begins with"), "{}", record["warnings"]);
}

/// Of a family the data may feel some elements and not others: each is told what is true of it.
#[test]
fn elements_that_are_felt_are_told_apart_from_others() {
    let fed = |[x, q]: [f64; 2]| [-0.5 * x + 0.4 * q, -0.3 * q];
    let data = table(fed, &[[1.0, 2.0]], (100, 0.1, 0.02), (1.0, &[(0, "x")]));
    let model = "model M { index n = 3; state x; state q[n]; param k = 0.5; x' = -k*x + 0.4*q[2]; q' = -0.3*q }";
    let record = fitted(&data, model, "x = x");
    let begins = "no column observes `q[2]`; where it begins is estimated too";
    assert!(says(&record, begins) && says(&record, "`initial q[2] = ...`"), "{}", record["warnings"]);
    let unfelt = "no column observes `q[1]`, `q[3]`; nothing that is observed depends on them";
    assert!(says(&record, unfelt) && says(&record, "`initial q[1] = 1`"), "{}", record["warnings"]);
}

/// The starts of a model of the library are no one's knowledge of the data: parameters that hang on them are named, with what becomes of them,
/// and the way out that is told leads to a fit that says what the data determine.
#[test]
fn what_hangs_on_the_start_of_an_imported_model_is_named() {
    let spiking = |[v, w]: [f64; 2]| [v - v * v * v / 3.0 - w + 0.5, (v + 0.7 - 0.8 * w) / 12.5];
    let data = table(spiking, &[[1.2, 0.4]], (240, 0.25, 0.06), (1.0, &[(0, "v")]));
    let fit = |held: &str, settings: &str| {
        let model = "use std.cells.FitzHughNagumo";
        imported(&data, model, "v = v", &format!("fit FitzHughNagumo({held}) to d {{ {settings} }}"))
    };
    let hung = "`a`, `current` hang on a start of the imported model that no column observes, `w = -0.5`";
    let record = fit("b = 0.8", "");
    assert!(says(&record, hung) && says(&record, "`initial free`"), "{}", record["warnings"]);
    // Of one thing one warning.
    assert!(!says(&record, "no column observes `w`"), "{}", record["warnings"]);
    // Unless it is not told.
    let text = "use std.cells.FitzHughNagumo\ndata d = csv(\"d.csv\") { time t; trajectory k; v = v }\nfit FitzHughNagumo(b = 0.8) to d\n";
    for (allow, told, silent) in [("W1102", "W0706", "W1102"), ("W0706", "W1102", "W0706")] {
        let (code, said) = ran(&data, text, &["--allow", allow]);
        assert!(code == Some(0) && said.contains(told) && !said.contains(silent), "{allow}: {said}");
    }
    let free = fit("b = 0.8", "initial free");
    let of = |record: &Value, k: usize| record["parameters"][k]["std_error"].as_f64().expect("an error");
    assert!(!says(&free, "hang on") && of(&free, 0) > 10.0 * of(&record, 0), "{}", free["parameters"]);
    // A model of one's own says what is known.
    let own = "model Own { state v, w; param a = 0.7, current = 0.5; v' = v - v^3/3 - w + current; w' = (v + a - 0.8*w)/12.5; initial w = -0.5 }";
    let record = imported(&data, own, "v = v", "fit Own to d");
    assert!(!says(&record, "hang on"), "{}", record["warnings"]);
}

/// Where the fit with an estimated start has no single solution, or does not settle, that is told, and no number of it.
#[test]
fn what_becomes_of_estimates_is_told_of_fits_in_order_alone() {
    let prey = |[u, w]: [f64; 2]| [1.1 * u - 0.4 * u * w, 0.1 * u * w - 0.4 * w];
    let grazed = |[u, w]: [f64; 2]| {
        let eaten = w * u / (1.0 + u);
        [u * (1.0 - u / 3.0) - eaten, eaten - 0.4 * w]
    };
    let hold = |name: &str| {
        format!("hold what is known of the parameters that the start makes up for, `fit {name}(NAME = ...) to d`")
    };
    for (data, name, hangs, open) in [
        // The size of the predators and what each of them eats are known as a product alone.
        (table(prey, &[[8.0, 4.0]], (80, 0.2, 0.03), (1.0, &[(0, "u")])), "LotkaVolterra", "`w = 5`", None),
        (
            table(grazed, &[[0.6, 0.5]], (120, 0.3, 0.05), (1.0, &[(0, "u")])),
            "RosenzweigMacArthur",
            "`w = 1`",
            Some("`yield`"),
        ),
    ] {
        let model = format!("use std.populations.{name}");
        let record = imported(&data, &model, "u = u", &format!("fit {name} to d"));
        let warnings = record["warnings"].as_array().expect("warnings");
        let of = |w: &&str| w.contains("of the imported model that no column observes");
        let told: Vec<&str> = warnings.iter().filter_map(Value::as_str).filter(of).collect();
        let [told] = told.as_slice() else { panic!("{name}: {}", record["warnings"]) };
        assert!(told.contains(hangs) && !told.contains('±'), "{told}");
        match open {
            Some(open) => assert!(told.contains(open) && told.contains("the data do not determine"), "{told}"),
            None => assert!(told.contains("no single solution") && told.contains(&hold(name)), "{told}"),
        }
    }
}

/// Where a state begins on which nothing observed depends is no question to the data: its start is held, with `initial free` too, and a state
/// without a start has one.
#[test]
fn a_state_that_nothing_observed_depends_on_is_left_where_it_begins() {
    let epidemic = |[s, e, i, _]: [f64; 4]| {
        let (new, ill, well) = (0.6 * s * i, 0.25 * e, 0.2 * i);
        [-new, new - ill, ill - well, well]
    };
    let data = table(epidemic, &[[0.99, 0.006, 0.004, 0.0]], (160, 0.5, 2e-4), (1.0, &[(2, "i")]));
    let model = "use std.populations.SEIR";
    for settings in ["", "initial free"] {
        let record = imported(&data, model, "i = i", &format!("fit SEIR to d {{ {settings} }}"));
        let said = "no column observes `r`; nothing that is observed depends on it: no estimate hangs on where it begins, which is at `r = 0`, its `initial` value";
        assert!(says(&record, said), "{settings}: {}", record["warnings"]);
        assert!(beginning(&record, 0, "r").abs() < 1e-9, "{settings}");
        assert!(!says(&record, "where `r`"), "{settings}: {}", record["warnings"]);
    }
    let decay = |[x, q]: [f64; 2]| [-0.5 * x, x - q];
    let data = table(decay, &[[2.0, 1.0]], (60, 0.1, 0.01), (1.0, &[(0, "x")]));
    let record = fitted(&data, "model M { state x, q; param k; x' = -k*x; q' = x - q }", "x = x");
    let [k, error] = numbers(&record)[0];
    assert!((k - 0.5).abs() < 4.0 * error && error < 0.01, "{k} ± {error}");
    assert!(says(&record, "which is taken to be at 0") && says(&record, "`initial q = 1`"), "{}", record["warnings"]);
    assert!(beginning(&record, 0, "q").abs() < 1e-9);
}

/// A parameter or a hole that stands in the equation of such a state alone: no data say what it may be, and the way out leads out.
#[test]
fn what_nothing_observed_feels_is_named() {
    let decay = |[x, _]: [f64; 2]| [-0.5 * x, 0.3 * x];
    let data = table(decay, &[[2.0, 0.0]], (60, 0.1, 0.01), (1.0, &[(0, "x")]));
    let run = |model: &str, fit: &str| {
        ran(&data, &format!("{model}\ndata d = csv(\"d.csv\") {{ time t; trajectory k; x = x }}\n{fit}\n"), &[])
    };
    let model = "model M { state x, q; param k, m; x' = -k*x; q' = m*x; initial q = 0 }";
    let (code, said) = run(model, "fit M to d");
    assert!(code == Some(5) && said.contains("no data say what `m` may be"), "{said}");
    assert!(said.contains("hold what is known, `fit M(m = ...)`"), "{said}");
    let (code, said) = run(model, "fit M(m = 0.3) to d");
    assert_eq!(code, Some(0), "{said}");
    // A hole there would lose all its terms, and an equation without any be told as a law.
    for hole in ["?linear(q)", "?poly(x, q; degree = 2)"] {
        let model = format!("model M {{ state x, q; param k; x' = -k*x; q' = {hole} }}");
        let (code, said) = run(&model, "fit M to d");
        let (what, way) = (format!("no data say what `{hole}` in the equation of `q` may be"), "or measure `q`");
        assert!(code == Some(5) && said.contains(&what) && said.contains(way), "{said}");
    }
}

/// Where estimates hang on a start that no one knows, no one can say that the process is noisy, and why the fit did not settle has been said.
#[test]
fn what_hangs_on_a_start_is_no_noise_of_the_process() {
    let chemostat = |[n, s]: [f64; 2]| {
        let growth = s / (0.5 + s);
        [n * (growth - 0.5), 0.5 * (5.0 - s) - n * growth / 0.6]
    };
    for noise in [0.01, 0.05] {
        let data = table(chemostat, &[[0.2, 4.0]], (80, 0.2, noise), (1.0, &[(0, "n")]));
        let record = imported(&data, "use std.populations.Chemostat", "n = n", "fit Chemostat to d");
        let hung = says(&record, "of the imported model that no column observes") || says(&record, "do not determine");
        assert!(hung, "{noise}: {}", record["warnings"]);
        for text in ["do not follow any trajectory of the model exactly", "the fit did not settle"] {
            assert!(!says(&record, text), "{noise}: {}", record["warnings"]);
        }
    }
}

/// A hidden state whose zero is free: what is printed as not determined is named in a warning too, with the way out.
#[test]
fn an_offset_of_a_hidden_state_that_is_free_is_named() {
    let spiking = |[v, w]: [f64; 2]| [v - v * v * v / 3.0 - w + 0.5, (v + 0.7 - 0.8 * w) / 12.5];
    let begins_at = |k: usize| [-1.0 + 0.01 * k as f64, 1.0];
    let model = |begins: &str| {
        format!(
            "model M {{ state v, w; param e = 0.2, b = 0.5, c = 0.5, current = 0.3; v' = v - v^3/3 - w + current; w' = e*(v + b - c*w){begins} }}"
        )
    };
    // With some roundings no parameter was said to make up for another.
    for k in 0..16 {
        let data = table(spiking, &[begins_at(k)], (601, 0.2, 0.09), (1.0, &[(0, "v")]));
        let record = fitted(&data, &model(""), "v = v");
        let open = "do not determine `b`, `current` together with where `w` begins";
        assert!(says(&record, open) && says(&record, "`initial w = ...`"), "{k}: {}", record["warnings"]);
        if k == 0 {
            let record = fitted(&data, &model("; initial w = 1"), "v = v");
            assert!(!says(&record, "do not determine"), "{}", record["warnings"]);
        }
    }
}

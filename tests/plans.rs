//! `mechc check --plan`: what is said about the solves of the examples and of small models.

mod common;

use common::Ran;
use mechc::driver::{Purpose, Session};
use mechc::runtime::SolveMethod;
use mechc::source::MemoryWorld;
use serde_json::Value;

fn mechc(args: &[&str]) -> Ran {
    common::mechc(env!("CARGO_MANIFEST_DIR"), args)
}

fn plan(file: &str) -> String {
    let output = mechc(&["check", file, "--plan", "--memory", "8G"]).ok();
    output.stdout
}

#[test]
fn examples() {
    for name in ["lorenz_encoder", "lorenz", "hidden", "pendulum", "room", "prey", "epidemic"] {
        insta::assert_snapshot!(name, plan(&format!("examples/{name}.mech")));
    }
}

#[test]
fn a_plan_for_programs_says_the_same() {
    let args =
        ["check", "examples/lorenz_encoder.mech", "--plan", "--memory", "8000000000", "--message-format", "json"];
    let output = mechc(&args);
    let lines: Vec<Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).expect("an object on each line")).collect();
    let [model, fit] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&model["plan"], &model["purpose"]), (&Value::from("model Lorenz63"), &Value::from("data")));
    assert_eq!((&fit["purpose"], &fit["samples"]), (&Value::from("training"), &Value::from(512)));
    assert_eq!(fit["memory"], 8_000_000_000u64);
    let solve = &fit["solves"][0];
    for (key, value) in
        [("unknowns", 200), ("block", 4), ("bandwidth", 7), ("zeros", 3), ("responses", 10), ("steps", 50)]
    {
        assert_eq!(solve[key], value, "{key}");
    }
    assert_eq!(solve["systems"], serde_json::json!([["x"], ["y"], ["z"]]));
    assert_eq!((&solve["algorithm"], &solve["constant_matrix"]), (&Value::from("operator"), &Value::from(true)));
    // The text of the same plan names the same batch.
    let text = plan("examples/lorenz_encoder.mech");
    assert!(text.contains(&format!("at most {} at a time in 8.0 GB", fit["largest_batch"])), "{text}");
}

/// Where the windows of a training do not fit it says so, with what they need and the way out, down to not a single one.
#[test]
fn a_plan_says_what_does_not_fit() {
    let file = "examples/lorenz_encoder.mech";
    let said = |memory: &str| {
        let output = mechc(&["check", file, "--plan", "--memory", memory]);
        let text = &output.stdout;
        text.lines().filter(|line| line.contains("memory: ")).map(str::to_string).collect::<Vec<_>>()
    };
    let [data, training] = said("1M").try_into().expect("two plans");
    // Of what is done without a solve nothing has to fit.
    assert!(data.ends_with("; more than 1.0 MB: it would need 20.0 MB"), "{data}");
    assert!(
        training.contains(
            "; not one fits in 1.0 MB: one needs about 76.6 MB, 512 need 202.7 MB; make `window` or the network smaller"
        ),
        "{training}"
    );
    let [_, training] = said("100M").try_into().expect("two plans");
    let most =
        training.split_once("write `batch ").and_then(|(_, rest)| rest.split_once('`')).map(|(n, _)| n.to_string());
    assert!(training.contains("; 512 do not fit in 100.0 MB: they need 202.7 MB; "), "{training}");
    // The batch that it proposes fits, and the next one does not.
    let batch: u64 = most.and_then(|n| n.parse().ok()).expect("a number");
    let fits = |batch: u64| {
        let set = format!("fit.batch={batch}");
        let output = mechc(&["check", file, "--plan", "--memory", "100M", "--set", &set]);
        // Of the data and of the training.
        output.stdout.matches("at a time in 100.0 MB").count() == 2
    };
    assert!(fits(batch) && !fits(batch + 1), "{training}");
}

/// The plans of a model text.
fn planned(text: &str, bytes: u64) -> Vec<mechc::driver::Planned> {
    let mut session = Session::new(MemoryWorld::new().with("m.mech", text));
    match session.plan("m.mech", &[], Some(bytes)) {
        Ok(planned) => planned,
        Err(failure) => panic!("{}", failure.render(session.sources(), mechc::diagnostics::Format::Short)),
    }
}

#[test]
fn coefficients_that_vary_make_a_matrix_for_each_window() {
    let text = "model M { state x, y, z; input flow; x' = -flow*x + y; y' = -(1 + t)*y; z' = -2*z }";
    let plans = planned(text, 1_000_000);
    assert_eq!((plans.len(), plans[0].purpose), (1, Purpose::Window));
    let [coupled, alone] = plans[0].solves.as_slice() else { panic!("{plans:?}") };
    assert_eq!(coupled.outline.systems, [["x", "y"]]);
    assert_eq!((coupled.method, coupled.outline.constant_matrix()), (SolveMethod::OwnFactors, false));
    assert_eq!((alone.method, alone.outline.constant_matrix()), (SolveMethod::SharedFactor, true));
    assert_eq!((coupled.outline.zeros(), coupled.outline.coefficients()), (16 - 5, 16));
    // Vectors, factor and coefficients of the coupled pair, vectors of the other one.
    let (pair, one) = (&coupled.footprint, &alone.footprint);
    let each = pair.vector_bytes + pair.factor_bytes(16, true) / 16 + pair.coefficient_bytes + one.vector_bytes;
    assert_eq!(plans[0].sample_bytes, each);
    assert_eq!(plans[0].fixed_bytes, one.factor_bytes(1, false) + one.coefficient_bytes);
    assert_eq!(plans[0].largest_batch, Some((1_000_000 - plans[0].fixed_bytes) / each));
    insta::assert_snapshot!("varying", plans[0].text());
}

/// Initial values are numbers like right-hand sides, for an item as for a model; a periodic boundary has none.
#[test]
fn initial_values_and_periodic_boundaries_are_counted() {
    let text = |end: &str| {
        format!(
            "model M {{ state u order 2; u'' + 0.1*u' + u = sin(t); {end} }}\nsolve run = M {{ steps 500; dt 0.05 }}"
        )
    };
    let [given, closed] = ["initial u = 0; initial u' = 1", "boundary periodic"].map(|end| {
        let plans = planned(&text(end), 1_000_000);
        let item = plans.into_iter().find(|plan| plan.purpose == Purpose::Item).expect("the plan of the item");
        (item.solves[0].footprint.rows[1], item.solves[0].footprint.vector_bytes, item.text())
    });
    let numbers = 500 * 5 + 500;
    assert_eq!((given.0, given.1), (2, 8 * (numbers + 2)));
    assert!(given.2.contains("500 of equations, 2 initial,") && given.2.contains("bandwidth     9\n"), "{}", given.2);
    assert_eq!((closed.0, closed.1), (4, 8 * numbers));
    let says = ["500 of equations, 4 of the periodic boundary,", "bandwidth     9, without the periodic boundary\n"];
    assert!(says.iter().all(|text| closed.2.contains(text)), "{}", closed.2);
}

#[test]
fn the_largest_batch_of_a_training_is_the_largest_that_fits() {
    let text = |batch: u64| {
        format!(
            "model P {{ state u; u' = ?poly(u) }}
model Q {{ state u; u' = -u; initial u = 1 }}
network net {{ input u over window; mlp [8] relu; output v[1] over window }}
data d = simulate Q {{ steps 100; dt 0.1 }}
fit P to d {{ window 20; batch {batch}; auxiliary u = net.v }}"
        )
    };
    let bytes = 10_000_000;
    let training = |batch| planned(&text(batch), bytes).into_iter().find(|p| p.purpose == Purpose::Training);
    let plan = training(16).expect("a fit by training");
    let most = plan.largest_batch.expect("a batch");
    assert!(most > 16);
    // Whatever the file's batch is, the same number fits; a fit that takes as many needs no more than there is.
    let there = training(most).expect("a fit by training");
    assert_eq!(there.largest_batch, Some(most));
    let need = |p: &mechc::driver::Planned, n: u64| p.fixed_bytes + n * p.sample_bytes;
    assert!(need(&there, most) <= bytes && need(&there, most + 1) > bytes - there.sample_bytes);
}

#[test]
fn options_of_the_plan() {
    for (args, code, says) in [
        (vec!["check", "examples/lorenz.mech", "--memory", "8G"], 2, "--plan"),
        (vec!["check", "examples/lorenz.mech", "--plan", "--memory", "much"], 2, "whole number"),
        (vec!["check", "examples/lorenz.mech", "--plan", "--emit", "ir"], 2, "--emit"),
        (vec!["check", "examples/none.mech", "--plan"], 2, "none.mech"),
    ] {
        let output = mechc(&args);
        let said = &output.stderr;
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
}

/// What a plan says of devices is what the programs for them do.
#[test]
fn devices_solve_as_it_is_planned() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut methods = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(&folder).expect("the examples") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|e| e != "mech") {
            continue;
        }
        let (mut session, name) = Session::open(&path).expect("the example opens");
        let (Ok(planned), Ok(functions)) = (session.plan(&name, &[], None), session.device_functions(&name, &[]))
        else {
            panic!("{name} is planned and lowered")
        };
        let trainings = planned.iter().filter(|p| p.purpose == Purpose::Training);
        let steps = functions.iter().map(|f| &f.program).filter(|p| p.entry.name == "step");
        for (planned, program) in trainings.zip(steps) {
            let samples = |axis: &mechc::artifact::Axis| axis.size.unwrap_or(planned.samples) as u64;
            let sizes: Vec<u64> = program.entry.axes.iter().map(samples).collect();
            for solve in &planned.solves {
                let device = solve.device.expect("a method");
                let method = device.method;
                assert_eq!(device.regime.is_none(), method == SolveMethod::Operator, "{name}: {}", planned.what);
                let used = program.operators_used(&sizes).contains(&true);
                assert_eq!(method == SolveMethod::Operator, used, "{name}: {}", planned.what);
                *methods.entry(format!("{method:?}")).or_insert(0) += 1;
            }
        }
    }
    assert!(methods.len() >= 2, "{methods:?}");
}

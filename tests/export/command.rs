//! The command, on a run and on a model file.

use std::fs;

use super::common::{folder, mechc};

/// A model with a parameter that has a range and a hole, and noisy data to find them from.
const MODEL: &str = "use std.systems.LotkaVolterra
model Prey {
  state u, w
  param growth = 1 in [0, 3]
  u' = growth*u - ?terms(u*w, u^2)
  w' = ?terms(w, u*w)
}
data run = simulate LotkaVolterra { steps 400; dt 0.05; noise 1%; seed 2 }
fit Prey to run
";

#[test]
fn runs_keep_names_values_ranges_and_standard_errors() {
    let folder = folder(&[("m.mech", MODEL)]);
    mechc(folder.path(), &["run", "m.mech", "--out", "run"]).ok();
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("run/record.json")).expect("a record")).expect("JSON");

    let exported = mechc(folder.path(), &["export", "run", "--to", "json"]).ok();
    let json = exported.object();
    let close = |a: &serde_json::Value, b: &serde_json::Value| {
        let (a, b) = (a.as_f64().expect("a number"), b.as_f64().expect("a number"));
        assert!((a - b).abs() <= 1e-14 * b.abs(), "{a} {b}");
    };
    let parameter = &json["parameters"][0];
    assert_eq!(
        (&parameter["name"], &parameter["lower"], &parameter["upper"]),
        (&serde_json::json!("growth"), &serde_json::json!(0.0), &serde_json::json!(3.0))
    );
    close(&parameter["value"], &record["parameters"][0]["value"]);
    close(&parameter["std_error"], &record["parameters"][0]["std_error"]);
    // Every term of the record has its standard error in the tree's terms too; `growth*u` is the parameter's.
    let mut compared = 0;
    for (equation, told) in
        json["equations"].as_array().expect("equations").iter().zip(record["equations"].as_array().expect("equations"))
    {
        for term in equation["terms"].as_array().expect("terms") {
            let same = |t: &&serde_json::Value| t["term"] == term["text"];
            if let Some(told) = told["terms"].as_array().expect("terms").iter().find(same) {
                close(&term["coefficient"], &told["coefficient"]);
                close(&term["std_error"], &told["std_error"]);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 3, "{json:#}");
    assert_eq!(json["found"].as_array().map(Vec::len), Some(2));

    // Three digits are the same on every machine.
    let latex = mechc(folder.path(), &["export", "run", "--to", "latex", "--digits", "2"]).ok();
    let latex = &latex.stdout;
    // What LaTeX has no place for stands above.
    assert!(latex.lines().any(|l| l.starts_with("% standard errors of the coefficients of ")), "{latex}");
    let start = latex.find("\\begin{align*}").expect("a block");
    insta::assert_snapshot!("prey.latex", &latex[start..]);
}

/// A format that does not exist is no format; the one that was meant is named, also where it goes by the name of a language.
#[test]
fn languages_lead_to_formats() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("m.mech"), "model M { state x; x' = -x }\n").expect("a file");
    for (asked, meant) in [
        ("julia", Some("modelingtoolkit")),
        ("Python", Some("sympy")),
        ("matlab", Some("sympy")),
        ("simulink", Some("modelica")),
        ("rust", Some("diffsl")),
        ("latx", Some("latex")),
        ("klingon", None),
    ] {
        let refused = mechc(folder.path(), &["export", "m.mech", "--to", asked]);
        let said = &refused.stderr;
        assert_eq!((refused.status.code(), refused.stdout), (Some(2), String::new()), "{said}");
        assert!(
            said.contains("it takes `latex`, `text`, `json`, `sympy`, `modelingtoolkit`, `diffsl`, `modelica`"),
            "{said}"
        );
        match meant {
            Some(meant) => assert!(said.contains(&format!("did you mean `{meant}`?")), "{asked}: {said}"),
            None => assert!(!said.contains("did you mean"), "{said}"),
        }
    }
}

/// Initial values of every trajectory of a run, by its name.
#[test]
fn trajectories_are_exported_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut table = "site,t,x\n".to_string();
    for (site, start) in [("north", 2.0), ("far south", 5.0)] {
        for i in 0..60 {
            let t = 0.05 * f64::from(i);
            table += &format!("{site},{t},{}\n", start * (-t).exp());
        }
    }
    fs::write(folder.path().join("d.csv"), table).expect("a file");
    let model = "model Decay { state x; param k; x' = -k*x }
data sites = csv(\"d.csv\") { time t; trajectory site }
fit Decay to sites
";
    fs::write(folder.path().join("m.mech"), model).expect("a file");
    mechc(folder.path(), &["run", "m.mech", "--out", "run"]).ok();
    for (name, start) in [("solution_north", 2.0), ("solution_far_south", 5.0)] {
        let exported = mechc(folder.path(), &["export", "run", "--to", "json", "--data", name]).ok();
        let json = exported.object();
        let initial = json["states"][0]["initial"][0].as_f64().expect("a number");
        assert!((initial - start).abs() < 1e-6, "{name}: {initial}");
    }
    let refused = mechc(folder.path(), &["export", "run", "--to", "json", "--data", "solution_2"]);
    assert!(refused.stderr.contains("choose one of solution_north, solution_far_south"), "{}", refused.stderr);
}

#[test]
fn files_are_written_and_never_replaced_unasked() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join("m.mech"),
        "use std.systems.Lorenz63\nmodel Own { state x; x' = -x; initial x = 1 }\n",
    )
    .expect("a file");
    let export = |args: &[&str]| {
        let mut all = vec!["export", "m.mech"];
        all.extend(args);
        mechc(folder.path(), &all)
    };
    // The file's own model counts before an imported one.
    let shown = export(&["--to", "text"]);
    assert_eq!((shown.status.code(), shown.stderr), (Some(0), String::new()));
    assert!(shown.stdout.ends_with("x' = -x\ninitial x = 1\n"), "{}", shown.stdout);
    assert_eq!(export(&["--to", "text", "-o", "-"]).stdout, shown.stdout);
    let other = export(&["--to", "text", "--model", "Lorenz63", "--set", "Lorenz63.rho=20"]);
    assert!(other.stdout.contains("param rho = 20\n"), "{}", other.stdout);

    let written = export(&["--to", "text", "-o", "out.txt"]);
    assert_eq!((written.status.code(), written.stdout), (Some(0), String::new()));
    let file = folder.path().join("out.txt");
    assert_eq!(fs::read_to_string(&file).expect("a file"), shown.stdout);
    fs::write(&file, "mine").expect("a file");
    let refused = export(&["--to", "text", "-o", "out.txt"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stderr.contains("N085"), "{}", refused.stderr);
    assert_eq!(fs::read(&file).expect("a file"), b"mine");
    assert_eq!(export(&["--to", "text", "-o", "out.txt", "--force"]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(&file).expect("a file"), shown.stdout);

    for (args, code) in [
        (["m.mech", "--to", "text", "--model", "Nobody"].as_slice(), "N081"),
        (&[".", "--to", "text"], "N080"),
        (&["m.mech", "--to", "json", "--digits", "3"], "N084"),
        (&["nothing.mech", "--to", "json"], "N060"),
    ] {
        let mut all = vec!["export"];
        all.extend(args);
        let refused = mechc(folder.path(), &all);
        assert!(!refused.status.success() && refused.stdout.is_empty());
        assert!(refused.stderr.contains(code), "{args:?}: {}", refused.stderr);
    }
    // Not the record of a run.
    fs::create_dir(folder.path().join("run")).expect("a folder");
    fs::write(folder.path().join("run/discovered.mech"), "model M { state x; x' = -x }").expect("a file");
    fs::write(folder.path().join("run/record.json"), "{}").expect("a file");
    let refused = mechc(folder.path(), &["export", "run", "--to", "text"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stderr.contains("N080"), "{}", refused.stderr);
}

/// Data that start late, and a law that depends on the time: what was found starts where the data do, and so do the exports.
#[test]
fn the_time_of_the_start_goes_along() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = "model Truth { state x; x' = -0.5*x + 2*cos(1.7*t); initial x = 1 }
model Found { state x; x' = ?terms(x, cos(1.7*t), sin(1.7*t)) }
data run = simulate Truth { steps 200; dt 0.1; start 101.3; noise 1%; seed 1 }
fit Found to run
";
    fs::write(folder.path().join("m.mech"), model).expect("a file");
    mechc(folder.path(), &["run", "m.mech", "--out", "run"]).ok();
    for (from, to) in [("m.mech", "truth.csv"), ("run/discovered.mech", "found.csv")] {
        mechc(folder.path(), &["simulate", from, "--out", to]).ok();
    }
    let table = |name: &str| -> Vec<Vec<f64>> {
        let text = fs::read_to_string(folder.path().join(name)).expect("a table");
        text.lines().skip(1).map(|l| l.split(',').map(|c| c.parse().expect("a number")).collect()).collect()
    };
    let (truth, found) = (table("truth.csv"), table("found.csv"));
    assert_eq!((truth.len(), found.len()), (200, 200));
    for (a, b) in truth.iter().zip(&found) {
        // The times are equal, the states up to the noise of one and the errors of the other.
        assert!(a[0] == b[0] && (a[1] - b[1]).abs() < 0.1, "{a:?} {b:?}");
    }

    let export = |format: &str| mechc(folder.path(), &["export", "run", "--to", format]).stdout;
    for (format, start) in [
        ("latex", "  x\\left(101.3\\right) &= "),
        ("json", "  \"start\": 101.3,"),
        ("sympy", "t0 = 101.3\n"),
        ("modelica", "  annotation(experiment(StartTime = 101.3));"),
        ("diffsl", "// initial values: those of run, at t = 101.3"),
        ("modelingtoolkit", "# initial values: those of run, at t = 101.3"),
        ("text", "// initial values: those of run, at t = 101.3"),
    ] {
        let exported = export(format);
        assert!(exported.contains(start), "{exported}");
    }
}

/// What equations do not hold is said in their heads.
#[test]
fn what_is_not_in_the_equations_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = "model M {
  state x, y; input valve held; input dose impulse; field c over time; step over time; param k = 1
  x' = valve - k*x; y' = dose - c*y; initial x = 1, y = 0
}
";
    fs::write(folder.path().join("m.mech"), model).expect("a file");
    let output = mechc(folder.path(), &["export", "m.mech", "--to", "sympy"]);
    let said = &output.stdout;
    for words in [
        "valve is held: it keeps the value of a sample until the next one",
        "dose is a rate that comes in impulses",
        "c is a field: a fit finds its values",
        "derivatives are by a time of its own",
    ] {
        assert!(said.lines().any(|l| l.starts_with("# ") && l.contains(words)), "{words}: {said}");
    }
    // Of a run the record tells it.
    let fitted = "model Truth { state x; param k; x' = -k*x; initial x = 1 }
data d = simulate Truth { steps 60; dt 0.1; trajectories 3; vary k = (1, 2, 3); noise 1%; seed 1 }
model M { state x; param k = 1 per sample; x' = -k*x }
fit M to d
";
    fs::write(folder.path().join("m.mech"), fitted).expect("a file");
    assert!(mechc(folder.path(), &["run", "m.mech", "--out", "r"]).status.success());
    let found = fs::read_to_string(folder.path().join("r/discovered.mech")).expect("a model");
    let output = mechc(folder.path(), &["export", "r", "--to", "text"]);
    for said in [found, output.stdout] {
        assert!(
            said.contains("k differs from trajectory to trajectory") && said.contains("`parameters.csv`"),
            "{said}"
        );
    }
}

//! `explain`, `new`, `info` and `completions`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{folder, mechc};

#[test]
fn codes_of_every_family_are_explained() {
    let here = folder(&[]);
    for (code, says) in [
        ("E0101", "**Fix.**"),
        ("w0706", "unobserved state"),
        ("D012", "missing"),
        ("N503", "exit code 5"),
        ("R001", "exit code 4"),
        ("B001", "exit code 70"),
    ] {
        let output = mechc(here.path(), &["explain", code]);
        assert_eq!(output.status.code(), Some(0), "{code}");
        assert!(output.stdout.contains(says), "{code}: {}", output.stdout);
    }
    let unknown = mechc(here.path(), &["explain", "E0109x"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(unknown.stderr.contains("N066") && unknown.stderr.contains("E0109"), "{}", unknown.stderr);
    // Every code has cause and way out, and those that no snippet of a model shows have an example.
    for e in mechc::driver::explanations() {
        assert!(e.text.contains("**Fix.**"), "{} has no way out", e.code);
        assert!(e.text.contains("```") || e.code.starts_with(['E', 'W']), "{} has no example", e.code);
    }
    let list = mechc(here.path(), &["explain", "--list"]);
    assert!(list.stdout.lines().count() > 150);
    let json = mechc(here.path(), &["explain", "N503", "--message-format", "json"]);
    let entry = json.object();
    assert_eq!((&entry["code"], &entry["exit"]), (&"N503".into(), &5.into()));
    assert_eq!(mechc(here.path(), &["explain"]).status.code(), Some(2));
}

#[test]
fn a_new_project_runs_tests_and_is_laid_out() {
    let here = folder(&[("taken/file", "mine"), ("file", "mine")]);
    let output = mechc(here.path(), &["new", "hares"]);
    assert_eq!(output.status.code(), Some(0), "{}", output.stderr);
    let project = here.path().join("hares");
    for args in [vec!["fmt", "--check", "."], vec!["check", "model.mech"], vec!["test", "."], vec!["run", "model.mech"]]
    {
        let output = mechc(&project, &args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}{}", output.stdout, output.stderr);
        assert!(!output.stderr.contains("warning"), "{args:?}: {}", output.stderr);
    }
    assert!(project.join("runs/Meeting-1/report.html").exists());
    assert!(fs::read_to_string(project.join("README.md")).expect("a readme").starts_with("# hares\n"));

    for (name, code, says) in [
        ("hares", 2, "N064"),
        ("taken", 2, "N064"),
        ("file", 2, "N064"),
        ("file/below", 4, "N067"),
        ("a\tb", 2, "N065"),
        (".", 2, "N065"),
    ] {
        let output = mechc(here.path(), &["new", name]);
        assert_eq!(output.status.code(), Some(code), "{name}: {}", output.stderr);
        assert!(output.stderr.contains(says), "{name}: {}", output.stderr);
    }
    assert_eq!(fs::read_to_string(here.path().join("taken/file")).expect("kept"), "mine");
}

/// The keys of an object and of everything in it, each once: the form of the facts without their values.
fn keys(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let path = format!("{path}.{key}");
                out.push(path.clone());
                keys(inner, &path, out);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, &format!("{path}[]"), out)),
        _ => {}
    }
}

/// The names in backticks of a text.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Every key that an example has is on the page, and every key of the page's tables is one that an example has.
#[test]
fn facts_are_complete_and_described() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/info.md")).expect("docs/info.md");
    let mut found = Vec::new();
    let examples = fs::read_dir(root.join("examples")).expect("examples").map(|e| e.expect("an entry").path());
    let mut examples: Vec<_> = examples.filter(|path| path.extension().is_some_and(|e| e == "mech")).collect();
    examples.sort();
    assert!(examples.len() > 20, "{examples:?}");
    for example in &examples {
        let output = mechc(root.join("examples"), &["info", &example.display().to_string(), "--json"]);
        let example = example.display();
        assert_eq!(output.status.code(), Some(0), "{example}: {}", output.stderr);
        let info = output.object();
        assert_eq!(info["schema"], mechc::driver::INFO_SCHEMA);
        // What a plan holds is described with `check --plan`.
        let described = info.as_object().expect("an object").iter().filter(|(key, _)| *key != "plans");
        for (key, value) in described {
            found.push(format!(".{key}"));
            keys(value, &format!(".{key}"), &mut found);
        }
        assert!(info["plans"].is_array(), "{example}");
        found.push(".plans".to_string());
    }
    found.sort();
    found.dedup();
    assert!(found.len() > 150, "{found:?}");
    let names = |path: &str| path.rsplit('.').next().unwrap_or_default().to_string();
    let documented = quoted(&page);
    let missing: Vec<&String> = found.iter().filter(|path| !documented.contains(&names(path).as_str())).collect();
    assert!(missing.is_empty(), "docs/info.md does not describe {missing:?}");

    let emitted: Vec<String> = found.iter().map(|path| names(path)).collect();
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let listed: Vec<String> = cells
        .flat_map(|cell| quoted(&format!("`{cell}")).join(" ").split(' ').map(str::to_string).collect::<Vec<_>>())
        .collect();
    assert!(listed.len() > 80, "{listed:?}");
    let unknown: Vec<&String> = listed.iter().filter(|key| !emitted.contains(key)).collect();
    assert!(unknown.is_empty(), "docs/info.md lists keys that no example has: {unknown:?}");
}

#[test]
fn facts_of_one_model_are_right() {
    let model = "/// Doc.\nmodel M {\n  state x order 2\n  input u\n  param k = 2 in [0, 5]\n  param m = 1 fixed\n  \
                 x'' = -k/m*x + u + ?terms(x', x^3)\n  initial x = 1, x' = 0\n}\n\
                 data d = csv(\"d.csv\") { time t; x = position; holdout 20% of time }\nfit M to d as f { seed 4 }\n\
                 test \"t\" { expect f.k > 0 }\n";
    let here = folder(&[("m.mech", model)]);
    let output = mechc(here.path(), &["info", "m.mech", "--json", "--set", "M.k=3"]);
    let info = output.object();
    let model = &info["models"][0];
    assert_eq!(model["states"][0], serde_json::json!({"name": "x", "order": 2, "unit": null}));
    assert_eq!(
        model["parameters"][0],
        serde_json::json!({
            "name": "k", "value": 3.0, "lower": 0.0, "upper": 5.0, "fixed": false, "per_sample": false, "unit": null,
        })
    );
    assert_eq!(model["holes"][0]["terms"][1], serde_json::json!({"term": "x^3", "coefficient": "x''[x^3]"}));
    assert_eq!(model["unknowns"].as_array().map(Vec::len), Some(3));
    assert_eq!(model["place"]["line"], 2);
    let columns = &info["data"][0]["columns"];
    let column = |column: &str, name: &str, role: &str| serde_json::json!({"column": column, "name": name, "role": role, "unit": null, "factor": 1.0, "offset": 0.0});
    assert_eq!(columns[0], column("position", "x", "state"));
    assert_eq!(columns[1], column("u", "u", "input"));
    assert_eq!((&info["fits"][0]["name"], &info["fits"][0]["settings"]["seed"]), (&"f".into(), &4.into()));
    assert_eq!(info["tests"][0]["name"], "t");

    let short = mechc(here.path(), &["info", "m.mech"]);
    assert!(short.stdout.contains("fit f of M to d by the joint engine"), "{}", short.stdout);
    // What is wrong with a test is for those who run it.
    let odd = "model M { state x; x' = -x }\ntest \"t\" { expect nothing > 0 }\n";
    fs::write(here.path().join("m.mech"), odd).expect("written");
    let output = mechc(here.path(), &["info", "m.mech", "--json"]);
    let info = output.object();
    assert_eq!((info["models"][0]["name"].as_str(), info["warnings"].as_array().map(Vec::len)), (Some("M"), Some(1)));
    assert_eq!(mechc(here.path(), &["info", "m.mech"]).status.code(), Some(0));
    fs::write(here.path().join("m.mech"), "model M { state x }").expect("written");
    let wrong = mechc(here.path(), &["info", "m.mech", "--json"]);
    assert_eq!((wrong.status.code(), wrong.stdout), (Some(1), String::new()));
}

/// Units of columns and of the time, parameters of trajectories' own, what networks give, and predictions.
#[test]
fn facts_of_units_samples_and_predictions_are_right() {
    let model = "model M {\n  time [h]\n  state x [m]\n  param k per sample\n  param a\n  x' = -k*x + a\n}\n\
                 data d = csv(\"d.csv\") { time t [min]; trajectory run; x = far [cm] }\n\
                 data made = simulate M(k = 2, a = 1) { steps 50; dt 0.1; from (1); trajectories 2; vary k = normal(2, 0.5) }\n\
                 fit M to d as f\n\
                 predict later = f { steps 7; from start }\n\
                 model N {\n  state x\n  param k per sample\n  field c over time init 0.5\n  step per sample\n  x' = -k*x + c\n}\n\
                 data e = csv(\"e.csv\") { time t }\n\
                 network net {\n  input x over window\n  trunk = mlp [4] tanh\n  output v over window = trunk, linear\n\
                 \n  output q = trunk, flatten, linear\n  output s = trunk, flatten, linear\n  output h = trunk, flatten, linear, sigmoid\n}\n\
                 fit N to e as g { window 8; auxiliary x = net.v; parameters k = net.q; step = net.h; initial x = net.s }\n";
    let here = folder(&[("m.mech", model)]);
    let output = mechc(here.path(), &["info", "m.mech", "--json"]);
    let info = output.object();
    let (m, n) = (&info["models"][0], &info["models"][1]);
    let own = |of: &Value| {
        let all = of.as_array().expect("a list").iter();
        all.map(|p| (p["name"].clone(), p["per_sample"].clone())).collect::<Vec<_>>()
    };
    let expected = [("k".into(), true.into()), ("a".into(), false.into())];
    assert_eq!((own(&m["parameters"]), own(&m["unknowns"])), (expected.to_vec(), expected.to_vec()));
    assert_eq!((&m["time_unit"], &m["step"]), (&"h".into(), &Value::Null));
    let file = &info["data"][0];
    assert_eq!((&file["time_unit"], &file["time_factor"]), (&"h".into(), &(1.0 / 60.0).into()));
    let far =
        serde_json::json!({"column": "far", "name": "x", "role": "state", "unit": "m", "factor": 0.01, "offset": 0.0});
    assert_eq!(file["columns"], serde_json::json!([far]));
    let made = &info["data"][1];
    assert_eq!(made["values"], serde_json::json!([{"parameter": "k", "value": 2.0}, {"parameter": "a", "value": 1.0}]));
    let drawn = serde_json::json!({"parameter": "k", "mean": 2.0, "deviation": 0.5, "list": null});
    assert_eq!((&made["vary"], &made["columns"][0]["unit"]), (&serde_json::json!([drawn]), &"m".into()));
    let later = info["data"].as_array().expect("a list").iter().find(|d| d["name"] == "later").expect("a prediction");
    let seen = ["source", "fit", "model", "samples", "by", "from", "tolerance"].map(|key| later[key].clone());
    assert_eq!(Value::from(seen.to_vec()), serde_json::json!(["predict", "f", "M", 7, null, "start", 0.4]));
    assert_eq!(info["fits"][0]["predictions"], serde_json::json!(["later"]));

    assert_eq!((&n["fields"], &n["field_starts"]), (&serde_json::json!(["c"]), &serde_json::json!([[0.5, 0.5]])));
    assert_eq!(n["step"], serde_json::json!({"over_time": false, "init": null}));
    let fit = &info["fits"][1];
    assert_eq!(fit["step"], serde_json::json!({"from": "output", "network": "net", "output": "h", "component": 0}));
    let k = serde_json::json!([{"parameter": "k", "network": "net", "output": "q", "component": 0}]);
    assert_eq!((&fit["network_parameters"], &fit["network_fields"]), (&k, &serde_json::json!([])));
    let x = serde_json::json!({"state": "x", "derivative": 0, "network": "net", "output": "s", "component": 0});
    assert_eq!(fit["initial"], serde_json::json!({"free": false, "held": false, "values": [x]}));
}

#[test]
fn completions_know_the_commands() {
    let here = folder(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = mechc(here.path(), &["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = &output.stdout;
        for command in ["run", "check", "test", "fmt", "explain", "new", "info"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    assert_eq!(mechc(here.path(), &["completions", "tcsh"]).status.code(), Some(2));
}

/// With `--message-format json`, every line that a command writes to standard error is an object.
#[test]
fn findings_are_json_where_that_is_asked_for() {
    let here =
        folder(&[("wrong.mech", "model M { state x }\n"), ("m.mech", "model M { state x; const c = 1; x' = -x }\n")]);
    for args in [
        vec!["run", "m.mech"],
        vec!["run", "wrong.mech"],
        vec!["run", "nowhere.mech"],
        vec!["check", "m.mech"],
        vec!["check", "wrong.mech"],
        vec!["check", "m.mech", "--set", "M"],
        vec!["expand", "wrong.mech"],
        vec!["simulate", "m.mech", "--out", "a.csv"],
        vec!["solve", "nowhere.npz", "--out", "b.npz"],
        vec!["test", "m.mech", "wrong.mech"],
        vec!["fmt", "--check", "m.mech", "nowhere.mech"],
        vec!["explain", "X1"],
        vec!["new", "m.mech"],
        vec!["info", "wrong.mech"],
        vec!["export", "nowhere.mech", "--to", "latex"],
        vec!["build", "m.mech", "--target", "cuda", "-o", "sources"],
        vec!["build", "wrong.mech", "--target", "cuda", "-o", "sources"],
        vec!["bench", "solve", "--nothing"],
        vec!["bench", "step", "m.mech"],
        vec!["completions", "tcsh"],
        vec!["doctor", "--nothing"],
        vec!["nothing"],
    ] {
        let mut all = args.clone();
        all.extend(["--message-format", "json"]);
        let output = mechc(here.path(), &all);
        let said = &output.stderr;
        assert!(!said.is_empty(), "{args:?}");
        for line in said.lines() {
            let object: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{args:?}: {line}"));
            assert!(object["message"].is_string(), "{args:?}: {line}");
        }
    }
}

//! Edits that findings bring along outside models' own text: paths of data files, and names and terms in tests.

use std::fs;

use serde_json::Value;

use super::{folder, mechc};

/// The text of `model` with the edit of the first finding of `code` made.
fn edited(model: &str, said: &str, code: &str) -> String {
    let findings = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = findings.into_iter().find(|f| f["code"] == code).unwrap_or_else(|| panic!("no {code} in {said}"));
    let edit = &found["suggestion"];
    let at = |place: &Value| {
        let number = |key: &str| place[key].as_u64().and_then(|n| usize::try_from(n).ok()).expect("a number");
        let before: usize = model.split_inclusive('\n').take(number("line") - 1).map(str::len).sum();
        let line = &model[before..];
        before + line.char_indices().nth(number("column") - 1).map_or(line.len(), |(at, _)| at)
    };
    let (start, end) = (at(edit), at(&edit["end"]));
    format!("{}{}{}", &model[..start], edit["replacement"].as_str().expect("a text"), &model[end..])
}

#[test]
fn the_path_of_a_file_that_is_not_there_is_corrected() {
    let table = "t,x\n0,1\n1,2\n2,3\n3,5\n4,8\n5,13\n6,21\n7,34\n8,55\n9,89\n";
    let cases = [
        ("csv(\"data/rnu.csv\")", "data/run.csv", "csv(\"data/run.csv\")"),
        ("csv(\"rnu.csv\")", "run.csv", "csv(\"run.csv\")"),
        ("csv(\"./a b/rün.csv\")", "a b/run.csv", "csv(\"./a b/run.csv\")"),
        ("csv(\"data/\\\"rnu\\\".csv\")", "data/\"run\".csv", "csv(\"data/\\\"run\\\".csv\")"),
    ];
    for (written, file, meant) in cases {
        let model = format!("model M {{ state x; x' = ?terms(x) }}\ndata d = {written} {{ time t }}\nfit M to d\n");
        let folder = folder(&[("m.mech", &model), (file, table)]);
        for (command, code, exit) in [
            (&["check", "m.mech"][..], "W1106", 0),
            (&["check", "m.mech", "--data"], "D001", 3),
            (&["run", "m.mech", "--out", "out"], "D001", 3),
        ] {
            let output = mechc(folder.path(), &[command, &["--message-format", "json"]].concat());
            let said = &output.stderr;
            assert_eq!(output.status.code(), Some(exit), "{written}: {said}");
            let corrected = edited(&model, said, code);
            assert_eq!(corrected, model.replace(written, meant), "{command:?}");
            fs::write(folder.path().join("right.mech"), corrected).expect("a written file");
            let output = mechc(folder.path(), &["check", "right.mech", "--data"]);
            assert!(output.status.success() && !output.stderr.contains("D001"), "{}", output.stderr);
        }
    }
}

#[test]
fn a_path_unlike_any_file_has_no_edit() {
    for source in ["csv(\"run.csv\")", "npz(\"run.npz\") { dt 1 }", "parquet(\"run.parquet\")"] {
        let model = format!("model M {{ state x; x' = ?terms(x) }}\ndata d = {source}\nfit M to d\n");
        let model = model.replace("csv\")\n", "csv\") { time t }\n").replace("parquet\")\n", "parquet\") { time t }\n");
        let folder = folder(&[("m.mech", &model), ("other.txt", "t,x\n")]);
        let output = mechc(folder.path(), &["check", "m.mech", "--message-format", "json"]);
        let said = &output.stderr;
        let found: Value = serde_json::from_str(said.lines().next().expect("a finding")).expect("an object");
        assert_eq!((&found["code"], &found["suggestion"]), (&Value::from("W1106"), &Value::Null), "{said}");
    }
}

#[test]
fn names_in_tests_are_corrected() {
    let head = "model Truth { state s; param k = 2; s' = -k*s; initial s = 1 }\n\
                model Decay { state s; hole law = ?terms(s, s^2); s' = law }\n\
                data run = simulate Truth { steps 200; dt 0.02 }\nfit Decay to run\n";
    let cases = [
        ("coef(lav, s) < 0", "E1102", "coef(law, s) < 0"),
        ("terms(2*law) == {s}", "E1103", "terms(law) == {s}"),
        ("Truth.kk == 2", "E1102", "Truth.k == 2"),
        ("last(rnu.s) > 0", "E1102", "last(run.s) > 0"),
        ("maxx(run.s) > 0", "E1102", "max(run.s) > 0"),
    ];
    for (wrong, code, right) in cases {
        let model = format!("{head}test \"t\" {{ expect {wrong} }}\n");
        let folder = folder(&[("m.mech", &model)]);
        let output = mechc(folder.path(), &["check", "m.mech", "--message-format", "json"]);
        let corrected = edited(&model, &output.stderr, code);
        assert_eq!(corrected, model.replace(wrong, right));
        fs::write(folder.path().join("m.mech"), corrected).expect("a written file");
        let output = mechc(folder.path(), &["test", "m.mech"]);
        assert!(output.status.success(), "{right}: {}", output.stderr);
    }
}

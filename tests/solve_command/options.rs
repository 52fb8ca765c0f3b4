//! Options that do not take their values: which one it is, why, and the way out, for humans and for programs.

use serde_json::Value;

use super::mechc;

/// An option with its value, what is said of it, and the way out.
const REFUSED: [(&str, &str, &str, &str); 19] = [
    ("--refinements", "x", "it is no whole number", "a whole number from 0 to 100"),
    ("--refinements", "2.5", "it is no whole number", "a whole number from 0 to 100"),
    ("--refinements", "-1", "it is not from 0 to 100", "a whole number from 0 to 100"),
    ("--refinements", "101", "it is not from 0 to 100", "a whole number from 0 to 100"),
    ("--refinements", "99999999999999999999", "it is not from 0 to 100", "from 0 to 100"),
    ("--threads", "0", "it is not from 1 to 1024", "a whole number from 1 to 1024"),
    ("--threads", "abc", "it is no whole number", "a whole number from 1 to 1024"),
    ("--threads", "", "it is no whole number", "a whole number from 1 to 1024"),
    ("--weights", "1,2", "three numbers separated by commas", "`--weights 1,1,1`"),
    ("--weights", "1,2,3,4", "three numbers separated by commas", "`--weights 1,1,1`"),
    ("--weights", "1,x,2", "`x` is not a number", "`--weights 1,1,1`"),
    ("--weights", "1,inf,2", "`inf` is not finite", "`--weights 1,1,1`"),
    ("--alpha", "nan", "`nan` is not finite", "a finite number, such as 0.5"),
    ("--alpha", "much", "`much` is not a number", "a finite number, such as 0.5"),
    ("--gamma", "-inf", "`-inf` is not finite", "a finite number, such as 0.5"),
    ("--rows", "spline", "`spline`", "it takes `taylor`, `hermite`"),
    ("--rows", "hermit", "`hermit`", "`hermite`"),
    ("--dtype", "f16", "`f16`", "it takes `f64`, `f32`, `mixed`"),
    ("--method", "lu", "`lu`", "it takes `normal`, `qr`"),
];

/// The same of `bench solve` alone.
const OF_BENCH: [(&str, &str, &str, &str); 8] = [
    ("--batch", "0", "it is not from 1 to 4294967295", "a whole number from 1 to 4294967295"),
    ("--batch", "-3", "it is not from 1 to 4294967295", "a whole number from 1 to 4294967295"),
    ("--states", "one", "it is no whole number", "a whole number from 1 to 4294967295"),
    ("--orders", "16", "it is not from 1 to 15", "a whole number from 1 to 15"),
    ("--equations", "0", "it is not from 1 to 4294967295", "a whole number from 1 to 4294967295"),
    ("--steps", "4294967296", "it is not from 1 to 4294967295", "a whole number from 1 to 4294967295"),
    ("--repeat", "1e3", "it is no whole number", "a whole number from 1 to 4294967295"),
    ("--device", "gpu", "cuda:N", "`mechc bench solve --help`"),
];

#[test]
fn values_that_options_do_not_take_are_named_with_the_way_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let solve: &[&str] = &["solve", "case.npz", "--out", "r.npz"];
    let bench: &[&str] = &["bench", "solve"];
    let mut wrong = Vec::new();
    let mut ask = |command: &[&str], (option, value, why, help): (&str, &str, &str, &str)| {
        let given = format!("{option}={value}");
        let told = |format: &str| {
            let output = mechc(folder.path(), &[command, &[&given, "--message-format", format]].concat());
            let clean = output.status.code() == Some(2) && output.stdout.is_empty();
            (clean, output.stderr)
        };
        let (clean, human) = told("human");
        let found = human.split_once("\n  help: ").filter(|(message, way)| {
            message.starts_with("error[N018]: ")
                && message.contains(option)
                && message.contains(why)
                && way.contains(help)
        });
        if !clean || found.is_none() || human.lines().count() != 2 {
            wrong.push(format!("{given}: {human}"));
        }
        let (clean, json) = told("json");
        let object: Value = serde_json::from_str(&json).unwrap_or_default();
        let text = |key: &str| object[key].as_str().unwrap_or_default().to_string();
        let as_human = human == format!("error[N018]: {}\n  help: {}\n", text("message"), text("help"));
        if !clean || !as_human || text("severity") != "error" || text("code") != "N018" {
            wrong.push(format!("{given}: {json}"));
        }
        let (clean, short) = told("short");
        if !clean || short != format!("error[N018]: {}\n", text("message")) {
            wrong.push(format!("{given}: {short}"));
        }
    };
    for refused in REFUSED {
        ask(solve, refused);
        ask(bench, refused);
    }
    OF_BENCH.into_iter().for_each(|refused| ask(bench, refused));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_value_may_stand_behind_its_option() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (option, value) in [("--batch", "-1"), ("--threads", "-1"), ("--weights", "-1,1")] {
        let output = mechc(folder.path(), &["bench", "solve", option, value]);
        let said = &output.stderr;
        assert!(output.status.code() == Some(2) && said.contains(option) && said.contains(value), "{said}");
    }
}

/// What else is wrong with a command line, for programs and for humans.
#[test]
fn other_mistakes_of_the_command_line_are_objects_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cases: [(&[&str], &str, &str); 4] = [
        (&["solve", "case.npz", "--out", "r.npz", "--wieghts", "1,1,1"], "`--wieghts`", "`--weights`"),
        (&["solve", "case.npz"], "--out <FILE>", "`mechc solve --help`"),
        (
            &["solve", "case.npz", "--out", "r.npz", "--slack", "--slack"],
            "`--slack` is given twice",
            "leave one of them out",
        ),
        (&["bench", "solv"], "`mechc bench solv`", "`solve`"),
    ];
    for (args, message, help) in cases {
        let output = mechc(folder.path(), &[args, &["--message-format=json"]].concat());
        let said = &output.stderr;
        let object: Value = serde_json::from_str(said).unwrap_or_else(|e| panic!("{args:?}: {e} in {said}"));
        assert_eq!((output.status.code(), &object["code"]), (Some(2), &"N018".into()), "{said}");
        let has = |key: &str, text: &str| object[key].as_str().is_some_and(|all| all.contains(text));
        assert!(has("message", message) && has("help", help), "{args:?}: {said}");
        let human = mechc(folder.path(), args);
        let said = &human.stderr;
        assert!(
            human.status.code() == Some(2) && said.starts_with("error[N018]: ") && said.contains("\n  help: "),
            "{args:?}: {said}"
        );
    }
    for asked in [&["--help"][..], &["solve", "--help"], &["--version"]] {
        let output = mechc(folder.path(), &[asked, &["--message-format", "json"]].concat());
        assert!(output.status.success() && !output.stdout.is_empty() && output.stderr.is_empty(), "{asked:?}");
    }
}

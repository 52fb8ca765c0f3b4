//! The command line as a user meets it: exit codes, streams, and what is said about bad data, settings and places.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A model that fits two columns of `data.csv`.
const MODEL: &str = "model Decay { state u, w; u' = ?linear(u, w); w' = ?linear(u, w) }
data d = csv(\"data.csv\") { time t }
fit Decay to d { }
";

/// Eighty good rows, with line `bad.0` (counted from the header, 1) replaced.
fn table(header: &str, bad: Option<(usize, &str)>) -> String {
    let mut lines = vec![header.to_string()];
    for i in 0..80 {
        let t = f64::from(i) * 0.1;
        lines.push(format!("{t:.1},{:.6},{:.6}", (-0.5 * t).exp() * t.cos(), (-0.5 * t).exp() * t.sin()));
    }
    if let Some((line, text)) = bad {
        lines[line - 1] = text.to_string();
    }
    lines.join("\n") + "\n"
}

fn mechc(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mechc")).args(args).current_dir(folder).output().expect("mechc starts")
}

/// Files to write, arguments, the exit code, and what standard error must say.
struct Case {
    name: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    args: Vec<&'static str>,
    code: i32,
    says: &'static [&'static str],
}

fn case(
    name: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    args: &[&'static str],
    code: i32,
    says: &'static [&'static str],
) -> Case {
    Case { name, files, args: args.to_vec(), code, says }
}

/// Twelve rows of which three have one value.
fn rows_with_three_values() -> String {
    let value = |seen: bool| if seen { "1" } else { "NA" };
    (0..12).fold("t,u,w\n".to_string(), |s, i| s + &format!("{i},{},{}\n", value(i < 2), value(i < 1)))
}

/// A run of [`MODEL`] on a csv file.
fn csv(name: &'static str, data: impl Into<Vec<u8>>, code: i32, says: &'static [&'static str]) -> Case {
    case(name, vec![("m.mech", MODEL.into()), ("data.csv", data.into())], &["run", "m.mech"], code, says)
}

/// A run of [`MODEL`] with a good csv file and further arguments.
fn with(name: &'static str, args: &[&'static str], code: i32, says: &'static [&'static str]) -> Case {
    let mut all = vec!["run", "m.mech"];
    all.extend(args);
    case(name, vec![("m.mech", MODEL.into()), ("data.csv", table("t,u,w", None).into())], &all, code, says)
}

fn cases() -> Vec<Case> {
    let bad = |line, text| table("t,u,w", Some((line, text)));
    let model = |text: &str| vec![("m.mech", text.as_bytes().to_vec())];
    vec![
        case("missing data file", model(MODEL), &["run", "m.mech"], 3, &["data.csv"]),
        csv("empty file", "", 3, &["data.csv", "empty"]),
        csv("header only", "t,u,w\n", 3, &["data.csv"]),
        csv("missing column", table("t,u,v", None), 3, &["`w`", "`t`, `u`, `v`"]),
        csv("duplicate column", table("t,u,u", None), 3, &["`u`"]),
        csv("ragged row", bad(5, "0.3,1"), 3, &["data.csv", "5"]),
        csv("not a number", bad(7, "0.5,abc,1"), 3, &["abc", "7", "u"]),
        csv("not finite", bad(7, "0.5,inf,1"), 3, &["7", "u"]),
        csv("NaN that nobody declared", bad(7, "0.5,NaN,1"), 3, &["7", "u"]),
        csv("unequal steps", bad(7, "0.55,1,1"), 3, &["step"]),
        csv("times that go back", bad(7, "-0.5,1,1"), 3, &["data.csv"]),
        csv("not UTF-8", vec![b't', b',', 0xff, 0xfe, b'\n', b'1'], 3, &["UTF-8"]),
        csv("too few rows", "t,u,w\n0,1,2\n0.1,1,2\n", 3, &["data.csv"]),
        case(
            "an npz that is none",
            vec![
                ("m.mech", MODEL.replace("csv(\"data.csv\") { time t }", "npz(\"d.npz\")").into()),
                ("d.npz", b"PK".to_vec()),
            ],
            &["run", "m.mech"],
            3,
            &["d.npz"],
        ),
        with("unknown block", &["--set", "ruin.noise=1"], 2, &["ruin"]),
        with("unknown setting", &["--set", "fit.sed=1"], 2, &["sed", "seed"]),
        with("setting of the wrong type", &["--set", "fit.seed=\"x\""], 2, &["seed"]),
        with("setting out of range", &["--set", "fit.seed=-1"], 2, &["seed"]),
        with("malformed override", &["--set", "fit.seed"], 2, &["block.key=value"]),
        with("unknown option", &["--fast"], 2, &["--fast"]),
        with("unknown fit", &["--fit", "other"], 2, &["other", "fit"]),
        with("unknown stage", &["--emit", "llvm"], 2, &["llvm", "clif"]),
        with("no thread", &["--threads", "0"], 2, &["threads"]),
        with("output folder is a file", &["--out", "data.csv"], 4, &["data.csv"]),
        with("output folder in use", &["--out", "."], 4, &["empty"]),
        with("output folder cannot be made", &["--out", "/proc/nothing"], 4, &["/proc/nothing"]),
        with("holdout of everything", &["--set", "d.holdout=100%"], 2, &["holdout"]),
        case("data for a model file", vec![("run.csv", b"t,x\n0,1\n".to_vec())], &["run", "run.csv"], 2, &["N060", "holds data"]),
        case("missing model file", vec![], &["check", "none.mech"], 2, &["N060", "no file `none.mech`", "check the path"]),
        case(
            "missing model file in a folder",
            vec![("f/lorenz.mech", MODEL.into()), ("f/data.csv", table("t,u,w", None).into())],
            &["run", "f/lorentz.mech"],
            2,
            &["no file `f/lorentz.mech`", "did you mean `f/lorenz.mech`?"],
        ),
        case(
            "missing model file unlike any other",
            vec![("f/lorenz.mech", MODEL.into())],
            &["check", "f/prey.mech"],
            2,
            &["no file `f/prey.mech`", "model files there: f/lorenz.mech"],
        ),
        case(
            "missing folder",
            vec![("models/m.mech", MODEL.into())],
            &["test", "modles/m.mech"],
            2,
            &["no file or folder `modles/m.mech`", "did you mean `models`?"],
        ),
        case("missing run", model(MODEL), &["export", "runs/Decay-1", "--to", "latex"], 2, &["no run or model file `runs/Decay-1`"]),
        case(
            "mistyped time column",
            vec![("m.mech", MODEL.replace("time t", "time tt").into()), ("data.csv", table("t,u,w", None).into())],
            &["run", "m.mech", "--message-format", "short"],
            3,
            &["m.mech:2:28: error[D012]", "no column `tt` for the times"],
        ),
        case(
            "mistyped column",
            vec![("m.mech", MODEL.replace("time t", "time t; w = spped").into()), ("data.csv", table("t,u,speed", None).into())],
            &["check", "--data", "m.mech"],
            3,
            &["D012", "m.mech:2:36", "no column `spped`", "did you mean `speed`?"],
        ),
        case(
            "a mistake in a file of another folder",
            vec![("f/m.mech", "model A { state u; u' = -v }".into())],
            &["check", "f/m.mech", "--message-format", "short"],
            1,
            &["f/m.mech:1:26: error[E0201]"],
        ),
        case(
            "a mistake in what it imports, which is said alone",
            vec![("f/m.mech", "use lib.rates.f\nmodel A { state u; u' = f(u) }".into()), ("f/lib/rates.mech", "fn f(x) = x +* 2".into())],
            &["check", "./f/m.mech"],
            1,
            &["E0101\n\n  x expected an expression, found `*`\n   ,-[./f/lib/rates.mech:1:14]"],
        ),
        case(
            "an import from elsewhere",
            vec![("f/m.mech", "use lib.none.f\nmodel A { state u; u' = f(u) }".into())],
            &["check", "f/m.mech", "--message-format", "short"],
            1,
            &["f/m.mech:1:1: error[E0206]: there is no file `f/lib/none.mech`"],
        ),
        case(
            "a library that is read by itself",
            vec![("lib/deep/m.mech", "use lib.rates.g\nmodel A { state u; u' = g(u) }".into()), ("lib/rates.mech", "fn f(x) = x".into())],
            &["check", "lib/deep/m.mech", "--message-format", "short"],
            1,
            &["lib/deep/m.mech:1:15: error[E0207]: `lib/rates.mech` declares no model"],
        ),
        case("a file that is no text", vec![("f/m.mech", vec![0xff, 0xfe])], &["check", "f/m.mech"], 1, &["`f/m.mech` is not UTF-8"]),
        case("missing data of another folder", vec![("f/m.mech", MODEL.into())], &["run", "f/m.mech"], 3, &["x f/data.csv: no such file", "[f/m.mech:2:14]"]),
        case("missing data here", vec![("m.mech", MODEL.into())], &["run", "m.mech"], 3, &["x data.csv: no such file"]),
        case("model file is a folder", vec![], &["check", "."], 2, &["."]),
        case("nothing to fit", model("model A { state u; u' = -u }"), &["run", "m.mech"], 2, &["fits nothing"]),
        case("nothing to simulate", model(MODEL), &["simulate", "m.mech", "--out", "x.npz"], 2, &["simulates no data"]),
        case(
            "simulation that runs to infinity",
            model("model B { state u; u' = u^2; initial u = 1 }\ndata s = simulate B { steps 100; dt 0.1 }"),
            &["simulate", "m.mech", "--out", "x.npz"],
            5,
            &["infinity"],
        ),
        case(
            "a simulation whose step is too short for any change",
            model("model B { state u; u' = -u; initial u = 1 }\ndata s = simulate B { steps 100; dt 1e-300 }"),
            &["simulate", "m.mech", "--out", "x.npz"],
            3,
            &["dt = 1e-300", "changes no state", "too short"],
        ),
        case(
            "a simulation from a state of rest up to rounding",
            model("model B { state u; u' = u - 0.1*3; initial u = 0.3 }\ndata s = simulate B { steps 10; dt 1e-3 }"),
            &["simulate", "m.mech", "--out", "x.npz"],
            3,
            &["m.mech:2:33", "a state of rest up to rounding"],
        ),
        with("a holdout that leaves nothing to fit", &["--set", "d.holdout=99.9%"], 3, &["holding out 99.9% of the samples"]),
        case(
            "simulation into an unknown format",
            model("model B { state u; u' = -u; initial u = 1 }\ndata s = simulate B { steps 100; dt 0.1 }"),
            &["simulate", "m.mech", "--out", "x.xls"],
            2,
            &[".npz"],
        ),
        case(
            "too few samples for the unknowns",
            vec![
                ("m.mech", MODEL.replace("time t", "time t; missing \"NA\"").into()),
                ("data.csv", rows_with_three_values().into()),
            ],
            &["run", "m.mech"],
            5,
            &["3 observations"],
        ),
        case(
            "a term without a value on the data",
            model(
                "model P { state u; u' = ?terms(u, ln(u - 5)) }
model Q { state u; u' = -u; initial u = 1 }
data d = simulate Q { steps 100; dt 0.1 }
fit P to d",
            ),
            &["run", "m.mech"],
            5,
            &["u'[ln(u - 5)]", "not finite", "t = 0"],
        ),
        case(
            "a network that does not fit in memory",
            model(
                "model P { state u; u' = ?poly(u) }
model Q { state u; u' = -u; initial u = 1 }
network net { input u over window; mlp [65536, 65536, 65536, 65536, 65536, 65536, 65536, 65536] relu; output v[1] over window }
data d = simulate Q { steps 100; dt 0.1 }
fit P to d { auxiliary u = net.v }",
            ),
            &["run", "m.mech"],
            4,
            &["memory", "weights"],
        ),
        case(
            "a trajectory that does not fit in memory",
            model(
                "use std.systems.Lorenz63
model P { state x, y, z; (x, y, z)' = ?poly(x, y, z; degree = 20) }
data d = simulate Lorenz63 { steps 10000000; dt 0.01 }
fit P to d",
            ),
            &["run", "m.mech"],
            4,
            &["memory", "5313 unknowns"],
        ),
        case("bad model", model("model A { state u; u' = -v }"), &["check", "m.mech"], 1, &["v"]),
    ]
}

#[test]
fn bad_data_and_settings_have_their_exit_codes() {
    let mut wrong = Vec::new();
    for case in cases() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, bytes) in &case.files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, bytes).expect("a written file");
        }
        let output = mechc(folder.path(), &case.args);
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(case.code) {
            wrong.push(format!("{}: exit code {:?}, not {}\n{said}", case.name, output.status.code(), case.code));
        }
        if !output.stdout.is_empty() {
            wrong.push(format!("{}: standard output holds {:?}", case.name, String::from_utf8_lossy(&output.stdout)));
        }
        let unsaid = case.says.iter().filter(|text| !said.contains(**text));
        wrong.extend(unsaid.map(|text| format!("{}: `{text}` is not said in\n{said}", case.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_run_prints_equations_and_leaves_its_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("m.mech"), MODEL).expect("a written file");
    fs::write(folder.path().join("data.csv"), table("t,u,w", None)).expect("a written file");
    let output = mechc(folder.path(), &["run", "m.mech", "--out", "result"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("u' = ") && text.contains("\nw' = "), "{text}");
    let result = folder.path().join("result");
    for name in ["equations.json", "discovered.mech", "report.html", "record.json", "checkpoint.bin"] {
        assert!(fs::metadata(result.join(name)).expect(name).len() > 0, "{name} is empty");
    }
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(result.join("equations.json")).expect("a file")).expect("JSON");
    assert_eq!(json["schema"], 1);
    assert_eq!(json["engine"], "joint");
    assert_eq!(json["equations"][0]["terms"][0]["term"], "u");

    // The result is source: it checks and simulates by itself.
    let output = mechc(&result, &["simulate", "discovered.mech", "--out", "again.csv"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let again = fs::read_to_string(result.join("again.csv")).expect("a file");
    assert_eq!(again.lines().count(), 81);

    // A second run into the same folder is refused, and nothing is lost.
    let output = mechc(folder.path(), &["run", "m.mech", "--out", "result"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(result.join("equations.json").exists());
}

/// `equations.json` of a run, without the time it took.
fn equations(folder: &Path, threads: &str, out: &str) -> String {
    let output = mechc(folder, &["run", "m.mech", "--out", out, "--threads", threads]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(folder.join(out).join("equations.json")).expect("a file");
    text.lines().filter(|l| !l.contains("wall_seconds")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/lorenz.mech");
    fs::copy(example, folder.path().join("m.mech")).expect("the example");
    let one = equations(folder.path(), "1", "a");
    assert_eq!(one, equations(folder.path(), "2", "b"));
    assert_eq!(one, equations(folder.path(), "3", "c"));
}

#[test]
fn every_stage_prints_the_same_bytes_twice() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for stage in ["ast", "hir", "ir", "adjoint", "kernel", "clif", "cuda"] {
        for example in ["examples/lorenz.mech", "examples/lorenz_encoder.mech"] {
            let first = mechc(folder, &["check", example, "--emit", stage]);
            assert!(first.status.success(), "{example} {stage}: {}", String::from_utf8_lossy(&first.stderr));
            assert!(!first.stdout.is_empty(), "{example} {stage}: nothing printed");
            assert_eq!(first.stdout, mechc(folder, &["check", example, "--emit", stage]).stdout, "{example} {stage}");
        }
    }
}

#[test]
fn sources_for_a_device_are_written_with_their_launches() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("m.mech"), "model A { state u; u' = -u^2 }").expect("a written file");
    let build = |out: &str| mechc(folder.path(), &["build", "--target", "cuda", "-o", out, "m.mech"]);
    // Files of the same names are replaced.
    for _ in 0..2 {
        let output = build("out");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let read = |name: &str| fs::read_to_string(folder.path().join("out").join(name)).expect(name);
    let (header, source) = (read("m.h"), read("A_field.cu"));
    assert!(header.contains("static const mechc_launch A_field_launches[] = {\n  {\"field_0\", \"field"), "{header}");
    assert!(source.contains("extern \"C\" __global__ void __launch_bounds__(128) field_0("), "{source}");
    let output = build("m.mech");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(4) && said.contains("R002"), "{said}");
}

#[test]
fn findings_can_be_read_by_programs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("m.mech"), "model A { state u; u' = -v }").expect("a written file");
    let output = mechc(folder.path(), &["check", "m.mech", "--message-format", "json"]);
    let text = String::from_utf8_lossy(&output.stderr);
    let line: serde_json::Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    assert_eq!(line["severity"], "error");
    assert_eq!(line["file"], "m.mech");
    assert_eq!(line["line"], 1);
}

/// What the arguments of a command lack or hold by mistake is said as everything else: with a code, what it is about, and a way out.
#[test]
fn refused_arguments_have_a_code_and_a_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases: [(&[&str], &str, &str); 19] = [
        (&["rum", "m.mech"], "there is no command `mechc rum`", "did you mean `run`?"),
        (&["bench", "sovle"], "there is no command `mechc bench sovle`", "did you mean `solve`?"),
        (&["run"], "`mechc run` needs `<FILE>`", "`mechc run --help`"),
        (&["run", "m.mech", "--threads", "abc"], "`--threads` does not take `abc`: a whole number is needed", "--help"),
        (&["run", "m.mech", "--threads", "0"], "a whole number from 1 to 1024 is needed", "`mechc run --help`"),
        (&["run", "m.mech", "--threads"], "`--threads` needs a value", "`--threads <N>`"),
        (&["run", "m.mech", "--fti", "a"], "`mechc run` has no option `--fti`", "--"),
        (&["run", "m.mech", "other"], "takes no further argument, and here is `other`", "leave it out"),
        (
            &["run", "m.mech", "--out", "a", "--resume", "b"],
            "`--out` does not go together with `--resume <DIR>`",
            "leave one",
        ),
        (&["check", "m.mech", "--emit", "foo"], "`--emit` does not take `foo`", "--help"),
        (&["run", "m.mech", "--device", "gpu"], "`--device` does not take `gpu`: it is neither cpu", "--help"),
        (
            &["solve", "c.npz", "--out", "r.npz", "--refinements", "x"],
            "`--refinements` does not take `x`: it is no whole number",
            "from 0 to 100",
        ),
        (
            &["bench", "solve", "--batch", "-1"],
            "`--batch` does not take `-1`: it is not from 1",
            "give a whole number from 1",
        ),
        (&["export", "r", "--to", "latexx"], "`--to` does not take `latexx`", "did you mean `latex`?"),
        (&["fit", "m.mech"], "there is no command `mechc fit`", "did you mean `run`?"),
        (&["discover", "m.mech"], "there is no command `mechc discover`", "did you mean `run`?"),
        (&["predict", "m.mech"], "there is no command `mechc predict`", "`predict later = Model { steps 100 }`"),
        (&["plot", "m.mech"], "there is no command `mechc plot`", "leaves a folder with `report.html`"),
        (&["completions", "cmd"], "`<SHELL>` does not take `cmd`", "it takes `bash`"),
    ];
    for (args, message, help) in cases {
        let done = mechc(folder.path(), args);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(2), "{args:?}: {said}");
        assert!(done.stdout.is_empty() && said.starts_with("error[N018]: "), "{args:?}: {said}");
        assert!(said.contains(message) && said.contains("\n  help: ") && said.contains(help), "{args:?}: {said}");
        for json in [["--message-format", "json"].as_slice(), &["--message-format=json"]] {
            let done = mechc(folder.path(), &[json, args].concat());
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            let found: serde_json::Value = serde_json::from_str(said.trim()).unwrap_or_else(|e| panic!("{e}: {said}"));
            assert_eq!((done.status.code(), &found["code"]), (Some(2), &"N018".into()), "{said}");
            let text = |key: &str| found[key].as_str().unwrap_or_default().to_string();
            assert!(text("message").contains(message) && text("help").contains(help), "{said}");
        }
    }
    // What is asked for is no mistake.
    for args in [["--help"].as_slice(), &["run", "--help"], &["--version"]] {
        let done = mechc(folder.path(), args);
        assert!(done.status.success() && done.stderr.is_empty() && !done.stdout.is_empty(), "{args:?}");
    }
}

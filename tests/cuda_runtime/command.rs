//! The binary with a device: what is found, what is checked, and where runs compute.

use std::fs;
use std::process::Command;

use super::{doctor, libraries, logged, mechc, training};

#[test]
fn the_doctor_shows_what_is_there() {
    let text = doctor(&[], &[]);
    for line in [
        "driver      CUDA 12.8",
        "NVRTC       12.8, compiles for sm_80, sm_90",
        "cuBLAS      found",
        "cuda:0      stand-in, sm_90",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&doctor(&[], &["--json"])).expect("an object");
    assert_eq!((&json["devices"][0]["architecture"], &json["driver"]["cuda"]), (&90.into(), &"12.8".into()));
    let text = doctor(&[("FAKE_CUDA", "no-device")], &[]);
    assert!(text.contains("devices     the CUDA driver finds no device"), "{text}");
}

#[test]
fn a_device_is_checked_against_the_processor() {
    let (code, table, said) = mechc(&[], &["doctor", "--gpu-check", "--filter", "solve: block 3, "]);
    assert_eq!((code, table.lines().last()), (Some(0), Some("26 passed, 0 failed")), "{table}{said}");
    let (code, table, said) = mechc(&[], &["doctor", "--gpu-check", "--filter", "lorenz.mech"]);
    assert_eq!((code, table.lines().last()), (Some(0), Some("5 passed, 0 failed")), "{table}{said}");
    // One that computes wrong numbers is found out.
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().display().to_string();
    let wrong = [("FAKE_CUDA", "wrong"), ("MECHC_CACHE", cache.as_str())];
    let args = ["doctor", "--gpu-check", "--filter", "block 3, own matrices", "--json"];
    let (code, table, said) = mechc(&wrong, &args);
    let found: serde_json::Value = serde_json::from_str(&table).expect("an object");
    assert!(code == Some(5) && found["failed"].as_u64().is_some_and(|n| n > 0), "{table}{said}");
    assert!(said.contains("N050"), "{said}");
    let (code, _, said) = mechc(&[], &["doctor", "--gpu-check", "--device", "cpu"]);
    assert!(code == Some(2) && said.contains("N039"), "{said}");
    let (_, told, _) = mechc(&[], &["explain", "N039"]);
    assert!(told.contains("mechc doctor --gpu-check --device cpu"), "{told}");
    // Options of the check are told by their names where it is not asked for.
    let (code, _, said) = mechc(&[], &["doctor", "--filter", "lorenz"]);
    assert!(code == Some(2) && said.contains("`--filter` is for `--gpu-check`"), "{said}");
    let (code, _, said) = mechc(&[], &["doctor", "--device", "cuda"]);
    assert!(code == Some(2) && said.contains("`--device` is for `--gpu-check`"), "{said}");
    // The processor does not stand in for a device that is to be compared with it.
    let args = ["doctor", "--gpu-check", "--device", "auto"];
    let (code, _, said) = mechc(&[("FAKE_CUDA", "no-device")], &args);
    assert!(code == Some(4) && said.contains("N033") && !said.contains("--device cuda"), "{said}");
    // The command itself does nothing on the processor, so that is no way out of it.
    let (code, _, said) = mechc(&[("FAKE_CUDA", "no-device")], &["doctor", "--gpu-check"]);
    assert!(code == Some(4) && said.contains("N033") && said.contains("`mechc run FILE --device cpu`"), "{said}");
}

/// A model that is fitted at once.
const GROWTH: &str = "model Truth { state x; x' = -0.5*x; initial x = 1 }
model Growth { state x; param a in [-2, 2]; x' = a*x }
data d = simulate Truth { steps 40; dt 0.1 }
fit Growth to d
";

#[test]
fn a_cache_that_cannot_be_used_is_told() {
    let text = doctor(&[("MECHC_CACHE", "/dev/null/mechc")], &[]);
    assert!(text.contains("/dev/null/mechc/cubin cannot be used: `/dev/null` is no folder"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&doctor(&[("MECHC_CACHE", "/dev/null/mechc")], &["--json"])).expect("an object");
    assert!(json["cache_unusable"].as_str().is_some_and(|why| why.contains("no folder")), "{json}");
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().display().to_string();
    let args = ["build", "examples/lorenz.mech", "--target", "cuda", "-o", &out, "--message-format", "json"];
    let (code, _, said) = mechc(&[("MECHC_CACHE", "/dev/null/mechc")], &args);
    let objects: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    let told: Vec<_> = objects.iter().map(|o| o["severity"].as_str().unwrap_or_default()).collect();
    assert_eq!((code, told), (Some(0), vec!["warning", "note"]), "{said}");
    assert!(said.contains("compiled kernels cannot be kept"), "{said}");
}

#[test]
fn runs_compute_on_the_device_that_was_chosen() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |variables: &[(&str, &str)], device: &str, name: &str| {
        let out = folder.path().join(name).display().to_string();
        let found = mechc(variables, &["run", "examples/lorenz.mech", "--device", device, "--out", &out]);
        let record = fs::read_to_string(folder.path().join(name).join("record.json")).unwrap_or_default();
        (found, record)
    };
    let log = folder.path().join("log").display().to_string();
    let ((code, on_device, said), record) = run(&[("FAKE_CUDA_LOG", &log)], "cuda:0", "device");
    assert!(code == Some(0) && record.contains("cuda:0 stand-in, sm_90"), "{said}");
    let ((_, on_host, _), record) = run(&[], "cpu", "host");
    assert!(record.contains("\"cpu\""), "{record}");
    // Every digit that is printed.
    assert_eq!(on_device, on_host);
    // From one solve to the next the trajectory alone is sent, three components at 4,000 samples, and the 30 coefficients, once for all
    // that is evaluated along it. What comes back is that chain's result: links, or two linearisations.
    let log = logged(&log);
    let graph = |(what, _): &(String, usize)| what == "graph";
    let solves = &log[log.iter().position(graph).expect("graphs")..=log.iter().rposition(graph).expect("graphs")];
    let sizes = |what: &str| {
        solves.iter().filter(|(w, _)| w == what).map(|(_, n)| *n).collect::<std::collections::BTreeSet<usize>>()
    };
    assert_eq!(sizes("up"), [8 * 30, 8 * 3 * 4000].into());
    let down = sizes("down");
    assert!(down.len() == 3 && down.contains(&(8 * 3 * 3999)), "{down:?}");
    let count = |what: &str, size: usize| solves.iter().filter(|(w, n)| w == what && *n == size).count();
    let (graphs, trajectories) = (solves.iter().filter(|e| graph(e)).count(), count("up", 8 * 3 * 4000));
    assert!(2 * trajectories <= graphs, "{trajectories} trajectories for {graphs} chains");
    // What cannot be used is named, and looked for in vain with `auto`.
    let nothing = [("FAKE_CUDA", "no-device")];
    let ((code, _, said), _) = run(&nothing, "cuda", "nothing");
    assert!(code == Some(4) && said.contains("N033") && said.contains("--device cpu"), "{said}");
    let ((code, found, said), record) = run(&nothing, "auto", "auto");
    assert!(code == Some(0) && said.contains("computing on the processor"), "{said}");
    assert!(found == on_host && record.contains("computing on the processor"));
    // For programs it is an object with a code and a way out, and comes before the run's own.
    let model = folder.path().join("growth.mech");
    fs::write(&model, GROWTH).expect("a model");
    let out = folder.path().join("objects").display().to_string();
    let model = model.display().to_string();
    let args = ["run", &model, "--device", "auto", "--tf32", "--out", &out, "--message-format", "json"];
    let (code, _, said) = mechc(&nothing, &args);
    let objects: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    assert!(code == Some(0) && objects.len() >= 3, "{said}");
    let told: Vec<_> = objects.iter().map(|o| o["code"].as_str().unwrap_or_default()).collect();
    assert_eq!(told[..2], ["N033", "N040"], "{said}");
    assert!(objects.iter().all(|o| ["severity", "code", "message", "help"].iter().all(|k| o.get(*k).is_some())));
    assert!(objects[0]["help"].as_str().is_some_and(|help| help.contains("--device cpu")), "{said}");
    assert_eq!(said.matches("computing on the processor").count(), 1, "{said}");
    assert!(objects.iter().position(|o| o["severity"] == "note").is_some_and(|at| at >= 2), "{said}");
    let ((code, _, said), _) = run(&[("FAKE_CUDA", "launch")], "cuda", "launch");
    assert!(code == Some(4) && said.contains("N038"), "{said}");
    let (code, _, said) = mechc(&[], &["run", "examples/lorenz.mech", "--device", "gpu"]);
    assert!(code == Some(2) && said.contains("cuda:N"), "{said}");
}

#[test]
fn cubins_are_built_where_there_is_a_compiler() {
    let folder = tempfile::tempdir().expect("a folder");
    let build = |variables: &[(&str, &str)], name: &str, arch: &[&str]| {
        let out = folder.path().join(name).display().to_string();
        let args = ["build", "examples/two_body.mech", "--target", "cuda", "-o", out.as_str()];
        let found = mechc(variables, &[&args[..], arch].concat());
        let files = fs::read_dir(&out).map_or(0, |all| {
            let cubin = |e: &fs::DirEntry| e.path().extension().is_some_and(|e| e == "cubin");
            all.filter_map(Result::ok).filter(cubin).count()
        });
        (found, files)
    };
    let ((code, _, said), files) = build(&[], "here", &[]);
    assert_eq!((code, files), (Some(0), 2), "{said}");
    // Twice the same is once.
    let ((.., said), files) = build(&[], "twice", &["--arch", "90,sm_90"]);
    assert!(files == 2 && said.starts_with("5 files in "), "{files} {said}");
    // Code is named after what it is for, and made once.
    let ((code, _, said), files) = build(&[], "newer", &["--arch", "90,91"]);
    assert!((code, files) == (Some(0), 2) && said.contains("code for sm_91 is that for sm_90"), "{said}");
    let named = fs::read_dir(folder.path().join("newer")).expect("the folder").filter_map(Result::ok);
    assert!(named.map(|e| e.file_name()).all(|n| !n.to_string_lossy().contains("sm_91")));
    let path = folder.path().display().to_string();
    let none = [("LD_LIBRARY_PATH", path.as_str())];
    let ((code, _, said), files) = build(&none, "nowhere", &[]);
    assert!((code, files) == (Some(0), 0) && said.contains("no cubin"), "{said}");
    let ((code, _, said), files) = build(&none, "demanded", &["--arch", "90"]);
    assert!((code, files) == (Some(4), 0) && said.contains("N032"), "{said}");
    assert!(said.contains("leave `--arch` out") && !said.contains("--device"), "{said}");
    let ((code, _, said), files) = build(&[], "unknown", &["--arch", "sm_100"]);
    assert!((code, files) == (Some(4), 0) && said.contains("N035"), "{said}");
    assert!(said.contains("with `--arch`") && !said.contains("--device"), "{said}");
    // Of the code that was built before, what belongs to another source goes, and the rest stays.
    let sources = || {
        let all =
            fs::read_dir(folder.path().join("here")).expect("the folder").filter_map(Result::ok).map(|e| e.path());
        all.filter(|path| path.extension().is_some_and(|e| e == "cu")).collect::<Vec<_>>()
    };
    let ((code, _, said), files) = build(&none, "here", &[]);
    assert!((code, files) == (Some(0), 2) && !said.contains("removed"), "{said}");
    fs::write(&sources()[0], "// of another model").expect("a source");
    let ((code, _, said), files) = build(&none, "here", &[]);
    assert!((code, files) == (Some(0), 1) && said.contains("removed 1 cubin of other sources"), "{said}");
    let stays = sources()[1].with_extension("sm_90.cubin");
    assert!(stays.is_file(), "{}", stays.display());
    // What is made anew is not missed.
    fs::write(&sources()[1], "// of another model").expect("a source");
    let ((code, _, said), files) = build(&[], "here", &[]);
    assert!((code, files) == (Some(0), 2) && !said.contains("removed"), "{said}");
}

#[test]
fn libraries_that_lack_functions_are_named() {
    // Empty libraries under the names that are looked for first stand for ones that are too old.
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty.cpp");
    fs::write(&empty, "").expect("a source");
    for name in ["libcuda.so", "libnvrtc.so", "libcublas.so"] {
        let made = Command::new("g++").args(["-shared", "-o"]).arg(folder.path().join(name)).arg(&empty).status();
        assert!(made.expect("g++").success());
    }
    let path = folder.path().display().to_string();
    let text = doctor(&[("LD_LIBRARY_PATH", &path)], &[]);
    for line in [
        "no CUDA driver: libcuda.so is too old: it lacks `cuInit`",
        "no CUDA compiler (NVRTC): libnvrtc.so is too old",
        "libcublas.so is too old",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&doctor(&[("LD_LIBRARY_PATH", &path)], &["--json"])).expect("an object");
    assert_eq!((&json["driver"]["code"], &json["nvrtc"]["code"]), (&"N031".into(), &"N032".into()));
    let missing = json["cublas"]["missing"].as_str().unwrap_or_default();
    assert!(missing.starts_with("libcublas.so is too old"), "{missing}");
    // A run names it as well, with the way out.
    let (folder, model) = training();
    let out = folder.path().join("run").display().to_string();
    let (code, _, said) = mechc(&[("LD_LIBRARY_PATH", &path)], &["run", &model, "--device", "cuda", "--out", &out]);
    assert!(code == Some(4) && said.contains("N031") && said.contains("--device cpu"), "{said}");
}

#[test]
fn runs_name_what_a_device_lacks() {
    let (folder, model) = training();
    let run = |variables: &[(&str, &str)]| {
        let out = folder.path().join("run").display().to_string();
        let (code, _, said) = mechc(variables, &["run", &model, "--device", "cuda", "--out", &out]);
        let _ = fs::remove_dir_all(out);
        (code, said)
    };
    // A driver alone.
    let driver = tempfile::tempdir().expect("a folder");
    fs::copy(libraries().join("libcuda.so.1"), driver.path().join("libcuda.so.1")).expect("a copy");
    let driver = driver.path().display().to_string();
    for (variables, expected) in [
        (&[("LD_LIBRARY_PATH", driver.as_str())][..], "N032"),
        (&[("FAKE_CUDA", "old")], "N035"),
        (&[("FAKE_CUDA_MEMORY", "20000")], "N036"),
        (&[("FAKE_CUDA", "compile"), ("MECHC_CACHE", "/dev/null/mechc")], "N037"),
        (&[("FAKE_CUDA", "sync")], "N038"),
    ] {
        let (code, said) = run(variables);
        assert!(code == Some(4) && said.contains(expected) && said.contains("--device cpu"), "{expected}: {said}");
    }
}

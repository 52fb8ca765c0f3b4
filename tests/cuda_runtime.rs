//! The runtime for CUDA devices against stand-ins for the driver, the compiler and cuBLAS (`tests/cuda/`), which the system's C++
//! compiler makes. The stand-ins refuse wrong handles, addresses outside allocations and what no graph can record.
//!
//! Libraries are found through the library path of a process, so whatever touches them runs in a child: a test marked `ignore`
//! here is run by another one with the right environment.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, OnceLock};
use std::{fs, thread};

use mechc::artifact::Artifact;
use mechc::artifact::device::DeviceProgram;
use mechc::base::{Elem, TensorData};
use mechc::codegen;
use mechc::driver::conformance::SolveForm;
use mechc::runtime::cuda::{Cache, Device, DeviceExecutable, Products};
use mechc::runtime::{
    Arg, Collocated, Executable, Formula, Loaded, Move, RuntimeError, Sequence, Store, TensorView, TensorViewMut,
    Threads, View,
};

#[path = "cuda/operators.rs"]
mod operators;
#[path = "cuda/programs.rs"]
mod programs;

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda")
}

/// The folder of the stand-ins, made once for each run of the tests.
fn libraries() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let make = |name: &str, source: &str, with: &[&str]| {
            let mut command = Command::new("g++");
            command.args(["-std=c++17", "-O1", "-shared", "-fPIC", "-o", name]).arg(sources().join(source));
            command.arg(format!("-Wl,-soname,{name}")).args(with).current_dir(folder.path());
            let output = command.output().expect("the system's C++ compiler, g++");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        // One of each version: both are looked for.
        make("libcuda.so.1", "driver.cpp", &["-ldl"]);
        thread::scope(|scope| {
            scope.spawn(|| make("libnvrtc.so.13", "nvrtc.cpp", &[]));
            scope.spawn(|| make("libcublas.so.12", "cublas.cpp", &["libcuda.so.1"]));
        });
        folder
    });
    made.path()
}

/// A command that finds the stand-ins, with these variables besides.
fn with_libraries(program: impl AsRef<Path>, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program.as_ref());
    command.env("LD_LIBRARY_PATH", libraries()).env("FAKE_CUDA_HEADER", sources().join("device.h"));
    command.env_remove("FAKE_CUDA").env("MECHC_CACHE", libraries().join("cache")).envs(variables.iter().copied());
    command
}

/// Runs an ignored test of this file in a child.
fn child(test: &str, variables: &[(&str, &str)]) -> Output {
    let this = std::env::current_exe().expect("this program");
    let output = with_libraries(this, variables).args(["--exact", test, "--ignored", "--nocapture"]).output();
    output.expect("the child starts")
}

#[track_caller]
fn passes(test: &str, variables: &[(&str, &str)]) {
    let output = child(test, variables);
    let text = [output.stdout, output.stderr].map(|t| String::from_utf8_lossy(&t).into_owned()).concat();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn open(program: DeviceProgram, products: Products) -> Result<DeviceExecutable, RuntimeError> {
    let device = Device::open(0)?;
    DeviceExecutable::new(&device, Arc::new(program), (false, products), &Cache::of_user())
}

/// The code of the error that opening and calling gives.
fn code(result: Result<(), RuntimeError>) -> &'static str {
    match result {
        Ok(()) => "none",
        Err(RuntimeError::Device(e)) => {
            assert!(e.help().contains("--device cpu"), "{e} does not name the processor");
            e.code()
        }
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn calls_compute_what_the_host_would() {
    passes("inside_calls", &[]);
    passes("inside_products", &[]);
    passes("inside_failures", &[]);
}

#[test]
#[ignore = "run by another test, with the stand-ins on the library path"]
fn inside_calls() {
    let mut executable = open(programs::scaled(), Products::Library).expect("an executable");
    // The first call of a size runs step by step, the second is recorded, later ones are replayed; then the memory moves.
    for (call, n) in [300, 300, 300, 300, 1000, 1000, 1, 300].into_iter().enumerate() {
        let x: Vec<f64> = (0..n).map(|i| (i * (call + 1)) as f64 * 0.25 - 3.0).collect();
        let f = [0.5 + call as f64];
        let (mut y, mut total) = (vec![0.0; n], [0.0]);
        let shape = [n];
        let args = [TensorView::f64(&shape, &x), TensorView::f64(&[], &f)];
        let mut outs = [TensorViewMut::f64(&shape, &mut y), TensorViewMut::f64(&[], &mut total)];
        executable.call(&args, &mut outs).expect("a call");
        let expected: Vec<f64> = x.iter().map(|x| f[0] * x).collect();
        assert_eq!(y, expected, "call {call}");
        let squares: f64 = expected.iter().map(|y| y * y).sum();
        assert!((total[0] - squares).abs() <= 1e-13 * squares, "call {call}: {} {squares}", total[0]);
    }
    // A result over an argument.
    let (mut x, mut total, shape) = (vec![2.0; 5], [0.0], [5]);
    let mut args = [Arg::Update(TensorViewMut::f64(&shape, &mut x), 0), Arg::Read(TensorView::f64(&[], &[3.0]))];
    executable.update(&mut args, &mut [TensorViewMut::f64(&[], &mut total)]).expect("an update");
    assert_eq!((x, total), (vec![6.0; 5], [180.0]));
    // What does not fit is refused before anything is touched.
    let wrong = executable.call(&[TensorView::f64(&[2], &[1.0, 2.0])], &mut []);
    assert!(matches!(wrong, Err(RuntimeError::Count { .. })), "{wrong:?}");
}

#[test]
#[ignore = "run by another test, with the stand-ins on the library path"]
fn inside_products() {
    // Small ones go to the generated kernel, large ones to the library; each three times, for the recorded graph.
    for (products, sizes) in [
        (Products::Library, [3, 4, 5]),
        (Products::Library, [40, 33, 50]),
        (Products::Tf32, [40, 33, 50]),
        (Products::Generated, [40, 33, 50]),
        (Products::Library, [40, 0, 50]),
    ] {
        let mut executable = open(programs::product(), products).expect("an executable");
        let [rows, inner, columns] = sizes;
        for call in 0..3 {
            let number = |i: usize| ((i * 7 + call) % 13) as f64 - 6.0;
            let a: Vec<f64> = (0..rows * inner).map(number).collect();
            let b: Vec<f64> = (0..inner * columns).map(|i| number(i + 3)).collect();
            let mut out = vec![0.5; rows * columns];
            let (shape_a, shape_b, shape) = ([rows, inner], [inner, columns], [rows, columns]);
            let args = [TensorView::f64(&shape_a, &a), TensorView::f64(&shape_b, &b)];
            executable.call(&args, &mut [TensorViewMut::f64(&shape, &mut out)]).expect("a call");
            for (at, found) in out.iter().enumerate() {
                let (i, j) = (at / columns, at % columns);
                let expected: f64 = (0..inner).map(|k| a[i * inner + k] * b[k * columns + j]).sum();
                assert_eq!(*found, expected, "{products:?} {sizes:?}, call {call}, element {at}");
            }
        }
    }
}

#[test]
#[ignore = "run by another test, with the stand-ins on the library path"]
fn inside_failures() {
    let mut executable = open(programs::scaled(), Products::Library).expect("an executable");
    let shape = [200];
    let mut call = |x: &[f64]| {
        let (mut y, mut total) = ([0.0; 200], [0.0]);
        let args = [TensorView::f64(&shape, x), TensorView::f64(&[], &[1.0])];
        executable.call(&args, &mut [TensorViewMut::f64(&shape, &mut y), TensorViewMut::f64(&[], &mut total)])
    };
    let good = [1.0; 200];
    let mut bad = good;
    (bad[150], bad[131]) = (f64::NAN, f64::INFINITY);
    // The first bad sample is named, in a call that runs step by step and in replayed ones; the next call is whole again.
    for _ in 0..3 {
        let error = call(&bad).expect_err("a number that is not finite");
        assert_eq!(error, RuntimeError::NotPositiveDefinite { entry: "scaled".into(), step: 0, sample: 131 });
        assert_eq!(call(&good), Ok(()));
    }
}

#[test]
fn faults_are_named() {
    for (variables, code) in [
        (&[("FAKE_CUDA", "no-init")][..], "N033"),
        (&[("FAKE_CUDA", "no-device")], "N033"),
        (&[("FAKE_CUDA", "old")], "N035"),
        (&[("FAKE_CUDA_MEMORY", "1000")], "N036"),
        (&[("FAKE_CUDA", "compile"), ("MECHC_CACHE", "/dev/null/mechc")], "N037"),
        (&[("FAKE_CUDA", "launch")], "N038"),
        (&[("FAKE_CUDA", "sync")], "N038"),
    ] {
        let variables: Vec<_> = variables.iter().copied().chain([("EXPECTED_CODE", code)]).collect();
        passes("inside_fault", &variables);
    }
}

#[test]
#[ignore = "run by another test, which makes the stand-ins fail"]
fn inside_fault() {
    let found = code(open(programs::scaled(), Products::Library).and_then(|mut executable| {
        let (mut y, mut total, shape) = ([0.0; 64], [0.0], [64]);
        let args = [TensorView::f64(&shape, &[1.0; 64]), TensorView::f64(&[], &[1.0])];
        executable.call(&args, &mut [TensorViewMut::f64(&shape, &mut y), TensorViewMut::f64(&[], &mut total)])
    }));
    assert_eq!(found, std::env::var("EXPECTED_CODE").unwrap_or_default());
}

#[test]
fn devices_are_counted_from_zero() {
    passes("inside_index", &[]);
}

#[test]
#[ignore = "run by another test, with the stand-ins on the library path"]
fn inside_index() {
    let error = Device::open(3).expect_err("there is one device");
    assert_eq!((error.code(), error.to_string().contains("has 1")), ("N034", true), "{error}");
}

#[test]
fn machine_code_is_compiled_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (cache, count) = (path("cache"), path("count"));
    let variables = [("MECHC_CACHE", cache.as_str()), ("FAKE_CUDA_COUNT", count.as_str())];
    let compiled = || fs::read_to_string(&count).unwrap_or_default().lines().count();
    passes("inside_failures", &variables);
    assert_eq!(compiled(), 1);
    passes("inside_failures", &variables);
    assert_eq!(compiled(), 1);
    // A torn entry is made again.
    let entry = fs::read_dir(folder.path().join("cache/cubin"))
        .expect("the cache")
        .next()
        .expect("an entry")
        .expect("an entry");
    let bytes = fs::read(entry.path()).expect("the entry");
    fs::write(entry.path(), &bytes[..bytes.len() / 2]).expect("a torn entry");
    passes("inside_failures", &variables);
    assert_eq!(compiled(), 2);
    // Without a place to keep it a program runs all the same.
    let nowhere = [("MECHC_CACHE", "/dev/null/mechc"), ("FAKE_CUDA_COUNT", count.as_str())];
    passes("inside_failures", &nowhere);
    assert_eq!(compiled(), 3);
}

fn doctor(variables: &[(&str, &str)], args: &[&str]) -> String {
    let output = with_libraries(env!("CARGO_BIN_EXE_mechc"), variables).arg("doctor").args(args).output();
    let output = output.expect("mechc starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

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

/// The binary with the stand-ins: exit code, standard output, standard error.
fn mechc(variables: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = with_libraries(env!("CARGO_BIN_EXE_mechc"), variables);
    let output = command.args(args).current_dir(root).output().expect("mechc starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
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
    let path = folder.path().display().to_string();
    let none = [("LD_LIBRARY_PATH", path.as_str())];
    let ((code, _, said), files) = build(&none, "nowhere", &[]);
    assert!((code, files) == (Some(0), 0) && said.contains("no cubin"), "{said}");
    let ((code, _, said), files) = build(&none, "demanded", &["--arch", "90"]);
    assert!((code, files) == (Some(4), 0) && said.contains("N032"), "{said}");
    let ((code, _, said), files) = build(&[], "unknown", &["--arch", "sm_100"]);
    assert!((code, files) == (Some(4), 0) && said.contains("N035"), "{said}");
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
    // A run names it as well, with the way out.
    let (folder, model) = training();
    let out = folder.path().join("run").display().to_string();
    let (code, _, said) = mechc(&[("LD_LIBRARY_PATH", &path)], &["run", &model, "--device", "cuda", "--out", &out]);
    assert!(code == Some(4) && said.contains("N031") && said.contains("--device cpu"), "{said}");
}

/// The host, or the stand-in with one program.
fn place(on_device: bool) -> Loaded {
    let artifact = Arc::new(Artifact { name: "none".into(), entries: Vec::new() });
    if !on_device {
        return Loaded::Host { artifact, threads: Threads::single() };
    }
    let device = Device::open(0).expect("the stand-in");
    let programs = vec![Arc::new(programs::scaled())];
    Loaded::Device { device, programs, products: Products::Library, cache: Arc::new(Cache::of_user()) }
}

#[test]
fn arrays_stay_on_the_device() {
    passes("inside_moves", &[]);
    passes("inside_sequences", &[]);
}

/// All kinds of moves, one after the other; gives what they have moved.
fn moved(place: &Loaded) -> (Vec<f64>, Vec<f32>) {
    let mut store = Store::beside(place).expect("a store");
    let array = |store: &mut Store, numbers: Vec<f64>| store.add(TensorData::F64(numbers)).expect("an array");
    let shaped = |view: View, shape: &[usize]| view.part(0, shape).expect("a part");
    let table = array(&mut store, (0..30).map(|i| f64::from(i) * 0.7 - 3.0).collect());
    let table = shaped(table, &[10, 3]);
    // The last one begins beyond the last row with four rows left.
    let first = array(&mut store, vec![0.0, 5.0, 9.0]);
    let out = store.zeros(Elem::F64, &[3, 4, 3]).expect("an array");
    let at = shaped(array(&mut store, vec![2.0]), &[]);
    let row = store.zeros(Elem::F64, &[3]).expect("an array");
    let history = store.zeros(Elem::F64, &[4]).expect("an array");
    let rounded = store.zeros(Elem::F32, &[3]).expect("an array");
    let (lower, upper) =
        (array(&mut store, vec![-1.0, f64::NEG_INFINITY, 0.1]), array(&mut store, vec![0.3, 0.2, 0.1]));
    let value = row.part(1, &[]).expect("a part");
    for what in [
        Move::Gather { table: table.clone(), first, out: out.clone() },
        Move::Row { table, at: at.clone(), out: row.clone() },
        Move::Append { value: value.clone(), history: history.clone(), at: at.clone() },
        Move::Append { value: value.clone(), history: history.clone(), at: at.clone() },
        // There is no room for a third.
        Move::Append { value, history: history.clone(), at: at.clone() },
        Move::Round { from: row.clone(), to: rounded.clone() },
        Move::Bound { value: row.clone(), lower, upper },
    ] {
        store.apply(&what).expect("a move");
    }
    // Three components at eleven samples, one link without a step.
    let waves = |store: &mut Store, len: usize, k: f64| {
        store.add(TensorData::F64((0..len).map(|i| (k * i as f64).sin()).collect())).expect("an array")
    };
    let mut h: Vec<f64> = (0..10).map(|t| 0.1 + 0.01 * f64::from(t)).collect();
    h[6] = 0.0;
    let steps = store.add(TensorData::F64(h)).expect("an array");
    let at_samples: Vec<View> = (1..=3).map(|k| waves(&mut store, 33, 0.3 * f64::from(k))).collect();
    let at_links: Vec<View> = (1..=2).map(|k| waves(&mut store, 30, 0.4 * f64::from(k))).collect();
    let mut collocated = Vec::new();
    for (formula, samples, links) in [
        (Formula::Shift { share: -0.3 }, 2, 0),
        (Formula::Slope { eps: 0.7 }, 2, 0),
        (Formula::Middle, 2, 0),
        (Formula::QuinticMiddle, 3, 0),
        (Formula::Defect, 2, 1),
        (Formula::Correction, 2, 2),
    ] {
        let mut from = [&at_samples[..samples], &at_links[..links]].concat();
        let of_samples = formula.arity() == from.len();
        from.extend((!of_samples).then(|| steps.clone()));
        let out = store.zeros(Elem::F64, &[if of_samples { 33 } else { 30 }]).expect("an array");
        store.apply(&Move::Collocate(Collocated { formula, from, out: out.clone() })).expect("a move");
        let numbers = store.numbers(&out).expect("numbers");
        assert!(numbers.iter().any(|x| x.abs() > 1e-6), "{formula:?}");
        collocated.extend(numbers);
    }
    let spare = store.zeros(Elem::F64, &[3, 4, 3]).expect("an array");
    store.copy(&out, &spare).expect("a copy");
    let mut all = [&spare, &at, &row, &history].map(|view| store.numbers(view).expect("numbers")).concat();
    all.extend(collocated);
    let TensorData::F32(single) = store.read(&rounded).expect("numbers") else { panic!("single precision") };
    (all, single)
}

#[test]
#[ignore = "run by another test, with the stand-ins on the library path"]
fn inside_moves() {
    let (on_host, on_device) = (moved(&place(false)), moved(&place(true)));
    assert_eq!(on_host, on_device);
    let row = [1.2, 1.9, 2.6].map(|x: f64| x);
    let at = on_host.0[36..37].to_vec();
    assert_eq!((at, on_host.1.len()), (vec![5.0], 3));
    assert!(on_host.1.iter().zip(row).all(|(x, y)| (f64::from(*x) - y).abs() < 1e-6), "{:?}", on_host.1);
    assert_eq!(on_host.0[37..40], [0.3, 0.2, 0.1]);
}

#[test]
#[ignore = "run by another test, with the stand-ins on the library path"]
fn inside_sequences() {
    let place = place(true);
    let mut store = Store::beside(&place).expect("a store");
    let mut add = |numbers: Vec<f64>| store.add(TensorData::F64(numbers)).expect("an array");
    let (x, f) = (add((0..50).map(f64::from).collect()), add(vec![0.5]));
    let (y, total) = (add(vec![0.0; 50]), add(vec![0.0]));
    let scalar = |view: &View| view.part(0, &[]).expect("a part");
    let open = || place.open("scaled").expect("an entry");
    let mut sequence = Sequence::default();
    // What overlaps is refused.
    let params = vec![x.clone(), scalar(&f)];
    let over = sequence.call(open(), params.clone(), vec![x.clone(), scalar(&total)]);
    assert!(matches!(over, Err(RuntimeError::InPlace { .. })), "{over:?}");
    let over = sequence.call(open(), params.clone(), vec![y.clone(), y.part(3, &[]).expect("a part")]);
    assert!(matches!(over, Err(RuntimeError::Move { .. })), "{over:?}");
    // Halved again and again: 1 direct run, then a graph.
    sequence.call(open(), params, vec![y.clone(), scalar(&total)]).expect("a call");
    sequence.call(open(), vec![y.clone(), scalar(&f)], vec![x.clone(), scalar(&total)]).expect("a call");
    for _ in 0..3 {
        sequence.run(&mut store).expect("a run");
    }
    assert_eq!(sequence.check(), Ok(()));
    let expected: Vec<f64> = (0..50).map(|i| f64::from(i) / 64.0).collect();
    assert_eq!(store.numbers(&x), Ok(expected.clone()));
    assert_eq!(store.numbers(&total), Ok(vec![expected.iter().map(|x| x * x).sum::<f64>()]));
    // A failure is found whenever it is looked for, until it is forgotten.
    store.write(&x, &TensorData::F64(vec![1.0, f64::NAN])).expect("numbers");
    sequence.run(&mut store).expect("a run");
    store.write(&x, &TensorData::F64(vec![1.0, 1.0])).expect("numbers");
    sequence.run(&mut store).expect("a run");
    let failed = RuntimeError::NotPositiveDefinite { entry: "scaled".into(), step: 0, sample: 1 };
    assert_eq!(sequence.check(), Err(failed));
    sequence.forget().expect("a device");
    sequence.run(&mut store).expect("a run");
    assert_eq!(sequence.check(), Ok(()));
}

#[test]
fn a_solve_that_fails_is_named_as_on_the_processor() {
    passes("inside_reasons", &[]);
}

#[test]
#[ignore = "run by another test, with the stand-ins on the library path"]
fn inside_reasons() {
    for (own, parameter) in [(true, "c"), (false, "c"), (true, "rhs")] {
        let Ok(mut case) = SolveForm::new(2, 3, 2, own, false).case("coupled", 4, 6) else { panic!("a case") };
        // Equation 1 at step 3 of sample 2, or of all.
        let row = (if own { 2 * 2 + 1 } else { 1 }) * 6 + 3;
        let (at, place) = if parameter == "c" { (0, row * 6 + 4) } else { (1, row) };
        let TensorData::F64(numbers) = case.arguments[at].data_mut() else { panic!("double precision") };
        numbers[place] = f64::NAN;
        let views: Vec<TensorView<'_>> = case.arguments.iter().map(TensorView::from).collect();
        let artifact = codegen::host::compile("test", vec![case.program.clone()]).expect("host code");
        let mut host = Executable::new(&artifact, "f", Threads::single()).expect("the entry");
        let expected = host.run(&views).expect_err("a number that is not finite");
        let mut device = open(case.device_program(), Products::Library).expect("an executable");
        let mut results: Vec<Vec<f64>> = Vec::new();
        let shapes: Vec<Vec<usize>> = case
            .program
            .entry
            .results
            .iter()
            .map(|port| {
                let of = |a: &usize| {
                    let axis = &case.program.entry.axes[*a];
                    axis.size.unwrap_or(if axis.name == "time" { 6 } else { 4 })
                };
                port.axes.iter().map(of).collect()
            })
            .collect();
        results.extend(shapes.iter().map(|s| vec![0.0; s.iter().product()]));
        for _ in 0..3 {
            let mut outs: Vec<TensorViewMut<'_>> =
                results.iter_mut().zip(&shapes).map(|(r, s)| TensorViewMut::f64(s, r)).collect();
            let found = device.call(&views, &mut outs).expect_err("a number that is not finite");
            assert_eq!(found, expected);
        }
        let text = expected.to_string();
        assert!(text.contains(if own { "sample 2" } else { "sample 0" }) && text.contains("state"), "{text}");
    }
}

/// A small training by gradient.
const TRAINING: &str = "use std.systems.LotkaVolterra
model Prey { state u, w; (u, w)' = ?poly(u, w; degree = 2) }
data d = simulate LotkaVolterra { steps 300; dt 0.05 }
network smoother { input u, w over window; mlp [64] relu; output v[2] over window }
fit Prey to d {
  window 20; batch 16; orders 2; auxiliary (u, w) = smoother.v
  steps 200; threshold 0.03; prune_from 0.9; optimizer adam(lr = 3e-3)
}
";

/// A folder with the model of [`TRAINING`].
fn training() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("m.mech");
    fs::write(&model, TRAINING).expect("a model");
    let model = model.display().to_string();
    (folder, model)
}

/// What the stand-in for the driver was asked for: transfers and launches with their bytes and nodes.
fn logged(path: &str) -> Vec<(String, usize)> {
    let text = fs::read_to_string(path).expect("a log");
    let line = |line: &str| line.split_once(' ').map(|(what, n)| (what.to_string(), n.parse().expect("a number")));
    text.lines().filter_map(line).collect()
}

#[test]
fn steps_follow_one_another_without_the_host() {
    let (folder, model) = training();
    // By substitution, and with an explicit solution matrix, which the first step makes.
    for (batch, operator) in [("fit.batch=8", false), ("fit.batch=16", true)] {
        let (_, plan, _) = mechc(&[], &["check", &model, "--plan", "--set", batch]);
        assert_eq!(plan.contains("explicit solution matrix, kept there"), operator, "{plan}");
        let log = folder.path().join(batch).display().to_string();
        let args = ["bench", "step", &model, "--device", "cuda", "--repeat", "2", "--set", batch];
        let (code, _, said) = mechc(&[("FAKE_CUDA_LOG", &log)], &args);
        assert_eq!(code, Some(0), "{said}");
        let log = logged(&log);
        let mut runs: Vec<usize> = log.split(|(what, _)| what != "graph").map(<[_]>::len).filter(|n| *n > 0).collect();
        // The first of all steps is launched by parts.
        runs.sort_unstable();
        assert_eq!(runs, [63, 64, 64]);
    }
}

#[test]
fn a_training_step_is_one_graph_without_transfers() {
    let (folder, model) = training();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let log = path("log");
    let run = |device: &str, name: &str, more: &[&str]| {
        let out = path(name);
        let args = ["run", &model, "--device", device, "--out", &out];
        let (code, _, said) = mechc(&[("FAKE_CUDA_LOG", &log)], &[&args[..], more].concat());
        assert_eq!(code, Some(0), "{said}");
        let record = fs::read_to_string(folder.path().join(name).join("record.json")).expect("a record");
        let record: serde_json::Value = serde_json::from_str(&record).expect("an object");
        let losses = record["loss"].as_array().expect("losses").iter().map(|p| p["loss"].as_f64().expect("a loss"));
        losses.collect::<Vec<f64>>()
    };
    let on_device = run("cuda", "device", &[]);
    let log = logged(&path("log"));
    // The steps are the graph that is run most often. The first step is launched by parts, so that the rest can be recorded.
    let graphs = log.iter().filter(|(what, _)| what == "graph").map(|(_, nodes)| *nodes);
    let mut often = std::collections::BTreeMap::new();
    graphs.for_each(|nodes| *often.entry(nodes).or_insert(0) += 1);
    let (&nodes, &count) = often.iter().max_by_key(|(_, count)| **count).expect("graphs");
    assert_eq!(count, 199, "{often:?}");
    let is_step = |(what, n): &(String, usize)| what == "graph" && *n == nodes;
    let first = log.iter().position(is_step).expect("a step");
    let last = log.iter().rposition(is_step).expect("a step");
    let during = &log[first..=last];
    // What goes up: 16 first rows and 4 numbers for each step, and what the looks at the terms take. The state has 60,000 bytes.
    let bytes = |what: &str| during.iter().filter(|(w, _)| w == what).map(|(_, n)| n).sum::<usize>();
    let downs = during.iter().filter(|(w, n)| w == "down" && *n > 10_000).count();
    assert!(bytes("up") < 199 * 400, "{} bytes up", bytes("up"));
    // Values and two moments every 64 steps, more often where a step takes seconds.
    assert!(downs < 60, "{downs} parts of the state were fetched");
    // The same numbers as on the processor, until rounding errors have grown.
    let on_host = run("cpu", "host", &["--set", "fit.steps=200"]);
    assert_eq!(on_host.len(), on_device.len());
    for (a, b) in on_host.iter().zip(&on_device).take(5) {
        assert!((a - b).abs() <= 1e-4 * a.abs(), "{on_host:?} {on_device:?}");
    }
    assert!(on_device.last() < on_device.first());
    assert_eq!(run("cuda", "again", &[]), on_device);
}

#[test]
fn a_training_that_diverges_says_where_on_a_device_too() {
    let (folder, model) = training();
    // Auxiliaries that jump leave the range of the exponential.
    let wild = TRAINING.replace("?poly(u, w; degree = 2)", "?terms(u, w, u*w, exp(u))").replace("3e-3", "100");
    fs::write(&model, wild).expect("a model");
    let run = |device: &str| {
        let out = folder.path().join(device).display().to_string();
        let (code, _, said) = mechc(&[], &["run", &model, "--device", device, "--out", &out]);
        let line = said.lines().find(|line| line.contains("diverged at step")).and_then(|line| line.split(';').next());
        (code, line.unwrap_or(&said).to_string())
    };
    let (on_host, on_device) = (run("cpu"), run("cuda"));
    assert_eq!(on_host, on_device);
    assert!(on_host.0 == Some(5) && on_host.1.contains("candidate term"), "{on_host:?}");
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

#[test]
fn times_are_measured_on_either() {
    let (_folder, model) = training();
    for (device, at_once) in [("cuda", 64), ("cpu", 1)] {
        let args = ["bench", "step", &model, "--device", device, "--repeat", "2", "--json"];
        let (code, text, said) = mechc(&[], &args);
        assert_eq!(code, Some(0), "{said}");
        let found: serde_json::Value = serde_json::from_str(&text).expect("an object");
        assert_eq!(
            (&found["repeats"], &found["steps_at_once"], &found["batch"]),
            (&2.into(), &at_once.into(), &16.into())
        );
        assert!(found["step_ms"].as_f64() > Some(0.0) && found["loss"].as_f64() > Some(0.0), "{text}");
        assert!(found["device"].as_str().is_some_and(|d| d.starts_with(device)), "{text}");
        for more in [&[][..], &["--constant-matrix"], &["--dtype", "f32"], &["--dtype", "mixed"]] {
            let args =
                ["bench", "solve", "--batch", "5", "--steps", "8", "--repeat", "2", "--json", "--device", device];
            let (code, text, said) = mechc(&[], &[&args[..], more].concat());
            assert_eq!(code, Some(0), "{said}");
            let found: serde_json::Value = serde_json::from_str(&text).expect("an object");
            assert!(found["forward_ms"].as_f64() > Some(0.0), "{text}");
            assert_eq!(found["to_device_ms"].is_number(), device == "cuda", "{text}");
            let dtype = more.iter().skip_while(|m| **m != "--dtype").nth(1).unwrap_or(&"f64");
            assert_eq!(found["dtype"].as_str(), Some(*dtype), "{text}");
            assert!(found["device"].as_str().is_some_and(|d| d.starts_with(device)), "{text}");
        }
    }
    // As many systems with one matrix as an explicit matrix pays for, one fewer, and as many with matrices of their own; few long ones.
    for (batch, steps, matrices, operator, cut) in [
        ("64", "8", &["--constant-matrix"][..], true, false),
        ("63", "8", &["--constant-matrix"], false, false),
        ("64", "8", &[], false, false),
        ("2", "128", &[], false, true),
    ] {
        let args =
            ["bench", "solve", "--batch", batch, "--steps", steps, "--repeat", "2", "--json", "--device", "cuda"];
        let (code, text, said) = mechc(&[], &[&args[..], matrices].concat());
        assert_eq!(code, Some(0), "{said}");
        let found: serde_json::Value = serde_json::from_str(&text).expect("an object");
        assert_eq!(found["forward_operator"].as_bool(), Some(operator), "{text}");
        assert_eq!(found["regime"].as_str().map(|r| r.contains("in 16 segments")), Some(cut), "{text}");
    }
    let args = ["bench", "solve", "--batch", "5", "--steps", "8", "--rows", "hermite", "--device", "cuda"];
    let (code, _, said) = mechc(&[], &args);
    assert!(code == Some(2) && said.contains("N008"), "{said}");
    let (code, _, said) = mechc(&[], &["bench", "step", "examples/lorenz.mech"]);
    assert!(code == Some(2) && said.contains("N004"), "{said}");
}

#[test]
fn steps_with_rounded_factors_are_measured_and_named() {
    let (_folder, model) = training();
    let measured = |more: &[&str]| {
        // The first layer's product, 16 by 40 by 64, is large enough for the library.
        let args = ["bench", "step", &model, "--device", "cuda", "--repeat", "1", "--json"];
        let (code, text, said) = mechc(&[], &[&args[..], more].concat());
        assert_eq!(code, Some(0), "{said}");
        let found: serde_json::Value = serde_json::from_str(&text).expect("an object");
        (found["loss"].as_f64().expect("a loss"), found["device"].as_str().expect("a device").to_string())
    };
    let (exact, plain) = measured(&[]);
    let (rounded, named) = measured(&["--tf32"]);
    assert!(named.contains("TF32") && !plain.contains("TF32"), "{named}, {plain}");
    // Ten bits: other numbers, but not very different ones.
    assert!(rounded != exact && (rounded - exact).abs() < 0.05 * exact.abs(), "{rounded}, {exact}");
}

/// Runs until standard error has a line with `mark`, interrupts, and gives the exit code and standard error.
#[cfg(unix)]
fn interrupt(args: &[&str], mark: &str) -> (Option<i32>, String) {
    let mut command = with_libraries(env!("CARGO_BIN_EXE_mechc"), &[]);
    command.args(args).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("mechc starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("standard error"));
    let mut text = String::new();
    while !text.lines().last().is_some_and(|line| line.contains(mark)) {
        assert!(stderr.read_line(&mut text).expect("text") > 0, "`{mark}` never came: {text}");
    }
    let sent = Command::new("kill").args(["-INT", child.id().to_string().as_str()]).status();
    assert!(sent.expect("kill starts").success());
    stderr.read_to_string(&mut text).expect("text");
    (child.wait().expect("an end").code(), text)
}

#[cfg(unix)]
#[test]
fn an_interrupted_training_on_a_device_ends_as_if_it_had_not_been() {
    let (folder, model) = training();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let [whole, parts] = [path("whole"), path("parts")];
    // Small enough for the stand-in.
    let sizes = ["--set", "fit.batch=2", "--set", "fit.window=8", "--set", "smoother.mlp=[8] relu"];
    let device = [&["--device", "cuda"], &sizes[..]].concat();
    let (code, printed, said) = mechc(&[], &[&["run", &model, "--out", &whole], &device[..]].concat());
    assert_eq!(code, Some(0), "{said}");

    let (code, text) = interrupt(&[&["run", &model, "--out", &parts], &device[..]].concat(), "/200");
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("interrupted") && text.contains("checkpoint"), "{text}");
    // Numbers of the processor have other last digits: it does not go on.
    let (code, _, said) = mechc(&[], &[&["run", &model, "--resume", &parts], &sizes[..]].concat());
    assert!(code == Some(2) && said.contains("cuda"), "{said}");
    let (code, again, said) = mechc(&[], &[&["run", &model, "--resume", &parts], &device[..]].concat());
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(again, printed);
    let losses = |out: &str| {
        let record = fs::read_to_string(Path::new(out).join("record.json")).expect("a record");
        let record: serde_json::Value = serde_json::from_str(&record).expect("an object");
        record["loss"].to_string()
    };
    assert_eq!(losses(&whole), losses(&parts));
}

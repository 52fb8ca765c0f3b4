//! Calls of single programs, and how they fail.

use std::fs;

use mechc::base::TensorData;
use mechc::codegen;
use mechc::driver::conformance::SolveForm;
use mechc::runtime::cuda::{Device, DeviceUse, Products};
use mechc::runtime::{Arg, Executable, RuntimeError, TensorView, TensorViewMut, Threads};

use super::{logged, open, passes, programs};

/// The code of the error that opening and calling gives.
fn code(result: Result<(), RuntimeError>) -> &'static str {
    match result {
        Ok(()) => "none",
        Err(RuntimeError::Device(e)) => {
            assert!(e.help(DeviceUse::Run).contains("--device cpu"), "{e} does not name the processor");
            e.code()
        }
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn calls_compute_what_the_host_would() {
    passes("calls::inside_calls", &[]);
    passes("calls::inside_products", &[]);
    passes("calls::inside_failures", &[]);
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
        passes("calls::inside_fault", &variables);
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
fn a_recording_that_fails_leaves_no_graph_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log").display().to_string();
    passes("calls::inside_recording", &[("FAKE_CUDA", "recording"), ("FAKE_CUDA_LOG", &log)]);
    let log = logged(&log);
    let count = |what: &str| log.iter().filter(|(w, _)| w == what).count();
    assert_eq!((count("recorded"), count("destroyed")), (1, 1), "{log:?}");
}

#[test]
#[ignore = "run by another test, which makes the stand-ins fail"]
fn inside_recording() {
    let mut executable = open(programs::scaled(), Products::Library).expect("an executable");
    let mut call = || {
        let (mut y, mut total, shape) = ([0.0; 64], [0.0], [64]);
        let args = [TensorView::f64(&shape, &[1.0; 64]), TensorView::f64(&[], &[1.0])];
        executable.call(&args, &mut [TensorViewMut::f64(&shape, &mut y), TensorViewMut::f64(&[], &mut total)])
    };
    assert_eq!(call(), Ok(()));
    assert_eq!(code(call()), "N038");
}

#[test]
fn devices_are_counted_from_zero() {
    passes("calls::inside_index", &[]);
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
    passes("calls::inside_failures", &variables);
    assert_eq!(compiled(), 1);
    passes("calls::inside_failures", &variables);
    assert_eq!(compiled(), 1);
    // A torn entry is made again.
    let entry = fs::read_dir(folder.path().join("cache/cubin"))
        .expect("the cache")
        .next()
        .expect("an entry")
        .expect("an entry");
    let bytes = fs::read(entry.path()).expect("the entry");
    fs::write(entry.path(), &bytes[..bytes.len() / 2]).expect("a torn entry");
    passes("calls::inside_failures", &variables);
    assert_eq!(compiled(), 2);
    // Without a place to keep it a program runs all the same.
    let nowhere = [("MECHC_CACHE", "/dev/null/mechc"), ("FAKE_CUDA_COUNT", count.as_str())];
    passes("calls::inside_failures", &nowhere);
    assert_eq!(compiled(), 3);
}

#[test]
fn a_solve_that_fails_is_named_as_on_the_processor() {
    passes("calls::inside_reasons", &[]);
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

//! Sources compiled by the real NVRTC for architectures that need not be there: what it refuses, and what the machine code takes of
//! a device. Skipped where NVRTC is not on the library path, unless `MECHC_REQUIRE_NVRTC` is set.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use mechc::artifact::device::DeviceProgram;
use mechc::driver::conformance::{SolveForm, StepAxes, cases};
use mechc::driver::{DeviceFunction, Session, device_code};
use mechc::runtime::cuda::{Cache, CompileOptions, MOVES, architectures, compile, kernel_usage, nvrtc_version};

#[path = "cuda/programs.rs"]
mod programs;

/// The architectures that every program is compiled for, where the compiler knows them.
const WANTED: [u32; 3] = [80, 90, 100];

/// How many programs are compiled at a time where their times are of no interest.
const THREADS: usize = 2;

/// Those of [`WANTED`] that the compiler knows; `None` where there is no compiler and none is required.
fn targets() -> Option<Vec<u32>> {
    match architectures() {
        Ok(known) => {
            let targets: Vec<u32> = WANTED.into_iter().filter(|a| known.contains(a)).collect();
            assert!(!targets.is_empty(), "none of {WANTED:?} among {known:?}");
            Some(targets)
        }
        Err(error) => {
            assert!(std::env::var_os("MECHC_REQUIRE_NVRTC").is_none(), "{error}");
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// Compiles a program for an architecture, twice: the second time from the cache. No kernel may spill registers.
fn judge(program: &DeviceProgram, architecture: u32, cache: &Cache) {
    let options = CompileOptions { architecture, contract: true };
    let name = &program.entry.name;
    let begun = Instant::now();
    let built = compile(name, &program.source, &options, cache).unwrap_or_else(|e| panic!("{e}"));
    let cold = begun.elapsed();
    let begun = Instant::now();
    let kept = compile(name, &program.source, &options, cache).unwrap_or_else(|e| panic!("{e}"));
    let warm = begun.elapsed();
    assert_eq!((built.cached, kept.cached, kept.cubin == built.cubin), (false, true, true), "{name}");
    assert_eq!(&built.cubin[..4], b"\x7fELF");
    let mut report = format!(
        "{name} for sm_{architecture}: {:.0} ms, {:.2} ms from the cache\n",
        cold.as_secs_f64() * 1e3,
        warm.as_secs_f64() * 1e3
    );
    let usage = kernel_usage(&kept.log);
    for kernel in &program.kernels {
        let found =
            usage.iter().find(|u| u.name == kernel.name).unwrap_or_else(|| panic!("no report on {}", kernel.name));
        let _ = writeln!(report, "  {found:?}");
        assert!(found.registers > 0, "{found:?}");
        assert_eq!((found.spill_stores, found.spill_loads), (0, 0), "{found:?} for sm_{architecture}");
    }
    print!("{report}");
}

#[test]
fn programs_of_the_runtime_tests_compile() {
    let Some(targets) = targets() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::at(folder.path());
    for architecture in targets {
        for program in [programs::scaled(), programs::product()] {
            judge(&program, architecture, &cache);
        }
    }
}

#[test]
fn moves_compile() {
    let Some(targets) = targets() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    for architecture in targets {
        let options = CompileOptions { architecture, contract: true };
        let built = compile("moves", MOVES, &options, &Cache::at(folder.path())).unwrap_or_else(|e| panic!("{e}"));
        let usage = kernel_usage(&built.log);
        assert_eq!(usage.len(), 11, "{usage:?}");
        assert!(usage.iter().all(|u| u.registers > 0 && u.spill_stores + u.spill_loads == 0), "{usage:?}");
    }
}

/// One relaxed solve of each regime: a thread, or 32, for a system; matrices of their own, one for all, and explicit ones; time that is cut;
/// a slack; central rows; single precision.
const EVERYWHERE: [&str; 10] = [
    "solve: block 3, own matrices",
    "solve: block 3, one matrix, central rows",
    "solve: block 9, own matrices, central rows",
    "solve: block 9, one matrix",
    "solve: block 3, one matrix, time in segments",
    "solve: block 12, own matrices, time in segments",
    "solve: block 3, solution matrix",
    "solve: block 3, own matrices, a slack",
    "solve: block 6, own matrices, f32",
    "solve: block 9, own matrices, mixed",
];

#[test]
fn relaxed_solves_of_each_precision_compile() {
    let Some(targets) = targets() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::at(folder.path());
    let Ok(mut cases) = cases("") else { panic!("the cases are made") };
    // Functions of examples are compiled by another test.
    cases.retain(|case| ["solve: ", "published: "].iter().any(|of| case.name.starts_with(of)));
    let slacks = cases.iter().filter(|case| case.name.contains("a slack")).count();
    assert!(cases.len() >= 60 && slacks >= 9, "{} cases, {slacks} with a slack", cases.len());
    let mut add = |name: &str, form: SolveForm, steps: usize| {
        let Ok(case) = form.case(name, 3, steps) else { panic!("{form:?} is well-formed") };
        cases.push(case);
    };
    // Coefficients that systems with steps of their own share.
    for steps in [StepAxes::Sample, StepAxes::Interval(6), StepAxes::States(6)] {
        add("solve: shared coefficients", SolveForm { steps, ..SolveForm::new(2, 3, 1, false, false) }, 7);
    }
    // Systems that are cut in time with steps of each interval; blocks that one thread has, and 32.
    for (states, own) in [(1, true), (4, true), (1, false), (4, false)] {
        for steps in [StepAxes::Interval(199), StepAxes::Shared(199)] {
            add(
                "solve: intervals, time in segments",
                SolveForm { steps, ..SolveForm::new(states, 3, 1, own, false) },
                200,
            );
        }
    }
    // Starts that leave much open.
    for (states, own) in [(1, true), (1, false), (2, true)] {
        add("solve: open start", SolveForm::new(states, 5, 2, own, false), 50);
    }
    // Explicit solution matrices.
    for (states, steps) in [(1, 7), (4, 7), (1, 200), (4, 200)] {
        let form = SolveForm { fixed: true, ..SolveForm::new(states, 3, 1, false, false) };
        add("solve: one matrix that nobody trains", form, steps);
    }
    let everywhere = EVERYWHERE.iter().filter(|name| cases.iter().any(|case| case.name == **name)).count();
    assert_eq!(everywhere, EVERYWHERE.len(), "each of them is a case");
    // Cases of other sizes have the source of others.
    let mut seen = BTreeSet::new();
    let programs: Vec<_> = cases.iter().map(|case| (&case.name, case.device_program())).collect();
    let programs: Vec<_> = programs.into_iter().filter(|(_, program)| seen.insert(program.source.clone())).collect();
    std::thread::scope(|threads| {
        for part in 0..THREADS {
            let (programs, targets, cache) = (&programs, &targets, &cache);
            threads.spawn(move || {
                for (index, (name, program)) in programs.iter().enumerate().skip(part).step_by(THREADS) {
                    println!("{name}");
                    // One of each regime for all. The others in turn: they differ from their neighbours by sizes, precision or rows,
                    // and all for all take minutes.
                    let all = EVERYWHERE.contains(&name.as_str());
                    let own = targets[index / THREADS % targets.len()];
                    let wanted = targets.iter().filter(|architecture| all || **architecture == own);
                    wanted.for_each(|architecture| judge(program, *architecture, cache));
                }
            });
        }
    });
    let count = |part: &str| seen.iter().filter(|source| source.contains(part)).count();
    assert!(count("time in segments") >= 12, "systems that are cut in time are among them");
    assert!(count("//   operator 0: ") >= 2, "explicit matrices are among them");
}

/// Functions of each example.
fn functions_of_examples() -> Vec<(PathBuf, Vec<DeviceFunction>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = std::fs::read_dir(&folder).expect("the examples").map(|e| e.expect("an entry").path());
    let mut paths: Vec<_> = entries.filter(|p| p.extension().is_some_and(|e| e == "mech")).collect();
    paths.sort();
    let functions = |path: PathBuf| {
        let (mut session, name) = Session::open(&path).expect("the example opens");
        let Ok(found) = session.device_functions(&name, &[]) else { panic!("{name} lowers") };
        (path, found)
    };
    paths.into_iter().map(functions).collect()
}

#[test]
fn every_function_of_every_example_compiles() {
    let Some(targets) = targets() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::at(folder.path());
    let functions: Vec<_> = functions_of_examples().into_iter().flat_map(|(_, functions)| functions).collect();
    assert!(functions.len() > 30, "{} functions", functions.len());
    for architecture in targets {
        // Updates of the optimiser are the same for every fit, and so are models that several examples take from the library.
        let mut seen = BTreeSet::new();
        for function in functions.iter().filter(|f| seen.insert(&f.program.source)) {
            judge(&function.program, architecture, &cache);
        }
    }
}

#[test]
fn examples_are_compiled_whole() {
    let Some(targets) = targets() else { return };
    // Those that have fits by gradient: the others take a tenth of a second each.
    let large = functions_of_examples().into_iter().filter(|(_, functions)| functions.len() >= 8);
    for (path, functions) in large {
        let begun = Instant::now();
        let files = device_code(&functions, &targets[..1], &Cache::none()).unwrap_or_else(|e| panic!("{e:?}"));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        println!("{name}: {} functions, {:.0} ms", files.len(), begun.elapsed().as_secs_f64() * 1e3);
        let named: Vec<String> =
            files.iter().map(|f| f.name.replace(&format!(".sm_{}.cubin", targets[0]), "")).collect();
        assert_eq!(named, functions.iter().map(|f| f.name.clone()).collect::<Vec<_>>());
        assert!(files.iter().all(|f| f.bytes.starts_with(b"\x7fELF")), "{name}");
    }
}

#[test]
fn the_compiler_and_its_words_are_reported() {
    if targets().is_none() {
        return;
    }
    let (major, _) = nvrtc_version().expect("a version");
    assert!(major >= 12);
    let options = CompileOptions { architecture: 90, contract: true };
    let error =
        compile("wrong", "__global__ void f() { undeclared(); }", &options, &Cache::none()).expect_err("an error");
    assert_eq!((error.code(), error.to_string().contains("undeclared")), ("N037", true), "{error}");
    let old = CompileOptions { architecture: 35, contract: true };
    let error = compile("old", "", &old, &Cache::none()).expect_err("an error");
    assert_eq!((error.code(), error.to_string().contains("sm_90")), ("N035", true), "{error}");
}

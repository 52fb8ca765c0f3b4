//! Every function of the conformance suite, and of every good program and system of the library, against the reference evaluator, and its
//! derivatives against differences.

use std::path::{Path, PathBuf};

use super::check::bits;
use mechc::artifact::training::names;
use mechc::artifact::{PatternEntry, Step};
use mechc::base::{Tensor, TensorData};
use mechc::codegen;
use mechc::driver::conformance::{CONSTRUCTS, Case, EXAMPLES, of_program, worst};
use mechc::driver::{Compiled, Failure, Session, Target};
use mechc::hir::{Engine, Model, Program};
use mechc::interp;
use mechc::runtime::{Executable, TensorView, Threads};
use mechc::sema;
use mechc::source::MemoryWorld;
use mechc::train::joint::{Dynamics, Points};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn made(cases: Result<Vec<Case>, Failure>, of: &str) -> Vec<Case> {
    match cases {
        Ok(cases) => cases,
        Err(failure) => panic!("{of}: {}", failure.render(&Default::default(), mechc::diagnostics::Format::Short)),
    }
}

/// Samples of a window that the reference evaluator, which solves with dense matrices, is done with in a moment.
const WINDOW: usize = 6;

/// A file, with short windows where nothing else says how long they are.
fn program(mut session: Session, path: &str) -> Program {
    let mut check = |overrides: &[String]| match session.check(path, overrides) {
        Ok(checked) => checked.program,
        Err(failure) => panic!("{path}: {}", failure.render(session.sources(), mechc::diagnostics::Format::Short)),
    };
    let program = check(&[]);
    let free =
        program.fits.values().filter(|f| f.engine == Engine::Gradient && f.horizon.is_none() && f.window > WINDOW);
    let windows: Vec<String> = free.map(|f| format!("{}.window={WINDOW}", f.name)).collect();
    check(&windows)
}

/// The model files of the suite, by their names.
fn suite() -> Vec<(String, Program)> {
    let world =
        || EXAMPLES.iter().chain(CONSTRUCTS).fold(MemoryWorld::new(), |world, (name, text)| world.with(*name, *text));
    let one = |(name, _): &(&str, &str)| (name.to_string(), program(Session::new(world()), name));
    EXAMPLES.iter().chain(CONSTRUCTS).map(one).collect()
}

/// All good programs and the library.
fn programs() -> Vec<(String, Program)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/good");
    let entries = std::fs::read_dir(folder).expect("the good programs").map(|e| e.expect("an entry").path());
    let mut paths: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == "mech")).collect();
    paths.sort();
    let of_paths = paths.iter().map(|path| {
        let (session, name) = Session::open(path).expect("the folder can be read");
        (name.clone(), program(session, &name))
    });
    let library = sema::stdlib()
        .iter()
        .map(|(path, text)| (path.to_string(), program(Session::new(MemoryWorld::new().with(*path, *text)), path)));
    of_paths.chain(library).collect()
}

/// The functions of these programs in double precision: in single precision other orders of adding show, and they are here as well.
fn functions(programs: &[(String, Program)]) -> Vec<Case> {
    let all = programs.iter().flat_map(|(name, program)| made(of_program(program, name), name));
    all.filter(|case| !case.single()).collect()
}

fn run(case: &Case, args: &[Tensor], threads: usize) -> Vec<Tensor> {
    let artifact = codegen::host::compile("test", vec![case.program.clone()]).expect("code can be generated");
    let threads = Threads::new(threads).expect("threads start");
    let mut executable = Executable::new(&artifact, &case.program.entry.name, threads).expect("the entry exists");
    let views: Vec<TensorView<'_>> = args.iter().map(TensorView::from).collect();
    executable.run(&views).unwrap_or_else(|e| panic!("{}: {e}", case.name))
}

/// Every number moved by about one unit of its last place, up or down.
fn moved(args: &[Tensor]) -> Vec<Tensor> {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut one = |x: f64| if rng.random_bool(0.5) { x * (1.0 + f64::EPSILON) } else { x * (1.0 - f64::EPSILON) };
    let mut all = |tensor: &Tensor| {
        let numbers = tensor.to_f64().into_iter().map(&mut one).collect();
        Tensor::from_f64(tensor.shape().to_vec(), numbers).expect("the shape is the same")
    };
    args.iter().map(&mut all).collect()
}

/// What is wrong with a case: results that depend on the number of threads, or are farther from those of the reference evaluator than
/// 1e-12, or than eight times as far as results move where every argument moves by its last place. The reference factors the rows of relaxed
/// solves, the engine their normal equations, whose rounding is ten times that.
fn wrong(case: &Case) -> Vec<String> {
    let (one, many) = (run(case, &case.arguments, 1), run(case, &case.arguments, 3));
    let other = run(case, &moved(&case.arguments), 1);
    let reference = interp::run(&case.module, &case.program.entry.name, &case.arguments);
    let reference = reference.unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let solves = case.program.entry.steps.iter().any(|step| matches!(step, Step::Solve(_)));
    let allowed: f64 = if solves { 1e-11 } else { 1e-12 };
    let mut wrong = Vec::new();
    for (at, port) in case.program.entry.results.iter().enumerate() {
        let (expected, one) = (&reference[at], &one[at]);
        if bits(one) != bits(&many[at]) {
            wrong.push(format!("{}: {} depends on the number of threads", case.name, port.name));
        }
        let (error, moves) = (worst(&expected.to_f64(), &one.to_f64()), worst(&one.to_f64(), &other[at].to_f64()));
        let right = error <= allowed.max(8.0 * moves);
        if !right {
            wrong.push(format!("{}: {} is {error:e} wrong, and moves by {moves:e}", case.name, port.name));
        }
    }
    wrong
}

#[test]
fn every_function_equals_the_reference() {
    let (of_suite, of_programs) = (functions(&suite()), functions(&programs()));
    assert!(of_suite.len() > 250 && of_programs.len() > 600, "{} and {}", of_suite.len(), of_programs.len());
    let wrong: Vec<String> = of_suite.iter().chain(&of_programs).flat_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The most that a derivative may be from differences, relative to its size.
const SLOPE: f64 = 1e-6;

/// A derivative in a direction, and how large it is without cancellation, against differences of fourth order of `value`, `d` apart.
fn differs((slope, size): (f64, f64), d: f64, value: impl Fn(f64) -> f64) -> Option<f64> {
    let difference = (8.0 * (value(d) - value(-d)) - (value(2.0 * d) - value(-2.0 * d))) / (12.0 * d);
    let scale = difference.abs().max(size).max(1e-3 * value(0.0).abs()).max(f64::MIN_POSITIVE);
    let error = (slope - difference).abs() / scale;
    let right = error <= SLOPE;
    (!right).then_some(error)
}

/// Adjoints of a training step that are not the slopes of its loss; those of the array `spoilt` are changed by a hundred-thousandth before.
fn wrong_adjoints(case: &Case, spoilt: Option<&str>) -> Vec<String> {
    let entry = &case.program.entry;
    let artifact = codegen::host::compile("test", vec![case.program.clone()]).expect("code can be generated");
    let executable = Executable::new(&artifact, &entry.name, Threads::new(1).expect("a thread")).expect("the entry");
    let executable = std::cell::RefCell::new(executable);
    let run = |args: &[Tensor]| {
        let views: Vec<TensorView<'_>> = args.iter().map(TensorView::from).collect();
        executable.borrow_mut().run(&views).unwrap_or_else(|e| panic!("{}: {e}", case.name))
    };
    let loss = entry.results.iter().position(|p| p.name == names::LOSS).expect("a loss");
    let results = run(&case.arguments);
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut wrong = Vec::new();
    for (port, adjoint) in entry.results.iter().zip(&results) {
        let Some(array) = port.name.strip_suffix(names::ADJOINT) else { continue };
        let at = entry.params.iter().position(|p| p.name == array).expect("what is differentiated by is given");
        let mut adjoint = adjoint.to_f64();
        if spoilt == Some(array) {
            adjoint.iter_mut().for_each(|x| *x *= 1.0 + 1e-5);
        }
        // Along the gradient itself a wrong factor shows, and elsewhere what it lacks.
        let random = || -> Vec<f64> { adjoint.iter().map(|_| if rng.random_bool(0.5) { 1.0 } else { -1.0 }).collect() };
        for mut direction in [adjoint.clone(), std::iter::once_with(random).flatten().collect()] {
            let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
            direction.iter_mut().for_each(|x| *x /= length);
            let parts: Vec<f64> = adjoint.iter().zip(&direction).map(|(a, d)| a * d).collect();
            let (slope, size) = (parts.iter().sum::<f64>(), parts.iter().map(|x| x * x).sum::<f64>().sqrt());
            let value = |d: f64| {
                let mut args = case.arguments.clone();
                if let TensorData::F64(numbers) = args[at].data_mut() {
                    numbers.iter_mut().zip(&direction).for_each(|(x, e)| *x += d * e);
                }
                run(&args)[loss].to_f64()[0]
            };
            // Short, so that hardly a unit of a network is at its kink.
            if let Some(error) = differs((slope, size), 1e-6, value) {
                wrong.push(format!("{}: the adjoint of {array} is {error:e} wrong", case.name));
            }
        }
    }
    wrong
}

#[test]
fn adjoints_of_every_training_are_the_slopes_of_its_loss() {
    let mut steps = [functions(&suite()), functions(&programs())].concat();
    steps.retain(|case| case.program.entry.name == names::STEP);
    assert!(steps.len() > 50, "{} trainings", steps.len());
    let wrong: Vec<String> = steps.iter().flat_map(|case| wrong_adjoints(case, None)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_adjoint_that_is_slightly_wrong_is_noticed() {
    let encoder = [suite().into_iter().find(|(name, _)| name == "constructs/encoder.mech").expect("the encoder")];
    let steps = functions(&encoder);
    let step = steps.iter().find(|case| case.program.entry.name == names::STEP).expect("a training");
    assert_eq!(wrong_adjoints(step, None), Vec::<String>::new());
    let trained = step.program.entry.results.iter().filter_map(|p| p.name.strip_suffix(names::ADJOINT));
    for array in trained {
        let wrong = wrong_adjoints(step, Some(array));
        assert!(!wrong.is_empty() && wrong.iter().all(|w| w.contains(array)), "{array}: {wrong:?}");
    }
}

/// Derivatives of the right-hand sides of a model, by states and unknowns, that are not those of the sides; and how many were compared.
fn wrong_derivatives(model: &Model) -> (Vec<String>, usize) {
    let target = Target::Host(Threads::single());
    // Equations that are not to be solved for a derivative have no right-hand side.
    let Ok(compiled) = Compiled::linearisation(model, &target) else { return (Vec::new(), 0) };
    let compiled = std::cell::RefCell::new(compiled);
    let pattern = compiled.borrow().pattern().clone();
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut draw = |n: usize| -> Vec<f64> { (0..n).map(|_| rng.random_range(0.2..1.2)).collect() };
    let (n, p) = (pattern.value.len(), model.unknowns.len());
    let (x, xi, t, input) = (draw(n), draw(p), draw(1), draw(model.inputs.len()));
    let mut entries = vec![0.0; pattern.rows];
    let at = Points { x: &x, t: &t, input: &input };
    compiled.borrow_mut().linearise(at, &xi, &mut entries).expect("it is evaluated");
    let read = |entry: &PatternEntry| match *entry {
        PatternEntry::Constant(number) => number,
        PatternEntry::Row(row) => entries[row],
    };
    let field = |x: &[f64], xi: &[f64]| {
        let mut f = vec![0.0; n];
        compiled.borrow_mut().field(Points { x, t: &t, input: &input }, xi, &mut f).expect("it is evaluated");
        f
    };
    let along = |numbers: &[f64], direction: &[f64], d: f64| -> Vec<f64> {
        numbers.iter().zip(direction).map(|(x, e)| x + d * e).collect()
    };
    let (dx, dxi) = (draw(n), draw(p));
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for component in 0..n {
        for (what, by, direction) in
            [("states", &pattern.by_component[component], &dx), ("unknowns", &pattern.by_unknown[component], &dxi)]
        {
            let parts: Vec<f64> = by.iter().map(|(at, entry)| read(entry) * direction[*at]).collect();
            let (slope, size) = (parts.iter().sum::<f64>(), parts.iter().map(|x| x.abs()).sum::<f64>());
            let value = |d: f64| match what {
                "states" => field(&along(&x, direction, d), &xi)[component],
                _ => field(&x, &along(&xi, direction, d))[component],
            };
            // Beyond the domain of a function there is neither value nor slope.
            if [-2e-4, 2e-4].into_iter().all(|d| value(d).is_finite()) {
                compared += usize::from(!by.is_empty());
                let error = if slope.is_finite() { differs((slope, size), 1e-4, value) } else { Some(slope) };
                wrong.extend(error.map(|e| format!("{}: {component} by {what} is {e:e} wrong", model.name)));
            }
        }
    }
    (wrong, compared)
}

#[test]
fn linearisations_of_every_model_are_the_slopes_of_its_right_hand_sides() {
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for (name, program) in suite().iter().chain(&programs()) {
        for model in program.declared_models() {
            let (of_model, count) = wrong_derivatives(model);
            wrong.extend(of_model.into_iter().map(|what| format!("{name}: {what}")));
            compared += count;
        }
    }
    assert!(compared > 1000, "{compared} derivatives");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

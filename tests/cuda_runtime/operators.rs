//! Explicit solution matrices on the stand-ins: made when they must be, applied by the library, and the same numbers as on the host.

use std::sync::Arc;

use mechc::base::{Elem, Tensor, TensorData};
use mechc::codegen;
use mechc::driver::conformance::{Case, SolveForm, StepAxes, worst};
use mechc::runtime::cuda::{Cache, Device, DeviceExecutable, Products};
use mechc::runtime::{
    Executable, Loaded, Move, RuntimeError, Sequence, Store, TensorView, TensorViewMut, Threads, View,
};

use super::{logged, open, passes};

const STEPS: usize = 7;

/// A solve of so many systems with one matrix, which nobody trains, and its adjoint.
fn case(samples: usize) -> Case {
    let form = SolveForm { steps: StepAxes::One, fixed: true, ..SolveForm::new(2, 3, 1, false, false) };
    let Ok(case) = form.case("one matrix", samples, STEPS) else { panic!("a case") };
    case
}

/// What the host gives.
fn expected(case: &Case) -> Vec<Tensor> {
    let views: Vec<TensorView<'_>> = case.arguments.iter().map(TensorView::from).collect();
    let artifact = codegen::host::compile("test", vec![case.program.clone()]).expect("host code");
    let mut host = Executable::new(&artifact, "f", Threads::single()).expect("the entry");
    host.run(&views).expect("the host runs")
}

fn set(case: &mut Case, name: &str, change: impl Fn(&mut Vec<f64>)) {
    let at = case.program.entry.params.iter().position(|p| p.name == name).expect("a parameter");
    let TensorData::F64(numbers) = case.arguments[at].data_mut() else { panic!("double precision") };
    change(numbers);
}

/// A call with tensors of the host.
fn called(device: &mut DeviceExecutable, case: &Case) -> Result<Vec<Tensor>, RuntimeError> {
    let views: Vec<TensorView<'_>> = case.arguments.iter().map(TensorView::from).collect();
    let samples = case.arguments[1].shape()[0];
    let entry = &case.program.entry;
    let size = |a: &usize| entry.axes[*a].size.unwrap_or(if entry.axes[*a].name == "time" { STEPS } else { samples });
    let shapes: Vec<Vec<usize>> = entry.results.iter().map(|r| r.axes.iter().map(size).collect()).collect();
    let mut results: Vec<Tensor> = shapes.iter().map(|s| Tensor::zeros(Elem::F64, s.clone())).collect();
    let mut outs: Vec<TensorViewMut<'_>> =
        results.iter_mut().zip(&shapes).map(|(t, s)| TensorViewMut::of(s, t.data_mut())).collect();
    device.call(&views, &mut outs)?;
    drop(outs);
    Ok(results)
}

fn agree(expected: &[Tensor], found: &[Tensor]) {
    assert_eq!(expected.len(), found.len());
    for (expected, found) in expected.iter().zip(found) {
        let error = worst(&expected.to_f64(), &found.to_f64());
        assert!(error <= 1e-10, "{error:e}");
    }
}

#[test]
fn explicit_solution_matrices_are_kept_from_call_to_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log").display().to_string();
    passes("operators::inside_calls_with_operators", &[("FAKE_CUDA_LOG", &log)]);
    passes("operators::inside_sequences_with_operators", &[]);
    passes("operators::inside_failing_operators", &[]);
    // Calls: 3 of 70 systems, of which the first makes the matrix, then 2 with another step, then 2 of 63 systems. A call that makes it
    // launches units (4), one factor and two solves (of which both ways, whole or cut in time, may be launched) besides the kernels of the small products with initial values, forwards and
    // backwards. What is replayed is the status and four products, or factor, solve, adjoint and gradients.
    let log = logged(&log);
    let parts: Vec<&[(String, usize)]> = log.split(|(what, _)| what == "up").filter(|part| !part.is_empty()).collect();
    let launches = |part: &[(String, usize)]| part.iter().filter(|(what, _)| what == "launch").count();
    let graphs = |part: &[(String, usize)]| part.iter().filter(|(what, _)| what == "graph").map(|(_, n)| *n).collect();
    let done: Vec<(usize, Vec<usize>)> = parts.iter().map(|part| (launches(part), graphs(part))).collect();
    assert_eq!(
        done,
        [(10, vec![]), (0, vec![5]), (0, vec![5]), (10, vec![]), (0, vec![5]), (4, vec![]), (0, vec![5])],
        "{log:?}"
    );
}

#[test]
#[ignore = "run by another test, with the stand-ins on the library path"]
fn inside_calls_with_operators() {
    let mut many = case(70);
    let mut device = open(many.device_program(), Products::Library).expect("an executable");
    let first = expected(&many);
    for _ in 0..2 {
        agree(&first, &called(&mut device, &many).expect("a call"));
    }
    // Other right-hand sides need no other matrix.
    set(&mut many, "rhs", |rhs| rhs.iter_mut().for_each(|x| *x = 0.3 - *x));
    agree(&expected(&many), &called(&mut device, &many).expect("a call"));
    // Another step does.
    set(&mut many, "h", |h| h[0] *= 1.5);
    let other = expected(&many);
    assert!(worst(&first[0].to_f64(), &other[0].to_f64()) > 1e-3);
    for _ in 0..2 {
        agree(&other, &called(&mut device, &many).expect("a call"));
    }
    // Few systems are solved by substitution.
    let few = case(63);
    for _ in 0..2 {
        agree(&expected(&few), &called(&mut device, &few).expect("a call"));
    }
}

#[test]
#[ignore = "run by another test, with the stand-ins on the library path"]
fn inside_sequences_with_operators() {
    let mut case = case(70);
    let device = Device::open(0).expect("the stand-in");
    let programs = vec![Arc::new(case.device_program())];
    let cache = Arc::new(Cache::of_user());
    let place = Loaded::Device { device, programs, products: Products::Library, cache };
    let mut store = Store::beside(&place).expect("a store");
    let mut add = |tensor: &Tensor| {
        let view = store.add(tensor.data().clone()).expect("an array");
        view.part(0, tensor.shape()).expect("a part")
    };
    let params: Vec<View> = case.arguments.iter().map(&mut add).collect();
    let results: Vec<View> = expected(&case).iter().map(&mut add).collect();
    let step = case.program.entry.params.iter().position(|p| p.name == "h").expect("a step");
    // The other one writes the step, from which its matrix would be made, itself.
    let (mut sequence, mut writing) = (Sequence::default(), Sequence::default());
    let open = || place.open("f").expect("an entry");
    sequence.call(open(), params.clone(), results.clone()).expect("a call");
    let spare = store.add(TensorData::F64(vec![0.2])).expect("an array");
    let (value, bounds) = (params[step].clone(), spare.part(0, &[]).expect("a part"));
    writing.moves(Move::Bound { value, lower: bounds.clone(), upper: bounds }).expect("a move");
    writing.call(open(), params.clone(), results.clone()).expect("a call");
    let check = |store: &Store, case: &Case| {
        for (expected, view) in expected(case).iter().zip(&results) {
            let error = worst(&expected.to_f64(), &store.numbers(view).expect("numbers"));
            assert!(error <= 1e-10, "{error:e}");
        }
    };
    for h in [0.1, 0.15, 0.07] {
        set(&mut case, "h", |step| step[0] = h);
        store.write(&params[step], &TensorData::F64(vec![h])).expect("numbers");
        for _ in 0..3 {
            sequence.run(&mut store).expect("a run");
            assert_eq!(sequence.check(), Ok(()));
            check(&store, &case);
        }
    }
    // A step that another sequence has written is as new.
    for _ in 0..2 {
        writing.run(&mut store).expect("a run");
        assert_eq!(writing.check(), Ok(()));
    }
    set(&mut case, "h", |step| step[0] = 0.2);
    check(&store, &case);
    sequence.run(&mut store).expect("a run");
    check(&store, &case);
}

#[test]
#[ignore = "run by another test, with the stand-ins on the library path"]
fn inside_failing_operators() {
    let mut case = case(70);
    let good = expected(&case);
    let mut device = open(case.device_program(), Products::Library).expect("an executable");
    agree(&good, &called(&mut device, &case).expect("a call"));
    // The coefficient of equation 1 at step 3.
    let at = 6 * STEPS + 3 * 6 + 4;
    set(&mut case, "c", |c| c[at] = f64::NAN);
    for _ in 0..2 {
        let error = called(&mut device, &case).expect_err("a number that is not finite").to_string();
        assert!(error.contains("sample 0") && error.contains("state"), "{error}");
    }
}

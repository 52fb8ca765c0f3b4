//! Arrays that stay on a device: moves between them, and calls one after the other.

use std::sync::Arc;

use mechc::artifact::Artifact;
use mechc::base::{Elem, TensorData};
use mechc::runtime::cuda::{Cache, Device, Products};
use mechc::runtime::{Collocated, Formula, Loaded, Move, RuntimeError, Sequence, Store, Threads, View};

use super::{passes, programs};

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
    passes("arrays::inside_moves", &[]);
    passes("arrays::inside_sequences", &[]);
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

//! What callers can get wrong, and updates in place.

use std::sync::Arc;

use super::check::{bits, executable};
use mechc::base::{Elem, Tensor, TensorData};
use mechc::runtime::{
    Arg, Executable, Loaded, Move, RuntimeError, Sequence, Store, TensorView, TensorViewMut, Threads, View,
};
use mechc::{codegen, ir, kernel};

const ADAM: &str = "module T
axis i
func adam(%p: f32[i], %g: f32[i], %m: f32[i], %v: f32[i], %lr: f32[], %eps: f32[]) {
  %b1 = const 0.9 : f32[]
  %c1 = const 0.1 : f32[]
  %b2 = const 0.999 : f32[]
  %c2 = const 0.001 : f32[]
  %b1i = broadcast %b1 : f32[i]
  %c1i = broadcast %c1 : f32[i]
  %b2i = broadcast %b2 : f32[i]
  %c2i = broadcast %c2 : f32[i]
  %lri = broadcast %lr : f32[i]
  %epsi = broadcast %eps : f32[i]
  %m1 = mul %b1i, %m : f32[i]
  %m2 = mul %c1i, %g : f32[i]
  %m_new = add %m1, %m2 : f32[i]
  %gg = mul %g, %g : f32[i]
  %v1 = mul %b2i, %v : f32[i]
  %v2 = mul %c2i, %gg : f32[i]
  %v_new = add %v1, %v2 : f32[i]
  %root = sqrt %v_new : f32[i]
  %den = add %root, %epsi : f32[i]
  %step = div %m_new, %den : f32[i]
  %move = mul %lri, %step : f32[i]
  %p_new = sub %p, %move : f32[i]
  return p = %p_new, m = %m_new, v = %v_new
}
";

fn adam() -> Executable {
    executable(&ir::parse(ADAM).expect("the text is well-formed"), "adam", 2)
}

#[test]
fn results_over_their_arguments_are_the_same_numbers() {
    let n = 100_003;
    let numbers = |k: usize| -> Vec<f32> { (0..n).map(|i| ((i * k) % 97) as f32 * 0.01 + 0.1).collect() };
    let (mut p, g, mut m, mut v) = (numbers(3), numbers(5), numbers(7), numbers(11));
    let (shape, lr, eps) = ([n], [0.01_f32], [1e-8_f32]);
    let mut exe = adam();
    let expected = exe
        .run(&[
            TensorView::f32(&shape, &p),
            TensorView::f32(&shape, &g),
            TensorView::f32(&shape, &m),
            TensorView::f32(&shape, &v),
            TensorView::f32(&[], &lr),
            TensorView::f32(&[], &eps),
        ])
        .expect("it runs");
    assert_eq!(exe.entry().in_place.len(), 12, "each result may lie over each parameter of its type");
    exe.update(
        &mut [
            Arg::Update(TensorViewMut::f32(&shape, &mut p), 0),
            Arg::Read(TensorView::f32(&shape, &g)),
            Arg::Update(TensorViewMut::f32(&shape, &mut m), 1),
            Arg::Update(TensorViewMut::f32(&shape, &mut v), 2),
            Arg::Read(TensorView::f32(&[], &lr)),
            Arg::Read(TensorView::f32(&[], &eps)),
        ],
        &mut [],
    )
    .expect("it runs");
    for (given, expected) in [p, m, v].into_iter().zip(&expected) {
        let given = Tensor::from_f32(vec![n], given).expect("one axis");
        assert_eq!(bits(&given), bits(expected));
    }
}

#[test]
fn a_result_that_reads_its_argument_elsewhere_is_copied_at_the_end() {
    let text = "module T
        axis i = 5
        axis j = 5
        func f(%a: f64[i, j]) {
          %t = transpose %a : f64[j, i]
          %r = reshape %t : f64[i, j]
          %s = add %r, %r : f64[i, j]
          return s = %s
        }";
    let mut exe = executable(&ir::parse(text).expect("the text is well-formed"), "f", 1);
    let mut a: Vec<f64> = (0..25).map(f64::from).collect();
    let expected: Vec<f64> = (0..25).map(|k| 2.0 * a[(k % 5) * 5 + k / 5]).collect();
    exe.update(&mut [Arg::Update(TensorViewMut::f64(&[5, 5], &mut a), 0)], &mut []).expect("it runs");
    assert_eq!(a, expected);
}

#[test]
fn calls_that_do_not_fit_are_errors() {
    let text = "module T
        axis sample
        axis time
        axis row
        axis state = 3
        func f(%a: f64[sample, time], %b: f64[time, state]) {
          %r = reshape %a : f64[row]
          %s = sum %r, over = [row] : f64[]
          %c = contract %a, %b, over = [time] : f64[sample, state]
          return c = %c, s = %s
        }";
    let module = ir::parse(text).expect("the text is well-formed");
    let data = [1.0; 64];
    let single = [1.0_f32; 64];
    let good_a = TensorView::f64(&[2, 4], &data[..8]);
    let good_b = TensorView::f64(&[4, 3], &data[..12]);
    let run = |args: &[TensorView<'_>]| executable(&module, "f", 1).run(args).map(|_| ()).map_err(|e| e.to_string());
    let error = |args: &[TensorView<'_>]| run(args).expect_err("the call does not fit");
    assert_eq!(run(&[good_a, good_b]), Ok(()));
    assert_eq!(error(&[good_a]), "`f` has 2 arguments, not 1");
    assert_eq!(
        error(&[good_a, TensorView::f64(&[5, 3], &data[..15])]),
        "axis `time` of `b` has size 5, but 4 is needed"
    );
    assert_eq!(
        error(&[good_a, TensorView::f64(&[4, 2], &data[..8])]),
        "axis `state` of `b` has size 2, but 3 is needed"
    );
    assert_eq!(error(&[good_a, TensorView::f64(&[12], &data[..12])]), "`b` has 2 axes, not 1");
    assert_eq!(error(&[TensorView::f32(&[2, 4], &single[..8]), good_b]), "`a` holds f64 numbers, not f32");
    assert_eq!(error(&[TensorView::f64(&[2, 4], &data[..7]), good_b]), "`a` holds 7 numbers, but its shape needs 8");
    let huge = [usize::MAX / 2, 4];
    assert!(error(&[TensorView::f64(&huge, &data[..8]), good_b]).contains("holds 8 numbers"));
    let mut out = [0.0; 6];
    let wrong = executable(&module, "f", 1).call(&[good_a, good_b], &mut [TensorViewMut::f64(&[2, 3], &mut out)]);
    assert_eq!(wrong.map_err(|e| e.to_string()), Err("`f` has 2 results, not 1".to_string()));
}

#[test]
fn a_matrix_that_is_not_positive_definite_is_named() {
    let text = "module T
        axis sample
        axis k = 2
        axis l = 2
        func f(%n: f64[sample, k, l], %r: f64[sample, k], %m: f64[k]) {
          %x = spd_solve %n, %r, %m : f64[sample, k]
          return x = %x
        }";
    let module = ir::parse(text).expect("the text is well-formed");
    let n = [4.0, 0.0, 0.0, 4.0, 1.0, 2.0, 2.0, 1.0, f64::NAN, 0.0, 0.0, 1.0];
    let call = |samples: usize, mask: [f64; 2]| {
        let (matrices, sides) = ([samples, 2, 2], [samples, 2]);
        let args = [
            TensorView::f64(&matrices, &n[..4 * samples]),
            TensorView::f64(&sides, &n[..2 * samples]),
            TensorView::f64(&[2], &mask),
        ];
        executable(&module, "f", 1).run(&args).map(|t| t[0].to_f64())
    };
    assert!(call(1, [1.0, 1.0]).is_ok());
    let at = |sample| Err(RuntimeError::NotPositiveDefinite { entry: "f".to_string(), step: 0, sample });
    assert_eq!(call(2, [1.0, 1.0]), at(1));
    assert_eq!(call(2, [1.0, 0.0]), Ok(vec![1.0, 0.0, 0.0, 0.0]));
    assert_eq!(call(3, [1.0, 0.0]), at(2));
}

/// The update as a program whose arrays are resident.
fn resident() -> Loaded {
    let module = ir::parse(ADAM).expect("the text is well-formed");
    let program = kernel::lower(&module, module.function("adam").expect("a function")).expect("a program");
    let artifact = codegen::host::compile("test", vec![program]).expect("code");
    Loaded::Host { artifact: Arc::new(artifact), threads: Threads::new(1).expect("threads") }
}

/// Views of new arrays of three numbers, and of one number each for the last two.
fn arrays(store: &mut Store) -> Vec<View> {
    let mut add = |shape: &[usize]| store.zeros(Elem::F32, shape).expect("an array");
    (0..4).map(|_| vec![3]).chain([vec![], vec![]]).map(|shape| add(&shape)).collect()
}

/// Sequences read and write memory by address, so that an array of another store, however alike, is never taken for one's own.
#[test]
fn arrays_of_another_store_are_refused() {
    let program = resident();
    let open = || program.open("adam").expect("an entry");
    let mut store = Store::beside(&program).expect("a store");
    let mut other = Store::beside(&program).expect("a store");
    let (own, foreign) = (arrays(&mut store), arrays(&mut other));
    let results = |of: &[View]| vec![of[0].clone(), of[2].clone(), of[3].clone()];

    let mut sequence = Sequence::default();
    let mixed = sequence.call(open(), own.clone(), results(&foreign));
    assert!(matches!(mixed, Err(RuntimeError::Move { .. })), "{mixed:?}");
    sequence.call(open(), own.clone(), results(&own)).expect("a call");
    let number = other.zeros(Elem::F64, &[1]).expect("an array");
    let moved = sequence.moves(Move::Round { from: number, to: foreign[4].clone() });
    assert!(matches!(moved, Err(RuntimeError::Move { .. })), "{moved:?}");
    let ran = sequence.run(&mut other);
    assert!(matches!(ran, Err(RuntimeError::Move { .. })), "{ran:?}");
    assert_eq!(sequence.run(&mut store), Ok(()));

    for refused in [store.read(&foreign[0]).err(), store.write(&foreign[0], &TensorData::F32(vec![1.0])).err()] {
        assert!(matches!(refused, Some(RuntimeError::Move { .. })), "{refused:?}");
    }
    assert!(store.copy(&own[0], &foreign[0]).is_err() && store.copy(&foreign[0], &own[1]).is_err());
}

/// An update that reads two arguments from one array would write what it reads.
#[test]
fn two_arguments_over_one_result_are_refused() {
    let program = resident();
    let mut store = Store::beside(&program).expect("a store");
    let mut params = arrays(&mut store);
    params[1] = params[0].clone();
    let results = vec![params[0].clone(), params[2].clone(), params[3].clone()];
    let open = || program.open("adam").expect("an entry");
    let refused = Sequence::default().call(open(), params, results);
    assert!(matches!(refused, Err(RuntimeError::InPlace { .. })), "{refused:?}");
}

#[test]
fn arrays_that_no_memory_holds_are_an_error() {
    let program = resident();
    let mut store = Store::beside(&program).expect("a store");
    for shape in [vec![usize::MAX / 16], vec![usize::MAX, 2]] {
        let refused = store.zeros(Elem::F64, &shape);
        assert!(matches!(refused, Err(RuntimeError::Memory { .. })), "{refused:?}");
    }
}

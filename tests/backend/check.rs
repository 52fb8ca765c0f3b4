//! The one check: compiled code on one and on three threads against the reference evaluator.

use mechc::base::{Elem, Tensor};
use mechc::ir::{self, Module};
use mechc::runtime::{Executable, TensorView, Threads};
use mechc::{codegen, interp, kernel};
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Largest difference to the reference, relative to the largest number of the result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// The same bits, any NaN being equal to any other.
    Bits,
    /// 1e-12 for double precision, 2e-5 for single.
    Rounding,
}

/// The entry `name` of a verified module, compiled.
pub fn executable(module: &Module, name: &str, threads: usize) -> Executable {
    ir::verify(module).expect("the program is well-formed");
    let function = module.function(name).expect("the function exists");
    let program = kernel::lower(module, function).expect("the program can be lowered");
    let artifact = codegen::host::compile("test", vec![program]).expect("code can be generated");
    let threads = Threads::new(threads).expect("threads start");
    Executable::new(&artifact, name, threads).expect("the entry exists")
}

/// Runs function `f` of `module` on `args` both ways and compares.
pub fn compare(module: &Module, args: &[Tensor], tolerance: Tolerance) -> Vec<Tensor> {
    let name = &module.functions[0].name;
    let expected = interp::run(module, name, args).expect("the reference evaluates");
    let views: Vec<TensorView<'_>> = args.iter().map(TensorView::from).collect();
    let one = executable(module, name, 1).run(&views).expect("one thread runs");
    let mut three = executable(module, name, 3);
    let many = three.run(&views).expect("three threads run");
    let again = three.run(&views).expect("a second call runs");
    for (i, tensor) in one.iter().enumerate() {
        let label = &module.functions[0].results[i].0;
        assert_eq!(bits(tensor), bits(&many[i]), "`{label}` depends on the number of threads");
        assert_eq!(bits(tensor), bits(&again[i]), "`{label}` differs in a second call");
        close(label, tensor, &expected[i], tolerance);
    }
    one
}

/// As [`compare`], for a program as text and random arguments, dynamic axes having the sizes given.
pub fn check(text: &str, sizes: &[(&str, usize)], tolerance: Tolerance) -> Vec<Tensor> {
    let module = ir::parse(text).expect("the text is well-formed");
    let args = random_args(&module, sizes, 1);
    compare(&module, &args, tolerance)
}

/// Arguments for the first function: normal-ish numbers, none of them special.
pub fn random_args(module: &Module, sizes: &[(&str, usize)], seed: u64) -> Vec<Tensor> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let f = &module.functions[0];
    let size = |axis: &ir::AxisId| {
        let axis = &module.axes[*axis];
        let given = sizes.iter().find(|(n, _)| *n == axis.name).map(|s| s.1);
        axis.size.or(given).expect("the size of every dynamic axis is given")
    };
    f.params
        .iter()
        .map(|&p| {
            let ty = f.ty(p);
            let shape: Vec<usize> = ty.axes.iter().map(size).collect();
            let len = shape.iter().product();
            let numbers: Vec<f64> = (0..len).map(|_| rng.random_range(-2.0..2.0)).collect();
            match ty.elem {
                Elem::F64 => Tensor::from_f64(shape, numbers).expect("the shape fits"),
                Elem::F32 => {
                    Tensor::from_f32(shape, numbers.iter().map(|&x| x as f32).collect()).expect("the shape fits")
                }
            }
        })
        .collect()
}

/// The numbers as bits, every NaN as one.
pub fn bits(tensor: &Tensor) -> Vec<u64> {
    tensor.to_f64().iter().map(|x| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }).collect()
}

fn close(label: &str, given: &Tensor, expected: &Tensor, tolerance: Tolerance) {
    assert_eq!(given.shape(), expected.shape(), "shape of `{label}`");
    assert_eq!(given.elem(), expected.elem(), "type of `{label}`");
    if tolerance == Tolerance::Bits {
        let differ = bits(given).iter().zip(bits(expected)).position(|(a, b)| *a != b);
        if let Some(i) = differ {
            panic!("`{label}`[{i}]: {:?}, not {:?}", given.to_f64()[i], expected.to_f64()[i]);
        }
        return;
    }
    let eps = if given.elem() == Elem::F64 { 1e-12 } else { 2e-5 };
    let scale = expected.to_f64().iter().filter(|x| x.is_finite()).fold(1.0_f64, |m, x| m.max(x.abs()));
    for (i, (a, b)) in given.to_f64().iter().zip(expected.to_f64()).enumerate() {
        let same = (a.is_nan() && b.is_nan()) || *a == b || (a - b).abs() <= eps * scale;
        assert!(same, "`{label}`[{i}]: {a:?}, not {b:?}");
    }
}

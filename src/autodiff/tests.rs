//! Gradients of every instruction and of random programs against differences, and gradients that are wrong.

use super::{AutodiffError, gradient, reverse};
use crate::base::{Idx, Tensor};
use crate::interp::{GradientMismatch, check_gradient};
use crate::ir::testing::{ProgramOptions, random_program};
use crate::ir::{BinaryOp, Builder, Module, Op, UnaryOp, parse, print_function, verify};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const TOLERANCE: f64 = 1e-6;

/// Checks the gradient of the result `loss` of the only function by all its parameters but `mask`.
fn check(module: &mut Module, args: &[Tensor]) {
    let name = module.functions[0].name.clone();
    let params: Vec<String> =
        module.functions[0].params.iter().map(|&p| module.functions[0].values[p].name.clone()).collect();
    let wrt: Vec<&str> = params.iter().map(String::as_str).filter(|p| *p != "mask").collect();
    let grad = gradient(module, &name, "loss", &wrt).expect("every instruction has a derivative");
    module.functions.push(grad);
    assert_eq!(verify(module), Ok(()));
    let result = check_gradient(module, &name, &format!("{name}_grad"), "loss", &wrt, args, TOLERANCE);
    if let Err(e) = result {
        panic!("{e}\n{}", crate::ir::print(module));
    }
}

/// Checks `%y = <line>` over parameters x, z: f64[t, k] in (0.1, 0.9), weighted by another parameter before it is summed.
fn check_line(line: &str, axes: &str, seed: u64) {
    let text = format!(
        "module m\naxis t\naxis k = 3\naxis j = 2\naxis flat\n\
         func f(%x: f64[t, k], %z: f64[t, k], %w: f64[{axes}]) {{\n  %y = {line} : f64[{axes}]\n\
         %s = mul %y, %w : f64[{axes}]\n  %loss = sum %s, over = [{axes}] : f64[]\n  return loss = %loss\n}}"
    );
    let mut module = parse(&text).unwrap_or_else(|e| panic!("{e} in {text}"));
    assert_eq!(verify(&module), Ok(()), "{text}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let size = |axis: &str| match axis.trim() {
        "t" => 2,
        "k" => 3,
        "j" => 2,
        "flat" => 6,
        other => panic!("no axis {other}"),
    };
    let mut tensor = |axes: &str| {
        let shape: Vec<usize> = axes.split(',').filter(|a| !a.is_empty()).map(size).collect();
        let data = (0..shape.iter().product()).map(|_| rng.random_range(0.1..0.9)).collect();
        Tensor::from_f64(shape, data).expect("shape and data are made together")
    };
    let args = [tensor("t,k"), tensor("t,k"), tensor(axes)];
    check(&mut module, &args);
}

#[test]
fn elementwise_instructions() {
    for op in UnaryOp::ALL {
        check_line(&format!("{} %x", op.name()), "t, k", 1);
    }
    for op in BinaryOp::ALL {
        check_line(&format!("{} %x, %z", op.name()), "t, k", 2);
        check_line(&format!("{} %x, %x", op.name()), "t, k", 2);
    }
    for n in -3..=4 {
        check_line(&format!("powi %x, {n}"), "t, k", 3);
    }
    for cmp in ["lt", "le", "eq"] {
        check_line(&format!("select_{cmp} %x, %z, %z, %x"), "t, k", 4);
    }
}

#[test]
fn structural_instructions() {
    check_line("broadcast %x", "j, t, k", 1);
    check_line("transpose %x", "k, t", 1);
    check_line("reshape %x", "flat", 1);
    check_line("sum %x, over = [t]", "k", 1);
    check_line("index %x, k = 1", "t", 1);
    check_line("place %x, j = 1", "t, j, k", 1);
    check_line("stack %x, %z, axis = j", "t, j, k", 1);
    check_line("contract %x, %z, over = [k]", "t", 1);
    check_line("contract %x, %z, over = []", "k, t", 1);
    check_line("contract %x, %x, over = [t]", "k", 1);
}

#[test]
fn random_programs() {
    for seed in 0..60 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let options = ProgramOptions { instructions: 20, solves: seed % 4 == 0, single: false, smooth: true };
        let (mut module, args) = random_program(&mut rng, &options);
        check(&mut module, &args);
    }
}

#[test]
fn relaxed_and_symmetric_solves() {
    for seed in 0..8 {
        let mut rng = ChaCha8Rng::seed_from_u64(1000 + seed);
        let options = ProgramOptions { instructions: 0, solves: true, single: false, smooth: true };
        let (mut module, args) = random_program(&mut rng, &options);
        check(&mut module, &args);
    }
}

#[test]
fn a_wrong_gradient_is_found() {
    let text = "module m\naxis t\nfunc f(%x: f64[t]) {\n  %y = sin %x : f64[t]\n  %s = mul %y, %x : f64[t]\n  \
                %loss = sum %s, over = [t] : f64[]\n  return loss = %loss\n}";
    let mut module = parse(text).expect("well-formed");
    let grad = gradient(&mut module, "f", "loss", &["x"]).expect("differentiable");
    let args = [Tensor::from_f64(vec![2], vec![0.3, -0.8]).expect("two numbers")];
    let mut caught = 0;
    for id in grad.insts.ids() {
        // Corrupt one instruction of the adjoint at a time; those of the function itself come first.
        let mut wrong = grad.clone();
        match &mut wrong.insts[id].op {
            op @ Op::Unary(UnaryOp::Cos) => *op = Op::Unary(UnaryOp::Sin),
            op @ Op::Binary(BinaryOp::Mul) if id.index() > 2 => *op = Op::Binary(BinaryOp::Add),
            op @ Op::Binary(BinaryOp::Add) => *op = Op::Binary(BinaryOp::Sub),
            _ => continue,
        }
        let mut module = module.clone();
        module.functions.push(wrong);
        let result = check_gradient(&module, "f", "f_grad", "loss", &["x"], &args, TOLERANCE);
        assert!(matches!(result, Err(GradientMismatch::Differs { .. })), "instruction {id:?} went unnoticed");
        caught += 1;
    }
    assert!(caught >= 4, "only {caught} corruptions were tried");
}

#[test]
fn names_and_program_of_a_gradient() {
    let text = "module m\naxis t\nfunc f(%x: f64[t], %a: f64[], %unused: f64[t]) {\n  %b = broadcast %a : f64[t]\n  \
                %y = mul %b, %x : f64[t]\n  %loss = sum %y, over = [t] : f64[]\n  return loss = %loss\n}";
    let mut module = parse(text).expect("well-formed");
    let grad = gradient(&mut module, "f", "loss", &["a", "unused"]).expect("differentiable");
    insta::assert_snapshot!(print_function(&module, &grad), @r"
    func f_grad(%x: f64[t], %a: f64[], %unused: f64[t]) {
      %b = broadcast %a : f64[t]
      %y = mul %b, %x : f64[t]
      %loss = sum %y, over = [t] : f64[]
      %v6 = const 1.0 : f64[]
      %y_adj = broadcast %v6 : f64[t]
      %b_adj = mul %y_adj, %x : f64[t]
      %a_adj = sum %b_adj, over = [t] : f64[]
      %v10 = const 0.0 : f64[]
      %v11 = broadcast %v10 : f64[t]
      return loss = %loss, a_adj = %a_adj, unused_adj = %v11
    }
    ");
}

#[test]
fn intermediate_values_and_independent_ones() {
    let mut module = Module::new("m");
    let t = module.axis("t", None);
    let mut b = Builder::new(&mut module, "f");
    let x = b.param("x", crate::ir::Type::f64([t]));
    let z = b.param("z", crate::ir::Type::f64([t]));
    let y = b.unary(UnaryOp::Exp, x);
    let s = b.mul(y, y);
    let loss = b.sum(s, &[t]);
    let one = b.f64(1.0);
    let adjoints = reverse(&mut b, &[(loss, one)], &[y, z, loss]).expect("differentiable");
    assert!(adjoints[0].is_some());
    assert_eq!(adjoints[1], None);
    assert_eq!(adjoints[2], Some(one));
    // Nothing before `y` is differentiated: no second exponential, no adjoint of x.
    assert!(b.function().values.values().all(|v| v.name != "x_adj"));
}

#[test]
fn what_cannot_be_differentiated_is_an_error() {
    let text = "module m\naxis k = 2\naxis k2 = 2\nfunc f(%n: f64[k, k2], %x: f64[k]) {\n  \
                %a, %r = spd_solve_adjoint %n, %x, %x, %x : f64[k, k2], f64[k]\n  %loss = sum %r, over = [k] : f64[]\n  \
                return loss = %loss, r = %r\n}";
    let mut module = parse(text).expect("well-formed");
    let mut grad = |name: &str, of: &str, wrt: &str| gradient(&mut module, name, of, &[wrt]).expect_err("no gradient");
    assert_eq!(grad("f", "loss", "n"), AutodiffError::SecondDerivative("spd_solve_adjoint"));
    assert_eq!(grad("g", "loss", "n"), AutodiffError::NoFunction("g".into()));
    assert_eq!(grad("f", "lose", "n"), AutodiffError::NoResult("lose".into()));
    assert_eq!(grad("f", "loss", "m"), AutodiffError::NoParameter("m".into()));
    assert_eq!(grad("f", "r", "n"), AutodiffError::NotScalar("r".into()));
}

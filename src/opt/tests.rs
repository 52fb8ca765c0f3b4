//! Each pass as text in, text out; and optimised random programs against the evaluator.

use super::{
    PASSES, Pass, eliminate_common, eliminate_dead, fold_constants, merge_places, optimize, simplify_algebra,
    simplify_structure,
};
use crate::autodiff::gradient;
use crate::base::{Elem, Tensor};
use crate::interp::run;
use crate::ir::testing::{ProgramOptions, random_program};
use crate::ir::{Module, Op, parse, print_function, verify, verify_function};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The body of a function after `pass`.
fn after(pass: Pass, params: &str, body: &str) -> String {
    let text = format!("module m\naxis t\naxis s\naxis k = 3\naxis j = 2\nfunc f({params}) {{\n{body}\n}}");
    let module = parse(&text).unwrap_or_else(|e| panic!("{e} in {text}"));
    assert_eq!(verify(&module), Ok(()), "{text}");
    let mut function = module.functions[0].clone();
    let before = function.clone();
    let changed = pass(&module, &mut function);
    assert_eq!(changed, function != before, "the pass must say whether it changed anything");
    assert_eq!(verify_function(&module, &function), Ok(()));
    let printed = print_function(&module, &function);
    let body: Vec<&str> = printed.lines().skip(1).map(str::trim).filter(|l| *l != "}").collect();
    body.join("\n")
}

#[test]
fn constants_fold() {
    let body = "%a = const 2.0 : f64[]\n%b = broadcast %a : f64[t]\n%c = powi %b, 3 : f64[t]\n%d = sqrt %a : f64[]\n\
                %e = convert %d : f32[]\n%z = const 0.0 : f64[]\n%w = broadcast %z : f64[t]\n%s = sum %w, over = [t] : f64[]\n\
                %q = select_lt %a, %z, %x, %d : f64[]\nreturn c = %c, e = %e, s = %s, q = %q";
    insta::assert_snapshot!(after(fold_constants, "%x: f64[]", body), @r"
    %a = const 2.0 : f64[]
    %b = broadcast %a : f64[t]
    %v3 = const 8.0 : f64[]
    %c = broadcast %v3 : f64[t]
    %d = const 1.4142135623730951 : f64[]
    %e = const 1.4142135381698608 : f32[]
    %z = const 0.0 : f64[]
    %w = broadcast %z : f64[t]
    %s = const 0.0 : f64[]
    return c = %c, e = %e, s = %s, q = %d
    ");
}

#[test]
fn a_sum_of_constants_is_left() {
    // Its rounding depends on how many there are.
    let body = "%a = const 0.1 : f64[]\n%b = broadcast %a : f64[t]\n%s = sum %b, over = [t] : f64[]\nreturn s = %s";
    insta::assert_snapshot!(after(fold_constants, "%x: f64[t]", body), @r"
    %a = const 0.1 : f64[]
    %b = broadcast %a : f64[t]
    %s = sum %b, over = [t] : f64[]
    return s = %s
    ");
}

#[test]
fn identities_apply() {
    let body = "%one = const 1.0 : f64[]\n%zero = const 0.0 : f64[]\n%four = const 4.0 : f64[]\n%three = const 3.0 : f64[]\n\
                %a = mul %x, %one : f64[]\n%b = add %zero, %a : f64[]\n%n = neg %b : f64[]\n%m = neg %n : f64[]\n\
                %c = add %m, %n : f64[]\n%d = div %c, %four : f64[]\n%e = pow %d, %three : f64[]\n%g = mul %n, %y : f64[]\n\
                %h = sub %e, %g : f64[]\n%i = mul %x, %zero : f64[]\n%l = sub %x, %x : f64[]\n\
                return h = %h, i = %i, l = %l";
    insta::assert_snapshot!(after(simplify_algebra, "%x: f64[], %y: f64[]", body), @r"
    %one = const 1.0 : f64[]
    %zero = const 0.0 : f64[]
    %four = const 4.0 : f64[]
    %three = const 3.0 : f64[]
    %n = neg %x : f64[]
    %c = sub %x, %x : f64[]
    %v8 = const 0.25 : f64[]
    %d = mul %c, %v8 : f64[]
    %e = powi %d, 3 : f64[]
    %v11 = mul %x, %y : f64[]
    %g = neg %v11 : f64[]
    %h = add %e, %v11 : f64[]
    %i = mul %x, %zero : f64[]
    %l = sub %x, %x : f64[]
    return h = %h, i = %i, l = %l
    ");
}

#[test]
fn rearrangements_see_through() {
    let body = "%s = stack %x, %y, axis = j : f64[t, j]\n%a = index %s, j = 1 : f64[t]\n%p = place %x, j = 0 : f64[j, t]\n\
                %b = index %p, j = 0 : f64[t]\n%c = index %p, j = 1 : f64[t]\n%q = broadcast %x : f64[t, k]\n\
                %r = broadcast %q : f64[s, t, k]\n%d = index %r, k = 2 : f64[s, t]\n%u = transpose %z : f64[j, s]\n\
                %e = transpose %u : f64[s, j]\n%i0 = index %z, j = 0 : f64[s]\n%i1 = index %z, j = 1 : f64[s]\n\
                %g = stack %i0, %i1, axis = j : f64[s, j]\n%h = exp %q : f64[t, k]\n\
                return a = %a, b = %b, c = %c, d = %d, e = %e, g = %g, h = %h";
    insta::assert_snapshot!(after(simplify_structure, "%x: f64[t], %y: f64[t], %z: f64[s, j]", body), @r"
    %s = stack %x, %y, axis = j : f64[t, j]
    %p = place %x, j = 0 : f64[j, t]
    %v5 = const 0.0 : f64[]
    %c = broadcast %v5 : f64[t]
    %q = broadcast %x : f64[t, k]
    %r = broadcast %x : f64[s, t, k]
    %d = broadcast %x : f64[s, t]
    %u = transpose %z : f64[j, s]
    %i0 = index %z, j = 0 : f64[s]
    %i1 = index %z, j = 1 : f64[s]
    %v13 = exp %x : f64[t]
    %h = broadcast %v13 : f64[t, k]
    return a = %y, b = %x, c = %c, d = %d, e = %z, g = %z, h = %h
    ");
}

#[test]
fn common_subexpressions_are_computed_once() {
    let body = "%a = mul %x, %y : f64[]\n%b = mul %y, %x : f64[]\n%c = sub %x, %y : f64[]\n%d = sub %y, %x : f64[]\n\
                %e = add %a, %b : f64[]\n%p = const 0.0 : f64[]\n%n = const -0.0 : f64[]\n%q = const 0.0 : f64[]\n\
                return c = %c, d = %d, e = %e, p = %p, n = %n, q = %q";
    insta::assert_snapshot!(after(eliminate_common, "%x: f64[], %y: f64[]", body), @r"
    %a = mul %x, %y : f64[]
    %c = sub %x, %y : f64[]
    %d = sub %y, %x : f64[]
    %e = add %a, %a : f64[]
    %p = const 0.0 : f64[]
    %n = const -0.0 : f64[]
    return c = %c, d = %d, e = %e, p = %p, n = %n, q = %p
    ");
}

#[test]
fn dead_code_goes_but_sizes_stay() {
    let body = "%a = exp %x : f64[t, k]\n%flat = reshape %x : f64[s]\n%dead = neg %flat : f64[s]\n%c = const 1.0 : f64[]\n\
                %ones = broadcast %c : f64[s]\nreturn ones = %ones";
    insta::assert_snapshot!(after(eliminate_dead, "%x: f64[t, k]", body), @r"
    %flat = reshape %x : f64[s]
    %c = const 1.0 : f64[]
    %ones = broadcast %c : f64[s]
    return ones = %ones
    ");
    let body = "%flat = reshape %x : f64[s]\n%dead = neg %flat : f64[s]\nreturn x = %x";
    insta::assert_snapshot!(after(eliminate_dead, "%x: f64[t, k]", body), @"return x = %x");
}

#[test]
fn places_become_a_stack() {
    let body = "%a = place %x, k = 2 : f64[t, k]\n%b = place %y, k = 0 : f64[t, k]\n%c = place %z, k = 2 : f64[t, k]\n\
                %ab = sub %a, %b : f64[t, k]\n%abr = add %ab, %r : f64[t, k]\n%all = add %abr, %c : f64[t, k]\n\
                return all = %all";
    insta::assert_snapshot!(after(merge_places, "%x: f64[t], %y: f64[t], %z: f64[t], %r: f64[t, k]", body), @r"
    %a = place %x, k = 2 : f64[t, k]
    %b = place %y, k = 0 : f64[t, k]
    %c = place %z, k = 2 : f64[t, k]
    %ab = sub %a, %b : f64[t, k]
    %abr = add %ab, %r : f64[t, k]
    %v9 = neg %y : f64[t]
    %v10 = const 0.0 : f64[]
    %v11 = broadcast %v10 : f64[t]
    %v12 = add %x, %z : f64[t]
    %v13 = stack %v9, %v11, %v12, axis = k : f64[t, k]
    %all = add %r, %v13 : f64[t, k]
    return all = %all
    ");
}

#[test]
fn one_place_and_shared_sums_stay() {
    let body =
        "%a = place %x, k = 2 : f64[t, k]\n%b = add %a, %r : f64[t, k]\n%c = add %b, %b : f64[t, k]\nreturn c = %c";
    insta::assert_snapshot!(after(merge_places, "%x: f64[t], %r: f64[t, k]", body), @r"
    %a = place %x, k = 2 : f64[t, k]
    %b = add %a, %r : f64[t, k]
    %c = add %b, %b : f64[t, k]
    return c = %c
    ");
}

#[test]
fn the_pipeline_cleans_a_gradient() {
    let text = "module m\naxis t\naxis k = 3\nfunc f(%x: f64[t, k]) {\n  %a = index %x, k = 0 : f64[t]\n  \
                %b = index %x, k = 1 : f64[t]\n  %c = index %x, k = 2 : f64[t]\n  %ab = mul %a, %b : f64[t]\n  \
                %abc = sub %ab, %c : f64[t]\n  %sq = powi %abc, 2 : f64[t]\n  %loss = sum %sq, over = [t] : f64[]\n  \
                return loss = %loss\n}";
    let mut module = parse(text).expect("well-formed");
    let mut grad = gradient(&mut module, "f", "loss", &["x"]).expect("differentiable");
    optimize(&module, &mut grad);
    insta::assert_snapshot!(print_function(&module, &grad), @r"
    func f_grad(%x: f64[t, k]) {
      %a = index %x, k = 0 : f64[t]
      %b = index %x, k = 1 : f64[t]
      %c = index %x, k = 2 : f64[t]
      %ab = mul %a, %b : f64[t]
      %abc = sub %ab, %c : f64[t]
      %sq = mul %abc, %abc : f64[t]
      %loss = sum %sq, over = [t] : f64[]
      %v8 = const 2.0 : f64[]
      %v9 = broadcast %v8 : f64[t]
      %abc_adj = mul %v9, %abc : f64[t]
      %c_adj = neg %abc_adj : f64[t]
      %a_adj = mul %abc_adj, %b : f64[t]
      %b_adj = mul %abc_adj, %a : f64[t]
      %x_adj = stack %a_adj, %b_adj, %c_adj, axis = k : f64[t, k]
      return loss = %loss, x_adj = %x_adj
    }
    ");
}

/// Whether the numbers of two tensors agree within `tolerance` of the largest; zero asks for equality (of zeros of any sign).
fn close(a: &Tensor, b: &Tensor, tolerance: f64) -> bool {
    let (x, y) = (a.to_f64(), b.to_f64());
    let scale = x.iter().fold(0.0_f64, |s, v| s.max(v.abs()));
    a.shape() == b.shape() && a.elem() == b.elem() && x.iter().zip(&y).all(|(p, q)| (p - q).abs() <= tolerance * scale)
}

#[test]
fn every_pass_keeps_the_values_of_random_programs() {
    for seed in 0..60 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let options = ProgramOptions { instructions: 40, solves: seed % 3 == 0, ..ProgramOptions::default() };
        let (module, args) = random_program(&mut rng, &options);
        let wanted = run(&module, "program", &args).expect("random programs run");
        for (name, pass) in PASSES {
            let mut one = module.clone();
            pass(&module, &mut one.functions[0]);
            assert_eq!(verify(&one), Ok(()), "{name} at seed {seed}");
            let found = run(&one, "program", &args).expect("optimised programs run");
            let has_pow =
                module.functions[0].insts.values().any(|i| matches!(i.op, Op::Binary(crate::ir::BinaryOp::Pow)));
            let exact = !(name == "merge_places" || name == "simplify_algebra" && has_pow);
            let single = wanted.iter().any(|t| t.elem() == Elem::F32) || options.single;
            let tolerance = if exact {
                0.0
            } else if single {
                1e-4
            } else {
                1e-13
            };
            for (a, b) in wanted.iter().zip(&found) {
                assert!(close(a, b, tolerance), "{name} at seed {seed}: {a:?} became {b:?}");
            }
        }
    }
}

#[test]
fn optimised_gradients_of_random_programs_keep_their_values() {
    for seed in 0..40 {
        let mut rng = ChaCha8Rng::seed_from_u64(500 + seed);
        let options = ProgramOptions { instructions: 30, solves: seed % 3 == 0, single: false, smooth: true };
        let (mut module, args) = random_program(&mut rng, &options);
        let grad = gradient(&mut module, "program", "loss", &["p0", "p3", "p4", "p5", "p6"]).expect("differentiable");
        module.functions.push(grad);
        let wanted = run(&module, "program_grad", &args).expect("gradients run");
        let mut small: Module = module.clone();
        optimize(&module, &mut small.functions[1]);
        assert_eq!(verify(&small), Ok(()));
        assert!(small.functions[1].insts.len() <= module.functions[1].insts.len());
        let mut again = small.functions[1].clone();
        assert!(!optimize(&module, &mut again), "the pipeline must reach a fixed point");
        let found = run(&small, "program_grad", &args).expect("optimised gradients run");
        for (a, b) in wanted.iter().zip(&found) {
            assert!(close(a, b, 1e-12), "seed {seed}: {a:?} became {b:?}");
        }
    }
}

//! Round trips and errors of the text form.

use super::{parse, print};
use crate::base::Elem;
use crate::ir::testing::{ProgramOptions, random_program};
use crate::ir::{BinaryOp, Builder, Module, Op, Type, UnaryOp, verify};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const EVERY_OP: &str = r#"module Everything
axis time
axis "odd name" = 2
axis k = 3
axis k2 = 3
axis flat
axis state = 1
axis order = 3
axis equation = 1
axis start = 1
axis given = 2

func all(%a: f64[time, k], %b: f64[time, k], %c: f64[equation, time, state, order], %rhs: f64[equation, time], %iv: f64[start, state, given], %h: f64[], %n: f64[k, k2], %r: f64[k], %s: f32[time]) {
  %tiny = const 5e-324 : f64[]
  %v10 = const -0.0 : f64[]
  %v11 = const inf : f64[]
  %v12 = const -inf : f64[]
  %v13 = const 0.1 : f32[]
  %v14 = tanh %a : f64[time, k]
  %v15 = pow %a, %v14 : f64[time, k]
  %v16 = powi %v15, -3 : f64[time, k]
  %v17 = select_le %a, %b, %v15, %v16 : f64[time, k]
  %v18 = convert %s : f64[time]
  %y.19 = broadcast %v18 : f64[time, k]
  %y.20 = transpose %y.19 : f64[k, time]
  %"d/dt x" = reshape %y.20 : f64[flat]
  %v22 = sum %a, over = [time, k] : f64[]
  %v23 = index %a, k = 2 : f64[time]
  %v24 = stack %v23, %v18, axis = "odd name" : f64[time, "odd name"]
  %v25 = place %v23, "odd name" = 1 : f64["odd name", time]
  %v26 = contract %a, %b, over = [time] : f64[k]
  %u = solve %c, %rhs, %iv, %h, time = time, state = state, order = order, equation = equation, start = start, given = given, central = true, weights = [1.0, 2.5, 1e-7] : f64[time, state, order]
  %c_adj, %rhs_adj, %iv_adj, %h_adj = solve_adjoint %c, %rhs, %iv, %h, %u, %u, time = time, state = state, order = order, equation = equation, start = start, given = given, central = true, weights = [1.0, 2.5, 1e-7] : f64[equation, time, state, order], f64[equation, time], f64[start, state, given], f64[]
  %x = spd_solve %n, %r, %r : f64[k]
  %v33, %v34 = spd_solve_adjoint %n, %r, %x, %x : f64[k, k2], f64[k]
  return u = %u, "odd result" = %v33
}

func none() {
  return
}
"#;

#[test]
fn every_instruction_prints_and_reads_back() {
    let module = parse(EVERY_OP).expect("the text is well-formed");
    assert_eq!(verify(&module), Ok(()));
    assert_eq!(print(&module), EVERY_OP);
    assert_eq!(parse(&print(&module)), Ok(module));
}

#[test]
fn numbers_read_back_to_the_same_bits() {
    let odd =
        [f64::NAN, f64::from_bits(0x7ff0_0000_0000_0001), -f64::NAN, f64::MIN_POSITIVE / 8.0, 1.0 / 3.0, 1e300, -0.0];
    let mut module = Module::new("m");
    let mut b = Builder::new(&mut module, "f");
    for x in odd {
        b.f64(x);
    }
    assert_eq!(b.finish(), Ok(()));
    let again = parse(&print(&module)).expect("printed text is well-formed");
    let bits = |m: &Module| -> Vec<u64> {
        m.functions[0].insts.values().map(|i| if let Op::Const(x) = i.op { x.to_bits() } else { 0 }).collect()
    };
    assert_eq!(bits(&again), odd.map(f64::to_bits));
    assert_eq!(print(&again), print(&module));
}

#[test]
fn names_that_look_like_numbers_stay_names() {
    let mut module = Module::new("m");
    let mut b = Builder::new(&mut module, "f");
    let x = b.param("v7", Type { elem: Elem::F64, axes: Vec::new() });
    let y = b.neg(x);
    b.name(y, "a \"quoted\"\n\\ name");
    b.result("v0", y);
    assert_eq!(b.finish(), Ok(()));
    assert_eq!(parse(&print(&module)), Ok(module));
}

#[test]
fn random_programs_read_back() {
    for seed in 0..40 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (module, _) = random_program(&mut rng, &ProgramOptions::default());
        assert_eq!(verify(&module), Ok(()));
        assert_eq!(parse(&print(&module)), Ok(module));
    }
}

fn check_error(text: &str, line: usize, what: &str) {
    let error = parse(text).expect_err("the text is wrong");
    assert_eq!((error.line, error.what.as_str()), (line, what), "for {text:?}");
}

#[test]
fn errors_have_a_line_and_a_reason() {
    check_error("", 1, "expected `module`, found the end");
    check_error("module", 1, "expected a name, found the end");
    check_error("module m\naxis t\naxis t", 3, "there is an axis `t` already");
    check_error("module m\naxis t = x", 2, "`x` is no size");
    check_error("module m\naxis t = 99999999999999999999999", 2, "`99999999999999999999999` is no size");
    check_error("module m\nfunc f(%x: f16[]) {", 2, "`f16` is no number type");
    check_error("module m\nfunc f(%x: f64[t]) {", 2, "there is no axis `t`");
    check_error("module m\nfunc f(%x: f64[], %x: f64[]) {", 2, "a value is defined twice");
    check_error("module m\nfunc f() {\n  %y = neg %x : f64[]\n", 3, "there is no value `%x` before this");
    check_error("module m\nfunc f() {\n  %y = frob : f64[]\n", 3, "there is no instruction `frob`");
    check_error("module m\nfunc f() {\n  %y = const : f64[]\n", 3, "a number is missing");
    check_error("module m\nfunc f() {\n  %y = const 1.0.0 : f64[]\n", 3, "a bad number");
    check_error("module m\nfunc f(%x: f64[]) {\n  %y = powi %x, 1.5 : f64[]\n", 3, "a power must be a whole number");
    check_error("module m\nfunc f(%x: f64[]) {\n  %y = neg %x, 3 : f64[]\n", 3, "`neg` has no such attribute");
    check_error("module m\nfunc f(%x: f64[]) {\n  %y = sum %x : f64[]\n", 3, "the attribute `over` is missing");
    check_error("module m\nfunc f(%x: f64[]) {\n  %y = sum %x, over = t : f64[]\n", 3, "`over` must be a list");
    check_error("module m\nfunc f() {\n  return\n", 3, "expected a name, found the end");
    check_error("module m\n\n  ?", 3, "`?` has no meaning here");
    check_error("module \"m\n", 1, "a quoted name without an end");
    check_error("module m\nfunc f() {\n  % = neg %x : f64[]\n", 3, "a value's name must follow `%`");
}

#[test]
fn any_cut_of_a_text_is_an_error_or_a_module() {
    for end in (0..EVERY_OP.len()).filter(|&i| EVERY_OP.is_char_boundary(i)) {
        // Only that it returns is asked: most cuts are errors, those between functions are not.
        let cut = EVERY_OP.get(..end).unwrap_or_default();
        if let Ok(module) = parse(cut) {
            assert_eq!(parse(&print(&module)), Ok(module));
        }
    }
}

#[test]
fn random_programs_have_every_instruction() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (module, _) = random_program(&mut rng, &ProgramOptions::default());
        let text = print(&module);
        let mnemonics = text.lines().filter_map(|l| l.split_once(" = ")?.1.split(' ').next());
        seen.extend(mnemonics.map(str::to_string));
    }
    let all = EVERY_OP.lines().filter_map(|l| l.split_once(" = ")?.1.split(' ').next());
    let all = all.filter(|m| m.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !m.ends_with("_adjoint"));
    let missing: Vec<&str> = all.filter(|m| !seen.contains(*m)).collect();
    assert!(missing.is_empty(), "never made: {missing:?}");
    for op in UnaryOp::ALL {
        assert!(seen.contains(op.name()), "never made: {}", op.name());
    }
    for op in BinaryOp::ALL {
        assert!(seen.contains(op.name()), "never made: {}", op.name());
    }
}

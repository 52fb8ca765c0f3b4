//! Programs by hand, each for one way of lowering.

use super::check::Tolerance::{Bits, Rounding};
use super::check::{check, compare};
use mechc::base::{Elem, Tensor};
use mechc::ir::{BinaryOp, Builder, CmpOp, Module, Type, UnaryOp};

const SIZES: &[(&str, usize)] = &[("sample", 37), ("time", 23), ("row", 37 * 23)];

/// A function over the axes that the programs here share.
fn program(function: &str) -> String {
    let axes = "module T\naxis sample\naxis time\naxis row\naxis state = 3\naxis term = 10\naxis term2 = 10\naxis wide = 70\n\
                axis wide2 = 70\n";
    format!("{axes}\n{function}\n")
}

#[test]
fn chains_share_one_loop() {
    let text = "func f(%a: f64[sample, time], %b: f64[time], %c: f64[]) {
        %b2 = broadcast %b : f64[sample, time]
        %c2 = broadcast %c : f64[sample, time]
        %p = mul %a, %b2 : f64[sample, time]
        %q = sub %p, %c2 : f64[sample, time]
        %e = tanh %q : f64[sample, time]
        %d = div %e, %a : f64[sample, time]
        return d = %d, q = %q, c = %c, b = %b, again = %d
    }";
    check(&program(text), SIZES, Bits);
}

#[test]
fn every_function_has_the_reference_bits_also_for_special_numbers() {
    let special = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -2.5,
        3.0,
        1e300,
        -1e300,
        1e-310,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        0.1,
        7.25,
    ];
    for elem in [Elem::F64, Elem::F32] {
        let mut module = Module::new("m");
        let i = module.axis("i", None);
        let mut b = Builder::new(&mut module, "f");
        let ty = Type { elem, axes: vec![i] };
        let (x, y) = (b.param("x", ty.clone()), b.param("y", ty));
        for op in UnaryOp::ALL {
            let v = b.unary(op, x);
            b.result(op.name(), v);
        }
        for op in BinaryOp::ALL {
            let v = b.binary(op, x, y);
            b.result(op.name(), v);
        }
        for n in [0, 1, 2, 3, 7, -1, -4] {
            let v = b.powi(x, n);
            b.result(format!("powi{n}"), v);
        }
        for cmp in CmpOp::ALL {
            let v = b.select(cmp, x, y, x, y);
            b.result(cmp.name(), v);
        }
        let other = if elem == Elem::F64 { Elem::F32 } else { Elem::F64 };
        let v = b.convert(x, other);
        b.result("convert", v);
        b.finish().expect("the function is well-formed");
        // Every pair, so that vector bodies and their rests both see each special number.
        let n = special.len();
        let xs: Vec<f64> = (0..n * n).map(|k| special[k / n]).collect();
        let ys: Vec<f64> = (0..n * n).map(|k| special[k % n]).collect();
        let tensor = |v: Vec<f64>| match elem {
            Elem::F64 => Tensor::from_f64(vec![n * n], v).expect("one axis"),
            Elem::F32 => Tensor::from_f32(vec![n * n], v.iter().map(|&x| x as f32).collect()).expect("one axis"),
        };
        compare(&module, &[tensor(xs), tensor(ys)], Bits);
    }
}

#[test]
fn views_become_addresses() {
    let text = "func f(%a: f64[sample, time, state]) {
        %t = transpose %a : f64[state, time, sample]
        %x = index %a, state = 0 : f64[sample, time]
        %z = index %a, state = 2 : f64[sample, time]
        %p = mul %x, %z : f64[sample, time]
        %s = stack %z, %p, %x, axis = state : f64[sample, time, state]
        %k = index %s, state = 1 : f64[sample, time]
        %m = mul %s, %a : f64[sample, time, state]
        %r = reshape %m : f64[row, state]
        %l = place %k, state = 1 : f64[state, sample, time]
        %n = add %m, %s : f64[sample, time, state]
        return t = %t, s = %s, k = %k, m = %m, r = %r, l = %l, n = %n
    }";
    check(&program(text), SIZES, Bits);
}

#[test]
fn reshapes_bind_axes_and_read_the_same_memory() {
    let text = "func f(%a: f64[sample, time]) {
        %d = add %a, %a : f64[sample, time]
        %r = reshape %d : f64[row]
        %e = mul %r, %r : f64[row]
        %s = sum %e, over = [row] : f64[]
        return e = %e, s = %s, d = %d
    }";
    check(&program(text), SIZES, Rounding);
}

#[test]
fn sums_over_any_axes() {
    for (over, rest) in [
        ("sample", "time, state"),
        ("time", "sample, state"),
        ("state", "sample, time"),
        ("sample, time", "state"),
        ("sample, state", "time"),
        ("time, state", "sample"),
        ("sample, time, state", ""),
    ] {
        for elem in ["f64", "f32"] {
            let text = format!(
                "func f(%a: {elem}[sample, time, state]) {{
                    %b = mul %a, %a : {elem}[sample, time, state]
                    %s = sum %b, over = [{over}] : {elem}[{rest}]
                    %q = sqrt %s : {elem}[{rest}]
                    return s = %s, q = %q, b = %b
                }}"
            );
            check(&program(&text), SIZES, Rounding);
        }
    }
}

#[test]
fn a_library_of_terms_is_summed_in_registers() {
    let text = "func f(%u: f64[sample, time, state], %xi: f64[state, term]) {
        %x = index %u, state = 0 : f64[sample, time]
        %y = index %u, state = 1 : f64[sample, time]
        %z = index %u, state = 2 : f64[sample, time]
        %one = const 1.0 : f64[]
        %c = broadcast %one : f64[sample, time]
        %xx = mul %x, %x : f64[sample, time]
        %xy = mul %x, %y : f64[sample, time]
        %xz = mul %x, %z : f64[sample, time]
        %yy = mul %y, %y : f64[sample, time]
        %yz = mul %y, %z : f64[sample, time]
        %zz = powi %z, 2 : f64[sample, time]
        %phi = stack %c, %x, %y, %z, %xx, %xy, %xz, %yy, %yz, %zz, axis = term : f64[sample, time, term]
        %f = contract %phi, %xi, over = [term] : f64[sample, time, state]
        %r = sub %f, %u : f64[sample, time, state]
        %rr = mul %r, %r : f64[sample, time, state]
        %loss = sum %rr, over = [sample, time, state] : f64[]
        %g = contract %r, %phi, over = [sample, time] : f64[state, term]
        return loss = %loss, f = %f, g = %g
    }";
    check(&program(text), SIZES, Rounding);
}

#[test]
fn contractions_of_every_kind() {
    for (a, b, over, out) in [
        ("sample, wide", "wide, wide2", "wide", "sample, wide2"),
        ("sample, wide", "wide, wide2", "wide", "wide2, sample"),
        ("wide, sample", "sample, wide2", "sample", "wide, wide2"),
        ("sample, time, wide", "sample, time, wide2", "sample, time", "wide, wide2"),
        ("sample, time, wide", "time, sample, wide2", "sample, time", "wide, wide2"),
        ("sample, time, wide", "sample, time, wide2", "time", "sample, wide, wide2"),
        ("sample, wide", "sample, wide", "wide", "sample"),
        ("sample, wide", "wide", "wide", "sample"),
        ("sample, time", "time, wide", "time", "wide, sample"),
        ("sample, time, state", "wide, time", "time", "sample, wide, state"),
        ("sample, term", "sample, term2", "sample", "term, term2"),
        ("sample", "time", "", "time, sample"),
        ("state", "state", "state", ""),
    ] {
        for elem in ["f64", "f32"] {
            let text = format!(
                "func f(%a: {elem}[{a}], %b: {elem}[{b}]) {{
                    %s = contract %a, %b, over = [{over}] : {elem}[{out}]
                    %q = abs %s : {elem}[{out}]
                    return s = %s, q = %q
                }}"
            );
            check(&program(&text), SIZES, Rounding);
        }
    }
}

#[test]
fn products_take_views() {
    let text = "func f(%a: f64[state, wide, sample], %b: f64[wide], %c: f64[time]) {
        %x = index %a, state = 1 : f64[wide, sample]
        %t = transpose %x : f64[sample, wide]
        %bb = broadcast %b : f64[time, wide]
        %cc = broadcast %c : f64[time, wide]
        %m = mul %bb, %cc : f64[time, wide]
        %s = contract %t, %m, over = [wide] : f64[sample, time]
        %s2 = contract %t, %bb, over = [wide] : f64[sample, time]
        return s = %s, s2 = %s2
    }";
    check(&program(text), SIZES, Rounding);
}

#[test]
fn symmetric_solves_with_masks() {
    let text =
        "func f(%a: f64[sample, term, time], %r: f64[sample, term], %m: f64[term], %g: f64[sample, term], %z: f64[]) {
        %a2 = reshape %a : f64[sample, term2, time]
        %n = contract %a, %a2, over = [time] : f64[sample, term, term2]
        %zb = broadcast %z : f64[term]
        %mask = select_lt %zb, %m, %one1, %zero1 : f64[term]
        %x = spd_solve %n, %r, %mask : f64[sample, term]
        %n_adj, %r_adj = spd_solve_adjoint %n, %mask, %x, %g : f64[sample, term, term2], f64[sample, term]
        return x = %x, n_adj = %n_adj, r_adj = %r_adj
    }";
    let constants = "%one = const 1.0 : f64[]
        %one1 = broadcast %one : f64[term]
        %zero = const 0.0 : f64[]
        %zero1 = broadcast %zero : f64[term]
        %a2 =";
    check(&program(&text.replace("%a2 =", constants)), SIZES, Rounding);
}

#[test]
fn axes_without_elements() {
    let text = "func f(%a: f64[sample, time], %w: f64[time, wide]) {
        %b = mul %a, %a : f64[sample, time]
        %s = sum %b, over = [sample] : f64[time]
        %t = sum %b, over = [sample, time] : f64[]
        %p = contract %a, %w, over = [time] : f64[sample, wide]
        return b = %b, s = %s, t = %t, p = %p
    }";
    for sizes in [[("sample", 0), ("time", 5)], [("sample", 5), ("time", 0)], [("sample", 0), ("time", 0)]] {
        check(&program(text), &sizes, Bits);
    }
}

#[test]
fn mixed_number_types() {
    let text = "func f(%a: f32[sample, time], %b: f64[sample, time]) {
        %w = convert %a : f64[sample, time]
        %p = mul %w, %b : f64[sample, time]
        %n = convert %p : f32[sample, time]
        %e = exp %n : f32[sample, time]
        return p = %p, e = %e
    }";
    check(&program(text), SIZES, Bits);
}

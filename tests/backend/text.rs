//! The text forms of both lowered stages.

use mechc::{codegen, ir, kernel};

const TEXT: &str = "module T
axis sample
axis time = 4
axis state = 2
func f(%u: f64[sample, time, state], %w: f64[state]) {
  %x = index %u, state = 0 : f64[sample, time]
  %y = index %u, state = 1 : f64[sample, time]
  %xy = mul %x, %y : f64[sample, time]
  %e = exp %xy : f64[sample, time]
  %s = stack %e, %x, axis = state : f64[sample, time, state]
  %p = contract %s, %w, over = [state] : f64[sample, time]
  %loss = sum %p, over = [sample, time] : f64[]
  return s = %s, loss = %loss
}
";

fn program() -> kernel::Program {
    let module = ir::parse(TEXT).expect("the text is well-formed");
    kernel::lower(&module, &module.functions[0]).expect("it can be lowered")
}

#[test]
fn a_kernel_as_text() {
    let text = kernel::print(&program());
    assert_eq!(text, kernel::print(&program()));
    insta::assert_snapshot!(format!("{TEXT}\n{text}"));
}

#[test]
fn clif_text_is_the_same_every_time() {
    let text = codegen::host::clif(&program()).expect("there is code");
    assert_eq!(Ok(&text), codegen::host::clif(&program()).as_ref().map_err(|_| ()));
    // The numbers of registers and blocks depend on the host's pointer size, so only what must be there is looked at.
    for part in ["; f.0", "load.f64", "fmul", "call", "store", "return"] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
}

#[test]
fn each_part_of_a_wide_stack_is_computed_once() {
    let parts = 200;
    let mut text = format!("module T\naxis time\naxis state = {parts}\nfunc f(%u: f64[state, time]) {{\n");
    for i in 0..parts {
        let next = (i + 1) % parts;
        text += &format!("  %x{i} = index %u, state = {i} : f64[time]\n");
        text += &format!("  %n{i} = index %u, state = {next} : f64[time]\n");
        text += &format!("  %p{i} = mul %x{i}, %n{i} : f64[time]\n");
    }
    let all: Vec<String> = (0..parts).map(|i| format!("%p{i}")).collect();
    text += &format!("  %s = stack {}, axis = state : f64[state, time]\n  return s = %s\n}}\n", all.join(", "));
    let module = ir::parse(&text).expect("the text is well-formed");
    let program = kernel::lower(&module, &module.functions[0]).expect("it can be lowered");
    let kernel = kernel::print(&program);
    // A loop over the parts would compute all of them for each and select one.
    let of = |what: &str| kernel.matches(what).count();
    assert_eq!((of("mul"), of("select"), program.nests.len()), (parts, 0, 2), "{kernel}");
    crate::check::check(&text, &[("time", 5)], crate::check::Tolerance::Bits);
}

//! One program for each rule that breaks this rule and no other.

use super::{Rule, verify};
use crate::base::{Elem, Idx};
use crate::ir::{Axis, Builder, Inst, Module, Op, Type, ValueData, ValueDef, ValueId, parse};

const AXES: &str = "module m\naxis t\naxis s\naxis k = 3\naxis k2 = 3\naxis two = 2\naxis x = 1\naxis o = 2\naxis e = 1\naxis i = 1\naxis g = 1\naxis g3 = 3\n";

/// The rules that a function with this head and these lines breaks.
fn broken(params: &str, lines: &str) -> Vec<Rule> {
    let text = format!("{AXES}func f({params}) {{\n{lines}\nreturn\n}}\n");
    let module = parse(&text).unwrap_or_else(|e| panic!("{e} in {text}"));
    verify(&module).err().unwrap_or_default().into_iter().map(|e| e.rule).collect()
}

fn check(params: &str, lines: &str, rules: &[Rule]) {
    assert_eq!(broken(params, lines), rules, "for ({params}) {lines}");
}

#[test]
fn elementwise_instructions_keep_the_type() {
    let p = "%a: f64[t], %b: f64[k], %c: f32[t]";
    check(p, "%y = neg %a : f64[t] %z = mul %y, %a : f64[t] %w = powi %z, 2 : f64[t]", &[]);
    check(p, "%y = neg %a : f64[k]", &[Rule::TypesDiffer]);
    check(p, "%y = neg %a : f32[t]", &[Rule::TypesDiffer]);
    check(p, "%y = mul %a, %b : f64[t]", &[Rule::TypesDiffer]);
    check(p, "%y = add %a, %c : f64[t]", &[Rule::TypesDiffer]);
    check(p, "%y = powi %a, 3 : f64[]", &[Rule::TypesDiffer]);
    check(p, "%y = select_lt %a, %a, %a, %b : f64[t]", &[Rule::TypesDiffer]);
    check(p, "%y = mul %a : f64[t]", &[Rule::OperandCount { expected: 2, found: 1 }]);
    check(p, "%y, %z = neg %a : f64[t], f64[t]", &[Rule::ResultCount { expected: 1, found: 2 }]);
}

#[test]
fn constants_and_conversions() {
    check("", "%y = const 1.0 : f32[]", &[]);
    check("", "%y = const 1.0 : f64[t]", &[Rule::ConstNotScalar]);
    check("%a: f32[t]", "%y = convert %a : f64[t]", &[]);
    check("%a: f32[t]", "%y = convert %a : f64[k]", &[Rule::ConvertAxes]);
}

#[test]
fn shapes() {
    let p = "%a: f64[t, k]";
    check(p, "%y = broadcast %a : f64[s, t, two, k]", &[]);
    check(p, "%y = broadcast %a : f64[k, t]", &[Rule::NotSubsequence]);
    check(p, "%y = broadcast %a : f32[t, k]", &[Rule::ElemsDiffer]);
    check(p, "%y = transpose %a : f64[k, t]", &[]);
    check(p, "%y = transpose %a : f64[k]", &[Rule::NotPermutation]);
    check(p, "%y = transpose %a : f64[k, s]", &[Rule::NotPermutation]);
    check(p, "%y = reshape %a : f64[s]", &[]);
    check(p, "%y = reshape %a : f64[k2, t]", &[]);
    check(p, "%y = reshape %a : f64[two, t]", &[Rule::ReshapeSize { from: 3, to: 2 }]);
    check(p, "%y = sum %a, over = [t] : f64[k]", &[]);
    check(p, "%y = sum %a, over = [s] : f64[k]", &[Rule::SummedAxisMissing]);
    check(p, "%y = sum %a, over = [t, t] : f64[k]", &[Rule::ListedTwice]);
    check(p, "%y = sum %a, over = [t] : f64[]", &[Rule::ResultAxes]);
}

#[test]
fn positions() {
    let p = "%a: f64[t, k]";
    check(p, "%y = index %a, k = 2 : f64[t]", &[]);
    check(p, "%y = index %a, k = 3 : f64[t]", &[Rule::OutOfRange { at: 3, size: 3 }]);
    check(p, "%y = index %a, t = 0 : f64[k]", &[Rule::AxisNotFixed]);
    check(p, "%y = index %a, two = 0 : f64[t, k]", &[Rule::AxisMissing]);
    check(p, "%y = index %a, k = 0 : f64[k]", &[Rule::ResultAxes]);
    check(p, "%y = place %a, two = 1 : f64[t, two, k]", &[]);
    check(p, "%y = place %a, two = 2 : f64[t, two, k]", &[Rule::OutOfRange { at: 2, size: 2 }]);
    check(p, "%y = place %a, s = 0 : f64[t, s, k]", &[Rule::AxisNotFixed]);
    check(p, "%y = place %a, two = 1 : f64[t, k]", &[Rule::AxisMissing]);
    check(p, "%y = place %a, two = 1 : f64[k, two, t]", &[Rule::ResultAxes]);
    check(p, "%y = stack %a, %a, axis = two : f64[t, two, k]", &[]);
    check(p, "%y = stack %a, axis = two : f64[t, two, k]", &[Rule::OperandCount { expected: 2, found: 1 }]);
    check(p, "%y = stack %a, axis = s : f64[t, s, k]", &[Rule::AxisNotFixed]);
    check(p, "%y = stack %a, %a, axis = two : f64[t, k]", &[Rule::AxisMissing]);
    check(p, "%y = stack %a, %a, axis = two : f64[k, two, t]", &[Rule::ResultAxes]);
    check("%a: f64[t], %b: f64[k]", "%y = stack %a, %b, axis = two : f64[t, two]", &[Rule::TypesDiffer]);
}

#[test]
fn contractions() {
    let p = "%a: f64[s, t, k], %b: f64[s, k, two], %c: f32[s, k]";
    check(p, "%y = contract %a, %b, over = [k] : f64[two, s, t]", &[]);
    check(p, "%y = contract %a, %b, over = [k, k] : f64[two, s, t]", &[Rule::ListedTwice]);
    check(p, "%y = contract %a, %b, over = [t] : f64[s, k, two]", &[Rule::SummedAxisMissing]);
    check(p, "%y = contract %a, %b, over = [k] : f64[two, s, t, k]", &[Rule::ResultAxes]);
    check(p, "%y = contract %a, %b, over = [k] : f64[two, s, t, e]", &[Rule::ContractExtraAxis]);
    check(p, "%y = contract %a, %b, over = [k] : f64[s, t]", &[Rule::ContractLostAxis]);
    check(p, "%y = contract %a, %c, over = [k] : f64[s, t]", &[Rule::ElemsDiffer]);
}

const SOLVE: &str = "%c: f64[s, e, t, x, o], %rhs: f64[e, t], %iv: f64[i, x, g], %h: f64[]";
const SCHEME: &str =
    "time = t, state = x, order = o, equation = e, start = i, given = g, central = false, weights = [1.0, 1.0, 1.0]";

#[test]
fn relaxed_solves() {
    let line = format!("%u = solve %c, %rhs, %iv, %h, {SCHEME} : f64[s, t, x, o]");
    check(SOLVE, &line, &[]);
    let adjoint = format!(
        "{line}\n%v1000, %v1001, %v1002, %v1003 = solve_adjoint %c, %rhs, %iv, %h, %u, %u, {SCHEME} : f64[s, e, t, x, o], f64[e, t], f64[i, x, g], f64[]"
    );
    check(SOLVE, &adjoint, &[]);
    check(SOLVE, &adjoint.replace("f64[i, x, g], f64[]", "f64[i, x, g], f64[s]"), &[Rule::TypesDiffer]);
    check(SOLVE, &line.replace("1.0, 1.0, 1.0", "1.0, -1.0, 1.0"), &[Rule::SolveWeight]);
    check(SOLVE, &line.replace("1.0, 1.0, 1.0]", "1.0, 1.0, 1.0], slack = inf"), &[Rule::SolveSlack]);
    check(SOLVE, &line.replace("[s, t, x, o]", "[s, x, t, o]"), &[Rule::SolveAxes(3)]);
    check(SOLVE, &line.replace("f64[s, t, x, o]", "f32[s, t, x, o]"), &[Rule::SolveElem]);
    check(SOLVE, &line.replace("[s, t, x, o]", "[s, k, t, x, o]"), &[Rule::SolveBatch]);
    check(SOLVE, &line.replace("[s, t, x, o]", "[t, x, o]"), &[Rule::SolveBatch]);
    // Steps of the samples' own, and steps that differ: those have one less than a known number of steps.
    check(&SOLVE.replace("%h: f64[]", "%h: f64[s]"), &line, &[]);
    check(&SOLVE.replace("%h: f64[]", "%h: f64[s, two]"), &line, &[Rule::SolveStep]);
    let three =
        |text: &str| text.replace("t, x, o", "k, x, o").replace("[e, t]", "[e, k]").replace("time = t", "time = k");
    for (h, rules) in
        [("s, two", &[][..]), ("two", &[]), ("s, k2", &[Rule::SolveStep]), ("k2, two", &[Rule::SolveBatch])]
    {
        check(&three(&SOLVE.replace("%h: f64[]", &format!("%h: f64[{h}]"))), &three(&line), rules);
    }
    check(&SOLVE.replace("%rhs: f64[e, t]", "%rhs: f64[t, e]"), &line, &[Rule::SolveAxes(1)]);
    let given = |text: &str| text.replace("given = g,", "given = g3,");
    check(&SOLVE.replace("x, g]", "x, g3]"), &given(&line), &[Rule::SolveGiven { given: 3, kept: 2 }]);
    let dynamic = |text: &str| text.replace("given = g,", "given = k3,").replace("k3", "d");
    let text = format!("{AXES}axis d\nfunc f({}) {{\n{}\nreturn\n}}", SOLVE.replace("x, g]", "x, d]"), dynamic(&line));
    let found = verify(&parse(&text).expect("well-formed")).expect_err("an axis without a size");
    assert_eq!(found[0].rule, Rule::SolveAxisNotFixed("given"));
}

#[test]
fn symmetric_solves() {
    let p = "%n: f64[s, k, k2], %r: f64[s, k], %m: f64[k], %w: f64[s], %q: f64[s, k, two], %f: f32[k]";
    check(p, "%y = spd_solve %n, %r, %m : f64[s, k]", &[]);
    check(p, "%y = spd_solve %n, %r, %r : f64[s, k]", &[]);
    check(p, "%y = spd_solve %q, %r, %r : f64[s, k]", &[Rule::SpdMatrix]);
    check(p, "%y = spd_solve %n, %r, %w : f64[s, k]", &[Rule::SpdMask]);
    check(p, "%y = spd_solve %n, %r, %f : f64[s, k]", &[Rule::ElemsDiffer]);
    check(p, "%y = spd_solve %n, %r, %m : f64[k]", &[Rule::TypesDiffer, Rule::SpdMatrix]);
    check("%n: f64[], %r: f64[]", "%y = spd_solve %n, %r, %r : f64[]", &[Rule::SpdScalar]);
    check(p, "%y, %z = spd_solve_adjoint %n, %m, %r, %r : f64[s, k, k2], f64[s, k]", &[]);
    check(p, "%y, %z = spd_solve_adjoint %n, %m, %r, %r : f64[s, k, k2], f64[k]", &[Rule::TypesDiffer]);
}

/// `f(x) = -x`, to be broken by hand where the text form cannot say what is wrong.
fn negation() -> Module {
    let mut module = Module::new("m");
    let t = module.axis("t", None);
    let mut b = Builder::new(&mut module, "f");
    let x = b.param("x", Type::f64([t]));
    let y = b.neg(x);
    b.result("y", y);
    assert_eq!(b.finish(), Ok(()));
    module
}

fn check_broken(break_it: impl Fn(&mut Module), rule: Rule) {
    let mut module = negation();
    assert_eq!(verify(&module), Ok(()));
    break_it(&mut module);
    let rules: Vec<Rule> = verify(&module).err().unwrap_or_default().into_iter().map(|e| e.rule).collect();
    assert!(rules.contains(&rule), "{rules:?} without {rule:?}");
}

#[test]
fn structure_of_modules_and_functions() {
    let v = ValueId::new;
    check_broken(
        |m| {
            m.axes.push(Axis { name: "t".into(), size: None });
        },
        Rule::AxisNameTaken("t".into()),
    );
    check_broken(|m| m.functions.push(m.functions[0].clone()), Rule::FunctionNameTaken("f".into()));
    check_broken(|m| m.functions[0].results.push(("y".into(), v(0))), Rule::ResultNameTaken("y".into()));
    check_broken(|m| m.functions[0].results[0].1 = v(7), Rule::NoSuchValue(v(7)));
    check_broken(|m| m.functions[0].insts[Idx::new(0)].args[0] = v(7), Rule::NoSuchValue(v(7)));
    check_broken(|m| m.functions[0].insts[Idx::new(0)].args[0] = v(1), Rule::UseBeforeDefinition(v(1)));
    check_broken(|m| m.functions[0].values[v(1)].def = ValueDef::Param(0), Rule::Definition(v(1)));
    check_broken(
        |m| {
            let ty = Type { elem: Elem::F64, axes: Vec::new() };
            m.functions[0].values.push(ValueData { ty, name: String::new(), def: ValueDef::Param(1) });
        },
        Rule::Definition(v(2)),
    );
    check_broken(|m| m.functions[0].values[v(0)].ty.axes.push(Idx::new(9)), Rule::NoSuchAxis(9));
    check_broken(|m| m.functions[0].values[v(0)].ty.axes.push(Idx::new(0)), Rule::RepeatedAxis(v(0)));
    check_broken(
        |m| {
            m.functions[0].insts.push(Inst { op: Op::Sum(vec![Idx::new(9)]), args: vec![v(0)], results: Vec::new() });
        },
        Rule::NoSuchAxis(9),
    );
}

#[test]
fn errors_say_where() {
    let mut module = negation();
    module.functions[0].insts[Idx::new(0)].args.clear();
    let errors = verify(&module).expect_err("an operand is missing");
    assert_eq!(errors[0].to_string(), "in `f`: i0: 0 operands where 1 belong");
}

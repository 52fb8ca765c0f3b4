//! Text to tree.

use super::*;
use crate::diagnostics::{Format, Sink, render};
use crate::source::Sources;

/// The dump of the tree of `text`, after its findings in one line each.
fn tree(text: &str) -> String {
    let mut sources = Sources::default();
    let id = sources.add("a.mech", text);
    let mut sink = Sink::new();
    let file = parse(id, &sources.file(id).text, &mut sink);
    render(&sink.into_sorted(), &sources, Format::Short) + &dump(&file)
}

/// The dump of one expression.
fn expr(text: &str) -> String {
    let all = tree(&format!("model M {{\n_ = {text}\n}}"));
    all.replace("model M\n", "").replace("  equation _ = ", "").trim_end().to_string()
}

#[test]
fn precedence() {
    let cases = [
        "-x^2",
        "2^-1*y",
        "a^b^c",
        "a - b - c",
        "a + b*c^2/d",
        "-a*b",
        "a - -b",
        "(a + b)*c",
        "x'^2",
        "-(x + 1)''",
        "8/3*z",
        "1e-3 + 2.5E+2 + 5%",
    ];
    let shown: Vec<String> = cases.iter().map(|c| format!("{c}  =>  {}", expr(c))).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    -x^2  =>  (neg (^ x 2.0))
    2^-1*y  =>  (* (^ 2.0 (neg 1.0)) y)
    a^b^c  =>  (^ a (^ b c))
    a - b - c  =>  (- (- a b) c)
    a + b*c^2/d  =>  (+ a (/ (* b (^ c 2.0)) d))
    -a*b  =>  (* (neg a) b)
    a - -b  =>  (- a (neg b))
    (a + b)*c  =>  (* (+ a b) c)
    x'^2  =>  (^ (' x) 2.0)
    -(x + 1)''  =>  (neg ('' (+ x 1.0)))
    8/3*z  =>  (* (/ 8.0 3.0) z)
    1e-3 + 2.5E+2 + 5%  =>  (+ (+ 0.001 250.0) (percent 0.05))
    "#);
}

#[test]
fn a_discovery_program() {
    insta::assert_snapshot!(tree(r#"
//! Discover the Lorenz equations from one noisy trajectory.
use std.systems.Lorenz63

/// The unknown system.
model Lorenz {
  state x, y, z
  (x, y, z)' = ?poly(x, y, z; degree = 2)     // one hole per state, own coefficients
}
data run = simulate Lorenz63(rho = 28) { steps 4000; dt 0.01; noise 5%; seed 1 }
fit Lorenz to run { seed 7 }
"#), @r#"
    doc "Discover the Lorenz equations from one noisy trajectory."
    use std.systems.Lorenz63
    doc "The unknown system."
    model Lorenz
      state x y z
      equation (' (tuple x y z)) = (?poly x y z (degree = 2.0))
    data run = simulate Lorenz63 (rho = 28.0)
      steps: 4000.0
      dt: 0.01
      noise: (percent 0.05)
      seed: 1.0
    fit Lorenz to run
      seed: 7.0
    "#);
}

#[test]
fn every_statement_of_a_model() {
    insta::assert_snapshot!(tree("
model Prey { state u, w; param r = 1 in [0, 2]; const g = 9.81; input f; let q = u*w
  u' = r*u - ?poly(u, w; degree = 2, coefficients >= 0)
  w' = ?terms(u, w, u*w, sin(u)) + f
  initial u = 1, w = 0.5 }
model Osc { state u order 2; u'' + c*u' + u = 0; param c = 0.1 fixed; initial u = 0, u' = 1 }
model Rest
{
  state \u{03b1}_1, x2 order 3
  param a, b = -1, c in [-1, 1e2] fixed
  const e = 2.71828, \u{03c0} = 3.14159
  input p, q
  x' = f(
    x,   // the state
    y
  ) + tanh(?linear(x, y)) + ?poly(x; coefficients <= 1)
}
"), @r#"
    model Prey
      state u w
      param (r = 1.0 in 0.0 2.0)
      const (g = 9.81)
      input f
      let (q = (* u w))
      equation (' u) = (- (* r u) (?poly u w (degree = 2.0) (coefficients >= 0.0)))
      equation (' w) = (+ (?terms u w (* u w) (sin u)) f)
      initial (u = 1.0) (w = 0.5)
    model Osc
      state (u order 2.0)
      equation (+ (+ ('' u) (* c (' u))) u) = 0.0
      param (c = 0.1 fixed)
      initial (u = 0.0) (u' = 1.0)
    model Rest
      state α_1 (x2 order 3.0)
      param (a) (b = (neg 1.0)) (c in (neg 1.0) 100.0 fixed)
      const (e = 2.71828) (π = 3.14159)
      input p q
      equation (' x) = (+ (+ (f x y) (tanh (?linear x y))) (?poly x (coefficients <= 1.0)))
    "#);
}

#[test]
fn settings_of_every_shape() {
    insta::assert_snapshot!(tree(r#"
network smoother { input x, y, z over window; mlp [1024, 1024] relu; output v[3] over window }
fit Lorenz to run as enc { window 50; batch 512; auxiliary (x, y, z) = smoother.v; consistency 1
  optimizer adam(lr = 5e-4, decay = cosine); epochs 400; cycles 10; prune below 0.1; holdout 20%
  noise = 5%; shift (1); scale (a + b)*2; offset -3; alone; auxiliary x = smoother.v[1], consistency 1 }
data hares = csv("hares.csv") { time year; u = hare; w = lynx; missing "NA"; path "a\\b \"c\"\t" }
data plain = npz("a.npz")
"#), @r#"
    network smoother
      input: x y z over window
      mlp: (list 1024.0 1024.0) relu
      output: (at v 3.0) over window
    fit Lorenz to run as enc
      window: 50.0
      batch: 512.0
      auxiliary: (tuple x y z) = smoother.v
      consistency: 1.0
      optimizer: (adam (lr = 0.0005) (decay = cosine))
      epochs: 400.0
      cycles: 10.0
      prune: below 0.1
      holdout: (percent 0.2)
      noise: (percent 0.05)
      shift: (tuple 1.0)
      scale: (* (+ a b) 2.0)
      offset: (neg 3.0)
      alone:
      auxiliary: x = (at smoother.v 1.0) consistency 1.0
    data hares = csv "hares.csv"
      time: year
      u: hare
      w: lynx
      missing: "NA"
      path: "a\\b \"c\"\t"
    data plain = npz "a.npz"
    "#);
}

#[test]
fn a_bad_statement_does_not_spoil_the_next() {
    insta::assert_snapshot!(tree("
model A {
  state x,
  x' = 2x
  y' = sin(x
  prameter k = 1
  z' = 3*(k + 1]
  w' =
  v' = v
}
modle B { state x }
model C { state c
model D { state d }
fit A run
"), @r#"
    a.mech:3:10: error[E0101]: a statement ends without a comma
    a.mech:4:8: error[E0107]: `2x` has no operator between the number and the name
    a.mech:5:11: error[E0103]: `(` is not closed
    a.mech:7:16: error[E0104]: `]` does not close `(`
    a.mech:8:7: error[E0101]: expected an expression, found the end of the line
    a.mech:11:1: error[E0111]: `modle` does not start an item
    a.mech:12:9: error[E0103]: this block has no end
    a.mech:14:7: error[E0101]: expected `to`, found `run`
    model A
      equation (' v) = v
    model C
      state c
    model D
      state d
    "#);
}

#[test]
fn line_ends_and_byte_order_marks_mean_nothing() {
    let plain = "//! Doc\nmodel A {\n  state x // c\n  x' = -x\n}\n";
    let want = tree(plain);
    assert_eq!(tree(&plain.replace('\n', "\r\n")), want);
    assert_eq!(tree(&format!("\u{feff}{plain}")), want);
    assert_eq!(tree(plain.trim_end()), want);
    assert!(want.starts_with("doc \"Doc\"\nmodel A\n"), "{want}");
}

#[test]
fn spans_are_places_in_the_file() {
    let text = "//! αβγ\nmodel A { state x; x' = -x + k*(x) }";
    let mut sources = Sources::default();
    let id = sources.add("a.mech", text);
    let mut sink = Sink::new();
    let file = parse(id, text, &mut sink);
    let slice = |span: crate::source::Span| text.get(span.start as usize..span.end as usize).unwrap_or("?");
    let ast::Item::Model(model) = &file.items[0] else { panic!("a model") };
    assert_eq!(slice(model.span), "model A { state x; x' = -x + k*(x) }");
    assert_eq!(slice(model.name.span), "A");
    let ast::ModelItem::Equation(equation) = &model.body[1] else { panic!("an equation") };
    assert_eq!(slice(equation.span), "x' = -x + k*(x)");
    assert_eq!(slice(equation.left.span), "x'");
    assert_eq!(slice(equation.right.span), "-x + k*(x)");
    let ast::ExprKind::Binary { left, right, .. } = &equation.right.kind else { panic!("a sum") };
    assert_eq!((slice(left.span), slice(right.span)), ("-x", "k*(x)"));
}

#[test]
fn setting_values_of_the_command_line() {
    let values = |text: &str| {
        let mut sources = Sources::default();
        let id = sources.add("--set run.noise", text);
        let mut sink = Sink::new();
        let values = parse_setting_value(id, text, &mut sink);
        let findings = render(&sink.into_sorted(), &sources, Format::Short);
        let shown = values.iter().flatten().map(|v| match v {
            ast::SettingValue::Expr(e) => dump_expr(e),
            other => format!("{other:?}").split('(').next().unwrap_or_default().to_string(),
        });
        format!("{text}  =>  {}{}", shown.collect::<Vec<_>>().join(" | "), findings.trim_end())
    };
    let cases =
        ["5%", "0.1", "-3", "adam(lr = 1e-3)", "below 0.1", "[1, 2] relu", "\"a.csv\"", "", "1; 2", "2x", "(", "}"];
    insta::assert_snapshot!(cases.map(values).join("\n"), @r#"
    5%  =>  (percent 0.05)
    0.1  =>  0.1
    -3  =>  (neg 3.0)
    adam(lr = 1e-3)  =>  (adam (lr = 0.001))
    below 0.1  =>  below | 0.1
    [1, 2] relu  =>  List | relu
    "a.csv"  =>  "a.csv"
      =>  --set run.noise:1:1: error[E0101]: expected a value, found the end of the file
    1; 2  =>  --set run.noise:1:1: error[E0101]: a setting has one value
    2x  =>  --set run.noise:1:1: error[E0107]: `2x` has no operator between the number and the name
    (  =>  --set run.noise:1:1: error[E0103]: `(` is not closed
    }  =>  --set run.noise:1:1: error[E0104]: `}` closes nothing
    "#);
}

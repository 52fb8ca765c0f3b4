//! Habits of other languages: what is said has a way out, and the edit that goes with it makes the program right.

use mechc::diagnostics::{Diagnostic, Severity, Sink};
use mechc::sema;
use mechc::source::{MemoryWorld, Sources};
use mechc::syntax;

/// The findings in a program.
fn findings(text: &str) -> Vec<Diagnostic> {
    let (mut sources, mut sink) = (Sources::default(), Sink::new());
    let id = sources.add("a.mech", text);
    let file = syntax::parse(id, text, &mut sink);
    let library = sema::stdlib().iter().fold(MemoryWorld::new(), |w, (path, text)| w.with(*path, *text));
    sema::analyze(&file, &library, &[], &mut sources, &mut sink);
    sink.into_sorted()
}

/// The errors in a program.
fn errors(text: &str) -> Vec<Diagnostic> {
    findings(text).into_iter().filter(|d| d.severity == Severity::Error).collect()
}

/// A model with one state and this statement.
fn with(statement: &str) -> String {
    format!("model M {{\n  state x, y\n  param k = 1\n  {statement}\n  (x, y)' = ?poly(x, y)\n}}\n")
}

/// A model with this line in place of its equation.
fn equation(statement: &str) -> String {
    format!("model M {{\n  state x, y\n  {statement}\n}}\n")
}

/// A fit with these settings of its data.
fn data(settings: &str) -> String {
    format!("model M {{ state x; x' = ?terms(x) }}\ndata d = csv(\"d.csv\") {{ {settings} }}\nfit M to d\n")
}

/// A model with a length and this fit.
fn pendulum(fit: &str) -> String {
    let model = "model M { state x; param length [m]; x' = -x*length/1 [m] }";
    format!("{model}\ndata d = csv(\"d.csv\") {{ time t }}\n{fit}\n")
}

#[test]
fn one_edit_makes_it_right() {
    let cases = [
        (with("total = x + y"), with("let total = x + y")),
        ("model M { state x order=2; x'' = -x }\n".into(), "model M { state x order 2; x'' = -x }\n".into()),
        (equation("(x, y)' = -k*x for k = 3"), equation("(x, y)' = -k*x; param k = 3")),
        (equation("(x, y)' = -k*x where k = -3.5"), equation("(x, y)' = -k*x; param k = -3.5")),
        (with("param a = 1 min 0 max 5"), with("param a = 1 in [0, 5]")),
        (with("param a = 1 max = 5, min = -2"), with("param a = 1 in [-2, 5]")),
        (with("param a = 1, range [0, 5]"), with("param a = 1 in [0, 5]")),
        (with("param a = 1, range = [0, 5]"), with("param a = 1 in [0, 5]")),
        (with("param a, bounds (-1, 5), b"), with("param a in [-1, 5], b")),
        (with("param a [1/s] = 1 limits [0; 5] fixed"), with("param a [1/s] = 1 in [0, 5] fixed")),
        (with("param a = 1 bounds = (0, 5)"), with("param a = 1 in [0, 5]")),
        (with("param a = 1, in [0, 5]"), with("param a = 1 in [0, 5]")),
        (equation("x(t)' = -x; y' = -y"), equation("x' = -x; y' = -y")),
        ("model M { state x; x(t)'' = -x }\n".into(), "model M { state x; x'' = -x }\n".into()),
        (with("param 0 < c < 5"), with("param c in [0, 5]")),
        (with("param 0 <= c <= 5"), with("param c in [0, 5]")),
        (with("param a, -1 < c [1/s] < 5, b"), with("param a, c [1/s] in [-1, 5], b")),
        (equation("x' = -x y' = -y"), equation("x' = -x; y' = -y")),
        (equation("x' = ?poly(x; degree = 1) y' = ?poly(y)"), equation("x' = ?poly(x; degree = 1); y' = ?poly(y)")),
        (equation("param k = 1 (x, y)' = -k*x"), equation("param k = 1; (x, y)' = -k*x")),
        (
            equation("index i = 1..3; state u[i]; x' = -x u[i]' = -u[i]; y' = x"),
            equation("index i = 1..3; state u[i]; x' = -x; u[i]' = -u[i]; y' = x"),
        ),
        (equation("(x, y)' = ?poly(x, y; order = 3)"), equation("(x, y)' = ?poly(x, y; degree = 3)")),
        (equation("(x, y)' = ?fourier(x, y; degree = 3)"), equation("(x, y)' = ?fourier(x, y; harmonics = 3)")),
        (equation("const c = 20; (x, y)' = ?poly(x, y, c)"), equation("const c = 20; (x, y)' = ?poly(x, y)")),
        (equation("const c = 20; (x, y)' = ?poly(2*c, x)"), equation("const c = 20; (x, y)' = ?poly(x)")),
        (equation("const c = 20; (x, y)' = ?terms(1, x, c, y)"), equation("const c = 20; (x, y)' = ?terms(1, x, y)")),
        (data("time t; hold out 20%"), data("time t; holdout 20%")),
        (data("time t; hold-out 20% of time"), data("time t; holdout 20% of time")),
        (with("param a = 1 in [0, inf]"), with("param a = 1 in [0, 1e6]")),
        (with("param a = 1 in [0 5]"), with("param a = 1 in [0, 5]")),
        (with("param a = 1 in [-1; 5]"), with("param a = 1 in [-1, 5]")),
        (with("param a = 1 in [0..5]"), with("param a = 1 in [0, 5]")),
        (with("param a = 1 in [0 to 5]"), with("param a = 1 in [0, 5]")),
        (with("param a 1"), with("param a = 1")),
        (with("param a [1/s] -1 in [-2, 0], b"), with("param a [1/s] = -1 in [-2, 0], b")),
        (with("const c 3"), with("const c = 3")),
        (with("let q 2*x"), with("let q = 2*x")),
        (with("initial x 1"), with("initial x = 1")),
        (equation("(x, y)' = ?polynomial(x, y)"), equation("(x, y)' = ?poly(x, y)")),
        (equation("(x, y)' = ?poly(x; y)"), equation("(x, y)' = ?poly(x, y)")),
        (equation("(x, y)' = ?terms(x; x*y)"), equation("(x, y)' = ?terms(x, x*y)")),
        (with("param a = 1 in [5, 0]"), with("param a = 1 in [0, 5]")),
        (with("param a in [0, 1] = 0.5"), with("param a = 0.5 in [0, 1]")),
        (with("param a in [0, 1] = 0.5 fixed"), with("param a = 0.5 in [0, 1] fixed")),
        (equation("x', y' = ?poly(x, y)"), equation("(x, y)' = ?poly(x, y)")),
        (equation("[x'; y'] = ?poly(x, y)"), equation("(x, y)' = ?poly(x, y)")),
        ("model M { state x; x\" = -x\n}\n".into(), "model M { state x; x'' = -x\n}\n".into()),
        (with("param a = .5"), with("param a = 0.5")),
        ("model M { state x [a.u.]; x' = ?terms(x) }\n".into(), "model M { state x [1]; x' = ?terms(x) }\n".into()),
        (format!("def f(x) = x\n{}", with("")), format!("fn f(x) = x\n{}", with(""))),
        (format!("import std.chaos.Lorenz63\n{}", with("")), format!("use std.chaos.Lorenz63\n{}", with(""))),
        (data("time t").replace(" to d", " d"), data("time t")),
        (data("time t; \"Prey [1/L]\" = x"), data("time t; x = \"Prey [1/L]\"")),
        (data("time t spacing irregular"), data("time t; spacing irregular")),
        (data("time Time (h); x = x"), data("time \"Time (h)\"; x = x")),
        (data("time t; x = Conc (uM)"), data("time t; x = \"Conc (uM)\"")),
        (data("time t").replace('"', "'"), data("time t")),
        (pendulum("fit M(lenght = 1 [m]) to d"), pendulum("fit M(length = 1 [m]) to d")),
        (pendulum("fit First: M to d"), pendulum("fit M to d as First")),
        (pendulum("fit F : M(length = 1 [m]) to d { seed 3 }"), pendulum("fit M(length = 1 [m]) to d as F { seed 3 }")),
        (pendulum("fit M to d { seed: 3 }"), pendulum("fit M to d { seed 3 }")),
        (with("param a = 1 in [5 0]"), with("param a = 1 in [0, 5]")),
        (with("initial x = 2; y = 1"), with("initial x = 2, y = 1")),
        (equation("(x, y)' = ?poly(x, y, 3)"), equation("(x, y)' = ?poly(x, y; degree = 3)")),
        (pendulum("fit M to d { start lenght = 1 [m] }"), pendulum("fit M to d { start length = 1 [m] }")),
    ];
    for (wrong, right) in cases {
        let found = errors(&wrong);
        let [only] = found.as_slice() else { panic!("{wrong}: {found:#?}") };
        assert!(only.help.is_some(), "{wrong}");
        let edited = only.suggestion.as_ref().and_then(|edit| edit.apply(&wrong));
        assert_eq!(edited.as_deref(), Some(right.as_str()), "{}", only.message);
        let after = errors(&right);
        assert!(after.is_empty(), "{right}: {after:#?}");
    }
}

#[test]
fn what_no_edit_can_mend_is_told_in_words() {
    let cases = [
        (format!("import std.systems\n{}", with("")), "E0111", "`use std.systems.Name`"),
        (format!("use std.systems\n{}", with("")), "E0206", "`use std.systems.Lorenz63`; it has Lorenz63, Rossler"),
        (with("param a = 1 min 0"), "E0101", "`in [0, 1e6]`"),
        (equation("const c = 20; (x, y)' = ?poly(c)"), "E0404", "take `c` out of the hole"),
        (equation("(x, y)' = ?poly(x, y; order <= 3)"), "E0402", "options: degree, coefficients"),
        (equation("(x, y)' = poly(x, y, 3)"), "E0204", "`?poly(x, y; degree = 3)`"),
        (with("param a = 0.5 +- 0.1"), "E0108", "a number has no error of its own"),
        (with("param a = 0.5 +-0.1"), "E0108", "a number has no error of its own"),
        (with("param a = 5% +- 1%"), "E0108", "a number has no error of its own"),
        (with("param a = 0.5 ± 0.1"), "E0108", "a number has no error of its own"),
        (with("param a = 0.5 +/- 0.1"), "E0108", "a number has no error of its own"),
        (with("param a = 1 in [2, 2]"), "E0213", "`param a = 2 fixed`"),
        (equation("(x, y)' = temp"), "E0201", "`param temp`, a column of the data: `input temp`"),
        ("model M { state x [OD]; x' = ?terms(x) }\n".into(), "E0801", "`unit OD`, or write a plain number, `[1]`"),
        ("model M { state x [kcal]; x' = ?terms(x) }\n".into(), "E0801", "`unit kcal = 4184 [J]`"),
        (format!("unit m\n{}", with("")), "E0806", "choose another name"),
        (data("time t x = hare"), "E0503", "settings are separated by `;`"),
        (data("time t; x = prey y = predators"), "E0503", "settings are separated by `;`"),
        (with("exp = x"), "E0201", "`exp` is a function: write `exp(...)`"),
        (with("E = x"), "E0201", "the number e is `exp(1)`"),
        // What is no range is proposed nowhere.
        (with("param 5 < c < 0"), "E0101", "`param a = 1 in [0, 2]`"),
        (with("param 0 < c < 1e999"), "E0101", "`param a = 1 in [0, 2]`"),
        (pendulum("fit First: M"), "E0108", "`fit Model to data as First`"),
        (data("time t").replace("d.csv\"", "d.csv\", time = \"t\""), "E0101", "`csv(\"d.csv\") { time t }`"),
    ];
    for (wrong, code, help) in cases {
        let found = errors(&wrong);
        let [only] = found.as_slice() else { panic!("{wrong}: {found:#?}") };
        assert_eq!((only.code, &only.suggestion), (code, &None), "{wrong}");
        assert!(only.help.as_deref().is_some_and(|h| h.contains(help)), "{wrong}: {:?}", only.help);
    }
    // A sign in front of a value is none of this.
    assert!(errors(&with("const b = 0.5 + -0.1\n  let c = x +-y\n  let d = x +- y\n  let e = 2 +-x")).is_empty());
}

/// Unknowns that multiply the same are told where no other equation has one without the other, in the same proportion.
#[test]
fn unknowns_that_look_alike_are_told_with_a_way_out() {
    let model = |params: &str, equations: &str| {
        format!("model M {{\n  state x, y\n  param {params}\n  {equations}\n  y' = -y\n}}\n")
    };
    let kinetics = "model M { state b, k; param e, u, r; b' = -(e + u)*b + r*k; k' = u*b - r*k }\n".to_string();
    for told_apart in [
        kinetics,
        "model M { state x, y; param a, b; x' = (a + b)*x; y' = (a - b)*x }\n".into(),
        "model M { state x, y; hole g = ?poly(x); x' = ?terms(x) - g; y' = g - y }\n".into(),
    ] {
        assert_eq!(findings(&told_apart), [], "{told_apart}");
    }
    let cases = [
        (model("a, b", "x' = a*x - 3*b*x"), "`a` and `b` apart: both multiply `x`", "`param b = 1 fixed`"),
        (
            model("a", "x' = a*x - ?poly(x)"),
            "`a` and the coefficient of `x` apart: both multiply `x`",
            "`?terms(1, x^2)`, or leave `a` out of the equation",
        ),
        (
            "model M { state x, y; param a, b; x' = (a + b)*y; y' = 2*(a + b)*x }\n".into(),
            "`a` and `b` apart: both multiply `y`",
            "keep one of them",
        ),
    ];
    for (text, message, help) in cases {
        let found = findings(&text);
        let [only] = found.as_slice() else { panic!("{text}: {found:#?}") };
        assert!(only.code == "W0704" && only.message.contains(message), "{}", only.message);
        assert!(only.help.as_deref().is_some_and(|h| h.contains(help)), "{:?}", only.help);
    }
    let errors = errors("model M { state x, y; hole g = ?poly(x); x' = ?terms(x) - g; y' = -y }\n");
    assert_eq!(errors.iter().map(|e| e.code).collect::<Vec<_>>(), ["E0405"]);
}

//! Signs, words, units and headers as other languages and tables have them: one error, and the edit that goes with it makes the program right.

use mechc::diagnostics::{Diagnostic, Severity, Sink};
use mechc::sema;
use mechc::source::{MemoryWorld, Sources};
use mechc::syntax;

/// The errors in a program.
fn errors(text: &str) -> Vec<Diagnostic> {
    let (mut sources, mut sink) = (Sources::default(), Sink::new());
    let id = sources.add("a.mech", text);
    let file = syntax::parse(id, text, &mut sink);
    let library = sema::stdlib().iter().fold(MemoryWorld::new(), |w, (path, text)| w.with(*path, *text));
    sema::analyze(&file, &library, &[], &mut sources, &mut sink);
    sink.into_sorted().into_iter().filter(|d| d.severity == Severity::Error).collect()
}

const PLAIN: &str = r#"model Decay {
  state x
  param k = 0.3 in [0, 1]
  x' = -k*x
  initial x = 1
}

data run = csv("x.csv") { time t; holdout 20% }

fit Decay to run
"#;

const UNITS: &str = r#"model Decay {
  time [h]
  state x [g/L]
  param k [1/h] = 0.3 in [0, 1]
  x' = -k*x
  initial x = 1 [g/L]
}

data run = csv("x.csv") { time t [h]; x = biomass [g/L] }

fit Decay to run
"#;

/// A right program with one part written otherwise: what is said has an edit by which the program is right again, the same but for names.
fn mended(right: &str, cases: &[(&str, &str)]) {
    for &(part, wrong) in cases {
        assert!(right.contains(part), "{part}");
        let text = right.replacen(part, wrong, 1);
        let found = errors(&text);
        let [only] = found.as_slice() else { panic!("{text}: {found:#?}") };
        assert!(only.help.is_some(), "{text}");
        let edited = only.suggestion.as_ref().and_then(|edit| edit.apply(&text));
        assert_eq!(edited.as_deref(), Some(right), "{wrong}: {}", only.message);
    }
}

/// The same where nothing can be written in its place; what the help says.
fn told(right: &str, cases: &[(&str, &str, &str)]) {
    for &(part, wrong, help) in cases {
        assert!(right.contains(part), "{part}");
        let text = right.replacen(part, wrong, 1);
        let found = errors(&text);
        let [only] = found.as_slice() else { panic!("{text}: {found:#?}") };
        assert!(only.help.as_deref().is_some_and(|h| h.contains(help)), "{wrong}: {:?}", only.help);
    }
}

#[test]
fn programs_that_are_mended_are_right() {
    assert_eq!((errors(PLAIN), errors(UNITS)), (vec![], vec![]));
}

#[test]
fn headers() {
    let source = "data run = csv(\"x.csv\")";
    mended(
        PLAIN,
        &[
            (source, "data run \"x.csv\""),
            (source, "data run = \"x.csv\""),
            (source, "data run = csv \"x.csv\""),
            (source, "data run = x.csv"),
            (source, "data \"run\" = csv(\"x.csv\")"),
            (source, "data run = csv(\"x.csv\""),
            (source, "data run = csv(\"x.csv\","),
            ("model Decay {", "model \"Decay\" {"),
            ("model Decay {", "model Decay = {"),
            ("model Decay {", "Decay {"),
            ("model Decay {", "system Decay {"),
            ("1\n}", "1\nend"),
            ("time t; holdout", "time t, holdout"),
            ("time t; holdout", "time t holdout"),
        ],
    );
    let renamed = |name: &str| PLAIN.replace("Decay", name);
    mended(&renamed("Decay2"), &[("model Decay2", "model 2Decay")]);
    mended(&renamed("my_decay"), &[("model my_decay", "model my-decay"), ("model my_decay", "model my decay")]);
    mended(&PLAIN.replace("run", "d1"), &[("data d1", "data 1d"), ("to d1", "to 1d")]);
    mended(&PLAIN.replace("run", "_1d2"), &[("data _1d2", "data 1d2")]);
    told(
        PLAIN,
        &[
            ("to run", "to \"x.csv\"", "`data run = csv(\"x.csv\") { time t }`"),
            ("to run", "to csv(\"x.csv\")", "`fit Decay to run`"),
            ("fit Decay to run", "fit Decay to run\nprint x", "`mechc run FILE`"),
            ("model Decay", "from std import x\nmodel Decay", "`use std.systems.Lorenz63`"),
            ("model Decay", "x' = 1\nmodel Decay", "`model Name { ... }`"),
            ("model Decay {", "model Decay {{", "by one brace"),
            ("holdout 20%", "holdout 20 percent", "`holdout 20% of trajectories`"),
            ("time t", "time", "`time t`"),
            ("to run", "to run { seed }", "`seed 1`"),
            ("time t", "time t; x [g]", "`x = x [g]`"),
            ("time t", "time t; column biomass as x", "`x = biomass`"),
        ],
    );
}

#[test]
fn units() {
    mended(
        UNITS,
        &[
            ("time [h]", "time (h)"),
            ("time [h]", "time h"),
            ("time [h]", "time t [h]"),
            ("time [h]", "time in h"),
            ("state x [g/L]", "state x g/L"),
            ("state x [g/L]", "state x (g/L)"),
            ("state x [g/L]", "state x in g/L"),
            ("state x [g/L]", "state x [g per L]"),
            ("k [1/h]", "k [per h]"),
            ("k [1/h]", "k [/h]"),
            ("t [h]", "t in h"),
            ("t [h]", "t h"),
            ("biomass [g/L]", "biomass g/L"),
        ],
    );
    let plain = UNITS.replace("[g/L]", "[1]");
    let state = "state x [1]";
    let forms = ["state x [-]", "state x []", "state x [dimensionless]", "state x [unitless]"];
    mended(&plain, &forms.map(|wrong| (state, wrong)));
    mended(&UNITS.replace("k [1/h] = 0.3 ", "k = 0.3 [1/h] "), &[("0.3 [1/h]", "0.3 1/h")]);
    // A column may well be called that.
    told(UNITS, &[("t [h]", "t (h)", "`t [h]`"), ("biomass [g/L]", "biomass (g/L)", "`biomass [g/L]`")]);
}

#[test]
fn ranges_and_numbers() {
    let range = "k = 0.3 in [0, 1]";
    mended(
        PLAIN,
        &[
            (range, "k = 0.3 [0, 1]"),
            (range, "k = 0.3 (0, 1)"),
            (range, "k = 0.3 in {0, 1}"),
            (range, "k = 0.3 between 0 and 1"),
            ("state x\n", "state x >= 0\n"),
            ("state x\n", "state x in [0, 1]\n"),
            ("state x\n", "state x positive\n"),
            ("initial x = 1", "x0 = 1"),
            ("initial x = 1", "x[0] = 1"),
            ("initial x = 1", "x(t = 0) = 1"),
            ("initial x = 1", "initial { x = 1 }"),
            ("initial x = 1", "initial: x = 1"),
        ],
    );
    mended(&PLAIN.replace(range, "k in [0, 1]"), &[("param k in", "k in")]);
    mended(&PLAIN.replace(range, "k = 0.3 fixed"), &[("param k = 0.3 fixed", "fixed param k = 0.3")]);
    let own = PLAIN.replace(range, "k = 0.3 per sample");
    mended(&own, &["per trajectory", "per run", "per experiment"].map(|wrong| ("per sample", wrong)));
    let two = PLAIN.replace(range, "k = 0.3, l = 0.4").replace("-k*x", "-k*l*x");
    mended(&two, &[("0.3, l", "0.3 l")]);
    mended(&PLAIN.replace("state x", "state x order 2").replace("x' =", "x'' ="), &[("x order 2", "x 2nd order")]);
    let no_prior = "`param k = 1 in [0, 10]`";
    told(
        PLAIN,
        &[
            (range, "k ~ N(0, 1)", no_prior),
            (range, "k = 0.3 ~ N(0, 1)", no_prior),
            ("param k = 0.3 in [0, 1]", "k ~ N(0, 1)", no_prior),
            (range, "k = normal(0, 1)", "a parameter has a range"),
            ("state x\n", "state x, y{1}\n", "square brackets"),
        ],
    );
}

#[test]
fn equations() {
    mended(
        PLAIN,
        &[
            ("x' = -k*x", "x' <- -k*x"),
            ("x' = -k*x", "x' ~ -k*x"),
            ("x' = -k*x", "x' += -k*x"),
            ("x' = -k*x", "equation x' = -k*x"),
            ("x' = -k*x", "self.x' = -k*x"),
            ("x' = -k*x", "x' = -k.*x"),
            ("x' = -k*x", "x' = -k*x.value"),
            ("x' = -k*x", "x' = -model.k*x"),
            ("x' = -k*x", "x' = -\\k*x"),
        ],
    );
    let conditional = PLAIN.replace("-k*x", "-k*x*(if t > 1 then 0 else 1)");
    mended(&conditional, &[("else 1)", "else 1 end)")]);
    mended(&PLAIN.replace("-k*x", "-k*x*t"), &[("*t", "*time")]);
    mended(&PLAIN.replace("-k*x", "-k*x + 1e3"), &[("1e3", "1d3"), ("1e3", "1D3")]);
    mended(&PLAIN.replace("-k*x", "-k*x + 16"), &[("16", "0x10")]);
    told(
        PLAIN,
        &[
            ("x' = -k*x", "A -> B", "`A' = -k*A`"),
            ("-k*x", "if x > 0 { 1 } else { 2 }", "`x' = if t > 1 then 2 else 3`"),
            ("-k*x", "ifelse(x > 0, 1, 2)", "`if x > 0 then 1 else 2`"),
            ("-k*x", "clip(x, 0, 1)", "`min(max(x, 0), 1)`"),
            ("-k*x", "integral(x)", "`total' = x`"),
            ("-k*x", "delay(x, 1)", "no delays"),
            ("-k*x", "hill(x, 1, 2)", "`use std.terms.hill`"),
            ("-k*x", "randn()", "noise is estimated"),
            ("x' = -k*x", "equations { x' = -k*x }", "leave out `equations`"),
        ],
    );
}

#[test]
fn comments() {
    let right = PLAIN.replacen("  state x\n", "  // a comment\n  state x\n", 1);
    mended(&right, &["# a", "-- a", "! a", "<!-- a", "% a"].map(|wrong| ("// a", wrong)));
    told(&right, &[("// a comment", "/* a comment", "`//`"), ("// a comment", "(* a comment *)", "`//`")]);
}

/// Numbers that are multiples of pi are printed as such, and what is printed is read to the same bits.
#[test]
fn multiples_of_pi_read_back() {
    let program = |right: &str| {
        let text = format!("model M {{\n  state x\n  x' = {right}\n}}\n");
        let (mut sources, mut sink) = (Sources::default(), Sink::new());
        let id = sources.add("a.mech", text.as_str());
        let file = syntax::parse(id, &text, &mut sink);
        let program = sema::analyze(&file, &MemoryWorld::new(), &[], &mut sources, &mut sink);
        program.unwrap_or_else(|| panic!("{right}: {:#?}", sink.into_sorted()))
    };
    let printed = |right: &str| {
        let program = program(right);
        let model = program.models.values().next().expect("a model");
        let equation = model.equations.first().expect("an equation");
        model.spell(&equation.residual)
    };
    for right in [
        "sin(2*pi*t)",
        "sin(t*(2*pi)/24)",
        "x^(2*pi) - x^(-pi/2)",
        "sin((3*pi/4)*t) - sin(t/(2*pi)) + cos(-pi*x)",
        "exp(-(pi/180)*t) - 2*pi + 5*pi/12",
        "sin(6.283185307179586*t) + cos(6.28318530717958*t)",
    ] {
        let text = printed(right);
        assert!(text.contains("pi"), "{text}");
        // The equation is `left - right = 0`; what is printed is a right side that is printed the same.
        let body = text.strip_prefix("x' - ").unwrap_or_else(|| panic!("{text}"));
        assert_eq!(printed(body), text);
        assert!(!text.contains("3.14") && !text.contains("1.57") && !text.contains("2.35"), "{text}");
    }
}

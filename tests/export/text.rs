//! The text of equations is source: it reads back as the same model.

use mechc::diagnostics::{self, Sink};
use mechc::export::Format;
use mechc::source::{MemoryWorld, Sources};
use mechc::{sema, syntax};

use super::{MODELS, compiled, discovered, exported, field, model, points, source};

#[test]
fn text_reads_back() {
    let mut cases: Vec<(String, String, &str)> =
        MODELS.map(|(name, states)| (name.to_string(), source(name), states)).into();
    cases.extend(discovered().into_iter().map(|(name, text)| (name, text, "state u, v")));
    for (name, first, declarations) in cases {
        let text = exported(&first, Format::Text);
        let again = format!("model Again {{\n{declarations}\n{text}}}");
        let (one, two) = (model(&first), model(&again));
        let starts = |m: &mechc::hir::Model| {
            m.initial.iter().map(|i| (i.state, i.derivative, i.value.to_bits())).collect::<Vec<_>>()
        };
        assert_eq!(starts(&one), starts(&two), "{text}");
        let params = |m: &mechc::hir::Model| {
            m.params.values().map(|p| (p.name.clone(), p.value.map(f64::to_bits), p.bounds)).collect::<Vec<_>>()
        };
        assert_eq!(params(&one), params(&two), "{text}");
        let ((mut a, values), (mut b, _)) = (compiled(&first), compiled(&again));
        for point in points(&one, &values, 20) {
            for (f, g) in field(&mut a, &point).iter().zip(field(&mut b, &point)) {
                // Brackets in sums are left out, which changes the order of additions.
                assert!((f - g).abs() <= 1e-13 * (1.0 + f.abs()), "{name}: {f} {g} at {point:?}\n{text}");
            }
        }
    }
}

#[test]
fn units_stand_where_the_target_has_words_for_them() {
    let shown = |text: &str, format| exported(text, format).replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let text = "model Grazing { time [s]; state u [mg/L]; input q [1/s]; param r [1/s] = 0.123456789 in [0, 1], s [m^(1/2)] = 4 fixed
  u' = r*u - q*u; initial u = 2 }";
    insta::assert_snapshot!("units.modelica", shown(text, Format::Modelica));
    insta::assert_snapshot!("units.modelingtoolkit", shown(text, Format::Modelingtoolkit));
    insta::assert_snapshot!("units.latex", shown(text, Format::Latex));
    // Modelica's time is in seconds: units beside rates per day would contradict them.
    let days = text.replace("[s]", "[d]").replace("[1/s]", "[1/d]");
    insta::assert_snapshot!("units.days", shown(&days, Format::Modelica));
}

/// Numbers of every kind of place have the units that they need, so that nothing is said against the text in a model.
#[test]
fn text_keeps_the_units_of_numbers() {
    let states = "time [h]; state a [mg/L], b [ind], c [m], d [m/h], e [m] order 2, f [m] order 2";
    let text = format!(
        "unit ind
model A {{ {states}
  const K = 2 [mg/L], r = 3 [1/h], n = 2, mass = 1 [kg]
  param k [1/h] = 0.3, z [mg/L] = 2 in [0, 5], stiff [kg/h^2] = 2
  a' = r*a^n/(K^n + a^n)*2 [mg/L] - k*a*exp(-a/z) + if a > 3 [mg/L] then r*K else 0
  b' = r*b*(1 - b/500 [ind]) - sqrt(b*3 [ind])/2 [h]
  c' = d*3/(2 + 3 [1/m]*c)*5
  d' = -9.81 [m/h^2]*sin(c/2 [m]) - 0.1 [1/h]*d + max(d, 2 [m/h])/5 [h]
  2 [kg]*e'' = -3 [kg/h^2]*e - 4 [kg/h]*e'
  mass*f'' = -stiff*f }}"
    );
    let shown = |text: &str| exported(text, Format::Text);
    let first = shown(&text);
    for line in [
        "a' = 3 [mg/(L*h)]*a^2/(4 [mg^2/L^2] + a^2)*2 - k*a*exp(-a/z) + (if 3 [mg/L] < a then 6 [mg/(L*h)] else 0)",
        "b' = 3 [1/h]*b*(1 - b/500 [ind]) - sqrt(b*3 [ind/h^2])/2",
        "c' = d*3/(2 + 3 [1/m]*c)*5",
        "d' = -9.81 [m/h^2]*sin(c/2 [m]) - 0.1 [1/h]*d + max(d, 2 [m/h])/5 [h]",
        "e'' = (-3 [1/h^2]*e - 4 [1/h]*e')/2",
        "f'' = -stiff*f/1 [kg]",
        "param z [mg/L] = 2 in [0, 5]",
    ] {
        assert!(first.lines().any(|l| l == line), "`{line}` in\n{first}");
    }
    let again = format!("unit ind\nmodel A {{ {states}\n{first}}}");
    assert_eq!(statements(&shown(&again)), statements(&first), "nothing changes on the way");
    let (mut sources, mut sink) = (Sources::default(), Sink::new());
    let id = sources.add("again.mech", again.as_str());
    let tree = syntax::parse(id, &again, &mut sink);
    let program = sema::analyze(&tree, &MemoryWorld::new(), &[], &mut sources, &mut sink);
    let found = sink.into_sorted();
    let said = diagnostics::render(&found, &sources, diagnostics::Format::Short);
    assert!(program.is_some() && found.is_empty(), "{again}\n{said}");
}

/// Without the comments of the head.
fn statements(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with("//")).collect()
}

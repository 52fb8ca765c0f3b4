//! The text of equations is source: it reads back as the same model.

use mechc::export::Format;

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

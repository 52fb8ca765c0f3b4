//! The text of equations is source: it reads back as the same model.

use mechc::export::Format;

use super::{MODELS, compiled, exported, field, model, points, source};

#[test]
fn text_reads_back() {
    for (name, declarations) in MODELS {
        let first = source(name);
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

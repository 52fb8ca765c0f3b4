//! Pictures: their parts, ticks, and how many points are drawn.

use super::svg::{Forest, ForestRow, Mark, Plot, Scale, Shape, thin_line, thin_points};
use super::tests::well_formed;

#[test]
fn small_pictures() {
    let plot = Plot {
        title: "a & b".into(),
        x_label: "time".into(),
        y_label: "loss".into(),
        width: 300.0,
        height: 160.0,
        y_log: true,
        shaded_from: Some(3.0),
        marks: vec![
            Mark {
                shape: Shape::Line,
                name: "fit".into(),
                class: "s1",
                points: vec![(0.0, 100.0), (1.0, 1.0), (2.0, f64::NAN), (3.0, 0.1), (4.0, 0.01)],
            },
            Mark {
                shape: Shape::Dots,
                name: String::new(),
                class: "data",
                points: vec![(0.0, 50.0), (4.0, -1.0), (4.0, 0.02)],
            },
        ],
        ..Plot::default()
    };
    let forest = Forest {
        title: "coefficients".into(),
        rows: vec![
            ForestRow {
                label: "x".into(), figures: "−1.0 ± 0.1".into(), value: -1.0, error: Some(0.2), faint: false
            },
            ForestRow { label: "y".into(), figures: "2".into(), value: 2.0, error: None, faint: true },
        ],
    };
    let (plot, forest) = (plot.render(), forest.render());
    well_formed(&plot);
    well_formed(&forest);
    insta::assert_snapshot!(format!("{plot}\n{forest}").replace("><", ">\n<"));
}

#[test]
fn ticks_are_round() {
    let labels = |low: f64, high: f64, log: bool| {
        let ticks = Scale::of([low, high], log, 0.0, 0.0, 100.0).ticks(5);
        ticks.into_iter().map(|t| t.label).collect::<Vec<_>>().join(" ")
    };
    let cases = [
        (0.0, 40.0, false, "0 10 20 30 40"),
        (-18.3, 19.1, false, "−10 0 10"),
        (0.0, 1.0, false, "0.0 0.2 0.4 0.6 0.8 1.0"),
        (0.98, 1.02, false, "0.98 0.99 1.00 1.01 1.02"),
        (0.0, 3e7, false, "0 1e7 2e7 3e7"),
        (0.0, 2e-6, false, "0 5e−7 1.0e−6 1.5e−6 2.0e−6"),
        (1e-3, 1e3, true, "10⁻³ 10⁻¹ 10 10³"),
        (0.3, 4.0, true, "5·10⁻¹ 1 2"),
        (5.0, 5.0, false, "3 4 5 6 7"),
    ];
    for (low, high, log, expected) in cases {
        assert_eq!(labels(low, high, log), expected, "{low}..{high}");
    }
    for (low, high) in [(0.0, 0.0), (f64::NAN, f64::INFINITY), (-1e308, 1e308), (1.0, 1.0 + 1e-15), (5e-324, 1e-323)] {
        let scale = Scale::of([low, high], false, 0.06, 0.0, 100.0);
        assert!(scale.ticks(5).len() <= 11, "{low}..{high}");
    }
}

#[test]
fn thinning_keeps_what_can_be_seen() {
    let wave: Vec<(f64, f64)> = (0..100_000).map(|i| (i as f64 / 100.0, 50.0 * (i as f64).sin())).collect();
    let thin = thin_line(&wave);
    assert!(thin.len() <= 4 * 1001, "{}", thin.len());
    for column in [0.0, 333.0, 999.0] {
        let inside = |v: &&(f64, f64)| v.0.floor() == column;
        let lowest = |v: &[(f64, f64)]| v.iter().filter(inside).map(|p| p.1).fold(f64::INFINITY, f64::min);
        assert_eq!(lowest(&thin), lowest(&wave));
    }
    assert_eq!(thin_line(&wave[..3]), wave[..3]);
    assert_eq!(thin_points(&[(0.1, 0.1), (0.2, 0.9), (1.5, 0.1)], 1.0), [(0.1, 0.1), (1.5, 0.1)]);
}

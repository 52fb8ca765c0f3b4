//! What of a hidden state is a convention is told, and nothing where the model or a known start settles it.

mod tables;

use tables::{fitted, numbers, table};

/// A nerve that fires, of which the voltage is seen.
fn nerve([v, w]: [f64; 2]) -> [f64; 2] {
    [v - v * v * v / 3.0 - w + 0.5, 0.08 * (v + 0.7 - 0.8 * w)]
}

fn found(equations: &str) -> (Vec<String>, Vec<[f64; 2]>) {
    let data = table(nerve, &[[-1.0, 1.0]], (601, 0.2, 0.05), (1.0, &[(0, "v")]));
    let record = fitted(&data, &format!("model M {{ state v, w; {equations} }}"), "v = v");
    let warnings = record["warnings"].as_array().expect("warnings");
    (warnings.iter().filter_map(|w| w.as_str().map(str::to_string)).collect(), numbers(&record))
}

fn said(equations: &str) -> Vec<String> {
    found(equations).0
}

#[test]
fn a_zero_that_two_constants_share_is_told_with_what_goes_with_it() {
    let said = said("v' = ?poly(v; degree = 3) - w; w' = ?linear(1, v, w)");
    let one = said.iter().find(|w| w.contains("convention")).unwrap_or_else(|| panic!("{said:?}"));
    let parts = [
        "no column observes `w`, and its zero is a convention",
        "what is told is the law without `1` in the equation of",
        "`1` in the equation of `v`",
        "`1` in the equation of `w`",
        "would change with it, all else would not",
        "`initial w = ...`",
    ];
    for part in parts {
        assert!(one.contains(part), "{part}: {one}");
    }
    assert!(!one.contains("scale") && !one.contains("v^3"), "{one}");
}

#[test]
fn a_parameter_may_go_with_the_zero() {
    let said = said("param e = 0.2, b = 0.5, c = 0.5; v' = ?poly(v; degree = 3) - w; w' = e*(v + b - c*w)");
    let of: Vec<&String> = said.iter().filter(|w| w.contains("`b`")).collect();
    assert!(of.len() == 1 && of[0].contains("and `b` would change with it"), "{said:?}");
}

#[test]
fn a_scale_and_a_share_of_another_state_are_told() {
    let scale = said("v' = v - v^3/3 + 0.5 + ?terms(w); w' = ?linear(1, v, w)");
    assert!(
        scale.iter().any(|w| w.contains("its scale is a convention") && w.contains("one choice of many")),
        "{scale:?}"
    );
    assert!(!scale.iter().any(|w| w.contains("did not settle")), "{scale:?}");
    let share = said("v' = ?poly(v; degree = 3) - w; w' = ?poly(v, w; degree = 3)");
    assert!(share.iter().any(|w| w.contains("its zero, how much of `v` it holds are conventions")), "{share:?}");
}

#[test]
fn nothing_is_told_where_the_model_or_a_start_settles_it() {
    for settled in [
        "v' = v - v^3/3 + 0.5 - w; w' = ?linear(1, v, w)",
        "v' = ?poly(v; degree = 3) - w; w' = ?linear(1, v, w); initial w = 1",
        "v' = ?poly(v; degree = 3) - w; w' = ?linear(v, w)",
    ] {
        let (said, numbers) = found(settled);
        assert!(!said.iter().any(|w| w.contains("convention")), "{settled}: {said:?}");
        assert!(numbers.iter().all(|[value, error]| 3.0 * error < value.abs()), "{settled}: {numbers:?}");
    }
}

/// The blood after doses that last for one of 1,000 samples each; uptake 0.9, a rate of 0.45 into the blood, a loss of 0.2.
fn doses(at: &[usize]) -> String {
    let (uptake, rate, loss, h) = (0.9, 0.45, 0.2, 0.02);
    let mut data = String::from("k,t,blood,dose\n");
    for i in 0..1000_usize {
        let of = |s: f64| 10.0 * rate / (uptake - loss) * ((-loss * s).exp() - (-uptake * s).exp());
        let blood: f64 = at.iter().filter_map(|at| i.checked_sub(*at)).map(|n| of(h * n as f64)).sum();
        let noise = 1e-3 * (((12.9898 * (i + 1) as f64).sin() * 43758.5453).rem_euclid(1.0) - 0.5);
        let dose = if at.contains(&i) { 10.0 } else { 0.0 };
        data += &format!("0,{:e},{:e},{dose}\n", h * i as f64, blood + noise);
    }
    data
}

fn said_of_doses(at: &[usize], equation: &str) -> Vec<String> {
    let model = format!(
        "model M {{ state gut, blood; input dose impulse; param uptake = 1 in [0, 10]; {equation}; \
         blood' = ?poly(gut, blood; degree = 1); initial gut = 0, blood = 0 }}"
    );
    let record = fitted(&doses(at), &model, "blood = blood");
    let warnings = record["warnings"].as_array().expect("warnings");
    warnings.iter().filter_map(|w| w.as_str().map(str::to_string)).filter(|w| w.contains("convention")).collect()
}

#[test]
fn a_dose_settles_a_scale_whenever_it_comes() {
    for at in [&[7, 503][..], &[0, 40]] {
        let said = said_of_doses(at, "gut' = dose - uptake*gut");
        assert!(said.is_empty(), "{at:?}: {said:?}");
    }
}

/// A start that the model has and that the fit does not hold settles nothing: the help does not send there.
#[test]
fn the_help_sends_to_no_start_that_the_model_has() {
    let data = table(nerve, &[[-1.0, 1.0]], (601, 0.2, 0.05), (1.0, &[(0, "v")]));
    for (start, sends) in [("", true), ("initial w = 1", false)] {
        let model = format!("model M {{ state v, w; v' = ?poly(v; degree = 3) - w; w' = ?linear(1, v, w); {start} }}");
        let record = tables::fitted_as(&data, &model, ("v = v", "initial free"));
        let warnings = record["warnings"].as_array().expect("warnings");
        let said: Vec<&str> =
            warnings.iter().filter_map(|w| w.as_str()).filter(|w| w.contains("is a convention")).collect();
        assert!(said.len() == 1 && said[0].contains("its zero is a convention"), "{start}: {said:?}");
        assert_eq!(said[0].contains("where `w` begins (`initial w = ...`)"), sends, "{start}: {said:?}");
    }
}

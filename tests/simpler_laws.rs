//! Laws that fit alike: of those the simplest is told, and the other one beside it. What the data follow is no noise of the process, and what they
//! do not follow is. Of terms that are the same on the data one is a candidate.

mod common;
#[path = "common/decay.rs"]
mod decay;

use std::fmt::Write as _;

use common::{folder, run, run_in};
use serde_json::Value;

const DEVIATES: &str = "the data do not follow any trajectory of the model exactly";
const OTHER_LAW: &str = "with candidate terms of higher degree another law fits these data no better";

fn says(record: &Value, text: &str) -> bool {
    record["warnings"].as_array().expect("warnings").iter().filter_map(Value::as_str).any(|w| w.contains(text))
}

/// The record of a model fitted to a table.
fn fitted(rows: &str, model: &str, columns: &str) -> Value {
    fitted_with(rows, model, columns, "fit M to d")
}

fn fitted_with(rows: &str, model: &str, columns: &str, fit: &str) -> Value {
    let folder = folder(&[("d.csv", rows)]);
    let text = format!("{model}\ndata d = csv(\"d.csv\") {{ time t; {columns} }}\n{fit}\n");
    run_in(&folder, &text, &[]).ok().record()
}

/// The terms of an equation: their names, coefficients and errors.
fn terms(record: &Value, state: &str) -> Vec<(String, f64, f64)> {
    let equations = record["equations"].as_array().expect("equations");
    let found = equations.iter().find(|e| e["state"] == state).expect("the equation");
    let term = |t: &Value| {
        let number = |key: &str| t[key].as_f64().expect("a number");
        (t["term"].as_str().expect("a text").to_string(), number("coefficient"), number("std_error"))
    };
    found["terms"].as_array().expect("terms").iter().map(term).collect()
}

/// Whether the terms are these, with these coefficients within four of their errors.
fn is_law(found: &[(String, f64, f64)], law: &[(&str, f64)]) -> bool {
    let same = |((name, value, error), (term, truth)): (&(String, f64, f64), &(&str, f64))| {
        name == term && (value - truth).abs() < 4.0 * error
    };
    found.len() == law.len() && found.iter().zip(law).all(same)
}

/// A decay of two states along one curve, on which terms of the third degree say nearly the same as linear ones.
#[test]
fn a_poor_library_counts_where_a_rich_one_fits_no_better() {
    let (mut linear, mut right, mut told) = (0, 0, 0);
    for seed in 1..=6 {
        let text = decay::planar(3, &format!("steps 101; dt 0.15; noise 2%; seed {seed}"));
        let (_, record) = run(&text);
        let (x, y) = (terms(&record, "x"), terms(&record, "y"));
        // Noise may still choose, among linear terms or a law of fewer terms; that is told.
        let is_right = is_law(&x, &[("x", -0.5), ("y", 0.2)]) && is_law(&y, &[("x", 0.3), ("y", -0.8)]);
        assert!(is_right || says(&record, "in place of"), "seed {seed}: {x:?} {y:?}");
        linear += usize::from(x.iter().chain(&y).all(|(term, ..)| ["1", "x", "y"].contains(&term.as_str())));
        assert!(!says(&record, DEVIATES), "seed {seed}: {}", record["warnings"]);
        right += usize::from(is_right);
        told += usize::from(says(&record, OTHER_LAW));
    }
    assert!(linear > 4 && right > 3 && told > 3, "{linear} {right} {told}");
}

/// Terms of the second degree that the data need, whichever of them noise chooses, and none of the third.
#[test]
fn terms_of_a_rich_library_stay_where_they_are_needed() {
    let mut right = 0;
    for seed in 1..=4 {
        let text = format!(
            "model Truth {{
  state a, b
  a' = 0.8*a*(1 - a/3) - 0.2*a*b
  b' = 0.5*b*(1 - b/2) - 0.15*a*b
  initial a = 0.1, b = 0.1
}}
model M {{
  state a, b
  (a, b)' = ?poly(a, b; degree = 3)
}}
data d = simulate Truth {{ steps 126; dt 0.2; noise 1%; seed {seed} }}
fit M to d
"
        );
        let (_, record) = run(&text);
        let (a, b) = (terms(&record, "a"), terms(&record, "b"));
        let second = ["a^2", "a*b", "b^2"];
        for found in [&a, &b] {
            let count = found.iter().filter(|(term, ..)| second.contains(&term.as_str())).count();
            assert!(count == 2 && found.len() == 3, "seed {seed}: {a:?} {b:?}");
        }
        let is_right = is_law(&a, &[("a", 0.8), ("a^2", -0.8 / 3.0), ("a*b", -0.2)])
            && is_law(&b, &[("b", 0.5), ("a*b", -0.15), ("b^2", -0.25)]);
        assert!(is_right || says(&record, "in place of"), "seed {seed}: {a:?} {b:?}");
        right += usize::from(is_right);
    }
    assert!(right > 1, "{right}");
}

/// Kicks from sample to sample of a size that the data show, and none.
#[test]
fn noise_of_the_process_is_told_where_it_is() {
    for (kick, told) in [(0.0, false), (0.05, true)] {
        let mut rows = "t,x,v\n".to_string();
        let mut random = noise(11);
        let mut at = [2.0, 0.0];
        for i in 0..150 {
            let _ = writeln!(
                rows,
                "{:.2},{:.5},{:.5}",
                0.08 * f64::from(i),
                at[0] + 0.02 * random(),
                at[1] + 0.04 * random()
            );
            for _ in 0..20 {
                let along = |[x, v]: [f64; 2]| [v, -4.0 * x - 0.1 * v];
                let step = |[x, v]: [f64; 2], by: f64, [a, b]: [f64; 2]| [x + by * a, v + by * b];
                let h = 0.08 / 20.0;
                let middle = step(at, 0.5 * h, along(at));
                at = step(at, h, along(middle));
            }
            at = [at[0] + kick * random(), at[1] + 2.0 * kick * random()];
        }
        for model in ["(x, v)' = ?poly(x, v; degree = 2)", "param k = 3, c = 0; x' = v; v' = -k*x - c*v"] {
            let record = fitted(&rows, &format!("model M {{ state x, v; {model} }}"), "x = x; v = v");
            assert_eq!(says(&record, DEVIATES), told, "{kick}, {model}: {}", record["warnings"]);
            // Where terms were chosen among others.
            let chosen = told && model.contains('?');
            assert_eq!(says(&record, "were not sought"), chosen, "{kick}, {model}: {}", record["warnings"]);
        }
    }
}

/// Uniform numbers around zero with the variance one.
fn noise(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let unit = (state >> 11) as f64 / (1u64 << 53) as f64;
        (unit - 0.5) * 12.0f64.sqrt()
    }
}

/// A heater that is on or off, whose square is itself, with rows without a temperature before it jumps.
#[test]
fn the_square_of_a_switch_is_no_candidate() {
    for (library, kept) in
        [("?poly(T, heater; degree = 2)", "heater"), ("?terms(1, heater^2, T, T^2, heater)", "heater")]
    {
        let mut rows = "t,T,heater\n".to_string();
        let mut random = noise(3);
        let mut temperature = 15.0;
        for i in 0..=400 {
            let on = (i / 50) % 2 == 0;
            let (t, heater) = (0.5 * f64::from(i), u8::from(on));
            let _ = writeln!(rows, "{t:.4},{:.4},{heater}", temperature + 0.05 * random());
            if (i + 1) % 50 == 0 {
                let _ = writeln!(rows, "{:.4},,{heater}", t + 0.4995);
            }
            let rest = if on { 36.0 } else { 20.0 };
            temperature = rest + (temperature - rest) * f64::exp(-0.05 * 0.5);
        }
        let model = format!("model M {{ state T; input heater; T' = {library} }}");
        let record = fitted(&rows, &model, "T = T; heater = heater; spacing irregular; missing \"\"");
        let found = terms(&record, "T");
        assert!(
            is_law(&found, &[("1", 1.0), ("T", -0.05), (kept, 0.8)]),
            "{library}: {found:?} {}",
            record["warnings"]
        );
    }
}

/// Two rates of which the data know the product alone: one of them comes to the end of its range, or they run away from the declared start of the
/// hidden state. Neither is a reason to widen the range, or to doubt that start.
#[test]
fn rates_that_make_up_for_each_other_are_told_to_be_held() {
    let mut rows = "t,p,u\n".to_string();
    let mut random = noise(5);
    let drug = |t: f64| 1.0 + 0.5 * t.sin();
    let mut at = [0.0, 0.0];
    for i in 0..120 {
        let t = 0.2 * f64::from(i);
        let _ = writeln!(rows, "{t:.1},{:.5},{:.5}", at[1] + 0.03 * random(), drug(t));
        for k in 0..40 {
            let h = 0.2 / 40.0;
            let along = |t: f64, [m, p]: [f64; 2]| [2.0 * drug(t) - 1.1 * m, 0.8 * m - 0.3 * p];
            let step = |[m, p]: [f64; 2], by: f64, [a, b]: [f64; 2]| [m + by * a, p + by * b];
            let now = t + h * f64::from(k);
            let middle = step(at, 0.5 * h, along(now, at));
            at = step(at, h, along(now + 0.5 * h, middle));
        }
    }
    let model = |params: &str| {
        format!(
            "model M {{ state m, p; input u; param {params}; m' = km*u - 1.1*m; p' = kp*m - 0.3*p; initial m = 0 }}"
        )
    };
    let record = fitted(&rows, &model("km, kp in [0, 5]"), "p = p; u = u");
    assert!(
        says(&record, "the estimate of `kp` lies at an end of its range, and `km` makes up for that"),
        "{}",
        record["warnings"]
    );
    assert!(says(&record, "a wider range does not help: hold one of them"), "{}", record["warnings"]);
    assert!(!says(&record, "would take it further"), "{}", record["warnings"]);
    let record = fitted(&rows, &model("km = 1, kp = 1"), "p = p; u = u");
    assert!(says(&record, "the data of `d` do not determine `km`, `kp`: other values"), "{}", record["warnings"]);
    assert!(!says(&record, "no good fit starts with") && !says(&record, DEVIATES), "{}", record["warnings"]);
    // One that is held makes all of it known.
    let record = fitted(&rows, &model("km in [0, 5]").replace("kp*m", "0.8*m"), "p = p; u = u");
    let [km, error] = ["value", "std_error"].map(|key| record["parameters"][0][key].as_f64().expect("a number"));
    assert!((km - 2.0).abs() < 4.0 * error && !says(&record, "of its range"), "{km} ± {error}: {}", record["warnings"]);
}

/// One equation's values from a state to the next by small steps.
fn advanced<const N: usize>(along: impl Fn([f64; N]) -> [f64; N], mut at: [f64; N], time: f64) -> [f64; N] {
    let h = time / 40.0;
    let step = |at: [f64; N], by: f64, slope: [f64; N]| std::array::from_fn(|i| at[i] + by * slope[i]);
    for _ in 0..40 {
        let middle = step(at, 0.5 * h, along(at));
        at = step(at, h, along(middle));
    }
    at
}

/// With noise so large that laws of lower degree are tried, the powers of a switch are in place of nothing: they are the switch.
#[test]
fn what_was_no_candidate_stands_in_place_of_nothing() {
    let mut rows = "t,T,heater\n".to_string();
    let mut random = noise(1);
    let mut at = [15.0];
    let mut doubts = 0;
    for i in 0..200 {
        let on = (i / 50) % 2 == 0;
        let _ = writeln!(rows, "{:.1},{:.4},{}", 0.5 * f64::from(i), at[0] + random(), u8::from(on));
        let rest = if on { 36.0 } else { 20.0 };
        at = advanced(|[temperature]| [0.05 * (rest - temperature)], at, 0.5);
    }
    let model = "model M { state T; input heater; T' = ?poly(T, heater; degree = 3) }";
    let record = fitted(&rows, model, "T = T; heater = heater");
    for power in ["heater^2", "heater^3"] {
        assert!(!says(&record, &format!("`{power}` (")), "{}", record["warnings"]);
        // Where an exact dependence is told, other spellings of the law are not.
        doubts += usize::from(says(&record, "in place of") || says(&record, "is a combination of"));
    }
    assert!(doubts > 0, "nothing was in doubt: {}", record["warnings"]);
}

/// A rate that two equations share is a hole of its own, in whose place another law is told too.
#[test]
fn another_law_of_a_named_hole_is_told() {
    let mut told = 0;
    for seed in 1..=3 {
        let mut rows = "t,s,p\n".to_string();
        let mut random = noise(seed);
        let mut at = [3.0, 0.0];
        for i in 0..120 {
            let _ =
                writeln!(rows, "{:.1},{:.4},{:.4}", 0.1 * f64::from(i), at[0] + 0.1 * random(), at[1] + 0.1 * random());
            at = advanced(|[s, p]| [-1.5 * s / (1.0 + 0.8 * s), 1.5 * s / (1.0 + 0.8 * s) - 0.3 * p], at, 0.1);
        }
        let model =
            "model M { state s, p; param k = 0.1; hole rate = ?poly(s, p; degree = 3); s' = -rate; p' = rate - k*p }";
        let record = fitted(&rows, model, "s = s; p = p");
        told += usize::from(says(&record, OTHER_LAW) && says(&record, "`rate = "));
    }
    assert!(told > 0, "{told}");
}

/// Far below saturation only the ratio of two parameters is easily seen, but precise data see more: there an end of a range is in the way.
#[test]
fn what_precise_data_know_is_not_made_up() {
    let mut rows = "t,s\n".to_string();
    let mut random = noise(1);
    let mut at = [4e-3];
    for i in 0..150 {
        let _ = writeln!(rows, "{:.2},{:.14e}", 0.02 * f64::from(i), at[0] + 4e-9 * random());
        at = advanced(|[s]| [-8.0 * s / (4.0 + s)], at, 0.02);
    }
    for (most, held) in [(5, true), (100, false)] {
        let model = format!("model M {{ state s; param V = 3 in [0, {most}], K = 1 in [0, 100]; s' = -V*s/(K + s) }}");
        let record = fitted(&rows, &model, "s = s");
        assert_eq!(says(&record, "`V` lies at the upper end of its range, 5"), held, "{}", record["warnings"]);
        assert!(!says(&record, "for that: the data tell only what they do together"), "{}", record["warnings"]);
        if !held {
            let number = |key: &str| record["parameters"][0][key].as_f64().expect("a number");
            assert!((number("value") - 8.0).abs() < 4.0 * number("std_error"), "{}", record["parameters"]);
        }
    }
}

/// A spiking cell of which the voltage alone is seen: where the two others are is not known, and so neither are the numbers that are added to
/// their equations. What rounding leaves of these is no standard error.
#[test]
fn what_the_data_do_not_see_has_no_small_error() {
    for seed in 1..=4 {
        let mut rows = "t,x\n".to_string();
        let mut random = noise(seed);
        let mut at = [-1.0, -5.0, 1.5];
        let along = |[x, y, z]: [f64; 3]| {
            [y - x * x * x + 3.0 * x * x - z + 2.0, 1.0 - 5.0 * x * x - y, 0.006 * (4.0 * (x + 1.6) - z)]
        };
        for i in 0..300 {
            let _ = writeln!(rows, "{:.1},{:.6}", 0.1 * f64::from(i), at[0] + 6e-3 * random());
            at = advanced(along, at, 0.1);
        }
        let record =
            fitted_with(&rows, "use std.cells.HindmarshRose", "x = x", "fit HindmarshRose to d { initial free }");
        let said = "together with where `y`, `z` begin: other values fit them as well";
        assert!(says(&record, said), "seed {seed}: {}", record["warnings"]);
        for parameter in record["parameters"].as_array().expect("parameters") {
            let (name, value) = (&parameter["name"], parameter["value"].as_f64().expect("a number"));
            let error = parameter["std_error"].as_f64();
            match name.as_str() {
                Some("c" | "current") => {
                    assert!(error.is_none_or(|e| e > value.abs()), "seed {seed}: {name} = {value} ± {error:?}");
                }
                Some("a" | "b" | "d") => assert!(error.is_some_and(|e| e < 0.02), "seed {seed}: {name} ± {error:?}"),
                _ => {}
            }
        }
    }
}

/// On a short range `x` and `sin(x)` make up for `x^3`, with numbers that cancel each other.
#[test]
fn functions_of_one_state_that_cancel_each_other_are_not_the_law() {
    let mut right = 0;
    for seed in 1..=6 {
        let text = format!(
            "model Truth {{ state x order 2; x'' = -4.4*x - 2.9*x^3 - 0.08*x'; initial x = 1, x' = 0 }}
model M {{ state x order 2; x'' = ?terms(x, sin(x), x', x^3, x'*abs(x'), x'^3) }}
data d = simulate Truth {{ steps 150; dt 0.1; noise 2%; seed {seed} }}
fit M to d
"
        );
        let (_, record) = run(&text);
        let found = terms(&record, "x");
        let cancels = found.iter().any(|(term, value, _)| term == "x" && *value < -8.0);
        assert!(!cancels, "seed {seed}: {found:?}");
        // What it could be mistaken for is told.
        assert!(says(&record, "sin(x)"), "seed {seed}: {}", record["warnings"]);
        right += usize::from(is_law(&found, &[("x", -4.4), ("x'", -0.08), ("x^3", -2.9)]));
    }
    assert!(right > 4, "{right}");
}

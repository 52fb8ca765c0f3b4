//! Ratios: both sums have errors and units wherever coefficients are shown, and tests name their terms.

mod common;

use std::fs;

use common::{folder, json, mechc, run};
use serde_json::Value;

const TRUTH: &str = "model Truth {
  time [min]
  state s [mmol/L]
  const V [mmol/L/min] = 2
  const K [mmol/L] = 0.8
  s' = -V*s/(K + s)
  initial s = 5
}
";

fn kinetics(seed: u32) -> String {
    format!(
        "{TRUTH}model Kinetics {{
  time [min]
  state s [mmol/L]
  s' = -?ratio(linear(s), linear(1, s))
}}
data run = simulate Truth {{ steps 200; dt 0.03; noise 2%; seed {seed} }}
fit Kinetics to run
"
    )
}

/// Value and standard error.
fn estimate(of: &Value) -> (f64, f64) {
    (of["coefficient"].as_f64().expect("a number"), of["std_error"].as_f64().expect("an error"))
}

#[test]
fn errors_and_units_are_shown_and_kept() {
    let (folder, record) = run(&kinetics(3));
    let term = &record["equations"][0]["terms"][0];
    let spelled = term["term"].as_str().expect("a term");
    let inside = &term["inside"][0];
    let (above, above_error) = estimate(term);
    let (below, below_error) = estimate(inside);
    assert!((above + 2.5).abs() < 4.0 * above_error && above_error < 0.2, "{term}");
    assert!((below - 1.25).abs() < 4.0 * below_error && below_error < 0.2, "{term}");
    let at = usize::try_from(inside["at"].as_u64().expect("a place")).expect("small");
    let length = usize::try_from(inside["length"].as_u64().expect("a length")).expect("small");
    let digits: String = spelled.chars().skip(at).take(length).collect();
    assert_eq!(spelled, format!("s/(1 + {digits}*s)"));
    assert!((digits.parse::<f64>().expect("digits") - below).abs() < 1e-5 * below, "{digits} {below}");
    assert_eq!((&inside["of"], &inside["unit"], &term["unit"]), (&"s".into(), &"L/mmol".into(), &"1/min".into()));
    // The sums by themselves: signs are those of the ratio, without the minus before it.
    let sums = record["ratios"].as_array().expect("sums");
    assert_eq!(sums.len(), 2);
    for (sum, side, value, error) in [(0, "numerator", -above, above_error), (1, "denominator", below, below_error)] {
        assert_eq!((&sums[sum]["ratio"], &sums[sum]["side"]), (&"s'".into(), &side.into()));
        assert_eq!(estimate(&sums[sum]["terms"][0]), (value, error));
    }
    let equations = json(folder.path().join("out/equations.json"));
    assert_eq!((&equations["ratios"], &equations["equations"]), (&record["ratios"], &record["equations"]));
    // The model that was found is one with units, and what it says is what was found, to the last bit.
    let out = folder.path().join("out");
    let discovered = fs::read_to_string(out.join("discovered.mech")).expect("a model");
    let right = format!("s' = {above} [1/min]*s/(1 + {below} [L/mmol]*s)");
    assert!(discovered.contains(&right) && !discovered.contains("without units"), "{right} in {discovered}");
    let page = fs::read_to_string(out.join("report.html")).expect("a page");
    assert!(page.contains("[L/mmol]"), "the page has the unit");
    for (format, text) in [("latex", "in it "), ("json", "\"inside\"")] {
        let exported = mechc(folder.path(), &["export", "out", "--to", format]);
        let exported = &exported.stdout;
        assert!(exported.contains(text), "{exported}");
        if format == "json" {
            let exported: Value = serde_json::from_str(exported).expect("JSON");
            let told = exported["equations"][0]["terms"][0]["std_error"].as_f64().expect("an error");
            assert_eq!(told, above_error, "the error of the numerator goes with it");
        }
    }
}

/// The spread of the estimates over 40 noises, against the mean standard error: a sample deviation of 40 is right to 11 %.
#[test]
fn errors_are_those_of_the_spread() {
    let fits: Vec<[(f64, f64); 2]> = (1..=40)
        .map(|seed| {
            let (_, record) = run(&kinetics(seed));
            let term = &record["equations"][0]["terms"][0];
            [estimate(term), estimate(&term["inside"][0])]
        })
        .collect();
    for (side, truth) in [(0, -2.5), (1, 1.25)] {
        let n = fits.len() as f64;
        let mean = fits.iter().map(|f| f[side].0).sum::<f64>() / n;
        let spread = (fits.iter().map(|f| (f[side].0 - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
        let told = fits.iter().map(|f| f[side].1).sum::<f64>() / n;
        assert!((0.7..1.4).contains(&(spread / told)), "spread {spread}, standard error {told}");
        assert!((mean - truth).abs() < 4.0 * told / n.sqrt(), "mean {mean}, truth {truth}");
    }
}

#[test]
fn tests_name_the_terms_of_both_sums() {
    let model = format!(
        "{TRUTH}model Plain {{
  time [min]
  state s [mmol/L]
  s' = -?ratio(linear(s, s^2), linear(1, s))
}}
model Named {{
  time [min]
  state s [mmol/L]
  hole up = ?ratio(linear(s, s^2), linear(1, s))
  hole more = ?linear(s)
  s' = -up + tanh(0*more)*up
}}
data run = simulate Truth {{ steps 200; dt 0.03; noise 2%; seed 3 }}
fit Plain to run as plain
fit Named to run as named
test \"holds\" {{
  expect coef(numerator(plain.s'), s) ~= 2.5 [1/min] within 10%
  expect coef(denominator(plain.s'), s) ~= 1250 [L/mol] within 10%
  expect coef(denominator(named.up), s) ~= 1.25 within 10%
  expect std_error(denominator(named.up), s) > 0
  expect std_error(denominator(named.up), s) < 0.2 [L/mmol]
  expect coef(numerator(named.up), s^2) == 0
  expect terms(numerator(named.up)) == {{s}}
  expect terms(denominator(plain.s')) == {{s}}
  expect coef(named.more, s) == 0
  expect terms(numerator(Plain.s')) != {{s}}
}}
test \"another term\" {{ expect terms(denominator(named.up)) == {{s^2}} }}
test \"no candidate\" {{ expect coef(numerator(named.up), s^3) == 0 }}
test \"the whole\" {{ expect coef(plain.s', s) == 0 }}
"
    );
    let folder = folder(&[("m.mech", &model)]);
    let output = mechc(folder.path(), &["test", "m.mech"]);
    let (stdout, stderr) = (output.stdout, output.stderr);
    assert!(stdout.contains("passed  m.mech: holds") && stdout.contains("1 passed, 3 failed"), "{stdout}{stderr}");
    let words: Vec<&str> = stderr.split_whitespace().filter(|w| *w != "|").collect();
    let said = words.join(" ");
    for message in [
        "the denominator of `up` has the terms {s}",
        "`s^3` is neither a term nor a candidate in the numerator of `up`: these are s, s^2",
        "these are s/(1 + ?*s), s^2/(1 + ?*s); terms of a ratio are those of its sums",
    ] {
        assert!(said.contains(message), "{message}: {stderr}");
    }
}

/// Statements for many elements share a ratio; sums inside functions, of one coefficient and of several, keep signs and brackets.
#[test]
fn statements_show_errors_inside_their_terms() {
    let (folder, record) = run("model Truth {
  index cell = 3
  state x[cell], y
  x' = -2*x/(0.8 + x)
  y' = tanh(0.5*y - 0.3*x[1]) - 0.4*y
  initial x = (5, 3, 1), y = 1
}
model Found {
  index cell = 3
  state x[cell], y
  hole bend = ?linear(y, x[1])
  x' = -?ratio(linear(x), linear(1, x))
  y' = tanh(bend) - ?linear(y) + tanh(?linear(t)*0)
}
data run = simulate Truth { steps 300; dt 0.02; noise 1%; seed 3 }
fit Found to run
");
    let equations = record["equations"].as_array().expect("equations");
    assert_eq!(equations[0]["state"], "bend");
    let x = &equations[1]["terms"][0];
    let (below, error) = estimate(&x["inside"][0]);
    assert!((below - 1.25).abs() < 4.0 * error && error < 0.2, "{x}");
    let discovered = fs::read_to_string(folder.path().join("out/discovered.mech")).expect("a model");
    assert!(discovered.contains("*x/(1 + ") && !discovered.contains("(("), "{discovered}");
    mechc(folder.path().join("out"), &["check", "discovered.mech"]).ok();
}

/// Sums and conditionals among the candidates of a hole with a name keep their parentheses behind numbers and before fractions.
#[test]
fn candidates_that_reach_to_the_end_keep_their_parentheses() {
    let (folder, record) = run("model Truth {
  state u, v
  u' = -0.5*(u + v) + 0.2
  v' = -v + 0.1*(if u < 0.3 then 0.2 else 1)
  initial u = 2, v = 0.5
}
model Named {
  state u, v
  hole a = ?linear(u + v, 1)
  hole b = ?linear(v, if u < 0.3 then 0.2 else 1)
  u' = a
  v' = b
}
data run = simulate Truth { steps 200; dt 0.05; noise 0.1% }
fit Named to run
");
    let terms = |hole: usize| -> Vec<&str> {
        let terms = record["equations"][hole]["terms"].as_array().expect("terms");
        terms.iter().filter_map(|t| t["term"].as_str()).collect()
    };
    assert_eq!(terms(0), ["(u + v)", "1"]);
    assert_eq!(terms(1), ["v", "(if u < 0.3 then 0.2 else 1)"]);
    let discovered = fs::read_to_string(folder.path().join("out/discovered.mech")).expect("a model");
    assert!(discovered.contains("*(u + v) + ") && discovered.contains("*(if u < 0.3 "), "{discovered}");
    let out = folder.path().join("out");
    mechc(&out, &["simulate", "discovered.mech", "--data", "solution", "--out", "s.csv"]).ok();
    let table = fs::read_to_string(out.join("s.csv")).expect("a table");
    let last: Vec<f64> =
        table.lines().last().expect("a row").split(',').map(|c| c.parse().expect("a number")).collect();
    let solution = |state: usize| -> f64 {
        let values = record["trajectories"][0]["states"][state]["solution"].as_array().expect("a solution");
        values.last().and_then(Value::as_f64).expect("a number")
    };
    for state in [0, 1] {
        let (simulated, fitted) = (last[state + 1], solution(state));
        assert!((simulated - fitted).abs() < 1e-5 * (1.0 + fitted.abs()), "{simulated} {fitted}");
    }
}

/// Two genes that repress each other. Where the 1 below hardly counts, a step to a denominator of the other sign is short; these noises
/// led there.
#[test]
fn denominators_do_not_change_their_sign_on_the_way() {
    for seed in [2, 3, 5, 12, 17] {
        let (_, record) = run(&format!(
            "use std.cells.ToggleSwitch
model Open {{
  state u, w
  u' = ?ratio(poly(w; 2), poly(w; 2)) - ?linear(u)
  w' = ?ratio(poly(u; 2), poly(u; 2)) - ?linear(w)
}}
data d = simulate ToggleSwitch {{ steps 200; dt 0.05; trajectories 4; noise 1%; seed {seed} }}
fit Open to d
"
        ));
        for (equation, of) in [(0, "w^2"), (1, "u^2")] {
            let terms = record["equations"][equation]["terms"].as_array().expect("terms");
            let [production, decay] = terms.as_slice() else { panic!("seed {seed}: {terms:?}") };
            let inside = production["inside"].as_array().expect("what is inside");
            assert_eq!((inside.len(), &inside[0]["of"]), (1, &of.into()), "seed {seed}: {production}");
            for (of, truth) in [(production, 10.0), (&inside[0], 1.0), (decay, -1.0)] {
                let (found, error) = estimate(of);
                assert!((found - truth).abs() < 4.0 * error && error < 0.05 * truth.abs(), "seed {seed}: {of}");
            }
        }
    }
}

/// A denominator that is negative on all data lies beyond infinity for a fit that starts from 1.
#[test]
fn negative_denominators_are_found() {
    let (_, record) = run("model Truth { state x; x' = x/(1 - 3*x); initial x = 2 }
model Open { state x; x' = ?ratio(poly(x; 2), poly(x; 2)) }
data d = simulate Truth { steps 140; dt 0.02; noise 0.5%; seed 3 }
fit Open to d
");
    let [term] = record["equations"][0]["terms"].as_array().expect("terms").as_slice() else { panic!("{record}") };
    let ((above, above_error), (below, below_error)) = (estimate(term), estimate(&term["inside"][0]));
    assert!((above - 1.0).abs() < 4.0 * above_error && above_error < 0.05, "{term}");
    assert!((below + 3.0).abs() < 4.0 * below_error && below_error < 0.1, "{term}");
}

/// The gradient engine trains the sum below and takes it for exact where it finds the one above: an error that left that out is none.
#[test]
fn trained_denominators_leave_no_errors() {
    let (_, record) = run("model Truth {
  state s, p
  s' = -2*s/(1 + 1.25*s)
  p' = 2*s/(1 + 1.25*s) - 0.3*p
  initial s = 5, p = 0
}
model Found {
  state s, p
  hole up = ?ratio(linear(s), linear(1, s))
  s' = -up
  p' = up - ?linear(p)
}
data run = simulate Truth { steps 100; dt 0.05; noise 1%; seed 3 }
network net { input s, p over window; mlp [4] tanh; output v[2] over window }
fit Found to run { engine gradient; window 20; steps 2; batch 4; auxiliary (s, p) = net.v; threshold 0 }
");
    let up = &record["equations"][0]["terms"][0];
    assert!(up["term"].as_str().is_some_and(|t| t.starts_with("s/(1 ")), "{up}");
    assert!(up["std_error"].is_null() && up["inside"][0]["std_error"].is_null(), "{up}");
    assert!(record["ratios"][0]["terms"][0]["std_error"].is_null(), "{}", record["ratios"]);
}

/// Sums that are written alike have the same terms, and on the data they still do different things.
#[test]
fn sums_that_are_written_alike_are_told_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = "model M {
  time [min]
  state s [mmol/L]
  s' = ?ratio(poly(s; 1), poly(s; 1))
}
data run = simulate Truth { steps 200; dt 0.03 }
fit M to run
";
    fs::write(folder.path().join("m.mech"), format!("{TRUTH}{model}")).expect("a written file");
    let done = mechc(folder.path(), &["check", "--data", "m.mech"]);
    let said = &done.stderr;
    assert!(done.status.success() && !said.contains("is a combination of"), "{said}");
}

/// Three powers above make up for a denominator on the way of the choice of terms; the law of single terms has fewer and explains the data better.
#[test]
fn a_ratio_of_single_terms_counts_where_it_explains_the_data_better() {
    let folder = folder(&[("growth.csv", include_str!("fixtures/exact/growth_ratio.csv"))]);
    let model = "model Growth {
  time [h]
  state biomass [g/L], substrate [g/L]
  param yield = 0.5 in [0.01, 1]
  hole mu = ?ratio(terms(1, substrate, substrate^2), terms(1, substrate, biomass))
  biomass' = biomass*mu
  substrate' = -biomass*mu/yield
}
data growth = csv(\"growth.csv\") { time hours; trajectory batch; missing \"\"; holdout 20% of time }
fit Growth to growth
";
    fs::write(folder.path().join("m.mech"), model).expect("a model");
    let output = mechc(folder.path(), &["run", "m.mech", "--out", "out"]);
    let said = &output.stdout;
    assert!(output.status.success() && said.contains("*substrate/(1 + 0.431(41) [L/g]*substrate)\n"), "{said}");
}

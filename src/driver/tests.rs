//! From estimates to equations, by hand.

use super::Session;
use super::equations::equations;
use super::findings::{Estimate, Findings, LeftOut, record};
use super::inside::{Speller, settled};
use super::observed::Observed;
use super::terms::{filled, six_digits, terms};
use crate::data::{Dataset, Trajectory};
use crate::hir::{self, Model, Program};
use crate::report::{self, RunRecord};
use crate::source::MemoryWorld;

fn program(text: &str) -> Program {
    let mut session = Session::new(MemoryWorld::new().with("m.mech", text));
    let checked = session.check("m.mech", &[]);
    match checked {
        Ok(checked) => checked.program,
        Err(failure) => panic!("{}", failure.render(session.sources(), crate::diagnostics::Format::Short)),
    }
}

fn model(text: &str) -> Model {
    program(text).models.values().next().cloned().expect("a model")
}

/// The right-hand side `known` of `u' = ...` as terms: coefficient and spelling.
fn split(right: &str) -> Vec<(f64, String)> {
    let model = model(&format!("model M {{ state u, w; param k; u' = {right}; w' = k*w^3 }}"));
    let known = model.equations[0].known.clone().expect("a known part");
    let spell = |t: super::terms::Term| (t.coefficient, t.rest.map_or("1".to_string(), |e| model.spell(&e)));
    terms(&known).into_iter().map(spell).collect()
}

fn named(terms: &[(f64, &str)]) -> Vec<(f64, String)> {
    terms.iter().map(|(c, t)| (*c, t.to_string())).collect()
}

#[test]
fn numbers_and_signs_come_out_of_products() {
    assert_eq!(split("2*u*w*3 - (u*w^2)/4"), named(&[(6.0, "u*w"), (-0.25, "u*w^2")]));
    assert_eq!(split("-(u^2 - 5*sin(w))"), named(&[(-1.0, "u^2"), (5.0, "sin(w)")]));
    assert_eq!(split("7 + 3/(1 + w)"), named(&[(7.0, "1"), (3.0, "1/(1 + w)")]));
    // Functions stay as they are, and what is zero vanishes.
    assert_eq!(split("2*exp(3*u)*w + 0*u^2 - (-w^2)"), named(&[(2.0, "w*exp(3*u)"), (1.0, "w^2")]));
}

#[test]
fn holes_inside_functions_are_filled() {
    let model = model("model M { state u; param k = 2; u' = exp(-k*u) + tanh(?terms(u, u^2, 1)) }");
    let known = model.equations[0].known.clone().expect("a known part");
    let values: Vec<f64> = model.unknowns.values().map(|u| if u.name == "k" { 3.0 } else { 1.0 / 3.0 }).collect();
    let spelled = |values: &[f64]| {
        let estimates = values.iter().map(|&value| Estimate { value, std_error: None, kept: true }).collect();
        let findings = Findings { estimates, ..Findings::default() };
        settled(&model, &findings, &Speller::new(&model).spell_factor(&filled(&model, &known, values))).0
    };
    // Parameters keep their names, coefficients become numbers of six digits.
    assert_eq!(spelled(&values), "(exp(-k*u) + tanh(0.333333*u + 0.333333*u^2 + 0.333333))");
    let mut without = values.clone();
    for (value, unknown) in without.iter_mut().zip(model.unknowns.values()) {
        match unknown.name.as_str() {
            "k" => {}
            name if name.ends_with("[u^2]") => *value = 0.0,
            name if name.ends_with("[u]") => *value = 1.0,
            _ => *value = -2.0,
        }
    }
    // A coefficient of 1 is one that was found, and shown.
    assert_eq!(spelled(&without), "(exp(-k*u) + tanh(1*u - 2))");
    assert_eq!(six_digits(std::f64::consts::PI * 1e-7), 3.14159e-7);
}

/// What nothing but empty holes makes constant is a number; what the user wrote stays.
#[test]
fn what_empty_holes_leave_is_worked_out() {
    let model = model(
        "model M { state u; param k = 2; u' = exp(2*?terms(u))*u^3 - ?terms(1)/(1 + u) + (4 + ?terms(u^2))^2*u^2 + sin(u)*cos(k) }",
    );
    let known = model.equations[0].known.clone().expect("a known part");
    let none = vec![0.0; model.unknowns.len()];
    let terms = terms(&filled(&model, &known, &none)).into_iter();
    let spelled: Vec<(f64, String)> =
        terms.map(|t| (t.coefficient, t.rest.map_or("1".to_string(), |e| model.spell(&e)))).collect();
    assert_eq!(spelled, named(&[(1.0, "u^3"), (16.0, "u^2"), (1.0, "sin(u)*cos(k)")]));
}

/// A factor before the highest derivative, linear parts that change sides, equal terms from known part, parameter and hole.
const SIDES: &str = "model M {
  state u, w order 2
  param k = 2
  2*u' = -u + 3*u*w + k*u^3 + ?terms(u^2, 5*u*w, w) - sin(t)
  w'' = -w' + ?terms(w', u) + ?terms(w)*w
}";

fn found(model: &Model, estimates: &[(&str, f64, Option<f64>, bool)]) -> Findings {
    let of = |name: &str| {
        let found = estimates.iter().find(|(n, ..)| *n == name);
        let (_, value, std_error, kept) = found.unwrap_or_else(|| panic!("{name}"));
        Estimate { value: *value, std_error: *std_error, kept: *kept }
    };
    Findings { estimates: model.unknowns.values().map(|u| of(&u.name)).collect(), ..Findings::default() }
}

fn sides(model: &Model) -> Findings {
    found(
        model,
        &[
            ("k", 4.0, Some(0.2), true),
            ("u'[u^2]", -6.0, Some(0.4), true),
            ("u'[5*u*w]", 2.0, Some(0.1), true),
            ("u'[w]", 0.0, None, false),
            ("w''[w']", 3.0, Some(0.3), true),
            ("w''[u]", 0.5, None, true),
            ("w''[w]", -1.5, Some(0.05), true),
        ],
    )
}

#[test]
fn equations_have_the_highest_derivative_alone_and_equal_terms_together() {
    let model = model(SIDES);
    let equations = equations(&model, &sides(&model));
    let listed = |i: usize| -> Vec<(String, f64, Option<f64>)> {
        equations[i].terms.iter().map(|t| (t.term.clone(), t.coefficient, t.std_error)).collect()
    };
    let term = |name: &str, value: f64, error: Option<f64>| (name.to_string(), value, error);
    assert_eq!((equations[0].state.as_str(), equations[0].derivative), ("u", 1));
    assert_eq!(
        listed(0),
        vec![
            term("u", -0.5, None),
            // Three halves that are known and five that were found.
            term("u*w", 6.5, Some(0.25)),
            term("sin(t)", -0.5, None),
            term("u^3", 2.0, Some(0.1)),
            term("u^2", -3.0, Some(0.2)),
        ]
    );
    assert_eq!((equations[1].state.as_str(), equations[1].derivative), ("w", 2));
    assert_eq!(listed(1), vec![term("w'", 2.0, Some(0.3)), term("u", 0.5, None), term("w^2", -1.5, Some(0.05))]);
}

/// What is printed after a fit, as the right side of `u'` again: that of the discovered model, and the equations of the report.
fn printed(model: &Model, findings: &Findings) -> [Model; 2] {
    let text = super::discovered::discovered(model, findings, &[], &[]);
    let record = RunRecord { equations: equations(model, findings), ..RunRecord::default() };
    let short = report::equations_short(&record);
    let right = short.lines().find_map(|line| line.strip_prefix("u' = ")).expect("an equation");
    let again = format!("model M {{ state u, w; param k = 1; u' = {right}; w' = k*u }}");
    [text, again].map(|text| program(&text).models.values().next().cloned().expect("a model"))
}

#[test]
fn conditionals_read_the_same_in_every_place_of_what_is_printed() {
    let choice = "(if u > 2 then -k*(u - 2) else 3*w)";
    for right in [
        choice.to_string(),
        format!("{choice} + ?terms(1)"),
        format!("{choice} + w"),
        format!("?terms(1) - {choice} - 0.5*u"),
        format!("0.5*{choice} - w"),
        format!("k*{choice} + ?terms(u)"),
        format!("-{choice}*w + 1"),
        format!("w/{choice} + 1"),
        format!("{choice}/w + {choice}"),
        format!("{choice}^2 - w"),
        format!("w - (u - {choice}) - 1"),
        format!("u*w - (if w < 1 then {choice} else u) + 1"),
        "?terms(1, (if u > 2 then u - 2 else w)) + u".to_string(),
        "?terms(1, u) - (if u > k then ?linear(u) else w) + w".to_string(),
        "2*(u + w) - 3*(u - w)*u".to_string(),
        format!("max({choice}, w) + sin({choice}) + 1"),
    ] {
        let model = model(&format!("model M {{ state u, w; param k = 1; u' = {right}; w' = k*u }}"));
        let value = |u: &hir::Unknown| if u.name == "k" { 1.0 } else { 0.25 };
        let estimate = |u| Estimate { value: value(u), std_error: None, kept: true };
        let findings = Findings { estimates: model.unknowns.values().map(estimate).collect(), ..Findings::default() };
        for again in printed(&model, &findings) {
            for (u, w) in [(1.0, 0.5), (3.0, 0.5), (3.0, 2.0), (-1.0, -2.0)] {
                let value = |model: &Model| {
                    let unknowns = model.unknowns.values().map(value).collect();
                    let states = vec![vec![u, 0.0], vec![w, 0.0]];
                    -model.equations[0].residual.eval(&hir::Point { states, unknowns, ..hir::Point::default() })
                };
                let (wanted, found) = (value(&model), value(&again));
                let spelled = again.spell(&again.equations[0].residual);
                assert!((wanted - found).abs() < 1e-9, "{right} at {u}, {w} is {wanted}, but {spelled} is {found}");
            }
        }
    }
}

#[test]
fn known_ones_are_not_written() {
    let model = model("model M { state u, w; u' = u - w - 1; w' = ?terms(u, w) + u*w + 1 }");
    let estimate = |_| Estimate { value: 1.0, std_error: Some(0.5), kept: true };
    let findings = Findings { estimates: model.unknowns.values().map(estimate).collect(), ..Findings::default() };
    let record = RunRecord { equations: equations(&model, &findings), ..RunRecord::default() };
    assert_eq!(report::equations_short(&record), "u' = u - w - 1\nw' = u*w + 1 + 1*u + 1*w\n");
    let long = report::equations_text(&record);
    assert!(long.contains("u' = u - w - 1\n"), "{long}");
    // What was estimated is told with its error.
    assert!(long.contains("1.00(50)*u"), "{long}");
}

#[test]
fn records_name_dropped_terms_parameters_and_noise() {
    let text = format!("{SIDES}\ndata d = csv(\"d.csv\") {{ time t }}\nfit M to d");
    let program = program(&text);
    let model = program.models.values().next().expect("a model");
    let data = program.data.values().next().expect("data");
    let mut findings = sides(model);
    // The position of u'[w] among the unknowns; a parameter is no term.
    let position = |name: &str| model.unknowns.values().position(|u| u.name == name).expect("an unknown");
    let left_out = |name, value, std_error| LeftOut { unknown: position(name), value, std_error, significant: false };
    findings.plausible = vec![left_out("u'[w]", 0.25, 0.125), left_out("k", 1.0, 0.5)];
    findings.noise = vec![Some(0.5), None, Some(0.25)];
    findings.losses = vec![("joint", 2.0), ("joint", 1.0)];
    let trajectory = Trajectory {
        dt: 0.1,
        len: 4,
        values: vec![1.0, -1.0, 1.0, -1.0],
        valid: vec![true; 4],
        ..Trajectory::default()
    };
    let dataset =
        Dataset { source: "d".into(), columns: vec!["u".into()], inputs: Vec::new(), trajectories: vec![trajectory] };
    let observed = Observed::new(model, vec![(data, dataset)], 0).expect("data");
    let record = record(model, &findings, &observed);
    let plausible: Vec<_> =
        record.plausible.iter().map(|p| (p.state.as_str(), p.term.as_str(), p.coefficient)).collect();
    assert_eq!(plausible, [("u", "w", 0.25)]);
    assert_eq!(record.parameters.len(), 1);
    assert_eq!((record.parameters[0].name.as_str(), record.parameters[0].value), ("k", 4.0));
    // The component w' has no data and no noise of its own; that of w is relative to nothing.
    let noise: Vec<_> = record.noise.iter().map(|n| (n.state.as_str(), n.std, n.relative)).collect();
    assert_eq!(noise, [("u", 0.5, Some(0.5))]);
    assert_eq!(record.loss.iter().map(|l| (l.iteration, l.loss)).collect::<Vec<_>>(), [(1, 2.0), (2, 1.0)]);
    // A state without a column has data that are missing, and the solution has not been given.
    assert_eq!(record.trajectories[0].states[0].data, [1.0, -1.0, 1.0, -1.0]);
    assert!(record.trajectories[0].states[1].data.iter().all(|v| v.is_nan()));
    assert!(record.trajectories[0].states[0].solution.iter().all(|v| v.is_nan()));
}

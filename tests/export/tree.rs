//! Expression trees, evaluated by hand.

use std::collections::HashMap;

use mechc::base::Real;
use mechc::export::Format;
use serde_json::Value;

use super::{MODELS, Point, compiled, exported, field, model, points, source};

/// A value, and the sum of the magnitudes of the terms that made it: what rounding errors are relative to.
type Sized = (f64, f64);

/// What names stand for: states with their derivatives, parameters, inputs.
struct Scope {
    time: f64,
    states: HashMap<(String, u64), f64>,
    others: HashMap<(&'static str, String), f64>,
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_string()
}

fn evaluate(tree: &Value, scope: &Scope) -> Sized {
    if let Some(number) = tree.as_f64() {
        return (number, number.abs());
    }
    let alone = |v: f64| (v, v.abs());
    let args: Vec<Sized> = tree["args"].as_array().into_iter().flatten().map(|a| evaluate(a, scope)).collect();
    let name = || text(&tree["name"]);
    let unary = |f: fn(f64) -> f64| alone(f(args[0].0));
    match tree["op"].as_str().expect("an operator") {
        "time" => alone(scope.time),
        "state" => alone(scope.states[&(name(), tree["derivative"].as_u64().expect("a derivative"))]),
        "parameter" => alone(scope.others[&("parameter", name())]),
        "input" => alone(scope.others[&("input", name())]),
        "neg" => (-args[0].0, args[0].1),
        "abs" => unary(Real::abs),
        "sqrt" => unary(Real::sqrt),
        "exp" => unary(Real::exp),
        "ln" => unary(Real::ln),
        "sin" => unary(Real::sin),
        "cos" => unary(Real::cos),
        "tan" => unary(Real::tan),
        "asin" => unary(Real::asin),
        "acos" => unary(Real::acos),
        "atan" => unary(Real::atan),
        "sinh" => unary(Real::sinh),
        "cosh" => unary(Real::cosh),
        "tanh" => unary(Real::tanh),
        "sign" => unary(Real::sign),
        "add" => args.iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1)),
        "sub" => (args[0].0 - args[1].0, args[0].1 + args[1].1),
        "mul" => args.iter().fold((1.0, 1.0), |a, b| (a.0 * b.0, a.1 * b.1)),
        "div" => (args[0].0 / args[1].0, args[0].1 / args[1].0.abs()),
        "pow" => alone(Real::pow(args[0].0, args[1].0)),
        "powi" => {
            let n = i32::try_from(tree["exponent"].as_i64().expect("an exponent")).expect("a small exponent");
            alone(Real::powi(args[0].0, n))
        }
        "min" => alone(Real::min(args[0].0, args[1].0)),
        "max" => alone(Real::max(args[0].0, args[1].0)),
        "if" => {
            let (a, b) = (args[0].0, args[1].0);
            let holds = match tree["compare"].as_str().expect("a comparison") {
                "<" => a < b,
                "<=" => a <= b,
                "==" => a == b,
                other => panic!("{other}"),
            };
            if holds { args[2] } else { args[3] }
        }
        other => panic!("an operator that is not documented: {other}"),
    }
}

fn scope(json: &Value, point: &Point) -> Scope {
    let mut at = point.x.iter();
    let mut states = HashMap::new();
    for state in json["states"].as_array().expect("states") {
        for k in 0..state["order"].as_u64().expect("an order") {
            states.insert((text(&state["name"]), k), *at.next().expect("a component"));
        }
    }
    let parameters = json["parameters"].as_array().expect("parameters").iter();
    let parameters = parameters.zip(&point.p).map(|(p, v)| (("parameter", text(&p["name"])), *v));
    let inputs = json["inputs"].as_array().expect("inputs").iter();
    let others = parameters.chain(inputs.zip(&point.u).map(|(i, v)| (("input", text(i)), *v))).collect();
    Scope { time: point.t, states, others }
}

#[test]
fn trees_and_their_terms_are_the_right_sides() {
    let mut compared = 0;
    for (name, _) in MODELS {
        let text = source(name);
        let json: Value = serde_json::from_str(&exported(&text, Format::Json)).expect("JSON");
        assert_eq!(json["schema"], mechc::export::SCHEMA);
        let (mut compiled, values) = compiled(&text);
        for point in points(&model(&text), &values, 20) {
            let scope = scope(&json, &point);
            let f = field(&mut compiled, &point);
            // The highest derivative of a state is the last of its components.
            let mut at = 0;
            let states = json["states"].as_array().expect("states").iter();
            for (state, equation) in states.zip(json["equations"].as_array().expect("equations")) {
                at += usize::try_from(state["order"].as_u64().expect("an order")).expect("an order");
                let want = f[at - 1];
                let (value, size) = evaluate(&equation["right"], &scope);
                // A few roundings: the compiled code adds in another order.
                let close = |value: f64| (value - want).abs() <= 1e-15 * (4.0 * size).max(1.0);
                assert!(close(value), "{name}, {}: {value} {want} of {size}", state["name"]);
                let terms = equation["terms"].as_array().expect("terms").iter().map(|term| {
                    let factor = if term["factor"].is_null() { 1.0 } else { evaluate(&term["factor"], &scope).0 };
                    term["coefficient"].as_f64().expect("a number") * factor
                });
                let sum: f64 = terms.sum();
                assert!(close(sum), "{name}, terms of {}: {sum} {want} of {size}", state["name"]);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 20 * (3 + 2 + 6 + 5 + 3 + 2 + 16));
}

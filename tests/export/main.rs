//! Exported equations: how they look, and that they say what the model says.

use std::path::{Path, PathBuf};

use mechc::driver::{Compiled, ExportRequest, Failure, Session};
use mechc::export::{Format, Options};
use mechc::hir::{Model, UnknownKind};
use mechc::source::MemoryWorld;
use mechc::train::joint::{Dynamics, Points};

mod command;
#[path = "../common/mod.rs"]
mod common;
mod peers;
mod refused;
mod text;
mod tree;

/// The models of `tests/export/models`, with what the text of their equations lacks to be a model: the declarations of states and
/// inputs.
const MODELS: [(&str, &str); 7] = [
    ("lorenz", "state x, y, z"),
    ("pendulum", "state θ order 2, heat"),
    ("rod", "index cell = 5; state u[cell], u_1"),
    ("functions", "state lambda, der, model_1, e, y"),
    ("switches", "state a, b, c"),
    ("inputs", "state x, w order 3; input heat, t_out"),
    ("words", "state u, dudt, F, D, System, rhs, np, a_b, azb, σ, sigma, Größe, x1, x_1, ___, _f"),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export")
}

fn source(name: &str) -> String {
    std::fs::read_to_string(folder().join(format!("models/{name}.mech"))).expect("a model")
}

fn session(text: &str) -> Session {
    Session::new(MemoryWorld::new().with("m.mech", text))
}

fn export(text: &str, format: Format, digits: Option<u8>) -> Result<String, Failure> {
    let request = ExportRequest { format, options: Options { digits }, model: None, data: None, record: None };
    session(text).export("m.mech", &[], &request)
}

fn exported(text: &str, format: Format) -> String {
    export(text, format, None).unwrap_or_else(|e| panic!("{}", e.render(&Default::default(), SHORT)))
}

const SHORT: mechc::diagnostics::Format = mechc::diagnostics::Format::Short;

/// The only model of a text.
fn model(text: &str) -> Model {
    let program = session(text).check("m.mech", &[]).unwrap_or_else(|e| {
        panic!("{text}\n{}", e.render(&Default::default(), SHORT));
    });
    let (_, model) = program.program.models.iter().next().expect("a model");
    model.clone()
}

/// The compiled model, and the values of its parameters.
fn compiled(text: &str) -> (Compiled, Vec<f64>) {
    let model = model(text);
    let value = |kind| match kind {
        UnknownKind::Param(p) => model.params[p].value.expect("a value"),
        UnknownKind::Coefficient { .. } => panic!("a hole"),
    };
    let values = model.unknowns.values().map(|u| value(u.kind)).collect();
    (session(text).compile("m.mech", &[]).expect("compiled").remove(0), values)
}

/// Somewhere to evaluate a model.
#[derive(Clone, Debug)]
struct Point {
    t: f64,
    x: Vec<f64>,
    p: Vec<f64>,
    u: Vec<f64>,
}

/// Points with states from -1.5 to 1.5 and parameters within 20 % of their values: the same every time.
fn points(model: &Model, values: &[f64], count: usize) -> Vec<Point> {
    let mut state = 1u64;
    let mut draw = move || {
        // Knuth's linear congruential generator, MMIX.
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let components: usize = model.states.values().map(|s| usize::from(s.order)).sum();
    (0..count)
        .map(|_| Point {
            t: 2.0 * draw(),
            x: (0..components).map(|_| 3.0 * draw() - 1.5).collect(),
            p: values.iter().map(|v| v * (0.8 + 0.4 * draw())).collect(),
            u: (0..model.inputs.len()).map(|_| draw()).collect(),
        })
        .collect()
}

/// The right-hand side as mechc compiles it.
fn field(compiled: &mut Compiled, point: &Point) -> Vec<f64> {
    let mut f = vec![0.0; point.x.len()];
    let at = Points { x: &point.x, t: &[point.t], input: &point.u };
    compiled.field(at, &point.p, &mut f).expect("evaluated");
    f
}

/// Jumps that fits are to find, in known parts, candidates and below fractions.
const JUMPS: &str = "model Truth {
  state u, v
  u' = -2*(if u > 0.6 then u else 0) - 0.7*(if u > 0.6 then 0 else u) - 0.5*u*(if v < 0.4 then 2 else 1)
  v' = -v/(1 + (if v < 0.4 then 0.5 else v^2)) + (if u < 0.3 then 0.2 else 1)
  initial u = 2, v = 0.1
}
model Plain {
  state u, v
  param p = 1 in [0, 3]
  u' = ?terms(if u > 0.6 then u else 0, if u > 0.6 then 0 else u) - p*0.5*u*(if v < 0.4 then 2 else 1)
  v' = ?ratio(terms(v), terms(if v < 0.4 then 0.5 else v^2)) + (if u < 0.3 then 0.2 else 1)
}
model Named {
  state u, v
  hole up = ?terms(if u > 0.6 then u else 0, if u > 0.6 then 0 else u)
  hole down = ?ratio(terms(v), terms(if v < 0.4 then 0.5 else v^2))
  u' = if v < 0.4 then up - u else up - 0.5*u
  v' = down + if u < 0.3 then 0.2 else 1
}
data run = simulate Truth { steps 400; dt 0.01; noise 0.1%; seed 2 }
fit Plain to run as plain
fit Named to run as named
";

/// What fits found of them, `discovered.mech` without its data.
fn discovered() -> Vec<(String, String)> {
    let folder = common::folder(&[]);
    let found = ["plain", "named"].map(|fit| {
        let text = common::run_in(&folder, JUMPS, &["--fit", fit]).ok().file("discovered.mech");
        let (model, _) = text.split_once("\ndata ").expect("data behind the model");
        assert!(model.matches("if ").count() >= 4, "{model}");
        (format!("discovered_{fit}"), model.to_string())
    });
    found.into()
}

#[test]
fn every_format_of_every_model() {
    for (name, _) in MODELS {
        for format in Format::ALL {
            // The other trees are judged by their values.
            if format == Format::Json && name != "pendulum" {
                continue;
            }
            if (name, format) == ("inputs", Format::Diffsl) {
                continue;
            }
            let text = exported(&source(name), format);
            let version = format!("mechc {}", env!("CARGO_PKG_VERSION"));
            let text =
                text.replace(&version, "mechc VERSION").replace(&format!("\"{}\"", &version[6..]), "\"VERSION\"");
            insta::assert_snapshot!(format!("{name}.{}", format.name()), text);
        }
    }
}

#[test]
fn digits_round_numbers_for_readers() {
    let text = "model M { state x; param k = 1.23456789 in [0.123456, 2]; x' = -k*x + 1e-7/3; initial x = 2/3 }";
    insta::assert_snapshot!("digits.latex", export(text, Format::Latex, Some(3)).expect("latex"));
    insta::assert_snapshot!("digits.text", export(text, Format::Text, Some(3)).expect("text"));
}

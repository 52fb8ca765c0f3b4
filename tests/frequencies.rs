//! Frequencies of forcings: over many periods a start that is off by a few per cent leads to a wrong minimum, and the run says where the right one is.

mod common;

use common::{folder, run_in, value};

/// 25 periods of an oscillator that is forced with the frequency 1.3, and a fit that starts elsewhere.
fn model(start: &str) -> String {
    format!(
        "model Truth {{
  state x
  param w = 1.3
  x'' = -4*x - 0.3*x' + 2*sin(w*t)
  initial x = 1, x' = 0
}}
model Driven {{
  state x
  param k, c, a, w = {start} in [0.5, 3]
  x'' = -k*x - c*x' + a*sin(w*t)
}}
data d = simulate Truth {{ steps 601; dt 0.2; noise 2%; seed 1 }}
fit Driven to d
"
    )
}

/// What a run says, and the frequency that it finds.
fn run(start: &str) -> (String, f64) {
    let folder = folder(&[]);
    let ran = run_in(&folder, &model(start), &[]).ok();
    (ran.said(), value(&ran.equations(), "w"))
}

/// From starts that are off by a fifth on both sides: the help leads to the frequency when it is followed.
#[test]
fn a_frequency_in_a_wrong_minimum_is_told_with_the_right_one() {
    for start in ["1.04", "1.56"] {
        let (said, frequency) = run(start);
        assert!((frequency - 1.3).abs() > 0.05, "{start}: the start is good enough");
        assert!(said.contains("the frequency `w` is in a wrong minimum"), "{start}: {said}");
        assert!(!said.contains("W1102") && !said.contains("W1120"), "{start}: {said}");
        let help = said.split("start it there, `param w = ").nth(1).expect("a help");
        let (said, frequency) = run(help.split('`').next().expect("a value"));
        assert!((frequency - 1.3).abs() < 1e-3 && !said.contains("W1111"), "{start}: {said}");
    }
}

/// Nothing is said of a frequency that was found.
#[test]
fn a_good_start_is_enough() {
    let (said, frequency) = run("1.32");
    assert!((frequency - 1.3).abs() < 1e-3 && !said.contains("frequency"), "{said}");
}

/// The fits that are made for this are shared out, and a frequency that starts nowhere keeps no other from its own.
#[test]
fn each_frequency_is_looked_for() {
    for others in ["v in [0.99, 1.01]", "v = 1 in [0.99, 1.01]", "v = 1"] {
        let model = format!(
            "model Truth {{ state x; x' = -0.4*x + sin(t) + sin(3*t); initial x = 1 }}
model Driven {{ state x; param a = 0.4, {others}, w = 3.4; x' = -a*x + sin(v*t) + sin(w*t) }}
data d = simulate Truth {{ steps 601; dt 0.1; noise 2%; seed 1 }}
fit Driven to d
"
        );
        let said = run_in(folder(&[]), &model, &[]).said();
        assert!(said.contains("the frequency `w` is in a wrong minimum"), "{others}: {said}");
    }
}

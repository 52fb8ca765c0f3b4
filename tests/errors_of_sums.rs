//! The error of a coefficient that is made of several parameters is that of the same coefficient as one parameter: what they do together may be
//! known far better, or worse, than each of them.

mod common;

use common::run;
use serde_json::Value;

/// The coefficients of the equations with their errors, of a law fitted to data of another one with so much noise.
fn coefficients(truth: &str, noise: &str, law: &str) -> Vec<[f64; 2]> {
    let (_, record) = run(&format!(
        "model Truth {{ state x, y; param p = 0.5, q = 1.2; {truth}; initial x = 3, y = 0.5 }}
model M {{ state x, y; {law} }}
data d = simulate Truth {{ steps 100; dt 0.05; noise {noise}; seed 4 }}
fit M to d
"
    ));
    let equations = record["equations"].as_array().expect("equations");
    let terms = equations.iter().flat_map(|e| e["terms"].as_array().expect("terms"));
    // What is known has none.
    terms.filter_map(|t: &Value| Some([t["coefficient"].as_f64()?, t["std_error"].as_f64()?])).collect()
}

fn agree(several: &[[f64; 2]], one: &[[f64; 2]]) {
    assert_eq!(several.len(), one.len());
    for ([value, error], [wanted, of]) in several.iter().zip(one) {
        assert!((value - wanted).abs() < 0.02 * of, "{value} for {wanted} ± {of}");
        assert!((error / of - 1.0).abs() < 0.02, "{error} for {of}");
    }
}

/// The sum is seen about as well as the difference, and far less well: the noise is a share of what a known drift adds to.
#[test]
fn a_difference_and_a_sum_have_the_errors_of_one_parameter() {
    for drift in [0, 30] {
        let of = |law: &str| coefficients(&format!("x' = -p*x; y' = q*x + {drift}"), "1%", law);
        let several = of(&format!("param a = 0.8, b = 0.3; x' = -(a - b)*x; y' = (a + b)*x + {drift}"));
        let one = of(&format!("param p = 0.5, q = 1.1; x' = -p*x; y' = q*x + {drift}"));
        // Errors of `a` and `b` taken for independent are the same for both.
        let [[_, difference], [_, sum]] = [one[0], one[1]];
        assert!(sum > 1.5 * difference, "{one:?}");
        agree(&several[..2], &one[..2]);
    }
}

/// Neither parameter is known, their sum is.
#[test]
fn a_sum_that_alone_is_determined_has_its_own_error() {
    let of = |law: &str| coefficients("x' = -p*x; y' = -y", "2%", law);
    let several = of("param a = 1 in [0, 5], b = 1 in [0, 5], c = 1; x' = -(a + b)*x; y' = -c*y");
    agree(&several, &of("param p = 1 in [0, 5], c = 1; x' = -p*x; y' = -c*y"));
}

//! The unit in which data are written does not matter: the same model with all states times a factor gives the same equations.

mod tables;

use tables::{fitted, numbers, table};

/// States that are written in another unit.
const FACTORS: [f64; 3] = [1e-9, 10.0, 1e6];
/// And in one that makes charges of coulombs.
const FAR: f64 = 1e-19;

/// Relative difference that counts as none.
const SAME: f64 = 1e-6;

/// Whether numbers are those in the first unit, each times a power of the factor.
fn same(first: &[[f64; 2]], other: &[[f64; 2]], factor: f64, powers: &[i32]) {
    assert_eq!((first.len(), other.len()), (powers.len(), powers.len()), "{first:?} {other:?}");
    for ((a, b), &power) in first.iter().zip(other).zip(powers) {
        for (a, b) in a.iter().zip(b) {
            let b = b * factor.powi(-power);
            assert!((a - b).abs() <= SAME * a.abs(), "{factor}: {a} {b}");
        }
    }
}

#[test]
fn a_state_that_is_never_observed() {
    let f = |[s, e, i]: [f64; 3]| [-0.9 * s * i, 0.9 * s * i - 0.4 * e, 0.4 * e - 0.25 * i];
    let run = |factor: f64| {
        let data = table(f, &[[0.97, 0.02, 0.01]], (100, 0.4, 0.01), (factor, &[(0, "S"), (2, "I")]));
        let model = format!(
            "model M {{
  state S, E, I
  param b = {:e}, s = 0.4, g = 0.25
  S' = -b*S*I
  E' = b*S*I - s*E
  I' = s*E - g*I
  initial S = {:e}, E = {:e}, I = {:e}
}}",
            0.9 / factor,
            0.97 * factor,
            0.02 * factor,
            0.01 * factor
        );
        numbers(&fitted(&data, &model, "S = S; I = I")).into_iter().take(3).collect::<Vec<_>>()
    };
    let first = run(1.0);
    for ([value, error], truth) in first.iter().zip([0.9, 0.4, 0.25]) {
        assert!((value - truth).abs() < 4.0 * error && error / truth < 0.1, "{value} {error} {truth}");
    }
    for factor in FACTORS {
        same(&first, &run(factor), factor, &[-1, 0, 0]);
    }
}

/// Both hidden states are zero along their start, since each comes from the other only: what size they have the observed equation tells.
#[test]
fn states_that_stay_at_zero_along_their_start() {
    let f = |[s, e, i]: [f64; 3]| [-0.9 * s * i, 0.9 * s * i - 0.4 * e, 0.4 * e - 0.25 * i];
    let run = |factor: f64| {
        let data = table(f, &[[0.97, 0.02, 0.01]], (100, 0.4, 0.01), (factor, &[(0, "S")]));
        let model = format!(
            "model M {{
  state S, E, I
  param b = {:e}, s = 0.4
  S' = -b*S*I
  E' = b*S*I - s*E
  I' = s*E - 0.25*I
  initial E = 0, I = 0
}}",
            0.9 / factor
        );
        numbers(&fitted(&data, &model, "S = S")).into_iter().take(2).collect::<Vec<_>>()
    };
    let first = run(1.0);
    for ([value, error], truth) in first.iter().zip([0.9, 0.4]) {
        assert!((value - truth).abs() < 4.0 * error && error / truth < 0.1, "{value} {error} {truth}");
    }
    for factor in FACTORS {
        same(&first, &run(factor), factor, &[-1, 0]);
    }
}

#[test]
fn a_state_without_a_first_guess() {
    let f = |[x, y, z]: [f64; 3]| [10.0 * (y - x), 28.0 * x - y - x * z, x * y - 8.0 / 3.0 * z];
    let run = |factor: f64| {
        let data = table(f, &[[1.0, 1.0, 20.0]], (600, 0.01, 0.2), (factor, &[(0, "x"), (1, "y")]));
        let model = format!(
            "model M {{
  state x, y, z
  x' = 10*(y - x)
  y' = ?terms(x, y, x*z)
  z' = {:e}*x*y - 8/3*z
}}",
            1.0 / factor
        );
        numbers(&fitted(&data, &model, "x = x; y = y"))
    };
    let first = run(1.0);
    for factor in FACTORS {
        same(&first, &run(factor), factor, &[0, 0, -1]);
    }
}

#[test]
fn terms_of_a_denominator() {
    let f = |[s]: [f64; 1]| [-2.0 * s / (0.8 + s)];
    let run = |factor: f64| {
        let data = table(f, &[[5.0], [2.0]], (150, 0.03, 0.05), (factor, &[(0, "s")]));
        let model = "model M { state s; s' = -?ratio(terms(s), terms(s, s^2)) }";
        numbers(&fitted(&data, model, "s = s"))
    };
    let first = run(1.0);
    let truth = [-2.5, 1.25];
    assert!(first.iter().zip(truth).all(|([value, error], truth)| (value - truth).abs() < 4.0 * error), "{first:?}");
    for factor in FACTORS {
        same(&first, &run(factor), factor, &[0, -1]);
    }
}

#[test]
fn a_parameter_without_a_start() {
    let f = |[x, y]: [f64; 2]| {
        let r = 2.0 * x / (0.5 + x);
        [-r + 0.2 * y, r - 0.3 * y]
    };
    let starts = [[4.0, 0.5], [2.0, 0.0], [1.0, 0.9]];
    let run = |factor: f64| {
        let data = table(f, &starts, (120, 0.1, 0.05), (factor, &[(0, "x"), (1, "y")]));
        let model = "model M {
  state x, y
  param K
  hole r = ?terms(x/(K + x), x, x^2)
  x' = -r + ?terms(1, y)
  y' = r - ?terms(y, 1)
}";
        numbers(&fitted(&data, model, "x = x; y = y"))
    };
    let first = run(1.0);
    let [k, error] = first[0];
    assert!((k - 0.5).abs() < 4.0 * error && error < 0.1, "{k} {error}");
    for factor in FACTORS {
        same(&first, &run(factor), factor, &[1, 1, 0, 0]);
    }
    same(&first, &run(FAR), FAR, &[1, 1, 0, 0]);
}

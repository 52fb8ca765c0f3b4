//! What the discretisations reach on systems with known solutions. Tolerances are those that the documents claim.

use mechc::solve::relaxed::{
    Border, Coefficients, DataRows, Precision, Problem, RowSet, RowWeights, Scheme, Shape, Steps, factor,
};

/// `sum_k c[k] u^(k) = rhs` from the initial values, with its solution.
struct System {
    name: &'static str,
    c: &'static [f64],
    rhs: f64,
    initial: &'static [f64],
    exact: fn(f64) -> f64,
}

const OSCILLATOR: System =
    System { name: "u'' + u = 0", c: &[1.0, 0.0, 1.0], rhs: 0.0, initial: &[0.0, 1.0], exact: f64::sin };

/// Largest error over `steps` intervals of length `h`.
fn largest_error(system: &System, h: f64, steps: usize, orders: usize, scheme: Scheme) -> f64 {
    let shape = Shape {
        batch: 1,
        equations: 1,
        steps: steps + 1,
        states: 1,
        orders,
        initial_steps: 1,
        initial_orders: system.initial.len(),
    };
    let mut c = vec![0.0; shape.coefficients()];
    c.chunks_exact_mut(orders).for_each(|row| row[..system.c.len()].copy_from_slice(system.c));
    let problem = Problem {
        shape,
        scheme,
        c: Coefficients::PerSample(&c),
        rhs: &vec![system.rhs; shape.right_hand_sides()],
        iv: system.initial,
        h: Steps { values: &vec![h; steps], per_sample: true, per_state: false },
        row_weights: RowWeights::default(),
        data: DataRows::default(),
        border: Border::default(),
    };
    let solution = factor(&problem).and_then(|factor| factor.solve(&problem)).expect("a regular system");
    let values = solution.u.iter().step_by(orders).enumerate();
    values.map(|(i, u)| (u - (system.exact)(i as f64 * h)).abs()).fold(0.0, f64::max)
}

#[test]
fn the_default_scheme_on_the_oscillator() {
    for (h, steps, tolerance) in [(0.05, 400, 1e-6), (0.01, 2000, 1e-9)] {
        let error = largest_error(&OSCILLATOR, h, steps, Scheme::orders_for(2), Scheme::default());
        println!("{}, h = {h}, default: {error:.2e}", OSCILLATOR.name);
        assert!(error < tolerance, "h = {h}: {error:e}");
    }
}

#[test]
fn the_published_schemes_on_the_oscillator() {
    // Derivatives kept, central rows, step, error to two digits.
    for (highest, central, h, expected) in [
        (2, false, 0.1, 3.6e-1),
        (2, false, 0.05, 1.1e-1),
        (2, false, 0.01, 5.0e-3),
        (2, true, 0.05, 7.8e-3),
        (3, false, 0.05, 3.5e-3),
        (4, false, 0.05, 8.8e-6),
        (5, false, 0.05, 9.2e-7),
    ] {
        let scheme = Scheme { central, ..Scheme::published() };
        let error = largest_error(&OSCILLATOR, h, (20.0 / h).round() as usize, highest + 1, scheme);
        println!(
            "{}, h = {h}, {highest} published{}: {error:.2e}",
            OSCILLATOR.name,
            if central { ", central" } else { "" }
        );
        assert!((error / expected - 1.0).abs() < 0.06, "{highest}, {central}, {h}: {error:e}");
    }
}

/// The systems of arXiv 2410.06074 (h = 0.01, 1000 steps) with its largest errors, in units of their rates.
const PUBLISHED: [(System, f64); 6] = [
    (System { name: "RC circuit", c: &[1.0, 1.0], rhs: 1.0, initial: &[0.0], exact: |t| 1.0 - (-t).exp() }, 7.3e-6),
    (
        System { name: "population growth", c: &[-0.3, 1.0], rhs: 0.0, initial: &[1.0], exact: |t| (0.3 * t).exp() },
        9.6e-5,
    ),
    (System { name: "language death", c: &[0.1, 1.0], rhs: 0.0, initial: &[1.0], exact: |t| (-0.1 * t).exp() }, 8.6e-7),
    (OSCILLATOR, 2.5e-4),
    (
        System {
            name: "damped oscillator",
            c: &[1.01, 0.2, 1.0],
            rhs: 0.0,
            initial: &[0.0, 1.0],
            exact: |t| (-0.1 * t).exp() * t.sin(),
        },
        7.1e-5,
    ),
    (
        System { name: "third order", c: &[1.0, 1.0, 1.0, 1.0], rhs: 0.0, initial: &[1.0, 0.0, -1.0], exact: f64::cos },
        1.4e-5,
    ),
];

#[test]
fn the_default_scheme_on_linear_systems() {
    for (system, published) in &PUBLISHED {
        let error = largest_error(system, 0.01, 1000, Scheme::orders_for(system.c.len() - 1), Scheme::default());
        println!("{}: {error:.2e}, published {published:.1e}, {:.0} times less", system.name, published / error);
        assert!(error < published / 100.0, "{}: {error:e}", system.name);
    }
}

#[test]
fn precisions_on_the_oscillator() {
    for (steps, single) in [(50, 1e-5), (500, 1e-3)] {
        for rows in [RowSet::Taylor, RowSet::Hermite] {
            let solve = |precision| {
                let refinements = if precision == Precision::Double { 3 } else { 0 };
                let scheme = Scheme { precision, rows, refinements, ..Scheme::default() };
                solution(0.05, steps, 4, scheme)
            };
            let exact = solve(Precision::Double);
            let difference = |x: &[f64]| exact.iter().zip(x).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let (low, mixed) = (difference(&solve(Precision::Single)), difference(&solve(Precision::Mixed)));
            println!("{rows:?}, T = {steps}: f32 {low:.1e}, mixed {mixed:.1e}");
            assert!(low < single, "{rows:?}, T = {steps}: f32 {low:e}");
            assert!(mixed < 1e-10, "{rows:?}, T = {steps}: mixed {mixed:e}");
        }
    }
}

/// The oscillator's solution.
fn solution(h: f64, steps: usize, orders: usize, scheme: Scheme) -> Vec<f64> {
    let shape = Shape { batch: 1, equations: 1, steps, states: 1, orders, initial_steps: 1, initial_orders: 2 };
    let mut c = vec![0.0; shape.coefficients()];
    c.chunks_exact_mut(orders).for_each(|row| row[..3].copy_from_slice(OSCILLATOR.c));
    let problem = Problem {
        shape,
        scheme,
        c: Coefficients::PerSample(&c),
        rhs: &vec![0.0; steps],
        iv: OSCILLATOR.initial,
        h: Steps { values: &vec![h; steps - 1], per_sample: true, per_state: false },
        row_weights: RowWeights::default(),
        data: DataRows::default(),
        border: Border::default(),
    };
    let solution = factor(&problem).and_then(|factor| factor.solve(&problem)).expect("a regular system");
    solution.u.into_iter().step_by(orders).collect()
}

//! Random shapes with random options, from a single step and a single derivative on.

use super::gradients::gradient_errors;
use super::*;

/// Numbers that a test draws.
struct Draw(ChaCha8Rng);

impl Draw {
    /// A whole number below `n`.
    fn below(&mut self, n: usize) -> usize {
        (self.0.random::<f64>() * n as f64) as usize
    }

    /// A case of at most so many samples, and what it is.
    fn case(&mut self, samples: usize, seed: u64) -> (Case, String) {
        let (states, orders, steps) = (1 + self.below(3), 1 + self.below(5), 1 + self.below(8));
        let (batch, equations) = (1 + self.below(samples), self.below(states + 2));
        let sizes = (batch, equations, steps, states, orders, self.below(steps + 1), self.below(orders + 1));
        let all = ["slack", "central", "hermite", "periodic", "c", "h", "states", "weights", "data", "border"];
        let mut words: Vec<&str> = all.into_iter().filter(|_| self.below(3) == 0).collect();
        // What does not go together, or takes more steps or derivatives.
        let hermite = words.contains(&"hermite");
        words.retain(|word| match *word {
            "central" => orders > 1 && !hermite,
            "hermite" | "data" => orders > 1,
            "periodic" => steps > 2,
            _ => true,
        });
        if self.below(2) == 0 {
            words.iter_mut().filter(|word| **word == "border").for_each(|word| *word = "shared-border");
        }
        let mut case = make_with(sizes, &words.join(" "), seed);
        case.scheme.refinements = 2;
        (case.scheme.precision, case.scheme.method) = WAYS[self.below(WAYS.len())];
        let apart = self.below(3) == 0;
        if apart {
            // Each equation has one state alone: those that none has with others are systems of their own.
            for (i, c) in case.c.chunks_exact_mut(orders).enumerate() {
                let (equation, state) = (i / states / steps % equations, i % states);
                c.iter_mut().for_each(|c| *c *= f64::from(u8::from(equation % states == state)));
            }
        }
        let what = format!("{sizes:?} {}, {:?}, apart {apart}, seed {seed}", words.join(" "), case.scheme);
        (case, what)
    }
}

/// Everything that has all digits of double precision.
const WAYS: [(Precision, Method); 4] = [
    (Precision::Double, Method::Normal),
    (Precision::Double, Method::Qr),
    (Precision::Mixed, Method::Normal),
    (Precision::Mixed, Method::Qr),
];

/// The larger of the errors of solution, slack and border of a sample, relative to their largest numbers.
fn solution_error(case: &Case, solution: &Solution, b: usize) -> f64 {
    let (dense, n) = (dense_solve(case, b), case.shape.unknowns());
    let mut found = solution.u[b * n..][..n].to_vec();
    found.push(solution.eps[b]);
    found.extend(&solution.theta[b * case.border..][..case.border]);
    error(&found, &dense)
}

#[test]
fn random_shapes_agree_with_a_dense_solve() {
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(7));
    let (mut solved, mut short) = (0, 0);
    for seed in 0..400 {
        let (case, what) = draw.case(18, seed);
        // Too few rows are an error; the solution is never wrong without one.
        let solution = match case.solve() {
            Ok(solution) => solution,
            Err(SolveError::Singular { .. } | SolveError::Border { .. }) => continue,
            Err(other) => panic!("{what}: {other}"),
        };
        solved += 1;
        short += usize::from(case.shape.steps < 3);
        for b in [0, case.shape.batch - 1] {
            let e = solution_error(&case, &solution, b);
            assert!(e < 1e-9, "{what}, sample {b}: {e:e}");
        }
    }
    assert!(solved > 200 && short > 20, "{solved} systems, {short} of one or two steps");
}

#[test]
fn random_gradients_agree_with_differences() {
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(8));
    let (mut compared, mut short, mut of_c) = (0, 0, 0);
    for seed in 0..60 {
        let (case, what) = draw.case(9, 1000 + seed);
        let Ok(solution) = case.solve() else { continue };
        compared += 1;
        short += usize::from(case.shape.steps < 3);
        // Differences over a ten-thousandth lose the digits that rounding takes from the loss, as large as the solution.
        let largest = solution.u.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
        let zeros = case.c.contains(&0.0);
        for (name, e) in gradient_errors(&case, 1e-2 * largest, |_| ()) {
            // Coefficients that are zero everywhere are kept zero by the solve: their differences couple what is solved apart.
            let apart = name == "c" && zeros;
            of_c += usize::from(name == "c" && !zeros);
            assert!(e.is_finite() && (apart || e < 1e-7 + 1e-8 * largest), "{what}: {name}: {e:e}");
        }
    }
    assert!(
        compared > 30 && short > 4 && of_c > 10,
        "{compared} cases, {short} short ones, {of_c} with all coefficients"
    );
}

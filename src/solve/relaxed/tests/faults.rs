//! Systems that have no solution, and input that makes no sense.

use super::*;

#[test]
fn systems_without_a_solution_are_named() {
    let base = make(((10, 1, 5, 1, 3, 1, 2), ""), 40);
    // No initial values and no coefficients in sample 9: any polynomial of degree 2 satisfies the smoothness rows.
    let mut case = base.clone();
    case.shape.initial_steps = 0;
    case.iv.clear();
    let n = case.shape.coefficients();
    case.c[9 * n..].fill(0.0);
    assert!(matches!(case.solve(), Err(SolveError::Singular { sample: 9, state: 0, .. })), "{:?}", case.solve());

    let mut case = base.clone();
    case.c[3 * n + 2 * 3 + 1] = f64::NAN;
    assert_eq!(case.solve().unwrap_err(), SolveError::NonFiniteMatrix { sample: 3, step: 2, state: 0, order: 1 });

    let mut case = base.clone();
    case.h[4 * 4 + 1] = f64::INFINITY;
    assert!(matches!(case.solve(), Err(SolveError::NonFiniteMatrix { sample: 4, .. })), "{:?}", case.solve());

    let mut case = base.clone();
    case.rhs[8 * 5] = f64::NAN;
    assert_eq!(
        case.solve().unwrap_err(),
        SolveError::NonFiniteResult { what: "solution", sample: 8, step: 0, state: 0, order: 0 }
    );

    let solution = base.solve().unwrap();
    let mut upstream = solution.u.clone();
    upstream[7 * 15 + 4] = f64::INFINITY;
    let found = factor(&base.problem()).unwrap().adjoint(&base.problem(), &solution, &upstream, None, Wanted::ALL);
    assert!(matches!(found, Err(SolveError::NonFiniteResult { what: "adjoint solution", sample: 7, .. })), "{found:?}");

    let mut case = base.clone();
    for weight in [f64::NAN, f64::INFINITY, 1e200, 1e-200, -1.0, -1e-9] {
        case.scheme.weights.smooth = weight;
        let error = case.solve().unwrap_err();
        assert!(matches!(error, SolveError::Scheme { what: "the smooth weight", .. }), "{weight}: {error}");
    }

    for (rows, name) in ["equation", "initial", "smooth", "data"].into_iter().enumerate() {
        for weight in [f64::NAN, f64::INFINITY, -1.0] {
            let mut case = base.clone();
            let Shape { equations, steps, states, initial_steps, batch, .. } = case.shape;
            let lengths = [equations * steps, initial_steps * states, (steps - 1) * states, 2];
            let mut weights = vec![1.0; lengths[rows]];
            let index = weights.len() - 1;
            weights[index] = weight;
            if rows < 3 {
                case.row_weights[rows] = weights;
            } else {
                (case.places, case.data, case.data_weights) = (vec![(0, 0, 0); 2], vec![0.0; 2 * batch], weights);
            }
            let error = case.solve().unwrap_err();
            let found = matches!(error, SolveError::Weight { rows, index: at, .. } if rows == name && at == index);
            assert!(found, "{name} {weight}: {error}");
        }
    }

    let mut case = base.clone();
    case.rhs.pop();
    assert_eq!(case.solve().unwrap_err(), SolveError::Length { what: "rhs", expected: 50, got: 49 });

    let mut case = base;
    case.shape.orders = 1;
    case.scheme.central = true;
    assert!(matches!(case.solve(), Err(SolveError::TooFew { what: "orders", got: 1, .. })));
}

/// Every precision with every method.
fn ways() -> impl Iterator<Item = (Precision, Method)> {
    [Precision::Double, Precision::Single, Precision::Mixed]
        .into_iter()
        .flat_map(|precision| [(precision, Method::Normal), (precision, Method::Qr)])
}

#[test]
fn gradients_beyond_numbers_are_named() {
    type Spoil = fn(&mut Gradients);
    let case = make(((9, 2, 5, 1, 3, 1, 2), "weights data border slack"), 41);
    let check = |spoil: Spoil| {
        let mut gradients = Gradients { c: vec![0.0; case.c.len()], h: vec![0.0; case.h.len()], ..Default::default() };
        spoil(&mut gradients);
        gradients.check(&case.problem()).map_err(|error| error.to_string())
    };
    assert_eq!(check(|_| ()), Ok(()));
    let spoiled: [(Spoil, &str); 6] = [
        (|g| g.c[3 * 30 + 15 + 2 * 3 + 1] = f64::NAN, "c is not finite at sample 3, equation 1, step 2, derivative 1"),
        (|g| g.h[8 * 4 + 3] = f64::INFINITY, "h is not finite at sample 8, interval 3"),
        (|g| g.weights[0] = f64::INFINITY, "the equation weight is not finite"),
        (|g| g.weights[1] = f64::NEG_INFINITY, "the initial weight is not finite"),
        (|g| g.weights[2] = f64::NAN, "the smooth weight is not finite"),
        (|g| g.push = f64::NAN, "the push is not finite"),
    ];
    for (spoil, said) in spoiled {
        assert_eq!(check(spoil), Err(format!("the gradient of {said}")));
    }
}

#[test]
fn what_nothing_determines_is_an_error_in_every_sample() {
    // Three of four derivatives at the first step: a cubic is left over in each state, and its pivot is rounding error of any sign.
    for (precision, method) in ways() {
        for seed in 0..20 {
            for (sizes, words) in
                [((10, 0, 5, 3, 4, 1, 3), ""), ((1, 0, 9, 1, 4, 1, 3), "states"), ((9, 0, 7, 2, 5, 1, 4), "h")]
            {
                let mut case = make((sizes, words), seed);
                case.scheme.precision = precision;
                case.scheme.method = method;
                assert!(
                    matches!(case.solve(), Err(SolveError::Singular { .. })),
                    "{sizes:?}, {precision:?}, {method:?}, seed {seed}: {:?}",
                    case.solve()
                );
            }
        }
    }
}

#[test]
fn what_nothing_determines_is_an_error_in_long_samples_too() {
    // Two coupled states over 307 steps are cut in time. Without equations in the second sample its parabolas have one number left over.
    for (seed, words) in (0..20).flat_map(|seed| ["", "states", "hermite"].map(|words| (seed, words))) {
        let mut case = make(((2, 2, 307, 2, 3, 1, 2), words), seed);
        assert!(matches!(factor(&case.problem()).unwrap().storage, super::storage::Storage::Segments(_)));
        let n = case.shape.coefficients();
        case.c[n..].fill(0.0);
        assert!(
            matches!(case.solve(), Err(SolveError::Singular { sample: 1, .. })),
            "{words}, seed {seed}: {:?}",
            case.solve().map(|s| s.u[0])
        );
    }
    // A number that is none at every step in turn: inside segments and at their ends.
    for step in [0, 17, 18, 36, 305, 306] {
        let mut case = make(((1, 2, 307, 2, 3, 1, 2), ""), 3);
        case.c[step * 6 + 2] = f64::NAN;
        assert!(
            matches!(case.solve(), Err(SolveError::NonFiniteMatrix { sample: 0, .. })),
            "step {step}: {:?}",
            case.solve().map(|s| s.u[0])
        );
    }
}

#[test]
fn what_goes_wrong_in_stretches_is_named() {
    let base = make(((10, 1, 300, 1, 3, 1, 2), ""), 41);
    let fused = |case: &Case| {
        let (good, problem) = (base.problem(), case.problem());
        let mut solution = Solution::default();
        factor(&good).unwrap().refactor_and_solve_into(&problem, &mut solution)
    };
    assert_eq!(fused(&base), Ok(()));
    let n = base.shape.coefficients();
    let mut case = base.clone();
    case.c[9 * n..].fill(0.0);
    assert!(matches!(fused(&case), Err(SolveError::Singular { sample: 9, .. })), "{:?}", fused(&case));
    let mut case = base.clone();
    case.c[3 * n + 280 * 3 + 1] = f64::NAN;
    assert_eq!(fused(&case), Err(SolveError::NonFiniteMatrix { sample: 3, step: 280, state: 0, order: 1 }));
    let mut case = base.clone();
    case.rhs[8 * 300 + 270] = f64::INFINITY;
    assert!(matches!(fused(&case), Err(SolveError::NonFiniteResult { what: "solution", sample: 8, .. })));
    let made = factor(&base.problem()).unwrap();
    let solution = made.solve(&base.problem()).unwrap();
    let mut upstream = solution.u.clone();
    upstream[7 * 900 + 40] = f64::NAN;
    let wanted = Wanted { weights: false, row_weights: false, ..Wanted::ALL };
    let found = made.adjoint(&base.problem(), &solution, &upstream, None, wanted);
    assert!(matches!(found, Err(SolveError::NonFiniteResult { what: "adjoint solution", sample: 7, .. })), "{found:?}");
    // Solution and adjoint solution are numbers, their product is none.
    let mut large = base.clone();
    large.rhs.iter_mut().chain(&mut large.iv).for_each(|x| *x *= 1e200);
    let solution = made.solve(&large.problem()).unwrap();
    let gradients = made.adjoint(&large.problem(), &solution, &solution.u, None, wanted).unwrap();
    let found = gradients.check(&large.problem());
    assert!(
        matches!(&found, Err(SolveError::NonFiniteGradient { what: "c", place }) if place.starts_with(" at sample 0, step 0")),
        "{found:?}"
    );
}

#[test]
fn unknowns_of_the_border_that_nothing_determines_are_named() {
    // Without `u'` at the start a straight line is free but for the equation, and the border's columns are what the equation gives of it.
    let mut case = make(((1, 1, 20, 1, 3, 1, 1), "border"), 5);
    case.h.fill(0.3);
    let Shape { steps, .. } = case.shape;
    for t in 0..steps {
        let (time, c) = (0.3 * t as f64, &case.c[t * 3..][..3]);
        case.columns[2 * t] = c[0] * time + c[1];
        case.columns[2 * t + 1] = (1.0 + time).sin();
    }
    for method in [Method::Normal, Method::Qr] {
        case.scheme.method = method;
        let mut problem = case.problem();
        problem.border.ridge = 0.0;
        let found = factor(&problem).map(|_| ());
        assert!(matches!(found, Err(SolveError::Border { .. } | SolveError::Singular { .. })), "{method:?}: {found:?}");
    }
}

#[test]
fn rounding_of_a_decayed_solution_is_not_a_pivot() {
    // u' + u = 0 over 12 units of time without a start. The rows leave multiples of exp(-t) free but for 1e-18 of their squares. At the
    // end, where the chain of pivots would show it, the solution has decayed to 1e-5, and rounding makes a pivot of 1e-6.
    let mut case = make(((9, 1, 600, 1, 5, 1, 1), ""), 70);
    case.h.fill(0.02);
    case.c.chunks_exact_mut(5).for_each(|c| c.copy_from_slice(&[1.0, 1.0, 0.0, 0.0, 0.0]));
    case.rhs.fill(0.0);
    case.iv.fill(1.0);
    let u = case.solve().unwrap().u;
    let end = (-0.02 * 599.0f64).exp();
    assert!((u[599 * 5] / end - 1.0).abs() < 1e-3, "{:e}", u[599 * 5]);
    case.shape.initial_steps = 0;
    case.iv.clear();
    // Rows of zeros have the solution zero, and its rounding errors are multiples of nothing: the rows are factored and say so.
    let made = factor(&case.problem()).unwrap();
    assert!(matches!(made.failure(), Some(SolveError::Singular { step: 599, .. })), "{:?}", made.failure());
    assert!(made.solve(&case.problem()).unwrap().u.iter().all(|u| *u == 0.0));
}

#[test]
fn a_factor_belongs_to_its_data_rows() {
    let case = make(((9, 1, 9, 1, 3, 1, 2), "data"), 80);
    let fused = |factor: &mut Factor, problem: &Problem| {
        let mut solution = Solution::default();
        factor.refactor_and_solve_into(problem, &mut solution).map(|()| solution.u)
    };
    let places = [&[][..], &[(4, 0, 1)], &[(0, 0, 0), (4, 0, 1), (5, 0, 1), (8, 0, 2)]];
    for places in places {
        let mut made = factor(&case.problem()).unwrap();
        let mut other = case.clone();
        other.places = places.to_vec();
        other.data.truncate(9 * places.len());
        other.data_weights.truncate(places.len());
        let problem = other.problem();
        assert_eq!(made.solve(&problem), Err(SolveError::Mismatch { what: "data rows" }), "{places:?}");
        let solution = made.solve(&case.problem()).unwrap();
        let found = made.adjoint(&problem, &solution, &solution.u, None, Wanted::ALL);
        assert_eq!(found, Err(SolveError::Mismatch { what: "data rows" }), "{places:?}");
        // Factored again in the same memory it is a factor of the new rows.
        let expected = fused(&mut factor(&problem).unwrap(), &problem);
        assert!(expected.is_ok() && fused(&mut made, &problem) == expected, "{places:?}");
        assert_eq!(made.solve(&case.problem()), Err(SolveError::Mismatch { what: "data rows" }), "{places:?}");
    }
}

#[test]
fn a_border_beyond_memory_is_refused() {
    // Without equations a border of any width has no columns.
    let case = make(((2, 0, 5, 1, 3, 1, 3), ""), 81);
    for width in [1 << 28, 1 << 40, usize::MAX] {
        let mut problem = case.problem();
        problem.border = Border { width, columns: &[], per_sample: false, ridge: 1.0 };
        assert_eq!(factor(&problem).map(|_| ()), Err(SolveError::TooLarge), "{width}");
    }
}

/// `u' + a(t) u = f(t)` without a start, in steps of `h`: `u = (t/25 - 1)^2`, which Taylor rows of three derivatives and more and all
/// Hermite rows hold exactly. Multiples of the decaying solution change rows by little, so that the normal matrix hardly tells them from zero.
fn without_start(sizes: (usize, usize, usize), words: &str, h: f64) -> (Case, Vec<f64>) {
    let (batch, steps, orders) = sizes;
    let mut case = make_with((batch, 1, steps, 1, orders, 0, 0), words, 90);
    case.h.fill(h);
    case.c.fill(0.0);
    let shifted = |t: usize| h * t as f64 / 25.0 - 1.0;
    let rate = |t: usize| 0.5 + 0.3 * (h * t as f64).sin();
    for (i, c) in case.c.chunks_exact_mut(orders).enumerate() {
        (c[0], c[1]) = (rate(i % steps), 1.0);
    }
    for (i, rhs) in case.rhs.iter_mut().enumerate() {
        let t = i % steps;
        *rhs = 0.08 * shifted(t) + rate(t) * shifted(t).powi(2);
    }
    let exact = (0..batch * steps).map(|i| shifted(i % steps).powi(2)).collect();
    (case, exact)
}

/// The largest error of the states.
fn largest_error(solution: &Solution, orders: usize, exact: &[f64]) -> f64 {
    solution.u.chunks_exact(orders).zip(exact).map(|(u, exact)| (u[0] - exact).abs()).fold(0.0, f64::max)
}

#[test]
fn derivatives_without_a_start_are_solved_by_the_rows() {
    for precision in [Precision::Double, Precision::Mixed] {
        for (batch, orders, steps, words) in
            [(1, 6, 500, ""), (9, 6, 500, ""), (9, 6, 200, "c h"), (2, 6, 50, ""), (9, 5, 300, "")]
        {
            let (mut case, exact) = without_start((batch, steps, orders), &format!("hermite {words}"), 0.1);
            case.scheme.precision = precision;
            let solution = case.solve().unwrap_or_else(|e| panic!("{precision:?}, {batch} of {steps}: {e:?}"));
            let error = largest_error(&solution, orders, &exact);
            assert!(error < 1e-6, "{precision:?}, {batch} of {steps} steps: {error:e}");
            // In one pass, twice in the same memory.
            let problem = case.problem();
            let (mut fused, mut made) = (Solution::default(), factor(&problem).unwrap());
            for _ in 0..2 {
                made.refactor_and_solve_into(&problem, &mut fused).unwrap();
                let error = largest_error(&fused, orders, &exact);
                assert!(error < 1e-6, "{precision:?}, {batch} of {steps} steps in one pass: {error:e}");
            }
        }
    }
}

#[test]
fn what_does_not_settle_is_solved_by_rows_that_are_kept() {
    for precision in [Precision::Double, Precision::Mixed] {
        for (batch, words) in [(1, ""), (9, ""), (9, "c h")] {
            let (mut case, exact) = without_start((batch, 60, 4), words, 0.05);
            case.scheme.precision = precision;
            let problem = case.problem();
            let made = factor(&problem).unwrap();
            assert_eq!(made.failure(), None);
            let mut solution = Solution::default();
            let mut kept = Vec::new();
            for _ in 0..2 {
                let first = Err(SolveError::Unsettled { what: "solution", sample: batch - 1, correction: 0.1 });
                let done = made.rescued(&problem, first, |factor, problem| {
                    kept.push(std::ptr::from_ref(factor));
                    factor.solve_into(problem, &mut solution)
                });
                assert_eq!(done, Ok(()));
                let error = largest_error(&solution, 4, &exact);
                assert!(error < 1e-9, "{precision:?}, {batch} {words}: {error:e}");
            }
            assert_eq!(kept[0], kept[1]);
            // Errors that rows do not mend pass through.
            let other = Err(SolveError::Mismatch { what: "scheme" });
            assert_eq!(made.rescued(&problem, other.clone(), |_, _| Ok(())), other);
        }
    }
}

/// One sample's equation weighs so little that its square is lost.
#[test]
fn only_lane_groups_that_need_it_are_factored_by_rows() {
    for precision in [Precision::Double, Precision::Mixed] {
        let mut case = make(((20, 1, 40, 1, 4, 1, 2), ""), 95);
        case.scheme.precision = precision;
        let of_sample = case.shape.coefficients();
        let small = 13;
        case.c[small * of_sample..][..of_sample].iter_mut().for_each(|c| *c *= 1e-8);
        case.rhs[small * 40..][..40].iter_mut().for_each(|b| *b *= 1e-8);
        let problem = case.problem();
        let made = factor(&problem).unwrap();
        assert!(matches!(made.failure(), Some(SolveError::Singular { sample: 13, .. })), "{:?}", made.failure());
        assert!(made.failure.as_ref().is_some_and(|failure| !failure.whole));
        let rows = Problem { scheme: Scheme { method: Method::Qr, ..problem.scheme }, ..problem };
        let by_rows = factor(&rows).unwrap();
        let (got, expected) = (made.solve(&problem).unwrap(), by_rows.solve(&rows).unwrap());
        let upstream = vec![1.0; got.u.len()];
        let of = |factor: &Factor, problem: &Problem, solution: &Solution| {
            factor.adjoint(problem, solution, &upstream, None, Wanted::ALL).unwrap()
        };
        let (gradients, theirs) = (of(&made, &problem, &got), of(&by_rows, &rows, &expected));
        for sample in 0..20 {
            // The condition number of the rows of the one sample is some 1e8.
            let bound = if sample == small { 1e-6 } else { 1e-10 };
            let unknowns = case.shape.unknowns();
            let own = |u: &[f64], n: usize| u[sample * n..][..n].to_vec();
            let off = |a: &[f64], b: &[f64], n: usize| error(&own(a, n), &own(b, n));
            assert!(off(&got.u, &expected.u, unknowns) < bound, "{precision:?}, sample {sample}");
            assert!(off(&gradients.rhs, &theirs.rhs, 40) < bound, "{precision:?}, gradient of sample {sample}");
        }
        // In one pass the same.
        let (mut fused, mut again) = (Solution::default(), factor(&problem).unwrap());
        again.refactor_and_solve_into(&problem, &mut fused).unwrap();
        assert_eq!(fused, got);
    }
}

#[test]
fn gradients_by_rows_are_those_of_their_solution() {
    for precision in [Precision::Double, Precision::Mixed] {
        for (batch, words) in [(1, ""), (9, ""), (9, "c h")] {
            let (mut case, exact) = without_start((batch, 60, 4), words, 0.015);
            case.scheme.precision = precision;
            let problem = case.problem();
            let made = factor(&problem).unwrap();
            assert!(made.failure().is_some(), "{precision:?}, {batch} {words}");
            let solution = made.solve(&problem).unwrap();
            let error = largest_error(&solution, 4, &exact);
            assert!(error < 1e-7, "{precision:?}, {batch} {words}: {error:e}");
            // Right-hand sides of a solution times 1 + s have the solution times 1 + s: the derivative of a state by s is the state itself.
            let mut upstream = vec![0.0; solution.u.len()];
            upstream[4 * 30] = 1.0;
            let gradients = made.adjoint(&problem, &solution, &upstream, None, Wanted::ALL).unwrap();
            // Terms are large, as the free multiple of the decaying solution is sensitive to every right-hand side, and cancel. The
            // condition number of the rows is 1e9, that is 2e-7 in rounding units.
            let terms = || gradients.rhs.iter().zip(&case.rhs).map(|(g, rhs)| g * rhs);
            let (product, size): (f64, f64) = (terms().sum(), terms().map(f64::abs).sum());
            let error = (product - exact[30]).abs() / size;
            assert!(error < 5e-7, "{precision:?}, {batch} {words}: {product}, {error:e} of {size:e}");
        }
    }
}

#[test]
fn the_sample_that_no_rows_determine_is_the_one_that_is_named() {
    // All samples are doubtful, and the seventh has no equation.
    for precision in [Precision::Double, Precision::Mixed] {
        let (mut case, _) = without_start((11, 200, 6), "hermite", 0.1);
        case.scheme.precision = precision;
        let n = case.shape.coefficients();
        case.c[6 * n..7 * n].fill(0.0);
        let mut solution = Solution::default();
        let (good, _) = without_start((11, 200, 6), "hermite", 0.1);
        let fused = factor(&good.problem()).unwrap().refactor_and_solve_into(&case.problem(), &mut solution);
        for found in [
            case.solve().map(|_| ()),
            Factor::clone(&factor(&good.problem()).unwrap()).refactor(&case.problem()),
            fused,
        ] {
            assert!(matches!(found, Err(SolveError::Singular { sample: 6, .. })), "{precision:?}: {found:?}");
        }
    }
}

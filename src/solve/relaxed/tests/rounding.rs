//! What rounding may not decide: gradients and solutions at large condition numbers and at the ends of the range of numbers.

use super::*;

/// Gradients of the three weights come from sums over rows that tell each other; weak smooth rows have residuals of rounding errors.
#[test]
fn gradients_of_weights_need_no_residuals_of_smooth_rows() {
    for words in ["", "weights", "periodic", "slack", "data", "border", "hermite", "central slack"] {
        let mut case = make(((9, 1, 60, 1, 3, 1, 2), words), 41);
        case.h.fill(0.05);
        case.c.chunks_exact_mut(3).for_each(|c| c.copy_from_slice(&[1.0, 0.3, 1.0]));
        case.scheme.weights = Weights { equation: 1.0, initial: 1.0, smooth: 1e-3 };
        let of = |refinements: usize| {
            let mut case = case.clone();
            case.scheme.refinements = refinements;
            let problem = case.problem();
            let made = factor(&problem).unwrap();
            let solution = made.solve(&problem).unwrap();
            let upstream: Vec<f64> = (0..solution.u.len()).map(|i| if i % 3 == 0 { 1.0 } else { 0.0 }).collect();
            made.adjoint(&problem, &solution, &upstream, None, Wanted::ALL).unwrap().weights
        };
        let (got, expected) = (of(0), of(3));
        let scale = expected.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
            assert!((got - expected).abs() < 1e-2 * scale + 1e-8, "{words}, weight {i}: {got:e} is not {expected:e}");
        }
    }
}

/// Rows of a kind that hardly count have large products that nearly cancel: their weight's gradient is what the others tell. Either way of factoring says
/// the same, and a common factor of all weights changes nothing.
#[test]
fn gradients_of_small_weights_do_not_cancel() {
    for weak in 0..2 {
        let mut case = make(((9, 1, 4, 1, 4, 1, 3), ""), 45);
        case.h.fill(0.3);
        let mut weights = [1.0; 3];
        weights[weak] = 1e-7;
        let [equation, initial, smooth] = weights;
        case.scheme.weights = Weights { equation, initial, smooth };
        case.scheme.refinements = 2;
        let of = |method: Method| {
            let mut case = case.clone();
            case.scheme.method = method;
            let problem = case.problem();
            let made = factor(&problem).unwrap();
            let solution = made.solve(&problem).unwrap();
            made.adjoint(&problem, &solution, &vec![1.0; solution.u.len()], None, Wanted::ALL).unwrap().weights
        };
        let (got, expected) = (of(Method::Normal), of(Method::Qr));
        for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
            let error = (got - expected).abs() / expected.abs();
            assert!(error < 1e-8, "weak {weak}, weight {i}: {got:e} is not {expected:e}");
        }
        let terms = [0, 1, 2].map(|i| weights[i] * got[i]);
        let (sum, size) = terms.iter().fold((0.0, 0.0f64), |(s, m), x| (s + x, m.max(x.abs())));
        assert!(sum.abs() < 1e-12 * size, "weak {weak}: {terms:?}");
    }
}

/// `u'' + u = f` in small steps and with many derivatives, which only corrections solve: the gradient of all right-hand sides at once must be the
/// change of the solution, although single products of rows with the adjoint solution are smaller than its rounding errors.
#[test]
fn gradients_of_right_hand_sides_have_the_digits_of_the_solution() {
    for (method, precision) in
        [(Method::Normal, Precision::Double), (Method::Qr, Precision::Double), (Method::Normal, Precision::Mixed)]
    {
        let mut case = make(((9, 1, 60, 1, 5, 1, 2), "hermite c h"), 42);
        case.scheme.weights = Weights::default();
        (case.scheme.method, case.scheme.precision, case.scheme.refinements) = (method, precision, 2);
        case.h.fill(0.01);
        case.c.chunks_exact_mut(5).for_each(|c| c.copy_from_slice(&[1.0, 0.0, 1.0, 0.0, 0.0]));
        case.iv.fill(0.0);
        // The solution of f = 1 from rest is 1 - cos t, and everything is linear.
        case.rhs.fill(1.0);
        let problem = case.problem();
        let made = factor(&problem).unwrap();
        let solution = made.solve(&problem).unwrap();
        let last = 59 * 5;
        let mut upstream = vec![0.0; solution.u.len()];
        upstream[last] = 1.0;
        let gradients = made.adjoint(&problem, &solution, &upstream, None, Wanted::ALL).unwrap();
        let (sum, size) = gradients.rhs[..60].iter().fold((0.0, 0.0f64), |(s, m), g| (s + g, m + g.abs()));
        // Whatever else is asked for.
        let alone = Wanted { rhs: true, iv: true, ..Wanted::default() };
        let of_these = made.adjoint(&problem, &solution, &upstream, None, alone).unwrap();
        assert_eq!((&of_these.rhs, &of_these.iv), (&gradients.rhs, &gradients.iv), "{method:?} {precision:?}");
        let expected = solution.u[last];
        let error = (sum - expected).abs() / size;
        assert!(error < 1e-10, "{method:?} {precision:?}: {sum:e} is not {expected:e}, {error:e} of the terms");
    }
}

/// Numbers whose squares are too small to tell.
#[test]
fn small_numbers_are_solved_as_large_ones_are() {
    for size in [1e-200, 1e-160, 1e-150, 1e-140, 1e-100, 1e100] {
        for precision in [Precision::Double, Precision::Mixed] {
            let mut case = make(((9, 1, 30, 1, 4, 1, 2), "hermite"), 43);
            case.scheme.precision = precision;
            case.scheme.refinements = 2;
            let expected = case.solve().unwrap();
            case.rhs.iter_mut().chain(&mut case.iv).for_each(|x| *x *= size);
            let got: Vec<f64> = case.solve().unwrap().u.iter().map(|u| u / size).collect();
            let error = error(&got, &expected.u);
            assert!(error < 1e-9, "{precision:?}, {size:e}: {error:e}");
            let problem = case.problem();
            let upstream = vec![1.0; problem.shape.batch * problem.shape.unknowns()];
            let of = |size: f64| {
                let mut case = case.clone();
                case.rhs.iter_mut().chain(&mut case.iv).for_each(|x| *x *= size);
                let made = factor(&case.problem()).unwrap();
                let solution = made.solve(&case.problem()).unwrap();
                made.adjoint(&case.problem(), &solution, &upstream, None, Wanted::ALL).unwrap().c
            };
            let (first, got) = (of(1.0 / size), of(1.0));
            let largest = first.iter().fold(0.0f64, |m, x| m.max(x.abs()));
            for (a, b) in first.iter().zip(&got) {
                assert!((a - b / size).abs() < 1e-9 * largest, "{precision:?}, {size:e}: {a:e}, {b:e}");
            }
        }
    }
}

/// A smooth row of weight zero cuts the time in two, and the second part has no start but the equations.
#[test]
fn a_cut_in_time_is_corrected_by_itself() {
    let mut case = make(((1, 1, 400, 1, 4, 1, 2), "hermite c h"), 44);
    case.scheme.weights = Weights::default();
    case.h.fill(0.3);
    case.c.chunks_exact_mut(4).for_each(|c| c.copy_from_slice(&[0.2, 1.0, 1.0, 0.0]));
    case.rhs.iter_mut().enumerate().for_each(|(t, rhs)| *rhs = (0.3 * t as f64).sin());
    case.row_weights[2] = vec![1.0; 399];
    case.row_weights[2][200] = 0.0;
    let got = case.solve().unwrap();
    case.scheme.method = Method::Qr;
    let expected = case.solve().unwrap();
    let error = error(&got.u, &expected.u);
    assert!(error < 1e-7, "{error:e}");
}

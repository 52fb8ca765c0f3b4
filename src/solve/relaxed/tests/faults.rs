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
    case.scheme.weights.smooth = f64::NAN;
    assert_eq!(case.solve().unwrap_err(), SolveError::Scheme { what: "the smooth weight" });

    let mut case = base.clone();
    case.rhs.pop();
    assert_eq!(case.solve().unwrap_err(), SolveError::Length { what: "rhs", expected: 50, got: 49 });

    let mut case = base;
    case.shape.orders = 1;
    case.scheme.central = true;
    assert!(matches!(case.solve(), Err(SolveError::Size { what: "orders", got: 1, .. })));
}

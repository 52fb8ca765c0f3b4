//! Solves have two digits or are refused.

use mechc::solve::relaxed::{
    Border, Coefficients, DataRows, Precision, Problem, RowSet, RowWeights, Scheme, Shape, SolveError, Steps, Weights,
    factor,
};

fn solve(problem: &Problem, precision: Precision, refinements: usize) -> Result<Vec<f64>, SolveError> {
    let problem = Problem { scheme: Scheme { precision, refinements, ..problem.scheme }, ..*problem };
    Ok(factor(&problem)?.solve(&problem)?.u)
}

/// The largest error of the states in single precision relative to their largest value, or why there is no solution. The equation has the
/// coefficients `c`; the state and all but the highest derivatives with a coefficient start at 1.
fn error(rows: RowSet, steps: usize, h: f64, c: &[f64]) -> Result<f64, SolveError> {
    error_from(1.0, Precision::Single, rows, (steps, h), c)
}

/// [`error`] in any precision, from a start of any size.
fn error_from(
    start: f64,
    precision: Precision,
    rows: RowSet,
    (steps, h): (usize, f64),
    c: &[f64],
) -> Result<f64, SolveError> {
    let highest = c.iter().rposition(|c| *c != 0.0).unwrap_or(0);
    let orders = c.len();
    let shape = Shape { batch: 1, equations: 1, steps, states: 1, orders, initial_steps: 1, initial_orders: highest };
    let (c, rhs, iv, h) = (c.repeat(steps), vec![0.0; steps], vec![start; highest], vec![h; steps - 1]);
    let problem = Problem {
        shape,
        scheme: Scheme { rows, ..Scheme::published() },
        c: Coefficients::PerSample(&c),
        rhs: &rhs,
        iv: &iv,
        h: Steps { values: &h, per_sample: false, per_state: false },
        row_weights: RowWeights::default(),
        data: DataRows::default(),
        border: Border::default(),
    };
    let exact = solve(&problem, Precision::Double, 2)?;
    let got = solve(&problem, precision, 0)?;
    let largest = exact.iter().step_by(orders).fold(0.0, |m: f64, x| m.max(x.abs()));
    let worst = got.iter().zip(&exact).step_by(orders).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
    Ok(worst / largest)
}

#[test]
fn single_precision_has_two_digits_or_refuses() {
    let systems: [&[f64]; 6] = [
        &[1.0, 0.0, 1.0, 0.0],
        &[1.2, 0.0, 1.0, 0.0],
        &[1.2, 0.0, 1.0],
        &[1.0, 0.2, 1.0, 0.0],
        &[1.0, 1.0, 0.0],
        &[25.0, 0.0, 1.0, 0.0],
    ];
    let (mut solved, mut unsettled) = (0, 0);
    for rows in [RowSet::Taylor, RowSet::Hermite] {
        for steps in [50, 100, 200, 500, 1500] {
            for h in [0.01, 0.02, 0.05] {
                for c in systems {
                    match error(rows, steps, h, c) {
                        Ok(e) => {
                            assert!(e < 1e-2, "{rows:?}, {steps} steps of {h}, {c:?}: {e:e}");
                            solved += 1;
                        }
                        Err(SolveError::Unsettled { .. }) => unsettled += 1,
                        Err(SolveError::Singular { .. }) => (),
                        Err(other) => panic!("{other}"),
                    }
                }
            }
        }
    }
    println!("{solved} solved, {unsettled} unsettled");
    assert!(solved >= 60 && unsettled >= 1, "{solved} {unsettled}");
}

#[test]
fn what_settles_near_the_limit_is_solved() {
    // 7.5e-4 when this was written; at a fifth more frequency it is 2e-2, which is refused.
    assert!(error(RowSet::Taylor, 100, 0.01, &[1.0, 0.0, 1.0, 0.0]).is_ok_and(|e| e < 5e-3));
    let refused = error(RowSet::Taylor, 100, 0.01, &[1.2, 0.0, 1.0, 0.0]);
    assert!(matches!(refused, Err(SolveError::Unsettled { .. })), "{refused:?}");
}

#[test]
fn the_unit_of_the_state_decides_nothing() {
    let (good, bad) = ([1.0, 0.0, 1.0, 0.0], [1.2, 0.0, 1.0, 0.0]);
    for start in [1e-30, 1e-22, 1e-10, 1e10, 1e19, 1e30] {
        let in_single = |c: &[f64]| error_from(start, Precision::Single, RowSet::Taylor, (100, 0.01), c);
        assert!(in_single(&good).is_ok_and(|e| e < 5e-3), "{start:e}: {:?}", in_single(&good));
        assert!(matches!(in_single(&bad), Err(SolveError::Unsettled { .. })), "{start:e}: {:?}", in_single(&bad));
    }
    // Beyond what single precision holds.
    for start in [1e-60, 1e-46, 1e38, 1e60] {
        let e = error_from(start, Precision::Mixed, RowSet::Taylor, (100, 0.01), &good);
        assert!(e.as_ref().is_ok_and(|e| *e < 1e-9), "{start:e}: {e:?}");
    }
}

#[test]
fn double_precision_takes_the_rows_where_rounding_decides() {
    // A first-order equation whose start nothing tells, or has no weight: the normal matrix gives 1288 at the first step without corrections and
    // 2907 with two. A dense orthogonal factorisation with residuals in extended precision gives this.
    const FIRST: f64 = 4724.3040299278;
    let (steps, orders) = (600, 5);
    let (c, rhs) =
        ([1.0, 1.0, 0.0, 0.0, 0.0].repeat(steps), (0..steps).map(|t| (t as f64 * 0.3).sin()).collect::<Vec<_>>());
    let h = vec![0.02; steps - 1];
    for (initial_orders, initial) in [(0, 1.0), (3, 0.0)] {
        let iv = vec![1.0; initial_orders];
        let shape = Shape {
            batch: 1,
            equations: 1,
            steps,
            states: 1,
            orders,
            initial_steps: usize::from(initial_orders > 0),
            initial_orders,
        };
        let problem = Problem {
            shape,
            scheme: Scheme { weights: Weights { initial, ..Weights::default() }, ..Scheme::published() },
            c: Coefficients::PerSample(&c),
            rhs: &rhs,
            iv: &iv,
            h: Steps { values: &h, per_sample: false, per_state: false },
            row_weights: RowWeights::default(),
            data: DataRows::default(),
            border: Border::default(),
        };
        for (precision, refinements) in [(Precision::Double, 0), (Precision::Double, 2), (Precision::Mixed, 0)] {
            let first = solve(&problem, precision, refinements).map(|u| u[0]);
            assert!(first.as_ref().is_ok_and(|u| (u / FIRST - 1.0).abs() < 1e-7), "{precision:?}: {first:?}");
        }
        let refused = solve(&problem, Precision::Single, 0);
        assert!(refused.is_err(), "{:?}", refused.map(|u| u[0]));
    }
}

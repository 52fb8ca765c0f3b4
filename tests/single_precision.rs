//! Solves in single precision have two digits or are refused.

use mechc::solve::relaxed::{
    Border, Coefficients, DataRows, Precision, Problem, RowSet, RowWeights, Scheme, Shape, SolveError, Steps, factor,
};

fn solve(problem: &Problem, precision: Precision, refinements: usize) -> Result<Vec<f64>, SolveError> {
    let problem = Problem { scheme: Scheme { precision, refinements, ..problem.scheme }, ..*problem };
    Ok(factor(&problem)?.solve(&problem)?.u)
}

/// The largest error of the states in single precision relative to their largest value, or why there is no solution. The equation has the
/// coefficients `c`; the state and all but the highest derivatives with a coefficient start at 1.
fn error(rows: RowSet, steps: usize, h: f64, c: &[f64]) -> Result<f64, SolveError> {
    let highest = c.iter().rposition(|c| *c != 0.0).unwrap_or(0);
    let orders = c.len();
    let shape = Shape { batch: 1, equations: 1, steps, states: 1, orders, initial_steps: 1, initial_orders: highest };
    let (c, rhs, iv, h) = (c.repeat(steps), vec![0.0; steps], vec![1.0; highest], vec![h; steps - 1]);
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
    let got = solve(&problem, Precision::Single, 0)?;
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

//! Factors that are kept: what they must not remember, and what they refuse.

use super::*;

#[test]
fn a_factor_belongs_to_the_weights_of_its_rows() {
    let case = make(((9, 1, 9, 1, 3, 1, 2), "weights data border"), 60);
    let made = factor(&case.problem()).unwrap();
    let differs = |change: fn(&mut Case)| {
        let mut other = case.clone();
        change(&mut other);
        made.solve(&other.problem()).map(|_| ())
    };
    let mismatch = |what| Err(SolveError::Mismatch { what });
    assert_eq!(differs(|case| case.row_weights[1][0] = 2.0), mismatch("row weights"));
    assert_eq!(differs(|case| case.row_weights[2].clear()), mismatch("row weights"));
    assert_eq!(differs(|case| case.data_weights[0] = 0.0), mismatch("weights of data rows"));
    let mut other = case.problem();
    other.border.ridge = 1.0;
    assert_eq!(made.solve(&other).map(|_| ()), mismatch("ridge of the border"));
    assert_eq!(differs(|case| case.data[0] = 2.0), Ok(()));
}

/// A weight of zero asks for corrections that the same factor has not made before.
#[test]
fn factors_do_not_remember_how_often_they_corrected() {
    let mut case = make(((9, 1, 40, 1, 4, 1, 3), "weights"), 61);
    let mut kept = factor(&case.problem()).unwrap();
    kept.solve(&case.problem()).unwrap();
    case.row_weights[1].fill(0.0);
    kept.refactor(&case.problem()).unwrap();
    assert_eq!(kept.solve(&case.problem()).unwrap(), case.solve().unwrap());
}

#[test]
fn data_rows_do_not_enter_the_dense_operator() {
    // As many samples as units, which once hid the mistake.
    for batch in [1, 12 + 2 + 1, 20] {
        let mut case = make(((batch, 1, 12, 1, 3, 1, 2), "c h data"), 62);
        let made = factor(&case.problem()).unwrap();
        let operator = DenseOperator::new(&made, &case.problem(), &[0, 1, 2]).unwrap();
        case.data.fill(0.0);
        let expected = made.solve(&case.problem()).unwrap();
        let mut u = vec![f64::NAN; expected.u.len()];
        operator.apply(&case.rhs, &case.iv, &mut u).unwrap();
        let error = error(&u, &expected.u);
        assert!(error < 1e-10, "{batch} samples: {error:e}");
    }
}

/// The ways of single samples and of lane groups make the same numbers.
#[test]
fn fast_ways_give_each_sample_what_it_has_alone() {
    // Small blocks, two and more in tiles, blocks of any size, stretches of time, orders without code of their own.
    let specs: [Spec; 6] = [
        ((11, 1, 20, 1, 3, 1, 2), ""),
        ((11, 1, 20, 1, 4, 1, 3), "hermite"),
        ((11, 2, 9, 2, 3, 1, 2), ""),
        ((11, 3, 9, 3, 3, 1, 2), ""),
        ((11, 1, 520, 1, 3, 1, 2), ""),
        ((11, 1, 9, 1, 5, 1, 4), ""),
    ];
    for (sizes, words) in specs {
        let case = make((sizes, words), 63);
        let whole = case.solve().unwrap();
        let shape = case.shape;
        let (c, r, i, h) = (shape.coefficients(), shape.right_hand_sides(), shape.initial_values(), shape.intervals());
        for b in 0..shape.batch {
            let mut alone = case.clone();
            alone.shape.batch = 1;
            alone.c = case.c[b * c..][..c].to_vec();
            alone.rhs = case.rhs[b * r..][..r].to_vec();
            alone.iv = case.iv[b * i..][..i].to_vec();
            alone.h = case.h[b * h..][..h].to_vec();
            let n = shape.unknowns();
            let error = error(&alone.solve().unwrap().u, &whole.u[b * n..][..n]);
            assert!(error < 1e-11, "{sizes:?} {words}, sample {b}: {error:e}");
        }
    }
}

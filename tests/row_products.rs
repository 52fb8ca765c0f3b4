//! Gradients of data rows, of a border and of all weights against those in 500-bit arithmetic, entry by entry: what `mechc solve` has no arrays for.
//! See `tests/fixtures/relaxed_solve/README.md`.

use std::path::PathBuf;

use mechc::solve::relaxed::{
    Border, Coefficients, DataRows, Gradients, Method, Precision, Problem, RowSet, RowWeights, Scheme, Shape,
    SolveError, Steps, Upstream, Wanted, Weights, factor,
};
use npyz::npz::NpzArchive;

/// Shape and numbers of an array of a fixture; no numbers where it has none of this name.
fn array(file: &str, name: &str) -> (Vec<usize>, Vec<f64>) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/relaxed_solve");
    let mut archive = NpzArchive::open(folder.join(format!("row_products_{file}.npz"))).expect("a fixture");
    match archive.by_name(name).expect("a readable array") {
        Some(array) => {
            let shape = array.shape().iter().map(|&n| n as usize).collect();
            (shape, array.into_vec::<f64>().expect("f64"))
        }
        None => (Vec::new(), Vec::new()),
    }
}

/// The gradients of a fixture with these rows, precision and method.
fn gradients(name: &str, weights: Weights, ridge: f64, way: (Precision, Method)) -> Result<Gradients, SolveError> {
    let numbers = |key| array(name, key).1;
    let (c_shape, c) = array(name, "c");
    let (iv_shape, iv) = array(name, "iv");
    let &[batch, equations, steps, states, orders] = &c_shape[..] else { panic!("{c_shape:?}") };
    let (initial_steps, initial_orders) = (iv_shape[1], iv_shape[3]);
    let (rhs, h, data, data_weights) = (numbers("rhs"), numbers("h"), numbers("data"), numbers("weight_data"));
    let places: Vec<_> = numbers("places").chunks(3).map(|p| (p[0] as usize, p[1] as usize, p[2] as usize)).collect();
    let (columns_shape, columns) = array(name, "columns");
    let rows = ["weight_equation", "weight_initial", "weight_smooth"].map(numbers);
    let (precision, method) = way;
    let problem = Problem {
        shape: Shape { batch, equations, steps, states, orders, initial_steps, initial_orders },
        scheme: Scheme { rows: RowSet::Hermite, weights, precision, method, refinements: 3, ..Scheme::default() },
        c: Coefficients::PerSample(&c),
        rhs: &rhs,
        iv: &iv,
        h: Steps { values: &h, per_sample: true, per_state: states > 1 },
        row_weights: RowWeights { equation: &rows[0], initial: &rows[1], smooth: &rows[2] },
        data: DataRows { places: &places, values: &data, weights: &data_weights },
        border: Border {
            width: columns_shape.last().copied().unwrap_or(0),
            columns: &columns,
            per_sample: !columns.is_empty(),
            ridge,
        },
    };
    let made = factor(&problem)?;
    let solution = made.solve(&problem)?;
    let (u, theta) = (numbers("upstream"), numbers("upstream_theta"));
    let upstream = Upstream { u: &u, eps: &[], theta: &theta };
    let mut out = Gradients::default();
    made.adjoint_into(&problem, &solution, upstream, Wanted::ALL, &mut out)?;
    Ok(out)
}

#[test]
fn gradients_of_data_rows_and_borders_are_right_entry_by_entry() {
    let cases = [
        ("data", Weights { equation: 1.0, initial: 1.0, smooth: 1.0 }, 0.0, 10),
        ("border", Weights { equation: 1.0, initial: 10.0, smooth: 1.0 }, 0.5, 11),
    ];
    for (name, weights, ridge, arrays) in cases {
        for precision in [Precision::Double, Precision::Mixed] {
            for method in [Method::Normal, Method::Qr] {
                let got = gradients(name, weights, ridge, (precision, method)).expect("gradients");
                let [of_equation, of_initial, of_smooth] = got.row_weights;
                let all: [(&str, &[f64]); 11] = [
                    ("grad_c", &got.c),
                    ("grad_rhs", &got.rhs),
                    ("grad_iv", &got.iv),
                    ("grad_h", &got.h),
                    ("grad_weights", &got.weights),
                    ("grad_weight_equation", &of_equation),
                    ("grad_weight_initial", &of_initial),
                    ("grad_weight_smooth", &of_smooth),
                    ("grad_data", &got.data),
                    ("grad_weight_data", &got.data_weights),
                    ("grad_columns", &got.border),
                ];
                let mut compared = 0;
                for (key, got) in all {
                    let (_, exact) = array(&format!("{name}_exact"), key);
                    assert_eq!(got.len(), exact.len(), "{name}: {key}");
                    for (at, (got, exact)) in got.iter().zip(&exact).enumerate() {
                        let e = (got - exact).abs() / exact.abs();
                        assert!(e < 1e-9, "{name} {precision:?} {method:?}: {key}[{at}] is {got}, not {exact}: {e:e}");
                    }
                    compared += usize::from(!got.is_empty());
                }
                assert_eq!(compared, arrays, "{name}");
            }
        }
    }
}

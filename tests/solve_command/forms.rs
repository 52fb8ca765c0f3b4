//! The forms that arrays may have, and what options make of them.

use super::{array, changed, error, f8, members, npy, npz, oscillator, same, solved};

#[test]
fn steps_and_coefficients_may_be_shared() {
    let [one, two, three] = [(); 3].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let full = solved(one.path(), &npz(&members()), &[]);
    let grad_h = array(&full, "grad_h").expect("gradients").1;
    for (shape, sum) in [(vec![2, 5], 0), (vec![1, 5], 1), (vec![5], 1), (vec![1, 5, 1], 1), (vec![], 2)] {
        let count = shape.iter().product();
        let other = solved(two.path(), &changed("h", f8(&shape, &vec![0.1; count])), &[]);
        same(&full, &other, &["u", "grad_c", "grad_rhs", "grad_iv", "grad_weights"], 1e-13);
        let (got_shape, got) = array(&other, "grad_h").expect("gradients");
        assert_eq!(got_shape, shape.iter().map(|&n| n as u64).collect::<Vec<_>>());
        let expected: Vec<f64> = match sum {
            0 => grad_h.clone(),
            1 => (0..5).map(|i| grad_h[i] + grad_h[5 + i]).collect(),
            _ => vec![grad_h.iter().sum()],
        };
        assert!(error(&got, &expected) < 1e-12, "{shape:?}");
    }
    // The same coefficients for both samples, given twice or once.
    let c: Vec<f64> = (0..12).flat_map(|_| [1.0, 0.5, 1.0]).collect();
    let twice = solved(one.path(), &changed("c", f8(&[2, 1, 6, 1, 3], &c)), &[]);
    let once = solved(three.path(), &changed("c", f8(&[1, 1, 6, 1, 3], &c[..18])), &[]);
    same(&twice, &once, &["u", "grad_rhs", "grad_iv", "grad_h", "grad_weights"], 1e-13);
    let (of_both, (shape, of_shared)) = (array(&twice, "grad_c").expect("c").1, array(&once, "grad_c").expect("c"));
    assert_eq!(shape, [1, 1, 6, 1, 3]);
    let sum: Vec<f64> = (0..18).map(|i| of_both[i] + of_both[18 + i]).collect();
    assert!(error(&of_shared, &sum) < 1e-12);
}

#[test]
fn single_precision_and_column_order_are_read() {
    let [one, two] = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let full = solved(one.path(), &npz(&members()), &[]);
    let single: Vec<u8> = (0..12).map(|i| (i / 6) as f32).flat_map(f32::to_le_bytes).collect();
    let other = solved(two.path(), &changed("rhs", npy("<f4", false, &[2, 1, 6], &single)), &[]);
    same(&full, &other, &["u", "grad_c"], 0.0);
    // Column order: the sample runs fastest.
    let columns: Vec<u8> = [1.0, -1.0, 0.0, 0.5].iter().flat_map(|x: &f64| x.to_le_bytes()).collect();
    let other = solved(two.path(), &changed("iv", npy("<f8", true, &[2, 1, 1, 2], &columns)), &[]);
    same(&full, &other, &["u", "grad_c"], 0.0);
}

#[test]
fn row_weights_multiply_the_weights_of_their_kind() {
    let [one, two] = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let whole = solved(one.path(), &npz(&members()), &["--weights", "2,3,0.5", "--refinements", "2"]);
    let mut rows = members();
    rows.push(("weight_equation", f8(&[1, 6], &[2.0; 6])));
    rows.push(("weight_initial", f8(&[1, 1], &[3.0])));
    rows.push(("weight_smooth", f8(&[5, 1], &[0.5; 5])));
    let single = solved(two.path(), &npz(&rows), &["--refinements", "2"]);
    same(&whole, &single, &["u", "grad_c", "grad_rhs", "grad_iv", "grad_h"], 1e-12);
    // With W the weight of a kind and w_i those of its rows only W w_i counts, so W dl/dW = sum w_i dl/dw_i.
    let of_kinds = array(&whole, "grad_weights").expect("gradients").1;
    let names = ["grad_weight_equation", "grad_weight_initial", "grad_weight_smooth"];
    let shapes = [vec![1, 6], vec![1, 1], vec![5, 1]];
    for (((name, shape), of_kind), w) in names.into_iter().zip(shapes).zip(of_kinds).zip([2.0, 3.0, 0.5]) {
        let (got_shape, got) = array(&single, name).expect(name);
        assert_eq!(got_shape, shape);
        assert!(got.iter().any(|x| x.abs() > 1e-12));
        let sum: f64 = got.iter().sum();
        // The smooth weight follows from the other two kinds as far as the solution fulfils the normal equations: corrections see to that.
        let largest = got.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        assert!((sum - of_kind).abs() < 1e-10 * largest, "{name} {w}: {sum:e} {of_kind:e} {largest:e}");
    }
    // A row that counts for nothing: the right-hand side of that step is of no consequence.
    let mut off = members();
    off.push(("weight_equation", f8(&[1, 6], &[1.0, 1.0, 0.0, 1.0, 1.0, 1.0])));
    let grad_rhs = array(&solved(two.path(), &npz(&off), &[]), "grad_rhs").expect("gradients").1;
    assert!(grad_rhs[2] == 0.0 && grad_rhs[8] == 0.0 && grad_rhs[1] != 0.0);
}

#[test]
fn hermite_rows_are_more_accurate_at_the_same_step() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let worst = |rows: &str, steps: usize, h: f64| {
        let result = solved(folder.path(), &oscillator(steps, h, true), &["--rows", rows]);
        let u = array(&result, "u").expect("a solution").1;
        let errors = u.chunks_exact(4).enumerate().map(|(i, u)| (u[0] - (h * i as f64).sin()).abs());
        errors.fold(0.0, f64::max)
    };
    let (taylor, coarse, fine) = (worst("taylor", 101, 0.1), worst("hermite", 101, 0.1), worst("hermite", 201, 0.05));
    assert!(coarse < taylor / 20.0 && taylor < 0.1, "{coarse} {taylor}");
    // Of fourth order.
    assert!((10.0..22.0).contains(&(coarse / fine)), "{coarse} {fine}");
}

#[test]
fn a_periodic_boundary_closes_the_solution() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // u' + u = sin(t) over one period; its periodic solution is (sin t - cos t)/2.
    let steps = 101;
    let h = std::f64::consts::TAU / (steps - 1) as f64;
    let c: Vec<f64> = (0..steps).flat_map(|_| [1.0, 1.0, 0.0]).collect();
    let rhs: Vec<f64> = (0..steps).map(|i| (h * i as f64).sin()).collect();
    let members = [("c", f8(&[1, 1, steps, 1, 3], &c)), ("rhs", f8(&[1, 1, steps], &rhs)), ("h", f8(&[], &[h]))];
    let worst = |args: &[&str]| {
        let u = array(&solved(folder.path(), &npz(&members), args), "u").expect("a solution").1;
        let t = |i: usize| h * i as f64;
        let errors = u.chunks_exact(3).enumerate().map(|(i, u)| (u[0] - 0.5 * (t(i).sin() - t(i).cos())).abs());
        errors.fold(0.0, f64::max)
    };
    assert!(worst(&["--periodic"]) < 1e-2 && worst(&["--periodic", "--rows", "hermite"]) < 1e-5);
    // Without the closing rows the start is left open.
    assert!(worst(&[]) > 10.0 * worst(&["--periodic"]), "{}", worst(&[]));
}

#[test]
fn without_equations_the_first_step_says_all() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let members = [
        ("c", f8(&[2, 0, 5, 1, 3], &[])),
        ("rhs", f8(&[2, 0, 5], &[])),
        ("h", f8(&[], &[0.5])),
        ("iv", f8(&[2, 1, 1, 3], &[1.0, 2.0, 3.0, 0.0, 0.0, -1.0])),
    ];
    let u = array(&solved(folder.path(), &npz(&members), &[]), "u").expect("a solution").1;
    let parabolas = [1.0, 0.0].into_iter().zip([2.0, 0.0]).zip([3.0, -1.0]);
    let expected: Vec<f64> = parabolas
        .flat_map(|((x, v), a)| {
            (0..5).map(|i| 0.5 * f64::from(i)).map(move |t| [x + v * t + a * t * t / 2.0, v + a * t, a])
        })
        .flatten()
        .collect();
    assert!(error(&u, &expected) < 1e-11);
}

#[test]
fn gradients_come_only_where_they_are_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let result = solved(folder.path(), &changed("upstream", Vec::new()), &["--threads", "1"]);
    assert!(array(&result, "u").is_some() && array(&result, "eps").is_some() && array(&result, "grad_c").is_none());
    // Of the slack alone: the gradient by alpha of eps is what a difference says.
    let with = |alpha: &str| {
        let mut members = members();
        members.retain(|m| m.0 != "upstream");
        members.push(("upstream_eps", f8(&[2], &[1.0, 1.0])));
        let result = solved(folder.path(), &npz(&members), &["--slack", "--alpha", alpha, "--central"]);
        assert!(array(&result, "grad_rhs").expect("gradients").1.iter().any(|x| *x != 0.0));
        array(&result, "eps").expect("a slack").1
    };
    assert!(with("0.5").iter().zip(with("-0.5")).all(|(a, b)| *a > b), "the slack is pushed up");
}

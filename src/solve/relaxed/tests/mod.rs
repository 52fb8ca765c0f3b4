//! Against a dense solve of the rows written out one by one, finite differences, thread counts, and systems that have no solution.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

mod faults;
mod gradients;
mod kept;
mod random;
mod rounding;

/// Owned arrays of a problem.
#[derive(Clone)]
struct Case {
    shape: Shape,
    scheme: Scheme,
    c: Vec<f64>,
    rhs: Vec<f64>,
    iv: Vec<f64>,
    h: Vec<f64>,
    shared_c: bool,
    shared_h: bool,
    per_state: bool,
    row_weights: [Vec<f64>; 3],
    places: Vec<(usize, usize, usize)>,
    data: Vec<f64>,
    data_weights: Vec<f64>,
    border: usize,
    columns: Vec<f64>,
    shared_columns: bool,
}

impl Case {
    fn problem(&self) -> Problem<'_> {
        let c = if self.shared_c { Coefficients::Shared(&self.c) } else { Coefficients::PerSample(&self.c) };
        let h = Steps { values: &self.h, per_sample: !self.shared_h, per_state: self.per_state };
        let [equation, initial, smooth] = &self.row_weights;
        Problem {
            shape: self.shape,
            scheme: self.scheme,
            c,
            rhs: &self.rhs,
            iv: &self.iv,
            h,
            row_weights: RowWeights { equation, initial, smooth },
            data: DataRows { places: &self.places, values: &self.data, weights: &self.data_weights },
            border: Border {
                width: self.border,
                columns: &self.columns,
                per_sample: !self.shared_columns,
                ridge: if self.border > 0 { 0.3 } else { 0.0 },
            },
        }
    }

    fn solve(&self) -> Result<Solution, SolveError> {
        factor(&self.problem())?.solve(&self.problem())
    }
}

fn normal(rng: &mut impl Rng, n: usize) -> Vec<f64> {
    // Sums of twelve uniform numbers: close enough to normal for test data.
    (0..n).map(|_| (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0).collect()
}

/// A shape `(B, E, T, D, K, Ti, Ki)`, then words: `slack`, `central`, `c` and `h` for shared coefficients and steps, `states` for steps
/// per state, `periodic`, `hermite`, `weights` for factors on single rows, `data` for data rows, `border` (or `shared-border`) for two
/// unknowns in the border.
type Spec = ((usize, usize, usize, usize, usize, usize, usize), &'static str);

const SPECS: &[Spec] = &[
    ((1, 1, 12, 1, 3, 1, 2), ""),
    ((11, 1, 9, 1, 3, 1, 1), "slack central states"),
    ((3, 2, 7, 2, 3, 2, 2), "slack central states"),
    ((3, 2, 7, 2, 3, 2, 2), "slack c"),
    ((9, 2, 6, 2, 4, 1, 3), "central h states"),
    ((9, 2, 6, 2, 4, 1, 3), "slack central c h states"),
    ((5, 3, 5, 3, 2, 5, 1), "c h"),
    ((4, 1, 6, 1, 5, 1, 4), "slack central"),
    ((2, 2, 1, 2, 2, 1, 2), ""),
    ((2, 2, 2, 2, 3, 1, 3), "central states"),
    ((10, 1, 8, 1, 1, 1, 1), ""),
    ((10, 0, 8, 1, 2, 1, 2), ""),
    ((10, 1, 8, 1, 4, 1, 2), "hermite"),
    ((3, 2, 6, 2, 3, 1, 2), "hermite slack h states weights"),
    ((9, 1, 7, 1, 3, 0, 0), "periodic"),
    ((3, 2, 7, 2, 3, 1, 2), "periodic central slack states weights"),
    ((3, 2, 3, 2, 3, 1, 2), "periodic central"),
    ((9, 2, 6, 2, 3, 0, 0), "periodic hermite c h border"),
    ((9, 1, 9, 1, 3, 1, 2), "weights data"),
    ((2, 2, 9, 2, 3, 1, 2), "data slack c h weights central shared-border"),
    ((9, 2, 7, 2, 2, 1, 2), "border states"),
    ((20, 3, 5, 3, 2, 1, 1), "c h shared-border data"),
    ((3, 1, 6, 1, 5, 1, 3), "hermite weights"),
];

fn make((sizes, words): Spec, seed: u64) -> Case {
    make_with(sizes, words, seed)
}

fn make_with(sizes: (usize, usize, usize, usize, usize, usize, usize), words: &str, seed: u64) -> Case {
    let has = |word: &str| words.split(' ').any(|w| w == word);
    let (batch, equations, steps, states, orders, initial_steps, initial_orders) = sizes;
    let shape = Shape { batch, equations, steps, states, orders, initial_steps, initial_orders };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (shared_c, shared_h, per_state) = (has("c"), has("h"), has("states"));
    let times = |shared: bool| if shared { 1 } else { batch };
    let columns = if per_state { states } else { 1 };
    let c = normal(&mut rng, times(shared_c) * shape.coefficients());
    let rhs = normal(&mut rng, batch * shape.right_hand_sides());
    let iv = normal(&mut rng, batch * shape.initial_values());
    let h = (0..times(shared_h) * shape.intervals() * columns).map(|_| 0.2 + 0.3 * rng.random::<f64>()).collect();
    let mut factors =
        |n: usize| -> Vec<f64> { (0..if has("weights") { n } else { 0 }).map(|_| 0.5 + rng.random::<f64>()).collect() };
    let row_weights =
        [factors(shape.right_hand_sides()), factors(initial_steps * states), factors(shape.intervals() * states)];
    let mut places = Vec::new();
    if has("data") {
        places = vec![(0, states - 1, 0), (steps / 2, 0, 1), (steps / 2, 0, 1), (steps - 1, states - 1, orders - 1)];
    }
    let border = if words.contains("border") { 2 } else { 0 };
    let shared_columns = has("shared-border") || border == 0;
    Case {
        shape,
        scheme: Scheme {
            slack: has("slack").then_some(Slack { alpha: 0.3, gamma: 0.7 }),
            central: has("central"),
            periodic: has("periodic"),
            rows: if has("hermite") { RowSet::Hermite } else { RowSet::Taylor },
            weights: Weights { equation: 1.3, initial: 0.8, smooth: 1.1 },
            ..Scheme::published()
        },
        c,
        rhs,
        iv,
        h,
        shared_c,
        shared_h,
        per_state,
        row_weights,
        data: normal(&mut rng, batch * places.len()),
        data_weights: (0..places.len()).map(|i| 0.5 + i as f64).collect(),
        places,
        border,
        columns: normal(&mut rng, times(shared_columns) * shape.right_hand_sides() * border),
        shared_columns,
    }
}

/// Entries `(column, value)`, right-hand side, weight.
type Row = (Vec<(usize, f64)>, f64, f64);

/// The rows of one sample; column `T*D*K` is the slack, and the border follows.
fn dense_rows(case: &Case, b: usize) -> Vec<Row> {
    let s = &case.shape;
    let (t_max, d_max, k_max) = (s.steps, s.states, s.orders);
    let n = k_max - 1;
    let at = |t: usize, d: usize, k: usize| (t * d_max + d) * k_max + k;
    let eps = s.unknowns();
    let factorial = |n: usize| (1..=n).map(|x| x as f64).product::<f64>();
    let c0 = if case.shared_c { 0 } else { b * s.coefficients() };
    let columns = if case.per_state { d_max } else { 1 };
    let h0 = if case.shared_h { 0 } else { b * s.intervals() * columns };
    let h = |t: usize, d: usize| case.h[h0 + t * columns + if case.per_state { d } else { 0 }];
    let w = &case.scheme.weights;
    let slack = if case.scheme.slack.is_some() { 1.0 } else { 0.0 };
    let factor = |kind: usize, i: usize| case.row_weights[kind].get(i).copied().unwrap_or(1.0);
    let mut rows = Vec::new();
    for p in 0..case.border {
        rows.push((vec![(eps + 1 + p, 1.0)], 0.0, 0.3));
    }
    for (i, &(t, d, k)) in case.places.iter().enumerate() {
        rows.push((vec![(at(t, d, k), 1.0)], case.data[b * case.places.len() + i], case.data_weights[i]));
    }
    if case.scheme.periodic {
        for i in (0..s.block()).filter(|i| i % k_max != n) {
            rows.push((vec![(i, 1.0), ((t_max - 1) * s.block() + i, -1.0)], 0.0, w.initial));
        }
    }
    for e in 0..s.equations {
        for t in 0..t_max {
            let from = c0 + (e * t_max + t) * s.block();
            let mut entries: Vec<_> = (0..s.block()).map(|i| (t * s.block() + i, case.c[from + i])).collect();
            let row = e * t_max + t;
            let first = if case.shared_columns { row } else { b * s.right_hand_sides() + row } * case.border;
            entries.extend((0..case.border).map(|p| (eps + 1 + p, case.columns[first + p])));
            rows.push((entries, case.rhs[b * s.right_hand_sides() + row], w.equation * factor(0, row)));
        }
    }
    for t in 0..s.initial_steps {
        for d in 0..d_max {
            for k in 0..s.initial_orders {
                let value = case.iv[b * s.initial_values() + (t * d_max + d) * s.initial_orders + k];
                rows.push((vec![(at(t, d, k), 1.0)], value, w.initial * factor(1, t * d_max + d)));
            }
        }
    }
    for d in 0..d_max {
        for t in 0..s.intervals() {
            let h = h(t, d);
            let weight = w.smooth * factor(2, t * d_max + d);
            if case.scheme.rows == RowSet::Hermite {
                for i in 0..n {
                    let m = n - i;
                    let mut entries = vec![(eps, slack)];
                    for j in 0..=m {
                        let binomial = factorial(m) / factorial(j) / factorial(m - j);
                        let b = binomial * factorial(2 * m - j) / factorial(2 * m) * h.powi((i + j) as i32);
                        entries.push((at(t, d, i + j), b));
                        entries.push((at(t + 1, d, i + j), if j % 2 == 0 { -b } else { b }));
                    }
                    rows.push((entries, 0.0, weight));
                }
                let top = 0.01 * h.powi(n as i32);
                rows.push((vec![(at(t, d, n), top), (at(t + 1, d, n), -top), (eps, slack)], 0.0, weight));
                continue;
            }
            for i in 0..if case.scheme.central { n } else { k_max } {
                for (here, there, h) in [(t, t + 1, h), (t + 1, t, -h)] {
                    let mut entries: Vec<_> =
                        (i..k_max).map(|j| (at(here, d, j), h.powi(j as i32) / factorial(j - i))).collect();
                    entries.push((at(there, d, i), -h.powi(i as i32)));
                    entries.push((eps, slack));
                    rows.push((entries, 0.0, weight));
                }
            }
        }
        for t in 1..if case.scheme.central { t_max.saturating_sub(1) } else { 0 } {
            let both = h(t - 1, d) + h(t, d);
            let m = both.powi(n as i32 - 2);
            let entries =
                vec![(at(t + 1, d, n - 1), m), (at(t - 1, d, n - 1), -m), (at(t, d, n), -m * both), (eps, slack)];
            rows.push((entries, 0.0, w.smooth * factor(2, t * d_max + d)));
        }
    }
    rows
}

/// Unknowns, slack and border of one sample by Gaussian elimination with pivoting on the full normal matrix, corrected twice with residuals that are taken row
/// by row.
fn dense_solve(case: &Case, b: usize) -> Vec<f64> {
    let eps = case.shape.unknowns();
    let n = eps + 1 + case.border;
    let rows = dense_rows(case, b);
    let mut matrix = vec![vec![0.0; n + 1]; n];
    for (entries, _, weight) in &rows {
        for &(i, x) in entries {
            for &(j, y) in entries {
                matrix[i][j] += weight * weight * x * y;
            }
        }
    }
    if case.scheme.slack.is_none() {
        matrix[eps][eps] = 1.0;
    }
    let mut solution = vec![0.0; n];
    for _ in 0..3 {
        matrix.iter_mut().for_each(|row| row[n] = 0.0);
        for (entries, value, weight) in &rows {
            let residual = entries.iter().fold(*value, |r, &(i, x)| r - x * solution[i]);
            entries.iter().for_each(|&(i, x)| matrix[i][n] += weight * weight * x * residual);
        }
        matrix[eps][n] += case.scheme.slack.map_or(0.0, |slack| slack.alpha * slack.gamma);
        solution.iter_mut().zip(gauss(matrix.clone())).for_each(|(x, more)| *x += more);
    }
    solution
}

fn gauss(mut m: Vec<Vec<f64>>) -> Vec<f64> {
    let n = m.len();
    for i in 0..n {
        let p = (i..n).max_by(|&a, &b| m[a][i].abs().total_cmp(&m[b][i].abs())).unwrap();
        m.swap(i, p);
        let (head, tail) = m.split_at_mut(i + 1);
        let pivot = &head[i];
        for row in tail {
            let f = row[i] / pivot[i];
            row.iter_mut().zip(pivot).skip(i).for_each(|(x, y)| *x -= f * y);
        }
    }
    let mut x = vec![0.0; n];
    for i in (0..n).rev() {
        x[i] = (m[i][n] - (i + 1..n).map(|j| m[i][j] * x[j]).sum::<f64>()) / m[i][i];
    }
    x
}

/// Largest error relative to the largest expected number.
fn error(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let scale = expected.iter().fold(1e-300, |m: f64, x| m.max(x.abs()));
    got.iter()
        .zip(expected)
        .map(|(a, b)| if (a - b).is_nan() { f64::INFINITY } else { (a - b).abs() / scale })
        .fold(0.0, f64::max)
}

#[test]
fn agrees_with_a_dense_solve() {
    for (i, &spec) in SPECS.iter().enumerate() {
        for (refinements, method) in [(0, Method::Normal), (1, Method::Normal), (1, Method::Qr)] {
            let mut case = make(spec, i as u64);
            case.scheme.refinements = refinements;
            case.scheme.method = method;
            let solution = case.solve().unwrap();
            for b in 0..case.shape.batch {
                let dense = dense_solve(&case, b);
                let n = case.shape.unknowns();
                let e = error(&solution.u[b * n..][..n], &dense[..n]);
                // The weak tie of the highest derivative costs the dense normal matrix digits.
                let tolerance = if case.scheme.rows == RowSet::Hermite { 1e-6 } else { 1e-9 };
                assert!(e < tolerance, "{spec:?}, sample {b}: {e:e}");
                assert!((solution.eps[b] - dense[n]).abs() < tolerance * (1.0 + dense[n].abs()), "{spec:?}: slack");
                let theta = &solution.theta[b * case.border..][..case.border];
                assert!(case.border == 0 || error(theta, &dense[n + 1..]) < tolerance, "{spec:?}: border");
            }
        }
    }
}

/// Four states of which two are coupled.
fn uncoupled() -> Case {
    let mut case = make(((3, 3, 6, 4, 3, 1, 3), "slack central states"), 7);
    // Equation 0: states 0 and 2; equation 1: state 1; equation 2: nothing; state 3 stands alone.
    let block = case.shape.block();
    for (i, row) in case.c.chunks_exact_mut(block).enumerate() {
        let kept: &[usize] = [&[0, 2][..], &[1], &[]][i / case.shape.steps % 3];
        row.iter_mut().enumerate().filter(|(j, _)| !kept.contains(&(j / 3))).for_each(|(_, x)| *x = 0.0);
    }
    case
}

#[test]
fn uncoupled_states_are_separate_systems() {
    let case = uncoupled();
    let factor = factor(&case.problem()).unwrap();
    assert_eq!(factor.state_groups(), vec![vec![0, 2], vec![1], vec![3]]);
    let solution = factor.solve(&case.problem()).unwrap();
    let n = case.shape.unknowns();
    for b in 0..case.shape.batch {
        let dense = dense_solve(&case, b);
        assert!(error(&solution.u[b * n..][..n], &dense[..n]) < 1e-9);
    }
}

#[test]
fn same_bits_for_any_number_of_threads() {
    let case = make(((203, 1, 10, 1, 3, 1, 2), "slack central"), 8);
    let shared = make(((403, 1, 10, 1, 3, 1, 2), "slack c h"), 9);
    let swept = make(((203, 1, 300, 1, 3, 1, 2), "h"), 10);
    let cut = make(((3, 2, 307, 2, 3, 1, 2), ""), 11);
    assert!(matches!(factor(&cut.problem()).unwrap().storage, super::storage::Storage::Segments(_)));
    let in_precision = |precision| {
        let mut case = make(((203, 2, 10, 2, 3, 1, 2), ""), 12);
        case.scheme.precision = precision;
        case
    };
    let cases = [case, shared, swept, cut, in_precision(Precision::Single), in_precision(Precision::Mixed)];
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            cases.each_ref().map(|case| {
                let problem = case.problem();
                let mut factor = factor(&problem).unwrap();
                let mut solution = Solution::default();
                factor.refactor_and_solve_into(&problem, &mut solution).unwrap();
                let rows = Wanted { weights: false, row_weights: false, ..Wanted::ALL };
                let gradients = [rows, Wanted::ALL]
                    .map(|wanted| factor.adjoint(&problem, &solution, &solution.u, None, wanted).unwrap());
                (solution, gradients)
            })
        })
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
}

#[test]
fn a_sample_does_not_depend_on_its_batch() {
    let case = make(((11, 2, 6, 2, 3, 1, 2), "slack central states"), 10);
    let whole = case.solve().unwrap();
    let mut alone = case.clone();
    alone.shape.batch = 1;
    let (c, r, i, h) = (case.shape.coefficients(), case.shape.right_hand_sides(), case.shape.initial_values(), 5 * 2);
    for b in 0..11 {
        alone.c = case.c[b * c..][..c].to_vec();
        alone.rhs = case.rhs[b * r..][..r].to_vec();
        alone.iv = case.iv[b * i..][..i].to_vec();
        alone.h = case.h[b * h..][..h].to_vec();
        let n = case.shape.unknowns();
        assert_eq!(alone.solve().unwrap().u, whole.u[b * n..][..n]);
    }
}

#[test]
fn the_dense_operator_is_the_solve() {
    for (i, spec) in [SPECS[5], SPECS[6], ((300, 1, 12, 1, 3, 1, 2), "c h")].into_iter().enumerate() {
        let case = make(spec, 20 + i as u64);
        let (problem, shape) = (case.problem(), case.shape);
        let factor = factor(&problem).unwrap();
        let solution = factor.solve(&problem).unwrap();
        for orders in [vec![0], vec![1, 0], (0..shape.orders).collect()] {
            let operator = DenseOperator::new(&factor, &problem, &orders).unwrap();
            let mut u = vec![f64::NAN; shape.batch * operator.outputs()];
            operator.apply(&case.rhs, &case.iv, &mut u).unwrap();
            let pick = |u: &[f64]| -> Vec<f64> {
                u.chunks_exact(shape.orders).flat_map(|x| orders.iter().map(|&k| x[k])).collect()
            };
            assert!(error(&u, &pick(&solution.u)) < 1e-11, "{spec:?}");
            // The transpose is the adjoint with an upstream gradient of the kept derivatives alone.
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let u_adj = normal(&mut rng, u.len());
            let mut upstream = vec![0.0; solution.u.len()];
            for (to, from) in upstream.chunks_exact_mut(shape.orders).zip(u_adj.chunks_exact(orders.len())) {
                orders.iter().zip(from).for_each(|(&k, x)| to[k] = *x);
            }
            let wanted = Wanted { c: false, h: false, weights: false, ..Wanted::ALL };
            let expected = factor.adjoint(&problem, &solution, &upstream, None, wanted).unwrap();
            assert!(expected.c.is_empty() && expected.h.is_empty());
            let (mut rhs_adj, mut iv_adj) = (vec![f64::NAN; case.rhs.len()], vec![f64::NAN; case.iv.len()]);
            operator.apply_transposed(&u_adj, &mut rhs_adj, &mut iv_adj).unwrap();
            assert!(error(&rhs_adj, &expected.rhs) < 1e-11, "{spec:?}");
            assert!(error(&iv_adj, &expected.iv) < 1e-11, "{spec:?}");
        }
    }
    let own = make(SPECS[2], 1);
    let made = DenseOperator::new(&factor(&own.problem()).unwrap(), &own.problem(), &[0]);
    assert_eq!(made.unwrap_err(), SolveError::NotConstant { what: "coefficients or steps" });
}

#[test]
fn precisions_agree_within_their_limits() {
    // The weak tie of the highest derivative and random coefficients leave single precision no digit.
    for (i, &spec) in SPECS.iter().enumerate().filter(|(_, spec)| !spec.1.contains("hermite")) {
        let mut case = make(spec, 400 + i as u64);
        let upstream = normal(&mut ChaCha8Rng::seed_from_u64(3), case.shape.batch * case.shape.unknowns());
        let mut run = |precision, refinements| {
            case.scheme.precision = precision;
            case.scheme.refinements = refinements;
            let factor = factor(&case.problem()).unwrap();
            let solution = factor.solve(&case.problem()).unwrap();
            let gradients = factor.adjoint(&case.problem(), &solution, &upstream, None, Wanted::ALL).unwrap();
            (solution.u, gradients.c, gradients.h)
        };
        let exact = run(Precision::Double, 2);
        for (precision, refinements, tolerance) in [(Precision::Mixed, 0, 1e-9), (Precision::Single, 1, 1e-2)] {
            let got = run(precision, refinements);
            for (a, b) in [(&got.0, &exact.0), (&got.1, &exact.1), (&got.2, &exact.2)] {
                assert!(error(a, b) < tolerance, "{spec:?}, {precision:?}: {:e}", error(a, b));
            }
        }
    }
}

#[test]
fn long_samples_are_cut_in_time() {
    for (i, words) in ["states", "weights h", "hermite"].into_iter().enumerate() {
        // Two samples of 307 steps are cut; a batch of eight is not.
        let long = make(((8, 2, 307, 2, 3, 1, 2), words), 60 + i as u64);
        let mut few = long.clone();
        few.shape.batch = 2;
        let shape = long.shape;
        few.c.truncate(2 * shape.coefficients());
        few.rhs.truncate(2 * shape.right_hand_sides());
        few.iv.truncate(2 * shape.initial_values());
        if !few.shared_h {
            few.h.truncate(2 * shape.intervals() * if few.per_state { 2 } else { 1 });
        }
        let cut = factor(&few.problem()).unwrap();
        assert!(matches!(cut.storage, super::storage::Storage::Segments(_)));
        let solution = cut.solve(&few.problem()).unwrap();
        let whole = factor(&long.problem()).unwrap();
        let expected = whole.solve(&long.problem()).unwrap();
        let n = 2 * shape.unknowns();
        assert!(error(&solution.u, &expected.u[..n]) < 1e-8, "{words}: {:e}", error(&solution.u, &expected.u[..n]));
        let upstream = normal(&mut ChaCha8Rng::seed_from_u64(1), expected.u.len());
        let wanted = Wanted { weights: false, row_weights: false, ..Wanted::ALL };
        let expected = whole.adjoint(&long.problem(), &expected, &upstream, None, wanted).unwrap();
        let got = cut.adjoint(&few.problem(), &solution, &upstream[..n], None, wanted).unwrap();
        assert!(error(&got.c, &expected.c[..got.c.len()]) < 1e-8, "{words}");
        assert!(error(&got.rhs, &expected.rhs[..got.rhs.len()]) < 1e-8, "{words}");
        if !few.shared_h {
            assert!(error(&got.h, &expected.h[..got.h.len()]) < 1e-8, "{words}");
        }
    }
}

#[test]
fn rows_keep_what_the_normal_matrix_loses() {
    // A weight of 1e-9 squared is below the rounding unit beside the smoothness rows; as a row it is not.
    let mut case = make(((1, 1, 20, 1, 3, 1, 2), ""), 50);
    case.scheme.weights = Weights { equation: 1.0, initial: 1e-9, smooth: 1.0 };
    case.c.chunks_exact_mut(3).for_each(|c| c.copy_from_slice(&[0.0, 0.0, 1.0]));
    case.rhs.fill(0.0);
    case.h.fill(0.1);
    case.iv = vec![2.0, 3.0];
    // u'' = 0 leaves the initial values alone to say which straight line it is. The normal matrix does not know and has the rows asked.
    for (precision, method) in [(Precision::Double, Method::Normal), (Precision::Mixed, Method::Normal)]
        .into_iter()
        .chain([Precision::Double, Precision::Mixed].map(|precision| (precision, Method::Qr)))
    {
        (case.scheme.precision, case.scheme.method) = (precision, method);
        let made = factor(&case.problem()).unwrap();
        assert_eq!(made.failure.is_some(), method == Method::Normal);
        let solution = made.solve(&case.problem()).unwrap();
        for (t, u) in solution.u.chunks_exact(3).enumerate() {
            assert!((u[0] - (2.0 + 0.3 * t as f64)).abs() < 1e-5 && (u[1] - 3.0).abs() < 1e-5, "{t}: {u:?}");
        }
        // The gradient of u[19]: 1 by its value at the start and 1.9 by its slope.
        let mut upstream = vec![0.0; 60];
        upstream[57] = 1.0;
        let gradients = made.adjoint(&case.problem(), &solution, &upstream, None, Wanted::ALL).unwrap();
        assert!((gradients.iv[0] - 1.0).abs() < 1e-5 && (gradients.iv[1] - 1.9).abs() < 1e-5, "{:?}", gradients.iv);
    }
    case.scheme.precision = Precision::Single;
    case.scheme.method = Method::Normal;
    assert!(matches!(case.solve(), Err(SolveError::Singular { .. })), "{:?}", case.solve().map(|s| s.u));
}

#[test]
fn a_factor_is_reused() {
    let (first, second) = (make(SPECS[4], 30), make(SPECS[1], 31));
    let mut factor = factor(&first.problem()).unwrap();
    assert_eq!(factor.solve(&second.problem()).unwrap_err(), SolveError::Mismatch { what: "shape" });
    factor.refactor(&second.problem()).unwrap();
    assert_eq!(factor.solve(&second.problem()).unwrap(), second.solve().unwrap());
}

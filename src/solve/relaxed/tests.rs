//! Against a dense solve of the rows written out one by one, finite differences, thread counts, and systems that have no solution.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

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
}

impl Case {
    fn problem(&self) -> Problem<'_> {
        let c = if self.shared_c { Coefficients::Shared(&self.c) } else { Coefficients::PerSample(&self.c) };
        let h = Steps { values: &self.h, per_sample: !self.shared_h, per_state: self.per_state };
        Problem { shape: self.shape, scheme: self.scheme, c, rhs: &self.rhs, iv: &self.iv, h }
    }

    fn solve(&self) -> Result<Solution, SolveError> {
        factor(&self.problem())?.solve(&self.problem())
    }
}

fn normal(rng: &mut impl Rng, n: usize) -> Vec<f64> {
    // Sums of twelve uniform numbers: close enough to normal for test data.
    (0..n).map(|_| (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0).collect()
}

/// A shape `(B, E, T, D, K, Ti, Ki)`, then slack, central, shared coefficients, shared steps, steps per state.
type Spec = ((usize, usize, usize, usize, usize, usize, usize), [bool; 5]);

const SPECS: &[Spec] = &[
    ((1, 1, 12, 1, 3, 1, 2), [false, false, false, false, false]),
    ((11, 1, 9, 1, 3, 1, 1), [true, true, false, false, true]),
    ((3, 2, 7, 2, 3, 2, 2), [true, true, false, false, true]),
    ((3, 2, 7, 2, 3, 2, 2), [true, false, true, false, false]),
    ((9, 2, 6, 2, 4, 1, 3), [false, true, false, true, true]),
    ((9, 2, 6, 2, 4, 1, 3), [true, true, true, true, true]),
    ((5, 3, 5, 3, 2, 5, 1), [false, false, true, true, false]),
    ((4, 1, 6, 1, 5, 1, 4), [true, true, false, false, false]),
    ((2, 2, 1, 2, 2, 1, 2), [false, false, false, false, false]),
    ((2, 2, 2, 2, 3, 1, 3), [false, true, false, false, true]),
    ((10, 1, 8, 1, 1, 1, 1), [false, false, false, false, false]),
    ((10, 0, 8, 1, 2, 1, 2), [false, false, false, false, false]),
];

fn make((sizes, [slack, central, shared_c, shared_h, per_state]): Spec, seed: u64) -> Case {
    let (batch, equations, steps, states, orders, initial_steps, initial_orders) = sizes;
    let shape = Shape { batch, equations, steps, states, orders, initial_steps, initial_orders };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let times = |shared: bool| if shared { 1 } else { batch };
    let columns = if per_state { states } else { 1 };
    Case {
        shape,
        scheme: Scheme {
            slack: slack.then_some(Slack { alpha: 0.3, gamma: 0.7 }),
            central,
            weights: Weights { equation: 1.3, initial: 0.8, smooth: 1.1 },
            refinements: 0,
        },
        c: normal(&mut rng, times(shared_c) * shape.coefficients()),
        rhs: normal(&mut rng, batch * shape.right_hand_sides()),
        iv: normal(&mut rng, batch * shape.initial_values()),
        h: (0..times(shared_h) * shape.intervals() * columns).map(|_| 0.2 + 0.3 * rng.random::<f64>()).collect(),
        shared_c,
        shared_h,
        per_state,
    }
}

/// Entries `(column, value)`, right-hand side, weight.
type Row = (Vec<(usize, f64)>, f64, f64);

/// The rows of one sample; column `T*D*K` is the slack.
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
    let mut rows = Vec::new();
    for e in 0..s.equations {
        for t in 0..t_max {
            let from = c0 + (e * t_max + t) * s.block();
            let entries = (0..s.block()).map(|i| (t * s.block() + i, case.c[from + i])).collect();
            rows.push((entries, case.rhs[b * s.right_hand_sides() + e * t_max + t], w.equation));
        }
    }
    for t in 0..s.initial_steps {
        for d in 0..d_max {
            for k in 0..s.initial_orders {
                let value = case.iv[b * s.initial_values() + (t * d_max + d) * s.initial_orders + k];
                rows.push((vec![(at(t, d, k), 1.0)], value, w.initial));
            }
        }
    }
    for d in 0..d_max {
        for t in 0..s.intervals() {
            let h = h(t, d);
            for i in 0..if case.scheme.central { n } else { k_max } {
                for (here, there, h) in [(t, t + 1, h), (t + 1, t, -h)] {
                    let mut entries: Vec<_> =
                        (i..k_max).map(|j| (at(here, d, j), h.powi(j as i32) / factorial(j - i))).collect();
                    entries.push((at(there, d, i), -h.powi(i as i32)));
                    entries.push((eps, slack));
                    rows.push((entries, 0.0, w.smooth));
                }
            }
        }
        for t in 1..if case.scheme.central { t_max.saturating_sub(1) } else { 0 } {
            let both = h(t - 1, d) + h(t, d);
            let m = both.powi(n as i32 - 2);
            let entries =
                vec![(at(t + 1, d, n - 1), m), (at(t - 1, d, n - 1), -m), (at(t, d, n), -m * both), (eps, slack)];
            rows.push((entries, 0.0, w.smooth));
        }
    }
    rows
}

/// Unknowns and slack of one sample by Gaussian elimination with pivoting on the full normal matrix.
fn dense_solve(case: &Case, b: usize) -> Vec<f64> {
    let n = case.shape.unknowns() + 1;
    let mut m = vec![vec![0.0; n + 1]; n];
    for (entries, value, weight) in dense_rows(case, b) {
        for &(i, x) in &entries {
            for &(j, y) in &entries {
                m[i][j] += weight * weight * x * y;
            }
            m[i][n] += weight * weight * x * value;
        }
    }
    match case.scheme.slack {
        Some(slack) => m[n - 1][n] += slack.alpha * slack.gamma,
        None => m[n - 1][n - 1] = 1.0,
    }
    gauss(m)
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
        for refinements in [0, 1] {
            let mut case = make(spec, i as u64);
            case.scheme.refinements = refinements;
            let solution = case.solve().unwrap();
            for b in 0..case.shape.batch {
                let dense = dense_solve(&case, b);
                let n = case.shape.unknowns();
                let e = error(&solution.u[b * n..][..n], &dense[..n]);
                assert!(e < 1e-9, "{spec:?}, sample {b}: {e:e}");
                assert!((solution.eps[b] - dense[n]).abs() < 1e-9 * (1.0 + dense[n].abs()), "{spec:?}: slack");
            }
        }
    }
}

/// The loss `sum(upstream u) + sum(upstream_eps eps)` of a case.
fn loss(case: &Case, upstream: &[f64], upstream_eps: &[f64]) -> f64 {
    let s = case.solve().unwrap();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    dot(&s.u, upstream) + dot(&s.eps, upstream_eps)
}

type Slot = fn(&mut Case) -> &mut [f64];

/// Compares a gradient with central differences at a few places; gives the largest error relative to the gradient's size.
fn gradient_error(case: &Case, upstream: &[f64], upstream_eps: &[f64], slot: Slot, gradient: &[f64]) -> f64 {
    let scale = gradient.iter().fold(1e-300, |m: f64, x| m.max(x.abs()));
    let mut changed = case.clone();
    assert_eq!(slot(&mut changed).len(), gradient.len());
    let stride = gradient.len().div_ceil(12).max(1);
    (0..gradient.len())
        .step_by(stride)
        .map(|i| {
            let value = slot(&mut changed)[i];
            let step = 1e-5 * value.abs().max(0.1);
            let mut at = |x| {
                slot(&mut changed)[i] = x;
                loss(&changed, upstream, upstream_eps)
            };
            let difference = (at(value + step) - at(value - step)) / (2.0 * step);
            slot(&mut changed)[i] = value;
            (difference - gradient[i]).abs() / scale
        })
        .fold(0.0, f64::max)
}

const SLOTS: [(&str, Slot); 4] =
    [("c", |x| &mut x.c), ("rhs", |x| &mut x.rhs), ("iv", |x| &mut x.iv), ("h", |x| &mut x.h)];

/// All gradients of a case against differences: name and error.
fn gradient_errors(case: &Case, spoil: impl Fn(&mut Gradients)) -> Vec<(&'static str, f64)> {
    let mut rng = ChaCha8Rng::seed_from_u64(99);
    let upstream = normal(&mut rng, case.shape.batch * case.shape.unknowns());
    let upstream_eps = normal(&mut rng, case.shape.batch);
    let problem = case.problem();
    let factor = factor(&problem).unwrap();
    let solution = factor.solve(&problem).unwrap();
    let mut gradients = factor.adjoint(&problem, &solution, &upstream, Some(&upstream_eps), Wanted::ALL).unwrap();
    spoil(&mut gradients);
    let arrays = [&gradients.c, &gradients.rhs, &gradients.iv, &gradients.h];
    let mut errors: Vec<_> = SLOTS
        .iter()
        .zip(arrays)
        .map(|(&(name, slot), gradient)| (name, gradient_error(case, &upstream, &upstream_eps, slot, gradient)))
        .collect();
    // A solution that meets all rows exactly does not depend on the weights.
    let scale = gradients.weights.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
    for (i, gradient) in gradients.weights.into_iter().enumerate() {
        let at = |change: f64| {
            let mut case = case.clone();
            let w = &mut case.scheme.weights;
            *[&mut w.equation, &mut w.initial, &mut w.smooth][i] += change;
            loss(&case, &upstream, &upstream_eps)
        };
        let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
        errors.push(("weights", (difference - gradient).abs() / scale));
    }
    errors
}

#[test]
fn gradients_agree_with_differences() {
    for (i, &spec) in SPECS.iter().enumerate() {
        for (name, e) in gradient_errors(&make(spec, 100 + i as u64), |_| ()) {
            assert!(e < 2e-6, "{spec:?}: {name}: {e:e}");
        }
    }
}

type Spoil = fn(&mut Gradients);

#[test]
fn a_wrong_gradient_is_found() {
    let case = make(SPECS[2], 5);
    let spoiled: [(&str, Spoil); 5] = [
        ("c", |g| g.c[0] += 1e-2 * g.c.iter().fold(0.0, |m: f64, x| m.max(x.abs()))),
        ("rhs", |g| g.rhs.iter_mut().for_each(|x| *x *= 1.01)),
        ("iv", |g| g.iv.iter_mut().for_each(|x| *x = -*x)),
        ("h", |g| g.h.iter_mut().for_each(|x| *x *= 0.99)),
        ("weights", |g| g.weights[2] *= 1.01),
    ];
    for (name, spoil) in spoiled {
        let worst =
            gradient_errors(&case, spoil).into_iter().filter(|(n, _)| *n == name).fold(0.0, |m: f64, (_, e)| m.max(e));
        assert!(worst > 1e-4, "{name}: {worst:e}");
    }
}

#[test]
fn refined_gradients_agree_with_unrefined_ones() {
    for (i, &spec) in SPECS.iter().enumerate() {
        let mut case = make(spec, 300 + i as u64);
        let upstream = normal(&mut ChaCha8Rng::seed_from_u64(3), case.shape.batch * case.shape.unknowns());
        let mut run = |refinements| {
            case.scheme.refinements = refinements;
            let factor = factor(&case.problem()).unwrap();
            let solution = factor.solve(&case.problem()).unwrap();
            factor.adjoint(&case.problem(), &solution, &upstream, None, Wanted::ALL).unwrap()
        };
        let (plain, refined) = (run(0), run(2));
        for (a, b) in [(plain.c, refined.c), (plain.rhs, refined.rhs), (plain.iv, refined.iv), (plain.h, refined.h)] {
            assert!(error(&a, &b) < 1e-8, "{spec:?}");
        }
    }
}

#[test]
fn uncoupled_states_are_separate_systems() {
    let mut case = make(((3, 3, 6, 4, 3, 1, 3), [true, true, false, false, true]), 7);
    // Equation 0: states 0 and 2; equation 1: state 1; equation 2: nothing; state 3 stands alone.
    let block = case.shape.block();
    for (i, row) in case.c.chunks_exact_mut(block).enumerate() {
        let kept: &[usize] = [&[0, 2][..], &[1], &[]][i / case.shape.steps % 3];
        row.iter_mut().enumerate().filter(|(j, _)| !kept.contains(&(j / 3))).for_each(|(_, x)| *x = 0.0);
    }
    let factor = factor(&case.problem()).unwrap();
    assert_eq!(factor.state_groups(), vec![vec![0, 2], vec![1], vec![3]]);
    let solution = factor.solve(&case.problem()).unwrap();
    let n = case.shape.unknowns();
    for b in 0..case.shape.batch {
        let dense = dense_solve(&case, b);
        assert!(error(&solution.u[b * n..][..n], &dense[..n]) < 1e-9);
    }
    // Coefficients that are zero have gradients like all others.
    for (name, e) in gradient_errors(&case, |_| ()) {
        assert!(name == "c" || e < 2e-6, "{name}: {e:e}");
    }
}

#[test]
fn same_bits_for_any_number_of_threads() {
    let case = make(((203, 1, 10, 1, 3, 1, 2), [true, true, false, false, false]), 8);
    let shared = make(((403, 1, 10, 1, 3, 1, 2), [true, false, true, true, false]), 9);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            [&case, &shared].map(|case| {
                let problem = case.problem();
                let factor = factor(&problem).unwrap();
                let solution = factor.solve(&problem).unwrap();
                let gradients = factor.adjoint(&problem, &solution, &solution.u, None, Wanted::ALL).unwrap();
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
    let case = make(((11, 2, 6, 2, 3, 1, 2), [true, true, false, false, true]), 10);
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
    for (i, spec) in
        [SPECS[5], SPECS[6], ((300, 1, 12, 1, 3, 1, 2), [false, false, true, true, false])].into_iter().enumerate()
    {
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
fn a_factor_is_reused() {
    let (first, second) = (make(SPECS[4], 30), make(SPECS[1], 31));
    let mut factor = factor(&first.problem()).unwrap();
    assert_eq!(factor.solve(&second.problem()).unwrap_err(), SolveError::Mismatch { what: "shape" });
    factor.refactor(&second.problem()).unwrap();
    assert_eq!(factor.solve(&second.problem()).unwrap(), second.solve().unwrap());
}

#[test]
fn systems_without_a_solution_are_named() {
    let base = make(((10, 1, 5, 1, 3, 1, 2), [false, false, false, false, false]), 40);
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

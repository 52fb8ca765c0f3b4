//! Gradients against differences.

use super::*;

/// A random loss, linear in the solution: gradients with respect to `u`, the slack and the border.
struct Loss {
    u: Vec<f64>,
    eps: Vec<f64>,
    theta: Vec<f64>,
}

impl Loss {
    fn new(case: &Case) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(99);
        let batch = case.shape.batch;
        let u = normal(&mut rng, batch * case.shape.unknowns());
        Loss { u, eps: normal(&mut rng, batch), theta: normal(&mut rng, batch * case.border) }
    }

    fn value(&self, case: &Case) -> f64 {
        let s = case.solve().unwrap();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        dot(&s.u, &self.u) + dot(&s.eps, &self.eps) + dot(&s.theta, &self.theta)
    }

    fn upstream(&self) -> Upstream<'_> {
        Upstream { u: &self.u, eps: &self.eps, theta: &self.theta }
    }
}

type Slot = fn(&mut Case) -> &mut [f64];

/// A solution that meets all rows exactly does not depend on the weights: then this is the size that errors are relative to.
const LEAST: f64 = 1e-2;

/// Compares a gradient with central differences at a few places; gives the largest error relative to the gradient's size, at least `least`.
fn gradient_error(case: &Case, (loss, least): (&Loss, f64), slot: Slot, gradient: &[f64]) -> f64 {
    let scale = gradient.iter().fold(least, |m: f64, x| m.max(x.abs()));
    let mut changed = case.clone();
    assert_eq!(slot(&mut changed).len(), gradient.len());
    let stride = gradient.len().div_ceil(12).max(1);
    (0..gradient.len())
        .step_by(stride)
        .map(|i| {
            let value = slot(&mut changed)[i];
            let step = 1e-4 * value.abs().max(0.1);
            let mut at = |x: f64| {
                slot(&mut changed)[i] = value + x * step;
                loss.value(&changed)
            };
            // Fourth order in the step.
            let difference = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step);
            slot(&mut changed)[i] = value;
            (difference - gradient[i]).abs() / scale
        })
        .fold(0.0, |m, e| if e <= m { m } else { e })
}

type Part = fn(&Gradients) -> &[f64];

const PARTS: &[(&str, Slot, Part)] = &[
    ("c", |x| &mut x.c, |g| &g.c),
    ("rhs", |x| &mut x.rhs, |g| &g.rhs),
    ("iv", |x| &mut x.iv, |g| &g.iv),
    ("h", |x| &mut x.h, |g| &g.h),
    ("data", |x| &mut x.data, |g| &g.data),
    ("data weights", |x| &mut x.data_weights, |g| &g.data_weights),
    ("border", |x| &mut x.columns, |g| &g.border),
    ("equation rows", |x| &mut x.row_weights[0], |g| &g.row_weights[0]),
    ("initial rows", |x| &mut x.row_weights[1], |g| &g.row_weights[1]),
    ("smooth rows", |x| &mut x.row_weights[2], |g| &g.row_weights[2]),
    ("equation weight", |x| std::slice::from_mut(&mut x.scheme.weights.equation), |g| &g.weights[..1]),
    ("initial weight", |x| std::slice::from_mut(&mut x.scheme.weights.initial), |g| &g.weights[1..2]),
    ("smooth weight", |x| std::slice::from_mut(&mut x.scheme.weights.smooth), |g| &g.weights[2..]),
    ("push", push, |g| std::slice::from_ref(&g.push)),
];

/// The slack's push through `alpha`, with `gamma` 1.
fn push(case: &mut Case) -> &mut [f64] {
    match &mut case.scheme.slack {
        Some(slack) => {
            if slack.gamma != 1.0 {
                slack.alpha *= slack.gamma;
                slack.gamma = 1.0;
            }
            std::slice::from_mut(&mut slack.alpha)
        }
        None => &mut [],
    }
}

/// All gradients of a case against differences: name and error, as [`gradient_error`] has it.
pub(super) fn gradient_errors(case: &Case, least: f64, spoil: impl Fn(&mut Gradients)) -> Vec<(&'static str, f64)> {
    let loss = Loss::new(case);
    let problem = case.problem();
    let factor = factor(&problem).unwrap();
    let solution = factor.solve(&problem).unwrap();
    let mut gradients = Gradients::default();
    factor.adjoint_into(&problem, &solution, loss.upstream(), Wanted::ALL, &mut gradients).unwrap();
    spoil(&mut gradients);
    PARTS
        .iter()
        .filter(|(_, slot, _)| !slot(&mut case.clone()).is_empty())
        .map(|&(name, slot, part)| (name, gradient_error(case, (&loss, least), slot, part(&gradients))))
        .collect()
}

#[test]
fn gradients_agree_with_differences() {
    for (i, &spec) in SPECS.iter().enumerate() {
        let mut case = make(spec, 100 + i as u64);
        case.scheme.refinements = if case.scheme.rows == RowSet::Hermite { 2 } else { 0 };
        for (name, e) in gradient_errors(&case, LEAST, |_| ()) {
            assert!(e < 1e-6, "{spec:?}: {name}: {e:e}");
        }
    }
}

type Spoil = fn(&mut Gradients);

#[test]
fn a_wrong_gradient_is_found() {
    let case = make(((3, 2, 7, 2, 3, 2, 2), "slack central states data weights border"), 5);
    let worse = |x: &mut Vec<f64>| x.iter_mut().for_each(|x| *x *= 1.01);
    assert!(gradient_errors(&case, LEAST, |_| ()).iter().all(|(_, e)| *e < 1e-6));
    let spoiled: &[(&str, Spoil)] = &[
        ("c", |g| g.c[0] += 1e-2 * g.c.iter().fold(0.0, |m: f64, x| m.max(x.abs()))),
        ("rhs", |g| g.rhs[0] *= -1.0),
        ("iv", |g| g.iv.iter_mut().for_each(|x| *x = -*x)),
        ("h", |g| g.h.iter_mut().for_each(|x| *x *= 0.99)),
        ("smooth weight", |g| g.weights[2] *= 1.01),
        ("push", |g| g.push *= 1.01),
        ("data", |g| g.data.reverse()),
    ];
    for (name, spoil) in spoiled {
        let worst = gradient_errors(&case, LEAST, spoil)
            .into_iter()
            .filter(|(n, _)| n == name)
            .fold(0.0, |m: f64, (_, e)| m.max(e));
        assert!(worst > 1e-4, "{name}: {worst:e}");
    }
    let rows: [Spoil; 3] =
        [|g| g.row_weights[0][0] *= 1.01, |g| g.row_weights[1][0] *= 1.01, |g| g.row_weights[2][0] *= 1.01];
    for (spoil, name) in rows.into_iter().zip(["equation rows", "initial rows", "smooth rows"]) {
        let both = |g: &mut Gradients| {
            spoil(g);
            worse(&mut g.border);
        };
        let errors = gradient_errors(&case, LEAST, both);
        for name in [name, "border"] {
            assert!(errors.iter().any(|(n, e)| *n == name && *e > 1e-4), "{name}: {errors:?}");
        }
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
            let tolerance = if case.scheme.rows == RowSet::Hermite { 1e-5 } else { 1e-8 };
            assert!(error(&a, &b) < tolerance, "{spec:?}: {:e}", error(&a, &b));
        }
    }
}

#[test]
fn uncoupled_states_have_gradients() {
    let case = uncoupled();
    // Coefficients that are zero are kept zero by the solve, so only their own gradient differs from the differences.
    for (name, e) in gradient_errors(&case, LEAST, |_| ()) {
        assert!(name == "c" || e < 1e-6, "{name}: {e:e}");
    }
}

/// Systems of one state that share coefficients and steps: full lanes and rest, several equations, initial values at several steps.
const SHARED: &[Spec] = &[
    ((1, 1, 12, 1, 3, 1, 2), "c h"),
    ((8, 1, 9, 1, 4, 1, 3), "c h weights"),
    ((19, 2, 7, 1, 3, 2, 2), "c h weights"),
    ((300, 3, 5, 1, 4, 5, 2), "c h"),
    ((3, 1, 1, 1, 3, 1, 3), "c h"),
];

#[test]
fn what_samples_share_is_read_once() {
    for (i, &spec) in SHARED.iter().enumerate() {
        let case = make(spec, 500 + i as u64);
        let problem = case.problem();
        let made = factor(&problem).unwrap();
        assert_eq!(made.unscaled.len(), 3 * case.shape.orders * case.shape.orders * case.shape.steps, "{spec:?}");
        let solution = made.solve(&problem).unwrap();
        let upstream = normal(&mut ChaCha8Rng::seed_from_u64(9), solution.u.len());
        let rows = Wanted { row_weights: false, ..Wanted::ALL };
        let run = |wanted| made.adjoint(&problem, &solution, &upstream, None, wanted).unwrap();
        // The gradients of single rows' weights need all rows: then the lanes hold everything.
        let (once, all) = (run(rows), run(Wanted::ALL));
        for (name, a, b) in
            [("c", &once.c, &all.c), ("rhs", &once.rhs, &all.rhs), ("iv", &once.iv, &all.iv), ("h", &once.h, &all.h)]
        {
            assert!(error(a, b) < 1e-9, "{spec:?}: {name}: {:e}", error(a, b));
        }
        // Against the size of other gradients: without intervals no row has a residual.
        let weights = |of: &Gradients| [&of.weights[..], &of.rhs].concat();
        let e = error(&weights(&once), &weights(&all));
        assert!(e < 1e-9, "{spec:?}: {e:e}: {:?} {:?}", once.weights, all.weights);
        let some = run(Wanted { iv: true, ..Wanted::default() });
        assert!(some.c.is_empty() && some.h.is_empty() && some.rhs.is_empty() && some.iv == once.iv);
        // Corrections make the solve go the general way.
        let mut corrected = case.clone();
        corrected.scheme.refinements = 2;
        let general = corrected.solve().unwrap();
        assert!(error(&solution.u, &general.u) < 1e-9, "{spec:?}: {:e}", error(&solution.u, &general.u));
    }
}

/// One state with a matrix for each sample: one stretch, several, their ends, lanes that are not full, steps or coefficients that the samples
/// share, initial values over as many steps as a stretch may have and one more.
const STRETCHED: &[(Spec, bool)] = &[
    (((8, 1, 12, 1, 3, 1, 2), ""), true),
    (((9, 1, 1, 1, 3, 1, 2), ""), true),
    (((19, 2, 9, 1, 4, 3, 3), "weights"), true),
    (((8, 1, 256, 1, 3, 1, 2), ""), true),
    (((9, 1, 257, 1, 3, 2, 2), "c"), true),
    (((8, 1, 512, 1, 4, 1, 3), "hermite"), true),
    (((17, 2, 600, 1, 4, 1, 3), "h"), true),
    (((8, 1, 1030, 1, 3, 128, 2), "weights"), true),
    (((8, 1, 300, 1, 3, 129, 2), ""), false),
];

#[test]
fn stretches_of_time_are_swept_as_one() {
    for (i, &(spec, fits)) in STRETCHED.iter().enumerate() {
        let mut case = make(spec, 700 + i as u64);
        // Equations that determine their highest derivative: as well conditioned as systems of users.
        case.c.chunks_exact_mut(case.shape.orders).for_each(|c| c[case.shape.orders - 2] += 5.0);
        let problem = case.problem();
        let made = factor(&problem).unwrap();
        assert_eq!(super::stretches::fits(&problem, &made.plan), fits, "{spec:?}");
        let general = made.solve(&problem).unwrap();
        let (mut swept, mut solution) = (made.clone(), Solution::default());
        swept.refactor_and_solve_into(&problem, &mut solution).unwrap();
        let (super::storage::Storage::Wide(a), super::storage::Storage::Wide(b)) = (&made.storage, &swept.storage)
        else {
            panic!("a batch of lanes has a wide factor")
        };
        let lanes = |x: &[crate::solve::lanes::Pack8]| x.iter().flat_map(|pack| pack.0).collect::<Vec<_>>();
        assert!(error(&lanes(a), &lanes(b)) < 1e-10, "{spec:?}: the factor");
        // The weak tie of the highest derivative of Hermite rows costs digits.
        let tolerance = if spec.1 == "hermite" { 1e-9 } else { 1e-12 };
        assert!(error(&solution.u, &general.u) < tolerance, "{spec:?}: {:e}", error(&solution.u, &general.u));
        let upstream = normal(&mut ChaCha8Rng::seed_from_u64(4), general.u.len());
        let run = |wanted| made.adjoint(&problem, &general, &upstream, None, wanted).unwrap();
        // With the gradients of single rows' weights everything goes the general way.
        let (once, all) = (run(Wanted { row_weights: false, ..Wanted::ALL }), run(Wanted::ALL));
        for (name, a, b) in
            [("c", &once.c, &all.c), ("rhs", &once.rhs, &all.rhs), ("iv", &once.iv, &all.iv), ("h", &once.h, &all.h)]
        {
            assert!(a.len() == b.len() && error(a, b) < tolerance, "{spec:?}: {name}: {:e}", error(a, b));
        }
        let weights = |of: &Gradients| [&of.weights[..], &of.rhs].concat();
        let e = error(&weights(&once), &weights(&all));
        assert!(e < tolerance, "{spec:?}: {e:e}: {:?} {:?}", once.weights, all.weights);
        let some = run(Wanted { h: true, ..Wanted::default() });
        assert!(some.c.is_empty() && some.iv.is_empty() && some.rhs.is_empty() && some.h == once.h);
    }
}

#[test]
fn a_fused_solve_is_that_of_its_parts() {
    // Corrections, precisions, several states that nothing couples, and lanes that are not full.
    let sizes = [((8, 1, 12, 1, 3, 1, 2), ""), ((19, 1, 9, 1, 4, 1, 3), "hermite"), ((9, 2, 8, 2, 3, 1, 2), "weights")];
    for (i, spec) in sizes.into_iter().enumerate() {
        for (precision, refinements) in
            [(Precision::Double, 0), (Precision::Double, 2), (Precision::Single, 0), (Precision::Mixed, 0)]
        {
            if precision == Precision::Single && spec.1 == "hermite" {
                // The weak tie of the highest derivative leaves it no digit.
                continue;
            }
            let mut case = make(spec, 800 + i as u64);
            let Shape { states, orders, equations, steps, .. } = case.shape;
            for (row, c) in case.c.chunks_exact_mut(states * orders).enumerate() {
                let own = row / steps % equations * orders;
                (0..states * orders).filter(|j| j / orders != own / orders).for_each(|j| c[j] = 0.0);
                c[own + orders - 2] += 5.0;
            }
            case.scheme.precision = precision;
            case.scheme.refinements = refinements;
            let problem = case.problem();
            let mut made = factor(&problem).unwrap();
            let expected = made.solve(&problem).unwrap();
            let mut solution = Solution::default();
            made.refactor_and_solve_into(&problem, &mut solution).unwrap();
            let e = error(&solution.u, &expected.u);
            let tolerance = if precision == Precision::Single { 1e-4 } else { 1e-10 };
            assert!(e < tolerance, "{spec:?}, {precision:?}, {refinements} corrections: {e:e}");
        }
    }
}

#[test]
fn an_upstream_gradient_that_is_not_finite_is_named() {
    let case = make(((11, 1, 9, 1, 3, 1, 2), "c h"), 7);
    let problem = case.problem();
    let made = factor(&problem).unwrap();
    let solution = made.solve(&problem).unwrap();
    let mut upstream = vec![1.0; solution.u.len()];
    upstream[9 * case.shape.unknowns() + 4] = f64::NAN;
    for weights in [false, true] {
        let wanted = Wanted { weights, row_weights: weights, ..Wanted::ALL };
        let failed = made.adjoint(&problem, &solution, &upstream, None, wanted).unwrap_err();
        assert!(matches!(failed, SolveError::NonFiniteResult { sample: 9, .. }), "{failed:?}");
    }
}

//! The coefficients of the explicit Runge-Kutta method of order 8 by Dormand and Prince with error estimators of orders 5
//! and 3, as published with DOP853: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I, 2nd
//! edition, Springer 1993, section II.5 and appendix. Each number is the shortest decimal of the nearest f64; stages are
//! counted from 0 and vanishing entries are left out.

/// Number of stages of a step.
pub(crate) const STAGES: usize = 12;

/// Nodes: stage `s` is evaluated at `t + C[s]*h`.
pub(crate) const C: [f64; STAGES] = [
    0.0,
    0.05260015195876773,
    0.0789002279381516,
    0.1183503419072274,
    0.2816496580927726,
    0.3333333333333333,
    0.25,
    0.3076923076923077,
    0.6512820512820513,
    0.6,
    0.8571428571428571,
    1.0,
];

/// Stage matrix: `(stage, weight)` pairs that make up stage `s`, for `s` in `0..12`.
#[rustfmt::skip]
pub(crate) const A: [&[(usize, f64)]; STAGES] = [
    &[],
    &[(0, 0.05260015195876773)],
    &[(0, 0.0197250569845379), (1, 0.0591751709536137)],
    &[(0, 0.02958758547680685), (2, 0.08876275643042054)],
    &[(0, 0.2413651341592667), (2, -0.8845494793282861), (3, 0.924834003261792)],
    &[(0, 0.037037037037037035), (3, 0.17082860872947386), (4, 0.12546768756682242)],
    &[(0, 0.037109375), (3, 0.17025221101954405), (4, 0.06021653898045596), (5, -0.017578125)],
    &[(0, 0.03709200011850479), (3, 0.17038392571223998), (4, 0.10726203044637328), (5, -0.015319437748624402), (6, 0.008273789163814023)],
    &[(0, 0.6241109587160757), (3, -3.3608926294469414), (4, -0.868219346841726), (5, 27.59209969944671), (6, 20.154067550477894), (7, -43.48988418106996)],
    &[(0, 0.47766253643826434), (3, -2.4881146199716677), (4, -0.590290826836843), (5, 21.230051448181193), (6, 15.279233632882423), (7, -33.28821096898486), (8, -0.020331201708508627)],
    &[(0, -0.9371424300859873), (3, 5.186372428844064), (4, 1.0914373489967295), (5, -8.149787010746927), (6, -18.52006565999696), (7, 22.739487099350505), (8, 2.4936055526796523), (9, -3.0467644718982196)],
    &[(0, 2.273310147516538), (3, -10.53449546673725), (4, -2.0008720582248625), (5, -17.9589318631188), (6, 27.94888452941996), (7, -2.8589982771350235), (8, -8.87285693353063), (9, 12.360567175794303), (10, 0.6433927460157636)],
];

/// Weights of the solution of order 8.
#[rustfmt::skip]
pub(crate) const B: &[(usize, f64)] = &[
    (0, 0.054293734116568765),
    (5, 4.450312892752409),
    (6, 1.8915178993145003),
    (7, -5.801203960010585),
    (8, 0.3111643669578199),
    (9, -0.1521609496625161),
    (10, 0.20136540080403034),
    (11, 0.04471061572777259),
];

/// Weights of the error estimator of order 5.
#[rustfmt::skip]
pub(crate) const E5: &[(usize, f64)] = &[
    (0, 0.01312004499419488),
    (5, -1.2251564463762044),
    (6, -0.4957589496572502),
    (7, 1.6643771824549864),
    (8, -0.35032884874997366),
    (9, 0.3341791187130175),
    (10, 0.08192320648511571),
    (11, -0.022355307863886294),
];

/// The third-order weights whose difference from [`B`] is the second error estimator.
#[rustfmt::skip]
pub(crate) const B3: &[(usize, f64)] = &[
    (0, 0.2440944881889764),
    (8, 0.7338466882816118),
    (11, 0.022058823529411766),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A slip in one digit of a coefficient shows in these sums; the bound is rounding with weights up to 40.
    const ROUNDING: f64 = 2e-14;

    fn moment(weights: &[(usize, f64)], k: i32) -> f64 {
        weights.iter().map(|&(s, w)| w * if k == 0 { 1.0 } else { C[s].powi(k) }).sum()
    }

    #[test]
    fn stages_and_weights_fulfil_the_quadrature_conditions() {
        for (row, node) in A.iter().zip(C) {
            assert!((moment(row, 0) - node).abs() < ROUNDING, "node {node}");
        }
        for k in 0..8 {
            assert!((moment(B, k) - 1.0 / f64::from(k + 1)).abs() < ROUNDING, "order 8, moment {k}");
        }
        for k in 0..3 {
            assert!((moment(B3, k) - 1.0 / f64::from(k + 1)).abs() < ROUNDING, "order 3, moment {k}");
        }
        for k in 0..5 {
            assert!(moment(E5, k).abs() < ROUNDING, "estimator of order 5, moment {k}");
        }
        assert!(moment(E5, 5).abs() > 1e-6, "the estimator of order 5 estimates something");
    }
}

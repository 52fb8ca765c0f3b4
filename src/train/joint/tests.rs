//! The joint engine on hand-written polynomial systems, without the compiler.

use std::cell::Cell;

use super::{Dynamics, EvaluateError, JointError, JointFit, Observations, Points, Settings, Unknown, fit};
use crate::artifact::{Pattern, PatternEntry};
use crate::data::{Purpose, normals, stream};
use crate::train::{Observer, Progress, Silent};

/// `x_c' = sum_k xi[c, k] theta_k(x)` with all monomials up to degree 2.
struct Quadratic {
    n: usize,
    terms: Vec<Vec<usize>>,
    pattern: Pattern,
}

impl Quadratic {
    fn new(n: usize) -> Self {
        let mut terms: Vec<Vec<usize>> = vec![vec![]];
        terms.extend((0..n).map(|i| vec![i]));
        terms.extend((0..n).flat_map(|i| (i..n).map(move |j| vec![i, j])));
        let m = terms.len();
        // Rows: f, then the Jacobian, then the terms.
        let pattern = Pattern {
            value: (0..n).map(PatternEntry::Row).collect(),
            by_component: (0..n).map(|c| (0..n).map(|j| (j, PatternEntry::Row(n + c * n + j))).collect()).collect(),
            by_unknown: (0..n)
                .map(|c| (0..m).map(|k| (c * m + k, PatternEntry::Row(n + n * n + k))).collect())
                .collect(),
            divisors: Vec::new(),
            rows: n + n * n + m,
        };
        Quadratic { n, terms, pattern }
    }

    fn unknowns(&self) -> Vec<Unknown> {
        (0..self.n).flat_map(|c| self.terms.iter().map(move |t| Unknown::free(format!("{c}{t:?}")))).collect()
    }

    fn at(&self, x: &[f64], xi: &[f64], out: &mut [f64]) {
        let (n, m) = (self.n, self.terms.len());
        out.fill(0.0);
        for (k, term) in self.terms.iter().enumerate() {
            let value: f64 = term.iter().map(|&i| x[i]).product();
            out[n + n * n + k] = value;
            for c in 0..n {
                out[c] += xi[c * m + k] * value;
                for (a, &i) in term.iter().enumerate() {
                    let rest: f64 = term.iter().enumerate().filter(|&(b, _)| b != a).map(|(_, &j)| x[j]).product();
                    out[n + c * n + i] += xi[c * m + k] * rest;
                }
            }
        }
    }
}

impl Dynamics for Quadratic {
    fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    fn field(&mut self, at: Points, xi: &[f64], f: &mut [f64]) -> Result<(), EvaluateError> {
        let len = at.t.len();
        let mut entries = vec![0.0; self.pattern.rows * len];
        self.linearise(at, xi, &mut entries)?;
        f.copy_from_slice(&entries[..self.n * len]);
        Ok(())
    }

    fn linearise(&mut self, at: Points, xi: &[f64], entries: &mut [f64]) -> Result<(), EvaluateError> {
        let len = at.t.len();
        let mut out = vec![0.0; self.pattern.rows];
        for t in 0..len {
            let x: Vec<f64> = (0..self.n).map(|c| at.x[c * len + t]).collect();
            self.at(&x, xi, &mut out);
            for (r, v) in out.iter().enumerate() {
                entries[r * len + t] = *v;
            }
        }
        Ok(())
    }
}

/// The Lorenz system's thirty coefficients.
fn lorenz() -> Vec<f64> {
    let mut xi = vec![0.0; 30];
    (xi[1], xi[2]) = (-10.0, 10.0);
    (xi[11], xi[12], xi[16]) = (28.0, -1.0, -1.0);
    (xi[23], xi[25]) = (-8.0 / 3.0, 1.0);
    xi
}

/// Samples of a quadratic system (classic Runge-Kutta with twenty substeps) with relative white noise.
fn observe(
    model: &Quadratic,
    xi: &[f64],
    start: &[f64],
    samples: usize,
    h: f64,
    noise: f64,
    seed: u64,
) -> Observations {
    let n = model.n;
    let flow = |x: &[f64]| {
        let mut out = vec![0.0; model.pattern.rows];
        model.at(x, xi, &mut out);
        out[..n].to_vec()
    };
    let along = |x: &[f64], k: &[f64], s: f64| x.iter().zip(k).map(|(x, k)| x + s * k).collect::<Vec<f64>>();
    let mut x = start.to_vec();
    let mut y = vec![0.0; n * samples];
    for t in 0..samples {
        for c in 0..n {
            y[c * samples + t] = x[c];
        }
        let s = h / 20.0;
        for _ in 0..20 {
            let k1 = flow(&x);
            let k2 = flow(&along(&x, &k1, s / 2.0));
            let k3 = flow(&along(&x, &k2, s / 2.0));
            let k4 = flow(&along(&x, &k3, s));
            for c in 0..n {
                x[c] += s / 6.0 * (k1[c] + 2.0 * k2[c] + 2.0 * k3[c] + k4[c]);
            }
        }
    }
    for (c, row) in y.chunks_exact_mut(samples).enumerate() {
        let mut draws = vec![0.0; samples];
        normals(&mut stream(seed, Purpose::Noise, c as u64), &mut draws);
        let mean = row.iter().sum::<f64>() / samples as f64;
        let deviation = (row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / samples as f64).sqrt();
        for (v, z) in row.iter_mut().zip(&draws) {
            *v += noise * deviation * z;
        }
    }
    Observations {
        t: (0..samples).map(|t| t as f64 * h).collect(),
        y,
        derivative_of: vec![None; n],
        names: (0..n).map(|c| format!("x{c}")).collect(),
        ..Observations::default()
    }
}

fn run(model: &mut Quadratic, observations: &Observations) -> JointFit {
    let unknowns = model.unknowns();
    let settings = Settings {
        seed: 0,
        significance: None,
        most_samples: usize::MAX,
        finer: 1,
        terms: None,
        near: false,
        exact: false,
    };
    fit(model, &unknowns, observations, &settings, &mut Silent).expect("fits")
}

/// Whether the support is exact, and the largest relative error of the true terms.
fn score(fit: &JointFit, truth: &[f64]) -> (bool, f64) {
    let exact = fit.estimates.iter().zip(truth).all(|(e, t)| e.kept == (*t != 0.0));
    let error = fit.estimates.iter().zip(truth).filter(|(_, t)| **t != 0.0);
    (exact, error.map(|(e, t)| (e.value / t - 1.0).abs()).fold(0.0, f64::max))
}

#[test]
fn lorenz_is_found_at_every_noise() {
    let mut model = Quadratic::new(3);
    let truth = lorenz();
    for (noise, limit) in [(0.0, 1e-5), (0.05, 0.02), (0.25, 0.1)] {
        let observations = observe(&model, &truth, &[1.0, 1.0, 1.0], 4000, 0.01, noise, 1);
        let fit = run(&mut model, &observations);
        let (exact, error) = score(&fit, &truth);
        assert!(exact, "support at noise {noise}: {:?}", fit.estimates);
        assert!(error < limit, "error {error} at noise {noise}");
    }
}

/// Says so many times that the fit may go on.
struct Patience(Cell<usize>);

impl Observer for Patience {
    fn progress(&mut self, _: &Progress) {}
    fn should_stop(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left == 0
    }
}

/// Wherever it is interrupted, in the smoother, the regression, before a solve or in the search, the fit ends there and says where it
/// stands.
#[test]
fn a_fit_can_be_interrupted_everywhere() {
    let mut model = Quadratic::new(3);
    let observations = observe(&model, &lorenz(), &[1.0, 1.0, 1.0], 300, 0.01, 0.01, 1);
    let unknowns = model.unknowns();
    let settings =
        Settings { seed: 0, significance: None, most_samples: 300, finer: 1, terms: None, near: false, exact: false };
    let (mut without, mut with, mut solves) = (0, 0, 0);
    for patience in (0..).step_by(7) {
        let mut observer = Patience(Cell::new(patience));
        match fit(&mut model, &unknowns, &observations, &settings, &mut observer) {
            Err(JointError::Interrupted(None)) => without += 1,
            Err(JointError::Interrupted(Some(interim))) => {
                with += 1;
                assert!(interim.solves >= solves);
                solves = interim.solves;
                assert_eq!(interim.unknowns.len(), 30);
                assert!(interim.unknowns.iter().zip(&interim.kept).all(|(x, kept)| *kept || *x == 0.0));
            }
            Ok(fit) => {
                assert!(fit.solves >= solves);
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    // Three smoothers of seventeen attempts and the regression; then far more questions than solves.
    assert!(7 * without > 3 * 17 && 7 * with > 3 * solves, "{without} {with} {solves}");
}

/// A model that has no value from a time on.
struct Ending(Quadratic, f64);

impl Dynamics for Ending {
    fn pattern(&self) -> &Pattern {
        self.0.pattern()
    }

    fn field(&mut self, at: Points, xi: &[f64], f: &mut [f64]) -> Result<(), EvaluateError> {
        self.0.field(at, xi, f)?;
        f.iter_mut().zip(at.t.iter().cycle()).filter(|(_, t)| **t >= self.1).for_each(|(f, _)| *f = f64::NAN);
        Ok(())
    }

    fn linearise(&mut self, at: Points, xi: &[f64], entries: &mut [f64]) -> Result<(), EvaluateError> {
        self.0.linearise(at, xi, entries)?;
        entries.iter_mut().zip(at.t.iter().cycle()).filter(|(_, t)| **t >= self.1).for_each(|(e, _)| *e = f64::NAN);
        Ok(())
    }
}

/// Where finer samples help no more than the observed ones, or there may be none, what failed first is told with its place.
#[test]
fn the_first_failure_is_told() {
    let model = Quadratic::new(3);
    let observations = observe(&model, &lorenz(), &[1.0, 1.0, 1.0], 300, 0.01, 0.01, 1);
    let unknowns = model.unknowns();
    // Between the samples at 1 and 1.01: finer samples fail at 1.005 already.
    let mut model = Ending(model, 1.002);
    for most_samples in [300, usize::MAX] {
        let settings =
            Settings { seed: 0, significance: None, most_samples, finer: 1, terms: None, near: false, exact: false };
        let failed = fit(&mut model, &unknowns, &observations, &settings, &mut Silent);
        let Err(JointError::NotFinite { what, at }) = failed else { panic!("{failed:?}") };
        assert_eq!((at.time, at.x.len(), at.unknowns.len()), (1.01, 3, 30));
        assert!(what.contains("belongs to `0[]`"), "{what}");
    }
}

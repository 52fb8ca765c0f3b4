//! Formulas of collocation between neighbouring samples, for arrays of the host; [`cuda`](super::cuda) has the same as kernels.
//!
//! Samples are `[component, sample]`, what lies between them `[component, link]`, and rows `[link, component]`. A link whose step is
//! zero ties nothing: its rows are zero.

use super::RuntimeError;
use super::store::View;

/// What is computed from arrays; in brackets which, in this order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Formula {
    /// `x + share f` [x, f].
    Shift {
        /// The share.
        share: f64,
    },
    /// The central difference `(plus - minus) / 2 eps` [plus, minus].
    Slope {
        /// Half of the distance.
        eps: f64,
    },
    /// The midpoint of the cubic Hermite interpolant [x, f, h].
    Middle,
    /// The midpoint of the quintic one, with the slope g of f [x, f, g, h].
    QuinticMiddle,
    /// `x1 - x0 - h/6 (f0 + 4 fm + f1)` [x, f, fm, h].
    Defect,
    /// That rule less the sixth-order one [f, g, f at the cubic midpoint, f at the quintic one, h].
    Correction,
}

impl Formula {
    /// How many arrays it takes.
    pub fn arity(self) -> usize {
        match self {
            Formula::Shift { .. } | Formula::Slope { .. } => 2,
            Formula::Middle => 3,
            Formula::QuinticMiddle | Formula::Defect => 4,
            Formula::Correction => 5,
        }
    }

    /// Its number, where it has one.
    pub(super) fn number(self) -> f64 {
        match self {
            Formula::Shift { share } => share,
            Formula::Slope { eps } => eps,
            _ => 0.0,
        }
    }

    /// Whether it is of each sample for itself.
    pub(super) fn of_samples(self) -> bool {
        matches!(self, Formula::Shift { .. } | Formula::Slope { .. })
    }

    /// Samples, links and components of arrays of these lengths, where they fit: those that are taken, and what is written.
    pub(super) fn sizes(self, from: &[usize], out: usize) -> Option<[usize; 3]> {
        if from.len() != self.arity() {
            return None;
        }
        let first = *from.first()?;
        if self.of_samples() {
            return (from.iter().all(|&len| len == first) && out == first).then_some([first, first, 1]);
        }
        let (links, others) = from.split_last()?;
        let samples = links + 1;
        let n = first / samples;
        let fits = |at: usize, len: usize| match (self, at) {
            (Formula::Defect, 2) | (Formula::Correction, 2 | 3) => len == n * links,
            _ => len == n * samples,
        };
        let all = others.iter().enumerate().all(|(at, &len)| fits(at, len));
        (all && out == n * links).then_some([samples, *links, n])
    }

    /// Computes it.
    ///
    /// # Errors
    /// [`RuntimeError::Move`] where lengths do not fit.
    pub fn apply(self, from: &[&[f64]], out: &mut [f64]) -> Result<(), RuntimeError> {
        let lengths: Vec<usize> = from.iter().map(|a| a.len()).collect();
        let sizes = self.sizes(&lengths, out.len()).ok_or_else(|| self.unlike())?;
        match (self, from) {
            (Formula::Shift { share }, &[x, f]) => {
                out.iter_mut().zip(x.iter().zip(f)).for_each(|(o, (x, f))| *o = x + share * f);
            }
            (Formula::Slope { eps }, &[plus, minus]) => {
                let difference = |(p, m): (&f64, &f64)| p / (2.0 * eps) - m / (2.0 * eps);
                out.iter_mut().zip(plus.iter().zip(minus).map(difference)).for_each(|(o, d)| *o = d);
            }
            (Formula::Middle, &[x, f, h]) => {
                between(sizes, out, false, |i, t, _| 0.5 * (x[i] + x[i + 1]) + h[t] / 8.0 * (f[i] - f[i + 1]))
            }
            (Formula::QuinticMiddle, &[x, f, g, h]) => between(sizes, out, false, |i, t, _| {
                let h = h[t];
                0.5 * (x[i] + x[i + 1]) + 5.0 * h / 32.0 * (f[i] - f[i + 1]) + h * h / 64.0 * (g[i] + g[i + 1])
            }),
            (Formula::Defect, &[x, f, fm, h]) => between(sizes, out, true, |i, t, m| match h[t] > 0.0 {
                true => x[i + 1] - x[i] - h[t] / 6.0 * (f[i] + 4.0 * fm[m] + f[i + 1]),
                false => 0.0,
            }),
            (Formula::Correction, &[f, g, low, high, h]) => between(sizes, out, true, |i, t, m| {
                let h = h[t];
                if h <= 0.0 {
                    return 0.0;
                }
                let fourth = h / 6.0 * (f[i] + 4.0 * low[m] + f[i + 1]);
                let sixth =
                    h / 30.0 * (7.0 * f[i] + 16.0 * high[m] + 7.0 * f[i + 1]) + h * h / 60.0 * (g[i] - g[i + 1]);
                fourth - sixth
            }),
            _ => return Err(self.unlike()),
        }
        Ok(())
    }

    pub(super) fn unlike(self) -> RuntimeError {
        RuntimeError::Move { reason: format!("the arrays of {self:?} do not fit one another") }
    }
}

/// A number for every component and link, from the sample before it, the link, and the place of what lies between samples.
fn between([samples, links, n]: [usize; 3], out: &mut [f64], rows: bool, number: impl Fn(usize, usize, usize) -> f64) {
    for c in 0..n {
        for t in 0..links {
            let to = if rows { t * n + c } else { c * links + t };
            out[to] = number(c * samples + t, t, c * links + t);
        }
    }
}

/// A formula with its arrays.
#[derive(Clone, Debug, PartialEq)]
pub struct Collocated {
    /// What is computed.
    pub formula: Formula,
    /// From which arrays.
    pub from: Vec<View>,
    /// Into which one.
    pub out: View,
}

impl Collocated {
    /// Samples, links and components.
    pub(super) fn sizes(&self) -> Option<[usize; 3]> {
        let lengths: Vec<usize> = self.from.iter().map(View::len).collect();
        self.formula.sizes(&lengths, self.out.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_exactly() {
        // x = t^4 at uneven samples, two components of which the second is twice the first; no link from the third sample to the fourth.
        let t = [0.0, 0.5, 1.25, 3.0, 3.5f64];
        let h: Vec<f64> = t.windows(2).enumerate().map(|(i, w)| if i == 2 { 0.0 } else { w[1] - w[0] }).collect();
        let both = |f: &dyn Fn(f64) -> f64, at: &[f64]| {
            [1.0, 2.0].map(|k| at.iter().map(|&t| k * f(t)).collect::<Vec<_>>()).concat()
        };
        let (x, f, g) = (both(&|t| t.powi(4), &t), both(&|t| 4.0 * t.powi(3), &t), both(&|t| 12.0 * t * t, &t));
        let mid: Vec<f64> = t.windows(2).map(|w| 0.5 * (w[0] + w[1])).collect();
        let fm = both(&|t| 4.0 * t.powi(3), &mid);
        let mut out = vec![1.0; 8];
        let mut largest = |formula: Formula, from: &[&[f64]]| {
            formula.apply(from, &mut out).expect("arrays that fit");
            out.iter().fold(0.0f64, |m, x| m.max(x.abs()))
        };
        // Both rules are exact for cubic f.
        assert!(largest(Formula::Defect, &[&x, &f, &fm, &h]) < 1e-12);
        assert!(largest(Formula::Correction, &[&f, &g, &fm, &fm, &h]) < 1e-12);
        // The quintic interpolant is exact for x, the cubic one is h^4/16 away.
        let exact = both(&|t| t.powi(4), &mid);
        Formula::QuinticMiddle.apply(&[&x, &f, &g, &h], &mut out).expect("arrays that fit");
        let linked = |i: &usize| i % 4 != 2;
        assert!((0..8).filter(linked).all(|i| (out[i] - exact[i]).abs() < 1e-12), "{out:?} {exact:?}");
        Formula::Middle.apply(&[&x, &f, &h], &mut out).expect("arrays that fit");
        let away = |i: usize| (1 + i / 4) as f64 * h[i % 4].powi(4) / 16.0;
        assert!((0..8).filter(linked).all(|i| (exact[i] - out[i] - away(i)).abs() < 1e-12), "{out:?} {exact:?}");
        assert!(Formula::Middle.apply(&[&x, &f, &h[1..]], &mut out).is_err());
    }
}

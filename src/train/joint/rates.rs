//! Rates at which states go by themselves: diagonal entries of the derivative of the field by the states that are the same at all points, with the
//! numbers that stand in them. Two such rates of a chain can be exchanged where one of its states is not observed (Godfrey, Jones & Brown 1980, Journal of
//! Pharmacokinetics and Biopharmaceutics 8, 633-648).

use super::problem::{Dynamics, EvaluateError, JointFit, Observations, Points, Unknown};
use crate::artifact::PatternEntry;

/// Points that are looked at, at most, and at least.
const POINTS: usize = 24;
const FEWEST_POINTS: usize = 3;
/// Steps of numbers for differences, as parts of them.
const STEP: f64 = 1e-4;
/// What varies by less than this part of itself from point to point is the same at all of them.
const SAME: f64 = 1e-5;
/// Eigenvalues are compared at every so many of the points, of so many components at most.
const EVERY: usize = 5;
const MOST_COMPONENTS: usize = 20;
/// Models with more numbers are not looked at.
const MOST: usize = 100;
/// Terms whose number is not this many standard errors from zero may not be there, and are left out: with the least of a square no rate is constant.
pub const SURE: f64 = 3.0;

/// A number in the rate of a component.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Position among the unknowns of the model.
    pub unknown: usize,
    /// The component.
    pub component: usize,
    /// Whether nothing of its state was seen.
    pub hidden: bool,
    /// What of the rate goes with the number: the derivative by its logarithm, in one by the unit of time.
    pub part: f64,
    /// The rate, negative where the component decays.
    pub whole: f64,
    /// Whether the component is the logarithm of what has the rate: then it stands in the field itself.
    pub of_logarithm: bool,
}

impl Rate {
    /// Whether the rate grows with the number; else it falls, as with a time constant or a volume.
    pub fn grows(&self) -> bool {
        self.part * self.whole > 0.0
    }
}

/// How what a hidden component does to another one goes with a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coupling {
    /// Position among the unknowns of the model.
    pub unknown: usize,
    /// The hidden component.
    pub from: usize,
    /// The component that it moves.
    pub to: usize,
    /// The power of the number that it is proportional to.
    pub power: f64,
}

/// What of the rates and of what hidden components do is the same at all points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates {
    /// Rates of components by themselves.
    pub own: Vec<Rate>,
    /// What hidden components do to others.
    pub couplings: Vec<Coupling>,
}

/// The rates of all components at the numbers that a fit came to, where one component at least is hidden. Where a component has no
/// constant rate, what is constant in its field counts: the rate of a state whose logarithm is the component.
///
/// # Errors
/// The compiled model failed.
pub fn rates(
    model: &mut dyn Dynamics,
    unknowns: &[Unknown],
    observations: &Observations,
    fit: &JointFit,
) -> Result<Rates, EvaluateError> {
    let hidden = hidden(observations);
    let mut out = Rates::default();
    if !hidden.contains(&true) || unknowns.len() > MOST {
        return Ok(out);
    }
    let xi = sure(unknowns, fit);
    let points = Sampled::of(observations, fit);
    let here = points.entries(model, &xi)?;
    for (k, unknown) in unknowns.iter().enumerate() {
        let kept = fit.estimates.get(fit.columns.at(k, 0)).is_some_and(|e| e.kept);
        let value = xi.get(k).copied().unwrap_or(0.0);
        if unknown.own || !kept || value == 0.0 {
            continue;
        }
        let mut at = |by: f64| {
            let mut moved = xi.clone();
            if let Some(slot) = moved.get_mut(k) {
                *slot *= 1.0 + by;
            }
            points.entries(model, &moved)
        };
        let (above, below) = (at(STEP)?, at(-STEP)?);
        let slopes = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) / (2.0 * STEP)).collect::<Vec<f64>>();
        for (c, &hidden) in hidden.iter().enumerate() {
            let whole = mean(&here.by(c, c)).unwrap_or(0.0);
            let of_value = || constant(&slopes(above.value.get(c)?, below.value.get(c)?));
            if let Some(part) = constant(&slopes(&above.by(c, c), &below.by(c, c))) {
                out.own.push(Rate { unknown: k, component: c, hidden, part, whole, of_logarithm: false });
            } else if let Some(part) = of_value().filter(|_| !hidden) {
                out.own.push(Rate { unknown: k, component: c, hidden, part, whole: -part.abs(), of_logarithm: true });
            }
        }
        // What does not depend on a component has no entry for it.
        let rows = here.derivatives.iter().zip(&above.derivatives).zip(&below.derivatives);
        for (to, ((here, above), below)) in rows.enumerate() {
            for (((from, whole), (_, above)), (_, below)) in here.iter().zip(above).zip(below) {
                if *from == to || hidden.get(*from) != Some(&true) {
                    continue;
                }
                let powers: Vec<f64> = slopes(above, below).iter().zip(whole).map(|(slope, all)| slope / all).collect();
                out.couplings.extend(constant(&powers).map(|power| Coupling { unknown: k, from: *from, to, power }));
            }
        }
    }
    // What is constant in a field counts only where the component has no rate of its own, and is taken for that of a decay.
    let has_own: Vec<usize> = out.own.iter().filter(|r| !r.of_logarithm).map(|r| r.component).collect();
    out.own.retain(|r| !r.of_logarithm || !has_own.contains(&r.component));
    Ok(out)
}

/// Whether the derivatives of the field by the components have the same eigenvalues with other values of some unknowns: in whatever zero and scale
/// of the hidden states, a law with the same solution of all others has them.
///
/// # Errors
/// The compiled model failed.
pub fn same_spectrum(
    model: &mut dyn Dynamics,
    unknowns: &[Unknown],
    (observations, fit): (&Observations, &JointFit),
    changed: &[(usize, f64)],
) -> Result<bool, EvaluateError> {
    if model.pattern().value.len() > MOST_COMPONENTS {
        return Ok(false);
    }
    let xi = sure(unknowns, fit);
    let mut other = xi.clone();
    for &(k, value) in changed {
        if let Some(slot) = other.get_mut(k) {
            *slot = value;
        }
    }
    let points = Sampled::of(observations, fit);
    let (here, there) = (points.entries(model, &xi)?, points.entries(model, &other)?);
    Ok((0..points.t.len()).step_by(EVERY).all(|i| {
        let (a, b) = (here.matrix(i), there.matrix(i));
        let size = a.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= SAME;
        power_sums(a, size).iter().zip(&power_sums(b, size)).all(close)
    }))
}

/// The numbers that a fit came to, without those of terms that may not be there.
fn sure(unknowns: &[Unknown], fit: &JointFit) -> Vec<f64> {
    let all: Vec<f64> = fit.estimates.iter().map(|e| e.value).collect();
    let mut xi = fit.columns.values(&all, 0);
    for k in doubtful(unknowns, fit) {
        if let Some(value) = xi.get_mut(k) {
            *value = 0.0;
        }
    }
    xi
}

/// Terms of a law that may not be there: none of them is [`SURE`] standard errors from zero.
pub fn doubtful(unknowns: &[Unknown], fit: &JointFit) -> Vec<usize> {
    let is_near = |k: usize| {
        let estimate = fit.estimates.get(fit.columns.at(k, 0));
        estimate.is_some_and(|e| e.kept && e.value.abs() < SURE * e.std_error)
    };
    let candidates = unknowns.iter().enumerate().filter(|(_, u)| u.droppable && !u.own);
    candidates.map(|(k, _)| k).filter(|k| is_near(*k)).collect()
}

/// The traces of all powers of a square matrix, up to its own size and divided by `size`: the sums of the powers of its eigenvalues, which they determine.
fn power_sums(matrix: Vec<f64>, size: f64) -> Vec<f64> {
    let n = (1..).find(|n| n * n >= matrix.len()).unwrap_or(1);
    let base: Vec<f64> = matrix.iter().map(|v| v / (size * n as f64)).collect();
    let entry = |of: &[f64], i: usize, j: usize| of.get(i * n + j).copied().unwrap_or(f64::NAN);
    let times = |a: &[f64]| -> Vec<f64> {
        let of = |at: usize| (0..n).map(|k| entry(a, at / n, k) * entry(&base, k, at % n)).sum();
        (0..n * n).map(of).collect()
    };
    let powers = std::iter::successors(Some(base.clone()), |last| Some(times(last))).take(n);
    powers.zip(1..).map(|(m, k)| (0..n).map(|i| entry(&m, i, i)).sum::<f64>() * (n as f64).powi(k)).collect()
}

/// Per component, whether no sample shows it nor its state: derivatives go with their states.
pub fn hidden(observations: &Observations) -> Vec<bool> {
    let len = observations.t.len().max(1);
    let mut out: Vec<bool> = Vec::new();
    for (c, row) in observations.y.chunks_exact(len).enumerate() {
        let of = observations.derivative_of.get(c).copied().flatten().and_then(|of| out.get(of).copied());
        let unseen = row.iter().all(|y| !y.is_finite());
        out.push(of.unwrap_or(unseen) && unseen);
    }
    out
}

/// The number that all of them are, where it is not zero.
fn constant(numbers: &[f64]) -> Option<f64> {
    let mean = mean(numbers).filter(|mean| *mean != 0.0)?;
    let finite = || numbers.iter().filter(|v| v.is_finite());
    (finite().count() >= FEWEST_POINTS && finite().all(|v| (v - mean).abs() <= SAME * mean.abs())).then_some(mean)
}

fn mean(numbers: &[f64]) -> Option<f64> {
    let finite: Vec<f64> = numbers.iter().copied().filter(|v| v.is_finite()).collect();
    (!finite.is_empty()).then(|| finite.iter().sum::<f64>() / finite.len() as f64)
}

/// Points of the first trajectory of a solution.
struct Sampled {
    x: Vec<f64>,
    t: Vec<f64>,
    input: Vec<f64>,
}

/// What the field is at the points.
struct Entries {
    /// `[component][point]`
    value: Vec<Vec<f64>>,
    /// Per component of the field: component, and the derivative by it at the points.
    derivatives: Vec<Vec<(usize, Vec<f64>)>>,
}

impl Entries {
    /// All derivatives at a point, row by row.
    fn matrix(&self, point: usize) -> Vec<f64> {
        let n = self.derivatives.len();
        let mut out = vec![0.0; n * n];
        for (row, list) in out.chunks_exact_mut(n.max(1)).zip(&self.derivatives) {
            for (c, values) in list {
                if let (Some(slot), Some(value)) = (row.get_mut(*c), values.get(point)) {
                    *slot = *value;
                }
            }
        }
        out
    }

    /// The derivative of one component of the field by another component; empty where it does not depend on it.
    fn by(&self, of: usize, by: usize) -> Vec<f64> {
        let found = self.derivatives.get(of).and_then(|list| list.iter().find(|(c, _)| *c == by));
        found.map_or_else(Vec::new, |(_, values)| values.clone())
    }
}

impl Sampled {
    fn of(observations: &Observations, fit: &JointFit) -> Sampled {
        let len = observations.t.len();
        let end = observations.breaks.first().copied().unwrap_or(len);
        let at: Vec<usize> = (0..end).step_by(end.div_ceil(POINTS).max(1)).collect();
        let rows = |all: &[f64]| -> Vec<f64> {
            let row = |row: &[f64]| at.iter().filter_map(|&i| row.get(i).copied()).collect::<Vec<f64>>();
            all.chunks_exact(len.max(1)).flat_map(row).collect()
        };
        Sampled { x: rows(&fit.x), t: rows(&observations.t), input: rows(&observations.input) }
    }

    fn entries(&self, model: &mut dyn Dynamics, xi: &[f64]) -> Result<Entries, EvaluateError> {
        let pattern = model.pattern().clone();
        let len = self.t.len();
        let mut entries = vec![0.0; pattern.rows * len];
        model.linearise(Points { x: &self.x, t: &self.t, input: &self.input }, xi, &mut entries)?;
        let entry = |e: &PatternEntry, i: usize| match e {
            PatternEntry::Constant(value) => *value,
            PatternEntry::Row(row) => entries.get(row * len + i).copied().unwrap_or(f64::NAN),
        };
        let row = |e: &PatternEntry| (0..len).map(|i| entry(e, i)).collect::<Vec<f64>>();
        let list = |list: &Vec<(usize, PatternEntry)>| list.iter().map(|(c, e)| (*c, row(e))).collect();
        Ok(Entries {
            value: pattern.value.iter().map(row).collect(),
            derivatives: pattern.by_component.iter().map(list).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{constant, power_sums};

    #[test]
    fn traces_of_powers_tell_eigenvalues_apart_and_nothing_else() {
        let close = |a: Vec<f64>, b: Vec<f64>| {
            let (a, b) = (power_sums(a, 5.0), power_sums(b, 5.0));
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12)
        };
        // A chain, with its rates exchanged and another volume.
        assert!(close(vec![-1.0, 0.0, 5.0, -2.0], vec![-2.0, 0.0, 0.3, -1.0]));
        // An exchange between states.
        assert!(!close(vec![-1.0, 1.0, 2.0, -2.5], vec![-2.0, 2.0, 1.0, -1.5]));
        let chain = vec![-1.0, 0.0, 0.0, 1.0, -2.0, 0.0, 0.0, 2.0, -3.0];
        assert!(close(chain.clone(), vec![-3.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 4.0, -2.0]));
        assert!(!close(chain, vec![-3.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 4.0, -1.0]));
    }

    #[test]
    fn what_varies_or_is_zero_is_not_constant() {
        assert_eq!(constant(&[2.0, f64::NAN, 2.0, 2.0]), Some(2.0));
        for none in [&[2.0, 2.0][..], &[0.0; 4], &[1.0, 1.0, 1.1, 1.0], &[]] {
            assert_eq!(constant(none), None, "{none:?}");
        }
    }
}

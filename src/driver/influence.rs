//! How unknowns change equations along the data: columns of derivatives, and which of them others make up.

use super::failure::Failure;
use super::observed::Observed;
use super::pointwise::Compiled;
use super::target::Target;
use crate::artifact::PatternEntry;
use crate::base::{IndexMap, IndexSet};
use crate::data::{Purpose, stream, uniform};
use crate::hir::Model;
use crate::runtime::Threads;
use crate::train::joint::{Dynamics, Observations, Points};

/// At most so many samples at which every state and input is known; none where a state is not observed.
pub fn known_samples(model: &Model, observed: &Observed, most: usize) -> Option<Samples> {
    if observed.components.iter().any(|c| c.derivative == 0 && observed.train.column(&c.state).is_none()) {
        return None;
    }
    let samples = Samples::of(&observed.observations(model, &observed.train.trajectories), most);
    // Without samples no data set observes all states at once; without inputs they are fields, which are found with the fit.
    (!samples.t.is_empty() && samples.input.len() == model.inputs.len() * samples.t.len()).then_some(samples)
}

/// All samples, with arbitrary values of states where these are missing; none where a state is not observed. What terms of inputs and the time are
/// there is known whatever the states are, and what is said of terms that hold states must then be so for any values of these.
pub fn all_samples(model: &Model, observed: &Observed) -> Option<Samples> {
    let mut all = observed.observations(model, &observed.train.trajectories);
    let len = all.t.len().max(1);
    for (component, row) in all.y.chunks_exact_mut(len).enumerate() {
        if all.derivative_of.get(component).is_some_and(Option::is_none) {
            fill(component, row);
        }
    }
    let samples = Samples::of(&all, usize::MAX);
    (!samples.t.is_empty() && samples.input.len() == model.inputs.len() * samples.t.len()).then_some(samples)
}

/// Fills what is not known with values between the least and the greatest known one, no two alike, and others for each component: along a line or with the
/// only known value, a state seen once would be a constant, and all its powers multiples of one another.
fn fill(component: usize, x: &mut [f64]) {
    let known = x.iter().copied().filter(|x| x.is_finite());
    let (least, most) = known.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    if least > most {
        return;
    }
    let width = if most > least { most - least } else { least.abs().max(1.0) };
    let mut rng = stream(0, Purpose::Missing, component as u64);
    for x in x.iter_mut().filter(|x| !x.is_finite()) {
        *x = least + width * uniform(&mut rng);
    }
}

/// Samples at which every component is known.
pub struct Samples {
    /// `[component, sample]`
    pub x: Vec<f64>,
    pub t: Vec<f64>,
    /// `[input, sample]`
    pub input: Vec<f64>,
}

impl Samples {
    /// At most so many.
    fn of(all: &Observations, most: usize) -> Samples {
        let len = all.t.len();
        let mut rows: Vec<Vec<f64>> = Vec::new();
        for (c, of) in all.derivative_of.iter().enumerate() {
            let seen = all.y.get(c * len..(c + 1) * len).unwrap_or_default();
            rows.push(match of.and_then(|of| rows.get(of)) {
                Some(lower) => derivative(&all.t, lower, &all.breaks),
                None => seen.to_vec(),
            });
        }
        let inputs: Vec<&[f64]> = all.input.chunks_exact(len.max(1)).collect();
        let known = |i: &usize| {
            let finite = |row: &[f64]| row.get(*i).is_some_and(|x| x.is_finite());
            rows.iter().all(|r| finite(r)) && inputs.iter().all(|r| finite(r))
        };
        let kept: Vec<usize> = (0..len).filter(known).collect();
        let stride = kept.len().div_ceil(most).max(1);
        let kept: Vec<usize> = kept.into_iter().step_by(stride).collect();
        let take = |row: &[f64]| kept.iter().filter_map(|&i| row.get(i).copied()).collect::<Vec<f64>>();
        Samples {
            x: rows.iter().flat_map(|r| take(r)).collect(),
            input: inputs.iter().flat_map(|r| take(r)).collect(),
            t: take(&all.t),
        }
    }

    /// Some of them.
    fn part(&self, range: std::ops::Range<usize>) -> Samples {
        let of = |all: &[f64]| {
            let rows = all.chunks_exact(self.t.len().max(1));
            rows.flat_map(|row| row.get(range.clone()).unwrap_or_default()).copied().collect()
        };
        Samples { x: of(&self.x), t: of(&self.t), input: of(&self.input) }
    }
}

/// Central differences; unknown at the ends of trajectories.
fn derivative(t: &[f64], x: &[f64], breaks: &[usize]) -> Vec<f64> {
    let starts = |i: usize| i == 0 || breaks.contains(&i);
    let one = |i: usize| {
        let inside = !starts(i) && !starts(i + 1);
        let ends = inside.then(|| Some((t.get(i - 1)?, t.get(i + 1)?, x.get(i - 1)?, x.get(i + 1)?))).flatten();
        ends.map_or(f64::NAN, |(t0, t1, x0, x1)| (x1 - x0) / (t1 - t0))
    };
    (0..x.len()).map(one).collect()
}

/// So many samples are looked at in one go: columns of all at once would take much memory.
const PART: usize = 2_000;

/// The unknowns of equations that hold the same ones, and products of their columns.
pub struct Group {
    pub unknowns: Vec<usize>,
    /// Products of all pairs, summed over equations and samples.
    products: Vec<f64>,
}

/// A column that others make up.
pub struct Dependent {
    /// Its position in the group.
    pub column: usize,
    /// Share of its squared length that the others do not explain.
    pub left: f64,
    /// Positions of the others with their parts, largest first; none where the column is zero.
    pub of: Vec<(usize, f64)>,
}

/// The groups of a model's unknowns, with products of their columns where nonlinear unknowns are `at` these values, else at their starts.
pub fn groups(model: &Model, samples: &Samples, at: Option<&[f64]>) -> Result<Vec<Group>, Failure> {
    let mut compiled = Compiled::linearisation(model, &Target::Host(Threads::single()))?;
    let pattern = compiled.pattern().clone();
    let starts: Vec<f64> = model.unknowns.values().enumerate().map(start).collect();
    let xi = at.filter(|at| at.len() == starts.len()).unwrap_or(&starts);
    let mut groups: IndexMap<Vec<usize>, Vec<f64>> = IndexMap::default();
    for from in (0..samples.t.len()).step_by(PART) {
        let part = samples.part(from..(from + PART).min(samples.t.len()));
        let len = part.t.len();
        let mut entries = vec![0.0; pattern.rows * len];
        let at = Points { x: &part.x, t: &part.t, input: &part.input };
        compiled.linearise(at, xi, &mut entries).map_err(|e| Failure::Internal(e.to_string()))?;
        for by_unknown in pattern.by_unknown.iter().filter(|u| !u.is_empty()) {
            let constant = |value: f64| vec![value; len];
            let columns: Vec<Vec<f64>> = by_unknown
                .iter()
                .map(|(_, entry)| match entry {
                    PatternEntry::Constant(value) => constant(*value),
                    PatternEntry::Row(row) => entries.get(row * len..(row + 1) * len).unwrap_or_default().to_vec(),
                })
                .collect();
            let products = columns.iter().flat_map(|a| columns.iter().map(|b| dot(a, b)));
            let names: Vec<usize> = by_unknown.iter().map(|(unknown, _)| *unknown).collect();
            let sums = groups.entry(names).or_insert_with(|| vec![0.0; columns.len() * columns.len()]);
            sums.iter_mut().zip(products).for_each(|(sum, p)| *sum += p);
        }
    }
    Ok(groups.into_iter().map(|(unknowns, products)| Group { unknowns, products }).collect())
}

/// Where a nonlinear unknown's derivative is taken.
fn start((at, unknown): (usize, &crate::hir::Unknown)) -> f64 {
    // Coefficients are not zero here: what stands inside their terms would have no effect. Nor are they alike: where both sums of a
    // ratio are the same, so are the effects of their terms.
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let between = if unknown.is_coefficient() { 0.5 + (GOLDEN * (at + 1) as f64).fract() } else { 1.0 };
    unknown.start.unwrap_or(between).max(unknown.bounds.lower).min(unknown.bounds.upper)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Columns are multiples of each other where less than this share of a squared length is left: roundings of the products.
const MULTIPLE: f64 = 1e-13;
/// Factors of multiples differ by no more than this share of them: what [`MULTIPLE`] leaves open of a direction.
const FACTOR: f64 = 1e-6;

/// Whether the column of `unknown` is zero in all equations, or in all of them the same multiple of that of another one that may be taken.
pub fn is_multiple(groups: &[Group], unknown: usize, taken: &dyn Fn(usize) -> bool) -> bool {
    let stands: Vec<&Group> = groups.iter().filter(|g| g.unknowns.contains(&unknown)).collect();
    if stands.is_empty() {
        return false;
    }
    if stands.iter().all(|g| g.product(unknown, unknown) == Some(0.0)) {
        return true;
    }
    let mut others: Vec<usize> = stands.iter().flat_map(|g| g.unknowns.iter().copied()).collect();
    others.sort_unstable();
    others.dedup();
    others.into_iter().filter(|&other| other != unknown && taken(other)).any(|other| {
        let mut factors = groups.iter().filter_map(|g| g.factor(unknown, other));
        let Some(first) = factors.next().flatten() else { return false };
        factors.all(|f| f.is_some_and(|f| (f - first).abs() <= FACTOR * first.abs()))
    })
}

/// All unknowns in one group, the columns of every one of the `groups` as long as those of the others.
pub fn together(groups: &[Group]) -> Group {
    let unknowns: IndexSet<usize> = groups.iter().flat_map(|g| g.unknowns.iter().copied()).collect();
    let n = unknowns.len();
    let mut products = vec![0.0; n * n];
    for group in groups {
        let whole: f64 = group.unknowns.iter().filter_map(|&u| group.product(u, u)).sum();
        let at: Vec<Option<usize>> = group.unknowns.iter().map(|u| unknowns.get_index_of(u)).collect();
        let pairs = at.iter().flat_map(|a| at.iter().map(move |b| (*a, *b)));
        for ((a, b), product) in pairs.zip(&group.products) {
            let slot = a.zip(b).and_then(|(a, b)| products.get_mut(a * n + b));
            if let Some(slot) = slot.filter(|_| whole > 0.0 && whole.is_finite()) {
                *slot += product / whole;
            }
        }
    }
    Group { unknowns: unknowns.into_iter().collect(), products }
}

impl Group {
    /// The product of the columns of two unknowns; none where one of them does not stand here.
    fn product(&self, a: usize, b: usize) -> Option<f64> {
        let at = |unknown| self.unknowns.iter().position(|&u| u == unknown);
        self.products.get(at(a)? * self.unknowns.len() + at(b)?).copied()
    }

    /// How many times the column of `other` that of `unknown` is: none inside where it is no multiple, and none at all where the group says nothing because
    /// both are zero or stand elsewhere.
    fn factor(&self, unknown: usize, other: usize) -> Option<Option<f64>> {
        let square = |u: usize| self.product(u, u).unwrap_or(0.0);
        let (own, its) = (square(unknown), square(other));
        if own == 0.0 && its == 0.0 {
            return None;
        }
        let both = self.product(unknown, other).unwrap_or(0.0);
        Some((both * both > (1.0 - MULTIPLE) * own * its).then_some(both / its))
    }

    /// The group without some unknowns.
    pub fn without(&self, known: &[usize]) -> Group {
        let n = self.unknowns.len();
        let open: Vec<usize> = (0..n).filter(|&i| self.unknowns.get(i).is_some_and(|u| !known.contains(u))).collect();
        let product = |i: usize, j: usize| self.products.get(i * n + j).copied().unwrap_or(0.0);
        Group {
            unknowns: open.iter().filter_map(|&i| self.unknowns.get(i).copied()).collect(),
            products: open
                .iter()
                .flat_map(|&i| open.iter().map(move |&j| (i, j)))
                .map(|(i, j)| product(i, j))
                .collect(),
        }
    }

    /// Columns that others make up.
    pub fn dependent(&self, share: f64) -> Vec<Dependent> {
        let n = self.unknowns.len();
        let at = |m: &[f64], i: usize, j: usize| m.get(i * n + j).copied().unwrap_or(0.0);
        let length: Vec<f64> = (0..n).map(|i| at(&self.products, i, i).sqrt()).collect();
        // Remainders of all columns; `rows` are the combinations of columns that were taken out.
        let mut left: Vec<f64> = length.iter().map(|l| if *l > 0.0 && l.is_finite() { 1.0 } else { 0.0 }).collect();
        let mut taken: Vec<usize> = Vec::new();
        let mut factor: Vec<Vec<f64>> = Vec::new();
        loop {
            let open = (0..n).filter(|i| !taken.contains(i));
            let largest = open.fold(None, |best: Option<usize>, i| match best {
                Some(b) if left[b] >= left[i] => Some(b),
                _ => Some(i),
            });
            let Some(pivot) = largest.filter(|&i| left[i] > share) else { break };
            let root = left[pivot].sqrt();
            let row: Vec<f64> = (0..n)
                .map(|j| {
                    let product = at(&self.products, pivot, j) / (length[pivot] * length[j]);
                    let before: f64 = factor.iter().map(|r| r[pivot] * r[j]).sum();
                    if length[j] > 0.0 { (product - before) / root } else { 0.0 }
                })
                .collect();
            left.iter_mut().zip(&row).for_each(|(l, r)| *l = (*l - r * r).max(0.0));
            factor.push(row);
            taken.push(pivot);
        }
        let others = (0..n).filter(|i| !taken.contains(i));
        others
            .map(|column| Dependent { column, left: left[column], of: combination(&factor, &taken, column) })
            .collect()
    }
}

/// The parts of the columns taken out in another column, by back substitution.
fn combination(factor: &[Vec<f64>], taken: &[usize], column: usize) -> Vec<(usize, f64)> {
    let mut parts = vec![0.0; taken.len()];
    for k in (0..taken.len()).rev() {
        let above: f64 = (k + 1..taken.len()).map(|m| factor[k][taken[m]] * parts[m]).sum();
        parts[k] = (factor[k][column] - above) / factor[k][taken[k]];
    }
    let mut found: Vec<(usize, f64)> = taken.iter().copied().zip(parts).collect();
    found.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let largest = found.first().map_or(0.0, |f| f.1.abs());
    found.retain(|(_, part)| part.abs() > 0.05 * largest);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPENDENT: f64 = 1e-4;

    /// The group of these columns.
    fn group(columns: &[&[f64]]) -> Group {
        let products = columns.iter().flat_map(|a| columns.iter().map(|b| dot(a, b))).collect();
        Group { unknowns: (0..columns.len()).collect(), products }
    }

    #[test]
    fn a_sum_of_others_is_found_with_its_parts() {
        let found =
            group(&[&[1.0, 0.0, 2.0], &[0.0, 1.0, 1.0], &[2.0, -3.0, 1.0], &[1.0, 1.0, -1.0]]).dependent(DEPENDENT);
        assert_eq!(found.len(), 1);
        assert!(found[0].left < 1e-12 && found[0].of.len() >= 2, "{}", found[0].left);
    }

    #[test]
    fn zeros_are_dependent_on_nothing_and_independent_columns_are_not_found() {
        let found = group(&[&[1.0, 0.0], &[0.0, 0.0], &[1.0, 0.1]]).dependent(DEPENDENT);
        assert_eq!(found.iter().map(|d| (d.column, d.of.len())).collect::<Vec<_>>(), [(1, 0)]);
    }

    #[test]
    fn what_one_equation_leaves_open_all_of_them_may_tell() {
        let of = |unknowns: &[usize], columns: &[&[f64]]| Group { unknowns: unknowns.to_vec(), ..group(columns) };
        let (s, p): (&[f64], &[f64]) = (&[1.0, 2.0, 4.0], &[100.0, 300.0, 100.0]);
        // Two unknowns that do the same in one equation, and one of them alone in another.
        let all = together(&[of(&[1, 2], &[p, p]), of(&[0, 1], &[s, p])]);
        assert!(all.dependent(DEPENDENT).is_empty());
        // In no equation without the other.
        let all = together(&[of(&[1, 2], &[p, p]), of(&[0, 1, 2], &[s, p, p])]);
        assert_eq!(all.dependent(DEPENDENT).iter().map(|d| d.of.len()).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn what_is_missing_is_filled_within_what_was_seen() {
        let mut x = [f64::NAN, 1.0, f64::NAN, f64::NAN, 4.0, f64::NAN];
        fill(0, &mut x);
        assert_eq!((x[1], x[4]), (1.0, 4.0));
        assert!(x.iter().all(|x| (1.0..=4.0).contains(x)) && x[2] != x[3], "{x:?}");
        // One value alone is not a constant.
        let mut once = [3.0, f64::NAN, f64::NAN];
        fill(1, &mut once);
        assert!(once[1] != once[2] && once.iter().all(|x| (3.0..=6.0).contains(x)), "{once:?}");
        let mut nothing = [f64::NAN; 2];
        fill(0, &mut nothing);
        assert!(nothing.iter().all(|x| x.is_nan()));
    }

    #[test]
    fn a_multiple_is_the_same_in_all_equations() {
        let of = |unknowns: &[usize], columns: &[&[f64]]| Group { unknowns: unknowns.to_vec(), ..group(columns) };
        let (s, p): (&[f64], &[f64]) = (&[1.0, 2.0, 4.0], &[1.0, 3.0, 1.0]);
        let minus: &[f64] = &[-1.0, -3.0, -1.0];
        let judge = |groups: &[Group]| is_multiple(groups, 2, &|other| other < 2);
        // 2 says what 1 says in the only equation in which either stands.
        assert!(judge(&[of(&[0, 1, 2], &[s, p, minus])]));
        // 1 stands in another equation as well, which tells them apart.
        assert!(!judge(&[of(&[0, 1], &[s, p]), of(&[0, 1, 2], &[s, p, minus])]));
        // Both stand in two, with another factor in each, or with the same.
        assert!(!judge(&[of(&[1, 2], &[p, p]), of(&[0, 1, 2], &[s, p, minus])]));
        assert!(judge(&[of(&[1, 2], &[p, minus]), of(&[0, 1, 2], &[s, p, minus])]));
        // Zero in one of them, and everywhere.
        let zero: &[f64] = &[0.0; 3];
        assert!(!judge(&[of(&[1, 2], &[p, zero]), of(&[0, 1, 2], &[s, p, minus])]));
        assert!(judge(&[of(&[1, 2], &[zero, zero]), of(&[0, 1, 2], &[s, p, minus])]));
        assert!(judge(&[of(&[0, 2], &[s, zero])]));
    }

    #[test]
    fn differences_do_not_reach_over_the_ends_of_trajectories() {
        let d = derivative(&[0.0, 1.0, 2.0, 0.0, 1.0, 2.0], &[0.0, 1.0, 4.0, 5.0, 5.0, 5.0], &[3]);
        assert!(d[0].is_nan() && d[2].is_nan() && d[3].is_nan() && d[5].is_nan());
        assert_eq!((d[1], d[4]), (2.0, 0.0));
    }
}

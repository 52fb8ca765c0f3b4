//! Unknowns that the data cannot tell apart: all of them for `mechc check --data`, for a run those of terms that its result keeps.
//!
//! An unknown changes an equation by its derivative of the right-hand side, which for a candidate term is the term itself. Along the data
//! these derivatives are columns of numbers; an unknown whose column is a combination of others cannot be told from them, whatever
//! engine fits. The columns are scaled to length one and taken one after the other, largest remainder first (the pivoted Cholesky
//! factorisation of their products: Golub and Van Loan, Matrix Computations, 4th ed., section 4.2.8).

use std::path::Path;

use super::failure::Failure;
use super::findings::Estimate;
use super::observed::Observed;
use super::pointwise::Compiled;
use super::target::Target;
use super::{driven, sampling, scales, sets};
use crate::artifact::PatternEntry;
use crate::base::{Idx, IndexMap};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{W1101, W1102};
use crate::hir::{self, Fit, Model, Program, UnknownKind};
use crate::runtime::Threads;
use crate::source::Span;
use crate::train::joint::{Dynamics, Observations, Points};

/// How columns are judged.
struct Judgement<'a> {
    /// A column of which less than this share of the squared length is left without the others is a combination of them.
    dependent: f64,
    /// Samples looked at, at most.
    samples: usize,
    /// Values of the unknowns at which their derivatives are taken; without them the starts.
    at: Option<&'a [f64]>,
}

/// Before a fit: what noise may blur.
const OF_CHECK: Judgement = Judgement { dependent: 1e-4, samples: 20_000, at: None };
/// After a fit, what takes several terms to make up is only told where nothing but roundings is left: the simpler law was found then.
const SAME: f64 = 1e-8;
/// Samples looked at after a fit, at most.
const SAMPLES_OF_RUN: usize = 2_000;
/// A run looks at so many unknowns, at most.
const UNKNOWNS_OF_RUN: usize = 200;
/// Terms of a combination that are named, at most.
const MOST_NAMED: usize = 4;

/// What the data of a fit say about its unknowns, and whether they were sampled often enough. A fit with a state that is not observed has no findings on unknowns: where that state
/// would be is not known before the fit.
pub fn check(program: &Program, fit: &Fit, root: &Path) -> Result<Vec<Diagnostic>, Failure> {
    let model = &program.models[fit.model];
    let read = sets::load_all(program, fit, root)?;
    let mut found: Vec<Diagnostic> = read.iter().flat_map(|(data, read)| sampling::check(data, read)).collect();
    found.extend(scales::check(model, &read));
    found.extend(driven::check(fit, &read));
    let observed = sets::observe(model, read, fit)?;
    found.extend(among(program, fit, &observed, &OF_CHECK, &|_, _| true)?);
    Ok(found)
}

/// Terms of which a fit keeps some although others say the same on its data, and parameters of which other unknowns can do the same, with the estimates it came to.
pub fn of_kept(
    program: &Program,
    fit: &Fit,
    observed: &Observed,
    estimates: &[Estimate],
) -> Result<Vec<Diagnostic>, Failure> {
    let model = &program.models[fit.model];
    if model.unknowns.len() > UNKNOWNS_OF_RUN {
        return Ok(Vec::new());
    }
    let params: Vec<bool> = model.unknowns.values().map(|u| matches!(u.kind, UnknownKind::Param(_))).collect();
    let is_param = |unknown: Option<&usize>| unknown.and_then(|&u| params.get(u)).is_some_and(|&is| is);
    let keeps = |unknown: Option<&usize>| unknown.and_then(|&u| estimates.get(u)).is_some_and(|found| found.kept);
    let values: Vec<f64> = estimates.iter().map(|found| found.value).collect();
    let judgement = Judgement { dependent: OF_CHECK.dependent, samples: SAMPLES_OF_RUN, at: Some(&values) };
    among(program, fit, observed, &judgement, &|group, dependent| {
        let others = || dependent.of.iter().any(|(other, _)| keeps(group.unknowns.get(*other)));
        let unknown = group.unknowns.get(dependent.column);
        let same = dependent.left < SAME || dependent.of.len() == 1 && !is_param(unknown);
        !dependent.of.is_empty() && same && (is_param(unknown) || keeps(unknown) || others())
    })
}

/// Linear candidate terms that are multiples of earlier ones on the data, as all powers of a column that never changes are: the data say
/// nothing about them, and a fit would take the last digits of the column for a signal.
pub fn multiples(program: &Program, fit: &Fit, observed: &Observed) -> Result<Vec<usize>, Failure> {
    let model = &program.models[fit.model];
    let Some(samples) = known_samples(model, observed, SAMPLES_OF_RUN) else { return Ok(Vec::new()) };
    if model.unknowns.len() > UNKNOWNS_OF_RUN {
        return Ok(Vec::new());
    }
    let groups = groups(model, &samples, None)?;
    // What holds a parameter is another term at every value of it.
    let simple: Vec<bool> = model
        .unknowns
        .iter()
        .map(|(id, u)| {
            let term = model.coefficients().find(|(coefficient, ..)| *coefficient == id);
            u.linear && term.is_some_and(|(.., term)| !holds_unknowns(&term.value))
        })
        .collect();
    let is_multiple =
        |group: &Group, unknown: usize| group.is_multiple(unknown, &|other| simple.get(other) == Some(&true));
    let everywhere = |unknown: &usize| {
        let mut of = groups.iter().filter(|g| g.unknowns.contains(unknown)).peekable();
        of.peek().is_some() && of.all(|group| is_multiple(group, *unknown))
    };
    Ok((0..simple.len()).filter(|u| simple.get(*u) == Some(&true)).filter(everywhere).collect())
}

/// Whether an expression depends on a number that is estimated.
fn holds_unknowns(e: &hir::Expr) -> bool {
    let mut found = false;
    e.visit(&mut |part| found |= matches!(part.kind, hir::ExprKind::Unknown(_)));
    found
}

/// At most so many samples at which every state and input is known; none where a state is not observed.
fn known_samples(model: &Model, observed: &Observed, most: usize) -> Option<Samples> {
    if observed.components.iter().any(|c| c.derivative == 0 && observed.train.column(&c.state).is_none()) {
        return None;
    }
    let samples = Samples::of(&observed.observations(model, &observed.train.trajectories), most);
    // Without samples no data set observes all states at once; without inputs they are fields, which are found with the fit.
    (!samples.t.is_empty() && samples.input.len() == model.inputs.len() * samples.t.len()).then_some(samples)
}

/// What at most so many samples say about the unknowns.
fn among(
    program: &Program,
    fit: &Fit,
    observed: &Observed,
    judgement: &Judgement,
    wanted: &dyn Fn(&Group, &Dependent) -> bool,
) -> Result<Vec<Diagnostic>, Failure> {
    let model = &program.models[fit.model];
    let mut found = Vec::new();
    let Some(samples) = known_samples(model, observed, judgement.samples) else { return Ok(found) };
    let groups = groups(model, &samples, judgement.at)?;
    let of_group = |group: &'_ Group| group.dependent(judgement.dependent);
    let judged: Vec<(&Group, Vec<Dependent>)> = groups.iter().map(|group| (group, of_group(group))).collect();
    let mut said: Vec<usize> = Vec::new();
    let names = program.data_of(fit).map(|d| format!("`{}`", d.name)).collect::<Vec<_>>().join(" and ");
    for (group, dependents) in &judged {
        for dependent in dependents {
            let Some(&unknown) = group.unknowns.get(dependent.column) else { continue };
            // One equation that identifies an unknown is enough.
            let elsewhere = judged.iter().any(|(other, dependents)| {
                let at = other.unknowns.iter().position(|&u| u == unknown);
                at.is_some_and(|at| dependents.iter().all(|d| d.column != at))
            });
            if !elsewhere && !said.contains(&unknown) && wanted(group, dependent) {
                said.push(unknown);
                found.extend(describe((program, fit), &names, group, dependent));
            }
        }
    }
    Ok(found)
}

/// Samples at which every component is known.
struct Samples {
    /// `[component, sample]`
    x: Vec<f64>,
    t: Vec<f64>,
    /// `[input, sample]`
    input: Vec<f64>,
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

/// The unknowns of equations that hold the same ones, and products of their columns.
struct Group {
    unknowns: Vec<usize>,
    /// Products of all pairs, summed over equations and samples.
    products: Vec<f64>,
}

/// A column that others make up.
struct Dependent {
    /// Its position in the group.
    column: usize,
    /// Share of its squared length that the others do not explain.
    left: f64,
    /// Positions of the others with their parts, largest first; none where the column is zero.
    of: Vec<(usize, f64)>,
}

fn groups(model: &Model, samples: &Samples, at: Option<&[f64]>) -> Result<Vec<Group>, Failure> {
    let len = samples.t.len();
    let mut compiled = Compiled::linearisation(model, &Target::Host(Threads::single()))?;
    let pattern = compiled.pattern().clone();
    let starts: Vec<f64> = model.unknowns.values().map(start).collect();
    let xi = at.filter(|at| at.len() == starts.len()).unwrap_or(&starts);
    let mut entries = vec![0.0; pattern.rows * len];
    let at = Points { x: &samples.x, t: &samples.t, input: &samples.input };
    compiled.linearise(at, xi, &mut entries).map_err(|e| Failure::Internal(e.to_string()))?;
    let mut groups: IndexMap<Vec<usize>, Vec<f64>> = IndexMap::default();
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
    Ok(groups.into_iter().map(|(unknowns, products)| Group { unknowns, products }).collect())
}

/// Where a nonlinear unknown's derivative is taken.
fn start(unknown: &crate::hir::Unknown) -> f64 {
    // Coefficients are not zero here: what stands inside their terms would have no effect.
    unknown.start.unwrap_or(1.0).max(unknown.bounds.lower).min(unknown.bounds.upper)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Columns are multiples of each other where less than this share of a squared length is left: roundings of the products.
const MULTIPLE: f64 = 1e-13;

impl Group {
    /// Whether the column of `unknown` is zero or a multiple of that of an earlier one that may be taken.
    fn is_multiple(&self, unknown: usize, taken: &dyn Fn(usize) -> bool) -> bool {
        let n = self.unknowns.len();
        let Some(at) = self.unknowns.iter().position(|&u| u == unknown) else { return false };
        let product = |i: usize, j: usize| self.products.get(i * n + j).copied().unwrap_or(0.0);
        let own = product(at, at);
        let others = (0..n).filter(|&i| self.unknowns.get(i).is_some_and(|&u| u < unknown && taken(u)));
        let mut shares = others.map(|i| product(at, i) * product(at, i) / (own * product(i, i)));
        own.is_finite() && (own == 0.0 || shares.any(|share| share > 1.0 - MULTIPLE))
    }

    /// Columns that others make up.
    fn dependent(&self, share: f64) -> Vec<Dependent> {
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

/// A finding at the place of the unknown.
fn describe((program, fit): (&Program, &Fit), data: &str, group: &Group, dependent: &Dependent) -> Option<Diagnostic> {
    let model = &program.models[fit.model];
    let named = |position: usize| -> Option<(String, Span, bool)> {
        let at = *group.unknowns.get(position)?;
        let (id, unknown) = model.unknowns.iter().nth(at)?;
        match unknown.kind {
            UnknownKind::Param(param) => Some((unknown.name.clone(), model.params[param].span, false)),
            _ => {
                let (_, hole, term) = model.coefficients().find(|(u, ..)| u.index() == id.index())?;
                Some((term.spelled.clone(), model.holes[hole].span, true))
            }
        }
    };
    let (name, span, is_term) = named(dependent.column)?;
    let others: Vec<String> =
        dependent.of.iter().take(MOST_NAMED).filter_map(|(i, _)| named(*i)).map(|n| n.0).collect();
    let quoted = others.iter().map(|o| format!("`{o}`")).collect::<Vec<_>>().join(", ");
    let more = if dependent.of.len() > MOST_NAMED { " and others" } else { "" };
    let share = match dependent.left {
        left if left < 1e-9 => "nothing".to_string(),
        left => format!("{left:.1e}"),
    };
    let value = declared_value(model, &name);
    let hold = |which: &str| {
        let (param, value) = (hir::family(&name), value.as_deref().unwrap_or("..."));
        let to = program.spell_data(fit);
        format!("hold {which} at a value that is known: `fit {}({param} = {value}) to {to}`", model.name)
    };
    let (code, message, help) = match (is_term, others.is_empty()) {
        (true, true) => (
            W1101,
            format!("the term `{name}` is zero on the data of {data}"),
            "leave it out, or take data on which it is not zero".to_string(),
        ),
        (true, false) => (
            W1101,
            format!(
                "on the data of {data} the term `{name}` is a combination of {quoted}{more}: {share} of it is left"
            ),
            "leave one of them out, or take data that reach further".to_string(),
        ),
        (false, true) => (
            W1102,
            format!("the data of {data} do not identify `{name}`: it has no effect there"),
            format!("{}, or take data on which it has an effect", hold("it")),
        ),
        (false, false) => (
            W1102,
            format!(
                "the data of {data} do not identify `{name}`: {quoted}{more} can do the same, {share} of its effect is its own"
            ),
            format!("{}, or take data that reach further", hold("one of them")),
        ),
    };
    let here = if is_term { "in this hole" } else { "declared here" };
    let found = Diagnostic::warning(code, message, span, here).help(help);
    Some(match value.filter(|_| !is_term) {
        Some(value) => {
            let (place, text) = fit.holding(hir::family(&name), &value);
            found.replace(place, text)
        }
        None => found,
    })
}

/// The declared value of a parameter as it is written; none for an element of a family, whose values are written as a list.
fn declared_value(model: &Model, name: &str) -> Option<String> {
    let value = model.params.values().find(|p| p.name == name)?.value?;
    (hir::family(name) == name).then(|| hir::number(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The group of these columns.
    fn group(columns: &[&[f64]]) -> Group {
        let products = columns.iter().flat_map(|a| columns.iter().map(|b| dot(a, b))).collect();
        Group { unknowns: (0..columns.len()).collect(), products }
    }

    #[test]
    fn a_sum_of_others_is_found_with_its_parts() {
        let found = group(&[&[1.0, 0.0, 2.0], &[0.0, 1.0, 1.0], &[2.0, -3.0, 1.0], &[1.0, 1.0, -1.0]])
            .dependent(OF_CHECK.dependent);
        assert_eq!(found.len(), 1);
        assert!(found[0].left < 1e-12 && found[0].of.len() >= 2, "{}", found[0].left);
    }

    #[test]
    fn zeros_are_dependent_on_nothing_and_independent_columns_are_not_found() {
        let found = group(&[&[1.0, 0.0], &[0.0, 0.0], &[1.0, 0.1]]).dependent(OF_CHECK.dependent);
        assert_eq!(found.iter().map(|d| (d.column, d.of.len())).collect::<Vec<_>>(), [(1, 0)]);
    }

    #[test]
    fn differences_do_not_reach_over_the_ends_of_trajectories() {
        let d = derivative(&[0.0, 1.0, 2.0, 0.0, 1.0, 2.0], &[0.0, 1.0, 4.0, 5.0, 5.0, 5.0], &[3]);
        assert!(d[0].is_nan() && d[2].is_nan() && d[3].is_nan() && d[5].is_nan());
        assert_eq!((d[1], d[4]), (2.0, 0.0));
    }
}

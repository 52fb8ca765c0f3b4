//! Unknowns that the data cannot tell apart: all of them for `mechc check --data`, for a run those of terms that its result keeps.
//!
//! An unknown changes an equation by its derivative of the right-hand side, which for a candidate term is the term itself. Along the data
//! these derivatives are columns of numbers; an unknown whose column is a combination of others cannot be told from them, whatever
//! engine fits. The columns are scaled to length one and taken one after the other, largest remainder first (the pivoted Cholesky
//! factorisation of their products: Golub and Van Loan, Matrix Computations, 4th ed., section 4.2.8).

use std::path::Path;

use super::failure::Failure;
use super::findings::Estimate;
use super::influence::{Dependent, Group, Samples, all_samples, groups, is_multiple, known_samples, together};
use super::observed::Observed;
use super::overview::Overview;
use super::{data_remarks, sets};
use crate::base::Idx;
use crate::data::Dataset;
use crate::diagnostics::codes::{W1101, W1102};
use crate::diagnostics::{Diagnostic, Label};
use crate::hir::{self, DataSet, Expr, ExprKind, Fit, Model, Program, UnknownKind};
use crate::report::FEW_NAMED;
use crate::source::Span;

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
/// Before a fit, a term that more than `FEW` others make up is told where less than this is left of it: of less noise than there is in
/// samples a fit, which looks at the motion between them, tells more.
const OF_MANY: f64 = 1e-6;
/// So many terms are few.
const FEW: usize = 3;
/// After a fit, what takes several terms to make up is only told where nothing but roundings is left: the simpler law was found then.
const SAME: f64 = 1e-8;
/// How a finding ends where nothing but roundings is left.
const NOTHING_LEFT: &str = "nothing of it is left";
/// Samples looked at after a fit, at most.
const SAMPLES_OF_RUN: usize = 2_000;
/// A run looks at so many unknowns, at most.
const UNKNOWNS_OF_RUN: usize = 200;

/// What the data of a fit say about its unknowns, and whether they were sampled often enough. A fit with a state that is not observed has no findings on unknowns: where that state
/// would be is not known before the fit. What was read is added to `overviews`, also where something fails.
pub fn check(
    program: &Program,
    fit: &Fit,
    root: &Path,
    overviews: &mut Vec<Overview>,
) -> Result<Vec<Diagnostic>, Failure> {
    let model = &program.models[fit.model];
    let mut show = |data: &DataSet, read: &Dataset, unseen: usize| {
        overviews.push(Overview::new((model, fit), (data, read, unseen), root));
    };
    let read = sets::load_each(program, fit, root, &mut show)?.sets;
    // Without a fit all of it may matter.
    let mut found = data_remarks::check(model, fit, &read).told(true);
    found.extend(data_remarks::of_held(&read));
    let observed = sets::observe(model, read, fit)?;
    let is_told = |_: &Group, d: &Dependent| d.of.len() <= FEW || d.left < OF_MANY;
    found.extend(among(program, fit, &observed, &OF_CHECK, &is_told)?);
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

/// Adds what is said of kept terms to what is said of a result. Where a candidate is the same as others together that comes first: other laws of that hole are but
/// other spellings of one, and are not told.
pub fn put(of_kept: Vec<Diagnostic>, remarks: &mut Vec<Diagnostic>) {
    let (same, others): (Vec<Diagnostic>, Vec<Diagnostic>) =
        of_kept.into_iter().partition(|d| d.code == W1101 && d.message.ends_with(NOTHING_LEFT));
    let of_hole = |s: &Diagnostic, hole: Span| s.primary.span == hole || s.labels.iter().any(|l| l.span == hole);
    remarks.retain(|d| d.code != W1101 || !same.iter().any(|s| of_hole(s, d.primary.span)));
    remarks.splice(0..0, same);
    remarks.extend(others);
}

/// Linear candidate terms that are multiples of others of lower degree, or of earlier ones, on the data, as all powers of a column that never changes are: the data say
/// nothing about them, and a fit would take the last digits of the column for a signal.
pub fn multiples(program: &Program, fit: &Fit, observed: &Observed) -> Result<Vec<usize>, Failure> {
    let model = &program.models[fit.model];
    if model.unknowns.len() > UNKNOWNS_OF_RUN {
        return Ok(Vec::new());
    }
    let Some(some) = known_samples(model, observed, SAMPLES_OF_RUN) else { return Ok(Vec::new()) };
    let found = multiples_on(model, &some)?;
    if found.is_empty() {
        return Ok(found);
    }
    // A term is left out for what it is at every sample, also between those looked at, and where a state was not seen. Of derivatives the ends of a trajectory are not known.
    let trajectories = &observed.train.trajectories;
    let there: usize = trajectories.iter().map(|t| t.len.saturating_sub(2)).sum();
    match all_samples(model, observed) {
        Some(all) if all.t.len() >= there => multiples_on(model, &all),
        _ => Ok(Vec::new()),
    }
}

fn multiples_on(model: &Model, samples: &Samples) -> Result<Vec<usize>, Failure> {
    let groups = groups(model, samples, None)?;
    // What holds a parameter is another term at every value of it.
    let simple: Vec<Option<usize>> = model
        .unknowns
        .iter()
        .map(|(id, u)| {
            let (.., term) = model.coefficients().find(|(coefficient, ..)| *coefficient == id)?;
            (u.linear && !holds_unknowns(&term.value)).then(|| term.value.degree())
        })
        .collect();
    // The one of the lower degree stays, and of those the one that was written first.
    let order = |k: usize| simple.get(k).copied().flatten().map(|degree| (degree, k));
    let is_before = |other: usize, k: usize| order(other).zip(order(k)).is_some_and(|(other, own)| other < own);
    let judged = (0..simple.len()).filter(|u| order(*u).is_some());
    Ok(judged.filter(|&unknown| is_multiple(&groups, unknown, &|other| is_before(other, unknown))).collect())
}

/// Whether an expression depends on a number that is estimated.
fn holds_unknowns(e: &hir::Expr) -> bool {
    let mut found = false;
    e.visit(&mut |part| found |= matches!(part.kind, hir::ExprKind::Unknown(_)));
    found
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
    let mut found: Vec<Diagnostic> = Vec::new();
    let Some(samples) = known_samples(model, observed, judgement.samples) else { return Ok(found) };
    let mut groups = groups(model, &samples, judgement.at)?;
    // The few samples at which all states were seen are not the data: other samples say more of the same unknowns.
    let all: usize = observed.train.trajectories.iter().map(|t| t.len).sum();
    groups.retain(|group| samples.t.len() > group.unknowns.len() || samples.t.len() == all);
    let judged = not_identified(&groups, judgement.dependent);
    // What no data can tell apart has been said when the model was checked (W0704).
    let alike = |a: usize, b: usize| {
        model.alike.iter().any(|[x, y]| [(x.index(), y.index()), (y.index(), x.index())].contains(&(a, b)))
    };
    let mut said: Vec<usize> = Vec::new();
    let names = program.name_fitted(fit);
    for (group, dependents) in &judged {
        for dependent in dependents {
            let Some(&unknown) = group.unknowns.get(dependent.column) else { continue };
            if let [(other, _)] = dependent.of.as_slice()
                && group.unknowns.get(*other).is_some_and(|&other| alike(unknown, other))
            {
                continue;
            }
            // Several equations may say the same, of one unknown or the other.
            let mut of = dependent.of.iter().filter_map(|(i, _)| group.unknowns.get(*i));
            let new = !said.contains(&unknown) && !of.any(|other| said.contains(other));
            if new && wanted(group, dependent) {
                said.push(unknown);
                let Some(new) = describe((program, fit), &names, group, dependent) else { continue };
                // Equations that have one hole say the same of their own unknowns, and holes with the same terms of theirs.
                match found.iter_mut().find(|d| d.code == new.code && d.message == new.message) {
                    Some(same) if same.primary.span == new.primary.span => {}
                    Some(same) => same.labels.push(Label { span: new.primary.span, text: "and in this one".into() }),
                    None => found.push(new),
                }
            }
        }
    }
    Ok(found)
}

/// What is left of the groups without the unknowns that an equation identifies, and the columns there that others make up. An unknown
/// that one equation identifies is known in all others, and so may make others known there: in `u' = r*u - a*u*w`, `w' = e*a*u*w` it is `a`, and then `e`.
/// So are those that all equations together identify: a yield, of which one equation tells no more than its quotient with a rate, and the other one the rate, from which
/// other terms are hard to tell.
fn not_identified(groups: &[Group], share: f64) -> Vec<(Group, Vec<Dependent>)> {
    let mut known: Vec<usize> = identified(&together(groups), share);
    loop {
        let judged: Vec<(Group, Vec<Dependent>)> = groups
            .iter()
            .map(|group| {
                let left = group.without(&known);
                let dependents = left.dependent(share);
                (left, dependents)
            })
            .collect();
        let before = known.len();
        for (group, dependents) in &judged {
            for unknown in outside(group, dependents) {
                if !known.contains(&unknown) {
                    known.push(unknown);
                }
            }
        }
        if known.len() == before {
            return judged;
        }
    }
}

/// The unknowns of a group whose columns neither are made up nor make up others.
fn identified(group: &Group, share: f64) -> Vec<usize> {
    outside(group, &group.dependent(share)).collect()
}

/// The unknowns of a group that none of these columns has to do with.
fn outside<'a>(group: &'a Group, dependents: &'a [Dependent]) -> impl Iterator<Item = usize> + 'a {
    let in_doubt = |i: usize| dependents.iter().any(|d| d.column == i || d.of.iter().any(|(other, _)| *other == i));
    group.unknowns.iter().enumerate().filter(move |(i, _)| !in_doubt(*i)).map(|(_, unknown)| *unknown)
}

/// An unknown as a finding names it.
struct Named {
    /// `` `mu` ``, `` `s^2` `` or `` `s^2` of the denominator ``
    spelled: String,
    /// Of a parameter its name.
    param: Option<String>,
    /// Where it is declared, or its hole.
    span: Span,
}

fn named(model: &Model, group: &Group, position: usize) -> Option<Named> {
    let at = *group.unknowns.get(position)?;
    let (id, unknown) = model.unknowns.iter().nth(at)?;
    match unknown.kind {
        UnknownKind::Param(param) => {
            let name = unknown.name.clone();
            Some(Named { spelled: format!("`{name}`"), span: model.params[param].span, param: Some(name) })
        }
        UnknownKind::Coefficient { hole, .. } => {
            let (.., term) = model.coefficients().find(|(u, ..)| u.index() == id.index())?;
            let hole = &model.holes[hole];
            let side = hole.side.map_or(String::new(), |side| format!(" of the {}", side.name()));
            Some(Named { spelled: format!("`{}`{side}", term.spelled), span: hole.span, param: None })
        }
    }
}

/// A finding at the place of the unknown.
fn describe((program, fit): (&Program, &Fit), data: &str, group: &Group, dependent: &Dependent) -> Option<Diagnostic> {
    let model = &program.models[fit.model];
    let Named { spelled, param, span } = named(model, group, dependent.column)?;
    let others: Vec<Named> = dependent.of.iter().take(FEW_NAMED).filter_map(|(i, _)| named(model, group, *i)).collect();
    let quoted = others.iter().map(|o| o.spelled.as_str()).collect::<Vec<_>>().join(", ");
    let more = if dependent.of.len() > FEW_NAMED { " and others" } else { "" };
    let share = match dependent.left {
        left if left < 1e-9 => "nothing".to_string(),
        left => format!("{left:.1e}"),
    };
    let value = param.as_ref().and_then(|name| declared_value(model, name));
    let hold = |which: &str, name: &str| {
        let (param, value) = (hir::family(name), value.as_deref().unwrap_or("..."));
        let to = program.spell_data(fit);
        format!("hold {which} at a value that is known: `fit {}({param} = {value}) to {to}`", model.name)
    };
    let (code, message, help) = match (&param, others.is_empty()) {
        (None, true) => (
            W1101,
            format!("the term {spelled} is zero on the data of {data}"),
            "leave it out, or take data on which it is not zero".to_string(),
        ),
        (None, false) => (
            W1101,
            format!(
                "on the data of {data} the term {spelled} is a combination of {quoted}{more}: {share} of it is left"
            ),
            match others.iter().find_map(|o| o.param.as_ref()) {
                // What is known beside a hole may say the same on all data.
                Some(within) if !stands_beside(model, within) => {
                    let (held, to) = (hir::family(within), program.spell_data(fit));
                    let value = declared_value(model, within).unwrap_or_else(|| "...".to_string());
                    format!(
                        "`{within}` makes one of these candidate terms another: leave one of them out, or hold `{held}` at a value that is known: \
                         `fit {}({held} = {value}) to {to}`",
                        model.name
                    )
                }
                Some(beside) => format!(
                    "leave the term out of the hole, or what `{beside}` stands in out of the equation: a hole holds what is not written \
                     beside it"
                ),
                None if dependent.left < SAME => "leave one of them out, or take data that reach further".to_string(),
                None => "a fit may tell them apart all the same: which of them to leave out only its result says; data that reach further, or with less \
                         noise, say more"
                    .to_string(),
            },
        ),
        (Some(name), true) => (
            W1102,
            format!("the data of {data} do not identify {spelled}: it has no effect there"),
            format!("{}, or take data on which it has an effect", hold("it", name)),
        ),
        (Some(name), false) => (
            W1102,
            format!(
                "the data of {data} do not identify {spelled}: {quoted}{more} can do the same, {share} of its effect is its own"
            ),
            format!("{}, or take data that reach further", hold("one of them", name)),
        ),
    };
    let here = if param.is_none() { "in this hole" } else { "declared here" };
    let found = Diagnostic::warning(code, message, span, here).help(help);
    Some(match param.zip(value) {
        Some((name, value)) => {
            let (place, text) = fit.holding(hir::family(&name), &value);
            found.replace(place, text)
        }
        None => found,
    })
}

/// Whether a parameter stands in an equation outside of candidate terms.
fn stands_beside(model: &Model, name: &str) -> bool {
    let Some((id, _)) = model.unknowns.iter().find(|(_, u)| !u.is_coefficient() && u.name == name) else {
        return false;
    };
    let holds = &|expr: &Expr| {
        let mut found = false;
        expr.visit(&mut |part| found |= matches!(part.kind, ExprKind::Unknown(unknown) if unknown == id));
        found
    };
    model.equations.iter().any(|equation| {
        let term =
            |t: &hir::UnknownTerm| t.unknown == id || !model.unknowns[t.unknown].is_coefficient() && holds(&t.factor);
        equation.known.as_ref().is_some_and(holds) || equation.unknowns.iter().any(term)
    })
}

/// The declared value of a parameter as it is written; none for an element of a family, whose values are written as a list.
fn declared_value(model: &Model, name: &str) -> Option<String> {
    let value = model.params.values().find(|p| p.name == name)?.value?;
    (hir::family(name) == name).then(|| hir::number(value))
}

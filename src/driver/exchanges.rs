//! Terms that a fit keeps although others would do as well in their place, and terms that it dropped although they could stand beside what it
//! kept: the choice between them is not the data's.

use super::conventions::Conventions;
use super::equations::equations;
use super::findings::{Findings, ratios};
use crate::base::{IndexMap, IndexSet};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1101;
use crate::hir::{self, Fit, Hole, HoleId, Model, StateId, UnknownKind};
use crate::report::{Equation, Term, equation_short, few, round};
use crate::source::Span;
use crate::train::joint::{Beside, Exchange, JointFit};

/// So many plausible terms in an equation are more than chance: of ten terms that are none it makes three so once in a hundred times.
const MANY: usize = 3;
/// The way out where laws fit alike.
pub const REACH_FURTHER: &str =
    "take data that reach further, or with less noise; a term that is known to be there can be written beside the hole";

/// Parameters of which far less is known beside a term that was dropped: the errors that are told hold without it.
pub fn beside(model: &Model, result: &JointFit, conventions: &Conventions) -> Vec<Diagnostic> {
    let unknown = |number: usize| result.columns.unknown(number);
    // Where one makes up for the other by a choice that no data make, that is told.
    let is_new = |b: &&Beside| !conventions.hold(&[unknown(b.dropped), unknown(b.parameter)]);
    let say = |&Beside { dropped, value, parameter, becomes }: &Beside| {
        let id = model.unknowns.ids().nth(result.columns.unknown(dropped))?;
        let UnknownKind::Coefficient { hole, term } = model.unknowns[id].kind else { return None };
        let hole = &model.holes[hole];
        let number = |[value, error]: [f64; 2]| round(value, Some(error)).full();
        let now = result.estimates.get(parameter)?;
        let message = format!(
            "in the equation of `{}`, `{}` ({}) could be kept as well: then `{}` is {} in place of {}",
            hir::family(&model.states[hole.state].name),
            hole.terms.get(term)?.spelled,
            number(value),
            model.unknowns.values().nth(result.columns.unknown(parameter))?.name,
            number(becomes),
            number([now.value, now.std_error]),
        );
        let help = "the errors that are told hold if that term is not there; where it may be, write it beside the hole with a parameter, or take data that reach further";
        Some(Diagnostic::warning(W1101, message, hole.span, "in this hole").help(help))
    };
    result.beside.iter().filter(is_new).filter_map(say).collect()
}

/// Of every hole the terms that could stand in place of others of its equation, nearest first.
pub fn remarks(model: &Model, result: &JointFit, conventions: &Conventions) -> Vec<Diagnostic> {
    let unknown = |number: usize| result.columns.unknown(number);
    let is_new = |e: &Exchange| !conventions.hold(&[unknown(e.kept), unknown(e.dropped)]);
    let say = |(hole, pairs): (HoleId, Vec<String>)| {
        let hole = &model.holes[hole];
        let state = hir::family(&model.states[hole.state].name);
        let verb = if pairs.len() == 1 { "fits" } else { "fit" };
        let message = format!("in the equation of `{state}`, {} {verb} these data about as well", few(&pairs));
        Diagnostic::warning(W1101, message, hole.span, "in this hole").help(REACH_FURTHER)
    };
    of_holes(model, result, &is_new).into_iter().map(say).collect()
}

/// The law that was found with candidates of higher degree where one of lower degree counts in its place: its equations that differ, or all of
/// them where that does not show in their terms, as within a ratio.
pub fn other_law((model, fit): (&Model, &Fit), findings: &Findings, other: &Findings) -> Diagnostic {
    let (laws, (span, place)) = differing((model, fit), findings, other);
    let message = format!(
        "with candidate terms of higher degree another law fits these data no better than the one that is told: {}",
        few(&laws)
    );
    Diagnostic::warning(W1101, message, span, place).help(REACH_FURTHER)
}

/// Laws with several terms in place of others that fit about as well as the one that is told.
pub fn rivals((model, fit): (&Model, &Fit), findings: &Findings, rivals: &[Findings]) -> Vec<Diagnostic> {
    let mut of_places: IndexMap<(Span, &str), IndexSet<String>> = IndexMap::new();
    // Where candidates make up each other, other terms may be the same law.
    for rival in rivals.iter().filter(|rival| form(model, rival) != form(model, findings)) {
        let (laws, place) = differing((model, fit), findings, rival);
        of_places.entry(place).or_default().insert(laws.join(" with "));
    }
    let say = |((span, place), laws): ((Span, &str), IndexSet<String>)| {
        let laws: Vec<String> = laws.into_iter().collect();
        let (other, fits) = if laws.len() == 1 { ("another law", "fits") } else { ("other laws", "fit") };
        let message = format!("{other} {fits} these data about as well as the one that is told: {}", few(&laws));
        Diagnostic::warning(W1101, message, span, place).help(REACH_FURTHER)
    };
    of_places.into_iter().map(say).collect()
}

/// The terms of all equations and ratios of a law as they are shown, without their coefficients.
fn form(model: &Model, findings: &Findings) -> Vec<Vec<String>> {
    let terms = |terms: &[Term]| terms.iter().map(|t| t.term.clone()).collect();
    let of_ratios = ratios(model, findings);
    equations(model, findings)
        .iter()
        .map(|e| terms(&e.terms))
        .chain(of_ratios.iter().map(|r| terms(&r.terms)))
        .collect()
}

/// The equations of another law that differ from those that are told, and the place of the first one.
fn differing(
    (model, fit): (&Model, &Fit),
    findings: &Findings,
    other: &Findings,
) -> (Vec<String>, (Span, &'static str)) {
    let names = |equation: &Equation| equation.terms.iter().map(|t| t.term.clone()).collect::<Vec<String>>();
    let (here, there) = (equations(model, findings), equations(model, other));
    let pairs = || here.iter().zip(&there);
    let mut differ: Vec<&Equation> = pairs().filter(|(a, b)| names(a) != names(b)).map(|(_, other)| other).collect();
    if differ.is_empty() {
        differ = there.iter().collect();
    }
    // A named hole has an equation of its own.
    let of = |hole: &&Hole, state: &str| {
        hole.name == state || hir::family(&model.states[hole.state].name) == hir::family(state)
    };
    let hole = differ.iter().find_map(|e| model.holes.values().find(|hole| of(hole, &e.state)));
    let laws: Vec<String> = differ.iter().map(|equation| format!("`{}`", equation_short(equation))).collect();
    (laws, hole.map_or((fit.span, "of this fit"), |hole| (hole.span, "in this hole")))
}

/// States in whose equations the data do not choose: terms could stand in place of others, or more of those that were dropped are plausible than
/// chance makes so.
pub fn in_doubt(model: &Model, result: &JointFit) -> IndexSet<StateId> {
    of_holes(model, result, &|_| true)
        .keys()
        .map(|&hole| model.holes[hole].state)
        .chain(crowded(model, result))
        .collect()
}

/// States in whose equations more terms are plausible that were dropped than chance makes so.
pub fn crowded(model: &Model, result: &JointFit) -> IndexSet<StateId> {
    let state = |number: usize| {
        let id = model.unknowns.ids().nth(result.columns.unknown(number))?;
        match model.unknowns[id].kind {
            UnknownKind::Coefficient { hole, .. } => Some(model.holes[hole].state),
            UnknownKind::Param(_) => None,
        }
    };
    let mut plausible: IndexMap<StateId, usize> = IndexMap::new();
    for state in result.plausible.iter().filter_map(|p| state(p.unknown)) {
        *plausible.entry(state).or_insert(0) += 1;
    }
    plausible.into_iter().filter(|(_, count)| *count >= MANY).map(|(state, _)| state).collect()
}

/// An unknown as it is told: a parameter, or a term in an equation.
pub fn spelled(model: &Model, unknown: usize) -> Option<String> {
    let of = model.unknowns.values().nth(unknown)?;
    let UnknownKind::Coefficient { hole, term } = of.kind else { return Some(format!("`{}`", of.name)) };
    let hole = &model.holes[hole];
    let side = hole.side.map_or(String::new(), |side| format!(" of the {}", side.name()));
    let state = hir::family(&model.states[hole.state].name);
    Some(format!("`{}`{side} in the equation of `{state}`", hole.terms.get(term)?.spelled))
}

/// The exchanges of every hole as they are told, nearest first.
fn of_holes(model: &Model, result: &JointFit, wanted: &dyn Fn(&Exchange) -> bool) -> IndexMap<HoleId, Vec<String>> {
    let coefficient = |number: usize| {
        let id = model.unknowns.ids().nth(result.columns.unknown(number))?;
        match model.unknowns[id].kind {
            UnknownKind::Coefficient { hole, term } => Some((id, hole, &model.holes[hole].terms.get(term)?.spelled)),
            UnknownKind::Param(_) => None,
        }
    };
    let mut of_holes: IndexMap<HoleId, Vec<String>> = IndexMap::new();
    for &Exchange { kept, dropped, value, .. } in result.exchanges.iter().filter(|e| wanted(e)) {
        let (Some((_, place, old)), Some((id, hole, new))) = (coefficient(kept), coefficient(dropped)) else {
            continue;
        };
        // What comes in elsewhere is another law, not another spelling of a term; sides of a ratio are two.
        if model.holes[hole].state != model.holes[place].state || model.holes[hole].side != model.holes[place].side {
            continue;
        }
        let unit = model.units.unknown(id).map_or_else(String::new, |u| format!(" [{u}]"));
        let text = format!("`{new}` ({}{unit}) in place of `{old}`", round(value, None).full());
        of_holes.entry(place).or_default().push(text);
    }
    of_holes
}

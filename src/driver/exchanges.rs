//! Terms that a fit keeps although others would do as well in their place, and terms that it dropped although they could stand beside what it
//! kept: the choice between them is not the data's.

use crate::base::IndexMap;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1101;
use crate::hir::{self, HoleId, Model, UnknownKind};
use crate::report::{round, some};
use crate::train::joint::{Beside, Exchange, JointFit};

/// Pairs that one message names, at most.
const MOST_NAMED: usize = 4;

/// Parameters of which far less is known beside a term that was dropped: the errors that are told hold without it.
pub fn beside(model: &Model, result: &JointFit) -> Vec<Diagnostic> {
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
    result.beside.iter().filter_map(say).collect()
}

/// Of every hole the terms that could stand in place of others of its equation, nearest first.
pub fn remarks(model: &Model, result: &JointFit) -> Vec<Diagnostic> {
    let coefficient = |number: usize| {
        let id = model.unknowns.ids().nth(result.columns.unknown(number))?;
        match model.unknowns[id].kind {
            UnknownKind::Coefficient { hole, term } => Some((id, hole, &model.holes[hole].terms.get(term)?.spelled)),
            UnknownKind::Param(_) => None,
        }
    };
    let mut of_holes: IndexMap<HoleId, Vec<String>> = IndexMap::new();
    for &Exchange { kept, dropped, value, .. } in &result.exchanges {
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
    let say = |(hole, pairs): (HoleId, Vec<String>)| {
        let hole = &model.holes[hole];
        let state = hir::family(&model.states[hole.state].name);
        let verb = if pairs.len() == 1 { "fits" } else { "fit" };
        let message =
            format!("in the equation of `{state}`, {} {verb} these data about as well", some(&pairs, MOST_NAMED));
        let help = "take data that reach further, or with less noise; a term that is known to be there can be written beside the hole";
        Diagnostic::warning(W1101, message, hole.span, "in this hole").help(help)
    };
    of_holes.into_iter().map(say).collect()
}

//! States that no column observes and of which something is a convention: with another zero or scale other equations say the same of all that is
//! observed.

use super::exchanges;
use super::holes_alone;
use crate::base::{IndexMap, IndexSet};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1123;
use crate::hir::{self, Model, UnknownKind};
use crate::lower::pointwise::components;
use crate::report::{few, named};
use crate::train::joint::{Change, Freedom, JointFit};

/// Conventions of hidden states.
#[derive(Default)]
pub struct Conventions {
    freedoms: Vec<Freedom>,
}

impl Conventions {
    /// What is free in a fit.
    pub fn of(model: &Model, freedoms: Vec<Freedom>) -> Conventions {
        // Of parameters alone it is said that the data do not determine them.
        let is_term =
            |&k: &usize| model.unknowns.values().nth(k).is_some_and(|u| !matches!(u.kind, UnknownKind::Param(_)));
        Conventions { freedoms: freedoms.into_iter().filter(|f| f.moves.iter().any(is_term)).collect() }
    }

    /// Whether no dropped term fixes one of them: all numbers that go with it are one choice of many.
    pub fn open(&self, result: &JointFit) -> bool {
        self.freedoms.iter().any(|f| f.moves.iter().all(|&k| is_kept(result, k)))
    }

    /// Whether all of these unknowns go with one of them: laws that differ in them are the same with another choice.
    pub fn hold(&self, unknowns: &[usize]) -> bool {
        self.freedoms.iter().any(|f| unknowns.iter().all(|k| f.moves.contains(k)))
    }

    /// Whether two laws differ only in what goes with one of them.
    pub fn join(&self, law: &JointFit, other: &JointFit) -> bool {
        let differs = |k: &usize| is_kept(law, *k) != is_kept(other, *k);
        let differing: Vec<usize> = (0..law.columns.unknowns()).filter(differs).collect();
        !differing.is_empty() && self.hold(&differing)
    }

    /// The findings, one for every hidden state.
    pub fn remarks(&self, model: &Model, result: &JointFit) -> Vec<Diagnostic> {
        let parts = components(model);
        let mut of_states: IndexMap<usize, Vec<&Freedom>> = IndexMap::new();
        for freedom in &self.freedoms {
            of_states.entry(freedom.component).or_default().push(freedom);
        }
        let say = |(component, freedoms): (usize, Vec<&Freedom>)| {
            let (id, _) = *parts.get(component)?;
            let state = &model.states[id];
            let name = hir::family(&state.name);
            let what = |f: &&Freedom| match f.change {
                Change::Zero => "its zero".to_string(),
                Change::Scale => "its scale".to_string(),
                Change::Share(other) => {
                    let other = parts.get(other).map_or("", |(id, _)| &model.states[*id].name);
                    format!("how much of `{}` it holds", hir::family(other))
                }
            };
            let mut free: Vec<String> = freedoms.iter().map(what).collect();
            free.dedup();
            let mut moves: Vec<usize> = freedoms.iter().flat_map(|f| f.moves.iter().copied()).collect();
            moves.sort_unstable();
            moves.dedup();
            let (kept, dropped): (Vec<usize>, Vec<usize>) = moves.into_iter().partition(|&k| is_kept(result, k));
            let spelled = |of: &[usize]| -> Vec<String> {
                of.iter()
                    .filter_map(|&k| exchanges::spelled(model, k))
                    .collect::<IndexSet<String>>()
                    .into_iter()
                    .collect()
            };
            let (is, other, with) = match free.len() {
                1 => ("is a convention", "another choice of it", "with it"),
                _ => ("are conventions", "another choice of them", "with them"),
            };
            let told = match (kept.is_empty(), dropped.is_empty()) {
                (_, true) => format!("the numbers that are told for {} are one choice of many", few(&spelled(&kept))),
                (true, false) => format!("what is told is the law without {}", few(&spelled(&dropped))),
                (false, false) => format!(
                    "what is told is the law without {}, and {} would change {with}, all else would not",
                    few(&spelled(&dropped)),
                    few(&spelled(&kept))
                ),
            };
            let message = format!(
                "no column observes `{name}`, and {} {is}: with {other} other equations follow these data exactly as well; {told}",
                named(&free)
            );
            // A start of the model that left this free does not settle it: zero is zero on every scale.
            let has_start = model.initial.iter().any(|initial| initial.state == id && initial.derivative == 0);
            let (begins, choose) = match (has_start, dropped.is_empty()) {
                (true, choose) => (String::new(), choose),
                (false, true) => (format!("say where `{name}` begins (`initial {name} = ...`), or "), true),
                (false, false) => (format!("where `{name}` begins (`initial {name} = ...`), or "), false),
            };
            let known = match choose {
                true => format!("choose: {begins}write a number in place of the coefficient of one of these terms"),
                false => {
                    format!("say what is known of it: {begins}in which of these equations one of these terms is not")
                }
            };
            let help = holes_alone::way_out(model, name).unwrap_or_else(|| format!("{known}; or measure `{name}`"));
            Some(Diagnostic::warning(W1123, message, state.span, "not observed").help(help))
        };
        of_states.into_iter().filter_map(say).collect()
    }
}

fn is_kept(result: &JointFit, unknown: usize) -> bool {
    result.estimates.get(result.columns.at(unknown, 0)).is_some_and(|e| e.kept)
}

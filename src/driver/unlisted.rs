//! States that no column observes since others are given columns by name, although the table has one that is called like them.

use std::path::Path;

use crate::base::{IndexMap, IndexSet};
use crate::data::{self, written_column};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W0706;
use crate::hir::{self, ColumnMap, DataSet, DataSource, Fit, Model, Program, State};
use crate::report;
use crate::source::Span;

/// States of one table that it has columns for which are not read.
#[derive(Clone, Debug, PartialEq)]
pub struct Unlisted {
    /// Families with the places of their declarations.
    states: IndexMap<Span, String>,
    /// How they are read.
    help: String,
    /// Where they would be listed, and as what.
    edit: Option<(Span, String)>,
}

impl Unlisted {
    /// Whether the states that are declared at `span` are among them.
    pub fn has(&self, span: Span) -> bool {
        self.states.contains_key(&span)
    }

    /// The finding on all of them, which no column `of` the data observes.
    pub fn finding(&self, of: &str) -> Option<Diagnostic> {
        let names: Vec<String> = self.states.values().map(|name| format!("`{name}`")).collect();
        let mut places = self.states.keys().copied();
        let message = format!("no column{of} observes {}", report::named(&names));
        let here = "estimated from the equations alone";
        let finding = Diagnostic::warning(W0706, message, places.next()?, here).help(self.help.clone());
        let finding = places.fold(finding, |finding, place| finding.label(place, here));
        Some(match &self.edit {
            Some((place, text)) => finding.replace(*place, text.clone()),
            None => finding,
        })
    }
}

/// Such states of a fit, table by table. Of files the names of columns are read alone.
pub fn of(program: &Program, fit: &Fit, root: &Path) -> Vec<Unlisted> {
    let model = &program.models[fit.model];
    let mut out: Vec<Unlisted> = Vec::new();
    // What another table of the fit observes is no hidden state.
    let observed = observed(program, fit);
    for data in program.data_of(fit) {
        let Some((path, columns)) = data.source.file().filter(|(_, columns)| lists_any(model, columns)) else {
            continue;
        };
        let hidden: Vec<&State> = model.states.values().filter(|s| !observed.contains(&s.name)).collect();
        if hidden.is_empty() {
            continue;
        }
        let listed = model.states.values().map(|s| &s.name).filter(|name| columns.lists(name));
        let listed: Vec<String> =
            listed.filter(|name| !columns.derived.contains_key(*name)).map(|name| columns.column(name)).collect();
        let read: Vec<&str> =
            listed.iter().chain(&columns.time).chain(&columns.trajectory).map(String::as_str).collect();
        let Some(names) = data::column_names(&root.join(path), format(data), &read) else { continue };
        let new = |s: &&State| names.contains(&s.name) && !out.iter().any(|of| of.has(s.span));
        let states: IndexMap<Span, String> =
            hidden.into_iter().filter(new).map(|s| (s.span, hir::family(&s.name).to_string())).collect();
        if !states.is_empty() {
            out.push(told(model, (data, columns), states));
        }
    }
    out
}

/// The findings of a check on states of fits to files that no column observes, as far as the model file and the names of columns tell.
pub fn check(program: &Program, root: &Path) -> Vec<Diagnostic> {
    let mut out: Vec<Diagnostic> = Vec::new();
    for fit in program.fits.values() {
        let model = &program.models[fit.model];
        let listed = |data: &DataSet| data.source.file().is_some_and(|(_, columns)| lists_any(model, columns));
        // Of what is made the check of the model file knows.
        if !program.data_of(fit).all(listed) {
            continue;
        }
        let (observed, unlisted) = (observed(program, fit), of(program, fit, root));
        let sets: Vec<String> = program.data_of(fit).map(|data| format!("`{}`", data.name)).collect();
        let of = format!(" of {}", report::named(&sets));
        let mut found: Vec<Diagnostic> = unlisted.iter().filter_map(|unlisted| unlisted.finding(&of)).collect();
        let mut said = IndexSet::new();
        let hidden = model.states.values().filter(|s| !observed.contains(&s.name));
        for state in hidden.filter(|s| !unlisted.iter().any(|unlisted| unlisted.has(s.span))) {
            if said.insert(state.span) {
                let name = hir::family(&state.name);
                let message = format!("no column{of} observes `{name}`");
                let help = match model.initial.iter().any(|i| model.states[i.state].name == state.name) {
                    true => "it begins with its `initial` value; the more is measured, the more the data can tell"
                        .to_string(),
                    false => {
                        format!("measure it too, or say where it begins if that is known, `initial {name} = 0`")
                    }
                };
                let d = Diagnostic::warning(W0706, message, state.span, "estimated from the equations alone");
                found.push(d.help(help));
            }
        }
        // Several fits may be to the same data.
        found.retain(|finding| !out.contains(finding));
        out.extend(found);
    }
    out
}

/// Once any state is listed, those not listed count as unobserved.
fn lists_any(model: &Model, columns: &ColumnMap) -> bool {
    model.states.values().any(|s| columns.lists(&s.name))
}

/// States that some table of a fit is read for.
fn observed(program: &Program, fit: &Fit) -> IndexSet<String> {
    let model = &program.models[fit.model];
    let reads = |data: &DataSet, name: &str| match data.source.file() {
        Some((_, columns)) => !lists_any(model, columns) || columns.lists(name),
        None => false,
    };
    let is_read = |name: &str| program.data_of(fit).any(|data| reads(data, name));
    model.states.values().map(|s| s.name.clone()).filter(|name| is_read(name)).collect()
}

fn told(model: &Model, (data, columns): (&DataSet, &ColumnMap), states: IndexMap<Span, String>) -> Unlisted {
    let list = |each: &dyn Fn(&String) -> String, between: &str| -> String {
        states.values().map(each).collect::<Vec<_>>().join(between)
    };
    let written = list(&|name| format!("{name} = {}", written_column(name)), "; ");
    let named = list(&|name| format!("`{name}`"), ", ");
    let (column, is) = if states.len() == 1 { ("a column", "is") } else { ("columns", "are") };
    // The last one that is listed: what is new stands behind it.
    let families: IndexSet<&str> = model.states.values().map(|s| hir::family(&s.name)).collect();
    let listed = families.into_iter().filter(|family| columns.lists(family));
    let last = listed.filter_map(|family| Some((family, data.places.setting(family)?))).max_by_key(|(_, at)| at.end);
    let beside = last.map_or(String::new(), |(family, _)| format!(" beside the column of `{family}`"));
    Unlisted {
        help: format!(
            "the table has {column} {named}, which {is} not read: where one state is given its column, only those that are given one are observed; write \
             `{written}`{beside}"
        ),
        edit: last.map(|(_, at)| (Span { start: at.end, ..at }, format!("; {written}"))),
        states,
    }
}

/// The format of a table whose columns have names.
pub(super) fn format(data: &DataSet) -> Option<data::Format> {
    match data.source {
        DataSource::Csv { .. } => Some(data::Format::Csv),
        DataSource::Parquet { .. } => Some(data::Format::Parquet),
        _ => None,
    }
}

//! The data sets of a fit: what they observe, and whether they go together.

use super::settings::{Context, Settings};
use super::suggest::listed;
use crate::base::{IndexSet, same_step};
use crate::diagnostics::codes::{E0510, E0511, W0706};
use crate::diagnostics::{Diagnostic, Sink};
use crate::hir::{self, DataId, DataSet, DataSource, Fit, Model, Network, Program};
use crate::source::Span;
use crate::syntax::ast;

/// The data sets of a fit.
pub(super) struct Sets<'p> {
    /// The place of each in the fit, and the data set.
    sets: Vec<(Span, &'p DataSet)>,
    /// The names that each is known to observe; `None` when only its file tells.
    columns: Vec<Option<Vec<String>>>,
}

impl<'p> Sets<'p> {
    pub(super) fn new(fit: &ast::Fit, ids: &[DataId], program: &'p Program) -> Sets<'p> {
        let spans = fit.data.iter().map(|d| d.span);
        let sets: Vec<(Span, &DataSet)> = spans.zip(ids).map(|(span, &id)| (span, &program.data[id])).collect();
        let columns = sets.iter().map(|(_, data)| columns(data, program)).collect();
        Sets { sets, columns }
    }

    /// Every data set with its place in the fit.
    pub(super) fn all(&self) -> impl Iterator<Item = (Span, &'p DataSet)> + '_ {
        self.sets.iter().copied()
    }

    /// The data sets whose columns are known.
    fn known(&self) -> impl Iterator<Item = (Span, &'p DataSet, &[String])> + '_ {
        let pairs = self.sets.iter().zip(&self.columns);
        pairs.filter_map(|(&(span, data), columns)| Some((span, data, columns.as_deref()?)))
    }

    /// Names of data sets in a sentence: "`a`, `b` and `c`".
    pub(super) fn names(&self, which: impl Fn(&DataSet) -> bool) -> String {
        let names: Vec<String> =
            self.all().filter(|(_, d)| which(d)).map(|(_, data)| format!("`{}`", data.name)).collect();
        match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => names.concat(),
        }
    }

    /// Something is fitted, every data set observes a state and has all inputs, and every state is observed by one of them.
    pub(super) fn observe(&self, model: &Model, cx: &mut Context<'_>) -> bool {
        let mut ok = true;
        if let (Some((span, data)), None) = (self.all().next(), self.all().find(|(_, data)| data.is_fitted())) {
            let message = format!(
                "nothing is fitted: {} {} only predicted",
                self.names(|_| true),
                if self.sets.len() == 1 { "is" } else { "are" }
            );
            let d = Diagnostic::error(E0511, message, span, "all of it is held out").label(data.span, "declared here");
            cx.sink.push(
                d.help("name a data set that is fitted beside it, or hold out a part of this one: `holdout 20%`"),
            );
            return false;
        }
        for (span, data, columns) in self.known() {
            let has = |name: &str| columns.iter().any(|c| c == name);
            let list = listed(columns.iter().map(String::as_str));
            if !model.states.values().any(|s| has(&s.name)) {
                let states = listed(model.states.values().map(|s| s.name.as_str()));
                let message = format!("`{}` observes no state of `{}`", data.name, model.name);
                let d = Diagnostic::error(E0510, message, span, format!("has {list}"));
                let d = d.label(model.span, format!("has {states}"));
                cx.sink.push(d.help("states are matched by name: give them the same names"));
                ok = false;
                continue;
            }
            for input in model.inputs.values().filter(|i| i.field.is_none() && !has(&i.name)) {
                let message = format!("`{}` has no column for the input `{}`", data.name, input.name);
                let d = Diagnostic::error(E0510, message, span, format!("has {list}"));
                cx.sink.push(d.label(input.span, "an input").help(where_from(data, &input.name)));
                ok = false;
            }
        }
        if ok {
            self.warn_unobserved(model, cx);
        }
        ok
    }

    /// States that no data set observes.
    fn warn_unobserved(&self, model: &Model, cx: &mut Context<'_>) {
        let fitted = || self.known().filter(|(_, data, _)| data.is_fitted());
        let known: Vec<&[String]> = fitted().map(|(_, _, columns)| columns).collect();
        if known.len() < self.all().filter(|(_, data)| data.is_fitted()).count() {
            return;
        }
        let Some(&(span, _)) = self.sets.first() else { return };
        let all: IndexSet<&str> = known.iter().flat_map(|c| c.iter().map(String::as_str)).collect();
        let list = all.iter().copied().collect::<Vec<_>>().join(", ");
        let mut said = IndexSet::new();
        for (id, state) in model.states.iter().filter(|(_, s)| !all.contains(s.name.as_str())) {
            // One warning for all elements of a family.
            if !said.insert(state.span) {
                continue;
            }
            let message = format!("no column of {} observes `{}`", self.names(DataSet::is_fitted), state.name);
            let known = model.initial.iter().any(|i| i.state == id);
            let d = Diagnostic::warning(W0706, message, span, format!("has {list}")).help(match known {
                true => {
                    "it begins with its `initial` value; the more is measured, the more the data can tell".to_string()
                }
                false => format!(
                    "measure it too, or say where it begins if that is known, `initial {} = 0`",
                    hir::family(&state.name)
                ),
            });
            cx.sink.push(d.label(state.span, "estimated from the equations alone"));
        }
    }

    /// What the gradient engine needs: windows of the same step and the same observed states, from every data set.
    pub(super) fn windows(&self, model: &Model, fit: &Fit, settings: &Settings<'_>, cx: &mut Context<'_>) -> bool {
        let mut ok = true;
        for (span, data) in self.all() {
            if data.source.is_irregular() {
                let message = "the gradient engine needs samples at equal distances";
                let d = Diagnostic::error(E0511, message, span, "irregular").label(data.span, "declared here");
                cx.sink.push(d.help("choose `engine joint`, or resample the data"));
                ok = false;
            }
            if let Some((steps, _)) = data.source.extent().filter(|(steps, _)| fit.span() > *steps) {
                let (key, reach) = (if fit.horizon.is_some() { "horizon" } else { "window" }, fit.span());
                let message = format!("a {key} has {reach} samples, and a trajectory of `{}` only {steps}", data.name);
                let span = settings.get(key).map_or(fit.span, |s| s.span);
                cx.sink.push(
                    Diagnostic::error(E0511, message, span, "too long")
                        .label(data.span, "the data")
                        .help(format!("choose a {key} of at most {steps} samples, or longer trajectories")),
                );
                ok = false;
            }
        }
        for (span, data, columns) in self.known() {
            let moving = fit.shifts.iter().flat_map(|&(state, by)| [state, by]);
            let unseen = moving.map(|id| &model.states[id]).find(|s| !columns.contains(&s.name));
            if let Some(state) = unseen {
                let message =
                    format!("`{}` does not observe `{}`, which is moved in its windows", data.name, state.name);
                let d = Diagnostic::error(
                    E0510,
                    message,
                    span,
                    format!("has {}", listed(columns.iter().map(String::as_str))),
                );
                let at = settings.get("shift").map_or(fit.span, |s| s.span);
                cx.sink.push(
                    d.label(at, "moved here").help("name a state that the data observe, or give them its column"),
                );
                ok = false;
            }
        }
        ok && self.same_step(cx) && self.same_states(model, cx)
    }

    fn same_step(&self, cx: &mut Context<'_>) -> bool {
        let mut steps = self.all().filter_map(|(span, data)| Some((span, data, data.source.step()?)));
        let Some((first, one, step)) = steps.next() else { return true };
        let Some((span, other, found)) = steps.find(|(_, _, dt)| !same_step(*dt, step)) else {
            return true;
        };
        let message = format!(
            "the gradient engine needs one step: that of `{}` is {step}, that of `{}` {found}",
            one.name, other.name
        );
        let d = Diagnostic::error(E0511, message, span, format!("sampled every {found}"));
        let d = d.label(first, format!("sampled every {step}"));
        cx.sink.push(d.help("choose `engine joint`, which takes any steps, or resample one of them"));
        false
    }

    fn same_states(&self, model: &Model, cx: &mut Context<'_>) -> bool {
        let known: Vec<(Span, &DataSet, &[String])> = self.known().collect();
        for state in model.states.values() {
            let has = |columns: &[String]| columns.contains(&state.name);
            let with = known.iter().find(|(_, _, columns)| has(columns));
            let without = known.iter().find(|(_, _, columns)| !has(columns));
            if let (Some((with, one, _)), Some((span, other, columns))) = (with, without) {
                let message = format!("`{}` observes `{}`, and `{}` does not", one.name, state.name, other.name);
                let d = Diagnostic::error(
                    E0510,
                    message,
                    *span,
                    format!("has {}", listed(columns.iter().map(String::as_str))),
                );
                let d = d.label(*with, format!("has `{}`", state.name));
                cx.sink.push(d.help("windows of the gradient engine observe the same states: choose `engine joint`"));
                return false;
            }
        }
        true
    }

    /// Every data set observes what a network reads.
    pub(super) fn have_inputs(&self, network: &Network, cx: &mut Context<'_>) -> bool {
        let mut ok = true;
        for (span, data, columns) in self.known() {
            for input in network.needs().into_iter().filter(|i| !columns.contains(i)) {
                let message = format!("`{}` reads `{input}`, which `{}` does not observe", network.name, data.name);
                let d = Diagnostic::error(
                    E0510,
                    message,
                    span,
                    format!("has {}", listed(columns.iter().map(String::as_str))),
                );
                let help = format!("give the data the column, or leave `{input}` out of what the network reads");
                cx.sink.push(d.label(network.span, "the network").help(help));
                ok = false;
            }
        }
        ok
    }
}

/// Whether a data set has the inputs of a model that is simulated along it, as far as that is known here.
pub(super) fn drives((data, model): (DataId, &Model), span: Span, program: &Program, sink: &mut Sink) -> bool {
    let data = &program.data[data];
    let Some(columns) = columns(data, program) else { return true };
    let missing = model.inputs.values().find(|i| i.field.is_none() && !columns.contains(&i.name));
    if let Some(input) = missing {
        let message = format!("`{}` has no column for the input `{}`", data.name, input.name);
        let list = listed(columns.iter().map(String::as_str));
        let d = Diagnostic::error(E0510, message, span, format!("has {list}"));
        sink.push(d.label(input.span, "an input").help(where_from(data, &input.name)));
    }
    missing.is_none()
}

/// How a data set could have an input.
fn where_from(data: &DataSet, input: &str) -> String {
    match &data.source {
        DataSource::Solve(spec) => {
            format!("a solution has the inputs of its model: write `input {input}` in `{}`", spec.model.name)
        }
        DataSource::Simulate(_) => {
            format!(
                "a simulation has the inputs of its model: write `input {input}` in it, and name `data` that have it"
            )
        }
        _ => format!("add the column: `{input} = sin(t)`"),
    }
}

/// The names a data set is known to observe; `None` when only its file tells.
pub(super) fn columns(data: &DataSet, program: &Program) -> Option<Vec<String>> {
    match &data.source {
        DataSource::Simulate(spec) => {
            let model = &program.models[spec.model];
            let states = model.states.values().map(|s| s.name.clone());
            Some(states.chain(model.inputs.values().map(|i| i.name.clone())).collect())
        }
        DataSource::Solve(spec) => {
            let states = spec.model.states.values().map(|s| s.name.clone());
            Some(states.chain(spec.model.inputs.values().map(|i| i.name.clone())).collect())
        }
        DataSource::Formula(spec) => Some(spec.columns.iter().map(|(name, _)| name.clone()).collect()),
        DataSource::Predict(_) | DataSource::Csv { .. } | DataSource::Numpy { .. } | DataSource::Parquet { .. } => None,
    }
}

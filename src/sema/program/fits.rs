//! Fits and tests: what they name, and the units between model and data.

use super::super::fit::{self, Surroundings};
use super::super::functions::each_part;
use super::super::rules::{FIT, PREDICT};
use super::super::settings::{Context, Settings};
use super::super::{expect, predict, suggest, units};
use super::Checker;
use crate::base::IndexMap;
use crate::diagnostics::codes::{E0201, E0202, E0516};
use crate::diagnostics::{Among, Diagnostic, Sink, closest};
use crate::hir::{DataId, FitId, Model};
use crate::source::{Sources, Span};
use crate::syntax::ast::{self, Item};

impl Checker<'_> {
    /// A prediction: of the fit with the name, or of the only one of the model with it.
    pub(super) fn prediction(
        &mut self,
        item: &ast::Data,
        of: &ast::Ident,
        sources: &Sources,
        sink: &mut Sink,
    ) -> Option<DataId> {
        let named = self.fits.iter().filter(|(name, ..)| *name == of.name);
        let of_model = self.fits.iter().filter(|(_, model, _)| *model == of.name);
        let found: Vec<&(String, String, Option<FitId>)> = match named.clone().next() {
            Some(_) => named.collect(),
            None => of_model.collect(),
        };
        let mut cx = Context { sources, sink, override_files: &self.override_files };
        let id = match found.as_slice() {
            [(.., id)] => *id,
            // The fit of an unknown model may be the one that is meant.
            [] if self.models.contains_key(&of.name)
                && self.fits.iter().any(|(_, model, _)| !self.models.contains_key(model)) =>
            {
                None
            }
            several => {
                let names: Vec<&str> = self.fits.iter().map(|(name, ..)| name.as_str()).collect();
                let (message, help) = match several {
                    [] if self.models.contains_key(&of.name) => (
                        format!("no fit is about the model `{}`", of.name),
                        "add `fit Model to data { }`, or use `solve` or `simulate` for a model with known numbers"
                            .into(),
                    ),
                    [] if self.data.contains_key(&of.name) => {
                        let id = self.data.get(&of.name).copied().flatten();
                        let fitted = self.program.fits.values().find(|f| id.is_some_and(|id| f.data.contains(&id)));
                        let help = match fitted {
                            Some(fit) => format!("name its fit: `predict {} = {}`", item.name.name, fit.name),
                            None if !names.is_empty() => format!("fits: {}", names.join(", ")),
                            None => format!("add `fit Model to {}`, and name the fit or the model", of.name),
                        };
                        (format!("`{}` is a data set, and a prediction goes on from a fit", of.name), help.into())
                    }
                    [] => (
                        format!("there is no fit `{}`", of.name),
                        suggest::help_of_many(cx.sink, "fits", &of.name, names),
                    ),
                    _ => (
                        format!("several fits are about the model `{}`", of.name),
                        format!(
                            "name one of them: {}",
                            several.iter().map(|(n, ..)| n.as_str()).collect::<Vec<_>>().join(", ")
                        )
                        .into(),
                    ),
                };
                cx.sink.push(
                    Diagnostic::error(E0201, message, of.span, "which fit?")
                        .help(help)
                        .missing_among(Among::Items, &of.name),
                );
                None
            }
        };
        let Some(id) = id else {
            // The keys can be checked all the same.
            Settings::new(PREDICT, &item.settings, item.name.span, &[], &[], &mut cx);
            return None;
        };
        item.settings.iter().for_each(|s| units::refuse_in(s, cx.sink));
        predict::predict(item, of, (&self.program, id), &mut cx).map(|d| self.program.data.push(d))
    }

    /// The models that are right and whose fits use a network.
    pub(super) fn users_of<'s>(&'s self, network: &'s str, items: &'s [Item]) -> impl Iterator<Item = &'s Model> {
        let known = |f: &ast::Fit| Some(&self.program.models[(*self.models.get(&f.model.name)?)?]);
        using(network, items).filter_map(known)
    }

    /// Whether a fit uses `network` whose model is wrong or missing, or none does and one may have been meant to.
    pub(super) fn has_unknown_user(&self, network: &str, items: &[Item]) -> bool {
        let mut users = using(network, items).peekable();
        let meant = users.peek().is_none() && items.iter().any(|i| matches!(i, Item::Fit(f) if names_like(f, network)));
        meant || users.any(|f| self.models.get(&f.model.name).copied().flatten().is_none())
    }

    /// The data sets of a fit; `None` where one of them is wrong, missing, or named twice.
    fn fitted_data(&mut self, item: &ast::Fit, items: &[Item], sink: &mut Sink) -> Option<Vec<DataId>> {
        let mut found: Vec<Option<DataId>> = Vec::new();
        for (at, name) in item.data.iter().enumerate() {
            self.used.push(name.name.clone());
            if let Some(first) = item.data.iter().take(at).find(|d| d.name == name.name) {
                let message = format!("the data set `{}` stands twice", name.name);
                let d = Diagnostic::error(E0202, message, name.span, "again here").label(first.span, "first here");
                sink.push(d.help("every data set counts once"));
                found.push(None);
                continue;
            }
            found.push(match self.data.get(&name.name) {
                Some(found) => *found,
                None if items.iter().any(|i| is_prediction(i, &name.name)) => {
                    let message = format!("`{}` is a prediction, and only data can be fitted", name.name);
                    let d = Diagnostic::error(E0516, message, name.span, "comes from a fit itself");
                    sink.push(d.help("name the data set that was fitted"));
                    None
                }
                None => {
                    let help =
                        suggest::help_of_many(sink, "data sets", &name.name, self.data.keys().map(String::as_str));
                    let message = format!("there is no data set `{}`", name.name);
                    sink.push(
                        Diagnostic::error(E0201, message, name.span, "unknown data")
                            .help(help)
                            .missing_among(Among::Items, &name.name),
                    );
                    None
                }
            });
        }
        found.into_iter().collect()
    }

    /// Reports a fit whose model is a data set and whose data is a model; whether it is one.
    fn is_turned_round(&mut self, item: &ast::Fit, sink: &mut Sink) -> bool {
        let (model, [data]) = (&item.model, item.data.as_slice()) else { return false };
        let turned = self.data.contains_key(&model.name) && self.models.contains_key(&data.name);
        if !turned || self.models.contains_key(&model.name) || self.data.contains_key(&data.name) {
            return false;
        }
        self.used.extend([model.name.clone(), data.name.clone()]);
        let message = format!("`{}` is a data set and `{}` a model", model.name, data.name);
        let d = Diagnostic::error(E0201, message, model.span, "the model stands here")
            .label(data.span, "and the data here");
        sink.push(d.help(format!("a model is fitted to data: `fit {} to {}`", data.name, model.name)));
        true
    }

    pub(super) fn fit(&mut self, item: &ast::Fit, items: &[Item], sources: &Sources, sink: &mut Sink) -> Option<FitId> {
        if self.is_turned_round(item, sink) {
            return None;
        }
        let model = self.find_model(&item.model, sink);
        let data = self.fitted_data(item, items, sink);
        settings_in(item, &mut self.used);
        let (Some(model), Some(data)) = (model, data) else {
            let mut cx = Context { sources, sink, override_files: &self.override_files };
            Settings::new(FIT, &item.settings, item.model.span, &fit::REPEATABLE, &[], &mut cx);
            return None;
        };
        let before = sink.error_count();
        let needed = units::wanted([&self.program.models[model]]);
        let item = &units::settle_fit(item, &needed, (&self.units, &mut self.unitless), sink);
        item.settings.iter().for_each(|s| units::refuse_in(s, sink));
        let model = if sink.error_count() > before { None } else { self.with_held(model, item, items, sources, sink) };
        let Some(model) = model else {
            // The keys can be checked all the same.
            let mut cx = Context { sources, sink, override_files: &self.override_files };
            Settings::new(FIT, &item.settings, item.model.span, &fit::REPEATABLE, &[], &mut cx);
            return None;
        };
        for name in &item.data {
            if let Some((time, columns)) = self.data_units.get(&name.name) {
                units::compare(&self.program.models[model], time.as_ref(), columns, name.span, sink);
            }
        }
        let around = Surroundings { program: &self.program, networks: &self.networks, beyond: false };
        let mut cx = Context { sources, sink, override_files: &self.override_files };
        fit::fit(item, (model, &data), &around, &mut cx).map(|fit| self.program.fits.push(fit))
    }

    pub(super) fn tests(&mut self, items: &[Item], sink: &mut Sink) {
        let mut names: IndexMap<&str, Span> = IndexMap::new();
        let of_models = expect::functions_of_models(items);
        for item in items {
            let Item::Test(item) = item else { continue };
            if let Some(first) = names.get(item.name.name.as_str()) {
                let message = format!("there are two tests \"{}\"", item.name.name);
                let d = Diagnostic::error(E0202, message, item.name.span, "again here")
                    .help("give each test a name of its own")
                    .label(*first, "first here");
                sink.push(d);
                continue;
            }
            names.insert(&item.name.name, item.name.span);
            let test =
                expect::test(item, (&self.program, (&self.functions, &of_models), &self.units), &mut self.used, sink);
            self.program.tests.extend(test);
        }
    }
}

/// Adds the networks that the settings of a fit name.
fn settings_in(item: &ast::Fit, out: &mut Vec<String>) {
    for value in item.settings.iter().flat_map(|s| &s.values) {
        if let ast::SettingValue::Expr(e) = value {
            outputs_in(e, out);
        }
    }
}

/// Adds what stands before a dot in `expr`: of `reader.v` the network `reader`.
fn outputs_in(expr: &ast::Expr, out: &mut Vec<String>) {
    if let ast::ExprKind::Field { of, .. } = &expr.kind
        && let ast::ExprKind::Name(network) = &of.kind
    {
        out.push(network.clone());
    }
    each_part(expr, &mut |part| outputs_in(part, out));
}

/// Whether an item is the prediction of this name.
fn is_prediction(item: &Item, name: &str) -> bool {
    matches!(item, Item::Data(d) if d.name.name == name && matches!(d.source, ast::DataSource::Predict(_)))
}

/// The fits that use a network.
fn using<'s>(network: &'s str, items: &'s [Item]) -> impl Iterator<Item = &'s ast::Fit> {
    let fits = items.iter().filter_map(|i| if let Item::Fit(f) = i { Some(f) } else { None });
    fits.filter(move |f| {
        let mut used = Vec::new();
        settings_in(f, &mut used);
        used.iter().any(|u| u == network)
    })
}

/// Whether a fit names something nearly called `network`.
fn names_like(fit: &ast::Fit, network: &str) -> bool {
    let mut used = Vec::new();
    settings_in(fit, &mut used);
    closest(network, used.iter().map(String::as_str)).is_some()
}

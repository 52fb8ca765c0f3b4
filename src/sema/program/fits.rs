//! Fits and tests: what they name, and the units between model and data.

use super::super::fit::{self, Surroundings};
use super::super::functions::each_part;
use super::super::settings::{Context, FIT, Settings};
use super::super::{expect, suggest, units};
use super::Checker;
use crate::base::IndexMap;
use crate::diagnostics::codes::{E0201, E0202};
use crate::diagnostics::{Diagnostic, Sink};
use crate::source::{Sources, Span};
use crate::syntax::ast::{self, Item};

impl Checker<'_> {
    pub(super) fn fit(&mut self, item: &ast::Fit, sources: &Sources, sink: &mut Sink) {
        let model = self.find_model(&item.model, sink);
        self.used.push(item.data.name.clone());
        let data = match self.data.get(&item.data.name) {
            Some(found) => *found,
            None => {
                let help = suggest::help("data sets", &item.data.name, self.data.keys().map(String::as_str));
                let message = format!("there is no data set `{}`", item.data.name);
                sink.push(Diagnostic::error(E0201, message, item.data.span, "unknown data").help(help));
                None
            }
        };
        for value in item.settings.iter().flat_map(|s| &s.values) {
            if let ast::SettingValue::Expr(e) = value {
                outputs_in(e, &mut self.used);
            }
        }
        let (Some(model), Some(data)) = (model, data) else {
            let mut cx = Context { sources, sink, override_files: &self.override_files };
            Settings::new(FIT, &item.settings, item.model.span, &fit::REPEATABLE, &[], &mut cx);
            return;
        };
        item.settings.iter().for_each(|s| units::refuse_in(s, sink));
        if let Some((time, columns)) = self.data_units.get(&item.data.name) {
            units::compare(&self.program.models[model], time.as_ref(), columns, item.data.span, sink);
        }
        let around = Surroundings { program: &self.program, networks: &self.networks };
        let mut cx = Context { sources, sink, override_files: &self.override_files };
        if let Some(fit) = fit::fit(item, (model, data), &around, &mut cx) {
            self.program.fits.push(fit);
        }
    }

    pub(super) fn tests(&mut self, items: &[Item], sink: &mut Sink) {
        let mut names: IndexMap<&str, Span> = IndexMap::new();
        for item in items {
            let Item::Test(item) = item else { continue };
            if let Some(first) = names.get(item.name.name.as_str()) {
                let message = format!("there are two tests \"{}\"", item.name.name);
                let d = Diagnostic::error(E0202, message, item.name.span, "again here").label(*first, "first here");
                sink.push(d);
                continue;
            }
            names.insert(&item.name.name, item.name.span);
            let test = expect::test(item, (&self.program, &self.functions), &mut self.used, sink);
            self.program.tests.extend(test);
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

//! `mechc info`: the facts of a checked program, for other programs.

mod data;
mod fit;
mod model;

use serde_json::{Value, json};

use super::Failure;
use super::plan;
use super::session::{Checked, Session};
use crate::hir::{self, Network, OutputRef, Program};
use crate::source::{Sources, Span};
use data::data;
use fit::fit;
use model::model;

/// The version of the form of [`Session::info`]: it changes when a key is removed or changes its meaning, not when one is added.
pub const INFO_SCHEMA: u32 = 1;

impl Session {
    /// Everything about a model file that can be known without reading data, as one JSON object. docs/info.md describes it.
    ///
    /// # Errors
    /// Those of [`Session::check_without_tests`] and [`Session::plan`].
    pub fn info(&mut self, path: &str, overrides: &[String]) -> Result<Value, Failure> {
        let checked = self.check_without_tests(path, overrides)?;
        let plans = plan::plan(&checked.program, None)?;
        let Checked { program, warnings } = &checked;
        let sources = self.sources();
        let warning = |w: &crate::diagnostics::Diagnostic| {
            let mut object = json!({"code": w.code, "message": w.message});
            object["place"] = place(w.primary.span, sources);
            object
        };
        Ok(json!({
            "schema": INFO_SCHEMA,
            "mechc": env!("CARGO_PKG_VERSION"),
            "file": path,
            "models": program.declared_models().map(|m| model(m, sources)).collect::<Vec<_>>(),
            "networks": program.networks.values().map(|n| network(n, sources)).collect::<Vec<_>>(),
            "data": program.data.values().map(|d| data(program, d, sources)).collect::<Vec<_>>(),
            "fits": program.fits.values().map(|f| fit(program, f, sources)).collect::<Vec<_>>(),
            "tests": program.tests.iter().map(|t| json!({
                "name": t.name, "expectations": t.expectations.len(), "place": place(t.span, sources),
            })).collect::<Vec<_>>(),
            "plans": plans.iter().map(|p| p.json()).collect::<Vec<_>>(),
            "warnings": warnings.iter().map(warning).collect::<Vec<_>>(),
        }))
    }

    /// The same facts in short, for people.
    ///
    /// # Errors
    /// Those of [`Session::check_without_tests`].
    pub fn info_text(&mut self, path: &str, overrides: &[String]) -> Result<String, Failure> {
        let program = self.check_without_tests(path, overrides)?.program;
        let mut out = String::new();
        for model in program.declared_models() {
            let states: Vec<String> = model
                .states
                .values()
                .map(|s| if s.order > 1 { format!("{} (order {})", s.name, s.order) } else { s.name.clone() })
                .collect();
            out.push_str(&format!("model {}\n  states      {}\n", model.name, states.join(", ")));
            let mut line = |label: &str, names: Vec<&str>| {
                if !names.is_empty() {
                    out.push_str(&format!("  {label:10}  {}\n", names.join(", ")));
                }
            };
            line("parameters", model.params.values().map(|p| p.name.as_str()).collect());
            let named = |field: bool| model.inputs.values().filter(move |i| i.field.is_some() == field);
            line("inputs", named(false).map(|i| i.name.as_str()).collect());
            line("fields", named(true).map(|i| i.name.as_str()).collect());
            line("holes", model.holes.values().map(|h| h.spelled.as_str()).collect());
            out.push_str(&format!("  unknowns    {}\n", model.unknowns.len()));
        }
        for data in program.data.values() {
            out.push_str(&format!("data {}\n", data.name));
        }
        for fit in program.fits.values() {
            let (model, data) = (&program.models[fit.model].name, program.spell_data(fit));
            out.push_str(&format!("fit {} of {model} to {data} by the {} engine\n", fit.name, fit.engine.name()));
        }
        for test in &program.tests {
            out.push_str(&format!("test \"{}\"\n", test.name));
        }
        Ok(out)
    }
}

fn place(span: Span, sources: &Sources) -> Value {
    let file = sources.file(span.file);
    let (line, column) = file.line_column(span.start);
    json!({"file": file.shown, "line": line, "column": column})
}

fn network(network: &Network, sources: &Sources) -> Value {
    let output = |o: &hir::NetworkOutput| {
        json!({"name": o.name, "size": o.size, "over_window": o.over == hir::Over::Window,
            "over_horizon": o.over == hir::Over::Horizon, "elements": o.elements})
    };
    let learned = match network.input {
        hir::NetworkInput::Window(_) => None,
        hir::NetworkInput::Learned(numbers) => Some(numbers),
    };
    json!({
        "name": network.name,
        "inputs": network.reads(),
        "features": network.features.iter().map(|f| json!({
            "name": f.name, "formula": f.formula.spell(), "of": f.formula.columns,
        })).collect::<Vec<_>>(),
        "along": network.along.as_ref().map(|a| &a.set),
        "learned_input": learned,
        "outputs": network.outputs.iter().map(output).collect::<Vec<_>>(),
        "place": place(network.span, sources),
    })
}

/// A number of a network's output.
fn output(program: &Program, source: OutputRef) -> Value {
    let network = &program.networks[source.network];
    let output = network.outputs.get(source.output).map(|o| &o.name);
    json!({"network": network.name, "output": output, "component": source.component})
}

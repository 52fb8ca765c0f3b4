//! `mechc info`: the facts of a checked program, for other programs.

use serde_json::{Value, json};

use super::Failure;
use super::plan;
use super::session::{Checked, Session};
use crate::hir::{
    self, Bounds, ColumnMap, DataSet, DataSource, Decay, Engine, Equation, Fit, Holdout, Model, Network, Noise,
    Program, SimulateSpec, SolveSpec, UnknownKind,
};
use crate::source::{Sources, Span};

/// The version of the form of [`Session::info`]: it changes when a key is removed or changes its meaning, not when one is added.
pub const INFO_SCHEMA: u32 = 1;

impl Session {
    /// Everything about a model file that can be known without reading data, as one JSON object. docs/info.md describes it.
    ///
    /// # Errors
    /// Those of [`Session::check`] and [`Session::plan`].
    pub fn info(&mut self, path: &str, overrides: &[String]) -> Result<Value, Failure> {
        let checked = self.check(path, overrides)?;
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
            "models": program.models.values().map(|m| model(m, sources)).collect::<Vec<_>>(),
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
    /// Those of [`Session::check`].
    pub fn info_text(&mut self, path: &str, overrides: &[String]) -> Result<String, Failure> {
        let program = self.check(path, overrides)?.program;
        let mut out = String::new();
        for model in program.models.values() {
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
    json!({"file": file.path, "line": line, "column": column})
}

/// A bound as a number; JSON has no infinity, so an open end is null.
fn bounds(bounds: Bounds) -> (Option<f64>, Option<f64>) {
    let finite = |v: f64| v.is_finite().then_some(v);
    (finite(bounds.lower), finite(bounds.upper))
}

fn model(model: &Model, sources: &Sources) -> Value {
    let spelled = |unit: Option<&hir::Unit>| unit.map(|u| u.to_string());
    let units = &model.units;
    let parameter = |(id, p): (hir::ParamId, &hir::Param)| {
        let unit = spelled(units.param(id));
        let (lower, upper) = bounds(p.bounds);
        json!({"name": p.name, "value": p.value, "lower": lower, "upper": upper, "fixed": p.fixed, "unit": unit})
    };
    let unknown = |(id, u): (hir::UnknownId, &hir::Unknown)| {
        let unit = spelled(units.unknown(id));
        let (lower, upper) = bounds(u.bounds);
        let kind = match u.kind {
            UnknownKind::Param(_) => "parameter",
            UnknownKind::Coefficient { .. } => "coefficient",
        };
        json!({
            "name": u.name, "kind": kind, "start": u.start, "lower": lower, "upper": upper, "linear": u.linear, "unit": unit,
        })
    };
    let hole = |h: &hir::Hole| {
        let terms: Vec<Value> = h
            .terms
            .iter()
            .map(|t| json!({"term": t.spelled, "coefficient": model.unknowns[t.coefficient].name}))
            .collect();
        json!({"text": h.spelled, "state": model.states[h.state].name, "terms": terms, "place": place(h.span, sources)})
    };
    json!({
        "name": model.name,
        "doc": model.doc,
        "time_unit": spelled(units.time.as_ref()),
        "states": model.states.iter().map(|(id, s)| json!({
            "name": s.name, "order": s.order, "unit": spelled(units.state(id)),
        })).collect::<Vec<_>>(),
        "parameters": model.params.iter().map(parameter).collect::<Vec<_>>(),
        "inputs": model.inputs.values().filter(|i| i.field.is_none()).map(|i| &i.name).collect::<Vec<_>>(),
        "input_units": model.inputs.iter().filter(|(_, i)| i.field.is_none()).map(|(id, _)| spelled(units.input(id))).collect::<Vec<_>>(),
        "fields": model.inputs.values().filter(|i| i.field.is_some()).map(|i| &i.name).collect::<Vec<_>>(),
        "unknowns": model.unknowns.iter().map(unknown).collect::<Vec<_>>(),
        "holes": model.holes.values().map(hole).collect::<Vec<_>>(),
        "equations": model.equations.iter().map(|e| equation(model, e, sources)).collect::<Vec<_>>(),
        "initial": model.initial.iter().map(|i| json!({
            "state": model.states[i.state].name, "derivative": i.derivative, "value": i.value,
        })).collect::<Vec<_>>(),
        "final": model.boundary.finals.iter().map(|i| json!({
            "state": model.states[i.state].name, "derivative": i.derivative, "value": i.value,
        })).collect::<Vec<_>>(),
        "periodic": model.boundary.periodic.is_some(),
        "starts": model.boundary.starts.iter().map(|s| json!({
            "state": model.states[s.state].name, "derivative": s.derivative, "column": s.column, "steps": s.steps, "last": s.last,
        })).collect::<Vec<_>>(),
        "place": place(model.span, sources),
    })
}

/// `sum(linear) = known + sum(unknowns)`
fn equation(model: &Model, equation: &Equation, sources: &Sources) -> Value {
    let linear = |t: &hir::LinearTerm| {
        json!({
            "state": model.states[t.state].name, "derivative": t.derivative, "coefficient": model.spell(&t.coefficient),
        })
    };
    let unknown =
        |t: &hir::UnknownTerm| json!({"unknown": model.unknowns[t.unknown].name, "factor": model.spell(&t.factor)});
    json!({
        "state": model.states[equation.state].name,
        "derivative": model.states[equation.state].order,
        "linear": equation.linear.iter().map(linear).collect::<Vec<_>>(),
        "known": equation.known.as_ref().map(|e| model.spell(e)),
        "unknowns": equation.unknowns.iter().map(unknown).collect::<Vec<_>>(),
        "place": place(equation.span, sources),
    })
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

fn data(program: &Program, data: &DataSet, sources: &Sources) -> Value {
    let mut out = match &data.source {
        DataSource::Csv { path, columns } => file(program, data, "csv", path, columns),
        DataSource::Numpy { path, columns } => file(program, data, "numpy", path, columns),
        DataSource::Parquet { path, columns } => file(program, data, "parquet", path, columns),
        DataSource::Simulate(spec) => simulated(program, spec),
        DataSource::Solve(spec) => solved(program, spec),
        DataSource::Predict(spec) => {
            let states = program.models[program.fits[spec.fit].model].states.values();
            json!({
                "source": "predict", "fit": program.fits[spec.fit].name, "samples": spec.steps, "by": spec.by,
                "from": spec.from.name(), "tolerance": spec.tolerance,
                "columns": states.map(|s| json!({"column": s.name, "name": s.name, "role": "state"})).collect::<Vec<_>>(),
            })
        }
        DataSource::Formula(spec) => json!({
            "source": "formula", "samples": spec.steps, "start": spec.t0, "dt": spec.dt, "trajectories": spec.trajectories,
            "seed": spec.seed, "random_numbers": spec.draws.len(),
            "columns": spec.columns.iter().map(|(name, _)| json!({"column": name, "name": name, "role": "column"}))
                .collect::<Vec<_>>(),
        }),
    };
    out["name"] = json!(data.name);
    out["holdout"] = match data.holdout {
        None => Value::Null,
        Some(Holdout::Time(share)) => json!({"of": "time", "share": share}),
        Some(Holdout::Trajectories(share)) => json!({"of": "trajectories", "share": share}),
    };
    out["place"] = place(data.span, sources);
    out
}

/// The columns that the models fitted to a file need: what each is called there, and what it is.
fn file(program: &Program, data: &DataSet, kind: &str, path: &str, map: &ColumnMap) -> Value {
    let models = program
        .fits
        .values()
        .filter(|f| program.data_of(f).any(|d| d.name == data.name))
        .map(|f| &program.models[f.model]);
    let mut columns: Vec<Value> = Vec::new();
    for model in models {
        let given = |name: &str| map.columns.contains_key(name) || map.derived.contains_key(name);
        let listed = model.states.values().any(|s| given(&s.name));
        let states = model.states.values().filter(|s| !listed || given(&s.name));
        let inputs = model.inputs.values().filter(|i| i.field.is_none());
        let named = states.map(|s| (&s.name, "state")).chain(inputs.map(|i| (&i.name, "input")));
        for (name, role) in named {
            let entry = match map.derived.get(name) {
                Some(derived) => json!({
                    "column": null, "name": name, "role": role, "formula": derived.spell(), "of": derived.columns,
                }),
                None => json!({"column": map.columns.get(name).unwrap_or(name), "name": name, "role": role}),
            };
            if !columns.contains(&entry) {
                columns.push(entry);
            }
        }
    }
    json!({
        "source": kind, "path": path, "time": map.time, "dt": map.dt, "missing": map.missing.first(), "missing_texts": map.missing, "irregular": map.irregular, "trajectory": map.trajectory,
        "columns": columns,
    })
}

fn simulated(program: &Program, spec: &SimulateSpec) -> Value {
    let model = &program.models[spec.model];
    let (noise, relative) = match spec.noise {
        Noise::Relative(x) => (x, true),
        Noise::Absolute(x) => (x, false),
    };
    let columns = model.states.values().map(|s| json!({"column": s.name, "name": s.name, "role": "state"}));
    json!({
        "source": "simulation", "model": model.name, "samples": spec.steps, "dt": spec.dt, "trajectories": spec.trajectories,
        "initial": spec.initial, "noise": noise, "noise_is_relative": relative, "seed": spec.seed,
        "columns": columns.collect::<Vec<_>>(),
    })
}

fn solved(program: &Program, spec: &SolveSpec) -> Value {
    let (model, options) = (spec.model.as_ref(), &spec.scheme);
    let columns = model.states.values().flat_map(|s| {
        (0..=options.orders).map(|k| {
            let name = format!("{}{}", s.name, "'".repeat(k));
            json!({"column": name, "name": name, "role": if k == 0 { "state" } else { "derivative" }})
        })
    });
    let value = |v: &hir::InitialValue| json!({"state": model.states[v.state].name, "derivative": v.derivative, "value": v.value});
    json!({
        "source": "solve", "model": model.name, "linear": model.is_linear(), "samples": spec.steps, "dt": spec.dt,
        "data": spec.data.map(|id| &program.data[id].name),
        "initial": spec.initial.iter().map(value).collect::<Vec<_>>(),
        "final": model.boundary.finals.iter().map(value).collect::<Vec<_>>(),
        "periodic": model.boundary.periodic.is_some(),
        "orders": options.orders, "rows": if options.taylor { "taylor" } else { "hermite" },
        "central": options.central, "slack": options.slack, "method": if options.qr { "qr" } else { "normal" },
        "precision": options.precision.name(), "refinements": options.refinements, "weights": options.weights,
        "columns": columns.collect::<Vec<_>>(),
    })
}

fn fit(program: &Program, fit: &Fit, sources: &Sources) -> Value {
    let mut settings = json!({"seed": fit.seed, "orders": fit.orders});
    if fit.engine == Engine::Joint {
        settings["significance"] = json!(fit.significance);
    } else {
        settings["window"] = json!(fit.window);
        settings["horizon"] = json!(fit.horizon);
        settings["begin"] = json!(fit.begin);
        settings["stride"] = json!(fit.stride);
        settings["batch"] = json!(fit.batch);
        settings["steps"] = json!(fit.steps);
        settings["epochs"] = json!(fit.epochs);
        settings["cycles"] = json!(fit.cycles);
        settings["threshold"] = json!(fit.threshold);
        settings["prune_from"] = json!(fit.prune_from);
        settings["projection"] = json!(fit.projection);
        settings["coefficient_rate"] = json!(fit.coefficient_rate);
        settings["consistency"] = json!(fit.consistency);
        settings["optimizer"] = json!({
            "name": "adam", "lr": fit.optimizer.rate, "beta1": fit.optimizer.beta1, "beta2": fit.optimizer.beta2,
            "eps": fit.optimizer.epsilon,
            "decay": match fit.optimizer.decay {
                Decay::Constant => "constant",
                Decay::Cosine => "cosine",
                Decay::Exponential(_) => "exponential",
                Decay::Plateau { .. } => "plateau",
            },
            "factor": match fit.optimizer.decay {
                Decay::Constant | Decay::Cosine => None,
                Decay::Exponential(factor) | Decay::Plateau { factor, .. } => Some(factor),
            },
            "patience": match fit.optimizer.decay {
                Decay::Plateau { patience, .. } => Some(patience),
                _ => None,
            },
            "warmup": fit.optimizer.warmup,
        });
        settings["loss"] = json!(hir::spell_loss(program, &program.models[fit.model], &fit.loss));
        settings["normalise"] = json!(fit.normalise.name());
        let states = &program.models[fit.model].states;
        let shift =
            |&(state, by): &(hir::StateId, hir::StateId)| json!({"state": states[state].name, "by": states[by].name});
        settings["shift"] = json!(fit.shifts.iter().map(shift).collect::<Vec<_>>());
        settings["l1"] = json!(fit.l1);
        settings["evaluate"] = json!(fit.evaluate);
        settings["early_stopping"] = json!(fit.early_stopping.map(|s| s.patience));
    }
    let auxiliary = |a: &hir::AuxiliaryBinding| {
        let network = &program.networks[a.network];
        json!({
            "state": program.models[fit.model].states[a.state].name, "network": network.name,
            "output": network.outputs.get(a.output).map(|o| &o.name), "component": a.component,
        })
    };
    json!({
        "name": fit.name,
        "model": program.models[fit.model].name,
        "data": program.spell_data(fit),
        "data_sets": program.data_of(fit).map(|d| &d.name).collect::<Vec<_>>(),
        "engine": fit.engine.name(),
        "settings": settings,
        "auxiliary": fit.auxiliary.iter().map(auxiliary).collect::<Vec<_>>(),
        "place": place(fit.span, sources),
    })
}

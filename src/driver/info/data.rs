//! The facts of a data set.

use serde_json::{Value, json};

use super::place;
use crate::hir::{self, ColumnMap, DataSet, DataSource, Holdout, Model, Noise, Program, SimulateSpec, SolveSpec, Vary};
use crate::source::Sources;

pub(super) fn data(program: &Program, data: &DataSet, sources: &Sources) -> Value {
    let mut out = match &data.source {
        DataSource::Csv { path, columns } => file(program, data, "csv", path, columns),
        DataSource::Numpy { path, columns } => file(program, data, "numpy", path, columns),
        DataSource::Parquet { path, columns } => file(program, data, "parquet", path, columns),
        DataSource::Simulate(spec) => simulated(program, spec),
        DataSource::Solve(spec) => solved(program, spec),
        DataSource::Predict(spec) => {
            let model = &program.models[program.fits[spec.fit].model];
            json!({
                "source": "predict", "fit": program.fits[spec.fit].name, "model": model.name, "samples": spec.steps,
                "by": spec.by, "from": spec.from.name(), "tolerance": spec.tolerance, "time_unit": time_unit(model),
                "columns": states(model),
            })
        }
        DataSource::Formula(spec) => json!({
            "source": "formula", "samples": spec.steps, "start": spec.t0, "dt": spec.dt, "trajectories": spec.trajectories,
            "seed": spec.seed, "random_numbers": spec.draws.len(), "time_unit": null,
            "columns": spec.columns.iter().map(|(name, _)| json!({"column": name, "name": name, "role": "column", "unit": null}))
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

fn spelled(unit: Option<&hir::Unit>) -> Option<String> {
    unit.map(|u| u.to_string())
}

fn time_unit(model: &Model) -> Option<String> {
    spelled(model.units.time.as_ref())
}

/// The columns of data that are made from a model: its states.
fn states(model: &Model) -> Vec<Value> {
    let column = |(id, s): (hir::StateId, &hir::State)| json!({"column": s.name, "name": s.name, "role": "state", "unit": spelled(model.units.state(id))});
    model.states.iter().map(column).collect()
}

/// The columns that the models fitted to a file need: what each is called there, what it is, and how its numbers are converted to
/// the unit of the model.
fn file(program: &Program, data: &DataSet, kind: &str, path: &str, map: &ColumnMap) -> Value {
    let models = program
        .fits
        .values()
        .filter(|f| program.data_of(f).any(|d| d.name == data.name))
        .map(|f| &program.models[f.model]);
    let time_unit = models.clone().find_map(time_unit);
    let mut columns: Vec<Value> = Vec::new();
    for model in models {
        let listed = model.states.values().any(|s| map.lists(&s.name));
        let states = model.states.iter().filter(|(_, s)| !listed || map.lists(&s.name));
        let states = states.map(|(id, s)| (&s.name, "state", model.units.state(id).cloned()));
        let inputs = model.inputs.iter().filter(|(_, i)| i.field.is_none());
        let inputs = inputs.map(|(id, i)| (&i.name, "input", model.column_unit(id)));
        for (name, role, unit) in states.chain(inputs) {
            let derived = map.derived.get(name);
            let conversion = derived.map(|d| d.conversion).or(map.conversion(name));
            let mut entry = json!({
                "column": map.column(name), "name": name, "role": role, "unit": spelled(unit.as_ref()),
                "factor": conversion.map_or(1.0, |c| c.factor), "offset": conversion.map_or(0.0, |c| c.offset),
            });
            if let Some(derived) = derived {
                entry["column"] = Value::Null;
                entry["formula"] = json!(derived.spell());
                entry["of"] = json!(derived.columns);
            }
            if !columns.contains(&entry) {
                columns.push(entry);
            }
        }
    }
    json!({
        "source": kind, "path": path, "time": map.time, "dt": map.dt, "time_unit": time_unit, "time_factor": map.time_factor,
        "missing": map.missing.first(), "missing_texts": map.missing, "irregular": map.irregular,
        "trajectory": map.trajectory,
        "columns": columns,
    })
}

fn simulated(program: &Program, spec: &SimulateSpec) -> Value {
    let model = &program.models[spec.model];
    let (noise, relative) = match spec.noise {
        Noise::Relative(x) => (x, true),
        Noise::Absolute(x) => (x, false),
    };
    let unknown = |k: usize| model.unknowns.values().nth(k).map(|u| &u.name);
    let vary = |(k, vary): &(usize, Vary)| match vary {
        Vary::Normal(mean, deviation) => {
            json!({"parameter": unknown(*k), "mean": mean, "deviation": deviation, "list": null})
        }
        Vary::List(list) => json!({"parameter": unknown(*k), "mean": null, "deviation": null, "list": list}),
    };
    let value = |(u, value): (&hir::Unknown, &f64)| json!({"parameter": u.name, "value": value});
    let own = |value: Value| if spec.data.is_some() { Value::Null } else { value };
    json!({
        "source": "simulation", "model": model.name, "data": spec.data.map(|by| &program.data[by.data].name),
        "samples": own(json!(spec.steps)), "start": own(json!(spec.start)), "dt": own(json!(spec.dt)),
        "trajectories": own(json!(spec.trajectories)), "initial": spec.initial,
        "starts_from_data": spec.data.is_some_and(|by| by.starts), "values": model.unknowns.values().zip(&spec.values).map(value).collect::<Vec<_>>(),
        "spread": spec.spread, "vary": spec.vary.iter().map(vary).collect::<Vec<_>>(), "noise": noise,
        "noise_is_relative": relative, "seed": spec.seed, "time_unit": time_unit(model), "columns": states(model),
    })
}

fn solved(program: &Program, spec: &SolveSpec) -> Value {
    let (model, options) = (spec.model.as_ref(), &spec.scheme);
    let columns = model.states.iter().flat_map(|(id, s)| {
        (0..=options.orders).map(move |k| {
            let name = format!("{}{}", s.name, "'".repeat(k));
            let unit = u8::try_from(k).ok().and_then(|k| model.units.derivative(id, k));
            let role = if k == 0 { "state" } else { "derivative" };
            json!({"column": name, "name": name, "role": role, "unit": spelled(unit.as_ref())})
        })
    });
    let inputs = model.inputs.iter().map(
        |(id, i)| json!({"column": i.name, "name": i.name, "role": "input", "unit": spelled(model.units.input(id))}),
    );
    let columns = columns.chain(inputs);
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
        "time_unit": time_unit(model), "columns": columns.collect::<Vec<_>>(),
    })
}

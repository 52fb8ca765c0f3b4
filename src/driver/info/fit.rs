//! The facts of a fit.

use serde_json::{Value, json};

use super::{output, place};
use crate::hir::{self, Decay, Engine, Fit, Program, StartSource, StepSource};
use crate::source::Sources;

pub(super) fn fit(program: &Program, fit: &Fit, sources: &Sources) -> Value {
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
    let model = &program.models[fit.model];
    let with = |key: &str, name: &str, source: hir::OutputRef| {
        let mut out = output(program, source);
        out[key] = json!(name);
        out
    };
    let step = match fit.step {
        StepSource::Data => json!({"from": "data"}),
        StepSource::Trained(init) => json!({"from": "trained", "init": init}),
        StepSource::Output(source) => with("from", "output", source),
    };
    let initial = match &fit.start {
        StartSource::Free => json!({"free": true, "held": false, "values": []}),
        StartSource::Held => json!({"free": false, "held": true, "values": []}),
        StartSource::Values(list) => {
            let value = |b: &hir::StartBinding| {
                let mut out = with("state", &model.states[b.state].name, b.source);
                out["derivative"] = json!(b.derivative);
                out
            };
            json!({"free": false, "held": false, "values": list.iter().map(value).collect::<Vec<_>>()})
        }
    };
    let list = |values: Vec<Value>| Value::Array(values);
    json!({
        "name": fit.name,
        "model": model.name,
        "data": program.spell_data(fit),
        "data_sets": program.data_of(fit).map(|d| &d.name).collect::<Vec<_>>(),
        "engine": fit.engine.name(),
        "held": model.params.values().filter(|p| p.held).map(|p| json!({"name": p.name, "value": p.value})).collect::<Vec<_>>(),
        "settings": settings,
        "auxiliary": list(fit.auxiliary.iter().map(|a| with("state", &model.states[a.state].name, a.source())).collect()),
        "network_parameters":
            list(fit.parameters.iter().map(|p| with("parameter", &model.unknowns[p.unknown].name, p.source())).collect()),
        "network_fields": list(fit.fields.iter().map(|f| with("field", &model.inputs[f.input].name, f.source)).collect()),
        "step": step,
        "initial": initial,
        "predictions": program.predictions(&fit.name).iter().map(|(d, _)| &d.name).collect::<Vec<_>>(),
        "place": place(fit.span, sources),
    })
}

//! Fits: the engine, its settings, and whether model, data and network go together.

use super::begin::{self, begin};
use super::bindings::{not_for_every_step, output, parameters};
use super::fields::{ensure_held, fields, is_word, start, step};
use super::loss::loss;
use super::optimizer::optimizer;
use super::rules::FIT;
use super::sets::Sets;
use super::settings::{Context, Settings, as_word, elements};
use super::shift::shifts;
use super::{families, jumps, per_sample, program};
use crate::base::Between;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0508, E0509, E0511, E0513, W0707};
use crate::hir::{
    AuxiliaryBinding, Bounds, DataId, EarlyStopping, Engine, Fit, Model, ModelId, NetworkId, Normalise, OutputRef,
    Program, Start, StateId, StepSource, UNNAMED_FIT,
};
use crate::syntax::ast::{self, Setting, SettingValue};

const STANDS_FOR: families::Noun = families::Noun {
    code: E0509,
    noun: "state",
    nouns: "states",
    only: "an auxiliary stands for a state",
    instead: "not a name",
};

/// What a fit can refer to.
pub(super) struct Surroundings<'p> {
    /// Everything checked so far.
    pub(super) program: &'p Program,
    /// Networks by name; `None` for those that are wrong.
    pub(super) networks: &'p crate::base::IndexMap<String, Option<NetworkId>>,
    /// Whether the solves of the fit reach beyond its windows.
    pub(super) beyond: bool,
}

/// Settings that may stand several times.
pub(super) const REPEATABLE: [&str; 6] = ["auxiliary", "parameters", "fields", "initial", "shift", "start"];

/// Checks a fit of a model to data sets.
pub(super) fn fit(
    fit: &ast::Fit,
    (model_id, data_ids): (ModelId, &[DataId]),
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Option<Fit> {
    let model = &around.program.models[model_id];
    let sets = Sets::new(fit, data_ids, around.program);
    let place = fit.name.as_ref().map_or(fit.model.span, |n| n.span);
    let mut settings = Settings::new(FIT, &fit.settings, place, &REPEATABLE, &[], cx);
    let chosen = settings.word("engine", cx);
    let field = model.inputs.values().find(|i| i.field.is_some());
    // `initial free` and `initial held` need no network, nor does any other word.
    let given = |key: &&str| settings.all(key).iter().any(|s| *key != "initial" || !is_word(s));
    let of_network = REPEATABLE.iter().filter(|key| !["shift", "start"].contains(*key));
    let wants_network = of_network.chain(&["step"]).any(given) || field.is_some() || model.step.is_some();
    let engine = match chosen {
        Some("joint") => Engine::Joint,
        Some(_) => Engine::Gradient,
        None if wants_network => Engine::Gradient,
        None => Engine::Joint,
    };
    settings.warn_other_engine(engine, cx);
    if let (Engine::Joint, Some(bound)) = (engine, settings.all("initial").into_iter().find(|s| !is_word(s))) {
        settings.warn_other(bound, Engine::Gradient, cx);
    }
    program::starts(&mut settings, cx);
    if let (Some(field), Engine::Joint, Some(setting)) = (field, engine, settings.get("engine")) {
        let message = format!("`{}` is a field, and the joint engine has none", field.name);
        let d = Diagnostic::error(E0511, message, setting.span, "this engine");
        cx.sink
            .push(d.label(field.span, "declared here").help("leave `engine` out: the gradient engine trains fields"));
        settings.ok = false;
    }
    let window = settings.count("window", cx).unwrap_or(50);
    let horizon = horizon(&mut settings, window, fit, cx);
    let around = &Surroundings { beyond: horizon.is_some_and(|h| h > window), ..*around };
    let auxiliary = auxiliaries(&mut settings, model, around, cx);
    let parameters = parameters(&mut settings, model, around, cx);
    let fields = fields(&mut settings, model, around, cx);
    let step = per_sample::step(model, step(&mut settings, around, cx));
    let start = start(&mut settings, model, around, cx);
    settings.ok &= ensure_held(model, (engine, &start), &settings, cx);
    let shifts = shifts(&mut settings, model, cx);
    let normalise = settings.word("normalise", cx);
    let normalise = Normalise::ALL.into_iter().find(|n| Some(n.name()) == normalise).unwrap_or(Normalise::Standard);
    let loss = loss(&mut settings, model, around, cx);
    let optimizer = optimizer(&mut settings, cx);
    let projection = settings.word("projection", cx).is_none_or(|w| w == "on");
    let steps = settings.count("steps", cx);
    let epochs = settings.count("epochs", cx);
    if let (Some(a), Some(b)) = (settings.get("steps"), settings.get("epochs")) {
        let message = "the length of the training is set twice: in steps and in epochs";
        cx.sink.push(
            Diagnostic::error(E0511, message, b.span, "epochs").help("leave one of them out").label(a.span, "steps"),
        );
        settings.ok = false;
    }
    let (steps, epochs) = match (steps, epochs, projection) {
        (None, None, true) => (Some(2500), None),
        (None, None, false) => (None, Some(400)),
        given => (given.0, given.1),
    };
    let result = Fit {
        name: fit.name.as_ref().map_or(UNNAMED_FIT, |n| n.name.as_str()).to_string(),
        model: model_id,
        holds: program::held_place(fit, cx.sources),
        started: program::started(fit),
        data: data_ids.to_vec(),
        engine,
        engine_chosen: chosen.is_some(),
        seed: settings.whole("seed", cx).unwrap_or(0),
        orders: orders(&mut settings, model, cx),
        significance: settings.number("significance", cx),
        window,
        horizon,
        begin: begin(model, window),
        stride: settings.count("stride", cx).unwrap_or(1),
        batch: settings.count("batch", cx).unwrap_or(512),
        steps,
        epochs,
        cycles: settings.count("cycles", cx).unwrap_or(if projection { 1 } else { 10 }),
        threshold: settings.number("threshold", cx).unwrap_or(0.1),
        prune_from: settings.number("prune_from", cx).unwrap_or(0.3),
        projection,
        coefficient_rate: settings.number("coefficient_rate", cx),
        consistency: settings.number("consistency", cx).unwrap_or(1.0),
        optimizer,
        auxiliary: auxiliary.clone().unwrap_or_default(),
        parameters,
        fields,
        step,
        start,
        normalise,
        shifts,
        loss,
        l1: settings.number("l1", cx).unwrap_or(0.0),
        evaluate: settings.count("evaluate", cx),
        early_stopping: settings.count("early_stopping", cx).map(|patience| EarlyStopping { patience }),
        bounds: Bounds::FREE,
        span: fit.span,
    };
    if settings.ok {
        settings.ok &= per_sample::ensure(fit, &result, model, around.program, &settings, cx);
    }
    settings.ok &= honours(fit, model, engine, cx);
    let learned = field.is_some() || result.step != StepSource::Data;
    // What is held out is predicted by a model that is known as well: its start is estimated.
    if model.unknowns.is_empty() && !learned && sets.all().all(|(_, data)| data.holdout.is_none()) {
        let message = format!("`{}` has nothing to estimate", model.name);
        let d = Diagnostic::warning(W0707, message, fit.model.span, "no hole, no free parameter")
            .help("add a hole or a `param`; `holdout 80%` in the data says how well a model that is known predicts them, and `simulate` solves it");
        cx.sink.push(d.label(model.span, "declared here"));
    }
    jumps::warnings(model).into_iter().for_each(|d| cx.sink.push(d));
    settings.ok &= sets.observe(model, cx);
    if engine == Engine::Gradient {
        settings.ok &=
            auxiliary.is_some_and(|bound| complete(fit, model, &sets, (&bound, &result.outputs()), around, cx));
        settings.ok &= sets.windows(model, &result, &settings, cx);
        if settings.ok {
            let lengths = (result.window, result.horizon);
            settings.ok &= begin::ensure(model, lengths, &result.start, (&settings, fit.span), cx);
        }
        if let Some(start) = model.boundary.starts.first().filter(|s| s.steps > result.window) {
            let message = format!("a start takes {} steps, and a window has {}", start.steps, result.window);
            let span = settings.get("window").map_or(fit.span, |s| s.span);
            cx.sink.push(
                Diagnostic::error(E0511, message, start.span, "too long")
                    .help("start from fewer steps, or make the window longer")
                    .label(span, "the window"),
            );
            settings.ok = false;
        }
        settings.ok &= trains(&result, model, &sets, &settings, cx);
    }
    settings.ok.then_some(result)
}

/// What a fit cannot do: no engine holds the last values, and only the gradient engine takes starts from data.
fn honours(fit: &ast::Fit, model: &Model, engine: Engine, cx: &mut Context<'_>) -> bool {
    let starts = &model.boundary.starts;
    let first = starts.first();
    let stepped = model.inputs.values().find(|i| i.between != Between::Smooth).filter(|_| engine == Engine::Gradient);
    let (span, help) = match (model.boundary.of_solves().or(stepped.map(|i| i.span)), first) {
        (Some(span), _) if stepped.is_some_and(|i| i.span == span) => {
            (span, "its solves take inputs for smooth: choose `engine joint`, which honours `held` and `impulse`")
        }
        (Some(span), _) => (span, "only `solve` items honour it: leave it out of the model that is fitted"),
        (None, None) => return true,
        (None, Some(start)) if engine == Engine::Joint => {
            (start.span, "the joint engine uses all samples anyway: leave it out, or choose `engine gradient`")
        }
        (None, Some(first)) => {
            let highest = model.states.values().map(|s| usize::from(s.order)).max().unwrap_or(1);
            let own = |s: &&Start| s.derivative > 0 || s.column != model.states[s.state].name;
            let other = starts.iter().find(|s| (s.steps, s.last) != (first.steps, first.last));
            if let Some(start) = starts.iter().find(own) {
                (start.span, "in a fit each state starts from its own column: `initial q = data.q for 50 steps`")
            } else if let Some(start) = other {
                let help = match start.last == first.last {
                    true => "in a fit all states start from as many steps",
                    false => "in a fit all states start at the last sample of a window, or none",
                };
                (start.span, help)
            } else if starts.len() < model.states.len() {
                (first.span, "in a fit all states start from the data, or none")
            } else if first.steps < highest && !first.last {
                (first.span, "take at least as many steps as the highest order of a state")
            } else {
                return true;
            }
        }
    };
    let message = format!("a fit of `{}` by the {} engine does not honour this", model.name, engine.name());
    let d = Diagnostic::error(E0513, message, fit.model.span, "fitted");
    cx.sink.push(d.label(span, "not honoured").help(help));
    false
}

/// A solve reaches at least over its window.
fn horizon(settings: &mut Settings<'_>, window: usize, fit: &ast::Fit, cx: &mut Context<'_>) -> Option<usize> {
    let horizon = settings.count("horizon", cx)?;
    if horizon < window {
        let message = format!("the horizon has {horizon} samples, and the window has {window} of them");
        let at = |key: &str| settings.get(key).map_or(fit.span, |s| s.span);
        let d = Diagnostic::error(E0511, message, at("horizon"), "too short").label(at("window"), "the window");
        cx.sink.push(d.help("a solve starts at the first sample of its window: the horizon counts from there"));
        settings.ok = false;
    }
    Some(horizon)
}

/// The order kept in the solve must reach the equations' highest derivative.
fn orders(settings: &mut Settings<'_>, model: &Model, cx: &mut Context<'_>) -> Option<usize> {
    let orders = settings.count("orders", cx)?;
    let state = model.states.values().max_by_key(|s| s.order)?;
    if orders < usize::from(state.order) {
        let message = format!("`orders` is {orders}, but `{}` has order {}", state.name, state.order);
        let span = settings.get("orders").map_or(state.span, |s| s.span);
        cx.sink.push(
            Diagnostic::error(E0511, message, span, "too few")
                .help(format!("write `orders {}` or more, or leave it out", state.order))
                .label(state.span, "declared here"),
        );
        settings.ok = false;
    }
    Some(orders)
}

/// What the way of training needs: something held out, or coefficients that are trained.
fn trains(fit: &Fit, model: &Model, sets: &Sets<'_>, settings: &Settings<'_>, cx: &mut Context<'_>) -> bool {
    let span = |key: &str| settings.get(key).map_or(fit.span, |s| s.span);
    let mut problem = None;
    if fit.early_stopping.is_some() && sets.all().all(|(_, data)| data.holdout.is_none()) {
        let names = sets.names(|_| true);
        let verb = if fit.data.len() == 1 { "holds" } else { "hold" };
        let message = format!("training cannot end by what is held out: {names} {verb} nothing out");
        let mut d = Diagnostic::error(E0511, message, span("early_stopping"), "looks at the held-out loss");
        for (_, data) in sets.all() {
            d = d.label(data.span, "the data");
        }
        problem = Some(d.help("add `holdout 20%` to the data"));
    }
    if fit.l1 > 0.0 && fit.projection && model.unknowns.values().any(|u| u.linear && u.is_coefficient()) {
        let message = "`l1` acts on coefficients that are trained, and these are eliminated by least squares";
        let d = Diagnostic::error(E0511, message, span("l1"), "has nothing to act on");
        let d = d.label(settings.get("projection").map_or(fit.span, |s| s.span), "the fit eliminates");
        problem = Some(d.help("add `projection off`, or leave `l1` out: terms are dropped by size and significance"));
    }
    match problem {
        Some(d) => {
            cx.sink.push(d);
            false
        }
        None => true,
    }
}

/// Every state in a nonlinear or unknown term has its auxiliary, and the networks read what is observed.
fn complete(
    fit: &ast::Fit,
    model: &Model,
    sets: &Sets<'_>,
    (bound, outputs): (&[AuxiliaryBinding], &[OutputRef]),
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> bool {
    let mut ok = true;
    let needed = model.auxiliary_states();
    let missing: Vec<StateId> =
        needed.iter().map(|(s, _)| *s).filter(|s| !bound.iter().any(|b| b.state == *s)).collect();
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|s| model.states[*s].name.as_str()).collect();
        let all = names.join(", ");
        let message = format!("the gradient engine needs an auxiliary for {all}");
        let here = format!("{all} in nonlinear or unknown terms");
        let target = around.networks.keys().next().map_or("network", String::as_str);
        let left = if names.len() == 1 { all.clone() } else { format!("({all})") };
        let d = Diagnostic::error(E0508, message, fit.model.span, here);
        cx.sink.push(d.help(format!("write `auxiliary {left} = {target}.output`, or choose `engine joint`")));
        ok = false;
    }
    for (state, derivative) in needed.iter().filter(|(_, d)| *d > 0) {
        let spelled = model.spell_state(*state, *derivative);
        let name = &model.states[*state].name;
        let message = format!("`{spelled}` stands in a nonlinear or unknown term, and a network gives `{name}` only");
        let d = Diagnostic::error(E0508, message, fit.model.span, "fitted by the gradient engine");
        let d = d.label(model.states[*state].span, "declared here");
        cx.sink
            .push(d.help(format!("give the derivative a state of its own, `v = {name}'`, or choose `engine joint`")));
        ok = false;
    }
    let mut seen: Vec<NetworkId> = outputs.iter().map(|o| o.network).collect();
    seen.sort();
    seen.dedup();
    for network in seen.into_iter().map(|n| &around.program.networks[n]) {
        ok &= sets.have_inputs(network, cx);
    }
    ok
}

/// All `auxiliary` settings; `None` when one is wrong.
fn auxiliaries(
    settings: &mut Settings<'_>,
    model: &Model,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Option<Vec<AuxiliaryBinding>> {
    let mut out: Vec<AuxiliaryBinding> = Vec::new();
    let mut ok = true;
    for setting in settings.all("auxiliary") {
        let Some(bindings) = auxiliary(setting, settings, model, around, cx) else {
            ok = false;
            continue;
        };
        for binding in bindings {
            if out.iter().any(|b| b.state == binding.state) {
                let message = format!("`{}` has two auxiliaries", model.states[binding.state].name);
                cx.sink.push(
                    Diagnostic::error(E0509, message, setting.span, "the second one")
                        .help("leave it out of one of them"),
                );
                ok = false;
            }
            out.push(binding);
        }
    }
    settings.ok &= ok;
    ok.then_some(out)
}

/// `(x, y, z) = smoother.v` or `(x, y, z) from smoother.v`
fn auxiliary(
    setting: &Setting,
    settings: &mut Settings<'_>,
    model: &Model,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Option<Vec<AuxiliaryBinding>> {
    let (states, source) = match setting.values.as_slice() {
        [states, SettingValue::Equals(_), SettingValue::Expr(source)] => (states, source),
        [states, from, SettingValue::Expr(source)] if as_word(from) == Some("from") => (states, source),
        _ => return settings.wrong_form(setting, cx),
    };
    let Some(names) = elements(states) else { return settings.wrong_form(setting, cx) };
    let named = names.iter().map(|e| families::expand(e, families::states(model), &STANDS_FOR, model, cx));
    let states: Vec<Option<Vec<StateId>>> = named.collect();
    let (network, output) = output(source, setting, settings, around, cx)?;
    let states = states.into_iter().collect::<Option<Vec<_>>>()?.concat();
    let declared = around.program.networks[network].outputs.get(output)?;
    let unfit = not_for_every_step(declared, around);
    let problem = if unfit.is_some() {
        unfit
    } else if declared.numbers() != states.len() {
        let wanted = families::count(states.len(), &names, "states");
        Some(format!("`{}` has {} per step, for {wanted}", declared.name, families::so_many(declared.numbers())))
    } else {
        None
    };
    if let Some(message) = problem {
        let d = Diagnostic::error(E0509, message, source.span, "does not fit").help("an output for auxiliaries has one number per step for each state, over what the solves reach over: `output v[2] over window` for two");
        cx.sink.push(d.label(around.program.networks[network].span, "the network"));
        return None;
    }
    let bind = |(component, state)| AuxiliaryBinding { state, network, output, component };
    Some(states.into_iter().enumerate().map(bind).collect())
}

//! What differs from step to step in a fit by gradient training, and where solutions start: fields, steps, initial values.

use super::bindings::{not_for_every_step, output};
use super::families::{self, Noun};
use super::fit::Surroundings;
use super::resolve::Resolver;
use super::settings::{Context, Settings, as_word, elements};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0511, E1009, E1010, E1011};
use crate::hir::{
    Activation, Engine, FieldBinding, FieldStart, InputId, Layer, Model, NetworkId, OutputRef, Over, StartBinding,
    StartSource, StateId, StepSource, family, number,
};
use crate::source::Span;
use crate::syntax::ast::{self, Expr, ExprKind, Setting, SettingValue};

const GIVEN: Noun =
    Noun { code: E1009, noun: "field", nouns: "fields", only: "an output stands for a field", instead: "not a name" };
const STARTED: Noun = Noun {
    code: E1011,
    noun: "state",
    nouns: "states",
    only: "an output stands for the start of a state",
    instead: "not a state",
};

/// Where fields start that say nothing.
pub(super) const START: FieldStart = FieldStart { low: 0.0, high: 1.0 };

impl Resolver<'_, '_> {
    /// Where the fields of a model start.
    pub(super) fn field_starts(&mut self, model: &ast::Model) {
        for item in &model.body {
            let ast::ModelItem::Field(field) = item else { continue };
            let start = self.field_start(field);
            let spans: Vec<Span> = field.names.iter().map(|d| d.name.span).collect();
            let inputs = &mut self.scope.inputs;
            for id in inputs.ids() {
                if spans.contains(&inputs[id].span) {
                    inputs[id].field = Some(start);
                }
            }
        }
    }

    /// `init 0.5` or `init uniform(0, 1)`; errors go to the sink.
    fn field_start(&mut self, field: &ast::FieldDecl) -> FieldStart {
        let Some(init) = &field.init else { return START };
        let ExprKind::Call(call) = &init.kind else {
            return self.constant(init).map_or(START, |v| FieldStart { low: v, high: v });
        };
        let ends = match call.arguments.as_slice() {
            [low, high] if call.function.name == "uniform" && call.named.is_empty() => {
                [low, high].map(|e| self.constant(e))
            }
            _ => {
                self.not_a_start("a field starts at a number, or uniformly between two".to_string(), init.span);
                return START;
            }
        };
        let [Some(low), Some(high)] = ends else { return START };
        if low > high {
            self.not_a_start(format!("{} is above {}", number(low), number(high)), init.span);
        }
        FieldStart { low, high }
    }

    fn not_a_start(&mut self, message: String, span: Span) {
        let d = Diagnostic::error(E1009, message, span, "not a start");
        self.sink.push(d.help("write `init 0.5` or `init uniform(0, 1)`"));
    }
}

/// All `fields (c0, c1) = network.output` settings; those that are wrong are reported and left out.
pub(super) fn fields(
    settings: &mut Settings<'_>,
    model: &Model,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Vec<FieldBinding> {
    let mut out: Vec<FieldBinding> = Vec::new();
    for setting in settings.all("fields") {
        let bound = bound(setting, settings, around, cx);
        let bindings = bound.and_then(|(names, source, span)| {
            let declared =
                || model.inputs.iter().filter(|(_, i)| i.field.is_some()).map(|(id, i)| (id, i.name.as_str()));
            let inputs: Vec<Option<Vec<InputId>>> =
                names.iter().map(|e| families::expand(e, declared(), &GIVEN, model, cx)).collect();
            let inputs = inputs.into_iter().collect::<Option<Vec<_>>>()?.concat();
            ensure_shape(source, (true, inputs.len(), &names), span, E1009, around, cx)?;
            Some(inputs.into_iter().enumerate().map(move |(i, input)| (input, OutputRef { component: i, ..source })))
        });
        let Some(bindings) = bindings else {
            settings.ok = false;
            continue;
        };
        for (input, source) in bindings {
            if out.iter().any(|b| b.input == input) {
                let message = format!("`{}` is given by two outputs", model.inputs[input].name);
                cx.sink.push(
                    Diagnostic::error(E1009, message, setting.span, "the second one")
                        .help("leave it out of one of them"),
                );
                settings.ok = false;
            }
            out.push(FieldBinding { input, source });
        }
    }
    out
}

/// `step over time`, `step over time init 0.1` or `step = network.output`
pub(super) fn step(settings: &mut Settings<'_>, around: &Surroundings<'_>, cx: &mut Context<'_>) -> StepSource {
    let Some(setting) = settings.get("step") else { return StepSource::Data };
    let word = |i: usize| setting.values.get(i).and_then(as_word);
    let found = match setting.values.as_slice() {
        [_, _] if (word(0), word(1)) == (Some("over"), Some("time")) => Some(StepSource::Trained(None)),
        [_, _, _, SettingValue::Expr(init)]
            if (word(0), word(1), word(2)) == (Some("over"), Some("time"), Some("init")) =>
        {
            settings.constant(setting, init, cx).and_then(|v| {
                if v > 0.0 && v <= 1e9 {
                    return Some(StepSource::Trained(Some(v)));
                }
                let message = format!("a step must be above 0 and at most {}, and this is {}", number(1e9), number(v));
                settings.out_of_range(message, init.span, cx)
            })
        }
        [SettingValue::Expr(source @ Expr { kind: ExprKind::Field { .. }, .. })] => {
            output(source, setting, settings, around, cx)
                .and_then(|(network, position)| positive(network, position, source.span, around, cx))
        }
        _ => settings.wrong_form(setting, cx),
    };
    settings.ok &= found.is_some();
    found.unwrap_or(StepSource::Data)
}

/// An output of one number that cannot be negative.
fn positive(
    network: NetworkId,
    position: usize,
    span: Span,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Option<StepSource> {
    let declared = around.program.networks[network].outputs.get(position)?;
    let ends_positive = match declared.layers.last() {
        Some(Layer::Activate(Activation::Sigmoid)) => true,
        Some(Layer::Conv { activation, residual, .. }) => *activation == Some(Activation::Sigmoid) && !residual,
        _ => false,
    };
    let unfit = not_for_every_step(declared, around).filter(|_| declared.over != Over::Once);
    if let Some(message) = unfit {
        let d = Diagnostic::error(E1010, message, span, "does not fit").help(
            "an output for the steps of every interval is `over horizon` where the fit has one, else `over window`",
        );
        cx.sink.push(d.label(around.program.networks[network].span, "the network"));
        return None;
    }
    if declared.numbers() != 1 || !ends_positive {
        let (message, help) = match declared.numbers() {
            1 => (
                format!("`{}` can be negative, and a step cannot", declared.name),
                "end the output with `linear, sigmoid`: the step is then between 0 and 1 in the unit of time",
            ),
            n => (
                format!("`{}` has {n} numbers, and a step is one", declared.name),
                "give the step an output of its own",
            ),
        };
        let d = Diagnostic::error(E1010, message, span, "does not fit").help(
            "an output for the steps of every interval is `over horizon` where the fit has one, else `over window`",
        );
        cx.sink.push(d.label(around.program.networks[network].span, "the network").help(help));
        return None;
    }
    Some(StepSource::Output(OutputRef { network, output: position, component: 0 }))
}

/// Whether a setting is a single word, as `initial free` is.
pub(super) fn is_word(setting: &Setting) -> bool {
    matches!(setting.values.as_slice(), [value] if as_word(value).is_some())
}

/// What `initial free` and `initial held` say.
fn start_word(setting: &Setting) -> Option<StartSource> {
    let [value] = setting.values.as_slice() else { return None };
    match as_word(value)? {
        "free" => Some(StartSource::Free),
        "held" => Some(StartSource::Held),
        _ => None,
    }
}

/// `initial held` where nothing is known to be held, or where no engine holds it.
pub(super) fn ensure_held(
    model: &Model,
    (engine, start): (Engine, &StartSource),
    settings: &Settings<'_>,
    cx: &mut Context<'_>,
) -> bool {
    let Some(setting) = settings.get("initial").filter(|_| *start == StartSource::Held) else { return true };
    if engine == Engine::Gradient {
        let message = "the gradient engine holds no starts: its windows begin anywhere in the data";
        let d = Diagnostic::error(E0511, message, setting.span, "asked for here");
        cx.sink.push(d.help("leave it out, or choose `engine joint`, which holds the `initial` values of the model"));
        return false;
    }
    if model.initial.is_empty() {
        let name = model.states.values().next().map_or("x", |s| family(&s.name));
        let message = format!("`{}` states no initial value that could be held", model.name);
        let d = Diagnostic::error(E0511, message, setting.span, "asked for here").label(model.span, "declared here");
        cx.sink.push(d.help(format!(
            "say where its states begin, `initial {name} = 1`, in the model, or leave `initial held` out: starts are then estimated"
        )));
        return false;
    }
    true
}

/// `initial free`, `initial held`, or all `initial (x, x') = network.output` settings.
pub(super) fn start(
    settings: &mut Settings<'_>,
    model: &Model,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> StartSource {
    let all = settings.all("initial");
    if let [setting] = all.as_slice()
        && let Some(word) = start_word(setting)
    {
        return word;
    }
    let mut out: Vec<StartBinding> = Vec::new();
    for setting in all {
        let bound = bound(setting, settings, around, cx);
        let bindings = bound.and_then(|(names, source, span)| {
            let values: Vec<_> = names.iter().map(|e| initial_values(e, model, cx)).collect();
            let values = values.into_iter().collect::<Option<Vec<_>>>()?.concat();
            ensure_shape(source, (false, values.len(), &names), span, E1011, around, cx)?;
            let bind = move |(i, (state, derivative))| StartBinding {
                state,
                derivative,
                source: OutputRef { component: i, ..source },
            };
            Some(values.into_iter().enumerate().map(bind))
        });
        let Some(bindings) = bindings else {
            settings.ok = false;
            continue;
        };
        for binding in bindings {
            if out.iter().any(|b| (b.state, b.derivative) == (binding.state, binding.derivative)) {
                let value = model.spell_state(binding.state, binding.derivative);
                let message = format!("the start of `{value}` is given twice");
                cx.sink.push(
                    Diagnostic::error(E1011, message, setting.span, "the second one")
                        .help("leave it out of one of them"),
                );
                settings.ok = false;
            }
            out.push(binding);
        }
    }
    StartSource::Values(out)
}

/// A state or a derivative below its order; of a family, that of every element.
fn initial_values(e: &Expr, model: &Model, cx: &mut Context<'_>) -> Option<Vec<(StateId, u8)>> {
    let (of, derivative) = match &e.kind {
        ExprKind::Primed { of, primes } => (&**of, *primes),
        _ => (e, 0),
    };
    let ids = families::expand(of, families::states(model), &STARTED, model, cx)?;
    let state = &model.states[*ids.first()?];
    match u8::try_from(derivative).ok().filter(|k| *k < state.order) {
        Some(k) => Some(ids.into_iter().map(|id| (id, k)).collect()),
        None => {
            let message = format!("`{}` has order {}: it starts with derivatives below that", state.name, state.order);
            let d = Diagnostic::error(E1011, message, e.span, "too high")
                .help("name the state or a derivative below its order: `initial x = net.start`");
            cx.sink.push(d.label(state.span, "declared here"));
            None
        }
    }
}

/// `(a, b) = network.output`: the names and the first number of the output.
fn bound<'s>(
    setting: &'s Setting,
    settings: &mut Settings<'_>,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Option<(Vec<&'s Expr>, OutputRef, Span)> {
    let [names, SettingValue::Equals(_), SettingValue::Expr(source)] = setting.values.as_slice() else {
        return settings.wrong_form(setting, cx);
    };
    let Some(names) = elements(names) else { return settings.wrong_form(setting, cx) };
    let (network, position) = output(source, setting, settings, around, cx)?;
    Some((names, OutputRef { network, output: position, component: 0 }, source.span))
}

/// Whether an output is over the window as asked, and has so many numbers.
fn ensure_shape(
    source: OutputRef,
    (over_window, count, names): (bool, usize, &[&Expr]),
    span: Span,
    code: &'static str,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Option<()> {
    let network = &around.program.networks[source.network];
    let declared = network.outputs.get(source.output)?;
    let unfit = not_for_every_step(declared, around);
    let message = match (declared.over != Over::Once, over_window) {
        (false, true) => {
            format!("`{}` is not an output over the window, and a field differs from step to step", declared.name)
        }
        (true, true) if unfit.is_some() => unfit.unwrap_or_default(),
        (true, false) => format!("`{}` has numbers for every step, and a start has one", declared.name),
        _ if declared.numbers() != count => {
            format!(
                "`{}` has {}, for {}",
                declared.name,
                families::so_many(declared.numbers()),
                families::count(count, names, "names")
            )
        }
        _ => return Some(()),
    };
    let d = Diagnostic::error(code, message, span, "does not fit")
        .help("an output has one number for each name on the left: `output v[2]` for two");
    cx.sink.push(d.label(network.span, "the network"));
    None
}

//! The loss of a fit by gradient training.

use super::bindings::output;
use super::families::{self, Noun};
use super::fit::Surroundings;
use super::settings::{Context, Settings};
use super::suggest;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0504, E1008};
use crate::hir::{Loss, LossTerm, Measure, Model, OutputRef, Over, number};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Call, Expr, ExprKind, Setting, SettingValue};

const COUNTED: Noun =
    Noun { code: E1008, noun: "state", nouns: "states", only: "a loss names states", instead: "not a state" };

/// `mse`, `sse(y)`, `mse(x, y; weights = (1, 0.1))`, `mae(x) + 0.5*mae(reader.v, x)`
pub(super) fn loss(
    settings: &mut Settings<'_>,
    model: &Model,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Loss {
    let plain = Loss::plain(Measure::Mse);
    let Some(setting) = settings.get("loss") else { return plain };
    let [SettingValue::Expr(whole)] = setting.values.as_slice() else {
        let _: Option<()> = settings.wrong_form(setting, cx);
        return plain;
    };
    if let ExprKind::Name(word) = &whole.kind {
        let found = measure(word, whole.span, cx);
        settings.ok &= found.is_some();
        return found.map_or(plain, Loss::plain);
    }
    let mut terms = Vec::new();
    let mut first = None;
    for (weight, call) in summands(whole, setting, settings, cx) {
        match term(weight, call, setting, settings, model, around, cx) {
            Some(found) => {
                first = first.or(found.first().map(|t| t.measure));
                terms.extend(found);
            }
            None => settings.ok = false,
        }
    }
    if settings.ok && !terms.iter().any(|t| t.output.is_none()) {
        let message = "the loss says nothing about a solution, so nothing would be fitted";
        let d = Diagnostic::error(E1008, message, whole.span, "network outputs alone");
        let state = model.states.values().next().map_or("x", |s| s.name.as_str());
        cx.sink.push(d.help(format!("add `mse({state})`")));
        settings.ok = false;
    }
    Loss { measure: first.unwrap_or(Measure::Mse), terms }
}

/// The calls of a sum with the numbers before them.
fn summands<'e>(
    whole: &'e Expr,
    setting: &Setting,
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Vec<(f64, &'e Call)> {
    let (mut rest, mut flat) = (vec![whole], Vec::new());
    while let Some(expr) = rest.pop() {
        match &expr.kind {
            ExprKind::Binary { op: BinaryOp::Add, left, right } => rest.extend([&**right, &**left]),
            ExprKind::Call(call) => flat.push((1.0, call)),
            ExprKind::Binary { op: BinaryOp::Multiply, left, right } => match &right.kind {
                ExprKind::Call(call) => {
                    let weight = settings.constant(setting, left, cx);
                    let weight = weight.and_then(|w| positive(w, left.span, settings, cx));
                    flat.extend(weight.map(|w| (w, call)));
                }
                _ => unknown(right.span, settings, cx),
            },
            _ => unknown(expr.span, settings, cx),
        }
    }
    flat
}

fn unknown(span: Span, settings: &mut Settings<'_>, cx: &mut Context<'_>) {
    let d = Diagnostic::error(E1008, "a loss is a sum of `mse(x)`, `mae(x)` and `sse(x)`", span, "none of these");
    cx.sink.push(d.help("numbers stand before terms: `mse(x) + 0.5*mae(reader.v, x)`"));
    settings.ok = false;
}

fn positive(w: f64, span: Span, settings: &mut Settings<'_>, cx: &mut Context<'_>) -> Option<f64> {
    if w > 0.0 && w <= 1e12 {
        return Some(w);
    }
    let message = format!("a weight must be above 0 and at most {}, and this is {}", number(1e12), number(w));
    cx.sink.push(
        Diagnostic::error(E0504, message, span, "out of range")
            .help("leave a state out of the loss that is not to count: `mse(x)`"),
    );
    settings.ok = false;
    None
}

fn measure(word: &str, span: Span, cx: &mut Context<'_>) -> Option<Measure> {
    let found = Measure::ALL.into_iter().find(|m| m.name() == word);
    if found.is_none() {
        let help = suggest::help("losses", word, Measure::ALL.map(Measure::name));
        cx.sink.push(Diagnostic::error(E1008, format!("there is no loss `{word}`"), span, "unknown").help(help));
    }
    found
}

/// `mse(x, y; weights = (1, 0.1))` or `mae(reader.v, x)`
fn term(
    weight: f64,
    call: &Call,
    setting: &Setting,
    settings: &mut Settings<'_>,
    model: &Model,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Option<Vec<LossTerm>> {
    let measure = measure(&call.function.name, call.function.span, cx)?;
    let (source, names) = match call.arguments.split_first() {
        Some((first @ Expr { kind: ExprKind::Field { .. }, .. }, rest)) => (Some(first), rest),
        _ => (None, call.arguments.as_slice()),
    };
    let mut states = Vec::new();
    // How many states each name stands for: all its elements have its weight.
    let mut sizes = Vec::new();
    for name in names {
        let named = families::expand(name, families::states(model), &COUNTED, model, cx)?;
        if let Some(&state) = named.iter().find(|s| states.contains(*s)) {
            let message = format!("`{}` stands twice in one term", model.states[state].name);
            cx.sink.push(
                Diagnostic::error(E1008, message, name.span, "again here")
                    .help("leave one of them out, or weigh it: `mse(x, y; weights = (2, 1))`"),
            );
            return None;
        }
        sizes.push(named.len());
        states.extend(named);
    }
    if states.is_empty() {
        let message = format!("`{}` needs the states that count", measure.name());
        let d = Diagnostic::error(E1008, message, call.function.span, "of nothing");
        cx.sink.push(d.help(format!("`loss {}` alone means all of them", measure.name())));
        return None;
    }
    let outputs = match source {
        Some(source) => Some((outputs(source, (states.len(), names), setting, settings, around, cx)?, source.span)),
        None => None,
    };
    let weights = weights(call, sizes.len(), setting, settings, cx)?;
    let weights = weights.into_iter().zip(sizes).flat_map(|(w, n)| std::iter::repeat_n(w, n));
    // A mean over several states; a sum counts each in full.
    let share = if measure == Measure::Sse { 1.0 } else { 1.0 / states.len() as f64 };
    let terms = states.iter().zip(weights).enumerate().map(|(i, (&state, w))| LossTerm {
        measure,
        weight: weight * share * w,
        state,
        output: outputs.map(|(first, _)| OutputRef { component: i, ..first }),
    });
    Some(terms.collect())
}

/// The first number of an output that has one for every step and state.
fn outputs(
    source: &Expr,
    (states, names): (usize, &[Expr]),
    setting: &Setting,
    settings: &mut Settings<'_>,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Option<OutputRef> {
    let (network, position) = output(source, setting, settings, around, cx)?;
    let declared = around.program.networks[network].outputs.get(position)?;
    let problem = if declared.over == Over::Once {
        format!("`{}` is not an output over the window, and data are", declared.name)
    } else if declared.numbers() != states {
        let names: Vec<&Expr> = names.iter().collect();
        let wanted = families::count(states, &names, "states");
        format!("`{}` has {} per step, for {wanted}", declared.name, families::so_many(declared.numbers()))
    } else {
        return Some(OutputRef { network, output: position, component: 0 });
    };
    let d = Diagnostic::error(E1008, problem, source.span, "does not fit").help("an output is compared with one state for each of its numbers, over the window: `mae(net.v, x, y)` with `output v[2] over window`");
    cx.sink.push(d.label(around.program.networks[network].span, "the network"));
    None
}

/// `weights = (1, 0.1)`, one for each state; ones without it.
fn weights(
    call: &Call,
    states: usize,
    setting: &Setting,
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<Vec<f64>> {
    let mut out = vec![1.0; states];
    for option in &call.named {
        if option.name.name != "weights" {
            let message = format!("`{}` has no option `{}`", call.function.name, option.name.name);
            let d = Diagnostic::error(E1008, message, option.name.span, "unknown");
            cx.sink.push(d.help("options: weights"));
            return None;
        }
        let given: Vec<&Expr> = match &option.value.kind {
            ExprKind::Tuple(list) => list.iter().collect(),
            _ => vec![&option.value],
        };
        if given.len() != states {
            let message = format!("there are {} weights for {states} states", given.len());
            cx.sink.push(
                Diagnostic::error(E1008, message, option.value.span, "do not fit")
                    .help(format!("write {states}, one for each state that the term names")),
            );
            return None;
        }
        for (slot, e) in out.iter_mut().zip(given) {
            let w = settings.constant(setting, e, cx)?;
            *slot = positive(w, e.span, settings, cx)?;
        }
    }
    Some(out)
}

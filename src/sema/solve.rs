//! `solve` items: a model whose numbers are all known, and how it is solved.

use super::data::holdout;
use super::rules::SOLVE;
use super::settings::{Context, Settings, elements};
use crate::base::Between;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0507, E0510, E0511, E0513, E0514};
use crate::hir::{
    DataId, DataPlaces, DataSet, DataSource, InitialValue, Model, ModelId, Program, SolveOptions, SolvePrecision,
    SolveSpec,
};
use crate::syntax::ast;

/// Orders that are kept beyond that of the model where the item does not say.
const MORE_ORDERS: usize = 2;
/// Corrections of a solve where the item does not say.
const REFINEMENTS: usize = 2;

/// The data set that a solve item makes. `model` has a number for every parameter.
pub(super) fn solve(
    item: &ast::Data,
    name: &ast::Ident,
    (of, model): (ModelId, Model),
    (program, data): (&Program, Option<DataId>),
    cx: &mut Context<'_>,
) -> Option<DataSet> {
    let mut settings = Settings::new(SOLVE, &item.settings, item.name.span, &[], &[], cx);
    let initial = initial(&model, name, &mut settings, cx);
    if settings.get("data").is_none() {
        for key in ["steps", "dt"] {
            if settings.get(key).is_none() {
                settings.missing(key, cx);
            }
        }
        needs_data(&model, name, &mut settings, cx);
    }
    let steps = settings.count("steps", cx);
    let dt = settings.number("dt", cx);
    let options = options(&model, &mut settings, cx);
    let holdout = holdout(&mut settings, false, cx);
    let initial = initial?;
    if let Some(data) = data.map(|id| &program.data[id]).filter(|d| d.source.is_irregular()) {
        let message = "a solution needs samples at equal distances";
        let place = settings.get("data").map_or(item.name.span, |s| s.span);
        let d = Diagnostic::error(E0511, message, place, "irregular").label(data.span, "declared here");
        let name = &data.name;
        cx.sink.push(d.help(format!(
            "simulate in its place, which takes any times: `data {own} = simulate {of_name} {{ data {name} }}`",
            own = item.name.name,
            of_name = model.name
        )));
        settings.ok = false;
    }
    if settings.ok {
        starts_fit(&model, steps, data.map(|id| &program.data[id]), cx, &mut settings);
        determined(&model, name, &initial, &mut settings, cx);
    }
    let spec = SolveSpec { of, model: Box::new(model), steps, dt, initial, data, scheme: options? };
    settings.ok.then(|| DataSet {
        places: DataPlaces::default(),
        name: item.name.name.clone(),
        source: DataSource::Solve(spec),
        holdout,
        span: item.span,
    })
}

/// Inputs and starts come from data.
fn needs_data(model: &Model, name: &ast::Ident, settings: &mut Settings<'_>, cx: &mut Context<'_>) {
    let needs = model.inputs.values().next().map(|i| (format!("the input `{}`", i.name), i.span));
    let starts = model.boundary.starts.first().map(|s| ("a start from data".to_string(), s.span));
    let Some((what, span)) = needs.or(starts) else { return };
    let message = format!("`{}` has {what}, and this item names no data", name.name);
    let d = Diagnostic::error(E0510, message, name.span, "no data").label(span, "comes from data");
    cx.sink.push(d.help("name them: `data measured`"));
    settings.ok = false;
}

/// Values at the first time: those of `from`, or of the model.
fn initial(
    model: &Model,
    name: &ast::Ident,
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<Vec<InitialValue>> {
    let Some(setting) = settings.get("from") else { return Some(model.initial.clone()) };
    let slots: Vec<_> = model.states.iter().flat_map(|(id, s)| (0..s.order).map(move |d| (id, d))).collect();
    let list = match setting.values.as_slice() {
        [one] => elements(one),
        _ => None,
    };
    let Some(list) = list else { return settings.wrong_form(setting, cx) };
    let numbers: Vec<Option<f64>> = list.iter().map(|e| settings.constant(setting, e, cx)).collect();
    if list.len() != slots.len() {
        let names: Vec<String> = slots.iter().map(|&(s, d)| model.spell_state(s, d)).collect();
        let message = format!("`from` has {} values; `{}` needs {}", list.len(), name.name, slots.len());
        let d = Diagnostic::error(E0507, message, setting.span, "wrong number of values");
        cx.sink.push(d.help(format!("one value each for {}", names.join(", "))));
        settings.ok = false;
        return None;
    }
    let numbers: Vec<f64> = numbers.into_iter().collect::<Option<_>>()?;
    let value = |((state, derivative), value)| InitialValue { state, derivative, value, span: setting.span };
    Some(slots.into_iter().zip(numbers).map(value).collect())
}

fn options(model: &Model, settings: &mut Settings<'_>, cx: &mut Context<'_>) -> Option<SolveOptions> {
    let highest = model.states.values().max_by_key(|s| s.order)?;
    let order = usize::from(highest.order);
    let orders = settings.count("orders", cx).unwrap_or(order + MORE_ORDERS);
    if orders < order {
        let message = format!("`orders` is {orders}, but `{}` has order {order}", highest.name);
        let span = settings.get("orders").map_or(highest.span, |s| s.span);
        cx.sink.push(
            Diagnostic::error(E0511, message, span, "too few")
                .help(format!("write `orders {order}` or more, or leave it out"))
                .label(highest.span, "declared here"),
        );
        settings.ok = false;
    }
    let taylor = settings.word("rows", cx) == Some("taylor");
    let [central, slack] = ["central", "slack"].map(|key| {
        let on = settings.word(key, cx) == Some("on");
        if let (true, false, Some(setting)) = (on, taylor, settings.get(key)) {
            let d =
                Diagnostic::error(E0511, format!("`{key}` goes with Taylor rows"), setting.span, "these are Hermite's");
            cx.sink.push(d.help("write `rows taylor` too"));
            settings.ok = false;
        }
        on
    });
    Some(SolveOptions {
        orders,
        taylor,
        central,
        slack,
        qr: settings.word("method", cx) == Some("qr"),
        precision: settings.word("precision", cx).and_then(SolvePrecision::named).unwrap_or_default(),
        refinements: settings.count("refinements", cx).unwrap_or(REFINEMENTS),
        weights: weights(settings, cx).unwrap_or([1.0; 3]),
    })
}

/// `weights (1, 1, 1)`
fn weights(settings: &mut Settings<'_>, cx: &mut Context<'_>) -> Option<[f64; 3]> {
    let setting = settings.get("weights")?;
    let list = match setting.values.as_slice() {
        [one] => elements(one),
        _ => None,
    };
    let Some(&[a, b, c]) = list.as_deref() else { return settings.wrong_form(setting, cx) };
    let numbers = [a, b, c].map(|e| settings.constant(setting, e, cx));
    let [Some(a), Some(b), Some(c)] = numbers else { return None };
    if [a, b, c].iter().any(|w| !(*w > 0.0 && *w <= 1e12)) {
        let message = "`weights` must lie above 0 and be at most 1e12".to_string();
        return settings.out_of_range(message, setting.span, cx);
    }
    Some([a, b, c])
}

/// Starts from data fit into the solution.
fn starts_fit(
    model: &Model,
    steps: Option<usize>,
    data: Option<&DataSet>,
    cx: &mut Context<'_>,
    settings: &mut Settings<'_>,
) {
    if let Some(input) = model.inputs.values().find(|i| i.between != Between::Smooth) {
        let message =
            format!("a solve item takes inputs for smooth, and `{}` is `{}`", input.name, input.between.name());
        let d = Diagnostic::error(E0513, message, input.span, "not honoured");
        let of = &model.name;
        cx.sink.push(
            d.help(format!("simulate in its place, which honours it: `data run = simulate {of} {{ data ... }}`")),
        );
        settings.ok = false;
    }
    if let Some(start) = model.boundary.starts.iter().find(|s| s.last) {
        let message = "a solve item has no window, whose last sample its solution could begin at";
        let d = Diagnostic::error(E0513, message, start.span, "not honoured");
        cx.sink.push(d.help("leave out `at last`: the solution begins at the first sample of the data"));
        settings.ok = false;
    }
    let known = steps.into_iter().chain(data.and_then(|d| d.source.extent()).map(|(steps, _)| steps)).min();
    let Some(steps) = known else { return };
    if let Some(start) = model.boundary.starts.iter().find(|s| s.steps > steps) {
        let message = format!("a start takes {} steps, and there are {steps}", start.steps);
        let place = settings.get("steps").or(settings.get("data")).map_or(model.span, |s| s.span);
        cx.sink.push(
            Diagnostic::error(E0511, message, start.span, "too long")
                .help("start from fewer steps, or solve over more")
                .label(place, "so many steps"),
        );
        settings.ok = false;
    }
}

/// As many values at the ends as there are states and derivatives below their orders.
fn determined(
    model: &Model,
    name: &ast::Ident,
    initial: &[InitialValue],
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) {
    let boundary = &model.boundary;
    if boundary.periodic.is_some() {
        return;
    }
    let needed: usize = model.states.values().map(|s| usize::from(s.order)).sum();
    let from_data: usize = boundary
        .starts
        .iter()
        .map(|s| {
            // Further steps say something about further derivatives.
            let order = usize::from(model.states[s.state].order);
            s.steps.min(order.saturating_sub(usize::from(s.derivative)))
        })
        .sum();
    let given = initial.len() + boundary.finals.len() + from_data;
    if given >= needed {
        return;
    }
    let message = format!("`{}` needs {needed} values at the ends of the time, and has {given}", name.name);
    let open: Vec<String> = model
        .states
        .iter()
        .flat_map(|(id, s)| (0..s.order).map(move |d| (id, d)))
        .filter(|key| {
            let among = |list: &[InitialValue]| list.iter().any(|v| (v.state, v.derivative) == *key);
            !among(initial) && !among(&boundary.finals)
        })
        .map(|(state, derivative)| model.spell_state(state, derivative))
        .collect();
    let d = Diagnostic::error(E0514, message, name.span, "not determined");
    cx.sink.push(d.help(format!("add `initial` or `final` values, for example of {}", open.join(", "))));
    settings.ok = false;
}

//! Data sets that are simulated.

use super::data::{Purpose, Several, holdout, values};
use super::rules::SIMULATE;
use super::settings::{Context, Settings, as_word, elements};
use super::suggest;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0503, E0504, E0507, E0511, E0513, E1007};
use crate::hir::{DataPlaces, DataSet, DataSource, DrivenBy, Model, ModelId, Noise, SimulateSpec, Vary};
use crate::syntax::ast::{self, ExprKind, SettingValue};

/// A checked simulation request, to be joined with its model's id.
pub(super) struct Simulation<'m> {
    /// The model with arguments applied.
    pub(super) model: &'m Model,
    /// Its id.
    pub(super) id: ModelId,
    /// The data that drive it.
    pub(super) by: Option<DrivenBy>,
}

/// A simulated data set.
pub(super) fn simulated(
    data: &ast::Data,
    model_name: &ast::Ident,
    arguments: &[ast::Binding],
    simulation: &Simulation<'_>,
    cx: &mut Context<'_>,
) -> Option<DataSet> {
    let model = simulation.model;
    let mut settings = Settings::new(SIMULATE, &data.settings, data.name.span, &["vary"], &[], cx);
    honours_boundary(model, model_name, &mut settings, cx);
    // What is given for every trajectory needs no value for all.
    let varied =
        settings.all("vary").into_iter().filter_map(|s| s.values.first().and_then(as_word)).collect::<Vec<_>>();
    let purpose = if simulation.by.is_some() { Purpose::SimulateAlongData } else { Purpose::Simulate };
    let values = values(model, model_name, (arguments, &varied), purpose, cx);
    settings.ok &= values.is_some();
    let by = simulation.by.map(|by| DrivenBy { starts: starts_from_data(&settings), ..by });
    let initial = initial(model, model_name, by.is_some_and(|by| by.starts), &mut settings, cx);
    match by {
        Some(_) => from_data(&mut settings, cx),
        None => {
            for key in ["steps", "dt"].into_iter().filter(|key| settings.get(key).is_none()).collect::<Vec<_>>() {
                settings.missing(key, cx);
            }
        }
    }
    let steps = settings.count("steps", cx).or(simulation.by.map(|_| 0));
    let dt = settings.number("dt", cx).or(simulation.by.map(|_| 0.0));
    let start = settings.number("start", cx).unwrap_or(0.0);
    let noise = noise(&mut settings, cx);
    let seed = settings.whole("seed", cx).unwrap_or(0);
    let trajectories = settings.count("trajectories", cx).unwrap_or(1);
    let spread = settings.number("spread", cx).unwrap_or(0.3);
    let vary = vary(model, trajectories, &mut settings, cx);
    let several = Several { by_default: trajectories > 1, possible: trajectories > 1 || simulation.by.is_some() };
    let holdout = holdout(&mut settings, several, cx);
    /// More samples than this do not fit in the memory of any machine this runs on.
    const MAX_SAMPLES: u128 = 1 << 31;
    if let Some(steps) = steps {
        let samples = steps as u128 * trajectories as u128 * model.states.len() as u128;
        if samples > MAX_SAMPLES {
            let message = format!("this simulates {samples} numbers; at most {MAX_SAMPLES} are possible");
            cx.sink.push(
                Diagnostic::error(E0504, message, data.name.span, "too large").help("lower `steps` or `trajectories`"),
            );
            settings.ok = false;
        }
    }
    if !settings.ok {
        return None;
    }
    let spec = SimulateSpec {
        model: simulation.id,
        values: values?,
        initial: initial?,
        data: by,
        steps: steps?,
        dt: dt?,
        start,
        noise,
        seed,
        trajectories,
        spread,
        vary,
    };
    Some(DataSet {
        name: data.name.name.clone(),
        source: DataSource::Simulate(spec),
        holdout,
        span: data.span,
        places: DataPlaces::default(),
    })
}

/// What data that drive a simulation say is not said again.
fn from_data(settings: &mut Settings<'_>, cx: &mut Context<'_>) {
    for key in ["steps", "dt", "start", "trajectories", "spread", "vary"] {
        let Some(setting) = settings.get(key) else { continue };
        let message = format!("`{key}` is given, and the simulation follows its data");
        let d = Diagnostic::error(E0511, message, setting.span, "not for itself");
        let place = settings.get("data").map_or(setting.span, |s| s.span);
        cx.sink.push(
            d.label(place, "sampled at the times of these, for each of their trajectories")
                .help(format!("leave out `{key}`")),
        );
        settings.ok = false;
    }
}

/// `vary r = normal(3, 0.5)` or `vary r = (1, 2, 3)`, as positions among the model's unknowns.
fn vary(model: &Model, trajectories: usize, settings: &mut Settings<'_>, cx: &mut Context<'_>) -> Vec<(usize, Vary)> {
    let mut out: Vec<(usize, Vary)> = Vec::new();
    for setting in settings.all("vary") {
        let form = match setting.values.as_slice() {
            [SettingValue::Expr(name), SettingValue::Equals(_), value] => match &name.kind {
                ExprKind::Name(key) => Some((name, key, value)),
                _ => None,
            },
            _ => None,
        };
        let Some((name, key, value)) = form else {
            let _: Option<()> = settings.wrong_form(setting, cx);
            continue;
        };
        let drawn = match value {
            SettingValue::Expr(ast::Expr { kind: ExprKind::Call(call), .. }) => Some(call),
            _ => None,
        };
        let given: Vec<&ast::Expr> = match (drawn, elements(value)) {
            (Some(call), _) if call.function.name == "normal" && call.arguments.len() == 2 => {
                call.arguments.iter().collect()
            }
            (None, Some(list)) if list.len() > 1 => list,
            _ => {
                let _: Option<()> = settings.wrong_form(setting, cx);
                continue;
            }
        };
        let numbers: Option<Vec<f64>> = given.iter().map(|e| settings.constant(setting, e, cx)).collect();
        let Some(numbers) = numbers else { continue };
        let vary = match (drawn, numbers.as_slice()) {
            (Some(_), &[mean, deviation]) => Vary::Normal(mean, deviation),
            _ => Vary::List(numbers),
        };
        let at = model.unknowns.values().position(|u| u.name == *key);
        let problem = if at.is_none() {
            let message = format!("model `{}` has no estimated parameter `{key}`", model.name);
            Some((message, name.span, String::new()))
        } else if out.iter().any(|(i, ..)| Some(*i) == at) {
            Some((format!("`{key}` is drawn twice"), name.span, "leave one of them out".to_string()))
        } else if matches!(vary, Vary::Normal(_, deviation) if deviation < 0.0) {
            let span = given.last().map_or(setting.span, |d| d.span);
            let help = format!("write the mean first: `vary {key} = normal(3, 0.5)`");
            Some(("a standard deviation is at least 0".to_string(), span, help))
        } else if let Vary::List(list) = &vary
            && list.len() != trajectories
        {
            let message = format!("there are {} values of `{key}` for {trajectories} trajectories", list.len());
            let help = format!("write one value for each, or `trajectories {}`", list.len());
            Some((message, given.first().map_or(setting.span, |e| e.span), help))
        } else {
            None
        };
        match (problem, at) {
            (None, Some(at)) => out.push((at, vary)),
            (problem, _) => {
                if let Some((message, span, help)) = problem {
                    let d = Diagnostic::error(E1007, message, span, "cannot be drawn");
                    cx.sink.push(match at {
                        Some(_) => d.help(help),
                        None => {
                            let names = model.unknowns.values().map(|u| u.name.as_str());
                            d.help(suggest::help_of_many(cx.sink, "estimated parameters", key, names))
                                .missing(key.as_str())
                        }
                    });
                }
                settings.ok = false;
            }
        }
    }
    out
}

/// What a simulation cannot do: it starts from initial values alone.
fn honours_boundary(model: &Model, name: &ast::Ident, settings: &mut Settings<'_>, cx: &mut Context<'_>) {
    let boundary = &model.boundary;
    let Some(span) = boundary.of_solves().or(boundary.starts.first().map(|s| s.span)) else { return };
    let message = format!("a simulation of `{}` starts from initial values alone", name.name);
    let d = Diagnostic::error(E0513, message, name.span, "simulated");
    let d = d.label(span, "not honoured by a simulation");
    cx.sink.push(d.help(format!("solve it: `solve run = {} {{ steps 500; dt 0.05 }}`", name.name)));
    settings.ok = false;
}

/// `from d` beside `data d`: every trajectory starts from the first sample of its own data.
fn starts_from_data(settings: &Settings<'_>) -> bool {
    let name = |key: &str| match settings.get(key)?.values.as_slice() {
        [one] => as_word(one),
        _ => None,
    };
    name("from").is_some() && name("from") == name("data")
}

/// Initial values of every state and derivative below its order; NaN for what only the data may say.
fn initial(
    model: &Model,
    name: &ast::Ident,
    from_data: bool,
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<Vec<f64>> {
    let slots: Vec<(crate::hir::StateId, u8)> =
        model.states.iter().flat_map(|(id, s)| (0..s.order).map(move |d| (id, d))).collect();
    let spelled = |&(s, d): &(crate::hir::StateId, u8)| model.spell_state(s, d);
    if let Some(setting) = settings.get("from").filter(|_| !from_data) {
        let list = match setting.values.as_slice() {
            [one] => elements(one),
            _ => None,
        };
        let Some(list) = list else { return settings.wrong_form(setting, cx) };
        let is_name = |e: &ast::Expr| matches!(&e.kind, ExprKind::Name(name) if name != "pi");
        if let Some(one) = list.first().copied().filter(|one| list.len() == 1 && is_name(one)) {
            let message = "`from` takes numbers, or the name of the data that the simulation goes along";
            let d = Diagnostic::error(E0503, message, one.span, "neither of them");
            let names: Vec<String> = slots.iter().map(spelled).collect();
            cx.sink.push(d.help(match or_from_data(settings) {
                none if none.is_empty() => {
                    format!("write numbers for {}, or `data {1}; from {1}`", names.join(", "), as_written(one))
                }
                or_data => format!("write `from (...)` with values for {}{or_data}", names.join(", ")),
            }));
            settings.ok = false;
            return None;
        }
        if list.len() != slots.len() {
            let names: Vec<String> = slots.iter().map(spelled).collect();
            let message = format!("`from` has {} values; `{}` needs {}", list.len(), name.name, slots.len());
            let d = Diagnostic::error(E0507, message, setting.span, "wrong number of values");
            cx.sink.push(d.help(format!("one value each for {}{}", names.join(", "), or_from_data(settings))));
            settings.ok = false;
            return None;
        }
        let values: Vec<Option<f64>> = list.iter().map(|e| settings.constant(setting, e, cx)).collect();
        return values.into_iter().collect();
    }
    let value = |slot: &(crate::hir::StateId, u8)| {
        let own = model.initial.iter().find(|v| (v.state, v.derivative) == *slot).map(|v| v.value);
        own.or((from_data && slot.1 == 0).then_some(f64::NAN))
    };
    let missing: Vec<String> = slots.iter().filter(|s| value(s).is_none()).map(spelled).collect();
    if missing.is_empty() {
        return slots.iter().map(value).collect();
    }
    let message = format!("the simulation of `{}` needs an initial value for {}", name.name, missing.join(", "));
    let d = Diagnostic::error(E0507, message, name.span, "no initial values");
    let all: Vec<String> = slots.iter().map(spelled).collect();
    cx.sink.push(d.help(format!("write `from (...)` with values for {}{}", all.join(", "), or_from_data(settings))));
    settings.ok = false;
    None
}

/// A name.
fn as_written(e: &ast::Expr) -> &str {
    if let ExprKind::Name(name) = &e.kind { name } else { "" }
}

/// The other way of saying where a simulation along data begins.
fn or_from_data(settings: &Settings<'_>) -> String {
    let data = settings.get("data").and_then(|s| s.values.first()).and_then(as_word);
    data.map_or(String::new(), |name| format!(", or `from {name}`: the first samples of these data"))
}

fn noise(settings: &mut Settings<'_>, cx: &mut Context<'_>) -> Noise {
    let Some(setting) = settings.get("noise") else { return Noise::Relative(0.0) };
    let (value, absolute) = match setting.values.as_slice() {
        [ast::SettingValue::Expr(e)] => (Some(e), false),
        [ast::SettingValue::Expr(e), word] if as_word(word) == Some("absolute") => (Some(e), true),
        [ast::SettingValue::Expr(e), word] if as_word(word) == Some("relative") => (Some(e), false),
        _ => (None, false),
    };
    let value = match value {
        Some(e) => settings.constant(setting, e, cx),
        None => settings.wrong_form(setting, cx),
    };
    let Some(v) = value else { return Noise::Relative(0.0) };
    // A bare number above 1 is as likely meant in percent or in the unit of the state.
    if v > 1.0 && setting.values.len() == 1 {
        let message = format!(
            "`noise {v}` would be {} % of each state: write `{v}%`, `{v} absolute` or `{v} relative`",
            100.0 * v
        );
        let _: Option<()> = settings.out_of_range(message, setting.span, cx);
    }
    if !(0.0..=1e9).contains(&v) {
        let _: Option<()> = settings.out_of_range("`noise` must lie between 0 and 1e9".to_string(), setting.span, cx);
    }
    if absolute { Noise::Absolute(v) } else { Noise::Relative(v) }
}

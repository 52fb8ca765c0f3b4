//! Networks: what they read, layers that outputs share, outputs.

use super::along::{along, extent};
use super::derived;
use super::families::{Families, written};
use super::features;
use super::layers::{Chain, LAYERS, Shape, activation, chain, implied};
use super::rules::NETWORK;
use super::settings::{Context, Settings, as_word, elements};
use super::suggest;
use crate::base::IndexMap;
use crate::diagnostics::codes::{E0202, E0504, E0511, E1016, W1001};
use crate::diagnostics::{Diagnostic, closest};
use crate::hir::{Activation, Along, Feature, Layer, Network, NetworkInput, NetworkOutput, Over, Trunk, family};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, Setting, SettingValue};

/// The most layers of a chain.
pub(super) const MAX_LAYERS: usize = 64;
/// The widest layer and the largest output.
const MAX_WIDTH: f64 = 65_536.0;

/// Checks a network.
///
/// `families` are those of the models whose fits use it.
pub(super) fn network(
    block: &ast::Block,
    functions: &[ast::Function],
    families: &Families<'_>,
    cx: &mut Context<'_>,
) -> Option<Network> {
    let named = trunk_names(&block.settings);
    let mut settings = Settings::new(NETWORK, &block.settings, block.name.span, &["output"], &named, cx);
    for key in ["input", "output"] {
        if settings.get(key).is_none() {
            settings.missing(key, cx);
        }
    }
    let chained = settings.all("output").iter().all(|s| split(&s.values).1.is_some());
    if settings.get("mlp").is_none() && !(chained && settings.get("output").is_some()) {
        settings.missing("mlp", cx);
    }
    let input = settings.get("input").and_then(|s| input(s, (functions, families), &mut settings, cx));
    let reads = match &input {
        Some(Read { input: NetworkInput::Learned(_), .. }) => Shape::Vector,
        Some(Read { along: Some(_), .. }) => Shape::Samples,
        Some(Read { input: NetworkInput::Window(names), features, .. }) => {
            Shape::Sequence(Some(names.len() + features.len()))
        }
        None => Shape::Sequence(None),
    };
    let set = input.as_ref().and_then(|i| i.along.as_ref()).map(|a| (a.set.clone(), a.elements.len()));
    let mut shared = Shared { trunks: Vec::new(), shapes: Vec::new(), input: reads, read: Vec::new(), set };
    let mlp = settings.get("mlp").map(|s| {
        let layers = layers(s, &mut settings, cx);
        shared.trunks.push(Trunk { name: String::new(), from: None, layers: layers.clone().unwrap_or_default() });
        shared.shapes.push(Shape::Vector);
        shared.read.push(true);
        layers.is_some()
    });
    for name in &named {
        let Some(setting) = settings.get(name) else { continue };
        // Layers that are wrong keep their name, so that what reads them is not wrong as well.
        let found = chain(&setting.values, &mut shared, None, setting, &mut settings, cx);
        shared.read.push(found.is_none());
        let found = found.unwrap_or(Chain { from: None, layers: Vec::new(), shape: Shape::Sequence(None) });
        shared.trunks.push(Trunk { name: name.clone(), from: found.from, layers: found.layers });
        shared.shapes.push(found.shape);
    }
    let mut outputs: Vec<NetworkOutput> = Vec::new();
    for setting in settings.all("output") {
        let Some(output) = output(setting, &mut shared, &mut settings, cx) else { continue };
        if outputs.iter().any(|o| o.name == output.name) || named.contains(&output.name) {
            let message = format!("the output `{}` is declared twice", output.name);
            let message = match named.contains(&output.name) {
                true => format!("`{}` names layers and an output", output.name),
                false => message,
            };
            cx.sink.push(
                Diagnostic::error(E0202, message, setting.span, "again here").help("give one of them another name"),
            );
            settings.ok = false;
        }
        outputs.push(output);
    }
    if settings.ok {
        for (trunk, _) in shared.trunks.iter().zip(&shared.read).filter(|(_, read)| !**read) {
            let span = settings.get(&trunk.name).map_or(block.span, |s| s.span);
            let message = format!("nothing reads `{}`", trunk.name);
            cx.sink.push(
                Diagnostic::warning(W1001, message, span, "has no effect")
                    .help(format!("start an output with it, `output v = {}, ...`, or leave it out", trunk.name)),
            );
        }
    }
    if mlp == Some(false) {
        return None;
    }
    let Read { input, features, along } = input?;
    let name = block.name.name.clone();
    let network = Network { name, input, features, along, trunks: shared.trunks, outputs, span: block.span };
    settings.ok.then_some(network)
}

/// What the layers of a network can read.
pub(super) struct Shared {
    pub(super) trunks: Vec<Trunk>,
    /// What each trunk gives.
    pub(super) shapes: Vec<Shape>,
    /// What the network reads.
    pub(super) input: Shape,
    /// Whether anything reads each trunk.
    pub(super) read: Vec<bool>,
    /// The index set that the layers go along, and how many elements it has.
    pub(super) set: Option<(String, usize)>,
}

/// What a network reads.
struct Read {
    input: NetworkInput,
    features: Vec<Feature>,
    along: Option<Along>,
}

/// Keys that name layers: a chain starts with the name of a layer or of earlier layers.
fn trunk_names(settings: &[Setting]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for setting in settings {
        let key = &setting.key.name;
        let first = match setting.values.first().filter(|_| !NETWORK.iter().any(|r| r.key == key)) {
            Some(SettingValue::Expr(ast::Expr { kind: ExprKind::Name(name), .. })) => name.as_str(),
            Some(SettingValue::Expr(ast::Expr { kind: ExprKind::Call(call), .. })) => call.function.name.as_str(),
            _ => continue,
        };
        let known = || LAYERS.into_iter().chain(names.iter().map(String::as_str));
        // A slip in a layer's name is said of the layer, not of the key.
        let chains = known().any(|n| n == first) || setting.values.len() > 1 && closest(first, known()).is_some();
        if chains && !names.contains(key) {
            names.push(key.clone());
        }
    }
    names
}

/// `(x, y, z) over window`, `x, d = x - y over window`, `u over window, cell` or `learned 64`: states, and what is computed from states.
fn input(
    setting: &Setting,
    (functions, families): (&[ast::Function], &Families<'_>),
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<Read> {
    if let [word, SettingValue::Expr(size)] = setting.values.as_slice()
        && as_word(word) == Some("learned")
    {
        let size = width(size, setting, settings, cx)?;
        return Some(Read { input: NetworkInput::Learned(size), features: Vec::new(), along: None });
    }
    let (list, extent) = extent(&setting.values);
    if extent.over != Over::Window {
        return settings.wrong_form(setting, cx);
    }
    let (mut names, mut features) = (Vec::new(), Vec::new());
    let mut seen: Vec<String> = Vec::new();
    // The index sets of what is computed.
    let mut own: IndexMap<String, Vec<String>> = IndexMap::new();
    let mut rest = list;
    while let Some((value, behind)) = rest.split_first() {
        let formula = match behind {
            [SettingValue::Equals(_), SettingValue::Expr(formula), behind @ ..] => {
                rest = behind;
                Some(formula)
            }
            _ => {
                rest = behind;
                None
            }
        };
        let listed = elements(value).unwrap_or_default();
        if listed.is_empty() || formula.is_some() && listed.len() != 1 {
            return settings.wrong_form(setting, cx);
        }
        if let (Some(formula), [e]) = (formula, listed.as_slice())
            && let ExprKind::Subscript { of, at } = &e.kind
            && let ExprKind::Name(name) = &of.kind
            && written(e).is_none()
        {
            let found = features::features(name, at, formula, (functions, families), cx);
            settings.ok &= found.is_some();
            let Some(found) = found else { continue };
            if seen.iter().any(|n| family(n) == name) {
                cx.sink.push(
                    Diagnostic::error(E0202, format!("`{name}` is read twice"), e.span, "again here")
                        .help("leave one of them out"),
                );
                settings.ok = false;
            }
            seen.extend(found.features.iter().map(|f| f.name.clone()));
            features.extend(found.features);
            own.insert(name.clone(), found.sets);
            continue;
        }
        for e in listed {
            let Some(written) = written(e) else { return settings.wrong_form(setting, cx) };
            let new = match formula {
                None => match families.names(&written) {
                    Ok(elements) => elements,
                    Err(message) => {
                        cx.sink.push(
                            Diagnostic::error(E0511, message, e.span, "which of them?")
                                .help("give the families of both models the same size, or read elements: `q[1]`"),
                        );
                        settings.ok = false;
                        continue;
                    }
                },
                Some(_) if !written.at.is_empty() => return settings.wrong_form(setting, cx),
                Some(_) => vec![written.text()],
            };
            if let Some(name) = new.iter().find(|n| seen.contains(*n)) {
                let d = Diagnostic::error(E0202, format!("`{name}` is read twice"), e.span, "again here")
                    .help("leave one of them out");
                cx.sink.push(d);
                settings.ok = false;
            }
            seen.extend(new.iter().cloned());
            match formula {
                None => names.extend(new),
                Some(formula) => match derived::feature(written.name, formula, functions, cx) {
                    Some(formula) => features.push(Feature { name: written.text(), formula }),
                    None => settings.ok = false,
                },
            }
        }
    }
    if seen.is_empty() && settings.ok {
        return settings.wrong_form(setting, cx);
    }
    let along = match extent.set {
        Some(set) if settings.ok => {
            let columns: Vec<String> = names.iter().cloned().chain(features.iter().map(|f| f.name.clone())).collect();
            let found = along(set, &columns, &own, families, cx);
            settings.ok &= found.is_some();
            found
        }
        _ => None,
    };
    Some(Read { input: NetworkInput::Window(names), features, along })
}

/// `[1024, 1024] relu`
fn layers(setting: &Setting, settings: &mut Settings<'_>, cx: &mut Context<'_>) -> Option<Vec<Layer>> {
    let (list, function) = match setting.values.as_slice() {
        [SettingValue::List(list, _)] => (list, Activation::Relu),
        [SettingValue::List(list, _), SettingValue::Expr(e)] => {
            let ExprKind::Name(name) = &e.kind else { return settings.wrong_form(setting, cx) };
            (list, activation(name, e, settings, cx)?)
        }
        _ => return settings.wrong_form(setting, cx),
    };
    let widths = widths(list, setting, settings, cx)?;
    Some(widths.into_iter().map(|width| Layer::Dense { width, activation: Some(function) }).collect())
}

/// The sizes of a list of layers.
pub(super) fn widths(
    list: &[ast::Expr],
    setting: &Setting,
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<Vec<usize>> {
    if list.is_empty() || list.len() > MAX_LAYERS {
        let message = format!("a network has 1 to {MAX_LAYERS} hidden layers, and this one has {}", list.len());
        return settings.out_of_range(message, setting.span, cx);
    }
    let widths = list.iter().map(|e| width(e, setting, settings, cx)).collect::<Vec<_>>();
    widths.into_iter().collect()
}

/// `v[3] over window`, `v over window`, `p[2]`, each with the layers that give it behind an `=`
fn output(
    setting: &Setting,
    shared: &mut Shared,
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<NetworkOutput> {
    let (declared, layers) = split(&setting.values);
    let (list, extent) = extent(declared);
    let [SettingValue::Expr(e)] = list else { return settings.wrong_form(setting, cx) };
    let (name, size) = match &e.kind {
        ExprKind::Name(name) => (name, 1),
        ExprKind::Subscript { of, at } => match (&of.kind, at.as_slice()) {
            (ExprKind::Name(name), [size]) => (name, width(size, setting, settings, cx)?),
            _ => return settings.wrong_form(setting, cx),
        },
        _ => return settings.wrong_form(setting, cx),
    };
    let elements = match extent.set {
        Some(set) => Some(elements_of(set, shared, settings, cx)?),
        None => None,
    };
    let over = extent.over;
    let mut output = NetworkOutput { name: name.clone(), size, over, elements, from: None, layers: Vec::new() };
    match layers {
        Some(layers) => {
            let found = chain(layers, shared, Some(&output), setting, settings, cx)?;
            (output.from, output.layers) = (found.from, found.layers);
        }
        None => {
            output.from = shared.trunks.first().filter(|t| t.name.is_empty()).map(|_| 0);
            output.layers = vec![implied()];
        }
    }
    Some(output)
}

/// What stands before an `=`, and what behind it.
fn split(values: &[SettingValue]) -> (&[SettingValue], Option<&[SettingValue]>) {
    match values.iter().position(|v| matches!(v, SettingValue::Equals(_))) {
        Some(at) => (&values[..at], Some(&values[at + 1..])),
        None => (values, None),
    }
}

/// A size.
pub(super) fn width(
    e: &ast::Expr,
    setting: &Setting,
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<usize> {
    let v = settings.constant(setting, e, cx)?;
    if v.fract() == 0.0 && (1.0..=MAX_WIDTH).contains(&v) {
        return Some(v as usize);
    }
    let message = format!("a size is a whole number from 1 to {MAX_WIDTH}");
    cx.sink.push(
        Diagnostic::error(E0504, message, e.span, "out of range").help("write how many numbers there are: `[64, 64]`"),
    );
    settings.ok = false;
    None
}

/// How many elements the index set of an output has, which is that of the network.
fn elements_of(
    (set, span): (&str, Span),
    shared: &Shared,
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<usize> {
    match &shared.set {
        Some((own, elements)) if own == set => return Some(*elements),
        // What it reads is wrong already.
        None if !settings.ok => {}
        own => {
            let known = ["window", "horizon"].into_iter().chain(own.iter().map(|(name, _)| name.as_str()));
            let message = format!("the network reads nothing over `{set}`");
            let d = Diagnostic::error(E1016, message, span, "over what?");
            cx.sink.push(d.help(suggest::help("index sets and times", set, known)));
        }
    }
    settings.ok = false;
    None
}

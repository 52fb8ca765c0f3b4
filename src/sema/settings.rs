//! Settings blocks: one table per kind of block with each key's type, range and default, and typed readers over it.

use super::model::bare_constant;
use super::suggest;
use crate::diagnostics::codes::{E0501, E0502, E0503, E0504, E0505, E0602, W0703};
use crate::diagnostics::{Diagnostic, Sink, closest};
use crate::hir::{Engine, number};
use crate::source::{FileId, Sources, Span};
use crate::syntax::ast::{Expr, ExprKind, Setting, SettingValue};

/// What follows a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Takes {
    /// A number from the first to the second; the third says that the first itself is excluded.
    Number(f64, f64, bool),
    /// A whole number in a range.
    Whole(u64, u64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A name, or a text in quotes.
    Name,
    /// A shape of its own, shown in messages.
    Form(&'static str),
}

/// One line of a settings table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// The key.
    pub key: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What holds without it, in words or as it would be written.
    pub default: &'static str,
    /// The engine it belongs to, if not both.
    pub engine: Option<Engine>,
    /// What it sets.
    pub about: &'static str,
}

const fn rule(key: &'static str, takes: Takes, default: &'static str, about: &'static str) -> Rule {
    Rule { key, takes, default, engine: None, about }
}

const fn joint(key: &'static str, takes: Takes, default: &'static str, about: &'static str) -> Rule {
    Rule { key, takes, default, engine: Some(Engine::Joint), about }
}

const fn gradient(key: &'static str, takes: Takes, default: &'static str, about: &'static str) -> Rule {
    Rule { key, takes, default, engine: Some(Engine::Gradient), about }
}

const MAX_SEED: u64 = 1 << 53;

/// What is kept out of a fit, of data that may have several trajectories.
const HOLDOUT: Rule = rule(
    "holdout",
    Takes::Form("holdout 20%` or `holdout 20% of trajectories"),
    "nothing",
    "what is kept out of a fit",
);

const fn seed(about: &'static str) -> Rule {
    rule("seed", Takes::Whole(0, MAX_SEED), "0", about)
}

const fn trajectories(about: &'static str) -> Rule {
    rule("trajectories", Takes::Whole(1, 1_000_000), "1", about)
}

/// Settings of `data NAME = simulate MODEL(...)`.
pub const SIMULATE: &[Rule] = &[
    rule("steps", Takes::Whole(2, 10_000_000), "required", "samples per trajectory, the first one at time zero"),
    rule("dt", Takes::Number(0.0, 1e9, true), "required", "spacing of the samples"),
    rule("from", Takes::Form("from (1, 1, 1)"), "the model's `initial`", "initial values, state by state"),
    rule(
        "noise",
        Takes::Form("noise 5%` or `noise 0.1 absolute"),
        "0",
        "measurement noise, relative to each state's spread",
    ),
    seed("seed of noise and initial values"),
    trajectories("how many trajectories"),
    rule(
        "vary",
        Takes::Form("vary r = normal(3, 0.5)` or `vary r = (1, 2, 3)"),
        "nothing",
        "a parameter that is drawn, or given, for every trajectory; may stand several times",
    ),
    rule("spread", Takes::Number(0.0, 1e6, false), "0.3", "how far initial values of further trajectories scatter"),
    HOLDOUT,
];

/// Settings of `solve NAME = MODEL(...)`.
pub const SOLVE: &[Rule] = &[
    rule("steps", Takes::Whole(3, 10_000_000), "those of `data`, else required", "samples, the first one at time zero"),
    rule("dt", Takes::Number(0.0, 1e9, true), "that of `data`, else required", "spacing of the samples"),
    rule("from", Takes::Form("from (0, 1)"), "the model's `initial`", "values at the first time, state by state"),
    rule("data", Takes::Name, "none", "the data set that inputs and starts come from"),
    rule("orders", Takes::Whole(1, 15), "order of the model plus 2", "highest derivative kept"),
    rule("rows", Takes::Word(&["hermite", "taylor"]), "hermite", "the rows between neighbouring samples"),
    rule("central", Takes::Word(&["on", "off"]), "off", "central rows, with Taylor rows"),
    rule("slack", Takes::Word(&["on", "off"]), "off", "one unknown in all rows between samples, with Taylor rows"),
    rule("method", Takes::Word(&["normal", "qr"]), "normal", "what is factored: the normal matrix, or the rows"),
    rule("precision", Takes::Word(&["f64", "f32", "mixed"]), "f64", "the arithmetic"),
    rule("refinements", Takes::Whole(0, 100), "2", "most corrections of a solve"),
    rule("weights", Takes::Form("weights (1, 1, 1)"), "1 each", "factors on equation, boundary and smoothness rows"),
    rule("holdout", Takes::Form("holdout 20%"), "nothing", "what is kept out of a fit to the solution"),
];

/// Settings of `predict NAME = FIT`.
pub const PREDICT: &[Rule] = &[
    rule(
        "steps",
        Takes::Whole(1, 10_000_000),
        "as many as there are data",
        "samples that are predicted of every trajectory",
    ),
    rule("by", Takes::Whole(1, 100_000), "all that the horizon has", "samples that every solve of a roll-out adds"),
    rule(
        "from",
        Takes::Word(&["end", "start", "held_out"]),
        "end; held_out where trajectories are held out",
        "behind which samples it starts",
    ),
    rule(
        "tolerance",
        Takes::Number(0.0, 1e6, true),
        "40%",
        "error, in standard deviations, up to which a prediction follows the data",
    ),
];

/// Settings of `data NAME = formula`; other keys name columns.
pub const FORMULA: &[Rule] = &[
    rule("t", Takes::Form("t = linspace(0, 50, 500)"), "required", "the times: first, last, and how many"),
    seed("seed of the random numbers"),
    trajectories("how many trajectories, each with numbers of its own"),
    HOLDOUT,
];

/// Settings of `data NAME = csv("...")` and of the numpy formats; other keys name states and inputs.
pub const FILE: &[Rule] = &[
    rule("time", Takes::Name, "none", "the column with the times"),
    rule(
        "dt",
        Takes::Number(0.0, 1e9, true),
        "required without a time column",
        "spacing of the samples without a time column",
    ),
    rule(
        "spacing",
        Takes::Word(&["equal", "irregular"]),
        "equal",
        "whether times may be at any distance, for the joint engine",
    ),
    rule(
        "column",
        Takes::Form("column vx [km/h]"),
        "none",
        "the unit of a column that stands in formulas; may stand several times",
    ),
    rule(
        "missing",
        Takes::Form("missing \"NA\"` or `missing (\"NA\", \"-\")"),
        "none",
        "the texts that stand for a missing sample",
    ),
    rule("trajectory", Takes::Name, "one trajectory", "the column that tells trajectories apart"),
    HOLDOUT,
];

/// Settings of `network NAME`.
pub const NETWORK: &[Rule] = &[
    rule(
        "input",
        Takes::Form("input (x, y) over window"),
        "required",
        "observed states the network reads, and what is computed from them",
    ),
    rule(
        "mlp",
        Takes::Form("mlp [64, 64] relu"),
        "required for an output without layers",
        "hidden layers and the function after each (relu)",
    ),
    rule("output", Takes::Form("output v[3] over window"), "required", "a named output; may stand several times"),
];

/// Settings of `fit MODEL to DATA`.
pub const FIT: &[Rule] = &[
    rule(
        "engine",
        Takes::Word(&["joint", "gradient"]),
        "gradient with fields or a setting about network outputs, else joint",
        "which engine fits",
    ),
    seed("seed of everything random in the fit"),
    gradient(
        "orders",
        Takes::Whole(1, 8),
        "order of the system plus 2",
        "highest derivative kept in the relaxed solve",
    ),
    joint("significance", Takes::Number(0.0, 1e6, false), "chosen by the engine", "standard errors a term must reach"),
    gradient("window", Takes::Whole(2, 100_000), "50", "samples per window"),
    gradient(
        "horizon",
        Takes::Whole(2, 100_000),
        "the window",
        "samples that a solve reaches over, from the window's first",
    ),
    gradient("stride", Takes::Whole(1, 100_000), "1", "distance between window starts"),
    gradient("batch", Takes::Whole(1, 1_000_000), "512", "windows per step"),
    gradient("steps", Takes::Whole(1, 1_000_000_000), "2500 with projection", "optimiser steps in all"),
    gradient("epochs", Takes::Whole(1, 10_000_000), "400 without projection", "passes over the windows per cycle"),
    gradient("cycles", Takes::Whole(1, 10_000), "1; 10 without projection", "train-and-threshold cycles"),
    gradient("threshold", Takes::Number(0.0, 1e9, false), "0.1", "a coefficient below this is dropped"),
    gradient("prune_from", Takes::Number(0.0, 1.0, false), "0.3", "share of the budget before dropping starts"),
    gradient("projection", Takes::Word(&["on", "off"]), "on", "eliminate linear unknowns by least squares"),
    gradient("coefficient_rate", Takes::Number(0.0, 1e6, true), "the optimiser's", "learning rate of trained unknowns"),
    gradient("consistency", Takes::Number(0.0, 1e12, false), "1", "weight of the consistency losses"),
    gradient("optimizer", Takes::Form("optimizer adam(lr = 5e-4, decay = cosine)"), "as shown", "the optimiser"),
    gradient(
        "auxiliary",
        Takes::Form("auxiliary (x, y) = network.output"),
        "none",
        "network outputs that stand for states",
    ),
    gradient(
        "parameters",
        Takes::Form("parameters (a, b) = network.output"),
        "none",
        "network outputs that stand for parameters, window by window",
    ),
    gradient(
        "fields",
        Takes::Form("fields (c0, c1) = network.output"),
        "trained as they are",
        "network outputs that stand for fields",
    ),
    gradient(
        "step",
        Takes::Form("step over time init 0.1` or `step = network.output"),
        "the data's",
        "where the steps of the solves come from",
    ),
    gradient(
        "initial",
        Takes::Form("initial (x, y) = network.output` or `initial free"),
        "the auxiliaries at the first sample",
        "where the solutions of windows start",
    ),
    gradient("normalise", Takes::Word(&["standard", "range", "off"]), "standard", "how networks see the states"),
    gradient(
        "shift",
        Takes::Form("shift q by q at 0"),
        "nothing",
        "states that are moved in every window by a first sample; may stand several times",
    ),
    gradient("loss", Takes::Form("loss mse(x, y; weights = (1, 0.1))"), "mse", "what is made small"),
    gradient("l1", Takes::Number(0.0, 1e12, false), "0", "weight of the magnitudes of the coefficients of holes"),
    gradient(
        "evaluate",
        Takes::Whole(1, 1_000_000_000),
        "a hundredth of the budget",
        "steps between two looks at the held-out loss",
    ),
    gradient(
        "early_stopping",
        Takes::Whole(1, 1_000_000),
        "off",
        "looks without a smaller held-out loss after which training ends",
    ),
];

/// Every table, and what has these settings.
const TABLES: [(&[Rule], &str); 7] = [
    (FIT, "fits"),
    (FILE, "data from files"),
    (SIMULATE, "simulations"),
    (PREDICT, "predictions"),
    (SOLVE, "`solve` items"),
    (FORMULA, "`formula` data"),
    (NETWORK, "networks"),
];

/// What to say about a key that is not among `keys`: where it is known, or what it is near to, here before elsewhere.
fn unknown_key(rules: &[Rule], key: &str, keys: Vec<&str>) -> String {
    let others = || TABLES.iter().filter(|(table, _)| *table != rules);
    let owners = |key: &str| {
        let own = others().filter(|(table, _)| table.iter().any(|r| r.key == key)).map(|(_, owner)| *owner);
        own.collect::<Vec<_>>().join(", ")
    };
    let here = format!("settings here: {}", suggest::listed(keys.iter().copied()));
    let near_here = closest(key, keys.iter().copied());
    // The nearest word is the word itself where it is known.
    match closest(key, others().flat_map(|(table, _)| table.iter().map(|r| r.key))) {
        Some(near) if near_here.is_none() => format!("`{near}` is a setting of {}; {here}", owners(near)),
        _ => suggest::help("settings here", key, keys),
    }
}

/// What the readers need beside the settings.
pub(super) struct Context<'s> {
    pub(super) sources: &'s Sources,
    pub(super) sink: &'s mut Sink,
    /// Files that hold overrides from outside the program.
    pub(super) override_files: &'s [FileId],
}

/// The settings of one block, checked against a table.
pub(super) struct Settings<'a> {
    rules: &'static [Rule],
    list: Vec<&'a Setting>,
    /// The block's name or keyword, where a missing setting is reported.
    place: Span,
    /// Whether everything read so far is right.
    pub(super) ok: bool,
}

/// What most settings take.
const SINGLE: &str = "a single value";

impl<'a> Settings<'a> {
    /// Takes `list` apart: unknown and duplicate keys are reported. Keys in `repeatable` may stand several times, and
    /// names in `extra` are keys too.
    pub(super) fn new(
        rules: &'static [Rule],
        list: &'a [Setting],
        place: Span,
        repeatable: &[&str],
        extra: &[String],
        cx: &mut Context<'_>,
    ) -> Self {
        let mut settings = Settings { rules, list: Vec::new(), place, ok: true };
        for setting in list {
            let key = setting.key.name.as_str();
            if !rules.iter().any(|r| r.key == key) && !extra.iter().any(|e| e == key) {
                let keys = rules.iter().map(|r| r.key).chain(extra.iter().map(String::as_str));
                let help = unknown_key(rules, key, keys.collect());
                let code = if cx.override_files.contains(&setting.key.span.file) { E0602 } else { E0501 };
                let d =
                    Diagnostic::error(code, format!("there is no setting `{key}` here"), setting.key.span, "unknown");
                cx.sink.push(d.help(help).missing(key));
                settings.ok = false;
                continue;
            }
            let first = settings.list.iter().find(|s| s.key.name == key);
            if let Some(first) = first.filter(|_| !repeatable.contains(&key)) {
                let d = Diagnostic::error(E0502, format!("`{key}` is set twice"), setting.key.span, "again here");
                cx.sink.push(d.label(first.key.span, "first here"));
                settings.ok = false;
                continue;
            }
            settings.list.push(setting);
        }
        settings
    }

    /// Every setting with this key.
    pub(super) fn all(&self, key: &str) -> Vec<&'a Setting> {
        self.list.iter().filter(|s| s.key.name == key).copied().collect()
    }

    /// The setting with this key.
    pub(super) fn get(&self, key: &str) -> Option<&'a Setting> {
        self.list.iter().find(|s| s.key.name == key).copied()
    }

    /// Reports that `key` is needed.
    pub(super) fn missing(&mut self, key: &str, cx: &mut Context<'_>) {
        let about = self.rules.iter().find(|r| r.key == key);
        let message = match about {
            Some(r) => format!("`{key}` is missing: {}", r.about),
            None => format!("`{key}` is missing"),
        };
        let help = match about.map(|r| r.takes) {
            Some(Takes::Form(form)) => format!("write `{form}`"),
            Some(Takes::Whole(..)) => format!("write `{key} 1000`"),
            _ => format!("write `{key} 0.01`"),
        };
        cx.sink.push(Diagnostic::error(E0505, message, self.place, "set in this block").help(help));
        self.ok = false;
    }

    /// Warns about settings of the other engine.
    pub(super) fn warn_other_engine(&self, engine: Engine, cx: &mut Context<'_>) {
        for setting in &self.list {
            let rule = self.rules.iter().find(|r| r.key == setting.key.name);
            if let Some(other) = rule.and_then(|r| r.engine).filter(|e| *e != engine) {
                let (key, name, used) = (&setting.key.name, other.name(), engine.name());
                let message = format!("`{key}` belongs to the {name} engine, and this fit uses the {used} engine");
                cx.sink.push(Diagnostic::warning(W0703, message, setting.span, "has no effect"));
            }
        }
    }

    /// A number in the key's range.
    pub(super) fn number(&mut self, key: &str, cx: &mut Context<'_>) -> Option<f64> {
        let setting = self.get(key)?;
        let value = self.value(setting, cx)?;
        let v = self.constant(setting, value, cx)?;
        let Some(Takes::Number(low, high, open)) = self.rule(key).map(|r| r.takes) else { return Some(v) };
        if v < low || v > high || (open && v == low) {
            let least = if open { format!("above {}", number(low)) } else { format!("at least {}", number(low)) };
            let message = format!("`{key}` must be {least} and at most {}, and this is {}", number(high), number(v));
            return self.out_of_range(message, value.span, cx);
        }
        Some(v)
    }

    /// A whole number in the key's range.
    pub(super) fn whole(&mut self, key: &str, cx: &mut Context<'_>) -> Option<u64> {
        let setting = self.get(key)?;
        let value = self.value(setting, cx)?;
        let v = self.constant(setting, value, cx)?;
        let (low, high) = match self.rule(key).map(|r| r.takes) {
            Some(Takes::Whole(low, high)) => (low, high),
            _ => (0, MAX_SEED),
        };
        if v.fract() != 0.0 || v < low as f64 || v > high as f64 {
            let message = format!("`{key}` must be a whole number from {low} to {high}, and this is {}", number(v));
            return self.out_of_range(message, value.span, cx);
        }
        Some(v as u64)
    }

    /// [`Settings::whole`] for counts.
    pub(super) fn count(&mut self, key: &str, cx: &mut Context<'_>) -> Option<usize> {
        self.whole(key, cx).and_then(|v| usize::try_from(v).ok())
    }

    /// One of the key's words.
    pub(super) fn word(&mut self, key: &str, cx: &mut Context<'_>) -> Option<&'a str> {
        let setting = self.get(key)?;
        let value = self.value(setting, cx)?;
        let Some(Takes::Word(words)) = self.rule(key).map(|r| r.takes) else { return None };
        match &value.kind {
            ExprKind::Name(word) if words.contains(&word.as_str()) => Some(word),
            ExprKind::Name(word) => {
                let help = suggest::help("choices", word, words.iter().copied());
                let d = Diagnostic::error(
                    E0503,
                    format!("`{key}` cannot be `{word}`"),
                    value.span,
                    "not one of the choices",
                );
                cx.sink.push(d.help(help).missing(word.as_str()));
                self.ok = false;
                None
            }
            _ => self.wrong(setting, &format!("one of the words {}", words.join(", ")), cx),
        }
    }

    /// A text or, where the table says so, a name.
    pub(super) fn text(&mut self, key: &str, cx: &mut Context<'_>) -> Option<String> {
        let setting = self.get(key)?;
        self.text_of(setting, cx)
    }

    /// The text of a setting that may be a key of its own.
    pub(super) fn text_of(&mut self, setting: &'a Setting, cx: &mut Context<'_>) -> Option<String> {
        let value = self.value(setting, cx)?;
        match &value.kind {
            ExprKind::Text(text) => Some(text.clone()),
            ExprKind::Name(name) => Some(name.clone()),
            _ => self.wrong(setting, "a name or a text in quotes", cx),
        }
    }

    /// Reports that a setting does not have its form.
    pub(super) fn wrong<T>(&mut self, setting: &Setting, wanted: &str, cx: &mut Context<'_>) -> Option<T> {
        let message = format!("`{}` takes {wanted}", setting.key.name);
        let d = Diagnostic::error(E0503, message, setting.span, "has another form");
        let subscript = |e: &Expr| matches!(e.kind, ExprKind::Subscript { .. });
        let unit = setting.values.iter().any(|v| matches!(v, SettingValue::Expr(e) if subscript(e)));
        let written = unit.then(|| suggest::with_blank(cx.sources.text(setting.span))).flatten();
        cx.sink.push(match written {
            Some(written) => d.help(format!("a unit stands behind a blank: `{written}`")),
            None if wanted == SINGLE && unit_word(setting).is_some() => {
                let takes = self.rule(&setting.key.name).map(|r| r.takes);
                let (number, unit) = unit_word(setting).map(|(n, u)| (cx.sources.text(n), u)).unwrap_or_default();
                d.help(match takes {
                    Some(Takes::Whole(..)) => {
                        format!("a count has no unit: write `{} {number}`", setting.key.name)
                    }
                    _ => format!("a unit stands in brackets: write `{} {number} [{unit}]`", setting.key.name),
                })
            }
            None if wanted == SINGLE && setting.values.len() > 1 => {
                d.help("settings are separated by `;` or stand on lines of their own")
            }
            None => d,
        });
        self.ok = false;
        None
    }

    /// Reports that a setting does not have the form of its table line.
    pub(super) fn wrong_form<T>(&mut self, setting: &Setting, cx: &mut Context<'_>) -> Option<T> {
        match self.rule(&setting.key.name).map(|r| r.takes) {
            Some(Takes::Form(form)) => self.wrong(setting, &format!("another form: `{form}`"), cx),
            _ => self.wrong(setting, "something else", cx),
        }
    }

    /// Reports a value outside its range.
    pub(super) fn out_of_range<T>(&mut self, message: String, span: Span, cx: &mut Context<'_>) -> Option<T> {
        cx.sink.push(Diagnostic::error(E0504, message, span, "out of range"));
        self.ok = false;
        None
    }

    /// The number an expression in a setting stands for.
    pub(super) fn constant(&mut self, setting: &Setting, value: &Expr, cx: &mut Context<'_>) -> Option<f64> {
        match &value.kind {
            ExprKind::Name(name) if name != "pi" => self.wrong(setting, "a number", cx),
            ExprKind::Text(_) | ExprKind::Tuple(_) | ExprKind::Hole(_) | ExprKind::Field { .. } => {
                self.wrong(setting, "a number", cx)
            }
            _ => {
                let v = bare_constant(value, cx.sources, cx.sink);
                self.ok &= v.is_some();
                v
            }
        }
    }

    /// The one expression of a setting.
    fn value(&mut self, setting: &'a Setting, cx: &mut Context<'_>) -> Option<&'a Expr> {
        match setting.values.as_slice() {
            [SettingValue::Expr(e)] => Some(e),
            [SettingValue::Tuple(list, _)] if list.len() == 1 => list.first(),
            [] => self.wrong(setting, "a value", cx),
            _ => self.wrong(setting, SINGLE, cx),
        }
    }

    fn rule(&self, key: &str) -> Option<&'static Rule> {
        self.rules.iter().find(|r| r.key == key)
    }
}

/// The number of a setting and the word behind it, where that is a unit: `10 d`.
fn unit_word(setting: &Setting) -> Option<(Span, &str)> {
    let [SettingValue::Expr(number), word] = setting.values.as_slice() else { return None };
    let word = as_word(word).filter(|word| crate::hir::known_unit(word).is_some())?;
    matches!(number.kind, ExprKind::Number { .. }).then_some((number.span, word))
}

/// The word a part of a setting is, if it is one.
pub(super) fn as_word(value: &SettingValue) -> Option<&str> {
    match value {
        SettingValue::Expr(Expr { kind: ExprKind::Name(name), .. }) => Some(name),
        _ => None,
    }
}

/// The expressions of a part: a list, a tuple, or one expression (which may be a tuple).
pub(super) fn elements(value: &SettingValue) -> Option<Vec<&Expr>> {
    match value {
        SettingValue::Expr(Expr { kind: ExprKind::Tuple(list), .. }) => Some(list.iter().collect()),
        SettingValue::Expr(e) => Some(vec![e]),
        SettingValue::List(list, _) | SettingValue::Tuple(list, _) => Some(list.iter().collect()),
        SettingValue::Equals(_) => None,
    }
}

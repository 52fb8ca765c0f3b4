//! Settings blocks: typed readers over the tables of what there is.

use super::model::bare_constant;
use super::rules::{MAX_SEED, Rule, Takes, unknown_key};
use super::settings_meant::unit_of_column;
use super::suggest;
use crate::diagnostics::codes::{E0501, E0502, E0503, E0504, E0505, E0602, W0703};
use crate::diagnostics::{Advice, Among, Diagnostic, Sink, closest};
use crate::hir::{Engine, family, number};
use crate::source::{FileId, Sources, Span};
use crate::syntax::ast::{Expr, ExprKind, Setting, SettingValue, UnaryOp};

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

/// The name that is all that a setting says.
fn named_value(setting: &Setting) -> Option<&str> {
    match setting.values.as_slice() {
        [SettingValue::Expr(Expr { kind: ExprKind::Name(name), .. })] => Some(name),
        _ => None,
    }
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
        let known = |key: &str| rules.iter().any(|r| r.key == key) || extra.iter().any(|e| e == key);
        // `prey = u` where `u` is a name of the model's.
        let turned_round: Vec<&Setting> = list
            .iter()
            .filter(|s| !known(&s.key.name) && named_value(s).is_some_and(|name| extra.iter().any(|e| e == name)))
            .filter(|s| closest(&s.key.name, rules.iter().map(|r| r.key)).is_none())
            .collect();
        if let Some((first, name)) = turned_round.first().and_then(|first| Some((*first, named_value(first)?))) {
            let code = if cx.override_files.contains(&first.key.span.file) { E0602 } else { E0501 };
            let key = &first.key.name;
            let message = format!("there is no setting `{key}` here, and `{name}` is one");
            let d = Diagnostic::error(code, message, first.span, "the sides are turned round");
            let d = turned_round.iter().skip(1).fold(d, |d, other| d.label(other.span, "here too"));
            let written = format!("{name} = {key}");
            cx.sink.push(
                d.help(format!("what the data set gives stands on the left: `{written}`")).replace(first.span, written),
            );
            settings.ok = false;
        }
        for setting in list {
            let key = setting.key.name.as_str();
            if turned_round.iter().any(|s| s.span == setting.span) {
                continue;
            }
            if let Some((whole, end)) = key_apart(setting).filter(|(whole, _)| !known(key) && known(whole)) {
                let code = if cx.override_files.contains(&setting.key.span.file) { E0602 } else { E0501 };
                let place = Span { end, ..setting.key.span };
                let d = Diagnostic::error(code, format!("there is no setting `{key}` here"), place, "one word");
                cx.sink.push(d.help(suggest::did_you_mean(&whole)).missing_among(Among::Settings, key));
                settings.ok = false;
                continue;
            }
            if !known(key) {
                let keys = rules.iter().map(|r| r.key).chain(extra.iter().map(String::as_str));
                let help = unknown_key(rules, key, keys.collect());
                let code = if cx.override_files.contains(&setting.key.span.file) { E0602 } else { E0501 };
                let d =
                    Diagnostic::error(code, format!("there is no setting `{key}` here"), setting.key.span, "unknown");
                // Where names of a model are keys, what is nearest to no setting was meant as one of those.
                let nearest = closest(key, extra.iter().map(String::as_str).chain(rules.iter().map(|r| r.key)));
                let is_name = !extra.is_empty() && nearest.is_none_or(|near| extra.iter().any(|e| e == near));
                let among = if is_name { Among::Names } else { Among::Settings };
                // Elements go with their family.
                cx.sink.push(d.help(help).missing_among(among, family(key)));
                settings.ok = false;
                continue;
            }
            let first = settings.list.iter().find(|s| s.key.name == key);
            if let Some(first) = first.filter(|_| !repeatable.contains(&key)) {
                let d = Diagnostic::error(E0502, format!("`{key}` is set twice"), setting.key.span, "again here")
                    .help("leave one of them out");
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
        // `steps = 100, dt = 0.1`: that they are not separated is said of the first.
        let swallowed = |setting: &&Setting| {
            let text = cx.sources.text(setting.span);
            let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            setting.values.len() > 1 && words.skip(1).any(|word| word == key)
        };
        if self.list.iter().any(swallowed) {
            self.ok = false;
            return;
        }
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
                self.warn_other(setting, other, cx);
            }
        }
    }

    /// Warns of a setting that only the engine `of` takes.
    pub(super) fn warn_other(&self, setting: &Setting, of: Engine, cx: &mut Context<'_>) {
        let used = match of {
            Engine::Joint => Engine::Gradient,
            Engine::Gradient => Engine::Joint,
        };
        let (key, name, used) = (&setting.key.name, of.name(), used.name());
        let message = format!("`{key}` belongs to the {name} engine, and this fit uses the {used} engine");
        let help = match key.as_str() {
            "threshold" | "prune_from" => {
                "the joint engine drops terms that are not significant: `significance 3` says how many standard errors a term must reach"
                    .to_string()
            }
            "significance" => {
                "the gradient engine drops terms by the size of their coefficients: `threshold 0.1`".to_string()
            }
            _ => format!("leave it out, or have the fit made by the other engine: `engine {name}`"),
        };
        cx.sink.push(Diagnostic::warning(W0703, message, setting.span, "has no effect").help(help));
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
                cx.sink.push(d.help(help).missing_among(Among::Settings, word.as_str()));
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
            Some(written) => d.help(Advice::instead(format!("a unit stands behind a blank: `{written}`"), written)),
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
                match suggest::decimal_comma(cx.sources.text(setting.span)) {
                    Some((at, number)) => {
                        let start = setting.span.start + at as u32;
                        let comma = Span { start, end: start + 1, ..setting.span };
                        d.help(format!("a number has a decimal point: `{number}`")).replace(comma, ".")
                    }
                    None => match (self.column_name(setting, cx), self.next_setting(setting, cx)) {
                        (Some((place, quoted)), _) => match unit_of_column(&quoted) {
                            Some((column, unit)) => {
                                let written = format!("{column} [{unit}]");
                                let help = format!("a unit stands in brackets: `{written}`; a column that is called that in quotes: `{quoted}`");
                                // Names of columns in files often end with a unit in parentheses.
                                let name_of_file = quoted.contains('(');
                                d.help(help).replace(place, if name_of_file { quoted } else { written })
                            }
                            None => {
                                let help = format!("a column whose name has blanks or signs stands in quotes: `{quoted}`");
                                d.help(help).replace(place, quoted)
                            }
                        },
                        (None, Some(gap)) => {
                            d.help("settings are separated by `;` or stand on lines of their own").replace(gap, "; ")
                        }
                        (None, None) => d.help("settings are separated by `;` or stand on lines of their own"),
                    },
                }
            }
            None => match self.way_out(setting, cx) {
                Some(help) => d.help(help),
                None => d,
            },
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

    pub(super) fn rule(&self, key: &str) -> Option<&'static Rule> {
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

/// The key that was written as two words, `hold out 20%` or `hold-out 20%`, and where the second of them ends.
fn key_apart(setting: &Setting) -> Option<(String, u32)> {
    let SettingValue::Expr(first) = setting.values.first()? else { return None };
    let word = match &first.kind {
        ExprKind::Unary { op: UnaryOp::Negate, operand } => operand,
        _ => first,
    };
    let ExprKind::Name(name) = &word.kind else { return None };
    // A value stands behind it: `u = hare` is a key and its column.
    (setting.values.len() > 1).then(|| (format!("{}{name}", setting.key.name), word.span.end))
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

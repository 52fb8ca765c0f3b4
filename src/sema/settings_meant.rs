//! What was meant by a setting that does not have its form.

use super::rules::Takes;
use super::settings::{Context, Settings, as_word};
use crate::hir::{known_unit, number};
use crate::source::Span;
use crate::syntax::ast::{ExprKind, Setting, SettingValue};

impl Settings<'_> {
    /// What is written in place of a setting without a value or in another form.
    pub(super) fn way_out(&self, setting: &Setting, cx: &Context<'_>) -> Option<String> {
        let key = setting.key.name.as_str();
        let rule = self.rule(key);
        if key == "holdout" {
            return Some(
                "`holdout 20%` keeps the end of every trajectory out of the fit, `holdout 20% of trajectories` whole ones".to_string(),
            );
        }
        let first = setting.values.first();
        match (rule.map(|r| r.takes), first) {
            (Some(Takes::Whole(low, _)), None) => Some(format!("write `{key} {}`", low.max(1))),
            (Some(Takes::Number(low, high, _)), None) => {
                Some(format!("write `{key} {}`", number(if low < 1.0 && high > 1.0 { 1.0 } else { high })))
            }
            (Some(Takes::Word(words)), None) => Some(format!("write `{key} {}`", words.join(&format!("` or `{key} ")))),
            (Some(Takes::Name), None) => {
                Some(format!("name a column: `{key} {}`", if key == "time" { "t" } else { "name" }))
            }
            // `x = (prey, predators)`
            (None, Some(SettingValue::Tuple(list, _))) if setting.values.len() == 1 && list.len() > 1 => {
                let columns =
                    list.iter().enumerate().map(|(i, e)| format!("{key}[{}] = {}", i + 1, cx.sources.text(e.span)));
                Some(format!(
                    "a state has one column; of a family each element has its own: `{}`",
                    columns.collect::<Vec<_>>().join("; ")
                ))
            }
            // `x [g/L]`
            (None, Some(SettingValue::List(..))) => {
                let unit = cx.sources.text(setting.span).strip_prefix(key)?.trim();
                Some(format!("a column has its unit behind its name: `{key} = {key} {unit}`"))
            }
            // `column biomass as x`
            (_, Some(_)) if key == "column" => {
                let words: Vec<&str> = setting.values.iter().filter_map(as_word).collect();
                match words.as_slice() {
                    [column, "as" | "to", state] => {
                        Some(format!("the column of a state stands behind it: `{state} = {column}`"))
                    }
                    // `column report = infected`
                    _ => {
                        let text = cx.sources.text(setting.span).strip_prefix(key)?.trim();
                        let (state, column) = text.split_once('=')?;
                        let (state, column) = (state.trim(), column.trim());
                        Some(format!(
                            "`column` says the unit of a column that formulas read; a state or an input is read by `{state} = {column}`, without the word"
                        ))
                    }
                }
            }
            // `missing NA`
            (_, Some(value)) if key == "missing" => match as_word(value) {
                Some(word) if setting.values.len() == 1 => {
                    Some(format!("a text stands in quotes: `missing \"{word}\"`"))
                }
                _ => None,
            },
            // `input x`
            (_, Some(_)) if key == "input" && !setting.values.iter().any(|v| as_word(v) == Some("over")) => {
                let states = cx.sources.text(setting.span).strip_prefix(key)?.trim();
                if states.contains('=') || states.starts_with("learned") {
                    return None;
                }
                Some(format!("a network reads windows of samples: `input {states} over window`"))
            }
            _ => None,
        }
    }

    /// Where the next setting of the table begins in the values of one: `time t, holdout 20%`, `time t holdout 20%`. What separates them.
    pub(super) fn next_setting(&self, setting: &Setting, cx: &Context<'_>) -> Option<Span> {
        let text = cx.sources.text(setting.span);
        let known = |word: &str| self.rule(word).is_some_and(|_| word != setting.key.name);
        let mut from = setting.key.name.len();
        while let Some(n) = text.get(from..)?.find([' ', ',']) {
            let start = from + n;
            let rest = text.get(start..)?;
            let word = rest.trim_start_matches([' ', ',']);
            let end = start + rest.len() - word.len();
            let name = word.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
            if known(name) {
                let at = |n: usize| setting.span.start + n as u32;
                return Some(Span { start: at(start), end: at(end), ..setting.span });
            }
            from = end.max(start + 1);
        }
        None
    }

    /// The values of a setting that names a column, as one name: `time Time (h)`, `x = Conc (uM)`.
    pub(super) fn column_name(&self, setting: &Setting, cx: &Context<'_>) -> Option<(Span, String)> {
        let key = setting.key.name.as_str();
        let names_column = match self.rule(key) {
            Some(_) => matches!(key, "time" | "trajectory"),
            None => true,
        };
        let is_name = |v: &SettingValue| matches!(v, SettingValue::Expr(e) if matches!(e.kind, ExprKind::Name(_)));
        // What follows may be the next setting, where a `;` is missing: `time t x = prey`, `time t spacing irregular`.
        let mut words = setting.values.iter().skip(1).filter_map(as_word);
        let next = setting.values.iter().any(|v| matches!(v, SettingValue::Equals(_)))
            || words.any(|word| word != key && self.rule(word).is_some());
        if !names_column || next || !setting.values.first().is_some_and(is_name) {
            return None;
        }
        let whole = cx.sources.text(setting.span);
        let value = whole.strip_prefix(key)?.trim_start();
        let value = value.strip_prefix('=').unwrap_or(value).trim();
        if value.contains(['"', '\\', '\n', ',']) {
            return None;
        }
        let end = setting.span.start + whole.trim_end().len() as u32;
        let place = Span { start: end - value.len() as u32, end, ..setting.span };
        Some((place, format!("\"{value}\"")))
    }
}

/// The column and the unit of `"t (h)"`, `"t in h"`, `"x g/L"`, where every name in it is a unit.
pub(super) fn unit_of_column(quoted: &str) -> Option<(&str, &str)> {
    let (column, rest) = quoted.trim_matches('"').split_once(' ')?;
    let rest = rest.trim();
    let unit = rest.strip_prefix("in ").unwrap_or(rest).trim();
    let unit = unit.strip_prefix('(').and_then(|u| u.strip_suffix(')')).unwrap_or(unit).trim();
    let mut names = unit.split(|c: char| !c.is_alphabetic()).filter(|name| !name.is_empty()).peekable();
    let plain = unit.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '^' | '*' | '-'));
    let is_unit = names.peek().is_some() && names.all(|name| known_unit(name).is_some());
    (plain && is_unit).then_some((column, unit))
}

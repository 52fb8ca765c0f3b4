//! Colons, which other languages have in many places.

use std::ops::Range;

use super::lexer::{Lexer, TokenKind};
use super::slips::meant;
use crate::diagnostics::codes;

/// What is said, and the edit that mends it.
type Advice = (String, Option<(Range<usize>, String)>);

impl Lexer<'_, '_, '_> {
    /// A colon, which other languages have in many places.
    pub(super) fn colon(&mut self) {
        let (at, rest) = (self.at, self.rest());
        let before = self.line_before().trim();
        let blanks = self.line_before().len() - self.line_before().trim_end().len();
        let after = self.line_on().get(1..).unwrap_or_default().trim();
        let first = before.split_whitespace().next().unwrap_or_default().to_string();
        let name = before.rsplit([' ', '{', ';', '(', ',']).next().unwrap_or_default().to_string();
        let declares = |word: &str| matches!(word, "state" | "input" | "param" | "const" | "let");
        if first == "for" && !name.is_empty() && after.starts_with(char::is_alphanumeric) {
            let help = "a loop goes over a range: `for i in 1..8 { ... }`".to_string();
            let message = "unexpected character `:`".to_string();
            return self.bad_with_edit(codes::E0108, message, at + 1, help, self.range_of_loop());
        }
        if let Some((help, edit)) = self.colon_of_others(before, after) {
            let message = "unexpected character `:`".to_string();
            return match edit {
                Some(edit) => self.bad_with_edit(codes::E0108, message, at + 1, help, edit),
                // What stands behind it on its line is a part of the same.
                None => {
                    self.bad(codes::E0108, message, at + 1, "", Some(help));
                    let end = self.run(self.at, |c| !matches!(c, '\n' | '\r' | '{' | '}'));
                    self.push(TokenKind::Bad, end);
                }
            };
        }
        let is_header = matches!(first.as_str(), "model" | "network" | "test");
        let (help, edit) = match () {
            () if rest.starts_with(":=") && before.contains('[') && !before.contains('\'') => {
                ("a function is declared with parentheses: `fn f(x) = 2*x`".to_string(), None)
            }
            // What is assigned without a declaration is a name for an expression.
            () if rest.starts_with(":=") && before == name && is_name(&name) && !self.is_declared(&name) => {
                let value = after.trim_start_matches('=').trim_start();
                let instead = (at - name.len() - blanks..at + 2, format!("let {name} ="));
                let help = format!("a name for an expression is declared: `let {name} = {value}`");
                let message = "unexpected character `:`".to_string();
                return self.bad_with_edit(codes::E0108, message, at + 2, help, instead);
            }
            () if rest.starts_with(":=") => {
                (format!("sides are set equal by `=` alone: `{name} = ...`"), Some((at..at + 2, "=")))
            }
            () if is_header && after.starts_with('{') => {
                ("a block starts with its brace alone".to_string(), Some((at..at + 1, "")))
            }
            () if is_header && after.is_empty() => {
                (format!("braces enclose what belongs to it: `{before} {{ ... }}`"), None)
            }
            () if is_name(&name) && starts_option(before, &name) && !after.is_empty() => {
                let (edit, whole) = self.options();
                let help = format!("options have equals signs: `{name}{whole}`");
                return self.bad_with_edit(codes::E0108, "unexpected character `:`".to_string(), at + 1, help, edit);
            }
            () if before.contains('?') => {
                let written = ternary(before, after).unwrap_or_else(|| "if x > 1 then 2 else 3".to_string());
                (format!("a conditional is written `{written}`"), None)
            }
            () if (declares(&first) || first == "initial") && first == name => {
                ("a declaration has no colon".to_string(), Some((at..at + 1, "")))
            }
            () if matches!(first.as_str(), "param" | "const" | "let") => {
                (format!("a value stands behind an equals sign: `{name} = {after}`"), Some((at..at + 1, " =")))
            }
            () if declares(&first) => (format!("a unit stands in brackets behind a blank: `{name} [{after}]`"), None),
            () if first == "fit" && before.split_whitespace().eq(["fit", name.as_str()]) => {
                let Some((place, written)) = self.named_fit(&name) else {
                    let help = format!("the name of a fit stands behind it: `fit Model to data as {name}`");
                    return self.bad(codes::E0108, "unexpected character `:`".to_string(), at + 1, "", Some(help));
                };
                let help = format!("the name of a fit stands behind it: `fit {written}`");
                let message = "unexpected character `:`".to_string();
                return self.bad_with_edit(codes::E0108, message, at + 1, help, (place, written));
            }
            // A number before it is no setting.
            () if is_name(&name) && !after.is_empty() => {
                ("a setting has no colon: `dt 0.1`".to_string(), Some((at..at + 1, "")))
            }
            () => ("blocks stand in braces, and values behind `=`".to_string(), None),
        };
        let message = "unexpected character `:`".to_string();
        match edit {
            Some((gone, instead)) => {
                self.bad_with_edit(codes::E0108, message, gone.end, help, (gone, instead.to_string()))
            }
            None => self.bad(codes::E0108, message, at + 1, "", Some(help)),
        }
    }

    /// What is written for the colons of `lr: 0.1, decay: cosine`, from the first one on to the last in its parentheses, and all that then
    /// stands there behind the first name.
    fn options(&self) -> ((Range<usize>, String), String) {
        let line = self.line_on();
        let mut depth = 0_usize;
        let inside = line.find(|c| {
            match c {
                '(' => depth += 1,
                ')' if depth == 0 => return true,
                ')' => depth -= 1,
                _ => {}
            }
            false
        });
        let inside = line.get(..inside.unwrap_or(line.len())).unwrap_or_default();
        // What stands behind a name and a colon that are an option of their own.
        let is_option = |part: &str| part.rsplit([',', ';']).next().is_some_and(|name| is_name(name.trim()));
        let mut written = String::new();
        let mut end = 0;
        let mut from = 0;
        for (at, _) in inside.match_indices(':') {
            let part = inside.get(from..at).unwrap_or_default();
            if at > 0 && !(part.contains([',', ';']) && is_option(part)) {
                continue;
            }
            written.push_str(part.trim_end());
            written.push_str(" = ");
            let behind = inside.get(at + 1..).unwrap_or_default();
            end = at + 1 + (behind.len() - behind.trim_start().len());
            from = end;
        }
        let whole = format!("{written}{}", inside.get(end..).unwrap_or_default());
        let before = self.line_before();
        let blanks = before.len() - before.trim_end().len();
        ((self.at - blanks..self.at + end, written), whole)
    }

    /// What is written for `F: M to d` behind `fit`, and in place of what; `None` where a fit is not all that stands there.
    fn named_fit(&self, name: &str) -> Option<(Range<usize>, String)> {
        let (before, line) = (self.line_before(), self.line_on().get(1..)?);
        let header = line.split("//").next()?.split(['{', ';', '}']).next()?.trim_end();
        let has = |word: &str| header.split_whitespace().any(|w| w == word);
        let start = self.at - before.len() + before.rfind(name)?;
        let written = format!("{} as {name}", header.trim_start());
        (has("to") && !has("as")).then_some((start..self.at + 1 + header.len(), written))
    }

    /// What is written for `:` in `for i in 1:8`, and for `= 1:` in `for i = 1:8`.
    fn range_of_loop(&self) -> (Range<usize>, String) {
        let before = self.line_before();
        let end = self.at + 1;
        match before.rsplit_once('=') {
            Some((_, low)) => (self.at - low.len() - 1..end, format!("in {}..", low.trim())),
            None => (self.at..end, "..".to_string()),
        }
    }

    /// What stands around a colon of Python, Julia or Antimony: `before` and `after` it on its line.
    fn colon_of_others(&self, before: &str, after: &str) -> Option<Advice> {
        let at = self.at;
        let first = before.split([' ', '(']).next().unwrap_or_default();
        let end = at + self.line_on().split("//").next().unwrap_or_default().trim_end().len();
        // Where the word at the start of the line, or what stands on it, begins.
        let start = at - self.line_before().trim_start().len();
        match first {
            // `def f(x): return x^2`
            "def" if before.ends_with(')') => {
                let header = before.strip_prefix("def")?.trim_start();
                let body = after.strip_prefix("return").map(|body| body.trim().replace("**", "^"));
                let body = body.filter(|body| !body.is_empty());
                Some(match body {
                    Some(body) => {
                        let written = format!("fn {header} = {body}");
                        (format!("a function is declared as `{written}`"), Some((start..end, written)))
                    }
                    None => (format!("a function has a value and no block: `fn {header} = ...`"), None),
                })
            }
            // `f = lambda x: x^2`
            _ if before.contains("lambda ") => {
                let (name, arguments) = before.split_once("lambda ")?;
                let name = name.trim_end().strip_suffix('=')?.trim();
                let written = format!("fn {name}({}) = {after}", arguments.trim());
                let edit = is_name(name).then(|| (start..end, written.clone()));
                Some((format!("a function is declared as `{written}`"), edit))
            }
            // `time: s`
            "time" if before == "time" && !after.is_empty() && !after.contains(['=', ' ']) => {
                let written = format!("time [{after}]");
                Some((format!("a unit stands in brackets: `{written}`"), Some((start..end, written))))
            }
            // `param k: 1/s = 0.3`
            "param" | "const" | "let" if unit_before_value(after).is_some() => {
                let (unit, value) = unit_before_value(after)?;
                let written = format!("{before} [{unit}] = {value}");
                Some((format!("a unit stands in brackets behind a blank: `{written}`"), Some((start..end, written))))
            }
            // `index i = 1:3`
            "index" if before.ends_with(|c: char| c.is_ascii_digit()) => {
                let whole = before.rsplit('=').next().unwrap_or_default().trim().to_string() + ".." + after;
                Some((format!("a range is written `{whole}`"), Some((at..at + 1, "..".to_string()))))
            }
            // `t = 0:0.1:10`
            _ if before.contains('=') && !before.contains('?') && before.ends_with(|c: char| c.is_ascii_digit()) && after.starts_with(|c: char| c.is_ascii_digit()) => Some((
                "times are given by their number and spacing, `steps 101; dt 0.1`, or in a formula by `t = linspace(0, 10, 101)`"
                    .to_string(),
                None,
            )),
            // `param k: float = 0.3`
            "param" | "const" | "let" | "state" => {
                let kind = after.split(['=', ' ', ',']).next()?;
                const TYPES: [&str; 9] =
                    ["float", "int", "real", "Real", "double", "Float64", "number", "f64", "bool"];
                TYPES.contains(&kind).then(|| {
                    let width = self.line_on().find(kind).map_or(1, |at| at + kind.len());
                    ("declarations have no types: leave it out".to_string(), Some((at..at + width, String::new())))
                })
            }
            // `parameters: k = 0.3`
            _ if before == first && meant(first).is_some() && !after.is_empty() => {
                let keyword = meant(first)?;
                Some((format!("a declaration has no colon: `{keyword} {after}`"), Some((start..at + 1, keyword.to_string()))))
            }
            "at" | "when" => Some((
                "there are no events: an amount that comes in at a time is an input, `input dose impulse`, and what changes at a time is part of an equation, `if t > 5 then 1 else 0`".to_string(),
                None,
            )),
            "if" if after.contains(" = ") && !after.contains(';') => {
                let (left, right) = after.split_once(" = ")?;
                let condition = before.strip_prefix("if")?.trim();
                let right = right.split("//").next().unwrap_or_default().trim_end();
                Some((format!("a conditional is an expression: `{left} = if {condition} then {right} else ...`"), None))
            }
            "if" | "elif" | "else" | "while" => Some((
                "a conditional is an expression: `x' = if t > 1 then 2 else 3`".to_string(),
                None,
            )),
            // `J0: A -> B; k*A`
            _ if is_name(before) && after.contains("->") => Some((
                "reactions are written as equations: each state has one with the rates that change it, `A' = -k*A`, `B' = k*A`".to_string(),
                None,
            )),
            _ => None,
        }
    }
}

/// The unit and the value of `1/s = 0.3`: a unit has letters and no type of other languages.
fn unit_before_value(text: &str) -> Option<(&str, &str)> {
    let (unit, value) = text.split_once('=')?;
    let (unit, value) = (unit.trim(), value.trim());
    let plain = unit.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '*' | '^' | '-' | '(' | ')'));
    let names: Vec<&str> = unit.split(|c: char| !c.is_alphabetic()).filter(|name| !name.is_empty()).collect();
    // Names of types are longer than those of units.
    (plain
        && !names.is_empty()
        && names.iter().all(|n| n.len() <= 4 && !matches!(*n, "int" | "f" | "real" | "Real" | "bool"))
        && !value.is_empty())
    .then_some((unit, value))
}

/// `condition ? value : other` as it is written here, where each of them is plain; `before` and `after` are what stands around the colon.
fn ternary(before: &str, after: &str) -> Option<String> {
    let (condition, value) = before.rsplit_once('?')?;
    let sign = |at: usize, c: char| condition.get(at..).is_some_and(|rest| rest.starts_with(c));
    let is = condition.char_indices().find(|&(i, c)| {
        c == '=' && !sign(i + 1, '=') && !condition.get(..i).is_some_and(|b| b.ends_with(['<', '>', '!', '=']))
    });
    let condition = condition.get(is?.0 + 1..)?.trim();
    let other = after.split([';', '}']).next()?.split("//").next()?.trim();
    let plain = |text: &str| !text.is_empty() && text.matches('(').count() == text.matches(')').count();
    let all = [condition, value.trim(), other];
    all.iter().all(|text| plain(text)).then(|| format!("if {} then {} else {}", all[0], all[1], all[2]))
}

/// Whether a text is a name.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Whether the name at the end of a text follows a parenthesis or a separator inside of one.
fn starts_option(before: &str, name: &str) -> bool {
    let rest = before.strip_suffix(name).unwrap_or_default().trim_end();
    rest.ends_with(['(', ',', ';']) && before.matches('(').count() > before.matches(')').count()
}

//! Values, ranges and options in forms that are near to those of the language.

use super::super::explain::{Said, Stop};
use super::super::grammar::Rule;
use super::super::lexer::{Token, TokenKind};
use crate::diagnostics::codes;

/// Statements whose names have values.
const WITH_VALUES: [Rule; 5] =
    [Rule::param_statement, Rule::const_statement, Rule::let_statement, Rule::initial_statement, Rule::final_statement];

/// Whether two texts are the ends of a range, as numbers of this language: from below to above.
pub(super) fn is_range(low: &str, high: &str) -> bool {
    let number = |text: &str| {
        // What else is read as a number is a word here: `inf`, `nan`.
        let digits = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E'));
        text.parse::<f64>().ok().filter(|value| digits && value.is_finite())
    };
    number(low).zip(number(high)).is_some_and(|(low, high)| low < high)
}

impl Stop<'_> {
    /// `param a = 1 in [0 5]`, `in [0; 5]`, `in [0..5]`
    pub(super) fn ends_without_comma(&self) -> Option<Said> {
        let mut before = self.backwards().filter(|_| self.rule == Rule::param_statement);
        let open = before.find(|t| t.kind == TokenKind::Open(b'['))?;
        before.next().filter(|&t| self.slice(t) == "in")?;
        let close = self.matching(open)?;
        let inside = self.text.get(open.end..close.start)?.replace([';', '~'], " ").replace("..", " ");
        let ends: Vec<&str> = inside.split_whitespace().filter(|part| *part != "to").collect();
        let [low, high] = ends.as_slice() else { return None };
        let (low, high) = if is_range(high, low) { (high, low) } else { (low, high) };
        if !is_range(low, high) {
            return None;
        }
        let range = format!("[{low}, {high}]");
        let message = "a comma stands between the ends of a range".to_string();
        let said = Said::new(codes::E0101, message, open.start..close.end, format!("write `in {range}`"));
        Some(said.edit(open.start..close.end, range))
    }

    /// `param a 1`, `initial x -2`, `let q 2*x`
    pub(super) fn value_without_equals(&self) -> Option<Said> {
        let (before, next) = self.before.zip(self.next)?;
        let has_name = matches!(before.kind, TokenKind::Word | TokenKind::Close(b']') | TokenKind::Primes);
        if !WITH_VALUES.contains(&self.rule) || !has_name || !self.expected.contains(&Rule::is) {
            return None;
        }
        let is_value = match next.kind {
            TokenKind::Number | TokenKind::Open(b'(') => true,
            // Between two names of parameters a comma may be missing.
            TokenKind::Word => self.expected == [Rule::is],
            _ => self.slice(next) == "-",
        };
        if !is_value {
            return None;
        }
        let keyword = *self.tokens.first()?;
        let start = self.backwards().take_while(|t| t.start > keyword.start && self.slice(*t) != ",").last()?;
        if self.slice(keyword) == "initial" && self.slice(next) == "in" {
            let message = "an initial value is a number, and has no range".to_string();
            let help = format!(
                "a fit estimates where observed states begin, without a word; for others write the number that it starts from: `initial {} = 1`",
                self.between(start, before)
            );
            return Some(Said::new(codes::E0101, message, self.place.clone(), help));
        }
        let (name, value) = (self.between(start, before), self.between(next, self.end_of_value(next)?));
        let message = "an equals sign is missing between a name and its value".to_string();
        let help = format!("write `{} {name} = {value}`", self.slice(keyword));
        let said = Said::new(codes::E0101, message, self.place.clone(), help);
        // What stands in parentheses may have been meant as a time.
        Some(if matches!(next.kind, TokenKind::Open(_)) { said } else { said.edit(before.end..next.start, " = ") })
    }

    /// `let x' = -x`
    pub(super) fn equation_with_let(&self) -> Option<Said> {
        let stops = self.rule == Rule::let_statement && self.next.is_some_and(|t| t.kind == TokenKind::Primes);
        let [word, name, ..] = self.tokens.get(..3).filter(|_| stops)? else { return None };
        if !self.onwards().iter().any(|&t| self.slice(t) == "=") {
            return None;
        }
        let message = "an equation has no `let`".to_string();
        let help = format!("write `{}{} = ...`", self.slice(*name), self.symbol(self.next));
        let said = Said::new(codes::E0101, message, word.start..word.end, help);
        Some(said.edit(word.start..name.start, ""))
    }

    /// `?poly(x; degree 2)`, `adam(lr 0.1)`
    pub(super) fn option_without_equals(&self) -> Option<Said> {
        let (option, value) = self.before.zip(self.next)?;
        let is_option = self.operator_is_missing()
            && matches!(self.slice(option), "degree" | "harmonics")
            && value.kind == TokenKind::Number;
        let before = self.backwards().nth(1).map_or("", |t| self.slice(t));
        let of_hole = is_option && matches!(before, ";" | ",") && self.backwards().any(|t| self.slice(t) == "?");
        const RULES: [Rule; 4] = [Rule::setting, Rule::setting_value, Rule::data_header, Rule::solve_header];
        let in_setting = RULES.contains(&self.rule);
        let kinds = (option.kind, value.kind);
        let is_pair = matches!(kinds, (TokenKind::Word, TokenKind::Word | TokenKind::Number));
        let of_setting =
            in_setting && is_pair && matches!(before, "(" | ";" | ",") && self.expected.contains(&Rule::is);
        if !(of_hole || of_setting) {
            return None;
        }
        let written = format!("{} = {}", self.slice(option), self.slice(value));
        let message = "an equals sign is missing between an option and its value".to_string();
        let said = Said::new(codes::E0101, message, option.start..value.end, format!("write `{written}`"));
        Some(said.edit(option.end..value.start, " = "))
    }

    /// `param 0 < k < 5`
    pub(super) fn ends_around_name(&self) -> Option<Said> {
        let starts = matches!(self.symbol(self.before), "param" | ",");
        let first = self.next.filter(|_| self.rule == Rule::param_statement && starts)?;
        let last = self.end_of_value(first)?;
        let part = || self.tokens.iter().copied().filter(|t| first.start <= t.start && t.end <= last.end);
        let mut signs = part().filter(|t| matches!(self.slice(*t), "<" | ">" | "<=" | ">="));
        let (Some(left), Some(right), None) = (signs.next(), signs.next(), signs.next()) else { return None };
        // `<=` is two tokens where no comparison is read.
        let behind = |sign: Token| part().filter(|t| t.start > sign.start).find(|t| self.slice(*t) != "=");
        let named = behind(left).filter(|t| t.kind == TokenKind::Word && t.start < right.start)?;
        let name = self.text.get(named.start..right.start)?.trim_end();
        let ends = [self.text.get(first.start..left.start)?.trim_end(), self.between(behind(right)?, last)];
        let [low, high] = match self.slice(left).as_bytes().first() == self.slice(right).as_bytes().first() {
            false => return None,
            true if self.slice(left).starts_with('<') => ends,
            true => [ends[1], ends[0]],
        };
        // What is no range is none in another place either.
        if !is_range(low, high) {
            return None;
        }
        let written = format!("{name} in [{low}, {high}]");
        let message = "the range of a parameter stands behind its name".to_string();
        let said = Said::new(codes::E0101, message, first.start..last.end, format!("write `param {written}`"));
        Some(said.edit(first.start..last.end, written))
    }

    /// `param k > 0`, `param k = 1..3`
    pub(super) fn range_as_value(&self) -> Option<Said> {
        let next = self.next.filter(|_| self.rule == Rule::param_statement)?;
        // The name with its unit, from the word or the comma on.
        let declared = self.backwards().take_while(|&t| !matches!(self.slice(t), "param" | ","));
        let name = self.text.get(declared.last()?.start..next.start)?.trim_end();
        // `>=` is two tokens where no comparison is read.
        let mut behind = self.onwards().iter().skip(1);
        let first = *behind.find(|t| self.slice(**t) != "=" || t.start > next.end)?;
        let last = self.end_of_value(first)?;
        let end = self.between(first, last);
        match self.slice(next) {
            sign @ ("<" | ">") if !name.contains(['=', '<', '>']) => {
                let number: f64 = end.parse().ok()?;
                let (low, high) = match sign == "<" {
                    true => (if number > 0.0 { 0.0 } else { number - 10.0 }, number),
                    false => (number, number + 10.0),
                };
                if !is_range(&low.to_string(), &high.to_string()) {
                    return None;
                }
                let message = "the range of a parameter stands behind `in`".to_string();
                let help = format!("it has two ends: `param {name} in [{low}, {high}]`");
                Some(Said::new(codes::E0101, message, self.place.clone(), help))
            }
            ".." => {
                let (name, low) = name.split_once('=')?;
                let (name, low) = (name.trim_end(), low.trim());
                // A word such as `fixed` or a unit goes on behind the upper end.
                if !is_range(low, end) {
                    return None;
                }
                let message = "the range of a parameter stands behind `in`".to_string();
                let is = self.backwards().find(|&t| self.slice(t) == "=")?;
                let said = Said::new(
                    codes::E0101,
                    message,
                    is.start..last.end,
                    format!("write `param {name} in [{low}, {end}]`"),
                );
                Some(said.edit(is.start..last.end, format!("in [{low}, {end}]")))
            }
            _ => None,
        }
    }
}

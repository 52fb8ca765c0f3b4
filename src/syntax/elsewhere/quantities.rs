//! Units in other brackets or in words, and the unit of the time.

use super::super::explain::{Said, Stop};
use super::super::grammar::Rule;
use super::super::lexer::{Token, TokenKind};
use crate::diagnostics::codes;

impl Stop<'_> {
    /// `time (h)`, `time t [h]`, `time in h`, `time h` in a model
    pub(super) fn time_of_model(&self) -> Option<Said> {
        let [word, second, ..] = self.tokens.get(..2).filter(|_| self.rule == Rule::equation)? else { return None };
        if self.slice(*word) != "time" || self.next.is_none_or(|t| t.start != second.start) || second.start == word.end
        {
            return None;
        }
        let rest = self.tokens.get(1..)?.iter().copied();
        let mut rest = rest.skip_while(|&t| matches!(self.slice(t), "t" | "in" | "unit" | "units")).peekable();
        let (first, last) = match rest.peek() {
            Some(&open) if matches!(open.kind, TokenKind::Open(b'(' | b'[')) => {
                let close = self.matching(open)?;
                let inside = self.tokens.iter().copied().filter(|t| t.start >= open.end && t.end <= close.start);
                let all: Vec<Token> = inside.collect();
                (*all.first()?, *all.last()?)
            }
            Some(&first) => (first, *self.tokens.last()?),
            // `time t` names what is measured in no unit.
            None => return None,
        };
        let plain = |t: &Token| {
            matches!(t.kind, TokenKind::Word | TokenKind::Number) || matches!(self.slice(*t), "/" | "^" | "*" | "-")
        };
        if !self.tokens.iter().filter(|t| t.start >= first.start && t.end <= last.end).all(plain) {
            return None;
        }
        let written = format!("time [{}]", self.between(first, last));
        let message = "the unit of the time stands in brackets".to_string();
        let whole = word.start..self.tokens.last()?.end;
        Some(Said::new(codes::E0112, message, whole.clone(), format!("write `{written}`")).edit(whole, written))
    }

    /// `state x g/L`, `state x (g/L)`, `state x in g/L`, `input q (W)`
    pub(super) fn unit_of_declared(&self) -> Option<Said> {
        let takes_unit = matches!(self.rule, Rule::state_statement | Rule::input_statement);
        let (before, next) = self.before.zip(self.next).filter(|_| takes_unit)?;
        let in_brackets = self.expected.contains(&Rule::close_bracket);
        if before.kind != TokenKind::Word || next.start == before.end || in_brackets || self.backwards().count() < 2 {
            return None;
        }
        let (unit, end) = match next.kind {
            TokenKind::Open(b'(') => {
                let close = self.matching(next)?;
                (self.text.get(next.end..close.start)?.trim(), close.end)
            }
            TokenKind::Word => {
                let first = match self.slice(next) {
                    "in" => *self.onwards().get(1)?,
                    _ => next,
                };
                let last = self.end_of_value(first)?;
                (self.between(first, last), last.end)
            }
            _ => return None,
        };
        // A single word may as well be another name, where a comma is missing.
        let is_told = next.kind != TokenKind::Word || self.slice(next) == "in" || unit.contains(['/', '^']);
        let is_unit = unit.starts_with(|c: char| c.is_alphabetic() || c == '1')
            && unit.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '^' | '*' | '-' | ' ' | '%'))
            && !matches!(unit, "t" | "0" | "order");
        if !is_told || !is_unit {
            return None;
        }
        let name = self.slice(before);
        let message = "a unit stands in brackets behind the name".to_string();
        let said = Said::new(codes::E0101, message, next.start..end, format!("write `{name} [{unit}]`"));
        Some(said.edit(before.end..end, format!(" [{unit}]")))
    }

    /// `param k = 0.3 1/h`
    pub(super) fn unit_of_number(&self) -> Option<Said> {
        let (before, next) = self.before.zip(self.next).filter(|_| self.operator_is_missing())?;
        let [one, slash, of, ..] = self.onwards().get(..3)? else { return None };
        let is_unit = before.kind == TokenKind::Number
            && self.slice(*one) == "1"
            && self.slice(*slash) == "/"
            && of.kind == TokenKind::Word
            && one.end == slash.start
            && slash.end == of.start;
        if !is_unit || self.is_declared(self.slice(*of)) {
            return None;
        }
        // From the slash on, so that the power and further factors belong to it.
        let mut last = *of;
        for &token in self.onwards().iter().skip(3) {
            let part =
                matches!(token.kind, TokenKind::Word | TokenKind::Number) || matches!(self.slice(token), "/" | "^");
            if !part || token.start != last.end {
                break;
            }
            last = token;
        }
        let unit = self.between(next, last);
        let message = "a unit stands in brackets behind its number".to_string();
        let help = format!("write `{} [{unit}]`", self.slice(before));
        let said = Said::new(codes::E0107, message, next.start..last.end, help);
        Some(said.edit(next.start..last.end, format!("[{unit}]")))
    }

    /// `[per hour]`, `[g per L]`, `[/h]`, `[-]`, `[]`
    pub(super) fn unit_in_words(&self) -> Option<Said> {
        let next = self.next?;
        let place = self.place.clone();
        let wants_unit = self.expected.contains(&Rule::unit_product)
            || self.expected.contains(&Rule::unit_factor)
            || self.expected.contains(&Rule::unit_one);
        let opened = self.before.filter(|t| wants_unit && t.kind == TokenKind::Open(b'['));
        if let Some(open) = opened {
            let said = |help: &str| {
                let message = format!("expected a unit, found {}", self.found);
                Said::new(codes::E0101, message, place.clone(), help)
            };
            let is_close = |t: Token| t.kind == TokenKind::Close(b']');
            return match self.slice(next) {
                "/" => Some(said("a quotient starts with a 1: `[1/h]`").edit(next.start..next.start, "1")),
                "-" if self.onwards().get(1).is_some_and(|&t| is_close(t)) => {
                    Some(said("a plain number is `[1]`").edit(next.start..next.end, "1"))
                }
                // A declaration without a unit has no brackets either.
                "]" => Some(said("a plain number is `[1]`").edit(open.start..next.end, "[1]")),
                _ => None,
            };
        }
        let in_unit = self.expected.contains(&Rule::close_bracket)
            && self.expected.contains(&Rule::multiply)
            && !self.expected.contains(&Rule::add);
        let before = self.before.filter(|_| in_unit)?;
        let (gone, instead) = match (self.slice(before), self.slice(next)) {
            ("per", _) if next.kind == TokenKind::Word => {
                let starts = self.backwards().nth(1).is_some_and(|t| t.kind == TokenKind::Open(b'['));
                (before.start..next.start, if starts { "1/" } else { "/" })
            }
            (_, "per") => (before.end..self.onwards().get(1)?.start, "/"),
            _ => return None,
        };
        let message = "in units `per` is written `/`".to_string();
        let help = "units are products, quotients and powers: `[1/h]`, `[g/L]`";
        Some(Said::new(codes::E0101, message, place, help).edit(gone, instead))
    }
}

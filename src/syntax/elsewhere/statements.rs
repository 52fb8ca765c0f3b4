//! Statements, conditionals and calls as other languages have them.

use super::super::explain::{Said, Stop};
use super::super::grammar::Rule;
use super::super::lexer::{Token, TokenKind};
use crate::diagnostics::codes;

impl Stop<'_> {
    /// A conditional without its other side, and `a if b else c`.
    pub(super) fn conditional(&self) -> Option<Said> {
        if self.operator_is_missing() && self.symbol(self.next) == "if" {
            let rest = self.onwards();
            let value = self.backwards().take_while(|&t| !matches!(self.slice(t), "=" | "(" | ",")).last()?;
            let Some(otherwise) = rest.iter().position(|&t| self.slice(t) == "else") else {
                let value = self.text.get(value.start..self.place.start)?.trim();
                let first = *rest.get(1)?;
                let condition = self.between(first, self.end_of_value(first)?);
                let message = "a conditional starts with its condition, and has an `else`".to_string();
                let help = format!("say what holds elsewhere: `if {condition} then {value} else 0`");
                return Some(Said::new(codes::E0101, message, self.place.clone(), help));
            };
            let condition = self.text.get(rest.first()?.end..rest.get(otherwise)?.start)?.trim();
            let value = self.text.get(value.start..self.place.start)?.trim();
            // The other value reaches to the bracket or comma that it stands in.
            let mut depth = 0;
            let other = rest.get(otherwise + 1..)?.iter().take_while(|t| {
                depth +=
                    i32::from(matches!(t.kind, TokenKind::Open(_))) - i32::from(matches!(t.kind, TokenKind::Close(_)));
                depth >= 0 && !(depth == 0 && self.slice(**t) == ",") && t.kind != TokenKind::Newline
            });
            let other =
                other.last().and_then(|last| self.text.get(rest.get(otherwise)?.end..last.end)).map(str::trim)?;
            let message = "a conditional starts with its condition".to_string();
            let help = format!("write `if {condition} then {value} else {other}`");
            return Some(Said::new(codes::E0101, message, self.place.clone(), help));
        }
        if !self.expected.contains(&Rule::kw_else) || self.next.is_some_and(|t| t.kind == TokenKind::Word) {
            return None;
        }
        // Commas and the like say what is wrong by themselves.
        if self.next.is_some_and(|t| !matches!(t.kind, TokenKind::Close(_))) {
            return None;
        }
        let start = self.backwards().find(|&t| self.slice(t) == "if")?;
        let end = self.before?;
        let whole = self.between(start, end);
        let message = "this conditional has no `else`".to_string();
        let help = format!("say what holds elsewhere: `{whole} else 0`");
        Some(Said::new(codes::E0101, message, start.start..start.end, help))
    }

    /// `<>` and `=<`
    pub(super) fn comparison(&self) -> Option<Said> {
        let (first, second) = match self.symbol(self.next) {
            "<" => (self.next?, *self.onwards().get(1)?),
            "=" => (self.next?, *self.onwards().get(1)?),
            ">" => (self.before?, self.next?),
            _ => return None,
        };
        let written = match (self.slice(first), self.slice(second)) {
            ("<", ">") => "!=",
            ("=", "<") => "<=",
            ("=", ">") => ">=",
            _ => return None,
        };
        let in_condition = self.backwards().any(|t| self.slice(t) == "if" || self.slice(t) == "expect");
        if !in_condition || first.end != second.start {
            return None;
        }
        let place = first.start..second.end;
        let message = format!("`{}` is not part of the language", self.between(first, second));
        Some(Said::new(codes::E0101, message, place.clone(), format!("write `{written}`")).edit(place, written))
    }

    /// `fit M with d`, `fit(M, d)`, `model Pond()`
    pub(super) fn header(&self) -> Option<Said> {
        let next = self.next?;
        match self.rule {
            Rule::fit_header => {
                let names: Vec<&str> = self
                    .tokens
                    .iter()
                    .filter(|&&t| t.kind == TokenKind::Word && !matches!(self.slice(t), "fit" | "to" | "with" | "on"))
                    .map(|&t| self.slice(t))
                    .collect();
                let message = format!("a fit names a model and data, and here is {}", self.found);
                // `fit M to d using adam`
                if let [model, data, "using" | "by" | "via", ..] = names.as_slice()
                    && matches!(self.slice(next), "using" | "by" | "via")
                {
                    let help = format!("settings follow in braces: `fit {model} to {data} {{ ... }}`");
                    return Some(Said::new(codes::E0101, message, self.place.clone(), help));
                }
                // `fit M(d)`
                if let (Some(open), TokenKind::Close(b')'), [model, data]) =
                    (self.tokens.get(2), next.kind, names.as_slice())
                    && open.kind == TokenKind::Open(b'(')
                    && self.tokens.len() == 5
                {
                    let said =
                        Said::new(codes::E0101, message, self.place.clone(), format!("write `fit {model} to {data}`"));
                    return Some(said.edit(self.bytes.clone(), format!("fit {model} to {data}")));
                }
                let [model, data] = names.as_slice() else { return None };
                let said =
                    Said::new(codes::E0101, message, self.place.clone(), format!("write `fit {model} to {data}`"));
                let word = matches!(self.slice(next), "with" | "on" | "using" | "by" | "from");
                let whole = self.bytes.start..self.tokens.last()?.end;
                match next.kind {
                    // `fit M to d with { ... }`
                    _ if word && self.backwards().any(|t| self.slice(t) == "to") => {
                        let help = format!("settings follow in braces: `fit {model} to {data} {{ ... }}`");
                        let place = self.place.clone();
                        let said = Said::new(codes::E0101, format!("expected `{{`, found {}", self.found), place, help);
                        let alone = self.tokens.last().is_some_and(|t| t.start == next.start);
                        Some(if alone { said.edit(self.before?.end..next.end, "") } else { said })
                    }
                    TokenKind::Open(b'(') => Some(said.edit(whole, format!("fit {model} to {data}"))),
                    _ if word => Some(said.edit(next.start..next.end, "to")),
                    // `fit M d`
                    TokenKind::Word if self.slice(next) == *data && self.expected.contains(&Rule::kw_to) => {
                        let message = format!("expected `to`, found {}", self.found);
                        let help = format!("write `fit {model} to {data}`");
                        let said = Said::new(codes::E0101, message, self.place.clone(), help);
                        Some(said.edit(next.start..next.start, "to "))
                    }
                    _ => None,
                }
            }
            Rule::model_header if next.kind == TokenKind::Open(b'(') => {
                let name = self.symbol(self.before);
                let message = "a model has no arguments".to_string();
                let help = format!("write `model {name} {{ ... }}`; its numbers are each a `param`");
                Some(Said::new(codes::E0101, message, self.place.clone(), help))
            }
            _ => None,
        }
    }

    /// `state x = 1`, `state x(t)`, `initial x(0) = 1`, `state u[10]`
    pub(super) fn declared(&self) -> Option<Said> {
        let next = self.next?;
        let name = self.symbol(self.before);
        if self.rule == Rule::state_statement && self.slice(next) == "=" {
            let first = self.onwards().get(1).copied();
            let last = first.and_then(|first| self.end_of_value(first));
            let value = first.zip(last).map_or("1", |(first, last)| self.between(first, last));
            // A family starts as a whole.
            let open = self.backwards().skip_while(|t| self.slice(*t) != "[").nth(1).filter(|_| name == "]");
            let name = open.map_or(name, |family| self.slice(family));
            let message = "a state has no value of its own".to_string();
            // Of a plain list the whole statement is rewritten.
            if let (Some(keyword), Some(written)) = (self.tokens.first(), self.states_and_starts()) {
                let help = format!("where a state starts is declared: `{written}`");
                let said = Said::new(codes::E0101, message, self.place.clone(), help);
                return Some(said.edit(keyword.start..self.bytes.end, written));
            }
            let help = format!("where it starts is declared: `initial {name} = {value}`");
            return Some(Said::new(codes::E0101, message, self.place.clone(), help));
        }
        // `state x(start = 1)`
        if let [start, is, value, ..] = self.onwards().get(1..).unwrap_or_default()
            && self.rule == Rule::state_statement
            && next.kind == TokenKind::Open(b'(')
            && self.slice(*start) == "start"
            && self.slice(*is) == "="
        {
            let last = self.end_of_value(*value)?;
            let close = self.matching(next)?;
            let value = self.between(*value, last);
            let message = "a state has no value of its own".to_string();
            let help = format!("where it starts is declared: `state {name}; initial {name} = {value}`");
            let said = Said::new(codes::E0101, message, next.start..close.end, help);
            let alone = self.tokens.last().is_some_and(|t| t.start == close.start);
            return Some(if alone {
                said.edit(next.start..close.end, format!("; initial {name} = {value}"))
            } else {
                said
            });
        }
        let takes_time = matches!(self.rule, Rule::state_statement | Rule::initial_statement | Rule::input_statement);
        if takes_time && next.kind == TokenKind::Open(b'(') && !self.expected.contains(&Rule::expr) {
            // Nothing but `(t)` and `(0)` behind the name itself: other parentheses hold a value.
            let [time, close] = self.onwards().get(1..3)? else { return None };
            let is_time = matches!(self.slice(*time), "t" | "0") && close.kind == TokenKind::Close(b')');
            let starts = |t: Token| matches!(self.slice(t), "state" | "initial" | "input" | ",");
            if !is_time || !self.backwards().nth(1).is_some_and(starts) {
                return None;
            }
            let message = "what depends on the time is written without it".to_string();
            let said = Said::new(codes::E0101, message, next.start..close.end, format!("write `{name}`"));
            return Some(said.edit(next.start..close.end, ""));
        }
        let of = self.backwards().nth(1).filter(|_| name == "[")?;
        if self.expected == [Rule::name] && next.kind == TokenKind::Number && of.kind == TokenKind::Word {
            let close = self.onwards().iter().find(|t| t.kind == TokenKind::Close(b']'))?;
            let range = self.text.get(next.start..close.start)?;
            // `k[1/s]` is a unit.
            if range.contains('/') {
                return None;
            }
            let message = "an index set has a name".to_string();
            let help = format!("declare it, and write its name: `index cell = {range}`, `{}[cell]`", self.slice(of));
            return Some(Said::new(codes::E0101, message, self.place.clone(), help));
        }
        None
    }

    /// `u'(t)`, and `u'(0)` where it starts
    pub(super) fn derivative_of_time(&self) -> Option<Said> {
        let (primes, open) = self.before.zip(self.next)?;
        let [time, close] = self.onwards().get(1..3)? else { return None };
        let is_time = match self.slice(*time) {
            "t" => true,
            "0" => self.rule == Rule::initial_statement,
            _ => false,
        };
        let called = open.kind == TokenKind::Open(b'(') && close.kind == TokenKind::Close(b')');
        if primes.kind != TokenKind::Primes || !called || !is_time || primes.end != open.start {
            return None;
        }
        let state = self.backwards().nth(1).filter(|t| t.kind == TokenKind::Word)?;
        let message = "what depends on the time is written without it".to_string();
        let help = format!("write `{}`", self.between(state, primes));
        Some(Said::new(codes::E0101, message, open.start..close.end, help).edit(open.start..close.end, ""))
    }

    /// `np.sin(x)`
    pub(super) fn module(&self) -> Option<Said> {
        let name = self.before.filter(|t| self.operator_is_missing() && t.kind == TokenKind::Word)?;
        let mut earlier = self.backwards().skip(1);
        let dot = earlier.next().filter(|&t| self.slice(t) == "." && t.end == name.start)?;
        let module = earlier.next().filter(|t| t.kind == TokenKind::Word && t.end == dot.start)?;
        self.next.filter(|t| t.kind == TokenKind::Open(b'(') && t.start == name.end)?;
        let message = format!("a function stands without a module, and here is `{}`", self.between(module, name));
        let help = format!("write `{}(...)`", self.slice(name));
        let said = Said::new(codes::E0101, message, module.start..name.end, help);
        Some(said.edit(module.start..dot.end, ""))
    }

    /// `d/dt x`
    pub(super) fn derivative(&self) -> Option<Said> {
        let (dt, of) = self.before.zip(self.next).filter(|_| self.operator_is_missing())?;
        let mut earlier = self.backwards().skip(1);
        earlier.next().filter(|&t| self.slice(t) == "/")?;
        let d = earlier.next().filter(|&t| self.slice(t) == "d" && self.slice(dt) == "dt")?;
        if of.kind != TokenKind::Word {
            return None;
        }
        let written = format!("{}'", self.slice(of));
        let message = "a derivative with respect to time is written with a prime".to_string();
        let said = Said::new(codes::E0317, message, d.start..of.end, format!("write `{written}`"));
        Some(said.edit(d.start..of.end, written))
    }
}

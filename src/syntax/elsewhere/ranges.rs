//! What is said of the numbers of a parameter or a state: distributions, ranges without their word, numbers per experiment.

use super::super::explain::{Said, Stop};
use super::super::grammar::Rule;
use super::super::lexer::{Token, TokenKind};
use super::values::is_range;
use crate::diagnostics::codes;

/// Words for what has a number of its own, in place of `sample`.
const EXPERIMENTS: [&str; 14] = [
    "trajectory",
    "trajectories",
    "run",
    "runs",
    "experiment",
    "experiments",
    "series",
    "batch",
    "subject",
    "individual",
    "replicate",
    "set",
    "samples",
    "window",
];

impl Stop<'_> {
    /// `param k ~ N(0, 1)`, `k ~ N(0, 1)`, `x' ~ -k*x`
    pub(super) fn tilde(&self) -> Option<Said> {
        let sign = self.next.filter(|&t| self.slice(t) == "~")?;
        let place = self.place.clone();
        let name = self.backwards().filter(|t| t.kind == TokenKind::Word).last();
        match self.rule {
            Rule::param_statement => {}
            Rule::equation if self.before.is_some_and(|t| t.kind == TokenKind::Primes) || self.derivative_called() => {
                let message = "the sides of an equation are set equal by `=`".to_string();
                let said =
                    Said::new(codes::E0101, message, place, "write `=`: what is noise is estimated from the data");
                return Some(said.edit(sign.start..sign.end, "="));
            }
            Rule::equation if self.backwards().count() == 1 => {}
            _ => return None,
        }
        let name = match self.rule {
            Rule::param_statement => self.tokens.get(1).copied(),
            _ => name,
        };
        let name = name.map_or("k", |t| self.slice(t));
        let message = "there are no prior distributions".to_string();
        let help = format!(
            "a parameter has a value to start from and a range, where they are known: `param {name} = 1 in [0, 10]`"
        );
        Some(Said::new(codes::E0101, message, place, help))
    }

    /// Whether what stands before is the derivative of a name as a call: `D(x)`.
    fn derivative_called(&self) -> bool {
        let [function, open, name, close, ..] = self.tokens else { return false };
        matches!(self.slice(*function), "D" | "Differential" | "der" | "diff" | "dot")
            && self.slice(*open) == "("
            && name.kind == TokenKind::Word
            && self.before.is_some_and(|t| t.start == close.start)
    }

    /// `param k = 1 [0, 5]`, `param k = 1 (0, 5)`
    pub(super) fn range_without_in(&self) -> Option<Said> {
        let next = self.next.filter(|_| self.rule == Rule::param_statement)?;
        let open = match next.kind {
            TokenKind::Number => self.before.filter(|t| t.kind == TokenKind::Open(b'['))?,
            TokenKind::Open(b'(') if self.operator_is_missing() => next,
            _ => return None,
        };
        let close = self.matching(open)?;
        let (low, high) = self.text.get(open.end..close.start)?.split_once(',')?;
        let (low, high) = (low.trim(), high.trim());
        // Behind `in` a range is right as it is.
        let behind = self.tokens.iter().rfind(|t| t.end <= open.start)?;
        if !is_range(low, high) || matches!(self.slice(*behind), "in" | "=" | "(") {
            return None;
        }
        let range = format!("in [{low}, {high}]");
        let message = "the range of a parameter stands behind `in`".to_string();
        let said = Said::new(codes::E0101, message, open.start..close.end, format!("write `{range}`"));
        Some(said.edit(open.start..close.end, range))
    }

    /// `param k = 1 between 0 and 5`
    pub(super) fn range_in_words(&self) -> Option<Said> {
        let first = self.next.filter(|&t| self.rule == Rule::param_statement && self.slice(t) == "between")?;
        let rest = self.onwards().get(1..)?;
        let and = rest.iter().position(|&t| self.slice(t) == "and")?;
        let (low, high) = (rest.get(..and)?, rest.get(and + 1..)?);
        let last = self.end_of_value(*high.first()?)?;
        let [low, high] = [self.between(*low.first()?, *low.last()?), self.between(*high.first()?, last)];
        if !is_range(low, high) {
            return None;
        }
        let range = format!("in [{low}, {high}]");
        let message = "the range of a parameter stands behind `in`".to_string();
        let said = Said::new(codes::E0101, message, self.place.clone(), format!("write `{range}`"));
        Some(said.edit(first.start..last.end, range))
    }

    /// `k in [0, 5]` without its keyword
    pub(super) fn range_of_a_name(&self) -> Option<Said> {
        let [name, word, open, ..] = self.tokens.get(..3).filter(|_| self.rule == Rule::equation)? else { return None };
        let is_range = self.slice(*word) == "in" && open.kind == TokenKind::Open(b'[') && name.kind == TokenKind::Word;
        if !is_range || self.next.is_none_or(|t| t.start != word.start) {
            return None;
        }
        let name_text = self.slice(*name);
        let message = "a range stands in the declaration of a parameter".to_string();
        let place = name.start..self.matching(*open)?.end;
        Some(match self.is_declared(name_text) {
            true => {
                let help = format!("write it there: `param {name_text} {}`", self.text.get(word.start..place.end)?);
                Said::new(codes::E0101, message, place, help)
            }
            false => {
                let help = format!("write `param {}`", self.text.get(place.clone())?);
                Said::new(codes::E0101, message, place, help).edit(name.start..name.start, "param ")
            }
        })
    }

    /// `param k per trajectory`
    pub(super) fn per_experiment(&self) -> Option<Said> {
        let word = self.next.filter(|t| self.symbol(self.before) == "per" && t.kind == TokenKind::Word)?;
        if !EXPERIMENTS.contains(&self.slice(word)) || !self.expected.contains(&Rule::kw_sample) {
            return None;
        }
        let message = format!("expected `sample`, found {}", self.found);
        let help = "a parameter with a number for every trajectory of the data is `per sample`";
        Some(Said::new(codes::E0101, message, self.place.clone(), help).edit(word.start..word.end, "sample"))
    }

    /// `fixed param k = 3`
    pub(super) fn fixed_first(&self) -> Option<Said> {
        let [word, param, ..] = self.tokens.get(..2).filter(|_| self.rule == Rule::equation)? else { return None };
        if self.slice(*word) != "fixed" || self.slice(*param) != "param" {
            return None;
        }
        let last = self.tokens.last()?;
        let declared = self.between(*param, *last);
        let message = "`fixed` stands at the end of a declaration".to_string();
        let said = Said::new(codes::E0112, message, word.start..word.end, format!("write `{declared} fixed`"));
        Some(said.edit(word.start..last.end, format!("{declared} fixed")))
    }

    /// `param k = 0.3 l = 0.4`, `const a = 1 b = 2`
    pub(super) fn comma_between(&self) -> Option<Said> {
        const LISTS: [Rule; 3] = [Rule::param_statement, Rule::const_statement, Rule::initial_statement];
        let next = self.next.filter(|t| LISTS.contains(&self.rule) && t.kind == TokenKind::Word)?;
        let is = self.onwards().get(1).copied().filter(|&t| self.slice(t) == "=")?;
        let before = self.before.filter(|_| self.operator_is_missing())?;
        let message = format!("a comma is missing before {}", self.found);
        let help =
            format!("declarations are separated by commas: `{}, {} ...`", self.slice(before), self.between(next, is));
        Some(Said::new(codes::E0101, message, self.place.clone(), help).edit(before.end..next.start, ", "))
    }

    /// `state x >= 0`, `state x in [0, 1]`, `state x positive`
    pub(super) fn range_of_a_state(&self) -> Option<Said> {
        const WORDS: [&str; 4] = ["positive", "nonnegative", "real", "bounded"];
        let next = self.next.filter(|_| self.rule == Rule::state_statement)?;
        let word = self.slice(next);
        let behind = |kind: TokenKind| self.onwards().get(1).is_some_and(|t| t.kind == kind);
        let is_range = matches!(word, "<" | ">") || word == "in" && behind(TokenKind::Open(b'['));
        if !is_range && !WORDS.contains(&word) {
            return None;
        }
        let message = "a state has no range: where it goes its equation says".to_string();
        let help = "leave it out; parameters have ranges, `param k in [0, 1]`, and coefficients bounds, `?terms(x; coefficients >= 0)`";
        let last: Token = *self.tokens.last()?;
        let from = self.before?.end;
        let said = Said::new(codes::E0101, message, next.start..last.end, help);
        Some(if self.tokens.iter().any(|t| self.slice(*t) == ",") && !is_range {
            said
        } else {
            said.edit(from..last.end, "")
        })
    }
}

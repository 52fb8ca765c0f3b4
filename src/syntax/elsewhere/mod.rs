//! Why a statement cannot be read that is written as other languages have it, and the edit that mends it.

mod called;
mod habits;
mod headers;
mod holes;
mod numbers;
mod quantities;
mod ranges;
mod signs;
mod statements;
mod tongues;
mod values;

use std::ops::Range;

use super::explain::{Said, Stop};
use super::lexer::{Token, TokenKind};
use super::slips::CALLED;

/// An edit: the bytes that go and what stands there instead.
type Edit = (Range<usize>, String);

impl<'a> Stop<'a> {
    /// What is said of a notation of other languages.
    pub(super) fn elsewhere(&self) -> Option<Said> {
        self.decimal_comma()
            .or_else(|| self.order_with_equals())
            .or_else(|| self.value_behind())
            .or_else(|| self.word_before_equation())
            .or_else(|| self.equation_behind())
            .or_else(|| self.ends_without_comma())
            .or_else(|| self.ends_around_name())
            .or_else(|| self.ends_by_name())
            .or_else(|| self.range_by_name())
            .or_else(|| self.range_before_value())
            .or_else(|| self.several_derivatives())
            .or_else(|| self.column_before_state())
            .or_else(|| self.settings_of_call())
            .or_else(|| self.measured_derivative())
            .or_else(|| self.single_quotes())
            .or_else(|| self.power())
            .or_else(|| self.of_items())
            .or_else(|| self.of_numbers())
            .or_else(|| self.of_signs())
            .or_else(|| self.named_hole())
            .or_else(|| self.value_left_open())
            .or_else(|| self.bounds_of_coefficients())
            .or_else(|| self.product_of_units())
            .or_else(|| self.range_of_a_parameter())
            .or_else(|| self.range_as_value())
            .or_else(|| self.equation_with_let())
            .or_else(|| self.option_without_equals())
            .or_else(|| self.conditional())
            .or_else(|| self.comparison())
            .or_else(|| self.header())
            .or_else(|| self.module())
            .or_else(|| self.derivative_of_time())
            .or_else(|| self.power_of_function())
            .or_else(|| self.declared())
            .or_else(|| self.value_without_equals())
            .or_else(|| self.derivative())
            .or_else(|| self.blank())
    }

    /// What is said of names and sources of items.
    fn of_items(&self) -> Option<Said> {
        self.model_with_equals()
            .or_else(|| self.named_path())
            .or_else(|| self.simulate_missing())
            .or_else(|| self.network_by_call())
            .or_else(|| self.data_without_source())
            .or_else(|| self.name_of_item())
            .or_else(|| self.fit_to_file())
    }

    /// What is said of units, ranges and the numbers of parameters.
    fn of_numbers(&self) -> Option<Said> {
        self.time_of_model()
            .or_else(|| self.unit_in_words())
            .or_else(|| self.range_of_a_state())
            .or_else(|| self.unit_of_declared())
            .or_else(|| self.unit_of_number())
            .or_else(|| self.range_without_in())
            .or_else(|| self.range_in_words())
            .or_else(|| self.range_of_a_name())
            .or_else(|| self.per_experiment())
            .or_else(|| self.fixed_first())
            .or_else(|| self.comma_between())
    }

    /// What is said of signs and words in equations.
    fn of_signs(&self) -> Option<Said> {
        self.tilde()
            .or_else(|| self.arrow())
            .or_else(|| self.double_arrow())
            .or_else(|| self.remainder())
            .or_else(|| self.number_of_equation())
            .or_else(|| self.list_in_brackets())
            .or_else(|| self.comma_at_end())
            .or_else(|| self.arguments_of_a_name())
            .or_else(|| self.index_set_with_in())
            .or_else(|| self.dotted_operator())
            .or_else(|| self.end_of_conditional())
            .or_else(|| self.comment_in_parentheses())
    }

    /// The text from one token to another.
    fn between(&self, from: Token, to: Token) -> &'a str {
        self.text.get(from.start..to.end).unwrap_or_default()
    }

    /// The position in the statement of the first token that does not end before the place.
    fn position(&self) -> usize {
        self.tokens.partition_point(|t| t.end <= self.place.start)
    }

    /// The tokens of the statement before the place, the last first.
    fn backwards(&self) -> impl Iterator<Item = Token> + '_ {
        self.tokens.get(..self.position()).unwrap_or_default().iter().rev().copied()
    }

    /// The tokens of the statement from the place on.
    fn onwards(&self) -> &'a [Token] {
        self.tokens.get(self.position()..).unwrap_or_default()
    }

    /// The token that closes the bracket `open`, with what stands between them in balance.
    fn matching(&self, open: Token) -> Option<Token> {
        let mut depth = 0;
        self.tokens.iter().skip_while(|t| t.start < open.start).copied().find(|t| {
            match t.kind {
                TokenKind::Open(_) => depth += 1,
                TokenKind::Close(_) => depth -= 1,
                _ => {}
            }
            depth == 0
        })
    }

    /// The last token of the value that starts at `first`: before the next comma or bracket that it does not hold, or the end of the
    /// statement.
    fn end_of_value(&self, first: Token) -> Option<Token> {
        let mut depth = 0;
        let value = self.tokens.iter().skip_while(|t| t.start < first.start).take_while(|t| {
            match t.kind {
                TokenKind::Open(_) => depth += 1,
                TokenKind::Close(_) => depth -= 1,
                _ => {}
            }
            let ends = matches!(t.kind, TokenKind::Newline | TokenKind::Semicolon) || self.slice(**t) == ",";
            depth >= 0 && !(depth == 0 && ends)
        });
        value.last().copied()
    }

    /// Whether `name` follows `word` somewhere in the file.
    fn follows_in_file(&self, word: &str, name: &str) -> bool {
        self.file.windows(2).any(|pair| match pair {
            [a, b] => self.slice(*a) == word && self.slice(*b) == name,
            _ => false,
        })
    }

    /// Whether the file declares something called `name`.
    pub(super) fn is_declared(&self, name: &str) -> bool {
        let starts = |text: &str| matches!(text, "state" | "param" | "const" | "input" | "let" | "field");
        let mut declares = false;
        let mut before = "";
        for &token in self.file {
            let text = self.slice(token);
            if matches!(token.kind, TokenKind::Newline | TokenKind::Semicolon) {
                declares = false;
            }
            if declares && text == name && (before == "," || starts(before)) {
                return true;
            }
            declares |= starts(text);
            before = text;
        }
        false
    }

    /// Whether the number before is an exponent, which has no unit.
    pub(super) fn is_exponent(&self) -> bool {
        self.backwards().nth(1).is_some_and(|t| self.slice(t) == "^")
    }

    /// The unit that a number is followed by without brackets: `m/s^2`.
    pub(super) fn unit_text(&self) -> Option<&'a str> {
        let first = self.next?;
        let mut last = first;
        for &token in self.onwards().iter().skip(1) {
            // A power may be negative, and parentheses belong to a unit as a whole.
            if token.start == last.end && (matches!(token.kind, TokenKind::Open(b'(')) || self.slice(token) == "*") {
                return None;
            }
            let negative = self.slice(token) == "-" && self.slice(last) == "^";
            let part = negative
                || matches!(token.kind, TokenKind::Word | TokenKind::Number)
                || matches!(self.slice(token), "/" | "^");
            if !part || token.start != last.end {
                break;
            }
            last = token;
        }
        Some(self.between(first, last))
    }

    /// The edit that puts in a missing operator, or takes away a blank that stands for none, where no other thing can be meant.
    pub(super) fn operator_meant(&self) -> Option<Edit> {
        let (before, next) = self.before.zip(self.next)?;
        let gap = before.end..next.start;
        let is_function = before.kind == TokenKind::Word && CALLED.contains(&self.slice(before));
        if is_function {
            return match next.kind {
                TokenKind::Open(b'(') => Some((gap, String::new())),
                TokenKind::Word if self.onwards().get(1).is_none_or(|t| self.ends_factor(*t)) => {
                    Some((before.end..next.end, format!("({})", self.slice(next))))
                }
                _ => None,
            };
        }
        // In `1/2 y` and `2^k y` the factor may belong below the line or into the power.
        if self.backwards().nth(1).is_some_and(|t| matches!(self.slice(t), "/" | "^")) && !self.is_square(before) {
            return None;
        }
        let value = match next.kind {
            TokenKind::Word => self.is_declared(self.slice(next)),
            TokenKind::Open(b'(') => before.kind != TokenKind::Word || self.is_declared(self.slice(before)),
            _ => false,
        };
        let behind =
            matches!(before.kind, TokenKind::Word | TokenKind::Number | TokenKind::Close(b')') | TokenKind::Primes);
        let on_one_line = self.text.get(gap.clone()).is_some_and(|text| !text.contains(['\n', '\r']));
        (value && behind && on_one_line).then(|| (gap, "*".to_string()))
    }

    /// Whether `token` is a whole number in the place of a power, behind which a factor starts: `x^2 y`.
    fn is_square(&self, token: Token) -> bool {
        token.kind == TokenKind::Number && self.is_exponent() && self.slice(token).bytes().all(|b| b.is_ascii_digit())
    }

    /// Whether a name ends before `token`: neither a call nor a subscript goes on with it.
    fn ends_factor(&self, token: Token) -> bool {
        matches!(token.kind, TokenKind::Newline | TokenKind::Semicolon)
            || matches!(self.slice(token), "+" | "-" | "*" | "/" | ")" | "," | "}" | "then" | "else")
    }
}

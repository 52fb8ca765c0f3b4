//! Numbers, units and ranges as other languages write them.

use super::super::explain::{Said, Stop};
use super::super::grammar::Rule;
use super::super::lexer::{Token, TokenKind};
use super::super::slips::CALLED;
use crate::diagnostics::codes;

impl Stop<'_> {
    /// `0,5`, where reading stopped at the comma or behind it.
    pub(super) fn decimal_comma(&self) -> Option<Said> {
        let near = self.position().saturating_sub(1)..self.position() + 1;
        let comma = near.into_iter().find(|&i| self.is_decimal_comma(i))?;
        let (whole, comma, part) = (self.tokens.get(comma - 1)?, self.tokens.get(comma)?, self.tokens.get(comma + 1)?);
        let number = format!("{}.{}", self.slice(*whole), self.slice(*part));
        let message = "a number has a decimal point".to_string();
        let said = Said::new(codes::E0119, message, whole.start..part.end, format!("write `{number}`"));
        Some(said.edit(comma.start..comma.end, "."))
    }

    fn is_decimal_comma(&self, i: usize) -> bool {
        match i.checked_sub(1).and_then(|first| self.tokens.get(first..i + 2)) {
            Some([whole, comma, part]) => {
                self.slice(*comma) == ","
                    && whole.kind == TokenKind::Number
                    && part.kind == TokenKind::Number
                    && whole.end == comma.start
                    && part.start == comma.end
                    && self.slice(*whole).bytes().all(|b| b.is_ascii_digit())
            }
            _ => false,
        }
    }

    /// `x**2`
    pub(super) fn power(&self) -> Option<Said> {
        let (first, second) = self.before.zip(self.next)?;
        if self.slice(first) != "*" || self.slice(second) != "*" || first.end != second.start {
            return None;
        }
        let message = "`**` is not part of the language".to_string();
        let said = Said::new(codes::E0101, message, first.start..second.end, "a power is written `^`: `x^2`");
        Some(said.edit(first.start..second.end, "^"))
    }

    /// `sin^2(x)`
    pub(super) fn power_of_function(&self) -> Option<Said> {
        let open = self.next.filter(|t| self.operator_is_missing() && t.kind == TokenKind::Open(b'('))?;
        let power = self.before.filter(|t| t.kind == TokenKind::Number && t.end == open.start)?;
        let mut earlier = self.backwards().skip(1);
        let raised = earlier.next().filter(|&t| self.slice(t) == "^")?;
        let function = earlier.next().filter(|&t| CALLED.contains(&self.slice(t)) && t.end == raised.start)?;
        let close = self.matching(open)?;
        let (name, argument) = (self.slice(function), self.between(open, close));
        let message = format!("a power stands behind what a function is of, and here behind `{name}`");
        let help = format!("write `{name}{argument}^{}`", self.slice(power));
        let said = Said::new(codes::E0107, message, raised.start..power.end, help);
        Some(said.edit(raised.start..close.end, format!("{argument}^{}", self.slice(power))))
    }

    /// `[m s^-1]`, `[m.s^-1]`, `[m s-1]`
    pub(super) fn product_of_units(&self) -> Option<Said> {
        let in_unit = self.expected.contains(&Rule::close_bracket)
            && self.expected.contains(&Rule::multiply)
            && !self.expected.contains(&Rule::add);
        let (before, next) = self.before.zip(self.next).filter(|_| in_unit)?;
        if self.slice(next) == "-" && before.kind == TokenKind::Word {
            let power = self.onwards().get(1).filter(|t| t.kind == TokenKind::Number && t.start == next.end)?;
            let help = format!("the power of a unit is written `^`: `{}^-{}`", self.slice(before), self.slice(*power));
            let message = "a unit is not subtracted from".to_string();
            return Some(Said::new(codes::E0101, message, self.place.clone(), help).edit(before.end..before.end, "^"));
        }
        let factor = match next.kind {
            TokenKind::Word | TokenKind::Open(b'(') => next,
            _ if self.slice(next) == "." => *self.onwards().get(1).filter(|t| t.kind == TokenKind::Word)?,
            _ => return None,
        };
        let message = format!("an operator is missing before `{}`", self.slice(factor));
        let open = self.backwards().find(|t| t.kind == TokenKind::Open(b'['))?;
        let close = self.onwards().iter().find(|t| t.kind == TokenKind::Close(b']'))?;
        if self.between(open, *close).eq_ignore_ascii_case("[a.u.]") {
            let message = "a unit has no dots".to_string();
            let help = "arbitrary units are a plain number, `[1]`, or a unit of your own, which is declared at the top level: `unit arb`";
            return Some(
                Said::new(codes::E0101, message, open.start..close.end, help).edit(open.start..close.end, "[1]"),
            );
        }
        let head = self.text.get(open.start..before.end)?;
        let tail = self.text.get(factor.start..close.end)?;
        // What stands behind a slash is not multiplied in without a word: `m/s s` may be `m/(s*s)`.
        let slash = self.backwards().take_while(|t| t.start > open.start).find(|&t| self.slice(t) == "/");
        if let Some(slash) = slash {
            let above = self.text.get(open.start..slash.end)?;
            let below = self.text.get(slash.end..before.end)?.trim();
            let tail = self.text.get(factor.start..close.start)?;
            let help = format!("what a `/` covers stands in parentheses: `{above}({below}*{tail})]`");
            return Some(Said::new(codes::E0107, message, self.place.clone(), help));
        }
        let said =
            Said::new(codes::E0107, message, self.place.clone(), format!("units are multiplied: `{head}*{tail}`"));
        Some(said.edit(before.end..factor.start, "*"))
    }

    /// `param k = 1 in (0, 2)`, `in 0..2`
    pub(super) fn range_of_a_parameter(&self) -> Option<Said> {
        let wanted = self.rule == Rule::param_statement && self.expected == [Rule::open_bracket];
        let next = self.next.filter(|_| wanted && self.symbol(self.before) == "in")?;
        let rest = self.onwards();
        let (inside, end) = match next.kind {
            TokenKind::Open(b'(') => {
                let close = self.matching(next)?;
                (self.text.get(next.end..close.start)?.to_string(), close.end)
            }
            _ => {
                let dots = rest.iter().position(|&t| self.slice(t) == "..")?;
                let (low, first) = (rest.get(dots.checked_sub(1)?)?, *rest.get(dots + 1)?);
                let last = self.end_of_value(first)?;
                let high = self.between(first, last);
                // A unit or a word such as `fixed` goes on behind the upper end.
                let goes_on = |t: &&Token| t.kind == TokenKind::Word || t.kind == TokenKind::Open(b'[');
                let within = rest.iter().filter(|t| t.start > first.start && t.end <= last.end);
                if within.clone().any(|t| goes_on(&t)) || high.contains("..") {
                    return None;
                }
                (format!("{}, {high}", self.between(next, *low)), last.end)
            }
        };
        let message = format!("a range stands in square brackets, and here is {}", self.found);
        let said = Said::new(codes::E0101, message, self.place.clone(), format!("write `in [{inside}]`"));
        Some(said.edit(next.start..end, format!("[{inside}]")))
    }

    /// `u '`, `5 %`, `4047[m^2]`: a blank too many or too few.
    pub(super) fn blank(&self) -> Option<Said> {
        let (before, next) = self.before.zip(self.next)?;
        let (gap, place) = (before.end..next.start, self.place.clone());
        let number = before.kind == TokenKind::Number;
        if next.kind == TokenKind::Primes && before.kind == TokenKind::Word && !gap.is_empty() {
            let written = format!("{}{}", self.slice(before), self.slice(next));
            let message = "a prime follows its state without a blank".to_string();
            return Some(Said::new(codes::E0101, message, place, format!("write `{written}`")).edit(gap, ""));
        }
        if self.slice(next) == "%" && number && !gap.is_empty() {
            let message = "a per cent sign follows its number without a blank".to_string();
            let help = format!("a per cent sign follows its number directly: `{}%`", self.slice(before));
            return Some(Said::new(codes::E0101, message, place, help).edit(gap, ""));
        }
        if next.kind == TokenKind::Open(b'[') && number && gap.is_empty() {
            let close = self.matching(next)?;
            let unit = self.text.get(next.start..close.end)?;
            let message = "a unit stands behind a blank".to_string();
            let help = format!("write `{} {unit}`", self.slice(before));
            return Some(Said::new(codes::E0101, message, place, help).edit(gap, " "));
        }
        None
    }
}

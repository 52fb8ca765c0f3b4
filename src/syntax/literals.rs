//! Matched rules to numbers and strings.

use pest::iterators::Pair;

use super::ast::ExprKind;
use super::build::Builder;
use super::grammar::Rule;
use super::letters::shown;
use crate::diagnostics::codes;

impl Builder<'_, '_> {
    pub(super) fn number(&mut self, pair: Pair<Rule>) -> Option<ExprKind> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let digits = parts.next()?;
        let percent = parts.next().is_some();
        let value = digits.as_str().parse::<f64>().unwrap_or(f64::INFINITY);
        let mantissa = digits.as_str().split(['e', 'E']).next().unwrap_or_default();
        let lost = value == 0.0 && mantissa.bytes().any(|b| (b'1'..=b'9').contains(&b));
        if !value.is_finite() || lost {
            let shown = shown(digits.as_str());
            let (message, here) = match lost {
                true => (format!("`{shown}` is too small for a 64-bit float"), "it would become 0"),
                false => (format!("`{shown}` is too large for a 64-bit float"), "it would become infinite"),
            };
            self.out.error(
                codes::E0106,
                message,
                span.start as usize..span.end as usize,
                here,
                "choose units in which the size is nearer to one",
            );
            return None;
        }
        Some(ExprKind::Number { value: if percent { value / 100.0 } else { value }, percent })
    }

    /// A string's text: quotes removed, escapes replaced.
    pub(super) fn string(&mut self, pair: Pair<Rule>) -> Option<String> {
        let written = pair.as_str();
        let body = written.get(1..written.len().saturating_sub(1)).unwrap_or_default();
        let mut text = String::with_capacity(body.len());
        let mut rest = body.char_indices();
        while let Some((i, c)) = rest.next() {
            if c != '\\' {
                text.push(c);
                continue;
            }
            match rest.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, c @ ('"' | '\\'))) => text.push(c),
                other => {
                    let c = other.map_or(' ', |(_, c)| c);
                    let at = self.span(&pair).start as usize + 1 + i;
                    let message = format!("`\\{c}` is no escape");
                    let help = Some("a backslash is written `\\\\`; in paths write `/`".to_string());
                    self.out.error_with_help(codes::E0114, message, at..at + 1 + c.len_utf8(), "", help);
                    return None;
                }
            }
        }
        Some(text)
    }
}

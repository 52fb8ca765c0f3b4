//! Statements of a shape that none has: a block inside, an end in the middle, too many parts.

use super::brackets::MAX_NESTING;
use super::lexer::{Token, TokenKind};
use super::outline::{Chunk, Scan};
use crate::diagnostics::codes;

/// A statement has at most this many tokens.
const MAX_STATEMENT_TOKENS: usize = 50_000;

impl Scan<'_, '_, '_> {
    /// Reports a brace inside the statement that begins with the token `first`.
    pub(super) fn block_inside(&mut self, first: usize, brace: Token) {
        let message = "a block cannot stand inside a statement".to_string();
        let place = brace.start..brace.end;
        // `adam{lr = 0.1}`: parentheses were meant.
        let before = self.at.checked_sub(1).filter(|before| *before >= first).and_then(|at| self.tokens.get(at));
        let called = before
            .filter(|t| t.kind == TokenKind::Word && t.end == brace.start)
            .and_then(|t| self.text.get(t.start..t.end));
        let rest = self.text.get(brace.end..).unwrap_or_default();
        let inside = rest.find(['{', '}', '\n', '\r']).filter(|at| rest.get(*at..).is_some_and(|r| r.starts_with('}')));
        match (called, inside) {
            (Some(word), Some(length)) => {
                let written = format!("({})", rest.get(..length).unwrap_or_default().trim());
                let help = format!("what belongs to a name stands in parentheses: `{word}{written}`");
                let gone = before.map_or(brace.start, |t| t.end)..brace.end + length + 1;
                self.out.error_with_edit(codes::E0101, message, place, help, (gone, written));
            }
            _ => self.out.error(
                codes::E0101,
                message,
                place,
                "unexpected `{`",
                "a block stands behind the header of an item or a loop; expressions have parentheses",
            ),
        }
    }

    /// At the end of a line: whether its last token leaves the statement open, so that the next line was meant to belong
    /// to it. Then the statement is reported and the next line read as its part, unless that starts another statement.
    pub(super) fn cut_short(&mut self, first: usize, header: bool, bad: &mut bool) -> bool {
        let last = self.tokens.get(first..self.at).and_then(<[Token]>::last).copied();
        let Some(last) = last.filter(|t| matches!(t.kind, TokenKind::Symbol(b'+' | b'-' | b'*' | b'/' | b'^' | b',')))
        else {
            return false;
        };
        let next = self.tokens.get(self.at + 1).map(|t| t.kind);
        let goes_on = matches!(
            next,
            Some(TokenKind::Word | TokenKind::Number | TokenKind::Open(b'(' | b'[') | TokenKind::Symbol(_))
        ) && !self.starts_afresh(self.at + 1, header);
        if goes_on && !*bad {
            let message = format!("the line ends after `{}`, and its statement with it", self.slice(last));
            let help = Some("write the statement on one line, or put what spans lines into parentheses".to_string());
            self.out.error_with_help(codes::E0101, message, last.start..last.end, "", help);
            *bad = true;
        }
        goes_on
    }

    pub(super) fn finish(&mut self, first: usize, mut bad: bool) -> Chunk {
        let tokens = self.tokens.get(first..self.at).unwrap_or_default();
        let start = tokens.first().map_or(self.text.len(), |t| t.start);
        let end = tokens.last().map_or(start, |t| t.end);
        if tokens.len() > MAX_STATEMENT_TOKENS && !bad {
            let message = format!("this statement has more than {MAX_STATEMENT_TOKENS} words, numbers and symbols");
            let place = tokens.first().map_or(start..end, |t| t.start..t.end);
            let help = Some("name parts of it with `let`".to_string());
            self.out.error_with_help(codes::E0116, message, place, "it starts here", help);
            bad = true;
        }
        let conditionals = tokens.iter().filter(|t| t.kind == TokenKind::Word && self.slice(**t) == "if").count();
        if conditionals > MAX_NESTING && !bad {
            let message = format!("this statement has more than {MAX_NESTING} conditionals");
            let place = tokens.first().map_or(start..end, |t| t.start..t.end);
            let help = Some("name parts of it with `let`".to_string());
            self.out.error_with_help(codes::E0105, message, place, "it starts here", help);
            bad = true;
        }
        Chunk { tokens: first..self.at, bytes: start..end, bad, block: None }
    }
}

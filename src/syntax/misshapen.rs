//! Statements of a shape that none has: a block inside, an end in the middle, too many parts.

use std::ops::Range;

use super::brackets::MAX_NESTING;
use super::lexer::{Token, TokenKind};
use super::outline::{Chunk, Scan};
use crate::diagnostics::codes;

/// A statement has at most this many tokens.
const MAX_STATEMENT_TOKENS: usize = 50_000;

/// A part of the text, and what is to stand there.
type Replacement = (Range<usize>, String);

impl Scan<'_, '_, '_> {
    /// Reports a brace inside the statement that begins with the token `first`.
    pub(super) fn block_inside(&mut self, first: usize, brace: Token) {
        let message = "a block cannot stand inside a statement".to_string();
        let place = brace.start..brace.end;
        let rest = self.text.get(brace.end..).unwrap_or_default();
        let length = rest.find(['{', '}', '\n', '\r']).filter(|at| rest.get(*at..).is_some_and(|r| r.starts_with('}')));
        // What stands in the braces, where they are closed on the same line, and where they end.
        let inside = length.and_then(|n| Some((rest.get(..n)?.trim(), brace.end + n + 1)));
        if let Some((help, edit)) = self.brace_meant(first, brace, inside) {
            match edit {
                Some(edit) => self.out.error_with_edit(codes::E0101, message, place, help, edit),
                None => self.out.error_with_help(codes::E0101, message, place, "", Some(help)),
            }
            return;
        }
        self.out.error(
            codes::E0101,
            message,
            place,
            "unexpected `{`",
            "a block stands behind the header of an item or a loop; expressions have parentheses",
        );
    }

    /// What was meant by a brace inside a statement, and the edit that mends it.
    fn brace_meant(
        &self,
        first: usize,
        brace: Token,
        inside: Option<(&str, usize)>,
    ) -> Option<(String, Option<Replacement>)> {
        let statement = self.tokens.get(first..self.at).unwrap_or_default();
        let Some((before, earlier)) = statement.split_last() else {
            return Some(("a block is opened by one brace".to_string(), None));
        };
        let word = self.slice(*before);
        let keyword = statement.first().map_or("", |t| self.slice(*t));
        if statement.iter().any(|t| self.slice(*t) == "if") {
            return Some(("a conditional is an expression: `x' = if t > 1 then 2 else 3`".to_string(), None));
        }
        if earlier.is_empty() && matches!(keyword, "equations" | "equation" | "ode" | "odes" | "dynamics" | "begin") {
            let help =
                format!("equations stand in the block of the model itself: leave out `{keyword}` and its braces");
            return Some((help, None));
        }
        let (inside, end) = inside?;
        let declares = matches!(keyword, "state" | "param" | "const" | "input" | "initial" | "final");
        // `initial { x = 1; y = 2 }`
        if declares && earlier.is_empty() {
            let list = inside.trim_end_matches(';').split(';').map(str::trim).collect::<Vec<_>>().join(", ");
            return Some((format!("write `{keyword} {list}`"), Some((brace.start..end, list))));
        }
        // `param k in {0, 1}`
        if keyword == "param" && word == "in" {
            return Some((format!("write `in [{inside}]`"), Some((brace.start..end, format!("[{inside}]")))));
        }
        let alone = !inside.is_empty() && inside.chars().all(|c| c.is_alphanumeric() || c == '_');
        // `x^{2}`
        if word == "^" && !inside.is_empty() {
            let power = if alone { inside.to_string() } else { format!("({inside})") };
            return Some((format!("a power is written `^{power}`"), Some((brace.start..end, power))));
        }
        // `x_{1}`
        if let (true, Some(name)) = (alone && before.end == brace.start, word.strip_suffix('_')) {
            return Some((
                format!("a name is written without braces: `{name}_{inside}`"),
                Some((brace.start..end, inside.to_string())),
            ));
        }
        if before.kind != TokenKind::Word || before.end != brace.start {
            return None;
        }
        // `adam{lr = 0.1}`, `x{1}`
        let subscript = !inside.is_empty() && inside.bytes().all(|b| b.is_ascii_digit());
        let (what, written) = match subscript {
            true => ("the number of an element stands in square brackets", format!("[{inside}]")),
            false => ("what belongs to a name stands in parentheses", format!("({inside})")),
        };
        Some((format!("{what}: `{word}{written}`"), Some((brace.start..end, written))))
    }

    /// Reports parentheses in the header of an item that the brace of its block follows, `csv("x.csv" {`.
    pub(super) fn unclosed_header(&mut self, open: Token) {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).copied().unwrap_or(open);
        let message = "`(` is not closed".to_string();
        let comma = last.kind == TokenKind::Symbol(b',');
        let edit = (if comma { last.start } else { last.end }..last.end, ")".to_string());
        self.out.error_with_edit(codes::E0103, message, open.start..open.end, "add `)`".to_string(), edit);
    }

    /// Whether the block that starts here is followed by a parenthesis: `csv("x.csv", { time t })`.
    pub(super) fn block_is_argument(&self) -> bool {
        let mut depth = 0_usize;
        for (k, token) in self.tokens.iter().enumerate().skip(self.at) {
            match token.kind {
                TokenKind::Open(b'{') => depth += 1,
                TokenKind::Close(b'}') if depth == 1 => {
                    return self.solid(k + 1).is_some_and(|(_, t)| t.kind == TokenKind::Close(b')'));
                }
                TokenKind::Close(b'}') => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        false
    }

    /// At the end of a line: whether its last token leaves the statement open, so that the next line was meant to belong
    /// to it. Then the statement is reported and the next line read as its part, unless that starts another statement.
    pub(super) fn cut_short(&mut self, first: usize, header: bool, bad: &mut bool) -> bool {
        let last = self.tokens.get(first..self.at).and_then(<[Token]>::last).copied();
        // `...` of MATLAB
        let dots = last.filter(|t| t.kind == TokenKind::Symbol(b'.') && self.slice(*t) == ".");
        if let Some(dot) = dots.filter(|dot| self.text.get(..dot.end).is_some_and(|text| text.ends_with("...")))
            && !*bad
        {
            let message = "a statement is not continued by `...`".to_string();
            let help = Some("write the statement on one line, or put what spans lines into parentheses".to_string());
            self.out.error_with_help(codes::E0101, message, dot.start - 2..dot.end, "", help);
            *bad = true;
            return !self.starts_afresh(self.at + 1, header);
        }
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

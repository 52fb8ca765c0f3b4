//! Characters to tokens: the pass that finds the shape of a file before the grammar reads its statements.
//!
//! It knows comments, strings, numbers and names, refuses what no statement may hold (control characters, look-alike
//! symbols, malformed numbers) with an error that names it, and never stops at a bad place. Statements are parsed from
//! the text itself; the tokens only say where statements begin and end, and what stood at the place of an error.

use std::ops::Range;

use super::letters::{code_point, direction_name, is_direction_control, is_word_continue, is_word_start, shown};
use super::report::Reporter;
use super::strangers::NO_ERROR;
use crate::diagnostics::codes;

/// A piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: TokenKind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Word,
    Number,
    Text,
    /// `(`, `[` or `{`
    Open(u8),
    /// `)`, `]` or `}`
    Close(u8),
    Newline,
    Semicolon,
    /// A run of primes.
    Primes,
    /// Any other character of the language.
    Symbol(u8),
    /// A `///` line.
    Doc,
    /// A `//!` line.
    FileDoc,
    /// Something already reported.
    Bad,
}

/// Limits that keep time and memory bounded whatever the text is.
const MAX_TOKENS: usize = 600_000;
/// What to do with a file beyond that, or of too many bytes.
pub(super) const TOO_LARGE: &str = "split the file, and read numbers from data files";
const MAX_NAME_BYTES: usize = 255;

/// The tokens of `text`; `None` when nothing sensible can be read from it (reported).
pub(super) fn lex(text: &str, out: &mut Reporter) -> Option<Vec<Token>> {
    let mut lexer = Lexer {
        text,
        at: 0,
        tokens: Vec::new(),
        out,
        fatal: false,
        line_reported: false,
        comment_reported: false,
        fence_reported: false,
    };
    while lexer.at < text.len() {
        lexer.step();
        if lexer.tokens.len() > MAX_TOKENS {
            let (start, end) = lexer.tokens.last().map_or((0, 0), |t| (t.start, t.end));
            let message = format!("the file has more than {MAX_TOKENS} words, numbers and symbols");
            lexer.out.error(codes::E0116, message, start..end, "reading stops here", TOO_LARGE);
            lexer.fatal = true;
        }
        if lexer.fatal || lexer.out.exhausted() {
            return None;
        }
    }
    Some(lexer.tokens)
}

pub(super) struct Lexer<'a, 'b, 'c> {
    pub text: &'a str,
    pub at: usize,
    pub tokens: Vec<Token>,
    pub out: &'b mut Reporter<'c>,
    fatal: bool,
    /// Whether something on the current line has been reported: one error a line is enough.
    pub line_reported: bool,
    /// Whether a comment of another language has been reported.
    pub comment_reported: bool,
    /// Whether the fence of a block of code has been reported.
    pub fence_reported: bool,
}

impl<'a> Lexer<'a, '_, '_> {
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The token from the current place to `end`.
    pub fn push(&mut self, kind: TokenKind, end: usize) {
        if kind == TokenKind::Newline {
            self.line_reported = false;
        }
        self.tokens.push(Token { kind, start: self.at, end });
        self.at = end;
    }

    /// Skips to `end`, which was reported.
    pub fn bad(&mut self, code: &'static str, message: String, end: usize, here: &str, help: Option<String>) {
        self.report(code, message, self.at..end, here, help);
        self.push(TokenKind::Bad, end);
    }

    /// Skips to `end` a character outside the language that an edit mends.
    pub fn bad_with_edit(
        &mut self,
        code: &'static str,
        message: String,
        end: usize,
        help: String,
        edit: (Range<usize>, String),
    ) {
        if !self.line_reported {
            self.out.error_with_edit(code, message, self.at..end, help, edit);
        }
        self.line_reported = true;
        self.push(TokenKind::Bad, end);
    }

    /// Reports the first error of a line.
    fn report(&mut self, code: &'static str, message: String, at: Range<usize>, here: &str, help: Option<String>) {
        if !self.line_reported {
            self.out.error_with_help(code, message, at, here, help);
        }
        self.line_reported = true;
    }

    /// How many bytes from the current place satisfy `test`, character by character.
    pub fn run(&self, from: usize, test: impl Fn(char) -> bool) -> usize {
        let rest = self.text.get(from..).unwrap_or_default();
        from + rest.find(|c| !test(c)).unwrap_or(rest.len())
    }

    fn step(&mut self) {
        let Some(c) = self.peek() else { return };
        if let Some(width) = self.comment_of_others() {
            return self.pass_comment(width);
        }
        match c {
            ' ' | '\t' => self.at = self.run(self.at, |c| c == ' ' || c == '\t'),
            '\n' => self.push(TokenKind::Newline, self.at + 1),
            '\r' => {
                let width = if self.rest().starts_with("\r\n") { 2 } else { 1 };
                self.push(TokenKind::Newline, self.at + width);
            }
            ';' => self.push(TokenKind::Semicolon, self.at + 1),
            '"' => self.string(),
            '\'' => self.push(TokenKind::Primes, self.run(self.at, |c| c == '\'')),
            '(' | '[' | '{' => self.push(TokenKind::Open(c as u8), self.at + 1),
            ')' | ']' | '}' => self.push(TokenKind::Close(c as u8), self.at + 1),
            '/' if self.rest().starts_with("//") => self.comment(),
            '/' if self.rest().starts_with("/*") => {
                // Without an end it is one line, so that the rest of the file is read.
                let line_end = || self.run(self.at, |c| c != '\n' && c != '\r');
                let end = self.rest().find("*/").map_or_else(line_end, |n| self.at + n + 2);
                let help = Some("start every line of a comment with `//`".to_string());
                let opening = self.at..self.at + 2;
                let message = "block comments are not part of the language".to_string();
                self.report(codes::E0108, message, opening, "here", help);
                self.push(TokenKind::Bad, end);
            }
            // `0.5 +/- 0.1`
            '+' if self.rest().starts_with("+/-") || self.is_error_of_a_number() => {
                let width = if self.rest().starts_with("+/-") { 3 } else { 2 };
                let message = "there are no values with an error".to_string();
                if self.line_before().trim_start().starts_with("expect") {
                    let help = "a tolerance stands behind `within`: `x ~= 3 within 0.1`".to_string();
                    let edit = (self.at..self.at + width, "within".to_string());
                    return self.bad_with_edit(codes::E0108, message, self.at + width, help, edit);
                }
                self.bad(codes::E0108, message, self.at + width, "", Some(NO_ERROR.to_string()));
            }
            '!' if self.rest().starts_with("!=") => self.push(TokenKind::Symbol(b'!'), self.at + 2),
            '+' | '-' | '*' | '/' | '^' | '=' | '<' | '>' | ',' | '?' | '%' | '~' => {
                self.push(TokenKind::Symbol(c as u8), self.at + 1);
            }
            '.' => self.dot(),
            '0'..='9' => self.number(),
            ':' if !self.line_reported => self.colon(),
            '\u{b0}' if !self.line_reported => self.degree(),
            c if is_word_start(c) => self.word(),
            c => self.stranger(c),
        }
    }

    fn word(&mut self) {
        let end = self.run(self.at, is_word_continue);
        if end - self.at > MAX_NAME_BYTES {
            let message = format!("a name of {} bytes is too long", end - self.at);
            self.bad(codes::E0116, message, end, "", Some(format!("a name has at most {MAX_NAME_BYTES} bytes")));
        } else {
            self.push(TokenKind::Word, end);
        }
    }

    fn string(&mut self) {
        let body = self.at + 1;
        let mut escaped = false;
        for (i, c) in self.text.get(body..).unwrap_or_default().char_indices() {
            match c {
                '\n' | '\r' => break,
                '"' if !escaped => {
                    let end = body + i + 1;
                    return match self.refuse_hidden(body, end) {
                        true => self.push(TokenKind::Bad, end),
                        false => self.push(TokenKind::Text, end),
                    };
                }
                _ => escaped = c == '\\' && !escaped,
            }
        }
        let end = self.run(body, |c| c != '\n' && c != '\r');
        let quote = self.at..body;
        // `x" = -x`
        let state = self.tokens.last().filter(|t| t.end == self.at && t.kind == TokenKind::Word);
        if let Some(state) = state.and_then(|t| self.text.get(t.start..t.end)) {
            let help = format!("a second derivative is written with two straight quotes: `{}''`", shown(state));
            let edit = (quote.clone(), "''".to_string());
            self.out.error_with_edit(codes::E0102, "the string has no end".to_string(), quote, help, edit);
            return self.push(TokenKind::Bad, end);
        }
        let help = Some("end the string with `\"` on the same line".to_string());
        self.report(codes::E0102, "the string has no end".to_string(), quote, "it starts here", help);
        self.push(TokenKind::Bad, end);
    }

    fn comment(&mut self) {
        let end = self.run(self.at, |c| c != '\n' && c != '\r');
        self.refuse_hidden(self.at, end);
        let line = self.text.get(self.at..end).unwrap_or_default();
        if line.starts_with("//!") {
            self.push(TokenKind::FileDoc, end);
        } else if line.starts_with("///") && !line.starts_with("////") {
            self.push(TokenKind::Doc, end);
        } else {
            self.at = end;
        }
    }

    /// Reports characters that are refused also inside strings and comments; whether there was one.
    fn refuse_hidden(&mut self, start: usize, end: usize) -> bool {
        let part = self.text.get(start..end).unwrap_or_default();
        // Ordinary text is ASCII: one fast pass decides.
        if part.bytes().all(|b| (b' '..0x7f).contains(&b)) {
            return false;
        }
        let hidden = part.char_indices().find(|&(_, c)| c == '\0' || is_direction_control(c));
        match hidden {
            Some((i, c)) => {
                self.report_hidden(c, start + i);
                true
            }
            None => false,
        }
    }

    pub fn report_hidden(&mut self, c: char, at: usize) {
        let place = at..at + c.len_utf8();
        if c == '\0' {
            let utf16 = self.text.bytes().skip(1).step_by(2).take(8).all(|b| b == 0);
            let help = match utf16 {
                true => "the file seems to be UTF-16: save it as UTF-8",
                false => "a model is plain text in UTF-8; is this the right file?",
            };
            let message = "the file holds a NUL character (U+0000)".to_string();
            self.report(codes::E0110, message, place, "here", Some(help.to_string()));
            self.fatal = true;
        } else {
            let message = format!(
                "invisible character {} ({}) changes the order of the text shown",
                code_point(c),
                direction_name(c)
            );
            let help = Some("remove it: the text would not read as it is compiled".to_string());
            self.report(codes::E0109, message, place, "here", help);
        }
    }
}

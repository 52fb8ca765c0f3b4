//! Characters to tokens: the pass that finds the shape of a file before the grammar reads its statements.
//!
//! It knows comments, strings, numbers and names, refuses what no statement may hold (control characters, look-alike
//! symbols, malformed numbers) with an error that names it, and never stops at a bad place. Statements are parsed from
//! the text itself; the tokens only say where statements begin and end, and what stood at the place of an error.

use std::ops::Range;

use pest::unicode::{XID_CONTINUE, XID_START};

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
const MAX_NUMBER_BYTES: usize = 400;

/// The tokens of `text`; `None` when nothing sensible can be read from it (reported).
pub(super) fn lex(text: &str, out: &mut Reporter) -> Option<Vec<Token>> {
    let mut lexer =
        Lexer { text, at: 0, tokens: Vec::new(), out, fatal: false, line_reported: false, comment_reported: false };
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
                let end = self.rest().find("*/").map_or(self.text.len(), |n| self.at + n + 2);
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

    /// Whether `+-` stands between two numbers, as in `0.5 +- 0.1` and `0.5 +-0.1`; `x +-y` is a sum.
    fn is_error_of_a_number(&self) -> bool {
        let Some(behind) = self.rest().strip_prefix("+-") else { return false };
        let is_blank = |c: char| c == ' ' || c == '\t';
        let before = match self.tokens.last() {
            Some(t) if t.kind == TokenKind::Number => t.end < self.at,
            // `0.5 [m] +- 0.1 [m]`, `5% +- 1%`; behind `x[1]` a sign may follow.
            Some(t) => {
                matches!(t.kind, TokenKind::Close(b']') | TokenKind::Symbol(b'%')) && behind.starts_with(is_blank)
            }
            None => false,
        };
        before && behind.trim_start_matches(is_blank).starts_with(|c: char| c.is_ascii_digit())
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

    /// A dot is a symbol (`smoother.v`), unless a number was meant to start with it.
    fn dot(&mut self) {
        if self.rest().starts_with("..") {
            return self.push(TokenKind::Symbol(b'.'), self.at + 2);
        }
        let digits_follow = self.rest().as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        let attached = self.tokens.last().is_some_and(|t| {
            t.end == self.at
                && matches!(t.kind, TokenKind::Word | TokenKind::Close(_) | TokenKind::Primes | TokenKind::Number)
        });
        if digits_follow && !attached {
            let end = self.run(self.at + 1, |c| c.is_ascii_alphanumeric());
            let number = self.text.get(self.at..end).unwrap_or_default();
            let (help, edit) = (format!("write `0{number}`"), (self.at..self.at, "0".to_string()));
            self.bad_with_edit(codes::E0119, "a number starts with a digit".to_string(), end, help, edit);
        } else {
            self.push(TokenKind::Symbol(b'.'), self.at + 1);
        }
    }

    fn number(&mut self) {
        let start = self.at;
        let digit = |c: char| c.is_ascii_digit();
        let byte = |i: usize| self.text.as_bytes().get(i).copied().unwrap_or(0);
        let mut end = self.run(start, digit);
        if byte(end) == b'.' {
            if byte(end + 1).is_ascii_digit() {
                end = self.run(end + 1, digit);
            } else if byte(end + 1) != b'.' {
                let number = shown(self.text.get(start..end).unwrap_or_default());
                let help = Some(format!("write `{number}.0`"));
                let message = "a decimal point stands between digits".to_string();
                let end = end + 1;
                return self.bad(codes::E0119, message, end, "", help);
            }
        }
        if matches!(byte(end), b'e' | b'E') {
            let sign = usize::from(matches!(byte(end + 1), b'+' | b'-'));
            if byte(end + 1 + sign).is_ascii_digit() {
                end = self.run(end + 1 + sign, digit);
            }
        }
        let number = self.text.get(start..end).unwrap_or_default();
        if end - start > MAX_NUMBER_BYTES {
            let message = format!("a number of {} characters is too long", end - start);
            let help = Some(format!("a number has at most {MAX_NUMBER_BYTES} characters; about 17 digits count"));
            return self.bad(codes::E0116, message, end, "", help);
        }
        if byte(end) == b'_' && byte(end + 1).is_ascii_digit() {
            let end = self.run(end, |c| c.is_ascii_digit() || c == '_');
            let plain: String = self.text.get(start..end).unwrap_or_default().chars().filter(|&c| c != '_').collect();
            let help = Some(format!("write `{}`", shown(&plain)));
            return self.bad(codes::E0119, "digits are not grouped".to_string(), end, "", help);
        }
        let next = self.text.get(end..).and_then(|s| s.chars().next());
        if next.is_some_and(is_word_start) {
            let word_end = self.run(end, is_word_continue);
            let word = shown(self.text.get(end..word_end).unwrap_or_default());
            let number = shown(number);
            let message = format!("`{number}{word}` has no operator between the number and the name");
            // `d^2x/dt^2`
            let of_order = self.text.get(..start).is_some_and(|t| t.ends_with("d^"));
            // `x>1and y<2`
            if !self.line_reported && matches!(word.as_str(), "and" | "or" | "then" | "else" | "in") {
                let message = format!("a blank stands between `{number}` and `{word}`");
                let help = format!("write `{number} {word}`");
                return self.bad_with_edit(codes::E0107, message, word_end, help, (end..end, " ".to_string()));
            }
            let help = Some(match number.parse::<usize>() {
                Ok(order @ 2..=8) if of_order => {
                    let primes = "'".repeat(order);
                    format!("a derivative with respect to time is written with primes: `{word}{primes}`")
                }
                _ => format!(
                    "multiplication is written `*`: `{number}*{word}`; a unit stands in brackets: `{number} [{word}]`"
                ),
            });
            let here = "a number followed by a name";
            if !of_order && !self.line_reported && self.is_declared(word.as_str()) {
                let edit = (end..end, "*".to_string());
                let text = format!("multiplication is written `*`: `{number}*{word}`");
                return self.bad_with_edit(codes::E0107, message, word_end, text, edit);
            }
            return self.bad(codes::E0107, message, word_end, here, help);
        }
        self.push(TokenKind::Number, end);
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

/// Whether a name can start with `c`.
pub(super) fn is_word_start(c: char) -> bool {
    c == '_' || if c.is_ascii() { c.is_ascii_alphabetic() } else { XID_START(c) }
}

/// Whether a name can go on with `c`.
pub(super) fn is_word_continue(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { XID_CONTINUE(c) && !is_middle_dot(c) }
}

/// A sign of multiplication that is also a letter of some languages.
fn is_middle_dot(c: char) -> bool {
    matches!(c, '\u{b7}' | '\u{387}')
}

/// The characters that reorder text (Unicode Standard Annex 9, section 2).
pub(super) fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
}

fn direction_name(c: char) -> &'static str {
    match c {
        '\u{202a}' => "left-to-right embedding",
        '\u{202b}' => "right-to-left embedding",
        '\u{202c}' => "pop directional formatting",
        '\u{202d}' => "left-to-right override",
        '\u{202e}' => "right-to-left override",
        '\u{2066}' => "left-to-right isolate",
        '\u{2067}' => "right-to-left isolate",
        '\u{2068}' => "first strong isolate",
        '\u{2069}' => "pop directional isolate",
        _ => "direction mark",
    }
}

pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

/// `U+202E`
pub(super) fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// A piece of text short enough for a message.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((cut, _)) => format!("{}...", text.get(..cut).unwrap_or_default()),
        None => text.to_string(),
    }
}

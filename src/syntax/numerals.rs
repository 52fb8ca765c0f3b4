//! Numbers in the text, and what is written in their place.

use std::ops::Range;

use super::letters::{is_word_continue, is_word_start, shown};
use super::lexer::{Lexer, TokenKind};
use crate::diagnostics::codes;

/// A number has at most this many characters.
const MAX_NUMBER_BYTES: usize = 400;

impl Lexer<'_, '_, '_> {
    /// Whether `+-` stands between two numbers, as in `0.5 +- 0.1` and `0.5 +-0.1`; `x +-y` is a sum.
    pub(super) fn is_error_of_a_number(&self) -> bool {
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

    /// A dot is a symbol (`smoother.v`), unless a number was meant to start with it.
    pub(super) fn dot(&mut self) {
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

    pub(super) fn number(&mut self) {
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
            if !self.line_reported
                && let Some(read) =
                    self.name_with_digits(start..end, word_end).or_else(|| self.other_number(start..end, word_end))
            {
                return self.bad_with_edit(
                    read.code,
                    read.message,
                    read.end,
                    read.help,
                    (start..read.end, read.written),
                );
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

    /// `0x10`, `1d3`, `2nd order`: what stands at `number` and the word up to `end`, where it is a number of another language.
    fn other_number(&self, number: Range<usize>, end: usize) -> Option<Read> {
        let (digits, word) = (self.text.get(number.clone())?, self.text.get(number.end..end)?);
        let behind = self.text.get(end..)?;
        let read = |message: &str, end: usize, written: String| Read {
            code: codes::E0119,
            message: message.to_string(),
            end,
            help: format!("write `{written}`"),
            written,
        };
        let hexadecimal = word.strip_prefix(['x', 'X']).and_then(|hex| u64::from_str_radix(hex, 16).ok());
        if let Some(value) = hexadecimal.filter(|_| digits == "0" && !self.is_declared(word)) {
            return Some(read("numbers are decimal", end, value.to_string()));
        }
        let exponent = word.strip_prefix(['d', 'D']);
        if let Some(power) = exponent.filter(|p| p.bytes().all(|b| b.is_ascii_digit()) && !self.is_declared(word)) {
            let sign = behind.starts_with(['+', '-']) && power.is_empty();
            let more = behind.get(1..).unwrap_or_default().bytes().take_while(u8::is_ascii_digit).count();
            if !power.is_empty() {
                return Some(read("a power of ten is written with `e`", end, format!("{digits}e{power}")));
            }
            if sign && more > 0 {
                let power = behind.get(..1 + more)?;
                return Some(read("a power of ten is written with `e`", end + 1 + more, format!("{digits}e{power}")));
            }
        }
        let order = digits.parse::<u8>().ok().filter(|_| matches!(word, "nd" | "rd" | "th" | "st"))?;
        let blanks = behind.len() - behind.trim_start_matches(' ').len();
        behind.trim_start_matches(' ').strip_prefix("order")?;
        let read = read("an order is a number behind its word", end + blanks + "order".len(), format!("order {order}"));
        Some(Read { code: codes::E0101, ..read })
    }

    /// `data 1d = ...`, `state x, 2y`: a name is declared or meant, and starts with a digit.
    fn name_with_digits(&self, number: Range<usize>, end: usize) -> Option<Read> {
        const BEFORE: [&str; 13] = [
            "data", "model", "network", "fit", "to", "as", "solve", "predict", "state", "param", "const", "input",
            "let",
        ];
        let line = self.line_before();
        // The statement that the place is in.
        let statement = line.rsplit(['{', '}', ';']).next()?.trim_start();
        let last = statement.split_whitespace().next_back()?;
        let declares =
            statement.split_whitespace().next().is_some_and(|w| matches!(w, "state" | "input" | "param" | "const"));
        let depth = statement.matches(['(', '[']).count() != statement.matches([')', ']']).count();
        let named = BEFORE.contains(&last) && statement.ends_with([' ', '\t']);
        let listed = declares && !depth && statement.trim_end().ends_with(',');
        let (digits, word) = (self.text.get(number.clone())?, self.text.get(number.end..end)?);
        // `state x, 2x` may be anything where the name is there already.
        if !(named || listed) {
            return None;
        }
        let swapped = digits.bytes().all(|b| b.is_ascii_digit()) && word.chars().all(char::is_alphabetic);
        let written = if swapped { format!("{word}{digits}") } else { format!("_{}{word}", digits.replace('.', "_")) };
        let whole = shown(self.text.get(number.start..end)?);
        let message = format!("a name starts with a letter, and `{whole}` with a digit");
        let help = format!("write `{}`, wherever it stands", shown(&written));
        Some(Read { code: codes::E0101, message, end, help, written })
    }
}

/// A number with letters behind it that was meant as something else.
struct Read {
    code: &'static str,
    message: String,
    /// Where it ends.
    end: usize,
    help: String,
    /// What is written for it.
    written: String,
}

//! Characters that are not part of the language, and what is written for them.

use super::letters::{code_point, is_direction_control, is_invisible};
use super::lexer::{Lexer, TokenKind};
use crate::diagnostics::codes;

/// What to write instead of a character, and the text that mends it where that is a replacement of the character alone.
fn replacement(c: char) -> Option<(&'static str, Option<&'static str>)> {
    Some(match c {
        '&' => ("conditions are joined by the word `and`", Some(" and ")),
        '|' => ("conditions are joined by the word `or`; an absolute value is written `abs(x)`", None),
        '!' => ("a condition is turned round by the word `not`", Some("not ")),
        '\u{2212}' | '\u{2013}' | '\u{2014}' => ("write the minus of the keyboard: `-`", Some("-")),
        '\u{00b7}' | '\u{0387}' | '\u{00d7}' | '\u{22c5}' | '\u{2217}' | '\u{2022}' => {
            ("multiplication is written `*`", Some("*"))
        }
        '\u{00f7}' | '\u{2215}' => ("division is written `/`", Some("/")),
        '\u{2208}' => ("a range stands behind the word `in`", Some(" in ")),
        '\u{2248}' | '\u{2245}' => ("write `~=`, with a tolerance: `x ~= 3 within 2%`", Some("~=")),
        '\u{2192}' | '\u{21cc}' | '\u{27f6}' | '\u{21d2}' => {
            ("reactions are written as equations: `A' = -k*A`, `B' = k*A`", None)
        }
        '\u{2190}' => ("sides are set equal by `=`", Some("=")),
        '\u{2211}' => ("a sum is written `sum(i in cell) u[i]`", None),
        '\u{222b}' => ("an integral is a state with an equation: `total' = x`", None),
        '\u{2264}' => ("write `<=`", Some("<=")),
        '\u{2265}' => ("write `>=`", Some(">=")),
        '\u{2260}' => ("write `!=`", Some("!=")),
        '\u{2019}' | '\u{2018}' | '\u{2032}' | '\u{b4}' | '`' => {
            ("a derivative is written with the straight quote: `x'`", Some("'"))
        }
        '\u{2033}' => ("a second derivative is written with two straight quotes: `x''`", Some("''")),
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => {
            ("a string is written with straight quotes: `\"`", Some("\""))
        }
        '\u{00b2}' => ("a power is written `^2`", Some("^2")),
        '\u{00b3}' => ("a power is written `^3`", Some("^3")),
        '\u{2202}' | '\u{2207}' => ("derivatives are written `x'` in time and `dx(u)`, `dxx(u)` in space", None),
        '\u{221a}' => ("a square root is written `sqrt(x)`", None),
        '\u{b1}' => (NO_ERROR, None),
        '\u{221e}' => ("numbers are finite; a range without an end is left out", None),
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            ("write an ordinary space", Some(" "))
        }
        '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => ("write an ordinary space", Some("")),
        '\u{2080}'..='\u{2089}' => ("write an ordinary digit: `x1`", digit(c)),
        _ => return None,
    })
}

/// What is said of a value with an error.
pub(super) const NO_ERROR: &str =
    "a number has no error of its own: write the value, and where the estimate has to stay `in [low, high]`";

/// The ordinary digit for one below the line.
fn digit(c: char) -> Option<&'static str> {
    const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    DIGITS.get(u32::from(c).checked_sub(0x2080)? as usize).copied()
}

/// So many bytes of a line are looked at on each side of a character; time stays linear in the length of lines.
const LOOK: usize = 256;

impl Lexer<'_, '_, '_> {
    /// A character outside the language.
    pub(super) fn stranger(&mut self, c: char) {
        if c == '\0' || is_direction_control(c) {
            self.report_hidden(c, self.at);
            return self.push(TokenKind::Bad, self.at + c.len_utf8());
        }
        let end = self.at + c.len_utf8();
        let message = match c.is_control() || c.is_whitespace() || is_invisible(c) {
            true => format!("unexpected invisible character {}", code_point(c)),
            false if c.is_ascii() => format!("unexpected character `{c}`"),
            false => format!("unexpected character `{c}` ({})", code_point(c)),
        };
        let doubled = matches!(c, '&' | '|') && self.rest().chars().nth(1) == Some(c);
        if self.line_reported {
            return self.push(TokenKind::Bad, end);
        }
        // The fence of a block of code in a text
        if self.rest().starts_with("```") && self.line_before().trim().is_empty() {
            let end = self.run(self.at, |c| c != '\n' && c != '\r');
            let help = "leave the line out: a file holds the model alone".to_string();
            let message = "a fence is no part of a model".to_string();
            if !std::mem::replace(&mut self.fence_reported, true) {
                return self.bad_with_edit(codes::E0108, message, end, help, (self.at..end, String::new()));
            }
            self.at = end;
            return;
        }
        if c == '\\' && self.command_of_tex() || c == '@' && self.macro_of_others() {
            return;
        }
        // `x' &= -x`, where columns are aligned
        if c == '&'
            && (self.rest().starts_with("&=") || self.line_on().get(1..).is_some_and(|rest| rest.trim().is_empty()))
        {
            let help = "leave it out: lines are not aligned".to_string();
            return self.bad_with_edit(codes::E0108, message, end, help, (self.at..end, String::new()));
        }
        // A second derivative in quotes of print.
        let quotes = self.run(self.at, |other| other == c);
        let primes = replacement(c).is_some_and(|(_, instead)| instead == Some("'")) && quotes > end;
        if primes {
            let count = self.text.get(self.at..quotes).map_or(1, |run| run.chars().count());
            let help = "derivatives are written with straight quotes: `x''`".to_string();
            return self.bad_with_edit(codes::E0108, message, quotes, help, (self.at..quotes, "'".repeat(count)));
        }
        let end = if doubled { end + 1 } else { end };
        // `x!`
        if c == '!'
            && self.line_before().ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ')' | ']' | '\''))
        {
            let help = "there is no factorial; a condition is turned round by the word `not`";
            return self.bad(codes::E0108, message, end, "", Some(help.to_string()));
        }
        match replacement(c) {
            // The quotes of a text are replaced together.
            Some((help, Some(quote))) if quote == "\"" && self.printed_quotes().is_some() => {
                let close = self.printed_quotes().unwrap_or(end);
                let inside = self.text.get(end..close).unwrap_or_default();
                let inside = inside.trim_end_matches(['\u{201c}', '\u{201d}', '"']);
                let edit = (self.at..close, format!("\"{inside}\""));
                self.bad_with_edit(codes::E0108, message, end, help.to_string(), edit);
            }
            Some((help, Some(instead))) => {
                let apart = |text: &str| text.is_empty() || text.ends_with(' ') || text.starts_with(' ');
                let before = self.text.get(..self.at).is_some_and(apart);
                let after = self.text.get(end..).is_some_and(apart);
                let instead = match instead.trim() {
                    "in" => format!("{}in{}", if before { "" } else { " " }, if after { "" } else { " " }),
                    "and" => format!("{}and{}", if before { "" } else { " " }, if after { "" } else { " " }),
                    _ => instead.to_string(),
                };
                self.bad_with_edit(codes::E0108, message, end, help.to_string(), (self.at..end, instead));
            }
            Some((help, None)) if doubled => {
                let edit = (self.at..end, "or".to_string());
                self.bad_with_edit(codes::E0108, message, end, help.to_string(), edit);
            }
            Some((help, None)) => self.bad(codes::E0108, message, end, "", Some(help.to_string())),
            None => {
                let help = "leave it out: names are made of letters, digits and `_`";
                self.bad(codes::E0108, message, end, "", Some(help.to_string()));
            }
        }
    }

    /// The text of the current line before the current place, of a long one its end.
    pub(super) fn line_before(&self) -> &str {
        let mut start = self.at.saturating_sub(LOOK);
        while !self.text.is_char_boundary(start) {
            start += 1;
        }
        let before = self.text.get(start..self.at).unwrap_or_default();
        before.rsplit(['\n', '\r']).next().unwrap_or_default()
    }

    /// The text of the current line from the current place on, of a long one its start.
    pub(super) fn line_on(&self) -> &str {
        let mut end = (self.at + LOOK).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let on = self.text.get(self.at..end).unwrap_or_default();
        on.split(['\n', '\r']).next().unwrap_or_default()
    }

    /// Whether a line of the file declares `name`.
    pub(super) fn is_declared(&self, name: &str) -> bool {
        let declares = |line: &str| {
            // What stands in brackets is a unit, an index set or a range.
            let outside: String =
                line.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect();
            let mut words = outside.split(|c: char| !(c == '_' || c.is_alphanumeric())).filter(|w| !w.is_empty());
            match words.next() {
                Some("state" | "input") => words.any(|w| w == name),
                Some("param" | "const" | "let") => words.next() == Some(name),
                _ => false,
            }
        };
        self.text.split(['\n', '\r', ';', '{']).any(|line| declares(line.trim_start()))
    }

    /// How many bytes start a comment of other languages here, if any do: `#`, `%` where it is no per cent sign, `--` at the start of a
    /// file.
    pub(super) fn comment_of_others(&self) -> Option<usize> {
        match self.rest().as_bytes().first()? {
            b'#' => Some(1),
            b'-' if self.rest().starts_with("--") && (self.starts_file() || self.prose(2)) => Some(2),
            b'!' if self.rest().starts_with("! ") && self.prose(1) => Some(1),
            b'<' if self.rest().starts_with("<!--") => Some(4),
            b';' if self.starts_file() && self.prose(1) || self.prose_behind() => Some(1),
            // `5%`, `5 %` and `[%]` are about a share, a name between a value and the end of the line about a remainder: `aa % bb`.
            b'%' => {
                let before = self.line_before();
                let apart = before.ends_with([' ', '\t']) && !before.trim_end().ends_with(|c: char| c.is_ascii_digit());
                let mut words = self.line_on().trim_start_matches('%').split_whitespace();
                let first = words.next();
                let word = first.is_some_and(|w| w.chars().all(char::is_alphabetic) && w.chars().count() > 1);
                let starts_line = before.trim().is_empty() && first.is_some_and(|w| w.starts_with(char::is_alphabetic));
                let alone = words.next().is_none();
                let value =
                    before.trim_end().ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | ']' | '\'' | '_'));
                (starts_line || apart && (!alone || word && !value)).then_some(1)
            }
            _ => None,
        }
    }

    /// Whether nothing stands before but comments and blank lines.
    fn starts_file(&self) -> bool {
        const FEW: usize = 64;
        self.tokens.len() < FEW && self.tokens.iter().all(|t| t.kind == TokenKind::Newline)
    }

    /// Whether the current line starts here, `width` bytes are followed by a blank, and then there are words as in prose.
    fn prose(&self, width: usize) -> bool {
        let text = self.line_on().get(width..).unwrap_or_default();
        let mut words = text.split_whitespace().take(2);
        let word = |w: &str| w.chars().all(|c| c.is_alphabetic() || matches!(c, ',' | '.' | ':'));
        self.line_before().trim().is_empty()
            && text.starts_with([' ', '\t'])
            && words.clone().count() > 0
            && words.all(word)
    }

    /// Whether the line goes on behind a `;` with words of which the first starts a sentence and no statement: `; the rate`.
    fn prose_behind(&self) -> bool {
        let text = self.line_on().get(1..).unwrap_or_default();
        let mut words = text.split_whitespace();
        let plain = |w: &str| w.chars().all(|c| c.is_alphabetic() || matches!(c, ',' | '.' | '-' | '(' | ')'));
        let starts =
            words.next().is_some_and(|w| matches!(w, "the" | "a" | "an" | "this" | "these" | "our" | "here" | "see"));
        // `; a = 1` and `; this b` are no prose.
        starts && words.clone().count() > 0 && words.all(plain) && !text.contains('}')
    }

    /// Passes over a comment that starts as in other languages; the first of a file is reported.
    pub(super) fn pass_comment(&mut self, width: usize) {
        let end = self.run(self.at, |c| c != '\n' && c != '\r');
        if !std::mem::replace(&mut self.comment_reported, true) {
            let start = self.at..self.at + width;
            let sign = self.text.get(start.clone()).unwrap_or_default();
            let message = format!("a comment does not start with `{sign}`");
            let help = "a comment starts with `//`, here and wherever else it does not".to_string();
            self.out.error_with_edit(codes::E0108, message, start.clone(), help, (start, "//".to_string()));
        }
        self.at = end;
    }

    /// The sign of degrees.
    pub(super) fn degree(&mut self) {
        let celsius = self.rest().starts_with("\u{b0}C");
        let (end, unit) = match celsius {
            true => (self.at + 3, "degC"),
            false => (self.at + 2, "deg"),
        };
        let help = match celsius {
            true => {
                "degrees Celsius are written `degC`; models calculate in kelvin, `K`, and data in `degC` are converted"
            }
            false => "degrees of angles are written `deg`, of temperature `degC`",
        };
        let message = "unexpected character `\u{b0}` (U+00B0)".to_string();
        self.bad_with_edit(codes::E0108, message, end, help.to_string(), (self.at..end, unit.to_string()));
    }

    /// Quotes of print around a text in one line.
    pub(super) fn printed_quotes(&self) -> Option<usize> {
        let line = self.line_on();
        let close = line.char_indices().skip(1).find(|(_, c)| matches!(c, '\u{201d}' | '\u{201c}' | '"'))?;
        Some(self.at + close.0 + close.1.len_utf8())
    }
}

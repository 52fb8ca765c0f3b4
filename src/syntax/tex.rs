//! Commands of TeX and macros of Julia, and what is written for them.

use std::ops::Range;

use super::letters::shown;
use super::lexer::Lexer;
use crate::diagnostics::codes;

impl Lexer<'_, '_, '_> {
    /// `\alpha`, `\dot{x}`, `\frac{dx}{dt}`; whether it is a command, which then is reported.
    pub(super) fn command_of_tex(&mut self) -> bool {
        let start = self.at + 1;
        let end = self.run(start, |c| c.is_ascii_alphabetic());
        let word = self.text.get(start..end).unwrap_or_default();
        let message = "unexpected character `\\`".to_string();
        let whole = self.at..end;
        if word.is_empty() {
            // `\\` and `\,`
            let width = self.rest().chars().take(2).map(char::len_utf8).sum::<usize>();
            let gone = self.at..self.at + width;
            if !matches!(self.rest().as_bytes().get(1), Some(b'\\' | b',' | b';' | b' ' | b'!' | b'{' | b'}')) {
                return false;
            }
            self.bad_with_edit(codes::E0108, message, gone.end, "leave it out".to_string(), (gone, String::new()));
            return true;
        }
        let (help, edit): (String, Option<(Range<usize>, String)>) = match word {
            "dot" | "ddot" | "frac" | "dfrac" | "tfrac" => match self.derivative_of_tex(word, end) {
                Some((until, written)) => {
                    (format!("a derivative is written with a prime: `{written}`"), Some((self.at..until, written)))
                }
                None => match self.braces(end).and_then(|(above, at)| Some((above, self.braces(at)?))) {
                    Some((above, (below, until))) if word.ends_with("frac") => {
                        let written = format!("{}/{}", factor(above), factor(below));
                        (format!("a quotient is written `{written}`"), Some((self.at..until, written)))
                    }
                    _ => ("a quotient is written `a/b`, a derivative `x'`".to_string(), None),
                },
            },
            "cdot" | "times" | "ast" => ("multiplication is written `*`".to_string(), Some((whole, "*".to_string()))),
            "leq" | "le" => ("write `<=`".to_string(), Some((whole, "<=".to_string()))),
            "geq" | "ge" => ("write `>=`".to_string(), Some((whole, ">=".to_string()))),
            "sqrt" => match self.braces(end) {
                Some((of, until)) => {
                    (format!("a square root is written `sqrt({of})`"), Some((self.at..until, format!("sqrt({of})"))))
                }
                None => ("a square root is written `sqrt(x)`".to_string(), None),
            },
            "begin" | "end" => {
                let until = self.braces(end).map_or(end, |(_, until)| until);
                (
                    "leave it out: equations stand in a model without it".to_string(),
                    Some((self.at..until, String::new())),
                )
            }
            "left" | "right" | "quad" | "qquad" | "label" | "nonumber" | "displaystyle" | "big" | "Big" => {
                ("leave it out".to_string(), Some((whole, String::new())))
            }
            "mathrm" | "text" | "mathbf" | "mathit" | "operatorname" => match self.braces(end) {
                Some((of, until)) => {
                    (format!("names are written plainly: `{of}`"), Some((self.at..until, of.to_string())))
                }
                None => ("names are written plainly".to_string(), Some((whole, String::new()))),
            },
            _ => (
                format!("names have no `\\`: `{}`, or the letter itself", shown(word)),
                Some((self.at..self.at + 1, String::new())),
            ),
        };
        match edit {
            Some(edit) => self.bad_with_edit(codes::E0108, message, end, help, edit),
            None => self.bad(codes::E0108, message, end, "", Some(help)),
        }
        true
    }

    /// What stands in the braces that open at `at`, and where they end.
    fn braces(&self, at: usize) -> Option<(&str, usize)> {
        let rest = self.text.get(at..)?.strip_prefix('{')?;
        let length =
            rest.find(['{', '}', '\n', '\r']).filter(|n| rest.get(*n..).is_some_and(|r| r.starts_with('}')))?;
        Some((rest.get(..length)?.trim(), at + length + 2))
    }

    /// The derivative that `\dot{x}`, `\dot x` or `\frac{dx}{dt}` is, and where it ends; `end` is that of its command.
    fn derivative_of_tex(&self, command: &str, end: usize) -> Option<(usize, String)> {
        if let Some(dots) = command.strip_suffix("dot") {
            let (name, until) = match self.braces(end) {
                Some((name, until)) => (name.to_string(), until),
                None => {
                    let from = self.run(end, |c| c == ' ');
                    let until = self.run(from, |c| c.is_alphanumeric() || c == '_');
                    (self.text.get(from..until)?.to_string(), until)
                }
            };
            let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            return plain.then(|| (until, format!("{name}{}", "'".repeat(dots.len() + 1))));
        }
        let (above, at) = self.braces(end)?;
        let (below, until) = self.braces(at)?;
        let name = above.strip_prefix("\\mathrm").unwrap_or(above).strip_prefix('d')?.trim();
        let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        (plain && below.replace(' ', "") == "dt").then(|| (until, format!("{name}'")))
    }

    /// `@parameters k`, `@(t, x) -k*x`; whether it is one, which then is reported.
    pub(super) fn macro_of_others(&mut self) -> bool {
        let start = self.at + 1;
        let end = self.run(start, |c| c.is_ascii_alphabetic());
        let word = self.text.get(start..end).unwrap_or_default();
        let message = "unexpected character `@`".to_string();
        let keyword = match word {
            "parameters" | "parameter" => "param",
            "variables" | "variable" | "species" | "unknowns" => "state",
            "constants" | "constant" => "const",
            "" if self.rest().starts_with("@(") => {
                let help = "a function is declared as `fn f(x) = 2*x`; an equation names its state, `x' = -k*x`";
                self.bad(codes::E0108, message, start, "", Some(help.to_string()));
                return true;
            }
            _ => return false,
        };
        let help = format!("declarations have no `@`: `{keyword} ...`");
        self.bad_with_edit(codes::E0108, message, end, help, (self.at..end, keyword.to_string()));
        true
    }
}

/// `text` as a part of a quotient.
fn factor(text: &str) -> String {
    match text.chars().all(|c| c.is_alphanumeric() || c == '_') {
        true => text.to_string(),
        false => format!("({text})"),
    }
}

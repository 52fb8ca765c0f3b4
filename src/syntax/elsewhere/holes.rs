//! Holes, bounds and open values in forms that are near to those of the language.

use super::super::expectation::HOLE_FORM;
use super::super::explain::{Said, Stop};
use super::super::grammar::Rule;
use super::super::lexer::{Token, TokenKind};
use crate::diagnostics::codes;

impl Stop<'_> {
    /// `?g`, where `g` is a hole with a name.
    pub(super) fn named_hole(&self) -> Option<Said> {
        let name = self.before.filter(|t| t.kind == TokenKind::Word)?;
        let mark = self.backwards().nth(1).filter(|&t| self.slice(t) == "?" && t.end == name.start)?;
        let word = self.slice(name);
        if !self.follows_in_file("hole", word) {
            return None;
        }
        let message = format!("`{word}` is a hole with a name");
        let help = format!("it stands without a question mark: `{word}`");
        let said = Said::new(codes::E0101, message, mark.start..name.end, help);
        Some(said.edit(mark.start..mark.end, ""))
    }

    /// `param k = ?`, and a question mark alone.
    pub(super) fn value_left_open(&self) -> Option<Said> {
        let mark = self.before.filter(|&t| self.slice(t) == "?")?;
        let is = self.backwards().nth(1).filter(|&t| self.slice(t) == "=")?;
        let ends = |t: Token| matches!(t.kind, TokenKind::Newline | TokenKind::Semicolon | TokenKind::Close(b'}'));
        let ends = |t: Token| ends(t) || matches!(self.slice(t), "in" | ",");
        // The name with its unit, from the word or the comma on.
        let declared = self.backwards().skip(2);
        let first = declared.take_while(|&t| !matches!(self.slice(t), "param" | ",")).last()?;
        let declaration = self.text.get(first.start..is.start)?.trim_end();
        if self.next.is_some_and(|t| !ends(t)) {
            return None;
        }
        if self.rule != Rule::param_statement {
            return None;
        }
        let message = "a parameter that is to be estimated has no value".to_string();
        let help = format!("write `param {declaration}`");
        let gone = first.start + declaration.len()..mark.end;
        Some(Said::new(codes::E0101, message, mark.start..mark.end, help).edit(gone, ""))
    }

    /// The form of the hole that reading stopped in.
    pub(in super::super) fn hole_form(&self) -> Option<String> {
        let library = self.symbol(self.before);
        Some(match library {
            "ratio" => {
                "a ratio names what it is made of: `?ratio(poly(x; degree = 2), poly(x; degree = 2))`".to_string()
            }
            "poly" | "terms" | "linear" | "fourier" => format!("a hole names what it is made of: `?{library}(x)`"),
            _ => format!("{HOLE_FORM}; a number that is to be estimated is declared: `param {library}`"),
        })
    }

    /// `coefficients in [0, 1]` and `coefficients = [0, 1]`; and a second `;` before options.
    pub(super) fn bounds_of_coefficients(&self) -> Option<Said> {
        if self.symbol(self.next) == ";" && self.expected.contains(&Rule::close_paren) {
            let message = "the options of a hole are separated by commas".to_string();
            let help = "write `?poly(x; degree = 2, coefficients >= 0)`";
            return Some(Said::new(codes::E0101, message, self.place.clone(), help).edit(self.place.clone(), ","));
        }
        let word = self.backwards().take(2).find(|&t| self.slice(t) == "coefficients")?;
        let mut behind = self.tokens.iter().skip_while(|t| t.start < word.end).copied();
        behind.next().filter(|&t| matches!(self.slice(t), "in" | "="))?;
        let open = behind.next().filter(|t| matches!(t.kind, TokenKind::Open(b'[' | b'(')))?;
        let close = self.matching(open)?;
        let (low, high) = self.text.get(open.end..close.start)?.split_once(',')?;
        // Of ends that are calls or lists it is not plain where one ends.
        if high.contains(',') || low.contains('(') {
            return None;
        }
        let written = format!("coefficients >= {}, coefficients <= {}", low.trim(), high.trim());
        let message = "the bounds of coefficients are written one by one".to_string();
        let said = Said::new(codes::E0101, message, word.start..close.end, format!("write `{written}`"));
        Some(said.edit(word.start..close.end, written))
    }
}

//! Holes, bounds and open values in forms that are near to those of the language.

use super::super::explain::{HOLE_FORM, Said, Stop};
use super::super::grammar::Rule;
use super::super::lexer::TokenKind;
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
        let mut earlier = self.backwards().skip(1);
        let is = earlier.next().filter(|&t| self.slice(t) == "=")?;
        let name = earlier.next()?;
        if self.rule != Rule::param_statement {
            return None;
        }
        let message = "a parameter that is to be estimated has no value".to_string();
        let help = format!("write `param {}`", self.slice(name));
        Some(Said::new(codes::E0101, message, mark.start..mark.end, help).edit(name.end..mark.end.max(is.end), ""))
    }

    /// The form of the hole that reading stopped in.
    pub(in super::super) fn hole_form(&self) -> Option<String> {
        let library = self.symbol(self.before);
        Some(match library {
            "ratio" => "a ratio names what it is made of: `?ratio(x; degree = 1)`".to_string(),
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
        let inside = self.tokens.iter().skip_while(|t| t.start < word.end);
        let open = inside.clone().copied().find(|t| t.kind == TokenKind::Open(b'['))?;
        let close = inside.copied().find(|t| t.kind == TokenKind::Close(b']'))?;
        let (low, high) = self.text.get(open.end..close.start)?.split_once(',')?;
        let written = format!("coefficients >= {}, coefficients <= {}", low.trim(), high.trim());
        let message = "the bounds of coefficients are written one by one".to_string();
        let said = Said::new(codes::E0101, message, word.start..close.end, format!("write `{written}`"));
        Some(said.edit(word.start..close.end, written))
    }
}

//! What stood to be expected where a statement stops, and how it is written.

use super::explain::{Said, Stop};
use super::grammar::Rule;
use super::lexer::TokenKind;
use super::phrases::{form, list};
use crate::diagnostics::codes;

const SOLVE_FORM: &str = "a solve item names a model: `solve run = Model(k = 1) { steps 500; dt 0.05 }`";
const UNIT_BEHIND_A_BLANK: &str = "index sets follow a name without a blank, a unit behind one: `x [1/m]`";
const HELD_FORM: &str = "a fit holds a parameter at a value: `fit Model(k = 1) to data`";
const PREDICT_FORM: &str = "a prediction names a fit: `predict tail = fit { steps 2000 }`";
pub(super) const HOLE_FORM: &str = "a hole names a library and what it is made of: `?poly(x; degree = 2)`";
/// What stands in the brackets of a unit.
const UNIT_PARTS: [Rule; 5] =
    [Rule::unit_product, Rule::unit_factor, Rule::unit_one, Rule::unit_power, Rule::unit_digits];

impl Stop<'_> {
    /// What is expected and what is found.
    pub(super) fn expectation(&self) -> Said {
        let in_hole =
            self.tokens.iter().rev().skip_while(|t| t.end > self.at).nth(1).is_some_and(|&t| self.slice(t) == "?");
        let (before, next) = (self.symbol(self.before), self.symbol(self.next));
        let help = match in_hole && self.expected == [Rule::open_paren] {
            true => self.hole_form(),
            false if self.rule == Rule::solve_header => Some(SOLVE_FORM.to_string()),
            false if self.rule == Rule::predict_header => Some(PREDICT_FORM.to_string()),
            false if matches!(self.rule, Rule::setting | Rule::setting_value) && matches!(next, "=" | "<" | ">") => {
                let opened = self.tokens.iter().any(|t| t.end <= self.at && matches!(t.kind, TokenKind::Open(_)));
                let help = match opened {
                    true => "options stand in parentheses, with equals signs: `optimizer adam(lr = 0.01)`",
                    false => "a setting has its value on the same line: `window 5`",
                };
                Some(help.to_string())
            }
            false if self.rule == Rule::fit_header && self.expected == [Rule::is] => Some(HELD_FORM.to_string()),
            false => {
                hint(before, next, self.next.is_none(), self.expected).map(str::to_string).or_else(|| self.form_help())
            }
        };
        let message = match self.text.get(self.place.start..).is_some_and(|rest| rest.starts_with("==")) {
            true => "`==` is not part of the language".to_string(),
            false => format!("expected {}, found {}", list(self.expected), self.found),
        };
        Said { code: codes::E0101, message, place: self.place.clone(), here: "", help, edit: None }
    }

    /// How what stops here is written, or what to do where a value is missing.
    fn form_help(&self) -> Option<String> {
        if self.expected.iter().any(|rule| UNIT_PARTS.contains(rule)) {
            return Some("units are products, quotients and powers: `[kg*m/s^2]`; a plain number is `[1]`".to_string());
        }
        if let Some(form) = form(self.rule) {
            return Some(form.to_string());
        }
        let is_value = |rule: &Rule| matches!(rule, Rule::expr | Rule::operand | Rule::group | Rule::reference);
        let missing = if self.expected.iter().any(is_value) {
            "value"
        } else if self.expected.contains(&Rule::add) {
            "operator"
        } else {
            return None;
        };
        Some(match self.next {
            Some(_) => {
                format!("leave out what is too much, or write the {missing} that is missing in front of {}", self.found)
            }
            None => format!("write the {missing} that is missing"),
        })
    }
}

/// Advice for spellings of other languages and for lines cut short.
fn hint(before: &str, next: &str, at_end: bool, expected: &[Rule]) -> Option<&'static str> {
    Some(match (before, next) {
        _ if expected.contains(&Rule::kw_simulate) => {
            "data is simulated, read or computed: `simulate Model(k = 1)`, `csv(\"data.csv\")`, `formula`"
        }
        ("[", _) if expected == [Rule::name] => UNIT_BEHIND_A_BLANK,
        (_, "/" | "*" | "^") if expected.iter().all(|r| matches!(r, Rule::comma | Rule::close_bracket)) => {
            UNIT_BEHIND_A_BLANK
        }
        (_, word) if expected.contains(&Rule::kw_order) && word.starts_with(char::is_alphabetic) => {
            "a unit stands in brackets behind the name: `x [mol]`; between names stands a comma"
        }
        ("?", _) => HOLE_FORM,
        (_, "=" | "<" | ">") => "an equation has two sides with one `=` between them",
        (_, "%") => "a per cent sign follows its number directly: `5%`",
        (_, "'") => "a string is written with double quotes: `\"data.csv\"`",
        ("+" | "-" | "*" | "/" | "^" | "=" | ",", _) if at_end => {
            "a statement ends with its line; inside parentheses it may go on"
        }
        _ => return None,
    })
}

//! Why a statement cannot be read, in the user's terms: what was probably meant, else what is expected.

use std::ops::Range;

use super::grammar::{MODEL_KEYWORDS, Rule};
use super::lexer::{Token, TokenKind};
use super::outline::{Chunk, found};
use super::phrases::list;
use super::report::Reporter;
use super::slips::{keyword_near, prefix_near};
use crate::diagnostics::{closest, codes};

/// Reports that at byte `at` one of `expected` should stand.
pub(super) fn explain(
    rule: Rule,
    expected: &[Rule],
    text: &str,
    tokens: &[Token],
    chunk: &Chunk,
    at: usize,
    out: &mut Reporter,
) {
    // The rules fail before the blanks in front of the token that stopped them.
    let in_chunk = tokens.get(chunk.tokens.clone()).unwrap_or_default();
    let next = in_chunk.iter().find(|t| t.end > at && t.kind != TokenKind::Newline).copied();
    let (found, place) = match next {
        Some(t) => found(text, tokens, t.start.max(at)),
        None => found(text, tokens, chunk.bytes.end),
    };
    let before = in_chunk.iter().rfind(|t| t.end <= at && t.kind != TokenKind::Newline).copied();
    let stop =
        Stop { rule, expected, text, tokens: in_chunk, bytes: chunk.bytes.clone(), at, before, next, found, place };
    let said = stop
        .without_equals()
        .or_else(|| stop.declaration())
        .or_else(|| stop.test_name())
        .or_else(|| stop.near_keyword())
        .or_else(|| stop.keyword_as_name())
        .or_else(|| stop.near_prefix())
        .or_else(|| stop.without_operator())
        .or_else(|| stop.assignment())
        .unwrap_or_else(|| stop.expectation());
    out.error_with_help(said.code, said.message, said.place, said.here, said.help);
}

/// Where reading a statement stopped.
struct Stop<'a> {
    /// What the statement was read as.
    rule: Rule,
    /// What could have stood there.
    expected: &'a [Rule],
    text: &'a str,
    /// The tokens of the statement and its bytes.
    tokens: &'a [Token],
    bytes: Range<usize>,
    at: usize,
    /// The tokens around the place.
    before: Option<Token>,
    next: Option<Token>,
    /// What stands there, for messages, and where that is.
    found: String,
    place: Range<usize>,
}

/// What is said.
struct Said {
    code: &'static str,
    message: String,
    place: Range<usize>,
    /// What is to be seen at the place.
    here: &'static str,
    help: Option<String>,
}

impl Said {
    fn new(code: &'static str, message: String, place: Range<usize>, help: impl Into<String>) -> Self {
        Said { code, message, place, here: "", help: Some(help.into()) }
    }
}

impl<'a> Stop<'a> {
    fn slice(&self, token: Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// The text of a token, none for none.
    fn symbol(&self, token: Option<Token>) -> &'a str {
        token.map_or("", |t| self.slice(t))
    }

    /// Whether a value stands where an operator could.
    fn operator_is_missing(&self) -> bool {
        let value =
            |t: Token| matches!(t.kind, TokenKind::Word | TokenKind::Number | TokenKind::Text | TokenKind::Open(_));
        self.expected.contains(&Rule::add) && self.next.is_some_and(value)
    }

    fn without_equals(&self) -> Option<Said> {
        if self.rule != Rule::equation || self.next.is_some() || !self.expected.contains(&Rule::is) {
            return None;
        }
        let goes_on = self.tokens.first().is_some_and(|t| matches!(t.kind, TokenKind::Symbol(_)));
        let help = match goes_on {
            true => "a statement ends with its line; put what spans lines into parentheses",
            false => "an equation has two sides: `x' = -k*x`",
        };
        Some(Said::new(codes::E0121, "this equation has no `=`".to_string(), self.bytes.clone(), help))
    }

    /// A line that starts with two words was meant as a declaration, and so was `tiem [s]`, since an operator or an equals sign would
    /// follow a name.
    fn declaration(&self) -> Option<Said> {
        let [first, second, ..] = self.tokens else { return None };
        if self.rule != Rule::equation || first.kind != TokenKind::Word || second.start != self.place.start {
            return None;
        }
        let word = self.slice(*first);
        let help = match second.kind {
            TokenKind::Open(b'[') => closest(word, ["time"]).map(|near| format!("did you mean `{near}`?"))?,
            TokenKind::Word | TokenKind::Number | TokenKind::Text => match closest(word, MODEL_KEYWORDS) {
                _ if word == "time" => {
                    format!("the unit of the time stands in brackets: `time [{}]`", self.slice(*second))
                }
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("here stand `{}` and equations", MODEL_KEYWORDS.join("`, `")),
            },
            _ => return None,
        };
        let message = format!("`{word}` does not start a statement of a model");
        Some(Said::new(codes::E0112, message, first.start..first.end, help))
    }

    /// `=` where two sides are compared.
    fn assignment(&self) -> Option<Said> {
        let in_test = self.rule == Rule::expectation;
        let compares = self.expected.contains(&Rule::equals) && (in_test || self.expected.contains(&Rule::kw_then));
        if self.symbol(self.next) != "=" || !compares {
            return None;
        }
        let (here, help) = match in_test {
            true => {
                let help = "what is measured or estimated is compared by `~=` with a tolerance: `x ~= 3 within 2%`";
                ("write `~=` or `==`", Some(help.to_string()))
            }
            false => ("write `==`", None),
        };
        let (code, message, place) = (codes::E0101, "`=` does not compare".to_string(), self.place.clone());
        Some(Said { code, message, place, here, help })
    }

    fn test_name(&self) -> Option<Said> {
        if self.rule != Rule::test_header || self.expected != [Rule::text] {
            return None;
        }
        let message = format!("the name of a test stands in quotes, and here is {}", self.found);
        let name = self.next.filter(|t| t.kind == TokenKind::Word).map_or("name", |t| self.slice(t));
        Some(Said::new(codes::E0101, message, self.place.clone(), format!("write `test \"{name}\" {{ ... }}`")))
    }

    /// A slip in a keyword.
    fn near_keyword(&self) -> Option<Said> {
        if let Some(word) = self.next.filter(|t| t.kind == TokenKind::Word)
            && let Some(near) = keyword_near(self.slice(word), self.expected)
        {
            let message = format!("expected `{near}`, found {}", self.found);
            return Some(Said::new(codes::E0101, message, self.place.clone(), format!("did you mean `{near}`?")));
        }
        // `simulte Lorenz63`, which is read as the format of a file.
        let word = self.before.filter(|_| self.rule == Rule::data_header && self.expected == [Rule::open_paren])?;
        let near = keyword_near(self.slice(word), &[Rule::kw_simulate, Rule::kw_formula])?;
        let message = format!("there is no data source `{}`", self.slice(word));
        Some(Said::new(codes::E0101, message, word.start..word.end, format!("did you mean `{near}`?")))
    }

    fn keyword_as_name(&self) -> Option<Said> {
        let wants_name = self.expected.iter().any(|rule| matches!(rule, Rule::name | Rule::fit_data));
        (wants_name && self.next.is_some_and(|t| t.kind == TokenKind::Word)).then(|| Said {
            code: codes::E0115,
            message: format!("{} is a keyword and cannot be a name", self.found),
            place: self.place.clone(),
            here: "a name is expected here",
            help: None,
        })
    }

    /// A slip in a keyword in front of an expression, which was read as a name.
    fn near_prefix(&self) -> Option<Said> {
        let word = self.before.filter(|t| t.kind == TokenKind::Word && self.operator_is_missing())?;
        let in_conditional = self.tokens.iter().any(|&t| t.start >= self.at && self.slice(t) == "then");
        let earlier = self.tokens.iter().rfind(|t| t.end <= word.start).copied();
        let near = prefix_near(self.symbol(earlier), self.slice(word), in_conditional)?;
        let message = format!("expected `{near}`, found `{}`", self.slice(word));
        Some(Said::new(codes::E0101, message, word.start..word.end, format!("did you mean `{near}`?")))
    }

    fn without_operator(&self) -> Option<Said> {
        if !self.operator_is_missing() || matches!(self.rule, Rule::setting | Rule::setting_value) {
            return None;
        }
        let help = match self.symbol(self.next) {
            "(" if self.before.is_some_and(|t| t.kind == TokenKind::Word) => {
                "a call has no blank before its parenthesis: `sin(x)`; multiplication is written `*`"
            }
            "in" => "a sum names its element in parentheses: `sum(i in cell) u[i]`",
            "[" => "a unit stands behind a number or a name that is declared; a subscript has no blank before it",
            word if self.rule != Rule::index_statement && may_be_unit(self.before, self.next, word) => {
                let number = self.symbol(self.before);
                &format!("multiplication is written `*`; a unit stands in brackets: `{number} [{word}]`")
            }
            _ => "multiplication is written `*`; one statement ends where its line ends, or at `;`",
        };
        let message = format!("an operator is missing before {}", self.found);
        Some(Said::new(codes::E0107, message, self.place.clone(), help))
    }

    /// What is expected and what is found.
    fn expectation(&self) -> Said {
        let in_hole =
            self.tokens.iter().rev().skip_while(|t| t.end > self.at).nth(1).is_some_and(|&t| self.slice(t) == "?");
        let (before, next) = (self.symbol(self.before), self.symbol(self.next));
        let help = match in_hole && self.expected == [Rule::open_paren] {
            true => Some(HOLE_FORM),
            false if self.rule == Rule::solve_header => Some(SOLVE_FORM),
            false if self.rule == Rule::predict_header => Some(PREDICT_FORM),
            false => hint(before, next, self.next.is_none(), self.expected),
        };
        let message = match self.text.get(self.place.start..).is_some_and(|rest| rest.starts_with("==")) {
            true => "`==` is not part of the language".to_string(),
            false => format!("expected {}, found {}", list(self.expected), self.found),
        };
        Said { code: codes::E0101, message, place: self.place.clone(), here: "", help: help.map(str::to_string) }
    }
}

/// Whether a word behind a number may be meant as its unit.
fn may_be_unit(before: Option<Token>, next: Option<Token>, word: &str) -> bool {
    const OTHERS: [&str; 13] =
        ["if", "then", "else", "and", "or", "not", "in", "fixed", "for", "steps", "at", "first", "last"];
    let kinds = before.zip(next).map(|(b, n)| (b.kind, n.kind));
    kinds == Some((TokenKind::Number, TokenKind::Word)) && !OTHERS.contains(&word)
}

const SOLVE_FORM: &str = "a solve item names a model: `solve run = Model(k = 1) { steps 500; dt 0.05 }`";
const UNIT_BEHIND_A_BLANK: &str = "index sets follow a name without a blank, a unit behind one: `x [1/m]`";
const PREDICT_FORM: &str = "a prediction names a fit: `predict tail = fit { steps 2000 }`";
const HOLE_FORM: &str = "a hole names a library and what it is made of: `?poly(x; degree = 2)`";

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
        ("*", "*") => "a power is written `^`: `x^2`",
        (_, "=" | "<" | ">") => "an equation has two sides with one `=` between them",
        (_, "%") => "a per cent sign follows its number directly: `5%`",
        (_, "'") => "a string is written with double quotes: `\"data.csv\"`",
        ("+" | "-" | "*" | "/" | "^" | "=" | ",", _) if at_end => {
            "a statement ends with its line; inside parentheses it may go on"
        }
        _ => return None,
    })
}

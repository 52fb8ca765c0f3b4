//! Why a statement cannot be read, in the user's terms: what was probably meant, else what is expected.

use std::ops::Range;

use super::grammar::{MODEL_KEYWORDS, Rule};
use super::lexer::{Token, TokenKind};
use super::outline::{Chunk, found};
use super::report::Reporter;
use super::slips::{CALLED, keyword_near, meant, prefix_near};
use crate::diagnostics::{Diagnostic, closest, codes};

/// Reports a statement that only other tools have, before it is read; whether it is one.
pub(super) fn of_other_tools(rule: Rule, text: &str, tokens: &[Token], chunk: &Chunk, out: &mut Reporter) -> bool {
    let in_chunk = tokens.get(chunk.tokens.clone()).unwrap_or_default();
    let at = chunk.bytes.start;
    let stop = Stop {
        rule,
        expected: &[],
        text,
        file: tokens,
        tokens: in_chunk,
        bytes: chunk.bytes.clone(),
        at,
        before: None,
        next: in_chunk.first().copied(),
        found: String::new(),
        place: at..at,
    };
    let Some(said) = stop.other_tools() else { return false };
    say(said, out);
    true
}

/// Reports what is said.
fn say(said: Said, out: &mut Reporter) {
    let finding = Diagnostic::error(said.code, said.message, out.span(said.place), said.here);
    let finding = Diagnostic { help: said.help, ..finding };
    out.push(match said.edit {
        Some((gone, instead)) => finding.replace(out.span(gone), instead),
        None => finding,
    });
}

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
    // What cannot be read because a keyword stands as a name has been said.
    let word = |t: &Token| text.get(t.start..t.end).unwrap_or_default();
    let keyword_first = rule != Rule::equation;
    let mut words = in_chunk.iter().skip(usize::from(keyword_first));
    if words.any(|t| t.kind == TokenKind::Word && out.is_taken(word(t))) {
        return;
    }
    let stop = Stop {
        rule,
        expected,
        text,
        file: tokens,
        tokens: in_chunk,
        bytes: chunk.bytes.clone(),
        at,
        before,
        next,
        found,
        place,
    };
    if let Some(word) = stop.keyword_as_name() {
        return out.taken(stop.slice(word), word.start..word.end);
    }
    let said = stop
        .without_equals()
        .or_else(|| stop.elsewhere())
        .or_else(|| stop.declaration())
        .or_else(|| stop.test_name())
        .or_else(|| stop.near_keyword())
        .or_else(|| stop.near_prefix())
        .or_else(|| stop.without_then())
        .or_else(|| stop.without_operator())
        .or_else(|| stop.assignment())
        .unwrap_or_else(|| stop.expectation());
    say(said, out);
}

/// Where reading a statement stopped.
pub(super) struct Stop<'a> {
    /// What the statement was read as.
    pub rule: Rule,
    /// What could have stood there.
    pub expected: &'a [Rule],
    pub text: &'a str,
    /// The tokens of the file.
    pub file: &'a [Token],
    /// The tokens of the statement and its bytes.
    pub tokens: &'a [Token],
    pub bytes: Range<usize>,
    pub at: usize,
    /// The tokens around the place.
    pub before: Option<Token>,
    pub next: Option<Token>,
    /// What stands there, for messages, and where that is.
    pub found: String,
    pub place: Range<usize>,
}

/// What is said.
pub(super) struct Said {
    pub code: &'static str,
    pub message: String,
    pub place: Range<usize>,
    /// What is to be seen at the place.
    pub here: &'static str,
    pub help: Option<String>,
    /// What is written in place of which bytes.
    pub edit: Option<(Range<usize>, String)>,
}

impl Said {
    pub fn new(code: &'static str, message: String, place: Range<usize>, help: impl Into<String>) -> Self {
        Said { code, message, place, here: "", help: Some(help.into()), edit: None }
    }

    /// A word in place of which `near` was meant.
    fn near(code: &'static str, message: String, place: Range<usize>, near: &str) -> Self {
        Said::new(code, message, place.clone(), format!("did you mean `{near}`?")).edit(place, near)
    }

    /// The edit that mends it.
    pub fn edit(self, gone: Range<usize>, instead: impl Into<String>) -> Self {
        Said { edit: Some((gone, instead.into())), ..self }
    }
}

impl<'a> Stop<'a> {
    pub fn slice(&self, token: Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// The text of a token, none for none.
    pub fn symbol(&self, token: Option<Token>) -> &'a str {
        token.map_or("", |t| self.slice(t))
    }

    /// Whether a value stands where an operator could.
    pub fn operator_is_missing(&self) -> bool {
        let value =
            |t: Token| matches!(t.kind, TokenKind::Word | TokenKind::Number | TokenKind::Text | TokenKind::Open(_));
        self.expected.contains(&Rule::add) && self.next.is_some_and(value)
    }

    fn without_equals(&self) -> Option<Said> {
        if self.rule != Rule::equation || self.next.is_some() || !self.expected.contains(&Rule::is) {
            return None;
        }
        if let Some(said) = self.arrow() {
            return Some(said);
        }
        let goes_on = self.tokens.first().is_some_and(|t| matches!(t.kind, TokenKind::Symbol(_)));
        let is_time = self.tokens.first().is_some_and(|&t| self.slice(t) == "time");
        let help = match goes_on {
            true => "a statement ends with its line; put what spans lines into parentheses",
            false if is_time && self.tokens.get(1).is_some_and(|t| t.kind == TokenKind::Open(b'[')) => {
                "the unit of the time stands behind a blank: `time [d]`"
            }
            false if doubled(self.tokens).is_some() => {
                "the sides of an equation have one `=` between them: `x' = -k*x`"
            }
            false => "an equation has two sides: `x' = -k*x`",
        };
        let said = Said::new(codes::E0121, "this equation has no `=`".to_string(), self.bytes.clone(), help);
        // `x[0] == 1`
        if let ([state, open, zero, close, ..], Some(second)) = (self.tokens, doubled(self.tokens))
            && (self.slice(*open), self.slice(*zero), self.slice(*close)) == ("[", "0", "]")
        {
            let value = self.text.get(second.end..self.bytes.end).unwrap_or_default().trim();
            let written = format!("initial {} = {value}", self.slice(*state));
            let help = format!("where a state starts is declared: `{written}`");
            return Some(Said { help: Some(help), ..said }.edit(self.bytes.clone(), written));
        }
        Some(match doubled(self.tokens) {
            Some(second) if !goes_on => said.edit(second, ""),
            _ => said,
        })
    }

    /// A line that starts with two words was meant as a declaration, and so was `tiem [s]`, since an operator or an equals sign would
    /// follow a name.
    fn declaration(&self) -> Option<Said> {
        let [first, second, ..] = self.tokens else { return None };
        if self.rule != Rule::equation || first.kind != TokenKind::Word || second.start != self.place.start {
            return None;
        }
        let word = self.slice(*first);
        let message = format!("`{word}` does not start a statement of a model");
        let place = first.start..first.end;
        let near = match second.kind {
            TokenKind::Open(b'[') => Some(closest(word, ["time"])?),
            TokenKind::Word => meant(word).or_else(|| closest(word, MODEL_KEYWORDS)),
            _ => closest(word, MODEL_KEYWORDS),
        };
        let is_other = word == "d" && second.kind == TokenKind::Word || word == "time";
        if let Some(near) = near.filter(|_| !is_other || second.kind == TokenKind::Open(b'[')) {
            return Some(Said::near(codes::E0112, message, place, near));
        }
        let help = match second.kind {
            TokenKind::Word if self.follows_semicolon() => {
                "a `;` ends a statement; a comment starts with `//`".to_string()
            }
            TokenKind::Word | TokenKind::Number | TokenKind::Text => match word {
                // `d x/dt`
                _ if word == "d" && second.kind == TokenKind::Word => {
                    format!("a derivative with respect to time is written with a prime: `{}'`", self.slice(*second))
                }
                "time" => {
                    format!("the unit of the time stands in brackets: `time [{}]`", self.slice(*second))
                }
                _ => format!("here stand `{}` and equations", MODEL_KEYWORDS.join("`, `")),
            },
            _ => return None,
        };
        Some(Said::new(codes::E0112, message, place, help))
    }

    /// Whether a `;` stands before the statement on its line.
    fn follows_semicolon(&self) -> bool {
        let before = self.text.get(..self.bytes.start).unwrap_or_default();
        before.trim_end_matches([' ', '\t']).ends_with(';')
    }

    /// Whether the name of a function stands before.
    fn follows_function(&self) -> bool {
        CALLED.contains(&self.symbol(self.before))
    }

    /// `=` where two sides are compared.
    fn assignment(&self) -> Option<Said> {
        let in_test = self.rule == Rule::expectation;
        let compares = self.expected.contains(&Rule::equals) && (in_test || self.expected.contains(&Rule::kw_then));
        if self.symbol(self.next) != "=" || !compares {
            return None;
        }
        let (here, help) = match in_test {
            true => (
                "write `~=` or `==`",
                "what is measured or estimated is compared by `~=` with a tolerance: `x ~= 3 within 2%`",
            ),
            false => ("write `==`", "two sides are compared by `==`"),
        };
        let (code, message, place) = (codes::E0101, "`=` does not compare".to_string(), self.place.clone());
        let edit = (!in_test).then(|| (place.clone(), "==".to_string()));
        Some(Said { code, message, place, here, help: Some(help.to_string()), edit })
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
        // `elseif` and the like are two words.
        if let Some(word) = self.next.filter(|&t| matches!(self.slice(t), "elseif" | "elif" | "elsif"))
            && self.expected.contains(&Rule::kw_else)
        {
            let message = format!("expected `else`, found {}", self.found);
            return Some(Said::near(codes::E0101, message, word.start..word.end, "else if"));
        }
        // The name of something may well be near to a keyword: then an operator is missing.
        let is_name = |word: &str| CALLED.contains(&word) || self.is_declared(word);
        if let Some(word) = self.next.filter(|t| t.kind == TokenKind::Word && !is_name(self.slice(*t)))
            && let Some(near) = keyword_near(self.slice(word), self.expected)
        {
            let message = format!("expected `{near}`, found {}", self.found);
            return Some(Said::near(codes::E0101, message, self.place.clone(), near));
        }
        if let Some(word) = self.next.filter(|&t| matches!(self.slice(t), "assert" | "require" | "check" | "should"))
            && self.expected.contains(&Rule::kw_expect)
        {
            let message = format!("expected `expect`, found {}", self.found);
            return Some(Said::near(codes::E0101, message, word.start..word.end, "expect"));
        }
        // `simulte Lorenz63`, which is read as the format of a file.
        let word = self.before.filter(|_| self.rule == Rule::data_header && self.expected == [Rule::open_paren])?;
        let near = keyword_near(self.slice(word), &[Rule::kw_simulate, Rule::kw_formula])?;
        let message = format!("there is no data source `{}`", self.slice(word));
        Some(Said::near(codes::E0101, message, word.start..word.end, near))
    }

    /// The keyword that stands where a name is expected.
    fn keyword_as_name(&self) -> Option<Token> {
        let wants_name = self.expected.iter().any(|rule| matches!(rule, Rule::name | Rule::fit_data));
        self.next.filter(|t| wants_name && t.kind == TokenKind::Word && !self.is_near_keyword())
    }

    /// Whether the next word is nearly a keyword that could stand here.
    fn is_near_keyword(&self) -> bool {
        keyword_near(self.symbol(self.next), self.expected).is_some()
    }

    /// A slip in a keyword in front of an expression, which was read as a name.
    fn near_prefix(&self) -> Option<Said> {
        let word = self.before.filter(|t| t.kind == TokenKind::Word && self.operator_is_missing())?;
        let in_conditional = self.tokens.iter().any(|&t| t.start >= self.at && self.slice(t) == "then");
        let earlier = self.tokens.iter().rfind(|t| t.end <= word.start).copied();
        let near = prefix_near(self.symbol(earlier), self.slice(word), in_conditional)?;
        let message = format!("expected `{near}`, found `{}`", self.slice(word));
        Some(Said::near(codes::E0101, message, word.start..word.end, near))
    }

    /// `if t < 10 early else late`: nothing but `then` is missing where `else` follows.
    fn without_then(&self) -> Option<Said> {
        let start = self.next.filter(|_| self.operator_is_missing() && self.expected.contains(&Rule::kw_then))?.start;
        let word = |t: &Token| Some(self.slice(*t)).filter(|w| ["if", "then", "else"].contains(w));
        if self.tokens.iter().filter(|t| t.start >= start).find_map(word) != Some("else") {
            return None;
        }
        let help = "a conditional is written `if x > 1 then 2 else 3`";
        let message = format!("`then` is missing before {}", self.found);
        let said = Said::new(codes::E0101, message, self.place.clone(), help);
        // `if x > 0 else 1` has no value either.
        Some(if self.symbol(self.next) == "else" { said } else { said.edit(start..start, "then ") })
    }

    fn without_operator(&self) -> Option<Said> {
        if !self.operator_is_missing() || matches!(self.rule, Rule::setting | Rule::setting_value) {
            return None;
        }
        let help = match self.symbol(self.next) {
            "(" if self.before.is_some_and(|t| t.kind == TokenKind::Word) => {
                "a call has no blank before its parenthesis: `sin(x)`; multiplication is written `*`"
            }
            word if self.next.is_some_and(|t| t.kind == TokenKind::Word) && self.follows_function() => {
                &format!("what a function is of stands in parentheses: `{}({word})`", self.symbol(self.before))
            }
            "in" => "a sum names its element in parentheses: `sum(i in cell) u[i]`",
            "[" => {
                "a unit stands behind a number, or behind a name in its declaration; a subscript has no blank before it"
            }
            word if self.rule != Rule::index_statement
                && !self.is_exponent()
                && may_be_unit(self.before, self.next, word) =>
            {
                let number = self.symbol(self.before);
                match (self.is_declared(word), self.unit_text()) {
                    (true, _) => &format!("multiplication is written `*`: `{number}*{word}`"),
                    (_, Some(unit)) => {
                        &format!("multiplication is written `*`; a unit stands in brackets: `{number} [{unit}]`")
                    }
                    _ => "multiplication is written `*`; a unit stands in brackets behind its number",
                }
            }
            _ => "multiplication is written `*`; one statement ends where its line ends, or at `;`",
        };
        let message = format!("an operator is missing before {}", self.found);
        let said = Said::new(codes::E0107, message, self.place.clone(), help);
        Some(match self.operator_meant() {
            Some((gone, instead)) => said.edit(gone, instead),
            None => said,
        })
    }
}

/// Whether a word behind a number may be meant as its unit.
fn may_be_unit(before: Option<Token>, next: Option<Token>, word: &str) -> bool {
    const OTHERS: [&str; 13] =
        ["if", "then", "else", "and", "or", "not", "in", "fixed", "for", "steps", "at", "first", "last"];
    let kinds = before.zip(next).map(|(b, n)| (b.kind, n.kind));
    kinds == Some((TokenKind::Number, TokenKind::Word)) && !OTHERS.contains(&word)
}

/// The second of two equals signs that follow each other.
fn doubled(tokens: &[Token]) -> Option<Range<usize>> {
    let is = |t: &Token| t.kind == TokenKind::Symbol(b'=');
    let mut pairs = tokens.iter().zip(tokens.iter().skip(1));
    pairs.find(|(a, b)| is(a) && is(b) && a.end == b.start).map(|(_, second)| second.start..second.end)
}

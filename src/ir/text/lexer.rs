//! Text to tokens.

use super::TextError;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A word, or a quoted name.
    Word(String),
    /// A value: its name and the number after the dot.
    Value(String, Option<String>),
    /// A number as written.
    Number(String),
    /// A punctuation mark.
    Mark(char),
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Token::Word(w) => write!(f, "`{w}`"),
            Token::Value(name, None) => write!(f, "`%{name}`"),
            Token::Value(name, Some(n)) => write!(f, "`%{name}.{n}`"),
            Token::Number(n) => write!(f, "`{n}`"),
            Token::Mark(c) => write!(f, "`{c}`"),
        }
    }
}

/// The tokens of a text, each with its line (from 1).
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, TextError> {
    let mut lexer = Lexer { rest: text, line: 1 };
    let mut out = Vec::new();
    while let Some(token) = lexer.next()? {
        out.push(token);
    }
    Ok(out)
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Option<(Token, usize)>, TextError> {
        loop {
            let blank = self.take(char::is_whitespace);
            self.line += blank.matches('\n').count();
            if !self.rest.starts_with("//") {
                break;
            }
            self.take(|c| c != '\n');
        }
        let line = self.line;
        let Some(c) = self.rest.chars().next() else { return Ok(None) };
        let token = if c == '%' {
            self.skip(c);
            let name = self.name()?.ok_or_else(|| self.error("a value's name must follow `%`"))?;
            let mut number = None;
            if self.rest.starts_with('.') {
                self.skip('.');
                number = Some(self.take(|c| c.is_ascii_digit()).to_string());
            }
            Token::Value(name, number)
        } else if let Some(name) = self.name()? {
            Token::Word(name)
        } else if c.is_ascii_digit() || c == '-' {
            Token::Number(self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-')).to_string())
        } else if "=:,()[]{}".contains(c) {
            self.skip(c);
            Token::Mark(c)
        } else {
            return Err(self.error(format!("`{c}` has no meaning here")));
        };
        Ok(Some((token, line)))
    }

    /// A word or a quoted name, if there is one.
    fn name(&mut self) -> Result<Option<String>, TextError> {
        let Some(c) = self.rest.chars().next() else { return Ok(None) };
        if c == '"' {
            return self.quoted().map(Some);
        }
        if !(c.is_ascii_alphabetic() || c == '_') {
            return Ok(None);
        }
        Ok(Some(self.take(|c| c.is_ascii_alphanumeric() || c == '_' || c == '\'').to_string()))
    }

    fn quoted(&mut self) -> Result<String, TextError> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return Ok(out);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, c @ ('"' | '\\'))) => out.push(c),
                    _ => return Err(self.error("an unknown escape in a quoted name")),
                },
                '\n' => break,
                c => out.push(c),
            }
        }
        Err(self.error("a quoted name without an end"))
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (head, tail) = self.rest.split_at(end);
        self.rest = tail;
        head
    }

    fn skip(&mut self, c: char) {
        self.rest = self.rest.strip_prefix(c).unwrap_or(self.rest);
    }

    fn error(&self, what: impl Into<String>) -> TextError {
        TextError { line: self.line, what: what.into() }
    }
}

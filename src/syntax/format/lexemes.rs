//! Tokens together with the comments between them, which the parser does not need and a layout must keep.

use super::super::lexer::{Token, TokenKind, lex};
use super::super::report::Reporter;
use super::wrap::LISTS;
use crate::diagnostics::Sink;
use crate::source::FileId;

/// A token or a comment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexeme<'a> {
    pub kind: Kind,
    /// Its text, without blanks at the end, and where that starts.
    pub text: &'a str,
    pub start: usize,
    /// Whether nothing stands between it and the lexeme before.
    pub glued: bool,
    /// For brackets: the position of the partner.
    pub partner: usize,
}

/// What a lexeme is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Token(TokenKind),
    /// `// ...`, and documentation lines.
    Comment,
}

impl Lexeme<'_> {
    pub fn is(&self, kind: TokenKind) -> bool {
        self.kind == Kind::Token(kind)
    }

    /// The character of a symbol.
    pub fn symbol(&self) -> Option<u8> {
        match self.kind {
            Kind::Token(TokenKind::Symbol(c)) => Some(c),
            _ => None,
        }
    }

    pub fn opens(&self) -> Option<u8> {
        match self.kind {
            Kind::Token(TokenKind::Open(c)) => Some(c),
            _ => None,
        }
    }

    pub fn closes(&self) -> bool {
        matches!(self.kind, Kind::Token(TokenKind::Close(_)))
    }

    pub fn is_word(&self) -> bool {
        self.is(TokenKind::Word)
    }
}

/// The lexemes of a text that has no syntax errors; `None` when its characters cannot be read.
pub(super) fn lexemes(file: FileId, text: &str) -> Option<Vec<Lexeme<'_>>> {
    let mut sink = Sink::new();
    let tokens = lex(text, &mut Reporter::new(file, &mut sink))?;
    let mut out: Vec<Lexeme> = Vec::with_capacity(tokens.len());
    let mut open: Vec<usize> = Vec::new();
    let mut end = 0;
    for token in tokens {
        let gap = text.get(end..token.start).unwrap_or_default();
        out.extend(comment(gap, end));
        let mut lexeme = lexeme(text, token, gap.is_empty());
        match lexeme.kind {
            Kind::Token(TokenKind::Open(_)) => open.push(out.len()),
            Kind::Token(TokenKind::Close(_)) => {
                if let Some(opening) = open.pop() {
                    lexeme.partner = opening;
                    let here = out.len();
                    if let Some(opening) = out.get_mut(opening) {
                        opening.partner = here;
                    }
                }
            }
            _ => {}
        }
        out.push(lexeme);
        end = token.end;
    }
    let gap = text.get(end..).unwrap_or_default();
    out.extend(comment(gap, end));
    Some(out)
}

/// The comment in what stands between two tokens, from `at` on.
fn comment(gap: &str, at: usize) -> Option<Lexeme<'_>> {
    let first = gap.find("//")?;
    Some(Lexeme {
        kind: Kind::Comment,
        text: gap.get(first..)?.trim_end(),
        start: at + first,
        glued: false,
        partner: 0,
    })
}

fn lexeme(text: &str, token: Token, glued: bool) -> Lexeme<'_> {
    let part = text.get(token.start..token.end).unwrap_or_default();
    match token.kind {
        TokenKind::Doc | TokenKind::FileDoc => {
            Lexeme { kind: Kind::Comment, text: part.trim_end(), start: token.start, glued: false, partner: 0 }
        }
        kind => Lexeme { kind: Kind::Token(kind), text: part, start: token.start, glued, partner: 0 },
    }
}

/// Everything but line ends, parentheses, and what separates statements and declarations: which of these say something, the tree tells.
pub(super) fn content<'a>(lexemes: &[Lexeme<'a>]) -> Vec<&'a str> {
    let counts = |l: &&Lexeme| {
        !l.is(TokenKind::Newline)
            && !l.is(TokenKind::Semicolon)
            && !matches!(l.text, "(" | ")" | ",")
            && !LISTS.contains(&l.text)
    };
    lexemes.iter().filter(counts).map(|l| l.text).collect()
}

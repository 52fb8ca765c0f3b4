//! What begins at a place of a file: an item, a loop, a statement that no other goes on with.

use super::lexer::TokenKind;
use super::outline::Scan;
use crate::diagnostics::closest;

impl Scan<'_, '_, '_> {
    /// Whether the line from position `from` can only be a new statement or item, though a bracket is open.
    pub(super) fn starts_afresh(&self, from: usize, header: bool) -> bool {
        if self.starts_item(from) {
            return true;
        }
        let word = |i: usize| self.tokens.get(i).filter(|t| t.kind == TokenKind::Word).map(|&t| self.slice(t));
        let kind = |i: usize| self.tokens.get(i).map(|t| t.kind);
        let derivative = word(from).is_some()
            && kind(from + 1) == Some(TokenKind::Primes)
            && kind(from + 2) == Some(TokenKind::Symbol(b'='));
        let declaration = matches!(word(from), Some("state" | "param" | "const" | "let" | "initial" | "index" | "fn"))
            && word(from + 1).is_some();
        !header && (derivative || declaration)
    }

    /// Whether the statement from here is a loop, be its keyword misspelled: an equation does not start with two words.
    pub(super) fn is_loop(&self) -> bool {
        let word = |i: usize| {
            let token = self.tokens.get(self.at + i).filter(|t| t.kind == TokenKind::Word);
            token.map(|&t| self.slice(t))
        };
        let primes = self.tokens.get(self.at + 1).is_some_and(|t| t.kind == TokenKind::Primes);
        word(0) == Some("for") && !primes
            || word(2) == Some("in") && word(1).is_some() && word(0).is_some_and(|w| closest(w, ["for"]).is_some())
    }

    /// Whether an import stands here though the block goes on behind it: the next line starts no item either.
    pub(super) fn is_import_inside(&self) -> bool {
        let here = self.tokens.get(self.at).copied();
        if here.is_none_or(|t| self.slice(t) != "use") || !self.starts_item(self.at) {
            return false;
        }
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        let line = rest.iter().position(|t| matches!(t.kind, TokenKind::Newline | TokenKind::Semicolon));
        let next = line.and_then(|line| self.solid(self.at + line + 1));
        next.is_some_and(|(at, _)| !self.starts_item(at))
    }

    /// Whether an item starts at position `from`: its keyword and what must follow.
    pub(super) fn starts_item(&self, from: usize) -> bool {
        let token = |i: usize| self.tokens.get(from + i).copied();
        let is_word = |i: usize| token(i).is_some_and(|t| t.kind == TokenKind::Word);
        let Some(first) = token(0).filter(|t| t.kind == TokenKind::Word) else { return false };
        match self.slice(first) {
            "model" | "network" => {
                is_word(1) && self.solid(from + 2).is_some_and(|(_, t)| t.kind == TokenKind::Open(b'{'))
            }
            "data" => {
                is_word(1)
                    && token(2).is_some_and(|t| t.kind == TokenKind::Symbol(b'='))
                    && token(3).is_some_and(|t| {
                        matches!(self.slice(t), "simulate" | "csv" | "npz" | "npy" | "parquet" | "formula")
                    })
            }
            "solve" => {
                is_word(1)
                    && token(2).is_some_and(|t| t.kind == TokenKind::Symbol(b'='))
                    && is_word(3)
                    && token(4).is_some_and(|t| matches!(t.kind, TokenKind::Open(b'{' | b'(')))
            }
            "predict" => {
                is_word(1)
                    && token(2).is_some_and(|t| t.kind == TokenKind::Symbol(b'='))
                    && is_word(3)
                    && token(4).is_none_or(|t| matches!(t.kind, TokenKind::Open(b'{') | TokenKind::Newline))
            }
            "test" => {
                token(1).is_some_and(|t| t.kind == TokenKind::Text)
                    && self.solid(from + 2).is_some_and(|(_, t)| t.kind == TokenKind::Open(b'{'))
            }
            "fit" => is_word(1) && token(2).is_some_and(|t| self.slice(t) == "to" || t.kind == TokenKind::Open(b'(')),
            "use" => is_word(1) && token(2).is_some_and(|t| t.kind == TokenKind::Symbol(b'.')),
            _ => false,
        }
    }
}

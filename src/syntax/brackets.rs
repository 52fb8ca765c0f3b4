//! Brackets: which closes which, how deep they nest, and what is said where they do not.

use super::lexer::{Token, TokenKind};
use super::outline::Scan;
use crate::diagnostics::{Diagnostic, codes};

/// Brackets nest at most this deep.
pub(super) const MAX_NESTING: usize = 256;

impl Scan<'_, '_, '_> {
    /// Remembers an opening bracket.
    pub(super) fn open(&mut self, token: Token, open: &mut Vec<Token>) {
        if open.len() >= MAX_NESTING {
            let message = format!("brackets are nested more than {MAX_NESTING} deep");
            self.out.error(
                codes::E0105,
                message,
                token.start..token.end,
                "one too many; reading stops here",
                "close brackets before, or name parts with `let`",
            );
            self.stop = true;
            return;
        }
        open.push(token);
    }

    /// Matches a closing bracket; reports it if it is the first thing wrong in its statement.
    pub(super) fn close(&mut self, token: Token, closing: u8, open: &mut Vec<Token>, bad: &mut bool) {
        let shown = char::from(closing);
        let error = match open.pop() {
            Some(Token { kind: TokenKind::Open(opening), .. }) if partner(opening) == closing => return,
            Some(Token { kind: TokenKind::Open(opening), start, end }) => {
                let message = format!("`{shown}` does not close `{}`", char::from(opening));
                let span = self.out.span(token.start..token.end);
                Diagnostic::error(codes::E0104, message, span, "closed here")
                    .label(self.out.span(start..end), "opened here")
                    .help(format!("write `{}`", char::from(partner(opening))))
            }
            _ => {
                let span = self.out.span(token.start..token.end);
                Diagnostic::error(codes::E0104, format!("`{shown}` closes nothing"), span, "no bracket is open here")
                    .help(format!("leave out the `{shown}`, or write the bracket that it closes"))
            }
        };
        if !*bad {
            self.out.push(error);
        }
        *bad = true;
    }

    /// Reports a bracket that nothing closes.
    pub(super) fn unclosed(&mut self, open: Token) {
        let bracket = match open.kind {
            TokenKind::Open(b) => b,
            _ => b'(',
        };
        let message = format!("`{}` is not closed", char::from(bracket));
        let help = Some(format!("add `{}`", char::from(partner(bracket))));
        self.out.error_with_help(codes::E0103, message, open.start..open.end, "it starts here", help);
    }
}

/// The bracket that closes another.
fn partner(opening: u8) -> u8 {
    match opening {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

//! Blanks between two lexemes of one line.

use super::super::lexer::TokenKind;
use super::lexemes::{Kind, Lexeme};

/// Words after which a sign belongs to the number or name behind it.
pub(super) const BEFORE_VALUE: [&str; 17] = [
    "then", "else", "and", "or", "not", "in", "if", "expect", "order", "within", "from", "of", "to", "at", "over",
    "return", "init",
];

/// Words of expressions that are the name of no function.
const WORDS: [&str; 6] = ["if", "then", "else", "and", "or", "not"];

/// What is known about a lexeme's neighbourhood.
#[derive(Clone, Copy)]
pub(super) struct Context<'a, 'b> {
    /// The lexeme before on the line.
    pub before: &'b Lexeme<'a>,
    /// Whether the lexeme before is a sign that belongs to what follows it.
    pub before_is_sign: bool,
    /// Whether the lexeme before is the key of a setting, which a value follows.
    pub before_is_key: bool,
    /// The lexeme itself.
    pub this: &'b Lexeme<'a>,
    /// Whether it is a sign that belongs to what follows it.
    pub this_is_sign: bool,
    /// Whether both stand in a subscript, which is written closely: `u[i-1]`.
    pub in_subscript: bool,
}

/// Whether a sign (`+`, `-`) after `before` has no left operand.
pub(super) fn is_sign(this: &Lexeme, before: Option<&Lexeme>, before_is_key: bool) -> bool {
    if !matches!(this.symbol(), Some(b'+' | b'-')) {
        return false;
    }
    let Some(before) = before else { return true };
    match before.kind {
        Kind::Token(TokenKind::Symbol(c)) => c != b'%',
        Kind::Token(TokenKind::Open(_) | TokenKind::Semicolon | TokenKind::Newline) => true,
        Kind::Token(TokenKind::Word) => before_is_key || BEFORE_VALUE.contains(&before.text),
        _ => false,
    }
}

/// Whether a blank stands before `this`.
pub(super) fn blank(context: Context) -> bool {
    let Context { before, before_is_sign, before_is_key, this, this_is_sign, in_subscript } = context;
    let operand_before = before.symbol().is_none_or(|c| c == b'%') && before.opens().is_none();
    match this.kind {
        Kind::Token(TokenKind::Semicolon) | Kind::Token(TokenKind::Symbol(b',')) => return false,
        Kind::Token(TokenKind::Close(_)) => return false,
        _ => {}
    }
    if before.opens().is_some() {
        return false;
    }
    if before_is_sign || before.symbol() == Some(b'?') {
        return false;
    }
    if matches!(before.kind, Kind::Token(TokenKind::Semicolon)) || before.symbol() == Some(b',') {
        return true;
    }
    if joined(before, this) || this.symbol() == Some(b'.') {
        return false;
    }
    if matches!(this.kind, Kind::Token(TokenKind::Open(b'(' | b'['))) && is_set_off(before, before_is_key, this) {
        return true;
    }
    let sum = |l: &Lexeme| matches!(l.symbol(), Some(b'+' | b'-'));
    if in_subscript && ((sum(this) && !this_is_sign) || sum(before)) {
        return false;
    }
    if let Some(c) = this.symbol().filter(|_| !this_is_sign) {
        return match c {
            b'+' | b'-' => true,
            b'*' | b'/' | b'^' => before_is_key && !this.glued,
            c if is_relation(c) => true,
            b'?' => wants_blank_after(before),
            _ => !this.glued,
        };
    }
    if !operand_before {
        return wants_blank_after(before);
    }
    match this.kind {
        // Whether a name, its primes and its brackets stand together decides what they mean.
        Kind::Token(TokenKind::Primes | TokenKind::Open(b'(' | b'[')) => !this.glued,
        _ => true,
    }
}

/// Whether a bracket belongs to no name before it, so that a blank changes nothing: that of the value of a setting, that behind a word of
/// the language, and the one behind `sum(i in cell)`.
fn is_set_off(before: &Lexeme, before_is_key: bool, this: &Lexeme) -> bool {
    let round = this.opens() == Some(b'(');
    before_is_key
        || before.text == "in"
        || round && (WORDS.contains(&before.text) || matches!(before.kind, Kind::Token(TokenKind::Close(b')'))))
}

/// Whether two symbols make one operator: `>=`, `->`, `..`.
fn joined(before: &Lexeme, this: &Lexeme) -> bool {
    let (Some(a), Some(b)) = (before.symbol(), this.symbol()) else { return false };
    let pair = (is_relation(a) && is_relation(b)) || (a == b'-' && b == b'>') || (a == b'.' && b == b'.');
    this.glued && pair
}

fn is_relation(c: u8) -> bool {
    matches!(c, b'=' | b'<' | b'>' | b'~' | b'!' | b'|' | b'&' | b':')
}

/// Whether an operand after this operator is set off from it.
fn wants_blank_after(operator: &Lexeme) -> bool {
    match operator.symbol() {
        Some(b'*' | b'/' | b'^' | b'?' | b'.' | b'@' | b'$') => false,
        Some(b'%') | None => operator.opens().is_none(),
        Some(_) => true,
    }
}

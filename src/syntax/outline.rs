//! Tokens to the shape of a file: items, their blocks, the statements inside.
//!
//! Brackets are matched here, so that everything after this pass works on balanced text of bounded nesting, and one bad
//! statement never reaches into the next. Where a bracket is missing, the place to go on is a line that can only be the
//! start of another statement or item.

use std::ops::Range;

use super::brackets::MAX_NESTING;
use super::lexer::{Token, TokenKind, shown};
use super::report::Reporter;
use crate::diagnostics::{Diagnostic, closest, codes};

/// Loops nest at most this deep.
const MAX_LOOPS: usize = 16;
/// A statement has at most this many tokens.
const MAX_STATEMENT_TOKENS: usize = 50_000;

/// The words that start an item.
pub(super) const ITEM_KEYWORDS: [&str; 10] =
    ["use", "model", "network", "data", "solve", "fit", "predict", "fn", "test", "unit"];

/// The shape of a file.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// The `//!` lines before the first item.
    pub doc: Vec<String>,
    pub items: Vec<RawItem>,
}

/// A top-level item that is not parsed yet.
#[derive(Debug)]
pub(super) struct RawItem {
    /// The `///` lines before it.
    pub doc: Vec<String>,
    /// What stands before the block.
    pub header: Chunk,
    /// The block's statements and the byte after its closing brace.
    pub block: Option<(Vec<Chunk>, usize)>,
}

/// Text between separators: a header or a statement.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Its tokens, as a range of positions in the token list.
    pub tokens: Range<usize>,
    /// Its bytes.
    pub bytes: Range<usize>,
    /// Whether something in it has been reported; then it is not parsed.
    pub bad: bool,
    /// The statements of the block after it and the byte after its closing brace: loops have one.
    pub block: Option<(Vec<Chunk>, usize)>,
}

/// The outline of a file.
pub(super) fn outline(text: &str, tokens: &[Token], out: &mut Reporter) -> Outline {
    let mut scan = Scan { text, tokens, at: 0, out, stop: false, loops: 0, in_test: false };
    let mut outline = Outline::default();
    let mut doc = Vec::new();
    let mut lost = false;
    while let Some(token) = scan.current() {
        if scan.stop || scan.out.exhausted() {
            break;
        }
        match token.kind {
            TokenKind::Newline | TokenKind::Semicolon => scan.at += 1,
            TokenKind::FileDoc => {
                if outline.items.is_empty() {
                    outline.doc.push(doc_text(scan.slice(token)));
                }
                scan.at += 1;
            }
            TokenKind::Doc => {
                doc.push(doc_text(scan.slice(token)));
                scan.at += 1;
            }
            TokenKind::Close(_) if lost => scan.at += 1,
            _ => {
                // After text that is no item, a closing brace is the end of what that text was meant to stand in.
                lost = !ITEM_KEYWORDS.contains(&scan.slice(token));
                let item = scan.item(std::mem::take(&mut doc));
                if !scan.stop {
                    outline.items.push(item);
                }
            }
        }
    }
    outline
}

/// A documentation line without its marker and one space.
fn doc_text(line: &str) -> String {
    let body = line.get(3..).unwrap_or_default();
    body.strip_prefix(' ').unwrap_or(body).trim_end().to_string()
}

/// A pass over the tokens of a file.
pub(super) struct Scan<'a, 'b, 'c> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    pub(super) out: &'b mut Reporter<'c>,
    /// Set by a finding after which nothing sensible can be read.
    pub(super) stop: bool,
    /// How many loops the current place lies in.
    loops: usize,
    /// Whether the current place lies in a test, whose expectations have braces.
    in_test: bool,
}

impl<'a> Scan<'a, '_, '_> {
    fn current(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    fn slice(&self, token: Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// The first token from position `from` that is neither a newline nor documentation, and its position.
    fn solid(&self, from: usize) -> Option<(usize, Token)> {
        let rest = self.tokens.get(from..).unwrap_or_default();
        let skipped = rest.iter().position(|t| !matches!(t.kind, TokenKind::Newline | TokenKind::Doc))?;
        rest.get(skipped).map(|&t| (from + skipped, t))
    }

    fn item(&mut self, doc: Vec<String>) -> RawItem {
        let keyword = self.current().map_or("", |t| self.slice(t));
        self.in_test = keyword == "test" || closest(keyword, ITEM_KEYWORDS) == Some("test");
        let header = self.chunk(true);
        // A brace on the next line still opens the item's block.
        let block = match self.solid(self.at) {
            Some((position, open)) if open.kind == TokenKind::Open(b'{') && !self.stop => {
                self.at = position + 1;
                Some(self.block(open))
            }
            _ => None,
        };
        RawItem { doc, header, block }
    }

    /// The statements after an opening brace, up to its closing one.
    fn block(&mut self, open: Token) -> (Vec<Chunk>, usize) {
        let mut statements = Vec::new();
        while let Some(token) = self.current() {
            if self.stop || self.out.exhausted() {
                return (statements, token.start);
            }
            match token.kind {
                TokenKind::Newline | TokenKind::Semicolon | TokenKind::Doc | TokenKind::FileDoc => self.at += 1,
                TokenKind::Close(b'}') => {
                    self.at += 1;
                    return (statements, token.end);
                }
                _ if self.starts_item(self.at) => {
                    let next = self.out.span(token.start..token.end);
                    let span = self.out.span(open.start..open.end);
                    let error = Diagnostic::error(codes::E0103, "this block has no end", span, "it starts here")
                        .label(next, "another item starts here")
                        .help("close the block with `}` before it");
                    self.out.push(error);
                    return (statements, token.start);
                }
                _ if self.is_loop() => statements.push(self.repeated(token)),
                _ => statements.push(self.chunk(false)),
            }
        }
        let help = Some("add the closing `}`".to_string());
        let place = open.start..open.end;
        self.out.error_with_help(codes::E0103, "this block has no end".to_string(), place, "it starts here", help);
        (statements, self.text.len())
    }

    /// A loop: its header and its block.
    fn repeated(&mut self, first: Token) -> Chunk {
        self.loops += 1;
        let mut header = self.chunk(true);
        match self.solid(self.at) {
            Some((_, open)) if open.kind == TokenKind::Open(b'{') && self.loops > MAX_LOOPS => {
                let message = format!("loops are nested more than {MAX_LOOPS} deep");
                self.out.error(
                    codes::E0105,
                    message,
                    first.start..first.end,
                    "one too many; reading stops here",
                    "close the loops before, or write one over an index set with more elements",
                );
                self.stop = true;
            }
            Some((position, open)) if open.kind == TokenKind::Open(b'{') && !self.stop => {
                self.at = position + 1;
                header.block = Some(self.block(open));
            }
            _ if !header.bad && !self.stop => {
                let help = Some("write `for i in body { ... }`".to_string());
                self.out.error_with_help(
                    codes::E0113,
                    "this loop has no block".to_string(),
                    header.bytes.clone(),
                    "",
                    help,
                );
                header.bad = true;
            }
            _ => {}
        }
        self.loops -= 1;
        header
    }

    /// Reports a brace inside the statement that begins with the token `first`.
    fn block_inside(&mut self, first: usize, brace: Token) {
        let message = "a block cannot stand inside a statement".to_string();
        let place = brace.start..brace.end;
        // `adam{lr = 0.1}`: parentheses were meant.
        let before = self.at.checked_sub(1).filter(|before| *before >= first).and_then(|at| self.tokens.get(at));
        let called = before
            .filter(|t| t.kind == TokenKind::Word && t.end == brace.start)
            .and_then(|t| self.text.get(t.start..t.end));
        let rest = self.text.get(brace.end..).unwrap_or_default();
        let inside = rest.find(['{', '}', '\n', '\r']).filter(|at| rest.get(*at..).is_some_and(|r| r.starts_with('}')));
        match (called, inside) {
            (Some(word), Some(length)) => {
                let written = format!("({})", rest.get(..length).unwrap_or_default().trim());
                let help = format!("what belongs to a name stands in parentheses: `{word}{written}`");
                let gone = before.map_or(brace.start, |t| t.end)..brace.end + length + 1;
                self.out.error_with_edit(codes::E0101, message, place, help, (gone, written));
            }
            _ => self.out.error(
                codes::E0101,
                message,
                place,
                "unexpected `{`",
                "a block stands behind the header of an item or a loop; expressions have parentheses",
            ),
        }
    }

    /// A header (up to its opening brace) or a statement (up to a separator or the closing brace of its block).
    fn chunk(&mut self, header: bool) -> Chunk {
        let first = self.at;
        let mut open: Vec<Token> = Vec::new();
        let mut bad = false;
        while let Some(token) = self.current() {
            match token.kind {
                TokenKind::Newline if open.is_empty() => match self.cut_short(first, header, &mut bad) {
                    true => {}
                    false => break,
                },
                TokenKind::Semicolon if open.is_empty() => break,
                TokenKind::Open(b'{') if header && open.is_empty() => break,
                TokenKind::Close(b'}')
                    if (!header || self.loops > 0) && !open.iter().any(|t| t.kind == TokenKind::Open(b'{')) =>
                {
                    break;
                }
                TokenKind::Newline if self.starts_afresh(self.at + 1, header) => break,
                TokenKind::Newline | TokenKind::Doc | TokenKind::FileDoc => {}
                TokenKind::Bad => bad = true,
                TokenKind::Open(b'{') if self.in_test && !header => self.open(token, &mut open),
                TokenKind::Open(b'{') => {
                    if !open.iter().any(|t| t.kind == TokenKind::Open(b'{')) && !bad {
                        self.block_inside(first, token);
                    }
                    bad = true;
                    self.open(token, &mut open);
                }
                TokenKind::Open(_) => self.open(token, &mut open),
                TokenKind::Close(closing) => self.close(token, closing, &mut open, &mut bad),
                _ => {}
            }
            if self.stop {
                break;
            }
            self.at += 1;
        }
        if let Some(unclosed) = open.last().copied()
            && !self.stop
        {
            if !bad {
                self.unclosed(unclosed);
            }
            bad = true;
        }
        self.finish(first, bad)
    }

    fn finish(&mut self, first: usize, mut bad: bool) -> Chunk {
        let tokens = self.tokens.get(first..self.at).unwrap_or_default();
        let start = tokens.first().map_or(self.text.len(), |t| t.start);
        let end = tokens.last().map_or(start, |t| t.end);
        if tokens.len() > MAX_STATEMENT_TOKENS && !bad {
            let message = format!("this statement has more than {MAX_STATEMENT_TOKENS} words, numbers and symbols");
            let place = tokens.first().map_or(start..end, |t| t.start..t.end);
            let help = Some("name parts of it with `let`".to_string());
            self.out.error_with_help(codes::E0116, message, place, "it starts here", help);
            bad = true;
        }
        let conditionals = tokens.iter().filter(|t| t.kind == TokenKind::Word && self.slice(**t) == "if").count();
        if conditionals > MAX_NESTING && !bad {
            let message = format!("this statement has more than {MAX_NESTING} conditionals");
            let place = tokens.first().map_or(start..end, |t| t.start..t.end);
            let help = Some("name parts of it with `let`".to_string());
            self.out.error_with_help(codes::E0105, message, place, "it starts here", help);
            bad = true;
        }
        Chunk { tokens: first..self.at, bytes: start..end, bad, block: None }
    }

    /// At the end of a line: whether its last token leaves the statement open, so that the next line was meant to belong
    /// to it. Then the statement is reported and the next line read as its part, unless that starts another statement.
    fn cut_short(&mut self, first: usize, header: bool, bad: &mut bool) -> bool {
        let last = self.tokens.get(first..self.at).and_then(<[Token]>::last).copied();
        let Some(last) = last.filter(|t| matches!(t.kind, TokenKind::Symbol(b'+' | b'-' | b'*' | b'/' | b'^' | b',')))
        else {
            return false;
        };
        let next = self.tokens.get(self.at + 1).map(|t| t.kind);
        let goes_on = matches!(
            next,
            Some(TokenKind::Word | TokenKind::Number | TokenKind::Open(b'(' | b'[') | TokenKind::Symbol(_))
        ) && !self.starts_afresh(self.at + 1, header);
        if goes_on && !*bad {
            let message = format!("the line ends after `{}`, and its statement with it", self.slice(last));
            let help = Some("write the statement on one line, or put what spans lines into parentheses".to_string());
            self.out.error_with_help(codes::E0101, message, last.start..last.end, "", help);
            *bad = true;
        }
        goes_on
    }

    /// Whether the line from position `from` can only be a new statement or item, though a bracket is open.
    fn starts_afresh(&self, from: usize, header: bool) -> bool {
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
    fn is_loop(&self) -> bool {
        let word = |i: usize| {
            let token = self.tokens.get(self.at + i).filter(|t| t.kind == TokenKind::Word);
            token.map(|&t| self.slice(t))
        };
        let primes = self.tokens.get(self.at + 1).is_some_and(|t| t.kind == TokenKind::Primes);
        word(0) == Some("for") && !primes
            || word(2) == Some("in") && word(1).is_some() && word(0).is_some_and(|w| closest(w, ["for"]).is_some())
    }

    /// Whether an item starts at position `from`: its keyword and what must follow.
    fn starts_item(&self, from: usize) -> bool {
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

/// What stands at byte `at` of `text`, for messages.
pub(super) fn found(text: &str, tokens: &[Token], at: usize) -> (String, Range<usize>) {
    let next = tokens.partition_point(|t| t.end <= at);
    match tokens.get(next) {
        None => ("the end of the file".to_string(), at..at),
        Some(t) if t.kind == TokenKind::Newline || t.start > at && t.kind == TokenKind::Doc => {
            ("the end of the line".to_string(), at..at)
        }
        Some(t) => {
            let place = t.start.max(at)..t.end;
            (format!("`{}`", shown(text.get(place.clone()).unwrap_or_default())), place)
        }
    }
}

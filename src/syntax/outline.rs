//! Tokens to the shape of a file: items, their blocks, the statements inside.
//!
//! Brackets are matched here, so that everything after this pass works on balanced text of bounded nesting, and one bad
//! statement never reaches into the next. Where a bracket is missing, the place to go on is a line that can only be the
//! start of another statement or item.

use std::ops::Range;

use super::letters::shown;
use super::lexer::{Token, TokenKind};
use super::report::Reporter;
use crate::diagnostics::{Diagnostic, closest, codes};

/// Loops nest at most this deep.
const MAX_LOOPS: usize = 16;

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
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token],
    pub(super) at: usize,
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

    pub(super) fn slice(&self, token: Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// The first token from position `from` that is neither a newline nor documentation, and its position.
    pub(super) fn solid(&self, from: usize) -> Option<(usize, Token)> {
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
                _ if self.is_import_inside() => {
                    let message = "an import stands outside of models".to_string();
                    let help = "write it before the model".to_string();
                    self.out.error_with_help(codes::E0112, message, token.start..token.end, "", Some(help));
                    let mut import = self.chunk(false);
                    import.bad = true;
                    statements.push(import);
                }
                _ if self.starts_item(self.at) => {
                    let next = self.out.span(token.start..token.end);
                    let span = self.out.span(open.start..open.end);
                    let error = Diagnostic::error(codes::E0103, "this block has no end", span, "it starts here");
                    // `end` as in other languages, which is no statement.
                    let last = statements.pop_if(|c| self.text.get(c.bytes.clone()) == Some("end"));
                    self.out.push(match last {
                        Some(end) => error.help("a block ends with `}`").replace(self.out.span(end.bytes), "}"),
                        None => {
                            error.label(next, "another item starts here").help("close the block with `}` before it")
                        }
                    });
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
                TokenKind::Open(b'{')
                    if header
                        && !bad
                        && matches!(open.as_slice(), [one] if one.kind == TokenKind::Open(b'('))
                        && !self.block_is_argument() =>
                {
                    self.unclosed_header(open.pop().unwrap_or(token));
                    bad = true;
                    break;
                }
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

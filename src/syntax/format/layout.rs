//! Lexemes to lines.

use std::collections::BTreeSet;

use super::super::lexer::TokenKind;
use super::lexemes::{Kind, Lexeme};
use super::lines::{Line, text};
use super::spacing::{Context, blank, is_sign};

/// A line that holds a whole block is opened up beyond this many characters.
const WIDTH: usize = 120;

/// The text of a layout.
pub(super) fn layout(lexemes: &[Lexeme]) -> String {
    // Blocks that were written on one line and do not fit on one; every round opens at least one more.
    let mut opened: BTreeSet<usize> = BTreeSet::new();
    loop {
        let lines = Writer::new(lexemes, &opened).lines();
        let too_long = lines.iter().filter(|l| l.width() > WIDTH).filter_map(|l| l.inline_blocks.first().copied());
        let before = opened.len();
        opened.extend(too_long);
        if opened.len() == before {
            return text(&lines);
        }
    }
}

/// A bracket that is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    /// A block on several lines; with `forced`, separators of its statements become line ends.
    Block { forced: bool },
    /// A block on one line.
    Inline,
    /// A parenthesis, a list, a set or a subscript, opened on this line.
    Group { line: usize, subscript: bool },
}

struct Writer<'a, 'b> {
    lexemes: &'b [Lexeme<'a>],
    opened: &'b BTreeSet<usize>,
    open: Vec<Open>,
    lines: Vec<Line>,
    /// Line ends and separators since the last lexeme that was written.
    newlines: usize,
    separator: bool,
    /// Whether the next lexeme starts a line whatever was written.
    must_break: bool,
    /// Whether an empty line before the next lexeme would stand at the start of the file or of a block.
    at_start: bool,
    /// The last lexeme on the current line, and what it is.
    last: Option<Lexeme<'a>>,
    /// The last lexeme of the statement, which may stand on a line before.
    previous: Option<Lexeme<'a>>,
    last_is_sign: bool,
    last_is_key: bool,
    /// Whether the next lexeme starts a statement.
    starts_statement: bool,
    /// The keyword of the item at hand; the statements of all but a model are settings.
    item: &'a str,
    /// The position of the lexeme at hand.
    at: usize,
}

impl<'a, 'b> Writer<'a, 'b> {
    fn new(lexemes: &'b [Lexeme<'a>], opened: &'b BTreeSet<usize>) -> Self {
        Writer {
            lexemes,
            opened,
            open: Vec::new(),
            lines: Vec::new(),
            newlines: 0,
            separator: false,
            must_break: true,
            at_start: true,
            last: None,
            previous: None,
            last_is_sign: false,
            last_is_key: false,
            starts_statement: true,
            item: "",
            at: 0,
        }
    }

    /// Whether the bracket at hand opens the element of a sum: `sum(i in cell)`.
    fn opens_element(&self) -> bool {
        let is = |after: usize, text: &str| self.lexemes.get(self.at + after).is_some_and(|l| l.text == text);
        self.last.is_some_and(|l| l.text == "sum") && is(0, "(") && is(2, "in")
    }

    /// Whether the key at hand is the element of a family, `u[1] = a`, and its bracket no value.
    fn is_element(&self) -> bool {
        let opening = self.lexemes.get(self.at + 1).filter(|l| l.glued && l.opens() == Some(b'['));
        let behind = opening.and_then(|opening| self.lexemes.get(opening.partner + 1));
        behind.is_some_and(|l| l.text == "=")
    }

    fn lines(mut self) -> Vec<Line> {
        for at in 0..self.lexemes.len() {
            let lexeme = self.lexemes[at];
            self.at = at;
            match lexeme.kind {
                Kind::Token(TokenKind::Newline) => {
                    self.newlines += 1;
                    if !self.in_group() {
                        self.starts_statement = true;
                    }
                }
                Kind::Token(TokenKind::Semicolon) if !self.in_group() => {
                    self.separator = true;
                    self.starts_statement = true;
                }
                Kind::Comment => self.comment(&lexeme),
                Kind::Token(TokenKind::Open(b'{')) if self.is_block(at) => self.open_block(at),
                Kind::Token(TokenKind::Close(b'}')) if !self.in_group() => self.close_block(at),
                _ => self.token(&lexeme),
            }
        }
        self.lines
    }

    fn in_group(&self) -> bool {
        matches!(self.open.last(), Some(Open::Group { .. }))
    }

    /// Whether a brace opens a block: it follows a header, not an operator.
    fn is_block(&self, at: usize) -> bool {
        let mut before = self.lexemes[..at].iter().rev().filter(|l| !l.is(TokenKind::Newline));
        let after_operator = before.next().is_some_and(|l| l.symbol().is_some_and(|c| c != b'%'));
        !self.in_group() && !after_operator
    }

    /// Levels of indentation of a line that starts here.
    fn depth(&self) -> usize {
        let blocks = self.open.iter().filter(|o| matches!(o, Open::Block { .. })).count();
        let lines: BTreeSet<usize> = self
            .open
            .iter()
            .filter_map(|o| if let Open::Group { line, .. } = o { Some(*line) } else { None })
            .collect();
        blocks + lines.len()
    }

    fn start_line(&mut self) {
        let blank_before = self.newlines >= 2 && !self.at_start && !self.in_group();
        let depth = self.depth();
        self.lines.push(Line { depth, blank_before, ..Line::default() });
        (self.newlines, self.separator, self.must_break, self.at_start) = (0, false, false, false);
        (self.last, self.last_is_sign, self.last_is_key) = (None, false, false);
    }

    fn line(&mut self) -> &mut Line {
        if self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        let last = self.lines.len() - 1;
        &mut self.lines[last]
    }

    fn comment(&mut self, lexeme: &Lexeme) {
        let attach = self.newlines == 0 && self.lines.last().is_some_and(|l| l.comment.is_none());
        if attach {
            self.line().comment = Some(lexeme.text.to_string());
        } else {
            self.start_line();
            self.line().comment = Some(lexeme.text.to_string());
        }
        self.separator = false;
        self.must_break = true;
    }

    /// Ends the line, or writes the separator, that stands before the next token.
    fn advance(&mut self) {
        let forced = self.open.last() == Some(&Open::Block { forced: true }) && self.separator;
        if self.must_break || self.newlines > 0 || forced {
            self.start_line();
        } else if self.separator {
            let starts = self.last.is_none();
            self.line().code.push_str(if starts { "" } else { "; " });
            self.separator = false;
            (self.last, self.last_is_sign, self.last_is_key) = (None, false, false);
        }
    }

    fn token(&mut self, lexeme: &Lexeme<'a>) {
        if lexeme.closes() {
            // A line that starts with a closing bracket is as deep as the one that opened it.
            self.open.pop();
        }
        self.advance();
        if self.open.is_empty() && self.starts_statement {
            self.item = if lexeme.is_word() { lexeme.text } else { "" };
        }
        let statements_are_settings = !matches!(self.item, "" | "model");
        // `csv("a.csv")` and `Model(k = 1)`, where a source or a model is named and a blank says nothing.
        let is_source = self.open.is_empty() && matches!(self.item, "data" | "solve") && lexeme.opens() == Some(b'(');
        // In brackets an operator may start a line.
        let before = if self.in_group() { self.previous } else { self.last };
        let sign = is_sign(lexeme, before.as_ref(), self.last_is_key);
        let blank = !self.opens_element()
            && !is_source
            && self.last.is_some_and(|before| {
                blank(Context {
                    before: &before,
                    before_is_sign: self.last_is_sign,
                    before_is_key: self.last_is_key,
                    this: lexeme,
                    this_is_sign: sign,
                    in_subscript: matches!(self.open.last(), Some(Open::Group { subscript: true, .. })),
                })
            });
        let line = self.line();
        if blank {
            line.code.push(' ');
        }
        line.code.push_str(lexeme.text);
        let before = self.last.replace(*lexeme);
        self.previous = Some(*lexeme);
        self.last_is_sign = sign;
        let was_key = self.last_is_key;
        self.last_is_key = statements_are_settings
            && !self.open.is_empty()
            && self.starts_statement
            && lexeme.is_word()
            && !self.is_element();
        self.starts_statement = false;
        if let Some(bracket) = lexeme.opens() {
            let subscript = bracket == b'[' && lexeme.glued && !was_key && before.is_some_and(|b| b.is_word());
            self.open.push(Open::Group { line: self.lines.len(), subscript });
        }
    }

    fn open_block(&mut self, at: usize) {
        let close = self.lexemes[at].partner.max(at);
        let inside = self.lexemes.get(at + 1..close).unwrap_or_default();
        let empty = inside.iter().all(|l| l.is(TokenKind::Newline) || l.is(TokenKind::Semicolon));
        let broken = inside.iter().any(|l| l.is(TokenKind::Newline) || l.kind == Kind::Comment);
        let forced = self.opened.contains(&at);
        // The brace belongs to its header, also from the next line, unless a comment stands between them.
        let follows_comment = self.must_break && !self.lines.is_empty();
        if self.lines.is_empty() || follows_comment {
            self.start_line();
        }
        (self.newlines, self.separator) = (0, false);
        let several = !empty && (broken || forced);
        let line = self.line();
        if !line.code.is_empty() {
            line.code.push(' ');
        }
        line.code.push('{');
        if several {
            self.open.push(Open::Block { forced });
            (self.must_break, self.at_start) = (true, true);
        } else {
            line.code.push(' ');
            line.inline_blocks.push(at);
            self.open.push(Open::Inline);
        }
        (self.last, self.last_is_sign, self.last_is_key) = (None, false, false);
        self.starts_statement = true;
    }

    fn close_block(&mut self, at: usize) {
        let inline = self.open.pop() == Some(Open::Inline);
        if inline {
            let line = self.line();
            if !line.code.ends_with(' ') {
                line.code.push(' ');
            }
            line.code.push('}');
        } else {
            self.newlines = 0;
            self.start_line();
            self.line().code.push('}');
        }
        (self.newlines, self.separator, self.at_start) = (0, false, false);
        self.must_break = self.open.is_empty();
        self.starts_statement = true;
        self.last = self.lexemes.get(at).copied();
        (self.last_is_sign, self.last_is_key) = (false, false);
    }
}

//! Lines that are too long, ended where brackets let a line end.
//!
//! A statement ends with its line, except inside brackets. So what stands in brackets goes on lines of its own, is filled there at commas or,
//! where there are none, at the operators that bind least; and an equation that is a long sum gets parentheses for that. The list of a
//! declaration is cut into several declarations. What has no place for a line end stays as long as it is.

use std::ops::Range;

use super::super::lexer::TokenKind;
use super::lexemes::{Kind, Lexeme, lexemes};
use super::spacing::BEFORE_VALUE;
use crate::source::FileId;

/// Code is wrapped beyond this many characters; comments behind it do not count.
const WIDTH: usize = 100;
/// Brackets around fewer characters are not opened: little would be gained.
const WORTHWHILE: usize = 20;

/// A text to be put in at a byte, or in place of some.
type Edit = (Range<usize>, String);

/// A text to be put in at a byte.
fn insert(at: usize, text: &str) -> Edit {
    (at..at, text.to_string())
}

/// Words of declarations that can be repeated for parts of a list.
pub(super) const LISTS: [&str; 7] = ["state", "param", "const", "input", "initial", "final", "index"];

/// A laid-out text with more line ends, to be laid out again; `None` where no line can be made shorter.
pub(super) fn wrapped(file: FileId, text: &str) -> Option<String> {
    if text.lines().all(|l| l.chars().count() <= WIDTH) {
        return None;
    }
    let lexemes = lexemes(file, text)?;
    let mut edits: Vec<Edit> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut item = "";
    let mut at = 0;
    while at < lexemes.len() {
        let end = lexemes.iter().skip(at).position(|l| l.is(TokenKind::Newline)).map_or(lexemes.len(), |n| at + n);
        let line = Line::new(text, &lexemes, at..end, &open);
        if line.base == 0 && !open.iter().any(|&o| is_block(&lexemes, o)) {
            item = line.first().map_or(item, |l| l.text);
        }
        if line.width() > WIDTH {
            line.wrap(item, &mut edits);
        }
        for (k, lexeme) in lexemes.iter().enumerate().take(end).skip(at) {
            if lexeme.opens().is_some() {
                open.push(k);
            } else if lexeme.closes() {
                open.pop();
            }
        }
        at = end + 1;
    }
    if edits.is_empty() {
        return None;
    }
    let mut out = text.to_string();
    for (place, new) in edits.into_iter().rev() {
        out.replace_range(place, &new);
    }
    Some(out)
}

/// Whether a bracket is the brace of a block: it follows a header, not an operator.
fn is_block(lexemes: &[Lexeme], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|b| lexemes.get(b));
    let here = lexemes.get(at).is_some_and(|l| l.opens() == Some(b'{'));
    here && before.is_none_or(|b| b.symbol().is_none_or(|c| c == b'%'))
}

/// The tokens of one line.
struct Line<'a, 't> {
    text: &'t str,
    lexemes: &'a [Lexeme<'t>],
    /// Its tokens, without a comment behind them.
    tokens: Range<usize>,
    /// How many brackets that are no blocks each token stands in: a bracket itself in those around it.
    depths: Vec<usize>,
    /// How many the line starts in.
    base: usize,
}

impl<'a, 't> Line<'a, 't> {
    fn new(text: &'t str, lexemes: &'a [Lexeme<'t>], mut tokens: Range<usize>, open: &[usize]) -> Self {
        while tokens.end > tokens.start && lexemes.get(tokens.end - 1).is_some_and(|l| l.kind == Kind::Comment) {
            tokens.end -= 1;
        }
        let blocks: Vec<bool> = open.iter().map(|&o| is_block(lexemes, o)).collect();
        let mut groups = blocks;
        let count = |groups: &[bool]| groups.iter().filter(|block| !**block).count();
        let mut depths = Vec::with_capacity(tokens.len());
        let base = count(&groups);
        for k in tokens.clone() {
            let Some(lexeme) = lexemes.get(k) else { break };
            if lexeme.closes() {
                groups.pop();
            }
            depths.push(count(&groups));
            if lexeme.opens().is_some() {
                groups.push(is_block(lexemes, k));
            }
        }
        Line { text, lexemes, tokens, depths, base }
    }

    fn first(&self) -> Option<&Lexeme<'t>> {
        self.lexemes.get(self.tokens.start).filter(|_| !self.tokens.is_empty())
    }

    /// A token, its position and its depth.
    fn each(&self) -> impl DoubleEndedIterator<Item = (usize, &Lexeme<'t>, usize)> {
        let tokens = self.tokens.clone().zip(&self.depths);
        tokens.filter_map(|(k, depth)| Some((k, self.lexemes.get(k)?, *depth)))
    }

    /// The first byte of the line and the end of its code.
    fn bytes(&self) -> (usize, usize) {
        let start = self.first().map_or(0, |l| l.start);
        let start = self.text.get(..start).and_then(|t| t.rfind('\n')).map_or(0, |n| n + 1);
        (start, self.each().next_back().map_or(start, |(_, l, _)| end(l)))
    }

    fn width(&self) -> usize {
        let (start, end) = self.bytes();
        self.characters(start, end)
    }

    fn characters(&self, start: usize, end: usize) -> usize {
        self.text.get(start..end).map_or(0, |t| t.chars().count())
    }

    fn wrap(&self, item: &str, out: &mut Vec<Edit>) {
        // A line that holds a block is opened up as such.
        if self.tokens.clone().any(|k| is_block(self.lexemes, k) && self.partner_is_here(k)) {
            return;
        }
        if self.base > 0 {
            let by = |places: Vec<usize>| (!places.is_empty()).then_some(places);
            let places = by(self.separators(|l| l.symbol() == Some(b',') || l.is(TokenKind::Semicolon)))
                .or_else(|| by(self.branches(self.tokens.start)));
            let places = places.or_else(|| by(self.operators(b"+-", self.tokens.start)));
            match places {
                Some(places) => self.fill(&places, out),
                None => {
                    if !self.open_group(out) {
                        self.fill(&self.operators(b"*/", self.tokens.start), out);
                    }
                }
            }
            return;
        }
        // Several statements on a line.
        let ends = self.separators(|l| l.is(TokenKind::Semicolon));
        if !ends.is_empty() {
            self.fill(&ends, out);
            return;
        }
        if item == "model" && self.split_list(out) {
            return;
        }
        if let Some(is) = self.sum_of_equation(item) {
            out.push(insert(is, " ("));
            out.push(insert(is, "\n"));
            out.push(insert(self.bytes().1, "\n)"));
            return;
        }
        self.open_group(out);
    }

    fn partner_is_here(&self, k: usize) -> bool {
        self.lexemes.get(k).is_some_and(|l| self.tokens.contains(&l.partner))
    }

    /// Where lines may end behind separators of the brackets that the line starts in.
    fn separators(&self, separates: impl Fn(&Lexeme) -> bool) -> Vec<usize> {
        let last = self.tokens.end.saturating_sub(1);
        self.each().filter(|(k, l, d)| *d == self.base && *k < last && separates(l)).map(|(_, l, _)| end(l)).collect()
    }

    /// Where lines may end before the branches of a conditional, from a token on.
    fn branches(&self, from: usize) -> Vec<usize> {
        let branch = |l: &Lexeme| l.is_word() && matches!(l.text, "then" | "else");
        self.each().filter(|(k, l, d)| *d == self.base && *k > from && branch(l)).map(|(_, l, _)| l.start).collect()
    }

    /// Where lines may end before an operator of these between two operands, or before one of conditions, from a token on.
    fn operators(&self, symbols: &[u8], from: usize) -> Vec<usize> {
        let mut places = Vec::new();
        let mut before: Option<&Lexeme> = None;
        for (k, lexeme, depth) in self.each() {
            let operand = before.is_some_and(|b| match b.kind {
                Kind::Token(TokenKind::Symbol(c)) => c == b'%',
                Kind::Token(TokenKind::Word) => !BEFORE_VALUE.contains(&b.text),
                Kind::Token(TokenKind::Open(_)) | Kind::Comment => false,
                _ => true,
            });
            let operator = lexeme.symbol().is_some_and(|c| symbols.contains(&c)) && operand;
            let condition = lexeme.is_word() && matches!(lexeme.text, "and" | "or");
            if depth == self.base && k > from && (operator || condition) {
                places.push(lexeme.start);
            }
            before = Some(lexeme);
        }
        places
    }

    /// Ends the line at as few of these places as make every part fit, if possible.
    fn fill(&self, places: &[usize], out: &mut Vec<Edit>) {
        let (mut start, end) = self.bytes();
        let mut indent = 0;
        let depth = self.text.get(start..).map_or(0, |t| t.chars().take_while(|c| *c == ' ').count());
        let mut last: Option<usize> = None;
        for &place in places.iter().chain([&end]) {
            let width = |from: usize| indent + self.characters(from, place);
            if let Some(fits) = last
                && width(start) > WIDTH
            {
                out.push(insert(fits, "\n"));
                (start, indent) = (fits, depth);
            }
            last = Some(place);
        }
    }

    /// Cuts the list of a declaration into as few declarations as fit; whether it is one that can be cut.
    fn split_list(&self, out: &mut Vec<Edit>) -> bool {
        let Some(first) = self.first().filter(|l| LISTS.contains(&l.text)) else { return false };
        let second = self.lexemes.get(self.tokens.start + 1);
        let commas: Vec<&Lexeme> =
            self.each().filter(|(_, l, d)| *d == self.base && l.symbol() == Some(b',')).map(|(_, l, _)| l).collect();
        // `per sample` behind a list is about all of it.
        let of_all = self.each().any(|(_, l, _)| l.is_word() && l.text == "per");
        if commas.is_empty() || of_all || !second.is_some_and(Lexeme::is_word) {
            return false;
        }
        let (mut start, last) = self.bytes();
        let mut before = 0;
        let indent = self.characters(start, first.start) + first.text.len();
        let mut cut: Option<&Lexeme> = None;
        for next in commas.iter().map(Some).chain([None]) {
            let stop = next.map_or(last, |comma| comma.start);
            if let Some(comma) = cut
                && before + self.characters(start, stop) > WIDTH
            {
                out.push((comma.start..end(comma), format!("\n{}", first.text)));
                (start, before) = (end(comma), indent);
            }
            cut = next.copied();
        }
        true
    }

    /// Gives the widest brackets of the line's own level lines of their own; whether there are any worth it.
    fn open_group(&self, out: &mut Vec<Edit>) -> bool {
        let groups = self.each().filter(|(_, l, depth)| *depth == self.base && l.opens().is_some());
        let sized = groups.filter_map(|(k, opening, _)| {
            let before = k.checked_sub(1).and_then(|b| self.lexemes.get(b));
            // Subscripts and units stay together.
            let subscript = opening.opens() == Some(b'[') && (opening.glued || before.is_some_and(is_measured));
            let closing = self.lexemes.get(opening.partner).filter(|_| self.partner_is_here(k));
            let until = closing.map_or(self.bytes().1, |c| c.start);
            let inside = self.characters(end(opening), until);
            (inside > WORTHWHILE && !subscript).then_some((inside, end(opening), closing.map(|c| c.start)))
        });
        // The first of several that are equally wide.
        let Some((_, from, to)) = sized.rev().max_by_key(|(inside, ..)| *inside) else { return false };
        out.push(insert(from, "\n"));
        out.extend(to.map(|to| insert(to, "\n")));
        true
    }

    /// The end of the `=` of an equation, a `let` or a function whose right side is a sum or has branches.
    fn sum_of_equation(&self, item: &str) -> Option<usize> {
        const DECLARATIONS: [&str; 12] = [
            "state", "param", "const", "input", "field", "step", "hole", "initial", "final", "boundary", "index",
            "time",
        ];
        let first = self.first()?;
        let declares = DECLARATIONS.contains(&first.text) && self.lexemes.get(self.tokens.start + 1)?.is_word();
        if !(item == "model" || item == "fn") || declares || first.text == "for" {
            return None;
        }
        // The statement may go on in brackets on the next line.
        let (_, last, depth) = self.each().next_back()?;
        if depth > 0 || last.opens().is_some() {
            return None;
        }
        let top = || self.each().filter(|(_, _, depth)| *depth == 0);
        let (at, is, _) = top().find(|(_, l, _)| l.symbol() == Some(b'='))?;
        let comma = top().any(|(_, l, _)| l.symbol() == Some(b','));
        let long = !self.branches(at + 1).is_empty() || !self.operators(b"+-", at + 1).is_empty();
        (!comma && long).then(|| end(is))
    }
}

/// Whether a unit stands behind this.
fn is_measured(before: &Lexeme) -> bool {
    before.is(TokenKind::Number)
}

fn end(lexeme: &Lexeme) -> usize {
    lexeme.start + lexeme.text.len()
}

//! Whole files: outline, then header by header and statement by statement.

use super::ast::{Block, Data, Expectation, File, Fit, Item, Model, ModelItem, Setting, SettingValue, Test};
use super::build::{Builder, FitHeader};
use super::explain::of_other_tools;
use super::foreign::language;
use super::grammar::{Rule, read};
use super::lexer::{TOO_LARGE, Token, TokenKind, lex};
use super::outline::{Chunk, RawItem, outline};
use super::report::Reporter;
use crate::diagnostics::{Sink, codes};
use crate::source::{FileId, MAX_SOURCE_BYTES, Span};

/// The syntax tree of a file. Errors go to `sink`; the tree holds every item and statement that could be read.
pub fn parse(file: FileId, text: &str, sink: &mut Sink) -> File {
    read_items(file, text, |_| true, sink)
}

/// What other files can import from a file: like [`parse`], but data sets, fits and tests are passed over unread.
pub fn parse_library(file: FileId, text: &str, sink: &mut Sink) -> File {
    read_items(file, text, |keyword| !["data", "fit", "test"].contains(&keyword), sink)
}

fn read_items(file: FileId, text: &str, wanted: impl Fn(&str) -> bool, sink: &mut Sink) -> File {
    if text.len() as u64 > MAX_SOURCE_BYTES {
        let message = format!("the file has {} bytes; a source file has at most {MAX_SOURCE_BYTES}", text.len());
        Reporter::new(file, sink).error(codes::E0116, message, 0..0, "", TOO_LARGE);
        return File::default();
    }
    let mut found = Sink::new();
    let tree = read_text(file, text, wanted, &mut found);
    // A file without a mistake is of this language, whatever its lines look like.
    if let Some((language, place)) = Some(text).filter(|_| found.has_errors()).and_then(language) {
        let message = format!("this file is not a model of mechc: it looks like {language}");
        let help = "a model is written `model Decay { state x; param k = 0.3; x' = -k*x }`; `mechc new NAME` makes a project to start from";
        Reporter::new(file, sink).error_with_help(codes::E0111, message, place, "", Some(help.to_string()));
        return File::default();
    }
    found.into_sorted().into_iter().for_each(|finding| sink.push(finding));
    tree
}

fn read_text(file: FileId, text: &str, wanted: impl Fn(&str) -> bool, sink: &mut Sink) -> File {
    let mut out = Reporter::new(file, sink);
    let Some(tokens) = lex(text, &mut out) else { return File::default() };
    let outline = outline(text, &tokens, &mut out);
    let mut reader = Reader { file, text, tokens: &tokens, out, lost: false };
    let mut tree = File { doc: outline.doc, items: Vec::new() };
    let mut passed_over = false;
    for raw in outline.items {
        if reader.out.exhausted() {
            break;
        }
        let keyword = tokens.get(raw.header.tokens.start).map_or("", |t| reader.slice(*t));
        if !wanted(keyword) {
            passed_over = true;
            continue;
        }
        tree.items.extend(reader.item(raw));
    }
    if tree.items.is_empty() && !passed_over && reader.out.clean() {
        let help = Some("declare a model: `model Name { state x; x' = -x }`".to_string());
        reader.out.error_with_help(codes::E0118, "there is nothing in this file".to_string(), 0..0, "", help);
    }
    tree
}

/// Where the words of a file stand that are part of the program.
pub fn words(file: FileId, text: &str) -> Vec<Span> {
    let mut unheard = Sink::new();
    let out = &mut Reporter::new(file, &mut unheard);
    let tokens = lex(text, out).unwrap_or_default();
    tokens.iter().filter(|t| t.kind == TokenKind::Word).map(|t| out.span(t.start..t.end)).collect()
}

/// The values of a setting written outside a file, as in `--set run.noise=5%`; `None` when they cannot be read.
pub fn parse_setting_value(file: FileId, text: &str, sink: &mut Sink) -> Option<Vec<SettingValue>> {
    let mut out = Reporter::new(file, sink);
    let tokens = lex(text, &mut out)?;
    let mut items = outline(text, &tokens, &mut out).items;
    if !out.clean() {
        return None;
    }
    let end = text.len();
    if items.len() > 1 || items.first().is_some_and(|i| i.block.is_some()) {
        out.error(
            codes::E0101,
            "a setting has one value".to_string(),
            0..end,
            "",
            "write block, dot, key, `=` and one value: `--set run.noise=5%`",
        );
        return None;
    }
    let chunk =
        items.pop().map_or(Chunk { tokens: 0..0, bytes: end..end, bad: false, block: None }, |item| item.header);
    let pair = read(Rule::setting_value, text, &tokens, &chunk, &mut out)?;
    Builder::new(file, chunk.bytes.start, &mut out).values(pair)
}

pub(super) struct Reader<'a, 'b> {
    file: FileId,
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token],
    pub(super) out: Reporter<'b>,
    /// Whether the text since the last item was reported as not being one.
    pub(super) lost: bool,
}

impl<'a> Reader<'a, '_> {
    fn item(&mut self, raw: RawItem) -> Option<Item> {
        let first = self.tokens.get(raw.header.tokens.start).copied();
        let keyword = first.filter(|t| t.kind == TokenKind::Word).map_or("", |t| self.slice(t));
        let rule = match keyword {
            "use" => Rule::use_item,
            "model" => Rule::model_header,
            "network" => Rule::network_header,
            "data" => Rule::data_header,
            "solve" => Rule::solve_header,
            "predict" => Rule::predict_header,
            "fit" => Rule::fit_header,
            "test" => Rule::test_header,
            "fn" => Rule::fn_statement,
            "unit" => Rule::unit_item,
            _ => {
                self.not_an_item(&raw, first, keyword);
                return None;
            }
        };
        self.lost = false;
        // The statements of a bad header's block are still worth reading for their own errors.
        let header = match raw.header.bad {
            true => None,
            false => read(rule, self.text, self.tokens, &raw.header, &mut self.out),
        };
        let start = raw.header.bytes.start;
        let end = raw.block.as_ref().map_or(raw.header.bytes.end, |(_, end)| *end);
        let span = Span::new(self.file, start, end);
        let needs_block = matches!(rule, Rule::model_header | Rule::network_header | Rule::test_header);
        if raw.block.is_none() && needs_block && (raw.header.bad || header.is_none()) {
            // `model Pond:` is reported already.
            self.lost = true;
            return None;
        }
        if raw.block.is_none() && needs_block && header.is_some() {
            let place = raw.header.bytes.clone();
            let begins = self.tokens.iter().find(|t| t.start >= place.end && t.kind != TokenKind::Newline);
            let instead = match begins.map(|t| self.slice(*t)) {
                Some("begin") => ", in place of `begin` and `end`",
                _ => "",
            };
            let line = self.line(&place);
            let help = Some(format!("braces enclose what belongs to it{instead}: `{line} {{ ... }}`"));
            let message = format!("this {keyword} has no block");
            self.out.error_with_help(codes::E0113, message, place, "", help);
            // What was meant to stand in the block is not blamed as well.
            self.lost = true;
            return None;
        }
        if let (Rule::use_item | Rule::fn_statement | Rule::unit_item, Some(_), Some(header)) =
            (rule, &raw.block, &header)
        {
            let end = header.as_span().end();
            let what = match rule {
                Rule::use_item => "an import",
                Rule::unit_item => "a unit",
                _ => "a function",
            };
            self.out.error(
                codes::E0113,
                format!("{what} has no block"),
                start..start + end,
                "",
                "leave out the braces and what is in them",
            );
            return None;
        }
        let statements = raw.block.map(|(statements, _)| statements).unwrap_or_default();
        if rule == Rule::model_header {
            let body = self.model_body(statements);
            let name = Builder::new(self.file, start, &mut self.out).header_name(header?);
            return name.map(|name| Item::Model(Model { name, doc: raw.doc, body, units: Vec::new(), span }));
        }
        if rule == Rule::test_header {
            let expectations = self.expectations(statements);
            let name = Builder::new(self.file, start, &mut self.out).test_header(header?);
            return name.map(|name| Item::Test(Test { name, doc: raw.doc, expectations, span }));
        }
        let settings = self.settings(statements);
        let mut build = Builder::new(self.file, start, &mut self.out);
        let header = header?;
        Some(match rule {
            Rule::use_item => Item::Use(build.use_item(header, span)),
            Rule::fn_statement => Item::Function(build.function(header.into_inner(), span)?),
            Rule::unit_item => Item::Unit(build.unit_item(header, span)?),
            Rule::network_header => {
                Item::Network(Block { name: build.header_name(header)?, doc: raw.doc, settings, span })
            }
            Rule::data_header | Rule::solve_header | Rule::predict_header => {
                let (name, source) = build.data_header(header)?;
                Item::Data(Data { name, doc: raw.doc, source, settings, span })
            }
            _ => {
                let FitHeader { model, arguments, data, name } = build.fit_header(header)?;
                Item::Fit(Fit { name, doc: raw.doc, model, arguments, data, settings, span })
            }
        })
    }

    /// Whether a blank and a bracket follow the first word: `time [s]` is no equation for an element of `time`.
    fn starts_unit(&self, chunk: &Chunk) -> bool {
        match self.tokens.get(chunk.tokens.clone()) {
            Some([word, next, ..]) => next.kind == TokenKind::Open(b'[') && next.start > word.end,
            _ => false,
        }
    }

    /// The bytes at `place`, in one line.
    fn line(&self, place: &std::ops::Range<usize>) -> &'a str {
        self.text.get(place.clone()).unwrap_or_default().split(['\n', '\r']).next().unwrap_or_default().trim_end()
    }

    pub(super) fn slice(&self, token: Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    fn model_body(&mut self, statements: Vec<Chunk>) -> Vec<ModelItem> {
        let mut body = Vec::with_capacity(statements.len());
        let mut passed_until = 0;
        for mut chunk in statements {
            if self.out.exhausted() {
                break;
            }
            if chunk.bytes.start < passed_until {
                continue;
            }
            // The statements of a bad loop are still worth reading for their own errors.
            let inner = chunk.block.take().map(|(statements, end)| (self.model_body(statements), end));
            if chunk.bad {
                continue;
            }
            let first = self.tokens.get(chunk.tokens.start).copied();
            // `final` and `boundary` are keywords in front of a word only: `final' = -final` is an equation.
            let word_follows = self.tokens.get(chunk.tokens.start + 1).is_some_and(|t| t.kind == TokenKind::Word);
            let rule = match first.map_or("", |t| self.slice(t)) {
                "state" => Rule::state_statement,
                "param" => Rule::param_statement,
                "const" => Rule::const_statement,
                "input" => Rule::input_statement,
                "field" if self.two_words(&chunk) => Rule::field_statement,
                "step" if self.two_words(&chunk) => Rule::step_statement,
                "hole" if self.two_words(&chunk) => Rule::hole_statement,
                "let" => Rule::let_statement,
                "initial" => Rule::initial_statement,
                "final" if word_follows => Rule::final_statement,
                "boundary" if word_follows => Rule::boundary_statement,
                "index" => Rule::index_statement,
                "fn" => Rule::fn_statement,
                "for" => Rule::for_header,
                "time" if self.starts_unit(&chunk) => Rule::time_statement,
                _ => Rule::equation,
            };
            // `input' = 1`: no declaration has a prime or an equals sign behind its keyword.
            let stands_as_name = |t: &&Token| matches!(t.kind, TokenKind::Primes | TokenKind::Symbol(b'='));
            if let Some(word) = first.filter(|_| rule != Rule::equation)
                && self.tokens.get(chunk.tokens.clone()).and_then(|t| t.get(1)).is_some_and(|t| stands_as_name(&t))
            {
                let name = self.slice(word).to_string();
                self.out.taken(&name, word.start..word.end);
                continue;
            }
            if matches!(rule, Rule::equation | Rule::param_statement)
                && of_other_tools(rule, self.text, self.tokens, &chunk, &mut self.out)
            {
                // What stands behind it on its line, or up to its end, is a part of it.
                passed_until = self.end_of_other(&chunk);
                continue;
            }
            let Some(pair) = read(rule, self.text, self.tokens, &chunk, &mut self.out) else { continue };
            let mut build = Builder::new(self.file, chunk.bytes.start, &mut self.out);
            if let Some((inner, end)) = inner {
                let span = Span::new(self.file, chunk.bytes.start, end);
                body.extend(build.for_loop(pair, inner, span).map(ModelItem::For));
                continue;
            }
            body.extend(build.model_item(rule, pair, chunk.bytes.end));
        }
        body
    }

    /// Where a statement of another tool ends: the rate of a reaction stands on its line, and what `when` opens ends with `end`.
    fn end_of_other(&self, chunk: &Chunk) -> usize {
        let rest = self.text.get(chunk.bytes.start..).unwrap_or_default();
        let line = chunk.bytes.start + rest.find(['\n', '\r']).unwrap_or(rest.len());
        let first = self.tokens.get(chunk.tokens.start).map_or("", |t| self.slice(*t));
        let ends = match first {
            "when" => rest.find("end when").map(|at| chunk.bytes.start + at + "end when".len()),
            _ => None,
        };
        let is_reaction = rest.get(..chunk.bytes.end - chunk.bytes.start).is_some_and(|text| text.contains("->"));
        ends.unwrap_or(if is_reaction { line } else { chunk.bytes.end })
    }

    /// Whether a statement starts with two words, as no equation does.
    fn two_words(&self, chunk: &Chunk) -> bool {
        let second = self.tokens.get(chunk.tokens.clone()).and_then(|t| t.get(1));
        second.is_some_and(|t| t.kind == TokenKind::Word)
    }

    fn expectations(&mut self, statements: Vec<Chunk>) -> Vec<Expectation> {
        let mut expectations = Vec::with_capacity(statements.len());
        for chunk in statements.into_iter().filter(|c| !c.bad) {
            if self.out.exhausted() {
                break;
            }
            let Some(pair) = read(Rule::expectation, self.text, self.tokens, &chunk, &mut self.out) else { continue };
            let mut build = Builder::new(self.file, chunk.bytes.start, &mut self.out);
            expectations.extend(build.expectation(pair, chunk.bytes.end));
        }
        expectations
    }

    fn settings(&mut self, statements: Vec<Chunk>) -> Vec<Setting> {
        let mut settings = Vec::with_capacity(statements.len());
        for chunk in statements.into_iter().filter(|c| !c.bad) {
            if self.out.exhausted() {
                break;
            }
            let Some(pair) = read(Rule::setting, self.text, self.tokens, &chunk, &mut self.out) else { continue };
            let span = Span::new(self.file, chunk.bytes.start, chunk.bytes.end);
            settings.extend(Builder::new(self.file, chunk.bytes.start, &mut self.out).setting(pair, span));
        }
        settings
    }
}

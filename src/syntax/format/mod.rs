//! The one layout of a source file: same program, same comments, settled blanks.
//!
//! Formatting works on tokens and brackets and knows no construct of the language, so whatever parses can be formatted. It
//! keeps line breaks and the grouping by blank lines, which carry meaning for readers, and settles indentation, blanks
//! between tokens, separators, and the column of comments at the ends of lines. Lines that are too long are wrapped where brackets let a line end.
//!
//! Invariants: [`format`] is idempotent; [`same_program`] holds between its argument and its result.

mod layout;
mod lexemes;
mod lines;
mod spacing;
mod wrap;

#[cfg(test)]
mod tests;

use super::ast::{File, For, Item, ModelItem};
use super::dump::dump;
use super::parse::parse;
use crate::diagnostics::Sink;
use crate::source::{FileId, Sources};

/// `text` in its settled layout. A file with syntax errors has none: `None`, and the errors go to `sink`.
pub fn format(file: FileId, text: &str, sink: &mut Sink) -> Option<String> {
    let mut found = Sink::new();
    let _ = parse(file, text, &mut found);
    if found.has_errors() {
        found.into_sorted().into_iter().for_each(|finding| sink.push(finding));
        return None;
    }
    let mut laid_out = layout::layout(&lexemes::lexemes(file, text)?);
    // Every round ends a line where brackets let it end, and so there is a last one.
    while let Some(shorter) = wrap::wrapped(file, &laid_out) {
        laid_out = layout::layout(&lexemes::lexemes(file, &shorter)?);
    }
    Some(laid_out)
}

/// Whether two texts are the same program with the same comments: equal syntax trees where every declaration of a list stands by itself,
/// equal tokens up to what separates statements and declarations and up to parentheses, equal comments up to blanks at their ends.
pub fn same_program(one: &str, other: &str) -> bool {
    match (content(one), content(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// The syntax tree as text, and every token and comment.
fn content(text: &str) -> Option<(String, Vec<&str>)> {
    let mut sources = Sources::default();
    let file = sources.add("", text);
    let tree = parse(file, text, &mut Sink::new());
    lexemes::lexemes(file, text).map(|lexemes| (dump(&one_by_one(tree)), lexemes::content(&lexemes)))
}

/// The tree with a statement for every declaration of a list.
fn one_by_one(mut tree: File) -> File {
    for item in &mut tree.items {
        if let Item::Model(model) = item {
            model.body = std::mem::take(&mut model.body).into_iter().flat_map(parts).collect();
        }
    }
    tree
}

/// The statements that a statement with a list stands for.
fn parts(item: ModelItem) -> Vec<ModelItem> {
    fn each<T>(list: Vec<T>, of: fn(Vec<T>) -> ModelItem) -> Vec<ModelItem> {
        list.into_iter().map(|one| of(vec![one])).collect()
    }
    match item {
        ModelItem::State(list) => each(list, ModelItem::State),
        ModelItem::Param(list) => each(list, ModelItem::Param),
        ModelItem::Const(list) => each(list, ModelItem::Const),
        ModelItem::Input(list) => each(list, ModelItem::Input),
        ModelItem::Index(list) => each(list, ModelItem::Index),
        ModelItem::Initial(list) => each(list, ModelItem::Initial),
        ModelItem::Final(list) => each(list, ModelItem::Final),
        ModelItem::For(repeated) => {
            vec![ModelItem::For(For { body: repeated.body.into_iter().flat_map(parts).collect(), ..repeated })]
        }
        other => vec![other],
    }
}

//! The pest parser of one statement.

use std::num::NonZeroUsize;
use std::sync::Once;

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

use super::explain::explain;
use super::lexer::Token;
use super::outline::Chunk;
use super::report::Reporter;
use crate::diagnostics::codes;

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/mech.pest"]
struct MechParser;

/// A bound on the work for one statement, far above what the longest accepted one needs.
const MAX_CALLS: usize = 50_000_000;

/// The words that start a declaration inside a model.
pub(super) const MODEL_KEYWORDS: [&str; 14] = [
    "state", "param", "const", "input", "let", "field", "step", "hole", "initial", "final", "boundary", "index", "fn",
    "for",
];

/// The statement `chunk` read by `rule`; `None` when it does not match (reported).
pub(super) fn read<'a>(
    rule: Rule,
    text: &'a str,
    tokens: &[Token],
    chunk: &Chunk,
    out: &mut Reporter,
) -> Option<Pair<'a, Rule>> {
    static LIMIT: Once = Once::new();
    LIMIT.call_once(|| pest::set_call_limit(NonZeroUsize::new(MAX_CALLS)));
    let part = text.get(chunk.bytes.clone()).unwrap_or_default();
    match MechParser::parse(rule, part) {
        Ok(mut pairs) => pairs.next(),
        Err(error) => {
            let offset = match error.location {
                InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
            };
            match error.variant {
                ErrorVariant::ParsingError { positives, .. } => {
                    explain(rule, &positives, text, tokens, chunk, chunk.bytes.start + offset, out);
                }
                ErrorVariant::CustomError { message } => {
                    let message = format!("this statement is too involved to be read ({message})");
                    out.error(
                        codes::E0116,
                        message,
                        chunk.bytes.start..chunk.bytes.start,
                        "it starts here",
                        "name parts of it with `let`",
                    );
                }
            }
            None
        }
    }
}

//! Slips of the hand: words that are nearly keywords, where a keyword could stand.

use super::grammar::Rule;
use crate::diagnostics::closest;

/// Functions that are written without parentheses elsewhere.
pub(super) const CALLED: [&str; 9] = ["sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "sqrt"];

/// The keyword that `word` was meant to be, of those that `expected` has room for.
pub(super) fn keyword_near(word: &str, expected: &[Rule]) -> Option<&'static str> {
    closest(word, expected.iter().filter_map(|&rule| keyword(rule))).filter(|near| *near != word)
}

/// The keyword in front of an expression that `word`, which follows `before`, was meant to be; the expression of a conditional goes on
/// with `then`.
pub(super) fn prefix_near(before: &str, word: &str, in_conditional: bool) -> Option<&'static str> {
    let candidates: &[&str] = match before {
        "for" => &["first"],
        "expect" => &["snapshot", "not"],
        _ if in_conditional => &["if", "not"],
        _ => &["not"],
    };
    closest(word, candidates.iter().copied()).filter(|near| *near != word)
}

/// The keyword of a model that stands for a keyword of another tool.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    const OTHERS: [(&str, &str); 18] = [
        ("var", "state"),
        ("variable", "state"),
        ("variables", "state"),
        ("species", "state"),
        ("parameter", "param"),
        ("parameters", "param"),
        ("par", "param"),
        ("constant", "const"),
        ("constants", "const"),
        ("init", "initial"),
        ("start", "initial"),
        ("def", "fn"),
        ("function", "fn"),
        ("func", "fn"),
        ("define", "let"),
        ("forcing", "input"),
        ("inputs", "input"),
        ("set", "index"),
    ];
    OTHERS.iter().find(|(other, _)| *other == word).map(|(_, here)| *here)
}

/// The data source that reads the file at `path`, where the end of its name tells.
pub(super) fn source_of(path: &str) -> Option<&'static str> {
    const ENDINGS: [(&str, &str); 5] =
        [(".csv", "csv"), (".tsv", "csv"), (".npz", "npz"), (".npy", "npy"), (".parquet", "parquet")];
    let lower = path.to_lowercase();
    ENDINGS.iter().find(|(ending, _)| lower.ends_with(ending)).map(|(_, source)| *source)
}

/// The keyword that a rule is or starts with.
fn keyword(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::kw_use => "use",
        Rule::kw_simulate | Rule::simulation => "simulate",
        Rule::kw_formula => "formula",
        Rule::kw_to => "to",
        Rule::kw_as => "as",
        Rule::kw_order => "order",
        Rule::kw_in | Rule::bounds => "in",
        Rule::kw_fixed => "fixed",
        Rule::kw_held => "held",
        Rule::kw_impulse => "impulse",
        Rule::kw_over => "over",
        Rule::kw_time => "time",
        Rule::kw_init => "init",
        Rule::kw_per | Rule::per_sample => "per",
        Rule::kw_sample => "sample",
        Rule::kw_for | Rule::for_steps => "for",
        Rule::kw_first => "first",
        Rule::kw_steps => "steps",
        Rule::kw_at | Rule::at_last => "at",
        Rule::kw_last => "last",
        Rule::kw_expect => "expect",
        Rule::kw_snapshot | Rule::snapshot => "snapshot",
        Rule::kw_of => "of",
        Rule::kw_within => "within",
        Rule::kw_periodic => "periodic",
        Rule::kw_spacing => "spacing",
        Rule::kw_then => "then",
        Rule::kw_else => "else",
        Rule::and => "and",
        Rule::or => "or",
        _ => return None,
    })
}

//! The pest parser of one statement, and its errors in the user's terms.

use std::num::NonZeroUsize;
use std::sync::Once;

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

use super::lexer::{Token, TokenKind};
use super::outline::{Chunk, found};
use super::report::Reporter;
use super::slips::{keyword_near, prefix_near};
use crate::diagnostics::{closest, codes};

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
                    out.error(codes::E0116, message, chunk.bytes.start..chunk.bytes.start, "it starts here");
                }
            }
            None
        }
    }
}

/// Reports that at byte `at` one of `expected` should stand.
fn explain(rule: Rule, expected: &[Rule], text: &str, tokens: &[Token], chunk: &Chunk, at: usize, out: &mut Reporter) {
    // The rules fail before the blanks in front of the token that stopped them.
    let in_chunk = tokens.get(chunk.tokens.clone()).unwrap_or_default();
    let next = in_chunk.iter().find(|t| t.end > at && t.kind != TokenKind::Newline).copied();
    let (found, place) = match next {
        Some(t) => found(text, tokens, t.start.max(at)),
        None => found(text, tokens, chunk.bytes.end),
    };
    let before = in_chunk.iter().rfind(|t| t.end <= at && t.kind != TokenKind::Newline).copied();
    let slice = |t: Token| text.get(t.start..t.end).unwrap_or_default();
    let symbol = |t: Option<Token>| t.map_or("", slice);
    let wants_operator = expected.contains(&Rule::add);
    let starts_value = next
        .is_some_and(|t| matches!(t.kind, TokenKind::Word | TokenKind::Number | TokenKind::Text | TokenKind::Open(_)));

    if rule == Rule::equation && next.is_none() && expected.contains(&Rule::is) {
        let goes_on = in_chunk.first().is_some_and(|t| matches!(t.kind, TokenKind::Symbol(_)));
        let help = match goes_on {
            true => "a statement ends with its line; put what spans lines into parentheses",
            false => "an equation has two sides: `x' = -k*x`",
        };
        let (place, help) = (chunk.bytes.clone(), Some(help.to_string()));
        return out.error_with_help(codes::E0121, "this equation has no `=`".to_string(), place, "", help);
    }
    // A line that starts with two words was meant as a declaration.
    let first_two = (in_chunk.first().copied(), in_chunk.get(1).copied());
    if rule == Rule::equation
        && let (Some(first), Some(second)) = first_two
        && first.kind == TokenKind::Word
        && matches!(second.kind, TokenKind::Word | TokenKind::Number | TokenKind::Text)
        && second.start == place.start
    {
        let word = slice(first);
        let message = format!("`{word}` does not start a statement of a model");
        let help = match closest(word, MODEL_KEYWORDS) {
            _ if word == "time" => format!("the unit of the time stands in brackets: `time [{}]`", slice(second)),
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("here stand `{}` and equations", MODEL_KEYWORDS.join("`, `")),
        };
        return out.error_with_help(codes::E0112, message, first.start..first.end, "", Some(help));
    }
    // `tiem [s]`, since an operator or an equals sign would follow a name.
    if rule == Rule::equation
        && let (Some(first), Some(second)) = first_two
        && second.kind == TokenKind::Open(b'[')
        && second.start == place.start
        && closest(slice(first), ["time"]).is_some()
    {
        let message = format!("`{}` does not start a statement of a model", slice(first));
        let help = Some("did you mean `time`?".to_string());
        return out.error_with_help(codes::E0112, message, first.start..first.end, "", help);
    }
    if rule == Rule::test_header && expected == [Rule::text] {
        let message = format!("the name of a test stands in quotes, and here is {found}");
        let name = next.filter(|t| t.kind == TokenKind::Word).map_or("name", slice);
        let help = Some(format!("write `test \"{name}\" {{ ... }}`"));
        return out.error_with_help(codes::E0101, message, place, "", help);
    }
    if let Some(word) = next.filter(|t| t.kind == TokenKind::Word).map(slice)
        && let Some(near) = keyword_near(word, expected)
    {
        let message = format!("expected `{near}`, found {found}");
        return out.error_with_help(codes::E0101, message, place, "", Some(format!("did you mean `{near}`?")));
    }
    // `simulte Lorenz63`, which is read as the format of a file.
    if rule == Rule::data_header
        && expected == [Rule::open_paren]
        && let Some(word) = before
        && let Some(near) = keyword_near(slice(word), &[Rule::kw_simulate, Rule::kw_formula])
    {
        let message = format!("there is no data source `{}`", slice(word));
        let help = Some(format!("did you mean `{near}`?"));
        return out.error_with_help(codes::E0101, message, word.start..word.end, "", help);
    }
    let wants_name = expected.iter().any(|rule| matches!(rule, Rule::name | Rule::fit_data));
    if wants_name && next.is_some_and(|t| t.kind == TokenKind::Word) {
        let message = format!("{found} is a keyword and cannot be a name");
        return out.error_with_help(codes::E0115, message, place, "a name is expected here", None);
    }
    let in_conditional = in_chunk.iter().any(|&t| t.start >= at && slice(t) == "then");
    if wants_operator
        && starts_value
        && let Some(word) = before.filter(|t| t.kind == TokenKind::Word)
        && let earlier = in_chunk.iter().rfind(|t| t.end <= word.start).copied()
        && let Some(near) = prefix_near(symbol(earlier), slice(word), in_conditional)
    {
        let message = format!("expected `{near}`, found `{}`", slice(word));
        let help = Some(format!("did you mean `{near}`?"));
        return out.error_with_help(codes::E0101, message, word.start..word.end, "", help);
    }
    if wants_operator && starts_value && rule != Rule::setting && rule != Rule::setting_value {
        let message = format!("an operator is missing before {found}");
        let help = match symbol(next) {
            "(" if before.is_some_and(|t| t.kind == TokenKind::Word) => {
                "a call has no blank before its parenthesis: `sin(x)`; multiplication is written `*`"
            }
            "in" => "a sum names its element in parentheses: `sum(i in cell) u[i]`",
            "[" => "a unit stands behind a number or a name that is declared; a subscript has no blank before it",
            word if rule != Rule::index_statement && may_be_unit(before, next, word) => {
                &format!("multiplication is written `*`; a unit stands in brackets: `{} [{word}]`", symbol(before))
            }
            _ => "multiplication is written `*`; one statement ends where its line ends, or at `;`",
        };
        return out.error_with_help(codes::E0107, message, place, "", Some(help.to_string()));
    }
    let in_hole = in_chunk.iter().rev().skip_while(|t| t.end > at).nth(1).is_some_and(|&t| slice(t) == "?");
    let help = match in_hole && expected == [Rule::open_paren] {
        true => Some(HOLE_FORM),
        false if rule == Rule::solve_header => Some(SOLVE_FORM),
        false if rule == Rule::predict_header => Some(PREDICT_FORM),
        false => hint(symbol(before), symbol(next), next.is_none(), expected),
    };
    let message = match text.get(place.start..).is_some_and(|rest| rest.starts_with("==")) {
        true => "`==` is not part of the language".to_string(),
        false => format!("expected {}, found {found}", list(expected)),
    };
    out.error_with_help(codes::E0101, message, place, "", help.map(str::to_string));
}

/// Whether a word behind a number may be meant as its unit.
fn may_be_unit(before: Option<Token>, next: Option<Token>, word: &str) -> bool {
    const OTHERS: [&str; 13] =
        ["if", "then", "else", "and", "or", "not", "in", "fixed", "for", "steps", "at", "first", "last"];
    let kinds = before.zip(next).map(|(b, n)| (b.kind, n.kind));
    kinds == Some((TokenKind::Number, TokenKind::Word)) && !OTHERS.contains(&word)
}

const SOLVE_FORM: &str = "a solve item names a model: `solve run = Model(k = 1) { steps 500; dt 0.05 }`";
const UNIT_BEHIND_A_BLANK: &str = "index sets follow a name without a blank, a unit behind one: `x [1/m]`";
const PREDICT_FORM: &str = "a prediction names a fit: `predict tail = fit { steps 2000 }`";
const HOLE_FORM: &str = "a hole names a library and what it is made of: `?poly(x; degree = 2)`";

/// Advice for spellings of other languages and for lines cut short.
fn hint(before: &str, next: &str, at_end: bool, expected: &[Rule]) -> Option<&'static str> {
    Some(match (before, next) {
        _ if expected.contains(&Rule::kw_simulate) => {
            "data is simulated, read or computed: `simulate Model(k = 1)`, `csv(\"data.csv\")`, `formula`"
        }
        ("[", _) if expected == [Rule::name] => UNIT_BEHIND_A_BLANK,
        (_, "/" | "*" | "^") if expected.iter().all(|r| matches!(r, Rule::comma | Rule::close_bracket)) => {
            UNIT_BEHIND_A_BLANK
        }
        (_, word) if expected.contains(&Rule::kw_order) && word.starts_with(char::is_alphabetic) => {
            "a unit stands in brackets behind the name: `x [mol]`; between names stands a comma"
        }
        ("?", _) => HOLE_FORM,
        ("*", "*") => "a power is written `^`: `x^2`",
        (_, "=" | "<" | ">") => "an equation has two sides with one `=` between them",
        (_, "%") => "a per cent sign follows its number directly: `5%`",
        (_, "'") => "a string is written with double quotes: `\"data.csv\"`",
        ("+" | "-" | "*" | "/" | "^" | "=" | ",", _) if at_end => {
            "a statement ends with its line; inside parentheses it may go on"
        }
        _ => return None,
    })
}

/// `a, b or c`, each once.
fn list(expected: &[Rule]) -> String {
    let mut words: Vec<&str> = Vec::new();
    // After a value a suffix could always follow; naming it hides what matters.
    let after_value = expected.contains(&Rule::add);
    let is_suffix = |rule: &Rule| {
        matches!(
            rule,
            Rule::dot | Rule::open_bracket | Rule::open_paren | Rule::arguments | Rule::at_least | Rule::at_most
        )
    };
    // The brackets of index sets follow a declared name without a blank, where most names have none.
    let declared = expected.len() > 1 && [Rule::kw_order, Rule::comma, Rule::is].iter().any(|r| expected.contains(r));
    let shown = |rule: &&Rule| !(declared && **rule == Rule::open_bracket);
    for word in
        expected.iter().filter(shown).filter(|r| !(after_value && is_suffix(r))).filter_map(|&rule| phrase(rule))
    {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match words.split_last() {
        None => "something else".to_string(),
        Some((last, [])) => last.to_string(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// How a rule is called in a message; nothing for what would only lengthen it.
fn phrase(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::EOI => "the end of the statement",
        Rule::word | Rule::name | Rule::fit_data | Rule::state_decl | Rule::param_decl | Rule::binding => "a name",
        Rule::declared | Rule::quantity | Rule::index_decl => "a name",
        Rule::initial_decl | Rule::final_decl | Rule::initial_target => "a state",
        Rule::number | Rule::decimal => "a number",
        Rule::text => "a string",
        Rule::equation => "a declaration or an equation",
        Rule::setting => "the name of a setting",
        Rule::setting_value => "a value",
        Rule::expr | Rule::operand | Rule::named | Rule::reference | Rule::hole | Rule::group => "an expression",
        Rule::range => "a range such as `1..10`",
        Rule::kw_then => "`then`",
        Rule::kw_else => "`else`",
        Rule::dots => "`..`",
        Rule::list => "a list",
        Rule::add | Rule::subtract | Rule::multiply | Rule::divide | Rule::power => "an operator",
        Rule::arguments | Rule::open_paren => "`(`",
        Rule::close_paren => "`)`",
        Rule::open_bracket => "`[`",
        Rule::close_bracket => "`]`",
        Rule::bounds | Rule::kw_in => "`in`",
        Rule::is | Rule::is_between => "`=`",
        Rule::at_least => "`>=`",
        Rule::at_most => "`<=`",
        Rule::dot => "`.`",
        Rule::comma => "`,`",
        Rule::semicolon => "`;`",
        Rule::unit_product | Rule::unit_factor | Rule::unit_one => "a unit",
        Rule::unit_power | Rule::unit_digits => "a whole number of at most two digits",
        Rule::measured => "a number",
        Rule::kw_order => "`order`",
        Rule::kw_over => "`over`",
        Rule::kw_time => "`time`",
        Rule::kw_init => "`init`",
        Rule::per_sample | Rule::kw_per => "`per sample`",
        Rule::kw_sample => "`sample`",
        Rule::kw_fixed => "`fixed`",
        Rule::kw_to => "`to`",
        Rule::kw_fit => "a fit",
        Rule::kw_as => "`as`",
        Rule::kw_expect => "`expect`",
        Rule::kw_of => "`of`",
        Rule::kw_within => "`within`",
        Rule::kw_snapshot => return None,
        Rule::set | Rule::open_brace => "a set",
        Rule::close_brace => "`}`",
        Rule::equals | Rule::differs | Rule::nearly | Rule::less | Rule::greater => "a comparison",
        Rule::claim | Rule::side => "an expression",
        Rule::kw_simulate | Rule::simulation => "`simulate`",
        Rule::kw_formula => "`formula`",
        Rule::solution => "a model",
        Rule::kw_steps => "`steps`",
        Rule::kw_last => "`last`",
        Rule::for_steps | Rule::at_last => return None,
        Rule::data_file => "a file such as `csv(\"data.csv\")`",
        // Suffixes and signs could stand in many places; naming them hides what matters.
        _ => return None,
    })
}

//! The layout of source files: stable, meaning-preserving, and keeping comments, over every model file of the project and over
//! random programs with random blanks, line ends and comments.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use mechc::diagnostics::{self, Format, Sink};
use mechc::source::{Sources, decode};
use mechc::syntax;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The layout of a text, or what is wrong with the text.
fn layout(text: &str) -> Result<String, String> {
    let (mut sources, mut sink) = (Sources::default(), Sink::new());
    let id = sources.add("a.mech", text);
    match syntax::format(id, &sources.file(id).text.clone(), &mut sink) {
        Some(laid_out) => Ok(laid_out),
        None => Err(diagnostics::render(&sink.into_sorted(), &sources, Format::Short)),
    }
}

/// The comments of a text without strings that hold slashes, in order, without blanks at their ends.
fn comments(text: &str) -> Vec<&str> {
    text.lines().filter_map(|l| l.find("//").map(|at| l[at..].trim_end())).collect()
}

/// What a layout breaks.
fn judge(text: &str) -> Result<(), String> {
    let once = layout(text)?;
    let twice = layout(&once).map_err(|e| format!("the layout has errors: {e}\n{once}"))?;
    if once != twice {
        return Err(format!("a second pass changes\n{once}\ninto\n{twice}"));
    }
    if !syntax::same_program(text, &once) {
        return Err(format!("another program:\n{once}"));
    }
    if once.lines().any(|l| l != l.trim_end()) || once.contains("\n\n\n") || once.ends_with("\n\n") {
        return Err(format!("loose blanks in\n{once}"));
    }
    Ok(())
}

fn model_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            model_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "mech") {
            out.push(path);
        }
    }
}

#[test]
fn every_model_file_has_a_layout() {
    let mut files = Vec::new();
    for folder in ["examples", "stdlib", "tests"] {
        model_files(&root().join(folder), &mut files);
    }
    let (mut judged, mut wrong) = (0, Vec::new());
    for path in files {
        let Ok(text) = decode("a.mech", fs::read(&path).expect("a file")) else { continue };
        // Programs that are wrong in their syntax have no layout; those that are wrong otherwise have one.
        if path.starts_with(root().join("tests/bad")) && layout(&text).is_err() {
            continue;
        }
        judged += 1;
        if let Err(what) = judge(&text) {
            wrong.push(format!("{}: {what}", path.display()));
        }
        if !text.contains("\"//")
            && comments(&text)
                != layout(&text).map_or(vec![], |t| vec![t]).iter().flat_map(|t| comments(t)).collect::<Vec<_>>()
        {
            wrong.push(format!("{}: comments are lost", path.display()));
        }
    }
    assert!(judged > 80, "only {judged} files");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Snippets of the documentation are programs, too.
#[test]
fn every_snippet_has_a_layout() {
    let mut wrong = Vec::new();
    for page in ["README.md", "docs/language.md"] {
        let text = fs::read_to_string(root().join(page)).expect(page);
        for (i, part) in text.split("```").enumerate() {
            if let (1, Some(code)) = (i % 2, part.strip_prefix("mech\n"))
                && let Err(what) = judge(code)
            {
                wrong.push(format!("{page}: {what}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A token, and whether it must touch the one before (primes, calls, subscripts) or must not (lists among values).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Touch {
    Must,
    MustNot,
    Free,
    /// A new statement: a line end or a semicolon.
    Statement,
}

type Tokens = Vec<(String, Touch)>;

fn free(text: &str) -> Tokens {
    vec![(text.to_string(), Touch::Free)]
}

fn join(parts: impl IntoIterator<Item = Tokens>) -> Tokens {
    parts.into_iter().flatten().collect()
}

fn touching(mut tokens: Tokens, touch: Touch) -> Tokens {
    if let Some(first) = tokens.first_mut() {
        first.1 = touch;
    }
    tokens
}

fn group(open: &str, touch: Touch, inside: Vec<Tokens>, close: &str) -> Tokens {
    let mut out = vec![(open.to_string(), touch)];
    for (i, part) in inside.into_iter().enumerate() {
        if i > 0 {
            out.push((",".into(), Touch::Free));
        }
        out.extend(part);
    }
    out.push((close.into(), Touch::Free));
    out
}

fn expression() -> impl Strategy<Value = Tokens> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["x", "y", "kappa", "α", "t", "1", "2.5e-3", "8"]).prop_map(free),
        Just(join([free("5"), touching(free("%"), Touch::Must)])),
        Just(join([free("x"), touching(free("''"), Touch::Must)])),
        Just(join([free("net"), touching(free("."), Touch::Must), touching(free("v"), Touch::Must)])),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let operator = prop::sample::select(vec!["+", "-", "*", "/", "^"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| join([a, free(op), b])),
            (prop::sample::select(vec!["-", "+"]), inner.clone()).prop_map(|(op, a)| join([free(op), a])),
            inner.clone().prop_map(|a| group("(", Touch::Free, vec![a], ")")),
            (prop::sample::select(vec!["sin", "f"]), prop::collection::vec(inner.clone(), 1..3))
                .prop_map(|(f, list)| join([free(f), group("(", Touch::Must, list, ")")])),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|list| {
                let mut hole =
                    join([free("?"), touching(free("poly"), Touch::Must), group("(", Touch::Must, list, ")")]);
                hole.pop();
                join([
                    hole,
                    free(";"),
                    free("degree"),
                    free("="),
                    free("2"),
                    free(","),
                    free("coefficients"),
                    free(">="),
                    free("0"),
                    free(")"),
                ])
            }),
            inner.prop_map(|a| join([free("q"), group("[", Touch::Must, vec![a], "]")])),
        ]
    })
}

fn statement() -> impl Strategy<Value = Tokens> {
    prop_oneof![
        Just(join([free("state"), free("x"), free(","), free("y"), free("order"), free("2")])),
        (expression(), expression()).prop_map(|(low, high)| {
            let bounds = group("[", Touch::MustNot, vec![low, high], "]");
            join([free("param"), free("k"), free("="), free("1"), free("in"), bounds, free("fixed")])
        }),
        // Lists with brackets, all of which is `per sample`: brackets that are opened put the words on a line further down.
        (prop::collection::vec(expression(), 1..8), any::<bool>()).prop_map(|(values, per_sample)| {
            let entries = values.into_iter().enumerate().map(|(k, value)| {
                let name = format!("rate_of_the_{k}th_kind");
                let list = group("(", Touch::Must, vec![value, free("20")], ")");
                let comma = if k == 0 { free("param") } else { free(",") };
                join([comma, free(&name), free("="), free("max"), list])
            });
            let behind = if per_sample { join([free("per"), free("sample")]) } else { Tokens::new() };
            join(entries.collect::<Vec<_>>().into_iter().chain([behind]))
        }),
        expression().prop_map(|e| join([free("let"), free("z"), free("="), e])),
        expression().prop_map(|e| join([free("x"), touching(free("'"), Touch::Must), free("="), e])),
        (expression(), expression()).prop_map(|(a, b)| join([a, free("="), b])),
        // Long sums and lists, which are wrapped.
        (prop::sample::select(vec!["let", ""]), prop::collection::vec(expression(), 4..14)).prop_map(|(word, list)| {
            let terms = list.into_iter().enumerate().map(|(k, e)| join([free(if k == 0 { "" } else { "+" }), e]));
            let left =
                if word.is_empty() { join([free("x"), touching(free("'"), Touch::Must)]) } else { free("let z") };
            join([left, free("="), join(terms)])
        }),
        prop::collection::vec(expression(), 4..14).prop_map(|list| {
            let hole = group("(", Touch::Must, list, ")");
            join([free("x"), touching(free("'"), Touch::Must), free("="), free("?terms"), hole])
        }),
    ]
}

fn setting() -> impl Strategy<Value = Tokens> {
    let list = prop::collection::vec(expression(), 1..4);
    prop_oneof![
        expression().prop_map(|e| join([free("noise"), touching(e, Touch::MustNot)])),
        expression().prop_map(|e| join([free("noise"), free("="), e])),
        list.prop_map(|l| join([free("mlp"), group("[", Touch::MustNot, l, "]"), free("relu")])),
        Just(join([free("threshold"), touching(free("-"), Touch::MustNot), free("1")])),
        expression().prop_map(|e| {
            join([free("u"), group("[", Touch::Must, vec![free("1"), free("2")], "]"), free("="), e])
        }),
    ]
}

fn item() -> impl Strategy<Value = Tokens> {
    let block = |header: Tokens, statements: Vec<Tokens>| {
        let inside = join(statements.into_iter().map(|s| touching(s, Touch::Statement)));
        join([touching(header, Touch::Statement), free("{"), inside, vec![("}".into(), Touch::Free)]])
    };
    let model = prop::collection::vec(statement(), 0..6);
    let fit = prop::collection::vec(setting(), 0..6);
    prop_oneof![
        model.prop_map(move |s| block(join([free("model"), free("A")]), s)),
        fit.prop_map(move |s| block(join([free("fit"), free("A"), free("to"), free("run")]), s)),
    ]
}

/// Blanks, line ends and comments between the tokens of a program: what each draw makes of a place.
fn written(tokens: &Tokens, draws: &[u8]) -> String {
    let mut out = String::new();
    let mut depth = 0i32;
    let mut first_in_block = true;
    for ((text, touch), draw) in tokens.iter().zip(draws.iter().cycle()) {
        let blanks = ["", " ", "   ", "\t"][usize::from(draw % 4)];
        let lines = ["\n", "\n\n\n", " // a note\n", "\n  /// more\n\n", "\r\n"][usize::from(draw % 5)];
        let words = |a: Option<char>, b: Option<char>| {
            let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
            joins(a) && joins(b)
        };
        let space = match touch {
            Touch::Must => "",
            Touch::Statement if first_in_block => {
                if draw % 3 == 0 {
                    lines
                } else {
                    blanks
                }
            }
            Touch::Statement => {
                if draw % 3 == 0 {
                    ";"
                } else {
                    lines
                }
            }
            // Inside brackets lines may end anywhere.
            Touch::Free if depth > 0 && draw % 7 == 0 => lines,
            Touch::MustNot => " ",
            Touch::Free if words(out.chars().last(), text.chars().next()) => " ",
            // A word before a parenthesis would be a call, one before a bracket a subscript.
            Touch::Free if text.starts_with(['(', '[', '\'']) => " ",
            Touch::Free if text == "{" || text == "}" => {
                if draw % 5 == 0 && text == "}" {
                    lines
                } else {
                    blanks
                }
            }
            Touch::Free => blanks,
        };
        out.push_str(space);
        out.push_str(text);
        depth += i32::from(text == "(" || text == "[") - i32::from(text == ")" || text == "]");
        first_in_block = text == "{" || text == "}";
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_programs_keep_their_meaning(
        items in prop::collection::vec(item(), 1..4),
        draws in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let text = written(&join(items), &draws);
        match layout(&text) {
            // A random expression may nest too deeply or start a line that cannot go on; that is no program.
            Err(_) => prop_assume!(false),
            Ok(laid_out) => {
                if let Err(what) = judge(&text) {
                    prop_assert!(false, "{}\nfrom\n{}", what, text);
                }
                prop_assert_eq!(comments(&text), comments(&laid_out));
            }
        }
    }
}

//! Properties of reading any text at all: no panic, places inside the file, every rendering works, one error for one bad
//! statement, and line ends without meaning.

use proptest::prelude::*;

use mechc::diagnostics::{self, Diagnostic, Format, Sink};
use mechc::source::Sources;
use mechc::syntax::{self, ast};

const VALID: &str = r#"//! Everything the language has.
use std.systems.Lorenz63
/// A model.
model Prey {
  state u, w order 2; param r = 1 in [0, 2], k = -2.5e-3 fixed; const g = 9.81; input f; input h held; input d impulse; let q = u*w
  u' = r*u - ?poly(u, w; degree = 2, coefficients >= 0)
  w'' + k*w' = ?terms(u, w, u*w, sin(u)) + f^2^q // comment
  (u, w)' = ?poly(
    u, w
  )
  initial u = 1, w' = 0.5
}
network smoother { input x, y over window; mlp [64, 64] relu; output v[3] over window }
data run = simulate Lorenz63(rho = 28) { steps 4000; dt 0.01; noise 5%; seed 1 }
data hares = csv("hares.csv") { time year; u = hare; missing "N\"A" }
fit Prey to run as enc { auxiliary (x, y) = smoother.v, consistency 1; optimizer adam(lr = 5e-4); prune below 0.1 }
"#;

/// Reads `text` and checks what must hold whatever it is; the tree and the findings.
fn read(text: &str) -> (ast::File, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    let id = sources.add("a.mech", text);
    let text = sources.file(id).text.clone();
    let mut sink = Sink::new();
    let file = syntax::parse(id, &text, &mut sink);
    let _ = syntax::parse_setting_value(id, &text, &mut Sink::new());
    let found = sink.into_sorted();
    for finding in &found {
        for label in std::iter::once(&finding.primary).chain(&finding.labels) {
            let (start, end) = (label.span.start as usize, label.span.end as usize);
            assert!(text.get(start..end).is_some(), "{finding:?} is not a place in the file");
        }
        assert!(!finding.message.is_empty());
    }
    for format in [Format::Human { color: true, unicode: true }, Format::Short, Format::Json] {
        let shown = diagnostics::render(&found, &sources, format);
        assert_eq!(shown.is_empty(), found.is_empty());
        if format != (Format::Human { color: true, unicode: true }) {
            assert_eq!(shown.lines().count(), found.len(), "one line each: {shown}");
        }
    }
    let _ = syntax::dump(&file);
    (file, found)
}

fn soup() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "model", "A", "state", "x", "'", "''", "=", "==", "+", "-", "*", "/", "^", "(", ")", "[", "]", "{", "}", ",",
        ";", "\n", "\r\n", " ", "?", "poly", "param", "in", "const", "let", "initial", "input", "network", "data",
        "fit", "to", "as", "use", ".", "1", "2.5e-3", "1e999", "5%", "%", "\"a\"", "\"", "\\", "//", "///", "//!",
        "/*", "order", "fixed", ">=", "<=", "<", "simulate", "csv", "α", "\u{202e}", "\u{a0}", "\0", "#", "mlp",
        "over",
    ]);
    prop::collection::vec(words, 0..60).prop_map(|words| words.concat())
}

/// The valid program with up to four pieces cut, doubled or replaced.
fn mutated() -> impl Strategy<Value = String> {
    let edit = (
        0..VALID.len(),
        0..20usize,
        prop::sample::select(vec!["", "{", "}", "(", ")", "'", "\"", "=", "\n", ";", "1", "x"]),
    );
    prop::collection::vec(edit, 1..5).prop_map(|edits| {
        let mut text = VALID.to_string();
        for (at, length, new) in edits {
            let at = at.min(text.len());
            let end = (at + length).min(text.len());
            text.replace_range(at..end, new);
        }
        text
    })
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_tokens_are_read(text in soup()) {
        read(&text);
    }

    #[test]
    fn any_tokens_in_a_model_are_read(text in soup()) {
        read(&format!("model A {{\n{text}\n}}"));
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_characters_are_read(text in "\\PC{0,80}") {
        read(&text);
    }

    #[test]
    fn mutated_programs_are_read(text in mutated()) {
        read(&text);
    }

    #[test]
    fn one_bad_statement_is_one_error(
        bad in prop::sample::select(vec![
            "state", "state 3", "param = 1", "x' = ", "= x", "x' = 2x", "x' = a b", "x' = )", "x' = (x]", "x' = $", "foo",
            "foo bar", "x' = f(a = 1, b)", "x' = 1e999", "x' = \"a", "x' = {", "let a", "initial x", "x' == 1", "x' = y *",
            "const model = 3", "x' = ?", "x' = .5", "x' = sin (x)", "x' = \u{2212}x", "a' = (b", "x' = \u{202e}",
        ]),
        at in 0..5usize,
    ) {
        let valid = ["state x, y", "param k = 1 in [0, 2]", "x' = k*y", "y' = -x", "initial x = 1, y = 0"];
        let mut lines = valid.to_vec();
        lines.insert(at, bad);
        let (file, found) = read(&format!("model A {{\n{}\n}}\nfit A to b {{ seed 1 }}\n", lines.join("\n")));
        prop_assert_eq!(found.len(), 1, "{:?}", found);
        // An opening bracket that is never closed may hide what follows it.
        if !bad.contains(['{', '(']) || bad.contains([')', ']']) {
            let Some(ast::Item::Model(model)) = file.items.first() else { panic!("the model is read") };
            prop_assert_eq!(model.body.len(), valid.len());
        }
        prop_assert_eq!(file.items.len(), 2);
    }
}

#[test]
fn the_valid_program_is_valid() {
    let (file, found) = read(VALID);
    assert_eq!(found, []);
    assert_eq!(file.items.len(), 6);
    let other = VALID.replace('\n', "\r\n");
    assert_eq!(syntax::dump(&read(&other).0), syntax::dump(&file));
}

/// What is just within the limits is read, on the small stack of a test's thread.
#[test]
fn the_largest_accepted_programs() {
    let nested = |open: &str, inside: &str, close: &str, n: usize| open.repeat(n) + inside + &close.repeat(n);
    let cases = [
        nested("(", "x", ")", 256),
        nested("f(", "x", ")", 256),
        nested("?f(1 + 2*-", "x", ")", 200),
        nested("x[-", "1", "]", 256),
        nested("(a, ", "x", ")", 256),
        nested("f(k = ", "x", ")", 256),
        "-".repeat(256) + "x",
        "x^".repeat(256) + "x",
        "x + ".repeat(990) + "x",
        "x' * ".repeat(490) + "x",
        "f(".to_string() + &"x, ".repeat(20_000) + "x)",
    ];
    for right in cases {
        let (file, found) = read(&format!("model A {{ x' = {right} }}"));
        assert_eq!(found, [], "{}", &right[..right.len().min(40)]);
        assert_eq!(file.items.len(), 1);
        drop(file.clone());
    }
}

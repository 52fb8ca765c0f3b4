//! The renderings of one finding that spans two files.

use super::{Diagnostic, Format, Sink, codes, render};
use crate::source::{Sources, Span};

fn example() -> (Vec<Diagnostic>, Sources) {
    let mut sources = Sources::default();
    let a = sources.add("a.mech", "// \u{3b1}\nuse b.X\nmodel X {\n}\n");
    let b = sources.add("b.mech", "model X {\n}\n");
    let mut sink = Sink::new();
    let finding = Diagnostic::error(codes::E0101, "`X` is there\ntwice \u{1b}[31m", Span::new(a, 20, 21), "this one")
        .label(Span::new(a, 12, 13), "imported here")
        .label(Span::new(b, 6, 7), "the other one")
        .help("rename one of them");
    sink.push(finding.clone());
    sink.push(finding);
    (sink.into_sorted(), sources)
}

#[test]
fn human() {
    let (found, sources) = example();
    insta::assert_snapshot!(render(&found, &sources, Format::Human { color: false, unicode: false }), @r#"
    E0101

      x `X` is there
      | twice ?[31m
       ,-[a.mech:3:7]
     1 | // α
     2 | use b.X
       :       |
       :       `-- imported here
     3 | model X {
       :       |
       :       `-- this one
     4 | }
       `----
      help: rename one of them
      > the other one
       ,-[b.mech:1:7]
     1 | model X {
       :       |
       :       `-- the other one
     2 | }
       `----
    "#);
}

#[test]
fn human_with_colours() {
    let (found, sources) = example();
    let plain = render(&found, &sources, Format::Human { color: false, unicode: true });
    let colored = render(&found, &sources, Format::Human { color: true, unicode: true });
    assert!(!plain.contains('\u{1b}') && plain.contains('\u{2502}'), "{plain}");
    assert!(colored.contains("\u{1b}[31m"), "{colored:?}");
}

#[test]
fn short() {
    let (found, sources) = example();
    insta::assert_snapshot!(render(&found, &sources, Format::Short), @r#"a.mech:3:7: error[E0101]: `X` is there twice ?[31m"#);
}

#[test]
fn json() {
    let (found, sources) = example();
    insta::assert_snapshot!(render(&found, &sources, Format::Json), @r#"{"code":"E0101","column":7,"end":{"column":8,"line":3},"file":"a.mech","help":"rename one of them","here":"this one","labels":[{"column":7,"end":{"column":8,"line":2},"file":"a.mech","line":2,"text":"imported here"},{"column":7,"end":{"column":8,"line":1},"file":"b.mech","line":1,"text":"the other one"}],"line":3,"message":"`X` is there\ntwice \u001b[31m","severity":"error","suggestion":null}"#);
}

/// An edit is told to programs with its place, and to people by the line it makes.
#[test]
fn suggestion() {
    let mut sources = Sources::default();
    let file = sources.add("a.mech", "model M {\n  \u{3c3}' = x**2\n}\n");
    let at = Span::new(file, 19, 21);
    let found = [Diagnostic::error(codes::E0101, "`**` is no operator", at, "").help("write `^`").replace(at, "^")];
    let human = render(&found, &sources, Format::Human { color: false, unicode: false });
    assert!(human.ends_with("  help: write `^`\n        \u{3c3}' = x^2\n"), "{human}");
    let json: serde_json::Value = serde_json::from_str(&render(&found, &sources, Format::Json)).expect("one object");
    let expected = serde_json::json!({
        "file": "a.mech", "line": 2, "column": 9, "end": {"line": 2, "column": 11}, "replacement": "^",
    });
    assert_eq!(json["suggestion"], expected, "columns count characters");
}

/// Of many findings for people the first hundred are shown, errors before warnings; other forms have them all.
#[test]
fn many() {
    let mut sources = Sources::default();
    let file = sources.add("a.mech", "x\n".repeat(400));
    let at = |i: usize| Span::new(file, 2 * i, 2 * i + 1);
    let warning = |i| Diagnostic::warning(codes::W0701, format!("odd {i}."), at(i), "");
    let error = |i| Diagnostic::error(codes::E0201, format!("wrong {i}."), at(i), "");
    let human = |found: &[Diagnostic]| render(found, &sources, Format::Human { color: false, unicode: false });
    let mixed: Vec<Diagnostic> = (0..150).map(warning).chain((150..210).map(error)).collect();
    let text = human(&mixed);
    assert_eq!((text.matches("wrong").count(), text.matches("odd").count()), (60, 40));
    assert!(text.ends_with("and 110 more warnings: `--message-format short` lists all\n"), "{text}");
    let errors: Vec<Diagnostic> = (0..101).map(error).chain([warning(101)]).collect();
    let text = human(&errors);
    assert!(text.contains("wrong 99.") && !text.contains("wrong 100.") && !text.contains("odd"));
    assert!(text.ends_with("and 1 more error and 1 more warning: `--message-format short` lists all\n"), "{text}");
    assert_eq!(human(&errors[..100]).matches("more").count(), 0);
    assert_eq!(render(&errors, &sources, Format::Short).lines().count(), 102);
}

#[test]
fn codes_are_looked_up_in_any_case() {
    assert_eq!(codes::lookup("e0101").map(|c| c.title), Some("unexpected text"));
    assert_eq!(codes::lookup("E9999"), None);
}

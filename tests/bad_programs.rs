//! Bad programs: what is said about each, in full.
//!
//! Every `tests/bad/NAME.mech` is compiled and its findings are compared with `tests/bad/NAME.txt`. A line `// set: a.b=c`
//! is an override; imports are read from `tests/bad` and the standard library. Cases too large to be
//! files are built here and recorded in `tests/bad/generated.txt`. `MECHC_UPDATE=1` rewrites the records.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use mechc::diagnostics::{self, Diagnostic, Format, Sink, codes};
use mechc::sema::{self, Override};
use mechc::source::{FsWorld, Layered, MemoryWorld, Sources, decode};
use mechc::syntax;

/// The groups of codes that [`compile`] can report: each of their codes needs a program here.
const GROUPS: [&str; 13] = ["E00", "E01", "E02", "E03", "E04", "E05", "E06", "E08", "E09", "E10", "W07", "W08", "W10"];

/// Everything the compiler finds in a file.
fn compile(path: &str, bytes: Vec<u8>, sources: &mut Sources) -> Vec<Diagnostic> {
    match decode(path, bytes) {
        Err(error) => vec![diagnostics::unreadable(&error, sources)],
        Ok(text) => {
            let id = sources.add(path, text);
            let mut sink = Sink::new();
            let text = sources.file(id).text.clone();
            let file = syntax::parse(id, &text, &mut sink);
            let sets = text.lines().filter_map(|l| l.strip_prefix("// set: "));
            let overrides: Vec<Override> =
                sets.filter_map(|set| sema::parse_override(set, sources, &mut sink)).collect();
            let library = sema::stdlib().iter().fold(MemoryWorld::new(), |w, (path, text)| w.with(*path, *text));
            let world = Layered { upper: library, lower: FsWorld::new(folder()).expect("the folder of bad programs") };
            let program = sema::analyze(&file, &world, &overrides, sources, &mut sink);
            assert_eq!(program.is_some(), !sink.has_errors(), "{path}: a program comes back without errors only");
            sink.into_sorted()
        }
    }
}

/// The findings as a terminal without colours and Unicode shows them.
fn findings(path: &str, bytes: Vec<u8>) -> String {
    let mut sources = Sources::default();
    let found = compile(path, bytes, &mut sources);
    diagnostics::render(&found, &sources, Format::Human { color: false, unicode: false })
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad")
}

/// Compares `actual` with the record at `path`, or rewrites it; a description of the difference.
fn compare(path: &Path, actual: &str) -> Option<String> {
    let recorded = fs::read_to_string(path).unwrap_or_default();
    if recorded == actual {
        return None;
    }
    if std::env::var_os("MECHC_UPDATE").is_some() {
        fs::write(path, actual).expect("the record can be written");
        return None;
    }
    let mut difference = format!("--- {}\n", path.display());
    let (old, new): (Vec<&str>, Vec<&str>) = (recorded.lines().collect(), actual.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let tail = tail.min(old.len() - same).min(new.len() - same);
    for line in &old[same..old.len() - tail] {
        let _ = writeln!(difference, "-{line}");
    }
    for line in &new[same..new.len() - tail] {
        let _ = writeln!(difference, "+{line}");
    }
    Some(difference)
}

fn report(differences: Vec<String>) {
    assert!(
        differences.is_empty(),
        "{}\nif this is meant: MECHC_UPDATE=1 cargo test --release --test bad_programs",
        differences.join("\n")
    );
}

/// The `.mech` files of the folder, in order.
fn programs() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("the folder of bad programs");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "mech"));
    paths.sort();
    paths
}

#[test]
fn recorded_programs() {
    assert!(programs().len() >= 600, "the programs are there");
    let mut differences = Vec::new();
    for path in programs() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let actual = findings(&name, fs::read(&path).expect("a readable program"));
        if actual.trim().is_empty() {
            differences.push(format!("{name} is not a bad program: nothing is found in it"));
        }
        differences.extend(compare(&path.with_extension("txt"), &actual));
    }
    report(differences);
}

/// Codes whose messages say themselves what to write, with the reason.
const SAID_IN_THE_MESSAGE: [(&str, &str); 2] =
    [("E0503", "shows the form that the setting takes"), ("E0504", "names the range that the value lies in")];

/// Every finding says what to do about it.
#[test]
fn every_finding_has_a_way_out() {
    let mut without = Vec::new();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for path in programs() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for d in compile(&name, fs::read(&path).expect("a readable program"), &mut Sources::default()) {
            let said = SAID_IN_THE_MESSAGE.iter().find(|(code, _)| *code == d.code);
            if d.help.as_ref().is_none_or(|help| help.trim().is_empty()) {
                match said {
                    Some((code, _)) => drop(used.insert(code)),
                    None => without.push(format!("{name}: {}: {}", d.code, d.message)),
                }
            }
        }
    }
    assert!(without.is_empty(), "{} findings:\n{}", without.len(), without.join("\n"));
    assert_eq!(used.len(), SAID_IN_THE_MESSAGE.len(), "an exception that none needs: {used:?}");
}

/// Where two quantities do not fit, both places are marked: what is there, and what it was to fit.
#[test]
fn units_that_do_not_fit_are_marked_on_both_sides() {
    let (mut files, mut one_sided) = (BTreeSet::new(), Vec::new());
    for path in programs() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let found = compile(&name, fs::read(&path).expect("a readable program"), &mut Sources::default());
        for d in found.iter().filter(|d| [codes::E0802, codes::E0803].contains(&d.code)) {
            let other = d.labels.iter().find(|label| label.span != d.primary.span);
            // A sum in an expectation is marked as a whole.
            let both = name == "test_units.mech" && d.primary.span.end - d.primary.span.start > 10;
            match other {
                _ if both => {}
                Some(_) => drop(files.insert(name.clone())),
                None => one_sided.push(format!("{name}: {}", d.message)),
            }
        }
    }
    assert!(one_sided.is_empty(), "{}", one_sided.join("\n"));
    assert!(files.len() >= 20, "only {} programs: {files:?}", files.len());
}

/// Every edit that is offered leaves a text that can be read: what is then found is no more of the kind than before, or lies behind the
/// edit, where it was hidden.
#[test]
fn edits_can_be_read() {
    let unread = |found: Vec<Diagnostic>| -> Vec<Diagnostic> {
        found.into_iter().filter(|d| d.code.starts_with("E01")).collect()
    };
    let (mut tried, mut wrong) = (0, Vec::new());
    for path in programs() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut sources = Sources::default();
        let found = compile(&name, fs::read(&path).expect("a readable program"), &mut sources);
        let edits: Vec<_> = found
            .iter()
            .filter_map(|d| Some((d.message.clone(), d.code.starts_with("E01"), d.suggestion.clone()?)))
            .filter(|(.., edit)| sources.file(edit.span.file).path == name)
            .collect();
        let before = unread(found);
        for (message, mends, edit) in edits {
            tried += 1;
            let Some(text) = edit.apply(&sources.file(edit.span.file).text) else {
                wrong.push(format!("{name}: `{message}` has no place for its edit"));
                continue;
            };
            let after = unread(compile(&name, text.into_bytes(), &mut Sources::default()));
            if after.len() + usize::from(mends) <= before.len() {
                continue;
            }
            let new = after.iter().filter(|d| !before.iter().any(|b| b.message == d.message));
            let in_edit: Vec<&str> =
                new.filter(|d| d.primary.span.start < edit.span.end).map(|d| d.message.as_str()).collect();
            if !in_edit.is_empty() {
                wrong.push(format!("{name}: `{message}` gives way to {in_edit:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried} edits:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 150, "only {tried} edits");
}

/// A model of 4000 states, with an equation for each.
fn each_of_4000(equation: fn(usize) -> String) -> String {
    let lines = |line: fn(usize) -> String| (0..4000).map(line).collect::<Vec<_>>().join("\n  ");
    format!("model A {{\n  {}\n  {}\n}}\n", lines(|i| format!("state k{i}")), lines(equation))
}

/// Programs no editor would open. Each gives one clear answer.
fn generated() -> Vec<(&'static str, String)> {
    const MILLION: usize = 1_000_000;
    let model = |body: &str| format!("model A {{\n  state x\n  {body}\n}}\n");
    let equation = |right: &str| model(&format!("x' = {right}"));
    vec![
        ("a million opening parentheses", equation(&"(".repeat(MILLION))),
        ("a million closing parentheses", equation(&")".repeat(MILLION))),
        ("a million brackets", equation(&"[".repeat(MILLION))),
        ("a million braces", "{".repeat(MILLION)),
        ("a million closing braces", "}".repeat(MILLION)),
        ("a million balanced parentheses", equation(&("(".repeat(MILLION) + "x" + &")".repeat(MILLION)))),
        ("300 nested calls", equation(&("f(".repeat(300) + "x" + &")".repeat(300)))),
        ("300 nested holes", equation(&("?f(".repeat(300) + "x" + &")".repeat(300)))),
        ("a million signs", equation(&("-".repeat(MILLION) + "x"))),
        ("300 signs", equation(&("-".repeat(300) + "x"))),
        ("300 powers", equation(&("x^".repeat(300) + "x"))),
        ("a sum of 2000 terms", equation(&("x + ".repeat(2000) + "x"))),
        ("2000 subscripts", equation(&("x".to_string() + &"[1]".repeat(2000)))),
        ("2000 fields", equation(&("x".to_string() + &".y".repeat(2000)))),
        ("300 nested conditionals", equation(&("if x > 0 then ".repeat(300) + "x" + &" else 0".repeat(300)))),
        ("a million conditionals", equation(&"if ".repeat(MILLION))),
        ("300 sums", equation(&("sum(i in 1..2) ".repeat(300) + "x"))),
        ("300 nested loops", model(&("for i in 1..2 { ".repeat(300) + &"}".repeat(300)))),
        ("a million loops", model(&"for i in 1..2 { ".repeat(MILLION))),
        ("functions that double 60 times", {
            let doubled = |i: usize| format!("fn f{}(x) = f{i}(x) + f{i}(x)\n", i + 1);
            let functions: String = (0..60).map(doubled).collect();
            format!("fn f0(x) = x\n{functions}{}", equation("f60(x)"))
        }),
        ("a million primes", model(&format!("x{} = 0", "'".repeat(MILLION)))),
        ("a sum of a million terms", equation(&("x + ".repeat(MILLION) + "x"))),
        ("a call with 40,000 arguments", equation(&format!("f({}x)", "x, ".repeat(40_000)))),
        ("a million statements", model(&"x' = 1; ".repeat(MILLION))),
        ("a million errors", model(&"x' = 1 2; ".repeat(MILLION / 10))),
        ("a hundred errors", model(&"x' = 1 2\n  ".repeat(100))),
        ("a million strange characters", equation(&"$".repeat(MILLION))),
        ("a million empty statements", model(&";".repeat(MILLION)) + "x"),
        ("ten million blanks", " ".repeat(10 * MILLION)),
        ("a name of ten million letters", equation(&"a".repeat(10 * MILLION))),
        ("a number of ten million digits", equation(&"1".repeat(10 * MILLION))),
        ("a number of a million digits after the point", equation(&("0.".to_string() + &"1".repeat(MILLION)))),
        ("an exponent of a million digits", equation(&("1e".to_string() + &"9".repeat(MILLION)))),
        ("an unterminated string of ten million letters", format!("data a = csv(\"{}", "a".repeat(10 * MILLION))),
        ("a comment of ten million letters before an error", format!("// {}\nx", "a".repeat(10 * MILLION))),
        (
            "an error after a line of ten million letters",
            format!("{}// {}\nx", model("x' = 1"), "a".repeat(10 * MILLION)),
        ),
        ("an error at the end of a long line", equation(&format!("{}x + $", " ".repeat(MILLION)))),
        ("more than the largest file", " ".repeat((16 << 20) + 1)),
        ("a million NULs", "\0".repeat(MILLION)),
        ("a million overrides", equation(&"\u{202e}".repeat(MILLION))),
        ("a million quotes", "\"".repeat(MILLION)),
        ("a million question marks", equation(&"?".repeat(MILLION / 10))),
        ("4,000 missing names", each_of_4000(|i| format!("k{i}' = m{i}"))),
        ("4,000 missing functions", each_of_4000(|i| format!("k{i}' = f{i}(k{i})"))),
        ("4,000 missing units", each_of_4000(|i| format!("k{i}' = 1 [u{i}]"))),
        ("a million item words", "model ".repeat(MILLION / 10)),
    ]
}

#[test]
fn generated_programs() {
    let mut all = String::new();
    for (name, text) in generated() {
        let actual = findings("a.mech", text.into_bytes());
        assert!(!actual.trim().is_empty(), "{name}: nothing is found in it");
        // A few errors are an answer; more would hide the first.
        let shown = match actual.len() {
            0..4000 => actual,
            length => cut(&actual, length),
        };
        let _ = writeln!(all, "== {name}\n{shown}");
    }
    report(compare(&folder().join("generated.txt"), &all).into_iter().collect());
}

/// The first and last findings of a long report.
fn cut(report: &str, length: usize) -> String {
    let head: String = report.chars().take(600).collect();
    let tail: String = report.chars().skip(report.chars().count().saturating_sub(600)).collect();
    format!("{head}\n[... {length} bytes in all ...]\n{tail}")
}

/// All of `E0101`-like words in a text.
fn codes_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_code = |w: &&str| w.len() == 5 && w.starts_with(['E', 'W']) && w[1..].bytes().all(|b| b.is_ascii_digit());
    words.filter(is_code).map(str::to_string).collect()
}

fn sources_below(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources_below(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn every_code_is_listed_used_and_recorded() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnostics/codes.rs");
    let mut used = BTreeSet::new();
    let mut files = Vec::new();
    sources_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for file in files.iter().filter(|f| **f != table) {
        used.extend(codes_in(&fs::read_to_string(file).expect("a source")));
    }
    let mut recorded = codes_in(&fs::read_to_string(folder().join("generated.txt")).unwrap_or_default());
    for program in programs() {
        recorded.extend(codes_in(&fs::read_to_string(program.with_extension("txt")).unwrap_or_default()));
    }
    let listed: BTreeSet<String> = codes::ALL.iter().map(|c| c.code.to_string()).collect();
    let unlisted: Vec<_> = recorded.difference(&listed).collect();
    assert!(unlisted.is_empty(), "codes without an entry in the table: {unlisted:?}");
    let here = |code: &&String| GROUPS.iter().any(|group| code.starts_with(group));
    let unused: Vec<_> = listed.difference(&used).filter(here).collect();
    assert!(unused.is_empty(), "codes in the table that nothing reports: {unused:?}");
    let untested: Vec<_> = listed.difference(&recorded).filter(here).collect();
    assert!(untested.is_empty(), "codes without a program in tests/bad: {untested:?}");
    assert_eq!(listed.len(), codes::ALL.len(), "a code is listed twice");
    assert!(codes::ALL.is_sorted_by_key(|c| c.code), "the table is in order");
}

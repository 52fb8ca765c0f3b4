//! The documentation is true: every snippet compiles or fails as it says, every setting, function and code is described,
//! and every example and library file checks.
//!
//! A block of a Markdown file that starts with ` ```mech ` must compile without errors. ` ```mech,error E0101 ` must give
//! that error and no other, ` ```mech,warning W0701 ` no error and that warning. What follows (`--set block.key=value`)
//! are overrides. `MECHC_UPDATE=1` rewrites the tables of settings.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mechc::diagnostics::{self, Diagnostic, Format, Severity, Sink, codes};
use mechc::driver::Session;
use mechc::hir::{Activation, UnaryFn};
use mechc::sema::{self, Rule, Takes};
use mechc::source::{FsWorld, Layered, MemoryWorld, Sources, World};
use mechc::syntax;

#[path = "docs/book.rs"]
mod book;
mod common;
#[path = "docs/embedding.rs"]
mod embedding;
#[path = "docs/examples.rs"]
mod examples;
#[path = "docs/tutorial.rs"]
mod tutorial;

/// The Markdown files whose snippets are compiled.
const PAGES: [&str; 6] =
    ["docs/tutorial.md", "README.md", "docs/language.md", "docs/diagnostics.md", "docs/data.md", "docs/gallery.md"];

/// Codes that no short text in a document can show, with the reason.
const WITHOUT_SNIPPET: [(&str, &str); 36] = [
    ("E0001", "lies in a file, not in its text"),
    ("E0105", "needs hundreds of brackets"),
    ("E0109", "needs invisible characters"),
    ("E0110", "needs a binary file"),
    ("E0116", "needs a text of megabytes"),
    ("E0120", "needs fifty mistakes"),
    ("E1101", "is found when a test runs"),
    ("E1104", "is found when a test runs"),
    ("E1105", "is found when a test runs"),
    ("E1201", "is found by `mechc fmt --check` only"),
    ("W1104", "is found by a fit"),
    ("W1105", "is found by a fit"),
    ("W1106", "is about a folder"),
    ("W1107", "is found by a fit"),
    ("W1108", "is found in data"),
    ("W1109", "is found in data"),
    ("W1110", "is found in data"),
    ("W1111", "is found by a fit"),
    ("W1112", "is found in data"),
    ("W1113", "is found in data"),
    ("W1114", "is found in data"),
    ("W1116", "is found in data"),
    ("W1117", "is found by a fit"),
    ("W1118", "is found by a fit"),
    ("W1119", "is found by a fit"),
    ("W1120", "is found by a fit"),
    ("W1121", "is found by a fit"),
    ("W1122", "is found by a fit"),
    ("W1124", "is found in a solution"),
    ("W1126", "is found by a fit"),
    ("W1127", "is found in data"),
    ("W1128", "is found in data"),
    ("W1131", "is found in data"),
    ("W1115", "is found by a fit"),
    ("W1123", "is found by a fit"),
    ("W1125", "is found by a fit"),
];

/// Codes whose messages show the form that is taken, or name the range: `tests/bad_programs.rs` holds all others to a way out.
const SAID_IN_THE_MESSAGE: [&str; 2] = ["E0503", "E0504"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn library() -> MemoryWorld {
    sema::stdlib().iter().fold(MemoryWorld::new(), |world, (path, text)| world.with(*path, *text))
}

/// All findings on a text, and how they look.
fn compile(name: &str, text: &str, sets: &[&str], world: &dyn World) -> (Vec<Diagnostic>, String) {
    let (mut sources, mut sink) = (Sources::default(), Sink::new());
    let overrides: Vec<_> = sets.iter().filter_map(|s| sema::parse_override(s, &mut sources, &mut sink)).collect();
    let file = sources.add(name, text);
    let tree = syntax::parse(file, text, &mut sink);
    let program = sema::analyze(&tree, world, &overrides, &mut sources, &mut sink);
    assert_eq!(program.is_some(), !sink.has_errors(), "{name}");
    let found = sink.into_sorted();
    let shown = diagnostics::render(&found, &sources, Format::Short);
    (found, shown)
}

/// A fenced block of a Markdown text.
struct Block {
    /// `FILE:LINE` of its first line.
    place: String,
    /// What follows the opening fence.
    info: String,
    text: String,
}

fn blocks(path: &str, page: &str) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    let mut open = false;
    for (i, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(_), true) => open = false,
            (Some(info), false) => {
                open = true;
                out.push(Block { place: format!("{path}:{}", i + 2), info: info.to_string(), text: String::new() });
            }
            (None, true) => {
                if let Some(block) = out.last_mut() {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
            }
            (None, false) => {}
        }
    }
    assert!(!open, "{path}: a block has no end");
    out
}

/// What is wrong with a block of `.mech` source; `None` when it does what it says, or is something else.
fn judge(block: &Block) -> Option<String> {
    let (kind, rest) = block.info.split_once(' ').unwrap_or((&block.info, ""));
    let mut words = rest.split_whitespace();
    let expected = match kind {
        "mech" => None,
        "mech,error" | "mech,warning" => words.next(),
        _ if kind.starts_with("mech") => return Some(format!("{}: there is no block `{kind}`", block.place)),
        _ => return None,
    };
    let options: Vec<&str> = words.collect();
    let sets: Vec<&str> = options.iter().copied().filter(|w| !["--set", "--data"].contains(w)).collect();
    let (mut found, shown) = compile("main.mech", &block.text, &sets, &library());
    if options.contains(&"--data") {
        // What `mechc check --data` says besides.
        let mut session = Session::new(MemoryWorld::new().with("main.mech", block.text.as_str()));
        found.extend(session.check_data("main.mech", &[]).and_then(|data| data.found).unwrap_or_default());
    }
    let errors: BTreeSet<&str> = found.iter().filter(|d| d.severity == Severity::Error).map(|d| d.code).collect();
    let right = match kind {
        "mech,error" => expected.is_some_and(|code| errors == BTreeSet::from([code])),
        "mech,warning" => errors.is_empty() && found.iter().any(|d| Some(d.code) == expected),
        _ => errors.is_empty(),
    };
    let advised = found
        .iter()
        .filter(|d| Some(d.code) == expected)
        .all(|d| d.help.is_some() || SAID_IN_THE_MESSAGE.contains(&d.code));
    let lacks = if advised { "" } else { "without a way out: " };
    (!right || !advised).then(|| format!("{}: {lacks}`{}` gives\n{shown}{}", block.place, block.info, block.text))
}

#[test]
fn every_snippet_does_what_it_says() {
    let mut wrong = Vec::new();
    for page in PAGES {
        let found = blocks(page, &read(page));
        let snippets = found.iter().filter(|b| b.info.starts_with("mech")).count();
        assert!(snippets > 0, "{page} has no snippet");
        wrong.extend(found.iter().filter_map(judge));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_snippet_is_found() {
    let verdict =
        |info: &str, text: &str| judge(&Block { place: "here".into(), info: info.into(), text: text.into() }).is_some();
    let good = "model M {\n  state x\n  x' = -x\n}\n";
    let bad = "model M {\n  state x\n  x' = -y\n}\n";
    assert!(!verdict("mech", good) && verdict("mech", bad));
    assert!(!verdict("mech,error E0201", bad) && verdict("mech,error E0301", bad) && verdict("mech,error E0201", good));
    assert!(verdict("mech,warning W0701", good) && verdict("mech,eror E0201", bad) && verdict("mech,error", good));
    assert!(!verdict("text", bad));
}

/// The value a setting takes, in words.
fn takes(rule: &Rule) -> String {
    let number = mechc::hir::number;
    match rule.takes {
        Takes::Number(low, high, true) => format!("number above {}, at most {}", number(low), number(high)),
        Takes::Number(low, high, false) => format!("number from {} to {}", number(low), number(high)),
        Takes::Whole(low, high) => format!("whole number from {low} to {high}"),
        Takes::Word(words) => words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(" or "),
        Takes::Name => "name, or text in quotes".to_string(),
        Takes::Form(form) => format!("`{form}`"),
    }
}

fn table(rules: &[Rule]) -> String {
    let engines = rules.iter().any(|r| r.engine.is_some());
    let column = |text: &str| if engines { format!(" {text} |") } else { String::new() };
    let mut out = format!("| setting | value | default |{} meaning |\n", column("engine"));
    out.push_str(&format!("|---|---|---|{}---|\n", if engines { "---|" } else { "" }));
    for rule in rules {
        let engine = column(rule.engine.map_or("both", |e| e.name()));
        out.push_str(&format!("| `{}` | {} | {} |{engine} {} |\n", rule.key, takes(rule), rule.default, rule.about));
    }
    out
}

#[test]
fn tables_of_settings_are_those_of_the_compiler() {
    let page = read("docs/language.md");
    let mut new = page.clone();
    let tables = [
        ("simulate", sema::SIMULATE_SETTINGS),
        ("solve", sema::SOLVE_SETTINGS),
        ("predict", sema::PREDICT_SETTINGS),
        ("formula", sema::FORMULA_SETTINGS),
        ("file", sema::FILE_SETTINGS),
        ("network", sema::NETWORK_SETTINGS),
        ("fit", sema::FIT_SETTINGS),
    ];
    for (name, rules) in tables {
        let (start, end) = (format!("<!-- settings: {name} -->\n"), "<!-- end of settings -->");
        let from = new.find(&start).unwrap_or_else(|| panic!("docs/language.md lacks {start}")) + start.len();
        let to = from + new[from..].find(end).unwrap_or_else(|| panic!("docs/language.md lacks {end}"));
        new.replace_range(from..to, &table(rules));
    }
    if std::env::var_os("MECHC_UPDATE").is_some() {
        fs::write(root().join("docs/language.md"), &new).expect("the page can be written");
    } else {
        let difference = page.lines().zip(new.lines()).find(|(a, b)| a != b);
        assert!(page == new, "docs/language.md has old tables, run again with MECHC_UPDATE=1: {difference:?}");
    }
}

#[test]
fn functions_and_activations_are_described() {
    let page = read("docs/language.md");
    let functions = UnaryFn::ALL.iter().filter(|f| **f != UnaryFn::Neg).map(|f| format!("`{}(a)`", f.name()));
    let activations = Activation::ALL.iter().map(|a| format!("`{}`", a.name()));
    for name in functions.chain(activations) {
        assert!(page.contains(&name), "docs/language.md does not mention {name}");
    }
}

#[test]
fn every_code_has_an_entry_with_its_snippet() {
    let path = "docs/diagnostics.md";
    let page = read(path);
    let mut wrong = Vec::new();
    let mut last = 0;
    for code in codes::ALL {
        let heading = format!("\n### {}: {}\n", code.code, code.title);
        let Some(at) = page.find(&heading) else {
            wrong.push(format!("no entry{heading}"));
            continue;
        };
        assert!(at > last, "{} is out of order", code.code);
        last = at;
        let entry = &page[at + heading.len()..];
        let entry = &entry[..entry.find("\n### ").unwrap_or(entry.len())];
        let kind = if code.code.starts_with('W') { "mech,warning" } else { "mech,error" };
        let snippet = format!("{kind} {}", code.code);
        let shown = blocks(path, entry).iter().any(|b| b.info == snippet || b.info.starts_with(&format!("{snippet} ")));
        let excused = WITHOUT_SNIPPET.iter().any(|(c, _)| *c == code.code);
        if shown == excused {
            wrong.push(format!("the entry of {} needs a snippet, or has one that is not expected", code.code));
        }
    }
    let headings = page.lines().filter(|l| l.starts_with("### ")).count();
    assert_eq!(headings, codes::ALL.len(), "{path} describes codes that do not exist:\n{}", wrong.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All Rust files of a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => out.extend(sources(&path)),
            false => out.extend((path.extension().is_some_and(|e| e == "rs")).then_some(path)),
        }
    }
    out
}

#[test]
fn codes_without_a_place_are_listed() {
    let page = format!("{}{}", read("docs/data.md"), read("docs/diagnostics.md"));
    let mut found = BTreeSet::new();
    for file in sources(&root().join("src")) {
        let text = read(&file);
        for word in text.split('"') {
            let digits = word.strip_prefix(['B', 'D', 'N', 'R']).unwrap_or_default();
            if digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()) {
                assert!(page.contains(&format!("| {word} |")), "{} is not described", word);
                found.insert(word.to_string());
            }
        }
    }
    assert!(found.len() > 50, "only {found:?}");
}

#[test]
fn the_readme_shows_the_main_example() {
    let example = read("examples/lorenz.mech");
    let code: Vec<&str> = example.lines().filter(|l| !l.starts_with("//!")).collect();
    assert!(read("README.md").contains(code.join("\n").trim()), "README.md shows another text");
}

#[test]
fn the_snippet_of_the_readme_runs() {
    let source = read("tests/docs/embedding.rs");
    let code = source.split_once("\n\n").map(|(_, code)| code).unwrap_or_default();
    assert!(read("README.md").contains(&format!("```rust\n{code}```")), "README.md shows another snippet");
    let model = "model M {\n  state x\n  param k = 1\n  x' = -k*x\n}\n\
                 model Truth {\n  state x\n  x' = -2*x\n  initial x = 1\n}\n\
                 data run = simulate Truth { steps 100; dt 0.01 }\nfit M to run\n";
    let folder = tempfile::tempdir().expect("a folder");
    let text = match embedding::equations(model, folder.path()) {
        Ok(text) => text,
        Err(failure) => panic!("{}", failure.render(&Sources::default(), Format::Short)),
    };
    assert!(text.contains("k = 2.0000"), "{text}");
}

#[test]
fn examples_and_library_check() {
    let mut count = 0;
    for folder in ["examples", "examples/data", "stdlib"] {
        let world = Layered { upper: FsWorld::new(root().join(folder)).expect(folder), lower: library() };
        for entry in fs::read_dir(root().join(folder)).expect(folder) {
            let path = entry.expect(folder).path();
            if path.extension().is_none_or(|e| e != "mech") {
                continue;
            }
            count += 1;
            let (found, shown) = compile(&path.display().to_string(), &read(&path), &[], &world);
            // An unobserved state may be the point of an example; anything else is not an example to follow.
            assert!(found.iter().all(|d| d.code == codes::W0706), "{shown}");
            assert!(read(&path).starts_with("//! "), "{} does not say what it is about", path.display());
        }
    }
    assert!(count >= 12, "only {count} files");
}

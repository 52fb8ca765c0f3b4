//! The manual is a book that mdBook builds: `docs/book.toml` and `docs/SUMMARY.md` are read as it reads them, every page is listed once, and every
//! link and every anchor leads somewhere. Names of headings are those that mdBook gives them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{read, root};

/// The tables of a configuration and the keys that mdBook takes there, of those that a book like this one may want.
const KEYS: [(&str, &[&str]); 3] = [
    ("book", &["title", "description", "language", "authors", "src"]),
    ("build", &["build-dir", "create-missing"]),
    ("output.html", &["default-theme", "preferred-dark-theme", "git-repository-url", "smart-punctuation"]),
];

/// Whether something stands in the repository, by its path from there.
type Exists<'e> = &'e dyn Fn(&str) -> bool;

/// Pages by their paths from the root of the repository.
type Pages = BTreeMap<String, String>;

/// What mdBook would not take in a configuration, and the folder of the sources beside it.
fn configured(text: &str) -> (Vec<String>, String) {
    let (mut wrong, mut table, mut src) = (Vec::new(), String::new(), "src".to_string());
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            table = name.to_string();
            continue;
        }
        let (key, value) = line.split_once('=').map_or((line, ""), |(key, value)| (key.trim(), value.trim()));
        let known = KEYS.iter().any(|(name, keys)| *name == table && keys.contains(&key));
        let quoted = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        if !known || (quoted.is_none() && !["true", "false"].contains(&value)) {
            wrong.push(format!("book.toml: `{line}` in [{table}]"));
        }
        if let (("book", "src"), Some(folder)) = ((table.as_str(), key), quoted) {
            src = folder.to_string();
        }
    }
    (wrong, src)
}

/// The chapters of a summary in their order, and what stands there that is none: headings, separators, a link alone or in a list.
fn chapters(summary: &str) -> (Vec<String>, Vec<String>) {
    let (mut listed, mut wrong) = (Vec::new(), Vec::new());
    // How far in the items around this one begin.
    let mut around: Vec<usize> = Vec::new();
    for line in summary.lines().filter(|l| !l.trim().is_empty()) {
        let item = line.trim_start();
        if item.starts_with("# ") || item.trim_end().chars().all(|c| c == '-') {
            around.clear();
            continue;
        }
        let indent = line.len() - item.len();
        let text = match item.strip_prefix("- ").or_else(|| item.strip_prefix("* ")) {
            Some(text) => {
                // An item belongs to the one before it whose text begins no further in.
                while around.last().is_some_and(|&outer| indent <= outer) {
                    around.pop();
                }
                if around.last().map_or(indent != 0, |outer| indent < outer + 2) {
                    wrong.push(format!("SUMMARY.md: `{line}` is in no list"));
                }
                around.push(indent);
                text
            }
            None => item,
        };
        let link = text.strip_prefix('[').and_then(|t| t.trim_end().strip_suffix(')')).and_then(|t| t.split_once("]("));
        match link {
            Some((name, file)) if !name.is_empty() && !file.is_empty() => listed.push(file.to_string()),
            _ => wrong.push(format!("SUMMARY.md: `{line}` is no chapter")),
        }
    }
    (listed, wrong)
}

/// A Markdown text without its fenced blocks, line by line.
fn prose(page: &str) -> String {
    let (mut out, mut open) = (String::new(), false);
    for line in page.lines() {
        let fence = line.trim_start().starts_with("```");
        if !open && !fence {
            out.push_str(line);
        }
        out.push('\n');
        open ^= fence;
    }
    out
}

/// The text with dots in place of what stands in code spans, which reach no further than their paragraph.
fn without_code(text: &str) -> String {
    let mut out = String::new();
    for paragraph in text.split("\n\n") {
        let mut rest = paragraph;
        while let Some(at) = rest.find('`') {
            let after = rest[at..].trim_start_matches('`');
            let ticks = &rest[at..rest.len() - after.len()];
            out.push_str(&rest[..at]);
            rest = after;
            if let Some(end) = closing(after, ticks.len()) {
                out.extend(after[..end].chars().map(|c| if c == '\n' { c } else { '.' }));
                rest = &after[end + ticks.len()..];
            }
        }
        out.push_str(rest);
        out.push_str("\n\n");
    }
    out
}

/// Where a run of exactly so many ticks begins.
fn closing(text: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(from) = text[at..].find('`').map(|found| at + found) {
        let run = text[from..].len() - text[from..].trim_start_matches('`').len();
        if run == ticks {
            return Some(from);
        }
        at = from + run;
    }
    None
}

/// Where links and images lead.
fn targets(page: &str) -> Vec<String> {
    let text = without_code(&prose(page));
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    ends.map(|(target, _)| target.split_whitespace().next().unwrap_or_default().to_string()).collect()
}

/// The text of a heading as it is read: of links their words.
fn heading(line: &str) -> Option<String> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    let text = text.strip_prefix(' ').filter(|_| (1..=6).contains(&level))?;
    let mut words = String::new();
    for part in text.trim().trim_end_matches('#').split('[') {
        match part.split_once("](") {
            Some((inside, rest)) => {
                words.push_str(inside);
                words.push_str(rest.split_once(')').map_or(rest, |(_, rest)| rest));
            }
            None => words.push_str(part),
        }
    }
    Some(words.trim().to_string())
}

/// The names of a page's headings, and those that are not the same in every version: where typography is on, dashes and dots are dropped.
fn anchors(page: &str) -> (BTreeSet<String>, Vec<String>) {
    let (mut names, mut wrong) = (BTreeSet::new(), Vec::new());
    for text in prose(page).lines().filter_map(heading) {
        if without_code(&text).contains("--") {
            wrong.push(format!("the heading `{text}` has a dash outside of code"));
        }
        let letter = |c: char| match c {
            c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_ascii_lowercase()),
            c => c.is_whitespace().then_some('-'),
        };
        let name: String = text.chars().filter_map(letter).collect();
        let again = (1..).map(|n| format!("{name}-{n}"));
        let free = std::iter::once(name.clone()).chain(again).find(|n| !names.contains(n));
        names.extend(free);
    }
    (names, wrong)
}

/// A path without `.` and `..`, or none where it leads out of the repository.
fn settled(path: &Path) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            Component::ParentDir => drop(parts.pop()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(parts.join("/"))
}

/// Links of pages that lead nowhere.
fn lost(pages: &Pages, exists: Exists) -> Vec<String> {
    let mut wrong = Vec::new();
    let names: BTreeMap<&str, _> = pages.iter().map(|(path, text)| (path.as_str(), anchors(text))).collect();
    for (path, text) in pages {
        wrong.extend(names[path.as_str()].1.iter().map(|what| format!("{path}: {what}")));
        for target in targets(text).into_iter().filter(|t| !t.starts_with("https://")) {
            let (file, anchor) = target.split_once('#').map_or((target.as_str(), None), |(file, a)| (file, Some(a)));
            let folder = Path::new(path).parent().unwrap_or(Path::new(""));
            let to = if file.is_empty() { Some(path.clone()) } else { settled(&folder.join(file)) };
            let there = to.as_deref().is_some_and(|to| pages.contains_key(to) || exists(to));
            let of = to.as_deref().and_then(|to| names.get(to));
            if !there || anchor.is_some_and(|a| of.is_none_or(|(names, _)| !names.contains(a))) {
                wrong.push(format!("{path}: nothing is at `{target}`"));
            }
        }
        // What mdBook would replace.
        if text.contains("{{#") {
            wrong.push(format!("{path}: `{{{{#` is a command to mdBook"));
        }
    }
    wrong
}

/// Everything that is wrong with the book in the folder `docs`; pages beside it are those of the repository.
fn judged(config: &str, pages: &Pages, exists: Exists) -> Vec<String> {
    let (mut wrong, src) = configured(config);
    let folder = settled(&Path::new("docs").join(src)).unwrap_or_default();
    let Some(summary) = pages.get(&format!("{folder}/SUMMARY.md")) else {
        wrong.push(format!("there is no {folder}/SUMMARY.md"));
        return wrong;
    };
    let (listed, unknown) = chapters(summary);
    wrong.extend(unknown);
    let mut seen = BTreeSet::new();
    for file in listed {
        let path = settled(&Path::new(&folder).join(&file)).unwrap_or_default();
        if !pages.contains_key(&path) {
            wrong.push(format!("SUMMARY.md: there is no {file}"));
        }
        if !seen.insert(path) {
            wrong.push(format!("SUMMARY.md: {file} is listed twice"));
        }
    }
    let inside = pages.keys().filter(|p| Path::new(p).parent() == Some(Path::new(&folder)));
    let missing = inside.filter(|p| !seen.contains(*p) && !p.ends_with("/SUMMARY.md"));
    wrong.extend(missing.map(|path| format!("SUMMARY.md does not list {path}")));
    wrong.extend(lost(pages, exists));
    wrong
}

/// The pages of the manual and the readme of the repository.
fn pages() -> Pages {
    let entries = fs::read_dir(root().join("docs")).expect("docs").map(|e| e.expect("an entry").path());
    let manual = entries.filter(|p| p.extension().is_some_and(|e| e == "md"));
    let all: Vec<PathBuf> = manual.chain([root().join("README.md")]).collect();
    let named = |path: &PathBuf| path.strip_prefix(root()).expect("a path of the repository").display().to_string();
    all.iter().map(|path| (named(path), read(path))).collect()
}

#[test]
fn the_manual_is_a_book_without_lost_links() {
    let pages = pages();
    assert!(pages.len() > 15, "{:?}", pages.keys());
    let wrong = judged(&read("docs/book.toml"), &pages, &|path| root().join(path).exists());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A small book as it should be, with one text in place of another.
fn small(of: &str, by: &str) -> Vec<String> {
    let texts = [
        ("docs/book.toml", "[book]\ntitle = \"t\"\nsrc = \".\"\n"),
        ("docs/SUMMARY.md", "# Book\n\n- [One](one.md)\n  - [Two](two.md)\n\n---\n\n[Three](three.md)\n"),
        ("docs/one.md", "# One\n[to `two`](two.md#a-b--c-1), [out](../src/x.rs), `[no](link)`\n"),
        ("docs/two.md", "# Two\n## A: `b` & c\n## A, B & [c](one.md)\n[up](#two) [in](one.md)\n"),
        ("docs/three.md", "# Three\n```text\n# [none](at.md)\n```\n[web](https://x.org/#y)\n"),
    ];
    let mut pages: Pages = texts.map(|(path, text)| (path.to_string(), text.replace(of, by))).into();
    let config = pages.remove("docs/book.toml").expect("a configuration");
    judged(&config, &pages, &|path| path == "src/x.rs")
}

#[test]
fn what_is_lost_in_a_book_is_found() {
    assert_eq!(small("Three", "Three"), Vec::<String>::new());
    for (of, by, said) in [
        ("src =", "source =", "book.toml: `source"),
        ("[book]", "[boook]", "in [boook]"),
        ("\".\"", "\"pages\"", "there is no docs/pages/SUMMARY.md"),
        ("](two.md)", "](to.md)", "there is no to.md"),
        ("  - [Two](two.md)\n", "", "does not list docs/two.md"),
        ("[Three](three.md)", "[Three](one.md)", "one.md is listed twice"),
        ("[Three](three.md)", "Three", "is no chapter"),
        ("- [One](one.md)\n  - ", "  - [One](one.md)\n  - ", "is in no list"),
        ("#a-b--c-1", "#a-b--c-2", "nothing is at `two.md#a-b--c-2`"),
        ("#two", "#tow", "nothing is at `#tow`"),
        ("two.md#", "three.md#", "nothing is at `three.md#a-b--c-1`"),
        ("../src/x.rs", "../src/y.rs", "nothing is at `../src/y.rs`"),
        ("../src/x.rs", "../../src/x.rs", "nothing is at `../../src/x.rs`"),
        ("`[no](link)`", "[no](link)", "nothing is at `link`"),
        ("# Three", "# Three {{#include x}}", "a command"),
        ("# Three", "# Three -- or four", "has a dash"),
    ] {
        let wrong = small(of, by);
        assert!(wrong.iter().any(|w| w.contains(said)), "{of} -> {by}: {wrong:?}");
    }
}

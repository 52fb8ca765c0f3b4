//! Holds the module table of `docs/architecture.md` against the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Table = BTreeMap<String, BTreeSet<String>>;

/// Crates that only one module, or the binary, may use.
const HOMES: [(&str, &str); 9] = [
    ("pest", "syntax"),
    ("pest_derive", "syntax"),
    ("miette", "diagnostics"),
    ("cranelift_codegen", "codegen"),
    ("cranelift_frontend", "codegen"),
    ("cranelift_jit", "codegen"),
    ("cudarc", "runtime"),
    ("clap", "main"),
    ("signal_hook", "main"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The rows of the table with three columns whose first is a module's name.
fn read_table(text: &str) -> Table {
    text.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            let [module, _, uses] = cells.as_slice() else { return None };
            let module = module.strip_prefix('`')?.strip_suffix('`')?;
            let uses = uses.split(',').map(str::trim).filter(|u| !u.is_empty()).map(String::from).collect();
            Some((module.to_string(), uses))
        })
        .collect()
}

fn table() -> Table {
    read_table(&fs::read_to_string(root().join("docs/architecture.md")).expect("docs/architecture.md"))
}

fn rust_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// The module a file belongs to: `main`, `lib`, or the first folder under `src`.
fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("src")).expect("a file under src");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_string()
}

/// Test files may reach further (an oracle, a generator).
fn is_test(file: &Path) -> bool {
    file.components().any(|c| c.as_os_str() == "tests")
        || file.file_stem().is_some_and(|s| s == "tests" || s.to_string_lossy().ends_with("_tests"))
}

/// Source without comments and without `#[cfg(test)]` modules at the end of the file.
fn code(text: &str) -> String {
    let body = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    body.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// Modules of this crate that a source names: `crate::a::...` and `use crate::{a::..., b}`.
fn named(code: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            let mut first = true;
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => first = true,
                    c if depth == 0 && first && (c.is_alphanumeric() || c == '_') => word.push(c),
                    _ => {
                        if !word.is_empty() {
                            out.insert(std::mem::take(&mut word));
                            first = false;
                        }
                    }
                }
                if (!first || c == ',') && !word.is_empty() {
                    out.insert(std::mem::take(&mut word));
                }
            }
            if !word.is_empty() {
                out.insert(word);
            }
        } else {
            let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            out.insert(word);
        }
    }
    out
}

/// Everything in `files` that the table forbids.
fn violations(table: &Table, files: &[(String, String, String)]) -> Vec<String> {
    let mut out = Vec::new();
    for (name, module, code) in files {
        if module != "main" && module != "lib" {
            match table.get(module) {
                None => out.push(format!("{name}: module `{module}` has no row in the table")),
                Some(allowed) => {
                    for used in named(code) {
                        if used != *module && table.contains_key(&used) && !allowed.contains(&used) {
                            out.push(format!("{name}: `{module}` uses `{used}`"));
                        }
                    }
                }
            }
        }
        for (krate, home) in HOMES {
            let uses = code.contains(&format!("{krate}::")) || code.contains(&format!("use {krate};"));
            let own = code.contains(&format!("_{krate}::"));
            if uses && !own && module != home {
                out.push(format!("{name}: crate `{krate}` belongs into `{home}`"));
            }
        }
        if module != "main" {
            for forbidden in ["println!(", "print!(", "eprintln!(", "eprint!(", "dbg!(", "todo!(", "unimplemented!("] {
                let found = code
                    .match_indices(forbidden)
                    .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
                if found {
                    out.push(format!("{name}: `{forbidden}...)`"));
                }
            }
        }
    }
    out
}

fn sources() -> Vec<(String, String, String)> {
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    files.sort();
    files
        .into_iter()
        .filter(|f| !is_test(f))
        .map(|f| {
            let text = fs::read_to_string(&f).expect("a source file");
            (f.display().to_string(), module_of(&f), code(&text))
        })
        .collect()
}

#[test]
fn the_table_has_every_module_and_no_cycle() {
    let table = table();
    let lib = fs::read_to_string(root().join("src/lib.rs")).expect("src/lib.rs");
    let declared: BTreeSet<String> =
        lib.lines().filter_map(|l| Some(l.strip_prefix("pub mod ")?.trim_end_matches(';').to_string())).collect();
    assert_eq!(declared, table.keys().cloned().collect(), "modules of src/lib.rs and of the table");
    let mut done: BTreeSet<String> = BTreeSet::new();
    while done.len() < table.len() {
        let ready: Vec<String> = table
            .iter()
            .filter(|(m, uses)| !done.contains(*m) && uses.iter().all(|u| done.contains(u)))
            .map(|(m, _)| m.clone())
            .collect();
        assert!(
            !ready.is_empty(),
            "a cycle, or an unknown name, among {:?}",
            table.keys().filter(|m| !done.contains(*m))
        );
        done.extend(ready);
    }
}

#[test]
fn the_code_keeps_to_the_table() {
    let found = violations(&table(), &sources());
    assert!(found.is_empty(), "docs/architecture.md forbids:\n{}", found.join("\n"));
}

#[test]
fn a_forbidden_import_is_found() {
    let table = table();
    let file = |code: &str| vec![("x.rs".to_string(), "solve".to_string(), code.to_string())];
    for bad in [
        "use crate::hir::Model;",
        "use crate::{base::Idx, hir::Model};",
        "use crate::{\n    base::{Arena, Idx},\n    syntax,\n};",
        "let x = crate::driver::Session::new(w);",
        "use clap::Parser;",
        "println!(\"no\");",
    ] {
        assert_eq!(violations(&table, &file(bad)).len(), 1, "{bad}");
    }
    for good in ["use crate::base::Idx;", "use crate::solve::Chain;", "use crate::{base, solve::Chain};"] {
        assert!(violations(&table, &file(good)).is_empty(), "{good}");
    }
}

#[test]
fn files_stay_short() {
    for (name, _, _) in sources() {
        let lines = fs::read_to_string(&name).expect("a source file").lines().count();
        assert!(lines <= 700, "{name} has {lines} lines; split it");
    }
}

//! `use a.b.Name`: reads `a/b.mech` through the [`World`] and finds the model or network in it.

use crate::base::{IndexMap, IndexSet};
use crate::diagnostics::codes::{E0206, E0207, E0208};
use crate::diagnostics::{Among, Diagnostic, Severity, Sink, closest};
use crate::source::{Sources, Span, World};
use crate::syntax::{self, ast};

use super::{functions, std_paths, suggest};

/// The longest chain of files that import each other.
const MAX_CHAIN: usize = 64;

/// The standard library: paths as `use` reads them, with their texts.
pub fn stdlib() -> &'static [(&'static str, &'static str)] {
    macro_rules! files {
        ($($name:literal),*) => {
            &[$((concat!("std/", $name, ".mech"), include_str!(concat!("../../stdlib/", $name, ".mech")))),*]
        };
    }
    files!(
        "systems",
        "chaos",
        "oscillators",
        "mechanics",
        "populations",
        "chemistry",
        "cells",
        "grids",
        "terms",
        "networks"
    )
}

/// What can be imported.
#[derive(Clone, Debug)]
pub(super) enum Imported {
    /// A model.
    Model(ast::Model),
    /// A network.
    Network(ast::Block),
    /// A function, and those of its file that it needs, under names that nobody else can give.
    Function(ast::Function, Vec<ast::Function>),
    /// A unit.
    Unit(ast::UnitDecl),
}

/// Reads imported files, each once.
pub(super) struct Importer<'w> {
    world: &'w dyn World,
    /// Files by path; `None` for those that are wrong, which has been reported.
    files: IndexMap<String, Option<ast::File>>,
    /// Why files that could not be read could not, by path.
    unreadable: IndexMap<String, String>,
}

impl<'w> Importer<'w> {
    pub(super) fn new(world: &'w dyn World) -> Self {
        Importer { world, files: IndexMap::new(), unreadable: IndexMap::new() }
    }

    /// The item that `import` names; `None` after a report. `main` is the path of the file that imports.
    pub(super) fn find(
        &mut self,
        import: &ast::Use,
        main: &str,
        sources: &mut Sources,
        sink: &mut Sink,
    ) -> Option<Imported> {
        let mut chain = vec![main.to_string()];
        self.find_from(import, &mut chain, sources, sink)
    }

    fn find_from(
        &mut self,
        import: &ast::Use,
        chain: &mut Vec<String>,
        sources: &mut Sources,
        sink: &mut Sink,
    ) -> Option<Imported> {
        let (item, folders) = import.path.split_last()?;
        if folders.is_empty() {
            let message = format!("`use {}` names no file", item.name);
            let d = Diagnostic::error(E0206, message, import.span, "a file is needed");
            sink.push(d.help(format!("write `use std.systems.{}` or `use file.{}`", item.name, item.name)));
            return None;
        }
        let segments: Vec<&str> = folders.iter().map(|i| i.name.as_str()).collect();
        let path = format!("{}.mech", segments.join("/"));
        self.load(&path, import, chain, sources, sink)?;
        let file = self.files.get(&path)?.as_ref()?;
        let mut names: Vec<&str> = Vec::new();
        let mut passed_on = None;
        for candidate in &file.items {
            match candidate {
                ast::Item::Model(m) if m.name.name == item.name => {
                    let mut model = m.clone();
                    let functions = self.functions(&file.items);
                    model.body.extend(functions.into_iter().map(ast::ModelItem::Function));
                    model.units = self.units(&file.items);
                    return Some(Imported::Model(model));
                }
                ast::Item::Function(f) if f.name.name == item.name => {
                    let (function, needed) = self.with_needed(f, &path);
                    return Some(Imported::Function(function, needed));
                }
                ast::Item::Function(f) => names.push(&f.name.name),
                ast::Item::Unit(u) if u.name.name == item.name => return Some(Imported::Unit(u.clone())),
                ast::Item::Unit(u) => names.push(&u.name.name),
                ast::Item::Network(n) if n.name.name == item.name => return Some(Imported::Network(n.clone())),
                ast::Item::Model(m) => names.push(&m.name.name),
                ast::Item::Network(n) => names.push(&n.name.name),
                ast::Item::Use(u) if u.path.last().is_some_and(|i| i.name == item.name) => passed_on = Some(u.clone()),
                ast::Item::Use(u) => names.extend(u.path.last().map(|i| i.name.as_str())),
                _ => {}
            }
        }
        if let Some(next) = passed_on {
            chain.push(path);
            let found = self.find_from(&next, chain, sources, sink);
            chain.pop();
            return found;
        }
        let message =
            format!("`{}` declares no model, network, function or unit `{}`", self.world.shown(&path), item.name);
        let help = match std_paths::any_path(&item.name) {
            Some(path) => format!("it is elsewhere in the standard library: `use {path}`").into(),
            None => suggest::help("it declares", &item.name, names),
        };
        let d = Diagnostic::error(E0207, message, item.span, "not there").help(help);
        sink.push(d.missing_among(Among::File(path), &item.name));
        None
    }

    /// The functions that models of a file can call: the file's own and those it imports by name, with what those need.
    fn functions(&self, items: &[ast::Item]) -> Vec<ast::Function> {
        let mut out: Vec<ast::Function> = Vec::new();
        for item in items {
            match item {
                ast::Item::Function(f) => out.push(f.clone()),
                ast::Item::Use(u) => {
                    let Some((path, found)) = self.function(u, MAX_CHAIN) else { continue };
                    let (function, needed) = self.with_needed(found, &path);
                    out.push(function);
                    for helper in needed {
                        if !out.iter().any(|f| f.name.name == helper.name.name) {
                            out.push(helper);
                        }
                    }
                }
                _ => {}
            }
        }
        out
    }

    /// The units that models of a file can use: the file's own and those it imports by name.
    fn units(&self, items: &[ast::Item]) -> Vec<ast::UnitDecl> {
        let unit = |item: &ast::Item| match item {
            ast::Item::Unit(u) => Some(u.clone()),
            ast::Item::Use(u) => self.unit(u, MAX_CHAIN).cloned(),
            _ => None,
        };
        items.iter().filter_map(unit).collect()
    }

    /// The unit that `import` names, if it is one; `steps` bounds the imports it may pass through.
    fn unit(&self, import: &ast::Use, steps: usize) -> Option<&ast::UnitDecl> {
        let (item, folders) = import.path.split_last()?;
        let segments: Vec<&str> = folders.iter().map(|i| i.name.as_str()).collect();
        let file = self.files.get(&format!("{}.mech", segments.join("/")))?.as_ref()?;
        file.items.iter().find_map(|candidate| match candidate {
            ast::Item::Unit(u) if u.name.name == item.name => Some(u),
            ast::Item::Use(u) if steps > 0 && u.path.last().is_some_and(|i| i.name == item.name) => {
                self.unit(u, steps - 1)
            }
            _ => None,
        })
    }

    /// The function that `import` names, if it is one, and the path of its file; `steps` bounds the imports it may pass
    /// through.
    fn function(&self, import: &ast::Use, steps: usize) -> Option<(String, &ast::Function)> {
        let (item, folders) = import.path.split_last()?;
        let segments: Vec<&str> = folders.iter().map(|i| i.name.as_str()).collect();
        self.function_of(&format!("{}.mech", segments.join("/")), &item.name, steps)
    }

    /// The function called `name` in the file at `path`, its own or one that it imports.
    fn function_of(&self, path: &str, name: &str, steps: usize) -> Option<(String, &ast::Function)> {
        let file = self.files.get(path)?.as_ref()?;
        file.items.iter().find_map(|candidate| match candidate {
            ast::Item::Function(f) if f.name.name == name => Some((path.to_string(), f)),
            ast::Item::Use(u) if steps > 0 && u.path.last().is_some_and(|i| i.name == name) => {
                self.function(u, steps - 1)
            }
            _ => None,
        })
    }

    /// The function `root` of the file at `path`, and the functions that it needs, each once. Those get the name of their
    /// file before their own, so that they cannot be taken for anything where the function is used.
    fn with_needed(&self, root: &ast::Function, path: &str) -> (ast::Function, Vec<ast::Function>) {
        let mut done: Vec<ast::Function> = Vec::new();
        let mut seen: IndexSet<String> = IndexSet::new();
        let mut open: Vec<(String, String, ast::Function)> =
            vec![(path.to_string(), root.name.name.clone(), root.clone())];
        while let Some((file, name, mut function)) = open.pop() {
            functions::each_call_mut(&mut function.body, &mut |call| {
                let Some((inside, found)) = self.function_of(&file, &call.function.name, MAX_CHAIN) else { return };
                if inside == path && found.name.name == root.name.name {
                    // It needs itself, which is told where it is used.
                    call.function.name.clone_from(&root.name.name);
                    return;
                }
                let moved = format!("{}.{}", inside.trim_end_matches(".mech").replace('/', "."), found.name.name);
                call.function.name.clone_from(&moved);
                if seen.insert(moved.clone()) {
                    open.push((inside, moved, found.clone()));
                }
            });
            function.name.name = name;
            done.push(function);
        }
        let first = done.remove(0);
        (first, done)
    }

    /// Reports that `import` needs the file at `path`, if that could not be read.
    fn cannot_read(&self, path: &str, import: &ast::Use, sink: &mut Sink) {
        let (Some(reason), Some(item)) = (self.unreadable.get(path), import.path.last()) else { return };
        let shown = import.path.iter().map(|i| i.name.as_str()).collect::<Vec<_>>().join(".");
        let d = Diagnostic::error(E0206, reason.as_str(), import.span, "needed here");
        let libraries = stdlib().iter().filter_map(|(path, _)| path.strip_prefix("std/")?.strip_suffix(".mech"));
        let d = match import.path.as_slice() {
            [first, library, _] if first.name == "std" => match closest(&library.name, libraries.clone()) {
                Some(near) => d.help(format!("did you mean `std.{near}.{}`?", item.name)).replace(library.span, near),
                None => {
                    let all: Vec<String> = libraries.map(|l| format!("std.{l}")).collect();
                    d.help(format!("the standard library has {}", all.join(", ")))
                }
            },
            [first, library] if first.name == "std" && libraries.clone().any(|l| l == library.name) => {
                let path = format!("std/{}.mech", library.name);
                let items = stdlib().iter().filter(|(p, _)| *p == path).flat_map(|(_, text)| items_of(text));
                let items: Vec<&str> = items.collect();
                let first = items.first().copied().unwrap_or("Name");
                d.help(format!(
                    "one item of a file is imported: `use std.{}.{first}`; it has {}",
                    library.name,
                    super::suggest::listed(items.iter().copied())
                ))
            }
            [first, _] if first.name == "std" => match declaring(&item.name) {
                Some(library) => {
                    let written = format!("std.{library}.{}", item.name);
                    let span = Span { start: first.span.start, ..item.span };
                    // Each of them has another file.
                    return sink.push(d.help(format!("write `use {written}`")).replace(span, written));
                }
                None => {
                    let all: Vec<String> = libraries.map(|l| format!("`std.{l}`")).collect();
                    d.help(format!("an item of the standard library is in one of {}", all.join(", ")))
                }
            },
            _ => d.help(format!(
                "`use {shown}` reads `{}`; the standard library starts with `std.`",
                self.world.shown(path)
            )),
        };
        sink.push(d.missing_among(Among::Files(path.to_string()), &item.name));
    }

    /// Reads and parses the file at `path`, and the files it imports.
    fn load(
        &mut self,
        path: &str,
        import: &ast::Use,
        chain: &mut Vec<String>,
        sources: &mut Sources,
        sink: &mut Sink,
    ) -> Option<()> {
        if let Some(at) = chain.iter().position(|p| p == path) {
            let round: Vec<String> =
                chain[at..].iter().chain([&path.to_string()]).map(|p| format!("`{}`", self.world.shown(p))).collect();
            let d = Diagnostic::error(E0208, "files import each other", import.span, "closes the circle");
            sink.push(d.help(format!("the circle: {}", round.join(" -> "))));
            return None;
        }
        if let Some(known) = self.files.get(path) {
            self.cannot_read(path, import, sink);
            return known.as_ref().map(|_| ());
        }
        if chain.len() > MAX_CHAIN {
            let message = format!("files import each other more than {MAX_CHAIN} deep");
            sink.push(
                Diagnostic::error(E0208, message, import.span, "too deep")
                    .help("import from the file that declares the name"),
            );
            return None;
        }
        self.files.insert(path.to_string(), None);
        let text = match self.world.read(path) {
            Ok(text) => text,
            Err(error) => {
                // The standard library lies nowhere.
                let error = if path.starts_with("std/") { error } else { error.about(self.world.shown(path)) };
                self.unreadable.insert(path.to_string(), error.to_string());
                self.cannot_read(path, import, sink);
                return None;
            }
        };
        let id = sources.add_shown(path, self.world.shown(path), text);
        let mut own = Sink::new();
        let file = syntax::parse_library(id, &sources.file(id).text, &mut own);
        let broken = own.has_errors();
        own.into_sorted().into_iter().filter(|d| d.severity == Severity::Error).for_each(|d| sink.push(d));
        if broken {
            return None;
        }
        chain.push(path.to_string());
        let mut complete = true;
        for item in &file.items {
            let ast::Item::Use(next) = item.clone() else { continue };
            let Some((_, folders)) = next.path.split_last() else { continue };
            let segments: Vec<&str> = folders.iter().map(|i| i.name.as_str()).collect();
            let next_path = format!("{}.mech", segments.join("/"));
            complete &= self.load(&next_path, &next, chain, sources, sink).is_some();
        }
        chain.pop();
        if complete {
            self.files.insert(path.to_string(), Some(file));
        }
        complete.then_some(())
    }
}

/// The file of the standard library that declares `name`.
fn declaring(name: &str) -> Option<&'static str> {
    let declares = |line: &str| {
        let rest = ["model ", "fn ", "network ", "unit "].iter().find_map(|word| line.strip_prefix(word));
        let behind = rest.and_then(|rest| rest.strip_prefix(name));
        behind.is_some_and(|behind| !behind.starts_with(|c: char| c == '_' || c.is_alphanumeric()))
    };
    let (path, _) = stdlib().iter().find(|(_, text)| text.lines().any(declares))?;
    path.strip_prefix("std/")?.strip_suffix(".mech")
}

/// The names of what a file of the standard library declares or hands on.
fn items_of(text: &str) -> impl Iterator<Item = &str> {
    let name = |line: &'_ str| -> Option<usize> {
        ["model ", "fn ", "network ", "unit "].iter().find(|word| line.starts_with(**word)).map(|word| word.len())
    };
    let word = |c: char| !(c == '_' || c.is_alphanumeric());
    text.lines().filter_map(move |line| match name(line) {
        Some(at) => line.get(at..)?.split(word).next(),
        None => line.strip_prefix("use std.")?.split('.').nth(1),
    })
}

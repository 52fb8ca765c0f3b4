//! `use a.b.Name`: reads `a/b.mech` through the [`World`] and finds the model or network in it.

use crate::base::IndexMap;
use crate::diagnostics::codes::{E0206, E0207, E0208};
use crate::diagnostics::{Diagnostic, Severity, Sink};
use crate::source::{Sources, World};
use crate::syntax::{self, ast};

use super::suggest;

/// The longest chain of files that import each other.
const MAX_CHAIN: usize = 64;

/// The standard library: paths as `use` reads them, with their texts.
pub fn stdlib() -> &'static [(&'static str, &'static str)] {
    macro_rules! files {
        ($($name:literal),*) => {
            &[$((concat!("std/", $name, ".mech"), include_str!(concat!("../../stdlib/", $name, ".mech")))),*]
        };
    }
    files!("systems", "chaos", "oscillators", "mechanics", "populations", "chemistry", "cells", "grids")
}

/// What can be imported.
#[derive(Clone, Debug)]
pub(super) enum Imported {
    /// A model.
    Model(ast::Model),
    /// A network.
    Network(ast::Block),
    /// A function.
    Function(ast::Function),
    /// A unit.
    Unit(ast::UnitDecl),
}

/// Reads imported files, each once.
pub(super) struct Importer<'w> {
    world: &'w dyn World,
    /// Files by path; `None` for those that are wrong, which has been reported.
    files: IndexMap<String, Option<ast::File>>,
}

impl<'w> Importer<'w> {
    pub(super) fn new(world: &'w dyn World) -> Self {
        Importer { world, files: IndexMap::new() }
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
                ast::Item::Function(f) if f.name.name == item.name => return Some(Imported::Function(f.clone())),
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
        let message = format!("`{path}` declares no model, network, function or unit `{}`", item.name);
        let help = suggest::help("it declares", &item.name, names);
        sink.push(Diagnostic::error(E0207, message, item.span, "not there").help(help));
        None
    }

    /// The functions that models of a file can call: the file's own and those it imports by name.
    fn functions(&self, items: &[ast::Item]) -> Vec<ast::Function> {
        let mut out: Vec<ast::Function> = Vec::new();
        for item in items {
            match item {
                ast::Item::Function(f) => out.push(f.clone()),
                ast::Item::Use(u) => {
                    if let Some(Imported::Function(f)) = self.plain_item(u, MAX_CHAIN) {
                        out.push(f);
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
            ast::Item::Use(u) => match self.plain_item(u, MAX_CHAIN) {
                Some(Imported::Unit(u)) => Some(u),
                _ => None,
            },
            _ => None,
        };
        items.iter().filter_map(unit).collect()
    }

    /// The function or unit that `import` names, if it is one; `steps` bounds the imports it may pass through.
    fn plain_item(&self, import: &ast::Use, steps: usize) -> Option<Imported> {
        let (item, folders) = import.path.split_last()?;
        let segments: Vec<&str> = folders.iter().map(|i| i.name.as_str()).collect();
        let file = self.files.get(&format!("{}.mech", segments.join("/")))?.as_ref()?;
        file.items.iter().find_map(|candidate| match candidate {
            ast::Item::Function(f) if f.name.name == item.name => Some(Imported::Function(f.clone())),
            ast::Item::Unit(u) if u.name.name == item.name => Some(Imported::Unit(u.clone())),
            ast::Item::Use(u) if steps > 0 && u.path.last().is_some_and(|i| i.name == item.name) => {
                self.plain_item(u, steps - 1)
            }
            _ => None,
        })
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
            let round: Vec<String> = chain[at..].iter().chain([&path.to_string()]).map(|p| format!("`{p}`")).collect();
            let d = Diagnostic::error(E0208, "files import each other", import.span, "closes the circle");
            sink.push(d.help(format!("the circle: {}", round.join(" -> "))));
            return None;
        }
        if let Some(known) = self.files.get(path) {
            return known.as_ref().map(|_| ());
        }
        if chain.len() > MAX_CHAIN {
            let message = format!("files import each other more than {MAX_CHAIN} deep");
            sink.push(Diagnostic::error(E0208, message, import.span, "too deep"));
            return None;
        }
        self.files.insert(path.to_string(), None);
        let text = match self.world.read(path) {
            Ok(text) => text,
            Err(error) => {
                let d = Diagnostic::error(E0206, error.to_string(), import.span, "needed here");
                let shown = import.path.iter().map(|i| i.name.as_str()).collect::<Vec<_>>().join(".");
                sink.push(d.help(format!("`use {shown}` reads `{path}`; the standard library starts with `std.`")));
                return None;
            }
        };
        let id = sources.add(path, text);
        let mut own = Sink::new();
        let file = syntax::parse(id, &sources.file(id).text, &mut own);
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

//! The items of a program: a file's own and those it imports, each name once.

use super::super::imports::{Imported, Importer};
use super::super::overrides::block_name;
use super::Checker;
use crate::diagnostics::codes::{E0202, W0702};
use crate::diagnostics::{Diagnostic, Sink};
use crate::source::{Sources, Span};
use crate::syntax::{
    self,
    ast::{self, Item, ModelItem},
};

/// An item of the program, its own or imported.
pub(super) struct Entry {
    pub(super) item: Item,
    /// The `use` that brought it.
    pub(super) import: Option<Span>,
}

impl Entry {
    /// Where its name is declared in the main file.
    pub(super) fn place(&self) -> Span {
        self.import.unwrap_or(match &self.item {
            Item::Use(u) => u.span,
            Item::Model(m) => m.name.span,
            Item::Network(b) => b.name.span,
            Item::Data(d) => d.name.span,
            Item::Fit(f) => f.name.as_ref().map_or(f.model.span, |n| n.span),
            Item::Test(t) => t.name.span,
            Item::Function(f) => f.name.span,
            Item::Unit(u) => u.name.span,
        })
    }

    fn noun(&self) -> &'static str {
        match self.item {
            Item::Use(_) => "an import",
            Item::Model(_) => "a model",
            Item::Network(_) => "a network",
            Item::Data(_) => "a data set",
            Item::Fit(_) => "a fit",
            Item::Test(_) => "a test",
            Item::Function(_) => "a function",
            Item::Unit(_) => "a unit",
        }
    }
}

impl Checker<'_> {
    /// The file's items with imports in place of their `use`s; each name once.
    pub(super) fn collect(&mut self, file: &ast::File, sources: &mut Sources, sink: &mut Sink) -> Vec<Entry> {
        let mut importer = Importer::new(self.world);
        let main = file.items.iter().map(item_span).next().map(|s| sources.file(s.file).path.clone());
        let main = main.unwrap_or_default();
        let mut out: Vec<Entry> = Vec::new();
        // What imported functions need themselves.
        let mut helpers: Vec<ast::Function> = Vec::new();
        for item in &file.items {
            let entry = match item {
                Item::Use(import) => {
                    let found = match importer.find(import, &main, sources, sink) {
                        Some(Imported::Model(m)) => Item::Model(m),
                        Some(Imported::Network(n)) => Item::Network(n),
                        Some(Imported::Unit(u)) => Item::Unit(u),
                        Some(Imported::Function(f, needed)) => {
                            for helper in needed {
                                let name = &helper.name.name;
                                if !helpers.iter().any(|h: &ast::Function| h.name.name == *name) {
                                    helpers.push(helper);
                                }
                            }
                            Item::Function(f)
                        }
                        None => {
                            // The name is taken all the same: nothing more is to be said about it.
                            if let Some(last) = import.path.last() {
                                self.models.insert(last.name.clone(), None);
                                self.networks.insert(last.name.clone(), None);
                                self.lost.push(last.name.clone());
                            }
                            continue;
                        }
                    };
                    Entry { item: found, import: Some(import.span) }
                }
                other => Entry { item: other.clone(), import: None },
            };
            let name = item_name(&entry.item).unwrap_or_default();
            if let Some(first) = out.iter().find(|e| item_name(&e.item) == Some(name)) {
                let unnamed = matches!(&entry.item, Item::Fit(f) if f.name.is_none());
                let message = match unnamed {
                    true => "there are two fits without a name".to_string(),
                    false => format!("`{name}` is declared twice"),
                };
                let d = Diagnostic::error(E0202, message, entry.place(), "declared again here");
                let d = d.label(first.place(), format!("first declared here, as {}", first.noun()));
                sink.push(d.help(match unnamed {
                    true => "name them: `fit Model to data as first { ... }`",
                    false => "give one of them another name",
                }));
                // What is fitted under the name is not missing.
                match &entry.item {
                    Item::Data(d) => drop(self.data.entry(d.name.name.clone()).or_insert(None)),
                    Item::Model(m) => drop(self.models.entry(m.name.name.clone()).or_insert(None)),
                    Item::Network(n) => drop(self.networks.entry(n.name.name.clone()).or_insert(None)),
                    _ => {}
                }
                continue;
            }
            out.push(entry);
        }
        // Models of this file can call its functions; imported models brought theirs along.
        let own = out.iter().filter_map(|e| if let Item::Function(f) = &e.item { Some(f.clone()) } else { None });
        self.functions = own.chain(helpers).collect();
        let units: Vec<ast::UnitDecl> =
            out.iter().filter_map(|e| if let Item::Unit(u) = &e.item { Some(u.clone()) } else { None }).collect();
        for entry in out.iter_mut().filter(|e| e.import.is_none()) {
            if let Item::Model(m) = &mut entry.item {
                m.body.extend(self.functions.iter().cloned().map(ModelItem::Function));
                m.units = units.clone();
            }
        }
        out
    }

    pub(super) fn unused(&self, items: &[Item], places: &[(Span, Option<Span>)], sources: &Sources, sink: &mut Sink) {
        let fits = items.iter().any(|i| matches!(i, Item::Fit(_)));
        // A file with tests is one that others may take functions from, and so is one without fits.
        let for_itself = fits && !items.iter().any(|i| matches!(i, Item::Test(_)));
        // A file of nothing but imports passes them on.
        let passes_on = places.iter().all(|(_, import)| import.is_some());
        let words = Words::of(places.first().map(|(place, _)| *place), sources);
        for (item, (place, import)) in items.iter().zip(places) {
            let name = item_name(item).unwrap_or_default();
            if matches!(item, Item::Unit(_)) || self.used.iter().any(|u| u == name) {
                continue;
            }
            let what = match item {
                _ if import.is_some() && passes_on => continue,
                // A function is called in many places; its name elsewhere is enough.
                Item::Function(f) if words.hold(name, import.unwrap_or(f.span)) => continue,
                _ if import.is_some() => "import",
                Item::Network(_) => "network",
                Item::Function(_) if for_itself => "function",
                Item::Data(ast::Data {
                    source: ast::DataSource::Solve { .. } | ast::DataSource::Predict(_), ..
                }) => continue,
                Item::Data(_) if fits => "data set",
                _ => continue,
            };
            let message = format!("the {what} `{name}` is never used");
            sink.push(Diagnostic::warning(W0702, message, *place, "declared here").help("leave it out, or use it"));
        }
    }
}

/// The words of the main file.
struct Words<'s> {
    text: &'s str,
    places: Vec<Span>,
}

impl<'s> Words<'s> {
    /// Those of the file in which `place` is.
    fn of(place: Option<Span>, sources: &'s Sources) -> Self {
        let Some(place) = place else { return Words { text: "", places: Vec::new() } };
        let text = sources.file(place.file).text.as_str();
        Words { text, places: syntax::words(place.file, text) }
    }

    /// Whether `name` stands anywhere outside `declaration`.
    fn hold(&self, name: &str, declaration: Span) -> bool {
        let outside = |p: &Span| p.start < declaration.start || p.end > declaration.end;
        let word = |p: &Span| self.text.get(p.start as usize..p.end as usize);
        self.places.iter().any(|p| outside(p) && word(p) == Some(name))
    }
}

/// The name an item declares.
pub(super) fn item_name(item: &Item) -> Option<&str> {
    match item {
        Item::Function(f) => Some(&f.name.name),
        Item::Unit(u) => Some(&u.name.name),
        _ => block_name(item),
    }
}

fn item_span(item: &Item) -> Span {
    match item {
        Item::Use(u) => u.span,
        Item::Model(m) => m.span,
        Item::Network(b) => b.span,
        Item::Data(d) => d.span,
        Item::Fit(f) => f.span,
        Item::Test(t) => t.span,
        Item::Function(f) => f.span,
        Item::Unit(u) => u.span,
    }
}

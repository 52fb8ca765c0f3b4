//! The whole program: imports, overrides, then models, networks, data sets and fits in that order.

mod copies;
mod data_sets;
mod entries;
mod fits;
mod held;

pub(super) use held::{held_place, started, starts};

use super::families::Families;
use super::overrides::{self, Override};
use super::settings::Context;
use super::std_paths::{self, Kind};
use super::units::{self, Table};
use super::{model, network, suggest, unused_starts};
use crate::base::IndexMap;
use crate::diagnostics::codes::{self, E0201};
use crate::diagnostics::{self, Among, Diagnostic, Severity, Sink, causes, closest};
use crate::hir::{DataId, FitId, ModelId, NetworkId, Program, Unit};
use crate::source::{FileId, Sources, Span, World};
use crate::syntax::ast::{self, Item};

/// Checks a whole program.
///
/// `file` is the main file's tree, parsed into `sink`; files it imports are read through `world` into `sources`;
/// `overrides` replace settings before anything is checked. All findings go to `sink`. The program comes back exactly
/// when `sink` holds no error.
pub fn analyze(
    file: &ast::File,
    world: &dyn World,
    overrides: &[Override],
    sources: &mut Sources,
    sink: &mut Sink,
) -> Option<Program> {
    let broken = sink.has_errors();
    let mut own = Sink::new();
    let mut checker = Checker::new(world, overrides);
    checker.broken = sink.error_places().collect();
    let (program, mut lost) = checker.check(file, overrides, sources, &mut own);
    let program = program.filter(|_| !own.has_errors() && !broken);
    let own_names = |item: &Item| matches!(item, Item::Model(_) | Item::Function(_) | Item::Network(_));
    let place = |item: &Item| diagnostics::Item { span: item.span(), own_names: own_names(item) };
    let items: Vec<diagnostics::Item> = file.items.iter().map(place).collect();
    // What a file that cannot be read in itself would have brought is no mistake here; of a name that it lacks the places are shown.
    let found = own.into_sorted();
    lost.retain(|name| !found.iter().any(|d| d.misses_in_a_file(name)));
    let found = found.into_iter().filter(|d| !d.misses_here(&lost));
    for finding in causes(found.collect(), &items) {
        // Statements with syntax errors are missing from the tree: only findings that cannot follow from that are kept. Whether a list
        // is one of as many values as there are elements is not known then.
        let is_list = finding.code == codes::E0211 && sources.text(finding.primary.span).starts_with('(');
        if !broken || INDEPENDENT.contains(&finding.code) && !is_list {
            sink.push(finding);
        }
    }
    program
}

/// Errors that a missing statement cannot cause.
const INDEPENDENT: [&str; 16] = [
    codes::E0202,
    codes::E0203,
    codes::E0205,
    codes::E0206,
    codes::E0207,
    codes::E0208,
    codes::E0211,
    codes::E0310,
    codes::E0401,
    codes::E0402,
    codes::E0403,
    codes::E0405,
    codes::E0501,
    codes::E0502,
    codes::E0503,
    codes::E0504,
];
/// The unit of a data set's time and those of its columns by name, where they are known.
type KnownUnits = (Option<Unit>, Vec<(String, Unit)>);
struct Checker<'w> {
    world: &'w dyn World,
    /// Where statements have syntax errors and are missing from the tree.
    broken: Vec<Span>,
    /// Names whose imports brought nothing, each reported.
    lost: Vec<String>,
    override_files: Vec<FileId>,
    program: Program,
    /// Items by name; `None` for those that are wrong, about which there is nothing more to say.
    models: IndexMap<String, Option<ModelId>>,
    networks: IndexMap<String, Option<NetworkId>>,
    data: IndexMap<String, Option<DataId>>,
    /// The unit of the time and of columns, where they are known, by data set.
    data_units: IndexMap<String, KnownUnits>,
    /// The units of the main file.
    units: Table,
    /// Names without a unit of which data sets need one, each reported.
    unitless: units::Unitless,
    used: Vec<String>,
    /// Fits by name, with their models' names; `None` for those that are wrong.
    fits: Vec<(String, String, Option<FitId>)>,
    /// The functions that models and tests of the file can call.
    functions: Vec<ast::Function>,
}

impl<'w> Checker<'w> {
    fn new(world: &'w dyn World, overrides: &[Override]) -> Self {
        Checker {
            world,
            broken: Vec::new(),
            lost: Vec::new(),
            override_files: overrides::files(overrides),
            program: Program::default(),
            models: IndexMap::new(),
            networks: IndexMap::new(),
            data: IndexMap::new(),
            data_units: IndexMap::new(),
            units: Table::default(),
            unitless: units::Unitless::default(),
            used: Vec::new(),
            fits: Vec::new(),
            functions: Vec::new(),
        }
    }

    fn check(
        mut self,
        file: &ast::File,
        changes: &[Override],
        sources: &mut Sources,
        sink: &mut Sink,
    ) -> (Option<Program>, Vec<String>) {
        let entries = self.collect(file, sources, sink);
        let (mut items, places): (Vec<Item>, Vec<(Span, Option<Span>)>) = {
            let places = entries.iter().map(|e| (e.place(), e.import)).collect();
            (entries.into_iter().map(|e| e.item).collect(), places)
        };
        overrides::apply(&mut items, changes, sink);
        let sources = &*sources;
        let units: Vec<ast::UnitDecl> =
            items.iter().filter_map(|i| if let Item::Unit(u) = i { Some(u.clone()) } else { None }).collect();
        self.units = Table::declare(&units, sink);
        for (item, (_, import)) in items.iter().zip(&places) {
            if let Item::Model(m) = item {
                let checked = quiet(import.is_some(), sink, |sink| model::analyze(m, sources, sink));
                let id = checked.map(|m| self.program.models.push(m));
                self.models.insert(m.name.name.clone(), id);
            }
        }
        let functions = data_sets::functions_of(&items);
        for (item, (_, import)) in items.iter().zip(&places) {
            if let Item::Network(block) = item {
                block.settings.iter().for_each(|s| units::refuse_in(s, sink));
                let files = &self.override_files;
                let unknown_user = self.has_unknown_user(&block.name.name, &items);
                let families = Families::of(self.users_of(&block.name.name, &items));
                let mut own = Sink::new();
                let checked = quiet(import.is_some(), &mut own, |sink| {
                    network::network(
                        block,
                        &functions,
                        &families,
                        &mut Context { sources, sink, override_files: files },
                    )
                });
                // What states a network reads is not known where the model of its fit is wrong.
                let said = own.into_sorted().into_iter().filter(|d| d.code != codes::E0518 || !unknown_user);
                said.for_each(|d| sink.push(d));
                let id = checked.map(|n| self.program.networks.push(n));
                self.networks.insert(block.name.name.clone(), id);
            }
        }
        for d in data_sets::in_order(&items) {
            let id = self.data_set(d, &items, sources, sink);
            self.data.insert(d.name.name.clone(), id);
        }
        for item in &items {
            if let Item::Fit(f) = item {
                let id = self.fit(f, &items, sources, sink);
                let name = f.name.as_ref().map_or("fit", |n| n.name.as_str());
                self.fits.push((name.to_string(), f.model.name.clone(), id));
            }
        }
        for item in &items {
            if let Item::Data(d) = item
                && let ast::DataSource::Predict(of) = &d.source
            {
                let id = self.prediction(d, of, sources, sink);
                self.data.insert(d.name.name.clone(), id);
            }
        }
        if !sink.has_errors() {
            // Tests are about all the rest: with errors there, what they say cannot be judged.
            self.tests(&items, sink);
        }
        if !sink.has_errors() {
            self.unused(&items, &places, sources, sink);
            let fits: Vec<&ast::Fit> =
                items.iter().filter_map(|i| if let Item::Fit(f) = i { Some(f) } else { None }).collect();
            unused_starts::check(&self.program, &fits, sources).into_iter().for_each(|d| sink.push(d));
        }
        (Some(self.program), self.lost)
    }

    fn find_model(&mut self, name: &ast::Ident, sink: &mut Sink) -> Option<ModelId> {
        self.used.push(name.name.clone());
        match self.models.get(&name.name) {
            Some(found) => *found,
            None => {
                let own = self.models.keys().map(String::as_str);
                let help = match std_paths::path(Kind::Model, &name.name) {
                    Some(path) => std_paths::help(&path).into(),
                    None if closest(&name.name, own.clone()).is_none()
                        && let Some(path) = std_paths::path_of_start(Kind::Model, &name.name) =>
                    {
                        std_paths::help_of_start(&path).into()
                    }
                    None => suggest::help_of_many(sink, "models", &name.name, own),
                };
                let message = format!("there is no model `{}`", name.name);
                let d = Diagnostic::error(E0201, message, name.span, "unknown model").help(help);
                sink.push(d.missing_among(Among::Items, &name.name));
                None
            }
        }
    }
}

/// Runs a check; of imported items only errors are passed on, their warnings concern their own file.
fn quiet<T>(imported: bool, sink: &mut Sink, check: impl FnOnce(&mut Sink) -> T) -> T {
    if !imported {
        return check(sink);
    }
    let mut own = Sink::new();
    let result = check(&mut own);
    own.into_sorted().into_iter().filter(|d| d.severity == Severity::Error).for_each(|d| sink.push(d));
    result
}

//! The whole program: imports, overrides, then models, networks, data sets and fits in that order.

use super::data::{self, Simulation};
use super::fit::{self, Surroundings};
use super::functions::each_part;
use super::imports::{Imported, Importer};
use super::overrides::{self, Override, block_name};
use super::settings::{Context, FIT, PREDICT, SIMULATE, SOLVE, Settings};
use super::units::{self, Table};
use super::{expect, formula, model, network, predict, solve, suggest};
use crate::base::IndexMap;
use crate::diagnostics::codes::{self, E0201, E0202, E0516, W0702};
use crate::diagnostics::{Diagnostic, Severity, Sink};
use crate::hir::{DataId, DataSet, FitId, Model, ModelId, NetworkId, Program, Unit};
use crate::source::{FileId, Sources, Span, World};
use crate::syntax::ast::{self, Item, ModelItem};

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
    let mut program = Checker::new(world, overrides).check(file, overrides, sources, &mut own);
    program = program.filter(|_| !own.has_errors() && !broken);
    for finding in own.into_sorted() {
        // Statements with syntax errors are missing from the tree: only findings that cannot follow from that are kept.
        if !broken || INDEPENDENT.contains(&finding.code) {
            sink.push(finding);
        }
    }
    program
}

/// Errors that a missing statement cannot cause.
const INDEPENDENT: [&str; 17] = [
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
    codes::E0404,
    codes::E0405,
    codes::E0501,
    codes::E0502,
    codes::E0503,
    codes::E0504,
];

/// An item of the program, its own or imported.
struct Entry {
    item: Item,
    /// The `use` that brought it.
    import: Option<Span>,
}

impl Entry {
    /// Where its name is declared in the main file.
    fn place(&self) -> Span {
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

/// The unit of a data set's time and those of its columns by name, where they are known.
type KnownUnits = (Option<Unit>, Vec<(String, Unit)>);

struct Checker<'w> {
    world: &'w dyn World,
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
            override_files: overrides::files(overrides),
            program: Program::default(),
            models: IndexMap::new(),
            networks: IndexMap::new(),
            data: IndexMap::new(),
            data_units: IndexMap::new(),
            units: Table::default(),
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
    ) -> Option<Program> {
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
        for (item, (_, import)) in items.iter().zip(&places) {
            if let Item::Network(block) = item {
                block.settings.iter().for_each(|s| units::refuse_in(s, sink));
                let files = &self.override_files;
                let checked = quiet(import.is_some(), sink, |sink| {
                    network::network(block, &mut Context { sources, sink, override_files: files })
                });
                let id = checked.map(|n| self.program.networks.push(n));
                self.networks.insert(block.name.name.clone(), id);
            }
        }
        // Solve items come last: they may take inputs and starts from any other data set.
        for last in [false, true] {
            for item in &items {
                if let Item::Data(d) = item
                    && last == matches!(d.source, ast::DataSource::Solve { .. })
                    && !matches!(d.source, ast::DataSource::Predict(_))
                {
                    let id = self.data_set(d, &items, sources, sink);
                    self.data.insert(d.name.name.clone(), id);
                }
            }
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
            self.unused(&items, &places, sink);
        }
        Some(self.program)
    }

    /// The file's items with imports in place of their `use`s; each name once.
    fn collect(&mut self, file: &ast::File, sources: &mut Sources, sink: &mut Sink) -> Vec<Entry> {
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
                sink.push(if unnamed { d.help("name them: `fit Model to data as first { ... }`") } else { d });
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

    fn data_set(&mut self, data: &ast::Data, items: &[Item], sources: &Sources, sink: &mut Sink) -> Option<DataId> {
        let files = self.override_files.clone();
        let models = self.models_of(data, items);
        let needed = units::wanted(models.iter().flatten().map(|&id| &self.program.models[id]));
        let before = sink.error_count();
        let mut unsaid = Sink::new();
        // Of a model that is wrong no unit is known.
        let said = if models.iter().all(Option::is_some) { &mut *sink } else { &mut unsaid };
        let (settled, conversions) = units::settle(data, &needed, &self.units, said);
        let fits = sink.error_count() == before;
        let data = &settled;
        let known = conversions.units.clone();
        let checked = match &data.source {
            ast::DataSource::File { format, path } => {
                let names = self.names_for(data, items);
                let mut cx = Context { sources, sink, override_files: &files };
                let time = needed.time_unit().filter(|_| conversions.time.is_some());
                self.data_units.insert(data.name.name.clone(), (time, known));
                data::from_file(data, format, path, &names, conversions, &mut cx)
            }
            ast::DataSource::Simulate { model: name, arguments } => {
                let id = self.find_model(name, sink);
                let id = id.and_then(|id| self.specialised(id, name, arguments, items, sources));
                let Some(id) = id else {
                    // The keys can be checked all the same.
                    let mut cx = Context { sources, sink, override_files: &files };
                    Settings::new(SIMULATE, &data.settings, data.name.span, &[], &[], &mut cx);
                    return None;
                };
                let model = &self.program.models[id];
                let known = (model.units.time.clone(), units::simulated(model));
                self.data_units.insert(data.name.name.clone(), known);
                let simulation = Simulation { model, id };
                let mut cx = Context { sources, sink, override_files: &files };
                data::simulated(data, name, arguments, &simulation, &mut cx)
            }
            ast::DataSource::Formula(_) => {
                let functions: Vec<ast::Function> = items
                    .iter()
                    .filter_map(|i| if let Item::Function(f) = i { Some(f.clone()) } else { None })
                    .collect();
                let mut cx = Context { sources, sink, override_files: &files };
                formula::formula(data, &functions, &mut cx)
            }
            // Predictions are checked when fits are known.
            ast::DataSource::Predict(_) => None,
            ast::DataSource::Solve { model: name, arguments } => {
                if let Some(id) = models.first().copied().flatten() {
                    let model = &self.program.models[id];
                    let known = (model.units.time.clone(), units::simulated(model));
                    self.data_units.insert(data.name.name.clone(), known);
                }
                self.solve(data, (name, arguments), items, sources, sink)
            }
        };
        checked.filter(|_| fits).map(|d| self.program.data.push(d))
    }

    /// The models whose units the numbers of `data` are in: the one that is simulated, those that are fitted to it, or all. `None`
    /// stands for a model that is wrong or missing.
    fn models_of(&self, data: &ast::Data, items: &[Item]) -> Vec<Option<ModelId>> {
        let named = |name: &str| self.models.get(name).copied().flatten();
        if let ast::DataSource::Simulate { model, .. } | ast::DataSource::Solve { model, .. } = &data.source {
            return vec![named(&model.name)];
        }
        let fitted: Vec<&str> = items
            .iter()
            .filter_map(|i| match i {
                Item::Fit(f) if f.data.name == data.name.name => Some(f.model.name.as_str()),
                _ => None,
            })
            .collect();
        match fitted.is_empty() {
            true => self.models.values().copied().collect(),
            false => fitted.into_iter().map(named).collect(),
        }
    }

    /// A solve item: its model with a number for every parameter, and the data it names.
    fn solve(
        &mut self,
        item: &ast::Data,
        (name, arguments): (&ast::Ident, &[ast::Binding]),
        items: &[Item],
        sources: &Sources,
        sink: &mut Sink,
    ) -> Option<DataSet> {
        let files = self.override_files.clone();
        let id = self.find_model(name, sink);
        let known = id.filter(|&id| {
            let mut cx = Context { sources, sink: &mut *sink, override_files: &files };
            data::values(&self.program.models[id], name, (arguments, &[]), "solve", &mut cx).is_some()
        });
        let known = known.and_then(|id| Some((id, self.with_numbers(id, name, arguments, true, items, sources)?)));
        let (data, found) = self.data_of(item, sink);
        let mut cx = Context { sources, sink, override_files: &files };
        let Some(known) = known.filter(|_| found) else {
            // The keys can be checked all the same.
            Settings::new(SOLVE, &item.settings, item.name.span, &[], &[], &mut cx);
            return None;
        };
        solve::solve(item, name, known, (&self.program, data), &mut cx)
    }

    /// The data set that a solve item names, and whether there is nothing wrong with that.
    fn data_of(&mut self, item: &ast::Data, sink: &mut Sink) -> (Option<DataId>, bool) {
        let Some(name) = named_data(item) else { return (None, true) };
        self.used.push(name.name.clone());
        match self.data.get(&name.name) {
            Some(found) => (*found, found.is_some()),
            None => {
                let known = self.data.iter().filter(|(_, id)| id.is_some()).map(|(name, _)| name.as_str());
                let help = suggest::help("data sets", &name.name, known);
                let message = format!("there is no data set `{}`", name.name);
                sink.push(Diagnostic::error(E0201, message, name.span, "unknown data").help(help));
                (None, false)
            }
        }
    }

    /// States and inputs of the models that are fitted to `data`; of all models when none is.
    fn names_for(&self, data: &ast::Data, items: &[Item]) -> Vec<String> {
        let fitted: Vec<&str> = items
            .iter()
            .filter_map(|i| match i {
                Item::Fit(f) if f.data.name == data.name.name => Some(f.model.name.as_str()),
                Item::Data(solve) if named_data(solve).is_some_and(|d| d.name == data.name.name) => {
                    if let ast::DataSource::Solve { model, .. } = &solve.source {
                        Some(model.name.as_str())
                    } else {
                        None
                    }
                }
                _ => None,
            })
            .collect();
        let mut names: Vec<String> = Vec::new();
        let mut add = |name: &str| {
            if !names.iter().any(|n| n == name) {
                names.push(name.to_string());
            }
        };
        for item in items {
            let Item::Model(m) = item else { continue };
            if !fitted.is_empty() && !fitted.contains(&m.name.name.as_str()) {
                continue;
            }
            for part in &m.body {
                match part {
                    ModelItem::State(list) => list.iter().for_each(|s| add(&s.name.name)),
                    ModelItem::Input(list) => list.iter().for_each(|i| add(&i.name.name)),
                    _ => {}
                }
            }
        }
        names
    }

    /// The model with arguments for fixed parameters filled in: those are substituted, so a copy is needed.
    fn specialised(
        &mut self,
        id: ModelId,
        name: &ast::Ident,
        arguments: &[ast::Binding],
        items: &[Item],
        sources: &Sources,
    ) -> Option<ModelId> {
        let fixed = |key: &str| self.program.models[id].params.values().any(|p| p.fixed && p.name == key);
        let changed: Vec<&ast::Binding> = arguments.iter().filter(|a| fixed(&a.name.name)).collect();
        if changed.is_empty() {
            return Some(id);
        }
        let model = self.with_numbers(id, name, arguments, false, items, sources);
        Some(model.map_or(id, |m| self.program.models.push(m)))
    }

    /// A copy of a model with arguments for its fixed parameters, or, with `all`, with every parameter fixed at its value or
    /// argument.
    fn with_numbers(
        &self,
        id: ModelId,
        name: &ast::Ident,
        arguments: &[ast::Binding],
        all: bool,
        items: &[Item],
        sources: &Sources,
    ) -> Option<Model> {
        let fixed = |key: &str| self.program.models[id].params.values().any(|p| p.fixed && p.name == key);
        let original = items.iter().find_map(|i| match i {
            Item::Model(m) if m.name.name == name.name => Some(m),
            _ => None,
        })?;
        let mut copy = original.clone();
        for part in &mut copy.body {
            let ModelItem::Param(list) = part else { continue };
            for param in list {
                let argument = arguments.iter().find(|a| a.name.name == param.name.name);
                if let Some(argument) = argument.filter(|a| all || fixed(&a.name.name)) {
                    param.value = Some(argument.value.clone());
                    // The range guides fits; a simulation may leave it.
                    param.bounds = None;
                }
                param.fixed |= all;
                if all {
                    param.per_sample = None;
                }
            }
        }
        // What is wrong with the model itself was said when it was checked; a wrong argument is said with the others.
        model::analyze(&copy, sources, &mut Sink::new())
    }

    fn find_model(&mut self, name: &ast::Ident, sink: &mut Sink) -> Option<ModelId> {
        self.used.push(name.name.clone());
        match self.models.get(&name.name) {
            Some(found) => *found,
            None => {
                let help = suggest::help("models", &name.name, self.models.keys().map(String::as_str));
                let message = format!("there is no model `{}`", name.name);
                sink.push(Diagnostic::error(E0201, message, name.span, "unknown model").help(help));
                None
            }
        }
    }

    /// A prediction: of the fit with the name, or of the only one of the model with it.
    fn prediction(&mut self, item: &ast::Data, of: &ast::Ident, sources: &Sources, sink: &mut Sink) -> Option<DataId> {
        let named = self.fits.iter().filter(|(name, ..)| *name == of.name);
        let of_model = self.fits.iter().filter(|(_, model, _)| *model == of.name);
        let found: Vec<&(String, String, Option<FitId>)> = match named.clone().next() {
            Some(_) => named.collect(),
            None => of_model.collect(),
        };
        let mut cx = Context { sources, sink, override_files: &self.override_files };
        let id = match found.as_slice() {
            [(.., id)] => *id,
            several => {
                let names: Vec<&str> = self.fits.iter().map(|(name, ..)| name.as_str()).collect();
                let (message, help) = match several {
                    [] if self.models.contains_key(&of.name) => (
                        format!("no fit is about the model `{}`", of.name),
                        "add `fit Model to data { }`, or use `solve` or `simulate` for a model with known numbers"
                            .to_string(),
                    ),
                    [] => (format!("there is no fit `{}`", of.name), suggest::help("fits", &of.name, names)),
                    _ => (
                        format!("several fits are about the model `{}`", of.name),
                        format!(
                            "name one of them: {}",
                            several.iter().map(|(n, ..)| n.as_str()).collect::<Vec<_>>().join(", ")
                        ),
                    ),
                };
                cx.sink.push(Diagnostic::error(E0201, message, of.span, "which fit?").help(help));
                None
            }
        };
        let Some(id) = id else {
            // The keys can be checked all the same.
            Settings::new(PREDICT, &item.settings, item.name.span, &[], &[], &mut cx);
            return None;
        };
        item.settings.iter().for_each(|s| units::refuse_in(s, cx.sink));
        predict::predict(item, of, (&self.program, id), &mut cx).map(|d| self.program.data.push(d))
    }

    fn fit(&mut self, item: &ast::Fit, items: &[Item], sources: &Sources, sink: &mut Sink) -> Option<FitId> {
        let model = self.find_model(&item.model, sink);
        self.used.push(item.data.name.clone());
        let data = match self.data.get(&item.data.name) {
            Some(found) => *found,
            None if items.iter().any(|i| is_prediction(i, &item.data.name)) => {
                let message = format!("`{}` is a prediction, and only data can be fitted", item.data.name);
                let d = Diagnostic::error(E0516, message, item.data.span, "comes from a fit itself");
                sink.push(d.help("name the data set that was fitted"));
                None
            }
            None => {
                let help = suggest::help("data sets", &item.data.name, self.data.keys().map(String::as_str));
                let message = format!("there is no data set `{}`", item.data.name);
                sink.push(Diagnostic::error(E0201, message, item.data.span, "unknown data").help(help));
                None
            }
        };
        for value in item.settings.iter().flat_map(|s| &s.values) {
            if let ast::SettingValue::Expr(e) = value {
                outputs_in(e, &mut self.used);
            }
        }
        let (Some(model), Some(data)) = (model, data) else {
            let mut cx = Context { sources, sink, override_files: &self.override_files };
            Settings::new(FIT, &item.settings, item.model.span, &fit::REPEATABLE, &[], &mut cx);
            return None;
        };
        item.settings.iter().for_each(|s| units::refuse_in(s, sink));
        if let Some((time, columns)) = self.data_units.get(&item.data.name) {
            units::compare(&self.program.models[model], time.as_ref(), columns, item.data.span, sink);
        }
        let around = Surroundings { program: &self.program, networks: &self.networks, beyond: false };
        let mut cx = Context { sources, sink, override_files: &self.override_files };
        fit::fit(item, (model, data), &around, &mut cx).map(|fit| self.program.fits.push(fit))
    }

    fn tests(&mut self, items: &[Item], sink: &mut Sink) {
        let mut names: IndexMap<&str, Span> = IndexMap::new();
        for item in items {
            let Item::Test(item) = item else { continue };
            if let Some(first) = names.get(item.name.name.as_str()) {
                let message = format!("there are two tests \"{}\"", item.name.name);
                let d = Diagnostic::error(E0202, message, item.name.span, "again here").label(*first, "first here");
                sink.push(d);
                continue;
            }
            names.insert(&item.name.name, item.name.span);
            let test = expect::test(item, (&self.program, &self.functions), &mut self.used, sink);
            self.program.tests.extend(test);
        }
    }

    fn unused(&self, items: &[Item], places: &[(Span, Option<Span>)], sink: &mut Sink) {
        let fits = items.iter().any(|i| matches!(i, Item::Fit(_)));
        // A file of nothing but imports passes them on.
        let passes_on = places.iter().all(|(_, import)| import.is_some());
        for (item, (place, import)) in items.iter().zip(places) {
            let name = item_name(item).unwrap_or_default();
            if matches!(item, Item::Function(_) | Item::Unit(_)) || self.used.iter().any(|u| u == name) {
                continue;
            }
            let what = match item {
                _ if import.is_some() && passes_on => continue,
                _ if import.is_some() => "import",
                Item::Network(_) => "network",
                Item::Data(ast::Data {
                    source: ast::DataSource::Solve { .. } | ast::DataSource::Predict(_), ..
                }) => continue,
                Item::Data(_) if fits => "data set",
                _ => continue,
            };
            let message = format!("the {what} `{name}` is never used");
            sink.push(Diagnostic::warning(W0702, message, *place, "declared here"));
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

/// The data set that a solve item names.
fn named_data(item: &ast::Data) -> Option<ast::Ident> {
    if !matches!(item.source, ast::DataSource::Solve { .. }) {
        return None;
    }
    match item.settings.iter().find(|s| s.key.name == "data")?.values.as_slice() {
        [ast::SettingValue::Expr(ast::Expr { kind: ast::ExprKind::Name(name), span })] => {
            Some(ast::Ident { name: name.clone(), span: *span })
        }
        _ => None,
    }
}

/// Whether an item is the prediction of this name.
fn is_prediction(item: &Item, name: &str) -> bool {
    matches!(item, Item::Data(d) if d.name.name == name && matches!(d.source, ast::DataSource::Predict(_)))
}

/// The name an item declares.
fn item_name(item: &Item) -> Option<&str> {
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

/// Adds what stands before a dot in `expr`: of `reader.v` the network `reader`.
fn outputs_in(expr: &ast::Expr, out: &mut Vec<String>) {
    if let ast::ExprKind::Field { of, .. } = &expr.kind
        && let ast::ExprKind::Name(network) = &of.kind
    {
        out.push(network.clone());
    }
    each_part(expr, &mut |part| outputs_in(part, out));
}

//! Data sets and solve items: the models their numbers belong to, and what they are made of.

use super::super::data::{Purpose, values};
use super::super::rules::{SIMULATE, SOLVE};
use super::super::settings::{Context, Settings};
use super::super::simulated::{Simulation, simulated};
use super::super::{derived, file, formula, sets, solve, suggest, units};
use super::Checker;
use crate::diagnostics::codes::{E0201, E0511};
use crate::diagnostics::{Among, Diagnostic, Sink};
use crate::hir::{DataId, DataPlaces, DataSet, DrivenBy, Model, ModelId, family};
use crate::source::Sources;
use crate::syntax::ast::{self, Item, ModelItem};

/// Elements of families that are proposed for one that is not there, at most.
const MOST_PROPOSED: usize = 100;

impl Checker<'_> {
    pub(super) fn data_set(
        &mut self,
        data: &ast::Data,
        items: &[Item],
        sources: &Sources,
        sink: &mut Sink,
    ) -> Option<DataId> {
        let files = self.override_files.clone();
        let models = self.models_of(data, items);
        let needed = units::wanted(models.iter().flatten().map(|&id| &self.program.models[id]));
        let before = sink.error_count();
        let mut unsaid = Sink::new();
        // Of a model that is wrong no unit is known.
        let said = if models.iter().all(Option::is_some) { &mut *sink } else { &mut unsaid };
        let (settled, conversions) = units::settle(data, &needed, (&self.units, &mut self.unitless), said);
        let fits = sink.error_count() == before;
        let mut settled = settled;
        if models.iter().any(Option::is_none) {
            units::forget_of_columns(&mut settled);
        }
        let data = &settled;
        let known = conversions.units.clone();
        let checked = match &data.source {
            ast::DataSource::File { format, path } => {
                let names = self.names_for(data, items);
                let mut cx = Context { sources, sink, override_files: &files };
                let time = needed.time_unit().filter(|_| conversions.time.is_some());
                self.data_units.insert(data.name.name.clone(), (time, known));
                let around = derived::Surroundings {
                    functions: functions_of(items),
                    table: &self.units,
                    wanted: needed.units_of_columns(),
                    families: families_of(items),
                    complete: models.iter().all(Option::is_some),
                };
                file::from_file(data, format, path, &names, (conversions, &around), &mut cx)
            }
            ast::DataSource::Simulate { model: name, arguments } => {
                let id = self.find_model(name, sink);
                let id = id.and_then(|id| self.specialised(id, name, arguments, items, sources));
                let Some(id) = id else {
                    // The keys can be checked all the same.
                    let mut cx = Context { sources, sink, override_files: &files };
                    Settings::new(SIMULATE, &data.settings, data.name.span, &["vary"], &[], &mut cx);
                    return None;
                };
                let (driven_by, found) = self.data_of(data, items, sink);
                let driven_by = driven_by.map(|data| {
                    let source = &self.program.data[data].source;
                    DrivenBy { data, irregular: source.is_irregular(), starts: false }
                });
                if !found {
                    return None;
                }
                let model = &self.program.models[id];
                let known = (model.units.time.clone(), units::simulated(model));
                self.data_units.insert(data.name.name.clone(), known);
                let mut drives = |by: DrivenBy, span| sets::drives((by.data, model), span, &self.program, sink);
                let place = named_data(data).map_or(data.name.span, |name| name.span);
                if driven_by.is_some_and(|by| !drives(by, place)) {
                    return None;
                }
                self.compare_units(data, model, sink);
                let simulation = Simulation { model, id, by: driven_by };
                let mut cx = Context { sources, sink, override_files: &files };
                simulated(data, name, arguments, &simulation, &mut cx)
            }
            ast::DataSource::Formula(_) => {
                let functions = functions_of(items);
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
        let places = DataPlaces {
            file: match &data.source {
                ast::DataSource::File { path, .. } => Some(path.span),
                _ => None,
            },
            settings: data.settings.iter().map(|s| (s.key.name.clone(), s.span)).collect(),
        };
        checked.filter(|_| fits).map(|d| self.program.data.push(DataSet { places, ..d }))
    }

    /// The models whose units the numbers of `data` are in: the one that is simulated, those that are fitted to it, simulated along it or solved
    /// with it, or all. `None` stands for a model that is wrong or missing.
    fn models_of(&self, data: &ast::Data, items: &[Item]) -> Vec<Option<ModelId>> {
        let named = |name: &str| self.models.get(name).copied().flatten();
        if let ast::DataSource::Simulate { model, .. } | ast::DataSource::Solve { model, .. } = &data.source {
            return vec![named(&model.name)];
        }
        let users = users_of(data, items);
        match users.is_empty() {
            true => self.models.values().copied().collect(),
            false => users.into_iter().map(named).collect(),
        }
    }

    /// Reports where the units of the data that an item names are not those of its model.
    fn compare_units(&self, item: &ast::Data, model: &Model, sink: &mut Sink) {
        let Some(name) = named_data(item) else { return };
        if let Some((time, columns)) = self.data_units.get(&name.name) {
            units::compare(model, time.as_ref(), columns, name.span, sink);
        }
    }

    /// States and inputs of the models that are fitted to `data`; of all models when none is. Where one is missing, any name may be
    /// one of its states.
    fn names_for(&self, data: &ast::Data, items: &[Item]) -> Vec<String> {
        let fitted = users_of(data, items);
        let mut names: Vec<String> = Vec::new();
        let mut add = |name: &str| {
            if !names.iter().any(|n| n == name) {
                names.push(name.to_string());
            }
        };
        let declared = |name: &&str| items.iter().any(|i| matches!(i, Item::Model(m) if m.name.name == *name));
        // So may it where the statement that declares it has a syntax error.
        let considered = |m: &ast::Model| fitted.is_empty() || fitted.contains(&m.name.name.as_str());
        let broken = items.iter().any(|i| match i {
            Item::Model(m) => considered(m) && self.broken.iter().any(|place| m.span.covers(*place)),
            _ => false,
        });
        if broken || !fitted.iter().all(declared) {
            data.settings.iter().for_each(|s| add(&s.key.name));
        }
        for item in items {
            let Item::Model(m) = item else { continue };
            if !considered(m) {
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
        // Elements of families have columns of their own where they stand in the block.
        let elements = data.settings.iter().map(|s| &s.key.name).filter(|key| names.iter().any(|n| n == family(key)));
        let elements: Vec<String> = elements.filter(|key| key.contains('[')).cloned().collect();
        let known: Vec<&Model> =
            self.models_of(data, items).iter().flatten().map(|&id| &self.program.models[id]).collect();
        let there = |key: &str| {
            let of = |m: &&Model| m.states.values().any(|s| s.name == key) || m.inputs.values().any(|i| i.name == key);
            known.is_empty() || known.iter().any(of)
        };
        let (there, missing): (Vec<String>, Vec<String>) = elements.into_iter().partition(|key| there(key));
        names.extend(there);
        // What may have been meant.
        let of = |m: &&Model| {
            m.states
                .values()
                .map(|s| s.name.clone())
                .chain(m.inputs.values().map(|i| i.name.clone()))
                .collect::<Vec<_>>()
        };
        let all = known.iter().flat_map(of).filter(|name| missing.iter().any(|key| family(key) == family(name)));
        names.extend(all.take(MOST_PROPOSED));
        names
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
            values(&self.program.models[id], name, (arguments, &[]), Purpose::Solve, &mut cx).is_some()
        });
        let known = known.and_then(|id| Some((id, self.with_numbers(id, name, arguments, true, items, sources)?)));
        let (data, found) = self.data_of(item, items, sink);
        if let Some(id) = id {
            self.compare_units(item, &self.program.models[id], sink);
        }
        let mut cx = Context { sources, sink, override_files: &files };
        let Some(known) = known.filter(|_| found) else {
            // The keys can be checked all the same.
            Settings::new(SOLVE, &item.settings, item.name.span, &[], &[], &mut cx);
            return None;
        };
        solve::solve(item, name, known, (&self.program, data), &mut cx)
    }

    /// The data set that a solve item names, and whether there is nothing wrong with that.
    fn data_of(&mut self, item: &ast::Data, items: &[Item], sink: &mut Sink) -> (Option<DataId>, bool) {
        let Some(name) = named_data(item) else { return (None, true) };
        self.used.push(name.name.clone());
        match self.data.get(&name.name) {
            Some(found) => (*found, found.is_some()),
            None if items.iter().any(|i| matches!(i, Item::Data(d) if d.name.name == name.name)) => {
                let message = format!("`{}` cannot take its inputs from `{}`", item.name.name, name.name);
                let d = Diagnostic::error(E0511, message, name.span, "made of itself, or a prediction");
                sink.push(d.help("name data that are read or made before"));
                (None, false)
            }
            None => {
                let known = self.data.iter().filter(|(_, id)| id.is_some()).map(|(name, _)| name.as_str());
                let help = suggest::help_of_many(sink, "data sets", &name.name, known);
                let message = format!("there is no data set `{}`", name.name);
                sink.push(
                    Diagnostic::error(E0201, message, name.span, "unknown data")
                        .help(help)
                        .missing_among(Among::Items, &name.name),
                );
                (None, false)
            }
        }
    }
}

/// The data sets but predictions, every one behind those that it takes inputs and starts from, solve items last.
pub(super) fn in_order(items: &[Item]) -> Vec<&ast::Data> {
    let all = items.iter().filter_map(|i| if let Item::Data(d) = i { Some(d) } else { None });
    let all = all.filter(|d| !matches!(d.source, ast::DataSource::Predict(_)));
    let alone = |d: &&ast::Data| named_data(d).is_none() && !matches!(d.source, ast::DataSource::Solve { .. });
    let (mut sorted, mut open): (Vec<&ast::Data>, Vec<&ast::Data>) = all.partition(alone);
    while !open.is_empty() {
        let waits = |d: &&ast::Data| named_data(d).is_some_and(|name| open.iter().any(|o| o.name.name == name.name));
        let (waiting, ready): (Vec<&ast::Data>, Vec<&ast::Data>) = open.iter().copied().partition(waits);
        // Those that wait for each other are told so one by one.
        let stuck = ready.is_empty();
        sorted.extend(if stuck { &waiting } else { &ready });
        open = if stuck { Vec::new() } else { waiting };
    }
    sorted
}

/// The data set that a solve item or a simulation names.
fn named_data(item: &ast::Data) -> Option<ast::Ident> {
    if !matches!(item.source, ast::DataSource::Solve { .. } | ast::DataSource::Simulate { .. }) {
        return None;
    }
    match item.settings.iter().find(|s| s.key.name == "data")?.values.as_slice() {
        [ast::SettingValue::Expr(ast::Expr { kind: ast::ExprKind::Name(name), span })] => {
            Some(ast::Ident { name: name.clone(), span: *span })
        }
        _ => None,
    }
}

/// The models that are fitted to data, simulated along them, or solved with them.
fn users_of<'i>(data: &ast::Data, items: &'i [Item]) -> Vec<&'i str> {
    let user = |item: &'i Item| match item {
        Item::Fit(f) if f.data.iter().any(|d| d.name == data.name.name) => Some(f.model.name.as_str()),
        Item::Data(item) if named_data(item).is_some_and(|d| d.name == data.name.name) => match &item.source {
            ast::DataSource::Solve { model, .. } | ast::DataSource::Simulate { model, .. } => Some(model.name.as_str()),
            _ => None,
        },
        _ => None,
    };
    items.iter().filter_map(user).collect()
}

/// The functions of a file.
pub(super) fn functions_of(items: &[Item]) -> Vec<ast::Function> {
    items.iter().filter_map(|i| if let Item::Function(f) = i { Some(f.clone()) } else { None }).collect()
}

/// Names of states and inputs with index sets.
fn families_of(items: &[Item]) -> Vec<String> {
    let bodies = items.iter().filter_map(|i| if let Item::Model(m) = i { Some(&m.body) } else { None });
    let names = bodies.flatten().flat_map(|part| match part {
        ModelItem::State(list) => {
            list.iter().filter(|s| !s.axes.is_empty()).map(|s| s.name.name.clone()).collect::<Vec<_>>()
        }
        ModelItem::Input(list) => list.iter().filter(|i| !i.axes.is_empty()).map(|i| i.name.name.clone()).collect(),
        _ => Vec::new(),
    });
    names.collect()
}

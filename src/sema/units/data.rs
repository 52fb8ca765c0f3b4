//! Units in the block of a data set: numbers and columns are brought to the units of the model.

use super::super::spell;
use super::report::mismatch;
use super::table::{Table, refuse};
use super::written::{as_unit, refuse_in};
use crate::base::{IndexMap, IndexSet};
use crate::diagnostics::codes::{E0807, W0803};
use crate::diagnostics::{Diagnostic, Sink};
use crate::hir::{Conversion, Unit, family};
use crate::source::Span;
use crate::syntax::ast::{self, Expr, ExprKind, SettingValue, UnitExpr};

/// A unit that a model needs, with the place it is declared at.
#[derive(Clone, Debug)]
pub(in super::super) struct Wanted {
    /// `None` where nothing in the model tells.
    pub(super) unit: Option<Unit>,
    pub(super) span: Span,
    /// As it is called in messages.
    pub(super) name: String,
}

/// The units that the models need which a data set is for.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Needed {
    pub(super) time: Option<Wanted>,
    /// States and inputs by name; elements of a family share theirs.
    pub(super) columns: IndexMap<String, Wanted>,
    /// Which of these are inputs, which are read from a column of their name where a block does not list them.
    pub(super) inputs: IndexSet<String>,
    pub(super) params: IndexMap<String, Wanted>,
    /// Initial values, state by state and derivative by derivative.
    pub(super) initial: Vec<Wanted>,
}

impl Needed {
    /// The units of states and inputs; elements of a family share theirs.
    pub(in super::super) fn units_of_columns(&self) -> Vec<(String, Option<Unit>)> {
        self.columns.iter().map(|(name, wanted)| (name.clone(), wanted.unit.clone())).collect()
    }

    /// The unit of a state or input, by its name or that of an element.
    fn of_column(&self, name: &str) -> Option<&Wanted> {
        self.columns.get(family(name))
    }

    /// The unit of the time.
    pub(in super::super) fn time_unit(&self) -> Option<Unit> {
        self.time.as_ref()?.unit.clone()
    }
}

/// What has to be done to the columns of a file.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Conversions {
    pub(in super::super) time: Option<f64>,
    pub(in super::super) columns: IndexMap<String, Conversion>,
    /// The units of these columns as they are written.
    pub(in super::super) written: IndexMap<String, String>,
    /// Names of columns whose unit is known, with the unit they end up in.
    pub(in super::super) units: Vec<(String, Unit)>,
}

/// Names of models that have no unit and that data sets need one of, each with the place of the name: every one is reported once.
pub(in super::super) type Unitless = IndexSet<(String, Span)>;

/// `data` without units: numbers are converted to the units that are needed, and so are columns when they are read.
pub(in super::super) fn settle(
    data: &ast::Data,
    needed: &Needed,
    (table, unitless): (&Table, &mut Unitless),
    sink: &mut Sink,
) -> (ast::Data, Conversions) {
    let mut settled = data.clone();
    let mut work = Settler { needed, table, unitless, sink, out: Conversions::default() };
    let is_file = matches!(settled.source, ast::DataSource::File { .. });
    if let ast::DataSource::Simulate { arguments, .. } | ast::DataSource::Solve { arguments, .. } = &mut settled.source
    {
        arguments.iter_mut().for_each(|a| {
            work.parameter(&mut a.value, &a.name.name);
        });
    }
    for setting in &mut settled.settings {
        work.setting(setting, is_file);
    }
    if is_file {
        work.forgotten(data);
    }
    (settled, work.out)
}

/// `fit` without units in what it says about parameters.
pub(in super::super) fn settle_fit(
    fit: &ast::Fit,
    needed: &Needed,
    (table, unitless): (&Table, &mut Unitless),
    sink: &mut Sink,
) -> ast::Fit {
    let mut settled = fit.clone();
    let mut work = Settler { needed, table, unitless, sink, out: Conversions::default() };
    for a in &mut settled.arguments {
        work.parameter(&mut a.value, &a.name.name);
    }
    for setting in settled.settings.iter_mut().filter(|s| s.key.name == "start") {
        work.setting(setting, false);
    }
    settled
}

/// Takes the units off the columns of a file whose model is wrong or missing: nothing is known to compare them with.
pub(in super::super) fn forget_of_columns(data: &mut ast::Data) {
    if !matches!(data.source, ast::DataSource::File { .. }) {
        return;
    }
    for setting in &mut data.settings {
        // What formulas read has a unit of its own.
        let read = setting.key.name != "column";
        if let ([SettingValue::Expr(_), SettingValue::List(..)], true) = (setting.values.as_slice(), read) {
            setting.values.truncate(1);
        }
    }
}

/// Takes the units off numbers.
fn forget(e: &mut Expr) {
    match &mut e.kind {
        ExprKind::Measured { value, .. } => e.kind = value.kind.clone(),
        ExprKind::Unary { operand, .. } => forget(operand),
        ExprKind::Binary { left, right, .. } => {
            forget(left);
            forget(right);
        }
        ExprKind::Tuple(list) => list.iter_mut().for_each(forget),
        _ => {}
    }
}

struct Settler<'a, 's> {
    needed: &'a Needed,
    table: &'a Table,
    unitless: &'a mut Unitless,
    sink: &'s mut Sink,
    out: Conversions,
}

impl Settler<'_, '_> {
    fn setting(&mut self, setting: &mut ast::Setting, is_file: bool) {
        let key = setting.key.name.clone();
        let needed = self.needed;
        match (key.as_str(), setting.values.as_mut_slice()) {
            ("dt" | "start", [SettingValue::Expr(e)]) => self.number(e, needed.time.as_ref(), "the time"),
            ("from", [SettingValue::Tuple(list, _)]) => {
                for (k, e) in list.iter_mut().enumerate() {
                    let wanted = needed.initial.get(k);
                    self.number(e, wanted, wanted.map_or("this state", |w| &w.name));
                }
            }
            ("vary", [SettingValue::Expr(name), SettingValue::Equals(_), SettingValue::Expr(e)]) => {
                let ExprKind::Name(name) = &name.kind else { return };
                if let ExprKind::Call(call) = &mut e.kind {
                    self.numbers(&mut call.arguments, needed.params.get(name), name);
                }
            }
            // Of a fit.
            ("start", [SettingValue::Expr(name), SettingValue::Equals(_), SettingValue::Expr(e)]) => {
                let ExprKind::Name(name) = &name.kind else { return };
                self.parameter(e, name);
            }
            ("start", [SettingValue::Expr(name), SettingValue::Equals(_), SettingValue::Tuple(list, _)]) => {
                let ExprKind::Name(name) = &name.kind else { return };
                self.numbers(list, needed.params.get(name), name);
            }
            ("vary", [SettingValue::Expr(name), SettingValue::Equals(_), SettingValue::Tuple(list, _)]) => {
                let ExprKind::Name(name) = &name.kind else { return };
                self.numbers(list, needed.params.get(name), name);
            }
            ("noise", [SettingValue::Expr(e), SettingValue::Expr(word)]) if matches!(&word.kind, ExprKind::Name(w) if w == "absolute") =>
            {
                self.noise(e);
            }
            ("time", [SettingValue::Expr(_), SettingValue::List(..)]) if is_file => {
                let conversion = self.column(setting, needed.time.as_ref(), "the time");
                if let Some(conversion) = conversion {
                    self.out.time = Some(conversion.factor);
                    if conversion.offset != 0.0 {
                        let d =
                            Diagnostic::error(E0807, "a time has no other zero", setting.span, "not a unit of time")
                                .help("write a unit of time: `[s]`, `[min]`, `[h]`, `[d]`, `[yr]`");
                        self.sink.push(d);
                    }
                }
            }
            (_, [SettingValue::Expr(_), SettingValue::List(list, _)])
                if is_file && needed.of_column(&key).is_some() =>
            {
                let wanted = needed.of_column(&key);
                let written = list.first().map(spell::whole);
                if let Some(conversion) = self.column(setting, wanted, &key) {
                    self.out.columns.insert(key.clone(), conversion);
                    self.out.written.extend(written.map(|written| (key.clone(), written)));
                    if let Some(unit) = wanted.and_then(|w| w.unit.clone()) {
                        self.out.units.push((key, unit));
                    }
                }
            }
            // Units in formulas are checked with the formulas.
            ("column", [SettingValue::Expr(_), SettingValue::List(..)]) if is_file => {}
            (_, [SettingValue::Expr(_)]) if is_file && needed.of_column(&key).is_some() => {}
            _ => refuse_in(setting, self.sink),
        }
    }

    /// Reports columns without a unit in a block in which others have one: they are read as they are, in the units of the model.
    fn forgotten(&mut self, data: &ast::Data) {
        let needed = self.needed;
        let listed = |name: &str| data.settings.iter().any(|s| s.key.name == name);
        for name in needed.inputs.iter().filter(|name| !listed(name)) {
            let unit = needed.columns.get(name).and_then(|w| w.unit.as_ref()).filter(|u| !u.is_one());
            let (Some(unit), Some((other, _))) = (unit, self.out.units.first()) else { continue };
            let message = format!("the column of `{name}` has no unit here, and that of `{other}` has one");
            let shown = super::report::shown(unit);
            let d =
                Diagnostic::warning(W0803, message, data.name.span, format!("read as {shown}, the unit of the model"));
            self.sink.push(d.help(format!("list it with the unit that the file has: `{name} = {name} {shown}`")));
        }
        for setting in &data.settings {
            let key = setting.key.name.as_str();
            let wanted = match key {
                "time" => needed.time.as_ref(),
                _ => needed.of_column(key),
            };
            let [SettingValue::Expr(Expr { kind: ExprKind::Name(_) | ExprKind::Text(_), .. })] =
                setting.values.as_slice()
            else {
                continue;
            };
            let Some(unit) = wanted.and_then(|w| w.unit.as_ref()).filter(|u| !u.is_one()) else { continue };
            let others = self.out.units.iter().map(|(name, _)| name.as_str());
            let time = self.out.time.map(|_| "time");
            let Some(other) = others.chain(time).find(|name| *name != key) else { continue };
            let other = if other == "time" { "the time".to_string() } else { format!("`{other}`") };
            let (name, shown) = (quoted(wanted.map_or(key, |w| &w.name)), super::report::shown(unit));
            let message = format!("the column of {name} has no unit here, and that of {other} has one");
            let d =
                Diagnostic::warning(W0803, message, setting.span, format!("read as {shown}, the unit of the model"));
            self.sink
                .push(d.help(format!("write the unit that the file has behind the column, also where it is {shown}")));
        }
    }

    /// Absolute noise is one number for all states, so they must have one unit.
    fn noise(&mut self, e: &mut Expr) {
        let states: Vec<&Wanted> = self.needed.initial.iter().filter(|w| !w.name.ends_with('\'')).collect();
        let first = states.first().copied();
        let same = states.iter().all(|w| match (&w.unit, first.and_then(|f| f.unit.as_ref())) {
            (Some(a), Some(b)) => a.equals(b),
            _ => false,
        });
        match same {
            true => self.number(e, first, first.map_or("this state", |w| &w.name)),
            false => {
                refuse(e, "noise of states with several units", self.sink);
            }
        }
    }

    /// Takes the unit off a setting that names a column.
    fn column(&mut self, setting: &mut ast::Setting, wanted: Option<&Wanted>, name: &str) -> Option<Conversion> {
        let Some(SettingValue::List(list, span)) = setting.values.pop() else { return None };
        let Some(written) = as_unit(&list, span) else {
            let d = Diagnostic::error(E0807, "a column has one unit", span, "not a unit");
            self.sink.push(d.help("write a product of powers: `[kg*m/s^2]`"));
            return None;
        };
        let (unit, place) = self.wanted(wanted, name, &written)?;
        match self.table.conversion(&written, &unit, self.sink) {
            Ok(conversion) => Some(conversion),
            Err(Some(other)) => {
                self.differs(&unit, &other, (place, name), span);
                None
            }
            Err(None) => None,
        }
    }

    /// Converts every number with a unit in `e`.
    fn number(&mut self, e: &mut Expr, wanted: Option<&Wanted>, name: &str) {
        if let ExprKind::Measured { value, unit } = &e.kind {
            let (value, written) = (value.clone(), unit.clone());
            if let Some(factor) = self.factor(&written, wanted, name)
                && let ExprKind::Number { value, .. } = value.kind
            {
                e.kind = ExprKind::Number { value: value * factor, percent: false };
                return;
            }
            // What is wrong has been said; the number alone is right in form.
            e.kind = value.kind;
            return;
        }
        match &mut e.kind {
            ExprKind::Unary { operand, .. } => self.number(operand, wanted, name),
            ExprKind::Binary { left, right, .. } => {
                self.number(left, wanted, name);
                self.number(right, wanted, name);
            }
            ExprKind::Tuple(list) => list.iter_mut().for_each(|e| self.number(e, wanted, name)),
            _ => {
                refuse(e, "a number here", self.sink);
            }
        }
    }

    /// The value of a parameter. That there is no such parameter is told elsewhere, with what may have been meant.
    fn parameter(&mut self, e: &mut Expr, name: &str) {
        match self.needed.params.get(name) {
            Some(wanted) => self.number(e, Some(wanted), name),
            None => forget(e),
        }
    }

    /// Numbers of one parameter, of which the first mistake is told. That there is no such parameter is told elsewhere.
    fn numbers(&mut self, list: &mut [Expr], wanted: Option<&Wanted>, name: &str) {
        let mut told = wanted.is_none();
        for e in list {
            if told {
                forget(e);
                continue;
            }
            let before = self.sink.error_count();
            self.number(e, wanted, name);
            told = self.sink.error_count() > before;
        }
    }

    fn factor(&mut self, written: &UnitExpr, wanted: Option<&Wanted>, name: &str) -> Option<f64> {
        let (unit, place) = self.wanted(wanted, name, written)?;
        let own = self.table.unit_like(written, Some(&unit), self.sink)?;
        let factor = own.in_units_of(&unit);
        if factor.is_none() {
            self.differs(&unit, &own, (place, name), written.span);
        }
        factor
    }

    /// The unit that is needed, or a report that the model knows none.
    fn wanted(&mut self, wanted: Option<&Wanted>, name: &str, written: &UnitExpr) -> Option<(Unit, Option<Span>)> {
        if let Some(Wanted { unit: Some(unit), span, .. }) = wanted {
            return Some((unit.clone(), Some(*span)));
        }
        let span = written.span;
        let own = self.table.inner(written, name == "the time", self.sink)?;
        if wanted.is_some_and(|w| !self.unitless.insert((name.to_string(), w.span))) {
            return None;
        }
        let quoted = quoted(name);
        let message = format!("the model gives {quoted} no unit, so there is nothing to convert to");
        let d = Diagnostic::error(E0807, message, span, "in which unit is it needed?");
        let d = match wanted {
            Some(w) => d.label(w.span, "without a unit"),
            None => d,
        };
        self.sink.push(d.help(match name {
            "the time" => format!("declare it in the model: `time [{own}]`"),
            _ => format!("declare it in the model, behind its name: `{name} [{own}]`"),
        }));
        None
    }

    fn differs(&mut self, needed: &Unit, own: &Unit, (place, name): (Option<Span>, &str), span: Span) {
        let d = mismatch(needed, own, span, super::report::what(own));
        let quoted = quoted(name);
        self.sink.push(match place {
            Some(place) => d.label(place, format!("{quoted} is {}", super::report::what(needed))),
            None => d,
        });
    }
}

/// A name in messages; words stay as they are.
fn quoted(name: &str) -> String {
    if name.contains(' ') { name.to_string() } else { format!("`{name}`") }
}

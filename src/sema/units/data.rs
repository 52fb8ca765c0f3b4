//! Units in the block of a data set: numbers and columns are brought to the units of the model.

use super::report::mismatch;
use super::table::{Table, refuse};
use crate::base::{IndexMap, Ratio};
use crate::diagnostics::codes::E0807;
use crate::diagnostics::{Diagnostic, Sink};
use crate::hir::{Conversion, Unit};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, Expr, ExprKind, SettingValue, UnaryOp, UnitExpr};

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
    pub(super) params: IndexMap<String, Wanted>,
    /// Initial values, state by state and derivative by derivative.
    pub(super) initial: Vec<Wanted>,
}

impl Needed {
    /// The units of states and inputs; elements of a family share theirs.
    pub(in super::super) fn units_of_columns(&self) -> Vec<(String, Option<Unit>)> {
        self.columns.iter().map(|(name, wanted)| (name.clone(), wanted.unit.clone())).collect()
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
    /// Names of columns whose unit is known, with the unit they end up in.
    pub(in super::super) units: Vec<(String, Unit)>,
}

/// `data` without units: numbers are converted to the units that are needed, and so are columns when they are read.
pub(in super::super) fn settle(
    data: &ast::Data,
    needed: &Needed,
    table: &Table,
    sink: &mut Sink,
) -> (ast::Data, Conversions) {
    let mut settled = data.clone();
    let mut work = Settler { needed, table, sink, out: Conversions::default() };
    let is_file = matches!(settled.source, ast::DataSource::File { .. });
    if let ast::DataSource::Simulate { arguments, .. } | ast::DataSource::Solve { arguments, .. } = &mut settled.source
    {
        arguments.iter_mut().for_each(|a| {
            let wanted = needed.params.get(&a.name.name);
            work.number(&mut a.value, wanted, &a.name.name);
        });
    }
    for setting in &mut settled.settings {
        work.setting(setting, is_file);
    }
    (settled, work.out)
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

struct Settler<'a, 's> {
    needed: &'a Needed,
    table: &'a Table,
    sink: &'s mut Sink,
    out: Conversions,
}

impl Settler<'_, '_> {
    fn setting(&mut self, setting: &mut ast::Setting, is_file: bool) {
        let key = setting.key.name.clone();
        let needed = self.needed;
        match (key.as_str(), setting.values.as_mut_slice()) {
            ("dt", [SettingValue::Expr(e)]) => self.number(e, needed.time.as_ref(), "the time"),
            ("from", [SettingValue::Tuple(list, _)]) => {
                for (k, e) in list.iter_mut().enumerate() {
                    let wanted = needed.initial.get(k);
                    self.number(e, wanted, wanted.map_or("this state", |w| &w.name));
                }
            }
            ("vary", [SettingValue::Expr(name), SettingValue::Equals(_), SettingValue::Expr(e)]) => {
                let ExprKind::Name(name) = &name.kind else { return };
                if let ExprKind::Call(call) = &mut e.kind {
                    call.arguments.iter_mut().for_each(|e| self.number(e, needed.params.get(name), name));
                }
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
                            Diagnostic::error(E0807, "a time has no other zero", setting.span, "not a unit of time");
                        self.sink.push(d);
                    }
                }
            }
            (_, [SettingValue::Expr(_), SettingValue::List(..)]) if is_file && needed.columns.contains_key(&key) => {
                let wanted = needed.columns.get(&key);
                if let Some(conversion) = self.column(setting, wanted, &key) {
                    self.out.columns.insert(key.clone(), conversion);
                    if let Some(unit) = wanted.and_then(|w| w.unit.clone()) {
                        self.out.units.push((key, unit));
                    }
                }
            }
            // Units in formulas are checked with the formulas.
            ("column", [SettingValue::Expr(_), SettingValue::List(..)]) if is_file => {}
            (_, [SettingValue::Expr(_)]) if is_file && needed.columns.contains_key(&key) => {}
            _ => refuse_in(setting, self.sink),
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
        let (unit, place) = self.wanted(wanted, name, span)?;
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

    fn factor(&mut self, written: &UnitExpr, wanted: Option<&Wanted>, name: &str) -> Option<f64> {
        let (unit, place) = self.wanted(wanted, name, written.span)?;
        let own = self.table.unit(written, self.sink)?;
        let factor = own.in_units_of(&unit);
        if factor.is_none() {
            self.differs(&unit, &own, (place, name), written.span);
        }
        factor
    }

    /// The unit that is needed, or a report that the model knows none.
    fn wanted(&mut self, wanted: Option<&Wanted>, name: &str, span: Span) -> Option<(Unit, Option<Span>)> {
        if let Some(Wanted { unit: Some(unit), span, .. }) = wanted {
            return Some((unit.clone(), Some(*span)));
        }
        let quoted = quoted(name);
        let message = format!("the model gives {quoted} no unit, so there is nothing to convert to");
        let d = Diagnostic::error(E0807, message, span, "in which unit is it needed?");
        let d = match wanted {
            Some(w) => d.label(w.span, "without a unit"),
            None => d,
        };
        self.sink.push(d.help(match name {
            "the time" => "declare it in the model: `time [s]`".to_string(),
            _ => "declare units in the model: `state x [m]`".to_string(),
        }));
        None
    }

    fn differs(&mut self, needed: &Unit, own: &Unit, (place, name): (Option<Span>, &str), span: Span) {
        let d = mismatch(needed, own, span, format!("in {}", super::report::shown(own)));
        let quoted = quoted(name);
        self.sink.push(match place {
            Some(place) => d.label(place, format!("{quoted} is in {}", super::report::shown(needed))),
            None => d,
        });
    }
}

/// A name in messages; words stay as they are.
fn quoted(name: &str) -> String {
    if name.contains(' ') { name.to_string() } else { format!("`{name}`") }
}

/// Reports units in a setting that takes none.
pub(in super::super) fn refuse_in(setting: &ast::Setting, sink: &mut Sink) {
    let what = format!("`{}`", setting.key.name);
    for value in &setting.values {
        match value {
            SettingValue::Expr(e) => {
                refuse(e, &what, sink);
            }
            SettingValue::List(list, _) | SettingValue::Tuple(list, _) => list.iter().for_each(|e| {
                refuse(e, &what, sink);
            }),
            SettingValue::Equals(_) => {}
        }
    }
}

/// The unit that a list in a setting is: `[1/km^2]`.
pub(in super::super) fn as_unit(list: &[Expr], span: Span) -> Option<UnitExpr> {
    let [one] = list else { return None };
    let mut factors = Vec::new();
    collect(one, Ratio::ONE, &mut factors)?;
    Some(UnitExpr { factors, span })
}

fn collect(e: &Expr, power: Ratio, out: &mut Vec<(ast::Ident, Ratio)>) -> Option<()> {
    match &e.kind {
        ExprKind::Number { value, percent: false } if *value == 1.0 => Some(()),
        ExprKind::Name(name) => {
            out.push((ast::Ident { name: name.clone(), span: e.span }, power));
            Some(())
        }
        ExprKind::Binary { op: BinaryOp::Multiply, left, right } => {
            collect(left, power, out)?;
            collect(right, power, out)
        }
        ExprKind::Binary { op: BinaryOp::Divide, left, right } => {
            collect(left, power, out)?;
            collect(right, power.negated(), out)
        }
        ExprKind::Binary { op: BinaryOp::Power, left, right } => collect(left, power.times(exponent(right)?), out),
        _ => None,
    }
}

fn exponent(e: &Expr) -> Option<Ratio> {
    match &e.kind {
        ExprKind::Number { value, percent: false } => Ratio::of(*value),
        ExprKind::Unary { op: UnaryOp::Negate, operand } => exponent(operand).map(Ratio::negated),
        ExprKind::Binary { op: BinaryOp::Divide, left, right } => {
            let below = exponent(right).filter(|r| !r.is_zero())?;
            Some(exponent(left)?.times(below.inverse()))
        }
        _ => None,
    }
}

//! The units that a file knows: those of the SI, and those it declares.

use std::sync::Arc;

use super::names::{self, Meant};
use crate::base::IndexMap;
use crate::diagnostics::codes::{E0801, E0804, E0806};
use crate::diagnostics::{Advice, Among, Diagnostic, Sink};
use crate::hir::{Conversion, Symbol, Unit, known_unit};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, UnitExpr};

/// Units that measure from another zero than the SI does.
const SHIFTED: [(&str, f64); 1] = [("degC", 273.15)];

/// Whether `name` is a unit in a file that declares `own`.
pub(super) fn is_unit(name: &str, own: &[ast::UnitDecl]) -> bool {
    known_unit(name).is_some() || SHIFTED.iter().any(|(n, _)| *n == name) || own.iter().any(|u| u.name.name == name)
}

/// The declared units by name; `None` for those whose declaration is wrong, which has been reported.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Table {
    declared: IndexMap<String, Option<Arc<Symbol>>>,
}

impl Table {
    /// The units that `list` declares; each may use those before it.
    pub(in super::super) fn declare(list: &[ast::UnitDecl], sink: &mut Sink) -> Self {
        let mut table = Table::default();
        for decl in list {
            let symbol = table.symbol(decl, sink);
            table.declared.entry(decl.name.name.clone()).or_insert(symbol);
        }
        table
    }

    fn symbol(&self, decl: &ast::UnitDecl, sink: &mut Sink) -> Option<Arc<Symbol>> {
        let name = decl.name.name.clone();
        if known_unit(&name).is_some() || SHIFTED.iter().any(|(n, _)| *n == name) {
            let message = format!("`{name}` cannot be declared: it is a unit already");
            sink.push(
                Diagnostic::error(E0806, message, decl.name.span, "taken")
                    .help("choose another name, or use the unit as it is"),
            );
            return None;
        }
        let Some((value, unit)) = &decl.value else {
            let dimension = vec![(name.clone(), crate::base::Ratio::ONE)];
            return Some(Arc::new(Symbol { name, scale: 1.0, dimension }));
        };
        let unit_scale = self.unit(unit, sink)?;
        let scale = value * unit_scale.scale();
        if *value <= 0.0 || !scale.is_finite() || scale == 0.0 {
            let message = format!("the unit `{name}` has no size");
            let d = Diagnostic::error(E0806, message, decl.span, "a size is a number above zero");
            sink.push(
                d.help(format!("a unit without another one to compare with has no size: `unit {}`", decl.name.name)),
            );
            return None;
        }
        Some(Arc::new(Symbol { name, scale, dimension: unit_scale.dimension() }))
    }

    /// The unit as written; `None` after a report.
    pub(in super::super) fn unit(&self, written: &UnitExpr, sink: &mut Sink) -> Option<Unit> {
        self.unit_like(written, None, sink)
    }

    /// The unit of a time as written; `None` after a report.
    pub(in super::super) fn unit_of_time(&self, written: &UnitExpr, sink: &mut Sink) -> Option<Unit> {
        self.unit_like(written, known_unit("s").map(Unit::of).as_ref(), sink)
    }

    /// The unit as written, where one is needed that `needed` can be converted to.
    pub(super) fn unit_like(&self, written: &UnitExpr, needed: Option<&Unit>, sink: &mut Sink) -> Option<Unit> {
        // Of a product it is not known which dimension each factor has.
        let single = matches!(written.factors.as_slice(), [(_, power)] if *power == crate::base::Ratio::ONE);
        let mut unit = Unit::one();
        for (name, power) in &written.factors {
            let symbol = match self.declared.get(&name.name) {
                Some(own) => own.clone()?,
                None => match known_unit(&name.name) {
                    Some(known) => known,
                    None => {
                        self.unknown(&name.name, name.span, needed.filter(|_| single), sink);
                        return None;
                    }
                },
            };
            unit = unit.times(&Unit::of(symbol).power(*power));
        }
        Some(unit)
    }

    fn unknown(&self, name: &str, span: Span, needed: Option<&Unit>, sink: &mut Sink) {
        if SHIFTED.iter().any(|(n, _)| *n == name) {
            let message = format!("`{name}` has another zero than K, so products with it mean nothing");
            let d = Diagnostic::error(E0806, message, span, "only a column of data can be in this unit");
            sink.push(d.help("use K in the model; a column that is read, `T = temperature [degC]`, is converted"));
            return;
        }
        let d = Diagnostic::error(E0801, format!("there is no unit `{name}`"), span, "unknown unit")
            .missing_among(Among::Items, name);
        // A unit of another dimension cannot be meant.
        let fits = |unit: &str| {
            let symbol = || self.declared.get(unit).cloned().unwrap_or_else(|| known_unit(unit));
            needed.is_none_or(|needed| symbol().is_some_and(|symbol| Unit::of(symbol).in_units_of(needed).is_some()))
        };
        let meant = names::certain(name).or_else(|| match sink.many_missing() {
            true => None,
            false => names::likely(name, self.declared.keys().map(String::as_str), fits),
        });
        sink.push(d.help(match meant {
            Some(Meant::Units(units)) if units == ["1"] => Advice::instead("a plain number has the unit `[1]`", "1"),
            Some(Meant::Units(units)) => {
                let listed = units.iter().map(|unit| format!("`{unit}`")).collect::<Vec<_>>().join(" or ");
                let text =
                    format!("did you mean {listed}? A unit of your own is declared at the top level: `unit {name}`");
                match units.as_slice() {
                    [unit] => Advice::instead(text, unit),
                    _ => text.into(),
                }
            }
            Some(Meant::Noted(text)) => text.into(),
            None if names::has_own_standard(name) => {
                format!("declare it at the top level: `unit {name}`, or write a plain number, `[1]`").into()
            }
            None => format!("declare it at the top level: `unit {name}`, or `unit {name} = 2.5 [m]`").into(),
        }));
    }

    /// The unit that numbers in `written` are converted to where nothing else is asked for: that of what has another zero is K.
    pub(in super::super) fn inner(&self, written: &UnitExpr, is_time: bool, sink: &mut Sink) -> Option<Unit> {
        match zero_of(written) {
            Some(_) => known_unit("K").map(Unit::of),
            None if is_time => self.unit_of_time(written, sink),
            None => self.unit(written, sink),
        }
    }

    /// The conversion of numbers in the unit `written` to the unit `needed`. `Err` after a report, with what was written as
    /// the unit where there is one.
    pub(in super::super) fn conversion(
        &self,
        written: &UnitExpr,
        needed: &Unit,
        sink: &mut Sink,
    ) -> Result<Conversion, Option<Unit>> {
        if let Some(zero) = zero_of(written) {
            let kelvin = known_unit("K").map(Unit::of).unwrap_or_default();
            let factor = kelvin.in_units_of(needed).ok_or(Some(kelvin))?;
            return Ok(Conversion { factor, offset: zero * factor });
        }
        let unit = self.unit_like(written, Some(needed), sink).ok_or(None)?;
        match unit.in_units_of(needed) {
            Some(factor) => Ok(Conversion { factor, offset: 0.0 }),
            None => Err(Some(unit)),
        }
    }
}

/// The zero, in kelvin, of a unit that measures from another one.
fn zero_of(written: &UnitExpr) -> Option<f64> {
    match written.factors.as_slice() {
        [(name, power)] if *power == crate::base::Ratio::ONE => {
            SHIFTED.iter().find(|(n, _)| *n == name.name).map(|(_, zero)| *zero)
        }
        _ => None,
    }
}

/// Reports every number with a unit in `expr`, which stands where `what` is needed.
pub(in super::super) fn refuse(expr: &ast::Expr, what: &str, sink: &mut Sink) -> bool {
    if let ExprKind::Measured { unit, .. } = &expr.kind {
        let d = Diagnostic::error(E0804, format!("{what} has no unit"), unit.span, "not needed here");
        sink.push(d.help("leave the unit out"));
        return true;
    }
    let mut found = false;
    super::each_part(expr, &mut |part| found |= refuse(part, what, sink));
    found
}

//! Index sets that stand where a unit does: `state u [cell]`, where `state u[cell]` is meant.

use super::each_declared;
use super::table::is_unit;
use crate::base::{IndexSet, Ratio};
use crate::diagnostics::codes::E0801;
use crate::diagnostics::{Diagnostic, Sink};
use crate::source::Span;
use crate::syntax::ast::{self, ModelItem};

/// Reports every declaration of `model` whose unit is the name of an index set of the model and of no unit; whether there is one.
/// Without its index set a name is wrong wherever it is used, so nothing else is worth saying about such a model.
pub(in super::super) fn in_place_of_units(model: &ast::Model, sink: &mut Sink) -> bool {
    let lists = model.body.iter().filter_map(|item| if let ModelItem::Index(list) = item { Some(list) } else { None });
    let sets: IndexSet<&str> = lists.flatten().map(|decl| decl.name.name.as_str()).collect();
    if sets.is_empty() {
        return false;
    }
    let mut found = false;
    for item in &model.body {
        each_declared(item, &mut |name, unit| {
            let Some(unit) = unit else { return };
            let [(set, power)] = unit.factors.as_slice() else { return };
            if *power != Ratio::ONE || !sets.contains(set.name.as_str()) || is_unit(&set.name, &model.units) {
                return;
            }
            found = true;
            let message = format!("`{}` is an index set, and a unit stands behind a blank", set.name);
            let d = Diagnostic::error(E0801, message, set.span, "no unit");
            let d = d.help(format!("index sets follow a name without a blank: `{}[{}]`", name.name, set.name));
            let blank = Span { file: name.span.file, start: name.span.end, end: unit.span.start };
            sink.push(match blank.start < blank.end {
                true => d.replace(blank, ""),
                false => d,
            });
        });
    }
    found
}

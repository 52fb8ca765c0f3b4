//! What targets have no words for, as lines of comments: units, and standard errors of coefficients.

use super::Origin;
use super::rounding::significant;
use crate::base::{Between, IndexMap};
use crate::hir::{Model, Unit, UnknownKind, family, number};

/// Significant digits of standard errors.
const ERROR_DIGITS: u8 = 2;

/// Lines for the head of the output.
pub(super) fn notes(model: &Model, origin: &Origin) -> Vec<String> {
    let mut out = Vec::new();
    let units = units(model);
    if !units.is_empty() {
        let list: Vec<String> = units.iter().map(|(name, unit)| format!("{name} [{unit}]")).collect();
        out.push(format!("units: {}", list.join(", ")));
    }
    for input in model.inputs.values().filter(|i| i.between != Between::Smooth || i.field.is_some()) {
        out.push(match (input.field, input.between) {
            (Some(_), _) => format!("{} is a field: a fit finds its values, one for every step", input.name),
            (None, Between::Impulse) => {
                format!("{} is a rate that comes in impulses: its data are amounts, each at one time", input.name)
            }
            (None, _) => format!("{} is held: it keeps the value of a sample until the next one", input.name),
        });
    }
    if model.step.is_some() {
        out.push("the steps of the data are learned by a fit: derivatives are by a time of its own".to_string());
    }
    for equation in &origin.found {
        let errors = equation.terms.iter().flat_map(|t| {
            let own = t.std_error.map(|e| format!("{} {}", t.term, error(e)));
            let inside = t.inside.iter().filter_map(|(digits, e)| Some(format!("the {digits} in it {}", error((*e)?))));
            let inside: Vec<String> = inside.collect();
            match (own, inside.is_empty()) {
                (own, true) => own,
                (Some(own), false) => Some(format!("{own} ({})", inside.join(", "))),
                (None, false) => Some(format!("{} ({})", t.term, inside.join(", "))),
            }
        });
        let errors: Vec<String> = errors.collect();
        if !errors.is_empty() {
            let left = format!("{}{}", equation.state, "'".repeat(equation.derivative as usize));
            out.push(format!("standard errors of the coefficients of {left}: {}", errors.join(", ")));
        }
    }
    out
}

fn error(v: f64) -> String {
    number(significant(v, ERROR_DIGITS))
}

/// The units that are known, by name; of a family once.
fn units(model: &Model) -> IndexMap<String, String> {
    let mut out: IndexMap<String, String> = IndexMap::new();
    let mut add = |name: &str, unit: Option<&Unit>| {
        if let Some(unit) = unit {
            out.entry(family(name).to_string()).or_insert_with(|| unit.to_string());
        }
    };
    add("t", model.units.time.as_ref());
    model.states.iter().for_each(|(id, s)| add(&s.name, model.units.state(id)));
    model.inputs.iter().for_each(|(id, i)| add(&i.name, model.units.input(id)));
    for (id, unknown) in model.unknowns.iter() {
        if let UnknownKind::Param(_) = unknown.kind {
            add(&unknown.name, model.units.unknown(id));
        }
    }
    out
}

/// A unit in the grammar of Modelica's `unit` attribute (Modelica Language Specification 3.4, chapter 19): `kg.m/s2`, litres as `l`;
/// nothing for powers that are no whole numbers.
pub(super) fn modelica(unit: &Unit) -> Option<String> {
    let spelled = unit.to_string();
    if spelled.contains("^(") || !spelled.is_ascii() || spelled.contains('_') {
        return None;
    }
    let mut out = String::new();
    for part in spelled.split_inclusive(['*', '/', '(', ')', '^']) {
        let (name, sign) = match part.char_indices().last() {
            Some((at, sign)) if !sign.is_ascii_alphanumeric() => (part.get(..at).unwrap_or_default(), Some(sign)),
            _ => (part, None),
        };
        // Litres and their prefixes.
        match name.strip_suffix('L') {
            Some(prefix) => out.push_str(&format!("{prefix}l")),
            None => out.push_str(name),
        }
        match sign {
            Some('*') => out.push('.'),
            Some('^') | None => {}
            Some(other) => out.push(other),
        }
    }
    Some(out)
}

/// Whether rates per second are what `der` and `D` give in this model: then units of states are those of the target, too.
pub(super) fn in_seconds(model: &Model) -> bool {
    model.units.time.as_ref().is_some_and(|unit| unit.to_string() == "s")
}

/// The unit of the state, input or parameter behind a component that is no derivative.
pub(super) fn of_name<'m>(model: &'m Model, name: &str) -> Option<&'m Unit> {
    let state = model.states.iter().find(|(_, s)| s.name == name).and_then(|(id, _)| model.units.state(id));
    let input = || model.inputs.iter().find(|(_, i)| i.name == name).and_then(|(id, _)| model.units.input(id));
    let unknown = || model.unknowns.iter().find(|(_, u)| u.name == name).and_then(|(id, _)| model.units.unknown(id));
    state.or_else(input).or_else(unknown).filter(|u| !u.is_one())
}

#[cfg(test)]
mod tests {
    use super::modelica;
    use crate::hir::Unit;

    #[test]
    fn units_in_the_grammar_of_modelica() {
        let unit = |name: &str| Unit::of(crate::hir::known_unit(name).expect(name));
        let (mg, litre, s) = (unit("mg"), unit("L"), unit("s"));
        let power = |u: &Unit, n, d| u.power(crate::base::Ratio::new(n, d));
        assert_eq!(modelica(&mg.over(&litre)).as_deref(), Some("mg/l"));
        assert_eq!(modelica(&mg.times(&litre).over(&power(&s, 2, 1))).as_deref(), Some("mg.l/s2"));
        assert_eq!(modelica(&Unit::one().over(&litre.times(&s))).as_deref(), Some("1/(l.s)"));
        assert_eq!(modelica(&power(&s, 1, 2)), None);
    }
}

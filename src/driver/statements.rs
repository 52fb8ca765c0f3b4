//! What was found in a model with index sets, in the terms of its statements.

use std::fmt::Write as _;

use super::discovered::number;
use super::findings::{Estimate, Findings};
use super::inside::{mark, settled, written as written_out};
use super::simplified::{NOTHING, Simplified, simplified};
use super::terms::idle_parameters;
use crate::base::Idx;
use crate::hir::{
    HoleId, Model, ParamId, Part, StateId, Statement, Statements, Unit, UnknownId, UnknownKind, spell_bounds,
};
use crate::report;

/// The equations, one for each statement: its known summands as they were written, those of its holes with their
/// coefficients.
pub fn equations(model: &Model, statements: &Statements, findings: &Findings) -> Vec<report::Equation> {
    let all = statements.holes.iter().chain(&statements.equations);
    all.map(|s| equation(model, s, findings)).collect()
}

fn equation(model: &Model, statement: &Statement, findings: &Findings) -> report::Equation {
    let bare = statement.left.trim_end_matches('\'');
    let mut terms = Vec::new();
    for (negative, parts) in &statement.right {
        let sign = if *negative { -1.0 } else { 1.0 };
        let (hole, behind) = match parts.as_slice() {
            [Part::Hole(id)] => (id, String::new()),
            [Part::Ratio(above, below)] => (above, denominator(model, *below, findings)),
            _ => {
                let found = text(model, parts, findings);
                if found.value != Some(0.0) {
                    let (term, inside) = settled(model, findings, &found.text);
                    // A number alone is a coefficient.
                    let (term, size) = found.value.map_or((term, 1.0), |value| ("1".to_string(), value));
                    terms.push(report::Term { term, coefficient: sign * size, inside, ..report::Term::default() });
                }
                continue;
            }
        };
        for (candidate, id, estimate) in kept(model, *hole, findings) {
            let (term, inside) = settled(model, findings, &format!("{candidate}{behind}"));
            terms.push(report::Term {
                term,
                coefficient: sign * estimate.value,
                std_error: estimate.std_error,
                unit: model.units.unknown(id).map(|u| u.to_string()),
                inside,
            });
        }
    }
    let derivative = (statement.left.len() - bare.len()) as u32;
    let state = model.states.iter().find(|(_, s)| crate::hir::family(&s.name) == crate::hir::family(bare));
    let unit = state.and_then(|(id, _)| model.units.derivative(id, u8::try_from(derivative).ok()?));
    report::Equation { state: bare.to_string(), derivative, unit: unit.map(|u| u.to_string()), terms }
}

/// The terms of a hole that are kept, as they are spelled, with their coefficients.
fn kept<'m>(
    model: &'m Model,
    hole: HoleId,
    findings: &'m Findings,
) -> impl Iterator<Item = (String, UnknownId, Estimate)> {
    model.holes.get(hole).into_iter().flat_map(|hole| &hole.terms).filter_map(move |term| {
        let estimate = findings.estimates.get(term.coefficient.index()).filter(|e| e.kept)?;
        Some((model.spell_candidate(term), term.coefficient, *estimate))
    })
}

/// A text with [marks](super::inside).
struct Filled {
    text: String,
    /// Its value, where nothing of its holes stays and the rest is a number.
    value: Option<f64>,
    /// Whether it is a sum or starts with a minus.
    sum: bool,
    /// Whether it is a sum.
    several: bool,
    /// Whether it is one number without a sign.
    number: bool,
}

/// A hole as the sum that was found, behind what it is added to.
fn sum_of(model: &Model, hole: HoleId, findings: &Findings, before: &str) -> Filled {
    let (mut text, mut count, mut minus) = (before.to_string(), usize::from(!before.is_empty()), false);
    for (term, id, estimate) in kept(model, hole, findings) {
        let negative = estimate.value < 0.0;
        minus |= negative && text.is_empty();
        text.push_str(match (negative, text.is_empty()) {
            (true, true) => "-",
            (true, false) => " - ",
            (false, true) => "",
            (false, false) => " + ",
        });
        text.push_str(&mark(id));
        if term != "1" {
            let _ = write!(text, "*{term}");
        }
        count += 1;
    }
    if text.is_empty() {
        text.push(NOTHING);
    }
    let number = count == 1 && before.is_empty() && !minus && !text.contains('*');
    Filled { text, value: None, sum: minus || count > 1, several: count > 1, number }
}

/// What a ratio is divided by: `/(1 + 2*x)`, or nothing where it has no terms.
fn denominator(model: &Model, below: HoleId, findings: &Findings) -> String {
    let sum = sum_of(model, below, findings, "1");
    if sum.sum { format!("/({})", sum.text) } else { String::new() }
}

/// Source text with every hole as the sum that was found.
fn text(model: &Model, parts: &[Part], findings: &Findings) -> Filled {
    let text_of = |i: Option<usize>| match i.and_then(|i| parts.get(i)) {
        Some(Part::Text(text)) => text.trim(),
        _ => "",
    };
    let mut out = String::new();
    let mut sum = false;
    for (i, part) in parts.iter().enumerate() {
        let found = match part {
            Part::Text(text) => {
                out.push_str(text);
                continue;
            }
            Part::Hole(id) => sum_of(model, *id, findings, ""),
            Part::Ratio(above, below) => {
                let (top, below) = (sum_of(model, *above, findings, ""), denominator(model, *below, findings));
                match below.is_empty() {
                    true => top,
                    false if top.several => Filled {
                        text: format!("({}){below}", top.text),
                        sum: false,
                        several: false,
                        number: false,
                        ..top
                    },
                    false => Filled { text: top.text + &below, number: false, ..top },
                }
            }
        };
        let alone = parts.len() == 1;
        // Between brackets or commas nothing else binds.
        let (before, after) = (text_of(i.checked_sub(1)), text_of(i.checked_add(1)));
        let enclosed = before.ends_with(['(', ',']) && after.starts_with([')', ',']);
        sum |= alone && found.sum;
        let factor = found.number && !after.starts_with('^');
        let bare = alone || enclosed || factor || found.text.chars().eq([NOTHING]);
        // Words such as `then` need blanks, which have gone from the ends of the texts.
        let apart = |c: Option<char>| if c.is_some_and(char::is_alphanumeric) { " " } else { "" };
        out.push_str(apart(before.chars().last()));
        out.push_str(&if bare { found.text } else { format!("({})", found.text) });
        out.push_str(apart(after.chars().next()));
    }
    let Simplified { text: out, value } = simplified(&out);
    // A conditional reaches to the end: what follows would belong to it.
    Filled {
        text: if out.starts_with("if ") { format!("({out})") } else { out },
        value,
        sum,
        several: sum,
        number: false,
    }
}

/// The model as source with its holes filled.
pub fn discovered(model: &Model, statements: &Statements, findings: &Findings, initial: &[f64]) -> String {
    let mut out = String::new();
    for (declared, ids) in &statements.states {
        let order = ids.first().map_or(1, |&id| model.states[id].order);
        let order = if order > 1 { format!(" order {order}") } else { String::new() };
        let unit = written(ids.first().and_then(|&id| model.units.state(id)));
        let _ = writeln!(out, "  state {declared}{unit}{order}");
    }
    let idle = idle_parameters(model, &|id| findings.estimates.get(id.index()).is_none_or(|e| e.kept));
    let is_idle = |id: &UnknownId, p: ParamId| model.unknowns[*id].kind == UnknownKind::Param(p);
    for (declared, ids) in &statements.params {
        if ids.iter().all(|&p| idle.iter().any(|id| is_idle(id, p))) {
            continue;
        }
        let values = ids.iter().map(|&p| {
            let unknown = model.unknowns.iter().find(|(_, u)| u.kind == UnknownKind::Param(p));
            let estimate = unknown.and_then(|(id, _)| findings.estimates.get(id.index())).map(|e| e.value);
            estimate.or(model.params[p].value).unwrap_or(0.0)
        });
        let unit = written(ids.first().and_then(|&id| model.units.param(id)));
        let first = ids.first().and_then(|&p| model.params.get(p));
        let _ = match first {
            Some(param) if !param.fixed => {
                writeln!(out, "  param {declared}{unit} = {}{}", list(values), spell_bounds(param.bounds))
            }
            _ => writeln!(out, "  const {declared}{unit} = {}", list(values)),
        };
    }
    for hole in &statements.holes {
        let right: String = hole.right.iter().map(|(_, parts)| text(model, parts, findings).text).collect();
        let right = written_out(model, findings, &right, number);
        let _ = writeln!(out, "  let {} = {right}", hole.left);
    }
    for statement in &statements.equations {
        let indent = "  ".repeat(statement.loops.len() + 1);
        for (k, header) in statement.loops.iter().enumerate() {
            let _ = writeln!(out, "{}for {header} {{", "  ".repeat(k + 1));
        }
        let mut right = String::new();
        for (negative, parts) in &statement.right {
            let part = text(model, parts, findings);
            if part.value == Some(0.0) {
                continue;
            }
            let part = if part.sum && *negative { format!("({})", part.text) } else { part.text };
            let part = written_out(model, findings, &part, number);
            right.push_str(match (*negative, right.is_empty()) {
                (true, true) => "-",
                (true, false) => " - ",
                (false, true) => "",
                (false, false) => " + ",
            });
            right.push_str(&part);
        }
        if right.is_empty() {
            right.push('0');
        }
        let _ = writeln!(out, "{indent}{} = {right}", statement.left);
        for k in (0..statement.loops.len()).rev() {
            let _ = writeln!(out, "{}}}", "  ".repeat(k + 1));
        }
    }
    let components = crate::lower::pointwise::components(model);
    for (declared, ids) in &statements.states {
        let order = ids.first().map_or(1, |&id| model.states[id].order);
        let base = declared.split('[').next().unwrap_or_default();
        for k in 0..order {
            let start = |id: StateId| {
                let place = components.iter().position(|c| *c == (id, k));
                place.and_then(|p| initial.get(p)).copied().unwrap_or(0.0)
            };
            let values = list(ids.iter().map(|&id| start(id)));
            let _ = writeln!(out, "  initial {base}{} = {values}", "'".repeat(k.into()));
        }
    }
    let mut head = format!("\nmodel {} {{\n", model.name);
    for line in used(&statements.declarations, &out) {
        let _ = writeln!(head, "  {line}");
    }
    head + &out + "}\n"
}

/// The declarations that a text needs, directly or through others: functions of the file serve all of its models, and dropped
/// terms leave names behind.
fn used<'d>(declarations: &'d [String], text: &str) -> Vec<&'d String> {
    let mut kept: Vec<&String> = declarations.iter().collect();
    loop {
        let before = kept.len();
        let all = kept.clone();
        kept.retain(|line| {
            let Some(name) = optional(line) else { return true };
            let others = all.iter().filter(|other| *other != line).map(|other| other.as_str());
            others.chain([text]).any(|text| words(text).any(|word| word == name))
        });
        if kept.len() == before {
            return kept;
        }
    }
}

/// The name that a function, constant or `let` declares.
fn optional(declaration: &str) -> Option<&str> {
    let mut words = words(declaration);
    matches!(words.next()?, "fn" | "const" | "let").then(|| words.next())?
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// A unit behind a declared name.
pub(super) fn written(unit: Option<&Unit>) -> String {
    unit.map_or(String::new(), |u| format!(" [{u}]"))
}

/// One number, or several in parentheses.
fn list(values: impl Iterator<Item = f64>) -> String {
    let values: Vec<String> = values.map(number).collect();
    if values.len() == 1 { values.concat() } else { format!("({})", values.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::used;

    #[test]
    fn declarations_that_nothing_needs_are_left_out() {
        let all = [
            "index cell = 1..n",
            "const n = 4",
            "const m = 5",
            "fn f(x) = g(x)",
            "fn g(x) = a*x",
            "fn h(x) = f(x)",
            "let a = 2",
            "input fh",
        ]
        .map(String::from);
        let kept = used(&all, "  u' = 3*f(u) + fh\n");
        let left: Vec<&str> = kept.iter().map(|line| line.as_str()).collect();
        assert_eq!(left, [all[0].as_str(), &all[1], &all[3], &all[4], &all[6], &all[7]]);
    }
}

//! Names in settings of fits and networks: the name of a family stands for all its elements, in order.

use super::settings::Context;
use super::suggest;
use crate::base::{IndexMap, IndexSet};
use crate::diagnostics::Diagnostic;
use crate::hir::{Model, State, StateId, family};
use crate::syntax::ast::{Expr, ExprKind};

/// A name with the numbers behind it: `q`, `q[1]`, `q[1, 2]`.
pub(super) struct Written<'e> {
    /// The name alone.
    pub(super) name: &'e str,
    /// The numbers behind it.
    pub(super) at: Vec<String>,
}

/// What is written; `None` for anything but a name with numbers.
pub(super) fn written(e: &Expr) -> Option<Written<'_>> {
    match &e.kind {
        ExprKind::Name(name) => Some(Written { name, at: Vec::new() }),
        ExprKind::Subscript { of, at } => {
            let ExprKind::Name(name) = &of.kind else { return None };
            Some(Written { name, at: numbers(at)?.iter().map(f64::to_string).collect() })
        }
        _ => None,
    }
}

/// Subscripts that are all numbers.
pub(super) fn numbers(at: &[Expr]) -> Option<Vec<f64>> {
    let number = |e: &Expr| match e.kind {
        ExprKind::Number { value, percent: false } => Some(value),
        _ => None,
    };
    at.iter().map(number).collect()
}

/// The name of an element of a family.
pub(super) fn element_name(family: &str, at: &[String]) -> String {
    format!("{family}[{}]", at.join(", "))
}

impl Written<'_> {
    /// As it is spelled.
    pub(super) fn text(&self) -> String {
        if self.at.is_empty() { self.name.to_string() } else { element_name(self.name, &self.at) }
    }

    /// Whether `declared` is what is written, or an element of it: its first subscripts are the numbers.
    pub(super) fn covers(&self, declared: &str) -> bool {
        let own = subscripts_of(declared);
        family(declared) == self.name && own.len() >= self.at.len() && self.at.iter().zip(own).all(|(a, b)| a == b)
    }
}

/// The subscripts in the name of an element.
pub(super) fn subscripts_of(name: &str) -> Vec<&str> {
    let inside = name.split_once('[').map_or("", |(_, rest)| rest.trim_end_matches(']'));
    inside.split(", ").filter(|s| !s.is_empty()).collect()
}

/// What a setting names, for what is said where it names something else.
pub(super) struct Noun {
    pub(super) code: &'static str,
    /// `state`, `field`
    pub(super) noun: &'static str,
    /// All that could be named: `states`, `estimated parameters`
    pub(super) nouns: &'static str,
    /// Why only that can stand there.
    pub(super) only: &'static str,
    /// What is there instead.
    pub(super) instead: &'static str,
}

/// All that a name stands for among what is declared; an error where there is nothing.
pub(super) fn expand<'m, I>(
    e: &Expr,
    declared: impl Iterator<Item = (I, &'m str)>,
    noun: &Noun,
    model: &Model,
    cx: &mut Context<'_>,
) -> Option<Vec<I>> {
    let Some(written) = written(e) else {
        cx.sink.push(
            Diagnostic::error(noun.code, noun.only, e.span, noun.instead)
                .help("name it, or one of its elements: `x`, `q`, `q[1]`"),
        );
        return None;
    };
    let (mut found, mut known, mut elements) = (Vec::new(), IndexSet::new(), IndexSet::new());
    for (id, name) in declared {
        known.insert(family(name));
        if family(name) == written.name {
            elements.insert(name);
        }
        if written.covers(name) {
            found.push(id);
        }
    }
    if found.is_empty() {
        let message = format!("model `{}` has no {} `{}`", model.name, noun.noun, written.text());
        let help = match (elements.first(), elements.last()) {
            (Some(first), Some(last)) if first != last => format!("there are `{first}` to `{last}`").into(),
            (Some(one), _) => format!("there is `{one}` alone").into(),
            _ => suggest::help(noun.nouns, written.name, known),
        };
        cx.sink.push(Diagnostic::error(noun.code, message, e.span, format!("unknown {}", noun.noun)).help(help));
        return None;
    }
    Some(found)
}

/// The states of a model with their names.
pub(super) fn states(model: &Model) -> impl Iterator<Item = (StateId, &str)> {
    model.states.iter().map(|(id, State { name, .. })| (id, name.as_str()))
}

/// `1 number`, `2 numbers`.
pub(super) fn so_many(count: usize) -> String {
    format!("{count} number{}", if count == 1 { "" } else { "s" })
}

/// How many things `names` stand for: "2 names", or "12 elements of `C`, `b`" with families among them.
pub(super) fn count(elements: usize, names: &[&Expr], noun: &str) -> String {
    if elements == names.len() {
        return format!("{elements} {noun}");
    }
    let names = names.iter().filter_map(|e| match &e.kind {
        ExprKind::Primed { of, .. } => written(of),
        _ => written(e),
    });
    let names: Vec<String> = names.map(|w| format!("`{}`", w.text())).collect();
    format!("{elements} elements of {}", names.join(", "))
}

/// The families of states of some models, by name: the first model that has one, and its elements.
#[derive(Default)]
pub(super) struct Families<'p> {
    found: IndexMap<&'p str, (&'p Model, Vec<&'p str>)>,
    /// Families with other elements in a second model: that model, and how many there.
    differ: IndexMap<&'p str, (&'p Model, usize)>,
    /// Names of the index sets of each family that has any.
    sets: IndexMap<&'p str, Vec<String>>,
}

impl<'p> Families<'p> {
    /// Of the models whose fits use a network.
    pub(super) fn of(models: impl Iterator<Item = &'p Model>) -> Families<'p> {
        let mut out = Families::default();
        for model in models {
            for (declared, _) in model.statements.iter().flat_map(|s| &s.states) {
                let sets = subscripts_of(declared).into_iter().map(str::to_string).collect();
                out.sets.entry(family(declared)).or_insert(sets);
            }
            let mut own: IndexMap<&str, Vec<&str>> = IndexMap::new();
            for (_, name) in states(model) {
                own.entry(family(name)).or_default().push(name);
            }
            for (name, elements) in own {
                match out.found.get(name) {
                    Some((_, first)) if *first != elements => {
                        out.differ.insert(name, (model, elements.len()));
                    }
                    Some(_) => {}
                    None => {
                        out.found.insert(name, (model, elements));
                    }
                }
            }
        }
        out
    }

    /// Whether nothing is known: no fit uses the network.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The index sets of a family, in order.
    pub(super) fn sets(&self, family: &str) -> &[String] {
        self.sets.get(family).map_or(&[], Vec::as_slice)
    }

    /// Every family, and every state that is none.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.found.keys().copied()
    }

    /// The first and the last number of an index set.
    pub(super) fn range(&self, set: &str) -> Option<(i64, i64)> {
        let (family, at) =
            self.sets.iter().find_map(|(family, sets)| Some((family, sets.iter().position(|s| s == set)?)))?;
        let (_, elements) = self.found.get(family)?;
        let numbers = || elements.iter().filter_map(|e| subscripts_of(e).get(at)?.parse::<i64>().ok());
        Some((numbers().min()?, numbers().max()?))
    }

    /// What is wrong with the first of these families that has other elements in a second model.
    pub(super) fn differing(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.differ.keys().find(|name| wanted(name)).and_then(|name| self.differs(name))
    }

    fn differs(&self, name: &str) -> Option<String> {
        let ((model, elements), (other, count)) = (self.found.get(name)?, self.differ.get(name)?);
        Some(format!(
            "`{name}` has {} elements in `{}` and {count} in `{}`, and a network has one size",
            elements.len(),
            model.name,
            other.name
        ))
    }

    /// Every index set that a state has.
    pub(super) fn all_sets(&self) -> impl Iterator<Item = &str> {
        self.sets.values().flatten().map(String::as_str)
    }

    /// The names of all elements that are meant; a name that no model knows is one itself.
    ///
    /// # Errors
    /// What is wrong where two models have other elements of the name.
    pub(super) fn names(&self, written: &Written<'_>) -> Result<Vec<String>, String> {
        let Some((_, elements)) = self.found.get(written.name) else { return Ok(vec![written.text()]) };
        if let Some(message) = self.differs(written.name) {
            return Err(message);
        }
        let names: Vec<String> = elements.iter().filter(|e| written.covers(e)).map(|e| e.to_string()).collect();
        Ok(if names.is_empty() { vec![written.text()] } else { names })
    }
}

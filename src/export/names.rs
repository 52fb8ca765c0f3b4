//! Names that are legal in a target and differ from its own words and from each other.

use std::collections::{HashMap, HashSet};

use super::greek;
use crate::base::Idx;
use crate::hir::{ExprKind, Level, Model, Piece, UnknownKind};

/// What names may look like in a target.
pub(super) struct Rules {
    /// A name of the language, or that of an element such as `q[1, 2]`, in the target.
    pub(super) legal: fn(&str) -> String,
    /// A legal name in place of one that is taken, numbered from 2 on: from the name in the language and the legal one.
    pub(super) again: fn(&str, &str, usize) -> String,
    /// The name of a state's derivative, before it is made legal, where derivatives have names.
    pub(super) derivative: Option<fn(&str, usize) -> String>,
    /// Whether the model has a name.
    pub(super) model: bool,
    /// How the target writes the time.
    pub(super) time: &'static str,
    /// Words that cannot be names, separated by blanks: keywords, functions, names that the output itself defines.
    pub(super) reserved: &'static str,
}

/// The names of a model in a target.
pub(super) struct Table {
    /// That of the model, where it has one.
    pub(super) model: String,
    /// Those of states, and of their derivatives below the order where they have names.
    pub(super) states: Vec<Vec<String>>,
    /// Those of inputs.
    pub(super) inputs: Vec<String>,
    /// Those of unknowns.
    pub(super) unknowns: Vec<String>,
    time: &'static str,
}

impl Table {
    /// Finds a name for everything. Names that are legal as they stand are kept.
    pub(super) fn new(model: &Model, rules: &Rules) -> Table {
        let mut wanted: Vec<String> = rules.model.then(|| model.name.clone()).into_iter().collect();
        let names = |order: u8| if rules.derivative.is_some() { order.max(1) } else { 1 };
        for state in model.states.values() {
            wanted.push(state.name.clone());
            let derivatives = rules
                .derivative
                .into_iter()
                .flat_map(|name| (1..usize::from(state.order)).map(move |k| name(&state.name, k)));
            wanted.extend(derivatives);
        }
        wanted.extend(model.inputs.values().map(|i| i.name.clone()));
        let is_param = |u: &&crate::hir::Unknown| matches!(u.kind, UnknownKind::Param(_));
        wanted.extend(model.unknowns.values().filter(is_param).map(|u| u.name.clone()));
        let mut found = settle(&wanted, rules).into_iter();
        let mut next = || found.next().unwrap_or_default();
        Table {
            model: if rules.model { next() } else { String::new() },
            states: model.states.values().map(|s| (0..names(s.order)).map(|_| next()).collect()).collect(),
            inputs: model.inputs.values().map(|_| next()).collect(),
            // Parameters come before the coefficients of holes.
            unknowns: model.unknowns.values().filter(is_param).map(|_| next()).collect(),
            time: rules.time,
        }
    }

    /// The name of a leaf of an expression.
    pub(super) fn leaf(&self, leaf: &ExprKind) -> Piece {
        let name = match leaf {
            ExprKind::Time => Some(self.time),
            ExprKind::State(s, k) => {
                self.states.get(s.index()).and_then(|names| names.get(usize::from(*k))).map(String::as_str)
            }
            ExprKind::Input(i) => self.inputs.get(i.index()).map(String::as_str),
            ExprKind::Unknown(u) => self.unknowns.get(u.index()).map(String::as_str),
            _ => None,
        };
        Piece::new(name.unwrap_or_default(), Level::Atom)
    }
}

fn settle(wanted: &[String], rules: &Rules) -> Vec<String> {
    let legal: Vec<String> = wanted.iter().map(|name| (rules.legal)(name)).collect();
    let mut taken: HashSet<String> = rules.reserved.split_whitespace().map(str::to_string).collect();
    let mut count: HashMap<&str, usize> = HashMap::new();
    let mut found = vec![String::new(); wanted.len()];
    for kept in [true, false] {
        for ((name, legal), slot) in wanted.iter().zip(&legal).zip(&mut found) {
            if (name == legal) != kept {
                continue;
            }
            let mut candidate = legal.clone();
            while !taken.insert(candidate.clone()) {
                let n = count.entry(legal).or_insert(1);
                *n += 1;
                candidate = (rules.again)(name, legal, *n);
            }
            *slot = candidate;
        }
    }
    found
}

/// The name in ASCII letters, digits and `_`: Greek letters by their names, other letters by their numbers, the elements of
/// index sets behind `_`.
pub(super) fn ascii(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || c == '_' => out.push(c),
            '[' | ',' => out.push('_'),
            '-' => out.push('m'),
            ']' | ' ' => {}
            c => match greek::name(c) {
                Some(name) => out.push_str(name),
                None => out.push_str(&format!("u{:04x}", u32::from(c))),
            },
        }
    }
    out
}

/// `name_2`
pub(super) fn numbered(_: &str, legal: &str, n: usize) -> String {
    format!("{legal}_{n}")
}

/// `x_der`, `x_der2`
pub(super) fn derivative(name: &str, k: usize) -> String {
    if k == 1 { format!("{name}_der") } else { format!("{name}_der{k}") }
}

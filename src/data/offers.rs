//! What a file may hold for what was asked of it and is not there: what is told of it, and what to write in the data block. An offer goes by the
//! names of columns, so it is told with an `if`.

use std::collections::HashSet;

use super::guesses::guesses;
use super::named::{in_line, list, offered_names, written_column};
use super::nearest::nearest;
use super::spec::{Asked, Lacking, ReadFor, called_time};
use crate::base::IndexSet;

/// Columns that are listed as measured in a help, at most.
const MOST_MEASURED: usize = 6;

/// Settings that are shown of those that leave a column open, or are too many, at most.
const MOST_OPEN: usize = 12;
/// Settings that are shown where they are all that is missing, at most.
const MOST_WRITTEN: usize = 60;

/// A unit behind a column. A data block that gives units gives all of them, `[1]` too.
fn written_unit(unit: Option<&str>) -> String {
    unit.map_or_else(String::new, |unit| format!(" [{unit}]"))
}

/// Names and the verb that goes with their number.
fn were(names: &[&str]) -> String {
    format!("{} {}", list(names), if names.len() == 1 { "was" } else { "were" })
}

/// What to write in a data block.
#[derive(Default)]
struct Offer<'a> {
    /// What it goes by.
    ifs: Vec<String>,
    /// The settings.
    settings: Vec<String>,
    /// States that are taken for not measured.
    unmeasured: Vec<&'a str>,
    /// Columns that nothing is read from, then either.
    rest: Vec<&'a String>,
    /// Whether the name of a column is left open.
    is_open: bool,
    /// Whether any state is measured, as far as that is known.
    measures: bool,
}

impl Offer<'_> {
    /// A setting with a column, or with none where no name tells it; `words` are what it goes by.
    fn add(
        &mut self,
        kind: &str,
        column: Option<&String>,
        words: &dyn Fn(&str) -> String,
        setting: &dyn Fn(&str) -> String,
    ) {
        self.ifs.extend(column.map(|column| words(column)));
        self.is_open |= column.is_none();
        self.settings.push(setting(&column.map_or_else(|| kind.to_uppercase(), |column| written_column(column))));
    }
}

impl Lacking {
    /// The name of the state or the input.
    fn name(&self) -> Option<&str> {
        match &self.role {
            ReadFor::State(name) | ReadFor::Input(name) => Some(name),
            _ => None,
        }
    }

    fn is_state(&self) -> bool {
        matches!(self.role, ReadFor::State(_))
    }
}

impl Asked {
    /// Whether the column that tells trajectories apart is all that the file lacks.
    pub(super) fn wants_trajectory(&self) -> bool {
        matches!(self.lacking.as_slice(), [Lacking { role: ReadFor::Trajectory, .. }])
    }

    /// Whether more is to be said than how a single column is named.
    pub fn is_much(&self) -> bool {
        self.lacking.len() > 1 || !self.lacking.is_empty() && !self.looks.experiments.is_empty()
    }

    /// What the file lacks where the column `wanted` is missed first.
    pub(super) fn lacks(&self, kind: &str, wanted: &str) -> String {
        let columns: Vec<&str> = self.columns().collect();
        match columns.as_slice() {
            [] | [_] => format!("{kind} `{}`", in_line(wanted)),
            all => format!("{kind}s {}", list(all)),
        }
    }

    /// What the file lacks beside its times, with words before it.
    pub(super) fn beside_times(&self, words: &str) -> String {
        let others: Vec<&str> =
            self.lacking.iter().filter(|l| l.role != ReadFor::Time).map(|l| l.column.as_str()).collect();
        if others.is_empty() { String::new() } else { format!("{words}{}", list(&others)) }
    }

    /// The columns that the file lacks.
    fn columns(&self) -> impl Iterator<Item = &str> {
        self.lacking.iter().map(|l| l.column.as_str()).filter(|column| !column.is_empty())
    }

    /// Columns that nothing is read from and that may hold what a state or an input is.
    fn numeric(&self) -> Vec<&String> {
        let texts: HashSet<&String> = self.looks.texts.iter().collect();
        self.free.iter().filter(|column| !texts.contains(column)).collect()
    }

    /// What to do where the column `wanted` is all that the file lacks.
    pub(super) fn way_out(&self, kind: &str, wanted: &str) -> String {
        let lacking = self.lacking.iter().find(|l| l.column == wanted);
        let role = lacking.map_or(&ReadFor::Trajectory, |l| &l.role);
        let guessed = self.guesses().into_iter().next().flatten();
        // Where one column alone is left, it is the one to try.
        let column = match (guessed, self.numeric().as_slice(), self.free.as_slice()) {
            (Some(guessed), ..) => written_column(guessed),
            (None, [only], _) if *role != ReadFor::Trajectory => written_column(only),
            (None, _, [only]) if *role == ReadFor::Trajectory => written_column(only),
            _ => kind.to_uppercase(),
        };
        let unit = written_unit(lacking.and_then(|l| l.unit.as_deref()));
        let (name, is_input) = match role {
            ReadFor::Time => {
                return format!("name the one with the times with `time {}`, or give `dt`", kind.to_uppercase());
            }
            ReadFor::Formula => {
                return format!(
                    "a formula of the data reads columns, and no parameter can stand there: if `{wanted}` is one, let an equation hold it"
                );
            }
            ReadFor::Trajectory => return format!("name the one that tells trajectories apart: `trajectory {column}`"),
            ReadFor::State(name) => (name, false),
            ReadFor::Input(name) => (name, true),
        };
        let named = format!("`{name} = {column}{unit}`");
        if is_input {
            return format!("name the one that holds the input `{name}`: {named}");
        }
        let mut measured = self.written_measured();
        measured.truncate(MOST_MEASURED);
        match (measured.as_slice(), name == wanted) {
            ([], _) => format!("name the one that holds `{name}`: {named}"),
            (_, false) => format!("name the one that holds `{name}`, {named}, or leave it out if it was not measured"),
            (measured, true) => format!(
                "if `{name}` has another name there, say {named}; if it was not measured, list what was: `{}`",
                measured.join("; ")
            ),
        }
    }

    /// The columns that are there, as the block lists them: families that are there as a whole by their name.
    fn written_measured(&self) -> Vec<String> {
        let family = |name: &str| name.split('[').next().unwrap_or_default().to_string();
        let lacking: HashSet<String> = self.lacking.iter().filter_map(Lacking::name).map(family).collect();
        let mut out = IndexSet::new();
        for m in &self.measured {
            let whole = family(&m.name);
            let (name, column) = match m.name == m.column && !lacking.contains(&whole) {
                true => (whole.clone(), whole),
                false => (m.name.clone(), m.column.clone()),
            };
            out.insert(format!("{name} = {}{}", written_column(&column), written_unit(m.unit.as_deref())));
        }
        out.into_iter().collect()
    }

    /// What to write where the file lacks several things, or where its times start again besides.
    pub(super) fn whole(&self, kind: &str, existing: &[String]) -> String {
        let Offer { ifs, settings, unmeasured, rest, is_open, measures } = self.offer(kind, existing);
        let blank = kind.to_uppercase();
        let said = match ifs.split_last() {
            None => String::new(),
            Some(_) if ifs.len() > MOST_WRITTEN => {
                format!("if {} and so on, ", ifs.get(..MOST_OPEN).unwrap_or(&ifs).join(", "))
            }
            Some((only, [])) => format!("if {only}, "),
            Some((last, first)) => format!("if {} and {last}, ", first.join(", ")),
        };
        let mut text = format!("the {kind}s are {}", list(existing));
        if !settings.is_empty() {
            // What is left open nobody copies as it is, nor hundreds of settings, which the edit has.
            let is_short = settings.len() <= if is_open { MOST_OPEN } else { MOST_WRITTEN };
            let shown = if is_short { &settings } else { settings.get(..MOST_OPEN).unwrap_or(&settings) };
            let more = if shown.len() < settings.len() { "; ..." } else { "" };
            text.push_str(&format!("; {said}write `{}{more}`", shown.join("; ")));
        }
        if is_open {
            let free = if rest.is_empty() { String::new() } else { format!(" (nothing reads {})", list(&rest)) };
            text.push_str(&format!(", with the name of {} in place of {blank}{free}", article(kind)));
            if !measures {
                text.push_str("; leave out the states that were not measured");
            }
        } else if let (Some(name), false) = (unmeasured.first(), rest.is_empty()) {
            let (column, one) = match rest.as_slice() {
                [only] => (written_column(only), String::new()),
                _ => (blank, format!(" with one of {}", list(&rest))),
            };
            text.push_str(&format!("; what else was measured is listed too, such as `{name} = {column}`{one}"));
        }
        if let Some(in_formula) = self.lacking.iter().find(|l| l.role == ReadFor::Formula) {
            text.push_str(&format!(
                "; a formula of the data reads `{}`: name a column there, or put it right",
                in_formula.column
            ));
        }
        text + "."
    }

    /// The settings that are offered, where they are all that is missing and decide nothing: keys with what stands behind them.
    pub fn settings(&self, kind: &str, existing: &[String]) -> Option<Vec<String>> {
        let is_told = self.is_much() && self.lacking.iter().all(|l| l.role != ReadFor::Formula);
        let offer = is_told.then(|| self.offer(kind, existing))?;
        // A column that nothing reads may be the state that would count as not measured.
        let decides = !offer.unmeasured.is_empty() && !offer.rest.is_empty();
        (!offer.is_open && !decides && !offer.settings.is_empty()).then_some(offer.settings)
    }

    fn offer(&self, kind: &str, existing: &[String]) -> Offer<'_> {
        let guesses = self.guesses();
        let time = self.times(existing);
        let guessed: HashSet<&String> = guesses.iter().copied().flatten().collect();
        let taken = |column: &&String| guessed.contains(*column) || time.as_ref() == Some(*column);
        let experiments = self.looks.experiments.iter().find(|column| !taken(column));
        let mut out = Offer {
            rest: self.numeric().into_iter().filter(|c| !taken(c) && Some(*c) != experiments).collect(),
            ..Offer::default()
        };
        if self.lacking.iter().any(|l| l.role == ReadFor::Time) {
            out.add(kind, time.as_ref(), &|c| format!("`{c}` holds the times"), &|c| format!("time {c}"));
        }
        if experiments.is_some() || self.lacking.iter().any(|l| l.role == ReadFor::Trajectory) {
            let guessed = self.lacking.iter().zip(&guesses).find(|(l, _)| l.role == ReadFor::Trajectory);
            let column = guessed.and_then(|(_, guess)| *guess).or(experiments);
            out.add(kind, column, &|c| format!("`{c}` tells the experiments apart"), &|c| format!("trajectory {c}"));
        }
        let asked = || self.lacking.iter().zip(&guesses).filter_map(|(l, guess)| Some((l, l.name()?, *guess)));
        let states = self.lacking.iter().any(Lacking::is_state);
        // Once one state is listed, only those that are listed count as measured.
        let any = !self.measured.is_empty() || asked().any(|(l, _, guess)| l.is_state() && guess.is_some());
        out.measures = any || !states;
        for (l, name, guess) in asked() {
            match guess {
                None if l.is_state() && any => out.unmeasured.push(name),
                guess => out.add(kind, guess, &|c| format!("`{name}` is `{c}`"), &|c| {
                    format!("{name} = {c}{}", written_unit(l.unit.as_deref()))
                }),
            }
        }
        if states {
            out.settings.extend(self.written_measured());
        }
        if !out.unmeasured.is_empty() {
            out.ifs.push(format!("{} not measured", were(&out.unmeasured)));
        }
        out
    }

    /// The column that may hold the times that are asked for.
    fn times(&self, existing: &[String]) -> Option<String> {
        let wanted = self.lacking.iter().find(|l| l.role == ReadFor::Time)?;
        let near = nearest(&wanted.column, offered_names(existing).map(String::as_str));
        near.filter(|_| !wanted.column.is_empty()).or_else(|| called_time(existing))
    }

    /// For everything that is lacking the column that is called like it, if one alone is.
    fn guesses(&self) -> Vec<Option<&String>> {
        let texts: HashSet<&String> = self.looks.texts.iter().collect();
        let columns: Vec<&String> = self.free.iter().collect();
        // Times are looked for by other words, and a formula may read what is no column.
        let sought = |l: &Lacking| !matches!(l.role, ReadFor::Time | ReadFor::Formula);
        let wanted: Vec<&str> = self.lacking.iter().map(|l| if sought(l) { l.column.as_str() } else { "" }).collect();
        let may_be = |row: usize, at: usize| {
            self.lacking.get(row).is_some_and(|l| l.role == ReadFor::Trajectory)
                || columns.get(at).is_some_and(|column| !texts.contains(column))
        };
        let found = guesses(&wanted, &columns, &may_be);
        found.into_iter().map(|at| columns.get(at?).copied()).collect()
    }
}

/// `a column`, `an array`.
fn article(kind: &str) -> String {
    format!("{} {kind}", if kind.starts_with('a') { "an" } else { "a" })
}

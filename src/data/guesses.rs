//! Which column of a table may be what it lacks, by their names.

use std::collections::{HashMap, HashSet};

use super::nearest::{letters, slip};

/// Letters of names times letters of columns that are compared by pairs, at most: a table of thousands of columns is not searched for names that are
/// like one another.
const MOST_LETTERS: usize = 4_000_000;

/// Single letters behind other words that are names rather than units: `pos_x`, but not `speed_m_s`.
const COORDINATES: [&str; 3] = ["x", "y", "z"];

/// For every name that is wanted the place of the column that is called like it, if there is one: the best matches first, and none of a column that
/// two of them could be. Names are empty where nothing is to be guessed; `may_be` says whether a column may be what a name is for.
///
/// The best matches are the same name but for capitals, separators and a unit behind it, then a word of the column, then the beginning of one, then
/// nearly the same. What is the same is looked up; the rest is compared by pairs, as long as there are not too many.
pub(super) fn guesses(
    wanted: &[&str],
    columns: &[&String],
    may_be: &dyn Fn(usize, usize) -> bool,
) -> Vec<Option<usize>> {
    let names: Vec<Name> = wanted.iter().map(|name| Name::of(name)).collect();
    let readings: Vec<Reading> = columns.iter().map(|column| Reading::of(column)).collect();
    let mut rows: HashMap<&str, Vec<usize>> = HashMap::new();
    for (row, name) in names.iter().enumerate().filter(|(_, name)| !name.squeezed.is_empty()) {
        rows.entry(&name.squeezed).or_default().push(row);
    }
    let called = |words: &dyn Fn(&Reading) -> HashSet<String>| -> Vec<(usize, usize)> {
        let of = |(at, reading): (usize, &Reading)| -> Vec<(usize, usize)> {
            let same = words(reading).into_iter().filter_map(|word| rows.get(word.as_str()));
            // Of several names that differ in separators alone a column is none: two of them show it.
            same.flat_map(|rows| rows.iter().take(2))
                .map(|row| (*row, at))
                .filter(|(row, at)| may_be(*row, *at))
                .collect()
        };
        readings.iter().enumerate().flat_map(of).collect()
    };
    let mut found = Found { guesses: vec![None; names.len()], taken: HashSet::new() };
    found.settle(&called(&|reading| reading.names.clone()));
    found.settle(&called(&|reading| reading.words.difference(&reading.names).cloned().collect()));

    let rest = names.iter().enumerate().zip(&found.guesses).filter(|(_, guess)| guess.is_none()).map(|(name, _)| name);
    let open: Vec<(usize, &Name)> = rest.filter(|(_, name)| !name.squeezed.is_empty()).collect();
    let free: Vec<(usize, &Reading)> =
        readings.iter().enumerate().filter(|(at, _)| !found.taken.contains(at)).collect();
    let size = |letters: &mut dyn Iterator<Item = usize>| letters.sum::<usize>();
    let pairs = size(&mut open.iter().map(|(_, name)| name.letters.len() + 1))
        .saturating_mul(size(&mut free.iter().map(|(_, reading)| reading.letters.len() + 1)));
    if pairs <= MOST_LETTERS {
        let (mut begun, mut near) = (Vec::new(), Vec::new());
        for (row, name) in &open {
            for (at, reading) in free.iter().filter(|(at, _)| may_be(*row, *at)) {
                match reading.likeness(name) {
                    Some(Likeness::Begun) => begun.push((*row, *at)),
                    Some(Likeness::Near) => near.push((*row, *at)),
                    None => {}
                }
            }
        }
        found.settle(&begun);
        found.settle(&near);
    }
    found.guesses
}

/// What is found so far.
struct Found {
    guesses: Vec<Option<usize>>,
    taken: HashSet<usize>,
}

impl Found {
    /// Takes those of the pairs of a name and a column that have no rival on either side, what is found already aside.
    fn settle(&mut self, pairs: &[(usize, usize)]) {
        let is_open = |(row, at): &&(usize, usize)| {
            self.guesses.get(*row).is_some_and(Option::is_none) && !self.taken.contains(at)
        };
        let open: Vec<(usize, usize)> = pairs.iter().filter(is_open).copied().collect();
        let (mut of_name, mut of_column): (HashMap<usize, usize>, HashMap<usize, usize>) = Default::default();
        for (row, at) in &open {
            *of_name.entry(*row).or_default() += 1;
            *of_column.entry(*at).or_default() += 1;
        }
        for (row, at) in open {
            if let (Some(1), Some(1), Some(slot)) = (of_name.get(&row), of_column.get(&at), self.guesses.get_mut(row)) {
                *slot = Some(at);
                self.taken.insert(at);
            }
        }
    }
}

/// A name that is wanted.
struct Name {
    /// Its letters and digits in lower case.
    squeezed: String,
    /// The whole of it, for slips.
    letters: Vec<char>,
}

impl Name {
    fn of(name: &str) -> Self {
        Name { squeezed: squeezed(name), letters: letters(name) }
    }
}

/// How a column may be called like a name, where it is not the same and no word of it is.
enum Likeness {
    Begun,
    Near,
}

/// What the name of a column may be read as.
struct Reading {
    /// The whole of it, with and without a unit behind it.
    names: HashSet<String>,
    /// Its words without a unit.
    words: HashSet<String>,
    /// For slips.
    letters: Vec<char>,
}

impl Reading {
    fn of(column: &str) -> Self {
        let bare = without_units(column);
        let words = bare.split(|c: char| !c.is_alphanumeric()).map(squeezed).filter(|word| !word.is_empty());
        // A single letter behind a word is a unit more often than a name.
        let is_name = |(k, word): &(usize, String)| *k == 0 || word.len() > 1 || COORDINATES.contains(&word.as_str());
        Reading {
            words: words.enumerate().filter(is_name).map(|(_, word)| word).collect(),
            names: [squeezed(column), squeezed(&bare)].into_iter().filter(|name| !name.is_empty()).collect(),
            letters: letters(bare.trim()),
        }
    }

    fn likeness(&self, name: &Name) -> Option<Likeness> {
        if self.names.contains(&name.squeezed) || self.words.contains(&name.squeezed) {
            return None;
        }
        // Shorter beginnings say nothing.
        let begins = |a: &str, b: &str| a.chars().count() > 2 && b.starts_with(a);
        match self.words.iter().any(|word| begins(&name.squeezed, word) || begins(word, &name.squeezed)) {
            true => Some(Likeness::Begun),
            false => slip(&name.letters, &self.letters).map(|_| Likeness::Near),
        }
    }
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A name without what stands in brackets, where that is no subscript and something stands before it: `speed (m/s)`, `mass [g]`, but not `u[3]`.
fn without_units(column: &str) -> String {
    let (mut out, mut rest) = (String::new(), column);
    while let Some(open) = rest.find(['(', '[']) {
        let (before, behind) = rest.split_at(open);
        let close = if behind.starts_with('(') { ')' } else { ']' };
        let Some(end) = behind.find(close) else { break };
        let (inner, after) = behind.split_at(end + 1);
        out.push_str(before);
        let is_subscript = !inner.contains(|c: char| c.is_alphabetic() || c == '%');
        out.push_str(if is_subscript { inner } else { " " });
        rest = after;
    }
    out.push_str(rest);
    if squeezed(&out).is_empty() { column.to_string() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(wanted: &[&str], columns: &[&str]) -> Vec<Option<String>> {
        let columns: Vec<String> = columns.iter().map(|column| (*column).to_string()).collect();
        let found = guesses(wanted, &columns.iter().collect::<Vec<_>>(), &|_, _| true);
        found.into_iter().map(|at| at.and_then(|at| columns.get(at).cloned())).collect()
    }

    fn guess(wanted: &str, column: &str) -> bool {
        guessed(&[wanted], &[column]) == [Some(column.to_string())]
    }

    #[test]
    fn columns_are_found_by_name() {
        for (wanted, column) in [
            ("x", "X (m)"),
            ("speed", "speed (m/s)"),
            ("dose", "dose_mg"),
            ("conc", "concentration"),
            ("u[1]", "u1"),
            ("u[1]", "U[1]"),
            ("u[1, 2]", "u_1_2"),
            ("x", "pos_x"),
            ("v", "v_ms"),
            ("temperature", "temprature [degC]"),
            ("xx", "x"),
        ] {
            assert!(guess(wanted, column), "{wanted}: {column}");
        }
    }

    /// Neither in brackets nor behind a word a unit is a name.
    #[test]
    fn units_are_no_names() {
        for (wanted, column) in
            [("s", "speed (m/s)"), ("v", "current (V)"), ("g", "mass [g]"), ("s", "speed_m_s"), ("m", "(m)oment")]
        {
            assert!(!guess(wanted, column), "{wanted}: {column}");
        }
    }

    #[test]
    fn what_could_be_several_is_none() {
        let found = guessed(&["x", "y", "v"], &["x_a", "x_b", "Y", "y_old", "vel"]);
        assert_eq!(found, [None, Some("Y".to_string()), None]);
        assert_eq!(guessed(&["a_b", "ab"], &["AB"]), [None, None]);
    }

    /// Thousands of names are looked up, and not compared by pairs.
    #[test]
    fn many_columns_take_no_time() {
        let names = |of: &str| (0..20_000).map(|k| format!("{of}[{k}]")).collect::<Vec<_>>();
        let (wanted, columns) = (names("u"), names("U"));
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let found = guesses(&wanted, &columns.iter().collect::<Vec<_>>(), &|_, _| true);
        assert!(found.iter().enumerate().all(|(k, at)| *at == Some(k)));
        let others = names("column");
        let found = guesses(&wanted, &others.iter().collect::<Vec<_>>(), &|_, _| true);
        assert!(found.iter().all(Option::is_none));
    }
}

//! What may be meant by a name that is no unit: a unit in other letter case, a unit's name in full, a slip in a long name.
//!
//! Symbols are so short that most names are within an edit or two of one. What is merely near is another quantity as a rule: an optical
//! density `OD` is no `cd`. It is not offered.

use crate::diagnostics::is_slip;
use crate::hir::{known_unit, known_units};

/// Names of units, which are written with their symbols.
const SPOKEN: &[(&str, &str)] = &[
    ("second", "s"),
    ("sec", "s"),
    ("minute", "min"),
    ("hour", "h"),
    ("hr", "h"),
    ("day", "d"),
    ("dy", "d"),
    ("year", "yr"),
    ("y", "yr"),
    ("a", "yr"),
    ("meter", "m"),
    ("metre", "m"),
    ("micron", "um"),
    ("hectare", "ha"),
    ("liter", "L"),
    ("litre", "L"),
    ("gram", "g"),
    ("tonne", "t"),
    ("dalton", "Da"),
    ("mole", "mol"),
    ("molar", "M"),
    ("katal", "kat"),
    ("kelvin", "K"),
    ("ampere", "A"),
    ("amp", "A"),
    ("volt", "V"),
    ("ohm", "Ohm"),
    ("siemens", "S"),
    ("farad", "F"),
    ("coulomb", "C"),
    ("henry", "H"),
    ("tesla", "T"),
    ("weber", "Wb"),
    ("watt", "W"),
    ("joule", "J"),
    ("electronvolt", "eV"),
    ("newton", "N"),
    ("pascal", "Pa"),
    ("hertz", "Hz"),
    ("becquerel", "Bq"),
    ("gray", "Gy"),
    ("sievert", "Sv"),
    ("candela", "cd"),
    ("lumen", "lm"),
    ("lux", "lx"),
    ("degree", "deg"),
    ("radian", "rad"),
    ("steradian", "sr"),
    ("percent", "%"),
    ("dimensionless", "1"),
    ("unitless", "1"),
    ("none", "1"),
    ("fraction", "1"),
];

/// Prefixes in words, with their symbols.
const PREFIXES: &[(&str, &str)] = &[
    ("tera", "T"),
    ("giga", "G"),
    ("mega", "M"),
    ("kilo", "k"),
    ("hecto", "h"),
    ("deca", "da"),
    ("deci", "d"),
    ("centi", "c"),
    ("milli", "m"),
    ("micro", "u"),
    ("nano", "n"),
    ("pico", "p"),
    ("femto", "f"),
    ("atto", "a"),
];

const WEEK: &str = "a week is `7 [d]`; it is declared at the top level: `unit week = 7 [d]`";
const CELSIUS: &str = "temperatures are in `K`; a column that is read may be in `degC`: `T = temperature [degC]`";
const FAHRENHEIT: &str = "temperatures are in `K`: convert the numbers, (F + 459.67)/1.8";

/// Names for which no unit can be written in their place, with what is done instead.
const NOTED: &[(&str, &str)] = &[
    ("week", WEEK),
    ("wk", WEEK),
    ("celsius", CELSIUS),
    ("centigrade", CELSIUS),
    ("degc", CELSIUS),
    ("fahrenheit", FAHRENHEIT),
    ("degf", FAHRENHEIT),
    ("molal", "a molality is in `mol/kg`"),
    ("kcal", "a kilocalorie is `4184 [J]`; it is declared at the top level: `unit kcal = 4184 [J]`"),
    ("cal", "a calorie is `4.184 [J]`; it is declared at the top level: `unit cal = 4.184 [J]`"),
    // Letter case alone does not tell arbitrary units from astronomical ones.
    ("au", "the astronomical unit is `au`; arbitrary units are declared at the top level: `unit AU`"),
];

/// Sizes that are measured against a standard of their own, which are plain numbers where the standard does not matter.
const OWN: &[&str] = &["OD", "IU", "RFU", "RLU", "CFU", "arb"];

/// What may be meant by a name.
#[derive(Debug, PartialEq)]
pub(super) enum Meant {
    /// One of these units; where it is a single one, it can be written in place of the name.
    Units(Vec<String>),
    /// No unit that can be written there; what to do in words.
    Noted(&'static str),
}

/// Whether a name is that of a size with a standard of its own: optical density, international units.
pub(super) fn has_own_standard(name: &str) -> bool {
    OWN.contains(&name)
}

/// What is meant for certain: a unit's name in full or a unit written otherwise.
pub(super) fn certain(name: &str) -> Option<Meant> {
    let is_name = |word: &str| forms(name).any(|form| form.eq_ignore_ascii_case(word));
    let noted = NOTED.iter().find(|(word, _)| is_name(word)).map(|(_, text)| Meant::Noted(text));
    noted
        .or_else(|| {
            let mut all = spoken();
            all.find(|(word, _)| is_name(word)).map(|(_, symbol)| Meant::Units(vec![symbol]))
        })
        .or_else(|| other_form(name).map(|form| Meant::Units(vec![form])))
}

/// What may be meant among the units always known and those called `own`, of which all have to `fit`.
pub(super) fn likely<'a>(
    name: &str,
    own: impl Iterator<Item = &'a str> + Clone,
    fits: impl Fn(&str) -> bool,
) -> Option<Meant> {
    let same = |unit: &str| forms(name).any(|form| form.eq_ignore_ascii_case(unit));
    let declared = own.clone().filter(|unit| same(unit) || forms(unit).any(|form| form.eq_ignore_ascii_case(name)));
    let known = known_units().filter(|unit| unit.eq_ignore_ascii_case(name));
    let in_other_case = declared.map(str::to_string).chain(known);
    let slip = |word: &str| forms(name).any(|form| slips(form, word));
    some(in_other_case.filter(|unit| fits(unit)))
        .or_else(|| NOTED.iter().find(|(word, _)| slip(word)).map(|(_, text)| Meant::Noted(text)))
        .or_else(|| {
            let symbols = spoken().filter(|(word, _)| slip(word)).map(|(_, symbol)| symbol);
            let declared = own.filter(|unit| slip(unit)).map(str::to_string);
            some(declared.chain(symbols).filter(|unit| fits(unit)))
        })
}

/// Those units, each once, if there is one and they are few enough to choose from.
fn some(all: impl Iterator<Item = String>) -> Option<Meant> {
    /// More are no help.
    const LISTED: usize = 3;
    let mut units: Vec<String> = Vec::new();
    for unit in all {
        if !units.contains(&unit) {
            units.push(unit);
        }
    }
    (1..=LISTED).contains(&units.len()).then_some(Meant::Units(units))
}

/// The name, and where it may be a plural, its singular.
fn forms(name: &str) -> impl Iterator<Item = &str> {
    [Some(name), name.strip_suffix('s').filter(|one| one.len() > 1)].into_iter().flatten()
}

/// Whether `name` is `word` with one slip. Of shorter words one letter is too much to say that the word is meant.
fn slips(name: &str, word: &str) -> bool {
    const LETTERS: usize = 5;
    [name, word].iter().all(|w| w.chars().count() >= LETTERS) && is_slip(name, word)
}

/// Names of units in full with their symbols, then those with prefixes.
fn spoken() -> impl Iterator<Item = (String, String)> {
    let plain = SPOKEN.iter().map(|(word, symbol)| ((*word).to_string(), (*symbol).to_string()));
    let prefixed = PREFIXES.iter().flat_map(|(prefix, sign)| {
        SPOKEN.iter().filter_map(move |(word, symbol)| {
            let whole = format!("{sign}{symbol}");
            // A hundredth of a day would be a candela.
            let alike = known_unit(&whole)?.dimension == known_unit(symbol)?.dimension;
            (word.len() > 2 && alike).then(|| (format!("{prefix}{word}"), whole))
        })
    });
    plain.chain(prefixed)
}

/// A unit with its power behind it, `m2`, or with the sign of millionths, as it is written here.
fn other_form(name: &str) -> Option<String> {
    let symbol = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let power = name.get(symbol.len()..)?;
    let plain = match symbol.strip_prefix(['\u{b5}', '\u{3bc}']) {
        Some(rest) => format!("u{rest}"),
        None => symbol.to_string(),
    };
    known_unit(&plain)?;
    let whole = if power.is_empty() { plain } else { format!("{plain}^{power}") };
    (whole != name).then_some(whole)
}

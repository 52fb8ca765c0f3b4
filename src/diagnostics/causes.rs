//! Causes and their consequences: of the errors that one slip leads to, the one to mend is said.
//!
//! A name that is not there is a cause: as long as it is unknown, sizes, units and what is missing cannot be judged, and everything
//! else that uses the name meets the same gap. So errors of those kinds wait until the names are known, and a missing name is
//! reported once, with its further places.

use super::{Among, Diagnostic, Label, Missing, Severity, closest, codes};
use crate::base::{IndexMap, IndexSet};
use crate::source::Span;

/// Errors about sizes and about what is missing, which an unknown name in the same item may be the cause of.
const IN_THE_ITEM: [&str; 14] = [
    codes::E0211,
    codes::E0304,
    codes::E0505,
    codes::E0506,
    codes::E0507,
    codes::E0508,
    codes::E0510,
    codes::E0511,
    codes::E0513,
    codes::E0804,
    codes::E0901,
    codes::E0903,
    codes::E0905,
    codes::E1007,
];
/// Errors that an unknown name anywhere may be the cause of.
const ANYWHERE: [&str; 1] = [codes::E0404];
/// How many further places of a missing name are shown.
const PLACES: usize = 3;

/// Where an item of the file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// From its first word to its closing brace.
    pub span: Span,
    /// Whether what is declared inside is seen inside alone: true of models, functions and networks.
    pub own_names: bool,
}

/// `findings`, ordered by place, without those that follow from others among them; `items` are those of the main file.
pub fn causes(findings: Vec<Diagnostic>, items: &[Item]) -> Vec<Diagnostic> {
    let missing: Vec<Span> = findings.iter().filter(|d| d.missing.is_some()).map(|d| d.primary.span).collect();
    if missing.is_empty() {
        return findings;
    }
    let item_of = |place: Span| items.iter().find(|item| item.span.covers(place));
    let home = |place: Span| (place.file, items.iter().position(|item| item.span.covers(place)));
    let in_one_item = |a: Span, b: Span| home(a) == home(b);
    let lacking: IndexSet<_> = missing.iter().map(|m| home(*m)).collect();
    let follows = |d: &Diagnostic| {
        let near = || lacking.contains(&home(d.primary.span));
        d.severity == Severity::Error && (ANYWHERE.contains(&d.code) || IN_THE_ITEM.contains(&d.code) && near())
    };
    // A name of one model is not that of another, but data, fits and tests mean those of their models.
    let seen_together = |a: Span, b: Span| {
        let own = |place: Span| item_of(place).is_some_and(|item| item.own_names);
        in_one_item(a, b) || !own(a) || !own(b)
    };
    let same = |a: (&Missing, &Diagnostic), b: (&Missing, &Diagnostic)| {
        let places = (a.1.primary.span, b.1.primary.span);
        match (&a.0.among, &b.0.among) {
            (Among::Names, Among::Names) => a.0.name == b.0.name && seen_together(places.0, places.1),
            (Among::Items, Among::Items) => a.0.name == b.0.name && a.1.code == b.1.code,
            (Among::Settings, Among::Settings) => a.0.name == b.0.name && in_one_item(places.0, places.1),
            // All that a file lacks is one mistake if there is no such file.
            (Among::Files(from), Among::Files(other)) => from == other,
            (Among::File(from), Among::File(other)) => a.0.name == b.0.name && from == other,
            // What cannot be imported is missing wherever it is used.
            (Among::Files(_) | Among::File(_), Among::Names | Among::Items) => a.0.name == b.0.name,
            _ => false,
        }
    };
    // What a misspelled import or setting would have introduced is missing elsewhere, under a name that is nearly the same.
    let introducing = |name: &&Missing| !matches!(name.among, Among::Names | Among::Items);
    let wrong: Vec<(Missing, Span)> = findings
        .iter()
        .filter_map(|d| Some((d.missing.as_ref().filter(introducing)?.clone(), d.primary.span)))
        .collect();
    let meant = |name: &Missing, place: Span| {
        let seen = wrong.iter().filter(|(other, there)| match other.among {
            Among::File(_) | Among::Files(_) => true,
            Among::Settings => in_one_item(place, *there),
            Among::Names | Among::Items => false,
        });
        matches!(name.among, Among::Names | Among::Items)
            && closest(&name.name, seen.map(|(other, _)| other.name.as_str())).is_some_and(|near| near != name.name)
    };
    let mut kept: Vec<Diagnostic> = Vec::with_capacity(findings.len());
    // Where those are that a missing name can be the same as: a program can lack thousands.
    let mut alike: IndexMap<String, Vec<usize>> = IndexMap::new();
    for finding in findings {
        let Some(name) = finding.missing.as_ref().filter(|_| finding.severity == Severity::Error) else {
            if !follows(&finding) {
                kept.push(finding);
            }
            continue;
        };
        let place = finding.primary.span;
        let is_same = |k: &&usize| {
            let other = kept.get(**k);
            other.is_some_and(|d| d.missing.as_ref().is_some_and(|m| same((m, d), (name, &finding))))
        };
        let of_key = |key: &String| alike.get(key).and_then(|list| list.iter().find(is_same).copied());
        let first = keys(name).iter().filter_map(of_key).min();
        match first.and_then(|k| kept.get_mut(k)) {
            Some(first) if first.labels.len() < PLACES && first.primary.span.file == place.file => {
                let text = if name.among == Among::Settings { "nor here" } else { "needed here too" };
                first.labels.push(Label { span: place, text: text.to_string() });
            }
            Some(_) => {}
            None if meant(name, place) => {}
            None => {
                keys(name).into_iter().for_each(|key| alike.entry(key).or_default().push(kept.len()));
                kept.push(finding);
            }
        }
    }
    kept
}

/// What two missing names that are one mistake have in common: their names or the file that is not there.
fn keys(name: &Missing) -> Vec<String> {
    match &name.among {
        Among::Files(from) => vec![name.name.clone(), format!("/{from}")],
        _ => vec![name.name.clone()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileId, Sources};

    /// The file of the tables: two models of twenty bytes, and two fits.
    fn items(file: FileId) -> Vec<Item> {
        let item = |start, own_names| Item { span: Span::new(file, start, start + 20), own_names };
        vec![item(0, true), item(20, true), item(40, false), item(60, false)]
    }

    /// How many errors remain of those with these codes at these bytes, and how many further places they have.
    fn remain(given: &[(&'static str, usize, Among, &str)]) -> (usize, usize) {
        let file = Sources::default().add("a.mech", " ".repeat(80));
        let finding = |(code, at, among, name): &(&'static str, usize, Among, &str)| {
            let span = Span::new(file, *at, at + 1);
            Diagnostic::error(code, format!("no {name}"), span, "").missing_among(among.clone(), *name)
        };
        let found = causes(given.iter().map(finding).collect(), &items(file));
        (found.len(), found.iter().map(|d| d.labels.len()).sum())
    }

    #[test]
    fn one_mistake_is_said_once_and_two_are_said_twice() {
        use Among::{File, Files, Items, Names, Settings};
        use codes::{E0201, E0204, E0206, E0207, E0501};
        let files = |path: &str| Files(path.to_string());
        let cases = [
            ("a name twice in a model", vec![(E0201, 1, Names, "k"), (E0201, 5, Names, "k")], (1, 1)),
            ("a name in two models", vec![(E0201, 1, Names, "k"), (E0201, 25, Names, "k")], (2, 0)),
            ("two names in a model", vec![(E0201, 1, Names, "k"), (E0201, 5, Names, "l")], (2, 0)),
            ("a model's name in its data", vec![(E0201, 1, Names, "k"), (E0201, 45, Names, "k")], (1, 1)),
            ("a name and a setting", vec![(E0201, 1, Names, "k"), (E0501, 45, Settings, "k")], (2, 0)),
            ("a setting twice in a block", vec![(E0501, 41, Settings, "s"), (E0501, 45, Settings, "s")], (1, 1)),
            ("a setting in two blocks", vec![(E0501, 41, Settings, "s"), (E0501, 65, Settings, "s")], (2, 0)),
            ("a setting hides what it names", vec![(E0501, 41, Settings, "runs"), (E0201, 45, Names, "run")], (1, 0)),
            ("but not elsewhere", vec![(E0501, 41, Settings, "runs"), (E0201, 65, Names, "run")], (2, 0)),
            ("an item in two fits", vec![(E0201, 41, Items, "d"), (E0201, 65, Items, "d")], (1, 1)),
            ("an item and a name", vec![(E0201, 1, Names, "d"), (E0201, 45, Items, "d")], (2, 0)),
            ("an item and a function", vec![(E0204, 1, Items, "d"), (E0201, 45, Items, "d")], (2, 0)),
            ("a file twice", vec![(E0206, 1, files("a"), "X"), (E0206, 5, files("a"), "Y")], (1, 1)),
            ("two files", vec![(E0206, 1, files("a"), "X"), (E0206, 5, files("b"), "X")], (2, 0)),
            ("what a file lacks", vec![(E0207, 1, File("a".into()), "X"), (E0207, 5, File("a".into()), "Y")], (2, 0)),
            ("an import and its use", vec![(E0206, 1, files("a"), "X"), (E0201, 45, Items, "X")], (1, 1)),
            (
                "an import and a use nearly",
                vec![(E0207, 1, File("a".into()), "Modle"), (E0201, 45, Items, "Model")],
                (1, 0),
            ),
            ("an import and another name", vec![(E0206, 1, files("a"), "X"), (E0201, 45, Items, "Pond")], (2, 0)),
        ];
        for (what, given, expected) in cases {
            assert_eq!(remain(&given), expected, "{what}");
        }
    }

    #[test]
    fn sizes_wait_for_names_of_their_own_item() {
        let file = Sources::default().add("a.mech", " ".repeat(80));
        let at = |code, at| Diagnostic::error(code, "", Span::new(file, at, at + 1), "");
        let given = vec![at(codes::E0201, 1).missing("k"), at(codes::E0903, 5), at(codes::E0903, 25)];
        let places: Vec<u32> = causes(given, &items(file)).iter().map(|d| d.primary.span.start).collect();
        assert_eq!(places, [1, 25]);
    }
}

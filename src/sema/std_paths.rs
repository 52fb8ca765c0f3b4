//! Where the standard library has what is not imported.

use super::imports::stdlib;

/// What an item of the library is declared with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Model,
    Function,
    Network,
}

impl Kind {
    fn keyword(self) -> &'static str {
        match self {
            Kind::Model => "model",
            Kind::Function => "fn",
            Kind::Network => "network",
        }
    }
}

/// The file that passes on all models of the others.
const SYSTEMS: &str = "std/systems.mech";

/// The path by which `use` imports the item of this kind and name; letter case counts for nothing.
pub(super) fn path(kind: Kind, name: &str) -> Option<String> {
    all(kind).find(|(_, own)| own.eq_ignore_ascii_case(name)).map(|(file, own)| spelled(kind, file, own))
}

/// The same of an item whose name starts with `name`, which is no mere letter.
pub(super) fn path_of_start(kind: Kind, name: &str) -> Option<String> {
    const SHORTEST: usize = 4;
    let lower = name.to_lowercase();
    let starts = |(_, own): &(&str, &str)| lower.len() >= SHORTEST && own.to_lowercase().starts_with(&lower);
    all(kind).find(starts).map(|(file, own)| spelled(kind, file, own))
}

/// Whatever the library has under this name.
pub(super) fn any_path(name: &str) -> Option<String> {
    [Kind::Model, Kind::Function, Kind::Network].into_iter().find_map(|kind| {
        let own = all(kind).find(|(_, own)| *own == name);
        own.map(|(file, own)| spelled(kind, file, own))
    })
}

/// What is said of an item with this path.
pub(super) fn help(path: &str) -> String {
    format!("it is in the standard library: `use {path}` before the model")
}

/// What is said of an item whose name only starts as the one that is asked for.
pub(super) fn help_of_start(path: &str) -> String {
    let name = path.rsplit('.').next().unwrap_or(path);
    format!("the standard library has `{name}`: `use {path}` before the model")
}

/// The files and names of all items of a kind.
fn all(kind: Kind) -> impl Iterator<Item = (&'static str, &'static str)> {
    stdlib().iter().flat_map(move |(file, text)| {
        text.lines().filter_map(move |line| {
            let rest = line.strip_prefix(kind.keyword())?.strip_prefix(' ')?;
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            Some((*file, rest.get(..end)?))
        })
    })
}

fn spelled(kind: Kind, file: &str, name: &str) -> String {
    let own = file.strip_suffix(".mech").unwrap_or(file).replace('/', ".");
    let passed_on = format!("use {own}.{name}");
    let passes_on = |text: &str| text.lines().any(|line| line.trim_end() == passed_on);
    let all = stdlib().iter().any(|(path, text)| kind == Kind::Model && *path == SYSTEMS && passes_on(text));
    if all { format!("std.systems.{name}") } else { format!("{own}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::{Kind, any_path, path, path_of_start};

    #[test]
    fn items_of_the_library_are_found_by_their_kind_and_name() {
        let of = |kind, name| path(kind, name).unwrap_or_default();
        assert_eq!(of(Kind::Model, "LotkaVolterra"), "std.systems.LotkaVolterra");
        assert_eq!(of(Kind::Model, "lorenz63"), "std.systems.Lorenz63");
        assert_eq!(of(Kind::Function, "hill"), "std.terms.hill");
        assert_eq!(of(Kind::Network, "smoother2"), "std.networks.smoother2");
        assert_eq!(of(Kind::Model, "hill"), "");
        assert_eq!(path_of_start(Kind::Model, "Lorenz").as_deref(), Some("std.systems.Lorenz63"));
        assert_eq!(path_of_start(Kind::Function, "h"), None);
        assert_eq!(any_path("hill").as_deref(), Some("std.terms.hill"));
    }
}

//! Names of columns and arrays, as files have them: how messages and data blocks write them, and which of them are offered.

use std::collections::HashMap;

/// Letters of a name that a message shows.
const SHOWN: usize = 40;

/// The words that are no names where a data block expects a column.
const WORDS: [&str; 20] = [
    "state", "param", "const", "input", "let", "initial", "index", "for", "fn", "use", "model", "network", "data",
    "fit", "if", "then", "else", "and", "or", "not",
];

/// The first characters of a text: a quote that is never closed makes the rest of the file one cell.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.into(),
        Some((cut, _)) => format!("{}...", text.get(..cut).unwrap_or_default()),
    }
}

/// A name within a line: shortened, with marks in place of line breaks and the like.
pub(super) fn in_line(name: &str) -> String {
    let marked = |c: char| if c.is_control() { c.escape_default().collect() } else { String::from(c) };
    excerpt(name).chars().map(marked).collect()
}

/// Names in back quotes, separated by commas, at most a dozen of them.
pub(super) fn list<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 12;
    if names.is_empty() {
        return "none".into();
    }
    let mut text =
        names.iter().take(SHOWN).map(|n| format!("`{}`", in_line(n.as_ref()))).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// A column as a data block names it: in quotes unless it is a name of the language without any doubt, which other alphabets leave.
pub fn written_column(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !WORDS.contains(&name);
    if plain {
        return name.to_string();
    }
    let escaped = |c: char| match c {
        '\\' => "\\\\".to_string(),
        '"' => "\\\"".to_string(),
        '\n' => "\\n".to_string(),
        '\t' => "\\t".to_string(),
        other => other.to_string(),
    };
    format!("\"{}\"", name.chars().map(escaped).collect::<String>())
}

/// The columns that a data block can name and a reader of a message would: those that stand once in the header, with a name that is not empty,
/// not endless, and shows as it is. One for every place.
pub(super) fn offered(header: &[String]) -> Vec<bool> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in header {
        *counts.entry(name).or_default() += 1;
    }
    header.iter().map(|name| counts.get(name.as_str()) == Some(&1) && is_offered(name)).collect()
}

/// The names among some that are [`offered`].
pub(super) fn offered_names(header: &[String]) -> impl Iterator<Item = &String> {
    header.iter().zip(offered(header)).filter(|(_, offered)| *offered).map(|(name, _)| name)
}

fn is_offered(name: &str) -> bool {
    /// Longer names are data gone wrong.
    const LONGEST: usize = 255;
    // Characters that nobody sees, or that change the order of what is seen.
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    !name.is_empty() && name.len() <= LONGEST && !name.contains(hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_quoted_unless_they_are_names() {
        for (name, written) in [
            ("x_1", "x_1"),
            ("b\u{b2}", "\"b\u{b2}\""),
            ("if", "\"if\""),
            ("", "\"\""),
            ("1x", "\"1x\""),
            ("a\nb\t\"c\\", "\"a\\nb\\t\\\"c\\\\\""),
        ] {
            assert_eq!(written_column(name), written);
        }
    }

    #[test]
    fn names_that_nobody_would_write_are_not_offered() {
        let long = "a".repeat(300);
        let header = ["a", "b", "a", "", "x\ny", "x\u{202e}y", &long, "gr\u{f6}\u{df}e (m)"].map(String::from);
        assert_eq!(offered_names(&header).collect::<Vec<_>>(), ["b", "gr\u{f6}\u{df}e (m)"]);
        assert_eq!(list(&["x\ny", &long]), format!("`x\\ny`, `{}...`", "a".repeat(40)));
    }
}

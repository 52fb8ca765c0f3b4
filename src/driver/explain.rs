//! `mechc explain`: the entry of a code in the manual, which is part of the program.

use super::failure::{Failure, Problem};
use crate::diagnostics::closest;

/// The pages that have entries of codes.
const PAGES: [&str; 2] = [include_str!("../../docs/diagnostics.md"), include_str!("../../docs/data.md")];
/// Entries of the codes that stand in tables.
const ENTRIES: &str = include_str!("../../docs/codes.md");
/// How an unknown code may look: one letter and digits.
const LONGEST: usize = 16;

/// What the manual says about a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The code.
    pub code: &'static str,
    /// A few words.
    pub title: &'static str,
    /// Cause, example and way out, as Markdown.
    pub text: &'static str,
    /// The exit code, where the manual lists it for each code.
    pub exit: Option<&'static str>,
}

/// Every code that the manual explains, in the order of its pages.
pub fn explanations() -> Vec<Explanation> {
    PAGES.iter().flat_map(|page| sections(page).chain(rows(page))).collect()
}

/// The explanation of a code, in any letter case.
///
/// # Errors
/// [`Failure::Usage`] for a code that does not exist; the nearest ones are named.
pub fn explain(code: &str) -> Result<Explanation, Failure> {
    let all = explanations();
    if let Some(found) = all.iter().find(|e| e.code.eq_ignore_ascii_case(code.trim())) {
        return Ok(found.clone());
    }
    let shown: String = code.chars().take(LONGEST).collect();
    let near = nearest(&shown, &all);
    let help = match near.is_empty() {
        true => "`mechc explain --list` names every code".to_string(),
        false => format!("did you mean {}? `mechc explain --list` names every code", near.join(", ")),
    };
    Err(Failure::Usage(Problem::new("N066", format!("there is no code `{shown}`"), help)))
}

/// Codes that look like `code`: the nearest one, and those that share all but its last digit.
fn nearest<'a>(code: &str, all: &'a [Explanation]) -> Vec<&'a str> {
    const SHOWN: usize = 4;
    let upper = code.to_ascii_uppercase();
    let mut out: Vec<&str> = closest(&upper, all.iter().map(|e| e.code)).into_iter().collect();
    let stem = upper.get(..upper.len().saturating_sub(1)).filter(|s| s.len() >= 2);
    for e in all {
        if stem.is_some_and(|s| e.code.starts_with(s)) && !out.contains(&e.code) && out.len() < SHOWN {
            out.push(e.code);
        }
    }
    out
}

/// Entries with a heading of their own: `### E0101: unexpected text`.
fn sections(page: &'static str) -> impl Iterator<Item = Explanation> {
    page.split("\n### ").skip(1).filter_map(|entry| {
        let (heading, body) = entry.split_once('\n')?;
        let (code, title) = heading.split_once(": ")?;
        let body = body.split("\n## ").next()?;
        is_code(code).then_some(Explanation { code, title, text: body.trim(), exit: None })
    })
}

/// Entries in tables: `| N001 | 2 | text |` and `| D001 | text |`.
fn rows(page: &'static str) -> impl Iterator<Item = Explanation> {
    page.lines().filter_map(|line| {
        let cells: Vec<&'static str> = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
        let (code, exit, title) = match *cells.as_slice() {
            [code, exit, title] => (code, Some(exit), title),
            [code, title] => (code, None, title),
            _ => return None,
        };
        is_code(code).then(|| Explanation { code, title, text: entry(code), exit })
    })
}

/// The entry of a code that stands in a table: what follows `### D012` up to the next heading.
fn entry(code: &str) -> &'static str {
    let found = ENTRIES.split("\n### ").skip(1).find_map(|entry| {
        let (heading, body) = entry.split_once('\n')?;
        (heading.trim() == code).then_some(body.trim())
    });
    found.unwrap_or_default()
}

/// One capital letter and digits.
fn is_code(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|c| c.is_ascii_uppercase()) && text.len() > 1 && letters.all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{explain, explanations};
    use crate::diagnostics::codes;

    #[test]
    fn every_code_of_the_compiler_is_explained() {
        for code in codes::ALL {
            let found = explain(code.code).unwrap_or_else(|_| panic!("{} is not explained", code.code));
            assert_eq!(found.title, code.title);
            assert!(found.text.contains("**Fix.**"), "{} has no way out", code.code);
        }
        for family in ["E", "W", "D", "N", "R", "B"] {
            assert!(explanations().iter().any(|e| e.code.starts_with(family)), "{family}");
        }
    }

    #[test]
    fn no_code_is_explained_twice() {
        let mut codes: Vec<&str> = explanations().iter().map(|e| e.code).collect();
        codes.sort_unstable();
        assert!(codes.windows(2).all(|pair| pair[0] != pair[1]), "{codes:?}");
    }

    #[test]
    fn slips_are_met_with_the_nearest_codes() {
        let help = |code: &str| match explain(code) {
            Err(super::Failure::Usage(problem)) => problem.help,
            other => panic!("{other:?}"),
        };
        assert!(help("E0199").contains("E01"), "{}", help("E0199"));
        assert_eq!(help("banana"), "`mechc explain --list` names every code");
        assert_eq!(explain("e0101").map(|e| e.code).ok(), Some("E0101"));
    }
}

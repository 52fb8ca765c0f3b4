//! Which warnings count as errors, and which are not reported.

use super::{Diagnostic, Severity, closest, codes};

/// The word that stands for every warning.
const ALL: &str = "warnings";

/// Which warnings count as errors (`deny`) and which are not reported (`allow`). What is allowed by its code stays allowed where all
/// warnings are denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    deny_all: bool,
    denied: Vec<&'static str>,
    allowed: Vec<&'static str>,
}

impl Levels {
    /// Levels from what a user writes: codes in any letter case, and `warnings` for all of them.
    ///
    /// # Errors
    /// What is wrong with a name, and the way out: it is no code, no warning, or denied and allowed at the same time.
    pub fn new(deny: &[String], allow: &[String]) -> Result<Levels, (String, String)> {
        let mut levels = Levels::default();
        for name in deny {
            match name.as_str() {
                ALL => levels.deny_all = true,
                code => levels.denied.push(warning(code)?),
            }
        }
        for name in allow {
            levels.allowed.push(warning(name)?);
        }
        let both = levels.denied.iter().copied().find(|code| levels.allowed.contains(code));
        match both {
            Some(code) => Err((format!("{code} is both denied and allowed"), "leave out one of the two".to_string())),
            None => Ok(levels),
        }
    }

    /// Whether warnings of a code are not reported.
    pub fn allows(&self, code: &str) -> bool {
        self.allowed.contains(&code)
    }

    /// The findings that are left, with denied warnings as errors.
    pub fn apply(&self, findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let mut out = Vec::with_capacity(findings.len());
        for mut finding in findings {
            if finding.severity == Severity::Warning {
                if self.allows(finding.code) {
                    continue;
                }
                if self.deny_all || self.denied.contains(&finding.code) {
                    finding.severity = Severity::Error;
                }
            }
            out.push(finding);
        }
        out
    }
}

/// The code of a warning.
fn warning(name: &str) -> Result<&'static str, (String, String)> {
    let warnings = || codes::ALL.iter().map(|c| c.code).filter(|c| c.starts_with('W'));
    let known: Vec<&str> = warnings().collect();
    match codes::lookup(name) {
        Some(code) if code.code.starts_with('W') => Ok(code.code),
        Some(code) => {
            Err((format!("{} is an error, which stays one", code.code), format!("warnings: {}", known.join(", "))))
        }
        None => {
            let help = match closest(name, known.iter().copied().chain([ALL])) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("warnings: {}; `{ALL}` stands for all of them", known.join(", ")),
            };
            Err((format!("there is no warning `{name}`"), help))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Diagnostic, Severity, codes};
    use super::Levels;
    use crate::source::{Sources, Span};

    fn levels(deny: &[&str], allow: &[&str]) -> Result<Levels, (String, String)> {
        let owned = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>();
        Levels::new(&owned(deny), &owned(allow))
    }

    #[test]
    fn warnings_are_denied_and_allowed_by_code_and_all_at_once() {
        let span = Span::new(Sources::default().add("a", "x"), 0, 1);
        let found = vec![
            Diagnostic::warning(codes::W0701, "a", span, ""),
            Diagnostic::warning(codes::W0706, "b", span, ""),
            Diagnostic::error(codes::E0101, "c", span, ""),
        ];
        for (deny, allow, expected) in [
            (vec![], vec![], vec![("W0701", false), ("W0706", false), ("E0101", true)]),
            (vec!["warnings"], vec![], vec![("W0701", true), ("W0706", true), ("E0101", true)]),
            (vec!["w0701"], vec!["W0706"], vec![("W0701", true), ("E0101", true)]),
            (vec!["warnings"], vec!["W0706"], vec![("W0701", true), ("E0101", true)]),
        ] {
            let levels = levels(&deny, &allow).expect("levels");
            let left = levels.apply(found.clone());
            let left: Vec<_> = left.iter().map(|d| (d.code, d.severity == Severity::Error)).collect();
            assert_eq!(left, expected, "{deny:?} {allow:?}");
        }
    }

    #[test]
    fn names_that_are_no_warnings_are_refused() {
        let refused = |deny: &[&str], allow: &[&str]| levels(deny, allow).expect_err("refused");
        assert!(refused(&["W9999"], &[]).0.contains("no warning"));
        assert!(refused(&["warning"], &[]).1.contains("`warnings`"));
        assert!(refused(&[], &["E0101"]).0.contains("is an error"));
        assert!(refused(&["W0701"], &["w0701"]).0.contains("both"));
    }
}

//! What the functions of a model file are called in C and as files.

use std::collections::BTreeSet;

/// Names of files and of functions in C, one for each pair of a module and a function of it, no two of which are the same, not even
/// where files are found in any letter case. Of equal ones the second has `_2` behind it, and so on.
pub(super) fn function_names(declared: &[(String, String)]) -> Vec<String> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut names = Vec::with_capacity(declared.len());
    for (module, function) in declared {
        let wanted = identifier(&format!("{module}_{function}"));
        let numbered = (2..).map(|n: usize| format!("{wanted}_{n}"));
        let free = |name: &String| !taken.contains(&name.to_lowercase());
        let name = std::iter::once(wanted.clone()).chain(numbered).find(free).unwrap_or(wanted);
        taken.insert(name.to_lowercase());
        names.push(name);
    }
    names
}

/// A name in C: other characters than its letters and digits are `u`, their number in Unicode, and `_`.
fn identifier(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '_' => out.push(c),
            other => out.push_str(&format!("u{:04X}_", u32::from(other))),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::function_names;

    fn names(declared: &[&str]) -> Vec<String> {
        function_names(&declared.iter().map(|m| (m.to_string(), "field".to_string())).collect::<Vec<_>>())
    }

    #[test]
    fn names_of_other_alphabets_stay_apart() {
        assert_eq!(names(&["σ", "τ", "Prey"]), ["u03C3__field", "u03C4__field", "Prey_field"]);
        assert_eq!(names(&["Größe", "Grüße"]), ["Gru00F6_u00DF_e_field", "Gru00FC_u00DF_e_field"]);
    }

    #[test]
    fn names_that_are_the_same_in_any_letter_case_are_numbered() {
        assert_eq!(names(&["prey", "Prey", "PREY"]), ["prey_field", "Prey_field_2", "PREY_field_3"]);
        // One that is written as another is escaped.
        assert_eq!(names(&["σ", "u03C3_", "u03C3__field_2"])[..2], ["u03C3__field", "u03C3__field_2"]);
    }
}

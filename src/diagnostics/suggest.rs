//! "Did you mean": the nearest known word.

/// The candidate nearest to `word`, if it is near enough to be a slip of the hand: at most one edit (insertion, deletion,
/// replacement, swap of neighbours) for every three letters, and letter case counts for nothing. Ties go to the first.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(word, candidates).map(|(near, _)| near)
}

/// The candidate of [`closest`], and whether it alone is that near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<(&'a str, bool)> {
    let folded = |s: &str| s.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    let word = folded(word);
    // Long names are never typed by hand; the distance is quadratic in the length.
    if word.is_empty() || word.len() > 64 {
        return None;
    }
    let mut best: Option<(usize, &'a str)> = None;
    let mut alone = true;
    for candidate in candidates {
        let other = folded(candidate);
        if other.len() > 64 {
            continue;
        }
        let allowed = word.len().max(other.len()).div_ceil(3).min(3);
        let distance = edits(&word, &other);
        if distance > allowed || distance >= word.len() {
            continue;
        }
        match best {
            Some((least, first)) if distance == least => alone &= first == candidate,
            Some((least, _)) if distance > least => {}
            _ => (best, alone) = (Some((distance, candidate)), true),
        }
    }
    best.map(|(_, candidate)| (candidate, alone))
}

/// Optimal string alignment distance (Damerau-Levenshtein without repeated edits of one place).
fn edits(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..width).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1; width];
        for (j, y) in b.iter().enumerate() {
            let replace = last[j] + usize::from(x != y);
            let mut cost = replace.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                cost = cost.min(before[j - 1] + 1);
            }
            row[j + 1] = cost;
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let words = ["state", "param", "const", "input", "let", "initial"];
        for (typed, meant) in [
            ("prameter", None),
            ("parm", Some("param")),
            ("aprma", Some("param")),
            ("STATE", Some("state")),
            ("stat", Some("state")),
            ("inital", Some("initial")),
            ("x", None),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(closest(typed, words), meant, "{typed}");
        }
    }
}

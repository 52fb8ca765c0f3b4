//! "Did you mean": the nearest known word.

/// The candidate nearest to `word`, if it is near enough to be a slip of the hand: at most one edit (insertion, deletion,
/// replacement, swap of neighbours) for every three letters, and letter case counts for nothing. Ties go to the first.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest(word, candidates).map(|(near, _)| near)
}

/// The candidate of [`closest`], and whether it alone is that near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<(&'a str, bool)> {
    let word: Vec<char> = folded(word).collect();
    // Long names are never typed by hand; the distance is quadratic in the length.
    if word.is_empty() || word.len() > MAX_LENGTH {
        return None;
    }
    let mut best: Option<(usize, &'a str)> = None;
    let mut alone = true;
    let mut rows = Rows::default();
    for candidate in candidates {
        let length = folded(candidate).take(MAX_LENGTH + 1).count();
        let allowed = word.len().max(length).div_ceil(3).min(3);
        // Every letter that one of them has more is an edit.
        if length > MAX_LENGTH || word.len().abs_diff(length) > allowed {
            continue;
        }
        let distance = rows.edits(&word, candidate);
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

/// Whether `word` is `other` but for one slip (insertion, deletion, replacement, swap of neighbours); letter case counts for nothing.
pub fn is_slip(word: &str, other: &str) -> bool {
    let word: Vec<char> = folded(word).take(MAX_LENGTH + 1).collect();
    let length = folded(other).take(MAX_LENGTH + 1).count();
    word.len().max(length) <= MAX_LENGTH && word.len().abs_diff(length) <= 1 && Rows::default().edits(&word, other) == 1
}

/// Words of more letters are not compared.
const MAX_LENGTH: usize = 64;

/// The letters of a word, without their case.
fn folded(word: &str) -> impl Iterator<Item = char> {
    word.chars().flat_map(char::to_lowercase)
}

/// Rows of the table of distances, kept from one candidate to the next.
#[derive(Default)]
struct Rows {
    other: Vec<char>,
    before: Vec<usize>,
    last: Vec<usize>,
    row: Vec<usize>,
}

impl Rows {
    /// Optimal string alignment distance (Damerau-Levenshtein without repeated edits of one place).
    fn edits(&mut self, a: &[char], candidate: &str) -> usize {
        let Rows { other: b, before, last, row } = self;
        b.clear();
        b.extend(folded(candidate));
        last.clear();
        last.extend(0..=b.len());
        for (i, x) in a.iter().enumerate() {
            row.clear();
            row.push(i + 1);
            for (j, y) in b.iter().enumerate() {
                let replace = last[j] + usize::from(x != y);
                let mut cost = replace.min(last[j + 1] + 1).min(row[j] + 1);
                if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                    cost = cost.min(before[j - 1] + 1);
                }
                row.push(cost);
            }
            std::mem::swap(before, last);
            std::mem::swap(last, row);
        }
        last[b.len()]
    }
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

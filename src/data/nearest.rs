//! The nearest of several names, for "did you mean".

/// The candidate nearest to `wanted` in edit distance (case ignored), if it is near enough to be a likely slip: at most
/// one third of the longer name's length away.
pub(crate) fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let target = letters(wanted);
    let near = candidates.into_iter().filter_map(|name| Some((slip(&target, &letters(name))?, name)));
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name.to_owned())
}

/// A name as it is compared, without its case.
pub(super) fn letters(name: &str) -> Vec<char> {
    /// Longer names are data gone wrong, and the distance is quadratic in their length.
    const LONGEST: usize = 200;
    name.to_lowercase().chars().take(LONGEST).collect()
}

/// The distance of two names, where it is small enough for a slip.
pub(super) fn slip(a: &[char], b: &[char]) -> Option<usize> {
    let longer = a.len().max(b.len());
    let is_near = |d: usize| d <= longer.div_ceil(3) && d < longer;
    // Every letter that one has more than the other counts.
    is_near(a.len().abs_diff(b.len())).then(|| distance(a, b)).filter(|d| is_near(*d))
}

/// Whether at most half of the letters differ, case ignored.
pub(super) fn is_like(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(|word| word.to_lowercase().chars().collect::<Vec<char>>());
    distance(&a, &b) <= a.len().max(b.len()).div_ceil(2)
}

/// Levenshtein distance, one row at a time.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b) {
            let above = *cell;
            let here = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            diagonal = above;
            left = here;
            *cell = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_refuses_strangers() {
        let names = ["time", "hare", "lynx"];
        let case = |w: &str| nearest(w, names);
        assert_eq!(case("hares").as_deref(), Some("hare"));
        assert_eq!(case("Lynx").as_deref(), Some("lynx"));
        assert_eq!(case("tiem").as_deref(), Some("time"));
        assert_eq!(case("x"), None);
        assert_eq!(case("temperature"), None);
        assert!(is_like("rnu", "Run") && !is_like("none", "case"));
        assert_eq!(distance(&['a', 'b', 'c'], &['a', 'c']), 1);
        assert_eq!(distance(&[], &['a', 'c']), 2);
    }
}

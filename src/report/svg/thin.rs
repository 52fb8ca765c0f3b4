//! Thinning: no more than a picture can show.

/// A polyline in pixels, thinned: within each pixel column that the line crosses in one direction, only the first, the
/// lowest, the highest and the last point stay. A line that turns back in x (a phase portrait) starts a new column
/// whenever it leaves one, so its shape is kept as well.
pub fn thin_line(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    let mut column: Vec<(f64, f64)> = Vec::new();
    for &p in points {
        if column.first().is_some_and(|c| libm::floor(c.0) != libm::floor(p.0)) {
            flush(&mut column, &mut out);
        }
        column.push(p);
    }
    flush(&mut column, &mut out);
    out
}

/// Points in pixels with at most one in each square of side `cell`.
pub fn thin_points(points: &[(f64, f64)], cell: f64) -> Vec<(f64, f64)> {
    let mut seen = std::collections::HashSet::new();
    let key = |v: f64| libm::floor(v / cell) as i64;
    points.iter().copied().filter(|&(x, y)| seen.insert((key(x), key(y)))).collect()
}

/// Moves what matters of a column to the output, in the order of the line.
fn flush(column: &mut Vec<(f64, f64)>, out: &mut Vec<(f64, f64)>) {
    if column.len() > 4 {
        let mut keep = [0, column.len() - 1, 0, 0];
        for (i, p) in column.iter().enumerate() {
            let y = |k: usize| column.get(k).map_or(p.1, |q| q.1);
            if p.1 < y(keep[2]) {
                keep[2] = i;
            }
            if p.1 > y(keep[3]) {
                keep[3] = i;
            }
        }
        keep.sort_unstable();
        let mut last = usize::MAX;
        for i in keep {
            if i != last
                && let Some(&p) = column.get(i)
            {
                out.push(p);
            }
            last = i;
        }
    } else {
        out.extend_from_slice(column);
    }
    column.clear();
}

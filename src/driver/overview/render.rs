//! Overviews of data for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::words::counted;
use super::{ColumnKind, ColumnOverview, Overview, Spacing, TrajectoryOverview};
use crate::base::{IndexMap, number, shortened};
use crate::data::ColumnStats;
use crate::diagnostics::in_line;
use crate::hir::family;
use crate::report::{behind, first_names, round, short};

/// Trajectories that have a line of their own, at most.
const MOST_TRAJECTORIES: usize = 12;
/// Elements of a family that have a line of their own, at most; of more there is one for all.
const MOST_ELEMENTS: usize = 8;
/// Numbers and times are told to the decimal place of this part of their spread or step.
const PART: f64 = 0.01;

impl Overview {
    /// For people: a few lines and a table.
    pub fn text(&self) -> String {
        let of = if self.differs { format!(" for {}", first_names(&self.fits)) } else { String::new() };
        let mut out = in_line(&format!("{}{of}: {}", self.name, self.source));
        let mut line = |text: String| {
            let _ = write!(out, "\n  {}", in_line(&text));
        };
        let unit = behind(&self.time_unit);
        let [first, last] = self.time.map(|time| self.spacing.time(time));
        line(format!("{}, {}", counted(self.trajectories.len(), "trajectory"), counted(self.samples, "sample")));
        line(format!("time from {first} to {last}{unit}, {}", self.spacing.text()));
        if self.unseen > 0 {
            line(format!("left out: {}, behind the last known value", counted(self.unseen, "more sample")));
        }
        if self.held_out() > 0 {
            line(format!("held out: {}", self.held_out_text()));
        }
        if !self.unobserved.is_empty() {
            line(format!("not observed: {}", first_names(&self.unobserved)));
        }
        if !self.unread.is_empty() {
            let unread: Vec<&str> = self.unread.iter().map(|name| called(name)).collect();
            line(format!("columns that are not read: {}", first_names(&unread)));
        }
        out.push_str("\n\n");
        table(&self.column_rows(), &mut out);
        if self.trajectories.len() > 1 {
            out.push('\n');
            table(&self.trajectory_rows(), &mut out);
            if let Some(more) = self.trajectories.len().checked_sub(MOST_TRAJECTORIES).filter(|more| *more > 0) {
                let _ = writeln!(out, "  and {more} more");
            }
        }
        out
    }

    /// Which part is held out.
    fn held_out_text(&self) -> String {
        let samples = self.held_out();
        let all = self.trajectories.len();
        let whole: Vec<&str> =
            self.trajectories.iter().filter(|t| t.is_held_out()).map(TrajectoryOverview::called).collect();
        match (self.trajectories.as_slice(), whole.len()) {
            (_, n) if n == all => "all of it, to be predicted".to_string(),
            ([one], _) => {
                let from = one.held_out_from.map_or(String::new(), |from| one.spacing.time(from));
                format!("the last {}, from {from} on", counted(samples, "sample"))
            }
            (_, 0) => format!("{}, the last of every trajectory", counted(samples, "sample")),
            (_, n) => format!("{n} of {all} trajectories, {}: {}", counted(samples, "sample"), first_names(&whole)),
        }
    }

    /// The lines of columns, with one for a family of many elements.
    fn column_rows(&self) -> Vec<Vec<String>> {
        let mut elements: IndexMap<&str, usize> = IndexMap::new();
        for c in self.columns.iter().filter(|c| c.name.contains('[')) {
            *elements.entry(family(&c.name)).or_default() += 1;
        }
        // A line, and for how many elements it stands.
        let mut lines: Vec<(ColumnOverview, usize)> = Vec::new();
        for c in &self.columns {
            let many = elements.get(family(&c.name)).is_some_and(|count| *count > MOST_ELEMENTS);
            match lines.last_mut().filter(|(line, _)| many && family(&line.name) == family(&c.name)) {
                Some((line, count)) => {
                    line.stats = line.stats.with(c.stats);
                    line.missing += c.missing;
                    *count += 1;
                }
                None => lines.push((c.clone(), 1)),
            }
        }
        let named = lines.iter().any(|(c, _)| c.origin().is_some());
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut kind = None;
        for (c, count) in &lines {
            if kind != Some(c.kind) {
                let mut head = vec![c.kind.name().to_string()];
                head.extend(named.then(|| "column".to_string()));
                head.extend(["min", "mean", "max", "std. dev.", "missing"].map(String::from));
                // Of a second group the name alone is new.
                let new = |(k, cell): (usize, String)| if k > 0 && kind.is_some() { String::new() } else { cell };
                rows.push(head.into_iter().enumerate().map(new).collect());
                kind = Some(c.kind);
            }
            let elements = if *count > 1 { format!(", {count} elements") } else { String::new() };
            let name = if *count > 1 { family(&c.name) } else { &c.name };
            let mut row = vec![format!("{name}{elements}{}", behind(&c.unit))];
            row.extend(named.then(|| c.origin().filter(|_| *count == 1).unwrap_or_default()));
            let ColumnStats { mean, std, min, max, .. } = c.stats;
            let told = |v: f64| round(to_place(v, PART * std), None).full();
            row.extend([told(min), told(mean), told(max), short(std), c.missing.to_string()]);
            rows.push(row);
        }
        rows
    }

    fn trajectory_rows(&self) -> Vec<Vec<String>> {
        let held =
            self.trajectories.iter().any(|t| t.held_out > 0) && !self.trajectories.iter().all(|t| t.is_held_out());
        let mut head = ["trajectory", "samples", "first", "last"].map(String::from).to_vec();
        head.extend(held.then(|| "held out".to_string()));
        let mut rows = vec![head];
        for t in self.trajectories.iter().take(MOST_TRAJECTORIES) {
            let [first, last] = t.time.map(|time| t.spacing.time(time));
            let mut row = vec![t.called().to_string(), t.samples.to_string(), first, last];
            row.extend(held.then(|| match t.held_out_from {
                None => String::new(),
                Some(_) if t.is_held_out() => "all".to_string(),
                Some(from) => format!("from {}", t.spacing.time(from)),
            }));
            rows.push(row);
        }
        rows
    }

    /// For programs: one object.
    pub fn json(&self) -> Value {
        let spacing = |s: &Spacing| json!({"irregular": s.irregular, "min": s.min, "median": s.median, "max": s.max});
        let trajectory = |t: &TrajectoryOverview| {
            json!({
                "name": t.name, "samples": t.samples, "first": t.time[0], "last": t.time[1], "step": spacing(&t.spacing),
                "held_out": t.held_out, "held_out_from": t.held_out_from,
            })
        };
        let column = |c: &ColumnOverview| {
            json!({
                "name": c.name, "role": c.kind.name(), "unit": c.unit, "column": c.column, "formula": c.formula,
                "written_unit": c.written, "min": c.stats.min, "mean": c.stats.mean, "max": c.stats.max,
                "std": c.stats.std, "samples": c.stats.count, "missing": c.missing,
            })
        };
        json!({
            "data": self.name, "fits": self.fits, "source": self.source, "samples": self.samples, "unseen": self.unseen,
            "first": self.time[0], "last": self.time[1], "time_unit": self.time_unit, "step": spacing(&self.spacing),
            "held_out": self.held_out(),
            "trajectories": self.trajectories.iter().map(trajectory).collect::<Vec<_>>(),
            "columns": self.columns.iter().map(column).collect::<Vec<_>>(),
            "unobserved": self.unobserved, "unread": self.unread,
        })
    }
}

impl ColumnKind {
    fn name(self) -> &'static str {
        match self {
            ColumnKind::State => "state",
            ColumnKind::Input => "input",
        }
    }
}

impl Spacing {
    /// A time, to a small part of the step.
    fn time(&self, time: f64) -> String {
        number(to_place(time, PART * self.median))
    }

    fn text(&self) -> String {
        let told = |step: f64| round(step, None).full();
        let Spacing { min, median, max, irregular } = *self;
        match irregular {
            true => format!("irregular, {} to {} apart, median {}", short(min), short(max), short(median)),
            false if min < max => format!("in steps of {} to {}", told(min), told(max)),
            false => format!("in steps of {}", told(median)),
        }
    }
}

impl TrajectoryOverview {
    fn called(&self) -> &str {
        called(self.name.as_deref().unwrap_or_default())
    }

    fn is_held_out(&self) -> bool {
        self.held_out == self.samples
    }
}

impl ColumnOverview {
    /// The column of the file with its unit, or the formula, where either differs from what stands beside it.
    fn origin(&self) -> Option<String> {
        if let Some(formula) = &self.formula {
            return Some(formula.clone());
        }
        let column = self.column.as_ref()?;
        let other_unit = self.written.as_ref().filter(|written| self.unit.as_ref() != Some(written));
        match (*column == self.name, other_unit) {
            (true, None) => None,
            (_, unit) => Some(format!("{column}{}", behind(&unit.cloned()))),
        }
    }
}

/// A name, also where there is none.
fn called(name: &str) -> &str {
    if name.is_empty() { "(no name)" } else { name }
}

/// A number, rounded at the decimal place of the first digit of `part`.
fn to_place(value: f64, part: f64) -> f64 {
    let place = libm::pow(10.0, part.log10().floor());
    // Rounding moves a number by half of its last place at most.
    shortened(value, 0.6 * place)
}

/// Rows in columns of one width, indented by two: texts to the left, numbers to the right.
fn table(rows: &[Vec<String>], out: &mut String) {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| in_line(cell)).collect()).collect();
    let width = |k: usize| rows.iter().filter_map(|row| row.get(k)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let is_text = |k: usize| {
        let head = rows.first().and_then(|row| row.get(k));
        k == 0 || head.is_some_and(|head| head == "column" || head == "held out")
    };
    for row in &rows {
        let cells = row.iter().enumerate().map(|(k, cell)| match is_text(k) {
            true => format!("{cell:<0$}", width(k)),
            false => format!("{cell:>0$}", width(k)),
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(out, "  {}", line.trim_end());
    }
}

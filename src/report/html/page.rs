//! The page: sections in the order in which a reader asks.

use std::fmt::Write as _;

use super::super::escape::escape;
use super::super::found::left_out;
use super::super::record::{Engine, RunRecord};
use super::super::rounding::round;
use super::super::text::short;
use super::equation::{equation_row, factors, left, unit};
use super::plots::{coefficients, loss_curve, portraits, time_series};

const STYLE: &str = include_str!("style.css");

/// How many trajectories are drawn; more would make the page heavy without telling more.
const MOST_TRAJECTORIES: usize = 4;

/// The whole page.
pub fn report_html(record: &RunRecord) -> String {
    let mut out = String::new();
    let title = escape(&record.model);
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
         <title>{title} · mechc</title><style>{STYLE}</style></head>\n<body><main>\n"
    );
    header(&mut out, record, &title);
    warnings(&mut out, record);
    equations(&mut out, record);
    trajectories(&mut out, record);
    predictions(&mut out, record);
    estimates(&mut out, record);
    if let Some(plot) = loss_curve(record) {
        section(&mut out, "Loss", &format!("<figure class=\"loss\">{plot}</figure>"));
    }
    let mut cards = String::new();
    data_sets(&mut cards, record);
    figures(&mut cards, record);
    metrics(&mut cards, record);
    section(&mut cards, "Reproduce", &versions(record));
    let _ = writeln!(out, "<div class=\"cards\">{cards}</div>");
    if !record.settings.is_empty() {
        section(&mut out, "Configuration", &pairs(&record.settings));
    }
    out.push_str("</main></body></html>\n");
    out
}

fn section(out: &mut String, title: &str, body: &str) {
    let _ = writeln!(out, "<section><h2>{title}</h2>{body}</section>");
}

fn header(out: &mut String, record: &RunRecord, title: &str) {
    let engine = match record.engine {
        Engine::Joint => "joint engine",
        Engine::Gradient => "gradient engine",
        Engine::Solve => "relaxed solve",
    };
    let terms: usize = record.equations.iter().map(|e| e.terms.len()).sum();
    let plural = |n: usize, word: &str| if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") };
    let mut facts = Vec::new();
    if !record.equations.is_empty() {
        facts.push(format!("{}, {}", plural(record.equations.len(), "equation"), plural(terms, "term")));
    }
    facts.push(engine.into());
    if record.engine != Engine::Solve {
        facts.push(format!("seed {}", record.seed));
    }
    facts.push(format!("{} s", short(record.wall_seconds)));
    let facts: String = facts.iter().map(|f| format!("<li>{}</li>", escape(f))).collect();
    let summary = if record.summary.is_empty() {
        String::new()
    } else {
        format!("<p class=\"lead\">{}</p>", escape(&record.summary))
    };
    let _ = writeln!(out, "<header><h1>{title}</h1>{summary}<ul class=\"facts\">{facts}</ul></header>");
}

fn warnings(out: &mut String, record: &RunRecord) {
    if !record.warnings.is_empty() {
        let items: String = record.warnings.iter().map(|w| format!("<li>{}</li>", escape(w))).collect();
        let _ = writeln!(out, "<section class=\"warn\"><h2>Warnings</h2><ul>{items}</ul></section>");
    }
}

fn equations(out: &mut String, record: &RunRecord) {
    if record.equations.is_empty() {
        return;
    }
    let rows: String = record.equations.iter().map(equation_row).collect();
    let mut body = format!("<div class=\"scroll\"><table class=\"equations\">{rows}</table></div>");
    if record.equations.iter().flat_map(|e| &e.terms).any(crate::report::Term::has_errors) {
        body.push_str(
            "<p class=\"note\">Digits in brackets are one standard error, in units of the last digits shown.</p>",
        );
    }
    for significant in [true, false] {
        let items: Vec<String> = record
            .plausible
            .iter()
            .filter(|p| p.significant == significant)
            .map(|p| {
                let figures = round(p.coefficient, p.std_error).full().replace('-', "−") + &unit(&p.unit);
                let (place, state) = (escape(&p.place()), escape(&p.state));
                format!("{}{place} in the equation of <i>{state}</i> ({figures})", factors(&p.term))
            })
            .collect();
        if !items.is_empty() {
            let heading = capital(left_out(significant));
            let _ = write!(body, "<p class=\"note\">{heading}: {}.</p>", items.join("; "));
        }
    }
    section(out, "Equations", &body);
}

/// A text with a capital at its start.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn trajectories(out: &mut String, record: &RunRecord) {
    let shown = record.trajectories.iter().take(MOST_TRAJECTORIES);
    let mut series = String::new();
    let mut phase = String::new();
    for t in shown {
        let caption = if t.name.is_empty() { String::new() } else { format!("<h3>{}</h3>", escape(&t.name)) };
        let panels: String = time_series(t).concat();
        if !panels.is_empty() {
            let _ = write!(series, "{caption}<figure class=\"stack\">{panels}</figure>");
        }
        let panels: String = portraits(t).iter().map(|p| format!("<figure>{p}</figure>")).collect();
        if !panels.is_empty() {
            let _ = write!(phase, "{caption}<div class=\"grid3\">{panels}</div>");
        }
    }
    if record.trajectories.iter().any(|t| t.held_out_from.is_some()) {
        series.push_str("<p class=\"note\">The shaded part was held out: the fit has not seen it.</p>");
    }
    if record.trajectories.len() > MOST_TRAJECTORIES {
        let _ = write!(
            series,
            "<p class=\"note\">The first {MOST_TRAJECTORIES} of {} trajectories.</p>",
            record.trajectories.len()
        );
    }
    if !series.is_empty() {
        section(out, "Data and solution", &series);
    }
    if !phase.is_empty() {
        section(out, "Phase portrait", &phase);
    }
}

fn predictions(out: &mut String, record: &RunRecord) {
    for prediction in &record.predictions {
        let mut body = format!("<p class=\"note\">{}</p>", escape(&prediction.about));
        for t in prediction.trajectories.iter().take(MOST_TRAJECTORIES) {
            let caption = if t.name.is_empty() { String::new() } else { format!("<h3>{}</h3>", escape(&t.name)) };
            let panels: String = time_series(t).concat();
            if !panels.is_empty() {
                let _ = write!(body, "{caption}<figure class=\"stack\">{panels}</figure>");
            }
        }
        if prediction.trajectories.len() > MOST_TRAJECTORIES {
            let all = prediction.trajectories.len();
            let _ = write!(body, "<p class=\"note\">The first {MOST_TRAJECTORIES} of {all} trajectories.</p>");
        }
        section(out, &format!("Prediction {}", escape(&prediction.name)), &body);
    }
}

fn estimates(out: &mut String, record: &RunRecord) {
    let mut body: String = record
        .equations
        .iter()
        .filter(|e| !e.terms.is_empty())
        .map(|e| format!("<figure><figcaption>{}</figcaption>{}</figure>", left(e), coefficients(e, &record.plausible)))
        .collect();
    if !body.is_empty() {
        body = format!("<div class=\"grid2\">{body}</div>");
        let errors = record.equations.iter().flat_map(|e| &e.terms).any(crate::report::Term::has_errors);
        if errors {
            body.push_str(
                "<p class=\"note\">Bars reach two standard errors to either side; many are narrower than their dot. Hollow \
                 dots are plausible terms that were left out.</p>",
            );
        }
        section(out, "Coefficients", &body);
    }
}

/// Every data set: how many rows and trajectories, and which columns.
fn data_sets(out: &mut String, record: &RunRecord) {
    if record.data.is_empty() {
        return;
    }
    let rows = record.data.iter().map(|d| {
        let columns: Vec<String> = d.columns.iter().chain(&d.inputs).map(|c| escape(c)).collect();
        format!(
            "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&d.name),
            columns.join(", "),
            d.samples,
            d.held_out,
            d.trajectories
        )
    });
    let head = "<tr><th>name</th><th>columns</th><th>samples</th><th>held out</th><th>trajectories</th></tr>";
    let rows = rows.collect::<String>();
    section(out, "Data", &format!("<table class=\"pairs\"><thead>{head}</thead><tbody>{rows}</tbody></table>"));
}

/// Estimated parameters and measurement noise.
fn figures(out: &mut String, record: &RunRecord) {
    if !record.parameters.is_empty() {
        let rows = record.parameters.iter().map(|p| {
            format!(
                "<tr><th>{}</th><td>{}</td></tr>",
                escape(&p.name),
                p.rounded().full().replace('-', "−") + &unit(&p.unit) + &p.note()
            )
        });
        section(out, "Parameters", &format!("<table class=\"pairs\">{}</table>", rows.collect::<String>()));
    }
    if !record.noise.is_empty() {
        let rows = record.noise.iter().map(|n| {
            let relative = n.relative.map_or("–".into(), |r| format!("{} %", short(100.0 * r)));
            format!(
                "<tr><th>{}</th><td>{}</td><td>{relative}</td></tr>",
                escape(&n.state),
                short(n.std) + &unit(&n.unit)
            )
        });
        let head = "<tr><th>state</th><th>standard deviation</th><th>of the data's</th></tr>";
        section(
            out,
            "Measurement noise",
            &format!("<table class=\"pairs\"><thead>{head}</thead><tbody>{}</tbody></table>", rows.collect::<String>()),
        );
    }
}

fn metrics(out: &mut String, record: &RunRecord) {
    if record.metrics.is_empty() {
        return;
    }
    let rows = record.metrics.iter().map(|m| {
        let value = short(m.value) + &unit(&m.unit);
        format!("<tr><th>{}</th><td>{}</td><td>{value}</td></tr>", escape(&m.name), escape(&m.part))
    });
    let head = "<tr><th>measure</th><th>data</th><th>value</th></tr>";
    section(
        out,
        "Figures of merit",
        &format!("<table class=\"pairs\"><thead>{head}</thead><tbody>{}</tbody></table>", rows.collect::<String>()),
    );
}

fn pairs(pairs: &[(String, String)]) -> String {
    let rows = pairs.iter().map(|(k, v)| format!("<tr><th>{}</th><td><code>{}</code></td></tr>", escape(k), escape(v)));
    format!("<table class=\"pairs\">{}</table>", rows.collect::<String>())
}

fn versions(record: &RunRecord) -> String {
    let mut versions = vec![("seed".to_owned(), record.seed.to_string())];
    versions.extend_from_slice(&record.versions);
    pairs(&versions)
}

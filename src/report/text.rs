//! The equations as plain text for a terminal.

use super::figures::StateShare;
use super::found::{Equation, Inside, PlausibleTerm, Term, left_out};
use super::record::RunRecord;
use super::rounding::{UNDETERMINED, round};

/// Lines longer than this are continued below their first term.
const WIDTH: usize = 100;
/// Entries that a line of results names, at most; the page has them all.
pub const NAMED_IN_LINE: usize = 8;
/// Entries that a message names, at most,
const MOST_NAMED: usize = 6;
/// and where each of them is long.
pub const FEW_NAMED: usize = 4;
/// Coefficients below so many standard errors are pointed out.
const WEAK: f64 = 2.0;

/// The first names of a list, and how many more there are.
pub fn first_names<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<String> = names.iter().map(|name| name.as_ref().to_string()).collect();
    some(&names, NAMED_IN_LINE)
}

/// `a, b and 3 others`: the first `most` of a list.
pub fn some(list: &[String], most: usize) -> String {
    match list.len().checked_sub(most) {
        None | Some(0) => list.join(", "),
        Some(1) => format!("{} and one other", list.get(..most).unwrap_or_default().join(", ")),
        Some(others) => format!("{} and {others} others", list.get(..most).unwrap_or_default().join(", ")),
    }
}

/// What a message names of a list: `a, b and 3 others` where it is long.
pub fn named(list: &[String]) -> String {
    some(list, MOST_NAMED)
}

/// The same where each entry is long.
pub fn few(list: &[String]) -> String {
    some(list, FEW_NAMED)
}

/// The equations, one below the other with their `=` aligned, then terms that may be there, parameters and noise.
///
/// Coefficients are written `9.998(12)`: the digits in brackets are one standard error, in units of the last digits.
pub fn equations_text(record: &RunRecord) -> String {
    let mut out = String::new();
    let names: Vec<String> = record.equations.iter().map(left_side).collect();
    let widest = names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
    for (equation, name) in record.equations.iter().zip(&names) {
        let pad = " ".repeat(widest - name.chars().count());
        out.push_str(&format!("{pad}{name} ="));
        let indent = widest + 2;
        let mut column = indent;
        for (i, piece) in right_side(equation).into_iter().enumerate() {
            let width = piece.chars().count() + 1;
            if i > 0 && column + width > WIDTH {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                column = indent;
            }
            out.push(' ');
            out.push_str(&piece);
            column += width;
        }
        out.push('\n');
    }
    if record.equations.iter().flat_map(|e| &e.terms).any(Term::has_errors) {
        out.push_str("(in brackets: one standard error of the last digits)\n");
    }
    let endless = |value: f64, error: Option<f64>| round(value, error).error.as_deref() == Some(UNDETERMINED);
    let is_endless =
        |t: &Term| endless(t.coefficient, t.std_error) || t.inside.iter().any(|n| endless(n.coefficient, n.std_error));
    if record.equations.iter().flat_map(|e| &e.terms).any(is_endless) {
        out.push_str("(± ∞: not determined by these data)\n");
    }
    let weak = record.equations.iter().flat_map(|e| {
        let weak = |t: &&Term| t.std_error.is_some_and(|error| t.coefficient.abs() < WEAK * error);
        let whole = e.terms.iter().filter(weak).map(|t| format!("{} in {}", t.term, left_side(e)));
        let weak = |n: &&Inside| n.std_error.is_some_and(|error| n.coefficient.abs() < WEAK * error);
        let of =
            |t: &Term, n: &Inside| format!("the number before {} inside {} in {}", n.of, shortened(t), left_side(e));
        let inside = e.terms.iter().flat_map(|t| t.inside.iter().filter(weak).map(move |n| of(t, n)));
        whole.chain(inside).collect::<Vec<String>>()
    });
    let weak: Vec<String> = weak.collect();
    if !weak.is_empty() {
        out.push_str(&format!("(below {WEAK} standard errors: {})\n", some(&weak, NAMED_IN_LINE)));
    }
    if !record.parameters.is_empty() {
        out.push_str("\nparameters\n");
        let widest = record.parameters.iter().map(|p| p.name.chars().count()).max().unwrap_or(0);
        for p in &record.parameters {
            let pad = " ".repeat(widest - p.name.chars().count());
            let value = p.rounded().full() + &behind(&p.unit);
            out.push_str(&format!("  {}{pad} = {value}{}\n", p.name, p.note()));
        }
    }
    for significant in [true, false] {
        let listed: Vec<&PlausibleTerm> = record.plausible.iter().filter(|p| p.significant == significant).collect();
        if !listed.is_empty() {
            out.push_str(&format!("\n{}\n", left_out(significant)));
        }
        for p in listed {
            out.push_str(&format!(
                "  {}{} in the equation of {}: {}\n",
                p.term,
                p.place(),
                p.state,
                estimate(p.coefficient, p.std_error, &p.unit)
            ));
        }
    }
    if !record.noise.is_empty() {
        let list: Vec<String> = record
            .noise
            .iter()
            .map(|n| match n.relative {
                Some(r) => format!("{} {}{} ({} %)", n.state, short(n.std), behind(&n.unit), short(100.0 * r)),
                None => format!("{} {}{}", n.state, short(n.std), behind(&n.unit)),
            })
            .collect();
        out.push_str(&format!("\nestimated noise: {}\n", some(&list, NAMED_IN_LINE)));
    }
    let unexplained: Vec<String> = record.explained.iter().filter(|s| s.is_small()).map(StateShare::spelled).collect();
    if !unexplained.is_empty() {
        out.push_str(&format!("\nexplained variance: {}\n", some(&unexplained, NAMED_IN_LINE)));
    }
    out.push_str(&super::scores::lines(record));
    out
}

/// The equations and parameters to three digits, without errors: a text that is the same on every machine.
pub fn equations_short(record: &RunRecord) -> String {
    let mut out = String::new();
    for equation in &record.equations {
        out.push_str(&equation_short(equation));
        out.push('\n');
    }
    for parameter in &record.parameters {
        out.push_str(&format!("{} = {}\n", parameter.name, short(parameter.value)));
    }
    out
}

/// An equation to three digits, without errors: `x' = -0.365*x - 0.0107*x^3`.
pub fn equation_short(equation: &Equation) -> String {
    let mut right = String::new();
    for term in &equation.terms {
        let sign = match (right.is_empty(), term.coefficient < 0.0) {
            (true, true) => "-",
            (true, false) => "",
            (false, true) => " - ",
            (false, false) => " + ",
        };
        let size = short(term.coefficient.abs());
        right.push_str(&match shortened(term).as_str() {
            name if term.is_bare() => format!("{sign}{name}"),
            "1" => format!("{sign}{size}"),
            name => format!("{sign}{size}*{name}"),
        });
    }
    let right = if right.is_empty() { "0" } else { &right };
    format!("{} = {right}", left_side(equation))
}

/// A term as it is printed, the numbers in it with their errors and units: `x/(1 + 1.31(3) [L/mmol]*x)`.
pub(super) fn shown(term: &Term) -> String {
    term.with_numbers(|n| round(n.coefficient, n.std_error).compact() + &behind(&n.unit))
}

/// A term with the numbers in it to three digits.
fn shortened(term: &Term) -> String {
    term.with_numbers(|n| short(n.coefficient.abs()))
}

/// `9.998 ± 0.012 [m/s]`: an estimate in full, with its unit.
pub fn estimate(value: f64, std_error: Option<f64>, unit: &Option<String>) -> String {
    round(value, std_error).full() + &behind(unit)
}

/// ` [m/s]`, as it stands behind a number; nothing behind plain ones.
pub fn behind(unit: &Option<String>) -> String {
    unit.as_deref().filter(|u| *u != "1").map_or(String::new(), |u| format!(" [{u}]"))
}

/// The left side of an equation: `x'`, `q''`; from the fourth derivative on `x^(4)`.
pub(crate) fn left_side(equation: &Equation) -> String {
    match equation.derivative {
        n @ 0..=3 => format!("{}{}", equation.state, "'".repeat(n as usize)),
        n => format!("{}^({n})", equation.state),
    }
}

/// At most three significant digits, for figures whose exact value nobody needs.
pub(crate) fn short(v: f64) -> String {
    let text = format!("{v:.2e}");
    let order = text.split_once('e').and_then(|(_, e)| e.parse::<i32>().ok()).unwrap_or(0);
    if v != 0.0 && !(-4..6).contains(&order) {
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", without_zeros(digits));
    }
    let decimals = usize::try_from(2 - order).unwrap_or(0);
    without_zeros(&format!("{v:.decimals$}")).to_string()
}

/// Digits without the zeros at their end that say nothing.
pub(super) fn without_zeros(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// The terms with their signs: `-9.998(12)*x`, `+ 9.997(11)*y`.
fn right_side(equation: &Equation) -> Vec<String> {
    if equation.terms.is_empty() {
        return vec!["0".into()];
    }
    equation
        .terms
        .iter()
        .enumerate()
        .map(|(i, t)| {
            let number = round(t.coefficient, t.std_error);
            let sign = match (i, number.negative) {
                (0, true) => "-",
                (0, false) => "",
                (_, true) => "- ",
                (_, false) => "+ ",
            };
            let term = shown(t);
            if t.is_bare() {
                return format!("{sign}{term}");
            }
            let factor = if t.term == "1" { String::new() } else { format!("*{term}") };
            format!("{sign}{}{}{factor}", number.compact(), behind(&t.unit))
        })
        .collect()
}

//! Equations typeset in HTML: italic names, raised powers, coefficients with their standard error.

use super::super::escape::escape;
use super::super::found::{Equation, Term};
use super::super::rounding::round;
use super::super::text::shown;

/// The rows of an equation table: left side, equals sign, right side.
pub(crate) fn equation_row(equation: &Equation) -> String {
    let terms: String = if equation.terms.is_empty() {
        "<span class=\"term\">0</span>".into()
    } else {
        equation.terms.iter().enumerate().map(|(i, t)| term(t, i == 0)).collect()
    };
    format!("<tr><td class=\"left\">{}</td><td>=</td><td class=\"right\">{terms}</td></tr>", left(equation))
}

/// The left side: a state with primes.
pub(crate) fn left(equation: &Equation) -> String {
    let primes = match equation.derivative {
        n @ 0..=3 => "′".repeat(n as usize),
        n => format!("<sup>({n})</sup>"),
    };
    format!("{}{primes}", name(&equation.state))
}

/// A term as HTML: `x^2*y` becomes an italic x with a raised 2 and an italic y.
pub(crate) fn factors(term: &str) -> String {
    // A product of names with powers is set as such; whatever else there may be stays as it is written.
    let parts: Option<Vec<String>> = term.split('*').map(|f| factor(f.trim())).collect();
    match parts {
        Some(parts) => parts.join("<span class=\"thin\"> </span>"),
        None => format!("<i>{}</i>", escape(term)),
    }
}

fn term(t: &Term, first: bool) -> String {
    let number = round(t.coefficient, t.std_error);
    let sign = match (first, number.negative) {
        (true, false) => "",
        (true, true) => "−",
        (false, false) => "+ ",
        (false, true) => "− ",
    };
    let error = number.error_digits.as_ref().map(|e| format!("<span class=\"err\">({e})</span>")).unwrap_or_default();
    let power = if number.exponent == 0 {
        String::new()
    } else {
        format!("·10<sup>{}</sup>", number.exponent.to_string().replace('-', "−"))
    };
    if t.is_bare() {
        return format!("<span class=\"term\">{sign}{}</span> ", factors(&shown(t)));
    }
    let factors = if t.term == "1" { String::new() } else { format!(" {}", factors(&shown(t))) };
    let unit = unit(&t.unit);
    format!(
        "<span class=\"term\">{sign}<span class=\"num\">{}{error}{power}</span>{unit}{factors}</span> ",
        number.magnitude
    )
}

/// A unit in brackets behind a number.
pub(crate) fn unit(unit: &Option<String>) -> String {
    let text = crate::report::behind(unit);
    if text.is_empty() { text } else { format!("<span class=\"err\">{}</span>", escape(&text)) }
}

fn factor(text: &str) -> Option<String> {
    let (base, power) = match text.split_once('^') {
        Some((base, power)) => (base, Some(power)),
        None => (text, None),
    };
    let plain = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '\''));
    if !plain(base) || power.is_some_and(|p| p.is_empty() || !p.chars().all(|c| c.is_ascii_digit() || c == '-')) {
        return None;
    }
    let power = power.map(|p| format!("<sup>{}</sup>", p.replace('-', "−"))).unwrap_or_default();
    Some(format!("{}{power}", name(base)))
}

/// A name in italics; what follows its first underscore is lowered.
fn name(text: &str) -> String {
    let text = text.replace('\'', "′");
    match text.split_once('_') {
        Some((base, index)) if !base.is_empty() && !index.is_empty() => {
            format!("<i>{}</i><sub>{}</sub>", escape(base), escape(index))
        }
        _ => format!("<i>{}</i>", escape(&text)),
    }
}

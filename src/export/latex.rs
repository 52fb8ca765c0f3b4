//! An `align*` block of LaTeX with the package amsmath.

use std::convert::Infallible;
use std::fmt::Write as _;

use super::names::{Rules, Table, ascii};
use super::{System, greek};
use crate::base::Idx;
use crate::hir::{Compare, Exponent, Expr, ExprKind, Level, Notation, Piece, UnaryFn, number, write as print};

const RULES: Rules = Rules {
    legal: symbol,
    // Upright digits in an italic word: nothing that `symbol` gives looks so.
    again: |name, _, n| format!("\\mathit{{{}-{n}}}", escaped(&ascii(name))),
    derivative: None,
    model: false,
    time: "t",
    reserved: "t t_{0}",
};

pub(super) fn write(system: &System<'_>) -> String {
    let table = Table::new(system.model, &RULES);
    let latex = Latex { table: &table };
    let mut out = system.head("%");
    let mut groups = vec![
        system
            .rights
            .iter()
            .map(|right| {
                let left = latex.derivative(right.state.index(), usize::from(right.derivative));
                format!("{} &= {}", left.text, latex.text(&right.value))
            })
            .collect::<Vec<String>>(),
    ];
    let mut starts = Vec::new();
    let first = system.start_if_late().map_or_else(|| "t_{0}".to_string(), |t| latex.number(t));
    for (state, values) in system.initial.iter().enumerate() {
        for (k, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            let state = latex.derivative(state, k);
            starts.push(format!("{}\\left({first}\\right) &= {}", state.text, latex.number(*value)));
        }
    }
    groups.push(starts);
    groups.push(system.parameters.iter().map(|p| latex.parameter(p)).collect());
    groups.retain(|lines| !lines.is_empty());
    let groups: Vec<String> = groups.iter().map(|lines| format!("  {}", lines.join(" \\\\\n  "))).collect();
    let _ = writeln!(out, "\\begin{{align*}}\n{}\n\\end{{align*}}", groups.join(" \\\\[1ex]\n"));
    out
}

struct Latex<'a> {
    table: &'a Table,
}

impl Latex<'_> {
    fn text(&self, expr: &Expr) -> String {
        match print(self, expr) {
            Ok(piece) => piece.text,
            Err(never) => match never {},
        }
    }

    /// `x`, `\dot{x}_{1}`, `\ddot{x}`, `x^{(3)}`
    fn derivative(&self, state: usize, k: usize) -> Piece {
        let name = self.table.states.get(state).and_then(|names| names.first()).map_or("", String::as_str);
        // Subscripts stand behind the dots.
        let (letter, index) = match name.find("_{") {
            Some(at) => name.split_at(at),
            None => (name, ""),
        };
        match k {
            0 => Piece::atom(name),
            1 => Piece::atom(format!("\\dot{{{letter}}}{index}")),
            2 => Piece::atom(format!("\\ddot{{{letter}}}{index}")),
            k => Piece::new(format!("{letter}{index}^{{({k})}}"), Level::Power),
        }
    }

    fn parameter(&self, parameter: &super::Parameter) -> String {
        let mut out =
            format!("{} &= {}", self.table.leaf(&ExprKind::Unknown(parameter.id)).text, self.number(parameter.value));
        if let Some(error) = parameter.std_error {
            let _ = write!(out, " \\pm {}", self.number(error));
        }
        let ends = (parameter.bounds.lower, parameter.bounds.upper);
        if ends != (f64::NEG_INFINITY, f64::INFINITY) {
            let end = |v: f64| match v {
                f64::INFINITY => "\\infty".to_string(),
                f64::NEG_INFINITY => "-\\infty".to_string(),
                v => self.number(v),
            };
            let _ = write!(out, " \\in \\left[{}, {}\\right]", end(ends.0), end(ends.1));
        }
        out
    }

    fn call(&self, function: &str, a: &str) -> Piece {
        // A power of it needs brackets: `\sin(x)^2` is read in two ways.
        Piece::new(format!("{function}\\left({a}\\right)"), Level::Power)
    }
}

impl Notation for Latex<'_> {
    type Error = Infallible;

    fn number(&self, value: f64) -> String {
        let text = number(value);
        match text.split_once('e') {
            Some(("1", exponent)) => format!("10^{{{exponent}}}"),
            Some(("-1", exponent)) => format!("-10^{{{exponent}}}"),
            Some((digits, exponent)) => format!("{digits} \\cdot 10^{{{exponent}}}"),
            None => text,
        }
    }

    fn multiple_of_pi(&self, above: u32, below: u32) -> Option<Piece> {
        let above = if above == 1 { "\\pi".to_string() } else { format!("{above} \\pi") };
        Some(match below {
            1 if above == "\\pi" => Piece::atom(above),
            1 => Piece::new(above, Level::Product),
            _ => Piece::new(format!("\\frac{{{above}}}{{{below}}}"), Level::Power),
        })
    }

    fn name(&self, leaf: &ExprKind) -> Result<Piece, Infallible> {
        Ok(match leaf {
            ExprKind::State(state, k) => self.derivative(state.index(), usize::from(*k)),
            leaf => self.table.leaf(leaf),
        })
    }

    fn brackets(&self, text: &str) -> String {
        format!("\\left({text}\\right)")
    }

    fn function(&self, f: UnaryFn, a: Piece) -> Result<Piece, Infallible> {
        let a = &a.text;
        Ok(match f {
            UnaryFn::Abs => Piece::atom(format!("\\left|{a}\\right|")),
            UnaryFn::Sqrt => Piece::new(format!("\\sqrt{{{a}}}"), Level::Power),
            UnaryFn::Asin => self.call("\\arcsin", a),
            UnaryFn::Acos => self.call("\\arccos", a),
            UnaryFn::Atan => self.call("\\arctan", a),
            UnaryFn::Sign => self.call("\\operatorname{sgn}", a),
            f => self.call(&format!("\\{}", f.name()), a),
        })
    }

    fn extreme(&self, larger: bool, a: Piece, b: Piece) -> Result<Piece, Infallible> {
        let function = if larger { "\\max" } else { "\\min" };
        Ok(self.call(function, &format!("{}, {}", self.within(&a, Level::Sum), self.within(&b, Level::Sum))))
    }

    fn product(&self, a: Piece, b: Piece) -> Piece {
        let right = self.within(&b, Level::Power);
        // Letter and bracket without a sign between them would look like a function; two numbers like one.
        let starts_alike = right.starts_with("\\left(") || right.starts_with(|c: char| c.is_ascii_digit());
        self.infix(if starts_alike { " \\cdot " } else { " \\, " }, a, b)
    }

    fn quotient(&self, a: Piece, b: Piece) -> Piece {
        let (sign, above) = match a.text.strip_prefix('-').filter(|_| a.negative) {
            Some(rest) => ("-", rest),
            None => ("", a.text.as_str()),
        };
        // The bar of a fraction is its bracket.
        let above = within_brackets(above).unwrap_or(above);
        Piece::signed(format!("{sign}\\frac{{{above}}}{{{}}}", b.text), Level::Power, a.negative)
    }

    fn power(&self, base: Piece, exponent: Exponent) -> Result<Piece, Infallible> {
        let exponent = match exponent {
            Exponent::Whole(n) => n.to_string(),
            Exponent::Real(piece) => piece.text,
        };
        Ok(Piece::new(format!("{}^{{{exponent}}}", self.within(&base, Level::Atom)), Level::Power))
    }

    fn select(&self, compare: Compare, pieces: [Piece; 4], _: &[Expr; 4]) -> Result<Piece, Infallible> {
        let [a, b, x, y] = pieces.map(|p| p.text);
        let sign = match compare {
            Compare::Less => "<",
            Compare::AtMost => "\\le",
            Compare::Equal => "=",
        };
        let text = format!(
            "\\begin{{cases}} {x} & \\text{{if }} {a} {sign} {b} \\\\ {y} & \\text{{otherwise}} \\end{{cases}}"
        );
        Ok(Piece::new(text, Level::Whole))
    }
}

/// What stands in a pair of brackets that is the whole text.
fn within_brackets(text: &str) -> Option<&str> {
    const OPEN: &str = "\\left(";
    const CLOSE: &str = "\\right)";
    let inner = text.strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    let mut open = 0usize;
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        rest = rest.get(at..)?;
        open = match (rest.starts_with(OPEN), rest.starts_with(CLOSE)) {
            (true, _) => open + 1,
            (_, true) => open.checked_sub(1)?,
            _ => open,
        };
        rest = rest.get(1..)?;
    }
    Some(inner)
}

/// A name: single letters as they are, Greek ones as commands, words in one piece, and what follows `_`, digits at the end, and
/// places in index sets as subscripts.
fn symbol(name: &str) -> String {
    let (base, places) = match name.split_once('[') {
        Some((base, places)) => (base, Some(places.trim_end_matches(']').replace(' ', ""))),
        None => (name, None),
    };
    let digits = base.len() - base.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (head, below) = match base.split_once('_') {
        Some((head, below)) if !head.is_empty() && !below.is_empty() => (head, below),
        _ if digits > 0 && digits < base.len() => base.split_at(base.len() - digits),
        _ => (base, ""),
    };
    let mut subscripts: Vec<String> = Vec::new();
    if !below.is_empty() {
        let number = below.bytes().all(|b| b.is_ascii_digit());
        subscripts.push(if number { below.to_string() } else { word(below) });
    }
    subscripts.extend(places);
    match subscripts.is_empty() {
        true => word(head),
        false => format!("{}_{{{}}}", word(head), subscripts.join(",")),
    }
}

/// A letter, a Greek letter, or a word.
fn word(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some('ε'), None) => return "\\varepsilon".to_string(),
        (Some('φ'), None) => return "\\varphi".to_string(),
        (Some('ϕ'), None) => return "\\phi".to_string(),
        (Some(c), None) if c.is_ascii_alphabetic() => return text.to_string(),
        (Some(c), None) if greek::name(c).is_some_and(greek::is_command) => {
            return format!("\\{}", greek::name(c).unwrap_or_default());
        }
        _ => {}
    }
    if greek::is_command(text) {
        return format!("\\{text}");
    }
    match text.is_ascii() {
        true => format!("\\mathit{{{}}}", escaped(text)),
        // Letters beyond ASCII exist in text fonts.
        false => format!("\\textit{{{}}}", escaped(&named_greek(text))),
    }
}

/// Greek letters in a word by their names: text fonts need not have them.
fn named_greek(text: &str) -> String {
    text.chars().map(|c| greek::name(c).map_or_else(|| c.to_string(), str::to_string)).collect()
}

fn escaped(text: &str) -> String {
    text.replace('_', "\\_")
}

//! Files that hold a model of another tool: one finding, and nothing of them is read. Only files with a mistake are looked at: whatever can be read
//! is of this language.

use std::ops::Range;

/// So many lines are looked at.
const LINES: usize = 400;

/// The language that `text` is written in and the line that tells it, where it holds nothing that starts an item of this one.
pub(super) fn language(text: &str) -> Option<(&'static str, Range<usize>)> {
    let mut found = None;
    let mut stan = Vec::new();
    let (mut model, mut reactions) = (false, false);
    let mut at = 0;
    let mut is_header = false;
    for line in text.split_inclusive('\n').take(LINES) {
        let start = at + (line.len() - line.trim_start().len());
        at += line.len();
        // What a comment tells of is not what the file holds.
        let line = line.split_once("//").map_or(line, |(before, _)| before).trim();
        if starts_item(line) || (is_header && line.starts_with('{')) {
            return None;
        }
        is_header = is_header && line.is_empty() || is_header_alone(line);
        let place = start..start + line.len();
        if let Some(block) = stan_block(line)
            && !stan.contains(&block)
        {
            stan.push(block);
        }
        // What tells Modelica and Antimony apart stands behind a header that has nothing but a name.
        let language = match first_words(line) {
            ("equation", "") if model => Some("Modelica"),
            ("end", "") if model && reactions => Some("Antimony"),
            _ if stan.len() > 1 => Some("Stan"),
            _ => of_line(line),
        };
        model |= first_words(line).0 == "model" && !line.contains('{');
        reactions |= line.contains("->") || line.contains("=>");
        found = found.or(language.map(|language| (language, place)));
    }
    found
}

/// The first two words of a line.
fn first_words(line: &str) -> (&str, &str) {
    let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty());
    (words.next().unwrap_or_default(), words.next().unwrap_or_default())
}

/// Whether a line is the header of an item of this language with its block, or one that needs none.
fn starts_item(line: &str) -> bool {
    let Some((keyword, rest)) = line.split_once(char::is_whitespace) else { return false };
    let rest = rest.trim_start();
    let named = rest.starts_with(|c: char| c == '_' || c.is_alphabetic() || c == '"');
    match keyword {
        "model" | "network" | "test" => named && rest.contains('{'),
        "data" | "solve" | "predict" | "fn" | "unit" => named && (keyword == "unit" || rest.contains('=')),
        "fit" => named && rest.contains(" to "),
        "use" => rest.contains('.'),
        _ => false,
    }
}

/// Whether a line is the header of an item without its block.
fn is_header_alone(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_name = |word: &str| word.chars().all(|c| c == '_' || c.is_alphanumeric());
    matches!(words.next(), Some("model" | "network" | "test"))
        && words.next().is_some_and(is_name)
        && words.next().is_none()
}

/// The block of Stan that a line opens.
fn stan_block(line: &str) -> Option<&str> {
    const BLOCKS: [&str; 7] = [
        "data",
        "parameters",
        "model",
        "functions",
        "transformed data",
        "transformed parameters",
        "generated quantities",
    ];
    let name = line.strip_suffix('{')?.trim_end();
    BLOCKS.into_iter().find(|block| *block == name)
}

/// The language that a line can only be of.
fn of_line(line: &str) -> Option<&'static str> {
    let starts = |words: &[&str]| words.iter().any(|w| line.starts_with(w));
    let holds = |words: &[&str]| words.iter().any(|w| line.contains(w));
    match () {
        () if starts(&["<?xml", "<sbml", "<model"]) => Some("XML"),
        () if starts(&["\\begin{", "\\documentclass", "\\["]) => Some("LaTeX"),
        () if starts(&["[[model]]", "[[protocol]]"]) => Some("Myokit"),
        () if holds(&["NDSolve[", "DSolve[", "NDSolveValue["]) => Some("Mathematica"),
        () if starts(&["@parameters", "@variables", "@species", "@mtkmodel"]) => Some("Julia"),
        () if holds(&["@reaction_network", "ODEProblem(", "ODESystem("]) => Some("Julia"),
        () if starts(&["function "]) && holds(&["!(", "(du,"]) => Some("Julia"),
        () if starts(&["function "]) && holds(&["="]) => Some("MATLAB"),
        () if holds(&["<- function(", "<-function("]) => Some("R"),
        () if starts(&["def ", "class "]) && line.ends_with(':') => Some("Python"),
        () if holds(&["ps.SINDy(", "odeint(", "solve_ivp(", "pysindy.SINDy("]) => Some("Python"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::language;

    #[test]
    fn languages_are_told_by_their_lines() {
        for (text, name) in [
            ("<?xml version=\"1.0\"?>\n<sbml level=\"3\">", "XML"),
            ("data {\n  int N;\n}\nparameters {\n  real k;\n}", "Stan"),
            ("% decay\nfunction dxdt = decay(t, x)\n  dxdt = -x;\nend", "MATLAB"),
            ("import numpy as np\n\ndef decay(t, x):\n    return -x", "Python"),
            ("library(deSolve)\ndecay <- function(t, y, p) {\n}", "R"),
            ("using Catalyst\nrn = @reaction_network begin\nend", "Julia"),
            ("function f!(du, u, p, t)\n  du[1] = -u[1]\nend", "Julia"),
            ("NDSolve[{x'[t] == -x[t], x[0] == 1}, x, {t, 0, 10}]", "Mathematica"),
            ("model A\n  Real x;\nequation\n  der(x) = -x;\nend A;", "Modelica"),
            ("model A()\n  S1 -> S2; k*S1\nend", "Antimony"),
            ("[[model]]\nname: decay", "Myokit"),
        ] {
            assert_eq!(language(text).map(|(name, _)| name), Some(name), "{text}");
        }
    }

    #[test]
    fn a_file_with_an_item_is_no_other_language() {
        for text in [
            "def f(x):\n  return x\n\nmodel A {\n  state x\n  x' = -x\n}",
            "function f(x) = x^2\nmodel A { state x; x' = f(x) }",
            "model A\n{\n  state x\n  x' = -x\n}",
            "// made with scipy: solve_ivp(f, (0, 10), [1])\nmodel A\n{\n  state x\n  x' = -x\n}",
            "def f(x):\n  return x\nmodel A\n\n{\n  state x\n}",
            "model A // as odeint(f, x0, t) has it\n  state x",
            "data d = csv(\"d.csv\") { time t }",
            "fit A to d\ndef f(x):",
            "",
        ] {
            assert_eq!(language(text), None, "{text}");
        }
    }
}

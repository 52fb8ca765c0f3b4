//! Statements of other tools inside a model, which are told before they are read: some of them could be read as something else.

use super::super::explain::{Said, Stop};
use super::super::grammar::Rule;
use super::super::lexer::{Token, TokenKind};
use super::super::slips::meant;
use super::values::is_range;
use crate::diagnostics::codes;

/// Words for the types of numbers.
const TYPES: [&str; 12] =
    ["Real", "real", "Integer", "Boolean", "int", "float", "double", "vector", "matrix", "array", "Float64", "number"];

/// Words for what is shown of a model.
const OUTPUTS: [&str; 8] =
    ["output", "outputs", "observable", "observables", "observe", "observed", "measured", "measure"];

/// Names of ends of a range.
const LOW: [&str; 4] = ["min", "lower", "lb", "minimum"];
const HIGH: [&str; 4] = ["max", "upper", "ub", "maximum"];

impl Stop<'_> {
    /// What is said of a statement of a model that only other tools have.
    pub(in super::super) fn other_tools(&self) -> Option<Said> {
        match self.rule {
            Rule::param_statement => self.ends_as_names(),
            Rule::equation => {
                let first = *self.tokens.first()?;
                match first.kind {
                    TokenKind::Text => Some(self.text_alone(first)),
                    TokenKind::Word => self.reaction().or_else(|| {
                        // Looking for a declaration takes the whole file, so it comes last.
                        self.other_word(first).filter(|_| !self.is_declared(self.slice(first)))
                    }),
                    _ => self.reaction(),
                }
            }
            _ => None,
        }
    }

    /// The whole statement.
    fn whole(&self) -> std::ops::Range<usize> {
        self.bytes.clone()
    }

    /// `"""decay"""`
    fn text_alone(&self, first: Token) -> Said {
        let message = "a text is no statement of a model".to_string();
        let text = self.tokens.iter().map(|t| self.slice(*t).trim_matches('"')).find(|t| !t.is_empty());
        let text = text.unwrap_or_default();
        let help = format!("a comment starts with `//`: `// {text}`; behind `///` before an item it documents that");
        Said::new(codes::E0112, message, first.start..self.bytes.end, help).edit(self.whole(), format!("// {text}"))
    }

    /// `A -> B; k*A`, `A + B <-> C`, `k, A --> B`
    fn reaction(&self) -> Option<Said> {
        let mut pairs = self.tokens.windows(2).enumerate().filter_map(|(i, pair)| match pair {
            [a, b] if self.slice(*a) == "-" && self.slice(*b) == ">" && a.end == b.start => Some((i, *b)),
            _ => None,
        });
        let (at, arrow) = pairs.next()?;
        let word = |tokens: &[Token]| match tokens {
            [one] if one.kind == TokenKind::Word => Some(self.slice(*one)),
            _ => None,
        };
        let before = self.tokens.get(..at)?;
        // `-->` and `<->`
        let before = match before.split_last() {
            Some((sign, rest)) if matches!(self.slice(*sign), "-" | "<") => rest,
            _ => before,
        };
        // In Catalyst the rate stands before a comma.
        let (rate, from) = match before.iter().position(|t| self.slice(*t) == ",") {
            Some(comma) => (word(before.get(..comma)?), word(before.get(comma + 1..)?)),
            None => (None, word(before)),
        };
        let to = word(self.tokens.get(at + 2..)?);
        // In Antimony it follows a semicolon.
        let behind = self.text.get(self.bytes.end..)?.split(['\n', '\r', '}']).next()?;
        let law = behind.trim_start().strip_prefix(';').map(str::trim).filter(|law| !law.is_empty());
        let law = match (law, rate.zip(from)) {
            (Some(law), _) => Some(law.trim_end_matches(';').trim_end().to_string()),
            (None, Some((rate, from))) => Some(format!("{rate}*{from}")),
            _ => None,
        };
        let written = law.zip(from).map(|(law, from)| {
            let gain = to.map_or(String::new(), |to| format!(", `{to}' = {law}`"));
            let loss = if law.contains(['+', ' ']) { format!("({law})") } else { law };
            format!("`{from}' = -{loss}`{gain}")
        });
        let written = written.unwrap_or_else(|| "`A' = -k*A`, `B' = k*A`".to_string());
        let message = "reactions are written as equations".to_string();
        let help = format!("each state has an equation with the rates of all reactions that change it: {written}");
        Some(Said::new(codes::E0101, message, arrow.start - 1..arrow.end, help))
    }

    /// A statement that starts with a word of another tool.
    fn other_word(&self, first: Token) -> Option<Said> {
        let word = self.slice(first);
        let second = self.tokens.get(1).copied();
        let behind = self.symbol(second);
        let place = first.start..first.end;
        if second.is_some_and(|t| t.kind == TokenKind::Primes) {
            return None;
        }
        let message = format!("`{word}` does not start a statement of a model");
        let said = |help: String| Some(Said::new(codes::E0112, message.clone(), place.clone(), help));
        let left_out =
            |help: &str| Some(Said::new(codes::E0112, message.clone(), place.clone(), help).edit(self.whole(), ""));
        if behind == "=" {
            return match word {
                "tspan" | "t_span" | "timespan" | "t_end" | "tend" | "dt" => said(
                    "the times are those of the data; a simulation has its own: `data run = simulate Model { steps 100; dt 0.1 }`".into(),
                ),
                "u0" | "y0" | "inits" => said("values at the start are declared state by state: `initial x = 1`".into()),
                _ => None,
            };
        }
        if TYPES.contains(&word) && second.is_some() && behind != "(" {
            return self.typed(first, 1);
        }
        if matches!(word, "parameter" | "param" | "constant") && TYPES.contains(&behind) {
            return self.typed(first, 2);
        }
        if meant(word) == Some("state") && second.is_some_and(|t| t.kind == TokenKind::Word) {
            return self.states_with_values(first);
        }
        match word {
            _ if OUTPUTS.contains(&word) => {
                let named = self.tokens.get(2).is_some_and(|t| self.slice(*t) == "=");
                match second.filter(|t| t.kind == TokenKind::Word) {
                    Some(_) if named => {
                        let rest = self.text.get(first.end..self.bytes.end)?;
                        let help = format!("what is computed from states has a name: `let{rest}`; columns of data are matched with states in the data block");
                        Some(Said::new(codes::E0112, message, place.clone(), help).edit(place, "let"))
                    }
                    Some(_) => left_out("leave it out: all states are put out, and columns of data are matched with states in the data block"),
                    None => None,
                }
            }
            "compartment" => {
                let rest = self.text.get(first.end..self.bytes.end)?.trim();
                let declared = if rest.contains('=') { rest.to_string() } else { format!("{rest} = 1") };
                let help = format!("a volume is a number: `const {declared}`");
                Some(Said::new(codes::E0112, message, place, help).edit(self.whole(), format!("const {declared}")))
            }
            "when" | "event" | "events" | "at" | "reinit" | "on_event" => said(
                "there are no events: an amount that comes in at a time is an input, `input dose impulse`, and what changes at a time is part of an equation, `if t > 5 then 1 else 0`".into(),
            ),
            "equation" | "equations" | "algorithm" | "odes" if second.is_none() => {
                left_out("leave it out: equations stand among the other statements of a model")
            }
            "begin" | "end" | "endmodel" if second.is_none() => left_out("leave it out: blocks stand in braces"),
            "end" => left_out("leave it out: blocks stand in braces"),
            "annotation" | "experiment" | "solver" => left_out("leave it out: how a model is solved is said by a `solve` or `fit` item"),
            "extends" | "inherits" => said(
                "a model takes over no other: write its statements here; functions are shared, `use rates.hill`".into(),
            ),
            "return" => said("an equation names the state that it is about: `x' = -k*x`".into()),
            "print" | "plot" | "disp" | "display" | "println" => said(
                "a file says what there is; what is done with it is a command in a shell: `mechc run FILE`".into(),
            ),
            _ => None,
        }
    }

    /// Whether the file has a derivative of `name`.
    fn is_differentiated(&self, name: &str) -> bool {
        let calls = |word: &str| matches!(word, "der" | "dot" | "D" | "diff" | "ddt");
        self.file.windows(2).any(|pair| matches!(pair, [a, b] if self.slice(*a) == name && b.kind == TokenKind::Primes))
            || self.file.windows(3).any(|part| {
                matches!(part, [f, open, of] if calls(self.slice(*f)) && self.slice(*open) == "(" && self.slice(*of) == name)
            })
    }

    /// `Real x(start = 1)`, `real<lower=0> k`, `parameter Real k = 0.3`: the first `words` tokens say what it is.
    fn typed(&self, first: Token, words: usize) -> Option<Said> {
        let type_word = *self.tokens.get(words - 1)?;
        // What stands in brackets behind the type belongs to it.
        let mut depth = 0_i32;
        let name = self.tokens.iter().skip(words).copied().find(|&t| {
            match self.slice(t) {
                "<" | "[" | "(" => depth += 1,
                ">" | "]" | ")" => depth -= 1,
                _ => {}
            }
            depth == 0 && t.kind == TokenKind::Word
        })?;
        let after = self.tokens.iter().copied().skip_while(|t| t.start <= name.start);
        let is_more = |t: Token| !matches!(self.slice(t), "=" | "(" | "[");
        let plain = after.clone().next().is_none_or(|t| !is_more(t));
        let value = self.named_value("start").or_else(|| {
            let is = after.clone().find(|&t| self.slice(t) == "=" && self.depth_of(t) == 0)?;
            let value = *self.tokens.iter().find(|t| t.start >= is.end)?;
            Some(self.between(value, self.end_of_value(value)?).to_string())
        });
        let name = self.slice(name);
        let range = match (self.named_value_of(&LOW), self.named_value_of(&HIGH)) {
            (Some(low), Some(high)) if is_range(&low, &high) => format!(" in [{low}, {high}]"),
            _ => String::new(),
        };
        let written = match (self.is_differentiated(name), value) {
            (true, None) => format!("state {name}"),
            (true, Some(value)) => format!("state {name}; initial {name} = {value}"),
            (false, None) => format!("param {name}{range}"),
            (false, Some(value)) => format!("param {name} = {value}{range}"),
        };
        let message = format!("declarations have no types, and here is `{}`", self.slice(type_word));
        let said = Said::new(codes::E0112, message, first.start..type_word.end, format!("write `{written}`"));
        // `vector[3] k`
        let brackets = self.tokens.get(words..words + 2).unwrap_or_default();
        if let [open, size] = brackets
            && self.slice(*open) == "["
            && size.kind == TokenKind::Number
        {
            let family = written.replacen(name, &format!("{name}[i]"), 1);
            return Some(Said {
                help: Some(format!("several of a kind are a family: `index i = {}; {family}`", self.slice(*size))),
                ..said
            });
        }
        Some(if plain { said.edit(self.whole(), written) } else { said })
    }

    /// How many brackets are open before `token`.
    fn depth_of(&self, token: Token) -> i32 {
        self.tokens.iter().take_while(|t| t.start < token.start).fold(0, |depth, t| match self.slice(*t) {
            "(" | "[" | "<" => depth + 1,
            ")" | "]" | ">" => depth - 1,
            _ => depth,
        })
    }

    /// The number behind one of `names` and an equals sign.
    fn named_value_of(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.named_value(name))
    }

    fn named_value(&self, name: &str) -> Option<String> {
        let at = self.tokens.windows(2).position(|pair| match pair {
            [a, b] => self.slice(*a) == name && self.slice(*b) == "=",
            _ => false,
        })?;
        let rest = self.tokens.get(at + 2..)?;
        let (first, number) = match rest {
            [minus, number, ..] if self.slice(*minus) == "-" => (minus, number),
            [number, ..] => (number, number),
            [] => return None,
        };
        (number.kind == TokenKind::Number).then(|| self.between(*first, *number).to_string())
    }

    /// `species A = 10, B`
    fn states_with_values(&self, first: Token) -> Option<Said> {
        let written = self.states_and_starts()?;
        let message = format!("`{}` does not start a statement of a model", self.slice(first));
        let help = format!("write `{written}`");
        Some(Said::new(codes::E0112, message, first.start..first.end, help).edit(self.whole(), written))
    }

    /// The states of `state x = 1, y` and where they start, where names and values are all that stands there.
    pub(super) fn states_and_starts(&self) -> Option<String> {
        let rest = self.text.get(self.tokens.first()?.end..self.bytes.end)?.trim();
        if !rest.contains('=') || rest.contains(['(', '[', '{', '\n', '\'']) {
            return None;
        }
        let parts: Vec<&str> = rest.split(',').map(str::trim).collect();
        let names: Vec<&str> = parts.iter().map(|p| p.split('=').next().unwrap_or(p).trim()).collect();
        let starts: Vec<&str> = parts.iter().copied().filter(|p| p.contains('=')).collect();
        let plain = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        let written = format!("state {}; initial {}", names.join(", "), starts.join(", "));
        (names.iter().all(plain) && starts.iter().all(|s| s.matches('=').count() == 1)).then_some(written)
    }

    /// `param k = 0.3, min = 0, max = 1`, `param k(min = 0, max = 1) = 0.3`, `param k <lower = 0, upper = 1>`
    fn ends_as_names(&self) -> Option<Said> {
        let ends = |t: Token| {
            let word = self.slice(t);
            LOW.contains(&word) || HIGH.contains(&word) || word == "start"
        };
        let at = self.tokens.windows(3).position(|part| match part {
            // `lower` and the like are good names of parameters; those of functions are none.
            [before, word, is] => {
                let sign = self.slice(*before);
                self.slice(*is) == "="
                    && (matches!(sign, "(" | "<") && ends(*word)
                        || sign == "," && matches!(self.slice(*word), "min" | "max"))
            }
            _ => false,
        })?;
        let [name, sign, ..] = self.tokens.get(1..)? else { return None };
        let opening = *self.tokens.get(at)?;
        let value = match self.slice(*sign) {
            "=" => {
                let value = *self.tokens.get(3)?;
                let value = self.between(value, self.end_of_value(value)?);
                // `1 max = 5, min = 0` is another notation.
                Some(value).filter(|value| !value.contains('=')).map(str::to_string)?.into()
            }
            // Behind the parentheses.
            _ => {
                let is = self.tokens.iter().find(|t| self.slice(**t) == "=" && self.depth_of(**t) == 0);
                let value = is.and_then(|is| self.tokens.iter().find(|t| t.start >= is.end)).copied();
                value
                    .and_then(|v| Some(self.between(v, self.end_of_value(v)?).to_string()))
                    .or_else(|| self.named_value("start"))
            }
        };
        let value = value.map_or(String::new(), |value| format!(" = {value}"));
        let name = self.slice(*name);
        let message = "the range of a parameter stands behind `in`".to_string();
        let place = opening.end..self.bytes.end;
        let low = self.named_value_of(&LOW);
        let high = self.named_value_of(&HIGH);
        let (range, whole) = match (&low, &high) {
            (Some(low), Some(high)) if is_range(low, high) => (format!(" in [{low}, {high}]"), true),
            (None, None) => (String::new(), true),
            (Some(low), None) => (format!(" in [{low}, 1e6]"), false),
            (None, Some(high)) => (format!(" in [-1e6, {high}]"), false),
            _ => return None,
        };
        let written = format!("param {name}{value}{range}");
        if !whole {
            let help = format!("it has two ends: `{written}`");
            return Some(Said::new(codes::E0101, message, place, help));
        }
        // Further parameters in the statement would be lost.
        let only = self.tokens.iter().filter(|t| self.slice(**t) == "=").count()
            <= 1 + usize::from(low.is_some()) + usize::from(high.is_some());
        let said = Said::new(codes::E0101, message, place, format!("write `{written}`"));
        Some(if only { said.edit(self.whole(), written) } else { said })
    }
}

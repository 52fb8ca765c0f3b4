//! Text at the top level of a file that is no item.

use std::ops::Range;

use super::grammar::MODEL_KEYWORDS;
use super::letters::shown;
use super::lexer::{Token, TokenKind};
use super::outline::{ITEM_KEYWORDS, RawItem};
use super::parse::Reader;
use super::slips::meant;
use crate::diagnostics::{closest, codes};

/// Words that ask for something to be done, which is no part of a file.
const COMMANDS: [&str; 9] = ["run", "simulate", "check", "export", "expand", "plot", "print", "show", "save"];

/// Words that import elsewhere.
const IMPORTS: [&str; 8] = ["import", "include", "using", "from", "library", "require", "within", "addpath"];

/// Modules of other tools, of which nothing is needed here.
const MODULES: [&str; 22] = [
    "numpy",
    "np",
    "scipy",
    "pandas",
    "pd",
    "matplotlib",
    "math",
    "sympy",
    "torch",
    "jax",
    "pysindy",
    "sys",
    "os",
    "tellurium",
    "myokit",
    "deSolve",
    "tidyverse",
    "ggplot2",
    "DifferentialEquations",
    "ModelingToolkit",
    "Catalyst",
    "Plots",
];

/// What is said, and the edit that mends it.
type Advice = (String, Option<(Range<usize>, String)>);

impl Reader<'_, '_> {
    /// Text at the top level that is no item is reported once up to the next item.
    pub(super) fn not_an_item(&mut self, raw: &RawItem, first: Option<Token>, keyword: &str) {
        if raw.header.bad || self.lost {
            self.lost = true;
            return;
        }
        self.lost = true;
        let place = first.map_or(0..0, |t| t.start..t.end);
        let found = first.map_or("", |t| self.slice(t));
        let message = match found {
            "{" | "" => "a block without an item before it".to_string(),
            _ => format!("`{}` does not start an item", shown(found)),
        };
        if let Some((help, edit)) = self.import_meant(raw, keyword).or_else(|| self.call_at_top(raw, keyword)) {
            match edit {
                Some(edit) => self.out.error_with_edit(codes::E0111, message, place, help, edit),
                None => self.out.error_with_help(codes::E0111, message, place, "", Some(help)),
            }
            return;
        }
        let near = match meant(keyword) {
            Some("fn") => Some("fn"),
            // What shows results elsewhere asks for nothing to be predicted.
            _ if COMMANDS.contains(&keyword) => None,
            _ => closest(keyword, ITEM_KEYWORDS),
        };
        // `simulate Pond { ... }`
        let after = self.tokens.get(raw.header.tokens.start + 1).filter(|t| t.start < raw.header.bytes.end);
        if keyword == "simulate" && raw.block.is_some() && after.is_some_and(|t| t.kind == TokenKind::Word) {
            let help = "a simulation is a data set with a name: `data run = simulate Model { steps 100; dt 0.1 }`";
            let edit = (place.clone(), "data run = simulate".to_string());
            self.out.error_with_edit(codes::E0111, message, place, help.to_string(), edit);
            return;
        }
        let second = self.tokens.get(raw.header.tokens.start + 1).filter(|t| t.start < raw.header.bytes.end).copied();
        let as_model = raw.block.is_some() && near.is_none() && first.is_some_and(|t| t.kind == TokenKind::Word);
        if let Some(first) = first.filter(|_| as_model && !MODEL_KEYWORDS.contains(&keyword)) {
            // `Pond { ... }`, `system Pond { ... }`
            let (name, gone) = match second {
                None => (keyword, first.start..first.start),
                Some(second) => (self.slice(second), place.clone()),
            };
            const PARTS: [(&str, &str); 8] = [
                ("functions", "functions are declared one by one: `fn f(x) = x^2`"),
                ("parameters", "parameters are declared inside a model: `model Name { param k = 0.3 }`"),
                ("constants", "constants are declared inside a model: `model Name { const g = 9.81 }`"),
                ("variables", "states are declared inside a model: `model Name { state x; x' = -x }`"),
                ("states", "states are declared inside a model: `model Name { state x; x' = -x }`"),
                ("equations", "equations stand inside a model: `model Name { state x; x' = -x }`"),
                ("reactions", "reactions are written as equations inside a model: `A' = -k*A`, `B' = k*A`"),
                ("options", "settings stand in the block of a data set or a fit"),
            ];
            if let Some((_, help)) = PARTS.iter().find(|(word, _)| *word == keyword && second.is_none()) {
                self.out.error_with_help(codes::E0111, message, place, "", Some(help.to_string()));
                return;
            }
            let is_name = second.is_none_or(|t| t.kind == TokenKind::Word && raw.header.tokens.len() == 2);
            if is_name {
                let help = format!("a model is declared as `model {} {{ ... }}`", shown(name));
                let instead = if second.is_none() { "model " } else { "model" };
                self.out.error_with_edit(codes::E0111, message, place, help, (gone, instead.to_string()));
                return;
            }
        }
        let help = match near {
            Some(near) if !MODEL_KEYWORDS.contains(&keyword) => {
                let help = format!("did you mean `{near}`?");
                self.out.error_with_edit(codes::E0111, message, place.clone(), help, (place, near.to_string()));
                return;
            }
            _ if MODEL_KEYWORDS.contains(&keyword) => {
                "declarations stand inside a block: `model Name { ... }`".to_string()
            }
            _ if second.is_some_and(|t| matches!(t.kind, TokenKind::Primes | TokenKind::Symbol(b'='))) => {
                "declarations and equations stand inside a block: `model Name { ... }`".to_string()
            }
            _ if COMMANDS.contains(&keyword) => {
                "a file says what there is; what is done with it is a command in a shell: `mechc run FILE`".to_string()
            }
            _ => format!("at the top level stand `{}`", ITEM_KEYWORDS.join("`, `")),
        };
        self.out.error_with_help(codes::E0111, message, place, "", Some(help));
    }

    /// The line of a header, without what follows a comment sign, and where it lies.
    fn line_of(&self, raw: &RawItem) -> (&str, Range<usize>) {
        let rest = self.text.get(raw.header.bytes.start..).unwrap_or_default();
        let line = rest.split(['\n', '\r']).next().unwrap_or_default();
        let line = line.split("//").next().unwrap_or_default().trim_end();
        (line, raw.header.bytes.start..raw.header.bytes.start + line.len())
    }

    /// `import numpy as np`, `import lib.Model`, `from lib import Model`, `include("lib.mech")`, `library(deSolve)`
    fn import_meant(&self, raw: &RawItem, keyword: &str) -> Option<Advice> {
        let keyword = Some(keyword).filter(|word| IMPORTS.contains(word))?;
        let (line, place) = self.line_of(raw);
        let rest = line.strip_prefix(keyword)?.trim_matches([' ', '\t', '(', ')', '"', ';', '<', '>']);
        let words: Vec<&str> = rest.split([' ', ',', ':']).filter(|word| !word.is_empty()).collect();
        let first = words.first().copied().unwrap_or_default().trim_matches('"');
        let is_path = |path: &str| path.split('.').all(|part| part.starts_with(char::is_alphabetic));
        if MODULES.contains(&first.split('.').next().unwrap_or_default())
            || matches!(keyword, "library" | "require" | "addpath" | "within")
        {
            let help = "leave it out: functions such as `sin` need no import; models of other files are imported by `use file.Name`";
            return Some((help.to_string(), Some((place, String::new()))));
        }
        let file = first.strip_suffix(".mech").unwrap_or(first).replace('/', ".");
        if !is_path(&file) || file == "std" {
            return Some(("an import names a file and an item in it: `use std.systems.Lorenz63`".to_string(), None));
        }
        let item = match words.as_slice() {
            // `from lib import Model`
            [_, "import", item, ..] => Some(format!("{file}.{item}")),
            [_] if !first.ends_with(".mech")
                && file.split('.').count() >= if file.starts_with("std.") { 3 } else { 2 } =>
            {
                Some(file.clone())
            }
            _ => None,
        };
        Some(match item.filter(|path| is_path(path)) {
            Some(path) => (format!("did you mean `use {path}`?"), Some((place, format!("use {path}")))),
            None => (format!("one item of a file is imported: `use {file}.Name`"), None),
        })
    }

    /// `A.fit(d)`, `clear all`
    fn call_at_top(&self, raw: &RawItem, keyword: &str) -> Option<Advice> {
        let (line, place) = self.line_of(raw);
        if matches!(keyword, "clear" | "close" | "clc" | "rm" | "format" | "hold") {
            let whole = self.text.get(place.start..)?.split(['\n', '\r']).next()?.len();
            return Some(("leave it out".to_string(), Some((place.start..place.start + whole, String::new()))));
        }
        let (method, arguments) = line.strip_prefix(keyword)?.strip_prefix('.')?.split_once('(')?;
        let data = arguments.trim_end_matches([';', ' ']).strip_suffix(')')?;
        let plain = !data.is_empty() && data.chars().all(|c| c.is_alphanumeric() || c == '_');
        match method {
            "fit" | "train" if plain => {
                let written = format!("fit {keyword} to {data}");
                Some((format!("write `{written}`"), Some((place, written))))
            }
            "fit" => Some((format!("a fit is an item: `fit {keyword} to data`"), None)),
            _ => Some((
                "a file says what there is; what is done with it is a command in a shell: `mechc run FILE`".to_string(),
                None,
            )),
        }
    }
}

//! Headers of items whose name or source is written as other languages have it.

use super::super::explain::{Said, Stop};
use super::super::grammar::Rule;
use super::super::lexer::{Token, TokenKind};
use super::super::slips::source_of;
use crate::diagnostics::codes;

/// Whether a text is a name of this language.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

impl Stop<'_> {
    /// `data run "x.csv"`, `data run = "x.csv"`, `data run = csv "x.csv"`, `data run = x.csv`
    pub(super) fn data_without_source(&self) -> Option<Said> {
        let (before, next) = self.before.zip(self.next).filter(|_| self.rule == Rule::data_header)?;
        let (path, gone, equals) = match next.kind {
            TokenKind::Text => {
                let path = self.slice(next).trim_matches('"');
                match self.slice(before) {
                    "=" => (path, next.start..next.end, ""),
                    // `data "x.csv"` has no name.
                    "data" => return None,
                    _ if self.expected.contains(&Rule::open_paren) => (path, before.start..next.end, ""),
                    _ if self.expected.contains(&Rule::is) => (path, before.end..next.end, " = "),
                    _ => return None,
                }
            }
            // A path without quotes is words with dots and slashes between them.
            _ if matches!(self.slice(next), "." | "/") && self.expected.contains(&Rule::open_paren) => {
                let end = self.tokens.last()?.end;
                let path = self.text.get(before.start..end)?.trim_end();
                // `pd.read_csv("x.csv")`
                if let Some(quoted) = self.onwards().iter().find(|t| t.kind == TokenKind::Text) {
                    let quoted = self.slice(*quoted);
                    let written = format!("{}({quoted})", source_of(quoted.trim_matches('"')).unwrap_or("csv"));
                    let message = "a data set names what its file is".to_string();
                    let said = Said::new(codes::E0101, message, before.start..end, format!("write `= {written}`"));
                    return Some(said.edit(before.start..end, written));
                }
                (path, before.start..before.start + path.len(), "")
            }
            _ => return None,
        };
        let message = "a data set names what its file is".to_string();
        let place = self.place.clone();
        Some(match source_of(path) {
            Some(source) => {
                let written = format!("{source}(\"{path}\")");
                Said::new(codes::E0101, message, place, format!("write `= {written}`"))
                    .edit(gone, format!("{equals}{written}"))
            }
            None => Said::new(
                codes::E0101,
                message,
                place,
                format!("write `= csv(\"{path}\")`, or `npz`, `npy`, `parquet` in its place"),
            ),
        })
    }

    /// `data run = Pond { ... }`, where `Pond` is a model.
    pub(super) fn simulate_missing(&self) -> Option<Said> {
        let [data, name, is, model] = self.tokens else { return None };
        let stops = self.rule == Rule::data_header && self.expected.contains(&Rule::open_paren);
        if !stops || self.slice(*is) != "=" || !self.follows_in_file("model", self.slice(*model)) {
            return None;
        }
        let model_name = self.slice(*model);
        let message = format!("`{model_name}` is a model, and data say what is done with it");
        let help = format!("write `{} = simulate {model_name}`", self.between(*data, *name));
        let said = Said::new(codes::E0101, message, model.start..model.end, help);
        Some(said.edit(model.start..model.start, "simulate "))
    }

    /// `network N = MLP(2, 64, 1)`
    pub(super) fn network_by_call(&self) -> Option<Said> {
        self.next.filter(|&t| self.rule == Rule::network_header && self.slice(t) == "=")?;
        let name = self.symbol(self.before);
        let message = "a network is described in a block".to_string();
        let help = format!("write `network {name} {{ input x over window; mlp [64, 64] relu; output v over window }}`");
        Some(Said::new(codes::E0101, message, self.place.clone(), help))
    }

    /// `csv(path = "x.csv")`
    pub(super) fn named_path(&self) -> Option<Said> {
        let is = self.next.filter(|&t| self.rule == Rule::data_header && self.slice(t) == "=")?;
        let name = self.before.filter(|t| t.kind == TokenKind::Word)?;
        let open = self.backwards().nth(1).filter(|t| t.kind == TokenKind::Open(b'('))?;
        let path = *self.onwards().get(1).filter(|t| t.kind == TokenKind::Text)?;
        let kind = self.backwards().nth(2).filter(|t| t.end == open.start)?;
        let message = format!("the path of a file has no name, and here is `{}`", self.slice(name));
        let help = format!("write `{}({})`", self.slice(kind), self.slice(path));
        Some(Said::new(codes::E0101, message, name.start..is.end, help).edit(name.start..path.start, ""))
    }

    /// `fit M to "x.csv"`, `fit M to csv("x.csv")`
    pub(super) fn fit_to_file(&self) -> Option<Said> {
        let next = self.next.filter(|_| self.rule == Rule::fit_header)?;
        let path = match (next.kind, self.onwards().get(1)) {
            (TokenKind::Text, _) => next,
            (TokenKind::Open(b'('), Some(path)) if path.kind == TokenKind::Text => *path,
            _ => return None,
        };
        let model = self.slice(*self.tokens.get(1)?);
        let path = self.slice(path);
        let source = source_of(path.trim_matches('"')).unwrap_or("csv");
        let message = "a fit names data that have an item of their own".to_string();
        let help = format!("declare them: `data run = {source}({path}) {{ time t }}`, and write `fit {model} to run`");
        Some(Said::new(codes::E0101, message, self.place.clone(), help))
    }

    /// `model my-decay`, `data "run" = ...`, `model my decay`: what stands there is no name.
    pub(super) fn name_of_item(&self) -> Option<Said> {
        const NAMED: [Rule; 3] = [Rule::model_header, Rule::network_header, Rule::data_header];
        let next = self.next.filter(|_| NAMED.contains(&self.rule))?;
        let message = "a name is made of letters, digits and `_`".to_string();
        let place = self.place.clone();
        let written = |name: &str| format!("write `{} {name}`", self.tokens.first().map_or("", |&t| self.slice(t)));
        if next.kind == TokenKind::Text && self.backwards().count() == 1 {
            let name: String = self.slice(next).trim_matches('"').replace(['-', ' ', '.'], "_");
            let said = Said::new(codes::E0101, "a name stands without quotes".to_string(), place, written(&name));
            return is_name(&name).then(|| said.edit(next.start..next.end, name));
        }
        let first = self.before.filter(|t| t.kind == TokenKind::Word && self.backwards().count() == 2)?;
        // `model Pond begin`
        if matches!(self.slice(next), "begin" | "is" | "where") && self.onwards().len() == 1 {
            let message = format!("this {} has no block", self.tokens.first().map_or("", |&t| self.slice(t)));
            let line = self.text.get(self.bytes.start..first.end)?;
            let help =
                format!("braces enclose what belongs to it, in place of `{}`: `{line} {{ ... }}`", self.slice(next));
            return Some(Said::new(codes::E0113, message, next.start..next.end, help));
        }
        // The words up to the equals sign or the block, with signs between them.
        let parts: Vec<Token> = self.onwards().iter().copied().take_while(|&t| self.slice(t) != "=").collect();
        let last = *parts.last()?;
        let plain = |t: &Token| matches!(t.kind, TokenKind::Word | TokenKind::Number) || self.slice(*t) == "-";
        if !parts.iter().all(plain)
            || self.slice(next) == "="
            || !matches!(last.kind, TokenKind::Word | TokenKind::Number)
        {
            return None;
        }
        let name = self.between(first, last).replace(['-', ' '], "_");
        let said = Said::new(codes::E0101, message, first.start..last.end, written(&name));
        is_name(&name).then(|| said.edit(first.start..last.end, name))
    }

    /// `model Pond = {`
    pub(super) fn model_with_equals(&self) -> Option<Said> {
        let is = self.next.filter(|&t| {
            matches!(self.rule, Rule::model_header | Rule::network_header | Rule::test_header) && self.slice(t) == "="
        })?;
        let before = self.before.filter(|_| self.backwards().count() == 2 && self.onwards().len() == 1)?;
        let message = "a block follows without an equals sign".to_string();
        let help = format!("write `{} {{ ... }}`", self.text.get(self.bytes.start..before.end)?);
        Some(Said::new(codes::E0101, message, self.place.clone(), help).edit(before.end..is.end, ""))
    }
}

//! Settings of data that stand in a call, as functions that read tables take them.

use super::super::explain::{Said, Stop};
use super::super::grammar::Rule;
use super::super::lexer::{Token, TokenKind};
use super::super::slips::source_of;
use crate::diagnostics::codes;

impl Stop<'_> {
    /// `csv("q.csv", time = "t")`
    pub(super) fn settings_of_call(&self) -> Option<Said> {
        let comma = self.next.filter(|&t| self.rule == Rule::data_header && self.slice(t) == ",")?;
        let path = self.before.filter(|t| t.kind == TokenKind::Text)?;
        let open: Token = self.backwards().nth(1).filter(|t| t.kind == TokenKind::Open(b'('))?;
        let kind = self.backwards().nth(2).filter(|t| t.end == open.start)?;
        let message = "the settings of data stand in their block".to_string();
        // `read_csv` and its like have one name here.
        let source = source_of(self.slice(path).trim_matches('"')).unwrap_or(match self.slice(kind) {
            known @ ("npz" | "npy" | "parquet") => known,
            _ => "csv",
        });
        let close = self.matching(open).filter(|close| close.kind == TokenKind::Close(b')'));
        let given = close.and_then(|close| self.settings_between(comma, close));
        let block = given.clone().unwrap_or_else(|| "time t".to_string());
        let written = format!("{source}({}) {{ {block} }}", self.slice(path));
        let help = format!("write `{written}`, with a line or a `;` between settings");
        let said = Said::new(codes::E0101, message, comma.start..comma.end, help);
        // The tokens are those of the statement, without its block.
        let alone = |close: &Token| !self.text.get(close.end..).unwrap_or_default().trim_start().starts_with('{');
        Some(match close.filter(alone).filter(|_| given.is_some()) {
            Some(close) => said.edit(kind.start..close.end, written),
            None => said,
        })
    }

    /// Settings that stand in a call, from its first comma to its end, as a block has them; none where one has another form than `key = value`.
    fn settings_between(&self, comma: Token, close: Token) -> Option<String> {
        let inside = self.tokens.iter().filter(|t| t.start >= comma.end && t.end <= close.start);
        let inside: Vec<Token> = inside.copied().filter(|t| t.kind != TokenKind::Newline).collect();
        let settings = inside.split(|t| self.slice(*t) == ",").map(|setting| {
            let [key, is, value] = *setting else { return None };
            let plain = self.slice(value).trim_matches('"');
            let is_name = plain.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && plain.chars().all(|c| c.is_alphanumeric() || c == '_');
            let value = if is_name && self.slice(key) != "missing" { plain } else { self.slice(value) };
            let is_setting = key.kind == TokenKind::Word && self.slice(is) == "=";
            let is_known = matches!(self.slice(key), "time" | "dt" | "trajectory" | "missing" | "spacing" | "holdout");
            is_setting.then(|| match is_known {
                true => format!("{} {value}", self.slice(key)),
                false => format!("{} = {value}", self.slice(key)),
            })
        });
        settings.collect::<Option<Vec<String>>>().map(|all| all.join("; "))
    }
}

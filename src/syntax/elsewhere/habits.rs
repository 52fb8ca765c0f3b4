//! Orders, ranges and left sides in the form that other tools and formulas on paper have.

use super::super::explain::{Said, Stop};
use super::super::grammar::Rule;
use super::super::lexer::{Token, TokenKind};
use crate::diagnostics::codes;

impl Stop<'_> {
    /// `state x order = 2`
    pub(super) fn order_with_equals(&self) -> Option<Said> {
        let (order, is) = self.before.zip(self.next)?;
        let follows_name =
            self.backwards().nth(1).is_some_and(|t| matches!(t.kind, TokenKind::Word | TokenKind::Close(b']')));
        let is_order = self.slice(order) == "order" && follows_name && self.slice(is) == "=";
        let number = *self.onwards().get(1).filter(|_| self.rule == Rule::state_statement && is_order)?;
        let message = "an order has no equals sign".to_string();
        let said =
            Said::new(codes::E0101, message, self.place.clone(), format!("write `order {}`", self.slice(number)));
        Some(said.edit(order.end..number.start, " "))
    }

    /// `x' = -k*x for k = 3`, `... where k = 3`
    pub(super) fn value_behind(&self) -> Option<Said> {
        let word =
            self.next.filter(|&t| self.rule == Rule::equation && matches!(self.slice(t), "for" | "where" | "with"))?;
        let [name, is, value] = self.onwards().get(1..4)? else { return None };
        if name.kind != TokenKind::Word || self.slice(*is) != "=" {
            return None;
        }
        let last = self.end_of_value(*value)?;
        let (name, value) = (self.slice(*name), self.between(*value, last));
        let message = format!("an equation ends before `{}`", self.slice(word));
        let help = format!("a number is declared in a statement of its own: `param {name} = {value}`");
        let said = Said::new(codes::E0101, message, self.place.clone(), help);
        Some(match self.is_declared(name) {
            true => said,
            false => said.edit(self.before?.end..last.end, format!("; param {name} = {value}")),
        })
    }

    /// `x' = -x y' = -y`
    pub(super) fn equation_behind(&self) -> Option<Said> {
        let next = self.next.filter(|_| self.operator_is_missing())?;
        let side = match next.kind {
            TokenKind::Word => next,
            TokenKind::Open(b'(') => self.matching(next)?,
            _ => return None,
        };
        // A subscript may stand between a name and its primes.
        let mut behind = self.tokens.iter().copied().skip_while(|t| t.start < side.end).peekable();
        let side = match behind.peek() {
            Some(&open) if open.kind == TokenKind::Open(b'[') && open.start == side.end => self.matching(open)?,
            _ => side,
        };
        let mut behind = behind.skip_while(|t| t.start < side.end);
        let primes = behind.next().filter(|t| t.kind == TokenKind::Primes && t.start == side.end)?;
        behind.next().filter(|&t| self.slice(t) == "=")?;
        let depth = self.backwards().fold(0i32, |depth, t| match t.kind {
            TokenKind::Open(_) => depth + 1,
            TokenKind::Close(_) => depth - 1,
            _ => depth,
        });
        if depth != 0 {
            return None;
        }
        let left = self.between(next, primes);
        let message = format!("a statement ends before `{left}`");
        let help = "every equation stands on a line of its own, or behind a `;`";
        let said = Said::new(codes::E0101, message, next.start..primes.end, help);
        Some(said.edit(self.before?.end..next.start, "; "))
    }

    /// `param k = 1, range [0, 5]`, `param k = 1 bounds = (0, 5)`
    pub(super) fn range_by_name(&self) -> Option<Said> {
        const NAMES: [&str; 6] = ["range", "bounds", "limits", "interval", "between", "within"];
        let tokens = Some(self.tokens).filter(|_| self.rule == Rule::param_statement)?;
        let stopped = self.next?;
        let pairs = tokens.windows(2).enumerate().filter_map(|(k, pair)| match pair {
            [before, word] => Some((k + 1, *before, *word)),
            _ => None,
        });
        // `in` is one of them behind a comma only.
        let names = |before: Token, word: Token| match self.slice(word) {
            "in" => self.slice(before) == ",",
            word => NAMES.contains(&word),
        };
        // Reading stopped at the word or a little behind it.
        let until = pairs.take_while(|(_, _, word)| word.start <= stopped.start);
        let (k, before, word) = until.filter(|(_, before, word)| names(*before, *word)).last()?;
        let mut behind = tokens.iter().skip(k + 1).copied();
        let mut open = behind.next()?;
        if self.slice(open) == "=" {
            open = behind.next()?;
        }
        let close = self.matching(open).filter(|_| matches!(open.kind, TokenKind::Open(b'[' | b'(')))?;
        if stopped.start > close.start {
            return None;
        }
        let (low, high) = self.text.get(open.end..close.start)?.split_once([',', ';'])?;
        let (low, high) = (low.trim(), high.trim());
        if [low, high].iter().any(|end| end.parse::<f64>().is_err()) {
            return None;
        }
        let range = format!("in [{low}, {high}]");
        // The first name of all is that of a parameter.
        let from = match self.slice(before) {
            "param" => return None,
            "," => tokens.get(k.checked_sub(2)?)?.end,
            _ => before.end,
        };
        let message = "the range of a parameter stands behind `in`".to_string();
        let said = Said::new(codes::E0101, message, word.start..close.end, format!("write `{range}`"));
        Some(said.edit(from..close.end, format!(" {range}")))
    }

    /// `param k = 1 min 0 max 5`
    pub(super) fn ends_by_name(&self) -> Option<Said> {
        let first = self.next.filter(|_| self.rule == Rule::param_statement)?;
        let mut ends: [Option<String>; 2] = [None, None];
        let mut rest = self.onwards().iter().copied().peekable();
        let mut end = first.end;
        while let Some(word) =
            rest.next_if(|t| matches!(self.slice(*t), "min" | "max" | "lower" | "upper" | "from" | "to"))
        {
            rest.next_if(|t| self.slice(*t) == "=");
            let sign = rest.next_if(|t| self.slice(*t) == "-");
            let number = rest.next_if(|t| t.kind == TokenKind::Number)?;
            let which = usize::from(matches!(self.slice(word), "max" | "upper" | "to"));
            *ends.get_mut(which)? = Some(self.between(sign.unwrap_or(number), number).to_string());
            end = number.end;
            rest.next_if(|t| self.slice(*t) == "," && ends.contains(&None));
        }
        let message = "the range of a parameter stands behind `in`".to_string();
        let said = |help: String| Said::new(codes::E0101, message, self.place.clone(), help);
        match ends {
            [Some(low), Some(high)] => {
                let range = format!("in [{low}, {high}]");
                Some(said(format!("write `{range}`")).edit(first.start..end, range))
            }
            [Some(low), None] => Some(said(format!("it has two ends: `in [{low}, 1e6]`"))),
            [None, Some(high)] => Some(said(format!("it has two ends: `in [-1e6, {high}]`"))),
            [None, None] => None,
        }
    }

    /// `param a in [0, 1] = 0.5`
    pub(super) fn range_before_value(&self) -> Option<Said> {
        let is = self.next.filter(|&t| self.rule == Rule::param_statement && self.slice(t) == "=")?;
        let close = self.before.filter(|t| t.kind == TokenKind::Close(b']'))?;
        let word = self.backwards().take_while(|&t| self.slice(t) != ",").find(|&t| self.slice(t) == "in");
        // The comma between the ends of a range is none between parameters.
        let open = self.backwards().find(|t| t.kind == TokenKind::Open(b'['))?;
        let word = word.or_else(|| self.backwards().find(|t| t.end <= open.start && self.slice(*t) == "in"))?;
        let first = *self.onwards().get(1)?;
        let last = self.end_of_value(first)?;
        let fixed = self.between(word, close);
        // What follows the value stays behind it.
        let value_end = self
            .tokens
            .iter()
            .filter(|t| t.start >= first.start && t.end <= last.end)
            .take_while(|t| self.slice(**t) != "fixed")
            .last()?;
        let written = format!("= {} {fixed}", self.between(first, *value_end));
        let message = "a value stands before its range".to_string();
        let said = Said::new(codes::E0101, message, self.place.clone(), format!("write `{written}`"));
        Some(said.edit(word.start..value_end.end, written)).filter(|_| is.start >= close.end)
    }

    /// `I', e' = ...`, `[I', e'] = ...`
    pub(super) fn several_derivatives(&self) -> Option<Said> {
        if self.rule != Rule::equation {
            return None;
        }
        let is = self.tokens.iter().position(|&t| self.slice(t) == "=")?;
        let sides = self.tokens.get(..is)?;
        let mut names: Vec<&str> = Vec::new();
        let mut primes = "";
        let mut list = sides.iter().copied().filter(|&t| !matches!(self.slice(t), "[" | "]" | "(" | ")" | "," | ";"));
        while let Some(name) = list.next() {
            let mark = list.next().filter(|t| t.kind == TokenKind::Primes && name.kind == TokenKind::Word)?;
            names.push(self.slice(name));
            if !primes.is_empty() && primes != self.slice(mark) {
                return None;
            }
            primes = self.slice(mark);
        }
        let (first, last) = (sides.first()?, sides.last()?);
        if names.len() < 2 {
            return None;
        }
        let written = format!("({}){primes}", names.join(", "));
        let message = "several states stand in parentheses, with the prime behind them".to_string();
        let said = Said::new(codes::E0101, message, first.start..last.end, format!("write `{written} = ...`"));
        Some(said.edit(first.start..last.end, written))
    }

    /// `"Prey [1/L]" = x` for the column of a state.
    pub(super) fn column_before_state(&self) -> Option<Said> {
        let in_setting = matches!(self.rule, Rule::setting | Rule::setting_value);
        let [column, is, state] = self.tokens.get(..3).filter(|_| in_setting)? else { return None };
        if column.kind != TokenKind::Text || self.slice(*is) != "=" || state.kind != TokenKind::Word {
            return None;
        }
        // `"w[1]" = cos(t)` is a column that was put into quotes.
        let rest = self
            .tokens
            .get(3)
            .filter(|next| !matches!(next.kind, TokenKind::Semicolon | TokenKind::Newline | TokenKind::Close(_)));
        let plain = self.slice(*column).trim_matches('"');
        let is_name = plain.chars().all(|c| c.is_alphanumeric() || "_[], ".contains(c));
        if rest.is_some() && is_name && (!plain.contains(' ') || plain.contains('[')) {
            let message = "the name of a column that is computed stands without quotes".to_string();
            let said = Said::new(codes::E0101, message, column.start..column.end, format!("write `{plain} = ...`"));
            return Some(said.edit(column.start..column.end, plain.to_string()));
        }
        let written = format!("{} = {}", self.slice(*state), self.slice(*column));
        let message = "the column of a state stands behind it".to_string();
        let said = Said::new(codes::E0101, message, column.start..state.end, format!("write `{written}`"));
        Some(said.edit(column.start..state.end, written))
    }

    /// `x' = v` for the column of a derivative.
    pub(super) fn measured_derivative(&self) -> Option<Said> {
        let [state, primes, is, column, ..] = self.tokens else { return None };
        let in_setting = matches!(self.rule, Rule::setting | Rule::setting_value);
        let here = self.next.is_some_and(|t| t.start == primes.start) && self.slice(*is) == "=";
        if !in_setting || state.kind != TokenKind::Word || primes.kind != TokenKind::Primes || !here {
            return None;
        }
        let (x, primed) = (self.slice(*state), format!("{}{}", self.slice(*state), self.slice(*primes)));
        // The state has the name of the column, where that is one.
        let v = match column.kind {
            TokenKind::Word if self.slice(*column) != x => self.slice(*column),
            _ => "v",
        };
        let message = format!("a data set gives states, and `{primed}` is the derivative of one");
        let help = match self.slice(*primes) {
            "'" => format!(
                "make what was measured a state: `state {x}, {v}` with `{primed} = {v}` in the model, and here `{v} = {}`",
                self.slice(*column)
            ),
            _ => format!(
                "leave it out: a fit finds derivatives from the motion; of `{x}` the first one can be a state, `{x}' = v`, with a column of its own"
            ),
        };
        Some(Said::new(codes::E0101, message, state.start..primes.end, help))
    }

    /// `csv('data.csv')`
    pub(super) fn single_quotes(&self) -> Option<Said> {
        let open = self.next.filter(|t| t.kind == TokenKind::Primes)?;
        let before = self
            .before
            .filter(|&t| matches!(self.slice(t), "(" | "=" | ",") || t.kind == TokenKind::Word && t.end < open.start)?;
        let line = self.text.get(open.end..)?.split(['\n', '\r']).next()?;
        let (inside, _) = line.split_once('\'').filter(|_| self.slice(open) == "'" && before.end <= open.start)?;
        if inside.is_empty() || inside.contains(['"', '\\']) {
            return None;
        }
        let message = "a string stands in double quotes".to_string();
        let said = Said::new(
            codes::E0101,
            message,
            self.place.clone(),
            format!("a string is written with double quotes: `\"{inside}\"`"),
        );
        Some(said.edit(open.start..open.end + inside.len() + 1, format!("\"{inside}\"")))
    }
}

//! Signs and words of equations that other languages have.

use super::super::explain::{Said, Stop};
use super::super::grammar::Rule;
use super::super::lexer::{Token, TokenKind};
use crate::diagnostics::codes;

impl Stop<'_> {
    /// Two signs of an equation that stand side by side.
    fn adjacent(&self, first: &str, second: &str) -> Option<(Token, Token)> {
        let mut pairs = self.tokens.windows(2).filter_map(|pair| match pair {
            [a, b] => Some((*a, *b)),
            _ => None,
        });
        pairs.find(|(a, b)| self.slice(*a) == first && self.slice(*b) == second && a.end == b.start)
    }

    /// `x' <- -k*x`, `x' += 1`, `A -> B`
    pub(in super::super) fn arrow(&self) -> Option<Said> {
        if self.rule != Rule::equation {
            return None;
        }
        let message = "the sides of an equation are set equal by `=` alone".to_string();
        let is_left = |t: Token| self.tokens.iter().take_while(|other| other.start < t.start).count() <= 2;
        if let Some((less, minus)) = self.adjacent("<", "-").filter(|(less, _)| is_left(*less)) {
            if self.tokens.iter().any(|&t| self.slice(t) == "=") {
                return None;
            }
            let said = Said::new(codes::E0101, message, less.start..minus.end, "write `=`");
            return Some(said.edit(less.start..minus.end, "="));
        }
        if let Some((_, more)) =
            self.adjacent("-", ">").filter(|(_, more)| self.next.is_some_and(|t| t.start == more.start))
        {
            let message = "reactions are written as equations".to_string();
            let help = "each state has an equation with the rates that change it: `A' = -k*A`, `B' = k*A`";
            return Some(Said::new(codes::E0101, message, more.start..more.end, help));
        }
        let is = self.next.filter(|&t| self.slice(t) == "=")?;
        let sign = self.before.filter(|&t| matches!(self.slice(t), "+" | "-" | "*") && t.end == is.start)?;
        let left = self.backwards().nth(1).filter(|&t| is_left(sign) && t.kind == TokenKind::Primes)?;
        let said = Said::new(codes::E0101, message, sign.start..is.end, "one equation holds all that changes a state");
        Some(if self.slice(sign) == "+" { said.edit(left.end..is.end, " =") } else { said })
    }

    /// `initial x => 1`, `x' => -x`
    pub(super) fn double_arrow(&self) -> Option<Said> {
        let (is, more) = self.before.zip(self.next)?;
        let in_condition = self.tokens.iter().any(|&t| matches!(self.slice(t), "if" | "expect"));
        if self.slice(is) != "=" || self.slice(more) != ">" || is.end != more.start || in_condition {
            return None;
        }
        let message = "two sides are set equal by `=` alone".to_string();
        let said = Said::new(codes::E0101, message, is.start..more.end, "write `=`");
        Some(said.edit(more.start..more.end, ""))
    }

    /// `t mod 24`, `t % 24`
    pub(super) fn remainder(&self) -> Option<Said> {
        let word = self.next.filter(|&t| matches!(self.slice(t), "mod" | "rem" | "%"))?;
        let of = self.before.filter(|t| matches!(t.kind, TokenKind::Word | TokenKind::Close(_)))?;
        let divisor = *self.onwards().get(1).filter(|t| matches!(t.kind, TokenKind::Word | TokenKind::Number))?;
        let (of, divisor) = (self.slice(of), self.slice(divisor));
        let of = if of == ")" { "t" } else { of };
        let message = "there are no remainders".to_string();
        let help = format!(
            "what repeats itself is written with `sin` or `cos`: `if sin(2*pi*{of}/{divisor}) > 0 then 1 else 0`"
        );
        Some(Said::new(codes::E0107, message, word.start..word.end, help))
    }

    /// `x' = -x   (1)`
    pub(super) fn number_of_equation(&self) -> Option<Said> {
        let open = self.next.filter(|t| self.rule == Rule::equation && t.kind == TokenKind::Open(b'('))?;
        let [number, close] = self.onwards().get(1..)? else { return None };
        let is_number = number.kind == TokenKind::Number && self.slice(*number).bytes().all(|b| b.is_ascii_digit());
        let before = self.before.filter(|t| t.end < open.start && self.operator_is_missing() && is_number)?;
        let whole = self.between(open, *close);
        let message = format!("`{whole}` is no part of an equation");
        let help = "leave out the number of the equation; multiplication is written `*`";
        Some(Said::new(codes::E0101, message, open.start..close.end, help).edit(before.end..close.end, ""))
    }

    /// `x' = -x,` at the end of a line.
    pub(super) fn comma_at_end(&self) -> Option<Said> {
        let last = *self.tokens.last()?;
        let stopped = self.next.is_none_or(|t| t.start == last.start);
        let in_model = !matches!(self.rule, Rule::setting | Rule::setting_value | Rule::expectation);
        if self.slice(last) != "," || !stopped || !in_model {
            return None;
        }
        let message = "a statement ends without a comma".to_string();
        let said = Said::new(codes::E0101, message, last.start..last.end, "leave it out: its line ends a statement");
        Some(said.edit(last.start..last.end, ""))
    }

    /// `let k(t) = sin(t)`, `hole f(x) = ?poly(x)`
    pub(super) fn arguments_of_a_name(&self) -> Option<Said> {
        let open = self.next.filter(|t| t.kind == TokenKind::Open(b'(') && self.expected.contains(&Rule::is))?;
        let [keyword, name, ..] = self.tokens else { return None };
        let close = self.matching(open)?;
        let is = *self.tokens.iter().find(|t| t.start >= close.end)?;
        if self.slice(is) != "=" || name.end != open.start {
            return None;
        }
        let (word, arguments) = (self.slice(*name), self.text.get(open.end..close.start)?);
        let place = open.start..close.end;
        match self.rule {
            Rule::let_statement if arguments.trim() == "t" => {
                let message = "what depends on the time is written without it".to_string();
                let help = format!("write `let {word} = ...`, and `{word}` where it is used");
                Some(Said::new(codes::E0101, message, place.clone(), help).edit(place, ""))
            }
            Rule::let_statement => {
                let message = "a `let` is a name for an expression, without arguments".to_string();
                let help = format!("a function is declared as `fn {word}({arguments}) = ...`");
                Some(Said::new(codes::E0101, message, place, help).edit(keyword.start..keyword.end, "fn"))
            }
            Rule::hole_statement => {
                let message =
                    "a hole with a name has no arguments: what it is made of stands behind the library".to_string();
                let help = format!("write `hole {word} = ...`, and `{word}` where it is used");
                Some(Said::new(codes::E0101, message, place.clone(), help).edit(place, ""))
            }
            _ => None,
        }
    }

    /// `index i in 1..3`
    pub(super) fn index_set_with_in(&self) -> Option<Said> {
        let word = self.next.filter(|&t| self.rule == Rule::index_statement && self.slice(t) == "in")?;
        let name = self.symbol(self.before);
        let message = "an index set has an equals sign".to_string();
        let help = format!("write `index {name} = ...`");
        Some(Said::new(codes::E0101, message, self.place.clone(), help).edit(word.start..word.end, "="))
    }

    /// `[x, y]` where a value stands.
    pub(super) fn list_in_brackets(&self) -> Option<Said> {
        let open = self.next.filter(|t| {
            t.kind == TokenKind::Open(b'[') && self.expected.contains(&Rule::expr)
                || t.kind == TokenKind::Open(b'[') && self.expected.contains(&Rule::number)
        })?;
        let close = self.matching(open)?;
        let inside = self.text.get(open.end..close.start)?;
        let of_hole = self.backwards().any(|t| self.slice(t) == "?");
        let message = "a list has no brackets".to_string();
        let place = open.start..close.end;
        Some(match self.rule {
            Rule::param_statement | Rule::const_statement => {
                let help =
                    "each number has a name: `param a = 0.1, b = 0.2`; a number for every trajectory is `per sample`";
                Said::new(codes::E0101, message, place, help)
            }
            Rule::equation if of_hole => {
                let help = format!("write the arguments of a hole as they are: `{inside}`");
                Said::new(codes::E0101, message, place.clone(), help).edit(place, inside.to_string())
            }
            Rule::initial_statement | Rule::final_statement | Rule::setting | Rule::setting_value => {
                let help = format!("several values stand in parentheses: `({inside})`");
                Said::new(codes::E0101, message, place.clone(), help).edit(place, format!("({inside})"))
            }
            _ => return None,
        })
    }

    /// `x.^2`, `x .* y`
    pub(super) fn dotted_operator(&self) -> Option<Said> {
        let next = self.next.filter(|_| self.rule != Rule::use_item)?;
        let (dot, operator) = match self.slice(next) {
            "." => (next, *self.onwards().get(1)?),
            _ => (self.before.filter(|&t| self.slice(t) == ".")?, next),
        };
        if !matches!(self.slice(operator), "^" | "*" | "/") || dot.end != operator.start {
            return None;
        }
        let operator = self.slice(operator);
        let message = "operators have no dot".to_string();
        let said = Said::new(codes::E0101, message, dot.start..dot.end + 1, format!("write `{operator}`"));
        Some(said.edit(dot.start..dot.end, ""))
    }

    /// `if x > 0 then 1 else 0 end`
    pub(super) fn end_of_conditional(&self) -> Option<Said> {
        let word = self.next.filter(|&t| matches!(self.slice(t), "end" | "endif" | "fi"))?;
        self.backwards().find(|&t| self.slice(t) == "else")?;
        let message = "a conditional ends with its statement".to_string();
        let said = Said::new(codes::E0101, message, self.place.clone(), format!("leave out `{}`", self.slice(word)));
        Some(said.edit(self.before?.end..word.end, ""))
    }

    /// `(* a comment *)`
    pub(super) fn comment_in_parentheses(&self) -> Option<Said> {
        let follows = self.next.zip(self.onwards().get(1).copied()).filter(|(open, _)| self.slice(*open) == "(");
        let (open, star) = follows.or_else(|| self.before.zip(self.next))?;
        if self.slice(open) != "(" || self.slice(star) != "*" || open.end != star.start {
            return None;
        }
        let message = "block comments are not part of the language".to_string();
        Some(Said::new(codes::E0108, message, open.start..star.end, "start every line of a comment with `//`"))
    }

    /// `equation x' = -x`, `ode x' = -x`
    pub(super) fn word_before_equation(&self) -> Option<Said> {
        let [word, name, primes, ..] = self.tokens.get(..3).filter(|_| self.rule == Rule::equation)? else {
            return None;
        };
        let is_left = name.kind == TokenKind::Word && primes.kind == TokenKind::Primes && name.end == primes.start;
        if word.kind != TokenKind::Word || !is_left || self.next.is_none_or(|t| t.start != name.start) {
            return None;
        }
        let text = self.slice(*word);
        if self.is_declared(text) || text == "d" {
            return None;
        }
        let message = format!("`{text}` does not start an equation");
        let help = format!("an equation starts with what it is for: `{} = ...`", self.between(*name, *primes));
        Some(Said::new(codes::E0112, message, word.start..word.end, help).edit(word.start..name.start, ""))
    }
}

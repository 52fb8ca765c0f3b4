//! Text to module.

use super::super::{AxisId, Function, Inst, InstId, Module, Type, ValueData, ValueDef, ValueId};
use super::lexer::{Token, tokens};
use super::print::is_number_name;
use crate::base::{Elem, Idx};
use std::collections::HashMap;

/// Text that is not a module.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TextError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

/// The module a text stands for. Names are resolved; types are not checked.
///
/// # Errors
/// The first place that is not in the text form, or a name that is unknown or taken.
pub fn parse(text: &str) -> Result<Module, TextError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, module: Module::default() };
    parser.module()?;
    Ok(parser.module)
}

pub(super) type Result<T, E = TextError> = std::result::Result<T, E>;

pub(super) struct Parser {
    pub(super) tokens: Vec<(Token, usize)>,
    pub(super) at: usize,
    module: Module,
}

/// The names of values seen so far in one function.
pub(super) type Names = HashMap<(String, Option<String>), ValueId>;

impl Parser {
    fn module(&mut self) -> Result<()> {
        self.keyword("module")?;
        self.module.name = self.word()?;
        while self.eat_keyword("axis") {
            let name = self.word()?;
            if self.find_axis(&name).is_some() {
                return Err(self.error(format!("there is an axis `{name}` already")));
            }
            let size = if self.eat('=') { Some(self.number()?) } else { None };
            self.module.axis(&name, size);
        }
        while self.at < self.tokens.len() {
            let function = self.function()?;
            self.module.functions.push(function);
        }
        Ok(())
    }

    fn function(&mut self) -> Result<Function> {
        self.keyword("func")?;
        let mut f = Function { name: self.word()?, ..Function::default() };
        let mut names = Names::new();
        self.expect('(')?;
        while !self.eat(')') {
            let name = self.value_name()?;
            self.expect(':')?;
            let ty = self.ty()?;
            let def = ValueDef::Param(f.params.len());
            let id = self.define(&mut f, &mut names, name, ty, def)?;
            f.params.push(id);
            self.comma_or(')')?;
        }
        self.expect('{')?;
        while !self.eat_keyword("return") {
            self.inst(&mut f, &mut names)?;
        }
        while !self.eat('}') {
            let name = self.word()?;
            self.expect('=')?;
            let value = self.value(&names)?;
            f.results.push((name, value));
            self.comma_or('}')?;
        }
        Ok(f)
    }

    fn inst(&mut self, f: &mut Function, names: &mut Names) -> Result<()> {
        let mut results = vec![self.value_name()?];
        while self.eat(',') {
            results.push(self.value_name()?);
        }
        self.expect('=')?;
        let mnemonic = self.word()?;
        let items = self.items(names)?;
        let args = items.args.clone();
        let op = self.op(&mnemonic, items)?;
        let id = InstId::new(f.insts.len());
        let mut values = Vec::new();
        for (i, name) in results.into_iter().enumerate() {
            if i > 0 {
                self.expect(',')?;
            }
            let ty = self.ty()?;
            values.push(self.define(f, names, name, ty, ValueDef::Inst(id, i))?);
        }
        f.insts.push(Inst { op, args, results: values });
        Ok(())
    }

    fn ty(&mut self) -> Result<Type> {
        let elem = match self.word()?.as_str() {
            "f64" => Elem::F64,
            "f32" => Elem::F32,
            other => return Err(self.error(format!("`{other}` is no number type"))),
        };
        let mut axes = Vec::new();
        if self.eat('[') {
            while !self.eat(']') {
                let name = self.word()?;
                axes.push(self.axis(&name)?);
                self.comma_or(']')?;
            }
        }
        Ok(Type { elem, axes })
    }

    fn define(
        &self,
        f: &mut Function,
        names: &mut Names,
        key: (String, Option<String>),
        ty: Type,
        def: ValueDef,
    ) -> Result<ValueId> {
        let nameless = key.1.is_none() && is_number_name(&key.0);
        let name = if nameless { String::new() } else { key.0.clone() };
        let id = f.values.push(ValueData { ty, name, def });
        match names.insert(key, id) {
            None => Ok(id),
            Some(_) => Err(self.error("a value is defined twice")),
        }
    }

    pub(super) fn value(&mut self, names: &Names) -> Result<ValueId> {
        let key = self.value_name()?;
        names.get(&key).copied().ok_or_else(|| self.error(format!("there is no value `%{}` before this", key.0)))
    }

    fn value_name(&mut self) -> Result<(String, Option<String>)> {
        match self.advance() {
            Some(Token::Value(name, number)) => Ok((name, number)),
            other => Err(self.expected("a value", other)),
        }
    }

    pub(super) fn find_axis(&self, name: &str) -> Option<AxisId> {
        self.module.axes.iter().find(|(_, a)| a.name == name).map(|(id, _)| id)
    }

    pub(super) fn axis(&self, name: &str) -> Result<AxisId> {
        self.find_axis(name).ok_or_else(|| self.error(format!("there is no axis `{name}`")))
    }

    pub(super) fn word(&mut self) -> Result<String> {
        match self.advance() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(self.expected("a name", other)),
        }
    }

    /// A word or a number, as written.
    pub(super) fn scalar(&mut self) -> Result<String> {
        match self.advance() {
            Some(Token::Word(word) | Token::Number(word)) => Ok(word),
            other => Err(self.expected("a number or a name", other)),
        }
    }

    pub(super) fn number(&mut self) -> Result<usize> {
        let word = self.scalar()?;
        word.parse().map_err(|_| self.error(format!("`{word}` is no size")))
    }

    fn keyword(&mut self, keyword: &str) -> Result<()> {
        match self.advance() {
            Some(Token::Word(word)) if word == keyword => Ok(()),
            other => Err(self.expected(&format!("`{keyword}`"), other)),
        }
    }

    fn eat_keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word == keyword);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, mark: char) -> Result<()> {
        match self.advance() {
            Some(Token::Mark(c)) if c == mark => Ok(()),
            other => Err(self.expected(&format!("`{mark}`"), other)),
        }
    }

    /// A comma, or `end` standing next.
    pub(super) fn comma_or(&mut self, end: char) -> Result<()> {
        if self.peek() == Some(&Token::Mark(end)) { Ok(()) } else { self.expect(',') }
    }

    pub(super) fn eat(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(&Token::Mark(mark));
        self.at += usize::from(found);
        found
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|t| &t.0)
    }

    fn advance(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    pub(super) fn expected(&self, what: &str, found: Option<Token>) -> TextError {
        match found {
            Some(token) => self.error(format!("expected {what}, found {token}")),
            None => self.error(format!("expected {what}, found the end")),
        }
    }

    /// An error at the token read last.
    pub(super) fn error(&self, what: impl Into<String>) -> TextError {
        let last = self.tokens.get(self.at.saturating_sub(1)).or(self.tokens.last());
        TextError { line: last.map_or(1, |t| t.1), what: what.into() }
    }
}

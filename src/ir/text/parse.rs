//! Text to module.

use super::super::{
    AxisId, BinaryOp, CmpOp, Function, Inst, InstId, Module, Op, SolveScheme, Type, UnaryOp, ValueData, ValueDef,
    ValueId,
};
use super::lexer::{Token, tokens};
use super::print::is_number_name;
use crate::base::{Elem, Idx, SolvePrecision};
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

type Result<T, E = TextError> = std::result::Result<T, E>;

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    module: Module,
}

/// The names of values seen so far in one function.
type Names = HashMap<(String, Option<String>), ValueId>;

/// What follows a mnemonic, before it is known which instruction it makes.
#[derive(Default)]
struct Items {
    args: Vec<ValueId>,
    numbers: Vec<String>,
    attributes: Vec<(String, Attribute)>,
}

enum Attribute {
    One(String),
    List(Vec<String>),
}

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

    fn items(&mut self, names: &Names) -> Result<Items> {
        let mut items = Items::default();
        while !self.eat(':') {
            match self.peek() {
                Some(Token::Value(..)) => items.args.push(self.value(names)?),
                Some(Token::Word(_)) if self.tokens.get(self.at + 1).is_some_and(|t| t.0 == Token::Mark('=')) => {
                    let key = self.word()?;
                    self.expect('=')?;
                    let attribute = self.attribute()?;
                    items.attributes.push((key, attribute));
                }
                _ => items.numbers.push(self.scalar()?),
            }
            self.comma_or(':')?;
        }
        Ok(items)
    }

    fn attribute(&mut self) -> Result<Attribute> {
        if !self.eat('[') {
            return self.scalar().map(Attribute::One);
        }
        let mut list = Vec::new();
        while !self.eat(']') {
            list.push(self.scalar()?);
            self.comma_or(']')?;
        }
        Ok(Attribute::List(list))
    }

    fn op(&self, mnemonic: &str, mut items: Items) -> Result<Op> {
        let op = match mnemonic {
            "const" => Op::Const(float(&self.take_number(&mut items)?).ok_or_else(|| self.error("a bad number"))?),
            "powi" => Op::Powi(
                self.take_number(&mut items)?.parse().map_err(|_| self.error("a power must be a whole number"))?,
            ),
            "convert" => Op::Convert,
            "broadcast" => Op::Broadcast,
            "transpose" => Op::Transpose,
            "reshape" => Op::Reshape,
            "sum" => Op::Sum(self.take_axes(&mut items, "over")?),
            "contract" => Op::Contract(self.take_axes(&mut items, "over")?),
            "index" => {
                let (axis, at) = self.take_position(&mut items)?;
                Op::Index { axis, at }
            }
            "place" => {
                let (axis, at) = self.take_position(&mut items)?;
                Op::Place { axis, at }
            }
            "stack" => Op::Stack(self.take_axis(&mut items, "axis")?),
            "solve" => Op::Solve(self.take_scheme(&mut items)?),
            "solve_adjoint" => Op::SolveAdjoint(self.take_scheme(&mut items)?),
            "spd_solve" => Op::SpdSolve,
            "spd_solve_adjoint" => Op::SpdSolveAdjoint,
            other => elementwise(other).ok_or_else(|| self.error(format!("there is no instruction `{other}`")))?,
        };
        if items.numbers.is_empty() && items.attributes.is_empty() {
            Ok(op)
        } else {
            Err(self.error(format!("`{mnemonic}` has no such attribute")))
        }
    }

    fn take_number(&self, items: &mut Items) -> Result<String> {
        items.numbers.pop().ok_or_else(|| self.error("a number is missing"))
    }

    fn take(&self, items: &mut Items, key: &str) -> Result<Attribute> {
        let at = items.attributes.iter().position(|(k, _)| k == key);
        at.map(|at| items.attributes.remove(at).1)
            .ok_or_else(|| self.error(format!("the attribute `{key}` is missing")))
    }

    fn take_one(&self, items: &mut Items, key: &str) -> Result<String> {
        match self.take(items, key)? {
            Attribute::One(word) => Ok(word),
            Attribute::List(_) => Err(self.error(format!("`{key}` is not a list"))),
        }
    }

    fn take_list(&self, items: &mut Items, key: &str) -> Result<Vec<String>> {
        match self.take(items, key)? {
            Attribute::List(list) => Ok(list),
            Attribute::One(_) => Err(self.error(format!("`{key}` must be a list"))),
        }
    }

    fn take_axis(&self, items: &mut Items, key: &str) -> Result<AxisId> {
        self.axis(&self.take_one(items, key)?)
    }

    fn take_axes(&self, items: &mut Items, key: &str) -> Result<Vec<AxisId>> {
        self.take_list(items, key)?.iter().map(|name| self.axis(name)).collect()
    }

    fn take_position(&self, items: &mut Items) -> Result<(AxisId, usize)> {
        let (name, attribute) = items.attributes.pop().ok_or_else(|| self.error("a position is missing"))?;
        let axis = self.axis(&name)?;
        match attribute {
            Attribute::One(at) => Ok((axis, at.parse().map_err(|_| self.error("a bad position"))?)),
            Attribute::List(_) => Err(self.error("a position is one number")),
        }
    }

    fn take_scheme(&self, items: &mut Items) -> Result<SolveScheme> {
        let bad = || self.error("`weights` must be three numbers");
        Ok(SolveScheme {
            time: self.take_axis(items, "time")?,
            state: self.take_axis(items, "state")?,
            order: self.take_axis(items, "order")?,
            equation: self.take_axis(items, "equation")?,
            start: self.take_axis(items, "start")?,
            given: self.take_axis(items, "given")?,
            central: match self.take_one(items, "central")?.as_str() {
                "true" => true,
                "false" => false,
                _ => return Err(self.error("`central` must be `true` or `false`")),
            },
            weights: {
                let weights: Option<Vec<f64>> = self.take_list(items, "weights")?.iter().map(|w| float(w)).collect();
                weights.ok_or_else(bad)?.try_into().map_err(|_| bad())?
            },
            slack: match items.attributes.iter().any(|(key, _)| key == "slack") {
                false => None,
                true => {
                    let push = float(&self.take_one(items, "slack")?);
                    Some(push.ok_or_else(|| self.error("`slack` must be a number"))?)
                }
            },
            // What is left out is double.
            precision: match items.attributes.iter().any(|(key, _)| key == "precision") {
                false => SolvePrecision::F64,
                true => SolvePrecision::named(&self.take_one(items, "precision")?)
                    .ok_or_else(|| self.error("`precision` must be `f64`, `f32` or `mixed`"))?,
            },
        })
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

    fn value(&mut self, names: &Names) -> Result<ValueId> {
        let key = self.value_name()?;
        names.get(&key).copied().ok_or_else(|| self.error(format!("there is no value `%{}` before this", key.0)))
    }

    fn value_name(&mut self) -> Result<(String, Option<String>)> {
        match self.advance() {
            Some(Token::Value(name, number)) => Ok((name, number)),
            other => Err(self.expected("a value", other)),
        }
    }

    fn find_axis(&self, name: &str) -> Option<AxisId> {
        self.module.axes.iter().find(|(_, a)| a.name == name).map(|(id, _)| id)
    }

    fn axis(&self, name: &str) -> Result<AxisId> {
        self.find_axis(name).ok_or_else(|| self.error(format!("there is no axis `{name}`")))
    }

    fn word(&mut self) -> Result<String> {
        match self.advance() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(self.expected("a name", other)),
        }
    }

    /// A word or a number, as written.
    fn scalar(&mut self) -> Result<String> {
        match self.advance() {
            Some(Token::Word(word) | Token::Number(word)) => Ok(word),
            other => Err(self.expected("a number or a name", other)),
        }
    }

    fn number(&mut self) -> Result<usize> {
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

    fn expect(&mut self, mark: char) -> Result<()> {
        match self.advance() {
            Some(Token::Mark(c)) if c == mark => Ok(()),
            other => Err(self.expected(&format!("`{mark}`"), other)),
        }
    }

    /// A comma, or `end` standing next.
    fn comma_or(&mut self, end: char) -> Result<()> {
        if self.peek() == Some(&Token::Mark(end)) { Ok(()) } else { self.expect(',') }
    }

    fn eat(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(&Token::Mark(mark));
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|t| &t.0)
    }

    fn advance(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn expected(&self, what: &str, found: Option<Token>) -> TextError {
        match found {
            Some(token) => self.error(format!("expected {what}, found {token}")),
            None => self.error(format!("expected {what}, found the end")),
        }
    }

    /// An error at the token read last.
    fn error(&self, what: impl Into<String>) -> TextError {
        let last = self.tokens.get(self.at.saturating_sub(1)).or(self.tokens.last());
        TextError { line: last.map_or(1, |t| t.1), what: what.into() }
    }
}

fn elementwise(mnemonic: &str) -> Option<Op> {
    if let Some(op) = UnaryOp::ALL.iter().find(|op| op.name() == mnemonic) {
        return Some(Op::Unary(*op));
    }
    if let Some(op) = BinaryOp::ALL.iter().find(|op| op.name() == mnemonic) {
        return Some(Op::Binary(*op));
    }
    let cmp = mnemonic.strip_prefix("select_")?;
    CmpOp::ALL.iter().find(|op| op.name() == cmp).map(|op| Op::Select(*op))
}

fn float(text: &str) -> Option<f64> {
    match text.strip_prefix("0x") {
        Some(bits) => u64::from_str_radix(bits, 16).ok().map(f64::from_bits),
        None if text == "nan" => Some(f64::NAN),
        None => text.parse().ok(),
    }
}

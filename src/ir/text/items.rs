//! What follows a mnemonic, and the instruction that it makes.

use super::super::{AxisId, BinaryOp, CmpOp, Op, SolveScheme, UnaryOp, ValueId};
use super::lexer::Token;
use super::parse::{Names, Parser, Result};
use crate::base::SolvePrecision;

/// What follows a mnemonic, before it is known which instruction it makes.
#[derive(Default)]
pub(super) struct Items {
    pub(super) args: Vec<ValueId>,
    numbers: Vec<String>,
    attributes: Vec<(String, Attribute)>,
}

pub(super) enum Attribute {
    One(String),
    List(Vec<String>),
}

impl Parser {
    pub(super) fn items(&mut self, names: &Names) -> Result<Items> {
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

    pub(super) fn op(&self, mnemonic: &str, mut items: Items) -> Result<Op> {
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

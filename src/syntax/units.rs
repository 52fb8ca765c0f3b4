//! Matched rules to units: a product of powers of names, with brackets multiplied out.

use pest::iterators::Pair;

use super::ast::{ExprKind, Ident, UnitDecl, UnitExpr};
use super::build::Builder;
use super::grammar::Rule;
use crate::base::Ratio;
use crate::diagnostics::codes;
use crate::source::Span;

impl Builder<'_, '_> {
    /// `[kg*m/s^2]`
    pub(super) fn unit(&mut self, pair: Pair<Rule>) -> Option<UnitExpr> {
        let span = self.span(&pair);
        let mut factors = Vec::new();
        for product in pair.into_inner().filter(|p| p.as_rule() == Rule::unit_product) {
            self.unit_product(product, Ratio::ONE, &mut factors)?;
        }
        Some(UnitExpr { factors, span })
    }

    /// `unit NAME` or `unit NAME = 201.168 [m]`
    pub fn unit_item(&mut self, item: Pair<Rule>, span: Span) -> Option<UnitDecl> {
        let mut name = None;
        let mut value = None;
        for part in item.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.ident(&part)),
                Rule::measured => {
                    let ExprKind::Measured { value: number, unit } = self.measured(part)? else { return None };
                    let ExprKind::Number { value: number, .. } = number.kind else { return None };
                    value = Some((number, unit));
                }
                _ => {}
            }
        }
        Some(UnitDecl { name: name?, value, span })
    }

    fn unit_product(&mut self, pair: Pair<Rule>, power: Ratio, out: &mut Vec<(Ident, Ratio)>) -> Option<()> {
        let mut sign = Ratio::ONE;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::multiply => sign = Ratio::ONE,
                Rule::divide => sign = Ratio::ONE.negated(),
                _ => self.unit_factor(part, power.times(sign), out)?,
            }
        }
        Some(())
    }

    fn unit_factor(&mut self, pair: Pair<Rule>, power: Ratio, out: &mut Vec<(Ident, Ratio)>) -> Option<()> {
        let mut parts = pair.into_inner();
        let base = parts.next()?;
        let power = match parts.find(|p| p.as_rule() == Rule::unit_power) {
            Some(written) => power.times(self.unit_power(written)?),
            None => power,
        };
        match base.as_rule() {
            Rule::unit_one => {}
            Rule::unit_group => {
                for product in base.into_inner().filter(|p| p.as_rule() == Rule::unit_product) {
                    self.unit_product(product, power, out)?;
                }
            }
            _ => out.push((self.ident(&base), power)),
        }
        Some(())
    }

    fn unit_power(&mut self, pair: Pair<Rule>) -> Option<Ratio> {
        let span = self.span(&pair);
        let mut negative = false;
        let mut numbers = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::negate => negative = true,
                Rule::unit_digits => numbers.push(part.as_str().parse::<i64>().unwrap_or(0)),
                _ => {}
            }
        }
        let (num, den) = (numbers.first().copied()?, numbers.get(1).copied().unwrap_or(1));
        if den == 0 {
            let place = span.start as usize..span.end as usize;
            self.out.error(
                codes::E0106,
                "an exponent is divided by zero".to_string(),
                place,
                "no number",
                "write a whole number or a fraction: `V/Hz^(1/2)`",
            );
            return None;
        }
        let ratio = Ratio::new(num, den);
        Some(if negative { ratio.negated() } else { ratio })
    }

    /// `9.81 [m/s^2]`
    pub(super) fn measured(&mut self, pair: Pair<Rule>) -> Option<ExprKind> {
        let mut value = None;
        let mut unit = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::number => {
                    let span = self.span(&part);
                    value = Some(super::ast::Expr { kind: self.number(part)?, span });
                }
                Rule::unit => unit = Some(self.unit(part)?),
                _ => {}
            }
        }
        Some(ExprKind::Measured { value: Box::new(value?), unit: unit? })
    }
}

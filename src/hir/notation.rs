//! Expressions as text: one printer for every notation, `.mech` source among them.
//!
//! [`write()`] walks an expression from its leaves up and decides where brackets stand; a [`Notation`] says how numbers,
//! names, functions and operators are written and may refuse what it has no words for.

use super::{BinaryOp, Compare, Expr, ExprKind, UnaryFn};

/// How tightly an operator binds, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A conditional, which reaches to the end.
    Whole,
    /// A sum, or anything that starts with a minus.
    Sum,
    /// A product or quotient.
    Product,
    /// A power.
    Power,
    /// What never needs brackets.
    Atom,
}

/// The text of an expression and how tightly its outermost operator binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Its outermost operator.
    pub level: Level,
    /// Whether it is a product or number that starts with a minus.
    pub negative: bool,
}

/// An exponent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exponent {
    /// A whole number.
    Whole(i32),
    /// Anything else.
    Real(Piece),
}

impl Piece {
    /// A text whose outermost operator binds like this.
    pub fn new(text: impl Into<String>, level: Level) -> Piece {
        Piece { text: text.into(), level, negative: false }
    }

    /// A name, a number without sign, a call: what never needs brackets.
    pub fn atom(text: impl Into<String>) -> Piece {
        Piece::new(text, Level::Atom)
    }

    /// A text that starts with a minus.
    pub fn negative(text: impl Into<String>) -> Piece {
        Piece { text: text.into(), level: Level::Sum, negative: true }
    }

    /// A text that starts with a minus if `negative`, and otherwise binds like `level`.
    pub fn signed(text: impl Into<String>, level: Level, negative: bool) -> Piece {
        if negative { Piece::negative(text) } else { Piece::new(text, level) }
    }
}

/// How a target language writes expressions. What is not overridden is written as in `.mech` source.
pub trait Notation {
    /// Why something cannot be written.
    type Error;

    /// A number; the text may start with a minus.
    fn number(&self, value: f64) -> String;

    /// `above*pi/below`, where the notation has a name for the number pi that reads back to the same bits; both are 1 and more.
    fn multiple_of_pi(&self, _above: u32, _below: u32) -> Option<Piece> {
        None
    }

    /// A number that is added to or subtracted from `other`, where that is written in another way than elsewhere.
    fn summand(&self, _value: f64, _other: &Expr) -> Option<String> {
        None
    }

    /// A leaf that is not a number: time, a state's derivative, an input, an unknown.
    fn name(&self, leaf: &ExprKind) -> Result<Piece, Self::Error>;

    /// Brackets around a text.
    fn brackets(&self, text: &str) -> String {
        format!("({text})")
    }

    /// A function of one argument other than the sign `-a`.
    fn function(&self, f: UnaryFn, a: Piece) -> Result<Piece, Self::Error> {
        Ok(Piece::atom(format!("{}({})", f.name(), a.text)))
    }

    /// The smaller (`larger: false`) or larger of two values.
    fn extreme(&self, larger: bool, a: Piece, b: Piece) -> Result<Piece, Self::Error> {
        let (a, b) = (self.within(&a, Level::Sum), self.within(&b, Level::Sum));
        Ok(Piece::atom(format!("{}({a}, {b})", if larger { "max" } else { "min" })))
    }

    /// `a*b`
    fn product(&self, a: Piece, b: Piece) -> Piece {
        self.infix("*", a, b)
    }

    /// `a/b`
    fn quotient(&self, a: Piece, b: Piece) -> Piece {
        self.infix("/", a, b)
    }

    /// A power.
    fn power(&self, base: Piece, exponent: Exponent) -> Result<Piece, Self::Error> {
        let base = self.within(&base, Level::Atom);
        let exponent = match exponent {
            Exponent::Whole(n) if n < 0 => format!("({n})"),
            Exponent::Whole(n) => n.to_string(),
            Exponent::Real(piece) => self.within(&piece, Level::Atom),
        };
        Ok(Piece::new(format!("{base}^{exponent}"), Level::Power))
    }

    /// A conditional with its sides and branches, also as expressions.
    fn select(&self, compare: Compare, pieces: [Piece; 4], parts: &[Expr; 4]) -> Result<Piece, Self::Error>;

    /// A factor with brackets where the left side of a product needs them: a leading minus needs none there.
    fn first_factor(&self, piece: &Piece) -> String {
        self.within(piece, if piece.negative { Level::Sum } else { Level::Product })
    }

    /// `a` and `b` with an operator of products between them.
    fn infix(&self, operator: &str, a: Piece, b: Piece) -> Piece {
        let text = format!("{}{operator}{}", self.first_factor(&a), self.within(&b, Level::Power));
        Piece::signed(text, Level::Product, a.negative)
    }

    /// The text, in brackets unless it binds at least like `level`.
    fn within(&self, piece: &Piece, level: Level) -> String {
        if piece.level < level { self.brackets(&piece.text) } else { piece.text.clone() }
    }
}

/// `expr` in a notation.
///
/// # Errors
/// What the notation has no words for.
pub fn write<N: Notation>(notation: &N, expr: &Expr) -> Result<Piece, N::Error> {
    let part = |e: &Expr| write(notation, e);
    match &expr.kind {
        ExprKind::Number(v) => {
            let written = multiple_of_pi(*v).and_then(|(above, below)| notation.multiple_of_pi(above, below));
            if let Some(piece) = written {
                return Ok(if *v < 0.0 { Piece::negative(format!("-{}", piece.text)) } else { piece });
            }
            let text = notation.number(*v);
            let negative = text.starts_with('-');
            Ok(Piece::signed(text, Level::Atom, negative))
        }
        ExprKind::Time | ExprKind::State(..) | ExprKind::Input(_) | ExprKind::Unknown(_) => notation.name(&expr.kind),
        ExprKind::Unary(UnaryFn::Neg, a) => {
            Ok(Piece::negative(format!("-{}", notation.within(&part(a)?, Level::Product))))
        }
        ExprKind::Unary(f, a) => notation.function(*f, part(a)?),
        ExprKind::Powi(a, n) => notation.power(part(a)?, Exponent::Whole(*n)),
        ExprKind::Binary(op, a, b) => {
            let summand = |e: &Expr, other: &Expr| {
                let text = notation.summand(e.as_number()?, other)?;
                let negative = text.starts_with('-');
                Some(Piece::signed(text, Level::Atom, negative))
            };
            let (a, b) = match op {
                BinaryOp::Add | BinaryOp::Sub => {
                    let (left, right) = (summand(a, b), summand(b, a));
                    (left.map_or_else(|| part(a), Ok)?, right.map_or_else(|| part(b), Ok)?)
                }
                _ => (part(a)?, part(b)?),
            };
            match op {
                BinaryOp::Add => Ok(sum(notation, &a, &b)),
                BinaryOp::Sub => {
                    let text = format!("{} - {}", notation.within(&a, Level::Sum), notation.within(&b, Level::Product));
                    Ok(Piece::new(text, Level::Sum))
                }
                BinaryOp::Mul => Ok(notation.product(a, b)),
                BinaryOp::Div => Ok(notation.quotient(a, b)),
                BinaryOp::Pow => notation.power(a, Exponent::Real(b)),
                BinaryOp::Min => notation.extreme(false, a, b),
                BinaryOp::Max => notation.extreme(true, a, b),
            }
        }
        ExprKind::Select(compare, parts) => {
            let [a, b, x, y] = parts.as_ref();
            notation.select(*compare, [part(a)?, part(b)?, part(x)?, part(y)?], parts)
        }
    }
}

/// The fraction of pi that a number is without its sign, to the last bit: `2*pi`, `pi/12`, `3*pi/4`.
///
/// Parts up to these stand in formulas on purpose; among the numbers that are measured hardly one is such a fraction.
pub fn multiple_of_pi(value: f64) -> Option<(u32, u32)> {
    const BELOW: [u32; 17] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 18, 24, 180, 365];
    const ABOVE: u32 = 24;
    let turns = value.abs() / std::f64::consts::PI;
    BELOW.into_iter().find_map(|below| {
        let above = (turns * f64::from(below)).round();
        // Written and read again it is this product and this quotient.
        let same = (above * std::f64::consts::PI / f64::from(below)).to_bits() == value.abs().to_bits();
        (same && above >= 1.0 && above <= f64::from(ABOVE)).then_some((above as u32, below))
    })
}

/// A fraction of pi as a product and a quotient, where `pi` is the name of the number.
pub fn fraction_of(pi: &str, above: u32, below: u32) -> Piece {
    let factor = if above == 1 { String::new() } else { format!("{above}*") };
    match (above, below) {
        (1, 1) => Piece::atom(pi),
        (_, 1) => Piece::new(format!("{factor}{pi}"), Level::Product),
        _ => Piece::new(format!("{factor}{pi}/{below}"), Level::Product),
    }
}

/// A sum that adds something negative reads better as a difference.
fn sum<N: Notation>(notation: &N, a: &Piece, b: &Piece) -> Piece {
    let (left, right) = (notation.within(a, Level::Sum), notation.within(b, Level::Sum));
    let text = match right.strip_prefix('-') {
        Some(rest) => format!("{left} - {rest}"),
        None => format!("{left} + {right}"),
    };
    Piece::new(text, Level::Sum)
}

#[cfg(test)]
mod tests {
    use super::{fraction_of, multiple_of_pi};
    use std::f64::consts::PI;

    #[test]
    fn multiples_of_pi_are_told_to_the_last_bit() {
        for above in 1..=24 {
            for below in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 18, 24, 180, 365] {
                let value = f64::from(above) * PI / f64::from(below);
                let (a, b) = multiple_of_pi(value).expect("a fraction of pi");
                assert_eq!((f64::from(a) * PI / f64::from(b)).to_bits(), value.to_bits(), "{above}*pi/{below}");
                assert_eq!(multiple_of_pi(-value), Some((a, b)));
            }
        }
        for value in [0.0, 2.0 * PI - 7e-9, PI - 2e-3, 1.0, 25.0 * PI, f64::MIN_POSITIVE, f64::INFINITY, f64::NAN] {
            assert_eq!(multiple_of_pi(value), None, "{value}");
        }
        let written = |above, below| fraction_of("pi", above, below).text;
        assert_eq!([written(1, 1), written(2, 1), written(1, 12), written(3, 4)], ["pi", "2*pi", "pi/12", "3*pi/4"]);
    }
}

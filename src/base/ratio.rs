//! Exact fractions with small numbers: exponents of units.

use std::fmt;

/// A fraction in lowest terms with a denominator above zero. Arithmetic saturates: exponents that do not fit in 64 bits mean
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    num: i64,
    den: i64,
}

impl Ratio {
    /// 0
    pub const ZERO: Ratio = Ratio { num: 0, den: 1 };
    /// 1
    pub const ONE: Ratio = Ratio { num: 1, den: 1 };

    /// `num/den`; zero where `den` is zero.
    pub fn new(num: i64, den: i64) -> Self {
        let divisor = gcd(num.unsigned_abs(), den.unsigned_abs());
        let Some(divisor) = i64::try_from(divisor).ok().filter(|d| *d > 0 && den != 0) else { return Ratio::ZERO };
        let sign = if den < 0 { -1 } else { 1 };
        Ratio { num: (num / divisor).saturating_mul(sign), den: (den / divisor).saturating_mul(sign) }
    }

    /// The fraction with a denominator of at most 1000 that `value` is, to twelve digits.
    pub fn of(value: f64) -> Option<Self> {
        (1..=1000_i64).find_map(|den| {
            let num = (value * den as f64).round();
            let close = (num / den as f64 - value).abs() <= 1e-12 * value.abs().max(1e-3);
            (close && num.abs() < 1e6).then(|| Ratio::new(num as i64, den))
        })
    }

    /// Numerator, with the sign.
    pub fn num(self) -> i64 {
        self.num
    }

    /// Denominator.
    pub fn den(self) -> i64 {
        self.den
    }

    /// Whether it is 0.
    pub fn is_zero(self) -> bool {
        self.num == 0
    }

    /// The nearest float.
    pub fn value(self) -> f64 {
        self.num as f64 / self.den as f64
    }

    /// The sum.
    pub fn plus(self, other: Ratio) -> Ratio {
        let num = self.num.saturating_mul(other.den).saturating_add(other.num.saturating_mul(self.den));
        Ratio::new(num, self.den.saturating_mul(other.den))
    }

    /// The product.
    pub fn times(self, other: Ratio) -> Ratio {
        Ratio::new(self.num.saturating_mul(other.num), self.den.saturating_mul(other.den))
    }

    /// With the other sign.
    pub fn negated(self) -> Ratio {
        Ratio { num: self.num.saturating_neg(), den: self.den }
    }

    /// `1/self`; zero for zero.
    pub fn inverse(self) -> Ratio {
        Ratio::new(self.den, self.num)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.den {
            1 => write!(f, "{}", self.num),
            den => write!(f, "{}/{den}", self.num),
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

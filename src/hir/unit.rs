//! Units of measure: products of powers of named units, each with its size in the SI.

use std::fmt;
use std::sync::Arc;

use super::known_unit;
use crate::base::{IndexMap, Ratio};

/// What is measured: base units with their powers, none of them zero, sorted by name.
pub type Dimension = Vec<(String, Ratio)>;

/// A named unit, the atom of units as they are written.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbol {
    /// As it is written: `km`.
    pub name: String,
    /// How many coherent SI units it is.
    pub scale: f64,
    /// What it measures.
    pub dimension: Dimension,
}

impl Symbol {
    /// Its declaration as source; `None` for units that are always known.
    pub fn declaration(&self) -> Option<String> {
        if known_unit(&self.name).is_some() {
            return None;
        }
        if self.dimension.len() == 1 && self.dimension.iter().all(|(base, _)| *base == self.name) {
            return Some(format!("unit {}", self.name));
        }
        // In base units; those of the user's are declared like it.
        let base = base_units(&self.dimension);
        Some(format!("unit {} = {} [{base}]", self.name, super::number(self.scale)))
    }
}

/// The coherent unit of a dimension in base units.
fn base_units(dimension: &Dimension) -> Unit {
    let symbol =
        |name: &str| Symbol { name: name.to_string(), scale: 1.0, dimension: vec![(name.to_string(), Ratio::ONE)] };
    Unit { factors: dimension.iter().map(|(name, power)| (Arc::new(symbol(name)), *power)).collect() }
}

/// A product of powers of named units; the empty product is `1`.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// The factors, each symbol once and with a power other than zero, in the order in which they came.
    factors: Vec<(Arc<Symbol>, Ratio)>,
}

impl Unit {
    /// The unit `1` of plain numbers.
    pub fn one() -> Unit {
        Unit::default()
    }

    /// The unit with this symbol alone.
    pub fn of(symbol: Arc<Symbol>) -> Unit {
        Unit { factors: vec![(symbol, Ratio::ONE)] }
    }

    /// The product.
    pub fn times(&self, other: &Unit) -> Unit {
        let mut out = self.clone();
        for (symbol, power) in &other.factors {
            match out.factors.iter_mut().find(|(s, _)| s.name == symbol.name) {
                Some((_, own)) => *own = own.plus(*power),
                None => out.factors.push((symbol.clone(), *power)),
            }
        }
        out.factors.retain(|(_, power)| !power.is_zero());
        out
    }

    /// The power; the zeroth is `1`.
    pub fn power(&self, power: Ratio) -> Unit {
        if power.is_zero() {
            return Unit::one();
        }
        Unit { factors: self.factors.iter().map(|(s, p)| (s.clone(), p.times(power))).collect() }
    }

    /// The quotient.
    pub fn over(&self, other: &Unit) -> Unit {
        self.times(&other.power(Ratio::ONE.negated()))
    }

    /// Of a number beside a quantity measured in `rest`: without radians and the like, which count as one, where the rest has none. So `g`
    /// is an acceleration in `g/L*sin(q)`, whatever the left side counts its angle in.
    pub fn beside(&self, rest: &Unit) -> Unit {
        let counts = |symbol: &Symbol| symbol.dimension.is_empty() && symbol.scale == 1.0;
        if rest.is_one() || rest.symbols().any(counts) {
            return self.clone();
        }
        Unit { factors: self.factors.iter().filter(|(symbol, _)| !counts(symbol)).cloned().collect() }
    }

    /// The named units in it.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.factors.iter().map(|(symbol, _)| symbol.as_ref())
    }

    /// What it measures.
    pub fn dimension(&self) -> Dimension {
        let mut sum: IndexMap<&str, Ratio> = IndexMap::new();
        for (symbol, power) in &self.factors {
            for (base, own) in &symbol.dimension {
                let entry = sum.entry(base.as_str()).or_insert(Ratio::ZERO);
                *entry = entry.plus(own.times(*power));
            }
        }
        let mut out: Dimension =
            sum.into_iter().filter(|(_, p)| !p.is_zero()).map(|(b, p)| (b.to_string(), p)).collect();
        out.sort_by(|a, b| a.0.cmp(&b.0));
        out
    }

    /// How many coherent SI units it is.
    pub fn scale(&self) -> f64 {
        self.factors.iter().map(|(symbol, power)| symbol.scale.powf(power.value())).product()
    }

    /// Whether both measure the same.
    pub fn measures_like(&self, other: &Unit) -> bool {
        self.dimension() == other.dimension()
    }

    /// How many of `other` one of this is: numbers in this unit times that are numbers in the other. `None` where they measure
    /// different things.
    pub fn in_units_of(&self, other: &Unit) -> Option<f64> {
        let ratio = self.over(other);
        ratio.dimension().is_empty().then(|| clean(ratio.scale()))
    }

    /// Whether a number means the same in both.
    pub fn equals(&self, other: &Unit) -> bool {
        self.in_units_of(other).is_some_and(|factor| (factor - 1.0).abs() < 1e-9)
    }

    /// Whether it is the unit of plain numbers, however it is written.
    pub fn is_one(&self) -> bool {
        self.equals(&Unit::one())
    }

    /// The same unit in as few symbols as it takes: `1` for `N/(kg*m/s^2)`.
    fn shortest(&self) -> Unit {
        let dimension = self.dimension();
        if dimension.is_empty()
            && (self.scale() - 1.0).abs() < 1e-9
            && self.factors.iter().any(|(s, _)| !s.dimension.is_empty())
        {
            return Unit::one();
        }
        // In base units where that is shorter, which it is where derived units and what they are made of meet.
        let base = base_units(&dimension);
        // Radians and the like say something, though they measure nothing.
        let all_measure = self.factors.iter().all(|(s, _)| !s.dimension.is_empty());
        if all_measure && base.factors.len() < self.factors.len() && base.equals(self) { base } else { self.clone() }
    }
}

impl PartialEq for Unit {
    fn eq(&self, other: &Unit) -> bool {
        self.equals(other)
    }
}

impl fmt::Display for Unit {
    /// As it would be written between the brackets: `kg*m/s^2`, `1/(m^2*s)`, `1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shortest = self.shortest();
        let spelled = |symbol: &Symbol, power: Ratio| match (power.num(), power.den()) {
            (1, 1) => symbol.name.clone(),
            (n, 1) => format!("{}^{n}", symbol.name),
            _ => format!("{}^({power})", symbol.name),
        };
        let part = |above: bool| -> Vec<String> {
            let chosen = shortest.factors.iter().filter(|(_, p)| (p.num() > 0) == above);
            chosen.map(|(s, p)| spelled(s, if above { *p } else { p.negated() })).collect()
        };
        let (above, below) = (part(true), part(false));
        let above = if above.is_empty() { "1".to_string() } else { above.join("*") };
        match below.as_slice() {
            [] => f.write_str(&above),
            [one] => write!(f, "{above}/{one}"),
            several => write!(f, "{above}/({})", several.join("*")),
        }
    }
}

/// A factor without the rounding of the powers of ten it was made of, where it has few digits.
pub(super) fn clean(factor: f64) -> f64 {
    let short: f64 = format!("{factor:.11e}").parse().unwrap_or(factor);
    if (short - factor).abs() <= 1e-14 * factor.abs() { short } else { factor }
}

//! Sizes that are known when a call has bound the dynamic axes.

use std::fmt;

/// A product `factor * size(axis) * ...` of a constant and sizes of dynamic axes: an extent, a stride or an offset, in
/// elements. The axes are sorted (with repetition), so equal products compare equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Size {
    /// The constant factor.
    pub factor: u64,
    /// Indices into the entry's axes, sorted.
    pub axes: Vec<u32>,
}

impl Size {
    /// The empty product.
    pub const ONE: Size = Size { factor: 1, axes: Vec::new() };
    /// No element.
    pub const ZERO: Size = Size { factor: 0, axes: Vec::new() };

    /// A constant.
    pub fn constant(factor: u64) -> Self {
        Size { factor, axes: Vec::new() }
    }

    /// The size of a dynamic axis.
    pub fn axis(axis: u32) -> Self {
        Size { factor: 1, axes: vec![axis] }
    }

    /// The product; saturates, and a saturated size fails when it is evaluated.
    pub fn times(&self, other: &Size) -> Size {
        let factor = self.factor.saturating_mul(other.factor);
        if factor == 0 {
            return Size::ZERO;
        }
        let mut axes = self.axes.clone();
        axes.extend_from_slice(&other.axes);
        axes.sort_unstable();
        Size { factor, axes }
    }

    /// Its value if no dynamic axis is in it.
    pub fn known(&self) -> Option<u64> {
        self.axes.is_empty().then_some(self.factor)
    }

    /// Its value for the sizes of all axes, or `None` on overflow of 63 bits.
    pub fn value(&self, sizes: &[u64]) -> Option<u64> {
        let value = self.axes.iter().try_fold(self.factor, |a, &axis| a.checked_mul(*sizes.get(axis as usize)?))?;
        (value <= i64::MAX as u64).then_some(value)
    }
}

impl fmt::Display for Size {
    /// `3`, `s0`, `3*s0*s1`, where `s0` is the size of axis 0 of the entry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.factor != 1 || self.axes.is_empty() {
            write!(f, "{}", self.factor)?;
            if !self.axes.is_empty() {
                f.write_str("*")?;
            }
        }
        for (i, axis) in self.axes.iter().enumerate() {
            write!(f, "{}s{axis}", if i == 0 { "" } else { "*" })?;
        }
        Ok(())
    }
}

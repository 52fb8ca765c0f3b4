//! Axes and types.

use crate::base::{Elem, index_type};

index_type!(
    /// An axis of a module.
    AxisId, "axis"
);

/// A named dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Its name, unique in the module.
    pub name: String,
    /// Its size, or `None` when every call binds it anew.
    pub size: Option<usize>,
}

/// The type of a value: what a number is, and the axes in memory order (the last is contiguous). No axes: a scalar.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// The type of one number.
    pub elem: Elem,
    /// The axes, outermost first, each at most once.
    pub axes: Vec<AxisId>,
}

impl Type {
    /// A double-precision tensor over `axes`.
    pub fn f64(axes: impl Into<Vec<AxisId>>) -> Self {
        Type { elem: Elem::F64, axes: axes.into() }
    }

    /// A single-precision tensor over `axes`.
    pub fn f32(axes: impl Into<Vec<AxisId>>) -> Self {
        Type { elem: Elem::F32, axes: axes.into() }
    }

    /// Where `axis` stands, if it is there.
    pub fn position(&self, axis: AxisId) -> Option<usize> {
        self.axes.iter().position(|&a| a == axis)
    }

    /// The same without `axis`.
    pub fn without(&self, axis: AxisId) -> Type {
        Type { elem: self.elem, axes: self.axes.iter().copied().filter(|&a| a != axis).collect() }
    }
}

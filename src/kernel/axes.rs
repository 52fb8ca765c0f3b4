//! Axes of the module as axes of one entry, and their sizes as products.

use crate::artifact::{Axis, Size};
use crate::ir::{AxisId, Function, Module, Type};
use std::collections::BTreeMap;

/// Guess for an axis whose size is bound at the call, for choices of speed only.
const TYPICAL_DYNAMIC_SIZE: u64 = 256;

/// The axes that one function uses.
pub(super) struct Axes {
    /// As the entry lists them.
    pub list: Vec<Axis>,
    numbers: BTreeMap<AxisId, usize>,
}

impl Axes {
    /// The axes of every value of `function`, in the module's order.
    pub fn of(module: &Module, function: &Function) -> Axes {
        let used: std::collections::BTreeSet<AxisId> =
            function.values.values().flat_map(|v| v.ty.axes.iter().copied()).collect();
        let numbers = used.iter().copied().enumerate().map(|(i, a)| (a, i)).collect();
        let list =
            used.iter().map(|&a| Axis { name: module.axes[a].name.clone(), size: module.axes[a].size }).collect();
        Axes { list, numbers }
    }

    /// The number of an axis in the entry.
    pub fn number(&self, axis: AxisId) -> usize {
        self.numbers.get(&axis).copied().unwrap_or(usize::MAX)
    }

    /// Its size if known now.
    pub fn known(&self, axis: AxisId) -> Option<usize> {
        self.list.get(self.number(axis)).and_then(|a| a.size)
    }

    /// Its size as a product.
    pub fn size(&self, axis: AxisId) -> Size {
        match self.known(axis) {
            Some(n) => Size::constant(n as u64),
            None => Size::axis(self.number(axis) as u32),
        }
    }

    /// The product of sizes.
    pub fn product(&self, axes: &[AxisId]) -> Size {
        axes.iter().fold(Size::ONE, |p, &a| p.times(&self.size(a)))
    }

    /// Row-major strides of a type.
    pub fn strides(&self, ty: &Type) -> Vec<Size> {
        let mut strides = vec![Size::ONE; ty.axes.len()];
        let mut run = Size::ONE;
        for (stride, &axis) in strides.iter_mut().zip(&ty.axes).rev() {
            *stride = run.clone();
            run = run.times(&self.size(axis));
        }
        strides
    }

    /// A rough number of elements, for choices of speed only.
    pub fn estimate(&self, axes: &[AxisId]) -> u64 {
        axes.iter().fold(1, |p, &a| p.saturating_mul(self.known(a).map_or(TYPICAL_DYNAMIC_SIZE, |n| n as u64)))
    }

    /// A rough value of a product of sizes.
    pub fn estimate_size(&self, size: &Size) -> u64 {
        size.axes.iter().fold(size.factor, |p, _| p.saturating_mul(TYPICAL_DYNAMIC_SIZE))
    }

    /// The name of an axis.
    pub fn name(&self, axis: AxisId) -> &str {
        self.list.get(self.number(axis)).map_or("?", |a| a.name.as_str())
    }
}

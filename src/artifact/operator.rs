//! When a relaxed solve whose matrix is constant is the product with an explicit matrix: the rule for the host and for devices.

use super::Size;

/// The most numbers an explicit solution matrix may have: 2 MiB, so that it stays in the cache while it is applied.
pub const LARGEST_OPERATOR: u64 = 1 << 18;
/// The fewest systems that repay making it.
pub const FEWEST_SYSTEMS: u64 = 64;

/// Whether an explicit matrix pays for so many systems, whose right-hand sides and initial values are `inputs` numbers and whose
/// solutions `outputs`. Substitution needs fewer operations, but a product runs at the speed of matrix products.
pub fn operator_pays(systems: u64, inputs: u64, outputs: u64) -> bool {
    systems >= FEWEST_SYSTEMS && inputs.checked_mul(outputs).is_some_and(|n| n <= LARGEST_OPERATOR)
}

/// The explicit solution matrix of relaxed solves of a device program: `u = rhs R + iv V`, one row for each system. It is kept from call to
/// call, and made anew when one of [`SolutionOperator::parameters`] has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SolutionOperator {
    /// Systems that are solved at once, of each solve with this matrix: it is used for all of them where it pays for one.
    pub systems: Vec<Size>,
    /// Right-hand sides and initial values of a system: the rows of the two parts.
    pub inputs: [Size; 2],
    /// Unknowns of a system: the columns.
    pub outputs: Size,
    /// Positions of the parameters of the entry that the matrix is computed from.
    pub parameters: Vec<usize>,
}

impl SolutionOperator {
    /// Whether it is used, for the sizes of all axes.
    pub fn pays(&self, sizes: &[u64]) -> bool {
        let value = |size: &Size| size.value(sizes);
        let inputs = self.inputs.iter().try_fold(0u64, |sum, size| sum.checked_add(value(size)?));
        let Some((inputs, outputs)) = inputs.zip(value(&self.outputs)) else { return false };
        self.systems.iter().filter_map(value).any(|systems| operator_pays(systems, inputs, outputs))
    }
}

/// When a launch is needed, or scratch: where a program has an operator, by its position among them, only for some sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// In every call.
    #[default]
    Always,
    /// Where this operator is used, in a call that makes it.
    Made(usize),
    /// Where this operator is used, in every call.
    Applied(usize),
    /// Where this operator is not used.
    Substituted(usize),
}

impl When {
    /// Whether it is needed, given for each operator whether it is used and whether this call makes those that are.
    pub fn needed(self, used: &[bool], making: bool) -> bool {
        let of = |at: usize| used.get(at).copied().unwrap_or(false);
        match self {
            When::Always => true,
            When::Made(at) => making && of(at),
            When::Applied(at) => of(at),
            When::Substituted(at) => !of(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_pay_for_many_short_systems() {
        let operator = SolutionOperator {
            systems: vec![Size::axis(0), Size::constant(3)],
            inputs: [Size::axis(1), Size::constant(2)],
            outputs: Size { factor: 3, axes: vec![1] },
            parameters: Vec::new(),
        };
        // (294 + 2) * 882 numbers are the most below the limit.
        assert!(operator.pays(&[64, 294]));
        assert!(!operator.pays(&[63, 294]) && !operator.pays(&[64, 295]));
        assert!(!operator.pays(&[64, u64::MAX]));
    }

    #[test]
    fn what_is_needed_depends_on_the_operators_used() {
        let used = [true, false];
        let needed = |making: bool| {
            [When::Always, When::Made(0), When::Applied(0), When::Substituted(0), When::Made(1), When::Substituted(1)]
                .map(|when| when.needed(&used, making))
        };
        assert_eq!(needed(true), [true, true, true, false, false, true]);
        assert_eq!(needed(false), [true, false, true, false, false, true]);
    }
}

//! When two steps between samples count as one.

/// How far a step may be from another that it is the same as, as a part of that.
const SAME_STEP: f64 = 1e-6;

/// Whether a step is the same as another: times that were written with a few digits differ by their rounding.
pub fn same_step(step: f64, other: f64) -> bool {
    (step - other).abs() <= SAME_STEP * other
}

#[cfg(test)]
mod tests {
    use super::same_step;

    #[test]
    fn rounding_is_no_difference() {
        assert!(same_step(0.1 + 1e-9, 0.1) && same_step(0.1, 0.1));
        assert!(!same_step(0.1 + 1e-6, 0.1) && !same_step(f64::NAN, 0.1));
    }
}

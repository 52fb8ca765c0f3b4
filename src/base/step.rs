//! When two steps between samples count as one, and how times of equal steps are written.

/// How far a step may be from another that it is the same as, as a part of that.
const SAME_STEP: f64 = 1e-6;

/// Whether a step is the same as another: times that were written with a few digits differ by their rounding.
pub fn same_step(step: f64, other: f64) -> bool {
    (step - other).abs() <= SAME_STEP * other
}

/// A number in the shortest form that reads back as the same value.
pub fn number(v: f64) -> String {
    let size = v.abs();
    if v == 0.0 {
        "0".to_string()
    } else if (1e-4..1e15).contains(&size) {
        format!("{v}")
    } else {
        format!("{v:e}")
    }
}

/// A number with fewer digits that is as near to `value` as `within`, where there is one: what sums and products of short decimal
/// numbers would be without rounding, 47.52 for 132*0.36 = 47.519999999999996.
pub fn shortened(value: f64, within: f64) -> f64 {
    /// The most digits behind the point that a number may have.
    const MOST: f64 = 300.0;
    if !value.is_finite() || within.is_nan() || within <= 0.0 {
        return value;
    }
    // The places that are larger than what is allowed; what was short before has zeros at their end.
    let places = (-within.log10()).floor().clamp(0.0, MOST) as usize;
    let rounded = format!("{value:.places$}").parse().unwrap_or(value);
    // Zero has no sign.
    if (rounded - value).abs() <= within { rounded + 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::{same_step, shortened};

    #[test]
    fn rounding_is_no_difference() {
        assert!(same_step(0.1 + 1e-9, 0.1) && same_step(0.1, 0.1));
        assert!(!same_step(0.1 + 1e-6, 0.1) && !same_step(f64::NAN, 0.1));
    }

    #[test]
    fn digits_of_rounding_go() {
        assert_eq!(shortened(132.0 * 0.36, f64::EPSILON * 132.0 * 0.36), 47.52);
        assert_eq!(shortened(0.1 + 0.2, 1e-16), 0.3);
        // Nothing shorter is near enough.
        assert_eq!(shortened(1.0 / 3.0, 1e-17), 1.0 / 3.0);
        assert_eq!(shortened(0.3, 0.0), 0.3);
        // What is left of a difference is zero.
        assert_eq!(shortened(144.0 * 0.05 - 7.2, 2e-15).to_string(), "0");
        assert_eq!(shortened(-1e-16, 1e-15).to_string(), "0");
        assert_eq!(shortened(1e300, 1e290), 1e300);
        assert!(shortened(f64::NAN, 1.0).is_nan() && shortened(f64::INFINITY, f64::INFINITY).is_infinite());
    }
}

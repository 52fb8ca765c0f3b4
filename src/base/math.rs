//! Scalar mathematics as every part of the compiler computes it: constant folding, the reference evaluator and compiled code.
//!
//! The rule, for both number types T:
//! - `+ - * /`, negation, absolute value and square root are the IEEE 754 operations of T, rounded to nearest, and are never
//!   contracted into fused multiply-adds;
//! - transcendental functions and `pow` are those of `libm` for T (`sin` for `f64`, `sinf` for `f32`);
//! - `min` and `max` are IEEE 754-2019 `minimum` and `maximum`: NaN if either is NaN, and -0 is less than +0;
//! - `sign` is -1, 0 or 1, +0 at either zero and NaN at NaN;
//! - whole powers are products in the order of [`Real::powi`]; a negative power is the reciprocal of the positive one.
//!
//! Conversion from `f64` to `f32` rounds to nearest; the other way is exact.

/// A floating-point number type with the functions of a model.
pub trait Real: Copy + PartialEq + PartialOrd {
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// Rounded from double precision.
    fn from_f64(x: f64) -> Self;
    /// In double precision, exactly.
    fn to_f64(self) -> f64;
    /// `self + b`
    fn add(self, b: Self) -> Self;
    /// `self - b`
    fn sub(self, b: Self) -> Self;
    /// `self * b`
    fn mul(self, b: Self) -> Self;
    /// `self / b`
    fn div(self, b: Self) -> Self;
    /// `-self`
    fn neg(self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// `e^self`
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Sine.
    fn sin(self) -> Self;
    /// Cosine.
    fn cos(self) -> Self;
    /// Tangent.
    fn tan(self) -> Self;
    /// Arc sine.
    fn asin(self) -> Self;
    /// Arc cosine.
    fn acos(self) -> Self;
    /// Arc tangent.
    fn atan(self) -> Self;
    /// Hyperbolic sine.
    fn sinh(self) -> Self;
    /// Hyperbolic cosine.
    fn cosh(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// `self` to the power `b`.
    fn pow(self, b: Self) -> Self;
    /// Whether the sign bit is set.
    fn is_sign_negative(self) -> bool;

    /// Whether this is not a number.
    fn is_nan(self) -> bool {
        self.partial_cmp(&self).is_none()
    }

    /// -1, 0 or 1; NaN at NaN.
    fn sign(self) -> Self {
        if self > Self::ZERO {
            Self::ONE
        } else if self < Self::ZERO {
            Self::ONE.neg()
        } else if self == Self::ZERO {
            Self::ZERO
        } else {
            self
        }
    }

    /// IEEE 754-2019 `minimum`.
    fn min(self, b: Self) -> Self {
        if self.is_nan() {
            self
        } else if b < self || b.is_nan() || (b == self && b.is_sign_negative()) {
            b
        } else {
            self
        }
    }

    /// IEEE 754-2019 `maximum`.
    fn max(self, b: Self) -> Self {
        if self.is_nan() {
            self
        } else if b > self || b.is_nan() || (b == self && !b.is_sign_negative()) {
            b
        } else {
            self
        }
    }

    /// Whole power by squaring from the lowest bit of `|n|` up: the result starts as the factor of the lowest set bit and is
    /// multiplied by the square of each higher set bit. `x^0` is 1 for every x.
    fn powi(self, n: i32) -> Self {
        let mut rest = n.unsigned_abs();
        let mut square = self;
        let mut result: Option<Self> = None;
        while rest > 0 {
            if rest & 1 == 1 {
                result = Some(result.map_or(square, |r| r.mul(square)));
            }
            rest >>= 1;
            if rest > 0 {
                square = square.mul(square);
            }
        }
        let positive = result.unwrap_or(Self::ONE);
        if n < 0 { Self::ONE.div(positive) } else { positive }
    }
}

macro_rules! real {
    ($t:ident, $($name:ident = $function:ident),* ; $pow:ident) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            fn add(self, b: Self) -> Self {
                self + b
            }
            fn sub(self, b: Self) -> Self {
                self - b
            }
            fn mul(self, b: Self) -> Self {
                self * b
            }
            fn div(self, b: Self) -> Self {
                self / b
            }
            fn neg(self) -> Self {
                -self
            }
            fn abs(self) -> Self {
                $t::abs(self)
            }
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            fn pow(self, b: Self) -> Self {
                libm::$pow(self, b)
            }
            fn is_sign_negative(self) -> bool {
                $t::is_sign_negative(self)
            }
            $(fn $name(self) -> Self {
                libm::$function(self)
            })*
        }
    };
}

real!(f64, exp = exp, ln = log, sin = sin, cos = cos, tan = tan, asin = asin, acos = acos, atan = atan, sinh = sinh, cosh = cosh, tanh = tanh; pow);
real!(f32, exp = expf, ln = logf, sin = sinf, cos = cosf, tan = tanf, asin = asinf, acos = acosf, atan = atanf, sinh = sinhf, cosh = coshf, tanh = tanhf; powf);

#[cfg(test)]
mod tests {
    use super::Real;

    #[test]
    fn whole_powers_multiply_in_the_documented_order() {
        let x = 1.1_f64;
        let square = x * x;
        assert_eq!(Real::powi(x, 7), (x * square) * (square * square));
        assert_eq!(Real::powi(x, -2), 1.0 / square);
        assert_eq!(Real::powi(f64::NAN, 0), 1.0);
        assert_eq!(Real::powi(1.0_f64, i32::MIN), 1.0);
    }

    #[test]
    fn smaller_and_larger_follow_the_standard() {
        assert!(Real::min(0.0_f64, -0.0).is_sign_negative());
        assert!(Real::min(-0.0_f64, 0.0).is_sign_negative());
        assert!(!Real::max(-0.0_f64, 0.0).is_sign_negative());
        assert!(!Real::max(0.0_f64, -0.0).is_sign_negative());
        assert!(Real::min(f64::NAN, 1.0).is_nan() && Real::min(1.0, f64::NAN).is_nan());
        assert!(Real::max(f64::NAN, 1.0).is_nan() && Real::max(1.0, f64::NAN).is_nan());
        assert_eq!(Real::max(1.0_f32, 2.0), 2.0);
        assert_eq!(Real::sign(-3.0_f64), -1.0);
        assert!(Real::sign(f64::NAN).is_nan());
    }
}

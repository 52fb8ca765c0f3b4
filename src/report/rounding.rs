//! How numbers are rounded for people: one rule for terminal and page.
//!
//! With a standard error, the error gets two significant digits and the value as many decimals (Guide to the Expression
//! of Uncertainty in Measurement, 7.2.6). Without one, the value gets six significant digits. Below 1e-4 and from 1e6
//! on, a power of ten is split off. Where the error is more than ten times the value, which would leave zeros of it, they are
//! rounded each by itself.

use super::text::{short, without_zeros};

/// Significant digits of a value without standard error.
const PLAIN_DIGITS: i32 = 6;
/// Significant digits of a standard error.
const ERROR_DIGITS: i32 = 2;
/// An error above so many times the value leaves none of its digits.
const FAR_ABOVE: f64 = 10.0;

/// The error of a number that is not determined.
pub const UNDETERMINED: &str = "∞";
/// An error so many times its number, and the size that is expected of it, is no size of anything: the number is not determined.
const RAN_AWAY: f64 = 1e8;
/// The size of a number that starts from nothing.
const NO_START: f64 = 1.0;

/// Whether an error is so far above its number, and above what that started from, that the number ran away and nothing is known of it. One that comes
/// out as zero, or nearly, with an error as numbers of its size have is none of these.
pub fn ran_away(value: f64, error: f64, start: Option<f64>) -> bool {
    let start = start.filter(|start| *start != 0.0).map_or(NO_START, f64::abs);
    error > RAN_AWAY * value.abs().max(start)
}

/// A number as digits: `value ± error` times ten to the `exponent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rounded {
    /// The value without its sign.
    pub magnitude: String,
    /// True for values below zero, unless their digits are all zero.
    pub negative: bool,
    /// The standard error with as many decimals as the value.
    pub error: Option<String>,
    /// The standard error as digits in units of the last place of the value, as in `9.998(12)`; in full, with a
    /// sign before it, where it is far above the value: `0.226(± 46000)`.
    pub error_digits: Option<String>,
    /// The power of ten, 0 for most numbers.
    pub exponent: i32,
}

/// Rounds a value to its standard error.
pub fn round(value: f64, std_error: Option<f64>) -> Rounded {
    round_as(value, std_error, std_error.is_some_and(|error| ran_away(value, error, None)))
}

/// A value among samples with such noise, in digits that it leaves.
pub fn by_noise(value: f64, noise: f64) -> String {
    let unit = libm::pow(10.0, f64::from(order_of(noise, 1)));
    let rounded = (value / unit).round() * unit;
    round(if rounded.is_finite() { rounded } else { value }, None).full()
}

/// The same of a value of which is known whether it ran away.
pub fn round_as(value: f64, std_error: Option<f64>, ran_away: bool) -> Rounded {
    let negative = value < 0.0;
    let magnitude = value.abs();
    if !magnitude.is_finite() {
        let text = if value.is_nan() { "NaN" } else { "∞" };
        return Rounded { magnitude: text.into(), negative, error: None, error_digits: None, exponent: 0 };
    }
    let error = std_error.filter(|e| e.is_finite() && *e > 0.0);
    if error.is_some_and(|e| magnitude > 0.0 && e > FAR_ABOVE * magnitude) {
        return apart(value, error, ran_away);
    }
    let largest = magnitude.max(error.unwrap_or(0.0));
    let order = order_of(largest, PLAIN_DIGITS);
    let exponent = if largest > 0.0 && !(-4..6).contains(&order) { order } else { 0 };
    // Divide twice: ten to the power of an exponent below -308 is itself out of range.
    let half = exponent / 2;
    let scale = |v: f64| v / libm::pow(10.0, f64::from(half)) / libm::pow(10.0, f64::from(exponent - half));
    match error {
        Some(e) => {
            let e = scale(e);
            let last = order_of(e, ERROR_DIGITS) - (ERROR_DIGITS - 1);
            let decimals = usize::try_from(-last).unwrap_or(0).min(17);
            let unit = libm::pow(10.0, f64::from(last));
            let snap = |v: f64| if last > 0 { (v / unit).round() * unit } else { v };
            let digits = format!("{:.decimals$}", snap(scale(magnitude)));
            Rounded {
                negative: negative && digits.contains(|c: char| c.is_ascii_digit() && c != '0'),
                magnitude: digits,
                error: Some(format!("{:.decimals$}", snap(e))),
                error_digits: Some(format!("{:.0}", if last > 0 { snap(e) } else { e / unit })),
                exponent,
            }
        }
        None => {
            let v = scale(magnitude);
            let decimals = usize::try_from(PLAIN_DIGITS - 1 - order_of(v, PLAIN_DIGITS)).unwrap_or(0).min(17);
            let text = without_zeros(&format!("{v:.decimals$}")).to_string();
            Rounded { magnitude: text, negative, error: None, error_digits: None, exponent }
        }
    }
}

/// Rounds a value and its standard error each by itself, for one whose error says nothing of its digits: three significant digits and two. Where the value
/// ran away, the error is `∞`.
pub fn apart(value: f64, std_error: Option<f64>, ran_away: bool) -> Rounded {
    let two = |e: f64| format!("{e:.1e}").parse().unwrap_or(e);
    let told = |e: f64| if ran_away { UNDETERMINED.to_string() } else { short(two(e)) };
    let error = std_error.filter(|e| e.is_finite() && *e > 0.0).map(told);
    Rounded {
        magnitude: short(value.abs()),
        negative: value < 0.0,
        error_digits: error.as_ref().map(|e| format!("± {e}")),
        error,
        exponent: 0,
    }
}

impl Rounded {
    /// `9.998(12)`, `1.5e-7`, `2.0(3)e6`: the magnitude in the compact notation, without the sign.
    pub fn compact(&self) -> String {
        let error = self.error_digits.as_ref().map(|e| format!("({e})")).unwrap_or_default();
        let exponent = if self.exponent == 0 { String::new() } else { format!("e{}", self.exponent) };
        format!("{}{error}{exponent}", self.magnitude)
    }

    /// `-9.998 ± 0.012`, `(1.20 ± 0.31)e-7`, `28`: value and error in full, with the sign.
    pub fn full(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        match (&self.error, self.exponent) {
            (Some(e), 0) => format!("{sign}{} ± {e}", self.magnitude),
            (Some(e), x) => format!("({sign}{} ± {e})e{x}", self.magnitude),
            (None, 0) => format!("{sign}{}", self.magnitude),
            (None, x) => format!("{sign}{}e{x}", self.magnitude),
        }
    }
}

/// The power of ten of the first digit of `v` after rounding to `digits` significant digits; 0 for zero.
fn order_of(v: f64, digits: i32) -> i32 {
    if v <= 0.0 {
        return 0;
    }
    // The formatter rounds correctly, which a logarithm near a power of ten does not.
    let text = format!("{v:.*e}", usize::try_from(digits - 1).unwrap_or(0));
    text.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0)
}

//! Values that options take.

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;

/// Why an option does not take a value, and the way out.
#[derive(Debug, Clone)]
pub struct Refused {
    why: String,
    /// The way out.
    pub help: String,
}

impl Refused {
    pub fn new(why: impl Into<String>, help: impl Into<String>) -> Self {
        Refused { why: why.into(), help: help.into() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Error for Refused {}

/// A parser of whole numbers in a range.
pub fn whole(range: RangeInclusive<u32>) -> impl Fn(&str) -> Result<usize, Refused> + Clone + Send + Sync + 'static {
    move |text| {
        let (least, most) = (range.start(), range.end());
        let help = format!("give a whole number from {least} to {most}");
        let digits = text.trim();
        let sign = digits.strip_prefix(['-', '+']).unwrap_or(digits);
        if sign.is_empty() || !sign.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Refused::new("it is no whole number", help));
        }
        match digits.parse::<u32>() {
            Ok(number) if range.contains(&number) => Ok(number as usize),
            // What has a sign or does not fit the type is outside as well.
            _ => Err(Refused::new(format!("it is not from {least} to {most}"), help)),
        }
    }
}

/// A parser of numbers that are neither infinite nor none at all.
pub fn finite(text: &str) -> Result<f64, Refused> {
    let help = "give a finite number, such as 0.5";
    match text.trim().parse::<f64>() {
        Err(_) => Err(Refused::new(format!("`{}` is not a number", text.trim()), help)),
        Ok(value) if !value.is_finite() => Err(Refused::new(format!("`{}` is not finite", text.trim()), help)),
        Ok(value) => Ok(value),
    }
}

/// A number of bytes with a decimal unit: `8G`, `500M`, `100k`, `123`.
pub fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(char, u64); 4] = [('k', 1_000), ('M', 1_000_000), ('G', 1_000_000_000), ('T', 1_000_000_000_000)];
    let unit = UNITS.iter().find(|(name, _)| text.ends_with(*name));
    let (digits, unit) = unit.map_or((text, 1), |(name, unit)| (text.trim_end_matches(*name), *unit));
    let number: u64 = digits.parse().map_err(|_| "is not a whole number with or without k, M, G or T".to_string())?;
    number.checked_mul(unit).ok_or_else(|| "is too large".into())
}

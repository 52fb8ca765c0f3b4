//! From numbers to pixels, and where to put ticks.

/// A linear or logarithmic map of an interval to pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    log: bool,
}

/// A tick of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Its value.
    pub value: f64,
    /// Its label.
    pub label: String,
}

impl Scale {
    /// A map of the finite numbers among `values` (for a logarithmic scale: those above zero) with a margin of `margin`
    /// of their range, to the pixels `from..to`. Without any number, or with only one, an interval around it is made up.
    pub fn of(values: impl IntoIterator<Item = f64>, log: bool, margin: f64, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for v in values {
            if v.is_finite() && !(log && v <= 0.0) {
                let v = if log { libm::log10(v) } else { v };
                low = low.min(v);
                high = high.max(v);
            }
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let range = high - low;
        // A range that is nothing beside the numbers themselves cannot be told from rounding.
        let pad = if range > 1e-12 * low.abs().max(high.abs()) && range.is_finite() {
            margin * range
        } else {
            0.5 * high.abs().max(if log { 1.0 } else { f64::MIN_POSITIVE.sqrt() })
        };
        Self { low: (low - pad).max(-f64::MAX / 4.0), high: (high + pad).min(f64::MAX / 4.0), from, to, log }
    }

    /// The pixel of a number; `None` where it has none.
    pub fn map(&self, v: f64) -> Option<f64> {
        let v = if self.log { if v > 0.0 { libm::log10(v) } else { f64::NAN } } else { v };
        let pixel = self.from + (v - self.low) / (self.high - self.low) * (self.to - self.from);
        pixel.is_finite().then_some(pixel)
    }

    /// About `count` ticks: multiples of 1, 2 or 5 times a power of ten; powers of ten on a logarithmic scale.
    pub fn ticks(&self, count: usize) -> Vec<Tick> {
        if self.log { self.decades(count) } else { self.round_steps(count) }
    }

    fn round_steps(&self, count: usize) -> Vec<Tick> {
        let rough = (self.high - self.low) / count.max(1) as f64;
        let order = libm::floor(libm::log10(rough));
        let unit = libm::pow(10.0, order);
        let step = [1.0, 2.0, 5.0, 10.0].map(|f| f * unit).into_iter().find(|&s| s >= rough * 0.999).unwrap_or(rough);
        if !(step.is_finite() && step > 0.0) {
            return Vec::new();
        }
        // Decimals from the step's own order, so that neighbouring labels never look alike.
        let decimals = usize::try_from(-(libm::floor(libm::log10(step) + 1e-9) as i32)).unwrap_or(0);
        let first = libm::ceil(self.low / step - 1e-9);
        (0..=2 * count.max(1))
            .map(|i| (first + i as f64) * step)
            .take_while(|&v| v <= self.high + 1e-9 * step)
            .map(|v| Tick { value: v, label: label(v, step, decimals) })
            .collect()
    }

    fn decades(&self, count: usize) -> Vec<Tick> {
        let (first, last) = (libm::ceil(self.low - 1e-9) as i32, libm::floor(self.high + 1e-9) as i32);
        let every = (usize::try_from(last - first).unwrap_or(0) + 1).div_ceil(count.max(1)).max(1);
        let powers: Vec<Tick> = (first..=last)
            .step_by(every)
            .map(|e| Tick { value: libm::pow(10.0, f64::from(e)), label: power(e) })
            .collect();
        if powers.len() > 1 {
            return powers;
        }
        // Less than two decades: 1, 2 and 5 as well.
        let fine: Vec<Tick> = (first - 1..=last + 1)
            .flat_map(|e| [1.0, 2.0, 5.0].map(|f| (f, e)))
            .map(|(f, e)| (f * libm::pow(10.0, f64::from(e)), f, e))
            .filter(|(v, ..)| self.map(*v).is_some_and(|p| (p - self.from) * (p - self.to) <= 0.0))
            .map(|(value, f, e)| {
                let label = match e {
                    _ if f == 1.0 => power(e),
                    0 => f.to_string(),
                    1 => (10.0 * f).to_string(),
                    _ => format!("{f}·{}", power(e)),
                };
                Tick { value, label }
            })
            .collect();
        if fine.len() > 1 {
            return fine;
        }
        // Less than a factor of two: even steps, at their places on the logarithmic axis.
        let (low, high) = (libm::pow(10.0, self.low), libm::pow(10.0, self.high));
        Scale { low, high, log: false, ..*self }.round_steps(count)
    }
}

fn label(v: f64, step: f64, decimals: usize) -> String {
    if v.abs() < step * 1e-9 {
        return if step < 1e-4 { "0".into() } else { format!("{:.decimals$}", 0.0) };
    }
    if v.abs() >= 1e6 || step < 1e-4 {
        // As many digits as tell a label from its neighbours.
        let order = |v: f64| libm::floor(libm::log10(v) + 1e-9);
        let digits = usize::try_from((order(v.abs()) - order(step)) as i64).unwrap_or(0).min(6);
        return minus(&format!("{v:.digits$e}"));
    }
    minus(&format!("{v:.decimals$}"))
}

/// The typographic minus sign.
fn minus(text: &str) -> String {
    text.replace('-', "−")
}

/// Ten to a power with raised digits.
fn power(exponent: i32) -> String {
    const RAISED: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    match exponent {
        0 => "1".into(),
        1 => "10".into(),
        e => {
            let digits = e.to_string();
            let raise = |c: char| c.to_digit(10).and_then(|d| RAISED.get(d as usize)).copied().unwrap_or('⁻');
            format!("10{}", digits.chars().map(raise).collect::<String>())
        }
    }
}

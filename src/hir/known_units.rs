//! The units that are always known.
//!
//! Definitions follow the SI Brochure of the BIPM, 9th edition (2019): base units and units with special names in tables 2 and
//! 4, prefixes in table 7, non-SI units accepted for use with the SI in table 8. A year is 365.25 days, the Julian year of
//! astronomy (IAU 1976).

use std::sync::Arc;

use super::unit::{Symbol, clean};
use crate::base::Ratio;

/// Units that are not to be had with a prefix.
const PLAIN: bool = false;
/// Units that take prefixes.
const PREFIXED: bool = true;

/// A dimension as powers of the seven base units.
type Powers = &'static [(&'static str, i64)];

/// The units that are always known: name, size in coherent SI units, dimension, whether prefixes are taken.
const UNITS: &[(&str, f64, Powers, bool)] = &[
    ("m", 1.0, &[("m", 1)], PREFIXED),
    ("g", 1e-3, &[("kg", 1)], PREFIXED),
    ("s", 1.0, &[("s", 1)], PREFIXED),
    ("A", 1.0, &[("A", 1)], PREFIXED),
    ("K", 1.0, &[("K", 1)], PREFIXED),
    ("mol", 1.0, &[("mol", 1)], PREFIXED),
    ("cd", 1.0, &[("cd", 1)], PREFIXED),
    ("rad", 1.0, &[], PREFIXED),
    ("sr", 1.0, &[], PLAIN),
    ("Hz", 1.0, &[("s", -1)], PREFIXED),
    ("N", 1.0, &[("kg", 1), ("m", 1), ("s", -2)], PREFIXED),
    ("Pa", 1.0, &[("kg", 1), ("m", -1), ("s", -2)], PREFIXED),
    ("J", 1.0, &[("kg", 1), ("m", 2), ("s", -2)], PREFIXED),
    ("W", 1.0, &[("kg", 1), ("m", 2), ("s", -3)], PREFIXED),
    ("C", 1.0, &[("A", 1), ("s", 1)], PREFIXED),
    ("V", 1.0, &[("A", -1), ("kg", 1), ("m", 2), ("s", -3)], PREFIXED),
    ("F", 1.0, &[("A", 2), ("kg", -1), ("m", -2), ("s", 4)], PREFIXED),
    ("Ohm", 1.0, &[("A", -2), ("kg", 1), ("m", 2), ("s", -3)], PREFIXED),
    ("ohm", 1.0, &[("A", -2), ("kg", 1), ("m", 2), ("s", -3)], PREFIXED),
    ("Ω", 1.0, &[("A", -2), ("kg", 1), ("m", 2), ("s", -3)], PREFIXED),
    ("S", 1.0, &[("A", 2), ("kg", -1), ("m", -2), ("s", 3)], PREFIXED),
    ("Wb", 1.0, &[("A", -1), ("kg", 1), ("m", 2), ("s", -2)], PREFIXED),
    ("T", 1.0, &[("A", -1), ("kg", 1), ("s", -2)], PREFIXED),
    ("H", 1.0, &[("A", -2), ("kg", 1), ("m", 2), ("s", -2)], PREFIXED),
    ("lm", 1.0, &[("cd", 1)], PREFIXED),
    ("lx", 1.0, &[("cd", 1), ("m", -2)], PREFIXED),
    ("Bq", 1.0, &[("s", -1)], PREFIXED),
    ("Gy", 1.0, &[("m", 2), ("s", -2)], PREFIXED),
    ("Sv", 1.0, &[("m", 2), ("s", -2)], PREFIXED),
    ("kat", 1.0, &[("mol", 1), ("s", -1)], PREFIXED),
    ("min", 60.0, &[("s", 1)], PLAIN),
    ("h", 3600.0, &[("s", 1)], PLAIN),
    ("d", 86_400.0, &[("s", 1)], PLAIN),
    ("yr", 31_557_600.0, &[("s", 1)], PREFIXED),
    ("ha", 1e4, &[("m", 2)], PLAIN),
    ("L", 1e-3, &[("m", 3)], PREFIXED),
    ("l", 1e-3, &[("m", 3)], PREFIXED),
    // Not with every prefix: feet would be read as femtotonnes.
    ("t", 1e3, &[("kg", 1)], PLAIN),
    ("kt", 1e6, &[("kg", 1)], PLAIN),
    ("Mt", 1e9, &[("kg", 1)], PLAIN),
    ("Gt", 1e12, &[("kg", 1)], PLAIN),
    ("Da", 1.660_539_066_60e-27, &[("kg", 1)], PREFIXED),
    ("eV", 1.602_176_634e-19, &[("kg", 1), ("m", 2), ("s", -2)], PREFIXED),
    ("au", 149_597_870_700.0, &[("m", 1)], PLAIN),
    ("bar", 1e5, &[("kg", 1), ("m", -1), ("s", -2)], PREFIXED),
    ("M", 1e3, &[("mol", 1), ("m", -3)], PREFIXED),
    ("deg", std::f64::consts::PI / 180.0, &[], PLAIN),
    ("%", 0.01, &[], PLAIN),
];

/// Prefixes with their factors.
const PREFIXES: &[(&str, f64)] = &[
    ("da", 1e1),
    ("Q", 1e30),
    ("R", 1e27),
    ("Y", 1e24),
    ("Z", 1e21),
    ("E", 1e18),
    ("P", 1e15),
    ("T", 1e12),
    ("G", 1e9),
    ("M", 1e6),
    ("k", 1e3),
    ("h", 1e2),
    ("d", 1e-1),
    ("c", 1e-2),
    ("m", 1e-3),
    ("u", 1e-6),
    ("µ", 1e-6),
    ("μ", 1e-6),
    ("n", 1e-9),
    ("p", 1e-12),
    ("f", 1e-15),
    ("a", 1e-18),
    ("z", 1e-21),
    ("y", 1e-24),
    ("r", 1e-27),
    ("q", 1e-30),
];

/// Names of the units that are always known, then those of the ones with prefixes.
pub fn known_units() -> impl Iterator<Item = String> {
    let prefixed = UNITS.iter().filter(|(.., prefixed)| *prefixed == PREFIXED);
    let prefixed = prefixed.flat_map(|(name, ..)| PREFIXES.iter().map(move |(prefix, _)| format!("{prefix}{name}")));
    UNITS.iter().map(|(name, ..)| (*name).to_string()).chain(prefixed)
}

/// The unit called `name`, with or without a prefix. A name that is a unit by itself is never read as one with a prefix.
pub fn known_unit(name: &str) -> Option<Arc<Symbol>> {
    let plain = UNITS.iter().find(|(n, ..)| *n == name).map(|u| (1.0, u));
    let (factor, (_, scale, powers, _)) = plain.or_else(|| {
        PREFIXES.iter().find_map(|(prefix, factor)| {
            let rest = name.strip_prefix(prefix)?;
            UNITS.iter().find(|(n, _, _, prefixed)| *prefixed && *n == rest).map(|u| (*factor, u))
        })
    })?;
    let dimension = powers.iter().map(|(base, power)| ((*base).to_string(), Ratio::new(*power, 1))).collect();
    Some(Arc::new(Symbol { name: name.to_string(), scale: clean(factor * scale), dimension }))
}

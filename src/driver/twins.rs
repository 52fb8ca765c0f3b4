//! Other numbers that fit as well. Where a state of a chain is not observed, the rates of two of its states can be exchanged: the uptake and the loss of
//! a drug of which the blood alone is measured. Both laws have the same solution of all that is observed, with another volume, and the
//! errors of either know nothing of the other: a fit from the exchanged rates tells.

use super::equations::equations;
use super::findings::{Estimate, Findings};
use super::simpler;
use crate::base::{Idx, IndexSet};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1125;
use crate::hir::{self, Bounds, Model, UnknownKind};
use crate::lower::pointwise::components;
use crate::report::{equation_short, few, round, short};
use crate::train::joint::{self, AS_WELL, Coupling, JointError, JointFit, Observations, Rate, Rates, SURE, Unknown};

/// Pairs for which fits are made, one and where need be another, at most: of those first that hold most of their rates.
pub const MOST_PAIRS: usize = 4;
/// Pairs times samples, at most.
const MOST_WORK: usize = 400_000;
/// Numbers are others where they differ by more than this many of their standard errors.
const APART: f64 = 5.0;
/// Where it is worse by more than this with both rates held it does not come near with free ones.
const FAR: f64 = 100.0;
/// States change places where they are so many times nearer to each other's solution than to their own.
const NEARER: f64 = 0.1;

/// Other numbers with which the same law fits as well.
pub struct Twin {
    /// The fit.
    pub fit: JointFit,
    /// By how much twice its negative log likelihood is larger.
    rise: f64,
    pair: Pair,
}

/// Two rates that can be exchanged, the first one of a hidden state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    of: [Rate; 2],
    /// What the unknowns are then.
    becomes: [f64; 2],
}

impl Pair {
    /// Whether one of them is that of a state whose logarithm is the component.
    pub fn is_of_logarithm(&self) -> bool {
        self.of.iter().any(|rate| rate.of_logarithm)
    }

    /// The unknowns with what they become.
    pub fn changed(&self) -> [(usize, f64); 2] {
        let [(a, to), (b, also)] = [(self.of[0], self.becomes[0]), (self.of[1], self.becomes[1])];
        [(a.unknown, to), (b.unknown, also)]
    }
}

/// Other numbers that fit as well as those of `result`, where exchanged `rates` lead to some; `again` fits unknowns with the terms of
/// the result from other starts.
pub fn twin(
    (unknowns, result, observations): (&[Unknown], &JointFit, &Observations),
    (pairs, rates): (&[Pair], &Rates),
    mut again: impl FnMut(&[Unknown], Vec<bool>) -> Result<JointFit, JointError>,
) -> Option<Twin> {
    let kept: Vec<bool> = (0..unknowns.len()).map(|k| number(result, k).is_some_and(|e| e.kept)).collect();
    let mut fit_of = |unknowns: &[Unknown], kept: &[bool]| match again(unknowns, kept.to_vec()) {
        // Whoever interrupts a run has its result already.
        Err(JointError::Interrupted(_)) => None,
        found => Some(found.ok().filter(JointFit::in_order)),
    };
    let rise = |found: &JointFit| simpler::deviance(observations, found) - simpler::deviance(observations, result);
    let most = MOST_PAIRS.min(MOST_WORK / observations.t.len().max(1));
    let pairs = pairs.get(..most).unwrap_or(pairs);
    // With other numbers terms that may not be there need not explain what they explain here, and the rates beside them are not quite those of the law
    // without them.
    let doubtful = joint::doubtful(unknowns, result);
    let (mut as_well, mut far) = (AS_WELL, FAR);
    if !pairs.is_empty() && !doubtful.is_empty() {
        let mut plain = kept.clone();
        plain.iter_mut().enumerate().filter(|(k, _)| doubtful.contains(k)).for_each(|(_, kept)| *kept = false);
        let without = fit_of(&started(unknowns, result), &plain)?;
        // Together they may be there for certain.
        let explained = without.as_ref().map(rise).filter(|rise| *rise < SURE * SURE * doubtful.len() as f64);
        if let Some(explained) = explained {
            (as_well, far) = (AS_WELL + explained.max(0.0), f64::INFINITY);
        }
    }
    for pair in pairs {
        let mut fit = |unknowns: &[Unknown]| fit_of(unknowns, &kept);
        // Where states begin is estimated from noise, and decays at another rate.
        let by_chance = |found: &JointFit| {
            let spread = simpler::spread(observations, found, result);
            as_well.max(2.0 * simpler::CHANCE * spread)
        };
        // What goes with the rates, a volume for instance, is elsewhere too: with free rates a fit would come back from where it was.
        let Some(mut found) = fit(&exchanged(unknowns, result, (pair, rates)))? else { continue };
        if (by_chance(&found)..far).contains(&rise(&found)) {
            let Some(free) = fit(&started(unknowns, &found))? else { continue };
            found = free;
        }
        let rise = rise(&found);
        let by_chance = by_chance(&found);
        let is_other = pair.of.iter().all(|rate| differs(result, &found, rate.unknown));
        if rise < by_chance && is_other && !at_bound(result, &found, pair) {
            return Some(Twin { fit: found, rise, pair: *pair });
        }
    }
    None
}

/// What is said of a twin, with the findings on both fits.
pub fn remark(
    model: &Model,
    (result, twin): (&JointFit, &Twin),
    (here, there): (&Findings, &Findings),
) -> Option<Diagnostic> {
    let parts = components(model);
    let state = |rate: &Rate| parts.get(rate.component).map(|(id, _)| &model.states[*id]);
    let [first, second] = &twin.pair.of;
    let hidden = state(first)?;
    let name = hir::family(&hidden.name);
    let laws = laws(model, (result, &twin.fit), (here, there));
    if let Some(other) = state(second).filter(|_| second.hidden && change_places(result, &twin.fit, [first, second])) {
        let message = format!(
            "`{name}` and `{}`, which no column observes, can change places: with {} the law is the same with their names exchanged",
            hir::family(&other.name),
            few(&laws)
        );
        let help = "which of them is which the starts of the fit have chosen: where their names mean something, say which is the faster by a range of one of their rates";
        return Some(Diagnostic::warning(W1125, message, hidden.span, "not observed").help(help));
    }
    let fits = if twin.rise < -AS_WELL { "fit these data better" } else { "fit these data as well" };
    let message = format!(
        "no column observes `{name}`, and other numbers {fits}: {}; the data do not say which are meant",
        few(&laws)
    );
    let help = format!("{}; or measure `{name}`", way_out(model, result, &twin.pair)?);
    Some(Diagnostic::warning(W1125, message, hidden.span, "not observed").help(help))
}

/// The parameters that differ with both their numbers, and the equations of holes whose coefficients do as they are with the others.
fn laws(model: &Model, (result, other): (&JointFit, &JointFit), (here, there): (&Findings, &Findings)) -> Vec<String> {
    let mut out = Vec::new();
    let mut of_holes: IndexSet<String> = IndexSet::new();
    let estimate = |of: &Findings, k: usize| of.estimates.get(k).copied();
    for (id, unknown) in model.unknowns.iter().filter(|(id, _)| differs(result, other, id.index())) {
        match unknown.kind {
            UnknownKind::Param(_) => {
                let both = estimate(there, id.index()).zip(estimate(here, id.index()));
                let told = |(other, own): (Estimate, Estimate)| {
                    let own = round(own.value, own.std_error).full();
                    format!("`{}` {} in place of {own}", unknown.name, short(other.value))
                };
                out.extend(both.map(told));
            }
            UnknownKind::Coefficient { hole, .. } => {
                let hole = &model.holes[hole];
                of_holes.insert(hole.name.clone());
                of_holes.insert(model.states[hole.state].name.clone());
            }
        }
    }
    let equations = equations(model, there);
    out.extend(equations.iter().filter(|e| of_holes.contains(&e.state)).map(|e| format!("`{}`", equation_short(e))));
    out
}

/// What has to be known for one of both laws to be the only one: of a parameter, where one of both rates is one.
fn way_out(model: &Model, result: &JointFit, pair: &Pair) -> Option<String> {
    let kind = |rate: &Rate| model.unknowns.values().nth(rate.unknown).map(|u| u.kind);
    let is_param = |(rate, _): &(&Rate, f64)| matches!(kind(rate), Some(UnknownKind::Param(_)));
    let mut both = pair.of.iter().zip(pair.becomes);
    let (rate, other) = both.clone().find(is_param).or_else(|| both.next())?;
    let (id, unknown) = model.unknowns.iter().nth(rate.unknown)?;
    let own = number(result, rate.unknown)?.value;
    let unit = hir::bracketed(model.units.unknown(id));
    Some(match unknown.kind {
        UnknownKind::Param(_) => {
            // The range of a family is that of all its elements.
            let alone = alone(&unknown.name);
            let instead = alone.as_ref().map_or_else(String::new, |alone| {
                format!("write a parameter of its own, `{alone}`, in place of `{}`, ", unknown.name)
            });
            let by = if alone.is_some() { "with" } else { "by" };
            format!(
                "say what is known of them{}{instead}{by} a range that holds one of both numbers alone: {}",
                if alone.is_some() { ": " } else { ", " },
                ranges((alone.as_deref().unwrap_or(&unknown.name), &unit), [own, other], unknown.bounds)
            )
        }
        UnknownKind::Coefficient { hole, term } => {
            let hole = &model.holes[hole];
            let term = &hole.terms.get(term)?.spelled;
            format!(
                "say what is known of them: write `{term}` beside the hole of `{}`, as `{}k*{term}` with a range that holds one of both numbers alone, {}",
                hir::family(&model.states[hole.state].name),
                if rate.part < 0.0 { "-" } else { "" },
                ranges(("k", &unit), [own.abs(), other.abs()], Bounds::FREE)
            )
        }
    })
}

/// What a parameter may be called that stands in place of an element of a family.
fn alone(name: &str) -> Option<String> {
    let family = hir::family(name);
    let element = name.strip_prefix(family)?.strip_prefix('[')?.strip_suffix(']')?;
    let indices: Vec<&str> = element.split(',').map(str::trim).collect();
    Some(format!("{family}_{}", indices.join("_")))
}

/// Declarations of a parameter, with its unit in brackets, for either of two numbers that it may be.
fn ranges((name, unit): (&str, &str), [own, other]: [f64; 2], bounds: Bounds) -> String {
    let border = between(own, other);
    let declared = |value: f64| {
        let lower = if bounds.lower.is_finite() || value < 0.0 { bounds.lower } else { 0.0 };
        let ends = match value > border {
            true => Bounds { lower: border, upper: bounds.upper },
            false => Bounds { lower, upper: border },
        };
        format!("`param {name}{unit} = {}{}`", hir::number(three_digits(value)), hir::spell_bounds(ends))
    };
    format!("{} or {}", declared(own), declared(other))
}

/// A short number between two of one sign, as far from either in the logarithm.
fn between(a: f64, b: f64) -> f64 {
    let mean = a.signum() * (a * b).abs().sqrt();
    let rounded = format!("{mean:.1e}").parse().unwrap_or(mean);
    let (least, most) = (a.min(b), a.max(b));
    if least < rounded && rounded < most { rounded } else { mean }
}

/// A number to three digits.
fn three_digits(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

/// Whether the solutions of two hidden states are each other's.
fn change_places(result: &JointFit, twin: &JointFit, rates: [&Rate; 2]) -> bool {
    let len = result.x.len() / result.noise.len().max(1);
    let row = |of: &JointFit, c: usize| of.x.get(c * len..(c + 1) * len).unwrap_or_default().to_vec();
    let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    let [a, b] = rates.map(|rate| rate.component);
    let nearer = |own: usize, other: usize| {
        let there = row(twin, own);
        apart(&there, &row(result, other)) < NEARER * apart(&there, &row(result, own))
    };
    nearer(a, b) && nearer(b, a)
}

/// Whether a number beside the pair came to an end of its range.
fn at_bound(result: &JointFit, found: &JointFit, pair: &Pair) -> bool {
    let beside = |number: usize| pair.of.iter().all(|rate| rate.unknown != found.columns.unknown(number));
    let both = result.estimates.iter().zip(&found.estimates).enumerate();
    both.filter(|(number, _)| beside(*number)).any(|(_, (own, other))| other.at_bound && !own.at_bound)
}

/// The unknowns where a fit came to.
fn started(unknowns: &[Unknown], fit: &JointFit) -> Vec<Unknown> {
    let of = |(k, unknown): (usize, &Unknown)| {
        let found = number(fit, k).filter(|e| e.kept && !unknown.own).map(|e| e.value);
        Unknown { start: found.or(unknown.start), ..unknown.clone() }
    };
    unknowns.iter().enumerate().map(of).collect()
}

/// The same with both rates exchanged and held there, and what the hidden state does to others as it was by another number, where there is one: of a
/// volume a fit would not find it.
fn exchanged(unknowns: &[Unknown], result: &JointFit, (pair, rates): (&Pair, &Rates)) -> Vec<Unknown> {
    let mut out = started(unknowns, result);
    let [hidden, _] = pair.of.map(|rate| rate.component);
    let couplings = || rates.couplings.iter().filter(|c| c.from == hidden);
    let place = |coupling: &Coupling| pair.of.iter().position(|rate| rate.unknown == coupling.unknown);
    for to in couplings().map(|c| c.to).collect::<IndexSet<usize>>() {
        let grows = |c: &Coupling| {
            let by = pair.becomes.get(place(c)?)? / number(result, c.unknown)?.value;
            Some(c.power * libm::log(by.abs()))
        };
        let change: f64 = couplings().filter(|c| c.to == to).filter_map(grows).sum();
        let other = couplings().find(|c| c.to == to && place(c).is_none());
        if let Some((other, unknown)) = other.and_then(|c| Some((c, out.get_mut(c.unknown)?))) {
            let start = unknown.start.map(|start| start * libm::exp(-change / other.power));
            unknown.start = start.map(|start| start.max(unknown.lower).min(unknown.upper));
        }
    }
    for (rate, value) in pair.of.iter().zip(pair.becomes) {
        if let Some(unknown) = out.get_mut(rate.unknown) {
            (unknown.start, unknown.lower, unknown.upper) = (Some(value), value, value);
            unknown.droppable = false;
        }
    }
    out
}

/// Pairs of rates that can be exchanged, the most plausible first: those in which nothing else stands.
pub fn pairs(unknowns: &[Unknown], result: &JointFit, rates: &[Rate]) -> Vec<Pair> {
    let mut found: Vec<(f64, Pair)> = Vec::new();
    for first in rates.iter().filter(|rate| rate.hidden) {
        for second in rates.iter().filter(|rate| rate.component != first.component) {
            let known = |pair: &Pair| {
                let [a, b] = pair.of.map(|rate| rate.unknown);
                found.iter().any(|(_, other)| other.of.iter().all(|rate| [a, b].contains(&rate.unknown)))
            };
            let pair = pair(unknowns, result, [first, second]).filter(|pair| !known(pair));
            let share = |rate: &Rate| (rate.part / rate.whole).abs().min(1.0);
            found.extend(pair.map(|pair| (share(first) * share(second), pair)));
        }
    }
    // Among equals the order is that of the model.
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    found.into_iter().map(|(_, pair)| pair).collect()
}

/// Two rates, where other numbers come out when they are exchanged and their ranges allow these.
fn pair(unknowns: &[Unknown], result: &JointFit, rates: [&Rate; 2]) -> Option<Pair> {
    let [a, b] = rates;
    if a.unknown == b.unknown || a.whole * b.whole <= 0.0 {
        return None;
    }
    let factor = (b.part / a.part).abs();
    let becomes = |rate: &Rate, factor: f64| {
        let estimate = number(result, rate.unknown)?;
        let unknown = unknowns.get(rate.unknown)?;
        let value = estimate.value * if rate.grows() { factor } else { 1.0 / factor };
        let allowed = unknown.lower < value && value < unknown.upper && !estimate.at_bound;
        (allowed && (value - estimate.value).abs() > APART * estimate.std_error).then_some(value)
    };
    Some(Pair { of: [*a, *b], becomes: [becomes(a, factor)?, becomes(b, 1.0 / factor)?] })
}

/// Whether an unknown is another number in both fits.
fn differs(a: &JointFit, b: &JointFit, unknown: usize) -> bool {
    let both = number(a, unknown).zip(number(b, unknown)).filter(|_| !a.columns.is_own(unknown));
    both.is_some_and(|(a, b)| (a.value - b.value).abs() > APART * a.std_error.max(b.std_error))
}

/// The number of an unknown, the first where there are several.
fn number(fit: &JointFit, unknown: usize) -> Option<&joint::Estimate> {
    fit.estimates.get(fit.columns.at(unknown, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggested_declarations_are_such() {
        let ranges = |name: &str, unit| ranges((name, unit), [0.9, 0.2], Bounds { lower: 0.0, upper: 10.0 });
        assert_eq!(
            ranges("ka", " [1/h]"),
            "`param ka [1/h] = 0.9 in [0.42, 10]` or `param ka [1/h] = 0.2 in [0, 0.42]`"
        );
        assert_eq!(ranges("ka", ""), "`param ka = 0.9 in [0.42, 10]` or `param ka = 0.2 in [0, 0.42]`");
        let of = |name| alone(name);
        assert_eq!([of("k[1]"), of("k[2, 13]")], [Some("k_1".to_string()), Some("k_2_13".to_string())]);
        assert_eq!(of("ka"), None);
    }
}

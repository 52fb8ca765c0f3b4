//! Products of powers of units and unknown units, and the equations between them.

use crate::base::Ratio;
use crate::hir::Unit;
use crate::source::Span;

/// The unit of a quantity: a known unit times powers of unknown ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Measure {
    pub(super) unit: Unit,
    /// Unknown units, each once and with a power other than zero.
    unknowns: Vec<(usize, Ratio)>,
}

impl Measure {
    /// That of plain numbers.
    pub(super) fn one() -> Self {
        Measure::default()
    }

    pub(super) fn known(unit: Unit) -> Self {
        Measure { unit, unknowns: Vec::new() }
    }

    /// The unit when nothing in it is unknown.
    pub(super) fn as_unit(&self) -> Option<&Unit> {
        self.unknowns.is_empty().then_some(&self.unit)
    }

    pub(super) fn times(&self, other: &Measure) -> Self {
        let mut unknowns = self.unknowns.clone();
        for &(id, power) in &other.unknowns {
            match unknowns.iter_mut().find(|(own, _)| *own == id) {
                Some((_, own)) => *own = own.plus(power),
                None => unknowns.push((id, power)),
            }
        }
        unknowns.retain(|(_, power)| !power.is_zero());
        Measure { unit: self.unit.times(&other.unit), unknowns }
    }

    pub(super) fn power(&self, power: Ratio) -> Self {
        if power.is_zero() {
            return Measure::one();
        }
        let unknowns = self.unknowns.iter().map(|&(id, own)| (id, own.times(power))).collect();
        Measure { unit: self.unit.power(power), unknowns }
    }

    pub(super) fn over(&self, other: &Measure) -> Self {
        self.times(&other.power(Ratio::ONE.negated()))
    }
}

/// Two measures that cannot agree.
#[derive(Clone, Debug)]
pub(super) struct Clash {
    pub(super) left: Unit,
    pub(super) right: Unit,
}

/// What is known about the unknown units.
#[derive(Debug, Default)]
pub(super) struct Solver {
    /// What each stands for, where that has been found, and the place it follows from.
    found: Vec<Option<(Measure, Span)>>,
}

impl Solver {
    /// A new unknown unit.
    pub(super) fn fresh(&mut self) -> Measure {
        self.found.push(None);
        Measure { unit: Unit::one(), unknowns: vec![(self.found.len() - 1, Ratio::ONE)] }
    }

    /// `measure` with everything put in that has been found.
    pub(super) fn reduce(&self, measure: &Measure) -> Measure {
        let mut out = measure.clone();
        // What an unknown stands for holds only later ones or such as were open then, so this ends.
        while let Some((id, power, value)) = out
            .unknowns
            .iter()
            .find_map(|&(id, power)| self.found.get(id).and_then(Option::as_ref).map(|(value, _)| (id, power, value)))
        {
            out.unknowns.retain(|(own, _)| *own != id);
            out = out.times(&value.power(power));
        }
        out
    }

    /// The place that the unit of `measure` follows from, where it was inferred.
    pub(super) fn place(&self, measure: &Measure) -> Option<Span> {
        measure.unknowns.iter().find_map(|(id, _)| self.found.get(*id)?.as_ref().map(|(_, place)| *place))
    }

    /// Makes both equal, by what is written at `place`.
    pub(super) fn unify(&mut self, left: &Measure, right: &Measure, place: Span) -> Result<(), Clash> {
        let (left, right) = (self.reduce(left), self.reduce(right));
        let ratio = left.over(&right);
        let Some(&(id, power)) = ratio.unknowns.iter().max_by_key(|(id, _)| *id) else {
            return match ratio.unit.is_one() {
                true => Ok(()),
                false => Err(Clash { left: left.unit, right: right.unit }),
            };
        };
        // rest * unknown^power = 1
        let rest =
            Measure { unit: ratio.unit, unknowns: ratio.unknowns.into_iter().filter(|(own, _)| *own != id).collect() };
        let value = rest.power(power.inverse().negated());
        if let Some(slot) = self.found.get_mut(id) {
            *slot = Some((value, place));
        }
        Ok(())
    }
}

//! Expressions as `.mech` source.

use std::convert::Infallible;

use super::notation::{Level, Notation, Piece, fraction_of, write};
use super::{Compare, Expr, ExprKind, HoleTerm, Input, InputId, Model, State, StateId, Unknown, UnknownId};
use crate::base::{Arena, number};

/// The names expressions of one model are spelled with.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The states.
    pub states: &'a Arena<StateId, State>,
    /// The inputs.
    pub inputs: &'a Arena<InputId, Input>,
    /// The unknowns.
    pub unknowns: &'a Arena<UnknownId, Unknown>,
    /// The model, where its units are known.
    pub units: Option<&'a Model>,
}

impl Model {
    /// The names of this model.
    pub fn names(&self) -> Names<'_> {
        let units = (self.units.all().next().is_some()).then_some(self);
        Names { states: &self.states, inputs: &self.inputs, unknowns: &self.unknowns, units }
    }

    /// `expr` as `.mech` source. A hole's coefficient has no spelling in source and appears as `x'[x*y]`.
    pub fn spell(&self, expr: &Expr) -> String {
        self.names().spell(expr)
    }

    /// `expr` as `.mech` source that may stand behind a number, in a product and in a sum: sums and conditionals, which reach
    /// to the end, in parentheses.
    pub fn spell_factor(&self, expr: &Expr) -> String {
        self.names().spell_factor(expr)
    }

    /// A candidate term as it was written, as it may stand behind a number.
    pub fn spell_candidate(&self, term: &HoleTerm) -> String {
        // Where it is spelled from its value it stands alone there: a sum or a conditional has no parentheses.
        let names = Names { units: None, ..self.names() };
        if names.spell(&term.value) == term.spelled { names.spell_factor(&term.value) } else { term.spelled.clone() }
    }

    /// A state's derivative as source: `x`, `x'`, `x''`.
    pub fn spell_state(&self, state: StateId, derivative: u8) -> String {
        self.names().spell_state(state, derivative)
    }
}

impl Names<'_> {
    /// `expr` as `.mech` source.
    pub fn spell(&self, expr: &Expr) -> String {
        self.piece(expr).text
    }

    /// `expr` as `.mech` source that may stand behind a number, in a product and in a sum.
    pub fn spell_factor(&self, expr: &Expr) -> String {
        self.within(&self.piece(expr), Level::Product)
    }

    fn piece(&self, expr: &Expr) -> Piece {
        match write(self, expr) {
            Ok(piece) => piece,
            Err(never) => match never {},
        }
    }

    /// A state's derivative as source.
    pub fn spell_state(&self, state: StateId, derivative: u8) -> String {
        let name = self.states.get(state).map_or("?", |s| s.name.as_str());
        format!("{name}{}", "'".repeat(usize::from(derivative)))
    }
}

impl Notation for Names<'_> {
    type Error = Infallible;

    fn number(&self, value: f64) -> String {
        number(value)
    }

    fn multiple_of_pi(&self, above: u32, below: u32) -> Option<Piece> {
        Some(fraction_of("pi", above, below))
    }

    /// Beside a quantity a number keeps its unit, so that the text can be read as source again.
    fn summand(&self, value: f64, other: &Expr) -> Option<String> {
        let unit = self.units?.unit_of(other).filter(|unit| value != 0.0 && !unit.is_one())?;
        Some(format!("{} [{unit}]", number(value)))
    }

    fn name(&self, leaf: &ExprKind) -> Result<Piece, Infallible> {
        Ok(Piece::atom(match leaf {
            ExprKind::Time => "t".to_string(),
            ExprKind::State(s, d) => self.spell_state(*s, *d),
            ExprKind::Input(i) => self.inputs.get(*i).map_or("?", |x| x.name.as_str()).to_string(),
            ExprKind::Unknown(u) => self.unknowns.get(*u).map_or("?", |x| x.name.as_str()).to_string(),
            _ => "?".to_string(),
        }))
    }

    fn select(&self, compare: Compare, pieces: [Piece; 4], _: &[Expr; 4]) -> Result<Piece, Infallible> {
        let [a, b, x] = [0, 1, 2].map(|i| self.within(&pieces[i], Level::Sum));
        let [.., y] = &pieces;
        Ok(Piece::new(format!("if {a} {} {b} then {x} else {}", compare.name(), y.text), Level::Whole))
    }
}

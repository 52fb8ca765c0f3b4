//! States that nothing observed depends on: whatever they do, the data stay as they are. Where they begin is no question to these.

use super::failure::{Failure, Problem};
use super::observed::Observed;
use crate::base::{Idx, IndexSet};
use crate::hir::{self, ExprKind, Fit, Model, StateId, UnknownId, UnknownKind};
use crate::report;

/// The states on which no observed one depends, directly or through others; none where nothing is observed.
pub fn states(model: &Model, observed: &dyn Fn(&str) -> bool) -> IndexSet<StateId> {
    let mut open: Vec<StateId> = model.states.iter().filter(|(_, s)| observed(&s.name)).map(|(id, _)| id).collect();
    if open.is_empty() {
        return IndexSet::new();
    }
    let mut felt: IndexSet<StateId> = open.iter().copied().collect();
    while let Some(state) = open.pop() {
        let Some(equation) = model.equations.get(state.index()) else { continue };
        equation.residual.visit(&mut |part| {
            if let ExprKind::State(other, _) = part.kind
                && felt.insert(other)
            {
                open.push(other);
            }
        });
    }
    model.states.ids().filter(|id| !felt.contains(id)).collect()
}

/// Parameters and coefficients of holes that stand in equations of such states alone: no data say what they are.
fn unknowns(model: &Model, unfelt: &dyn Fn(StateId) -> bool) -> Vec<UnknownId> {
    let (mut in_felt, mut in_unfelt) = (IndexSet::new(), IndexSet::new());
    for (id, equation) in model.states.ids().zip(&model.equations) {
        let of = if unfelt(id) { &mut in_unfelt } else { &mut in_felt };
        equation.residual.visit(&mut |part| {
            if let ExprKind::Unknown(unknown) = part.kind {
                of.insert(unknown);
            }
        });
    }
    in_unfelt.iter().filter(|id| !in_felt.contains(*id)).copied().collect()
}

/// What stands in equations that the data do not feel, and nowhere else.
pub struct Unfelt {
    /// Parameters.
    parameters: Vec<String>,
    /// Holes, each with the state whose equation it is in.
    holes: IndexSet<(String, String)>,
}

impl Unfelt {
    /// What there is of it in a model on these data.
    pub fn of(model: &Model, observed: &Observed) -> Option<Unfelt> {
        let mut out = Unfelt { parameters: Vec::new(), holes: IndexSet::new() };
        for unknown in unknowns(model, &|id| observed.is_unfelt(&model.states[id].name)) {
            let unknown = &model.unknowns[unknown];
            match unknown.kind {
                UnknownKind::Param(_) => out.parameters.push(unknown.name.clone()),
                UnknownKind::Coefficient { hole, .. } => {
                    let hole = &model.holes[hole];
                    let state = hir::family(&model.states[hole.state].name);
                    out.holes.insert((hole.spelled.clone(), state.to_string()));
                }
            }
        }
        (!out.parameters.is_empty() || !out.holes.is_empty()).then_some(out)
    }

    /// Whether a hole is among it.
    pub fn has_hole(&self) -> bool {
        !self.holes.is_empty()
    }

    /// The end of a fit that was to find it.
    pub fn failure(&self, (model, fit): (&Model, &Fit)) -> Failure {
        let parameters = self.parameters.iter().map(|name| format!("`{name}`"));
        let holes = self.holes.iter().map(|(hole, state)| format!("`{hole}` in the equation of `{state}`"));
        let named: Vec<String> = parameters.chain(holes).collect();
        let (it, stands) = if named.len() == 1 { ("it", "stands") } else { ("they", "stand") };
        let message = format!(
            "no data say what {} may be: {it} {stands} in equations of states alone that nothing observed depends on",
            report::named(&named)
        );
        let hold = self.parameters.first().map(|first| {
            let name = hir::family(first);
            format!("hold what is known, `fit {}({name} = ...)`", model.name)
        });
        let known = self.holes.first().map(|(hole, state)| {
            format!("write what is known in place of `{hole}`, or leave `{state}` and its equation out")
        });
        let measure = match self.holes.first() {
            Some((_, state)) => format!("measure `{state}`"),
            None => "measure such a state".to_string(),
        };
        let help: Vec<String> = hold.into_iter().chain(known).chain([measure]).collect();
        Failure::Numerical(Problem::new("N505", message, help.join(", or "))).placed(fit.span, "in this fit")
    }
}

#[cfg(test)]
mod tests {
    use super::{states, unknowns};
    use crate::driver::Session;
    use crate::source::MemoryWorld;

    #[test]
    fn what_an_observed_state_depends_on_is_felt_through_others_too() {
        let text = "model M { state a, b, c, d, e; param k
                      a' = -k*a + b; b' = ?poly(c, b); c' = -c; d' = k*a - e; e' = ?linear(d, c) }";
        let mut session = Session::new(MemoryWorld::new().with("m.mech", text));
        let program = session.check("m.mech", &[]).expect("a model").program;
        let model = program.models.values().next().expect("a model");
        let of = |observed: &[&str]| -> Vec<String> {
            states(model, &|name| observed.contains(&name)).iter().map(|&id| model.states[id].name.clone()).collect()
        };
        assert_eq!(of(&["a"]), ["d", "e"]);
        assert_eq!(of(&["c"]), ["a", "b", "d", "e"]);
        assert!(of(&["e"]).is_empty() && of(&[]).is_empty());
        let only = |observed: &[&str]| {
            let unfelt = states(model, &|name| observed.contains(&name));
            let only = unknowns(model, &|id| unfelt.contains(&id));
            only.iter().map(|id| model.unknowns[*id].name.clone()).collect::<Vec<String>>()
        };
        // That of the law of `e`, with which `k` stands in no equation that is felt, or without.
        let of_hole = only(&["a"]);
        assert!(!of_hole.is_empty() && !of_hole.contains(&"k".to_string()), "{of_hole:?}");
        assert!(only(&["c"]).contains(&"k".to_string()) && only(&["e"]).is_empty());
    }
}

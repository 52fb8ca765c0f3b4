//! States that nothing observed depends on: whatever they do, the data stay as they are. Where they begin is no question to these.

use crate::base::{Idx, IndexSet};
use crate::hir::{ExprKind, Model, StateId, UnknownKind};

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

/// Parameters that stand in equations of such states alone: no data say what they are.
pub fn parameters(model: &Model, unfelt: &dyn Fn(StateId) -> bool) -> Vec<String> {
    let (mut in_felt, mut in_unfelt) = (IndexSet::new(), IndexSet::new());
    for (id, equation) in model.states.ids().zip(&model.equations) {
        let of = if unfelt(id) { &mut in_unfelt } else { &mut in_felt };
        equation.residual.visit(&mut |part| {
            if let ExprKind::Unknown(unknown) = part.kind {
                of.insert(unknown);
            }
        });
    }
    let only = in_unfelt.iter().filter(|id| !in_felt.contains(*id)).filter_map(|id| model.unknowns.get(*id));
    only.filter(|u| matches!(u.kind, UnknownKind::Param(_))).map(|u| u.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::{parameters, states};
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
            parameters(model, &|id| unfelt.contains(&id))
        };
        assert_eq!((only(&["a"]), only(&["c"])), (vec![], vec!["k".to_string()]));
    }
}

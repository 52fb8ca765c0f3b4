//! Hidden states that act through holes alone: nothing tells what they are, and no fit settles on it.

use crate::hir::{self, Model, Point, StateId, UnknownKind};

/// Values at which equations are looked at: no special ones.
const AT: [f64; 2] = [0.7312, 0.8623];

/// What to do about a state of which no column tells, where its equation and all that it does are left to holes; nothing for any other one.
pub(super) fn way_out(model: &Model, state: &str) -> Option<String> {
    let (id, _) = model.states.iter().find(|(_, s)| hir::family(&s.name) == hir::family(state))?;
    if !in_holes_alone(model, id) {
        return None;
    }
    let name = hir::family(state);
    let other = model.states.iter().find(|(_, s)| hir::family(&s.name) != name).map(|(_, s)| s)?;
    let (seen, primes) = (hir::family(&other.name), "'".repeat(other.order.into()));
    Some(format!(
        "what `{name}` is and does is left to holes alone, so that its scale, its zero, and how much of other states it holds are free, and where it \
         begins does not settle them: give the equation of `{seen}` a term with `{name}` and its number beside the hole, which then says what `{name}` \
         is (`{seen}{primes} = ?terms({seen}) - {seen}*{name}`), and fewer candidates to both, or measure `{name}`"
    ))
}

/// Whether the equation of a state has a hole and no input outside of holes, whose numbers would say what its scale and its zero are, and no other equation has the state
/// outside of holes.
fn in_holes_alone(model: &Model, state: StateId) -> bool {
    let coefficient = |u: &hir::Unknown| matches!(u.kind, UnknownKind::Coefficient { .. });
    let unknowns = |of_holes: f64| -> Vec<f64> {
        model.unknowns.values().map(|u| if coefficient(u) { of_holes } else { u.start.unwrap_or(AT[0]) }).collect()
    };
    let point = |value: f64, of_holes: f64, input: f64| Point {
        time: AT[0],
        states: model
            .states
            .iter()
            .map(|(id, s)| {
                (0..=s.order).map(|k| if id == state { value } else { AT[0] + 0.1 * f64::from(k) }).collect()
            })
            .collect(),
        inputs: vec![input; model.inputs.len()],
        unknowns: unknowns(of_holes),
    };
    let (own, others): (Vec<_>, Vec<_>) = model.equations.iter().partition(|e| e.state == state);
    let differ = |e: &hir::Equation, a: Point, b: Point| e.residual.eval(&a) != e.residual.eval(&b);
    let sought = own.iter().any(|e| differ(e, point(AT[0], 0.0, AT[0]), point(AT[0], 1.0, AT[0])));
    let driven = own.iter().any(|e| differ(e, point(AT[0], 0.0, AT[0]), point(AT[0], 0.0, AT[1])));
    let acts = |e: &hir::Equation| differ(e, point(AT[0], 0.0, AT[0]), point(AT[1], 0.0, AT[0]));
    sought && !driven && !others.into_iter().any(acts)
}

#[cfg(test)]
mod tests {
    use super::way_out;
    use crate::driver::Session;
    use crate::source::MemoryWorld;

    #[test]
    fn states_of_which_only_holes_tell() {
        let help = |equations: &str| {
            let text = format!("model M {{ state a, h; input u; param k = 1; {equations} }}");
            let mut session = Session::new(MemoryWorld::new().with("m.mech", text.as_str()));
            let program = session.check("m.mech", &[]).expect("a model").program;
            way_out(program.models.values().next().expect("a model"), "h")
        };
        let said = help("a' = ?poly(a, h); h' = ?poly(a, h) - k*h").expect("a way out");
        assert!(said.contains("(`a' = ?terms(a) - a*h`)") && said.contains("or measure `h`"), "{said}");
        assert!(help("a' = ?poly(a, h) - k*a; h' = -?terms(h, a*h)").is_some());
        // It acts by a known term, or its own equation is known.
        assert_eq!(help("a' = ?terms(a) - a*h; h' = ?poly(a, h)"), None);
        assert_eq!(help("a' = ?poly(a, h); h' = a*h - k*h"), None);
        // What comes in by a known term has the scale of that.
        assert_eq!(help("a' = ?poly(a, h); h' = u - ?terms(h)"), None);
        assert!(help("a' = ?poly(a, h); h' = ?poly(h, u)").is_some());
    }
}

//! Why a joint fit failed, in the user's terms, with a way out.

use super::causes;
use super::failure::{Failure, Problem};
use super::free_scale;
use super::holes_alone;
use super::starts_given;
use crate::base::Between;
use crate::hir::{self, Equation, ExprKind, InputId, Model};
use crate::train::joint::{JointError, Observations};

/// Fewer numbers than so many for each unknown may be too few for a rich library, whatever else is wrong.
const FEW_NUMBERS: usize = 4;

/// Whether nothing is seen of a component, nor known where it begins.
fn is_open(component: &str, observations: &Observations) -> bool {
    let Some(at) = observations.names.iter().position(|name| name == component) else { return false };
    let len = observations.t.len();
    let seen = observations.y.get(at * len..(at + 1) * len).is_some_and(|y| y.iter().any(|v| v.is_finite()));
    !seen && observations.known.get(at) != Some(&true)
}

/// What to do where all impulses into a state that begins anywhere come with the first rows of their trajectories: it makes up for them. Of the first such
/// state.
fn with_first_rows(model: &Model, observations: &Observations) -> Option<String> {
    let open = |equation: &Equation| is_open(&model.states[equation.state].name, observations);
    model.equations.iter().filter(|e| open(e)).find_map(|equation| {
        let holds = |id: InputId| equation.residual.any(&mut |e| matches!(e.kind, ExprKind::Input(of) if of == id));
        into((model, &model.states[equation.state].name), &holds, observations)
    })
}

/// The same of one state, whose equation holds these inputs.
fn into((model, open): (&Model, &str), holds: &dyn Fn(InputId) -> bool, observations: &Observations) -> Option<String> {
    let firsts: Vec<usize> = observations.firsts().collect();
    let rows = model.inputs.iter().zip(observations.input.chunks_exact(observations.t.len().max(1)));
    let rows = rows.filter(|((id, input), _)| input.between == Between::Impulse && holds(*id));
    let mut named: Vec<String> = Vec::new();
    for ((_, input), row) in rows {
        let mut some = row.iter().enumerate().filter(|(_, value)| **value != 0.0).map(|(t, _)| t).peekable();
        if some.peek().is_some() {
            named.push(format!("`{}`", hir::family(&input.name)));
        }
        if some.any(|t| firsts.binary_search(&t).is_err()) {
            return None;
        }
    }
    named.dedup();
    let names = named.join(" and ");
    (!named.is_empty()).then(|| {
        format!(
            "all impulses of {names} come with the first rows of trajectories, and `{open}`, which begins anywhere, makes up for them: say what it is before them, such as \
             `initial {open} = 0`"
        )
    })
}

/// A failed fit in the user's terms.
pub fn failure(error: JointError, model: &Model, observations: &Observations) -> Failure {
    let message = match &error {
        JointError::NotFinite { at, .. } => match causes::cause(model, at) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
        JointError::Collinear if starts_given::apart(model).is_some() => {
            "the parameters cannot be told apart: their normal matrix is singular".to_string()
        }
        _ => error.to_string(),
    };
    let numerical = |code, help: &str| Failure::Numerical(Problem::new(code, message.clone(), help));
    // What there is to say of a hidden state says more than of any other.
    let free = || free_scale::way_out(model, observations);
    match error {
        JointError::TooFewObservations { .. } => numerical("N501", "give more samples, or fewer candidate terms"),
        JointError::NothingObserved(_) => numerical("N502", "name the data's columns after the states"),
        JointError::Singular { ref component, .. } => {
            let have = observations.y.iter().filter(|y| y.is_finite()).count();
            match model.unknowns.len() {
                many if have < many => {
                    let help = format!(
                        "the data hold {have} numbers, fewer than the {many} coefficients and parameters: give more samples, or fewer candidate terms"
                    );
                    numerical("N503", &help)
                }
                many if have < FEW_NUMBERS * many && model.unknowns.values().any(hir::Unknown::is_coefficient) => {
                    let help = format!(
                        "the data hold {have} numbers for {many} coefficients and parameters, which is little: give fewer candidate terms, as those of \
                         a lower degree, or more samples"
                    );
                    numerical("N503", &help)
                }
                _ if is_open(component, observations) => {
                    let help = holes_alone::way_out(model, component);
                    let help = help.or_else(free).unwrap_or_else(|| format!(
                        "say where `{component}` begins, if that is known: `initial {component} = ...`, or measure it; else look for states and \
                         parameters of which the data tell a sum or a product alone"
                    ));
                    numerical("N503", &help)
                }
                _ => {
                    let help = free().or_else(|| starts_given::apart(model));
                    let general = "look for states or parameters that the data cannot determine";
                    numerical("N503", help.as_deref().unwrap_or(general))
                }
            }
        }
        JointError::NotFinite { at, .. } => {
            let open: Vec<String> = causes::without_start(model, &at).iter().map(|name| format!("`{name}`")).collect();
            match open.is_empty() {
                true => {
                    let general = "check the start values and bounds of parameters, and terms such as ln or a ratio";
                    let help = causes::value_below_zero(model, &at);
                    numerical("N504", help.as_deref().unwrap_or(general))
                }
                false => {
                    let which = open.join(" and ");
                    numerical(
                        "N504",
                        &format!("give {which} a start value, or a range, with which it has one on these data"),
                    )
                }
            }
        }
        JointError::Collinear => match observations.names.iter().find(|name| is_open(name, observations)) {
            Some(open) => {
                let (terms, else_remove) = match model.unknowns.values().any(hir::Unknown::is_coefficient) {
                    true => (" or a coefficient", "; else remove candidate terms that say the same on these data"),
                    false => ("", ""),
                };
                let help = holes_alone::way_out(model, open).or_else(|| with_first_rows(model, observations));
                let help = help.or_else(free).unwrap_or_else(|| format!(
                    "where `{open}` begins may make up for a parameter{terms}: say where `{open}` begins, `initial {open} = ...`, hold a \
                     parameter that is known, or measure `{open}`{else_remove}"
                ));
                numerical("N505", &help)
            }
            None => {
                let help = free().or_else(|| starts_given::apart(model));
                let general = "remove candidate terms that say the same on these data";
                numerical("N505", help.as_deref().unwrap_or(general))
            }
        },
        JointError::Evaluate(_) => Failure::Internal(message),
        JointError::Interrupted(_) => Failure::Interrupted(Problem::interrupted()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::Session;
    use crate::source::MemoryWorld;

    /// What a singular fit of a model with an impulse `dose` and `v` observed is told, with a dose at these rows of two trajectories.
    fn help(states: &str, equations: &str, at: &[usize]) -> String {
        let text = format!("model M {{ state {states}; input dose impulse; param b, c; {equations} }}");
        let mut session = Session::new(MemoryWorld::new().with("m.mech", text.as_str()));
        let program = session.check("m.mech", &[]).expect("a model").program;
        let model = program.models.values().next().expect("a model");
        let names: Vec<String> = model.states.values().map(|s| s.name.clone()).collect();
        let (n, len) = (names.len(), 6);
        let seen = |k: usize| if names[k / len] == "v" { k as f64 } else { f64::NAN };
        let observations = Observations {
            t: [0.0, 1.0, 2.0].repeat(2),
            breaks: vec![3],
            y: (0..n * len).map(seen).collect(),
            input: (0..len).map(|i| if at.contains(&i) { 1.0 } else { 0.0 }).collect(),
            between: vec![Between::Impulse],
            derivative_of: vec![None; n],
            guess: vec![f64::NAN; n],
            known: vec![false; n],
            names,
            ..Observations::default()
        };
        match failure(JointError::Collinear, model, &observations) {
            Failure::Numerical(problem) => problem.help,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn first_rows_are_told_of_the_state_that_impulses_come_into() {
        let gut = "gut' = dose - ?terms(gut); v' = ?terms(gut, v)";
        for (states, equations) in
            [("gut, v", gut), ("h, gut, v", "h' = v - h; gut' = dose - ?terms(gut); v' = ?terms(gut, v) - h")]
        {
            let said = help(states, equations, &[0, 3]);
            assert!(
                said.starts_with("all impulses of `dose` come with the first rows")
                    && said.contains("`initial gut = 0`"),
                "{said}"
            );
            assert!(!help(states, equations, &[0, 4]).contains("first rows"));
        }
        // Where they come into what is seen, the scale of what is not comes first.
        let said = help("h, v", "h' = c*v - h; v' = dose + b*h - v", &[0, 3]);
        assert!(!said.contains("first rows") && said.contains("the scale of `h` is free"), "{said}");
    }
}

//! What is said of parameters that a fit cannot find or tell apart: where nothing is known of their size, saying that is the way out.

use crate::base::IndexMap;
use crate::hir::{self, Model, Unknown, UnknownId, UnknownKind};
use crate::report::{FEW_NAMED, named};

/// What to do where the parameters of a model without candidate terms cannot be told apart; none where it has such terms.
pub(super) fn apart(model: &Model) -> Option<String> {
    if model.unknowns.values().any(Unknown::is_coefficient) {
        return None;
    }
    let (_, first) = parameters(model).next()?;
    let hold = format!(
        "look for parameters of which the data tell a sum, a product or a ratio alone, and hold one of them at a value that is known, `fit {}({} = ...)`",
        model.name,
        hir::family(&first.name)
    );
    Some(match give(model) {
        Some(give) => format!("{give}; else {hold}"),
        None => hold,
    })
}

/// `` give `k` a start and a range of the size that is expected: `param k = 1 in [0, 10]` ``, of parameters that have neither.
pub(super) fn give(model: &Model) -> Option<String> {
    let mut open: IndexMap<&str, String> = IndexMap::new();
    for (id, unknown) in parameters(model).filter(|(_, u)| !is_given(u)) {
        let unit = model.units.unknown(id).filter(|unit| !unit.is_one());
        let unit = unit.map_or_else(String::new, |unit| format!(" [{unit}]"));
        let name = hir::family(&unknown.name);
        open.entry(name).or_insert_with(|| format!("{name}{unit} = 1 in [0, 10]"));
    }
    let names: Vec<String> = open.keys().map(|name| format!("`{name}`")).collect();
    let (starts, ranges) = match names.len() {
        0 => return None,
        1 => ("a start", "a range"),
        _ => ("starts", "ranges"),
    };
    let written: Vec<&str> = open.values().take(FEW_NAMED).map(String::as_str).collect();
    Some(format!(
        "give {} {starts} and {ranges} of the size that is expected: `param {}`",
        named(&names),
        written.join(", ")
    ))
}

/// Parameters that are one number for all data.
fn parameters(model: &Model) -> impl Iterator<Item = (UnknownId, &Unknown)> {
    let is_one = |u: &Unknown| matches!(u.kind, UnknownKind::Param(_)) && !model.is_per_sample(u);
    model.unknowns.iter().filter(move |(_, u)| is_one(u))
}

/// Whether anything is known of the size of a parameter.
fn is_given(unknown: &Unknown) -> bool {
    unknown.start.is_some() || unknown.bounds.lower.is_finite() && unknown.bounds.upper.is_finite()
}

#[cfg(test)]
mod tests {
    use super::{apart, give};
    use crate::driver::Session;
    use crate::driver::findings::Findings;
    use crate::driver::remarks::noisy;
    use crate::hir::Model;
    use crate::report::StateShare;
    use crate::source::MemoryWorld;

    fn of<T>(model: &str, say: impl Fn(&Model) -> T) -> T {
        let mut session = Session::new(MemoryWorld::new().with("m.mech", model));
        let program = session.check("m.mech", &[]).expect("a model").program;
        say(program.models.values().next().expect("a model"))
    }

    #[test]
    fn parameters_of_which_nothing_is_known_are_given_starts_and_ranges() {
        let said = of("model M { state x; param a, k; x' = -a*x/(k + x) }", apart).expect("a way out");
        assert!(said.starts_with("give `a`, `k` starts and ranges"), "{said}");
        assert!(said.contains("`param a = 1 in [0, 10], k = 1 in [0, 10]`; else look for parameters"), "{said}");
        let said = of("model M { state x; param a = 1, k in [0, 2]; x' = -a*x/(k + x) }", apart).expect("a way out");
        assert!(said.starts_with("look for parameters") && said.contains("`fit M(a = ...)`"), "{said}");
        let said = of("model M { state x; param a = 1, k; x' = ?terms(x) - a*x/(k + x) }", |m| (apart(m), give(m)));
        assert_eq!(said.0, None);
        assert!(said.1.is_some_and(|give| give.contains("give `k` a start and a range")));
    }

    #[test]
    fn they_are_asked_for_where_a_constant_explains_as_much() {
        let said = |param: &str, share: f64| {
            let explained = vec![StateShare { state: "x".to_string(), share }];
            let findings = Findings { explained, ..Findings::default() };
            let model = format!("model M {{ state x; param {param}; x' = -k*x/(1 + k*x) }}");
            of(&model, |m| noisy(m, &findings)).pop().and_then(|d| d.help).expect("a finding")
        };
        assert!(said("k", -0.5).starts_with("a constant explains as much: give `k` a start and a range"));
        for others in [said("k", 0.5), said("k = 1", -0.5)] {
            assert!(others.starts_with("other equations may explain the data as well"), "{others}");
        }
    }
}

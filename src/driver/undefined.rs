//! Which part of an equation has no finite value at a point, and what it is computed from there.

use crate::hir::{Expr, ExprKind, Model, Point};
use crate::report::short;
use crate::train::joint::Spot;

/// `` `ln(u - 5)` has no finite value where `u` is 3.2 ``; nothing where no part can be told.
pub(super) fn cause(model: &Model, at: &Spot) -> Option<String> {
    let mut components = at.x.iter().copied();
    let states = model.states.values().map(|s| components.by_ref().take(s.order.into()).collect());
    let point = Point { time: at.time, states: states.collect(), inputs: Vec::new(), unknowns: at.unknowns.clone() };
    let part = model.equations.iter().find_map(|equation| undefined(&equation.residual, &point))?;
    let mut of: Vec<String> = Vec::new();
    part.visit(&mut |leaf| {
        let name = match &leaf.kind {
            ExprKind::State(state, order) => model.spell_state(*state, *order),
            ExprKind::Unknown(id) => model.unknowns.get(*id).map_or_else(String::new, |u| u.name.clone()),
            ExprKind::Time => "t".to_string(),
            _ => return,
        };
        let said = format!("`{name}` is {}", short(leaf.eval(&point)));
        if !of.contains(&said) {
            of.push(said);
        }
    });
    let place = if of.is_empty() { "anywhere".to_string() } else { format!("where {}", of.join(" and ")) };
    Some(format!("`{}` has no finite value {place}", model.spell(part)))
}

/// The innermost part that has no finite value although its operands have.
fn undefined<'e>(expr: &'e Expr, point: &Point) -> Option<&'e Expr> {
    if let Some(inner) = expr.operands().find_map(|operand| undefined(operand, point)) {
        return Some(inner);
    }
    let computed = expr.operands().next().is_some() && expr.operands().all(|e| e.eval(point).is_finite());
    (computed && !expr.eval(point).is_finite()).then_some(expr)
}

#[cfg(test)]
mod tests {
    use super::cause;
    use crate::driver::Session;
    use crate::source::MemoryWorld;
    use crate::train::joint::Spot;

    #[test]
    fn the_innermost_part_is_named() {
        let text =
            "model M { state u, w order 2; input q; param k; u' = 2*ln(u - k)*w + q^2; w'' = ?terms(u, sqrt(w')) }";
        let mut session = Session::new(MemoryWorld::new().with("m.mech", text));
        let program = session.check("m.mech", &[]).expect("a model").program;
        let model = program.models.values().next().expect("a model");
        let at = |x: &[f64]| Spot { time: 1.0, trajectory: None, x: x.to_vec(), unknowns: vec![5.0, 0.0, 0.0] };
        let told = |x: &[f64]| cause(model, &at(x));
        assert_eq!(
            told(&[3.0, 1.0, 1.0]).as_deref(),
            Some("`ln(u - k)` has no finite value where `u` is 3 and `k` is 5")
        );
        assert_eq!(told(&[7.0, 1.0, -0.5]).as_deref(), Some("`sqrt(w')` has no finite value where `w'` is -0.5"));
        assert_eq!(told(&[7.0, 1.0, 0.5]), None);
    }
}

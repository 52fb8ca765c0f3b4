//! What in the equations is the cause where a solution fails: parts without a finite value, and jumps.

use crate::hir::{Expr, ExprKind, Model, Point, UnaryFn, Unknown, UnknownKind};
use crate::report::short;
use crate::train::joint::Spot;

/// How near to a jump a solution is that is held there, as a part of the sizes of its components.
const CLOSE: f64 = 1e-6;

fn point(model: &Model, at: &Spot) -> Point {
    let mut components = at.x.iter().copied();
    let states = model.states.values().map(|s| components.by_ref().take(s.order.into()).collect());
    Point { time: at.time, states: states.collect(), inputs: at.inputs.to_vec(), unknowns: at.unknowns.clone() }
}

/// `` `ln(u - 5)` has no finite value where `u` is 3.2 ``; nothing where no part can be told.
pub(super) fn cause(model: &Model, at: &Spot) -> Option<String> {
    let point = point(model, at);
    let part = failing(model, &point)?;
    let mut of: Vec<String> = Vec::new();
    part.visit(&mut |leaf| {
        let name = match &leaf.kind {
            ExprKind::State(state, order) => model.spell_state(*state, *order),
            ExprKind::Unknown(id) => model.unknowns.get(*id).map_or_else(String::new, |u| u.name.clone()),
            ExprKind::Input(id) => model.inputs.get(*id).map_or_else(String::new, |input| input.name.clone()),
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

/// The parameters without a start value in that part: where the fit began with them is its own choice.
pub(super) fn without_start<'m>(model: &'m Model, at: &Spot) -> Vec<&'m str> {
    let mut names: Vec<&str> = Vec::new();
    if let Some(part) = failing(model, &point(model, at)) {
        part.visit(&mut |leaf| {
            let ExprKind::Unknown(id) = leaf.kind else { return };
            let open = |u: &&Unknown| u.start.is_none() && matches!(u.kind, UnknownKind::Param(_));
            let name = model.unknowns.get(id).filter(open).map(|u| u.name.as_str());
            names.extend(name.filter(|name| !names.contains(name)));
        });
    }
    names
}

/// How a part that has no finite value below zero is written so that it has one there, as noise takes samples of what is near zero.
pub(super) fn value_below_zero(model: &Model, at: &Spot) -> Option<String> {
    let part = failing(model, &point(model, at))?;
    let ExprKind::Unary(function, inner) = &part.kind else { return None };
    let (name, least) = match function {
        UnaryFn::Sqrt => ("sqrt", "0"),
        UnaryFn::Ln => ("ln", "1e-6"),
        _ => return None,
    };
    let written = format!("`{name}(max({}, {least}))`", model.spell(inner));
    Some(format!(
        "write {written} where noise alone takes it there; else check the start values and bounds of parameters"
    ))
}

/// The part of the equations that has no finite value at a point.
fn failing<'m>(model: &'m Model, point: &Point) -> Option<&'m Expr> {
    model.equations.iter().find_map(|equation| undefined(&equation.residual, point))
}

/// What to do about a [`jump`].
pub(super) const SMOOTH: &str = "the equations jump there, and the solution is driven back from both sides; write a steep smooth change, \
                                 such as `tanh(x/0.01)`, in place of the jump.";

/// A part of the equations that jumps just where the solution stands: `the condition 1 < x changes there`. `sizes` are the largest that the
/// components have been: what a little of them makes of the distance to the jump tells whether that is small, in whatever unit.
pub(super) fn jump(model: &Model, at: &Spot, sizes: &[f64]) -> Option<String> {
    let here = point(model, at);
    let beside: Vec<Point> = (0..at.x.len().min(sizes.len()))
        .map(|c| {
            let x = at.x.iter().zip(sizes).enumerate();
            let x = x.map(|(i, (x, size))| if i == c { x + CLOSE * size } else { *x }).collect();
            point(model, &Spot { x, ..at.clone() })
        })
        .collect();
    let near = |a: &Expr, b: Option<&Expr>| {
        let sides = |at: &Point| [a.eval(at), b.map_or(0.0, |b| b.eval(at))];
        let [left, right] = sides(&here);
        let apart = left - right;
        let change: f64 = beside.iter().map(sides).map(|[left, right]| (left - right - apart).abs()).sum();
        // A constant on one side has a size, too; what a sign is of has that of the states alone.
        let constant = if b.is_some() { CLOSE * left.abs().max(right.abs()) } else { 0.0 };
        apart.abs() <= change.max(constant)
    };
    let mut found = None;
    for equation in &model.equations {
        equation.residual.visit(&mut |part| {
            let said = match &part.kind {
                ExprKind::Select(compare, parts) => {
                    let [a, b, ..] = parts.as_ref();
                    let (left, right) = (model.spell(a), model.spell(b));
                    near(a, Some(b)).then(|| format!("the condition `{left} {} {right}` changes there", compare.name()))
                }
                ExprKind::Unary(UnaryFn::Sign, a) => {
                    near(a, None).then(|| format!("`{}` changes there", model.spell(part)))
                }
                _ => None,
            };
            if found.is_none() {
                found = said;
            }
        });
    }
    found
}

/// The innermost part that has no finite value although its operands have.
fn undefined<'e>(expr: &'e Expr, point: &Point) -> Option<&'e Expr> {
    // Of two branches the one that counts.
    if let ExprKind::Select(compare, parts) = &expr.kind {
        let [a, b, then, otherwise] = &**parts;
        let branch = match (a.eval(point), b.eval(point)) {
            (a, b) if a.is_nan() || b.is_nan() => None,
            (a, b) => Some(if compare.holds(a, b) { then } else { otherwise }),
        };
        return [a, b].into_iter().chain(branch).find_map(|part| undefined(part, point));
    }
    if let Some(inner) = expr.operands().find_map(|operand| undefined(operand, point)) {
        return Some(inner);
    }
    let computed = expr.operands().next().is_some() && expr.operands().all(|e| e.eval(point).is_finite());
    (computed && !expr.eval(point).is_finite()).then_some(expr)
}

#[cfg(test)]
mod tests {
    use super::{cause, jump, value_below_zero};
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
        let at = |x: &[f64]| Spot {
            time: 1.0,
            trajectory: None,
            x: x.to_vec(),
            inputs: Box::default(),
            unknowns: vec![5.0, 0.0, 0.0],
        };
        let told = |x: &[f64]| cause(model, &at(x));
        assert_eq!(
            told(&[3.0, 1.0, 1.0]).as_deref(),
            Some("`ln(u - k)` has no finite value where `u` is 3 and `k` is 5")
        );
        assert_eq!(told(&[7.0, 1.0, -0.5]).as_deref(), Some("`sqrt(w')` has no finite value where `w'` is -0.5"));
        assert_eq!(told(&[7.0, 1.0, 0.5]), None);
        let written = value_below_zero(model, &at(&[7.0, 1.0, -0.5])).expect("a root");
        assert!(written.starts_with("write `sqrt(max(w', 0))` where"), "{written}");
        assert_eq!(jump(model, &at(&[7.0, 1.0, 0.5]), &[7.0, 1.0, 0.5]), None);
    }

    #[test]
    fn how_near_a_jump_is_does_not_depend_on_the_unit() {
        for unit in [1.0, 1e-9, 1e9] {
            let text = format!(
                "model M {{ state x, v; x' = if x > {unit:e} then -2*x else 0.5; v' = 1 - sign(v - {:e}) }}",
                0.25 * unit
            );
            let mut session = Session::new(MemoryWorld::new().with("m.mech", text));
            let program = session.check("m.mech", &[]).expect("a model").program;
            let model = program.models.values().next().expect("a model");
            let told = |x: f64, v: f64| {
                let x = vec![x * unit, v * unit];
                jump(model, &Spot { x, ..Spot::default() }, &[2.0 * unit, unit])
            };
            let said = told(1.0 + 1e-9, 2.0).unwrap_or_default();
            assert!(said.starts_with("the condition `") && said.ends_with("< x` changes there"), "{unit}: {said}");
            let said = told(0.5, 0.25 - 1e-9).unwrap_or_default();
            assert!(said.starts_with("`sign(v - ") && said.ends_with(")` changes there"), "{unit}: {said}");
            assert_eq!(told(1.0 + 1e-4, 0.25 + 1e-4), None, "{unit}");
        }
    }

    #[test]
    fn simulations_that_are_held_at_a_jump_name_it_and_the_trajectory() {
        let text = |blocks: &str| {
            format!(
                "model M {{ state x, v; x' = v; v' = 1 - 0.5*sign(v) - 0.3*x; initial x = 1.5, v = 1 }}
model P {{ state x; x' = -1 - sqrt(x); initial x = 1 }}
{blocks}"
            )
        };
        for (block, parts) in [
            (
                "data d = simulate M { steps 90; dt 0.1; trajectories 2; spread 10%; seed 2 }",
                ["of trajectory 1, from x = 1.5, v = 1:", "`sign(v)` changes there", "tanh"].as_slice(),
            ),
            ("data d = simulate P { steps 90; dt 0.1 }", &["simulation: at time", "changes too fast"]),
        ] {
            let mut session = Session::new(MemoryWorld::new().with("m.mech", text(block)));
            let program = session.check("m.mech", &[]).expect("a program").program;
            let data = program.data.values().next().expect("data");
            let Err(failure) = crate::driver::experiment::make(&program, data, std::path::Path::new(".")) else {
                panic!("{block} has a solution");
            };
            let said = failure.render(session.sources(), crate::diagnostics::Format::Json);
            assert!(parts.iter().all(|part| said.contains(part)), "{parts:?} in {said}");
        }
    }
}

//! Hidden states whose scale no equation fixes, found without a fit: larger by any factor they do the same to all that is observed, where some
//! numbers of the model are smaller or larger for it. Then a fit may have no single solution.

use super::exchanges;
use crate::base::{Idx, IndexSet};
use crate::data::{Purpose, stream, uniform};
use crate::hir::{self, Equation, Model, Point, StateId, Unknown};
use crate::report::few;
use crate::solve::Cholesky;
use crate::train::joint::Observations;

/// Models with more unknowns are not looked at.
const MOST: usize = 100;
/// How often an equation is evaluated, at most, counted in pairs: models with so many equations and unknowns are not looked at either.
const MOST_EVALUATIONS: usize = 1_000_000;
/// Points at which equations are looked at, for every unknown and at least.
const POINTS: usize = 2;
const FEWEST_POINTS: usize = 40;
/// Where these lie in all states, inputs and unknowns without a start.
const AT: [f64; 2] = [0.5, 1.5];
/// The step of derivatives, as a part of what changes.
const STEP: f64 = 1e-5;
/// What changes of unknowns leave over of a change of the scale, as a part of it, at most, in every equation: steps and rounding leave a hundredth of that.
const LEFT: f64 = 1e-6;
/// What rounding leaves over of all that an equation is made of: that of doubles over the step.
const ROUNDING: f64 = 1e-10;
/// An unknown makes up for the scale where it changes by more than this part of what the scale does.
const TAKES_PART: f64 = 1e-4;

/// What to do about a hidden state whose scale is free, if there is one.
pub(super) fn way_out(model: &Model, observations: &Observations) -> Option<String> {
    let (name, moves) = found(model, observations).next()?;
    let spelled: IndexSet<String> = moves.iter().filter_map(|&k| exchanges::spelled(model, k)).collect();
    let spelled: Vec<String> = spelled.into_iter().collect();
    let moved = || moves.iter().filter_map(|&k| model.unknowns.values().nth(k));
    let terms = match moved().filter(|u| u.is_coefficient()).count() {
        0 => None,
        1 => Some("write a number in place of the coefficient of that term".to_string()),
        _ => Some("write a number in place of the coefficient of one of these terms".to_string()),
    };
    let hold = moved().find(|u| !u.is_coefficient());
    let hold = hold.map(|u| format!("hold what is known, `fit {}({} = ...)`", model.name, hir::family(&u.name)));
    let begins = format!("say where `{name}` begins, `initial {name} = ...`, if not at zero");
    let ways: Vec<String> = terms.into_iter().chain(hold).chain([begins, format!("measure `{name}`")]).collect();
    Some(format!(
        "the scale of `{name}` is free: with another unit of it other numbers for {} do exactly as well; {}",
        few(&spelled),
        ways.join(", or ")
    ))
}

/// The first state of which parameters alone make up for the scale, and these.
pub(super) fn of_parameters<'m>(model: &'m Model, observations: &Observations) -> Option<(&'m str, Vec<usize>)> {
    let is_term = |&k: &usize| model.unknowns.values().nth(k).is_none_or(Unknown::is_coefficient);
    found(model, observations).find(|(_, moves)| !moves.iter().any(is_term))
}

/// Hidden states whose scale is free, with the unknowns that make up for it.
fn found<'m>(model: &'m Model, observations: &Observations) -> impl Iterator<Item = (&'m str, Vec<usize>)> {
    let of = move |name| Some((name, moves(model, name)?));
    hidden(model, observations).into_iter().filter_map(of)
}

/// The families of states that no column observes and that are not known to begin away from zero, which would fix their scale.
fn hidden<'m>(model: &'m Model, observations: &Observations) -> IndexSet<&'m str> {
    let len = observations.t.len();
    let tells = |at: usize| {
        let seen = observations.y.get(at * len..(at + 1) * len).is_some_and(|y| y.iter().any(|v| v.is_finite()));
        seen || observations.known.get(at) == Some(&true) && observations.guess.get(at) != Some(&0.0)
    };
    let is_open = |name: &str| {
        let Some(at) = observations.names.iter().position(|n| n == name) else { return false };
        // With its derivatives, which come behind it.
        let derivatives = (at + 1..).take_while(|k| observations.derivative_of.get(*k).is_some_and(Option::is_some));
        !std::iter::once(at).chain(derivatives).any(tells)
    };
    let is_whole = |family: &&str| {
        let mut of = model.states.values().filter(|s| hir::family(&s.name) == *family);
        of.all(|s| is_open(&s.name))
    };
    model.states.values().map(|s| hir::family(&s.name)).filter(is_whole).collect()
}

/// The unknowns that make up for another scale of a family of states, wherever all states are; none where nothing does.
fn moves(model: &Model, family: &str) -> Option<Vec<usize>> {
    let scaled: Vec<StateId> =
        model.states.iter().filter(|(_, s)| hir::family(&s.name) == family).map(|(id, _)| id).collect();
    let free = model.unknowns.values().enumerate().filter(|(_, u)| u.bounds.lower < u.bounds.upper);
    let order: Vec<usize> = free.map(|(k, _)| k).collect();
    let n = order.len();
    if !(1..=MOST).contains(&n) {
        return None;
    }
    let count = FEWEST_POINTS.max(POINTS * n);
    if count * model.equations.len() * n > MOST_EVALUATIONS {
        return None;
    }
    let mut points = points(model, count);
    let rows_of = |equation: &Equation| in_own_unit(points.iter_mut().map(|at| row((at, equation), &order, &scaled)));
    let equations: Vec<Vec<Row>> = model.equations.iter().map(rows_of).collect();
    let (mut matrix, mut right) = (vec![0.0; n * n], vec![0.0; n]);
    for Row { of, by, .. } in equations.iter().flatten() {
        for ((sums, sum), a) in matrix.chunks_exact_mut(n).zip(&mut right).zip(of) {
            sums.iter_mut().zip(of).for_each(|(sum, b)| *sum += a * b);
            *sum += a * by;
        }
    }
    let change = Cholesky::factor_with_ridge(n, &matrix)?.solve(&right);
    let left = |Row { of, by, .. }: &Row| of.iter().zip(&change).map(|(a, x)| a * x).sum::<f64>() - by;
    // Every equation has to be the same in another unit, however small it is beside the others.
    let is_same = |of: &Vec<Row>| of.iter().map(|row| left(row).powi(2)).sum::<f64>() <= LEFT * LEFT * of.len() as f64;
    // What is less than what may be left over changes nothing.
    let felt = |place: usize, x: f64| {
        let square = |row: &Row| row.of.get(place).map_or(0.0, |a| (a * x).powi(2));
        equations.iter().any(|of| of.iter().map(square).sum::<f64>() > LEFT * LEFT * of.len() as f64)
    };
    let takes_part = |(place, x): (usize, f64)| x.abs() > TAKES_PART && felt(place, x);
    let moved = order.iter().zip(change.iter().copied().enumerate()).filter(|(_, of)| takes_part(*of));
    let moved: Vec<usize> = moved.map(|(k, _)| *k).collect();
    let count: usize = equations.iter().map(Vec::len).sum();
    (count > n && !moved.is_empty() && equations.iter().all(is_same)).then_some(moved)
}

/// How an equation changes at a point.
struct Row {
    /// With each unknown, by its logarithm.
    of: Vec<f64>,
    /// What of another scale of these states the unknowns would have to make up for.
    by: f64,
    /// The sum of squares of all that it is made of.
    parts: f64,
}

/// The rows of an equation in units of what another scale changes in it, but for what may be rounding.
fn in_own_unit(rows: impl Iterator<Item = Row>) -> Vec<Row> {
    let is_finite = |row: &Row| row.of.iter().chain([&row.by]).all(|v| v.is_finite());
    let mut rows: Vec<Row> = rows.filter(is_finite).collect();
    let square = |row: &Row| row.by.powi(2) + (ROUNDING / LEFT).powi(2) * row.parts;
    let unit = (rows.iter().map(square).sum::<f64>() / rows.len().max(1) as f64).sqrt();
    for row in rows.iter_mut().filter(|_| unit > 0.0) {
        row.of.iter_mut().chain([&mut row.by]).for_each(|v| *v /= unit);
    }
    rows
}

/// How an equation changes at a point, which is left as it was.
fn row((point, equation): (&mut Point, &Equation), order: &[usize], scaled: &[StateId]) -> Row {
    let unknowns = point.unknowns.clone();
    let scaled: Vec<(StateId, Vec<f64>)> =
        scaled.iter().filter_map(|id| Some((*id, point.states.get(id.index())?.clone()))).collect();
    let mut slope = |change: &dyn Fn(&mut Point, f64)| {
        let mut at = |step: f64| {
            change(point, step);
            equation.residual.eval(point)
        };
        let difference = at(STEP) - at(-STEP);
        change(point, 0.0);
        difference / (2.0 * STEP)
    };
    let of_unknown = |&k: &usize| {
        let value = unknowns.get(k).copied().unwrap_or_default();
        slope(&|at, step| at.unknowns.iter_mut().skip(k).take(1).for_each(|v| *v = value * (1.0 + step)))
    };
    let of: Vec<f64> = order.iter().map(of_unknown).collect();
    let scale = slope(&|at, step| {
        for (id, values) in &scaled {
            let of = at.states.iter_mut().skip(id.index()).take(1).flatten();
            of.zip(values).for_each(|(v, value)| *v = value * (1.0 + step));
        }
    });
    // The equation of a state changes with it.
    let value = equation.residual.eval(point);
    let own = if scaled.iter().any(|(id, _)| *id == equation.state) { value } else { 0.0 };
    let parts = of.iter().chain([&value, &scale]).map(|v| v * v).sum();
    Row { of, by: own - scale, parts }
}

/// Points at which all states and inputs are anywhere, and unknowns always the same.
fn points(model: &Model, count: usize) -> Vec<Point> {
    let mut rng = stream(0, Purpose::Freedom, 1 << 40);
    let mut any = || AT[0] + (AT[1] - AT[0]) * uniform(&mut rng);
    let value = |u: &Unknown, any: f64| {
        let inside = any.clamp(u.bounds.lower, u.bounds.upper);
        // What is free is so at any size: those of the starts, which depend on units, would hide one term behind another.
        let signed = u.start.filter(|start| *start != 0.0).map(|start| any.copysign(start));
        signed.unwrap_or(if inside == 0.0 { any } else { inside })
    };
    let unknowns: Vec<f64> = model.unknowns.values().map(|u| value(u, any())).collect();
    let mut point = || Point {
        time: any(),
        states: model.states.values().map(|s| (0..=s.order).map(|_| any()).collect()).collect(),
        inputs: (0..model.inputs.len()).map(|_| any()).collect(),
        unknowns: unknowns.clone(),
    };
    (0..count).map(|_| point()).collect()
}

#[cfg(test)]
mod tests {
    use super::{moves, way_out};
    use crate::driver::Session;
    use crate::hir::Model;
    use crate::source::MemoryWorld;
    use crate::train::joint::Observations;

    fn of_text(text: &str) -> Model {
        let text =
            format!("model M {{ state v, w{}; input u; {text} }}", if text.contains("w''") { " order 2" } else { "" });
        let mut session = Session::new(MemoryWorld::new().with("m.mech", text.as_str()));
        let program = session.check("m.mech", &[]).expect("a model").program;
        program.models.values().next().cloned().expect("a model")
    }

    fn moved(text: &str) -> Option<Vec<String>> {
        let model = of_text(text);
        let of = |k: &usize| super::exchanges::spelled(&model, *k);
        moves(&model, "w").map(|found| found.iter().filter_map(of).collect())
    }

    #[test]
    fn a_scale_is_free_where_numbers_make_up_for_it() {
        let names = |of: &[&str]| Some(of.iter().map(|name| name.to_string()).collect::<Vec<_>>());
        let [free, gain] =
            ["param a, b, c, d; v' = -a*v + b*w; w' = c*u - d*w", "param a, b, d; v' = -a*v + b*w; w' = u - d*w"];
        assert_eq!(moved(free), names(&["`b`", "`c`"]));
        assert_eq!(moved(gain), None);
        // A number that is given with its size hides no other equation, whichever of them is the large one.
        for (b, d) in [("1e7", "1"), ("1e-7", "1"), ("1", "1e7"), ("1e8", "1e-3")] {
            let starts = format!("param a = 1, b = {b}, d = {d}");
            assert_eq!(moved(&format!("{starts}; v' = -a*v + b*w; w' = u - d*w")), None, "{b} {d}");
            assert_eq!(
                moved(&format!("{starts}, c = 1; v' = -a*v + b*w; w' = c*u - d*w")),
                names(&["`b`", "`c`"]),
                "{b} {d}"
            );
        }
        // Within a function too, and through powers of holes.
        assert_eq!(moved("param b, K; v' = b*w/(K + w) - v; w' = -w"), names(&["`K`"]));
        let holes = "v' = ?terms(v, w, w^2); w' = u*?terms(1) - w";
        let all = ["`w` in the equation of `v`", "`w^2` in the equation of `v`", "`1` in the equation of `w`"];
        assert_eq!(moved(holes), names(&all));
        assert_eq!(moved("v' = ?terms(v) + w; w' = ?terms(w) + exp(-w)"), None);
        assert_eq!(moved("param b; v' = -b*v; w' = u - w"), None);
        // Nothing has to make up for the scale of what nothing sees.
        assert_eq!(moved("param b; v' = -b*v; w' = -w"), None);
    }

    #[test]
    fn the_way_out_names_the_state_and_what_it_hangs_on() {
        let model = of_text("param b, c; v' = b*w - v; w' = c*u - w");
        let seen = |known: bool, guess: f64| Observations {
            t: vec![0.0, 1.0],
            y: vec![1.0, 2.0, f64::NAN, f64::NAN],
            derivative_of: vec![None; 2],
            guess: vec![f64::NAN, guess],
            known: vec![false, known],
            names: vec!["v".into(), "w".into()],
            ..Observations::default()
        };
        for (known, guess) in [(true, 0.0), (false, 0.0), (false, 2.0), (false, f64::NAN)] {
            let said = way_out(&model, &seen(known, guess)).expect("a way out");
            assert!(
                said.contains("the scale of `w` is free")
                    && said.contains("other numbers for `b`, `c` do exactly as well"),
                "{said}"
            );
            assert!(said.contains("hold what is known, `fit M(b = ...)`") && said.contains("or measure `w`"), "{said}");
        }
        // A start that is known and not zero has the unit of the state, and so has one of its derivative.
        assert_eq!(way_out(&model, &seen(true, 2.0)), None);
        let swing = of_text("param b, c; v' = b*w - v; w'' = c*u - w");
        for (rate, is_free) in [(0.0, true), (2.0, false)] {
            let names = vec!["v".into(), "w".into(), "w'".into()];
            let derivative_of = vec![None, None, Some(1)];
            let (y, guess) = (vec![1.0, 2.0, f64::NAN, f64::NAN, f64::NAN, f64::NAN], vec![f64::NAN, 0.0, rate]);
            let seen =
                Observations { y, derivative_of, guess, known: vec![false, true, true], names, ..seen(true, 0.0) };
            assert_eq!(way_out(&swing, &seen).is_some(), is_free, "{rate}");
        }
    }
}

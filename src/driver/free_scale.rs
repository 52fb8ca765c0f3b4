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
/// Points at which equations are looked at, for every unknown and at least.
const POINTS: usize = 2;
const FEWEST_POINTS: usize = 40;
/// Where these lie in all states, inputs and unknowns without a start.
const AT: [f64; 2] = [0.5, 1.5];
/// The step of derivatives, as a part of what changes.
const STEP: f64 = 1e-5;
/// What changes of unknowns leave over of a change of the scale, as a part of it, at most: steps and rounding leave a hundredth of that.
const LEFT: f64 = 1e-6;
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
    let points = points(model, FEWEST_POINTS.max(POINTS * n));
    let pairs = points.iter().flat_map(|point| model.equations.iter().map(move |equation| (point, equation)));
    let rows = pairs.map(|(point, equation)| row((point, equation), &order, &scaled));
    let rows: Vec<(Vec<f64>, f64)> = rows.filter(|(of, by)| of.iter().chain([by]).all(|v| v.is_finite())).collect();
    let (mut matrix, mut right) = (vec![0.0; n * n], vec![0.0; n]);
    for (of, by) in &rows {
        for ((sums, sum), a) in matrix.chunks_exact_mut(n).zip(&mut right).zip(of) {
            sums.iter_mut().zip(of).for_each(|(sum, b)| *sum += a * b);
            *sum += a * by;
        }
    }
    let change = Cholesky::factor_with_ridge(n, &matrix)?.solve(&right);
    let made = |of: &[f64]| of.iter().zip(&change).map(|(a, x)| a * x).sum::<f64>();
    let left: f64 = rows.iter().map(|(of, by)| (made(of) - by).powi(2)).sum();
    let all: f64 = rows.iter().map(|(_, by)| by * by).sum();
    let moved = order.iter().zip(&change).filter(|(_, x)| x.abs() > TAKES_PART).map(|(k, _)| *k);
    (rows.len() > n && all > 0.0 && left <= LEFT * LEFT * all).then(|| moved.collect())
}

/// By how much an equation changes at a point with each unknown, and what of another scale of these states they would have to make up for.
fn row((point, equation): (&Point, &Equation), order: &[usize], scaled: &[StateId]) -> (Vec<f64>, f64) {
    let by = |change: &dyn Fn(&mut Point, f64)| {
        let at = |step: f64| {
            let mut moved = point.clone();
            change(&mut moved, 1.0 + step);
            equation.residual.eval(&moved)
        };
        (at(STEP) - at(-STEP)) / (2.0 * STEP)
    };
    let of = |&k: &usize| by(&|at, factor| at.unknowns.iter_mut().skip(k).take(1).for_each(|v| *v *= factor));
    let scale = by(&|at, factor| {
        let of = at.states.iter_mut().enumerate().filter(|(s, _)| scaled.iter().any(|id| id.index() == *s));
        of.flat_map(|(_, values)| values).for_each(|v| *v *= factor);
    });
    // The equation of a state changes with it.
    let own = if scaled.contains(&equation.state) { equation.residual.eval(point) } else { 0.0 };
    (order.iter().map(of).collect(), own - scale)
}

/// Points at which all states and inputs are anywhere, and unknowns always the same.
fn points(model: &Model, count: usize) -> Vec<Point> {
    let mut rng = stream(0, Purpose::Freedom, 1 << 40);
    let mut any = || AT[0] + (AT[1] - AT[0]) * uniform(&mut rng);
    let value = |u: &Unknown, any: f64| {
        let inside = any.clamp(u.bounds.lower, u.bounds.upper);
        u.start.filter(|start| *start != 0.0).unwrap_or(if inside == 0.0 { any } else { inside })
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
        // Within a function too, and through powers of holes.
        assert_eq!(moved("param b, K; v' = b*w/(K + w) - v; w' = -w"), names(&["`K`"]));
        let holes = "v' = ?terms(v, w, w^2); w' = u*?terms(1) - w";
        let all = ["`w` in the equation of `v`", "`w^2` in the equation of `v`", "`1` in the equation of `w`"];
        assert_eq!(moved(holes), names(&all));
        assert_eq!(moved("v' = ?terms(v) + w; w' = ?terms(w) + exp(-w)"), None);
        assert_eq!(moved("param b; v' = -b*v; w' = u - w"), None);
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

//! The typing rules of the solves.

use super::super::{AxisId, Module, SolveScheme, Type};
use super::Rule;
use super::rules::is_subsequence;
use crate::base::Elem;

/// `c`, `rhs`, `iv`, `h` and the solution.
pub(super) fn solve(module: &Module, s: &SolveScheme, args: &[&Type], result: &Type, broken: &mut Vec<Rule>) {
    let fixed = [("state", s.state), ("order", s.order), ("equation", s.equation), ("given", s.given)];
    for (name, axis) in fixed {
        if module.axes[axis].size.is_none() {
            broken.push(Rule::SolveAxisNotFixed(name));
        }
    }
    if let (Some(given), Some(kept)) = (module.axes[s.given].size, module.axes[s.order].size)
        && given > kept
    {
        broken.push(Rule::SolveGiven { given, kept });
    }
    if s.weights.iter().any(|w| !w.is_finite() || *w < 0.0) {
        broken.push(Rule::SolveWeight);
    }
    if s.slack.is_some_and(|push| !push.is_finite()) {
        broken.push(Rule::SolveSlack);
    }
    if args.iter().any(|a| a.elem != Elem::F64) || result.elem != Elem::F64 {
        broken.push(Rule::SolveElem);
    }
    let inner: [&[AxisId]; 4] = [
        &[s.equation, s.time, s.state, s.order],
        &[s.equation, s.time],
        &[s.start, s.state, s.given],
        &[s.time, s.state, s.order],
    ];
    let mut batches = Vec::new();
    for (i, (ty, inner)) in [args[0], args[1], args[2], result].into_iter().zip(inner).enumerate() {
        match ty.axes.strip_suffix(inner) {
            Some(batch) => batches.push(batch),
            None => broken.push(Rule::SolveAxes(i)),
        }
    }
    if let [c, rhs, iv, batch] = batches[..] {
        let (h, own) = s.step_axes(&args[3].axes, batch);
        let intervals = module.axes[s.time].size.map(|n| n.saturating_sub(1));
        let of_intervals = |a: AxisId| intervals.is_some() && module.axes[a].size == intervals && !batch.contains(&a);
        let fits = match *own {
            [] => true,
            [interval] => interval != s.state && of_intervals(interval),
            [interval, state, ..] => of_intervals(interval) && state == s.state,
        };
        if !fits {
            broken.push(Rule::SolveStep);
        }
        let inside = [c, rhs, iv, h].iter().all(|b| is_subsequence(b, batch));
        let covered = batch.iter().all(|a| [c, rhs, iv, h].iter().any(|b| b.contains(a)));
        if !inside || !covered {
            broken.push(Rule::SolveBatch);
        }
    }
}

/// `c`, `rhs`, `iv`, `h`, `u`, `u_adj` and the adjoints of the first four.
pub(super) fn solve_adjoint(
    module: &Module,
    s: &SolveScheme,
    args: &[&Type],
    results: &[&Type],
    broken: &mut Vec<Rule>,
) {
    solve(module, s, &args[..4], args[4], broken);
    if args[4] != args[5] || args.iter().zip(results).any(|(a, r)| a != r) {
        broken.push(Rule::TypesDiffer);
    }
}

/// `n`, `r`, `mask` and the solution.
pub(super) fn spd(module: &Module, [n, r, mask]: [&Type; 3], x: &Type, broken: &mut Vec<Rule>) {
    if [n, mask, x].iter().any(|t| t.elem != r.elem) {
        broken.push(Rule::ElemsDiffer);
        return;
    }
    if r != x {
        broken.push(Rule::TypesDiffer);
    }
    let Some((&k, batch)) = x.axes.split_last() else {
        broken.push(Rule::SpdScalar);
        return;
    };
    // Both axes of the matrix are the unknowns' by position: a type cannot name one axis twice.
    let square = match n.axes.split_last() {
        Some((&column, rows)) => {
            rows.strip_prefix(batch) == Some(&[k]) && module.axes[column].size == module.axes[k].size
        }
        None => false,
    };
    if !square {
        broken.push(Rule::SpdMatrix);
    }
    if mask.axes != x.axes && mask.axes != [k] {
        broken.push(Rule::SpdMask);
    }
}

/// `n`, `mask`, `x`, `x_adj` and the adjoints of `n` and of the right-hand side.
pub(super) fn spd_adjoint(module: &Module, args: &[&Type], results: &[&Type], broken: &mut Vec<Rule>) {
    spd(module, [args[0], args[2], args[1]], args[2], broken);
    if args[2] != args[3] || results[0] != args[0] || results[1] != args[2] {
        broken.push(Rule::TypesDiffer);
    }
}

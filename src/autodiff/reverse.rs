//! The walk from the seeds back to what is differentiated by.

use super::{AutodiffError, rules};
use crate::base::Idx;
use crate::ir::{Builder, Inst, InstId, ValueId};
use std::collections::HashMap;

/// Appends the instructions that compute the adjoints of `wrt`, given the adjoints of some values as `seeds` (pairs of a value
/// and its adjoint, of the same type). Values of `wrt` may be parameters or intermediate values; an intermediate one is then
/// the place where its own dependence ends as far as itself is concerned, but flows on to other values of `wrt` before it.
/// The result has the adjoint of each, or `None` for a value that the seeds do not depend on.
///
/// # Errors
/// [`AutodiffError::SecondDerivative`] where the way leads through an adjoint instruction of a solve.
pub fn reverse(
    builder: &mut Builder,
    seeds: &[(ValueId, ValueId)],
    wrt: &[ValueId],
) -> Result<Vec<Option<ValueId>>, AutodiffError> {
    let first_new = builder.function().values.len();
    let active = active(builder, wrt);
    let is_active = |v: ValueId| active.get(v.index()).copied().unwrap_or(false);
    let mut pending: HashMap<ValueId, Vec<ValueId>> = HashMap::new();
    for &(value, adjoint) in seeds {
        if is_active(value) {
            pending.entry(value).or_default().push(adjoint);
        }
    }
    let mut done: HashMap<ValueId, ValueId> = HashMap::new();
    for i in (0..builder.function().insts.len()).rev() {
        let inst: Inst = builder.function().insts[InstId::new(i)].clone();
        let results: Vec<ValueId> = inst.results.iter().copied().filter(|r| pending.contains_key(r)).collect();
        for &result in &results {
            if let Some(adjoint) = total(builder, &mut pending, result, first_new) {
                done.insert(result, adjoint);
            }
        }
        let Some(&adjoint) = results.first().and_then(|r| done.get(r)) else { continue };
        let needed: Vec<bool> = inst.args.iter().map(|&a| is_active(a)).collect();
        if !needed.contains(&true) {
            continue;
        }
        let contributions = rules::adjoints(builder, &inst, adjoint, &needed)?;
        for (&arg, contribution) in inst.args.iter().zip(contributions) {
            if let Some(contribution) = contribution {
                pending.entry(arg).or_default().push(contribution);
            }
        }
    }
    // What is left are parameters.
    for &value in wrt {
        if let Some(adjoint) = total(builder, &mut pending, value, first_new) {
            done.insert(value, adjoint);
        }
    }
    Ok(wrt.iter().map(|v| done.get(v).copied()).collect())
}

/// Which values depend on one of `wrt`, or are one.
fn active(builder: &Builder, wrt: &[ValueId]) -> Vec<bool> {
    let function = builder.function();
    let mut active = vec![false; function.values.len()];
    for &v in wrt {
        if let Some(slot) = active.get_mut(v.index()) {
            *slot = true;
        }
    }
    for inst in function.insts.values() {
        if inst.args.iter().any(|a| active.get(a.index()) == Some(&true)) {
            for &result in &inst.results {
                if let Some(slot) = active.get_mut(result.index()) {
                    *slot = true;
                }
            }
        }
    }
    active
}

/// The sum of the contributions to the adjoint of a value, in the order they came.
fn total(
    builder: &mut Builder,
    pending: &mut HashMap<ValueId, Vec<ValueId>>,
    value: ValueId,
    first_new: usize,
) -> Option<ValueId> {
    let contributions = pending.remove(&value)?;
    let sum = contributions.into_iter().reduce(|a, b| builder.add(a, b))?;
    let name = builder.function().values[value].name.clone();
    // A seed, or an adjoint that two values share, keeps the name it has.
    if sum.index() >= first_new && builder.function().values[sum].name.is_empty() && !name.is_empty() {
        builder.name(sum, format!("{name}_adj"));
    }
    Some(sum)
}

//! The walk from the seeds back to what is differentiated by.

use super::{AutodiffError, rules};
use crate::base::Idx;
use crate::ir::{Builder, Inst, InstId, ValueId};
use std::collections::{BTreeSet, HashMap, HashSet};

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
    // Only what the seeds are made of is looked at, so that many small parts of a large function cost no more than one pass.
    let ancestors = ancestors(builder, seeds);
    let active = active(builder, &ancestors, wrt);
    let is_active = |v: ValueId| active.contains(&v);
    let mut pending: HashMap<ValueId, Vec<ValueId>> = HashMap::new();
    for &(value, adjoint) in seeds {
        if is_active(value) {
            pending.entry(value).or_default().push(adjoint);
        }
    }
    let mut done: HashMap<ValueId, ValueId> = HashMap::new();
    for &id in ancestors.iter().rev() {
        let inst: Inst = builder.function().insts[id].clone();
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

/// The instructions that the seeded values are made of, in order.
fn ancestors(builder: &Builder, seeds: &[(ValueId, ValueId)]) -> BTreeSet<InstId> {
    let mut found = BTreeSet::new();
    let mut open: Vec<ValueId> = seeds.iter().map(|(value, _)| *value).collect();
    while let Some(value) = open.pop() {
        if let Some((id, inst)) = builder.function().def(value)
            && found.insert(id)
        {
            open.extend(&inst.args);
        }
    }
    found
}

/// Which results of the instructions depend on one of `wrt`, and `wrt` themselves.
fn active(builder: &Builder, insts: &BTreeSet<InstId>, wrt: &[ValueId]) -> HashSet<ValueId> {
    let mut active: HashSet<ValueId> = wrt.iter().copied().collect();
    for inst in insts.iter().map(|&id| &builder.function().insts[id]) {
        if inst.args.iter().any(|a| active.contains(a)) {
            active.extend(&inst.results);
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

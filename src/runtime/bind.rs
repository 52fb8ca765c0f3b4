//! Sizes of a call: axes bound from the arguments' shapes.

use super::{Arg, RuntimeError, TensorViewMut, View};
use crate::artifact::{Entry, Port, Size};
use crate::base::Elem;

/// Binds every axis of `entry` from the arguments' shapes into `sizes`.
pub(super) fn sizes<'s>(
    entry: &Entry,
    shapes: impl Iterator<Item = &'s [usize]>,
    sizes: &mut Vec<u64>,
) -> Result<(), RuntimeError> {
    sizes.clear();
    sizes.resize(entry.axes.len(), 0);
    let mut known: Vec<bool> = Vec::with_capacity(entry.axes.len());
    for (axis, size) in entry.axes.iter().zip(sizes.iter_mut()) {
        known.push(axis.size.is_some());
        *size = axis.size.map_or(0, |n| n as u64);
    }
    for (port, shape) in entry.params.iter().zip(shapes) {
        rank(port, shape)?;
        for (&axis, &given) in port.axes.iter().zip(shape) {
            if known[axis] {
                size(entry, port, axis, sizes[axis], given)?;
            } else {
                known[axis] = true;
                sizes[axis] = given as u64;
            }
        }
    }
    for equation in &entry.equations {
        let unknown = |s: &Size| s.axes.iter().copied().find(|&a| !known[a as usize]);
        match (unknown(&equation.left), unknown(&equation.right)) {
            (None, None) => {
                if equation.left.value(sizes) != equation.right.value(sizes) {
                    return Err(mismatch(entry, &equation.left, &equation.right, sizes));
                }
            }
            (Some(axis), None) => solve(entry, &equation.left, &equation.right, axis, sizes, &mut known)?,
            (_, Some(axis)) => solve(entry, &equation.right, &equation.left, axis, sizes, &mut known)?,
        }
    }
    Ok(())
}

/// Binds all axes, and checks the number, types and shapes of the arguments and of the results that are not updated ones. Gives for
/// each result the position of the argument it is written over.
pub(super) fn checked(
    entry: &Entry,
    args: &[Arg<'_>],
    outs: &[TensorViewMut<'_>],
    sizes: &mut Vec<u64>,
) -> Result<Vec<Option<usize>>, RuntimeError> {
    count(entry, "arguments", entry.params.len(), args.len())?;
    self::sizes(entry, args.iter().map(Arg::shape), sizes)?;
    let mut over: Vec<Option<usize>> = vec![None; entry.results.len()];
    for (p, (port, arg)) in entry.params.iter().zip(args).enumerate() {
        match arg {
            Arg::Read(view) => numbers(port, view.elem(), view.shape(), view.len())?,
            Arg::Update(view, r) => {
                numbers(port, view.elem(), view.shape(), view.len())?;
                let result = entry.results.get(*r);
                let fits =
                    result.filter(|x| x.elem == port.elem && x.axes.len() == port.axes.len() && over[*r].is_none());
                let Some(fits) = fits else {
                    let name = result.map_or_else(|| r.to_string(), |x| x.name.clone());
                    return Err(RuntimeError::InPlace { result: name, param: port.name.clone() });
                };
                self::result(entry, fits, view.shape(), sizes)?;
                over[*r] = Some(p);
            }
        }
    }
    count(entry, "results", over.iter().filter(|o| o.is_none()).count(), outs.len())?;
    let ports = entry.results.iter().zip(&over).filter(|(_, o)| o.is_none()).map(|(p, _)| p);
    for (port, out) in ports.zip(outs) {
        result(entry, port, out.shape(), sizes)?;
        numbers(port, out.elem(), out.shape(), out.len())?;
    }
    Ok(over)
}

/// Binds all axes, and checks the number, types and shapes of resident arguments and results.
pub(super) fn views(
    entry: &Entry,
    params: &[View],
    results: &[View],
    sizes: &mut Vec<u64>,
) -> Result<(), RuntimeError> {
    count(entry, "arguments", entry.params.len(), params.len())?;
    count(entry, "results", entry.results.len(), results.len())?;
    self::sizes(entry, params.iter().map(View::shape), sizes)?;
    for (port, view) in entry.params.iter().zip(params) {
        numbers(port, view.elem(), view.shape(), view.len())?;
    }
    for (port, view) in entry.results.iter().zip(results) {
        result(entry, port, view.shape(), sizes)?;
        numbers(port, view.elem(), view.shape(), view.len())?;
    }
    Ok(())
}

/// Checks how many tensors were given.
pub(super) fn count(entry: &Entry, what: &'static str, expected: usize, given: usize) -> Result<(), RuntimeError> {
    if expected == given {
        return Ok(());
    }
    Err(RuntimeError::Count { entry: entry.name.clone(), what, expected, given })
}

/// Checks the shape of a result.
fn result(entry: &Entry, port: &Port, shape: &[usize], sizes: &[u64]) -> Result<(), RuntimeError> {
    rank(port, shape)?;
    port.axes.iter().zip(shape).try_for_each(|(&axis, &given)| size(entry, port, axis, sizes[axis], given))
}

/// Checks the type and the length of a tensor whose shape is right already.
pub(super) fn numbers(port: &Port, elem: Elem, shape: &[usize], len: usize) -> Result<(), RuntimeError> {
    if elem != port.elem {
        return Err(RuntimeError::Elem { port: port.name.clone(), expected: port.elem, given: elem });
    }
    let expected = shape.iter().copied().fold(1usize, usize::saturating_mul);
    if expected != len {
        return Err(RuntimeError::Length { port: port.name.clone(), expected, given: len });
    }
    Ok(())
}

fn rank(port: &Port, shape: &[usize]) -> Result<(), RuntimeError> {
    if port.axes.len() == shape.len() {
        return Ok(());
    }
    Err(RuntimeError::Rank { port: port.name.clone(), expected: port.axes.len(), given: shape.len() })
}

fn size(entry: &Entry, port: &Port, axis: usize, expected: u64, given: usize) -> Result<(), RuntimeError> {
    if expected == given as u64 {
        return Ok(());
    }
    let axis = entry.axes[axis].name.clone();
    Err(RuntimeError::Size { port: port.name.clone(), axis, expected, given: given as u64 })
}

/// Binds `axis`, which stands in `with`, so that both products are equal.
fn solve(
    entry: &Entry,
    with: &Size,
    other: &Size,
    axis: u32,
    sizes: &mut [u64],
    known: &mut [bool],
) -> Result<(), RuntimeError> {
    sizes[axis as usize] = 1;
    let rest = with.value(sizes).unwrap_or(0);
    let total = other.value(sizes).unwrap_or(u64::MAX);
    match total.checked_div(rest) {
        Some(size) if size * rest == total => {
            sizes[axis as usize] = size;
            known[axis as usize] = true;
            Ok(())
        }
        _ => Err(mismatch(entry, other, with, sizes)),
    }
}

fn mismatch(entry: &Entry, left: &Size, right: &Size, sizes: &[u64]) -> RuntimeError {
    let show = |s: &Size| s.value(sizes).map_or_else(|| "too many".to_string(), |n| n.to_string());
    RuntimeError::Reshape { entry: entry.name.clone(), left: show(left), right: show(right) }
}

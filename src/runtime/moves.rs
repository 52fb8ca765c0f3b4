//! What happens to resident arrays between calls of functions, on the host; [`cuda::Moves`](super::cuda) does the same on a device.

use super::RuntimeError;
use super::collocate::Collocated;
use super::store::{Store, View, foreign};
use crate::base::TensorData;

/// One move. All numbers are in double precision but where it says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// `out[s, i, :] = table[first[s] + i, :]`: rows that follow one another, for every sample.
    Gather {
        /// `[rows, width]`
        table: View,
        /// `[samples]`: a whole number each.
        first: View,
        /// `[samples, length, width]`
        out: View,
    },
    /// `out = table[at, :]`
    Row {
        /// `[rows, width]`
        table: View,
        /// A whole number.
        at: View,
        /// `[width]`
        out: View,
    },
    /// `history[at] = value`, then `at = at + 1`.
    Append {
        /// One number.
        value: View,
        /// `[count]`
        history: View,
        /// A whole number.
        at: View,
    },
    /// Numbers in single precision.
    Round {
        /// The numbers.
        from: View,
        /// As many in single precision.
        to: View,
    },
    /// Moves numbers that left their bounds back to them.
    Bound {
        /// The numbers.
        value: View,
        /// As many lower bounds.
        lower: View,
        /// As many upper bounds.
        upper: View,
    },
    /// A formula of collocation.
    Collocate(Collocated),
}

impl Move {
    /// Its arrays.
    pub(super) fn views(&self) -> Vec<&View> {
        match self {
            Move::Gather { table, first, out } => vec![table, first, out],
            Move::Row { table, at, out } => vec![table, at, out],
            Move::Append { value, history, at } => vec![value, history, at],
            Move::Round { from, to } => vec![from, to],
            Move::Bound { value, lower, upper } => vec![value, lower, upper],
            Move::Collocate(c) => c.from.iter().chain([&c.out]).collect(),
        }
    }

    /// Those that it writes.
    pub(super) fn written(&self) -> Vec<&View> {
        match self {
            Move::Gather { out, .. } | Move::Row { out, .. } => vec![out],
            Move::Append { history, at, .. } => vec![history, at],
            Move::Round { to, .. } => vec![to],
            Move::Bound { value, .. } => vec![value],
            Move::Collocate(c) => vec![&c.out],
        }
    }

    /// What does not fit, if anything.
    pub(super) fn check(&self) -> Result<(), RuntimeError> {
        let fits = match self {
            Move::Gather { table, first, out } => match (table.shape(), first.shape(), out.shape()) {
                ([rows, width], [samples], [of, length, wide]) => {
                    (samples, width) == (of, wide) && (length <= rows || *samples == 0)
                }
                _ => false,
            },
            Move::Row { table, at, out } => {
                matches!((table.shape(), out.shape()), ([_, width], [wide]) if width == wide) && at.len() == 1
            }
            Move::Append { value, at, .. } => value.len() == 1 && at.len() == 1,
            Move::Round { from, to } => from.len() == to.len(),
            Move::Bound { value, lower, upper } => [lower.len(), upper.len()] == [value.len(); 2],
            Move::Collocate(c) => c.sizes().is_some() && c.from.iter().all(|view| !view.overlaps(&c.out)),
        };
        let reason = || format!("the arrays of a move do not fit one another: {self:?}");
        if fits { Ok(()) } else { Err(RuntimeError::Move { reason: reason() }) }
    }

    /// Does it on the host.
    pub(super) fn run(&self, store: &mut Store) -> Result<(), RuntimeError> {
        match self {
            Move::Gather { table, first, out } => {
                let ([rows, width], [_, length, _]) = (table.shape(), out.shape()) else { return Err(foreign()) };
                let per = length * width;
                for s in 0..first.len() {
                    let row = store.number(first, s).ok_or_else(foreign)? as usize;
                    let part = table.part(row.min(rows - length) * width, &[per]).ok_or_else(foreign)?;
                    let to = out.part(s * per, &[per]).ok_or_else(foreign)?;
                    move_numbers(store, &part, &to)?;
                }
                Ok(())
            }
            Move::Row { table, at, out } => {
                let [rows, width] = table.shape() else { return Err(foreign()) };
                let row = (store.number(at, 0).ok_or_else(foreign)? as usize).min(rows.saturating_sub(1));
                let part = table.part(row * width, &[*width]).ok_or_else(foreign)?;
                move_numbers(store, &part, out)
            }
            Move::Append { value, history, at } => {
                let (number, k) = (store.number(value, 0), store.number(at, 0));
                let (number, k) = number.zip(k).ok_or_else(foreign)?;
                if let Some(slot) = store.host_mut(history).ok_or_else(foreign)?.get_mut(k as usize) {
                    *slot = number;
                }
                store.host_mut(at).ok_or_else(foreign)?.fill(k + 1.0);
                Ok(())
            }
            Move::Round { from, to } => {
                let rounded = store.numbers(from)?.into_iter().map(|x| x as f32).collect();
                store.write(to, &TensorData::F32(rounded))
            }
            Move::Bound { value, lower, upper } => {
                let bounds: Vec<(f64, f64)> = store.numbers(lower)?.into_iter().zip(store.numbers(upper)?).collect();
                let numbers = store.host_mut(value).ok_or_else(foreign)?;
                numbers.iter_mut().zip(bounds).for_each(|(x, (lower, upper))| *x = x.max(lower).min(upper));
                Ok(())
            }
            Move::Collocate(c) => {
                let from = c.from.iter().map(|view| store.numbers(view)).collect::<Result<Vec<_>, _>>()?;
                let from: Vec<&[f64]> = from.iter().map(Vec::as_slice).collect();
                c.formula.apply(&from, store.host_mut(&c.out).ok_or_else(foreign)?)
            }
        }
    }
}

fn move_numbers(store: &mut Store, from: &View, to: &View) -> Result<(), RuntimeError> {
    if from.array == to.array {
        let numbers = store.read(from)?;
        return store.write(to, &numbers);
    }
    let [source, target] = store.pair(from, to)?;
    match (source, target) {
        (TensorData::F64(source), TensorData::F64(target)) => {
            let part = source.get(from.offset..from.offset + from.len()).ok_or_else(foreign)?;
            target.get_mut(to.offset..to.offset + to.len()).ok_or_else(foreign)?.copy_from_slice(part);
            Ok(())
        }
        _ => Err(foreign()),
    }
}

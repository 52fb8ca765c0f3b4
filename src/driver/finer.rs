//! Equations that jump, as dry friction does: a solution is a polynomial from sample to sample, which bends at a jump, and a fit may take the bends for
//! noise of the process. Between finer samples they are smaller.

use std::cell::Cell;

use super::remarks;
use crate::hir::Model;
use crate::train::joint::{JointError, JointFit};

/// How much finer samples are tried to be.
const FINER: [usize; 2] = [2, 4];

/// The fit that `once` makes at samples so many times as fine, or at finer ones where it finds equations that jump and noise of the process, and an exact
/// solution goes through the data there. `by` is how fine the samples are from then on; `told` has one estimate for every unknown.
pub fn settled(
    model: &Model,
    by: &Cell<usize>,
    told: impl Fn(&JointFit) -> JointFit,
    mut once: impl FnMut(usize) -> Result<JointFit, JointError>,
) -> Result<JointFit, JointError> {
    let found = once(by.get())?;
    if by.get() > 1 || !found.process_noise || remarks::jump(model, &told(&found)).is_none() {
        return Ok(found);
    }
    for finer in FINER {
        match once(finer) {
            Ok(other) if other.in_order() => {
                by.set(finer);
                return Ok(other);
            }
            Err(interrupted @ JointError::Interrupted(_)) => return Err(interrupted),
            _ => {}
        }
    }
    Ok(found)
}

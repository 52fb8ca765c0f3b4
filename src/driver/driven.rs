//! Solutions of models that inputs drive, sample by sample, with the inputs as fits take them.

use std::ops::Range;

use crate::data::{self, OdeError, Tolerance};
use crate::train::joint::Drive;

/// A right-hand side with inputs: time, state, inputs, derivative to fill in.
pub(super) type Rhs<'a> = dyn FnMut(f64, &[f64], &[f64], &mut [f64]) + 'a;

/// The solution at the ends of the steps behind `samples`, from a state at the first of them, `[sample, component]`.
///
/// Every piece in which the inputs are smooth is solved for itself, so that no step of the integration goes over a jump.
pub(super) fn solve(
    rhs: &mut Rhs<'_>,
    start: &[f64],
    (drive, inputs): (&Drive, usize),
    samples: Range<usize>,
) -> Result<Vec<f64>, OdeError> {
    let (mut state, mut input) = (start.to_vec(), vec![0.0; inputs]);
    let mut rows = Vec::with_capacity(start.len() * samples.len());
    for sample in samples {
        for (piece, begin, end) in drive.pieces(sample) {
            let mut in_piece = |t: f64, x: &[f64], dx: &mut [f64]| {
                drive.at(piece, t, &mut input);
                rhs(t, x, &input, dx);
            };
            let both = data::integrate(&mut in_piece, &state, begin, end - begin, 2, &Tolerance::default())?;
            state = both.get(start.len()..).unwrap_or_default().to_vec();
        }
        rows.extend_from_slice(&state);
    }
    Ok(rows)
}

//! Relaxed solves with a factor in single precision, and their second try in double precision.
//!
//! Whether single precision was enough is known on the device only, when corrections have come to rest or not. The launches of the solve
//! in double precision therefore follow in any case, and each begins by looking at that word of the status: where every system has
//! settled, none of them does anything. The host engine does the same for each of its batches.

use super::generate::Generator;
use super::relaxed;
use crate::artifact::SolveStep;
use crate::base::SolvePrecision;

/// The step of a solve or its adjoint.
pub(super) fn step(generator: &mut Generator<'_>, s: &SolveStep) {
    let before = generator.check_count();
    relaxed::step(generator, s);
    if s.precision == SolvePrecision::Mixed
        && let Some(word) = generator.narrowed(before)
    {
        let double = SolveStep { precision: SolvePrecision::F64, ..s.clone() };
        generator.guarded(word, |generator| relaxed::step(generator, &double));
    }
}

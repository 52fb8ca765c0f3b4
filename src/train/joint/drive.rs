//! What drives a model whose solution is looked for from sample to sample: its inputs, as fits take them.

use super::input;
use super::problem::Observations;
use super::refine::{Kept, Refined};

/// Inputs along one trajectory, cut into pieces in which they are smooth.
pub struct Drive {
    t: Vec<f64>,
    /// Lengths of the pieces.
    h: Vec<f64>,
    /// Values and slopes of every input at the ends of the pieces.
    inputs: Vec<[Vec<f64>; 2]>,
    kept: Kept,
}

impl Drive {
    /// The inputs of observations, whose states do not matter.
    pub fn new(observations: &Observations) -> Drive {
        let Refined { observations: fine, kept } = Refined::new(observations, 1);
        let h = fine.links();
        let of = |(k, v): (usize, &[f64])| [v.to_vec(), input::slopes(v, &h, fine.between(k))];
        let inputs = fine.input.chunks_exact(fine.t.len().max(1)).enumerate().map(of).collect();
        Drive { t: fine.t, h, inputs, kept }
    }

    /// The pieces between a sample and the next one: number, first time, length. Times have not always the digits for the shortest of these.
    pub fn pieces(&self, sample: usize) -> impl Iterator<Item = (usize, f64, f64)> + '_ {
        let place = |sample| self.kept.place(sample).unwrap_or(self.t.len().saturating_sub(1));
        (place(sample)..place(sample + 1)).filter_map(|k| Some((k, *self.t.get(k)?, *self.h.get(k)?)))
    }

    /// The inputs in a piece, so long behind its beginning.
    pub fn at(&self, piece: usize, behind: f64, out: &mut [f64]) {
        let Some(&h) = self.h.get(piece) else { return };
        let share = if h > 0.0 { (behind / h).clamp(0.0, 1.0) } else { 0.0 };
        for (out, [values, slopes]) in out.iter_mut().zip(&self.inputs) {
            *out = input::between(values, slopes, &self.h, (piece, share));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Between;

    #[test]
    fn inputs_are_smooth_in_every_piece() {
        let observations = Observations {
            t: vec![0.0, 1.0, 3.0],
            input: vec![0.0, 1.0, 9.0, 5.0, 7.0, 0.0, 4.0, 0.0, 1.0],
            between: vec![Between::Smooth, Between::Held, Between::Impulse],
            ..Observations::default()
        };
        let drive = Drive::new(&observations);
        let mut out = [0.0; 3];
        // An impulse in the first step, and the jump at its end.
        let pieces: Vec<_> = drive.pieces(0).collect();
        assert_eq!(pieces.len(), 5);
        drive.at(pieces[3].0, 0.5 - pieces[3].1, &mut out);
        // The slopes are 1 at the first sample, to the second, and 2 there.
        assert!((out[0] - 0.375).abs() < 0.02 && out[1..] == [5.0, 0.0], "{out:?}");
        drive.at(pieces[1].0, 0.005, &mut out);
        assert_eq!(out[1..], [5.0, 400.0]);
        let pieces: Vec<_> = drive.pieces(1).collect();
        drive.at(pieces[0].0, 1.0, &mut out);
        assert!((out[0] - 4.5).abs() < 0.02 && out[1..] == [7.0, 0.0], "{out:?}");
        assert_eq!(pieces.iter().map(|p| p.2).sum::<f64>(), 2.0);
        assert_eq!(drive.pieces(2).count(), 0);
    }
}

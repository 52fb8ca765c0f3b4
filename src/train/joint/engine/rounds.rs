//! When a stage ends, and whether it has settled by then.

/// Rounds with whole steps at most, with and without selection.
const WHOLE: [usize; 2] = [3, 8];
/// Rounds at most, whole and damped ones together: the one bound of every stage.
const ALL: usize = 16;
/// A stage ends when no unknown moves by more than this many standard errors.
const SETTLED: f64 = 0.3;

/// What a round did.
pub(super) struct Round {
    /// The largest move of an unknown that its solve asked for, in standard errors.
    pub moved: f64,
    /// The share of it that was gone.
    pub share: f64,
    /// Whether the set of terms is the one before.
    pub same_terms: bool,
}

impl Round {
    /// Whether another round would stay where this one came to. Damped steps do not arrive, and a set of terms that has just changed is
    /// not known to last.
    fn settled(&self) -> bool {
        self.moved < SETTLED && self.share == 1.0 && self.same_terms
    }
}

/// The rounds of a stage.
pub(super) struct Rounds {
    selecting: bool,
    all: usize,
    whole: usize,
}

impl Rounds {
    /// Those of a stage that begins.
    pub fn new(selecting: bool) -> Rounds {
        Rounds { selecting, all: 0, whole: 0 }
    }

    /// Counts a round. `None` while more are due; at the end whether the stage has settled.
    pub fn ended(&mut self, round: &Round) -> Option<bool> {
        self.all += 1;
        self.whole += usize::from(round.share == 1.0);
        let settled = round.settled();
        // Where nothing has moved the next round would be this one again.
        let stuck = round.share == 0.0;
        (settled || stuck || self.all >= ALL || self.whole >= WHOLE[usize::from(self.selecting)]).then_some(settled)
    }
}

#[cfg(test)]
mod tests {
    use super::{Round, Rounds};

    /// A round that moves by a share of so many standard errors, to the same terms or to others.
    fn round(moved: f64, share: f64, same_terms: bool) -> Round {
        Round { moved, share, same_terms }
    }

    /// After how many rounds a stage ends in which the first rounds are followed by others of one kind, and whether it has settled.
    fn end(selecting: bool, first: &[Round], then: &Round) -> (usize, bool) {
        let mut rounds = Rounds::new(selecting);
        for (count, next) in first.iter().chain(std::iter::repeat_n(then, 100)).enumerate() {
            if let Some(settled) = rounds.ended(next) {
                return (count + 1, settled);
            }
        }
        (usize::MAX, false)
    }

    #[test]
    fn every_stage_ends_and_says_whether_it_settled() {
        let (whole, damped) = (round(1.0, 1.0, true), round(1.0, 0.5, true));
        let (small, on_the_way) = (round(0.1, 1.0, true), round(0.1, 0.5, false));
        let other_terms = round(0.1, 1.0, false);
        let far: Vec<Round> = (0..9).map(|_| round(5.0, 0.25, true)).collect();
        for (selecting, first, then, expected) in [
            (true, &[][..], &small, (1, true)),
            (false, &[], &whole, (3, false)),
            (true, &[], &whole, (8, false)),
            // Damped steps do not use up those of whole ones, and all together have one bound.
            (true, &far, &whole, (16, false)),
            (false, &far, &whole, (12, false)),
            (true, &far, &small, (10, true)),
            (false, &[], &damped, (16, false)),
            (true, &far, &damped, (16, false)),
            // Small steps have not settled on the way to other terms, nor at them in the same round.
            (true, &[], &on_the_way, (16, false)),
            (true, &[], &other_terms, (8, false)),
            // A step that is wholly taken back leaves nothing to do again.
            (true, &far, &round(5.0, 0.0, true), (10, false)),
        ] {
            assert_eq!(end(selecting, first, then), expected, "{selecting}, {} before", first.len());
        }
    }
}

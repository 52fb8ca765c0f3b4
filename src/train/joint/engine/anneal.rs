//! The stages: process noise is taken back from a local smoother to a nearly exact trajectory, as far as the likelihood goes along.

use super::stage::{Stage, Terms};
use super::{Engine, State};
use crate::train::joint::collocation;
use crate::train::joint::problem::{JointError, JointFit};

/// Process noise per step in units of each component's measurement noise, stage by stage. The memory of the smoother is about
/// 1/kappa samples: 0.3 is a local smoother, insensitive to its start; 0.001 goes beyond 400 samples.
pub(super) const LADDER: [f64; 6] = [0.3, 0.1, 0.03, 0.01, 0.003, 0.001];
/// The same where the start is near a solution.
const NEAR: [f64; 3] = [0.03, 0.003, 0.001];
/// Terms are dropped from this stage on; before, the smoother is too local for their significance to mean anything.
const SELECT_FROM: f64 = 0.1;
/// The rise of twice the negative log marginal likelihood (with the price of terms) that ends the annealing.
const LIKELIHOOD_RISE: f64 = 10.0;
/// A rise from which on smaller process noise is not tried.
const FAR: f64 = 3.0 * LIKELIHOOD_RISE;
/// Samples are doubled while the discretisation error exceeds this share of the noise, up to [`MAX_REFINEMENT`] times as many.
const TOLERATED_DISCRETISATION: f64 = 0.3;
/// A discretisation error of so many times the noise is none that noise of the process accounts for, where an input is sudden and states follow it fast.
const FAR_TOO_COARSE: f64 = 3.0;
/// Stages with inflated noise at most, beside the first ones.
const INFLATED: f64 = 12.0;

/// Where the noise of a component would have to be so many times as large, its trajectory follows the data and not the law.
const ENLARGED: f64 = 1.4;
/// Stages with larger noise, at most.
const MOST_ENLARGED: usize = 6;

impl Engine<'_> {
    /// The fit, and whether its samples are too coarse for the model.
    pub(super) fn run(&mut self) -> Result<(JointFit, bool), JointError> {
        self.grid.hold(self.model)?;
        let mut state = self.start()?;
        let mut best: Option<Stage> = None;
        let mut far_too_coarse = false;
        for (inflation, kappa) in self.schedule(&state)? {
            let sigma = state.sigma.clone();
            let begin = State { sigma: sigma.iter().map(|s| s * inflation).collect(), ..state.clone() };
            let terms = if kappa <= SELECT_FROM { self.choice() } else { Terms::All };
            let stage = self.stage(kappa, begin, terms)?;
            if inflation > 1.0 {
                state = State { sigma, ..stage.state };
                continue;
            }
            state = stage.state.clone();
            let selecting = kappa <= SELECT_FROM;
            let rises = best.as_ref().is_some_and(|b| stage.criterion > b.criterion + LIKELIHOOD_RISE && !stage.clean);
            if self.settings.near && (rises || !stage.converged) {
                return Ok((self.finish(&Stage { process_noise: rises, converged: false, ..stage })?, false));
            }
            if self.settings.exact {
                best = Some(if kappa == LADDER[LADDER.len() - 1] { self.held(stage, sigma)? } else { stage });
                continue;
            }
            match &best {
                Some(b) if selecting && stage.criterion > b.criterion + LIKELIHOOD_RISE && !stage.clean => {
                    far_too_coarse = !self.grid.sudden().is_empty() && error(b) > FAR_TOO_COARSE;
                    best = self.with_process_noise(best.take())?;
                    if let Some(noisy) = best.take() {
                        best = Some(match self.exactly(&noisy)? {
                            Some(exact) => Stage { went_astray: true, ..exact },
                            None => self.noisier(noisy)?,
                        });
                    }
                    break;
                }
                Some(b) if stage.criterion > b.criterion + LIKELIHOOD_RISE => {}
                _ => best = Some(stage),
            }
        }
        let best = best.ok_or(JointError::Collinear)?;
        let coarse = (far_too_coarse && best.process_noise) || error(&best) > TOLERATED_DISCRETISATION;
        Ok((JointFit { coarse, ..self.finish(&best)? }, coarse))
    }

    /// A stage whose trajectory is to be exact, again with the noise that it was made with made larger until defects are what is small: at the noise `sigma`
    /// of a trajectory that follows the data instead they are not.
    fn held(&mut self, stage: Stage, mut sigma: Vec<f64>) -> Result<Stage, JointError> {
        let mut stage = stage;
        for _ in 0..MOST_ENLARGED {
            if stage.size.iter().all(|size| *size < ENLARGED) {
                break;
            }
            sigma.iter_mut().zip(&stage.size).for_each(|(sigma, size)| *sigma *= size.max(1.0));
            let begin = State { sigma: sigma.clone(), ..stage.state.clone() };
            stage = self.stage(stage.kappa, begin, self.choice())?;
        }
        Ok(stage)
    }

    /// What stages do with the terms that may be dropped.
    pub(super) fn choice(&self) -> Terms {
        if self.settings.terms.is_some() { Terms::Fixed } else { Terms::Chosen }
    }

    /// Pairs of noise inflation and kappa. A start far worse than the noise anneals the weight of the data too.
    fn schedule(&mut self, state: &State) -> Result<Vec<(f64, f64)>, JointError> {
        if self.settings.near {
            return Ok(NEAR.iter().map(|&k| (1.0, k)).collect());
        }
        let defects = collocation::defects(&self.grid, self.model, &state.x, &state.xi)?;
        let (n, links) = (self.grid.n, self.grid.links().max(1) as f64);
        let worst = (0..n)
            .map(|c| {
                let rows = defects.iter().skip(c).step_by(n).zip(&self.grid.row_weight);
                (rows.map(|(d, w)| d * w * d * w).sum::<f64>() / links).sqrt() / state.sigma[c]
            })
            .fold(0.0, f64::max);
        let plain = LADDER.iter().map(|&k| (1.0, k));
        if worst <= 10.0 * LADDER[0] || !worst.is_finite() {
            return Ok(plain.collect());
        }
        let mut inflation = worst / LADDER[0];
        let mut pairs: Vec<(f64, f64)> = LADDER[..4].iter().map(|&k| (inflation, k)).collect();
        // However far off the start is, the number of stages has a bound.
        let by = inflation.powf(1.0 / INFLATED).max(10.0);
        while inflation > 10.0 {
            inflation /= by;
            pairs.push((inflation, LADDER[3]));
        }
        pairs.extend(plain.skip(2));
        self.expected_solves += 2 * pairs.len();
        Ok(pairs)
    }

    /// The data want process noise: the best stage again with kappa refined around its own, selecting there.
    fn with_process_noise(&mut self, best: Option<Stage>) -> Result<Option<Stage>, JointError> {
        let Some(mut best) = best else { return Ok(None) };
        let begin = best.state.clone();
        let centre = best.kappa;
        for factor in [10f64.sqrt(), 1.0, 10f64.powf(-0.25)] {
            // Whatever kappa is: this is the last chance to drop terms.
            let stage = self.stage(centre * factor, begin.clone(), self.choice())?;
            if stage.criterion < best.criterion || factor == 1.0 {
                best = stage;
            }
        }
        best.process_noise = true;
        Ok(Some(best))
    }

    /// The fit of the same terms without process noise, where the data do not tell it from one with: the annealing ends as well where the
    /// choice of terms or a step went astray.
    fn exactly(&mut self, noisy: &Stage) -> Result<Option<Stage>, JointError> {
        let mut last: Option<Stage> = None;
        for kappa in LADDER.into_iter().filter(|kappa| *kappa < noisy.kappa) {
            let begin = last.as_ref().unwrap_or(noisy).state.clone();
            let stage = match self.stage(kappa, begin, Terms::Fixed) {
                Ok(stage) => stage,
                Err(interrupted @ JointError::Interrupted(_)) => return Err(interrupted),
                Err(_) => return Ok(None),
            };
            if stage.evidence > noisy.evidence + FAR {
                return Ok(None);
            }
            last = Some(stage);
        }
        Ok(last.filter(|exact| exact.converged && exact.evidence <= noisy.evidence + LIKELIHOOD_RISE))
    }
}

/// The largest discretisation error of a component, relative to its noise. Noise of the process hides an error as noise of the observations does.
fn error(stage: &Stage) -> f64 {
    let ratio = |(c, s): (&f64, &f64)| c / (s * stage.kappa.max(1.0));
    stage.correction.iter().zip(&stage.state.sigma).map(ratio).fold(0.0, f64::max)
}

//! What a run keeps so that it can be taken up again.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::failure::{Failure, Problem};
use super::resume::Identity;
use crate::base::Tensor;
use crate::report::{Archive, Checkpoint, Disk, OutputError, RunDir};
use crate::train::gradient::{Best, Keeper, Normalisation, State, Watch, Weights};
use crate::train::joint::Interim;

/// Time between two checkpoints of a training that is not interrupted.
const PAUSE: Duration = Duration::from_secs(30);
/// Where a step takes longer than this, every step is saved: an interrupt would not wait for its end.
const LONG_STEP: Duration = Duration::from_secs(2);
/// Saving takes at most one part in so many of the time.
const SHARE: u32 = 20;

/// Writes the checkpoints of one fit.
#[derive(Debug)]
pub struct Saver {
    directory: PathBuf,
    identity: Identity,
    engine: &'static str,
    started: Instant,
    /// Time taken before the run was taken up again.
    before: f64,
    last: Instant,
    cost: Duration,
    saved: Option<u64>,
    failed: Option<OutputError>,
}

impl Saver {
    /// A saver for a fit that started at `started`, after `before` seconds of an interrupted run.
    pub fn new(
        directory: &RunDir,
        identity: Identity,
        engine: &'static str,
        (started, before): (Instant, f64),
    ) -> Saver {
        Saver {
            directory: directory.path().to_path_buf(),
            identity,
            engine,
            started,
            before,
            last: Instant::now(),
            cost: Duration::ZERO,
            saved: None,
            failed: None,
        }
    }

    /// Time since the start, that of an interrupted run included.
    pub fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }

    /// Saves what the engine gives.
    pub fn save(&mut self, mut archive: Archive, step: u64, finished: bool) -> Result<(), OutputError> {
        let begun = Instant::now();
        let identity = serde_json::to_value(&self.identity).unwrap_or_default();
        let about = json!({
            "engine": self.engine, "step": step, "finished": finished, "wall_seconds": self.seconds(), "identity": identity,
        });
        if let Value::Object(about) = about {
            archive.description.extend(about);
        }
        let saved = Checkpoint { step, payload: archive.encode() }.save(&mut Disk, &self.directory);
        self.last = Instant::now();
        self.cost = begun.elapsed();
        if saved.is_ok() {
            self.saved = Some(step);
        }
        saved
    }

    /// Saves, and remembers a failure for [`Saver::tell`].
    pub fn keep_archive(&mut self, archive: Archive, step: u64) {
        self.failed = self.save(archive, step, false).err();
    }

    /// Adds to a failure what has been kept.
    pub fn tell(&mut self, failure: Failure) -> Failure {
        let place = self.directory.join(Checkpoint::file_names()[0]);
        let kept = self.saved.map(|step| format!("the state after step {step} is in `{}`", place.display()));
        match failure {
            Failure::Interrupted(_) => match (self.failed.take(), kept) {
                (Some(error), _) => error.into(),
                (None, Some(kept)) => {
                    let help = format!("go on with `--resume {}`", self.directory.display());
                    Failure::Interrupted(Problem::new("N000", format!("interrupted: {kept}"), help))
                }
                (None, None) => failure,
            },
            Failure::Numerical(mut problem) => {
                if let Some(kept) = kept {
                    problem.message = format!("{}; {kept}", problem.message);
                }
                Failure::Numerical(problem)
            }
            other => other,
        }
    }

    /// A failure to save that did not end the run.
    pub fn warning(&mut self) -> Option<String> {
        self.failed.take().map(|e| format!("a checkpoint could not be saved: {e}"))
    }
}

impl Keeper for Saver {
    fn offer(&mut self, state: &State, lasted: Duration) {
        let pause = if lasted > LONG_STEP { Duration::ZERO } else { PAUSE };
        if self.last.elapsed() >= pause.max(self.cost.saturating_mul(SHARE)) {
            self.keep(state);
        }
    }

    fn keep(&mut self, state: &State) {
        self.keep_archive(of_training(state), state.step as u64);
    }
}

/// Where a joint fit stands as named arrays, with the trajectory (`[component, time]`) where there is one.
pub fn of_joint(interim: &Interim, trajectory: &[f64]) -> Archive {
    let mut archive = Archive::default();
    add(&mut archive, "unknowns", interim.unknowns.clone());
    add(&mut archive, "kept", flags(&interim.kept));
    add(&mut archive, "noise", interim.noise.clone());
    add(&mut archive, "trajectory", trajectory.to_vec());
    archive
}

/// Adds a vector; it fits its own length.
fn add(archive: &mut Archive, name: &str, numbers: Vec<f64>) {
    if let Ok(tensor) = Tensor::from_f64(vec![numbers.len()], numbers) {
        archive.arrays.insert(name.into(), tensor);
    }
}

/// One for yes, zero for no.
fn flags(flags: &[bool]) -> Vec<f64> {
    flags.iter().map(|&f| f64::from(u8::from(f))).collect()
}

/// Where the arrays of a training lie in its archive, and which of the three they are.
const OF_WEIGHTS: [&str; 3] = ["value/", "mean/", "square/"];

/// The state of a training as named arrays.
pub fn of_training(state: &State) -> Archive {
    let mut archive = Archive::default();
    archive.description.insert("looked".into(), state.looked.into());
    add(&mut archive, "coefficients", state.coefficients.clone());
    add(&mut archive, "kept", flags(&state.kept));
    add(&mut archive, "mask", state.mask.clone());
    add(&mut archive, "held", state.held.clone());
    add(&mut archive, "losses", state.losses.clone());
    add(&mut archive, "path", state.path.clone());
    add(&mut archive, "normalisation/mean", state.normalisation.mean.clone());
    add(&mut archive, "normalisation/scale", state.normalisation.scale.clone());
    add(&mut archive, "normalisation/features", state.features.clone());
    for weights in &state.weights {
        for (prefix, tensor) in OF_WEIGHTS.into_iter().zip([&weights.value, &weights.mean, &weights.square]) {
            archive.arrays.insert(format!("{prefix}{}", weights.name), tensor.clone());
        }
    }
    let watch = &state.watch;
    let counts = [watch.looked, watch.waited, watch.held].map(|n| n as f64);
    add(&mut archive, "watch/counts", counts.to_vec());
    add(&mut archive, "watch/numbers", vec![watch.least, watch.factor]);
    add(&mut archive, "watch/steps", watch.steps.clone());
    add(&mut archive, "watch/losses", watch.losses.clone());
    if let Some(best) = &state.best {
        add(&mut archive, "best/coefficients", best.coefficients.clone());
        add(&mut archive, "best/kept", flags(&best.kept));
        add(&mut archive, "best/mask", best.mask.clone());
        add(&mut archive, "best/held", best.held.clone());
        for (weights, value) in state.weights.iter().zip(&best.values) {
            archive.arrays.insert(format!("{BEST}{}", weights.name), value.clone());
        }
    }
    archive
}

/// Where the trained arrays of the best state lie in an archive.
const BEST: &str = "best/value/";

fn watch(archive: &Archive) -> Option<Watch> {
    let numbers = |name: &str| archive.arrays.get(name).map(Tensor::to_f64);
    let [looked, waited, held] = <[f64; 3]>::try_from(numbers("watch/counts")?).ok()?.map(|n| n as usize);
    let [least, factor] = <[f64; 2]>::try_from(numbers("watch/numbers")?).ok()?;
    let (steps, losses) = (numbers("watch/steps")?, numbers("watch/losses")?);
    Some(Watch { looked, steps, losses, least, waited, held, factor })
}

/// The best state of a training, whose arrays have these names.
fn best(archive: &Archive, weights: &[Weights]) -> Option<Best> {
    let numbers = |name: &str| archive.arrays.get(name).map(Tensor::to_f64);
    let values = weights.iter().map(|w| archive.arrays.get(&format!("{BEST}{}", w.name)).cloned());
    Some(Best {
        coefficients: numbers("best/coefficients")?,
        kept: numbers("best/kept")?.into_iter().map(|k| k != 0.0).collect(),
        mask: numbers("best/mask")?,
        held: numbers("best/held")?,
        values: values.collect::<Option<_>>()?,
    })
}

/// The state of a training from its archive; `None` where it is not one.
pub fn training(archive: &Archive) -> Option<State> {
    let count = |name: &str| archive.description.get(name)?.as_u64().and_then(|n| usize::try_from(n).ok());
    let numbers = |name: &str| archive.arrays.get(name).map(Tensor::to_f64);
    let names = archive.arrays.keys().filter_map(|key| key.strip_prefix(OF_WEIGHTS[0]));
    let weights = names.map(|name| {
        let [value, mean, square] = OF_WEIGHTS.map(|prefix| archive.arrays.get(&format!("{prefix}{name}")).cloned());
        Some(Weights { name: name.to_string(), value: value?, mean: mean?, square: square? })
    });
    let weights: Vec<Weights> = weights.collect::<Option<_>>()?;
    Some(State {
        step: count("step")?,
        looked: count("looked")?,
        watch: watch(archive)?,
        best: best(archive, &weights),
        weights,
        kept: numbers("kept")?.into_iter().map(|k| k != 0.0).collect(),
        mask: numbers("mask")?,
        held: numbers("held")?,
        coefficients: numbers("coefficients")?,
        losses: numbers("losses")?,
        path: numbers("path")?,
        normalisation: Normalisation { mean: numbers("normalisation/mean")?, scale: numbers("normalisation/scale")? },
        features: numbers("normalisation/features")?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Best, Normalisation, State, Tensor, Watch, Weights, of_training, training};
    use crate::report::Archive;

    #[test]
    fn a_training_comes_back_bit_for_bit() {
        // Numbers whose shortest decimal texts are easily got wrong, and those that JSON does not have.
        let numbers = vec![0.1 + 0.2, -0.0, f64::MIN_POSITIVE / 2.0, 1.0 / 3.0, f64::MAX];
        let single = Tensor::from_f32(vec![2, 2], vec![0.1, -0.0, 1e-45, f32::MAX]).unwrap();
        let weights = |name: &str, t: &Tensor| Weights {
            name: name.into(),
            value: t.clone(),
            mean: t.clone(),
            square: t.clone(),
        };
        let double = Tensor::from_f64(vec![5], numbers.clone()).unwrap();
        let state = State {
            step: 5,
            looked: 4,
            weights: vec![weights("v_0_w", &single), weights("phi", &double)],
            kept: vec![true, false, true, true, true],
            mask: numbers.clone(),
            held: numbers.clone(),
            coefficients: numbers.clone(),
            losses: numbers.clone(),
            path: numbers.clone(),
            normalisation: Normalisation { mean: numbers.clone(), scale: numbers.clone() },
            features: numbers.clone(),
            watch: Watch {
                looked: 3,
                steps: vec![2.0, 3.0],
                losses: vec![0.1, 0.3],
                waited: 1,
                held: 1,
                ..Watch::default()
            },
            best: Some(Best {
                values: vec![single.clone(), double.clone()],
                kept: vec![true, true, false, true, true],
                mask: numbers.clone(),
                held: numbers.clone(),
                coefficients: numbers,
            }),
        };
        let mut archive = of_training(&state);
        archive.description.insert("step".into(), 5.into());
        let bytes = archive.encode();
        let again = training(&Archive::decode(&bytes).unwrap()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{state:?}"));
        for end in 0..bytes.len() {
            assert!(Archive::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}

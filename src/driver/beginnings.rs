//! Where states begin that no column observes: at the model's `initial` values, unless the data contradict these. With `initial held` all states do
//! for which the model states one, and the data may contradict them without being followed: that is told.
//!
//! A fit in which the values are held is compared with one in which they are estimated. That may always come closer to the data; what
//! it gains has to pay for the numbers it takes (Schwarz 1978), and a margin beside.

use super::failure::Failure;
use super::lost;
use super::observed::Observed;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{W0706, W1111};
use crate::hir::{self, Model};
use crate::lower::pointwise::components;
use crate::report::{by_noise, few, named, round, short};
use crate::source::Span;
use crate::train::joint::{JointError, JointFit, Observations};

/// Units of log likelihood that the estimate has to gain beside its price.
const MARGIN: f64 = 5.0;
/// A fit explains little where this share of the variance of a state's samples is left over.
const LITTLE: f64 = 0.2;
/// A first sample that is further from a start than so many times its noise does not begin there.
const FAR: f64 = 5.0;

/// The fit that counts.
pub struct Settled {
    /// What came of it.
    pub result: Result<JointFit, JointError>,
    /// What it was made to.
    pub observations: Observations,
    /// Whether its starts were held.
    pub held: bool,
    /// What came of the fit with starts that are estimated, where one was made and does not count.
    pub free: Option<Result<JointFit, JointError>>,
    /// That fit where the data contradict starts that are held all the same.
    pub against: Option<JointFit>,
}

/// A fit to observations, with parameters that start where another fit came to.
type Fit<'f> = dyn FnMut(&Observations, Option<&JointFit>) -> Result<JointFit, JointError> + 'f;

/// The fit that counts. `fit` makes one to these observations; `open` says which of the known starts are known whatever the data say, and `always`
/// whether all of them are held even so.
pub fn settled(observations: Observations, open: Vec<bool>, always: bool, fit: &mut Fit<'_>) -> Settled {
    let held = fit(&observations, None);
    let kept = |result, free| Settled { result, observations: observations.clone(), held: true, free, against: None };
    if observations.known == open || matches!(held, Err(JointError::Interrupted(_))) {
        return kept(held, None);
    }
    let open = Observations { known: open, ..observations.clone() };
    let free = fit(&open, None);
    let is_contradicted = |held: &JointFit, free: &JointFit| {
        let sets = [&observations, &open];
        if always { speak_against(sets, held, free) } else { contradicted(sets, held, free) }
    };
    // Only what no search has missed contradicts: a fit that begins as declared may be found from where one came to that need not.
    let held = match &free {
        Ok(free) if held.as_ref().map_or(true, |held| is_contradicted(held, free)) => {
            match fit(&observations, Some(free)) {
                Ok(again) if !is_contradicted(&again, free) => Ok(again),
                Err(JointError::Interrupted(interim)) => {
                    Err(JointError::Interrupted(interim.or_else(|| Some(Box::new(free.interim())))))
                }
                _ => held,
            }
        }
        _ => held,
    };
    match (held, free) {
        (Err(interrupted @ JointError::Interrupted(_)), _) => kept(Err(interrupted), None),
        (held, Err(JointError::Interrupted(interim))) => {
            let interim = held.ok().map(|fit| Box::new(fit.interim())).or(interim);
            kept(Err(JointError::Interrupted(interim)), None)
        }
        (Ok(held), Ok(free)) if !is_contradicted(&held, &free) => kept(Ok(held), Some(Ok(free))),
        (held, Ok(free)) if always => Settled { against: Some(free), ..kept(held, None) },
        (_, Ok(free)) => Settled { result: Ok(free), observations: open, held: false, free: None, against: None },
        (held, Err(error)) => kept(held, Some(Err(error))),
    }
}

/// Whether the fit with free starts is worth its numbers, or in order where the other is not.
fn contradicted(sets: [&Observations; 2], held: &JointFit, free: &JointFit) -> bool {
    if held.in_order() != free.in_order() {
        return free.in_order();
    }
    gains(sets, held, free)
}

/// Whether the data speak against starts that are held whatever they say. That the fit with them did not settle is told of it, and is no reason to doubt what
/// is known. Where it explains little, one with free starts that is not in order either is enough, as long as it explains more, or finds noise of the process
/// while trajectories begin elsewhere, and does not go through every sample.
fn speak_against(sets: [&Observations; 2], held: &JointFit, free: &JointFit) -> bool {
    let [observations, _] = sets;
    let explains_more = || match free.process_noise {
        true => begin_elsewhere(observations, free),
        false => !explains_little(observations, free),
    };
    let through = || free.noise.iter().zip(&free.scatter).any(|(noise, scatter)| *noise < lost::LITTLE * scatter);
    let is_enough = free.in_order() || explains_little(observations, held) && explains_more() && !through();
    // Beside noise of the process that of the samples says nothing.
    is_enough && (held.process_noise || gains(sets, held, free))
}

/// Whether some first sample is further from the start that is known there than the noise of a fit and the scatter of samples allow.
fn begin_elsewhere(observations: &Observations, fit: &JointFit) -> bool {
    let len = observations.t.len();
    observations.pinned().any(|(t, c, start)| {
        let noise = fit.noise.get(c).copied().unwrap_or(f64::NAN);
        let noise = fit.scatter.get(c).copied().unwrap_or(f64::NAN).max(noise);
        observations.y.get(c * len + t).is_some_and(|first| (first - start).abs() > FAR * noise)
    })
}

/// Whether a fit leaves over much of what the samples of a state do, or finds noise of the process in its place.
fn explains_little(observations: &Observations, fit: &JointFit) -> bool {
    let is_much = |(y, noise): (&[f64], &f64)| {
        let seen = || y.iter().filter(|y| y.is_finite());
        let count = seen().count().max(1) as f64;
        let mean = seen().sum::<f64>() / count;
        let variance = seen().map(|y| (y - mean) * (y - mean)).sum::<f64>() / count;
        variance > 0.0 && noise * noise > LITTLE * variance
    };
    fit.process_noise || observations.y.chunks_exact(observations.t.len().max(1)).zip(&fit.noise).any(is_much)
}

/// Whether the fit with free starts is worth its numbers.
fn gains([observations, open]: [&Observations; 2], held: &JointFit, free: &JointFit) -> bool {
    let len = observations.t.len();
    let seen: Vec<f64> =
        observations.y.chunks_exact(len.max(1)).map(|y| y.iter().filter(|y| y.is_finite()).count() as f64).collect();
    let gain = |((held, free), seen): ((&f64, &f64), &f64)| match (*held > 0.0, *free > 0.0) {
        (true, true) => seen * libm::log(held / free),
        _ => 0.0,
    };
    let gain: f64 = held.noise.iter().zip(&free.noise).zip(&seen).map(gain).sum();
    let numbers = observations.pinned().count().saturating_sub(open.pinned().count()) as f64;
    let all: f64 = seen.iter().sum();
    gain > MARGIN + 0.5 * numbers * libm::log(all.max(1.0))
}

/// The starts that a model states, as they are written, with their components and places.
fn declared(model: &Model) -> impl Iterator<Item = (usize, String, Span)> {
    components(model).into_iter().enumerate().filter_map(|(c, (state, derivative))| {
        let declared = model.initial.iter().find(|i| i.state == state && i.derivative == derivative)?;
        let name = model.spell_state(state, derivative);
        Some((c, format!("{name} = {}", hir::number(declared.value)), declared.span))
    })
}

/// What to say where the data contradict the starts that a fit holds. Of the two fits the first one holds them. Told are where the second one begins, from the
/// least to the largest of several trajectories, and by how much less it leaves over of every observed state.
pub fn contradicted_held(
    (model, observed): (&Model, &Observed),
    observations: &Observations,
    [held, free]: [&JointFit; 2],
) -> Diagnostic {
    let len = observations.t.len();
    let elsewhere = declared(model).filter_map(|(c, stated, span)| {
        let noise = free.noise.get(c).copied().filter(|noise| *noise > 0.0);
        let digits = |end| noise.map_or_else(|| short(end), |noise| by_noise(end, noise));
        let found = || observations.firsts().filter_map(|t| free.x.get(c * len + t).copied());
        let ends = [found().reduce(f64::min)?, found().reduce(f64::max)?].map(digits);
        let found = if ends[0] == ends[1] { ends[0].clone() } else { ends.join(" to ") };
        Some((format!("`{stated}` (found: {found})"), span))
    });
    let (starts, places): (Vec<String>, Vec<Span>) = elsewhere.unzip();
    let seen = observed.components.iter().zip(held.noise.iter().zip(&free.noise));
    // Beside noise of the process that of the samples says nothing.
    let larger = seen.filter(|(c, (held, free))| c.deviation > 0.0 && **free > 0.0 && held > free);
    let larger = larger.filter(|_| !held.process_noise);
    let larger: Vec<String> =
        larger.map(|(c, (held, free))| format!("{} in `{}`", short(held / free), c.state)).collect();
    let message = format!("the data contradict the starts that the fit holds, {}", few(&starts));
    let less = match larger.as_slice() {
        [] if held.process_noise && free.in_order() => {
            "with estimated starts the data follow the model exactly: ".to_string()
        }
        [] => String::new(),
        [one] => format!("with estimated starts the residual noise is smaller, by a factor of {one}: "),
        several => format!("with estimated starts the residual noise is smaller, by factors of {}: ", few(several)),
    };
    let span = places.first().copied().unwrap_or(model.span);
    Diagnostic::warning(W1111, message, span, "stated here").help(format!(
        "{less}leave `initial held` out of the block of the fit, unless something else of the model is wrong, or look whether every trajectory \
         begins there with its first sample"
    ))
}

/// The same where the fit with free starts leaves over more than noise, too.
pub fn and_more(found: Diagnostic) -> Diagnostic {
    let first = "what is left over with estimated starts is no noise either: something else of the model is wrong, such as a term that is missing, and may be why";
    let help = found.help.iter().fold(first.to_string(), |first, help| format!("{first}; {help}"));
    found.help(help)
}

/// The failure of a fit that holds starts, where one with starts that are estimated comes to an end: that is its way out.
pub fn failed(model: &Model, failure: Failure) -> Failure {
    let Failure::Numerical(mut problem) = failure else { return failure };
    let starts: Vec<String> = declared(model).map(|(_, stated, _)| format!("`{stated}`")).collect();
    problem.help = format!(
        "`initial held` holds {}, and with starts that are estimated the fit comes to an end: leave `initial held` out of the block of the fit, or \
         look whether every trajectory begins there; if it does, {}",
        named(&starts),
        problem.help
    );
    Failure::Numerical(problem)
}

/// What to say where starts were not kept: of every state the declared value, and what the solution begins with in the first trajectory.
pub fn released(model: &Model, observed: &Observed, observations: &Observations, x: &[f64]) -> Vec<Diagnostic> {
    let len = observations.t.len();
    let mut out: Vec<(Span, Vec<String>)> = Vec::new();
    for (c, (state, derivative)) in components(model).into_iter().enumerate() {
        let declared = model.initial.iter().find(|i| i.state == state && i.derivative == derivative);
        let hidden = observed.train.column(&model.states[state].name).is_none();
        let (Some(declared), Some(found), true) = (declared, x.get(c * len), hidden) else { continue };
        if observed.is_unfelt(&model.states[state].name) {
            continue;
        }
        let name = model.spell_state(state, derivative);
        // What is found is the first trajectory's.
        let of = if observations.breaks.is_empty() { "" } else { " in the first trajectory" };
        let found = round(*found, None).full();
        let text = format!("`{name} = {}` (found: {found}{of})", hir::number(declared.value));
        let span = model.states[state].span;
        match out.iter_mut().find(|(s, _)| *s == span) {
            Some((_, list)) => list.push(text),
            None => out.push((span, vec![text])),
        }
    }
    let say = |(span, list): (_, Vec<String>)| {
        let message = format!("no good fit starts with the initial value {}: it was estimated", few(&list));
        let d = Diagnostic::warning(W0706, message, span, "not observed, and starting elsewhere");
        d.help("write `initial free` in the block of the fit to have it estimated, or look for what the equations leave out")
    };
    out.into_iter().map(say).collect()
}

//! Where states begin that no column observes: at the model's `initial` values, unless the data contradict these. With `initial held` all states do
//! for which the model states one, and the data may contradict them without being followed: that is told.
//!
//! A fit in which the values are held is compared with one in which they are estimated. That may always come closer to the data; what
//! it gains has to pay for the numbers it takes (Schwarz 1978), and a margin beside.

use super::observed::Observed;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{W0706, W1111};
use crate::hir::{self, Model};
use crate::lower::pointwise::components;
use crate::report::{few, round, short};
use crate::source::Span;
use crate::train::joint::{JointError, JointFit, Observations};

/// Units of log likelihood that the estimate has to gain beside its price.
const MARGIN: f64 = 5.0;

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
pub fn settled(observations: Observations, (open, always): (Vec<bool>, bool), fit: &mut Fit<'_>) -> Settled {
    let held = fit(&observations, None);
    let kept = |result, free| Settled { result, observations: observations.clone(), held: true, free, against: None };
    if observations.known == open || matches!(held, Err(JointError::Interrupted(_))) {
        return kept(held, None);
    }
    let open = Observations { known: open, ..observations.clone() };
    let free = fit(&open, None);
    let is_contradicted = |held: &JointFit, free: &JointFit| {
        let sets = [&observations, &open];
        // That a fit did not settle is told of it, and is no reason to doubt starts that are known.
        if always { free.in_order() && gains(sets, held, free) } else { contradicted(sets, held, free) }
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

/// What to say where the data contradict the starts that a fit holds: of `[held, free]` fits how much less of every observed state the second one leaves over, and
/// where it begins, from the least to the largest where there are several trajectories.
pub fn contradicted_held(
    (model, observed): (&Model, &Observed),
    observations: &Observations,
    [held, free]: [&JointFit; 2],
) -> Diagnostic {
    let len = observations.t.len();
    let parts = components(model).into_iter().enumerate();
    let elsewhere = parts.filter_map(|(c, (state, derivative))| {
        let declared = model.initial.iter().find(|i| i.state == state && i.derivative == derivative)?;
        let found = || observations.firsts().filter_map(|t| free.x.get(c * len + t).copied());
        let ends = [found().reduce(f64::min)?, found().reduce(f64::max)?].map(|end| round(end, None).full());
        let found = if ends[0] == ends[1] { ends[0].clone() } else { ends.join(" to ") };
        let name = model.spell_state(state, derivative);
        Some((format!("`{name} = {}` (found: {found})", hir::number(declared.value)), declared.span))
    });
    let (starts, places): (Vec<String>, Vec<Span>) = elsewhere.unzip();
    let seen = observed.components.iter().zip(held.noise.iter().zip(&free.noise));
    let larger = seen.filter(|(c, (held, free))| c.deviation > 0.0 && **free > 0.0 && held > free);
    let larger: Vec<String> = larger.map(|(c, (held, free))| format!("`{}` {}", c.state, short(held / free))).collect();
    let message = format!("the data contradict the starts that the fit holds, {}", few(&starts));
    let less = match larger.as_slice() {
        [] => String::new(),
        larger => format!("less is left over with starts that are estimated, by factors of {}: ", few(larger)),
    };
    let span = places.first().copied().unwrap_or(model.span);
    Diagnostic::warning(W1111, message, span, "stated here").help(format!(
        "{less}leave `initial held` out of the block of the fit, unless something else of the model is wrong, or look whether every trajectory \
         begins there with its first sample"
    ))
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

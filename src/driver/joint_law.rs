//! The law of a joint fit: where hidden states begin, which terms it has, and others that explain the data about as well.

use std::cell::Cell;

use super::beginnings::{self, Settled};
use super::cancelling;
use super::finer;
use super::joint_numbers::{self, started};
use super::law;
use super::observed::Observed;
use super::pointwise::Compiled;
use super::restarts;
use crate::hir::Model;
use crate::train::joint::{self, Dynamics, JointError, JointFit, Observations, Settings, Unknown};
use crate::train::{Observer, Unseen};

/// What fits are made with.
pub struct Fitter<'a> {
    pub compiled: Compiled,
    pub settings: Settings,
    pub observer: &'a mut dyn Observer,
}

impl Fitter<'_> {
    /// A fit beside the one that is watched.
    pub fn again(&mut self, unknowns: &[Unknown], data: &Observations) -> Result<JointFit, JointError> {
        joint::fit(&mut self.compiled, unknowns, data, &self.settings, &mut Unseen(self.observer))
    }

    /// The same with terms that are not to be chosen, from near where it came to.
    pub fn near(
        &mut self,
        unknowns: &[Unknown],
        data: &Observations,
        terms: Vec<bool>,
    ) -> Result<JointFit, JointError> {
        let settings = Settings { terms: Some(terms), near: true, ..self.settings.clone() };
        joint::fit(&mut self.compiled, unknowns, data, &settings, &mut Unseen(self.observer))
    }
}

/// A law, and what it was found with.
pub struct Law {
    /// The fit.
    pub result: Result<JointFit, JointError>,
    /// The fit with all candidates, where the law is one of fewer.
    pub other: Option<JointFit>,
    /// Laws that explain the data about as well.
    pub others: Vec<JointFit>,
    /// What it was made to.
    pub observations: Observations,
    /// The unknowns as fits begin with them that lead to the law.
    pub unknowns: Vec<Unknown>,
    /// Where states begin.
    pub starts: Starts,
}

/// What a fit takes for known of where states begin.
pub struct Starts {
    /// Whether the model says where some state begins that would else be estimated.
    pub declared: bool,
    /// Whether that was held.
    pub held: bool,
    /// What came of a fit with starts that are estimated, where one was made and does not count.
    pub free: Option<Result<JointFit, JointError>>,
    /// That fit where the data contradict starts that are held all the same.
    pub against: Option<JointFit>,
}

/// The law that counts. The fitter makes fits from now on as those were made that led to it.
pub fn law((model, observed): (&Model, &Observed), unknowns: Vec<Unknown>, fitter: &mut Fitter) -> Law {
    let observations = observed.observations(model, &observed.train.trajectories);
    let open = observed.known_in_any_case(&observations);
    let declared = observations.known != open;
    let mut unknowns = unknowns;
    let Settled { result, observations, held, free, against } =
        first(model, &mut unknowns, (observations, open), observed.held_starts, fitter);
    let starts = Starts { declared, held, free, against };
    let found = result.and_then(|all| {
        let Fitter { compiled, settings, observer } = &mut *fitter;
        let mut with = |unknowns: &[Unknown], terms: Option<Vec<bool>>, (exact, finer): (bool, usize)| {
            let settings = Settings { terms, exact, finer: settings.finer.max(finer), ..settings.clone() };
            joint::fit(compiled, unknowns, &observations, &settings, *observer)
        };
        law::settled((model, &unknowns), all, (observed, &observations), &mut with)
    });
    let found = found.and_then(|law| {
        // What is fitted beside the law is fitted as it was, or would differ from it by that alone.
        let (exact, finer) = law.held;
        let Fitter { compiled, settings, observer } = &mut *fitter;
        (settings.exact, settings.finer, unknowns) = (exact, settings.finer.max(finer), law.unknowns);
        let mut with_terms = |compiled: &mut dyn Dynamics, terms: Vec<bool>| {
            let settings = Settings { terms: Some(terms), ..settings.clone() };
            joint::fit(compiled, &unknowns, &observations, &settings, *observer)
        };
        let best = cancelling::plainest(law.best, (model, &unknowns), &observations, compiled, &mut with_terms)?;
        Ok((best.law, law.all, best.others))
    });
    let (result, other, others) = match found {
        Ok((result, other, others)) => (Ok(result), other, others),
        Err(error) => (Err(error), None, Vec::new()),
    };
    Law { result, other, others, observations, unknowns, starts }
}

/// The fit with all candidates; `open` says which of the known starts are known whatever the data say, and `always` whether all are held even so.
fn first(
    model: &Model,
    unknowns: &mut [Unknown],
    (observations, open): (Observations, Vec<bool>),
    always: bool,
    fitter: &mut Fitter,
) -> Settled {
    let Fitter { compiled, settings, observer } = fitter;
    let by = Cell::new(1);
    // Where there is none, or none can be told, fits begin as they do.
    let decays = joint::decays(compiled, unknowns, &observations).unwrap_or_default();
    let mut once = |data: &Observations, other: Option<&JointFit>| {
        let mut from = other.map_or_else(|| unknowns.to_vec(), |other| started(unknowns, other));
        let found = restarts::settled(&mut from, (&decays, data), &mut |unknowns| {
            finer::settled(model, &by, joint_numbers::told, |finer| {
                let settings = Settings { finer, ..settings.clone() };
                joint::fit(compiled, unknowns, data, &settings, *observer)
            })
        });
        // What begins from there from now on need not be lost first.
        unknowns.iter_mut().zip(from).filter(|(u, _)| u.droppable).for_each(|(u, from)| u.start = from.start);
        found
    };
    let settled = beginnings::settled(observations, open, always, &mut once);
    settings.finer = by.get();
    settled
}

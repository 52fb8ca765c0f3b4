//! How many fits the search for frequencies makes, and how these are shared out.

use std::collections::BTreeMap;

use super::frequencies;
use super::joint_numbers::unknown;
use super::pointwise::Compiled;
use super::session::Session;
use super::target::Target;
use crate::hir::Model;
use crate::runtime::Threads;
use crate::source::MemoryWorld;
use crate::train::Silent;
use crate::train::joint::{self, JointError, JointFit, Observations, Settings, Unknown};

/// Fits that are made for one model, at most, and samples that all of them go over together.
const MOST_FITS: usize = 60;
const MOST_WORK: usize = 100_000;

fn model(frequencies: &str, waves: &str) -> Model {
    let text = format!("model M {{ state x; param a = 0.4, {frequencies}; x' = -a*x + {waves} }}");
    let mut session = Session::new(MemoryWorld::new().with("m.mech", text));
    let program = session.check("m.mech", &[]).expect("a model").program;
    program.models.values().next().cloned().expect("a model")
}

/// So many samples over a time, of a decay.
fn seen(samples: usize, time: f64) -> Observations {
    let t: Vec<f64> = (0..samples).map(|i| time * i as f64 / samples as f64).collect();
    let y = t.iter().map(|t| (-0.4 * t).exp()).collect();
    Observations {
        t,
        y,
        derivative_of: vec![None],
        guess: vec![f64::NAN],
        names: vec!["x".into()],
        ..Default::default()
    }
}

/// Some fit of the model: what it found does not matter to how many others are made.
fn fitted(model: &Model, unknowns: &[Unknown]) -> JointFit {
    let mut compiled = Compiled::linearisation(model, &Target::Host(Threads::single())).expect("a compiled model");
    let settings =
        Settings { seed: 1, significance: None, most_samples: 1000, finer: 1, terms: None, near: false, exact: false };
    joint::fit(&mut compiled, unknowns, &seen(100, 10.0), &settings, &mut Silent).expect("a fit")
}

/// How many fits are made from other starts of each frequency, where none of them is any better.
fn tried(model: &Model, observations: &Observations) -> BTreeMap<String, usize> {
    let unknowns: Vec<Unknown> = model.unknowns.values().map(|u| unknown(model, u)).collect();
    let result = fitted(model, &unknowns);
    let mut counted = BTreeMap::new();
    let again = |tried: &[Unknown]| {
        let moved = tried.iter().zip(&unknowns).filter(|(tried, unknown)| tried.start != unknown.start);
        moved.for_each(|(tried, _)| *counted.entry(tried.name.clone()).or_default() += 1);
        Err(JointError::Collinear)
    };
    let found = frequencies::start(model, (&unknowns, &result, observations), |_| true, again);
    assert!(found.is_none());
    counted
}

fn counts<const N: usize>(of: [(&str, usize); N]) -> BTreeMap<String, usize> {
    of.map(|(name, count)| (name.to_string(), count)).into()
}

#[test]
fn fits_are_shared_out_among_frequencies() {
    let long = seen(1000, 600.0);
    let [one, two] = [model("w = 3", "sin(w*t)"), model("v = 1, w = 3", "sin(v*t) + cos(w*t)")];
    let three = model("u = 2, v = 1, w = 3", "sin(u*t) + sin(v*t) + cos(w*t)");
    assert_eq!(tried(&one, &long), counts([("w", MOST_FITS)]));
    assert_eq!(tried(&two, &long), counts([("v", MOST_FITS / 2), ("w", MOST_FITS / 2)]));
    assert_eq!(tried(&three, &long), counts(["u", "v", "w"].map(|name| (name, MOST_FITS / 3))));
}

/// What has few starts leaves the rest to those behind it, and what has none takes no share.
#[test]
fn fits_that_a_frequency_does_not_need_are_left_to_others() {
    let long = seen(1000, 600.0);
    let apart = 0.3 * std::f64::consts::TAU / 600.0;
    let range = format!("v = 1 in [{}, {}]", 1.0 - 2.5 * apart, 1.0 + 2.5 * apart);
    let narrow = model(&format!("{range}, w = 3"), "sin(v*t) + cos(w*t)");
    assert_eq!(tried(&narrow, &long), counts([("v", 4), ("w", MOST_FITS - 4)]));
    let slow = model("v = 0.001, w = 3", "sin(v*t) + cos(w*t)");
    assert_eq!(tried(&slow, &long), counts([("w", MOST_FITS)]));
}

/// Of large data fewer fits are made, and of too large ones none.
#[test]
fn fits_go_over_a_limited_number_of_samples() {
    let two = model("v = 1, w = 3", "sin(v*t) + cos(w*t)");
    for (samples, fits) in [(10_000, 10), (25_000, 4), (MOST_WORK + 1, 0)] {
        let counted = tried(&two, &seen(samples, 600.0));
        assert_eq!(counted.values().sum::<usize>(), fits, "{samples}: {counted:?}");
        assert!(counted.values().all(|&count| count == fits / 2), "{samples}: {counted:?}");
    }
}

//! What settings there are: one table per kind of block with each key's type, range and default.

use super::settings_elsewhere::setting_meant;
use super::suggest;
use crate::diagnostics::{Advice, closest};
use crate::hir::Engine;

/// What follows a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Takes {
    /// A number from the first to the second; the third says that the first itself is excluded.
    Number(f64, f64, bool),
    /// A whole number in a range.
    Whole(u64, u64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A name, or a text in quotes.
    Name,
    /// A shape of its own, shown in messages.
    Form(&'static str),
}

/// One line of a settings table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// The key.
    pub key: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// What holds without it, in words or as it would be written.
    pub default: &'static str,
    /// The engine it belongs to, if not both.
    pub engine: Option<Engine>,
    /// What it sets.
    pub about: &'static str,
}

const fn rule(key: &'static str, takes: Takes, default: &'static str, about: &'static str) -> Rule {
    Rule { key, takes, default, engine: None, about }
}

const fn joint(key: &'static str, takes: Takes, default: &'static str, about: &'static str) -> Rule {
    Rule { key, takes, default, engine: Some(Engine::Joint), about }
}

const fn gradient(key: &'static str, takes: Takes, default: &'static str, about: &'static str) -> Rule {
    Rule { key, takes, default, engine: Some(Engine::Gradient), about }
}

pub(super) const MAX_SEED: u64 = 1 << 53;

/// What is kept out of a fit, of data that may have several trajectories.
const HOLDOUT: Rule = rule(
    "holdout",
    Takes::Form("holdout 20%` or `holdout 20% of trajectories"),
    "nothing",
    "what is kept out of a fit",
);

const fn seed(about: &'static str) -> Rule {
    rule("seed", Takes::Whole(0, MAX_SEED), "0", about)
}

const fn trajectories(about: &'static str) -> Rule {
    rule("trajectories", Takes::Whole(1, 1_000_000), "1", about)
}

/// Settings of `data NAME = simulate MODEL(...)`.
pub const SIMULATE: &[Rule] = &[
    rule("steps", Takes::Whole(2, 10_000_000), "required without `data`", "samples per trajectory"),
    rule("dt", Takes::Number(0.0, 1e9, true), "required without `data`", "spacing of the samples"),
    rule("start", Takes::Number(-1e12, 1e12, false), "0", "time of the first sample"),
    rule("data", Takes::Name, "none", "the data set that inputs, times and trajectories come from"),
    rule(
        "from",
        Takes::Form("from (1, 1, 1)` or `from measured"),
        "the model's `initial`",
        "initial values, state by state, or the data whose first samples they are",
    ),
    rule(
        "noise",
        Takes::Form("noise 5%` or `noise 0.1 absolute"),
        "0",
        "measurement noise, relative to each state's spread",
    ),
    seed("seed of noise and initial values"),
    trajectories("how many trajectories"),
    rule(
        "vary",
        Takes::Form("vary r = normal(3, 0.5)` or `vary r = (1, 2, 3)"),
        "nothing",
        "a parameter that is drawn, or given, for every trajectory; may stand several times",
    ),
    rule("spread", Takes::Number(0.0, 1e6, false), "0.3", "how far initial values of further trajectories scatter"),
    HOLDOUT,
];

/// Settings of `solve NAME = MODEL(...)`.
pub const SOLVE: &[Rule] = &[
    rule("steps", Takes::Whole(3, 10_000_000), "those of `data`, else required", "samples, the first one at time zero"),
    rule("dt", Takes::Number(0.0, 1e9, true), "that of `data`, else required", "spacing of the samples"),
    rule("from", Takes::Form("from (0, 1)"), "the model's `initial`", "values at the first time, state by state"),
    rule("data", Takes::Name, "none", "the data set that inputs and starts come from"),
    rule("orders", Takes::Whole(1, 15), "order of the model plus 2", "highest derivative kept"),
    rule("rows", Takes::Word(&["hermite", "taylor"]), "hermite", "the rows between neighbouring samples"),
    rule("central", Takes::Word(&["on", "off"]), "off", "central rows, with Taylor rows"),
    rule("slack", Takes::Word(&["on", "off"]), "off", "one unknown in all rows between samples, with Taylor rows"),
    rule("method", Takes::Word(&["normal", "qr"]), "normal", "what is factored: the normal matrix, or the rows"),
    rule("precision", Takes::Word(&["f64", "f32", "mixed"]), "f64", "the arithmetic"),
    rule(
        "refinements",
        Takes::Whole(0, 100),
        "2",
        "corrections of a solve; fewer or more where that is enough or helps",
    ),
    rule("weights", Takes::Form("weights (1, 1, 1)"), "1 each", "factors on equation, boundary and smoothness rows"),
    rule("holdout", Takes::Form("holdout 20%"), "nothing", "what is kept out of a fit to the solution"),
];

/// Settings of `predict NAME = FIT`.
pub const PREDICT: &[Rule] = &[
    rule(
        "steps",
        Takes::Whole(1, 10_000_000),
        "as many as there are data",
        "samples that are predicted of every trajectory",
    ),
    rule("by", Takes::Whole(1, 100_000), "all that the horizon has", "samples that every solve of a roll-out adds"),
    rule(
        "from",
        Takes::Word(&["end", "start", "held_out"]),
        "end; held_out where trajectories are held out",
        "behind which samples it starts",
    ),
    rule(
        "tolerance",
        Takes::Number(0.0, 1e6, true),
        "40%",
        "error, in standard deviations, up to which a prediction follows the data",
    ),
];

/// Settings of `data NAME = formula`; other keys name columns.
pub const FORMULA: &[Rule] = &[
    rule("t", Takes::Form("t = linspace(0, 50, 500)"), "required", "the times: first, last, and how many"),
    seed("seed of the random numbers"),
    trajectories("how many trajectories, each with numbers of its own"),
    HOLDOUT,
];

/// Settings of `data NAME = csv("...")` and of the numpy formats; other keys name states and inputs.
pub const FILE: &[Rule] = &[
    rule("time", Takes::Name, "none", "the column with the times"),
    rule(
        "dt",
        Takes::Number(0.0, 1e9, true),
        "required without a time column",
        "spacing of the samples without a time column",
    ),
    rule(
        "spacing",
        Takes::Word(&["equal", "irregular"]),
        "equal",
        "whether times may be at any distance, for the joint engine",
    ),
    rule(
        "column",
        Takes::Form("column vx [km/h]"),
        "none",
        "the unit of a column that stands in formulas; may stand several times",
    ),
    rule(
        "missing",
        Takes::Form("missing \"NA\"` or `missing (\"NA\", \"-\")"),
        "none",
        "the texts that stand for a missing sample",
    ),
    rule("trajectory", Takes::Name, "one trajectory", "the column that tells trajectories apart"),
    HOLDOUT,
];

/// Settings of `network NAME`.
pub const NETWORK: &[Rule] = &[
    rule(
        "input",
        Takes::Form("input (x, y) over window"),
        "required",
        "observed states the network reads, and what is computed from them",
    ),
    rule(
        "mlp",
        Takes::Form("mlp [64, 64] relu"),
        "required for an output without layers",
        "hidden layers and the function after each (relu)",
    ),
    rule("output", Takes::Form("output v[3] over window"), "required", "a named output; may stand several times"),
];

/// Settings of `fit MODEL to DATA`.
pub const FIT: &[Rule] = &[
    rule(
        "engine",
        Takes::Word(&["joint", "gradient"]),
        "gradient with fields or a setting about network outputs, else joint",
        "which engine fits",
    ),
    seed("seed of everything random in the fit"),
    rule(
        "start",
        Takes::Form("start k = 2"),
        "the model's value",
        "where the estimate of a parameter starts; may stand several times",
    ),
    gradient(
        "orders",
        Takes::Whole(1, 8),
        "order of the system plus 2",
        "highest derivative kept in the relaxed solve",
    ),
    joint("significance", Takes::Number(0.0, 1e6, false), "chosen by the engine", "standard errors a term must reach"),
    gradient("window", Takes::Whole(2, 100_000), "50", "samples per window"),
    gradient(
        "horizon",
        Takes::Whole(2, 100_000),
        "the window",
        "samples that a solve reaches over, from the window's first",
    ),
    gradient("stride", Takes::Whole(1, 100_000), "1", "distance between window starts"),
    gradient("batch", Takes::Whole(1, 1_000_000), "512", "windows per step"),
    gradient("steps", Takes::Whole(1, 1_000_000_000), "2500 with projection", "optimiser steps in all"),
    gradient("epochs", Takes::Whole(1, 10_000_000), "400 without projection", "passes over the windows per cycle"),
    gradient("cycles", Takes::Whole(1, 10_000), "1; 10 without projection", "train-and-threshold cycles"),
    gradient("threshold", Takes::Number(0.0, 1e9, false), "0.1", "a coefficient below this is dropped"),
    gradient("prune_from", Takes::Number(0.0, 1.0, false), "0.3", "share of the budget before dropping starts"),
    gradient("projection", Takes::Word(&["on", "off"]), "on", "eliminate linear unknowns by least squares"),
    gradient("coefficient_rate", Takes::Number(0.0, 1e6, true), "the optimiser's", "learning rate of trained unknowns"),
    gradient("consistency", Takes::Number(0.0, 1e12, false), "1", "weight of the consistency losses"),
    gradient("optimizer", Takes::Form("optimizer adam(lr = 5e-4, decay = cosine)"), "as shown", "the optimiser"),
    gradient(
        "auxiliary",
        Takes::Form("auxiliary (x, y) = network.output"),
        "none",
        "network outputs that stand for states",
    ),
    gradient(
        "parameters",
        Takes::Form("parameters (a, b) = network.output"),
        "none",
        "network outputs that stand for parameters, window by window",
    ),
    gradient(
        "fields",
        Takes::Form("fields (c0, c1) = network.output"),
        "trained as they are",
        "network outputs that stand for fields",
    ),
    gradient(
        "step",
        Takes::Form("step over time init 0.1` or `step = network.output"),
        "the data's",
        "where the steps of the solves come from",
    ),
    rule(
        "initial",
        Takes::Form("initial (x, y) = network.output` or `initial free` or `initial held"),
        "the auxiliaries at the first sample",
        "where the solutions of windows start; with `free` the joint engine estimates where hidden states begin, with `held` it holds all `initial` values",
    ),
    gradient("normalise", Takes::Word(&["standard", "range", "off"]), "standard", "how networks see the states"),
    gradient(
        "shift",
        Takes::Form("shift q by q at 0"),
        "nothing",
        "states that are moved in every window by a first sample; may stand several times",
    ),
    gradient("loss", Takes::Form("loss mse(x, y; weights = (1, 0.1))"), "mse", "what is made small"),
    gradient("l1", Takes::Number(0.0, 1e12, false), "0", "weight of the magnitudes of the coefficients of holes"),
    gradient(
        "evaluate",
        Takes::Whole(1, 1_000_000_000),
        "a hundredth of the budget",
        "steps between two looks at the held-out loss",
    ),
    gradient(
        "early_stopping",
        Takes::Whole(1, 1_000_000),
        "off",
        "looks without a smaller held-out loss after which training ends",
    ),
];

/// Every table, and what has these settings.
const TABLES: [(&[Rule], &str); 7] = [
    (FIT, "fits"),
    (FILE, "data from files"),
    (SIMULATE, "simulations"),
    (PREDICT, "predictions"),
    (SOLVE, "`solve` items"),
    (FORMULA, "`formula` data"),
    (NETWORK, "networks"),
];

/// What to say about a key that is not among `keys`: where it is known, or what it is near to, here before elsewhere.
pub(super) fn unknown_key(rules: &[Rule], key: &str, keys: Vec<&str>) -> Advice {
    let others = || TABLES.iter().filter(|(table, _)| *table != rules);
    let owners = |key: &str| {
        let own = others().filter(|(table, _)| table.iter().any(|r| r.key == key)).map(|(_, owner)| *owner);
        own.collect::<Vec<_>>().join(", ")
    };
    let here = format!("settings here: {}", suggest::listed(keys.iter().copied()));
    let near_here = closest(key, keys.iter().copied());
    // `lr` is near to `l1`, and `skip` to `step`.
    if let Some(meant) = setting_meant(key, &keys) {
        return meant;
    }
    // The nearest word is the word itself where it is known.
    match closest(key, others().flat_map(|(table, _)| table.iter().map(|r| r.key))) {
        Some(near) if near_here.is_none() => format!("`{near}` is a setting of {}; {here}", owners(near)).into(),
        _ => suggest::help("settings here", key, keys),
    }
}

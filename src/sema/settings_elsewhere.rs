//! Settings of other tools, and what stands for them here.

use super::suggest::did_you_mean;
use crate::diagnostics::Advice;

/// What is said of settings of other tools where the setting in the middle is one that the place has.
const SAID: [(&[&str], &str, &str); 17] = [
    (
        &["until", "to", "t_end", "tend", "tspan", "t_span", "horizon", "duration", "n", "length"],
        "tolerance",
        "how far a prediction goes is said by its samples: `steps 100`, with the spacing of the data",
    ),
    (
        &["tspan", "t_span", "t_end", "tend", "tmax", "t_max", "t_final", "duration", "times", "length", "n", "N"],
        "slack",
        "a solution has a number of samples and the time between them: `steps 101; dt 0.1` ends at 10",
    ),
    (
        &["sigma", "noise_level", "std", "stddev", "noise_std"],
        "spread",
        "noise is relative to the spread of each state, `noise 5%`, or in its units, `noise 0.1 absolute`",
    ),
    (
        &["delimiter", "separator", "sep", "delim"],
        "missing",
        "leave it out: whether commas, semicolons or tabs separate the columns is seen from the file",
    ),
    (
        &["skip", "skiprows", "skip_rows", "skip_header", "comment", "header", "names", "colnames", "usecols"],
        "missing",
        "leave it out: the first line of a file that is no comment names its columns, and those that nothing reads are passed over",
    ),
    (&["decimal"], "missing", "leave it out: numbers have a decimal point; replace commas in the file"),
    (
        &[
            "tspan", "t_span", "t_end", "tend", "tmax", "t_max", "t_final", "duration", "times", "length", "n", "N",
            "points", "samples",
        ],
        "spread",
        "a simulation has a number of samples and the time between them: `steps 101; dt 0.1` ends at 10",
    ),
    (
        &["u0", "y0", "x0", "init", "initial", "ic"],
        "spread",
        "values at the start stand behind `from`: `from (1, 0)`, one for each state",
    ),
    (
        &["solver", "method", "rtol", "atol", "reltol", "abstol", "tol"],
        "spread",
        "leave it out: simulations keep errors below 1e-10",
    ),
    (
        &["bounds", "lower", "upper", "lb", "ub", "range", "ranges", "limits"],
        "significance",
        "the range of a parameter stands in the model: `param k = 0.3 in [0, 1]`",
    ),
    (
        &["p0", "x0", "guess", "initial_guess", "init"],
        "significance",
        "where the estimate of a parameter starts is its value in the model, `param k = 0.3`, or `start k = 0.3` here",
    ),
    (
        &["tol", "ftol", "xtol", "gtol", "rtol", "atol", "maxiter", "max_iter", "iterations", "niter", "max_nfev"],
        "significance",
        "leave it out: the joint engine goes on until nothing changes any more; the gradient engine has `steps`",
    ),
    (
        &["lr", "learning_rate", "rate", "weight_decay", "momentum"],
        "significance",
        "the rate belongs to the optimiser of the gradient engine: `optimizer adam(lr = 1e-3)`",
    ),
    (
        &["method", "algorithm", "solver", "estimator"],
        "significance",
        "there are two engines: `engine joint`, which is the default, and `engine gradient`",
    ),
    (
        &["alpha", "lambda", "sparsity", "regularization", "regularisation", "penalty", "lasso"],
        "significance",
        "how sure a term has to be to stay is `significance 3`, in standard errors",
    ),
    (
        &["weights", "sigma", "sigmas", "error", "errors", "std", "noise"],
        "significance",
        "leave it out: the noise of every state is estimated with the rest",
    ),
    (
        &["layers", "hidden", "layer", "units", "width", "depth", "neurons", "activation"],
        "mlp",
        "hidden layers and the function after them are one setting: `mlp [64, 64] tanh`",
    ),
];

/// Other names of settings.
const NAMED: [(&[&str], &str); 3] = [
    (&["rng", "random_seed", "random_state", "randomseed"], "seed"),
    (&["n_trajectories", "runs", "n_runs", "replicates", "n_samples"], "trajectories"),
    (&["validation", "test_size", "train_size", "validation_split", "split", "test_split"], "holdout"),
];

/// What is said of the setting `key` of another tool, where the settings `keys` are known.
pub(super) fn setting_meant(key: &str, keys: &[&str]) -> Option<Advice> {
    if let Some((_, here)) = NAMED.iter().find(|(others, here)| others.contains(&key) && keys.contains(here)) {
        return Some(did_you_mean(here));
    }
    let said = SAID.iter().find(|(others, owner, _)| others.contains(&key) && keys.contains(owner));
    said.map(|(_, _, text)| (*text).into())
}

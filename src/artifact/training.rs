//! What the compiled functions of the gradient engine are called and made for: names and specifications that the
//! compiler writes and the training loop reads.

/// Names of functions, parameters and results.
pub mod names {
    /// Loss and gradient.
    pub const STEP: &str = "step";
    /// Normal equations of the coefficients.
    pub const NORMAL: &str = "normal";
    /// Loss and trajectories for given coefficients.
    pub const EVALUATE: &str = "evaluate";
    /// Optimiser update of single-precision parameters.
    pub const ADAM_F32: &str = "adam_f32";
    /// Optimiser update of double-precision parameters.
    pub const ADAM_F64: &str = "adam_f64";

    /// `f64[sample, time, observed]`: the windows of the mini-batch, in data units.
    pub const WINDOW: &str = "window";
    /// `f64[sample, read, observed]`: the part of the windows that networks read, where solves reach beyond it.
    pub const READ: &str = "read";
    /// `f64[sample, time]`: the time of every step, where the model uses it.
    pub const TIME: &str = "t";
    /// `f64[sample, time, input]`: the inputs, where the model has any.
    pub const INPUT: &str = "input";
    /// `f64[state]`: what is subtracted from a state for the network (0 for unobserved ones).
    pub const MEAN: &str = "mean";
    /// `f64[state]`: what a state is divided by for the network (1 for unobserved ones).
    pub const SCALE: &str = "scale";
    /// `f64[state]`: weight of a state's squares in the loss.
    pub const WEIGHT: &str = "weight";
    /// Scalar: step size of the solve.
    pub const STEP_SIZE: &str = "h";
    /// Scalar: one over the number of samples times steps times states.
    pub const AVERAGE: &str = "average";
    /// Scalar: weight of the consistency loss.
    pub const CONSISTENCY: &str = "consistency";
    /// Scalar: ridge of the normal matrix relative to its diagonal.
    pub const RIDGE: &str = "ridge";
    /// `f64[coefficient]`: one where a coefficient is estimated, zero where it is held.
    pub const MASK: &str = "mask";
    /// `f64[coefficient]`: what a held coefficient is held at (0 where it is estimated).
    pub const HELD: &str = "held";
    /// `f64[coefficient]`: the coefficients where they are trained or given.
    pub const COEFFICIENTS: &str = "xi";
    /// `f64[parameter]`: the unknowns that enter nonlinearly.
    pub const PARAMETERS: &str = "phi";
    /// Suffix of the adjoint of a trained parameter.
    pub const ADJOINT: &str = "_adj";

    /// Scalar result: the loss.
    pub const LOSS: &str = "loss";
    /// Scalar result: mean square of u against the data.
    pub const FIT_LOSS: &str = "fit";
    /// Scalar result: mean square of the auxiliaries against the data, without its weight.
    pub const CONSISTENCY_LOSS: &str = "auxiliary";
    /// `f64[coefficient, coefficient2]` result: the normal matrix.
    pub const MATRIX: &str = "n";
    /// `f64[coefficient]` result: the right-hand side of the normal equations.
    pub const RHS: &str = "r";
    /// `f64[state]` result: sum of squares of u against the data, unweighted.
    pub const SQUARES: &str = "squares";
    /// `f64[sample, time, state]` result: the solution.
    pub const SOLUTION: &str = "u";
    /// `f64[sample, bound]` result: the unknowns that network outputs stand for, in the order of the fit's bindings.
    pub const BOUND: &str = "bound";
    /// `f64[sample, time, state]` result: the auxiliaries.
    pub const AUXILIARIES: &str = "v";
    /// `f64[sample, time, field]` result: the fields, in the order of the model's inputs.
    pub const FIELDS: &str = "fields";
    /// `f64[sample, time]` result: the steps of the solves, at every sample the mean of those beside it.
    pub const STEPS: &str = "steps";
}

/// Where the unknowns that enter linearly come from during training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elimination {
    /// Least squares over each mini-batch.
    Projected,
    /// Trained as plain numbers.
    Trained,
    /// Emitted by a network.
    Emitted,
}

/// A trained array in single precision.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightSpec {
    /// Its parameter's name.
    pub name: String,
    /// Its shape: `[in, out]` of a layer's matrix, `[out]` of its offset.
    pub shape: Vec<usize>,
    /// How it starts.
    pub start: Start,
    /// Whether it belongs to the network that emits the coefficients, and so has their learning rate.
    pub coefficients: bool,
}

/// How an array starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// Uniform between minus and plus this: one over the root of the layer's inputs.
    Uniform(f64),
    /// Standard normal.
    Normal,
    /// This number everywhere.
    Constant(f64),
    /// Uniform between the first and the second.
    Between(f64, f64),
}

//! What a model file says of a training and its engine takes as it is.

/// Learning-rate schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    /// The same rate throughout.
    Constant,
    /// Half a cosine from the full rate to zero.
    Cosine,
    /// By the same factor at every step, down to this share of the rate at the end.
    Exponential(f64),
    /// Multiplied by a factor when the loss that is looked at has not fallen for so many looks.
    Plateau {
        /// Looks.
        patience: usize,
        /// The factor.
        factor: f64,
    },
}

/// What the states are to a network, which reads and emits `(x - mean)/scale`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Normalise {
    /// Standard scores: mean 0 and standard deviation 1 over the data.
    #[default]
    Standard,
    /// From -1 to 1 over the data.
    Range,
    /// The numbers of the data.
    Off,
}

//! What the rows of a linearised model mean: the contract between lowering and the joint engine.

/// Where a number of the linearisation is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PatternEntry {
    /// The same at every time.
    Constant(f64),
    /// Row of the function's result `entries: f64[entry, time]`.
    Row(usize),
}

/// The meaning of the rows that `linearise` computes for a model `x' = f(x, t, xi)`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Pattern {
    /// Per component of x: its time derivative f.
    pub value: Vec<PatternEntry>,
    /// Per component of f: component and derivative of f by it; zeros are left out.
    pub by_component: Vec<Vec<(usize, PatternEntry)>>,
    /// Per component of f: unknown and derivative of f by it; zeros are left out.
    pub by_unknown: Vec<Vec<(usize, PatternEntry)>>,
    /// Divisors in f that hold unknowns: where one of them is zero, f has a pole.
    pub divisors: Vec<PatternEntry>,
    /// Rows of `entries`.
    pub rows: usize,
}

//! What the compiler knows about a relaxed solve before any number is there.

/// A coefficient of the linear part that is not zero everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct OutlineEntry {
    /// The equation, counted in the system.
    pub equation: usize,
    /// The state, counted in the system.
    pub state: usize,
    /// Its derivative.
    pub derivative: usize,
    /// What it is.
    pub value: OutlineValue,
}

/// What a coefficient is.
#[derive(Clone, Debug, PartialEq)]
pub enum OutlineValue {
    /// The same number at every step of every window.
    Constant(f64),
    /// An expression of time or inputs, as it is written.
    Varies(String),
}

/// A relaxed solve of windows of one length: systems that share their matrix, or whose matrices are alike, and the right-hand sides it is solved for.
#[derive(Clone, Debug, PartialEq)]
pub struct SolveOutline {
    /// The states of each system, by name. States of one system are coupled, those of different systems are not.
    pub systems: Vec<Vec<String>>,
    /// Right-hand sides beside those of the systems: one for each distinct factor of unknown coefficients.
    pub responses: usize,
    /// Time steps of a window.
    pub steps: usize,
    /// Derivatives kept of every state, the state itself included.
    pub orders: usize,
    /// First steps that have initial values.
    pub start: usize,
    /// Derivatives given at each of them.
    pub given: usize,
    /// Whether the central row is there.
    pub central: bool,
    /// Weights of the equation, initial and smoothness rows.
    pub weights: [f64; 3],
    /// Whether every window has steps of its own.
    pub own_steps: bool,
    /// Whether each system has a matrix of its own: the entries are those of the first, and others have other fields in them.
    pub own_matrices: bool,
    /// Coefficients that are not zero; all others are known to be.
    pub entries: Vec<OutlineEntry>,
}

impl SolveOutline {
    /// States of one system, which has as many equations.
    pub fn states(&self) -> usize {
        self.systems.first().map_or(0, Vec::len)
    }

    /// Whether one matrix serves all windows: neither steps nor coefficients are a window's own.
    pub fn constant_matrix(&self) -> bool {
        !self.own_steps && self.entries.iter().all(|e| matches!(e.value, OutlineValue::Constant(_)))
    }

    /// Coefficients of a step: those of all equations, states and derivatives.
    pub fn coefficients(&self) -> usize {
        self.states() * self.states() * self.orders
    }

    /// How many of them are known to be zero.
    pub fn zeros(&self) -> usize {
        self.coefficients().saturating_sub(self.entries.len())
    }
}

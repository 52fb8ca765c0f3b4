//! The arithmetic of relaxed solves.

/// Arithmetic of a relaxed solve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum SolvePrecision {
    /// Double precision.
    #[default]
    F64,
    /// Single precision. A solve whose gradients are taken is done as [`SolvePrecision::Mixed`]: single precision leaves too little of them.
    F32,
    /// A factor in single precision, corrections in double precision.
    Mixed,
}

impl SolvePrecision {
    /// Every one.
    pub const ALL: [SolvePrecision; 3] = [SolvePrecision::F64, SolvePrecision::F32, SolvePrecision::Mixed];

    /// The name in `.mech` source, in the text form of the intermediate representation and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            SolvePrecision::F64 => "f64",
            SolvePrecision::F32 => "f32",
            SolvePrecision::Mixed => "mixed",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<SolvePrecision> {
        SolvePrecision::ALL.into_iter().find(|p| p.name() == name)
    }
}

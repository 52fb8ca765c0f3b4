//! What a known function of time does between the samples at which it is known.

/// The kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Between {
    /// It is smooth: a cubic polynomial from each sample to the next.
    #[default]
    Smooth,
    /// It keeps the value of a sample until the next one.
    Held,
    /// It is zero but for impulses at the samples, whose integrals are the values.
    Impulse,
}

impl Between {
    /// All of them.
    pub const ALL: [Between; 3] = [Between::Smooth, Between::Held, Between::Impulse];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Between::Smooth => "smooth",
            Between::Held => "held",
            Between::Impulse => "impulse",
        }
    }

    /// What a declaration says of it behind the name, with a blank before; nothing where it is smooth.
    pub fn suffix(self) -> &'static str {
        match self {
            Between::Smooth => "",
            Between::Held => " held",
            Between::Impulse => " impulse",
        }
    }
}

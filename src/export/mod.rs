//! Equations in the notations of other tools.
//!
//! A [`System`] is a model in which every number is known: right sides solved for the highest derivatives, parameters with
//! values and ranges, initial values. [`export()`] writes it in a [`Format`]. All formats print expressions through
//! [`crate::hir::Notation`]; what a target cannot say is an [`ExportError`], never something else instead.
//!
//! Invariants: numbers read back to the same bits, except in LaTeX and where [`Options::digits`] rounds them; names are legal in the target, and
//! differ from its keywords, its functions and each other; the same system gives the same bytes.

mod components;
mod diffsl;
mod error;
mod greek;
mod json;
mod latex;
mod modelica;
mod modelingtoolkit;
mod names;
mod notes;
mod numpy;
mod rounding;
mod sympy;
mod system;
mod text;

pub use error::ExportError;
pub use json::SCHEMA;
pub use system::{Found, FoundTerm, Origin, Parameter, Right, RightTerm, System};

/// A notation equations can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An `align*` block.
    Latex,
    /// Statements of the language.
    Text,
    /// Expression trees.
    Json,
    /// A Python module for SymPy and NumPy.
    Sympy,
    /// Julia for ModelingToolkit.
    Modelingtoolkit,
    /// DiffSL.
    Diffsl,
    /// Modelica.
    Modelica,
}

impl Format {
    /// Every format, in the order in which they are documented.
    pub const ALL: [Format; 7] = [
        Format::Latex,
        Format::Text,
        Format::Json,
        Format::Sympy,
        Format::Modelingtoolkit,
        Format::Diffsl,
        Format::Modelica,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Latex => "latex",
            Format::Text => "text",
            Format::Json => "json",
            Format::Sympy => "sympy",
            Format::Modelingtoolkit => "modelingtoolkit",
            Format::Diffsl => "diffsl",
            Format::Modelica => "modelica",
        }
    }

    /// The format that goes with a language or tool whose name is no format's: what it reads itself, or what gets nearest to it.
    pub fn meant(name: &str) -> Option<Format> {
        Some(match name.to_lowercase().as_str() {
            "tex" | "amsmath" | "pdf" => Format::Latex,
            "mech" | "mechc" | "txt" => Format::Text,
            // SymPy prints code in the languages that are no formats here.
            "python" | "py" | "numpy" | "scipy" | "matlab" | "octave" | "mathematica" | "c" | "fortran" => {
                Format::Sympy
            }
            "julia" | "jl" | "mtk" | "sciml" => Format::Modelingtoolkit,
            "rust" | "diffsol" | "diffeq" => Format::Diffsl,
            "openmodelica" | "dymola" | "simulink" | "fmi" | "mo" => Format::Modelica,
            _ => return None,
        })
    }

    /// Whether numbers may be rounded: the text is for readers, not for programs.
    pub fn for_readers(self) -> bool {
        matches!(self, Format::Latex | Format::Text)
    }
}

/// Significant digits in LaTeX where no other number is asked for.
const LATEX_DIGITS: u8 = 6;

/// How to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Significant digits of numbers; six in LaTeX, and all of them elsewhere, where there is none.
    pub digits: Option<u8>,
}

/// The system in a notation.
///
/// # Errors
/// What the notation cannot say.
pub fn export(system: &System<'_>, format: Format, options: Options) -> Result<String, ExportError> {
    let digits = options.digits.or(match format {
        // Nobody reads sixteen digits.
        Format::Latex => Some(LATEX_DIGITS),
        _ => None,
    });
    if let Some(digits) = digits {
        if !format.for_readers() {
            return Err(ExportError::Digits { format: format.name() });
        }
        let rounded = rounding::rounded(system, digits);
        return write(&rounded, format);
    }
    write(system, format)
}

fn write(system: &System<'_>, format: Format) -> Result<String, ExportError> {
    match format {
        Format::Latex => Ok(latex::write(system)),
        Format::Text => Ok(text::write(system)),
        Format::Json => Ok(json::write(system)),
        Format::Sympy => sympy::write(system),
        Format::Modelingtoolkit => modelingtoolkit::write(system),
        Format::Diffsl => diffsl::write(system),
        Format::Modelica => modelica::write(system),
    }
}

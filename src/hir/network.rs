//! Networks: what they read, their layers, what they emit.

use super::{Derived, Fit};
use crate::base::IndexSet;
use crate::source::Span;

/// A neural network over a window of the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// What it reads.
    pub input: NetworkInput,
    /// What it reads beside states of the window: computed from them, behind them.
    pub features: Vec<Feature>,
    /// The index set that its layers go along, where that is not the time.
    pub along: Option<Along>,
    /// Layers that outputs share, each after those it reads.
    pub trunks: Vec<Trunk>,
    /// What it emits.
    pub outputs: Vec<NetworkOutput>,
    /// Where it is declared.
    pub span: Span,
}

/// An index set that the layers of a network go along: at each of its elements they read all samples of the window.
#[derive(Clone, Debug, PartialEq)]
pub struct Along {
    /// The name of the index set.
    pub set: String,
    /// For each element what belongs to it, in the same order for all: positions among the states that the network reads and
    /// the features behind them.
    pub elements: Vec<Vec<usize>>,
}

impl Along {
    /// How many states and features each element has.
    pub fn columns(&self) -> usize {
        self.elements.first().map_or(0, Vec::len)
    }
}

/// A number that a network reads at every sample, computed from states.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// The formula, whose inputs are states.
    pub formula: Derived,
}

impl Network {
    /// Names of the observed states it reads as they are.
    pub fn reads(&self) -> &[String] {
        match &self.input {
            NetworkInput::Window(names) => names,
            NetworkInput::Learned(_) => &[],
        }
    }

    /// Names of all observed states that it needs.
    pub fn needs(&self) -> IndexSet<&String> {
        self.reads().iter().chain(self.features.iter().flat_map(|f| &f.formula.columns)).collect()
    }
}

/// What a network reads.
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkInput {
    /// Observed states, by name, at every sample of a window.
    Window(Vec<String>),
    /// So many numbers that are trained like weights: what the network emits is the same for every window.
    Learned(usize),
}

/// Layers with a name, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Trunk {
    /// Its name; empty for the layers of an `mlp` setting.
    pub name: String,
    /// The trunk it reads, by position; the network's input without one.
    pub from: Option<usize>,
    /// The layers.
    pub layers: Vec<Layer>,
}

/// A layer of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layer {
    /// Every number from every number before, and a function of each.
    Dense {
        /// How many numbers.
        width: usize,
        /// The function, if any.
        activation: Option<Activation>,
    },
    /// A convolution over the steps of the window, or the elements of an index set, and a function of each number.
    Conv {
        /// Numbers per step.
        channels: usize,
        /// Steps it reads, an odd number: as many before as after.
        kernel: usize,
        /// What stands before the first step and after the last.
        padding: Padding,
        /// The function, if any.
        activation: Option<Activation>,
        /// Whether what it reads is added to what it gives.
        residual: bool,
    },
    /// A function of each number.
    Activate(Activation),
    /// The numbers of an output, each from every number before; for an output over an index set those of an element may come from its
    /// neighbours alone.
    Emit {
        /// A convolution along the index set: how many elements it reads, and what stands beyond the ends.
        conv: Option<(usize, Padding)>,
        /// How large the weights start, relative to their usual start.
        weight: f64,
        /// What the offsets start at; as usual without it.
        bias: Option<f64>,
    },
}

/// What a convolution reads beyond the ends of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Zeros.
    Zero,
    /// The other end of the window.
    Circular,
}

/// Element-wise function of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// max(0, a)
    Relu,
    /// Hyperbolic tangent.
    Tanh,
    /// a for a > 0, e^a - 1 otherwise.
    Elu,
    /// a times the logistic function of a.
    Silu,
    /// a times the normal distribution function of a, in the form with tanh (Hendrycks and Gimpel, 2016).
    Gelu,
    /// The logistic function, between 0 and 1.
    Sigmoid,
}

impl Activation {
    /// Every activation.
    pub const ALL: [Activation; 6] =
        [Activation::Relu, Activation::Tanh, Activation::Elu, Activation::Silu, Activation::Gelu, Activation::Sigmoid];

    /// The name in `.mech` source.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Relu => "relu",
            Activation::Tanh => "tanh",
            Activation::Elu => "elu",
            Activation::Silu => "silu",
            Activation::Gelu => "gelu",
            Activation::Sigmoid => "sigmoid",
        }
    }
}

/// One named output.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkOutput {
    /// Its name.
    pub name: String,
    /// How many numbers (per step when over the window).
    pub size: usize,
    /// How often it has these numbers.
    pub over: Over,
    /// For an output over the network's index set the number of its elements: each has `size` numbers.
    pub elements: Option<usize>,
    /// The trunk it reads, by position; the network's input without one.
    pub from: Option<usize>,
    /// The layers after it; the last ones give as many numbers as the output has.
    pub layers: Vec<Layer>,
}

impl NetworkOutput {
    /// How many numbers it has for all elements together: the first one of each element, then the second ones.
    pub fn numbers(&self) -> usize {
        self.size * self.elements.unwrap_or(1)
    }

    /// How often a fit has its numbers.
    pub fn count(&self, fit: &Fit) -> usize {
        match self.over {
            Over::Once => 1,
            Over::Window => fit.window,
            Over::Horizon => fit.reach(),
        }
    }
}

/// How often an output has its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Once for a window.
    Once,
    /// For every sample of the window that is read.
    Window,
    /// For every step of the solve, which may reach beyond the window.
    Horizon,
}

impl Over {
    /// As it is written behind an output.
    pub fn spell(self) -> &'static str {
        match self {
            Over::Once => "",
            Over::Window => " over window",
            Over::Horizon => " over horizon",
        }
    }
}

//! Networks as declared layers, in single precision.
//!
//! A convolution over the steps of a window is two products: one with a constant matrix of zeros and ones, which lays the
//! steps that every step reads side by side, and one with the kernel. So every back end has it, with its adjoint, and the padding
//! is nothing but another constant. For a window of T steps and a kernel of k the first product costs T/(2 cout) of the second.
//!
//! Names of arrays and axes are made of those that the user chose. No name in source has an apostrophe, so one between them, `net'trunk'0`,
//! keeps the arrays of a network `a` with an output `b_c` apart from those of a network `a_b` with an output `c`; two stand before
//! what the compiler names.

use super::encoder::{Declared, Dense, activate, dense};
use crate::artifact::training::{Start, WeightSpec};
use crate::base::{Elem, IndexMap, Tensor};
use crate::hir::{Activation, Along, Fit, Layer, Network, NetworkInput, NetworkOutput, Padding};
use crate::ir::{AxisId, Builder, Type, ValueId};

/// The declared parameters of one network.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    input: Input,
    /// The index set that the layers go along, where that is not the time.
    along: Option<Along>,
    /// What the first layers read.
    shape: Shape,
    /// The axes of steps or elements, as data have them and as products read them.
    steps: [AxisId; 2],
    /// The trunks that are used, by position.
    trunks: IndexMap<usize, Chain>,
    /// The outputs that are used, by position.
    outputs: IndexMap<usize, Chain>,
}

#[derive(Clone, Debug)]
enum Input {
    Window,
    Learned(ValueId),
}

/// Declared layers, one after the other.
#[derive(Clone, Debug)]
struct Chain {
    from: Option<usize>,
    layers: Vec<Step>,
    shape: Shape,
}

#[derive(Clone, Debug)]
enum Step {
    /// `[sample, time, channel]` to `[sample, feature]`
    Flatten(AxisId),
    Dense(Dense, AxisId, Option<Activation>),
    Conv(Conv),
    Activate(Activation),
}

#[derive(Clone, Debug)]
struct Conv {
    /// `f64[step2, step, tap]`: one where the step reads the other.
    taps: ValueId,
    /// The axes of the taps, of what is read, of both as one.
    tap: AxisId,
    read: AxisId,
    joined: AxisId,
    kernel: Dense,
    activation: Option<Activation>,
    residual: bool,
}

/// The axis of what a layer gives beside sample and step, and its size.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Sequence(AxisId, usize),
    Vector(AxisId, usize),
}

/// What layers of a network go along: the samples of a window, or the elements of an index set.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    /// Two axes of them.
    pub axes: [AxisId; 2],
    /// How many there are.
    pub count: usize,
    /// The name of the index set.
    pub set: Option<String>,
}

/// What declaring needs beside the network.
pub(super) struct Place<'a> {
    pub declared: &'a mut Declared,
    pub constants: &'a mut Vec<(String, Tensor)>,
    /// Parameters of constant matrices by name, so that equal ones are declared once.
    pub taps: &'a mut IndexMap<String, ValueId>,
    /// What the network's layers go along: the samples of a window, unless the network says otherwise.
    pub steps: Steps,
    /// The numbers of samples and steps.
    pub fit: &'a Fit,
}

impl Encoder {
    /// Declares the parameters of a network, with the outputs in `used`.
    pub fn declare(b: &mut Builder, place: &mut Place<'_>, network: &Network, used: &[usize]) -> Self {
        if let Some(along) = &network.along {
            let (set, count) = (along.set.clone(), along.elements.len());
            let axes = ["element", "element2"].map(|axis| b.module.axis(&format!("{set}''{axis}"), Some(count)));
            place.steps = Steps { axes, count, set: Some(set) };
        }
        let (input, shape) = match (&network.input, &network.along) {
            (NetworkInput::Window(_), Some(along)) => {
                let count = along.columns() * place.fit.window;
                let axis = b.module.axis(&format!("{}''samples", network.name), Some(count));
                (Input::Window, Shape::Sequence(axis, count))
            }
            (NetworkInput::Window(names), None) => {
                let count = names.len() + network.features.len();
                let axis = b.module.axis(&format!("{}''reads", network.name), Some(count));
                (Input::Window, Shape::Sequence(axis, count))
            }
            (&NetworkInput::Learned(size), _) => {
                let name = format!("{}''in", network.name);
                let axis = b.module.axis(&name, Some(size));
                let code = WeightSpec { name, shape: vec![size], start: Start::Normal, coefficients: false };
                (Input::Learned(place.declared.declare(b, code, &[axis])), Shape::Vector(axis, size))
            }
        };
        let mut trunks: IndexMap<usize, Chain> = IndexMap::new();
        let wanted = wanted(network, used);
        for (i, trunk) in network.trunks.iter().enumerate().filter(|(i, _)| wanted.contains(i)) {
            let from = trunk.from.and_then(|f| trunks.get(&f)).map_or(shape, |c| c.shape);
            let name = if trunk.name.is_empty() { String::new() } else { format!("'{}", trunk.name) };
            let prefix = format!("{}{name}", network.name);
            let mut layers = Vec::new();
            let mut last = from;
            for (k, layer) in trunk.layers.iter().enumerate() {
                last = declare(b, place, (&format!("{prefix}'{k}"), None), layer, last, &mut layers);
            }
            trunks.insert(i, Chain { from: trunk.from, layers, shape: last });
        }
        let mut outputs = IndexMap::new();
        for &o in used {
            let output = &network.outputs[o];
            let mut last = output.from.and_then(|f| trunks.get(&f)).map_or(shape, |c| c.shape);
            let mut layers = Vec::new();
            let prefix = format!("{}'{}", network.name, output.name);
            for (k, layer) in output.layers.iter().enumerate() {
                // The layer that emits has the name of the output alone.
                let emits = matches!(layer, Layer::Emit { .. });
                let name = if emits { prefix.clone() } else { format!("{prefix}'{k}") };
                last = declare(b, place, (&name, Some(output)), layer, last, &mut layers);
            }
            outputs.insert(o, Chain { from: output.from, layers, shape: last });
        }
        Encoder { input, along: network.along.clone(), shape, steps: place.steps.axes, trunks, outputs }
    }

    /// The axis of the elements that the layers go along.
    pub fn element(&self) -> AxisId {
        self.steps[0]
    }

    /// What the network reads, `f32[sample, time, input]` or, along an index set, `f32[sample, element, input]`, from its normalised
    /// columns, `f64[sample, time]` each.
    pub fn read(
        &self,
        b: &mut Builder,
        (sample, time): (AxisId, AxisId),
        network: &Network,
        columns: &[ValueId],
    ) -> ValueId {
        let axis = b.module.axis(&format!("{}''reads", network.name), Some(columns.len()));
        let (Some(along), Shape::Sequence(read, _)) = (&self.along, self.shape) else {
            let x = b.stack(columns, axis, 2);
            return b.convert(x, Elem::F32);
        };
        // Element after element, each with all samples of its columns.
        let ordered: Vec<ValueId> = along.elements.iter().flatten().filter_map(|&k| columns.get(k).copied()).collect();
        let x = b.stack(&ordered, axis, 1);
        debug_assert_eq!(b.ty(x).axes, [sample, axis, time]);
        let x = b.reshape(x, &[sample, self.steps[0], read]);
        b.convert(x, Elem::F32)
    }

    /// The used outputs, each `f32[sample, emitted]` or `f32[sample, time, channel]`, for the normalised inputs
    /// `x: f32[sample, time, input]`; in place of the time there may be elements.
    pub fn apply(&self, b: &mut Builder, sample: AxisId, x: Option<ValueId>) -> IndexMap<usize, ValueId> {
        let input = match (&self.input, x) {
            (Input::Learned(code), _) => {
                let axes: Vec<AxisId> = std::iter::once(sample).chain(b.ty(*code).axes.iter().copied()).collect();
                b.broadcast(*code, &axes)
            }
            (Input::Window, Some(x)) => x,
            (Input::Window, None) => return IndexMap::new(),
        };
        let axes = Axes { sample, time: self.steps[0], time2: self.steps[1] };
        let mut values: IndexMap<usize, ValueId> = IndexMap::new();
        for (&i, chain) in &self.trunks {
            let from = chain.from.and_then(|f| values.get(&f).copied()).unwrap_or(input);
            let value = chain.layers.iter().fold(from, |x, layer| apply(b, layer, &axes, x));
            values.insert(i, value);
        }
        let mut outputs = IndexMap::new();
        for (&o, chain) in &self.outputs {
            let from = chain.from.and_then(|f| values.get(&f).copied()).unwrap_or(input);
            outputs.insert(o, chain.layers.iter().fold(from, |x, layer| apply(b, layer, &axes, x)));
        }
        outputs
    }
}

/// The trunks that outputs read, directly or through others.
fn wanted(network: &Network, used: &[usize]) -> Vec<usize> {
    let mut wanted = Vec::new();
    let mut next: Vec<usize> = used.iter().filter_map(|&o| network.outputs[o].from).collect();
    while let Some(i) = next.pop() {
        if !wanted.contains(&i) {
            wanted.push(i);
            next.extend(network.trunks.get(i).and_then(|t| t.from));
        }
    }
    wanted
}

/// Declares a layer and gives the shape behind it.
fn declare(
    b: &mut Builder,
    place: &mut Place<'_>,
    (name, output): (&str, Option<&NetworkOutput>),
    layer: &Layer,
    from: Shape,
    steps: &mut Vec<Step>,
) -> Shape {
    match *layer {
        Layer::Activate(activation) => {
            steps.push(Step::Activate(activation));
            from
        }
        Layer::Dense { width, activation } => {
            let (axis, size) = flat(b, place, name, from, steps);
            let start = Start::Uniform(1.0 / (size.max(1) as f64).sqrt());
            let layer = place.declared.dense(b, name, (axis, size), width, [start; 2], false);
            let out = layer.out;
            steps.push(Step::Dense(layer, axis, activation));
            Shape::Vector(out, width)
        }
        Layer::Emit { conv: Some((kernel, padding)), weight, bias } => {
            let count = output.map_or(1, |o| o.count(place.fit) * o.size);
            let conv = Convolution { channels: count, kernel, padding, starts: Some((weight, bias)) };
            convolution(b, place, name, conv, (None, false), from, steps)
        }
        Layer::Emit { conv: None, weight, bias } => {
            let (axis, size) = flat(b, place, name, from, steps);
            let starts = emitting(size, weight, bias);
            let count = output.map_or(1, |o| o.count(place.fit) * o.numbers());
            let layer = place.declared.dense(b, name, (axis, size), count, starts, false);
            let out = layer.out;
            steps.push(Step::Dense(layer, axis, None));
            Shape::Vector(out, count)
        }
        Layer::Conv { channels, kernel, padding, activation, residual } => {
            let conv = Convolution { channels, kernel, padding, starts: None };
            convolution(b, place, name, conv, (activation, residual), from, steps)
        }
    }
}

/// How weights and offsets start of a layer that gives an output, each number from `size` others.
fn emitting(size: usize, weight: f64, bias: Option<f64>) -> [Start; 2] {
    let bound = 1.0 / (size.max(1) as f64).sqrt();
    [Start::Uniform(bound * weight), bias.map_or(Start::Uniform(bound), Start::Constant)]
}

/// Sizes of a convolution, and how it starts where it gives an output.
struct Convolution {
    channels: usize,
    kernel: usize,
    padding: Padding,
    starts: Option<(f64, Option<f64>)>,
}

fn convolution(
    b: &mut Builder,
    place: &mut Place<'_>,
    name: &str,
    Convolution { channels, kernel, padding, starts }: Convolution,
    (activation, residual): (Option<Activation>, bool),
    from: Shape,
    steps: &mut Vec<Step>,
) -> Shape {
    // Convolutions of vectors were refused.
    let (Shape::Sequence(read, size) | Shape::Vector(read, size)) = from;
    let tap = b.module.axis(&format!("tap{kernel}"), Some(kernel));
    let joined = b.module.axis(&format!("{name}''taps"), Some(kernel * size));
    let (weight, bias) = starts.unwrap_or((1.0, None));
    let starts = emitting(kernel * size, weight, bias);
    let layer = place.declared.dense(b, name, (joined, kernel * size), channels, starts, false);
    let out = layer.out;
    let taps = taps(b, place, kernel, padding, tap);
    steps.push(Step::Conv(Conv { taps, tap, read, joined, kernel: layer, activation, residual }));
    Shape::Sequence(out, channels)
}

/// The axis of the numbers that a dense layer reads, all steps side by side.
fn flat(b: &mut Builder, place: &Place<'_>, name: &str, from: Shape, steps: &mut Vec<Step>) -> (AxisId, usize) {
    match from {
        Shape::Vector(axis, size) => (axis, size),
        Shape::Sequence(_, size) => {
            let size = place.steps.count * size;
            let axis = b.module.axis(&format!("{name}''in"), Some(size));
            steps.push(Step::Flatten(axis));
            (axis, size)
        }
    }
}

/// The constant matrix that lays the steps a convolution reads side by side.
fn taps(b: &mut Builder, place: &mut Place<'_>, kernel: usize, padding: Padding, tap: AxisId) -> ValueId {
    let circular = padding == Padding::Circular;
    let of = place.steps.set.as_ref().map_or(String::new(), |set| format!("{set}''"));
    let name = format!("{of}taps{kernel}{}", if circular { "_circular" } else { "" });
    if let Some(&known) = place.taps.get(&name) {
        return known;
    }
    let Steps { axes: [time, time2], count, .. } = place.steps;
    let value = b.param(&name, Type::f64([time2, time, tap]));
    place.constants.push((name.clone(), tap_matrix(count, kernel, circular)));
    place.taps.insert(name, value);
    value
}

/// `matrix[s, t, k] = 1` where step t reads step s with number k of the kernel: `s = t + k - (kernel - 1) / 2`.
fn tap_matrix(window: usize, kernel: usize, circular: bool) -> Tensor {
    let mut matrix = Tensor::zeros(Elem::F64, vec![window, window, kernel]);
    if let crate::base::TensorData::F64(numbers) = matrix.data_mut() {
        for t in 0..window {
            for k in 0..kernel {
                let s = (t + k) as i64 - (kernel / 2) as i64;
                let s = if circular { s.rem_euclid(window.max(1) as i64) } else { s };
                let at = usize::try_from(s).ok().filter(|s| *s < window);
                if let Some(slot) = at.and_then(|s| numbers.get_mut((s * window + t) * kernel + k)) {
                    *slot += 1.0;
                }
            }
        }
    }
    matrix
}

struct Axes {
    sample: AxisId,
    time: AxisId,
    time2: AxisId,
}

fn apply(b: &mut Builder, step: &Step, axes: &Axes, x: ValueId) -> ValueId {
    match step {
        Step::Flatten(axis) => b.reshape(x, &[axes.sample, *axis]),
        Step::Activate(activation) => activate(b, *activation, x),
        Step::Dense(layer, from, activation) => {
            let y = dense(b, layer, x, *from, &[axes.sample]);
            activation.map_or(y, |f| activate(b, f, y))
        }
        Step::Conv(conv) => {
            let taps = b.convert(conv.taps, Elem::F32);
            let renamed = b.reshape(x, &[axes.sample, axes.time2, conv.read]);
            let beside = b.contract(renamed, taps, &[axes.time2], &[axes.sample, axes.time, conv.tap, conv.read]);
            let joined = b.reshape(beside, &[axes.sample, axes.time, conv.joined]);
            let y = dense(b, &conv.kernel, joined, conv.joined, &[axes.sample, axes.time]);
            let y = conv.activation.map_or(y, |f| activate(b, f, y));
            if !conv.residual {
                return y;
            }
            let x = b.reshape(x, &[axes.sample, axes.time, conv.kernel.out]);
            b.add(y, x)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tap_matrix;

    #[test]
    fn steps_beyond_the_ends() {
        let reads = |circular: bool, t: usize| -> Vec<Vec<usize>> {
            let matrix = tap_matrix(4, 3, circular).to_f64();
            (0..3).map(|k| (0..4).filter(|s| matrix[(s * 4 + t) * 3 + k] == 1.0).collect()).collect()
        };
        assert_eq!(reads(false, 0), [vec![], vec![0], vec![1]]);
        assert_eq!(reads(false, 2), [vec![1], vec![2], vec![3]]);
        assert_eq!(reads(true, 0), [vec![3], vec![0], vec![1]]);
        assert_eq!(reads(true, 3), [vec![2], vec![3], vec![0]]);
    }
}

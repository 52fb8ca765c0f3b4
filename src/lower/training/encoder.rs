//! Dense layers, functions and the emitter of coefficients, in single precision; what networks stand for.

use super::features;
use super::forward::{Elements, Emitted};
use super::network::Encoder;
use super::{Request, TrainingError};
use crate::artifact::training::{Start, WeightSpec};
use crate::base::{Elem, IndexMap};
use crate::hir::{Activation, Bounds, Network, NetworkId, OutputRef, Over, StateId};
use crate::ir::{AxisId, BinaryOp, Builder, CmpOp, Type, UnaryOp, ValueId};

/// A dense layer's parameters.
#[derive(Clone, Debug)]
pub(super) struct Dense {
    pub matrix: ValueId,
    pub offset: ValueId,
    /// The axis it emits.
    pub out: AxisId,
}

/// Collects the parameters of networks as they are declared.
pub(super) struct Declared {
    /// Descriptions, in order.
    pub weights: Vec<WeightSpec>,
    /// Values, in the same order.
    pub values: Vec<ValueId>,
}

impl Declared {
    pub fn new() -> Self {
        Declared { weights: Vec::new(), values: Vec::new() }
    }

    /// A parameter that is trained.
    pub fn declare(&mut self, b: &mut Builder, weight: WeightSpec, axes: &[AxisId]) -> ValueId {
        let value = b.param(weight.name.clone(), Type::f32(axes));
        self.weights.push(weight);
        self.values.push(value);
        value
    }

    /// A layer from `from` (of `inputs` numbers) to a new axis `name` of `outputs` numbers. Weights and offsets start uniform
    /// within one over the root of the inputs (LeCun et al., Efficient BackProp, 1998, up to a constant factor).
    fn layer(&mut self, b: &mut Builder, name: &str, from: (AxisId, usize), outputs: usize, emits: bool) -> Dense {
        let start = Start::Uniform(1.0 / (from.1.max(1) as f64).sqrt());
        self.dense(b, name, from, outputs, [start; 2], emits)
    }

    /// A layer with weights and offsets that start as `starts` say.
    pub fn dense(
        &mut self,
        b: &mut Builder,
        name: &str,
        from: (AxisId, usize),
        outputs: usize,
        starts: [Start; 2],
        emits: bool,
    ) -> Dense {
        let out = b.module.axis(name, Some(outputs));
        let [start, offset] = starts;
        let matrix = WeightSpec { name: format!("{name}_w"), shape: vec![from.1, outputs], start, coefficients: emits };
        let offset = WeightSpec { name: format!("{name}_b"), shape: vec![outputs], start: offset, coefficients: emits };
        let matrix = self.declare(b, matrix, &[from.0, out]);
        let offset = self.declare(b, offset, &[out]);
        Dense { matrix, offset, out }
    }
}

/// A network from a learned constant input to the coefficients.
#[derive(Clone, Debug)]
pub(super) struct Emitter {
    code: ValueId,
    code_axis: AxisId,
    hidden: Vec<Dense>,
    last: Dense,
}

impl Emitter {
    /// Declares its parameters; it emits `count` numbers.
    pub fn declare(b: &mut Builder, declared: &mut Declared, code: usize, hidden: &[usize], count: usize) -> Self {
        let code_axis = b.module.axis("code", Some(code));
        let weight = WeightSpec { name: "code".into(), shape: vec![code], start: Start::Normal, coefficients: true };
        let value = declared.declare(b, weight, &[code_axis]);
        let mut from = (code_axis, code);
        let mut layers = Vec::new();
        for (i, &width) in hidden.iter().enumerate() {
            let layer = declared.layer(b, &format!("emitter_{i}"), from, width, true);
            from = (layer.out, width);
            layers.push(layer);
        }
        let last = declared.layer(b, "emitted", from, count, true);
        Emitter { code: value, code_axis, hidden: layers, last }
    }

    /// The coefficients `f64[coefficient]`.
    pub fn apply(&self, b: &mut Builder, coefficient: AxisId) -> ValueId {
        let (mut a, mut from) = (self.code, self.code_axis);
        for layer in &self.hidden {
            a = dense(b, layer, a, from, &[]);
            a = activate(b, Activation::Relu, a);
            from = layer.out;
        }
        let emitted = dense(b, &self.last, a, from, &[]);
        let emitted = b.reshape(emitted, &[coefficient]);
        b.convert(emitted, Elem::F64)
    }
}

/// What a layer gives for `x` over the batch axes and `from`.
pub(super) fn dense(b: &mut Builder, layer: &Dense, x: ValueId, from: AxisId, batch: &[AxisId]) -> ValueId {
    let mut axes = batch.to_vec();
    axes.push(layer.out);
    let product = b.contract(x, layer.matrix, &[from], &axes);
    b.add(product, layer.offset)
}

/// A function of every number.
pub(super) fn activate(b: &mut Builder, activation: Activation, a: ValueId) -> ValueId {
    let zero = b.constant(0.0, Elem::F32);
    match activation {
        Activation::Relu => b.select(CmpOp::Lt, zero, a, a, zero),
        Activation::Tanh => b.unary(UnaryOp::Tanh, a),
        Activation::Elu => {
            // The exponential of the negative part only: it cannot overflow where it is not chosen.
            let low = b.binary(BinaryOp::Min, a, zero);
            let e = b.unary(UnaryOp::Exp, low);
            let one = b.constant(1.0, Elem::F32);
            let e = b.sub(e, one);
            b.select(CmpOp::Lt, zero, a, a, e)
        }
        Activation::Silu => {
            let s = logistic(b, a);
            b.mul(a, s)
        }
        Activation::Sigmoid => logistic(b, a),
        Activation::Gelu => {
            // a/2 (1 + tanh(sqrt(2/pi) (a + 0.044715 a^3))) is a times the logistic function of twice that argument.
            let cube = b.powi(a, 3);
            let share = b.constant(0.044_715, Elem::F32);
            let bend = b.mul(share, cube);
            let sum = b.add(a, bend);
            let twice = b.constant(2.0 * (2.0 / std::f64::consts::PI).sqrt(), Elem::F32);
            let argument = b.mul(twice, sum);
            let s = logistic(b, argument);
            b.mul(a, s)
        }
    }
}

/// The logistic function as (1 + tanh(a/2)) / 2, which does not overflow.
fn logistic(b: &mut Builder, a: ValueId) -> ValueId {
    let half = b.constant(0.5, Elem::F32);
    let scaled = b.mul(half, a);
    let t = b.unary(UnaryOp::Tanh, scaled);
    let one = b.constant(1.0, Elem::F32);
    let s = b.add(t, one);
    b.mul(half, s)
}

/// The networks that a fit uses, with the outputs in use, in order of first use.
pub(super) fn used_outputs(request: &Request) -> Result<IndexMap<NetworkId, Vec<usize>>, TrainingError> {
    for binding in &request.fit.auxiliary {
        let network = &request.networks[binding.network];
        match network.outputs.get(binding.output) {
            Some(o) if o.count(request.fit) == request.fit.reach() && binding.component < o.numbers() => {}
            o => {
                let output = o.map_or_else(String::new, |o| o.name.clone());
                return Err(TrainingError::NotOverWindow { network: network.name.clone(), output });
            }
        }
    }
    let mut used: IndexMap<NetworkId, Vec<usize>> = IndexMap::new();
    for source in request.fit.outputs() {
        let outputs = used.entry(source.network).or_default();
        if !outputs.contains(&source.output) {
            outputs.push(source.output);
        }
    }
    Ok(used)
}

/// Positions among the observed states of what a network reads.
pub(super) fn inputs(request: &Request, network: &Network) -> Result<Vec<StateId>, TrainingError> {
    network.reads().iter().map(|name| state(request, network, name)).collect()
}

/// The observed state of this name.
pub(super) fn state(request: &Request, network: &Network, name: &str) -> Result<StateId, TrainingError> {
    let mut observed = request.observed.iter().copied();
    observed
        .find(|&s| request.model.states[s].name == name)
        .ok_or_else(|| TrainingError::NotObserved { network: network.name.clone(), input: name.to_string() })
}

/// The numbers of network outputs that the fit uses: `f64[sample, time]` where they are over the horizon, `f64[sample, read]` where they
/// are over the window, else `f64[sample]`.
pub(super) fn emitted(
    b: &mut Builder,
    request: &Request,
    encoders: &IndexMap<NetworkId, Encoder>,
    (sample, time, read): (AxisId, AxisId, AxisId),
    (data, normalised): (&IndexMap<StateId, ValueId>, &IndexMap<StateId, ValueId>),
    statistics: &IndexMap<NetworkId, [ValueId; 2]>,
) -> Result<Emitted, TrainingError> {
    let wanted = request.fit.outputs();
    let mut values = Emitted::default();
    for (&id, encoder) in encoders {
        let network = &request.networks[id];
        let mut columns: Vec<ValueId> =
            inputs(request, network)?.iter().filter_map(|s| normalised.get(s).copied()).collect();
        if let Some(&statistics) = statistics.get(&id) {
            columns.extend(features::values(b, request, network, (sample, read), data, statistics)?);
        }
        let x = if columns.is_empty() { None } else { Some(encoder.read(b, (sample, read), network, &columns)) };
        for (o, flat) in encoder.apply(b, sample, x) {
            let output = &network.outputs[o];
            let axis = b.module.axis(&format!("{}'{}''part", network.name, output.name), Some(output.size));
            let steps = match output.over {
                Over::Once => None,
                Over::Window => Some(read),
                Over::Horizon => Some(time),
            };
            let element = output.elements.map(|_| encoder.element());
            let batch: Vec<AxisId> = [Some(sample), element, steps, Some(axis)].into_iter().flatten().collect();
            let all = b.reshape(flat, &batch);
            let wanted = wanted.iter().filter(|s| s.network == id && s.output == o);
            match (output.elements, element) {
                (Some(elements), Some(element)) => {
                    // One number of every element at a time.
                    let mut parts: IndexMap<usize, ValueId> = IndexMap::new();
                    for &source in wanted {
                        let (k, at) = (source.component / elements, source.component % elements);
                        let part = *parts.entry(k).or_insert_with(|| {
                            let part = b.index(all, axis, k);
                            b.convert(part, Elem::F64)
                        });
                        let first = OutputRef { component: k * elements, ..source };
                        let all = Elements { value: part, axis: element, count: elements };
                        values.elements.insert(first, all);
                        values.numbers.insert(source, b.index(part, element, at));
                    }
                }
                _ => {
                    for &source in wanted {
                        let part = b.index(all, axis, source.component);
                        values.numbers.insert(source, b.convert(part, Elem::F64));
                    }
                }
            }
        }
    }
    Ok(values)
}

/// A number within a range with two ends: `low + (high - low) logistic(value)`.
pub(super) fn within(b: &mut Builder, value: ValueId, bounds: Bounds) -> ValueId {
    if !(bounds.lower.is_finite() && bounds.upper.is_finite()) {
        return value;
    }
    let half = b.f64(0.5);
    let scaled = b.mul(half, value);
    let t = b.unary(UnaryOp::Tanh, scaled);
    // (1 + tanh(a/2)) / 2 is the logistic function.
    let centre = b.f64(0.5 * (bounds.lower + bounds.upper));
    let reach = b.f64(0.5 * (bounds.upper - bounds.lower));
    let moved = b.mul(reach, t);
    b.add(centre, moved)
}

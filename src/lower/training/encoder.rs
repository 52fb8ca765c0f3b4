//! Multi-layer perceptrons in single precision.

use super::{Request, TrainingError};
use crate::artifact::training::{Start, WeightSpec};
use crate::base::{Elem, Idx, IndexMap};
use crate::hir::{Activation, Network, NetworkId, StateId};
use crate::ir::{AxisId, BinaryOp, Builder, CmpOp, Type, UnaryOp, ValueId};

/// A dense layer's parameters.
#[derive(Clone, Debug)]
struct Layer {
    matrix: ValueId,
    offset: ValueId,
    /// The axis it emits.
    out: AxisId,
}

/// The declared parameters of one network.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    /// The axis of its input.
    feature: AxisId,
    activation: Activation,
    hidden: Vec<Layer>,
    /// The last layer of each output that is used, by position.
    outputs: IndexMap<usize, Layer>,
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

    fn declare(&mut self, b: &mut Builder, weight: WeightSpec, axes: &[AxisId]) -> ValueId {
        let value = b.param(weight.name.clone(), Type::f32(axes));
        self.weights.push(weight);
        self.values.push(value);
        value
    }

    /// A layer from `from` (of `inputs` numbers) to a new axis `name` of `outputs` numbers. Weights and offsets start uniform
    /// within one over the root of the inputs (LeCun et al., Efficient BackProp, 1998, up to a constant factor).
    fn layer(&mut self, b: &mut Builder, name: &str, from: (AxisId, usize), outputs: usize, emits: bool) -> Layer {
        let out = b.module.axis(name, Some(outputs));
        let start = Start::Uniform(1.0 / (from.1.max(1) as f64).sqrt());
        let matrix = WeightSpec { name: format!("{name}_w"), shape: vec![from.1, outputs], start, coefficients: emits };
        let offset = WeightSpec { name: format!("{name}_b"), shape: vec![outputs], start, coefficients: emits };
        let matrix = self.declare(b, matrix, &[from.0, out]);
        let offset = self.declare(b, offset, &[out]);
        Layer { matrix, offset, out }
    }
}

impl Encoder {
    /// Declares the parameters of a network over windows of `window` steps, with a last layer for every output in `used`.
    pub fn declare(b: &mut Builder, declared: &mut Declared, network: &Network, window: usize, used: &[usize]) -> Self {
        let inputs = window * network.inputs.len();
        let feature = b.module.axis(&format!("{}_in", network.name), Some(inputs));
        let mut from = (feature, inputs);
        let mut hidden = Vec::new();
        for (i, &width) in network.hidden.iter().enumerate() {
            let layer = declared.layer(b, &format!("{}_{i}", network.name), from, width, false);
            from = (layer.out, width);
            hidden.push(layer);
        }
        let mut outputs = IndexMap::new();
        for &o in used {
            let output = &network.outputs[o];
            let name = format!("{}_{}", network.name, output.name);
            outputs.insert(o, declared.layer(b, &name, from, window * output.size, false));
        }
        Encoder { feature, activation: network.activation, hidden, outputs }
    }

    /// The used outputs, each `f32[sample, emitted]`, for the normalised inputs `x: f32[sample, time, input]`.
    pub fn apply(&self, b: &mut Builder, sample: AxisId, x: ValueId) -> IndexMap<usize, ValueId> {
        let mut a = b.reshape(x, &[sample, self.feature]);
        let mut from = self.feature;
        for layer in &self.hidden {
            a = dense(b, layer, a, from, &[sample]);
            a = activate(b, self.activation, a);
            from = layer.out;
        }
        self.outputs.iter().map(|(&o, layer)| (o, dense(b, layer, a, from, &[sample]))).collect()
    }
}

/// A network from a learned constant input to the coefficients.
#[derive(Clone, Debug)]
pub(super) struct Emitter {
    code: ValueId,
    code_axis: AxisId,
    hidden: Vec<Layer>,
    last: Layer,
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

fn dense(b: &mut Builder, layer: &Layer, x: ValueId, from: AxisId, batch: &[AxisId]) -> ValueId {
    let mut axes = batch.to_vec();
    axes.push(layer.out);
    let product = b.contract(x, layer.matrix, &[from], &axes);
    b.add(product, layer.offset)
}

fn activate(b: &mut Builder, activation: Activation, a: ValueId) -> ValueId {
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
            // The logistic function as (1 + tanh(a/2)) / 2, which does not overflow.
            let half = b.constant(0.5, Elem::F32);
            let scaled = b.mul(half, a);
            let t = b.unary(UnaryOp::Tanh, scaled);
            let one = b.constant(1.0, Elem::F32);
            let s = b.add(t, one);
            let s = b.mul(half, s);
            b.mul(a, s)
        }
    }
}

/// The networks that stand for states, with the outputs in use, in order of first use.
pub(super) fn used_outputs(request: &Request) -> Result<IndexMap<NetworkId, Vec<usize>>, TrainingError> {
    let mut used: IndexMap<NetworkId, Vec<usize>> = IndexMap::new();
    for binding in &request.fit.auxiliary {
        let network = &request.networks[binding.network];
        match network.outputs.get(binding.output) {
            Some(o) if o.over_window && binding.component < o.size => {}
            o => {
                let output = o.map_or_else(String::new, |o| o.name.clone());
                return Err(TrainingError::NotOverWindow { network: network.name.clone(), output });
            }
        }
        let outputs = used.entry(binding.network).or_default();
        if !outputs.contains(&binding.output) {
            outputs.push(binding.output);
        }
    }
    Ok(used)
}

/// Positions among the observed states of what a network reads.
pub(super) fn inputs(request: &Request, network: &Network) -> Result<Vec<StateId>, TrainingError> {
    let find = |name: &String| {
        let observed = request.observed.iter().copied();
        observed
            .into_iter()
            .find(|&s| request.model.states[s].name == *name)
            .ok_or_else(|| TrainingError::NotObserved { network: network.name.clone(), input: name.clone() })
    };
    network.inputs.iter().map(find).collect()
}

/// The auxiliaries as the networks emit them, normalised: `f64[sample, time]` per bound state.
pub(super) fn emitted(
    b: &mut Builder,
    request: &Request,
    encoders: &IndexMap<NetworkId, Encoder>,
    (sample, time): (AxisId, AxisId),
    normalised: &IndexMap<StateId, ValueId>,
) -> Result<IndexMap<StateId, ValueId>, TrainingError> {
    let mut values = IndexMap::new();
    for (&id, encoder) in encoders {
        let network = &request.networks[id];
        let columns: Vec<ValueId> =
            inputs(request, network)?.iter().filter_map(|s| normalised.get(s).copied()).collect();
        let axis = b.module.axis(&format!("{}_reads", network.name), Some(columns.len()));
        let x = b.stack(&columns, axis, 2);
        let x = b.convert(x, Elem::F32);
        for (o, flat) in encoder.apply(b, sample, x) {
            let output = &network.outputs[o];
            let axis = b.module.axis(&format!("{}_{}_part", network.name, output.name), Some(output.size));
            let over_window = b.reshape(flat, &[sample, time, axis]);
            for binding in request.fit.auxiliary.iter().filter(|a| a.network == id && a.output == o) {
                let part = b.index(over_window, axis, binding.component);
                values.insert(binding.state, b.convert(part, Elem::F64));
            }
        }
    }
    // Declaration order, whatever the order of the bindings.
    values.sort_by(|a: &StateId, _, b: &StateId, _| a.index().cmp(&b.index()));
    Ok(values)
}

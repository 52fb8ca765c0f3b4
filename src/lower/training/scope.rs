//! What a function is given: its axes and parameters.

use super::encoder::{Declared, Emitter, used_outputs};
use super::features::{self, Statistics};
use super::network::{Encoder, Place, Steps};
use super::plan::{Group, Plan};
use super::stencil::difference_matrix;
use super::varying::{Varying, data_inputs};
use super::{Coefficients, Request, TrainingError};
use crate::artifact::training::names;
use crate::base::{IndexMap, Tensor};
use crate::hir::{ExprKind, Model, NetworkId};
use crate::ir::{AxisId, Builder, Type, ValueId};
use crate::lower::LowerError;

/// How a function comes by its coefficients.
#[derive(Clone, Debug)]
pub(super) enum Estimate {
    /// It needs none.
    Nothing,
    /// A parameter, used as it is.
    Given(ValueId),
    /// Least squares over the mini-batch.
    Projected {
        /// One where estimated.
        mask: ValueId,
        /// The others' values.
        held: ValueId,
        /// Ridge relative to the diagonal.
        ridge: ValueId,
        /// The unit matrix.
        identity: ValueId,
    },
    /// A trained parameter times the mask.
    Trained {
        /// The numbers.
        xi: ValueId,
        /// One where estimated.
        mask: ValueId,
    },
    /// What a network emits, times the mask.
    Emitted {
        /// The network.
        emitter: Emitter,
        /// One where estimated.
        mask: ValueId,
    },
}

/// The declared parameters of a function.
pub(super) struct Scope<'a> {
    pub request: Request<'a>,
    pub plan: &'a Plan<'a>,
    pub axes: Axes,
    pub declared: Declared,
    pub constants: Vec<(String, Tensor)>,
    /// What differs from step to step.
    pub varying: Varying,
    pub estimate: Estimate,
    pub phi: Option<(ValueId, AxisId)>,
    pub window: ValueId,
    /// What networks read, where that is not the whole window.
    pub read: Option<ValueId>,
    pub time: Option<ValueId>,
    pub input: Option<(ValueId, AxisId)>,
    /// Mean, scale and weight of every state.
    pub statistics: [ValueId; 3],
    pub h: ValueId,
    /// One over the number of squares, and the weight of the consistency loss.
    pub loss: Option<[ValueId; 2]>,
    pub encoders: IndexMap<NetworkId, Encoder>,
    /// Mean and scale of what networks read that is computed from states.
    pub features: Statistics,
    /// Per group `f64[member, source, coefficient]`, where it has sources.
    pub selections: Vec<Option<ValueId>>,
    pub difference: Option<ValueId>,
}

/// Axes that all functions share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axes {
    pub sample: AxisId,
    pub time: AxisId,
    pub time2: AxisId,
    /// Two axes of the samples that networks read: the first two where the solves do not reach beyond them.
    pub read: [AxisId; 2],
    pub state: AxisId,
    pub coefficient: AxisId,
    pub coefficient2: AxisId,
    pub observed: AxisId,
    pub order: AxisId,
    pub start: AxisId,
}

impl Axes {
    fn new(b: &mut Builder, request: &Request, plan: &Plan) -> Self {
        let steps = request.fit.reach();
        let count = plan.coefficients.len();
        let start = plan.groups.first().map(|g| g.given(request.model, Some(request.fit)).0);
        Axes {
            sample: b.module.axis("sample", None),
            time: b.module.axis("time", Some(steps)),
            time2: b.module.axis("time2", Some(steps)),
            read: if request.fit.window == steps && request.fit.begin == 0 {
                [b.module.axis("time", Some(steps)), b.module.axis("time2", Some(steps))]
            } else {
                ["read", "read2"].map(|name| b.module.axis(name, Some(request.fit.window)))
            },
            state: b.module.axis("state", Some(request.model.states.len())),
            coefficient: b.module.axis("coefficient", Some(count)),
            coefficient2: b.module.axis("coefficient2", Some(count)),
            observed: b.module.axis("observed", Some(request.observed.len())),
            order: b.module.axis("order", Some(highest_derivative(request.model, request.fit.orders) + 1)),
            start: b.module.axis("start", Some(start.unwrap_or(Group::START))),
        }
    }
}

/// Highest derivative kept in the relaxed solve: two above the model's highest order when the fit does not say. On clean Lorenz
/// data, one above it leaves an error of 2 % in the most sensitive coefficient, two above 0.06 %.
pub(super) fn highest_derivative(model: &Model, asked: Option<usize>) -> usize {
    let order = model.states.values().map(|s| usize::from(s.order)).max().unwrap_or(1);
    asked.unwrap_or(order + 2).max(order)
}

impl<'a> Scope<'a> {
    /// Declares the parameters.
    pub fn open(
        b: &mut Builder,
        request: Request<'a>,
        plan: &'a Plan<'a>,
        purpose: Purpose,
    ) -> Result<Self, TrainingError> {
        let axes = Axes::new(b, &request, plan);
        let window = b.param(names::WINDOW, Type::f64([axes.sample, axes.time, axes.observed]));
        let read = (axes.read[0] != axes.time)
            .then(|| b.param(names::READ, Type::f64([axes.sample, axes.read[0], axes.observed])));
        let time = uses(plan, |k| matches!(k, ExprKind::Time))
            .then(|| b.param(names::TIME, Type::f64([axes.sample, axes.time])));
        let inputs = data_inputs(&request);
        let input = uses(plan, |k| matches!(k, ExprKind::Input(i) if inputs.contains(i))).then(|| {
            let axis = b.module.axis("input", Some(inputs.len()));
            (b.param(names::INPUT, Type::f64([axes.sample, axes.time, axis])), axis)
        });
        let statistics = [names::MEAN, names::SCALE, names::WEIGHT].map(|n| b.param(n, Type::f64([axes.state])));
        let h = b.param(names::STEP_SIZE, Type::f64([]));
        let phi = (!plan.parameters.is_empty()).then(|| {
            let axis = b.module.axis("parameter", Some(plan.parameters.len()));
            (b.param(names::PARAMETERS, Type::f64([axis])), axis)
        });

        let loss = (purpose != Purpose::Normal)
            .then(|| [names::AVERAGE, names::CONSISTENCY].map(|n| b.param(n, Type::f64([]))));

        let mut constants = Constants::default();
        let mut declared = Declared::new();
        let selections = declare_selections(b, plan, &axes, &mut constants)?;
        // Solves that begin at the last sample take where derivatives start from a network.
        let starts = request.fit.begin == 0 && plan.groups.iter().any(|g| g.order > 1);
        let difference = uses(plan, |k| matches!(k, ExprKind::State(_, 1..))) || starts;
        let difference = match difference {
            true => {
                let n = request.fit.reach();
                let ty = Type::f64([axes.time2, axes.time]);
                let matrix = difference_matrix(n, request.fit.window);
                Some(constants.add(b, "difference", ty, vec![n, n], matrix)?)
            }
            false => None,
        };
        let varying = Varying::declare(b, &request, &axes, &mut declared, &mut constants)?;
        let (mut encoders, mut taps) = (IndexMap::new(), IndexMap::new());
        let mut features = Statistics::new();
        for (id, used) in used_outputs(&request)? {
            if let Some(statistics) = features::declare(b, &request.networks[id], &mut constants)? {
                features.insert(id, statistics);
            }
            let mut place = Place {
                declared: &mut declared,
                constants: &mut constants.0,
                taps: &mut taps,
                steps: Steps { axes: axes.read, count: request.fit.window, set: None },
                fit: request.fit,
            };
            encoders.insert(id, Encoder::declare(b, &mut place, &request.networks[id], &used));
        }
        let estimate = if plan.coefficients.is_empty() {
            Estimate::Nothing
        } else {
            declare_estimate(b, &request, plan, &axes, (&mut declared, &mut constants), purpose)?
        };
        Ok(Scope {
            request,
            plan,
            axes,
            declared,
            constants: constants.0,
            varying,
            estimate,
            phi,
            window,
            read,
            time,
            input,
            statistics,
            h,
            loss,
            encoders,
            features,
            selections,
            difference,
        })
    }
}

/// What a function is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Loss with the coefficients of the request.
    Step,
    /// Normal equations: no coefficients, no loss.
    Normal,
    /// Loss with coefficients that the caller gives.
    Evaluate,
}

fn declare_estimate(
    b: &mut Builder,
    request: &Request,
    plan: &Plan,
    axes: &Axes,
    (declared, constants): (&mut Declared, &mut Constants),
    purpose: Purpose,
) -> Result<Estimate, TrainingError> {
    let count = plan.coefficients.len();
    let vector = |b: &mut Builder, name: &str| b.param(name, Type::f64([axes.coefficient]));
    match purpose {
        Purpose::Step => {}
        Purpose::Normal => return Ok(Estimate::Nothing),
        Purpose::Evaluate => return Ok(Estimate::Given(vector(b, names::COEFFICIENTS))),
    }
    Ok(match request.coefficients {
        Coefficients::Projected => {
            let mask = vector(b, names::MASK);
            let held = vector(b, names::HELD);
            let ridge = b.param(names::RIDGE, Type::f64([]));
            let unit = (0..count * count).map(|i| if i / count == i % count { 1.0 } else { 0.0 }).collect();
            let ty = Type::f64([axes.coefficient, axes.coefficient2]);
            let identity = constants.add(b, "identity", ty, vec![count, count], unit)?;
            Estimate::Projected { mask, held, ridge, identity }
        }
        Coefficients::Trained => Estimate::Trained { xi: vector(b, names::COEFFICIENTS), mask: vector(b, names::MASK) },
        Coefficients::Emitted { code, hidden } => {
            let mask = vector(b, names::MASK);
            Estimate::Emitted { emitter: Emitter::declare(b, declared, *code, hidden, count), mask }
        }
    })
}

fn declare_selections(
    b: &mut Builder,
    plan: &Plan,
    axes: &Axes,
    constants: &mut Constants,
) -> Result<Vec<Option<ValueId>>, TrainingError> {
    let mut selections = Vec::new();
    for (g, group) in plan.groups.iter().enumerate() {
        let (members, sources) = (group.members.len(), group.sources.len());
        if sources == 0 {
            selections.push(None);
            continue;
        }
        let member = b.module.axis(&format!("member{g}"), Some(members));
        let source = b.module.axis(&format!("source{g}"), Some(sources));
        let ty = Type::f64([member, source, axes.coefficient]);
        let shape = vec![members, sources, plan.coefficients.len()];
        let numbers = group.selection(&plan.coefficients);
        selections.push(Some(constants.add(b, &format!("selection{g}"), ty, shape, numbers)?));
    }
    Ok(selections)
}

/// Parameters that are the same in every call, as they are declared.
#[derive(Clone, Debug, Default)]
pub(super) struct Constants(pub Vec<(String, Tensor)>);

impl Constants {
    /// Declares one.
    pub fn add(
        &mut self,
        b: &mut Builder,
        name: &str,
        ty: Type,
        shape: Vec<usize>,
        numbers: Vec<f64>,
    ) -> Result<ValueId, TrainingError> {
        let tensor = Tensor::from_f64(shape, numbers).map_err(|e| LowerError::Leaf(e.to_string()))?;
        self.0.push((name.to_string(), tensor));
        Ok(b.param(name, ty))
    }
}

/// Whether any expression of the plan has a node of some kind.
pub(super) fn uses(plan: &Plan, wanted: impl Fn(&ExprKind) -> bool) -> bool {
    plan.expressions().any(|expr| expr.any(&mut |e| wanted(&e.kind)))
}

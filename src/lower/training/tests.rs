use super::{Coefficients, Lowered, Request, TrainingError, lower};
use crate::artifact::training::names;
use crate::base::{Arena, Between, Elem, Idx, Tensor};
use crate::hir::*;
use crate::interp::{check_gradient, run};
use crate::ir::{Module, Op, verify};
use crate::source::{FileId, Span};

fn span() -> Span {
    Span::new(FileId::new(0), 0, 0)
}

fn e(kind: ExprKind) -> Expr {
    Expr { kind, span: span() }
}

fn number(x: f64) -> Expr {
    e(ExprKind::Number(x))
}

fn state(i: usize, k: u8) -> Expr {
    e(ExprKind::State(StateId::new(i), k))
}

fn times(a: Expr, b: Expr) -> Expr {
    e(ExprKind::Binary(BinaryOp::Mul, Box::new(a), Box::new(b)))
}

/// A model under construction.
struct Sketch(Model);

impl Sketch {
    fn new(orders: &[u8]) -> Self {
        let mut model = Model {
            name: "sketch".into(),
            doc: Vec::new(),
            span: span(),
            states: Arena::new(),
            params: Arena::new(),
            inputs: Arena::new(),
            holes: Arena::new(),
            unknowns: Arena::new(),
            equations: Vec::new(),
            alike: Vec::new(),
            boundary: Default::default(),
            step: None,
            statements: None,
            abbreviations: Vec::new(),
            initial: Vec::new(),
            units: crate::hir::Units::default(),
        };
        for (i, &order) in orders.iter().enumerate() {
            let state = model.states.push(State { name: format!("s{i}"), order, span: span() });
            let linear = vec![LinearTerm { state, derivative: order, coefficient: number(1.0) }];
            model.equations.push(Equation {
                state,
                residual: number(0.0),
                linear,
                known: None,
                unknowns: Vec::new(),
                span: span(),
            });
        }
        Sketch(model)
    }

    fn unknown(&mut self, linear: bool) -> UnknownId {
        let name = format!("p{}", self.0.unknowns.len());
        let kind = UnknownKind::Param(ParamId::new(0));
        self.0.unknowns.push(Unknown { kind, name, start: Some(0.5), bounds: Bounds::FREE, linear })
    }

    /// Adds an unknown times each factor to an equation.
    fn terms(&mut self, equation: usize, factors: Vec<Expr>) {
        for factor in factors {
            let unknown = self.unknown(true);
            self.0.equations[equation].unknowns.push(UnknownTerm { unknown, factor });
        }
    }

    fn linear(&mut self, equation: usize, state: usize, derivative: u8, coefficient: Expr) {
        let state = StateId::new(state);
        self.0.equations[equation].linear.push(LinearTerm { state, derivative, coefficient });
    }
}

/// Two equations with the same library: 1, x, y, x*y.
fn polynomial() -> Model {
    let mut sketch = Sketch::new(&[1, 1]);
    for equation in 0..2 {
        let product = times(state(0, 0), state(1, 0));
        sketch.terms(equation, vec![number(1.0), state(0, 0), state(1, 0), product]);
    }
    sketch.0
}

/// Two coupled equations, one with a coefficient that depends on time; a shared unknown, one that enters nonlinearly, an input.
fn mixed() -> Model {
    let mut sketch = Sketch::new(&[1, 1]);
    sketch.0.inputs.push(Input { name: "drive".into(), field: None, between: Between::Smooth, span: span() });
    sketch.linear(0, 1, 0, number(0.4));
    sketch.linear(1, 0, 0, e(ExprKind::Unary(UnaryFn::Cos, Box::new(e(ExprKind::Time)))));
    sketch.0.equations[1].known = Some(e(ExprKind::Input(InputId::new(0))));
    let rate = sketch.unknown(false);
    let decay = e(ExprKind::Unary(UnaryFn::Sin, Box::new(times(e(ExprKind::Unknown(rate)), state(0, 0)))));
    sketch.terms(0, vec![decay, state(1, 0)]);
    let shared = sketch.0.equations[0].unknowns[1].unknown;
    sketch.0.equations[1]
        .unknowns
        .push(UnknownTerm { unknown: shared, factor: e(ExprKind::Powi(Box::new(state(0, 0)), 2)) });
    sketch.0
}

/// `x'' = p0 x + p1 x'^2`, and an equation of order one.
fn second_order() -> Model {
    let mut sketch = Sketch::new(&[2, 1]);
    sketch.terms(0, vec![state(0, 0), e(ExprKind::Powi(Box::new(state(0, 1)), 2))]);
    sketch.terms(1, vec![times(state(0, 0), state(1, 0))]);
    sketch.0
}

fn network(inputs: &[&str], outputs: usize) -> Arena<NetworkId, Network> {
    let mut networks = Arena::new();
    networks.push(Network {
        name: "net".into(),
        input: NetworkInput::Window(inputs.iter().map(|s| s.to_string()).collect()),
        features: Vec::new(),
        along: None,
        trunks: vec![Trunk {
            name: String::new(),
            from: None,
            layers: [4, 3].map(|width| Layer::Dense { width, activation: Some(Activation::Tanh) }).to_vec(),
        }],
        outputs: vec![NetworkOutput {
            name: "v".into(),
            size: outputs,
            over: Over::Window,
            elements: None,
            from: Some(0),
            layers: vec![Layer::Emit { conv: None, weight: 1.0, bias: None }],
        }],
        span: span(),
    });
    networks
}

fn fit(window: usize, bound: usize) -> Fit {
    let auxiliary = (0..bound).map(|component| AuxiliaryBinding {
        state: StateId::new(component),
        network: NetworkId::new(0),
        output: 0,
        component,
    });
    Fit {
        name: "fit".into(),
        model: ModelId::new(0),
        holds: HeldPlace { place: span(), before: "(", after: ")" },
        started: Vec::new(),
        data: vec![DataId::new(0)],
        engine: Engine::Gradient,
        engine_chosen: true,
        seed: 0,
        orders: None,
        significance: None,
        window,
        horizon: None,
        begin: 0,
        stride: 1,
        batch: 2,
        steps: Some(1),
        epochs: None,
        cycles: 1,
        threshold: 0.1,
        prune_from: 0.3,
        projection: true,
        coefficient_rate: None,
        consistency: 1.0,
        optimizer: Optimizer { rate: 5e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: Decay::Cosine, warmup: 0 },
        auxiliary: auxiliary.collect(),
        parameters: Vec::new(),
        fields: Vec::new(),
        step: StepSource::Data,
        start: StartSource::Values(Vec::new()),
        normalise: Normalise::Standard,
        shifts: Vec::new(),
        loss: Loss::plain(Measure::Mse),
        l1: 0.0,
        evaluate: None,
        early_stopping: None,
        bounds: Bounds::FREE,
        span: span(),
    }
}

fn lowered(model: &Model, observed: &[usize], coefficients: &Coefficients) -> Lowered {
    let observed: Vec<StateId> = observed.iter().map(|&i| StateId::new(i)).collect();
    let inputs: Vec<&str> = observed.iter().map(|&s| model.states[s].name.as_str()).collect();
    let networks = network(&inputs, model.states.len());
    let fit = fit(7, model.states.len());
    lowered_from(Request { model, networks: &networks, fit: &fit, observed: &observed, coefficients })
}

/// With all states observed.
#[track_caller]
fn lowered_as(model: &Model, networks: &Arena<NetworkId, Network>, fit: &Fit, coefficients: &Coefficients) -> Lowered {
    let observed: Vec<StateId> = model.states.ids().collect();
    lowered_from(Request { model, networks, fit, observed: &observed, coefficients })
}

#[track_caller]
fn lowered_from(request: Request<'_>) -> Lowered {
    let lowered = lower(request).unwrap();
    verify(&lowered.module).unwrap();
    lowered
}

/// A function in double precision with its arguments and what it gives.
struct Called {
    params: Vec<(String, Tensor)>,
    results: Vec<(String, Tensor)>,
}

impl Called {
    fn new(lowered: &Lowered, function: &str) -> Called {
        let module = widened(&lowered.module);
        let f = module.function(function).unwrap();
        let args = arguments(lowered, function);
        let results = run(&module, function, &args).unwrap();
        let names = f.params.iter().map(|&p| f.values[p].name.clone());
        let params = names.zip(args).collect();
        Called { params, results: f.results.iter().map(|(name, _)| name.clone()).zip(results).collect() }
    }

    fn given(&self, name: &str) -> &Tensor {
        &self.params.iter().find(|(n, _)| n == name).unwrap().1
    }

    fn gives(&self, name: &str) -> Option<&Tensor> {
        self.results.iter().find(|(n, _)| n == name).map(|(_, tensor)| tensor)
    }

    fn result(&self, name: &str) -> Vec<f64> {
        self.gives(name).unwrap().to_f64()
    }
}

/// The same functions with every number in double precision, so that differences can be taken.
fn widened(module: &Module) -> Module {
    let mut module = module.clone();
    for f in &mut module.functions {
        for id in f.values.ids() {
            f.values[id].ty.elem = Elem::F64;
        }
    }
    module
}

/// Smooth made-up numbers for the parameters of a function; three samples.
fn arguments(lowered: &Lowered, function: &str) -> Vec<Tensor> {
    let module = &lowered.module;
    let f = module.function(function).unwrap();
    let arg = |&p: &crate::ir::ValueId| {
        let value = &f.values[p];
        let shape: Vec<usize> = value.ty.axes.iter().map(|&a| module.axes[a].size.unwrap_or(3)).collect();
        if let Some((_, tensor)) = lowered.constants.iter().find(|(n, _)| *n == value.name) {
            return tensor.clone();
        }
        let n: usize = shape.iter().product();
        let fill = |f: &dyn Fn(f64) -> f64| (0..n).map(|i| f(i as f64)).collect::<Vec<f64>>();
        let numbers = match value.name.as_str() {
            names::WINDOW => fill(&|i| 1.0 + (0.37 * i).sin() + 0.1 * (1.3 * i).cos()),
            names::TIME => fill(&|i| 0.1 * i),
            names::SCALE => vec![1.3; n],
            names::WEIGHT => fill(&|i| 0.6 + 0.3 * i),
            names::STEP_SIZE => vec![0.1],
            names::AVERAGE => vec![1.0 / 42.0],
            names::CONSISTENCY => vec![0.7],
            names::RIDGE => vec![1e-3],
            names::MASK => fill(&|i| if i == 2.0 { 0.0 } else { 1.0 }),
            names::HELD => fill(&|i| if i == 2.0 { 0.25 } else { 0.0 }),
            other => fill(&|i| 0.5 * (1.7 * i + other.len() as f64).sin()),
        };
        Tensor::from_f64(shape, numbers).unwrap()
    };
    f.params.iter().map(arg).collect()
}

#[track_caller]
fn check_step(model: &Model, observed: &[usize], coefficients: &Coefficients) {
    check_adjoints(&lowered(model, observed, coefficients));
}

#[track_caller]
fn check_adjoints(lowered: &Lowered) {
    let module = widened(&lowered.module);
    let args = arguments(lowered, names::STEP);
    let f = module.function(names::STEP).unwrap();
    let wrt: Vec<&str> = f.results.iter().filter_map(|(n, _)| n.strip_suffix(names::ADJOINT)).collect();
    assert!(wrt.len() >= 6, "{wrt:?}");
    check_gradient(&module, names::STEP, names::STEP, names::LOSS, &wrt, &args, 1e-6).unwrap();
}

#[test]
fn gradient_of_a_polynomial_model() {
    check_step(&polynomial(), &[0, 1], &Coefficients::Projected);
    check_step(&polynomial(), &[0, 1], &Coefficients::Trained);
    check_step(&polynomial(), &[0, 1], &Coefficients::Emitted { code: 3, hidden: vec![4] });
}

fn conv(channels: usize, padding: Padding, activation: Activation, residual: bool) -> Layer {
    Layer::Conv { channels, kernel: 3, padding, activation: Some(activation), residual }
}

/// Every kind of layer, with each padding, each function that is smooth, and outputs that share layers.
#[test]
fn gradient_of_convolutions_and_shared_layers() {
    let trunk = |name: &str, from, layers| Trunk { name: name.into(), from, layers };
    let emit = Layer::Emit { conv: None, weight: 0.5, bias: Some(0.1) };
    let plain = Layer::Conv { channels: 1, kernel: 1, padding: Padding::Zero, activation: None, residual: false };
    let network = |input| {
        let mut networks = network(&["s0", "s1"], 1);
        let net = &mut networks[NetworkId::new(0)];
        net.input = input;
        let output = |name: &str, from, layers| NetworkOutput {
            name: name.into(),
            size: 1,
            over: Over::Window,
            elements: None,
            from,
            layers,
        };
        let first =
            vec![conv(3, Padding::Zero, Activation::Gelu, false), conv(3, Padding::Circular, Activation::Silu, true)];
        if matches!(net.input, NetworkInput::Window(_)) {
            net.trunks = vec![
                trunk("shared", None, first),
                trunk("unused", None, vec![conv(2, Padding::Zero, Activation::Tanh, false)]),
                trunk("more", Some(0), vec![Layer::Dense { width: 4, activation: Some(Activation::Sigmoid) }]),
            ];
            net.outputs = vec![
                output("v", Some(0), vec![conv(2, Padding::Circular, Activation::Tanh, false), plain]),
                output("w", Some(2), vec![emit, Layer::Activate(Activation::Tanh)]),
            ];
        } else {
            net.trunks = vec![trunk("more", None, vec![Layer::Dense { width: 4, activation: None }])];
            net.outputs = vec![output("v", Some(0), vec![emit]), output("w", None, vec![emit])];
        }
        networks
    };
    let model = polynomial();
    let names = ["s0", "s1"].map(String::from).to_vec();
    for (input, arrays) in [(NetworkInput::Window(names), 12), (NetworkInput::Learned(3), 7)] {
        let mut settings = fit(7, 2);
        for (output, binding) in settings.auxiliary.iter_mut().enumerate() {
            (binding.output, binding.component) = (output, 0);
        }
        let lowered = lowered_as(&model, &network(input), &settings, &Coefficients::Projected);
        // The layers that no output reads have no weights.
        assert_eq!(lowered.weights.len(), arrays, "{:?}", lowered.weights);
        check_adjoints(&lowered);
    }
}

#[test]
fn gradient_of_coupled_equations_with_a_shared_unknown() {
    check_step(&mixed(), &[0, 1], &Coefficients::Projected);
}

#[test]
fn gradient_with_an_unobserved_state() {
    check_step(&polynomial(), &[0], &Coefficients::Projected);
}

#[test]
fn gradient_of_a_second_order_equation() {
    check_step(&second_order(), &[0, 1], &Coefficients::Projected);
}

/// The projected coefficients are those for which nothing nearby is better.
#[test]
fn projected_coefficients_minimise_the_squares() {
    for model in [polynomial(), mixed(), second_order()] {
        let lowered = lowered(&model, &[0, 1], &Coefficients::Projected);
        let module = widened(&lowered.module);
        let step = module.function(names::STEP).unwrap();
        let mut args = arguments(&lowered, names::STEP);
        for (&p, arg) in step.params.iter().zip(&mut args) {
            if step.values[p].name == names::RIDGE {
                *arg = Tensor::scalar(1e-12);
            }
        }
        let results = run(&module, names::STEP, &args).unwrap();
        let at = |name: &str| step.results.iter().position(|(n, _)| n == name).unwrap();
        let xi = results[at(names::COEFFICIENTS)].to_f64();
        let fit = results[at(names::FIT_LOSS)].to_f64()[0];

        let evaluate = module.function(names::EVALUATE).unwrap();
        let result = evaluate.results.iter().position(|(n, _)| n == names::FIT_LOSS).unwrap();
        let loss = |xi: &[f64]| {
            let mut args = arguments(&lowered, names::EVALUATE);
            for (&p, arg) in evaluate.params.iter().zip(&mut args) {
                if evaluate.values[p].name == names::COEFFICIENTS {
                    *arg = Tensor::from_f64(vec![xi.len()], xi.to_vec()).unwrap();
                }
            }
            run(&module, names::EVALUATE, &args).unwrap()[result].to_f64()[0]
        };
        assert!((loss(&xi) - fit).abs() < 1e-9 * fit);
        for k in 0..xi.len() {
            if k == 2 {
                // Held, see `arguments`.
                assert_eq!(xi[k], 0.25);
                continue;
            }
            for change in [-1e-2, 1e-2] {
                let mut moved = xi.clone();
                moved[k] += change;
                assert!(loss(&moved) > fit, "coefficient {k}");
            }
        }
    }
}

/// Equations with the same matrix and library are solved once for the library and once for the starts.
#[test]
fn equal_equations_share_their_solves() {
    let lowered = lowered(&polynomial(), &[0, 1], &Coefficients::Projected);
    let step = lowered.module.function(names::STEP).unwrap();
    let count = |wanted: fn(&Op) -> bool| step.insts.values().filter(|i| wanted(&i.op)).count();
    assert_eq!(count(|op| matches!(op, Op::Solve(_))), 2);
    assert_eq!(count(|op| matches!(op, Op::SpdSolve)), 1);
}

/// Unknowns that a network gives for every window: inside terms, in front of them, and with a range.
#[test]
fn gradient_of_unknowns_from_a_network() {
    let mut model = mixed();
    let ids: Vec<UnknownId> = model.unknowns.ids().collect();
    model.unknowns[ids[0]].bounds = Bounds { lower: -1.0, upper: 2.0 };
    let cases = [(vec![ids[0], ids[1]], 1), (vec![ids[0]], 2), (vec![ids[1]], 1)];
    for (bound, left) in cases {
        let mut networks = network(&["s0", "s1"], 2);
        let net = &mut networks[NetworkId::new(0)];
        net.outputs.push(NetworkOutput {
            name: "p".into(),
            size: 2,
            over: Over::Once,
            elements: None,
            from: Some(0),
            layers: vec![Layer::Emit { conv: None, weight: 1.0, bias: None }],
        });
        let mut settings = fit(7, 2);
        settings.parameters = bound
            .iter()
            .enumerate()
            .map(|(component, &unknown)| ParameterBinding { unknown, network: NetworkId::new(0), output: 1, component })
            .collect();
        let observed = [StateId::new(0), StateId::new(1)];
        let coefficients = Coefficients::Projected;
        let request = Request {
            model: &model,
            networks: &networks,
            fit: &settings,
            observed: &observed,
            coefficients: &coefficients,
        };
        let lowered = lower(request).unwrap();
        verify(&lowered.module).unwrap();
        assert_eq!(lowered.coefficients.len(), left);
        check_adjoints(&lowered);
        let module = widened(&lowered.module);
        let results = run(&module, names::EVALUATE, &arguments(&lowered, names::EVALUATE)).unwrap();
        let evaluate = module.function(names::EVALUATE).unwrap();
        let at = evaluate.results.iter().position(|(n, _)| n == names::BOUND).unwrap();
        assert_eq!(results[at].shape(), [3, bound.len()]);
        let numbers = results[at].to_f64();
        assert!(
            bound[0] != ids[0] || numbers.iter().step_by(bound.len()).all(|x| (-1.0..2.0).contains(x)),
            "{numbers:?}"
        );
    }
}

/// With `loss mae` the parts of the loss are weighted means of magnitudes, in standard deviations.
#[test]
fn the_loss_of_magnitudes() {
    let model = polynomial();
    let networks = network(&["s0", "s1"], 2);
    let settings = Fit { loss: Loss::plain(Measure::Mae), ..fit(7, 2) };
    let called = Called::new(&lowered_as(&model, &networks, &settings, &Coefficients::Projected), names::EVALUATE);
    let (data, weights) = (called.given(names::WINDOW).to_f64(), called.given(names::WEIGHT).to_f64());
    for (part, of) in [(names::FIT_LOSS, names::SOLUTION), (names::CONSISTENCY_LOSS, names::AUXILIARIES)] {
        let sizes = called.result(of).into_iter().zip(&data).enumerate();
        let wanted = sizes.map(|(i, (u, x))| (u - x).abs() * weights[i % 2].sqrt()).sum::<f64>() / 42.0;
        let found = called.result(part)[0];
        assert!((found - wanted).abs() < 1e-10 * wanted, "{part}: {found} against {wanted}");
    }
}

/// An output of the network of [`network`] beside the auxiliaries.
fn another(
    networks: &mut Arena<NetworkId, Network>,
    size: usize,
    over_window: bool,
    last: Option<Activation>,
) -> OutputRef {
    let net = &mut networks[NetworkId::new(0)];
    let mut layers = vec![Layer::Emit { conv: None, weight: 1.0, bias: None }];
    layers.extend(last.map(Layer::Activate));
    let name = format!("o{}", net.outputs.len());
    let over = if over_window { Over::Window } else { Over::Once };
    net.outputs.push(NetworkOutput { name, size, over, elements: None, from: Some(0), layers });
    OutputRef { network: NetworkId::new(0), output: net.outputs.len() - 1, component: 0 }
}

/// `c y'' + d y' + y = p0 u`, and an equation with a field in a term: coefficients that are fields.
fn with_fields(second: bool) -> Model {
    let mut sketch = Sketch::new(if second { &[2, 1] } else { &[2] });
    let field = Some(FieldStart { low: 0.5, high: 1.5 });
    let leaf = |i: usize| e(ExprKind::Input(InputId::new(i)));
    for name in ["c", "d"] {
        sketch.0.inputs.push(Input { name: name.into(), field, between: Between::Smooth, span: span() });
    }
    // Near one, so that the highest derivative is determined.
    let size = e(ExprKind::Binary(BinaryOp::Add, Box::new(number(2.0)), Box::new(leaf(0))));
    sketch.0.equations[0].linear[0].coefficient = size;
    sketch.linear(0, 0, 1, leaf(1));
    sketch.linear(0, 0, 0, number(1.0));
    sketch.0.equations[0].known = Some(number(1.0));
    sketch.terms(0, vec![state(usize::from(second), 0)]);
    if second {
        sketch.terms(1, vec![times(leaf(1), state(1, 0))]);
    }
    sketch.0
}

/// Fields and steps that are trained as they are and that networks give, for windows and for steps, with every kind of start.
#[test]
fn gradient_of_fields_steps_and_starts() {
    for case in 0..5 {
        // Without a start the equations alone have to determine the solution.
        let second = !matches!(case, 2 | 3);
        let model = with_fields(second);
        let inputs = if second { &["s0", "s1"][..] } else { &["s0"] };
        let mut networks = network(inputs, inputs.len());
        let mut settings = fit(7, inputs.len());
        let field = another(&mut networks, 1, true, None);
        let own = another(&mut networks, 1, false, Some(Activation::Sigmoid));
        let over_time = another(&mut networks, 1, true, Some(Activation::Sigmoid));
        let starts = another(&mut networks, 2, false, None);
        if case % 2 == 1 {
            settings.fields = vec![FieldBinding { input: InputId::new(0), source: field }];
        }
        settings.step = match case {
            0 => StepSource::Data,
            1 => StepSource::Trained(None),
            2 => StepSource::Trained(Some(0.2)),
            3 => StepSource::Output(own),
            _ => StepSource::Output(over_time),
        };
        settings.start = match case {
            2 | 3 => StartSource::Free,
            0 => StartSource::Values(Vec::new()),
            _ => {
                let values = [(StateId::new(0), 0), (StateId::new(0), 1)].into_iter().enumerate();
                let bind = |(component, (state, derivative))| StartBinding {
                    state,
                    derivative,
                    source: OutputRef { component, ..starts },
                };
                StartSource::Values(values.map(bind).collect())
            }
        };
        let lowered = lowered_as(&model, &networks, &settings, &Coefficients::Projected);
        let names: Vec<&str> = lowered.weights.iter().map(|w| w.name.as_str()).collect();
        assert_eq!(names.contains(&"field''c"), case % 2 == 0, "{names:?}");
        assert_eq!(names.contains(&"log_steps"), matches!(case, 1 | 2), "{names:?}");
        check_adjoints(&lowered);
        let called = Called::new(&lowered, names::EVALUATE);
        assert_eq!(called.gives(names::FIELDS).unwrap().shape(), [3, 7, 2]);
        assert_eq!(called.gives(names::STEPS).is_some(), case > 0);
    }
}

/// Networks read five samples, and the solves reach over eight: auxiliaries, fields and steps over the horizon, a loss of an output over
/// the window, starts from data.
#[test]
fn gradient_beyond_the_window() {
    for from_data in [false, true] {
        let mut model = with_fields(true);
        if from_data {
            for state in model.states.ids() {
                let column = model.states[state].name.clone();
                model.boundary.starts.push(Start { state, derivative: 0, column, steps: 4, last: false, span: span() });
            }
        }
        let mut networks = network(&["s0", "s1"], 2);
        let mut settings = Fit { horizon: Some(8), ..fit(5, 2) };
        let short = another(&mut networks, 1, true, None);
        let field = another(&mut networks, 1, true, None);
        let step = another(&mut networks, 1, true, Some(Activation::Sigmoid));
        for output in [0, field.output, step.output] {
            networks[NetworkId::new(0)].outputs[output].over = Over::Horizon;
        }
        settings.fields = vec![FieldBinding { input: InputId::new(0), source: field }];
        settings.step = StepSource::Output(step);
        let term =
            |weight, state, output| LossTerm { measure: Measure::Mse, weight, state: StateId::new(state), output };
        let terms = vec![term(1.0, 0, None), term(0.7, 1, None), term(2.0, 1, Some(short))];
        settings.loss = Loss { measure: Measure::Mse, terms };
        let lowered = lowered_as(&model, &networks, &settings, &Coefficients::Projected);
        check_adjoints(&lowered);
        let module = widened(&lowered.module);
        let args = arguments(&lowered, names::EVALUATE);
        let evaluate = module.function(names::EVALUATE).unwrap();
        let results = run(&module, names::EVALUATE, &args).unwrap();
        let at = |name: &str| evaluate.results.iter().position(|(n, _)| n == name).unwrap();
        assert_eq!(results[at(names::SOLUTION)].shape(), [3, 8, 2]);
        let place = |name: &str| evaluate.params.iter().position(|&p| evaluate.values[p].name == name).unwrap();
        let (window, read) = (place(names::WINDOW), place(names::READ));
        assert_eq!((args[window].shape(), args[read].shape()), (&[3, 8, 2][..], &[3, 5, 2][..]));
        let mut changed = args.clone();
        let mut later = args[window].to_f64();
        later.iter_mut().enumerate().filter(|(i, _)| i % 16 >= 10).for_each(|(_, x)| *x += 1.0);
        changed[window] = Tensor::from_f64(vec![3, 8, 2], later).unwrap();
        let after = run(&module, names::EVALUATE, &changed).unwrap();
        // What comes behind the window is compared and nothing else.
        assert_eq!(results[at(names::SOLUTION)], after[at(names::SOLUTION)]);
        assert_eq!(results[at(names::CONSISTENCY_LOSS)], after[at(names::CONSISTENCY_LOSS)]);
        assert_ne!(results[at(names::FIT_LOSS)], after[at(names::FIT_LOSS)]);
    }
}

/// Sums, weights, terms about outputs, magnitudes of coefficients.
#[test]
fn gradient_of_losses_made_of_terms() {
    let mut model = polynomial();
    for id in model.unknowns.ids().skip(2).collect::<Vec<_>>() {
        model.unknowns[id].kind = UnknownKind::Coefficient { hole: HoleId::new(0), term: 0 };
    }
    let mut networks = network(&["s0", "s1"], 2);
    let other = another(&mut networks, 1, true, None);
    let term = |measure, weight, state, output| LossTerm { measure, weight, state: StateId::new(state), output };
    let terms = vec![
        term(Measure::Sse, 0.3, 0, None),
        term(Measure::Mse, 0.7, 1, None),
        term(Measure::Mse, 2.0, 1, Some(other)),
    ];
    let settings = Fit { loss: Loss { measure: Measure::Sse, terms }, ..fit(7, 2) };
    let lowered = lowered_as(&model, &networks, &settings, &Coefficients::Projected);
    check_adjoints(&lowered);
    let called = Called::new(&lowered, names::EVALUATE);
    let (squares, weights) = (called.result(names::SQUARES), called.given(names::WEIGHT).to_f64());
    // Three windows of seven samples.
    let wanted = 0.3 * squares[0] * weights[0] + 0.7 * squares[1] * weights[1] / 21.0;
    let found = called.result(names::FIT_LOSS)[0];
    assert!((found - wanted).abs() < 1e-10 * wanted, "{found} against {wanted}");

    let trained = Fit { l1: 0.2, ..fit(7, 2) };
    let lowered = lowered_as(&model, &networks, &trained, &Coefficients::Trained);
    check_adjoints(&lowered);
    let called = Called::new(&lowered, names::STEP);
    let result = |name: &str| called.result(name);
    let sizes: f64 = result(names::COEFFICIENTS).iter().skip(2).map(|x| x.abs()).sum();
    let parts = result(names::FIT_LOSS)[0] + 0.7 * result(names::CONSISTENCY_LOSS)[0];
    let found = result(names::LOSS)[0] - parts;
    assert!((found - 0.2 * sizes).abs() < 1e-10, "{found} against {}", 0.2 * sizes);
}

#[test]
fn what_cannot_be_trained_is_said() {
    let model = polynomial();
    let networks = network(&["s0", "s1"], 2);
    let observed = [StateId::new(0)];
    let coefficients = Coefficients::Projected;
    let mut settings = fit(7, 2);
    let try_lower = |fit: &Fit, networks: &Arena<NetworkId, Network>| {
        lower(Request { model: &model, networks, fit, observed: &observed, coefficients: &coefficients }).unwrap_err()
    };
    let error = try_lower(&settings, &networks);
    assert_eq!(error, TrainingError::NotObserved { network: "net".into(), input: "s1".into() });
    let reads_one = network(&["s0"], 2);
    settings.auxiliary.truncate(1);
    assert_eq!(try_lower(&settings, &reads_one), TrainingError::NoAuxiliary { state: "s1".into() });
    settings.window = 1;
    assert_eq!(try_lower(&settings, &reads_one), TrainingError::Window { window: 1 });

    let mut sketch = Sketch::new(&[1]);
    sketch.terms(0, vec![state(0, 1)]);
    let request = Request {
        model: &sketch.0,
        networks: &reads_one,
        fit: &fit(7, 0),
        observed: &observed,
        coefficients: &coefficients,
    };
    assert_eq!(lower(request).unwrap_err(), TrainingError::HighDerivative { state: "s0".into(), derivative: 1 });
}

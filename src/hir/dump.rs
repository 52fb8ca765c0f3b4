//! The checked program as stable text, for `--emit hir` and for tests.

use super::{
    Activation, Bounds, ColumnMap, DataSet, DataSource, Engine, Fit, Holdout, Layer, Loss, LossTerm, Measure, Model,
    Network, NetworkInput, Noise, Normalise, OutputRef, Over, Padding, Program, SimulateSpec, StartSource, StepSource,
    Trunk, Unit, UnknownKind, Vary, number,
};
use super::{made, predict};

/// The whole program as text; equal programs give equal text, byte for byte.
pub fn dump(program: &Program) -> String {
    let mut out = String::new();
    for model in program.models.values() {
        dump_model(model, &mut out);
    }
    for network in program.networks.values() {
        dump_network(network, &mut out);
    }
    for data in program.data.values() {
        dump_data(program, data, &mut out);
    }
    for fit in program.fits.values() {
        dump_fit(program, fit, &mut out);
    }
    out
}

/// Appends a formatted line to a string.
macro_rules! line {
    ($out:expr, $($arg:tt)*) => {{
        $out.push_str(&format!($($arg)*));
        $out.push('\n');
    }};
}
pub(super) use line;

/// ` in [0, 5]`, or nothing without bounds.
pub fn spell_bounds(bounds: Bounds) -> String {
    let end = |v: f64| match v {
        f64::INFINITY => "inf".to_string(),
        f64::NEG_INFINITY => "-inf".to_string(),
        v => number(v),
    };
    match bounds == Bounds::FREE {
        true => String::new(),
        false => format!(" in [{}, {}]", end(bounds.lower), end(bounds.upper)),
    }
}

/// ` [m/s]`, or nothing.
pub fn bracketed(unit: Option<&Unit>) -> String {
    unit.map_or(String::new(), |u| format!(" [{u}]"))
}

fn dump_model(model: &Model, out: &mut String) {
    line!(out, "model {}", model.name);
    if let Some(time) = &model.units.time {
        line!(out, "  time [{time}]");
    }
    for (id, state) in model.states.iter() {
        line!(out, "  state {}{} order {}", state.name, bracketed(model.units.state(id)), state.order);
    }
    for (id, param) in model.params.iter() {
        let value = param.value.map_or(String::new(), |v| format!(" = {}", number(v)));
        let fixed = if param.fixed { " fixed" } else { "" };
        let unit = bracketed(model.units.param(id));
        line!(out, "  param {}{unit}{value}{}{fixed}", param.name, spell_bounds(param.bounds));
    }
    for (id, input) in model.inputs.iter() {
        let between = input.between.suffix();
        line!(out, "  input {}{}{between}", input.name, bracketed(model.units.input(id)));
    }
    for (id, hole) in model.holes.iter() {
        line!(out, "  {id:?} {} of {}'", hole.spelled, model.states[hole.state].name);
        for term in &hole.terms {
            line!(out, "    {:?} * {} = {}", term.coefficient, term.spelled, model.spell(&term.value));
        }
    }
    for (id, unknown) in model.unknowns.iter() {
        let kind = match unknown.kind {
            UnknownKind::Param(p) => format!("{p:?}"),
            UnknownKind::Coefficient { hole, term } => format!("{hole:?}[{term}]"),
        };
        let start = unknown.start.map_or(String::new(), |v| format!(" start {}", number(v)));
        let linear = if unknown.linear { "linear" } else { "nonlinear" };
        let unit = bracketed(model.units.unknown(id));
        line!(out, "  {id:?} {}{unit} ({kind}) {linear}{start}{}", unknown.name, spell_bounds(unknown.bounds));
    }
    for eq in &model.equations {
        line!(out, "  equation of {}: {} = 0", model.states[eq.state].name, model.spell(&eq.residual));
        for term in &eq.linear {
            let state = model.spell_state(term.state, term.derivative);
            line!(out, "    linear {state} * {}", model.spell(&term.coefficient));
        }
        if let Some(known) = &eq.known {
            line!(out, "    known {}", model.spell(known));
        }
        for term in &eq.unknowns {
            line!(out, "    unknown {} * {}", model.unknowns[term.unknown].name, model.spell(&term.factor));
        }
    }
    for init in &model.initial {
        line!(out, "  initial {} = {}", model.spell_state(init.state, init.derivative), number(init.value));
    }
    made::boundary_lines(model).iter().for_each(|l| line!(out, "  {l}"));
    made::step_line(model).iter().for_each(|l| line!(out, "  {l}"));
}

fn dump_network(network: &Network, out: &mut String) {
    line!(out, "network {}", network.name);
    match &network.input {
        NetworkInput::Window(names) => {
            let features = network.features.iter().map(|f| format!("{} = {}", f.name, f.formula.spell()));
            let all: Vec<String> = names.iter().cloned().chain(features).collect();
            let along = network.along.as_ref().map_or(String::new(), |a| format!(", {}", a.set));
            line!(out, "  input {} over window{along}", all.join(", "));
        }
        NetworkInput::Learned(size) => line!(out, "  input learned {size}"),
    }
    for trunk in &network.trunks {
        match (mlp(trunk), trunk.name.as_str()) {
            (Some((widths, activation)), "") => line!(out, "  mlp {widths:?} {}", activation.name()),
            _ => line!(out, "  {} = {}", trunk.name, chain(network, trunk.from, &trunk.layers)),
        }
    }
    for output in &network.outputs {
        let over = match (output.over, &network.along, output.elements) {
            (Over::Once, Some(along), Some(_)) => format!(" over {}", along.set),
            (over, Some(along), Some(_)) => format!("{}, {}", over.spell(), along.set),
            (over, _, _) => over.spell().to_string(),
        };
        let plain = matches!(output.layers[..], [Layer::Emit { conv: None, weight: 1.0, bias: None }]);
        if plain && network.trunks.first().is_some_and(|t| t.name.is_empty()) {
            line!(out, "  output {}[{}]{over}", output.name, output.size);
        } else {
            let layers = chain(network, output.from, &output.layers);
            line!(out, "  output {}[{}]{over} = {layers}", output.name, output.size);
        }
    }
}

/// The widths of a trunk that is a multi-layer perceptron, and the function after each layer.
fn mlp(trunk: &Trunk) -> Option<(Vec<usize>, Activation)> {
    let mut of_all = None;
    let mut widths = Vec::new();
    for layer in &trunk.layers {
        let Layer::Dense { width, activation: Some(activation) } = *layer else { return None };
        if of_all.is_some_and(|a| a != activation) {
            return None;
        }
        of_all = Some(activation);
        widths.push(width);
    }
    of_all.map(|activation| (widths, activation))
}

fn padded(padding: Padding) -> &'static str {
    if padding == Padding::Circular { " circular" } else { "" }
}

/// What layers read, and the layers.
fn chain(network: &Network, from: Option<usize>, layers: &[Layer]) -> String {
    let read = from.and_then(|f| network.trunks.get(f)).map(|t| if t.name.is_empty() { "mlp" } else { &t.name });
    let named = |activation: Option<Activation>| activation.map_or(String::new(), |a| format!(" {}", a.name()));
    let layer = |layer: &Layer| match *layer {
        Layer::Dense { width, activation } => format!("linear [{width}]{}", named(activation)),
        Layer::Conv { channels, kernel, padding, activation, residual } => {
            let padding = padded(padding);
            let residual = if residual { " residual" } else { "" };
            format!("conv1d [{channels}] kernel {kernel}{}{padding}{residual}", named(activation))
        }
        Layer::Activate(activation) => activation.name().to_string(),
        Layer::Emit { conv, weight, bias } => {
            let bias = bias.map_or(String::new(), |b| format!(", bias = {}", number(b)));
            let start = format!("(weight = {}{bias})", number(weight));
            match conv {
                None => format!("linear{start}"),
                Some((kernel, padding)) => format!("conv1d{start} kernel {kernel}{}", padded(padding)),
            }
        }
    };
    read.map(str::to_string).into_iter().chain(layers.iter().map(layer)).collect::<Vec<_>>().join(", ")
}

fn dump_data(program: &Program, data: &DataSet, out: &mut String) {
    line!(out, "data {}", data.name);
    match &data.source {
        DataSource::Csv { path, columns } => dump_columns("csv", path, columns, out),
        DataSource::Numpy { path, columns } => dump_columns("numpy", path, columns, out),
        DataSource::Parquet { path, columns } => dump_columns("parquet", path, columns, out),
        DataSource::Simulate(spec) => dump_simulate(program, spec, out),
        DataSource::Solve(spec) => {
            line!(out, "  solve {}", spec.model.name);
            let data = spec.data.map(|id| program.data[id].name.as_str());
            made::solve_lines(spec, data).iter().for_each(|l| line!(out, "  {l}"));
        }
        DataSource::Predict(spec) => {
            line!(out, "  predict {}", program.fits[spec.fit].name);
            predict::predict_lines(program, spec).iter().for_each(|l| line!(out, "  {l}"));
        }
        DataSource::Formula(spec) => made::formula_lines(spec).iter().for_each(|l| line!(out, "  {l}")),
    }
    match data.holdout {
        None => {}
        Some(Holdout::Time(share)) => line!(out, "  holdout {} of time", number(share)),
        Some(Holdout::Trajectories(share)) => line!(out, "  holdout {} of trajectories", number(share)),
    }
}

fn dump_columns(format: &str, path: &str, columns: &ColumnMap, out: &mut String) {
    line!(out, "  {format} {path:?}");
    if let Some(time) = &columns.time {
        line!(out, "  time {time}");
    }
    if let Some(dt) = columns.dt {
        line!(out, "  dt {}", number(dt));
    }
    if columns.irregular {
        line!(out, "  spacing irregular");
    }
    for (name, column) in &columns.columns {
        line!(out, "  {name} = {column}");
    }
    if columns.time_factor != 1.0 {
        line!(out, "  times * {}", number(columns.time_factor));
    }
    for (name, c) in &columns.conversions {
        line!(out, "  {name} * {} + {}", number(c.factor), number(c.offset));
    }
    for (name, derived) in &columns.derived {
        let times = match derived.conversion.factor {
            1.0 => String::new(),
            factor => format!(" times {}", number(factor)),
        };
        line!(out, "  {name} = {}{times}", derived.spell());
    }
    if !columns.missing.is_empty() {
        let texts: Vec<String> = columns.missing.iter().map(|m| format!("{m:?}")).collect();
        line!(out, "  missing {}", texts.join(", "));
    }
    if let Some(trajectory) = &columns.trajectory {
        line!(out, "  trajectory {trajectory}");
    }
}

fn dump_simulate(program: &Program, spec: &SimulateSpec, out: &mut String) {
    let list = |v: &[f64]| v.iter().map(|&x| number(x)).collect::<Vec<_>>().join(", ");
    line!(out, "  simulate {} with ({})", program.models[spec.model].name, list(&spec.values));
    match spec.data {
        Some(by) if by.starts => line!(out, "  from {}, else ({})", program.data[by.data].name, list(&spec.initial)),
        _ => line!(out, "  from ({})", list(&spec.initial)),
    }
    let noise = match spec.noise {
        Noise::Relative(v) => format!("{} relative", number(v)),
        Noise::Absolute(v) => format!("{} absolute", number(v)),
    };
    if let Some(by) = spec.data {
        line!(out, "  data {} noise {noise} seed {}", program.data[by.data].name, spec.seed);
        return;
    }
    let start = if spec.start == 0.0 { String::new() } else { format!(" start {}", number(spec.start)) };
    line!(out, "  steps {} dt {}{start} noise {noise} seed {}", spec.steps, number(spec.dt), spec.seed);
    line!(out, "  trajectories {} spread {}", spec.trajectories, number(spec.spread));
    for (at, vary) in &spec.vary {
        let name = program.models[spec.model].unknowns.values().nth(*at).map_or("?", |u| u.name.as_str());
        match vary {
            Vary::Normal(mean, deviation) => {
                line!(out, "  vary {name} = normal({}, {})", number(*mean), number(*deviation));
            }
            Vary::List(values) => line!(out, "  vary {name} = ({})", list(values)),
        }
    }
}

/// Where solutions start, where the fit says it.
fn dump_start(program: &Program, fit: &Fit, out: &mut String) {
    let model = &program.models[fit.model];
    match &fit.start {
        StartSource::Free => line!(out, "  initial free"),
        StartSource::Held => line!(out, "  initial held"),
        StartSource::Values(list) => {
            for start in list {
                let value = model.spell_state(start.state, start.derivative);
                line!(out, "  initial {value} = {}", spell_output(program, start.source));
            }
        }
    }
}

fn dump_fit(program: &Program, fit: &Fit, out: &mut String) {
    let model = &program.models[fit.model];
    line!(out, "fit {}: {} to {}", fit.name, model.name, program.spell_data(fit));
    let chosen = if fit.engine_chosen { "" } else { " by default" };
    line!(out, "  engine {}{chosen}", fit.engine.name());
    let option = |v: Option<String>| v.unwrap_or_else(|| "default".to_string());
    line!(out, "  seed {}", fit.seed);
    line!(out, "  orders {}", option(fit.orders.map(|v| v.to_string())));
    if fit.engine == Engine::Joint {
        line!(out, "  significance {}", option(fit.significance.map(number)));
        dump_start(program, fit, out);
        return;
    }
    let horizon = fit.horizon.map_or(String::new(), |h| format!(" horizon {h}"));
    let begin = if fit.begin > 0 { format!(" solved from sample {}", fit.begin) } else { String::new() };
    line!(out, "  window {}{horizon}{begin} stride {} batch {}", fit.window, fit.stride, fit.batch);
    let (steps, epochs) = (fit.steps.map(|v| v.to_string()), fit.epochs.map(|v| v.to_string()));
    line!(out, "  steps {} epochs {} cycles {}", option(steps), option(epochs), fit.cycles);
    line!(out, "  threshold {} prune_from {}", number(fit.threshold), number(fit.prune_from));
    let projection = if fit.projection { "on" } else { "off" };
    line!(out, "  projection {projection} coefficient_rate {}", option(fit.coefficient_rate.map(number)));
    line!(out, "  consistency {}", number(fit.consistency));
    let o = &fit.optimizer;
    let decay = o.decay.spell();
    let warmup = if o.warmup > 0 { format!(", warmup = {}", o.warmup) } else { String::new() };
    let (b1, b2, eps) = (number(o.beta1), number(o.beta2), number(o.epsilon));
    line!(
        out,
        "  optimizer adam(lr = {}, beta1 = {b1}, beta2 = {b2}, eps = {eps}, decay = {decay}{warmup})",
        number(o.rate)
    );
    for aux in &fit.auxiliary {
        let network = &program.networks[aux.network];
        let output = network.outputs.get(aux.output).map_or("?", |o| o.name.as_str());
        let state = &model.states[aux.state].name;
        line!(out, "  auxiliary {state} = {}.{output}[{}]", network.name, aux.component);
    }
    for binding in &fit.parameters {
        let network = &program.networks[binding.network];
        let output = network.outputs.get(binding.output).map_or("?", |o| o.name.as_str());
        let name = &model.unknowns[binding.unknown].name;
        line!(out, "  parameters {name} = {}.{output}[{}]", network.name, binding.component);
    }
    for field in &fit.fields {
        line!(out, "  fields {} = {}", model.inputs[field.input].name, spell_output(program, field.source));
    }
    match fit.step {
        StepSource::Data => {}
        StepSource::Trained(None) => line!(out, "  step over time"),
        StepSource::Trained(Some(init)) => line!(out, "  step over time init {}", number(init)),
        StepSource::Output(source) => line!(out, "  step = {}", spell_output(program, source)),
    }
    dump_start(program, fit, out);
    if fit.normalise != Normalise::Standard {
        line!(out, "  normalise {}", fit.normalise.name());
    }
    for &(state, by) in &fit.shifts {
        line!(out, "  shift {} by {} at 0", model.states[state].name, model.states[by].name);
    }
    if fit.loss != Loss::plain(Measure::Mse) {
        line!(out, "  loss {}", spell_loss(program, model, &fit.loss));
    }
    if fit.l1 > 0.0 {
        line!(out, "  l1 {}", number(fit.l1));
    }
    if let Some(evaluate) = fit.evaluate {
        line!(out, "  evaluate {evaluate}");
    }
    if let Some(stopping) = fit.early_stopping {
        line!(out, "  early_stopping {}", stopping.patience);
    }
}

/// A loss as it would be written, term by term.
pub fn spell_loss(program: &Program, model: &Model, loss: &Loss) -> String {
    if loss.terms.is_empty() {
        return loss.measure.name().to_string();
    }
    let term = |t: &LossTerm| {
        let weight = if t.weight == 1.0 { String::new() } else { format!("{}*", number(t.weight)) };
        let state = &model.states[t.state].name;
        match t.output {
            None => format!("{weight}{}({state})", t.measure.name()),
            Some(o) => format!("{weight}{}({}, {state})", t.measure.name(), spell_output(program, o)),
        }
    };
    loss.terms.iter().map(term).collect::<Vec<_>>().join(" + ")
}

/// `network.output[component]`
pub(super) fn spell_output(program: &Program, of: OutputRef) -> String {
    let network = &program.networks[of.network];
    let output = network.outputs.get(of.output).map_or("?", |o| o.name.as_str());
    format!("{}.{output}[{}]", network.name, of.component)
}

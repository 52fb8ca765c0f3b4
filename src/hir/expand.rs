//! What the compiler made of a program, in the user's terms: the text of `mechc expand`.

use super::dump::{bracketed, line, spell_bounds};
use super::made::{boundary_lines, formula_lines, solve_lines, step_line};
use super::predict::predict_lines;
use super::{
    DataSet, DataSource, Engine, Equation, Fit, Model, ModelId, Normalise, Program, StartSource, StateId, StepSource,
    UnknownKind, number,
};
use crate::base::IndexSet;
use crate::source::FileId;

/// Where a fit with `initial held` starts.
const AT_INITIAL: &str = "at the `initial` values of the model, which are held";

/// The lowering of every model and fit as readable text.
pub fn expand(program: &Program) -> String {
    expanded(program, &|_| true)
}

/// The same without the models of other files.
pub fn expand_file(program: &Program, file: FileId) -> String {
    // Without models nothing stands before what comes first.
    expanded(program, &|model| model.span.file == file).trim_start_matches('\n').to_string()
}

fn expanded(program: &Program, wanted: &dyn Fn(&Model) -> bool) -> String {
    let mut out = String::new();
    for (id, model) in program.models.iter().filter(|(_, model)| wanted(model)) {
        if !out.is_empty() {
            out.push('\n');
        }
        expand_model(program, id, model, &mut out);
    }
    for data in program.data.values() {
        let (what, lines) = match &data.source {
            DataSource::Solve(spec) => {
                let from = spec.data.map(|id| program.data[id].name.as_str());
                (format!("solve {}: {}", data.name, spec.model.name), solve_lines(spec, from))
            }
            DataSource::Formula(spec) => (format!("data {}: formulas", data.name), formula_lines(spec)),
            _ => continue,
        };
        line!(out, "\n{what}");
        lines.iter().for_each(|l| line!(out, "  {l}"));
    }
    for fit in program.fits.values() {
        out.push('\n');
        expand_fit(program, fit, &mut out);
        for (data, spec) in program.predictions(&fit.name) {
            line!(out, "\npredict {}: {}", data.name, fit.name);
            predict_lines(program, &spec).iter().for_each(|l| line!(out, "  {l}"));
        }
    }
    out
}

impl Model {
    /// The states that are evaluated on auxiliary variables: those in nonlinear terms or in factors of unknowns, with
    /// the highest derivative of each that is needed there, in state order.
    pub fn auxiliary_states(&self) -> Vec<(StateId, u8)> {
        let mut highest: Vec<Option<u8>> = vec![None; self.states.len()];
        for eq in &self.equations {
            for expr in eq.known.iter().chain(eq.unknowns.iter().map(|u| &u.factor)) {
                expr.visit(&mut |e| {
                    if let super::ExprKind::State(s, d) = e.kind
                        && let Some(slot) = highest.get_mut(crate::base::Idx::index(s))
                    {
                        *slot = Some(slot.map_or(d, |old| old.max(d)));
                    }
                });
            }
        }
        self.states.ids().zip(highest).filter_map(|(id, d)| d.map(|d| (id, d))).collect()
    }
}

fn expand_model(program: &Program, id: ModelId, model: &Model, out: &mut String) {
    line!(out, "model {}", model.name);
    let states: Vec<String> = model
        .states
        .iter()
        .map(|(id, s)| format!("{}{} (order {})", s.name, bracketed(model.units.state(id)), s.order))
        .collect();
    if let Some(time) = &model.units.time {
        line!(out, "  time      in [{time}]");
    }
    line!(out, "  states    {}", states.join(", "));
    for (kind, field, from) in [("inputs", false, "from the data"), ("fields", true, "trained, over time")] {
        let of_kind = model.inputs.iter().filter(|(_, i)| i.field.is_some() == field);
        let names: Vec<String> =
            of_kind.map(|(id, i)| i.name.clone() + &bracketed(model.units.input(id)) + i.between.suffix()).collect();
        if !names.is_empty() {
            line!(out, "  {kind}    {} ({from})", names.join(", "));
        }
    }
    for (id, param) in model.params.iter().filter(|(_, p)| p.fixed) {
        let unit = bracketed(model.units.param(id));
        line!(out, "  fixed     {}{unit} = {}", param.name, param.value.map_or("?".to_string(), number));
    }
    for eq in &model.equations {
        expand_equation(model, eq, out);
    }
    let auxiliary = model.auxiliary_states();
    if !auxiliary.is_empty() {
        line!(out, "  auxiliary variables");
        for (state, derivative) in auxiliary {
            let name = &model.states[state].name;
            let spelled: Vec<String> = (0..=derivative).map(|d| format!("~{}", model.spell_state(state, d))).collect();
            line!(out, "    {} stands for {name}; consistency loss |~{name} - {name}|^2 ties them", spelled.join(", "));
        }
    }
    expand_unknowns(model, out);
    for init in &model.initial {
        line!(out, "  initial   {} = {}", model.spell_state(init.state, init.derivative), number(init.value));
    }
    boundary_lines(model).iter().chain(&step_line(model)).for_each(|l| line!(out, "  {l}"));
    let solved = |d: &DataSet| matches!(&d.source, DataSource::Solve(spec) if spec.of == id);
    if !program.fits.values().any(|f| f.model == id) && !program.data.values().any(solved) {
        line!(out, "  no fit: simulated with the declared values");
    }
}

/// The equation with its linear part left and everything else right; states right of the sign carry a `~`.
fn expand_equation(model: &Model, eq: &Equation, out: &mut String) {
    line!(out, "  equation  of {}", model.spell_state(eq.state, model.states[eq.state].order));
    let mut left = String::new();
    for term in &eq.linear {
        let state = model.spell_state(term.state, term.derivative);
        let spelled = match term.coefficient.as_number() {
            Some(1.0) => state,
            Some(-1.0) => format!("-{state}"),
            Some(v) => format!("{}*{state}", number(v)),
            None => format!("({})*{state}", model.spell(&term.coefficient)),
        };
        append(&mut left, &spelled);
    }
    line!(out, "    linear    {left}");
    if let Some(known) = &eq.known {
        line!(out, "    = known   {}", marked(model, known));
    }
    let mut sign = if eq.known.is_some() { "+" } else { "=" };
    for term in &eq.unknowns {
        let unknown = &model.unknowns[term.unknown];
        let factor = marked(model, &term.factor);
        line!(out, "    {sign} unknown {} * ({factor})", unknown.name);
        sign = "+";
    }
    if eq.known.is_none() && eq.unknowns.is_empty() {
        line!(out, "    = known   0");
    }
}

fn expand_unknowns(model: &Model, out: &mut String) {
    let (mut pruned, mut params) = (0, Vec::new());
    for (id, unknown) in model.unknowns.iter() {
        let how = if unknown.linear { "enters linearly" } else { "enters nonlinearly" };
        match unknown.kind {
            UnknownKind::Param(_) => {
                let start =
                    unknown.start.map_or("start left to the engine".to_string(), |v| format!("start {}", number(v)));
                let unit = bracketed(model.units.unknown(id));
                params.push(format!("{}{unit}: {how}, {start}{}", unknown.name, spell_bounds(unknown.bounds)));
            }
            UnknownKind::Coefficient { .. } => pruned += 1,
        }
    }
    if params.is_empty() && pruned == 0 {
        return;
    }
    line!(out, "  unknowns");
    for text in params {
        line!(out, "    {text}");
    }
    for hole in model.holes.values() {
        let unit = |t: &super::HoleTerm| match model.units.unknown(t.coefficient) {
            Some(unit) => format!("[{unit}]*"),
            None => String::new(),
        };
        let terms: Vec<String> = hole.terms.iter().map(|t| unit(t) + &t.spelled).collect();
        let coefficient = hole.terms.first().and_then(|t| model.unknowns.get(t.coefficient));
        let how = match coefficient.is_some_and(|u| u.linear) {
            true => "enter linearly",
            false => "enter nonlinearly",
        };
        let bounds = coefficient.map_or(String::new(), |u| spell_bounds(u.bounds));
        let state = model.spell_state(hole.state, model.states[hole.state].order);
        line!(out, "    {} coefficients of {} in {state}: {how}{bounds}", terms.len(), hole.spelled);
        line!(out, "      {}", terms.join(", "));
    }
}

fn expand_fit(program: &Program, fit: &Fit, out: &mut String) {
    let model = &program.models[fit.model];
    line!(out, "fit {}: {} to {}", fit.name, model.name, program.spell_data(fit));
    let why = match (fit.engine_chosen, fit.engine) {
        (true, _) => "as the file says",
        (false, Engine::Joint) => {
            "no network output stands for a state, so trajectory and unknowns are estimated together"
        }
        (false, Engine::Gradient) if fit.outputs().is_empty() => {
            "what differs from step to step is trained through the solve"
        }
        (false, Engine::Gradient) => "network outputs stand for states, so the network is trained through the solve",
    };
    line!(out, "  engine    {} ({why})", fit.engine.name());
    line!(out, "  seed      {}", fit.seed);
    for (id, param) in model.params.iter().filter(|(_, p)| p.held) {
        let unit = bracketed(model.units.param(id));
        line!(out, "  held      {}{unit} = {}", param.name, param.value.map_or("?".to_string(), number));
    }
    if fit.engine == Engine::Joint {
        line!(out, "  auxiliary the current trajectory: nonlinear terms are linearised around it and iterated");
        if fit.start == StartSource::Held {
            line!(out, "  start     {AT_INITIAL}");
        }
        return;
    }
    for network in fit.auxiliary.iter().map(|a| a.network).collect::<IndexSet<_>>() {
        let network = &program.networks[network];
        let names: Vec<String> = network
            .outputs
            .iter()
            .enumerate()
            .flat_map(|(i, o)| fit.auxiliary.iter().filter(move |a| a.output == i).map(move |a| (a, o)))
            .map(|(a, o)| format!("~{} = {}[{}]", model.states[a.state].name, o.name, a.component))
            .collect();
        line!(out, "  auxiliary from {}: {}", network.name, names.join(", "));
    }
    for binding in &fit.parameters {
        let network = &program.networks[binding.network];
        let output = network.outputs.get(binding.output).map_or("?", |o| o.name.as_str());
        let name = &model.unknowns[binding.unknown].name;
        line!(out, "  {name} of every window from {}: {output}[{}]", network.name, binding.component);
    }
    for (id, field) in model.inputs.iter().filter(|(_, i)| i.field.is_some()) {
        let from = match fit.fields.iter().find(|f| f.input == id) {
            Some(f) => super::dump::spell_output(program, f.source),
            None => "trained numbers, one for every step of a window".to_string(),
        };
        line!(out, "  {} of every step from {from}", field.name);
    }
    match fit.step {
        StepSource::Data => {}
        StepSource::Trained(_) => line!(out, "  steps     trained, one for every interval of a window"),
        StepSource::Output(source) => line!(out, "  steps     from {}", super::dump::spell_output(program, source)),
    }
    match &fit.start {
        StartSource::Free => line!(out, "  start     chosen by the solve"),
        StartSource::Held => line!(out, "  start     {AT_INITIAL}"),
        StartSource::Values(list) => {
            for start in list {
                let value = model.spell_state(start.state, start.derivative);
                line!(out, "  start     {value} from {}", super::dump::spell_output(program, start.source));
            }
        }
    }
    if fit.loss.terms.is_empty() {
        let misfit = fit.loss.measure.about();
        line!(out, "  loss      {misfit} data misfit + {} * consistency", number(fit.consistency));
    } else {
        let spelled = super::spell_loss(program, model, &fit.loss);
        line!(out, "  loss      {spelled}, consistency {}", number(fit.consistency));
    }
    if fit.l1 > 0.0 {
        line!(out, "  l1        {} times the magnitudes of the coefficients of holes", number(fit.l1));
    }
    let horizon = match (fit.horizon, fit.begin) {
        (None, _) => String::new(),
        (Some(h), 0) => format!(", solved over {h}"),
        (Some(_), _) => format!(", solved over {} from the last one", fit.reach()),
    };
    line!(out, "  windows   {} samples every {}{horizon}, {} per step", fit.window, fit.stride, fit.batch);
    if fit.normalise != Normalise::Standard {
        line!(out, "  networks  see states with `normalise {}`", fit.normalise.name());
    }
    for &(state, by) in &fit.shifts {
        let (state, by) = (&model.states[state].name, &model.states[by].name);
        line!(out, "  moved     {state} by the first sample of {by} in every window");
    }
    let coefficients = match fit.projection {
        true => "linear unknowns eliminated by least squares at every step",
        false => "all unknowns trained by the optimiser",
    };
    line!(out, "  unknowns  {coefficients}; dropped below {} in magnitude", number(fit.threshold));
    let budget = match (fit.steps, fit.epochs) {
        (Some(n), _) => format!("{n} steps"),
        (None, Some(n)) => format!("{n} epochs"),
        (None, None) => "the engine's default budget".to_string(),
    };
    let decay = fit.optimizer.decay.spell();
    line!(out, "  budget    {budget}, {} cycles, adam at {} ({decay})", fit.cycles, number(fit.optimizer.rate));
    if let Some(stopping) = fit.early_stopping {
        line!(out, "  ends      when the held-out loss has not fallen for {} evaluations", stopping.patience);
    }
}

/// Spells with `~` before every state: there it is the auxiliary variable that counts.
fn marked(model: &Model, expr: &super::Expr) -> String {
    let mut states = model.states.clone();
    for id in model.states.ids() {
        states[id].name = format!("~{}", model.states[id].name);
    }
    super::Names { states: &states, inputs: &model.inputs, unknowns: &model.unknowns, units: None }.spell(expr)
}

fn append(sum: &mut String, term: &str) {
    match (sum.is_empty(), term.strip_prefix('-')) {
        (true, _) => sum.push_str(term),
        (false, Some(rest)) => {
            sum.push_str(" - ");
            sum.push_str(rest);
        }
        (false, None) => {
            sum.push_str(" + ");
            sum.push_str(term);
        }
    }
}

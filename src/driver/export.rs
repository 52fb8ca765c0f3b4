//! `mechc export`: the equations of a run or of a model in the notations of other tools.

use super::discovered;
use super::failure::{Failure, Problem};
use super::session::Session;
use crate::base::Idx;
use crate::export::{ExportError, Format, Found, FoundTerm, Options, Origin, System, export};
use crate::hir::{DataSource, Model, Program, SimulateSpec, Unit, Units, number};
use crate::report::RunRecord;

/// Said where statements go without units.
const NO_UNITS: &str = "without units: those of numbers inside terms cannot be told";

/// What to export, and how.
#[derive(Clone, Copy, Debug)]
pub struct ExportRequest<'a> {
    /// The notation.
    pub format: Format,
    /// Its options.
    pub options: Options,
    /// The model, where the file has several.
    pub model: Option<&'a str>,
    /// The simulated data set of the file whose initial values, and parameters, count; without it those of the model.
    pub data: Option<&'a str>,
    /// The text of the run's `record.json`, where the file is the `discovered.mech` of a run.
    pub record: Option<&'a str>,
}

impl Session {
    /// The equations of a model file in another notation.
    ///
    /// # Errors
    /// Those of [`Session::check`]; where a number of the model is not known, or the notation cannot say something.
    pub fn export(&mut self, path: &str, overrides: &[String], request: &ExportRequest<'_>) -> Result<String, Failure> {
        let record = request.record.map(read).transpose()?;
        let program = self.check_without_tests(path, overrides)?.program;
        let here = |m: &Model| self.sources().file(m.span.file).path == path;
        let mut model = choose(&program, path, request.model, here)?;
        let start = request.data.map(|name| simulation(&program, path, &model.name, name)).transpose()?;
        if let Some(spec) = start {
            model = &program.models[spec.model];
        }
        let mut origin = match &record {
            Some(record) => found(record),
            None => Origin { about: about(model, path), found: Vec::new() },
        };
        let first = first_time(start, record.as_ref());
        let unit = model.units.time.as_ref().map_or_else(String::new, |unit| format!(" {unit}"));
        let late = first.filter(|t| *t != 0.0).map_or_else(String::new, |t| format!(", at t = {}{unit}", number(t)));
        origin.about.extend(beginning(&program, &model.name, request.data, record.as_ref()).map(|line| line + &late));
        let errors: Vec<(String, f64, f64)> = record
            .iter()
            .flat_map(|r| &r.parameters)
            .filter_map(|p| Some((p.name.clone(), p.value, p.std_error?)))
            .collect();
        let mut system = System::new(model, origin, &errors).map_err(failure)?;
        system.start = first;
        if let Some(spec) = start {
            let mut values = spec.initial.iter();
            // What only the data of a simulation say is no number of the model: it has none, or its own.
            let own = system.initial.iter_mut().flatten().zip(&mut values).filter(|(_, value)| value.is_finite());
            own.for_each(|(slot, value)| *slot = Some(*value));
            for parameter in &mut system.parameters {
                let value = spec.values.get(parameter.id.index()).copied().unwrap_or(parameter.value);
                // An error belongs to the estimate alone.
                parameter.std_error = parameter.std_error.filter(|_| value == parameter.value);
                parameter.value = value;
            }
        }
        let text = export(&system, request.format, request.options).map_err(failure)?;
        let bare = Model { units: Units::default(), ..model.clone() };
        if request.format != Format::Text || model.units == bare.units || discovered::checks(&source(model, &text)) {
            return Ok(text);
        }
        // Where the units of numbers cannot be told, statements without any are the ones that can be used.
        let mut system = System { model: &bare, ..system };
        system.origin.about.push(NO_UNITS.to_string());
        let plain = export(&system, request.format, request.options).map_err(failure)?;
        Ok(if discovered::checks(&source(&bare, &plain)) { plain } else { text })
    }
}

/// Statements as the model they stand in when they are used.
fn source(model: &Model, statements: &str) -> String {
    let unit = |unit: Option<&Unit>| unit.map_or_else(String::new, |u| format!(" [{u}]"));
    let mut lines = discovered::unit_declarations(model);
    lines.push(format!("model {} {{", model.name));
    lines.extend(model.units.time.as_ref().map(|time| format!("time [{time}]")));
    match &model.statements {
        Some(written) => {
            lines.extend(written.declarations.iter().cloned());
            for (declared, ids) in &written.states {
                lines.push(format!("state {declared}{}", unit(ids.first().and_then(|&id| model.units.state(id)))));
            }
        }
        None => {
            let states = model.states.iter().map(|(id, s)| format!("state {}{}", s.name, unit(model.units.state(id))));
            let inputs = model.inputs.iter().map(|(id, i)| format!("input {}{}", i.name, unit(model.units.input(id))));
            lines.extend(states.chain(inputs));
        }
    }
    lines.join("\n") + "\n" + statements + "}\n"
}

fn failure(error: ExportError) -> Failure {
    let code = match error {
        ExportError::Hole { .. } | ExportError::NoValue { .. } => "N082",
        ExportError::Digits { .. } => "N084",
        _ => "N083",
    };
    Failure::Usage(Problem::new(code, error.to_string(), error.help()))
}

fn read(record: &str) -> Result<RunRecord, Failure> {
    serde_json::from_str(record).map_err(|e| {
        let message = format!("`record.json` is not the record of a run: {e}");
        Failure::Usage(Problem::new("N080", message, "name the folder of a finished run, or its `discovered.mech`"))
    })
}

/// The model that is named, the only one, or the only one that the file itself declares.
fn choose<'p>(
    program: &'p Program,
    path: &str,
    name: Option<&str>,
    here: impl Fn(&Model) -> bool,
) -> Result<&'p Model, Failure> {
    let all: Vec<&Model> = program.declared_models().collect();
    let own: Vec<&Model> = all.iter().copied().filter(|m| here(m)).collect();
    let problem = |message: String| {
        let names: Vec<&str> = all.iter().map(|m| m.name.as_str()).collect();
        let help = match names.is_empty() {
            true => "name a file with a model, or the folder of a run".to_string(),
            false => format!("choose one of {} with --model", names.join(", ")),
        };
        Failure::Usage(Problem::new("N081", message, help))
    };
    match (name, all.as_slice(), own.as_slice()) {
        (Some(name), ..) => all
            .iter()
            .find(|m| m.name == name)
            .copied()
            .ok_or_else(|| problem(format!("`{path}` has no model called `{name}`"))),
        (None, [only], _) | (None, _, [only]) => Ok(only),
        (None, [], _) => Err(problem(format!("`{path}` has no model"))),
        (None, ..) => Err(problem(format!("`{path}` has several models"))),
    }
}

/// The simulations of a model, by name.
fn simulations<'p>(program: &'p Program, model: &'p str) -> impl Iterator<Item = (&'p str, &'p SimulateSpec)> {
    program.data.values().filter_map(move |data| match &data.source {
        DataSource::Simulate(spec) if program.models[spec.model].name == model => Some((data.name.as_str(), spec)),
        _ => None,
    })
}

/// The simulation of a model that is called `name`.
fn simulation<'p>(program: &'p Program, path: &str, model: &'p str, name: &str) -> Result<&'p SimulateSpec, Failure> {
    simulations(program, model).find(|(other, _)| *other == name).map(|(_, spec)| spec).ok_or_else(|| {
        let names: Vec<&str> = simulations(program, model).map(|(name, _)| name).collect();
        let help = match names.is_empty() {
            true => "leave out --data".to_string(),
            false => format!("choose one of {} with --data", names.join(", ")),
        };
        Failure::Usage(Problem::new("N003", format!("`{path}` simulates `{model}` in no data called `{name}`"), help))
    })
}

/// The time of the initial values: that of the simulation, or else of the first sample of the run.
fn first_time(simulation: Option<&SimulateSpec>, record: Option<&RunRecord>) -> Option<f64> {
    let recorded = || record?.trajectories.first()?.time.first().copied();
    simulation.filter(|spec| spec.data.is_none()).map(|spec| spec.start).or_else(recorded)
}

/// Whose initial values are exported, where that is a question: those of a run, or the ones asked for.
fn beginning<'p>(
    program: &'p Program,
    model: &'p str,
    asked: Option<&str>,
    record: Option<&RunRecord>,
) -> Option<String> {
    let names: Vec<&str> = simulations(program, model).map(|(name, _)| name).collect();
    let whose = match (asked, record) {
        (Some(name), _) => match from_samples(program, model, name) {
            Some(data) => {
                return Some(format!("initial values: the first samples of {data}, which are not written here"));
            }
            None => name.to_string(),
        },
        // The first trajectory that was fitted.
        (None, Some(record)) => match record.trajectories.first().map(|t| t.name.as_str()).filter(|n| !n.is_empty()) {
            Some(name) if record.data.len() > 1 => name.to_string(),
            Some(name) => format!("trajectory {name} of {}", record.data.first()?.name),
            None => record.data.first()?.name.clone(),
        },
        (None, None) => return None,
    };
    let others: Vec<&str> =
        names.into_iter().skip(usize::from(asked.is_none())).filter(|n| asked != Some(*n)).collect();
    let others = match others.is_empty() {
        true => String::new(),
        false => format!(" (with --data those of {})", others.join(", ")),
    };
    Some(format!("initial values: those of {whose}{others}"))
}

/// The data whose first samples a simulation begins at.
fn from_samples<'p>(program: &'p Program, model: &'p str, name: &str) -> Option<&'p str> {
    let (_, spec) = simulations(program, model).find(|(own, _)| *own == name)?;
    let by = spec.data.filter(|by| by.starts)?;
    Some(&program.data[by.data].name)
}

/// Where a model comes from and what its author says about it.
fn about(model: &Model, path: &str) -> Vec<String> {
    let mut out = vec![format!("{} of {path}, written by mechc {}", model.name, env!("CARGO_PKG_VERSION"))];
    out.extend(model.doc.iter().flat_map(|line| line.lines()).map(|line| line.trim().to_string()));
    out
}

fn found(record: &RunRecord) -> Origin {
    let version = record.versions.iter().find(|(name, _)| name == "mechc").map_or("", |(_, version)| version.as_str());
    let mut about = vec![format!("{} as mechc {version} found it", record.model)];
    about.push(record.summary.clone());
    about.extend(record.beyond_equations().map(str::to_string));
    let about =
        about.iter().flat_map(|text| text.lines()).map(str::to_string).filter(|line| !line.is_empty()).collect();
    let equation = |e: &crate::report::Equation| Found {
        state: e.state.clone(),
        derivative: e.derivative,
        terms: e
            .terms
            .iter()
            .map(|t| {
                let digits = |n: &crate::report::Inside| t.term.chars().skip(n.at).take(n.length).collect();
                FoundTerm {
                    term: t.term.clone(),
                    coefficient: t.coefficient,
                    std_error: t.std_error,
                    inside: t.inside.iter().map(|n| (digits(n), n.std_error)).collect(),
                }
            })
            .collect(),
    };
    Origin { about, found: record.equations.iter().map(equation).collect() }
}

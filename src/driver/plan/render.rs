//! Plans for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::memory;
use super::super::words::counted;
use super::{DeviceSolve, Planned, PlannedSolve, Purpose};
use crate::artifact::{OutlineEntry, OutlineValue};
use crate::codegen::cuda::SolveRegime;
use crate::hir;
use crate::lower::training::LINEARISED;
use crate::runtime::SolveMethod;

impl PlannedSolve {
    /// Whether it is solved again and again, with other coefficients each time.
    fn is_linearised(&self) -> bool {
        let stands_for_slopes =
            |value: &OutlineValue| matches!(value, OutlineValue::Varies(text) if text == LINEARISED);
        self.outline.entries.iter().any(|entry| stands_for_slopes(&entry.value))
    }

    /// What distinguishes a coefficient: `x' 1`, `y -10`, `x (1 + t)`.
    fn spelled(&self, entry: &OutlineEntry) -> String {
        let names = self.outline.systems.first();
        let name = names.and_then(|names| names.get(entry.state)).map_or("?", String::as_str);
        let derivative = "'".repeat(entry.derivative);
        match &entry.value {
            OutlineValue::Constant(v) => format!("{name}{derivative} {}", hir::number(*v)),
            OutlineValue::Varies(text) => format!("{name}{derivative} ({text})"),
        }
    }

    /// Coefficients that are not zero, equation by equation.
    fn coefficients(&self) -> String {
        let equation = |e: usize| -> String {
            let entries = self.outline.entries.iter().filter(|entry| entry.equation == e);
            entries.map(|entry| self.spelled(entry)).collect::<Vec<_>>().join(", ")
        };
        (0..self.outline.states()).map(equation).collect::<Vec<_>>().join("; ")
    }

    fn text(&self, thing: &str, out: &mut String) {
        let (o, f) = (&self.outline, &self.footprint);
        let systems: Vec<String> = o.systems.iter().map(|s| s.join(" with ")).collect();
        let shared = match (o.systems.len(), o.own_matrices) {
            (0 | 1, _) => "",
            (_, true) => ", each with a matrix of its own, of which the first is shown",
            (_, false) => ", with the same matrix",
        };
        let mut line = |label: &str, text: String| {
            let _ = writeln!(out, "    {label:14}{text}");
        };
        line("systems", format!("{}{shared}", systems.join("; ")));
        let constant = if o.constant_matrix() { "constant".to_string() } else { format!("one for each {thing}") };
        line(
            "matrix",
            format!("{constant}; {} of {} coefficients of a step known to be zero", o.zeros(), o.coefficients()),
        );
        line("coefficients", self.coefficients());
        let [equations, initial, smooth] = f.rows;
        let (start, without) =
            if self.closed { ("of the periodic boundary", ", without the periodic boundary") } else { ("initial", "") };
        line(
            "unknowns",
            format!(
                "{}: {} steps, blocks of {} ({} derivatives of {})",
                f.unknowns,
                o.steps,
                f.block,
                o.orders,
                counted(o.states(), "state")
            ),
        );
        line(
            "rows",
            format!("{}: {equations} of equations, {initial} {start}, {smooth} smooth", equations + initial + smooth),
        );
        line("bandwidth", format!("{}{without}", f.bandwidth));
        let known = counted(o.systems.len(), "known part");
        let responses = if o.responses > 0 { format!(", {}", counted(o.responses, "response")) } else { String::new() };
        line("right sides", format!("{known}{responses} for each {thing}"));
        let method = match self.response_method {
            Some(other) if other != self.method => {
                format!("{}; responses by {}", describe(self.method), describe(other))
            }
            _ if self.method == SolveMethod::OwnFactors && self.is_linearised() => {
                "block factor for each solve, substitution".to_string()
            }
            _ => describe(self.method).to_string(),
        };
        line("algorithm", method);
        if let Some(device) = self.device {
            line("on devices", device.text());
        }
        line("bytes", format!("{} for each right side, {} for a factor", f.vector_bytes, self.factor_bytes()));
    }

    fn json(&self) -> Value {
        let (o, f) = (&self.outline, &self.footprint);
        let entries: Vec<Value> = o
            .entries
            .iter()
            .map(|e| {
                let value = match &e.value {
                    OutlineValue::Constant(v) => json!(v),
                    OutlineValue::Varies(text) => json!(text),
                };
                json!({ "equation": e.equation, "state": e.state, "derivative": e.derivative, "value": value })
            })
            .collect();
        json!({
            "systems": o.systems,
            "constant_matrix": o.constant_matrix(),
            "own_matrices": o.own_matrices,
            "coefficients": entries,
            "zeros": o.zeros(),
            "steps": o.steps,
            "states": o.states(),
            "derivatives": o.orders,
            "unknowns": f.unknowns,
            "rows": { "equation": f.rows[0], "initial": f.rows[1], "smooth": f.rows[2] },
            "block": f.block,
            "bandwidth": f.bandwidth,
            "responses": o.responses,
            "algorithm": name(self.method),
            "response_algorithm": self.response_method.map(name),
            "device": self.device.map(|d| d.json()),
            "right_side_bytes": f.vector_bytes,
            "factor_bytes": self.factor_bytes(),
        })
    }
}

impl Planned {
    /// What is solved at once.
    fn thing(&self) -> &'static str {
        if matches!(self.purpose, Purpose::Data | Purpose::Item) { "trajectory" } else { "window" }
    }

    /// For people.
    pub fn text(&self) -> String {
        let steps = self.solves.first().map_or(0, |s| s.outline.steps);
        let why = match self.purpose {
            Purpose::Training => {
                format!("training solves {} of {steps} steps at a time", counted(self.samples, "window"))
            }
            Purpose::Data => {
                let data = counted(self.samples, "trajectory");
                format!("done without a relaxed solve; one of all its data ({data} of {steps} steps) would be")
            }
            Purpose::Item => {
                let linearised = self.solves.iter().any(PlannedSolve::is_linearised);
                let again = if linearised { "again and again until it stays" } else { "once" };
                format!("{} of {steps} steps, solved {again}", counted(self.samples, "trajectory"))
            }
            Purpose::Window => format!("done without a relaxed solve; one of a window of {steps} steps would be"),
        };
        let mut out = format!("{}: {why}\n", self.what);
        let several = self.solves.len() > 1;
        for (i, solve) in self.solves.iter().enumerate() {
            if several {
                let _ = writeln!(out, "  solve {} of {}", i + 1, self.solves.len());
            }
            solve.text(self.thing(), &mut out);
        }
        let thing = self.thing();
        let _ = write!(out, "  memory: {} for each {thing}", memory::size(self.sample_bytes));
        let _ = write!(out, " and {} once", memory::size(self.fixed_bytes));
        if let Some((memory, largest)) = self.memory.zip(self.largest_batch) {
            let _ = write!(out, "; {}", self.fits(memory, largest));
        }
        out.push('\n');
        out
    }

    /// How many windows or trajectories fit in so many bytes, and where the program wants more, what that takes or how to want less.
    fn fits(&self, memory: u64, largest: u64) -> String {
        let there = memory::size(memory);
        let wanted = match self.purpose {
            Purpose::Training => self.samples as u64,
            // Trajectories are solved one after the other.
            Purpose::Data | Purpose::Window | Purpose::Item => 1,
        };
        if largest >= wanted {
            return format!("at most {largest} at a time in {there}");
        }
        let needs = |count: u64| memory::size(self.fixed_bytes.saturating_add(self.sample_bytes.saturating_mul(count)));
        match (self.purpose, largest) {
            (Purpose::Training, 0) => format!(
                "not one fits in {there}: one needs about {}, {wanted} need {}; make `window` or the network smaller, or give more memory",
                needs(1),
                needs(wanted)
            ),
            (Purpose::Training, _) => format!(
                "{wanted} do not fit in {there}: they need {}; write `batch {largest}` or less in the block of the fit, or give more memory",
                needs(wanted)
            ),
            (Purpose::Item, _) => {
                format!("it does not fit in {there}: it needs {}; take fewer steps, or give more memory", needs(1))
            }
            // No such solve is made, so that nothing has to fit.
            (Purpose::Data | Purpose::Window, _) => format!("more than {there}: it would need {}", needs(1)),
        }
    }

    /// For programs: one object.
    pub fn json(&self) -> Value {
        let purpose = match self.purpose {
            Purpose::Training => "training",
            Purpose::Data => "data",
            Purpose::Window => "window",
            Purpose::Item => "item",
        };
        json!({
            "plan": self.what,
            "purpose": purpose,
            "samples": self.samples,
            "solves": self.solves.iter().map(PlannedSolve::json).collect::<Vec<_>>(),
            "sample_bytes": self.sample_bytes,
            "fixed_bytes": self.fixed_bytes,
            "memory": self.memory,
            "largest_batch": self.largest_batch,
        })
    }
}

impl DeviceSolve {
    fn text(&self) -> String {
        let method = match self.method {
            SolveMethod::Operator => "explicit solution matrix, kept there and applied through cuBLAS",
            SolveMethod::SharedFactor => "block factor made in every call, substitution",
            SolveMethod::OwnFactors | SolveMethod::Segments => "block factor for each, substitution",
        };
        match (self.regime, self.response_regime) {
            (Some(own), Some(other)) if other != own => format!("{method}; {own}; responses: {other}"),
            (Some(own), _) => format!("{method}; {own}"),
            (None, _) => method.to_string(),
        }
    }

    fn json(&self) -> Value {
        let regime = |r: SolveRegime| json!({ "threads": r.lanes, "segments": r.segments });
        json!({
            "algorithm": name(self.method),
            "regime": self.regime.map(regime),
            "response_regime": self.response_regime.map(regime),
        })
    }
}

fn name(method: SolveMethod) -> &'static str {
    match method {
        SolveMethod::Operator => "operator",
        SolveMethod::SharedFactor => "shared_factor",
        SolveMethod::OwnFactors => "own_factors",
        SolveMethod::Segments => "segments",
    }
}

fn describe(method: SolveMethod) -> &'static str {
    match method {
        SolveMethod::Operator => "explicit solution matrix, applied as a dense product",
        SolveMethod::SharedFactor => "block factor made once, substitution",
        SolveMethod::OwnFactors => "block factor for each, substitution",
        SolveMethod::Segments => "time cut into segments with block factors side by side, substitution",
    }
}

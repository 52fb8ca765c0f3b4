//! What makes the result of a joint fit less trustworthy than its standard errors say.

use super::findings::Findings;
use super::kinds::{Kind, Remark, Told};
use super::kinks;
use super::observed::Observed;
use super::range_ends;
use super::starts_given;
use super::terms::idle_parameters;
use super::unlisted::Unlisted;
use crate::base::{Idx, IndexMap, IndexSet};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{W0706, W1102, W1105, W1107, W1120, W1122};
use crate::hir::{
    self, Bounds, Engine, Expr, ExprKind, Fit, InitialValue, Model, Program, StartSource, StateId, UnaryFn, UnknownId,
    UnknownKind,
};
use crate::report::{named, round};
use crate::source::Span;
use crate::train::joint::{Estimate, JointFit, MadeUp, Observations, PLAUSIBLE};

/// What is asked of a number that ends at zero.
const SIGN: &str = "look whether the sign before the term with it is right; else ";
/// What stands beside a state that nothing observed depends on.
const UNFELT: &str = "felt by nothing that is observed";
/// Said of a fit that did not settle, where nothing else says why.
const UNSETTLED: &str = "the fit did not settle: estimates still move by more than a third of their standard errors, or terms still come and go";

/// Samples scatter by so many times the noise of a fit where it takes for noise of the process what is none.
const SEVERAL: f64 = 3.0;

/// Remarks that have a place in the model file.
pub fn placed((program, fit): (&Program, &Fit), result: &JointFit) -> Vec<Diagnostic> {
    let model = &program.models[fit.model];
    let mut out = made_up((program, fit), result);
    out.extend(at_bounds(model, result));
    out.extend(insignificant(model, result));
    out
}

/// Parameters at an end of their range that others make up for: however wide the range, they would come to its end.
fn made_up((program, fit): (&Program, &Fit), result: &JointFit) -> Vec<Diagnostic> {
    let model = &program.models[fit.model];
    let unknown = |number: usize| model.unknowns.values().nth(result.columns.unknown(number));
    let mut told = IndexSet::new();
    let at_bound = |k: usize| result.estimates.get(result.columns.unknown(k)).is_some_and(|e| e.at_bound);
    let say = |MadeUp { parameter, by, .. }: &MadeUp| {
        let of = unknown(*parameter).filter(|_| at_bound(*parameter))?;
        let UnknownKind::Param(param) = of.kind else { return None };
        let by: Vec<String> = by.iter().filter_map(|&k| Some(format!("`{}`", unknown(k)?.name))).collect();
        let verb = if by.len() == 1 { "makes" } else { "make" };
        let message = match by.as_slice() {
            [] => format!(
                "the estimate of `{}` lies at an end of its range, and the data hardly see it there: other values fit as well",
                of.name
            ),
            by => format!(
                "the estimate of `{}` lies at an end of its range, and {} {verb} up for that: the data tell only what they do together",
                of.name,
                named(by),
            ),
        };
        let which = if by.is_empty() { "it" } else { "one of them" };
        let help = format!(
            "a wider range does not help: hold {which} at a value that is known: `fit {}({} = ...) to {}`",
            model.name,
            hir::family(&of.name),
            program.spell_data(fit)
        );
        Some(Diagnostic::warning(W1102, message, model.params[param].span, "declared here").help(help))
    };
    result.made_up.iter().filter_map(say).filter(|d| told.insert(d.primary.span)).collect()
}

/// Parameters whose best value within their range is one of its ends.
fn at_bounds(model: &Model, result: &JointFit) -> Vec<Diagnostic> {
    let made_up: Vec<usize> = result.made_up.iter().map(|m| result.columns.unknown(m.parameter)).collect();
    let numbered = model.unknowns.values().zip(&result.estimates).enumerate();
    let held = numbered.filter(|(k, (_, e))| e.at_bound && !made_up.contains(k)).map(|(_, of)| of);
    // Elements of a family stand in one declaration.
    let mut declared: IndexMap<Span, (Bounds, bool, Vec<String>)> = IndexMap::new();
    for (unknown, estimate) in held {
        let UnknownKind::Param(param) = unknown.kind else { continue };
        let bounds = unknown.bounds;
        let low = (estimate.value - bounds.lower).abs() <= (bounds.upper - estimate.value).abs();
        let entry = declared.entry(model.params[param].span).or_insert((bounds, true, Vec::new()));
        entry.1 &= if low { bounds.lower == 0.0 } else { bounds.upper == 0.0 };
        entry.2.push(format!("`{}` lies at {}", unknown.name, range_ends::spelled(bounds, low)));
    }
    let remark = |(span, (bounds, zero, names)): (Span, (Bounds, bool, Vec<String>))| {
        let further = match (zero, bounds.lower == 0.0) {
            (true, true) => "below 0",
            (true, false) => "above 0",
            (false, _) => "further",
        };
        let message = format!("the estimate of {}: the data would take it {further}", named(&names));
        let remark = range_ends::remark(
            (span, bounds),
            message,
            "; the other estimates and their errors hold for that value only",
        );
        let help = remark.help.clone().filter(|_| zero).map(|help| format!("{SIGN}{help}"));
        match help {
            Some(help) => remark.help(help),
            None => remark,
        }
    };
    declared.into_iter().map(remark).collect()
}

/// Terms of a hole that were kept although their coefficients could as well be zero.
fn insignificant(model: &Model, result: &JointFit) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    for hole in model.holes.values() {
        let weak: Vec<String> = hole
            .terms
            .iter()
            .filter_map(|term| {
                let estimate = result.estimates.get(term.coefficient.index())?;
                is_weak(estimate).then(|| {
                    let number = round(estimate.value, Some(estimate.std_error)).full();
                    format!("`{}` ({number})", term.spelled)
                })
            })
            .collect();
        if weak.is_empty() {
            continue;
        }
        let named = named(&weak);
        let state = &model.states[hole.state].name;
        let message =
            format!("terms in the equation of `{state}` are kept with coefficients below two standard errors: {named}");
        let d = Diagnostic::warning(W1105, message, hole.span, "of this hole");
        out.push(d.help("give more data, fewer candidates, or `significance`"));
    }
    out
}

/// Whether a candidate term is kept although its coefficient is below the significance of plausible terms.
fn is_weak(estimate: &Estimate) -> bool {
    estimate.kept && estimate.value.abs() < PLAUSIBLE * estimate.std_error
}

/// States that no column observes; one remark for all elements of a family, or two where the data feel only some of them.
pub fn unobserved((model, fit): (&Model, &Fit), observed: &Observed, unlisted: &[Unlisted]) -> Vec<Remark<Diagnostic>> {
    let mut families: IndexMap<(Span, bool), Unobserved> = IndexMap::new();
    for (id, state) in model.states.iter().filter(|(_, s)| observed.train.column(&s.name).is_none()) {
        if unlisted.iter().any(|unlisted| unlisted.has(state.span)) {
            continue;
        }
        let unfelt = fit.engine == Engine::Joint && observed.is_unfelt(&state.name);
        families.entry((state.span, unfelt)).or_default().states.push((id, &state.name));
    }
    let spans: Vec<Span> = families.keys().map(|(span, _)| *span).collect();
    let of = |((span, unfelt), mut of): ((Span, bool), Unobserved)| {
        of.split = spans.iter().filter(|other| **other == span).count() > 1;
        let names: Vec<String> = of.states.iter().map(|(_, name)| format!("`{name}`")).collect();
        let named = if of.split { named(&names) } else { names.into_iter().next().unwrap_or_default() };
        let here = if unfelt { UNFELT } else { "estimated from the equations alone" };
        let d = Diagnostic::warning(W0706, format!("no column observes {named}"), span, here);
        let finding = match (fit.engine, fit.start == StartSource::Free, observed.known_starts) {
            (Engine::Gradient, ..) => d,
            _ if unfelt => d.help(of.begins_unfelt(model)),
            (Engine::Joint, ..) if observed.held_starts => d.help(of.begins_held(model)),
            (Engine::Joint, true, _) => d.help("where it begins is estimated too"),
            (Engine::Joint, false, false) => d.help(of.begins_elsewhere(model)),
            (Engine::Joint, false, true) => d.help(of.begins(model)),
        };
        Remark::new(if unfelt { Kind::Unfelt } else { Kind::Plain }, finding)
    };
    let columns = unlisted.iter().filter_map(|unlisted| Some(Remark::new(Kind::Unlisted, unlisted.finding("")?)));
    columns.chain(families.into_iter().map(of)).collect()
}

/// States of one declaration that no column observes, all felt by the data or none.
#[derive(Default)]
struct Unobserved<'m> {
    states: Vec<(StateId, &'m String)>,
    /// Whether it is otherwise with others of the declaration.
    split: bool,
}

impl Unobserved<'_> {
    /// Their `initial` values.
    fn declared(&self, model: &Model) -> Vec<String> {
        let own = |i: &&InitialValue| self.states.iter().any(|(id, _)| *id == i.state);
        let spelled =
            |i: &InitialValue| format!("`{} = {}`", model.spell_state(i.state, i.derivative), hir::number(i.value));
        model.initial.iter().filter(own).map(spelled).collect()
    }

    /// What one writes of them: the family, or the first element where the others are another matter.
    fn to_write(&self) -> &str {
        let first = self.states.first().map_or("", |(_, name)| name.as_str());
        if self.split { first } else { hir::family(first) }
    }

    /// Where a hidden state begins that nothing observed depends on.
    fn begins_unfelt(&self, model: &Model) -> String {
        let (them, begins) = match self.split && self.states.len() > 1 {
            true => ("them", "they begin"),
            false => ("it", "it begins"),
        };
        let nothing = format!("nothing that is observed depends on {them}: no estimate hangs on where {begins}");
        match self.declared(model).as_slice() {
            [] => format!(
                "{nothing}, which is taken to be at 0; if {begins} elsewhere, say so: `initial {} = 1`",
                self.to_write()
            ),
            known => format!("{nothing}, which is at {}, its `initial` value", named(known)),
        }
    }

    /// Where a hidden state begins in a fit by the joint engine.
    fn begins(&self, model: &Model) -> String {
        match self.declared(model).as_slice() {
            [] => self.begins_elsewhere(model),
            known => format!(
                "it begins with {}, its `initial` value, unless the data contradict that: estimates hold for this start; `initial free` in the \
                 block of the fit has it estimated",
                named(known)
            ),
        }
    }

    /// The same where the fit holds all starts.
    fn begins_held(&self, model: &Model) -> String {
        match self.declared(model).as_slice() {
            [] => self.begins_elsewhere(model),
            known => format!("it begins with {}, its `initial` value, which the fit holds", named(known)),
        }
    }

    /// The same where the data contradicted what is known of starts.
    fn begins_elsewhere(&self, model: &Model) -> String {
        match self.declared(model).as_slice() {
            [] => {
                format!(
                    "where it begins is estimated too; if that is known, say it: `initial {} = ...`",
                    self.to_write()
                )
            }
            known => format!(
                "no fit that begins with {}, its `initial` value, was as good: where it begins is estimated too",
                named(known)
            ),
        }
    }
}

/// States of which what the solution leaves over is of the size of the solution; one remark for all elements of a family.
pub fn noisy(model: &Model, findings: &Findings) -> Vec<Diagnostic> {
    let mut declared: IndexMap<Span, (bool, Vec<String>)> = IndexMap::new();
    for share in findings.explained.iter().filter(|s| s.is_small()) {
        let Some(state) = model.states.values().find(|s| s.name == share.state) else { continue };
        let (nothing, shares) = declared.entry(state.span).or_default();
        *nothing |= share.share <= 0.0;
        shares.push(share.spelled());
    }
    let remark = |(span, (nothing, shares)): (Span, (bool, Vec<String>))| {
        let message = format!(
            "what the solution leaves over is of the size of the signal: of the variance it explains {}",
            named(&shares)
        );
        let others = "other equations may explain the data as well: compare coefficients with their standard errors, give more samples or \
                      less noise, or look for what the model leaves out";
        let help = match starts_given::give(model).filter(|_| nothing) {
            Some(give) => format!("a constant explains as much: {give}; else {others}"),
            None => others.to_string(),
        };
        Diagnostic::warning(W1107, message, span, "in its data").help(help)
    };
    declared.into_iter().map(remark).collect()
}

/// Why the data may not follow any trajectory of the model exactly.
pub fn deviates(model: &Model, result: &JointFit, data: &Observations) -> String {
    let bounded = model.unknowns.values().zip(&result.estimates).filter(|(_, e)| e.at_bound);
    let bounded: Vec<String> = bounded.map(|(u, _)| format!("`{}`", u.name)).collect();
    if let Some(jump) = jump(model, result).filter(|_| bounded.is_empty()) {
        return format!(
            "`{jump}` jumps within steps and the solution bends there, or the process itself is noisy, or the candidate terms cannot express it"
        );
    }
    if let Some(kink) = kinks::visited(model, (&result.estimates, &result.x), data).filter(|_| bounded.is_empty()) {
        return format!(
            "`{kink}` bends where the solution passes and samples may be too far apart for that, or the process itself is noisy, or the candidate terms \
             cannot express it"
        );
    }
    if let Some(scatters) = scatters(result, data).filter(|_| bounded.is_empty()) {
        let what = if model.holes.is_empty() { "equations" } else { "candidate terms" };
        return format!(
            "the {what} may not express the law (a saturating or other term is missing), the process itself is noisy, or the data were smoothed; {scatters}"
        );
    }
    match bounded.is_empty() {
        true => {
            "the process itself is noisy, the data were smoothed, or the candidate terms cannot express it".to_string()
        }
        false => format!(
            "with {} at the end of its range the candidate terms may not be able to express it, or the process itself is noisy",
            bounded.join(", ")
        ),
    }
}

/// What takes noise of the process for what a law leaves over leaves next to no noise of the measurement, of which samples that no law holds show more.
fn scatters(result: &JointFit, data: &Observations) -> Option<String> {
    let all = data.names.iter().zip(result.noise.iter().zip(&result.scatter));
    let of = all.filter(|(_, (noise, scatter))| **scatter > SEVERAL * **noise);
    let (name, (noise, scatter)) = of.max_by(|a, b| (a.1.1 / a.1.0).total_cmp(&(b.1.1 / b.1.0)))?;
    Some(format!(
        "samples of `{name}` scatter by about {scatter:.1e}, far more than the noise that is told, {noise:.1e}"
    ))
}

/// A part of the equations that were found that jumps where states pass some value: no polynomial from sample to sample goes along with that.
pub fn jump(model: &Model, result: &JointFit) -> Option<String> {
    let mut found = None;
    for part in kept_parts(model, &result.estimates) {
        part.visit(&mut |e| {
            let jumps = match &e.kind {
                ExprKind::Unary(UnaryFn::Sign, a) => a.has_state(),
                ExprKind::Select(_, parts) => parts.iter().take(2).any(Expr::has_state),
                _ => false,
            };
            if jumps && found.is_none() {
                found = Some(model.spell(e));
            }
        });
    }
    found
}

/// What the equations that were found are made of.
pub fn kept_parts<'m>(model: &'m Model, estimates: &'m [Estimate]) -> impl Iterator<Item = &'m Expr> {
    let kept = |id: UnknownId| estimates.get(id.index()).is_none_or(|e| e.kept);
    model.equations.iter().flat_map(move |equation| {
        let factors = equation.unknowns.iter().filter(move |term| kept(term.unknown)).map(|term| &term.factor);
        factors.chain(&equation.known)
    })
}

/// What is said of data that follow no trajectory of the model exactly, for the reason `why`.
pub fn deviation(why: &str) -> String {
    format!(
        "the data do not follow any trajectory of the model exactly: {why}; standard errors allow for process noise"
    )
}

/// Remarks about the fit as a whole.
pub fn general(model: &Model, result: &JointFit) -> Vec<Told> {
    let mut out = Vec::new();
    if !result.converged {
        out.push(Told::against(W1120, UNSETTLED));
    }
    for hole in model.holes.values() {
        let none = hole.terms.iter().all(|t| {
            let at = t.coefficient.index();
            result.estimates.get(at).is_none_or(|e| !e.kept)
        });
        if none {
            let state = &model.states[hole.state].name;
            let text = format!("no term of `{}` in the equation of `{state}` is significant", hole.spelled);
            out.push(Told::against(W1122, text + ": without it the model fits as well"));
        }
    }
    for id in idle_parameters(model, &|id| result.estimates.get(id.index()).is_none_or(|e| e.kept)) {
        let name = &model.unknowns[id].name;
        out.push(Told::against(W1122, format!("every term with `{name}` was dropped: its value says nothing")));
    }
    out
}

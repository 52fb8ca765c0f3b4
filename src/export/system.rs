//! A model with all its numbers, solved for its highest derivatives.

use super::ExportError;
use super::notes::notes;
use crate::base::Idx;
use crate::hir::{BinaryOp, Bounds, Equation, Expr, ExprKind, Model, StateId, UnaryFn, UnknownId, UnknownKind, terms};

/// A model whose every number is known.
#[derive(Clone, Debug)]
pub struct System<'m> {
    /// The model. Expressions refer to it.
    pub model: &'m Model,
    /// Where it comes from.
    pub origin: Origin,
    /// Its parameters, in the order of declaration.
    pub parameters: Vec<Parameter>,
    /// One right side per state, in the order of the states.
    pub rights: Vec<Right>,
    /// The value of every state and each derivative below its order at the first time, where it is known.
    pub initial: Vec<Vec<Option<f64>>>,
    /// That first time, where it is known.
    pub start: Option<f64>,
}

/// Where a system comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// Lines for the head of the output.
    pub about: Vec<String>,
    /// The equations as the run that found them tells them; empty for a model that was written.
    pub found: Vec<Found>,
}

/// An equation as a run tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The state, or a family of states.
    pub state: String,
    /// The derivative on the left.
    pub derivative: u32,
    /// The terms on the right.
    pub terms: Vec<FoundTerm>,
}

/// A term as a run tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundTerm {
    /// `1`, `x`, `x*y^2`
    pub term: String,
    /// Its coefficient.
    pub coefficient: f64,
    /// The coefficient's standard error.
    pub std_error: Option<f64>,
    /// The estimated numbers in it, as it spells them, with their standard errors.
    pub inside: Vec<(String, Option<f64>)>,
}

/// A parameter with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Which unknown it is in expressions.
    pub id: UnknownId,
    /// Its name in the model.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// The range a fit keeps to.
    pub bounds: Bounds,
    /// Its standard error, where a run has one.
    pub std_error: Option<f64>,
}

/// The highest derivative of a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Right {
    /// The state.
    pub state: StateId,
    /// Which derivative.
    pub derivative: u8,
    /// Its value.
    pub value: Expr,
    /// The same as a sum.
    pub terms: Vec<RightTerm>,
}

/// A summand of a right side.
#[derive(Clone, Debug, PartialEq)]
pub struct RightTerm {
    /// The number in it.
    pub coefficient: f64,
    /// What the number multiplies; nothing where it stands alone.
    pub rest: Option<Expr>,
    /// The number's standard error, where a run has one.
    pub std_error: Option<f64>,
}

impl<'m> System<'m> {
    /// The time of the initial values where it is not the zero that everybody takes it for.
    pub(super) fn start_if_late(&self) -> Option<f64> {
        self.start.filter(|t| *t != 0.0)
    }

    /// What it is and where it comes from, as lines of comments.
    pub(super) fn head(&self, comment: &str) -> String {
        self.origin.about.iter().map(|line| format!("{comment} {line}\n")).collect()
    }

    /// The system of a model. `parameter_errors` are the standard errors of parameters, by name, with the values they belong to.
    ///
    /// # Errors
    /// Where a number is not known.
    pub fn new(
        model: &'m Model,
        mut origin: Origin,
        parameter_errors: &[(String, f64, f64)],
    ) -> Result<System<'m>, ExportError> {
        if let Some(hole) = model.holes.values().next() {
            return Err(ExportError::Hole { model: model.name.clone(), hole: hole.spelled.clone() });
        }
        let mut parameters = Vec::new();
        for (id, unknown) in model.unknowns.iter() {
            let UnknownKind::Param(param) = unknown.kind else { continue };
            let no_value = || ExportError::NoValue { model: model.name.clone(), name: unknown.name.clone() };
            let value = model.params.get(param).and_then(|p| p.value).ok_or_else(no_value)?;
            let error = parameter_errors.iter().find(|(name, v, _)| *name == unknown.name && same(*v, value));
            let (name, bounds) = (unknown.name.clone(), unknown.bounds);
            parameters.push(Parameter { id, name, value, bounds, std_error: error.map(|e| e.2) });
        }
        let rights = model.equations.iter().map(|e| right(model, e, &origin.found)).collect();
        let mut initial: Vec<Vec<Option<f64>>> =
            model.states.values().map(|s| vec![None; usize::from(s.order)]).collect();
        for value in &model.initial {
            let slot = initial.get_mut(value.state.index()).and_then(|s| s.get_mut(usize::from(value.derivative)));
            if let Some(slot) = slot {
                *slot = Some(value.value);
            }
        }
        origin.about.extend(notes(model, &origin));
        Ok(System { model, origin, parameters, rights, initial, start: None })
    }
}

/// Whether two numbers are the same up to what a detour through decimal text may cost.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 4.0 * f64::EPSILON * a.abs().max(b.abs())
}

fn right(model: &Model, equation: &Equation, found: &[Found]) -> Right {
    let state = &model.states[equation.state];
    let value = as_written(equation, state.order).unwrap_or_else(|| solved(equation, state.order));
    let told = found.iter().find(|f| f.state == state.name && f.derivative == u32::from(state.order));
    let terms = terms(&value).into_iter().map(|term| {
        let spelled = term.rest.as_ref().map_or_else(|| "1".to_string(), |rest| model.spell_factor(rest));
        // Numbers in a term are rounded in what the run tells, so that the coefficient alone must do.
        let matches =
            |t: &&FoundTerm| (t.term == spelled || !t.inside.is_empty()) && same(t.coefficient, term.coefficient);
        let std_error = told.and_then(|f| f.terms.iter().find(matches)).and_then(|t| t.std_error);
        RightTerm { coefficient: term.coefficient, rest: term.rest, std_error }
    });
    let terms = terms.collect();
    Right { state: equation.state, derivative: state.order, value, terms }
}

/// The right side of an equation that says what the highest derivative is.
fn as_written(equation: &Equation, order: u8) -> Option<Expr> {
    let top = ExprKind::State(equation.state, order);
    let residual = &equation.residual;
    match &residual.kind {
        kind if *kind == top => Some(Expr::number(0.0, residual.span)),
        ExprKind::Binary(BinaryOp::Sub, a, b) if a.kind == top && !b.any(&mut |e| e.kind == top) => {
            Some(b.as_ref().clone())
        }
        _ => None,
    }
}

/// `(known + sum(unknown * factor) - other linear terms) / coefficient of the highest derivative`
fn solved(equation: &Equation, order: u8) -> Expr {
    let span = equation.span;
    let binary = |op, a: Expr, b: Expr| Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), span);
    let times = |a: &Expr, b: Expr| match (a.as_number(), b.as_number()) {
        (Some(1.0), _) => b,
        (_, Some(1.0)) => a.clone(),
        _ => binary(BinaryOp::Mul, a.clone(), b),
    };
    let mut sum = equation.known.clone();
    for term in &equation.unknowns {
        let product = times(&Expr::new(ExprKind::Unknown(term.unknown), span), term.factor.clone());
        sum = Some(match sum {
            Some(sum) => binary(BinaryOp::Add, sum, product),
            None => product,
        });
    }
    let mut top = None;
    for term in &equation.linear {
        if (term.state, term.derivative) == (equation.state, order) {
            top = Some(term.coefficient.clone());
            continue;
        }
        let state = Expr::new(ExprKind::State(term.state, term.derivative), span);
        sum = Some(match (sum, term.coefficient.as_number()) {
            (None, Some(c)) => times(&Expr::number(-c, span), state),
            (None, None) => Expr::new(ExprKind::Unary(UnaryFn::Neg, Box::new(times(&term.coefficient, state))), span),
            (Some(sum), Some(c)) if c < 0.0 => binary(BinaryOp::Add, sum, times(&Expr::number(-c, span), state)),
            (Some(sum), _) => binary(BinaryOp::Sub, sum, times(&term.coefficient, state)),
        });
    }
    let sum = sum.unwrap_or_else(|| Expr::number(0.0, span));
    match top {
        Some(top) if top.as_number() != Some(1.0) => binary(BinaryOp::Div, sum, top),
        _ => sum,
    }
}

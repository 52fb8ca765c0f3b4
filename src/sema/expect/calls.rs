//! Functions of the file in expectations, and functions of a series with its times.

use super::super::functions::{each_part_mut, put_in, put_in_within};
use super::super::resolve::MAX_NODES;
use super::subject::Resolver;
use crate::base::IndexMap;
use crate::hir::{Quantity, Timing};
use crate::syntax::ast::{self, Expr, ExprKind};

/// Functions of the file call each other at most this deep,
const MAX_CALLS_DEEP: usize = 100;
/// and so often in one test.
const MAX_CALLS: usize = 10_000;

/// The functions that models declare for themselves, by the name of the model.
pub(in crate::sema) type OfModels<'a> = IndexMap<&'a str, Vec<&'a ast::Function>>;

/// The functions that the models among the items of a program declare for themselves.
pub(in crate::sema) fn functions_of_models(items: &[ast::Item]) -> OfModels<'_> {
    let models = items.iter().filter_map(|item| if let ast::Item::Model(m) = item { Some(m) } else { None });
    models
        .map(|model| {
            let own =
                model.body.iter().filter_map(|i| if let ast::ModelItem::Function(f) = i { Some(f) } else { None });
            (model.name.name.as_str(), own.collect())
        })
        .collect()
}

impl Resolver<'_> {
    /// The value of a call of a function of the file.
    pub fn user_call(&mut self, function: &ast::Function, expr: &Expr, arguments: &[Expr]) -> Option<Quantity> {
        let (name, wanted, given) = (&function.name.name, function.params.len(), arguments.len());
        if wanted != given {
            let plural = if wanted == 1 { "" } else { "s" };
            let message = format!("`{name}` takes {wanted} argument{plural}, and {given} are given");
            self.wrong(message, expr.span, "give one argument for each parameter");
            return None;
        }
        self.calls += 1;
        let few = self.depth < MAX_CALLS_DEEP && self.calls <= MAX_CALLS && !self.lost;
        let Some(body) = few.then(|| put_in(function, arguments, self.calls)).flatten() else {
            // What follows from this is silent.
            if !std::mem::replace(&mut self.lost, true) {
                let message = format!("`{name}` calls too many functions, or itself");
                self.wrong(message, expr.span, "shorten the functions that it needs");
            }
            return None;
        };
        self.depth += 1;
        let value = self.quantity(&body);
        self.depth -= 1;
        value
    }

    /// A term of a model with what its functions and those of the file stand for in place of their calls; `None` where it calls none.
    pub fn without_calls(&mut self, term: &Expr, model: &str) -> Option<Expr> {
        let (mut out, before) = (term.clone(), self.calls);
        let mut left = MAX_NODES;
        self.put_bodies(&mut out, model, 0, &mut left);
        (self.calls > before).then_some(out)
    }

    /// What is too deep or too much keeps its call: it is then no term of an equation, and the model has said why.
    fn put_bodies(&mut self, expr: &mut Expr, model: &str, depth: usize, left: &mut usize) {
        let own = self.of_models.get(model).into_iter().flatten().copied();
        let mut functions = own.chain(self.functions);
        if let ExprKind::Call(call) = &expr.kind
            && let Some(function) = functions.find(|f| f.name.name == call.function.name)
            && function.params.len() == call.arguments.len()
        {
            self.calls += 1;
            let few = depth < MAX_CALLS_DEEP && self.calls <= MAX_CALLS;
            if let Some(body) = few.then(|| put_in_within(function, &call.arguments, self.calls, left)).flatten() {
                *expr = body;
                self.put_bodies(expr, model, depth + 1, left);
            }
            return;
        }
        if let ExprKind::Sum { body, .. } = &mut expr.kind {
            self.put_bodies(body, model, depth, left);
        }
        each_part_mut(expr, &mut |part| self.put_bodies(part, model, depth, left));
    }

    /// A number from a series and the times that belong to it.
    pub fn timed(&mut self, series: &Expr, how: Timing) -> Option<Quantity> {
        let value = self.quantity(series)?;
        let Some(times) = times(&value) else {
            self.wrong("this is not a series over time", series.span, "name a column or a solution: `run.x`");
            return None;
        };
        Some(Quantity::Timed { how, series: Box::new(value), times: Box::new(times) })
    }

    /// `at(run.x, 2*pi)`
    pub fn at_time(&mut self, series: &Expr, time: &Expr) -> Option<Quantity> {
        let at = fixed(self.quantity(time)?);
        if !matches!(at, Quantity::Number(_) | Quantity::Measured(..)) {
            self.wrong("the time is not a number", time.span, "write `at(run.x, 2.5)` or `at(run.x, 2*pi)`");
            return None;
        }
        let of = series.span;
        let Quantity::Timed { series, times, .. } = self.timed(series, Timing::Peaks)? else { return None };
        let at = match at {
            Quantity::Number(at) => at,
            measured => self.time_of(measured, &times, (time.span, of))?,
        };
        Some(Quantity::Timed { how: Timing::At(at), series, times })
    }
}

/// The times of the first series in a quantity.
fn times(quantity: &Quantity) -> Option<Quantity> {
    match quantity {
        Quantity::Column(id, _) => Some(Quantity::Column(*id, "t".to_string())),
        Quantity::Solution(id, _) => Some(Quantity::Solution(*id, "t".to_string())),
        Quantity::Unary(_, a) => times(a),
        Quantity::Binary(_, a, b) => times(a).or_else(|| times(b)),
        _ => None,
    }
}

/// A quantity of numbers as a number.
fn fixed(quantity: Quantity) -> Quantity {
    match quantity {
        Quantity::Unary(f, a) => match fixed(*a) {
            Quantity::Number(a) => Quantity::Number(f.apply(a)),
            a => Quantity::Unary(f, Box::new(a)),
        },
        Quantity::Binary(op, a, b) => match (fixed(*a), fixed(*b)) {
            (Quantity::Number(a), Quantity::Number(b)) => Quantity::Number(op.apply(a, b)),
            (a, b) => Quantity::Binary(op, Box::new(a), Box::new(b)),
        },
        other => other,
    }
}

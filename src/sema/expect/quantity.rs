//! Quantities of expectations: numbers, columns, and what fits found.

use super::super::suggest;
use super::family;
use super::subject::{Owner, Resolver};
use crate::diagnostics::codes::E1102;
use crate::diagnostics::{Among, Diagnostic};
use crate::hir::{BinaryOp, DataSource, FitId, Quantity, Reduction, Side, Subject, Timing, UnaryFn};
use crate::syntax::ast::{self, Call, Expr, ExprKind, Ident, UnaryOp};

/// Functions that say something about a fit or a model.
const OF_FITS: [&str; 10] =
    ["terms", "coef", "std_error", "numerator", "denominator", "rmse", "held_out_rmse", "noise", "loss", "metric"];

/// Functions of a series and its times.
const OF_TIME: [&str; 3] = ["at", "period", "peaks"];
impl Resolver<'_> {
    /// The quantity an expression stands for; `None` after a report.
    pub fn quantity(&mut self, expr: &Expr) -> Option<Quantity> {
        match &expr.kind {
            ExprKind::Number { value, .. } => Some(Quantity::Number(*value)),
            ExprKind::Measured { value, unit } => self.measured(value, unit),
            ExprKind::Name(name) if name == "pi" => Some(Quantity::Number(std::f64::consts::PI)),
            ExprKind::Name(name) => {
                let fit = self.only_fit(expr.span)?;
                self.of_fit(fit, &Ident { name: name.clone(), span: expr.span })
            }
            ExprKind::Field { of, name } => match &of.kind {
                ExprKind::Name(owner) => self.of_owner(owner, of, name),
                _ => {
                    self.wrong("only items have parts", of.span, "write `run.x`");
                    None
                }
            },
            ExprKind::Unary { op: UnaryOp::Negate, operand } => {
                Some(Quantity::Unary(UnaryFn::Neg, Box::new(self.quantity(operand)?)))
            }
            ExprKind::Unary { op: UnaryOp::Plus, operand } => self.quantity(operand),
            ExprKind::Binary { op, left, right } if operator(*op).is_some() => {
                let (left, right) = (self.quantity(left), self.quantity(right));
                Some(Quantity::Binary(operator(*op)?, Box::new(left?), Box::new(right?)))
            }
            ExprKind::Call(call) => self.call(expr, call),
            ExprKind::Subscript { of, .. } => match family::element(expr) {
                Some(element) => self.quantity(&element),
                None if !matches!(of.kind, ExprKind::Name(_) | ExprKind::Field { .. }) => {
                    self.wrong("only states, inputs and parameters have elements", of.span, "write `run.u[3]`");
                    None
                }
                None => {
                    self.wrong("an element is named by whole numbers here", expr.span, "write `run.u[3]`");
                    None
                }
            },
            ExprKind::Tuple(list) => {
                // Every element is looked at, also after one that is wrong.
                let list: Vec<Option<Quantity>> = list.iter().map(|e| self.quantity(e)).collect();
                list.into_iter().collect::<Option<Vec<Quantity>>>().map(Quantity::List)
            }
            ExprKind::Primed { of, primes } => {
                if let Some(column) = self.derivative(of, *primes) {
                    return Some(column);
                }
                if let ExprKind::Field { of: owner, .. } = &of.kind
                    && let ExprKind::Name(owner) = &owner.kind
                    && !self.is_item(owner)
                {
                    // Says that there is no such item.
                    return self.quantity(of);
                }
                let help = "derivatives are not among the samples; an equation's coefficient is `coef(x', y)`";
                self.wrong("a derivative has no value here", expr.span, help);
                None
            }
            _ => {
                self.wrong("this has no value in an expectation", expr.span, "write numbers, `run.x`, `coef(x', y)`");
                None
            }
        }
    }

    fn of_owner(&mut self, owner: &str, of: &Expr, name: &Ident) -> Option<Quantity> {
        match self.owner(owner, of.span)? {
            Owner::Data(id) => {
                let data = &self.program.data[id];
                let made = match &data.source {
                    DataSource::Solve(spec) => {
                        let states = spec.model.states.values().map(|s| s.name.clone());
                        let inputs = spec.model.inputs.values().map(|i| i.name.clone());
                        Some(states.chain(inputs).chain(["t".to_string()]).collect::<Vec<String>>())
                    }
                    DataSource::Predict(spec) => {
                        let model = &self.program.models[self.program.fits[spec.fit].model];
                        let states = model.states.values().map(|s| s.name.clone());
                        Some(states.chain(["t".to_string()]).collect::<Vec<String>>())
                    }
                    DataSource::Formula(spec) => {
                        Some(spec.columns.iter().map(|(name, _)| name.clone()).chain(["t".to_string()]).collect())
                    }
                    _ => None,
                };
                let models: Vec<&crate::hir::Model> = match &data.source {
                    DataSource::Simulate(spec) => vec![&self.program.models[spec.model]],
                    _ => {
                        let fits = self.program.fits.values().filter(|f| f.data.contains(&id));
                        let fitted = fits.map(|f| &self.program.models[f.model]);
                        fitted.chain(self.program.solved_with(id)).collect()
                    }
                };
                if models.is_empty() && made.is_none() {
                    let help = "fit a model to it; the model's states and inputs say what its columns mean";
                    self.wrong(format!("no fit uses the data set `{owner}`"), of.span, help);
                    return None;
                }
                let of_models = || {
                    let names = models.iter().flat_map(|m| {
                        m.states.values().map(|s| s.name.as_str()).chain(m.inputs.values().map(|i| i.name.as_str()))
                    });
                    names.chain(["t"]).collect()
                };
                let names: Vec<&str> =
                    made.as_ref().map_or_else(of_models, |list| list.iter().map(String::as_str).collect());
                if names.contains(&name.name.as_str()) {
                    return Some(Quantity::Column(id, name.name.clone()));
                }
                let help = suggest::help_of_many(self.sink, "columns", &name.name, names);
                self.unknown(format!("data set `{owner}` has no column `{}`", name.name), name.span, help);
                None
            }
            Owner::Of(Subject::Fit(id)) => self.of_fit(id, name),
            Owner::Of(subject @ Subject::Model(_)) => {
                let model = self.model(subject);
                if model.params.values().any(|p| p.name == name.name && p.value.is_some()) {
                    return Some(Quantity::Parameter(subject, name.name.clone()));
                }
                let with_value = model.params.values().filter(|p| p.value.is_some()).map(|p| p.name.as_str());
                let help = suggest::help_of_many(self.sink, "parameters with a value", &name.name, with_value);
                self.unknown(format!("model `{owner}` has no value `{}`", name.name), name.span, help);
                None
            }
        }
    }

    /// The derivative of a state of a solve item, which keeps some; `None` for everything else.
    fn derivative(&mut self, of: &Expr, primes: u32) -> Option<Quantity> {
        let ExprKind::Field { of: owner, name } = &of.kind else { return None };
        let ExprKind::Name(owner_name) = &owner.kind else { return None };
        let id = self.program.data.iter().find(|(_, d)| d.name == *owner_name).map(|(id, _)| id)?;
        let DataSource::Solve(spec) = &self.program.data[id].source else { return None };
        let kept = usize::try_from(primes).is_ok_and(|p| p <= spec.scheme.orders);
        let has = spec.model.states.values().any(|s| s.name == name.name);
        if !(kept && has) {
            return None;
        }
        self.used.push(owner_name.clone());
        Some(Quantity::Column(id, format!("{}{}", name.name, "'".repeat(primes as usize))))
    }

    /// A parameter or the solution of a fit.
    fn of_fit(&mut self, fit: FitId, name: &Ident) -> Option<Quantity> {
        let model = self.model(Subject::Fit(fit));
        if name.name == "t" || model.states.values().any(|s| s.name == name.name) {
            return Some(Quantity::Solution(fit, name.name.clone()));
        }
        if model.params.values().any(|p| p.name == name.name) {
            return Some(Quantity::Parameter(Subject::Fit(fit), name.name.clone()));
        }
        if let Some(hole) = model.holes.values().find(|h| h.name == name.name) {
            let help = match hole.side {
                Some(_) => format!(
                    "its coefficients are `coef(numerator({0}), term)` and `coef(denominator({0}), term)`",
                    hole.name
                ),
                None => format!("its coefficients are `coef({}, term)`", hole.name),
            };
            self.wrong(format!("`{}` is a hole, which has no value of its own", hole.name), name.span, help);
            return None;
        }
        let names =
            model.params.values().map(|p| p.name.as_str()).chain(model.states.values().map(|s| s.name.as_str()));
        let help = suggest::help_of_many(self.sink, "parameters and states", &name.name, names);
        self.unknown(format!("model `{}` has no parameter or state `{}`", model.name, name.name), name.span, help);
        None
    }

    fn call(&mut self, expr: &Expr, call: &Call) -> Option<Quantity> {
        let name = call.function.name.as_str();
        if let Some(named) = call.named.first() {
            self.wrong(format!("`{name}` takes no named arguments"), named.name.span, "leave it out");
            return None;
        }
        let arguments = call.arguments.as_slice();
        let functions = self.functions;
        if let Some(function) = functions.iter().find(|f| f.name.name == name) {
            return self.user_call(function, expr, arguments);
        }
        let unary = UnaryFn::ALL.into_iter().find(|f| *f != UnaryFn::Neg && f.name() == name);
        let reduction = Reduction::ALL.into_iter().find(|r| r.name() == name);
        match (name, arguments) {
            ("min" | "max", [a, b]) => {
                let op = if name == "min" { BinaryOp::Min } else { BinaryOp::Max };
                let (a, b) = (self.quantity(a), self.quantity(b));
                Some(Quantity::Binary(op, Box::new(a?), Box::new(b?)))
            }
            (_, [a]) if unary.is_some() || reduction.is_some() => {
                let inner = Box::new(self.quantity(a)?);
                unary.map(|f| Quantity::Unary(f, inner.clone())).or(reduction.map(|r| Quantity::Reduced(r, inner)))
            }
            ("period", [a]) => self.timed(a, Timing::Period),
            ("peaks", [a]) => self.timed(a, Timing::Peaks),
            ("at", [a, time]) => self.at_time(a, time),
            ("coef", [equation, term]) => {
                let of = self.equation(equation)?;
                let term = self.term(term, &of)?;
                Some(Quantity::Coefficient(of, Box::new(term)))
            }
            ("std_error", [equation, term]) => {
                let of = self.equation(equation)?;
                let term = self.term(term, &of)?;
                self.needs_fit(of.subject, expr)?;
                Some(Quantity::CoefficientError(of, Box::new(term)))
            }
            ("std_error", [parameter]) => match self.quantity(parameter)? {
                Quantity::Parameter(Subject::Fit(fit), name) => Some(Quantity::ParameterError(fit, name)),
                _ => {
                    let help = "write `std_error(k)` with a parameter of a fit, or `std_error(x', y)`";
                    self.wrong("this has no standard error", parameter.span, help);
                    None
                }
            },
            ("rmse" | "held_out_rmse" | "noise", [state]) => {
                let (subject, state) = self.state(state)?;
                let fit = self.needs_fit(subject, expr)?;
                Some(match name {
                    "rmse" => Quantity::Metric(fit, format!("RMSE of {state}"), "fitted".into()),
                    "held_out_rmse" => Quantity::Metric(fit, format!("RMSE of {state}"), "held out".into()),
                    _ => Quantity::Noise(fit, state),
                })
            }
            ("loss", []) => Some(Quantity::Loss(self.only_fit(expr.span)?)),
            ("loss", [of]) => self.named_fit(of).map(Quantity::Loss),
            ("metric", [name, part]) => {
                let fit = self.only_fit(expr.span)?;
                Some(Quantity::Metric(fit, self.text(name)?, self.text(part)?))
            }
            ("metric", [of, name, part]) => {
                let fit = self.named_fit(of)?;
                Some(Quantity::Metric(fit, self.text(name)?, self.text(part)?))
            }
            _ => {
                self.no_call(call, unary.is_some() || reduction.is_some());
                None
            }
        }
    }

    fn no_call(&mut self, call: &Call, known: bool) {
        let name = call.function.name.as_str();
        if Side::ALL.iter().any(|side| side.name() == name) {
            let help = format!("write `coef({name}(up), x)`, or `terms({name}(up)) == {{x}}`");
            self.wrong("the sum of a ratio has no value of its own", call.function.span, help);
            return;
        }
        if known || OF_FITS.contains(&name) || OF_TIME.contains(&name) {
            let message = format!("`{name}` does not take {} arguments here", call.arguments.len());
            self.wrong(message, call.function.span, "docs/tools.md lists the functions of expectations");
            return;
        }
        let unary = UnaryFn::ALL.iter().filter(|f| **f != UnaryFn::Neg).map(|f| f.name());
        let names = unary.chain(Reduction::ALL.iter().map(|r| r.name())).chain(OF_FITS).chain(OF_TIME);
        let names = names.chain(self.functions.iter().map(|f| f.name.name.as_str()));
        let help = suggest::help_of_many(self.sink, "functions", name, names);
        let d = Diagnostic::error(E1102, format!("there is no function `{name}`"), call.function.span, "").help(help);
        self.sink.push(d.missing_among(Among::Items, name));
    }

    fn needs_fit(&mut self, subject: Subject, expr: &Expr) -> Option<FitId> {
        match subject {
            Subject::Fit(id) => Some(id),
            Subject::Model(_) => {
                self.wrong("only a fit has this", expr.span, "name a fit before the dot");
                None
            }
        }
    }

    fn named_fit(&mut self, expr: &Expr) -> Option<FitId> {
        match &expr.kind {
            ExprKind::Name(name) => {
                let subject = self.subject(name, expr.span)?;
                self.needs_fit(subject, expr)
            }
            _ => {
                self.wrong("the name of a fit is expected here", expr.span, "write the name after `as`, or `fit`");
                None
            }
        }
    }

    fn text(&mut self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            ExprKind::Text(text) => Some(text.clone()),
            _ => {
                self.wrong(
                    "a text in quotes is expected here",
                    expr.span,
                    "write `metric(\"RMSE of x\", \"held out\")`",
                );
                None
            }
        }
    }
}

/// An operator between numbers; conditions have none.
fn operator(op: ast::BinaryOp) -> Option<BinaryOp> {
    match op {
        ast::BinaryOp::Add => Some(BinaryOp::Add),
        ast::BinaryOp::Subtract => Some(BinaryOp::Sub),
        ast::BinaryOp::Multiply => Some(BinaryOp::Mul),
        ast::BinaryOp::Divide => Some(BinaryOp::Div),
        ast::BinaryOp::Power => Some(BinaryOp::Pow),
        _ => None,
    }
}

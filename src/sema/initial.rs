//! What holds at the ends of the time: `initial`, `final` and `boundary` statements.

use std::rc::Rc;

use super::elements::Slot;
use super::resolve::Resolver;
use crate::base::IndexMap;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0311, E0315, E0316};
use crate::hir::{Boundary, InitialValue, Start, StateId};
use crate::syntax::ast;

/// Values by state and derivative.
type Values = IndexMap<(StateId, u8), InitialValue>;

/// The most steps of a start from data.
const MOST_STEPS: f64 = 1e7;

/// What is collected on the way through a model's statements.
#[derive(Default)]
struct Ends {
    initial: Values,
    finals: Values,
    starts: IndexMap<(StateId, u8), Start>,
}

/// Which end a value belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    First,
    Last,
}

impl<'a> Resolver<'a, '_> {
    /// The values at the first time and everything else that holds at the ends.
    pub(super) fn boundary(&mut self, model: &ast::Model, orders_known: bool) -> (Vec<InitialValue>, Boundary) {
        let mut out = Ends::default();
        self.ends_of(&model.body, orders_known, &mut out);
        let sorted = |values: Values| {
            let mut list: Vec<InitialValue> = values.into_values().collect();
            list.sort_by_key(|v| (v.state, v.derivative));
            list
        };
        let mut starts: Vec<Start> = out.starts.into_values().collect();
        starts.sort_by_key(|s| (s.state, s.derivative));
        let finals = sorted(out.finals);
        let periodic = self.periodic(model);
        if let (Some(span), Some(last)) = (periodic, finals.first()) {
            let message = "a trajectory that closes on itself has no values of its own at the last time";
            let d = Diagnostic::error(E0316, message, last.span, "at the last time")
                .help("leave out the values at the last time, or `boundary periodic`");
            self.sink.push(d.label(span, "closes on itself"));
        }
        (sorted(out.initial), Boundary { periodic, finals, starts })
    }

    /// Where `boundary periodic` stands.
    fn periodic(&mut self, model: &ast::Model) -> Option<crate::source::Span> {
        let mut found = None;
        for item in &model.body {
            let ast::ModelItem::Boundary(kind) = item else { continue };
            if kind.name != "periodic" {
                let message = format!("there is no boundary `{}`", kind.name);
                let d = Diagnostic::error(E0316, message, kind.span, "unknown");
                self.sink.push(d.help("write `boundary periodic`, or values: `initial x = 0` and `final x = 1`"));
            } else if let Some(first) = found {
                let d = Diagnostic::error(E0316, "the boundary is given twice", kind.span, "again here")
                    .help("leave one of them out");
                self.sink.push(d.label(first, "first here"));
            } else {
                found = Some(kind.span);
            }
        }
        found
    }

    /// Whether all went well; loops end early otherwise.
    fn ends_of(&mut self, body: &[ast::ModelItem], orders_known: bool, out: &mut Ends) -> bool {
        let before = self.sink.error_count();
        for item in body {
            match item {
                ast::ModelItem::Initial(list) => {
                    list.iter().for_each(|decl| self.end(decl, End::First, orders_known, out));
                }
                ast::ModelItem::Final(list) => {
                    list.iter().for_each(|decl| self.end(decl, End::Last, orders_known, out));
                }
                ast::ModelItem::For(repeated) if holds_ends(&repeated.body) => {
                    self.for_each(&repeated.variable, &repeated.range, |r| {
                        r.ends_of(&repeated.body, orders_known, out)
                    });
                }
                _ => {}
            }
        }
        self.sink.error_count() == before
    }

    fn end(&mut self, decl: &ast::InitialDecl, end: End, orders_known: bool, out: &mut Ends) {
        let name = decl.state.name.as_str();
        let own = self.scope.names.get(name).map(|e| e.axes.clone()).unwrap_or_default();
        let free: Rc<[usize]> = own.get(decl.at.len()..).unwrap_or_default().into();
        let column = from_data(&decl.value).filter(|_| end == End::First);
        let Some(steps) = self.steps(decl, column.is_some()) else { return };
        let last = decl.last.is_some();
        let mut flat = 0;
        self.at_each(&free.clone(), |r| {
            let state = r.state_named(name, &decl.at, decl.state.span);
            let value = match column {
                Some(_) => Some(0.0),
                None => {
                    let value = r.part(&decl.value, &Slot { axes: free.clone(), flat }, decl.state.span);
                    value.and_then(|v| r.constant(v))
                }
            };
            flat += 1;
            let (Some(state), Some(value)) = (state, value) else { return false };
            let order = r.scope.states[state].order;
            if orders_known && decl.primes >= u32::from(order) {
                let which = if end == End::First { "initial" } else { "final" };
                let message = format!("`{name}` has order {order}: {which} values go below that derivative");
                let primes = "'".repeat(decl.primes as usize);
                let d = Diagnostic::error(E0311, message, decl.span, "determined by the equation");
                r.sink.push(d.help(format!("leave out `{name}{primes}`")));
                return false;
            }
            let derivative = u8::try_from(decl.primes).unwrap_or(u8::MAX);
            let key = (state, derivative);
            let first = match end {
                End::First => out.initial.get(&key).map(|v| v.span).or(out.starts.get(&key).map(|s| s.span)),
                End::Last => out.finals.get(&key).map(|v| v.span),
            };
            if let Some(first) = first {
                let which = if end == End::First { "initial" } else { "final" };
                let d = Diagnostic::error(E0311, format!("this {which} value is given twice"), decl.span, "again here")
                    .help("leave one of them out");
                r.sink.push(d.label(first, "first here"));
                return false;
            }
            let span = decl.span;
            match (end, column) {
                (End::First, Some(column)) => {
                    // The elements of a family are columns with the same subscripts.
                    let element = &r.scope.states[state].name;
                    let subscripts = element.get(crate::hir::family(element).len()..).unwrap_or_default();
                    let column = format!("{column}{subscripts}");
                    out.starts.insert(key, Start { state, derivative, column, steps, last, span });
                }
                (End::First, None) => {
                    out.initial.insert(key, InitialValue { state, derivative, value, span });
                }
                (End::Last, _) => {
                    out.finals.insert(key, InitialValue { state, derivative, value, span });
                }
            }
            true
        });
    }

    /// How many steps a start from data takes: 1 where it does not say; `None` after a report.
    fn steps(&mut self, decl: &ast::InitialDecl, from_data: bool) -> Option<usize> {
        if let Some(span) = decl.last.filter(|_| !from_data) {
            let name = &decl.state.name;
            let message = "only a column of the data has a last sample";
            let d = Diagnostic::error(E0315, message, decl.span, "one value").label(span, "of what?");
            self.sink.push(d.help(format!("write `initial {name} = data.{name} at last`, or leave out `at last`")));
            return None;
        }
        let Some(expr) = &decl.steps else { return Some(1) };
        if !from_data {
            let message = "only a column of the data has values for several steps";
            let d = Diagnostic::error(E0315, message, decl.span, "one value");
            let name = &decl.state.name;
            self.sink
                .push(d.help(format!("write `initial {name} = data.{name} for 50 steps`, or leave out the steps")));
            return None;
        }
        let steps = self.constant(expr)?;
        if steps.fract() != 0.0 || !(1.0..=MOST_STEPS).contains(&steps) {
            let message =
                format!("a start has a whole number of steps, at least 1, and this is {}", crate::hir::number(steps));
            self.sink
                .push(Diagnostic::error(E0315, message, expr.span, "no number of steps").help("write `for 50 steps`"));
            return None;
        }
        Some(steps as usize)
    }
}

/// The column that `data.x` names.
fn from_data(value: &ast::Expr) -> Option<&str> {
    match &value.kind {
        ast::ExprKind::Field { of, name } if matches!(&of.kind, ast::ExprKind::Name(n) if n == "data") => {
            Some(&name.name)
        }
        _ => None,
    }
}

fn holds_ends(body: &[ast::ModelItem]) -> bool {
    body.iter().any(|item| match item {
        ast::ModelItem::Initial(_) | ast::ModelItem::Final(_) => true,
        ast::ModelItem::For(inner) => holds_ends(&inner.body),
        _ => false,
    })
}

//! `data NAME = formula { ... }`: columns computed from the time and from random numbers.

use super::data::holdout;
use super::resolve::{Place, Resolver};
use super::rules::FORMULA;
use super::scope::Scope;
use super::settings::{Context, Settings};
use crate::base::IndexMap;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0201, E0406, E0504, E0505, E0515};
use crate::hir::{DataPlaces, DataSet, DataSource, Draw, Expr, FormulaSpec, family};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind, ModelItem, SettingValue};

/// The most numbers of a data set.
const MOST_NUMBERS: u128 = 1 << 31;
/// The most samples of a trajectory.
const MOST_STEPS: f64 = 1e7;

/// A formula data set. `functions` are those of the file.
pub(super) fn formula(data: &ast::Data, functions: &[ast::Function], cx: &mut Context<'_>) -> Option<DataSet> {
    let columns: Vec<String> =
        data.settings.iter().map(|s| s.key.name.clone()).filter(|k| !FORMULA.iter().any(|r| r.key == k)).collect();
    let mut settings = Settings::new(FORMULA, &data.settings, data.name.span, &[], &columns, cx);
    let grid = grid(&mut settings, cx);
    let seed = settings.whole("seed", cx).unwrap_or(0);
    let trajectories = settings.count("trajectories", cx).unwrap_or(1);
    let holdout = holdout(&mut settings, trajectories > 1, cx);
    if columns.is_empty() {
        let message = format!("`{}` has no column", data.name.name);
        let d = Diagnostic::error(E0505, message, data.name.span, "nothing but times");
        cx.sink.push(d.help("give a formula for each column: `y = sin(2*t) + 0.1*normal()`"));
        settings.ok = false;
    }
    let mut draws = Draws { list: Vec::new(), columns: &columns };
    let mut body: Vec<ModelItem> = functions.iter().cloned().map(ModelItem::Function).collect();
    for name in &columns {
        let Some(setting) = settings.get(name) else { continue };
        let value = match setting.values.as_slice() {
            [SettingValue::Expr(e)] => e,
            [SettingValue::Tuple(list, _)] if list.len() == 1 => match list.first() {
                Some(e) => e,
                None => continue,
            },
            _ => {
                let _: Option<()> = settings.wrong(setting, "a formula: `y = sin(2*t)`", cx);
                continue;
            }
        };
        let mut value = value.clone();
        settings.ok &= draws.name(&mut value, cx);
        body.push(ModelItem::Let(ast::Binding { name: setting.key.clone(), axes: Vec::new(), unit: None, value }));
    }
    body.extend(draws.list.iter().map(|(name, _, span)| {
        let name = ast::Ident { name: name.clone(), span: *span };
        let (axes, unit, value, bounds) = (Vec::new(), None, None, None);
        ModelItem::Param(vec![ast::ParamDecl { name, axes, unit, value, bounds, fixed: false, per_sample: None }])
    }));
    // The columns are resolved like the quantities of a model without states.
    let around = ast::Model { name: data.name.clone(), doc: Vec::new(), body, units: Vec::new(), span: data.span };
    let formulas = resolve(&around, &columns, &mut settings, cx);
    let (t0, dt, steps) = grid?;
    let numbers = steps as u128 * trajectories as u128 * columns.len() as u128;
    if numbers > MOST_NUMBERS {
        let message = format!("these are {numbers} numbers; at most {MOST_NUMBERS} are possible");
        cx.sink.push(
            Diagnostic::error(E0504, message, data.name.span, "too large")
                .help("lower the number of times in `linspace`, or `trajectories`"),
        );
        settings.ok = false;
    }
    let draws = draws.list.into_iter().map(|(_, draw, _)| draw).collect();
    let spec = FormulaSpec { t0, dt, steps, columns: formulas?, draws, seed, trajectories };
    settings.ok.then(|| DataSet {
        places: DataPlaces::default(),
        name: data.name.name.clone(),
        source: DataSource::Formula(spec),
        holdout,
        span: data.span,
    })
}

/// `t = linspace(first, last, number)` as the first time, the spacing and the number.
fn grid(settings: &mut Settings<'_>, cx: &mut Context<'_>) -> Option<(f64, f64, usize)> {
    let Some(setting) = settings.get("t") else {
        settings.missing("t", cx);
        return None;
    };
    let call = match setting.values.as_slice() {
        [SettingValue::Expr(e)] => match &e.kind {
            ExprKind::Call(call) if call.function.name == "linspace" && call.named.is_empty() => Some(call),
            _ => None,
        },
        _ => None,
    };
    let Some([first, last, number]) = call.map(|c| c.arguments.as_slice()) else {
        return settings.wrong_form(setting, cx);
    };
    let numbers = [first, last, number].map(|e| settings.constant(setting, e, cx));
    let [Some(from), Some(to), Some(count)] = numbers else { return None };
    if count.fract() != 0.0 || !(2.0..=MOST_STEPS).contains(&count) {
        let message = format!("`t` needs a whole number of times from 2 to {MOST_STEPS}, and this is {count}");
        return settings.out_of_range(message, number.span, cx);
    }
    let dt = (to - from) / (count - 1.0);
    if !(dt > 0.0 && dt.is_finite() && from + dt > from) {
        return settings.out_of_range("the last time must lie after the first one".to_string(), setting.span, cx);
    }
    Some((from, dt, count as usize))
}

/// The formulas of the columns, in order.
fn resolve(
    around: &ast::Model,
    columns: &[String],
    settings: &mut Settings<'_>,
    cx: &mut Context<'_>,
) -> Option<Vec<(String, Expr)>> {
    let before = cx.sink.error_count();
    let mut scope = Scope::declare(around, IndexMap::new(), cx.sink);
    scope.of_formulas = true;
    let mut resolver = Resolver::new(scope, cx.sources, cx.sink);
    resolver.check_functions(around);
    resolver.parameters(around);
    let mut out = Vec::new();
    for name in columns {
        let key = settings.get(name).map(|s| s.key.span);
        // A name that cannot be declared has been reported.
        let Some(span) = key.filter(|_| resolver.scope.names.contains_key(name.as_str())) else { continue };
        let expr = ast::Expr { kind: ExprKind::Name(name.clone()), span };
        if let Some(value) = resolver.resolve_at(Place::Let, &expr) {
            out.push((name.clone(), value));
        }
    }
    let ok = cx.sink.error_count() == before;
    settings.ok &= ok;
    ok.then_some(out)
}

/// The random numbers of a block, each with the name it has in formulas; no name in source has a blank.
struct Draws<'c> {
    list: Vec<(String, Draw, Span)>,
    columns: &'c [String],
}

impl Draws<'_> {
    /// Puts names in the place of `normal(...)` and `uniform(...)`; whether all of them are right.
    fn name(&mut self, expr: &mut ast::Expr, cx: &mut Context<'_>) -> bool {
        let span = expr.span;
        match &mut expr.kind {
            ExprKind::Number { .. }
            | ExprKind::Measured { .. }
            | ExprKind::Text(_)
            | ExprKind::Name(_)
            | ExprKind::Field { .. } => true,
            ExprKind::Primed { .. } => {
                let message = "columns of formulas have no derivatives";
                refuse(
                    expr,
                    E0515,
                    (
                        message,
                        "a derivative",
                        "write the derivative as a formula of its own: `v = 2*cos(2*t)` for `y = sin(2*t)`",
                    ),
                    cx,
                )
            }
            ExprKind::Unary { operand, .. } => self.name(operand, cx),
            ExprKind::Sum { body, .. } => {
                let before = self.list.len();
                let ok = self.name(body, cx);
                if self.list.len() == before {
                    return ok;
                }
                let message = "a sum would add the same random number again and again";
                refuse(
                    expr,
                    E0515,
                    (message, "random numbers in a sum", "write each of them on its own: `normal() + normal()`"),
                    cx,
                )
            }
            ExprKind::Subscript { of, at } => match element(of, at).filter(|name| self.columns.contains(name)) {
                Some(name) => {
                    expr.kind = ExprKind::Name(name);
                    true
                }
                None => match self.no_column(of, at) {
                    Some((message, help)) => refuse(expr, E0201, (&message, "unknown column", &help), cx),
                    None => self.name(of, cx) & self.all(at, cx),
                },
            },
            ExprKind::Tuple(list) => self.all(list, cx),
            ExprKind::If { condition, then, otherwise } => {
                self.name(condition, cx) & self.name(then, cx) & self.name(otherwise, cx)
            }
            ExprKind::Binary { left, right, .. } => self.name(left, cx) & self.name(right, cx),
            ExprKind::Hole(_) => refuse(
                expr,
                E0406,
                (
                    "a formula is known completely",
                    "a hole stands in an equation",
                    "write numbers and functions: `y = 0.5*sin(2*t)`",
                ),
                cx,
            ),
            ExprKind::Call(call) => {
                let named = call.named.iter_mut().fold(true, |ok, a| ok & self.name(&mut a.value, cx));
                let ok = self.all(&mut call.arguments, cx) & named;
                let draw = match call.function.name.as_str() {
                    "normal" => Draw::Normal,
                    "uniform" => Draw::Uniform,
                    _ => return ok,
                };
                if !call.named.is_empty() || !matches!(call.arguments.len(), 0 | 2) {
                    let form = match draw {
                        Draw::Normal => "`normal()` or `normal(mean, deviation)`",
                        Draw::Uniform => "`uniform()` or `uniform(low, high)`",
                    };
                    return refuse(
                        expr,
                        E0515,
                        (
                            &format!("random numbers are written {form}"),
                            "here",
                            "give both numbers or none; a product says the same: `0.1*normal()`",
                        ),
                        cx,
                    );
                }
                let name = format!("{} {}", call.function.name, self.list.len() + 1);
                self.list.push((name.clone(), draw, span));
                let drawn = ast::Expr { kind: ExprKind::Name(name), span };
                let arguments: Result<[ast::Expr; 2], _> = std::mem::take(&mut call.arguments).try_into();
                *expr = match arguments {
                    Ok([a, b]) => placed(draw, a, b, drawn),
                    Err(_) => drawn,
                };
                ok
            }
        }
    }

    /// What to say of an element that no column of the block gives, where others of its family have one.
    fn no_column(&self, of: &ast::Expr, at: &[ast::Expr]) -> Option<(String, String)> {
        let name = element(of, at)?;
        let others = self.columns.iter().filter(|c| family(c) == family(&name) && c.contains('['));
        let others: Vec<String> = others.map(|c| format!("`{c}`")).collect();
        let help = format!("columns of `{}` here: {}", family(&name), others.join(", "));
        (!others.is_empty()).then(|| (format!("there is no column `{name}` here"), help))
    }

    fn all(&mut self, list: &mut [ast::Expr], cx: &mut Context<'_>) -> bool {
        list.iter_mut().fold(true, |ok, e| ok & self.name(e, cx))
    }
}

/// The name of an element of a family, `u[2]`, as it is that of a column.
fn element(of: &ast::Expr, at: &[ast::Expr]) -> Option<String> {
    let ExprKind::Name(name) = &of.kind else { return None };
    let whole = |e: &ast::Expr| match e.kind {
        ExprKind::Number { value, percent: false } => Some(value.to_string()),
        _ => None,
    };
    let numbers: Option<Vec<String>> = at.iter().map(whole).collect();
    Some(format!("{name}[{}]", numbers?.join(", ")))
}

/// Reports an expression and puts a number in its place, so that nothing more is said about it; always false.
fn refuse(
    expr: &mut ast::Expr,
    code: &'static str,
    (message, here, help): (&str, &str, &str),
    cx: &mut Context<'_>,
) -> bool {
    cx.sink.push(Diagnostic::error(code, message, expr.span, here).help(help));
    expr.kind = ExprKind::Number { value: 0.0, percent: false };
    false
}

/// `a + b*draw` with a mean and a deviation, `a + (b - a)*draw` with the ends of a range.
fn placed(draw: Draw, a: ast::Expr, b: ast::Expr, drawn: ast::Expr) -> ast::Expr {
    let span = drawn.span;
    let binary = |op, left: ast::Expr, right: ast::Expr| ast::Expr {
        kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) },
        span,
    };
    let factor = match draw {
        Draw::Normal => b,
        Draw::Uniform => binary(ast::BinaryOp::Subtract, b, a.clone()),
    };
    binary(ast::BinaryOp::Add, a, binary(ast::BinaryOp::Multiply, factor, drawn))
}

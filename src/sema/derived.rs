//! Columns of a file that are computed from others: `speed = sqrt(vx^2 + vy^2)`.

use super::axes;
use super::resolve::{Place, Resolver};
use super::scope::Scope;
use super::settings::{Context, Settings};
use super::units::{self, Table};
use crate::base::{Between, IndexMap, IndexSet};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0502, E0518, E0807};
use crate::hir::{Conversion, Derived, Unit, family};
use crate::source::Span;
use crate::syntax::ast::{self, Expr, ExprKind, ModelItem, Setting, SettingValue, UnitExpr};

/// What formulas of columns may use, and what is wanted of them.
pub(super) struct Surroundings<'a> {
    /// Functions of the file.
    pub(super) functions: Vec<ast::Function>,
    /// Units of the file.
    pub(super) table: &'a Table,
    /// Units of the models that are fitted, by state or input; elements of a family share theirs.
    pub(super) wanted: Vec<(String, Option<Unit>)>,
    /// Names of families.
    pub(super) families: Vec<String>,
    /// Whether all models that the data are for are known.
    pub(super) complete: bool,
}

/// The formula that a setting is, unless it names a column.
pub(super) fn formula_of(setting: &Setting) -> Option<&Expr> {
    let e = match setting.values.as_slice() {
        [SettingValue::Expr(e)] => e,
        [SettingValue::Tuple(list, _)] if list.len() == 1 => list.first()?,
        _ => return None,
    };
    (!matches!(e.kind, ExprKind::Name(_) | ExprKind::Text(_))).then_some(e)
}

/// Units of columns, `column vx [km/h]`, by name of the column.
pub(super) fn units_of_columns(settings: &mut Settings<'_>, cx: &mut Context<'_>) -> IndexMap<String, UnitExpr> {
    let mut out = IndexMap::new();
    for setting in settings.all("column") {
        let (name, unit) = match setting.values.as_slice() {
            [SettingValue::Expr(e), SettingValue::List(list, span)] => (column_name(e), units::as_unit(list, *span)),
            _ => (None, None),
        };
        let (Some(name), Some(unit)) = (name, unit) else {
            let _: Option<()> = settings.wrong_form(setting, cx);
            continue;
        };
        if out.insert(name.to_string(), unit).is_some() {
            let d = Diagnostic::error(E0502, format!("`{name}` has its unit twice"), setting.span, "again here")
                .help("leave one of them out");
            cx.sink.push(d);
            settings.ok = false;
        }
    }
    out
}

fn column_name(e: &Expr) -> Option<&str> {
    match &e.kind {
        ExprKind::Name(name) | ExprKind::Text(name) => Some(name),
        _ => None,
    }
}

/// The column `name`, computed by a formula of columns. `written` says that a unit stands behind the formula.
pub(super) fn derived(
    (name, setting, formula): (&str, &Setting, &Expr),
    columns: &IndexMap<String, UnitExpr>,
    written: bool,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Option<Derived> {
    if around.families.iter().any(|f| f == name) {
        let message = format!("`{name}` has elements, and a formula gives one column");
        let d = Diagnostic::error(E0518, message, setting.span, "one column");
        cx.sink.push(d.help("name the columns after the elements, or compute them before"));
        return None;
    }
    let parts = parts(formula, &around.functions, cx)?;
    if parts.read.is_empty() {
        let message = format!("`{name}` takes a column, or a formula of columns");
        let d = Diagnostic::error(E0518, message, setting.span, "no column");
        cx.sink.push(d.help("write `u = hare` or `u = hare/1000`"));
        return None;
    }
    let Parts { read, value } = parts;
    let model = around_formula(formula, (&read, columns), &around.functions);
    let before = cx.sink.error_count();
    let mut resolver = resolver(&model, cx);
    let resolved = resolver.resolve_at(Place::Let, &value)?;
    let has_units = read.iter().any(|c| columns.contains_key(c.as_str()));
    let unit = if has_units { units::of_formula(&mut resolver, &model, around.table, &value) } else { None };
    if cx.sink.error_count() > before {
        return None;
    }
    let factor = match has_units {
        false => 1.0,
        true if written => {
            let message = format!("the unit of `{name}` follows from those of the columns");
            cx.sink.push(
                Diagnostic::error(E0807, message, setting.span, "leave out the unit behind the formula")
                    .help("leave out the unit behind the formula, or the `column` statements of what it reads"),
            );
            return None;
        }
        true => factor(name, setting, unit.as_ref(), around, cx)?,
    };
    Some(Derived {
        columns: read.into_iter().collect(),
        formula: resolved,
        conversion: Conversion { factor, offset: 0.0 },
    })
}

/// What a network computes from states: `d = x - y`.
pub(super) fn feature(
    name: &str,
    formula: &Expr,
    functions: &[ast::Function],
    cx: &mut Context<'_>,
) -> Option<Derived> {
    let Parts { read, value } = parts(formula, functions, cx)?;
    if read.is_empty() {
        let message = format!("`{name}` is the same at every sample: it is computed from no state");
        cx.sink.push(
            Diagnostic::error(E0518, message, formula.span, "no state")
                .help("compute it from states, `d = x - y`, or leave it out"),
        );
        return None;
    }
    if mentions_time(&value) {
        let message = "a network reads what is computed from states, and the time is none";
        cx.sink.push(
            Diagnostic::error(E0518, message, formula.span, "not here")
                .help("compute it from states; a state that follows the time can stand for it, `clock' = 1`"),
        );
        return None;
    }
    let model = around_formula(formula, (&read, &IndexMap::new()), functions);
    let before = cx.sink.error_count();
    let formula = resolver(&model, cx).resolve_at(Place::Let, &value)?;
    let conversion = Conversion { factor: 1.0, offset: 0.0 };
    (cx.sink.error_count() == before).then(|| Derived { columns: read.into_iter().collect(), formula, conversion })
}

/// A formula whose columns have names.
struct Parts {
    /// The columns it reads.
    read: IndexSet<String>,
    value: Expr,
}

fn parts(formula: &Expr, functions: &[ast::Function], cx: &mut Context<'_>) -> Option<Parts> {
    let mut value = formula.clone();
    let mut read: IndexSet<String> = IndexSet::new();
    let functions: Vec<&str> = functions.iter().map(|f| f.name.name.as_str()).collect();
    match collect(&mut value, &functions, &mut read) {
        Ok(()) => Some(Parts { read, value }),
        Err((span, message)) => {
            cx.sink.push(
                Diagnostic::error(E0518, message, span, "not here")
                    .help("write functions of columns alone, sample by sample: `v = sqrt(vx^2 + vy^2)`"),
            );
            None
        }
    }
}

/// Formulas are resolved like the quantities of a model whose inputs are the columns.
fn around_formula(
    formula: &Expr,
    (read, units): (&IndexSet<String>, &IndexMap<String, UnitExpr>),
    functions: &[ast::Function],
) -> ast::Model {
    let ident = |text: &str| ast::Ident { name: text.to_string(), span: formula.span };
    let mut body: Vec<ModelItem> = functions.iter().cloned().map(ModelItem::Function).collect();
    let input = |column: &String| ast::InputDecl {
        name: ident(column),
        axes: Vec::new(),
        unit: units.get(column.as_str()).cloned(),
        between: Between::Smooth,
    };
    body.push(ModelItem::Input(read.iter().map(input).collect()));
    ast::Model { name: ident("columns"), doc: Vec::new(), body, units: Vec::new(), span: formula.span }
}

pub(super) fn resolver<'m, 's>(model: &'m ast::Model, cx: &'s mut Context<'_>) -> Resolver<'m, 's> {
    let (axes, _) = axes::declare(model, cx.sources, cx.sink);
    let mut scope = Scope::declare(model, axes, cx.sink);
    scope.of_formulas = true;
    let mut resolver = Resolver::new(scope, cx.sources, cx.sink);
    resolver.check_functions(model);
    resolver
}

/// How many of the model's unit one of the formula's is.
fn factor(
    name: &str,
    setting: &Setting,
    unit: Option<&Unit>,
    around: &Surroundings<'_>,
    cx: &mut Context<'_>,
) -> Option<f64> {
    let wanted = around.wanted.iter().find(|(n, _)| n == family(name)).and_then(|(_, unit)| unit.as_ref());
    let (message, help) = match (unit, wanted) {
        (Some(unit), Some(wanted)) => match unit.in_units_of(wanted) {
            Some(factor) => return Some(factor),
            None => {
                let message = format!("`{name}` is in [{wanted}], and this formula in [{unit}]");
                (message, "change the formula, or the units of its columns")
            }
        },
        (None, _) => {
            let message = format!("the unit of the formula of `{name}` is not known");
            (message, "give every column in it a unit: `column vx [km/h]`")
        }
        (_, None) => {
            if !around.complete {
                return None;
            }
            let message = format!("the model gives `{name}` no unit, so there is nothing to convert to");
            (message, "declare units in the model: `state x [m]`")
        }
    };
    cx.sink.push(Diagnostic::error(E0807, message, setting.span, "this column").help(help));
    None
}

/// Notes the columns that a formula reads, in order; texts become names. The error is what no formula of columns has.
fn collect(e: &mut Expr, functions: &[&str], out: &mut IndexSet<String>) -> Result<(), (Span, &'static str)> {
    let mut parts: Vec<&mut Expr> = Vec::new();
    match &mut e.kind {
        ExprKind::Text(name) => {
            out.insert(name.clone());
            e.kind = ExprKind::Name(std::mem::take(name));
            return Ok(());
        }
        ExprKind::Name(name) if name != "t" && name != "pi" && !functions.contains(&name.as_str()) => {
            out.insert(name.clone());
        }
        ExprKind::Name(_) | ExprKind::Number { .. } | ExprKind::Measured { .. } => {}
        ExprKind::Primed { .. } => return Err((e.span, "columns have no derivatives")),
        ExprKind::Hole(_) => return Err((e.span, "a formula of columns is known completely")),
        ExprKind::Subscript { of, at } => {
            let Some(name) = element(of, at) else {
                return Err((e.span, "elements have numbers here: `q[1, 2]`"));
            };
            out.insert(name.clone());
            e.kind = ExprKind::Name(name);
            return Ok(());
        }
        ExprKind::Sum { .. } | ExprKind::Field { .. } => {
            return Err((e.span, "columns have no index sets; a name that is no word stands in quotes"));
        }
        ExprKind::Call(call) => parts.extend(&mut call.arguments),
        ExprKind::Tuple(list) => parts.extend(list),
        ExprKind::Unary { operand, .. } => parts.push(operand),
        ExprKind::If { condition, then, otherwise } => parts.extend([&mut **condition, then, otherwise]),
        ExprKind::Binary { left, right, .. } => parts.extend([&mut **left, right]),
    }
    parts.into_iter().try_for_each(|e| collect(e, functions, out))
}

/// The name of an element, `q[1, 2]`.
fn element(of: &Expr, at: &[Expr]) -> Option<String> {
    let ExprKind::Name(family) = &of.kind else { return None };
    let number = |e: &Expr| match e.kind {
        ExprKind::Number { value, percent: false } => Some(value.to_string()),
        _ => None,
    };
    let numbers = at.iter().map(number).collect::<Option<Vec<String>>>()?;
    Some(format!("{family}[{}]", numbers.join(", ")))
}

pub(super) fn mentions_time(e: &Expr) -> bool {
    let mut found = matches!(&e.kind, ExprKind::Name(name) if name == "t");
    super::functions::each_part(e, &mut |part| found = found || mentions_time(part));
    found
}

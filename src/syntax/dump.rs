//! The tree as text: one statement per line, expressions as S-expressions. Byte-stable; spans are left out.

use std::fmt::Write as _;

use super::ast::*;

/// The whole tree.
pub fn dump(file: &File) -> String {
    let mut out = String::new();
    for line in &file.doc {
        let _ = writeln!(out, "doc {line:?}");
    }
    for item in &file.items {
        dump_item(&mut out, item);
    }
    out
}

/// One expression on one line.
pub fn dump_expr(expr: &Expr) -> String {
    let mut out = String::new();
    write_expr(&mut out, expr);
    out
}

fn dump_item(out: &mut String, item: &Item) {
    match item {
        Item::Use(item) => {
            let path: Vec<&str> = item.path.iter().map(|i| i.name.as_str()).collect();
            let _ = writeln!(out, "use {}", path.join("."));
        }
        Item::Model(model) => {
            dump_doc(out, &model.doc);
            let _ = writeln!(out, "model {}", model.name.name);
            model.body.iter().for_each(|item| dump_model_item(out, item, 1));
        }
        Item::Network(block) => {
            dump_doc(out, &block.doc);
            let _ = writeln!(out, "network {}", block.name.name);
            dump_settings(out, &block.settings);
        }
        Item::Data(data) => {
            dump_doc(out, &data.doc);
            let keyword = match data.source {
                DataSource::Solve { .. } => "solve",
                DataSource::Predict(_) => "predict",
                _ => "data",
            };
            let _ = write!(out, "{keyword} {} = ", data.name.name);
            match &data.source {
                DataSource::File { format, path } => {
                    let _ = writeln!(out, "{} {}", format.name, dump_expr(path));
                }
                DataSource::Simulate { model, arguments } => {
                    let _ = write!(out, "simulate {}", model.name);
                    arguments.iter().for_each(|b| write_binding(out, b));
                    out.push('\n');
                }
                DataSource::Formula(_) => out.push_str("formula\n"),
                DataSource::Predict(of) => {
                    let _ = writeln!(out, "{}", of.name);
                }
                DataSource::Solve { model, arguments } => {
                    out.push_str(&model.name);
                    arguments.iter().for_each(|b| write_binding(out, b));
                    out.push('\n');
                }
            }
            dump_settings(out, &data.settings);
        }
        Item::Test(test) => {
            dump_doc(out, &test.doc);
            let _ = writeln!(out, "test {:?}", test.name.name);
            test.expectations.iter().for_each(|e| dump_claim(out, &e.claim));
        }
        Item::Fit(fit) => {
            dump_doc(out, &fit.doc);
            let data: Vec<&str> = fit.data.iter().map(|d| d.name.as_str()).collect();
            let data = if let [one] = data.as_slice() { (*one).to_string() } else { format!("({})", data.join(", ")) };
            let _ = write!(out, "fit {}", fit.model.name);
            fit.arguments.iter().for_each(|b| write_binding(out, b));
            let _ = write!(out, " to {data}");
            if let Some(name) = &fit.name {
                let _ = write!(out, " as {}", name.name);
            }
            out.push('\n');
            dump_settings(out, &fit.settings);
        }
        Item::Unit(unit) => {
            let _ = write!(out, "unit {}", unit.name.name);
            if let Some((value, of)) = &unit.value {
                let _ = write!(out, " = {value:?}");
                write_unit(out, Some(of));
            }
            out.push('\n');
        }
        Item::Function(function) => {
            write_function(out, function);
            out.push('\n');
        }
    }
}

fn dump_doc(out: &mut String, doc: &[String]) {
    for line in doc {
        let _ = writeln!(out, "doc {line:?}");
    }
}

fn write_function(out: &mut String, function: &Function) {
    let params: Vec<&str> = function.params.iter().map(|p| p.name.as_str()).collect();
    let _ = write!(out, "fn {}({}) {}", function.name.name, params.join(" "), dump_expr(&function.body));
}

/// ` [m^1 s^-2]`
fn write_unit(out: &mut String, unit: Option<&UnitExpr>) {
    if let Some(unit) = unit {
        let factors: Vec<String> = unit.factors.iter().map(|(name, power)| format!("{}^{power}", name.name)).collect();
        let _ = write!(out, " [{}]", factors.join(" "));
    }
}

/// `[body axis]`
fn write_axes(out: &mut String, axes: &[Ident]) {
    if !axes.is_empty() {
        let names: Vec<&str> = axes.iter().map(|a| a.name.as_str()).collect();
        let _ = write!(out, "[{}]", names.join(" "));
    }
}

fn write_range(out: &mut String, range: &Range) {
    write_expr(out, &range.from);
    if let Some(to) = &range.to {
        out.push_str("..");
        write_expr(out, to);
    }
}

fn dump_model_item(out: &mut String, item: &ModelItem, depth: usize) {
    out.push_str(&"  ".repeat(depth));
    match item {
        ModelItem::State(states) => {
            out.push_str("state");
            for state in states {
                let mut name = state.name.name.clone();
                write_axes(&mut name, &state.axes);
                write_unit(&mut name, state.unit.as_ref());
                let _ = match &state.order {
                    Some(order) => write!(out, " ({name} order {})", dump_expr(order)),
                    None => write!(out, " {name}"),
                };
            }
        }
        ModelItem::Param(params) => {
            out.push_str("param");
            params.iter().for_each(|p| write_param(out, p));
            if params.iter().any(|p| p.per_sample.is_some()) {
                out.push_str(" per sample");
            }
        }
        ModelItem::Const(bindings) => {
            out.push_str("const");
            bindings.iter().for_each(|b| write_binding(out, b));
        }
        ModelItem::Input(names) => {
            out.push_str("input");
            for input in names {
                let _ = write!(out, " {}", input.name.name);
                write_axes(out, &input.axes);
                write_unit(out, input.unit.as_ref());
            }
        }
        ModelItem::Field(field) => {
            out.push_str("field");
            for name in &field.names {
                let _ = write!(out, " {}", name.name.name);
                write_axes(out, &name.axes);
            }
            if let Some(init) = &field.init {
                let _ = write!(out, " init {}", dump_expr(init));
            }
        }
        ModelItem::Step(step) => {
            out.push_str(if step.over_time { "step over time" } else { "step per sample" });
            if let Some(init) = &step.init {
                let _ = write!(out, " init {}", dump_expr(init));
            }
        }
        ModelItem::Hole(binding) => {
            out.push_str("hole");
            write_binding(out, binding);
        }
        ModelItem::Let(binding) => {
            out.push_str("let");
            write_binding(out, binding);
        }
        ModelItem::Equation(equation) => {
            let _ = write!(out, "equation {} = {}", dump_expr(&equation.left), dump_expr(&equation.right));
        }
        ModelItem::Initial(values) => {
            out.push_str("initial");
            values.iter().for_each(|v| write_initial(out, v));
        }
        ModelItem::Final(values) => {
            out.push_str("final");
            values.iter().for_each(|v| write_initial(out, v));
        }
        ModelItem::Boundary(kind) => {
            let _ = write!(out, "boundary {}", kind.name);
        }
        ModelItem::Index(list) => {
            out.push_str("index");
            for index in list {
                let _ = write!(out, " ({} = ", index.name.name);
                write_range(out, &index.range);
                out.push_str(if index.periodic { " periodic" } else { "" });
                if let Some(spacing) = &index.spacing {
                    let _ = write!(out, " spacing {}", dump_expr(spacing));
                }
                out.push(')');
            }
        }
        ModelItem::Function(function) => write_function(out, function),
        ModelItem::Time(unit) => {
            out.push_str("time");
            write_unit(out, Some(unit));
        }
        ModelItem::For(repeated) => {
            let _ = write!(out, "for {} in ", repeated.variable.name);
            write_range(out, &repeated.range);
            out.push('\n');
            repeated.body.iter().for_each(|item| dump_model_item(out, item, depth + 1));
            return;
        }
    }
    out.push('\n');
}

fn write_initial(out: &mut String, value: &InitialDecl) {
    let primes = "'".repeat(value.primes as usize);
    let mut name = value.state.name.clone();
    if !value.at.is_empty() {
        let at: Vec<String> = value.at.iter().map(dump_expr).collect();
        let _ = write!(name, "[{}]", at.join(" "));
    }
    let _ = write!(out, " ({name}{primes} = {}", dump_expr(&value.value));
    if let Some(steps) = &value.steps {
        let _ = write!(out, " for {} steps", dump_expr(steps));
    }
    if value.last.is_some() {
        out.push_str(" at last");
    }
    out.push(')');
}

fn write_param(out: &mut String, param: &ParamDecl) {
    let _ = write!(out, " ({}", param.name.name);
    write_axes(out, &param.axes);
    write_unit(out, param.unit.as_ref());
    if let Some(value) = &param.value {
        let _ = write!(out, " = {}", dump_expr(value));
    }
    if let Some((low, high)) = &param.bounds {
        let _ = write!(out, " in {} {}", dump_expr(low), dump_expr(high));
    }
    if param.fixed {
        out.push_str(" fixed");
    }
    out.push(')');
}

fn write_binding(out: &mut String, binding: &Binding) {
    let _ = write!(out, " ({}", binding.name.name);
    write_axes(out, &binding.axes);
    write_unit(out, binding.unit.as_ref());
    let _ = write!(out, " = {})", dump_expr(&binding.value));
}

fn dump_claim(out: &mut String, claim: &Claim) {
    match claim {
        Claim::Compare { left, comparison, right, within } => {
            out.push_str("  expect ");
            write_side(out, left);
            let _ = write!(out, " {} ", comparison.symbol());
            write_side(out, right);
            if let Some(within) = within {
                let _ = write!(out, " within {}", dump_expr(within));
            }
        }
        Claim::Snapshot { what, of } => {
            let _ = write!(out, "  expect snapshot {}", what.name);
            if let Some(of) = of {
                let _ = write!(out, " of {}", of.name);
            }
        }
    }
    out.push('\n');
}

fn write_side(out: &mut String, side: &Side) {
    match side {
        Side::Expr(expr) => write_expr(out, expr),
        Side::Set(elements, _) => write_node(out, "set", elements),
    }
}

fn dump_settings(out: &mut String, settings: &[Setting]) {
    for setting in settings {
        let _ = write!(out, "  {}:", setting.key.name);
        for value in &setting.values {
            out.push(' ');
            match value {
                SettingValue::Expr(expr) => write_expr(out, expr),
                SettingValue::List(elements, _) => write_node(out, "list", elements),
                SettingValue::Tuple(elements, _) => write_node(out, "tuple", elements),
                SettingValue::Equals(_) => out.push('='),
            }
        }
        out.push('\n');
    }
}

/// `(head part part)`
fn write_node<'a>(out: &mut String, head: &str, parts: impl IntoIterator<Item = &'a Expr>) {
    out.push('(');
    out.push_str(head);
    for part in parts {
        out.push(' ');
        write_expr(out, part);
    }
    out.push(')');
}

fn write_expr(out: &mut String, expr: &Expr) {
    match &expr.kind {
        ExprKind::Number { value, percent: false } => {
            let _ = write!(out, "{value:?}");
        }
        ExprKind::Measured { value, unit } => {
            out.push_str("(unit ");
            write_expr(out, value);
            write_unit(out, Some(unit));
            out.push(')');
        }
        ExprKind::Number { value, percent: true } => {
            let _ = write!(out, "(percent {value:?})");
        }
        ExprKind::Text(text) => {
            let _ = write!(out, "{text:?}");
        }
        ExprKind::Name(name) => out.push_str(name),
        ExprKind::Primed { of, primes } => {
            write_node(out, &"'".repeat(*primes as usize), [of.as_ref()]);
        }
        ExprKind::Field { of, name } => {
            write_expr(out, of);
            let _ = write!(out, ".{}", name.name);
        }
        ExprKind::Subscript { of, at } => write_node(out, "at", std::iter::once(of.as_ref()).chain(at)),
        ExprKind::Call(call) => write_call(out, "", call),
        ExprKind::Hole(call) => write_call(out, "?", call),
        ExprKind::Tuple(elements) => write_node(out, "tuple", elements),
        ExprKind::Unary { op, operand } => {
            let head = match op {
                UnaryOp::Negate => "neg",
                UnaryOp::Plus => "pos",
                UnaryOp::Not => "not",
            };
            write_node(out, head, [operand.as_ref()]);
        }
        ExprKind::Sum { variable, range, body } => {
            let _ = write!(out, "(sum {} in ", variable.name);
            write_range(out, range);
            out.push(' ');
            write_expr(out, body);
            out.push(')');
        }
        ExprKind::If { condition, then, otherwise } => {
            write_node(out, "if", [condition.as_ref(), then.as_ref(), otherwise.as_ref()]);
        }
        ExprKind::Binary { op, left, right } => {
            let head = match op {
                BinaryOp::Add => "+",
                BinaryOp::Subtract => "-",
                BinaryOp::Multiply => "*",
                BinaryOp::Divide => "/",
                BinaryOp::Power => "^",
                BinaryOp::Equal => "==",
                BinaryOp::Different => "!=",
                BinaryOp::Less => "<",
                BinaryOp::AtMost => "<=",
                BinaryOp::Greater => ">",
                BinaryOp::AtLeast => ">=",
                BinaryOp::And => "and",
                BinaryOp::Or => "or",
            };
            write_node(out, head, [left.as_ref(), right.as_ref()]);
        }
    }
}

fn write_call(out: &mut String, mark: &str, call: &Call) {
    let _ = write!(out, "({mark}{}", call.function.name);
    for argument in &call.arguments {
        out.push(' ');
        write_expr(out, argument);
    }
    for named in &call.named {
        let relation = match named.relation {
            Relation::Is => "=",
            Relation::AtLeast => ">=",
            Relation::AtMost => "<=",
        };
        let _ = write!(out, " ({} {relation} ", named.name.name);
        write_expr(out, &named.value);
        out.push(')');
    }
    out.push(')');
}

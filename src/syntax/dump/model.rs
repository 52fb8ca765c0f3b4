//! Declarations and equations of a model.

use std::fmt::Write as _;

use super::super::ast::*;
use super::expr::{dump_expr, write_expr};

pub(super) fn dump_model_item(out: &mut String, item: &ModelItem, depth: usize) {
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
                out.push_str(input.between.suffix());
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

pub(super) fn write_function(out: &mut String, function: &Function) {
    let params: Vec<&str> = function.params.iter().map(|p| p.name.as_str()).collect();
    let _ = write!(out, "fn {}({}) {}", function.name.name, params.join(" "), dump_expr(&function.body));
}

/// ` [m^1 s^-2]`
pub(super) fn write_unit(out: &mut String, unit: Option<&UnitExpr>) {
    if let Some(unit) = unit {
        let factors: Vec<String> = unit.factors.iter().map(|(name, power)| format!("{}^{power}", name.name)).collect();
        let _ = write!(out, " [{}]", factors.join(" "));
    }
}

/// `[body axis]`
pub(super) fn write_axes(out: &mut String, axes: &[Ident]) {
    if !axes.is_empty() {
        let names: Vec<&str> = axes.iter().map(|a| a.name.as_str()).collect();
        let _ = write!(out, "[{}]", names.join(" "));
    }
}

pub(super) fn write_range(out: &mut String, range: &Range) {
    write_expr(out, &range.from);
    if let Some(to) = &range.to {
        out.push_str("..");
        write_expr(out, to);
    }
}

pub(super) fn write_initial(out: &mut String, value: &InitialDecl) {
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

pub(super) fn write_param(out: &mut String, param: &ParamDecl) {
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

pub(super) fn write_binding(out: &mut String, binding: &Binding) {
    let _ = write!(out, " ({}", binding.name.name);
    write_axes(out, &binding.axes);
    write_unit(out, binding.unit.as_ref());
    let _ = write!(out, " = {})", dump_expr(&binding.value));
}

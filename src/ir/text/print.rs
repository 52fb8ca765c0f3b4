//! Module to text.

use super::super::{Axis, AxisId, Function, Inst, Module, Op, SolveScheme, Type, ValueId};
use crate::base::{Arena, Idx, SolvePrecision};
use std::collections::HashMap;
use std::fmt::Write;

/// The module as text.
pub fn print(module: &Module) -> String {
    let mut out = format!("module {}\n", word(&module.name));
    for axis in module.axes.values() {
        out.push_str("axis ");
        out.push_str(&word(&axis.name));
        if let Some(size) = axis.size {
            let _ = write!(out, " = {size}");
        }
        out.push('\n');
    }
    for function in &module.functions {
        out.push('\n');
        out.push_str(&print_function(module, function));
    }
    out
}

/// One function as text.
pub fn print_function(module: &Module, function: &Function) -> String {
    let printer = Printer { axes: &module.axes, function, names: value_names(function) };
    let params: Vec<String> =
        function.params.iter().map(|&p| format!("{}: {}", printer.value(p), printer.ty(p))).collect();
    let mut out = format!("func {}({}) {{\n", word(&function.name), params.join(", "));
    for inst in function.insts.values() {
        out.push_str("  ");
        out.push_str(&printer.inst(inst));
        out.push('\n');
    }
    let results: Vec<String> =
        function.results.iter().map(|(name, v)| format!("{} = {}", word(name), printer.value(*v))).collect();
    out.push_str("  return");
    if !results.is_empty() {
        out.push(' ');
        out.push_str(&results.join(", "));
    }
    out.push_str("\n}\n");
    out
}

/// A number with the fewest digits that read back to the same bits.
pub(super) fn number(x: f64) -> String {
    if x.is_nan() && x.to_bits() != f64::NAN.to_bits() {
        format!("{:#018x}", x.to_bits())
    } else if x.is_nan() {
        "nan".to_string()
    } else {
        format!("{x:?}")
    }
}

/// Whether `name` can stand without quotes.
pub(super) fn is_word(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '\'')
}

/// Whether `name` is what a nameless value is called.
pub(super) fn is_number_name(name: &str) -> bool {
    name.strip_prefix('v').is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
}

fn word(name: &str) -> String {
    if is_word(name) {
        return name.to_string();
    }
    let mut out = String::from("\"");
    for c in name.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn value_names(function: &Function) -> Vec<String> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for value in function.values.values() {
        *count.entry(value.name.as_str()).or_default() += 1;
    }
    let name = |(id, value): (ValueId, &super::super::ValueData)| {
        if value.name.is_empty() {
            format!("%v{}", id.index())
        } else if count.get(value.name.as_str()) == Some(&1) && !is_number_name(&value.name) {
            format!("%{}", word(&value.name))
        } else {
            format!("%{}.{}", word(&value.name), id.index())
        }
    };
    function.values.iter().map(name).collect()
}

struct Printer<'a> {
    axes: &'a Arena<AxisId, Axis>,
    function: &'a Function,
    names: Vec<String>,
}

impl Printer<'_> {
    /// Ids out of range are shown, not followed: the printer must serve programs that the verifier rejects.
    fn value(&self, value: ValueId) -> String {
        self.names.get(value.index()).cloned().unwrap_or_else(|| format!("%v{}", value.index()))
    }

    fn axis(&self, axis: AxisId) -> String {
        self.axes.get(axis).map_or_else(|| format!("{axis:?}"), |a| word(&a.name))
    }

    fn axes(&self, axes: &[AxisId]) -> String {
        let names: Vec<String> = axes.iter().map(|&a| self.axis(a)).collect();
        format!("[{}]", names.join(", "))
    }

    fn ty(&self, value: ValueId) -> String {
        let ty: Option<&Type> = self.function.values.get(value).map(|v| &v.ty);
        ty.map_or_else(|| "?".to_string(), |ty| format!("{}{}", ty.elem, self.axes(&ty.axes)))
    }

    fn inst(&self, inst: &Inst) -> String {
        let join = |values: &[ValueId], f: &dyn Fn(ValueId) -> String| -> String {
            values.iter().map(|&v| f(v)).collect::<Vec<_>>().join(", ")
        };
        let mut items: Vec<String> = inst.args.iter().map(|&v| self.value(v)).collect();
        items.extend(self.attributes(&inst.op));
        let items = items.join(", ");
        let space = if items.is_empty() { "" } else { " " };
        format!(
            "{} = {}{space}{items} : {}",
            join(&inst.results, &|v| self.value(v)),
            mnemonic(&inst.op),
            join(&inst.results, &|v| self.ty(v))
        )
    }

    fn attributes(&self, op: &Op) -> Vec<String> {
        match op {
            Op::Const(x) => vec![number(*x)],
            Op::Powi(n) => vec![n.to_string()],
            Op::Sum(axes) | Op::Contract(axes) => vec![format!("over = {}", self.axes(axes))],
            Op::Index { axis, at } | Op::Place { axis, at } => vec![format!("{} = {at}", self.axis(*axis))],
            Op::Stack(axis) => vec![format!("axis = {}", self.axis(*axis))],
            Op::Solve(scheme) | Op::SolveAdjoint(scheme) => self.scheme(scheme),
            Op::Unary(_)
            | Op::Binary(_)
            | Op::Select(_)
            | Op::Convert
            | Op::Broadcast
            | Op::Transpose
            | Op::Reshape
            | Op::SpdSolve
            | Op::SpdSolveAdjoint => Vec::new(),
        }
    }

    fn scheme(&self, s: &SolveScheme) -> Vec<String> {
        let weights: Vec<String> = s.weights.iter().map(|&w| number(w)).collect();
        let mut out = vec![
            format!("time = {}", self.axis(s.time)),
            format!("state = {}", self.axis(s.state)),
            format!("order = {}", self.axis(s.order)),
            format!("equation = {}", self.axis(s.equation)),
            format!("start = {}", self.axis(s.start)),
            format!("given = {}", self.axis(s.given)),
            format!("central = {}", s.central),
            format!("weights = [{}]", weights.join(", ")),
        ];
        if let Some(push) = s.slack {
            out.push(format!("slack = {}", number(push)));
        }
        if s.precision != SolvePrecision::F64 {
            out.push(format!("precision = {}", s.precision.name()));
        }
        out
    }
}

fn mnemonic(op: &Op) -> String {
    match op {
        Op::Unary(op) => op.name().to_string(),
        Op::Binary(op) => op.name().to_string(),
        Op::Select(cmp) => format!("select_{}", cmp.name()),
        Op::Const(_) => "const".to_string(),
        Op::Powi(_) => "powi".to_string(),
        Op::Convert => "convert".to_string(),
        Op::Broadcast => "broadcast".to_string(),
        Op::Transpose => "transpose".to_string(),
        Op::Reshape => "reshape".to_string(),
        Op::Sum(_) => "sum".to_string(),
        Op::Index { .. } => "index".to_string(),
        Op::Stack(_) => "stack".to_string(),
        Op::Place { .. } => "place".to_string(),
        Op::Contract(_) => "contract".to_string(),
        Op::Solve(_) => "solve".to_string(),
        Op::SolveAdjoint(_) => "solve_adjoint".to_string(),
        Op::SpdSolve => "spd_solve".to_string(),
        Op::SpdSolveAdjoint => "spd_solve_adjoint".to_string(),
    }
}

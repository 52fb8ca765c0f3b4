//! DiffSL, the language of the diffsol solvers.

use std::fmt::Write as _;

use super::components::components;
use super::names::{Rules, Table, ascii};
use super::rounding::float;
use super::{ExportError, System};
use crate::hir::{BinaryOp, Compare, Exponent, Expr, ExprKind, Level, Notation, Piece, UnaryFn};

const FORMAT: &str = "diffsl";

/// Names are letters and digits; `_` separates indices.
const RULES: Rules = Rules {
    legal: |name| {
        let name: String = ascii(name).split('_').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("z");
        if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { format!("v{name}") }
    },
    again: |_, legal, n| format!("{legal}n{n}"),
    derivative: Some(|name, k| if k == 1 { format!("{name}der") } else { format!("{name}der{k}") }),
    model: false,
    time: "t",
    reserved: "t N in u dudt F M out stop reset read sin cos tan exp log log10 sqrt abs sigmoid arcsinh arccosh heaviside \
        tanh sinh cosh copysign pow min max interp1d sum norm",
};

pub(super) fn write(system: &System<'_>) -> Result<String, ExportError> {
    if let Some(input) = system.model.inputs.values().next() {
        return Err(ExportError::Input { format: FORMAT, name: input.name.clone() });
    }
    let table = Table::new(system.model, &RULES);
    let diffsl = Diffsl { table: &table, system };
    let components = components(system, &table);
    let mut out = system.head("//");
    if !system.parameters.is_empty() {
        out.push_str("in_i {\n");
        for (parameter, name) in system.parameters.iter().zip(&table.unknowns) {
            let about = comment(name, &parameter.name);
            let _ = writeln!(out, "  {name} = {},{about}", float(parameter.value));
        }
        out.push_str("}\n");
    }
    out.push_str("u_i {\n");
    for component in &components {
        let no_initial = || ExportError::NoInitial { format: FORMAT, name: component.spelled.clone() };
        let initial = component.initial.ok_or_else(no_initial)?;
        let about = comment(&component.name, &component.spelled);
        let _ = writeln!(out, "  {} = {},{about}", component.name, float(initial));
    }
    out.push_str("}\nF_i {\n");
    for component in &components {
        let flow = component.flow.text(&diffsl)?;
        let _ = writeln!(out, "  {flow},");
    }
    out.push_str("}\n");
    Ok(out)
}

fn comment(name: &str, spelled: &str) -> String {
    if name == spelled { String::new() } else { format!(" // {spelled}") }
}

struct Diffsl<'a> {
    table: &'a Table,
    system: &'a System<'a>,
}

/// Longer expressions are not repeated.
const LONGEST_REPEATED: usize = 2000;

impl Diffsl<'_> {
    /// `x^n` for n from 2 on. The derivative of DiffSL's `pow` has no value for a negative base, so `pow` gets its magnitude.
    fn whole_power(&self, base: &Piece, n: u32) -> Result<Piece, ExportError> {
        let factor = self.within(base, Level::Atom);
        if n.is_multiple_of(2) {
            return Ok(match n {
                2 if factor.len() <= LONGEST_REPEATED => Piece::new(format!("{factor}*{factor}"), Level::Product),
                n => Piece::atom(format!("pow(abs({}), {n}.0)", base.text)),
            });
        }
        if factor.len() > LONGEST_REPEATED {
            return Err(ExportError::TooLong { format: FORMAT });
        }
        let rest = self.whole_power(base, n - 1)?;
        Ok(Piece::new(format!("{factor}*{}", rest.text), Level::Product))
    }
}

impl Notation for Diffsl<'_> {
    type Error = ExportError;

    fn number(&self, value: f64) -> String {
        float(value)
    }

    fn name(&self, leaf: &ExprKind) -> Result<Piece, ExportError> {
        Ok(self.table.leaf(leaf))
    }

    fn function(&self, f: UnaryFn, piece: Piece) -> Result<Piece, ExportError> {
        let a = &piece.text;
        match f {
            UnaryFn::Asin | UnaryFn::Acos | UnaryFn::Atan => {
                Err(ExportError::Function { format: FORMAT, name: f.name() })
            }
            UnaryFn::Ln => Ok(Piece::atom(format!("log({a})"))),
            // DiffSL has a tangent, which its LLVM back end cannot differentiate.
            UnaryFn::Tan if a.len() > LONGEST_REPEATED => Err(ExportError::TooLong { format: FORMAT }),
            UnaryFn::Tan => Ok(Piece::new(format!("sin({a})/cos({a})"), Level::Product)),
            // `heaviside` is 1 at zero.
            UnaryFn::Sign => {
                let opposite = self.within(&piece, Level::Atom);
                Ok(Piece::new(format!("heaviside({a}) - heaviside(-{opposite})"), Level::Sum))
            }
            f => Ok(Piece::atom(format!("{}({a})", f.name()))),
        }
    }

    fn power(&self, base: Piece, exponent: Exponent) -> Result<Piece, ExportError> {
        match exponent {
            Exponent::Real(exponent) => Ok(Piece::atom(format!("pow({}, {})", base.text, exponent.text))),
            Exponent::Whole(n) => {
                let power = match n.unsigned_abs() {
                    0 => return Ok(Piece::atom("1.0")),
                    1 => base,
                    size => self.whole_power(&base, size)?,
                };
                if n > 0 {
                    return Ok(power);
                }
                Ok(Piece::new(format!("1.0/{}", self.within(&power, Level::Power)), Level::Product))
            }
        }
    }

    /// A conditional is a mean of its branches with the weights 0 and 1, which needs both to have a value.
    fn select(&self, compare: Compare, pieces: [Piece; 4], parts: &[Expr; 4]) -> Result<Piece, ExportError> {
        let [.., x, y] = parts;
        if let Some(branch) = [x, y].into_iter().find(|e| !is_total(e)) {
            let branch = self.system.model.spell(branch);
            return Err(ExportError::Conditional { format: FORMAT, branch });
        }
        let [a, b] = [&pieces[0], &pieces[1]].map(|p| self.within(p, Level::Product));
        let (least, most) = (format!("heaviside({a} - {b})"), format!("heaviside({b} - {a})"));
        let complement = |weight: &str| format!("(1.0 - {weight})");
        let (holds, fails) = match compare {
            Compare::Less => (complement(&least), least),
            Compare::AtMost => (most.clone(), complement(&most)),
            Compare::Equal => {
                let both = format!("{least}*{most}");
                let fails = complement(&both);
                (both, fails)
            }
        };
        let [x, y] = [&pieces[2], &pieces[3]].map(|p| self.within(p, Level::Power));
        Ok(Piece::new(format!("{holds}*{x} + {fails}*{y}"), Level::Sum))
    }
}

/// Whether an expression has a finite value wherever its variables have moderate ones.
fn is_total(expr: &Expr) -> bool {
    let here = match &expr.kind {
        ExprKind::Number(_) | ExprKind::Time | ExprKind::State(..) | ExprKind::Input(_) | ExprKind::Unknown(_) => true,
        ExprKind::Unary(f, _) => matches!(
            f,
            UnaryFn::Neg
                | UnaryFn::Abs
                | UnaryFn::Exp
                | UnaryFn::Sin
                | UnaryFn::Cos
                | UnaryFn::Sinh
                | UnaryFn::Cosh
                | UnaryFn::Tanh
                | UnaryFn::Sign
        ),
        ExprKind::Binary(BinaryOp::Div, _, b) => b.as_number().is_some_and(|v| v != 0.0),
        ExprKind::Binary(op, ..) => *op != BinaryOp::Pow,
        ExprKind::Powi(_, n) => *n >= 0,
        ExprKind::Select(..) => true,
    };
    here && expr.operands().all(is_total)
}

//! What is said where units do not fit: both sides with their units, and where those come from.

use super::super::scope::Meaning;
use super::infer::Checker;
use super::solve::Clash;
use crate::base::Between;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0802, E0803, E0804, W0801, W0804};
use crate::hir::Unit;
use crate::source::Span;
use crate::syntax::ast;

/// A unit between its brackets, or words for the unit `1`.
pub(in super::super) fn shown(unit: &Unit) -> String {
    match unit.to_string().as_str() {
        "1" => "a plain number".to_string(),
        text => format!("[{text}]"),
    }
}

/// What a quantity with this unit is: `in [m]`, or `a plain number`.
pub(in super::super) fn what(unit: &Unit) -> String {
    match shown(unit) {
        text if text.starts_with('[') => format!("in {text}"),
        text => text,
    }
}

impl Checker<'_, '_> {
    /// Reports that `odd` does not have the unit that `clash` says `with` has.
    pub(super) fn clash(&mut self, with: (&ast::Expr, &Unit), odd: (&ast::Expr, &Unit)) {
        let ((a, left), (b, right)) = (with, odd);
        let d = mismatch(left, right, b.span, what(right)).label(a.span, what(left));
        let d = self.origins(d, a, b.span);
        let d = self.origins(d, b, a.span);
        // A number in front may be a rate whose unit was forgotten.
        let d = match first_number(b).filter(|_| d.code == E0802) {
            Some(number) => {
                let number = crate::hir::number(number);
                let (number, unit) = (&number, left.over(right));
                d.help(format!("if {number} is a quantity, write its unit behind it: `{number} [{unit}]`"))
            }
            None => d,
        };
        let d =
            match self.amount(b, (left, right)).or_else(|| self.amount(a, (left, right))).filter(|_| d.code == E0802) {
                Some(help) => d.help(help),
                None => d,
            };
        self.push(d);
    }

    /// What is said of an impulse in a side that does not fit: the model takes it for a rate, and it has the unit of an amount where its column has amounts.
    fn amount(&self, side: &ast::Expr, (left, right): (&Unit, &Unit)) -> Option<String> {
        let time = self.solver.reduce(&self.time).as_unit().cloned()?;
        let mut names = Vec::new();
        names_in(side, &mut names);
        let impulse = |name: &&str| match self.scope.names.get(*name)?.meaning {
            Meaning::Input(id) => Some(&self.scope.inputs[id]).filter(|i| i.between == Between::Impulse),
            _ => None,
        };
        let (name, _) = names.iter().find_map(|name| Some((*name, impulse(name)?)))?;
        let own = self.solver.reduce(&self.names.get(name)?.measure).as_unit().cloned()?;
        // What is declared by the time has its unit right.
        let by_time = Unit::one().over(&time);
        let is_missing = left.over(right).equals(&by_time) || right.over(left).equals(&by_time);
        is_missing.then(|| {
            let rate = own.over(&time);
            format!(
                "an impulse is a rate in the equations: write `input {name} [{rate}] impulse`; its column has what comes in at once, {}",
                what(&own)
            )
        })
    }

    /// Reports that the value at `value` does not have the unit of what is declared or set at `declared`.
    pub(super) fn clash_with_name(&mut self, name: &str, declared: (Span, &Unit), value: (&ast::Expr, &Unit)) {
        let ((place, left), (expr, right)) = (declared, value);
        let d = mismatch(left, right, expr.span, what(right));
        let d = d.label(place, format!("`{name}` is {}", what(left)));
        let d = self.origins(d, expr, place);
        self.push(d);
    }

    /// Reports that `argument` should be a plain number, because of what stands at `place`.
    pub(super) fn not_plain(&mut self, argument: &ast::Expr, clash: &Clash, place: Span, why: &str) {
        let unit = &clash.left;
        if self.in_hole {
            let message = format!("this candidate term has no sensible unit: {why} takes a plain number");
            let d = Diagnostic::warning(W0801, message, argument.span, what(unit));
            let d = self.origins(d.label(place, "takes a plain number"), argument, place);
            return self.push(d.help("divide by a quantity of the same unit"));
        }
        let message = format!("{why} takes a plain number, and this is {}", what(unit));
        let d = Diagnostic::error(E0804, message, argument.span, what(unit));
        let d = self.origins(d.label(place, "takes a plain number"), argument, place);
        self.push(d.help(match unit.dimension().is_empty() {
            true => format!("multiply by `{} [{}]`", crate::hir::number(unit.scale()), Unit::one().over(unit)),
            false => "divide by a quantity of the same unit".to_string(),
        }));
    }

    /// Reports states and inputs whose unit nothing tells, where others have one.
    pub(super) fn judge_names(&mut self) {
        // What a unit that cannot be read would tell is not known.
        if self.sink.has_errors() {
            return;
        }
        let named = self.scope.names.iter().filter(|(_, e)| matches!(e.meaning, Meaning::State(_) | Meaning::Input(_)));
        let measures =
            named.filter_map(|(name, _)| self.names.get(name).map(|n| (name.to_string(), n.span, n.measure.clone())));
        let (known, open): (Vec<_>, Vec<_>) = measures.partition(|(.., m)| self.solver.reduce(m).as_unit().is_some());
        let Some((other, place, _)) = known.first() else { return };
        for (name, span, _) in open {
            let message = format!("`{name}` has no unit, and nothing in the model tells it");
            let d = Diagnostic::warning(W0804, message, span, "not checked, and printed without a unit");
            let d = d.label(*place, format!("`{other}` has one"));
            self.push(
                d.help(format!("write its unit behind its name, `{name} [m]`, or `{name} [1]` for a plain number")),
            );
        }
    }

    /// Labels the declarations that the units in `expr` come from; `other` has its label already.
    pub(super) fn origins(&mut self, mut d: Diagnostic, expr: &ast::Expr, other: Span) -> Diagnostic {
        /// More names than this hide the point.
        const SHOWN: usize = 3;
        let mut names: Vec<&str> = Vec::new();
        names_in(expr, &mut names);
        for name in names.into_iter().take(SHOWN) {
            let (span, measure) = match (name, self.names.get(name)) {
                ("t", _) => match self.time_place {
                    Some(place) => (place, self.time.clone()),
                    None => continue,
                },
                (_, Some(named)) => (named.span, named.measure.clone()),
                _ => continue,
            };
            let taken = span == other || span == d.primary.span || d.labels.iter().any(|l| l.span == span);
            let reduced = self.solver.reduce(&measure);
            let (false, Some(unit)) = (taken, reduced.as_unit()) else { continue };
            match self.solver.place(&measure) {
                Some(place) if place != expr.span && place != other && place != d.primary.span => {
                    d = d.label(span, format!("`{name}` has no unit of its own"));
                    if !d.labels.iter().any(|l| l.span == place) {
                        d = d.label(place, format!("from this follows {} for `{name}`", shown(unit)));
                    }
                }
                Some(_) => d = d.label(span, format!("`{name}` has no unit of its own")),
                None => d = d.label(span, format!("`{name}` is {}", what(unit))),
            }
        }
        d
    }

    /// Passes a finding on, once for each place.
    pub(super) fn push(&mut self, d: Diagnostic) {
        if !self.said.insert((d.code, d.primary.span)) {
            return;
        }
        let d = match self.calls.first() {
            Some(&call) if !contains(call, d.primary.span) => d.label(call, "in this call"),
            _ => d,
        };
        self.sink.push(d);
    }
}

/// The error for two units that should be the same.
pub(in super::super) fn mismatch(left: &Unit, right: &Unit, span: Span, here: String) -> Diagnostic {
    match right.in_units_of(left) {
        Some(factor) => {
            let message = format!("{} and {} measure the same in different sizes", shown(left), shown(right));
            let number = crate::hir::number(factor);
            let ratio = left.over(right);
            let help = format!("numbers are not rescaled: multiply by `{number} [{ratio}]`");
            Diagnostic::error(E0803, message, span, here).help(help)
        }
        None => {
            let message = format!("units do not fit: {} and {}", shown(left), shown(right));
            let missing = left.over(right);
            let help = format!("a factor in [{missing}] is missing here, or one of the units is declared wrong");
            Diagnostic::error(E0802, message, span, here).help(help)
        }
    }
}

/// The first factor of a product that is a number without a unit.
fn first_number(expr: &ast::Expr) -> Option<f64> {
    match &expr.kind {
        ast::ExprKind::Number { value, .. } => Some(*value),
        ast::ExprKind::Unary { op: ast::UnaryOp::Negate | ast::UnaryOp::Plus, operand } => first_number(operand),
        ast::ExprKind::Binary { op: ast::BinaryOp::Multiply, left, right } => {
            first_number(left).or_else(|| first_number(right))
        }
        ast::ExprKind::Binary { op: ast::BinaryOp::Divide, left, .. } => first_number(left),
        _ => None,
    }
}

pub(super) fn contains(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}

/// The names in `expr`, each once.
pub(super) fn names_in<'e>(expr: &'e ast::Expr, out: &mut Vec<&'e str>) {
    if let ast::ExprKind::Name(name) = &expr.kind
        && !out.contains(&name.as_str())
    {
        out.push(name);
    }
    if let ast::ExprKind::Primed { .. } = &expr.kind
        && !out.contains(&"t")
    {
        super::each_part(expr, &mut |part| names_in(part, out));
        out.push("t");
        return;
    }
    super::each_part(expr, &mut |part| names_in(part, out));
}

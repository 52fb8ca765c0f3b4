//! Difference operators over a spaced index set: `dx(u)`, `dxx(u)` and `D(u, k)`.
//!
//! With the spacing h and the shift E (E u at an element is u at the next one), derivatives along the index set are the
//! central differences of second order (Fornberg 1988, table 1): even ones are powers of δ² = (E - 2 + E⁻¹)/h², odd ones
//! have one factor (E - E⁻¹)/(2 h) more.

use super::fold;
use super::resolve::Resolver;
use super::scope::{Entry, Meaning};
use crate::base::shortened;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0205, E0904, E0905};
use crate::hir::{BinaryOp, Expr};
use crate::source::Span;
use crate::syntax::ast;

/// The highest derivative along an index set.
const MAX_DERIVATIVE: usize = 8;

/// The weights of the k-th central difference, from the most negative shift on, without the power of the spacing.
pub(super) fn weights(k: usize) -> Vec<f64> {
    let times = |a: &[f64], b: [f64; 3]| {
        let mut out = vec![0.0; a.len() + 2];
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                out[i + j] += x * y;
            }
        }
        out
    };
    let mut out = vec![1.0];
    for _ in 0..k / 2 {
        out = times(&out, [1.0, -2.0, 1.0]);
    }
    if k % 2 == 1 { times(&out, [-0.5, 0.0, 0.5]) } else { out }
}

impl Resolver<'_, '_> {
    /// `dx(u)`, `dxx(u)` or `D(u, k)`, each with an index set as a last argument where it is not clear.
    pub(super) fn difference(&mut self, call: &ast::Call, span: Span) -> Option<Expr> {
        let name = call.function.name.as_str();
        let own = if name == "D" { 2 } else { 1 };
        let given = call.arguments.len();
        if !(own..=own + 1).contains(&given) || !call.named.is_empty() {
            let form = if name == "D" { "D(u, 3)".to_string() } else { format!("{name}(u)") };
            let message = format!("`{name}` is written `{form}`, with an index set as a last argument where needed");
            self.sink.push(
                Diagnostic::error(E0205, message, span, "wrong arguments")
                    .help("name what is differentiated, and with `D` how often: `dx(u)`, `dxx(u, cell)`, `D(u, 3)`"),
            );
            return None;
        }
        let of = call.arguments.first()?;
        let k = match name {
            "dx" => 1,
            "dxx" => 2,
            _ => {
                let order = call.arguments.get(1)?;
                let value = self.constant(order)?;
                if value.fract() != 0.0 || !(0.0..=MAX_DERIVATIVE as f64).contains(&value) {
                    let message =
                        format!("a derivative along an index set is a whole number from 0 to {MAX_DERIVATIVE}");
                    self.sink.push(
                        Diagnostic::error(E0904, message, order.span, "out of range")
                            .help("write `D(u, 3)` for the third derivative"),
                    );
                    return None;
                }
                value as usize
            }
        };
        let axis = match call.arguments.get(own) {
            Some(expr) => self.named_axis(expr)?,
            None => self.spaced_axis(of, name, span)?,
        };
        let Some(h) = self.scope.axes[axis].spacing else { return self.no_spacing(axis, span) };
        let weights = weights(k);
        let reach = (weights.len() / 2) as i64;
        let mut summands = Vec::new();
        let mut ok = true;
        // The farthest shifts first, so that what lies outside is named by the largest distance.
        for (weight, shift) in weights.iter().zip(-reach..=reach) {
            if *weight == 0.0 || !ok {
                continue;
            }
            self.shift[axis] += shift;
            let value = self.resolve(of);
            self.shift[axis] -= shift;
            let weight = Expr::number(*weight, span);
            let term = value.and_then(|v| {
                let folded = fold::binary(BinaryOp::Mul, weight, v, span);
                self.folded(folded)
            });
            ok &= term.is_some();
            summands.extend(term);
        }
        if !ok {
            return None;
        }
        // A spacing of 0.1 has the square 0.01, and what rounding makes of the quotient is printed nowhere.
        let scale = 1.0 / h.powi(k as i32);
        let scale = Expr::number(shortened(scale, 4.0 * f64::EPSILON * scale.abs()), span);
        let folded = fold::sum(summands, span).and_then(|s| fold::binary(BinaryOp::Mul, scale, s, span));
        self.folded(folded)
    }

    fn named_axis(&mut self, expr: &ast::Expr) -> Option<usize> {
        if let ast::ExprKind::Name(name) = &expr.kind
            && let Some(&Entry { meaning: Meaning::Index(a), .. }) = self.scope.lookup(name)
        {
            return Some(a);
        }
        let message = "the last argument of a difference operator is an index set";
        self.sink.push(
            Diagnostic::error(E0905, message, expr.span, "not an index set")
                .help("name one that is declared with a `spacing`: `dxx(u, cell)`"),
        );
        None
    }

    /// The one index set with a spacing that `of` has.
    fn spaced_axis(&mut self, of: &ast::Expr, name: &str, span: Span) -> Option<usize> {
        let mut mentioned = Vec::new();
        self.scope.mentioned_axes(of, &mut mentioned);
        let spaced: Vec<usize> = mentioned.iter().copied().filter(|&a| self.scope.axes[a].spacing.is_some()).collect();
        match (spaced.as_slice(), mentioned.as_slice()) {
            ([one], _) => Some(*one),
            ([], [one]) => self.no_spacing(*one, span),
            ([], _) if self.holds_broken(of) => None,
            ([], _) => {
                let message = format!("`{name}` needs a quantity with an index set that has a spacing");
                let d = Diagnostic::error(E0905, message, of.span, "nothing to differentiate along");
                self.sink.push(d.help("declare one, as in `index cell = 100 spacing 0.1` and `state u[cell]`"));
                None
            }
            ([first, ..], _) => {
                let axis = self.scope.axes[*first].name.clone();
                let message = "this quantity has several index sets with a spacing";
                let d = Diagnostic::error(E0905, message, span, "along which one?");
                self.sink.push(d.help(format!("name it as the last argument, as in `{name}(..., {axis})`")));
                None
            }
        }
    }

    fn no_spacing<T>(&mut self, axis: usize, span: Span) -> Option<T> {
        let axis = &self.scope.axes[axis];
        let message = format!("the index set `{}` has no spacing", axis.name);
        let d = Diagnostic::error(E0905, message, span, "needs a distance between neighbours");
        let d = d.label(axis.span, "declared here").help(format!("write `index {} = ... spacing 0.1`", axis.name));
        self.sink.push(d);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::weights;

    #[test]
    fn central_differences_are_exact_for_the_polynomials_they_are_made_for() {
        for k in 0..=8_usize {
            let w = weights(k);
            let reach = (w.len() / 2) as i32;
            // Exact up to degree k + 1: the k-th derivative of x^k is k!, of x^(k+1) zero at the centre.
            for degree in 0..=k + 1 {
                let sum: f64 = w.iter().zip(-reach..).map(|(w, j)| w * f64::from(j).powi(degree as i32)).sum();
                let want = if degree == k { (1..=k).map(|i| i as f64).product() } else { 0.0 };
                assert!((sum - want).abs() < 1e-9, "difference {k} of degree {degree}: {sum}, not {want}");
            }
        }
    }
}

//! Which element of a family a name with subscripts stands for, and what elements are called.

use std::rc::Rc;

use super::resolve::{Place, Resolver};
use super::scope::Scope;
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::{E0901, E0903, E0904};
use crate::source::Span;
use crate::syntax::ast;

/// The place of one element in its family.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    /// The family's index sets.
    pub(super) axes: Rc<[usize]>,
    /// The element's number, row by row.
    pub(super) flat: usize,
}

impl Resolver<'_, '_> {
    /// The value of `expr` for one element: its own part of a list, or the expression at its position.
    pub(super) fn part<'e>(&mut self, expr: &'e ast::Expr, slot: &Slot, declared: Span) -> Option<&'e ast::Expr> {
        let ast::ExprKind::Tuple(list) = &expr.kind else { return Some(expr) };
        let size = self.scope.size_of(&slot.axes);
        if slot.axes.is_empty() || list.len() == size {
            return if slot.axes.is_empty() { Some(expr) } else { list.get(slot.flat) };
        }
        let message = format!("{size} elements are declared, and {} values given", list.len());
        let d = Diagnostic::error(E0903, message, expr.span, "one value for each element, or one for all")
            .help(format!("write {size} values in parentheses, row by row, or one for all"));
        self.sink.push(d.label(declared, format!("{size} elements")));
        None
    }

    /// The number of the element that `name`, with subscripts `at`, stands for. Index sets without a subscript take the
    /// current position.
    pub(super) fn element(
        &mut self,
        name: &str,
        axes: &[usize],
        declared: Span,
        at: &[ast::Expr],
        span: Span,
    ) -> Option<usize> {
        if at.len() > axes.len() {
            let message = match axes.len() {
                0 => format!("`{name}` has no index set and takes no subscript"),
                n => format!("`{name}` has {n} index set{}, and {} subscripts are given", plural(n), at.len()),
            };
            let d = Diagnostic::error(E0904, message, span, "too many subscripts").help(match axes.len() {
                0 => format!("write `{name}`, or declare it over an index set: `{name}[cell]`"),
                n => format!("give at most {n}"),
            });
            let at_zero =
                matches!(at, [one] if matches!(&one.kind, ast::ExprKind::Number { value, .. } if *value == 0.0));
            let start = self.start_meant(name, span).filter(|_| axes.is_empty() && at_zero);
            // `x[t]`, `x[n + 1]`
            if let (0, None, [one]) = (axes.len(), &start, at) {
                let of_time = |word: &str| matches!(word, "t" | "n" | "k");
                let text = self.sources.text(one.span);
                if text == "t" {
                    let help = format!("what depends on the time is written without it: `{name}`");
                    self.sink.push(d.help(help).replace(span, name));
                    return None;
                }
                if text.split(['+', '-']).next().is_some_and(|word| of_time(word.trim())) && text.contains(['+', '-']) {
                    let help =
                        format!("a model has differential equations, no steps from sample to sample: `{name}' = ...`");
                    self.sink.push(d.help(help));
                    return None;
                }
            }
            self.sink.push(match start {
                Some(start) => d.help(start),
                None => d.label(declared, "declared here"),
            });
            return None;
        }
        let mut flat = 0;
        let mut implicit = Vec::new();
        for (k, &a) in axes.iter().enumerate() {
            let number = match at.get(k) {
                Some(expr) => self.whole_subscript(expr)?,
                None => {
                    if implicit.contains(&a) {
                        let axis = &self.scope.axes[a].name;
                        let message =
                            format!("`{name}` has the index set `{axis}` twice: which one is meant is not clear");
                        let d = Diagnostic::error(E0903, message, span, "needs subscripts");
                        self.sink.push(d.label(declared, "declared here").help(format!("write `{name}[i, j]`")));
                        return None;
                    }
                    implicit.push(a);
                    let Some(position) = self.at[a] else { return self.no_position(name, a, declared, span) };
                    self.scope.axes[a].first + position as i64
                }
            };
            let place = at.get(k).map_or(span, |e| e.span);
            let position = self.position(a, number + self.shift[a], place)?;
            flat = flat * self.scope.axes[a].len + position;
        }
        Some(flat)
    }

    fn whole_subscript(&mut self, expr: &ast::Expr) -> Option<i64> {
        let place = std::mem::replace(&mut self.place, Place::Constant);
        let value = self.resolve(expr).and_then(|e| e.as_number());
        self.place = place;
        let value = value?;
        if value.fract() == 0.0 && value.abs() <= 1e15 {
            return Some(value as i64);
        }
        let message = format!("a subscript is a whole number, not {}", crate::hir::number(value));
        self.sink.push(
            Diagnostic::error(E0904, message, expr.span, "not a whole number")
                .help("write a whole number, or the variable of a loop"),
        );
        None
    }

    /// The position of `number` on an index set.
    fn position(&mut self, a: usize, number: i64, span: Span) -> Option<usize> {
        let axis = &self.scope.axes[a];
        let at = number - axis.first;
        if axis.periodic && axis.len > 0 {
            return Some(at.rem_euclid(axis.len as i64) as usize);
        }
        if (0..axis.len as i64).contains(&at) {
            return Some(at as usize);
        }
        let (name, first, last) = (axis.name.clone(), axis.first, axis.last());
        let message = format!("element {number} is out of range: `{name}` goes from {first} to {last}");
        let mut d =
            Diagnostic::error(E0901, message, span, "out of range").label(axis.span, format!("{first} to {last}"));
        let values: Vec<String> = self.loops.iter().map(|(n, v, _)| format!("{n} = {v}")).collect();
        let current = self.at[a].map(|p| format!("at element {} of `{name}`", axis.first + p as i64));
        let when = match (values.is_empty(), current) {
            (false, _) => format!("this happens at {}; ", values.join(", ")),
            (true, Some(current)) => format!("this happens {current}; "),
            (true, None) => String::new(),
        };
        d = d.help(format!(
            "{when}neighbours beyond the ends exist where the index set is `periodic`; otherwise write the equations at \
             the ends on their own, and the others in a loop such as `for i in {}..{} {{ ... }}`",
            first + 1,
            last - 1
        ));
        self.sink.push(d);
        None
    }

    fn no_position<T>(&mut self, name: &str, a: usize, declared: Span, span: Span) -> Option<T> {
        let axis = self.scope.axes[a].name.clone();
        let message = format!("`{name}` has the index set `{axis}`, and what it is used for has not");
        let mut d = Diagnostic::error(E0903, message, span, format!("one value for each element of `{axis}`"));
        d = d.label(declared, "declared here");
        if let Some(left) = self.left.filter(|l| *l != span) {
            d = d.label(left, "this has other index sets");
        }
        self.sink
            .push(d.help(format!("choose an element, as in `{name}[1]`, or add up: `sum(i in {axis}) {name}[i]`")));
        None
    }

    /// The number of the current element of an index set, which its name stands for.
    pub(super) fn current(&mut self, a: usize, declared: Span, span: Span) -> Option<i64> {
        let axis = &self.scope.axes[a];
        match self.at[a] {
            Some(position) => Some(axis.first + position as i64 + self.shift[a]),
            None => {
                let (name, first) = (axis.name.clone(), axis.first);
                let last = first + axis.len as i64 - 1;
                let message = format!("`{name}` is an index set, and none of its elements is the current one here");
                let d = Diagnostic::error(E0903, message, span, "which element?").label(declared, "declared here");
                self.sink.push(d.help(format!(
                    "it has a value in statements for every element of `{name}`, which name families without it: `x' = ...`, `initial x = ...`; \
                     for some of them write a loop: `for i in {first}..{last} {{ ... }}`"
                )));
                None
            }
        }
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

impl Scope<'_> {
    /// How many elements a family over `axes` has.
    pub(super) fn size_of(&self, axes: &[usize]) -> usize {
        axes.iter().fold(1, |n, &a| n.saturating_mul(self.axes[a].len))
    }

    /// The name of one element: `q[1, 2]`.
    pub(super) fn element_name(&self, name: &str, axes: &[usize], flat: usize) -> String {
        if axes.is_empty() {
            return name.to_string();
        }
        let mut rest = flat;
        let mut numbers: Vec<String> = Vec::with_capacity(axes.len());
        for &a in axes.iter().rev() {
            let axis = &self.axes[a];
            let len = axis.len.max(1);
            numbers.push((axis.first + (rest % len) as i64).to_string());
            rest /= len;
        }
        numbers.reverse();
        format!("{name}[{}]", numbers.join(", "))
    }
}

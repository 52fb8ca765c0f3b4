//! Index sets: their declarations, ranges, and which element of a family a name stands for.
//!
//! A name with index sets is a family of scalars, one per element, laid out row by row. Statements over whole index sets
//! are resolved once per element, with the position on every index set in [`Resolver::at`]; variables of loops and sums
//! are numbers. What comes out is a model of scalars with names such as `q[1, 2]`.

use std::cell::Cell;

use super::elements::Slot;
use super::resolve::Resolver;
use super::scope::{Entry, Meaning, Scope};
use crate::base::IndexMap;
use crate::diagnostics::codes::{E0902, E0904};
use crate::diagnostics::{Diagnostic, Sink};
use crate::source::{Sources, Span};
use crate::syntax::ast;

/// The most elements of an index set, a family or a range.
pub(super) const MAX_ELEMENTS: usize = 100_000;

/// An index set: `len` whole numbers from `first` on.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) first: i64,
    /// Zero when the declaration is wrong, which has been reported.
    pub(super) len: usize,
    /// Whether the neighbour of the last element is the first.
    pub(super) periodic: bool,
    /// The distance between neighbours.
    pub(super) spacing: Option<f64>,
    pub(super) used: Cell<bool>,
}

impl Axis {
    /// The number of the last element.
    pub(super) fn last(&self) -> i64 {
        self.first + self.len as i64 - 1
    }
}

/// The index sets of `model`. Their sizes may use constants and fixed parameters that have no index set themselves.
/// The second part of the result are the names that they use.
pub(super) fn declare(model: &ast::Model, sources: &Sources, sink: &mut Sink) -> (IndexMap<String, Axis>, Vec<String>) {
    let mut axes = IndexMap::new();
    let lists =
        model.body.iter().filter_map(|item| if let ast::ModelItem::Index(list) = item { Some(list) } else { None });
    let decls: Vec<&ast::IndexDecl> = lists.flatten().collect();
    if decls.is_empty() {
        return (axes, Vec::new());
    }
    // What is wrong with the constants themselves is said when the whole model is declared.
    let scope = Scope::declare_scalars(model, &mut Sink::new());
    let mut resolver = Resolver::new(scope, sources, sink);
    for decl in decls {
        let axis = resolver.axis(decl);
        axes.entry(decl.name.name.clone()).or_insert(axis);
    }
    let used = resolver.scope.names.iter().filter(|(_, e)| e.used.get()).map(|(name, _)| name.to_string()).collect();
    (axes, used)
}

impl Resolver<'_, '_> {
    fn axis(&mut self, decl: &ast::IndexDecl) -> Axis {
        let name = decl.name.name.clone();
        let ends = match &decl.range.to {
            None => self.whole(&decl.range.from, "the size of an index set").map(|n| (1, n)),
            Some(_) => self.ends(&decl.range),
        };
        let (first, len) = match ends.map(|(first, last)| (first, last - first + 1)) {
            Some((first, len)) if (1..=MAX_ELEMENTS as i64).contains(&len) => (first, len as usize),
            Some((_, len)) => {
                let message = match len < 1 {
                    true => format!("the index set `{name}` is empty"),
                    false => format!("the index set `{name}` has {len} elements; at most {MAX_ELEMENTS} are possible"),
                };
                let here = if len < 1 { "no element" } else { "too large" };
                let d = Diagnostic::error(E0902, message, decl.range.span, here);
                self.sink.push(d.help("write its size, as in `index cell = 128`, or a range: `index k = 0..4`"));
                (1, 0)
            }
            None => (1, 0),
        };
        let spacing = decl.spacing.as_ref().map(|expr| {
            let h = self.constant(expr)?;
            if h > 0.0 {
                return Some(h);
            }
            let message = format!("the spacing of `{name}` must be above zero");
            self.sink.push(
                Diagnostic::error(E0902, message, expr.span, "not a distance")
                    .help("give the distance between neighbours: `spacing 0.1`"),
            );
            None
        });
        // What is declared over a wrong index set stays silent.
        let len = if spacing == Some(None) { 0 } else { len };
        let spacing = spacing.flatten();
        Axis { name, span: decl.name.span, first, len, periodic: decl.periodic, spacing, used: Cell::new(false) }
    }

    /// The whole number `expr` stands for.
    fn whole(&mut self, expr: &ast::Expr, what: &str) -> Option<i64> {
        let value = self.constant(expr)?;
        if value.fract() == 0.0 && value.abs() <= 1e15 {
            return Some(value as i64);
        }
        let message = format!("{what} is a whole number, not {}", crate::hir::number(value));
        self.sink.push(
            Diagnostic::error(E0904, message, expr.span, "not a whole number")
                .help("write a whole number, or a constant that is one"),
        );
        None
    }

    fn ends(&mut self, range: &ast::Range) -> Option<(i64, i64)> {
        let to = range.to.as_ref()?;
        let (first, last) = (self.whole(&range.from, "the start of a range"), self.whole(to, "the end of a range"));
        Some((first?, last?))
    }

    /// The numbers a loop or a sum runs over: an index set or `first..last`.
    pub(super) fn range(&mut self, range: &ast::Range) -> Option<(i64, usize)> {
        if range.to.is_none() {
            if let ast::ExprKind::Name(name) = &range.from.kind
                && let Some(&Entry { meaning: Meaning::Index(a), .. }) = self.scope.lookup(name)
            {
                let axis = &self.scope.axes[a];
                axis.used.set(true);
                return (axis.len > 0).then_some((axis.first, axis.len));
            }
            if let ast::ExprKind::Name(name) = &range.from.kind
                && self.scope.lookup(name).is_none()
            {
                let names = self.scope.axes.iter().map(|a| a.name.as_str());
                let help = super::suggest::help_of_many(self.sink, "index sets here", name, names);
                let d = Diagnostic::error(E0904, format!("there is no index set `{name}`"), range.span, "unknown")
                    .missing(name.as_str());
                self.sink.push(d.help(help));
                return None;
            }
            let message = "a loop or a sum runs over an index set or a range";
            let d = Diagnostic::error(E0904, message, range.span, "neither");
            self.sink.push(d.help("write the name of an index set, or a range such as `1..10`"));
            return None;
        }
        let (first, last) = self.ends(range)?;
        let len = last - first + 1;
        if (1..=MAX_ELEMENTS as i64).contains(&len) {
            return Some((first, len as usize));
        }
        let message = match len < 1 {
            true => format!("the range from {first} to {last} is empty"),
            false => format!("this range has {len} elements; at most {MAX_ELEMENTS} are possible"),
        };
        self.sink.push(
            Diagnostic::error(E0902, message, range.span, if len < 1 { "no element" } else { "too large" })
                .help("a range goes from its smaller end to its larger one, `1..5`"),
        );
        None
    }

    /// Runs `each` for every number of `range`, which the loop variable stands for meanwhile; ends early at `false`.
    pub(super) fn for_each(
        &mut self,
        variable: &ast::Ident,
        range: &ast::Range,
        mut each: impl FnMut(&mut Self) -> bool,
    ) -> Option<()> {
        if let Some(entry) = self.scope.names.get(variable.name.as_str()) {
            let message = format!("`{}` is declared in this model and cannot be the element of a range", variable.name);
            let d = Diagnostic::error(crate::diagnostics::codes::E0202, message, variable.span, "taken")
                .help("give the element another name: `for k in ...`, `sum(k in ...)`");
            self.sink.push(d.label(entry.span, format!("declared here, as {}", entry.meaning.noun())));
            return None;
        }
        if let Some((_, _, outer)) = self.loops.iter().find(|(name, ..)| *name == variable.name) {
            // Sums of functions have names of their own, behind the one that was written.
            let written = variable.name.split('#').next().unwrap_or_default();
            let message = format!("`{written}` is the element of the range around this one already");
            let d = Diagnostic::error(crate::diagnostics::codes::E0202, message, variable.span, "taken")
                .help("give the element another name: `for k in ...`, `sum(k in ...)`");
            self.sink.push(d.label(*outer, "taken here").help("give one of them another name"));
            return None;
        }
        let (first, len) = self.range(range)?;
        for k in 0..len as i64 {
            self.count(1, range.span)?;
            self.loops.push((variable.name.clone(), first + k, variable.span));
            let go_on = each(self);
            self.loops.pop();
            if !go_on {
                break;
            }
        }
        Some(())
    }

    /// The number a loop variable stands for.
    pub(super) fn loop_value(&self, name: &str) -> Option<i64> {
        self.loops.iter().rev().find(|(n, ..)| n == name).map(|(_, v, _)| *v)
    }

    /// Runs `each` for every position on `axes`, which names of whole families stand at meanwhile; ends early at `false`.
    pub(super) fn at_each(&mut self, axes: &[usize], mut each: impl FnMut(&mut Self) -> bool) {
        let lens: Vec<usize> = axes.iter().map(|&a| self.scope.axes[a].len).collect();
        let total: usize = lens.iter().fold(1, |n, len| n.saturating_mul(*len));
        let before = self.at.clone();
        for flat in 0..total.min(MAX_ELEMENTS * 10) {
            let mut rest = flat;
            for (&axis, &len) in axes.iter().zip(&lens).rev() {
                self.at[axis] = Some(rest % len);
                rest /= len;
            }
            if !each(self) {
                break;
            }
        }
        self.at = before;
    }

    /// Runs `body` with the positions of one element of a family and nothing else.
    pub(super) fn in_slot<T>(&mut self, slot: &Slot, body: impl FnOnce(&mut Self) -> T) -> T {
        let n = self.scope.axes.len();
        let at = std::mem::replace(&mut self.at, vec![None; n]);
        let shift = std::mem::replace(&mut self.shift, vec![0; n]);
        let loops = std::mem::take(&mut self.loops);
        let mut rest = slot.flat;
        for &axis in slot.axes.iter().rev() {
            let len = self.scope.axes[axis].len.max(1);
            self.at[axis] = Some(rest % len);
            rest /= len;
        }
        let result = body(self);
        (self.at, self.shift, self.loops) = (at, shift, loops);
        result
    }
}

impl Scope<'_> {
    /// The index sets `expr` has one value for each element of, in order of mention. `bound` are variables of loops.
    pub(super) fn free_axes(&self, expr: &ast::Expr, bound: &[&str], out: &mut Vec<usize>) {
        self.axes_in(expr, bound, false, out);
    }

    /// Every index set of a name in `expr`, subscripted or not.
    pub(super) fn mentioned_axes(&self, expr: &ast::Expr, out: &mut Vec<usize>) {
        self.axes_in(expr, &[], true, out);
    }

    fn axes_in(&self, expr: &ast::Expr, bound: &[&str], all: bool, out: &mut Vec<usize>) {
        let mut add = |list: &[usize]| {
            for a in list {
                if !out.contains(a) {
                    out.push(*a);
                }
            }
        };
        let axes_of = |name: &str| -> &[usize] {
            if bound.contains(&name) {
                return &[];
            }
            self.names.get(name).map_or(&[], |e| &e.axes)
        };
        match &expr.kind {
            ast::ExprKind::Name(name) => {
                add(axes_of(name));
                if let Some(Entry { meaning: Meaning::Index(a), .. }) = self.names.get(name.as_str())
                    && !bound.contains(&name.as_str())
                {
                    add(&[*a]);
                }
            }
            ast::ExprKind::Subscript { of, at } => {
                match &of.kind {
                    ast::ExprKind::Name(name) => {
                        let axes = axes_of(name);
                        add(axes.get(if all { 0 } else { at.len() }..).unwrap_or_default());
                    }
                    _ => self.axes_in(of, bound, all, out),
                }
                at.iter().for_each(|e| self.axes_in(e, bound, all, out));
            }
            ast::ExprKind::Primed { of, .. } | ast::ExprKind::Field { of, .. } => self.axes_in(of, bound, all, out),
            ast::ExprKind::Call(call) | ast::ExprKind::Hole(call) => {
                call.arguments.iter().for_each(|e| self.axes_in(e, bound, all, out));
            }
            ast::ExprKind::Tuple(list) => list.iter().for_each(|e| self.axes_in(e, bound, all, out)),
            ast::ExprKind::Unary { operand, .. } => self.axes_in(operand, bound, all, out),
            ast::ExprKind::Binary { left, right, .. } => {
                self.axes_in(left, bound, all, out);
                self.axes_in(right, bound, all, out);
            }
            ast::ExprKind::Sum { variable, body, .. } => {
                let inner: Vec<&str> = bound.iter().copied().chain([variable.name.as_str()]).collect();
                self.axes_in(body, &inner, all, out);
            }
            ast::ExprKind::If { condition, then, otherwise } => {
                [condition, then, otherwise].into_iter().for_each(|e| self.axes_in(e, bound, all, out));
            }
            ast::ExprKind::Number { .. } | ast::ExprKind::Measured { .. } | ast::ExprKind::Text(_) => {}
        }
    }
}

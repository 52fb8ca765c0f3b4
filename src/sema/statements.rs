//! Models with index sets in the terms they were written in.

use super::resolve::Resolver;
use super::scope::Meaning;
use crate::base::Idx;
use crate::hir::{HoleId, ParamId, Part, StateId, Statement, Statements};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, ExprKind, ModelItem, UnaryOp};

impl Resolver<'_, '_> {
    /// The statements of `model`; `ids` are the final numbers of the holes.
    pub(super) fn statements(&self, model: &ast::Model, ids: &[Option<HoleId>]) -> Statements {
        let mut out = Statements::default();
        let time =
            model.body.iter().filter_map(|i| if let ModelItem::Time(u) = i { self.written(u.span) } else { None });
        out.declarations.extend(time.map(|unit| format!("time {unit}")));
        for item in &model.body {
            match item {
                ModelItem::Index(list) => list.iter().for_each(|decl| out.declarations.push(self.index_text(decl))),
                ModelItem::Const(list) => {
                    list.iter().for_each(|b| out.declarations.push(format!("const {}", self.binding_text(b))));
                }
                ModelItem::Let(b) => out.declarations.push(format!("let {}", self.binding_text(b))),
                ModelItem::Function(f) => out.declarations.extend(self.function_text(f)),
                ModelItem::Input(list) => {
                    let names: Vec<String> =
                        list.iter().map(|d| family(&d.name, &d.axes) + &self.unit_text(d.unit.as_ref())).collect();
                    let between = list.first().map_or("", |d| d.between.suffix());
                    out.declarations.push(format!("input {}{between}", names.join(", ")));
                }
                ModelItem::Field(field) => {
                    let names: Vec<String> = field.names.iter().map(|d| family(&d.name, &d.axes)).collect();
                    let init = field.init.as_ref().and_then(|e| self.written(e.span));
                    let init = init.map_or_else(String::new, |init| format!(" init {init}"));
                    out.declarations.push(format!("field {} over time{init}", names.join(", ")));
                }
                ModelItem::State(list) => {
                    for decl in list {
                        let Some(entry) = self.scope.names.get(decl.name.name.as_str()) else { continue };
                        let Meaning::State(first) = entry.meaning else { continue };
                        let ids =
                            (0..self.scope.size_of(&entry.axes)).map(|k| StateId::new(first.index() + k)).collect();
                        out.states.push((family(&decl.name, &decl.axes), ids));
                    }
                }
                ModelItem::Param(list) => {
                    for decl in list {
                        let Some(entry) = self.scope.names.get(decl.name.name.as_str()) else { continue };
                        let Meaning::Param(first) = entry.meaning else { continue };
                        let ids =
                            (0..self.scope.size_of(&entry.axes)).map(|k| ParamId::new(first.index() + k)).collect();
                        out.params.push((family(&decl.name, &decl.axes), ids));
                    }
                }
                ModelItem::Hole(b) => {
                    let mut found = Vec::new();
                    self.holes_in(&b.value, 0, ids, &mut found);
                    found.sort_by_key(|(span, _)| span.start);
                    let right = vec![(false, self.parts(b.value.span, &found))];
                    let left = family(&b.name, &b.axes) + &self.unit_text(b.unit.as_ref());
                    out.holes.push(Statement { loops: Vec::new(), left, right });
                }
                ModelItem::Time(_)
                | ModelItem::Step(_)
                | ModelItem::Equation(_)
                | ModelItem::For(_)
                | ModelItem::Initial(_)
                | ModelItem::Final(_)
                | ModelItem::Boundary(_) => {}
            }
        }
        self.equations_of(&model.body, &mut Vec::new(), ids, &mut out.equations);
        out
    }

    fn index_text(&self, decl: &ast::IndexDecl) -> String {
        let mut text = format!("index {} = {}", decl.name.name, self.written(decl.range.span).unwrap_or_default());
        if decl.periodic {
            text.push_str(" periodic");
        }
        if let Some(spacing) = decl.spacing.as_ref().and_then(|e| self.written(e.span)) {
            text.push_str(&format!(" spacing {spacing}"));
        }
        text
    }

    fn binding_text(&self, b: &ast::Binding) -> String {
        let unit = self.unit_text(b.unit.as_ref());
        format!("{}{unit} = {}", family(&b.name, &b.axes), self.written(b.value.span).unwrap_or_default())
    }

    /// ` [m/s]`, or nothing.
    fn unit_text(&self, unit: Option<&ast::UnitExpr>) -> String {
        unit.and_then(|u| self.written(u.span)).map_or(String::new(), |text| format!(" {text}"))
    }

    fn equations_of(
        &self,
        body: &[ModelItem],
        loops: &mut Vec<String>,
        ids: &[Option<HoleId>],
        out: &mut Vec<Statement>,
    ) {
        for item in body {
            match item {
                ModelItem::For(f) => {
                    let range = self.written(f.range.span).unwrap_or_default();
                    loops.push(format!("{} in {range}", f.variable.name));
                    self.equations_of(&f.body, loops, ids, out);
                    loops.pop();
                }
                ModelItem::Equation(eq) => {
                    let lefts = super::equations::left_sides(&eq.left);
                    for (k, left) in lefts.iter().enumerate() {
                        let right = match &eq.right.kind {
                            ExprKind::Tuple(list) if lefts.len() > 1 => list.get(k).unwrap_or(&eq.right),
                            _ => &eq.right,
                        };
                        let mut left_text = self.written(left.span).unwrap_or_default();
                        if let ExprKind::Primed { of, primes } = &left.kind {
                            // The element of a primed tuple has no primes of its own in the text.
                            left_text = self.written(of.span).unwrap_or_default() + &"'".repeat(*primes as usize);
                        }
                        let mut right_parts = Vec::new();
                        self.summands(right, false, k, ids, &mut right_parts);
                        out.push(Statement { loops: loops.clone(), left: left_text, right: right_parts });
                    }
                }
                _ => {}
            }
        }
    }

    fn summands(
        &self,
        expr: &ast::Expr,
        negative: bool,
        tuple: usize,
        ids: &[Option<HoleId>],
        out: &mut Vec<(bool, Vec<Part>)>,
    ) {
        match &expr.kind {
            ExprKind::Binary { op: op @ (BinaryOp::Add | BinaryOp::Subtract), left, right } => {
                self.summands(left, negative, tuple, ids, out);
                self.summands(right, negative != (*op == BinaryOp::Subtract), tuple, ids, out);
            }
            ExprKind::Unary { op: op @ (UnaryOp::Negate | UnaryOp::Plus), operand } => {
                self.summands(operand, negative != (*op == UnaryOp::Negate), tuple, ids, out);
            }
            _ => {
                let mut holes = Vec::new();
                self.holes_in(expr, tuple, ids, &mut holes);
                holes.sort_by_key(|(span, _)| span.start);
                out.push((negative, self.parts(expr.span, &holes)));
            }
        }
    }

    /// The text at `span` with holes taken out of it.
    fn parts(&self, span: Span, holes: &[(Span, Part)]) -> Vec<Part> {
        let text = |from: u32, to: u32| self.written(Span { start: from, end: to, ..span }).unwrap_or_default();
        let mut parts = Vec::new();
        let mut at = span.start;
        for (place, hole) in holes {
            parts.push(Part::Text(text(at, place.start)));
            parts.push(hole.clone());
            at = place.end;
        }
        parts.push(Part::Text(text(at, span.end)));
        parts.retain(|p| !matches!(p, Part::Text(t) if t.is_empty()));
        parts
    }

    /// The holes of `expr` with their places.
    fn holes_in(&self, expr: &ast::Expr, tuple: usize, ids: &[Option<HoleId>], out: &mut Vec<(Span, Part)>) {
        let id = |span: Span| self.hole_at_place.get(&(span, tuple)).and_then(|&h| ids.get(h).copied().flatten());
        let part = match &expr.kind {
            ExprKind::Hole(call) if call.function.name == "ratio" => match call.arguments.as_slice() {
                [above, below, ..] => id(above.span).zip(id(below.span)).map(|(a, b)| Part::Ratio(a, b)),
                _ => None,
            },
            ExprKind::Hole(_) => id(expr.span).map(Part::Hole),
            _ => return super::functions::each_part(expr, &mut |part| self.holes_in(part, tuple, ids, out)),
        };
        out.extend(part.map(|part| (expr.span, part)));
    }
}

/// `q[body, axis]`
fn family(name: &ast::Ident, axes: &[ast::Ident]) -> String {
    let axes: Vec<&str> = axes.iter().map(|a| a.name.as_str()).collect();
    if axes.is_empty() { name.name.clone() } else { format!("{}[{}]", name.name, axes.join(", ")) }
}

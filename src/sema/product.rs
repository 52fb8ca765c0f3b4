//! A product in normal form: a number times powers of distinct factors.

use super::fold::{self, Folded};
use crate::base::{Idx, Real};
use crate::hir::{BinaryOp, Expr, ExprKind, StateId, UnaryFn, UnknownId};
use crate::source::Span;

/// `scale * factor^n * ...`
#[derive(Clone, Debug)]
pub(super) struct Product {
    /// The number in front.
    pub(super) scale: f64,
    /// What is multiplied, each with a power other than zero: unknowns first, then states, inputs, the time, and
    /// anything else in the order written.
    pub(super) factors: Vec<(Expr, i32)>,
    /// Where it comes from.
    pub(super) span: Span,
}

impl Product {
    /// The empty product.
    pub(super) fn one(span: Span) -> Self {
        Product { scale: 1.0, factors: Vec::new(), span }
    }

    /// The multiplicative structure of `expr`. Sums are left alone: each is one factor.
    pub(super) fn flatten(expr: &Expr) -> Self {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Number(v) => Product { scale: *v, ..Product::one(span) },
            ExprKind::Unary(UnaryFn::Neg, a) => Product::flatten(a).scaled(-1.0).at(span),
            ExprKind::Binary(BinaryOp::Mul, a, b) => Product::flatten(a).times(&Product::flatten(b)).at(span),
            ExprKind::Binary(BinaryOp::Div, a, b) => match Product::flatten(b).power(-1) {
                Some(inverse) => Product::flatten(a).times(&inverse).at(span),
                None => Product::atom(expr),
            },
            ExprKind::Powi(a, n) => match Product::flatten(a).power(*n) {
                Some(power) => power.at(span),
                None => Product::atom(expr),
            },
            _ => Product::atom(expr),
        }
    }

    /// The product of both.
    pub(super) fn times(&self, other: &Product) -> Product {
        let mut out = self.clone();
        out.scale *= other.scale;
        for (base, power) in &other.factors {
            out.insert(base, *power);
        }
        out
    }

    /// The product times a number.
    pub(super) fn scaled(mut self, by: f64) -> Product {
        self.scale *= by;
        self
    }

    /// The state if this is a single bare state (or derivative) times something else, with the rest.
    pub(super) fn split_state(&self) -> Option<(StateId, u8, Product)> {
        let position = self.factors.iter().position(|(e, n)| *n == 1 && matches!(e.kind, ExprKind::State(..)))?;
        let mut rest = self.clone();
        let (base, _) = rest.factors.remove(position);
        match base.kind {
            ExprKind::State(s, d) if rest.factors.iter().all(|(e, _)| !e.has_state()) => Some((s, d, rest)),
            _ => None,
        }
    }

    /// The product without the bare factor `unknown`.
    pub(super) fn without(mut self, unknown: UnknownId) -> Product {
        self.factors.retain(|(e, n)| !(*n == 1 && matches!(e.kind, ExprKind::Unknown(u) if u == unknown)));
        self
    }

    /// A text that exactly the products share that are equal up to the number in front.
    pub(super) fn key(&self) -> String {
        let mut parts: Vec<String> = Vec::with_capacity(self.factors.len());
        for (base, power) in &self.factors {
            let mut part = String::new();
            write_key(base, &mut part);
            parts.push(format!("{part}^{power}"));
        }
        parts.sort();
        parts.join("*")
    }

    /// Declaration order of the first factor: what monomials are sorted by.
    pub(super) fn rank(&self) -> (u8, usize, u8) {
        self.factors.first().map_or((u8::MAX, 0, 0), |(e, _)| rank(e))
    }

    /// The product as an expression.
    pub(super) fn to_expr(&self) -> Folded {
        let span = self.span;
        let mut above = Vec::new();
        let mut below = Vec::new();
        for (base, power) in &self.factors {
            let factor = fold::whole_power(base.clone(), power.saturating_abs(), span)?;
            if *power > 0 { above.push(factor) } else { below.push(factor) }
        }
        let negative = self.scale == -1.0 && !above.is_empty();
        if (self.scale != 1.0 && !negative) || above.is_empty() {
            if !self.scale.is_finite() {
                return Err(fold::Fault { message: "the value is too large for a number".to_string(), span });
            }
            above.insert(0, Expr::number(self.scale, span));
        }
        let top = fold::product(above, span)?;
        let value = match below.is_empty() {
            true => top,
            false => fold::binary(BinaryOp::Div, top, fold::product(below, span)?, span)?,
        };
        if negative { fold::unary(UnaryFn::Neg, value, span) } else { Ok(value) }
    }

    /// How many factors it has, each counted with its size: what expansion may make too many of.
    pub(super) fn weight(&self) -> usize {
        self.factors.iter().map(|(e, _)| e.size() + 1).sum::<usize>() + 1
    }

    fn atom(expr: &Expr) -> Product {
        Product { scale: 1.0, factors: vec![(expr.clone(), 1)], span: expr.span }
    }

    fn at(mut self, span: Span) -> Product {
        self.span = span;
        self
    }

    /// The power `n`; `None` when an exponent or the number in front leaves its range.
    fn power(mut self, n: i32) -> Option<Product> {
        self.scale = Real::powi(self.scale, n);
        if !self.scale.is_finite() || self.scale == 0.0 {
            return None;
        }
        for (_, power) in &mut self.factors {
            *power = power.checked_mul(n).filter(|p| p.abs() <= 1 << 16)?;
        }
        // Distributing a power over a sum of signs would hide |a|: (a^2)^(1/2) never gets here, whole powers are safe.
        self.factors.retain(|(_, power)| *power != 0);
        Some(self)
    }

    /// Multiplies by `base^power`, keeping the order. Powers of opposite sign are not cancelled: x/x has no value at 0.
    fn insert(&mut self, base: &Expr, power: i32) {
        let same = self.factors.iter_mut().find(|(e, n)| n.signum() == power.signum() && alike(e, base));
        if let Some((_, n)) = same
            && let Some(total) = n.checked_add(power)
        {
            *n = total;
            return;
        }
        let place = rank(base);
        let at = self.factors.partition_point(|(e, _)| rank(e) <= place);
        self.factors.insert(at, (base.clone(), power));
    }
}

/// Whether two expressions are the same, wherever they stand.
pub(super) fn alike(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::Unary(f, a), ExprKind::Unary(g, b)) => f == g && alike(a, b),
        (ExprKind::Binary(f, a, b), ExprKind::Binary(g, c, d)) => f == g && alike(a, c) && alike(b, d),
        (ExprKind::Powi(a, n), ExprKind::Powi(b, m)) => n == m && alike(a, b),
        (ExprKind::Select(f, a), ExprKind::Select(g, b)) => f == g && a.iter().zip(b.iter()).all(|(a, b)| alike(a, b)),
        (a, b) => a == b,
    }
}

/// The expression in prefix form, with numbers in place of names: two holes of an equation may spell theirs alike.
fn write_key(expr: &Expr, out: &mut String) {
    let head = match &expr.kind {
        ExprKind::Number(v) => format!("{v:e}"),
        ExprKind::Time => "t".to_string(),
        ExprKind::State(s, d) => format!("s{}.{d}", s.index()),
        ExprKind::Input(i) => format!("i{}", i.index()),
        ExprKind::Unknown(u) => format!("u{}", u.index()),
        ExprKind::Unary(f, _) => f.name().to_string(),
        ExprKind::Binary(op, _, _) => op.name().to_string(),
        ExprKind::Powi(_, n) => format!("^{n}"),
        ExprKind::Select(compare, _) => compare.name().to_string(),
    };
    out.push_str(&head);
    out.push(' ');
    expr.operands().for_each(|e| write_key(e, out));
}

/// Bare names in declaration order before everything else, which keeps the order written.
fn rank(expr: &Expr) -> (u8, usize, u8) {
    match expr.kind {
        ExprKind::Unknown(u) => (0, u.index(), 0),
        ExprKind::State(s, d) => (1, s.index(), d),
        ExprKind::Input(i) => (2, i.index(), 0),
        ExprKind::Time => (3, 0, 0),
        _ => (4, 0, 0),
    }
}

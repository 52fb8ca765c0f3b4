//! Which equations are solved together, with which matrix and which right-hand sides.

use crate::base::{Idx, IndexMap};
use crate::hir::{Equation, Expr, ExprKind, Fit, Model, StartSource, StateId, UnknownId};

/// How the equations of a model are solved.
#[derive(Clone, Debug)]
pub(super) struct Plan<'a> {
    /// Components with the same matrix.
    pub groups: Vec<Group<'a>>,
    /// Unknowns that enter linearly, in order.
    pub coefficients: Vec<UnknownId>,
    /// Unknowns that enter nonlinearly, in order.
    pub parameters: Vec<UnknownId>,
}

/// Components whose linear parts are the same.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    /// Nonzero coefficients of the linear part: row, column (states of a member, by position), derivative.
    pub matrix: IndexMap<(usize, usize, u8), Vec<&'a Expr>>,
    /// Highest order among the states of a member.
    pub order: u8,
    /// States of a member.
    pub size: usize,
    /// The components.
    pub members: Vec<Member<'a>>,
    /// Distinct factors of unknowns: the row they stand in and the expression.
    pub sources: Vec<(usize, &'a Expr)>,
}

/// States coupled by the linear parts of their equations.
#[derive(Clone, Debug)]
pub(super) struct Member<'a> {
    /// The states, by declaration.
    pub states: Vec<StateId>,
    /// Per state the part of its equation that is known.
    pub known: Vec<Option<&'a Expr>>,
    /// Unknowns with the source each multiplies.
    pub unknowns: Vec<(UnknownId, usize)>,
}

impl<'a> Plan<'a> {
    /// Splits a model into components and groups them.
    pub fn new(model: &'a Model) -> Self {
        let mut groups: Vec<Group<'a>> = Vec::new();
        for states in components(model) {
            let equations: Vec<&Equation> =
                states.iter().filter_map(|s| model.equations.iter().find(|e| e.state == *s)).collect();
            let matrix = matrix(&states, &equations);
            let order = states.iter().map(|&s| model.states[s].order).max().unwrap_or(1);
            let at = groups
                .iter()
                .position(|g| g.size == states.len() && g.order == order && same_matrix(&g.matrix, &matrix));
            let at = at.unwrap_or_else(|| {
                let size = states.len();
                groups.push(Group { matrix, order, size, members: Vec::new(), sources: Vec::new() });
                groups.len() - 1
            });
            groups[at].join(states, &equations);
        }
        let linear =
            |wanted: bool| model.unknowns.iter().filter(move |(_, u)| u.linear == wanted).map(|(id, _)| id).collect();
        Plan { groups, coefficients: linear(true), parameters: linear(false) }
    }

    /// Every expression that is evaluated at the steps of a window.
    pub fn expressions(&self) -> impl Iterator<Item = &'a Expr> {
        self.groups.iter().flat_map(|g| {
            let known = g.members.iter().flat_map(|m| m.known.iter().flatten().copied());
            let sources = g.sources.iter().map(|(_, e)| *e);
            g.matrix.values().flatten().copied().chain(known).chain(sources)
        })
    }
}

impl Group<'_> {
    /// Steps with initial values where the model does not take them from the data.
    pub const START: usize = 1;
    /// Whether there are central rows.
    pub const CENTRAL: bool = false;
    /// Weights of the equation, initial and smoothness rows.
    pub const WEIGHTS: [f64; 3] = [1.0, 1.0, 1.0];
}

impl Group<'_> {
    /// First steps with initial values, and how many derivatives are given at each of them. Values from the data are those of the
    /// states alone, at as many steps as the model says.
    /// None where the fit leaves the start to the solve.
    pub fn given(&self, model: &Model, fit: Option<&Fit>) -> (usize, usize) {
        if fit.is_some_and(|fit| fit.start == StartSource::Free) {
            return (0, self.order.into());
        }
        match model.boundary.starts.first().filter(|s| !s.last) {
            Some(start) => (start.steps, 1),
            None => (Self::START, self.order.into()),
        }
    }
}

impl<'a> Group<'a> {
    fn join(&mut self, states: Vec<StateId>, equations: &[&'a Equation]) {
        let mut unknowns = Vec::new();
        for (row, equation) in equations.iter().enumerate() {
            for term in &equation.unknowns {
                let known = self.sources.iter().position(|(r, e)| *r == row && same(e, &term.factor));
                let source = known.unwrap_or_else(|| {
                    self.sources.push((row, &term.factor));
                    self.sources.len() - 1
                });
                unknowns.push((term.unknown, source));
            }
        }
        let known = equations.iter().map(|e| e.known.as_ref()).collect();
        self.members.push(Member { states, known, unknowns });
    }

    /// For every member, source and coefficient, how often the coefficient multiplies the source.
    pub fn selection(&self, coefficients: &[UnknownId]) -> Vec<f64> {
        let (sources, width) = (self.sources.len(), coefficients.len());
        let mut s = vec![0.0; self.members.len() * sources * width];
        for (m, member) in self.members.iter().enumerate() {
            for &(unknown, source) in &member.unknowns {
                if let Some(k) = coefficients.iter().position(|&c| c == unknown) {
                    s[(m * sources + source) * width + k] += 1.0;
                }
            }
        }
        s
    }
}

/// States that the linear parts couple, each component in order of declaration.
fn components(model: &Model) -> Vec<Vec<StateId>> {
    let mut label: Vec<usize> = (0..model.states.len()).collect();
    for equation in &model.equations {
        for term in &equation.linear {
            let (a, b) = (label[equation.state.index()], label[term.state.index()]);
            let (low, high) = (a.min(b), a.max(b));
            label.iter_mut().filter(|l| **l == high).for_each(|l| *l = low);
        }
    }
    let mut parts: IndexMap<usize, Vec<StateId>> = IndexMap::new();
    for id in model.states.ids() {
        parts.entry(label[id.index()]).or_default().push(id);
    }
    parts.into_values().collect()
}

fn matrix<'a>(states: &[StateId], equations: &[&'a Equation]) -> IndexMap<(usize, usize, u8), Vec<&'a Expr>> {
    let mut entries: IndexMap<(usize, usize, u8), Vec<&'a Expr>> = IndexMap::new();
    for (row, equation) in equations.iter().enumerate() {
        for term in &equation.linear {
            if let Some(column) = states.iter().position(|&s| s == term.state) {
                entries.entry((row, column, term.derivative)).or_default().push(&term.coefficient);
            }
        }
    }
    entries
}

fn same_matrix(a: &IndexMap<(usize, usize, u8), Vec<&Expr>>, b: &IndexMap<(usize, usize, u8), Vec<&Expr>>) -> bool {
    a.len() == b.len()
        && a.iter()
            .all(|(key, x)| b.get(key).is_some_and(|y| x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y))))
}

/// Whether two expressions are the same wherever they were written.
pub(super) fn same(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::Unary(f, x), ExprKind::Unary(g, y)) => f == g && same(x, y),
        (ExprKind::Binary(f, x, y), ExprKind::Binary(g, z, w)) => f == g && same(x, z) && same(y, w),
        (ExprKind::Powi(x, n), ExprKind::Powi(y, m)) => n == m && same(x, y),
        (ExprKind::Select(f, a), ExprKind::Select(g, b)) => f == g && a.iter().zip(b.iter()).all(|(x, y)| same(x, y)),
        (x, y) => x == y,
    }
}

//! Which equations are solved together, with which matrix and which right-hand sides.

use crate::base::{Idx, IndexMap};
use crate::hir::{Equation, Expr, ExprKind, Fit, InputId, Model, StartSource, StateId, UnknownId};

/// Nonzero coefficients of the linear part: row, column (states of a member, by position), derivative.
pub(super) type Matrix<'a> = IndexMap<(usize, usize, u8), Vec<&'a Expr>>;

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

/// Components whose linear parts are the same, or alike but for the fields in them.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    /// The linear part, of the first member where they differ.
    pub matrix: Matrix<'a>,
    /// Highest order among the states of a member.
    pub order: u8,
    /// States of a member.
    pub size: usize,
    /// The components.
    pub members: Vec<Member<'a>>,
    /// Distinct factors of unknowns: the row they stand in and the expression.
    pub sources: Vec<(usize, &'a Expr)>,
    /// The fields of the matrix, in whose place each member has its own; none where all members share the matrix.
    pub fields: Vec<InputId>,
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
    /// What it has in place of the group's fields.
    pub fields: Vec<InputId>,
}

impl<'a> Plan<'a> {
    /// Splits a model into components and groups them. Components that differ in the fields of their matrices alone are solved together
    /// where networks give these in `fit`: then every window has a matrix of its own for each anyway.
    pub fn new(model: &'a Model, fit: Option<&Fit>) -> Self {
        let given = |i: InputId| fit.is_some_and(|fit| fit.fields.iter().any(|f| f.input == i));
        let mut groups: Vec<Group<'a>> = Vec::new();
        for states in components(model) {
            let equations: Vec<&Equation> =
                states.iter().filter_map(|s| model.equations.iter().find(|e| e.state == *s)).collect();
            let matrix = matrix(&states, &equations);
            let order = states.iter().map(|&s| model.states[s].order).max().unwrap_or(1);
            let of_size = |g: &Group| g.size == states.len() && g.order == order;
            let shared = |g: &Group| g.fields.is_empty() && alike_matrix(&g.matrix, &matrix, &mut |i, j| i == j);
            if let Some(group) = groups.iter_mut().find(|g| of_size(g) && shared(g)) {
                group.join(states, &equations);
                continue;
            }
            let known = equations.iter().all(|e| e.unknowns.is_empty());
            let free = groups.iter_mut().filter(|g| known && of_size(g) && g.sources.is_empty());
            let mut alike = free.filter_map(|g| own_fields(&g.matrix, &matrix, &given).map(|pairs| (g, pairs)));
            if let Some((group, pairs)) = alike.next() {
                group.join_with(states, &equations, &pairs);
                continue;
            }
            let size = states.len();
            let mut group = Group { matrix, order, size, members: Vec::new(), sources: Vec::new(), fields: Vec::new() };
            group.join(states, &equations);
            groups.push(group);
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
        self.members.push(Member { states, known, unknowns, fields: Vec::new() });
    }

    /// As [`Group::join`], with other fields in place of those of the matrix.
    fn join_with(&mut self, states: Vec<StateId>, equations: &[&'a Equation], pairs: &[(InputId, InputId)]) {
        if self.fields.is_empty() {
            self.fields = pairs.iter().map(|(of_group, _)| *of_group).collect();
            self.members.iter_mut().for_each(|m| m.fields.clone_from(&self.fields));
        }
        self.join(states, equations);
        if let Some(member) = self.members.last_mut() {
            member.fields = pairs.iter().map(|(_, own)| *own).collect();
        }
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

fn matrix<'a>(states: &[StateId], equations: &[&'a Equation]) -> Matrix<'a> {
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

/// Whether two inputs may stand in the same place.
type Leaf<'f> = &'f mut dyn FnMut(InputId, InputId) -> bool;

fn alike_matrix(a: &Matrix<'_>, b: &Matrix<'_>, leaf: Leaf<'_>) -> bool {
    let mut entry = |x: &[&Expr], y: &[&Expr]| x.len() == y.len() && x.iter().zip(y).all(|(x, y)| alike(x, y, leaf));
    a.len() == b.len() && a.iter().all(|(key, x)| b.get(key).is_some_and(|y| entry(x, y)))
}

/// The fields of one matrix with those in their places in another, where both differ in fields alone that are `given`.
fn own_fields(a: &Matrix<'_>, b: &Matrix<'_>, given: &dyn Fn(InputId) -> bool) -> Option<Vec<(InputId, InputId)>> {
    let mut pairs: Vec<(InputId, InputId)> = Vec::new();
    let mut leaf = |i: InputId, j: InputId| match pairs.iter().find(|(of, _)| *of == i) {
        Some((_, own)) => *own == j,
        None if given(i) && given(j) => {
            pairs.push((i, j));
            true
        }
        None => i == j,
    };
    let found = alike_matrix(a, b, &mut leaf);
    (found && !pairs.is_empty()).then_some(pairs)
}

/// Whether two expressions are the same wherever they were written.
pub(super) fn same(a: &Expr, b: &Expr) -> bool {
    alike(a, b, &mut |i, j| i == j)
}

/// Whether two expressions are the same but for inputs that may stand in the same place.
fn alike(a: &Expr, b: &Expr, leaf: Leaf<'_>) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::Input(i), ExprKind::Input(j)) => leaf(*i, *j),
        (ExprKind::Unary(f, x), ExprKind::Unary(g, y)) => f == g && alike(x, y, leaf),
        (ExprKind::Binary(f, x, y), ExprKind::Binary(g, z, w)) => f == g && alike(x, z, leaf) && alike(y, w, leaf),
        (ExprKind::Powi(x, n), ExprKind::Powi(y, m)) => n == m && alike(x, y, leaf),
        (ExprKind::Select(f, a), ExprKind::Select(g, b)) => {
            f == g && a.iter().zip(b.iter()).all(|(x, y)| alike(x, y, leaf))
        }
        (x, y) => x == y,
    }
}

//! The slack: one more unknown `eps` in all rows between time steps, with the coefficient 1 in each of them (arXiv 2402.13077).
//!
//! With `N` the normal matrix of the other unknowns, `w` the sum of the rows' coefficients (times their squared weight) and `c` that of
//! their squared weights, a solution of all of it for the right-hand sides `g` and, of the slack, `p` is, by the Schur complement,
//! `eps = (p - y g) / (c - w y)` and `x = N^-1 g - eps y` with `y = N^-1 w`: `y` and the pivot `c - w y` are made once, with the factor,
//! and a solve has one more sum and one more vector to read. `y g` is summed while `g` is made, before the substitution.

use super::super::generate::{Draft, Generator, Parameter, status};
use super::super::prelude::TREE;
use super::super::text;
use super::solve::Right;
use super::{Solve, gradients, substitute};
use crate::artifact::Size;
use crate::artifact::device::{Count, DeviceFailure, Memory};
use crate::base::Elem;

/// What solves with a slack need beside the factor.
#[derive(Clone, Copy)]
pub(super) struct Slack {
    /// `y` of each matrix.
    border: Memory,
    /// `c - w y` of each matrix.
    pivots: Memory,
}

impl Slack {
    /// Keeps both for another step.
    pub fn keep(self, generator: &mut Generator<'_>) {
        generator.keep(self.border);
        generator.keep(self.pivots);
    }

    /// Both as parameters.
    pub fn parameters(self, generator: &Generator<'_>) -> [Parameter; 2] {
        [generator.memory(self.border, "border", false), generator.memory(self.pivots, "pivots", false)]
    }
}

/// Writes the kernel that makes [`Slack`] from a factor, where there is a slack.
pub(super) fn write(generator: &mut Generator<'_>, solve: &Solve<'_>, factor: Memory) -> Option<Slack> {
    solve.s.slack?;
    let solve = Solve { right: Right::Slack, ..*solve };
    let each = solve.s.time.times(&Size::constant(solve.block() as u64));
    let border = generator.scratch(solve.high, Count::of(solve.matrices().times(&each)));
    let pivots = generator.scratch(solve.high, Count::of(solve.matrices()));
    let mut list = substitute::arrays(&solve);
    list.extend(shares(&solve));
    let (arrays, each) = solve.arrays(&list);
    let high = solve.high();
    let body = format!(
        r"{head}{scale}{arrays}  {high} taken = 0;
{forward}{backward}  {high} pivot = -taken;
{summed}  pivot += ws * D * ({high})({rows});
  if (lane == 0) {{
    pivots[system] = pivot;
    if (!(pivot > 0 && pivot < {one} / {nought})) atomicMin(status, system * steps);
  }}
",
        head = solve.head(),
        scale = solve.scale(),
        forward = substitute::forward(&solve),
        backward = substitute::backward(&solve, ""),
        summed = summed(&solve, "pivot"),
        rows = rows(&solve),
        one = text::number(1.0, solve.high),
        nought = text::number(0.0, solve.high),
    );
    let mut parameters = vec![solve.operand(generator, 3, "h")];
    parameters.push(generator.memory(factor, "factor", false));
    parameters.push(generator.memory(border, "border", true));
    parameters.push(generator.memory(pivots, "pivots", true));
    parameters.extend(solve.work(generator, solve.matrices(), each));
    parameters.extend(solve.sizes(solve.matrices(), false));
    parameters.push(status(generator.check(DeviceFailure::Undetermined, solve.s.time.clone())));
    let names = ("slack", "the slack's column, solved for");
    solve.launch(generator, names, solve.matrices(), parameters, body);
    Some(Slack { border, pivots })
}

/// The rows that the slack is in, of one state.
fn rows(solve: &Solve<'_>) -> &'static str {
    if solve.s.central { "(steps - 1) * R + (steps > 2 ? steps - 2 : 0)" } else { "(steps - 1) * R" }
}

/// The lanes' parts of a sum, where there are several.
pub(super) fn shares(solve: &Solve<'_>) -> Option<(&'static str, Elem, usize)> {
    (solve.s.slack.is_some() && solve.lanes > 1).then_some(("shares", solve.high, solve.lanes as usize))
}

/// The sum of all lanes' `name`, in order, into each lane's.
fn summed(solve: &Solve<'_>, name: &str) -> String {
    if solve.lanes == 1 {
        return String::new();
    }
    let sync = solve.sync();
    format!(
        "    shares[lane] = {name};\n    {sync}\n    {name} = 0;\n    for (int l = 0; l < LANES; ++l) {name} += shares[l];\n"
    )
}

/// Element `i` of `y` at step `t`.
fn border(solve: &Solve<'_>) -> String {
    if solve.shared { "border[t * N + i]".to_string() } else { solve.vector("border", "t", "i") }
}

/// The right-hand side of the column `w`: the sum of the coefficients of unknown `i` of step `t`.
pub(super) fn column(solve: &Solve<'_>) -> String {
    let (low, tag) = (solve.low(), &solve.rows.tag);
    let central = if solve.s.central {
        let [previous, here, following] = ["previous", "here", "following"].map(|name| solve.around(name, "i / K"));
        format!(
            r"
        if (i % K == K - 2) column += (t >= 2 ? {previous}[2] : 0) + (t + 2 < steps ? {following}[0] : 0);
        if (i % K == K - 1 && t >= 1 && t + 1 < steps) column += {here}[1];"
        )
    } else {
        String::new()
    };
    format!(
        r"        {high} column = 0;
        if (t + 1 < steps) column += at_sum_{tag}[i % K];
        if (t > 0) column += next_sum_{tag}[i % K]{before};{central}
        {low} sum = ws * column;
",
        high = solve.high(),
        before = solve.by_steps(&solve.unit("before", "i", "i % K")),
    )
}

/// Before the passes of a solve.
pub(super) fn before(solve: &Solve<'_>) -> String {
    if solve.s.slack.is_none() {
        return String::new();
    }
    format!("  {} eps = 0;\n", solve.high())
}

/// At the beginning of a pass.
pub(super) fn begun(solve: &Solve<'_>) -> String {
    if solve.s.slack.is_none() {
        return String::new();
    }
    format!("    {} missed = 0, along = 0;\n", solve.high())
}

/// Between both halves of a substitution: by how much the slack changes.
pub(super) fn between(solve: &Solve<'_>) -> String {
    let Some(push) = solve.s.slack else { return String::new() };
    let push = if solve.s.adjoint.is_some() { 0.0 } else { push };
    format!(
        r"    {high} by = ws * missed - along;
{summed}    by = (by + {push}) / pivots[{system}];
    eps += by;
",
        high = solve.high(),
        summed = summed(solve, "by"),
        push = text::number(push, solve.high),
        system = if solve.shared { "0" } else { "system" },
    )
}

/// The sum of `y g`, where `whole` is an element of `g`.
pub(super) fn taken(solve: &Solve<'_>) -> String {
    if solve.s.slack.is_none() {
        return String::new();
    }
    format!("        along += {} * whole;\n", border(solve))
}

/// What a row's residual is less by.
pub(super) fn less(solve: &Solve<'_>) -> &'static str {
    if solve.s.slack.is_some() { " - eps" } else { "" }
}

/// Residuals of the rows to the next step with the slack, and their sum.
pub(super) fn missed_by_ties(solve: &Solve<'_>) -> String {
    if solve.s.slack.is_none() {
        return String::new();
    }
    format!("\n{}            for (int i = 0; i < R; ++i) tie[i] -= eps, missed += tie[i];", solve.unroll())
}

/// The residual of the central row around a step in the sum.
pub(super) fn missed_by_central(solve: &Solve<'_>, residual: &str) -> String {
    if solve.s.slack.is_none() {
        return String::new();
    }
    format!("\n          if (t >= 1 && t + 1 < steps) missed += {residual};")
}

/// The solution of the whole system from that of the other unknowns: `y` here is the array of a substitution.
pub(super) fn bordered(solve: &Solve<'_>) -> String {
    if solve.s.slack.is_none() || solve.right == Right::Slack {
        return String::new();
    }
    format!("\n        y[i] -= by * {};", border(solve))
}

/// Writes the kernel for the slacks of each system's solution and of its adjoint, for gradients: they are such that the rows' residuals
/// vanish in the sum, but for the push. `scaled` is the adjoint solution.
pub(super) fn of_solutions(generator: &mut Generator<'_>, solve: &Solve<'_>, scaled: Memory) -> Option<Memory> {
    let push = solve.s.slack?;
    let s = solve.s;
    let memory = generator.scratch(Elem::F64, Count::of(s.batch.times(&Size::constant(2))));
    let central = if s.central {
        let [of_u, of_z] = gradients::central_rows(solve);
        format!("      if (t > 0) of_u -= {of_u}, of_z -= {of_z};\n")
    } else {
        String::new()
    };
    let body = format!(
        r"  __shared__ double shared[{TREE}];
{constants}  const word system = blockIdx.x;
{scale}  double of_u = 0, of_z = 0;
  for (word t = threadIdx.x; t + 1 < steps; t += {TREE}) {{
{at_step}#pragma unroll 1
    for (int d = 0; d < D; ++d) {{
{residuals}      for (int i = 0; i < R; ++i) of_u += r[i], of_z += q[i];
{central}    }}
  }}
  const double total_u = tree_sum(of_u, shared);
  __syncthreads();
  const double total_z = tree_sum(of_z, shared);
  const double rows = (double)D * ({rows});
  if (threadIdx.x == 0) slacks[2 * system] = (total_u + {push} / ws) / rows, slacks[2 * system + 1] = total_z / rows;
",
        constants = solve.constants(),
        scale = solve.scale(),
        at_step = solve.scale_at_step(),
        residuals = text::further_in(&gradients::residuals(solve)),
        rows = rows(solve),
        push = text::number(push, Elem::F64),
    );
    let mut parameters = vec![solve.operand(generator, 3, "h")];
    parameters.push(generator.memory(Memory::Buffer(s.solution), "u", false));
    parameters.push(generator.memory(scaled, "v", false));
    parameters.push(generator.memory(memory, "slacks", true));
    parameters.extend(solve.sizes(s.batch.clone(), false));
    generator.launch(Draft {
        suffix: format!("slacks{}", generator.origin),
        note: solve.describe("slacks of a solution and its adjoint"),
        block: TREE,
        resident: Some(solve.resident_gradients(TREE)),
        barriers: true,
        unrolled: false,
        parameters,
        threads: Count::of(s.batch.clone()).times(Size::constant(u64::from(TREE)), u64::MAX),
        body,
    });
    Some(memory)
}

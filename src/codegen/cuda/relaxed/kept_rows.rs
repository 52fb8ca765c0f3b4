//! Residuals of rows that are kept from pass to pass, where time is cut.
//!
//! Gradients are made of residuals, which over thousands of steps are a hundred millionth of the terms that they are differences of, so that a solution that is rounded to
//! double precision does not tell them: two solvers that round differently agree to eight digits. As on the host they are taken once with twice the digits, of the
//! uncorrected solution, and are from then on numbers of their own, less the rows of each correction.

use super::super::generate::{Draft, Generator, count};
use super::super::prelude::BLOCK;
use super::Solve;
use super::extent::Extent;
use super::solves::Places;
use crate::artifact::device::{Count, Memory};
use crate::artifact::{Size, SolveStep, Step, StepSizes};
use crate::base::Elem;

/// Residuals that a solve leaves for its adjoint.
pub(super) struct KeptRows {
    of: SolveStep,
    residuals: Memory,
}

/// Sums with twice the digits.
pub(super) const COMPENSATED: &str = r"// A sum, and what rounding has taken from it (T. Ogita, S. M. Rump and S. Oishi, SIAM J. Sci. Comput. 26, 2005, algorithm 5.3).
struct Compensated {
  double sum, rest;
};

// Takes a x away. The product is rounded by itself, whatever the compiler contracts.
__device__ inline void take(Compensated& from, double a, double x) {
  const double p = __dmul_rn(a, x), error = fma(a, x, -p);
  const double sum = from.sum - p, taken = from.sum - sum;
  from.rest += (from.sum - (sum + taken)) + (taken - p) - error;
  from.sum = sum;
}

// Takes a p x away, for a power p and its rounding error.
__device__ inline void take_power(Compensated& from, double a, double p, double p_error, double x) {
  const double c = __dmul_rn(a, p), error = fma(a, p, -c) + a * p_error;
  take(from, c, x);
  from.rest -= error * x;
}

// The power of h after p.
__device__ inline void next_power(double p, double p_error, double h, double& next, double& error) {
  next = __dmul_rn(p, h);
  error = p_error * h + fma(p, h, -next);
}
";

/// Whether whole systems keep residuals: those whose starts leave much open, if gradients are made of them. So does the host.
pub(super) fn are_kept(generator: &Generator<'_>, solve: &Solve<'_>) -> bool {
    solve.open && !generator.is_guarded() && are_read(generator, solve.s)
}

/// Room for the residuals of a step's systems: those of equation rows, then for each state those of the rows to the next step. `whole` is whether systems that are
/// done whole keep them too.
pub(super) fn memory(generator: &mut Generator<'_>, solve: &Solve<'_>, whole: bool) -> Memory {
    let s = solve.s;
    let rows = Size::constant((s.equations + s.states * solve.rows.count()) as u64);
    let numbers = s.batch.times(&s.time).times(&rows);
    let numbers = Count::of(numbers);
    generator.scratch(Elem::F64, if whole { numbers } else { solve.regimes.only(numbers, true) })
}

/// The residual of a row at `t`; rows between steps are those after it.
pub(super) fn element(name: &str, row: &str, t: &str) -> String {
    format!("{name}[(({row}) * steps + {t}) * systems + system]")
}

/// Row `i` between two steps of state `d`.
pub(super) fn between(solve: &Solve<'_>) -> String {
    format!("E + d * {} + i", solve.rows.count())
}

/// What an adjoint finds the solve of its solution by: everything that residuals of these rows depend on, and nothing of the adjoint itself.
fn system_of(s: &SolveStep) -> SolveStep {
    let mut of = SolveStep { adjoint: None, ..s.clone() };
    of.operands[2] = (0, false);
    of
}

/// Leaves the residuals of a solve for its adjoint.
pub(super) fn leave(generator: &mut Generator<'_>, s: &SolveStep, residuals: Memory) {
    generator.known.rows.push(KeptRows { of: system_of(s), residuals });
}

/// The residuals of the solve that an adjoint belongs to, if that has left them.
pub(super) fn left(generator: &mut Generator<'_>, s: &SolveStep) -> Option<Memory> {
    let of = system_of(s);
    let residuals = generator.known.rows.iter().find(|kept| kept.of == of)?.residuals;
    generator.keep(residuals);
    Some(residuals)
}

/// Whether the residuals after the last correction are for anybody: those of an adjoint always are, those of a solution where gradients of coefficients or steps are
/// wanted.
fn are_read(generator: &Generator<'_>, s: &SolveStep) -> bool {
    let (of, entry) = (system_of(s), generator.entry);
    let reads = |(at, step): (usize, &Step)| match step {
        Step::Solve(other) if system_of(other) == of => {
            other.adjoint.is_some_and(|(_, [c, _, _, h])| [c, h].into_iter().any(|b| entry.is_read_after(at, b)))
        }
        _ => false,
    };
    s.adjoint.is_some() || entry.steps.iter().enumerate().skip(generator.origin + 1).any(reads)
}

/// Writes the kernel for the residuals after a pass, one thread for each time step of a system.
pub(super) fn write(generator: &mut Generator<'_>, solve: &Solve<'_>, places: Places, residuals: Memory, pass: usize) {
    if pass == solve.corrections() && !are_read(generator, solve.s) {
        return;
    }
    generator.function("compensated", || COMPENSATED.to_string());
    let tag = &solve.rows.tag;
    generator.function(&format!("exact_{tag}"), || solve.rows.exact());
    let one = Solve { lanes: 1, ..*solve };
    let mut parameters = vec![solve.operand(generator, 0, "c"), solve.operand(generator, 3, "h")];
    if solve.s.adjoint.is_none() {
        parameters.push(solve.operand(generator, 1, "rhs"));
    }
    parameters.push(generator.memory(places.scaled, "v", false));
    parameters.push(generator.memory(places.swept, "swept", false));
    parameters.push(generator.memory(residuals, "residuals", true));
    parameters.extend(solve.sizes(solve.s.batch.clone(), false));
    parameters.push(count("pass", Count::of(Size::constant(pass as u64)), "corrections before"));
    let names = [("rows", "residuals of rows"), ("adjoint_rows", "rows applied to an adjoint")];
    let (suffix, note) = names[usize::from(solve.s.adjoint.is_some())];
    generator.launch(Draft {
        suffix: format!("{suffix}{}", generator.origin),
        note: solve.describe_extent(note),
        block: BLOCK,
        resident: Some(solve.resident_gradients(BLOCK)),
        barriers: false,
        unrolled: false,
        parameters,
        threads: solve.regimes.only(Count::of(solve.s.batch.times(&solve.s.time)), solve.extent != Extent::Whole),
        body: body(&one),
    });
}

fn body(solve: &Solve<'_>) -> String {
    let of = if solve.s.operands[0].1 { "system * E * steps * N + " } else { "" };
    let right = if solve.s.adjoint.is_some() { "0" } else { "rhs[(system * E + e) * steps + t]" };
    let unit = solve.unit("scale", "i", "i % K");
    let tie = |name: &str, t: &str| solve.vector(name, t, "d * K + k");
    let (scale, after) = (solve.unit("scale", "d * K + k", "k"), solve.unit("after", "d * K + k", "k"));
    // Unscaled the solution at the next step is that of its own equation rows, to the last bit.
    let powers = |of: &str| format!("      double scale_next[K];\n      powers<K>(1 / {of}, scale_next);\n");
    let (width, next_powers, scale_next) = match solve.s.steps {
        StepSizes::One => ("step", String::new(), "scale[k]"),
        StepSizes::Intervals => ("widths[t]", powers("interval(widths, steps, t + 1)"), "scale_next[k]"),
        StepSizes::States => ("widths[t * D + d]", powers("interval<D>(widths + d, steps, t + 1)"), "scale_next[k]"),
    };
    format!(
        r"{place}{constants}{place_of}{scales}{at_step}#pragma unroll 1
  for (int e = 0; e < E; ++e) {{
    const double* row = c + {of}(e * steps + t) * N;
    double* kept = &{equation};
    if (pass == 0) {{
      // Of the uncorrected solution, with twice the digits.
      Compensated sum = {{{right}, 0}};
      for (int i = 0; i < N; ++i) take(sum, row[i], {v} * {unit});
      *kept = sum.sum + sum.rest;
    }} else {{
      double sum = *kept;
      for (int i = 0; i < N; ++i) sum -= row[i] * ({correction} * {unit});
      *kept = sum;
    }}
  }}
  if (t + 1 >= steps) return;
#pragma unroll 1
  for (int d = 0; d < D; ++d) {{
    double at[K], next[K], r[R];
    if (pass == 0) {{
{next_powers}      for (int k = 0; k < K; ++k) at[k] = {v_at} * {scale}, next[k] = {v_next} * {scale_next};
      exact_residuals_{tag}({width}, at, next, r);
    }} else {{
      for (int k = 0; k < K; ++k) at[k] = {correction_at}, next[k] = {correction_next}{by_after};
      residuals_{tag}(at, next, r);
      for (int i = 0; i < {count}; ++i) r[i] += {row};
    }}
    for (int i = 0; i < {count}; ++i) {row} = r[i];
  }}
",
        place = solve.place(),
        constants = solve.constants(),
        place_of = solve.place_of(),
        scales = solve.scale(),
        at_step = solve.scale_at_step(),
        equation = element("residuals", "e", "t"),
        v = solve.vector("v", "t", "i"),
        correction = solve.vector("swept", "t", "i"),
        v_at = tie("v", "t"),
        v_next = tie("v", "t + 1"),
        correction_at = tie("swept", "t"),
        correction_next = tie("swept", "t + 1"),
        by_after = solve.by_steps(&after),
        row = element("residuals", &between(solve), "t"),
        count = solve.rows.count(),
        tag = solve.rows.tag,
    )
}

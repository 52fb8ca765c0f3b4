//! Gradients of a relaxed solve from its solution and the adjoint solution, one thread for each time step of a system.
//!
//! For a row `a` with residual `r` and `q = a z`: `rhs_adj = w^2 q`, `a_adj = w^2 (r z - q u)`. What all systems share is summed over
//! them in a tree. All of it is in double precision: residuals are differences of nearly equal numbers.

use super::super::generate::{Draft, Generator};
use super::super::prelude::BLOCK;
use super::super::text;
use super::extent::Extent;
use super::{Solve, gradient_sums, kept_rows, slack};
use crate::artifact::device::{Count, Memory};
use crate::artifact::{BufferIndex, Size};
use crate::base::Elem;

/// Writes the kernels for those adjoints of `c`, `rhs`, `iv` and `h` that anybody reads. `kept` are the residuals of the solution and of the
/// adjoint solution where time is cut, and of systems that are done whole too if the second number says so.
pub(super) fn write(
    generator: &mut Generator<'_>,
    solve: &Solve<'_>,
    scaled: Memory,
    (kept, of_whole): (Option<[Memory; 2]>, bool),
    adjoints: [BufferIndex; 4],
) {
    let s = solve.s;
    let [c, rhs, iv, h] = adjoints.map(|b| generator.is_read(b));
    let own_matrix = s.operands[0].1;
    let places = s.batch.times(&s.time);
    let equations = places.times(&Size::constant(s.equations as u64));
    // Residuals and applied rows, for coefficients that all systems share.
    let shared = (c && !own_matrix).then(|| [0, 1].map(|_| generator.scratch(Elem::F64, Count::of(equations.clone()))));
    // Each interval's own adjoint is the sum of nothing else.
    let direct = h && solve.varied() && s.operands[3].1;
    let each = if solve.of_states() { s.states as u64 } else { 1 };
    let slopes = places.times(&Size::constant(each));
    let slopes = (h && !direct).then(|| generator.scratch(Elem::F64, Count::of(slopes)));
    let slacks = if h { slack::of_solutions(generator, solve, scaled) } else { None };

    let both = kept.is_some() && solve.regimes.may(false) && !of_whole;
    let taken = (kept.is_none() || both).then_some(None);
    for kept in taken.into_iter().chain(kept.map(Some)) {
        let mut parameters: Vec<_> =
            [(0, "c"), (1, "rhs"), (3, "h")].map(|(i, name)| solve.operand(generator, i, name)).into();
        parameters.push(generator.memory(Memory::Buffer(s.solution), "u", false));
        parameters.push(generator.memory(scaled, "v", false));
        for (memory, name) in kept.into_iter().flatten().zip(["residuals", "applied"]) {
            parameters.push(generator.memory(memory, name, false));
        }
        let written = [(c && own_matrix, 0, "c_adj"), (rhs, 1, "rhs_adj"), (iv, 2, "iv_adj"), (direct, 3, "h_adj")];
        for (_, i, name) in written.into_iter().filter(|(wanted, ..)| *wanted) {
            parameters.push(generator.memory(Memory::Buffer(adjoints[i]), name, true));
        }
        for (memory, name) in shared.into_iter().flatten().zip(["kept_r", "kept_q"]) {
            parameters.push(generator.memory(memory, name, true));
        }
        parameters.extend(slacks.map(|memory| generator.memory(memory, "slacks", false)));
        parameters.extend(slopes.map(|memory| generator.memory(memory, "slopes", true)));
        parameters.extend(solve.sizes(s.batch.clone(), true));
        let rows = if kept.is_some() { Rows::Kept } else { Rows::Taken };
        let (note, threads) = ("gradients of a relaxed solve", Count::of(places.clone()));
        let (note, threads) = match (rows, both) {
            (Rows::Kept, true) => {
                (solve.over(Extent::Segment).describe_extent(note), solve.regimes.only(threads, true))
            }
            (Rows::Taken, true) => (solve.describe_extent(note), solve.regimes.only(threads, false)),
            (_, false) => (solve.describe(note), threads),
        };
        generator.launch(Draft {
            suffix: format!("gradients{}", generator.origin),
            note,
            block: BLOCK,
            resident: Some(solve.resident_gradients(BLOCK)),
            barriers: false,
            unrolled: false,
            parameters,
            threads,
            body: body(solve, rows, [c && own_matrix, rhs, iv, h], shared.is_some()),
        });
    }
    if let Some(shared) = shared {
        gradient_sums::shared_coefficients(generator, solve, scaled, shared, adjoints[0]);
    }
    if let Some(slopes) = slopes {
        gradient_sums::steps(generator, solve, slopes, adjoints[3]);
    }
}

/// Where residuals of rows come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// From the solutions.
    Taken,
    /// They are numbers of their own.
    Kept,
}

fn body(solve: &Solve<'_>, rows: Rows, [c, rhs, iv, h]: [bool; 4], keep: bool) -> String {
    let s = solve.s;
    let of = if s.operands[0].1 { "system * E * steps * N + " } else { "" };
    let mut out = String::new();
    out.push_str(&solve.place());
    out.push_str(&solve.constants());
    out.push_str(&solve.place_of());
    out.push_str(&solve.scale());
    out.push_str(&solve.scale_at_step());
    let v = |t: &str, e: &str| solve.vector("v", t, e);
    let unit = solve.unit("scale", "i", "i % K");
    if c || rhs || keep {
        out.push_str("  for (int e = 0; e < E; ++e) {\n");
        out.push_str(&match rows {
            Rows::Taken => format!(
                r"    const double* row = c + {of}(e * steps + t) * N;
    double r = rhs[(system * E + e) * steps + t], q = 0;
    for (int i = 0; i < N; ++i) {{
      r -= row[i] * u[(system * steps + t) * N + i];
      q += row[i] * ({} * {unit});
    }}
",
                v("t", "i")
            ),
            Rows::Kept => format!(
                "    double r = {}, q = -{};\n",
                kept_rows::element("residuals", "e", "t"),
                kept_rows::element("applied", "e", "t")
            ),
        });
        out.push_str("    r *= we, q *= we;\n");
        if rhs {
            out.push_str("    rhs_adj[(system * E + e) * steps + t] = q;\n");
        }
        if c {
            out.push_str(&format!(
                "    for (int i = 0; i < N; ++i) c_adj[((system * E + e) * steps + t) * N + i] = r * ({} * {unit}) - q * u[(system * steps + t) * N + i];\n",
                v("t", "i")
            ));
        }
        if keep {
            out.push_str("    kept_r[(e * steps + t) * systems + system] = r;\n    kept_q[(e * steps + t) * systems + system] = q;\n");
        }
        out.push_str("  }\n");
    }
    if iv {
        out.push_str(&format!(
            r"  if (t < start) {{
    for (int d = 0; d < D; ++d) {{
      for (int k = 0; k < G; ++k) iv_adj[((system * start + t) * D + d) * G + k] = wi * {} * {};
    }}
  }}
",
            v("t", "d * K + k"),
            solve.unit("scale", "d * K + k", "k"),
        ));
    }
    if h {
        out.push_str(&if solve.varied() { interval_slope(solve, rows) } else { slope(solve, rows) });
    }
    out
}

/// Residuals `r` and `q` of the rows between step `t` and the next one of state `d`, those of the solution and of the adjoint solution, and
/// both solutions there in units of the step: `x` and `z`, `xn` and `zn` at the next one. There is no slack in them.
pub(super) fn residuals(solve: &Solve<'_>) -> String {
    residuals_of(solve, Rows::Taken)
}

/// The same where rows may be kept.
fn residuals_of(solve: &Solve<'_>, rows: Rows) -> String {
    let tag = &solve.rows.tag;
    let residuals = match rows {
        Rows::Taken => format!("    residuals_{tag}(x, xn, r);\n    residuals_{tag}(z, zn, q);\n"),
        Rows::Kept => {
            let row = |name: &str| kept_rows::element(name, &kept_rows::between(solve), "t");
            let (r, q) = (row("residuals"), row("applied"));
            format!("    for (int i = 0; i < {}; ++i) r[i] = {r}, q[i] = {q};\n", solve.rows.count())
        }
    };
    let v = |t: &str| solve.vector("v", t, "d * K + k");
    let u = |t: &str| format!("u[(system * steps + {t}) * N + d * K + k]");
    let (scale, after) = (solve.unit("scale", "d * K + k", "k"), solve.unit("after", "d * K + k", "k"));
    format!(
        r"    double x[K], xn[K], z[K], zn[K], r[R], q[R];
    for (int k = 0; k < K; ++k) {{
      x[k] = {} / {scale};
      xn[k] = {} / {scale};
      z[k] = {};
      zn[k] = {}{};
    }}
{residuals}",
        u("t"),
        u("(t + 1)"),
        v("t"),
        v("t + 1"),
        solve.by_steps(&after),
    )
}

/// The rows of the adjoint, and residuals with the slack, from what [`residuals`] leaves.
fn applied(solve: &Solve<'_>) -> &'static str {
    if solve.s.slack.is_some() {
        "    for (int i = 0; i < R; ++i) r[i] -= eps, q[i] = eps_z - q[i];\n"
    } else {
        "    for (int i = 0; i < R; ++i) q[i] = -q[i];\n"
    }
}

/// What the central row around step `at` of state `d` is of: the difference over both intervals of the derivative before the highest, and the
/// highest, of the solution and of the adjoint solution. In units of the step where all are equal.
fn around(solve: &Solve<'_>, at: &str) -> [String; 4] {
    let (later, earlier) = (format!("{at} + 1"), format!("{at} - 1"));
    let own = if solve.of_states() { "<D>(widths + d, " } else { "(widths, " };
    let of = |t: &str, k: &str, adjoint: bool| {
        let unknown = format!("d * K + {k}");
        match (adjoint, solve.varied()) {
            (false, false) => format!("u[(system * steps + ({t})) * N + {unknown}] / scale[{k}]"),
            (false, true) => format!("u[(system * steps + ({t})) * N + {unknown}]"),
            (true, false) => solve.vector("v", t, &unknown),
            (true, true) => format!("lowered({}, interval{own}steps, {t}), {k})", solve.vector("v", t, &unknown)),
        }
    };
    let difference = |adjoint| format!("{} - {}", of(&later, "K - 2", adjoint), of(&earlier, "K - 2", adjoint));
    [difference(false), of(at, "K - 1", false), difference(true), of(at, "K - 1", true)]
}

/// The width of both intervals around step `at`.
fn both(solve: &Solve<'_>, at: &str) -> String {
    if solve.of_states() {
        format!("widths[({at} - 1) * D + d] + widths[({at}) * D + d]")
    } else {
        format!("widths[{at} - 1] + widths[{at}]")
    }
}

/// The central row around step `t` of state `d`, applied to the solution and to the adjoint solution.
pub(super) fn central_rows(solve: &Solve<'_>) -> [String; 2] {
    let [du, top, dz, top_z] = around(solve, "t");
    if solve.varied() {
        let (tag, both) = (&solve.rows.tag, both(solve, "t"));
        return [(du, top), (dz, top_z)].map(|(d, top)| format!("central_row_{tag}({both}, {d}, {top})"));
    }
    [(du, top), (dz, top_z)].map(|(d, top)| format!("(outer * ({d}) - middle * {top})"))
}

/// The slacks of a solution and its adjoint, where there are such, and their names in formulas otherwise.
fn slacks(solve: &Solve<'_>) -> (&'static str, [&'static str; 2]) {
    match solve.s.slack {
        Some(_) => ("  const double eps = slacks[2 * system], eps_z = slacks[2 * system + 1];\n", ["eps", "eps_z"]),
        None => ("", ["0", "0"]),
    }
}

/// The derivative by the interval after this step, or by each state's: of the rows across it, and of the central rows around both of its
/// ends.
fn interval_slope(solve: &Solve<'_>, rows: Rows) -> String {
    let tag = &solve.rows.tag;
    let (read, [eps, eps_z]) = slacks(solve);
    let central = if solve.s.central {
        let around = |at: &str| {
            let ([du, top, dz, top_z], both) = (around(solve, at), both(solve, at));
            format!("sum += central_slope_{tag}({both}, {du}, {top}, {dz}, {top_z}, {eps}, {eps_z});")
        };
        format!("    if (t > 0) {}\n    if (t + 2 < steps) {}\n", around("t"), around("t + 1"))
    } else {
        String::new()
    };
    let (width, place) = match (solve.of_states(), solve.s.operands[3].1) {
        (false, true) => ("widths[t]", "h_adj[system * (steps - 1) + t]"),
        (false, false) => ("widths[t]", "slopes[t * systems + system]"),
        (true, true) => ("widths[t * D + d]", "h_adj[(system * (steps - 1) + t) * D + d]"),
        (true, false) => ("widths[t * D + d]", "slopes[(t * D + d) * systems + system]"),
    };
    let (whole, each) = match solve.of_states() {
        true => (("", String::new()), ("    double sum = 0;\n", format!("    {place} = ws * sum;\n"))),
        false => (("  double sum = 0;\n", format!("  {place} = ws * sum;\n")), ("", String::new())),
    };
    format!(
        r"  if (t + 1 >= steps) return;
{read}{begun}#pragma unroll 1
  for (int d = 0; d < D; ++d) {{
{each_begun}{residuals}{applied}    sum += slope_{tag}(r, q, x, xn, z, zn) / {width};
{central}{each_ended}  }}
{ended}",
        begun = whole.0,
        ended = whole.1,
        each_begun = each.0,
        each_ended = each.1,
        residuals = residuals_of(solve, rows),
        applied = applied(solve),
    )
}

/// The derivative by the step: of the rows to the next step, and of the central row around this one.
fn slope(solve: &Solve<'_>, rows: Rows) -> String {
    let tag = &solve.rows.tag;
    let (read, [eps, eps_z]) = slacks(solve);
    let central = if solve.s.central {
        let [du, uc, dz, zc] = around(solve, "t");
        let (less, more) = match solve.s.slack {
            Some(_) => (format!(" - {eps}"), format!(" + {eps_z}")),
            None => Default::default(),
        };
        format!(
            r"
    if (t > 0 && t + 1 < steps) {{
      const double du = {du}, dz = {dz}, uc = {uc}, zc = {zc};
      const double r0 = -(outer * du - middle * uc){less}, q0 = outer * dz - middle * zc{more};
      sum += (K - 3) * outer * (r0 * dz - q0 * du) - (K - 2) * middle * (r0 * zc - q0 * uc);
    }}"
        )
    } else {
        String::new()
    };
    format!(
        r"{read}  double sum = 0;
#pragma unroll 1
  for (int d = 0; d < D; ++d) {{
    if (t + 1 < steps) {{
{rows}      sum += slope_{tag}(r, q, x, xn, z, zn);
    }}{central}
  }}
  slopes[system * steps + t] = ws * sum / step;
",
        rows = text::further_in(&format!("{}{}", residuals_of(solve, rows), applied(solve))),
    )
}

//! Forward and back substitution, with a correction: solves and adjoint solves.

use super::super::generate::{Draft, Generator, status};
use super::super::text;
use super::Solve;
use crate::artifact::Size;
use crate::artifact::device::{Count, DeviceFailure, Memory};
use crate::base::{Elem, SolvePrecision};
use crate::solve::relaxed::Stops;

/// Writes the kernel: the scaled solution into `scaled`, and the solution itself where the step is no adjoint.
pub(super) fn write(generator: &mut Generator<'_>, solve: &Solve<'_>, factor: Memory, scaled: Memory) {
    let s = solve.s;
    let swept = generator.scratch(solve.low, Count::of(solve.unknowns()));
    let (body, each) = body(solve);
    let mut parameters = vec![solve.operand(generator, 0, "c"), solve.operand(generator, 3, "h")];
    match s.adjoint {
        None => parameters.extend([solve.operand(generator, 1, "rhs"), solve.operand(generator, 2, "iv")]),
        Some((u_adj, _)) => parameters.push(generator.memory(Memory::Buffer(u_adj), "u_adj", false)),
    }
    parameters.push(generator.memory(factor, "factor", false));
    parameters.push(generator.memory(swept, "swept", true));
    parameters.push(generator.memory(scaled, "v", true));
    if s.adjoint.is_none() {
        parameters.push(generator.memory(Memory::Buffer(s.solution), "u", true));
    }
    parameters.extend(solve.work(generator, s.batch.clone(), each));
    parameters.extend(solve.sizes(s.batch.clone(), true));
    if solve.precision == SolvePrecision::Mixed {
        parameters.push(status(generator.check(DeviceFailure::NotConverged, Size::ONE)));
    }
    let (suffix, note) = match s.adjoint {
        None => ("solve", "relaxed solve"),
        Some(_) => ("adjoint", "adjoint of a relaxed solve"),
    };
    generator.launch(Draft {
        suffix: format!("{suffix}{}", generator.origin),
        note: solve.describe(note),
        block: solve.threads_per_block(),
        barriers: solve.lanes > 1,
        unrolled: solve.unrolled(),
        parameters,
        threads: solve.threads(s.batch.clone()),
        body,
    });
}

fn body(solve: &Solve<'_>) -> (String, usize) {
    let central = solve.s.central;
    let forward = solve.s.adjoint.is_none();
    let (n, e, d) = (solve.block(), solve.s.equations, solve.s.states);
    let (sync, unroll, tag) = (solve.sync(), solve.unroll(), &solve.rows.tag);
    let (low, high) = (solve.low, solve.high);
    let mut list = vec![
        ("row", high, e * n),
        ("at", high, n),
        ("next", high, n),
        ("y", low, n),
        ("x1", low, n),
        ("x2", low, n),
        ("g", high, n),
        ("residual", high, e),
        ("tie", high, d * solve.rows.count()),
    ];
    if !central {
        list.retain(|(name, ..)| *name != "x2");
    }
    let (arrays, each) = solve.arrays(&list);
    let (low, high, to) = (solve.low(), solve.high(), solve.narrowing());
    let rows = solve.equation_rows();
    let v = |t: &str, e: &str| solve.vector("v", t, e);
    let (v_t, v_next) = (v("t", "i"), v("t + 1", "i"));
    let swept = solve.vector("swept", "t", "i");
    let right = if forward { format!("{to}rhs[(system * E + e) * steps + t]") } else { "0".to_string() };
    let initial =
        if forward { format!("{to}iv[((system * start + t) * D + i / K) * G + i % K]") } else { "0".to_string() };
    let upstream = if forward {
        String::new()
    } else {
        format!("\n        whole += {to}u_adj[(system * steps + t) * N + i] * scale[i % K];")
    };
    let central_ties = if central {
        let at = |t: &str, k: &str| solve.vector("v", t, &format!("d * K + {k}"));
        let row = |t: &str, around: &str| {
            format!(
                "-({around}[2] * {} + {around}[1] * {} + {around}[0] * {})",
                at(&format!("{t} + 1"), "K - 2"),
                at(t, "K - 1"),
                at(&format!("{t} - 1"), "K - 2"),
            )
        };
        format!(
            r"
          // Central rows around the step before, this one and the next.
          if (t >= 2) g[d * K + K - 2] += previous[2] * ({});
          if (t >= 1 && t + 1 < steps) g[d * K + K - 1] += here[1] * ({});
          if (t + 2 < steps) g[d * K + K - 2] += following[0] * ({});",
            row("t - 1", "previous"),
            row("t", "here"),
            row("t + 1", "following")
        )
    } else {
        String::new()
    };
    // Where steps differ, the rows' unit is the interval between two steps, which scales the first of them.
    let tie_before = if solve.s.intervals {
        format!(
            r"if (t > 0) {{
            {high} part[K] = {{}};
            add_next_{tag}(tie + d * R, part);
{unroll}            for (int k = 0; k < K; ++k) g[d * K + k] += part[k] * before[k];
          }}"
        )
    } else {
        format!("if (t > 0) add_next_{tag}(tie + d * R, g + d * K);")
    };
    let tie_after = if solve.s.intervals {
        format!(
            r"{high} stretched[K];
{unroll}            for (int k = 0; k < K; ++k) stretched[k] = next[d * K + k] * after[k];
            residuals_{tag}(at + d * K, stretched, tie + d * R);"
        )
    } else {
        format!("residuals_{tag}(at + d * K, next + d * K, tie + d * R);")
    };
    let at_step = solve.scale_at_step();
    let below = |t: &str, from: &str| solve.stored(t, &format!("TRIANGLE + {from}"));
    let lower = solve.stored("t", "i * (i + 1) / 2 + p");
    let column = solve.stored("t", "p * (p + 1) / 2 + i");
    let pivot = solve.stored("t", "p * (p + 1) / 2 + p");
    let (before, after) = if central {
        (
            format!(
                "\n        if (t > 1) for (int p = 0; p < N; ++p) sum -= {} * x2[p];",
                below("t - 2", "N * N + i * N + p")
            ),
            format!(
                "\n        if (t + 2 < steps) for (int p = 0; p < N; ++p) sum -= {} * x2[p];",
                below("t", "N * N + p * N + i")
            ),
        )
    } else {
        (String::new(), String::new())
    };
    let older = if central { "x2[i] = x1[i], " } else { "" };
    let Sizes { before: norms, begun, added, ended, after: judged } = Sizes::new(solve);
    let mut out = solve.head();
    out.push_str(&solve.scale());
    out.push_str(&arrays);
    out.push_str(&norms);
    out.push_str(&format!(
        r"  for (int pass = 0; pass <= {corrections}; ++pass) {{
{begun}    for (word t = 0; t < steps; ++t) {{
{at_step}      {sync}
{rows}{unroll}      for (int i = lane; i < N; i += LANES) {{
        at[i] = pass == 0 ? 0 : t == 0 ? {v_t} : next[i];
        next[i] = pass > 0 && t + 1 < steps ? {v_next} : 0;
        g[i] = 0;
      }}
      {sync}
      // Residuals of the rows of this step at the solution so far; in the first pass that is zero.
{unroll}      for (int e = lane; e < E; e += LANES) {{
        {high} sum = {right};
        if (pass > 0) for (int i = 0; i < N; ++i) sum -= row[e * N + i] * at[i];
        residual[e] = we * sum;
      }}
      if (pass > 0) {{
{unroll}        for (int d = lane; d < D; d += LANES) {{
          {tie_before}
          if (t + 1 < steps) {{
            {tie_after}
            add_at_{tag}(tie + d * R, g + d * K);
          }}{central_ties}
        }}
      }}
      {sync}
{unroll}      for (int i = lane; i < N; i += LANES) {{
        {high} whole = ws * g[i];{upstream}
        for (int e = 0; e < E; ++e) whole += row[e * N + i] * residual[e];
        if (t < start && i % K < G) whole += wi * scale[i % K] * ({initial} - scale[i % K] * at[i]);
        {low} sum = whole;
        if (t > 0) for (int p = 0; p < N; ++p) sum -= {coupled} * x1[p];{before}
        y[i] = sum;
      }}
      {sync}
{unroll}      for (int p = 0; p < N; ++p) {{
        const {low} solved = y[p] * {pivot};
        {sync}
        if (lane == 0) y[p] = solved;
{unroll}        for (int i = p + 1 + lane; i < N; i += LANES) y[i] -= {lower} * solved;
        {sync}
      }}
{unroll}      for (int i = lane; i < N; i += LANES) {older}x1[i] = y[i], {swept} = y[i];
    }}
    for (word left = steps; left > 0; --left) {{
      const word t = left - 1;
      {sync}
{unroll}      for (int i = lane; i < N; i += LANES) {{
        {low} sum = {swept};
        if (t + 1 < steps) for (int p = 0; p < N; ++p) sum -= {transposed} * x1[p];{after}
        y[i] = sum;
      }}
      {sync}
{unroll}      for (int q = 0; q < N; ++q) {{
        const int p = N - 1 - q;
        const {low} solved = y[p] * {pivot};
        {sync}
        if (lane == 0) y[p] = solved;
{unroll}        for (int i = lane; i < p; i += LANES) y[i] -= {column} * solved;
        {sync}
      }}
{unroll}      for (int i = lane; i < N; i += LANES) {{
        {older}x1[i] = y[i];
        {v_t} = pass == 0 ? y[i] : {v_t} + y[i];
      }}
{added}    }}
{ended}  }}
",
        corrections = solve.corrections(),
        coupled = below("t - 1", "i * N + p"),
        transposed = below("t", "p * N + i"),
    ));
    out.push_str(&judged);
    if forward {
        let scale_again = if solve.s.intervals {
            format!("    {high} scale[K];\n    powers({to}(1 / interval(widths, steps, t)), scale);\n")
        } else {
            String::new()
        };
        out.push_str(&format!(
            r"  {sync}
  for (word t = 0; t < steps; ++t) {{
{scale_again}    for (int i = lane; i < N; i += LANES) u[(system * steps + t) * N + i] = {v_t} * scale[i % K];
  }}
"
        ));
    }
    (out, each)
}

/// The last correction of a solve with a factor in single precision, as a share of the solution, beyond which it has failed.
const LARGEST_CORRECTION: f64 = 1e-8;

/// Where a correction's size decides on the next one: text before the passes, at the beginning of one, after each step, and at the end.
struct Sizes {
    before: String,
    begun: String,
    added: String,
    ended: String,
    after: String,
}

impl Sizes {
    /// Nothing in double precision, where corrections are counted.
    fn new(solve: &Solve<'_>) -> Sizes {
        let none = String::new;
        let epsilon = match solve.precision {
            SolvePrecision::F64 => {
                return Sizes { before: none(), begun: none(), added: none(), ended: none(), after: none() };
            }
            SolvePrecision::F32 => f64::from(f32::EPSILON),
            SolvePrecision::Mixed => f64::EPSILON,
        };
        let stops = Stops::of(epsilon);
        let (sync, unroll, high) = (solve.sync(), solve.unroll(), solve.high());
        Sizes {
            before: "  // Squared norms of the uncorrected solution and of the last correction.\n  double uncorrected = 0, last = 0;\n".to_string(),
            begun: format!("    {high} square = 0;\n"),
            added: format!("      {sync}\n{unroll}      for (int i = 0; i < N; ++i) square += ({high})y[i] * y[i];\n"),
            // The rule of the host engine.
            ended: format!(
                r"    const double now = square, earlier = last;
    last = now;
    if (pass == 0) uncorrected = now;
    else if (now == 0 || now / uncorrected * (now / earlier) <= {} || now / earlier > (now / uncorrected < {} ? {} : {})) break;
",
                text::number(stops.settled, Elem::F64),
                text::number(stops.near, Elem::F64),
                text::number(stops.stalled_near, Elem::F64),
                text::number(stops.stalled, Elem::F64),
            ),
            after: match solve.precision {
                SolvePrecision::Mixed => format!(
                    "  // Corrections that stay large: the factor is not that of the matrix.\n  if (lane == 0 && !(last <= {} * uncorrected)) atomicMin(status, system);\n",
                    text::number(LARGEST_CORRECTION * LARGEST_CORRECTION, Elem::F64)
                ),
                _ => none(),
            },
        }
    }
}

//! Assembly and factor of the normal matrix, one time step after the other.

use super::super::generate::{Generator, status};
use super::super::text;
use super::Solve;
use super::extent::Extent;
use crate::artifact::device::{DeviceFailure, Memory};

/// Writes a kernel that factors what `solve` goes through, and says in a word of the status where that fails.
pub(super) fn write(generator: &mut Generator<'_>, solve: &Solve<'_>, factor: Memory) {
    let word = generator.check(DeviceFailure::Undetermined, solve.s.time.clone());
    let (body, each) = body(solve);
    let (what, note) = match solve.extent {
        Extent::Separators => ("separators", "factor of the steps between segments"),
        Extent::Segment => ("segments", "factor of segments of a relaxed solve"),
        _ => ("factor", "factor of a relaxed solve"),
    };
    let mut parameters = Vec::new();
    if solve.extent != Extent::Separators {
        parameters.extend([solve.operand(generator, 0, "c"), solve.operand(generator, 3, "h")]);
    }
    parameters.push(generator.memory(factor, "factor", true));
    parameters.extend(solve.work(generator, solve.matrices(), each));
    parameters.extend(solve.sizes(solve.matrices(), solve.extent != Extent::Separators));
    parameters.push(status(word));
    solve.launch(generator, (what, note), solve.matrices(), parameters, body);
}

/// The body of the kernel, and the numbers of device memory that each block of threads needs.
fn body(solve: &Solve<'_>) -> (String, usize) {
    let central = solve.s.central;
    let joins = solve.extent == Extent::Separators;
    let loops = solve.loops();
    let n = solve.block();
    // Sums within a row of a block: the compiler knows best.
    let inner = if solve.unrolled { solve.unroll() } else { "" };
    let (sync, unroll, tag) = (solve.sync(), solve.unroll(), &solve.rows.tag);
    // b ties a step to the one before it, b2 to the one before that; b3 ties the next step to the one before this.
    let (low, high) = (solve.low, solve.high);
    let mut list = vec![("a", low, n * n), ("b", low, n * n), ("inverse", low, n)];
    if !joins {
        list.push(("row", high, solve.s.equations * n));
    }
    if central {
        list.extend([("b2", low, n * n), ("b3", low, n * n), ("fresh", low, n * n)]);
    }
    let (arrays, each) = solve.arrays(&list);
    let Central { zero, diagonal, skipped, coupled, skipped_next, fresh } = Central::of(solve);
    let (low, high) = (solve.low(), solve.high());
    let [one, nought] = [1.0, 0.0].map(|x| text::number(x, solve.low));
    let rows = solve.equation_rows();
    let at_step = solve.scale_at_step();
    let by_before = solve.by_steps(&solve.unit("before", "i", "k"));
    let by_before = by_before + &solve.by_steps(&solve.unit("before", "j", "j % K"));
    let by_after = solve.by_steps(&solve.unit("after", "i", "k"));
    let unit = solve.unit("scale", "i", "k");
    let stored = solve.stored("t", "i * (i + 1) / 2 + j");
    let next = solve.stored("t", "TRIANGLE + i * N + j");
    let after_next = solve.stored("t", "TRIANGLE + N * N + i * N + j");
    let store_next = if central {
        String::new()
    } else {
        format!("{unroll}      for (int j = 0; j < N; ++j) {next} = b[i * N + j];\n")
    };
    let advance = if central {
        let following = solve.around("following", "i / K");
        format!(
            r"    {sync}
    // The coupling of steps t and t + 2, and all couplings one step on.
{unroll}    for (int i = lane; i < N; i += LANES) {{
{unroll}      for (int j = 0; j < N; ++j) {{
        b[i * N + j] = fresh[i * N + j];
        b2[i * N + j] = b3[i * N + j];
      }}
{unroll}      for (int j = 0; j < N; ++j) {{
        {low} sum = i == j && i % K == K - 2 && t + 2 < steps ? ws * {following}[0] * {following}[2] : 0;
        for (int p = 0; p < j; ++p) sum -= b3[i * N + p] * a[j * N + p];
        b3[i * N + j] = sum * inverse[j];
      }}
{unroll}      for (int j = 0; j < N; ++j) {{
        {next} = b[i * N + j];
        {after_next} = b3[i * N + j];
      }}
    }}
"
        )
    } else {
        String::new()
    };
    // A row of the coupling is in registers where one thread does a system.
    let (room, solved, take) = if solve.unrolled {
        let take = format!("{unroll}      for (int j = 0; j < N; ++j) {fresh}[i * N + j] = solved[j];\n");
        (format!("      {low} solved[N];\n"), "solved[".to_string(), take)
    } else {
        (String::new(), format!("{fresh}[i * N + "), String::new())
    };
    let whole = if joins {
        // What the segments have left of it.
        format!("      const {high} whole = {stored};")
    } else {
        format!(
            r"      {high} whole = 0;
      if (i / K == j / K) {{
        if (t + 1 < steps) whole += ws * at_at_{tag}[k * K + j % K];
        if (t > 0) whole += ws * next_next_{tag}[k * K + j % K]{by_before};
        if (i == j && t < start && k < G) whole += wi * {unit} * {unit};
      }}{diagonal}
      for (int q = 0; q < E; ++q) whole += we * row[q * N + i] * row[q * N + j];"
        )
    };
    // The separator itself is for later; so is what the segment after it takes from it.
    let separator = if solve.extent == Extent::Segment {
        format!(
            r"    if (t == end) {{
{unroll}      for (int e = lane; e < N * N; e += LANES) {{
        const int i = e / N, j = e % N;
        if (j <= i) {stored} = a[i * N + j];
      }}
      break;
    }}
"
        )
    } else {
        String::new()
    };
    let coupling = if joins {
        let with_next = solve.stored("separator(node + 1, segments, steps)", "TRIANGLE + N * N + j * N + i");
        format!("        const {high} whole = {} ? {with_next} : 0;", loops.before_last)
    } else {
        format!(
            r"        {high} whole = 0;
        if (i / K == j / K && t + 1 < steps) {{
          whole += ws * at_next_{tag}[(j % K) * K + k]{by_after};{coupled}
        }}"
        )
    };
    let prepare = if joins { format!("    {sync}\n") } else { format!("{at_step}    {sync}\n{rows}    {sync}\n") };
    let mut out = solve.head();
    if !joins {
        out.push_str(&solve.scale());
    }
    out.push_str(&arrays);
    out.push_str(&format!(
        r"{unroll}  for (int e = lane; e < N * N; e += LANES) {zero};
  {forward}
{prepare}    // The diagonal block less what earlier steps take from it.
{unroll}    for (int e = lane; e < N * N; e += LANES) {{
      const int i = e / N, j = e % N, k = i % K;
      if (j > i) continue;
{whole}
      {low} sum = whole;
{inner}      for (int p = 0; p < N; ++p) sum -= b[i * N + p] * b[j * N + p];{skipped}
      a[i * N + j] = sum;
    }}
    {sync}
{separator}    // Its Cholesky factor.
{unroll}    for (int p = 0; p < N; ++p) {{
      const {low} pivot = a[p * N + p];
      if (lane == 0 && !(pivot > 0 && pivot < {one} / {nought})) atomicMin(status, system * steps + t);
      const {low} reciprocal = 1 / sqrt(pivot);
      {sync}
      if (lane == 0) inverse[p] = reciprocal;
{unroll}      for (int i = p + 1 + lane; i < N; i += LANES) a[i * N + p] *= reciprocal;
      {sync}
{unroll}      for (int i = p + 1 + lane; i < N; i += LANES) {{
{inner}        for (int j = p + 1; j <= i; ++j) a[i * N + j] -= a[i * N + p] * a[j * N + p];
      }}
      {sync}
    }}
{unroll}    for (int e = lane; e < N * N; e += LANES) {{
      const int i = e / N, j = e % N;
      if (j <= i) {stored} = i == j ? inverse[i] : a[i * N + j];
    }}
    // The coupling of steps t and t + 1.
{unroll}    for (int i = lane; i < N; i += LANES) {{
      const int k = i % K;
{room}{unroll}      for (int j = 0; j < N; ++j) {{
{coupling}
        {low} sum = whole;{skipped_next}
{inner}        for (int p = 0; p < j; ++p) sum -= {solved}p] * a[j * N + p];
        {solved}j] = sum * inverse[j];
      }}
{take}{store_next}    }}
{advance}  }}
",
        forward = loops.forward,
    ));
    (out, each)
}

/// What central rows add; nothing without them.
struct Central {
    zero: &'static str,
    diagonal: String,
    skipped: &'static str,
    coupled: String,
    skipped_next: &'static str,
    fresh: &'static str,
}

impl Central {
    fn of(solve: &Solve<'_>) -> Central {
        let (diagonal, coupled) = (String::new(), String::new());
        if !solve.s.central {
            return Central { zero: "b[e] = 0", diagonal, skipped: "", coupled, skipped_next: "", fresh: "b" };
        }
        let [previous, here, following] = ["previous", "here", "following"].map(|name| solve.around(name, "i / K"));
        Central {
            zero: "b[e] = 0, b2[e] = 0, b3[e] = 0",
            diagonal: format!(
                r"
      if (i == j && k == K - 2) whole += ws * ((t >= 2 ? {previous}[2] * {previous}[2] : 0) + (t + 2 < steps ? {following}[0] * {following}[0] : 0));
      if (i == j && k == K - 1 && t >= 1 && t + 1 < steps) whole += ws * {here}[1] * {here}[1];"
            ),
            skipped: "\n      for (int p = 0; p < N; ++p) sum -= b2[i * N + p] * b2[j * N + p];",
            coupled: format!(
                r"
          if (k == K - 2 && j % K == K - 1 && t >= 1) whole += ws * {here}[1] * {here}[2];
          if (k == K - 1 && j % K == K - 2 && t + 2 < steps) whole += ws * {following}[0] * {following}[1];"
            ),
            skipped_next: "\n        for (int p = 0; p < N; ++p) sum -= b3[i * N + p] * b[j * N + p];",
            fresh: "fresh",
        }
    }
}

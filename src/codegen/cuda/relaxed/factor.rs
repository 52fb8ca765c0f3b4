//! Assembly and factor of the normal matrix, one time step after the other.

use super::super::text;
use super::Solve;

/// The body of the kernel, and the numbers of device memory that each system needs.
pub(super) fn body(solve: &Solve<'_>) -> (String, usize) {
    let central = solve.s.central;
    let n = solve.block();
    // Sums within a row of a block: the compiler knows best.
    let inner = if solve.unrolled() { solve.unroll() } else { "" };
    let (sync, unroll, tag) = (solve.sync(), solve.unroll(), &solve.rows.tag);
    // b ties a step to the one before it, b2 to the one before that; b3 ties the next step to the one before this.
    let (low, high) = (solve.low, solve.high);
    let mut list =
        vec![("a", low, n * n), ("b", low, n * n), ("inverse", low, n), ("row", high, solve.s.equations * n)];
    if central {
        list.extend([("b2", low, n * n), ("b3", low, n * n), ("fresh", low, n * n)]);
    }
    let (arrays, each) = solve.arrays(&list);
    let Central { zero, diagonal, skipped, coupled, skipped_next, fresh } = Central::of(central);
    let (low, high) = (solve.low(), solve.high());
    let [one, nought] = [1.0, 0.0].map(|x| text::number(x, solve.low));
    let rows = solve.equation_rows();
    let at_step = solve.scale_at_step();
    let by_before = solve.by_steps("", " * before[k] * before[j % K]");
    let by_after = solve.by_steps("", " * after[k]");
    let stored = solve.stored("t", "i * (i + 1) / 2 + j");
    let next = solve.stored("t", "TRIANGLE + i * N + j");
    let after_next = solve.stored("t", "TRIANGLE + N * N + i * N + j");
    let store_next = if central {
        String::new()
    } else {
        format!("{unroll}      for (int j = 0; j < N; ++j) {next} = b[i * N + j];\n")
    };
    let advance = if central {
        format!(
            r"    {sync}
    // The coupling of steps t and t + 2, and all couplings one step on.
{unroll}    for (int i = lane; i < N; i += LANES) {{
{unroll}      for (int j = 0; j < N; ++j) {{
        b[i * N + j] = fresh[i * N + j];
        b2[i * N + j] = b3[i * N + j];
      }}
{unroll}      for (int j = 0; j < N; ++j) {{
        {low} sum = i == j && i % K == K - 2 && t + 2 < steps ? ws * following[0] * following[2] : 0;
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
    let (room, solved, take) = if solve.unrolled() {
        let take = format!("{unroll}      for (int j = 0; j < N; ++j) {fresh}[i * N + j] = solved[j];\n");
        (format!("      {low} solved[N];\n"), "solved[".to_string(), take)
    } else {
        (String::new(), format!("{fresh}[i * N + "), String::new())
    };
    let mut out = solve.head();
    out.push_str(&solve.scale());
    out.push_str(&arrays);
    out.push_str(&format!(
        r"{unroll}  for (int e = lane; e < N * N; e += LANES) {zero};
  for (word t = 0; t < steps; ++t) {{
{at_step}    {sync}
{rows}    {sync}
    // The diagonal block less what earlier steps take from it.
{unroll}    for (int e = lane; e < N * N; e += LANES) {{
      const int i = e / N, j = e % N, k = i % K;
      if (j > i) continue;
      {high} whole = 0;
      if (i / K == j / K) {{
        if (t + 1 < steps) whole += ws * at_at_{tag}[k * K + j % K];
        if (t > 0) whole += ws * next_next_{tag}[k * K + j % K]{by_before};
        if (i == j && t < start && k < G) whole += wi * scale[k] * scale[k];
      }}{diagonal}
      for (int q = 0; q < E; ++q) whole += we * row[q * N + i] * row[q * N + j];
      {low} sum = whole;
{inner}      for (int p = 0; p < N; ++p) sum -= b[i * N + p] * b[j * N + p];{skipped}
      a[i * N + j] = sum;
    }}
    {sync}
    // Its Cholesky factor.
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
        {high} whole = 0;
        if (i / K == j / K && t + 1 < steps) {{
          whole += ws * at_next_{tag}[(j % K) * K + k]{by_after};{coupled}
        }}
        {low} sum = whole;{skipped_next}
{inner}        for (int p = 0; p < j; ++p) sum -= {solved}p] * a[j * N + p];
        {solved}j] = sum * inverse[j];
      }}
{take}{store_next}    }}
{advance}  }}
"
    ));
    (out, each)
}

/// What central rows add; nothing without them.
struct Central {
    zero: &'static str,
    diagonal: &'static str,
    skipped: &'static str,
    coupled: &'static str,
    skipped_next: &'static str,
    fresh: &'static str,
}

impl Central {
    fn of(central: bool) -> Central {
        if !central {
            return Central { zero: "b[e] = 0", diagonal: "", skipped: "", coupled: "", skipped_next: "", fresh: "b" };
        }
        Central {
            zero: "b[e] = 0, b2[e] = 0, b3[e] = 0",
            diagonal: r"
      if (i == j && k == K - 2) whole += ws * ((t >= 2 ? previous[2] * previous[2] : 0) + (t + 2 < steps ? following[0] * following[0] : 0));
      if (i == j && k == K - 1 && t >= 1 && t + 1 < steps) whole += ws * here[1] * here[1];",
            skipped: "\n      for (int p = 0; p < N; ++p) sum -= b2[i * N + p] * b2[j * N + p];",
            coupled: r"
          if (k == K - 2 && j % K == K - 1 && t >= 1) whole += ws * here[1] * here[2];
          if (k == K - 1 && j % K == K - 2 && t + 2 < steps) whole += ws * following[0] * following[1];",
            skipped_next: "\n        for (int p = 0; p < N; ++p) sum -= b3[i * N + p] * b[j * N + p];",
            fresh: "fresh",
        }
    }
}

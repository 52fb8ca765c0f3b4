//! Right-hand sides of a step: residuals of its rows at the solution so far, put together by the rows' coefficients.

use super::{Solve, kept_rows, slack};
use crate::base::Elem;

/// An array of a kernel: name, type, numbers.
pub(super) type Array = (&'static str, Elem, usize);

/// What the text needs.
pub(super) fn arrays(solve: &Solve<'_>) -> Vec<Array> {
    let (n, e) = (solve.block(), solve.s.equations);
    let high = solve.high;
    // What the rows between a step and the next one add to the next one's `g`: fewer numbers to keep than the rows' residuals. Not where these are kept.
    let (next, carried) = (("next", high, n), ("carried", high, n));
    let (next, carried) = if solve.keeps { (None, None) } else { (Some(next), Some(carried)) };
    let all = [
        Some(("row", high, e * n)),
        Some(("at", high, n)),
        next,
        Some(("g", high, n)),
        Some(("residual", high, e)),
        carried,
    ];
    all.into_iter().flatten().collect()
}

/// Residuals of the rows of step `t`, and what those between it and its neighbours add to `g`. In the first pass the solution so far is
/// zero.
pub(super) fn of_rows(solve: &Solve<'_>) -> String {
    if solve.keeps {
        return of_kept_rows(solve);
    }
    let (sync, unroll, tag) = (solve.sync(), solve.unroll(), &solve.rows.tag);
    let high = solve.high();
    let v = |t: &str| solve.vector("v", t, "i");
    let right = right(solve);
    // Where steps differ, the rows' unit is the interval between two steps, which scales the first of them.
    let by_before = solve.by_steps(&solve.unit("before", "d * K + k", "k"));
    format!(
        r"{at_step}      {sync}
{rows}{unroll}      for (int i = lane; i < N; i += LANES) {{
        at[i] = pass == 0 ? 0 : {at_first} ? {v_t} : next[i];
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
{unroll}          for (int k = 0; k < K; ++k) if (t > 0) g[d * K + k] += carried[d * K + k]{by_before};
          if (t + 1 < steps) {{
            {tie_after}
            add_at_{tag}(tie, g + d * K);
          }}{central}
        }}
      }}
      {sync}
",
        at_step = solve.scale_at_step(),
        rows = solve.equation_rows(),
        at_first = solve.loops().at_first,
        v_t = v("t"),
        v_next = v("t + 1"),
        tie_after = tie_after(solve),
        central = central(solve),
    )
}

/// Unknown `i` of the right-hand side, from the residuals.
pub(super) fn put_together(solve: &Solve<'_>) -> String {
    let (high, to, scale) = (solve.high(), solve.narrowing(), solve.unit("scale", "i", "i % K"));
    let (initial, upstream) = match solve.s.adjoint {
        None => (format!("{to}iv[((system * start + t) * D + i / K) * G + i % K]"), String::new()),
        Some(_) => ("0".to_string(), format!("\n        whole += {to}u_adj[(system * steps + t) * N + i] * {scale};")),
    };
    format!(
        r"        {high} whole = ws * g[i];{upstream}
        for (int e = 0; e < E; ++e) whole += row[e * N + i] * residual[e];
        if (t < start && i % K < G) whole += wi * {scale} * ({initial} - {scale} * at[i]);
{taken}",
        taken = slack::taken(solve),
    )
}

/// The same of residuals that are kept.
fn of_kept_rows(solve: &Solve<'_>) -> String {
    let (sync, unroll, tag) = (solve.sync(), solve.unroll(), &solve.rows.tag);
    let (right, between) = (right(solve), kept_rows::between(solve));
    let tie = |t: &str| {
        let (count, row) = (solve.rows.count(), kept_rows::element("residuals", &between, t));
        format!("{unroll}            for (int i = 0; i < {count}; ++i) tie[i] = {row};")
    };
    let by_before = match solve.varied() {
        true => format!(
            "\n{unroll}            for (int k = 0; k < K; ++k) g[d * K + k] *= {};",
            solve.unit("before", "d * K + k", "k")
        ),
        false => String::new(),
    };
    format!(
        r"{at_step}      {sync}
{rows}{unroll}      for (int i = lane; i < N; i += LANES) at[i] = pass == 0 ? 0 : {v_t}, g[i] = 0;
      {sync}
{unroll}      for (int e = lane; e < E; e += LANES) residual[e] = we * (pass == 0 ? {right} : {equation});
      if (pass > 0) {{
{unroll}        for (int d = lane; d < D; d += LANES) {{
          double tie[R];
          if (t > 0) {{
{tie_before}
            add_next_{tag}(tie, g + d * K);{by_before}
          }}
          if (t + 1 < steps) {{
{tie_after}
            add_at_{tag}(tie, g + d * K);
          }}
        }}
      }}
      {sync}
",
        at_step = solve.scale_at_step(),
        rows = solve.equation_rows(),
        v_t = solve.vector("v", "t", "i"),
        equation = kept_rows::element("residuals", "e", "t"),
        tie_before = tie("t - 1"),
        tie_after = tie("t"),
    )
}

/// The right-hand side of equation `e` at step `t`.
fn right(solve: &Solve<'_>) -> String {
    match solve.s.adjoint {
        None => format!("{}rhs[(system * E + e) * steps + t]", solve.narrowing()),
        Some(_) => "0".to_string(),
    }
}

/// Residuals of the rows between step `t` and the next one, and what they add there.
fn tie_after(solve: &Solve<'_>) -> String {
    let (unroll, tag, high) = (solve.unroll(), &solve.rows.tag, solve.high());
    let residuals = if solve.varied() {
        format!(
            r"{high} stretched[K];
{unroll}            for (int k = 0; k < K; ++k) stretched[k] = next[d * K + k] * {after};
            residuals_{tag}(at + d * K, stretched, tie);",
            after = solve.unit("after", "d * K + k", "k"),
        )
    } else {
        format!("residuals_{tag}(at + d * K, next + d * K, tie);")
    };
    format!(
        r"{high} tie[R];
            {residuals}{missed}
{unroll}            for (int k = 0; k < K; ++k) carried[d * K + k] = 0;
            add_next_{tag}(tie, carried + d * K);",
        missed = slack::missed_by_ties(solve),
    )
}

/// What central rows around the step and its neighbours add to `g`.
fn central(solve: &Solve<'_>) -> String {
    if !solve.s.central {
        return String::new();
    }
    let at = |t: &str, k: &str| solve.vector("v", t, &format!("d * K + {k}"));
    let [previous, here, following] = ["previous", "here", "following"].map(|name| solve.around(name, "d"));
    let row = |t: &str, around: &str| {
        format!(
            "-({around}[2] * {} + {around}[1] * {} + {around}[0] * {}){}",
            at(&format!("{t} + 1"), "K - 2"),
            at(t, "K - 1"),
            at(&format!("{t} - 1"), "K - 2"),
            slack::less(solve),
        )
    };
    format!(
        r"
          // Central rows around the step before, this one and the next.
          if (t >= 2) g[d * K + K - 2] += {previous}[2] * ({});
          if (t >= 1 && t + 1 < steps) g[d * K + K - 1] += {here}[1] * ({});
          if (t + 2 < steps) g[d * K + K - 2] += {following}[0] * ({});{}",
        row("t - 1", &previous),
        row("t", &here),
        row("t + 1", &following),
        slack::missed_by_central(solve, &row("t", &here)),
    )
}

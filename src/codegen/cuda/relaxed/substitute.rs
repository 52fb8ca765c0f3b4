//! Both halves of a substitution with a factor, through whatever an [`Extent`] goes through.

use super::extent::Extent;
use super::residuals::{self, Array};
use super::solve::Right;
use super::{Solve, slack};
use crate::artifact::StepSizes;
use crate::base::SolvePrecision;

/// What [`forward`] and [`backward`] need: `y`, and the solutions at the steps that `t` is coupled with.
pub(super) fn arrays(solve: &Solve<'_>) -> Vec<Array> {
    let (low, n) = (solve.low, solve.block());
    let mut out = vec![("y", low, n), ("x1", low, n)];
    if solve.s.central {
        out.push(("x2", low, n));
    }
    out
}

/// An element of the blocks below the diagonal block of step `t`.
pub(super) fn below(solve: &Solve<'_>, t: &str, e: &str) -> String {
    solve.stored(t, &format!("TRIANGLE + {e}"))
}

/// The first half. A segment's separator loses what the segment takes from it, and is not solved for.
pub(super) fn forward(solve: &Solve<'_>) -> String {
    let central = solve.s.central;
    let (sync, unroll, low) = (solve.sync(), solve.unroll(), solve.low());
    let loops = solve.loops();
    let swept = solve.vector(swept_in(solve), "t", "i");
    let (prepare, right, result) = match solve.extent {
        Extent::Whole if solve.right == Right::Slack => {
            let prepare = format!("{}      {sync}\n", solve.scale_at_step());
            (prepare, slack::column(solve), swept)
        }
        Extent::Whole | Extent::Segment => {
            let right = format!("{}        {low} sum = whole;\n", residuals::put_together(solve));
            (residuals::of_rows(solve), right, swept)
        }
        Extent::Separators => (format!("      {sync}\n"), format!("        {low} sum = {swept};\n"), swept.clone()),
        // A row of the block that couples the separator before the segment with its first step.
        Extent::Number(_) => {
            let by_after = solve.by_steps(&solve.unit("after", "i", "i % K"));
            let right = format!(
                "        {low} sum = t == first && i / K == number / K ? ws * at_next_{}[(number % K) * K + i % K]{by_after} : 0;\n",
                solve.rows.tag
            );
            (String::new(), right, below(solve, "t", "N * N + number * N + i"))
        }
    };
    let skipped = if central {
        format!(
            "\n        if (t > 1) for (int p = 0; p < N; ++p) sum -= {} * x2[p];",
            below(solve, "t - 2", "N * N + i * N + p")
        )
    } else {
        String::new()
    };
    let solved = format!(
        r"{unroll}      for (int p = 0; p < N; ++p) {{
        const {low} solved = y[p] * {pivot};
        {sync}
        if (lane == 0) y[p] = solved;
{unroll}        for (int i = p + 1 + lane; i < N; i += LANES) y[i] -= {lower} * solved;
        {sync}
      }}
",
        pivot = solve.stored("t", "p * (p + 1) / 2 + p"),
        lower = solve.stored("t", "i * (i + 1) / 2 + p"),
    );
    let solved = match solve.extent {
        Extent::Whole | Extent::Separators => solved,
        Extent::Segment | Extent::Number(_) => format!("      if (t < end) {{\n{solved}      }}\n"),
    };
    format!(
        r"    {loop_}
{prepare}{unroll}      for (int i = lane; i < N; i += LANES) {{
{right}        if ({after_first}) for (int p = 0; p < N; ++p) sum -= {coupled} * x1[p];{skipped}
        y[i] = sum;
      }}
      {sync}
{solved}{unroll}      for (int i = lane; i < N; i += LANES) {older}x1[i] = y[i], {result} = y[i]{squared};
    }}
",
        loop_ = loops.forward,
        after_first = loops.after_first,
        coupled = below(solve, loops.earlier, "i * N + p"),
        older = older(solve),
        squared = if solve.right == Right::Slack { ", taken += y[i] * y[i]" } else { "" },
    )
}

/// The second half: adds the solution to the one so far or, of separators, leaves it in `swept`. `added` follows each step.
pub(super) fn backward(solve: &Solve<'_>, added: &str) -> String {
    let (sync, unroll, low) = (solve.sync(), solve.unroll(), solve.low());
    let loops = solve.loops();
    let swept = solve.vector(swept_in(solve), "t", "i");
    let v = |t: &str| solve.vector("v", t, "i");
    let further = match solve.extent {
        _ if solve.s.central => format!(
            "\n        if (t + 2 < steps) for (int p = 0; p < N; ++p) sum -= {} * x2[p];",
            below(solve, "t", "N * N + p * N + i")
        ),
        Extent::Segment => format!(
            "\n        if (first > 0) for (int p = 0; p < N; ++p) sum -= {} * before[p];",
            below(solve, "t", "N * N + p * N + i")
        ),
        _ => String::new(),
    };
    let result = match solve.extent {
        Extent::Separators => format!("{swept} = y[i];"),
        Extent::Whole if solve.right == Right::Slack => format!("{swept} = y[i];"),
        // The correction by itself too, for the residuals.
        _ if solve.keeps => format!("{swept} = y[i], {v_t} = pass == 0 ? y[i] : {v_t} + y[i];", v_t = v("t")),
        _ => format!("{v_t} = pass == 0 ? y[i] : {v_t} + y[i];", v_t = v("t")),
    };
    let begun = if solve.extent == Extent::Segment {
        format!(
            r"{unroll}    for (int i = lane; i < N; i += LANES) {{
      if (first > 0) before[i] = {before};
      if (end < steps) {{
        x1[i] = {after};
        {v_end} = pass == 0 ? x1[i] : {v_end} + x1[i];
      }}
    }}
",
            before = solve.vector("swept", "first - 1", "i"),
            after = solve.vector("swept", "end", "i"),
            v_end = v("end"),
        )
    } else {
        String::new()
    };
    format!(
        r"{begun}    {loop_}
      {sync}
{unroll}      for (int i = lane; i < N; i += LANES) {{
        {low} sum = {swept};
        if ({before_last}) for (int p = 0; p < N; ++p) sum -= {transposed} * x1[p];{further}
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
        {older}x1[i] = y[i];{bordered}
        {result}
      }}
{added}    }}
",
        loop_ = loops.backward,
        before_last = loops.before_last,
        transposed = below(solve, "t", "p * N + i"),
        pivot = solve.stored("t", "p * (p + 1) / 2 + p"),
        column = solve.stored("t", "p * (p + 1) / 2 + i"),
        older = older(solve),
        bordered = slack::bordered(solve),
    )
}

/// Where half solved systems are: the slack's column is solved for in one place.
fn swept_in(solve: &Solve<'_>) -> &'static str {
    if solve.right == Right::Slack { "border" } else { "swept" }
}

/// With central rows the solution one step away becomes that two steps away.
fn older(solve: &Solve<'_>) -> &'static str {
    if solve.s.central { "x2[i] = x1[i], " } else { "" }
}

/// The solution itself from the scaled one, where the step is no adjoint.
pub(super) fn unscaled(solve: &Solve<'_>) -> String {
    if solve.s.adjoint.is_some() {
        return String::new();
    }
    format!(
        "  {sync}\n  {loop_}\n{step}  }}\n",
        sync = solve.sync(),
        loop_ = solve.loops().forward,
        step = unscaled_step(solve),
    )
}

/// Whether a solution that is not finite is a failure of its kernel: with a factor in single precision that is for the second try to say.
pub(super) fn checks_solution(solve: &Solve<'_>) -> bool {
    solve.s.adjoint.is_none() && solve.precision != SolvePrecision::Mixed
}

/// The solution of step `t` in unknowns that are not scaled.
pub(super) fn unscaled_step(solve: &Solve<'_>) -> String {
    let (high, to) = (solve.high(), solve.narrowing());
    let scale = match solve.s.steps {
        StepSizes::One => String::new(),
        StepSizes::Intervals => {
            format!("    {high} scale[K];\n    powers<K>({to}(1 / interval(widths, steps, t)), scale);\n")
        }
        StepSizes::States => format!(
            "    {high} scale[N];\n{}    for (int d = 0; d < D; ++d) powers<K>({to}(1 / interval<D>(widths + d, steps, t)), scale + d * K);\n",
            solve.unroll()
        ),
    };
    // Times zero what is finite is zero. A difference would be rounded once where it is contracted, and not vanish.
    let check =
        if checks_solution(solve) { "\n      if (number * 0 != 0) atomicMin(status, system * steps + t);" } else { "" };
    format!(
        r"{scale}    for (int i = lane; i < N; i += LANES) {{
      const {high} number = {v_t} * {unit};
      u[(system * steps + t) * N + i] = number;{check}
    }}
",
        v_t = solve.vector("v", "t", "i"),
        unit = solve.unit("scale", "i", "i % K"),
    )
}

//! Gradients of a relaxed solve from its solution and the adjoint solution, one thread for each time step of a system.
//!
//! For a row `a` with residual `r` and `q = a z`: `rhs_adj = w^2 q`, `a_adj = w^2 (r z - q u)`. What all systems share is summed over
//! them in a tree. All of it is in double precision: residuals are differences of nearly equal numbers.

use super::super::generate::{Draft, Generator};
use super::super::prelude::BLOCK;
use super::{Solve, gradient_sums};
use crate::artifact::device::{Count, Memory};
use crate::artifact::{BufferIndex, BufferPlace, Size};
use crate::base::Elem;

/// Writes the kernels for those adjoints of `c`, `rhs`, `iv` and `h` that anybody reads.
pub(super) fn write(generator: &mut Generator<'_>, solve: &Solve<'_>, scaled: Memory, adjoints: [BufferIndex; 4]) {
    let s = solve.s;
    let [c, rhs, iv, h] = adjoints.map(|b| is_read(generator, b));
    let own_matrix = s.operands[0].1;
    let places = s.batch.times(&s.time);
    let equations = places.times(&Size::constant(s.equations as u64));
    // Residuals and applied rows, for coefficients that all systems share.
    let kept = (c && !own_matrix).then(|| [0, 1].map(|_| generator.scratch(Elem::F64, Count::of(equations.clone()))));
    // Each interval's own adjoint is the sum of nothing else.
    let direct = h && s.intervals && s.operands[3].1;
    let slopes = (h && !direct).then(|| generator.scratch(Elem::F64, Count::of(places.clone())));

    let mut parameters: Vec<_> =
        [(0, "c"), (1, "rhs"), (3, "h")].map(|(i, name)| solve.operand(generator, i, name)).into();
    parameters.push(generator.memory(Memory::Buffer(s.solution), "u", false));
    parameters.push(generator.memory(scaled, "v", false));
    let written = [(c && own_matrix, 0, "c_adj"), (rhs, 1, "rhs_adj"), (iv, 2, "iv_adj"), (direct, 3, "h_adj")];
    for (_, i, name) in written.into_iter().filter(|(wanted, ..)| *wanted) {
        parameters.push(generator.memory(Memory::Buffer(adjoints[i]), name, true));
    }
    for (memory, name) in kept.into_iter().flatten().zip(["kept_r", "kept_q"]) {
        parameters.push(generator.memory(memory, name, true));
    }
    parameters.extend(slopes.map(|memory| generator.memory(memory, "slopes", true)));
    parameters.extend(solve.sizes(s.batch.clone(), true));
    let body = body(solve, [c && own_matrix, rhs, iv, h], kept.is_some());
    generator.launch(Draft {
        suffix: format!("gradients{}", generator.origin),
        note: solve.describe("gradients of a relaxed solve"),
        block: BLOCK,
        resident: Some(solve.resident_gradients(BLOCK)),
        barriers: false,
        unrolled: false,
        parameters,
        threads: Count::of(places.clone()),
        body,
    });
    if let Some(kept) = kept {
        gradient_sums::shared_coefficients(generator, solve, scaled, kept, adjoints[0]);
    }
    if let Some(slopes) = slopes {
        gradient_sums::steps(generator, solve, slopes, adjoints[3]);
    }
}

fn is_read(generator: &Generator<'_>, buffer: BufferIndex) -> bool {
    let entry = generator.entry;
    entry.buffers.get(buffer).is_some_and(|b| b.place != BufferPlace::Temporary)
        || entry.steps.iter().skip(generator.origin + 1).any(|later| later.reads().contains(&buffer))
}

fn body(solve: &Solve<'_>, [c, rhs, iv, h]: [bool; 4], keep: bool) -> String {
    let s = solve.s;
    let of = if s.operands[0].1 { "system * E * steps * N + " } else { "" };
    let mut out = String::new();
    out.push_str(&solve.place());
    out.push_str(&solve.constants());
    out.push_str(&solve.place_of());
    out.push_str(&solve.scale());
    out.push_str(&solve.scale_at_step());
    let v = |t: &str, e: &str| solve.vector("v", t, e);
    if c || rhs || keep {
        out.push_str(&format!(
            r"  for (int e = 0; e < E; ++e) {{
    const double* row = c + {of}(e * steps + t) * N;
    double r = rhs[(system * E + e) * steps + t], q = 0;
    for (int i = 0; i < N; ++i) {{
      r -= row[i] * u[(system * steps + t) * N + i];
      q += row[i] * ({} * scale[i % K]);
    }}
    r *= we, q *= we;
",
            v("t", "i")
        ));
        if rhs {
            out.push_str("    rhs_adj[(system * E + e) * steps + t] = q;\n");
        }
        if c {
            out.push_str(&format!(
                "    for (int i = 0; i < N; ++i) c_adj[((system * E + e) * steps + t) * N + i] = r * ({} * scale[i % K]) - q * u[(system * steps + t) * N + i];\n",
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
      for (int k = 0; k < G; ++k) iv_adj[((system * start + t) * D + d) * G + k] = wi * {} * scale[k];
    }}
  }}
",
            v("t", "d * K + k")
        ));
    }
    if h {
        out.push_str(&if s.intervals { interval_slope(solve) } else { slope(solve) });
    }
    out
}

/// The derivative by the interval after this step: of the rows across it, and of the central rows around both of its ends.
fn interval_slope(solve: &Solve<'_>) -> String {
    let tag = &solve.rows.tag;
    let v = |t: &str, e: &str| solve.vector("v", t, e);
    let u = |t: &str, k: &str| format!("u[(system * steps + {t}) * N + d * K + {k}]");
    let central = if solve.s.central {
        let z =
            |t: &str, k: &str| format!("lowered({}, interval(widths, steps, {t}), {k})", v(t, &format!("d * K + {k}")));
        let around = |t: &str| {
            let (later, earlier) = (format!("{t} + 1"), format!("{t} - 1"));
            format!(
                "sum += central_slope_{tag}(widths[{earlier}] + widths[{t}], {} - {}, {}, {} - {}, {});",
                u(&format!("({later})"), "K - 2"),
                u(&format!("({earlier})"), "K - 2"),
                u(&format!("({t})"), "K - 1"),
                z(&later, "K - 2"),
                z(&earlier, "K - 2"),
                z(t, "K - 1"),
            )
        };
        format!("    if (t > 0) {}\n    if (t + 2 < steps) {}\n", around("t"), around("t + 1"))
    } else {
        String::new()
    };
    let place = if solve.s.operands[3].1 { "h_adj[system * (steps - 1) + t]" } else { "slopes[t * systems + system]" };
    format!(
        r"  if (t + 1 >= steps) return;
  double sum = 0;
#pragma unroll 1
  for (int d = 0; d < D; ++d) {{
    double x[K], xn[K], z[K], zn[K], r[R], q[R];
    for (int k = 0; k < K; ++k) {{
      x[k] = {} / scale[k];
      xn[k] = {} / scale[k];
      z[k] = {};
      zn[k] = {} * after[k];
    }}
    residuals_{tag}(x, xn, r);
    residuals_{tag}(z, zn, q);
    for (int i = 0; i < R; ++i) q[i] = -q[i];
    sum += slope_{tag}(r, q, x, xn, z, zn) / widths[t];
{central}  }}
  {place} = ws * sum;
",
        u("t", "k"),
        u("(t + 1)", "k"),
        v("t", "d * K + k"),
        v("t + 1", "d * K + k"),
    )
}

/// The derivative by the step: of the rows to the next step, and of the central row around this one.
fn slope(solve: &Solve<'_>) -> String {
    let tag = &solve.rows.tag;
    let v = |t: &str, e: &str| solve.vector("v", t, e);
    let u = |t: &str, k: &str| format!("u[(system * steps + {t}) * N + d * K + {k}] / scale[{k}]");
    let central = if solve.s.central {
        let z = |t: &str, k: &str| v(t, &format!("d * K + {k}"));
        format!(
            r"
    if (t > 0 && t + 1 < steps) {{
      const double du = {} - {}, dz = {} - {}, uc = {}, zc = {};
      const double r0 = -(outer * du - middle * uc), q0 = outer * dz - middle * zc;
      sum += (K - 3) * outer * (r0 * dz - q0 * du) - (K - 2) * middle * (r0 * zc - q0 * uc);
    }}",
            u("(t + 1)", "(K - 2)"),
            u("(t - 1)", "(K - 2)"),
            z("t + 1", "K - 2"),
            z("t - 1", "K - 2"),
            u("t", "(K - 1)"),
            z("t", "K - 1"),
        )
    } else {
        String::new()
    };
    format!(
        r"  double sum = 0;
#pragma unroll 1
  for (int d = 0; d < D; ++d) {{
    if (t + 1 < steps) {{
      double x[K], xn[K], z[K], zn[K], r[R], q[R];
      for (int k = 0; k < K; ++k) {{
        x[k] = {};
        xn[k] = {};
        z[k] = {};
        zn[k] = {};
      }}
      residuals_{tag}(x, xn, r);
      residuals_{tag}(z, zn, q);
      for (int i = 0; i < R; ++i) q[i] = -q[i];
      sum += slope_{tag}(r, q, x, xn, z, zn);
    }}{central}
  }}
  slopes[system * steps + t] = ws * sum / step;
",
        u("t", "k"),
        u("(t + 1)", "k"),
        v("t", "d * K + k"),
        v("t + 1", "d * K + k"),
    )
}

//! The smoothness rows of relaxed solves as device functions and tables, from the one place that knows their coefficients.

use super::text;
use crate::base::Elem;
use crate::solve::relaxed::{Scheme, SmoothRows};
use std::fmt::Write;

/// The rows for `orders` derivatives kept, and what their functions are called.
pub(super) struct Rows {
    /// Their coefficients.
    pub rows: SmoothRows,
    /// What the names of functions and tables end with.
    pub tag: String,
    orders: usize,
    /// The type of their numbers.
    elem: Elem,
}

impl Rows {
    /// The rows of the published set, with or without central rows, on numbers of this type.
    pub fn new(orders: usize, central: bool, elem: Elem) -> Rows {
        let rows = SmoothRows::new(orders, &Scheme { central, ..Scheme::published() });
        let narrow = if elem == Elem::F32 { "f" } else { "" };
        Rows { rows, tag: format!("k{orders}{}{narrow}", if central { "c" } else { "" }), orders, elem }
    }

    /// How many rows there are between two steps of a state.
    pub fn count(&self) -> usize {
        self.rows.rows.len()
    }

    /// All functions and tables, on derivatives scaled by powers of the step.
    pub fn text(&self) -> String {
        let (tag, k, real) = (&self.tag, self.orders, text::elem(self.elem));
        let mut out = String::new();
        let _ = writeln!(
            out,
            "// Smoothness rows for {k} derivatives kept, scaled by powers of the step: sums of their products."
        );
        for (name, table) in
            [("at_at", &self.rows.at_at), ("next_next", &self.rows.next_next), ("at_next", &self.rows.at_next)]
        {
            out.push_str(&self.table(name, table));
        }
        let _ = writeln!(out, "\n// Residuals of the rows between two steps.");
        let _ =
            writeln!(out, "__device__ inline void residuals_{tag}(const {real}* at, const {real}* next, {real}* r) {{");
        for (i, row) in self.rows.rows.iter().enumerate() {
            let sides = [("at", &row.at), ("next", &row.next)];
            let _ = writeln!(out, "  r[{i}] = -({});", terms(&sides, self.elem));
        }
        out.push_str("}\n");
        for side in ["at", "next"] {
            let _ = writeln!(
                out,
                "\n// Adds the rows' coefficients of the step {} them, times r.",
                if side == "at" { "before" } else { "after" }
            );
            let _ = writeln!(out, "__device__ inline void add_{side}_{tag}(const {real}* r, {real}* y) {{");
            for j in 0..k {
                let column: Vec<f64> =
                    self.rows.rows.iter().map(|row| if side == "at" { row.at[j] } else { row.next[j] }).collect();
                if column.iter().any(|x| *x != 0.0) {
                    let _ = writeln!(out, "  y[{j}] += {};", terms(&[("r", &column)], self.elem));
                }
            }
            out.push_str("}\n");
        }
        // Gradients are in double precision.
        if self.elem == Elem::F64 {
            out.push_str(&self.slope());
        }
        out
    }

    /// The rows' residuals as if with twice the digits, of derivatives in their own units.
    pub fn exact(&self) -> String {
        let (tag, k) = (&self.tag, self.orders);
        let mut out = format!(
            r"// Residuals of the rows between two steps h apart, as if with twice the digits; derivatives are not scaled.
__device__ inline void exact_residuals_{tag}(double h, const double* at, const double* next, double* r) {{
  double power[{k}] = {{1}}, error[{k}] = {{0}};
  for (int k = 1; k < {k}; ++k) next_power(power[k - 1], error[k - 1], h, power[k], error[k]);
"
        );
        for (i, row) in self.rows.rows.iter().enumerate() {
            let _ = writeln!(out, "  Compensated sum{i} = {{0, 0}};");
            for j in 0..k {
                for (name, side) in [("at", &row.at), ("next", &row.next)] {
                    let a = side[j];
                    if a != 0.0 {
                        let a = text::number(a, Elem::F64);
                        let _ = writeln!(out, "  take_power(sum{i}, {a}, power[{j}], error[{j}], {name}[{j}]);");
                    }
                }
            }
            let _ = writeln!(out, "  r[{i}] = sum{i}.sum + sum{i}.rest;");
        }
        out.push_str("}\n");
        out
    }

    /// The sums of the rows' coefficients: the slack's column.
    pub fn sums(&self) -> String {
        let comment = "// Sums of the rows' coefficients of the steps before and after them.\n".to_string();
        comment + &self.table("at_sum", &self.rows.at_sum) + &self.table("next_sum", &self.rows.next_sum)
    }

    fn table(&self, name: &str, table: &[f64]) -> String {
        let numbers: Vec<String> = table.iter().map(|x| text::number(*x, self.elem)).collect();
        let (tag, real) = (&self.tag, text::elem(self.elem));
        format!("__device__ const {real} {name}_{tag}[{}] = {{{}}};\n", table.len(), numbers.join(", "))
    }

    /// The rows' part of the gradient of the step size.
    fn slope(&self) -> String {
        let tag = &self.tag;
        let mut out = format!(
            r"
// h times the derivative by the step h of the rows' part of the adjoint, r being residuals of the solution v and
// q rows applied to the adjoint solution z.
__device__ inline double slope_{tag}(const double* r, const double* q, const double* v, const double* vn, const double* z, const double* zn) {{
  double sum = 0;
"
        );
        for (i, row) in self.rows.rows.iter().enumerate() {
            for (side, v, z) in [(&row.at, "v", "z"), (&row.next, "vn", "zn")] {
                for (j, a) in side.iter().enumerate().filter(|(j, a)| *j > 0 && **a != 0.0) {
                    let factor = text::number(j as f64 * a, Elem::F64);
                    let _ = writeln!(out, "  sum += {factor} * (r[{i}] * {z}[{j}] - q[{i}] * {v}[{j}]);");
                }
            }
        }
        out.push_str("  return sum;\n}\n");
        out
    }

    /// The central row where steps differ: its coefficients on scaled derivatives, and its part of the gradient.
    pub fn central_text(&self) -> String {
        let (tag, k, real) = (&self.tag, self.orders, text::elem(self.elem));
        // The sum of both intervals to the power K - 3.
        let outer = match k {
            2 => "1 / both".to_string(),
            3 => "1.0".to_string(),
            _ => vec!["both"; k - 3].join(" * "),
        };
        format!(
            r"// Coefficients of the central row around step t, scaled: of the steps before, at and after it.
template <int EACH = 1> __device__ inline void central_{tag}(const double* h, word steps, word t, {real}* row) {{
  const double both = h[(t - 1) * EACH] + h[t * EACH], outer = {outer};
  row[0] = -lowered(outer, interval<EACH>(h, steps, t - 1), {below});
  row[1] = -lowered(outer * both, interval<EACH>(h, steps, t), {top});
  row[2] = lowered(outer, interval<EACH>(h, steps, t + 1), {below});
}}

// The central row itself: du and top are the difference over both intervals of derivative {below} and derivative {top}.
__device__ inline double central_row_{tag}(double both, double du, double top) {{
  return {outer} * (du - both * top);
}}

// The derivative by both intervals' sum of the central row's part of the adjoint: du and top are the difference over both intervals of
// derivative {below} and derivative {top} of the solution, dz and top_z those of the adjoint solution, eps and eps_z the slacks of both.
__device__ inline double central_slope_{tag}(double both, double du, double top, double dz, double top_z, double eps, double eps_z) {{
  const double outer = {outer};
  const double r = -central_row_{tag}(both, du, top) - eps, q = central_row_{tag}(both, dz, top_z) + eps_z;
  const double by_difference = {degree} * outer / both, by_top = {below} * outer;
  return r * (by_difference * dz - by_top * top_z) - q * (by_difference * du - by_top * top);
}}
",
            below = k - 2,
            top = k - 1,
            degree = text::number(k as f64 - 3.0, Elem::F64),
        )
    }
}

/// What intervals of different lengths need.
pub(super) const INTERVALS: &str = r"// The interval after step t, or before the last one. A single step has none. Where states have their own there are EACH side by side.
template <int EACH = 1> __device__ inline double interval(const double* h, word steps, word t) {
  return steps < 2 ? 1.0 : h[(t + 1 < steps ? t : steps - 2) * EACH];
}

// Powers of x from 0 on.
template <int K, class T> __device__ inline void powers(T x, T* to) {
  to[0] = 1;
  for (int k = 1; k < K; ++k) to[k] = to[k - 1] * x;
}

// x / by^k
__device__ inline double lowered(double x, double by, int k) {
  for (; k > 0; --k) x /= by;
  return x;
}

// The interval after step t in units of what scales step t + 1.
template <int EACH = 1> __device__ inline double ratio(const double* h, word steps, word t) {
  return t + 1 < steps ? h[t * EACH] / interval<EACH>(h, steps, t + 1) : 1.0;
}
";

/// The sum of the products with constants that are not zero.
fn terms(sides: &[(&str, &Vec<f64>)], elem: Elem) -> String {
    let mut out = Vec::new();
    for (name, numbers) in sides {
        for (j, a) in numbers.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            out.push(if *a == 1.0 {
                format!("{name}[{j}]")
            } else {
                format!("{} * {name}[{j}]", text::number(*a, elem))
            });
        }
    }
    if out.is_empty() { text::number(0.0, elem) } else { out.join(" + ") }
}

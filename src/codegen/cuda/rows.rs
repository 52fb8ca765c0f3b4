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
}

impl Rows {
    /// The rows of the published set, with or without central rows.
    pub fn new(orders: usize, central: bool) -> Rows {
        let rows = SmoothRows::new(orders, &Scheme { central, ..Scheme::published() });
        Rows { rows, tag: format!("k{orders}{}", if central { "c" } else { "" }), orders }
    }

    /// How many rows there are between two steps of a state.
    pub fn count(&self) -> usize {
        self.rows.rows.len()
    }

    /// All functions and tables, on derivatives scaled by powers of the step.
    pub fn text(&self) -> String {
        let (tag, k) = (&self.tag, self.orders);
        let mut out = String::new();
        let _ = writeln!(
            out,
            "// Smoothness rows for {k} derivatives kept, scaled by powers of the step: sums of their products."
        );
        for (name, table) in
            [("at_at", &self.rows.at_at), ("next_next", &self.rows.next_next), ("at_next", &self.rows.at_next)]
        {
            let numbers: Vec<String> = table.iter().map(|x| text::number(*x, Elem::F64)).collect();
            let _ = writeln!(out, "__device__ const double {name}_{tag}[{}] = {{{}}};", k * k, numbers.join(", "));
        }
        let _ = writeln!(out, "\n// Residuals of the rows between two steps.");
        let _ =
            writeln!(out, "__device__ inline void residuals_{tag}(const double* at, const double* next, double* r) {{");
        for (i, row) in self.rows.rows.iter().enumerate() {
            let sides = [("at", &row.at), ("next", &row.next)];
            let _ = writeln!(out, "  r[{i}] = -({});", terms(&sides));
        }
        out.push_str("}\n");
        for side in ["at", "next"] {
            let _ = writeln!(
                out,
                "\n// Adds the rows' coefficients of the step {} them, times r.",
                if side == "at" { "before" } else { "after" }
            );
            let _ = writeln!(out, "__device__ inline void add_{side}_{tag}(const double* r, double* y) {{");
            for j in 0..k {
                let column: Vec<f64> =
                    self.rows.rows.iter().map(|row| if side == "at" { row.at[j] } else { row.next[j] }).collect();
                if column.iter().any(|x| *x != 0.0) {
                    let _ = writeln!(out, "  y[{j}] += {};", terms(&[("r", &column)]));
                }
            }
            out.push_str("}\n");
        }
        let _ = writeln!(
            out,
            "\n// h times the derivative by the step h of the rows' part of the adjoint, r being residuals of the solution v and"
        );
        let _ = writeln!(out, "// q rows applied to the adjoint solution z.");
        let _ = writeln!(
            out,
            "__device__ inline double slope_{tag}(const double* r, const double* q, const double* v, const double* vn, const double* z, const double* zn) {{"
        );
        let _ = writeln!(out, "  double sum = 0;");
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
}

/// The sum of the products with constants that are not zero.
fn terms(sides: &[(&str, &Vec<f64>)]) -> String {
    let mut out = Vec::new();
    for (name, numbers) in sides {
        for (j, a) in numbers.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            out.push(if *a == 1.0 {
                format!("{name}[{j}]")
            } else {
                format!("{} * {name}[{j}]", text::number(*a, Elem::F64))
            });
        }
    }
    if out.is_empty() { "0.0".to_string() } else { out.join(" + ") }
}

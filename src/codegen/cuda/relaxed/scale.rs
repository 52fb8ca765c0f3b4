//! Unknowns scaled by powers of the step, and equation rows in them.

use super::super::text;
use super::Solve;

impl Solve<'_> {
    /// Powers of the step, `u_k = scale[k] v_k`, and the central row: what all time steps share.
    pub fn scale(&self) -> String {
        let own = self.s.operands[3].1;
        if self.s.intervals {
            let of = if own { " + system * (steps - 1)" } else { "" };
            return format!("  const double* widths = h{of};  // of the intervals\n");
        }
        let at = if own { "[system]" } else { "[0]" };
        let high = self.high();
        let mut out = format!(
            "  const {high} step = h{at};\n  {high} scale[K];\n  scale[0] = 1;\n  for (int k = 1; k < K; ++k) scale[k] = scale[k - 1] / step;\n"
        );
        if self.s.central {
            let two = 2f64.powi(self.s.orders as i32 - 3);
            out.push_str(&format!(
                r"  // Coefficients of the central row, scaled: around the step before, this one and the next.
  const {high} outer = {} / step, middle = {} / step, central[3] = {{-outer, -middle, outer}};
  const {high} (&previous)[3] = central, (&here)[3] = central, (&following)[3] = central;
",
                text::number(two, self.high),
                text::number(2.0 * two, self.high)
            ));
        }
        out
    }

    /// The same for step `t` where steps differ. `v_k` of step `t + 1` has the factor `after[k]` in the rows between both, whose unit is
    /// the interval between them; `before` is that of the rows before.
    pub fn scale_at_step(&self) -> String {
        if !self.s.intervals {
            return String::new();
        }
        let (high, to) = (self.high(), self.narrowing());
        let mut out = format!(
            r"    {high} scale[K], before[K], after[K];
    powers({to}(1 / interval(widths, steps, t)), scale);
    powers({to}(t > 0 ? ratio(widths, steps, t - 1) : 1.0), before);
    powers({to}(ratio(widths, steps, t)), after);
"
        );
        if self.s.central {
            let tag = &self.rows.tag;
            out.push_str(&format!(
                r"    {high} previous[3] = {{}}, here[3] = {{}}, following[3] = {{}};
    if (t >= 2) central_{tag}(widths, steps, t - 1, previous);
    if (t >= 1 && t + 1 < steps) central_{tag}(widths, steps, t, here);
    if (t + 2 < steps) central_{tag}(widths, steps, t + 1, following);
"
            ));
        }
        out
    }

    /// `intervals` where steps differ, else `equal`.
    pub fn by_steps<'t>(&self, equal: &'t str, intervals: &'t str) -> &'t str {
        if self.s.intervals { intervals } else { equal }
    }

    /// The equation rows of step `t` in scaled unknowns, into `row`.
    pub fn equation_rows(&self) -> String {
        let of = if self.s.operands[0].1 { "system * E * steps * N + " } else { "" };
        let (unroll, to) = (self.unroll(), self.narrowing());
        format!(
            r"{unroll}    for (int e = lane; e < E * N; e += LANES) row[e] = {to}c[{of}((e / N) * steps + t) * N + e % N] * scale[e % K];
"
        )
    }
}

//! Unknowns scaled by powers of the step, and equation rows in them.

use super::super::text;
use super::Solve;
use crate::artifact::StepSizes;

impl Solve<'_> {
    /// Powers of the step, `u_k = scale[k] v_k`, and the central row: what all time steps share.
    pub fn scale(&self) -> String {
        let own = self.s.operands[3].1;
        if self.varied() {
            let of = match (own, self.of_states()) {
                (false, _) => "",
                (true, false) => " + system * (steps - 1)",
                (true, true) => " + system * (steps - 1) * D",
            };
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
        if !self.varied() {
            return String::new();
        }
        if self.of_states() {
            return self.scale_of_states();
        }
        let (high, to) = (self.high(), self.narrowing());
        let mut out = format!(
            r"    {high} scale[K], before[K], after[K];
    powers<K>({to}(1 / interval(widths, steps, t)), scale);
    powers<K>({to}(t > 0 ? ratio(widths, steps, t - 1) : 1.0), before);
    powers<K>({to}(ratio(widths, steps, t)), after);
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

    /// The same where the states' steps differ too: numbers of each unknown, and a central row of each state.
    fn scale_of_states(&self) -> String {
        let (high, to, unroll) = (self.high(), self.narrowing(), self.unroll());
        let (arrays, central) = match self.s.central {
            false => (String::new(), String::new()),
            true => (
                format!("    {high} previous[D][3] = {{}}, here[D][3] = {{}}, following[D][3] = {{}};\n"),
                format!(
                    r"
      if (t >= 2) central_{tag}<D>(widths + d, steps, t - 1, previous[d]);
      if (t >= 1 && t + 1 < steps) central_{tag}<D>(widths + d, steps, t, here[d]);
      if (t + 2 < steps) central_{tag}<D>(widths + d, steps, t + 1, following[d]);",
                    tag = self.rows.tag
                ),
            ),
        };
        format!(
            r"    {high} scale[N], before[N], after[N];
{arrays}{unroll}    for (int d = 0; d < D; ++d) {{
      powers<K>({to}(1 / interval<D>(widths + d, steps, t)), scale + d * K);
      powers<K>({to}(t > 0 ? ratio<D>(widths + d, steps, t - 1) : 1.0), before + d * K);
      powers<K>({to}(ratio<D>(widths + d, steps, t)), after + d * K);{central}
    }}
"
        )
    }

    /// Whether steps differ.
    pub fn varied(&self) -> bool {
        self.s.steps != StepSizes::One
    }

    /// Whether each state has its own steps.
    pub fn of_states(&self) -> bool {
        self.s.steps == StepSizes::States
    }

    /// What scales an unknown, of which `order` is the derivative: an element of `scale`, `before` or `after`.
    pub fn unit(&self, name: &str, unknown: &str, order: &str) -> String {
        format!("{name}[{}]", if self.of_states() { unknown } else { order })
    }

    /// The central row of a state: `previous`, `here` or `following`.
    pub fn around(&self, name: &str, state: &str) -> String {
        if self.of_states() { format!("{name}[{state}]") } else { name.to_string() }
    }

    /// A factor where steps differ, else nothing.
    pub fn by_steps(&self, factor: &str) -> String {
        if self.varied() { format!(" * {factor}") } else { String::new() }
    }

    /// The equation rows of step `t` in scaled unknowns, into `row`.
    pub fn equation_rows(&self) -> String {
        let of = if self.s.operands[0].1 { "system * E * steps * N + " } else { "" };
        let (unroll, to, scale) = (self.unroll(), self.narrowing(), self.unit("scale", "e % N", "e % K"));
        format!(
            r"{unroll}    for (int e = lane; e < E * N; e += LANES) row[e] = {to}c[{of}((e / N) * steps + t) * N + e % N] * {scale};
"
        )
    }
}

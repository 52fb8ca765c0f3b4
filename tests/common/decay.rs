//! A linear decay of two states, as a law that libraries of any degree are asked for.

/// A model file that simulates it with settings such as `steps 100; dt 0.1` and fits polynomials of a degree to that.
pub fn planar(degree: u32, simulated: &str) -> String {
    format!(
        "model Truth {{
  state x, y
  x' = -0.5*x + 0.2*y
  y' = 0.3*x - 0.8*y
  initial x = 2, y = 1
}}
model M {{
  state x, y
  (x, y)' = ?poly(x, y; degree = {degree})
}}
data d = simulate Truth {{ {simulated} }}
fit M to d
"
    )
}

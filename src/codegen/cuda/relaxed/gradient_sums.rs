//! Gradients of what several systems or steps share: sums in a tree, one block for each number.

use super::super::generate::{Draft, Generator, count};
use super::super::prelude::TREE;
use super::super::text;
use super::Solve;
use crate::artifact::device::{Count, Memory};
use crate::artifact::{BufferIndex, Size, StepSizes};

/// Adjoints of coefficients that all systems share: one block for each.
pub(super) fn shared_coefficients(
    generator: &mut Generator<'_>,
    solve: &Solve<'_>,
    scaled: Memory,
    [r, q]: [Memory; 2],
    c_adj: BufferIndex,
) {
    let s = solve.s;
    let own = s.operands[3].1;
    let step = match (s.steps, own) {
        (StepSizes::One, false) => "h[0]",
        (StepSizes::One, true) => "h[system]",
        (StepSizes::Intervals, false) => "interval(h, steps, t)",
        (StepSizes::Intervals, true) => "interval(h + system * (steps - 1), steps, t)",
        (StepSizes::States, false) => "interval<D>(h + i / K, steps, t)",
        (StepSizes::States, true) => "interval<D>(h + system * (steps - 1) * D + i / K, steps, t)",
    };
    // A division is a call, around which registers are spilled: outside of the loop where the step is the same for all systems.
    let scale = format!("double scale = 1;\n  for (int k = 0; k < i % K; ++k) scale /= {step};\n");
    let (once, each) = if own {
        (String::new(), format!("  {}", text::further_in(&scale)))
    } else {
        (format!("  {scale}"), String::new())
    };
    let body = format!(
        r"  __shared__ double shared[{TREE}];
{}  const word row = blockIdx.x / N, t = row % steps;
  const int i = blockIdx.x % N;
  double part = 0;
{once}  for (word system = threadIdx.x; system < systems; system += {TREE}) {{
{each}    part += kept_r[row * systems + system] * ({} * scale) - kept_q[row * systems + system] * u[(system * steps + t) * N + i];
  }}
  const double sum = tree_sum(part, shared);
  if (threadIdx.x == 0) c_adj[blockIdx.x] = sum;
",
        solve.constants(),
        solve.vector("v", "t", "i"),
    );
    let mut parameters = vec![
        solve.operand(generator, 3, "h"),
        generator.memory(Memory::Buffer(s.solution), "u", false),
        generator.memory(scaled, "v", false),
        generator.memory(r, "kept_r", false),
        generator.memory(q, "kept_q", false),
        generator.memory(Memory::Buffer(c_adj), "c_adj", true),
    ];
    parameters.extend(solve.sizes(s.batch.clone(), false));
    let results = s.time.times(&Size::constant((s.equations * solve.block()) as u64));
    generator.launch(Draft {
        suffix: format!("coefficients{}", generator.origin),
        note: solve.describe("gradients of shared coefficients"),
        block: TREE,
        resident: Some(solve.resident_gradients(TREE)),
        barriers: true,
        unrolled: false,
        parameters,
        threads: Count::of(results).times(Size::constant(u64::from(TREE)), u64::MAX),
        body,
    });
}

/// The adjoint of the step size: of one for all systems, of each system's own, or of each interval (and state) for all systems.
pub(super) fn steps(generator: &mut Generator<'_>, solve: &Solve<'_>, slopes: Memory, h_adj: BufferIndex) {
    let s = solve.s;
    let places = s.batch.times(&s.time);
    let states = if solve.of_states() { s.states } else { 1 };
    let (numbers, results) = match (solve.varied(), s.operands[3].1) {
        (true, _) => (s.batch.clone(), s.time.times(&Size::constant(states as u64))),
        (false, true) => (s.time.clone(), s.batch.clone()),
        (false, false) => (places, Size::ONE),
    };
    let bound = match s.steps {
        StepSizes::One => String::new(),
        StepSizes::Intervals => "  if (blockIdx.x + 1 >= steps) return;\n".to_string(),
        StepSizes::States => format!("  if (blockIdx.x / {states} + 1 >= steps) return;\n"),
    };
    let body = format!(
        r"  __shared__ double shared[{TREE}];
{bound}  double part = 0;
  for (word i = threadIdx.x; i < numbers; i += {TREE}) part += slopes[blockIdx.x * numbers + i];
  const double sum = tree_sum(part, shared);
  if (threadIdx.x == 0) h_adj[blockIdx.x] = sum;
"
    );
    let mut parameters = vec![
        generator.memory(slopes, "slopes", false),
        generator.memory(Memory::Buffer(h_adj), "h_adj", true),
        count("numbers", Count::of(numbers), "numbers of a sum"),
    ];
    if solve.varied() {
        parameters.push(count("steps", Count::of(s.time.clone()), "time steps"));
    }
    generator.launch(Draft {
        suffix: format!("step{}", generator.origin),
        note: "gradient of the step size".to_string(),
        block: TREE,
        resident: None,
        barriers: true,
        unrolled: false,
        parameters,
        threads: Count::of(results).times(Size::constant(u64::from(TREE)), u64::MAX),
        body,
    });
}

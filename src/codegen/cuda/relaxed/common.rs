//! What the kernels of one step have in common, and the order in which they run.

use super::super::generate::{Draft, Generator, Parameter, count, status};
use super::super::rows::{INTERVALS, Rows};
use super::super::text;
use super::{factor, gradients, substitute};
use crate::artifact::device::{Count, DeviceFailure, Memory};
use crate::artifact::{Size, SolveStep};
use crate::base::Elem;

/// Widest block of one thread in registers.
const WIDEST_UNROLLED: usize = 6;
/// Numbers in the shared memory that every device has: 48 KiB, some of it left free.
const SHARED_NUMBERS: usize = 6000;
/// Lanes of a system beyond registers.
const LANES: u32 = 32;
/// Threads of a block where each does a system: few, because they use many registers.
const SYSTEMS: u32 = 64;
/// Corrections of each solve: one recovers what the normal equations lose on well-scaled systems.
pub(super) const CORRECTIONS: u32 = 1;

/// A factor that is there already.
pub(in super::super) struct KeptFactor {
    of: (SolveStep, bool),
    memory: Memory,
}

/// The step of a solve or its adjoint.
pub(in super::super) fn step(generator: &mut Generator<'_>, s: &SolveStep) {
    let rows = Rows::new(s.orders, s.central);
    generator.function(&format!("rows_{}", rows.tag), || rows.text());
    if s.intervals {
        generator.function("intervals", || INTERVALS.to_string());
        if s.central {
            generator.function(&format!("central_{}", rows.tag), || rows.central_text());
        }
    }
    let solve = Solve::new(s, rows);
    let factor = solve.factor(generator);
    let scaled = generator.scratch(Elem::F64, Count::of(solve.unknowns()));
    substitute::write(generator, &solve, factor, scaled);
    if let Some((_, adjoints)) = s.adjoint {
        gradients::write(generator, &solve, scaled, adjoints);
    }
}

/// What the kernels of a step have in common.
pub(super) struct Solve<'s> {
    pub s: &'s SolveStep,
    pub rows: Rows,
    pub lanes: u32,
    /// Whether all systems have one matrix.
    pub shared: bool,
}

impl<'s> Solve<'s> {
    fn new(s: &'s SolveStep, rows: Rows) -> Self {
        let lanes = if s.states * s.orders > WIDEST_UNROLLED { LANES } else { 1 };
        let shared = !s.operands[0].1 && !s.operands[3].1;
        Solve { s, rows, lanes, shared }
    }

    pub fn block(&self) -> usize {
        self.s.states * self.s.orders
    }

    /// Numbers of a factor for each step: the triangle of the diagonal block, and the blocks that couple later steps with it.
    fn per_step(&self) -> usize {
        let n = self.block();
        n * (n + 1) / 2 + n * n * (1 + usize::from(self.s.central))
    }

    /// Numbers of the scaled solutions.
    pub fn unknowns(&self) -> Size {
        self.s.batch.times(&self.s.time).times(&Size::constant(self.block() as u64))
    }

    pub fn systems(&self) -> Size {
        if self.shared { Size::ONE } else { self.s.batch.clone() }
    }

    pub fn unrolled(&self) -> bool {
        self.block() <= WIDEST_UNROLLED
    }

    pub fn threads(&self, systems: Size) -> Count {
        Count::of(systems).times(Size::constant(u64::from(self.lanes)), u64::MAX)
    }

    pub fn threads_per_block(&self) -> u32 {
        if self.lanes > 1 { self.lanes } else { SYSTEMS }
    }

    pub fn describe(&self, what: &str) -> String {
        let s = self.s;
        format!(
            "{what}: blocks of {} ({} states, {} derivatives), {} equations{}{}",
            self.block(),
            s.states,
            s.orders,
            s.equations,
            if s.central { ", central rows" } else { "" },
            if self.shared { ", one matrix for all systems" } else { "" }
        )
    }

    /// Constants of a body.
    pub fn constants(&self) -> String {
        let s = self.s;
        let [we, wi, ws] = s.weights.map(|w| text::number(w * w, Elem::F64));
        format!(
            r"  enum {{ D = {}, K = {}, N = D * K, E = {}, G = {}, R = {}, LANES = {}, TRIANGLE = N * (N + 1) / 2, F = {} }};
  // Squared weights of equation, initial and smoothness rows.
  const double we = {we}, wi = {wi}, ws = {ws};
",
            s.states,
            s.orders,
            s.equations,
            s.given,
            self.rows.count().max(1),
            self.lanes,
            self.per_step(),
        )
    }

    /// Constants and the thread's place.
    pub fn head(&self) -> String {
        let place = if self.lanes > 1 {
            "  const word system = blockIdx.x;\n  const int lane = threadIdx.x;\n".to_string()
        } else {
            format!("  const word system = (word)blockIdx.x * {SYSTEMS} + threadIdx.x;\n  const int lane = 0;\n")
        };
        format!("{}{place}  if (system >= systems) return;\n", self.constants())
    }

    /// Powers of the step, `u_k = scale[k] v_k`, and the central row: what all time steps share.
    pub fn scale(&self) -> String {
        let own = self.s.operands[3].1;
        if self.s.intervals {
            let of = if own { " + system * (steps - 1)" } else { "" };
            return format!("  const double* widths = h{of};  // of the intervals\n");
        }
        let at = if own { "[system]" } else { "[0]" };
        let mut out = format!(
            "  const double step = h{at};\n  double scale[K];\n  scale[0] = 1;\n  for (int k = 1; k < K; ++k) scale[k] = scale[k - 1] / step;\n"
        );
        if self.s.central {
            let two = 2f64.powi(self.s.orders as i32 - 3);
            out.push_str(&format!(
                r"  // Coefficients of the central row, scaled: around the step before, this one and the next.
  const double outer = {} / step, middle = {} / step, central[3] = {{-outer, -middle, outer}};
  const double (&previous)[3] = central, (&here)[3] = central, (&following)[3] = central;
",
                text::number(two, Elem::F64),
                text::number(2.0 * two, Elem::F64)
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
        let mut out = r"    double scale[K], before[K], after[K];
    powers(1 / interval(widths, steps, t), scale);
    powers(t > 0 ? ratio(widths, steps, t - 1) : 1.0, before);
    powers(ratio(widths, steps, t), after);
"
        .to_string();
        if self.s.central {
            let tag = &self.rows.tag;
            out.push_str(&format!(
                r"    double previous[3] = {{}}, here[3] = {{}}, following[3] = {{}};
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

    /// Arrays that the lanes of a system share: registers of a single one, else shared memory, or memory of the device where that is too
    /// small. With it the numbers of such memory that a system needs.
    pub fn arrays(&self, arrays: &[(&str, usize)]) -> (String, usize) {
        let total: usize = arrays.iter().map(|(_, length)| length.max(&1)).sum();
        let outside = self.lanes > 1 && total > SHARED_NUMBERS;
        let (mut out, mut at) = (String::new(), 0);
        for (name, length) in arrays {
            // An array without elements is no array.
            let length = *length.max(&1);
            out.push_str(&match (self.lanes > 1, outside) {
                (_, true) => format!("  double* {name} = work + system * {total} + {at};\n"),
                (true, false) => format!("  __shared__ double {name}[{length}];\n"),
                (false, false) => format!("  double {name}[{length}];\n"),
            });
            at += length;
        }
        (out, if outside { total } else { 0 })
    }

    /// The device memory of [`Solve::arrays`] as a parameter, where it is needed.
    pub fn work(&self, generator: &mut Generator<'_>, systems: Size, each: usize) -> Option<Parameter> {
        if each == 0 {
            return None;
        }
        let memory = generator.scratch(Elem::F64, Count::of(systems.times(&Size::constant(each as u64))));
        Some(generator.memory(memory, "work", true))
    }

    pub fn sync(&self) -> &'static str {
        if self.lanes > 1 { "__syncthreads();" } else { "" }
    }

    pub fn unroll(&self) -> &'static str {
        if self.unrolled() { "#pragma unroll\n" } else { "" }
    }

    /// The element of the factor at `t`: one system's numbers lie together where lanes read them together.
    pub fn stored(&self, t: &str, e: &str) -> String {
        let system = if self.shared { "0" } else { "system" };
        let systems = if self.shared { "1" } else { "systems" };
        if self.lanes > 1 {
            format!("factor[({system} * steps + ({t})) * F + {e}]")
        } else {
            format!("factor[(({t}) * F + {e}) * {systems} + {system}]")
        }
    }

    /// The element of a scaled vector at `t`.
    pub fn vector(&self, name: &str, t: &str, e: &str) -> String {
        if self.lanes > 1 {
            format!("{name}[(system * steps + ({t})) * N + {e}]")
        } else {
            format!("{name}[(({t}) * N + {e}) * systems + system]")
        }
    }

    /// The equation rows of step `t` in scaled unknowns, into `row`.
    pub fn equation_rows(&self) -> String {
        let of = if self.s.operands[0].1 { "system * E * steps * N + " } else { "" };
        let unroll = self.unroll();
        format!(
            r"{unroll}    for (int e = lane; e < E * N; e += LANES) row[e] = c[{of}((e / N) * steps + t) * N + e % N] * scale[e % K];
"
        )
    }

    pub fn operand(&self, generator: &Generator<'_>, which: usize, name: &str) -> Parameter {
        generator.memory(Memory::Buffer(self.s.operands[which].0), name, false)
    }

    pub fn sizes(&self, systems: Size, start: bool) -> Vec<Parameter> {
        let mut out = vec![
            count("systems", Count::of(systems), "systems"),
            count("steps", Count::of(self.s.time.clone()), "time steps"),
        ];
        if start {
            out.push(count("start", Count::of(self.s.start.clone()), "steps with initial values"));
        }
        out
    }

    /// The factor of the step's matrices: the one at hand, or a new one.
    fn factor(&self, generator: &mut Generator<'_>) -> Memory {
        // Right-hand sides and initial values do not enter the matrix, whatever they are.
        let mut of = self.s.clone();
        of.operands[1] = (0, false);
        of.operands[2] = (0, false);
        of.solution = 0;
        of.adjoint = None;
        if self.shared {
            of.batch = Size::ONE;
        }
        let key = (of, self.shared);
        if let Some(kept) = generator.factors.iter().find(|f| f.of == key).map(|f| f.memory) {
            generator.keep(kept);
            return kept;
        }
        let per_step = self.per_step();
        let size = self.systems().times(&self.s.time).times(&Size::constant(per_step as u64));
        let memory = generator.scratch(Elem::F64, Count::of(size));
        let word = generator.check(DeviceFailure::Undetermined, self.s.time.clone());
        let (body, each) = factor::body(self);
        let mut parameters = vec![self.operand(generator, 0, "c"), self.operand(generator, 3, "h")];
        parameters.push(generator.memory(memory, "factor", true));
        parameters.extend(self.work(generator, self.systems(), each));
        parameters.extend(self.sizes(self.systems(), true));
        parameters.push(status(word));
        generator.launch(Draft {
            suffix: format!("factor{}", generator.origin),
            note: self.describe("factor of a relaxed solve"),
            block: self.threads_per_block(),
            barriers: self.lanes > 1,
            unrolled: self.unrolled(),
            parameters,
            threads: self.threads(self.systems()),
            body,
        });
        generator.factors.push(KeptFactor { of: key, memory });
        memory
    }
}

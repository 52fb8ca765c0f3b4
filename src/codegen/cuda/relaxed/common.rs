//! What the kernels of one step have in common, and the order in which they run.

use super::super::generate::{Draft, Generator, Parameter, count, status};
use super::super::rows::{INTERVALS, Rows};
use super::super::text;
use super::{factor, gradients, substitute};
use crate::artifact::device::{Count, DeviceFailure, Memory};
use crate::artifact::{Size, SolveStep};
use crate::base::{Elem, SolvePrecision};
use crate::solve::relaxed::{Border, Coefficients, DataRows, Precision, Problem, RowWeights, Scheme, Shape, Steps};

/// Widest block of one thread in registers, in double and in single precision.
const WIDEST_UNROLLED: [usize; 2] = [6, 8];
/// Numbers in the shared memory that every device has: 48 KiB, some of it left free.
const SHARED_NUMBERS: usize = 6000;
/// Lanes of a system beyond registers.
const LANES: u32 = 32;
/// Threads of a block where each does a system: few, because they use many registers.
const SYSTEMS: u32 = 64;
/// Corrections of each solve in double precision: one recovers what the normal equations lose on well-scaled systems.
const CORRECTIONS: usize = 1;

/// A factor that is there already.
pub(in super::super) struct KeptFactor {
    of: (SolveStep, bool),
    memory: Memory,
}

/// The step of a solve or its adjoint.
pub(in super::super) fn step(generator: &mut Generator<'_>, s: &SolveStep) {
    let shared = !s.operands[0].1 && !s.operands[3].1;
    let precision = match s.precision {
        // One factor for all systems costs nothing in double precision.
        SolvePrecision::Mixed if shared => SolvePrecision::F64,
        precision => precision,
    };
    let high = if precision == SolvePrecision::F32 { Elem::F32 } else { Elem::F64 };
    let rows = Rows::new(s.orders, s.central, high);
    generator.function(&format!("rows_{}", rows.tag), || rows.text());
    if s.intervals {
        generator.function("intervals", || INTERVALS.to_string());
        if s.central {
            generator.function(&format!("central_{}", rows.tag), || rows.central_text());
        }
    }
    let solve = Solve::new(s, rows, precision, shared);
    let factor = solve.factor(generator);
    let scaled = generator.scratch(high, Count::of(solve.unknowns()));
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
    /// The arithmetic.
    pub precision: SolvePrecision,
    /// The type of the factor and of substitutions.
    pub low: Elem,
    /// The type of rows, residuals and solutions.
    pub high: Elem,
    /// Whether all systems have one matrix.
    pub shared: bool,
}

impl<'s> Solve<'s> {
    fn new(s: &'s SolveStep, rows: Rows, precision: SolvePrecision, shared: bool) -> Self {
        let narrow = |narrow: bool| if narrow { Elem::F32 } else { Elem::F64 };
        let low = narrow(precision != SolvePrecision::F64);
        let high = narrow(precision == SolvePrecision::F32);
        let widest = WIDEST_UNROLLED[usize::from(high == Elem::F32)];
        let lanes = if s.states * s.orders > widest { LANES } else { 1 };
        Solve { s, rows, lanes, precision, low, high, shared }
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
        self.lanes == 1
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
            "{what}: blocks of {} ({} states, {} derivatives), {} equations{}{}{}",
            self.block(),
            s.states,
            s.orders,
            s.equations,
            if s.central { ", central rows" } else { "" },
            if self.shared { ", one matrix for all systems" } else { "" },
            match self.precision {
                SolvePrecision::F64 => "",
                SolvePrecision::F32 => ", single precision",
                SolvePrecision::Mixed => ", factor in single precision",
            }
        )
    }

    /// Constants of a body.
    pub fn constants(&self) -> String {
        let s = self.s;
        let [we, wi, ws] = s.weights.map(|w| text::number(w * w, self.high));
        let high = self.high();
        format!(
            r"  enum {{ D = {}, K = {}, N = D * K, E = {}, G = {}, R = {}, LANES = {}, TRIANGLE = N * (N + 1) / 2, F = {} }};
  // Squared weights of equation, initial and smoothness rows.
  const {high} we = {we}, wi = {wi}, ws = {ws};
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

    /// Arrays that the lanes of a system share, with their types: registers of a single one, else shared memory, or memory of the device
    /// where that is too small. With it the double numbers of such memory that a system needs.
    pub fn arrays(&self, arrays: &[(&str, Elem, usize)]) -> (String, usize) {
        let room = |elem: Elem, length: usize| (length.max(1) * elem.bytes()).div_ceil(Elem::F64.bytes());
        let total: usize = arrays.iter().map(|&(_, elem, length)| room(elem, length)).sum();
        let outside = self.lanes > 1 && total > SHARED_NUMBERS;
        let (mut out, mut at) = (String::new(), 0);
        for &(name, elem, length) in arrays {
            let real = text::elem(elem);
            // An array without elements is no array.
            let length = length.max(1);
            out.push_str(&match (self.lanes > 1, outside) {
                (_, true) if elem == Elem::F32 => {
                    format!("  float* {name} = (float*)(work + system * {total} + {at});\n")
                }
                (_, true) => format!("  {real}* {name} = work + system * {total} + {at};\n"),
                (true, false) => format!("  __shared__ {real} {name}[{length}];\n"),
                (false, false) => format!("  {real} {name}[{length}];\n"),
            });
            at += room(elem, length);
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

    /// The name of the type of the factor and of substitutions.
    pub fn low(&self) -> &'static str {
        text::elem(self.low)
    }

    /// The name of the type of rows, residuals and solutions.
    pub fn high(&self) -> &'static str {
        text::elem(self.high)
    }

    /// What makes a double number one of the rows' type: nothing where that is double.
    pub fn narrowing(&self) -> &'static str {
        if self.high == Elem::F32 { "(float)" } else { "" }
    }

    /// The most corrections of a solve. In single precision it ends before, where another would change nothing.
    pub fn corrections(&self) -> usize {
        let precision = match self.precision {
            SolvePrecision::F64 => return CORRECTIONS,
            SolvePrecision::F32 => Precision::Single,
            SolvePrecision::Mixed => Precision::Mixed,
        };
        // The host allows the most where systems are longest.
        let nothing: &[f64] = &[];
        let longest = Problem {
            shape: Shape {
                batch: 1,
                equations: 1,
                steps: usize::MAX,
                states: 1,
                orders: 1,
                initial_steps: 1,
                initial_orders: 1,
            },
            scheme: Scheme { precision, ..Scheme::published() },
            c: Coefficients::Shared(nothing),
            rhs: nothing,
            iv: nothing,
            h: Steps { values: nothing, per_sample: false, per_state: false },
            row_weights: RowWeights::default(),
            data: DataRows::default(),
            border: Border::default(),
        };
        longest.refinements()
    }

    pub fn sync(&self) -> &'static str {
        if self.lanes > 1 { "__syncthreads();" } else { "" }
    }

    /// What stands before a loop: with several lanes it stays one, since unrolled it would need more registers than there are.
    pub fn unroll(&self) -> &'static str {
        if self.unrolled() { "#pragma unroll\n" } else { "#pragma unroll 1\n" }
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
        let (unroll, to) = (self.unroll(), self.narrowing());
        format!(
            r"{unroll}    for (int e = lane; e < E * N; e += LANES) row[e] = {to}c[{of}((e / N) * steps + t) * N + e % N] * scale[e % K];
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
        let memory = generator.scratch(self.low, Count::of(size));
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

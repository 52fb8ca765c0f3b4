//! Moves of resident arrays as kernels.

use super::code::Code;
use super::compile::{CompileOptions, compile};
use super::device::Device;
use super::handles::{Function, Module, launch};
use super::{Cache, DeviceError};
use crate::runtime::collocate::Formula;
use crate::runtime::moves::Move;
use crate::runtime::store::Store;
use crate::runtime::{RuntimeError, View};

/// Threads of a block.
const BLOCK: u32 = 128;

/// The source of the kernels that move resident arrays, one for each kind of [`Move`]. Every parameter has 64 bits.
pub const MOVES: &str = r#"// Moves of resident arrays.
typedef unsigned long long word;

// out[s, i, k] = table[first[s] + i, k]
extern "C" __global__ void __launch_bounds__(128) move_gather(const double* table, const double* first, double* out,
                                                              word count, word length, word width, word rows) {
    const word i = (word)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const word each = length * width;
    word row = (word)first[i / each];
    if (row > rows - length) row = rows - length;
    out[i] = table[row * width + i % each];
}

// out = table[at]
extern "C" __global__ void __launch_bounds__(128) move_row(const double* table, const double* at, double* out, word rows,
                                                           word width) {
    const word i = (word)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= width) return;
    word row = (word)at[0];
    if (row >= rows) row = rows - 1;
    out[i] = table[row * width + i];
}

// history[at] = value; at = at + 1
extern "C" __global__ void __launch_bounds__(128) move_append(const double* value, double* history, double* at, word count) {
    if (blockIdx.x != 0 || threadIdx.x != 0) return;
    const word k = (word)at[0];
    if (k < count) history[k] = value[0];
    at[0] = (double)(k + 1);
}

extern "C" __global__ void __launch_bounds__(128) move_round(const double* from, float* to, word count) {
    const word i = (word)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) to[i] = (float)from[i];
}

extern "C" __global__ void __launch_bounds__(128) move_bound(double* value, const double* lower, const double* upper,
                                                             word count) {
    const word i = (word)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) value[i] = fmin(fmax(value[i], lower[i]), upper[i]);
}

// Formulas of collocation; one thread for each sample, or each link, of a component.
extern "C" __global__ void __launch_bounds__(128) move_shift(const double* x, const double* f, double* out, word count, word share) {
    const word i = (word)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) out[i] = x[i] + __longlong_as_double(share) * f[i];
}

extern "C" __global__ void __launch_bounds__(128) move_slope(const double* plus, const double* minus, double* out, word count,
                                                             word eps) {
    const word i = (word)blockIdx.x * blockDim.x + threadIdx.x;
    const double distance = 2.0 * __longlong_as_double(eps);
    if (i < count) out[i] = plus[i] / distance - minus[i] / distance;
}

extern "C" __global__ void __launch_bounds__(128) move_middle(const double* x, const double* f, const double* steps, double* out,
                                                              word count, word links) {
    const word m = (word)blockIdx.x * blockDim.x + threadIdx.x;
    if (m >= count) return;
    const word i = m / links * (links + 1) + m % links;
    const double h = steps[m % links];
    out[m] = 0.5 * (x[i] + x[i + 1]) + h / 8.0 * (f[i] - f[i + 1]);
}

extern "C" __global__ void __launch_bounds__(128) move_quintic(const double* x, const double* f, const double* g, const double* steps,
                                                               double* out, word count, word links) {
    const word m = (word)blockIdx.x * blockDim.x + threadIdx.x;
    if (m >= count) return;
    const word i = m / links * (links + 1) + m % links;
    const double h = steps[m % links];
    out[m] = 0.5 * (x[i] + x[i + 1]) + 5.0 * h / 32.0 * (f[i] - f[i + 1]) + h * h / 64.0 * (g[i] + g[i + 1]);
}

extern "C" __global__ void __launch_bounds__(128) move_defect(const double* x, const double* f, const double* middle,
                                                              const double* steps, double* out, word count, word links) {
    const word m = (word)blockIdx.x * blockDim.x + threadIdx.x;
    if (m >= count) return;
    const word t = m % links, c = m / links, i = c * (links + 1) + t;
    const double h = steps[t];
    out[t * (count / links) + c] = h > 0.0 ? x[i + 1] - x[i] - h / 6.0 * (f[i] + 4.0 * middle[m] + f[i + 1]) : 0.0;
}

extern "C" __global__ void __launch_bounds__(128) move_correction(const double* f, const double* g, const double* low,
                                                                  const double* high, const double* steps, double* out,
                                                                  word count, word links) {
    const word m = (word)blockIdx.x * blockDim.x + threadIdx.x;
    if (m >= count) return;
    const word t = m % links, c = m / links, i = c * (links + 1) + t;
    const double h = steps[t];
    const double fourth = h / 6.0 * (f[i] + 4.0 * low[m] + f[i + 1]);
    const double sixth = h / 30.0 * (7.0 * f[i] + 16.0 * high[m] + 7.0 * f[i + 1]) + h * h / 60.0 * (g[i] - g[i + 1]);
    out[t * (count / links) + c] = h > 0.0 ? fourth - sixth : 0.0;
}
"#;

/// The kernels' names, in the order of [`Moves::functions`].
const NAMES: [&str; 11] = [
    "move_gather",
    "move_row",
    "move_append",
    "move_round",
    "move_bound",
    "move_shift",
    "move_slope",
    "move_middle",
    "move_quintic",
    "move_defect",
    "move_correction",
];

/// The kernels, loaded.
pub(in crate::runtime) struct Moves {
    device: Device,
    functions: Vec<Function>,
    // Dropped after what uses it.
    _module: Module,
}

impl Moves {
    /// Compiles the kernels for `device`, or takes them from `cache`, and loads them.
    pub fn new(device: &Device, cache: &Cache) -> Result<Moves, RuntimeError> {
        let options = CompileOptions { architecture: device.info().architecture(), contract: true };
        let compiled = compile("moves", MOVES, &options, cache)?;
        let module = Module::new(device, &compiled.cubin)?;
        let functions = NAMES.iter().map(|name| module.function(name)).collect::<Result<Vec<_>, _>>()?;
        Ok(Moves { device: device.clone(), functions, _module: module })
    }

    /// Where they run.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What a move launches: kernel, threads and arguments.
    pub fn plan(store: &Store, what: &Move) -> Result<MoveLaunch, RuntimeError> {
        let at = |view: &View| store.address(view);
        let word = |n: usize| n as u64;
        let size = |view: &View, axis: usize| view.shape().get(axis).map_or(1, |&n| n as u64);
        let (kernel, threads, arguments) = match what {
            Move::Gather { table, first, out } => {
                let sizes = [word(out.len()), size(out, 1), size(out, 2), size(table, 0)];
                (0, out.len(), [&[at(table)?, at(first)?, at(out)?][..], &sizes].concat())
            }
            Move::Row { table, at: row, out } => {
                (1, out.len(), vec![at(table)?, at(row)?, at(out)?, size(table, 0), size(table, 1)])
            }
            Move::Append { value, history, at: k } => {
                (2, 1, vec![at(value)?, at(history)?, at(k)?, word(history.len())])
            }
            Move::Round { from, to } => (3, to.len(), vec![at(from)?, at(to)?, word(to.len())]),
            Move::Bound { value, lower, upper } => {
                (4, value.len(), vec![at(value)?, at(lower)?, at(upper)?, word(value.len())])
            }
            Move::Collocate(c) => {
                let [_, links, _] = c.sizes().ok_or_else(|| c.formula.unlike())?;
                let last = if c.formula.of_samples() { c.formula.number().to_bits() } else { word(links) };
                let arrays = c.from.iter().chain([&c.out]).map(at).collect::<Result<Vec<u64>, _>>()?;
                (kernel_of(c.formula), c.out.len(), [&arrays[..], &[word(c.out.len()), last]].concat())
            }
        };
        Ok(MoveLaunch { kernel, threads: word(threads), arguments })
    }

    /// Does a move, in order with everything else on the stream.
    pub fn apply(&self, store: &Store, what: &Move) -> Result<(), RuntimeError> {
        self.device.bind()?;
        Ok(self.put(&Moves::plan(store, what)?)?)
    }

    /// Puts a move on the stream.
    pub fn put(&self, what: &MoveLaunch) -> Result<(), DeviceError> {
        if what.threads == 0 {
            return Ok(());
        }
        let blocks = Code::blocks(NAMES[what.kernel], what.threads, BLOCK)?;
        // SAFETY: `plan` lists the arguments of each kernel, which stays within the sizes it is given; `Move::check` has held those
        // against the arrays.
        unsafe { launch(&self.device, self.functions[what.kernel], (blocks, BLOCK), &what.arguments) }
    }
}

/// The kernel of a formula.
fn kernel_of(formula: Formula) -> usize {
    match formula {
        Formula::Shift { .. } => 5,
        Formula::Slope { .. } => 6,
        Formula::Middle => 7,
        Formula::QuinticMiddle => 8,
        Formula::Defect => 9,
        Formula::Correction => 10,
    }
}

/// A move ready to be launched.
pub(in crate::runtime) struct MoveLaunch {
    kernel: usize,
    threads: u64,
    arguments: Vec<u64>,
}

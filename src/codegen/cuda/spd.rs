//! Masked symmetric positive definite solves, one block for each system.
//!
//! The text does what the host does: the unknowns scaled so that the diagonal is one, a Cholesky factor in double precision, and for
//! the adjoint `n_adj = -(z x' + x z') / 2`, `r_adj = z` where nothing is masked.

use super::generate::{Draft, Generator, count, status};
use super::text;
use crate::artifact::device::{Count, DeviceFailure};
use crate::artifact::{Size, SpdStep};
use crate::base::Elem;

/// Threads of a system.
const LANES: u32 = 64;

/// The step of a solve or its adjoint.
pub(super) fn step(generator: &mut Generator<'_>, s: &SpdStep) {
    let square = s.unknowns.times(&s.unknowns);
    let factor = generator.scratch(Elem::F64, Count::of(s.batch.times(&square)));
    let vectors = generator.scratch(Elem::F64, Count::of(s.batch.times(&s.unknowns).times(&Size::constant(2))));
    let word = generator.check(DeviceFailure::NotPositiveDefinite, Size::ONE);
    let of = |batched: bool, size: &str| if batched { format!(" + system * {size}") } else { String::new() };
    let ty = text::elem(s.elem);
    let store = match s.adjoint {
        None => format!("  for (word i = lane; i < k; i += {LANES}) out[system * k + i] = ({ty})(x[i] * scale[i]);\n"),
        Some(_) => format!(
            r"  for (word i = lane; i < k; i += {LANES}) x[i] *= scale[i];
  __syncthreads();
  for (word i = lane; i < k; i += {LANES}) r_adj[system * k + i] = ({ty})x[i];
  const {ty}* solved = solution + system * k;
  for (word e = lane; e < k * k; e += {LANES}) {{
    const word i = e / k, j = e % k;
    const double both = x[i] * (double)solved[j] + (double)solved[i] * x[j];
    n_adj[system * k * k + e] = ({ty})(-0.5 * ((double)m[i] * (double)m[j]) * both);
  }}
"
        ),
    };
    let body = format!(
        r"  const word system = blockIdx.x, lane = threadIdx.x;
  const {ty}* n = matrix{matrix_of};
  const {ty}* m = mask{mask_of};
  double* l = factor + system * k * k;
  double* x = vectors + system * 2 * k;
  double* scale = x + k;
  // The symmetric part, with ones on the diagonal of what is masked.
  for (word e = lane; e < k * k; e += {LANES}) {{
    const word i = e / k, j = e % k;
    const double symmetric = 0.5 * ((double)n[i * k + j] + (double)n[j * k + i]);
    l[e] = (double)m[i] * (double)m[j] * symmetric + (i == j ? 1 - (double)m[i] : 0.0);
  }}
  __syncthreads();
  for (word i = lane; i < k; i += {LANES}) {{
    const double diagonal = l[i * k + i];
    if (!(diagonal > 0 && diagonal < 1.0 / 0.0)) atomicMin(status, system);
    scale[i] = 1 / sqrt(diagonal);
    x[i] = (double)m[i] * (double)rhs[system * k + i] * scale[i];
  }}
  __syncthreads();
  for (word e = lane; e < k * k; e += {LANES}) l[e] = l[e] * scale[e / k] * scale[e % k];
  __syncthreads();
  // The factor, and the right-hand side with it.
  for (word p = 0; p < k; ++p) {{
    const double pivot = l[p * k + p];
    if (lane == 0 && !(pivot > 0 && pivot < 1.0 / 0.0)) atomicMin(status, system);
    const double root = sqrt(pivot), solved = x[p] / root;
    __syncthreads();
    if (lane == 0) l[p * k + p] = root, x[p] = solved;
    for (word i = p + 1 + lane; i < k; i += {LANES}) {{
      l[i * k + p] /= root;
      x[i] -= l[i * k + p] * solved;
    }}
    __syncthreads();
    const word rest = k - p - 1;
    for (word e = lane; e < rest * rest; e += {LANES}) {{
      const word i = p + 1 + e / rest, j = p + 1 + e % rest;
      if (j <= i) l[i * k + j] -= l[i * k + p] * l[j * k + p];
    }}
    __syncthreads();
  }}
  for (word q = k; q > 0; --q) {{
    const word p = q - 1;
    const double solved = x[p] / l[p * k + p];
    __syncthreads();
    if (lane == 0) x[p] = solved;
    for (word i = lane; i < p; i += {LANES}) x[i] -= l[p * k + i] * solved;
    __syncthreads();
  }}
{store}",
        matrix_of = of(s.matrix.1, "k * k"),
        mask_of = of(s.mask.1, "k"),
    );
    let memory = |generator: &Generator<'_>, buffer: usize, name: &str, written: bool| {
        generator.memory(crate::artifact::device::Memory::Buffer(buffer), name, written)
    };
    let mut parameters = vec![
        memory(generator, s.matrix.0, "matrix", false),
        memory(generator, s.mask.0, "mask", false),
        memory(generator, s.rhs, "rhs", false),
    ];
    match s.adjoint {
        None => parameters.push(memory(generator, s.solution, "out", true)),
        Some([n_adj, r_adj]) => {
            parameters.push(memory(generator, s.solution, "solution", false));
            parameters.push(memory(generator, n_adj, "n_adj", true));
            parameters.push(memory(generator, r_adj, "r_adj", true));
        }
    }
    parameters.push(generator.memory(factor, "factor", true));
    parameters.push(generator.memory(vectors, "vectors", true));
    parameters.push(count("k", Count::of(s.unknowns.clone()), "unknowns"));
    parameters.push(status(word));
    let name = if s.adjoint.is_some() { "spd_adjoint" } else { "spd" };
    generator.launch(Draft {
        suffix: format!("{name}{}", generator.origin),
        note: match s.adjoint {
            None => "symmetric positive definite solve".to_string(),
            Some(_) => "adjoint of a symmetric positive definite solve".to_string(),
        },
        block: LANES,
        resident: None,
        barriers: true,
        unrolled: false,
        parameters,
        threads: Count::of(s.batch.clone()).times(Size::constant(u64::from(LANES)), u64::MAX),
        body,
    });
}

//! Whether the corrections of a solve whose start leaves much open have settled, by the rule of the host: where more than a share of the solution would still be wrong
//! the normal matrix is too little, and the processor has to factor the rows.

use super::super::generate::{Draft, Generator, Parameter, status_as};
use super::super::prelude::TREE;
use super::super::text;
use super::Solve;
use super::extent::Extent;
use super::solves::Places;
use crate::artifact::Size;
use crate::artifact::device::{Count, DeviceFailure, Memory};
use crate::base::Elem;
use crate::solve::relaxed::{SETTLED, SLOWEST};

/// What a solve tells of its corrections.
#[derive(Clone, Copy)]
pub(super) struct Settled {
    /// The squared size of each system's first correction.
    sizes: Memory,
    /// The word of the status.
    word: usize,
}

impl Settled {
    pub fn new(generator: &mut Generator<'_>, solve: &Solve<'_>) -> Settled {
        let systems = Count::of(solve.s.batch.clone());
        let sizes = generator.scratch(Elem::F64, solve.regimes.only(systems, solve.extent != Extent::Whole));
        Settled { sizes, word: generator.check(DeviceFailure::Unsettled, Size::ONE) }
    }
}

/// The text that lowers the word `unsettled` where what is still wrong after corrections of the squared sizes `before` and `last` is too large a share of a solution of the
/// squared size `whole`. What a correction leaves is `last r / (1 - r)` where `r` is what it is of the one before, and no rate is worse than that of rounding errors, about one.
pub(super) fn check(before: &str, last: &str, whole: &str) -> String {
    let share = text::number(SETTLED, Elem::F64);
    let slowest = text::number(SLOWEST, Elem::F64);
    format!(
        r"    const double rate = {last} > 0 ? minimum(sqrt({last} / {before}), {slowest}) : 0;
    if (sqrt({last}) * rate > {share} * (1 - rate) * sqrt({whole})) atomicMin(unsettled, system);
"
    )
}

/// Writes the kernel that takes note of the first correction, and judges the last one: a block for each system.
pub(super) fn write(
    generator: &mut Generator<'_>,
    solve: &Solve<'_>,
    places: Places,
    settled: Settled,
    (pass, note): (Parameter, &str),
) {
    let at = |name: &str| match solve.unrolled {
        true => format!("{name}[i * systems + system]"),
        false => format!("{name}[system * numbers + i]"),
    };
    let (correction, solution) = (at("swept"), at("v"));
    let body = format!(
        r"  __shared__ double shared[{TREE}];
  const word system = blockIdx.x, numbers = steps * {n};
  double of_correction = 0, of_solution = 0;
  for (word i = threadIdx.x; i < numbers; i += {TREE}) {{
    of_correction += {correction} * {correction};
    of_solution += {solution} * {solution};
  }}
  const double last = tree_sum(of_correction, shared);
  __syncthreads();
  const double whole = tree_sum(of_solution, shared);
  if (threadIdx.x > 0) return;
  if (pass < {corrections}) {{
    sizes[system] = last;
  }} else {{
    const double before = sizes[system];
{check}  }}
",
        n = solve.block(),
        corrections = solve.corrections(),
        check = check("before", "last", "whole"),
    );
    let threads = Count::of(solve.s.batch.clone()).times(Size::constant(u64::from(TREE)), u64::MAX);
    let mut parameters = vec![
        generator.memory(places.scaled, "v", false),
        generator.memory(places.swept, "swept", false),
        generator.memory(settled.sizes, "sizes", true),
    ];
    parameters.extend(solve.sizes(solve.s.batch.clone(), false));
    parameters.push(pass);
    parameters.push(status_as("unsettled", settled.word));
    generator.launch(Draft {
        suffix: format!("settled{}", generator.origin),
        note: solve.describe_extent(note),
        block: TREE,
        resident: None,
        barriers: true,
        unrolled: false,
        parameters,
        threads: solve.regimes.only(threads, solve.extent != Extent::Whole),
        body,
    });
}

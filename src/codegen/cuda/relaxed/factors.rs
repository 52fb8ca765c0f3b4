//! Factors of a step's matrices: the one at hand, or a new one.

use super::super::generate::Generator;
use super::Solve;
use super::extent::Extent;
use super::slack::{self, Slack};
use super::{factor, substitute};
use crate::artifact::device::Memory;
use crate::artifact::{Size, SolveStep};

/// A factor that is there already.
pub(super) struct KeptFactor {
    of: SolveStep,
    shared: bool,
    cut: bool,
    made: Factored,
}

/// What factors leave in memory.
#[derive(Clone, Copy)]
pub(super) struct Factored {
    /// The factor itself.
    pub factor: Memory,
    /// What the slack needs.
    pub slack: Option<Slack>,
}

/// The factor of the step's matrices for systems that are done whole, or cut in time.
pub(super) fn of(generator: &mut Generator<'_>, solve: &Solve<'_>, cut: bool) -> Factored {
    // Right-hand sides and initial values do not enter the matrix, whatever they are.
    let mut of = solve.s.clone();
    of.operands[1] = (0, false);
    of.operands[2] = (0, false);
    of.solution = 0;
    of.adjoint = None;
    // How many systems one matrix serves only matters where it decides on a cut.
    let by_size = [true, false].into_iter().all(|cut| solve.regimes.may(cut));
    if solve.shared && !by_size {
        of.batch = Size::ONE;
    }
    let same = |f: &&KeptFactor| f.of == of && f.shared == solve.shared && f.cut == cut;
    if let Some(kept) = generator.known.factors.iter().find(same).map(|f| f.made) {
        generator.keep(kept.factor);
        kept.slack.into_iter().for_each(|slack| slack.keep(generator));
        return kept;
    }
    let solve = if cut { solve.over(Extent::Segment) } else { *solve };
    let memory = generator.scratch(solve.low, solve.regimes.only(solve.factor_size(), cut));
    factor::write(generator, &solve, memory);
    if cut {
        couplings(generator, &solve.over(Extent::Number(solve.block())), memory);
        corners(generator, &solve.over(Extent::Number(solve.block() * (solve.block() + 1) / 2)), memory);
        // What fails in a segment fails here too, at a step before it; the status of the segments is looked at first.
        factor::write(generator, &solve.over(Extent::Separators), memory);
    }
    let made = Factored { factor: memory, slack: slack::write(generator, &solve, memory) };
    generator.known.factors.push(KeptFactor { of, shared: solve.shared, cut, made });
    made
}

/// What couples each step of a segment with the separator before it: the first half of a substitution for each row of that block. At the
/// separator after the segment it is what couples both separators.
fn couplings(generator: &mut Generator<'_>, solve: &Solve<'_>, factor: Memory) {
    let (arrays, _) = solve.arrays(&substitute::arrays(solve));
    let mut body = solve.head();
    let mut parameters = Vec::new();
    if solve.varied() {
        parameters.push(solve.operand(generator, 3, "h"));
        body.push_str(&solve.scale());
        body.push_str(&format!("    const word t = first - 1;\n{}", solve.scale_at_step()));
    }
    body.push_str(&arrays);
    body.push_str(&substitute::forward(solve));
    parameters.push(generator.memory(factor, "factor", true));
    parameters.extend(solve.sizes(solve.matrices(), false));
    let names = ("couplings", "couplings of segments with the steps before them");
    solve.launch(generator, names, solve.matrices(), parameters, body);
}

/// What each segment takes from the diagonal block of the separator before it.
fn corners(generator: &mut Generator<'_>, solve: &Solve<'_>, factor: Memory) {
    let row = |i: &str| substitute::below(solve, "t", &format!("N * N + {i} * N + p"));
    let body = format!(
        r"{head}  int i = 0, j = number;
  while (j > i) j -= ++i;
  {low} sum = 0;
  for (word t = first; t < end; ++t) {{
    for (int p = 0; p < N; ++p) sum += {} * {};
  }}
  {before} -= sum;
",
        row("i"),
        row("j"),
        head = solve.head(),
        low = solve.low(),
        before = solve.stored("first - 1", "number"),
    );
    let mut parameters = vec![generator.memory(factor, "factor", true)];
    parameters.extend(solve.sizes(solve.matrices(), false));
    let names = ("corners", "what segments take from the blocks of the steps before them");
    solve.launch(generator, names, solve.matrices(), parameters, body);
}

//! Solves and adjoint solves: the kernel that does each system as a whole, and those that do it pass by pass, or its segments at once.

use super::super::generate::{Draft, Generator, Parameter, count, status, status_as};
use super::super::prelude::BLOCK;
use super::Solve;
use super::corrections::Sizes;
use super::extent::Extent;
use super::factors::Factored;
use super::settled::{self, Settled};
use super::{kept_rows, residuals, slack, substitute};
use crate::artifact::Size;
use crate::artifact::device::{Count, DeviceFailure, Memory};

/// Where solves have their numbers.
#[derive(Clone, Copy)]
pub(super) struct Places {
    /// The factor, and what a slack needs.
    pub made: Factored,
    /// Half solved systems.
    pub swept: Memory,
    /// The scaled solution.
    pub scaled: Memory,
}

/// What a kernel is called, and what it does, for a solve and for its adjoint.
type Names = [(&'static str, &'static str); 2];

/// Writes the kernel for whole systems: the scaled solution, and the solution itself where the step is no adjoint.
pub(super) fn whole(generator: &mut Generator<'_>, solve: &Solve<'_>, places: Places) {
    let Sizes { before, begun, added, ended, after } = Sizes::new(solve);
    let mut list = [residuals::arrays(solve), substitute::arrays(solve)].concat();
    list.extend(slack::shares(solve));
    let (arrays, each) = solve.arrays(&list);
    let mut body = solve.head();
    body.push_str(&solve.scale());
    body.push_str(&arrays);
    body.push_str(&before);
    body.push_str(&slack::before(solve));
    // The compiler would write each of two passes out, which takes it as long again.
    body.push_str(&format!(
        "#pragma unroll 1\n  for (int pass = 0; pass <= {}; ++pass) {{\n{begun}",
        solve.corrections()
    ));
    body.push_str(&slack::begun(solve));
    body.push_str(&substitute::forward(solve));
    body.push_str(&slack::between(solve));
    body.push_str(&substitute::backward(solve, &added));
    body.push_str(&format!("{ended}  }}\n"));
    body.push_str(&after);
    body.push_str(&substitute::unscaled(solve));
    let mut parameters = right_hand_sides(generator, solve);
    parameters.extend(numbers(generator, places, [Some(false), Some(true), Some(true)]));
    parameters.extend(places.made.slack.into_iter().flat_map(|slack| slack.parameters(generator)));
    parameters.extend(solution(generator, solve));
    parameters.extend(solve.work(generator, solve.s.batch.clone(), each));
    parameters.extend(solve.sizes(solve.s.batch.clone(), true));
    if let Some(failure) = solve.unsettled() {
        let name = if failure == DeviceFailure::Unsettled { "unsettled" } else { "status" };
        parameters.push(status_as(name, generator.check(failure, Size::ONE)));
    }
    parameters.extend(solution_check(generator, solve));
    let names = [("solve", "relaxed solve"), ("adjoint", "adjoint of a relaxed solve")];
    launch(generator, solve, names, parameters, body);
}

/// Writes the kernels for solves that keep the residuals of rows, pass by pass: the substitution, of whole systems in one kernel, and the residuals. Where time is
/// cut the substitution is its first half in all segments, what each takes from the separator before it, the separators, and the second half in all segments.
pub(super) fn by_passes(generator: &mut Generator<'_>, solve: &Solve<'_>, places: Places, rows: Memory) {
    let last = solve.corrections();
    let settled = solve.open.then(|| Settled::new(generator, solve));
    for pass in 0..=last {
        match solve.extent {
            Extent::Segment => cut_substitution(generator, solve, places, rows, pass),
            _ => whole_substitution(generator, solve, places, rows, pass),
        }
        kept_rows::write(generator, solve, places, rows, pass);
        if let Some(settled) = settled.filter(|_| pass > 0) {
            let note =
                if pass < last { "the size of the first correction" } else { "whether the corrections have settled" };
            settled::write(generator, solve, places, settled, (pass_of(pass), note));
        }
    }
    if solve.s.adjoint.is_none() {
        unscaled(generator, solve, places);
    }
}

fn pass_of(pass: usize) -> Parameter {
    count("pass", Count::of(Size::constant(pass as u64)), "corrections before")
}

/// Both halves of the substitution of a pass, in whole systems.
fn whole_substitution(generator: &mut Generator<'_>, solve: &Solve<'_>, places: Places, rows: Memory, pass: usize) {
    let (arrays, each) = solve.arrays(&[residuals::arrays(solve), substitute::arrays(solve)].concat());
    let halves = [substitute::forward(solve), substitute::backward(solve, "")].concat();
    let body = [solve.head(), solve.scale(), arrays, halves].concat();
    let mut parameters = right_hand_sides(generator, solve);
    parameters.extend(numbers(generator, places, [Some(false), Some(true), Some(true)]));
    parameters.push(generator.memory(rows, "residuals", false));
    parameters.extend(solve.work(generator, solve.s.batch.clone(), each));
    parameters.extend(solve.sizes(solve.s.batch.clone(), true));
    parameters.push(pass_of(pass));
    let names = [("pass", "a pass of a relaxed solve"), ("adjoint_pass", "a pass of an adjoint of a relaxed solve")];
    launch(generator, solve, names, parameters, body);
}

/// Those of systems that are cut.
fn cut_substitution(generator: &mut Generator<'_>, segment: &Solve<'_>, places: Places, rows: Memory, pass: usize) {
    let [number, separators] = [Extent::Number(segment.block()), Extent::Separators].map(|e| segment.over(e));
    let systems = &segment.s.batch;

    let (arrays, each) = segment.arrays(&[residuals::arrays(segment), substitute::arrays(segment)].concat());
    let body = [segment.head(), segment.scale(), arrays, substitute::forward(segment)].concat();
    let mut parameters = right_hand_sides(generator, segment);
    parameters.extend(numbers(generator, places, [Some(false), Some(true), Some(false)]));
    parameters.push(generator.memory(rows, "residuals", false));
    parameters.extend(segment.work(generator, systems.clone(), each));
    parameters.extend(segment.sizes(systems.clone(), true));
    parameters.push(pass_of(pass));
    let names = [("first_half", "first half of a solve"), ("adjoint_first_half", "first half of an adjoint")];
    launch(generator, segment, names, parameters, body);

    let mut parameters = numbers(generator, places, [Some(false), Some(true), None]);
    parameters.extend(number.sizes(systems.clone(), false));
    let names = [("taken", "what segments take from the separators before them"); 2];
    launch(generator, &number, names, parameters, taken_from_vector(&number));

    let (arrays, each) = separators.arrays(&substitute::arrays(&separators));
    let halves = [substitute::forward(&separators), substitute::backward(&separators, "")].concat();
    let body = [separators.head(), arrays, halves].concat();
    let mut parameters = numbers(generator, places, [Some(false), Some(true), None]);
    parameters.extend(separators.work(generator, systems.clone(), each));
    parameters.extend(separators.sizes(systems.clone(), false));
    let names = [("joined", "solve for the steps between segments"); 2];
    launch(generator, &separators, names, parameters, body);

    let mut list = substitute::arrays(segment);
    list.push(("before", segment.low, segment.block()));
    let (arrays, each) = segment.arrays(&list);
    let body = [segment.head(), arrays, substitute::backward(segment, "")].concat();
    let mut parameters = numbers(generator, places, [Some(false), Some(true), Some(true)]);
    parameters.extend(segment.work(generator, systems.clone(), each));
    parameters.extend(segment.sizes(systems.clone(), false));
    parameters.push(pass_of(pass));
    let names = [("second_half", "second half of a solve"), ("adjoint_second_half", "second half of an adjoint")];
    launch(generator, segment, names, parameters, body);
}

/// The solution itself from the scaled one, one thread for each time step: a kernel of its own, since in the last pass it would be another text
/// of all of that.
fn unscaled(generator: &mut Generator<'_>, solve: &Solve<'_>, places: Places) {
    let one = Solve { lanes: 1, ..*solve };
    let body = format!(
        "{}{}{}  const int lane = 0;\n{}{}",
        solve.place(),
        one.constants(),
        solve.place_of(),
        one.scale(),
        substitute::unscaled_step(&one)
    );
    let mut parameters = vec![solve.operand(generator, 3, "h")];
    parameters.extend(numbers(generator, places, [None, None, Some(false)]));
    parameters.extend(solution(generator, solve));
    parameters.extend(solve.sizes(solve.s.batch.clone(), false));
    parameters.extend(solution_check(generator, solve));
    let threads = Count::of(solve.s.batch.times(&solve.s.time));
    generator.launch(Draft {
        suffix: format!("solution{}", generator.origin),
        note: solve.describe_extent("the solution in its own units"),
        block: BLOCK,
        resident: None,
        barriers: false,
        unrolled: false,
        parameters,
        threads: solve.regimes.only(threads, solve.extent != Extent::Whole),
        body,
    });
}

/// What a segment takes from one number of the separator before it.
fn taken_from_vector(solve: &Solve<'_>) -> String {
    format!(
        r"{head}  {high} sum = 0;
  for (word t = first; t < end; ++t) {{
    for (int p = 0; p < N; ++p) sum += {row} * {swept};
  }}
  {before} -= sum;
",
        head = solve.head(),
        high = solve.high(),
        row = substitute::below(solve, "t", "N * N + number * N + p"),
        swept = solve.vector("swept", "t", "p"),
        before = solve.vector("swept", "first - 1", "number"),
    )
}

/// Matrix and right-hand sides as parameters.
fn right_hand_sides(generator: &Generator<'_>, solve: &Solve<'_>) -> Vec<Parameter> {
    let mut out = vec![solve.operand(generator, 0, "c"), solve.operand(generator, 3, "h")];
    match solve.s.adjoint {
        None => out.extend([solve.operand(generator, 1, "rhs"), solve.operand(generator, 2, "iv")]),
        Some((u_adj, _)) => out.push(generator.memory(Memory::Buffer(u_adj), "u_adj", false)),
    }
    out
}

/// The solution as a parameter, where the step is no adjoint.
fn solution(generator: &Generator<'_>, solve: &Solve<'_>) -> Option<Parameter> {
    let s = solve.s;
    s.adjoint.is_none().then(|| generator.memory(Memory::Buffer(s.solution), "u", true))
}

/// The word of the status that tells of a solution that is not finite, where that is looked for.
fn solution_check(generator: &mut Generator<'_>, solve: &Solve<'_>) -> Option<Parameter> {
    let checked = substitute::checks_solution(solve);
    checked.then(|| status(generator.check(DeviceFailure::NotFinite, solve.s.time.clone())))
}

/// Factor, half solved systems and scaled solution as parameters: whether each is written, or nothing.
fn numbers(generator: &Generator<'_>, places: Places, written: [Option<bool>; 3]) -> Vec<Parameter> {
    let all = [(places.made.factor, "factor"), (places.swept, "swept"), (places.scaled, "v")];
    let given = all.into_iter().zip(written);
    given.filter_map(|((memory, name), written)| Some(generator.memory(memory, name, written?))).collect()
}

fn launch(generator: &mut Generator<'_>, solve: &Solve<'_>, names: Names, parameters: Vec<Parameter>, body: String) {
    let names = names[usize::from(solve.s.adjoint.is_some())];
    solve.launch(generator, names, solve.s.batch.clone(), parameters, body);
}

//! Relaxed solves and their gradients on one thread, with memory that is kept between calls and, as published, no corrections. With a constant matrix
//! the factor is made once outside the measurement. `mechc bench solve` measures other threads and corrections.

use std::fmt;

use divan::Bencher;
use divan::counter::ItemsCount;
use mechc::driver::{SolveBench, random_case};
use mechc::solve::relaxed::{Gradients, Scheme, Solution, Upstream, Wanted, factor};

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(THREADS).build_global().expect("the first pool of this process");
    divan::main();
}

const THREADS: usize = 1;

/// Systems of a size.
#[derive(Clone, Copy)]
struct Size {
    batch: usize,
    states: usize,
    equations: usize,
    steps: usize,
    constant: bool,
}

impl fmt::Display for Size {
    /// Unknowns of a step, steps, systems, and whether each has a matrix of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = if self.constant { "constant" } else { "own" };
        write!(f, "n={} T={} B={} {own}", 3 * self.states, self.steps, self.batch)
    }
}

const fn size(batch: usize, states: usize, steps: usize, constant: bool) -> Size {
    Size { batch, states, equations: states, steps, constant }
}

/// Every state with two derivatives: blocks of 3, 6 and 12.
const SIZES: [Size; 6] = [
    size(1536, 1, 50, true),
    size(1536, 1, 50, false),
    size(512, 2, 100, false),
    size(64, 4, 1000, false),
    size(1, 4, 1000, false),
    size(1, 1, 100_000, false),
];

fn bench(size: Size) -> SolveBench {
    SolveBench {
        batch: size.batch,
        states: size.states,
        highest: 2,
        equations: size.equations,
        steps: size.steps,
        scheme: Scheme::published(),
        constant_matrix: size.constant,
        weights: false,
        threads: THREADS,
        repeat: None,
    }
}

#[divan::bench(args = SIZES, sample_count = 20)]
fn forward(bencher: Bencher<'_, '_>, size: Size) {
    let case = random_case(&bench(size));
    let problem = case.problem();
    let mut factor = factor(&problem).expect("regular systems");
    let mut solution = Solution::default();
    bencher.counter(ItemsCount::new(size.batch)).bench_local(|| {
        if size.constant {
            return factor.solve_into(&problem, &mut solution).expect("finite solutions");
        }
        factor.refactor_and_solve_into(&problem, &mut solution).expect("finite solutions");
    });
}

#[divan::bench(args = SIZES, sample_count = 20)]
fn backward(bencher: Bencher<'_, '_>, size: Size) {
    let case = random_case(&bench(size));
    let problem = case.problem();
    let factor = factor(&problem).expect("regular systems");
    let solution = factor.solve(&problem).expect("finite solutions");
    let upstream = Upstream { u: case.upstream.as_deref().expect("the case has one"), ..Upstream::default() };
    // Those of the inputs, as training asks for them.
    let wanted = Wanted { weights: false, row_weights: false, ..Wanted::ALL };
    let mut gradients = Gradients::default();
    bencher.counter(ItemsCount::new(size.batch)).bench_local(|| {
        factor.adjoint_into(&problem, &solution, upstream, wanted, &mut gradients).expect("finite gradients");
    });
}

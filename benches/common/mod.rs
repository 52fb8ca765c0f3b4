//! What several benchmarks share: sizes of the performance table, and how fast the cores are at the moment.

use std::hint::black_box;
use std::time::{Duration, Instant};

use mechc::driver::{SolveBench, random_case};
use mechc::solve::relaxed::{Gradients, Scheme, Solution, SolveError, Upstream, Wanted, factor};

/// Time without a look at the cores, or that of one repeat where it takes longer.
const UNWATCHED: Duration = Duration::from_millis(4);
/// Time before the first repeat that counts.
const WARM_UP: Duration = Duration::from_millis(200);

/// Systems of `states` states with two derivatives kept and an equation for each state, as published: no corrections, no gradients of weights.
pub fn published(batch: usize, states: usize, steps: usize, constant_matrix: bool, threads: usize) -> SolveBench {
    SolveBench {
        batch,
        states,
        highest: 2,
        equations: states,
        steps,
        scheme: Scheme::published(),
        constant_matrix,
        weights: false,
        threads,
        repeat: None,
    }
}

/// The median; not a number without any.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let half = numbers.len() / 2;
    match numbers.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => numbers[half],
        _ => 0.5 * (numbers[half - 1] + numbers[half]),
    }
}

/// Thousand million operations a second of the slowest of the current pool's threads, from a millisecond or so of eight chains of rotations and
/// additions.
///
/// Nearly four instructions of it go through a core at a time, as many as of a solve, so that it is slow where another machine runs on the second hardware thread of
/// a core. A loop of fused products is not: it leaves that thread most of the instructions that a core can take.
pub fn core_speed() -> f64 {
    const ROUNDS: u64 = 500_000;
    let of_thread = |_: rayon::BroadcastContext<'_>| {
        let mut chains: [u64; 8] = black_box([1, 2, 3, 4, 5, 6, 7, 8]);
        let started = Instant::now();
        for round in 0..ROUNDS {
            for x in &mut chains {
                *x = x.rotate_left(7).wrapping_add(round);
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        black_box(chains);
        2.0 * chains.len() as f64 * ROUNDS as f64 / seconds / 1e9
    };
    rayon::broadcast(of_thread).into_iter().fold(f64::INFINITY, f64::min)
}

/// A forward and a backward pass.
pub struct Repeat {
    /// Milliseconds.
    pub forward: f64,
    /// Milliseconds.
    pub backward: f64,
    /// [`core_speed`] before or after, whichever is less.
    pub speed: f64,
}

impl Repeat {
    /// Milliseconds of both.
    pub fn sum(&self) -> f64 {
        self.forward + self.backward
    }
}

/// Solves `row` and takes its gradients for so many seconds and at least `least` times in the current pool, in memory that is kept.
pub fn repeats(row: &SolveBench, seconds: f64, least: usize) -> Result<Vec<Repeat>, SolveError> {
    let case = random_case(row);
    let problem = case.problem();
    let mut factor = factor(&problem)?;
    let mut solution = Solution::default();
    let mut gradients = Gradients::default();
    let upstream = Upstream { u: case.upstream.as_deref().unwrap_or_default(), ..Upstream::default() };
    let wanted = Wanted { weights: false, row_weights: false, ..Wanted::ALL };
    let mut one = || -> Result<(f64, f64), SolveError> {
        let started = Instant::now();
        match row.constant_matrix {
            true => factor.solve_into(&problem, &mut solution)?,
            false => factor.refactor_and_solve_into(&problem, &mut solution)?,
        }
        let forward = started.elapsed();
        factor.adjoint_into(&problem, &solution, upstream, wanted, &mut gradients)?;
        let ms = |time: Duration| 1e3 * time.as_secs_f64();
        Ok((ms(forward), ms(started.elapsed() - forward)))
    };
    let started = Instant::now();
    while started.elapsed() < WARM_UP {
        one()?;
    }
    let mut all = Vec::new();
    let mut before = core_speed();
    let started = Instant::now();
    while started.elapsed().as_secs_f64() < seconds || all.len() < least {
        let watch = Instant::now();
        let from = all.len();
        while watch.elapsed() < UNWATCHED {
            let (forward, backward) = one()?;
            all.push(Repeat { forward, backward, speed: before });
        }
        let after = core_speed();
        for repeat in &mut all[from..] {
            repeat.speed = repeat.speed.min(after);
        }
        before = after;
    }
    Ok(all)
}

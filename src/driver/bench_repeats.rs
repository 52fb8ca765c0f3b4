//! Solves and gradients that are done again and again, in memory that is kept.

use super::case::Case;
use super::case_failure::Failed;
use crate::solve::relaxed::{Factor, Gradients, Problem, Solution, SolveError, Upstream, Wanted, factor};

/// A factor and a solution that repeats use again.
struct Solved {
    factor: Factor,
    solution: Solution,
}

impl Solved {
    fn new(problem: &Problem) -> Result<Self, SolveError> {
        Ok(Solved { factor: factor(problem)?, solution: Solution::default() })
    }

    fn again(&mut self, problem: &Problem) -> Result<(), SolveError> {
        match problem.constant_matrix() {
            true => self.factor.solve_into(problem, &mut self.solution),
            false => self.factor.refactor_and_solve_into(problem, &mut self.solution),
        }
    }
}

/// What `mechc solve` does with a case, again and again.
pub(super) struct Repeats<'a> {
    problem: Problem<'a>,
    solved: Solved,
    /// Where gradients are taken in another precision: the problem in it, and the solve that comes before them.
    before_gradients: Option<(Problem<'a>, Solved)>,
    upstream: Upstream<'a>,
    wanted: Wanted,
    gradients: Gradients,
}

impl<'a> Repeats<'a> {
    pub fn new(case: &'a Case, wanted: Wanted) -> Result<Self, Failed> {
        let problem = case.problem();
        let in_own = Problem { scheme: problem.scheme.of_gradients(), ..problem };
        let solved = |problem: &Problem| Solved::new(problem).map_err(Failed::by(problem.scheme));
        Ok(Repeats {
            problem,
            solved: solved(&problem)?,
            before_gradients: match in_own.scheme.precision == problem.scheme.precision {
                true => None,
                false => Some((in_own, solved(&in_own)?)),
            },
            upstream: Upstream { u: case.upstream.as_deref().unwrap_or_default(), ..Upstream::default() },
            wanted,
            gradients: Gradients::default(),
        })
    }

    /// The solution.
    pub fn forward(&mut self) -> Result<(), Failed> {
        self.solved.again(&self.problem).map_err(Failed::by(self.problem.scheme))
    }

    /// The gradients.
    pub fn backward(&mut self) -> Result<(), Failed> {
        let (problem, solved) = match &mut self.before_gradients {
            None => (&self.problem, &self.solved),
            Some((problem, solved)) => {
                solved.again(problem).map_err(Failed::by(problem.scheme))?;
                (&*problem, &*solved)
            }
        };
        let Solved { factor, solution } = solved;
        factor
            .adjoint_into(problem, solution, self.upstream, self.wanted, &mut self.gradients)
            .map_err(Failed::by(problem.scheme))
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench_solve::{SolveBench, random_case};
    use super::*;
    use crate::solve::relaxed::{Precision, Scheme};

    /// Gradients of a bench of three systems with corrections.
    fn gradients(precision: Precision, constant_matrix: bool) -> (Case, Gradients) {
        let bench = SolveBench {
            batch: 3,
            states: 1,
            highest: 3,
            equations: 1,
            steps: 30,
            scheme: Scheme { precision, refinements: 2, ..Scheme::published() },
            constant_matrix,
            weights: true,
            threads: 1,
            repeat: Some(1),
        };
        let case = random_case(&bench);
        let mut all = Repeats::new(&case, Wanted::ALL).expect("regular systems");
        for _ in 0..2 {
            all.forward().and_then(|()| all.backward()).expect("regular systems");
        }
        let gradients = all.gradients;
        (case, gradients)
    }

    #[test]
    fn gradients_of_single_precision_are_those_that_the_command_makes() {
        for constant_matrix in [false, true] {
            let (case, of_single) = gradients(Precision::Single, constant_matrix);
            assert_eq!(of_single, gradients(Precision::Mixed, constant_matrix).1);
            // In single precision itself they would be others.
            let problem = case.problem();
            let made = factor(&problem).expect("regular systems");
            let solution = made.solve(&problem).expect("a solution");
            let upstream = case.upstream.as_deref().expect("an upstream gradient");
            let itself = made.adjoint(&problem, &solution, upstream, None, Wanted::ALL).expect("gradients");
            assert_ne!(of_single.c, itself.c);
        }
    }
}

//! Against a dense inverse of the whole matrix, with columns dropped; thread counts; systems that have no solution.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// A random system made from rows of a least-squares programme that reach over two steps and the border.
struct Case {
    shape: ArrowShape,
    /// For each step: `A`, `C`, `B`, `g`.
    steps: Vec<[Vec<f64>; 4]>,
    border: Vec<f64>,
    border_rhs: Vec<f64>,
}

impl Case {
    fn new(steps: usize, block: usize, border: usize, seed: u64) -> Self {
        let shape = ArrowShape { steps, block, border };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut random = |n: usize| -> Vec<f64> { (0..n).map(|_| 2.0 * rng.random::<f64>() - 1.0).collect() };
        let (n, p) = (block, border);
        let mut case = Case {
            shape,
            steps: (0..steps).map(|_| [n * n, n * n, n * p, n].map(|len| vec![0.0; len])).collect(),
            border: vec![0.0; p * p],
            border_rhs: vec![0.0; p],
        };
        for t in 0..steps {
            for _ in 0..2 * n + p.div_ceil(steps) + 1 {
                // One row: entries in step t, in step t + 1, in the border, and its right-hand side.
                let (here, there, shared, b) = (random(n), random(n), random(p), random(1)[0]);
                let last = t + 1 == steps;
                let mut outer = |t: usize, which: usize, left: &[f64], right: &[f64]| {
                    for (i, a) in left.iter().enumerate() {
                        for (j, x) in right.iter().enumerate() {
                            case.steps[t][which][i * right.len() + j] += a * x;
                        }
                    }
                };
                outer(t, 0, &here, &here);
                outer(t, 2, &here, &shared);
                outer(t, 3, &here, &[b]);
                if !last {
                    outer(t + 1, 0, &there, &there);
                    outer(t, 1, &there, &here);
                    outer(t + 1, 2, &there, &shared);
                    outer(t + 1, 3, &there, &[b]);
                }
                for i in 0..p {
                    (0..p).for_each(|j| case.border[i * p + j] += shared[i] * shared[j]);
                    case.border_rhs[i] += shared[i] * b;
                }
            }
        }
        case
    }

    fn fill(&self, t: usize, block: &mut StepBlock) {
        let [a, c, b, g] = &self.steps[t];
        let n = self.shape.block;
        for i in 0..n {
            // Only the upper triangle is read.
            for j in 0..n {
                block.diagonal[i * n + j] = if j >= i { a[i * n + j] } else { 77.0 };
            }
        }
        block.coupling.copy_from_slice(c);
        block.border.copy_from_slice(b);
        block.rhs.copy_from_slice(g);
    }

    fn factor(&self) -> Result<ArrowFactor, ArrowError> {
        let mut factor = ArrowFactor::new(self.shape)?;
        factor.factor(&self.border, &self.border_rhs, |t, block| self.fill(t, block))?;
        Ok(factor)
    }

    /// The whole matrix and its right-hand side with the kept border columns.
    fn dense(&self, kept: &[usize]) -> (Vec<Vec<f64>>, Vec<f64>) {
        let ArrowShape { steps, block: n, border: p } = self.shape;
        let size = steps * n + kept.len();
        let (mut m, mut rhs) = (vec![vec![0.0; size]; size], vec![0.0; size]);
        for (t, [a, c, b, g]) in self.steps.iter().enumerate() {
            for i in 0..n {
                for j in 0..n {
                    m[t * n + i][t * n + j] = a[i * n + j];
                    if t + 1 < steps {
                        m[(t + 1) * n + i][t * n + j] = c[i * n + j];
                        m[t * n + j][(t + 1) * n + i] = c[i * n + j];
                    }
                }
                for (k, &column) in kept.iter().enumerate() {
                    m[t * n + i][steps * n + k] = b[i * p + column];
                    m[steps * n + k][t * n + i] = b[i * p + column];
                }
                rhs[t * n + i] = g[i];
            }
        }
        for (k, &row) in kept.iter().enumerate() {
            for (l, &column) in kept.iter().enumerate() {
                m[steps * n + k][steps * n + l] = self.border[row * p + column];
            }
            rhs[steps * n + k] = self.border_rhs[row];
        }
        (m, rhs)
    }
}

/// Inverse and logarithm of the determinant by Gauss-Jordan elimination with pivoting.
fn invert(m: &[Vec<f64>]) -> (Vec<Vec<f64>>, f64) {
    let n = m.len();
    let mut wide: Vec<Vec<f64>> = m
        .iter()
        .enumerate()
        .map(|(i, row)| row.iter().copied().chain((0..n).map(|j| if i == j { 1.0 } else { 0.0 })).collect())
        .collect();
    let mut log_determinant = 0.0;
    for i in 0..n {
        let p = (i..n).max_by(|&a, &b| wide[a][i].abs().total_cmp(&wide[b][i].abs())).unwrap();
        wide.swap(i, p);
        let pivot = wide[i][i];
        log_determinant += pivot.abs().ln();
        wide[i].iter_mut().for_each(|x| *x /= pivot);
        let row = wide[i].clone();
        for (k, other) in wide.iter_mut().enumerate().filter(|(k, _)| *k != i) {
            let f = other[i];
            let _ = k;
            other.iter_mut().zip(&row).for_each(|(x, y)| *x -= f * y);
        }
    }
    (wide.into_iter().map(|row| row[n..].to_vec()).collect(), log_determinant)
}

fn close(got: &[f64], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-300, |m: f64, x| m.max(x.abs()));
    for (a, b) in got.iter().zip(expected) {
        assert!((a - b).abs() < 1e-9 * scale, "{what}: {a} for {b}");
    }
}

/// Solution, Schur complement, determinant, and selected inverse of a case against the dense ones.
fn check(case: &Case, factor: &ArrowFactor, kept: &[usize]) {
    let ArrowShape { steps, block: n, border: p } = case.shape;
    let what = format!("{:?} kept {kept:?}", case.shape);
    let (m, rhs) = case.dense(kept);
    let (inverse, log_determinant) = invert(&m);
    let x: Vec<f64> = inverse.iter().map(|row| row.iter().zip(&rhs).map(|(a, b)| a * b).sum()).collect();
    let schur = factor.factor_schur(kept).unwrap();
    let solution = factor.solve_kept(&schur).unwrap();
    close(&solution.v, &x[..steps * n], &what);
    let mut shared = vec![0.0; p];
    kept.iter().zip(&x[steps * n..]).for_each(|(&column, x)| shared[column] = *x);
    close(&solution.p, &shared, &what);
    close(&[solution.explained], &[x.iter().zip(&rhs).map(|(a, b)| a * b).sum()], &what);
    close(&[factor.log_determinant() + schur.log_determinant()], &[log_determinant], &what);
    // The border's part of the whole inverse is the inverse of the Schur complement.
    let corner: Vec<f64> = inverse[steps * n..].iter().flat_map(|row| row[steps * n..].to_vec()).collect();
    close(&schur.inverse(), &corner, &what);
    let blocks: Vec<f64> = (0..steps * n).flat_map(|i| inverse[i][i / n * n..(i / n + 1) * n].to_vec()).collect();
    close(&factor.inverse_blocks(&schur).unwrap(), &blocks, &what);
}

#[test]
fn agrees_with_a_dense_inverse() {
    let sizes = [
        (1, 1, 0),
        (1, 3, 2),
        (2, 2, 1),
        (3, 4, 0),
        (3, 5, 3),
        (4, 8, 7),
        (5, 9, 8),
        (7, 3, 30),
        (8, 6, 12),
        (9, 1, 1),
        (6, 15, 9),
        (5, 17, 33),
        (4, 30, 5),
        (11, 12, 16),
    ];
    for (i, (steps, block, border)) in sizes.into_iter().enumerate() {
        let case = Case::new(steps, block, border, i as u64);
        let factor = case.factor().unwrap();
        let all: Vec<usize> = (0..border).collect();
        check(&case, &factor, &all);
        if border > 2 {
            let some: Vec<usize> = (0..border).rev().filter(|i| i % 3 != 1).collect();
            check(&case, &factor, &some);
            check(&case, &factor, &[]);
        }
        assert_eq!(factor.solve().unwrap(), factor.solve_kept(&factor.factor_schur(&all).unwrap()).unwrap());
    }
}

#[test]
fn memory_is_reused() {
    let (first, second) = (Case::new(9, 5, 4, 1), Case::new(9, 5, 4, 2));
    let mut factor = first.factor().unwrap();
    let failed = factor.factor(&first.border, &first.border_rhs, |t, block| {
        first.fill(t, block);
        block.diagonal[0] = f64::NAN;
    });
    assert!(matches!(failed, Err(ArrowError::NonFiniteMatrix { row: 0, .. })), "{failed:?}");
    assert_eq!(factor.solve().unwrap_err(), ArrowError::NotFactored);
    factor.factor(&second.border, &second.border_rhs, |t, block| second.fill(t, block)).unwrap();
    assert_eq!(factor.solve().unwrap(), second.factor().unwrap().solve().unwrap());
}

#[test]
fn same_bits_for_any_number_of_threads() {
    let case = Case::new(60, 7, 11, 3);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let factor = case.factor().unwrap();
            let schur = factor.factor_schur(&[0, 3, 4, 10]).unwrap();
            (factor.schur().to_vec(), factor.solve_kept(&schur).unwrap(), factor.inverse_blocks(&schur).unwrap())
        })
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
}

#[test]
fn systems_without_a_solution_are_named() {
    // Unknown 1 of one step made a copy of unknown 0: below, at, and above the middle.
    for step in [2, 4, 7] {
        let case = Case::new(8, 3, 2, 4);
        let found = {
            let mut factor = ArrowFactor::new(case.shape).unwrap();
            factor.factor(&case.border, &case.border_rhs, |t, block| {
                case.fill(t, block);
                if t == step || t + 1 == step {
                    block.coupling.fill(0.0);
                }
                if t == step {
                    block.diagonal.copy_from_slice(&[1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
                }
            })
        };
        assert!(matches!(found, Err(ArrowError::Singular { row: 1, step: s, .. }) if s == step), "{found:?}");
    }
    // A border column that is the sum of two others.
    let mut case = Case::new(8, 3, 3, 5);
    for step in &mut case.steps {
        step[2].chunks_exact_mut(3).for_each(|row| row[2] = row[0] + row[1]);
    }
    for row in case.border.chunks_exact_mut(3) {
        row[2] = row[0] + row[1];
    }
    for j in 0..3 {
        case.border[6 + j] = case.border[j] + case.border[3 + j];
    }
    let factor = case.factor().unwrap();
    assert!(matches!(factor.solve(), Err(ArrowError::SingularBorder { column: 2, .. })), "{:?}", factor.solve());
    check(&case, &factor, &[0, 2]);
    assert_eq!(factor.factor_schur(&[0, 0]).unwrap_err(), ArrowError::Column { column: 0 });
    assert_eq!(factor.factor_schur(&[3]).unwrap_err(), ArrowError::Column { column: 3 });

    let mut case = Case::new(8, 3, 2, 6);
    case.steps[6][3][1] = f64::NAN;
    assert!(case.factor().unwrap().solve().is_err());
    let huge = ArrowShape { steps: usize::MAX / 2, block: 3, border: 1 };
    assert!(matches!(ArrowFactor::new(huge), Err(ArrowError::Size { .. })));
}

//! Laws of an equation that fit about as well as the one that was found, with several of its terms exchanged for others at once.
//!
//! A choice of terms may be a minimum that no exchange of a single term leaves, while two or three together would. The quadratic model of the
//! objective, with all else in it minimised out, judges any set of an equation's candidates by a factorisation of its matrix. Sets come in
//! the order of a bound: less than with all candidates that are still open, and the price of those that are settled, no set within can
//! cost (branch and bound for best subsets: Furnival & Wilson 1974). The first ones to be settled wholly are the best.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::problem::Rival;
use super::select::Search;
use crate::base::IndexSet;
use crate::solve::Cholesky;

/// Candidates of an equation that are looked at, at most: its kept terms, and of the others those that would do best in place of one of them.
const MOST_CANDIDATES: usize = 24;
/// Sets of an equation that are solved for, at most.
const MOST_SOLVED: usize = 4_000;
/// Rivals of an equation that are told, at most.
const MOST_FOUND: usize = 8;
/// Objectives are sums of numbers of their own size: beyond this one their differences are rounding.
const LARGEST: f64 = 1e12;

/// The quadratic model of an equation's candidates, all else minimised out.
struct Equation {
    /// The candidates, `[m]`, kept terms first.
    of: Vec<usize>,
    /// `[m, m]`
    s: Vec<f64>,
    /// `[m]`
    c: Vec<f64>,
}

/// Sets of candidates that agree in some of them: bits are positions in the equation.
struct Branch {
    /// What no set within can cost less than.
    bound: f64,
    /// Candidates in the largest of them.
    set: u32,
    /// Its least objective.
    objective: f64,
    /// Candidates that are settled, in the order in which that is done.
    settled: usize,
}

impl Ord for Branch {
    /// The least bound is the greatest branch; of equal ones that which is settled further.
    fn cmp(&self, other: &Branch) -> Ordering {
        other.bound.total_cmp(&self.bound).then(self.settled.cmp(&other.settled)).then(other.set.cmp(&self.set))
    }
}

impl PartialOrd for Branch {
    fn partial_cmp(&self, other: &Branch) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Branch {
    fn eq(&self, other: &Branch) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Branch {}

impl Equation {
    fn full(&self) -> u32 {
        ((1u64 << self.of.len()) - 1) as u32
    }

    /// The candidates of a set.
    fn numbers(&self, set: u32) -> Vec<usize> {
        let inside = self.of.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1);
        inside.map(|(_, &k)| k).collect()
    }

    /// The least objective over a set, and the values of its candidates there; none where its matrix cannot be inverted.
    fn solve(&self, set: u32) -> Option<(f64, Vec<(usize, f64)>)> {
        let m = self.of.len();
        let at: Vec<usize> = (0..m).filter(|i| set >> i & 1 == 1).collect();
        let block: Vec<f64> = at.iter().flat_map(|&i| at.iter().map(move |&j| self.s[i * m + j])).collect();
        let c: Vec<f64> = at.iter().map(|&i| self.c[i]).collect();
        let x = Cholesky::factor_with_ridge(at.len(), &block)?.solve(&c);
        let objective = -c.iter().zip(&x).map(|(c, x)| c * x).sum::<f64>();
        Some((objective, self.numbers(set).into_iter().zip(x).collect()))
    }

    /// The order in which candidates are settled: first those without which all others leave most.
    fn order(&self, all: f64) -> Vec<usize> {
        let loss = |i: usize| self.solve(self.full() & !(1 << i)).map_or(f64::INFINITY, |(without, _)| without - all);
        let mut losses: Vec<(f64, usize)> = (0..self.of.len()).map(|i| (loss(i), i)).collect();
        losses.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        losses.into_iter().map(|(_, i)| i).collect()
    }
}

/// Sets of terms in which those of one of the `groups` of candidates are others, some left out and some taken in, and whose criterion rises by less
/// than `most`; least first.
pub fn rivals(search: &Search, active: &[bool], groups: &IndexSet<Vec<usize>>, most: f64) -> Vec<Rival> {
    let of = |group: &Vec<usize>| of_group(search, active, group, most).unwrap_or_default();
    let mut found: Vec<Rival> = groups.iter().flat_map(of).collect();
    found.sort_by(|a, b| a.rise.total_cmp(&b.rise));
    found
}

fn of_group(search: &Search, active: &[bool], group: &[usize], most: f64) -> Option<Vec<Rival>> {
    let (kept, mut others): (Vec<usize>, Vec<usize>) = group.iter().copied().partition(|&k| active[k]);
    if kept.is_empty() || others.is_empty() || kept.len() >= MOST_CANDIDATES {
        return None;
    }
    if group.len() > MOST_CANDIDATES {
        let exchanges = search.exchanges(active, f64::INFINITY);
        let least = |k: usize| {
            let of = exchanges.iter().filter(|e| e.dropped == k && kept.contains(&e.kept)).map(|e| e.rise);
            of.fold(f64::INFINITY, f64::min)
        };
        let mut by_rise: Vec<(f64, usize)> = others.into_iter().map(|k| (least(k), k)).collect();
        by_rise.sort_by(|a, b| a.0.total_cmp(&b.0));
        others = by_rise.into_iter().take(MOST_CANDIDATES - kept.len()).map(|(_, k)| k).collect();
    }
    let here: u32 = (1 << kept.len()) - 1;
    let of: Vec<usize> = kept.into_iter().chain(others).collect();
    let (s, c) = search.beside(active, &of)?;
    let equation = Equation { of, s, c };
    let price = |set: u32| search.price() * f64::from(set.count_ones());
    let value = equation.solve(here)?.0 + price(here);
    let all = equation.solve(equation.full())?.0;
    if value.is_nan() || value.abs() >= LARGEST {
        return None;
    }
    let order = equation.order(all);
    let mut open: BinaryHeap<Branch> = BinaryHeap::new();
    open.push(Branch { bound: all, set: equation.full(), objective: all, settled: 0 });
    let (mut found, mut solved) = (Vec::new(), 0);
    while let Some(branch) = open.pop() {
        if branch.bound - value >= most || found.len() == MOST_FOUND || solved == MOST_SOLVED {
            break;
        }
        let Some(&next) = order.get(branch.settled) else {
            let (leave, enter) = (here & !branch.set, branch.set & !here);
            let rise = branch.bound - value;
            let inside =
                || equation.solve(branch.set).is_some_and(|(_, x)| x.iter().all(|&(k, x)| search.allows(k, x)));
            if leave != 0 && enter != 0 && inside() {
                found.push(Rival { leave: equation.numbers(leave), enter: equation.numbers(enter), rise });
            }
            continue;
        };
        let settled = branch.settled + 1;
        let without = branch.set & !(1 << next);
        solved += 1;
        if let Some((objective, _)) = equation.solve(without) {
            // Roundings make no set better than one that holds it.
            let objective = objective.max(branch.objective);
            let bound = branch.bound - branch.objective + objective;
            open.push(Branch { bound, set: without, objective, settled });
        }
        open.push(Branch { bound: branch.bound + search.price(), settled, ..branch });
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::{Equation, rivals};
    use crate::base::IndexSet;
    use crate::data::{Purpose, normals, stream};
    use crate::train::joint::problem::{Rival, Unknown};
    use crate::train::joint::select::Search;
    use crate::train::joint::subset::Quadratic;

    /// Candidates that may have any value, or only such that are not negative.
    fn unknowns(p: usize, lower: f64) -> Vec<Unknown> {
        (0..p).map(|k| Unknown { lower, ..Unknown::free(k.to_string()) }).collect()
    }

    /// Eight columns, of which the last two make up for the first two nearly; the data are the first three with the values one.
    fn quadratic() -> Quadratic {
        let (p, rows) = (8, 60);
        let mut rng = stream(3, Purpose::Noise, 0);
        let mut a = vec![0.0; rows * p];
        let mut noise = vec![0.0; rows];
        normals(&mut rng, &mut a);
        normals(&mut rng, &mut noise);
        for row in a.chunks_exact_mut(p) {
            row[6] = row[0] + row[1] + 0.01 * row[6];
            row[7] = row[0] - row[1] + 0.01 * row[7];
        }
        let y: Vec<f64> =
            a.chunks_exact(p).zip(&noise).map(|(row, noise)| 30.0 * (row[0] + row[1] + row[2]) + noise).collect();
        let product = |i: usize, j: usize| a.chunks_exact(p).map(|row| row[i] * row[j]).sum::<f64>();
        let c = (0..p).map(|i| a.chunks_exact(p).zip(&y).map(|(row, y)| row[i] * y).sum()).collect();
        Quadratic { p, s: (0..p * p).map(|k| product(k / p, k % p)).collect(), c, systematic: vec![0.0; p] }
    }

    #[test]
    fn the_nearest_sets_are_those_of_all() {
        let (q, price, most) = (quadratic(), 5.0, 12.0);
        for lower in [f64::NEG_INFINITY, 0.0] {
            let unknowns = unknowns(q.p, lower);
            let search = Search::of(quadratic(), &unknowns, price);
            let active: Vec<bool> = (0..q.p).map(|k| k < 3).collect();
            let groups: IndexSet<Vec<usize>> = [(0..q.p).collect()].into_iter().collect();
            let found = rivals(&search, &active, &groups, most);
            let equation = Equation { of: (0..q.p).collect(), s: q.s.clone(), c: q.c.clone() };
            let cost = |set: u32| {
                equation.solve(set).map(|(objective, x)| {
                    (objective + price * f64::from(set.count_ones()), x.iter().all(|(_, x)| *x >= lower))
                })
            };
            let here = cost(0b111).expect("a value").0;
            let mut all: Vec<Rival> = (1..256u32)
                .filter_map(|set| Some((set, cost(set)?)))
                .filter(|(set, (value, inside))| {
                    *inside && set & 0b111 != 0b111 && set >> 3 != 0 && value - here < most
                })
                .map(|(set, (value, _))| Rival {
                    leave: equation.numbers(0b111 & !set),
                    enter: equation.numbers(set & !0b111),
                    rise: value - here,
                })
                .collect();
            all.sort_by(|a, b| a.rise.total_cmp(&b.rise));
            all.truncate(super::MOST_FOUND);
            assert!(!all.is_empty() && all.len() == found.len(), "{all:?} {found:?}");
            for (a, b) in all.iter().zip(&found) {
                assert!((&a.leave, &a.enter) == (&b.leave, &b.enter) && (a.rise - b.rise).abs() < 1e-6, "{a:?} {b:?}");
            }
        }
    }
}

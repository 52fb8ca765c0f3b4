//! What comes out of the best stage.

use super::stage::Stage;
use super::{Engine, FEWEST_PER_COMPONENT};
use crate::artifact::PatternEntry;
use crate::base::IndexSet;
use crate::train::joint::flat::{AS_WELL, Valley};
use crate::train::joint::problem::{
    Beside, Estimate, Exchange, JointError, JointFit, MadeUp, Plausible, Rival, Unknown,
};
use crate::train::joint::rivals::rivals;
use crate::train::joint::select::{self, Search, Solution};

/// Relative distance from a bound that counts as none.
const AT_BOUND: f64 = 1e-6;
/// A parameter is known far less beside a term where it may be so many of its errors away.
const FAR_LESS: f64 = 4.0;
/// The data do not determine a parameter where they see less than this share of what the quadratic model says of it along with others.
const UNSEEN: f64 = 0.01;
/// Other laws whose criterion rises by more than this in the quadratic model are not worth a fit of their own: twice as far as laws that fit as well.
const WITHIN_REACH: f64 = 2.0 * AS_WELL;
/// So many dropped terms are looked at, at most: each takes a solve.
const MOST_BESIDE: usize = 100;
/// Dropped terms above this t-statistic are reported.
pub const PLAUSIBLE: f64 = 2.0;

impl Engine<'_> {
    pub(super) fn finish(&self, best: &Stage) -> Result<JointFit, JointError> {
        let on_the_way = self.on_the_way(best);
        let solution = on_the_way.as_ref().unwrap_or(&best.solution);
        let error = if best.process_noise { &solution.noisy } else { &solution.exact };
        let made_up = self.made_up(best, solution);
        let is_open = |k: usize| made_up.iter().any(|m| m.parameter == k && m.open);
        let estimates: Vec<Estimate> = (0..self.unknowns.len())
            .map(|k| {
                let kept = best.state.active[k];
                let estimated = kept && !best.reduced.idle[k];
                let error = if is_open(k) { solution.along[k] } else { error[k] };
                let std_error = if estimated { error.hypot(solution.shift[k]) } else { f64::NAN };
                let at_bound = best.solution.held.iter().any(|&(held, bound)| held == k && arrived(best, k, bound));
                Estimate { value: best.state.xi[k], std_error, kept, at_bound }
            })
            .collect();
        let search = Search::new(&best.reduced, &self.scale, self.unknowns, self.price, &|| false)
            .holding(&best.solution.held, &self.scale);
        let mut plausible: Vec<Plausible> = search
            .dropped(&best.state.active)
            .into_iter()
            .filter(|d| d.t_statistic > PLAUSIBLE)
            .map(|d| Plausible { value: d.value * self.scale[d.unknown], ..d })
            .collect();
        plausible.sort_by(|a, b| b.t_statistic.total_cmp(&a.t_statistic));
        let scaled = |e: Exchange| Exchange { value: e.value * self.scale[e.dropped], ..e };
        let mut exchanges: Vec<Exchange> =
            search.exchanges(&best.state.active, AS_WELL).into_iter().map(scaled).collect();
        exchanges.sort_by(|a, b| a.rise.total_cmp(&b.rise));
        let in_order = best.converged && !best.process_noise && !best.clean;
        let rivals = if in_order { self.rivals(&search, &best.state.active) } else { Vec::new() };
        let beside = self.beside(best, &estimates)?;
        let len = self.grid.samples;
        let noise = (0..self.grid.n)
            .map(|c| {
                let seen = self.obs.y[c * len..(c + 1) * len].iter().filter(|y| y.is_finite()).count();
                if seen < FEWEST_PER_COMPONENT { f64::NAN } else { best.state.sigma[c] }
            })
            .collect();
        Ok(JointFit {
            estimates,
            columns: self.columns.clone(),
            covariance: solution.covariance(&best.reduced, &self.scale, best.process_noise),
            plausible,
            exchanges,
            rivals,
            beside,
            made_up,
            criterion: best.evidence + best.price,
            price: best.price,
            volume: best.volume,
            x: best.state.x.clone(),
            noise,
            scatter: self.scatter.clone(),
            losses: self.losses.clone(),
            solves: self.solves,
            process_noise: best.process_noise,
            coarse: false,
            went_astray: best.went_astray,
            converged: best.converged,
        })
    }

    /// Other laws of single equations, which are rows of the model.
    fn rivals(&self, search: &Search, active: &[bool]) -> Vec<Rival> {
        let candidate = |k: usize| self.unknowns.get(k).is_some_and(|u| u.droppable && u.lower < u.upper);
        let of = |row: &Vec<(usize, PatternEntry)>| -> Vec<usize> {
            row.iter().map(|(unknown, _)| self.columns.at(*unknown, 0)).filter(|&k| candidate(k)).collect()
        };
        let groups: IndexSet<Vec<usize>> = self.model.pattern().by_unknown.iter().map(of).collect();
        rivals(search, active, &groups, WITHIN_REACH)
    }

    /// Of every parameter that enters nonlinearly the dropped term beside which least is known of it, where that is far less than the error
    /// that is told of it says.
    fn beside(&self, best: &Stage, estimates: &[Estimate]) -> Result<Vec<Beside>, JointError> {
        let is_open = |(k, unknown): &(usize, &Unknown)| {
            !unknown.droppable && !unknown.linear && !best.reduced.idle[*k] && estimates[*k].std_error > 0.0
        };
        let parameters: Vec<usize> = self.unknowns.iter().enumerate().filter(is_open).map(|(k, _)| k).collect();
        let dropped: Vec<usize> = (0..self.unknowns.len()).filter(|&k| !best.state.active[k]).collect();
        if parameters.is_empty() || dropped.len() > MOST_BESIDE || best.process_noise || !best.converged {
            return Ok(Vec::new());
        }
        let mut found: Vec<Beside> = Vec::new();
        for k in dropped {
            self.allowed()?;
            let mut active = best.state.active.clone();
            active[k] = true;
            let with = select::solve(&best.reduced, &self.scale, self.unknowns, &active, &best.state.xi);
            let Some(with) = with.filter(|with| with.exact[k] > 0.0) else { continue };
            for &parameter in &parameters {
                let becomes = [with.xi[parameter], with.exact[parameter]];
                let away = (becomes[0] - best.state.xi[parameter]).hypot(becomes[1]);
                // What is at a bound there has no error.
                if away.is_nan() || away <= FAR_LESS * estimates[parameter].std_error {
                    continue;
                }
                let other = Beside { dropped: k, value: [with.xi[k], with.exact[k]], parameter, becomes };
                match found.iter_mut().find(|b| b.parameter == parameter) {
                    Some(old) if old.becomes[1] < becomes[1] => *old = other,
                    Some(_) => {}
                    None => found.push(other),
                }
            }
        }
        Ok(found)
    }

    /// Parameters that others make up for. Where candidate terms do, which may be dropped, another value may still be another law.
    fn made_up(&self, best: &Stage, solution: &Solution) -> Vec<MadeUp> {
        let held = &best.solution.held;
        let arrived: Vec<usize> = held.iter().filter(|&&(k, bound)| arrived(best, k, bound)).map(|&(k, _)| k).collect();
        let moves = |k: &usize| best.state.active[*k] && !best.reduced.idle[*k];
        let free: Vec<usize> = (0..self.unknowns.len()).filter(|k| moves(k) && !arrived.contains(k)).collect();
        let parameters = (0..self.unknowns.len()).filter(|&k| !self.unknowns[k].droppable && moves(&k));
        let Some(valley) = Valley::new((&best.reduced.s, &best.reduced.c), &best.state.xi, &free) else {
            return Vec::new();
        };
        // With noise of the process data see little of what still is known.
        let is_unseen = |k: usize| {
            let (along, noisy) = (solution.along[k], solution.noisy[k]);
            !best.process_noise && along > best.state.xi[k].abs() && noisy * noisy < UNSEEN * along * along
        };
        let of = |k: usize| {
            let open = is_unseen(k);
            let width = self.unknowns.get(k).map(|u| u.upper - u.lower)?;
            let by = valley.makes_up(k, open).or_else(|| valley.is_idle(k, width).then(Vec::new))?;
            Some(MadeUp { parameter: k, by, open })
        };
        parameters.filter_map(of).filter(|made_up| made_up.by.iter().all(|&k| !self.unknowns[k].droppable)).collect()
    }

    /// Where the last step would have taken parameters to ends of their ranges and was damped, the solution without any ends: beside a
    /// parameter that has not come to its end the errors of the others do not hold for that end, and it has one itself.
    fn on_the_way(&self, best: &Stage) -> Option<Solution> {
        if best.solution.held.iter().all(|&(k, bound)| arrived(best, k, bound)) {
            return None;
        }
        let there = |k: usize| best.solution.held.iter().any(|&(held, bound)| held == k && arrived(best, k, bound));
        let mut unknowns = self.unknowns.to_vec();
        for (k, unknown) in unknowns.iter_mut().enumerate().filter(|(_, u)| !u.droppable) {
            let value = best.state.xi[k];
            // Without one end the way leads to others.
            (unknown.lower, unknown.upper) = if there(k) { (value, value) } else { (f64::NEG_INFINITY, f64::INFINITY) };
        }
        select::solve(&best.reduced, &self.scale, &unknowns, &best.state.active, &best.state.xi)
    }
}

/// Whether an unknown stands at a bound: damped steps may not have arrived there.
fn arrived(best: &Stage, k: usize, bound: f64) -> bool {
    (best.state.xi[k] - bound).abs() <= AT_BOUND * bound.abs().max(f64::MIN_POSITIVE)
}

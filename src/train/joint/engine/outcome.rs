//! What comes out of the best stage.

use super::stage::Stage;
use super::{Engine, FEWEST_PER_COMPONENT};
use crate::train::joint::problem::{Estimate, Exchange, JointFit, Plausible};
use crate::train::joint::select::Search;

/// Relative distance from a bound that counts as none.
const AT_BOUND: f64 = 1e-6;
/// Twice the log likelihood that a term loses in place of another one for both to count as equal: less than that twenty to one.
const AS_WELL: f64 = 6.0;
/// Dropped terms above this t-statistic are reported.
pub const PLAUSIBLE: f64 = 2.0;

impl Engine<'_> {
    pub(super) fn finish(&self, best: &Stage) -> JointFit {
        let error = if best.process_noise { &best.solution.noisy } else { &best.solution.exact };
        let estimates = (0..self.unknowns.len())
            .map(|k| {
                let kept = best.state.active[k];
                let estimated = kept && !best.reduced.idle[k];
                let std_error = if estimated { error[k].hypot(best.solution.shift[k]) } else { f64::NAN };
                // Damped steps may not have arrived there.
                let arrived =
                    |bound: f64| (best.state.xi[k] - bound).abs() <= AT_BOUND * bound.abs().max(f64::MIN_POSITIVE);
                let at_bound = best.solution.held.iter().any(|&(held, bound)| held == k && arrived(bound));
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
        let len = self.grid.samples;
        let noise = (0..self.grid.n)
            .map(|c| {
                let seen = self.obs.y[c * len..(c + 1) * len].iter().filter(|y| y.is_finite()).count();
                if seen < FEWEST_PER_COMPONENT { f64::NAN } else { best.state.sigma[c] }
            })
            .collect();
        JointFit {
            estimates,
            columns: self.columns.clone(),
            plausible,
            exchanges,
            x: best.state.x.clone(),
            noise,
            scatter: self.scatter.clone(),
            losses: self.losses.clone(),
            solves: self.solves,
            process_noise: best.process_noise,
            converged: best.converged,
        }
    }
}

//! Data that were smoothed, of which a fit finds noise of the process: samples that lie further apart know nothing of it, and follow a trajectory.

use super::observed::Observed;
use super::residuals::neighbours_agree;
use super::smoothed::{Smoothed, smoothed};
use crate::diagnostics::Diagnostic;
use crate::diagnostics::codes::W1117;
use crate::hir::Model;
use crate::report::named;
use crate::train::joint::{JointError, JointFit, Observations};

/// One of so many samples is kept: more than means are usually taken of.
const APART: [usize; 2] = [8, 5];
/// So many samples have to be left,
const FEWEST: usize = 30;
/// of no more than so many in all.
const MOST: usize = 20_000;

/// The finding on a fit with noise of the process, or that leaves over what is no noise, where a fit to fewer samples has none and what that leaves over of all samples is smooth; `again` makes a
/// fit to these observations.
pub fn remark(
    model: &Model,
    observed: &Observed,
    data: &Observations,
    mut again: impl FnMut(&Observations) -> Result<JointFit, JointError>,
) -> Option<Diagnostic> {
    let every = APART.into_iter().find(|every| data.t.len() / every >= FEWEST).filter(|_| data.t.len() <= MOST)?;
    let fit = again(&thinned(data, every)).ok().filter(JointFit::in_order)?;
    let len = data.t.len();
    let mut found: Vec<(String, Smoothed)> = Vec::new();
    let mut place = None;
    for (c, component) in observed.components.iter().enumerate().filter(|(_, c)| c.derivative == 0) {
        let [y, x] = [&data.y, &fit.x].map(|all| all.get(c * len..(c + 1) * len).unwrap_or_default());
        if neighbours_agree(y, x, &data.breaks).is_none() {
            continue;
        }
        let left: Vec<f64> = y.iter().zip(x).map(|(y, x)| y - x).collect();
        // What goes further in one of them is something else.
        let smooth = smoothed(y, &left, &data.breaks).filter(|s| s.samples <= every)?;
        found.push((format!("`{}`", component.state), smooth));
        place = place.or_else(|| model.states.values().find(|s| s.name == component.state).map(|s| s.span));
    }
    let samples = found.iter().map(|(_, s)| s.samples).max()?;
    let names: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
    let message = format!(
        "every {every}th sample follows a trajectory of the model, and all samples do not: what is left over of {} agrees between neighbouring samples and no more \
         between those {samples} apart; these data were smoothed, or noise of the process dies away as fast",
        named(&names)
    );
    let help = format!(
        "if they were smoothed, fit the samples as they were measured, or every {samples}th of these; as it is terms may be kept that are none"
    );
    Some(Diagnostic::warning(W1117, message, place?, "in its data").help(help))
}

/// The same with one of so many samples of every trajectory observed.
fn thinned(data: &Observations, every: usize) -> Observations {
    let len = data.t.len();
    let mut out = data.clone();
    let mut first = 0;
    let kept: Vec<bool> = (0..len)
        .map(|i| {
            if data.breaks.contains(&i) {
                first = i;
            }
            (i - first) % every == 0
        })
        .collect();
    for row in out.y.chunks_exact_mut(len.max(1)) {
        row.iter_mut().zip(&kept).filter(|(_, kept)| !**kept).for_each(|(y, _)| *y = f64::NAN);
    }
    out
}

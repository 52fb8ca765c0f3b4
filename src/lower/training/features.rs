//! What networks read that is computed from states, sample by sample.

use super::encoder::state;
use super::scope::Constants;
use super::{Request, TrainingError};
use crate::base::IndexMap;
use crate::hir::{Network, NetworkId, StateId};
use crate::ir::{AxisId, Builder, Type, ValueId};
use crate::lower::{Leaves, lower_expr};

/// The names of the arguments with what is subtracted from the features of a network and what they are divided by. Their values
/// follow from the data: until then they are 0 and 1.
pub fn statistics_of(network: &Network) -> [String; 2] {
    ["mean", "scale"].map(|what| format!("{}''features_{what}", network.name))
}

/// Declares these arguments for a network that has features.
pub(super) fn declare(
    b: &mut Builder,
    network: &Network,
    constants: &mut Constants,
) -> Result<Option<[ValueId; 2]>, TrainingError> {
    let count = network.features.len();
    if count == 0 {
        return Ok(None);
    }
    let axis = b.module.axis(&format!("{}''features", network.name), Some(count));
    let [mean, scale] = statistics_of(network);
    let mean = constants.add(b, &mean, Type::f64([axis]), vec![count], vec![0.0; count])?;
    let scale = constants.add(b, &scale, Type::f64([axis]), vec![count], vec![1.0; count])?;
    Ok(Some([mean, scale]))
}

/// The features of a network, normalised, each `f64[sample, time]`.
pub(super) fn values(
    b: &mut Builder,
    request: &Request,
    network: &Network,
    (sample, time): (AxisId, AxisId),
    data: &IndexMap<StateId, ValueId>,
    [mean, scale]: [ValueId; 2],
) -> Result<Vec<ValueId>, TrainingError> {
    let axis = b.module.axis(&format!("{}''features", network.name), Some(network.features.len()));
    let mut out = Vec::with_capacity(network.features.len());
    for (k, feature) in network.features.iter().enumerate() {
        let mut leaves = Leaves::default();
        for name in &feature.formula.columns {
            let id = state(request, network, name)?;
            let missing = || TrainingError::NotObserved { network: network.name.clone(), input: name.clone() };
            leaves.inputs.push(*data.get(&id).ok_or_else(missing)?);
        }
        let value = lower_expr(b, &leaves, &feature.formula.formula)?;
        let (mean, scale) = (b.index(mean, axis, k), b.index(scale, axis, k));
        let centred = b.sub(value, mean);
        let value = b.div(centred, scale);
        out.push(b.broadcast(value, &[sample, time]));
    }
    Ok(out)
}

/// Statistics arguments of the networks in use, by network.
pub(super) type Statistics = IndexMap<NetworkId, [ValueId; 2]>;

//! A whole program: models, and everything around them.

use super::{DataId, DataSet, DataSource, Fit, FitId, Model, ModelId, Network, NetworkId, PredictSpec, Test};
use crate::base::Arena;

/// A whole checked program.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Program {
    /// Models, also imported ones.
    pub models: Arena<ModelId, Model>,
    /// Networks.
    pub networks: Arena<NetworkId, Network>,
    /// Data sets.
    pub data: Arena<DataId, DataSet>,
    /// Fits, in order.
    pub fits: Arena<FitId, Fit>,
    /// Tests, in order.
    pub tests: Vec<Test>,
}

impl Program {
    /// The models as declared, without the copies in which parameters have other values.
    pub fn declared_models(&self) -> impl Iterator<Item = &Model> {
        let models = self.models.as_slice();
        models
            .iter()
            .enumerate()
            .filter(|(k, m)| models.iter().take(*k).all(|before| before.span != m.span))
            .map(|(_, m)| m)
    }

    /// The predictions of a fit, in order.
    pub fn predictions(&self, fit: &str) -> Vec<(&DataSet, PredictSpec)> {
        let of = |data: &DataSet| match &data.source {
            DataSource::Predict(spec) if self.fits[spec.fit].name == fit => Some(spec.clone()),
            _ => None,
        };
        self.data.values().filter_map(|d| Some((d, of(d)?))).collect()
    }

    /// The model of the first solve item or simulation that takes inputs or starts from a data set.
    pub fn solved_with(&self, data: DataId) -> Option<&Model> {
        self.data.values().find_map(|d| match &d.source {
            DataSource::Solve(spec) if spec.data == Some(data) => Some(spec.model.as_ref()),
            DataSource::Simulate(spec) if spec.data.is_some_and(|by| by.data == data) => Some(&self.models[spec.model]),
            _ => None,
        })
    }

    /// The data sets of a fit.
    pub fn data_of<'p>(&'p self, fit: &'p Fit) -> impl Iterator<Item = &'p DataSet> + Clone + 'p {
        fit.data.iter().map(|&id| &self.data[id])
    }

    /// The data sets of a fit as they stand in the file: `run`, `(slow, fast)`.
    pub fn spell_data(&self, fit: &Fit) -> String {
        let names: Vec<&str> = self.data_of(fit).map(|d| d.name.as_str()).collect();
        if let [one] = names.as_slice() { (*one).to_string() } else { format!("({})", names.join(", ")) }
    }

    /// The data sets that a fit takes anything of, as messages name them: `` `slow` and `fast` ``.
    pub fn name_fitted(&self, fit: &Fit) -> String {
        let names: Vec<String> = self.data_of(fit).filter(|d| d.is_fitted()).map(|d| format!("`{}`", d.name)).collect();
        names.join(" and ")
    }
}

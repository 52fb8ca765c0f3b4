//! Copies of models with numbers in place of parameters.

use super::super::model;
use super::Checker;
use crate::diagnostics::Sink;
use crate::hir::{Model, ModelId};
use crate::source::Sources;
use crate::syntax::ast::{self, Item, ModelItem};

impl Checker<'_> {
    /// The model with arguments for fixed parameters filled in: those are substituted, so a copy is needed.
    pub(super) fn specialised(
        &mut self,
        id: ModelId,
        name: &ast::Ident,
        arguments: &[ast::Binding],
        items: &[Item],
        sources: &Sources,
    ) -> Option<ModelId> {
        let fixed = |key: &str| self.program.models[id].params.values().any(|p| p.fixed && p.name == key);
        let changed: Vec<&ast::Binding> = arguments.iter().filter(|a| fixed(&a.name.name)).collect();
        if changed.is_empty() {
            return Some(id);
        }
        let model = self.with_numbers(id, name, arguments, false, items, sources);
        Some(model.map_or(id, |m| self.program.models.push(m)))
    }

    /// A copy of a model with arguments for its fixed parameters, or, with `all`, with every parameter fixed at its value or
    /// argument.
    pub(super) fn with_numbers(
        &self,
        id: ModelId,
        name: &ast::Ident,
        arguments: &[ast::Binding],
        all: bool,
        items: &[Item],
        sources: &Sources,
    ) -> Option<Model> {
        let fixed = |key: &str| self.program.models[id].params.values().any(|p| p.fixed && p.name == key);
        let original = items.iter().find_map(|i| match i {
            Item::Model(m) if m.name.name == name.name => Some(m),
            _ => None,
        })?;
        let mut copy = original.clone();
        for part in &mut copy.body {
            let ModelItem::Param(list) = part else { continue };
            for param in list {
                let argument = arguments.iter().find(|a| a.name.name == param.name.name);
                if let Some(argument) = argument.filter(|a| all || fixed(&a.name.name)) {
                    param.value = Some(argument.value.clone());
                    // The range guides fits; a simulation may leave it.
                    param.bounds = None;
                }
                param.fixed |= all;
                if all {
                    param.per_sample = None;
                }
            }
        }
        // What is wrong with the model itself was said when it was checked; a wrong argument is said with the others.
        model::analyze(&copy, sources, &mut Sink::new())
    }
}

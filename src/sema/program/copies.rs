//! Copies of models with numbers in place of parameters.

use super::super::model;
use super::Checker;
use crate::diagnostics::Sink;
use crate::hir::{Model, ModelId};
use crate::source::Sources;
use crate::syntax::ast::{self, Expr, Item, ModelItem, ParamDecl};

/// What a value in place of a parameter's own is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A solution or a simulation, in which every number is known.
    Known,
    /// A fit in which the parameter is known.
    Held,
    /// A fit which starts there.
    Start,
}

/// The declaration of a model.
pub(super) fn declaration<'i>(items: &'i [Item], name: &str) -> Option<&'i ast::Model> {
    items.iter().find_map(|item| match item {
        Item::Model(model) if model.name.name == name => Some(model),
        _ => None,
    })
}

/// The parameters that a model declares.
pub(super) fn parameters(model: &mut ast::Model) -> impl Iterator<Item = &mut ParamDecl> {
    let lists = model.body.iter_mut().filter_map(|item| match item {
        ModelItem::Param(list) => Some(list),
        _ => None,
    });
    lists.flatten()
}

/// Puts a value in place of that of the declaration. A range is what a fit may find: a value outside it that a fit is given is a slip,
/// and what is solved or simulated may leave it.
pub(super) fn put(param: &mut ParamDecl, value: &Expr, purpose: Purpose) {
    param.value = Some(value.clone());
    match purpose {
        Purpose::Known => param.bounds = None,
        Purpose::Held => {
            param.fixed = true;
            param.per_sample = None;
        }
        Purpose::Start => {}
    }
}

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
        let mut copy = declaration(items, &name.name)?.clone();
        for param in parameters(&mut copy) {
            let argument = arguments.iter().find(|a| a.name.name == param.name.name);
            if let Some(argument) = argument.filter(|a| all || fixed(&a.name.name)) {
                put(param, &argument.value, Purpose::Known);
            }
            if all {
                (param.fixed, param.per_sample) = (true, None);
            }
        }
        // What is wrong with the model itself was said when it was checked; a wrong argument is said with the others.
        model::analyze(&copy, sources, &mut Sink::new())
    }
}

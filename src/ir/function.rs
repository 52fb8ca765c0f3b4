//! Modules, functions, instructions and values.

use super::{Axis, AxisId, Op, Type};
use crate::base::{Arena, index_type};

index_type!(
    /// A value of a function.
    ValueId, "v"
);
index_type!(
    /// An instruction of a function.
    InstId, "i"
);

/// The functions of one compiled program and their axes.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Module {
    /// Its name: the model's.
    pub name: String,
    /// The axes.
    pub axes: Arena<AxisId, Axis>,
    /// The functions, each with a name of its own.
    pub functions: Vec<Function>,
}

impl Module {
    /// A module without functions.
    pub fn new(name: impl Into<String>) -> Self {
        Module { name: name.into(), axes: Arena::new(), functions: Vec::new() }
    }

    /// The axis of this name, made if need be. An axis that is there already keeps its size.
    pub fn axis(&mut self, name: &str, size: Option<usize>) -> AxisId {
        let known = self.axes.iter().find(|(_, a)| a.name == name).map(|(id, _)| id);
        known.unwrap_or_else(|| self.axes.push(Axis { name: name.to_string(), size }))
    }

    /// The function of this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|f| f.name == name)
    }
}

/// One straight line of instructions from parameters to results.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Parameters in order, all defined before the first instruction.
    pub params: Vec<ValueId>,
    /// Instructions in order.
    pub insts: Arena<InstId, Inst>,
    /// Every value: parameters and results of instructions.
    pub values: Arena<ValueId, ValueData>,
    /// What a call returns: a name and a value each.
    pub results: Vec<(String, ValueId)>,
}

impl Function {
    /// The type of a value.
    pub fn ty(&self, value: ValueId) -> &Type {
        &self.values[value].ty
    }

    /// The instruction that defines a value, or `None` for a parameter.
    pub fn def(&self, value: ValueId) -> Option<(InstId, &Inst)> {
        match self.values[value].def {
            ValueDef::Param(_) => None,
            ValueDef::Inst(id, _) => Some((id, &self.insts[id])),
        }
    }
}

/// One instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct Inst {
    /// What it does.
    pub op: Op,
    /// Its operands.
    pub args: Vec<ValueId>,
    /// The values it defines: one, but for the adjoints of the solves.
    pub results: Vec<ValueId>,
}

/// What is known of a value.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueData {
    /// Its type.
    pub ty: Type,
    /// A name for people: the parameter's, or a hint such as `y_adj`. Empty for none.
    pub name: String,
    /// Where it comes from.
    pub def: ValueDef,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueDef {
    /// The parameter at this position.
    Param(usize),
    /// The result at this position of an instruction.
    Inst(InstId, usize),
}

//! Signatures, imports and the pieces every body needs.

use super::body::Body;
use super::library::Call;
use crate::artifact::Entry;
use crate::base::Elem;
use crate::ir::{BinaryOp, UnaryOp};
use crate::kernel::LoopNest;
use cranelift_codegen::ir::{AbiParam, FuncRef, Function, Signature, Type, types};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::JITModule;
use cranelift_module::{FuncId, Linkage, Module};
use std::collections::BTreeMap;

/// Functions the module imports already.
#[derive(Default)]
pub(super) struct Imports {
    ids: BTreeMap<Call, FuncId>,
}

impl Imports {
    /// The reference to `call` in `function`; the error is Cranelift's words.
    fn reference(&mut self, module: &mut JITModule, call: Call, function: &mut Function) -> Result<FuncRef, String> {
        let id = match self.ids.get(&call) {
            Some(&id) => id,
            None => {
                let mut signature = module.make_signature();
                let ty = AbiParam::new(scalar_type(call.elem()));
                signature.params = vec![ty; call.operands()];
                signature.returns.push(ty);
                let id =
                    module.declare_function(&call.name(), Linkage::Import, &signature).map_err(|e| e.to_string())?;
                self.ids.insert(call, id);
                id
            }
        };
        Ok(module.declare_func_in_func(id, function))
    }
}

/// The signature of [`NestFn`](crate::artifact::NestFn).
pub(super) fn signature(module: &JITModule) -> Signature {
    let mut signature = module.make_signature();
    let pointer = module.target_config().pointer_type();
    signature.params = [pointer, pointer, pointer, types::I64, types::I64].into_iter().map(AbiParam::new).collect();
    signature
}

/// Builds the body of `nest` into `function`; the error is Cranelift's words.
pub(super) fn body(
    module: &mut JITModule,
    imports: &mut Imports,
    function: &mut Function,
    scratch: &mut FunctionBuilderContext,
    nest: &LoopNest,
    entry: &Entry,
) -> Result<(), String> {
    let mut calls = BTreeMap::new();
    for call in Body::calls(nest) {
        calls.insert(call, imports.reference(module, call, function)?);
    }
    let config = module.target_config();
    let builder = FunctionBuilder::new(function, scratch);
    Body::new(builder, nest, entry, calls, config.pointer_type()).build(config);
    Ok(())
}

/// The address of an imported function.
pub(super) fn lookup(symbol: &str) -> Option<*const u8> {
    let elems = [Elem::F32, Elem::F64];
    let unary = UnaryOp::ALL.into_iter().flat_map(|op| elems.map(|e| Call::Unary(op, e)));
    let binary = elems.map(|e| Call::Binary(BinaryOp::Pow, e));
    unary.chain(binary).find(|c| c.name() == symbol).map(Call::address)
}

/// The Cranelift type of a number.
pub(super) fn scalar_type(elem: Elem) -> Type {
    match elem {
        Elem::F32 => types::F32,
        Elem::F64 => types::F64,
    }
}

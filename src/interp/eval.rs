//! Evaluation of a function, one instruction after the other.

use super::array::{Array, product};
use super::{InterpError, relaxed, spd};
use crate::base::{Idx, Tensor};
use crate::ir::{AxisId, Function, Inst, Module, Op, Type, powi_as, round_as, verify_function};

type Result<T, E = InterpError> = std::result::Result<T, E>;

/// The results of `function` at `args`, in the order of the function's results.
///
/// # Errors
/// Where the function is not well-formed, the arguments do not fit its parameters or one another, or a solve has no solution.
pub fn run(module: &Module, function: &str, args: &[Tensor]) -> Result<Vec<Tensor>> {
    let f = module.function(function).ok_or_else(|| InterpError::NoFunction(function.to_string()))?;
    verify_function(module, f).map_err(InterpError::Invalid)?;
    let mut machine = Machine::new(module, f, args)?;
    for inst in f.insts.values() {
        let results = machine.inst(f, inst)?;
        machine.values.extend(results);
    }
    f.results.iter().map(|(_, v)| machine.values[v.index()].clone().into_tensor()).collect()
}

struct Machine<'a> {
    module: &'a Module,
    sizes: Vec<Option<usize>>,
    /// By number: the verifier has seen that values are numbered in the order of definition.
    values: Vec<Array>,
}

impl<'a> Machine<'a> {
    fn new(module: &'a Module, f: &Function, args: &[Tensor]) -> Result<Self> {
        let sizes = module.axes.values().map(|a| a.size).collect();
        let mut machine = Machine { module, sizes, values: Vec::new() };
        if args.len() != f.params.len() {
            return Err(InterpError::ArgumentCount { expected: f.params.len(), found: args.len() });
        }
        for (argument, (&param, arg)) in f.params.iter().zip(args).enumerate() {
            let ty = f.ty(param);
            if arg.elem() != ty.elem {
                return Err(InterpError::ArgumentElem { argument, expected: ty.elem, found: arg.elem() });
            }
            if arg.shape().len() != ty.axes.len() {
                let (expected, found) = (ty.axes.len(), arg.shape().len());
                return Err(InterpError::ArgumentRank { argument, expected, found });
            }
            for (&axis, &found) in ty.axes.iter().zip(arg.shape()) {
                let expected = *machine.sizes[axis.index()].get_or_insert(found);
                if expected != found {
                    let axis = module.axes[axis].name.clone();
                    return Err(InterpError::AxisSize { argument, axis, expected, found });
                }
            }
            machine.values.push(Array::from_tensor(ty, arg));
        }
        Ok(machine)
    }

    fn size(&self, axis: AxisId) -> Result<usize> {
        self.sizes[axis.index()].ok_or_else(|| InterpError::Unbound(self.module.axes[axis].name.clone()))
    }

    fn shape(&self, axes: &[AxisId]) -> Result<Vec<usize>> {
        axes.iter().map(|&a| self.size(a)).collect()
    }

    fn inst(&mut self, f: &Function, inst: &Inst) -> Result<Vec<Array>> {
        let types: Vec<&Type> = inst.results.iter().map(|&v| f.ty(v)).collect();
        if let Op::Reshape = inst.op {
            return Ok(vec![self.reshape(inst.args[0].index(), types[0])?]);
        }
        let args: Vec<&Array> = inst.args.iter().map(|v| &self.values[v.index()]).collect();
        let shapes: Vec<Vec<usize>> = types.iter().map(|ty| self.shape(&ty.axes)).collect::<Result<_>>()?;
        match &inst.op {
            Op::Solve(scheme) => Ok(vec![relaxed::solve(scheme, &args, types[0], &shapes[0])?]),
            Op::SolveAdjoint(scheme) => relaxed::solve_adjoint(scheme, &args),
            Op::SpdSolve => Ok(vec![spd::solve(args[0], args[1], args[2])?]),
            Op::SpdSolveAdjoint => spd::solve_adjoint(args[0], args[1], args[2], args[3]),
            op => {
                let mut out = Array::zeros(types[0], shapes[0].clone())?;
                self.simple(op, &args, &mut out)?;
                Ok(vec![out])
            }
        }
    }

    /// Every instruction with one result that the caller has made room for.
    fn simple(&self, op: &Op, args: &[&Array], out: &mut Array) -> Result<()> {
        let elem = out.ty.elem;
        match op {
            Op::Const(x) => out.data[0] = round_as(elem, *x),
            Op::Unary(f) => map(out, |i| f.apply_as(elem, args[0].data[i])),
            Op::Binary(f) => map(out, |i| f.apply_as(elem, args[0].data[i], args[1].data[i])),
            Op::Powi(n) => map(out, |i| powi_as(elem, args[0].data[i], *n)),
            Op::Select(cmp) => map(out, |i| {
                let chosen = if cmp.holds(args[0].data[i], args[1].data[i]) { args[2] } else { args[3] };
                chosen.data[i]
            }),
            Op::Convert => map(out, |i| round_as(elem, args[0].data[i])),
            Op::Broadcast | Op::Transpose => {
                let from = args[0].offsets(&out.ty.axes, &out.shape)?;
                map(out, |i| args[0].data[from[i]]);
            }
            Op::Sum(axes) => self.sum(axes, args[0], out)?,
            Op::Index { axis, at } => {
                let from = args[0].offsets(&out.ty.axes, &out.shape)?;
                let skip = at * stride(args[0], *axis);
                map(out, |i| args[0].data[from[i] + skip]);
            }
            Op::Place { axis, at } => place(args[0], *axis, *at, out)?,
            Op::Stack(axis) => {
                for (at, part) in args.iter().enumerate() {
                    place(part, *axis, at, out)?;
                }
            }
            Op::Contract(over) => self.contract(over, args[0], args[1], out)?,
            // Handled by the caller.
            Op::Reshape | Op::Solve(_) | Op::SolveAdjoint(_) | Op::SpdSolve | Op::SpdSolveAdjoint => {}
        }
        Ok(())
    }

    fn sum(&self, axes: &[AxisId], arg: &Array, out: &mut Array) -> Result<()> {
        let summed: Vec<AxisId> = arg.ty.axes.iter().copied().filter(|a| axes.contains(a)).collect();
        let starts = arg.offsets(&out.ty.axes, &out.shape)?;
        let steps = arg.offsets(&summed, &self.shape(&summed)?)?;
        let elem = out.ty.elem;
        map(out, |i| steps.iter().fold(0.0, |sum, s| round_as(elem, sum + arg.data[starts[i] + s])));
        Ok(())
    }

    fn contract(&self, over: &[AxisId], a: &Array, b: &Array, out: &mut Array) -> Result<()> {
        let (start_a, start_b) = (a.offsets(&out.ty.axes, &out.shape)?, b.offsets(&out.ty.axes, &out.shape)?);
        let sizes = self.shape(over)?;
        let (step_a, step_b) = (a.offsets(over, &sizes)?, b.offsets(over, &sizes)?);
        let elem = out.ty.elem;
        map(out, |i| {
            step_a.iter().zip(&step_b).fold(0.0, |sum, (p, q)| {
                let product = round_as(elem, a.data[start_a[i] + p] * b.data[start_b[i] + q]);
                round_as(elem, sum + product)
            })
        });
        Ok(())
    }

    /// Binds the one unbound axis of the result, if there is one.
    fn reshape(&mut self, arg: usize, ty: &Type) -> Result<Array> {
        let from = self.values[arg].data.len();
        let mut unbound = ty.axes.iter().copied().filter(|a| self.sizes[a.index()].is_none());
        if let (Some(axis), None) = (unbound.next(), unbound.next()) {
            let known: Vec<usize> = ty.axes.iter().filter_map(|a| self.sizes[a.index()]).collect();
            let known = product(&known)?;
            // An empty rest says nothing about the axis; it stays unbound.
            self.sizes[axis.index()] = from.checked_div(known);
        }
        let shape = self.shape(&ty.axes)?;
        let to = product(&shape)?;
        if from != to {
            return Err(InterpError::Reshape { from, to });
        }
        Ok(Array { ty: ty.clone(), shape, data: self.values[arg].data.clone() })
    }
}

fn map(out: &mut Array, f: impl Fn(usize) -> f64) {
    for (i, x) in out.data.iter_mut().enumerate() {
        *x = f(i);
    }
}

fn stride(array: &Array, axis: AxisId) -> usize {
    array.ty.position(axis).map_or(0, |p| array.shape[p + 1..].iter().product())
}

fn place(part: &Array, axis: AxisId, at: usize, out: &mut Array) -> Result<()> {
    let to = out.offsets(&part.ty.axes, &part.shape)?;
    let skip = at * stride(out, axis);
    for (x, to) in part.data.iter().zip(to) {
        out.data[to + skip] = *x;
    }
    Ok(())
}

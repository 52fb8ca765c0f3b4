//! Calling compiled functions by the names of their parameters and results.

use super::GradientError;
use crate::artifact::training::names;
use crate::artifact::{Entry, Port};
use crate::base::{IndexMap, Tensor, TensorData};
use crate::runtime::{Arg, Callable, Loaded, RuntimeError, TensorView, TensorViewMut};

/// The compiled functions of one model.
#[derive(Debug)]
pub struct Functions {
    pub(super) step: Function,
    pub(super) normal: Option<Function>,
    pub(super) evaluate: Function,
    pub(super) adam_f32: Callable,
    pub(super) adam_f64: Callable,
}

impl Functions {
    /// Opens the functions of a program.
    ///
    /// # Errors
    /// [`RuntimeError::NoEntry`] when one is missing, [`RuntimeError::Device`] when a device refuses one.
    pub fn new(program: &Loaded) -> Result<Self, RuntimeError> {
        let open = |name: &str| program.open(name);
        let function = |name: &str| open(name).map(Function::new);
        Ok(Functions {
            step: function(names::STEP)?,
            // A model without coefficients has no normal equations.
            normal: if program.has(names::NORMAL) { Some(function(names::NORMAL)?) } else { None },
            evaluate: function(names::EVALUATE)?,
            adam_f32: open(names::ADAM_F32)?,
            adam_f64: open(names::ADAM_F64)?,
        })
    }
}

/// Arguments by name.
pub(super) type Arguments = IndexMap<String, Tensor>;

/// Where arguments are looked up.
pub(super) trait Lookup {
    /// The argument of this name.
    fn find(&self, name: &str) -> Option<&Tensor>;
}

impl Lookup for Arguments {
    fn find(&self, name: &str) -> Option<&Tensor> {
        self.get(name)
    }
}

/// One function with room for its results.
#[derive(Debug)]
pub(super) struct Function {
    executable: Callable,
    results: Vec<Tensor>,
    samples: usize,
}

impl Function {
    fn new(executable: Callable) -> Self {
        Function { executable, results: Vec::new(), samples: usize::MAX }
    }

    /// Calls it with the arguments it has a parameter for, looked up in `arguments` one after the other.
    pub fn call(&mut self, samples: usize, arguments: &[&dyn Lookup]) -> Result<(), GradientError> {
        let entry = self.executable.entry();
        if self.samples != samples {
            self.results = entry.results.iter().map(|p| room(entry, p, samples)).collect();
            self.samples = samples;
        }
        let find = |port: &Port| {
            let found = arguments.iter().find_map(|a| a.find(&port.name));
            found.map(view).ok_or_else(|| unknown(entry, &port.name))
        };
        let args: Vec<TensorView> = entry.params.iter().map(find).collect::<Result<_, _>>()?;
        let shapes: Vec<Vec<usize>> = self.results.iter().map(|t| t.shape().to_vec()).collect();
        let mut outs: Vec<TensorViewMut> =
            self.results.iter_mut().zip(&shapes).map(|(t, s)| view_mut(s, t.data_mut())).collect();
        Ok(self.executable.call(&args, &mut outs)?)
    }

    /// A result of the last call.
    pub fn result(&self, name: &str) -> Result<&Tensor, GradientError> {
        let entry = self.executable.entry();
        let at = entry.results.iter().position(|p| p.name == name);
        at.and_then(|at| self.results.get(at)).ok_or_else(|| unknown(entry, name))
    }

    /// A result of the last call that is one number.
    pub fn scalar(&self, name: &str) -> Result<f64, GradientError> {
        Ok(self.numbers(name)?.first().copied().unwrap_or(f64::NAN))
    }

    /// A result of the last call in double precision.
    pub fn numbers(&self, name: &str) -> Result<&[f64], GradientError> {
        self.result(name)?.as_f64().ok_or_else(|| unknown(self.executable.entry(), name))
    }
}

/// One optimiser update in place: `value`, `mean` and `square` hold the new numbers afterwards.
pub(super) fn update(
    executable: &mut Callable,
    [value, mean, square]: [&mut Tensor; 3],
    gradient: &Tensor,
    scalars: &[Tensor],
) -> Result<(), GradientError> {
    let shape = [value.len()];
    let mut args = vec![
        Arg::Update(view_mut(&shape, value.data_mut()), 0),
        Arg::Update(view_mut(&shape, mean.data_mut()), 1),
        Arg::Update(view_mut(&shape, square.data_mut()), 2),
        Arg::Read(flat(&shape, gradient)),
    ];
    args.extend(scalars.iter().map(|s| Arg::Read(view(s))));
    Ok(executable.update(&mut args, &mut [])?)
}

/// Zeros for a result; the only axis without a size is that of the samples.
fn room(entry: &Entry, port: &Port, samples: usize) -> Tensor {
    let size = |a: &usize| entry.axes.get(*a).and_then(|a| a.size).unwrap_or(samples);
    Tensor::zeros(port.elem, port.axes.iter().map(size).collect())
}

fn unknown(entry: &Entry, name: &str) -> GradientError {
    GradientError::Unknown { function: entry.name.clone(), name: name.to_string() }
}

fn view(tensor: &Tensor) -> TensorView<'_> {
    flat(tensor.shape(), tensor)
}

fn flat<'a>(shape: &'a [usize], tensor: &'a Tensor) -> TensorView<'a> {
    match tensor.data() {
        TensorData::F32(d) => TensorView::f32(shape, d),
        TensorData::F64(d) => TensorView::f64(shape, d),
    }
}

fn view_mut<'a>(shape: &'a [usize], data: &'a mut TensorData) -> TensorViewMut<'a> {
    match data {
        TensorData::F32(d) => TensorViewMut::f32(shape, d),
        TensorData::F64(d) => TensorViewMut::f64(shape, d),
    }
}

//! The compiled functions of a training, and their calls on resident arrays.

use super::GradientError;
use super::arrays::Arrays;
use crate::artifact::training::names;
use crate::artifact::{Entry, Port};
use crate::base::{IndexMap, Tensor};
use crate::runtime::{Callable, Loaded, RuntimeError, Sequence, Store, View};

/// The compiled functions of one model.
#[derive(Debug)]
pub struct Functions {
    pub(super) loaded: Loaded,
    pub(super) step: Callable,
    pub(super) normal: Option<Callable>,
    pub(super) evaluate: Callable,
    pub(super) adam_f32: Callable,
    pub(super) adam_f64: Callable,
}

impl Functions {
    /// Opens the functions of a program, the large ones at the same time: a device's compiler takes a second or two for each.
    ///
    /// # Errors
    /// [`RuntimeError::NoEntry`] when one is missing, [`RuntimeError::Device`] when a device refuses one.
    pub fn new(program: &Loaded) -> Result<Self, RuntimeError> {
        let open = |name: &str| program.open(name);
        // A model without coefficients has no normal equations.
        let normal = || program.has(names::NORMAL).then(|| open(names::NORMAL)).transpose();
        let (step, (evaluate, (normal, (adam_f32, adam_f64)))) = rayon::join(
            || open(names::STEP),
            || rayon::join(|| open(names::EVALUATE), || (normal(), (open(names::ADAM_F32), open(names::ADAM_F64)))),
        );
        Ok(Functions {
            loaded: program.clone(),
            step: step?,
            normal: normal?,
            evaluate: evaluate?,
            adam_f32: adam_f32?,
            adam_f64: adam_f64?,
        })
    }

    /// Why relaxed solves of the training factored their rows, where they did: [`Executable::solved_by_rows`](crate::runtime::Executable::solved_by_rows).
    pub fn solved_by_rows(&self) -> Option<&str> {
        let all = [Some(&self.step), self.normal.as_ref(), Some(&self.evaluate)];
        all.into_iter().flatten().find_map(Callable::solved_by_rows)
    }
}

/// Arguments by name.
pub(super) type Arguments = IndexMap<String, Tensor>;

/// A function with its results for the largest mini-batch, ready to be called for any that is not larger.
#[derive(Debug)]
pub(super) struct Function {
    callable: Callable,
    results: Vec<View>,
    /// The calls made ready, each for so many samples.
    calls: Vec<(usize, Sequence)>,
}

impl Function {
    /// Makes room for the results of `most` samples.
    pub fn new(callable: &Callable, store: &mut Store, most: usize) -> Result<Self, GradientError> {
        let callable = callable.again();
        let entry = callable.entry();
        let room = |port: &Port| store.zeros(port.elem, &shape(entry, port, most));
        let results = entry.results.iter().map(room).collect::<Result<_, _>>()?;
        Ok(Function { callable, results, calls: Vec::new() })
    }

    /// Calls it and waits, with the arguments that `find` has for the names of its parameters.
    pub fn call(
        &mut self,
        arrays: &mut Arrays,
        samples: usize,
        find: impl Fn(&Arrays, &str) -> Option<View>,
    ) -> Result<(), GradientError> {
        let at = match self.calls.iter().position(|(n, _)| *n == samples) {
            Some(at) => at,
            None => {
                let entry = self.callable.entry();
                let params = arguments(entry, |name| find(arrays, name))?;
                let mut sequence = Sequence::default();
                sequence.call(self.callable.again(), params, self.views(samples)?)?;
                // Batches have one size but for the last one.
                self.calls.truncate(1);
                self.calls.push((samples, sequence));
                self.calls.len() - 1
            }
        };
        let Some((_, sequence)) = self.calls.get_mut(at) else { return Ok(()) };
        sequence.forget()?;
        sequence.run(&mut arrays.store)?;
        Ok(sequence.check()?)
    }

    fn views(&self, samples: usize) -> Result<Vec<View>, GradientError> {
        let entry = self.callable.entry();
        let part = |(port, view): (&Port, &View)| {
            view.part(0, &shape(entry, port, samples)).ok_or_else(|| unknown(entry, &port.name))
        };
        entry.results.iter().zip(&self.results).map(part).collect()
    }

    /// A result of the last call, which was for so many samples, in double precision.
    pub fn numbers(&self, store: &Store, samples: usize, name: &str) -> Result<Vec<f64>, GradientError> {
        let entry = self.callable.entry();
        let at = entry.results.iter().position(|p| p.name == name).ok_or_else(|| unknown(entry, name))?;
        let view = self.views(samples)?.into_iter().nth(at).ok_or_else(|| unknown(entry, name))?;
        Ok(store.numbers(&view)?)
    }

    /// Whether it has a result of this name.
    pub fn gives(&self, name: &str) -> bool {
        self.callable.entry().results.iter().any(|p| p.name == name)
    }
}

/// The arguments that `find` has for the parameters of an entry.
pub(super) fn arguments(entry: &Entry, find: impl Fn(&str) -> Option<View>) -> Result<Vec<View>, GradientError> {
    entry.params.iter().map(|port| find(&port.name).ok_or_else(|| unknown(entry, &port.name))).collect()
}

/// The shape of a result; the only axis without a size is that of the samples.
pub(super) fn shape(entry: &Entry, port: &Port, samples: usize) -> Vec<usize> {
    port.axes.iter().map(|a| entry.axes.get(*a).and_then(|a| a.size).unwrap_or(samples)).collect()
}

pub(super) fn unknown(entry: &Entry, name: &str) -> GradientError {
    GradientError::Unknown { function: entry.name.clone(), name: name.to_string() }
}

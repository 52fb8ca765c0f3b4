//! Calls and moves on resident arrays of a device, recorded as one graph.

use super::DeviceError;
use super::code::{Code, Placed};
use super::handles::{DeviceMemory, Graph, fault};
use super::layout::{ALIGN, Layout, Outer};
use super::moves::{MoveLaunch, Moves};
use crate::runtime::sequence::{Bound, Step};
use crate::runtime::store::{Store, foreign};
use crate::runtime::{Callable, RuntimeError, View};
use cudarc::driver::result;
use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;

/// A sequence laid out in device memory. All calls share one workspace, since each is done before the next begins.
pub(in crate::runtime) struct DeviceSequence {
    // Dropped before the memory it addresses.
    graph: Option<Graph>,
    parts: Vec<Part>,
    moves: Arc<Moves>,
    /// Address and number of the status words of all calls.
    status: (u64, usize),
    _memory: DeviceMemory,
    whole_runs: u64,
    /// Whether all operators have to be made, whatever they were made from.
    spoiled: Cell<bool>,
}

enum Part {
    Call(Box<Call>),
    Move(MoveLaunch),
}

struct Call {
    code: Arc<Code>,
    placed: Placed,
    first_word: usize,
    /// The arrays that its operators are made from, and their versions when they were.
    made_from: Vec<View>,
    made: Option<Vec<u64>>,
}

impl DeviceSequence {
    /// Lays out the steps.
    pub fn new(steps: &[Step], store: &Store) -> Result<DeviceSequence, RuntimeError> {
        let moves = Arc::clone(store.moves().ok_or_else(foreign)?);
        let called = |bound: &Bound| match &bound.callable {
            Callable::Device(executable) => Ok(Arc::clone(executable.code())),
            Callable::Host(_) => Err(foreign()),
        };
        let (mut workspace, mut words, mut kept, mut name) = (0u64, 0usize, 0u64, "moves".to_string());
        let changing: Vec<&View> = steps.iter().flat_map(Step::written).collect();
        let mut laid = Vec::new();
        for step in steps {
            if let Step::Call(bound) = step {
                let code = called(bound)?;
                let mut used = code.program.operators_used(&bound.sizes);
                let mut made_from = Vec::new();
                for (used, operator) in used.iter_mut().zip(&code.program.operators) {
                    let from = operator.parameters.iter().filter_map(|&p| bound.params.get(p));
                    // What the sequence itself changes would be made in every run.
                    *used &= !from.clone().any(|view| changing.iter().any(|other| other.overlaps(view)));
                    made_from.extend(from.filter(|_| *used).cloned());
                }
                let layout = Layout::new(&code.program, (&bound.sizes, &used), Outer::Elsewhere)?;
                // Its own status words are not used.
                if layout.status > workspace {
                    (workspace, name) = (layout.status, code.program.entry.name.clone());
                }
                let (words_before, kept_before) = (words, kept);
                words += code.program.checks.len();
                kept = kept.saturating_add(layout.kept);
                laid.push((code, layout, (words_before, kept_before), (used, made_from)));
            }
        }
        // What is kept lies behind what calls share, aligned as in a layout.
        let total = workspace.saturating_add(8 * words as u64).checked_next_multiple_of(ALIGN as u64);
        let total = total.unwrap_or(u64::MAX);
        let memory = DeviceMemory::new(moves.device(), &name, total.saturating_add(kept))?;
        let status = memory.address() + workspace;
        let mut laid = laid.into_iter();
        let mut parts = Vec::new();
        for step in steps {
            parts.push(match step {
                Step::Move(what) => Part::Move(Moves::plan(store, what)?),
                Step::Call(bound) => {
                    let Some((code, layout, (first_word, kept), (used, made_from))) = laid.next() else {
                        return Err(foreign());
                    };
                    let addresses =
                        |views: &[View]| views.iter().map(|v| store.address(v)).collect::<Result<Vec<u64>, _>>();
                    let (params, results) = (addresses(&bound.params)?, addresses(&bound.results)?);
                    let starts = (memory.address(), memory.address() + total + kept);
                    let word = status + 8 * first_word as u64;
                    let bound = (bound.sizes.clone(), used);
                    let placed = Placed::between(&code, &layout, bound, starts, (&params, &results), word);
                    Part::Call(Box::new(Call { code, placed, first_word, made_from, made: None }))
                }
            });
        }
        let sequence = DeviceSequence {
            graph: None,
            parts,
            moves,
            status: (status, words),
            _memory: memory,
            whole_runs: 0,
            spoiled: Cell::new(true),
        };
        sequence.forget()?;
        Ok(sequence)
    }

    /// Puts steps on the stream: all of them from the second time on as one graph, but where operators are made.
    pub fn run(&mut self, store: &Store, range: Range<usize>) -> Result<(), RuntimeError> {
        self.moves.device().bind()?;
        if self.spoiled.replace(false) {
            self.parts.iter_mut().for_each(Part::forget_operators);
        }
        if self.makes_operators(store, &range)? {
            // A whole run by steps is what a recording needs before it.
            self.whole_runs = self.whole_runs.max(u64::from(range == (0..self.parts.len())));
            return Ok(());
        }
        if range != (0..self.parts.len()) {
            return Ok(self.put(range)?);
        }
        self.whole_runs += 1;
        // The driver loads some things lazily, which cannot be recorded.
        if self.whole_runs == 1 {
            return Ok(self.put(range)?);
        }
        if self.graph.is_none() {
            self.graph = Some(Graph::record(self.moves.device(), || self.put(range))?);
        }
        Ok(self.graph.as_ref().map_or(Ok(()), Graph::launch)?)
    }

    fn put(&self, range: Range<usize>) -> Result<(), DeviceError> {
        self.parts.get(range).unwrap_or_default().iter().try_for_each(|part| part.put(&self.moves, false))
    }

    /// Where one of these steps has an operator that is not made from the arrays as they are now, puts all of them on the stream
    /// one by one and says so.
    fn makes_operators(&mut self, store: &Store, range: &Range<usize>) -> Result<bool, DeviceError> {
        let parts = self.parts.get_mut(range.clone()).unwrap_or_default();
        if parts.iter().all(|part| part.is_made(store)) {
            return Ok(false);
        }
        for part in parts {
            let making = !part.is_made(store);
            part.put(&self.moves, making)?;
            part.note_versions(store);
        }
        Ok(true)
    }

    /// Forgets failures.
    pub fn forget(&self) -> Result<(), RuntimeError> {
        self.moves.device().bind()?;
        Ok(self.moves.device().fill(self.status.0, 0xff, 8 * self.status.1)?)
    }

    /// Waits for everything, and gives the first failure since the last [`DeviceSequence::forget`].
    pub fn check(&self) -> Result<(), RuntimeError> {
        let device = self.moves.device();
        device.bind()?;
        let mut words = vec![u64::MAX; self.status.1];
        if !words.is_empty() {
            // SAFETY: the status words are in our memory, and the stream is waited for while the target lives.
            let copied = unsafe { result::memcpy_dtoh_async(&mut words, self.status.0, device.stream()) };
            copied.map_err(fault("gave its status out")).map_err(RuntimeError::from)?;
        }
        device.synchronize()?;
        let checked = self.parts.iter().try_for_each(|part| match part {
            Part::Call(call) => {
                let end = call.first_word + call.code.program.checks.len();
                call.code.failed(words.get(call.first_word..end).unwrap_or_default(), &call.placed)
            }
            Part::Move(_) => Ok(()),
        });
        // What could not be made is tried, and told, again.
        self.spoiled.set(self.spoiled.get() || checked.is_err());
        checked
    }
}

impl Call {
    fn versions(&self, store: &Store) -> Vec<u64> {
        self.made_from.iter().map(|view| store.version(view)).collect()
    }
}

impl Part {
    fn put(&self, moves: &Moves, making: bool) -> Result<(), DeviceError> {
        match self {
            Part::Call(call) => call.code.put(&call.placed, making),
            Part::Move(what) => moves.put(what),
        }
    }

    /// Whether all operators in use are made from the arrays as they are.
    fn is_made(&self, store: &Store) -> bool {
        match self {
            Part::Call(call) => !call.placed.used.contains(&true) || call.made == Some(call.versions(store)),
            Part::Move(_) => true,
        }
    }

    fn note_versions(&mut self, store: &Store) {
        if let Part::Call(call) = self {
            call.made = Some(call.versions(store));
        }
    }

    fn forget_operators(&mut self) {
        if let Part::Call(call) = self {
            call.made = None;
        }
    }
}

impl Drop for DeviceSequence {
    fn drop(&mut self) {
        // Work that is still under way uses the memory, also of arrays.
        let _ = self.moves.device().bind().and_then(|()| self.moves.device().synchronize());
    }
}

//! Calls and moves on resident arrays of a device, recorded as one graph.

use super::DeviceError;
use super::code::{Code, Placed};
use super::handles::{DeviceMemory, Graph, fault};
use super::layout::{Layout, Outer};
use super::moves::{MoveLaunch, Moves};
use crate::runtime::sequence::{Bound, Step};
use crate::runtime::store::{Store, foreign};
use crate::runtime::{Callable, RuntimeError};
use cudarc::driver::result;
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
}

enum Part {
    Call { code: Arc<Code>, placed: Placed, first_word: usize },
    Move(MoveLaunch),
}

impl DeviceSequence {
    /// Lays out the steps.
    pub fn new(steps: &[Step], store: &Store) -> Result<DeviceSequence, RuntimeError> {
        let moves = Arc::clone(store.moves().ok_or_else(foreign)?);
        let called = |bound: &Bound| match &bound.callable {
            Callable::Device(executable) => Ok(Arc::clone(executable.code())),
            Callable::Host(_) => Err(foreign()),
        };
        let (mut workspace, mut words, mut name) = (0u64, 0usize, "moves".to_string());
        let mut laid = Vec::new();
        for step in steps {
            if let Step::Call(bound) = step {
                let code = called(bound)?;
                let layout = Layout::new(&code.program, &bound.sizes, Outer::Elsewhere)?;
                // Its own status words are not used.
                if layout.status > workspace {
                    (workspace, name) = (layout.status, code.program.entry.name.clone());
                }
                laid.push((code, layout, words));
                words += laid.last().map_or(0, |(code, ..)| code.program.checks.len());
            }
        }
        let total = workspace.saturating_add(8 * words as u64);
        let memory = DeviceMemory::new(moves.device(), &name, total)?;
        let status = memory.address() + workspace;
        let mut laid = laid.into_iter();
        let mut parts = Vec::new();
        for step in steps {
            parts.push(match step {
                Step::Move(what) => Part::Move(Moves::plan(store, what)?),
                Step::Call(bound) => {
                    let Some((code, layout, first_word)) = laid.next() else { return Err(foreign()) };
                    let addresses = |views: &[crate::runtime::View]| {
                        views.iter().map(|v| store.address(v)).collect::<Result<Vec<u64>, _>>()
                    };
                    let (params, results) = (addresses(&bound.params)?, addresses(&bound.results)?);
                    let place = (bound.sizes.clone(), memory.address());
                    let word = status + 8 * first_word as u64;
                    let placed = Placed::between(&code, &layout, place, (&params, &results), word);
                    Part::Call { code, placed, first_word }
                }
            });
        }
        let sequence =
            DeviceSequence { graph: None, parts, moves, status: (status, words), _memory: memory, whole_runs: 0 };
        sequence.forget()?;
        Ok(sequence)
    }

    /// Puts steps on the stream: all of them from the second time on as one graph.
    pub fn run(&mut self, range: Range<usize>) -> Result<(), RuntimeError> {
        self.moves.device().bind()?;
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
        self.parts.get(range).unwrap_or_default().iter().try_for_each(|part| match part {
            Part::Call { code, placed, .. } => code.put(placed),
            Part::Move(what) => self.moves.put(what),
        })
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
        self.parts.iter().try_for_each(|part| match part {
            Part::Call { code, placed, first_word } => {
                let end = first_word + code.program.checks.len();
                code.failed(words.get(*first_word..end).unwrap_or_default(), placed)
            }
            Part::Move(_) => Ok(()),
        })
    }
}

impl Drop for DeviceSequence {
    fn drop(&mut self) {
        // Work that is still under way uses the memory, also of arrays.
        let _ = self.moves.device().bind().and_then(|()| self.moves.device().synchronize());
    }
}

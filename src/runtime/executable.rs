//! One entry point, ready to be called.

use std::sync::{Arc, OnceLock};

use super::call::{Run, SolvePlan, SolverState};
use super::workspace::{Layout, Memory};
use super::{RuntimeError, TensorView, TensorViewMut, Threads, bind};
use crate::artifact::{Artifact, BufferPlace, Code, Entry, Step};
use crate::base::Tensor;

/// Numbers in a tensor at most: what a signed offset in bytes can reach.
const MOST_NUMBERS: u64 = (i64::MAX / 8) as u64;

/// An entry point with its workspace, which calls reuse.
pub struct Executable {
    entry: Entry,
    code: Code,
    threads: Threads,
    sizes: Vec<u64>,
    copied: Vec<bool>,
    /// What the layout is for: sizes and which results are copied.
    laid_out: (Vec<u64>, Vec<bool>),
    layout: Option<Layout>,
    memory: Memory,
    solve_plan: SolvePlan,
    solvers: Vec<SolverState>,
    /// Why a solve factored rows: the first reason of this one and of its copies.
    by_rows: Arc<OnceLock<String>>,
}

/// An argument of [`Executable::update`].
#[derive(Debug)]
pub enum Arg<'a> {
    /// A tensor that is only read.
    Read(TensorView<'a>),
    /// A tensor that is read and then holds the result at this position.
    Update(TensorViewMut<'a>, usize),
}

impl Arg<'_> {
    pub(super) fn shape(&self) -> &[usize] {
        match self {
            Arg::Read(view) => view.shape(),
            Arg::Update(view, _) => view.shape(),
        }
    }
}

impl Executable {
    /// The entry point `name` of `artifact`, to run on `threads`.
    ///
    /// # Errors
    /// [`RuntimeError::NoEntry`].
    pub fn new(artifact: &Artifact, name: &str, threads: Threads) -> Result<Self, RuntimeError> {
        let (entry, code) =
            artifact.entry(name).ok_or_else(|| RuntimeError::NoEntry { name: name.to_string() })?.clone();
        Ok(Executable::of(entry, code, threads, Arc::default()))
    }

    /// Another one of the same entry point, with a workspace of its own.
    #[must_use]
    pub fn again(&self) -> Self {
        Executable::of(self.entry.clone(), self.code.clone(), self.threads.clone(), Arc::clone(&self.by_rows))
    }

    fn of(entry: Entry, code: Code, threads: Threads, by_rows: Arc<OnceLock<String>>) -> Self {
        let solve_plan = SolvePlan::new(&entry);
        let solvers = (0..solve_plan.count).map(|_| SolverState::default()).collect();
        let copied = vec![false; entry.results.len()];
        Executable {
            entry,
            code,
            threads,
            sizes: Vec::new(),
            copied,
            laid_out: (Vec::new(), Vec::new()),
            layout: None,
            memory: Memory::default(),
            solve_plan,
            solvers,
            by_rows,
        }
    }

    /// Why relaxed solves of this one or of its [copies](Executable::again) factored rows in place of their normal matrix, at a hundred times the
    /// cost: the first reason, where there was one. See [`Factor::failure`](crate::solve::relaxed::Factor::failure).
    pub fn solved_by_rows(&self) -> Option<&str> {
        self.by_rows.get().map(String::as_str)
    }

    /// Bytes that calls of `entry` take beside their arguments when every axis without a size has `free` elements: results,
    /// workspace, and the factors of relaxed solves. `u64::MAX` when that is beyond any count.
    pub fn memory(entry: &Entry, free: u64) -> u64 {
        let sizes: Vec<u64> = entry.axes.iter().map(|a| a.size.map_or(free, |s| s as u64)).collect();
        let Ok(layout) = Layout::new(entry, &sizes, &[]) else { return u64::MAX };
        let results = entry.results.iter().map(|port| layout.bytes[port.buffer] as u64);
        let solvers = entry.steps.iter().map(|step| match step {
            Step::Solve(s) => super::solve::memory(s, &sizes),
            _ => 0,
        });
        results.chain(solvers).fold(layout.total as u64, u64::saturating_add)
    }

    /// What it takes and gives.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Runs the entry on `args`, in the order of its parameters, and writes its results to `outs`, in order.
    ///
    /// # Errors
    /// A [`RuntimeError`] when the tensors do not fit the entry or one another, or when a solve fails; then what is in `outs`
    /// means nothing.
    pub fn call(&mut self, args: &[TensorView<'_>], outs: &mut [TensorViewMut<'_>]) -> Result<(), RuntimeError> {
        let mut args: Vec<Arg<'_>> = args.iter().map(|&view| Arg::Read(view)).collect();
        self.update(&mut args, outs)
    }

    /// As [`call`](Self::call), into new tensors.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn run(&mut self, args: &[TensorView<'_>]) -> Result<Vec<Tensor>, RuntimeError> {
        bind::count(&self.entry, "arguments", self.entry.params.len(), args.len())?;
        bind::sizes(&self.entry, args.iter().map(TensorView::shape), &mut self.sizes)?;
        for (port, arg) in self.entry.params.iter().zip(args) {
            bind::numbers(port, arg.elem(), arg.shape(), arg.len())?;
        }
        let mut tensors: Vec<Tensor> = Vec::with_capacity(self.entry.results.len());
        for port in &self.entry.results {
            if self.entry.buffers[port.buffer].size.value(&self.sizes).is_none_or(|n| n > MOST_NUMBERS) {
                return Err(RuntimeError::Memory { entry: self.entry.name.clone(), bytes: usize::MAX });
            }
            let shape: Vec<usize> = port.axes.iter().map(|&a| self.sizes[a] as usize).collect();
            tensors.push(Tensor::zeros(port.elem, shape));
        }
        let shapes: Vec<Vec<usize>> = tensors.iter().map(|t| t.shape().to_vec()).collect();
        let mut outs: Vec<TensorViewMut<'_>> =
            tensors.iter_mut().zip(&shapes).map(|(t, shape)| TensorViewMut::of(shape, t.data_mut())).collect();
        self.call(args, &mut outs)?;
        drop(outs);
        Ok(tensors)
    }

    /// As [`call`](Self::call), but arguments may take a result in: an [`Arg::Update`] is read as a parameter and holds the
    /// named result afterwards. `outs` are the other results, in order.
    ///
    /// # Errors
    /// As [`call`](Self::call). After a failed solve updated arguments may hold their results already.
    pub fn update(&mut self, args: &mut [Arg<'_>], outs: &mut [TensorViewMut<'_>]) -> Result<(), RuntimeError> {
        let pointers = self.prepare(args, outs)?;
        let Some(layout) = &self.layout else { return Ok(()) };
        let run = Run {
            entry: &self.entry,
            code: &self.code,
            threads: &self.threads,
            sizes: &self.sizes,
            layout,
            pointers: &pointers,
            partials: self.memory.start().wrapping_add(layout.partials),
            by_rows: &self.by_rows,
        };
        run.steps(&self.solve_plan, &mut self.solvers)?;
        for (r, port) in self.entry.results.iter().enumerate().filter(|(r, _)| self.copied[*r]) {
            let target = args.iter_mut().find_map(|a| match a {
                Arg::Update(view, result) if *result == r => Some((view.address(), view.len() * port.elem.bytes())),
                _ => None,
            });
            if let Some((target, bytes)) = target {
                // SAFETY: the result's buffer is in the workspace, has at least the bytes of the checked view, and the view is
                // borrowed mutably, so the two do not overlap.
                unsafe { std::ptr::copy_nonoverlapping(pointers[port.buffer].cast_const(), target, bytes) };
            }
        }
        Ok(())
    }

    /// Checks everything and gives the address of each buffer.
    fn prepare(&mut self, args: &mut [Arg<'_>], outs: &mut [TensorViewMut<'_>]) -> Result<Vec<*mut u8>, RuntimeError> {
        let over = bind::checked(&self.entry, args, outs, &mut self.sizes)?;
        for (r, over) in over.iter().enumerate() {
            let in_place = |p: usize| self.entry.in_place.iter().any(|x| x.result == r && x.param == p);
            self.copied[r] = over.is_some_and(|p| !in_place(p));
        }
        if self.layout.is_none() || self.laid_out.0 != self.sizes || self.laid_out.1 != self.copied {
            self.layout = None;
            self.layout = Some(Layout::new(&self.entry, &self.sizes, &self.copied)?);
            self.laid_out = (self.sizes.clone(), self.copied.clone());
        }
        let Some(layout) = &self.layout else { return Ok(Vec::new()) };
        if !self.memory.reserve(layout.total) {
            return Err(RuntimeError::Memory { entry: self.entry.name.clone(), bytes: layout.total });
        }
        let start = self.memory.start();
        let args: Vec<*mut u8> = args
            .iter_mut()
            .map(|a| match a {
                Arg::Read(view) => view.address(),
                Arg::Update(view, _) => view.address(),
            })
            .collect();
        let mut outs = outs.iter_mut();
        let results: Vec<Option<*mut u8>> = over
            .iter()
            .zip(&self.copied)
            .map(|(over, &copied)| match over {
                Some(_) if copied => None,
                Some(p) => Some(args[*p]),
                None => outs.next().map(TensorViewMut::address),
            })
            .collect();
        let address = |(b, buffer): (usize, &crate::artifact::Buffer)| match buffer.place {
            BufferPlace::Param(p) => args[p],
            BufferPlace::Result(r) => results[r].unwrap_or(start.wrapping_add(layout.offsets[b])),
            BufferPlace::Temporary => start.wrapping_add(layout.offsets[b]),
        };
        Ok(self.entry.buffers.iter().enumerate().map(address).collect())
    }
}

impl std::fmt::Debug for Executable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executable").field("entry", &self.entry.name).field("threads", &self.threads).finish()
    }
}

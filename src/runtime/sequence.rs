//! Calls of functions on resident arrays, one after the other; on a device they are recorded as one graph.

use std::ops::Range;

use super::cuda::DeviceSequence;
use super::moves::Move;
use super::store::{Store, View};
use super::{Arg, Callable, Executable, RuntimeError, TensorView, TensorViewMut, bind};
use crate::base::Elem;

/// Calls and moves with fixed arrays. Steps are numbered in the order they were appended.
#[derive(Default)]
pub struct Sequence {
    steps: Vec<Step>,
    /// The store that all views of the steps are of; unknown before the first one.
    store: Option<u64>,
    device: Option<DeviceSequence>,
}

pub(super) enum Step {
    Call(Bound),
    Move(Move),
}

/// A function with its arguments and results.
pub(super) struct Bound {
    pub callable: Callable,
    pub params: Vec<View>,
    pub results: Vec<View>,
    /// Of the entry's axes.
    pub sizes: Vec<u64>,
    /// For each parameter the result that is written over it.
    over: Vec<Option<usize>>,
}

impl Sequence {
    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Appends a call. A result may be the view of a parameter that it [may lie over](crate::artifact::InPlace); otherwise results share no
    /// number with parameters or one another.
    ///
    /// # Errors
    /// A [`RuntimeError`] where the views do not fit the function or one another.
    pub fn call(&mut self, callable: Callable, params: Vec<View>, results: Vec<View>) -> Result<(), RuntimeError> {
        let entry = callable.entry();
        let mut sizes = Vec::new();
        bind::views(entry, &params, &results, &mut sizes)?;
        self.belongs(params.iter().chain(&results))?;
        let mut over = vec![None; params.len()];
        for (r, result) in results.iter().enumerate() {
            for (p, param) in params.iter().enumerate().filter(|(_, param)| param.overlaps(result)) {
                let allowed = param == result && entry.in_place.iter().any(|x| (x.result, x.param) == (r, p));
                // Two arguments over one result would be written at once.
                if !allowed || over.contains(&Some(r)) {
                    let (result, param) = (entry.results[r].name.clone(), entry.params[p].name.clone());
                    return Err(RuntimeError::InPlace { result, param });
                }
                over[p] = Some(r);
            }
            if let Some(other) = results[..r].iter().position(|other| other.overlaps(result)) {
                let reason = format!("`{}` and `{}` overlap", entry.results[other].name, entry.results[r].name);
                return Err(RuntimeError::Move { reason });
            }
        }
        self.steps.push(Step::Call(Bound { callable, params, results, sizes, over }));
        self.device = None;
        Ok(())
    }

    /// Appends a move.
    ///
    /// # Errors
    /// [`RuntimeError::Move`] where its arrays do not fit one another.
    pub fn moves(&mut self, what: Move) -> Result<(), RuntimeError> {
        what.check()?;
        self.belongs(what.views())?;
        self.steps.push(Step::Move(what));
        self.device = None;
        Ok(())
    }

    /// Refuses views of another store than those before: within its own, every view lies in its array.
    fn belongs<'v>(&mut self, views: impl IntoIterator<Item = &'v View>) -> Result<(), RuntimeError> {
        let mut store = self.store;
        for view in views {
            if *store.get_or_insert(view.store) != view.store {
                return Err(super::store::foreign());
            }
        }
        self.store = store;
        Ok(())
    }

    /// Runs all steps. On a device they are only under way when this returns.
    ///
    /// # Errors
    /// [`RuntimeError::Move`] where the arrays are not those of this store; on the host the first failure of a step.
    pub fn run(&mut self, store: &mut Store) -> Result<(), RuntimeError> {
        self.run_part(store, 0..self.steps.len())
    }

    /// As [`Sequence::run`], for some of the steps.
    ///
    /// # Errors
    /// As there.
    pub fn run_part(&mut self, store: &mut Store, range: Range<usize>) -> Result<(), RuntimeError> {
        if self.store.is_some_and(|own| own != store.id()) {
            return Err(super::store::foreign());
        }
        if store.is_on_device() {
            if self.device.is_none() {
                self.device = Some(DeviceSequence::new(&self.steps, store)?);
            }
            let done = self.device.as_mut().map_or(Ok(()), |device| device.run(store, range.clone()));
            self.steps.get(range).unwrap_or_default().iter().flat_map(Step::written).for_each(|view| store.touch(view));
            return done;
        }
        self.steps.get_mut(range).unwrap_or_default().iter_mut().try_for_each(|step| match step {
            Step::Move(what) => what.run(store),
            Step::Call(bound) => bound.run(store),
        })
    }

    /// Waits for all that is under way.
    ///
    /// # Errors
    /// On a device the first failure since [`Sequence::forget`].
    pub fn check(&self) -> Result<(), RuntimeError> {
        self.device.as_ref().map_or(Ok(()), DeviceSequence::check)
    }

    /// Forgets the failures on a device.
    ///
    /// # Errors
    /// [`RuntimeError::Device`].
    pub fn forget(&self) -> Result<(), RuntimeError> {
        self.device.as_ref().map_or(Ok(()), DeviceSequence::forget)
    }
}

impl Step {
    /// The views that it writes.
    pub(super) fn written(&self) -> Vec<&View> {
        match self {
            Step::Call(bound) => bound.results.iter().collect(),
            Step::Move(what) => what.written(),
        }
    }
}

impl Bound {
    /// Calls the function on the host.
    fn run(&mut self, store: &mut Store) -> Result<(), RuntimeError> {
        let Callable::Host(executable) = &mut self.callable else { return Err(super::store::foreign()) };
        let bases = store.bases();
        call(executable, (&self.params, &self.results), &self.over, &bases)
    }
}

/// Calls an executable on views of arrays that start at `bases`.
fn call(
    executable: &mut Executable,
    (params, results): (&[View], &[View]),
    over: &[Option<usize>],
    bases: &[*mut u8],
) -> Result<(), RuntimeError> {
    let argument = |(view, over): (_, &Option<usize>)| match over {
        // SAFETY: the caller's arrays are borrowed mutably for the call, and `Sequence::call` has made sure that what is written
        // overlaps nothing else.
        Some(r) => Arg::Update(unsafe { written(view, bases) }, *r),
        // SAFETY: as above.
        None => Arg::Read(unsafe { read(view, bases) }),
    };
    let mut args: Vec<Arg<'_>> = params.iter().zip(over).map(argument).collect();
    let own = results.iter().enumerate().filter(|(r, _)| !over.contains(&Some(*r)));
    let mut outs: Vec<TensorViewMut<'_>> = own
        // SAFETY: as above.
        .map(|(_, view)| unsafe { written(view, bases) })
        .collect();
    executable.update(&mut args, &mut outs)
}

fn start(view: &View, bases: &[*mut u8]) -> *mut u8 {
    bases[view.array].wrapping_add(view.offset * view.elem().bytes())
}

/// A view as a tensor to be read.
///
/// # Safety
/// The arrays that start at `bases` are those of the view's store, alive, and no one writes the view's numbers meanwhile.
unsafe fn read<'a>(view: &'a View, bases: &[*mut u8]) -> TensorView<'a> {
    let (at, len) = (start(view, bases).cast_const(), view.len());
    // SAFETY: a view lies in its array, and `Sequence::run_part` has made sure that the arrays are its store's; the rest is the caller's contract.
    unsafe {
        match view.elem() {
            Elem::F32 => TensorView::f32(view.shape(), std::slice::from_raw_parts(at.cast(), len)),
            Elem::F64 => TensorView::f64(view.shape(), std::slice::from_raw_parts(at.cast(), len)),
        }
    }
}

/// A view as a tensor to be written.
///
/// # Safety
/// As for [`read`], and no one else reads the view's numbers meanwhile.
unsafe fn written<'a>(view: &'a View, bases: &[*mut u8]) -> TensorViewMut<'a> {
    let (at, len) = (start(view, bases), view.len());
    // SAFETY: as for `read`.
    unsafe {
        match view.elem() {
            Elem::F32 => TensorViewMut::f32(view.shape(), std::slice::from_raw_parts_mut(at.cast(), len)),
            Elem::F64 => TensorViewMut::f64(view.shape(), std::slice::from_raw_parts_mut(at.cast(), len)),
        }
    }
}

impl std::fmt::Debug for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sequence").field("steps", &self.steps.len()).finish()
    }
}

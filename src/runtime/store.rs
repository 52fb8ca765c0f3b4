//! Arrays that stay where functions are computed: in the host's memory, or on a device.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::cuda::{Moves, Piece};
use super::moves::Move;
use super::{Loaded, RuntimeError};
use crate::base::{Elem, TensorData};

/// Arrays in one place. Each is found by a [`View`] of all of it, and parts of it by other views.
pub struct Store {
    /// Tells stores apart: views are good for their own only.
    id: u64,
    place: Place,
    arrays: Vec<Array>,
    /// For each array how often it was written.
    versions: Vec<u64>,
}

pub(super) enum Place {
    Host,
    Device(Arc<Moves>),
}

pub(super) enum Array {
    Host(TensorData),
    Device(Piece),
}

/// A part of an array of a [`Store`], as a dense tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The store that it is a view of.
    pub(super) store: u64,
    pub(super) array: usize,
    /// Position of its first number in the array.
    pub(super) offset: usize,
    elem: Elem,
    shape: Vec<usize>,
}

impl View {
    /// The type of the numbers.
    pub fn elem(&self) -> Elem {
        self.elem
    }

    /// The size along each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many numbers it has.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part of this shape that starts at number `offset`; `None` where it does not lie in the view.
    pub fn part(&self, offset: usize, shape: &[usize]) -> Option<View> {
        let len = shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent))?;
        let fits = offset.checked_add(len)? <= self.len();
        fits.then(|| View { offset: self.offset + offset, shape: shape.to_vec(), ..self.clone() })
    }

    /// Whether the two have a number in common.
    pub(super) fn overlaps(&self, other: &View) -> bool {
        let (a, b) = (self.offset..self.offset + self.len(), other.offset..other.offset + other.len());
        (self.store, self.array) == (other.store, other.array) && a.start < b.end && b.start < a.end
    }
}

impl Store {
    /// Where the functions of a program are computed.
    ///
    /// # Errors
    /// [`RuntimeError::Device`].
    pub fn beside(program: &Loaded) -> Result<Store, RuntimeError> {
        let place = match program {
            Loaded::Host { .. } => Place::Host,
            Loaded::Device { device, cache, .. } => Place::Device(Arc::new(Moves::new(device, cache)?)),
        };
        Ok(Store::new(place))
    }

    fn new(place: Place) -> Store {
        static STORES: AtomicU64 = AtomicU64::new(0);
        Store { id: STORES.fetch_add(1, Ordering::Relaxed), place, arrays: Vec::new(), versions: Vec::new() }
    }

    /// What its views know it by.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// The array that a view is of, where it is one of this store.
    fn array(&self, view: &View) -> Option<&Array> {
        self.arrays.get(view.array).filter(|_| view.store == self.id)
    }

    fn array_mut(&mut self, view: &View) -> Option<&mut Array> {
        self.arrays.get_mut(view.array).filter(|_| view.store == self.id)
    }

    /// A view of all of an array that is new.
    fn push(&mut self, array: Array, elem: Elem, shape: &[usize]) -> View {
        self.arrays.push(array);
        self.versions.push(0);
        View { store: self.id, array: self.arrays.len() - 1, offset: 0, elem, shape: shape.to_vec() }
    }

    /// How often the array that a view is of was written: the same number, the same numbers.
    pub(super) fn version(&self, view: &View) -> u64 {
        self.versions.get(view.array).copied().unwrap_or(0)
    }

    /// Notes that the array that a view is of is written.
    pub(super) fn touch(&mut self, view: &View) {
        if let Some(version) = self.versions.get_mut(view.array) {
            *version += 1;
        }
    }

    /// Whether the arrays are on a device.
    pub fn is_on_device(&self) -> bool {
        matches!(self.place, Place::Device(_))
    }

    /// Zeros.
    ///
    /// # Errors
    /// [`RuntimeError::Device`], [`RuntimeError::Memory`].
    pub fn zeros(&mut self, elem: Elem, shape: &[usize]) -> Result<View, RuntimeError> {
        let len = shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent));
        let too_large = |bytes: usize| RuntimeError::Memory { entry: "resident arrays".into(), bytes };
        let len = len.ok_or_else(|| too_large(usize::MAX))?;
        let refused = |_| too_large(len.saturating_mul(elem.bytes()));
        let array = match &self.place {
            Place::Host => Array::Host(match elem {
                Elem::F32 => TensorData::F32(zeros(len).map_err(refused)?),
                Elem::F64 => TensorData::F64(zeros(len).map_err(refused)?),
            }),
            Place::Device(moves) => Array::Device(Piece::zeros(moves.device(), elem, len)?),
        };
        Ok(self.push(array, elem, shape))
    }

    /// An array with these numbers, which are moved on the host and sent to a device.
    ///
    /// # Errors
    /// As [`Store::zeros`].
    pub fn add(&mut self, data: TensorData) -> Result<View, RuntimeError> {
        let (elem, len) = match &data {
            TensorData::F32(d) => (Elem::F32, d.len()),
            TensorData::F64(d) => (Elem::F64, d.len()),
        };
        if let Place::Host = self.place {
            return Ok(self.push(Array::Host(data), elem, &[len]));
        }
        let view = self.zeros(elem, &[len])?;
        self.write(&view, &data)?;
        Ok(view)
    }

    /// Overwrites the first numbers of a view.
    ///
    /// # Errors
    /// [`RuntimeError::Move`] for more numbers than it has or another type, [`RuntimeError::Device`].
    pub fn write(&mut self, view: &View, data: &TensorData) -> Result<(), RuntimeError> {
        let (elem, len) = match data {
            TensorData::F32(d) => (Elem::F32, d.len()),
            TensorData::F64(d) => (Elem::F64, d.len()),
        };
        if elem != view.elem || len > view.len() {
            let reason = format!("{len} numbers ({elem}) do not fit in {} ({})", view.len(), view.elem);
            return Err(RuntimeError::Move { reason });
        }
        self.touch(view);
        match (self.array_mut(view), data) {
            (Some(Array::Device(piece)), data) => piece.write(view.offset, data),
            (Some(Array::Host(TensorData::F32(to))), TensorData::F32(from)) => {
                to[view.offset..view.offset + len].copy_from_slice(from);
                Ok(())
            }
            (Some(Array::Host(TensorData::F64(to))), TensorData::F64(from)) => {
                to[view.offset..view.offset + len].copy_from_slice(from);
                Ok(())
            }
            _ => Err(foreign()),
        }
    }

    /// The numbers of a view, once all calls before are done.
    ///
    /// # Errors
    /// [`RuntimeError::Device`].
    pub fn read(&self, view: &View) -> Result<TensorData, RuntimeError> {
        let range = view.offset..view.offset + view.len();
        match self.array(view) {
            Some(Array::Device(piece)) => piece.read(view.offset, view.len()),
            Some(Array::Host(TensorData::F32(d))) => Ok(TensorData::F32(d[range].to_vec())),
            Some(Array::Host(TensorData::F64(d))) => Ok(TensorData::F64(d[range].to_vec())),
            None => Err(foreign()),
        }
    }

    /// As [`Store::read`], for double precision; empty for single precision.
    ///
    /// # Errors
    /// As there.
    pub fn numbers(&self, view: &View) -> Result<Vec<f64>, RuntimeError> {
        match self.read(view)? {
            TensorData::F64(numbers) => Ok(numbers),
            TensorData::F32(_) => Ok(Vec::new()),
        }
    }

    /// Copies the array that `from` is a view of to that of `to`.
    ///
    /// # Errors
    /// [`RuntimeError::Move`] for arrays of different types or lengths, [`RuntimeError::Device`].
    pub fn copy(&mut self, from: &View, to: &View) -> Result<(), RuntimeError> {
        if [from.store, to.store] != [self.id; 2] {
            return Err(foreign());
        }
        if from.array == to.array {
            return Ok(());
        }
        self.touch(to);
        let unlike = || RuntimeError::Move { reason: "two arrays differ in type or length".to_string() };
        let [from, to] = self.arrays.get_disjoint_mut([from.array, to.array]).map_err(|_| foreign())?;
        match (from, to) {
            (Array::Device(from), Array::Device(to)) if (from.elem, from.len) == (to.elem, to.len) => {
                to.copy_from(from)
            }
            (Array::Host(TensorData::F32(from)), Array::Host(TensorData::F32(to))) if from.len() == to.len() => {
                to.copy_from_slice(from);
                Ok(())
            }
            (Array::Host(TensorData::F64(from)), Array::Host(TensorData::F64(to))) if from.len() == to.len() => {
                to.copy_from_slice(from);
                Ok(())
            }
            _ => Err(unlike()),
        }
    }

    /// Does a move, after all calls before.
    ///
    /// # Errors
    /// [`RuntimeError::Move`] where its arrays do not fit one another, [`RuntimeError::Device`].
    pub fn apply(&mut self, what: &Move) -> Result<(), RuntimeError> {
        what.check()?;
        match &self.place {
            Place::Host => what.run(self)?,
            Place::Device(moves) => moves.apply(self, what)?,
        }
        what.written().into_iter().for_each(|view| self.touch(view));
        Ok(())
    }

    pub(super) fn moves(&self) -> Option<&Arc<Moves>> {
        match &self.place {
            Place::Host => None,
            Place::Device(moves) => Some(moves),
        }
    }

    /// The device address of a view.
    pub(super) fn address(&self, view: &View) -> Result<u64, RuntimeError> {
        match self.array(view) {
            Some(Array::Device(piece)) => Ok(piece.address(view.offset)),
            _ => Err(foreign()),
        }
    }

    /// The first byte of every array of the host.
    pub(super) fn bases(&mut self) -> Vec<*mut u8> {
        let base = |array: &mut Array| match array {
            Array::Host(TensorData::F32(d)) => d.as_mut_ptr().cast(),
            Array::Host(TensorData::F64(d)) => d.as_mut_ptr().cast(),
            Array::Device(_) => std::ptr::null_mut(),
        };
        self.arrays.iter_mut().map(base).collect()
    }

    /// The number at position `i` of a view in double precision on the host.
    pub(super) fn number(&self, view: &View, i: usize) -> Option<f64> {
        match self.array(view) {
            Some(Array::Host(TensorData::F64(d))) if i < view.len() => d.get(view.offset + i).copied(),
            _ => None,
        }
    }

    /// The different arrays of two views on the host.
    pub(super) fn pair(&mut self, a: &View, b: &View) -> Result<[&mut TensorData; 2], RuntimeError> {
        if [a.store, b.store] != [self.id; 2] {
            return Err(foreign());
        }
        match self.arrays.get_disjoint_mut([a.array, b.array]) {
            Ok([Array::Host(a), Array::Host(b)]) => Ok([a, b]),
            _ => Err(foreign()),
        }
    }

    /// A view's numbers on the host, in double precision, to be written.
    pub(super) fn host_mut(&mut self, view: &View) -> Option<&mut [f64]> {
        match self.array_mut(view) {
            Some(Array::Host(TensorData::F64(d))) => d.get_mut(view.offset..view.offset + view.len()),
            _ => None,
        }
    }
}

/// Zeros, or that there is no memory for them.
fn zeros<T: Clone + Default>(len: usize) -> Result<Vec<T>, std::collections::TryReserveError> {
    let mut numbers = Vec::new();
    numbers.try_reserve_exact(len)?;
    numbers.resize(len, T::default());
    Ok(numbers)
}

/// A view of another store.
pub(super) fn foreign() -> RuntimeError {
    RuntimeError::Move { reason: "an array is not of this store".to_string() }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("arrays", &self.arrays.len()).field("device", &self.is_on_device()).finish()
    }
}

//! Trained arrays with their moments and adjoints, where functions are computed. Those that are updated alike lie behind one another in
//! one array, so that one call of the optimiser does for all of them.

use super::{GradientError, Layout, Weights};
use crate::base::{Elem, Tensor, TensorData};
use crate::runtime::{Store, View};

/// Arrays start at multiples of this many numbers, which suits products of matrices on a device.
const ALIGN: usize = 64;

/// Arrays that are updated alike.
pub(super) struct Group {
    pub elem: Elem,
    /// Whether their learning rate is that of the networks.
    pub of_network: bool,
    /// Values, means of gradients, means of their squares.
    pub moments: [View; 3],
    /// Where adjoints are put. Between arrays it stays zero, and so do the moments.
    pub gradient: View,
    /// Copies of the three on a device.
    spare: Option<[View; 3]>,
}

/// Where one array is.
struct Place {
    name: String,
    group: usize,
    offset: usize,
    shape: Vec<usize>,
}

/// All trained arrays.
pub(super) struct Trained {
    pub groups: Vec<Group>,
    places: Vec<Place>,
}

impl Trained {
    /// Moves arrays to where functions are computed.
    pub fn new(store: &mut Store, layout: &Layout, weights: &[Weights]) -> Result<Self, GradientError> {
        let mut lengths: Vec<((Elem, bool), usize)> = Vec::new();
        let mut places = Vec::new();
        for (i, w) in weights.iter().enumerate() {
            let of_network = layout.weights.get(i).is_some_and(|w| !w.coefficients);
            let key = (w.value.elem(), of_network);
            let group = lengths.iter().position(|(k, _)| *k == key).unwrap_or(lengths.len());
            if group == lengths.len() {
                lengths.push((key, 0));
            }
            let offset = lengths[group].1;
            lengths[group].1 = (offset + w.value.len()).next_multiple_of(ALIGN);
            places.push(Place { name: w.name.clone(), group, offset, shape: w.value.shape().to_vec() });
        }
        let mut groups = Vec::new();
        for (at, ((elem, of_network), len)) in lengths.into_iter().enumerate() {
            let mut all = [zeros(elem, len), zeros(elem, len), zeros(elem, len)];
            for (place, w) in places.iter().zip(weights).filter(|(place, _)| place.group == at) {
                let arrays = [&w.value, &w.mean, &w.square];
                all.iter_mut().zip(arrays).for_each(|(to, from)| put(to, place.offset, from.data()));
            }
            let [value, mean, square] = all;
            let moments = [store.add(value)?, store.add(mean)?, store.add(square)?];
            let gradient = store.zeros(elem, &[len])?;
            let spare = match store.is_on_device() {
                true => Some([store.zeros(elem, &[len])?, store.zeros(elem, &[len])?, store.zeros(elem, &[len])?]),
                false => None,
            };
            groups.push(Group { elem, of_network, moments, gradient, spare });
        }
        Ok(Trained { groups, places })
    }

    /// The array of this name.
    pub fn value(&self, name: &str) -> Option<View> {
        self.part(name, |group| &group.moments[0])
    }

    /// Where the adjoint of the array of this name is put.
    pub fn adjoint(&self, name: &str) -> Option<View> {
        self.part(name, |group| &group.gradient)
    }

    fn part(&self, name: &str, of: impl Fn(&Group) -> &View) -> Option<View> {
        let place = self.places.iter().find(|place| place.name == name)?;
        of(self.groups.get(place.group)?).part(place.offset, &place.shape)
    }

    /// Copies of all arrays with their moments, on the host.
    pub fn weights(&self, store: &Store) -> Result<Vec<Weights>, GradientError> {
        let mut all = [self.arrays(store, 0)?, self.arrays(store, 1)?, self.arrays(store, 2)?].map(Vec::into_iter);
        let of = |place: &Place| {
            let mut next = all.iter_mut().filter_map(Iterator::next);
            let (value, mean, square) = (next.next()?, next.next()?, next.next()?);
            Some(Weights { name: place.name.clone(), value, mean, square })
        };
        Ok(self.places.iter().filter_map(of).collect())
    }

    /// Copies of the values, means or squares of all arrays, on the host.
    pub fn arrays(&self, store: &Store, which: usize) -> Result<Vec<Tensor>, GradientError> {
        let whole =
            |group: &Group| if store.is_on_device() { store.read(&group.moments[which]).map(Some) } else { Ok(None) };
        let whole = self.groups.iter().map(whole).collect::<Result<Vec<_>, _>>()?;
        let of = |place: &Place| -> Result<Tensor, GradientError> {
            let len = place.shape.iter().product();
            let data = match whole.get(place.group) {
                // One transfer for all arrays of a group.
                Some(Some(data)) => cut(data, place.offset, len),
                _ => match self.groups.get(place.group).and_then(|g| g.moments[which].part(place.offset, &[len])) {
                    Some(part) => store.read(&part)?,
                    None => zeros(Elem::F64, len),
                },
            };
            let mut tensor = Tensor::zeros(elem(&data), place.shape.clone());
            *tensor.data_mut() = data;
            Ok(tensor)
        };
        self.places.iter().map(of).collect()
    }

    /// Overwrites the values of all arrays.
    pub fn set_values(&self, store: &mut Store, values: &[Tensor]) -> Result<(), GradientError> {
        for (place, value) in self.places.iter().zip(values) {
            if let Some(part) = self.value(&place.name) {
                store.write(&part, value.data())?;
            }
        }
        Ok(())
    }

    /// Puts a copy by where a device has room for one; [`Trained::go_back`] takes it.
    pub fn put_by(&self, store: &mut Store) -> Result<(), GradientError> {
        let copies = self.groups.iter().filter_map(|g| g.spare.as_ref().map(|spare| (&g.moments, spare)));
        for (from, to) in copies.flat_map(|(from, to)| from.iter().zip(to)) {
            store.copy(from, to)?;
        }
        Ok(())
    }

    /// Takes back what [`Trained::put_by`] put by.
    pub fn go_back(&self, store: &mut Store) -> Result<(), GradientError> {
        let copies = self.groups.iter().filter_map(|g| g.spare.as_ref().map(|spare| (spare, &g.moments)));
        for (from, to) in copies.flat_map(|(from, to)| from.iter().zip(to)) {
            store.copy(from, to)?;
        }
        Ok(())
    }
}

fn zeros(elem: Elem, len: usize) -> TensorData {
    match elem {
        Elem::F32 => TensorData::F32(vec![0.0; len]),
        Elem::F64 => TensorData::F64(vec![0.0; len]),
    }
}

fn elem(data: &TensorData) -> Elem {
    match data {
        TensorData::F32(_) => Elem::F32,
        TensorData::F64(_) => Elem::F64,
    }
}

fn put(to: &mut TensorData, offset: usize, from: &TensorData) {
    match (to, from) {
        (TensorData::F32(to), TensorData::F32(from)) => to[offset..offset + from.len()].copy_from_slice(from),
        (TensorData::F64(to), TensorData::F64(from)) => to[offset..offset + from.len()].copy_from_slice(from),
        _ => {}
    }
}

fn cut(from: &TensorData, offset: usize, len: usize) -> TensorData {
    match from {
        TensorData::F32(d) => TensorData::F32(d.iter().skip(offset).take(len).copied().collect()),
        TensorData::F64(d) => TensorData::F64(d.iter().skip(offset).take(len).copied().collect()),
    }
}

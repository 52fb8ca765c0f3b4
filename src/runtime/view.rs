//! Borrowed tensors: what calls take and fill without copying.

use crate::base::{Elem, Tensor, TensorData};

/// A dense row-major tensor that somebody else owns.
#[derive(Clone, Copy, Debug)]
pub struct TensorView<'a> {
    shape: &'a [usize],
    data: Data<'a>,
}

/// A dense row-major tensor that somebody else owns and that is written.
#[derive(Debug)]
pub struct TensorViewMut<'a> {
    shape: &'a [usize],
    data: DataMut<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Data<'a> {
    F32(&'a [f32]),
    F64(&'a [f64]),
}

#[derive(Debug)]
enum DataMut<'a> {
    F32(&'a mut [f32]),
    F64(&'a mut [f64]),
}

impl<'a> TensorView<'a> {
    /// Numbers in single precision; the call checks that there are as many as the shape says.
    pub fn f32(shape: &'a [usize], data: &'a [f32]) -> Self {
        TensorView { shape, data: Data::F32(data) }
    }

    /// Numbers in double precision; the call checks that there are as many as the shape says.
    pub fn f64(shape: &'a [usize], data: &'a [f64]) -> Self {
        TensorView { shape, data: Data::F64(data) }
    }

    /// The size along each axis.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// The type of the numbers.
    pub fn elem(&self) -> Elem {
        match self.data {
            Data::F32(_) => Elem::F32,
            Data::F64(_) => Elem::F64,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self.data {
            Data::F32(d) => d.len(),
            Data::F64(d) => d.len(),
        }
    }

    /// The address, for reading only.
    pub(super) fn address(&self) -> *mut u8 {
        match self.data {
            Data::F32(d) => d.as_ptr().cast_mut().cast(),
            Data::F64(d) => d.as_ptr().cast_mut().cast(),
        }
    }
}

impl<'a> TensorViewMut<'a> {
    /// Numbers in single precision; the call checks that there are as many as the shape says.
    pub fn f32(shape: &'a [usize], data: &'a mut [f32]) -> Self {
        TensorViewMut { shape, data: DataMut::F32(data) }
    }

    /// Numbers in double precision; the call checks that there are as many as the shape says.
    pub fn f64(shape: &'a [usize], data: &'a mut [f64]) -> Self {
        TensorViewMut { shape, data: DataMut::F64(data) }
    }

    /// The size along each axis.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// The type of the numbers.
    pub fn elem(&self) -> Elem {
        match self.data {
            DataMut::F32(_) => Elem::F32,
            DataMut::F64(_) => Elem::F64,
        }
    }

    pub(super) fn len(&self) -> usize {
        match &self.data {
            DataMut::F32(d) => d.len(),
            DataMut::F64(d) => d.len(),
        }
    }

    /// The numbers of a tensor of this shape.
    pub fn of(shape: &'a [usize], data: &'a mut TensorData) -> Self {
        match data {
            TensorData::F32(d) => TensorViewMut::f32(shape, d),
            TensorData::F64(d) => TensorViewMut::f64(shape, d),
        }
    }

    pub(super) fn address(&mut self) -> *mut u8 {
        match &mut self.data {
            DataMut::F32(d) => d.as_mut_ptr().cast(),
            DataMut::F64(d) => d.as_mut_ptr().cast(),
        }
    }
}

impl<'a> From<&'a Tensor> for TensorView<'a> {
    fn from(tensor: &'a Tensor) -> Self {
        let data = match tensor.data() {
            TensorData::F32(d) => Data::F32(d),
            TensorData::F64(d) => Data::F64(d),
        };
        TensorView { shape: tensor.shape(), data }
    }
}

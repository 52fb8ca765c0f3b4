//! Values under evaluation, and walks over their positions.

use super::InterpError;
use crate::base::{Elem, Real, Tensor, TensorData};
use crate::ir::{AxisId, Type};

/// A value: numbers in row-major order, held in double precision and rounded to the type's.
#[derive(Clone, Debug)]
pub(super) struct Array {
    pub ty: Type,
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

impl Array {
    pub fn zeros(ty: &Type, shape: Vec<usize>) -> Result<Array, InterpError> {
        let len = product(&shape)?;
        Ok(Array { ty: ty.clone(), shape, data: vec![0.0; len] })
    }

    pub fn into_tensor(self) -> Result<Tensor, InterpError> {
        let Array { ty, shape, data } = self;
        let tensor = match ty.elem {
            Elem::F64 => Tensor::from_f64(shape, data),
            Elem::F32 => Tensor::from_f32(shape, data.into_iter().map(f32::from_f64).collect()),
        };
        tensor.map_err(|_| InterpError::TooLarge)
    }

    pub fn from_tensor(ty: &Type, tensor: &Tensor) -> Array {
        let data = match tensor.data() {
            TensorData::F64(v) => v.clone(),
            TensorData::F32(v) => v.iter().map(|&x| x.to_f64()).collect(),
        };
        Array { ty: ty.clone(), shape: tensor.shape().to_vec(), data }
    }

    /// The size along an axis, 1 where it is lacking.
    pub fn size(&self, axis: AxisId) -> usize {
        self.ty.position(axis).map_or(1, |p| self.shape[p])
    }

    /// The position in memory of every position of a walk over `axes` of these sizes; an axis the array lacks stays in place.
    pub fn offsets(&self, axes: &[AxisId], sizes: &[usize]) -> Result<Vec<usize>, InterpError> {
        let stride = |axis: &AxisId| match self.ty.position(*axis) {
            Some(p) => self.shape[p + 1..].iter().product(),
            None => 0,
        };
        let strides: Vec<usize> = axes.iter().map(stride).collect();
        let mut out = Vec::with_capacity(product(sizes)?);
        out.push(0);
        for (&size, &stride) in sizes.iter().zip(&strides) {
            out = out.iter().flat_map(|&base| (0..size).map(move |i| base + i * stride)).collect();
        }
        Ok(out)
    }
}

/// The number of positions of a shape.
pub(super) fn product(shape: &[usize]) -> Result<usize, InterpError> {
    let len = shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b));
    len.filter(|&n| n <= isize::MAX as usize / 8).ok_or(InterpError::TooLarge)
}

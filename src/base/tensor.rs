//! Dense row-major tensors: what the compiled functions take and give.

use std::fmt;

/// The type of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Elem {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
}

impl Elem {
    /// Bytes one number takes.
    pub fn bytes(self) -> usize {
        match self {
            Elem::F32 => 4,
            Elem::F64 => 8,
        }
    }
}

impl fmt::Display for Elem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Elem::F32 => "f32",
            Elem::F64 => "f64",
        })
    }
}

/// The numbers of a tensor, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
}

/// A dense row-major array. An empty shape is a scalar with one number.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: TensorData,
}

/// Why a tensor cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TensorError {
    /// The product of the shape is not the number of elements, or overflows.
    #[error("a tensor of shape {shape:?} cannot hold {len} numbers")]
    Shape {
        /// The requested shape.
        shape: Vec<usize>,
        /// How many numbers were given.
        len: usize,
    },
}

impl Tensor {
    /// A double-precision tensor; the shape's product must be `data.len()`.
    pub fn from_f64(shape: Vec<usize>, data: Vec<f64>) -> Result<Self, TensorError> {
        check(&shape, data.len())?;
        Ok(Tensor { shape, data: TensorData::F64(data) })
    }

    /// A single-precision tensor; the shape's product must be `data.len()`.
    pub fn from_f32(shape: Vec<usize>, data: Vec<f32>) -> Result<Self, TensorError> {
        check(&shape, data.len())?;
        Ok(Tensor { shape, data: TensorData::F32(data) })
    }

    /// A double-precision scalar.
    pub fn scalar(value: f64) -> Self {
        Tensor { shape: Vec::new(), data: TensorData::F64(vec![value]) }
    }

    /// A tensor of zeros. Shapes come from checked programs; an overflowing one saturates and fails to allocate.
    pub fn zeros(elem: Elem, shape: Vec<usize>) -> Self {
        let len = shape.iter().copied().fold(1usize, usize::saturating_mul);
        let data = match elem {
            Elem::F32 => TensorData::F32(vec![0.0; len]),
            Elem::F64 => TensorData::F64(vec![0.0; len]),
        };
        Tensor { shape, data }
    }

    /// The size along each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of the numbers.
    pub fn elem(&self) -> Elem {
        match self.data {
            TensorData::F32(_) => Elem::F32,
            TensorData::F64(_) => Elem::F64,
        }
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match &self.data {
            TensorData::F32(v) => v.len(),
            TensorData::F64(v) => v.len(),
        }
    }

    /// Whether there is no number (some axis has size zero).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers.
    pub fn data(&self) -> &TensorData {
        &self.data
    }

    /// The numbers, mutable.
    pub fn data_mut(&mut self) -> &mut TensorData {
        &mut self.data
    }

    /// The numbers if they are double precision.
    pub fn as_f64(&self) -> Option<&[f64]> {
        match &self.data {
            TensorData::F64(v) => Some(v),
            TensorData::F32(_) => None,
        }
    }

    /// The numbers if they are single precision.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.data {
            TensorData::F32(v) => Some(v),
            TensorData::F64(_) => None,
        }
    }

    /// A copy in double precision, whatever the element type.
    pub fn to_f64(&self) -> Vec<f64> {
        match &self.data {
            TensorData::F64(v) => v.clone(),
            TensorData::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
        }
    }
}

fn check(shape: &[usize], len: usize) -> Result<(), TensorError> {
    let product = shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b));
    if product == Some(len) { Ok(()) } else { Err(TensorError::Shape { shape: shape.to_vec(), len }) }
}

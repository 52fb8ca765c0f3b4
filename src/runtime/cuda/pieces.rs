//! Numbers that stay on a device.

use super::device::Device;
use super::handles::{DeviceMemory, fault};
use crate::base::{Elem, TensorData};
use crate::runtime::RuntimeError;
use cudarc::driver::result;

/// Numbers of one type in device memory.
pub(in crate::runtime) struct Piece {
    device: Device,
    memory: DeviceMemory,
    pub elem: Elem,
    /// How many.
    pub len: usize,
}

impl Piece {
    /// Zeros.
    pub fn zeros(device: &Device, elem: Elem, len: usize) -> Result<Piece, RuntimeError> {
        let name = "resident arrays";
        let bytes = len.checked_mul(elem.bytes());
        let bytes = bytes.ok_or_else(|| RuntimeError::Memory { entry: name.to_string(), bytes: usize::MAX })?;
        let memory = DeviceMemory::new(device, name, bytes as u64)?;
        device.fill(memory.address(), 0, bytes)?;
        Ok(Piece { device: device.clone(), memory, elem, len })
    }

    /// The address of number `offset`.
    pub fn address(&self, offset: usize) -> u64 {
        self.memory.address() + (offset * self.elem.bytes()) as u64
    }

    /// Overwrites numbers from `offset` on, as far as there are any.
    pub fn write(&self, offset: usize, data: &TensorData) -> Result<(), RuntimeError> {
        self.device.bind()?;
        let (to, room, stream) = (self.address(offset), self.len.saturating_sub(offset), self.device.stream());
        // SAFETY: no more numbers are copied than there is room for, and the stream is waited for while the source is borrowed.
        let copied = unsafe {
            match data {
                TensorData::F32(d) => result::memcpy_htod_async(to, &d[..d.len().min(room)], stream),
                TensorData::F64(d) => result::memcpy_htod_async(to, &d[..d.len().min(room)], stream),
            }
        };
        copied.map_err(fault("took numbers in"))?;
        Ok(self.device.synchronize()?)
    }

    /// `len` numbers from `offset` on, as far as there are any, once everything before on the stream is done.
    pub fn read(&self, offset: usize, len: usize) -> Result<TensorData, RuntimeError> {
        self.device.bind()?;
        let len = len.min(self.len.saturating_sub(offset));
        let (from, stream) = (self.address(offset), self.device.stream());
        let mut data = match self.elem {
            Elem::F32 => TensorData::F32(vec![0.0; len]),
            Elem::F64 => TensorData::F64(vec![0.0; len]),
        };
        // SAFETY: as many numbers are there, and the stream is waited for while the target lives.
        let copied = unsafe {
            match &mut data {
                TensorData::F32(d) => result::memcpy_dtoh_async(d, from, stream),
                TensorData::F64(d) => result::memcpy_dtoh_async(d, from, stream),
            }
        };
        copied.map_err(fault("gave numbers out"))?;
        self.device.synchronize()?;
        Ok(data)
    }

    /// Takes the numbers of another piece of this length, without the host.
    pub fn copy_from(&self, other: &Piece) -> Result<(), RuntimeError> {
        self.device.bind()?;
        let bytes = self.len.min(other.len) * self.elem.bytes().min(other.elem.bytes());
        // SAFETY: both hold as many bytes, and neither is released before the stream has been waited for.
        let copied =
            unsafe { result::memcpy_dtod_async(self.address(0), other.address(0), bytes, self.device.stream()) };
        Ok(copied.map_err(fault("copied numbers"))?)
    }
}

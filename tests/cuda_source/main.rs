//! Generated CUDA sources, built for the processor by the system's C++ compiler through `tests/cuda/device.h`, against the host.

mod device;
mod examples;
mod header;
mod relaxed;
mod text;

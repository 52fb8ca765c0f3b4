//! The CUDA compiler as a function from text to machine code.

use super::DeviceError;
use super::library::Library;
use cudarc::nvrtc::{result, sys};
use std::ffi::{CString, c_char, c_int};

/// Machine code, and what the compiler said about it.
pub(super) struct Built {
    pub cubin: Vec<u8>,
    pub log: String,
}

/// A compilation, released when dropped.
struct Program(sys::nvrtcProgram);

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: the program was created by `nvrtcCreateProgram` and is destroyed here only.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

/// The compiler's version: major and minor.
///
/// # Errors
/// [`DeviceError::NoCompiler`].
pub fn version() -> Result<(u32, u32), DeviceError> {
    Library::Nvrtc.ensure()?;
    let (mut major, mut minor) = (0, 0);
    // SAFETY: the function is there, and both addresses are of numbers that live long enough.
    let status = unsafe { sys::nvrtcVersion(&mut major, &mut minor) };
    status.result().map_err(|e| DeviceError::NoCompiler { reason: e.to_string() })?;
    Ok((major.unsigned_abs(), minor.unsigned_abs()))
}

/// The architectures it compiles for, such as 90 for `sm_90`.
///
/// # Errors
/// [`DeviceError::NoCompiler`].
pub fn architectures() -> Result<Vec<u32>, DeviceError> {
    Library::Nvrtc.ensure()?;
    let refused = |e: result::NvrtcError| DeviceError::NoCompiler { reason: e.to_string() };
    let mut count: c_int = 0;
    // SAFETY: the function is there, and the address is of a number that lives long enough.
    unsafe { sys::nvrtcGetNumSupportedArchs(&mut count) }.result().map_err(refused)?;
    let mut known: Vec<c_int> = vec![0; usize::try_from(count).unwrap_or(0)];
    // SAFETY: there is room for as many numbers as the compiler said that it writes.
    unsafe { sys::nvrtcGetSupportedArchs(known.as_mut_ptr()) }.result().map_err(refused)?;
    Ok(known.into_iter().map(c_int::unsigned_abs).collect())
}

/// Compiles `source`, called `name` in messages, with these options.
///
/// # Errors
/// [`DeviceError::NoCompiler`], [`DeviceError::Compile`] with the log.
pub(super) fn build(name: &str, source: &str, options: &[String]) -> Result<Built, DeviceError> {
    Library::Nvrtc.ensure()?;
    let failed = |log: String| DeviceError::Compile { entry: name.to_string(), log };
    let text = CString::new(source).map_err(|_| failed("the source holds a NUL character".into()))?;
    let file = CString::new(format!("{name}.cu")).map_err(|_| failed("the name holds a NUL character".into()))?;
    let program = Program(result::create_program(&text, Some(&file)).map_err(|e| failed(e.to_string()))?);
    // SAFETY: the program is valid until it is dropped, and options without NUL are C strings (they are written here).
    let status = unsafe { result::compile_program(program.0, options) };
    // SAFETY: as above; the log of a failed compilation can be read too.
    let log = unsafe { result::get_program_log(program.0) }.map(text_of).unwrap_or_default();
    if let Err(error) = status {
        return Err(failed(if log.is_empty() { error.to_string() } else { log }));
    }
    let mut bytes = 0usize;
    // SAFETY: the address is of a number that lives long enough.
    unsafe { sys::nvrtcGetCUBINSize(program.0, &mut bytes) }.result().map_err(|e| failed(e.to_string()))?;
    let mut cubin = vec![0u8; bytes];
    // SAFETY: there is room for as many bytes as the compiler said that it writes.
    unsafe { sys::nvrtcGetCUBIN(program.0, cubin.as_mut_ptr().cast()) }.result().map_err(|e| failed(e.to_string()))?;
    Ok(Built { cubin, log })
}

fn text_of(chars: Vec<c_char>) -> String {
    let bytes: Vec<u8> = chars.into_iter().take_while(|&c| c != 0).map(|c| c.to_ne_bytes()[0]).collect();
    String::from_utf8_lossy(&bytes).trim().to_string()
}

//! Products of matrices through cuBLAS.

use super::DeviceError;
use super::library::Library;
use crate::base::Elem;
use cudarc::cublas::{result, sys};
use cudarc::driver;

/// Bytes of cuBLAS's working memory. It is ours, so that recorded graphs keep it and results do not depend on what else runs.
const WORKSPACE: usize = 32 << 20;

/// cuBLAS on one stream.
pub(super) struct Blas {
    handle: sys::cublasHandle_t,
    workspace: driver::sys::CUdeviceptr,
}

// SAFETY: a handle may be used by any thread, by one at a time; `Device` keeps it behind a lock.
unsafe impl Send for Blas {}

/// `out = op(left) op(right) + beta out`, column-major, for `count` matrices at fixed distances.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub elem: Elem,
    pub transposed: [bool; 2],
    /// Rows, columns, extent of the sum.
    pub extents: [i32; 3],
    /// Of left, right and out.
    pub addresses: [u64; 3],
    pub leading: [i32; 3],
    pub strides: [i64; 3],
    pub count: i32,
    /// Whether the result is added to what is there.
    pub add: bool,
}

impl Blas {
    /// Starts cuBLAS; a context is current.
    pub fn new(stream: driver::sys::CUstream) -> Result<Blas, DeviceError> {
        Library::Cublas.ensure()?;
        let failed = |e: result::CublasError| refused("started cuBLAS", e);
        let handle = result::create_handle().map_err(failed)?;
        let mut blas = Blas { handle, workspace: 0 };
        // SAFETY: the handle was just made; stream and workspace live as long as it.
        unsafe {
            result::set_stream(handle, stream.cast()).map_err(failed)?;
            if let Ok(workspace) = driver::result::malloc_sync(WORKSPACE) {
                blas.workspace = workspace;
                sys::cublasSetWorkspace_v2(handle, workspace as *mut _, WORKSPACE).result().map_err(failed)?;
            }
        }
        Ok(blas)
    }

    /// Whether products in single precision may round their factors to TF32.
    pub fn allow_tf32(&mut self, allowed: bool) -> Result<(), DeviceError> {
        let mode = match allowed {
            true => sys::cublasMath_t::CUBLAS_TF32_TENSOR_OP_MATH,
            false => sys::cublasMath_t::CUBLAS_DEFAULT_MATH,
        };
        // SAFETY: the handle is valid.
        let status = unsafe { sys::cublasSetMathMode(self.handle, mode) };
        status.result().map_err(|e| refused("chose the arithmetic of cuBLAS", e))
    }

    /// Puts products on the stream.
    ///
    /// # Safety
    /// All matrices lie in device memory that lives until the stream has done with them.
    pub unsafe fn multiply(&mut self, call: &Call) -> Result<(), DeviceError> {
        let op = |transposed| match transposed {
            true => sys::cublasOperation_t::CUBLAS_OP_T,
            false => sys::cublasOperation_t::CUBLAS_OP_N,
        };
        let ([left, right], [m, n, k]) = (call.transposed.map(op), call.extents);
        let ([a, b, c], [lda, ldb, ldc], [sa, sb, sc]) = (call.addresses, call.leading, call.strides);
        // SAFETY: the caller's contract; the factors are read from the host at once.
        let done = unsafe {
            match call.elem {
                Elem::F64 => {
                    let (alpha, beta) = (1.0f64, if call.add { 1.0 } else { 0.0 });
                    result::dgemm_strided_batched(
                        self.handle,
                        left,
                        right,
                        m,
                        n,
                        k,
                        &alpha,
                        a as *const f64,
                        lda,
                        sa,
                        b as *const f64,
                        ldb,
                        sb,
                        &beta,
                        c as *mut f64,
                        ldc,
                        sc,
                        call.count,
                    )
                }
                Elem::F32 => {
                    let (alpha, beta) = (1.0f32, if call.add { 1.0 } else { 0.0 });
                    result::sgemm_strided_batched(
                        self.handle,
                        left,
                        right,
                        m,
                        n,
                        k,
                        &alpha,
                        a as *const f32,
                        lda,
                        sa,
                        b as *const f32,
                        ldb,
                        sb,
                        &beta,
                        c as *mut f32,
                        ldc,
                        sc,
                        call.count,
                    )
                }
            }
        };
        done.map_err(|e| refused("multiplied matrices", e))
    }
}

fn refused(doing: &'static str, error: result::CublasError) -> DeviceError {
    DeviceError::Fault { doing, reason: format!("{:?}", error.0) }
}

impl Drop for Blas {
    fn drop(&mut self) {
        // SAFETY: both were made in `new` and are released here only; the device's context is current.
        unsafe {
            let _ = result::destroy_handle(self.handle);
            if self.workspace != 0 {
                let _ = driver::result::free_sync(self.workspace);
            }
        }
    }
}

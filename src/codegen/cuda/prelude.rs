//! The beginning of every translation unit: what the kernels share.

/// Threads of a block where nothing else decides.
pub(super) const BLOCK: u32 = 128;
/// Threads of a block that adds numbers up in a tree.
pub(super) const TREE: u32 = 256;

/// Types and functions. Smallest, largest and sign are those of [`Real`](crate::base::Real).
pub(super) const PRELUDE: &str = r#"typedef unsigned long long word;

// IEEE 754-2019 minimum: NaN if either is NaN, and -0 is less than +0.
template <class T> __device__ T minimum(T a, T b) {
  return a != a ? a : b < a || b != b || (b == a && 1 / b < 0) ? b : a;
}

// IEEE 754-2019 maximum.
template <class T> __device__ T maximum(T a, T b) {
  return a != a ? a : b > a || b != b || (b == a && 1 / b > 0) ? b : a;
}

// -1, 0 or 1; NaN at NaN.
template <class T> __device__ T sign(T a) {
  return a > 0 ? T(1) : a < 0 ? T(-1) : a == 0 ? T(0) : a;
}

// a^n by squaring from the lowest bit of n up.
template <class T> __device__ T whole_power(T a, unsigned n) {
  T product = 1;
  for (T square = a; n > 0; n /= 2, square *= square) {
    if (n % 2 == 1) product *= square;
  }
  return product;
}

// The sum of one number of each of the 256 threads of a block, in a tree: the same in every run.
template <class T> __device__ T tree_sum(T x, T* shared) {
  shared[threadIdx.x] = x;
  for (int half = 128; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
  }
  __syncthreads();
  return shared[0];
}
"#;

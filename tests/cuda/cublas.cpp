// A stand-in for cuBLAS: products by plain loops, on the streams of the stand-in for the driver.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

extern "C" int fake_cuda_put(void *stream, std::function<int()> *work);
extern "C" int fake_cuda_inside(uint64_t address, size_t size);

namespace {

struct Handle { void *stream; int mode; };

double factor(double x, int) { return x; }

// In the mode for TF32, 3, factors in single precision keep 10 bits behind the first, rounded to the nearest.
float factor(float x, int mode) {
    if (mode != 3) return x;
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0x1000) & ~0x1fffu;
    std::memcpy(&x, &bits, sizeof bits);
    return x;
}

template <class T>
int gemm(Handle *handle, int ta, int tb, int m, int n, int k, const T *alpha, const T *a, int lda, long long sa, const T *b, int ldb,
         long long sb, const T *beta, T *c, int ldc, long long sc, int count) {
    if (lda < (ta ? k : m) || ldb < (tb ? n : k) || ldc < m || m < 0 || n < 0 || k < 0) return 7;
    auto last = [&](long long stride, int columns, int leading, int rows) {
        return size_t((count - 1) * stride + (long long)(columns - 1) * leading + rows) * sizeof(T);
    };
    if (m && n && k && count &&
        (!fake_cuda_inside(uintptr_t(a), last(sa, ta ? m : k, lda, ta ? k : m)) ||
         !fake_cuda_inside(uintptr_t(b), last(sb, tb ? k : n, ldb, tb ? n : k)) ||
         !fake_cuda_inside(uintptr_t(c), last(sc, n, ldc, m))))
        return 14;
    T x = *alpha, y = *beta;
    int mode = handle->mode;
    std::function<int()> work = [=] {
        for (int i = 0; i < count; ++i)
            for (int col = 0; col < n; ++col)
                for (int row = 0; row < m; ++row) {
                    T sum = 0;
                    for (int j = 0; j < k; ++j)
                        sum += factor(a[i * sa + (ta ? (long long)row * lda + j : (long long)j * lda + row)], mode) *
                               factor(b[i * sb + (tb ? (long long)j * ldb + col : (long long)col * ldb + j)], mode);
                    T &out = c[i * sc + (long long)col * ldc + row];
                    out = x * sum + (y == 0 ? T(0) : y * out);
                }
        return 0;
    };
    return fake_cuda_put(handle->stream, &work) ? 13 : 0;
}

} // namespace

extern "C" {
int cublasCreate_v2(Handle **handle) { *handle = new Handle{}; return 0; }
int cublasDestroy_v2(Handle *handle) { delete handle; return 0; }
int cublasSetStream_v2(Handle *handle, void *stream) { handle->stream = stream; return 0; }
int cublasSetWorkspace_v2(Handle *, void *, size_t) { return 0; }
int cublasSetMathMode(Handle *handle, int mode) { handle->mode = mode; return 0; }
int cublasGetVersion_v2(Handle *, int *version) { *version = 120800; return 0; }
int cublasDgemmStridedBatched(Handle *h, int ta, int tb, int m, int n, int k, const double *alpha, const double *a, int lda,
                              long long sa, const double *b, int ldb, long long sb, const double *beta, double *c, int ldc,
                              long long sc, int count) {
    return gemm(h, ta, tb, m, n, k, alpha, a, lda, sa, b, ldb, sb, beta, c, ldc, sc, count);
}
int cublasSgemmStridedBatched(Handle *h, int ta, int tb, int m, int n, int k, const float *alpha, const float *a, int lda,
                              long long sa, const float *b, int ldb, long long sb, const float *beta, float *c, int ldc,
                              long long sc, int count) {
    return gemm(h, ta, tb, m, n, k, alpha, a, lda, sa, b, ldb, sb, beta, c, ldc, sc, count);
}
}

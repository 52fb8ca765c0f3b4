#pragma once
// What generated CUDA source needs to be C++ for the host: one thread runs after the other, and those of a block that wait for each
// other are coroutines.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <setjmp.h>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __launch_bounds__(...)

struct StandInIndex { unsigned x, y, z; };
static StandInIndex threadIdx, blockIdx, blockDim, gridDim;
static const int warpSize = 32;

namespace stand_in {

// An argument of 64 bits: an address or a number, whatever the kernel takes.
struct Word {
    uint64_t bits;
    template <class T> operator T *() const { return reinterpret_cast<T *>(bits); }
    operator unsigned long long() const { return bits; }
};

struct Barrier {
    unsigned expected = 0, arrived = 0, generation = 0;
    void leave() { --expected; open(); }
    void open() {
        if (arrived && arrived >= expected) { arrived = 0; ++generation; }
    }
};

static const size_t STACK = 128 << 10;
struct Fiber {
    // The first entry needs a context; later switches are jumps, which ask nothing of the kernel.
    ucontext_t context;
    jmp_buf at;
    bool begun = false;
    std::unique_ptr<char[]> stack{new char[STACK]};
    unsigned thread = 0;
    bool done = false;
};
static jmp_buf scheduler;
static Fiber *running = nullptr;
static Barrier block_barrier;
static std::vector<Barrier> warp_barriers;
static std::vector<uint64_t> exchanged;
static const std::function<void()> *body = nullptr;
// Not inside `run`: of a variable in an inline function all libraries of a process share one.
static std::vector<Fiber> fibers;

inline void yield() {
    Fiber *own = running;
    if (!_setjmp(own->at)) _longjmp(scheduler, 1);
    running = own;
    threadIdx = {own->thread, 0, 0};
}
inline void wait(Barrier &barrier) {
    unsigned generation = barrier.generation;
    ++barrier.arrived;
    barrier.open();
    while (barrier.generation == generation) yield();
}
inline Barrier &own_warp() { return warp_barriers[threadIdx.x / warpSize]; }

template <class T> T exchange(T value, unsigned lane) {
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    exchanged[threadIdx.x] = bits;
    wait(own_warp());
    unsigned from = threadIdx.x / warpSize * warpSize + lane;
    bits = from < exchanged.size() ? exchanged[from] : exchanged[threadIdx.x];
    wait(own_warp());
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void start() {
    (*body)();
    running->done = true;
    block_barrier.leave();
    own_warp().leave();
    _longjmp(scheduler, 1);
}

// Goes on with a thread until it waits or is done. A function of its own: no variable of it is needed behind the jump back.
__attribute__((noinline)) static void enter(Fiber &fiber, unsigned t) {
    running = &fiber;
    threadIdx = {t, 0, 0};
    if (_setjmp(scheduler)) return;
    if (fiber.begun) _longjmp(fiber.at, 1);
    fiber.begun = true;
    setcontext(&fiber.context);
}

inline void run(unsigned blocks, unsigned threads, bool waits, const std::function<void()> &thread) {
    blockDim = {threads, 1, 1};
    gridDim = {blocks, 1, 1};
    if (waits && fibers.size() < threads) { std::vector<Fiber> more(threads); fibers.swap(more); }
    for (unsigned b = 0; b < blocks; ++b) {
        blockIdx = {b, 0, 0};
        if (!waits) {
            for (unsigned t = 0; t < threads; ++t) { threadIdx = {t, 0, 0}; thread(); }
            continue;
        }
        body = &thread;
        block_barrier = Barrier{threads};
        warp_barriers.assign((threads + warpSize - 1) / warpSize, Barrier{});
        exchanged.assign(threads, 0);
        for (unsigned t = 0; t < threads; ++t) {
            ++warp_barriers[t / warpSize].expected;
            Fiber &fiber = fibers[t];
            fiber.thread = t;
            fiber.done = fiber.begun = false;
            getcontext(&fiber.context);
            fiber.context.uc_stack.ss_sp = fiber.stack.get();
            fiber.context.uc_stack.ss_size = STACK;
            fiber.context.uc_link = nullptr;
            makecontext(&fiber.context, start, 0);
        }
        for (unsigned left = threads; left;) {
            for (unsigned t = 0; t < threads; ++t) {
                if (fibers[t].done) continue;
                enter(fibers[t], t);
                if (fibers[t].done) --left;
            }
        }
    }
}

} // namespace stand_in

inline void __syncthreads() { stand_in::wait(stand_in::block_barrier); }
inline void __syncwarp(unsigned = ~0u) { stand_in::wait(stand_in::own_warp()); }
template <class T> T __shfl_sync(unsigned, T value, int lane, int width = 32) {
    unsigned base = threadIdx.x % warpSize / width * width;
    return stand_in::exchange(value, base + unsigned(lane) % width);
}
template <class T> T __shfl_xor_sync(unsigned, T value, int mask, int = 32) {
    return stand_in::exchange(value, (threadIdx.x % warpSize) ^ unsigned(mask));
}
template <class T> T __shfl_down_sync(unsigned, T value, unsigned by, int width = 32) {
    unsigned lane = threadIdx.x % warpSize;
    return stand_in::exchange(value, lane % width + by < unsigned(width) ? lane + by : lane);
}
// Products that no compiler may contract with a sum; this one does not, since it is told so (`-ffp-contract=off`).
inline double __dmul_rn(double a, double b) { return a * b; }
inline unsigned long long atomicMin(unsigned long long *at, unsigned long long value) {
    unsigned long long old = *at;
    *at = std::min(old, value);
    return old;
}
template <class T> T __ldg(const T *at) { return *at; }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline double __longlong_as_double(long long bits) { double x; memcpy(&x, &bits, 8); return x; }
inline long long __double_as_longlong(double x) { long long bits; memcpy(&bits, &x, 8); return bits; }
inline float __int_as_float(int bits) { float x; memcpy(&x, &bits, 4); return x; }
inline int __float_as_int(float x) { int bits; memcpy(&bits, &x, 4); return bits; }
using std::isfinite;
using std::isinf;
using std::isnan;
using std::max;
using std::min;

namespace stand_in {
template <size_t... At> void call(void *kernel, const uint64_t *words, std::index_sequence<At...>) {
    reinterpret_cast<void (*)(decltype(uint64_t(At))...)>(kernel)(words[At]...);
}
}

// Runs a kernel whose parameters are words, and whose threads may wait for each other if `waits` is not zero. Gives 1 for too many words.
// A function may be passed more of them than it takes.
extern "C" int stand_in_launch(void *kernel, const uint64_t *words, unsigned count, unsigned blocks, unsigned threads, int waits) {
    const unsigned most = 64;
    if (count > most) return 1;
    uint64_t padded[most] = {};
    std::copy(words, words + count, padded);
    stand_in::run(blocks, threads, waits != 0, [&] { stand_in::call(kernel, padded, std::make_index_sequence<most>{}); });
    return 0;
}

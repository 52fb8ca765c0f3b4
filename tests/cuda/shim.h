// Lets a C++ compiler build generated CUDA sources for the processor: the words of CUDA, and a launch that runs one thread after the
// other. Threads that wait for each other are contexts of their own, resumed in turn from barrier to barrier. One launch runs at a time.
#pragma once
#include <math.h>
#include <stdlib.h>
#include <ucontext.h>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(n)
#define __restrict__ __restrict

struct shim_index {
  unsigned x, y, z;
};
static shim_index threadIdx, blockIdx, blockDim, gridDim;

static unsigned long long atomicMin(unsigned long long* place, unsigned long long value) {
  const unsigned long long old = *place;
  if (value < old) *place = value;
  return old;
}

// Every parameter of a generated kernel is one 64-bit word, and a function may be passed more of them than it takes.
typedef unsigned long long shim_word;
typedef void (*shim_kernel)(shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word,
                            shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word,
                            shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word,
                            shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word,
                            shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word,
                            shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word,
                            shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word,
                            shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word, shim_word);
enum { SHIM_MOST_PARAMETERS = 64, SHIM_STACK = 1 << 17 };

static void shim_call(shim_kernel kernel, const shim_word* a) {
  kernel(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13], a[14], a[15], a[16],
         a[17], a[18], a[19], a[20], a[21], a[22], a[23], a[24], a[25], a[26], a[27], a[28], a[29], a[30], a[31], a[32],
         a[33], a[34], a[35], a[36], a[37], a[38], a[39], a[40], a[41], a[42], a[43], a[44], a[45], a[46], a[47], a[48],
         a[49], a[50], a[51], a[52], a[53], a[54], a[55], a[56], a[57], a[58], a[59], a[60], a[61], a[62], a[63]);
}

struct shim_thread {
  ucontext_t context;
  char* stack;
  bool done;
};
static ucontext_t shim_scheduler;
static shim_thread* shim_current;
static shim_kernel shim_running;
static const shim_word* shim_arguments;

static void __syncthreads() { swapcontext(&shim_current->context, &shim_scheduler); }

static void shim_enter() {
  shim_call(shim_running, shim_arguments);
  shim_current->done = true;
  swapcontext(&shim_current->context, &shim_scheduler);
}

// Runs a kernel whose threads may wait for each other if `barriers` is not zero. `words` are `count` parameters. Gives 0, or 1 where
// there is no memory or there are too many parameters.
extern "C" int shim_launch(void* kernel, const shim_word* words, unsigned count, unsigned grid, unsigned block,
                           int barriers) {
  if (count > SHIM_MOST_PARAMETERS) return 1;
  shim_word padded[SHIM_MOST_PARAMETERS] = {};
  for (unsigned i = 0; i < count; ++i) padded[i] = words[i];
  shim_running = (shim_kernel)kernel;
  shim_arguments = padded;
  gridDim = {grid, 1, 1};
  blockDim = {block, 1, 1};
  shim_thread* threads = nullptr;
  if (barriers) {
    threads = (shim_thread*)calloc(block, sizeof(shim_thread));
    if (!threads) return 1;
    for (unsigned i = 0; i < block; ++i) {
      threads[i].stack = (char*)malloc(SHIM_STACK);
      if (!threads[i].stack) return 1;
    }
  }
  for (unsigned b = 0; b < grid; ++b) {
    blockIdx = {b, 0, 0};
    if (!barriers) {
      for (unsigned i = 0; i < block; ++i) {
        threadIdx = {i, 0, 0};
        shim_call(shim_running, padded);
      }
      continue;
    }
    for (unsigned i = 0; i < block; ++i) {
      getcontext(&threads[i].context);
      threads[i].context.uc_stack.ss_sp = threads[i].stack;
      threads[i].context.uc_stack.ss_size = SHIM_STACK;
      threads[i].context.uc_link = &shim_scheduler;
      threads[i].done = false;
      makecontext(&threads[i].context, shim_enter, 0);
    }
    for (bool more = true; more;) {
      more = false;
      for (unsigned i = 0; i < block; ++i) {
        if (threads[i].done) continue;
        threadIdx = {i, 0, 0};
        shim_current = &threads[i];
        swapcontext(&shim_scheduler, &threads[i].context);
        more = more || !threads[i].done;
      }
    }
  }
  for (unsigned i = 0; threads && i < block; ++i) free(threads[i].stack);
  free(threads);
  return 0;
}

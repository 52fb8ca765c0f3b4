// A stand-in for the CUDA driver, for tests on machines without a device: device memory is host memory, machine code is a shared
// object (see nvrtc.cpp), and a launch calls the kernel for every thread, one after the other.
//
// It checks what a real driver would not forgive: addresses outside allocations, unknown handles, calls without a context, and
// anything that may not be recorded in a graph. FAKE_CUDA makes it fail on purpose: `no-device`, `no-init`, `launch`,
// `recording` (launches that are recorded; then it notes recordings that were ended and destroyed), `sync`, `old` (a device of an architecture that no compiler knows); FAKE_CUDA_MEMORY is the device's bytes,
// and FAKE_CUDA_LOG names a file that is told of every transfer, launch and graph.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

enum Status { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100, INVALID_DEVICE = 101,
              INVALID_IMAGE = 200, INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_FOUND = 500, ILLEGAL_ADDRESS = 700,
              LAUNCH_FAILED = 719, CAPTURE_UNSUPPORTED = 900 };

struct Graph { std::vector<std::function<int()>> work; };
struct Module { void *library; };
struct Function { void *entry; void (*thread)(unsigned, unsigned, unsigned, unsigned); };

bool initialized = false;
int retained = 0;
uint64_t used = 0;
std::map<uintptr_t, size_t> blocks;
std::set<void *> streams, modules, graphs, instances;
Graph *recording = nullptr;
thread_local bool current = false;

bool fails(const char *what) {
    const char *wanted = getenv("FAKE_CUDA");
    return wanted && strcmp(wanted, what) == 0;
}

// Notes what was asked for in the file that FAKE_CUDA_LOG names: transfers with their bytes, launches, graphs with their nodes.
void tell(const char *what, size_t count) {
    static FILE *log = getenv("FAKE_CUDA_LOG") ? fopen(getenv("FAKE_CUDA_LOG"), "a") : nullptr;
    if (log) { fprintf(log, "%s %zu\n", what, count); fflush(log); }
}

uint64_t capacity() {
    const char *bytes = getenv("FAKE_CUDA_MEMORY");
    return bytes ? strtoull(bytes, nullptr, 10) : uint64_t(4) << 30;
}

// Whether `size` bytes from `address` on lie in one allocation.
bool inside(uint64_t address, size_t size) {
    auto after = blocks.upper_bound(uintptr_t(address));
    if (after == blocks.begin()) return false;
    auto block = *--after;
    return address + size <= block.first + block.second;
}

int put(void *stream, std::function<int()> work) {
    if (!current) return INVALID_CONTEXT;
    if (!streams.count(stream)) return INVALID_HANDLE;
    if (recording) { recording->work.push_back(std::move(work)); return OK; }
    return work();
}

} // namespace

extern "C" {

// For the stand-in of cuBLAS, which puts its work on the same streams.
int fake_cuda_put(void *stream, std::function<int()> *work) { return put(stream, *work); }
int fake_cuda_inside(uint64_t address, size_t size) { return inside(address, size); }

int cuInit(unsigned) {
    if (fails("no-init")) return NO_DEVICE;
    initialized = true;
    return OK;
}
int cuDriverGetVersion(int *version) { *version = 12080; return OK; }
int cuDeviceGetCount(int *count) {
    if (!initialized) return NOT_INITIALIZED;
    *count = fails("no-device") ? 0 : 1;
    return OK;
}
int cuDeviceGet(int *device, int ordinal) {
    if (ordinal != 0) return INVALID_DEVICE;
    *device = 7;
    return OK;
}
int cuDeviceGetName(char *name, int length, int) { snprintf(name, length, "stand-in"); return OK; }
int cuDeviceTotalMem_v2(size_t *bytes, int) { *bytes = capacity(); return OK; }
int cuDeviceGetAttribute(int *value, int attribute, int) {
    switch (attribute) {
    case 75: *value = fails("old") ? 3 : 9; return OK; // compute capability, major
    case 76: *value = fails("old") ? 5 : 0; return OK; // and minor
    case 16: *value = 1; return OK;                    // multiprocessors
    default: return INVALID_VALUE;
    }
}
int cuDevicePrimaryCtxRetain(void **context, int device) {
    if (device != 7) return INVALID_DEVICE;
    ++retained;
    *context = &retained;
    return OK;
}
int cuDevicePrimaryCtxRelease_v2(int) { return --retained < 0 ? INVALID_CONTEXT : OK; }
int cuCtxSetCurrent(void *context) {
    if (context != &retained || retained <= 0) return INVALID_CONTEXT;
    current = true;
    return OK;
}
int cuMemGetInfo_v2(size_t *available, size_t *total) {
    *total = capacity();
    *available = capacity() - used;
    return OK;
}
int cuMemAlloc_v2(uint64_t *address, size_t size) {
    if (!current) return INVALID_CONTEXT;
    if (recording) return CAPTURE_UNSUPPORTED;
    if (size > capacity() - used) return OUT_OF_MEMORY;
    void *memory = aligned_alloc(256, (size + 255) / 256 * 256);
    if (!memory) return OUT_OF_MEMORY;
    memset(memory, 0xee, size); // Fresh memory holds no zeros.
    blocks[uintptr_t(memory)] = size;
    used += size;
    *address = uintptr_t(memory);
    return OK;
}
int cuMemFree_v2(uint64_t address) {
    auto block = blocks.find(uintptr_t(address));
    if (block == blocks.end()) return INVALID_VALUE;
    used -= block->second;
    free(reinterpret_cast<void *>(block->first));
    blocks.erase(block);
    return OK;
}
int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t size, void *stream) {
    if (recording) return CAPTURE_UNSUPPORTED; // Allowed by the driver, but a recorded copy would read a stale address.
    if (size == 0) return OK;
    if (!inside(to, size)) return INVALID_VALUE;
    tell("up", size);
    return put(stream, [=] { memcpy(reinterpret_cast<void *>(to), from, size); return OK; });
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t size, void *stream) {
    if (recording) return CAPTURE_UNSUPPORTED;
    if (size == 0) return OK;
    if (!inside(from, size)) return INVALID_VALUE;
    tell("down", size);
    return put(stream, [=] { memcpy(to, reinterpret_cast<void *>(from), size); return OK; });
}
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t size, void *stream) {
    if (size == 0) return OK;
    if (!inside(to, size) || !inside(from, size)) return INVALID_VALUE;
    tell("copy", size);
    return put(stream, [=] { memmove(reinterpret_cast<void *>(to), reinterpret_cast<void *>(from), size); return OK; });
}
int cuMemsetD8Async(uint64_t address, unsigned char value, size_t size, void *stream) {
    if (!inside(address, size)) return INVALID_VALUE;
    return put(stream, [=] { memset(reinterpret_cast<void *>(address), value, size); return OK; });
}
int cuStreamCreate(void **stream, unsigned) {
    if (!current) return INVALID_CONTEXT;
    *stream = malloc(1);
    streams.insert(*stream);
    return OK;
}
int cuStreamDestroy_v2(void *stream) {
    if (!streams.erase(stream)) return INVALID_HANDLE;
    free(stream);
    return OK;
}
int cuStreamSynchronize(void *stream) {
    if (recording) return CAPTURE_UNSUPPORTED;
    if (fails("sync")) return ILLEGAL_ADDRESS;
    return streams.count(stream) ? OK : INVALID_HANDLE;
}
int cuStreamBeginCapture_v2(void *stream, int) {
    if (recording || !streams.count(stream)) return INVALID_HANDLE;
    recording = new Graph;
    return OK;
}
int cuStreamEndCapture(void *, void **graph) {
    if (!recording) return INVALID_VALUE;
    *graph = recording;
    if (fails("recording")) tell("recorded", 1);
    graphs.insert(recording);
    recording = nullptr;
    return OK;
}
int cuGraphInstantiateWithFlags(void **instance, void *graph, unsigned long long) {
    if (!graphs.count(graph)) return INVALID_HANDLE;
    *instance = new Graph(*static_cast<Graph *>(graph));
    instances.insert(*instance);
    return OK;
}
int cuGraphLaunch(void *instance, void *stream) {
    if (!instances.count(instance)) return INVALID_HANDLE;
    tell("graph", static_cast<Graph *>(instance)->work.size());
    return put(stream, [=] {
        for (auto &work : static_cast<Graph *>(instance)->work)
            if (int status = work()) return status;
        return int(OK);
    });
}
int cuGraphExecDestroy(void *instance) {
    if (!instances.erase(instance)) return INVALID_HANDLE;
    delete static_cast<Graph *>(instance);
    return OK;
}
int cuGraphDestroy(void *graph) {
    if (!graphs.erase(graph)) return INVALID_HANDLE;
    if (fails("recording")) tell("destroyed", 1);
    delete static_cast<Graph *>(graph);
    return OK;
}

// An image is the word `stand-in`, a length, and a shared object.
int cuModuleLoadData(void **module, const void *image) {
    if (!current) return INVALID_CONTEXT;
    auto bytes = static_cast<const char *>(image);
    if (memcmp(bytes, "stand-in", 8) != 0) return INVALID_IMAGE;
    uint64_t length;
    memcpy(&length, bytes + 8, 8);
    char path[] = "/tmp/mechc-stand-in-XXXXXX";
    int file = mkstemp(path);
    if (file < 0) return INVALID_IMAGE;
    bool written = write(file, bytes + 16, length) == ssize_t(length);
    close(file);
    void *library = written ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
    unlink(path);
    if (!library) return INVALID_IMAGE;
    *module = new Module{library};
    modules.insert(*module);
    return OK;
}
int cuModuleUnload(void *module) {
    if (!modules.erase(module)) return INVALID_HANDLE;
    dlclose(static_cast<Module *>(module)->library);
    delete static_cast<Module *>(module);
    return OK;
}
int cuModuleGetFunction(void **function, void *module, const char *name) {
    if (!modules.count(module)) return INVALID_HANDLE;
    void *library = static_cast<Module *>(module)->library;
    void *entry = dlsym(library, (std::string("stand_in_run_") + name).c_str());
    if (!entry) return NOT_FOUND;
    *function = entry;
    return OK;
}
int cuLaunchKernel(void *function, unsigned blocks, unsigned y, unsigned z, unsigned threads, unsigned, unsigned, unsigned,
                   void *stream, void **parameters, void **extra) {
    if (fails("launch") || (recording && fails("recording"))) return LAUNCH_FAILED;
    if (parameters || !extra || blocks == 0 || threads == 0 || threads > 1024 || y != 1 || z != 1) return INVALID_VALUE;
    std::vector<uint64_t> arguments;
    for (; *extra; extra += 2) {
        auto what = reinterpret_cast<uintptr_t>(extra[0]);
        if (what == 1) arguments.assign(64, reinterpret_cast<uintptr_t>(extra[1]));
        if (what == 2) {
            auto words = *static_cast<size_t *>(extra[1]) / 8;
            auto from = reinterpret_cast<const uint64_t *>(arguments.at(0));
            arguments = std::vector<uint64_t>(from, from + words);
        }
    }
    if (!recording) tell("launch", 1);
    auto run = reinterpret_cast<int (*)(unsigned, unsigned, const uint64_t *, size_t)>(function);
    return put(stream, [=] { return run(blocks, threads, arguments.data(), arguments.size()) ? INVALID_VALUE : int(OK); });
}

int cuGetErrorName(int, const char **text) { *text = "CUDA_ERROR_OF_THE_STAND_IN"; return OK; }
int cuGetErrorString(int status, const char **text) {
    static std::map<int, const char *> words = {
        {OUT_OF_MEMORY, "out of memory"}, {NO_DEVICE, "no CUDA-capable device is detected"},
        {ILLEGAL_ADDRESS, "an illegal memory access was encountered"}, {LAUNCH_FAILED, "unspecified launch failure"},
        {INVALID_IMAGE, "device kernel image is invalid"}, {NOT_FOUND, "named symbol not found"},
        {INVALID_CONTEXT, "invalid device context"}, {INVALID_HANDLE, "invalid resource handle"},
        {CAPTURE_UNSUPPORTED, "operation not permitted when stream is capturing"}};
    auto found = words.find(status);
    *text = found == words.end() ? "invalid argument" : found->second;
    return OK;
}
}

// A stand-in for NVRTC: it lets the system's C++ compiler make a shared object of CUDA source, which the stand-in for the driver
// loads. FAKE_CUDA=compile makes it refuse every source, `wrong` makes it take one product for a quotient, FAKE_CUDA_COUNT names a file that gets a line for each compilation, and
// FAKE_CUDA_HEADER the header that makes the source C++.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

struct Program { std::string source, log, image; };

struct Kernel { std::string name; size_t parameters; bool waits; };

size_t past(const std::string &text, size_t open) {
    int depth = 0;
    for (size_t at = open; at < text.size(); ++at) {
        if (text[at] == '(') ++depth;
        if (text[at] == ')' && --depth == 0) return at;
    }
    return text.size();
}

bool waits(const std::string &text) {
    for (auto word : {"__syncthreads", "__syncwarp", "__shfl_"})
        if (text.find(word) != std::string::npos) return true;
    return false;
}

std::vector<Kernel> kernels(const std::string &source) {
    const std::string word = "__global__";
    std::vector<Kernel> found;
    size_t at = source.find(word);
    bool always = waits(source.substr(0, at)); // A function that waits may be called by any kernel.
    for (; at != std::string::npos;) {
        size_t next = source.find(word, at + 1);
        std::string text = source.substr(at, next == std::string::npos ? next : next - at);
        size_t bounds = text.find("__launch_bounds__");
        size_t from = bounds == std::string::npos ? 0 : past(text, text.find('(', bounds));
        size_t open = text.find('(', from + 1), close = past(text, open);
        size_t end = open;
        while (end > 0 && isspace((unsigned char)text[end - 1])) --end;
        size_t begin = end;
        while (begin > 0 && (isalnum((unsigned char)text[begin - 1]) || text[begin - 1] == '_')) --begin;
        std::string list = text.substr(open + 1, close - open - 1);
        for (size_t note; (note = list.find("//")) != std::string::npos;) list.erase(note, list.find('\n', note) - note);
        size_t count = list.find_first_not_of(" \n\t") == std::string::npos ? 0 : 1;
        for (char c : list) count += c == ',';
        found.push_back({text.substr(begin, end - begin), count, always || waits(text)});
        at = next;
    }
    return found;
}

std::string unit(const std::string &source) {
    std::ostringstream out;
    out << "#include \"" << getenv("FAKE_CUDA_HEADER") << "\"\n#line 1 \"source.cu\"\n" << source << "\n";
    for (auto &kernel : kernels(source)) {
        out << "extern \"C\" int stand_in_run_" << kernel.name
            << "(unsigned blocks, unsigned threads, const uint64_t *a, size_t n) {\n  if (n != " << kernel.parameters
            << ") return 1;\n  stand_in::run(blocks, threads, " << (kernel.waits ? "true" : "false") << ", [=] { "
            << kernel.name << "(";
        for (size_t i = 0; i < kernel.parameters; ++i) out << (i ? ", " : "") << "stand_in::Word{a[" << i << "]}";
        out << "); });\n  return 0;\n}\n";
    }
    return out.str();
}

std::string read(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

} // namespace

extern "C" {
int nvrtcVersion(int *major, int *minor) { *major = 12; *minor = 8; return 0; }
int nvrtcGetNumSupportedArchs(int *count) { *count = 2; return 0; }
int nvrtcGetSupportedArchs(int *known) { known[0] = 80; known[1] = 90; return 0; }
int nvrtcCreateProgram(Program **program, const char *source, const char *, int, const char *const *, const char *const *) {
    *program = new Program{source, "", ""};
    return 0;
}
int nvrtcDestroyProgram(Program **program) { delete *program; *program = nullptr; return 0; }
int nvrtcCompileProgram(Program *program, int count, const char *const *options) {
    bool architecture = false;
    for (int i = 0; i < count; ++i) architecture |= strcmp(options[i], "--gpu-architecture=sm_90") == 0;
    if (!architecture) { program->log = "error: no such architecture"; return 5; }
    const char *wanted = getenv("FAKE_CUDA");
    if (wanted && strcmp(wanted, "compile") == 0) {
        program->log = "source.cu(1): error: this source is refused on purpose";
        return 6;
    }
    if (const char *path = getenv("FAKE_CUDA_COUNT")) std::ofstream(path, std::ios::app) << "compiled\n";
    char folder[] = "/tmp/mechc-stand-in-XXXXXX";
    if (!mkdtemp(folder)) return 1;
    std::string base = folder, text = base + "/unit.cpp", object = base + "/unit.so", log = base + "/log";
    std::string source = program->source;
    if (wanted && strcmp(wanted, "wrong") == 0) {
        size_t product = source.find(" * ", source.find("extern \"C\""));
        if (product != std::string::npos) source[product + 1] = '/';
    }
    std::ofstream(text) << unit(source);
    std::string command = "g++ -std=c++17 -O1 -U_FORTIFY_SOURCE -ffp-contract=off -w -shared -fPIC -o " + object + " " + text + " 2> " + log;
    int status = system(command.c_str());
    program->log = read(log);
    std::string code = read(object);
    for (auto &file : {text, object, log}) unlink(file.c_str());
    rmdir(folder);
    if (status != 0) return 6;
    uint64_t length = code.size();
    program->image = "stand-in" + std::string(reinterpret_cast<char *>(&length), 8) + code;
    return 0;
}
int nvrtcGetProgramLogSize(Program *program, size_t *size) { *size = program->log.size() + 1; return 0; }
int nvrtcGetProgramLog(Program *program, char *log) { memcpy(log, program->log.c_str(), program->log.size() + 1); return 0; }
int nvrtcGetCUBINSize(Program *program, size_t *size) { *size = program->image.size(); return 0; }
int nvrtcGetCUBIN(Program *program, char *image) { memcpy(image, program->image.data(), program->image.size()); return 0; }
}

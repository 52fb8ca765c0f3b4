//! The C header of `mechc build --target cuda`: memory and launches of every function, as tables to read and as functions to call.

use std::fmt::Write;

use super::device_sources::DeviceFunction;
use crate::artifact::device::{
    Argument, Count, DeviceProgram, DeviceStep, FEWEST_STEPS_CUT, Factor, Launch, MOST_THREADS_CUT, Memory, TimeCut,
};
use crate::artifact::operator::{FEWEST_SYSTEMS, LARGEST_OPERATOR, SolutionOperator, When};
use crate::artifact::{BufferPlace, Port, Size};
use crate::base::{Elem, Fnv};

const HEADER: &str = "/* Launches of the CUDA sources beside this header, for a program that loads their kernels by name. For each function F:

   F_axes            the axes that sizes are made of; s[i] is the size of axis i, which each call chooses where it is 0 here
   F_memory          buffers b0, b1, ... and scratch w0, w1, ...: type, number of elements, use, shape (row-major)
   F_launches        what is launched, in this order: kernel, regime, threads of a block, threads, arguments, when
   F_elements(i, s)  the number of elements of memory i
   F_threads(i, s)   the threads of launch i; a launch has (threads + block - 1) / block blocks, and none is made without a thread
   F_arguments(i, s, memory, status, words)  writes the 64-bit words that launch i takes and gives their number: memory has the address
                     of every piece of memory, status that of F_status_count words

   F_operators       explicit solution matrices of relaxed solves, each with the parameters it is made from
   F_operator(i, s)  whether operator i is used: a launch or scratch that is needed only where it is, or is not, has no thread and no
                     element otherwise

   A launch whose `when` ends in `made` can be left out of a call where the operator's kept scratch still holds what an earlier call
   made of the same parameters.

   Every kernel is extern \"C\", one-dimensional, without dynamic shared memory. Its parameters are 64 bits wide: addresses and numbers.
   Words of the status hold all ones before the first launch; a step that fails puts the smallest place there at which it did. Scratch
   and temporaries need no values before, and hold what later launches of the same call read.

   Few long systems of a relaxed solve are cut in time. In the tables up(n, m) is n rounded up to a multiple
   of m, and segments(n) the number of segments of n steps; cut(b, l, n) is 1
   where b systems of l threads each and n steps are cut, else 0, and whole(b, l, n) the other way round. One of two regimes has no threads. */
#pragma once
";

/// Types and functions that the headers of all files share.
const SHARED: &str = "typedef unsigned long long mechc_word;

typedef struct {
  const char* name;
  mechc_word size;
} mechc_axis;

typedef struct {
  const char* kernel;
  const char* regime;
  unsigned block;
  const char* threads;
  const char* arguments;
  const char* when;
} mechc_launch;

typedef struct {
  const char* name;
  const char* parameters;
} mechc_operator;

typedef struct {
  const char* name;
  const char* type;
  unsigned bytes;
  const char* count;
  const char* use;
  const char* shape;
} mechc_memory;

static inline mechc_word mechc_least(mechc_word a, mechc_word b) { return a < b ? a : b; }

static inline mechc_word mechc_up(mechc_word a, mechc_word b) { return (a + b - 1) / b * b; }

static inline mechc_word mechc_segments(mechc_word steps) {
  mechc_word segments = 1;
  while (2 * segments * segments <= steps) segments *= 2;
  return segments;
}

";

/// The rule of cutting systems in time.
fn rule() -> String {
    format!(
        "static inline mechc_word mechc_cut(mechc_word systems, mechc_word lanes, mechc_word steps) {{\n  return systems * lanes <= {MOST_THREADS_CUT} && steps >= {FEWEST_STEPS_CUT};\n}}\n"
    )
}

/// The header of these functions.
pub(super) fn text(functions: &[DeviceFunction]) -> String {
    let mut out = String::from(HEADER);
    once(&mut out, "MECHC_SHARED", "these headers are of different versions of mechc", &(SHARED.to_string() + &rule()));
    for function in functions {
        let mut own = String::new();
        tables(&mut own, function);
        calls(&mut own, &function.name, &function.program);
        let name = &function.name;
        once(&mut out, &format!("MECHC_HAS_{name}"), &format!("two headers have different functions {name}"), &own);
    }
    out
}

/// Text that a C source takes from the first header with it, of several. That they do not differ is told by a hash of the text.
fn once(out: &mut String, guard: &str, otherwise: &str, text: &str) {
    // Half of it is what a preprocessor compares without a suffix.
    let hash = Fnv::of(text.as_bytes()) >> 33;
    let _ = writeln!(
        out,
        "\n#ifndef {guard}\n#define {guard} {hash}\n{text}#elif {guard} != {hash}\n#error \"{otherwise}\"\n#endif"
    );
}

/// What there is, to be read.
fn tables(out: &mut String, function: &DeviceFunction) {
    let DeviceFunction { name, of, program, elements, places, time_unit, .. } = function;
    let entry = &program.entry;
    let _ = writeln!(out, "\n/* {name}.cu: {} of {}", entry.name, comment(of));
    if let Some(unit) = time_unit {
        let _ = writeln!(out, "   time in {}", comment(unit));
    }
    for (axis, names) in elements.iter().filter(|(axis, _)| entry.axes.iter().any(|a| a.name == *axis)) {
        let listed: Vec<String> = names.iter().enumerate().map(|(i, n)| format!("{i} {}", comment(n))).collect();
        let _ = writeln!(out, "   {axis}: {}", listed.join(", "));
    }
    for (constant, ones) in places.iter().filter(|(name, _)| entry.params.iter().any(|p| p.name == *name)) {
        let listed: Vec<String> = ones.iter().map(|indices| format!("{indices:?}")).collect();
        let _ = writeln!(out, "   {}: 1 at {}; 0 elsewhere", comment(constant), listed.join(", "));
    }
    out.push_str("*/\n");
    let _ = writeln!(out, "static const mechc_axis {name}_axes[] = {{");
    for axis in &entry.axes {
        let _ = writeln!(out, "  {{\"{}\", {}}},", quoted(&axis.name), axis.size.unwrap_or(0));
    }
    // C has no array without elements.
    let _ = writeln!(out, "  {{0, 0}}\n}};\nstatic const mechc_memory {name}_memory[] = {{");
    for (i, buffer) in entry.buffers.iter().enumerate() {
        let (what, port) = match buffer.place {
            BufferPlace::Param(p) => ("parameter", entry.params.get(p)),
            BufferPlace::Result(r) => ("result", entry.results.get(r)),
            BufferPlace::Temporary => ("temporary", None),
        };
        let used = port.map_or(what.to_string(), |p| format!("{what} {}", quoted(&p.name)));
        let axes = |p: &Port| p.axes.iter().map(|&a| quoted(&entry.axes[a].name)).collect::<Vec<_>>().join(", ");
        memory(out, &format!("b{i}"), buffer.elem, &buffer.size.to_string(), &used, &port.map_or(String::new(), axes));
    }
    for (i, scratch) in program.scratch.iter().enumerate() {
        let numbers = count(&scratch.count);
        let used = match (scratch.kept, when(scratch.when)) {
            (true, _) => "kept scratch".to_string(),
            (false, when) if when.is_empty() => "scratch".to_string(),
            (false, when) => format!("scratch, {when}"),
        };
        memory(out, &format!("w{i}"), scratch.elem, &numbers, &used, "");
    }
    operators(out, name, program);
    let _ = writeln!(out, "static const mechc_launch {name}_launches[] = {{");
    for launch in launches(program) {
        let Some(kernel) = program.kernels.get(launch.kernel) else { continue };
        let arguments: Vec<String> = launch
            .arguments
            .iter()
            .map(|a| match a {
                Argument::Memory(Memory::Buffer(i)) => format!("b{i}"),
                Argument::Memory(Memory::Scratch(i)) => format!("w{i}"),
                Argument::Count(c) => count(c),
                Argument::Status(i) => format!("status{i}"),
            })
            .collect();
        let (threads, arguments, regime) = (count(&launch.threads), arguments.join(", "), quoted(&launch.note));
        let (name, block, when) = (&kernel.name, kernel.block, when(launch.when));
        let _ = writeln!(out, "  {{\"{name}\", \"{regime}\", {block}, \"{threads}\", \"{arguments}\", \"{when}\"}},");
    }
    out.push_str("  {0, 0, 0, 0, 0, 0}\n};\n");
}

/// The end of the table of memory, and that of operators.
fn operators(out: &mut String, name: &str, program: &DeviceProgram) {
    let _ = writeln!(out, "  {{0, 0, 0, 0, 0, 0}}\n}};\nstatic const mechc_operator {name}_operators[] = {{");
    for (i, operator) in program.operators.iter().enumerate() {
        let parameters = operator.parameters.iter().filter_map(|&p| program.entry.params.get(p));
        let parameters: Vec<String> = parameters.map(|p| quoted(&p.name)).collect();
        let _ = writeln!(out, "  {{\"operator {i}\", \"{}\"}},", parameters.join(", "));
    }
    out.push_str("  {0, 0}\n};\n");
}

/// When something is needed, in words; none where it always is.
fn when(when: When) -> String {
    match when {
        When::Always => String::new(),
        When::Made(i) => format!("operator {i} made"),
        When::Applied(i) => format!("operator {i} applied"),
        When::Substituted(i) => format!("operator {i} not used"),
    }
}

/// What is needed only where an operator is used, or is not.
fn needed_in_c(name: &str, when: When, value: String) -> String {
    match when {
        When::Always => value,
        When::Made(i) | When::Applied(i) => format!("{name}_operator({i}, s) ? {value} : 0"),
        When::Substituted(i) => format!("{name}_operator({i}, s) ? 0 : {value}"),
    }
}

fn memory(out: &mut String, name: &str, elem: Elem, count: &str, used: &str, shape: &str) {
    let _ = writeln!(out, "  {{\"{name}\", \"{elem}\", {}, \"{count}\", \"{used}\", \"{shape}\"}},", elem.bytes());
}

/// Functions that give sizes, threads and arguments.
fn calls(out: &mut String, name: &str, program: &DeviceProgram) {
    let entry = &program.entry;
    let launches: Vec<&Launch> = launches(program).collect();
    let (buffers, scratch) = (entry.buffers.len(), program.scratch.len());
    let most = launches.iter().map(|l| l.arguments.len()).max().unwrap_or(0);
    let counts = [
        ("axis_count", entry.axes.len()),
        ("memory_count", buffers + scratch),
        ("launch_count", launches.len()),
        ("status_count", program.checks.len()),
        ("operator_count", program.operators.len()),
        ("most_arguments", most),
    ];
    let counts: Vec<String> = counts.iter().map(|(what, n)| format!("{name}_{what} = {n}")).collect();
    let _ = writeln!(out, "enum {{ {} }};", counts.join(", "));
    let mut cases = |what: &str, values: Vec<String>| {
        let _ = writeln!(out, "static inline mechc_word {name}_{what}(unsigned i, const mechc_word* s) {{\n  (void)s;");
        out.push_str("  switch (i) {\n");
        for (i, value) in values.iter().enumerate() {
            let _ = writeln!(out, "    case {i}: return {value};");
        }
        out.push_str("    default: return 0;\n  }\n}\n");
    };
    let pays = |operator: &SolutionOperator| {
        let [rhs, iv] = operator.inputs.each_ref().map(size_in_c);
        let numbers = format!("({rhs} + {iv}) * {}", size_in_c(&operator.outputs));
        let enough = |systems: &Size| format!("{} >= {FEWEST_SYSTEMS}", size_in_c(systems));
        let enough: Vec<String> = operator.systems.iter().map(enough).collect();
        format!("({}) && {numbers} <= {LARGEST_OPERATOR}", enough.join(" || "))
    };
    cases("operator", program.operators.iter().map(pays).collect());
    let own = entry.buffers.iter().map(|b| size_in_c(&b.size));
    cases(
        "elements",
        own.chain(program.scratch.iter().map(|s| needed_in_c(name, s.when, count_in_c(&s.count)))).collect(),
    );
    cases("threads", launches.iter().map(|l| needed_in_c(name, l.when, count_in_c(&l.threads))).collect());
    let _ = writeln!(
        out,
        "static inline unsigned {name}_arguments(unsigned i, const mechc_word* s, const mechc_word* memory, mechc_word status, mechc_word* words) {{"
    );
    out.push_str("  (void)s, (void)memory, (void)status, (void)words;\n  switch (i) {\n");
    for (i, launch) in launches.iter().enumerate() {
        let _ = writeln!(out, "    case {i}:");
        for (at, argument) in launch.arguments.iter().enumerate() {
            let value = match argument {
                Argument::Memory(Memory::Buffer(b)) => format!("memory[{b}]"),
                Argument::Memory(Memory::Scratch(w)) => format!("memory[{}]", buffers + w),
                Argument::Count(c) => count_in_c(c),
                Argument::Status(word) => format!("status + {}", 8 * word),
            };
            let _ = writeln!(out, "      words[{at}] = {value};");
        }
        let _ = writeln!(out, "      return {};", launch.arguments.len());
    }
    out.push_str("    default: return 0;\n  }\n}\n");
}

/// The launches of a program; products by their generated kernels.
fn launches(program: &DeviceProgram) -> impl Iterator<Item = &Launch> {
    program.steps.iter().map(DeviceStep::launch)
}

/// A count as people write it.
fn count(count: &Count) -> String {
    let factors: Vec<String> = count
        .factors
        .iter()
        .map(|factor| match factor {
            Factor::Size(size, u64::MAX) => size.to_string(),
            Factor::Size(size, most) => format!("min({size}, {most})"),
            Factor::Multiple(size, of) => format!("up({size}, {of})"),
            Factor::Segments(steps) => format!("segments({steps})"),
            Factor::When { systems, cut: true } => format!("cut({})", arguments(systems, Size::to_string)),
            Factor::When { systems, cut: false } => format!("whole({})", arguments(systems, Size::to_string)),
        })
        .collect();
    if factors.is_empty() { "1".to_string() } else { factors.join(" * ") }
}

/// What the rule of cutting systems in time depends on.
fn arguments(of: &TimeCut, size: fn(&Size) -> String) -> String {
    format!("{}, {}, {}", size(&of.systems), of.lanes, size(&of.steps))
}

fn size_in_c(size: &Size) -> String {
    let axes = size.axes.iter().map(|axis| format!("s[{axis}]"));
    std::iter::once(format!("{}ULL", size.factor)).chain(axes).collect::<Vec<_>>().join(" * ")
}

fn count_in_c(count: &Count) -> String {
    let factor = |factor: &Factor| match factor {
        Factor::Size(size, u64::MAX) => size_in_c(size),
        Factor::Size(size, most) => format!("mechc_least({}, {most}ULL)", size_in_c(size)),
        Factor::Multiple(size, of) => format!("mechc_up({}, {of}ULL)", size_in_c(size)),
        Factor::Segments(steps) => format!("mechc_segments({})", size_in_c(steps)),
        Factor::When { systems, cut: true } => format!("mechc_cut({})", arguments(systems, size_in_c)),
        Factor::When { systems, cut: false } => format!("!mechc_cut({})", arguments(systems, size_in_c)),
    };
    if count.factors.is_empty() {
        return "1ULL".to_string();
    }
    count.factors.iter().map(factor).collect::<Vec<_>>().join(" * ")
}

/// Text in a comment of C, which it neither ends nor begins anew.
fn comment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!((out.chars().last(), c), (Some('*'), '/') | (Some('/'), '*')) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// Text in a string of C: `"`, `\`, and question marks, of which two may begin another character.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\' | '?') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_as_it_is_but_for_what_would_end_it() {
        assert_eq!(comment("p [m*s/kg] */ q /* r /*/ s\n"), "p [m*s/kg] * / q / * r / * / s");
        assert_eq!(quoted("a*b \"c\" \\ d? e\n"), "a*b \\\"c\\\" \\\\ d\\? e");
    }
}

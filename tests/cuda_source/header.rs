//! The C header of `mechc build --target cuda`, used by a C program.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use mechc::artifact::device::{Argument, Count, DeviceStep, Memory};
use mechc::diagnostics::Format;
use mechc::driver::{Session, Stage, device_sources};
use mechc::source::MemoryWorld;

/// A model with units, whose training has products, solves and sums.
const MODEL: &str = "use std.systems.LotkaVolterra
model Spring { time [s]; state x [m] order 2; param k [1/s^2]; x'' = -k*x }
model Prey { state u, w; (u, w)' = ?poly(u, w; degree = 2) }
data d = simulate LotkaVolterra { steps 400; dt 0.05 }
network smoother { input u, w over window; mlp [8] relu; output v[2] over window }
fit Prey to d { window 150; batch 16; orders 2; auxiliary (u, w) = smoother.v; steps 20; optimizer adam(lr = 3e-3) }
";

/// Where the C program says that memory `i` is, and the status.
fn address(memory: usize) -> u64 {
    1000 * (memory as u64 + 1)
}
const STATUS: u64 = 77_000_000;

#[test]
fn a_c_program_finds_sizes_threads_and_arguments() {
    let mut session = Session::new(MemoryWorld::new().with("spring.mech", MODEL));
    let Ok(functions) = session.device_functions("spring.mech", &[]) else { panic!("the model lowers") };
    let files = device_sources("spring.mech", &functions);
    let header = files.iter().find(|f| f.name == "spring.h").expect("the header");
    let text = String::from_utf8(header.bytes.clone()).expect("text");
    // Windows of 150 steps are cut in time where they are few.
    for part in [
        "time in s",
        "component: 0 x [m], 1 x' [m/s]",
        "\"component, time\"",
        "relaxed solve: blocks of",
        "* segments(150)",
        "* mechc_segments(150ULL)",
        "!mechc_cut(",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // The units of an explicit matrix are so many in any call and cut in time, the systems that it is for are if they are few: by the same kernels.
    for (when, asks) in [(" made\"}", false), (" not used\"}", true)] {
        let cut: Vec<&str> = text.lines().filter(|l| l.contains(when) && l.contains("time in segments")).collect();
        assert!(!cut.is_empty(), "{when}: {text}");
        assert!(cut.iter().all(|l| l.contains("segments (for at most") == asks), "{when}: {cut:#?}");
    }

    // Sizes of the axes that calls choose differ, so that no two are mixed up.
    let sizes = |at: usize, least: u64| -> Vec<u64> {
        let axes = &functions[at].program.entry.axes;
        axes.iter().enumerate().map(|(i, a)| a.size.map_or(least + 2 * i as u64, |n| n as u64)).collect()
    };
    let mut program = String::from("#include <stdio.h>\n#include \"spring.h\"\nint main(void) {\n");
    let mut expected = String::new();
    // Few systems, and as many as an explicit solution matrix pays for.
    let all = functions.iter().enumerate().flat_map(|(at, f)| [(at, f, 11), (at, f, 70)]);
    for (at, function, least) in all {
        let (name, of) = (&function.name, &function.program);
        let sizes = sizes(at, least);
        let listed: Vec<String> = sizes.iter().map(u64::to_string).collect();
        let _ = writeln!(
            program,
            "  {{ mechc_word s[] = {{{}}}, memory[{name}_memory_count + 1], words[{name}_most_arguments + 1];
    for (unsigned i = 0; i < {name}_memory_count; ++i) {{
      memory[i] = 1000 * (i + 1);
      printf(\"{name} %s %u %llu\\n\", {name}_memory[i].name, {name}_memory[i].bytes, {name}_elements(i, s));
    }}
    for (unsigned i = 0; i < {name}_launch_count; ++i) {{
      printf(\"%s %u %llu:\", {name}_launches[i].kernel, {name}_launches[i].block, {name}_threads(i, s));
      unsigned n = {name}_arguments(i, s, memory, {STATUS}, words);
      for (unsigned j = 0; j < n; ++j) printf(\" %llu\", words[j]);
      printf(\"\\n\");
    }}
  }}",
            listed.join(", ")
        );
        let value = |count: &Count| count.value(&sizes).expect("a count");
        let buffers = of.entry.buffers.len();
        let used = of.operators_used(&sizes);
        for (i, b) in of.entry.buffers.iter().enumerate() {
            let _ = writeln!(expected, "{name} b{i} {} {}", b.elem.bytes(), b.size.value(&sizes).expect("a size"));
        }
        for (i, w) in of.scratch.iter().enumerate() {
            let _ = writeln!(expected, "{name} w{i} {} {}", w.elem.bytes(), w.numbers(&sizes, &used).expect("a count"));
        }
        for launch in of.steps.iter().map(DeviceStep::launch) {
            let kernel = &of.kernels[launch.kernel];
            let _ = write!(
                expected,
                "{} {} {}:",
                kernel.name,
                kernel.block,
                if launch.when.needed(&used, true) { value(&launch.threads) } else { 0 }
            );
            for argument in &launch.arguments {
                let word = match argument {
                    Argument::Memory(Memory::Buffer(i)) => address(*i),
                    Argument::Memory(Memory::Scratch(i)) => address(buffers + i),
                    Argument::Count(c) => value(c),
                    Argument::Status(i) => STATUS + 8 * *i as u64,
                };
                let _ = write!(expected, " {word}");
            }
            expected.push('\n');
        }
    }
    program.push_str("  return 0;\n}\n");

    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("spring.h"), &text).expect("the header is written");
    std::fs::write(path("main.c"), program).expect("the program is written");
    let build = |compiler: &str, flags: &[&str], file: &Path| {
        let output = Command::new(compiler)
            .args(flags)
            .args(["-Wall", "-Wextra", "-Werror", "-o"])
            .arg(path("main"))
            .arg(file)
            .output()
            .expect("the compiler starts");
        assert!(output.status.success(), "{compiler}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(Command::new(path("main")).output().expect("the program runs").stdout).expect("text")
    };
    assert_eq!(build("cc", &["-std=c99"], &path("main.c")), expected);
    // The same as C++.
    assert_eq!(build("g++", &["-std=c++17", "-x", "c++"], &path("main.c")), expected);
}

/// Two files that have a model in common, with units, and a model and fits of their own.
const PARTNERS: [&str; 2] = [
    "use std.systems.LotkaVolterra
model σ { time [s]; state x [m], v [m*s]; param k [1/s^2]; x' = -k*v; v' = x }
model τ { state x; x' = -x }
model Prey { state u, w; (u, w)' = ?poly(u, w; degree = 1) }
data d = simulate LotkaVolterra { steps 100; dt 0.05 }
network smoother { input u, w over window; mlp [4] relu; output v[2] over window }
fit Prey to d as long { window 50; batch 4; auxiliary (u, w) = smoother.v; steps 20; optimizer adam(lr = 3e-3) }
fit Prey to d as short { window 20; batch 8; auxiliary (u, w) = smoother.v; steps 20; optimizer adam(lr = 3e-3) }
",
    "use std.systems.LotkaVolterra
model Decay { state x; x' = -x }
data d = simulate LotkaVolterra { steps 100; dt 0.05 }
",
];

#[test]
fn headers_of_two_files_go_into_one_source() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let mut names = Vec::new();
    for (name, text) in ["first", "second"].into_iter().zip(PARTNERS) {
        let file = format!("{name}.mech");
        let mut session = Session::new(MemoryWorld::new().with(&file, text));
        let functions = session.device_functions(&file, &[]);
        let functions = functions.unwrap_or_else(|e| panic!("{}", e.render(session.sources(), Format::Short)));
        for built in device_sources(&file, &functions) {
            std::fs::write(path(&built.name), &built.bytes).expect("a file is written");
            names.push(built.name);
        }
    }
    let header = std::fs::read_to_string(path("first.h")).expect("a header");
    assert!(header.contains("component: 0 x [m], 1 v [m*s]"), "units are whole: {header}");
    // What the functions of a fit are about stands before them, and in the first line of their sources.
    let head = "/* Prey_long_by_gradient_step.cu: step of the fit long of Prey\n   state: 0 u, 1 w\n";
    assert!(header.contains(head) && header.contains("   coefficient: 0 "), "{header}");
    // Three candidates in the equations of two states.
    let selected =
        "   selection0: 1 at [0, 0, 0], [0, 1, 1], [0, 2, 2], [1, 0, 3], [1, 1, 4], [1, 2, 5]; 0 elsewhere\n";
    assert!(header.contains(selected), "{header}");
    let source = std::fs::read_to_string(path("Prey_long_by_gradient_step.cu")).expect("a source");
    assert!(source.starts_with("// step of the fit long of Prey\n//   takes b"), "{source}");
    let source = std::fs::read_to_string(path("LotkaVolterra_field.cu")).expect("a source");
    assert!(source.starts_with("// field of the model LotkaVolterra\n"), "{source}");
    let mut session = Session::new(MemoryWorld::new().with("first.mech", PARTNERS[0]));
    let Ok(emitted) = session.emit("first.mech", &[], Stage::Cuda) else { panic!("the model lowers") };
    for part in
        ["// field of the model Prey\n", "// step of the fit long of Prey\n", "// step of the fit short of Prey\n"]
    {
        assert!(emitted.contains(part), "{part}");
    }
    // A fit's name tells it from the others, and the library's model is the same in both.
    for fit in ["long", "short"] {
        assert!(names.contains(&format!("Prey_{fit}_by_gradient_step.cu")), "{names:?}");
    }
    let mut once = names.clone();
    once.sort();
    once.dedup();
    assert_eq!(names.len() - once.len(), 2, "field and linearisation of LotkaVolterra: {names:?}");
    let compiled = |compiler: &str, flags: &[&str], source: &str| {
        std::fs::write(path("main.c"), format!("#include \"first.h\"\n#include \"second.h\"\n{source}"))
            .expect("a source");
        let output = Command::new(compiler)
            .args(flags)
            .args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-o"])
            .arg(path("main"))
            .arg(path("main.c"))
            .output()
            .expect("the compiler starts");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let main = "int main(void) { return LotkaVolterra_field_axis_count + Decay_field_axis_count + u03C3__field_axis_count == 0; }\n";
    for (compiler, flags) in [("cc", &["-std=c99"][..]), ("g++", &["-std=c++17", "-x", "c++"])] {
        let (well, said) = compiled(compiler, flags, main);
        assert!(well, "{compiler}: {said}");
    }
    // A model of another file under the same name is not taken for this one.
    let other = "model Decay { state x, y; x' = -x; y' = x }";
    let mut session = Session::new(MemoryWorld::new().with("first.mech", other));
    let Ok(functions) = session.device_functions("first.mech", &[]) else { panic!("the model lowers") };
    let files = device_sources("first.mech", &functions);
    let header = files.iter().find(|f| f.name == "first.h").expect("the header");
    std::fs::write(path("first.h"), &header.bytes).expect("a header");
    let (well, said) = compiled("cc", &["-std=c99"], "int main(void) { return 0; }\n");
    assert!(!well && said.contains("two headers have different functions Decay_field"), "{said}");
}

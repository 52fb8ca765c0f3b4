//! The runtime for CUDA devices against stand-ins for the driver, the compiler and cuBLAS (`tests/cuda/`), which the system's C++
//! compiler makes. The stand-ins refuse wrong handles, addresses outside allocations and what no graph can record.
//!
//! Libraries are found through the library path of a process, so whatever touches them runs in a child: a test marked `ignore`
//! here is run by another one with the right environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, OnceLock};
use std::{fs, thread};

use mechc::artifact::device::DeviceProgram;
use mechc::runtime::RuntimeError;
use mechc::runtime::cuda::{Cache, Device, DeviceExecutable, Products};

mod arrays;
mod bench;
mod calls;
mod command;
mod operators;
#[path = "../cuda/programs.rs"]
mod programs;
mod training;

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda")
}

/// The folder of the stand-ins, made once for each run of the tests.
fn libraries() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let make = |name: &str, source: &str, with: &[&str]| {
            let mut command = Command::new("g++");
            command.args(["-std=c++17", "-O1", "-shared", "-fPIC", "-o", name]).arg(sources().join(source));
            command.arg(format!("-Wl,-soname,{name}")).args(with).current_dir(folder.path());
            let output = command.output().expect("the system's C++ compiler, g++");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        // One of each version: both are looked for.
        make("libcuda.so.1", "driver.cpp", &["-ldl"]);
        thread::scope(|scope| {
            scope.spawn(|| make("libnvrtc.so.13", "nvrtc.cpp", &[]));
            scope.spawn(|| make("libcublas.so.12", "cublas.cpp", &["libcuda.so.1"]));
        });
        folder
    });
    made.path()
}

/// A command that finds the stand-ins, with these variables besides.
fn with_libraries(program: impl AsRef<Path>, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(program.as_ref());
    command.env("LD_LIBRARY_PATH", libraries()).env("FAKE_CUDA_HEADER", sources().join("device.h"));
    command.env_remove("FAKE_CUDA").env("MECHC_CACHE", libraries().join("cache")).envs(variables.iter().copied());
    command
}

/// Runs an ignored test, named with its module, in a child.
fn child(test: &str, variables: &[(&str, &str)]) -> Output {
    let this = std::env::current_exe().expect("this program");
    let output = with_libraries(this, variables).args(["--exact", test, "--ignored", "--nocapture"]).output();
    output.expect("the child starts")
}

#[track_caller]
fn passes(test: &str, variables: &[(&str, &str)]) {
    let output = child(test, variables);
    let text = [output.stdout, output.stderr].map(|t| String::from_utf8_lossy(&t).into_owned()).concat();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn open(program: DeviceProgram, products: Products) -> Result<DeviceExecutable, RuntimeError> {
    let device = Device::open(0)?;
    DeviceExecutable::new(&device, Arc::new(program), (false, products), &Cache::of_user())
}

/// The binary with the stand-ins: exit code, standard output, standard error.
fn mechc(variables: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = with_libraries(env!("CARGO_BIN_EXE_mechc"), variables);
    let output = command.args(args).current_dir(root).output().expect("mechc starts");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn doctor(variables: &[(&str, &str)], args: &[&str]) -> String {
    let output = with_libraries(env!("CARGO_BIN_EXE_mechc"), variables).arg("doctor").args(args).output();
    let output = output.expect("mechc starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A small training by gradient.
const TRAINING: &str = "use std.systems.LotkaVolterra
model Prey { state u, w; (u, w)' = ?poly(u, w; degree = 2) }
data d = simulate LotkaVolterra { steps 300; dt 0.05 }
network smoother { input u, w over window; mlp [64] relu; output v[2] over window }
fit Prey to d {
  window 20; batch 16; orders 2; auxiliary (u, w) = smoother.v
  steps 200; threshold 0.03; prune_from 0.9; optimizer adam(lr = 3e-3)
}
";

/// A folder with the model of [`TRAINING`].
fn training() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("m.mech");
    fs::write(&model, TRAINING).expect("a model");
    let model = model.display().to_string();
    (folder, model)
}

/// What the stand-in for the driver was asked for: transfers and launches with their bytes and nodes.
fn logged(path: &str) -> Vec<(String, usize)> {
    let text = fs::read_to_string(path).expect("a log");
    let line = |line: &str| line.split_once(' ').map(|(what, n)| (what.to_string(), n.parse().expect("a number")));
    text.lines().filter_map(line).collect()
}

//! From text to callable code: `cargo bench --bench compile`.

use divan::{Bencher, black_box};
use mechc::diagnostics::Sink;
use mechc::driver::{Session, Stage};
use mechc::source::{FsWorld, Sources};
use std::path::Path;

fn main() {
    divan::main();
}

fn examples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn session() -> Session {
    Session::new(FsWorld::new(examples()).expect("the examples"))
}

/// Text to syntax tree.
#[divan::bench]
fn parse(bencher: Bencher) {
    let text = std::fs::read_to_string(examples().join("lorenz.mech")).expect("the example");
    bencher.bench(|| {
        let mut sources = Sources::default();
        let file = sources.add("lorenz.mech", text.as_str());
        mechc::syntax::parse(file, black_box(&text), &mut Sink::new())
    });
}

/// Text to checked program, the standard library included.
#[divan::bench]
fn check(bencher: Bencher) {
    bencher.bench(|| session().check("lorenz.mech", &[]).expect("checks"));
}

/// Text to callable linearisation of every model of the file.
#[divan::bench]
fn text_to_callable(bencher: Bencher) {
    bencher.bench(|| session().compile("lorenz.mech", &[]).expect("compiles"));
}

/// Text to the text of the loop nests, derivatives included.
#[divan::bench]
fn text_to_kernels(bencher: Bencher) {
    bencher.bench(|| session().emit("lorenz.mech", &[], Stage::Kernel).expect("compiles"));
}

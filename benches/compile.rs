//! From text to callable code: `cargo bench --bench compile`.

use divan::{Bencher, black_box};
use mechc::diagnostics::Sink;
use mechc::driver::{Session, Stage};
use mechc::source::{FsWorld, MemoryWorld, Sources};
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

/// Models of 100 lines each, `lines` in all.
fn models(lines: usize) -> String {
    let mut text = String::new();
    for m in 0..lines / 100 {
        text.push_str(&format!("model M{m} {{\n"));
        (0..49).for_each(|i| text.push_str(&format!("  state x{i}\n")));
        for i in 0..49 {
            text.push_str(&format!("  x{i}' = -0.5*x{i} + x{}*x{}\n", (i + 1) % 49, (i + 7) % 49));
        }
        text.push_str("}\n");
    }
    text
}

/// Text to checked program, against its number of lines.
#[divan::bench(args = [100, 1_000, 10_000, 50_000], sample_count = 10)]
fn check_lines(bencher: Bencher, lines: usize) {
    let text = models(lines);
    let session = || Session::new(MemoryWorld::new().with("main.mech", text.as_str()));
    bencher.bench(|| session().check("main.mech", &[]).expect("checks"));
}

/// One model whose states have units, those of its rates to be found.
fn with_units(states: usize) -> String {
    let mut text = String::from("model Large {\n  time [s]\n");
    (0..states).for_each(|i| text.push_str(&format!("  state x{i} [m]\n  param r{i} = 0.5\n")));
    for i in 0..states {
        let [a, b] = [1, 7].map(|k| (i + k) % states);
        text.push_str(&format!("  x{i}' = -r{i}*x{i} + 0.1 [1/s]*x{a} - r{b}*x{b}\n"));
    }
    text.push_str("}\n");
    text
}

/// Text to checked program, against the number of its states, units included.
#[divan::bench(args = [1_000, 4_000], sample_count = 10)]
fn check_units(bencher: Bencher, states: usize) {
    let text = with_units(states);
    let session = || Session::new(MemoryWorld::new().with("main.mech", text.as_str()));
    bencher.bench(|| session().check("main.mech", &[]).expect("checks"));
}

/// Text to callable right-hand side and derivatives of a thousand coupled states.
#[divan::bench(sample_count = 5)]
fn thousand_states(bencher: Bencher) {
    let mut text = String::from("model Large {\n");
    (0..1000).for_each(|i| text.push_str(&format!("  state x{i}\n")));
    for i in 0..1000 {
        let [a, b, c] = [1, 7, 3].map(|k| (i + k) % 1000);
        text.push_str(&format!("  x{i}' = -0.5*x{i} + sin(x{a})*x{b} - x{c}^2\n"));
    }
    text.push_str("}\n");
    let session = || Session::new(MemoryWorld::new().with("main.mech", text.as_str()));
    bencher.bench(|| session().compile("main.mech", &[]).expect("compiles"));
}

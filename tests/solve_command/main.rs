//! `mechc solve` through the binary.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use common::mechc;
use npyz::npz::NpzArchive;
use npyz::zip::CompressionMethod;
use npyz::zip::write::{FileOptions, ZipWriter};

mod bench;
#[path = "../common/mod.rs"]
mod common;
mod digits;
mod forms;
mod golden;
mod options;
mod wrong;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/relaxed_solve")
}

/// Shape and numbers of an array; `None` where the archive has none of that name.
fn array(file: &Path, name: &str) -> Option<(Vec<u64>, Vec<f64>)> {
    let mut archive = NpzArchive::open(file).expect("an archive");
    let array = archive.by_name(name).expect("a readable array")?;
    Some((array.shape().to_vec(), array.into_vec::<f64>().expect("f64")))
}

/// Largest error relative to the largest expected number; infinite where something is not a number.
fn error(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let scale = expected.iter().fold(1e-300, |m: f64, x| m.max(x.abs()));
    let errors = got.iter().zip(expected).map(|(a, b)| (a - b).abs() / scale);
    errors.fold(0.0, |m: f64, e| if e.is_nan() { f64::INFINITY } else { m.max(e) })
}

/// Numbers of a type that numpy writes, in the given order of the axes.
fn npy(descr: &str, fortran: bool, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let shape: String = shape.iter().map(|n| format!("{n},")).collect();
    let fortran = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape}), }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn f8(shape: &[usize], data: &[f64]) -> Vec<u8> {
    npy("<f8", false, shape, &data.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>())
}

fn npz(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = FileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in members {
        zip.start_file(format!("{name}.npy"), options).expect("a member");
        zip.write_all(bytes).expect("its bytes");
    }
    zip.finish().expect("an archive").into_inner()
}

/// Two samples of `x'' + (1 + s/10) x' / 2 + x = s` over six steps with two derivatives, the members of an archive.
fn members() -> Vec<(&'static str, Vec<u8>)> {
    let c: Vec<f64> = (0..12).flat_map(|i| [1.0, 0.5 + 0.05 * f64::from(i / 6), 1.0]).collect();
    let rhs: Vec<f64> = (0..12).map(|i| f64::from(i / 6)).collect();
    let upstream: Vec<f64> = (0..36).map(|i| f64::from(i * 7 % 5) - 2.0).collect();
    vec![
        ("c", f8(&[2, 1, 6, 1, 3], &c)),
        ("rhs", f8(&[2, 1, 6], &rhs)),
        ("iv", f8(&[2, 1, 1, 2], &[1.0, 0.0, -1.0, 0.5])),
        ("h", f8(&[2, 5, 1], &[0.1; 10])),
        ("upstream", f8(&[2, 6, 1, 3], &upstream)),
    ]
}

/// The archive of [`members`] with one of them replaced, added, or (where there are no bytes) left out.
fn changed(name: &'static str, bytes: Vec<u8>) -> Vec<u8> {
    let mut members = members();
    members.retain(|m| m.0 != name);
    if !bytes.is_empty() {
        members.push((name, bytes));
    }
    npz(&members)
}

/// The results for an archive.
fn solved(folder: &Path, archive: &[u8], more: &[&str]) -> PathBuf {
    fs::write(folder.join("case.npz"), archive).expect("a written file");
    let mut args = vec!["solve", "case.npz", "--out", "result.npz"];
    args.extend(more);
    mechc(folder, &args).ok();
    folder.join("result.npz")
}

fn same(a: &Path, b: &Path, keys: &[&str], tolerance: f64) {
    for key in keys {
        let (a, b) = (array(a, key).expect(key), array(b, key).expect(key));
        let e = error(&a.1, &b.1);
        assert!(e <= tolerance, "{key}: {e:e}");
    }
}

/// `x'' + x = 0`, `x(0) = 0`, `x'(0) = 1` over `steps` steps of `h`, with three derivatives kept.
fn oscillator(steps: usize, h: f64, iv: bool) -> Vec<u8> {
    let c: Vec<f64> = (0..steps).flat_map(|_| [1.0, 0.0, 1.0, 0.0]).collect();
    let mut members =
        vec![("c", f8(&[1, 1, steps, 1, 4], &c)), ("rhs", f8(&[1, 1, steps], &vec![0.0; steps])), ("h", f8(&[], &[h]))];
    if iv {
        members.push(("iv", f8(&[1, 1, 1, 2], &[0.0, 1.0])));
    }
    npz(&members)
}

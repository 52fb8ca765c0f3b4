//! `mechc solve` through the binary: the golden cases of `tests/fixtures/relaxed_solve` with the tolerances of
//! `tests/relaxed_solve.rs`, the forms that arrays may have, and what is said about wrong ones.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mechc::driver::{SolveBench, random_case};
use mechc::solve::relaxed::{RowSet, Scheme, Wanted, factor};
use npyz::npz::NpzArchive;
use npyz::zip::CompressionMethod;
use npyz::zip::write::{FileOptions, ZipWriter};
use serde_json::Value;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/relaxed_solve")
}

fn mechc(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mechc")).args(args).current_dir(folder).output().expect("mechc starts")
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

/// The options of `mechc solve` that a case of `cases.json` asks for.
fn options(case: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let number = |key: &str| case[key].as_f64().expect("a number").to_string();
    if case["variant"] == "mnn" {
        out.extend(["--slack".to_string(), "--alpha".into(), number("alpha"), "--gamma".into(), number("gamma")]);
    } else {
        out.push("--shared-steps".into());
    }
    if case["central"] == true {
        out.push("--central".into());
    }
    let weights =
        ["equation", "initial", "smooth"].map(|key| case["weights"][key].as_f64().expect("a weight").to_string());
    out.extend(["--weights".to_string(), weights.join(",")]);
    out
}

fn cases() -> Vec<Value> {
    let text = fs::read_to_string(fixtures().join("cases.json")).expect("the list of cases");
    serde_json::from_str(&text).expect("valid JSON")
}

/// Largest errors of the arrays of a golden case solved with further options, by name; `None` where the case is singular in single
/// precision, which has to be said. Without `instructions` the widest are used.
fn golden(folder: &Path, case: &Value, more: &[&str], instructions: &str) -> Option<Vec<(&'static str, f64)>> {
    let name = case["name"].as_str().expect("a name");
    let input = fixtures().join(format!("{name}.npz"));
    let mut args = vec!["solve".to_string(), input.display().to_string(), "--out".into(), "result.npz".into()];
    args.extend(options(case));
    args.extend(more.iter().map(|a| a.to_string()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_mechc"));
    let output = command.args(args).current_dir(folder).env("MECHC_INSTRUCTIONS", instructions).output();
    let output = output.expect("mechc starts");
    let said = String::from_utf8_lossy(&output.stderr);
    if more.contains(&"f32") && output.status.code() == Some(5) {
        assert!(said.contains("N515") && said.contains("singular") && said.contains("--dtype f64"), "{said}");
        return None;
    }
    assert!(output.status.success() && output.stdout.is_empty(), "{name}: {said}");
    let result = folder.join("result.npz");
    let (shape, of_weights) = array(&result, "grad_weights").expect("gradients of the weights");
    assert!(shape == [3] && of_weights.iter().all(|x| x.is_finite()));
    let mut errors = Vec::new();
    for key in ["u", "eps", "grad_c", "grad_rhs", "grad_iv", "grad_h"] {
        let (expected, got) = (array(&input, key), array(&result, key));
        let empty = expected.as_ref().is_none_or(|(_, data)| data.is_empty());
        if empty && got.is_none() {
            continue;
        }
        let ((shape, expected), (got_shape, got)) = (expected.expect(key), got.expect(key));
        assert_eq!(shape, got_shape, "{name}: {key}");
        errors.push((key, error(&got, &expected)));
    }
    Some(errors)
}

fn tolerance(case: &Value) -> f64 {
    match case["steps"].as_u64() {
        Some(2000..) => 2e-7,
        Some(500..) => 1e-7,
        _ => 1e-9,
    }
}

/// Solves all golden cases.
fn check_golden(more: &[&str], instructions: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for case in cases() {
        for (key, e) in golden(folder.path(), &case, more, instructions).expect("a solution in double precision") {
            compared += 1;
            if e > tolerance(&case) {
                wrong.push(format!("{}: {key}: {e:e}", case["name"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{more:?} {instructions}\n{}", wrong.join("\n"));
    assert_eq!(compared, 12 * 6 - 1, "one case has no initial values");
}

#[test]
fn golden_cases_come_out_of_the_binary() {
    for more in [&[] as &[&str], &["--method", "qr"], &["--dtype", "mixed"], &["--refinements", "1", "--threads", "1"]]
    {
        check_golden(more, "");
    }
}

#[test]
fn narrower_instructions_solve_golden_cases() {
    for instructions in ["avx2", "portable"] {
        check_golden(&[], instructions);
        check_golden(&["--dtype", "mixed"], instructions);
    }
}

#[test]
fn single_precision_has_its_accuracy_or_refuses() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut solved = 0;
    for case in cases().iter().filter(|case| case["steps"].as_u64() < Some(100)) {
        let Some(errors) = golden(folder.path(), case, &["--dtype", "f32"], "") else { continue };
        let largest = errors.iter().fold(0.0, |m: f64, (_, e)| m.max(*e));
        assert!(largest > 1e-9 && largest < 0.1, "{}: {errors:?}", case["name"]);
        solved += 1;
    }
    assert!(solved >= 6, "{solved}");
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
    let output = mechc(folder, &args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("result.npz")
}

fn same(a: &Path, b: &Path, keys: &[&str], tolerance: f64) {
    for key in keys {
        let (a, b) = (array(a, key).expect(key), array(b, key).expect(key));
        let e = error(&a.1, &b.1);
        assert!(e <= tolerance, "{key}: {e:e}");
    }
}

#[test]
fn steps_and_coefficients_may_be_shared() {
    let [one, two, three] = [(); 3].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let full = solved(one.path(), &npz(&members()), &[]);
    let grad_h = array(&full, "grad_h").expect("gradients").1;
    for (shape, sum) in [(vec![2, 5], 0), (vec![1, 5], 1), (vec![5], 1), (vec![1, 5, 1], 1), (vec![], 2)] {
        let count = shape.iter().product();
        let other = solved(two.path(), &changed("h", f8(&shape, &vec![0.1; count])), &[]);
        same(&full, &other, &["u", "grad_c", "grad_rhs", "grad_iv", "grad_weights"], 1e-13);
        let (got_shape, got) = array(&other, "grad_h").expect("gradients");
        assert_eq!(got_shape, shape.iter().map(|&n| n as u64).collect::<Vec<_>>());
        let expected: Vec<f64> = match sum {
            0 => grad_h.clone(),
            1 => (0..5).map(|i| grad_h[i] + grad_h[5 + i]).collect(),
            _ => vec![grad_h.iter().sum()],
        };
        assert!(error(&got, &expected) < 1e-12, "{shape:?}");
    }
    // The same coefficients for both samples, given twice or once.
    let c: Vec<f64> = (0..12).flat_map(|_| [1.0, 0.5, 1.0]).collect();
    let twice = solved(one.path(), &changed("c", f8(&[2, 1, 6, 1, 3], &c)), &[]);
    let once = solved(three.path(), &changed("c", f8(&[1, 1, 6, 1, 3], &c[..18])), &[]);
    same(&twice, &once, &["u", "grad_rhs", "grad_iv", "grad_h", "grad_weights"], 1e-13);
    let (of_both, (shape, of_shared)) = (array(&twice, "grad_c").expect("c").1, array(&once, "grad_c").expect("c"));
    assert_eq!(shape, [1, 1, 6, 1, 3]);
    let sum: Vec<f64> = (0..18).map(|i| of_both[i] + of_both[18 + i]).collect();
    assert!(error(&of_shared, &sum) < 1e-12);
}

#[test]
fn single_precision_and_column_order_are_read() {
    let [one, two] = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let full = solved(one.path(), &npz(&members()), &[]);
    let single: Vec<u8> = (0..12).map(|i| (i / 6) as f32).flat_map(f32::to_le_bytes).collect();
    let other = solved(two.path(), &changed("rhs", npy("<f4", false, &[2, 1, 6], &single)), &[]);
    same(&full, &other, &["u", "grad_c"], 0.0);
    // Column order: the sample runs fastest.
    let columns: Vec<u8> = [1.0, -1.0, 0.0, 0.5].iter().flat_map(|x: &f64| x.to_le_bytes()).collect();
    let other = solved(two.path(), &changed("iv", npy("<f8", true, &[2, 1, 1, 2], &columns)), &[]);
    same(&full, &other, &["u", "grad_c"], 0.0);
}

#[test]
fn row_weights_multiply_the_weights_of_their_kind() {
    let [one, two] = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let whole = solved(one.path(), &npz(&members()), &["--weights", "2,3,0.5", "--refinements", "2"]);
    let mut rows = members();
    rows.push(("weight_equation", f8(&[1, 6], &[2.0; 6])));
    rows.push(("weight_initial", f8(&[1, 1], &[3.0])));
    rows.push(("weight_smooth", f8(&[5, 1], &[0.5; 5])));
    let single = solved(two.path(), &npz(&rows), &["--refinements", "2"]);
    same(&whole, &single, &["u", "grad_c", "grad_rhs", "grad_iv", "grad_h"], 1e-12);
    // With W the weight of a kind and w_i those of its rows only W w_i counts, so W dl/dW = sum w_i dl/dw_i.
    let of_kinds = array(&whole, "grad_weights").expect("gradients").1;
    let names = ["grad_weight_equation", "grad_weight_initial", "grad_weight_smooth"];
    let shapes = [vec![1, 6], vec![1, 1], vec![5, 1]];
    for (((name, shape), of_kind), w) in names.into_iter().zip(shapes).zip(of_kinds).zip([2.0, 3.0, 0.5]) {
        let (got_shape, got) = array(&single, name).expect(name);
        assert_eq!(got_shape, shape);
        assert!(got.iter().any(|x| x.abs() > 1e-12));
        let sum: f64 = got.iter().sum();
        // The smooth weight follows from the other two kinds as far as the solution fulfils the normal equations: corrections see to that.
        let largest = got.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        assert!((sum - of_kind).abs() < 1e-10 * largest, "{name} {w}: {sum:e} {of_kind:e} {largest:e}");
    }
    // A row that counts for nothing: the right-hand side of that step is of no consequence.
    let mut off = members();
    off.push(("weight_equation", f8(&[1, 6], &[1.0, 1.0, 0.0, 1.0, 1.0, 1.0])));
    let grad_rhs = array(&solved(two.path(), &npz(&off), &[]), "grad_rhs").expect("gradients").1;
    assert!(grad_rhs[2] == 0.0 && grad_rhs[8] == 0.0 && grad_rhs[1] != 0.0);
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

#[test]
fn hermite_rows_are_more_accurate_at_the_same_step() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let worst = |rows: &str, steps: usize, h: f64| {
        let result = solved(folder.path(), &oscillator(steps, h, true), &["--rows", rows]);
        let u = array(&result, "u").expect("a solution").1;
        let errors = u.chunks_exact(4).enumerate().map(|(i, u)| (u[0] - (h * i as f64).sin()).abs());
        errors.fold(0.0, f64::max)
    };
    let (taylor, coarse, fine) = (worst("taylor", 101, 0.1), worst("hermite", 101, 0.1), worst("hermite", 201, 0.05));
    assert!(coarse < taylor / 20.0 && taylor < 0.1, "{coarse} {taylor}");
    // Of fourth order.
    assert!((10.0..22.0).contains(&(coarse / fine)), "{coarse} {fine}");
}

#[test]
fn a_periodic_boundary_closes_the_solution() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // u' + u = sin(t) over one period; its periodic solution is (sin t - cos t)/2.
    let steps = 101;
    let h = std::f64::consts::TAU / (steps - 1) as f64;
    let c: Vec<f64> = (0..steps).flat_map(|_| [1.0, 1.0, 0.0]).collect();
    let rhs: Vec<f64> = (0..steps).map(|i| (h * i as f64).sin()).collect();
    let members = [("c", f8(&[1, 1, steps, 1, 3], &c)), ("rhs", f8(&[1, 1, steps], &rhs)), ("h", f8(&[], &[h]))];
    let worst = |args: &[&str]| {
        let u = array(&solved(folder.path(), &npz(&members), args), "u").expect("a solution").1;
        let t = |i: usize| h * i as f64;
        let errors = u.chunks_exact(3).enumerate().map(|(i, u)| (u[0] - 0.5 * (t(i).sin() - t(i).cos())).abs());
        errors.fold(0.0, f64::max)
    };
    assert!(worst(&["--periodic"]) < 1e-2 && worst(&["--periodic", "--rows", "hermite"]) < 1e-5);
    // Without the closing rows the start is left open.
    assert!(worst(&[]) > 10.0 * worst(&["--periodic"]), "{}", worst(&[]));
}

#[test]
fn without_equations_the_first_step_says_all() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let members = [
        ("c", f8(&[2, 0, 5, 1, 3], &[])),
        ("rhs", f8(&[2, 0, 5], &[])),
        ("h", f8(&[], &[0.5])),
        ("iv", f8(&[2, 1, 1, 3], &[1.0, 2.0, 3.0, 0.0, 0.0, -1.0])),
    ];
    let u = array(&solved(folder.path(), &npz(&members), &[]), "u").expect("a solution").1;
    let parabolas = [1.0, 0.0].into_iter().zip([2.0, 0.0]).zip([3.0, -1.0]);
    let expected: Vec<f64> = parabolas
        .flat_map(|((x, v), a)| {
            (0..5).map(|i| 0.5 * f64::from(i)).map(move |t| [x + v * t + a * t * t / 2.0, v + a * t, a])
        })
        .flatten()
        .collect();
    assert!(error(&u, &expected) < 1e-11);
}

#[test]
fn gradients_come_only_where_they_are_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let result = solved(folder.path(), &changed("upstream", Vec::new()), &["--threads", "1"]);
    assert!(array(&result, "u").is_some() && array(&result, "eps").is_some() && array(&result, "grad_c").is_none());
    // Of the slack alone: the gradient by alpha of eps is what a difference says.
    let with = |alpha: &str| {
        let mut members = members();
        members.retain(|m| m.0 != "upstream");
        members.push(("upstream_eps", f8(&[2], &[1.0, 1.0])));
        let result = solved(folder.path(), &npz(&members), &["--slack", "--alpha", alpha, "--central"]);
        assert!(array(&result, "grad_rhs").expect("gradients").1.iter().any(|x| *x != 0.0));
        array(&result, "eps").expect("a slack").1
    };
    assert!(with("0.5").iter().zip(with("-0.5")).all(|(a, b)| *a > b), "the slack is pushed up");
}

/// What a run with a wrong archive or wrong options ends with.
struct Wrong {
    name: &'static str,
    archive: Vec<u8>,
    args: &'static [&'static str],
    code: i32,
    says: &'static [&'static str],
}

fn wrong_cases() -> Vec<Wrong> {
    let data = |name, archive, says| Wrong { name, archive, args: &[], code: 3, says };
    let usage = |name, args, says| Wrong { name, archive: npz(&members()), args, code: 2, says };
    let member = |name: &'static str, shape: &[usize], x: f64| {
        changed(name, f8(shape, &vec![x; shape.iter().product::<usize>()]))
    };
    // A byte becomes eight.
    let bomb = npy("|u1", false, &[140_000_000], &vec![0; 140_000_000]);
    let mut twice = npz(&[("rhs", f8(&[2, 1, 6], &[0.0; 12])), ("rhz", f8(&[2, 1, 6], &[0.0; 12]))]);
    for i in 0..twice.len() - 3 {
        if &twice[i..i + 3] == b"rhz" {
            twice[i + 2] = b's';
        }
    }
    let whole = npz(&members());
    vec![
        data("no c", changed("c", Vec::new()), &["D012", "case.npz", "`c`"]),
        data("no rhs", changed("rhs", Vec::new()), &["D012", "`rhs`"]),
        data("no h", changed("h", Vec::new()), &["D012", "`h`"]),
        data("c of four axes", member("c", &[2, 6, 1, 3], 1.0), &["D027", "`c`", "(2, 6, 1, 3)", "(B, E, T, D, K)"]),
        data("c of another batch", member("c", &[3, 1, 6, 1, 3], 1.0), &["D027", "`c`", "(2 or 1, 1, 6, D, K)"]),
        data("c of other steps", member("c", &[2, 1, 7, 1, 3], 1.0), &["D027", "`c`", "(2, 1, 7, 1, 3)"]),
        data(
            "rhs of other steps",
            member("rhs", &[2, 1, 7], 1.0),
            &["D027", "`rhs`", "(2, 1, 7)", "(B, 1, 6), since `c` is"],
        ),
        data(
            "rhs of another batch",
            member("rhs", &[1, 1, 6], 1.0),
            &["`rhs`", "(2, 1, 6), since `c` is (2, 1, 6, 1, 3)"],
        ),
        data(
            "rhs and c of other batches",
            npz(&[
                ("c", f8(&[2, 1, 3, 1, 1], &[1.0; 6])),
                ("rhs", f8(&[1, 1, 3], &[0.0; 3])),
                ("h", f8(&[2], &[0.1; 2])),
            ]),
            &["D027", "`c`", "expected (1, 1, 3, D, K), since `rhs` is (1, 1, 3)"],
        ),
        data("no arrays", npz(&[]), &["D004", "is empty", "numpy.savez"]),
        data("rhs of two axes", member("rhs", &[2, 6], 1.0), &["D027", "`rhs`", "(B, E, T)"]),
        data("iv of another state", member("iv", &[2, 1, 2, 2], 1.0), &["D027", "`iv`", "(2, Ti, 1, Ki)"]),
        data(
            "more initial values than derivatives",
            member("iv", &[2, 1, 1, 4], 1.0),
            &["D027", "`iv`", "Ki at most 3"],
        ),
        data("initial values beyond the end", member("iv", &[2, 7, 1, 2], 1.0), &["D027", "`iv`", "Ti at most 6"]),
        data("as many steps as samples", member("h", &[2, 6], 0.1), &["D027", "`h`", "(2, 5)", "6 steps"]),
        data("upstream of another shape", member("upstream", &[2, 6, 3], 0.1), &["D027", "`upstream`", "(2, 6, 1, 3)"]),
        data("upstream of the slack", member("upstream_eps", &[3], 0.1), &["D027", "`upstream_eps`", "(2,)"]),
        data(
            "no batch",
            npz(&[("c", f8(&[0, 1, 6, 1, 3], &[])), ("rhs", f8(&[0, 1, 6], &[])), ("h", f8(&[5], &[0.1; 5]))]),
            &["D027", "`c`", "where B is at least 1"],
        ),
        data(
            "too many derivatives",
            {
                npz(&[
                    ("c", f8(&[1, 1, 2, 1, 17], &[1.0; 34])),
                    ("rhs", f8(&[1, 1, 2], &[0.0; 2])),
                    ("h", f8(&[1], &[0.1])),
                ])
            },
            &["D027", "`c`", "where K is 1 to 16"],
        ),
        data("NaN", member("rhs", &[2, 1, 6], f64::NAN), &["D011", "`rhs`", "[0, 0, 0]", "NaN"]),
        data(
            "an infinite step",
            changed("h", f8(&[2, 5], &[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, f64::INFINITY, 0.1, 0.1, 0.1])),
            &["D011", "`h`", "[1, 1]", "inf"],
        ),
        Wrong {
            name: "steps that differ by state",
            archive: npz(&[
                ("c", f8(&[1, 1, 3, 2, 2], &[1.0; 12])),
                ("rhs", f8(&[1, 1, 3], &[0.0; 3])),
                ("h", f8(&[1, 2, 2], &[0.1, 0.1, 0.1, 0.2])),
            ]),
            args: &["--shared-steps"],
            code: 3,
            says: &["D030", "`h`", "0.2", "interval 1"],
        },
        data("objects", changed("c", npy("|O", false, &[2, 1, 6, 1, 3], &[0; 288])), &["D023", "`c`"]),
        data("text", changed("c", npy("<U4", false, &[2, 1, 6, 1, 3], &[0; 576])), &["D024", "`c`"]),
        data("an empty file", Vec::new(), &["D004", "case.npz"]),
        data("no archive", b"t,x,y\n".to_vec(), &["D028", "case.npz"]),
        data("cut off", whole[..whole.len() / 2].to_vec(), &["D028", "case.npz"]),
        data("an array twice", twice, &["D013", "`rhs`"]),
        data("a bomb", npz(&[("rhs", bomb)]), &["D020", "case.npz", "limit", "a part of the batch"]),
        data("a step that is no number", changed("h", f8(&[], &[f64::NAN])), &["D011", "case.npz: array `h` is NaN"]),
        Wrong {
            name: "right-hand sides beyond single precision",
            archive: member("rhs", &[2, 1, 6], 1e39),
            args: &["--dtype", "f32"],
            code: 5,
            says: &["N515", "`--dtype f64` or `mixed`"],
        },
        Wrong {
            name: "singular",
            archive: {
                let c: Vec<f64> = (0..36).map(|i| if i < 18 && i % 3 == 2 { 1.0 } else { 0.0 }).collect();
                npz(&[("c", f8(&[2, 1, 6, 1, 3], &c)), ("rhs", f8(&[2, 1, 6], &[0.0; 12])), ("h", f8(&[5], &[0.1; 5]))])
            },
            args: &[],
            code: 5,
            says: &["N515", "sample 0", "step", "state 0", "initial values"],
        },
        Wrong {
            name: "a matrix beyond the largest number",
            archive: member("c", &[1, 1, 6, 1, 3], 1e200),
            args: &[],
            code: 5,
            says: &["N515", "sample 0", "step 0", "state 0"],
        },
        Wrong {
            name: "a solution beyond the largest number",
            archive: member("rhs", &[2, 1, 6], 1e308),
            args: &["--weights", "100,1,1"],
            code: 5,
            says: &["N515", "solution", "sample 0", "step 0", "state 0"],
        },
        Wrong {
            name: "a batch that does not fit in memory",
            archive: npz(&[
                ("c", f8(&[1, 0, 100, 1, 3], &[])),
                ("rhs", f8(&[1 << 40, 0, 100], &[])),
                ("h", f8(&[], &[0.1])),
            ]),
            args: &[],
            code: 4,
            says: &["N014", "memory", "1099511627776 systems"],
        },
        Wrong {
            name: "steps that do not fit in memory",
            archive: npz(&[
                ("c", f8(&[1, 0, 1 << 40, 1, 3], &[])),
                ("rhs", f8(&[1, 0, 1 << 40], &[])),
                ("h", f8(&[], &[0.1])),
            ]),
            args: &[],
            code: 4,
            says: &["N014", "memory", "solving 1 system of 3298534883328 unknowns", "fewer steps, or `--dtype f32`"],
        },
        Wrong {
            name: "more steps than can be counted in bytes",
            archive: npz(&[
                ("c", f8(&[1, 0, 1 << 52, 1, 3], &[])),
                ("rhs", f8(&[1, 0, 1 << 52], &[])),
                ("h", f8(&[], &[0.1])),
            ]),
            args: &[],
            code: 4,
            says: &["N014", "overflow"],
        },
        data(
            "a weight for each system",
            member("weight_equation", &[2, 6], 1.0),
            &["D027", "`weight_equation`", "(1, 6)"],
        ),
        data(
            "a weight without initial values",
            {
                let mut members = members();
                members.retain(|m| m.0 != "iv");
                members.push(("weight_initial", f8(&[1, 1], &[1.0])));
                npz(&members)
            },
            &["D027", "`weight_initial`", "(0, 1), since there is no `iv`", "add `iv`, or leave the array out"],
        ),
        data("a weight that is not finite", member("weight_smooth", &[5, 1], f64::NAN), &["D011", "`weight_smooth`"]),
        data(
            "no state",
            npz(&[("c", f8(&[1, 1, 2, 0, 3], &[])), ("rhs", f8(&[1, 1, 2], &[0.0; 2])), ("h", f8(&[], &[0.1]))]),
            &["D027", "`c`", "where D is at least 1"],
        ),
        data(
            "no step",
            npz(&[("c", f8(&[1, 1, 0, 1, 3], &[])), ("rhs", f8(&[1, 1, 0], &[])), ("h", f8(&[], &[0.1]))]),
            &["D027", "`c`", "where T is at least 1"],
        ),
        data(
            "no derivative",
            npz(&[("c", f8(&[1, 1, 2, 1, 0], &[])), ("rhs", f8(&[1, 1, 2], &[0.0; 2])), ("h", f8(&[], &[0.1]))]),
            &["D027", "`c`", "where K is 1 to 16"],
        ),
        Wrong {
            name: "two steps that close",
            archive: oscillator(2, 0.1, true),
            args: &["--periodic"],
            code: 3,
            says: &["D027", "where T is at least 3 with a periodic boundary"],
        },
        usage("central Hermite rows", &["--rows", "hermite", "--central"], &["N008", "Hermite"]),
        usage("a slack in Hermite rows", &["--rows", "hermite", "--slack"], &["N008", "`--slack`", "`--rows taylor`"]),
        data(
            "a step of zero",
            changed("h", f8(&[2, 5], &[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.0, 0.1, 0.1, 0.1])),
            &["D015", "sample 1, interval 1", "not positive"],
        ),
        data("a negative step", changed("h", f8(&[], &[-0.1])), &["D015", "all intervals", "-0.1"]),
        Wrong {
            name: "a gradient of no slack",
            archive: changed("upstream_eps", f8(&[2], &[1.0; 2])),
            args: &[],
            code: 2,
            says: &["N008", "`upstream_eps`", "--slack"],
        },
        usage("unknown rows", &["--rows", "spline"], &["spline", "hermite"]),
        usage("unknown dtype", &["--dtype", "f16"], &["f16", "mixed"]),
        usage("unknown method", &["--method", "lu"], &["lu", "qr"]),
        usage("alpha without slack", &["--alpha", "0.1"], &["N008", "`--alpha`", "add `--slack`"]),
        usage("gamma without slack", &["--gamma", "-2"], &["N008", "`--gamma`", "add `--slack`"]),
        usage("a negative weight", &["--weights", "1,-0.5,1"], &["N008", "-0.5 for the initial rows"]),
        usage("two negative weights", &["--weights", "-1,1,-1"], &["N008", "-1 for the equation rows"]),
        data(
            "a negative weight of an equation",
            changed("weight_equation", f8(&[1, 6], &[1.0, 1.0, 0.0, -0.5, 1.0, -2.0])),
            &["D034", "case.npz: the weight of equation 0, step 3 in array `weight_equation` is -0.5"],
        ),
        data(
            "a negative weight of a start",
            changed("weight_initial", f8(&[1, 1], &[-1e-3])),
            &["D034", "initial step 0, state 0 in array `weight_initial` is -0.001"],
        ),
        data(
            "a negative weight of an interval",
            changed("weight_smooth", f8(&[5, 1], &[1.0, 1.0, 1.0, 1.0, -1.0])),
            &["D034", "interval 4, state 0 in array `weight_smooth` is -1"],
        ),
        usage("two weights", &["--weights", "1,2"], &["three numbers"]),
        usage("a weight that is no number", &["--weights", "1,x,2"], &["not a number"]),
        usage("a weight without a square", &["--weights", "1e-200,1,1"], &["N008", "equation weight", "square"]),
        usage("a weight of a large square", &["--weights", "1e300,1,1"], &["N008", "1e154", "`--weights E,I,S`"]),
        usage(
            "a push beyond numbers",
            &["--slack", "--alpha", "1e200", "--gamma", "1e200"],
            &["N008", "`--alpha` and `--gamma`", "1.7e308"],
        ),
        usage("an infinite weight", &["--weights", "1,inf,2"], &["not finite"]),
        usage("no thread", &["--threads", "0"], &["--threads"]),
    ]
}

#[test]
fn what_is_wrong_is_named() {
    let mut wrong = Vec::new();
    for case in wrong_cases() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("case.npz"), &case.archive).expect("a written file");
        let mut args = vec!["solve", "case.npz", "--out", "result.npz"];
        args.extend(case.args);
        let output = mechc(folder.path(), &args);
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(case.code) {
            wrong.push(format!("{}: exit code {:?}, not {}\n{said}", case.name, output.status.code(), case.code));
        }
        let unsaid = case.says.iter().filter(|text| !said.contains(**text));
        wrong.extend(unsaid.map(|text| format!("{}: `{text}` is not said in\n{said}", case.name)));
        if !output.stdout.is_empty() || fs::read_dir(folder.path()).expect("a folder").count() != 1 {
            wrong.push(format!("{}: something is left behind", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn places_of_the_files_are_checked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = npz(&members());
    fs::write(folder.path().join("case.npz"), &archive).expect("a written file");
    let cases: [(&[&str], i32, &[&str]); 7] = [
        (&["solve", "none.npz", "--out", "r.npz"], 3, &["D001", "none.npz", "help: check the path.\n"]),
        (&["solve", "caze.npz", "--out", "r.npz"], 3, &["D001", "caze.npz", "help: did you mean `case.npz`?\n"]),
        (&["solve", ".", "--out", "r.npz"], 3, &["D003", "a regular .npz file"]),
        (&["solve", "case.npz", "--out", "r.csv"], 2, &["N006", "r.csv"]),
        (&["solve", "case.npz"], 2, &["--out"]),
        (&["solve", "case.npz", "--out", "./case.npz"], 2, &["N009", "case.npz"]),
        (&["solve", "case.npz", "--out", "no/r.npz"], 2, &["N016", "`no`"]),
    ];
    for (args, code, says) in cases {
        let output = mechc(folder.path(), args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(says.iter().all(|text| said.contains(text)), "{args:?}: {said}");
    }
    assert_eq!(fs::read(folder.path().join("case.npz")).expect("the case"), archive);
    let one =
        npz(&[("c", f8(&[1, 1, 3, 1, 1], &[1.0; 3])), ("rhs", f8(&[1, 1, 3], &[0.0; 3])), ("h", f8(&[], &[0.1]))]);
    fs::write(folder.path().join("one.npz"), one).expect("a written file");
    let said = mechc(folder.path(), &["solve", "one.npz", "--out", "r.npz"]).stderr;
    assert!(String::from_utf8_lossy(&said).contains("1 system of 3 unknowns in r.npz"));
}

#[test]
fn a_place_that_cannot_be_is_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("folder.npz")).expect("a folder");
    for (out, says) in [("folder.npz", "is a folder"), ("missing/result.npz", "`missing`")] {
        // There is no case either, and the place of the result is what is said.
        let output = mechc(folder.path(), &["solve", "case.npz", "--out", out]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains("N016") && said.contains(says), "{said}");
    }
}

#[test]
fn unknown_instructions_are_refused_by_every_command() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for args in [&["explain", "N017"] as &[&str], &["bench", "solve", "--batch", "1", "--repeat", "1"]] {
        for (value, code) in [("sse", 2), ("AVX2", 2), ("avx2", 0), ("", 0)] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_mechc"));
            let output = command.args(args).current_dir(folder.path()).env("MECHC_INSTRUCTIONS", value).output();
            let output = output.expect("mechc starts");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{value}: {said}");
            assert!(code == 0 || said.contains("N017") && said.contains("`avx2` or `portable`"), "{said}");
        }
    }
}

#[test]
fn a_misspelt_array_is_pointed_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut members = members();
    members.retain(|m| m.0 != "upstream");
    members.push(("upsteam", f8(&[2, 6, 1, 3], &[0.0; 36])));
    fs::write(folder.path().join("case.npz"), npz(&members)).expect("a written file");
    let output = mechc(folder.path(), &["solve", "case.npz", "--out", "result.npz"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("`upsteam`") && said.contains("`upstream`"), "{said}");
}

/// A start that weighs so little that the normal matrix loses it.
#[test]
fn what_is_solved_by_its_rows_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("case.npz"), oscillator(12, 0.01, true)).expect("written");
    for (more, told) in [(&[][..], true), (&["--method", "qr"], false)] {
        let args = [&["solve", "case.npz", "--out", "result.npz", "--weights", "1,1e-7,1"], more].concat();
        let output = mechc(folder.path(), &args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains("warning: rows were factored"), told, "{said}");
    }
}

#[test]
fn the_bench_says_what_it_measured() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sizes = ["--batch", "5", "--states", "2", "--orders", "3", "--equations", "1", "--steps", "7", "--repeat", "3"];
    for constant in [false, true] {
        let mut args = vec!["bench", "solve", "--threads", "1", "--json"];
        args.extend(sizes);
        args.extend(["--dtype", "f64", "--rows", "hermite", "--method", "qr"]);
        args.extend(constant.then_some("--constant-matrix"));
        let output = mechc(folder.path(), &args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let json: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        let numbers = [
            ("batch", 5),
            ("states", 2),
            ("orders", 3),
            ("equations", 1),
            ("steps", 7),
            ("repeats", 3),
            ("threads", 1),
        ];
        for (key, value) in numbers {
            assert_eq!(json[key], value, "{key}");
        }
        assert_eq!(json["constant_matrix"], constant);
        for (key, value) in [("dtype", "f64"), ("rows", "hermite"), ("method", "qr")] {
            assert_eq!(json[key], value, "{key}");
        }
        // Per system: c, rhs, iv of all derivatives (there are fewer equations than states), h, u, eps.
        let matrix = if constant { 56 + 6 } else { 5 * (56 + 6) };
        assert_eq!(json["forward_bytes"], 8 * (matrix + 5 * (7 + 8 + 56 + 1)));
        assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
        for key in ["forward_ms", "backward_ms"] {
            assert!(json[key].as_f64().is_some_and(|x| x > 0.0), "{json}");
        }
        args.retain(|a| *a != "--json");
        let table = mechc(folder.path(), &args);
        let text = String::from_utf8_lossy(&table.stdout);
        assert!(
            text.starts_with("5 systems of 7 steps, blocks of 8 (2 states, derivatives 0 to 3), 1 equation, ")
                && text.contains("forward")
                && text.contains("backward"),
            "{text}"
        );
    }
    for (args, code, says) in [
        (vec!["bench", "solve", "--orders", "0"], 2, "--orders"),
        (vec!["bench", "solve", "--batch", "0"], 2, "--batch"),
        (vec!["bench", "solve", "--batch", "4000000000", "--steps", "4000000000"], 4, "N014"),
    ] {
        let output = mechc(folder.path(), &args);
        assert_eq!(output.status.code(), Some(code));
        assert!(String::from_utf8_lossy(&output.stderr).contains(says));
    }
}

#[test]
fn gradients_of_single_precision_have_its_digits() {
    // The residuals that gradients are made of are rounding errors in single precision: 200 times too large here.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let steps = 50;
    let mut upstream = vec![0.0; steps * 4];
    upstream[30 * 4] = 1.0;
    let archive = npz(&[
        ("c", f8(&[1, 1, steps, 1, 4], &[1.1, 0.3, 1.0, 0.0].repeat(steps))),
        ("rhs", f8(&[1, 1, steps], &vec![0.0; steps])),
        ("iv", f8(&[1, 1, 1, 2], &[1.0, 0.0])),
        ("h", f8(&[], &[0.02])),
        ("upstream", f8(&[1, steps, 1, 4], &upstream)),
    ]);
    let keys = ["u", "grad_c", "grad_rhs", "grad_iv"];
    for rows in ["taylor", "hermite"] {
        let exact = solved(folder.path(), &archive, &["--rows", rows]);
        let copy = folder.path().join("exact.npz");
        fs::copy(exact, &copy).expect("a copy");
        let single = solved(folder.path(), &archive, &["--rows", rows, "--dtype", "f32"]);
        same(&copy, &single, &keys[..1], 5e-3);
        same(&copy, &single, &keys[1..], 1e-5);
    }
}

/// What is wrong with the solution of the bench's systems and its gradients.
fn bench_fails(sizes: [usize; 4], rows: RowSet, constant_matrix: bool) -> Option<String> {
    let [states, equations, highest, steps] = sizes;
    let bench = SolveBench {
        batch: 9,
        states,
        highest,
        equations,
        steps,
        scheme: Scheme { rows, ..Scheme::published() },
        constant_matrix,
        weights: true,
        threads: 1,
        repeat: Some(1),
    };
    let case = random_case(&bench);
    let problem = case.problem();
    let upstream = case.upstream.as_deref().expect("an upstream gradient");
    let largest = factor(&problem).and_then(|factor| {
        let solution = factor.solve(&problem)?;
        factor.adjoint(&problem, &solution, upstream, None, Wanted::ALL)?.check()?;
        // Further derivatives are as large as the irregular steps and random right-hand sides make them.
        let values = solution.u.iter().step_by(highest + 1);
        Ok(values.fold(0.0, |m: f64, x| m.max(x.abs())))
    });
    match largest {
        Ok(largest) if largest > 0.5 && largest < 1e3 => None,
        Ok(largest) => Some(format!("the largest value is {largest}")),
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn the_systems_of_the_bench_are_regular() {
    let mut wrong = Vec::new();
    for highest in 1..=8 {
        for (states, equations) in [(1, 1), (2, 2), (3, 3), (4, 4), (2, 1), (3, 2)] {
            for (steps, constant_matrix) in [(1, false), (4, false), (20, true), (60, false)] {
                // Without an equation for every state only Taylor rows determine it.
                let rows = [RowSet::Taylor, RowSet::Hermite];
                for rows in rows.into_iter().take(if states == equations { 2 } else { 1 }) {
                    let sizes = [states, equations, highest, steps];
                    let fails = bench_fails(sizes, rows, constant_matrix);
                    wrong.extend(fails.map(|why| format!("{sizes:?} {rows:?} {constant_matrix}: {why}")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Residuals of rows of large weight are smaller than rounding units of the solution: gradients of coefficients and steps, which are made of them, are right all the same.
#[test]
fn gradients_are_those_of_heavy_rows_too() {
    let c = "grad_c";
    let h = "grad_h";
    let weights = "--weights=0.18171252684139924,0.39082650409504704,0.15696491203438834";
    type Entries<'a> = &'a [(&'a str, usize, f64)];
    let cases: [(&str, &[&str], Entries); 3] = [
        (
            "equations",
            &[],
            &[
                (c, 46, -3.31052680327486e-2),
                (h, 1, -3.73289687069077e-3),
                (h, 3, -5.94691396517646e-1),
                (h, 4, 1.03411514386298),
            ],
        ),
        (
            "periodic",
            &["--periodic"],
            &[(h, 0, -2.12359471089342e2), (h, 2, 5.03672633681503), (h, 4, -2.66341414465157e1)],
        ),
        ("samples", &[weights], &[(c, 23, -6.54696040806133e-1), (c, 28, -3.19237408396043e-1)]),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for (name, more, entries) in cases {
        let input = fixtures().join(format!("heavy_rows_{name}.npz")).display().to_string();
        for (dtype, method) in [("f64", "normal"), ("f64", "qr"), ("mixed", "normal")] {
            let mut args = vec!["solve", &input, "--out", "result.npz", "--rows", "hermite", "--refinements", "2"];
            args.extend(["--dtype", dtype, "--method", method]);
            args.extend(more);
            let output = mechc(folder.path(), &args);
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            for &(key, at, exact) in entries {
                let (_, got) = array(&folder.path().join("result.npz"), key).expect(key);
                let e = (got[at] - exact).abs() / exact.abs();
                // Two corrections of the adjoint solution with the normal matrix leave up to 1e-7 of it open.
                assert!(e < 5e-7, "{name} {dtype} {method}: {key}[{at}] is {}, not {exact}", got[at]);
            }
        }
    }
}

/// Sums over rows, of which gradients of weights are made, may be much smaller than what is summed: every entry is right all the same, also those of weights
/// of the start and of smooth rows that hardly matter.
#[test]
fn gradients_of_weights_are_right_entry_by_entry() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, rows, weights) in [
        ("start", "hermite", "1,10000,1"),
        ("oscillator", "hermite", "1,1,1"),
        ("taylor", "taylor", "1,1,1"),
        ("each", "hermite", "1,1,1"),
    ] {
        let file = |end: &str| fixtures().join(format!("row_products_{name}{end}.npz"));
        let input = file("").display().to_string();
        for (dtype, method) in [("f64", "normal"), ("f64", "qr"), ("mixed", "normal")] {
            let mut args = vec!["solve", &input, "--out", "result.npz", "--refinements", "3", "--rows", rows];
            args.extend(["--weights", weights, "--dtype", dtype, "--method", method]);
            let output = mechc(folder.path(), &args);
            assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
            let keys = ["c", "rhs", "iv", "h", "weights", "weight_equation", "weight_initial", "weight_smooth"];
            let mut compared = 0;
            for key in keys.map(|key| format!("grad_{key}")) {
                let Some((_, exact)) = array(&file("_exact"), &key) else { continue };
                let (_, got) = array(&folder.path().join("result.npz"), &key).expect(&key);
                assert_eq!(got.len(), exact.len(), "{name} {key}");
                for (at, (got, exact)) in got.iter().zip(&exact).enumerate() {
                    let e = (got - exact).abs() / exact.abs();
                    assert!(e < 1e-9, "{name} {dtype} {method}: {key}[{at}] is {got}, not {exact}");
                }
                compared += 1;
            }
            assert!(compared >= 5, "{name}: {compared} arrays");
        }
    }
}

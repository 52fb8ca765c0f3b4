//! Parquet files as pyarrow writes them: every packing and encoding gives the same numbers, and no file, however broken, does harm.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{mechc, run_in};
use mechc::data::{ColumnMap, DataError, Dataset, Format, ReadSpec, read_bytes};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parquet").join(format!("{name}.parquet"))
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(path(name)).expect("a fixture")
}

fn spec(columns: &[&str]) -> ReadSpec {
    ReadSpec { time: Some("t".into()), ..ReadSpec::of(columns.iter().copied()) }
}

fn read(name: &str, spec: &ReadSpec) -> Result<Dataset, DataError> {
    read_bytes("run.parquet", &bytes(name), Format::Parquet, spec)
}

/// What `make.py` puts into a column.
fn expected(column: &str, i: usize) -> Option<f64> {
    let n = i as f64;
    match column {
        "x" => (i != 7).then(|| (0.1 * n).cos()),
        "single" => Some(0.5 * n),
        "count" => Some(3.0 * n - 20.0),
        "large" => Some(1e10 * n),
        "unsigned" => Some(4e9 + n),
        "flag" => Some(if i.is_multiple_of(3) { 1.0 } else { 0.0 }),
        "price" => Some(0.25 * n),
        other => panic!("{other}"),
    }
}

/// Three row groups; packed by each of the ways; with dictionaries and without; pages of both versions, many of them in a column.
#[test]
fn every_kind_of_file_gives_the_same_numbers() {
    let all = ["x", "single", "count", "large", "unsigned", "flag", "price"];
    let numbers = ["x", "single", "count", "large", "flag"];
    for name in ["snappy", "gzip", "zstd", "plain", "pages", "encoded"] {
        let columns = if name == "encoded" { &numbers[..] } else { &all[..] };
        let data = read(name, &spec(columns)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let [t] = data.trajectories.as_slice() else { panic!("{name}") };
        assert_eq!((t.len, t.t0, t.dt), (40, 0.0, 0.25), "{name}");
        for i in 0..40 {
            for (c, column) in columns.iter().enumerate() {
                let (found, wanted) = (t.value(i, c), expected(column, i));
                let close = match (found, wanted) {
                    (Some(a), Some(b)) => (a - b).abs() <= 1e-15 * b.abs(),
                    (a, b) => a == b,
                };
                assert!(close, "{name}: {column} at {i} is {found:?}, not {wanted:?}");
            }
        }
    }
}

#[test]
fn texts_and_numbers_tell_trajectories_apart() {
    for name in ["snappy", "plain"] {
        for (by, ids) in [("site", ["north", "south"]), ("flag", ["1", "0"])] {
            let spec = ReadSpec { trajectory: Some(by.into()), irregular: true, ..spec(&["count"]) };
            let data = read(name, &spec).unwrap_or_else(|e| panic!("{name}: {e}"));
            let found: Vec<&str> = data.trajectories.iter().map(|t| t.id.as_str()).collect();
            assert_eq!(found, ids);
            assert_eq!(data.samples(), 40);
        }
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let fails = |name: &str, spec: ReadSpec, code: &str, says: &str| {
        let error = read(name, &spec).expect_err(says);
        assert_eq!((error.code(), error.exit_code()), (code, 3), "{error}");
        assert!(error.to_string().contains(says), "`{says}` in {error}");
        assert!(!error.help().is_empty());
    };
    fails("brotli", spec(&["count"]), "D031", "column `t`: it is compressed by something else");
    fails("snappy", spec(&["when"]), "D032", "column `when` holds dates or times of day");
    fails("snappy", spec(&["site"]), "D032", "column `site` holds texts");
    fails("snappy", spec(&["pair.a"]), "D032", "column `pair.a` is nested");
    fails("snappy", spec(&["list.list.element"]), "D032", "is nested or a list");
    fails("snappy", spec(&["cuont"]), "D012", "has no column `cuont`");
    // Texts and dates are nothing that a state is read from.
    let two = read("snappy", &spec(&["speed", "level"])).expect_err("no such columns");
    assert!(two.to_string().contains("has no columns `speed`, `level`"), "{two}");
    let free = two.help().split("nothing reads").nth(1).expect("what is free").to_string();
    assert!(free.contains("`x`") && !free.contains("`site`") && !free.contains("`when`"), "{free}");
    fails("snappy", ReadSpec { time: None, ..spec(&["x"]) }, "D014", "times of the samples are not known");
    let input = ReadSpec { inputs: vec![ColumnMap::from("x")], ..spec(&["count"]) };
    fails("snappy", input, "D029", "row 7: column `x` is missing");
    fails("snappy", ReadSpec { max_bytes: 2000, ..spec(&["x"]) }, "D020", "more than the limit of 2000");
    let trajectory = ReadSpec { trajectory: Some("when".into()), ..spec(&["x"]) };
    fails("snappy", trajectory, "D032", "column `when`");
    let other = |bytes: &[u8]| read_bytes("run.parquet", bytes, Format::Parquet, &spec(&["x"])).expect_err("no file");
    assert_eq!(other(b"").code(), "D004");
    for junk in [&b"t,x\n0,1\n"[..], b"PAR1", b"PAR1PAR1", b"PAR1\xff\xff\xff\xffPAR1", b"PAR1\x00\x00\x00\x00PAR1"] {
        assert_eq!(other(junk).code(), "D031", "{junk:?}");
    }
    assert!(other(b"PAR1\x00\x00\x00\x00PARE").to_string().contains("encrypted"));
}

/// Columns that may tell experiments apart are looked for whatever the limit has left behind what was read, one column at a time.
#[test]
fn experiments_are_found_within_the_limit() {
    let fails = |max_bytes: u64| {
        let spec = ReadSpec { max_bytes, ..spec(&["x", "y"]) };
        read("experiments", &spec).expect_err("times that start again")
    };
    // The least with which the columns are read.
    let limit = (1..100_000).find(|limit| fails(*limit).code() != "D020").expect("a limit");
    let error = fails(limit);
    assert_eq!(error.code(), "D016", "{error}");
    assert!(error.help().contains("`run` tells them apart (or `k`, which may do that too)"), "{}", error.help());
    // Times that go on tell nothing apart.
    let error = read("snappy", &spec(&["speed", "level"])).expect_err("no such columns");
    assert!(!error.help().contains("trajectory"), "{}", error.help());
}

/// Cut anywhere and with any byte changed, a file is read or refused.
#[test]
fn broken_files_do_no_harm() {
    let columns = ["x", "count", "large", "flag"];
    for name in ["snappy", "gzip", "zstd", "pages", "encoded"] {
        let whole = bytes(name);
        let spec = ReadSpec { max_bytes: 1 << 20, ..spec(&columns) };
        let try_it = |bytes: &[u8]| read_bytes("run.parquet", bytes, Format::Parquet, &spec).map(|d| d.samples());
        for end in (0..whole.len()).step_by(5) {
            assert!(try_it(&whole[..end]).is_err(), "{name}, cut at {end}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= [0xff, 0x01, 0x80, 0x10, 0x04][at % 5];
            if let Ok(samples) = try_it(&bytes) {
                assert!(samples <= 40, "{name}: {samples}");
            }
        }
    }
}

/// From the command line: columns by name, a column from a formula, trajectories by a text.
#[test]
fn a_model_reads_a_parquet_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::copy(path("zstd"), folder.path().join("field.parquet")).expect("a copy");
    // `x` is the cosine of 0.4 t, with one sample missing.
    let model = "model Wave { state a order 2; a'' = ?linear(a) }
data field = parquet(\"field.parquet\") { time t; a = 2*x }
fit Wave to field
";
    let ran = run_in(&folder, model, &[]).ok();
    let record = ran.record();
    let found = record["equations"][0]["terms"][0]["coefficient"].as_f64().expect("a number");
    assert!((found + 0.16).abs() < 1e-6, "{found}");
    assert!(record["summary"].as_str().expect("a summary").contains("field.parquet"), "{}", record["summary"]);
    assert!(mechc(&folder, &["info", "m.mech", "--json"]).stdout.contains("\"parquet\""));
}

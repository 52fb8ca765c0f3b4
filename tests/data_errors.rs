//! Bad data: every fault is named with file, row, column, code, exit code and help. One snapshot shows them all.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use mechc::data::{Batches, ColumnMap, DataError, Dataset, Format, HoldOut, Noise, ReadSpec, Sampling, Trajectory};
use mechc::data::{read_bytes, read_files, simulate};
use npyz::zip::write::{FileOptions, ZipWriter};
use npyz::zip::{CompressionMethod, DateTime};

/// Times and x, y in nine rows of csv, with one line replaced.
fn csv_with(line: usize, text: &str) -> Vec<u8> {
    let mut lines = vec!["t,x,y".to_owned()];
    lines.extend((0..9).map(|i| format!("0.{i},{i},{}", i * i)));
    lines[line - 1] = text.to_owned();
    lines.join("\n").into_bytes()
}

fn spec() -> ReadSpec {
    ReadSpec { time: Some("t".into()), ..ReadSpec::of(["x", "y"]) }
}

fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    npy_header(&format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"), data)
}

fn npy_header(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn f8(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn column(values: &[f64]) -> Vec<u8> {
    npy("'<f8'", "False", &format!("({},)", values.len()), &f8(values))
}

fn npz(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options =
        FileOptions::default().compression_method(CompressionMethod::Deflated).last_modified_time(DateTime::default());
    for (name, bytes) in members {
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Replaces all occurrences of `from` by `to` of the same length: what no honest writer would write.
fn forge(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..=bytes.len() - from.len()).filter(|&i| bytes[i..].starts_with(from)).collect();
    assert!(!places.is_empty(), "the forged bytes are not there");
    for i in places {
        bytes[i..i + to.len()].copy_from_slice(to);
    }
    bytes
}

fn show(out: &mut String, name: &str, result: Result<Dataset, DataError>) {
    let error = result.expect_err(name);
    writeln!(out, "# {name}\n{} (exit {}): {error}\n  help: {}\n", error.code(), error.exit_code(), error.help())
        .unwrap();
}

#[test]
fn workbooks_are_told_from_text() {
    let names = ["xlsx", "XLS", "ods"].map(|ending| format!("run.{ending}"));
    let unknown = names.map(|file| DataError::UnknownFormat { file });
    let packed = [&b"PK\x03\x04\x14\0\xff\xfe"[..], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0"].map(|bytes| {
        let error = read_bytes("run.csv", bytes, Format::Csv, &spec()).expect_err("no text");
        assert_eq!((error.code(), error.exit_code()), ("D007", 3));
        assert!(error.to_string().contains("Excel workbook"), "{error}");
        error
    });
    for error in unknown.into_iter().chain(packed) {
        assert!(error.help().contains("save the sheet with the data as CSV"), "{error}: {}", error.help());
    }
    let other = DataError::UnknownFormat { file: "run.dat".into() };
    assert!(!other.help().contains("sheet"));
}

#[test]
fn bad_csv() {
    let mut out = String::new();
    let mut case = |name: &str, bytes: &[u8], spec: &ReadSpec| {
        show(&mut out, name, read_bytes("run.csv", bytes, Format::Csv, spec));
    };
    let with = |change: fn(&mut ReadSpec)| {
        let mut spec = spec();
        change(&mut spec);
        spec
    };
    case("empty", b"", &spec());
    case("white space only", b" \r\n\n", &spec());
    case("header only", b"t,x,y\n", &spec());
    case("no header", b"0,1,2\n1,2,3\n", &spec());
    case("not utf-8", b"t,x,y\n0,1,2\n1,\xff,2\n", &spec());
    case("utf-16", b"\xff\xfet\x00,\x00x\x00", &spec());
    case("short row", &csv_with(4, "0.2,1"), &spec());
    case("long row", &csv_with(4, "0.2,1,2,3"), &spec());
    case("text", &csv_with(5, "0.3,1,high"), &spec());
    case("decimal comma", &csv_with(5, "0.3,\"1,5\",2"), &spec());
    case("decimal commas between commas", b"t,x,y\n0,0,1,5,2\n", &spec());
    case("decimal commas between semicolons", b"t;x;y\n0;1,5;2\n", &spec());
    case("thousands", &csv_with(5, "0.3,\"1,234,567\",2"), &spec());
    case("units below the header", &csv_with(2, "s,km,km/h"), &spec());
    case("units below some columns", &csv_with(2, "s,,km"), &spec());
    case("date", &csv_with(2, "2021-03-01,1,2"), &spec());
    case("date and time of day", &csv_with(3, "2021-03-01T12:30:00Z,1,2"), &spec());
    case("date with points", &csv_with(3, "1.3.2021,1,2"), &spec());
    case("time of day", &csv_with(3, "12:30,1,2"), &spec());
    case("two separators", b"t;x,y\n0;1,2\n", &spec());
    case("bars", b"t|x|y\n0|1|2\n", &spec());
    case("blanks", b"t  x  y\n0  1  2\n", &spec());
    case("comment and no header", b"# made by hand\n0,1,2\n1,2,3\n", &spec());
    case("comments alone", b"# made by hand\n# t,x,y\n", &spec());
    case("text behind comments", b"# made by hand\n# t,x,y\n\n0,1,2\n1,high,3\n", &spec());
    case("comment of a file that blanks separate", b"# t x y\n0 1 2\n1 2 3\n", &spec());
    case("comment between rows", b"t,x,y\n0,1,2\n# 1,2,3\n2,3,4\n", &spec());
    case("column missing in a comment", b"# t,z,y\n0,1,2\n1,2,3\n", &spec());
    case("unclosed quote", &csv_with(5, "0.3,1,\"5"), &spec());
    case("empty cell", &csv_with(5, "0.3,,2"), &spec());
    case("nan", &csv_with(6, "0.4,NaN,2"), &spec());
    case("infinity", &csv_with(6, "0.4,-inf,2"), &spec());
    case("beyond f64", &csv_with(6, "0.4,1e999,2"), &spec());
    case("missing token in the time column", &csv_with(6, "NA,1,2"), &with(|s| s.missing = vec!["NA".into()]));
    case("wrong column, near", &csv_with(1, "t,xs,y"), &spec());
    case("wrong column, far", &csv_with(1, "t,pressure,y"), &spec());
    case("column with another name", &csv_with(2, "0,0,0"), &with(|s| s.columns = vec![ColumnMap::new("x", "hare")]));
    case("duplicate column", &csv_with(1, "t,x,x"), &spec());
    case("no time", &csv_with(2, "0,0,0"), &with(|s| s.time = None));
    case("negative step", &csv_with(2, "0,0,0"), &with(|s| (s.time, s.dt) = (None, Some(-0.1))));
    case(
        "column that a formula or a mapping names",
        &csv_with(2, "0,0,0"),
        &with(|s| s.columns = vec![ColumnMap::new("u", "prey"), "x".into()]),
    );
    case("column of an input", &csv_with(2, "0,0,0"), &with(|s| s.inputs = vec!["heat".into()]));
    case("column of trajectories", &csv_with(2, "0,0,0"), &with(|s| s.trajectory = Some("experiment".into())));
    case("one measured state of two", &csv_with(1, "t,conc (mg/L),y"), &spec());
    case("gap", &csv_with(10, "0.95,1,2"), &spec());
    case(
        "gap between times with rounding",
        b"t,x,y\n0,0,0\n0.1,1,2\n0.2,1,2\n0.30000000000000004,1,2\n19.5,1,2\n19.6,1,2\n19.7,1,2\n19.8,1,2\n",
        &spec(),
    );
    case("times that start again", &csv_with(7, "0,1,2"), &spec());
    case("times out of order", &csv_with(7, "0.25,1,2"), &spec());
    case("repeated time", &csv_with(7, "0.4,1,2"), &spec());
    case("too few", b"t,x,y\n0,1,2\n1,2,3\n", &spec());
    let short = with(|s| (s.trajectory, s.min_samples) = (Some("k".into()), 2));
    case("short trajectory", b"t,x,y,k\n0,1,2,a\n1,2,3,a\n0,1,2,b\n", &short);
    case("nothing observed", b"t,x,y\n0,1,-\n1,2,-\n", &with(|s| (s.missing, s.min_samples) = (vec!["-".into()], 2)));
    insta::assert_snapshot!(out);
}

#[test]
fn bad_npy() {
    let mut out = String::new();
    let spec = ReadSpec { dt: Some(0.1), ..ReadSpec::of(["x", "y"]) };
    let mut case = |name: &str, bytes: &[u8], spec: &ReadSpec| {
        show(&mut out, name, read_bytes("run.npy", bytes, Format::Npy, spec));
    };
    let data = f8(&[0.5; 20]);
    let good = npy("'<f8'", "False", "(10, 2)", &data);
    assert!(read_bytes("run.npy", &good, Format::Npy, &spec).is_ok());
    case("empty", b"", &spec);
    case("text", b"t,x,y\n0,1,2\n", &spec);
    case("cut in the header", &good[..30], &spec);
    case("cut in the data", &good[..good.len() - 3], &spec);
    case("trailing bytes", &[good.clone(), vec![0; 8]].concat(), &spec);
    case("version 9", &forge(good.clone(), b"NUMPY\x01", b"NUMPY\x09"), &spec);
    case("overflowing shape", &npy("'<f8'", "False", "(4294967296, 4294967296)", &data), &spec);
    case("overflowing shape with a zero", &npy("'<f8'", "False", "(0, 9223372036854775808, 4)", &[]), &spec);
    case("size beyond 64 bits", &npy("'<f8'", "False", "(99999999999999999999999999,)", &data), &spec);
    case("size times item overflows", &npy("'<f8'", "False", "(2305843009213693952,)", &[]), &spec);
    case("negative size", &npy("'<f8'", "False", "(-1, 2)", &data), &spec);
    case("objects", &npy("'|O'", "False", "(10, 2)", &data), &spec);
    case("records", &npy("[('x', '<f8')]", "False", "(10, 2)", &data), &spec);
    case("records of objects", &npy("[('x', '|O')]", "False", "(10, 2)", &data), &spec);
    case("text items", &npy("'<U8'", "False", "(10, 2)", &data), &spec);
    case("complex", &npy("'<c16'", "False", "(10,)", &data), &spec);
    case("nested", &npy_header(&"(".repeat(16_000), &[]), &spec);
    case("huge header", &[b"\x93NUMPY\x02\x00".as_slice(), &u32::MAX.to_le_bytes(), b"{"].concat(), &spec);
    let bytes = npy("'|u1'", "False", "(10000, 2)", &[1; 20_000]);
    let tight = ReadSpec { max_bytes: 100_000, ..spec.clone() };
    case("small items that grow", &bytes, &tight);
    case("not a dictionary", &npy_header("__import__('os').system('true')", &[]), &spec);
    case(
        "a key twice",
        &npy_header("{'shape': (2,), 'shape': (3,), 'descr': '<f8', 'fortran_order': False}", &[]),
        &spec,
    );
    case("without a shape", &npy_header("{'descr': '<f8', 'fortran_order': False}", &[]), &spec);
    case("one axis", &npy("'<f8'", "False", "(20,)", &data), &spec);
    case("three columns", &npy("'<f8'", "False", "(4, 3)", &f8(&[0.5; 12])), &spec);
    case("nan", &npy("'<f8'", "False", "(10, 2)", &f8(&[&[0.5; 7][..], &[f64::NAN], &[0.5; 12]].concat())), &spec);
    case("no samples", &npy("'<f8'", "False", "(0, 2)", &[]), &spec);
    case("no trajectories", &npy("'<f8'", "False", "(0, 10, 2)", &[]), &spec);
    insta::assert_snapshot!(out);
}

#[test]
fn bad_npz() {
    let mut out = String::new();
    let spec = ReadSpec { max_bytes: 100_000, ..ReadSpec::of(["x", "y"]) };
    let mut case = |name: &str, bytes: &[u8]| show(&mut out, name, read_bytes("run.npz", bytes, Format::Npz, &spec));
    let ramp: Vec<f64> = (0..10).map(|i| 0.1 * f64::from(i)).collect();
    let (t, x) = (column(&ramp), column(&[1.0; 10]));
    let of = |third: (&str, Vec<u8>)| npz(&[("t", t.clone()), ("x", x.clone()), third]);
    let good = of(("y", x.clone()));
    assert!(read_bytes("run.npz", &good, Format::Npz, &spec).is_ok());
    case("not a zip", b"PK but no archive");
    case("cut off", &good[..good.len() - 40]);
    case("duplicate member", &forge(of(("z", x.clone())), b"z.npy", b"x.npy"));
    case("missing array", &of(("Y1", x.clone())));
    case("no time", &npz(&[("time", t.clone()), ("x", x.clone()), ("y", x.clone())]));
    case("dt is an array", &npz(&[("dt", t.clone()), ("x", x.clone()), ("y", x.clone())]));
    case("dt is zero", &npz(&[("dt", npy("'<f8'", "False", "()", &f8(&[0.0]))), ("x", x.clone()), ("y", x.clone())]));
    case("lengths differ", &of(("y", column(&[1.0; 9]))));
    case("trajectories differ", &of(("y", npy("'<f8'", "False", "(2, 10)", &f8(&[1.0; 20])))));
    case(
        "samples before trajectories",
        &npz(&[("t", t.clone()), ("x", npy("'<f8'", "False", "(10, 2)", &f8(&[1.0; 20]))), ("y", x.clone())]),
    );
    case(
        "columns before samples",
        &npz(&[("t", t.clone()), ("data", npy("'<f8'", "False", "(2, 10)", &f8(&[1.0; 20])))]),
    );
    case("four axes", &of(("y", npy("'<f8'", "False", "(1, 1, 1, 10)", &f8(&[1.0; 10])))));
    case("objects", &of(("y", npy("'|O'", "False", "(10,)", b"\x80\x04."))));
    let gap = column(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.5]);
    case("unequal times", &npz(&[("t", gap), ("x", x.clone()), ("y", x.clone())]));
    case("time is nan", &npz(&[("t", column(&[f64::NAN; 8])), ("x", x.clone()), ("y", x.clone())]));
    case("bomb", &npz(&[("t", t.clone()), ("x", column(&vec![0.0; 1_000_000])), ("y", x.clone())]));
    let size = (x.len() as u32).to_le_bytes();
    case("the directory understates a length", &forge(good.clone(), &size, &(x.len() as u32 - 8).to_le_bytes()));
    case("the directory overstates a length", &forge(good.clone(), &size, &90_000u32.to_le_bytes()));
    let mut damaged = good;
    let checksum = damaged.windows(4).position(|w| w == b"PK\x01\x02").unwrap() + 16;
    damaged[checksum] ^= 1;
    case("checksum", &damaged);
    insta::assert_snapshot!(out);
}

/// All arrays that are missing are named at once, the times and families as what they are.
#[test]
fn missing_arrays_are_told_together() {
    let ramp: Vec<f64> = (0..10).map(|i| 0.1 * f64::from(i)).collect();
    let made = npz(&[("t", column(&ramp)), ("x_pos", column(&ramp)), ("temp", column(&ramp))]);
    let told = |spec: &ReadSpec| {
        let error = read_bytes("run.npz", &made, Format::Npz, spec).expect_err("missing arrays");
        assert_eq!((error.code(), error.exit_code()), ("D012", 3));
        format!("{error}; {}", error.help())
    };
    let two = told(&ReadSpec::of(["x", "temperature", "y"]));
    let edit =
        "if `x` is `x_pos`, `temperature` is `temp` and `y` was not measured, write `x = x_pos; temperature = temp`.";
    assert!(two.contains("has no arrays `x`, `temperature`, `y`; ") && two.contains(edit), "{two}");
    let when = told(&ReadSpec { time: Some("when".into()), ..ReadSpec::of(["x_pos"]) });
    assert!(when.contains("has no array `when`; ") && when.contains("`time ARRAY`"), "{when}");
    let map = |k: usize| ColumnMap { element: Some((k, 3)), ..ColumnMap::from(format!("u[{}]", k + 1).as_str()) };
    let of_family = told(&ReadSpec { columns: (0..3).map(map).collect(), ..ReadSpec::default() });
    assert!(of_family.contains("has no array `u`; ") && of_family.contains("`u = ARRAY`"), "{of_family}");
}

/// Whatever separates the cells, the header tells.
#[test]
fn cells_are_separated_by_commas_semicolons_or_tabs() {
    let rows = (0..9).map(|i| format!("{}|{i}|{}", f64::from(i) / 10.0, 2 * i));
    let text = |header: &str| std::iter::once(header.to_string()).chain(rows.clone()).collect::<Vec<_>>().join("\n");
    let read = |text: &str| read_bytes("run.csv", text.as_bytes(), Format::Csv, &spec()).expect("a table");
    let commas = read(&text("t|x|y").replace('|', ","));
    assert_eq!(commas.trajectories[0].value(8, 1), Some(16.0));
    for separator in [";", "\t", " ; "] {
        assert_eq!(read(&text("t|x|y").replace('|', separator)).trajectories, commas.trajectories, "{separator:?}");
    }
    // What stands in quotes separates nothing.
    let quoted = text("t|x|y|\"a;b;c;d;e\"").replace('|', ",").replace('\n', ",0\n").replacen(",0\n", "\n", 1) + ",0";
    assert_eq!(read(&quoted).trajectories, commas.trajectories);
}

#[test]
fn elements_of_a_family_are_one_array() {
    let map = |k: usize| ColumnMap { element: Some((k, 3)), ..ColumnMap::from(format!("u[{}]", k + 1).as_str()) };
    let spec = ReadSpec { columns: (0..3).map(map).collect(), dt: Some(0.1), ..ReadSpec::default() };
    let field: Vec<f64> = (0..30).map(f64::from).collect();
    let read = |bytes: &[u8]| read_bytes("run.npz", bytes, Format::Npz, &spec);
    let good = npz(&[("u", npy("'<f8'", "False", "(10, 3)", &f8(&field)))]);
    let data = read(&good).expect("an array with one axis for the elements");
    assert_eq!(data.trajectories[0].value(4, 2), Some(14.0));
    let two = npz(&[("u", npy("'<f8'", "False", "(2, 10, 3)", &f8(&[field.clone(), field.clone()].concat())))]);
    let data = read(&two).expect("trajectories come first");
    assert_eq!((data.trajectories.len(), data.trajectories[1].value(1, 0)), (2, Some(3.0)));
    // An element's own array counts more than the family's.
    let own = npz(&[("u", npy("'<f8'", "False", "(10, 3)", &f8(&field))), ("u[2]", column(&[7.0; 10]))]);
    assert_eq!(read(&own).expect("both").trajectories[0].value(0, 1), Some(7.0));
    let narrow = npz(&[("u", npy("'<f8'", "False", "(10, 2)", &f8(&[0.0; 20])))]);
    let error = read(&narrow).expect_err("too few elements").to_string();
    assert!(error.contains("3 elements"), "{error}");
    for (shape, swapped) in [("(3, 10)", true), ("(3, 2, 5)", true), ("(4, 8)", false)] {
        let length = shape.split(['(', ',', ')']).filter_map(|n| n.trim().parse::<usize>().ok()).product();
        let array = npz(&[("u", npy("'<f8'", "False", shape, &f8(&vec![0.0; length])))]);
        let error = read(&array).expect_err("axes in another order");
        assert_eq!((error.code(), error.to_string().contains("swapped")), ("D027", swapped), "{shape}: {error}");
    }
}

#[test]
fn bad_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("folder.csv")).unwrap();
    std::fs::write(at("lorenz.csv"), csv_with(2, "0,0,0")).unwrap();
    std::fs::write(at("run.xlsx"), b"PK").unwrap();
    let mut out = String::new();
    for (name, path, limit) in [
        ("missing", at("lorentz.csv"), 1 << 30),
        ("missing, nothing like it", at("hares.npz"), 1 << 30),
        ("a file as a folder", at("lorenz.csv").join("x.csv"), 1 << 30),
        ("a directory", at("folder.csv"), 1 << 30),
        ("a device that never ends", "/dev/zero".into(), 1 << 30),
        ("too large", at("lorenz.csv"), 10),
        ("another format", at("run.xlsx"), 1 << 30),
    ] {
        let spec = ReadSpec { max_bytes: limit, ..spec() };
        let format = path.starts_with("/dev").then_some(Format::Csv);
        show(&mut out, name, read_files(&[path], format, &spec));
    }
    show(&mut out, "no file", read_files::<&str>(&[], None, &spec()));
    let text = out.replace(&folder.path().display().to_string(), "DIR");
    insta::assert_snapshot!(text);
}

#[test]
#[cfg(target_os = "linux")]
fn an_unreadable_file_is_the_environments_fault() {
    // Reading this file at address 0 fails whoever asks.
    let error = read_files(&["/proc/self/mem"], Some(Format::Csv), &spec()).unwrap_err();
    assert_eq!((error.code(), error.exit_code(), error.is_environment()), ("D002", 4, true));
}

#[test]
fn bad_settings() {
    let values: Vec<f64> = (0..10).map(f64::from).collect();
    let t = Trajectory { dt: 1.0, len: 10, valid: vec![true; 10], values, ..Trajectory::default() };
    let data = Dataset { source: "run".into(), columns: vec!["x".into()], inputs: vec![], trajectories: vec![t] };
    let mut out = String::new();
    let mut case = |name: &str, error: Option<DataError>| {
        show(&mut out, name, error.map_or(Ok(data.clone()), Err));
    };
    for fraction in [0.0, 1.0, -0.5, f64::NAN, 0.05, 0.95] {
        case(&format!("hold out {fraction}"), data.hold_out(HoldOut::Time(fraction)).err());
    }
    let half = HoldOut::Trajectories { fraction: 0.5, seed: 1 };
    case("hold out the only trajectory", data.hold_out(half).err());
    case("window too long", data.windows(11, 1).err());
    case("window of zero", data.windows(0, 1).err());
    case("stride of zero", data.windows(5, 0).err());
    case("batch of zero", Batches::new(10, 0, 1).err());
    for noise in [Noise::Relative(-0.1), Noise::Absolute(f64::INFINITY)] {
        case(&format!("noise {noise:?}"), data.clone().add_noise(noise, 1).err());
    }
    let observed = [("x".to_owned(), 0)];
    let mut run = |name: &str, sampling: Sampling, u0: f64, f: fn(f64) -> f64| {
        let error = simulate(&mut |_, u, d| d[0] = f(u[0]), &[u0], &observed, &sampling).err();
        case(name, error);
    };
    let sampling = Sampling { dt: 0.1, samples: 100, ..Sampling::default() };
    run("dt of zero", Sampling { dt: 0.0, ..sampling.clone() }, 1.0, |u| u);
    run("one step", Sampling { samples: 1, ..sampling.clone() }, 1.0, |u| u);
    run("too many steps for memory", Sampling { samples: usize::MAX, ..sampling.clone() }, 1.0, |u| u);
    run("initial value nan", sampling.clone(), f64::NAN, |u| u);
    run("outside the domain at once", sampling.clone(), -1.0, f64::sqrt);
    run("growth beyond f64", Sampling { dt: 100.0, ..sampling.clone() }, 1.0, |u| u);
    insta::assert_snapshot!(out);
}

#[test]
fn a_solution_that_runs_to_infinity_stops_at_its_pole() {
    // u' = u^2 from 1 has its pole at t = 1.
    let sampling = Sampling { dt: 0.1, samples: 100, ..Sampling::default() };
    let error = simulate(&mut |_, u, d| d[0] = u[0] * u[0], &[1.0], &[("u".into(), 0)], &sampling).unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("D051", 5));
    let DataError::Simulation(error) = error else { panic!("{error}") };
    assert!((error.time() - 1.0).abs() < 1e-6, "{error}");
}

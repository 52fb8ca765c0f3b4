//! Good data: what is accepted, what comes out, and the accuracy of simulated trajectories.

use mechc::data::{
    Batches, ColumnMap, Dataset, Format, HoldOut, Noise, ReadSpec, Sampling, Tolerance, Trajectory, integrate,
    read_bytes, read_files, simulate,
};

fn lorenz(_: f64, u: &[f64], d: &mut [f64]) {
    d[0] = 10.0 * (u[1] - u[0]);
    d[1] = u[0] * (28.0 - u[2]) - u[1];
    d[2] = u[0] * u[1] - 8.0 / 3.0 * u[2];
}

fn lorenz_data(samples: usize) -> Dataset {
    let sampling = Sampling { samples, ..Sampling::default() };
    let names = [("x".into(), 0), ("y".into(), 1), ("z".into(), 2)];
    let t = simulate(&mut lorenz, &[1.0, 1.0, 1.0], &names, &sampling).unwrap();
    Dataset {
        source: "simulated".into(),
        columns: ["x", "y", "z"].map(String::from).to_vec(),
        inputs: vec![],
        trajectories: vec![t],
    }
}

fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let flag = if fortran { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {flag}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

#[test]
fn csv_in_all_its_dialects() {
    let text = "\u{feff}year, hare ,lynx,rain,site\r\n1900,30,4,0.5,a\r\n1901, 47.2 ,NA,0.6,a\r\n\r\n\
                1900,1e1,\"5\",0.7,b\r\n1901,na,6,0.8,b\r\n";
    let spec = ReadSpec {
        columns: vec![ColumnMap::new("u", "hare"), ColumnMap::new("w", "lynx")],
        inputs: vec!["rain".into()],
        time: Some("year".into()),
        trajectory: Some("site".into()),
        missing: vec!["NA".into()],
        min_samples: 2,
        ..ReadSpec::default()
    };
    let data = read_bytes("hares.csv", text.as_bytes(), Format::Csv, &spec).unwrap();
    assert_eq!(data.columns, ["u", "w"]);
    assert_eq!(data.trajectories.len(), 2);
    let (a, b) = (&data.trajectories[0], &data.trajectories[1]);
    assert_eq!((a.id.as_str(), a.t0, a.dt, a.len), ("a", 1900.0, 1.0, 2));
    assert_eq!((a.value(1, 0), a.value(1, 1)), (Some(47.2), None));
    assert_eq!((b.value(0, 0), b.value(0, 1), b.value(1, 0)), (Some(10.0), Some(5.0), None));
    assert_eq!(b.inputs, [0.7, 0.8]);
    assert_eq!((data.common_dt(), data.has_missing(), data.samples()), (Some(1.0), true, 4));
    let stats = data.stats(0);
    assert_eq!((stats.count, stats.min, stats.max), (3, 10.0, 47.2));
}

/// Comments before all other lines, as spreadsheets and `numpy.savetxt` write them.
#[test]
fn csv_with_comments_at_its_start() {
    let spec = ReadSpec { time: Some("t".into()), min_samples: 2, ..ReadSpec::of(["x", "y"]) };
    let plain = read_bytes("a.csv", b"t,x,y\n0,1,2\n1,3,4\n", Format::Csv, &spec).unwrap();
    for text in [
        "# made by hand\nt,x,y\n0,1,2\n1,3,4\n",
        "#a,b,c\n\n# more\r\nt;x;y\n0;1;2\n1;3;4\n",
        "# t,x,y\n0.0e+00,1.0e+00,2.0e+00\n1.0e+00,3.0e+00,4.0e+00\n",
        "# made by hand, and with care\n#t,x,y\n0,1,2\n1,3,4\n",
        "\u{feff}# t\tx\ty\n0\t1\t2\n1\t3\t4\n",
        "# t,x\nt,x,y\n0,1,2\n1,3,4\n",
    ] {
        let data = read_bytes("a.csv", text.as_bytes(), Format::Csv, &spec).unwrap();
        assert_eq!((&data.columns, &data.trajectories), (&plain.columns, &plain.trajectories), "{text}");
    }
    // Only what is read has to be a number, and a column may be called so.
    for text in ["#run,t,x,y,note\nr1,0,1,2,first\nr1,1,3,4,-\n", "# t,x,y,note\n0,1,2,first\n1,3,4,\n"] {
        let column = text.starts_with("#run").then(|| "#run".to_string());
        let spec = ReadSpec { trajectory: column, ..spec.clone() };
        let data = read_bytes("a.csv", text.as_bytes(), Format::Csv, &spec).unwrap();
        assert_eq!(data.trajectories[0].values, plain.trajectories[0].values, "{text}");
    }
    let named = ReadSpec { time: Some("#t".into()), ..spec };
    for text in ["#t,x,y\n0,1,2\n1,3,4\n", "#t,x,y\n0,1,2\n1,NA,4\n"] {
        let named = ReadSpec { missing: vec!["NA".into()], ..named.clone() };
        assert!(read_bytes("a.csv", text.as_bytes(), Format::Csv, &named).is_ok(), "{text}");
    }
}

#[test]
fn printed_times_may_be_rounded() {
    // A step of 1/30 printed with six digits is uniform; with two digits it is not.
    let table = |digits: usize| {
        let rows: String = (0..60).map(|i| format!("{:.digits$},1\n", f64::from(i) / 30.0)).collect();
        format!("t,x\n{rows}")
    };
    let spec = ReadSpec { time: Some("t".into()), ..ReadSpec::of(["x"]) };
    let data = read_bytes("a.csv", table(6).as_bytes(), Format::Csv, &spec).unwrap();
    assert!((data.trajectories[0].dt - 1.0 / 30.0).abs() < 1e-7);
    let coarse = read_bytes("a.csv", table(2).as_bytes(), Format::Csv, &spec).unwrap_err();
    assert_eq!(coarse.code(), "D017");
    // Steps that differ by their last digit alone: what the step is likely to be is said.
    let few: String = (0..60).map(|i| format!("{:.4},1\n", 0.080321 * f64::from(i))).collect();
    let rounded = read_bytes("a.csv", format!("t,x\n{few}").as_bytes(), Format::Csv, &spec).unwrap_err();
    assert!(rounded.code() == "D017" && rounded.help().contains("write `dt 0.08032"), "{}", rounded.help());
}

#[test]
fn csv_round_trip_is_exact() {
    let mut data = lorenz_data(50);
    let second = data.trajectories[0].slice(20, 30);
    data.trajectories.push(second);
    data.trajectories[1].valid[4] = false;
    data.trajectories[1].values[4] = 0.0;
    let spec = ReadSpec {
        time: Some("t".into()),
        trajectory: Some("trajectory".into()),
        missing: vec![String::new()],
        ..ReadSpec::of(["x", "y", "z"])
    };
    let back = read_bytes("a.csv", data.to_csv().as_bytes(), Format::Csv, &spec).unwrap();
    for (a, b) in data.trajectories.iter().zip(&back.trajectories) {
        assert_eq!((&a.values, &a.valid), (&b.values, &b.valid));
        assert!((a.dt - b.dt).abs() < 1e-12 && (a.t0 - b.t0).abs() < 1e-12);
    }
}

/// Times of equal steps are written as they were meant: with no more digits than start and step have, and within rounding of them.
#[test]
fn written_times_are_short() {
    for (t0, dt) in [(0.0, 0.36), (36.0, 0.36), (0.0, 0.1), (-7.2, 0.05), (5.3, 0.0123), (0.0, 1.0 / 3.0)] {
        let t = Trajectory { t0, dt, len: 2000, ..Trajectory::default() };
        let short = dt != 1.0 / 3.0;
        let mut longest = 0;
        for i in 0..t.len {
            let written = t.written_time(i);
            let unit = 2.0 * f64::EPSILON * t0.abs().max(dt * i as f64).max(written.abs());
            assert!((written - t.time(i)).abs() <= unit, "{written} for {}", t.time(i));
            let text = written.to_string();
            assert_eq!(text.parse::<f64>(), Ok(written));
            longest = longest.max(text.trim_start_matches('-').len());
        }
        assert_eq!(longest <= 8, short, "{longest} digits from {t0} by {dt}");
    }
    let given = Trajectory { times: vec![0.0, 0.1 + 0.2], len: 2, ..Trajectory::default() };
    assert_eq!(given.written_time(1), 0.1 + 0.2, "times of a file stay");
    let data = Dataset {
        source: "made".into(),
        columns: vec![],
        inputs: vec![],
        trajectories: vec![Trajectory { dt: 0.36, len: 200, ..Trajectory::default() }],
    };
    assert!(data.to_csv().lines().any(|l| l == "47.52"), "132 steps of 0.36");
}

/// What stands for a missing sample is a number in some files, and is printed in several ways.
#[test]
fn numbers_that_stand_for_missing_samples_are_compared_as_numbers() {
    let text = "t,x\n-999.0,-999\n0,-999.0\n999,-9.99e2\n1998,-999.5\n";
    let spec = ReadSpec { time: Some("t".into()), missing: vec!["-999".into()], min_samples: 2, ..ReadSpec::of(["x"]) };
    let data = read_bytes("a.csv", text.as_bytes(), Format::Csv, &spec).unwrap();
    let seen: Vec<_> = (0..4).map(|i| data.trajectories[0].value(i, 0)).collect();
    assert_eq!((seen.as_slice(), data.trajectories[0].t0), ([None, None, None, Some(-999.5)].as_slice(), -999.0));

    let mut arrays = lorenz_data(10);
    arrays.trajectories[0].values[4] = -99.9;
    let spec = ReadSpec { missing: vec!["-99.90".into()], ..ReadSpec::of(["x", "y", "z"]) };
    let back = read_bytes("a.npz", &arrays.to_npz().unwrap(), Format::Npz, &spec).unwrap();
    assert_eq!(back.trajectories[0].valid.iter().filter(|valid| !**valid).count(), 1);
    assert_eq!(back.trajectories[0].value(1, 1), None);

    let spec = ReadSpec { inputs: vec!["x".into()], dt: Some(1.0), missing: vec!["2".into()], ..ReadSpec::of(["y"]) };
    let text = "x,y\n".to_string() + &"1,1\n".repeat(9) + "2.0,1\n";
    let refused = read_bytes("b.csv", text.as_bytes(), Format::Csv, &spec).unwrap_err();
    assert_eq!(refused.code(), "D029");
}

#[test]
fn npz_round_trip_is_exact() {
    let mut data = lorenz_data(40);
    data.add_noise(Noise::Relative(0.05), 3).unwrap();
    for several in [false, true] {
        if several {
            let mut other = data.trajectories[0].clone();
            other.values.reverse();
            other.valid[7] = false;
            other.values[7] = 0.0;
            data.trajectories.push(other);
        }
        let bytes = data.to_npz().unwrap();
        assert_eq!(bytes, data.to_npz().unwrap());
        let spec = ReadSpec { missing: vec!["nan".into()], ..ReadSpec::of(["x", "y", "z"]) };
        let back = read_bytes("a.npz", &bytes, Format::Npz, &spec).unwrap();
        assert_eq!(back.trajectories.len(), data.trajectories.len());
        for (a, b) in data.trajectories.iter().zip(&back.trajectories) {
            assert_eq!((&a.values, &a.valid, a.t0), (&b.values, &b.valid, b.t0));
        }
        let truth = ReadSpec::of(["x_true", "y_true", "z_true"]);
        let back = read_bytes("a.npz", &bytes, Format::Npz, &truth).unwrap();
        assert_eq!(Some(&back.trajectories[0].values), data.trajectories[0].truth.as_ref());
    }
}

#[test]
fn npy_of_every_type_and_order() {
    let spec = ReadSpec { dt: Some(0.5), min_samples: 2, ..ReadSpec::of(["x", "y"]) };
    let read = |bytes: Vec<u8>| read_bytes("a.npy", &bytes, Format::Npy, &spec).unwrap();
    let numbers = [1i16, -2, 3, 4, 5, 6];
    let want: Vec<f64> = numbers.iter().map(|&v| f64::from(v)).collect();
    let bytes = |f: &dyn Fn(i16) -> Vec<u8>| numbers.iter().flat_map(|&v| f(v)).collect::<Vec<u8>>();
    let cases: [(&str, Vec<u8>); 8] = [
        ("<f8", bytes(&|v| f64::from(v).to_le_bytes().to_vec())),
        (">f8", bytes(&|v| f64::from(v).to_be_bytes().to_vec())),
        ("<f4", bytes(&|v| f32::from(v).to_le_bytes().to_vec())),
        (">f4", bytes(&|v| f32::from(v).to_be_bytes().to_vec())),
        ("<i2", bytes(&|v| v.to_le_bytes().to_vec())),
        (">i4", bytes(&|v| i32::from(v).to_be_bytes().to_vec())),
        ("<i8", bytes(&|v| i64::from(v).to_le_bytes().to_vec())),
        ("|i1", bytes(&|v| (v as i8).to_le_bytes().to_vec())),
    ];
    for (descr, data) in cases {
        assert_eq!(read(npy(descr, false, "(3, 2)", &data)).trajectories[0].values, want, "{descr}");
        let fortran = read(npy(descr, true, "(3, 2)", &data));
        assert_eq!(fortran.trajectories[0].values, [1.0, 4.0, -2.0, 5.0, 3.0, 6.0], "{descr} in Fortran order");
    }
    // IEEE half precision: 1, -2, the largest, the smallest, 0.333251953125, zero.
    let halves: Vec<u8> = [0x3c00u16, 0xc000, 0x7bff, 0x0001, 0x3555, 0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let values = read(npy("<f2", false, "(3, 2)", &halves)).trajectories[0].values.clone();
    assert_eq!(values, [1.0, -2.0, 65504.0, 2.0f64.powi(-24), 0.333251953125, 0.0]);
    assert_eq!(read(npy("|b1", false, "(2, 2)", &[1, 0, 0, 1])).trajectories[0].values, [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(read(npy("<u8", false, "(2, 2)", &[0xff; 32])).trajectories[0].values, [u64::MAX as f64; 4]);
    let both = read(npy("|u1", false, "(2, 2, 2)", &[1, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(both.trajectories[1].values, [5.0, 6.0, 7.0, 8.0]);
    let swapped = read(npy("|u1", true, "(2, 2, 2)", &[1, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(swapped.trajectories[1].values, [2.0, 6.0, 4.0, 8.0]);
}

#[test]
fn damaged_files_are_errors_and_never_panics() {
    let data = lorenz_data(20);
    let (npz, csv) = (data.to_npz().unwrap(), data.to_csv().into_bytes());
    let spec = ReadSpec { time: Some("t".into()), ..ReadSpec::of(["x", "y", "z"]) };
    for (bytes, format) in [(npz, Format::Npz), (csv, Format::Csv)] {
        let whole = read_bytes("a", &bytes, format, &spec).unwrap();
        for cut in 0..bytes.len() {
            let _ = read_bytes("a", &bytes[..cut], format, &spec);
        }
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                if let Ok(read) = read_bytes("a", &damaged, format, &spec) {
                    assert_eq!(read.columns, whole.columns);
                    assert!(read.trajectories.iter().all(|t| t.values.iter().all(|v| v.is_finite())));
                    // A checksum guards each array, so what an archive still gives is what was written.
                    assert!(format == Format::Csv || read.trajectories[0].values == whole.trajectories[0].values);
                }
            }
        }
    }
}

#[test]
fn closed_forms_are_met() {
    // A harmonic oscillator over 20 periods.
    let period = std::f64::consts::TAU;
    let mut oscillator = |_: f64, u: &[f64], d: &mut [f64]| (d[0], d[1]) = (u[1], -u[0]);
    let u = integrate(&mut oscillator, &[0.0, 1.0], 0.0, period / 10.0, 201, &Tolerance::default()).unwrap();
    let worst = (0..201).map(|i| (u[2 * i] - (i as f64 * period / 10.0).sin()).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-9, "{worst:e}");
    // u' = -2 t u^2 has the solution 1/(1 + t^2) from 1 at 0; time enters explicitly.
    let mut bell = |t: f64, u: &[f64], d: &mut [f64]| d[0] = -2.0 * t * u[0] * u[0];
    let u = integrate(&mut bell, &[1.0], 0.0, 0.37, 30, &Tolerance::default()).unwrap();
    let worst = (0..30).map(|i| (u[i] - 1.0 / (1.0 + (i as f64 * 0.37).powi(2))).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-9, "{worst:e}");
}

#[test]
fn the_method_has_order_eight() {
    // One step per sample (a tolerance that accepts all): halving it must divide the error by about 2^8.
    let loose = Tolerance { relative: 1e3, absolute: 1e3, max_steps: 10 };
    let oscillator = |_: f64, u: &[f64], d: &mut [f64]| (d[0], d[1]) = (u[1], -u[0]);
    let error = |n: usize| {
        let dt = 4.0 / n as f64;
        let mut calls = 0;
        let mut counted = |t: f64, u: &[f64], d: &mut [f64]| {
            calls += 1;
            oscillator(t, u, d);
        };
        let u = integrate(&mut counted, &[0.0, 1.0], 0.0, dt, n + 1, &loose).unwrap();
        assert!(calls <= 12 * (n + 4) + 1, "{calls} evaluations in {n} steps");
        (u[2 * n] - 4.0f64.sin()).abs().max((u[2 * n + 1] - 4.0f64.cos()).abs())
    };
    let order = (error(8) / error(16)).log2();
    assert!((7.5..9.0).contains(&order), "order {order}");
}

#[test]
fn tighter_tolerances_agree_with_the_default() {
    let tight = Tolerance { relative: 1e-13, absolute: 1e-13, ..Tolerance::default() };
    let u0 = [1.0, 1.0, 1.0];
    let a = integrate(&mut lorenz, &u0, 0.0, 0.01, 101, &Tolerance::default()).unwrap();
    let b = integrate(&mut lorenz, &u0, 0.0, 0.01, 101, &tight).unwrap();
    let worst = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-8, "{worst:e}");
    // The same whether sampled finely or coarsely, up to the tolerance.
    let coarse = integrate(&mut lorenz, &u0, 0.0, 0.1, 11, &Tolerance::default()).unwrap();
    let worst = (0..11).map(|i| (coarse[3 * i] - a[30 * i]).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-7, "{worst:e}");
}

#[test]
fn noise_has_the_size_that_was_asked_for_and_its_own_stream() {
    let clean = lorenz_data(4000);
    let mut noisy = clean.clone();
    noisy.add_noise(Noise::Relative(0.05), 1).unwrap();
    for c in 0..3 {
        let value = |d: &Dataset, i: usize| d.trajectories[0].values[3 * i + c];
        let differences: Vec<f64> = (0..4000).map(|i| value(&noisy, i) - value(&clean, i)).collect();
        let mean = differences.iter().sum::<f64>() / 4000.0;
        let rms = (differences.iter().map(|d| d * d).sum::<f64>() / 4000.0).sqrt();
        let sigma = 0.05 * clean.stats(c).std;
        // Five standard errors of the estimates from 4,000 normal numbers.
        assert!((rms / sigma - 1.0).abs() < 5.0 / 8000f64.sqrt(), "column {c}: {}", rms / sigma);
        assert!(mean.abs() < 5.0 * sigma / 4000f64.sqrt(), "column {c}: {mean}");
    }
    assert_eq!(noisy.trajectories[0].truth.as_ref(), Some(&clean.trajectories[0].values));
    let again = |seed: u64| {
        let mut data = clean.clone();
        data.add_noise(Noise::Relative(0.05), seed).unwrap();
        data
    };
    assert_eq!(again(1), noisy);
    assert_ne!(again(2), noisy);
    // A shorter run with the same seed has the same first draws: noise does not depend on the length.
    let (mut short, mut long) = (lorenz_data(10), lorenz_data(20));
    short.add_noise(Noise::Absolute(1.0), 1).unwrap();
    long.add_noise(Noise::Absolute(1.0), 1).unwrap();
    assert_eq!(short.trajectories[0].values[..], long.trajectories[0].values[..30]);
}

#[test]
fn noise_numbers_are_those_that_are_documented() {
    let mut data = lorenz_data(3);
    for t in &mut data.trajectories {
        t.values.fill(0.0);
    }
    data.add_noise(Noise::Absolute(1.0), 7).unwrap();
    insta::assert_snapshot!(format!("{:?}", data.trajectories[0].values));
}

#[test]
fn hold_outs_windows_and_batches() {
    let mut data = lorenz_data(100);
    let split = data.hold_out(HoldOut::Time(0.2)).unwrap();
    let (train, test) = (&split.train.trajectories[0], &split.test.trajectories[0]);
    assert_eq!((train.len, test.len, train.t0), (80, 20, 0.0));
    assert_eq!(test.t0, data.trajectories[0].time(80));
    assert_eq!(test.values, data.trajectories[0].values[240..]);
    assert_eq!(test.truth.as_ref().map(Vec::len), Some(60));

    let whole = data.trajectories[0].clone();
    data.trajectories = (0..10).map(|k| Trajectory { id: k.to_string(), ..whole.slice(k, 40 + k) }).collect();
    let by = |seed| data.hold_out(HoldOut::Trajectories { fraction: 0.3, seed }).unwrap();
    let ids = |d: &Dataset| d.trajectories.iter().map(|t| t.id.clone()).collect::<Vec<_>>();
    assert_eq!((ids(&by(1).train).len(), ids(&by(1).test).len()), (7, 3));
    assert!(ids(&by(1).train).iter().all(|id| !ids(&by(1).test).contains(id)));
    assert_eq!(by(1), by(1));
    assert!((2..20).any(|seed| ids(&by(seed).test) != ids(&by(1).test)));

    let windows = data.windows(40, 4).unwrap();
    assert!(windows.iter().all(|w| w.start + w.len <= data.trajectories[w.trajectory].len && w.start % 4 == 0));
    // Trajectory k has 40 + k samples, hence floor(k/4) + 1 windows.
    assert_eq!(windows.len(), (0..10).map(|k| k / 4 + 1).sum::<usize>());

    // What is counted is what is split.
    for how in [HoldOut::Time(0.2), HoldOut::Trajectories { fraction: 0.3, seed: 4 }] {
        let (fitted, split) = (data.fitted_samples(how).unwrap(), data.hold_out(how).unwrap());
        assert_eq!((fitted.len(), fitted.iter().sum::<usize>()), (10, split.train.samples()));
    }

    let batches = Batches::new(10, 4, 5).unwrap();
    assert_eq!((batches.per_epoch(), batches.epoch(0).len()), (3, 3));
    for epoch in 0..5 {
        let mut all: Vec<usize> = batches.epoch(epoch).concat();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    }
    assert_eq!(batches.order(3), batches.order(3));
    assert_ne!(batches.order(3), batches.order(4));
}

#[test]
fn statistics_of_parts_make_those_of_the_whole() {
    let data = lorenz_data(100);
    let (whole, t) = (data.stats(1), &data.trajectories[0]);
    let [nothing, first, second] = [t.slice(0, 0), t.slice(0, 30), t.slice(30, 70)].map(|part| part.stats(1));
    for both in [first.with(second), second.with(nothing).with(first), nothing.with(whole)] {
        assert_eq!((both.count, both.min, both.max), (whole.count, whole.min, whole.max));
        assert!((both.mean - whole.mean).abs() < 1e-12 && (both.std - whole.std).abs() < 1e-12);
    }
}

/// Squares of some numbers are no numbers, and those of others zero.
#[test]
fn statistics_of_numbers_of_any_size() {
    let of = |values: &[f64]| {
        let (len, valid) = (values.len(), vec![true; values.len()]);
        Trajectory { len, dt: 1.0, values: values.to_vec(), valid, ..Trajectory::default() }.stats(0)
    };
    let usual: Vec<f64> = lorenz_data(100).trajectories[0].values.clone();
    let mean = usual.iter().sum::<f64>() / 300.0;
    let std = (usual.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 300.0).sqrt();
    let stats = of(&usual);
    assert_eq!((stats.mean.to_bits(), stats.std.to_bits()), (mean.to_bits(), std.to_bits()));
    for (values, mean, std) in [
        (&[1e308, -1e308, 1e308, -1e308][..], 0.0, 1e308),
        (&[1.7e308, 1.7e308, 1.7e308, -1.7e308], 0.85e308, 1.7e308 * 0.75_f64.sqrt()),
        (&[f64::MAX, f64::MIN], 0.0, f64::MAX),
        (&[f64::MAX; 7], f64::MAX, 0.0),
        (&[3e-200, 1e-200], 2e-200, 1e-200),
        (&[1.0 + 3e-16, 1.0], 1.0, 1e-16),
        (&[1e-320, 0.0], 5e-321, 5e-321),
        (&[-0.0, -0.0], 0.0, 0.0),
    ] {
        let found = of(values);
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-15 * (values[0].abs() + 1e-305);
        assert!(near(found.mean, mean) && near(found.std, std) && (std == 0.0 || found.std > 0.0), "{found:?}");
        // Of parts, too.
        let parts = of(&values[..1]).with(of(&values[1..]));
        assert!(near(parts.mean, mean) && near(parts.std, std) && (std == 0.0 || parts.std > 0.0), "{parts:?}");
    }
}

/// A name may be the number that a trajectory without one would be called by.
#[test]
fn one_trajectory_without_a_name_stays_apart() {
    let rows = |id: &str| (0..8).map(|i| format!("{id},{i},{i}.5\n")).collect::<String>();
    let text = format!("id,t,x\n{}{}{}", rows("2"), rows("b"), rows(""));
    let spec = |id: &str| ReadSpec { time: Some("t".into()), trajectory: Some(id.into()), ..ReadSpec::of(["x"]) };
    let data = read_bytes("a.csv", text.as_bytes(), Format::Csv, &spec("id")).unwrap();
    let back = read_bytes("a.csv", data.to_csv().as_bytes(), Format::Csv, &spec("trajectory")).unwrap();
    assert_eq!(back, data);
}

#[test]
fn fingerprints_tell_data_apart() {
    let data = lorenz_data(20);
    let mut other = data.clone();
    other.source = "elsewhere.csv".into();
    assert_eq!(data.fingerprint(), other.fingerprint());
    other.trajectories[0].values[5] += 1e-13;
    assert_ne!(data.fingerprint(), other.fingerprint());
    let mut masked = data.clone();
    masked.trajectories[0].valid[5] = false;
    assert_ne!(data.fingerprint(), masked.fingerprint());
}

#[test]
fn files_are_put_together_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let data = lorenz_data(20);
    let (first, second) = (folder.path().join("b.csv"), folder.path().join("a.NPZ"));
    std::fs::write(&first, data.to_csv()).unwrap();
    std::fs::write(&second, data.to_npz().unwrap()).unwrap();
    let spec = ReadSpec { time: Some("t".into()), ..ReadSpec::of(["x", "y", "z"]) };
    let both = read_files(&[&first, &second], None, &spec).unwrap();
    let ids: Vec<&str> = both.trajectories.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(ids, ["b", "a"]);
    assert_eq!(both.trajectories[0].values, both.trajectories[1].values);
    assert!(both.source.contains("b.csv, ") && both.source.ends_with("a.NPZ"));
    assert_eq!(read_files(&[first], None, &spec).unwrap().trajectories[0].id, "");
}

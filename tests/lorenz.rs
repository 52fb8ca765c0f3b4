//! The accuracy of `examples/lorenz.mech`: support, errors and calibration over noise levels and seeds.

use mechc::driver::{RunOptions, Session};
use mechc::report::RunRecord;
use mechc::train::Silent;
use std::path::Path;

/// The true terms of the Lorenz system: equation, term, coefficient.
const TRUTH: [(&str, &str, f64); 7] = [
    ("x", "x", -10.0),
    ("x", "y", 10.0),
    ("y", "x", 28.0),
    ("y", "y", -1.0),
    ("y", "x*z", -1.0),
    ("z", "z", -8.0 / 3.0),
    ("z", "x*y", 1.0),
];

/// Standard error of the worst coefficient, y in y', relative, at 10 % noise, for an exact trajectory cut into windows of
/// 200 samples with free starts (the Cramer-Rao bound); it is proportional to the noise.
const BOUND_AT_TEN_PERCENT: f64 = 0.023;

fn run(example: &str, noise: &str, seed: u64, out: &Path) -> RunRecord {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example);
    let (mut session, name) = Session::open(&path).expect("the example opens");
    let options = RunOptions {
        overrides: vec![format!("run.noise={noise}"), format!("run.seed={seed}")],
        out: Some(out.to_path_buf()),
        threads: 2,
        ..RunOptions::default()
    };
    let outcomes = session
        .run(&name, &options, &mut Silent)
        .unwrap_or_else(|f| panic!("{}", f.render(session.sources(), mechc::diagnostics::Format::Short)));
    outcomes.into_iter().next().expect("one fit").record
}

/// Whether exactly the true terms were kept.
fn exact(record: &RunRecord) -> bool {
    let kept: Vec<(&str, &str)> =
        record.equations.iter().flat_map(|e| e.terms.iter().map(|t| (e.state.as_str(), t.term.as_str()))).collect();
    kept.len() == TRUTH.len() && TRUTH.iter().all(|(s, t, _)| kept.contains(&(s, t)))
}

/// For every true term: relative error, and error in standard errors.
fn errors(record: &RunRecord) -> Vec<(f64, f64)> {
    TRUTH
        .iter()
        .filter_map(|(state, term, truth)| {
            let equation = record.equations.iter().find(|e| e.state == *state)?;
            let found = equation.terms.iter().find(|t| t.term == *term)?;
            let error = found.coefficient - truth;
            Some(((error / truth).abs(), (error / found.std_error?).abs()))
        })
        .collect()
}

#[test]
fn exact_support_small_errors_and_calibrated_standard_errors() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut inside, mut all) = (0, 0);
    for (noise, limit) in [("0%", 1e-3), ("1%", 4e-3), ("5%", 1.6e-2), ("10%", 3.2e-2), ("25%", 8e-2)] {
        let mut worst = Vec::new();
        let mut squares = 0.0;
        for seed in 0..5 {
            let record = run("lorenz.mech", noise, seed, &folder.path().join(format!("{noise}-{seed}")));
            assert!(exact(&record), "noise {noise}, seed {seed}: {:?}", record.equations);
            let errors = errors(&record);
            worst.push(errors.iter().map(|e| e.0).fold(0.0, f64::max));
            squares += errors[3].0 * errors[3].0;
            if noise != "0%" {
                inside += errors.iter().filter(|e| e.1 <= 2.0).count();
                all += errors.len();
            }
        }
        worst.sort_by(f64::total_cmp);
        let level: f64 = noise.trim_end_matches('%').parse().expect("a number");
        let bound = BOUND_AT_TEN_PERCENT * level / 10.0;
        let rms = (squares / 5.0).sqrt();
        println!(
            "{noise:>4}: median {:.2e}, largest {:.2e}, y in y': rms {rms:.2e}, {:.2} of the bound",
            worst[2],
            worst[4],
            rms / bound
        );
        assert!(worst[2] <= limit, "noise {noise}: median of the largest errors {}", worst[2]);
    }
    let share = inside as f64 / all as f64;
    println!("within two standard errors: {share:.3} of {all}");
    assert!((0.85..=0.995).contains(&share), "{share} of the true values lie within two standard errors");
}

//! Records, rounding, text, pages and progress.

use std::time::Duration;

use super::escape::escape;
use super::html::report_html;
use super::*;

fn term(term: &str, coefficient: f64, std_error: impl Into<Option<f64>>) -> Term {
    Term { term: term.into(), coefficient, std_error: std_error.into(), unit: None, inside: Vec::new() }
}

/// Lorenz-like curves of the given length; not a solution of anything, but with its shape.
fn record(samples: usize) -> RunRecord {
    let equation = |state: &str, terms: Vec<Term>| Equation { state: state.into(), derivative: 1, unit: None, terms };
    let time: Vec<f64> = (0..samples).map(|i| 0.01 * i as f64).collect();
    let (mut x, mut y, mut z) = (-8.0, 7.0, 27.0);
    let mut states = ["x", "y", "z"].map(|s| StateRecord { state: s.into(), ..StateRecord::default() });
    for i in 0..samples {
        for _ in 0..10 {
            let h = 0.001;
            (x, y, z) = (x + h * 10.0 * (y - x), y + h * (x * (28.0 - z) - y), z + h * (x * y - 8.0 / 3.0 * z));
        }
        for (s, v) in states.iter_mut().zip([x, y, z]) {
            s.solution.push(v);
            s.data.push(if i % 97 == 5 { f64::NAN } else { v + 1.2 * ((i * 7919 % 1000) as f64 / 500.0 - 1.0) });
        }
    }
    RunRecord {
        model: "Lorenz".into(),
        summary: format!("{samples} samples of x, y and z at steps of 0.01, with 5 % noise"),
        seed: 7,
        wall_seconds: 0.84,
        equations: vec![
            equation("x", vec![term("x", -9.9981, 0.0123), term("y", 9.9973, 0.0107)]),
            equation("y", vec![term("x", 27.953, 0.081), term("y", -0.982, 0.021), term("x*z", -0.99871, 0.0015)]),
            equation("z", vec![term("z", -2.6651, 0.0036), term("x*y", 0.99961, 0.0013)]),
        ],
        plausible: vec![
            PlausibleTerm {
                state: "y".into(),
                term: "x^2".into(),
                coefficient: 0.0121,
                std_error: Some(0.0047),
                ..PlausibleTerm::default()
            },
            PlausibleTerm {
                state: "z".into(),
                term: "z".into(),
                side: Some("denominator".into()),
                coefficient: 0.121,
                std_error: Some(0.0047),
                significant: true,
                ..PlausibleTerm::default()
            },
        ],
        parameters: vec![Parameter {
            name: "tau".into(),
            value: 1.5e-7,
            std_error: Some(2e-9),
            ..Parameter::default()
        }],
        noise: ["x", "y", "z"]
            .map(|s| NoiseEstimate { state: s.into(), unit: None, std: 0.3951, relative: Some(0.0501) })
            .to_vec(),
        loss: (0..120)
            .map(|i| LossPoint {
                iteration: i,
                loss: 1e3 * (-0.1 * i as f64).exp() + 0.02,
                phase: if i < 80 { "fit" } else { "prune" }.into(),
            })
            .collect(),
        metrics: vec![Metric::new("RMSE of x", "held out", 0.40123).in_unit(Some("m".into()))],
        explained: [("x", 0.9975), ("z", 0.612)]
            .map(|(state, share)| StateShare { state: state.into(), share })
            .to_vec(),
        trajectories: vec![TrajectoryRecord {
            name: String::new(),
            time,
            states: states.to_vec(),
            held_out_from: Some(samples * 4 / 5),
        }],
        settings: vec![("run.noise".into(), "0.05".into()), ("fit.engine".into(), "joint".into())],
        versions: vec![("mechc".into(), "0.1.0".into())],
        warnings: vec!["the data are short".into()],
        ..RunRecord::default()
    }
}

#[test]
fn rounding_follows_the_standard_error() {
    let cases: [(f64, Option<f64>, &str, &str); 25] = [
        (-9.9981, Some(0.0123), "9.998(12)", "-9.998 ± 0.012"),
        (27.953, Some(0.081), "27.953(81)", "27.953 ± 0.081"),
        (1.0, Some(0.0996), "1.00(10)", "1.00 ± 0.10"),
        (1.0, Some(0.00995), "1.000(10)", "1.000 ± 0.010"),
        (12345.6, Some(123.0), "12350(120)", "12350 ± 120"),
        (12.3, Some(4.56), "12.3(46)", "12.3 ± 4.6"),
        (0.0, Some(0.5), "0.00(50)", "0.00 ± 0.50"),
        (0.01, Some(3.0), "0.01(± 3)", "0.01 ± 3"),
        (1.5e-7, Some(2e-9), "1.500(20)e-7", "(1.500 ± 0.020)e-7"),
        (-2.5e8, Some(1e6), "2.500(10)e8", "(-2.500 ± 0.010)e8"),
        (28.0, None, "28", "28"),
        (-2.0 / 3.0, None, "0.666667", "-0.666667"),
        (999999.7, None, "1e6", "1e6"),
        (1.25e-9, None, "1.25e-9", "1.25e-9"),
        (5e-324, None, "4.94066e-324", "4.94066e-324"),
        (0.0, None, "0", "0"),
        (-0.4, Some(310.0), "0.4(± 310)", "-0.4 ± 310"),
        (1.2e6, Some(2.8e7), "1.2e6(± 2.8e7)", "1.2e6 ± 2.8e7"),
        // Of which zeros would be left.
        (-0.3, Some(310.0), "0.3(± 310)", "-0.3 ± 310"),
        (3174.94, Some(6.432e8), "3175(± 6.4e8)", "3175 ± 6.4e8"),
        (-1e15, Some(1.6e17), "1e15(± 1.6e17)", "-1e15 ± 1.6e17"),
        // Such an error is that of a number which nothing determines.
        (-453456.0, Some(7.7e28), "453456(± ∞)", "-453456 ± ∞"),
        // One that is zero but for rounding has an ordinary one.
        (-1e-12, Some(0.013), "1e-12(± 0.013)", "-1e-12 ± 0.013"),
        (0.0, Some(0.2), "0.00(20)", "0.00 ± 0.20"),
        (f64::NAN, Some(0.1), "NaN", "NaN"),
    ];
    for (value, error, compact, full) in cases {
        let rounded = round(value, error);
        assert_eq!((rounded.compact().as_str(), rounded.full().as_str()), (compact, full), "{value} ± {error:?}");
    }
    for error in [Some(0.0), Some(f64::NAN), Some(f64::INFINITY), Some(-1.0)] {
        assert_eq!(round(1.5, error).full(), "1.5", "an error of {error:?} is none");
    }
}

#[test]
fn values_among_samples_have_the_digits_that_noise_leaves() {
    for (value, noise, told) in [
        (1.00864, 0.0094, "1.009"),
        (1.00864, 0.0098, "1.01"),
        (-3.6e-8, 4.6e-7, "0"),
        (-0.31, 0.05, "-0.31"),
        (0.993, 3.0, "1"),
        (12345.6, 200.0, "12300"),
        (1.5, 1e-320, "1.5"),
        (f64::NAN, 0.1, "NaN"),
    ] {
        assert_eq!(by_noise(value, noise), told, "{value}, {noise}");
    }
}

#[test]
fn what_ran_away_is_above_its_value_and_its_start() {
    for (value, error, start, told) in [
        (2.0, 3e8, None, true),
        (2.0, 1e8, None, false),
        (0.0, 0.2, None, false),
        (1e-12, 0.2, Some(1.0), false),
        (1e-12, 0.2, Some(0.0), false),
        // A start says of what size a number is.
        (1e-12, 0.2, Some(1e-10), true),
        (1e-12, 3e8, Some(5.0), false),
        (1e-12, f64::NAN, None, false),
    ] {
        assert_eq!(ran_away(value, error, start), told, "{value} ± {error} from {start:?}");
    }
    let parameter = |undetermined: bool, ran_away: bool| {
        let of = Parameter { value: 1e-12, std_error: Some(1e9), undetermined, ran_away, ..Parameter::default() };
        of.rounded().full()
    };
    assert_eq!(parameter(true, true), "1e-12 ± ∞");
    assert_eq!([parameter(true, false), parameter(false, false)], ["1e-12 ± 1e9"; 2]);
}

/// What `± ∞` means is told of errors, not of a value without end.
#[test]
fn the_legend_of_endless_errors_stands_beside_these() {
    let of = |coefficient: f64, std_error: f64| {
        let term = Term { term: "x".into(), coefficient, std_error: Some(std_error), ..Term::default() };
        let equation = Equation { state: "x".into(), derivative: 1, terms: vec![term], ..Equation::default() };
        equations_text(&RunRecord { equations: vec![equation], ..RunRecord::default() })
    };
    let legend = "(± ∞: not determined by these data)";
    let infinite = of(f64::INFINITY, 0.1);
    assert!(infinite.contains('∞') && !infinite.contains(legend), "{infinite}");
    let away = of(-453456.0, 7.7e28);
    assert!(away.contains("(± ∞)*x") && away.contains(legend), "{away}");
}

#[test]
fn text_of_the_equations() {
    let mut record = record(10);
    record.equations.push(Equation { state: "theta".into(), derivative: 2, unit: None, terms: vec![] });
    record.equations.push(Equation {
        state: "w".into(),
        derivative: 1,
        unit: None,
        terms: (1..=9).map(|i| term(&format!("x^{i}*y"), f64::from(i) / 3.0, None)).collect(),
    });
    record.equations.push(Equation {
        state: "c".into(),
        derivative: 4,
        unit: None,
        terms: vec![term("1", -1.5e-7, 2e-9)],
    });
    insta::assert_snapshot!(equations_text(&record));
}

#[test]
fn equations_file_has_the_fields_and_their_order() {
    let mut record = record(3);
    record.equations.truncate(1);
    record.equations[0].terms[1].std_error = None;
    record.noise.truncate(1);
    record.parameters[0].value = f64::NAN;
    record.parameters[0].std_error = Some(f64::INFINITY);
    let file = EquationsFile::of(&record);
    let text = file.to_json().unwrap();
    insta::assert_snapshot!(text);
    let back = EquationsFile::from_json(&text).unwrap();
    assert!(back.parameters[0].value.is_nan());
    assert_eq!(back.parameters[0].std_error, Some(f64::INFINITY));
    assert_eq!(back.equations, file.equations);
    // The least that the schema asks for.
    let least = r#"{"schema":1,"model":"m","engine":"gradient","seed":1,"wall_seconds":2,"equations":[]}"#;
    assert_eq!(EquationsFile::from_json(least).unwrap().engine, Engine::Gradient);
}

#[test]
fn a_record_survives_json() {
    let mut record = record(20);
    // Numbers of up to 15 digits are read back exactly.
    let shorten = |v: &mut f64| *v = (*v * 1e6).round() / 1e6;
    record.loss.iter_mut().for_each(|p| shorten(&mut p.loss));
    record.loss[3].loss = f64::NEG_INFINITY;
    for s in &mut record.trajectories[0].states {
        s.data.iter_mut().chain(&mut s.solution).for_each(shorten);
    }
    for s in &mut record.trajectories[0].states {
        s.data.retain(|v| v.is_finite());
    }
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<RunRecord>(&text).unwrap(), record);
}

/// Checks that tags are balanced and attributes quoted, and gives the texts of a page back.
pub(super) fn well_formed(page: &str) {
    let body = page.strip_prefix("<!DOCTYPE html>").unwrap_or(page);
    let style = body.find("<style>").zip(body.find("</style>"));
    let body = match style {
        Some((from, to)) => format!("{}{}", &body[..from], &body[to + 8..]),
        None => body.to_owned(),
    };
    let mut open: Vec<String> = Vec::new();
    let mut rest = body.as_str();
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "a stray >: {}", &rest[..at]);
        let end = at + rest[at..].find('>').expect("a tag that is not closed");
        let tag = &rest[at + 1..end];
        assert!(!tag.contains('<'), "a tag in a tag: {tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes of <{tag}>");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split([' ', '\n']).next().unwrap().to_owned());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "open: {open:?}");
    for amp in body.match_indices('&') {
        let entity = body[amp.0..].split_inclusive(';').next().unwrap();
        assert!(["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"].contains(&entity), "{entity}");
    }
}

fn check_page(page: &str) {
    well_formed(page);
    for forbidden in ["http:", "https:", "//", "url(", "@import", "<script", "<link", "<img", "src=", "href=", "NaN"] {
        assert!(!page.contains(forbidden), "the page holds {forbidden}");
    }
}

#[test]
fn page_is_whole_and_needs_nothing_else() {
    let page = report_html(&record(4000));
    check_page(&page);
    for expected in
        ["Lorenz", "Phase portrait", "held out", "Plausible", "seed 7", "prefers-color-scheme:dark", "run.noise"]
    {
        assert!(page.contains(expected), "the page lacks {expected}");
    }
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
    assert_eq!(page.matches("<svg").count(), 3 + 3 + 1 + 3);
    if let Ok(path) = std::env::var("MECHC_SAMPLE_REPORT") {
        std::fs::write(path, page).unwrap();
    }
}

#[test]
fn pages_of_odd_records_are_whole() {
    check_page(&report_html(&RunRecord::default()));
    let mut odd = record(30);
    odd.trajectories[0].states.truncate(1);
    odd.trajectories[0].states[0].data.fill(f64::NAN);
    odd.trajectories[0].states[0].solution.fill(0.0);
    odd.trajectories.push(TrajectoryRecord::default());
    odd.trajectories = vec![odd.trajectories.clone(); 3].concat();
    odd.loss.iter_mut().for_each(|p| p.loss = f64::INFINITY);
    odd.equations[0].terms.clear();
    odd.equations[1].terms[0].std_error = Some(f64::INFINITY);
    odd.equations[1].derivative = 9;
    check_page(&report_html(&odd));
    odd.trajectories[0].states[0].solution = vec![1e308, -1e308, f64::INFINITY];
    odd.trajectories[0].held_out_from = Some(usize::MAX);
    check_page(&report_html(&odd));
}

#[test]
fn text_from_outside_cannot_leave_its_place() {
    let evil = "</title><script>alert(\"1\")</script>&'\u{202e}\u{0}";
    let mut record = record(30);
    let own = |s: &mut String| *s = evil.into();
    own(&mut record.model);
    own(&mut record.summary);
    own(&mut record.warnings[0]);
    own(&mut record.loss[0].phase);
    own(&mut record.metrics[0].name);
    own(&mut record.metrics[0].part);
    own(&mut record.noise[0].state);
    own(&mut record.parameters[0].name);
    own(&mut record.plausible[0].term);
    own(&mut record.plausible[0].state);
    own(&mut record.equations[0].state);
    own(&mut record.equations[0].terms[0].term);
    own(&mut record.trajectories[0].name);
    own(&mut record.trajectories[0].states[0].state);
    record.settings = vec![(evil.into(), evil.into())];
    record.versions = vec![(evil.into(), evil.into())];
    let page = report_html(&record);
    check_page(&page.replace("&lt;/title&gt;&lt;script&gt;alert", ""));
    assert!(!page.contains('\u{202e}') && !page.contains('\u{0}'));
    assert_eq!(escape("a<b & \"c\" 'd'"), "a&lt;b &amp; &quot;c&quot; &#39;d&#39;");
}

#[test]
fn long_lists_of_names_are_cut() {
    let names: Vec<String> = (1..=1000).map(|k| format!("u[{k}]")).collect();
    assert_eq!(super::first_names(&names), "u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8] and 992 others");
    assert_eq!(super::first_names(&["x", "y"]), "x, y");
}

/// Keeps what it is given.
#[derive(Default)]
struct Kept {
    terminal: bool,
    lines: Vec<String>,
}

impl ProgressSink for Kept {
    fn is_terminal(&self) -> bool {
        self.terminal
    }
    fn width(&self) -> usize {
        80
    }
    fn redraw(&mut self, line: &str) {
        self.lines.push(format!("~{line}"));
    }
    fn line(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }
}

#[test]
fn progress_is_sparse_in_a_pipe_and_a_bar_on_a_terminal() {
    let at = |done: u64, seconds: f64, phase: &str| Progress {
        phase: phase.into(),
        done,
        total: Some(500),
        loss: Some(12.3456 / (1 + done) as f64),
        note: "terms 9".into(),
        elapsed: Duration::from_secs_f64(seconds),
    };
    let mut out = String::new();
    for terminal in [false, true] {
        let mut reporter = Reporter::new(Kept { terminal, ..Kept::default() });
        for i in 0..=500u64 {
            reporter.update(&at(i, i as f64 * 0.025, if i < 300 { "fit" } else { "prune" }));
        }
        reporter.finish(&at(500, 12.5, "prune"));
        let lines = reporter.into_sink().lines;
        assert!(lines.iter().all(|l| l.chars().count() <= 80), "{lines:?}");
        let step = if terminal { 31 } else { 1 };
        out.push_str(&lines.iter().step_by(step).map(|l| format!("{l}\n")).collect::<String>());
    }
    let open = Progress { total: None, ..at(10, 1.0, "search") };
    out.push_str(&format!("{}\n{}\n{}", open.bar(79), at(10, 1.0, "fit").bar(30), at(900, 1.0, "fit").bar(79)));
    insta::assert_snapshot!(out);
}

//! How time and memory of relaxed solves grow with steps and systems: blocks of 3 with matrices of their own, forward and backward together.
//!
//! `cargo bench --bench growth -- [--threads N] [--svg FILE]` (two threads, no plot) prints one JSON object for each size, and for each of the two
//! growths one with its fitted exponents, and plots the times. A time is the median over rounds of the mean of a round: all sizes of a round follow one another, so that
//! what other machines take of the cores, which comes and goes within tenths of a second, is taken of all of them alike. Each size is a process of its own with its
//! peak resident memory (Linux alone tells it); the exponent of memory is that of what is above the smallest size's.

mod common;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use common::{median, published, repeats};

/// Systems whose steps grow, and steps of which the systems grow.
const SYSTEMS: usize = 64;
const STEPS: usize = 100;
/// Half decades, and factors of four.
const GROWING_STEPS: [usize; 7] = [100, 316, 1_000, 3_162, 10_000, 31_623, 100_000];
const GROWING_SYSTEMS: [usize; 6] = [64, 256, 1_024, 4_096, 16_384, 65_536];
/// Times that a size is measured.
const ROUNDS: usize = 7;
/// How long it is measured then, and how many repeats that are at least.
const SECONDS: f64 = 0.5;
const LEAST: usize = 2;

/// What a size took.
struct Point {
    size: f64,
    ms: f64,
    bytes: f64,
}

/// What the command line asks for.
struct Asked {
    threads: usize,
    /// The file to plot to.
    svg: Option<PathBuf>,
    /// One size alone, systems and steps: what the processes are called with that measure the sizes.
    one: Option<(usize, usize)>,
}

/// Reads the command line, all of it, before anything is measured: that takes minutes.
fn asked(mut arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let (mut threads, mut svg, mut batch, mut steps) = (2, None, None, None);
    while let Some(name) = arguments.next() {
        // `cargo bench` adds `--bench`.
        if name == "--bench" {
            continue;
        }
        if !["--threads", "--svg", "--batch", "--steps"].contains(&name.as_str()) {
            return Err(format!("there is no option `{name}`: give `--threads N` or `--svg FILE`"));
        }
        let value = arguments.next().filter(|value| !value.starts_with("--"));
        let value = value.ok_or_else(|| format!("`{name}` has no value"))?;
        let number = || match value.parse::<usize>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(format!("`{name}` is `{value}`: give a whole number of 1 or more")),
        };
        match name.as_str() {
            "--threads" => threads = number()?,
            "--batch" => batch = Some(number()?),
            "--steps" => steps = Some(number()?),
            _ => {
                let path = PathBuf::from(&value);
                if path.parent().is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
                    return Err(format!("`{value}` lies in a folder that does not exist"));
                }
                svg = Some(path);
            }
        }
    }
    match (batch, steps) {
        (Some(_), None) | (None, Some(_)) => Err("`--batch` and `--steps` are one size together: give both".into()),
        (batch, steps) => Ok(Asked { threads, svg, one: batch.zip(steps) }),
    }
}

fn main() -> ExitCode {
    let Asked { threads, svg, one: alone } = match asked(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(wrong) => {
            eprintln!("error: {wrong}");
            return ExitCode::from(2);
        }
    };
    if let Some((batch, steps)) = alone {
        return one(batch, steps, threads);
    }
    let growths = [
        ("steps", GROWING_STEPS.map(|steps| ((SYSTEMS, steps), steps)).to_vec()),
        ("systems", GROWING_SYSTEMS.map(|batch| ((batch, STEPS), batch)).to_vec()),
    ];
    let mut plot = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 300\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
    );
    for (panel, (name, sizes)) in growths.iter().enumerate() {
        let Some(points) = measured(sizes, threads) else {
            eprintln!("a size could not be measured");
            return ExitCode::FAILURE;
        };
        let time = exponent(points.iter().map(|p| (p.size, p.ms)));
        // The program itself takes some megabytes, of which the smallest sizes are lost.
        let base = points[0].bytes;
        let large = points.iter().filter(|p| p.bytes > 4.0 * base).map(|p| (p.size, p.bytes - base));
        let memory = exponent(large);
        println!("{}", serde_json::json!({ "growth": name, "time": time, "memory": memory }));
        let title = match *name {
            "steps" => format!("steps, {SYSTEMS} systems (exponent {time:.3}; dashed: 1)"),
            _ => format!("systems, {STEPS} steps (exponent {time:.3}; dashed: 1)"),
        };
        draw(&mut plot, panel, &title, &points);
    }
    plot.push_str("</svg>\n");
    match svg.map(|path| std::fs::write(path, plot)) {
        Some(Err(error)) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Measures one size in this process: the mean of its repeats.
fn one(batch: usize, steps: usize, threads: usize) -> ExitCode {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
    match pool.install(|| repeats(&published(batch, 1, steps, false, threads), SECONDS, LEAST)) {
        Ok(all) => {
            let ms = all.iter().map(common::Repeat::sum).sum::<f64>() / all.len() as f64;
            let bytes = peak_bytes().unwrap_or(0);
            println!("{}", serde_json::json!({ "batch": batch, "steps": steps, "ms": ms, "peak_bytes": bytes }));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Every size with the median of its rounds; none where one could not be measured.
fn measured(sizes: &[((usize, usize), usize)], threads: usize) -> Option<Vec<Point>> {
    let rounds: Vec<Vec<Point>> = (0..ROUNDS)
        .map(|_| sizes.iter().map(|&(both, size)| child(both, size, threads)).collect::<Option<_>>())
        .collect::<Option<_>>()?;
    let of_size = |i: usize, number: fn(&Point) -> f64| median(rounds.iter().map(|round| number(&round[i])).collect());
    let point = |(i, &(_, size))| Point { size: size as f64, ms: of_size(i, |p| p.ms), bytes: of_size(i, |p| p.bytes) };
    Some(sizes.iter().enumerate().map(point).collect())
}

/// The most resident memory that this process had, where the system says so.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// Measures one size in another process.
fn child((batch, steps): (usize, usize), size: usize, threads: usize) -> Option<Point> {
    let mut command = Command::new(std::env::current_exe().ok()?);
    for (name, value) in [("--batch", batch), ("--steps", steps), ("--threads", threads)] {
        command.arg(name).arg(value.to_string());
    }
    let output = command.output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    print!("{text}");
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(Point { size: size as f64, ms: value["ms"].as_f64()?, bytes: value["peak_bytes"].as_f64()? })
}

/// The slope of the straight line through the logarithms, least squares; no number for fewer than two points.
fn exponent(points: impl Iterator<Item = (f64, f64)>) -> f64 {
    let logs: Vec<(f64, f64)> = points.map(|(x, y)| (x.ln(), y.ln())).collect();
    let n = logs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / n;
    let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    covariance / logs.iter().map(|(x, _)| (x - mx).powi(2)).sum::<f64>()
}

/// One of the two plots, with logarithmic axes of 0.01 to 1000 ms.
fn draw(plot: &mut String, panel: usize, title: &str, points: &[Point]) {
    let (left, top, width, height) = (60.0 + 310.0 * panel as f64, 30.0, 230.0, 220.0);
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
    let x = |size: f64| left + width * (size / first.size).ln() / (last.size / first.size).ln();
    let y = |ms: f64| top + height * (1.0 - (ms / 0.01).log10() / 5.0);
    let mut line = |text: String| {
        let _ = writeln!(plot, "{text}");
    };
    line(format!(r##"<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#888"/>"##));
    for decade in -2..=3 {
        let (at, right) = (y(10f64.powi(decade)), left + width);
        let label = 10f64.powi(decade);
        line(format!(
            r##"<text x="{:.1}" y="{:.1}" text-anchor="end">{label} ms</text><line x1="{left}" x2="{right}" y1="{at:.1}" y2="{at:.1}" stroke="#ddd"/>"##,
            left - 4.0,
            at + 4.0
        ));
    }
    let mut path = String::new();
    for point in points {
        let (px, py) = (x(point.size), y(point.ms));
        let _ = write!(path, "{px:.1},{py:.1} ");
        line(format!(r##"<circle cx="{px:.1}" cy="{py:.1}" r="3" fill="#1f77b4"/>"##));
        line(format!(r#"<text x="{px:.1}" y="264" text-anchor="middle" font-size="9">{}</text>"#, point.size));
    }
    line(format!(r##"<polyline fill="none" stroke="#1f77b4" stroke-width="2" points="{}"/>"##, path.trim_end()));
    let proportional = first.ms * last.size / first.size;
    line(format!(
        r##"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="#d62728" stroke-dasharray="4"/>"##,
        x(first.size),
        y(first.ms),
        x(last.size),
        y(proportional)
    ));
    line(format!(r#"<text x="{:.1}" y="20" text-anchor="middle">{title}</text>"#, left + width / 2.0));
}

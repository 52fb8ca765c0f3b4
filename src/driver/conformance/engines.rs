//! Fits of both engines on the processor and on the device.

use super::judge::worst;
use super::models::world;
use super::report::Verdict;
use crate::diagnostics::Format;
use crate::driver::failure::Failure;
use crate::driver::run::{Outcome, RunOptions};
use crate::driver::session::Session;
use crate::driver::target::Target;
use crate::report::OutputError;
use crate::runtime::Threads;
use crate::runtime::cuda::DeviceChoice;
use crate::source::Sources;
use crate::train::Silent;

/// Fits that are compared: example, settings that make it short, tolerance of what is compared. Rounding errors grow from step to
/// step and from solve to solve, and the networks are in single precision.
const FITS: &[(&str, &[&str], f64)] =
    &[("lorenz.mech", &[], 1e-8), ("two_body.mech", &[], 1e-8), ("lorenz_encoder.mech", &["fit.steps=3"], 1e-3)];

/// Compares losses and equations of whole fits.
pub fn check(target: &Target, threads: &Threads, filter: &str, tell: &mut dyn FnMut(Verdict)) -> Result<(), Failure> {
    let Target::Device { device, products, .. } = target else { return Ok(()) };
    for (file, overrides, tolerance) in FITS {
        let name = format!("{file}: fit");
        if !name.contains(filter) {
            continue;
        }
        let on = |choice| -> Result<(Outcome, f64), Failure> {
            let folder = tempfile::tempdir().map_err(|source| OutputError::Create { path: "run".into(), source })?;
            let options = RunOptions {
                overrides: overrides.iter().map(|s| (*s).to_string()).collect(),
                out: Some(folder.path().join("run")),
                threads: threads.count(),
                device: choice,
                products: *products,
                ..RunOptions::default()
            };
            let begun = std::time::Instant::now();
            let outcome = Session::new(world()).run(file, &options, &mut Silent)?.into_iter().next();
            let outcome = outcome.ok_or_else(|| Failure::Internal(format!("`{file}` fits nothing")))?;
            Ok((outcome, begun.elapsed().as_secs_f64() * 1e3))
        };
        let (host, host_ms) = on(DeviceChoice::Cpu)?;
        let mut verdict = Verdict::new(&name, *tolerance);
        verdict.host_ms = Some(host_ms);
        let place = DeviceChoice::Cuda(device.info().index);
        match on(place).and_then(|first| Ok((first, on(place)?))) {
            Ok(((first, _), (second, device_ms))) => {
                let (expected, found, again) = (numbers(&host), numbers(&first), numbers(&second));
                // Each number counts on its own: coefficients are of all sizes.
                let pairs = expected.iter().zip(&found);
                verdict.error = pairs.map(|(e, f)| worst(&[*e], &[*f])).fold(worst(&expected, &found), f64::max);
                verdict.repeatable = found.iter().map(|x| x.to_bits()).eq(again.iter().map(|x| x.to_bits()));
                verdict.device_ms = Some(device_ms);
            }
            Err(failure) => verdict.fault = Some(failure.render(&Sources::default(), Format::Short).trim().to_string()),
        }
        tell(verdict);
    }
    Ok(())
}

/// Losses and coefficients.
fn numbers(outcome: &Outcome) -> Vec<f64> {
    let record = &outcome.record;
    let losses = record.loss.iter().map(|p| p.loss);
    let coefficients = record.equations.iter().flat_map(|e| e.terms.iter().map(|t| t.coefficient));
    losses.chain(coefficients).chain(record.parameters.iter().map(|p| p.value)).collect()
}

//! One case on the processor and on the device.

use std::sync::Arc;
use std::time::Instant;

use super::cases::Case;
use super::report::Verdict;
use crate::artifact::device::DeviceProgram;
use crate::base::Tensor;
use crate::codegen;
use crate::driver::failure::Failure;
use crate::driver::target::Target;
use crate::runtime::cuda::DeviceExecutable;
use crate::runtime::{Executable, RuntimeError, TensorView, TensorViewMut, Threads};

/// Relative to the largest number of a result. In single precision sums of a thousand products are rounded in another order, and the
/// network's later layers see the differences of the earlier ones: 2e-6 was seen on the examples.
pub fn tolerance(single: bool) -> f64 {
    if single { 1e-5 } else { 1e-10 }
}

/// The largest difference between two results relative to the largest number of the first. A number that only one of them has
/// is infinitely wrong.
pub fn worst(expected: &[f64], found: &[f64]) -> f64 {
    if expected.len() != found.len() {
        return f64::INFINITY;
    }
    let scale = expected.iter().filter(|x| x.is_finite()).fold(0.0_f64, |m, x| m.max(x.abs()));
    let difference = |(e, f): (&f64, &f64)| match (e - f).abs() {
        d if d == 0.0 || (e.is_nan() && f.is_nan()) || e == f => 0.0,
        d if d.is_finite() && scale > 0.0 => d / scale,
        _ => f64::INFINITY,
    };
    expected.iter().zip(found).map(difference).fold(0.0, f64::max)
}

/// Runs a case on both.
pub fn judge(case: &Case, target: &Target, threads: &Threads) -> Result<Verdict, Failure> {
    let name = &case.program.entry.name;
    let views: Vec<TensorView<'_>> = case.arguments.iter().map(TensorView::from).collect();
    let artifact = codegen::host::compile("conformance", vec![case.program.clone()])
        .map_err(|e| Failure::Internal(e.to_string()))?;
    let mut host = Executable::new(&artifact, name, threads.clone()).map_err(internal)?;
    let expected = host.run(&views).map_err(internal)?;
    let begun = Instant::now();
    host.run(&views).map_err(internal)?;
    let host_ms = begun.elapsed().as_secs_f64() * 1e3;
    let mut verdict = Verdict::new(&case.name, tolerance(case.single()));
    verdict.host_ms = Some(host_ms);
    let program = Arc::new(case.device_program());
    match on_device(program, target, &views, &expected) {
        Ok(runs) => {
            let numbers: Vec<(Vec<f64>, &Vec<f64>)> = expected.iter().map(Tensor::to_f64).zip(&runs.first).collect();
            let found: Vec<f64> = match &case.golden {
                Some(golden) => golden.results.iter().zip(&runs.first).map(|(e, f)| worst(e, f)).collect(),
                None => numbers.iter().map(|(e, f)| worst(e, f)).collect(),
            };
            let allowed = case.tolerances(&expected, threads)?;
            // Published numbers have rounding errors of their own, which both places leave out.
            let both = case.golden.is_some() && !case.single_solve();
            let parity = numbers.iter().filter(|_| both).map(|(e, f)| (worst(e, f), tolerance(false)));
            // The result that is farthest in units of what it may be.
            let worse = |x: (f64, f64), y: (f64, f64)| if y.0 / y.1 > x.0 / x.1 { y } else { x };
            let none = (0.0, verdict.tolerance);
            (verdict.error, verdict.tolerance) = found.into_iter().zip(allowed).chain(parity).fold(none, worse);
            let bits = |all: &[Vec<f64>]| all.iter().flatten().map(|x| x.to_bits()).collect::<Vec<_>>();
            verdict.repeatable = bits(&runs.first) == bits(&runs.second);
            (verdict.compile_ms, verdict.device_ms) = (Some(runs.compile_ms), Some(runs.last_ms));
        }
        Err(error) => verdict.fault = Some(error.to_string()),
    }
    Ok(verdict)
}

struct Runs {
    first: Vec<Vec<f64>>,
    second: Vec<Vec<f64>>,
    compile_ms: f64,
    last_ms: f64,
}

/// Three calls: step by step, recorded, replayed. The last two are compared with the first.
fn on_device(
    program: Arc<DeviceProgram>,
    target: &Target,
    views: &[TensorView<'_>],
    like: &[Tensor],
) -> Result<Runs, RuntimeError> {
    let Target::Device { device, products, cache } = target else {
        return Err(RuntimeError::NoEntry { name: "a device".to_string() });
    };
    let begun = Instant::now();
    // Contracted operations would round differently from the processor's.
    let mut executable = DeviceExecutable::new(device, program, (false, *products), cache)?;
    let compile_ms = begun.elapsed().as_secs_f64() * 1e3;
    let mut call = || -> Result<(Vec<Vec<f64>>, f64), RuntimeError> {
        let mut results: Vec<Tensor> = like.iter().map(|t| Tensor::zeros(t.elem(), t.shape().to_vec())).collect();
        let shapes: Vec<Vec<usize>> = like.iter().map(|t| t.shape().to_vec()).collect();
        let mut outs: Vec<TensorViewMut<'_>> =
            results.iter_mut().zip(&shapes).map(|(t, s)| TensorViewMut::of(s, t.data_mut())).collect();
        let begun = Instant::now();
        executable.call(views, &mut outs)?;
        let took = begun.elapsed().as_secs_f64() * 1e3;
        drop(outs);
        Ok((results.iter().map(Tensor::to_f64).collect(), took))
    };
    let (first, _) = call()?;
    let (second, _) = call()?;
    let (third, last_ms) = call()?;
    let same = second.iter().flatten().zip(third.iter().flatten()).all(|(a, b)| a.to_bits() == b.to_bits());
    Ok(Runs { first, second: if same { second } else { third }, compile_ms, last_ms })
}

fn internal(error: RuntimeError) -> Failure {
    Failure::Internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_relative_to_the_largest_number() {
        assert_eq!(worst(&[2.0, -4.0], &[2.0, -4.0]), 0.0);
        assert_eq!(worst(&[2.0, -4.0], &[2.5, -4.0]), 0.125);
        assert_eq!(worst(&[f64::NAN], &[f64::NAN]), 0.0);
        assert_eq!(worst(&[1.0], &[f64::NAN]), f64::INFINITY);
        assert_eq!(worst(&[f64::NAN, 1.0], &[1.0, 1.0]), f64::INFINITY);
        assert_eq!(worst(&[0.0], &[1e-300]), f64::INFINITY);
        assert_eq!(worst(&[1.0], &[]), f64::INFINITY);
    }
}

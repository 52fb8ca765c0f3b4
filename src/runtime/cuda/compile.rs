//! Source to machine code for one architecture, through the cache.

use super::cache::{Cache, Entry};
use super::{DeviceError, nvrtc};

/// How source is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileOptions {
    /// The architecture, such as 90 for `sm_90`.
    pub architecture: u32,
    /// Whether a product and a sum may be rounded once instead of twice: faster, and closer to the exact result, but not the
    /// host's bits.
    pub contract: bool,
}

/// Machine code for one architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// The code, in the driver's format.
    pub cubin: Vec<u8>,
    /// The architecture that it is for: that asked for, or an [older one](compiled_as) whose code runs on it.
    pub architecture: u32,
    /// What the compiler said; [`kernel_usage`](super::kernel_usage) reads it.
    pub log: String,
    /// Whether it was in the cache.
    pub cached: bool,
}

impl CompileOptions {
    fn flags(&self, architecture: u32) -> Vec<String> {
        vec![
            format!("--gpu-architecture=sm_{architecture}"),
            format!("--fmad={}", self.contract),
            "--std=c++17".to_string(),
            // The report of registers and spills.
            "--ptxas-options=-v".to_string(),
        ]
    }
}

/// Compiles `source`, called `name` in messages, unless `cache` has it.
///
/// # Errors
/// [`DeviceError::NoCompiler`], [`DeviceError::Architecture`], [`DeviceError::Compile`].
pub fn compile(name: &str, source: &str, options: &CompileOptions, cache: &Cache) -> Result<Compiled, DeviceError> {
    let (major, minor) = nvrtc::version()?;
    let architecture = compiled_as(options.architecture)?;
    let flags = options.flags(architecture);
    let key = format!("NVRTC {major}.{minor}\n{}\n{source}", flags.join(" "));
    if let Some(Entry { cubin, log }) = cache.find(&key) {
        return Ok(Compiled { cubin, architecture, log, cached: true });
    }
    let built = nvrtc::build(name, source, &flags)?;
    let entry = Entry { cubin: built.cubin, log: built.log };
    cache.keep(&key, &entry);
    Ok(Compiled { cubin: entry.cubin, architecture, log: entry.log, cached: false })
}

/// The architecture that code for `wanted` is made for: itself, or the nearest older one that the compiler knows and whose code runs on it.
///
/// # Errors
/// [`DeviceError::NoCompiler`], [`DeviceError::Architecture`].
pub fn compiled_as(wanted: u32) -> Result<u32, DeviceError> {
    let (major, minor) = nvrtc::version()?;
    let known = nvrtc::architectures()?;
    best(wanted, &known).ok_or_else(|| DeviceError::Architecture {
        architecture: format!("sm_{wanted}"),
        version: format!("{major}.{minor}"),
        known: known.iter().map(|a| format!("sm_{a}")).collect::<Vec<_>>().join(", "),
    })
}

/// The architecture itself, or the nearest older one whose code runs on it: one with the same major number.
fn best(wanted: u32, known: &[u32]) -> Option<u32> {
    known.iter().copied().filter(|a| a / 10 == wanted / 10 && *a <= wanted).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_of_an_older_minor_version_will_do() {
        let known = [70, 75, 80, 86, 90];
        assert_eq!(best(90, &known), Some(90));
        assert_eq!(best(89, &known), Some(86));
        assert_eq!(best(100, &known), None);
        assert_eq!(best(61, &known), None);
    }
}
